//! A collector for tests: real certificates, real QUIC and TCP, a store in memory, and faults on request.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, VarInt};
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use varde_common::codec::{FrameHeader, Text};
use varde_common::compact::Unpacker;
use varde_common::id::{Epoch, Mark, SensorId, Seq};
use varde_common::limits::LIST_CHUNK_MAX_OCTETS;
use varde_common::message::{
    ALPN_ENROLL, ALPN_SESSION, CloseReason, EnrolRefusal, Greeting, ListOutcome, Stream, ToAgent, ToCollector,
};
use varde_common::record::Record;
use varde_common::tie::{ALPN_ENROLL_TCP, ALPN_SESSION_TCP, SessionId, Word};
use varde_common::time::Timestamp;
use varde_common::token::{EXPORTER_LABEL, Token, proof_is_good, secret_hash};
use varde_common::trust::{COLLECTOR_NAME, Domain, hex, sha256, sign};

use super::tls::provider;
use crate::subscription::tests::{Key, key, root_of};

/// What the double does wrong, in order, one for each session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Reads the first batch, stores it, and breaks off without an acknowledgement.
    NoAck,
    /// Stores nothing of the first batch and asks for it again.
    Gap,
    /// Says the sensor is revoked.
    Revoked,
    /// Stores nothing, and says nothing to it.
    Withhold,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) records: BTreeMap<Seq, Vec<u8>>,
    pub(crate) sent_twice: u64,
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) sessions: u64,
    /// Of them over TCP.
    pub(crate) over_tcp: u64,
    pub(crate) heartbeats: u64,
    pub(crate) outcomes: Vec<ListOutcome>,
    /// The marks that were said in front of each Hello.
    pub(crate) kept: Vec<Option<Mark>>,
    faults: VecDeque<Fault>,
    publication: Publication,
    token_used: bool,
}

impl Seen {
    pub(crate) fn faults_again(&mut self, faults: &[Fault]) {
        self.faults = faults.iter().copied().collect();
    }

    pub(crate) fn bodies(&self) -> Vec<varde_common::record::RecordBody> {
        self.records.values().map(|octets| Record::from_octets(octets).unwrap().body).collect()
    }
}

/// The double, running.
pub(crate) struct Double {
    pub(crate) seen: Arc<Mutex<Seen>>,
    pub(crate) quic: SocketAddr,
    pub(crate) enroll: SocketAddr,
    pub(crate) tcp: SocketAddr,
    root_document: Vec<u8>,
    _runtime: Runtime,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

/// The name another CA than ours goes by: a middlebox's.
pub(crate) const FOREIGN: &str = "FortiGate CA";

fn authority(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Authority { issuer: Issuer::new(params, key), der }
}

fn server_tls(authority: &Authority, mutual: bool, alpn: &[u8]) -> rustls::ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![COLLECTOR_NAME.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let builder = if mutual {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.der.clone())).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![certificate.der().clone(), CertificateDer::from(authority.der.clone())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut tls = builder.with_single_cert(chain, key).unwrap();
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls
}

fn over_quic(tls: rustls::ServerConfig) -> quinn::ServerConfig {
    quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()))
}

/// What is published to each sensor that has an older list.
pub(crate) type Publication = (u64, Vec<u8>, Vec<u8>);

impl Double {
    /// Starts; `another_ca` gives it server certificates of a CA its root document does not name.
    pub(crate) fn start(faults: &[Fault], publication: Publication, another_ca: bool) -> Double {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let authority = Arc::new(authority("Varde CA"));
        let list_key: Key = key(1);
        let mut root = root_of(&list_key);
        root.ca.insert(hex(&sha256(&authority.der)));
        let root_document = sign(Domain::Root, &root, &[&list_key]).unwrap();
        let shown = if another_ca { Arc::new(self::authority(FOREIGN)) } else { Arc::clone(&authority) };
        let seen =
            Arc::new(Mutex::new(Seen { faults: faults.iter().copied().collect(), publication, ..Seen::default() }));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let _entered = runtime.enter();
        let quic = Endpoint::server(over_quic(server_tls(&shown, true, ALPN_SESSION)), any).unwrap();
        let enroll = Endpoint::server(over_quic(server_tls(&shown, false, ALPN_ENROLL)), any).unwrap();
        let (quic_address, enroll_address) = (quic.local_addr().unwrap(), enroll.local_addr().unwrap());
        let listener = std::net::TcpListener::bind(any).unwrap();
        listener.set_nonblocking(true).unwrap();
        let tcp = listener.local_addr().unwrap();
        let door = Arc::new(Door {
            session: Arc::new(server_tls(&shown, true, ALPN_SESSION_TCP)),
            enrolment: Arc::new(server_tls(&shown, false, ALPN_ENROLL_TCP)),
            authority: Arc::clone(&authority),
            document: root_document.clone(),
            seen: Arc::clone(&seen),
            tied: Mutex::default(),
        });
        let listener = TcpListener::from_std(listener).unwrap();
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(arrive(Arc::clone(&door), connection));
            }
        });
        let (seen_there, document) = (Arc::clone(&seen), root_document.clone());
        runtime.spawn(async move {
            while let Some(incoming) = enroll.accept().await {
                let Ok(connection) = incoming.await else { continue };
                let Ok((mut send, mut receive)) = connection.accept_bi().await else { continue };
                let mut exporter = [0; 32];
                connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"").unwrap();
                enrol(&mut send, &mut receive, exporter, &document, &authority, &seen_there).await;
                connection.closed().await;
            }
        });
        let seen_there = Arc::clone(&seen);
        runtime.spawn(async move {
            while let Some(incoming) = quic.accept().await {
                let Ok(connection) = incoming.await else { continue };
                tokio::spawn(session(connection, Arc::clone(&seen_there)));
            }
        });
        drop(_entered);
        Double { seen, quic: quic_address, enroll: enroll_address, tcp, root_document, _runtime: runtime }
    }

    /// Publishes another list from the next session on.
    pub(crate) fn publish(&self, publication: Publication) {
        self.seen.lock().unwrap().publication = publication;
    }

    /// A token for it.
    pub(crate) fn token(&self) -> Token {
        Token {
            sensor: SensorId(7),
            member: Text::cut("3407"),
            quic: Text::cut(&self.quic.to_string()),
            enroll: Text::cut(&self.enroll.to_string()),
            root_sha256: sha256(&self.root_document),
            secret: [9; 16],
            expires: Timestamp::MAX,
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<ToCollector> {
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await.ok()?;
        let header = FrameHeader::read(header, ToCollector::BODY_MAX_OCTETS).unwrap();
        let mut body = vec![0; header.body_octets];
        stream.read_exact(&mut body).await.ok()?;
        match Word::from_body(header.kind, &body).unwrap() {
            None => return Some(ToCollector::from_body(header.kind, &body).unwrap()),
            Some(Word::Alive) => {}
            Some(_) => return None,
        }
    }
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), message: ToAgent) {
    let _ = stream.write_all(&message.to_frame().unwrap()).await;
    let _ = stream.flush().await;
}

/// What a session over TCP does wrong, and what ends it.
type Conduct = (Fault, watch::Sender<Option<CloseReason>>);

/// What comes in over TCP meets.
struct Door {
    session: Arc<rustls::ServerConfig>,
    enrolment: Arc<rustls::ServerConfig>,
    authority: Arc<Authority>,
    document: Vec<u8>,
    seen: Arc<Mutex<Seen>>,
    tied: Mutex<HashMap<SessionId, Conduct>>,
}

async fn arrive(door: Arc<Door>, connection: TcpStream) {
    let Ok(begun) = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), connection).await else { return };
    let enrols = begun.client_hello().alpn().is_some_and(|mut names| names.any(|name| name == ALPN_ENROLL_TCP));
    let tls = if enrols { &door.enrolment } else { &door.session };
    let Ok(mut tls) = begun.into_stream(Arc::clone(tls)).await else { return };
    if enrols {
        let exporter = tls.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(b"")).unwrap();
        let (mut receive, mut send) = tokio::io::split(&mut tls);
        return enrol(&mut send, &mut receive, exporter, &door.document, &door.authority, &door.seen).await;
    }
    let mut header = [0; 8];
    if tls.read_exact(&mut header).await.is_err() {
        return;
    }
    let header = FrameHeader::read(header, 17).unwrap();
    let mut body = vec![0; header.body_octets];
    tls.read_exact(&mut body).await.unwrap();
    let Ok(Some(Word::Tie(id))) = Word::from_body(header.kind, &body) else { panic!("a connection without a tie") };
    let id = id.unwrap_or_else(|| begin(&door));
    let (fault, ending) = door.tied.lock().unwrap().get(&id).cloned().expect("an id that was given");
    if fault == Fault::Revoked {
        let _ = tls.write_all(&Word::Close(CloseReason::Revoked).to_frame().unwrap()).await;
        let _ = tls.shutdown().await;
        return;
    }
    tls.write_all(&Word::Tied(id).to_frame().unwrap()).await.unwrap();
    tls.flush().await.unwrap();
    carry(&door, tls, fault, ending).await;
}

fn begin(door: &Door) -> SessionId {
    let mut seen = door.seen.lock().unwrap();
    seen.sessions += 1;
    seen.over_tcp += 1;
    let fault = seen.faults.pop_front().unwrap_or(Fault::None);
    let id = SessionId(u128::from(seen.sessions).to_be_bytes());
    door.tied.lock().unwrap().insert(id, (fault, watch::Sender::new(None)));
    id
}

async fn carry(door: &Door, tls: TlsStream<TcpStream>, fault: Fault, ending: watch::Sender<Option<CloseReason>>) {
    let (receive, send) = tokio::io::split(tls);
    let mut ended = ending.subscribe();
    let close = move |reason| {
        ending.send_replace(Some(reason));
    };
    tokio::select! {
        () = stream(send, receive, &door.seen, fault, &close) => {}
        _ = ended.wait_for(Option::is_some) => {}
    }
}

async fn enrol(
    mut send: &mut (impl AsyncWrite + Unpin),
    mut receive: &mut (impl AsyncRead + Unpin),
    exporter: [u8; 32],
    document: &[u8],
    authority: &Authority,
    seen: &Mutex<Seen>,
) {
    assert_eq!(read(&mut receive).await, Some(ToCollector::AskRoot));
    write(&mut send, ToAgent::Root { document: document.to_vec() }).await;
    let Some(ToCollector::Enrol { csr_der, proof, .. }) = read(&mut receive).await else { return };
    let good = proof_is_good(&secret_hash(&[9; 16]), &exporter, &csr_der, &proof);
    let used = std::mem::replace(&mut seen.lock().unwrap().token_used, good);
    if used || !good {
        let refusal = if used { EnrolRefusal::Used } else { EnrolRefusal::NotGood };
        return write(&mut send, ToAgent::EnrolRefused(refusal)).await;
    }
    let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr_der)).unwrap();
    let certificate_der = request.signed_by(&authority.issuer).unwrap().der().to_vec();
    let ca_der = authority.der.clone();
    write(&mut send, ToAgent::Enrolled { certificate_der, ca_der, member_name: Text::cut("Gjøvik") }).await;
}

async fn session(connection: Connection, seen: Arc<Mutex<Seen>>) {
    let fault = {
        let mut seen = seen.lock().unwrap();
        seen.sessions += 1;
        seen.faults.pop_front().unwrap_or(Fault::None)
    };
    if fault == Fault::Revoked {
        return connection.close(VarInt::from_u32(CloseReason::Revoked.code()), b"");
    }
    while let Ok((send, receive)) = connection.accept_bi().await {
        let (connection, seen) = (connection.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            let close = |reason: CloseReason| connection.close(VarInt::from_u32(reason.code()), b"");
            stream(send, receive, &seen, fault, &close).await;
        });
    }
}

async fn stream(
    send: impl AsyncWrite + Unpin,
    mut receive: impl AsyncRead + Unpin,
    seen: &Mutex<Seen>,
    fault: Fault,
    close: &(dyn Fn(CloseReason) + Send + Sync),
) {
    match read(&mut receive).await {
        Some(ToCollector::Open(Stream::Control)) => control(send, receive, seen).await,
        Some(ToCollector::Open(Stream::Alerts)) => alerts(send, receive, seen, fault, close).await,
        Some(ToCollector::Open(Stream::Lists)) => lists(send, receive, seen).await,
        Some(ToCollector::Open(Stream::Statistics | Stream::Hunts)) => panic!("not spoken yet"),
        None => {}
        Some(_) => panic!("a stream without Open"),
    }
}

async fn control(mut send: impl AsyncWrite + Unpin, mut receive: impl AsyncRead + Unpin, seen: &Mutex<Seen>) {
    let Some(ToCollector::Kept(kept)) = read(&mut receive).await else { return };
    let Some(ToCollector::Hello(hello)) = read(&mut receive).await else { return };
    let (committed, mark) = {
        let mut seen = seen.lock().unwrap();
        seen.epochs.push(hello.epoch);
        seen.kept.push(kept);
        let committed = seen.records.last_key_value().map_or(Seq(0), |(seq, _)| *seq);
        // The mark of a session is its number.
        (committed, Mark(seen.kept.len() as u128))
    };
    let clock = Timestamp(0);
    let greeting = Greeting { protocol: 2, committed, reconnect_spread_ms: 50, clock, mark };
    write(&mut send, ToAgent::Greeting(greeting)).await;
    while let Some(message) = read(&mut receive).await {
        let ToCollector::Pulse(pulse) = message else { panic!("not a pulse") };
        assert!(pulse.further.clock_offset_us.is_some_and(|offset| offset < 0), "its clock stands at 1970");
        seen.lock().unwrap().heartbeats += 1;
    }
}

async fn alerts(
    mut send: impl AsyncWrite + Unpin,
    mut receive: impl AsyncRead + Unpin,
    seen: &Mutex<Seen>,
    mut fault: Fault,
    close: &(dyn Fn(CloseReason) + Send + Sync),
) {
    let mut unpacker = Unpacker::default();
    while let Some(message) = read(&mut receive).await {
        let ToCollector::Compact(batch) = message else { panic!("not a batch") };
        let epoch = seen.lock().unwrap().epochs.last().copied().unwrap();
        let batch = unpacker.unpack(epoch, &batch).unwrap();
        if fault == Fault::Withhold {
            continue;
        }
        if fault == Fault::Gap {
            fault = Fault::None;
            write(&mut send, ToAgent::Gap { expected: batch.first_seq }).await;
            continue;
        }
        let answer = {
            let mut seen = seen.lock().unwrap();
            let expected = seen.records.last_key_value().map_or(Seq(1), |(seq, _)| seq.next());
            if batch.first_seq > expected {
                ToAgent::Gap { expected }
            } else {
                let mut seq = batch.first_seq;
                for octets in batch.records {
                    if let Some(before) = seen.records.insert(seq, octets.clone()) {
                        assert_eq!(before, octets, "one number, two meanings");
                        seen.sent_twice += 1;
                    }
                    seq = seq.next();
                }
                ToAgent::Ack { epoch: batch.epoch, seq: Seq(seq.0 - 1) }
            }
        };
        if fault == Fault::NoAck {
            return close(CloseReason::GoingDown);
        }
        write(&mut send, answer).await;
    }
}

async fn lists(mut send: impl AsyncWrite + Unpin, mut receive: impl AsyncRead + Unpin, seen: &Mutex<Seen>) {
    let Some(ToCollector::Subscribe { revision }) = read(&mut receive).await else { return };
    let (number, manifest, base) = seen.lock().unwrap().publication.clone();
    if revision.0 < number {
        write(&mut send, ToAgent::ListOffer { manifest }).await;
        for octets in base.chunks(LIST_CHUNK_MAX_OCTETS.min(500)) {
            write(&mut send, ToAgent::ListChunk { octets: octets.to_vec() }).await;
        }
        write(&mut send, ToAgent::ListEnd).await;
    }
    while let Some(message) = read(&mut receive).await {
        let ToCollector::ListOutcome(outcome) = message else { panic!("not an outcome") };
        seen.lock().unwrap().outcomes.push(outcome);
    }
}
