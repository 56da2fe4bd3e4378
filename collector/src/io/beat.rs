//! Sends heartbeats to whoever watches over this collector: one small POST at a time, within a time, by a task of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsConnector;
use varde_common::trust::hex;

use super::{clock, quic};
use crate::beat::{Address, Beats, Body, Fare, Outcome};
use crate::change::{Change, Changes};
use crate::limits::{BEAT_WITHIN, HEALTH_WITHIN, HTTP_HEAD_MAX_OCTETS};
use crate::store::{Scope, Store, StoreError, setting};

/// Where heartbeats go, how often, and whom is believed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where.
    pub to: Address,
    /// How often.
    pub every: Duration,
    /// A file of CA certificates (PEM) that are believed; none = those of the system.
    pub authorities: Option<PathBuf>,
}

/// Why no heartbeat can ever be sent.
#[derive(Debug, thiserror::Error)]
pub enum BeatError {
    /// The CA certificates.
    #[error("cannot read the CA certificates in {} (heartbeat_ca): {why}; give a PEM file with at least one", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system's own.
    #[error(
        "this system has no CA certificates to verify the receiver of heartbeats by ({0}); install them (ca-certificates), or name a file with heartbeat_ca"
    )]
    NoAuthorities(String),
    /// TLS.
    #[error("TLS for heartbeats cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The host.
    #[error("\"{0}\" (heartbeat) is no host that a certificate can name")]
    Host(String),
}

/// Sends them.
pub struct Sender {
    wanted: Wanted,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Sender {
    /// Ready to send; nothing is sent yet.
    ///
    /// # Errors
    /// [`BeatError`].
    pub fn new(wanted: Wanted) -> Result<Sender, BeatError> {
        let tls = if wanted.to.tls {
            let roots = roots(wanted.authorities.as_deref())?;
            let mut config = ClientConfig::builder_with_provider(quic::provider())
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            let name = ServerName::try_from(wanted.to.host.clone());
            let name = name.map_err(|_| BeatError::Host(wanted.to.host.clone()))?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        Ok(Sender { wanted, tls })
    }

    /// Sends one.
    async fn send(&self, body: Vec<u8>) -> Outcome {
        self.tell(body, None).await
    }

    /// Posts JSON, with a key if the other end wants one.
    pub(super) async fn tell(&self, body: Vec<u8>, key: Option<&str>) -> Outcome {
        match timeout(BEAT_WITHIN, self.post(body, key)).await {
            Ok(Ok(status)) if status.is_success() => Outcome::Arrived,
            Ok(Ok(status)) => Outcome::Failed(format!("it answers {}", status.as_u16())),
            Ok(Err(error)) => Outcome::Failed(error.to_string()),
            Err(_) => Outcome::Failed(format!("no answer within {} seconds", BEAT_WITHIN.as_secs())),
        }
    }

    async fn post(&self, body: Vec<u8>, key: Option<&str>) -> io::Result<StatusCode> {
        let Address { host, port, .. } = &self.wanted.to;
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        match &self.tls {
            Some((connector, name)) => self.ask(connector.connect(name.clone(), stream).await?, body, key).await,
            None => self.ask(stream, body, key).await,
        }
    }

    /// One request on a connection of its own; of the answer only the status is read.
    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        body: Vec<u8>,
        key: Option<&str>,
    ) -> io::Result<StatusCode> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&self.wanted.to.path)
            .header(header::HOST, &self.wanted.to.authority)
            .header(header::USER_AGENT, concat!("varde-collector/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close");
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, key).header(header::ACCEPT, "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(io::Error::other)?;
        let mut http = http1::Builder::new();
        http.max_buf_size(HTTP_HEAD_MAX_OCTETS);
        let (mut sender, connection) = http.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let answer = sender.send_request(request);
        tokio::pin!(answer, connection);
        tokio::select! {
            answer = &mut answer => Ok(answer.map_err(io::Error::other)?.status()),
            ended = &mut connection => {
                ended.map_err(io::Error::other)?;
                // The end of a connection may come with the answer.
                Ok(answer.await.map_err(io::Error::other)?.status())
            }
        }
    }
}

/// Whom is believed.
fn roots(file: Option<&Path>) -> Result<RootCertStore, BeatError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(path) => {
            let refused = |why: String| BeatError::Authorities { path: path.to_owned(), why };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| refused(error.to_string()))?;
                roots.add(certificate).map_err(|error| refused(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(refused("it holds none".to_owned()));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let why = found.errors.first().map_or_else(|| "none was found".to_owned(), ToString::to_string);
                return Err(BeatError::NoAuthorities(why));
            }
        }
    }
    Ok(roots)
}

/// Whether the collector is well: its disk has room, and its database answers and can be written, soon. In words where it is not.
///
/// # Errors
/// What is wrong.
pub async fn health(store: &Store) -> Result<(), &'static str> {
    if store.is_full() {
        return Err("the disk of the database is full");
    }
    match timeout(HEALTH_WITHIN, store.is_writable()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(StoreError::Full)) => Err("the disk of the database is full"),
        Ok(Err(_)) => Err("the database cannot be used"),
        Err(_) => Err("the database does not answer"),
    }
}

/// Sends heartbeats for as long as the collector runs.
pub async fn go_on(sender: Sender, store: Store, changes: Changes) {
    let mut beats = Beats::new(&sender.wanted.to, clock::now());
    keep(&store, beats.fare()).await;
    let mut due = interval(sender.wanted.every);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        let outcome = match body(&store).await {
            Ok(body) => sender.send(body).await,
            Err(why) => Outcome::Withheld(why.to_owned()),
        };
        if !beats.handle_outcome(&outcome, clock::now()) {
            continue;
        }
        let to = &sender.wanted.to.host;
        match &outcome {
            Outcome::Arrived => tracing::info!("heartbeats arrive at {to}"),
            Outcome::Failed(why) => tracing::warn!("heartbeats do not arrive at {to}: {why}"),
            Outcome::Withheld(why) => {
                tracing::warn!("no heartbeat is sent to {to}, so that it raises the alarm: {why}")
            }
        }
        keep(&store, beats.fare()).await;
        let _ = changes.send(Change::Room);
    }
}

async fn body(store: &Store) -> Result<Vec<u8>, &'static str> {
    health(store).await?;
    let head = timeout(HEALTH_WITHIN, store.audit_head(Scope::Operator)).await;
    let Ok(Ok(head)) = head else { return Err("the database does not answer") };
    serde_json::to_vec(&Body::well(clock::now(), head.seq, hex(&head.hash))).map_err(|_| "it cannot be written")
}

/// Keeps how they fare where the page and `status` look; where that cannot be written, the log has it.
async fn keep(store: &Store, fare: &Fare) {
    let Ok(text) = serde_json::to_string(fare) else { return };
    let kept = timeout(HEALTH_WITHIN, store.set_setting(setting::HEARTBEAT, &text)).await;
    if !matches!(kept, Ok(Ok(()))) {
        tracing::debug!("how heartbeats fare could not be kept for the page");
    }
}

/// No heartbeats are sent: what was kept of those of before is over.
///
/// # Errors
/// The database's own.
pub async fn off(store: &Store) -> Result<(), StoreError> {
    if store.setting(Scope::Operator, setting::HEARTBEAT).await?.is_some() {
        store.forget_setting(setting::HEARTBEAT).await?;
    }
    Ok(())
}
