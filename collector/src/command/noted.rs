//! What commands do stands in the audit before it is done: in the transaction that does it, or committed by itself where the deed
//! is no change of the database.

use std::path::Path;

use varde_common::channel::ChannelName;
use varde_common::list::Manifest;

use super::{say, sentence};
use crate::audit::{Deed, On};
use crate::deed::By;
use crate::io::{clock, user};
use crate::store::{Scope, Store, StoreError};

/// A deed of whoever runs this command, now.
pub(super) fn deed(what: &'static str, on: On) -> Deed {
    Deed::new(user::who(), what, on, clock::now())
}

/// Whoever runs this command, now.
pub(super) fn by() -> By {
    By { who: user::who(), at: clock::now() }
}

/// Does what is no change of the database, once it is noted; that it failed is noted too.
///
/// # Errors
/// Where it cannot be noted nothing is done; else its own.
pub(super) async fn noted<T>(
    store: &Store,
    deed: Deed,
    doing: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    store.note(&deed).await?;
    let done = doing.await;
    if let Err(error) = &done {
        let failed = Deed { at: clock::now(), ..deed }.was("").becomes(format!("it failed: {}", sentence(error)));
        if let Err(unnoted) = store.note(&failed).await {
            tracing::warn!("that it failed could not be noted in the audit: {unnoted}");
        }
    }
    done
}

/// Notes that what is the members' is about to be shown.
///
/// # Errors
/// Where it cannot be noted nothing may be shown.
pub(super) async fn reading(store: &Store, deed: Deed) -> anyhow::Result<()> {
    store.note(&deed).await?;
    Ok(())
}

/// The collector whose audit a deed belongs to that needs none: where this directory holds one that this user may write.
///
/// # Errors
/// The database's own.
pub(super) async fn beside(data: &Path) -> anyhow::Result<Option<Store>> {
    match Store::open(data).await {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::Missing(_)) => Ok(None),
        Err(StoreError::Unreadable { path, .. }) => {
            say::aside(&format!(
                "This stands in no audit: there is a collector here, and this user may not read {}.",
                path.display()
            ));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The collector of a directory, for a deed that is done whatever version its database has: one of before there was an audit, or
/// none that can be opened, gets no entry.
pub(super) async fn if_it_can(data: &Path) -> anyhow::Result<Option<Store>> {
    match Store::open(data).await {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::TooOld { .. }) => {
            say::aside("The database is of before this program's time; this stands in no audit.");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// A channel's list in force, in words.
///
/// # Errors
/// The database's own.
pub(super) async fn list_in_force(store: &Store, channel: &ChannelName) -> anyhow::Result<String> {
    Ok(match store.newest_manifest(Scope::Operator, channel).await? {
        None => format!("no list of channel {channel} in force"),
        Some((revision, _)) => format!("list {revision} of channel {channel} in force"),
    })
}

/// What a publication is, in words: for whom and how much.
pub(super) fn publication(manifest: &Manifest) -> String {
    let Manifest { channel, count, content_blake3, shrinks, .. } = manifest;
    let shrinks = if *shrinks { ", may take the place of a much larger list" } else { "" };
    format!("channel {channel}: {count} indicators{shrinks}, content {content_blake3}")
}

/// What somebody said that a publication may do.
pub(super) fn as_said(allow_shrink: bool, include_red: bool) -> &'static str {
    match (allow_shrink, include_red) {
        (false, false) => "",
        (true, false) => " (--allow-shrink)",
        (false, true) => " (--include-red)",
        (true, true) => " (--allow-shrink --include-red)",
    }
}
