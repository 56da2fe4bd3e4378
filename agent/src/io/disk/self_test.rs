//! When the sensor's test of itself last came the whole way and back, kept between starts: one line, RFC 3339.

use std::path::Path;

use varde_common::time::Timestamp;

use super::{DiskError, read_at_most, write_whole};

const FILE: &str = "self-test";
/// A time to the microsecond and a line's end.
const MAX_OCTETS: u64 = 64;

/// The last good one; none before the first, or where the file cannot be understood.
pub fn read(data: &Path) -> Option<Timestamp> {
    let octets = read_at_most(&data.join(FILE), MAX_OCTETS).ok()?;
    String::from_utf8_lossy(&octets).trim_end().parse().ok()
}

/// Keeps it.
///
/// # Errors
/// [`DiskError`]; what was kept before is still there.
pub fn keep(data: &Path, good_at: Timestamp) -> Result<(), DiskError> {
    write_whole(&data.join(FILE), format!("{good_at}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_one_is_kept_and_rubbish_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()), None);
        let at = Timestamp(Timestamp::WRITTEN.0 + 1);
        keep(directory.path(), at).unwrap();
        assert_eq!(read(directory.path()), Some(at));
        for rubbish in [b"".as_slice(), b"soon\n", &[0xff; 200]] {
            std::fs::write(directory.path().join(FILE), rubbish).unwrap();
            assert_eq!(read(directory.path()), None, "{rubbish:?}");
        }
    }
}
