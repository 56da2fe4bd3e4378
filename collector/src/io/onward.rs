//! Where somebody is led on to: pages of ours alone; and what is told who comes by a link on somebody else's page, such as webmail's. The
//! browser then keeps back the cookie of a session (SameSite=Strict), so that it would seem that nobody is signed in.

use axum::extract::Request;
use axum::http::Method;

use crate::limits::account::TIL_MAX_OCTETS;

/// Where somebody wanted to go, if that is a page of ours.
pub(super) fn ours(to: &str) -> Option<&str> {
    // No longer than a cookie has room for.
    let is_ours = to.len() <= TIL_MAX_OCTETS
        && to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains(['\\', '\r', '\n', '\t']);
    (is_ours && to.bytes().all(|octet| octet.is_ascii_graphic())).then_some(to)
}

/// The address of ours that is to be asked once more from a page of ours, so that the browser says who it is. None where nobody else's page
/// led here, or a page is not what is asked for: what is then asked is asked from here, and is not led on again.
pub(super) fn to_ask_again(request: &Request) -> Option<&str> {
    let said = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_led = said("sec-fetch-site") == Some("cross-site") && said("sec-fetch-mode") == Some("navigate");
    let is_page = *request.method() == Method::GET && said("sec-fetch-dest").is_none_or(|to| to == "document");
    if !is_led || !is_page {
        return None;
    }
    ours(request.uri().path_and_query()?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn w3_one_is_led_on_to_pages_of_ours_alone() {
        for good in ["/", "/sak/1", "/sak/1?lang=nn&x=%20", "/kampanje/a-b"] {
            assert_eq!(ours(good), Some(good));
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
            assert_eq!(ours(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn w3_only_a_page_that_others_led_to_is_asked_again() {
        let asked = |method: &str, uri: &str, heads: &[(&str, &str)]| {
            let mut builder = Request::builder().method(method).uri(uri);
            for (name, value) in heads {
                builder = builder.header(*name, *value);
            }
            to_ask_again(&builder.body(Body::empty()).unwrap()).map(str::to_owned)
        };
        let led = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert_eq!(asked("GET", "/varsel/u?lang=nn", &led).as_deref(), Some("/varsel/u?lang=nn"));
        assert_eq!(asked("POST", "/varsel/u/lest", &led), None);
        assert_eq!(asked("GET", "//evil.example/x", &led), None);
        let site = |site: &'static str| [("sec-fetch-site", site), led[1], led[2]];
        for own in ["same-origin", "same-site", "none"] {
            assert_eq!(asked("GET", "/varsel", &site(own)), None, "{own}: no circle");
        }
        let within = |mode: &'static str, to: &'static str| [led[0], ("sec-fetch-mode", mode), ("sec-fetch-dest", to)];
        assert_eq!(asked("GET", "/varsel", &within("no-cors", "image")), None);
        assert_eq!(asked("GET", "/varsel", &within("navigate", "iframe")), None);
        assert_eq!(asked("GET", "/varsel", &[]), None, "a program");
    }
}
