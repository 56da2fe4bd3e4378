//! The spool's files: taken after fsync, recovered by scanning, given up only with a note of the loss.
//!
//! One thread owns this; nothing else writes the directory. A failed fsync (other than a full disk at writing) must end
//! the process: the kernel may have dropped what it could not write, so only reading it all anew tells what there is.

mod acknowledged;
pub(super) mod ages;
pub(super) mod ended;
mod following;
mod notes;
pub(super) mod own;
mod reading;
mod recovery;
mod room;
mod severity;
mod survey;
mod taken;
mod torn;
mod worn;

pub use following::{choose_following, forget_following};
pub use survey::{survey, survey_as_far, survey_on};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use super::volume::{Access, Volume, VolumeFile};
use super::{DiskError, create_directory_on, failed, write_whole_on};
use crate::ledger::OpeningGivenUp;
use crate::limits::{
    SPOOL_ACKNOWLEDGED_KEEP_S, SPOOL_HINT_EVERY_MS, SPOOL_MAX_OCTETS, SPOOL_RESERVE_OCTETS, SPOOL_ROOM_RECORDS_MAX,
    SPOOL_SEGMENT_MAX_OCTETS, SPOOL_UNACKNOWLEDGED_KEEP_S,
};
use crate::spool::{FileKind, FileName, Loss, Tally, segment_header, write_record};
use ages::Ages;
use reading::Cursor;
use taken::Witness;

/// How much a spool keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Octets of its files, the reserve not counted.
    pub octets: u64,
    /// What is acknowledged stays so long, seconds.
    pub acknowledged_s: u64,
    /// What is not stays so long, seconds; refusals and alerts of severity info and low half as long.
    pub unacknowledged_s: u64,
    /// A segment this large is followed by another.
    pub segment_octets: u64,
    /// Set aside, so that a loss can be written down when nothing else can.
    pub reserve_octets: usize,
}

impl Default for Caps {
    fn default() -> Caps {
        Caps {
            octets: SPOOL_MAX_OCTETS,
            acknowledged_s: SPOOL_ACKNOWLEDGED_KEEP_S,
            unacknowledged_s: SPOOL_UNACKNOWLEDGED_KEEP_S,
            segment_octets: SPOOL_SEGMENT_MAX_OCTETS as u64,
            reserve_octets: SPOOL_RESERVE_OCTETS,
        }
    }
}

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
    /// Those among them whose loss could not be noted yet, because the disk is full.
    pub unnoted: u64,
    /// The lost ones by reason and severity.
    pub given_up: Tally,
}

impl Figures {
    /// Records not yet acknowledged.
    pub fn waiting(&self) -> u64 {
        self.next.0.saturating_sub(1).saturating_sub(self.acknowledged.0)
    }
}

#[derive(Debug)]
enum Piece {
    Segment {
        next: Seq,
        octets: u64,
        /// What the markers in it tell.
        given_up: Tally,
        /// Nothing that goes in a turn before this one is in it: given up, or never there. Zero while nobody looked.
        thinned: u8,
    },
    Lost(Loss),
}

#[derive(Debug)]
struct Active {
    first: Seq,
    file: Box<dyn VolumeFile>,
    octets: u64,
}

/// The spool.
#[derive(Debug)]
pub struct Spool {
    volume: Arc<dyn Volume>,
    directory: PathBuf,
    epoch: Epoch,
    pieces: BTreeMap<Seq, Piece>,
    active: Option<Active>,
    cursor: Option<Cursor>,
    caps: Caps,
    /// What cannot be read is left as it lies, and not opened: it was set aside.
    waits_for_reading: bool,
    /// The last number known to be used, on opening: by what stands behind damage, or by the witness.
    used: Option<Seq>,
    witness: Witness,
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
    given_up: Tally,
    ages: Ages,
    /// When room was last made.
    made_room: Option<Timestamp>,
    openings: Vec<OpeningGivenUp>,
    torn_over: Vec<String>,
    /// Records read to make room this time, and how many are enough.
    looked_at: u64,
    looks_max: u64,
}

impl Spool {
    /// Opens the spool in this directory, or begins one; sets aside what cannot be read and never deletes it.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(
        volume: Arc<dyn Volume>,
        directory: &Path,
        caps: Caps,
        now: Timestamp,
    ) -> Result<(Spool, Recovered), DiskError> {
        Spool::open_as(volume, directory, caps, now, false)
    }

    /// Opens one that was set aside: where the disk cannot read a file of it, it stays as it is, to be tried again.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open_aside(
        volume: Arc<dyn Volume>,
        directory: &Path,
        caps: Caps,
        now: Timestamp,
    ) -> Result<(Spool, Recovered), DiskError> {
        Spool::open_as(volume, directory, caps, now, true)
    }

    fn open_as(
        volume: Arc<dyn Volume>,
        directory: &Path,
        caps: Caps,
        now: Timestamp,
        waits_for_reading: bool,
    ) -> Result<(Spool, Recovered), DiskError> {
        create_directory_on(volume.as_ref(), directory)?;
        let mut spool = Spool {
            volume,
            directory: directory.to_owned(),
            epoch: Epoch(0),
            pieces: BTreeMap::new(),
            active: None,
            cursor: None,
            caps,
            waits_for_reading,
            used: None,
            witness: Witness::default(),
            unsent: None,
            pending: Vec::new(),
            pending_first: Seq(1),
            next: Seq(1),
            durable: Seq(1),
            unnoted: None,
            acknowledged: Seq(0),
            hint_written: None,
            octets: 0,
            given_up: Tally::default(),
            ages: Ages::default(),
            made_room: None,
            openings: Vec::new(),
            torn_over: Vec::new(),
            looked_at: 0,
            looks_max: SPOOL_ROOM_RECORDS_MAX,
        };
        let mut recovered = Recovered::default();
        let names = spool.take_stock(&mut recovered)?;
        if names.is_empty() {
            spool.epoch = spool.find_following();
        } else {
            // Also where nothing of them can be read: numbers of a lifetime that goes on mean one thing.
            spool.find_witness();
        }
        let begins = names.is_empty();
        for name in names {
            spool.recover(name, &mut recovered)?;
        }
        // What the collector has acknowledged can never be numbered anew, even where our own copy of it is damaged.
        let end = spool.pieces.last_key_value().map_or(Seq(1), |(first, piece)| piece.next(*first));
        if !begins {
            spool.acknowledged = spool.find_acknowledged(end);
        }
        spool.next = end.max(spool.acknowledged.next()).max(spool.used.map_or(Seq(0), Seq::next));
        (spool.pending_first, spool.durable) = (spool.next, spool.next);
        match spool.pieces.last_key_value() {
            Some((&first, Piece::Segment { octets, .. })) if end == spool.next => {
                let path = spool.path(first, FileKind::Segment);
                let file = spool.volume.open(&path, Access::Write).map_err(failed("open", &path))?;
                spool.active = Some(Active { first, file, octets: *octets });
            }
            _ => {
                // Without a segment the numbers would begin anew after a restart: an empty one keeps the place.
                match spool.begin_segment() {
                    Ok(()) => {}
                    Err(error) if error.is_full() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if !spool.pieces.is_empty() {
            forget_following(spool.volume.as_ref(), directory)?;
        }
        spool.find_ages(now)?;
        spool.keep_reserve()?;
        spool.find_unsent()?;
        Ok((spool, recovered))
    }

    fn add(&mut self, first: Seq, piece: Piece) {
        match &piece {
            Piece::Segment { octets, given_up, .. } => {
                self.octets += octets;
                self.given_up = self.given_up.plus(given_up);
            }
            Piece::Lost(loss) => self.given_up.add(loss.reason, &loss.counts()),
        }
        self.pieces.insert(first, piece);
    }

    fn path(&self, first: Seq, kind: FileKind) -> PathBuf {
        self.directory.join(FileName { epoch: self.epoch, first, kind }.to_string())
    }

    fn begin_segment(&mut self) -> Result<(), DiskError> {
        let path = self.path(self.pending_first, FileKind::Segment);
        let header = segment_header(self.epoch, self.pending_first);
        let file = self.create(&path, &header)?;
        let octets = header.len() as u64;
        self.add(self.pending_first, segment(self.pending_first, octets, Tally::default()));
        self.ages.handle_written(self.pending_first, true);
        self.active = Some(Active { first: self.pending_first, file, octets });
        Ok(())
    }

    /// A new file that is on disk, with its name, when this returns.
    fn create(&self, path: &Path, octets: &[u8]) -> Result<Box<dyn VolumeFile>, DiskError> {
        let file = self.volume.open(path, Access::CreateNew).map_err(failed("create", path))?;
        if let Err(source) = file.write_all_at(octets, 0) {
            // Just made by us, and nothing in it counts yet: nothing is lost with it.
            let _ = self.volume.remove(path);
            return Err(failed("write", path)(source));
        }
        file.sync().map_err(failed("fsync", path))?;
        self.sync_directory()?;
        Ok(file)
    }

    fn sync_directory(&self) -> Result<(), DiskError> {
        self.volume.sync_directory(&self.directory).map_err(failed("fsync the directory", &self.directory))
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.volume.remove(path).map_err(failed("remove", path))
    }

    /// Numbers a record; it is on disk only after [`Spool::sync`].
    pub fn append(&mut self, payload: &[u8]) -> Seq {
        let seq = self.next;
        write_record(&mut self.pending, seq, payload);
        self.next = seq.next();
        seq
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// On which disk.
    pub fn volume(&self) -> &Arc<dyn Volume> {
        &self.volume
    }

    /// The number the next record will get.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// Whether anything waits for [`Spool::sync`].
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes and fsyncs what was appended, and notes a loss that could not be noted before; with a full disk it is lost, noted as soon as there is room, and counted.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn sync(&mut self, now: Timestamp) -> Result<Synced, DiskError> {
        let mut synced = Synced::default();
        self.note_loss()?;
        let has_reserve = self.keep_reserve()?;
        if self.pending.is_empty() {
            if has_reserve {
                self.keep_witness(now)?;
            }
            self.let_age(now)?;
            return Ok(synced);
        }
        let last = Seq(self.next.0.saturating_sub(1));
        let range = Some((self.pending_first, last));
        self.ages.handle_time(now);
        // What is written without a reserve takes the room in which the next loss would be noted.
        if has_reserve && self.unnoted.is_none() && self.write_pending()? {
            synced.taken = range;
        } else {
            synced.lost = range;
            self.lose_pending(last)?;
        }
        self.pending.clear();
        self.pending_first = self.next;
        // A loss that is not noted yet would be forgotten by a crash, and its numbers given again: it is not told before.
        self.durable = self.unnoted.as_ref().map_or(self.next, |loss| loss.from);
        if synced.taken.is_some() {
            self.keep_witness(now)?;
        }
        self.make_room(now)?;
        Ok(synced)
    }

    /// True if it is on disk, false if the disk is full.
    fn write_pending(&mut self) -> Result<bool, DiskError> {
        let full = |error: &DiskError| error.is_full();
        let is_full = |active: &Active| active.octets >= self.caps.segment_octets;
        let begun = self.active.as_ref().map(|active| active.first);
        if self.active.as_ref().is_none_or(is_full)
            || begun.is_some_and(|first| self.is_aged(first, self.pending_first))
        {
            self.active = None;
            // An empty segment that holds the place already has this name.
            match self.begin_segment() {
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
                active.file.sync().map_err(failed("fsync", &path))?;
                self.active = None;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        active.file.sync().map_err(failed("fsync", &path))?;
        active.octets += self.pending.len() as u64;
        self.octets += self.pending.len() as u64;
        if let Some(Piece::Segment { next, octets, .. }) = self.pieces.get_mut(&active.first) {
            (*next, *octets) = (self.next, active.octets);
        }
        self.ages.handle_written(active.first, self.pending_first == active.first);
        Ok(true)
    }

    /// Writes one of the files beside the segments, unless the disk is full: whether it did.
    fn write_small(&self, name: &str, octets: &[u8]) -> Result<bool, DiskError> {
        match write_whole_on(self.volume.as_ref(), &self.directory.join(name), octets) {
            Ok(()) => Ok(true),
            Err(error) if error.is_full() => {
                // What was half written takes room from what counts.
                let temporary = self.directory.join(format!("{name}.tmp"));
                if self.volume.exists(&temporary) {
                    self.remove(&temporary)?;
                }
                tracing::debug!("spool: {error}");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The openings given up in the last making of room, once.
    pub fn poll_openings(&mut self) -> Vec<OpeningGivenUp> {
        std::mem::take(&mut self.openings)
    }

    /// The spool in numbers.
    pub fn figures(&self) -> Figures {
        let mut given_up = self.given_up;
        if let Some(loss) = &self.unnoted {
            given_up.add(loss.reason, &loss.counts());
        }
        Figures {
            epoch: self.epoch,
            first: self.pieces.first_key_value().map_or(self.durable, |(first, _)| *first),
            next: self.durable,
            acknowledged: self.acknowledged,
            octets: self.octets,
            lost: given_up.total(),
            unnoted: self.unnoted(),
            given_up,
        }
    }
}

/// Whether a file that may say too little is due.
fn is_due(written: Option<Timestamp>, now: Timestamp) -> bool {
    let every = Duration::from_millis(SPOOL_HINT_EVERY_MS);
    written.is_none_or(|written| now.since(written) >= every || now < written)
}

fn segment(next: Seq, octets: u64, given_up: Tally) -> Piece {
    Piece::Segment { next, octets, given_up, thinned: 0 }
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
pub(super) mod tests;
