//! The books of a run with real programs, closed: everything that agents logged as taken is stored, still in a spool, or
//! told as lost, each once (D1, D2); and what alerts count is what their records say.
//!
//! It reads the collector's database and the agents' spools past the programs. `varde_tests::lab` has the same rule for the
//! simulation, after every step.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use varde_common::id::{Epoch, Seq};
use varde_common::record::{Record, RecordBody};

use crate::agent::Agent;
use crate::community::{Collector, StoredRecord};
use crate::places::{Places, told_lost};

/// A run in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Books {
    /// Records logged as taken.
    pub taken: u64,
    /// Of these stored.
    pub stored: u64,
    /// Of these in a spool and not stored.
    pub spooled: u64,
    /// Of these told as lost.
    pub told_lost: u64,
    /// Records stored, logged as taken or not (a kill may come between).
    pub rows: u64,
    /// Sightings in all alerts.
    pub sightings: u64,
}

/// Closes the books over these agents. Both programs may run; what is under way counts as spooled.
///
/// # Errors
/// The rule that is broken.
pub fn close(collector: &Collector, agents: &[&Agent]) -> Result<Books> {
    // First what was taken, last what is stored: meanwhile records only move on.
    let mut taken: BTreeSet<(Epoch, Seq)> = BTreeSet::new();
    for agent in agents {
        let more = agent.taken()?;
        ensure!(taken.is_disjoint(&more), "two agents have the same spool");
        taken.extend(more);
    }
    let mut spools = Places::default();
    for agent in agents {
        spools.read_directory(&agent.data().join("spool"))?;
    }
    let mut books = Books { taken: taken.len() as u64, ..Books::default() };
    let (mut stored, mut lost) = (BTreeSet::new(), BTreeSet::new());
    let mut ends: BTreeMap<Epoch, Seq> = BTreeMap::new();
    for row in collector.records()? {
        books.rows += 1;
        let place = (row.epoch, row.seq);
        let expected = ends.get(&row.epoch).copied().unwrap_or_default().next();
        match told_lost(&row.octets) {
            Some((from, to, _)) => {
                ensure!(from <= expected, "D1: a hole before {} of {}", row.seq, row.epoch);
                lost.extend((from.0..=to.0).map(|seq| (row.epoch, Seq(seq))));
            }
            None => {
                ensure!(row.seq == expected, "D1: {} of {} where {expected} was expected", row.seq, row.epoch);
                ensure!(stored.insert(place), "D2: {place:?} is stored twice");
                let there = spools.records.get(&place);
                ensure!(there.is_none_or(|there| *there == row.octets), "{place:?} is stored as another record");
            }
        }
        ends.insert(row.epoch, row.seq);
    }
    for place in &taken {
        if stored.contains(place) {
            books.stored += 1;
        } else if lost.contains(place) || spools.lost.contains_key(place) {
            books.told_lost += 1;
        } else {
            ensure!(spools.records.contains_key(place), "D1: {place:?} was taken and is nowhere");
            books.spooled += 1;
        }
    }
    books.sightings = sightings(collector)?;
    Ok(books)
}

/// The sum over alerts is the sum over the records of each, at one moment.
fn sightings(collector: &Collector) -> Result<u64> {
    loop {
        let records = collector.records()?;
        let sums: Vec<(i64, i64)> =
            collector.query("SELECT COALESCE(SUM(count), 0), (SELECT COUNT(*) FROM record) FROM alert")?;
        let Some((sum, rows)) = sums.first() else { continue };
        if usize::try_from(*rows)? != records.len() {
            // More came in between the two looks.
            continue;
        }
        let told = told_in(&records)?;
        ensure!(u64::try_from(*sum)? == told, "D2: alerts count {sum}, their records {told}");
        return Ok(told);
    }
}

fn told_in(records: &[StoredRecord]) -> Result<u64> {
    let (mut told, mut opened) = (0, BTreeSet::new());
    for row in records {
        match Record::from_octets(&row.octets)?.body {
            RecordBody::Opened(alert) => {
                opened.insert((row.epoch, row.seq));
                told += alert.count;
            }
            RecordBody::CrowdOpened(crowd) => {
                opened.insert((row.epoch, row.seq));
                told += crowd.opened.count;
            }
            RecordBody::Updated(update) if opened.contains(&(row.epoch, update.alert)) => told += update.count_increase,
            RecordBody::CrowdUpdated(crowd) if opened.contains(&(row.epoch, crowd.updated.alert)) => {
                told += crowd.updated.count_increase;
            }
            _ => {}
        }
    }
    Ok(told)
}
