//! The way to the collector: five ordered byte streams, whatever carries them (decision 18), and messages on them.

mod lists;
mod pulse;
pub mod quic;
pub mod session;
pub mod timed;

#[cfg(test)]
mod double;
#[cfg(test)]
#[path = "tests.rs"]
mod with_double;

use std::future::Future;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use varde_common::codec::{FrameHeader, Malformed};
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::message::{CloseReason, Stream, ToAgent, ToCollector};

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
    /// Closed by the collector with a reason.
    #[error("{}", .0.sentence())]
    Closed(CloseReason),
    /// What came is no message, or not one that belongs there.
    #[error("the collector sent what it may not: {0}")]
    Protocol(String),
    /// Anything else that ends a connection.
    #[error("the connection to the collector broke: {0}")]
    Broken(String),
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
    let mut header = [0; FRAME_HEADER_OCTETS];
    let mut filled = 0;
    while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(Malformed::CutShort.into()),
            read => filled += read,
        }
    }
    let header = FrameHeader::read(header, ToAgent::BODY_MAX_OCTETS)?;
    let mut body = vec![0; header.body_octets];
    reader.read_exact(&mut body).await?;
    Ok(Some(ToAgent::from_body(header.kind, &body)?))
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
        let huge = FrameHeader { body_octets: 1 << 30, kind: 105 }.to_octets();
        assert!(matches!(read_message(&mut &huge[..]).await, Err(LinkError::Protocol(_))));
    }
}
