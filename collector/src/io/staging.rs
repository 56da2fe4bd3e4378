//! The file in which an import is gathered before any of it is taken in: one at a time, and gone when it is over.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::limits::{IMPORT_LOOKS, IMPORT_LOOKS_EVERY};

/// Its name within the data directory.
const STAGE_FILE: &str = "import.stage";

/// The file, empty and locked; it is removed when this goes. What a killed import left is used again by the next one.
#[derive(Debug)]
pub struct StageFile {
    path: PathBuf,
    _locked: File,
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

    /// Removes what a killed import left: all that it had read lies there in plain. One that is under way keeps its own.
    ///
    /// # Errors
    /// [`NotStaged`].
    pub fn remove_left(data: &Path) -> Result<(), NotStaged> {
        let path = data.join(STAGE_FILE);
        if !path.exists() {
            return Ok(());
        }
        StageFile::try_begin(&path).map(drop).map_err(|error| NotStaged::Io { path, error })
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
        file.set_len(0)?;
        Ok(Some(StageFile { path: path.to_owned(), _locked: file }))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StageFile {
    fn drop(&mut self) {
        // What stays is emptied by the next import.
        let _ = fs::remove_file(&self.path);
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
        let first = StageFile::begin(dir.path()).await.unwrap();
        assert_eq!(fs::metadata(first.path()).unwrap().len(), 0);
        assert!(StageFile::try_begin(&path).unwrap().is_none(), "another one waits");
        let second = StageFile::begin(dir.path());
        let ((), second) = tokio::join!(async { drop(first) }, second);
        assert!(second.unwrap().path().exists());
        assert!(!path.exists(), "nothing is left");
        assert!(!StageFile::is_busy(dir.path()));
        fs::write(&path, "left behind").unwrap();
        StageFile::remove_left(dir.path()).unwrap();
        assert!(!path.exists(), "what a killed one left");
        let under_way = StageFile::begin(dir.path()).await.unwrap();
        StageFile::remove_left(dir.path()).unwrap();
        assert!(StageFile::is_busy(dir.path()) && under_way.path().exists(), "nobody's own is taken away");
        drop(under_way);
        let missing = StageFile::begin(&dir.path().join("missing")).await.unwrap_err().to_string();
        assert!(missing.contains("import.stage") && missing.contains("make room"), "{missing}");
    }
}
