//! Sensors that are enrolled and mean harm: each takes as much of the collector as the conversation lets it, in one way, and
//! holds on to it.

mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use quinn::{Endpoint, VarInt};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use varde_common::id::SensorId;

use self::ways::Hostile;
use crate::badnet::{Badnet, Weather};
use crate::sensor_double::SensorDouble;

/// So many come at once, and the next when one of them holds what it came for: each has ten seconds for its introduction and
/// thirty for a frame, however busy a thousand make the machine.
const COMING_AT_ONCE: usize = 32;

/// A way to do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The longest message that each of four streams takes, but for its last octet, and the stream nobody reads to its window's
    /// end; then silence. Comes back whenever it is thrown out.
    HalfFrames,
    /// A frame that is too long, on one stream after another; comes back whenever it is thrown out.
    TooLong,
    /// Every stream there may be, one more of each sort, and on the one nobody reads as much as its window takes.
    Streams,
    /// Batches as fast as they are taken; no acknowledgement is ever read. Comes back whenever it is thrown out.
    Deaf,
    /// Heartbeats as fast as they are taken.
    Heartbeats,
    /// The session's whole window on five streams, of which every second datagram is lost and never comes.
    Holes,
    /// A stream that ends at once and says nothing, and then the next, for ever; comes back whenever it is thrown out.
    Openers,
}

impl Kind {
    /// Each, in the order in which they come.
    pub const ALL: [Kind; 7] =
        [Kind::HalfFrames, Kind::Holes, Kind::Streams, Kind::TooLong, Kind::Deaf, Kind::Heartbeats, Kind::Openers];
}

/// What they have come to.
#[derive(Debug, Default)]
struct Seen {
    /// Sensors that are among them.
    joined: AtomicUsize,
    /// Sessions of those with holes that stand and have not written.
    waiting: AtomicUsize,
    /// Sensors that have held what they came for.
    at_worst: AtomicUsize,
    /// Sessions that the collector, or the time, ended before they held what they came for, or because it had no room for what
    /// they said; and the last one's end.
    thwarted: Mutex<(usize, String)>,
    /// Streams opened, or octets written, beyond those allowed.
    beyond: AtomicUsize,
    /// Messages that were said to the end, by kind.
    said: Mutex<BTreeMap<Kind, usize>>,
    /// Whose sessions the collector has ended because a rule was broken, by kind.
    ended: Mutex<BTreeMap<Kind, BTreeSet<SensorId>>>,
    /// What should not have been.
    wrong: Mutex<Vec<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A crowd of hostile sensors, while they stand.
pub struct Crowd {
    seen: Arc<Seen>,
    network: Badnet,
    direct: Endpoint,
    relayed: Endpoint,
    tasks: JoinSet<()>,
    torn: watch::Sender<bool>,
    turn: Arc<tokio::sync::Mutex<()>>,
    coming: Arc<Semaphore>,
    leave: watch::Sender<bool>,
}

impl Crowd {
    /// Nobody yet, before this collector. Must be called within a runtime.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn new(collector: SocketAddr, seed: u64) -> Result<Crowd> {
        Ok(Crowd {
            seen: Arc::new(Seen::default()),
            network: Badnet::start(collector, Weather::default(), seed)?,
            direct: crate::sensor_double::endpoint()?,
            relayed: crate::sensor_double::endpoint()?,
            tasks: JoinSet::new(),
            torn: watch::Sender::new(false),
            turn: Arc::default(),
            coming: Arc::new(Semaphore::new(COMING_AT_ONCE)),
            leave: watch::Sender::new(false),
        })
    }

    /// One more, in its own way from now on.
    pub fn join(&mut self, kind: Kind, sensor: Arc<SensorDouble>) {
        let (endpoint, address) = match kind {
            Kind::Holes => (self.relayed.clone(), self.network.address()),
            Kind::HalfFrames | Kind::TooLong | Kind::Streams | Kind::Deaf | Kind::Heartbeats | Kind::Openers => {
                (self.direct.clone(), sensor.collector())
            }
        };
        let torn = self.torn.subscribe();
        self.seen.joined.fetch_add(1, Ordering::Relaxed);
        let hostile = Hostile {
            kind,
            sensor,
            endpoint,
            address,
            seen: self.seen.clone(),
            torn,
            turn: self.turn.clone(),
            coming: self.coming.clone(),
            place: Mutex::default(),
            is_there: AtomicBool::new(false),
            was_at_worst: AtomicBool::new(false),
        };
        let mut left = self.leave.subscribe();
        self.tasks.spawn(async move {
            let end = tokio::select! {
                end = hostile.run() => end,
                _ = left.wait_for(|leave| *leave) => Ok(()),
            };
            if let Err(error) = end {
                locked(&hostile.seen.wrong).push(format!("{kind:?}: {error:#}"));
            }
        });
    }

    /// The weather between the collector and those with holes.
    pub fn network(&self) -> &Badnet {
        &self.network
    }

    /// From now on every second datagram of those with holes is lost, and none ever hears of it: then they write.
    pub fn tear(&self) {
        self.network.set(Weather { loss: 500, deaf_downwards: true, ..Weather::default() });
        self.torn.send_replace(true);
    }

    /// From now on nothing of them arrives at all, so that no hole is ever filled.
    pub fn cut(&self) {
        self.network.set(Weather::black_hole());
    }

    /// Sessions of those with holes that wait for [`Crowd::tear`].
    pub fn waiting(&self) -> usize {
        self.seen.waiting.load(Ordering::Relaxed)
    }

    /// Sensors that have held what they came for.
    pub fn at_worst(&self) -> usize {
        self.seen.at_worst.load(Ordering::Relaxed)
    }

    /// Sessions that ended before they held what they came for, or because the database was too busy for what they said; and how
    /// the last one ended. Their sensors came again.
    pub fn thwarted(&self) -> (usize, String) {
        locked(&self.seen.thwarted).clone()
    }

    /// Streams opened, or octets written, beyond those allowed.
    pub fn beyond(&self) -> usize {
        self.seen.beyond.load(Ordering::Relaxed)
    }

    /// Messages that those of a kind have said to the end.
    pub fn said(&self, kind: Kind) -> usize {
        locked(&self.seen.said).get(&kind).copied().unwrap_or_default()
    }

    /// Of how many sensors of a kind the collector has ended a session because a rule was broken.
    pub fn ended(&self, kind: Kind) -> usize {
        locked(&self.seen.ended).get(&kind).map_or(0, BTreeSet::len)
    }

    /// That nothing went otherwise than a hostile sensor has to expect.
    ///
    /// # Errors
    /// What did.
    pub fn as_expected(&self) -> Result<()> {
        let wrong = locked(&self.seen.wrong);
        ensure!(wrong.is_empty(), "{} of them, the first: {}", wrong.len(), wrong.first().map_or("", String::as_str));
        Ok(())
    }

    /// All leave.
    pub async fn disperse(mut self) {
        // So that their leaving is heard, and their places are free at once.
        self.network.set(Weather::default());
        self.leave.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        for endpoint in [&self.direct, &self.relayed] {
            endpoint.close(VarInt::from_u32(0), b"");
            endpoint.wait_idle().await;
        }
    }
}
