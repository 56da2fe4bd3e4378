//! One's own account: another password, another second factor, the language, open sessions.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Shared;
use super::link::factor;
use super::sign_in::{NotIn, later, not_in};
use crate::account::password;
use crate::account::secret::Secret;
use crate::account::totp::TotpSecret;
use crate::audit::{Deed, On};
use crate::io::gate::{self, session_cookie, set_cookie};
use crate::io::looks;
use crate::io::pages::Peer;
use crate::io::secret;
use crate::io::visit::{Form, LANGUAGE_COOKIE, Visit};
use crate::io::wrong;
use crate::present::account::{self, Choosing, Fault, OwnView};
use crate::present::text::Language;
use crate::store::Store;

/// What is filled in, whichever form it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    current: String,
    password: String,
    again: String,
    secret: String,
    code: String,
    language: String,
    session: i64,
}

async fn shown(shared: &Shared, visit: &Visit, (totp, fault): (TotpSecret, Option<Fault>)) -> Result<Response, NotIn> {
    let Some((id, session)) = visit.who().account() else { return Ok(visit.not_yours()) };
    let Some(account) = shared.store.account(visit.who().scope(), id).await? else { return Ok(visit.not_there(None)) };
    let sessions = shared.store.sessions(visit.who().scope(), id, visit.now()).await?;
    let choosing = Choosing::of(&account.name, &totp, fault, visit.texts());
    let provider = match &shared.oidc {
        Some(oidc) => {
            let tied = shared.store.tied_at(visit.who().scope(), id, oidc.issuer()).await?;
            Some((oidc.name(), tied))
        }
        None => None,
    };
    let reader = visit.reader();
    let view = OwnView::of(&account, (&sessions, session), choosing, (reader.texts, &reader.calendar));
    let mut view = view.at(provider, &reader.calendar);
    view.recovers = visit.who().recovers();
    let operator = gate::operator_name(shared).await;
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(visit.answer(status, account::own(&visit.head(operator.as_deref()), &view, visit.extent())))
}

/// It.
pub(super) async fn page(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    let shown = match secret::draw() {
        Ok(drawn) => shown(&shared, &visit, (TotpSecret::of(&drawn), None)).await,
        Err(error) => Err(error.into()),
    };
    shown.unwrap_or_else(|error| not_in(&shared, &visit, error))
}

/// The store, with what is done to one's own account noted.
pub(super) fn noting(shared: &Shared, visit: &Visit, what: &'static str, became: &str) -> Store {
    let on = On::Thing(format!("account \"{}\"", visit.who().name()));
    let members = visit.who().member().map(str::to_owned);
    shared
        .store
        .noting(Deed::new(visit.who().audited(), what, on, visit.now()).was("").becomes(became).concerns(members))
}

/// Whether the password that one has was given, as often as anybody may try.
pub(super) async fn is_own(
    shared: &Arc<Shared>,
    visit: &Visit,
    peer: Peer,
    current: &str,
) -> Result<Result<(), Response>, NotIn> {
    let name = visit.who().name();
    if let Err(wait) = shared.doorman.tries(name, peer.0) {
        wrong::handle(shared, name, peer.0, true);
        return Ok(Err(later(visit.too_often(), wait)));
    }
    let kept = shared.store.credentials(visit.who().scope(), name).await?.and_then(|found| found.password);
    if shared.doorman.is_right(current.to_owned(), kept).await? {
        shared.doorman.came_in(name, peer.0);
        return Ok(Ok(()));
    }
    wrong::handle(shared, name, peer.0, false);
    let totp = TotpSecret::of(&secret::draw()?);
    shown(shared, visit, (totp, Some(Fault::Wrong))).await.map(Err)
}

/// Another password.
pub(super) async fn password(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let done = set_password(&shared, peer, &visit, &filled).await;
    done.unwrap_or_else(|error| not_in(&shared, &visit, error))
}

async fn set_password(shared: &Arc<Shared>, peer: Peer, visit: &Visit, filled: &Filled) -> Result<Response, NotIn> {
    let Some(own) = visit.who().account() else { return Ok(visit.not_yours()) };
    // Who came by a one-time link has not the old one; once.
    let recovers = visit.who().recovers();
    if !recovers && let Err(refused) = is_own(shared, visit, peer, &filled.current).await? {
        return Ok(refused);
    }
    let fault = match password::check(&filled.password, visit.who().name()) {
        Err(weak) => Some(Fault::Weak(weak)),
        Ok(()) if filled.password != filled.again => Some(Fault::Differs),
        Ok(()) => None,
    };
    if fault.is_some() {
        return shown(shared, visit, (TotpSecret::of(&secret::draw()?), fault)).await;
    }
    let (kept, name) = (shared.doorman.kept(filled.password.clone()).await?, secret::draw()?);
    if recovers {
        let became =
            "another password without the old one, in a session that a one-time link began; other sessions have ended";
        if !noting(shared, visit, "change password", became).recover_password(own, &kept, &name).await? {
            // Somebody was faster in the same session.
            return Ok(visit.unknown());
        }
    } else {
        let noting = noting(shared, visit, "change password", "another password; other sessions have ended");
        if !noting.set_password(own, &kept, &name).await? {
            // It was ended meanwhile.
            return Ok(visit.unknown());
        }
    }
    Ok(renamed(shared, &name, Redirect::to("/konto").into_response()))
}

/// The session goes on under another name.
fn renamed(shared: &Shared, name: &Secret, mut response: Response) -> Response {
    if let Some(cookie) = set_cookie(shared, session_cookie(shared), &name.text(), None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Another second factor.
pub(super) async fn code(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    set_factor(&shared, peer, &visit, &filled).await.unwrap_or_else(|error| not_in(&shared, &visit, error))
}

async fn set_factor(shared: &Arc<Shared>, peer: Peer, visit: &Visit, filled: &Filled) -> Result<Response, NotIn> {
    let Some(own) = visit.who().account() else { return Ok(visit.not_yours()) };
    if let Err(refused) = is_own(shared, visit, peer, &filled.current).await? {
        return Ok(refused);
    }
    let Some(totp) = TotpSecret::read(&filled.secret) else {
        return Ok(visit.unread(StatusCode::UNPROCESSABLE_ENTITY));
    };
    let Some(step) = totp.step(&filled.code, 0, visit.now()) else {
        return shown(shared, visit, (totp, Some(Fault::Code))).await;
    };
    let (factor, codes) = factor(totp, step)?;
    let name = secret::draw()?;
    let changing = noting(
        shared,
        visit,
        "change second factor",
        "another second factor and other recovery codes; other sessions have ended",
    );
    if !changing.set_factor(own, &factor, &name).await? {
        return Ok(visit.unknown());
    }
    let operator = gate::operator_name(shared).await;
    let mut head = visit.head(operator.as_deref());
    if let Some(signed) = &mut head.signed {
        // Of the session's new name.
        signed.csrf = name.csrf();
    }
    let page = account::codes(&head, &codes, visit.extent());
    Ok(renamed(shared, &name, visit.answer(StatusCode::OK, page)))
}

/// Another language.
pub(super) async fn language(State(shared): State<Arc<Shared>>, visit: Visit, Form(filled): Form<Filled>) -> Response {
    let (Some(language), Some((id, _))) = (Language::from_tag(&filled.language), visit.who().account()) else {
        return visit.unread(StatusCode::UNPROCESSABLE_ENTITY);
    };
    if let Err(error) = shared.store.set_language(id, language.tag()).await {
        return not_in(&shared, &visit, error.into());
    }
    let mut response = Redirect::to("/konto").into_response();
    looks::keep(response.headers_mut(), LANGUAGE_COOKIE, language.tag());
    response
}

/// Ends one of one's own sessions.
pub(super) async fn end(State(shared): State<Arc<Shared>>, visit: Visit, Form(filled): Form<Filled>) -> Response {
    let Some((id, _)) = visit.who().account() else { return visit.not_yours() };
    let noting = noting(&shared, &visit, "end session", "one of its sessions has ended");
    match noting.end_session(id, filled.session).await {
        Ok(_) => Redirect::to("/konto").into_response(),
        Err(error) => not_in(&shared, &visit, error.into()),
    }
}
