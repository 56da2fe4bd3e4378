//! Wrong attempts to come in stand in the audit, summed up ([`crate::account::wrong`]). They are noted beside the answer: how long that takes
//! tells nobody whether there is such an account.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use varde_common::time::Timestamp;

use super::gate::threshold;
use super::web::{Shared, stopped};
use crate::account::wrong::{Attempt, Next, Sum, Way, Wrong};
use crate::audit::{Deed, On};
use crate::limits::people::WRONG_NOTED_EVERY;

/// Who does it, as the audit says it.
const NOBODY: &str = "nobody signed in";

/// Those that are summed up.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<Wrong>);

impl Attempts {
    fn handle<T>(&self, doing: impl FnOnce(&mut Wrong) -> T) -> T {
        doing(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn note(shared: &Shared, sum: &Sum, now: Timestamp) {
    let on = On::Thing("the pages".to_owned());
    let deed = Deed::new(NOBODY.to_owned(), "sign in refused", on, now).was("").becomes(sum.words());
    if let Err(error) = shared.store.note(&deed).await {
        tracing::warn!("wrong attempts to come in could not be noted in the audit: {error}");
        shared.handle_unwritten(&error);
    }
}

/// Tells of an attempt, or has it told with others.
async fn sum_up(shared: &Shared, attempt: Attempt<'_>) {
    let Next::Tell(first) = shared.wrong.handle(|wrong| wrong.handle(attempt)) else { return };
    note(shared, &first, (shared.clock)()).await;
    let mut stop = shared.stop.clone();
    loop {
        let ends = tokio::select! {
            () = tokio::time::sleep(WRONG_NOTED_EVERY) => false,
            () = stopped(&mut stop) => true,
        };
        let Some(sum) = shared.wrong.handle(Wrong::handle_time) else { return };
        note(shared, &sum, (shared.clock)()).await;
        if ends {
            return;
        }
    }
}

/// Somebody gave what is wrong under a name, or came too often.
pub(super) fn handle(shared: &Arc<Shared>, name: &str, from: IpAddr, turned_away: bool) {
    let (shared, name) = (Arc::clone(shared), name.to_owned());
    tokio::spawn(async move {
        let known = match shared.store.credentials(threshold(), &name).await {
            Ok(known) => known.map(|known| known.name),
            Err(error) => {
                shared.store.handle_error(&error);
                None
            }
        };
        sum_up(&shared, Attempt { way: Way::Name(known.as_deref()), from, turned_away }).await;
    });
}

/// Somebody came from the operator's provider and is not let in, or came so too often.
pub(super) fn handle_at_provider(shared: &Arc<Shared>, from: IpAddr, turned_away: bool) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        sum_up(&shared, Attempt { way: Way::Provider, from, turned_away }).await;
    });
}
