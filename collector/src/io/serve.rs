//! A running collector: everything bound, then everything served, then everything told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quinn::{Endpoint, VarInt};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use varde_common::message::CloseReason;

use super::directory::{self, DirectoryError, Lock};
use super::enroll::{self, Enrolment};
use super::feed_lane::FeedLane;
use super::feed_tls::{FeedCertificate, FeedTlsError, Own};
use super::feeds::Feeds;
use super::keyring::{Keyring, NotReady};
use super::listen::{self, Collector};
use super::oidc::Oidc;
use super::quic::{self, QuicError};
use super::tcp::{self, Door, DoorTls};
use super::trust::{self, TrustError};
use super::{
    beat, clock, control, departures, mail, metrics, overwritten, retention, sightings, silence, source_turns, user,
    web, weights,
};
use crate::address::{Bound, DialAddress};
use crate::audit::{Deed, On};
use crate::change::Changes;
use crate::limits::{
    CHANGES_KEPT, KEYS_LOOKED_AT_EVERY, LAST_WORD_WITHIN, STOP_WITHIN, SWEEP_EVERY, UPGRADE_COPY_DAYS,
};
use crate::profile::Telephone;
use crate::store::upgrade::{COPY_PREFIX, Upgraded};
use crate::store::{self, Scope, Store, StoreError, setting};

/// How long the copy that is made before an upgrade is kept.
pub(super) const UPGRADE_COPY_KEPT: Duration = Duration::from_secs(UPGRADE_COPY_DAYS * 86_400);
/// As what the settings a collector runs by stand in the audit.
const RUN: &str = "run";

/// Why the collector does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] NotReady),
    /// The root documents.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The heartbeat.
    #[error(transparent)]
    Beat(#[from] beat::BeatError),
    /// Mail.
    #[error(transparent)]
    Mail(#[from] mail::MailError),
    /// QUIC.
    #[error(transparent)]
    Quic(#[from] QuicError),
    /// The certificate for readers of the list.
    #[error(transparent)]
    Feed(#[from] FeedTlsError),
    /// The page's socket.
    #[error("cannot listen on TCP {address}: {error}; choose another address with --web, or stop what uses it")]
    Web {
        /// Where.
        address: SocketAddr,
        /// The system's word.
        error: std::io::Error,
    },
    /// The socket of sessions over TCP.
    #[error("cannot listen on TCP {address}: {error}; choose another address with --tcp, or stop what uses it")]
    Tcp {
        /// Where.
        address: SocketAddr,
        /// The system's word.
        error: std::io::Error,
    },
    /// The socket for numbers.
    #[error(
        "cannot listen on TCP {address}: {error}; choose another address for metrics in collector.toml, or stop what uses it"
    )]
    Metrics {
        /// Where.
        address: SocketAddr,
        /// The system's word.
        error: std::io::Error,
    },
    /// Numbers are told to this machine alone.
    #[error("metrics are served to this machine alone, not on {0}; use a loopback address such as 127.0.0.1:9844")]
    MetricsNotLoopback(SocketAddr),
    /// What others could read on its way is served to this machine alone.
    #[error(
        "without TLS the pages are served to this machine alone, not on {0}; set web_name = \"varde.example.no\" in collector.toml, the name under which they are opened, or use a loopback address such as 127.0.0.1:8443"
    )]
    NotLoopback(SocketAddr),
    /// A socket does not say where it is.
    #[error("a socket does not say where it listens: {0}")]
    NoAddress(std::io::Error),
}

/// A collector that runs.
#[derive(Debug)]
pub struct Running {
    data: PathBuf,
    bound: Bound,
    store: Store,
    sessions: Endpoint,
    enrolments: Endpoint,
    accepting: JoinHandle<()>,
    tcp: Option<JoinHandle<()>>,
    others: JoinSet<()>,
    web: JoinHandle<()>,
    stop: watch::Sender<bool>,
    _lock: Lock,
}

/// How it behaves, as the settings say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conduct {
    /// A person approves of each new sensor.
    pub approve_sensors: bool,
    /// Where heartbeats go.
    pub heartbeat: Option<beat::Wanted>,
    /// Over TLS, under a name; none = the pages are served plainly, to this machine alone.
    pub web: Option<Web>,
    /// The certificate readers of the list are shown; none = one of the collector's authority.
    pub feed_certificate: Option<Own>,
    /// Where numbers for Prometheus are told; none = nowhere.
    pub metrics: Option<SocketAddr>,
    /// Where the accessibility statement is; none = the pages say that it is missing.
    pub statement: Option<String>,
    /// The telephone that members ring; none = the pages name none.
    pub telephone: Option<Telephone>,
    /// The mail server that mail to members is handed to; none = none is sent.
    pub mail: Option<crate::mail::Server>,
    /// The provider at which people sign in too; none = by password and code alone.
    pub oidc: Option<crate::oidc::Provider>,
}

/// How the pages are served to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// The name under which they are opened.
    pub name: String,
    /// Their certificate; none = one of the collector's authority.
    pub certificate: Option<Own>,
}

/// Starts it as it behaves where nothing is set.
///
/// # Errors
/// [`StartError`]; nothing is left running then.
pub async fn start(data: &Path, wanted: Bound) -> Result<Running, StartError> {
    start_as(data, wanted, Conduct::default()).await
}

/// Binds everything, says so in `run.json`, and serves.
///
/// # Errors
/// [`StartError`]; nothing is left running then.
pub async fn start_as(data: &Path, wanted: Bound, conduct: Conduct) -> Result<Running, StartError> {
    if !wanted.web.ip().is_loopback() && conduct.web.is_none() {
        return Err(StartError::NotLoopback(wanted.web));
    }
    if let Some(address) = conduct.metrics.filter(|address| !address.ip().is_loopback()) {
        return Err(StartError::MetricsNotLoopback(address));
    }
    let heartbeat = conduct.heartbeat.clone().map(beat::Sender::new).transpose()?;
    let mail = conduct.mail.clone().map(mail::Sender::new).transpose()?;
    store::find(data)?;
    let lock = Lock::take(data)?;
    if let Some(Upgraded { from, to, copy }) = Store::upgrade(data).await? {
        let copy = copy.map_or(String::new(), |copy| format!("; as it was it lies in {}", copy.display()));
        tracing::info!("brought the database from version {from} to {to}{copy}");
    }
    let store = Store::open(data).await?;
    // A damaged database is found before anybody relies on it, not when somebody reads the wrong page, and before the copy goes
    // that is there for it.
    store.check().await?;
    directory::remove_outlived(data, COPY_PREFIX, clock::now().minus(UPGRADE_COPY_KEPT))?;
    directory::remove_bound(data)?;
    settings_noted(&store, wanted, &conduct).await;
    match departures::remember(data, &store, &user::who(), clock::now()).await {
        Ok(0) => {}
        Ok(again) => tracing::warn!(again, "members that have left were in the database again, and are deleted again"),
        Err(error) => tracing::warn!("whether all who have left are known here is not known: {error}"),
    }
    trust::settle(data, &store, clock::now()).await?;
    let keyring = Keyring::read(data, clock::now())?;
    store.all_disconnected().await?;

    let changes: Changes = broadcast::Sender::new(CHANGES_KEPT);
    let collector = Collector::new(store.clone(), changes.clone(), keyring.clone());
    collector.name_newest_by(data);
    collector.sweep().await;

    let tcp_listener = match wanted.tcp {
        Some(address) => Some(tcp::bind(address).map_err(|error| StartError::Tcp { address, error })?),
        None => None,
    };
    let feed_certificate = feed_certificate(&store, &keyring, &conduct).await?;
    let page_certificate = match &conduct.web {
        Some(web) => {
            let name = Some(web.name.clone());
            Some(FeedCertificate::new(&keyring, web.certificate.clone(), name, clock::now())?)
        }
        None => None,
    };
    let manner = web::Manner {
        clock: clock::now,
        tls: page_certificate.as_ref().map(FeedCertificate::tls).transpose()?,
        name: conduct.web.as_ref().map(|web| web.name.clone()),
        oidc: conduct.oidc.clone().and_then(provider),
    };
    if let Some(fingerprint) = page_certificate.as_ref().and_then(|shown| shown.authority_sha256(&keyring)) {
        tracing::info!(
            "the pages' certificate is vouched for by the authority with the SHA-256 fingerprint {fingerprint}"
        );
    }
    if let Some(words) = page_certificate.as_ref().and_then(|shown| shown.names_another(&keyring)) {
        tracing::error!("{words}");
    }
    let door_tls = DoorTls::new(&keyring, feed_certificate.tls()?)?;
    let sessions = quic::session_endpoint(wanted.quic, &keyring)?;
    let enrolments = quic::enrolment_endpoint(wanted.enroll, &keyring)?;
    let web_error = |error| StartError::Web { address: wanted.web, error };
    let page = TcpListener::bind(wanted.web).await.map_err(web_error)?;
    let numbers = match conduct.metrics {
        Some(address) => {
            Some(TcpListener::bind(address).await.map_err(|error| StartError::Metrics { address, error })?)
        }
        None => None,
    };
    let tcp_address = tcp_listener.as_ref().map(TcpListener::local_addr).transpose();
    let bound = Bound {
        quic: sessions.local_addr().map_err(StartError::NoAddress)?,
        enroll: enrolments.local_addr().map_err(StartError::NoAddress)?,
        web: page.local_addr().map_err(StartError::NoAddress)?,
        tcp: tcp_address.map_err(StartError::NoAddress)?,
    };
    let control = control::bind(data);

    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(listen::accept(sessions.clone(), collector.clone()));
    let enrolment = Enrolment::new(store.clone(), changes.clone(), keyring.clone(), conduct.approve_sensors);
    let tcp = match tcp_listener {
        Some(listener) => {
            let feeds = FeedLane::new(store.clone(), Feeds::new(data, store.clone()));
            let door = Door::new(door_tls, collector.clone(), enrolment.clone(), feeds);
            Some(tokio::spawn(tcp::accept(listener, door, stopped.clone())))
        }
        None => None,
    };
    let mut others = JoinSet::new();
    others.spawn(enroll::accept(enrolments.clone(), enrolment));
    match control {
        Ok(listener) => {
            others.spawn(control::hear(listener, collector.clone()));
        }
        Err(error) => {
            let seconds = SWEEP_EVERY.as_secs();
            tracing::warn!("no control socket ({error}); what commands change is seen within {seconds} seconds");
        }
    }
    others.spawn(async move {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            collector.sweep().await;
        }
    });
    others.spawn(retention::go_on(data.to_owned(), store.clone()));
    others.spawn(overwritten::go_on(data.to_owned(), store.clone()));
    others.spawn(source_turns::go_on(data.to_owned(), store.clone(), changes.clone()));
    others.spawn(sightings::go_on(store.clone()));
    if let Some(sender) = mail {
        others.spawn(mail::go_on(sender, store.clone()));
    }
    others.spawn(weights::go_on(data.to_owned(), store.clone()));
    others.spawn(silence::go_on(store.clone(), changes.clone()));
    if let Some(numbers) = numbers {
        others.spawn(metrics::serve(numbers, store.clone(), stopped.clone()));
    }
    match heartbeat {
        Some(sender) => {
            others.spawn(beat::go_on(sender, store.clone(), changes.clone()));
        }
        None => beat::off(&store)
            .await
            .unwrap_or_else(|error| tracing::warn!("a heartbeat of before is shown still: {error}")),
    }
    others.spawn(async move {
        loop {
            tokio::time::sleep(KEYS_LOOKED_AT_EVERY).await;
            keyring.look_and_tell(clock::now()).await;
            feed_certificate.look(&keyring, clock::now());
            if let Some(shown) = &page_certificate {
                shown.look(&keyring, clock::now());
            }
        }
    });
    note_for_pages(&store, &conduct).await?;
    let serving = web::serve_by(manner, page, store.clone(), changes, stopped);
    let web = tokio::spawn(serving);
    directory::write_bound(data, &bound)?;
    let data = data.to_owned();
    Ok(Running { data, bound, store, sessions, enrolments, accepting, tcp, others, web, stop, _lock: lock })
}

/// The provider at which people sign in too. That there is something wrong with it keeps no sensor waiting.
fn provider(wanted: crate::oidc::Provider) -> Option<Arc<Oidc>> {
    match Oidc::new(wanted) {
        Ok(oidc) => Some(Arc::new(oidc)),
        Err(error) => {
            tracing::error!("people can sign in by password and code alone: {error}");
            None
        }
    }
}

/// Notes for the pages where the accessibility statement is, whom members ring, and whether mail is sent.
async fn note_for_pages(store: &Store, conduct: &Conduct) -> Result<(), StoreError> {
    let telephone = conduct.telephone.as_ref().map(Telephone::as_str);
    for (key, value) in [
        (setting::ACCESSIBILITY_STATEMENT, conduct.statement.as_deref()),
        (setting::OPERATOR_TELEPHONE, telephone),
        (setting::MAIL, conduct.mail.as_ref().map(|_| setting::ON)),
    ] {
        match value {
            Some(value) => store.set_setting(key, value).await?,
            None => store.forget_setting(key).await?,
        }
    }
    Ok(())
}

/// The certificate for readers of the list: the operator's own, or one that names the address sensors dial.
async fn feed_certificate(
    store: &Store,
    keyring: &Keyring,
    conduct: &Conduct,
) -> Result<Arc<FeedCertificate>, StartError> {
    let address = store.setting(Scope::Operator, setting::ADDRESS).await?;
    let host = address.and_then(|address| Some(address.parse::<DialAddress>().ok()?.bare_host().to_owned()));
    Ok(FeedCertificate::new(keyring, conduct.feed_certificate.clone(), host, clock::now())?)
}

/// Notes by which settings it runs, where they are others than before. On a full disk it runs all the same: nobody's deed goes unseen
/// by that, and the sensors need it.
async fn settings_noted(store: &Store, wanted: Bound, conduct: &Conduct) {
    let Bound { quic, enroll, web, tcp } = wanted;
    let tcp = tcp.map_or_else(|| "none".to_owned(), |tcp| tcp.to_string());
    // Its path may hold a secret.
    let heartbeat = conduct.heartbeat.as_ref().map_or_else(
        || "none".to_owned(),
        |heartbeat| format!("to {} every {} s", heartbeat.to.host, heartbeat.every.as_secs()),
    );
    let feeds = conduct
        .feed_certificate
        .as_ref()
        .map_or_else(String::new, |own| format!(", readers are shown the certificate {}", own.certificate.display()));
    let pages = conduct.web.as_ref().map_or_else(String::new, |web| format!(", pages over TLS as {}", web.name));
    let metrics = conduct.metrics.map_or_else(String::new, |address| format!(", metrics {address}"));
    let mail = conduct.mail.as_ref().map_or_else(String::new, |mail| format!(", mail over {}", mail.host.name));
    let oidc =
        conduct.oidc.as_ref().map_or_else(String::new, |oidc| format!(", people sign in at {} too", oidc.issuer));
    let settings = format!(
        "quic {quic}, enroll {enroll}, web {web}, tcp {tcp}, approve_sensors {}, heartbeat {heartbeat}{feeds}{pages}{metrics}{mail}{oidc}",
        conduct.approve_sensors
    );
    let noted = async {
        let before = store.last_became(Scope::Operator, RUN).await?;
        if before.as_ref() == Some(&settings) {
            return Ok(());
        }
        let running = Deed::new(user::who(), RUN, On::Collector, clock::now()).becomes(settings.as_str());
        store.note(&running.was(before.unwrap_or_else(|| "not run by a version that has an audit".to_owned()))).await?;
        Ok::<(), StoreError>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!("the settings it runs by could not be noted in the audit: {error}");
    }
}

impl Running {
    /// What is bound.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// The database it uses.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Waits until the disk that holds the database fails, and has told every sensor: nobody is to wait for an end that
    /// cannot answer. From then on nothing is written; the caller ends the process.
    pub async fn failing(&self) {
        self.store.failing().await;
        let _ = self.stop.send(true);
        let why = CloseReason::Unavailable;
        for endpoint in [&self.sessions, &self.enrolments] {
            endpoint.close(VarInt::from_u32(why.code()), why.sentence().as_bytes());
        }
        let _ = timeout(LAST_WORD_WITHIN, self.sessions.wait_idle()).await;
    }

    /// Says goodbye to every sensor and ends.
    ///
    /// # Errors
    /// When `run.json` cannot be removed.
    pub async fn stop(mut self) -> Result<(), DirectoryError> {
        let removed = directory::remove_bound(&self.data);
        let _ = self.stop.send(true);
        let why = CloseReason::GoingDown;
        for endpoint in [&self.sessions, &self.enrolments] {
            endpoint.close(VarInt::from_u32(why.code()), why.sentence().as_bytes());
        }
        let goodbye = async {
            let _ = (&mut self.accepting).await;
            self.sessions.wait_idle().await;
            self.enrolments.wait_idle().await;
            if let Some(tcp) = &mut self.tcp {
                let _ = tcp.await;
            }
            let _ = (&mut self.web).await;
        };
        if timeout(STOP_WITHIN, goodbye).await.is_err() {
            tracing::warn!("not everybody said goodbye in time");
        }
        self.accepting.abort();
        self.web.abort();
        if let Some(tcp) = &self.tcp {
            tcp.abort();
        }
        self.others.shutdown().await;
        let _ = std::fs::remove_file(self.data.join(control::SOCKET_FILE));
        if let Err(error) = self.store.all_disconnected().await {
            tracing::error!("cannot note that all sessions are over: {error}");
        }
        self.store.close().await;
        removed
    }
}
