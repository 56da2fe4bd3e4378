//! Which sensors have a session now: one each. A newer session takes the older's place with its Hello, a revoked sensor's is cut off
//! at once.
//!
//! A connection that has proved a sensor's key is a guest beside the session that stands, until it says Hello: the key alone, in
//! another's hand, must not end the session of the sensor it was taken from. There are few guests of one sensor at a time, and what is odd
//! about them is told.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use varde_common::id::{Mark, SiteId};
use varde_common::message::CloseReason;

use super::carrier::Carrier;
use super::clock;
use super::renew::Proof;
use crate::change::{Change, Changes};
use crate::ingest::hello::{self, Introduction, Met};
use crate::limits::GUESTS_PER_SENSOR_MAX;
use crate::store::{Scope, Store, StoreError};
use crate::visits::{Visit, Visits};

#[derive(Debug)]
struct Entry {
    number: u64,
    carrier: Carrier,
    /// What its Hello named; nothing before.
    sites: Vec<SiteId>,
}

/// The connections of one sensor.
#[derive(Debug, Default)]
struct Present {
    standing: Option<Entry>,
    /// Have not said Hello; the oldest first.
    guests: VecDeque<Entry>,
}

impl Present {
    fn all(&self) -> impl Iterator<Item = &Entry> {
        self.standing.iter().chain(&self.guests)
    }
}

/// The sessions that stand. Its lock is held while the database is told, so that what the database says of a sensor is
/// never older than what is said here.
#[derive(Debug)]
pub struct Live {
    store: Store,
    changes: Changes,
    present: Mutex<HashMap<i64, Present>>,
    visits: std::sync::Mutex<Visits>,
    next: AtomicU64,
}

/// What became of a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// It is a guest, by this number, until it says Hello.
    As(u64),
    /// The sensor is revoked.
    Revoked,
    /// Two live with its identity.
    Quarantined,
}

impl Live {
    /// Nobody is connected.
    pub fn new(store: Store, changes: Changes) -> Live {
        let (present, visits) = (Mutex::default(), std::sync::Mutex::default());
        Live { store, changes, present, visits, next: AtomicU64::new(1) }
    }

    /// What was odd lately, for who locks it.
    pub(super) fn all_visits(&self) -> &std::sync::Mutex<Visits> {
        &self.visits
    }

    /// What was odd lately.
    pub(super) fn visits(&self) -> std::sync::MutexGuard<'_, Visits> {
        self.visits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A sensor's connection has proved its key: it may say Hello. With too many of one sensor the oldest is closed: whoever has its
    /// key and says nothing keeps nobody out by that.
    ///
    /// # Errors
    /// The database's own.
    pub async fn enter(&self, sensor: i64, proof: Proof, carrier: &Carrier) -> Result<Entered, StoreError> {
        let mut present = self.present.lock().await;
        // Asked once more under the lock: a revocation either is seen here or finds this connection below.
        let known = self.store.sensor_by_key(Scope::Operator, &proof.spki_sha256).await?;
        if known.is_none_or(|known| known.revoked || known.sensor != sensor) {
            return Ok(Entered::Revoked);
        }
        if known.is_some_and(|known| known.quarantined) {
            return Ok(Entered::Quarantined);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let guests = &mut present.entry(sensor).or_default().guests;
        while guests.len() >= GUESTS_PER_SENSOR_MAX
            && let Some(oldest) = guests.pop_front()
        {
            oldest.carrier.close(CloseReason::Replaced);
        }
        guests.push_back(Entry { number, carrier: carrier.clone(), sites: Vec::new() });
        Ok(Entered::As(number))
    }

    /// A sensor says Hello, and where it stands by that, it takes the place of the session before. None where it is a guest no more: a
    /// mark given now, and never heard by the newer one, would accuse it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn meet(
        &self,
        sensor: i64,
        number: u64,
        proof: Proof,
        said: &Introduction,
    ) -> Result<Option<Met>, StoreError> {
        let mut fresh = [0; 16];
        // Without randomness the time is the best that is left: it is not said twice.
        if getrandom::fill(&mut fresh).is_err() {
            fresh = u128::from(clock::now().0.unsigned_abs()).to_be_bytes();
        }
        let mut present = self.present.lock().await;
        let Some(guest) = guest_of(&present, sensor, number) else { return Ok(None) };
        // While it waited, another may have come with the key behind this one, and ended this one by that.
        let known = self.store.sensor_by_key(Scope::Operator, &proof.spki_sha256).await?;
        if known.is_none_or(|known| known.sensor != sensor) {
            return Ok(Some(Met::Revoked));
        }
        // Under the lock too: by the time another comes with the key before this one, that key has ended.
        self.store.key_used(sensor, &proof.spki_sha256, proof.until).await?;
        let (mark, carrier) = (Mark(u128::from_be_bytes(fresh)), guest.carrier.name());
        let met = hello::meet(&self.store, sensor, said, mark, carrier, clock::now()).await?;
        let mut was_standing = false;
        match &met {
            Met::Stands { .. } => was_standing = stand(&mut present, sensor, number, &said.hello.sites),
            // Of two that live neither is heard.
            Met::Quarantined => {
                if let Some(standing) = present.get(&sensor).and_then(|present| present.standing.as_ref()) {
                    standing.carrier.close(CloseReason::Quarantined);
                }
            }
            // It is told to come again, or not to; whoever stands goes on.
            Met::NewEpoch { .. } | Met::Revoked => {}
        }
        drop(present);
        let _ = self.changes.send(Change::Sensor(sensor));
        if was_standing {
            self.handle_visit(sensor, Visit::Replaced).await;
        }
        Ok(Some(met))
    }

    /// That something odd came again and again is noted for people.
    async fn handle_visit(&self, sensor: i64, visit: Visit) {
        if !self.visits().handle_visit(sensor, visit, clock::monotonic()) {
            return;
        }
        match self.store.note_seldom(sensor, visit.event(), clock::now()).await {
            Ok(true) => {
                match visit {
                    Visit::Replaced => tracing::warn!(
                        sensor,
                        "its session was replaced again and again while it stood: its network breaks off, or somebody else has its key"
                    ),
                    Visit::Silent => tracing::warn!(
                        sensor,
                        "again and again somebody proved its key and said nothing: a firewall swallows what follows, or somebody else has its key"
                    ),
                }
                let _ = self.changes.send(Change::Sensor(sensor));
            }
            Ok(false) => {}
            Err(error) => {
                tracing::error!(sensor, "cannot note what came of it again and again: {error}");
                self.store.handle_error(&error);
            }
        }
    }

    /// A connection is over. Where a newer one has taken its place, nothing is told. A goodbye is the last that is heard
    /// of a sensor. `introduced`: it has said Hello.
    pub async fn leave(&self, sensor: i64, number: u64, introduced: bool, said_goodbye: bool) {
        let mut present = self.present.lock().await;
        let stood = remove(&mut present, sensor, number);
        // A session that ends while its Hello is committed never stood here, and stands in the database.
        if stood || introduced && !stands(&present, sensor) {
            if let Err(error) = self.store.sensor_disconnected(sensor, said_goodbye.then(clock::now)).await {
                // It is tried again: by `note_gone`.
                tracing::error!(sensor, "cannot note that the session is over: {error}");
                // The first word of a disk that fails may be this one.
                self.store.handle_error(&error);
            }
            let _ = self.changes.send(Change::Sensor(sensor));
        }
        drop(present);
        if !introduced {
            self.handle_visit(sensor, Visit::Silent).await;
        }
    }

    /// Cuts off the sessions of sensors that are revoked by now; gives how many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn cut_off_revoked(&self) -> Result<usize, StoreError> {
        let present = self.present.lock().await;
        if present.is_empty() {
            return Ok(0);
        }
        // One that is gone with its member is revoked too.
        let living = self.store.unrevoked_sensors(Scope::Operator).await?;
        let mut cut = 0;
        for (sensor, entry) in open_ones(&present) {
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
        let present = self.present.lock().await;
        let mut cut = 0;
        // A sensor keeps its home for as long as it is let in.
        let with_others = |entry: &Entry| entry.sites.iter().any(|site| *site != SiteId(0));
        for (sensor, entry) in open_ones(&present).filter(|(_, entry)| with_others(entry)) {
            let allowed = self.store.sites_of(Scope::Operator, sensor).await?;
            if entry.sites.iter().any(|site| !allowed.contains(site)) {
                tracing::warn!(sensor, "a site that it named is not its any more: its session is cut off");
                entry.carrier.close(CloseReason::UnknownSite);
                cut += 1;
            }
        }
        Ok(cut)
    }

    /// Notes the end of sessions of which that could not be noted in its moment: a sensor that is gone must not look connected for
    /// ever.
    ///
    /// # Errors
    /// The database's own.
    pub async fn note_gone(&self) -> Result<(), StoreError> {
        let present = self.present.lock().await;
        for sensor in self.store.connected_sensors(Scope::Operator).await? {
            if !stands(&present, sensor) {
                self.store.sensor_disconnected(sensor, None).await?;
                let _ = self.changes.send(Change::Sensor(sensor));
            }
        }
        Ok(())
    }

    /// How many sessions stand or are about to.
    pub async fn count(&self) -> usize {
        self.present.lock().await.values().map(|present| present.all().count()).sum()
    }
}

fn stands(present: &HashMap<i64, Present>, sensor: i64) -> bool {
    present.get(&sensor).is_some_and(|present| present.standing.is_some())
}

/// Connections that have not ended, each with its sensor.
fn open_ones(present: &HashMap<i64, Present>) -> impl Iterator<Item = (i64, &Entry)> {
    let all = present.iter().flat_map(|(sensor, present)| present.all().map(|entry| (*sensor, entry)));
    all.filter(|(_, entry)| !entry.carrier.is_closed())
}

fn guest_of(present: &HashMap<i64, Present>, sensor: i64, number: u64) -> Option<&Entry> {
    present.get(&sensor)?.guests.iter().find(|guest| guest.number == number)
}

/// This guest stands from now on; whether another stood until now.
fn stand(present: &mut HashMap<i64, Present>, sensor: i64, number: u64, sites: &[SiteId]) -> bool {
    let Some(of_it) = present.get_mut(&sensor) else { return false };
    let place = of_it.guests.iter().position(|guest| guest.number == number);
    let Some(guest) = place.and_then(|place| of_it.guests.remove(place)) else { return false };
    let before = of_it.standing.replace(Entry { sites: sites.to_vec(), ..guest });
    let Some(before) = before.filter(|before| !before.carrier.is_closed()) else { return false };
    tracing::info!(sensor, "a newer session replaces the older");
    before.carrier.close(CloseReason::Replaced);
    true
}

/// Whether it was the one that stood.
fn remove(present: &mut HashMap<i64, Present>, sensor: i64, number: u64) -> bool {
    let Some(of_it) = present.get_mut(&sensor) else { return false };
    of_it.guests.retain(|guest| guest.number != number);
    let stood = of_it.standing.as_ref().is_some_and(|standing| standing.number == number);
    if stood {
        of_it.standing = None;
    }
    if of_it.standing.is_none() && of_it.guests.is_empty() {
        present.remove(&sensor);
    }
    stood
}

#[cfg(test)]
mod tests {
    use varde_common::codec::Text;
    use varde_common::id::{Epoch, Revision, Seq};
    use varde_common::message::Hello;
    use varde_common::tie::SessionId;
    use varde_common::time::Timestamp;

    use super::super::tied::Tied;
    use super::*;
    use crate::store::fixture::Fixture;

    const PROOF: Proof = Proof { spki_sha256: [7; 32], until: Timestamp::MAX };

    fn introduction() -> Introduction {
        let hello = Hello {
            protocol_min: 1,
            protocol_max: 1,
            agent_version: Text::cut("0.1.0"),
            epoch: Epoch(9),
            first_seq: Seq(1),
            next_seq: Seq(1),
            revision: Revision(1),
            root_version: 1,
            sites: vec![SiteId(0)],
            clock: Timestamp(0),
        };
        Introduction { hello, protocol: 1, kept: None }
    }

    /// A collector with one sensor, that has this key.
    async fn living() -> (Fixture, Live) {
        let fixture = Fixture::new(1).await;
        fixture
            .run("UPDATE sensor SET spki_sha256 = x'0707070707070707070707070707070707070707070707070707070707070707'")
            .await;
        let (changes, _) = tokio::sync::broadcast::channel(16);
        let live = Live::new(fixture.store.clone(), changes);
        (fixture, live)
    }

    async fn come(live: &Live) -> u64 {
        let carrier = Carrier::Tcp(Tied::new(SessionId([1; 16]), PROOF.spki_sha256).0);
        match live.enter(1, PROOF, &carrier).await.unwrap() {
            Entered::As(number) => number,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn h1_a_session_cut_off_when_its_hello_is_committed_does_not_look_connected_for_ever() {
        let (_fixture, live) = living().await;
        let number = come(&live).await;
        // What `meet` has done by the moment in which it is dropped, with the task that called it.
        let met = hello::meet(&live.store, 1, &introduction(), Mark(1), "tcp", clock::now()).await.unwrap();
        assert!(matches!(met, Met::Stands { .. }));
        assert_eq!(live.store.connected_sensors(Scope::Operator).await.unwrap(), [1]);
        live.leave(1, number, true, false).await;
        assert_eq!(live.store.connected_sensors(Scope::Operator).await.unwrap(), [0; 0]);
    }

    #[tokio::test]
    async fn h1_an_end_that_could_not_be_noted_is_noted_later_and_one_that_stands_stays() {
        let (fixture, live) = living().await;
        let number = come(&live).await;
        assert!(matches!(live.meet(1, number, PROOF, &introduction()).await.unwrap(), Some(Met::Stands { .. })));
        live.note_gone().await.unwrap();
        assert_eq!(live.store.connected_sensors(Scope::Operator).await.unwrap(), [1]);
        live.leave(1, number, true, false).await;
        fixture.run("UPDATE sensor SET connected = 1").await;
        live.note_gone().await.unwrap();
        assert_eq!(live.store.connected_sensors(Scope::Operator).await.unwrap(), [0; 0]);
    }
}
