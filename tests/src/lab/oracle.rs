//! What is true in a simulation: every statement made and every record taken, and the invariants I1 to I3, I6 and I8 held
//! against disks and database after every step.
//!
//! A record is *taken* once the sync that wrote it has returned. From then on it is in its sensor's spool, or given up there
//! with a note, or stored at the collector; in the end it is stored, or the collector was told that it is lost, each once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use varde_agent::io::disk::spool::Synced;
use varde_agent::sensor::AlertId;
use varde_common::alert::{CrowdOpened, CrowdUpdated};
use varde_common::id::{Epoch, Seq};
use varde_common::record::{LossReason, Record, RecordBody};
use varde_common::time::Timestamp;

use super::collector::Key;
use super::counted::Counted;
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
    /// About how many hosts its alert stands for, where it is one of many told of together.
    pub hosts: Option<u64>,
}

/// What the record of a statement is to say.
#[derive(Debug, Clone, Copy, Default)]
struct Expected {
    /// That its alert is opened, for the first time or again.
    opens: bool,
    /// Sightings.
    count: u64,
    /// Hosts, of an alert of many.
    hosts: Option<u64>,
    /// Of an opening given up for room, which it opens again: where that was, and its sightings. They are told again, unless
    /// the collector may have them all the same.
    again: Option<(Place, u64)>,
}

impl Expected {
    /// What a record says is right; gives the opening whose sightings it tells again.
    fn check(&self, octets: &[u8]) -> Result<Option<Place>> {
        let opens = matches!(Record::from_octets(octets)?.body, RecordBody::Opened(_) | RecordBody::CrowdOpened(_));
        ensure!(hosts_of(octets) == self.hosts, "D12: {:?} hosts are told, of {self:?}", hosts_of(octets));
        let (number, count) = carried(octets).context("it carries no statement")?;
        ensure!(opens == self.opens, "I8: statement {number}, {self:?}, opens its alert: {opens}");
        match self.again {
            Some((place, more)) if count == self.count + more => Ok(Some(place)),
            _ => {
                ensure!(count == self.count, "I8: {number} counts {count}, its statement {self:?}");
                Ok(None)
            }
        }
    }
}

/// What is known of a sensor.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Records taken, as they stand.
    pub(super) taken: BTreeMap<(Epoch, Seq), Vec<u8>>,
    /// Records under the same names that another state of its disk had taken.
    former: BTreeMap<(Epoch, Seq), Vec<Vec<u8>>>,
    /// Statements written and not synced when the process died: on disk or not.
    in_doubt: BTreeMap<u64, Expected>,
    /// Openings lost with a full disk, for their next update to tell.
    lost_openings: BTreeMap<AlertId, Expected>,
    /// Openings written and not synced.
    fresh: BTreeMap<AlertId, Expected>,
    /// Where this process's alerts were opened, and with how many sightings.
    openings: BTreeMap<AlertId, (Place, u64)>,
    /// Of these what was given up, by now perhaps without a trace: the collector was told.
    openings_lost: BTreeSet<Place>,
    /// Openings given up for room whose sightings were told again with what came after.
    retold: BTreeSet<Place>,
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

/// Which statement a record carries, and the sightings it adds; none if it carries none. By when it was last seen: an alert
/// that is opened again was first seen when it was opened before.
pub(super) fn carried(octets: &[u8]) -> Option<(u64, u64)> {
    let (last_seen, count) = match Record::from_octets(octets).ok()?.body {
        RecordBody::Opened(opened) | RecordBody::CrowdOpened(CrowdOpened { opened, .. }) => {
            (opened.last_seen, opened.count)
        }
        RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. }) => {
            (update.last_seen, update.count_increase)
        }
        // No simulation gives the order.
        RecordBody::Braked(_) | RecordBody::Loss { .. } | RecordBody::GivenUp { .. } | RecordBody::Event(_) => {
            return None;
        }
    };
    Some((last_seen.micros_since(BEGAN), count))
}

/// About how many hosts a record's alert stands for, where it is one of many.
pub(super) fn hosts_of(octets: &[u8]) -> Option<u64> {
    match Record::from_octets(octets).ok()?.body {
        RecordBody::CrowdOpened(CrowdOpened { hosts, .. }) | RecordBody::CrowdUpdated(CrowdUpdated { hosts, .. }) => {
            Some(hosts)
        }
        _ => None,
    }
}

impl Known {
    fn look_for_openings(&mut self, places: &Places) {
        // What is acknowledged is lost to nobody, though a note of loss may reach over it; nor is what was let go of then, should
        // a restored collector want it again.
        let waits = |place: &Place| {
            self.heard.get(&place.0).is_none_or(|heard| place.1 > *heard) && !self.let_go.contains(place)
        };
        let openings = self.openings.values().map(|(place, _)| *place);
        self.openings_lost.extend(openings.filter(|place| places.lost.contains_key(place) && waits(place)));
    }

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

    /// Statements are written, on a disk that holds this; the sync is still to come.
    pub fn handle_written(&mut self, sensor: i64, said: &[Said], places: &Places) {
        self.counted.statements += said.len() as u64;
        let known = self.of(sensor);
        known.look_for_openings(places);
        for one in said {
            let lost = known.lost_openings.remove(&one.alert);
            let opening = known.openings.get(&one.alert);
            let given_up = opening.filter(|(place, _)| known.openings_lost.contains(place)).copied();
            let before = match (lost, given_up) {
                (Some(lost), _) => lost,
                (None, again) => Expected { opens: one.opens || again.is_some(), count: 0, hosts: None, again },
            };
            let expected = Expected { count: before.count + one.count, hosts: one.hosts, ..before };
            if expected.opens {
                known.openings.remove(&one.alert);
                known.fresh.insert(one.alert, expected);
            }
            known.in_doubt.insert(one.number, expected);
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
        let counts: Option<Vec<Expected>> = said.iter().map(|one| known.in_doubt.remove(&one.number)).collect();
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
                let again = expected.check(octets).with_context(|| format!("{seq} of sensor {sensor}"))?;
                self.tell_again(sensor, again)?;
                if expected.opens {
                    self.of(sensor).openings.insert(one.alert, ((epoch, seq), count));
                }
                self.take(sensor, (epoch, seq), octets)?;
            }
        }
        self.handle_disk(sensor, places)
    }

    /// Sightings of an opening given up for room are told again: then nobody has them, and nobody will.
    fn tell_again(&mut self, sensor: i64, opening: Option<Place>) -> Result<()> {
        let Some((epoch, seq)) = opening else { return Ok(()) };
        self.counted.retold += 1;
        // Another state of its disk may have had another record there.
        let opening = self.of(sensor).taken.get(&(epoch, seq)).cloned();
        let stored = self.stored.get(&(sensor, epoch, seq));
        ensure!(stored.is_none() || stored != opening.as_ref(), "I8: {seq} of {sensor} is stored, and counted again");
        self.of(sensor).retold.insert((epoch, seq));
        Ok(())
    }

    fn take(&mut self, sensor: i64, place: (Epoch, Seq), octets: &[u8]) -> Result<()> {
        if let Some(other) = self.of(sensor).taken.insert(place, octets.to_vec()) {
            ensure!(other == octets, "{place:?} of sensor {sensor} was taken twice, as two records");
        }
        self.counted.taken += 1;
        self.counted.crowds += u64::from(hosts_of(octets).is_some());
        Ok(())
    }

    /// What is on a disk: nothing that was taken is gone unless it may be (I3).
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_disk(&mut self, sensor: i64, places: &Places) -> Result<()> {
        let Some(known) = self.known.get_mut(&sensor) else { return Ok(()) };
        known.look_for_openings(places);
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
                    Some(LossReason::SpoolFull) => {
                        if known.heard.get(&epoch).is_some_and(|heard| seq <= *heard) {
                            known.let_go.insert(*place);
                        }
                    }
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
        known.openings.clear();
        known.openings_lost.clear();
        let mut in_doubt = std::mem::take(&mut known.in_doubt);
        let news: Vec<_> = spool.records.iter().filter(|(place, _)| !known.taken.contains_key(place)).collect();
        let (mut found, mut retold) = (Vec::new(), Vec::new());
        for (place, octets) in news {
            // Given up where it was set aside, and told so under its new number.
            if told_lost(octets).is_some() {
                continue;
            }
            let (number, count) = carried(octets).with_context(|| format!("{place:?} carries no statement"))?;
            match in_doubt.remove(&number) {
                Some(expected) => retold.push(expected.check(octets).with_context(|| format!("{place:?}"))?),
                None => known.take_over(*place, number, count, aside)?,
            }
            found.push((*place, octets));
        }
        for opening in retold {
            self.tell_again(sensor, opening)?;
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
        known.retold.clear();
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
        let retold = known.retold.contains(&place) && known.taken.get(&place).is_some_and(|one| one == octets);
        ensure!(!retold, "I8: {seq} of sensor {sensor} is stored, and was counted again");
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
