//! What a reader asks for of how pages look, over HTTP: remembered, and carried along.

use super::{get, site};

#[tokio::test]
async fn the_language_asked_for_is_remembered() {
    let site = site(None, 16).await.unwrap();
    let (_, headers, body) = get(&site, "/?lang=nn", "Accept-Language: en\r\n").await.unwrap();
    assert!(body.contains("<html lang=\"nn\""));
    assert!(headers["set-cookie"].starts_with("varde_lang=nn; Path=/;"));
    let (_, headers, body) = get(&site, "/?lang=xx%0d%0aa", "").await.unwrap();
    assert!(body.contains("<html lang=\"nb\"") && !headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn the_colours_asked_for_are_remembered_and_leave_the_language_and_the_search_alone() {
    let site = site(None, 16).await.unwrap();
    let (_, headers, body) = get(&site, "/?q=a%26b&scheme=dark", "Cookie: varde_lang=nn\r\n").await.unwrap();
    assert!(body.contains("<html lang=\"nn\" data-color-scheme=\"dark\">"));
    assert!(body.contains("href=\"/?q=a%26b&#38;lang=en\""), "{body}");
    assert!(headers["set-cookie"].starts_with("varde_scheme=dark; Path=/;"));
    let (_, headers, body) = get(&site, "/", "Cookie: a=b; varde_scheme=dark\r\n").await.unwrap();
    assert!(body.contains("data-color-scheme=\"dark\"") && !headers.contains_key("set-cookie"));
    let (_, _, body) = get(&site, "/?scheme=pink%22%3E", "Cookie: varde_scheme=%22\r\n").await.unwrap();
    assert!(body.contains("data-color-scheme=\"auto\""));
}
