//! The spool's files: taken after fsync, recovered by scanning, given up only with a note of the loss.
//!
//! One thread owns this; nothing else writes the directory. A failed fsync (other than a full disk at writing) must end
//! the process: the kernel may have dropped what it could not write, so only reading it all anew tells what there is.

mod recovery;

pub use recovery::survey;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use varde_common::id::{Epoch, Seq};
use varde_common::limits::{BATCH_MAX_OCTETS, BATCH_MAX_RECORDS};
use varde_common::record::LossReason;
use varde_common::time::Timestamp;

use super::{DiskError, create_directory, create_new, failed, sync_directory, write_whole};
use crate::limits::{SPOOL_ACKNOWLEDGED_KEEP_S, SPOOL_HINT_EVERY_MS, SPOOL_RESERVE_OCTETS, SPOOL_SEGMENT_MAX_OCTETS};
use crate::spool::{
    FileKind, FileName, Loss, RECORD_EXTRA_OCTETS, SEGMENT_HEADER_OCTETS, read_record, segment_header, tombstone,
    write_record,
};
use recovery::{modified, new_epoch, seq_in};

/// What was found when the spool was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Records that can be read.
    pub records: u64,
    /// Octets set aside because they were no records.
    pub damaged_octets: u64,
}

/// What became of the records appended since the last sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Synced {
    /// First and last record now on disk.
    pub taken: Option<(Seq, Seq)>,
    /// First and last record lost because the disk is full.
    pub lost: Option<(Seq, Seq)>,
}

/// The spool in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// The spool's lifetime.
    pub epoch: Epoch,
    /// Oldest record still there.
    pub first: Seq,
    /// The next record it will write; all before are on disk, or lost and noted.
    pub next: Seq,
    /// Acknowledged up to here.
    pub acknowledged: Seq,
    /// Octets of its files.
    pub octets: u64,
    /// Records lost since it began, as far as their notes are still there.
    pub lost: u64,
}

impl Figures {
    /// Records not yet acknowledged.
    pub fn waiting(&self) -> u64 {
        self.next.0.saturating_sub(1).saturating_sub(self.acknowledged.0)
    }
}

#[derive(Debug)]
enum Piece {
    Segment { next: Seq, octets: u64, written: Timestamp },
    Lost(Loss),
}

#[derive(Debug)]
struct Active {
    first: Seq,
    file: File,
    octets: u64,
}

#[derive(Debug)]
struct Cursor {
    file: File,
    first: Seq,
    seq: Seq,
    offset: u64,
}

/// The spool.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    epoch: Epoch,
    pieces: BTreeMap<Seq, Piece>,
    active: Option<Active>,
    cursor: Option<Cursor>,
    max_octets: u64,
    /// The last number found behind damage, on opening.
    used: Option<Seq>,
    /// Nothing from this number on was ever sent, says the file `unsent`; none while anything can be.
    unsent: Option<Seq>,
    /// Appended, not yet written.
    pending: Vec<u8>,
    pending_first: Seq,
    /// The next number to give.
    next: Seq,
    /// The number after the last one on disk (or lost and noted).
    durable: Seq,
    unnoted: Option<Loss>,
    acknowledged: Seq,
    hint_written: Option<Timestamp>,
    octets: u64,
    lost: u64,
}

impl Spool {
    /// Opens the spool in this directory, or begins one; sets aside what cannot be read and never deletes it.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(directory: &Path, max_octets: u64, now: Timestamp) -> Result<(Spool, Recovered), DiskError> {
        create_directory(directory)?;
        let mut spool = Spool {
            directory: directory.to_owned(),
            epoch: Epoch(0),
            pieces: BTreeMap::new(),
            active: None,
            cursor: None,
            max_octets,
            used: None,
            unsent: None,
            pending: Vec::new(),
            pending_first: Seq(1),
            next: Seq(1),
            durable: Seq(1),
            unnoted: None,
            acknowledged: Seq(0),
            hint_written: None,
            octets: 0,
            lost: 0,
        };
        let mut recovered = Recovered::default();
        let names = spool.take_stock(&mut recovered)?;
        for name in names {
            spool.recover(name, &mut recovered, now)?;
        }
        spool.acknowledged = seq_in(&spool.directory, "acknowledged", spool.epoch).unwrap_or(Seq(0));
        if spool.pieces.is_empty() {
            spool.epoch = new_epoch();
        }
        // What the collector has acknowledged can never be numbered anew, even where our own copy of it is damaged.
        let end = spool.pieces.last_key_value().map_or(Seq(1), |(first, piece)| piece.next(*first));
        spool.next = end.max(spool.acknowledged.next()).max(spool.used.map_or(Seq(0), Seq::next));
        (spool.pending_first, spool.durable) = (spool.next, spool.next);
        match spool.pieces.last_key_value() {
            Some((&first, Piece::Segment { octets, .. })) if end == spool.next => {
                let path = spool.path(first, FileKind::Segment);
                let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("open", &path))?;
                spool.active = Some(Active { first, file, octets: *octets });
            }
            _ => {
                // Without a segment the numbers would begin anew after a restart: an empty one keeps the place.
                match spool.begin_segment(now) {
                    Ok(()) => {}
                    Err(error) if error.is_full() => spool.release_reserve(),
                    Err(error) => return Err(error),
                }
            }
        }
        spool.keep_reserve();
        spool.find_unsent();
        Ok((spool, recovered))
    }

    fn add(&mut self, first: Seq, piece: Piece) {
        match &piece {
            Piece::Segment { octets, .. } => self.octets += octets,
            Piece::Lost(loss) => self.lost += loss.count(),
        }
        self.pieces.insert(first, piece);
    }

    fn path(&self, first: Seq, kind: FileKind) -> PathBuf {
        self.directory.join(FileName { epoch: self.epoch, first, kind }.to_string())
    }

    fn begin_segment(&mut self, now: Timestamp) -> Result<(), DiskError> {
        let path = self.path(self.pending_first, FileKind::Segment);
        let file = create_new(&path)?;
        let header = segment_header(self.epoch, self.pending_first);
        if let Err(source) = file.write_all_at(&header, 0) {
            // Empty and just made by us: nothing is lost with it.
            let _ = fs::remove_file(&path);
            return Err(failed("write", &path)(source));
        }
        file.sync_all().map_err(failed("fsync", &path))?;
        sync_directory(&self.directory)?;
        let octets = header.len() as u64;
        self.add(self.pending_first, Piece::Segment { next: self.pending_first, octets, written: now });
        self.active = Some(Active { first: self.pending_first, file, octets });
        Ok(())
    }

    /// Numbers a record; it is on disk only after [`Spool::sync`].
    pub fn append(&mut self, payload: &[u8]) -> Seq {
        let seq = self.next;
        write_record(&mut self.pending, seq, payload);
        self.next = seq.next();
        seq
    }

    /// The number the next record will get.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// Whether anything waits for [`Spool::sync`].
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes and fsyncs what was appended; with a full disk it is lost, noted as soon as there is room, and counted.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn sync(&mut self, now: Timestamp) -> Result<Synced, DiskError> {
        let mut synced = Synced::default();
        if self.unnoted.is_some() {
            self.note_loss()?;
        }
        if self.pending.is_empty() {
            return Ok(synced);
        }
        let last = Seq(self.next.0.saturating_sub(1));
        let range = Some((self.pending_first, last));
        let written = if self.unnoted.is_some() { Ok(false) } else { self.write_pending(now) };
        if written? {
            synced.taken = range;
        } else {
            synced.lost = range;
            let from = self.unnoted.map_or(self.pending_first, |loss| loss.from);
            self.unnoted = Some(Loss { from, to: last, reason: LossReason::SpoolFull });
            self.release_reserve();
            self.note_loss()?;
        }
        self.pending.clear();
        self.pending_first = self.next;
        self.durable = self.next;
        self.make_room(now)?;
        Ok(synced)
    }

    /// True if it is on disk, false if the disk is full.
    fn write_pending(&mut self, now: Timestamp) -> Result<bool, DiskError> {
        let full = |error: &DiskError| error.is_full();
        if self.active.as_ref().is_none_or(|active| active.octets >= SPOOL_SEGMENT_MAX_OCTETS as u64) {
            self.active = None;
            // An empty segment that holds the place already has this name.
            match self.begin_segment(now) {
                Ok(()) => {}
                Err(error) if full(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        let Some(active) = &mut self.active else { return Ok(false) };
        let name = FileName { epoch: self.epoch, first: active.first, kind: FileKind::Segment };
        let path = self.directory.join(name.to_string());
        match active.file.write_all_at(&self.pending, active.octets).map_err(failed("write", &path)) {
            Ok(()) => {}
            Err(error) if full(&error) => {
                // Only what this very call wrote is cut off again.
                active.file.set_len(active.octets).map_err(failed("cut", &path))?;
                active.file.sync_all().map_err(failed("fsync", &path))?;
                self.active = None;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        active.file.sync_data().map_err(failed("fsync", &path))?;
        active.octets += self.pending.len() as u64;
        self.octets += self.pending.len() as u64;
        let piece = Piece::Segment { next: self.next, octets: active.octets, written: now };
        self.pieces.insert(active.first, piece);
        Ok(true)
    }

    /// Writes the note of a loss if there is room for it by now.
    fn note_loss(&mut self) -> Result<(), DiskError> {
        let Some(loss) = self.unnoted else { return Ok(()) };
        match self.write_note(loss) {
            Ok(()) => {
                self.unnoted = None;
                self.add(loss.from, Piece::Lost(loss));
                self.active = None;
                self.keep_reserve();
                Ok(())
            }
            Err(error) if error.is_full() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn write_note(&self, loss: Loss) -> Result<(), DiskError> {
        let path = self.path(loss.from, FileKind::Loss);
        let file = create_new(&path)?;
        if let Err(source) = file.write_all_at(&loss.to_octets(self.epoch), 0) {
            let _ = fs::remove_file(&path);
            return Err(failed("write", &path)(source));
        }
        file.sync_all().map_err(failed("fsync", &path))?;
        sync_directory(&self.directory)
    }

    /// Gives up what is acknowledged and old, or, over the cap, the oldest; what is not acknowledged only after the note
    /// of its loss is on disk. The newest segment always stays: it holds the place in the numbers.
    fn make_room(&mut self, now: Timestamp) -> Result<(), DiskError> {
        let keep = Duration::from_secs(SPOOL_ACKNOWLEDGED_KEEP_S);
        while self.pieces.len() > 1 {
            let over = self.octets > self.max_octets;
            // The oldest piece that is still readable; notes of loss before it stay until they are acknowledged.
            let oldest = self.pieces.iter().find_map(|(first, piece)| match piece {
                Piece::Segment { next, octets, written } => Some((*first, *next, *octets, *written)),
                Piece::Lost(_) => None,
            });
            let newest_segment = self.pieces.iter().rev().find_map(|(first, piece)| match piece {
                Piece::Segment { .. } => Some(*first),
                Piece::Lost(_) => None,
            });
            self.forget_acknowledged_losses(now)?;
            let Some((first, next, octets, written)) = oldest.filter(|(first, ..)| Some(*first) != newest_segment)
            else {
                break;
            };
            let last = Seq(next.0.saturating_sub(1));
            let acknowledged = last <= self.acknowledged;
            let outlived = acknowledged && now.since(written) > keep;
            if !over && !outlived {
                break;
            }
            let path = self.path(first, FileKind::Segment);
            let lost = (!acknowledged && next > first).then_some(Loss {
                from: first,
                to: last,
                reason: LossReason::SpoolFull,
            });
            if let Some(loss) = lost {
                match self.write_note(loss) {
                    Ok(()) => tracing::error!(
                        from = %loss.from, to = %loss.to,
                        "the spool is full: the oldest records are given up; connect the sensor, or give the spool more room"
                    ),
                    Err(error) if error.is_full() => break,
                    Err(error) => return Err(error),
                }
            }
            if self.cursor.as_ref().is_some_and(|cursor| cursor.first == first) {
                self.cursor = None;
            }
            fs::remove_file(&path).map_err(failed("remove", &path))?;
            sync_directory(&self.directory)?;
            self.octets = self.octets.saturating_sub(octets);
            self.pieces.remove(&first);
            if let Some(loss) = lost {
                self.add(loss.from, Piece::Lost(loss));
            }
        }
        Ok(())
    }

    /// Notes of losses the collector has been told of, once they are the oldest thing here.
    fn forget_acknowledged_losses(&mut self, now: Timestamp) -> Result<(), DiskError> {
        let keep = Duration::from_secs(SPOOL_ACKNOWLEDGED_KEEP_S);
        while let Some((&first, Piece::Lost(loss))) = self.pieces.first_key_value() {
            let path = self.path(first, FileKind::Loss);
            if self.pieces.len() == 1 || loss.to > self.acknowledged || now.since(modified(&path, now)) <= keep {
                break;
            }
            fs::remove_file(&path).map_err(failed("remove", &path))?;
            self.pieces.remove(&first);
        }
        Ok(())
    }

    /// Records from this number on, as much as one batch may carry. A place that holds no record gives a tombstone.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn read(&mut self, from: Seq, now: Timestamp) -> Result<Vec<Vec<u8>>, DiskError> {
        self.begin_sending()?;
        let mut records = Vec::new();
        let (mut octets, mut seq) = (0, from);
        while seq < self.durable && records.len() < BATCH_MAX_RECORDS {
            let Some(record) = self.read_one(seq, now)? else { break };
            octets += record.len();
            if octets > BATCH_MAX_OCTETS {
                break;
            }
            records.push(record);
            seq = seq.next();
        }
        Ok(records)
    }

    fn read_one(&mut self, seq: Seq, now: Timestamp) -> Result<Option<Vec<u8>>, DiskError> {
        let gone = |reason| Ok(tombstone(seq, reason, now).ok());
        let (first, end) = match self.pieces.range(..=seq).next_back() {
            Some((&first, Piece::Segment { next, octets, .. })) if seq < *next => (first, *octets),
            Some((_, Piece::Lost(loss))) if seq <= loss.to => return gone(loss.reason),
            _ if self.unnoted.is_some_and(|loss| loss.from <= seq && seq <= loss.to) => {
                return gone(LossReason::SpoolFull);
            }
            _ => return gone(LossReason::SpoolDamaged),
        };
        let path = self.path(first, FileKind::Segment);
        let mut cursor = match self.cursor.take() {
            Some(cursor) if cursor.first == first && cursor.seq <= seq => cursor,
            _ => {
                let file = File::open(&path).map_err(failed("open", &path))?;
                Cursor { file, first, seq: first, offset: SEGMENT_HEADER_OCTETS as u64 }
            }
        };
        let mut window = vec![0; varde_common::limits::RECORD_MAX_OCTETS + RECORD_EXTRA_OCTETS];
        loop {
            let room = usize::try_from(end.saturating_sub(cursor.offset)).unwrap_or(usize::MAX).min(window.len());
            let window = window.get_mut(..room).unwrap_or_default();
            cursor.file.read_exact_at(window, cursor.offset).map_err(failed("read", &path))?;
            let Ok((payload, _)) = read_record(window, cursor.seq) else {
                // Good when it was written or recovered, no longer: never sent as something it is not.
                tracing::error!(file = %path.display(), seq = cursor.seq.0, "spool: a record can no longer be read");
                self.handle_damage(first, cursor.seq);
                return gone(LossReason::SpoolDamaged);
            };
            let (here, payload) = (cursor.seq, payload.to_vec());
            cursor.offset += (payload.len() + RECORD_EXTRA_OCTETS) as u64;
            cursor.seq = here.next();
            if here == seq {
                self.cursor = Some(cursor);
                return Ok(Some(payload));
            }
        }
    }

    /// The collector has committed everything up to here.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn handle_acknowledged(&mut self, seq: Seq, now: Timestamp) -> Result<(), DiskError> {
        self.acknowledged = seq.min(Seq(self.durable.0.saturating_sub(1)));
        let every = Duration::from_millis(SPOOL_HINT_EVERY_MS);
        if self.hint_written.is_none_or(|written| now.since(written) >= every || now < written) {
            self.write_hint(now);
        }
        self.make_room(now)
    }

    /// Writes the hint now; it may fail without harm.
    pub fn write_hint(&mut self, now: Timestamp) {
        self.hint_written = Some(now);
        let text = format!("{} {}\n", self.epoch, self.acknowledged);
        if let Err(error) = write_whole(&self.directory.join("acknowledged"), text.as_bytes()) {
            tracing::debug!("spool: {error}");
        }
    }

    fn release_reserve(&self) {
        let _ = fs::remove_file(self.directory.join("reserve"));
    }

    fn keep_reserve(&self) {
        let path = self.directory.join("reserve");
        if !path.exists() && write_whole(&path, &vec![0xa5; SPOOL_RESERVE_OCTETS]).is_err() {
            let _ = fs::remove_file(self.directory.join("reserve.tmp"));
        }
    }

    /// The spool in numbers.
    pub fn figures(&self) -> Figures {
        Figures {
            epoch: self.epoch,
            first: self.pieces.first_key_value().map_or(self.durable, |(first, _)| *first),
            next: self.durable,
            acknowledged: self.acknowledged,
            octets: self.octets,
            lost: self.lost + self.unnoted.map_or(0, |loss| loss.count()),
        }
    }
}

impl Piece {
    fn next(&self, _first: Seq) -> Seq {
        match self {
            Piece::Segment { next, .. } => *next,
            Piece::Lost(loss) => loss.to.next(),
        }
    }
}

#[cfg(test)]
mod tests;
