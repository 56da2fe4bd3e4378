//! The database's log is emptied of what was deleted: at once where nobody reads, else as soon as nobody does.

use crate::limits::{LOG_EMPTIED_EVERY, LOG_TRIED_AGAIN_AFTER, LOG_TRIES};
use crate::store::{Scope, Store, StoreError};

/// Tries for some seconds. Gives whether nothing of what was deleted is left in the log; where something is, the running collector
/// goes on, or the next that is started.
///
/// # Errors
/// The database's own.
pub async fn empty_log(store: &Store) -> Result<bool, StoreError> {
    for _ in 0..LOG_TRIES {
        if store.empty_log().await? {
            return Ok(true);
        }
        tokio::time::sleep(LOG_TRIED_AGAIN_AFTER).await;
    }
    store.empty_log().await
}

/// Goes on for as long as the collector runs.
pub async fn go_on(store: Store) {
    loop {
        let done = match store.log_holds_deleted(Scope::Operator).await {
            Ok(true) => store.empty_log().await,
            Ok(false) => Ok(false),
            Err(error) => Err(error),
        };
        match done {
            Ok(true) => tracing::info!("what was deleted is gone from the database's log too"),
            Ok(false) => {}
            Err(error) => tracing::warn!("what was deleted is still in the database's log: {error}"),
        }
        tokio::time::sleep(LOG_EMPTIED_EVERY).await;
    }
}
