//! Removes, now and then, what is older than is kept: from the database, and of what restores and upgrades set aside.

use std::path::PathBuf;

use varde_common::time::Timestamp;

use super::directory;
use super::serve::UPGRADE_COPY_KEPT;
use super::{clock, outlived};
use crate::limits::RETENTION_EVERY;
use crate::store::retention::Forgotten;
use crate::store::upgrade::COPY_PREFIX;
use crate::store::{Scope, Store};

/// Removes it for as long as it is polled. Not at once: who started it with a clock that is years ahead has time to see it.
pub async fn go_on(data: PathBuf, store: Store) {
    loop {
        tokio::time::sleep(RETENTION_EVERY).await;
        match store.forget_heartbeats(clock::now()).await {
            Ok(0) => {}
            Ok(gone) => {
                tracing::debug!(gone, "heartbeats and events of sensors were older than is kept, and are removed")
            }
            Err(error) => tracing::warn!("heartbeats that are older than is kept are not removed: {error}"),
        }
        match store.forget_found(clock::now()).await {
            Ok(gone) if gone == Forgotten::default() => {}
            Ok(Forgotten { alerts, records, drawn, others }) => {
                tracing::info!(alerts, records, drawn, others, "what was found 13 months ago is numbers now");
            }
            Err(error) => tracing::warn!("what was found longer ago than is kept is not removed: {error}"),
        }
        match store.forget_audit(clock::now()).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "entries of the audit were older than is kept, and are removed"),
            Err(error) => tracing::warn!("entries of the audit that are older than is kept are not removed: {error}"),
        }
        match store.forget_publishing(clock::now()).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "notes of who published what were older than is kept, and are removed"),
            Err(error) => {
                tracing::warn!("notes of who published what that are older than is kept are not removed: {error}")
            }
        }
        // By the newest entry, too: a clock that is ahead outlives nothing unless something was done that late.
        let removed = match store.audit_newest_at(Scope::Operator).await {
            Ok(newest) => {
                let now = newest.map_or(Timestamp(0), |at| at.min(clock::now()));
                let copies = directory::remove_outlived(&data, COPY_PREFIX, now.minus(UPGRADE_COPY_KEPT));
                copies
                    .and_then(|()| outlived::remove_set_aside(&data, now.minus(outlived::KEPT)))
                    .map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match removed {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "databases that restores set aside 35 days ago are removed"),
            Err(error) => tracing::warn!("databases that restores set aside long ago are not removed: {error}"),
        }
    }
}
