//! The page of all sensors, and what is done there: a token is made, one that waits is approved or refused, one is shut out.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use varde_common::brake::is_reason;
use varde_common::id::MemberNumber;

use super::Shared;
use super::member::{by, is_saved, saved};
use crate::io::enrolling::{self, NoToken, Word};
use crate::io::visit::{Form, Visit};
use crate::present::fleet::{self, FleetView, Place, RevokeView, SENSORS, SensorsAsked, TokenView};
use crate::present::member_forms::{Filled, field};
use crate::present::sensor::{SensorRow, State as SensorState};
use crate::present::shown::Shown;
use crate::store::StoreError;

/// What is wrong: where, and in words.
type Fault = (Place, String);

async fn shown(shared: &Shared, visit: &Visit, asked: &SensorsAsked, saved: bool, fault: Option<Fault>) -> Response {
    match shared.store.community(visit.who().scope()).await {
        Ok(found) => {
            let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            let view = FleetView::of(&found, asked, saved, fault, &visit.reader());
            let head = visit.head(found.picture.operator.as_deref());
            visit.answer(status, fleet::page(&head, &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

/// All of them.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let asked = SensorsAsked::read(uri.query().unwrap_or_default());
    shown(&shared, &visit, &asked, is_saved(&uri), None).await
}

fn unwritten(shared: &Shared, visit: &Visit, error: &StoreError) -> Response {
    shared.handle_unwritten(error);
    visit.broken(error)
}

/// Makes a token for a new sensor, and shows it once.
pub(super) async fn token(State(shared): State<Arc<Shared>>, visit: Visit, Form(filled): Form<Filled>) -> Response {
    let fault = |words: &str| Some((Place::New, visit.texts().say(words)));
    let asked = SensorsAsked { new_for: field(&filled, "number").to_owned(), ..SensorsAsked::default() };
    let Ok(number) = asked.new_for.parse::<MemberNumber>() else {
        return shown(&shared, &visit, &asked, false, fault("sensors-no-member")).await;
    };
    match enrolling::make_token(&shared.store, &number, &by(&visit)).await {
        Ok((token, member)) => {
            crate::io::control::poke(shared.store.directory(), crate::control::Poke::Sensors).await;
            let view = TokenView::of(&token, (&member.number, &member.name), &visit.reader());
            let operator = crate::io::gate::operator_name(&shared).await;
            visit.answer(StatusCode::OK, fleet::token(&visit.head(operator.as_deref()), &view))
        }
        Err(NoToken::Store(error)) => unwritten(&shared, &visit, &error),
        Err(NoToken::NoMember(_)) => shown(&shared, &visit, &asked, false, fault("sensors-no-member")).await,
        Err(error @ (NoToken::Address(_) | NoToken::NoAddress(_))) => {
            tracing::warn!("no token was made on the pages: {error}");
            shown(&shared, &visit, &asked, false, fault("sensors-no-address")).await
        }
        Err(error @ (NoToken::Root(_) | NoToken::Random(_))) => {
            tracing::error!("no token could be made on the pages: {error}");
            visit.broken(&error)
        }
    }
}

/// One that waits is approved or refused.
pub(super) async fn say(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let word = match field(&filled, "do") {
        "approve" => Word::Approve,
        "refuse" => Word::Refuse,
        _ => return visit.unread(StatusCode::UNPROCESSABLE_ENTITY),
    };
    let Ok(id) = id.parse::<i64>() else { return visit.not_there(None) };
    let fault = |words: String| async {
        shown(&shared, &visit, &SensorsAsked::default(), false, Some((Place::Waits(id), words))).await
    };
    if word == Word::Approve && field(&filled, "same") != "1" {
        return fault(visit.texts().say("sensors-not-compared")).await;
    }
    match enrolling::say(&shared.store, id, word, &by(&visit)).await {
        Ok(Some(_)) => saved(SENSORS),
        Ok(None) => fault(visit.texts().say("sensors-waits-not")).await,
        Err(error) => unwritten(&shared, &visit, &error),
    }
}

/// The page that asks why, and whether somebody is sure.
async fn asks(
    shared: &Shared,
    visit: &Visit,
    id: &str,
    (reason, fault): (&str, Option<(&'static str, String)>),
) -> Response {
    let Ok(id) = id.parse::<i64>() else { return visit.not_there(None) };
    match shared.store.community(visit.who().scope()).await {
        Ok(found) => {
            let picture = &found.picture;
            let Some(facts) = picture.sensors.iter().find(|sensor| sensor.id == id) else {
                return visit.not_there(picture.operator.as_deref());
            };
            let reader = visit.reader();
            let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            let view = RevokeView {
                row: SensorRow::of(facts, picture, reader.texts, &reader.calendar, reader.now),
                reason: Shown::whole(reason),
                fault,
                before: matches!(SensorState::of(facts, reader.now), SensorState::Revoked(_)),
            };
            visit.answer(status, fleet::revoke(&visit.head(picture.operator.as_deref()), &view))
        }
        Err(error) => visit.broken(&error),
    }
}

/// It.
pub(super) async fn ask_revoke(State(shared): State<Arc<Shared>>, Path(id): Path<String>, visit: Visit) -> Response {
    asks(&shared, &visit, &id, ("", None)).await
}

/// Shuts a sensor out.
pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let reason = field(&filled, "reason");
    let fault = match (is_reason(reason), field(&filled, "sure")) {
        (false, _) => Some(("reason", visit.texts().say("bad-reason"))),
        (true, "1") => None,
        (true, _) => Some(("sure", visit.texts().say("revoke-not-sure"))),
    };
    let Some(number) = id.parse::<i64>().ok().filter(|_| fault.is_none()) else {
        return asks(&shared, &visit, &id, (reason, fault)).await;
    };
    match enrolling::revoke(&shared.store, number, Some(reason), &by(&visit)).await {
        Ok((crate::store::sensor::Revoked::NoSuchSensor, _)) => visit.not_there(None),
        Ok(_) => Redirect::to(&format!("/sensor/{number}")).into_response(),
        Err(error) => unwritten(&shared, &visit, &error),
    }
}
