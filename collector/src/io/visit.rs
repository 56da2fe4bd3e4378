//! What a handler is given of a request, and how it answers: who asks ([`Visit`]; the gate has let it by), in which language, how much of
//! a page, at what time ([`Call`]); and what was filled in ([`Form`]).

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use varde_common::time::Timestamp;

use super::gate::Who;
use super::web::Shared;
use crate::present::page::{self, Extent, Head, Signed};
use crate::present::shown::{Calendar, Shown};
use crate::present::text::{Language, Texts};
use crate::present::view::Reader;

pub(super) const LANGUAGE_COOKIE: &str = "varde_lang";

/// A cookie's value.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// What an address may ask for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    lang: Option<String>,
    fragment: Option<String>,
}

/// How it is asked, whoever asks.
#[derive(Debug, Clone)]
pub struct Call {
    language: Language,
    /// Asked for now: to be remembered.
    chosen: Option<Language>,
    extent: Extent,
    path: String,
    signed: Option<Signed>,
    /// Whether the database's disk is full.
    full: bool,
    now: Timestamp,
}

impl Call {
    pub(super) fn of(request: &Request, who: Option<&Who>, shared: &Shared) -> Call {
        Call::new(request.headers(), request.uri(), who, shared)
    }

    pub(super) fn new(headers: &HeaderMap, uri: &Uri, who: Option<&Who>, shared: &Shared) -> Call {
        let asked = Query::<Asked>::try_from_uri(uri).map(|Query(asked)| asked).unwrap_or_default();
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let chosen = asked.lang.as_deref().and_then(Language::from_tag);
        // What was chosen on this machine comes before what the account or its member reads in.
        let before = cookie(headers, LANGUAGE_COOKIE).and_then(Language::from_tag).or(who.and_then(Who::language));
        Call {
            language: Language::choose(asked.lang.as_deref(), before.map(Language::tag), accepted),
            chosen,
            extent: if asked.fragment.is_some() { Extent::Fragment } else { Extent::Whole },
            path: uri.path().to_owned(),
            signed: who.and_then(Who::signed),
            full: shared.store.is_full(),
            now: (shared.clock)(),
        }
    }

    /// The texts of its language.
    pub fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    /// Its language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How much of the page is wanted.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Whether what changes is wanted alone.
    pub fn is_fragment(&self) -> bool {
        self.extent == Extent::Fragment
    }

    /// What views are made for.
    pub fn reader(&self) -> Reader {
        Reader { texts: self.texts(), calendar: Calendar::new(self.language), now: self.now }
    }

    /// What stands around a page.
    pub fn head(&self, operator: Option<&str>) -> Head {
        Head {
            operator: Shown::of(operator.unwrap_or_default()),
            language: self.language,
            path: self.path.clone(),
            full: self.full,
            version: env!("CARGO_PKG_VERSION"),
            signed: self.signed.clone(),
        }
    }

    /// Answers with a page.
    pub fn answer(&self, status: StatusCode, page: askama::Result<String>) -> Response {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                return (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be written.\n").into_response();
            }
        };
        let mut response = (status, page).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.tag()));
        headers.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
        if let Some(language) = self.chosen {
            headers.append(header::SET_COOKIE, language_cookie(language));
        }
        response
    }

    fn says(&self, status: StatusCode, (title, words): (&str, &str), operator: Option<&str>) -> Response {
        self.answer(status, page::message(&self.head(operator), title, words, self.extent))
    }

    /// There is no such thing, or not for who asks: nobody learns which.
    pub fn not_there(&self, operator: Option<&str>) -> Response {
        let texts = self.texts();
        self.says(StatusCode::NOT_FOUND, (&texts.say("missing-title"), &texts.say("missing-words")), operator)
    }

    /// What shows hosts is not shown unless it stands in the audit.
    pub fn unnoted(&self, operator: Option<&str>) -> Response {
        let texts = self.texts();
        self.says(StatusCode::SERVICE_UNAVAILABLE, (&texts.say("unnoted-title"), &texts.say("unnoted-words")), operator)
    }

    /// The database could not be read.
    pub fn broken(&self, error: &(impl std::fmt::Display + ?Sized)) -> Response {
        tracing::error!(%error, "the page could not read the database");
        let texts = self.texts();
        self.says(StatusCode::INTERNAL_SERVER_ERROR, (&texts.say("broken-title"), &texts.say("broken-words")), None)
    }

    /// It is known who asks, and its role may not.
    pub fn not_yours(&self) -> Response {
        let texts = self.texts();
        self.says(StatusCode::FORBIDDEN, (&texts.say("forbidden-title"), &texts.say("forbidden-words")), None)
    }

    /// Whoever asked is signed in no longer.
    pub(super) fn unknown(&self) -> Response {
        let texts = self.texts();
        self.says(StatusCode::UNAUTHORIZED, (&texts.say("unknown-title"), &texts.say("unknown-words")), None)
    }

    /// What was sent comes from no page of ours, or from one that is too old.
    pub(super) fn not_from_here(&self) -> Response {
        let texts = self.texts();
        self.says(StatusCode::FORBIDDEN, (&texts.say("elsewhere-title"), &texts.say("elsewhere-words")), None)
    }

    /// What was sent is too much, came too slowly, or is no form.
    pub(super) fn unread(&self, status: StatusCode) -> Response {
        let texts = self.texts();
        self.says(status, (&texts.say("unread-title"), &texts.say("unread-words")), None)
    }
}

/// Has a browser remember a language for a year.
pub(super) fn language_cookie(language: Language) -> HeaderValue {
    let cookie = match language {
        Language::Bokmaal => "varde_lang=nb; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
        Language::Nynorsk => "varde_lang=nn; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
        Language::English => "varde_lang=en; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
    };
    HeaderValue::from_static(cookie)
}

impl FromRequestParts<Arc<Shared>> for Call {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Call, Self::Rejection> {
        let who = parts.extensions.get::<Option<Who>>().and_then(Option::as_ref);
        Ok(Call::new(&parts.headers, &parts.uri, who, shared))
    }
}

/// Who the gate knows, on a page that strangers see too.
#[derive(Debug, Clone)]
pub struct Maybe(pub Option<Who>);

impl FromRequestParts<Arc<Shared>> for Maybe {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Shared>) -> Result<Maybe, Self::Rejection> {
        Ok(Maybe(parts.extensions.get::<Option<Who>>().cloned().flatten()))
    }
}

/// Somebody whom the gate has let by, and how it asks.
#[derive(Debug, Clone)]
pub struct Visit {
    who: Who,
    call: Call,
}

impl Visit {
    /// Who it is.
    pub fn who(&self) -> &Who {
        &self.who
    }
}

impl std::ops::Deref for Visit {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl FromRequestParts<Arc<Shared>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Visit, Response> {
        let who = parts.extensions.get::<Option<Who>>().cloned().flatten();
        let call = Call::new(&parts.headers, &parts.uri, who.as_ref(), shared);
        // A page that strangers may see asks for a Call instead.
        match who {
            Some(who) => Ok(Visit { who, call }),
            None => Err(call.unknown()),
        }
    }
}

/// What was filled in. What is no form is answered with a page that says so.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Form<T>, Response> {
        let who = request.extensions().get::<Option<Who>>().cloned().flatten();
        let call = Call::of(&request, who.as_ref(), shared);
        match axum::Form::<T>::from_request(request, shared).await {
            Ok(axum::Form(filled)) => Ok(Form(filled)),
            Err(refused) => Err(call.unread(refused.status())),
        }
    }
}
