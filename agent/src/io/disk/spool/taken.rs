//! A witness against damage: how far the numbers of a spool have come, in the file `taken`, beside the segments that say so
//! too as long as they can be read.
//!
//! What is torn off by a crash was never taken, and its number is given again; what is damaged later at the very end of a
//! segment looks the same, and so does a segment of which nothing can be read. The file tells them apart: `EPOCH NEXT CRC`,
//! the number after the last that was on disk when it was written, and the CRC-32 of the octets before it, in hex. It is
//! written after the fsync of what it tells of, so that it never says too much; at most once a second, so that it may say too
//! little by what was taken in the last second before a crash; and before anything is cut off whose numbers were used.

use std::path::Path;

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use super::super::DiskError;
use super::super::read_at_most_on;
use super::super::volume::Volume;
use super::{Spool, is_due};

pub(super) const TAKEN_FILE: &str = "taken";

/// What the file says, and when it was last tried to be written.
#[derive(Debug, Default)]
pub(super) struct Witness {
    next: Seq,
    tried: Option<Timestamp>,
}

impl Spool {
    /// Numbers that are known to be used, whatever can still be read.
    pub(super) fn find_witness(&mut self) {
        if let Some(next) = witness_in(self.volume.as_ref(), &self.directory, self.epoch) {
            self.witness.next = next;
            self.handle_used(Seq(next.0.saturating_sub(1)));
        }
    }

    /// No number up to this one is given again.
    pub(super) fn handle_used(&mut self, last: Seq) {
        self.used = self.used.max(Some(last));
    }

    /// Writes that every number before this one is used; with a full disk it stays what it was.
    pub(super) fn bear_witness(&mut self, next: Seq) -> Result<(), DiskError> {
        if next > self.witness.next && self.write_small(TAKEN_FILE, witness(self.epoch, next).as_bytes())? {
            self.witness.next = next;
        }
        Ok(())
    }

    /// The same of what is on disk, now and then.
    pub(super) fn keep_witness(&mut self, now: Timestamp) -> Result<(), DiskError> {
        if self.durable > self.witness.next && is_due(self.witness.tried, now) {
            self.witness.tried = Some(now);
            self.bear_witness(self.durable)?;
        }
        Ok(())
    }
}

/// The number after the last that is known to be used in this directory; none where that cannot be read.
pub(super) fn witness_in(volume: &dyn Volume, directory: &Path, epoch: Epoch) -> Option<Seq> {
    read_witness(&read_at_most_on(volume, &directory.join(TAKEN_FILE), 128).ok()?, epoch)
}

fn witness(epoch: Epoch, next: Seq) -> String {
    let said = format!("{epoch} {next}");
    format!("{said} {:08x}\n", crc32fast::hash(said.as_bytes()))
}

fn read_witness(octets: &[u8], epoch: Epoch) -> Option<Seq> {
    let text = str::from_utf8(octets).ok()?;
    let (said, _) = text.rsplit_once(' ')?;
    let (_, next) = said.split_once(' ')?;
    let next = Seq(next.parse().ok()?);
    (witness(epoch, next) == text).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_a_damaged_witness_says_nothing() {
        let (epoch, next) = (Epoch(7), Seq(92));
        let whole = witness(epoch, next);
        assert_eq!(read_witness(whole.as_bytes(), epoch), Some(next));
        assert_eq!(read_witness(whole.as_bytes(), Epoch(8)), None, "of another spool");
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut torn = whole.clone().into_bytes();
                torn[place] ^= 1 << bit;
                assert_eq!(read_witness(&torn, epoch), None, "octet {place}, bit {bit}");
                assert_eq!(read_witness(&torn[..place], epoch), None);
            }
        }
    }
}
