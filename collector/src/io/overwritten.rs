//! The database's log is emptied of what was deleted: at once where nobody reads, else as soon as nobody does.

use std::path::PathBuf;

use super::{clock, unfinished};
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

/// Goes on for as long as the collector runs, and with the certificates that wait for it.
pub async fn go_on(data: PathBuf, store: Store) {
    let mut told = None;
    loop {
        match look(&store).await {
            Ok(true) => {
                let wrong = match unfinished::finish(&data, &store, clock::now()).await {
                    Ok(0) => None,
                    Ok(certificates) => {
                        tracing::info!(
                            certificates,
                            "a leaving is finished: its certificate says that all is overwritten"
                        );
                        None
                    }
                    Err(error) => Some(error.to_string()),
                };
                // Once, and not every few seconds for as long as nobody mends it.
                if wrong != told {
                    if let Some(why) = &wrong {
                        tracing::warn!("a certificate of deletion is not written anew: {why}");
                    }
                    told = wrong;
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!("what was deleted is still in the database's log: {error}"),
        }
        tokio::time::sleep(LOG_EMPTIED_EVERY).await;
    }
}

/// Takes what was deleted out of the log, where anything is. Gives whether nothing is left there.
async fn look(store: &Store) -> Result<bool, StoreError> {
    if !store.log_holds_deleted(Scope::Operator).await? {
        return Ok(true);
    }
    let done = store.empty_log().await?;
    if done {
        tracing::info!("what was deleted is gone from the database's log too");
    }
    Ok(done)
}
