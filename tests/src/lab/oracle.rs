//! What is true in a simulation: every statement made and every record taken, and the invariants I1 to I3, I6 and I8 held
//! against disks and database after every step.
//!
//! A record is *taken* once the sync that wrote it has returned. From then on it is in its sensor's spool, or given up there
//! with a note, or stored at the collector; in the end it is stored, or the collector was told that it is lost, each once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use varde_agent::io::disk::spool::Synced;
use varde_agent::sensor::AlertId;
use varde_common::id::{Epoch, Seq};
use varde_common::record::{LossReason, Record, RecordBody};
use varde_common::time::Timestamp;

use super::collector::Key;
use crate::places::{Places, told_lost};

/// When every simulation begins. A statement's number is how many microseconds after this it was last seen.
pub const BEGAN: Timestamp = Timestamp(1_763_733_900_000_000);

/// A place in one of a sensor's spools.
pub type Place = (Epoch, Seq);
/// Rows of one spool, in order.
pub type Rows = Vec<(Seq, Vec<u8>)>;

/// A statement as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Its number.
    pub number: u64,
    /// Of which alert of this process.
    pub alert: AlertId,
    /// Whether it opened it.
    pub opens: bool,
    /// Sightings it adds.
    pub count: u64,
}

/// What is known of a sensor.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Records taken, as they stand.
    pub(super) taken: BTreeMap<(Epoch, Seq), Vec<u8>>,
    /// Records under the same names that another state of its disk had taken.
    former: BTreeMap<(Epoch, Seq), Vec<Vec<u8>>>,
    /// Statements written and not synced when the process died: on disk or not.
    in_doubt: BTreeMap<u64, u64>,
    /// Openings lost with a full disk, for their next update to tell.
    lost_openings: BTreeMap<AlertId, u64>,
    /// Openings written and not synced.
    fresh: BTreeMap<AlertId, u64>,
    /// What it has heard last to be committed, spool by spool.
    heard: BTreeMap<Epoch, Seq>,
    /// Records gone from its disk while they were known to be committed.
    pub(super) let_go: BTreeSet<Place>,
    /// Both as they were when its disk was copied.
    when_copied: (BTreeMap<Epoch, Seq>, BTreeSet<Place>),
    /// How far the collector has each spool.
    committed: BTreeMap<Epoch, Seq>,
    /// Its disk was restored or copied: a spool of it may be set aside.
    pub(super) may_be_set_aside: bool,
    /// Records taken over from a spool that was set aside: where each stood, and where it stands.
    pub(super) moved: BTreeMap<Place, Place>,
}

/// What a simulation has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Statements made.
    pub statements: u64,
    /// Records taken.
    pub taken: u64,
    /// Of these stored at the end.
    pub stored: u64,
    /// Told as lost at the end.
    pub told_lost: u64,
    /// Left in spools that were set aside.
    pub set_aside: u64,
    /// Taken over from there.
    pub adopted: u64,
    /// Acknowledged and let go of, then lost with a collector that was put back, their spool being set aside by then.
    pub lost_with_restore: u64,
    /// Times power failed, or a process died.
    pub crashes: u64,
    /// Connections cut.
    pub cuts: u64,
    /// Times a collector died, was full or was put back.
    pub collector_faults: u64,
    /// Gaps met.
    pub gaps: u64,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, more: Counted) {
        self.statements += more.statements;
        self.taken += more.taken;
        self.stored += more.stored;
        self.told_lost += more.told_lost;
        self.set_aside += more.set_aside;
        self.adopted += more.adopted;
        self.lost_with_restore += more.lost_with_restore;
        self.crashes += more.crashes;
        self.cuts += more.cuts;
        self.collector_faults += more.collector_faults;
        self.gaps += more.gaps;
    }
}

/// Which statement a record carries, and the sightings it adds; none if it carries none. By when it was last seen: an alert
/// that is opened again was first seen when it was opened before.
pub(super) fn carried(octets: &[u8]) -> Option<(u64, u64)> {
    let (last_seen, count) = match Record::from_octets(octets).ok()?.body {
        RecordBody::Opened(opened) => (opened.last_seen, opened.count),
        RecordBody::Updated(update) => (update.last_seen, update.count_increase),
        _ => return None,
    };
    Some((last_seen.micros_since(BEGAN), count))
}

impl Known {
    /// A record is new in the spool that goes on: then it stands in one that was set aside, and is taken over once.
    fn take_over(&mut self, to: Place, number: u64, count: u64, aside: &Places) -> Result<()> {
        let from = self.taken.iter().find(|(from, octets)| {
            aside.records.contains_key(from)
                && !self.moved.contains_key(from)
                && carried(octets) == Some((number, count))
        });
        let settled = || format!("D2: {to:?} carries statement {number}, long settled or taken over before");
        let (from, _) = from.with_context(settled)?;
        self.moved.insert(*from, to);
        Ok(())
    }
}

/// The truth.
#[derive(Debug, Default)]
pub struct Oracle {
    pub(super) known: BTreeMap<i64, Known>,
    pub(super) stored: BTreeMap<Key, Vec<u8>>,
    /// Which statements are stored, and where.
    statements: BTreeMap<u64, Key>,
    /// What was stored once and is gone with a collector that was put back.
    pub(super) restored_away: BTreeSet<Key>,
    /// Sums over what was seen.
    pub counted: Counted,
}

impl Oracle {
    fn of(&mut self, sensor: i64) -> &mut Known {
        self.known.entry(sensor).or_default()
    }

    /// Statements are written; the sync is still to come.
    pub fn handle_written(&mut self, sensor: i64, said: &[Said]) {
        self.counted.statements += said.len() as u64;
        let known = self.of(sensor);
        for one in said {
            let lost = known.lost_openings.remove(&one.alert);
            let count = one.count + lost.unwrap_or(0);
            if one.opens || lost.is_some() {
                known.fresh.insert(one.alert, count);
            }
            known.in_doubt.insert(one.number, count);
        }
    }

    /// The sync returned: what it says is taken is on the disk, in order, and nothing else.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_synced(
        &mut self,
        sensor: i64,
        epoch: Epoch,
        said: &[Said],
        synced: Synced,
        places: &Places,
    ) -> Result<()> {
        let ranges = [synced.taken, synced.lost];
        let numbered: u64 = ranges.iter().flatten().map(|(first, last)| last.0 + 1 - first.0).sum();
        ensure!(numbered == said.len() as u64, "{} statements got {numbered} numbers: {synced:?}", said.len());
        let known = self.of(sensor);
        let counts: Option<Vec<u64>> = said.iter().map(|one| known.in_doubt.remove(&one.number)).collect();
        let counts = counts.context("synced without having been written")?;
        let fresh = std::mem::take(&mut known.fresh);
        if synced.lost.is_some() {
            known.lost_openings.extend(fresh);
        }
        if let Some((first, _)) = synced.taken {
            for ((seq, one), expected) in (first.0..).map(Seq).zip(said).zip(counts) {
                let octets = places.records.get(&(epoch, seq));
                let octets = octets.with_context(|| format!("{seq} is taken and not on the disk"))?;
                let (number, count) = carried(octets).with_context(|| format!("{seq} carries no statement"))?;
                ensure!(number == one.number, "{seq} carries statement {number}, not {}", one.number);
                ensure!(count == expected, "I8: {seq} counts {count}, its statement {expected}");
                self.take(sensor, (epoch, seq), octets)?;
            }
        }
        self.handle_disk(sensor, places)
    }

    fn take(&mut self, sensor: i64, place: (Epoch, Seq), octets: &[u8]) -> Result<()> {
        if let Some(other) = self.of(sensor).taken.insert(place, octets.to_vec()) {
            ensure!(other == octets, "{place:?} of sensor {sensor} was taken twice, as two records");
        }
        self.counted.taken += 1;
        Ok(())
    }

    /// What is on a disk: nothing that was taken is gone unless it may be (I3).
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_disk(&mut self, sensor: i64, places: &Places) -> Result<()> {
        let Some(known) = self.known.get_mut(&sensor) else { return Ok(()) };
        for (place, octets) in &known.taken {
            let (epoch, seq) = *place;
            match places.records.get(place) {
                Some(there) => ensure!(
                    there == octets,
                    "{seq} of sensor {sensor} is another record on its disk: {:?}, not {:?}",
                    Record::from_octets(there),
                    Record::from_octets(octets)
                ),
                None => match places.lost.get(place) {
                    Some(LossReason::SpoolFull) => {}
                    Some(reason @ (LossReason::SpoolDamaged | LossReason::SpoolAged)) => {
                        bail!(
                            "{seq} of sensor {sensor} is given up as {reason:?}; nothing was damaged, and nothing is old"
                        )
                    }
                    None if known.heard.get(&epoch).is_some_and(|heard| seq <= *heard) => {
                        known.let_go.insert(*place);
                    }
                    None if known.let_go.contains(place) => {}
                    None => {
                        bail!("I3: {seq} of sensor {sensor} was taken, is not acknowledged, and is not on its disk")
                    }
                },
            }
        }
        Ok(())
    }

    /// A process started on this disk: what was in doubt is there or not, what was taken over stands as it stood where it was
    /// set aside; nothing else is new.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_started(&mut self, sensor: i64, spool: &Places, aside: &Places) -> Result<()> {
        let known = self.of(sensor);
        known.lost_openings.clear();
        known.fresh.clear();
        let mut in_doubt = std::mem::take(&mut known.in_doubt);
        let news: Vec<_> = spool.records.iter().filter(|(place, _)| !known.taken.contains_key(place)).collect();
        let mut found = Vec::new();
        for (place, octets) in news {
            // Given up where it was set aside, and told so under its new number.
            if told_lost(octets).is_some() {
                continue;
            }
            let (number, count) = carried(octets).with_context(|| format!("{place:?} carries no statement"))?;
            match in_doubt.remove(&number) {
                Some(expected) => {
                    ensure!(count == expected, "I8: {place:?} counts {count}, its statement {expected}");
                }
                None => known.take_over(*place, number, count, aside)?,
            }
            found.push((*place, octets));
        }
        for (place, octets) in found {
            self.take(sensor, place, octets)?;
        }
        self.handle_disk(sensor, &aside.clone().with(spool))
    }

    /// Its disk is put back to what it was.
    pub fn handle_rolled_back(&mut self, sensor: i64, everywhere: &Places) {
        let known = self.of(sensor);
        known.may_be_set_aside = true;
        known.in_doubt.clear();
        (known.heard, known.let_go) = known.when_copied.clone();
        let let_go = &known.let_go;
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut known.taken)
            .into_iter()
            .partition(|(place, _)| everywhere.records.contains_key(place) || let_go.contains(place));
        known.taken = kept;
        for (place, octets) in gone {
            known.former.entry(place).or_default().push(octets);
        }
        known.moved.retain(|_, to| known.taken.contains_key(to));
    }

    /// Its spool was set aside, or it was put in quarantine.
    ///
    /// # Errors
    /// When its disk was never restored nor copied.
    pub fn handle_set_aside(&mut self, sensor: i64) -> Result<()> {
        ensure!(self.of(sensor).may_be_set_aside, "P5: sensor {sensor} is taken for another without a reason");
        Ok(())
    }

    /// A collector has answered that all up to here is committed; these rows of the spool came since the last look.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_committed(&mut self, sensor: i64, epoch: Epoch, committed: Seq, rows: Rows) -> Result<()> {
        let before = self.of(sensor).committed.get(&epoch).copied().unwrap_or(Seq(0));
        ensure!(committed >= before, "I1: sensor {sensor} was at {before} and is at {committed}");
        let mut expected = before.next();
        for (seq, octets) in rows {
            let told = told_lost(&octets);
            match told {
                Some((from, _, _)) => ensure!(from <= expected && seq >= expected, "I2: a hole before {seq}"),
                None => ensure!(seq == expected, "I2: {seq} is stored where {expected} was expected"),
            }
            self.check_row(sensor, epoch, seq, &octets)?;
            if told.is_none() {
                let (number, _) = carried(&octets).with_context(|| format!("{seq} carries no statement"))?;
                let before = self.statements.insert(number, (sensor, epoch, seq));
                ensure!(before.is_none(), "D2: statement {number} is stored as {seq} of {epoch}, and as {before:?}");
            }
            self.stored.insert((sensor, epoch, seq), octets);
            expected = seq.next();
        }
        ensure!(
            expected == committed.next(),
            "I2: {committed} of sensor {sensor} is committed, and stored is what is before {expected}"
        );
        self.of(sensor).committed.insert(epoch, committed);
        Ok(())
    }

    fn check_row(&self, sensor: i64, epoch: Epoch, seq: Seq, octets: &[u8]) -> Result<()> {
        let place = (epoch, seq);
        let known =
            self.known.get(&sensor).with_context(|| format!("I6: a row of sensor {sensor}, which said nothing"))?;
        if told_lost(octets).is_some() {
            return Ok(());
        }
        let taken = known.taken.get(&place).into_iter().chain(known.former.get(&place).into_iter().flatten());
        let mut taken = taken.peekable();
        ensure!(taken.peek().is_some(), "{seq} of sensor {sensor} is stored and was never taken");
        ensure!(taken.any(|one| one == octets), "{seq} of sensor {sensor} is stored as another record");
        Ok(())
    }

    /// How far the collector has a spool, as far as was seen.
    pub fn committed(&self, sensor: i64, epoch: Epoch) -> Seq {
        self.known.get(&sensor).and_then(|known| known.committed.get(&epoch)).copied().unwrap_or(Seq(0))
    }

    /// A sensor is about to hear that all up to here is committed: it may let go of that, even if it dies over it.
    pub fn handle_hearing(&mut self, sensor: i64, epoch: Epoch, committed: Seq) {
        let heard = self.of(sensor).heard.entry(epoch).or_default();
        *heard = committed.max(*heard);
    }

    /// It has heard it; where that is less than before (the collector was put back), it lets go of no more than that.
    pub fn handle_heard(&mut self, sensor: i64, epoch: Epoch, committed: Seq) {
        self.of(sensor).heard.insert(epoch, committed);
    }

    /// Its disk is copied, with this on it.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_copied(&mut self, sensor: i64, everywhere: &Places) -> Result<()> {
        self.handle_disk(sensor, everywhere)?;
        let known = self.of(sensor);
        known.when_copied = (known.heard.clone(), known.let_go.clone());
        Ok(())
    }

    /// All rows, after a crash of the collector or at any time: exactly what was seen to be stored (I6), with what was
    /// being stored when it died.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_rows(&mut self, rows: BTreeMap<Key, Vec<u8>>, positions: &BTreeMap<i64, (Epoch, Seq)>) -> Result<()> {
        for (key, octets) in &self.stored {
            ensure!(rows.get(key) == Some(octets), "I2: {key:?} was stored and is gone, or another");
        }
        let mut news: BTreeMap<(i64, Epoch), Rows> = BTreeMap::new();
        for ((sensor, epoch, seq), octets) in rows {
            if !self.stored.contains_key(&(sensor, epoch, seq)) {
                news.entry((sensor, epoch)).or_default().push((seq, octets));
            }
        }
        for (sensor, (epoch, committed)) in positions {
            let rows = news.remove(&(*sensor, *epoch)).unwrap_or_default();
            self.handle_committed(*sensor, *epoch, *committed, rows)?;
        }
        ensure!(news.is_empty(), "I6: rows nobody sent: {:?}", news.keys());
        Ok(())
    }

    /// The collector was put back to a copy of its past.
    ///
    /// # Errors
    /// A copy that holds what was never stored.
    pub fn handle_restored(
        &mut self,
        rows: BTreeMap<Key, Vec<u8>>,
        positions: &BTreeMap<i64, (Epoch, Seq)>,
    ) -> Result<()> {
        for (key, octets) in &rows {
            ensure!(self.stored.get(key) == Some(octets), "{key:?} of a copy was never stored");
        }
        for known in self.known.values_mut() {
            known.committed.clear();
        }
        for (sensor, epoch, seq) in rows.keys() {
            let last = self.known.entry(*sensor).or_default().committed.entry(*epoch).or_default();
            *last = seq.max(last).to_owned();
        }
        let before = std::mem::replace(&mut self.stored, rows);
        self.restored_away.extend(before.into_keys().filter(|key| !self.stored.contains_key(key)));
        self.statements.retain(|_, key| self.stored.contains_key(key));
        for (sensor, (epoch, committed)) in positions {
            ensure!(self.committed(*sensor, *epoch) == *committed, "I2: a copy's position is not its rows'");
        }
        Ok(())
    }
}
