//! Whether the audit is whole, for its page: looked at once in so long, by one at a time, however many ask; who asks meanwhile is told what
//! was last found.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as Turn;
use tokio::time::timeout;
use varde_common::time::Timestamp;

use crate::audit::{Sound, Wrong};
use crate::limits::people::{AUDIT_VERIFIED_EVERY, AUDIT_VERIFIED_WITHIN};
use crate::store::{Scope, Store};

/// What was found, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// When it was looked.
    pub at: Timestamp,
    /// What of.
    pub found: Result<Sound, Wrong>,
}

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    last: Arc<Mutex<Option<Verified>>>,
    turn: Arc<Turn<()>>,
}

impl Chain {
    fn last(&self) -> Option<Verified> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was found within the last minutes, or is found within a moment; none while it is being looked at for the first time.
    pub async fn look(&self, store: &Store, now: Timestamp) -> Option<Verified> {
        let is_new = move |last: &Verified| last.at <= now && now.since(last.at) < AUDIT_VERIFIED_EVERY;
        if let Some(last) = self.last().filter(is_new) {
            return Some(last);
        }
        let (own, store) = (self.clone(), store.clone());
        let looking = tokio::spawn(async move {
            let _turn = own.turn.lock().await;
            // Whoever waited for their turn has it from who had it before.
            if own.last().as_ref().is_some_and(is_new) {
                return;
            }
            match store.verify_audit(Scope::Operator, None, now, |_| {}).await {
                Ok(found) => {
                    if let Err(wrong) = &found {
                        tracing::error!("the audit is not whole: {wrong}");
                    }
                    *own.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Verified { at: now, found });
                }
                Err(error) => {
                    tracing::error!("whether the audit is whole could not be seen: {error}");
                    store.handle_error(&error);
                }
            }
        });
        // It goes on where it takes longer; its answer is there for who asks next.
        let _ = timeout(AUDIT_VERIFIED_WITHIN, looking).await;
        self.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Deed, On};
    use crate::store::fixture::{Fixture, NOW};

    #[tokio::test]
    async fn w2_the_page_is_told_that_it_is_whole_and_the_first_that_is_wrong() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        for n in 1..=3 {
            store.note(&Deed::new("kari".to_owned(), "member set", On::Everybody, Timestamp(NOW.0 + n))).await.unwrap();
        }
        let chain = Chain::default();
        let first = chain.look(store, NOW.plus(AUDIT_VERIFIED_EVERY)).await.unwrap();
        let sound = first.found.clone().unwrap();
        assert_eq!((sound.entries, sound.last), (3, 3));
        fixture.run("UPDATE audit SET who = 'ola' WHERE seq = 2").await;
        let same = chain.look(store, NOW.plus(AUDIT_VERIFIED_EVERY)).await.unwrap();
        assert_eq!(same, first, "not at every look");
        let later = NOW.plus(AUDIT_VERIFIED_EVERY).plus(AUDIT_VERIFIED_EVERY);
        assert_eq!(chain.look(store, later).await.unwrap().found, Err(Wrong::Changed { seq: 2 }));
    }
}
