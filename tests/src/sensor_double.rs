//! A sensor without packets: enrolled really, speaking the real protocol over real QUIC, light enough to have fifty.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream, TransportConfig};
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use varde_agent::io::clock;
use varde_common::codec::Text;
use varde_common::id::{Epoch, Revision, SensorId, Seq, SiteId};
use varde_common::list::{CHANNEL_ALL, Manifest};
use varde_common::message::{ALPN_ENROLL, ALPN_SESSION, Heartbeat, Hello, ListOutcome, Stream, ToAgent, ToCollector};
use varde_common::token::{EXPORTER_LABEL, Token, proof, secret_hash};
use varde_common::trust::{COLLECTOR_NAME, Root};

use crate::hostile_collector::read_frame;

/// Trusts whoever answers: at enrolment trust comes from the pinned root document, not from the handshake.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// An enrolled sensor.
pub struct SensorDouble {
    /// Its number.
    pub sensor: SensorId,
    quic: SocketAddr,
    certificate: CertificateDer<'static>,
    ca: CertificateDer<'static>,
    key: KeyPair,
    root: Root,
    /// Its spool's lifetime.
    pub epoch: Epoch,
    /// Records it has written; it keeps none of them.
    pub written: AtomicU64,
}

/// An endpoint on loopback; many sensors can share one.
///
/// # Errors
/// When there is no socket to be had.
pub fn endpoint() -> Result<Endpoint> {
    Ok(Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0)))?)
}

/// How a sensor's end of a connection is set, unless it means harm.
pub fn usual_transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport.keep_alive_interval(Some(Duration::from_secs(10)));
    transport
}

fn config(mut tls: rustls::ClientConfig, alpn: &[u8], transport: TransportConfig) -> Result<quinn::ClientConfig> {
    tls.alpn_protocols = vec![alpn.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// Says a message.
///
/// # Errors
/// When the stream or the connection is over.
pub async fn say(stream: &mut SendStream, message: &ToCollector) -> Result<()> {
    Ok(stream.write_all(&message.to_frame()?).await?)
}

/// Hears a message; not to be given up half-way.
///
/// # Errors
/// When the stream or the connection is over.
pub async fn hear(stream: &mut RecvStream) -> Result<ToAgent> {
    let (kind, body) = read_frame(stream).await?.context("the collector ended the stream")?;
    Ok(ToAgent::from_body(kind, &body)?)
}

impl SensorDouble {
    /// Enrols with a token, as a real sensor does.
    ///
    /// # Errors
    /// When the collector refuses or is not the one the token pins.
    pub async fn enrol(token: &str) -> Result<SensorDouble> {
        let token = Token::from_text(token)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider));
        let tls = builder
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
            .with_no_client_auth();
        let (endpoint, config) = (endpoint()?, config(tls, ALPN_ENROLL, usual_transport())?);
        let connection = endpoint.connect_with(config, token.enroll.as_str().parse()?, COLLECTOR_NAME)?.await?;
        let (mut send, mut receive) = connection.open_bi().await?;
        say(&mut send, &ToCollector::AskRoot).await?;
        let ToAgent::Root { document } = hear(&mut receive).await? else { bail!("no root document") };
        let root = Root::read_pinned(&document, &token.root_sha256)?;
        let key = KeyPair::generate()?;
        let csr_der = CertificateParams::new(Vec::new())?.serialize_request(&key)?.der().to_vec();
        let mut exporter = [0; 32];
        let exported = connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"");
        ensure!(exported.is_ok(), "no keying material");
        let proof = proof(&secret_hash(&token.secret), &exporter, &csr_der);
        let agent_version = Text::cut(env!("CARGO_PKG_VERSION"));
        say(&mut send, &ToCollector::Enrol { sensor: token.sensor, csr_der, proof, agent_version }).await?;
        let (certificate, ca) = match hear(&mut receive).await? {
            ToAgent::Enrolled { certificate_der, ca_der, member_name: _ } => (certificate_der, ca_der),
            other => bail!("not enrolled: {other:?}"),
        };
        ensure!(root.names_ca(&ca), "the CA is not one the root names");
        connection.close(0u32.into(), b"");
        let quic = token.quic.as_str().parse()?;
        let (certificate, ca) = (certificate.into(), ca.into());
        let epoch = Epoch(u128::from(token.sensor.0) << 64 | clock::now().as_micros() as u128);
        Ok(SensorDouble { sensor: token.sensor, quic, certificate, ca, key, root, epoch, written: AtomicU64::new(0) })
    }

    /// Where its collector is.
    pub fn collector(&self) -> SocketAddr {
        self.quic
    }

    /// Connects, introduces itself and follows the lists.
    ///
    /// # Errors
    /// When the collector does not let it in.
    pub async fn connect(&self, in_force: Revision) -> Result<Session> {
        let endpoint = endpoint()?;
        let introduced = self.introduced(&endpoint, self.quic, usual_transport(), in_force).await?;
        let (Greeted { connection, control, answers }, answer) = introduced;
        let (mut lists, offers) = connection.open_bi().await?;
        say(&mut lists, &ToCollector::Open(Stream::Lists)).await?;
        say(&mut lists, &ToCollector::Subscribe { revision: in_force }).await?;
        Ok(Session { _endpoint: endpoint, connection, control, _answers: answers, lists, offers, in_force, answer })
    }

    /// Connects to where its collector is said to be, and introduces itself.
    ///
    /// # Errors
    /// When the collector does not let it in.
    pub async fn introduce(
        &self,
        endpoint: &Endpoint,
        collector: SocketAddr,
        transport: TransportConfig,
        in_force: Revision,
    ) -> Result<Greeted> {
        Ok(self.introduced(endpoint, collector, transport, in_force).await?.0)
    }

    /// The same, and what was answered.
    async fn introduced(
        &self,
        endpoint: &Endpoint,
        collector: SocketAddr,
        transport: TransportConfig,
        in_force: Revision,
    ) -> Result<(Greeted, Answer)> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone())?;
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let tls = builder
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![self.certificate.clone(), self.ca.clone()], key)?;
        let config = config(tls, ALPN_SESSION, transport)?;
        let connection = endpoint.connect_with(config, collector, COLLECTOR_NAME)?.await?;
        let (mut control, mut answers) = connection.open_bi().await?;
        say(&mut control, &ToCollector::Open(Stream::Control)).await?;
        let hello = Hello {
            // It keeps no marks: a sensor of version 1.
            protocol_min: 1,
            protocol_max: 1,
            agent_version: Text::cut(env!("CARGO_PKG_VERSION")),
            epoch: self.epoch,
            first_seq: Seq(1),
            next_seq: Seq(self.written.load(Ordering::Relaxed) + 1),
            revision: in_force,
            root_version: self.root.version,
            sites: vec![SiteId(0)],
            clock: clock::now(),
        };
        say(&mut control, &ToCollector::Hello(hello)).await?;
        let ToAgent::HelloAck { committed, reconnect_spread_ms, .. } = hear(&mut answers).await? else {
            bail!("no answer to the introduction")
        };
        Ok((Greeted { connection, control, answers }, Answer { committed, reconnect_spread_ms }))
    }

    /// The trust anchor it was given.
    pub fn root(&self) -> &Root {
        &self.root
    }
}

/// A connection on which the introduction is answered, and nothing else said.
#[derive(Debug)]
pub struct Greeted {
    /// The connection.
    pub connection: Connection,
    /// The control stream, to the collector.
    pub control: SendStream,
    /// The same, from it.
    pub answers: RecvStream,
}

/// What the collector said to an introduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Records up to here are committed.
    pub committed: Seq,
    /// After a lost connection wait up to this long, at random.
    pub reconnect_spread_ms: u32,
}

/// A standing conversation.
pub struct Session {
    _endpoint: Endpoint,
    connection: Connection,
    control: SendStream,
    _answers: RecvStream,
    lists: SendStream,
    offers: RecvStream,
    in_force: Revision,
    /// What the collector said to the introduction.
    pub answer: Answer,
}

impl Session {
    /// Opens the stream of alerts: batches to the collector, acknowledgements from it.
    ///
    /// # Errors
    /// When the conversation is over.
    pub async fn alerts(&self) -> Result<(SendStream, RecvStream)> {
        let (mut batches, acks) = self.connection.open_bi().await?;
        say(&mut batches, &ToCollector::Open(Stream::Alerts)).await?;
        Ok((batches, acks))
    }

    /// Says that it lives.
    ///
    /// # Errors
    /// When the conversation is over.
    pub async fn beat(&mut self, heartbeat: Heartbeat) -> Result<()> {
        say(&mut self.control, &ToCollector::Heartbeat(heartbeat)).await
    }

    /// Waits for the next list, checks it as a sensor must, and reports it in force.
    ///
    /// # Errors
    /// When the list is not good or the conversation ends.
    pub async fn next_list(&mut self, root: &Root) -> Result<Revision> {
        let ToAgent::ListOffer { manifest } = hear(&mut self.offers).await? else { bail!("no offer") };
        let manifest = Manifest::accept(&manifest, root, CHANNEL_ALL, self.in_force)?;
        let mut base = Vec::new();
        loop {
            match hear(&mut self.offers).await? {
                ToAgent::ListChunk { octets } => base.extend_from_slice(&octets),
                ToAgent::ListEnd => break,
                other => bail!("not within a list: {other:?}"),
            }
        }
        manifest.open(base)?;
        self.in_force = manifest.revision;
        let outcome = ListOutcome::InForce { revision: manifest.revision, since: clock::now() };
        say(&mut self.lists, &ToCollector::ListOutcome(outcome)).await?;
        Ok(manifest.revision)
    }

    /// Waits until the collector ends the conversation; gives its reason.
    pub async fn closed(&self) -> String {
        self.connection.closed().await.to_string()
    }
}
