//! The ways of those that mean harm, one session at a time: what each begins, holds, and how often it comes again.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Error, Result};
use quinn::congestion::CubicConfig;
use quinn::{Connection, ConnectionError, Endpoint, SendStream, TransportConfig, TransportErrorCode, VarInt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use varde_agent::io::clock;
use varde_collector::limits::SMALL_BODY_MAX_OCTETS;
use varde_common::codec::{FrameHeader, Text};
use varde_common::id::{Revision, Seq};
use varde_common::limits::{BATCH_MAX_OCTETS, FRAME_TO_COLLECTOR_MAX_OCTETS};
use varde_common::message::{Batch, CloseReason, Heartbeat, Stream, ToCollector};
use varde_common::record::{Record, RecordBody, SensorEvent};

use super::{Kind, Seen, locked};
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
/// Between two tries of one who is thrown out each time: half a second where there are two hundred of them, and the longer the
/// more there are. Each time is a handshake and a place in the database; how many of those there may be in a second is another
/// question than what a thousand hold.
const AGAIN_AFTER_EACH: Duration = Duration::from_micros(2_500);
const AGAIN_AFTER_AT_LEAST: Duration = Duration::from_millis(500);

/// One of them.
pub(super) struct Hostile {
    pub(super) kind: Kind,
    pub(super) sensor: Arc<SensorDouble>,
    pub(super) endpoint: Endpoint,
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Seen>,
    pub(super) torn: watch::Receiver<bool>,
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    pub(super) coming: Arc<Semaphore>,
    /// Its place among those that come for the first time, until it holds what it came for.
    pub(super) place: Mutex<Option<OwnedSemaphorePermit>>,
    /// This session holds what it came for.
    pub(super) is_there: AtomicBool,
    pub(super) was_at_worst: AtomicBool,
}

/// Why the collector, or the silence, ended the session that this came of; none where it was something else.
fn end_of(error: &Error) -> Option<End> {
    let end = error.chain().find_map(|cause| cause.downcast_ref::<ConnectionError>())?;
    match end {
        ConnectionError::ApplicationClosed(close) => match CloseReason::from_code(close.error_code.into_inner()) {
            CloseReason::ProtocolError => Some(End::TooSlow),
            CloseReason::Unavailable => Some(End::Busy),
            CloseReason::Revoked
            | CloseReason::UnknownSite
            | CloseReason::Replaced
            | CloseReason::GoingDown
            | CloseReason::Version
            | CloseReason::Quarantined => None,
        },
        // A handshake was given up before a reason could be told; the proof of an address was too old when it was looked at.
        ConnectionError::ConnectionClosed(close)
            if [TransportErrorCode::APPLICATION_ERROR, TransportErrorCode::INVALID_TOKEN]
                .contains(&close.error_code) =>
        {
            Some(End::TooSlow)
        }
        ConnectionError::Reset => Some(End::TooSlow),
        ConnectionError::TimedOut => Some(End::Busy),
        ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => None,
    }
}

/// An end that a machine with too much to do may bring about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// What it began was not done in time.
    TooSlow,
    /// The database, or the whole machine, had no time for it, whatever it held already.
    Busy,
}

impl Hostile {
    /// Comes, does its worst, and comes again whenever it is thrown out.
    pub(super) async fn run(&self) -> Result<()> {
        let mut round = 0;
        loop {
            // Who has done its worst once comes again unasked, however many do.
            if !self.was_at_worst.load(Ordering::Relaxed) {
                let place = self.coming.clone().acquire_owned().await?;
                *locked(&self.place) = Some(place);
            }
            let visited = self.visit(round).await;
            drop(locked(&self.place).take());
            let was_there = self.is_there.swap(false, Ordering::Relaxed);
            match visited {
                Ok(()) => {
                    round += 1;
                    if !was_there {
                        self.was_thwarted("thrown out before it was there".to_owned());
                    }
                }
                Err(error) => match end_of(&error) {
                    Some(End::TooSlow) if !was_there => self.was_thwarted(format!("{error:#}")),
                    Some(End::Busy) => self.was_thwarted(format!("{error:#}")),
                    Some(End::TooSlow) | None => return Err(error),
                },
            }
            let all = self.seen.joined.load(Ordering::Relaxed);
            tokio::time::sleep(AGAIN_AFTER_AT_LEAST.max(AGAIN_AFTER_EACH.saturating_mul(all as u32))).await;
        }
    }

    fn was_thwarted(&self, how: String) {
        let mut thwarted = locked(&self.seen.thwarted);
        *thwarted = (thwarted.0 + 1, format!("{:?}: {how}", self.kind));
    }

    /// One session, to its end.
    async fn visit(&self, round: usize) -> Result<()> {
        match self.kind {
            Kind::HalfFrames => self.half_frames().await,
            Kind::TooLong => self.too_long(round).await,
            Kind::Streams => self.streams().await,
            Kind::Deaf => self.deaf().await,
            Kind::Heartbeats => self.heartbeats().await,
            Kind::Holes => self.holes().await,
            Kind::Openers => self.openers(round).await,
        }
    }

    /// It holds what it came for, or all that it still waits for is its end: the next may come, and it was not too slow.
    fn has_come(&self) {
        self.is_there.store(true, Ordering::Relaxed);
        drop(locked(&self.place).take());
    }

    async fn greeted(&self, transport: TransportConfig) -> Result<Greeted> {
        self.sensor.introduce(&self.endpoint, self.address, transport, Revision(0)).await
    }

    fn is_at_worst(&self) {
        self.has_come();
        if !self.was_at_worst.swap(true, Ordering::Relaxed) {
            self.seen.at_worst.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until the collector ends the session because a rule was broken.
    async fn is_ended(&self, connection: &Connection) -> Result<()> {
        let end = connection.closed().await;
        match &end {
            ConnectionError::ApplicationClosed(close)
                if CloseReason::from_code(close.error_code.into_inner()) == CloseReason::ProtocolError => {}
            // Its last word was lost in the crowd; it knows the session no more.
            ConnectionError::Reset => {}
            ConnectionError::ApplicationClosed(_)
            | ConnectionError::VersionMismatch
            | ConnectionError::TransportError(_)
            | ConnectionError::ConnectionClosed(_)
            | ConnectionError::TimedOut
            | ConnectionError::LocallyClosed
            | ConnectionError::CidsExhausted => {
                return Err(Error::from(end).context("the collector has not ended the session for a broken rule"));
            }
        }
        locked(&self.seen.ended).entry(self.kind).or_default().insert(self.sensor.sensor);
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

    async fn too_long(&self, round: usize) -> Result<()> {
        // So long that it would show, should it be kept; after that by one octet.
        let octets = if round == 0 { FAR_TOO_LONG_OCTETS } else { FRAME_TO_COLLECTOR_MAX_OCTETS + 1 };
        let Greeted { connection, control, answers: _answers } = self.greeted(usual_transport()).await?;
        let mut stream = match round % 4 {
            0 => control,
            1 => opened(&connection, Stream::Alerts).await?,
            2 => opened(&connection, Stream::Lists).await?,
            _ => opened(&connection, Stream::Hunts).await?,
        };
        stream.write_all(&FrameHeader { body_octets: octets, kind: ANY_KIND }.to_octets()).await?;
        self.has_come();
        // The session ends in the middle of it.
        let _ = stream.write_all(&vec![0; octets - 1]).await;
        self.is_ended(&connection).await?;
        self.is_at_worst();
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

    async fn openers(&self, round: usize) -> Result<()> {
        let resets = round % 2 == 1;
        let Greeted { connection, control: _control, answers: _answers } = self.greeted(usual_transport()).await?;
        self.has_come();
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
        if resets {
            self.is_at_worst();
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
        self.has_come();
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
