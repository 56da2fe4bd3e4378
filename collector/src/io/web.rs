//! The pages over HTTP: the router made of the table of [`super::addresses`], each address behind the [`super::gate`], what guards all of
//! them, and the live stream of changes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method as Asking, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use rustls::ServerConfig;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use varde_common::metrics::names_loopback;
use varde_common::time::Timestamp;

use super::addresses::{Method, PAGES, Page};
use super::beat::health;
use super::chain::Chain;
use super::doorman::Doorman;
use super::news::tell;
use super::oidc::Oidc;
use super::shares::Shares;
use super::views::Views;
use super::visit::{Call, Visit};
use super::wrong::Attempts;
use super::{api, clock, gate, looks, packed, pages};
use crate::change::{Change, Changes};
use crate::limits::account::LIVE_WITHIN;
use crate::limits::page::{LIVE_MAX, LIVE_OF_ONE_MAX};
use crate::present::api::PictureJson;
use crate::present::asset::{self, ASSETS, TILE_GRID};
use crate::present::map::Tiles;
use crate::present::shown::Shown;
use crate::store::sent::Sent;
use crate::store::{Store, StoreError};

mod advisory;
mod audit;
mod desk;
mod draft;
mod home;
mod intel;
mod link;
mod member;
mod members;
mod oidc;
mod own;
mod published;
mod reading;
mod screen;
mod sensors;
mod sign_in;
mod triage;
mod users;
mod writing;

/// Scripts, styles and pictures from here alone; nothing inline, no framing, forms to ourselves.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// Answers under way may take this long once we are told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What handlers share.
#[derive(Debug)]
pub struct Shared {
    pub(super) store: Store,
    changes: Changes,
    pub(super) stop: watch::Receiver<bool>,
    tiles: Tiles,
    /// Where the operator's accessibility statement is.
    pub(super) statement: Option<Shown>,
    /// Live streams, by account or token.
    listeners: Shares<gate::One>,
    pub(super) views: Views,
    /// What time it is.
    pub(super) clock: fn() -> Timestamp,
    /// Whether it is served over TLS.
    pub(super) is_tls: bool,
    pub(super) doorman: Doorman,
    /// Where people sign in beside here.
    pub(super) oidc: Option<Arc<Oidc>>,
    /// What is sent to sensors, counted once for each list.
    pub(super) sent: tokio::sync::Mutex<Option<Sent>>,
    /// What takes a while is done one at a time: who does it holds this to its end, whether or not anybody still waits for it.
    pub(super) heavy: Arc<tokio::sync::Mutex<()>>,
    /// Wrong attempts to come in, until they are noted.
    pub(super) wrong: Attempts,
    /// Whether the audit is whole.
    pub(super) chain: Chain,
}

impl Shared {
    /// Something could not be noted in the audit.
    pub(super) fn handle_unnoted(&self, error: &StoreError) {
        if !matches!(error, StoreError::Full) {
            tracing::error!("that a page is shown could not be noted in the audit: {error}");
        }
        self.handle_unwritten(error);
    }

    /// Something could not be written. That the disk is full is told once, and on every page.
    pub(super) fn handle_unwritten(&self, error: &StoreError) {
        if matches!(error, StoreError::Full) && self.store.handle_full() {
            tracing::error!("{error}");
            let _ = self.changes.send(Change::Room);
        }
        self.store.handle_error(error);
    }
}

/// How the pages are served.
#[derive(Debug, Clone)]
pub struct Manner {
    /// What time it is.
    pub clock: fn() -> Timestamp,
    /// Over TLS by this; none = plainly, to this machine alone.
    pub tls: Option<Arc<ServerConfig>>,
    /// The name under which they are opened, beside this machine's own names for itself.
    pub name: Option<String>,
    /// The provider at which people sign in too.
    pub oidc: Option<Arc<Oidc>>,
}

/// Serves the pages plainly until `stop` says so. The listener is bound to loopback by the caller.
pub async fn serve(listener: tokio::net::TcpListener, store: Store, changes: Changes, stop: watch::Receiver<bool>) {
    let manner = Manner { clock: clock::now, tls: None, name: None, oidc: None };
    serve_by(manner, listener, store, changes, stop).await;
}

/// Serves them in this manner.
pub async fn serve_by(
    manner: Manner,
    listener: tokio::net::TcpListener,
    store: Store,
    changes: Changes,
    stop: watch::Receiver<bool>,
) {
    let mut overdue = stop.clone();
    let statement = looks::statement(&store).await;
    let app = router(&manner, store, changes, (stop.clone(), statement));
    tokio::select! {
        () = pages::serve(listener, manner.tls, app, stop) => {}
        () = async { stopped(&mut overdue).await; tokio::time::sleep(STOP_WITHIN).await } => {}
    }
}

type Stop = watch::Receiver<bool>;

fn router(manner: &Manner, store: Store, changes: Changes, (stop, statement): (Stop, Option<Shown>)) -> Router {
    let shared = Arc::new(Shared {
        store,
        changes,
        stop,
        tiles: Tiles::read(TILE_GRID),
        statement,
        listeners: Shares::new(LIVE_OF_ONE_MAX, LIVE_MAX),
        views: Views::default(),
        clock: manner.clock,
        is_tls: manner.tls.is_some(),
        doorman: Doorman::default(),
        oidc: manner.oidc.clone(),
        sent: tokio::sync::Mutex::default(),
        heavy: Arc::default(),
        wrong: Attempts::default(),
        chain: Chain::default(),
    });
    let mut app = Router::new();
    for address in PAGES {
        let by = match address.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
        };
        let handler = match address.page {
            Page::Front => on(by, reading::front),
            Page::Campaign => on(by, reading::campaign),
            Page::Incident => on(by, reading::incident),
            Page::Sensor => on(by, reading::sensor),
            Page::Sensors => on(by, sensors::list),
            Page::MakeToken => on(by, sensors::token),
            Page::SayOfSensor => on(by, sensors::say),
            Page::AskRevoke => on(by, sensors::ask_revoke),
            Page::Revoke => on(by, sensors::revoke),
            Page::Member => on(by, member::page),
            Page::ChangeMember => on(by, member::change),
            Page::MemberMail => on(by, member::mail),
            Page::Members => on(by, members::list),
            Page::Advisories => on(by, advisory::list),
            Page::NewAdvisory => on(by, writing::begin),
            Page::WriteAdvisory => on(by, writing::new),
            Page::EditAdvisory => on(by, writing::edit),
            Page::ChangeAdvisory => on(by, writing::change),
            Page::DraftAdvisory => on(by, writing::draft),
            Page::SendAdvisory => on(by, writing::send),
            Page::DropAdvisory => on(by, writing::discard),
            Page::MailAgain => on(by, writing::mail_again),
            Page::Advisory => on(by, advisory::one),
            Page::ConfirmRead => on(by, advisory::confirm),
            Page::AnswerAdvisory => on(by, advisory::answer),
            Page::NoteCall => on(by, advisory::called),
            Page::Measures => on(by, advisory::measures),
            Page::Privacy => on(by, reading::privacy),
            Page::Leaves => on(by, home::leaves),
            Page::Picture => on(by, picture_json),
            Page::Live => on(by, live),
            Page::Health => on(by, healthy),
            Page::SignIn => on(by, sign_in::form),
            Page::Enter => on(by, sign_in::enter),
            Page::BeginOidc => on(by, oidc::begin),
            Page::EndOidc => on(by, oidc::end),
            Page::AcceptOidc => on(by, oidc::accept_by),
            Page::OwnOidc => on(by, oidc::tie_own),
            Page::OwnOidcEnd => on(by, oidc::untie_own),
            Page::Own => on(by, own::page),
            Page::OwnPassword => on(by, own::password),
            Page::OwnCode => on(by, own::code),
            Page::OwnLanguage => on(by, own::language),
            Page::OwnSession => on(by, own::end),
            Page::SignOut => on(by, sign_in::leave),
            Page::Link => on(by, link::link),
            Page::TakeLink => on(by, link::take),
            Page::Screen => on(by, screen::form),
            Page::GiveScreen => on(by, screen::give),
            Page::Alerts => on(by, desk::alerts),
            Page::AlertsFile => on(by, desk::export_alerts),
            Page::Incidents => on(by, desk::incidents),
            Page::IncidentsFile => on(by, desk::export_incidents),
            Page::Campaigns => on(by, desk::campaigns),
            Page::CampaignsFile => on(by, desk::export_campaigns),
            Page::Triage => on(by, triage::deed),
            Page::Undoable => on(by, triage::undoable),
            Page::Undo => on(by, triage::undo),
            Page::Muted => on(by, triage::muted),
            Page::Audit => on(by, audit::page),
            Page::AuditFile => on(by, audit::export),
            Page::Users => on(by, users::list),
            Page::Invite => on(by, users::invite),
            Page::User => on(by, users::one),
            Page::ChangeUser => on(by, users::change),
            Page::SavedViews => on(by, triage::views),
            Page::Indicators => on(by, intel::list),
            Page::Indicator => on(by, intel::one),
            Page::RecallIndicator => on(by, intel::recall),
            Page::OverrideLint => on(by, intel::override_lint),
            Page::Paste => on(by, draft::form),
            Page::TakePasted => on(by, draft::paste),
            Page::Draft => on(by, draft::next),
            Page::ReviewDraft => on(by, draft::review),
            Page::PublishDraft => on(by, draft::publish),
            Page::Sources => on(by, published::sources),
            Page::SourceDeed => on(by, published::source_deed),
            Page::Lists => on(by, published::lists),
            Page::RecallList => on(by, published::recall),
            Page::LiftRecall => on(by, published::lift),
        };
        let gate = middleware::from_fn_with_state((shared.clone(), address.need), gate::pass);
        app = app.route(address.path, handler.route_layer(gate));
    }
    for asset in ASSETS {
        let file = get(move |asked: HeaderMap| async move { packed::file(asset, &asked) });
        app = app.route(&asset::address(asset.name), file);
    }
    let app = app.merge(api::router(&shared)).fallback(missing).with_state(shared);
    let app = app.layer(middleware::from_fn(packed::pack));
    let app = match &manner.tls {
        Some(_) => app.layer(middleware::from_fn(guard_transport)),
        None => app,
    };
    let name: Option<Arc<str>> = manner.name.as_deref().map(Arc::from);
    app.layer(middleware::from_fn_with_state(name, guard_host)).layer(middleware::from_fn(guard_headers))
}

/// Resolves when `stop` turns true or nobody is left to turn it.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means the sender is gone: stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Whether a `Host` is this name, whatever the port.
fn is_named(host: &str, name: &str) -> bool {
    let (own, port) = host.rsplit_once(':').unwrap_or((host, "0"));
    own.eq_ignore_ascii_case(name) && port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit())
}

/// A page elsewhere reaches us under no name of its own (DNS rebinding).
pub(super) async fn guard_host(State(name): State<Option<Arc<str>>>, request: Request, next: Next) -> Response {
    let is_ours = |host: &str| names_loopback(host) || name.as_deref().is_some_and(|name| is_named(host, name));
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_ours),
        _ => false,
    };
    // A request may also name its host in the first line.
    let line = request.uri().authority().is_none_or(|authority| is_ours(authority.as_str()));
    if named && line {
        return next.run(request).await;
    }
    let words = match name {
        Some(name) => format!("This page answers only to {name}; open it under this name.\n"),
        None => {
            "This page answers only to localhost, 127.0.0.1 and [::1]; open it under one of these names.\n".to_owned()
        }
    };
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

/// Who has come over TLS once comes by nothing else for a year.
async fn guard_transport(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let year = HeaderValue::from_static("max-age=31536000");
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    response
}

pub(super) async fn guard_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn missing(asking: Asking, call: Call) -> Response {
    if matches!(asking, Asking::GET | Asking::HEAD) {
        return call.not_there(None);
    }
    StatusCode::METHOD_NOT_ALLOWED.into_response()
}

async fn picture_json(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    let body = match shared.store.picture(visit.who().scope()).await {
        Ok(picture) => serde_json::to_string(&PictureJson::of(&picture, visit.now())).map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    match body {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the picture could not be read");
            let words = r#"{"error":"the collector could not read the database; its log says why"}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/json")], words).into_response()
        }
    }
}

async fn healthy(State(shared): State<Arc<Shared>>) -> Response {
    match health(&shared.store).await {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn live(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    let Some(place) = shared.listeners.take(visit.who().one()) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many pages listen; close one.\n").into_response();
    };
    let (events, stream) = mpsc::channel(4);
    let telling = tell(shared.changes.subscribe(), shared.stop.clone(), events, place);
    // The browser opens it anew, and is asked who it is.
    tokio::spawn(tokio::time::timeout(LIVE_WITHIN, telling));
    Sse::new(ReceiverStream::new(stream)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}
