//! Sensors' sessions over QUIC: turns the crank of [`crate::session`] and does what it says.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::{Connection, ConnectionError, Endpoint, Incoming, RecvStream, SendStream};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use varde_common::codec::Malformed;
use varde_common::id::Revision;
use varde_common::message::{Batch, CloseReason, Greeting, ListOutcome, PROTOCOLS, Stream, ToAgent, ToCollector};

use super::frame::{self, FrameError};
use super::lists::Lists;
use super::live::{Entered, Live};
use super::{clock, quic};
use crate::certificate::spki_sha256;
use crate::change::{Change, Changes};
use crate::control::Poke;
use crate::ingest::hello::{Introduction, Met};
use crate::ingest::{self, IngestError, IngestReply};
use crate::limits::{
    DECODES_AT_ONCE, FRAME_WITHIN, HANDSHAKE_WITHIN, HANDSHAKES_BEFORE_RETRY, HELLO_WITHIN, INGESTS_AT_ONCE,
    SESSIONS_MAX, WRITE_WITHIN,
};
use crate::session::{Action, Session, reconnect_spread_ms};
use crate::store::{Scope, Store, StoreError};

/// What all sessions share.
#[derive(Debug)]
pub struct Collector {
    store: Store,
    changes: Changes,
    live: Live,
    lists: Lists,
    ingests: Semaphore,
    decodes: Semaphore,
    protocols: RangeInclusive<u16>,
    places: Arc<Semaphore>,
    handshakes: AtomicUsize,
}

impl Collector {
    /// A collector with nobody connected.
    pub fn new(store: Store, changes: Changes) -> Arc<Collector> {
        Collector::speaking(store, changes, PROTOCOLS)
    }

    /// The same, of a program that speaks these versions of the conversation.
    pub fn speaking(store: Store, changes: Changes, protocols: RangeInclusive<u16>) -> Arc<Collector> {
        Arc::new(Collector {
            live: Live::new(store.clone(), changes.clone()),
            lists: Lists::new(),
            ingests: Semaphore::new(INGESTS_AT_ONCE),
            decodes: Semaphore::new(DECODES_AT_ONCE),
            protocols,
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
        };
        if let Err(error) = &looked {
            self.failed("cannot look at what a command has changed", error);
        }
        looked.is_ok()
    }

    /// The store could not do something. That the disk is full is said once, however many sessions meet it.
    fn failed(&self, what: &str, error: &StoreError) {
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
        let Ok(place) = collector.places.clone().try_acquire_owned() else {
            tracing::warn!("{SESSIONS_MAX} sessions stand; another was refused");
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
    match identify(collector, &connection).await {
        Ok((sensor, number, session)) => {
            converse(collector, &connection, sensor, number, session).await;
            // Whoever says goodbye was there until then; a connection that timed out says nothing.
            let said_goodbye = matches!(connection.close_reason(), Some(ConnectionError::ApplicationClosed(_)));
            collector.live.leave(sensor, number, said_goodbye).await;
        }
        Err(reason) => quic::close(&connection, reason),
    }
}

/// Who it is, by the public key it has proved, and whether it may come in.
async fn identify(collector: &Collector, connection: &Connection) -> Result<(i64, u64, Session), CloseReason> {
    let store_error = |error: StoreError| {
        collector.failed("cannot look up a sensor", &error);
        CloseReason::Unavailable
    };
    let chain = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let certificate = chain.as_ref().and_then(|chain| chain.first()).ok_or(CloseReason::ProtocolError)?;
    let spki = spki_sha256(certificate).map_err(|_| CloseReason::ProtocolError)?;
    let known = collector.store.sensor_by_key(Scope::Operator, &spki).await.map_err(store_error)?;
    let Some(known) = known else {
        tracing::warn!("a certificate of ours whose sensor the database does not know was refused");
        return Err(CloseReason::Revoked);
    };
    if known.revoked {
        tracing::warn!(sensor = known.sensor, "a revoked sensor was refused");
        return Err(CloseReason::Revoked);
    }
    let sites = collector.store.sites_of(Scope::Operator, known.sensor).await.map_err(store_error)?;
    match collector.live.enter(known.sensor, &spki, connection).await.map_err(store_error)? {
        Entered::As(number) => Ok((known.sensor, number, Session::new(sites, collector.protocols.clone()))),
        Entered::Revoked => Err(CloseReason::Revoked),
        Entered::Quarantined => {
            tracing::warn!(sensor = known.sensor, "a sensor in quarantine was refused");
            Err(CloseReason::Quarantined)
        }
    }
}

/// Serves the streams of a connection until it ends.
async fn converse(collector: &Arc<Collector>, connection: &Connection, sensor: i64, number: u64, session: Session) {
    let talk = Arc::new(Talk {
        collector: collector.clone(),
        connection: connection.clone(),
        sensor,
        number,
        session: Mutex::new(session),
        greeted: watch::Sender::new(false),
    });
    let mut streams = JoinSet::new();
    streams.spawn(talk.clone().expect_hello());
    while let Ok((send, recv)) = connection.accept_bi().await {
        streams.spawn(talk.clone().serve(send, recv));
    }
    streams.shutdown().await;
    let passed_over = talk.session().passed_over();
    if passed_over > 0
        && let Err(error) = collector.store.passed_over(sensor, passed_over).await
    {
        tracing::error!(sensor, "cannot note what was passed over: {error}");
    }
    tracing::info!(sensor, passed_over, "session over");
}

/// One session's streams and what they share.
struct Talk {
    collector: Arc<Collector>,
    connection: Connection,
    sensor: i64,
    number: u64,
    session: Mutex<Session>,
    greeted: watch::Sender<bool>,
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

/// A frame error as the end of a session; none where the connection is gone anyway.
fn reason(error: FrameError) -> Result<(), CloseReason> {
    match error {
        FrameError::Gone => Ok(()),
        FrameError::Stalled | FrameError::Malformed(_) => Err(CloseReason::ProtocolError),
    }
}

impl Talk {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, why: CloseReason) {
        tracing::warn!(sensor = self.sensor, reason = ?why, "session ended: {}", why.sentence());
        quic::close(&self.connection, why);
    }

    async fn expect_hello(self: Arc<Talk>) {
        let mut greeted = self.greeted.subscribe();
        if timeout(HELLO_WITHIN, greeted.wait_for(|greeted| *greeted)).await.is_err() {
            self.close(CloseReason::ProtocolError);
        }
    }

    async fn serve(self: Arc<Talk>, send: SendStream, recv: RecvStream) {
        if let Err(why) = self.serve_stream(send, recv).await {
            self.close(why);
        }
    }

    async fn serve_stream(&self, mut send: SendStream, mut recv: RecvStream) -> Result<(), CloseReason> {
        let first = timeout(FRAME_WITHIN, self.next(&mut recv)).await.map_err(|_| CloseReason::ProtocolError)??;
        let Some((first, turn)) = first else { return Ok(()) };
        let stream = self.session().handle_first(&first)?;
        drop(turn);
        let _ = send.set_priority(priority(stream));
        match stream {
            Stream::Control => {}
            Stream::Alerts | Stream::Statistics | Stream::Lists | Stream::Hunts => {
                let mut greeted = self.greeted.subscribe();
                if greeted.wait_for(|greeted| *greeted).await.is_err() {
                    return Ok(());
                }
            }
        }
        while let Some((message, turn)) = self.next(&mut recv).await? {
            let action = self.session().handle_message(stream, message, clock::monotonic())?;
            // Only a batch is held on to.
            let turn = matches!(action, Action::Ingest(_)).then_some(turn);
            match action {
                Action::Greet(said) => self.greet(&mut send, &said).await?,
                Action::Ingest(batch) => {
                    let answer = self.ingest(&batch).await?;
                    // Whoever does not read answers must not hold a place.
                    drop((batch, turn));
                    self.answer(&mut send, &answer).await?;
                }
                Action::Keep(heartbeat, further) => {
                    let store = &self.collector.store;
                    let kept = ingest::handle_heartbeat(store, self.sensor, &heartbeat, further.as_ref(), clock::now());
                    self.tell(kept.await.map_err(|error| self.unavailable(&error))?);
                }
                Action::Follow(revision) => return self.serve_lists(send, recv, revision).await,
                Action::Note(outcome) => self.note(outcome).await?,
                Action::Nothing => {}
            }
        }
        Ok(())
    }

    /// The next message of a known kind, and its place among those that are decoded at once; none where the stream or the
    /// connection is over.
    async fn next(&self, recv: &mut RecvStream) -> Result<Option<(ToCollector, SemaphorePermit<'_>)>, CloseReason> {
        loop {
            let (kind, body) = match frame::read_octets(recv).await {
                Ok(Some(read)) => read,
                Ok(None) => return Ok(None),
                Err(error) => return reason(error).map(|()| None),
            };
            // Only once the body is here: whoever dawdles holds no place.
            let Ok(turn) = self.collector.decodes.acquire().await else { return Err(CloseReason::GoingDown) };
            let message = self.session().read(kind, &body);
            match message {
                Ok(message) => return Ok(Some((message, turn))),
                Err(Malformed::UnknownKind(_)) => self.session().handle_unknown_kind(),
                Err(malformed) => return reason(malformed.into()).map(|()| None),
            }
        }
    }

    fn unavailable(&self, error: &StoreError) -> CloseReason {
        self.collector.failed(&format!("cannot store what sensor {} says", self.sensor), error);
        CloseReason::Unavailable
    }

    fn tell(&self, changes: Vec<Change>) {
        for change in changes {
            // Nobody listening is fine.
            let _ = self.collector.changes.send(change);
        }
    }

    async fn answer(&self, send: &mut SendStream, message: &ToAgent) -> Result<(), CloseReason> {
        frame::write(send, message, WRITE_WITHIN).await.or_else(reason)
    }

    async fn greet(&self, send: &mut SendStream, said: &Introduction) -> Result<(), CloseReason> {
        let Collector { store, live, .. } = &*self.collector;
        let unavailable = |error: StoreError| self.unavailable(&error);
        let sensors = store.living_sensors(Scope::Operator).await.map_err(unavailable)?;
        let met = live.meet(self.sensor, self.number, said).await.map_err(unavailable)?;
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
            Some(Met::Revoked) => return Err(CloseReason::Revoked),
            None => return Err(CloseReason::Replaced),
        };
        self.answer(send, &answer).await?;
        self.greeted.send_replace(true);
        let revision = said.hello.revision.0;
        tracing::info!(sensor = self.sensor, protocol, revision, committed = committed.0, "session stands");
        Ok(())
    }

    async fn ingest(&self, batch: &Batch) -> Result<ToAgent, CloseReason> {
        let Ok(turn) = self.collector.ingests.acquire().await else { return Err(CloseReason::GoingDown) };
        let outcome = ingest::handle_batch(&self.collector.store, self.sensor, batch, clock::now()).await;
        drop(turn);
        let outcome = outcome.map_err(|error| {
            if let IngestError::Store(error) = &error {
                return self.unavailable(error);
            }
            tracing::warn!(sensor = self.sensor, "a batch was not taken: {error}");
            match error {
                IngestError::UnknownSite(_) => CloseReason::UnknownSite,
                IngestError::Malformed(_) => CloseReason::ProtocolError,
                IngestError::Revoked => CloseReason::Revoked,
                IngestError::Store(_) => CloseReason::Unavailable,
            }
        })?;
        self.tell(outcome.changes);
        Ok(match outcome.reply {
            IngestReply::Ack { epoch, seq } => ToAgent::Ack { epoch, seq },
            IngestReply::Gap { expected } => ToAgent::Gap { expected },
        })
    }

    async fn serve_lists(&self, mut send: SendStream, mut recv: RecvStream, held: Revision) -> Result<(), CloseReason> {
        let offered = || self.session().handle_offered();
        let follow = self.collector.lists.follow(&self.connection, &mut send, held, offered);
        let hear = async {
            while let Some((message, _turn)) = self.next(&mut recv).await? {
                let action = self.session().handle_message(Stream::Lists, message, clock::monotonic())?;
                if let Action::Note(outcome) = action {
                    self.note(outcome).await?;
                }
            }
            Ok(())
        };
        tokio::select! {
            followed = follow => followed.or_else(reason),
            heard = hear => heard,
        }
    }

    async fn note(&self, outcome: ListOutcome) -> Result<(), CloseReason> {
        let store = &self.collector.store;
        let noted = match outcome {
            ListOutcome::InForce { revision, since } => {
                tracing::info!(sensor = self.sensor, revision = revision.0, "list in force");
                store.list_in_force(self.sensor, revision, since.clamped(), clock::now()).await
            }
            ListOutcome::Refused { in_force, why } => {
                tracing::warn!(sensor = self.sensor, in_force = in_force.0, "list refused: {}", why.as_str());
                store.list_refused(self.sensor, in_force, why.as_str(), clock::now()).await
            }
        };
        noted.map_err(|error| self.unavailable(&error))?;
        self.tell(vec![Change::Sensor(self.sensor)]);
        Ok(())
    }
}
