//! Strangers at a collector's doors: callers without a certificate, who begin, hold on to what they were given, and come again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Endpoint, TransportConfig};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, UdpSocket};
use tokio::task::JoinSet;
use varde_common::message::{ALPN_ENROLL, ALPN_SESSION};
use varde_common::trust::COLLECTOR_NAME;

/// Whose connection was closed comes again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// A handshake that nobody finishes is begun anew after this, as the collector gives it up.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// The longest datagram.
const DATAGRAM_MAX_OCTETS: usize = 2_048;
/// Of the files this process may have open, so many are left for the rest of a test.
const FILES_KEPT: usize = 100;

/// A crowd of them, until it is dropped.
pub struct Strangers {
    _tasks: JoinSet<()>,
    _endpoint: Option<Endpoint>,
    met: Arc<AtomicUsize>,
}

impl Strangers {
    /// So many from one address, each with a connection on which nothing is said. Must be called within a runtime.
    pub fn over_tcp(from: Ipv4Addr, collector: SocketAddr, count: usize) -> Strangers {
        let (mut tasks, met) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..count {
            let met = met.clone();
            tasks.spawn(async move {
                loop {
                    let _ = say_nothing(from, collector, &met).await;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            });
        }
        Strangers { _tasks: tasks, _endpoint: None, met }
    }

    /// So many handshakes from one address that is really theirs: they prove it when they are asked to, hear nothing after
    /// that, and so never finish. Must be called within a runtime.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub async fn over_quic(from: Ipv4Addr, collector: SocketAddr, count: usize) -> Result<Strangers> {
        let (mut tasks, met) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (near, far) = (Arc::new(UdpSocket::bind(loopback).await?), Arc::new(UdpSocket::bind((from, 0)).await?));
        far.connect(collector).await?;
        let endpoint = Endpoint::client(loopback)?;
        let (relay, callers) = (near.local_addr()?, endpoint.local_addr()?);
        tasks.spawn({
            let (near, far) = (near.clone(), far.clone());
            async move {
                let mut octets = [0; DATAGRAM_MAX_OCTETS];
                while let Ok((length, _)) = near.recv_from(&mut octets).await {
                    let _ = far.send(octets.get(..length).unwrap_or_default()).await;
                }
            }
        });
        tasks.spawn({
            let met = met.clone();
            async move {
                let mut octets = [0; DATAGRAM_MAX_OCTETS];
                loop {
                    let Ok(length) = far.recv(&mut octets).await else { continue };
                    let datagram = octets.get(..length).unwrap_or_default();
                    met.fetch_add(1, Ordering::Relaxed);
                    if is_retry(datagram) {
                        let _ = near.send_to(datagram, callers).await;
                    }
                }
            }
        });
        let config = client()?;
        for _ in 0..count {
            let (endpoint, config) = (endpoint.clone(), config.clone());
            tasks.spawn(async move {
                loop {
                    if let Ok(connecting) = endpoint.connect_with(config.clone(), relay, COLLECTOR_NAME) {
                        let _ = tokio::time::timeout(HANDSHAKE_WITHIN, connecting).await;
                    }
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            });
        }
        Ok(Strangers { _tasks: tasks, _endpoint: Some(endpoint), met })
    }

    /// So many callers of enrolment from one address: each finishes the handshake, as anybody may, says the beginning of something,
    /// and waits. Must be called within a runtime.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn slow_at_enrolment(from: Ipv4Addr, collector: SocketAddr, count: usize) -> Result<Strangers> {
        let (mut tasks, met) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        let mut endpoint = Endpoint::client(SocketAddr::from((from, 0)))?;
        endpoint.set_default_client_config(believing(ALPN_ENROLL)?);
        for _ in 0..count {
            let (endpoint, met) = (endpoint.clone(), met.clone());
            tasks.spawn(async move {
                loop {
                    let _ = dawdle(&endpoint, collector, &met).await;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            });
        }
        Ok(Strangers { _tasks: tasks, _endpoint: Some(endpoint), met })
    }

    /// How often one of them met with anything: a connection, or a datagram.
    pub fn met(&self) -> usize {
        self.met.load(Ordering::Relaxed)
    }
}

/// How many connections this process can hold, and no more than `wanted`.
pub fn connections(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    files.map_or(wanted, |files| wanted.min(files.saturating_sub(FILES_KEPT)))
}

async fn say_nothing(from: Ipv4Addr, collector: SocketAddr, met: &AtomicUsize) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut connection = socket.connect(collector).await?;
    met.fetch_add(1, Ordering::Relaxed);
    connection.read_exact(&mut [0]).await?;
    Ok(())
}

async fn dawdle(endpoint: &Endpoint, collector: SocketAddr, met: &AtomicUsize) -> Result<()> {
    let connection = endpoint.connect(collector, COLLECTOR_NAME)?.await?;
    met.fetch_add(1, Ordering::Relaxed);
    let (mut send, _receive) = connection.open_bi().await?;
    send.write_all(&[0, 0, 1]).await?;
    connection.closed().await;
    Ok(())
}

/// Whether a datagram asks to prove an address (RFC 9000 section 17.2.5).
fn is_retry(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & 0xf0 == 0xf0)
}

fn cheap() -> Arc<CryptoProvider> {
    let groups = vec![aws_lc_rs::kx_group::X25519];
    Arc::new(CryptoProvider { kx_groups: groups, ..aws_lc_rs::default_provider() })
}

/// A caller that takes whoever answers for the collector.
fn believing(alpn: &[u8]) -> Result<quinn::ClientConfig> {
    let mut tls = rustls::ClientConfig::builder_with_provider(cheap())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(cheap())))
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    Ok(quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)))
}

/// Whoever it is, is believed.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn client() -> Result<quinn::ClientConfig> {
    let mut tls = rustls::ClientConfig::builder_with_provider(cheap())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN_SESSION.to_vec()];
    let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(Arc::new(TransportConfig::default()));
    Ok(config)
}
