//! Coming in by password and code, and going out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Shared;
use super::own::noting;
use crate::account::account_name;
use crate::account::secret::Secret;
use crate::account::totp::{TotpSecret, recovery_hash};
use crate::audit::{Deed, On};
use crate::io::doorman::Busy;
use crate::io::gate::{self, session_cookie, set_cookie, threshold};
use crate::io::looks;
use crate::io::oidc::Oidc;
use crate::io::onward::ours;
use crate::io::pages::Peer;
use crate::io::secret;
use crate::io::visit::{Call, Form, LANGUAGE_COOKIE, Maybe, Visit};
use crate::io::wrong;
use crate::present::account::{self, SignInView};
use crate::present::text::Language;
use crate::store::StoreError;
use crate::store::credentials::Credentials;
use varde_common::time::Timestamp;

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

/// Where somebody wanted to go, or the front page.
pub(super) fn back(til: &str) -> &str {
    ours(til).unwrap_or("/")
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
    let view = &SignInView { provider: shared.oidc.as_deref().map(Oidc::name), ..view.clone() };
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
    shown(&shared, &call, StatusCode::OK, &SignInView { til, ..SignInView::default() }).await
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
        wrong::handle(&shared, &name, from, true);
        let seconds = i64::try_from(wait.as_secs().max(1)).unwrap_or(60);
        let view = SignInView { name: &name, til, wait: Some(seconds), ..SignInView::default() };
        return later(shown(&shared, &call, StatusCode::TOO_MANY_REQUESTS, &view).await, wait);
    }
    match come_in(&shared, &call, &headers, &name, &filled).await {
        Ok(Some((found, mut response))) => {
            shared.doorman.came_in(&name, from);
            if let Some(language) = found.language.as_deref().and_then(Language::from_tag) {
                looks::keep(response.headers_mut(), LANGUAGE_COOKIE, language.tag());
            }
            response
        }
        Ok(None) => {
            tracing::info!("somebody gave a wrong name, password or code at the page");
            wrong::handle(&shared, &name, from, false);
            let view = SignInView { name: &name, til, wrong: true, ..SignInView::default() };
            shown(&shared, &call, StatusCode::FORBIDDEN, &view).await
        }
        Err(error) => not_in(&shared, &call, error),
    }
}

/// Looks at what was given, and begins a session where it is right still when that is done.
async fn come_in(
    shared: &Shared,
    call: &Call,
    headers: &HeaderMap,
    name: &str,
    filled: &Filled,
) -> Result<Option<(Credentials, Response)>, NotIn> {
    let Some((found, how)) = known(shared, call, name, filled).await? else { return Ok(None) };
    let (Some(password), Some(totp)) = (&found.password, &found.totp) else { return Ok(None) };
    let mut response = Redirect::to(back(&filled.til)).into_response();
    let who = ((found.id, found.name.as_str(), found.member.clone()), (password.as_str(), totp));
    let began = begin_on(&mut response, shared, who, headers, how, call).await?;
    Ok(began.then_some((found, response)))
}

/// What is asked of the store about a code.
#[derive(Debug, PartialEq, Eq)]
enum Ask {
    /// Nothing: it has the form of none, or is of no step about now.
    Nothing,
    /// Whether this account takes the code of this step.
    Step(i64, i64),
    /// Whether this account, or nobody's ([`NOBODY`]), has this recovery code left.
    Recovery(i64, [u8; 32]),
}

/// No account has this number.
const NOBODY: i64 = 0;

/// A recovery code is asked for whatever the password was, so that how long it takes does not tell that it was right; of whom the password was
/// wrong nobody's is asked for, so that none is used up.
fn ask(found: Option<&Credentials>, is_right: bool, code: &str, now: Timestamp) -> Ask {
    let found = found.filter(|_| is_right);
    let step = found.and_then(|found| found.totp.as_ref()?.step(code, found.totp_step, now));
    match (found, step, recovery_hash(code)) {
        (Some(found), Some(step), _) => Ask::Step(found.id, step),
        (found, _, Some(hash)) => Ask::Recovery(found.map_or(NOBODY, |found| found.id), hash),
        _ => Ask::Nothing,
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
    let (taken, how) = match ask(found.as_ref(), is_right, &filled.code, call.now()) {
        Ask::Nothing => (false, ""),
        Ask::Step(id, step) => (shared.store.take_code_step(id, step).await?, "signed in by password and code"),
        Ask::Recovery(id, hash) => {
            (shared.store.take_recovery(id, &hash).await?, "signed in by password and a recovery code")
        }
    };
    Ok(found.filter(|_| is_right && taken).map(|found| (found, how)))
}

/// What a browser says it is.
pub(super) fn program(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Number, name and member of an account.
type Whom<'a> = (i64, &'a str, Option<String>);

/// That somebody came in, as it is noted; a member's people are in that member's part of the audit.
pub(super) fn coming((account, name, member): Whom<'_>, how: &'static str, call: &Call) -> Deed {
    let on = On::Thing(format!("account \"{name}\""));
    let deed = Deed::new(format!("{name} (account {account})"), "sign in", on, call.now());
    deed.was("").becomes(how).concerns(member)
}

/// Has the browser hold a session. What it had before is worth nothing any more.
pub(super) fn hold(response: &mut Response, shared: &Shared, secret: &Secret) {
    if let Some(cookie) = set_cookie(shared, session_cookie(shared), &secret.text(), None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Begins a session for an account that came by what is given, and has it held with an answer. Gives whether it did: none begins where that
/// holds no longer.
pub(super) async fn begin_on(
    response: &mut Response,
    shared: &Shared,
    (whom, by): (Whom<'_>, (&str, &TotpSecret)),
    headers: &HeaderMap,
    how: &'static str,
    call: &Call,
) -> Result<bool, NotIn> {
    let secret = secret::draw()?;
    let noting = shared.store.noting(coming((whom.0, whom.1, whom.2), how, call));
    let began = noting.come_in(whom.0, by, &secret, program(headers), call.now()).await?;
    if began {
        hold(response, shared, &secret);
    }
    Ok(began)
}

/// What went wrong in the house is said as such.
pub(super) fn not_in(shared: &Shared, call: &Call, error: NotIn) -> Response {
    match error {
        NotIn::Store(error @ StoreError::Full) => {
            shared.handle_unwritten(&error);
            call.no_room()
        }
        NotIn::Store(error) => {
            shared.store.handle_error(&error);
            call.broken(&error)
        }
        NotIn::Secret(error) => call.broken(&error),
        NotIn::Busy => later(call.busy(), Duration::from_secs(10)),
    }
}

/// Signs out: the session is over at the collector, and the browser forgets what it has of it, this also where the collector cannot end it.
pub(super) async fn leave(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    let ended = match visit.who().account() {
        Some((account, session)) => {
            noting(&shared, &visit, "sign out", "signed out").end_session(account, session).await
        }
        None => Ok(false),
    };
    let mut response = match ended {
        Ok(_) => Redirect::to("/innlogging").into_response(),
        Err(error) => {
            shared.handle_unwritten(&error);
            visit.left_alone()
        }
    };
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
    use crate::account::totp::recovery_code;

    #[test]
    fn w5_what_is_asked_about_a_recovery_code_does_not_tell_whether_the_password_was_right() {
        let totp = TotpSecret::of(&Secret::new([7; 32]));
        let kari = Credentials {
            id: 3,
            name: "kari".to_owned(),
            language: None,
            member: None,
            password: Some("kept".to_owned()),
            totp: Some(totp),
            totp_step: 0,
        };
        let (now, code) = (Timestamp(1_000_000_000_000), recovery_code(&Secret::new([1; 32])));
        let hash = recovery_hash(&code).unwrap();
        assert_eq!(ask(Some(&kari), true, &code, now), Ask::Recovery(3, hash));
        assert_eq!(ask(Some(&kari), false, &code, now), Ask::Recovery(NOBODY, hash), "asked, and none used up");
        assert_eq!(ask(None, false, &code, now), Ask::Recovery(NOBODY, hash));
        for (found, is_right) in [(Some(&kari), true), (Some(&kari), false), (None, false)] {
            assert_eq!(ask(found, is_right, "no code", now), Ask::Nothing);
        }
    }
}
