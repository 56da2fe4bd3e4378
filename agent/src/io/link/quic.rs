//! The link over QUIC: one connection with all streams, no datagrams.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, IdleTimeout, RecvStream, SendStream,
    TokioRuntime, VarInt,
};
use rustls::pki_types::CertificateDer;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::timeout;
use varde_common::message::{CloseReason, Stream, ToCollector};
use varde_common::trust::COLLECTOR_NAME;

use super::tls::SessionTls;
use super::{Link, LinkError, Way, find, write_message};
use crate::limits::{
    ANSWER_TIMEOUT_S, LINK_IDLE_TIMEOUT_S, LINK_KEEP_ALIVE_S, LINK_RECEIVE_WINDOW_OCTETS, LINK_SEND_WINDOW_OCTETS,
    LINK_SOCKET_BUFFER_OCTETS,
};

/// What every connection of an agent has in common.
fn transport() -> quinn::TransportConfig {
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(LINK_RECEIVE_WINDOW_OCTETS))
        .stream_receive_window(VarInt::from_u32(LINK_RECEIVE_WINDOW_OCTETS))
        .send_window(LINK_SEND_WINDOW_OCTETS)
        .datagram_receive_buffer_size(None)
        .allow_spin(false)
        .crypto_buffer_size(16 * 1024)
        .max_idle_timeout(IdleTimeout::try_from(Duration::from_secs(LINK_IDLE_TIMEOUT_S)).ok())
        .keep_alive_interval(Some(Duration::from_secs(LINK_KEEP_ALIVE_S)));
    transport
}

/// TLS settings made ready for QUIC.
///
/// # Errors
/// A sentence when they are not fit for QUIC.
pub fn client_config(tls: rustls::ClientConfig) -> Result<ClientConfig, String> {
    let crypto = QuicClientConfig::try_from(tls).map_err(|error| error.to_string())?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport()));
    Ok(config)
}

/// Dials `HOST:PORT`: each of its addresses in turn, each with its time. `known`: see [`find`].
///
/// # Errors
/// [`LinkError`].
pub async fn dial(
    address: &str,
    config: ClientConfig,
    known: &mut Vec<SocketAddr>,
) -> Result<(Endpoint, Connection), LinkError> {
    find(address, known).await?;
    let limit = Duration::from_secs(ANSWER_TIMEOUT_S);
    let mut last = LinkError::Name { address: address.to_owned(), why: "it has no address".to_owned() };
    for target in known.iter().copied() {
        match dial_one(address, target, config.clone(), limit).await {
            Ok(pair) => return Ok(pair),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn dial_one(
    address: &str,
    target: SocketAddr,
    config: ClientConfig,
    limit: Duration,
) -> Result<(Endpoint, Connection), LinkError> {
    let broken = |error: &dyn std::fmt::Display| LinkError::Broken(error.to_string());
    let any: SocketAddr = match target {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = socket(any)
        .and_then(|socket| Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime)))
        .map_err(|error| broken(&error))?;
    let connecting = endpoint.connect_with(config, target, COLLECTOR_NAME).map_err(|error| broken(&error))?;
    match timeout(limit, connecting).await {
        Err(_) => Err(LinkError::NoAnswer(address.to_owned())),
        Ok(Ok(connection)) => Ok((endpoint, connection)),
        Ok(Err(error)) => Err(explain(address, error)),
    }
}

/// A socket with room for what may be under way towards us, as far as the kernel allows.
fn socket(any: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(any), Type::DGRAM, Some(Protocol::UDP))?;
    let _ = socket.set_recv_buffer_size(LINK_SOCKET_BUFFER_OCTETS);
    let _ = socket.set_send_buffer_size(LINK_SOCKET_BUFFER_OCTETS);
    socket.set_nonblocking(true)?;
    socket.bind(&any.into())?;
    Ok(socket.into())
}

/// Says in our words why a connection did not come about or ended.
pub fn explain(address: &str, error: ConnectionError) -> LinkError {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            LinkError::Closed(CloseReason::from_code(close.error_code.into_inner()))
        }
        ConnectionError::TimedOut | ConnectionError::Reset => LinkError::NoAnswer(address.to_owned()),
        ConnectionError::TransportError(error) => {
            LinkError::NotOurs { address: address.to_owned(), why: error.to_string() }
        }
        // A TLS alert from the other side (RFC 9001 section 4.8) speaks of our certificate: there is nothing else of ours
        // to refuse. 44 = certificate_revoked, 45 = certificate_expired, 48 = unknown_ca (RFC 8446 section 6.2).
        ConnectionError::ConnectionClosed(close) => match u64::from(close.error_code) {
            0x12c => LinkError::Closed(CloseReason::Revoked),
            0x12d => LinkError::RunOut(close.to_string()),
            0x130 => LinkError::IssuerNotBelieved(close.to_string()),
            0x100..0x200 => LinkError::NotAccepted(close.to_string()),
            _ => LinkError::Broken(close.to_string()),
        },
        other
        @ (ConnectionError::VersionMismatch | ConnectionError::LocallyClosed | ConnectionError::CidsExhausted) => {
            LinkError::Broken(other.to_string())
        }
    }
}

/// A session's connection.
#[derive(Debug)]
pub struct QuicLink {
    address: String,
    endpoint: Endpoint,
    connection: Connection,
    shown: Vec<CertificateDer<'static>>,
}

impl QuicLink {
    /// Dials the collector, as [`dial`] does.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn dial(address: &str, tls: &SessionTls, known: &mut Vec<SocketAddr>) -> Result<QuicLink, LinkError> {
        let dialled = dial(address, tls.quic.clone(), known).await;
        let (endpoint, connection) = dialled.map_err(|error| tls.trust.explain(address, error))?;
        let shown = connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
        let shown = shown.map(|shown| *shown).unwrap_or_default();
        Ok(QuicLink { address: address.to_owned(), endpoint, connection, shown })
    }

    /// Why the other end closed within `limit`; none = it did not. In TLS 1.3 this end is ready before the other has judged it.
    pub async fn closed_within(&self, limit: Duration) -> Option<LinkError> {
        timeout(limit, self.connection.closed()).await.ok().map(|error| explain(&self.address, error))
    }

    /// Waits until what was said on closing has been heard, at most a second.
    pub async fn wait_closed(&self) {
        let _ = timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await;
    }
}

impl Link for QuicLink {
    type Write = SendStream;
    type Read = RecvStream;

    async fn open(&self, stream: Stream) -> Result<(SendStream, RecvStream), LinkError> {
        let opened = self.connection.open_bi().await;
        let (mut write, read) = opened.map_err(|error| explain(&self.address, error))?;
        // Alerts before lists: a large list never holds up an alert.
        let _ = write.set_priority(match stream {
            Stream::Control => 3,
            Stream::Alerts => 2,
            Stream::Statistics => 1,
            Stream::Lists | Stream::Hunts => 0,
        });
        write_message(&mut write, &ToCollector::Open(stream)).await?;
        Ok((write, read))
    }

    fn ended(&self) -> Option<LinkError> {
        self.connection.close_reason().map(|error| explain(&self.address, error))
    }

    fn close(&self, reason: CloseReason) {
        self.connection.close(VarInt::from_u32(reason.code()), b"");
    }

    fn way(&self) -> Way {
        Way::Quic
    }

    fn traffic(&self) -> Option<(u64, u64)> {
        let counted = self.connection.stats();
        Some((counted.udp_tx.datagrams, counted.udp_rx.datagrams))
    }

    fn shown(&self) -> &[CertificateDer<'static>] {
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number of the design's section 3.6, asked of the settings as they are used.
    #[test]
    fn p1_a_collector_can_fill_only_so_much_of_a_sensor() {
        let said = format!("{:?}", transport());
        for setting in [
            "max_concurrent_bidi_streams: 0",
            "max_concurrent_uni_streams: 0",
            "stream_receive_window: 1048576",
            "receive_window: 1048576",
            "crypto_buffer_size: 16384",
            "allow_spin: false",
            "datagram_receive_buffer_size: None",
            "max_idle_timeout: Some(60000)",
            "keep_alive_interval: Some(20s)",
        ] {
            assert!(said.contains(setting), "{setting} in {said}");
        }
        assert_eq!(LINK_SOCKET_BUFFER_OCTETS, 4 * 1024 * 1024);
    }
}
