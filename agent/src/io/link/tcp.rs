//! The link over TLS on TCP, where UDP is blocked: one connection a stream, tied by the id the first one is given
//! (`varde_common::tie`), through an HTTP proxy if there must be one.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use varde_common::codec::FrameHeader;
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::message::{CloseReason, Stream, ToCollector};
use varde_common::tie::{SessionId, WORD_MAX_OCTETS, Word};
use varde_common::trust::COLLECTOR_NAME;

use super::pump::{Heard, Pace, pump};
use super::tls::Trust;
use super::{Link, LinkError, Way, find, write_message};
use crate::limits::{
    ANSWER_TIMEOUT_S, LINK_IDLE_TIMEOUT_S, LINK_STREAM_BUFFER_OCTETS, PROXY_ANSWER_MAX_OCTETS, TCP_GOODBYE_MS,
};
use crate::proxy::{Answer, Proxy};

/// What a collector is reached over.
pub type Tls = TlsStream<TcpStream>;

/// A way to the collector's TCP listener.
#[derive(Debug, Clone)]
pub struct TcpWay {
    /// The collector, `HOST:PORT`.
    pub address: String,
    /// The proxy that opens the way there.
    pub proxy: Option<Proxy>,
    /// With which protocol.
    pub tls: Arc<ClientConfig>,
    /// What judges the collector's certificate; none at enrolment, where that comes later.
    pub trust: Option<Arc<Trust>>,
}

impl TcpWay {
    /// Where the connection itself goes.
    fn dialled(&self) -> &str {
        self.proxy.as_ref().map_or(&self.address, |proxy| proxy.address())
    }

    /// Dials: each address in turn, each with its time; `known` as for QUIC.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn dial(&self, known: &mut Vec<SocketAddr>) -> Result<(Tls, SocketAddr), LinkError> {
        find(self.dialled(), known).await?;
        let mut last = LinkError::Name { address: self.dialled().to_owned(), why: "it has no address".to_owned() };
        for target in known.iter().copied() {
            match self.dial_one(target).await {
                Ok(tls) => return Ok((tls, target)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Why the other end closed within `limit`; none = it did not. In TLS 1.3 this end is ready before the other has judged it.
    pub async fn closed_within(&self, tls: &mut Tls, limit: Duration) -> Option<LinkError> {
        let mut octet = [0];
        match timeout(limit, tls.read(&mut octet)).await {
            Ok(Err(error)) => Some(self.explain(error)),
            Ok(Ok(0)) => Some(LinkError::Broken("it closed the connection without a word".to_owned())),
            Ok(Ok(_)) | Err(_) => None,
        }
    }

    async fn dial_one(&self, target: SocketAddr) -> Result<Tls, LinkError> {
        let limit = Duration::from_secs(ANSWER_TIMEOUT_S);
        let dialled = timeout(limit, self.connect(target)).await;
        dialled.unwrap_or_else(|_| Err(LinkError::NoAnswer(format!("{} (TCP)", self.dialled()))))
    }

    async fn connect(&self, target: SocketAddr) -> Result<Tls, LinkError> {
        let refused = |error: io::Error| LinkError::NotReached {
            address: format!("{} (TCP)", self.dialled()),
            why: error.to_string(),
        };
        let mut connection = TcpStream::connect(target).await.map_err(refused)?;
        let _ = connection.set_nodelay(true);
        if let Some(proxy) = &self.proxy {
            self.pass(proxy, &mut connection).await?;
        }
        let connected = TlsConnector::from(self.tls.clone()).connect(self.server_name(), connection).await;
        let tls = connected.map_err(|error| {
            let error = self.explain(error);
            self.trust.as_ref().map_or(error.clone(), |trust| trust.explain(&self.address, error))
        })?;
        let settled = tls.get_ref().1.alpn_protocol();
        if !self.tls.alpn_protocols.iter().any(|offered| settled == Some(offered.as_slice())) {
            let why = "it does not speak our protocol".to_owned();
            return Err(LinkError::NotOurs { address: self.address.clone(), why });
        }
        Ok(tls)
    }

    /// The host as it is dialled, so that firewalls see whom they let through; [`Trust`] goes by another name.
    fn server_name(&self) -> ServerName<'static> {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        // A name that TLS cannot carry is dialled all the same.
        ServerName::try_from(host)
            .or_else(|_| ServerName::try_from(COLLECTOR_NAME))
            .unwrap_or_else(|_| ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()))
    }

    /// Has the proxy open the way. The other end does not speak first in TLS, so nothing of it is read too far.
    async fn pass(&self, proxy: &Proxy, connection: &mut TcpStream) -> Result<(), LinkError> {
        let refused = |status, said: String| LinkError::Proxy {
            proxy: proxy.to_string(),
            credentials: proxy.has_credentials(),
            address: self.address.clone(),
            status,
            said,
        };
        connection.write_all(&proxy.request(&self.address)).await?;
        let mut head = Vec::new();
        loop {
            match Answer::read(&head) {
                Answer::Incomplete if head.len() < PROXY_ANSWER_MAX_OCTETS => {}
                Answer::Open => return Ok(()),
                Answer::Refused { status, reason } => return Err(refused(status, reason)),
                Answer::Incomplete | Answer::NotHttp => return Err(refused(0, "no answer of a proxy".to_owned())),
            }
            let mut octet = [0];
            match connection.read(&mut octet).await? {
                0 => return Err(refused(0, "it closed the connection without an answer".to_owned())),
                _ => head.extend_from_slice(&octet),
            }
        }
    }

    fn explain(&self, error: io::Error) -> LinkError {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            // An alert speaks of our certificate, or of a protocol the other end does not have.
            Some(rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRevoked)) => {
                LinkError::Closed(CloseReason::Revoked)
            }
            Some(rustls::Error::AlertReceived(alert @ rustls::AlertDescription::CertificateExpired)) => {
                LinkError::RunOut(format!("{alert:?}"))
            }
            Some(rustls::Error::AlertReceived(alert @ rustls::AlertDescription::UnknownCA)) => {
                LinkError::IssuerNotBelieved(format!("{alert:?}"))
            }
            Some(rustls::Error::AlertReceived(
                alert @ (rustls::AlertDescription::BadCertificate
                | rustls::AlertDescription::UnsupportedCertificate
                | rustls::AlertDescription::CertificateUnknown
                | rustls::AlertDescription::AccessDenied
                | rustls::AlertDescription::CertificateRequired),
            )) => LinkError::NotAccepted(format!("{alert:?}")),
            Some(error) => LinkError::NotOurs { address: self.address.clone(), why: error.to_string() },
            None => LinkError::Broken(error.to_string()),
        }
    }
}

/// A session's connections.
#[derive(Debug)]
pub struct TcpLink {
    way: TcpWay,
    why_not_quic: String,
    target: SocketAddr,
    session: SessionId,
    first: Mutex<Option<Tls>>,
    shown: Vec<CertificateDer<'static>>,
    ending: watch::Sender<Option<CloseReason>>,
    pumps: Mutex<JoinSet<()>>,
}

impl TcpLink {
    /// Dials the collector and has the first connection tied; `why_not_quic` is for people.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn dial(way: TcpWay, why_not_quic: String, known: &mut Vec<SocketAddr>) -> Result<TcpLink, LinkError> {
        let (mut tls, target) = way.dial(known).await?;
        let session = tie(&way, &mut tls, None).await?;
        let (ending, pumps) = (watch::Sender::new(None), Mutex::default());
        let shown = tls.get_ref().1.peer_certificates().unwrap_or_default();
        let shown = shown.iter().map(|certificate| certificate.clone().into_owned()).collect();
        Ok(TcpLink { way, why_not_quic, target, session, first: Mutex::new(Some(tls)), shown, ending, pumps })
    }

    /// Waits until what was said on closing is on its way, at most a moment.
    pub async fn wait_closed(&self) {
        let mut pumps = std::mem::take(&mut *self.pumps.lock().unwrap_or_else(PoisonError::into_inner));
        let last = async { while pumps.join_next().await.is_some() {} };
        let _ = timeout(Duration::from_millis(2 * TCP_GOODBYE_MS), last).await;
    }
}

/// Says which session a connection belongs to; gives its id.
async fn tie(way: &TcpWay, tls: &mut Tls, session: Option<SessionId>) -> Result<SessionId, LinkError> {
    let said = async {
        let frame = Word::Tie(session).to_frame().map_err(|error| LinkError::Protocol(error.to_string()))?;
        let explain = |error| way.explain(error);
        tls.write_all(&frame).await.map_err(explain)?;
        tls.flush().await.map_err(explain)?;
        let mut header = [0; FRAME_HEADER_OCTETS];
        tls.read_exact(&mut header).await.map_err(explain)?;
        let header = FrameHeader::read(header, WORD_MAX_OCTETS)?;
        let mut body = vec![0; header.body_octets];
        tls.read_exact(&mut body).await.map_err(explain)?;
        match Word::from_body(header.kind, &body)? {
            Some(Word::Tied(given)) if session.is_none_or(|session| session == given) => Ok(given),
            Some(Word::Close(reason)) => Err(LinkError::Closed(reason)),
            Some(Word::Tied(_) | Word::Tie(_) | Word::Alive) | None => {
                Err(LinkError::Protocol("it does not say which session this is".to_owned()))
            }
        }
    };
    let limit = Duration::from_secs(ANSWER_TIMEOUT_S);
    timeout(limit, said).await.unwrap_or_else(|_| Err(LinkError::NoAnswer(format!("{} (TCP)", way.address))))
}

impl Link for TcpLink {
    type Write = DuplexStream;
    type Read = Heard<ReadHalf<Tls>>;

    async fn open(&self, stream: Stream) -> Result<(Self::Write, Self::Read), LinkError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let tls = match first {
            Some(tls) => tls,
            None => {
                let mut tls = self.way.dial_one(self.target).await?;
                tie(&self.way, &mut tls, Some(self.session)).await?;
                tls
            }
        };
        let (read, write) = tokio::io::split(tls);
        let (ours, mut theirs) = tokio::io::duplex(LINK_STREAM_BUFFER_OCTETS);
        let pump = pump(ours, write, self.ending.subscribe(), Pace::USUAL);
        self.pumps.lock().unwrap_or_else(PoisonError::into_inner).spawn(pump);
        write_message(&mut theirs, &ToCollector::Open(stream)).await?;
        Ok((theirs, Heard::new(read, Duration::from_secs(LINK_IDLE_TIMEOUT_S))))
    }

    /// Nothing tells of the connections together: whoever reads one hears its last word.
    fn ended(&self) -> Option<LinkError> {
        None
    }

    fn close(&self, reason: CloseReason) {
        self.ending.send_replace(Some(reason));
    }

    fn way(&self) -> Way {
        Way::Tcp {
            address: self.way.address.clone(),
            proxy: self.way.proxy.as_ref().map(Proxy::to_string),
            why_not_quic: self.why_not_quic.clone(),
        }
    }

    fn traffic(&self) -> Option<(u64, u64)> {
        None
    }

    fn shown(&self) -> &[CertificateDer<'static>] {
        &self.shown
    }
}
