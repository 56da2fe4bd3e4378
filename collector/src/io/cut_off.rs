//! Imports that were cut off when some of what they say was in and some was not: finished from the file they were gathered in, by the next
//! import, by whoever makes a list, or by the running collector. Until then nobody makes anything of them.

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;
use varde_common::time::Timestamp;

use super::staging::{NotStaged, StageFile};
use crate::limits::{CUT_OFF_LOOKED_AT_EVERY, IMPORT_LOOKS, IMPORT_LOOKS_EVERY};
use crate::store::claim::Imported;
use crate::store::stage::Stage;
use crate::store::under_way::UnderWay;
use crate::store::{Scope, Store, StoreError};

/// One that was finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its source.
    pub source: String,
    /// When it was begun.
    pub at: Timestamp,
    /// All that it has changed.
    pub imported: Imported,
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finished { source, at, imported: _ } = self;
        write!(f, "The import of {at} from {source} had been cut off half-way; the rest of it is in now")
    }
}

/// Why what is there is not whole.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    /// Another one goes on, or there is no place.
    #[error(transparent)]
    Staged(#[from] NotStaged),
    /// The database's own.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file it came from is gone, as after a restore of a backup that was made meanwhile.
    #[error(
        "the import of {at} from {from} was cut off half-way, and the file that it was to be finished from is gone: nothing is made of half of it. Import the same again as --source \"{from}\" (or varde-collector source fetch \"{from}\"), or withdraw all that it said: varde-collector indicator import /dev/null --source \"{from}\" --replace --allow-shrink"
    )]
    Lost {
        /// Its source.
        from: String,
        /// When it was begun.
        at: Timestamp,
    },
}

/// Finishes what lies in this file, if that was being taken in.
///
/// # Errors
/// [`NotWhole::Staged`], [`NotWhole::Store`]; the file stays then.
pub async fn finish(store: &Store, file: &mut StageFile) -> Result<Option<Finished>, NotWhole> {
    let all = store.imports_under_way(Scope::Operator).await?;
    if all.is_empty() || !file.is_gathered()? {
        return Ok(None);
    }
    let Some(mut stage) = Stage::reopen(store, file.path()).await? else { return Ok(None) };
    let Some(under_way) = all.into_iter().find(|one| stage.is_of(one)) else { return Ok(None) };
    let UnderWay { source, at, .. } = under_way.clone();
    let imported = stage.go_on(under_way, &mut |_| {}).await?;
    stage.close().await?;
    Ok(Some(Finished { source, at, imported }))
}

/// Waits until no import is under way, and finishes what was cut off, telling of it.
///
/// # Errors
/// [`NotWhole`].
pub async fn settle(store: &Store, tell: &mut (dyn FnMut(&str) + Send)) -> Result<(), NotWhole> {
    let data = store.directory();
    for look in 0..=IMPORT_LOOKS {
        if store.imports_under_way(Scope::Operator).await?.is_empty() {
            return Ok(());
        }
        if let Some(mut file) = StageFile::begin_now(data)? {
            if let Some(done) = finish(store, &mut file).await? {
                tell(&done.to_string());
            }
            file.clear()?;
            drop(file);
            let left = store.imports_under_way(Scope::Operator).await?.into_iter().next();
            return left.map_or(Ok(()), |UnderWay { source, at, .. }| Err(NotWhole::Lost { from: source, at }));
        }
        if look == 0 {
            tell("An import is being taken in; this begins when that is whole");
        }
        sleep(IMPORT_LOOKS_EVERY).await;
    }
    Err(NotWhole::Staged(NotStaged::Busy))
}

/// Finishes what was cut off, and removes what a killed import has left that had not come so far: all that it had read lies there in
/// plain. For as long as the collector runs.
pub async fn go_on(data: &Path, store: &Store) {
    let mut said = None;
    loop {
        match look(data, store).await {
            Ok(Some(finished)) => tracing::info!("{finished}"),
            Ok(None) => said = None,
            Err(error) => {
                if let NotWhole::Store(error) = &error {
                    store.handle_error(error);
                }
                let error = error.to_string();
                if said.as_ref() != Some(&error) {
                    tracing::warn!("what an import that was cut off has left cannot be finished: {error}");
                    said = Some(error);
                }
            }
        }
        sleep(Duration::from_secs(CUT_OFF_LOOKED_AT_EVERY)).await;
    }
}

async fn look(data: &Path, store: &Store) -> Result<Option<Finished>, NotWhole> {
    if !StageFile::is_there(data) {
        return Ok(None);
    }
    let Some(mut file) = StageFile::begin_now(data)? else { return Ok(None) };
    let finished = finish(store, &mut file).await?;
    file.clear()?;
    Ok(finished)
}
