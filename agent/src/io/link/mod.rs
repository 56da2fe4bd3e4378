//! The way to the collector: five ordered byte streams, whatever carries them (decision 18), and messages on them.

mod again;
mod anchored;
mod braking;
pub mod carried;
mod control_stream;
mod desk;
mod ended;
mod lane;
mod lists;
pub mod provisional;
mod pulse;
pub mod pump;
pub mod quic;
mod refused;
pub mod renewing;
mod root_lane;
pub mod session;
pub mod tcp;
pub mod timed;
pub mod tls;
pub mod ways;

#[cfg(test)]
mod double;
#[cfg(test)]
mod over_tcp;
mod placing;
#[cfg(test)]
#[path = "tests.rs"]
mod with_double;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use varde_common::codec::{FrameHeader, Malformed};
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::message::{CloseReason, RenewalRefusal, Stream, ToAgent, ToCollector};
use varde_common::tie::Word;

use crate::limits::ANSWER_TIMEOUT_S;

/// What carries a session, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// QUIC, over UDP.
    Quic,
    /// TLS on TCP.
    Tcp {
        /// The collector there.
        address: String,
        /// Through this proxy.
        proxy: Option<String>,
        /// What the last attempt at QUIC ended with.
        why_not_quic: String,
    },
}

/// An authenticated connection to the collector.
pub trait Link: Send + Sync {
    /// What is written to a stream.
    type Write: AsyncWrite + Unpin + Send;
    /// What is read from a stream.
    type Read: AsyncRead + Unpin + Send;

    /// Opens one of the five streams and says which it is.
    fn open(&self, stream: Stream) -> impl Future<Output = Result<(Self::Write, Self::Read), LinkError>> + Send;

    /// Why the connection ended, as far as it has.
    fn ended(&self) -> Option<LinkError>;

    /// Ends it from this side.
    fn close(&self, reason: CloseReason);

    /// What it is.
    fn way(&self) -> Way;

    /// Datagrams sent and heard so far; none where others count them.
    fn traffic(&self) -> Option<(u64, u64)>;

    /// The certificates that the collector has shown, its CA's among them.
    fn shown(&self) -> &[CertificateDer<'static>];
}

/// Why there is no connection, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The address cannot be resolved.
    #[error("the collector's name {address} cannot be looked up: {why}")]
    Name {
        /// As configured.
        address: String,
        /// The system's reason.
        why: String,
    },
    /// Nothing answers.
    #[error("the collector at {0} does not answer")]
    NoAnswer(String),
    /// The other end said no before anything was said.
    #[error("the collector at {address} cannot be reached: {why}")]
    NotReached {
        /// Dialled.
        address: String,
        /// The system's reason.
        why: String,
    },
    /// Another's certificate was shown: somebody on the way opens TLS.
    #[error(
        "{address} answers with a certificate issued by \"{issuer}\", not with the collector's: a firewall on the way opens TLS; ask that {address} is exempted from inspection; or the collector changed its CA while this sensor was off: a list carried by hand (varde-agent list import) brings what was missed"
    )]
    Opened {
        /// Dialled.
        address: String,
        /// As the certificate names it.
        issuer: String,
    },
    /// The proxy opens no way.
    #[error("{}", proxy_sentence(.proxy, *.credentials, .address, *.status, .said))]
    Proxy {
        /// As it is set.
        proxy: String,
        /// Whether it was given a user and a password.
        credentials: bool,
        /// Where to.
        address: String,
        /// Its status; 0 = it has none.
        status: u16,
        /// Its words.
        said: String,
    },
    /// Neither way leads there.
    #[error("{quic}; nor over TCP: {tcp}")]
    Neither {
        /// Why not over QUIC.
        quic: Box<LinkError>,
        /// Why not over TCP.
        tcp: Box<LinkError>,
    },
    /// The collector's certificate is not of a CA the root document names.
    #[error("what answers at {address} is not our collector: {why}")]
    NotOurs {
        /// Dialled.
        address: String,
        /// What the TLS library says.
        why: String,
    },
    /// The collector does not accept our certificate.
    #[error(
        "the collector does not accept this sensor's certificate ({0}); ask the CSIRT whether it still knows this sensor"
    )]
    NotAccepted(String),
    /// The collector does not believe who issued our certificate: that CA was retired, or it never knew it.
    #[error(
        "the collector does not believe the CA that issued this sensor's certificate ({0}); ask the CSIRT whether it still knows this sensor"
    )]
    IssuerNotBelieved(String),
    /// The collector is a stranger by every root document that we have, and asking for a newer one does not help.
    #[error(
        "{met}. If the CSIRT has changed its CA, a newer root document (behind number {held}) would tell; it was asked for, and: {why}"
    )]
    Stranger {
        /// What was met.
        met: Box<LinkError>,
        /// The root document in force.
        held: u32,
        /// Why none newer is in force.
        why: String,
    },
    /// Our certificate's time is over.
    #[error("this sensor's certificate has run out, and the collector renews it: {0}")]
    RunOut(String),
    /// Our certificate's time is over, and it is not renewed.
    #[error("this sensor's certificate has run out and is not renewed: {}", .0.sentence())]
    NotRenewed(RenewalRefusal),
    /// There is a new certificate, and the next session is to stand by it.
    #[error("this sensor has a new certificate")]
    Renewed,
    /// Closed by the collector with a reason.
    #[error("{}", .0.sentence())]
    Closed(CloseReason),
    /// Hello is not answered, and the way there is not why.
    #[error("the collector is there but does not answer Hello; it may be busy, and is asked again")]
    Busy,
    /// What came is no message, or not one that belongs there.
    #[error("the collector sent what it may not: {0}")]
    Protocol(String),
    /// Again and again what came was refused, or should come rarely.
    #[error(
        "the collector sends again and again what is refused or should come rarely; the session was ended, and the next comes later; tell the CSIRT"
    )]
    RefusedTooOften,
    /// The list in force counts no more: ended from this side, and the next session's first word says so to the collector.
    #[error("too few of those who signed the list in force have the list role still; asking for another list")]
    ListForsaken,
    /// Anything else that ends a connection.
    #[error("the connection to the collector broke: {0}")]
    Broken(String),
}

fn proxy_sentence(proxy: &str, credentials: bool, address: &str, status: u16, said: &str) -> String {
    match (status, credentials) {
        (0, _) => format!("the proxy {proxy} opens no way to {address}: {said}"),
        (407, true) => format!(
            "the proxy {proxy} does not accept the user and password it was given (407 {said}); correct the file that proxy_credentials names"
        ),
        (407, false) => {
            format!("the proxy {proxy} wants a user and a password (407 {said}); set proxy_credentials in agent.toml")
        }
        (status, _) => format!(
            "the proxy {proxy} refuses the way to {address} ({status} {said}); ask whoever runs it to allow CONNECT to {address}"
        ),
    }
}

impl LinkError {
    /// Whether it looks as if nothing came through: then another way may lead there.
    pub fn may_be_blocked(&self) -> bool {
        match self {
            LinkError::Name { .. }
            | LinkError::NoAnswer(_)
            | LinkError::NotReached { .. }
            | LinkError::NotOurs { .. }
            | LinkError::Opened { .. }
            | LinkError::Proxy { .. }
            | LinkError::Neither { .. }
            | LinkError::Stranger { .. }
            | LinkError::Broken(_) => true,
            LinkError::NotAccepted(_)
            | LinkError::IssuerNotBelieved(_)
            | LinkError::RunOut(_)
            | LinkError::NotRenewed(_)
            | LinkError::Renewed
            | LinkError::Closed(_)
            | LinkError::Busy
            | LinkError::RefusedTooOften
            | LinkError::ListForsaken
            | LinkError::Protocol(_) => false,
        }
    }

    /// Whether a certificate was shown of a CA that the root document does not name.
    pub fn is_of_a_stranger(&self) -> bool {
        match self {
            LinkError::Opened { .. } => true,
            LinkError::Neither { quic, tcp } => quic.is_of_a_stranger() || tcp.is_of_a_stranger(),
            LinkError::Stranger { met, .. } => met.is_of_a_stranger(),
            LinkError::Name { .. }
            | LinkError::NoAnswer(_)
            | LinkError::NotReached { .. }
            | LinkError::NotOurs { .. }
            | LinkError::Proxy { .. }
            | LinkError::Broken(_)
            | LinkError::NotAccepted(_)
            | LinkError::IssuerNotBelieved(_)
            | LinkError::RunOut(_)
            | LinkError::NotRenewed(_)
            | LinkError::Renewed
            | LinkError::Closed(_)
            | LinkError::Busy
            | LinkError::RefusedTooOften
            | LinkError::ListForsaken
            | LinkError::Protocol(_) => false,
        }
    }

    /// Whether it is our collector that said so.
    pub fn is_an_answer(&self) -> bool {
        !self.may_be_blocked()
    }
}

impl From<Malformed> for LinkError {
    fn from(malformed: Malformed) -> LinkError {
        LinkError::Protocol(malformed.to_string())
    }
}

impl From<std::io::Error> for LinkError {
    fn from(error: std::io::Error) -> LinkError {
        LinkError::Broken(error.to_string())
    }
}

/// Writes one message.
///
/// # Errors
/// [`LinkError`].
pub async fn write_message(writer: &mut (impl AsyncWrite + Unpin), message: &ToCollector) -> Result<(), LinkError> {
    let frame = message.to_frame().map_err(|error| LinkError::Protocol(error.to_string()))?;
    writer.write_all(&frame).await?;
    writer.flush().await?;
    Ok(())
}

/// Reads one message; none when the stream ends between two. The length is checked before anything is allocated.
///
/// # Errors
/// [`LinkError`].
pub async fn read_message(reader: &mut (impl AsyncRead + Unpin)) -> Result<Option<ToAgent>, LinkError> {
    read_message_of(reader, ToAgent::BODY_MAX_OCTETS).await
}

/// The same, of a body of so many octets at most.
///
/// # Errors
/// [`LinkError`].
pub async fn read_message_of(
    reader: &mut (impl AsyncRead + Unpin),
    body_max_octets: usize,
) -> Result<Option<ToAgent>, LinkError> {
    loop {
        let Some((kind, body)) = read_frame(reader, body_max_octets).await? else { return Ok(None) };
        match Word::from_body(kind, &body)? {
            None => return Ok(Some(ToAgent::from_body(kind, &body)?)),
            // Whoever says nothing but this, as fast as it goes, must not keep the clock that ends it from being looked at.
            Some(Word::Alive) => tokio::task::yield_now().await,
            Some(Word::Close(reason)) => return Err(LinkError::Closed(reason)),
            Some(Word::Tie(_) | Word::Tied(_)) => return Err(Malformed::UnknownKind(kind).into()),
        }
    }
}

async fn read_frame(
    reader: &mut (impl AsyncRead + Unpin),
    body_max_octets: usize,
) -> Result<Option<(u16, Vec<u8>)>, LinkError> {
    let mut header = [0; FRAME_HEADER_OCTETS];
    let mut filled = 0;
    while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(Malformed::CutShort.into()),
            read => filled += read,
        }
    }
    let header = FrameHeader::read(header, body_max_octets)?;
    let mut body = vec![0; header.body_octets];
    reader.read_exact(&mut body).await?;
    Ok(Some((header.kind, body)))
}

/// Looks an address up, `HOST:PORT`. `known`: what it was when it was last found; that is kept when it cannot be found, for
/// a collector can be there when the way to its name is not (a running agent cannot read resolver settings that were
/// replaced, see [`crate::io::privilege::paths`]).
async fn find(address: &str, known: &mut Vec<SocketAddr>) -> Result<(), LinkError> {
    let unknown = |why: String| LinkError::Name { address: address.to_owned(), why };
    let limit = Duration::from_secs(ANSWER_TIMEOUT_S);
    let found = match tokio::time::timeout(limit, tokio::net::lookup_host(address)).await {
        // Two of each family are plenty; more would only make a person wait.
        Ok(found) => found.map(|found| found.take(4).collect()).map_err(|error| unknown(error.to_string())),
        Err(_) => Err(unknown("no answer".to_owned())),
    };
    match found {
        Ok(found) => *known = found,
        Err(error) if known.is_empty() => return Err(error),
        Err(error) => tracing::warn!("{error}; trying the addresses it had"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::id::Seq;

    #[tokio::test]
    async fn messages_are_read_whole_and_a_lying_length_is_refused() {
        let message = ToAgent::Gap { expected: Seq(7) };
        let mut octets = message.to_frame().unwrap();
        octets.extend_from_slice(&octets.clone());
        let mut reader = &octets[..];
        assert_eq!(read_message(&mut reader).await, Ok(Some(message.clone())));
        assert_eq!(read_message(&mut reader).await, Ok(Some(message)));
        assert_eq!(read_message(&mut reader).await, Ok(None));
        for end in 1..octets.len() / 2 {
            assert!(read_message(&mut &octets[..end]).await.is_err(), "cut at {end}");
        }
        let mut kept = Word::Alive.to_frame().unwrap();
        kept.extend(Word::Close(CloseReason::Replaced).to_frame().unwrap());
        assert_eq!(read_message(&mut &kept[..]).await, Err(LinkError::Closed(CloseReason::Replaced)));
        let huge = FrameHeader { body_octets: 1 << 30, kind: 105 }.to_octets();
        assert!(matches!(read_message(&mut &huge[..]).await, Err(LinkError::Protocol(_))));
    }
}
