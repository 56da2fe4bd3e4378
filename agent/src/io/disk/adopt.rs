//! What a spool that was set aside had found and certainly nobody has sent, taken over into the spool that goes on: once,
//! whatever stops in between.
//!
//! That is what lies both beyond what this spool itself can have sent and beyond what the collector had of it, which the
//! file `committed` says: a later state of a restored disk may have sent what lies below. So too for the spool of the sensor that
//! this machine was before, where it was the same member's ([`Owner`]): what it sent and nobody acknowledged may be stored. Beside the records that were set
//! aside lies a file `adopting` with what is taken over (`FROM TO EPOCH FIRST`: numbers of theirs, the spool that goes on, and
//! the number the first of them gets there); when all are on disk it is named `adopted`.
//! Nothing else is written to the new spool before, so its next number says how far an interrupted taking over has come.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varde_common::alert::{AlertOpened, AlertUpdated, CrowdOpened, CrowdUpdated};
use varde_common::id::{Epoch, Seq};
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use super::owner::Owner;
use super::spool::{Caps, Spool, choose_following, forget_following};
use super::volume::{Access, Volume};
use super::{DiskError, failed, read_at_most_on, write_whole_on};
use crate::limits::{ALERTS_NUMBERED_MAX, SPOOL_GROUP_MAX_RECORDS};

/// So much is written at once to see whether there is room.
const ROOM_TRIED_OCTETS: usize = 65_536;
/// Room beside what is taken over: openings told again, and the sensor's own files.
const ROOM_BESIDE_OCTETS: u64 = 1_048_576;

const COMMITTED: &str = "committed";
const ADOPTING: &str = "adopting";
const ADOPTED: &str = "adopted";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    from: Seq,
    to: Seq,
    epoch: Epoch,
    first: Seq,
}

impl Plan {
    fn read(volume: &dyn Volume, directory: &Path) -> Option<Plan> {
        let octets = read_at_most_on(volume, &directory.join(ADOPTING), 256).ok()?;
        let text = String::from_utf8(octets).ok()?;
        let mut words = text.strip_suffix('\n')?.split(' ');
        let plan = Plan {
            from: words.next()?.parse().ok().map(Seq)?,
            to: words.next()?.parse().ok().map(Seq)?,
            epoch: words.next()?.parse().ok()?,
            first: words.next()?.parse().ok().map(Seq)?,
        };
        words.next().is_none().then_some(plan)
    }

    fn write(self, volume: &dyn Volume, directory: &Path) -> Result<(), DiskError> {
        let Plan { from, to, epoch, first } = self;
        write_whole_on(volume, &directory.join(ADOPTING), format!("{from} {to} {epoch} {first}\n").as_bytes())
    }

    /// The first that the spool it names did not get: it may have been set aside itself before it had all of them.
    fn left_by(self, volume: &Arc<dyn Volume>, directory: &Path, caps: Caps, now: Timestamp) -> Result<Seq, DiskError> {
        let data = directory.parent().unwrap_or(Path::new("."));
        let name = format!("spool.aside-{}-", self.epoch);
        let entries = volume.entries(data).map_err(failed("read", data))?;
        let Some(entry) = entries.into_iter().find(|entry| entry.name.starts_with(&name)) else {
            return Ok(self.from);
        };
        let (other, _) = Spool::open(volume.clone(), &data.join(entry.name), caps, now)?;
        let came = other.next().0.saturating_sub(self.first.0);
        Ok(Seq(self.from.0.saturating_add(came)).min(self.to))
    }

    /// The number that one of theirs gets in the spool that goes on.
    fn anew(self, seq: Seq) -> Seq {
        Seq(self.first.0.saturating_add(seq.0.saturating_sub(self.from.0)))
    }
}

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
        write_whole_on(volume, &noted, format!("{committed}\n").as_bytes())
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

fn committed(volume: &dyn Volume, aside: &Path) -> Option<Seq> {
    let octets = read_at_most_on(volume, &aside.join(COMMITTED), 64).ok()?;
    String::from_utf8(octets).ok()?.strip_suffix('\n')?.parse().ok().map(Seq)
}

/// Spools set aside in a data directory of which nothing was taken over, not even that there is nothing to take over.
///
/// # Errors
/// [`DiskError`].
pub fn left(volume: &dyn Volume, data: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let mut left = Vec::new();
    for entry in volume.entries(data).map_err(failed("read", data))? {
        let path = data.join(&entry.name);
        let is_aside = entry.name.starts_with("spool.aside-") || entry.name.starts_with("spool.before-sensor-");
        if is_aside && !entry.is_file && !volume.exists(&path.join(ADOPTED)) {
            left.push(path);
        }
    }
    left.sort();
    Ok(left)
}

/// Takes over what no session has ever seen of the spools set aside in a data directory, as far as they are this sensor's
/// or one of the same member's; gives how many records. To be called before anything else is written to `spool`. What a full
/// disk has no room for waits for another start; what is not taken over is named in the log.
///
/// # Errors
/// [`DiskError`]: the process must end, and goes on where it stopped; never for a full disk.
pub fn adopt(data: &Path, owner: &Owner, spool: &mut Spool, caps: Caps, now: Timestamp) -> Result<u64, DiskError> {
    let volume = spool.volume().clone();
    let mut adopted = 0;
    for directory in left(volume.as_ref(), data)? {
        let lies_in = directory.display();
        if !owner.may_take_over(volume.as_ref(), &directory) {
            tracing::warn!("what lies in {lies_in} is not known to be this member's and is not taken over");
            continue;
        }
        let Some(committed) = committed(volume.as_ref(), &directory) else {
            tracing::error!(
                "what lies in {lies_in} is not taken over: it is not known what the collector had of it; tell the CSIRT"
            );
            continue;
        };
        match adopt_one(&volume, &directory, committed, spool, caps, now) {
            Ok(more) => adopted += more,
            Err(error) if error.is_full() => {
                tracing::error!("what lies in {lies_in} is not taken over before a later start: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    if adopted > 0 {
        tracing::info!(records = adopted, "what a spool that was set aside had found and never sent is taken over");
    }
    Ok(adopted)
}

fn adopt_one(
    volume: &Arc<dyn Volume>,
    directory: &Path,
    committed: Seq,
    spool: &mut Spool,
    caps: Caps,
    now: Timestamp,
) -> Result<u64, DiskError> {
    let begun = Plan::read(volume.as_ref(), directory);
    let epoch = spool.figures().epoch;
    let goes_on = begun.filter(|plan| plan.epoch == epoch);
    if goes_on.is_none() && !spool.has_room()? {
        tracing::error!(
            "the disk is full: what lies in {} is not taken over before a later start",
            directory.display()
        );
        return Ok(0);
    }
    let (mut theirs, _) = Spool::open(volume.clone(), directory, caps, now)?;
    if goes_on.is_none() && !is_room_for(volume.as_ref(), directory, theirs.figures().octets)? {
        tracing::error!(
            "the disk has no room for what lies in {}: it is not taken over before a later start",
            directory.display()
        );
        return Ok(0);
    }
    let plan = match goes_on {
        Some(plan) => plan,
        None => {
            let (from, to) = match begun {
                Some(plan) => (plan.left_by(volume, directory, caps, now)?, plan.to),
                None => (theirs.unsent().max(committed.next()), theirs.next()),
            };
            Plan { from, to, epoch, first: spool.next() }
        }
    };
    let unclear = plan.from.min(plan.to).0.saturating_sub(committed.next().0);
    if begun.is_none() && unclear > 0 {
        let lies_in = directory.display();
        tracing::warn!(
            "at most {unclear} records in {lies_in} may have been sent and are not sent again; tell the CSIRT"
        );
    }
    if goes_on.is_none() {
        plan.write(volume.as_ref(), directory)?;
    }
    let adopted = take_over(plan, &mut theirs, spool, now)?;
    // What was lost on the way and is not noted would be numbered anew after a crash: it is taken over again then.
    if spool.unnoted() == 0 {
        let (before, after) = (directory.join(ADOPTING), directory.join(ADOPTED));
        volume.rename(&before, &after).map_err(failed("rename", &before))?;
        volume.sync_directory(directory).map_err(failed("fsync the directory", directory))?;
    }
    Ok(adopted)
}

/// Whether the disk has room for as much again: what filled it half-way would be lost and told so, though it lies here whole.
fn is_room_for(volume: &dyn Volume, aside: &Path, octets: u64) -> Result<bool, DiskError> {
    let path = aside.with_file_name("spool.room.tmp");
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

fn take_over(plan: Plan, theirs: &mut Spool, spool: &mut Spool, now: Timestamp) -> Result<u64, DiskError> {
    let mut reopened = Reopened::default();
    let (mut seq, mut adopted) = (plan.from, 0);
    while seq < plan.to {
        let records = theirs.read(seq, now)?;
        if records.is_empty() {
            break;
        }
        for octets in records {
            if seq >= plan.to {
                break;
            }
            let octets = translate(&octets, seq, plan, theirs, &mut reopened, now)?;
            // What was taken over before an interruption is there.
            if plan.anew(seq) >= spool.next() {
                spool.append(&octets);
                adopted += 1;
                if adopted % SPOOL_GROUP_MAX_RECORDS as u64 == 0 {
                    spool.sync(now)?;
                }
            }
            seq = seq.next();
        }
    }
    // Behind them all, so that each keeps the number the plan gives it.
    for (closing, number) in reopened.closings.iter().zip(plan.anew(plan.to).0..) {
        if Seq(number) >= spool.next() {
            spool.append(closing);
        }
    }
    spool.sync(now)?;
    Ok(adopted)
}

/// Alerts that are opened again while they are taken over.
#[derive(Debug, Default)]
struct Reopened {
    /// The number each had, and the one it goes by now.
    numbers: BTreeMap<Seq, Seq>,
    /// What closes those again of which the last was taken over that was said of them: one place tells one thing.
    closings: Vec<Vec<u8>>,
}

/// A record as it reads in the spool that goes on: an alert goes by the number of its first record. One that was opened
/// before what is taken over is opened again, with what the update adds; where nobody knows it any more, by no number.
fn translate(
    octets: &[u8],
    seq: Seq,
    plan: Plan,
    theirs: &mut Spool,
    reopened: &mut Reopened,
    now: Timestamp,
) -> Result<Vec<u8>, DiskError> {
    let Ok(Record { time, body }) = Record::from_octets(octets) else { return Ok(octets.to_vec()) };
    let (update, hosts) = match body {
        RecordBody::Updated(update) => (update, None),
        RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }) => (updated, Some(hosts)),
        RecordBody::Loss { from, to, reason } => {
            let body = RecordBody::Loss { from: plan.anew(from), to: plan.anew(to), reason };
            return Ok((Record { time, body }).to_octets().unwrap_or_else(|_| octets.to_vec()));
        }
        RecordBody::GivenUp { from, to, reason, counts } => {
            let body = RecordBody::GivenUp { from: plan.anew(from), to: plan.anew(to), reason, counts };
            return Ok((Record { time, body }).to_octets().unwrap_or_else(|_| octets.to_vec()));
        }
        RecordBody::Opened(_) | RecordBody::CrowdOpened(_) | RecordBody::Event(_) | RecordBody::Braked(_) => {
            return Ok(octets.to_vec());
        }
    };
    let known = if update.alert >= plan.from {
        Some(plan.anew(update.alert))
    } else {
        reopened.numbers.get(&update.alert).copied()
    };
    let opening = match known {
        Some(_) => None,
        None => {
            let opened = theirs.read(update.alert, now)?.first().and_then(|octets| Record::from_octets(octets).ok());
            match opened.map(|record| record.body) {
                Some(RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. })) => Some(opened),
                _ => None,
            }
        }
    };
    let body = match opening.filter(|_| reopened.numbers.len() < ALERTS_NUMBERED_MAX) {
        Some(opened) => {
            reopened.numbers.insert(update.alert, plan.anew(seq));
            if update.closed {
                let updated = AlertUpdated { alert: plan.anew(seq), count_increase: 0, ..update.clone() };
                let body = match hosts {
                    Some(hosts) => RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }),
                    None => RecordBody::Updated(updated),
                };
                reopened.closings.extend((Record { time, body }).to_octets());
            }
            let opened = AlertOpened {
                evidence: update.evidence,
                circumstances: update.circumstances,
                seen_at: update.seen_at,
                last_seen: update.last_seen,
                count: update.count_increase,
                ..opened
            };
            match hosts {
                Some(hosts) => RecordBody::CrowdOpened(CrowdOpened { opened, hosts }),
                None => RecordBody::Opened(opened),
            }
        }
        None => {
            let updated = AlertUpdated { alert: known.unwrap_or(Seq(0)), ..update };
            match hosts {
                Some(hosts) => RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }),
                None => RecordBody::Updated(updated),
            }
        }
    };
    // What was read can be written.
    Ok((Record { time, body }).to_octets().unwrap_or_else(|_| octets.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::io::disk::owner::tests::owner;
    use crate::io::disk::owner::{disown, set_aside as set_aside_of_before};
    use crate::io::disk::volume::RealVolume;
    use crate::ledger::tests::{opened, updated};
    use crate::sensor::Statement;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn open(data: &Path) -> Spool {
        Spool::open(Arc::new(RealVolume), &data.join("spool"), Caps::default(), NOW).unwrap().0
    }

    fn adopt_into(data: &Path, spool: &mut Spool) -> u64 {
        adopt(data, &owner(7, "3407"), spool, Caps::default(), NOW).unwrap()
    }

    fn record(body: RecordBody) -> Vec<u8> {
        Record { time: NOW, body }.to_octets().unwrap()
    }

    fn opening() -> Vec<u8> {
        let Statement::Opened { body, .. } = opened(1, None) else { panic!("not opened") };
        record(RecordBody::Opened(body))
    }

    fn update_of(alert: u64) -> Vec<u8> {
        let Statement::Updated { body, .. } = updated(1, false) else { panic!("not updated") };
        record(RecordBody::Updated(AlertUpdated { alert: Seq(alert), ..body }))
    }

    fn bodies(spool: &mut Spool) -> Vec<RecordBody> {
        let octets = spool.read(Seq(1), NOW).unwrap();
        octets.iter().map(|octets| Record::from_octets(octets).unwrap().body).collect()
    }

    /// Two records that were sent, and four that never were.
    fn set_aside(data: &Path, committed: Seq) {
        let mut spool = open(data);
        for octets in [opening(), opening(), update_of(2), opening(), update_of(4), update_of(2)] {
            spool.append(&octets);
        }
        spool.sync(NOW).unwrap();
        spool.handle_sending_ended(Seq(3)).unwrap();
        allow(&RealVolume, spool.directory(), committed).unwrap();
        spool.set_aside().unwrap();
    }

    #[test]
    fn p5_what_was_never_sent_is_taken_over_once_and_under_the_new_numbers() {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(1));
        for round in 0..3u64 {
            let mut spool = open(data.path());
            let adopted = adopt_into(data.path(), &mut spool);
            assert_eq!(adopted, if round == 0 { 4 } else { 0 });
            let bodies = bodies(&mut spool);
            assert!(matches!(&bodies[0], RecordBody::Opened(again) if again.count == 5), "what the update adds");
            assert!(matches!(&bodies[1], RecordBody::Opened(alert) if alert.count == 1));
            assert!(matches!(&bodies[2], RecordBody::Updated(AlertUpdated { alert: Seq(2), .. })));
            assert!(matches!(&bodies[3], RecordBody::Updated(AlertUpdated { alert: Seq(1), .. })));
            assert_eq!(bodies.len(), 4);
        }
    }

    #[test]
    fn p5_another_members_alerts_are_never_taken_over_whoever_set_them_aside() {
        for (before, taken) in [(Some(owner(3, "0301")), 0), (None, 0), (Some(owner(3, "3407")), 4)] {
            let data = tempfile::tempdir().unwrap();
            drop(open(data.path()));
            if let Some(before) = before {
                before.claim(data.path()).unwrap();
            }
            // Told to begin anew, and enrolled anew before it did.
            set_aside(data.path(), Seq(1));
            disown(data.path()).unwrap();
            let mut spool = open(data.path());
            assert_eq!(adopt_into(data.path(), &mut spool), taken);
        }
    }

    #[test]
    fn d1_what_waited_when_the_same_member_enrolled_anew_is_delivered_once_and_anothers_stays() {
        for (member, taken) in [("3407", 3), ("0301", 0)] {
            let data = tempfile::tempdir().unwrap();
            let mut spool = open(data.path());
            owner(3, member).claim(data.path()).unwrap();
            for _ in 0..6 {
                spool.append(&opening());
            }
            spool.sync(NOW).unwrap();
            // Two are acknowledged, a third was under way when the collector closed: it may be stored.
            spool.handle_sending_ended(Seq(4)).unwrap();
            spool.handle_acknowledged(Seq(2), NOW).unwrap();
            spool.write_hint(NOW).unwrap();
            drop(spool);
            let before = set_aside_of_before(data.path(), &owner(7, "3407")).unwrap().unwrap();
            assert_eq!((before.waiting, before.same_member), (4, taken > 0));
            for again in [false, true] {
                let mut spool = open(data.path());
                assert_eq!(adopt_into(data.path(), &mut spool), if again { 0 } else { taken });
                assert_eq!(bodies(&mut spool).len() as u64, taken);
            }
        }
    }

    #[test]
    fn p5_what_a_later_state_may_have_sent_is_left_where_it_is() {
        for (committed, taken) in [(2, 4), (4, 2), (6, 0), (90, 0)] {
            let data = tempfile::tempdir().unwrap();
            set_aside(data.path(), Seq(committed));
            let mut spool = open(data.path());
            assert_eq!(adopt_into(data.path(), &mut spool), taken, "{committed}");
        }
        // Nobody has said what the collector had: a disk so full that not even that could be noted. It is named for as long as
        // it lies there.
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        let aside = left(&RealVolume, data.path()).unwrap().pop().unwrap();
        let committed = fs::read(aside.join(COMMITTED)).unwrap();
        fs::remove_file(aside.join(COMMITTED)).unwrap();
        for _ in 0..2 {
            let mut spool = open(data.path());
            assert_eq!(adopt_into(data.path(), &mut spool), 0);
            assert_eq!(left(&RealVolume, data.path()).unwrap().first(), Some(&aside));
        }
        fs::write(aside.join(COMMITTED), committed).unwrap();
        assert_eq!(adopt_into(data.path(), &mut open(data.path())), 4);
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
    }

    #[test]
    fn i8_an_alert_that_is_opened_again_by_the_last_word_of_it_is_closed_too() {
        let data = tempfile::tempdir().unwrap();
        let mut spool = open(data.path());
        let Statement::Updated { body, .. } = updated(1, true) else { panic!("not updated") };
        let closing = |alert| record(RecordBody::Updated(AlertUpdated { alert: Seq(alert), ..body.clone() }));
        for octets in [opening(), opening(), closing(1), opening(), closing(2)] {
            spool.append(&octets);
        }
        spool.sync(NOW).unwrap();
        spool.handle_sending_ended(Seq(3)).unwrap();
        allow(&RealVolume, spool.directory(), Seq(2)).unwrap();
        spool.set_aside().unwrap();
        let mut spool = open(data.path());
        assert_eq!(adopt_into(data.path(), &mut spool), 3);
        let said: Vec<(u64, u64, bool)> = bodies(&mut spool)
            .iter()
            .zip(1..)
            .map(|(body, number)| match body {
                RecordBody::Opened(opened) => (number, opened.count, false),
                RecordBody::Updated(update) => (update.alert.0, update.count_increase, update.closed),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(said, [(1, 5, false), (2, 1, false), (3, 5, false), (1, 0, true), (3, 0, true)]);
        // Nor twice, when it was stopped between the last record and its end.
        let aside = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
        let aside = aside.filter(|path| path.join(ADOPTED).exists()).last().unwrap();
        fs::rename(aside.join(ADOPTED), aside.join(ADOPTING)).unwrap();
        assert_eq!(adopt_into(data.path(), &mut spool), 0);
        assert_eq!(bodies(&mut spool).len(), 5);
    }

    #[test]
    fn p5_taking_over_goes_on_wherever_it_was_stopped() {
        for stopped_after in 0..=4usize {
            let data = tempfile::tempdir().unwrap();
            set_aside(data.path(), Seq(2));
            let path = data.path().join("spool");
            let mut spool = open(data.path());
            adopt_into(data.path(), &mut spool);
            let whole = spool.read(Seq(1), NOW).unwrap();
            drop(spool);
            // As it was after so many were on disk: the plan lies there, the new spool holds that much.
            fs::remove_dir_all(&path).unwrap();
            let mut spool = open(data.path());
            for octets in whole.iter().take(stopped_after) {
                spool.append(octets);
            }
            spool.sync(NOW).unwrap();
            let epoch = spool.figures().epoch;
            let aside = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
            let aside = aside.filter(|path| path.join(ADOPTED).exists()).last().unwrap();
            fs::remove_file(aside.join(ADOPTED)).unwrap();
            Plan { from: Seq(3), to: Seq(7), epoch, first: Seq(1) }.write(&RealVolume, &aside).unwrap();
            assert_eq!(adopt_into(data.path(), &mut spool), 4 - stopped_after as u64);
            assert_eq!(spool.read(Seq(1), NOW).unwrap(), whole, "stopped after {stopped_after}");
        }
    }
}
