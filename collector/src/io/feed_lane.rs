//! The lane for readers of the list, on the TCP listener of sessions: HTTP/1.1 under `/feed/` alone, GET and HEAD alone, nobody without a
//! token. It is not there at all while there is no reader.
//!
//! ```text
//! /feed/plain.txt            names, addresses and networks, one a line; domains.txt and ips.txt have either
//! /feed/rpz.zone             a response policy zone
//! /feed/misp/manifest.json   a MISP feed, with misp/<uuid>.json and misp/hashes.csv
//! /feed/t/TOKEN/…            the same for readers that can send neither header; only where the reader was added so
//! ```
//!
//! The token comes as `Authorization: Bearer TOKEN`, or as the password of Basic with whatever name.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use varde_common::tlp::Tlp;

use super::clock;
use super::feeds::{Feeds, Piece, Span};
use super::pages::Moving;
use crate::arrivals::{Arrival, Arrivals};
use crate::limits::feed::{FEED_CHUNK_OCTETS, FEED_CONNECTION_WITHIN, FEED_CONNECTIONS_MAX};
use crate::limits::{HTTP_HEAD_MAX_OCTETS, HTTP_HEADERS_MAX, REQUEST_WITHIN};
use crate::reader::{Offered, Refusals};
use crate::store::{Scope, Store};

/// Readers ask again after this at the soonest.
const MAX_AGE: &str = "private, no-cache";
/// Who comes without a good token is told how to come.
const CHALLENGE: &str = "Basic realm=\"varde\", charset=\"UTF-8\"";

/// What readers meet.
#[derive(Debug)]
pub struct FeedLane {
    store: Store,
    feeds: Arc<Feeds>,
    places: Arrivals,
    refusals: Mutex<Refusals>,
}

/// What becomes of a request.
enum Answer {
    /// This.
    Say(Response<Body>),
    /// Nothing: the connection ends.
    Nothing,
}

impl FeedLane {
    /// Nobody has come yet.
    pub fn new(store: Store, feeds: Arc<Feeds>) -> Arc<FeedLane> {
        let places = Arrivals::new(FEED_CONNECTIONS_MAX);
        Arc::new(FeedLane { store, feeds, places, refusals: Mutex::default() })
    }

    /// Whether there is anybody for whom it is there.
    pub async fn is_open(&self) -> bool {
        self.store.has_readers(Scope::Operator, clock::now()).await.unwrap_or(false)
    }

    /// One connection to its end.
    pub async fn attend(self: Arc<FeedLane>, tls: TlsStream<TcpStream>, from: IpAddr) {
        let Arrival::Come(_place) = self.places.arrive(from, false) else {
            if let Some(count) = self.places.turned_away(clock::monotonic()) {
                tracing::warn!(count, "connections of readers were closed: too many, of one neighbourhood or of many");
            }
            return;
        };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(REQUEST_WITHIN);
        http.max_headers(HTTP_HEADERS_MAX).max_buf_size(HTTP_HEAD_MAX_OCTETS);
        let lane = Arc::clone(&self);
        let service = service_fn(move |request: Request<Incoming>| {
            let lane = Arc::clone(&lane);
            async move {
                match lane.answer(&request, from).await {
                    Answer::Say(response) => Ok(response),
                    Answer::Nothing => Err(Unanswered),
                }
            }
        });
        let connection = http.serve_connection(TokioIo::new(Moving::new(tls)), service);
        match timeout(FEED_CONNECTION_WITHIN, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("a reader's connection ended: {error}"),
            Err(_) => tracing::debug!("a reader's connection was ended: it took too long"),
        }
    }

    async fn answer(&self, request: &Request<Incoming>, from: IpAddr) -> Answer {
        let Some(path) = request.uri().path().strip_prefix("/feed/") else {
            return Answer::Say(plain(StatusCode::NOT_FOUND, "There is nothing here.\n"));
        };
        // A token in the path is that reader's only word: no header beside it counts.
        let (offered, name) = match path.strip_prefix("t/") {
            Some(rest) => rest.split_once('/').map_or((None, ""), |(token, name)| (Offered::read(token, true), name)),
            None => {
                let field = request.headers().get(header::AUTHORIZATION);
                (field.and_then(|value| value.to_str().ok()).and_then(Offered::of_header), path)
            }
        };
        let known = match &offered {
            None => None,
            Some(offered) => match self.store.reader_by_token(Scope::Operator, offered, clock::now()).await {
                Ok(known) => known,
                Err(error) => return unserved(&error),
            },
        };
        let is_bare = !path.starts_with("t/") && !request.headers().contains_key(header::AUTHORIZATION);
        let Some(known) = known else { return if is_bare { self.ask() } else { self.refuse(from) } };
        if let Err(error) = self.store.reader_was_here(known, clock::now()).await {
            tracing::debug!("that a reader was here is not noted: {error}");
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD alone.\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Answer::Say(response);
        }
        self.serve(known.tlp, name, request).await
    }

    async fn serve(&self, level: Tlp, name: &str, request: &Request<Incoming>) -> Answer {
        let snapshot = match self.feeds.of(level).await {
            Ok(snapshot) => snapshot,
            Err(error) => return unserved(error.as_ref()),
        };
        // Names are looked up among those that were made, and never made a path of.
        match snapshot.piece(name) {
            Some(piece) => Answer::Say(told(piece, request.method() == Method::HEAD, request.headers())),
            None => Answer::Say(plain(StatusCode::NOT_FOUND, "There is no such feed.\n")),
        }
    }

    /// No token yet: asked for one, and the connection ends.
    fn ask(&self) -> Answer {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = refusals.came_bare(clock::monotonic()) {
            tracing::debug!(count, "requests for feeds came without a token and were asked for it");
        }
        Answer::Say(challenge())
    }

    /// A wrong token: told so a few times, and the connection ends.
    fn refuse(&self, from: IpAddr) -> Answer {
        let now = clock::monotonic();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let may_tell = refusals.may_tell(from, now);
        if let Some(count) = refusals.to_tell(now) {
            tracing::warn!(count, "requests for feeds without a good token were refused");
        }
        drop(refusals);
        if !may_tell {
            return Answer::Nothing;
        }
        Answer::Say(challenge())
    }
}

fn challenge() -> Response<Body> {
    let mut response = plain(StatusCode::UNAUTHORIZED, "Give a reader's token.\n");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A connection that ends without an answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a wrong token, once too often")]
struct Unanswered;

fn unserved(error: &dyn std::error::Error) -> Answer {
    tracing::error!("a feed cannot be served: {error}");
    Answer::Say(plain(StatusCode::SERVICE_UNAVAILABLE, "The collector's log says why.\n"))
}

fn plain(status: StatusCode, words: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether the reader has this already (RFC 9110 section 13.1.2).
fn has_it(headers: &HeaderMap, etag: &str) -> bool {
    let fields = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    fields
        .flat_map(|field| field.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

/// Whether the reader takes gzip (RFC 9110 section 12.5.3).
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    fields.flat_map(|field| field.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn told(piece: &Piece, head_alone: bool, headers: &HeaderMap) -> Response<Body> {
    let packs = takes_gzip(headers);
    // Two forms of one content have two tags.
    let etag = if packs { format!("{}-gzip\"", piece.etag.trim_end_matches('"')) } else { piece.etag.clone() };
    let is_known = has_it(headers, &etag);
    let span = if packs { &piece.packed } else { &piece.plain };
    let body = if head_alone || is_known { Body::empty() } else { stream(span.clone()) };
    let mut response = Response::new(body);
    let fields = response.headers_mut();
    let mut field = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            fields.insert(name, value);
        }
    };
    field(header::ETAG, &etag);
    field(header::CACHE_CONTROL, MAX_AGE);
    field(header::VARY, "Authorization, Accept-Encoding");
    field(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    field(header::CONTENT_TYPE, piece.media_type);
    field(header::CONTENT_LENGTH, &span.octets.to_string());
    if packs {
        field(header::CONTENT_ENCODING, "gzip");
    }
    response
}

/// A place in a file, read as fast as it is taken.
fn stream(span: Span) -> Body {
    let (send, pieces) = mpsc::channel::<std::io::Result<Bytes>>(1);
    tokio::spawn(async move {
        let mut at = 0;
        loop {
            let from = span.clone();
            let read = tokio::task::spawn_blocking(move || {
                let mut room = vec![0; FEED_CHUNK_OCTETS];
                let read = from.read_at(at, &mut room)?;
                room.truncate(read);
                Ok::<_, std::io::Error>(room)
            });
            let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
            match read {
                Ok(octets) if octets.is_empty() => return,
                Ok(octets) => {
                    at += octets.len() as u64;
                    if send.send(Ok(Bytes::from(octets))).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let _ = send.send(Err(error)).await;
                    return;
                }
            }
        }
    });
    Body::from_stream(ReceiverStream::new(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn what_a_reader_has_is_not_sent_again_and_gzip_only_to_who_takes_it() {
        for (value, known) in
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false), ("a", false)]
        {
            assert_eq!(has_it(&headers(header::IF_NONE_MATCH, value), "\"a\""), known, "{value}");
        }
        for (value, takes) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&headers(header::ACCEPT_ENCODING, value)), takes, "{value}");
        }
    }
}
