//! Opening a spool: what lies in its directory, what of it can be believed, and where the rest is kept.

use std::path::{Path, PathBuf};

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use super::super::adopt::begun_from;
use super::super::adopt::plan::UNTIL;
use super::super::mark::MARK_FILE;
use super::super::owner::OWNER_FILE;
use super::super::volume::{Access, Volume, VolumeFile};
use super::super::{DiskError, create_directory_on, failed, read_at_most_on, sealed};
use super::ages::{AGES_MAX_OCTETS, Ages};
use super::own::{OWN_FILE, Own, own_from};
use super::taken::TAKEN_FILE;
use super::worn::AsFar;
use super::{Piece, Recovered, Spool, segment};
use crate::limits::SPOOL_SEGMENT_MAX_OCTETS;
use crate::spool::{
    FileKind, FileName, Loss, Named, SEGMENT_HEADER_OCTETS, Scan, given_up_in, last_behind, scan_named, segment_header,
};

/// Octets of the longest hint: two numbers, a name and a checksum.
const HINT_MAX_OCTETS: u64 = 128;

/// A segment larger than any we write is not ours; its octets are not read into memory.
const SEGMENT_READ_MAX_OCTETS: u64 = 4 * SPOOL_SEGMENT_MAX_OCTETS as u64;

/// Files of ours that were being written when the program was stopped.
const HALF_WRITTEN: [&str; 10] = [
    "acknowledged.tmp",
    "taken.tmp",
    "ages.tmp",
    "reserve.tmp",
    "unsent.tmp",
    "mark.tmp",
    "owner.tmp",
    "adopting.tmp",
    "committed.tmp",
    "own.tmp",
];

/// Up to where the collector has everything.
pub(super) const ACKNOWLEDGED: &str = "acknowledged";
/// From where on nothing was sent.
const UNSENT: &str = "unsent";

/// Files of ours beside segments and notes of loss.
const BESIDE: [&str; 12] = [
    ACKNOWLEDGED,
    TAKEN_FILE,
    "ages",
    "reserve",
    UNSENT,
    "quarantine",
    "committed",
    "adopting",
    "adopted",
    MARK_FILE,
    OWNER_FILE,
    OWN_FILE,
];

impl Spool {
    /// Lists the directory: our files in order; all others go to `quarantine/`. Of several lifetimes the one with the
    /// newest file goes on, the others are set aside.
    pub(super) fn take_stock(&mut self, recovered: &mut Recovered) -> Result<Vec<FileName>, DiskError> {
        let directory = self.directory.clone();
        let mut names = Vec::new();
        for entry in self.volume.entries(&directory).map_err(failed("read", &directory))? {
            let name = entry.name.as_str();
            if HALF_WRITTEN.contains(&name) || name.ends_with(".seg.new") || name.ends_with(".lost.new") {
                // Half written when the program was stopped: hints, the reserve, or what was to take the place of a segment
                // or a note, which is still there itself.
                self.remove(&directory.join(name))?;
            } else if let Some(file) = FileName::read(name) {
                names.push((file, entry.modified));
            } else if !BESIDE.contains(&name) && !name.ends_with(".torn") && !name.starts_with(UNTIL) {
                recovered.damaged_octets += self.quarantine(&directory.join(name))?;
            }
        }
        let newest = names.iter().max_by_key(|(name, modified)| (*modified, name.epoch)).map(|(name, _)| name.epoch);
        self.epoch = newest.unwrap_or_default();
        let (mut ours, others): (Vec<FileName>, Vec<FileName>) =
            names.into_iter().map(|(name, _)| name).partition(|name| Some(name.epoch) == newest);
        for other in others {
            recovered.damaged_octets += self.quarantine(&directory.join(other.to_string()))?;
        }
        // A note of loss before the segment it speaks of: the segment was about to be given up.
        ours.sort_by_key(|name| (name.first, name.kind == FileKind::Segment));
        Ok(ours)
    }

    /// Up to where the collector has everything, by our own hint: none where it is damaged. As a version before wrote it, without a
    /// checksum, it is believed as far as other words go: what it says beyond them is damage, and would leave a hole in the numbers.
    pub(super) fn find_acknowledged(&self, end: Seq) -> Seq {
        let last = Seq(end.0.saturating_sub(1));
        match (hint_in(self.volume.as_ref(), &self.directory, ACKNOWLEDGED, self.epoch), self.used) {
            (Some(Hint::Sealed(seq)), _) => seq,
            (Some(Hint::Before(seq)), Some(used)) => seq.min(last.max(used)),
            // A version that knew no witness either.
            (Some(Hint::Before(seq)), None) => seq,
            (None, _) => Seq(0),
        }
    }

    pub(super) fn recover(&mut self, name: FileName, recovered: &mut Recovered) -> Result<(), DiskError> {
        let path = self.directory.join(name.to_string());
        let expected = self.pieces.last_key_value().map_or(Seq(0), |(first, piece)| piece.next(*first));
        let read = self.read_as_far(&path)?;
        match name.kind {
            FileKind::Loss => match Loss::from_octets(&read.octets).filter(|_| read.is_whole) {
                Some((epoch, loss)) if epoch == self.epoch && loss.from == name.first => {
                    self.finish_giving_up(&loss, recovered)?;
                    let expected = self.pieces.last_key_value().map_or(Seq(0), |(first, piece)| piece.next(*first));
                    match loss.from >= expected {
                        true => self.add(loss.from, Piece::Lost(loss)),
                        false => recovered.damaged_octets += self.quarantine(&path)?,
                    }
                }
                _ => recovered.damaged_octets += self.quarantine(&path)?,
            },
            FileKind::Segment => self.recover_segment(name, &read, expected, recovered)?,
        }
        Ok(())
    }

    /// A note that speaks of the end of a segment: what stands before it was acknowledged, and the program stopped when the note of
    /// the rest was written and the segment was still to go.
    fn finish_giving_up(&mut self, loss: &Loss, recovered: &mut Recovered) -> Result<(), DiskError> {
        let (first, records, marked) = match self.pieces.last_key_value() {
            Some((&first, &Piece::Segment { next, given_up, .. }))
                if first < loss.from && loss.from < next && next <= loss.to.next() =>
            {
                (first, next.0.saturating_sub(first.0), given_up)
            }
            Some((_, Piece::Segment { .. } | Piece::Lost(_))) | None => return Ok(()),
        };
        self.remove_segment(first)?;
        self.given_up = self.given_up.less(&marked);
        recovered.records = recovered.records.saturating_sub(records);
        Ok(())
    }

    fn recover_segment(
        &mut self,
        name: FileName,
        read: &AsFar,
        expected: Seq,
        recovered: &mut Recovered,
    ) -> Result<(), DiskError> {
        let (path, octets) = (self.directory.join(name.to_string()), read.octets.as_slice());
        let (found, header_damaged) = match scan_named(octets, name) {
            Named::Whole(found) => (Some(found), false),
            Named::HeaderDamaged(found) => (Some(found), true),
            Named::Another => (None, false),
        };
        // Too large to be ours, nothing of it was read.
        let is_read = !octets.is_empty() || self.volume.entry(&path).is_ok_and(|entry| entry.octets == 0);
        let fits =
            |found: &Scan| is_read && found.epoch == self.epoch && found.first == name.first && found.first >= expected;
        let Some(found) = found.filter(fits) else {
            // The note that it is given up was written, and then the program stopped.
            if self.pieces.contains_key(&name.first) {
                return self.remove(&path);
            }
            // Whatever it is, numbers that it shows may have been sent.
            if let Some(last) = last_behind(octets, name.first).filter(|_| !self.is_taken_over_again(name.first)) {
                self.handle_used(last);
            }
            recovered.damaged_octets += self.quarantine(&path)?;
            return Ok(());
        };
        let is_good = read.is_whole && !header_damaged && found.damage.is_none();
        if !is_good && !self.mend(name, read, found, header_damaged, recovered)? {
            return Ok(());
        }
        recovered.records += found.next.0.saturating_sub(found.first.0);
        let good = octets.get(SEGMENT_HEADER_OCTETS..found.good_octets).unwrap_or_default();
        let given_up = given_up_in(good, found.first);
        self.add(found.first, segment(found.next, found.good_octets as u64, given_up));
        Ok(())
    }

    /// Whether what stood from this number on lies whole beside, in a spool that is being taken over, and was never sent: a power cut tore
    /// a group of it, and it gets the same numbers again.
    fn is_taken_over_again(&self, from: Seq) -> bool {
        let volume = self.volume.as_ref();
        let unsent = seq_in(volume, &self.directory, UNSENT, self.epoch);
        let data = self.directory.parent().unwrap_or(Path::new("."));
        unsent.is_some_and(|unsent| unsent <= from)
            && begun_from(volume, data, self.epoch).is_some_and(|first| {
                let is_theirs = || match own_from(volume, &self.directory, self.epoch, first) {
                    Own::Nothing => true,
                    Own::From(own) => from < own,
                    // What is taken over anew gets other numbers.
                    Own::Unknown => false,
                };
                first <= from && is_theirs()
            })
    }

    /// Leaves of a damaged segment what is good; the rest is kept in a file of its own. Numbers that may have been sent are not used
    /// again, and the hole is told as lost. False if there was no room for a header, and the file lies in quarantine.
    fn mend(
        &mut self,
        name: FileName,
        read: &AsFar,
        found: Scan,
        header_damaged: bool,
        recovered: &mut Recovered,
    ) -> Result<bool, DiskError> {
        let (path, octets) = (self.directory.join(name.to_string()), read.octets.as_slice());
        let tail = octets.get(found.good_octets..).unwrap_or_default();
        if let Some(last) = last_behind(tail, found.next).filter(|_| !self.is_taken_over_again(found.next)) {
            self.handle_used(last);
            // Once they are cut off, nothing else tells of them.
            self.bear_witness(last.next())?;
        }
        if !read.is_whole {
            let is_any = found.next > found.first;
            let records = octets.get(SEGMENT_HEADER_OCTETS..found.good_octets).filter(|_| is_any).unwrap_or_default();
            let mut good = if is_any { segment_header(name.epoch, name.first) } else { Vec::new() };
            good.extend_from_slice(records);
            recovered.damaged_octets += (octets.len().saturating_sub(good.len())) as u64;
            return self.replace_worn(name, &good);
        }
        let mut kept = Vec::new();
        if header_damaged {
            kept.extend_from_slice(octets.get(..SEGMENT_HEADER_OCTETS).unwrap_or(octets));
        }
        kept.extend_from_slice(tail);
        match found.damage {
            Some(damage) => {
                tracing::warn!(file = %path.display(), octets = kept.len(), header_damaged, "spool: {damage}; set aside");
            }
            None => tracing::warn!(file = %path.display(), "spool: a segment's header is damaged; it is mended"),
        }
        recovered.damaged_octets += kept.len() as u64;
        self.keep_torn(&path, &kept)?;
        let file = self.volume.open(&path, Access::Write).map_err(failed("open", &path))?;
        if header_damaged && !self.write_header(file.as_ref(), &path, name)? {
            drop(file);
            self.quarantine(&path)?;
            return Ok(false);
        }
        file.set_len(found.good_octets as u64).and_then(|()| file.sync()).map_err(failed("cut", &path))?;
        Ok(true)
    }

    /// Whether there is room for it: it is written where the damaged one stands, but a crash may have left none.
    fn write_header(&self, file: &dyn VolumeFile, path: &Path, name: FileName) -> Result<bool, DiskError> {
        let header = segment_header(name.epoch, name.first);
        loop {
            match file.write_all_at(&header, 0).and_then(|()| file.sync()).map_err(failed("write", path)) {
                Ok(()) => return Ok(true),
                Err(error) if !error.is_full() => return Err(error),
                Err(_) if self.shrink_reserve()? => {}
                Err(_) => return Ok(false),
            }
        }
    }

    /// A segment holds good records only up to before this number, as its next opening would find. Asked for what lies
    /// behind, nobody reads up to the damage again; what is still to come goes to a segment of its own.
    pub(super) fn handle_damage(&mut self, first: Seq, damaged: Seq) {
        if self.active.as_ref().is_some_and(|active| active.first == first) {
            self.active = None;
        }
        if let Some(Piece::Segment { next, .. }) = self.pieces.get_mut(&first) {
            *next = damaged;
        }
    }

    /// Nothing from this number on can have been sent, by this process or one before it. A disk that is restored and
    /// written on while nobody listens is known by it, however often the program starts meanwhile.
    pub fn unsent(&self) -> Seq {
        self.unsent.unwrap_or(self.next)
    }

    pub(super) fn find_ages(&mut self, now: Timestamp) -> Result<(), DiskError> {
        let path = self.directory.join("ages");
        match read_at_most_on(self.volume.as_ref(), &path, AGES_MAX_OCTETS) {
            // As a version before wrote them, without a checksum, they are not believed: one flipped bit would make everything too old.
            Ok(octets) => self.ages = Ages::read(sealed::lines_in(&octets).unwrap_or_default(), self.epoch),
            Err(error) if error.is_missing() || error.is_too_large() => {}
            Err(error) if error.is_of_medium() => tracing::error!("{error}; what is here begins to age anew"),
            Err(error) => return Err(error),
        }
        // First the time, then what is new to it: what it knows nothing of is not older than this moment.
        self.ages.handle_time(now);
        self.ages.handle_found(self.pieces.keys().copied());
        Ok(())
    }

    pub(super) fn find_unsent(&mut self) -> Result<(), DiskError> {
        let found = seq_in(self.volume.as_ref(), &self.directory, UNSENT, self.epoch);
        // It is there, whether it can be written anew or not: it must go before anything is sent.
        self.unsent = found.map(|found| found.min(self.next));
        self.handle_sending_ended(self.unsent())
    }

    /// Nothing is sent until [`Spool::read`] is asked again, and nothing from this number on was. With a full disk
    /// the file is not written, and no harm done: an older one is still true, and without any, all that is found counts as
    /// sent.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end; never for a full disk.
    pub fn handle_sending_ended(&mut self, unsent: Seq) -> Result<(), DiskError> {
        if self.write_small(UNSENT, hint(UNSENT, self.epoch, unsent).as_bytes())? {
            self.unsent = Some(unsent);
        }
        Ok(())
    }

    /// What is read is about to be sent: the file must not say otherwise, not even after a crash.
    pub(super) fn begin_sending(&mut self) -> Result<(), DiskError> {
        if self.unsent.take().is_some() {
            self.remove(&self.directory.join(UNSENT))?;
            self.sync_directory()?;
        }
        Ok(())
    }

    /// Keeps octets that are no records in a file of their own beside the segment they stood in.
    fn keep_torn(&self, path: &Path, octets: &[u8]) -> Result<(), DiskError> {
        if octets.is_empty() {
            return Ok(());
        }
        let mut number = 0u32;
        let torn = loop {
            let mut torn = path.to_owned().into_os_string();
            torn.push(format!(".{number}.torn"));
            let torn = PathBuf::from(torn);
            if !self.volume.exists(&torn) {
                break torn;
            }
            number = number.saturating_add(1);
        };
        match self.create(&torn, octets) {
            Ok(_) => Ok(()),
            Err(error) if error.is_full() => {
                tracing::warn!("spool: no room to keep the torn tail: {error}");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Moves a file out of the way under a name nobody has; returns its size.
    pub(super) fn quarantine(&self, path: &Path) -> Result<u64, DiskError> {
        let room = self.directory.join("quarantine");
        loop {
            match create_directory_on(self.volume.as_ref(), &room) {
                Ok(()) => break,
                Err(error) if !error.is_full() => return Err(error),
                // What is set aside must not keep the spool from opening.
                Err(_) if self.shrink_reserve()? => {}
                Err(error) => {
                    tracing::warn!(file = %path.display(), "spool: not a file of this spool; it stays where it is: {error}");
                    return Ok(0);
                }
            }
        }
        let name = path.file_name().unwrap_or_default().to_owned();
        let mut target = room.join(&name);
        let mut number = 0u32;
        while self.volume.exists(&target) {
            number = number.saturating_add(1);
            let mut numbered = name.clone();
            numbered.push(format!(".{number}"));
            target = room.join(numbered);
        }
        let size = self.volume.entry(path).map_or(0, |entry| if entry.is_file { entry.octets } else { 0 });
        tracing::warn!(file = %path.display(), "spool: not a file of this spool; moved to quarantine");
        self.volume.rename(path, &target).map_err(failed("move", path))?;
        self.volume.sync_directory(&room).map_err(failed("fsync the directory", &room))?;
        self.sync_directory()?;
        Ok(size)
    }

    /// Sets the whole spool aside, whole, under a new name beside it: the collector knows more of this lifetime than
    /// the spool does, so the disk was copied or restored, and the numbers mean two things.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn set_aside(&self) -> Result<PathBuf, DiskError> {
        let parent = self.directory.parent().unwrap_or(Path::new(".")).to_owned();
        let mut number = 0u32;
        let target = loop {
            let target = parent.join(format!("spool.aside-{}-{number}", self.epoch));
            if !self.volume.exists(&target) {
                break target;
            }
            number = number.saturating_add(1);
        };
        self.volume.rename(&self.directory, &target).map_err(failed("move", &self.directory))?;
        self.volume.sync_directory(&parent).map_err(failed("fsync the directory", &parent))?;
        Ok(target)
    }
}

/// A file of the spool as it lies; nothing of one that is too large to be ours.
pub(super) fn octets_of(volume: &dyn Volume, path: &Path) -> Result<Vec<u8>, DiskError> {
    match read_at_most_on(volume, path, SEGMENT_READ_MAX_OCTETS) {
        Err(error) if error.is_too_large() => Ok(Vec::new()),
        read => read,
    }
}

/// What one of the small files beside the segments says of this lifetime, `EPOCH SEQ NAME` with a checksum; as a version before wrote
/// it, without name and checksum, it is another matter how far it can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    Sealed(Seq),
    Before(Seq),
}

pub(super) fn hint(name: &str, epoch: Epoch, seq: Seq) -> String {
    sealed::line(&format!("{epoch} {seq} {name}"))
}

/// None if there is none, or it is damaged.
pub(super) fn hint_in(volume: &dyn Volume, directory: &Path, name: &str, epoch: Epoch) -> Option<Hint> {
    let octets = read_at_most_on(volume, &directory.join(name), HINT_MAX_OCTETS).ok()?;
    let said = sealed::said_in(&octets);
    let sealed = said.and_then(|said| said.strip_suffix(name)?.strip_suffix(' '));
    let text = match sealed {
        Some(sealed) => sealed,
        None => str::from_utf8(&octets).ok()?.strip_suffix('\n')?,
    };
    let (_, seq) = text.split_once(' ').filter(|(of, _)| of.parse() == Ok(epoch))?;
    let seq = Seq(seq.parse().ok()?);
    Some(if sealed.is_some() { Hint::Sealed(seq) } else { Hint::Before(seq) })
}

/// The number in it, whoever wrote it.
pub(super) fn seq_in(volume: &dyn Volume, directory: &Path, name: &str, epoch: Epoch) -> Option<Seq> {
    hint_in(volume, directory, name, epoch).map(|(Hint::Sealed(seq) | Hint::Before(seq))| seq)
}
