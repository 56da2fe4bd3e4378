//! Carries the conversations with sources over HTTPS: every address checked before it is asked, every answer bounded in size, time and
//! pace, what a source is asked with shown to that source alone.

mod body;
pub(in crate::io) mod connect;

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use url::Url;

use self::body::Sink;
use super::{clock, directory};
use crate::intel::fetch::collections::{Collection, Search};
use crate::intel::fetch::credentials::{self, BadCredentials, Credentials};
use crate::intel::fetch::pace::{Pace, TooSlow};
use crate::intel::fetch::place::{self, BadPlace};
use crate::intel::fetch::plan::Plan;
use crate::intel::fetch::{Ask, Conversation, Fetched, Head, Refused, succeeded};
use crate::limits::fetch::{
    FETCH_CONNECT_WITHIN, FETCH_FIELD_MAX_OCTETS, FETCH_HEAD_MAX_OCTETS, FETCH_HEAD_WITHIN, FETCH_REDIRECTS_MAX,
    FETCH_SECRET_MAX_OCTETS, FETCH_UNPACKED_TIMES, FETCH_WAIT_MAX, FETCH_WAITS_MAX,
};

/// Octets of a body that are written at once.
const BLOCK_OCTETS: usize = 256 * 1024;
const DATE_ADDED_LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// Why nothing was fetched, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is not asked.
    #[error(transparent)]
    Place(#[from] BadPlace),
    /// Its answer is not taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What it is asked with.
    #[error("{} (--auth-file): {why}", .path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: BadCredentials,
    },
    /// The file with that.
    #[error("cannot read {} (--auth-file): {why}", .path.display())]
    NoCredentials {
        /// The file.
        path: PathBuf,
        /// The system's word.
        why: String,
    },
    /// A certificate without a key, or the like.
    #[error("the certificate in --auth-file cannot be used: it wants a certificate and its key, both PEM, in one file")]
    Certificate,
    /// CA certificates.
    #[error("cannot read the CA certificates in {} (--ca): {why}; give a PEM file with at least one", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system's own.
    #[error(
        "this system has no CA certificates to believe a source by; install them (ca-certificates), or name a file with --ca"
    )]
    NoAuthorities,
    /// A host that no certificate names.
    #[error("\"{0}\" is no host that a certificate can name")]
    Host(String),
    /// TLS.
    #[error("TLS with it fails: {0}; if its certificate is of an own CA: --ca")]
    Tls(String),
    /// Its name.
    #[error("the name {host} cannot be resolved: {why}")]
    Unresolved {
        /// The name.
        host: String,
        /// Why.
        why: String,
    },
    /// Nobody answers.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
    /// The proxy.
    #[error("the proxy does not let through: {0}")]
    Proxy(String),
    /// Too long until the connection stood.
    #[error("no connection stood within {} seconds", FETCH_CONNECT_WITHIN.as_secs())]
    NoConnection,
    /// Too long until the answer began.
    #[error("it did not begin to answer within {} seconds", FETCH_HEAD_WITHIN.as_secs())]
    NoAnswer,
    /// Too slow.
    #[error(transparent)]
    Slow(#[from] TooSlow),
    /// All of it took too long.
    #[error("it took longer than {0} seconds (--within)")]
    TooLong(u64),
    /// It wants to know who asks.
    #[error(
        "it asks for a client's certificate, and shows nothing without; name a file with one and its key: --auth-file"
    )]
    WantsCertificate,
    /// It does not know who asks.
    #[error("it does not take the client's certificate in --auth-file; ask whoever runs it for one that it knows")]
    CertificateRefused,
    /// HTTP.
    #[error("the connection broke off or is no HTTP: {0}")]
    Http(String),
    /// Too much.
    #[error("it sends more than {0} bytes (--max-size)")]
    TooLarge(u64),
    /// Too much out of too little.
    #[error("what it sends unpacks to more than {FETCH_UNPACKED_TIMES} times its size")]
    Bomb,
    /// Not what it says.
    #[error("what it sends is said to be gzip and cannot be unpacked whole")]
    Unpacked,
    /// Another packing.
    #[error("it sends what is packed as {0}; only gzip was asked for")]
    Encoding(String),
    /// No room.
    #[error("what it sends cannot be written beside the database: {0}")]
    Disk(String),
}

impl FetchError {
    /// For how long the source asks to be left alone.
    pub fn left_alone(&self) -> Duration {
        match self {
            FetchError::Refused(Refused::Later { after, .. }) => *after,
            _ => Duration::ZERO,
        }
    }
}

/// A connection that stands, and the origin it leads to.
struct Open {
    to: Url,
    sender: SendRequest<Full<Bytes>>,
    /// Gives whether it has ended for the sake of a client's certificate.
    carrying: JoinHandle<bool>,
}

impl Open {
    /// Whether the other end has ended it for the sake of our certificate. Its word may come before anything is asked, and then who asks
    /// hears only that nobody listens.
    async fn is_about_certificate(&mut self, error: &hyper::Error) -> bool {
        if connect::is_about_certificate(error) {
            return true;
        }
        let is_over = error.is_closed() || error.is_canceled();
        is_over && timeout(FETCH_CONNECT_WITHIN, &mut self.carrying).await.is_ok_and(|ended| ended.unwrap_or(false))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

/// Fetches from one source, once.
pub struct Fetcher {
    plan: Plan,
    scratch: PathBuf,
    credentials: Option<Credentials>,
    tls: TlsConnector,
    tls_elsewhere: TlsConnector,
    open: Option<Open>,
    octets_left: u64,
}

impl Fetcher {
    /// Ready to fetch; what comes goes into files without a name in `scratch`.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn new(plan: Plan, scratch: &Path) -> Result<Fetcher, FetchError> {
        let credentials = plan.auth_file.as_deref().map(secret).transpose()?;
        let ca = plan.ca.as_deref();
        let own = match &credentials {
            Some(Credentials::Certificate(pem)) => Some(pem.as_slice()),
            Some(Credentials::Header(..)) | None => None,
        };
        let (tls, tls_elsewhere) = (connect::tls(ca, own)?, connect::tls(ca, None)?);
        let octets_left = plan.max_octets;
        Ok(Fetcher { plan, scratch: scratch.to_owned(), credentials, tls, tls_elsewhere, open: None, octets_left })
    }

    /// Has a whole conversation; gives what it came to, and the file with what is to be taken in.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(mut self, talk: Box<dyn Conversation>) -> Result<(Fetched, File), FetchError> {
        let within = self.plan.within_s;
        match timeout(Duration::from_secs(within), self.converse(talk)).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::TooLong(within)),
        }
    }

    async fn converse(&mut self, mut talk: Box<dyn Conversation>) -> Result<(Fetched, File), FetchError> {
        let mut out = BufWriter::new(self.nameless()?);
        while let Some(ask) = talk.poll_ask() {
            let (head, body) = self.patiently(&ask).await?;
            // Reading an answer of hundreds of megabytes is work: not on the threads that carry sessions.
            let read = tokio::task::spawn_blocking(move || {
                let mut body = BufReader::with_capacity(1 << 16, body);
                let read = talk.handle_answer(&head, &mut body, &mut out);
                (talk, out, read)
            });
            let read = read.await.map_err(|error| FetchError::Disk(error.to_string()))?;
            (talk, out) = (read.0, read.1);
            read.2?;
        }
        let fetched = talk.finish(&mut out)?;
        out.flush().map_err(|error| FetchError::Disk(error.to_string()))?;
        let file = out.into_inner().map_err(|error| FetchError::Disk(error.to_string()))?;
        Ok((fetched, file))
    }

    /// The collections of a TAXII server; and how many of its API roots are on other servers.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn collections(mut self) -> Result<(Vec<Collection>, usize), FetchError> {
        let within = self.plan.within_s;
        let searching = async {
            let mut search = Search::new(self.plan.url.clone());
            while let Some(ask) = search.poll_ask() {
                let (head, body) = self.patiently(&ask).await?;
                search.handle_answer(&head, &mut BufReader::new(body))?;
            }
            Ok(search.finish())
        };
        match timeout(Duration::from_secs(within), searching).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::TooLong(within)),
        }
    }

    fn nameless(&self) -> Result<File, FetchError> {
        tempfile::tempfile_in(&self.scratch).map_err(|error| FetchError::Disk(error.to_string()))
    }

    /// An answer, waited for where the source asks for a little time.
    async fn patiently(&mut self, ask: &Ask) -> Result<(Head, File), FetchError> {
        let mut waits = 0;
        loop {
            let (head, body) = self.answer(ask).await?;
            match succeeded(&head) {
                Err(Refused::Later { after, .. }) if after <= FETCH_WAIT_MAX && waits < FETCH_WAITS_MAX => {
                    waits += 1;
                    sleep(after.max(Duration::from_secs(1))).await;
                }
                Err(later @ Refused::Later { .. }) => return Err(later.into()),
                Ok(()) | Err(_) => return Ok((head, body)),
            }
        }
    }

    /// An answer, wherever redirects lead that may be followed.
    async fn answer(&mut self, ask: &Ask) -> Result<(Head, File), FetchError> {
        let mut url = ask.url.clone();
        let mut hops = 0;
        loop {
            let response = self.request(&url, ask).await?;
            let status = response.status();
            let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
            match location {
                Some(location) if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) => {
                    if ask.post.is_some() {
                        return Err(BadPlace::PostRedirect(status.as_u16()).into());
                    }
                    url = place::follow(&url, location, hops, FETCH_REDIRECTS_MAX)?;
                    hops += 1;
                    self.open = None;
                }
                Some(_) | None => {
                    let head = head_of(status.as_u16(), response.headers());
                    return Ok((head, self.receive(response).await?));
                }
            }
        }
    }

    async fn request(&mut self, url: &Url, ask: &Ask) -> Result<Response<Incoming>, FetchError> {
        // A connection that was kept may just have been ended by the other side: that is no failure yet.
        if self.open.as_ref().is_some_and(|open| place::is_same_origin(&open.to, url) && !open.sender.is_closed()) {
            match self.send(url, ask).await {
                Err(FetchError::Http(_)) => {}
                done => return done,
            }
        }
        self.open = None;
        self.open = Some(match timeout(FETCH_CONNECT_WITHIN, self.connect(url)).await {
            Ok(open) => open?,
            Err(_) => return Err(FetchError::NoConnection),
        });
        self.send(url, ask).await
    }

    async fn connect(&self, url: &Url) -> Result<Open, FetchError> {
        let is_source = place::is_same_origin(url, &self.plan.url);
        let tls = if is_source { &self.tls } else { &self.tls_elsewhere };
        let stream = connect::connect(url, &self.plan, tls).await?;
        let mut http = http1::Builder::new();
        http.max_buf_size(FETCH_HEAD_MAX_OCTETS);
        let (sender, connection) =
            http.handshake(TokioIo::new(stream)).await.map_err(|error| FetchError::Http(error.to_string()))?;
        let carrying =
            tokio::spawn(async move { connection.await.is_err_and(|error| connect::is_about_certificate(&error)) });
        Ok(Open { to: url.clone(), sender, carrying })
    }

    async fn send(&mut self, url: &Url, ask: &Ask) -> Result<Response<Incoming>, FetchError> {
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut request = Request::builder()
            .method(if ask.post.is_some() { Method::POST } else { Method::GET })
            .uri(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("varde-collector/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, ask.accept)
            .header(header::ACCEPT_ENCODING, "gzip");
        if ask.post.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in [(header::IF_NONE_MATCH, &ask.etag), (header::IF_MODIFIED_SINCE, &ask.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        // What it is asked with is between the operator and that one server.
        if let (Some(Credentials::Header(name, value)), true) =
            (&self.credentials, place::is_same_origin(url, &self.plan.url))
        {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(ask.post.clone().unwrap_or_default()));
        let is_shown = matches!(self.credentials, Some(Credentials::Certificate(_)));
        let request = request.body(body).map_err(|error| FetchError::Http(error.to_string()))?;
        let Some(open) = &mut self.open else { return Err(FetchError::NoConnection) };
        let answer = async {
            open.sender.ready().await?;
            open.sender.send_request(request).await
        };
        let error = match timeout(FETCH_HEAD_WITHIN, answer).await.map_err(|_| FetchError::NoAnswer)? {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        Err(match open.is_about_certificate(&error).await {
            true if is_shown => FetchError::CertificateRefused,
            true => FetchError::WantsCertificate,
            false => FetchError::Http(error.to_string()),
        })
    }

    /// All of a body, in a file at its beginning.
    async fn receive(&mut self, response: Response<Incoming>) -> Result<File, FetchError> {
        let encoding = response.headers().get(header::CONTENT_ENCODING).and_then(|name| name.to_str().ok());
        let mut sink = Sink::new(self.nameless()?, self.octets_left, encoding)?;
        let mut body = response.into_body();
        let mut pace = Pace::new(clock::monotonic());
        let mut block = Vec::new();
        loop {
            let frame = match timeout_at(Instant::from_std(pace.until()), body.frame()).await {
                Ok(frame) => frame,
                Err(_) => {
                    pace.handle_octets(0, clock::monotonic())?;
                    continue;
                }
            };
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| FetchError::Http(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                pace.handle_octets(data.len() as u64, clock::monotonic())?;
                block.extend_from_slice(&data);
            }
            if block.len() >= BLOCK_OCTETS {
                (sink, block) = take(sink, block).await?;
            }
        }
        (sink, _) = take(sink, block).await?;
        let finished = tokio::task::spawn_blocking(move || sink.finish()).await;
        let (mut file, octets) = finished.map_err(|error| FetchError::Disk(error.to_string()))??;
        self.octets_left = self.octets_left.saturating_sub(octets);
        file.seek(SeekFrom::Start(0)).map_err(|error| FetchError::Disk(error.to_string()))?;
        Ok(file)
    }
}

/// Unpacks and writes a block, where that keeps nobody waiting; gives an empty one back.
async fn take(mut sink: Sink, mut block: Vec<u8>) -> Result<(Sink, Vec<u8>), FetchError> {
    let taking = tokio::task::spawn_blocking(move || {
        let taken = sink.take(&block);
        block.clear();
        taken.map(|()| (sink, block))
    });
    taking.await.map_err(|error| FetchError::Disk(error.to_string()))?
}

fn head_of(status: u16, headers: &HeaderMap) -> Head {
    let field = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        (value.len() <= FETCH_FIELD_MAX_OCTETS).then(|| value.to_owned())
    };
    Head {
        status,
        content_type: field(header::CONTENT_TYPE),
        etag: field(header::ETAG),
        last_modified: field(header::LAST_MODIFIED),
        date: field(header::DATE),
        date_added_last: field(DATE_ADDED_LAST),
        retry_after: field(header::RETRY_AFTER),
    }
}

/// What a source is asked with, from a file that is its owner's alone.
fn secret(path: &Path) -> Result<Credentials, FetchError> {
    let unreadable = |why: String| FetchError::NoCredentials { path: path.to_owned(), why };
    let bad = |why| FetchError::Credentials { path: path.to_owned(), why };
    let mode = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.permissions().mode();
    credentials::is_private(mode).map_err(bad)?;
    let octets = directory::read(path, FETCH_SECRET_MAX_OCTETS).map_err(|error| unreadable(error.to_string()))?;
    credentials::read(&octets).map_err(bad)
}

/// That the file with what a source is asked with can be used.
///
/// # Errors
/// [`FetchError`].
pub fn check_secret(path: &Path) -> Result<(), FetchError> {
    secret(path).map(|_| ())
}
