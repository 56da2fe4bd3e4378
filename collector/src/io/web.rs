//! The page over HTTP: routes, what guards them, and the live stream of changes.
//!
//! Nothing here changes anything: every route answers GET alone. Until there is a login the caller binds to loopback, and
//! the `Host` guard keeps a page elsewhere from reaching us under its own name (DNS rebinding).

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::clock;
use crate::change::{Change, Changes};
use crate::limits::EVENTS_SHOWN;
use crate::present::api::PictureJson;
use crate::present::asset::{ASSETS, Asset, TILE_GRID};
use crate::present::detail::{CampaignView, IncidentView};
use crate::present::map::Tiles;
use crate::present::member::MemberView;
use crate::present::page::{self, Extent, Head};
use crate::present::sensor_health::SensorView;
use crate::present::shown::{Calendar, Shown};
use crate::present::text::{Language, Texts};
use crate::present::view::{FrontView, Reader};
use crate::store::picture::{Picture, Subject};
use crate::store::{Scope, Store};

/// Scripts, styles and pictures from here alone; nothing inline, no framing, no forms.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const LANGUAGE_COOKIE: &str = "varde_lang";
/// Open live streams: a few screens for everybody on duty.
const LISTENERS_MAX: usize = 64;
/// Changes within this time are told as one.
const FOLD: Duration = Duration::from_secs(1);
/// The same where only sensors' health has changed: heartbeats never rest.
const FOLD_HEALTH: Duration = Duration::from_secs(5);
/// Changes told apart in one event; beyond that the number stays.
const NEWS_MAX: usize = 10_000;
/// Answers under way may take this long once we are told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

struct Shared {
    store: Store,
    changes: Changes,
    stop: watch::Receiver<bool>,
    tiles: Tiles,
    listeners: Arc<Semaphore>,
}

/// Serves the page until `stop` says so. The listener is bound to loopback by the caller.
///
/// # Errors
/// Where the listener can take no more connections.
pub async fn serve(
    listener: tokio::net::TcpListener,
    store: Store,
    changes: Changes,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut told = stop.clone();
    let mut overdue = stop.clone();
    let app = router(store, changes, stop);
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move { stopped(&mut told).await });
    tokio::select! {
        ended = serving.into_future() => ended?,
        () = async { stopped(&mut overdue).await; tokio::time::sleep(STOP_WITHIN).await } => {}
    }
    Ok(())
}

fn router(store: Store, changes: Changes, stop: watch::Receiver<bool>) -> Router {
    let shared = Arc::new(Shared {
        store,
        changes,
        stop,
        tiles: Tiles::read(TILE_GRID),
        listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
    });
    let mut app = Router::new()
        .route("/", get(front))
        .route("/kampanje/{id}", get(campaign))
        .route("/sak/{id}", get(incident))
        .route("/sensor/{id}", get(sensor))
        .route("/medlem/{number}", get(member))
        .route("/api/picture", get(picture_json))
        .route("/live", get(live))
        .route("/health", get(health));
    for asset in ASSETS {
        app = app.route(asset.path, get(move || async move { file(asset) }));
    }
    app.fallback(missing)
        .with_state(shared)
        .layer(middleware::from_fn(guard_host))
        .layer(middleware::from_fn(guard_headers))
}

/// Resolves when `stop` turns true or nobody is left to turn it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means the sender is gone: stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Whether a `Host` names this machine itself, whatever the port.
fn names_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix("[::1]") {
        Some(rest) => ("[::1]", rest.strip_prefix(':').or(rest.is_empty().then_some("0"))),
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, Some("0")),
        },
    };
    let port_good = port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    port_good && (name == "[::1]" || name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost"))
}

async fn guard_host(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(names_loopback),
        _ => false,
    };
    // A request may also name its host in the first line.
    let line = request.uri().authority().is_none_or(|authority| names_loopback(authority.as_str()));
    if named && line {
        return next.run(request).await;
    }
    let words = "This page answers only to localhost, 127.0.0.1 and [::1]; open it under one of these names.\n";
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

async fn guard_headers(request: Request, next: Next) -> Response {
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

/// What an address may ask for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    lang: Option<String>,
    fragment: Option<String>,
}

/// Who is asking, and how.
struct Visit {
    language: Language,
    /// Asked for now: to be remembered.
    chosen: Option<Language>,
    extent: Extent,
    path: String,
    /// Whether the database's disk is full.
    full: bool,
}

impl Visit {
    fn of(asked: Result<Query<Asked>, QueryRejection>, headers: &HeaderMap, uri: &Uri) -> Visit {
        let Query(asked) = asked.unwrap_or_default();
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let cookie = text(header::COOKIE).and_then(|cookies| {
            cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(LANGUAGE_COOKIE)?.strip_prefix('='))
        });
        Visit {
            language: Language::choose(asked.lang.as_deref(), cookie, text(header::ACCEPT_LANGUAGE)),
            chosen: asked.lang.as_deref().and_then(Language::from_tag),
            extent: if asked.fragment.is_some() { Extent::Fragment } else { Extent::Whole },
            path: uri.path().to_owned(),
            full: false,
        }
    }

    fn at(self, store: &Store) -> Visit {
        Visit { full: store.is_full(), ..self }
    }

    fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    fn reader(&self) -> Reader {
        Reader { texts: self.texts(), calendar: Calendar::new(self.language), now: clock::now() }
    }

    fn head(&self, operator: Option<&str>) -> Head {
        Head {
            operator: Shown::of(operator.unwrap_or_default()),
            language: self.language,
            path: self.path.clone(),
            full: self.full,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn answer(&self, status: StatusCode, page: askama::Result<String>) -> Response {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                return (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be written.\n").into_response();
            }
        };
        let mut response = (status, page).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.tag()));
        headers.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
        if let Some(language) = self.chosen {
            let cookie =
                format!("{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", language.tag());
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                headers.insert(header::SET_COOKIE, value);
            }
        }
        response
    }

    fn not_there(&self, operator: Option<&str>) -> Response {
        let texts = self.texts();
        let (title, words) = (texts.say("missing-title"), texts.say("missing-words"));
        self.answer(StatusCode::NOT_FOUND, page::message(&self.head(operator), &title, &words, self.extent))
    }

    fn broken(&self, error: &(impl std::fmt::Display + ?Sized)) -> Response {
        tracing::error!(%error, "the page could not read the database");
        let texts = self.texts();
        let (title, words) = (texts.say("broken-title"), texts.say("broken-words"));
        self.answer(StatusCode::INTERNAL_SERVER_ERROR, page::message(&self.head(None), &title, &words, self.extent))
    }
}

type Parts = (State<Arc<Shared>>, Result<Query<Asked>, QueryRejection>, HeaderMap, Uri);

async fn front((State(shared), asked, headers, uri): Parts) -> Response {
    let visit = Visit::of(asked, &headers, &uri).at(&shared.store);
    match shared.store.picture(Scope::Operator).await {
        Ok(picture) => {
            let view = FrontView::of(&picture, &shared.tiles, &visit.reader());
            let head = visit.head(picture.operator.as_deref());
            visit.answer(StatusCode::OK, page::front(&head, &view, visit.extent))
        }
        Err(error) => visit.broken(&error),
    }
}

async fn campaign(Path(id): Path<String>, parts: Parts) -> Response {
    let (State(shared), asked, headers, uri) = parts;
    let visit = Visit::of(asked, &headers, &uri).at(&shared.store);
    let Ok(id) = id.parse() else {
        return visit.not_there(None);
    };
    match shared.store.picture_of(Scope::Operator, Subject::Campaign(id)).await {
        Ok(Some((picture, detail))) => {
            let operator = picture.operator.as_deref();
            let Some(facts) = picture.campaigns.first() else {
                return visit.not_there(operator);
            };
            let view = CampaignView::of(facts, &picture, &detail, &visit.reader());
            visit.answer(StatusCode::OK, page::campaign(&visit.head(operator), &view, visit.extent))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

async fn incident(Path(id): Path<String>, parts: Parts) -> Response {
    let (State(shared), asked, headers, uri) = parts;
    let visit = Visit::of(asked, &headers, &uri).at(&shared.store);
    let Ok(id) = id.parse() else {
        return visit.not_there(None);
    };
    match shared.store.picture_of(Scope::Operator, Subject::Incident(id)).await {
        Ok(Some((Picture { operator, .. }, detail))) => {
            let Some(facts) = detail.incidents.first() else {
                return visit.not_there(operator.as_deref());
            };
            let view = IncidentView::of(facts, &detail, &visit.reader());
            visit.answer(StatusCode::OK, page::incident(&visit.head(operator.as_deref()), &view, visit.extent))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

async fn sensor(Path(id): Path<String>, parts: Parts) -> Response {
    let (State(shared), asked, headers, uri) = parts;
    let visit = Visit::of(asked, &headers, &uri).at(&shared.store);
    let Ok(id) = id.parse::<i64>() else {
        return visit.not_there(None);
    };
    match shared.store.picture(Scope::Operator).await {
        Ok(picture) => {
            let operator = picture.operator.as_deref();
            let Some(facts) = picture.sensors.iter().find(|sensor| sensor.id == id) else {
                return visit.not_there(operator);
            };
            let events = match shared.store.sensor_events(Scope::Operator, id, EVENTS_SHOWN).await {
                Ok(events) => events,
                Err(error) => return visit.broken(&error),
            };
            let view = SensorView::of(facts, &picture, &events, &visit.reader());
            visit.answer(StatusCode::OK, page::sensor(&visit.head(operator), &view, visit.extent))
        }
        Err(error) => visit.broken(&error),
    }
}

async fn member(Path(number): Path<String>, parts: Parts) -> Response {
    let (State(shared), asked, headers, uri) = parts;
    let visit = Visit::of(asked, &headers, &uri).at(&shared.store);
    let Ok(number) = number.parse() else {
        return visit.not_there(None);
    };
    match shared.store.known_of(Scope::Operator, &number).await {
        // An old number leads on.
        Ok(Some(known)) if known.member.number != number.as_str() => {
            Redirect::to(&format!("/medlem/{}", known.member.number)).into_response()
        }
        Ok(Some(known)) => {
            let view = MemberView::of(&known.member, &known.profile, &known.sites, &visit.reader());
            visit.answer(StatusCode::OK, page::member(&visit.head(known.operator.as_deref()), &view, visit.extent))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

async fn missing(asked: Result<Query<Asked>, QueryRejection>, headers: HeaderMap, uri: Uri) -> Response {
    Visit::of(asked, &headers, &uri).not_there(None)
}

async fn picture_json(State(shared): State<Arc<Shared>>) -> Response {
    let body = match shared.store.picture(Scope::Operator).await {
        Ok(picture) => serde_json::to_string(&PictureJson::of(&picture, clock::now())).map_err(anyhow::Error::from),
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

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    match shared.store.is_full() {
        false => "ok\n".into_response(),
        true => (StatusCode::SERVICE_UNAVAILABLE, "the disk of the database is full\n").into_response(),
    }
}

fn file(asset: Asset) -> Response {
    ([(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, "no-cache")], asset.body).into_response()
}

async fn live(State(shared): State<Arc<Shared>>) -> Response {
    let Ok(place) = Arc::clone(&shared.listeners).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many pages listen; close one.\n").into_response();
    };
    let (events, stream) = mpsc::channel(4);
    tokio::spawn(tell(shared.changes.subscribe(), shared.stop.clone(), events, place));
    Sse::new(ReceiverStream::new(stream)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

/// What has changed since the last event of one listener.
#[derive(Debug, Default)]
struct News {
    campaigns: HashSet<i64>,
    incidents: HashSet<i64>,
    health: bool,
    lists: bool,
    room: bool,
    /// Some changes were missed: everything is to be read afresh.
    missed: bool,
}

impl News {
    fn take(&mut self, change: Change) {
        match change {
            Change::Campaign(id) if self.campaigns.len() < NEWS_MAX => {
                self.campaigns.insert(id);
            }
            Change::Incident(id) if self.incidents.len() < NEWS_MAX => {
                self.incidents.insert(id);
            }
            Change::Campaign(_) | Change::Incident(_) => {}
            Change::Sensor(_) => self.health = true,
            Change::List(_) => self.lists = true,
            Change::Room => self.room = true,
        }
    }

    /// How long after the last event this may be told; none = there is nothing to tell.
    fn after(&self) -> Option<Duration> {
        if self.missed || self.lists || self.room || !self.campaigns.is_empty() || !self.incidents.is_empty() {
            Some(FOLD)
        } else if self.health {
            Some(FOLD_HEALTH)
        } else {
            None
        }
    }

    fn event(&self) -> Event {
        if self.missed {
            return Event::default().event("reload").data("{}");
        }
        let (campaigns, incidents) = (self.campaigns.len(), self.incidents.len());
        let body = serde_json::json!({
            "news": campaigns + incidents, "campaigns": campaigns, "incidents": incidents,
            "sensors": self.health, "lists": self.lists,
        });
        Event::default().event("change").data(body.to_string())
    }
}

/// Tells one listener of changes, many at once where they come fast, until it goes or we stop.
async fn tell(
    mut changes: broadcast::Receiver<Change>,
    mut stop: watch::Receiver<bool>,
    events: mpsc::Sender<Result<Event, Infallible>>,
    _place: OwnedSemaphorePermit,
) {
    // Tells the page at once that it is connected; proxies and browsers wait for the first bytes.
    if events.send(Ok(Event::default().event("hello").data("{}"))).await.is_err() {
        return;
    }
    let mut news = News::default();
    let mut last: Option<Instant> = None;
    loop {
        let due = news.after().map(|after| last.map_or_else(Instant::now, |last| last + after));
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = events.closed() => return,
            change = changes.recv() => match change {
                Ok(change) => news.take(change),
                Err(RecvError::Lagged(_)) => news.missed = true,
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                // A listener that does not read is told when it does; until then its changes gather in `news`.
                match events.try_send(Ok(news.event())) {
                    Ok(()) => news = News::default(),
                    Err(mpsc::error::TrySendError::Full(_)) => {}
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
                last = Some(Instant::now());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_pass() {
        for good in ["localhost", "Localhost:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8443"] {
            assert!(names_loopback(good), "{good}");
        }
        for bad in
            ["", ":80", "localhost.", "localhost:", "localhost:+1", "127.0.0.2", "::1", "[::1", "[::1]x", "x[::1]"]
        {
            assert!(!names_loopback(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_told_counts_each_thing_once() {
        let mut news = News::default();
        assert_eq!(news.after(), None);
        news.take(Change::Sensor(1));
        assert_eq!(news.after(), Some(FOLD_HEALTH));
        for id in [1, 2, 2, 1] {
            news.take(Change::Campaign(id));
        }
        assert_eq!(news.after(), Some(FOLD));
        assert_eq!((news.campaigns.len(), news.incidents.len()), (2, 0));
    }
}
