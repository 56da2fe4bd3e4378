//! The pages of indicators: the list, one of them, and what publishers do there.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Shared;
use crate::account::role::Right;
use crate::command::for_pages;
use crate::io::gate::operator_name;
use crate::io::user::in_the_name_of;
use crate::io::visit::{Form, Visit};
use crate::present::intel::list::{Asked, ListView};
use crate::present::intel::one::OneView;
use crate::present::intel::page;
use crate::store::StoreError;
use crate::store::sent::Sent;

/// Whether who looks may publish and recall.
pub(super) fn may_publish(visit: &Visit) -> bool {
    visit.who().is_operator() && visit.who().may(Right::Publish) && visit.who().account().is_some()
}

/// What is sent to sensors: counted when there is another list.
pub(super) async fn sent(shared: &Shared, visit: &Visit) -> Result<Option<Sent>, StoreError> {
    let scope = visit.who().scope();
    let newest = shared.store.newest_count(scope, &varde_common::channel::ChannelName::default()).await?;
    let newest = newest.map(|(revision, _)| i64::try_from(revision.0).unwrap_or(i64::MAX));
    let mut known = shared.sent.lock().await;
    if known.as_ref().map(|known| known.revision) != newest {
        *known = shared.store.sent(scope).await?;
    }
    Ok(known.clone())
}

/// The list.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let asked = Asked::read(uri.query().unwrap_or_default());
    let scope = visit.who().scope();
    let read = async {
        let page = shared.store.listed_indicators(scope, &asked.filter, asked.all, asked.before).await?;
        Ok::<_, StoreError>((page, sent(&shared, &visit).await?))
    };
    match read.await {
        Ok((listed, sent)) => {
            let view = ListView::of(&asked, &listed, sent.as_ref(), scope, &visit.reader());
            let head = visit.head(operator_name(&shared).await.as_deref());
            visit.answer(StatusCode::OK, page::list(&head, &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

/// One indicator, with what was wrong in what was sent.
async fn shown(shared: &Shared, visit: &Visit, id: i64, (status, wrong): (StatusCode, Option<String>)) -> Response {
    let (store, scope) = (&shared.store, visit.who().scope());
    let read = async {
        let Some(listed) = store.listed_indicator(scope, id).await? else { return Ok(None) };
        let met = store.met(scope, id).await?;
        let examined = match visit.who().is_operator() {
            true => for_pages::examine(store, id, visit.now()).await?,
            false => None,
        };
        anyhow::Ok(Some((listed, met, examined)))
    };
    match read.await {
        Ok(Some((listed, met, examined))) => {
            let mut view = OneView::of(&listed, &met, examined.as_ref(), scope, &visit.reader());
            view.wrong = wrong;
            let head = visit.head(operator_name(shared).await.as_deref());
            visit.answer(status, page::one(&head, &view, may_publish(visit), visit.extent()))
        }
        Ok(None) => visit.not_there(operator_name(shared).await.as_deref()),
        Err(error) => visit.broken(&error),
    }
}

/// One indicator.
pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(id): Path<String>, visit: Visit) -> Response {
    match id.parse() {
        Ok(id) => shown(&shared, &visit, id, (StatusCode::OK, None)).await,
        Err(_) => visit.not_there(operator_name(&shared).await.as_deref()),
    }
}

/// What a deed on an indicator is given.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    reason: String,
    until: String,
    sure: String,
}

/// Does something to an indicator as the command does, and shows it; or says what is wrong.
async fn done(shared: &Shared, visit: &Visit, id: &str, doing: impl Future<Output = anyhow::Result<()>>) -> Response {
    match in_the_name_of(visit.who().audited(), doing).await {
        Ok(()) => Redirect::to(&format!("/indikator/{id}")).into_response(),
        Err(error) => {
            let words = page::refusal(&error, visit.texts());
            match id.parse() {
                Ok(id) => shown(shared, visit, id, (StatusCode::CONFLICT, Some(words))).await,
                Err(_) => visit.not_there(None),
            }
        }
    }
}

/// What is wrong in what was sent.
async fn wrong(shared: &Shared, visit: &Visit, id: &str, words: String) -> Response {
    match id.parse() {
        Ok(id) => shown(shared, visit, id, (StatusCode::UNPROCESSABLE_ENTITY, Some(words))).await,
        Err(_) => visit.not_there(None),
    }
}

/// An indicator out of every list.
pub(super) async fn recall(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    visit: Visit,
    Form(given): Form<Given>,
) -> Response {
    let texts = visit.texts();
    let Ok(reason) = for_pages::reason(&given.reason) else {
        return wrong(&shared, &visit, &id, texts.say("intel-bad-reason")).await;
    };
    if given.sure != "1" {
        return wrong(&shared, &visit, &id, texts.say("intel-bad-sure")).await;
    }
    let store = &shared.store;
    done(&shared, &visit, &id, for_pages::recall(store, &id, &reason)).await
}

/// An indicator goes out in spite of lint.
pub(super) async fn override_lint(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    visit: Visit,
    Form(given): Form<Given>,
) -> Response {
    let texts = visit.texts();
    let Ok(reason) = for_pages::lint_reason(&given.reason) else {
        return wrong(&shared, &visit, &id, texts.say("intel-bad-reason")).await;
    };
    let Ok(until) = for_pages::day(&given.until) else {
        return wrong(&shared, &visit, &id, texts.say("intel-bad-until")).await;
    };
    let (store, now) = (&shared.store, visit.now());
    done(&shared, &visit, &id, for_pages::override_lint(store, &id, (&reason, until), now)).await
}
