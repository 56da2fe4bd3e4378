//! What sensors' sessions share, and how they come in over QUIC (over TCP: [`super::tcp`]); each is then [`super::talk`]'s.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::{Endpoint, Incoming};
use rustls::pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use varde_common::message::{CloseReason, PROTOCOLS};

use super::beat::health;
use super::carrier::Carrier;
use super::clock;
use super::ingests::Ingests;
use super::keyring::Keyring;
use super::keys::TIMESTAMP_KEY;
use super::lists::Lists;
use super::live::Live;
use super::renew::Proof;
use super::talk::{Streams, converse, enter};
use crate::arrivals::{Arrival, Arrivals, Place};
use crate::change::{Change, Changes};
use crate::control::Poke;
use crate::limits::{DECODES_AT_ONCE, FAILED_HANDSHAKE_KEEPS, HANDSHAKE_WITHIN, HANDSHAKES_MAX, SESSIONS_MAX};
use crate::quota::Quotas;
use crate::store::{Store, StoreError};
use crate::thrown_out::ThrownOut;

/// What all sessions share.
#[derive(Debug)]
pub struct Collector {
    pub(super) store: Store,
    pub(super) changes: Changes,
    pub(super) live: Live,
    pub(super) lists: Lists,
    pub(super) ingests: Ingests,
    pub(super) decodes: Arc<Semaphore>,
    quotas: Mutex<Quotas>,
    thrown_out: Mutex<ThrownOut>,
    pub(super) protocols: RangeInclusive<u16>,
    pub(super) keyring: Arc<Keyring>,
    places: Arc<Semaphore>,
    handshakes: Arrivals,
}

impl Collector {
    /// A collector with nobody connected.
    pub fn new(store: Store, changes: Changes, keyring: Arc<Keyring>) -> Arc<Collector> {
        Collector::speaking(store, changes, keyring, PROTOCOLS)
    }

    /// The same, of a program that speaks these versions of the conversation.
    pub fn speaking(
        store: Store,
        changes: Changes,
        keyring: Arc<Keyring>,
        protocols: RangeInclusive<u16>,
    ) -> Arc<Collector> {
        Arc::new(Collector {
            live: Live::new(store.clone(), changes.clone()),
            lists: Lists::new(),
            ingests: Ingests::new(store.clone(), changes.clone()),
            decodes: Arc::new(Semaphore::new(DECODES_AT_ONCE)),
            quotas: Mutex::default(),
            thrown_out: Mutex::default(),
            protocols,
            keyring,
            places: Arc::new(Semaphore::new(SESSIONS_MAX)),
            handshakes: Arrivals::new(HANDSHAKES_MAX),
            store,
            changes,
        })
    }

    /// What sensors have had stored lately.
    pub(super) fn quotas(&self) -> MutexGuard<'_, Quotas> {
        self.quotas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who was thrown out lately.
    pub(super) fn thrown_out(&self) -> MutexGuard<'_, ThrownOut> {
        self.thrown_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the newest list named by the key that lies in this data directory.
    pub fn name_newest_by(&self, data: &Path) {
        self.lists.name_newest_by(data.join(TIMESTAMP_KEY));
    }

    async fn look_at_lists(&self) -> Result<(), StoreError> {
        self.lists.look(&self.store, &self.changes).await?;
        self.lists.keep_words(&self.store).await
    }

    /// A command has changed something. Gives whether it could be looked at.
    pub async fn handle_poke(&self, poke: Poke) -> bool {
        let looked: Result<(), StoreError> = match poke {
            Poke::Health => return health(&self.store).await.is_ok(),
            Poke::List | Poke::Brake => self.look_at_lists().await,
            Poke::Root => {
                // Before a sensor hears of it: it takes the document only from a collector whose CA that names.
                self.keyring.look_and_tell(clock::now()).await;
                self.look_at_lists().await
            }
            Poke::Sensors => {
                let cut = match self.live.cut_off_revoked().await {
                    Ok(_) => self.live.cut_off_lost_sites().await,
                    Err(error) => Err(error),
                };
                cut.map(|_| {
                    // Which sensor it was, the command knows; the page reads all of them afresh.
                    let _ = self.changes.send(Change::Sensor(0));
                })
            }
            Poke::Keys => {
                self.keyring.look_and_tell(clock::now()).await;
                Ok(())
            }
        };
        if let Err(error) = &looked {
            self.failed("cannot look at what a command has changed", error);
        }
        looked.is_ok()
    }

    /// The store could not do something. That the disk is full is said once, however many sessions meet it.
    pub(super) fn failed(&self, what: &str, error: &StoreError) {
        match error {
            StoreError::Full => {
                if self.store.handle_full() {
                    tracing::error!("{error}");
                    let _ = self.changes.send(Change::Room);
                }
            }
            error => tracing::error!("{what}: {error}"),
        }
        // Once it is told: it may end the process.
        self.store.handle_error(error);
    }

    /// While the disk is full, tries whether it still is.
    async fn look_for_room(&self) {
        if !self.store.is_full() {
            return;
        }
        match self.store.try_room().await {
            Ok(true) => {
                tracing::info!("there is room on the disk again; what the sensors have kept is taken in");
                let _ = self.changes.send(Change::Room);
            }
            Ok(false) => {}
            Err(error) => self.failed("cannot try whether there is room", &error),
        }
    }

    /// Looks at everything a lost poke could have told, and at what could not be noted in its moment.
    pub async fn sweep(&self) {
        if let Err(error) = self.lists.look(&self.store, &self.changes).await {
            self.failed("cannot look for a new list", &error);
        }
        if let Err(error) = self.live.cut_off_revoked().await {
            self.failed("cannot look for revoked sensors", &error);
        }
        if let Err(error) = self.live.cut_off_lost_sites().await {
            self.failed("cannot look for sites that were taken away", &error);
        }
        if let Err(error) = self.live.note_gone().await {
            self.failed("cannot look for sessions that are over", &error);
        }
        self.look_for_room().await;
    }

    /// A place for one more session, over whichever carrier; none when all are taken.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned().ok();
        if place.is_none() {
            tracing::warn!("{SESSIONS_MAX} sessions stand; another was refused");
        }
        place
    }

    /// How many sessions stand or are about to.
    pub async fn sessions(&self) -> usize {
        self.live.count().await
    }
}

/// Takes in sessions until the endpoint is closed, then waits for them to end.
pub async fn accept(endpoint: Endpoint, collector: Arc<Collector>) {
    let mut sessions = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        while sessions.try_join_next().is_some() {}
        match collector.handshakes.arrive(incoming.remote_address().ip(), incoming.may_retry()) {
            // Counted here and not in its task: a flood is taken in faster than tasks begin.
            Arrival::Come(arrival) => {
                let collector = collector.clone();
                sessions.spawn(async move { attend(&collector, incoming, arrival).await });
            }
            Arrival::Prove => {
                let _ = incoming.retry();
            }
            Arrival::Full => {
                // It says its first words again for as long as it waits for an answer: by then there may be room.
                incoming.ignore();
                if let Some(count) = collector.handshakes.turned_away(clock::monotonic()) {
                    tracing::warn!(count, "handshakes found no place: many callers of one neighbourhood, or of many");
                }
            }
        }
    }
    while sessions.join_next().await.is_some() {}
}

/// One connection from handshake to end.
async fn attend(collector: &Arc<Collector>, incoming: Incoming, arrival: Place) {
    let shaken = match incoming.accept() {
        Ok(connecting) => timeout(HANDSHAKE_WITHIN, connecting).await.ok(),
        Err(_) => None,
    };
    let connection = match shaken {
        Some(Ok(connection)) => connection,
        Some(Err(error)) => {
            tracing::debug!("a handshake failed: no certificate of ours, or another protocol: {error}");
            tokio::spawn(async move {
                sleep(FAILED_HANDSHAKE_KEEPS).await;
                drop(arrival);
            });
            return;
        }
        None => return tracing::debug!("a handshake was too slow"),
    };
    let chain = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let proof = chain.as_ref().and_then(|chain| Proof::of(chain));
    let carrier = Carrier::Quic(connection.clone());
    let Some(proof) = proof else { return carrier.close(CloseReason::ProtocolError) };
    // Only who has shown a certificate takes a place among the sessions.
    let Some(_place) = collector.place() else { return carrier.close(CloseReason::Unavailable) };
    drop(arrival);
    match enter(collector, proof, &carrier).await {
        Ok(entered) => converse(collector, carrier, entered, Streams::Quic(connection)).await,
        Err(reason) => carrier.close(reason),
    }
}
