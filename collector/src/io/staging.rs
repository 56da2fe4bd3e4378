//! The file in which an import is gathered before any of it is taken in: one at a time, and gone when it is over; from when it is being
//! taken in until then it stays, so that what is cut off can be finished.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::limits::{IMPORT_LOOKS, IMPORT_LOOKS_EVERY};

/// Its name within the data directory.
const STAGE_FILE: &str = "import.stage";
/// How SQLite begins its files (sqlite.org/fileformat.html).
const DATABASE_HEAD: &[u8] = b"SQLite format 3\0";

/// The file, locked. What a killed import left is in it until it is cleared; from then on it is removed when this goes, unless what is in it
/// is being taken in.
#[derive(Debug)]
pub struct StageFile {
    path: PathBuf,
    locked: File,
    is_kept: bool,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NotStaged {
    /// The system's word.
    #[error("cannot write {}: {error}; make room there, and let this user write", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// Another one goes on.
    #[error(
        "another import has been under way for {} minutes; wait until it has ended, then run this again",
        (IMPORT_LOOKS_EVERY * IMPORT_LOOKS).as_secs() / 60
    )]
    Busy,
}

impl StageFile {
    /// Waits until no other import is under way, and begins.
    ///
    /// # Errors
    /// [`NotStaged`].
    pub async fn begin(data: &Path) -> Result<StageFile, NotStaged> {
        let path = data.join(STAGE_FILE);
        for _ in 0..=IMPORT_LOOKS {
            match StageFile::try_begin(&path) {
                Ok(Some(file)) => return Ok(file),
                Ok(None) => tokio::time::sleep(IMPORT_LOOKS_EVERY).await,
                Err(error) => return Err(NotStaged::Io { path, error }),
            }
        }
        Err(NotStaged::Busy)
    }

    /// Whether another import is under way now.
    pub fn is_busy(data: &Path) -> bool {
        File::open(data.join(STAGE_FILE))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Begins, where no other import is under way now.
    ///
    /// # Errors
    /// [`NotStaged::Io`].
    pub fn begin_now(data: &Path) -> Result<Option<StageFile>, NotStaged> {
        let path = data.join(STAGE_FILE);
        StageFile::try_begin(&path).map_err(|error| NotStaged::Io { path, error })
    }

    /// Whether something lies there, under way or left behind.
    pub fn is_there(data: &Path) -> bool {
        data.join(STAGE_FILE).exists()
    }

    /// Nothing in it is needed any more.
    ///
    /// # Errors
    /// [`NotStaged::Io`].
    pub fn clear(&mut self) -> Result<(), NotStaged> {
        self.is_kept = false;
        self.locked.set_len(0).map_err(|error| NotStaged::Io { path: self.path.clone(), error })
    }

    /// What is in it is complete, is brought to the disk, and stays until it is cleared, whoever goes.
    ///
    /// # Errors
    /// [`NotStaged::Io`].
    pub fn seal(&mut self) -> Result<(), NotStaged> {
        let directory = self.path.parent().map(File::open).transpose();
        let sealed = self.locked.sync_all().and_then(|()| directory?.map_or(Ok(()), |directory| directory.sync_all()));
        sealed.map_err(|error| NotStaged::Io { path: self.path.clone(), error })?;
        self.is_kept = true;
        Ok(())
    }

    fn try_begin(path: &Path) -> io::Result<Option<StageFile>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it may have removed it between the opening and the lock.
        if !fs::metadata(path).is_ok_and(|found| found.ino() == file.metadata().map_or(0, |own| own.ino())) {
            return Ok(None);
        }
        Ok(Some(StageFile { path: path.to_owned(), locked: file, is_kept: true }))
    }

    /// Whether it holds what was gathered, and not something else.
    ///
    /// # Errors
    /// [`NotStaged::Io`].
    pub fn is_gathered(&self) -> Result<bool, NotStaged> {
        let mut head = Vec::new();
        let read = File::open(&self.path).and_then(|file| file.take(DATABASE_HEAD.len() as u64).read_to_end(&mut head));
        read.map_err(|error| NotStaged::Io { path: self.path.clone(), error })?;
        Ok(head == DATABASE_HEAD)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StageFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays is emptied by the next import.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_import_at_a_time_and_what_a_killed_one_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(STAGE_FILE);
        fs::write(&path, "left behind").unwrap();
        let mut first = StageFile::begin(dir.path()).await.unwrap();
        assert_eq!(fs::read(first.path()).unwrap(), b"left behind", "until somebody has looked whether it is needed");
        first.clear().unwrap();
        assert_eq!(fs::metadata(first.path()).unwrap().len(), 0);
        assert!(StageFile::try_begin(&path).unwrap().is_none(), "another one waits");
        assert!(StageFile::begin_now(dir.path()).unwrap().is_none());
        let second = StageFile::begin(dir.path());
        let ((), second) = tokio::join!(async { drop(first) }, second);
        let mut second = second.unwrap();
        assert!(second.path().exists() && StageFile::is_busy(dir.path()));
        second.clear().unwrap();
        drop(second);
        assert!(!path.exists() && !StageFile::is_there(dir.path()), "nothing is left");
        assert!(!StageFile::is_busy(dir.path()));
        let mut sealed = StageFile::begin(dir.path()).await.unwrap();
        sealed.clear().unwrap();
        sealed.seal().unwrap();
        drop(sealed);
        assert!(StageFile::is_there(dir.path()), "what is being taken in stays");
        let missing = StageFile::begin(&dir.path().join("missing")).await.unwrap_err().to_string();
        assert!(missing.contains("import.stage") && missing.contains("make room"), "{missing}");
    }
}
