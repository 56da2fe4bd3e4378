//! The pages of advisories and of the bank of measures.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::web::{Parts, Visit};
use crate::present::advisory_page::{ListView, PageView, advisory_page, bank, bank_page, list_page};
use crate::store::{Scope, StoreError, setting};

/// The list.
pub(super) async fn list((State(shared), asked, headers, uri): Parts) -> Response {
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    let (store, scope) = (&shared.store, shared.reader.scope);
    let read = async {
        Ok::<_, StoreError>((store.setting(scope, setting::OPERATOR_NAME).await?, store.advisories(scope, None).await?))
    };
    match read.await {
        Ok((operator, views)) => {
            let view = ListView::of(&views, &visit.reader());
            visit.answer(StatusCode::OK, list_page(&visit.head(operator.as_deref()), &view, visit.extent))
        }
        Err(error) => visit.broken(&error),
    }
}

/// One advisory.
pub(super) async fn one(Path(name): Path<String>, (State(shared), asked, headers, uri): Parts) -> Response {
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    let (store, scope) = (&shared.store, shared.reader.scope);
    let read = async {
        let operator = store.setting(scope, setting::OPERATOR_NAME).await?;
        let bank = store.bank(scope).await?;
        let Some(id) = store.advisory_named(scope, &name).await? else { return Ok((operator, bank, None)) };
        let view = store.advisory(scope, id).await?;
        let heard = match scope {
            Scope::Operator => {
                let mails = store.mails_of(scope, id).await?;
                Some((store.recipients(scope, id).await?, store.advisory_answers(scope, id).await?, mails))
            }
            Scope::Member(_) => None,
        };
        Ok::<_, StoreError>((operator, bank, view.map(|view| (view, heard))))
    };
    match read.await {
        Ok((operator, bank, Some((view, heard)))) => {
            let heard =
                heard.as_ref().map(|(all, answers, mails)| (all.as_slice(), answers.as_slice(), mails.as_slice()));
            let page = PageView::of(&view, &bank, heard, &visit.reader());
            visit.answer(StatusCode::OK, advisory_page(&visit.head(operator.as_deref()), &page, visit.extent))
        }
        Ok((operator, _, None)) => visit.not_there(operator.as_deref()),
        Err(error) => visit.broken(&error),
    }
}

/// The bank of measures.
pub(super) async fn measures((State(shared), asked, headers, uri): Parts) -> Response {
    let visit = Visit::of(asked, &headers, &uri).at(&shared);
    let (store, scope) = (&shared.store, shared.reader.scope);
    let read =
        async { Ok::<_, StoreError>((store.setting(scope, setting::OPERATOR_NAME).await?, store.bank(scope).await?)) };
    match read.await {
        Ok((operator, known)) => {
            let view = bank(&known, visit.reader().texts);
            visit.answer(StatusCode::OK, bank_page(&visit.head(operator.as_deref()), &view, visit.extent))
        }
        Err(error) => visit.broken(&error),
    }
}
