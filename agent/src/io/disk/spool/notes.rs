//! What is lost when the disk is full: noted out of a reserve that only notes may use, in one note for as long as it goes on.
//!
//! Nothing else is written while the reserve is not whole: a disk that has no room for it is full. So a loss can be noted
//! whenever one happens, and what is not noted yet is told to nobody and numbered anew after a crash. What lies elsewhere too
//! (a spool that was set aside) is not lost with a full disk: it is given back.

use varde_common::id::Seq;
use varde_common::record::LossReason;
use varde_common::time::Timestamp;

use super::super::volume::Access;
use super::super::{DiskError, failed};
use super::{Active, Piece, Spool};
use crate::spool::{FileKind, Loss, Tally};

/// The reserve is given to notes in so many parts: another program may take what one note leaves of its part.
const RESERVE_PARTS: u64 = 4;

impl Spool {
    /// What was appended is lost.
    pub(super) fn lose_pending(&mut self, last: Seq) -> Result<(), DiskError> {
        let severities = self.pending_severities()?;
        let begun = Loss::new(self.pending_first, last, LossReason::SpoolFull);
        let loss = self.unnoted.get_or_insert(begun);
        loss.to = last;
        for (seq, worth) in severities {
            loss.tell(seq, worth.severity);
        }
        self.note_loss()
    }

    /// Writes and fsyncs what was appended; with a full disk it is given back: it is nowhere, its numbers are free again, and nothing is
    /// told as lost. Whether it is on disk.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn sync_or_give_back(&mut self, now: Timestamp) -> Result<bool, DiskError> {
        if self.pending.is_empty() {
            return Ok(true);
        }
        self.ages.handle_time(now);
        let is_written = self.has_room()? && self.write_pending()?;
        self.close_attempt(is_written, now)
    }

    /// The same for what tells of a loss elsewhere, which is about to happen: it may have the reserve, as every note of a loss may.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn sync_note(&mut self, now: Timestamp) -> Result<bool, DiskError> {
        if self.pending.is_empty() {
            return Ok(true);
        }
        self.ages.handle_time(now);
        let mut is_written = false;
        // A loss that waits for room itself comes first.
        while self.unnoted.is_none() {
            is_written = self.write_pending()?;
            if is_written || !self.shrink_reserve()? {
                break;
            }
            self.write_on_in_place_holder()?;
        }
        self.close_attempt(is_written, now)
    }

    fn close_attempt(&mut self, is_written: bool, now: Timestamp) -> Result<bool, DiskError> {
        self.pending.clear();
        if !is_written {
            self.next = self.pending_first;
            self.write_on_in_place_holder()?;
            return Ok(false);
        }
        (self.pending_first, self.durable) = (self.next, self.next);
        self.keep_witness(now)?;
        self.make_room(now)?;
        Ok(true)
    }

    /// An empty segment that was begun for what is given back has the name that the next one would have.
    fn write_on_in_place_holder(&mut self) -> Result<(), DiskError> {
        let first = self.pending_first;
        match self.pieces.get(&first) {
            Some(&Piece::Segment { next, octets, .. }) if next == first && self.active.is_none() => {
                let path = self.path(first, FileKind::Segment);
                let file = self.volume.open(&path, Access::Write).map_err(failed("open", &path))?;
                self.active = Some(Active { first, file, octets });
                Ok(())
            }
            Some(Piece::Segment { .. } | Piece::Lost(_)) | None => Ok(()),
        }
    }

    /// Writes the note of a loss, out of the reserve where there is no other room; what cannot be noted waits.
    pub(super) fn note_loss(&mut self) -> Result<(), DiskError> {
        let Some(loss) = self.unnoted.take() else { return Ok(()) };
        // A full disk that goes on needs one note however long it lasts.
        let wider = match self.pieces.range(..loss.from).next_back() {
            Some((_, Piece::Lost(before))) => before.gone_on(&loss),
            Some((_, Piece::Segment { .. })) | None => None,
        };
        self.active = None;
        if wider.is_some() {
            // The note before it holds the place.
            self.remove_place_holder(loss.from)?;
        }
        loop {
            let noted = match &wider {
                Some(wider) => self.replace_file(&self.path(wider.from, FileKind::Loss), &wider.to_octets(self.epoch)),
                None => self.write_note(&loss),
            };
            if noted? {
                break;
            }
            if !self.shrink_reserve()? {
                self.unnoted = Some(loss);
                return Ok(());
            }
        }
        self.durable = loss.to.next();
        self.remove_place_holder(loss.from)?;
        let loss = wider.unwrap_or(loss);
        if let Some(Piece::Lost(before)) = self.pieces.remove(&loss.from) {
            let mut counted = Tally::default();
            counted.add(before.reason, &before.counts());
            self.given_up = self.given_up.less(&counted);
        }
        self.ages.handle_written(loss.from, false);
        self.add(loss.from, Piece::Lost(loss));
        Ok(())
    }

    /// An empty segment, if one begins here.
    fn remove_place_holder(&mut self, first: Seq) -> Result<(), DiskError> {
        match self.pieces.get(&first) {
            Some(Piece::Segment { next, .. }) if *next == first => self.remove_segment(first),
            Some(Piece::Segment { .. } | Piece::Lost(_)) | None => Ok(()),
        }
    }

    /// Whether there was room for it.
    pub(super) fn write_note(&self, loss: &Loss) -> Result<bool, DiskError> {
        match self.create(&self.path(loss.from, FileKind::Loss), &loss.to_octets(self.epoch)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_full() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a part of the reserve to what must be written now; false if nothing is left of it.
    pub(in super::super) fn shrink_reserve(&self) -> Result<bool, DiskError> {
        let path = self.directory.join("reserve");
        let Ok(entry) = self.volume.entry(&path) else { return Ok(false) };
        let left = entry.octets.saturating_sub((self.caps.reserve_octets as u64 / RESERVE_PARTS).max(1));
        if left > 0 {
            let file = self.volume.open(&path, Access::Write).map_err(failed("open", &path))?;
            match file.set_len(left).map_err(failed("cut", &path)) {
                Ok(()) => {
                    file.sync().map_err(failed("fsync", &path))?;
                    return Ok(true);
                }
                // A file system may need room to cut a file; none takes any to remove it.
                Err(error) if error.is_full() => {}
                Err(error) => return Err(error),
            }
        }
        self.remove(&path)?;
        Ok(true)
    }

    /// Makes the reserve whole again; false if the disk has no room for that.
    pub(super) fn keep_reserve(&self) -> Result<bool, DiskError> {
        let octets = self.volume.entry(&self.directory.join("reserve")).map_or(0, |entry| entry.octets);
        if octets >= self.caps.reserve_octets as u64 {
            return Ok(true);
        }
        self.write_small("reserve", &vec![0xa5; self.caps.reserve_octets])
    }

    /// Whether what is written now is kept; false with a full disk.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn has_room(&self) -> Result<bool, DiskError> {
        Ok(self.unnoted.is_none() && self.keep_reserve()?)
    }

    /// Records lost and not noted: a crash forgets them.
    pub fn unnoted(&self) -> u64 {
        self.unnoted.as_ref().map_or(0, Loss::count)
    }
}
