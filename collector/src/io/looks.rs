//! How a reader wants the pages to look, as its request says: read from the address and a cookie, and kept in that cookie.

use axum::http::Uri;
use axum::http::header::{self, HeaderMap, HeaderValue};

use super::gate::Who;
use crate::account::role::Role;
use crate::present::looks::{Looks, Scheme};
use crate::present::navigation::Kind;
use crate::present::shown::Shown;
use crate::store::{Scope, Store, setting};

const SCHEME_COOKIE: &str = "varde_scheme";

/// What kind of reader it is.
pub(super) fn kind(who: Option<&Who>) -> Kind {
    match who.map(Who::role) {
        Some(Role::Analyst | Role::Publisher | Role::Administrator | Role::Auditor) => Kind::Csirt,
        Some(Role::It) => Kind::MemberIt,
        Some(Role::Management) => Kind::Management,
        // It shows one page, and nobody stands before it with a keyboard.
        Some(Role::Wall) | None => Kind::Stranger,
    }
}

/// How pages are to look to whoever sends this.
pub(super) fn of(headers: &HeaderMap, uri: &Uri) -> Looks {
    let query = uri.query().unwrap_or_default();
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("scheme=")).and_then(Scheme::from_tag);
    Looks::new(asked, kept(headers, SCHEME_COOKIE).and_then(Scheme::from_tag), query)
}

/// What a browser has kept under this name.
pub(super) fn kept<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Has a browser keep a choice of its reader's for a year.
pub(super) fn keep(headers: &mut HeaderMap, name: &str, value: &str) {
    let cookie = format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        // Beside what else is to be kept.
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Has the reader's browser keep what it asked for now.
pub(super) fn remember(looks: &Looks, headers: &mut HeaderMap) {
    if let Some(scheme) = looks.asked() {
        keep(headers, SCHEME_COOKIE, scheme.tag());
    }
}

/// Where the operator's accessibility statement is, as it was set when the collector was started.
pub(super) async fn statement(store: &Store) -> Option<Shown> {
    let address = store.setting(Scope::Operator, setting::ACCESSIBILITY_STATEMENT).await.unwrap_or_else(|error| {
        tracing::warn!("the address of the accessibility statement could not be read: {error}");
        None
    });
    address.map(|address| Shown::whole(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_kept_where_they_were_asked_for_and_nowhere_else() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; varde_scheme=dark; varde_lang=nn"));
        let mut answer = HeaderMap::new();
        let looks = of(&headers, &Uri::from_static("/sak/1?q=x"));
        remember(&looks, &mut answer);
        assert_eq!((looks.scheme(), answer.len()), (Scheme::Dark, 0));
        let looks = of(&headers, &Uri::from_static("/sak/1?q=x&scheme=light"));
        answer.insert(header::SET_COOKIE, HeaderValue::from_static("varde_lang=nb"));
        remember(&looks, &mut answer);
        assert_eq!(looks.scheme(), Scheme::Light);
        let kept: Vec<_> = answer.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert_eq!(of(&headers, &Uri::from_static("/?scheme=%22%3E")).scheme(), Scheme::Dark);
    }
}
