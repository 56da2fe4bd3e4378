//! The newest list in memory, once for all sensors, and its way to each of them; and what comes before a list: the root
//! documents it is held against, and the word that it is the newest.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, OnceCell, Semaphore, watch};
use varde_common::carried::MAGIC;
use varde_common::channel::{ChannelName, Placement, is_still_to_come};
use varde_common::id::Revision;
use varde_common::list::Manifest;
use varde_common::message::ToAgent;
use varde_common::newest::Newest;
use varde_common::rotation::is_replaced;
use varde_common::time::Timestamp;
use varde_common::trust::{Root, from_hex, key_id, read_unverified};

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
use crate::store::channel::Placed;
use crate::store::list::Published;
use crate::store::{Scope, Store, StoreError};

/// A root document with its octets.
#[derive(Debug)]
struct Document {
    root: Root,
    octets: Vec<u8>,
}

/// What the sensors of one channel get.
#[derive(Debug, Clone)]
struct Offered {
    list: Arc<Published>,
    /// A base that holds all of it, once somebody has asked for one: a sensor whose program knows of no changes.
    whole: Arc<OnceCell<Vec<u8>>>,
    /// The newest root document stands for the list: its key was not retired since.
    stands: bool,
    /// That it is the newest; none where nobody can say so.
    word: Option<Arc<Vec<u8>>>,
}

/// What sensors get, at one moment.
#[derive(Debug, Clone, Default)]
struct Offer {
    roots: Arc<BTreeMap<u32, Document>>,
    channels: BTreeMap<ChannelName, Offered>,
    placed: Arc<BTreeMap<i64, Placed>>,
    /// The newest order of the brake.
    brake: Option<Arc<OrderRow>>,
}

/// What a word of the newest list says: the list, by which root document, and when it was said.
type Word = (Revision, u32, Timestamp);

/// What was said last of each channel's newest list; and when the log last spoke of any of it.
#[derive(Debug, Default)]
struct Said {
    key: Option<PathBuf>,
    words: BTreeMap<ChannelName, Word>,
    warned: Option<Timestamp>,
}

/// Who follows.
#[derive(Debug, Clone, Copy)]
pub struct Follower<'a> {
    /// Its number.
    pub sensor: i64,
    /// Where lists lie.
    pub store: &'a Store,
    /// It lacks the base of what was sent last.
    pub asks_whole: &'a Notify,
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

    /// Looks whether a newer list was published, a root document accepted or a sensor given another channel; if so, all whom
    /// it concerns get it. Gives the number of a new list.
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
        let mut newer_lists = Vec::new();
        for (channel, newest) in store.newest_revisions(Scope::Operator).await? {
            let held = offer.channels.get(&channel).map_or(Revision(0), |offered| offered.list.revision);
            if newest > held
                && let Some(list) = store.newest_list(Scope::Operator, &channel).await?
            {
                newer_lists.push((channel.clone(), list.revision));
                offer
                    .channels
                    .insert(channel, Offered { list: Arc::new(list), whole: Arc::default(), stands: true, word: None });
            }
        }
        let root = offer.roots.values().next_back().map(|document| &document.root);
        if newer_root || !newer_lists.is_empty() {
            for (channel, offered) in &mut offer.channels {
                offered.stands = root.is_none_or(|root| Manifest::verify(&offered.list.manifest, root).is_ok());
                if !offered.stands {
                    tracing::warn!(
                        %channel,
                        "the newest list is signed by a key that the root document no longer names: publish anew"
                    );
                }
            }
        }
        let placed = store.placements(Scope::Operator).await?;
        let newer_places = newer_root || !placed.iter().eq(offer.placed.values());
        if newer_places {
            let number = |placed: Placed| Some((i64::try_from(placed.placement.sensor.0).ok()?, placed));
            offer.placed = Arc::new(placed.into_iter().filter_map(number).collect());
        }
        let mut kept = BTreeMap::new();
        for channel in offer.channels.keys() {
            kept.extend(store.newest_word(Scope::Operator, channel).await?.map(|word| (channel.clone(), word)));
        }
        let newer_word = self.words(&mut offer, &kept, clock::now());
        if newer_root || newer_brake || !newer_lists.is_empty() || newer_word || newer_places {
            self.offer.send_replace(offer);
        }
        for (channel, revision) in &newer_lists {
            tracing::info!(revision = revision.0, %channel, "a new list goes to all sensors of its channel");
            let _ = changes.send(Change::List(revision.0));
        }
        Ok(newer_lists.into_iter().map(|(_, revision)| revision).max())
    }

    /// Keeps the words that were said, for whoever says the next ones.
    ///
    /// # Errors
    /// The database's own.
    pub async fn keep_words(&self, store: &Store) -> Result<(), StoreError> {
        let offer = self.offer.borrow().clone();
        for (channel, Offered { word, .. }) in &offer.channels {
            let Some(word) = word else { continue };
            if store.newest_word(Scope::Operator, channel).await?.as_ref() != Some(word) {
                store.keep_newest_word(channel, word).await?;
            }
        }
        Ok(())
    }

    /// Says which list is the newest of each channel, where it is to be said anew. Gives whether anything has changed. What was
    /// kept may be a later word of another process: a sensor that has heard that one believes none of before.
    fn words(&self, offer: &mut Offer, kept: &BTreeMap<ChannelName, Vec<u8>>, now: Timestamp) -> bool {
        let Some((version, Document { root, .. })) = offer.roots.iter().next_back() else { return false };
        let mut said = self.said();
        self.warn_of_end(&mut said, root, now);
        let mut changed = false;
        for (channel, offered) in &mut offer.channels {
            if let Some(word) = kept.get(channel).and_then(|word| said.heard(channel, offered, word, *version, root)) {
                (offered.word, changed) = (Some(word), true);
            }
            let Some(word) = said.word(channel, offered, *version, root, now) else { continue };
            (offered.word, changed) = (word, true);
        }
        changed
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
        follower: Follower<'_>,
        following: Following,
        offered: impl Fn(),
    ) -> Result<(), FrameError> {
        let Follower { sensor, store, asks_whole } = follower;
        let Following { mut revision, mut root_version, roots, holds } = following;
        let reads_all = holds.is_some();
        let (mut channel, mut placed_at, mut base) =
            holds.map_or_else(Default::default, |holds| (holds.channel, holds.placed_at, holds.base));
        let mut alone = false;
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
            if let Some(placed) = offer.word_for(sensor, placed_at).filter(|_| reads_all) {
                offered();
                frame::write(stream, &ToAgent::Channel { document: placed.signed.clone() }, WRITE_WITHIN).await?;
                placed_at = Some(placed.placement.at);
                if channel != placed.placement.channel {
                    channel = placed.placement.channel.clone();
                    // Whatever it holds is another channel's.
                    (revision, told) = (Revision(0), None);
                }
            }
            if let Some(Offered { list, whole, word, .. }) =
                offer.channels.get(&channel).filter(|offered| offered.stands)
            {
                if let Some(word) = word.as_ref().filter(|word| roots && told.as_ref() != Some(*word)) {
                    offered();
                    frame::write(stream, &ToAgent::Newest { document: word.to_vec() }, WRITE_WITHIN).await?;
                    told = Some(word.clone());
                }
                if list.revision > revision {
                    offered();
                    let wanted = read_unverified::<Manifest>(&list.manifest).ok();
                    let wanted = wanted.and_then(|(manifest, _)| from_hex::<32>(&manifest.base_blake3));
                    alone = reads_all && list.overlay.is_some() && wanted.is_some() && base == wanted;
                    let parts = match (reads_all, &list.overlay) {
                        (true, _) if alone => Parts::Changes,
                        (false, Some(_)) => {
                            let read = whole.get_or_try_init(|| store.whole_list(Scope::Operator, list.revision));
                            match read.await {
                                Ok(whole) => Parts::Older(whole),
                                Err(error) => {
                                    tracing::error!("a list cannot be read: {error}");
                                    return Err(FrameError::Gone);
                                }
                            }
                        }
                        (false, None) => Parts::Older(&list.base),
                        (true, _) => Parts::Whole,
                    };
                    self.send(carrier, stream, list, parts).await?;
                    (revision, base) = (list.revision, wanted);
                }
            }
            let brake = offer.brake.as_ref().filter(|order| roots && braked != Some(order.number));
            if let Some(order) = brake.filter(|order| order.matters(clock::now())) {
                offered();
                frame::write(stream, &ToAgent::Brake { document: order.document.clone() }, WRITE_WITHIN).await?;
                braked = Some(order.number);
            }
            tokio::select! {
                changed = offers.changed() => changed.map_err(|_| FrameError::Gone)?,
                // Once for each that was sent without its base.
                () = asks_whole.notified(), if alone => (revision, base, alone) = (Revision(0), None, false),
            }
        }
    }

    /// The newest list of a channel, with what it is held against, for whoever carries it by hand ([`varde_common::carried`]): all that a
    /// sensor is sent that has nothing. Gives its number; none where there is no list that sensors would take.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn carry(
        &self,
        channel: &ChannelName,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Option<Revision>, FrameError> {
        let offer = self.offer.borrow().clone();
        let Some(offered) = offer.channels.get(channel).filter(|offered| offered.stands) else { return Ok(None) };
        out.write_all(MAGIC).await.map_err(|_| FrameError::Gone)?;
        // The first one is what enrolment pins.
        for document in offer.roots.values().skip(1) {
            let next = ToAgent::NextRoot { document: document.octets.clone() };
            frame::write(out, &next, WRITE_WITHIN).await?;
        }
        if let Some(word) = &offered.word {
            frame::write(out, &ToAgent::Newest { document: word.to_vec() }, WRITE_WITHIN).await?;
        }
        send_list(out, &offered.list, Parts::Whole).await?;
        Ok(Some(offered.list.revision))
    }

    async fn send(
        &self,
        carrier: &Carrier,
        stream: &mut (impl AsyncWrite + Unpin),
        list: &Published,
        parts: Parts<'_>,
    ) -> Result<(), FrameError> {
        // Who gets no slot sends all the same, only with less on the way.
        let slot = self.slots.try_acquire().ok();
        if slot.is_some() {
            carrier.set_send_window(LIST_SEND_WINDOW_OCTETS);
        }
        let sent = send_list(stream, list, parts).await;
        carrier.set_send_window(SEND_WINDOW_OCTETS);
        sent
    }
}

impl Offer {
    /// The word that has this sensor follow a channel, where it has an older one. One that no key of the newest root document
    /// has signed is not even sent.
    fn word_for(&self, sensor: i64, known: Option<Timestamp>) -> Option<&Placed> {
        let placed = self.placed.get(&sensor)?;
        let root = &self.roots.values().next_back()?.root;
        let stands = Placement::verify(&placed.signed, root, placed.placement.sensor).is_ok();
        // What a clock that was ahead once said is none to be later than.
        let known = known.filter(|known| !is_still_to_come(*known, clock::now()));
        (stands && known.is_none_or(|known| known < placed.placement.at)).then_some(placed)
    }
}

impl Said {
    /// A word that was kept, where it is later than what was said here and still says what is so.
    fn heard(
        &mut self,
        channel: &ChannelName,
        offered: &Offered,
        kept: &[u8],
        version: u32,
        root: &Root,
    ) -> Option<Arc<Vec<u8>>> {
        let list = Some(&offered.list).filter(|_| offered.stands)?;
        if offered.word.as_ref().is_some_and(|word| word.as_slice() == kept) {
            return None;
        }
        let newest = Newest::accept(kept, root, channel, None, Timestamp::MAX).ok()?;
        let is_so = newest == Newest::of(channel, &list.manifest, list.revision, newest.at);
        let is_later = self.words.get(channel).is_none_or(|(_, _, at)| newest.at > *at);
        if !is_so || !is_later {
            return None;
        }
        self.words.insert(channel.clone(), (list.revision, version, newest.at));
        Some(Arc::new(kept.to_vec()))
    }

    /// The word that a channel's list is the newest, where it is to be said anew; within: none, where nobody can.
    fn word(
        &mut self,
        channel: &ChannelName,
        offered: &Offered,
        version: u32,
        root: &Root,
        now: Timestamp,
    ) -> Option<Option<Arc<Vec<u8>>>> {
        let list = Some(&offered.list).filter(|_| offered.stands)?;
        let due = |(revision, by, at): &Word| {
            *revision != list.revision || *by != version || now.since(*at) >= NEWEST_EVERY || now < *at
        };
        if root.roles.timestamp.keys.is_empty() || !self.words.get(channel).is_none_or(due) {
            return None;
        }
        let path = self.key.clone()?;
        let key = read_signing_key(&path).ok();
        let key = key.filter(|key| root.roles.timestamp.keys.contains(&key_id(&key.verifying_key())));
        let Some(key) = key else {
            if self.may_warn(now) {
                tracing::warn!(
                    "{} is not here or not the key that the root document names: sensors are not told which list is the newest, and say so after a day",
                    path.display()
                );
            }
            return Some(None);
        };
        let signed = Newest::of(channel, &list.manifest, list.revision, now).sign(&[&key]).ok()?;
        self.words.insert(channel.clone(), (list.revision, version, now));
        Some(Some(Arc::new(signed)))
    }

    /// Whether the log may speak of it again.
    fn may_warn(&mut self, now: Timestamp) -> bool {
        let may = self.warned.is_none_or(|at| now.since(at) >= TRUST_SAID_EVERY || now < at);
        if may {
            self.warned = Some(now);
        }
        may
    }
}

/// What is sent of a list.
#[derive(Debug, Clone, Copy)]
enum Parts<'a> {
    /// This base, which holds all of it, with a manifest in the form of before.
    Older(&'a [u8]),
    /// Its base, and its changes.
    Whole,
    /// Its changes alone, over the base that is there.
    Changes,
}

async fn send_list(
    stream: &mut (impl AsyncWrite + Unpin),
    list: &Published,
    parts: Parts<'_>,
) -> Result<(), FrameError> {
    let manifest = list.manifest.clone();
    let changes = list.overlay.as_deref().unwrap_or_default();
    let (offer, base, overlay) = match parts {
        Parts::Older(base) => {
            let manifest = list.older_manifest.clone().unwrap_or(manifest);
            (ToAgent::ListOffer { manifest }, base, &[][..])
        }
        Parts::Whole => (ToAgent::Publication { manifest, whole: true }, list.base.as_slice(), changes),
        Parts::Changes => (ToAgent::Publication { manifest, whole: false }, &[][..], changes),
    };
    frame::write(stream, &offer, WRITE_WITHIN).await?;
    for chunk in base.chunks(LIST_CHUNK_OCTETS) {
        frame::write(stream, &ToAgent::ListChunk { octets: chunk.to_vec() }, WRITE_WITHIN).await?;
    }
    for chunk in overlay.chunks(LIST_CHUNK_OCTETS) {
        frame::write(stream, &ToAgent::OverlayChunk { octets: chunk.to_vec() }, WRITE_WITHIN).await?;
    }
    frame::write(stream, &ToAgent::ListEnd, WRITE_WITHIN).await
}
