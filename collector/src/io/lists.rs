//! The newest list in memory, once for all sensors, and its way to each of them; and what comes before a list: the root
//! documents it is held against, and the word that it is the newest.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncWrite;
use tokio::sync::{Semaphore, watch};
use varde_common::id::Revision;
use varde_common::list::Manifest;
use varde_common::message::ToAgent;
use varde_common::newest::Newest;
use varde_common::rotation::is_replaced;
use varde_common::time::Timestamp;
use varde_common::trust::{Root, key_id};

use super::carrier::Carrier;
use super::clock;
use super::frame::{self, FrameError};
use super::keys::read_signing_key;
use crate::change::{Change, Changes};
use crate::limits::{
    LIST_CHUNK_OCTETS, LIST_SEND_WINDOW_OCTETS, LIST_SLOTS, NEWEST_EVERY, ROOT_WARN_DAYS, SEND_WINDOW_OCTETS,
    TRUST_SAID_EVERY, WRITE_WITHIN,
};
use crate::session::Following;
use crate::store::brake::OrderRow;
use crate::store::list::Published;
use crate::store::{Scope, Store, StoreError};

/// A root document with its octets.
#[derive(Debug)]
struct Document {
    root: Root,
    octets: Vec<u8>,
}

/// What sensors get, at one moment.
#[derive(Debug, Clone, Default)]
struct Offer {
    roots: Arc<BTreeMap<u32, Document>>,
    word: Option<Arc<Vec<u8>>>,
    /// The newest order of the brake.
    brake: Option<Arc<OrderRow>>,
    list: Option<Arc<Published>>,
    /// The newest root document stands for the list: its key was not retired since.
    stands: bool,
}

/// What the word says, by which root document, and when it was said; and when the log last spoke of any of it.
#[derive(Debug, Default)]
struct Said {
    key: Option<PathBuf>,
    word: Option<(Revision, u32, Timestamp)>,
    warned: Option<Timestamp>,
}

/// What sensors get, and those who wait for the next.
#[derive(Debug)]
pub struct Lists {
    offer: watch::Sender<Offer>,
    said: Mutex<Said>,
    slots: Semaphore,
}

impl Default for Lists {
    fn default() -> Lists {
        Lists::new()
    }
}

impl Lists {
    /// No list yet.
    pub fn new() -> Lists {
        Lists { offer: watch::Sender::new(Offer::default()), said: Mutex::default(), slots: Semaphore::new(LIST_SLOTS) }
    }

    /// Where the key lies that says which list is the newest.
    pub fn name_newest_by(&self, key: PathBuf) {
        self.said().key = Some(key);
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether a newer list was published or a root document accepted; if so, all who follow get it. Gives the
    /// number of a new list.
    ///
    /// # Errors
    /// The database's own.
    pub async fn look(&self, store: &Store, changes: &Changes) -> Result<Option<Revision>, StoreError> {
        let mut offer = self.offer.borrow().clone();
        let rows = store.root_documents(Scope::Operator).await?;
        let newer_root = rows.last().map(|row| row.version) != offer.roots.keys().next_back().copied();
        if newer_root {
            let read = |row: crate::store::trust::RootRow| {
                Root::read_own(&row.document).ok().map(|root| (row.version, Document { root, octets: row.document }))
            };
            offer.roots = Arc::new(rows.into_iter().filter_map(read).collect());
        }
        let held_brake = offer.brake.as_ref().map(|order| order.number);
        let brake = store.newest_brake(Scope::Operator).await?.filter(|order| Some(order.number) != held_brake);
        let newer_brake = brake.is_some();
        offer.brake = brake.map(Arc::new).or(offer.brake);
        let held = offer.list.as_ref().map_or(Revision(0), |list| list.revision);
        let mut newer_list = None;
        if store.newest_revision(Scope::Operator).await? > held
            && let Some(list) = store.newest_list(Scope::Operator).await?
        {
            newer_list = Some(list.revision);
            offer.list = Some(Arc::new(list));
        }
        if newer_root || newer_list.is_some() {
            let root = offer.roots.values().next_back().map(|document| &document.root);
            let signed = offer.list.as_ref().map(|list| &list.manifest);
            offer.stands = root.zip(signed).is_none_or(|(root, signed)| Manifest::verify(signed, root).is_ok());
            if !offer.stands {
                tracing::warn!(
                    "the newest list is signed by a key that the root document no longer names: publish anew"
                );
            }
        }
        let newer_word = self.word(&offer, clock::now());
        if newer_root || newer_brake || newer_list.is_some() || newer_word.is_some() {
            offer.word = newer_word.unwrap_or(offer.word);
            self.offer.send_replace(offer);
        }
        if let Some(revision) = newer_list {
            tracing::info!(revision = revision.0, "a new list goes to all sensors");
            let _ = changes.send(Change::List(revision.0));
        }
        Ok(newer_list)
    }

    /// The word of which list is the newest, where it is to be said anew; within: none, where nobody can.
    fn word(&self, offer: &Offer, now: Timestamp) -> Option<Option<Arc<Vec<u8>>>> {
        let (version, Document { root, .. }) = offer.roots.iter().next_back()?;
        let mut said = self.said();
        self.warn_of_end(&mut said, root, now);
        let list = offer.list.as_ref().filter(|_| offer.stands)?;
        let due = |(revision, by, at): (Revision, u32, Timestamp)| {
            revision != list.revision || by != *version || now.since(at) >= NEWEST_EVERY || now < at
        };
        if root.roles.timestamp.keys.is_empty() || !said.word.is_none_or(due) {
            return None;
        }
        let path = said.key.clone()?;
        let key = read_signing_key(&path).ok();
        let key = key.filter(|key| root.roles.timestamp.keys.contains(&key_id(&key.verifying_key())));
        let Some(key) = key else {
            if said.may_warn(now) {
                tracing::warn!(
                    "{} is not here or not the key that the root document names: sensors are not told which list is the newest, and say so after a day",
                    path.display()
                );
            }
            return Some(None);
        };
        let signed = Newest::of(&list.manifest, list.revision, now).sign(&[&key]).ok()?;
        said.word = Some((list.revision, *version, now));
        Some(Some(Arc::new(signed)))
    }

    fn warn_of_end(&self, said: &mut Said, root: &Root, now: Timestamp) {
        let days = root.expires.since(now).as_secs() / 86_400;
        if (root.expires <= now || days < ROOT_WARN_DAYS) && said.may_warn(now) {
            tracing::warn!(
                version = root.version,
                until = %root.expires,
                "the root document runs out: make the next one (varde-collector root next). Sensors go on all the same"
            );
        }
    }

    /// Sends every list newer than the one held, now and whenever one is published, for as long as the stream lives; before
    /// it what it is held against.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn follow(
        &self,
        carrier: &Carrier,
        stream: &mut (impl AsyncWrite + Unpin),
        following: Following,
        offered: impl Fn(),
    ) -> Result<(), FrameError> {
        let Following { mut revision, mut root_version, roots } = following;
        let (mut told, mut braked): (Option<Arc<Vec<u8>>>, Option<u64>) = (None, None);
        let mut offers = self.offer.subscribe();
        loop {
            let offer = offers.borrow_and_update().clone();
            let newer = offer.roots.range(root_version.saturating_add(1)..).filter(|_| roots);
            for (version, document) in newer {
                offered();
                let next = ToAgent::NextRoot { document: document.octets.clone() };
                frame::write(stream, &next, WRITE_WITHIN).await?;
                let before = offer.roots.get(&root_version).map(|before| &before.root.roles.list);
                if before.is_some_and(|before| is_replaced(before, &document.root.roles.list)) {
                    // Whatever number it has, the list it holds is nobody's any more.
                    revision = Revision(0);
                }
                root_version = *version;
            }
            if let Some(word) = offer.word.as_ref().filter(|word| roots && offer.stands && told.as_ref() != Some(*word))
            {
                offered();
                frame::write(stream, &ToAgent::Newest { document: word.to_vec() }, WRITE_WITHIN).await?;
                told = Some(word.clone());
            }
            let brake = offer.brake.as_ref().filter(|order| roots && braked != Some(order.number));
            if let Some(order) = brake.filter(|order| order.matters(clock::now())) {
                offered();
                frame::write(stream, &ToAgent::Brake { document: order.document.clone() }, WRITE_WITHIN).await?;
                braked = Some(order.number);
            }
            if let Some(list) = offer.list.filter(|list| offer.stands && list.revision > revision) {
                offered();
                self.send(carrier, stream, &list).await?;
                revision = list.revision;
            }
            offers.changed().await.map_err(|_| FrameError::Gone)?;
        }
    }

    async fn send(
        &self,
        carrier: &Carrier,
        stream: &mut (impl AsyncWrite + Unpin),
        list: &Published,
    ) -> Result<(), FrameError> {
        // Who gets no slot sends all the same, only with less on the way.
        let slot = self.slots.try_acquire().ok();
        if slot.is_some() {
            carrier.set_send_window(LIST_SEND_WINDOW_OCTETS);
        }
        let sent = send_list(stream, list).await;
        carrier.set_send_window(SEND_WINDOW_OCTETS);
        sent
    }
}

impl Said {
    /// Whether the log may speak of it again.
    fn may_warn(&mut self, now: Timestamp) -> bool {
        let may = self.warned.is_none_or(|at| now.since(at) >= TRUST_SAID_EVERY || now < at);
        if may {
            self.warned = Some(now);
        }
        may
    }
}

async fn send_list(stream: &mut (impl AsyncWrite + Unpin), list: &Published) -> Result<(), FrameError> {
    frame::write(stream, &ToAgent::ListOffer { manifest: list.manifest.clone() }, WRITE_WITHIN).await?;
    for chunk in list.base.chunks(LIST_CHUNK_OCTETS) {
        frame::write(stream, &ToAgent::ListChunk { octets: chunk.to_vec() }, WRITE_WITHIN).await?;
    }
    frame::write(stream, &ToAgent::ListEnd, WRITE_WITHIN).await
}
