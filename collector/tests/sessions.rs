//! A whole collector in this process, and sensors played by a small QUIC client: who comes in, who stays out, what reaches whom.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is tests")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use varde_collector::address::Bound;
use varde_collector::certificate::{self, Authority};
use varde_collector::command::indicator::{self, IndicatorCommand};
use varde_collector::command::init::{self, InitArguments};
use varde_collector::command::publish::{self, PublishArguments};
use varde_collector::command::sensor::{self, SensorCommand, make_token};
use varde_collector::io::serve::{self, Running, StartError};
use varde_collector::io::{clock, directory, keys, quic};
use varde_collector::store::sensor::SensorRow;
use varde_collector::store::{Scope, Store};
use varde_common::codec::{FrameHeader, Text};
use varde_common::id::{Epoch, Revision, SensorId, Seq, SiteId};
use varde_common::list::{CHANNEL_ALL, Manifest};
use varde_common::message::{
    ALPN_ENROLL, ALPN_SESSION, Batch, CloseReason, EnrolRefusal, Hello, ListOutcome, Stream, ToAgent, ToCollector,
};
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;
use varde_common::token::{EXPORTER_LABEL, Token, proof, secret_hash};
use varde_common::trust::{COLLECTOR_NAME, Root};

const SOON: Duration = Duration::from_secs(60);

/// A collector with one member, its directory, and what runs of it.
struct Site {
    _dir: TempDir,
    data: PathBuf,
    running: Option<Running>,
}

fn anywhere() -> Bound {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Bound { quic: any, enroll: any, web: any }
}

impl Site {
    async fn new() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("collector");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        store.add_member(&"3407".parse().unwrap(), "Gjøvik", clock::now()).await.unwrap();
        store.close().await;
        let running = Some(serve::start(&data, anywhere()).await.unwrap());
        Site { _dir: dir, data, running }
    }

    async fn restart(&mut self) {
        self.running.take().unwrap().stop().await.unwrap();
        self.running = Some(serve::start(&self.data, anywhere()).await.unwrap());
    }

    fn bound(&self) -> Bound {
        self.running.as_ref().unwrap().bound()
    }

    async fn token(&self) -> Token {
        let store = Store::open(&self.data).await.unwrap();
        make_token(&self.data, &store, &"3407".parse().unwrap(), clock::now()).await.unwrap().0
    }

    async fn sensor(&self) -> Sensor {
        let token = self.token().await;
        match enrol(&token, &new_key()).await {
            Ok(sensor) => sensor,
            Err(why) => panic!("not enrolled: {why:?}"),
        }
    }

    async fn row(&self, sensor: SensorId) -> SensorRow {
        let store = Store::open(&self.data).await.unwrap();
        let rows = store.sensor_rows(Scope::Operator).await.unwrap();
        rows.into_iter().find(|row| row.id == sensor.0 as i64).unwrap()
    }

    async fn until(&self, sensor: SensorId, wanted: impl Fn(&SensorRow) -> bool) {
        for _ in 0..600 {
            if wanted(&self.row(sensor).await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("sensor row never as wanted: {:?}", self.row(sensor).await);
    }

    async fn publish(&self, list: &str) {
        let file = self.data.join("list.txt");
        std::fs::write(&file, list).unwrap();
        let import = varde_collector::command::indicator::ImportArguments {
            file: file.display().to_string(),
            source: None,
            threat: None,
            severity: None,
            confidence: None,
            tlp: None,
            valid_from: None,
            valid_until: None,
            exercise: false,
        };
        indicator::run(&self.data, IndicatorCommand::Import(import)).await.unwrap();
        publish::run(&self.data, PublishArguments::default()).await.unwrap();
    }
}

/// What a sensor has after enrolment.
struct Sensor {
    id: SensorId,
    root: Root,
    ca: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

fn new_key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn client(config: rustls::ClientConfig, alpn: &[u8]) -> Endpoint {
    let mut config = config;
    config.alpn_protocols = vec![alpn.to_vec()];
    let config = QuicClientConfig::try_from(config).unwrap();
    let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(config)));
    endpoint
}

fn tls(roots: RootCertStore) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
    rustls::ClientConfig::builder_with_provider(quic::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
}

async fn say(send: &mut SendStream, message: &ToCollector) {
    send.write_all(&message.to_frame().unwrap()).await.unwrap();
}

async fn hear(recv: &mut RecvStream) -> Option<ToAgent> {
    let listen = async {
        let mut header = [0; 8];
        recv.read_exact(&mut header).await.ok()?;
        let header = FrameHeader::read(header, ToAgent::BODY_MAX_OCTETS).unwrap();
        let mut body = vec![0; header.body_octets];
        recv.read_exact(&mut body).await.ok()?;
        Some(ToAgent::from_body(header.kind, &body).unwrap())
    };
    tokio::time::timeout(SOON, listen).await.expect("an answer in time")
}

/// Enrols as an agent does. The test trusts the CA by its file; the agent's own check is the agent's business.
async fn enrol(token: &Token, key: &KeyPair) -> Result<Sensor, EnrolRefusal> {
    enrol_with(token, key, &token.secret).await
}

async fn enrol_with(token: &Token, key: &KeyPair, secret: &[u8; 16]) -> Result<Sensor, EnrolRefusal> {
    let config = rustls::ClientConfig::builder_with_provider(quic::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth();
    let endpoint = client(config, ALPN_ENROLL);
    let address: SocketAddr = token.enroll.as_str().parse().unwrap();
    let connection = endpoint.connect(address, COLLECTOR_NAME).unwrap().await.unwrap();
    let chain = connection.peer_identity().unwrap().downcast::<Vec<CertificateDer<'static>>>().unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    say(&mut send, &ToCollector::AskRoot).await;
    let Some(ToAgent::Root { document }) = hear(&mut recv).await else { panic!("no root") };
    let root = Root::read_pinned(&document, &token.root_sha256).unwrap();
    assert!(root.names_ca(chain.last().unwrap()), "the chain ends in a CA the root names");

    let csr = CertificateParams::default().serialize_request(key).unwrap().der().to_vec();
    let mut exporter = [0; 32];
    connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"").unwrap();
    let proof = proof(&secret_hash(secret), &exporter, &csr);
    let agent_version = Text::cut("0.1.0");
    say(&mut send, &ToCollector::Enrol { sensor: token.sensor, csr_der: csr, proof, agent_version }).await;
    match hear(&mut recv).await {
        Some(ToAgent::Enrolled { certificate_der, ca_der, member_name }) => {
            assert_eq!(member_name.as_str(), "Gjøvik");
            Ok(Sensor {
                id: token.sensor,
                root,
                ca: ca_der.into(),
                certificate: certificate_der.into(),
                key: KeyPair::from_pem(&key.serialize_pem()).unwrap(),
            })
        }
        Some(ToAgent::EnrolRefused(why)) => Err(why),
        other => panic!("{other:?}"),
    }
}

impl Sensor {
    async fn connect(&self, address: SocketAddr) -> Result<Connection, ConnectionError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone()).unwrap();
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let config = tls(roots).with_client_auth_cert(vec![self.certificate.clone()], key).unwrap();
        client(config, ALPN_SESSION).connect(address, COLLECTOR_NAME).unwrap().await
    }

    /// Connects and says hello; gives the control stream with it, which must live as long as the session.
    async fn session(&self, site: &Site) -> (Connection, SendStream, RecvStream) {
        let connection = self.connect(site.bound().quic).await.unwrap();
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        say(&mut send, &ToCollector::Open(Stream::Control)).await;
        say(&mut send, &ToCollector::Hello(hello())).await;
        match hear(&mut recv).await {
            Some(ToAgent::HelloAck { protocol: 1, committed: Seq(0), reconnect_spread_ms: 1000, .. }) => {}
            other => panic!("{other:?}: {:?}", connection.close_reason()),
        }
        (connection, send, recv)
    }
}

fn hello() -> Hello {
    Hello {
        protocol_min: 1,
        protocol_max: 1,
        agent_version: Text::cut("0.1.0"),
        epoch: Epoch(77),
        first_seq: Seq(1),
        next_seq: Seq(1),
        revision: Revision(0),
        root_version: 1,
        sites: vec![SiteId(0)],
        clock: Timestamp(0),
    }
}

async fn open(connection: &Connection, stream: Stream) -> (SendStream, RecvStream) {
    let (mut send, recv) = connection.open_bi().await.unwrap();
    say(&mut send, &ToCollector::Open(stream)).await;
    (send, recv)
}

async fn closed(connection: &Connection) -> Option<CloseReason> {
    match tokio::time::timeout(SOON, connection.closed()).await.expect("closed in time") {
        ConnectionError::ApplicationClosed(close) => Some(CloseReason::from_code(close.error_code.into_inner())),
        _ => None,
    }
}

/// Reads one offered list whole.
async fn hear_list(recv: &mut RecvStream, root: &Root, floor: Revision) -> (Revision, usize) {
    let Some(ToAgent::ListOffer { manifest }) = hear(recv).await else { panic!("no offer") };
    let manifest = Manifest::accept(&manifest, root, CHANNEL_ALL, floor).unwrap();
    let mut base = Vec::new();
    loop {
        match hear(recv).await {
            Some(ToAgent::ListChunk { octets }) => base.extend_from_slice(&octets),
            Some(ToAgent::ListEnd) => break,
            other => panic!("{other:?}"),
        }
    }
    (manifest.revision, manifest.open(&base).unwrap().len())
}

#[derive(Debug)]
struct AnyServer;

impl rustls::client::danger::ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("no TLS 1.2".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = quic::provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        quic::provider().signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_an_enrolled_sensor_stands_in_a_session_and_is_acknowledged() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    assert!(site.row(sensor.id).await.enrolled_at.is_some());
    let (connection, mut control, _answers) = sensor.session(&site).await;
    site.until(sensor.id, |row| row.connected).await;
    say(&mut control, &ToCollector::Heartbeat(Default::default())).await;

    let (mut send, mut recv) = open(&connection, Stream::Alerts).await;
    let started = RecordBody::Event(SensorEvent::Started { version: Text::cut("0.1.0") });
    let record = Record { time: Timestamp(5), body: started }.to_octets().unwrap();
    say(&mut send, &ToCollector::Batch(Batch { epoch: Epoch(77), first_seq: Seq(1), records: vec![record] })).await;
    assert_eq!(hear(&mut recv).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(1) }));
    connection.close(0u32.into(), b"");
    site.until(sensor.id, |row| !row.connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_token_works_once_in_time_and_only_with_its_secret() {
    let site = Site::new().await;
    let token = site.token().await;
    for _ in 0..2 {
        let wrong = enrol_with(&token, &new_key(), &[9; 16]).await;
        assert_eq!(wrong.err(), Some(EnrolRefusal::NotGood));
    }
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let token = token.clone();
        tries.spawn(async move { enrol(&token, &new_key()).await.err() });
    }
    let said = tries.join_all().await;
    assert_eq!(said.iter().filter(|said| said.is_none()).count(), 1, "{said:?}");
    assert!(said.iter().flatten().all(|why| *why == EnrolRefusal::Used), "{said:?}");
    let revoked = site.token().await;
    let revoke = SensorCommand::Revoke { id: u32::try_from(revoked.sensor.0).unwrap() };
    sensor::run(&site.data, revoke).await.unwrap();
    assert_eq!(enrol(&revoked, &new_key()).await.err(), Some(EnrolRefusal::Revoked));
    // Three failures and more by now; after five in a minute nobody here is heard, good token or not.
    let good = site.token().await;
    for _ in 0..2 {
        let _ = enrol_with(&good, &new_key(), &[9; 16]).await;
    }
    assert_eq!(enrol(&good, &new_key()).await.err(), Some(EnrolRefusal::TooMany));
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_revoked_sensor_is_cut_off_at_once_and_stays_out_after_a_restart() {
    let mut site = Site::new().await;
    let (good, bad) = (site.sensor().await, site.sensor().await);
    let (kept, _control, _answers) = good.session(&site).await;
    let (cut, _bad_control, _bad_answers) = bad.session(&site).await;
    let id = u32::try_from(bad.id.0).unwrap();
    sensor::run(&site.data, SensorCommand::Revoke { id }).await.unwrap();
    assert_eq!(closed(&cut).await, Some(CloseReason::Revoked));
    assert_eq!(kept.close_reason(), None, "others are untouched");
    for _ in 0..2 {
        let again = bad.connect(site.bound().quic).await;
        if let Ok(again) = again {
            assert_eq!(closed(&again).await, Some(CloseReason::Revoked));
        }
        site.restart().await;
    }
    assert!(!site.row(bad.id).await.connected);
    let (_again, _control, _answers) = good.session(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_revocation_whose_poke_is_lost_is_seen_all_the_same() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (connection, _control, _answers) = sensor.session(&site).await;
    let store = Store::open(&site.data).await.unwrap();
    store.revoke_sensor(sensor.id.0 as i64, clock::now()).await.unwrap();
    assert_eq!(closed(&connection).await, Some(CloseReason::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_or_of_an_unknown_key_is_refused() {
    let (site, other) = (Site::new().await, Site::new().await);
    let own = site.sensor().await;
    let mut foreign = other.sensor().await;
    foreign.ca = own.ca.clone();
    let came_in = async |sensor: &Sensor| match sensor.connect(site.bound().quic).await {
        Ok(connection) => closed(&connection).await != Some(CloseReason::Revoked) && answered(&connection).await,
        Err(_) => false,
    };
    assert!(!came_in(&foreign).await, "another CA");
    // Signed by our CA, but for a key that never enrolled.
    let ca_pem = std::fs::read_to_string(site.data.join("keys/ca.crt")).unwrap();
    let ca_key = std::fs::read_to_string(site.data.join("keys/ca.key")).unwrap();
    let authority = Authority::read(&ca_pem, &ca_key).unwrap();
    let key = new_key();
    let csr = CertificateParams::default().serialize_request(&key).unwrap();
    let certificate = authority.issue_sensor(csr.der(), own.id, clock::now()).unwrap();
    let forged = Sensor { id: own.id, root: own.root.clone(), ca: own.ca.clone(), certificate, key };
    assert!(!came_in(&forged).await, "a key nobody enrolled");
    let (_connection, _control, _answers) = own.session(&site).await;
}

async fn answered(connection: &Connection) -> bool {
    let Ok((mut send, mut recv)) = connection.open_bi().await else { return false };
    let octets = [ToCollector::Open(Stream::Control), ToCollector::Hello(hello())];
    for message in octets {
        if send.write_all(&message.to_frame().unwrap()).await.is_err() {
            return false;
        }
    }
    hear(&mut recv).await.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_a_published_list_reaches_every_subscribed_sensor_at_once() {
    let site = Site::new().await;
    site.publish("evil.example\n").await;
    let sensors = [site.sensor().await, site.sensor().await];
    let mut sessions = Vec::new();
    for sensor in &sensors {
        let (connection, control, answers) = sensor.session(&site).await;
        let (mut send, mut recv) = open(&connection, Stream::Lists).await;
        say(&mut send, &ToCollector::Subscribe { revision: Revision(0) }).await;
        assert_eq!(hear_list(&mut recv, &sensor.root, Revision(0)).await, (Revision(1), 1));
        sessions.push((connection, control, answers, send, recv));
    }
    // Large enough for several chunks.
    let many: String = (0..12_000).map(|n| format!("host-with-a-rather-long-name-{n}.example\n")).collect();
    site.publish(&many).await;
    for (sensor, (_, _, _, send, recv)) in sensors.iter().zip(&mut sessions) {
        assert_eq!(hear_list(recv, &sensor.root, Revision(1)).await, (Revision(2), 12_001));
        let outcome = ListOutcome::InForce { revision: Revision(2), since: Timestamp(9) };
        say(send, &ToCollector::ListOutcome(outcome)).await;
        site.until(sensor.id, |row| row.revision == 2 && row.revision_since == Some(Timestamp(9))).await;
        let refused = ListOutcome::Refused { in_force: Revision(2), why: Text::cut("too old") };
        say(send, &ToCollector::ListOutcome(refused)).await;
        site.until(sensor.id, |row| row.refused_why.as_deref() == Some("too old")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_a_sensor_that_has_the_newest_list_gets_no_other() {
    let site = Site::new().await;
    site.publish("evil.example\n").await;
    let sensor = site.sensor().await;
    let (connection, _control, _answers) = sensor.session(&site).await;
    let (mut send, mut recv) = open(&connection, Stream::Lists).await;
    say(&mut send, &ToCollector::Subscribe { revision: Revision(1) }).await;
    site.publish("worse.example\n").await;
    assert_eq!(
        hear_list(&mut recv, &sensor.root, Revision(1)).await,
        (Revision(2), 2),
        "the first it hears is the second"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_a_site_not_of_this_sensor_ends_the_session() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    for (change, why) in [
        ((|h| h.sites = vec![SiteId(0), SiteId(1)]) as fn(&mut Hello), CloseReason::UnknownSite),
        (|h| h.protocol_min = 2, CloseReason::Version),
    ] {
        let mut hello = hello();
        hello.protocol_max = 9;
        change(&mut hello);
        let connection = sensor.connect(site.bound().quic).await.unwrap();
        let (mut send, _recv) = open(&connection, Stream::Control).await;
        say(&mut send, &ToCollector::Hello(hello)).await;
        assert_eq!(closed(&connection).await, Some(why));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_broken_and_oversized_frames_end_the_session_that_sent_them() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let huge = FrameHeader { body_octets: 64 * 1024 + 1, kind: 4 }.to_octets().to_vec();
    let nonsense = [FrameHeader { body_octets: 3, kind: 2 }.to_octets().as_slice(), &[255, 255, 255]].concat();
    for octets in [huge, nonsense] {
        let (connection, mut control, _answers) = sensor.session(&site).await;
        control.write_all(&octets).await.unwrap();
        assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError));
    }
    // A kind from a newer agent is passed over.
    let (connection, mut control, _answers) = sensor.session(&site).await;
    let newer = [FrameHeader { body_octets: 3, kind: 99 }.to_octets().as_slice(), &[1, 2, 3]].concat();
    control.write_all(&newer).await.unwrap();
    let (mut send, mut recv) = open(&connection, Stream::Lists).await;
    say(&mut send, &ToCollector::Subscribe { revision: Revision(0) }).await;
    site.publish("evil.example\n").await;
    assert_eq!(hear_list(&mut recv, &sensor.root, Revision(0)).await.0, Revision(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_session_replaces_the_older_and_stays_connected() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (older, _control, _answers) = sensor.session(&site).await;
    let (newer, _newer_control, _newer_answers) = sensor.session(&site).await;
    assert_eq!(closed(&older).await, Some(CloseReason::Replaced));
    assert_eq!(newer.close_reason(), None);
    site.until(sensor.id, |row| row.connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_goodbye_and_leaves_no_trace_of_running() {
    let mut site = Site::new().await;
    let sensor = site.sensor().await;
    let (connection, _control, _answers) = sensor.session(&site).await;
    assert_eq!(directory::read_bound(&site.data), Some(site.bound()));
    site.running.take().unwrap().stop().await.unwrap();
    assert_eq!(closed(&connection).await, Some(CloseReason::GoingDown));
    assert_eq!(directory::read_bound(&site.data), None);
    assert!(!site.data.join("control.sock").exists());
    assert!(!site.row(sensor.id).await.connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_collector_runs_in_a_directory_and_the_page_stays_on_this_machine() {
    let site = Site::new().await;
    let second = serve::start(&site.data, anywhere()).await;
    assert!(matches!(second, Err(StartError::Directory(_))), "{second:?}");
    assert!(directory::read_bound(&site.data).is_some(), "the first one's run.json stays");
    let open = Bound { web: "0.0.0.0:0".parse().unwrap(), ..anywhere() };
    assert!(matches!(serve::start(&site.data, open).await, Err(StartError::NotLoopback(_))));
    let nowhere = Path::new("/nonexistent/collector");
    assert!(matches!(serve::start(nowhere, anywhere()).await, Err(StartError::Store(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_ca_key_is_offline_sensors_work_and_none_enrols() {
    let mut site = Site::new().await;
    let sensor = site.sensor().await;
    std::fs::rename(site.data.join("keys/ca.key"), site.data.join("away")).unwrap();
    site.restart().await;
    let (_connection, _control, _answers) = sensor.session(&site).await;
    assert!(keys::ServerKeys::read(&site.data, clock::now()).unwrap().authority.is_none());
    assert!(certificate::spki_sha256(&sensor.certificate).is_ok());
}
