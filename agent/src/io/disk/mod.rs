//! Files that must survive a crash: written whole, fsynced, then given their name; the directory fsynced as well.

pub mod adopt;
pub mod brake;
pub mod collector_time;
pub mod enrolling;
pub mod floor;
pub mod hosts;
pub mod identity;
pub mod keeper;
pub mod keys;
pub mod list;
pub mod mapped;
pub mod mark;
pub mod outlived;
pub mod overlay;
pub mod owner;
pub mod roots;
pub mod sealed;
pub mod self_test;
pub mod spool;
pub mod unread;
pub mod volume;
pub mod wipe;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use volume::{Access, RealVolume, Volume};

/// A file operation that failed: what was attempted, where, and the system's reason.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", path.display())]
pub struct DiskError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl DiskError {
    /// Whether the disk (or its quota) is full: the one failure that passes by itself.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether something could not be read; nothing was to be changed by it.
    pub fn is_of_reading(&self) -> bool {
        matches!(self.doing, "read" | "open")
    }

    /// Whether the disk cannot give what lies on it (a bad sector, a file system that has found damage): no right that is missing, and
    /// nothing that the process has too many of.
    pub fn is_of_medium(&self) -> bool {
        const MEDIUM: [i32; 4] = [libc::EIO, libc::EUCLEAN, libc::EBADMSG, libc::ENODATA];
        self.is_of_reading() && self.source.raw_os_error().is_some_and(|error| MEDIUM.contains(&error))
    }

    /// Whether asking again gives the same: the disk cannot give it, or no such file stands there. A right that is missing, and too many
    /// open files, are for a person or the next hour to mend.
    pub fn is_lasting(&self) -> bool {
        const NO_FILE: [i32; 5] = [libc::EISDIR, libc::ENOTDIR, libc::ELOOP, libc::ENOENT, libc::ENXIO];
        let is_no_file = self.source.raw_os_error().is_some_and(|error| NO_FILE.contains(&error));
        self.is_of_medium() || is_no_file || self.source.kind() == io::ErrorKind::UnexpectedEof
    }

    /// Whether it may not be done by the user that runs this.
    pub fn is_forbidden(&self) -> bool {
        self.source.kind() == io::ErrorKind::PermissionDenied
    }

    /// Whether the file is not there.
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether there is more of it than could be ours.
    pub fn is_too_large(&self) -> bool {
        self.source.kind() == io::ErrorKind::FileTooLarge
    }

    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self.source.kind() {
            io::ErrorKind::PermissionDenied => "run it as the user that owns the data directory, or as root",
            io::ErrorKind::NotFound => "name the data directory with --data DIR",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
            _ => "look at the disk and the system's log, then start again: everything is read anew from the disk",
        }
    }
}

/// Ends the process with one sentence of cause and one of remedy: what the disk holds is known only after reading it anew.
pub fn end_process(error: &DiskError) -> ! {
    tracing::error!("{error}; {}", error.remedy());
    std::process::exit(1)
}

/// Whether others than its owner may read or write a file.
pub fn others_may_read(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// Names what was attempted.
pub(crate) fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> DiskError + 'a {
    move |source| DiskError { doing, path: path.to_owned(), source }
}

/// Makes a directory that only its owner may enter, with its parents, unless it is there; and their names durable.
///
/// # Errors
/// [`DiskError`].
pub fn create_directory(path: &Path) -> Result<(), DiskError> {
    create_directory_on(&RealVolume, path)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn create_directory_on(volume: &dyn Volume, path: &Path) -> Result<(), DiskError> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    };
    // One that is there may have been made just before a crash of the program: its own name is synced every time.
    let new = path.ancestors().take_while(|one| !one.as_os_str().is_empty() && !volume.exists(one)).count();
    volume.create_directory(path).map_err(failed("create the directory", path))?;
    for one in path.ancestors().take(new.max(1)) {
        let parent = parent(one);
        match volume.sync_directory(&parent) {
            Ok(()) => {}
            // Somebody else's, whom we may not ask: it was there before us, and so was what stands in it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(failed("fsync the directory", &parent)(error)),
        }
    }
    Ok(())
}

/// Makes names in a directory durable.
///
/// # Errors
/// [`DiskError`]
pub fn sync_directory(path: &Path) -> Result<(), DiskError> {
    RealVolume.sync_directory(path).map_err(failed("fsync the directory", path))
}

/// Writes a file whole or not at all: a temporary one is written and fsynced, then takes the name.
///
/// # Errors
/// [`DiskError`]; the file of that name is then what it was before.
pub fn write_whole(path: &Path, octets: &[u8]) -> Result<(), DiskError> {
    write_whole_on(&RealVolume, path, octets)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn write_whole_on(volume: &dyn Volume, path: &Path, octets: &[u8]) -> Result<(), DiskError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = directory.join(name);
    let write = || -> io::Result<()> {
        let file = volume.open(&temporary, Access::Replace)?;
        file.write_all_at(octets, 0)?;
        file.sync()
    };
    write().map_err(failed("write", &temporary))?;
    volume.rename(&temporary, path).map_err(failed("write", path))?;
    volume.sync_directory(directory).map_err(failed("fsync the directory", directory))
}

/// Reads a file of at most so many octets.
///
/// # Errors
/// [`DiskError`], also for a longer file.
pub fn read_at_most(path: &Path, max_octets: u64) -> Result<Vec<u8>, DiskError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        File::open(path)?.take(max_octets.saturating_add(1)).read_to_end(&mut octets)?;
        if octets.len() as u64 > max_octets {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {max_octets} bytes")));
        }
        Ok(octets)
    };
    read().map_err(failed("read", path))
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`], also for a longer file.
pub fn read_at_most_on(volume: &dyn Volume, path: &Path, max_octets: u64) -> Result<Vec<u8>, DiskError> {
    let read = || -> io::Result<Vec<u8>> {
        let file = volume.open(path, Access::Read)?;
        let size = volume.entry(path)?.octets;
        if size > max_octets {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {max_octets} bytes")));
        }
        let mut octets = vec![0; usize::try_from(size).unwrap_or_default()];
        file.read_exact_at(&mut octets, 0)?;
        Ok(octets)
    };
    read().map_err(failed("read", path))
}

/// A data directory that no other process of ours uses while this value lives.
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// Why a data directory cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum NotHeld {
    /// Another agent has it.
    #[error("another varde-agent is already using {}", .0.display())]
    Busy(PathBuf),
    /// The lock file cannot be made.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl NotHeld {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            NotHeld::Busy(_) => "stop it first, or give this one a data directory of its own with --data DIR",
            NotHeld::Disk(error) => error.remedy(),
        }
    }
}

/// Takes a data directory for this process.
///
/// # Errors
/// [`NotHeld`].
pub fn hold(directory: &Path) -> Result<Held, NotHeld> {
    let path = directory.join("lock");
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("create", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(Held { _lock: lock }),
        Err(fs::TryLockError::WouldBlock) => Err(NotHeld::Busy(directory.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(failed("lock", &path)(source).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let held = hold(directory.path()).unwrap();
        assert!(matches!(hold(directory.path()), Err(NotHeld::Busy(_))));
        drop(held);
        assert!(hold(directory.path()).is_ok());
    }

    #[test]
    fn a_file_is_written_whole_and_read_within_its_bound() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("floor");
        write_whole(&path, b"12").unwrap();
        write_whole(&path, b"13").unwrap();
        assert_eq!(read_at_most(&path, 2).unwrap(), b"13");
        assert!(read_at_most(&path, 1).is_err());
        assert!(read_at_most(&directory.path().join("none"), 1).unwrap_err().is_missing());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing temporary is left");
    }
}
