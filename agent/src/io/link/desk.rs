//! What a session with the collector shares with the rest of the process.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use tokio::sync::{mpsc, watch};
use varde_common::channel::ChannelName;
use varde_common::codec::Text;
use varde_common::id::{Revision, Seq, SiteId};
use varde_common::matcher::IndicatorSet;
use varde_common::message::{Exclusions, Hello, Sight, Standing};
use varde_common::time::Timestamp;

use super::carried::Counter;
use super::timed::{SharedTime, held};
use super::tls::Trust;
use super::{LinkError, Way};
use crate::anchor::Anchor;
use crate::brake::Brakes;
use crate::health::Health;
use crate::io::clock;
use crate::io::disk::collector_time;
use crate::io::disk::keeper::Order;
use crate::io::disk::spool::Figures;
use crate::io::self_test::SelfTests;
use crate::limits::{BRAKE_LOOK_EVERY_S, CLOCK_SKEW_TOLD_S};
use crate::newness::Newness;
use crate::raise::braked::Braking;
use crate::refusals::Refusals;
use crate::renewal::Certified;

/// The list in force, as the sensor uses it.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// What to look for.
    pub set: Arc<IndicatorSet>,
    /// Its number, 0 = none yet.
    pub revision: Revision,
}

/// How the uplink is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uplink {
    /// Whether a session stands.
    pub connected: bool,
    /// Why the last attempt or session ended, in a sentence.
    pub last_error: Option<String>,
    /// Whether the collector has revoked this sensor.
    pub revoked: bool,
    /// What carries the session that stands, and since when.
    pub way: Option<(Way, Timestamp)>,
    /// What the collector's clock showed more than this one when it began, microseconds; none while there is none.
    pub clock_offset_us: Option<i64>,
}

/// What a session shares with the rest of the process.
#[derive(Debug)]
pub struct Desk {
    /// The data directory.
    pub data: PathBuf,
    /// To the spool's thread.
    pub orders: mpsc::Sender<Order>,
    /// What is on disk.
    pub figures: watch::Receiver<Figures>,
    /// The sensor's counters, as it last told them.
    pub health: Arc<Mutex<Health>>,
    /// The list in force; the sensor looks here for a new one.
    pub list: watch::Sender<InForce>,
    /// What the sensor's thread matches against by now; none while it does not run.
    pub matching: watch::Receiver<Option<Revision>>,
    /// How the uplink is, for whoever asks.
    pub uplink: watch::Sender<Uplink>,
    /// Sites this sensor reports for.
    pub sites: Vec<SiteId>,
    /// How many sources it watches.
    pub sources: u16,
    /// What the settings leave out.
    pub exclusions: watch::Sender<Exclusions>,
    /// Which list was refused last (0 = it has no number), and why.
    pub list_refused: watch::Sender<Option<(Revision, String)>>,
    /// How far this machine's clock was ahead of the collector's when that was last heard, milliseconds; negative = behind.
    pub clock_ahead_ms: watch::Sender<Option<i64>>,
    /// The root document in force.
    pub anchor: watch::Sender<Anchor>,
    /// Which channel is followed.
    pub channel: watch::Sender<ChannelName>,
    /// What is braked.
    pub brakes: watch::Sender<Brakes>,
    /// What the sensor's thread counts only.
    pub braking: watch::Sender<Arc<Braking>>,
    /// What it counts only by now; none while it does not run.
    pub counting: watch::Receiver<Option<Arc<Braking>>>,
    /// What is known of the newest list.
    pub newness: watch::Sender<Newness>,
    /// What the collector's certificates are held against.
    pub trust: Arc<Trust>,
    /// When the process started.
    pub started: Instant,
    /// What is known of the time.
    pub time: SharedTime,
    /// The first number of the spool that no process before this one can have sent.
    pub unsent: Seq,
    /// Versions of the conversation it speaks, oldest and newest.
    pub protocols: RangeInclusive<u16>,
    /// Records sent again so far.
    pub resent: AtomicU64,
    /// What was refused lately, in this session and those before.
    pub refusals: Mutex<Refusals>,
    /// Who brings a list by hand.
    pub counter: Counter,
    /// The sensor's tests of itself.
    pub tests: SelfTests,
    /// The CA that enrolment met: what a list brought by hand comes with is held against it.
    pub ca: CertificateDer<'static>,
    /// How the certificate is, for whoever asks; none before the first attempt at a session.
    pub certified: watch::Sender<Option<Certified>>,
}

impl Desk {
    pub(super) async fn order(&self, order: Order) -> Result<(), LinkError> {
        let gone = |_| LinkError::Broken("the spool is closed".to_owned());
        self.orders.send(order).await.map_err(gone)
    }

    /// Sending goes back from one number to another.
    pub(super) fn resent(&self, from: Seq, back_to: Seq) {
        self.resent.fetch_add(from.0.saturating_sub(back_to.0), Ordering::Relaxed);
    }

    pub(super) fn hello(&self, figures: &Figures) -> Hello {
        Hello {
            protocol_min: *self.protocols.start(),
            protocol_max: *self.protocols.end(),
            agent_version: Text::cut(env!("CARGO_PKG_VERSION")),
            epoch: figures.epoch,
            first_seq: figures.first,
            next_seq: figures.next,
            revision: self.list.borrow().revision,
            root_version: self.anchor.borrow().root().version,
            sites: self.sites.clone(),
            clock: clock::now(),
        }
    }

    /// How it stands to its trust anchor and to the newest list.
    pub fn standing(&self) -> Standing {
        let in_force = self.list.borrow().revision;
        self.newness.borrow().standing(self.anchor.borrow().root(), in_force, self.times(), clock::monotonic())
    }

    /// How much of its network it sees.
    pub fn sight(&self) -> Sight {
        let heard = self.health.lock().unwrap_or_else(PoisonError::into_inner).heard;
        Sight { heard, exclusions: *self.exclusions.borrow() }
    }

    /// The earliest and the latest time that it may be, for what somebody has signed.
    pub(super) fn times(&self) -> [Timestamp; 2] {
        held(&self.time).between(clock::now(), clock::since_boot())
    }

    /// What time it is by the collector's word, as far as there is one.
    pub fn by_word(&self) -> Timestamp {
        held(&self.time).by_word(clock::now(), clock::since_boot())
    }

    /// What is braked may have changed or run out: the sensor's thread is told, and the log.
    pub fn look_at_brakes(&self) {
        let (now, steady) = (self.by_word(), clock::steady());
        let mut changed = None;
        self.brakes.send_if_modified(|brakes| {
            changed = brakes.handle_time(now, steady);
            changed.is_some()
        });
        if let Some(braking) = changed {
            let indicators = braking.indicators.len();
            tracing::info!(order = braking.order, indicators, "so many indicators are counted only, by the brake");
            self.braking.send_replace(braking);
        }
    }

    /// A brake ends by itself, whoever is connected.
    pub async fn let_brakes_run_out(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(BRAKE_LOOK_EVERY_S)).await;
            self.look_at_brakes();
        }
    }

    /// The collector has said what time it is.
    pub(super) async fn hear_time(&self, word: Timestamp) {
        let own = clock::now();
        self.clock_ahead_ms.send_replace(Some(own.0.saturating_sub(word.0) / 1000));
        let skew = own.since(word).max(word.since(own)).as_secs();
        if skew > CLOCK_SKEW_TOLD_S {
            tracing::warn!(
                seconds = skew,
                "this machine's clock is {} the collector's; let it be set by a time server (NTP)",
                if own > word { "ahead of" } else { "behind" }
            );
        }
        let worth = held(&self.time).handle_word(word, own, clock::since_boot());
        if let Some(passed) = worth {
            let data = self.data.clone();
            let kept = tokio::task::spawn_blocking(move || collector_time::keep(&data, &passed)).await;
            if let Ok(Err(error)) = kept {
                tracing::debug!("the collector's time is not kept: {error}");
            }
        }
    }
}
