//! QUIC endpoints: sockets, TLS and the limits a thousand sensors need (the defaults are sized for the open internet).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime, TransportConfig, ValidationTokenConfig, VarInt};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use socket2::{Domain, Protocol, Socket, Type};
use varde_common::message::{ALPN_ENROLL, ALPN_ENROLL_WAITING, ALPN_RENEW, ALPN_ROOT, ALPN_SESSION, CloseReason};

use super::keyring::{Keyring, Sensors, Shown};
use super::timed::Timed;
use crate::certificate::validity;
use crate::limits;

/// RFC 9000; drafts have no sensor that speaks them.
const QUIC_VERSION_ONE: u32 = 1;

/// Why an endpoint could not be made.
#[derive(Debug, thiserror::Error)]
pub enum QuicError {
    /// The socket.
    #[error("cannot listen on UDP {address}: {error}; choose another address, or stop what uses it")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// The system's word.
        error: io::Error,
    },
    /// TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

fn tls_error(error: impl std::fmt::Display) -> QuicError {
    QuicError::Tls(error.to_string())
}

/// The one cryptography provider of this program.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// TLS by the keys that are in use when somebody comes, for those who show what they must.
///
/// # Errors
/// [`QuicError::Tls`].
pub fn tls(keyring: &Arc<Keyring>, shown: Shown, alpns: &[&[u8]]) -> Result<rustls::ServerConfig, QuicError> {
    let verifier = Arc::new(Sensors { keyring: Arc::clone(keyring), shown });
    let tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(tls_error)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(keyring) as Arc<dyn rustls::server::ResolvesServerCert>);
    Ok(without_memory(tls, alpns))
}

/// Believes sensors' certificates of these authorities, by the time that is known; `own` is the collector's.
///
/// # Errors
/// [`QuicError::Tls`].
pub fn client_verifier(authorities: &[CertificateDer<'static>], own: &CertificateDer<'_>) -> Result<Timed, QuicError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).map_err(tls_error)?;
    }
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().map_err(tls_error)?;
    let (issued, _) = validity(own).map_err(tls_error)?;
    Ok(Timed { inner, issued })
}

/// No resumption and no 0-RTT: every session proves its key anew, and nothing can be replayed.
fn without_memory(mut tls: rustls::ServerConfig, alpns: &[&[u8]]) -> rustls::ServerConfig {
    tls.alpn_protocols = alpns.iter().map(|alpn| alpn.to_vec()).collect();
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    tls.max_early_data_size = 0;
    tls
}

/// The endpoint for sessions.
///
/// # Errors
/// [`QuicError`].
pub fn session_endpoint(address: SocketAddr, keyring: &Arc<Keyring>) -> Result<Endpoint, QuicError> {
    endpoint(address, tls(keyring, Shown::Good, &[ALPN_SESSION])?, limits::STREAMS_MAX)
}

/// The endpoint for enrolment, for those whose certificate has run out, and for those who know this collector no more.
///
/// # Errors
/// [`QuicError`].
pub fn enrolment_endpoint(address: SocketAddr, keyring: &Arc<Keyring>) -> Result<Endpoint, QuicError> {
    let lanes = [ALPN_ENROLL_WAITING, ALPN_ENROLL, ALPN_RENEW, ALPN_ROOT];
    endpoint(address, tls(keyring, Shown::MayHaveRunOutOrNone, &lanes)?, 1)
}

/// The protocol name that both ends of a connection settled on.
pub fn alpn(connection: &quinn::Connection) -> Option<Vec<u8>> {
    let data = connection.handshake_data()?.downcast::<quinn::crypto::rustls::HandshakeData>().ok()?;
    data.protocol
}

fn endpoint(address: SocketAddr, tls: rustls::ServerConfig, streams: u32) -> Result<Endpoint, QuicError> {
    let config = server_config(tls, streams)?;
    let bind = |error| QuicError::Bind { address, error };
    let socket = socket(address).map_err(bind)?;
    let mut version_one = EndpointConfig::default();
    version_one.supported_versions(vec![QUIC_VERSION_ONE]);
    Endpoint::new(version_one, Some(config), socket, Arc::new(TokioRuntime)).map_err(bind)
}

fn server_config(tls: rustls::ServerConfig, streams: u32) -> Result<ServerConfig, QuicError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(tls_error)?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    let mut no_tokens = ValidationTokenConfig::default();
    no_tokens.sent(0);
    config
        .transport_config(Arc::new(transport(streams).map_err(tls_error)?))
        .validation_token_config(no_tokens)
        .max_incoming(limits::INCOMING_MAX)
        .incoming_buffer_size(limits::INCOMING_BUFFER_MAX_OCTETS)
        .incoming_buffer_size_total(limits::INCOMING_BUFFERS_MAX_OCTETS)
        // A member's router may give the sensor a new port in the middle of a session.
        .migration(true);
    Ok(config)
}

fn transport(streams: u32) -> Result<TransportConfig, quinn::VarIntBoundsExceeded> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(if streams > 1 { limits::ONE_WAY_STREAMS_MAX } else { 0 }))
        .stream_receive_window(VarInt::from_u32(limits::STREAM_WINDOW_OCTETS))
        .receive_window(VarInt::from_u32(limits::SESSION_WINDOW_OCTETS))
        .send_window(limits::SEND_WINDOW_OCTETS)
        .crypto_buffer_size(limits::CRYPTO_BUFFER_OCTETS)
        .datagram_receive_buffer_size(None)
        .allow_spin(false)
        .max_idle_timeout(Some(limits::IDLE_AFTER.try_into()?))
        .keep_alive_interval(Some(limits::KEEP_ALIVE_EVERY));
    Ok(transport)
}

fn socket(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    match bind(address) {
        // A machine without IPv6 cannot have [::]; every address it has is then 0.0.0.0.
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && no_such_family(&error) => {
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        other => other,
    }
}

pub(super) fn no_such_family(error: &io::Error) -> bool {
    // EAFNOSUPPORT, EADDRNOTAVAIL
    matches!(error.raw_os_error(), Some(97 | 99))
}

fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // The kernel gives what net.core.rmem_max allows; less is no reason not to start.
    let _ = socket.set_recv_buffer_size(limits::SOCKET_BUFFER_OCTETS);
    let _ = socket.set_send_buffer_size(limits::SOCKET_BUFFER_OCTETS);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Ends a connection with a reason the other end can show.
pub fn close(connection: &quinn::Connection, reason: CloseReason) {
    connection.close(VarInt::from_u32(reason.code()), reason.sentence().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::PrivateKeyDer;

    fn plain() -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap()
    }

    /// Every number of the design's section 3.6, asked of the settings as they are used.
    #[test]
    fn p1_one_sensor_can_fill_only_so_much_of_the_collector() {
        let said =
            format!("{:?}", server_config(without_memory(plain(), &[ALPN_SESSION]), limits::STREAMS_MAX).unwrap());
        for setting in [
            "max_concurrent_bidi_streams: 4",
            "max_concurrent_uni_streams: 1",
            "stream_receive_window: 65536",
            "receive_window: 131072",
            "send_window: 131072",
            "crypto_buffer_size: 16384",
            "allow_spin: false",
            "datagram_receive_buffer_size: None",
            "max_idle_timeout: Some(60000)",
            "keep_alive_interval: Some(20s)",
            "migration: true",
            "preferred_address_v4: None",
            "preferred_address_v6: None",
            "max_incoming: 1024",
            "incoming_buffer_size: 16384",
            "incoming_buffer_size_total: 4194304",
        ] {
            assert!(said.contains(setting), "{setting} in {said}");
        }
        let enrolment = format!("{:?}", server_config(without_memory(plain(), &[ALPN_ENROLL]), 1).unwrap());
        assert!(enrolment.contains("max_concurrent_bidi_streams: 1,"), "{enrolment}");
        assert!(enrolment.contains("max_concurrent_uni_streams: 0"), "{enrolment}");
        assert_eq!((limits::SOCKET_BUFFER_OCTETS, limits::LIST_SLOTS), (4 * 1024 * 1024, 64));
        assert_eq!(limits::LIST_SEND_WINDOW_OCTETS, 1024 * 1024, "while a list goes out");
    }

    #[test]
    fn p1_a_socket_has_the_buffers_the_kernel_allows() {
        let asked = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let plain = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let size = |socket: std::net::UdpSocket| Socket::from(socket).recv_buffer_size().unwrap();
        let (asked, plain) = (size(asked), size(plain));
        let allowed = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap();
        let allowed: usize = allowed.trim().parse().unwrap();
        // Linux doubles what is asked, for its own keeping of books.
        assert_eq!(asked, 2 * allowed.min(limits::SOCKET_BUFFER_OCTETS).max(plain / 2));
    }
}
