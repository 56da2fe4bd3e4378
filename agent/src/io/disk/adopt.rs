//! What a spool that was set aside had found and certainly nobody has sent, taken over into the spool that goes on: once,
//! whatever stops in between.
//!
//! That is what lies both beyond what this spool itself can have sent and beyond what the collector had of it, which the
//! file `committed` says: a later state of a restored disk may have sent what lies below. So too for the spool of the sensor that
//! this machine was before, where it was the same member's ([`Owner`]): what it sent and nobody acknowledged may be stored. Beside the records that were set
//! aside lies the [`plan`] of what is taken over. Nothing else is written to the new spool before it is either all there or known
//! how far it came: what a full disk has no room for is lost nowhere, for it lies here whole.

pub mod again;
pub(super) mod plan;
mod translate;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use self::plan::{Piece, Plan, Standing};
use self::translate::{Reopened, translate};
use super::owner::Owner;
use super::spool::own::{Own, own_from};
use super::spool::{Caps, Spool, choose_following, forget_following};
use super::volume::{Access, Volume};
use super::{DiskError, failed, read_at_most_on, sealed, write_whole_on};
use crate::limits::SPOOL_GROUP_MAX_RECORDS;
use crate::spool::FileName;

/// So much is written at once to see whether there is room.
const ROOM_TRIED_OCTETS: usize = 65_536;
/// Room beside what is taken over: openings told again, and the sensor's own files.
const ROOM_BESIDE_OCTETS: u64 = 1_048_576;

/// Written to see whether there is room, and removed again.
const ROOM_FILE: &str = "spool.room.tmp";
const COMMITTED: &str = "committed";
/// Beginnings of the names that spools have which were set aside.
const ASIDE: [&str; 2] = ["spool.aside-", "spool.before-sensor-"];

/// Notes in a spool that is about to be set aside what the collector had of it, so that the rest can be taken over; and beside
/// it which lifetime follows, so that what is taken over twice has the same names. Both are there when it is set aside, or
/// neither: what an earlier, interrupted setting aside has left is not believed.
///
/// # Errors
/// [`DiskError`]; for a disk that is full even without the reserve, then nothing is noted.
pub fn allow(volume: &dyn Volume, spool: &Path, committed: Seq) -> Result<(), DiskError> {
    let noted = spool.join(COMMITTED);
    forget_following(volume, spool)?;
    if volume.exists(&noted) {
        volume.remove(&noted).map_err(failed("remove", &noted))?;
        volume.sync_directory(spool).map_err(failed("fsync the directory", spool))?;
    }
    let note = || {
        choose_following(volume, spool)?;
        write_whole_on(volume, &noted, sealed::line(&format!("{committed} {COMMITTED}")).as_bytes())
    };
    // No loss will be noted in it any more, and what follows needs the room.
    let give_reserve = || {
        let reserve = spool.join("reserve");
        if volume.exists(&reserve) {
            volume.remove(&reserve).map_err(failed("remove", &reserve))?;
            volume.sync_directory(spool).map_err(failed("fsync the directory", spool))?;
        }
        Ok(())
    };
    match note() {
        Err(error) if error.is_full() => {
            give_reserve()?;
            note()
        }
        Err(error) => Err(error),
        Ok(()) => give_reserve(),
    }
}

/// What the collector had of a spool when it was set aside; none where nobody noted it.
pub(super) fn committed(volume: &dyn Volume, aside: &Path) -> Option<Seq> {
    let octets = read_at_most_on(volume, &aside.join(COMMITTED), 64).ok()?;
    let sealed = sealed::said_in(&octets).and_then(|said| said.strip_suffix(COMMITTED)?.strip_suffix(' '));
    // A number alone is what a version before wrote: without it what was set aside then would never be taken over.
    let said = sealed.or_else(|| str::from_utf8(&octets).ok()?.strip_suffix('\n'))?;
    said.parse().ok().map(Seq)
}

/// Spools that were set aside in a data directory.
fn aside(volume: &dyn Volume, data: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let mut aside = Vec::new();
    for entry in volume.entries(data).map_err(failed("read", data))? {
        if !entry.is_file && ASIDE.iter().any(|prefix| entry.name.starts_with(prefix)) {
            aside.push(data.join(&entry.name));
        }
    }
    aside.sort();
    Ok(aside)
}

/// Those of which something may wait to be taken over: nobody has said that nothing does.
///
/// # Errors
/// [`DiskError`].
pub fn left(volume: &dyn Volume, data: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let mut left = aside(volume, data)?;
    left.retain(|directory| !plan::has_ended(volume, directory));
    Ok(left)
}

/// From which number on the spool of this lifetime has only what is being taken over: nothing else is written behind it meanwhile.
pub(super) fn begun_from(volume: &dyn Volume, data: &Path, epoch: Epoch) -> Option<Seq> {
    left(volume, data).ok()?.iter().find_map(|directory| match Standing::read(volume, directory) {
        Standing::Begun(plan) if plan.last.epoch == epoch => Some(plan.last.first),
        Standing::Begun(_) | Standing::New | Standing::Until(..) | Standing::Unreadable => None,
    })
}

/// Takes over what no session has ever seen of the spools set aside in a data directory, as far as they are this sensor's
/// or one of the same member's; gives how many records. To be called before anything else is written to `spool`. What a full
/// disk has no room for waits for another start, whenever it fills; what is not taken over is named in the log.
///
/// # Errors
/// [`DiskError`]: the process must end, and goes on where it stopped. So also for a disk that has no room even to name how far it
/// came: nothing may be written behind a plan that stands. Never for a disk that is full before, nor for what cannot be read.
pub fn adopt(data: &Path, owner: &Owner, spool: &mut Spool, caps: Caps, now: Timestamp) -> Result<u64, DiskError> {
    let volume = spool.volume().clone();
    // Of a start that was stopped while it wrote that: it takes as much room as what waits.
    let tried = data.join(ROOM_FILE);
    if volume.exists(&tried) {
        volume.remove(&tried).map_err(failed("remove", &tried))?;
    }
    let waiting = settle(data, owner, spool)?;
    let mut adopted = 0;
    for (directory, committed, standing) in waiting {
        adopted += adopt_one(&volume, &directory, committed, standing, spool, caps, now)?;
    }
    if adopted > 0 {
        tracing::info!(records = adopted, "what a spool that was set aside had found and never sent is taken over");
    }
    Ok(adopted)
}

/// Those that can be taken over, with what the collector had of each and how far it has come: first the one that this spool has begun.
/// Of the others it is noted how far they came before anything is written behind what their plans promise.
fn settle(data: &Path, owner: &Owner, spool: &Spool) -> Result<Vec<(PathBuf, Seq, Standing)>, DiskError> {
    let (volume, epoch) = (spool.volume().as_ref(), spool.figures().epoch);
    let mut waiting = Vec::new();
    for directory in left(volume, data)? {
        let lies_in = directory.display();
        let standing = match Standing::read(volume, &directory) {
            // What was written while nobody could enter the directory stands where the plan had promised a place.
            Standing::Begun(begun) if begun.last.epoch == epoch => {
                match own_from(volume, spool.directory(), epoch, begun.last.first) {
                    Own::From(own) => {
                        let until = begun.last.until(own).min(begun.last.to);
                        Standing::Until(begun, until)
                    }
                    Own::Nothing => Standing::Begun(begun),
                    // Rather twice than never.
                    Own::Unknown => {
                        let from = begun.last.from;
                        tracing::error!(
                            "how far {lies_in} was taken over is not known: from its record {from} on all counts anew"
                        );
                        Standing::Until(begun, from)
                    }
                }
            }
            standing => standing,
        };
        let committed = if standing == Standing::Unreadable {
            tracing::error!("what lies in {lies_in} is not taken over before it can be read how far that has come");
            plan::leave_unread(&directory, spool)?;
            None
        } else if !owner.may_take_over(volume, &directory) {
            tracing::warn!("what lies in {lies_in} is not known to be this member's and is not taken over");
            None
        } else {
            let committed = committed(volume, &directory);
            if committed.is_none() {
                tracing::error!(
                    "what lies in {lies_in} is not taken over: it is not known what the collector had of it; tell the CSIRT"
                );
            }
            committed
        };
        match (committed, standing) {
            (Some(committed), standing) => waiting.push((directory, committed, standing)),
            (None, Standing::Begun(begun)) if begun.last.epoch == epoch => {
                plan::pause(&directory, begun.last.until(spool.next()), spool)?;
            }
            (None, Standing::New | Standing::Begun(_) | Standing::Until(..) | Standing::Unreadable) => {}
        }
    }
    waiting.sort_by_key(|(_, _, standing)| !matches!(standing, Standing::Begun(begun) if begun.last.epoch == epoch));
    Ok(waiting)
}

fn adopt_one(
    volume: &Arc<dyn Volume>,
    directory: &Path,
    committed: Seq,
    mut standing: Standing,
    spool: &mut Spool,
    caps: Caps,
    now: Timestamp,
) -> Result<u64, DiskError> {
    let lies_in = directory.display();
    if let Standing::Begun(begun) = &standing {
        let is_here = begun.last.epoch == spool.figures().epoch;
        if !is_here || !spool.has_room()? {
            // Where it stands is written down at once: that spool goes on with other records, or will be gone one day.
            let until = match is_here {
                true => Some(begun.last.until(spool.next())),
                false => left_by(begun.last, volume, directory, caps, now)?,
            };
            let Some(until) = until else { return Ok(0) };
            let paused = plan::pause(directory, until, spool);
            match is_here {
                true => paused?,
                // Nothing is written any more to the spool that this plan names.
                false if room_of(paused, directory)?.is_none() => return Ok(0),
                false => {}
            }
            standing = Standing::Until(begun.clone(), until);
        }
    }
    let goes_on = matches!(standing, Standing::Begun(_));
    if !goes_on && !spool.has_room()? {
        tracing::error!("the disk is full: what lies in {lies_in} is not taken over before a later start");
        return Ok(0);
    }
    let opened = room_of(Spool::open_aside(volume.clone(), directory, caps, now), directory);
    let Some((mut theirs, _)) = read_of(opened)?.flatten() else {
        if let Standing::Begun(begun) = &standing {
            plan::pause(directory, begun.last.until(spool.next()), spool)?;
        }
        return Ok(0);
    };
    if !goes_on && !is_room_for(volume.as_ref(), directory, theirs.figures().octets)? {
        tracing::error!("the disk has no room for what lies in {lies_in}: it is not taken over before a later start");
        return Ok(0);
    }
    let (epoch, first) = (spool.figures().epoch, spool.next());
    let plan = match standing {
        Standing::Begun(plan) => plan,
        Standing::Until(plan, until) => plan.gone_on(until, epoch, first),
        Standing::Unreadable => return Ok(0),
        Standing::New => {
            let (from, to) = (theirs.unsent().max(committed.next()), theirs.next());
            let unclear = from.min(to).0.saturating_sub(committed.next().0);
            if unclear > 0 {
                tracing::warn!(
                    "at most {unclear} records in {lies_in} may have been sent and are not sent again; tell the CSIRT"
                );
            }
            Plan::of(Piece { from, to, epoch, first })
        }
    };
    let is_planned = goes_on || (spool.note_begun(first)? && plan.write(volume.as_ref(), directory)?);
    if !is_planned {
        tracing::error!("the disk is full: what lies in {lies_in} is not taken over before a later start");
        return Ok(0);
    }
    plan::forget_until(volume.as_ref(), directory)?;
    let is_whole = take_over(&plan, &mut theirs, spool, now)?;
    let until = plan.last.until(spool.next());
    if is_whole {
        plan::end(directory, spool)?;
    } else {
        plan::pause(directory, until, spool)?;
        tracing::error!(
            "not all of {lies_in} is taken over: what lies there from record {until} on follows at a later start"
        );
    }
    Ok(until.min(plan.last.to).0.saturating_sub(plan.last.until(first).0))
}

/// The first that the spool it names did not get: that was set aside itself before it had all of them, whatever it is called. None
/// where that cannot be read.
fn left_by(
    piece: Piece,
    volume: &Arc<dyn Volume>,
    directory: &Path,
    caps: Caps,
    now: Timestamp,
) -> Result<Option<Seq>, DiskError> {
    let data = directory.parent().unwrap_or(Path::new("."));
    let mut next = piece.first;
    for other in aside(volume.as_ref(), data)? {
        let Some(entries) = read_of(volume.entries(&other).map_err(failed("read", &other)))? else { return Ok(None) };
        let is_it = |name: &str| FileName::read(name).is_some_and(|name| name.epoch == piece.epoch);
        if entries.iter().any(|entry| is_it(&entry.name)) {
            let Some((other, _)) = read_of(Spool::open_aside(volume.clone(), &other, caps, now))? else {
                return Ok(None);
            };
            next = next.max(match own_from(volume.as_ref(), other.directory(), piece.epoch, piece.first) {
                Own::From(own) => own,
                Own::Nothing => other.next(),
                Own::Unknown => piece.first,
            });
        }
    }
    Ok(Some(piece.until(next).min(piece.to)))
}

/// What cannot be read (a bad sector, a copy that somebody made) keeps no sensor from its work, and is tried again at the next start.
fn read_of<T>(read: Result<T, DiskError>) -> Result<Option<T>, DiskError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_of_reading() => {
            tracing::error!("what was set aside is not taken over before a later start: {error}; {}", error.remedy());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What a full disk has no room for before a plan stands waits for a later start: nothing depends on it.
fn room_of<T>(done: Result<T, DiskError>, directory: &Path) -> Result<Option<T>, DiskError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.is_full() => {
            let lies_in = directory.display();
            tracing::error!("what lies in {lies_in} is not taken over before a later start: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the disk has room for as much again: what filled it half-way would be lost and told so, though it lies here whole.
fn is_room_for(volume: &dyn Volume, aside: &Path, octets: u64) -> Result<bool, DiskError> {
    let path = aside.with_file_name(ROOM_FILE);
    let zeros = vec![0; ROOM_TRIED_OCTETS];
    let fill = || {
        let file = volume.open(&path, Access::Replace)?;
        for at in (0..octets.saturating_add(ROOM_BESIDE_OCTETS)).step_by(ROOM_TRIED_OCTETS) {
            file.write_all_at(&zeros, at)?;
        }
        file.sync()
    };
    let filled = fill().map_err(failed("write", &path));
    if volume.exists(&path) {
        volume.remove(&path).map_err(failed("remove", &path))?;
    }
    match filled {
        Err(error) if error.is_full() => Ok(false),
        Err(error) => Err(error),
        Ok(()) => Ok(true),
    }
}

/// Whether all of them are there; false with a full disk, or where one cannot be read: then those that are there are on it, and no others have numbers.
fn take_over(plan: &Plan, theirs: &mut Spool, spool: &mut Spool, now: Timestamp) -> Result<bool, DiskError> {
    let mut reopened = Reopened::default();
    // From the first that this spool has: what it opened again goes by the same number in what follows.
    let (mut seq, mut pending) = (plan.begins(), 0);
    // What was taken over before an interruption is there.
    let waits = |seq: Seq, spool: &Spool| seq >= plan.last.from && plan.last.anew(seq) >= spool.next();
    while seq < plan.last.to {
        let Some(records) = read_of(theirs.read(seq, now))? else {
            spool.sync_or_give_back(now)?;
            return Ok(false);
        };
        if records.is_empty() {
            break;
        }
        for octets in records {
            if seq >= plan.last.to {
                break;
            }
            let Some(octets) = read_of(translate(&octets, seq, plan, theirs, &mut reopened, now))? else {
                spool.sync_or_give_back(now)?;
                return Ok(false);
            };
            if waits(seq, spool) {
                spool.append(&octets);
                pending += 1;
                if pending % SPOOL_GROUP_MAX_RECORDS == 0 && !spool.sync_or_give_back(now)? {
                    return Ok(false);
                }
            }
            seq = seq.next();
        }
    }
    // Behind them all, so that each keeps the number the plan gives it.
    for (closing, number) in reopened.closings.iter().zip(plan.last.to.0..) {
        if waits(Seq(number), spool) {
            spool.append(closing);
        }
    }
    spool.sync_or_give_back(now)
}

#[cfg(test)]
pub(super) mod tests;
