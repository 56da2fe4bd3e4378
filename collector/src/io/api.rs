//! The API over HTTP: every address of [`RESOURCES`], answered from the store as its reader may see it. Nothing here changes anything but the
//! audit, in which what shows hosts stands before it is shown.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use varde_common::time::Timestamp;

use super::addresses::of_api;
use super::beat::health;
use super::gate::{self, Who};
use super::visit::Visit;
use super::web::Shared;
use crate::api::cursor::Position;
use crate::api::document::document;
use crate::api::parameter::Asked;
use crate::api::problem::Problem;
use crate::api::{PREFIX, RESOURCES, Resource, SEVERITIES, STATES, Which, shape};
use crate::day;
use crate::limits::api::{ANSWERS_MAX, ROWS_MAX, STATISTICS_DAYS_MAX, TRACES_MAX};
use crate::present::answer;
use crate::store::asked::Found;
use crate::store::asked::alert::AskedAlert;
use crate::store::bond::Of;
use crate::store::{StoreError, campaign, setting};
use crate::workflow::Matter;

const DAY: Duration = Duration::from_secs(86_400);
/// Days of statistics unless told otherwise.
const DAYS_TOLD: u32 = 30;

/// Why there is no answer.
enum Failure {
    /// It is the question's fault.
    Problem(Problem),
    /// It is the store's.
    Store(StoreError),
    /// What shows hosts could not be noted.
    Unnoted(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Problem(problem)
    }
}

/// Who asks, and when.
struct Asking<'a> {
    shared: &'a Shared,
    who: &'a Who,
    now: Timestamp,
}

/// A page of answers.
#[derive(Serialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

fn page<T: Serialize>(found: Found<T>, asked: &Asked) -> Result<String, Failure> {
    let next = found.next.map(|position| position.sealed(&asked.question));
    written(&Page { items: found.items, next })
}

/// Our own types are always written.
fn written(answer: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(answer).map_err(|_| Failure::Problem(Problem::broken()))
}

/// All addresses of the table, and a problem under every other below the prefix.
pub(super) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let mut router = Router::new();
    for resource in RESOURCES {
        let path = format!("{PREFIX}{}", resource.path);
        let handler = if resource.path.contains("{id}") {
            get(move |state: State<Arc<Shared>>, Path(id): Path<String>, uri: Uri, visit: Visit| {
                respond(state, resource, (uri, id), visit)
            })
        } else {
            get(move |state: State<Arc<Shared>>, uri: Uri, visit: Visit| {
                respond(state, resource, (uri, String::new()), visit)
            })
        };
        let gate = middleware::from_fn_with_state((shared.clone(), of_api(resource.which)), gate::pass);
        router = router.route(&path, handler.route_layer(gate).fallback(|| async { told(&Problem::not_asked()) }));
    }
    let missing = |method: Method| async move {
        told(&if method == Method::GET || method == Method::HEAD { Problem::not_there() } else { Problem::not_asked() })
    };
    router
        .route(PREFIX, axum::routing::any(missing))
        .route(&format!("{PREFIX}/"), axum::routing::any(missing))
        .route(&format!("{PREFIX}/{{*rest}}"), axum::routing::any(missing))
        .with_state(shared.clone())
}

fn told(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(problem).unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

async fn respond(
    State(shared): State<Arc<Shared>>,
    resource: &'static Resource,
    (uri, id): (Uri, String),
    visit: Visit,
) -> Response {
    let asking = Asking { shared: &shared, who: visit.who(), now: visit.now() };
    let answered = match Asked::read(resource.path, resource.parameters, uri.query()) {
        Ok(asked) => answered(&asking, resource.which, &asked, &id).await,
        Err(problem) => Err(problem.into()),
    };
    match answered {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(Failure::Problem(problem)) => told(&problem),
        Err(Failure::Store(error)) => {
            tracing::error!(%error, "the API could not read the database");
            shared.store.handle_error(&error);
            told(&Problem::broken())
        }
        Err(Failure::Unnoted(error)) => {
            shared.handle_unnoted(&error);
            told(&Problem::unnoted())
        }
    }
}

async fn answered(asking: &Asking<'_>, which: Which, asked: &Asked, id: &str) -> Result<String, Failure> {
    let (store, scope) = (&asking.shared.store, asking.who.scope());
    match which {
        Which::Campaigns => {
            page(store.asked_campaigns(scope, asked).await?.map(|view| answer::campaign(view, scope)), asked)
        }
        Which::Campaign => one_campaign(asking, id).await,
        Which::Incidents => {
            page(store.asked_incidents(scope, asked).await?.map(|found| answer::incident(&found, scope)), asked)
        }
        Which::Incident => one_incident(asking, id).await,
        Which::Alerts => {
            let found = store.asked_alerts(scope, asked).await?;
            note(asking, "alerts".to_owned(), &found.items).await?;
            page(found.map(|alert| answer::alert(alert, scope)), asked)
        }
        Which::Alert => {
            let found = store.asked_alert(scope, id).await?.ok_or_else(Problem::not_there)?;
            note(asking, format!("alert {}", found.view.id), std::slice::from_ref(&found)).await?;
            written(&answer::alert(found, scope))
        }
        Which::Indicators => page(store.asked_indicators(scope, asked).await?, asked),
        Which::Indicator => {
            // By its number alone: a name may stand behind a slash.
            let id: i64 = id.parse().map_err(|_| Problem::not_there())?;
            let found = store.asked_indicators(scope, &Asked::only("indicator", id.to_string(), ROWS_MAX)).await?;
            written(&found.items.into_iter().find(|found| found.id == id).ok_or_else(Problem::not_there)?)
        }
        Which::Sensors => sensors(asking, asked).await,
        Which::Members => members(asking, asked).await,
        Which::Silence => page(store.asked_silences(scope, asked).await?.map(|row| answer::silence(row, scope)), asked),
        Which::Proposals => page(store.asked_proposals(scope, asked).await?.map(answer::proposal), asked),
        Which::Guards => page(store.asked_guards(scope, asked).await?.map(answer::guard), asked),
        Which::Statistics => statistics(asking, asked).await,
        Which::Status => status(asking).await,
        Which::Document => written(&document()),
    }
}

/// That hosts are shown stands in the audit before.
async fn note(asking: &Asking<'_>, what: String, alerts: &[AskedAlert]) -> Result<(), Failure> {
    let members: BTreeSet<String> = alerts.iter().map(|alert| alert.view.member.number.clone()).collect();
    if members.is_empty() {
        return Ok(());
    }
    noted(asking, what, members).await
}

async fn noted(asking: &Asking<'_>, what: String, members: BTreeSet<String>) -> Result<(), Failure> {
    let note = asking.shared.views.note_api(&asking.shared.store, asking.who, what, members, asking.now);
    note.await.map_err(Failure::Unnoted)
}

/// What names a thing to its reader.
fn name(id: i64, uuid: &str, who: &Who) -> String {
    if who.is_operator() { id.to_string() } else { uuid.to_owned() }
}

async fn one_campaign(asking: &Asking<'_>, id: &str) -> Result<String, Failure> {
    let (store, scope) = (&asking.shared.store, asking.who.scope());
    let found = campaign::resolve(store, scope, id).await?.ok_or_else(Problem::not_there)?;
    let view = campaign::views(store, scope, campaign::Chosen::Campaign(found)).await?.into_iter().next();
    let view = view.ok_or_else(Problem::not_there)?;
    let incidents = store
        .asked_incidents(scope, &Asked::only("campaign", name(view.id, &view.uuid, asking.who), ANSWERS_MAX))
        .await?;
    written(&shape::CampaignDetail {
        links: store.bonds(scope, found).await?.into_iter().map(answer::link).collect(),
        traces: store.traces(scope, Of::Campaign(found), TRACES_MAX).await?.into_iter().map(answer::trace).collect(),
        proposed_split: store.proposed_split(scope, found).await?,
        timeline: if asking.who.is_operator() {
            let work = store.work(scope, Matter::Campaign(found)).await?.unwrap_or_default();
            answer::said(&work.timeline, scope)
        } else {
            // It follows from all members, and would tell one of them of another.
            Vec::new()
        },
        incidents: incidents.items.iter().map(|incident| answer::incident(incident, scope)).collect(),
        campaign: answer::campaign(view, scope),
    })
}

async fn one_incident(asking: &Asking<'_>, id: &str) -> Result<String, Failure> {
    let (store, scope) = (&asking.shared.store, asking.who.scope());
    let found = store.asked_incident(scope, id).await?.ok_or_else(Problem::not_there)?;
    noted(asking, format!("incident {}", found.view.id), BTreeSet::from([found.view.member.number.clone()])).await?;
    let alerts = store
        .asked_alerts(scope, &Asked::only("incident", name(found.view.id, &found.view.uuid, asking.who), ROWS_MAX))
        .await?;
    let work = store.work(scope, Matter::Incident(found.view.id)).await?.unwrap_or_default();
    written(&shape::IncidentDetail {
        timeline: answer::said(&work.timeline, scope),
        measures: answer::said(&work.measures, scope),
        duties: work.duties.as_ref().and_then(|duties| serde_json::to_value(duties).ok()),
        incident: answer::incident(&found, scope),
        host_pseudonyms: found.view.hosts,
        alert_list: alerts.items.into_iter().map(|alert| answer::alert(alert, scope)).collect(),
    })
}

/// Lists that are all there, by their numbers.
fn by_number<T>(all: Vec<T>, asked: &Asked, number: impl Fn(&T) -> String) -> Found<T> {
    Found::cut(all, asked, |item| Position { at: 0, name: number(item) }, |one, after| one.name > after.name)
}

async fn sensors(asking: &Asking<'_>, asked: &Asked) -> Result<String, Failure> {
    let now = asking.now;
    let mut all = asking.shared.store.asked_sensors(asking.who.scope()).await?;
    if let Some(number) = asked.text("member") {
        all.retain(|sensor| sensor.owner.as_ref().is_some_and(|(owner, _)| owner == number));
    }
    if let Some(places) = asked.places("state") {
        let states: Vec<&str> = places.iter().filter_map(|place| STATES.get(*place).copied()).collect();
        all.retain(|sensor| states.contains(&answer::state(sensor, now)));
    }
    let position = |sensor: &crate::store::picture::SensorFacts| Position { at: sensor.id, name: String::new() };
    let found = Found::cut(all, asked, position, |one, after| one.at > after.at);
    page(found.map(|sensor| answer::sensor(&sensor, now)), asked)
}

async fn members(asking: &Asking<'_>, asked: &Asked) -> Result<String, Failure> {
    let mut all = asking.shared.store.member_rows(asking.who.scope()).await?;
    if let Some(number) = asked.text("member") {
        all.retain(|member| member.number == number);
    }
    page(by_number(all, asked, |member| member.number.clone()).map(answer::member), asked)
}

async fn statistics(asking: &Asking<'_>, asked: &Asked) -> Result<String, Failure> {
    let last = asked.moment("to").unwrap_or_else(|| day::of(asking.now));
    let first = asked.moment("from").unwrap_or_else(|| last.minus(DAY * DAYS_TOLD));
    if first > last || last.since(first) > DAY * STATISTICS_DAYS_MAX {
        let right = format!("a day before to, and at most {STATISTICS_DAYS_MAX} days before it");
        return Err(Problem::wrong("from", &right).into());
    }
    let mut all = asking.shared.store.daily_counts(asking.who.scope(), first, last.plus(DAY)).await?;
    if let Some(number) = asked.text("member") {
        all.retain(|count| count.member == number);
    }
    let place = |severity: &str| SEVERITIES.iter().position(|known| *known == severity).unwrap_or(0);
    let position = |count: &crate::store::statistics::DailyCount| Position {
        at: count.day.0,
        name: format!("{},{},{}", count.member, count.kind, place(count.severity.as_str())),
    };
    let key = |count: &crate::store::statistics::DailyCount| {
        let Position { at, name } = position(count);
        (at, name)
    };
    all.sort_by_cached_key(key);
    let is_behind = |one: &Position, after: &Position| (one.at, &one.name) > (after.at, &after.name);
    page(Found::cut(all, asked, position, is_behind).map(answer::numbers), asked)
}

async fn status(asking: &Asking<'_>) -> Result<String, Failure> {
    let (store, scope) = (&asking.shared.store, asking.who.scope());
    let why = health(store).await.err();
    let standing = store.silences_standing(scope).await?;
    let list = store.newest_for_all(scope).await?;
    written(&shape::Status {
        operator: store.setting(scope, setting::OPERATOR_NAME).await?,
        version: env!("CARGO_PKG_VERSION"),
        healthy: why.is_none(),
        why: why.map(str::to_owned),
        revision: list.map(|(revision, _, _)| revision),
        published_at: list.map(|(_, at, _)| Timestamp(at).clamped()),
        indicators: list.map(|(_, _, count)| count),
        sensors: standing.of,
        sensors_troubled: standing.sensors,
    })
}
