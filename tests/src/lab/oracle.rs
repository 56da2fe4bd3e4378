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

/// When every simulation begins. A statement's number is how many microseconds after this it was first seen.
pub const BEGAN: Timestamp = Timestamp(1_763_733_900_000_000);

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
struct Known {
    /// Records taken, as they stand.
    taken: BTreeMap<(Epoch, Seq), Vec<u8>>,
    /// Records under the same names that another state of its disk had taken.
    former: BTreeMap<(Epoch, Seq), Vec<Vec<u8>>>,
    /// Statements written and not synced when the process died: on disk or not.
    in_doubt: BTreeMap<u64, u64>,
    /// Openings lost with a full disk, for their next update to tell.
    lost_openings: BTreeMap<AlertId, u64>,
    /// Openings written and not synced.
    fresh: BTreeMap<AlertId, u64>,
    /// What it has heard to be committed, spool by spool.
    heard: BTreeMap<Epoch, Seq>,
    /// How far the collector has each spool.
    committed: BTreeMap<Epoch, Seq>,
    /// Its disk was restored or copied: a spool of it may be set aside.
    may_be_set_aside: bool,
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
        self.crashes += more.crashes;
        self.cuts += more.cuts;
        self.collector_faults += more.collector_faults;
        self.gaps += more.gaps;
    }
}

/// Which statement a record carries, and the sightings it adds; none if it carries none.
fn carried(octets: &[u8]) -> Option<(u64, u64)> {
    let (first_seen, count) = match Record::from_octets(octets).ok()?.body {
        RecordBody::Opened(opened) => (opened.first_seen, opened.count),
        RecordBody::Updated(update) => (update.first_seen, update.count_increase),
        _ => return None,
    };
    Some((first_seen.micros_since(BEGAN), count))
}

/// The truth.
#[derive(Debug, Default)]
pub struct Oracle {
    known: BTreeMap<i64, Known>,
    stored: BTreeMap<Key, Vec<u8>>,
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
        let Some(known) = self.known.get(&sensor) else { return Ok(()) };
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
                    None if known.heard.get(&epoch).is_some_and(|heard| seq <= *heard) => {}
                    None => {
                        bail!("I3: {seq} of sensor {sensor} was taken, is not acknowledged, and is not on its disk")
                    }
                },
            }
        }
        Ok(())
    }

    /// A process started on this disk: what was in doubt is there or not; nothing else is new.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_started(&mut self, sensor: i64, places: &Places, everywhere: &Places) -> Result<()> {
        let known = self.of(sensor);
        known.lost_openings.clear();
        known.fresh.clear();
        let mut in_doubt = std::mem::take(&mut known.in_doubt);
        let news: Vec<_> = places.records.iter().filter(|(place, _)| !known.taken.contains_key(place)).collect();
        let mut found = Vec::new();
        for (place, octets) in news {
            let (number, count) = carried(octets).with_context(|| format!("{place:?} carries no statement"))?;
            let expected = in_doubt.remove(&number);
            let expected = expected.with_context(|| format!("{place:?} carries statement {number}, long settled"))?;
            ensure!(count == expected, "I8: {place:?} counts {count}, its statement {expected}");
            found.push((*place, octets));
        }
        for (place, octets) in found {
            self.take(sensor, place, octets)?;
        }
        self.handle_disk(sensor, everywhere)
    }

    /// Its disk is put back to what it was.
    pub fn handle_rolled_back(&mut self, sensor: i64, everywhere: &Places) {
        let known = self.of(sensor);
        known.may_be_set_aside = true;
        known.in_doubt.clear();
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut known.taken).into_iter().partition(|(place, _)| everywhere.records.contains_key(place));
        known.taken = kept;
        for (place, octets) in gone {
            known.former.entry(place).or_default().push(octets);
        }
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

    /// A sensor has heard that all up to here is committed.
    pub fn handle_heard(&mut self, sensor: i64, epoch: Epoch, committed: Seq) {
        let heard = self.of(sensor).heard.entry(epoch).or_default();
        *heard = committed.max(*heard);
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
        self.stored = rows;
        for (sensor, (epoch, committed)) in positions {
            ensure!(self.committed(*sensor, *epoch) == *committed, "I2: a copy's position is not its rows'");
        }
        Ok(())
    }

    /// Everybody is connected and at rest: taken = stored ⊎ told as lost ⊎ set aside with its spool, each once, and counts
    /// are conserved (I8). `disks` gives what lies in the spool of each sensor, and beside it.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_end(&mut self, disks: &BTreeMap<i64, (Places, Places)>, alerts: &BTreeMap<Key, u64>) -> Result<()> {
        let mut told = BTreeSet::new();
        let mut statements = BTreeSet::new();
        let mut counts: BTreeMap<Key, u64> = BTreeMap::new();
        for ((sensor, epoch, seq), octets) in &self.stored {
            if let Some((from, to, _)) = told_lost(octets) {
                told.extend((from.0..=to.0).map(|seq| (*sensor, *epoch, Seq(seq))));
                continue;
            }
            let (number, count) = carried(octets).with_context(|| format!("{seq} carries no statement"))?;
            ensure!(statements.insert(number), "D2: statement {number} is stored twice");
            match Record::from_octets(octets)?.body {
                RecordBody::Updated(update) => {
                    if let Some(sum) = counts.get_mut(&(*sensor, *epoch, update.alert)) {
                        *sum += count;
                    }
                }
                _ => {
                    counts.insert((*sensor, *epoch, *seq), count);
                }
            }
        }
        ensure!(counts == *alerts, "I8: alerts count {alerts:?}, their records {counts:?}");
        for (sensor, known) in &self.known {
            for ((epoch, seq), octets) in &known.taken {
                let key = (*sensor, *epoch, *seq);
                match self.stored.get(&key) {
                    Some(stored) if stored == octets => self.counted.stored += 1,
                    // There, or given up there with a note before it was set aside.
                    _ if disks.get(sensor).is_some_and(|(_, aside)| aside.holds(*epoch, *seq)) => {
                        ensure!(known.may_be_set_aside, "{key:?} lies beside the spool");
                        self.counted.set_aside += 1;
                    }
                    _ if told.contains(&key) => {
                        let there =
                            disks.get(sensor).is_some_and(|(spool, _)| spool.records.contains_key(&(*epoch, *seq)));
                        ensure!(!there, "{key:?} was told as lost, and is in its spool");
                        self.counted.told_lost += 1;
                    }
                    Some(_) => bail!("{key:?} is stored as another record, and nobody was told"),
                    None => bail!("D1: {key:?} was taken, is not stored, and nobody was told"),
                }
            }
        }
        Ok(())
    }
}
