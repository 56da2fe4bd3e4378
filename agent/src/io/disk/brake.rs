//! The last order of the brake that was taken, as it lies on disk: one file, so that its number and what it says never part.
//!
//! ```text
//! DIR/identity/brake    NUMBER ROOT TAKEN-AT, as digits, and a line's end; then the order as it was signed
//! ```
//! It lies with the identity, because its number means something to this collector's sensor alone.

use std::path::{Path, PathBuf};

use varde_common::limits::BRAKE_MAX_OCTETS;
use varde_common::time::Timestamp;

use super::volume::{RealVolume, Volume};
use super::{DiskError, read_at_most_on, write_whole_on};
use crate::brake::Kept;

/// Three numbers, and what is between them.
const HEAD_MAX_OCTETS: usize = 64;

fn path_of(data: &Path) -> PathBuf {
    data.join("identity").join("brake")
}

/// Makes an order survive a restart, in place of the one before.
///
/// # Errors
/// [`DiskError`]; the one before is then still there.
pub fn store(data: &Path, kept: &Kept) -> Result<(), DiskError> {
    store_on(&RealVolume, data, kept)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn store_on(volume: &dyn Volume, data: &Path, kept: &Kept) -> Result<(), DiskError> {
    let Kept { number, root_version, taken_at, octets } = kept;
    let mut file = format!("{number} {root_version} {}\n", taken_at.0).into_bytes();
    file.extend_from_slice(octets);
    write_whole_on(volume, &path_of(data), &file)
}

/// Reads it; none where there never was one, or where the file is damaged, which is said.
///
/// # Errors
/// [`DiskError`] when it is there and cannot be read.
pub fn read(data: &Path) -> Result<Option<Kept>, DiskError> {
    read_on(&RealVolume, data)
}

/// The same on any volume.
///
/// # Errors
/// [`DiskError`].
pub fn read_on(volume: &dyn Volume, data: &Path) -> Result<Option<Kept>, DiskError> {
    let path = path_of(data);
    let file = match read_at_most_on(volume, &path, (HEAD_MAX_OCTETS + BRAKE_MAX_OCTETS) as u64) {
        Ok(file) => file,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) if error.is_too_large() => Vec::new(),
        Err(error) => return Err(error),
    };
    let kept = parse(&file);
    if kept.is_none() {
        tracing::error!("the file {} is damaged: nothing is braked until the next order comes", path.display());
    }
    Ok(kept)
}

fn parse(file: &[u8]) -> Option<Kept> {
    let end = file.iter().take(HEAD_MAX_OCTETS).position(|octet| *octet == b'\n')?;
    let (head, rest) = file.split_at_checked(end)?;
    let mut numbers = std::str::from_utf8(head).ok()?.split(' ');
    let number = numbers.next()?.parse().ok()?;
    let root_version = numbers.next()?.parse().ok()?;
    let taken_at = Timestamp(numbers.next()?.parse().ok()?);
    let octets = rest.get(1..)?.to_vec();
    numbers.next().is_none().then_some(Kept { number, root_version, taken_at, octets })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_an_order_survives_a_restart_and_a_damaged_one_brakes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        std::fs::create_dir(data.join("identity")).unwrap();
        assert_eq!(read(data).unwrap(), None);
        let kept = |number: u64| Kept {
            number,
            root_version: 3,
            taken_at: Timestamp(-5),
            octets: format!("{{\"n\":{number}}}\n").into_bytes(),
        };
        for number in [1, u64::MAX] {
            store(data, &kept(number)).unwrap();
            assert_eq!(read(data).unwrap(), Some(kept(number)));
        }
        for damaged in ["", "1", "1 2\n{}", "1 2 3 4\n{}", "x 2 3\n{}", "1 -2 3\n"] {
            std::fs::write(path_of(data), damaged).unwrap();
            assert_eq!(read(data).unwrap(), None, "{damaged:?}");
        }
        std::fs::write(path_of(data), vec![b'1'; BRAKE_MAX_OCTETS + 1000]).unwrap();
        assert_eq!(read(data).unwrap(), None);
    }
}
