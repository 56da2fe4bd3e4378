//! Frames on a stream: the header is held against its cap before anything is allocated, and nobody may dawdle.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use varde_common::codec::{FrameHeader, Malformed};
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::message::{CloseReason, ToAgent, ToCollector};
use varde_common::tie::Word;

use crate::limits::FRAME_WITHIN;

/// Why no further frame comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The connection or the stream is gone.
    #[error("the connection is gone")]
    Gone,
    /// Over TCP: the other end has taken its leave.
    #[error("the other end has taken its leave")]
    Goodbye,
    /// A frame began and did not end, or ours is not taken.
    #[error("the other end stalls in the middle of a frame")]
    Stalled,
    /// The octets are no frame of ours.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// A message of our own is none that may be sent: our fault, and nobody else's.
    #[error("a message of this collector cannot be sent: {0}")]
    Unsendable(String),
}

impl FrameError {
    /// Why a session or an enrolment ends by it; none where the connection is gone anyway. Only what the other end did is its breaking
    /// of a rule.
    pub fn close_reason(&self) -> Option<CloseReason> {
        match self {
            FrameError::Gone | FrameError::Goodbye => None,
            FrameError::Stalled | FrameError::Malformed(_) => Some(CloseReason::ProtocolError),
            FrameError::Unsendable(_) => {
                tracing::error!("{self}; report this to the makers of Varde");
                Some(CloseReason::Unavailable)
            }
        }
    }
}

/// The next message; none where the stream ended between two. A kind not known here is [`Malformed::UnknownKind`]; the
/// frame is then read whole, so that reading may go on.
///
/// # Errors
/// [`FrameError`].
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<ToCollector>, FrameError> {
    match read_octets(stream, ToCollector::BODY_MAX_OCTETS).await? {
        Some((kind, body)) => Ok(Some(ToCollector::from_body(kind, &body)?)),
        None => Ok(None),
    }
}

/// The next message's kind and body of at most so many octets, not decoded; none where the stream ended between two. Signs of
/// life are passed over.
///
/// # Errors
/// [`FrameError`].
pub async fn read_octets(
    stream: &mut (impl AsyncRead + Unpin),
    body_max_octets: usize,
) -> Result<Option<(u16, Vec<u8>)>, FrameError> {
    loop {
        let Some((kind, body)) = read_frame(stream, body_max_octets).await? else { return Ok(None) };
        match Word::from_body(kind, &body)? {
            None => return Ok(Some((kind, body))),
            Some(Word::Alive) => {}
            Some(Word::Close(_)) => return Err(FrameError::Goodbye),
            Some(Word::Tie(_) | Word::Tied(_)) => return Err(Malformed::UnknownKind(kind).into()),
        }
    }
}

/// The next word, which must be one.
///
/// # Errors
/// [`FrameError`].
pub async fn read_word(stream: &mut (impl AsyncRead + Unpin)) -> Result<Word, FrameError> {
    let max = varde_common::tie::WORD_MAX_OCTETS;
    let (kind, body) = read_frame(stream, max).await?.ok_or(FrameError::Gone)?;
    Ok(Word::from_body(kind, &body)?.ok_or(Malformed::UnknownKind(kind))?)
}

async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    body_max_octets: usize,
) -> Result<Option<(u16, Vec<u8>)>, FrameError> {
    let mut header = [0; FRAME_HEADER_OCTETS];
    // A sensor may be silent between frames for as long as its connection lives.
    let begun = match stream.read(&mut header).await {
        Ok(0) => return Ok(None),
        Ok(octets) => octets,
        Err(_) => return Err(FrameError::Gone),
    };
    let rest = async {
        let (_, missing) = header.split_at_mut(begun.min(FRAME_HEADER_OCTETS));
        stream.read_exact(missing).await.map_err(|_| FrameError::Gone)?;
        let header = FrameHeader::read(header, body_max_octets)?;
        let mut body = vec![0; header.body_octets];
        stream.read_exact(&mut body).await.map_err(|_| FrameError::Gone)?;
        Ok(Some((header.kind, body)))
    };
    timeout(FRAME_WITHIN, rest).await.unwrap_or(Err(FrameError::Stalled))
}

/// Sends a message; it must be taken within `within`.
///
/// # Errors
/// [`FrameError`].
pub async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &ToAgent,
    within: Duration,
) -> Result<(), FrameError> {
    let octets = message.to_frame().map_err(|error| FrameError::Unsendable(error.to_string()))?;
    let body_octets = octets.len().saturating_sub(FRAME_HEADER_OCTETS);
    if body_octets > ToAgent::BODY_MAX_OCTETS {
        return Err(FrameError::Unsendable(format!("it has {body_octets} bytes, more than a sensor reads")));
    }
    let written = async {
        stream.write_all(&octets).await?;
        stream.flush().await
    };
    match timeout(within, written).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(FrameError::Gone),
        Err(_) => Err(FrameError::Stalled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn n1_a_message_of_ours_that_is_too_large_is_no_fault_of_the_sensors() {
        let message = ToAgent::Newest { document: vec![0; 64 * 1024 * 1024] };
        let error = write(&mut tokio::io::sink(), &message, Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(error.close_reason(), Some(CloseReason::Unavailable), "{error}");
        let theirs = FrameError::Malformed(Malformed::UnknownKind(9));
        assert_eq!(theirs.close_reason(), Some(CloseReason::ProtocolError));
    }
}
