//! The gate before every page and every answer of the API: who is asking, whether it may, and whether a form was sent from our own page.
//! Nothing else makes a [`Who`], and nothing else gives a handler the scope in which it reads.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::form_urlencoded;
use varde_common::time::Timestamp;

use super::addresses::Need;
use super::looks::kept as cookie;
use super::onward::{ours, to_ask_again};
use super::visit::Call;
use super::web::Shared;
use crate::account::role::{Right, Role};
use crate::account::secret::Secret;
use crate::api::PREFIX;
use crate::api::problem::Problem;
use crate::limits::account::{FORM_MAX_OCTETS, FORM_WITHIN};
use crate::present::page::Signed;
use crate::present::text::Language;
use crate::reader::is_same;
use crate::store::page_session::SignedIn;
use crate::store::page_token::KnownToken;
use crate::store::{Scope, StoreError, setting};
use varde_common::trust::sha256;

/// The field of a form that only our own pages can fill.
const CSRF_FIELD: &str = "csrf";
/// The cookie in which a screen on a wall holds its token.
pub(super) const SCREEN_COOKIE: &str = "varde-screen";

/// By what somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    /// A session of an account.
    Session { signed: SignedIn, secret: Secret },
    /// A token.
    Token(KnownToken),
}

/// One account, or one token, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum One {
    /// An account, whichever session.
    Account(i64),
    /// A token.
    Token(i64),
}

/// Somebody who may: the gate alone makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    by: By,
    scope: Scope,
}

impl Who {
    /// None where role and member do not belong together.
    fn new(by: By) -> Option<Who> {
        let (role, member) = match &by {
            By::Session { signed, .. } => (signed.role, &signed.member),
            By::Token(known) => (known.role, &known.member),
        };
        let scope = match (role.at_member(), member) {
            (false, None) => Scope::Operator,
            (true, Some((id, _))) => Scope::Member(*id),
            (true, None) | (false, Some(_)) => return None,
        };
        Some(Who { by, scope })
    }

    /// Whose rows it may read.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether all members' things are its business.
    pub fn is_operator(&self) -> bool {
        self.scope == Scope::Operator
    }

    /// The number of the member it is at.
    pub fn member(&self) -> Option<&str> {
        let member = match &self.by {
            By::Session { signed, .. } => &signed.member,
            By::Token(known) => &known.member,
        };
        member.as_ref().map(|(_, number)| number.as_str())
    }

    /// Its role.
    pub fn role(&self) -> Role {
        match &self.by {
            By::Session { signed, .. } => signed.role,
            By::Token(known) => known.role,
        }
    }

    /// Whether its role may.
    pub fn may(&self, right: Right) -> bool {
        self.role().may(right)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        match &self.by {
            By::Session { signed, .. } => &signed.name,
            By::Token(known) => &known.name,
        }
    }

    /// Its account and session, if it is a person.
    pub fn account(&self) -> Option<(i64, i64)> {
        match &self.by {
            By::Session { signed, .. } => Some((signed.account, signed.session)),
            By::Token(_) => None,
        }
    }

    /// Whether a one-time link began its session, in which another password may be chosen without the old.
    pub fn recovers(&self) -> bool {
        matches!(&self.by, By::Session { signed, .. } if signed.recovers)
    }

    /// Its account or token: of whom so much may be taken.
    pub(super) fn one(&self) -> One {
        match &self.by {
            By::Session { signed, .. } => One::Account(signed.account),
            By::Token(known) => One::Token(known.id),
        }
    }

    /// As it stands in the audit: `kari (account 3, analyst)`.
    pub fn audited(&self) -> String {
        let (name, role) = (self.name(), self.role().as_str());
        match &self.by {
            By::Session { signed, .. } => format!("{name} (account {}, {role})", signed.account),
            By::Token(known) => format!("{name} (token {}, {role})", known.id),
        }
    }

    /// The language its account or member reads in.
    pub(super) fn language(&self) -> Option<Language> {
        match &self.by {
            By::Session { signed, .. } => signed.language.as_deref().and_then(Language::from_tag),
            By::Token(_) => None,
        }
    }

    /// What pages say of it, and what their forms carry.
    pub(super) fn signed(&self) -> Option<Signed> {
        match &self.by {
            By::Session { signed, secret } => {
                Some(Signed { name: signed.name.clone(), role: signed.role, csrf: secret.csrf() })
            }
            By::Token(_) => None,
        }
    }

    /// Somebody at the operator, for tests of what is done by people.
    #[cfg(test)]
    pub(super) fn anybody(name: &str) -> Who {
        let known = KnownToken { id: 1, name: name.to_owned(), role: Role::Analyst, member: None, last_used_at: None };
        Who { by: By::Token(known), scope: Scope::Operator }
    }

    fn satisfies(&self, need: Need) -> bool {
        match need {
            Need::Nothing => true,
            Need::Account => self.account().is_some(),
            Need::Right(right) => self.may(right),
            Need::Operator(right) => self.may(right) && self.is_operator(),
        }
    }
}

/// Whose collector it is: pages that strangers see say so too.
pub(super) async fn operator_name(shared: &Shared) -> Option<String> {
    shared.store.setting(Scope::Operator, setting::OPERATOR_NAME).await.unwrap_or_default()
}

/// For what is asked before it is known who asks: signing in, and what a link is good for.
pub(super) fn threshold() -> Scope {
    Scope::Operator
}

/// The cookie of a session. Over TLS its name binds it to this host and to TLS (RFC 6265bis, `__Host-`); plain HTTP is for this machine
/// alone, where a browser would not take such a cookie.
pub(super) fn session_cookie(shared: &Shared) -> &'static str {
    session_name(shared.is_tls)
}

fn session_name(is_tls: bool) -> &'static str {
    if is_tls { "__Host-varde" } else { "varde" }
}

/// Has a browser hold a cookie for the session or for `seconds`, or forget it.
pub(super) fn set_cookie(shared: &Shared, name: &str, value: &str, seconds: Option<u64>) -> Option<HeaderValue> {
    HeaderValue::from_str(&held(shared.is_tls, name, value, seconds)).ok()
}

fn held(is_tls: bool, name: &str, value: &str, seconds: Option<u64>) -> String {
    let secure = if is_tls { "; Secure" } else { "" };
    let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

async fn recognise(shared: &Shared, headers: &HeaderMap, now: Timestamp) -> Result<Option<Who>, StoreError> {
    let bearer = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    if let Some(bearer) = bearer {
        // Who offers a token goes by it, whatever cookies come along.
        let secret = bearer.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return token(shared, secret.and_then(|(_, text)| Secret::read_token(text.trim())), now).await;
    }
    if let Some(secret) = cookie(headers, session_cookie(shared)).and_then(Secret::read) {
        let signed = shared.store.session(Scope::Operator, &secret, now).await?;
        if let Some(signed) = signed {
            return Ok(Who::new(By::Session { signed, secret }));
        }
    }
    let screen = token(shared, cookie(headers, SCREEN_COOKIE).and_then(Secret::read_token), now).await?;
    Ok(screen.filter(|who| who.role() == Role::Wall))
}

async fn token(shared: &Shared, secret: Option<Secret>, now: Timestamp) -> Result<Option<Who>, StoreError> {
    let Some(secret) = secret else { return Ok(None) };
    let known = shared.store.token(Scope::Operator, &secret, now).await?;
    Ok(known.and_then(|known| Who::new(By::Token(known))))
}

/// Whether what is sent comes from one of our own pages: browsers say so, and let no page say it of itself.
fn is_from_here(headers: &HeaderMap, is_tls: bool) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let scheme = if is_tls { "https" } else { "http" };
    let (origin, host) = (text("origin"), text("host"));
    let is_ours =
        origin.zip(host).is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")));
    match text("sec-fetch-site") {
        // Under our own policy of telling no address to anybody, browsers say of our own forms that they come from nowhere.
        Some("same-origin") => is_ours || origin.is_none_or(|origin| origin == "null"),
        Some(_) => false,
        // Programs and old browsers.
        None => is_ours,
    }
}

/// How much of what is asked is looked at by itself and is no deed of anybody: it keeps no session alive.
fn asks_by_itself(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    uri.path() == "/live" || form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "fragment")
}

/// Lets by who may.
pub(super) async fn pass(
    State((shared, need)): State<(Arc<Shared>, Need)>,
    mut request: Request,
    next: Next,
) -> Response {
    let now = (shared.clock)();
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let who = match recognise(&shared, request.headers(), now).await {
        Ok(who) => who,
        Err(error) => {
            shared.store.handle_error(&error);
            return Call::of(&request, None, &shared).broken(&error);
        }
    };
    let call = Call::of(&request, who.as_ref(), &shared);
    if !is_reading && !is_from_here(request.headers(), shared.is_tls) {
        return call.not_from_here();
    }
    let Some(who) = who else {
        if need != Need::Nothing {
            return unknown(&request, &call);
        }
        if !is_reading {
            request = match whole(request).await {
                Ok((request, _)) => request,
                Err(status) => return call.unread(status),
            };
        }
        return run(request, None, next).await;
    };
    // A token reads; what is done is done by somebody.
    if !who.satisfies(need) || (!is_reading && need != Need::Nothing && who.account().is_none()) {
        return lacking(&request, &call);
    }
    if !is_reading {
        let (whole, octets) = match whole(request).await {
            Ok(whole) => whole,
            Err(status) => return call.unread(status),
        };
        request = whole;
        if need != Need::Nothing && !carries_csrf(&who, &octets) {
            return call.not_from_here();
        }
    }
    if !asks_by_itself(request.uri()) {
        note_there(&shared, &who, now).await;
    }
    run(request, Some(who), next).await
}

async fn run(mut request: Request, who: Option<Who>, next: Next) -> Response {
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// That somebody is there is worth no answer that is not given.
async fn note_there(shared: &Shared, who: &Who, now: Timestamp) {
    let noted = match &who.by {
        By::Session { signed, .. } => shared.store.session_seen(signed, now).await,
        By::Token(known) => shared.store.token_used(known, now).await,
    };
    if let Err(error) = noted {
        tracing::debug!("that somebody is there could not be noted: {error}");
        shared.store.handle_error(&error);
    }
}

/// A form with all its octets, which are few, within a time.
async fn whole(request: Request) -> Result<(Request, Vec<u8>), StatusCode> {
    let (head, body) = request.into_parts();
    let read = tokio::time::timeout(FORM_WITHIN, to_bytes(body, FORM_MAX_OCTETS));
    let octets = read.await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let kept = octets.to_vec();
    Ok((Request::from_parts(head, Body::from(octets)), kept))
}

fn carries_csrf(who: &Who, octets: &[u8]) -> bool {
    let By::Session { secret, .. } = &who.by else { return false };
    let sent = form_urlencoded::parse(octets).find(|(name, _)| name == CSRF_FIELD);
    // By their hashes, in a time that does not tell where they differ.
    sent.is_some_and(|(_, sent)| is_same(&sha256(sent.as_bytes()), &sha256(secret.csrf().as_bytes())))
}

fn is_api(uri: &Uri) -> bool {
    uri.path().starts_with(PREFIX) || uri.path() == "/api/picture"
}

fn told(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(problem).unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"varde\""));
    }
    response
}

/// Nobody knows who asks: a person signs in and comes back, a program is told what it needs.
fn unknown(request: &Request, call: &Call) -> Response {
    if is_api(request.uri()) {
        return told(&Problem::stranger());
    }
    let is_page = *request.method() == Method::GET && request.uri().path() != "/live" && !call.is_fragment();
    if !is_page {
        return call.unknown();
    }
    if let Some(same) = to_ask_again(request) {
        return call.led_on(same);
    }
    let back = request.uri().path_and_query().and_then(|back| ours(back.as_str())).unwrap_or("/");
    if back == "/" {
        return Redirect::to("/innlogging").into_response();
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("til", back).finish();
    Redirect::to(&format!("/innlogging?{query}")).into_response()
}

/// It is known who asks, and it may not.
fn lacking(request: &Request, call: &Call) -> Response {
    if is_api(request.uri()) { told(&Problem::not_yours()) } else { call.not_yours() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_a_session_is_held_strictly_and_over_tls_bound_to_this_host_and_to_tls() {
        let cookie = |is_tls, seconds| held(is_tls, session_name(is_tls), "x", seconds);
        assert_eq!(cookie(true, None), "__Host-varde=x; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(cookie(true, Some(0)), "__Host-varde=x; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");
        assert_eq!(cookie(false, None), "varde=x; Path=/; HttpOnly; SameSite=Strict");
    }
}
