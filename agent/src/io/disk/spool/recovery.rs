//! Opening a spool: what lies in its directory, what of it can be believed, and where the rest is kept.

use std::path::{Path, PathBuf};

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use super::super::mark::MARK_FILE;
use super::super::owner::OWNER_FILE;
use super::super::volume::{Access, RealVolume, Volume};
use super::super::{DiskError, create_directory_on, failed, read_at_most_on};
use super::ages::{AGES_MAX_OCTETS, Ages};
use super::{Figures, Piece, Recovered, Spool, segment};
use crate::limits::SPOOL_SEGMENT_MAX_OCTETS;
use crate::spool::{FileKind, FileName, Loss, SEGMENT_HEADER_OCTETS, Tally, given_up_in, last_behind, scan};

/// A segment larger than any we write is not ours; its octets are not read into memory.
const SEGMENT_READ_MAX_OCTETS: u64 = 4 * SPOOL_SEGMENT_MAX_OCTETS as u64;

/// Files of ours that were being written when the program was stopped.
const HALF_WRITTEN: [&str; 8] = [
    "acknowledged.tmp",
    "ages.tmp",
    "reserve.tmp",
    "unsent.tmp",
    "mark.tmp",
    "owner.tmp",
    "adopting.tmp",
    "committed.tmp",
];

/// Files of ours beside segments and notes of loss.
const BESIDE: [&str; 9] =
    ["acknowledged", "ages", "reserve", "unsent", "quarantine", "committed", "adopting", MARK_FILE, OWNER_FILE];

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
            } else if !BESIDE.contains(&name) && !name.ends_with(".torn") {
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

    pub(super) fn recover(&mut self, name: FileName, recovered: &mut Recovered) -> Result<(), DiskError> {
        let path = self.directory.join(name.to_string());
        let expected = self.pieces.last_key_value().map_or(Seq(0), |(first, piece)| piece.next(*first));
        let octets = octets_of(self.volume.as_ref(), &path)?;
        match name.kind {
            FileKind::Loss => match Loss::from_octets(&octets) {
                Some((epoch, loss)) if epoch == self.epoch && loss.from == name.first && loss.from >= expected => {
                    self.add(loss.from, Piece::Lost(loss));
                }
                _ => recovered.damaged_octets += self.quarantine(&path)?,
            },
            FileKind::Segment => match scan(&octets) {
                Some(found) if found.epoch == self.epoch && found.first == name.first && found.first >= expected => {
                    let tail = octets.get(found.good_octets..).unwrap_or_default();
                    if let Some(damage) = found.damage {
                        tracing::warn!(file = %path.display(), octets = tail.len(), "spool: {damage}; set aside");
                        recovered.damaged_octets += tail.len() as u64;
                        // Numbers that may have been sent are not used again; the hole is told as lost.
                        self.used = self.used.max(last_behind(tail, found.next));
                        self.cut_tail(&path, tail, found.good_octets as u64)?;
                    }
                    recovered.records += found.next.0.saturating_sub(found.first.0);
                    let good = octets.get(SEGMENT_HEADER_OCTETS..found.good_octets).unwrap_or_default();
                    let given_up = given_up_in(good, found.first);
                    self.add(found.first, segment(found.next, found.good_octets as u64, given_up));
                }
                // The note that it is given up was written, and then the program stopped.
                _ if self.pieces.contains_key(&name.first) => {
                    self.remove(&path)?;
                }
                _ => recovered.damaged_octets += self.quarantine(&path)?,
            },
        }
        Ok(())
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
            Ok(octets) => self.ages = Ages::read(&String::from_utf8_lossy(&octets), self.epoch),
            Err(error) if error.is_missing() || error.is_too_large() => {}
            Err(error) => return Err(error),
        }
        // First the time, then what is new to it: what it knows nothing of is not older than this moment.
        self.ages.handle_time(now);
        self.ages.handle_found(self.pieces.keys().copied());
        Ok(())
    }

    pub(super) fn find_unsent(&mut self) -> Result<(), DiskError> {
        let found = seq_in(self.volume.as_ref(), &self.directory, "unsent", self.epoch);
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
        let text = format!("{} {unsent}\n", self.epoch);
        if self.write_small("unsent", text.as_bytes())? {
            self.unsent = Some(unsent);
        }
        Ok(())
    }

    /// What is read is about to be sent: the file must not say otherwise, not even after a crash.
    pub(super) fn begin_sending(&mut self) -> Result<(), DiskError> {
        if self.unsent.take().is_some() {
            self.remove(&self.directory.join("unsent"))?;
            self.sync_directory()?;
        }
        Ok(())
    }

    /// Keeps the octets after the last good record in a file of their own, then cuts them off.
    fn cut_tail(&self, path: &Path, tail: &[u8], good_octets: u64) -> Result<(), DiskError> {
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
        match self.create(&torn, tail) {
            Ok(_) => {}
            Err(error) if error.is_full() => tracing::warn!("spool: no room to keep the torn tail: {error}"),
            Err(error) => return Err(error),
        }
        let file = self.volume.open(path, Access::Write).map_err(failed("open", path))?;
        file.set_len(good_octets).and_then(|()| file.sync()).map_err(failed("cut", path))
    }

    /// Moves a file out of the way under a name nobody has; returns its size.
    fn quarantine(&self, path: &Path) -> Result<u64, DiskError> {
        let room = self.directory.join("quarantine");
        match create_directory_on(self.volume.as_ref(), &room) {
            Err(error) if error.is_full() => {
                // What is set aside must not keep the spool from opening.
                self.shrink_reserve()?;
                create_directory_on(self.volume.as_ref(), &room)?;
            }
            made => made?,
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

/// The spool in numbers without touching it: for a person who asks while no agent runs.
///
/// # Errors
/// [`DiskError`].
pub fn survey(directory: &Path) -> Result<Figures, DiskError> {
    let volume: &dyn Volume = &RealVolume;
    let mut given_up = Tally::default();
    let mut figures = Figures { first: Seq(u64::MAX), next: Seq(1), ..Figures::default() };
    let entries = match volume.entries(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Figures::default()),
        Err(error) => return Err(failed("read", directory)(error)),
    };
    for entry in entries {
        let Some(name) = FileName::read(&entry.name) else { continue };
        let octets = octets_of(volume, &directory.join(&entry.name))?;
        let (first, next) = match name.kind {
            FileKind::Segment => match scan(&octets) {
                Some(found) => {
                    let good = octets.get(SEGMENT_HEADER_OCTETS..found.good_octets).unwrap_or_default();
                    given_up = given_up.plus(&given_up_in(good, found.first));
                    (found.first, found.next)
                }
                None => continue,
            },
            FileKind::Loss => match Loss::from_octets(&octets) {
                Some((_, loss)) => {
                    given_up.add(loss.reason, &loss.counts());
                    (loss.from, loss.to.next())
                }
                None => continue,
            },
        };
        figures.epoch = name.epoch;
        figures.octets += entry.octets;
        figures.first = figures.first.min(first);
        figures.next = figures.next.max(next);
    }
    (figures.lost, figures.given_up) = (given_up.total(), given_up);
    figures.first = figures.first.min(figures.next);
    let acknowledged = seq_in(volume, directory, "acknowledged", figures.epoch).unwrap_or(Seq(0));
    figures.acknowledged = acknowledged.min(Seq(figures.next.0.saturating_sub(1)));
    Ok(figures)
}

/// A file of the spool as it lies; nothing of one that is too large to be ours.
pub(super) fn octets_of(volume: &dyn Volume, path: &Path) -> Result<Vec<u8>, DiskError> {
    match read_at_most_on(volume, path, SEGMENT_READ_MAX_OCTETS) {
        Err(error) if error.is_too_large() => Ok(Vec::new()),
        read => read,
    }
}

/// The number in one of the small files beside the segments; none if it says nothing about this lifetime.
pub(super) fn seq_in(volume: &dyn Volume, directory: &Path, name: &str, epoch: Epoch) -> Option<Seq> {
    let octets = read_at_most_on(volume, &directory.join(name), 64).ok()?;
    let text = String::from_utf8_lossy(&octets);
    let (of, seq) = text.strip_suffix('\n')?.split_once(' ')?;
    if of.parse() == Ok(epoch) { seq.parse().ok().map(Seq) } else { None }
}
