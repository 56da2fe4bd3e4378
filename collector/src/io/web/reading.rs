//! The pages that only read: front, campaign, incident, sensor, privacy.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use super::{Shared, home};
use crate::account::role::Role;
use crate::io::gate::{self, Who};
use crate::io::visit::{Call, Visit};
use crate::limits::page::EVENTS_SHOWN;
use crate::limits::silence::SILENCES_SHOWN;
use crate::present::detail::{CampaignView, IncidentView};
use crate::present::page;
use crate::present::sensor_health::SensorView;
use crate::present::view::FrontView;
use crate::store::picture::{Picture, Subject};
use crate::store::saved_view::News;
use crate::store::silence::WhichSilences;
use crate::store::{StoreError, campaign as campaigns};

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
    fn of(who: &Who, place: &str, (name, id): (&str, Option<i64>), uri: &Uri) -> Named {
        match id {
            None => Named::Nothing,
            Some(id) if who.is_operator() && name != id.to_string() => {
                let asked = uri.query().map_or_else(String::new, |query| format!("?{query}"));
                Named::Elsewhere(format!("{place}{id}{asked}"))
            }
            Some(id) => Named::Here(id),
        }
    }
}

/// The campaign that an address names, also by the number or name of what has become part of it since.
async fn campaign_named(shared: &Shared, who: &Who, name: &str, uri: &Uri) -> Result<Named, StoreError> {
    let id = campaigns::resolve(&shared.store, who.scope(), name).await?;
    Ok(Named::of(who, "/kampanje/", (name, id), uri))
}

/// The incident that an address names, also by the number or name of what has become part of it since.
async fn incident_named(shared: &Shared, who: &Who, name: &str, uri: &Uri) -> Result<Named, StoreError> {
    let id = shared.store.incident_named(who.scope(), name).await?;
    Ok(Named::of(who, "/sak/", (name, id), uri))
}

/// What shows hosts is not shown unless it stands in the audit.
fn unnoted(shared: &Shared, visit: &Visit, operator: Option<&str>, error: &StoreError) -> Response {
    shared.handle_unnoted(error);
    visit.unnoted(operator)
}

/// What has come since somebody at the operator last looked here.
async fn news(shared: &Shared, visit: &Visit) -> Result<Option<News>, StoreError> {
    let who = visit.who();
    if !who.is_operator() || who.account().is_none() {
        return Ok(None);
    }
    let Some(since) = shared.store.look(who.name(), visit.now()).await? else { return Ok(None) };
    Ok(Some(shared.store.news_since(who.scope(), since).await?))
}

pub(super) async fn front(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    match visit.who().role() {
        Role::It => return home::it(&shared, &visit).await,
        Role::Management => return home::management(&shared, &visit).await,
        Role::Analyst | Role::Publisher | Role::Administrator | Role::Auditor | Role::Wall => {}
    }
    match shared.store.picture(visit.who().scope()).await {
        Ok(picture) => {
            let mut view = FrontView::of(&picture, &shared.tiles, &visit.reader());
            match news(&shared, &visit).await {
                Ok(news) => view.news = news.map(|news| news.words(&visit.reader())),
                Err(error) => return visit.broken(&error),
            }
            let head = visit.head(picture.operator.as_deref());
            visit.answer(StatusCode::OK, page::front(&head, &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

pub(super) async fn campaign(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    uri: Uri,
    visit: Visit,
) -> Response {
    let id = match campaign_named(&shared, visit.who(), &id, &uri).await {
        Ok(Named::Here(id)) => id,
        Ok(Named::Elsewhere(address)) => return Redirect::to(&address).into_response(),
        Ok(Named::Nothing) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    match shared.store.picture_of(visit.who().scope(), Subject::Campaign(id)).await {
        Ok(Some((picture, detail))) => {
            let operator = picture.operator.as_deref();
            let Some(facts) = picture.campaigns.first() else {
                return visit.not_there(operator);
            };
            let members = facts.hits.iter().map(|hit| hit.member.number.clone());
            if let Err(error) =
                shared.views.note(&shared.store, visit.who(), Subject::Campaign(id), members, visit.now()).await
            {
                return unnoted(&shared, &visit, operator, &error);
            }
            let view = CampaignView::of(facts, &picture, &detail, &visit.reader());
            visit.answer(StatusCode::OK, page::campaign(&visit.head(operator), &view, visit.extent()))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

pub(super) async fn incident(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    uri: Uri,
    visit: Visit,
) -> Response {
    let id = match incident_named(&shared, visit.who(), &id, &uri).await {
        Ok(Named::Here(id)) => id,
        Ok(Named::Elsewhere(address)) => return Redirect::to(&address).into_response(),
        Ok(Named::Nothing) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    match shared.store.picture_of(visit.who().scope(), Subject::Incident(id)).await {
        Ok(Some((Picture { operator, .. }, detail))) => {
            let Some(facts) = detail.incidents.first() else {
                return visit.not_there(operator.as_deref());
            };
            let members = [facts.hit.member.number.clone()];
            if let Err(error) =
                shared.views.note(&shared.store, visit.who(), Subject::Incident(id), members, visit.now()).await
            {
                return unnoted(&shared, &visit, operator.as_deref(), &error);
            }
            let view = IncidentView::of(facts, &detail, &visit.reader());
            visit.answer(StatusCode::OK, page::incident(&visit.head(operator.as_deref()), &view, visit.extent()))
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

pub(super) async fn sensor(State(shared): State<Arc<Shared>>, Path(id): Path<String>, visit: Visit) -> Response {
    let Ok(id) = id.parse::<i64>() else {
        return visit.not_there(None);
    };
    match shared.store.picture_without_cases(visit.who().scope()).await {
        Ok(picture) => {
            let operator = picture.operator.as_deref();
            let Some(facts) = picture.sensors.iter().find(|sensor| sensor.id == id) else {
                return visit.not_there(operator);
            };
            let events = match shared.store.sensor_events(visit.who().scope(), id, EVENTS_SHOWN).await {
                Ok(events) => events,
                Err(error) => return visit.broken(&error),
            };
            let which = WhichSilences { sensor: Some(id), ..WhichSilences::default() };
            let silences = match shared.store.silences(visit.who().scope(), which, SILENCES_SHOWN).await {
                Ok(silences) => silences,
                Err(error) => return visit.broken(&error),
            };
            let view = SensorView::of(facts, &picture, &silences, visit.who().scope(), &events, &visit.reader());
            visit.answer(StatusCode::OK, page::sensor(&visit.head(operator), &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

pub(super) async fn privacy(State(shared): State<Arc<Shared>>, call: Call) -> Response {
    let operator = gate::operator_name(&shared).await;
    let table = crate::present::privacy::table(call.texts());
    call.answer(StatusCode::OK, page::privacy(&call.head(operator.as_deref()), &table, call.extent()))
}
