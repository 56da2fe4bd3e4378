//! Which sensors have a session now: one each. A newer session replaces the older, a revoked sensor's is cut off at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use varde_common::id::{Mark, SiteId};
use varde_common::message::CloseReason;

use super::carrier::Carrier;
use super::clock;
use super::renew::Proof;
use crate::change::{Change, Changes};
use crate::ingest::hello::{self, Introduction, Met};
use crate::store::{Scope, Store, StoreError};

#[derive(Debug)]
struct Entry {
    number: u64,
    carrier: Carrier,
    /// What its Hello named; nothing before.
    sites: Vec<SiteId>,
}

/// The sessions that stand. Its lock is held while the database is told, so that what the database says of a sensor is
/// never older than what is said here.
#[derive(Debug)]
pub struct Live {
    store: Store,
    changes: Changes,
    entries: Mutex<HashMap<i64, Entry>>,
    next: AtomicU64,
}

/// What became of a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// It is the sensor's session now, by this number.
    As(u64),
    /// The sensor is revoked.
    Revoked,
    /// Two live with its identity.
    Quarantined,
}

impl Live {
    /// Nobody is connected.
    pub fn new(store: Store, changes: Changes) -> Live {
        Live { store, changes, entries: Mutex::new(HashMap::new()), next: AtomicU64::new(1) }
    }

    /// A sensor's connection has proved its key. An older one is closed.
    ///
    /// # Errors
    /// The database's own.
    pub async fn enter(&self, sensor: i64, proof: Proof, carrier: &Carrier) -> Result<Entered, StoreError> {
        let mut entries = self.entries.lock().await;
        // Asked once more under the lock: a revocation either is seen here or finds this session below.
        let known = self.store.sensor_by_key(Scope::Operator, &proof.spki_sha256).await?;
        if known.is_none_or(|known| known.revoked || known.sensor != sensor) {
            return Ok(Entered::Revoked);
        }
        if known.is_some_and(|known| known.quarantined) {
            return Ok(Entered::Quarantined);
        }
        // Under the lock too: by the time another comes with the key before this one, that key has ended.
        self.store.key_used(sensor, &proof.spki_sha256, proof.until).await?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(older) = entries.insert(sensor, Entry { number, carrier: carrier.clone(), sites: Vec::new() }) {
            tracing::info!(sensor, "a newer session replaces the older");
            older.carrier.close(CloseReason::Replaced);
        }
        Ok(Entered::As(number))
    }

    /// A sensor says Hello. None where a newer session has taken its place: a mark given now, and never heard by the newer
    /// one, would accuse it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn meet(&self, sensor: i64, number: u64, said: &Introduction) -> Result<Option<Met>, StoreError> {
        let mut fresh = [0; 16];
        // Without randomness the time is the best that is left: it is not said twice.
        if getrandom::fill(&mut fresh).is_err() {
            fresh = u128::from(clock::now().0.unsigned_abs()).to_be_bytes();
        }
        let mut entries = self.entries.lock().await;
        let Some(entry) = entries.get_mut(&sensor).filter(|entry| entry.number == number) else { return Ok(None) };
        entry.sites.clone_from(&said.hello.sites);
        let (mark, carrier) = (Mark(u128::from_be_bytes(fresh)), entry.carrier.name());
        let met = hello::meet(&self.store, sensor, said, mark, carrier, clock::now()).await?;
        let _ = self.changes.send(Change::Sensor(sensor));
        Ok(Some(met))
    }

    /// A connection is over. Where a newer one has taken its place, nothing is told. A goodbye is the last that is heard
    /// of a sensor.
    pub async fn leave(&self, sensor: i64, number: u64, said_goodbye: bool) {
        let mut entries = self.entries.lock().await;
        if entries.get(&sensor).is_some_and(|entry| entry.number == number) {
            entries.remove(&sensor);
            if let Err(error) = self.store.sensor_disconnected(sensor, said_goodbye.then(clock::now)).await {
                tracing::error!(sensor, "cannot note that the session is over: {error}");
                // The first word of a disk that fails may be this one.
                self.store.handle_error(&error);
            }
            let _ = self.changes.send(Change::Sensor(sensor));
        }
    }

    /// Cuts off the sessions of sensors that are revoked by now; gives how many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn cut_off_revoked(&self) -> Result<usize, StoreError> {
        let entries = self.entries.lock().await;
        if entries.is_empty() {
            return Ok(0);
        }
        // One that is gone with its member is revoked too.
        let living = self.store.unrevoked_sensors(Scope::Operator).await?;
        let mut cut = 0;
        for (&sensor, entry) in entries.iter().filter(|(_, entry)| !entry.carrier.is_closed()) {
            if !living.contains(&sensor) {
                tracing::warn!(sensor, "revoked: its session is cut off");
                entry.carrier.close(CloseReason::Revoked);
                cut += 1;
            }
        }
        Ok(cut)
    }

    /// Cuts off the sessions of sensors that named a site which is theirs no more; gives how many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn cut_off_lost_sites(&self) -> Result<usize, StoreError> {
        let entries = self.entries.lock().await;
        let mut cut = 0;
        // A sensor keeps its home for as long as it is let in.
        let with_others = |entry: &Entry| entry.sites.iter().any(|site| *site != SiteId(0));
        let standing = entries.iter().filter(|(_, entry)| with_others(entry) && !entry.carrier.is_closed());
        for (&sensor, entry) in standing {
            let allowed = self.store.sites_of(Scope::Operator, sensor).await?;
            if entry.sites.iter().any(|site| !allowed.contains(site)) {
                tracing::warn!(sensor, "a site that it named is not its any more: its session is cut off");
                entry.carrier.close(CloseReason::UnknownSite);
                cut += 1;
            }
        }
        Ok(cut)
    }

    /// How many sessions stand or are about to.
    pub async fn count(&self) -> usize {
        self.entries.lock().await.len()
    }
}
