//! The data directory: written so that a file is there whole or not at all, readable by its owner alone, used by one collector.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use varde_common::time::Timestamp;

use crate::address::Bound;

/// The addresses a running collector has bound.
pub const RUN_FILE: &str = "run.json";
/// Held by the running collector.
pub const LOCK_FILE: &str = "lock";

/// Why something in the data directory could not be done.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The system said no.
    #[error("cannot {what} {}: {error}; {}", .path.display(), remedy(error))]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's word.
        error: io::Error,
    },
    /// Another collector uses the directory.
    #[error("another varde-collector uses {}; stop it first, or give another directory with --data", .0.display())]
    InUse(PathBuf),
    /// A file is larger than it can rightly be.
    #[error("{} is larger than {max} bytes; it cannot be what it should be", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes allowed.
        max: u64,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::NotFound {
        "see that the path is right"
    } else {
        "see that this user owns the data directory"
    }
}

fn refused(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |error| DirectoryError::Io { what, path, error }
}

/// Makes a directory, and those above it, that only its owner may enter.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn make_private(path: &Path) -> Result<(), DirectoryError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(refused("make", path))
}

/// Writes a file whole, readable by its owner alone, and sees it onto the disk before it takes its name.
///
/// # Errors
/// [`DirectoryError::Io`]; an older file of that name is then untouched.
pub fn write_private(path: &Path, octets: &[u8]) -> Result<(), DirectoryError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&fresh);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(refused("write", path))?;
    sync_directory(above(path))
}

/// The directory that a file stands in: that of whoever runs the program, where the file has a name alone.
fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes an empty file that must not be there, readable by its owner alone: of two who try one gets it.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn claim(path: &Path) -> Result<(), DirectoryError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map(drop).map_err(refused("make", path))
}

/// Removes a file that may not be there.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn remove(path: &Path) -> Result<(), DirectoryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused("remove", path)(error)),
        Ok(()) | Err(_) => sync_directory(above(path)),
    }
}

/// Removes a directory with everything in it; it may not be there.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn remove_all(path: &Path) -> Result<(), DirectoryError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused("remove", path)(error)),
        Ok(()) | Err(_) => sync_directory(above(path)),
    }
}

/// The names in a directory, in order; those that are no text are left out.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn names(path: &Path) -> Result<Vec<String>, DirectoryError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(refused("read", path))? {
        names.extend(entry.map_err(refused("read", path))?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// Sees a directory's entries onto the disk.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn sync_directory(path: &Path) -> Result<(), DirectoryError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(refused("sync", path))
}

/// Reads a file of at most `max` octets.
///
/// # Errors
/// [`DirectoryError`].
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>, DirectoryError> {
    let mut octets = Vec::new();
    let file = File::open(path).map_err(refused("read", path))?;
    file.take(max.saturating_add(1)).read_to_end(&mut octets).map_err(refused("read", path))?;
    if octets.len() as u64 > max {
        return Err(DirectoryError::TooLarge { path: path.to_owned(), max });
    }
    Ok(octets)
}

/// Lets only the owner read a file.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn make_file_private(path: &Path) -> Result<(), DirectoryError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(refused("protect", path))
}

/// Lets only the owner enter a directory.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn make_directory_private(path: &Path) -> Result<(), DirectoryError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(refused("protect", path))
}

/// Removes files that begin with this and were last written before `before`.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn remove_outlived(data: &Path, prefix: &str, before: Timestamp) -> Result<(), DirectoryError> {
    for entry in fs::read_dir(data).map_err(refused("read", data))? {
        let entry = entry.map_err(refused("read", data))?;
        let written = entry.metadata().map_or(Timestamp::MAX, |found| Timestamp::from_unix(found.mtime(), 0));
        if entry.file_name().to_string_lossy().starts_with(prefix) && written < before {
            fs::remove_file(entry.path()).map_err(refused("remove", &entry.path()))?;
        }
    }
    Ok(())
}

/// Whether others than the owner may read a file.
pub fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// Held while a collector uses the directory; the system lets go of it however the process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Lock {
    /// Takes the directory.
    ///
    /// # Errors
    /// [`DirectoryError::InUse`] and others.
    pub fn take(data: &Path) -> Result<Lock, DirectoryError> {
        let path = data.join(LOCK_FILE);
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(refused("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(fs::TryLockError::WouldBlock) => Err(DirectoryError::InUse(data.to_owned())),
            Err(fs::TryLockError::Error(error)) => Err(refused("lock", &path)(error)),
        }
    }
}

/// What a running collector has bound; none where none runs.
pub fn read_bound(data: &Path) -> Option<Bound> {
    let octets = read(&data.join(RUN_FILE), 4096).ok()?;
    serde_json::from_slice(&octets).ok()
}

/// Says what is bound.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn write_bound(data: &Path, bound: &Bound) -> Result<(), DirectoryError> {
    let path = data.join(RUN_FILE);
    let mut octets = serde_json::to_vec(bound).map_err(|error| refused("write", &path)(error.into()))?;
    octets.push(b'\n');
    write_private(&path, &octets)
}

/// Says that nothing is bound any more.
///
/// # Errors
/// [`DirectoryError::Io`].
pub fn remove_bound(data: &Path) -> Result<(), DirectoryError> {
    let path = data.join(RUN_FILE);
    match fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused("remove", &path)(error)),
    }
}

/// Where the pages are, as the collector that runs here says it; where they would be, if none runs.
pub fn page_address(data: &Path) -> String {
    let usual = || format!("127.0.0.1:{}", crate::address::WEB_PORT);
    format!("http://{}", read_bound(data).map_or_else(usual, |bound| bound.web.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_owners_alone_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        make_private(&data).unwrap();
        let file = data.join("secret");
        write_private(&file, b"one").unwrap();
        write_private(&file, b"two").unwrap();
        assert_eq!(read(&file, 3).unwrap(), b"two");
        assert!(matches!(read(&file, 2), Err(DirectoryError::TooLarge { .. })));
        assert!(!others_may_read(&file) && !others_may_read(&data));
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no half-written file stays");
    }

    #[test]
    fn what_has_outlived_its_time_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["before-1", "before-2", "other"] {
            write_private(&dir.path().join(name), b"x").unwrap();
        }
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000);
        for name in ["before-1", "other"] {
            File::options().write(true).open(dir.path().join(name)).unwrap().set_modified(old).unwrap();
        }
        remove_outlived(dir.path(), "before-", Timestamp::from_unix(1001, 0)).unwrap();
        let left = ["before-1", "before-2", "other"].map(|name| dir.path().join(name).exists());
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn two_collectors_never_share_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        assert!(matches!(Lock::take(dir.path()), Err(DirectoryError::InUse(_))));
        drop(lock);
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn what_is_bound_is_said_as_scripts_expect_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_bound(dir.path()), None);
        let bound = Bound {
            quic: "[::1]:1".parse().unwrap(),
            enroll: "127.0.0.1:2".parse().unwrap(),
            web: "127.0.0.1:3".parse().unwrap(),
            tcp: Some("[::]:443".parse().unwrap()),
        };
        write_bound(dir.path(), &bound).unwrap();
        let text = fs::read_to_string(dir.path().join(RUN_FILE)).unwrap();
        assert_eq!(
            text,
            "{\"quic\":\"[::1]:1\",\"enroll\":\"127.0.0.1:2\",\"web\":\"127.0.0.1:3\",\"tcp\":\"[::]:443\"}\n"
        );
        assert_eq!(read_bound(dir.path()), Some(bound));
        fs::write(dir.path().join(RUN_FILE), text.replace(",\"tcp\":\"[::]:443\"", "")).unwrap();
        assert_eq!(read_bound(dir.path()), Some(Bound { tcp: None, ..bound }), "an older program's");
        remove_bound(dir.path()).unwrap();
        remove_bound(dir.path()).unwrap();
        assert_eq!(read_bound(dir.path()), None);
    }
}
