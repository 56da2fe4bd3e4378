//! What a session makes of what is refused: the log, a record where it was of lists, and an end to a session that brings nothing
//! else.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use varde_common::codec::Text;
use varde_common::id::Revision;
use varde_common::record::SensorEvent;

use super::LinkError;
use super::desk::Desk;
use crate::io::clock;
use crate::io::disk::keeper::Order;
use crate::limits::REFUSALS_LOOK_EVERY_S;
use crate::refusals::{Refusals, Sort};

impl Desk {
    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A list was refused, or a word of which channel to follow; the number it claimed, 0 where it has none.
    pub(super) async fn list_refused(&self, revision: Revision, why: &str) -> Result<(), LinkError> {
        self.list_refused.send_replace(Some((revision, why.to_owned())));
        let told = self.refusals().handle_refused(Sort::Lists, why, clock::monotonic());
        match told {
            Some(why) => self.tell_list_refused(revision, &why).await?,
            None => tracing::debug!(%revision, "a list was refused: {why}"),
        }
        self.bears()
    }

    async fn tell_list_refused(&self, revision: Revision, why: &str) -> Result<(), LinkError> {
        tracing::warn!(%revision, "a list was refused: {why}");
        self.order(Order::Event(SensorEvent::ListRefused { revision, why: Text::cut(why) })).await
    }

    /// Something else was refused.
    pub(super) fn refused(&self, why: &str) -> Result<(), LinkError> {
        let told = self.refusals().handle_refused(Sort::Others, why, clock::monotonic());
        match told {
            Some(why) => tracing::warn!("{why}"),
            None => tracing::debug!("{why}"),
        }
        self.bears()
    }

    /// The collector has made work that it should rarely make.
    ///
    /// # Errors
    /// Where it makes too much: the session is to end.
    pub(super) fn bears(&self) -> Result<(), LinkError> {
        if self.refusals().bears(clock::monotonic()) { Ok(()) } else { Err(LinkError::RefusedTooOften) }
    }

    /// What was refused and not told yet is told once it may be, also while nothing more is.
    pub async fn tell_of_refusals(&self) {
        loop {
            sleep(Duration::from_secs(REFUSALS_LOOK_EVERY_S)).await;
            let (lists, others) = {
                let (mut refusals, now) = (self.refusals(), clock::monotonic());
                (refusals.poll(Sort::Lists, now), refusals.poll(Sort::Others, now))
            };
            if let Some(why) = others {
                tracing::warn!("{why}");
            }
            if let Some(why) = lists
                && self.tell_list_refused(Revision(0), &why).await.is_err()
            {
                // The spool is gone: the process is ending, and says why elsewhere.
                return std::future::pending().await;
            }
        }
    }
}
