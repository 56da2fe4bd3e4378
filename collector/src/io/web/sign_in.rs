//! Coming in by password and code, and going out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Shared;
use crate::account::account_name;
use crate::account::totp::recovery_hash;
use crate::audit::{Deed, On};
use crate::io::doorman::Busy;
use crate::io::gate::{self, session_cookie, set_cookie, threshold};
use crate::io::looks;
use crate::io::pages::Peer;
use crate::io::secret;
use crate::io::visit::{Call, Form, LANGUAGE_COOKIE, Maybe, Visit};
use crate::present::account::{self, SignInView};
use crate::present::text::Language;
use crate::store::StoreError;
use crate::store::credentials::Credentials;

/// Why nobody came in, where it is not their fault.
#[derive(Debug)]
pub(super) enum NotIn {
    /// The store's own.
    Store(StoreError),
    /// No secret could be drawn.
    Secret(std::io::Error),
    /// Too many come in at once.
    Busy,
}

impl From<StoreError> for NotIn {
    fn from(error: StoreError) -> NotIn {
        NotIn::Store(error)
    }
}

impl From<std::io::Error> for NotIn {
    fn from(error: std::io::Error) -> NotIn {
        NotIn::Secret(error)
    }
}

impl From<Busy> for NotIn {
    fn from(_: Busy) -> NotIn {
        NotIn::Busy
    }
}

/// What is filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    name: String,
    password: String,
    code: String,
    til: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Back {
    til: String,
}

/// Where somebody wanted to go, if that is a page of ours.
fn back(til: &str) -> &str {
    let is_ours = til.starts_with('/') && !til.starts_with("//") && !til.contains(['\\', '\r', '\n', '\t']);
    if is_ours && til.bytes().all(|octet| octet.is_ascii_graphic()) { til } else { "/" }
}

/// Something that keeps somebody out for a while is said with how long.
pub(super) fn later(response: Response, wait: Duration) -> Response {
    let mut response = response;
    let seconds = wait.as_secs().max(1);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

async fn shown(shared: &Shared, call: &Call, status: StatusCode, view: &SignInView<'_>) -> Response {
    let operator = gate::operator_name(shared).await;
    call.answer(status, account::sign_in(&call.head(operator.as_deref()), view, call.extent()))
}

/// The page where one signs in.
pub(super) async fn form(
    State(shared): State<Arc<Shared>>,
    Maybe(who): Maybe,
    axum::extract::Query(Back { til }): axum::extract::Query<Back>,
    call: Call,
) -> Response {
    let til = back(&til);
    if who.is_some_and(|who| who.account().is_some()) {
        return Redirect::to(til).into_response();
    }
    shown(&shared, &call, StatusCode::OK, &SignInView { name: "", til, wrong: false, wait: None }).await
}

/// Comes in by name, password and code. What is wrong is not said: not which, nor whether there is such an account, nor by how long it takes.
pub(super) async fn enter(
    State(shared): State<Arc<Shared>>,
    Peer(from): Peer,
    headers: HeaderMap,
    call: Call,
    Form(filled): Form<Filled>,
) -> Response {
    let til = back(&filled.til);
    let name = account_name(&filled.name).unwrap_or_default();
    if let Err(wait) = shared.doorman.tries(&name, from) {
        let seconds = i64::try_from(wait.as_secs().max(1)).unwrap_or(60);
        let view = SignInView { name: &name, til, wrong: false, wait: Some(seconds) };
        return later(shown(&shared, &call, StatusCode::TOO_MANY_REQUESTS, &view).await, wait);
    }
    match known(&shared, &call, &name, &filled).await {
        Ok(Some((found, how))) => {
            shared.doorman.came_in(&name);
            let begun = begin(&shared, (found.id, &found.name), &headers, (how, til), &call).await;
            let mut response = begun.unwrap_or_else(|error| not_in(&shared, &call, error));
            if let Some(language) = found.language.as_deref().and_then(Language::from_tag) {
                looks::keep(response.headers_mut(), LANGUAGE_COOKIE, language.tag());
            }
            response
        }
        Ok(None) => {
            tracing::info!("somebody gave a wrong name, password or code at the page");
            let view = SignInView { name: &name, til, wrong: true, wait: None };
            shown(&shared, &call, StatusCode::FORBIDDEN, &view).await
        }
        Err(error) => not_in(&shared, &call, error),
    }
}

/// Who it is, and how that was seen.
async fn known(
    shared: &Shared,
    call: &Call,
    name: &str,
    filled: &Filled,
) -> Result<Option<(Credentials, &'static str)>, NotIn> {
    let found = shared.store.credentials(threshold(), name).await?;
    let kept = found.as_ref().and_then(|found| found.password.clone());
    let is_right = shared.doorman.is_right(filled.password.clone(), kept).await?;
    let Some(found) = found.filter(|_| is_right) else { return Ok(None) };
    let step = found.totp.as_ref().and_then(|totp| totp.step(&filled.code, found.totp_step, call.now()));
    if let Some(step) = step {
        let taken = shared.store.take_code_step(found.id, step).await?;
        return Ok(taken.then_some((found, "signed in by password and code")));
    }
    let Some(hash) = recovery_hash(&filled.code) else { return Ok(None) };
    let taken = shared.store.take_recovery(found.id, &hash).await?;
    Ok(taken.then_some((found, "signed in by password and a recovery code")))
}

/// Begins a session for an account and leads on. What the browser had before is worth nothing any more.
pub(super) async fn begin(
    shared: &Shared,
    who: (i64, &str),
    headers: &HeaderMap,
    (how, to): (&'static str, &str),
    call: &Call,
) -> Result<Response, NotIn> {
    let mut response = Redirect::to(to).into_response();
    begin_on(&mut response, shared, who, headers, how, call).await?;
    Ok(response)
}

/// The same, with an answer of one's own.
pub(super) async fn begin_on(
    response: &mut Response,
    shared: &Shared,
    (account, name): (i64, &str),
    headers: &HeaderMap,
    how: &'static str,
    call: &Call,
) -> Result<(), NotIn> {
    let secret = secret::draw()?;
    let program = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let on = On::Thing(format!("account \"{name}\""));
    let deed = Deed::new(format!("{name} (account {account})"), "sign in", on, call.now()).was("").becomes(how);
    shared.store.noting(deed).begin_session(account, &secret, program, call.now()).await?;
    if let Some(cookie) = set_cookie(shared, session_cookie(shared), &secret.text(), None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(())
}

/// What went wrong in the house is said as such.
pub(super) fn not_in(shared: &Shared, call: &Call, error: NotIn) -> Response {
    match error {
        NotIn::Store(error) => {
            shared.store.handle_error(&error);
            call.broken(&error)
        }
        NotIn::Secret(error) => call.broken(&error),
        NotIn::Busy => later(call.busy(), Duration::from_secs(10)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_one_is_led_back_to_pages_of_ours_alone() {
        for good in ["/", "/sak/1", "/sak/1?lang=nn&x=%20", "/kampanje/a-b"] {
            assert_eq!(back(good), good);
        }
        for wrong in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x",
            "/ a",
            "evil",
            "/å",
        ] {
            assert_eq!(back(wrong), "/", "{wrong}");
        }
    }
}
