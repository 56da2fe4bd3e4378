//! One stream over TCP: frames go out whole, with signs of life between them and a last word at the end; silence ends it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};
use varde_common::codec::FrameHeader;
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::message::{CloseReason, ToCollector};
use varde_common::tie::Word;

use crate::limits::{LINK_IDLE_TIMEOUT_S, LINK_KEEP_ALIVE_S, TCP_GOODBYE_MS};

/// How often there is a sign of life, and how long a frame may wait to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    alive_every: Duration,
    taken_within: Duration,
}

impl Pace {
    /// As over QUIC.
    pub const USUAL: Pace = Pace {
        alive_every: Duration::from_secs(LINK_KEEP_ALIVE_S),
        taken_within: Duration::from_secs(LINK_IDLE_TIMEOUT_S),
    };
}

/// Carries frames to the other end until either end of the stream is over, or this side ends the session.
pub async fn pump(
    mut from: DuplexStream,
    mut to: impl AsyncWrite + Unpin,
    mut ending: watch::Receiver<Option<CloseReason>>,
    pace: Pace,
) {
    let goodbye = Duration::from_millis(TCP_GOODBYE_MS);
    loop {
        let frame = tokio::select! {
            biased;
            _ = ending.wait_for(Option::is_some) => break,
            frame = next_frame(&mut from, pace.alive_every) => frame,
        };
        let Ok(Some(frame)) = frame else { break };
        let written = async {
            to.write_all(&frame).await?;
            to.flush().await
        };
        let cut_off = async {
            let _ = ending.wait_for(Option::is_some).await;
            sleep(goodbye).await;
        };
        let written = tokio::select! {
            written = timeout(pace.taken_within, written) => matches!(written, Ok(Ok(()))),
            () = cut_off => false,
        };
        if !written {
            return;
        }
    }
    let why = *ending.borrow();
    let last = async {
        if let Some(reason) = why {
            to.write_all(&Word::Close(reason).to_frame().map_err(io::Error::other)?).await?;
        }
        to.flush().await?;
        to.shutdown().await
    };
    let _ = timeout(goodbye, last).await;
}

/// The next frame, whole, so that a word never comes into the middle of one; none where the stream is over.
async fn next_frame(from: &mut DuplexStream, alive_every: Duration) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; FRAME_HEADER_OCTETS];
    let begun = match timeout(alive_every, from.read(&mut header)).await {
        Err(_) => return Word::Alive.to_frame().map(Some).map_err(io::Error::other),
        Ok(Ok(0)) => return Ok(None),
        Ok(begun) => begun?,
    };
    let (_, missing) = header.split_at_mut(begun.min(FRAME_HEADER_OCTETS));
    from.read_exact(missing).await?;
    let body = FrameHeader::read(header, ToCollector::BODY_MAX_OCTETS).map_err(io::Error::other)?.body_octets;
    let mut frame = header.to_vec();
    frame.resize(FRAME_HEADER_OCTETS + body, 0);
    let (_, missing) = frame.split_at_mut(FRAME_HEADER_OCTETS);
    from.read_exact(missing).await?;
    Ok(Some(frame))
}

/// What is read, from an end that is given up when it is silent for too long.
#[derive(Debug)]
pub struct Heard<R> {
    inner: R,
    silence: Pin<Box<Sleep>>,
    idle_after: Duration,
}

impl<R> Heard<R> {
    /// From now on.
    pub fn new(inner: R, idle_after: Duration) -> Heard<R> {
        Heard { inner, silence: Box::pin(sleep(idle_after)), idle_after }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Heard<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(context, buffer) {
            let until = tokio::time::Instant::now() + self.idle_after;
            self.silence.as_mut().reset(until);
            return Poll::Ready(read);
        }
        let silent = || io::Error::new(io::ErrorKind::TimedOut, "nothing was heard of the collector for a minute");
        self.silence.as_mut().poll(context).map(|()| Err(silent()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Pace = Pace { alive_every: Duration::from_millis(1), taken_within: Duration::from_millis(20) };

    #[tokio::test]
    async fn a_quiet_stream_says_that_it_is_there_and_then_why_it_ends() {
        let ending = watch::Sender::new(None);
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let (to, mut read) = tokio::io::duplex(1024 * 1024);
        let pump = tokio::spawn(pump(ours, to, ending.subscribe(), QUICK));
        let alive = Word::Alive.to_frame().unwrap();
        let mut first = vec![0; alive.len()];
        read.read_exact(&mut first).await.unwrap();
        assert_eq!(first, alive);
        theirs.write_all(&ToCollector::AskRoot.to_frame().unwrap()).await.unwrap();
        ending.send_replace(Some(CloseReason::GoingDown));
        pump.await.unwrap();
        let mut rest = Vec::new();
        read.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(&Word::Close(CloseReason::GoingDown).to_frame().unwrap()), "{rest:?}");
    }

    #[tokio::test]
    async fn an_end_that_is_silent_or_does_not_read_is_given_up() {
        let (silent, _kept) = tokio::io::duplex(64);
        let ended = Heard::new(silent, Duration::from_millis(5)).read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        let ending = watch::Sender::new(None);
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let (to, _deaf) = tokio::io::duplex(16);
        let pump = tokio::spawn(pump(ours, to, ending.subscribe(), QUICK));
        let frame = [FrameHeader { body_octets: 4096, kind: 4 }.to_octets().as_slice(), &[0; 4096]].concat();
        while theirs.write_all(&frame).await.is_ok() {}
        pump.await.unwrap();
    }
}
