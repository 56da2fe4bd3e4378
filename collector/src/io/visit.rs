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
use super::looks;
use super::web::Shared;
use crate::account::role::Right;
use crate::present::looks::Looks;
use crate::present::page::{self, Extent, Head, Signed};
use crate::present::shown::{Calendar, Shown};
use crate::present::text::{Language, Texts};
use crate::present::view::Reader;

pub(super) const LANGUAGE_COOKIE: &str = "varde_lang";

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
    looks: Looks,
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
        let before = looks::kept(headers, LANGUAGE_COOKIE).and_then(Language::from_tag).or(who.and_then(Who::language));
        Call {
            language: Language::choose(asked.lang.as_deref(), before.map(Language::tag), accepted),
            chosen,
            extent: if asked.fragment.is_some() { Extent::Fragment } else { Extent::Whole },
            path: uri.path().to_owned(),
            looks: looks::of(headers, uri)
                .seen_by(looks::kind(who), shared.statement.clone())
                .with_hosts(who.is_some_and(|who| who.may(Right::Hosts))),
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
            looks: self.looks.clone(),
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
            looks::keep(headers, LANGUAGE_COOKIE, language.tag());
        }
        looks::remember(&self.looks, headers);
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

    /// Nobody comes in: the disk is full.
    pub(super) fn no_room(&self) -> Response {
        let texts = self.texts();
        self.says(StatusCode::SERVICE_UNAVAILABLE, (&texts.say("no-room-title"), &texts.say("no-room-words")), None)
    }

    /// The browser has forgotten a session that the collector could not end.
    pub(super) fn left_alone(&self) -> Response {
        let (texts, mut call) = (self.texts(), self.clone());
        call.signed = None;
        call.says(StatusCode::SERVICE_UNAVAILABLE, (&texts.say("left-title"), &texts.say("left-words")), None)
    }

    /// It is known who asks, and its role may not.
    pub fn not_yours(&self) -> Response {
        let texts = self.texts();
        self.says(StatusCode::FORBIDDEN, (&texts.say("forbidden-title"), &texts.say("forbidden-words")), None)
    }

    /// Too many come in at once.
    pub(super) fn busy(&self) -> Response {
        let texts = self.texts();
        self.says(StatusCode::SERVICE_UNAVAILABLE, (&texts.say("busy-title"), &texts.say("busy-words")), None)
    }

    /// Somebody tries too often.
    pub(super) fn too_often(&self) -> Response {
        let texts = self.texts();
        self.says(StatusCode::TOO_MANY_REQUESTS, (&texts.say("often-title"), &texts.say("often-words")), None)
    }

    /// Somebody else's page led here: the same is asked once more from this one, and then the browser says who it is.
    pub(super) fn led_on(&self, to: &str) -> Response {
        self.answer(StatusCode::OK, page::onward(&self.head(None), to))
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
