//! What the collector has: from that moment on it is kept for a collector that is put back, and a hint says so after a restart.

use varde_common::id::Seq;
use varde_common::time::Timestamp;

use super::super::DiskError;
use super::recovery::{ACKNOWLEDGED, hint};
use super::{Spool, is_due};

impl Spool {
    /// The collector has committed everything up to here.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn handle_acknowledged(&mut self, seq: Seq, now: Timestamp) -> Result<(), DiskError> {
        let before = self.acknowledged;
        self.acknowledged = seq.min(Seq(self.durable.0.saturating_sub(1)));
        self.ages.handle_time(now);
        self.begin_to_keep(before);
        if self.ages.is_behind() {
            // Before the hint: a crash in between would find it acknowledged, and as old as when it was written.
            self.write_ages()?;
        }
        if self.acknowledged < before {
            // A collector that was put back wants it again: after a crash an older word must not let go of it.
            self.forget_hint()?;
            self.write_hint(now)?;
        } else if is_due(self.hint_written, now) {
            self.write_hint(now)?;
        }
        self.make_room(now)
    }

    /// Of what is acknowledged now and was not before: how long each segment, or note of a loss, has been kept for a restored
    /// collector is counted from here, however long it had waited.
    fn begin_to_keep(&mut self, before: Seq) {
        let (from, behind) = (before.next(), self.acknowledged.next());
        let back = self.pieces.range(..behind).rev().map(|(first, piece)| (*first, piece.next(*first)));
        for (first, next) in back.take_while(|(_, next)| *next > from) {
            if next <= behind {
                self.ages.handle_acknowledged(first);
            }
        }
    }

    fn forget_hint(&mut self) -> Result<(), DiskError> {
        let path = self.directory.join(ACKNOWLEDGED);
        if self.volume.exists(&path) {
            self.remove(&path)?;
            self.sync_directory()?;
        }
        Ok(())
    }

    /// Writes the hint now, and the witness; with a full disk it stays what it was, without harm.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end; never for a full disk.
    pub fn write_hint(&mut self, now: Timestamp) -> Result<(), DiskError> {
        self.hint_written = Some(now);
        // What its age is not written of could be let go of after a crash.
        if !self.ages.is_behind() {
            let text = hint(ACKNOWLEDGED, self.epoch, self.acknowledged);
            self.write_small(ACKNOWLEDGED, text.as_bytes())?;
        }
        self.bear_witness(self.durable)
    }
}
