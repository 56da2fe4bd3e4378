//! The page's connections: so many at once, each request within a time, and none that stands still is kept.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::shares::{Share, Shares};
use super::web::stopped;
use crate::account::attempts::whole;
use crate::limits::page::CONNECTIONS_OF_ONE_MAX;
use crate::limits::{
    ACCEPT_AGAIN_AFTER, HTTP_HEAD_MAX_OCTETS, HTTP_HEADERS_MAX, PAGE_CONNECTIONS_MAX, PAGE_READ_WITHIN, REQUEST_WITHIN,
};

/// From where somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Peer, Self::Rejection> {
        // Every connection has one; without, all that have none are one.
        Ok(parts.extensions.get::<Peer>().copied().unwrap_or(Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

/// Serves connections until `stop` says so, then waits for the answers under way.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    app: Router,
    stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(PAGE_CONNECTIONS_MAX));
    let shares = Shares::new(CONNECTIONS_OF_ONE_MAX, PAGE_CONNECTIONS_MAX);
    let mut connections = JoinSet::new();
    let mut told = stop.clone();
    loop {
        while connections.try_join_next().is_some() {}
        // Who comes when all places are taken waits to be accepted, and is no file of ours meanwhile.
        let came = tokio::select! {
            () = stopped(&mut told) => break,
            came = async {
                let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
                let (stream, peer) = listener.accept().await?;
                Ok::<_, io::Error>((stream, peer.ip(), place))
            } => came,
        };
        match came {
            Ok((stream, peer, place)) => {
                // Before a word is said: whoever has its share is closed upon, and nobody else waits for it.
                let Ok(share) = share_of(&shares, peer) else {
                    tracing::debug!("{peer} has as many connections to the page as one may have; another was closed");
                    continue;
                };
                let app = app.clone().layer(Extension(Peer(peer)));
                connections.spawn(attend(stream, tls.clone(), app, stop.clone(), (place, share)));
            }
            Err(error) => {
                tracing::debug!("the page's next connection cannot be had: {error}");
                sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

/// The share of whom this address stands for; this machine needs none.
///
/// # Errors
/// It is taken.
fn share_of(shares: &Shares<IpAddr>, peer: IpAddr) -> Result<Option<Share<IpAddr>>, ()> {
    if peer.to_canonical().is_loopback() {
        return Ok(None);
    }
    shares.take(whole(peer)).map(Some).ok_or(())
}

/// One connection to its end, over TLS where there is any.
async fn attend(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    app: Router,
    stop: watch::Receiver<bool>,
    _places: (OwnedSemaphorePermit, Option<Share<IpAddr>>),
) {
    let Some(tls) = tls else { return talk(stream, app, stop).await };
    match timeout(REQUEST_WITHIN, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => talk(stream, app, stop).await,
        Ok(Err(error)) => tracing::debug!("a connection to the page is none over TLS: {error}"),
        Err(_) => tracing::debug!("a connection to the page took too long to begin TLS"),
    }
}

async fn talk<S>(stream: S, app: Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = http1::Builder::new();
    // Also between two requests: a browser that rests comes again.
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_WITHIN);
    http.max_headers(HTTP_HEADERS_MAX).max_buf_size(HTTP_HEAD_MAX_OCTETS);
    let connection = http.serve_connection(TokioIo::new(Moving::new(stream)), TowerToHyperService::new(app));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection to the page ended: {error}");
    }
}

/// A connection whose other end reads what it asked for, or loses it.
pub(super) struct Moving<S> {
    stream: S,
    /// Runs while nothing of ours is taken.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Moving<S> {
    /// Nothing was written yet.
    pub(super) fn new(stream: S) -> Moving<S> {
        Moving { stream, stalled: None }
    }

    /// What became of a write, unless it has been waiting for too long.
    fn moved<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(PAGE_READ_WITHIN)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Moving<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Moving<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.moved(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w5_one_machine_takes_the_pages_from_nobody() {
        let shares = Shares::new(CONNECTIONS_OF_ONE_MAX, PAGE_CONNECTIONS_MAX);
        let v6 = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]);
        let held: Vec<_> = (0..200).filter_map(|host| share_of(&shares, v6(host)).ok()).collect();
        assert_eq!(held.len(), CONNECTIONS_OF_ONE_MAX, "a /64 is one");
        let other = IpAddr::from([192, 0, 2, 1]);
        let also: Vec<_> = (0..200).filter_map(|_| share_of(&shares, other).ok()).collect();
        assert_eq!(also.len(), CONNECTIONS_OF_ONE_MAX, "another has its own");
        let here: Vec<_> = (0..200).filter_map(|_| share_of(&shares, IpAddr::from([127, 0, 0, 1])).ok()).collect();
        assert_eq!(here.len(), 200, "a proxy on this machine speaks for many");
    }
}
