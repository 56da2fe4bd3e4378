//! What one-time links are good for: signing in, accepting an invitation, making the first account.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Shared;
use super::sign_in::{NotIn, begin_on, coming, hold, not_in, program};
use crate::account::secret::Secret;
use crate::account::totp::{RECOVERY_CODES, TotpSecret, recovery_code, recovery_hash};
use crate::account::{account_name, password};
use crate::audit::{Deed, On};
use crate::io::gate::{self, threshold};
use crate::io::oidc::Oidc;
use crate::io::secret;
use crate::io::visit::{Call, Form};
use crate::present::account::{self, Choosing, Fault};
use crate::present::shown::Shown;
use crate::store::StoreError;
use crate::store::account::{AccountRow, Link, LinkKind};
use crate::store::credentials::{Accepted, Factor};

/// What is filled in; of a link that signs in nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    name: String,
    password: String,
    again: String,
    secret: String,
    code: String,
}

/// A new second factor with its recovery codes, as they are told and as they are kept.
pub(super) fn factor(totp: TotpSecret, step: i64) -> std::io::Result<(Factor, Vec<String>)> {
    let codes =
        (0..RECOVERY_CODES).map(|_| Ok(recovery_code(&secret::draw()?))).collect::<std::io::Result<Vec<_>>>()?;
    let recovery = codes.iter().filter_map(|code| recovery_hash(code)).collect();
    Ok((Factor { totp, step, recovery }, codes))
}

async fn linked(shared: &Shared, text: &str, call: &Call) -> Result<Option<(Secret, Link)>, StoreError> {
    let Some(secret) = Secret::read(text) else { return Ok(None) };
    Ok(shared.store.link(threshold(), &secret, call.now()).await?.map(|link| (secret, link)))
}

pub(super) async fn spent(shared: &Shared, call: &Call) -> Response {
    let operator = gate::operator_name(shared).await;
    call.answer(StatusCode::NOT_FOUND, account::spent(&call.head(operator.as_deref()), call.extent()))
}

async fn shown(
    shared: &Shared,
    call: &Call,
    (link, fault): (&Link, Option<Fault>),
    (name, totp): (&str, &TotpSecret),
) -> Response {
    let operator = gate::operator_name(shared).await;
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let name = link.account.as_ref().map_or(name, |account| account.name.as_str());
    let provider = shared.oidc.as_deref().map(Oidc::name).filter(|_| link.kind == LinkKind::Invitation);
    let view = Choosing { provider: provider.map(Shown::of), ..Choosing::of(name, totp, fault, call.texts()) };
    call.answer(status, account::link(&call.head(operator.as_deref()), link.kind, &view, call.extent()))
}

/// What a link is good for; looking at it uses nothing up, for mail programs look at links too.
pub(super) async fn link(State(shared): State<Arc<Shared>>, Path(text): Path<String>, call: Call) -> Response {
    match linked(&shared, &text, &call).await {
        Ok(Some((_, link))) => match secret::draw() {
            Ok(drawn) => shown(&shared, &call, (&link, None), ("", &TotpSecret::of(&drawn))).await,
            Err(error) => not_in(&shared, &call, error.into()),
        },
        Ok(None) => spent(&shared, &call).await,
        Err(error) => not_in(&shared, &call, error.into()),
    }
}

/// Uses a one-time link.
pub(super) async fn take(
    State(shared): State<Arc<Shared>>,
    Path(text): Path<String>,
    headers: HeaderMap,
    call: Call,
    Form(filled): Form<Filled>,
) -> Response {
    let done = match linked(&shared, &text, &call).await {
        Ok(Some((secret, Link { kind: LinkKind::SignIn, account: Some(found) }))) => {
            sign_in(&shared, &call, &headers, (&secret, &found)).await
        }
        Ok(Some((secret, link))) => accept(&shared, &call, &headers, (&secret, &link), &filled).await,
        Ok(None) => Ok(spent(&shared, &call).await),
        Err(error) => Err(error.into()),
    };
    done.unwrap_or_else(|error| not_in(&shared, &call, error))
}

async fn sign_in(
    shared: &Shared,
    call: &Call,
    headers: &HeaderMap,
    (link, found): (&Secret, &AccountRow),
) -> Result<Response, NotIn> {
    let name = secret::draw()?;
    let noting = shared.store.noting(coming(
        (found.id, &found.name, found.member.clone()),
        "signed in by a one-time link",
        call,
    ));
    if !noting.come_in_by_link(link, &name, program(headers), call.now()).await? {
        return Ok(spent(shared, call).await);
    }
    let mut response = Redirect::to("/").into_response();
    hold(&mut response, shared, &name);
    Ok(response)
}

async fn accept(
    shared: &Shared,
    call: &Call,
    headers: &HeaderMap,
    (secret, link): (&Secret, &Link),
    filled: &Filled,
) -> Result<Response, NotIn> {
    // What the telephone has read already stays what it is.
    let totp = match TotpSecret::read(&filled.secret) {
        Some(totp) => totp,
        None => TotpSecret::of(&secret::draw()?),
    };
    let name = match &link.account {
        Some(account) => Ok(account.name.clone()),
        None => account_name(&filled.name),
    };
    let again = async |fault| Ok(shown(shared, call, (link, Some(fault)), (&filled.name, &totp)).await);
    let Ok(name) = name else { return again(Fault::Name).await };
    if let Err(weak) = password::check(&filled.password, &name) {
        return again(Fault::Weak(weak)).await;
    }
    if filled.password != filled.again {
        return again(Fault::Differs).await;
    }
    let Some(step) = totp.step(&filled.code, 0, call.now()) else { return again(Fault::Code).await };
    let kept = shared.doorman.kept(filled.password.clone()).await?;
    let (factor, codes) = factor(totp.clone(), step)?;
    let first = (link.kind == LinkKind::First).then_some(name.as_str());
    let member = link.account.as_ref().and_then(|account| account.member.clone());
    let became = match link.kind {
        LinkKind::First => "the first account, an administrator; password and second factor chosen",
        LinkKind::Invitation | LinkKind::SignIn => "password and second factor chosen",
    };
    let deed = Deed::new(
        format!("{name} (by a one-time link)"),
        "accept",
        On::Thing(format!("account \"{name}\"")),
        call.now(),
    )
    .was("")
    .becomes(became)
    .concerns(member.clone());
    let noting = shared.store.noting(deed);
    match noting.accept((link.kind, secret), first, (&kept, &factor), call.now()).await? {
        Accepted::Done(id, name) => {
            let operator = gate::operator_name(shared).await;
            let head = call.head(operator.as_deref());
            let mut response = call.answer(StatusCode::OK, account::codes(&head, &codes, call.extent()));
            // Whoever reset it meanwhile keeps it so; the codes are worth nothing then.
            let by = (kept.as_str(), &factor.totp);
            let how = "signed in by a one-time link";
            if !begin_on(&mut response, shared, ((id, &name, member), by), headers, how, call).await? {
                return Ok(spent(shared, call).await);
            }
            Ok(response)
        }
        Accepted::NameTaken => again(Fault::Name).await,
        Accepted::Spent => Ok(spent(shared, call).await),
    }
}
