//! Opening a spool: what lies in its directory, what of it can be believed, and where the rest is kept.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use super::super::{DiskError, create_directory, create_new, failed, read_at_most, sync_directory, write_whole};
use super::{Figures, Piece, Recovered, Spool};
use crate::limits::{SPOOL_AGE_BELIEVED_S, SPOOL_SEGMENT_MAX_OCTETS};
use crate::spool::{FileKind, FileName, Loss, last_behind, scan};

/// A segment larger than any we write is not ours; its octets are not read into memory.
const SEGMENT_READ_MAX_OCTETS: u64 = 4 * SPOOL_SEGMENT_MAX_OCTETS as u64;

impl Spool {
    /// Lists the directory: our files in order; all others go to `quarantine/`. Of several lifetimes the one with the
    /// newest file goes on, the others are set aside.
    pub(super) fn take_stock(&mut self, recovered: &mut Recovered) -> Result<Vec<FileName>, DiskError> {
        let directory = self.directory.clone();
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory).map_err(failed("read", &directory))? {
            let entry = entry.map_err(failed("read", &directory))?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if matches!(text.as_ref(), "acknowledged.tmp" | "reserve.tmp" | "unsent.tmp") {
                // Half written when the program was stopped; the hint and the reserve hold nothing that could be lost.
                let path = entry.path();
                fs::remove_file(&path).map_err(failed("remove", &path))?;
                continue;
            }
            if let Some(file) = FileName::read(&text) {
                let modified = entry.metadata().and_then(|data| data.modified()).ok();
                names.push((file, modified));
            } else if !matches!(text.as_ref(), "acknowledged" | "reserve" | "unsent" | "quarantine")
                && !text.ends_with(".torn")
            {
                recovered.damaged_octets += self.quarantine(&entry.path())?;
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

    pub(super) fn recover(
        &mut self,
        name: FileName,
        recovered: &mut Recovered,
        now: Timestamp,
    ) -> Result<(), DiskError> {
        let path = self.directory.join(name.to_string());
        let expected = self.pieces.last_key_value().map_or(Seq(0), |(first, piece)| piece.next(*first));
        let size = fs::metadata(&path).map_err(failed("read", &path))?.len();
        let octets = if size > SEGMENT_READ_MAX_OCTETS { Vec::new() } else { read_at_most(&path, size)? };
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
                    let octets = found.good_octets as u64;
                    self.add(
                        found.first,
                        Piece::Segment { next: found.next, octets, written: believed(modified(&path, now), now) },
                    );
                }
                // The note that it is given up was written, and then the program stopped.
                _ if self.pieces.contains_key(&name.first) => {
                    fs::remove_file(&path).map_err(failed("remove", &path))?;
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

    pub(super) fn find_unsent(&mut self) {
        let found = seq_in(&self.directory, "unsent", self.epoch).unwrap_or(self.next).min(self.next);
        self.handle_sending_ended(found);
    }

    /// Nothing is sent until [`Spool::read`] is asked again, and nothing from this number on was. If the file cannot be
    /// written, no harm is done: without it, all that is found counts as sent.
    pub fn handle_sending_ended(&mut self, unsent: Seq) {
        let text = format!("{} {unsent}\n", self.epoch);
        match write_whole(&self.directory.join("unsent"), text.as_bytes()) {
            Ok(()) => self.unsent = Some(unsent),
            Err(error) => tracing::debug!("spool: {error}"),
        }
    }

    /// What is read is about to be sent: the file must not say otherwise, not even after a crash.
    pub(super) fn begin_sending(&mut self) -> Result<(), DiskError> {
        if self.unsent.take().is_some() {
            let path = self.directory.join("unsent");
            fs::remove_file(&path).map_err(failed("remove", &path))?;
            sync_directory(&self.directory)?;
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
            if !torn.exists() {
                break torn;
            }
            number = number.saturating_add(1);
        };
        let kept = create_new(&torn)
            .and_then(|file| file.write_all_at(tail, 0).and_then(|()| file.sync_all()).map_err(failed("write", &torn)));
        match kept {
            Ok(()) => {}
            Err(error) if error.is_full() => tracing::warn!("spool: no room to keep the torn tail: {error}"),
            Err(error) => return Err(error),
        }
        let file = OpenOptions::new().write(true).open(path).map_err(failed("open", path))?;
        file.set_len(good_octets).and_then(|()| file.sync_all()).map_err(failed("cut", path))?;
        sync_directory(&self.directory)
    }

    /// Moves a file out of the way under a name nobody has; returns its size.
    fn quarantine(&self, path: &Path) -> Result<u64, DiskError> {
        let room = self.directory.join("quarantine");
        create_directory(&room)?;
        let name = path.file_name().unwrap_or_default().to_owned();
        let mut target = room.join(&name);
        let mut number = 0u32;
        while target.exists() {
            number = number.saturating_add(1);
            let mut numbered = name.clone();
            numbered.push(format!(".{number}"));
            target = room.join(numbered);
        }
        let size = fs::metadata(path).map_or(0, |data| if data.is_file() { data.len() } else { 0 });
        tracing::warn!(file = %path.display(), "spool: not a file of this spool; moved to quarantine");
        fs::rename(path, &target).map_err(failed("move", path))?;
        sync_directory(&room)?;
        sync_directory(&self.directory)?;
        Ok(size)
    }

    /// Sets the whole spool aside, whole, under a new name beside it: the collector knows more of this lifetime than
    /// the spool does, so the disk was copied or restored, and the numbers mean two things.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn set_aside(self) -> Result<PathBuf, DiskError> {
        let parent = self.directory.parent().unwrap_or(Path::new(".")).to_owned();
        let mut number = 0u32;
        let target = loop {
            let target = parent.join(format!("spool.aside-{}-{number}", self.epoch));
            if !target.exists() {
                break target;
            }
            number = number.saturating_add(1);
        };
        fs::rename(&self.directory, &target).map_err(failed("move", &self.directory))?;
        sync_directory(&parent)?;
        Ok(target)
    }
}

/// The spool in numbers without touching it: for a person who asks while no agent runs.
///
/// # Errors
/// [`DiskError`].
pub fn survey(directory: &Path) -> Result<Figures, DiskError> {
    let mut figures = Figures { first: Seq(u64::MAX), next: Seq(1), ..Figures::default() };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Figures::default()),
        Err(error) => return Err(failed("read", directory)(error)),
    };
    for entry in entries {
        let path = entry.map_err(failed("read", directory))?.path();
        let Some(name) = path.file_name().and_then(|name| FileName::read(name.to_str()?)) else { continue };
        let size = fs::metadata(&path).map_err(failed("read", &path))?.len();
        let octets = if size > SEGMENT_READ_MAX_OCTETS { Vec::new() } else { read_at_most(&path, size)? };
        let (first, next) = match name.kind {
            FileKind::Segment => match scan(&octets) {
                Some(found) => (found.first, found.next),
                None => continue,
            },
            FileKind::Loss => match Loss::from_octets(&octets) {
                Some((_, loss)) => {
                    figures.lost += loss.count();
                    (loss.from, loss.to.next())
                }
                None => continue,
            },
        };
        figures.epoch = name.epoch;
        figures.octets += size;
        figures.first = figures.first.min(first);
        figures.next = figures.next.max(next);
    }
    figures.first = figures.first.min(figures.next);
    figures.acknowledged =
        seq_in(directory, "acknowledged", figures.epoch).unwrap_or(Seq(0)).min(Seq(figures.next.0.saturating_sub(1)));
    Ok(figures)
}

/// The number in one of the small files beside the segments; none if it says nothing about this lifetime.
pub(super) fn seq_in(directory: &Path, name: &str, epoch: Epoch) -> Option<Seq> {
    let octets = read_at_most(&directory.join(name), 64).ok()?;
    let text = String::from_utf8_lossy(&octets);
    let (of, seq) = text.strip_suffix('\n')?.split_once(' ')?;
    if of.parse() == Ok(epoch) { seq.parse().ok().map(Seq) } else { None }
}

/// When a file was last written, as far as the system says.
pub(super) fn modified(path: &Path, otherwise: Timestamp) -> Timestamp {
    let modified = fs::metadata(path).and_then(|data| data.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(otherwise, |since| Timestamp(0).plus(since))
}

/// A time of the past that a clock which was set may have written, or be held against: what lies ahead, or so far back that no
/// sensor is switched off for it, is taken for now. So nothing is given up early, and nothing is kept for good.
fn believed(written: Timestamp, now: Timestamp) -> Timestamp {
    let believed = written <= now && now.since(written) <= Duration::from_secs(SPOOL_AGE_BELIEVED_S);
    if believed { written } else { now }
}

/// A name no other spool has.
pub(super) fn new_epoch() -> Epoch {
    let mut octets = [0; 16];
    // Without randomness two spools could share a name; the clock of the process is the best that is left.
    if getrandom::fill(&mut octets).is_err() {
        octets = u128::from(crate::io::clock::now().0.unsigned_abs()).to_be_bytes();
    }
    Epoch(u128::from_be_bytes(octets))
}
