//! A session with the collector, and the next one after it: turns the crank of [`crate::ship`] and
//! [`crate::subscription`] and holds no opinion of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, sleep_until, timeout};
use varde_common::codec::Text;
use varde_common::id::{Revision, Seq, SiteId};
use varde_common::limits::REFUSALS_MAX;
use varde_common::matcher::IndicatorSet;
use varde_common::message::{
    Batch, CloseReason, Heartbeat, Hello, PROTOCOL_VERSION, Refusal, Stream, ToAgent, ToCollector,
};
use varde_common::time::Timestamp;

use super::lists::lists;
use super::ways::{Dialled, Ways};
use super::{Link, LinkError, Way, read_message, write_message};
use crate::health::Health;
use crate::io::disk::keeper::Order;
use crate::io::disk::spool::Figures;
use crate::io::{clock, host};
use crate::limits::{ANSWER_TIMEOUT_S, HEARTBEAT_EVERY_S};
use crate::ship::{Broken, Lost, Next, Reconnect, Ship};
use crate::subscription::Subscription;

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
    /// Version of the root document.
    pub root_version: u32,
    /// When the process started.
    pub started: Instant,
    /// The first number of the spool that no process before this one can have sent.
    pub unsent: Seq,
}

impl Desk {
    pub(super) async fn order(&self, order: Order) -> Result<(), LinkError> {
        let gone = |_| LinkError::Broken("the spool is closed".to_owned());
        self.orders.send(order).await.map_err(gone)
    }

    fn hello(&self, figures: &Figures) -> Hello {
        Hello {
            protocol_min: PROTOCOL_VERSION,
            protocol_max: PROTOCOL_VERSION,
            agent_version: Text::cut(env!("CARGO_PKG_VERSION")),
            epoch: figures.epoch,
            first_seq: figures.first,
            next_seq: figures.next,
            revision: self.list.borrow().revision,
            root_version: self.root_version,
            sites: self.sites.clone(),
            clock: clock::now(),
        }
    }

    async fn heartbeat(&self) -> Heartbeat {
        let data = self.data.clone();
        let host = tokio::task::spawn_blocking(move || host::figures(&data)).await.unwrap_or_default();
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let figures = *self.figures.borrow();
        let (revision, indicators) = {
            let list = self.list.borrow();
            (list.revision, list.set.len() as u64)
        };
        let clock = clock::now();
        let age = |last| u64::try_from(clock.since(last).as_millis()).unwrap_or(u64::MAX);
        Heartbeat {
            clock,
            uptime_s: clock::monotonic().saturating_duration_since(self.started).as_secs(),
            packets: health.packets,
            octets: health.octets,
            dropped: health.dropped,
            drops_unknown: health.drops_unknown,
            sources: self.sources,
            refused: health.refused,
            refusals: refusals(&health),
            dns_messages: health.dns_messages,
            flows: health.flows,
            evicted: health.evictions.total(),
            evictions: health.evictions,
            blind: health.blind,
            sightings: health.sightings,
            alerts: health.alerts,
            last_packet_ms: health.last_packet.map(age),
            revision,
            indicators,
            spool_octets: figures.octets,
            spool_waiting: figures.waiting(),
            records_lost: figures.lost,
            memory_octets: host.memory_octets,
            cpu_ms: host.cpu_ms,
            disk_free_octets: host.disk_free_octets,
        }
    }
}

/// Refusals as they travel: beyond the bound the rest goes together.
fn refusals(health: &Health) -> Vec<Refusal> {
    let refusal = |reason: &str, count| Refusal { reason: Text::cut(reason), count };
    let apart = if health.refusals.len() > REFUSALS_MAX { REFUSALS_MAX - 1 } else { REFUSALS_MAX };
    let (apart, together) = health.refusals.split_at(apart.min(health.refusals.len()));
    let mut refusals: Vec<Refusal> = apart.iter().map(|(reason, count)| refusal(reason, *count)).collect();
    if !together.is_empty() {
        refusals.push(refusal("other", together.iter().map(|(_, count)| count).sum()));
    }
    refusals
}

/// How a session came to its end.
enum Over {
    /// It was lost.
    Ended(LinkError),
    /// It goes on over QUIC.
    Moved(super::quic::QuicLink),
    /// This process ends.
    Stopped,
}

/// Connects, again and again, until told to stop.
pub async fn keep_connected(
    desk: &Desk,
    ways: &mut Ways,
    subscription: &mut Subscription,
    mut stop: watch::Receiver<bool>,
) {
    let mut reconnect = Reconnect::default();
    let mut ship = Ship::new(desk.figures.borrow().epoch, desk.unsent);
    loop {
        let attempt = async {
            let lost = |error| match error {
                LinkError::Closed(CloseReason::Revoked) => (error, Lost::Revoked),
                error => (error, Lost::NotReached),
            };
            let mut dialled = ways.dial().await.map_err(lost)?;
            loop {
                let mut stood = false;
                let (ship, reconnect) = (&mut ship, &mut reconnect);
                let stopped = stopping(stop.clone());
                let over = match &dialled {
                    Dialled::Quic(link) => tokio::select! {
                        ended = session(link, desk, subscription, ship, reconnect, &mut stood) => Over::Ended(ended),
                        () = stopped => Over::Stopped,
                    },
                    Dialled::Tcp(link) => {
                        let mut better = std::pin::pin!(ways.quic_again());
                        let over = tokio::select! {
                            ended = session(&**link, desk, subscription, ship, reconnect, &mut stood) => {
                                Over::Ended(ended)
                            }
                            quic = &mut better => Over::Moved(quic),
                            () = stopped => Over::Stopped,
                        };
                        match over {
                            // The collector has seen the new session before we have: it is about to stand here too.
                            Over::Ended(LinkError::Closed(CloseReason::Replaced)) => {
                                let quic = timeout(Duration::from_secs(ANSWER_TIMEOUT_S), better).await;
                                quic.map_or(Over::Ended(LinkError::Closed(CloseReason::Replaced)), Over::Moved)
                            }
                            over => over,
                        }
                    }
                };
                let _ = desk.order(Order::SendingEnded(ship.unsent())).await;
                let code = match &over {
                    Over::Stopped | Over::Moved(_) => CloseReason::GoingDown,
                    Over::Ended(_) => CloseReason::ProtocolError,
                };
                dialled.close(code).await;
                match over {
                    Over::Stopped => return Ok(()),
                    Over::Moved(quic) => {
                        tracing::info!("QUIC (UDP) answers again; leaving TCP");
                        dialled = Dialled::Quic(quic);
                    }
                    Over::Ended(error) if stood && error != LinkError::Closed(CloseReason::Revoked) => {
                        return Err((error, Lost::Ended));
                    }
                    Over::Ended(error) => return Err(lost(error)),
                }
            }
        };
        let (error, lost) = tokio::select! {
            result = attempt => match result {
                Ok(()) => return,
                Err(lost) => lost,
            },
            () = stopping_before_a_session(stop.clone(), desk) => return,
        };
        let wait = reconnect.handle_lost(lost, getrandom::u64().unwrap_or(u64::from(u32::MAX)));
        tracing::warn!(retry_in_ms = wait.as_millis(), "not connected: {error}");
        desk.uplink.send_replace(Uplink {
            connected: false,
            last_error: Some(error.to_string()),
            revoked: lost == Lost::Revoked,
            way: None,
        });
        tokio::select! {
            () = sleep(wait) => {}
            () = stopping(stop.clone()) => return,
        }
        if *stop.borrow_and_update() {
            return;
        }
    }
}

async fn stopping(mut stop: watch::Receiver<bool>) {
    // A sender that is gone means the process is ending too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// While dialling nothing needs to be said to anybody; during a session the session's own end comes first.
async fn stopping_before_a_session(stop: watch::Receiver<bool>, desk: &Desk) {
    stopping(stop).await;
    if desk.uplink.borrow().connected {
        // The session's branch sees the same stop and closes the connection in words.
        sleep(Duration::from_secs(3)).await;
    }
}

/// One session from Hello to its end; says why it ended.
async fn session<L: Link>(
    link: &L,
    desk: &Desk,
    subscription: &mut Subscription,
    ship: &mut Ship,
    reconnect: &mut Reconnect,
    stood: &mut bool,
) -> LinkError {
    let ended = run_session(link, desk, subscription, ship, reconnect, stood).await;
    let error = match ended {
        Ok(never) => match never {},
        Err(error) => error,
    };
    // A reason given by the other side says more than the broken stream it caused.
    match (&error, link.ended()) {
        (LinkError::Broken(_) | LinkError::Protocol(_), Some(said)) => said,
        _ => error,
    }
}

async fn run_session<L: Link>(
    link: &L,
    desk: &Desk,
    subscription: &mut Subscription,
    ship: &mut Ship,
    reconnect: &mut Reconnect,
    stood: &mut bool,
) -> Result<std::convert::Infallible, LinkError> {
    let (mut write, mut read) = link.open(Stream::Control).await?;
    let figures = *desk.figures.borrow();
    write_message(&mut write, &ToCollector::Hello(desk.hello(&figures))).await?;
    let answer = timeout(Duration::from_secs(ANSWER_TIMEOUT_S), read_message(&mut read)).await;
    let answer = answer.map_err(|_| LinkError::Broken("no answer to Hello".to_owned()))??;
    let Some(ToAgent::HelloAck { protocol: _, committed, reconnect_spread_ms, clock: _ }) = answer else {
        return Err(unexpected(answer.as_ref()));
    };
    *stood = true;
    reconnect.handle_session(reconnect_spread_ms);
    subscription.handle_session();
    if let Err(broken) = ship.handle_session(committed) {
        if matches!(broken, Broken::RolledBack { .. }) {
            desk.order(Order::SetAside).await?;
        }
        return Err(LinkError::Protocol(broken.to_string()));
    }
    desk.order(Order::Acknowledged(committed)).await?;
    let way = link.way();
    match &way {
        Way::Quic => tracing::info!(%committed, "connected to the collector"),
        Way::Tcp { address, .. } => {
            tracing::info!(%committed, "connected to the collector over TCP at {address}: QUIC (UDP) is blocked");
        }
    }
    desk.uplink.send_replace(Uplink { connected: true, way: Some((way, clock::now())), ..Uplink::default() });
    tokio::select! {
        ended = heartbeats(&mut write, desk) => ended,
        ended = quiet(&mut read) => ended,
        ended = alerts(link, desk, ship) => ended,
        ended = lists(link, desk, subscription) => ended,
    }
}

pub(super) fn unexpected(message: Option<&ToAgent>) -> LinkError {
    match message {
        None => LinkError::Broken("the collector ended a stream".to_owned()),
        Some(_) => LinkError::Protocol("a message came on a stream where it does not belong".to_owned()),
    }
}

async fn heartbeats(
    write: &mut (impl tokio::io::AsyncWrite + Unpin),
    desk: &Desk,
) -> Result<std::convert::Infallible, LinkError> {
    loop {
        let heartbeat = desk.heartbeat().await;
        write_message(write, &ToCollector::Heartbeat(heartbeat)).await?;
        sleep(Duration::from_secs(HEARTBEAT_EVERY_S)).await;
    }
}

/// Nothing more comes on the control stream for now.
async fn quiet(read: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<std::convert::Infallible, LinkError> {
    let message = read_message(read).await?;
    Err(unexpected(message.as_ref()))
}

async fn alerts<L: Link>(link: &L, desk: &Desk, ship: &mut Ship) -> Result<std::convert::Infallible, LinkError> {
    let (mut write, mut read) = link.open(Stream::Alerts).await?;
    let (heard, mut hearing) = mpsc::channel(32);
    let reader = async {
        loop {
            let message = read_message(&mut read).await?;
            let Some(message) = message else { return Err(unexpected(None)) };
            if heard.send(message).await.is_err() {
                return Err(unexpected(None));
            }
        }
    };
    let sender = async {
        let mut figures = desk.figures.clone();
        loop {
            let (epoch, durable) = {
                let figures = figures.borrow_and_update();
                (figures.epoch, figures.next)
            };
            ship.handle_durable(durable, clock::monotonic());
            let until = match ship.poll(clock::monotonic()) {
                Next::Send(first_seq) => {
                    let (reply, answer) = oneshot::channel();
                    desk.order(Order::Read { from: first_seq, reply }).await?;
                    let records = answer.await.map_err(|_| LinkError::Broken("the spool is closed".to_owned()))?;
                    if records.is_empty() {
                        return Err(LinkError::Broken("the spool gave no records".to_owned()));
                    }
                    // Before the first octet of it leaves: broken off in the middle, it may have arrived all the same.
                    ship.handle_sent(first_seq, records.len());
                    write_message(&mut write, &ToCollector::Batch(Batch { epoch, first_seq, records })).await?;
                    // What has been heard meanwhile comes before the next batch.
                    while let Ok(message) = hearing.try_recv() {
                        hear(ship, message, desk).await?;
                    }
                    continue;
                }
                Next::WaitUntil(until) => Some(until),
                Next::Wait => None,
            };
            tokio::select! {
                message = hearing.recv() => match message {
                    Some(message) => hear(ship, message, desk).await?,
                    None => return Err(unexpected(None)),
                },
                changed = figures.changed() => {
                    changed.map_err(|_| LinkError::Broken("the spool is closed".to_owned()))?;
                }
                () = async {
                    match until {
                        Some(until) => sleep_until(until.into()).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    };
    tokio::select! {
        ended = reader => ended,
        ended = sender => ended,
    }
}

async fn hear(ship: &mut Ship, message: ToAgent, desk: &Desk) -> Result<(), LinkError> {
    let broken = |broken: Broken| LinkError::Protocol(broken.to_string());
    match message {
        ToAgent::Ack { epoch, seq } => {
            let committed = ship.handle_ack(epoch, seq).map_err(broken)?;
            desk.order(Order::Acknowledged(committed)).await
        }
        ToAgent::Gap { expected } => {
            tracing::warn!(%expected, "the collector misses records; sending from there again");
            ship.handle_gap(expected).map_err(broken)
        }
        ToAgent::HelloAck { .. }
        | ToAgent::ListOffer { .. }
        | ToAgent::ListChunk { .. }
        | ToAgent::ListEnd
        | ToAgent::Root { .. }
        | ToAgent::Enrolled { .. }
        | ToAgent::EnrolRefused(_) => Err(unexpected(Some(&message))),
    }
}
