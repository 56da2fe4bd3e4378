//! What is taken over of a spool that was set aside, and how far that has come: the files beside its records.
//!
//! A plan is a line `crc CRC`, the CRC-32 of what follows in hex, and a line for each piece, `FROM TO EPOCH FIRST`: numbers of theirs,
//! the spool that goes on, and the number the first of them gets there. Before this version it had no CRC. It lies in `adopting` while nothing else is written to that spool, so that its next number says how far the
//! last piece has come; then it is named `adopted`. Where the disk is filled meanwhile it is named `adopting-until-SEQ`: what lies
//! before that number is there, the rest waits, and that spool goes on with other records. To be named so takes no room. The
//! next start writes a plan with one piece more. One that cannot be read is never written over: it is named
//! `adopting-until-EPOCH-NEXT`, which says from which number on that spool goes on with other records, and waits until it can be. Behind the last of theirs stand the words that close alerts which were opened
//! again: they have the numbers that would follow.

use std::path::{Path, PathBuf};

use varde_common::id::{Epoch, Seq};

use super::super::spool::Spool;
use super::super::volume::Volume;
use super::super::{DiskError, failed, read_at_most_on, write_whole_on};
use crate::limits::ADOPTED_PIECES_MAX;

const ADOPTING: &str = "adopting";
const ADOPTED: &str = "adopted";
/// Before the number of the first that waits.
pub(in super::super) const UNTIL: &str = "adopting-until-";
/// Longer than any line of a plan.
const LINE_MAX_OCTETS: u64 = 128;

/// What a plan begins with.
const CRC: &str = "crc ";

fn crc_of(pieces: &str) -> String {
    format!("{:08x}", crc32fast::hash(pieces.as_bytes()))
}

/// There is a plan, or there may be one, and what it says is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unreadable;

/// Records that follow one another in both spools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from: Seq,
    pub(super) to: Seq,
    pub(super) epoch: Epoch,
    pub(super) first: Seq,
}

impl Piece {
    fn read(line: &str) -> Option<Piece> {
        let mut words = line.split(' ');
        let piece = Piece {
            from: words.next()?.parse().ok().map(Seq)?,
            to: words.next()?.parse().ok().map(Seq)?,
            epoch: words.next()?.parse().ok()?,
            first: words.next()?.parse().ok().map(Seq)?,
        };
        words.next().is_none().then_some(piece)
    }

    /// The number that one of theirs gets in the spool that goes on.
    pub(super) fn anew(self, seq: Seq) -> Seq {
        Seq(self.first.0.saturating_add(seq.0.saturating_sub(self.from.0)))
    }

    /// The first of theirs that is not there, where the spool that goes on has all before this number.
    pub(super) fn until(self, next: Seq) -> Seq {
        Seq(self.from.0.saturating_add(next.0.saturating_sub(self.first.0)))
    }
}

/// All pieces, in order; the last is the one that goes on, and its end the end of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    before: Vec<Piece>,
    pub(super) last: Piece,
}

impl Plan {
    pub(super) fn of(last: Piece) -> Plan {
        Plan { before: Vec::new(), last }
    }

    /// None where there is no such file.
    fn read(volume: &dyn Volume, path: &Path) -> Result<Option<Plan>, Unreadable> {
        match read_at_most_on(volume, path, LINE_MAX_OCTETS * (ADOPTED_PIECES_MAX as u64 + 1)) {
            Ok(octets) => Plan::from_octets(octets).map(Some).ok_or(Unreadable),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => {
                tracing::error!("{error}; {}", error.remedy());
                Err(Unreadable)
            }
        }
    }

    fn from_octets(octets: Vec<u8>) -> Option<Plan> {
        let text = String::from_utf8(octets).ok()?;
        let pieces = match text.strip_prefix(CRC) {
            Some(rest) => {
                let (said, pieces) = rest.split_once('\n')?;
                (said == crc_of(pieces)).then_some(pieces)?
            }
            None => text.as_str(),
        };
        let pieces = pieces.strip_suffix('\n')?.split('\n').map(Piece::read);
        let mut before = pieces.collect::<Option<Vec<_>>>()?;
        let last = before.pop()?;
        Some(Plan { before, last })
    }

    fn to_text(&self) -> String {
        let mut pieces = String::new();
        for Piece { from, to, epoch, first } in self.before.iter().chain([&self.last]) {
            pieces.push_str(&format!("{from} {to} {epoch} {first}\n"));
        }
        format!("{CRC}{}\n{pieces}", crc_of(&pieces))
    }

    /// False if the disk is full: then there is no plan. Once it has its name, no disk is too full to go by it.
    pub(super) fn write(&self, volume: &dyn Volume, directory: &Path) -> Result<bool, DiskError> {
        let path = directory.join(ADOPTING);
        match write_whole_on(volume, &path, self.to_text().as_bytes()) {
            Ok(()) => Ok(true),
            Err(error) if error.is_full() && !volume.exists(&path) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// With what waits as a piece of its own; too many are never kept, then the oldest is forgotten: its alerts are opened again
    /// by what follows, and it counts as waiting.
    pub(super) fn gone_on(mut self, until: Seq, epoch: Epoch, first: Seq) -> Plan {
        if until > self.last.from {
            self.before.push(Piece { to: until, ..self.last });
        }
        let too_many = self.before.len().saturating_sub(ADOPTED_PIECES_MAX - 1);
        self.before.drain(..too_many);
        Plan { last: Piece { from: until, epoch, first, ..self.last }, ..self }
    }

    /// The pieces that lie in the spool that goes on.
    fn there(&self) -> impl Iterator<Item = &Piece> {
        let earlier = self.before.iter().rev().take_while(|piece| piece.epoch == self.last.epoch);
        [&self.last].into_iter().chain(earlier)
    }

    /// The first of theirs that lies, or is to lie, in the spool that goes on.
    pub(super) fn begins(&self) -> Seq {
        self.there().last().map_or(self.last.from, |piece| piece.from)
    }

    /// The number that one of theirs, from there on, gets in the spool that goes on.
    pub(super) fn anew(&self, seq: Seq) -> Seq {
        self.there().find(|piece| piece.from <= seq).unwrap_or(&self.last).anew(seq)
    }
}

/// How far the taking over of a spool has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing was planned.
    New,
    /// The spool that the last piece names has nothing else behind it.
    Begun(Plan),
    /// It has, perhaps; what waits begins here.
    Until(Plan, Seq),
    /// A plan is there, or may be, and cannot be read (a bad sector, a damaged octet).
    Unreadable,
}

impl Standing {
    pub(super) fn read(volume: &dyn Volume, directory: &Path) -> Standing {
        Standing::found(volume, directory).unwrap_or(Standing::Unreadable)
    }

    fn found(volume: &dyn Volume, directory: &Path) -> Result<Standing, Unreadable> {
        if let Some(plan) = Plan::read(volume, &directory.join(ADOPTING))? {
            return Ok(Standing::Begun(plan));
        }
        let Some((path, until)) = until(volume, directory).map_err(|_| Unreadable)? else { return Ok(Standing::New) };
        let plan = Plan::read(volume, &path)?.ok_or(Unreadable)?;
        Ok(match until {
            Until::Theirs(until) => Standing::Until(plan, until),
            Until::Ours(epoch, next) if epoch == plan.last.epoch => {
                let until = plan.last.until(next);
                Standing::Until(plan, until)
            }
            // That spool was not written to behind the plan: it was set aside before.
            Until::Ours(..) => Standing::Begun(plan),
        })
    }
}

/// From where on the rest waits, as a file's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    /// A number of theirs.
    Theirs(Seq),
    /// What the spool of this lifetime has from this number on is its own. It counts before others: it was named last.
    Ours(Epoch, Seq),
}

impl Until {
    fn read(name: &str) -> Option<Until> {
        let said = name.strip_prefix(UNTIL)?;
        Some(match said.split_once('-') {
            Some((epoch, next)) => Until::Ours(epoch.parse().ok()?, Seq(next.parse().ok()?)),
            None => Until::Theirs(Seq(said.parse().ok()?)),
        })
    }
}

/// The file that says from where on the rest waits.
fn until(volume: &dyn Volume, directory: &Path) -> Result<Option<(PathBuf, Until)>, DiskError> {
    let entries = volume.entries(directory).map_err(failed("read", directory))?;
    let named = entries.into_iter().filter_map(|entry| Some((directory.join(&entry.name), Until::read(&entry.name)?)));
    Ok(named.max_by_key(|(_, until)| *until))
}

/// The spool that goes on is about to be written to, and a plan that may name it cannot be read: from which number on what stands there is
/// its own is said in the plan's name.
///
/// # Errors
/// [`DiskError`]: the process must end, for what cannot be named must not be written behind.
pub(super) fn leave_unread(directory: &Path, spool: &Spool) -> Result<(), DiskError> {
    match spool.volume().entry(&directory.join(ADOPTING)) {
        Ok(_) => {
            let name = format!("{UNTIL}{}-{}", spool.figures().epoch, spool.next());
            match name_plan(directory, &name, spool) {
                // Somebody took it from us; a copy that was made by hand keeps no sensor from its work.
                Err(error) if error.is_forbidden() => {
                    tracing::error!("{error}; {}", error.remedy());
                    spool.note_own()
                }
                named => named,
            }
        }
        // No plan is to be seen: there is none, or nobody may enter; then it is noted where we may.
        Err(_) => spool.note_own(),
    }
}

/// The plan is in `adopting`: another that says where it went on from is gone by.
pub(super) fn forget_until(volume: &dyn Volume, directory: &Path) -> Result<(), DiskError> {
    while let Some((path, _)) = until(volume, directory)? {
        volume.remove(&path).map_err(failed("remove", &path))?;
        volume.sync_directory(directory).map_err(failed("fsync the directory", directory))?;
    }
    Ok(())
}

/// Gives up the reserve of the spool that goes on where a name has no room: what cannot be named must not be written behind.
fn name_plan(directory: &Path, name: &str, spool: &Spool) -> Result<(), DiskError> {
    let volume = spool.volume();
    let mut before = directory.join(ADOPTING);
    if !volume.exists(&before)
        && let Some((path, _)) = until(volume.as_ref(), directory)?
    {
        // One that could not be read for a while.
        before = path;
    }
    loop {
        match volume.rename(&before, &directory.join(name)).map_err(failed("rename", &before)) {
            Ok(()) => break,
            Err(error) if error.is_full() && spool.shrink_reserve()? => {}
            Err(error) => return Err(error),
        }
    }
    volume.sync_directory(directory).map_err(failed("fsync the directory", directory))
}

/// From this number on it waits.
pub(super) fn pause(directory: &Path, until: Seq, spool: &Spool) -> Result<(), DiskError> {
    name_plan(directory, &format!("{UNTIL}{until}"), spool)
}

/// All of it is there.
pub(super) fn end(directory: &Path, spool: &Spool) -> Result<(), DiskError> {
    name_plan(directory, ADOPTED, spool)
}

/// Whether nothing of it waits.
pub(super) fn has_ended(volume: &dyn Volume, directory: &Path) -> bool {
    volume.exists(&directory.join(ADOPTED))
}

/// What of a spool that was set aside lies in one that went on, as ranges of its numbers: from, and before which.
pub(in super::super) fn taken_over(volume: &dyn Volume, directory: &Path) -> Vec<(Seq, Seq)> {
    let (plan, end) = match Plan::read(volume, &directory.join(ADOPTED)) {
        Ok(Some(plan)) => (plan, None),
        Ok(None) => match Standing::read(volume, directory) {
            Standing::Until(plan, until) => (plan, Some(until)),
            // While it goes on nobody can say how far it is.
            Standing::Begun(plan) => {
                let from = plan.last.from;
                (plan, Some(from))
            }
            Standing::New | Standing::Unreadable => return Vec::new(),
        },
        Err(Unreadable) => return Vec::new(),
    };
    let all_to = plan.last.to;
    let last = Piece { to: end.unwrap_or(all_to), ..plan.last };
    let pieces = plan.before.into_iter().chain([last]);
    pieces.map(|piece| (piece.from, piece.to.min(all_to))).filter(|(from, to)| from < to).collect()
}
