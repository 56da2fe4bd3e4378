//! What the collector last said of the time, kept for a start without a clock: one line, RFC 3339.

use std::path::Path;

use varde_common::time::Timestamp;

use super::{DiskError, read_at_most, write_whole};

const FILE: &str = "collector-time";
const MAX_OCTETS: u64 = 64;

/// What was kept; none before the first session, or where the file cannot be understood: it can only help.
pub fn read(data: &Path) -> Option<Timestamp> {
    let octets = read_at_most(&data.join(FILE), MAX_OCTETS).ok()?;
    String::from_utf8_lossy(&octets).trim_end().parse().ok()
}

/// Keeps it.
///
/// # Errors
/// [`DiskError`]; what was kept before is still there.
pub fn keep(data: &Path, time: Timestamp) -> Result<(), DiskError> {
    write_whole(&data.join(FILE), format!("{time}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_rubbish_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        keep(dir.path(), Timestamp::WRITTEN).unwrap();
        assert_eq!(read(dir.path()), Some(Timestamp::WRITTEN));
        for rubbish in [b"soon".as_slice(), &[0xff; 10], &[b'2'; 1000]] {
            std::fs::write(dir.path().join(FILE), rubbish).unwrap();
            assert_eq!(read(dir.path()), None);
        }
    }
}
