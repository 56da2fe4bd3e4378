//! Which lifetime follows when a spool is set aside: chosen before it is, in a file beside its directory (`spool.next`), and
//! gone once the one that follows has begun.
//!
//! What is taken over then gets the same names however often it is: a disk that is put back to the moment in between, and
//! started once more, tells the collector nothing twice.

use std::path::{Path, PathBuf};

use varde_common::id::Epoch;

use super::super::volume::Volume;
use super::super::{DiskError, failed, read_at_most_on, write_whole_on};
use super::Spool;

fn file(spool: &Path) -> PathBuf {
    let mut name = spool.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    spool.with_file_name(name)
}

/// Chooses what follows a spool in this directory that is about to be set aside.
///
/// # Errors
/// [`DiskError`].
pub fn choose_following(volume: &dyn Volume, spool: &Path) -> Result<(), DiskError> {
    write_whole_on(volume, &file(spool), format!("{}\n", Epoch(volume.unique())).as_bytes())
}

/// Whatever was chosen, it was not for now.
///
/// # Errors
/// [`DiskError`].
pub fn forget_following(volume: &dyn Volume, spool: &Path) -> Result<(), DiskError> {
    let path = file(spool);
    if volume.exists(&path) {
        volume.remove(&path).map_err(failed("remove", &path))?;
        let directory = path.parent().unwrap_or(Path::new("."));
        volume.sync_directory(directory).map_err(failed("fsync the directory", directory))?;
    }
    Ok(())
}

impl Spool {
    /// The lifetime of a spool that begins now.
    pub(super) fn find_following(&self) -> Epoch {
        let read = read_at_most_on(self.volume.as_ref(), &file(&self.directory), 64).ok();
        let chosen = read.and_then(|octets| String::from_utf8(octets).ok()?.strip_suffix('\n')?.parse().ok());
        chosen.unwrap_or_else(|| Epoch(self.volume.unique()))
    }
}
