//! The way in where UDP is blocked: one TCP listener for sessions, enrolment, renewal and root documents, told apart by ALPN, TLS 1.3 alone.
//!
//! Beside them the list is served to readers, over HTTP and by token, where there are any (`feed_lane`). Nothing else is served here:
//! who offers none of these names, or speaks no TLS, is closed upon without an answer.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use rustls::server::Acceptor;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use varde_common::message::CloseReason;
use varde_common::tie::{
    ALPN_ENROLL_TCP, ALPN_ENROLL_WAITING_TCP, ALPN_RENEW_TCP, ALPN_ROOT_TCP, ALPN_SESSION_TCP, SessionId, Word,
};
use varde_common::token::EXPORTER_LABEL;

use super::carrier::Carrier;
use super::clock;
use super::enroll::{self, Caller, Enrolment};
use super::feed_lane::FeedLane;
use super::feed_tls::ALPN_HTTP;
use super::frame;
use super::keyring::{Keyring, Shown};
use super::listen::Collector;
use super::quic::{self, QuicError};
use super::renew::Proof;
use super::root_lane;
use super::talk::{Streams, converse, enter};
use super::tied::Tied;
use crate::arrivals::{Arrival, Arrivals, Place};
use crate::limits::{
    ACCEPT_AGAIN_AFTER, ENROL_WITHIN, FILES_KEPT, GOODBYE_WITHIN, HANDSHAKE_WITHIN, HELLO_WITHIN, TCP_ARRIVING_MAX,
    TCP_BACKLOG, TCP_CONNECTIONS_MAX, TCP_RECEIVE_BUFFER_OCTETS,
};

/// TLS by what is asked for.
pub struct DoorTls {
    session: Arc<ServerConfig>,
    enrolment: Arc<ServerConfig>,
    renewal: Arc<ServerConfig>,
    feeds: Arc<ServerConfig>,
}

impl DoorTls {
    /// With the collector's certificate.
    ///
    /// # Errors
    /// [`QuicError::Tls`].
    pub fn new(keyring: &Arc<Keyring>, feeds: Arc<ServerConfig>) -> Result<DoorTls, QuicError> {
        let tls = |shown, alpns: &[&[u8]]| quic::tls(keyring, shown, alpns).map(Arc::new);
        Ok(DoorTls {
            session: tls(Shown::Good, &[ALPN_SESSION_TCP])?,
            enrolment: tls(Shown::MayHaveRunOutOrNone, &[ALPN_ENROLL_WAITING_TCP, ALPN_ENROLL_TCP, ALPN_ROOT_TCP])?,
            renewal: tls(Shown::MayHaveRunOut, &[ALPN_RENEW_TCP])?,
            feeds,
        })
    }
}

/// What comes in here meets.
pub struct Door {
    tls: DoorTls,
    collector: Arc<Collector>,
    enrolment: Arc<Enrolment>,
    feeds: Arc<FeedLane>,
    /// Sessions that stand, as many as there are places: each leaves this table when it ends.
    tied: Mutex<HashMap<SessionId, Tied>>,
}

impl Door {
    /// Nobody has come yet.
    pub fn new(tls: DoorTls, collector: Arc<Collector>, enrolment: Arc<Enrolment>, feeds: Arc<FeedLane>) -> Arc<Door> {
        Arc::new(Door { tls, collector, enrolment, feeds, tied: Mutex::default() })
    }

    fn tied(&self) -> MutexGuard<'_, HashMap<SessionId, Tied>> {
        self.tied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listening socket; `[::]` takes IPv4 too, and on a machine without IPv6 becomes `0.0.0.0`.
///
/// # Errors
/// The system's own.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    match bind_one(address) {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && quic::no_such_family(&error) => {
            bind_one(SocketAddr::from((std::net::Ipv4Addr::UNSPECIFIED, address.port())))
        }
        other => other,
    }
}

fn bind_one(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A collector that was killed comes back at once on the same port.
    socket.set_reuse_address(true)?;
    // Each connection inherits it: what a sensor sends that is not read stays with the sensor.
    socket.set_recv_buffer_size(TCP_RECEIVE_BUFFER_OCTETS as usize)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG as i32)?;
    TcpListener::from_std(socket.into())
}

/// Takes in connections until told to stop, then says goodbye to each.
pub async fn accept(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
    let most = connections_max(std::fs::read_to_string("/proc/self/limits").ok().as_deref());
    // Whoever is here over TCP has its address: there is nothing to prove.
    let arriving_max = arriving_max(most);
    let arriving = Arrivals::new(arriving_max);
    let places = Arc::new(Semaphore::new(most));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        let (connection, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!("a connection could not be accepted: {error}");
                sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let Arrival::Come(arrival) = arriving.arrive(from.ip(), false) else {
            if let Some(count) = arriving.turned_away(clock::monotonic()) {
                tracing::warn!(
                    count,
                    "TCP connections were closed unheard: too many, of one neighbourhood or of many, do not say what they are"
                );
            }
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tracing::warn!("{most} TCP connections stand; another was closed (see ulimit -n, LimitNOFILE)");
            continue;
        };
        let door = door.clone();
        connections.spawn(async move {
            attend(door, connection, from.ip(), arrival, place).await;
        });
    }
    drop(listener);
    for tied in door.tied().values() {
        tied.close(CloseReason::GoingDown);
    }
    while connections.join_next().await.is_some() {}
}

/// How many connections there may be: each is an open file, and the database must never lack one. `limits` is
/// `/proc/self/limits` (proc_pid_limits(5)).
fn connections_max(limits: Option<&str>) -> usize {
    let files = limits.and_then(|limits| {
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse::<usize>().ok()
    });
    files.map_or(TCP_CONNECTIONS_MAX, |files| files.saturating_sub(FILES_KEPT).clamp(1, TCP_CONNECTIONS_MAX))
}

/// Of so many connections, those that may be on their way in: they never take the places of sessions.
fn arriving_max(most: usize) -> usize {
    TCP_ARRIVING_MAX.min(most / 4).max(1)
}

/// One connection from handshake to end. A reader's gives back the place among those of sensors: readers have their own, and the files for
/// them are kept.
async fn attend(door: Arc<Door>, connection: TcpStream, from: IpAddr, arrival: Place, place: OwnedSemaphorePermit) {
    let _ = connection.set_nodelay(true);
    let Ok(Some((mut tls, reads))) = timeout(HANDSHAKE_WITHIN, shake_hands(&door, connection)).await else {
        tracing::debug!("a TLS handshake failed: no certificate of ours, another protocol, or too slow");
        return;
    };
    if reads {
        drop((arrival, place));
        return Arc::clone(&door.feeds).attend(tls, from).await;
    }
    let settled = tls.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    if let Some(name @ (ALPN_ENROLL_TCP | ALPN_ENROLL_WAITING_TCP)) = settled.as_deref() {
        drop(arrival);
        return enrol(&door.enrolment, tls, from, name == ALPN_ENROLL_WAITING_TCP).await;
    }
    if settled.as_deref() == Some(ALPN_RENEW_TCP) {
        drop(arrival);
        return renew(&door.enrolment, tls, from).await;
    }
    if settled.as_deref() == Some(ALPN_ROOT_TCP) {
        drop(arrival);
        return tell_roots(&door.enrolment, tls, from).await;
    }
    let chain = tls.get_ref().1.peer_certificates();
    let Some(proof) = chain.and_then(Proof::of) else { return refuse(tls, CloseReason::ProtocolError).await };
    let word = timeout(HELLO_WITHIN, frame::read_word(&mut tls)).await;
    drop(arrival);
    match word {
        Ok(Ok(Word::Tie(None))) => begin(&door, tls, proof).await,
        Ok(Ok(Word::Tie(Some(id)))) => join(&door, tls, proof.spki_sha256, id).await,
        Ok(Ok(Word::Tied(_) | Word::Alive | Word::Close(_)) | Err(_)) | Err(_) => {
            refuse(tls, CloseReason::ProtocolError).await;
        }
    }
}

/// TLS with the settings that the offered protocol name asks for; none where it is none of ours. Gives too whether it is a reader's: by
/// a name of the web's or without any, and only while there are readers.
async fn shake_hands(door: &Door, connection: TcpStream) -> Option<(TlsStream<TcpStream>, bool)> {
    let begun = LazyConfigAcceptor::new(Acceptor::default(), connection).await.ok()?;
    let offers = |name: &[u8]| begun.client_hello().alpn().is_some_and(|mut offered| offered.any(|one| one == name));
    let enrols = offers(ALPN_ENROLL_TCP) || offers(ALPN_ENROLL_WAITING_TCP) || offers(ALPN_ROOT_TCP);
    let tls = match (offers(ALPN_SESSION_TCP), enrols, offers(ALPN_RENEW_TCP)) {
        (true, _, _) => &door.tls.session,
        (false, true, _) => &door.tls.enrolment,
        (false, false, true) => &door.tls.renewal,
        (false, false, false) => {
            let is_readers = begun.client_hello().alpn().is_none() || offers(ALPN_HTTP);
            if !is_readers || !door.feeds.is_open().await {
                return None;
            }
            return Some((begun.into_stream(Arc::clone(&door.tls.feeds)).await.ok()?, true));
        }
    };
    Some((begun.into_stream(Arc::clone(tls)).await.ok()?, false))
}

/// A session's first connection: it gives the session its id.
async fn begin(door: &Door, mut tls: TlsStream<TcpStream>, proof: Proof) {
    let spki = proof.spki_sha256;
    let Some(place) = door.collector.place() else { return refuse(tls, CloseReason::Unavailable).await };
    let mut id = [0; 16];
    if let Err(error) = getrandom::fill(&mut id) {
        tracing::error!("the system gives no random numbers: {error}");
        return refuse(tls, CloseReason::Unavailable).await;
    }
    let (tied, arriving) = Tied::new(SessionId(id), spki);
    let carrier = Carrier::Tcp(tied.clone());
    let guest = match enter(&door.collector, proof, &carrier).await {
        Ok(guest) => guest,
        Err(reason) => return refuse(tls, reason).await,
    };
    door.tied().insert(tied.id(), tied.clone());
    let first = async {
        let counted = tied.tie(&spki, clock::monotonic()).is_ok();
        if counted && say(&mut tls, Word::Tied(tied.id())).await {
            tied.carry(tls).await;
        } else {
            tied.handle_broken();
        }
    };
    let talk = async {
        converse(&door.collector, carrier, guest, Streams::Tcp(tied.clone(), arriving)).await;
        door.tied().remove(&tied.id());
        drop(place);
    };
    tokio::join!(first, talk);
}

/// A further connection of a session that stands.
async fn join(door: &Door, mut tls: TlsStream<TcpStream>, spki: [u8; 32], id: SessionId) {
    let tied = door.tied().get(&id).cloned();
    let Some(tied) = tied else { return refuse(tls, CloseReason::ProtocolError).await };
    if let Err(why) = tied.tie(&spki, clock::monotonic()) {
        tracing::warn!("a connection that wanted to join a session was refused: {why}");
        return refuse(tls, CloseReason::ProtocolError).await;
    }
    if say(&mut tls, Word::Tied(id)).await {
        tied.carry(tls).await;
    } else {
        tied.handle_broken();
    }
}

async fn enrol(enrolment: &Enrolment, mut tls: TlsStream<TcpStream>, address: IpAddr, can_wait: bool) {
    let Arrival::Come(_place) = enrolment.places.arrive(address, false) else {
        return refuse(tls, CloseReason::Unavailable).await;
    };
    let exporter = tls.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(b"")).ok();
    let (mut recv, mut send) = tokio::io::split(&mut tls);
    let talk = enroll::converse(enrolment, &mut send, &mut recv, Caller { exporter, address, can_wait });
    match timeout(ENROL_WITHIN, talk).await {
        Ok(Ok(())) => {
            let _ = timeout(GOODBYE_WITHIN, tls.shutdown()).await;
        }
        Ok(Err(why)) => refuse(tls, why).await,
        Err(_) => refuse(tls, CloseReason::ProtocolError).await,
    }
}

async fn renew(enrolment: &Enrolment, mut tls: TlsStream<TcpStream>, address: IpAddr) {
    let Arrival::Come(_place) = enrolment.places.arrive(address, false) else {
        return refuse(tls, CloseReason::Unavailable).await;
    };
    let proof = tls.get_ref().1.peer_certificates().and_then(Proof::of);
    let Some(proof) = proof else { return refuse(tls, CloseReason::ProtocolError).await };
    let (mut recv, mut send) = tokio::io::split(&mut tls);
    let talk = enroll::converse_renewal(enrolment, &mut send, &mut recv, proof);
    match timeout(ENROL_WITHIN, talk).await {
        Ok(Ok(())) => {
            let _ = timeout(GOODBYE_WITHIN, tls.shutdown()).await;
        }
        Ok(Err(why)) => refuse(tls, why).await,
        Err(_) => refuse(tls, CloseReason::ProtocolError).await,
    }
}

async fn tell_roots(enrolment: &Enrolment, mut tls: TlsStream<TcpStream>, address: IpAddr) {
    let Arrival::Come(_place) = enrolment.places.arrive(address, false) else {
        return refuse(tls, CloseReason::Unavailable).await;
    };
    let (mut recv, mut send) = tokio::io::split(&mut tls);
    match timeout(ENROL_WITHIN, root_lane::converse(enrolment, &mut send, &mut recv, address)).await {
        Ok(Ok(())) => {
            let _ = timeout(GOODBYE_WITHIN, tls.shutdown()).await;
        }
        Ok(Err(why)) => refuse(tls, why).await,
        Err(_) => refuse(tls, CloseReason::ProtocolError).await,
    }
}

async fn say(tls: &mut TlsStream<TcpStream>, word: Word) -> bool {
    let Ok(frame) = word.to_frame() else { return false };
    let said = async {
        tls.write_all(&frame).await?;
        tls.flush().await
    };
    matches!(timeout(HELLO_WITHIN, said).await, Ok(Ok(())))
}

/// Says why, and ends the connection.
async fn refuse(mut tls: TlsStream<TcpStream>, why: CloseReason) {
    let last = async {
        say(&mut tls, Word::Close(why)).await;
        let _ = tls.shutdown().await;
    };
    let _ = timeout(GOODBYE_WITHIN, last).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_connections_leave_files_for_the_database() {
        let limits = |soft: &str| {
            format!(
                "Limit  Soft Limit  Hard Limit  Units\nMax open files            {soft}                 524288               files\n"
            )
        };
        let most = |soft: &str| connections_max(Some(&limits(soft)));
        assert_eq!([most("1024"), most("100"), most("unlimited")], [1024 - FILES_KEPT, 1, TCP_CONNECTIONS_MAX]);
        assert_eq!(connections_max(None), TCP_CONNECTIONS_MAX);
        // Strangers have a quarter of what there is, however little that may be.
        assert_eq!(
            [most("1024"), most("100"), most("unlimited")].map(arriving_max),
            [(1024 - FILES_KEPT) / 4, 1, TCP_ARRIVING_MAX]
        );
    }
}
