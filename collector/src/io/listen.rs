//! What sensors' sessions share, and how they come in over QUIC (over TCP: [`super::tcp`]); each is then [`super::talk`]'s.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::{Endpoint, Incoming};
use rustls::pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use varde_common::message::{CloseReason, PROTOCOLS};

use super::carrier::Carrier;
use super::clock;
use super::keyring::Keyring;
use super::lists::Lists;
use super::live::Live;
use super::renew::Proof;
use super::talk::{Streams, converse, enter};
use crate::change::{Change, Changes};
use crate::control::Poke;
use crate::limits::{DECODES_AT_ONCE, HANDSHAKE_WITHIN, HANDSHAKES_BEFORE_RETRY, INGESTS_AT_ONCE, SESSIONS_MAX};
use crate::store::{Store, StoreError};

/// What all sessions share.
#[derive(Debug)]
pub struct Collector {
    pub(super) store: Store,
    pub(super) changes: Changes,
    pub(super) live: Live,
    pub(super) lists: Lists,
    pub(super) ingests: Semaphore,
    pub(super) decodes: Semaphore,
    pub(super) protocols: RangeInclusive<u16>,
    pub(super) keyring: Arc<Keyring>,
    places: Arc<Semaphore>,
    handshakes: AtomicUsize,
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
            ingests: Semaphore::new(INGESTS_AT_ONCE),
            decodes: Semaphore::new(DECODES_AT_ONCE),
            protocols,
            keyring,
            places: Arc::new(Semaphore::new(SESSIONS_MAX)),
            handshakes: AtomicUsize::new(0),
            store,
            changes,
        })
    }

    /// A command has changed something. Gives whether it could be looked at.
    pub async fn handle_poke(&self, poke: Poke) -> bool {
        let looked: Result<(), StoreError> = match poke {
            Poke::List => self.lists.look(&self.store, &self.changes).await.map(|_| ()),
            Poke::Sensors => self.live.cut_off_revoked().await.map(|_| {
                // Which sensor it was, the command knows; the page reads all of them afresh.
                let _ = self.changes.send(Change::Sensor(0));
            }),
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

    /// Looks at everything a lost poke could have told.
    pub async fn sweep(&self) {
        if let Err(error) = self.lists.look(&self.store, &self.changes).await {
            self.failed("cannot look for a new list", &error);
        }
        if let Err(error) = self.live.cut_off_revoked().await {
            self.failed("cannot look for revoked sensors", &error);
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
        let crowded = collector.handshakes.load(Ordering::Relaxed) >= HANDSHAKES_BEFORE_RETRY;
        if crowded && incoming.may_retry() {
            let _ = incoming.retry();
            continue;
        }
        let Some(place) = collector.place() else {
            incoming.refuse();
            continue;
        };
        let collector = collector.clone();
        // Counted here and not in its task: a flood is taken in faster than tasks begin.
        collector.handshakes.fetch_add(1, Ordering::Relaxed);
        sessions.spawn(async move {
            attend(&collector, incoming).await;
            drop(place);
        });
    }
    while sessions.join_next().await.is_some() {}
}

/// One connection from handshake to end.
async fn attend(collector: &Arc<Collector>, incoming: Incoming) {
    let connection = match incoming.accept() {
        Ok(connecting) => timeout(HANDSHAKE_WITHIN, connecting).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    collector.handshakes.fetch_sub(1, Ordering::Relaxed);
    let Some(connection) = connection else {
        tracing::debug!("a handshake failed: no certificate of ours, another protocol, or too slow");
        return;
    };
    let chain = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let proof = chain.as_ref().and_then(|chain| Proof::of(chain));
    let carrier = Carrier::Quic(connection.clone());
    let Some(proof) = proof else { return carrier.close(CloseReason::ProtocolError) };
    match enter(collector, proof, &carrier).await {
        Ok(entered) => converse(collector, carrier, entered, Streams::Quic(connection)).await,
        Err(reason) => carrier.close(reason),
    }
}
