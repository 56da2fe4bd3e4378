//! Making room: what is acknowledged and old goes; over the cap, or too old, what counts least; and what is not acknowledged
//! only after the note of its loss is on disk.
//!
//! What counts least: first that something was refused, for whoever has the collector's place can have any number of that written
//! without a signature; then alerts by their severity, info first; and when neither is left the oldest segments whole, with what
//! else happened to the sensor (starts, lists in force, damage, losses), of which nobody outside can make many.

use std::path::Path;

use varde_common::id::Seq;
use varde_common::indicator::Severity;
use varde_common::record::{LossReason, Record, RecordBody};
use varde_common::time::Timestamp;

use super::super::volume::Access;
use super::super::{DiskError, failed, sealed};
use super::severity::{REFUSALS, TURNS, Worth, name_of, turn_of};
use super::{Piece, Spool};
use crate::ledger::OpeningGivenUp;
use crate::limits::{SPOOL_AGE_EVERY_S, SPOOL_SEGMENT_MAX_S};
use crate::spool::{FileKind, Loss, SEGMENT_HEADER_OCTETS, given_up_in, marker, segment_header, write_record};

/// What counts least goes at this part of the age that nothing outlives.
const LOW_AGES_FASTER: u64 = 2;
/// A segment spans at most this part of that age: what has just been written is not given up with what is old.
const SEGMENTS_OF_AN_AGE: u64 = 4;

impl Spool {
    /// Lets go of what may go. The newest segment always stays: it holds the place in the numbers.
    pub(super) fn make_room(&mut self, now: Timestamp) -> Result<(), DiskError> {
        self.ages.handle_time(now);
        self.made_room = Some(now);
        self.looked_at = 0;
        self.openings.clear();
        self.follow_aged_segment()?;
        self.forget_acknowledged_losses()?;
        self.let_go_acknowledged()?;
        self.give_up_aged()?;
        if self.is_over() {
            self.give_up_lowest()?;
        }
        self.find_torn()?;
        self.write_ages()
    }

    /// Makes room now and then, also while nothing is written and nothing acknowledged: what is here grows old all the same.
    pub(super) fn let_age(&mut self, now: Timestamp) -> Result<(), DiskError> {
        let is_due = |made: Timestamp| now.since(made).as_secs() >= SPOOL_AGE_EVERY_S || now < made;
        if self.made_room.is_none_or(is_due) { self.make_room(now) } else { Ok(()) }
    }

    /// Whether records have lain in this segment for so long that what comes now belongs in another.
    pub(super) fn is_aged(&mut self, first: Seq, next: Seq) -> bool {
        let most_s = SPOOL_SEGMENT_MAX_S.min(self.caps.unacknowledged_s / SEGMENTS_OF_AN_AGE);
        first != next && self.ages.age_of_first_s(first) >= most_s
    }

    /// The newest segment stays, so another is begun in time: what has lain in it for so long does not wait for it to be full.
    fn follow_aged_segment(&mut self) -> Result<(), DiskError> {
        let newest = self.pieces.iter().rev().find_map(|(first, piece)| match piece {
            Piece::Segment { next, .. } => Some((*first, *next)),
            Piece::Lost(_) => None,
        });
        let Some((first, next)) = newest else { return Ok(()) };
        let is_held_up = !self.pending.is_empty() || self.unnoted.is_some();
        let has_place = !self.pieces.contains_key(&self.pending_first);
        if is_held_up || !has_place || !self.is_aged(first, next) {
            return Ok(());
        }
        match self.begin_segment() {
            Err(error) if error.is_full() => Ok(()),
            begun => begun,
        }
    }

    /// Turn by turn, in each the oldest first; when nothing is left that goes by itself, the oldest segments whole. What is looked at
    /// for that in one go is bounded: the next making of room goes on where this one ended, and the sensor is not kept waiting.
    fn give_up_lowest(&mut self) -> Result<(), DiskError> {
        for turn in REFUSALS..TURNS {
            for first in self.waiting_segments() {
                // No room even to make room: the next time, then.
                if !self.is_over() || self.has_looked_enough() || !self.thin(first, turn, LossReason::SpoolFull)? {
                    return Ok(());
                }
            }
        }
        while self.is_over()
            && !self.has_looked_enough()
            && let Some(first) = self.waiting_segments().first().copied()
            && self.give_up_whole(first, LossReason::SpoolFull)?
        {}
        Ok(())
    }

    /// It keeps so much from now on. What is too much by then is given up, and told, with the next sync.
    pub(in crate::io::disk) fn handle_caps(&mut self, octets: u64, unacknowledged_s: u64) {
        self.caps.octets = octets;
        self.caps.unacknowledged_s = unacknowledged_s;
    }

    fn is_over(&self) -> bool {
        self.octets > self.caps.octets
    }

    fn has_looked_enough(&self) -> bool {
        self.looked_at >= self.looks_max
    }

    pub(super) fn write_ages(&mut self) -> Result<(), DiskError> {
        let Some(text) = self.ages.poll_file(self.epoch) else { return Ok(()) };
        let is_written = self.write_small("ages", sealed::lines(&text).as_bytes())?;
        self.ages.handle_saved(is_written);
        Ok(())
    }

    /// Segments in order, without the newest.
    fn older_segments(&self) -> impl Iterator<Item = (Seq, Seq)> {
        let newest = self.pieces.iter().rev().find_map(|(first, piece)| match piece {
            Piece::Segment { .. } => Some(*first),
            Piece::Lost(_) => None,
        });
        let segments = self.pieces.iter().filter_map(|(first, piece)| match piece {
            Piece::Segment { next, .. } => Some((*first, *next)),
            Piece::Lost(_) => None,
        });
        segments.take_while(move |(first, ..)| Some(*first) != newest)
    }

    /// Older segments with something that is not acknowledged, the oldest first.
    fn waiting_segments(&self) -> Vec<Seq> {
        self.waiting().collect()
    }

    fn waiting(&self) -> impl Iterator<Item = Seq> {
        let waiting = self.older_segments().filter(|(_, next)| *next > self.acknowledged.next());
        waiting.map(|(first, ..)| first)
    }

    /// What the collector has: over the cap at once, else when a restored collector cannot want it any more.
    fn let_go_acknowledged(&mut self) -> Result<(), DiskError> {
        let keep_s = self.caps.acknowledged_s;
        loop {
            let oldest = self.older_segments().next();
            let Some((first, next)) = oldest else { break };
            let goes = next <= self.acknowledged.next() && (self.is_over() || self.ages.age_s(first) > keep_s);
            if !goes {
                break;
            }
            self.remove_segment(first)?;
        }
        Ok(())
    }

    /// What nobody fetched in time: what counts least first.
    fn give_up_aged(&mut self) -> Result<(), DiskError> {
        let keep_s = self.caps.unacknowledged_s;
        let oldest = self.waiting().next();
        if oldest.is_none_or(|oldest| self.ages.age_of_first_s(oldest) <= keep_s / LOW_AGES_FASTER) {
            return Ok(());
        }
        for first in self.waiting_segments() {
            if self.has_looked_enough() {
                break;
            }
            let age_s = self.ages.age_of_first_s(first);
            if age_s > keep_s {
                self.give_up_whole(first, LossReason::SpoolAged)?;
            } else if age_s > keep_s / LOW_AGES_FASTER {
                self.thin(first, turn_of(Severity::Low), LossReason::SpoolAged)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn remove_segment(&mut self, first: Seq) -> Result<(), DiskError> {
        if self.cursor.as_ref().is_some_and(|cursor| cursor.first == first) {
            self.cursor = None;
        }
        self.remove(&self.path(first, FileKind::Segment))?;
        self.sync_directory()?;
        if let Some(Piece::Segment { octets, .. }) = self.pieces.remove(&first) {
            self.octets = self.octets.saturating_sub(octets);
        }
        self.ages.handle_gone(first);
        Ok(())
    }

    /// Writes a segment anew without what goes in the turns up to this one, alerts with their updates; each is replaced by the note of its
    /// loss in the moment the new one takes the name of the old. False if the disk has no room for that.
    fn thin(&mut self, first: Seq, turn: u8, reason: LossReason) -> Result<bool, DiskError> {
        let Some(Piece::Segment { next, octets, given_up, thinned, .. }) = self.pieces.get(&first) else {
            return Ok(true);
        };
        let (next, octets, given_up) = (*next, *octets, *given_up);
        if *thinned > turn {
            return Ok(true);
        }
        let Some(records) = self.records_of(first)? else { return Ok(true) };
        let severities = self.severities(&records)?;
        let goes = |seq: Seq, worth: &Worth| seq > self.acknowledged && worth.turn().is_some_and(|of_it| of_it <= turn);
        let mut new = segment_header(self.epoch, first);
        for (seq, payload) in &records {
            match severities.get(seq) {
                Some(worth) if !worth.is_given_up && goes(*seq, worth) => {
                    write_record(&mut new, *seq, &marker(reason, worth.severity));
                }
                Some(_) | None => write_record(&mut new, *seq, payload),
            }
        }
        let openings = openings(&records, |seq| severities.get(&seq).is_some_and(|worth| goes(seq, worth)));
        let stays = |(seq, worth): (&Seq, &Worth)| {
            worth.turn().filter(|of_it| !worth.is_given_up && *seq > self.acknowledged && *of_it > turn)
        };
        let left = severities.iter().filter_map(stays).min().unwrap_or(TURNS);
        let lost = given_up_in(new.get(SEGMENT_HEADER_OCTETS..).unwrap_or_default(), first);
        let nothing_left = lost.total() == next.0.saturating_sub(first.0) && first > self.acknowledged;
        if nothing_left {
            return self.give_up_whole(first, reason);
        }
        if lost.total() > given_up.total() {
            if !self.replace_segment(first, &new)? {
                return Ok(false);
            }
            self.tell_openings(openings);
            tracing::error!(
                segment = %first, records = lost.total() - given_up.total(), up_to = name_of(turn),
                "{}: what counts least is given up, refusals first, then alerts up to this severity; connect the sensor, or give the spool more room",
                why(reason)
            );
            self.octets = self.octets.saturating_sub(octets).saturating_add(new.len() as u64);
            self.given_up = self.given_up.less(&given_up).plus(&lost);
        }
        if let Some(Piece::Segment { octets, given_up, thinned, .. }) = self.pieces.get_mut(&first) {
            *octets = if lost.total() > given_up.total() { new.len() as u64 } else { *octets };
            (*given_up, *thinned) = (lost, left);
        }
        Ok(true)
    }

    fn replace_segment(&mut self, first: Seq, octets: &[u8]) -> Result<bool, DiskError> {
        if self.cursor.as_ref().is_some_and(|cursor| cursor.first == first) {
            self.cursor = None;
        }
        self.replace_file(&self.path(first, FileKind::Segment), octets)
    }

    /// Whether there was room for it; what stood there stays until the new one takes its name.
    pub(super) fn replace_file(&self, path: &Path, octets: &[u8]) -> Result<bool, DiskError> {
        let temporary = self.directory.join(format!("{}.new", path.file_name().unwrap_or_default().to_string_lossy()));
        let opened = self.volume.open(&temporary, Access::Replace);
        let written = opened.and_then(|file| file.write_all_at(octets, 0).map(|()| file));
        let file = match written.map_err(failed("write", &temporary)) {
            Ok(file) => file,
            Err(error) if error.is_full() => {
                if self.volume.exists(&temporary) {
                    self.remove(&temporary)?;
                }
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        file.sync().map_err(failed("fsync", &temporary))?;
        self.volume.rename(&temporary, path).map_err(failed("rename", &temporary))?;
        self.sync_directory()?;
        Ok(true)
    }

    /// Gives up a whole segment, after the note of it is on disk. False if there is no room for the note.
    fn give_up_whole(&mut self, first: Seq, reason: LossReason) -> Result<bool, DiskError> {
        let Some(Piece::Segment { next, given_up, .. }) = self.pieces.get(&first) else { return Ok(true) };
        let (next, given_up) = (*next, *given_up);
        if next == first {
            // It holds a place that a later one holds by now.
            return self.remove_segment(first).map(|()| true);
        }
        // What the collector has is let go of, and is no loss.
        let from = first.max(self.acknowledged.next());
        let mut loss = Loss::new(from, Seq(next.0.saturating_sub(1)), reason);
        let mut opened = Vec::new();
        if let Some(records) = self.records_of(first)? {
            opened = openings(&records, |seq| seq >= from);
            for (seq, worth) in self.severities(&records)?.split_off(&from) {
                if !loss.tell(seq, worth.severity) {
                    break;
                }
            }
        }
        if !self.write_note(&loss)? {
            return Ok(false);
        }
        self.tell_openings(opened);
        tracing::error!(
            from = %loss.from, to = %loss.to,
            "{}: the oldest records are given up; connect the sensor, or give the spool more room", why(reason)
        );
        self.remove_segment(first)?;
        self.given_up = self.given_up.less(&given_up);
        self.ages.handle_written(loss.from, false);
        self.add(loss.from, Piece::Lost(loss));
        Ok(true)
    }

    fn tell_openings(&mut self, openings: Vec<(Seq, RecordBody)>) {
        let unsent = self.unsent();
        let told = |(seq, body)| OpeningGivenUp { seq, body, may_be_sent: seq < unsent };
        self.openings.extend(openings.into_iter().map(told));
    }

    /// Notes of losses the collector has been told of, once they are the oldest thing here.
    fn forget_acknowledged_losses(&mut self) -> Result<(), DiskError> {
        let keep_s = self.caps.acknowledged_s;
        while let Some((&first, Piece::Lost(loss))) = self.pieces.first_key_value() {
            if self.pieces.len() == 1 || loss.to > self.acknowledged || self.ages.age_s(first) <= keep_s {
                break;
            }
            self.remove(&self.path(first, FileKind::Loss))?;
            self.pieces.remove(&first);
            self.ages.handle_gone(first);
        }
        Ok(())
    }
}

/// Of these records that go those which open an alert.
fn openings(records: &[(Seq, Vec<u8>)], goes: impl Fn(Seq) -> bool) -> Vec<(Seq, RecordBody)> {
    let going = records.iter().filter(|(seq, _)| goes(*seq));
    let read = going.filter_map(|(seq, payload)| Some((*seq, Record::from_octets(payload).ok()?.body)));
    read.filter(|(_, body)| matches!(body, RecordBody::Opened(_) | RecordBody::CrowdOpened(_))).collect()
}

fn why(reason: LossReason) -> &'static str {
    match reason {
        LossReason::SpoolFull => "the spool is full",
        LossReason::SpoolAged => "records wait longer than spool_max_days allows",
        LossReason::SpoolDamaged => "the spool is damaged",
    }
}
