//! The page over HTTP: routes, what guards them, and the live stream of changes.
//!
//! Nothing here changes anything: every route answers GET alone. Until there is a login the caller binds to loopback, and
//! the `Host` guard keeps a page elsewhere from reaching us under its own name (DNS rebinding).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use varde_common::metrics::names_loopback;
use varde_common::time::Timestamp;

use super::addresses::{PAGES, Page};
use super::api::{self, Reader as Audience};
use super::beat::health;
use super::news::tell;
use super::views::Views;
use super::{advisory_pages, clock, pages};
use crate::change::{Change, Changes};
use crate::limits::EVENTS_SHOWN;
use crate::limits::silence::SILENCES_SHOWN;
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
use crate::store::profile::Known;
use crate::store::silence::WhichSilences;
use crate::store::{Scope, Store, StoreError, campaign as campaigns, setting};

/// Scripts, styles and pictures from here alone; nothing inline, no framing, no forms.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const LANGUAGE_COOKIE: &str = "varde_lang";
/// Open live streams: a few screens for everybody on duty.
const LISTENERS_MAX: usize = 64;
/// Answers under way may take this long once we are told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

pub(super) struct Shared {
    pub(super) store: Store,
    changes: Changes,
    stop: watch::Receiver<bool>,
    tiles: Tiles,
    listeners: Arc<Semaphore>,
    pub(super) views: Views,
    /// Who reads: until there is a login the operator, whoever asks on this machine.
    pub(super) reader: Audience,
}

impl Shared {
    /// What shows hosts is not shown unless it stands in the audit.
    fn unnoted(&self, visit: &Visit, operator: Option<&str>, error: StoreError) -> Response {
        self.handle_unnoted(&error);
        visit.unnoted(operator)
    }

    /// The campaign that an address names, also by the number or name of what has become part of it since.
    async fn campaign_named(&self, name: &str, uri: &Uri) -> Result<Named, StoreError> {
        let id = campaigns::resolve(&self.store, self.reader.scope, name).await?;
        Ok(Named::of(self.reader.scope, "/kampanje/", (name, id), uri))
    }

    /// The incident that an address names, also by the number or name of what has become part of it since.
    async fn incident_named(&self, name: &str, uri: &Uri) -> Result<Named, StoreError> {
        let id = self.store.incident_named(self.reader.scope, name).await?;
        Ok(Named::of(self.reader.scope, "/sak/", (name, id), uri))
    }

    /// Something could not be noted in the audit.
    pub(super) fn handle_unnoted(&self, error: &StoreError) {
        match error {
            StoreError::Full => {
                if self.store.handle_full() {
                    tracing::error!("{error}");
                    let _ = self.changes.send(Change::Room);
                }
            }
            other => tracing::error!("that a page is shown could not be noted in the audit: {other}"),
        }
        self.store.handle_error(error);
    }
}

/// What an address names.
enum Named {
    /// This one.
    Here(i64),
    /// One that has its own address: what was linked to before it became part of another is not gone.
    Elsewhere(String),
    /// Nothing.
    Nothing,
}

impl Named {
    /// A member names nothing by its number, and so is led to none.
    fn of(scope: Scope, place: &str, (name, id): (&str, Option<i64>), uri: &Uri) -> Named {
        match (id, scope) {
            (None, _) => Named::Nothing,
            (Some(id), Scope::Operator) if name != id.to_string() => {
                let asked = uri.query().map_or_else(String::new, |query| format!("?{query}"));
                Named::Elsewhere(format!("{place}{id}{asked}"))
            }
            (Some(id), Scope::Operator | Scope::Member(_)) => Named::Here(id),
        }
    }
}

/// Serves the page until `stop` says so. The listener is bound to loopback by the caller.
pub async fn serve(listener: tokio::net::TcpListener, store: Store, changes: Changes, stop: watch::Receiver<bool>) {
    serve_to(Audience { scope: Scope::Operator, clock: clock::now }, listener, store, changes, stop).await;
}

/// The same for this reader, by this clock.
pub async fn serve_to(
    reader: Audience,
    listener: tokio::net::TcpListener,
    store: Store,
    changes: Changes,
    stop: watch::Receiver<bool>,
) {
    let mut overdue = stop.clone();
    let app = router(reader, store, changes, stop.clone());
    tokio::select! {
        () = pages::serve(listener, app, stop) => {}
        () = async { stopped(&mut overdue).await; tokio::time::sleep(STOP_WITHIN).await } => {}
    }
}

fn router(reader: Audience, store: Store, changes: Changes, stop: watch::Receiver<bool>) -> Router {
    let shared = Arc::new(Shared {
        store,
        changes,
        stop,
        tiles: Tiles::read(TILE_GRID),
        listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
        views: Views::default(),
        reader,
    });
    let mut app = Router::new();
    for (address, page) in PAGES {
        let handler = match page {
            Page::Front => get(front),
            Page::Campaign => get(campaign),
            Page::Incident => get(incident),
            Page::Sensor => get(sensor),
            Page::Member => get(member),
            Page::Advisories => get(advisory_pages::list),
            Page::Advisory => get(advisory_pages::one),
            Page::Measures => get(advisory_pages::measures),
            Page::Privacy => get(privacy),
            Page::Picture => get(picture_json),
            Page::Live => get(live),
            Page::Health => get(healthy),
        };
        app = app.route(address, handler);
    }
    for asset in ASSETS {
        app = app.route(asset.path, get(move || async move { file(asset) }));
    }
    app.merge(api::router(&shared))
        .fallback(missing)
        .with_state(shared)
        .layer(middleware::from_fn(guard_host))
        .layer(middleware::from_fn(guard_headers))
}

/// Resolves when `stop` turns true or nobody is left to turn it.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means the sender is gone: stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

pub(super) async fn guard_host(request: Request, next: Next) -> Response {
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

/// What an address may ask for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    lang: Option<String>,
    fragment: Option<String>,
}

/// Who is asking, and how.
pub(super) struct Visit {
    language: Language,
    /// Asked for now: to be remembered.
    chosen: Option<Language>,
    pub(super) extent: Extent,
    path: String,
    /// Whether the database's disk is full.
    full: bool,
    now: Timestamp,
}

impl Visit {
    pub(super) fn of(asked: Result<Query<Asked>, QueryRejection>, headers: &HeaderMap, uri: &Uri) -> Visit {
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
            now: Timestamp::default(),
        }
    }

    pub(super) fn at(self, shared: &Shared) -> Visit {
        Visit { full: shared.store.is_full(), now: (shared.reader.clock)(), ..self }
    }

    fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    pub(super) fn reader(&self) -> Reader {
        Reader { texts: self.texts(), calendar: Calendar::new(self.language), now: self.now }
    }

    pub(super) fn head(&self, operator: Option<&str>) -> Head {
        Head {
            operator: Shown::of(operator.unwrap_or_default()),
            language: self.language,
            path: self.path.clone(),
            full: self.full,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    pub(super) fn answer(&self, status: StatusCode, page: askama::Result<String>) -> Response {
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

    pub(super) fn not_there(&self, operator: Option<&str>) -> Response {
        let texts = self.texts();
        let (title, words) = (texts.say("missing-title"), texts.say("missing-words"));
        self.answer(StatusCode::NOT_FOUND, page::message(&self.head(operator), &title, &words, self.extent))
    }

    fn unnoted(&self, operator: Option<&str>) -> Response {
        let texts = self.texts();
        let (title, words) = (texts.say("unnoted-title"), texts.say("unnoted-words"));
        self.answer(StatusCode::SERVICE_UNAVAILABLE, page::message(&self.head(operator), &title, &words, self.extent))
    }

    pub(super) fn broken(&self, error: &(impl std::fmt::Display + ?Sized)) -> Response {
        tracing::error!(%error, "the page could not read the database");
        let texts = self.texts();
        let (title, words) = (texts.say("broken-title"), texts.say("broken-words"));
        self.answer(StatusCode::INTERNAL_SERVER_ERROR, page::message(&self.head(None), &title, &words, self.extent))
    }
}

pub(super) type Parts = (State<Arc<Shared>>, Result<Query<Asked>, QueryRejection>, HeaderMap, Uri);

async fn front((State(shared), asked, headers, uri): Parts) -> Response {
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    match shared.store.picture(shared.reader.scope).await {
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
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    let id = match shared.campaign_named(&id, &uri).await {
        Ok(Named::Here(id)) => id,
        Ok(Named::Elsewhere(address)) => return Redirect::to(&address).into_response(),
        Ok(Named::Nothing) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    match shared.store.picture_of(shared.reader.scope, Subject::Campaign(id)).await {
        Ok(Some((picture, detail))) => {
            let operator = picture.operator.as_deref();
            let Some(facts) = picture.campaigns.first() else {
                return visit.not_there(operator);
            };
            let members = facts.hits.iter().map(|hit| hit.member.number.clone());
            if let Err(error) =
                shared.views.note(&shared.store, Subject::Campaign(id), members, (shared.reader.clock)()).await
            {
                return shared.unnoted(&visit, operator, error);
            }
            let view = CampaignView::of(facts, &picture, &detail, &visit.reader());
            visit.answer(StatusCode::OK, page::campaign(&visit.head(operator), &view, visit.extent))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

async fn incident(Path(id): Path<String>, parts: Parts) -> Response {
    let (State(shared), asked, headers, uri) = parts;
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    let id = match shared.incident_named(&id, &uri).await {
        Ok(Named::Here(id)) => id,
        Ok(Named::Elsewhere(address)) => return Redirect::to(&address).into_response(),
        Ok(Named::Nothing) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    match shared.store.picture_of(shared.reader.scope, Subject::Incident(id)).await {
        Ok(Some((Picture { operator, .. }, detail))) => {
            let Some(facts) = detail.incidents.first() else {
                return visit.not_there(operator.as_deref());
            };
            let members = [facts.hit.member.number.clone()];
            if let Err(error) =
                shared.views.note(&shared.store, Subject::Incident(id), members, (shared.reader.clock)()).await
            {
                return shared.unnoted(&visit, operator.as_deref(), error);
            }
            let view = IncidentView::of(facts, &detail, &visit.reader());
            visit.answer(StatusCode::OK, page::incident(&visit.head(operator.as_deref()), &view, visit.extent))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

async fn sensor(Path(id): Path<String>, parts: Parts) -> Response {
    let (State(shared), asked, headers, uri) = parts;
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    let Ok(id) = id.parse::<i64>() else {
        return visit.not_there(None);
    };
    match shared.store.picture(shared.reader.scope).await {
        Ok(picture) => {
            let operator = picture.operator.as_deref();
            let Some(facts) = picture.sensors.iter().find(|sensor| sensor.id == id) else {
                return visit.not_there(operator);
            };
            let events = match shared.store.sensor_events(shared.reader.scope, id, EVENTS_SHOWN).await {
                Ok(events) => events,
                Err(error) => return visit.broken(&error),
            };
            let which = WhichSilences { sensor: Some(id), ..WhichSilences::default() };
            let silences = match shared.store.silences(shared.reader.scope, which, SILENCES_SHOWN).await {
                Ok(silences) => silences,
                Err(error) => return visit.broken(&error),
            };
            let view = SensorView::of(facts, &picture, &silences, shared.reader.scope, &events, &visit.reader());
            visit.answer(StatusCode::OK, page::sensor(&visit.head(operator), &view, visit.extent))
        }
        Err(error) => visit.broken(&error),
    }
}

async fn member(Path(number): Path<String>, parts: Parts) -> Response {
    let (State(shared), asked, headers, uri) = parts;
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    let Ok(number) = number.parse() else {
        return visit.not_there(None);
    };
    match shared.store.known_of(shared.reader.scope, &number).await {
        // An old number leads on.
        Ok(Some(known)) if known.member.number != number.as_str() => {
            Redirect::to(&format!("/medlem/{}", known.member.number)).into_response()
        }
        Ok(Some(known)) => {
            let Known { operator, member, profile, sites, silences } = &known;
            let view = MemberView::of(member, profile, sites, silences, shared.reader.scope, &visit.reader());
            visit.answer(StatusCode::OK, page::member(&visit.head(operator.as_deref()), &view, visit.extent))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

async fn privacy((State(shared), asked, headers, uri): Parts) -> Response {
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    match shared.store.setting(shared.reader.scope, setting::OPERATOR_NAME).await {
        Ok(operator) => {
            let table = crate::present::privacy::table(visit.texts());
            visit.answer(StatusCode::OK, page::privacy(&visit.head(operator.as_deref()), &table, visit.extent))
        }
        Err(error) => visit.broken(&error),
    }
}

async fn missing(asked: Result<Query<Asked>, QueryRejection>, headers: HeaderMap, uri: Uri) -> Response {
    Visit::of(asked, &headers, &uri).not_there(None)
}

async fn picture_json(State(shared): State<Arc<Shared>>) -> Response {
    let body = match shared.store.picture(shared.reader.scope).await {
        Ok(picture) => {
            serde_json::to_string(&PictureJson::of(&picture, (shared.reader.clock)())).map_err(anyhow::Error::from)
        }
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

fn file(asset: Asset) -> Response {
    ([(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, "no-cache")], asset.body).into_response()
}

async fn live(State(shared): State<Arc<Shared>>) -> Response {
    // It tells that something has changed, whosever it is: that is the operator's business.
    if shared.reader.scope != Scope::Operator {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(place) = Arc::clone(&shared.listeners).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many pages listen; close one.\n").into_response();
    };
    let (events, stream) = mpsc::channel(4);
    tokio::spawn(tell(shared.changes.subscribe(), shared.stop.clone(), events, place));
    Sse::new(ReceiverStream::new(stream)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}
