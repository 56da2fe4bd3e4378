//! Drafts on the pages: a warning is pasted, looked at and taken in; the next list is looked through and published, or waits for its
//! signature. What is done is done by the same functions as the commands, in the name of who is at the page.

use std::sync::Arc;

use anyhow::anyhow;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use url::form_urlencoded;

use super::Shared;
use super::desk::may_work;
use super::intel::may_publish;
use crate::command::for_pages::{self, Became};
use crate::command::pasted::{self, Pasted};
use crate::io::gate::operator_name;
use crate::io::user::in_the_name_of;
use crate::io::visit::{Form, Visit};
use crate::limits::desk::PASTED_MAX_OCTETS;
use crate::limits::rollout::REASON_MAX_OCTETS;
use crate::present::intel::draft::{DraftPage, LookedView, PasteView, not_published};
use crate::present::intel::page;
use crate::store::Store;

/// Does something that may take a while, one such thing at a time, apart from what serves pages.
pub(super) async fn heavily<T, F, M>(shared: &Shared, visit: &Visit, doing: M) -> anyhow::Result<T>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
    M: FnOnce(Store) -> F + Send + 'static,
{
    let (who, store, runtime) = (visit.who().audited(), shared.store.clone(), Handle::current());
    in_turn(&shared.heavy, move || runtime.block_on(in_the_name_of(who, doing(store)))).await?
}

/// Does it when its turn comes. The turn lasts until it is done: it goes on where the browser has left, and so has nobody else begin.
async fn in_turn<T: Send + 'static>(
    turns: &Arc<Mutex<()>>,
    doing: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let turn = Arc::clone(turns).lock_owned().await;
    let task = tokio::task::spawn_blocking(move || {
        let done = doing();
        drop(turn);
        done
    });
    task.await.map_err(|_| anyhow!("it ended in the middle; the collector's log says why"))
}

/// What is sent when something was pasted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    text: String,
    source: String,
    threat: String,
    tlp: String,
    format: String,
    seen: String,
    act: String,
}

impl Sent {
    /// As what it is pasted; what is wrong with a field.
    fn read(&self, visit: &Visit) -> Result<Pasted, String> {
        let texts = visit.texts();
        let is_name = |text: &str| text.len() <= REASON_MAX_OCTETS && !text.chars().any(char::is_control);
        let (source, threat) = (self.source.trim(), self.threat.trim());
        if self.text.trim().is_empty() {
            return Err(texts.say("draft-bad-empty"));
        }
        if self.text.len() > PASTED_MAX_OCTETS {
            return Err(texts.say("draft-bad-large"));
        }
        if source.is_empty() || !is_name(source) || !is_name(threat) {
            return Err(texts.say("draft-bad-source"));
        }
        Ok(self.as_it_is())
    }

    fn as_it_is(&self) -> Pasted {
        Pasted {
            text: self.text.clone(),
            source: self.source.trim().to_owned(),
            threat: self.threat.trim().to_owned(),
            tlp: self.tlp.parse().ok(),
            format: self.format.parse().ok(),
        }
    }

    /// What was looked at, with all that was said of it: what is taken in is that.
    fn seal(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for field in [&self.text, &self.source, &self.threat, &self.tlp, &self.format] {
            hash.update(&(field.len() as u64).to_be_bytes()).update(field.as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }
}

/// The page on which one pastes, with what was looked at or was wrong.
async fn paste_page(shared: &Shared, visit: &Visit, status: StatusCode, view: PasteView) -> Response {
    let scope = visit.who().scope();
    let read = async {
        let pending = shared.store.pending_facts(scope).await?;
        let rollouts = shared.store.rollouts(scope).await?;
        anyhow::Ok((pending, rollouts, for_pages::signs_here(&shared.store).unwrap_or(false)))
    };
    match read.await {
        Ok((pending, rollouts, has_key)) => {
            let mut view = view.beside(pending.as_ref(), rollouts.first(), &visit.reader());
            (view.may_paste, view.duty) = (may_work(visit), !has_key);
            let head = visit.head(operator_name(shared).await.as_deref());
            visit.answer(status, page::paste(&head, &view))
        }
        Err(error) => visit.broken(&error),
    }
}

/// Where one pastes.
pub(super) async fn form(State(shared): State<Arc<Shared>>, uri: Uri, visit: Visit) -> Response {
    let asked = |name: &str| {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        pairs.into_iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<i64>().ok())
    };
    let texts = visit.texts();
    let empty = Pasted { source: texts.say("draft-source-usual"), ..Pasted::default() };
    let mut view = PasteView::of(&empty, texts);
    let newest = shared.store.newest_revision(visit.who().scope()).await.unwrap_or_default();
    // Only what is so is said to be done, whatever an address says.
    view.done = match asked("publisert") {
        Some(list) if u64::try_from(list) == Ok(newest.0) => Some(texts.numbers("draft-published", &[("list", list)])),
        _ => None,
    };
    paste_page(&shared, &visit, StatusCode::OK, view).await
}

/// Looks at what was pasted, or takes it in.
pub(super) async fn paste(State(shared): State<Arc<Shared>>, visit: Visit, Form(sent): Form<Sent>) -> Response {
    let texts = visit.texts();
    let mut view = PasteView::of(&sent.as_it_is(), texts);
    let pasted = match sent.read(&visit) {
        Ok(pasted) => pasted,
        Err(words) => {
            view.wrong = Some(words);
            return paste_page(&shared, &visit, StatusCode::UNPROCESSABLE_ENTITY, view).await;
        }
    };
    let (seal, now) = (sent.seal(), visit.now());
    let refused = if sent.act == "take" && sent.seen == seal {
        if pasted::is_busy(&shared.store) {
            Some(texts.say("draft-busy"))
        } else {
            let pasted = pasted.clone();
            match heavily(&shared, &visit, async move |store| pasted::take_in(&store, &pasted).await).await {
                Ok(()) => return Redirect::to("/utkast/neste").into_response(),
                Err(error) => Some(page::refusal(&error, texts)),
            }
        }
    } else {
        None
    };
    let status = if refused.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    view.wrong = refused;
    match heavily(&shared, &visit, async move |store| pasted::look(&store, &pasted, now).await).await {
        Ok(looked) => view.looked = Some(LookedView::of(&looked, seal, texts)),
        Err(error) => {
            view.wrong = Some(page::refusal(&error, texts));
            return paste_page(&shared, &visit, StatusCode::UNPROCESSABLE_ENTITY, view).await;
        }
    }
    paste_page(&shared, &visit, status, view).await
}

/// The draft, with what was wrong in what was asked of it.
async fn draft_page(shared: &Shared, visit: &Visit, status: StatusCode, wrong: Option<(String, bool)>) -> Response {
    let now = visit.now();
    let read = async {
        let facts = heavily(shared, visit, async move |store| for_pages::draft(&store, now).await).await?;
        let pending = shared.store.pending_facts(visit.who().scope()).await?;
        anyhow::Ok((facts, pending, for_pages::signs_here(&shared.store)?))
    };
    match read.await {
        Ok((facts, pending, has_key)) => {
            let mut view = DraftPage::of(&facts, pending.as_ref(), !has_key, &visit.reader());
            if let Some((words, shrinks)) = wrong {
                (view.wrong, view.shrinks) = (Some(words), shrinks);
            }
            let head = visit.head(operator_name(shared).await.as_deref());
            visit.answer(status, page::draft(&head, &view, may_publish(visit)))
        }
        Err(error) => visit.broken(&format!("{error:#}")),
    }
}

/// What the next list would change.
pub(super) async fn next(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    draft_page(&shared, &visit, StatusCode::OK, None).await
}

/// What is asked of a draft.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    draft: String,
    reason: String,
    shrink: String,
}

/// That somebody has looked it through.
pub(super) async fn review(State(shared): State<Arc<Shared>>, visit: Visit, Form(asked): Form<Asked>) -> Response {
    let texts = visit.texts();
    let Ok(reason) = for_pages::reason(&asked.reason) else {
        let wrong = (texts.say("intel-bad-reason"), false);
        return draft_page(&shared, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(wrong)).await;
    };
    let reviewing = async move |store: Store| for_pages::review(&store, &asked.draft, &reason).await;
    match heavily(&shared, &visit, reviewing).await {
        Ok(()) => Redirect::to("/utkast/neste").into_response(),
        Err(error) => draft_page(&shared, &visit, StatusCode::CONFLICT, Some(not_published(&error, texts))).await,
    }
}

/// Publishes it, or lets it wait for its signature.
pub(super) async fn publish(State(shared): State<Arc<Shared>>, visit: Visit, Form(asked): Form<Asked>) -> Response {
    let (texts, now) = (visit.texts(), visit.now());
    if asked.draft.is_empty() {
        let wrong = (texts.say("draft-not-other"), false);
        return draft_page(&shared, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(wrong)).await;
    }
    let publishing = async move |store: Store| for_pages::publish(&store, &asked.draft, asked.shrink == "1", now).await;
    match heavily(&shared, &visit, publishing).await {
        Ok(Became::Published(list)) => Redirect::to(&format!("/utkast?publisert={list}")).into_response(),
        Ok(Became::Waits(_) | Became::Unchanged) => Redirect::to("/utkast").into_response(),
        Err(error) => draft_page(&shared, &visit, StatusCode::CONFLICT, Some(not_published(&error, texts))).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_turn_lasts_until_it_is_done_even_where_nobody_waits_for_it_any_more() {
        let turns: Arc<Mutex<()>> = Arc::default();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = mpsc::sync_channel::<()>(1);
        let own = Arc::clone(&turns);
        let waiting = tokio::spawn(async move {
            in_turn(&own, move || {
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
            })
            .await
        });
        has_begun.await.unwrap();
        // The browser leaves.
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert!(turns.try_lock().is_err(), "it goes on");
        go_on.send(()).unwrap();
        in_turn(&turns, || ()).await.unwrap();
        assert!(turns.try_lock().is_ok());
    }
}
