//! The pages of sources and of what was published, and what publishers do there.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio::runtime::Handle;
use varde_common::id::Revision;

use super::Shared;
use super::draft::heavily;
use super::intel::may_publish;
use crate::command::for_pages;
use crate::io::gate::operator_name;
use crate::io::user::in_the_name_of;
use crate::io::visit::{Form, Visit};
use crate::limits::desk::RECALLS_SHOWN;
use crate::present::intel::lists::{Facts, ListsView};
use crate::present::intel::page;
use crate::present::intel::sources::SourcesView;
use crate::store::recall::NotRecalled;
use crate::store::{Store, StoreError};

/// What was just done or was wrong, beside a page.
type Told = (StatusCode, Option<String>, Option<String>);

const NOTHING: Told = (StatusCode::OK, None, None);

async fn sources_page(shared: &Shared, visit: &Visit, (status, done, wrong): Told) -> Response {
    let scope = visit.who().scope();
    let read = async {
        let rows = shared.store.sources(scope, None).await?;
        Ok::<_, StoreError>((rows, shared.store.source_records(scope, None).await?))
    };
    match read.await {
        Ok((rows, records)) => {
            let mut view = SourcesView::of(&rows, &records, &visit.reader());
            (view.done, view.wrong) = (done, wrong);
            let head = visit.head(operator_name(shared).await.as_deref());
            visit.answer(status, page::sources(&head, &view, may_publish(visit), visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

/// Where intelligence is fetched from.
pub(super) async fn sources(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    sources_page(&shared, &visit, NOTHING).await
}

/// What is asked of a source.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SourceAsked {
    name: String,
    act: String,
}

/// Lets a source rest, or has it fetched. Fetching goes on by itself: it may take longer than anybody waits at a page.
pub(super) async fn source_deed(
    State(shared): State<Arc<Shared>>,
    visit: Visit,
    Form(SourceAsked { name, act }): Form<SourceAsked>,
) -> Response {
    let (texts, now, who) = (visit.texts(), visit.now(), visit.who().audited());
    let found = match shared.store.sources(visit.who().scope(), Some(&name)).await {
        Ok(found) => found.into_iter().next(),
        Err(error) => return visit.broken(&error),
    };
    let Some(row) = found else {
        let told = (StatusCode::UNPROCESSABLE_ENTITY, None, Some(texts.say("source-bad-name")));
        return sources_page(&shared, &visit, told).await;
    };
    let done = match act.as_str() {
        "pause" => in_the_name_of(who, for_pages::pause_source(&shared.store, &name, Some(now))).await,
        "resume" => in_the_name_of(who, for_pages::pause_source(&shared.store, &name, None)).await,
        "fetch" | "release" if act == "fetch" || row.held_at.is_some() => {
            let (store, runtime, is_released) = (shared.store.clone(), Handle::current(), act == "release");
            let words = texts.with("source-fetching", &[("name", crate::present::shown::Shown::of(&name).as_str())]);
            tokio::task::spawn_blocking(move || {
                let fetching = in_the_name_of(who, for_pages::fetch_source(&store, &name, is_released));
                // Why it failed or is held stands with the source.
                if let Err(error) = runtime.block_on(fetching) {
                    tracing::warn!("a source that somebody had fetched from a page: {error:#}");
                }
            });
            return sources_page(&shared, &visit, (StatusCode::OK, Some(words), None)).await;
        }
        _ => {
            let told = (StatusCode::UNPROCESSABLE_ENTITY, None, Some(texts.say("source-bad-deed")));
            return sources_page(&shared, &visit, told).await;
        }
    };
    match done {
        Ok(()) => Redirect::to("/kilder").into_response(),
        Err(error) => {
            let told = (StatusCode::CONFLICT, None, Some(page::refusal(&error, texts)));
            sources_page(&shared, &visit, told).await
        }
    }
}

async fn lists_page(shared: &Shared, visit: &Visit, status: StatusCode, wrong: Option<String>) -> Response {
    let (store, scope) = (&shared.store, visit.who().scope());
    let read = async {
        Ok::<_, StoreError>(Facts {
            pending: store.pending_facts(scope).await?,
            rollouts: store.rollouts(scope).await?,
            reach: store.channel_reach(scope).await?,
            lists: store.publications(scope).await?,
            recalls: store.recall_rows(scope, RECALLS_SHOWN).await?,
        })
    };
    match read.await {
        Ok(facts) => {
            let mut view = ListsView::of(&facts, &visit.reader());
            view.wrong = wrong;
            let head = visit.head(operator_name(shared).await.as_deref());
            visit.answer(status, page::lists(&head, &view, may_publish(visit), visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

/// What was published.
pub(super) async fn lists(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    lists_page(&shared, &visit, StatusCode::OK, None).await
}

/// Why, and that it is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Why {
    reason: String,
    sure: String,
    indicator: String,
    list: String,
}

async fn done(shared: &Shared, visit: &Visit, done: anyhow::Result<()>) -> Response {
    match done {
        Ok(()) => Redirect::to("/lister").into_response(),
        Err(error) => {
            let words = page::refusal(&error, visit.texts());
            lists_page(shared, visit, StatusCode::CONFLICT, Some(words)).await
        }
    }
}

/// The newest list is recalled: what the one before held is in force again.
pub(super) async fn recall(State(shared): State<Arc<Shared>>, visit: Visit, Form(why): Form<Why>) -> Response {
    let texts = visit.texts();
    let wrong = async |words: String| lists_page(&shared, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(words)).await;
    let Ok(reason) = for_pages::reason(&why.reason) else { return wrong(texts.say("intel-bad-reason")).await };
    if why.sure != "1" {
        return wrong(texts.say("intel-bad-sure")).await;
    }
    // Another may have been published since the page was drawn, or while this waits for its turn: that one nobody has looked at.
    let Ok(shown) = why.list.parse().map(Revision) else { return wrong(texts.say("lists-bad-newer")).await };
    let recalling = async move |store: Store| for_pages::recall_list(&store, shown, &reason).await;
    let recalled = heavily(&shared, &visit, recalling).await;
    if let Err(error) = &recalled
        && let Some(NotRecalled::Newer(_)) = error.downcast_ref()
    {
        return wrong(texts.say("lists-bad-newer")).await;
    }
    done(&shared, &visit, recalled).await
}

/// What was recalled is let into lists again.
pub(super) async fn lift(State(shared): State<Arc<Shared>>, visit: Visit, Form(why): Form<Why>) -> Response {
    let texts = visit.texts();
    let (Ok(reason), Ok(_)) = (for_pages::reason(&why.reason), why.indicator.parse::<i64>()) else {
        let words = texts.say("intel-bad-reason");
        return lists_page(&shared, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(words)).await;
    };
    let lifting = async move |store: Store| for_pages::lift(&store, &why.indicator, &reason).await;
    done(&shared, &visit, heavily(&shared, &visit, lifting).await).await
}
