//! The root documents of a data directory: those that were in force stand in the database, the newest is `root.json` too.
//!
//! One is accepted as a sensor would take it, then stands in the database, then is `root.json`. Cut off in between, the next
//! start finds it in the database and finishes.

use std::path::Path;

use varde_common::rotation::{NotNext, claimed_version};
use varde_common::time::Timestamp;
use varde_common::trust::{Root, key_id, sha256};

use super::directory::{self, DirectoryError};
use super::keys::{KeyError, LIST_KEY, ROOT_FILE, names_authority, read_root, read_signing_key};
use crate::audit::Deed;
use crate::store::trust::Kept;
use crate::store::{Scope, Store, StoreError, setting};

/// Why a root document is not accepted, or those that are here do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The one in force.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It does not follow.
    #[error("every sensor would refuse this root document: {0}")]
    NotNext(#[from] NotNext),
    /// Its time is over.
    #[error("every sensor would refuse this root document: it runs out at {0}, which has passed")]
    Expired(Timestamp),
    /// This collector would be a stranger by it.
    #[error(
        "this root document does not name the CA by which this collector proves itself (keys/ca.crt): every sensor would refuse it. Name both CAs first, change the collector's certificate, and retire the old CA with the next document"
    )]
    Stranger,
    /// Two documents of one number.
    #[error(
        "root.json is another document of number {0} than this collector had in force before; restore root.json and the database from the same copy"
    )]
    Another(u32),
}

/// Has the newest root document in the database and in `root.json`, whatever was cut off before.
///
/// # Errors
/// [`TrustError`].
pub async fn settle(data: &Path, store: &Store, now: Timestamp) -> Result<(), TrustError> {
    let (document, root) = read_root(data)?;
    if store.keep_root(&root, &document, now).await? == Kept::Another {
        return Err(TrustError::Another(root.version));
    }
    let newest = store.root_documents(Scope::Operator).await?.pop();
    if let Some(newest) = newest.filter(|newest| newest.version > root.version) {
        directory::write_private(&data.join(ROOT_FILE), &newest.document)?;
        tracing::info!(version = newest.version, "a root document that had been accepted is in force now");
    }
    note_mode(data, store).await
}

/// Notes for the page which of the two modes this collector is in.
///
/// # Errors
/// [`TrustError`].
pub async fn note_mode(data: &Path, store: &Store) -> Result<(), TrustError> {
    let mode = if has_list_key(data)? { setting::ONLINE } else { setting::DUTY };
    if store.setting(Scope::Operator, setting::LIST_KEY_MODE).await?.as_deref() != Some(mode) {
        store.set_setting(setting::LIST_KEY_MODE, mode).await?;
    }
    Ok(())
}

/// Whether a key that may sign lists lies on the collector (online list key), or is elsewhere (duty key).
///
/// # Errors
/// [`KeyError`] of the root document.
pub fn has_list_key(data: &Path) -> Result<bool, KeyError> {
    let (_, root) = read_root(data)?;
    let key = read_signing_key(&data.join(LIST_KEY)).ok();
    Ok(key.is_some_and(|key| root.roles.list.keys.contains(&key_id(&key.verifying_key()))))
}

/// Holds a root document against the one in force as a sensor will, and puts it in force here. Gives what was before and
/// what is now; none where it was in force already. `deed` says what the audit is told, with the commit that puts it in force.
///
/// # Errors
/// [`TrustError`]; then the one before stays.
pub async fn accept(
    data: &Path,
    store: &Store,
    octets: &[u8],
    deed: &(dyn Fn(&Root, &Root) -> Deed + Sync),
    now: Timestamp,
) -> Result<Option<(Root, Root)>, TrustError> {
    settle(data, store, now).await?;
    let (document, before) = read_root(data)?;
    if document == octets {
        return Ok(None);
    }
    let next = before.next(&sha256(&document), octets)?;
    if next.expires <= now {
        return Err(TrustError::Expired(next.expires));
    }
    match names_authority(data, &next) {
        Err(KeyError::AnotherAuthority) => return Err(TrustError::Stranger),
        other => other?,
    }
    if store.noting(deed(&before, &next)).keep_root(&next, octets, now).await? == Kept::Another {
        return Err(TrustError::Another(claimed_version(octets)));
    }
    directory::write_private(&data.join(ROOT_FILE), octets)?;
    note_mode(data, store).await?;
    Ok(Some((before, next)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::On;
    use crate::io::keys;
    use varde_common::trust::{Domain, sign};

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn l2_a_root_document_is_accepted_as_sensors_would_take_it_and_whatever_is_cut_off_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        keys::make(data, NOW).unwrap();
        let store = Store::create(data).await.unwrap();
        let key = read_signing_key(&data.join("keys/root.key")).unwrap();
        let (first_octets, first) = read_root(data).unwrap();
        let next = |change: &dyn Fn(&mut Root)| {
            let mut next = Root { version: 2, ..first.clone() };
            change(&mut next);
            sign(Domain::Root, &next, &[&key]).unwrap()
        };
        let accept = async |octets: &[u8]| {
            let deed = |_: &Root, next: &Root| {
                let on = On::Thing(format!("root document {}", next.version));
                Deed::new("kari".to_owned(), "root accept", on, NOW)
            };
            super::accept(data, &store, octets, &deed, NOW).await
        };
        assert!(matches!(accept(&next(&|root| root.version = 3)).await, Err(TrustError::NotNext(_))));
        assert!(matches!(accept(&next(&|root| root.expires = NOW)).await, Err(TrustError::Expired(_))));
        let foreign = next(&|root| root.ca = ["00".repeat(32)].into());
        assert!(matches!(accept(&foreign).await, Err(TrustError::Stranger)));
        assert_eq!(read_root(data).unwrap().0, first_octets);

        let second = next(&|_| {});
        let (before, after) = accept(&second).await.unwrap().unwrap();
        assert_eq!((before.version, after.version), (1, 2));
        assert!(accept(&second).await.unwrap().is_none(), "the same again");
        let versions = |rows: Vec<crate::store::trust::RootRow>| rows.iter().map(|row| row.version).collect::<Vec<_>>();
        assert_eq!(versions(store.root_documents(Scope::Operator).await.unwrap()), [1, 2]);

        // As if the process had been killed before root.json was written.
        directory::write_private(&data.join(ROOT_FILE), &first_octets).unwrap();
        settle(data, &store, NOW).await.unwrap();
        assert_eq!(read_root(data).unwrap().0, second);
        // Somebody puts another document of this number there.
        directory::write_private(&data.join(ROOT_FILE), &next(&|root| root.expires = Timestamp::MAX)).unwrap();
        assert!(matches!(settle(data, &store, NOW).await, Err(TrustError::Another(2))));
    }

    #[tokio::test]
    async fn the_page_is_told_where_the_list_key_is() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        keys::make(data, NOW).unwrap();
        let store = Store::create(data).await.unwrap();
        let mode = async || store.setting(Scope::Operator, setting::LIST_KEY_MODE).await.unwrap();
        settle(data, &store, NOW).await.unwrap();
        assert_eq!(mode().await.as_deref(), Some(setting::ONLINE));
        std::fs::rename(data.join("keys/hunt.key"), data.join(LIST_KEY)).unwrap();
        settle(data, &store, NOW).await.unwrap();
        assert_eq!(mode().await.as_deref(), Some(setting::DUTY), "a key of another role is none");
    }
}
