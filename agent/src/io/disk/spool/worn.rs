//! A file of the spool on a disk with bad sectors: read once more, then block by block; what cannot be read costs what it held, and keeps
//! no sensor from its work.
//!
//! A file that cannot be read in places is not written to: it goes to `quarantine/` as it is. What is good of it stands in a new one
//! of its name first, so that one bad sector costs a segment's tail and no more.

use std::path::Path;

use super::super::volume::{Access, Volume};
use super::super::{DiskError, failed};
use super::Spool;
use super::recovery::octets_of;
use crate::limits::SPOOL_UNREAD_BLOCKS_MAX;
use crate::spool::{FileKind, FileName};

/// What a file system reads at once.
const BLOCK_OCTETS: usize = 4096;

/// A file as far as it can be read.
#[derive(Debug)]
pub(super) struct AsFar {
    /// Its octets; zero where none could be read.
    pub(super) octets: Vec<u8>,
    /// Whether that is all of it.
    pub(super) is_whole: bool,
}

/// Reads a file of the spool, once more if it must, and then as far as it can be read.
pub(super) fn octets_as_far(volume: &dyn Volume, path: &Path) -> Result<AsFar, DiskError> {
    // What fails once may have been on its way.
    for _ in 0..2 {
        match octets_of(volume, path) {
            Err(error) if error.is_of_medium() => {}
            read => return read.map(|octets| AsFar { octets, is_whole: true }),
        }
    }
    let octets = match in_blocks(volume, path) {
        Err(error) if error.is_of_medium() => Vec::new(),
        read => read?,
    };
    Ok(AsFar { octets, is_whole: false })
}

fn in_blocks(volume: &dyn Volume, path: &Path) -> Result<Vec<u8>, DiskError> {
    let file = volume.open(path, Access::Read).map_err(failed("open", path))?;
    let size = volume.entry(path).map_err(failed("read", path))?.octets;
    let mut octets = vec![0; usize::try_from(size).unwrap_or_default()];
    let mut unread = 0;
    for (block, offset) in octets.chunks_mut(BLOCK_OCTETS).zip((0..).step_by(BLOCK_OCTETS)) {
        match file.read_exact_at(block, offset).map_err(failed("read", path)) {
            Ok(()) => {}
            Err(error) if error.is_of_medium() => {
                block.fill(0);
                unread += 1;
                if unread >= SPOOL_UNREAD_BLOCKS_MAX {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(octets)
}

impl Spool {
    /// Reads a file at opening. What was set aside waits until it can be read: nothing else depends on it.
    pub(super) fn read_as_far(&self, path: &Path) -> Result<AsFar, DiskError> {
        match self.waits_for_reading {
            true => octets_of(self.volume.as_ref(), path).map(|octets| AsFar { octets, is_whole: true }),
            false => octets_as_far(self.volume.as_ref(), path),
        }
    }

    /// Puts a segment's good octets in the place of the file that cannot be read in places. False if there was nothing good, or no room:
    /// then only the file in quarantine is left. Whoever is stopped between the two names has that, and the hole in the numbers is told.
    pub(super) fn replace_worn(&mut self, name: FileName, good: &[u8]) -> Result<bool, DiskError> {
        let path = self.path(name.first, FileKind::Segment);
        let temporary = self.directory.join(format!("{name}.new"));
        let is_written = !good.is_empty() && self.write_worn(&temporary, good)?;
        tracing::error!(file = %path.display(), good = good.len(), "spool: the disk cannot read all of it; look at the disk");
        self.quarantine(&path)?;
        if is_written {
            self.volume.rename(&temporary, &path).map_err(failed("rename", &temporary))?;
            self.sync_directory()?;
        }
        Ok(is_written)
    }

    fn write_worn(&self, temporary: &Path, good: &[u8]) -> Result<bool, DiskError> {
        loop {
            match self.create(temporary, good) {
                Ok(_) => return Ok(true),
                Err(error) if !error.is_full() => return Err(error),
                Err(_) if self.shrink_reserve()? => {}
                Err(_) => return Ok(false),
            }
        }
    }
}
