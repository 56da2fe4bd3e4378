//! Somebody who stands where a sensor's collector was, with a certificate of its own, and answers on the lane for root documents
//! whatever a test wants. All it is told, it keeps.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::runtime::Runtime;
use varde_common::message::{ALPN_ROOT, ALPN_SESSION};
use varde_common::tie::Word;
use varde_common::trust::COLLECTOR_NAME;

use crate::hostile_collector::read_frame;

/// What it answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These octets, and then nothing more.
    Octets(Vec<u8>),
    /// Signs of life, as fast as they go, for as long as anybody reads.
    ForEver,
}

/// What it was told.
#[derive(Debug, Default)]
pub struct Told {
    /// Frames on the lane: kind and body.
    pub frames: Vec<(u16, Vec<u8>)>,
    /// Connections on the lane that showed a certificate.
    pub certificates: usize,
}

/// The impostor.
pub struct HostileLane {
    answer: Arc<Mutex<Answer>>,
    told: Arc<Mutex<Told>>,
    _runtime: Runtime,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A certificate by a CA of its own for the collector's name, with its key; and that CA.
fn certificate() -> Result<(CertificateDer<'static>, KeyPair, CertificateDer<'static>)> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "nobody's CA");
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?.der().clone();
    let mut params = CertificateParams::new(vec![COLLECTOR_NAME.to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let issued = params.signed_by(&key, &Issuer::new(authority, authority_key))?.der().clone();
    Ok((issued, key, ca))
}

impl HostileLane {
    /// Stands at the ports of sessions and of enrolment. It shows `shown` beside its own certificate, as if that CA had issued it;
    /// else the CA that did.
    ///
    /// # Errors
    /// When certificates or sockets cannot be made.
    pub fn start(
        sessions: SocketAddr,
        lane: SocketAddr,
        shown: Option<Vec<u8>>,
        answer: Answer,
    ) -> Result<HostileLane> {
        let (own, key, ca) = certificate()?;
        let chain = vec![own, shown.map_or(ca.clone(), CertificateDer::from)];
        let (answer, told) = (Arc::new(Mutex::new(answer)), Arc::new(Mutex::new(Told::default())));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let inside = runtime.enter();
        for (address, alpn, is_lane) in [(sessions, ALPN_SESSION, false), (lane, ALPN_ROOT, true)] {
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let endpoint = Endpoint::server(server_config(chain.clone(), key, &ca, alpn)?, address)?;
            let (answer, told) = (Arc::clone(&answer), Arc::clone(&told));
            runtime.spawn(async move {
                while let Some(incoming) = endpoint.accept().await {
                    let (answer, told) = (Arc::clone(&answer), Arc::clone(&told));
                    tokio::spawn(async move {
                        let Ok(connection) = incoming.await else { return };
                        if is_lane {
                            // A peer that goes away is no fault of ours.
                            let _ = converse(connection, &answer, &told).await;
                        }
                    });
                }
            });
        }
        drop(inside);
        Ok(HostileLane { answer, told, _runtime: runtime })
    }

    /// From now on it answers this.
    pub fn answer(&self, answer: Answer) {
        *lock(&self.answer) = answer;
    }

    /// Looks at what it was told.
    pub fn told<T>(&self, look: impl FnOnce(&Told) -> T) -> T {
        look(&lock(&self.told))
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    ca: &CertificateDer<'static>,
    alpn: &[u8],
) -> Result<quinn::ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone())?;
    // It would like a certificate; who has one to show could be told from others.
    let asks = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).allow_unauthenticated();
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?.with_client_cert_verifier(asks.build()?);
    let mut tls = builder.with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls.send_tls13_tickets = 0;
    Ok(quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?)))
}

async fn converse(connection: Connection, answer: &Mutex<Answer>, told: &Mutex<Told>) -> Result<()> {
    lock(told).certificates += usize::from(connection.peer_identity().is_some());
    let (mut send, mut receive) = connection.accept_bi().await?;
    if let Some(frame) = read_frame(&mut receive).await? {
        lock(told).frames.push(frame);
    }
    let now = lock(answer).clone();
    match now {
        Answer::Octets(octets) => send.write_all(&octets).await?,
        Answer::ForEver => {
            let alive = Word::Alive.to_frame()?.repeat(1024);
            loop {
                send.write_all(&alive).await?;
            }
        }
    }
    while let Some(frame) = read_frame(&mut receive).await? {
        lock(told).frames.push(frame);
    }
    Ok(())
}
