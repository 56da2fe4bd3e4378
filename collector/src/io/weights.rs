//! The operator's file of weights, taken in while the collector runs: at start, and within a minute of a change. Where there is none,
//! what was in force stays so: a restored collector goes on by the weights that its database holds.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock;
use super::directory::{self, DirectoryError};
use crate::limits::SETTINGS_MAX_OCTETS;
use crate::store::weights::Taken;
use crate::store::{Scope, Store, StoreError};
use crate::weights::{BUILT_IN_FILE, WEIGHTS_FILE, Weights};

/// How often the file is looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(60);

/// The text of the file; none where there is no file.
fn text_of(path: &Path) -> Result<Option<String>, DirectoryError> {
    match directory::read(path, SETTINGS_MAX_OCTETS) {
        Ok(octets) => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
        Err(DirectoryError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the built-in file beside it, where it is not there as it is today.
fn write_built_in(data: &Path) -> Result<(), DirectoryError> {
    let path = data.join(BUILT_IN_FILE);
    match text_of(&path) {
        Ok(Some(text)) if text == Weights::built_in_text() => Ok(()),
        Ok(_) | Err(_) => directory::write_private(&path, Weights::built_in_text().as_bytes()),
    }
}

/// Looks at the file once. What cannot be used is told, and what was in force stays so. `last` is what was found the time before.
///
/// # Errors
/// The database's own.
pub async fn look(path: &Path, store: &Store, last: &mut Option<String>) -> Result<(), StoreError> {
    let found = match text_of(path) {
        Ok(None) => {
            *last = None;
            return Ok(());
        }
        Ok(Some(text)) => Ok(text),
        Err(error) => Err(error.to_string()),
    };
    let text = match &found {
        Ok(text) => text,
        Err(why) => why,
    };
    if last.as_ref() == Some(text) {
        return Ok(());
    }
    let refused = match &found {
        Ok(text) => match store.take_weights(text, clock::now()).await? {
            Ok(Taken::New(version)) => {
                tracing::info!("correlation goes by the weights {version} from now on");
                None
            }
            Ok(Taken::Same) => None,
            Err(error) => Some(error.to_string()),
        },
        Err(why) => Some(why.clone()),
    };
    if let Some(why) = refused {
        tracing::warn!("{} cannot be used, and the weights in force stay so: {why}", path.display());
    }
    *last = Some(text.clone());
    Ok(())
}

/// Weighs all that is behind: where the weights in force are others than those that all was weighed by, and what has come to be weighed
/// anew though they are the same.
async fn weigh_anew(store: &Store, weighed_by: &mut Option<String>) -> Result<(), StoreError> {
    let version = store.weights(Scope::Operator).await?.version;
    if weighed_by.as_ref() == Some(&version) && !store.is_something_unweighed().await? {
        return Ok(());
    }
    while store.weigh_what_is_behind().await? {
        tokio::task::yield_now().await;
    }
    *weighed_by = Some(version);
    Ok(())
}

/// Looks at the file now and then, for as long as the collector runs. What was weighed by others than the weights in force, or never,
/// is weighed anew, some at a time, so that alerts come between.
pub async fn go_on(data: PathBuf, store: Store) {
    let path = data.join(WEIGHTS_FILE);
    let (mut last, mut weighed_by) = (None, None);
    if let Err(error) = write_built_in(&data) {
        tracing::warn!("the built-in weights could not be written beside the data, for others to begin from: {error}");
    }
    loop {
        if let Err(error) = look(&path, &store, &mut last).await {
            tracing::warn!("the weights of correlation could not be looked after: {error}");
        }
        if let Err(error) = weigh_anew(&store, &mut weighed_by).await {
            tracing::warn!("not all incidents could be weighed anew, and will be in a minute: {error}");
        }
        tokio::time::sleep(LOOKED_AT_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[tokio::test]
    async fn a_bad_file_and_a_missing_one_leave_the_last_good_one_in_force() {
        let fixture = Fixture::new(1).await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(WEIGHTS_FILE);
        let (store, mut last) = (&fixture.store, None);
        look(&path, store, &mut last).await.unwrap();
        assert_eq!(store.weights(Scope::Operator).await.unwrap(), Weights::built_in());
        let own =
            Weights::built_in_text().replacen("varde-2", "ours", 1).replacen("members_max = 10", "members_max = 3", 1);
        std::fs::write(&path, &own).unwrap();
        look(&path, store, &mut last).await.unwrap();
        let ours = store.weights(Scope::Operator).await.unwrap();
        assert!(ours.version.starts_with("ours/") && ours.host.members_max == 3, "{}", ours.version);
        std::fs::write(&path, own.replacen("members_max = 3", "members_max = 0", 1)).unwrap();
        look(&path, store, &mut last).await.unwrap();
        assert_eq!(store.weights(Scope::Operator).await.unwrap(), ours, "the last good one");
        std::fs::remove_file(&path).unwrap();
        look(&path, store, &mut last).await.unwrap();
        assert_eq!(store.weights(Scope::Operator).await.unwrap(), ours, "a restored collector has no such file");
        write_built_in(dir.path()).unwrap();
        std::fs::rename(dir.path().join(BUILT_IN_FILE), &path).unwrap();
        look(&path, store, &mut last).await.unwrap();
        assert_eq!(store.weights(Scope::Operator).await.unwrap(), Weights::built_in());
        assert_eq!(fixture.count("SELECT COUNT(*) FROM weights").await, 2);
    }

    #[tokio::test]
    async fn q_what_has_come_to_be_weighed_anew_is_so_by_the_same_weights_too() {
        use crate::ingest::tests::{batch, fixture, opened, send};
        use varde_common::record::RecordBody;
        let fixture = fixture(2).await;
        for sensor in [1, 2] {
            send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
        }
        let mut weighed_by = Some(fixture.store.weights(Scope::Operator).await.unwrap().version);
        let behind = "SELECT COUNT(*) FROM campaign WHERE weights_version IS NULL";
        fixture.run("UPDATE campaign SET weights_version = NULL").await;
        assert_eq!(fixture.count(behind).await, 1);
        weigh_anew(&fixture.store, &mut weighed_by).await.unwrap();
        assert_eq!(fixture.count(behind).await, 0);
    }
}
