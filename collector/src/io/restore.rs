//! A collector is restored from a backup: everything checked and copied before anything is touched, what was there set
//! aside and not deleted by it.
//!
//! ```text
//! restore.tmp/       the copy, while it is made; nothing else is touched yet
//! restore.moving/    the same, whole and checked, while names change; while it stands nothing opens the database
//! before-restore-…/  what was there before; the database in it goes after 35 days (`outlived`)
//! ```
//!
//! Cut off anywhere, the next restore begins anew and sets aside what it finds.

use std::fs;
use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use super::backup::{BackupError, check, name_of, same};
use super::departures::{self, DeparturesError};
use super::directory::{self, DirectoryError, Lock, RUN_FILE};
use super::keys::{KEYS_DIRECTORY, KeyError, ROOT_FILE, names_authority, read_root};
use crate::audit::Deed;
use crate::backup::{Manifest, SETTINGS_FILE, SYSTEM_SETTINGS_FILE};
use crate::departure::Departed;
use crate::store::restored::Carried;
use crate::store::{DATABASE_FILE, RESTORE_MOVING, Store, StoreError, restored};

const STAGING: &str = "restore.tmp";
pub(super) const ASIDE_PREFIX: &str = "before-restore-";

/// Where the keys of a restored collector come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Out of the backup.
    Restored,
    /// The backup has none; those that were there fit and stay.
    Kept,
    /// The backup has none, and none were there.
    Missing,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// Where what was there before lies; none where nothing was.
    pub aside: Option<PathBuf>,
    /// Where the keys come from.
    pub keys: Keys,
    /// Of the database that was there, what holds on; none where it could not be read, or none was there.
    pub carried: Option<Carried>,
    /// Members that had left and were in the backup: deleted again.
    pub departures: u64,
    /// Tokens of the pages that were in the backup and hold no longer.
    pub tokens: u64,
}

struct Settled {
    carried: Option<Carried>,
    departures: u64,
    tokens: u64,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A file.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys that are there are another collector's.
    #[error(
        "the backup holds no keys, and those in {} belong to another collector ({why}); put the keys of this one there first", .keys.display()
    )]
    OtherKeys {
        /// Where.
        keys: PathBuf,
        /// What does not fit.
        why: KeyError,
    },
    /// Who has left.
    #[error(transparent)]
    Departures(#[from] DeparturesError),
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RestoreError {
    let path = path.to_owned();
    move |error| DirectoryError::Io { what, path, error }.into()
}

/// Restores a collector into a data directory that no collector uses. `deed` says what the audit of the restored database is told.
///
/// # Errors
/// [`RestoreError`]. Until everything is checked and copied nothing that was there is touched.
pub async fn restore(
    from: &Path,
    data: &Path,
    deed: &Deed,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored, RestoreError> {
    // Whoever uses the directory is found before minutes are spent on reading the backup.
    let held = if data.is_dir() { Some(Lock::take(data)?) } else { None };
    let manifest = check(from).await?;
    Store::can_read(manifest.schema)?;
    directory::make_private(data)?;
    let _held = match held {
        Some(lock) => lock,
        None => Lock::take(data)?,
    };
    let keys = judge_keys(from, data, &manifest)?;
    let departed = departures::read(data)?;
    let staging = data.join(STAGING);
    remove(&staging)?;
    let filled = fill(from, &staging, &manifest, &mut progress);
    let carried = match filled {
        Ok(()) => settle(data, &staging, &manifest, departed, deed).await,
        Err(error) => Err(error),
    };
    if carried.is_err() {
        let _ = fs::remove_dir_all(&staging);
    }
    let Settled { carried, departures, tokens } = carried?;
    let aside = exchange(data, &staging, &manifest, deed.at)?;
    Ok(Restored { manifest, aside, keys, carried, departures, tokens })
}

/// Where a restore of then put what was there.
pub fn aside_of(data: &Path, at: Timestamp) -> PathBuf {
    data.join(format!("{ASIDE_PREFIX}{}", name_of(at)))
}

fn judge_keys(from: &Path, data: &Path, manifest: &Manifest) -> Result<Keys, RestoreError> {
    if manifest.keys {
        return Ok(Keys::Restored);
    }
    let keys = data.join(KEYS_DIRECTORY);
    if !keys.is_dir() {
        return Ok(Keys::Missing);
    }
    let (_, root) = read_root(from).map_err(BackupError::from)?;
    match names_authority(data, &root) {
        Ok(()) => Ok(Keys::Kept),
        Err(why) => Err(RestoreError::OtherKeys { keys, why }),
    }
}

/// Copies every file that goes into the data directory and holds the copy against the manifest.
fn fill(
    from: &Path,
    staging: &Path,
    manifest: &Manifest,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), RestoreError> {
    directory::make_private(staging)?;
    if manifest.keys {
        directory::make_private(&staging.join(KEYS_DIRECTORY))?;
    }
    let mut done = 0_u64;
    for entry in manifest.files.iter().filter(|entry| entry.name != SYSTEM_SETTINGS_FILE) {
        let to = staging.join(&entry.name);
        fs::copy(from.join(&entry.name), &to).map_err(io("copy to", &to))?;
        directory::make_file_private(&to)?;
        fs::File::open(&to).and_then(|file| file.sync_all()).map_err(io("sync", &to))?;
        same(&to, entry)?;
        done = done.saturating_add(entry.octets);
        progress(done, manifest.octets());
    }
    if manifest.keys {
        directory::sync_directory(&staging.join(KEYS_DIRECTORY))?;
    }
    Ok(directory::sync_directory(staging)?)
}

/// What the restored database must know of the time since its backup.
async fn settle(
    data: &Path,
    staging: &Path,
    manifest: &Manifest,
    departed: Vec<Departed>,
    deed: &Deed,
) -> Result<Settled, RestoreError> {
    let before = replaced(data)?;
    let known = match before.exists() {
        true => {
            let known = restored::known_in(&before).await.ok();
            restored::alone(&before).await?;
            // As far as it can be written: it may be damaged, and that why another is restored.
            let audit = restored::note_end(&before, deed).await.ok().flatten();
            known.map(|known| restored::Known { audit, ..known })
        }
        false => None,
    };
    let database = staging.join(DATABASE_FILE);
    let read = known.is_some();
    let mut known = known.unwrap_or_default();
    // Beside the database: a damaged one must not bring back who has left.
    known.departed.extend(departed);
    // And a restored one of before there were departures must not be all that knows of them.
    departures::add(data, &known.departed)?;
    let carried = restored::settle(&database, &known, manifest.made_at, deed).await?;
    directory::make_file_private(&database)?;
    directory::sync_directory(staging)?;
    Ok(Settled { carried: read.then_some(carried), departures: carried.departures, tokens: carried.people.tokens })
}

/// The database that is replaced: where a restore was cut off it may lie aside already.
fn replaced(data: &Path) -> Result<PathBuf, RestoreError> {
    let here = data.join(DATABASE_FILE);
    if here.exists() || !data.join(RESTORE_MOVING).exists() {
        return Ok(here);
    }
    let names = directory::names(data)?.into_iter().filter(|name| name.starts_with(ASIDE_PREFIX));
    let mut aside: Vec<PathBuf> =
        names.map(|name| data.join(name).join(DATABASE_FILE)).filter(|database| database.exists()).collect();
    // They are named by their time.
    aside.sort_unstable();
    Ok(aside.pop().unwrap_or(here))
}

/// What was there goes aside, what was restored takes its names; the database last: where it is, all is.
fn exchange(data: &Path, staging: &Path, manifest: &Manifest, now: Timestamp) -> Result<Option<PathBuf>, RestoreError> {
    let moving = data.join(RESTORE_MOVING);
    // Of a restore that was cut off: what it had not yet moved is in the backup still.
    remove(&moving)?;
    fs::rename(staging, &moving).map_err(io("name", &moving))?;
    directory::sync_directory(data)?;
    let aside = aside_of(data, now);
    let has = |name: &str| manifest.files.iter().any(|entry| entry.name == name);
    let names = [(KEYS_DIRECTORY, manifest.keys), (ROOT_FILE, true), (SETTINGS_FILE, has(SETTINGS_FILE))];
    let restored = names.into_iter().filter(|(_, restored)| *restored).map(|(name, _)| name);
    let restored: Vec<&str> = restored.chain([DATABASE_FILE]).collect();
    // The log of what is not yet in the database belongs to it, and to no other.
    let log = [format!("{DATABASE_FILE}-wal"), format!("{DATABASE_FILE}-shm")];
    let old = restored.iter().copied().chain(log.iter().map(String::as_str)).chain([RUN_FILE]);
    let old: Vec<PathBuf> = old.map(|name| data.join(name)).filter(|path| path.exists()).collect();
    if !old.is_empty() {
        directory::make_private(&aside)?;
    }
    for path in &old {
        let to = aside.join(path.file_name().unwrap_or_default());
        fs::rename(path, &to).map_err(io("set aside", path))?;
    }
    if !old.is_empty() {
        directory::sync_directory(&aside)?;
        directory::sync_directory(data)?;
    }
    for name in restored {
        fs::rename(moving.join(name), data.join(name)).map_err(io("move into place", &data.join(name)))?;
        directory::sync_directory(data)?;
    }
    remove(&moving)?;
    directory::sync_directory(data)?;
    Ok((!old.is_empty()).then_some(aside))
}

fn remove(path: &Path) -> Result<(), RestoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io("remove", path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
