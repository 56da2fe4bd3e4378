//! The TCP connections of one session: each a stream, all of them ended together.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, ReadHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::server::TlsStream;
use varde_common::codec::FrameHeader;
use varde_common::limits::FRAME_HEADER_OCTETS;
use varde_common::message::{CloseReason, ToAgent};
use varde_common::tie::{SessionId, Word};

use super::clock;
use crate::limits::{GOODBYE_WITHIN, IDLE_AFTER, KEEP_ALIVE_EVERY, TIE_WITHIN, TIED_MAX, WRITE_WITHIN};

/// Both directions of a stream, as the conversation sees them.
pub type Arrived = (DuplexStream, Heard<ReadHalf<TlsStream<TcpStream>>>);

/// Why a connection does not become a session's next stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTied {
    /// The session is another sensor's.
    #[error("its session id was given to another certificate")]
    Foreign,
    /// The session began too long ago, or is over.
    #[error("its session id is not good any more")]
    Late,
    /// All streams are there.
    #[error("its session has all its streams")]
    Full,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It stands.
    Not,
    /// One of its connections broke: there is nothing to say.
    Broken,
    /// It was ended, and this is said.
    With(CloseReason),
}

#[derive(Debug)]
struct Shared {
    id: SessionId,
    spki_sha256: [u8; 32],
    until: Instant,
    connections: AtomicU32,
    arriving: mpsc::Sender<Arrived>,
    ending: watch::Sender<Ending>,
    goodbye: AtomicBool,
}

/// A session over TCP. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Tied(Arc<Shared>);

impl Tied {
    /// A new session of whoever holds this key, and where its streams arrive.
    pub fn new(id: SessionId, spki_sha256: [u8; 32]) -> (Tied, mpsc::Receiver<Arrived>) {
        let (arriving, arrived) = mpsc::channel(TIED_MAX as usize);
        let until = clock::monotonic() + TIE_WITHIN;
        let (connections, goodbye) = (AtomicU32::new(0), AtomicBool::new(false));
        let ending = watch::Sender::new(Ending::Not);
        (Tied(Arc::new(Shared { id, spki_sha256, until, connections, arriving, ending, goodbye })), arrived)
    }

    /// Its id.
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// One more connection wants to belong to it.
    ///
    /// # Errors
    /// [`NotTied`].
    pub fn tie(&self, spki_sha256: &[u8; 32], now: Instant) -> Result<(), NotTied> {
        if self.0.spki_sha256 != *spki_sha256 {
            return Err(NotTied::Foreign);
        }
        if now > self.0.until || self.is_closed() {
            return Err(NotTied::Late);
        }
        let one_more = |connections: u32| (connections < TIED_MAX).then_some(connections + 1);
        let counted = self.0.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.map(|_| ()).map_err(|_| NotTied::Full)
    }

    /// Ends all its connections; the first reason stays.
    pub fn close(&self, reason: CloseReason) {
        self.end(Ending::With(reason));
    }

    /// One of its connections is over, and so are the others: a session is all of them.
    pub fn handle_broken(&self) {
        self.end(Ending::Broken);
    }

    fn end(&self, how: Ending) {
        self.0.ending.send_if_modified(|ending| {
            let stands = *ending == Ending::Not;
            if stands {
                *ending = how;
            }
            stands
        });
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        *self.0.ending.borrow() != Ending::Not
    }

    /// Waits until it has ended.
    pub async fn closed(&self) {
        // It holds the sender itself, so the wait cannot fail.
        let _ = self.0.ending.subscribe().wait_for(ended).await;
    }

    /// The other end took its leave.
    pub fn handle_goodbye(&self) {
        self.0.goodbye.store(true, Ordering::Relaxed);
    }

    /// Whether it did.
    pub fn said_goodbye(&self) -> bool {
        self.0.goodbye.load(Ordering::Relaxed)
    }

    /// Hands a connection to the conversation as its next stream and carries what is written there, until either is over.
    pub async fn carry(&self, connection: TlsStream<TcpStream>) {
        let (read, write) = tokio::io::split(connection);
        let (ours, theirs) = tokio::io::duplex(crate::limits::STREAM_WINDOW_OCTETS as usize);
        if self.0.arriving.send((theirs, Heard::new(read, IDLE_AFTER))).await.is_ok() {
            pump(ours, write, self.0.ending.subscribe(), Pace::USUAL).await;
        }
    }
}

/// How often there is a sign of life, and how long a frame may wait to be taken.
#[derive(Debug, Clone, Copy)]
struct Pace {
    alive_every: Duration,
    taken_within: Duration,
}

impl Pace {
    const USUAL: Pace = Pace { alive_every: KEEP_ALIVE_EVERY, taken_within: WRITE_WITHIN };
}

fn ended(ending: &Ending) -> bool {
    *ending != Ending::Not
}

/// Carries frames to the other end, says that we are there when there are none, and why it ends when it does.
async fn pump(
    mut from: DuplexStream,
    mut to: impl AsyncWrite + Unpin,
    mut ending: watch::Receiver<Ending>,
    pace: Pace,
) {
    loop {
        let frame = tokio::select! {
            biased;
            _ = ending.wait_for(ended) => break,
            frame = next_frame(&mut from, pace.alive_every) => frame,
        };
        let Ok(Some(frame)) = frame else { break };
        let written = async {
            to.write_all(&frame).await?;
            to.flush().await
        };
        let cut_off = async {
            let _ = ending.wait_for(ended).await;
            sleep(GOODBYE_WITHIN).await;
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
    let _ = timeout(GOODBYE_WITHIN, async {
        match why {
            Ending::With(reason) => {
                to.write_all(&Word::Close(reason).to_frame().map_err(io::Error::other)?).await?;
            }
            Ending::Not | Ending::Broken => {}
        }
        to.flush().await?;
        to.shutdown().await
    })
    .await;
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
    let body = FrameHeader::read(header, ToAgent::BODY_MAX_OCTETS).map_err(io::Error::other)?.body_octets;
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
    fn new(inner: R, idle_after: Duration) -> Heard<R> {
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
        self.silence.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tied() -> (Tied, mpsc::Receiver<Arrived>) {
        Tied::new(SessionId([1; 16]), [2; 32])
    }

    #[test]
    fn p1_five_connections_of_one_certificate_within_a_minute_and_no_other() {
        let now = clock::monotonic();
        let (session, _arrived) = tied();
        assert_eq!(session.tie(&[3; 32], now), Err(NotTied::Foreign));
        assert_eq!(session.tie(&[2; 32], now + TIE_WITHIN + Duration::from_secs(1)), Err(NotTied::Late));
        for _ in 0..5 {
            assert_eq!(session.tie(&[2; 32], now), Ok(()));
        }
        assert_eq!(session.tie(&[2; 32], now), Err(NotTied::Full));
        let (over, _arrived) = tied();
        over.close(CloseReason::Revoked);
        over.close(CloseReason::GoingDown);
        assert_eq!(over.tie(&[2; 32], now), Err(NotTied::Late));
        assert_eq!(*over.0.ending.borrow(), Ending::With(CloseReason::Revoked), "the first reason stays");
    }

    async fn words(octets: &mut (impl AsyncRead + Unpin)) -> Vec<(u16, Vec<u8>)> {
        let mut all = Vec::new();
        octets.read_to_end(&mut all).await.unwrap();
        let (mut rest, mut words) = (&all[..], Vec::new());
        while let Some((header, after)) = rest.split_first_chunk::<FRAME_HEADER_OCTETS>() {
            let header = FrameHeader::read(*header, ToAgent::BODY_MAX_OCTETS).unwrap();
            words.push((header.kind, after[..header.body_octets].to_vec()));
            rest = &after[header.body_octets..];
        }
        words
    }

    const QUICK: Pace = Pace { alive_every: Duration::from_millis(1), taken_within: Duration::from_millis(20) };

    #[tokio::test]
    async fn p1_a_quiet_stream_says_that_it_is_there_and_then_why_it_ends() {
        let (session, _arrived) = tied();
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let (to, mut read) = tokio::io::duplex(1024 * 1024);
        let pump = tokio::spawn(pump(ours, to, session.0.ending.subscribe(), QUICK));
        let alive = Word::Alive.to_frame().unwrap();
        let mut first = vec![0; alive.len()];
        read.read_exact(&mut first).await.unwrap();
        assert_eq!(first, alive);
        let message = ToAgent::ListEnd.to_frame().unwrap();
        theirs.write_all(&message).await.unwrap();
        let kind = FrameHeader::read(*message.first_chunk().unwrap(), 64).unwrap().kind;
        loop {
            let mut header = [0; FRAME_HEADER_OCTETS];
            read.read_exact(&mut header).await.unwrap();
            if FrameHeader::read(header, 64).unwrap().kind == kind {
                break;
            }
        }
        session.close(CloseReason::Revoked);
        pump.await.unwrap();
        let last = words(&mut read).await.pop();
        assert_eq!(last, Some((0xf004, vec![1])));
    }

    #[tokio::test]
    async fn p1_an_end_that_is_silent_or_does_not_read_is_given_up() {
        let (silent, _kept) = tokio::io::duplex(64);
        let mut heard = Heard::new(silent, Duration::from_millis(5));
        let ended = heard.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);

        let (session, _arrived) = tied();
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let (to, _deaf) = tokio::io::duplex(16);
        let pump = tokio::spawn(pump(ours, to, session.0.ending.subscribe(), QUICK));
        let chunk = ToAgent::ListChunk { octets: vec![0; 4096] }.to_frame().unwrap();
        while theirs.write_all(&chunk).await.is_ok() {}
        pump.await.unwrap();
    }
}
