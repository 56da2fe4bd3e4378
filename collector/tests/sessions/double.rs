//! A collector in this process to test, and a sensor played by a small QUIC client that may break every rule.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use varde_collector::address::Bound;
use varde_collector::command::indicator::{self, IndicatorCommand};
use varde_collector::command::init::{self, InitArguments};
use varde_collector::command::publish::{self, PublishArguments};
use varde_collector::command::sensor::make_token;
use varde_collector::io::serve::{self, Running};
use varde_collector::io::{clock, quic};
use varde_collector::store::sensor::SensorRow;
use varde_collector::store::{Scope, Store};
use varde_common::codec::{FrameHeader, Text};
use varde_common::id::{Epoch, Revision, SensorId, Seq, SiteId};
use varde_common::list::{CHANNEL_ALL, Manifest};
use varde_common::message::{
    ALPN_ENROLL, ALPN_SESSION, CloseReason, EnrolRefusal, Hello, Stream, ToAgent, ToCollector,
};
use varde_common::tie::Word;
use varde_common::time::Timestamp;
use varde_common::token::{EXPORTER_LABEL, Token, proof, secret_hash};
use varde_common::trust::{COLLECTOR_NAME, Root};

pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A collector with one member, its directory, and what runs of it.
pub(crate) struct Site {
    pub(crate) _dir: TempDir,
    pub(crate) data: PathBuf,
    pub(crate) running: Option<Running>,
}

pub(crate) fn anywhere() -> Bound {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Bound { quic: any, enroll: any, web: any, tcp: Some(any) }
}

impl Site {
    pub(crate) async fn new() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("collector");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        store.add_member(&"3407".parse().unwrap(), "Gjøvik", clock::now()).await.unwrap();
        store.close().await;
        let running = Some(serve::start(&data, anywhere()).await.unwrap());
        Site { _dir: dir, data, running }
    }

    pub(crate) async fn restart(&mut self) {
        self.running.take().unwrap().stop().await.unwrap();
        self.running = Some(serve::start(&self.data, anywhere()).await.unwrap());
    }

    pub(crate) fn bound(&self) -> Bound {
        self.running.as_ref().unwrap().bound()
    }

    pub(crate) async fn token(&self) -> Token {
        let store = Store::open(&self.data).await.unwrap();
        make_token(&store, &"3407".parse().unwrap(), clock::now()).await.unwrap().0
    }

    pub(crate) async fn sensor(&self) -> Sensor {
        let token = self.token().await;
        match enrol(&token, &new_key()).await {
            Ok(sensor) => sensor,
            Err(why) => panic!("not enrolled: {why:?}"),
        }
    }

    pub(crate) async fn row(&self, sensor: SensorId) -> SensorRow {
        let store = Store::open(&self.data).await.unwrap();
        let rows = store.sensor_rows(Scope::Operator).await.unwrap();
        rows.into_iter().find(|row| row.id == sensor.0 as i64).unwrap()
    }

    pub(crate) async fn until(&self, sensor: SensorId, wanted: impl Fn(&SensorRow) -> bool) {
        for _ in 0..600 {
            if wanted(&self.row(sensor).await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("sensor row never as wanted: {:?}", self.row(sensor).await);
    }

    pub(crate) async fn publish(&self, list: &str) {
        let file = self.data.join("list.txt");
        std::fs::write(&file, list).unwrap();
        let import = varde_collector::command::import::ImportArguments {
            file: file.display().to_string(),
            ..Default::default()
        };
        indicator::run(&self.data, IndicatorCommand::Import(import)).await.unwrap();
        publish::run(&self.data, PublishArguments::default()).await.unwrap();
    }
}

/// What a sensor has after enrolment.
pub(crate) struct Sensor {
    pub(crate) id: SensorId,
    pub(crate) root: Root,
    pub(crate) ca: CertificateDer<'static>,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: KeyPair,
}

pub(crate) fn new_key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

pub(crate) fn client(config: rustls::ClientConfig, alpn: &[u8]) -> Endpoint {
    let mut config = config;
    config.alpn_protocols = vec![alpn.to_vec()];
    let config = QuicClientConfig::try_from(config).unwrap();
    let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(config)));
    endpoint
}

pub(crate) fn tls(
    roots: RootCertStore,
) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
    rustls::ClientConfig::builder_with_provider(quic::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
}

pub(crate) async fn say(send: &mut (impl AsyncWrite + Unpin), message: &ToCollector) {
    send.write_all(&message.to_frame().unwrap()).await.unwrap();
    send.flush().await.unwrap();
}

pub(crate) async fn hear(recv: &mut (impl AsyncRead + Unpin)) -> Option<ToAgent> {
    let listen = async {
        let mut header = [0; 8];
        recv.read_exact(&mut header).await.ok()?;
        let header = FrameHeader::read(header, ToAgent::BODY_MAX_OCTETS).unwrap();
        let mut body = vec![0; header.body_octets];
        recv.read_exact(&mut body).await.ok()?;
        if Word::from_body(header.kind, &body).unwrap().is_some() {
            return None;
        }
        Some(ToAgent::from_body(header.kind, &body).unwrap())
    };
    tokio::time::timeout(SOON, listen).await.expect("an answer in time")
}

/// Enrols as an agent does. The test trusts the CA by its file; the agent's own check is the agent's business.
pub(crate) async fn enrol(token: &Token, key: &KeyPair) -> Result<Sensor, EnrolRefusal> {
    enrol_with(token, key, &token.secret).await
}

pub(crate) async fn enrol_with(token: &Token, key: &KeyPair, secret: &[u8; 16]) -> Result<Sensor, EnrolRefusal> {
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
    let mut exporter = [0; 32];
    connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"").unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    converse(token, key, secret, &chain, exporter, (&mut send, &mut recv)).await
}

/// Enrolment itself, whatever carries it.
pub(crate) async fn converse(
    token: &Token,
    key: &KeyPair,
    secret: &[u8; 16],
    chain: &[CertificateDer<'static>],
    exporter: [u8; 32],
    (send, recv): (&mut (impl AsyncWrite + Unpin), &mut (impl AsyncRead + Unpin)),
) -> Result<Sensor, EnrolRefusal> {
    say(send, &ToCollector::AskRoot).await;
    let Some(ToAgent::Root { document }) = hear(recv).await else { panic!("no root") };
    let root = Root::read_pinned(&document, &token.root_sha256).unwrap();
    assert!(root.names_ca(chain.last().unwrap()), "the chain ends in a CA the root names");

    let csr = CertificateParams::default().serialize_request(key).unwrap().der().to_vec();
    let proof = proof(&secret_hash(secret), &exporter, &csr);
    let agent_version = Text::cut("0.1.0");
    say(send, &ToCollector::Enrol { sensor: token.sensor, csr_der: csr, proof, agent_version }).await;
    match hear(recv).await {
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
    pub(crate) fn tls(&self) -> rustls::ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone()).unwrap();
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        tls(roots).with_client_auth_cert(vec![self.certificate.clone()], key).unwrap()
    }

    pub(crate) async fn connect(&self, address: SocketAddr) -> Result<Connection, ConnectionError> {
        client(self.tls(), ALPN_SESSION).connect(address, COLLECTOR_NAME).unwrap().await
    }

    /// Connects and says hello; gives the control stream with it, which must live as long as the session.
    pub(crate) async fn session(&self, site: &Site) -> (Connection, SendStream, RecvStream) {
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

pub(crate) fn hello() -> Hello {
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

pub(crate) async fn open(connection: &Connection, stream: Stream) -> (SendStream, RecvStream) {
    let (mut send, recv) = connection.open_bi().await.unwrap();
    say(&mut send, &ToCollector::Open(stream)).await;
    (send, recv)
}

pub(crate) async fn closed(connection: &Connection) -> Option<CloseReason> {
    match tokio::time::timeout(SOON, connection.closed()).await.expect("closed in time") {
        ConnectionError::ApplicationClosed(close) => Some(CloseReason::from_code(close.error_code.into_inner())),
        _ => None,
    }
}

/// Reads one offered list whole.
pub(crate) async fn hear_list(recv: &mut (impl AsyncRead + Unpin), root: &Root, floor: Revision) -> (Revision, usize) {
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
    (manifest.revision, manifest.open(base).unwrap().len())
}

#[derive(Debug)]
pub(crate) struct AnyServer;

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
