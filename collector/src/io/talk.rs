//! One sensor's session over its streams: turns the crank of [`crate::session`] and does what it says.

mod broken;
mod entering;
mod noted;
mod tested;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use quinn::Connection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use varde_common::codec::Malformed;
use varde_common::message::{Batch, CloseReason, Freshness, Greeting, Stream, ToAgent, ToCollector};

use super::carrier::{Carrier, Outgoing};
use super::clock;
use super::frame::{self, FrameError};
use super::ingests::NotStored;
use super::listen::Collector;
use super::lists::Follower;
use super::renew::{self, NoAnswer, Proof};
use super::tied::{Arrived, Tied};
use crate::change::Change;
use crate::ingest::hello::{Introduction, Met};
use crate::ingest::{self, IngestError, IngestReply};
use crate::limits::{
    FRAME_WITHIN, GREETED_WITHIN, GREETING_STORED_OCTETS, HELLO_WITHIN, SMALL_BODY_MAX_OCTETS, STREAMS_MAX,
    WRITE_WITHIN,
};
use crate::session::{Action, Following, Session, reconnect_spread_ms};
use crate::store::{Scope, StoreError};

pub use entering::enter;
use entering::{ended, refused};

/// A sensor that was let in.
#[derive(Debug)]
pub struct Guest {
    sensor: i64,
    number: u64,
    session: Session,
    proof: Proof,
}

/// Where a session's streams come from.
#[derive(Debug)]
pub enum Streams {
    /// The sensor opens them on its connection.
    Quic(Connection),
    /// Each arrives as a connection of its own.
    Tcp(Tied, mpsc::Receiver<Arrived>),
}

/// Serves the streams of a session until it ends, and lets the sensor go.
pub async fn converse(collector: &Arc<Collector>, carrier: Carrier, guest: Guest, streams: Streams) {
    let Guest { sensor, number, session, proof } = guest;
    let talk = Arc::new(Talk {
        collector: collector.clone(),
        carrier,
        sensor,
        number,
        session: Mutex::new(session),
        proof,
        greeted: watch::Sender::new(false),
        freshness: Mutex::new(Freshness::NotTold),
        was_slow: AtomicBool::new(false),
        broken: OnceLock::new(),
        refused: OnceLock::new(),
    });
    let mut serving = JoinSet::new();
    serving.spawn(talk.clone().expect_hello());
    match streams {
        Streams::Quic(connection) => {
            let mut streams = 0;
            loop {
                tokio::select! {
                    opened = connection.accept_bi() => {
                        let Ok((send, recv)) = opened else { break };
                        // One that ended makes room for another, as QUIC counts them; a session needs each of its streams once.
                        streams += 1;
                        if streams > STREAMS_MAX {
                            talk.throw_out(CloseReason::ProtocolError);
                            break;
                        }
                        serving.spawn(talk.clone().serve(send, recv));
                    }
                    // What is kept of a stream that is over is let go of while the session stands.
                    Some(_) = serving.join_next() => {}
                }
            }
        }
        Streams::Tcp(tied, mut arriving) => loop {
            tokio::select! {
                () = tied.closed() => break,
                Some((send, recv)) = arriving.recv() => {
                    serving.spawn(talk.clone().serve(send, recv));
                }
                // Nothing tells of a session as a whole: it is over with the first of its connections.
                Some(served) = serving.join_next() => {
                    if !matches!(served, Ok(Served::Greeted)) {
                        tied.handle_broken();
                    }
                }
            }
        },
    }
    serving.shutdown().await;
    let passed_over = talk.session().passed_over();
    if passed_over > 0
        && let Err(error) = collector.store.passed_over(sensor, passed_over).await
    {
        collector.failed(&format!("cannot note what was passed over of sensor {sensor}"), &error);
    }
    talk.note_thrown_out().await;
    talk.note_foreign_site().await;
    let introduced = talk.session().is_introduced();
    // One that never said Hello was none, and may come without end: what is odd about it is told elsewhere.
    if introduced {
        tracing::info!(sensor, passed_over, "session over");
    }
    let has_spoken = introduced || talk.refused.get().is_some();
    collector.live.leave(sensor, number, has_spoken, talk.carrier.said_goodbye()).await;
}

/// What became of one task of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Served {
    /// A stream is over.
    Over,
    /// Hello came in time, or its absence was told.
    Greeted,
}

/// One session's streams and what they share.
struct Talk {
    collector: Arc<Collector>,
    carrier: Carrier,
    sensor: i64,
    number: u64,
    session: Mutex<Session>,
    proof: Proof,
    greeted: watch::Sender<bool>,
    /// What the sensor last said of the newest list.
    freshness: Mutex<Freshness>,
    /// Something was not said or not read in time: its end is no broken rule's.
    was_slow: AtomicBool,
    /// It has broken a rule, and is not greeted again for so long.
    broken: OnceLock<Duration>,
    /// Why it was ended though it broke no rule: it has said something.
    refused: OnceLock<CloseReason>,
}

/// Control before alerts before lists: an alert never waits for a list.
fn priority(stream: Stream) -> i32 {
    match stream {
        Stream::Control => 3,
        Stream::Alerts => 2,
        Stream::Statistics => 1,
        Stream::Lists | Stream::Hunts => 0,
    }
}

/// Only batches are large: of whatever else is half here, little is kept (I7).
fn body_max_octets(stream: Stream) -> usize {
    match stream {
        Stream::Alerts => ToCollector::BODY_MAX_OCTETS,
        Stream::Control | Stream::Statistics | Stream::Lists | Stream::Hunts => SMALL_BODY_MAX_OCTETS,
    }
}

impl Talk {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, why: CloseReason) {
        tracing::warn!(sensor = self.sensor, reason = ?why, "session ended: {}", why.sentence());
        self.carrier.close(why);
    }

    async fn expect_hello(self: Arc<Talk>) -> Served {
        let mut greeted = self.greeted.subscribe();
        let late = timeout(HELLO_WITHIN, greeted.wait_for(|greeted| *greeted)).await.is_err();
        // Who waits for the answer to its Hello has done its part, and the answer has a time of its own.
        if late && !self.session().is_introduced() {
            refused(&self.collector, self.sensor, "it proved its key and said no Hello");
            self.carrier.close(CloseReason::ProtocolError);
        }
        Served::Greeted
    }

    async fn serve<W: Outgoing, R: AsyncRead + Unpin + Send>(self: Arc<Talk>, send: W, recv: R) -> Served {
        if let Err(why) = self.serve_stream(send, recv).await {
            // Before the close: whoever sees the session over asks for it. Noted is it there, for this task ends with the session.
            if why != CloseReason::ProtocolError {
                let _ = self.refused.set(why);
            }
            // The stream ends here, and the sensor must not take that for the reason.
            self.throw_out(why);
        }
        Served::Over
    }

    async fn serve_stream<W: Outgoing, R: AsyncRead + Unpin + Send>(
        &self,
        mut send: W,
        mut recv: R,
    ) -> Result<(), CloseReason> {
        let first =
            timeout(FRAME_WITHIN, self.next(&mut recv, SMALL_BODY_MAX_OCTETS)).await.map_err(|_| self.too_slow())??;
        let Some((first, turn)) = first else {
            // Nobody who means well opens a stream and says nothing on it, unless all is over in this moment. Over TCP it is.
            let stands = matches!(&self.carrier, Carrier::Quic(connection) if connection.close_reason().is_none());
            return if stands { Err(CloseReason::ProtocolError) } else { Ok(()) };
        };
        let stream = self.session().handle_first(&first)?;
        drop(turn);
        send.prioritise(priority(stream));
        match stream {
            Stream::Control => {}
            Stream::Alerts | Stream::Statistics | Stream::Lists | Stream::Hunts => {
                let mut greeted = self.greeted.subscribe();
                if greeted.wait_for(|greeted| *greeted).await.is_err() {
                    return Ok(());
                }
            }
        }
        let body_max_octets = body_max_octets(stream);
        loop {
            if stream == Stream::Alerts {
                self.within_quota().await?;
            }
            let Some((message, turn)) = self.next(&mut recv, body_max_octets).await? else { return Ok(()) };
            let action = self.session().handle_message(stream, message, clock::monotonic())?;
            // Only a batch is held on to.
            let turn = matches!(action, Action::Ingest(_)).then_some(turn);
            match action {
                Action::Greet(said) => {
                    // A database that is busy is no fault of the sensor's, and none of what it said.
                    let greeted = timeout(GREETED_WITHIN, self.greet(&mut send, &said)).await;
                    greeted.unwrap_or(Err(CloseReason::Unavailable))?;
                }
                Action::Ingest(batch) => {
                    // Whoever does not read answers holds no place: it goes with the batch.
                    let test = self.test_in(&batch);
                    let begun = clock::monotonic();
                    let answer = self.ingest(batch, turn).await?;
                    if let Some(tested) = self.tested(test, &answer, begun).await? {
                        self.answer(&mut send, &tested).await?;
                    }
                    self.answer(&mut send, &answer).await?;
                }
                Action::Keep(heartbeat, further) => {
                    self.stored(GREETING_STORED_OCTETS);
                    let store = &self.collector.store;
                    let kept = ingest::handle_heartbeat(store, self.sensor, &heartbeat, further.as_ref(), clock::now());
                    self.tell(kept.await.map_err(|error| self.unavailable(&error))?);
                }
                Action::Follow(following) => return self.serve_lists(send, recv, following).await,
                Action::Note(outcome) => self.note(outcome).await?,
                Action::NoteRoot(_)
                | Action::NoteStanding(..)
                | Action::NoteNewest(_)
                | Action::NoteBrake(_)
                | Action::NoteChannel(..) => {
                    self.note_trust(action).await?;
                }
                Action::Renew(csr_der) => {
                    let said = self.renew(&csr_der).await?;
                    self.answer(&mut send, &said).await?;
                }
                Action::TakeTests => self.answer(&mut send, &ToAgent::TakesTests).await?,
                Action::SendWhole | Action::Nothing => {}
            }
        }
    }

    /// Nothing more is read of a sensor that had more stored than is its due: it is held back by its own windows, and holds no
    /// place meanwhile.
    async fn within_quota(&self) -> Result<(), CloseReason> {
        loop {
            let now = clock::monotonic();
            let (wait, tells) = {
                let mut quotas = self.collector.quotas();
                (quotas.wait(self.sensor, now), quotas.tells(self.sensor, now))
            };
            if tells {
                tracing::warn!(sensor = self.sensor, "it sends more than one sensor ever has to tell; it is held back");
                let told = ingest::handle_held_back(&self.collector.store, self.sensor, clock::now()).await;
                self.tell(told.map_err(|error| self.unavailable(&error))?);
            }
            if wait.is_zero() {
                return Ok(());
            }
            sleep(wait).await;
        }
    }

    async fn renew(&self, csr_der: &[u8]) -> Result<ToAgent, CloseReason> {
        let Collector { store, changes, keyring, live, .. } = &*self.collector;
        renew::renew(store, changes, keyring, live.all_visits(), self.proof, csr_der).await.map_err(|why| match why {
            NoAnswer::Store(error) => self.unavailable(&error),
            NoAnswer::Certificate(error) => {
                tracing::error!(sensor = self.sensor, "cannot renew a certificate: {error}");
                CloseReason::Unavailable
            }
        })
    }

    /// The next message of a known kind, and its place among those that are decoded at once; none where the stream or the
    /// connection is over.
    async fn next(
        &self,
        recv: &mut (impl AsyncRead + Unpin),
        body_max_octets: usize,
    ) -> Result<Option<(ToCollector, OwnedSemaphorePermit)>, CloseReason> {
        loop {
            let (kind, body) = match frame::read_octets(recv, body_max_octets).await {
                Ok(Some(read)) => read,
                Ok(None) => return Ok(None),
                Err(FrameError::Malformed(Malformed::UnknownKind(_))) => {
                    self.session().handle_unknown_kind();
                    continue;
                }
                Err(FrameError::Goodbye) => {
                    self.carrier.handle_goodbye();
                    return Ok(None);
                }
                Err(
                    error @ (FrameError::Gone
                    | FrameError::Stalled
                    | FrameError::Malformed(_)
                    | FrameError::Unsendable(_)),
                ) => {
                    return self.reason(error).map(|()| None);
                }
            };
            // Only once the body is here: whoever dawdles holds no place.
            let Ok(turn) = self.collector.decodes.clone().acquire_owned().await else {
                return Err(CloseReason::GoingDown);
            };
            let message = self.session().read(kind, &body);
            match message {
                Ok(message) => return Ok(Some((message, turn))),
                Err(Malformed::UnknownKind(_)) => self.session().handle_unknown_kind(),
                Err(malformed) => return self.reason(malformed.into()).map(|()| None),
            }
        }
    }

    fn unavailable(&self, error: &StoreError) -> CloseReason {
        self.collector.failed(&format!("cannot store what sensor {} says", self.sensor), error);
        CloseReason::Unavailable
    }

    fn stored(&self, octets: u64) {
        self.collector.quotas().handle_stored(self.sensor, octets, clock::monotonic());
    }

    fn tell(&self, changes: Vec<Change>) {
        for change in changes {
            // Nobody listening is fine.
            let _ = self.collector.changes.send(change);
        }
    }

    async fn answer(&self, send: &mut (impl AsyncWrite + Unpin), message: &ToAgent) -> Result<(), CloseReason> {
        frame::write(send, message, WRITE_WITHIN).await.or_else(|error| self.reason(error))
    }

    async fn greet(&self, send: &mut (impl AsyncWrite + Unpin), said: &Introduction) -> Result<(), CloseReason> {
        let Collector { store, live, .. } = &*self.collector;
        // Each Hello leaves something: whoever says nothing else must not say it without end.
        if !self.collector.quotas().wait(self.sensor, clock::monotonic()).is_zero() {
            return Err(CloseReason::Unavailable);
        }
        self.stored(GREETING_STORED_OCTETS);
        let unavailable = |error: StoreError| self.unavailable(&error);
        let sensors = store.living_sensors(Scope::Operator).await.map_err(unavailable)?;
        let met = live.meet(self.sensor, self.number, self.proof, said).await.map_err(unavailable)?;
        let (reconnect_spread_ms, clock) = (reconnect_spread_ms(sensors), clock::now());
        let protocol = said.protocol;
        let (committed, answer) = match met {
            Some(Met::Stands { committed, mark: None }) => {
                (committed, ToAgent::HelloAck { protocol, committed, reconnect_spread_ms, clock })
            }
            Some(Met::Stands { committed, mark: Some(mark) }) => {
                let greeting = Greeting { protocol, committed, reconnect_spread_ms, clock, mark };
                (committed, ToAgent::Greeting(greeting))
            }
            // It ends the session itself once it has heard.
            Some(Met::NewEpoch { committed }) => return self.answer(send, &ToAgent::NewEpoch { committed }).await,
            Some(Met::Quarantined) => return Err(CloseReason::Quarantined),
            Some(Met::Revoked) => {
                ended(&self.collector, &self.proof.spki_sha256).await.map_err(unavailable)?;
                return Err(CloseReason::Revoked);
            }
            None => return Err(CloseReason::Replaced),
        };
        self.note_held(&said.hello).await?;
        self.answer(send, &answer).await?;
        self.greeted.send_replace(true);
        let revision = said.hello.revision.0;
        tracing::info!(sensor = self.sensor, protocol, revision, committed = committed.0, "session stands");
        Ok(())
    }

    async fn ingest(&self, batch: Batch, place: Option<OwnedSemaphorePermit>) -> Result<ToAgent, CloseReason> {
        let stored = self.collector.ingests.handle_batch(self.sensor, batch, place).await;
        let stored = stored.map_err(|why| match why {
            NotStored::Store(error) => self.unavailable(&error),
            NotStored::Refused(IngestError::Store(error)) => self.unavailable(&error),
            NotStored::GivenUp => CloseReason::Unavailable,
            NotStored::Refused(
                error @ (IngestError::Malformed(_) | IngestError::Revoked | IngestError::Quarantined),
            ) => {
                tracing::warn!(sensor = self.sensor, "a batch was not taken: {error}");
                match error {
                    IngestError::Malformed(_) => CloseReason::ProtocolError,
                    IngestError::Revoked => CloseReason::Revoked,
                    IngestError::Quarantined => CloseReason::Quarantined,
                    IngestError::Store(_) => CloseReason::Unavailable,
                }
            }
        })?;
        self.stored(stored.octets);
        Ok(match stored.reply {
            IngestReply::Ack { epoch, seq } => ToAgent::Ack { epoch, seq },
            IngestReply::Gap { expected } => ToAgent::Gap { expected },
        })
    }

    async fn serve_lists<W: Outgoing, R: AsyncRead + Unpin + Send>(
        &self,
        mut send: W,
        mut recv: R,
        held: Following,
    ) -> Result<(), CloseReason> {
        if let Some(holds) = &held.holds {
            self.note_channel(&holds.channel, None).await?;
        }
        let offered = || self.session().handle_offered();
        let asks_whole = Notify::new();
        let follower = Follower { sensor: self.sensor, store: &self.collector.store, asks_whole: &asks_whole };
        let follow = self.collector.lists.follow(&self.carrier, &mut send, follower, held, offered);
        let hear = async {
            while let Some((message, _turn)) = self.next(&mut recv, SMALL_BODY_MAX_OCTETS).await? {
                let action = self.session().handle_message(Stream::Lists, message, clock::monotonic())?;
                match action {
                    Action::Note(outcome) => self.note(outcome).await?,
                    Action::SendWhole => asks_whole.notify_one(),
                    other => self.note_trust(other).await?,
                }
            }
            Ok(())
        };
        tokio::select! {
            followed = follow => followed.or_else(|error| self.reason(error)),
            heard = hear => heard,
        }
    }
}
