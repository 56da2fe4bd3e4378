//! Coming in and going out: the page where one signs in, one-time links, signing out.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};

use super::Shared;
use crate::account::secret::Secret;
use crate::audit::{Deed, On};
use crate::io::gate::{self, session_cookie, set_cookie, threshold};
use crate::io::secret;
use crate::io::visit::{Call, Maybe, Visit};
use crate::present::account;
use crate::store::StoreError;
use crate::store::account::{Link, LinkKind};

/// Why nobody came in.
pub(super) enum NotIn {
    /// The store's own.
    Store(StoreError),
    /// No secret could be drawn.
    Secret(std::io::Error),
}

impl From<StoreError> for NotIn {
    fn from(error: StoreError) -> NotIn {
        NotIn::Store(error)
    }
}

/// The page where one signs in.
pub(super) async fn form(State(shared): State<Arc<Shared>>, Maybe(who): Maybe, call: Call) -> Response {
    if who.is_some_and(|who| who.account().is_some()) {
        return Redirect::to("/").into_response();
    }
    let operator = gate::operator_name(&shared).await;
    call.answer(StatusCode::OK, account::sign_in(&call.head(operator.as_deref()), call.extent()))
}

/// Begins a session for an account and leads on. What the browser had before is worth nothing any more.
pub(super) async fn begin(
    shared: &Shared,
    (account, name): (i64, &str),
    headers: &HeaderMap,
    (how, to): (&'static str, &str),
    call: &Call,
) -> Result<Response, NotIn> {
    let secret = secret::draw().map_err(NotIn::Secret)?;
    let program = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let deed = Deed::new(
        format!("{name} (account {account})"),
        "sign in",
        On::Thing(format!("account \"{name}\"")),
        call.now(),
    )
    .was("")
    .becomes(how);
    shared.store.noting(deed).begin_session(account, &secret, program, call.now()).await?;
    let mut response = Redirect::to(to).into_response();
    if let Some(cookie) = set_cookie(shared, session_cookie(shared), &secret.text(), None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What went wrong in the house is said as such.
pub(super) fn not_in(shared: &Shared, call: &Call, error: NotIn) -> Response {
    match error {
        NotIn::Store(error) => {
            shared.store.handle_error(&error);
            call.broken(&error)
        }
        NotIn::Secret(error) => call.broken(&error),
    }
}

/// Signs out: the session is over at the collector, and the browser forgets what it has of it.
pub(super) async fn leave(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    if let Some((account, session)) = visit.who().account()
        && let Err(error) = shared.store.end_session(account, session).await
    {
        shared.store.handle_error(&error);
        return visit.broken(&error);
    }
    let mut response = Redirect::to("/innlogging").into_response();
    if let Some(cookie) = set_cookie(&shared, session_cookie(&shared), "", Some(0)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    // What pages of a session left in the browser goes too.
    response
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));
    response
}

async fn linked(shared: &Shared, text: &str, call: &Call) -> Result<Option<(Secret, Link)>, StoreError> {
    let Some(secret) = Secret::read(text) else { return Ok(None) };
    Ok(shared.store.link(threshold(), &secret, call.now()).await?.map(|link| (secret, link)))
}

/// What a one-time link is good for; looking at it uses nothing up, for mail programs look at links too.
pub(super) async fn link(State(shared): State<Arc<Shared>>, Path(text): Path<String>, call: Call) -> Response {
    let operator = gate::operator_name(&shared).await;
    let head = call.head(operator.as_deref());
    match linked(&shared, &text, &call).await {
        Ok(Some((_, link))) => {
            let name = link.account.as_ref().map(|account| account.name.as_str());
            call.answer(StatusCode::OK, account::link(&head, link.kind, name, call.extent()))
        }
        Ok(None) => call.answer(StatusCode::NOT_FOUND, account::spent(&head, call.extent())),
        Err(error) => call.broken(&error),
    }
}

/// Uses a one-time link.
pub(super) async fn take(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
    headers: HeaderMap,
    call: Call,
) -> Response {
    let found = match linked(&shared, &text, &call).await {
        Ok(found) => found,
        Err(error) => return call.broken(&error),
    };
    let Some((secret, Link { kind: LinkKind::SignIn, account: Some(account) })) = found else {
        let operator = gate::operator_name(&shared).await;
        return call.answer(StatusCode::NOT_FOUND, account::spent(&call.head(operator.as_deref()), call.extent()));
    };
    match shared.store.use_link(LinkKind::SignIn, &secret, call.now()).await {
        Ok(Some(id)) => {
            let begun =
                begin(&shared, (id, &account.name), &headers, ("signed in by a one-time link", "/"), &call).await;
            begun.unwrap_or_else(|error| not_in(&shared, &call, error))
        }
        Ok(None) => call.not_there(None),
        Err(error) => call.broken(&error),
    }
}
