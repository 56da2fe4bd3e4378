//! What has passed by the collector's word, kept for a start without a clock: one line, RFC 3339, and behind a space the SHA-256 of
//! the CA certificate under which it was said.

use std::path::Path;

use varde_common::trust::from_hex;

use super::{DiskError, read_at_most, write_whole};
use crate::effective_time::Passed;

const FILE: &str = "collector-time";
/// A time to the microsecond, 64 hex digits, and what is between and behind.
const MAX_OCTETS: u64 = 128;

/// What was kept; none before the first session, or where the file cannot be understood: it can only help. A program from
/// before wrote the time alone.
pub fn read(data: &Path) -> Option<Passed> {
    let octets = read_at_most(&data.join(FILE), MAX_OCTETS).ok()?;
    let text = String::from_utf8_lossy(&octets);
    match text.trim_end().split_once(' ') {
        None => Some(Passed { at: text.trim_end().parse().ok()?, ca: None }),
        Some((at, ca)) => {
            from_hex::<32>(ca)?;
            Some(Passed { at: at.parse().ok()?, ca: Some(ca.to_owned()) })
        }
    }
}

/// Keeps it.
///
/// # Errors
/// [`DiskError`]; what was kept before is still there.
pub fn keep(data: &Path, passed: &Passed) -> Result<(), DiskError> {
    let Passed { at, ca } = passed;
    let line = ca.as_ref().map_or_else(|| format!("{at}\n"), |ca| format!("{at} {ca}\n"));
    write_whole(&data.join(FILE), line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::time::Timestamp;

    #[test]
    fn k1_what_is_kept_is_read_also_of_a_program_from_before_and_rubbish_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        for ca in [None, Some("0f".repeat(32))] {
            let passed = Passed { at: Timestamp(Timestamp::WRITTEN.0 + 1), ca };
            keep(dir.path(), &passed).unwrap();
            assert_eq!(read(dir.path()), Some(passed));
        }
        std::fs::write(dir.path().join(FILE), b"2026-12-01T08:00:00Z\n").unwrap();
        assert_eq!(read(dir.path()).map(|passed| passed.ca), Some(None));
        for rubbish in [b"soon".as_slice(), &[0xff; 10], &[b'2'; 1000], b"2026-12-01T08:00:00Z abc"] {
            std::fs::write(dir.path().join(FILE), rubbish).unwrap();
            assert_eq!(read(dir.path()), None);
        }
    }
}
