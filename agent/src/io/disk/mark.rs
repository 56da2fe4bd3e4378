//! The mark the collector gave in the last session, kept in the spool's directory: it goes wherever the spool goes, so that
//! a copy of the disk, or an older state of it, is known by it (decision 20).

use std::path::{Path, PathBuf};

use varde_common::id::Mark;

use super::volume::{RealVolume, Volume};
use super::{DiskError, read_at_most_on, write_whole_on};

/// Its file in the spool's directory: 32 hex digits and a line's end.
pub const MARK_FILE: &str = "mark";

fn path(data: &Path) -> PathBuf {
    data.join("spool").join(MARK_FILE)
}

/// The mark kept; none before the first session of a spool, and none where the file says nothing that can be read.
pub fn kept(data: &Path) -> Option<Mark> {
    kept_on(&RealVolume, data)
}

/// The same on any volume.
pub fn kept_on(volume: &dyn Volume, data: &Path) -> Option<Mark> {
    let octets = read_at_most_on(volume, &path(data), 64).ok()?;
    let text = String::from_utf8(octets).ok()?;
    text.strip_suffix('\n').filter(|text| text.len() == 32)?.parse().ok()
}

/// Keeps a mark: on disk when this returns.
///
/// # Errors
/// [`DiskError`]; the one before is kept then.
pub fn keep(data: &Path, mark: Mark) -> Result<(), DiskError> {
    keep_on(&RealVolume, data, mark)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn keep_on(volume: &dyn Volume, data: &Path, mark: Mark) -> Result<(), DiskError> {
    write_whole_on(volume, &path(data), format!("{mark}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_a_mark_is_kept_until_the_next_and_rubbish_is_none() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(kept(data.path()), None);
        std::fs::create_dir(data.path().join("spool")).unwrap();
        for mark in [Mark(1), Mark(u128::MAX)] {
            keep(data.path(), mark).unwrap();
            assert_eq!(kept(data.path()), Some(mark));
        }
        for rubbish in ["", "1\n", &"f".repeat(32), &format!("{}\n", "g".repeat(32)), &"f".repeat(100)] {
            std::fs::write(path(data.path()), rubbish).unwrap();
            assert_eq!(kept(data.path()), None, "{rubbish:?}");
        }
    }
}
