//! Signing in at the operator's own provider: being sent there, coming back, tying an account to it and untying it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use varde_common::time::Timestamp;

use super::Shared;
use super::own::{is_own, noting};
use super::sign_in::{NotIn, back, coming, hold, later, not_in, program};
use crate::account::secret::Secret;
use crate::audit::{Deed, On};
use crate::io::gate::{self, threshold};
use crate::io::looks;
use crate::io::oidc::{Oidc, OidcError};
use crate::io::pages::Peer;
use crate::io::secret;
use crate::io::visit::{Call, Form, LANGUAGE_COOKIE, Visit};
use crate::io::wrong;
use crate::limits::account::OIDC_WITHIN;
use crate::oidc::{Purpose, Underway};
use crate::present::account::{self, SignInView};
use crate::present::page;
use crate::present::text::Language;
use crate::store::account::LinkKind;
use crate::store::oidc::{Subject, Tied, Tying};

/// How it is noted that somebody came in so.
const HOW: &str = "signed in at the provider";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Begin {
    til: String,
}

/// What a provider sends somebody back with (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    code: String,
    state: String,
    error: String,
    iss: Option<String>,
}

/// Why somebody who was sent there does not come in.
enum Why {
    /// What their browser kept is gone, too old, or of another question.
    Late,
    /// The provider refused, or its answer is not to be believed.
    Refused,
    /// It does not answer.
    Unreachable,
    /// It did not ask for a second factor.
    OneFactor,
    /// No account is tied to who they are there.
    Unknown,
    /// Another account is.
    Taken,
    /// The link, or the session that wanted it, is good no longer.
    Spent,
    /// What went wrong in the house.
    NotIn(NotIn),
}

impl<E: Into<NotIn>> From<E> for Why {
    fn from(error: E) -> Why {
        Why::NotIn(error.into())
    }
}

impl From<OidcError> for Why {
    fn from(error: OidcError) -> Why {
        tracing::info!("somebody did not come in by the provider of OpenID Connect: {error}");
        match error {
            OidcError::Unreachable(_) => Why::Unreachable,
            OidcError::Unbelieved(_) => Why::Refused,
            OidcError::OneFactor => Why::OneFactor,
        }
    }
}

/// The cookie in which a browser keeps what it was sent for. It comes back from elsewhere, so it is no strict one; it opens nothing by itself.
fn cookie_name(is_tls: bool) -> &'static str {
    if is_tls { "__Host-varde-oidc" } else { "varde-oidc" }
}

fn cookie(is_tls: bool, value: &str, seconds: u64) -> Option<HeaderValue> {
    let secure = if is_tls { "; Secure" } else { "" };
    let name = cookie_name(is_tls);
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={seconds}")).ok()
}

/// Where somebody is sent, and what their browser keeps meanwhile.
async fn sent(shared: &Shared, oidc: &Oidc, purpose: Purpose, now: Timestamp) -> Result<(String, HeaderValue), Why> {
    let [state, nonce, verifier] = [secret::draw()?, secret::draw()?, secret::draw()?];
    let underway = Underway::new(purpose, [&state, &nonce, &verifier], now);
    let to = oidc.begin(&underway).await?;
    let sealed = oidc.seal(&underway).and_then(|sealed| cookie(shared.is_tls, &sealed, OIDC_WITHIN.as_secs()));
    Ok((to, sealed.ok_or(Why::Refused)?))
}

/// Says why not, where one signs in.
async fn told(shared: &Shared, call: &Call, oidc: &Oidc, why: Why) -> Response {
    let (texts, name) = (call.texts(), oidc.name());
    let problem = match why {
        Why::Late => texts.with("oidc-late", &[("name", name)]),
        Why::Refused => texts.with("oidc-refused", &[("name", name)]),
        Why::Unreachable => texts.with("oidc-unreachable", &[("name", name)]),
        Why::OneFactor => texts.with("oidc-one-factor", &[("name", name)]),
        Why::Unknown => texts.with("oidc-unknown", &[("name", name)]),
        Why::Taken => texts.with("oidc-taken", &[("name", name)]),
        Why::Spent => texts.with("oidc-spent", &[("name", name)]),
        Why::NotIn(error) => return not_in(shared, call, error),
    };
    let operator = gate::operator_name(shared).await;
    let view = SignInView { problem: Some(problem), provider: Some(name), til: "/", ..SignInView::default() };
    call.answer(StatusCode::FORBIDDEN, account::sign_in(&call.head(operator.as_deref()), &view, call.extent()))
}

/// A page that leads on by itself: what browsers would not take from a form or from elsewhere, they take from a page of ours.
async fn onward(shared: &Shared, call: &Call, to: &str) -> Response {
    let operator = gate::operator_name(shared).await;
    call.answer(StatusCode::OK, page::onward(&call.head(operator.as_deref()), to))
}

/// Sends somebody there to sign in.
pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    Query(Begin { til }): Query<Begin>,
    call: Call,
) -> Response {
    let Some(oidc) = &shared.oidc else { return call.not_there(None) };
    let purpose = Purpose::SignIn { til: back(&til).to_owned() };
    match sent(&shared, oidc, purpose, call.now()).await {
        Ok((to, cookie)) => ([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response(),
        Err(why) => told(&shared, &call, oidc, why).await,
    }
}

/// Somebody is back.
pub(super) async fn end(
    State(shared): State<Arc<Shared>>,
    Peer(from): Peer,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
    call: Call,
) -> Response {
    let Some(oidc) = &shared.oidc else { return call.not_there(None) };
    let underway = looks::kept(&headers, cookie_name(shared.is_tls)).and_then(|sealed| oidc.open(sealed));
    let underway = underway.filter(|underway| underway.is_answered_by(&answer.state, call.now()));
    let mut response = match underway {
        Some(underway) => {
            // So often from one address, as with passwords. Only who began here counts: a page elsewhere that leads its readers to this
            // address, as often as it likes, shuts nobody's house out.
            if let Err(wait) = shared.doorman.tries_nameless(from) {
                wrong::handle_at_provider(&shared, from, true);
                return later(call.too_often(), wait);
            }
            match came_back(&shared, oidc, &call, &headers, (answer, underway)).await {
                Ok(response) => {
                    shared.doorman.came_in_nameless(from);
                    response
                }
                Err(why) => {
                    if matches!(why, Why::Refused | Why::OneFactor | Why::Unknown) {
                        wrong::handle_at_provider(&shared, from, false);
                    }
                    told(&shared, &call, oidc, why).await
                }
            }
        }
        None => told(&shared, &call, oidc, Why::Late).await,
    };
    // Good once.
    if let Some(cookie) = cookie(shared.is_tls, "", 0) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn came_back(
    shared: &Shared,
    oidc: &Oidc,
    call: &Call,
    headers: &HeaderMap,
    (answer, underway): (Answer, Underway),
) -> Result<Response, Why> {
    if answer.iss.is_some_and(|issuer| issuer != oidc.issuer()) || !answer.error.is_empty() || answer.code.is_empty() {
        tracing::info!("the provider of OpenID Connect let somebody not in: {:?}", answer.error);
        return Err(Why::Refused);
    }
    let who = oidc.end(answer.code, &underway).await?;
    match underway.purpose {
        Purpose::SignIn { til } => sign_in(shared, call, headers, (&who, &til)).await,
        Purpose::Tie { account, session } => tie(shared, call, (account, session), &who).await,
        Purpose::Accept { link } => accept(shared, call, headers, (&link, &who)).await,
    }
}

async fn sign_in(
    shared: &Shared,
    call: &Call,
    headers: &HeaderMap,
    (who, til): (&Subject, &str),
) -> Result<Response, Why> {
    let Tied { id, name, language, member } = shared.store.tied(threshold(), who).await?.ok_or(Why::Unknown)?;
    let secret = secret::draw()?;
    let noting = shared.store.noting(coming((id, &name, member), HOW, call));
    if !noting.come_in_tied(id, who, &secret, program(headers), call.now()).await? {
        return Err(Why::Unknown);
    }
    let mut response = onward(shared, call, back(til)).await;
    hold(&mut response, shared, &secret);
    if let Some(language) = language.as_deref().and_then(Language::from_tag) {
        looks::keep(response.headers_mut(), LANGUAGE_COOKIE, language.tag());
    }
    Ok(response)
}

async fn tie(shared: &Shared, call: &Call, whose: (i64, i64), who: &Subject) -> Result<Response, Why> {
    let account = shared.store.account(threshold(), whose.0).await?.ok_or(Why::Spent)?;
    let on = On::Thing(format!("account \"{}\"", account.name));
    let deed = Deed::new(format!("{} (account {})", account.name, account.id), "tie", on, call.now());
    let noting = shared.store.noting(deed.was("").becomes("signs in at the provider too").concerns(account.member));
    match noting.tie(whose, who, call.now()).await? {
        Tying::Done => Ok(onward(shared, call, "/konto").await),
        Tying::Taken => Err(Why::Taken),
        Tying::Spent => Err(Why::Spent),
    }
}

async fn accept(
    shared: &Shared,
    call: &Call,
    headers: &HeaderMap,
    (link, who): (&str, &Subject),
) -> Result<Response, Why> {
    let link = Secret::read(link).ok_or(Why::Spent)?;
    let found = shared.store.link(threshold(), &link, call.now()).await?;
    let account = found.filter(|link| link.kind == LinkKind::Invitation).and_then(|link| link.account);
    let account = account.ok_or(Why::Spent)?;
    let secret = secret::draw()?;
    let on = On::Thing(format!("account \"{}\"", account.name));
    let deed = Deed::new(format!("{} (by a one-time link)", account.name), "accept", on, call.now());
    let noting = shared.store.noting(deed.was("").becomes("signs in at the provider").concerns(account.member));
    match noting.accept_tied(&link, who, (&secret, program(headers)), call.now()).await? {
        Tying::Done => {
            let mut response = onward(shared, call, "/").await;
            hold(&mut response, shared, &secret);
            Ok(response)
        }
        Tying::Taken => Err(Why::Taken),
        Tying::Spent => Err(Why::Spent),
    }
}

/// From a form to the provider: what a browser keeps, on a page that leads there.
async fn led(shared: &Shared, call: &Call, oidc: &Oidc, purpose: Purpose) -> Response {
    match sent(shared, oidc, purpose, call.now()).await {
        Ok((to, cookie)) => {
            let mut response = onward(shared, call, &to).await;
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response
        }
        Err(why) => told(shared, call, oidc, why).await,
    }
}

/// Accepts an invitation by the provider in place of a password.
pub(super) async fn accept_by(State(shared): State<Arc<Shared>>, Path(text): Path<String>, call: Call) -> Response {
    let Some(oidc) = &shared.oidc else { return call.not_there(None) };
    let found = match Secret::read(&text) {
        Some(secret) => shared.store.link(threshold(), &secret, call.now()).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(link)) if link.kind == LinkKind::Invitation => {
            led(&shared, &call, oidc, Purpose::Accept { link: text }).await
        }
        Ok(_) => super::link::spent(&shared, &call).await,
        Err(error) => not_in(&shared, &call, error.into()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    current: String,
}

/// Ties one's own account to the provider; who has a password gives it, as for everything by which one comes in.
pub(super) async fn tie_own(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    let Some(oidc) = &shared.oidc else { return visit.not_there(None) };
    let Some((account, session)) = visit.who().account() else { return visit.not_yours() };
    match is_own(&shared, &visit, peer, &filled.current).await {
        Ok(Ok(())) => led(&shared, &visit, oidc, Purpose::Tie { account, session }).await,
        Ok(Err(refused)) => refused,
        Err(error) => not_in(&shared, &visit, error),
    }
}

/// Unties it.
pub(super) async fn untie_own(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    visit: Visit,
    Form(filled): Form<Filled>,
) -> Response {
    if shared.oidc.is_none() {
        return visit.not_there(None);
    }
    let Some((account, _)) = visit.who().account() else { return visit.not_yours() };
    match is_own(&shared, &visit, peer, &filled.current).await {
        Ok(Ok(())) => {}
        Ok(Err(refused)) => return refused,
        Err(error) => return not_in(&shared, &visit, error),
    }
    let noting = noting(&shared, &visit, "untie", "signs in at the provider no longer");
    match noting.untie(account).await {
        Ok(_) => Redirect::to("/konto").into_response(),
        Err(error) => not_in(&shared, &visit, error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_what_a_browser_keeps_meanwhile_is_bound_to_this_host_and_to_tls_where_there_is_tls() {
        let kept = |is_tls| cookie(is_tls, "x", 600).unwrap().to_str().unwrap().to_owned();
        assert_eq!(kept(true), "__Host-varde-oidc=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600");
        // This machine alone, where a browser would take no such cookie.
        assert_eq!(kept(false), "varde-oidc=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=600");
    }
}
