//! A backup is made: everything copied into a directory beside its place, checked, seen onto the disk, then given its name.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use varde_common::time::Timestamp;
use varde_common::trust::hex;

use super::directory::{self, DirectoryError};
use super::keys::{KEYS_DIRECTORY, KeyError, ROOT_FILE, names_authority, read_root};
use crate::backup::{
    BadManifest, Entry, FORMAT, MANIFEST_FILE, Manifest, SETTINGS_FILE, SYSTEM_SETTINGS_FILE, is_name,
};
use crate::limits::{BACKUP_MANIFEST_MAX_OCTETS, SETTINGS_MAX_OCTETS};
use crate::store::copy::{check_copy, copy};
use crate::store::{self, DATABASE_FILE, StoreError};

/// How backups that get no name of their own are called, before their time.
pub(super) const NAME: &str = "varde-collector";

/// Why no backup was made, or why it is none.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no room where the backup goes.
    #[error("there is no room for the backup at {}; make room there, or give another place", .0.display())]
    NoRoom(PathBuf),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Something has its name.
    #[error("{} is there already; give a name that is free, or a directory in which to make the backup", .0.display())]
    Taken(PathBuf),
    /// A backup that was cut off.
    #[error("{} is what an earlier backup left when it was cut off, or one is being made there now; remove it if none is", .0.display())]
    CutOff(PathBuf),
    /// It is no backup.
    #[error("{} is no backup of a collector: {why}; give the directory that varde-collector backup made", .path.display())]
    NoBackup {
        /// Where.
        path: PathBuf,
        /// Why.
        why: BadManifest,
    },
    /// A file is not what the manifest says.
    #[error("{} is not what it was when the backup was made ({why}); use another backup", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What differs.
        why: String,
    },
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Where.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => BackupError::NoRoom(path),
        _ => BackupError::Directory(DirectoryError::Io { what, path, error }),
    }
}

/// Size and SHA-256 of a file.
pub(super) fn digest(path: &Path) -> Result<(u64, String), BackupError> {
    let mut file = File::open(path).map_err(io("read", path))?;
    let (mut hash, mut octets) = (Sha256::new(), 0_u64);
    let mut window = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut window).map_err(io("read", path))?;
        if read == 0 {
            return Ok((octets, hex(&hash.finalize())));
        }
        hash.update(window.get(..read).unwrap_or_default());
        octets = octets.saturating_add(read as u64);
    }
}

/// Where a backup goes: into `to` if that is a directory, under a name made of the time, or of the next second that is free where two are made
/// within one; else it gets that name.
pub fn place(to: &Path, now: Timestamp) -> PathBuf {
    if !to.is_dir() {
        return to.to_owned();
    }
    let named = |second| to.join(format!("{NAME}-{}", name_of(now.plus(Duration::from_secs(second)))));
    (0..60).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(0))
}

/// A time as a part of a file's name: `20261129T155410Z`.
pub(super) fn name_of(now: Timestamp) -> String {
    let text = now.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    let plain: String = seconds.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{plain}Z")
}

/// Makes a backup of a collector, running or not. `system_settings` is the machine's settings file.
///
/// # Errors
/// [`BackupError`]; nothing of it is left then.
pub async fn make(
    data: &Path,
    to: &Path,
    with_keys: bool,
    system_settings: &Path,
    now: Timestamp,
    progress: impl FnMut(u64, u64),
) -> Result<Made, BackupError> {
    store::find(data)?;
    let path = place(to, now);
    if path.exists() {
        return Err(BackupError::Taken(path));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    if partial.exists() {
        return Err(BackupError::CutOff(partial));
    }
    directory::make_private(&partial)?;
    let made = fill(data, &partial, with_keys, system_settings, now, progress).await;
    let named = made.and_then(|manifest| {
        fs::rename(&partial, &path).map_err(io("name", &path))?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        directory::sync_directory(above.unwrap_or(Path::new(".")))?;
        Ok(Made { path: path.clone(), manifest })
    });
    if named.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    named
}

async fn fill(
    data: &Path,
    partial: &Path,
    with_keys: bool,
    system_settings: &Path,
    now: Timestamp,
    progress: impl FnMut(u64, u64),
) -> Result<Manifest, BackupError> {
    let database = partial.join(DATABASE_FILE);
    match copy(&data.join(DATABASE_FILE), &database, progress).await {
        Err(StoreError::Full) => return Err(BackupError::NoRoom(partial.to_owned())),
        copied => copied?,
    }
    let schema = check_copy(&database).await?;
    let mut names = vec![DATABASE_FILE.to_owned()];
    let mut take = |from: PathBuf, name: String| -> Result<(), BackupError> {
        let octets = directory::read(&from, SETTINGS_MAX_OCTETS)?;
        write(&partial.join(&name), &octets)?;
        names.push(name);
        Ok(())
    };
    take(data.join(ROOT_FILE), ROOT_FILE.to_owned())?;
    let own = data.join(SETTINGS_FILE);
    if own.exists() {
        take(own, SETTINGS_FILE.to_owned())?;
    } else if system_settings.exists() {
        take(system_settings.to_owned(), SYSTEM_SETTINGS_FILE.to_owned())?;
    }
    if with_keys {
        let keys = data.join(KEYS_DIRECTORY);
        directory::make_private(&partial.join(KEYS_DIRECTORY))?;
        for entry in fs::read_dir(&keys).map_err(io("read", &keys))? {
            let name = entry.map_err(io("read", &keys))?.file_name().to_string_lossy().into_owned();
            let within = format!("{KEYS_DIRECTORY}/{name}");
            // A file that is being written has another name, and is nobody's yet.
            if is_name(&within, DATABASE_FILE, ROOT_FILE) && !name.ends_with(".new") {
                take(keys.join(&name), within)?;
            }
        }
        directory::sync_directory(&partial.join(KEYS_DIRECTORY))?;
        let (_, root) = read_root(partial)?;
        names_authority(partial, &root)?;
    }
    let files = names.into_iter().map(|name| {
        let (octets, sha256) = digest(&partial.join(&name))?;
        Ok(Entry { name, octets, sha256 })
    });
    let files = files.collect::<Result<Vec<Entry>, BackupError>>()?;
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Manifest { format: FORMAT, made_at: now, program, schema, keys: with_keys, files };
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| io("write", &partial.join(MANIFEST_FILE))(error.into()))?;
    text.push(b'\n');
    write(&partial.join(MANIFEST_FILE), &text)?;
    Ok(manifest)
}

fn write(path: &Path, octets: &[u8]) -> Result<(), BackupError> {
    match directory::write_private(path, octets) {
        Err(DirectoryError::Io { what, path, error }) => Err(io(what, &path)(error)),
        written => Ok(written?),
    }
}

/// Reads a backup's manifest and holds every file against it; the database is read from beginning to end.
///
/// # Errors
/// [`BackupError`].
pub async fn check(from: &Path) -> Result<Manifest, BackupError> {
    let named = from.join(MANIFEST_FILE);
    let octets = match directory::read(&named, BACKUP_MANIFEST_MAX_OCTETS) {
        Ok(octets) => octets,
        Err(error) => {
            let why = BadManifest::Unreadable(error.to_string());
            return Err(BackupError::NoBackup { path: from.to_owned(), why });
        }
    };
    let manifest = Manifest::read(&octets, DATABASE_FILE, ROOT_FILE)
        .map_err(|why| BackupError::NoBackup { path: from.to_owned(), why })?;
    for entry in &manifest.files {
        same(&from.join(&entry.name), entry)?;
    }
    let schema = check_copy(&from.join(DATABASE_FILE)).await?;
    if schema != manifest.schema {
        let why = format!("its tables have version {schema}, not {}", manifest.schema);
        return Err(BackupError::Changed { path: from.join(DATABASE_FILE), why });
    }
    let (_, root) = read_root(from)?;
    if manifest.keys {
        names_authority(from, &root)?;
    }
    Ok(manifest)
}

/// That a file is what its entry says.
pub(super) fn same(path: &Path, entry: &Entry) -> Result<(), BackupError> {
    let (octets, sha256) = digest(path)?;
    if octets != entry.octets {
        let why = format!("{octets} bytes instead of {}", entry.octets);
        return Err(BackupError::Changed { path: path.to_owned(), why });
    }
    if sha256 != entry.sha256 {
        return Err(BackupError::Changed { path: path.to_owned(), why: "another SHA-256".to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_backups_of_one_second_have_each_their_name() {
        let (folder, now) = (tempfile::tempdir().unwrap(), Timestamp(1_795_000_000_000_000));
        let first = place(folder.path(), now);
        assert_eq!(place(folder.path(), now), first, "nothing stands there yet");
        fs::create_dir(&first).unwrap();
        let second = place(folder.path(), now);
        assert_ne!(second, first);
        assert_eq!(second, place(folder.path(), now.plus(Duration::from_secs(1))));
        // A name that somebody chose is theirs to free.
        assert_eq!(place(&folder.path().join("mine"), now), folder.path().join("mine"));
    }
}
