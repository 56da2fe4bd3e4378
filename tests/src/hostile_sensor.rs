//! Sensors that are enrolled and mean harm: each takes as much of the collector as the conversation lets it, in one way, and
//! holds on to it.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use quinn::congestion::CubicConfig;
use quinn::{Connection, ConnectionError, Endpoint, SendStream, TransportConfig, VarInt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use varde_agent::io::clock;
use varde_collector::limits::SMALL_BODY_MAX_OCTETS;
use varde_common::codec::{FrameHeader, Text};
use varde_common::id::{Revision, Seq};
use varde_common::limits::{BATCH_MAX_OCTETS, FRAME_TO_COLLECTOR_MAX_OCTETS};
use varde_common::message::{Batch, CloseReason, Heartbeat, Stream, ToCollector};
use varde_common::record::{Record, RecordBody, SensorEvent};

use crate::badnet::{Badnet, Weather};
use crate::sensor_double::{Greeted, SensorDouble, say, usual_transport};

/// A frame's kind, where it does not come to reading its body: a batch's.
const ANY_KIND: u16 = 4;
/// The collector's stream window, as the design has it (3.6); its own constant would follow a mistake.
const STREAM_WINDOW_OCTETS: usize = 64 * 1024;
/// What one with holes writes on each of its five streams: together the session's window of 128 KiB, less what came before.
const HOLED_OCTETS: usize = 25 * 1024;
/// So much of it goes into a datagram.
const PIECE_OCTETS: usize = 1024;
/// What no window has room for after that.
const MORE_OCTETS: usize = 16 * 1024;
/// Sixteen times the longest frame.
const FAR_TOO_LONG_OCTETS: usize = 1024 * 1024;
/// The first of them on each stream go octet by octet, each in a datagram of its own as far as its sender can bring that
/// about.
const SINGLE_OCTETS: usize = 60;
/// Sixteen times as many streams as a session has in all.
const FAR_TOO_MANY_STREAMS: usize = 80;
/// Between two tries of one who is thrown out each time.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A way to do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The longest message that each of four streams takes, but for its last octet, and the stream nobody reads to its window's
    /// end; then silence.
    HalfFrames,
    /// A frame that is too long, on one stream after another; comes back whenever it is thrown out.
    TooLong,
    /// Every stream there may be, one more of each sort, and on the one nobody reads as much as its window takes.
    Streams,
    /// Batches as fast as they are taken; no acknowledgement is ever read.
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
    /// Sessions of those with holes that stand and have not written.
    waiting: AtomicUsize,
    /// Sessions that hold what they came for.
    at_worst: AtomicUsize,
    /// Streams opened, or octets written, beyond those allowed.
    beyond: AtomicUsize,
    /// Messages that were said to the end, by kind.
    said: Mutex<BTreeMap<Kind, usize>>,
    /// Sessions that the collector has ended because a rule was broken, by kind.
    ended: Mutex<BTreeMap<Kind, usize>>,
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
        let hostile =
            Hostile { kind, sensor, endpoint, address, seen: self.seen.clone(), torn, turn: self.turn.clone() };
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

    /// Sessions that hold what they came for.
    pub fn at_worst(&self) -> usize {
        self.seen.at_worst.load(Ordering::Relaxed)
    }

    /// Streams opened, or octets written, beyond those allowed.
    pub fn beyond(&self) -> usize {
        self.seen.beyond.load(Ordering::Relaxed)
    }

    /// Messages that those of a kind have said to the end.
    pub fn said(&self, kind: Kind) -> usize {
        locked(&self.seen.said).get(&kind).copied().unwrap_or_default()
    }

    /// How many sessions of a kind the collector has ended because a rule was broken.
    pub fn ended(&self, kind: Kind) -> usize {
        locked(&self.seen.ended).get(&kind).copied().unwrap_or_default()
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

/// One of them.
struct Hostile {
    kind: Kind,
    sensor: Arc<SensorDouble>,
    endpoint: Endpoint,
    address: SocketAddr,
    seen: Arc<Seen>,
    torn: watch::Receiver<bool>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Hostile {
    async fn run(&self) -> Result<()> {
        match self.kind {
            Kind::HalfFrames => self.half_frames().await,
            Kind::TooLong => self.too_long().await,
            Kind::Streams => self.streams().await,
            Kind::Deaf => self.deaf().await,
            Kind::Heartbeats => self.heartbeats().await,
            Kind::Holes => self.holes().await,
            Kind::Openers => self.openers().await,
        }
    }

    async fn greeted(&self, transport: TransportConfig) -> Result<Greeted> {
        self.sensor.introduce(&self.endpoint, self.address, transport, Revision(0)).await
    }

    fn is_at_worst(&self) {
        self.seen.at_worst.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until the collector ends the session because a rule was broken.
    async fn is_ended(&self, connection: &Connection) -> Result<()> {
        match connection.closed().await {
            ConnectionError::ApplicationClosed(close) => {
                let reason = CloseReason::from_code(close.error_code.into_inner());
                ensure!(reason == CloseReason::ProtocolError, "ended for another reason: {reason:?}");
            }
            // Its last word was lost in the crowd; it knows the session no more.
            ConnectionError::Reset => {}
            other => return Err(other).context("the collector has not ended the session"),
        }
        *locked(&self.seen.ended).entry(self.kind).or_default() += 1;
        Ok(())
    }

    async fn half_frames(&self) -> Result<()> {
        let Greeted { connection, control, answers: _answers } = self.greeted(usual_transport()).await?;
        let mut streams = vec![(control, SMALL_BODY_MAX_OCTETS)];
        for purpose in [Stream::Alerts, Stream::Lists, Stream::Hunts] {
            let is_large = purpose == Stream::Alerts;
            let longest = if is_large { FRAME_TO_COLLECTOR_MAX_OCTETS } else { SMALL_BODY_MAX_OCTETS };
            streams.push((opened(&connection, purpose).await?, longest));
        }
        for (stream, longest) in &mut streams {
            stream.write_all(&FrameHeader { body_octets: *longest, kind: ANY_KIND }.to_octets()).await?;
            stream.write_all(&vec![0; *longest - 1]).await?;
        }
        let mut unread = connection.open_uni().await?;
        unread.write_all(&[0; STREAM_WINDOW_OCTETS]).await?;
        self.is_at_worst();
        self.is_ended(&connection).await
    }

    async fn too_long(&self) -> Result<()> {
        // So long that it would show, should it be kept; after that by one octet.
        let mut octets = FAR_TOO_LONG_OCTETS;
        for purpose in [Stream::Control, Stream::Alerts, Stream::Lists, Stream::Hunts].into_iter().cycle() {
            let Greeted { connection, control, answers: _answers } = self.greeted(usual_transport()).await?;
            let mut stream = match purpose {
                Stream::Control => control,
                Stream::Alerts | Stream::Statistics | Stream::Lists | Stream::Hunts => {
                    opened(&connection, purpose).await?
                }
            };
            stream.write_all(&FrameHeader { body_octets: octets, kind: ANY_KIND }.to_octets()).await?;
            // The session ends in the middle of it.
            let _ = stream.write_all(&vec![0; octets - 1]).await;
            self.is_ended(&connection).await?;
            if octets == FAR_TOO_LONG_OCTETS {
                octets = FRAME_TO_COLLECTOR_MAX_OCTETS + 1;
                self.is_at_worst();
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        Ok(())
    }

    async fn streams(&self) -> Result<()> {
        let Greeted { connection, control: _control, answers: _answers } = self.greeted(usual_transport()).await?;
        let mut streams = Vec::new();
        for purpose in [Stream::Alerts, Stream::Lists, Stream::Hunts] {
            streams.push(opened(&connection, purpose).await?);
        }
        let mut unread = connection.open_uni().await?;
        unread.write_all(&[0; STREAM_WINDOW_OCTETS]).await?;
        self.is_at_worst();
        tokio::select! {
            opened = connection.open_bi() => opened.map(drop)?,
            opened = connection.open_uni() => opened.map(drop)?,
            // Not an octet more is taken than the window has room for.
            written = unread.write(&[0]) => written.map(drop)?,
        }
        self.seen.beyond.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn deaf(&self) -> Result<()> {
        let mut transport = usual_transport();
        transport.stream_receive_window(VarInt::from_u32(1024));
        let Greeted { connection, control: _control, answers: _answers } = self.greeted(transport).await?;
        let (mut stream, _unread) = connection.open_bi().await?;
        say(&mut stream, &ToCollector::Open(Stream::Alerts)).await?;
        let batch = self.batch()?.to_frame()?;
        let _ = self.repeat(&mut stream, &batch).await;
        // Who does not read for a minute is thrown out.
        self.is_ended(&connection).await
    }

    async fn heartbeats(&self) -> Result<()> {
        let Greeted { connection: _connection, mut control, answers: _answers } =
            self.greeted(usual_transport()).await?;
        let heartbeat = ToCollector::Heartbeat(Heartbeat { clock: clock::now(), ..Heartbeat::default() });
        self.repeat(&mut control, &heartbeat.to_frame()?).await
    }

    /// The same message for ever.
    async fn repeat(&self, stream: &mut SendStream, frame: &[u8]) -> Result<()> {
        let mut times = 0_usize;
        loop {
            stream.write_all(frame).await?;
            *locked(&self.seen.said).entry(self.kind).or_default() += 1;
            times += 1;
            if times == 10 {
                self.is_at_worst();
            }
        }
    }

    /// As many records as a batch holds, the same ones each time: they are stored once and acknowledged each time.
    fn batch(&self) -> Result<ToCollector> {
        let event = SensorEvent::ListRefused { revision: Revision(1), why: Text::cut(&"x".repeat(250)) };
        let record = Record { time: clock::now(), body: RecordBody::Event(event) }.to_octets()?;
        let records = vec![record.clone(); BATCH_MAX_OCTETS / record.len()];
        Ok(ToCollector::Batch(Batch { epoch: self.sensor.epoch, first_seq: Seq(1), records }))
    }

    async fn openers(&self) -> Result<()> {
        for (resets, time) in [false, true].into_iter().cycle().zip(1_u64..) {
            let Greeted { connection, control: _control, answers: _answers } = self.greeted(usual_transport()).await?;
            let mut opened = 0;
            while let Ok((mut stream, mut unread)) = connection.open_bi().await {
                let _ = if resets { stream.reset(VarInt::from_u32(0)) } else { stream.finish() };
                let _ = unread.stop(VarInt::from_u32(0));
                opened += 1;
                if opened == FAR_TOO_MANY_STREAMS {
                    self.seen.beyond.fetch_add(1, Ordering::Relaxed);
                }
            }
            self.is_ended(&connection).await?;
            // Each way once.
            if time == 2 {
                self.is_at_worst();
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
        Ok(())
    }

    async fn holes(&self) -> Result<()> {
        let mut transport = usual_transport();
        // All of it at once, so that nothing is written again because the network seems slow.
        let mut cubic = CubicConfig::default();
        cubic.initial_window(1024 * 1024);
        transport.congestion_controller_factory(Arc::new(cubic));
        transport.max_idle_timeout(None);
        let Greeted { connection, control, answers: _answers } = self.greeted(transport).await?;
        let mut streams = vec![control];
        for purpose in [Stream::Alerts, Stream::Lists, Stream::Hunts] {
            streams.push(opened(&connection, purpose).await?);
        }
        streams.push(connection.open_uni().await?);
        self.seen.waiting.fetch_add(1, Ordering::Relaxed);
        let mut torn = self.torn.clone();
        torn.wait_for(|torn| *torn).await?;
        // One at a time, so that it is the weather that loses them and not the relay.
        let turn = self.turn.lock().await;
        let (before, mut written) = (connection.stats().udp_tx.bytes, 0);
        let header = FrameHeader { body_octets: FRAME_TO_COLLECTOR_MAX_OCTETS, kind: ANY_KIND };
        for stream in &mut streams {
            stream.write_all(&header.to_octets()).await?;
        }
        for _ in 0..SINGLE_OCTETS {
            for stream in &mut streams {
                stream.write_all(&[0]).await?;
                // The connection's own task sends what there is before the next is written.
                tokio::task::yield_now().await;
            }
        }
        for _ in 0..HOLED_OCTETS / PIECE_OCTETS {
            for stream in &mut streams {
                stream.write_all(&[0; PIECE_OCTETS]).await?;
                written += PIECE_OCTETS as u64;
            }
            while connection.stats().udp_tx.bytes < before + written {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        drop(turn);
        self.is_at_worst();
        // No word of a wider window can come.
        if let Some(stream) = streams.first_mut() {
            // An end, after a minute in which nothing was heard, is none that anybody tells.
            if stream.write_all(&[0; MORE_OCTETS]).await.is_ok() {
                self.seen.beyond.fetch_add(1, Ordering::Relaxed);
            }
        }
        pending().await
    }
}

/// A stream, its purpose said.
async fn opened(connection: &Connection, purpose: Stream) -> Result<SendStream> {
    let (mut stream, _unread) = connection.open_bi().await?;
    say(&mut stream, &ToCollector::Open(purpose)).await?;
    Ok(stream)
}
