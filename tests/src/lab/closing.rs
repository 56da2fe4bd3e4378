//! The books of a simulation, closed: everybody is connected and at rest, and each record taken is where it belongs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use varde_common::alert::CrowdUpdated;
use varde_common::id::Seq;
use varde_common::record::{Record, RecordBody};

use super::collector::Key;
use super::oracle::{Oracle, Place, carried, hosts_of};
use super::sensor::Beside;
use crate::places::{Places, told_lost};

/// What the collector counts.
#[derive(Debug, Default)]
pub struct Counts {
    /// Each alert's sightings, by the record that opened it; and about how many hosts it stands for, where these are many.
    pub alerts: BTreeMap<Key, (u64, Option<u64>)>,
    /// Sightings of alerts that it does not know, by the record that told of them.
    pub without_alert: BTreeMap<Key, u64>,
}

/// What a sensor's disk holds.
#[derive(Debug, Default)]
pub struct Disk {
    /// In the spool.
    pub spool: Places,
    /// In those that were set aside.
    pub aside: Places,
    /// What was to be taken over of each of them, and whether it is.
    pub beside: Vec<Beside>,
}

impl Disk {
    /// Where what stands in this place of a spool set aside was to be taken over; none if it was not.
    fn was_to_move(&self, (epoch, seq): Place) -> Option<Place> {
        self.beside.iter().find_map(|beside| if beside.epoch == epoch { beside.anew(seq) } else { None })
    }
}

impl Oracle {
    /// Everybody is connected and at rest: taken = stored ⊎ told as lost ⊎ left in a spool set aside, each once, and counts are
    /// conserved (I8). Left there is what may have been sent from it, or from a later state of its disk, and nothing else.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn handle_end(&mut self, disks: &BTreeMap<i64, Disk>, counts: &Counts) -> Result<()> {
        let told = self.sum_up(counts)?;
        for (sensor, known) in &self.known {
            let disk = disks.get(sensor).context("a sensor without a disk")?;
            for beside in &disk.beside {
                ensure!(beside.done, "a spool of sensor {sensor} set aside waits to be taken over: {beside:?}");
            }
            for ((epoch, seq), octets) in &known.taken {
                let (place, key) = ((*epoch, *seq), (*sensor, *epoch, *seq));
                if let Some(to) = known.moved.get(&place) {
                    // Its new place is held to account for it.
                    ensure!(known.taken.contains_key(to), "{key:?} was taken over as {to:?}, which is gone");
                    ensure!(!self.stored.contains_key(&key), "D2: {key:?} is stored, and was taken over as {to:?}");
                    self.counted.adopted += 1;
                    continue;
                }
                match self.stored.get(&key) {
                    Some(stored) if stored == octets => self.counted.stored += 1,
                    // There, or given up there with a note before it was set aside.
                    _ if disk.aside.holds(*epoch, *seq) => {
                        ensure!(known.may_be_set_aside, "{key:?} lies beside the spool");
                        if let Some(to) = disk.was_to_move(place) {
                            // Or the disk was full in that moment, which is told like any such loss.
                            let is_told = disk.aside.lost.contains_key(&place)
                                || told.contains(&(*sensor, to.0, to.1))
                                || disk.aside.lost.contains_key(&to);
                            ensure!(is_told, "D1: {key:?} was to be taken over as {to:?}, and was not");
                        }
                        self.counted.set_aside += 1;
                    }
                    _ if told.contains(&key) => {
                        ensure!(
                            !disk.spool.records.contains_key(&place),
                            "{key:?} was told as lost, and is in its spool"
                        );
                        self.counted.told_lost += 1;
                    }
                    Some(_) => bail!("{key:?} is stored as another record, and nobody was told"),
                    // The sensor had the collector's word for it and let go of it for room; then the collector lost it, and the
                    // spool that would have told so was set aside.
                    None if known.let_go.contains(&place)
                        && self.restored_away.contains(&key)
                        && disk.beside.iter().any(|beside| beside.epoch == *epoch) =>
                    {
                        self.counted.lost_with_restore += 1;
                    }
                    None => bail!("D1: {key:?} was taken, is not stored, and nobody was told"),
                }
            }
        }
        Ok(())
    }

    /// Every sighting stored is in an alert, or told as one of none; gives the places that were told as lost.
    fn sum_up(&mut self, counted: &Counts) -> Result<BTreeSet<Key>> {
        let mut told = BTreeSet::new();
        let mut counts: BTreeMap<Key, (u64, Option<u64>)> = BTreeMap::new();
        let mut without_alert: BTreeMap<Key, u64> = BTreeMap::new();
        for ((sensor, epoch, seq), octets) in &self.stored {
            if let Some((from, to, _)) = told_lost(octets) {
                told.extend((from.0..=to.0).map(|seq| (*sensor, *epoch, Seq(seq))));
                continue;
            }
            let (_, count) = carried(octets).with_context(|| format!("{seq} carries no statement"))?;
            match Record::from_octets(octets)?.body {
                RecordBody::Updated(update) | RecordBody::CrowdUpdated(CrowdUpdated { updated: update, .. }) => {
                    match counts.get_mut(&(*sensor, *epoch, update.alert)) {
                        Some((sum, hosts)) => {
                            *sum += count;
                            *hosts = (*hosts).max(hosts_of(octets));
                        }
                        None => {
                            without_alert.insert((*sensor, *epoch, *seq), count);
                        }
                    }
                }
                _ => {
                    counts.insert((*sensor, *epoch, *seq), (count, hosts_of(octets)));
                }
            }
        }
        let Counts { alerts, without_alert: events } = counted;
        ensure!(counts == *alerts, "I8: alerts count {alerts:?}, their records {counts:?}");
        ensure!(without_alert == *events, "I8: of no alert are {without_alert:?}, told are {events:?}");
        self.counted.without_alert += without_alert.values().sum::<u64>();
        Ok(told)
    }
}
