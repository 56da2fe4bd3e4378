//! The pages of advisories and of the bank of measures, and what is said there: read, answered, told by telephone.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use varde_common::id::MemberNumber;

use super::Shared;
use crate::advisory::Answer;
use crate::audit::{Deed, On};
use crate::io::visit::{Form, Visit};
use crate::limits::advisory::ANSWER_MAX_OCTETS;
use crate::present::advisory_page::{ListView, PageView, Wrong, bank};
use crate::present::advisory_written::{advisory_page, bank_page, list_page};
use crate::store::advisory::draft::NotDone;
use crate::store::{StoreError, setting};

/// The list.
pub(super) async fn list(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    let (store, scope) = (&shared.store, visit.who().scope());
    let read = async {
        Ok::<_, StoreError>((store.setting(scope, setting::OPERATOR_NAME).await?, store.advisories(scope, None).await?))
    };
    match read.await {
        Ok((operator, views)) => {
            let view = ListView::of(&views, &visit.reader());
            visit.answer(StatusCode::OK, list_page(&visit.head(operator.as_deref()), &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

/// One advisory, with what was wrong in what was sent.
async fn shown(shared: &Shared, visit: &Visit, name: &str, wrong: Option<Wrong>) -> Response {
    let (store, scope) = (&shared.store, visit.who().scope());
    let read = async {
        let operator = store.setting(scope, setting::OPERATOR_NAME).await?;
        let known = store.bank(scope).await?;
        let Some(id) = store.advisory_named(scope, name).await? else { return Ok((operator, known, None)) };
        let view = store.advisory(scope, id).await?;
        let heard = if visit.who().is_operator() {
            let mails = store.mails_of(scope, id).await?;
            Some((store.recipients(scope, id).await?, store.advisory_answers(scope, id).await?, mails))
        } else {
            None
        };
        Ok::<_, StoreError>((operator, known, view.map(|view| (view, heard))))
    };
    match read.await {
        Ok((operator, known, Some((view, heard)))) => {
            let heard = heard.as_ref().map(|(all, told, mails)| (all.as_slice(), told.as_slice(), mails.as_slice()));
            let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            let page = PageView::of(&view, &known, heard, wrong, &visit.reader());
            visit.answer(status, advisory_page(&visit.head(operator.as_deref()), &page, visit.extent()))
        }
        Ok((operator, _, None)) => visit.not_there(operator.as_deref()),
        Err(error) => visit.broken(&error),
    }
}

/// One advisory.
pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(name): Path<String>, visit: Visit) -> Response {
    shown(&shared, &visit, &name, None).await
}

/// The bank of measures.
pub(super) async fn measures(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    let (store, scope) = (&shared.store, visit.who().scope());
    let read =
        async { Ok::<_, StoreError>((store.setting(scope, setting::OPERATOR_NAME).await?, store.bank(scope).await?)) };
    match read.await {
        Ok((operator, known)) => {
            let view = bank(&known, visit.texts());
            visit.answer(StatusCode::OK, bank_page(&visit.head(operator.as_deref()), &view, visit.extent()))
        }
        Err(error) => visit.broken(&error),
    }
}

/// A deed of who looks, at their member.
fn deed(visit: &Visit, what: &'static str, member: &str) -> Deed {
    Deed::new(visit.who().audited(), what, On::Member(member.to_owned()), visit.now())
}

/// What came of saying something: back to the page, or that there is none for whoever said it.
fn said<T>(visit: &Visit, name: &str, done: Result<Result<T, NotDone>, StoreError>) -> Response {
    match done {
        Ok(Ok(_)) => Redirect::to(&format!("/varsel/{name}")).into_response(),
        Ok(Err(_)) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

/// Somebody at a member confirms to have read it.
pub(super) async fn confirm(State(shared): State<Arc<Shared>>, Path(name): Path<String>, visit: Visit) -> Response {
    let scope = visit.who().scope();
    let (Some(member), Some(number)) = (scope.member_id(), visit.who().member()) else { return visit.not_there(None) };
    match shared.store.advisory_named(scope, &name).await {
        Ok(Some(id)) => {
            let store =
                shared.store.noting(deed(&visit, "advisory read", number).becomes(format!("advisory {id} is read")));
            let done = store.confirm_read(member, id, visit.who().name(), visit.now()).await;
            said(&visit, &name, done)
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}

/// What is answered.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answered {
    answer: String,
    measure: String,
    text: String,
}

/// Somebody at a member answers.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    visit: Visit,
    Form(Answered { answer, measure, text }): Form<Answered>,
) -> Response {
    let scope = visit.who().scope();
    let (Some(member), Some(number)) = (scope.member_id(), visit.who().member()) else { return visit.not_there(None) };
    let id = match shared.store.advisory_named(scope, &name).await {
        Ok(Some(id)) => id,
        Ok(None) => return visit.not_there(None),
        Err(error) => return visit.broken(&error),
    };
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let words: String = text.trim().chars().map(plain).collect();
    let Some(chosen) = Answer::of(&answer) else {
        return shown(&shared, &visit, &name, Some(Wrong::NoAnswer(words))).await;
    };
    if words.len() > ANSWER_MAX_OCTETS {
        return shown(&shared, &visit, &name, Some(Wrong::TooLong(words))).await;
    }
    if (chosen == Answer::Words && words.is_empty()) || (chosen == Answer::MeasureDone && measure.is_empty()) {
        return shown(&shared, &visit, &name, Some(Wrong::NoAnswer(words))).await;
    }
    let measure = Some(measure.as_str()).filter(|measure| !measure.is_empty());
    let deed =
        deed(&visit, "advisory answer", number).becomes(format!("advisory {id} is answered: {}", chosen.as_str()));
    let text = Some(words.as_str()).filter(|words| !words.is_empty());
    let store = shared.store.noting(deed);
    let done = store.answer_advisory(member, id, (chosen, measure, text), (visit.who().name(), visit.now())).await;
    said(&visit, &name, done)
}

/// Which member was told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Called {
    number: String,
}

/// Somebody at the CSIRT has told a member by telephone.
pub(super) async fn called(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    visit: Visit,
    Form(Called { number }): Form<Called>,
) -> Response {
    let (store, scope) = (&shared.store, visit.who().scope());
    let read = async {
        let member = match number.parse::<MemberNumber>() {
            Ok(number) => store.member_by_number(scope, &number).await?,
            Err(_) => None,
        };
        Ok::<_, StoreError>(store.advisory_named(scope, &name).await?.zip(member))
    };
    match read.await {
        Ok(Some((id, member))) => {
            let became = format!("{} was told of advisory {id} by telephone", member.number);
            let store = store.noting(deed(&visit, "advisory read-by", &member.number).becomes(became));
            let told = (member.id, member.number.as_str());
            let done = store.told_by_telephone(told, id, visit.who().name(), visit.now()).await;
            said(&visit, &name, done)
        }
        Ok(None) => visit.not_there(None),
        Err(error) => visit.broken(&error),
    }
}
