//! The API as a stranger meets it: hostile text in every field and in every parameter is harmless and bounded, and what is marked for few is
//! told by its number alone.

use url::form_urlencoded::Serializer;
use varde_collector::api::{PREFIX, RESOURCES};

use super::{HOSTILE, as_is, ask, get, site};

/// What has broken others.
const INJECTED: &[&str] = &[
    "' OR '1'='1",
    "1; DROP TABLE alert; --",
    "\" UNION SELECT value FROM setting --",
    "%27%20OR%201=1",
    "1) OR (1=1",
    "$1",
    "?1",
    "NULL",
    "-1",
    "9223372036854775808",
    "0x10",
    "1e9",
    "\u{0661}",
    "../../etc/passwd",
    "",
    ",",
    "high,,low",
    "AQ",
    "AQAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "________________________",
];

fn lists() -> impl Iterator<Item = String> {
    let lists = RESOURCES.iter().filter(|resource| !resource.path.contains("{id}"));
    lists.map(|resource| format!("{PREFIX}{}", resource.path))
}

#[tokio::test]
async fn s6_hostile_text_in_every_field_of_the_api_is_text_and_nothing_else() {
    for payloads in HOSTILE.chunks(6) {
        let payload = payloads.concat();
        let hostile = site(Some(&|text: &str| format!("{payload}{text}{payload}")), 16).await.unwrap();
        for path in lists().chain(["campaigns/1", "incidents/31", "alerts/1"].map(|one| format!("{PREFIX}/{one}"))) {
            let (status, headers, body) = get(&hostile, &path, "").await.unwrap();
            assert!(status == 200 && headers["content-type"] == "application/json", "{path} {body}");
            assert_eq!((headers["x-content-type-options"].as_str(), headers.get("set-cookie")), ("nosniff", None));
            assert!(!body.chars().any(|c| c.is_ascii_control()), "{path}");
            let _: serde_json::Value = serde_json::from_str(&body).unwrap();
        }
        let (_, _, body) = get(&hostile, "/api/v1/campaigns", "").await.unwrap();
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(json["items"].to_string().len() > 100, "it is full");
        hostile.store.close().await;
    }
}

#[tokio::test]
async fn s6_hostile_parameters_are_refused_or_find_nothing_and_change_nothing() {
    let site = site(Some(&as_is), 16).await.unwrap();
    let long = "å".repeat(1_500);
    let before = get(&site, "/api/v1/alerts", "").await.unwrap().2;
    for resource in RESOURCES {
        let path = format!("{PREFIX}{}", resource.path);
        for value in INJECTED.iter().chain(HOSTILE.iter()).copied().chain([long.as_str()]) {
            let encoded: String = Serializer::new(String::new()).append_key_only(value).finish();
            let place = path.replace("{id}", &encoded.replace('+', "%20").replace('&', "%26"));
            if path.contains("{id}") && !encoded.is_empty() {
                let (status, _, body) = get(&site, &place, "").await.unwrap();
                assert!(matches!(status, 400 | 404) && body.contains("urn:varde:problem:"), "{place}: {status} {body}");
            }
            for parameter in resource.parameters {
                let query = Serializer::new(String::new()).append_pair(parameter.name, value).finish();
                let (status, headers, body) = get(&site, &format!("{path}?{query}"), "").await.unwrap();
                match status {
                    200 => assert_eq!(headers["content-type"], "application/json"),
                    400 => {
                        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
                        assert_eq!(headers["content-type"], "application/problem+json");
                        assert_eq!(problem["parameter"], parameter.name, "{query}");
                        assert!(body.len() < 1_000, "{body}");
                    }
                    _ => panic!("{path}?{query}: {status} {body}"),
                }
                // A guess that is none finds nothing: an injected condition would find everything.
                let finds_all = status == 200 && !body.contains("\"items\":[]");
                assert!(!finds_all || !INJECTED[..6].contains(&value), "{path}?{query}: {body}");
            }
        }
    }
    assert_eq!(get(&site, "/api/v1/alerts", "").await.unwrap().2, before);
}

#[tokio::test]
async fn t7a_the_api_tells_what_is_marked_for_few_by_its_number_alone() {
    let site = site(Some(&as_is), 16).await.unwrap();
    let mut all = String::new();
    for path in lists().chain(["campaigns/1", "incidents/31"].map(|one| format!("{PREFIX}/{one}"))) {
        all.push_str(&get(&site, &path, "").await.unwrap().2);
    }
    assert!(all.contains("confidential indicator 4") && all.contains("login-porten.example"));
    assert!(!all.contains("db8:bad"), "{all}");
    // Nor to whoever guesses it.
    let guessed = get(&site, "/api/v1/alerts?indicator=2001:db8:bad::/48", "").await.unwrap().2;
    assert!(guessed.contains("\"items\":[]"), "{guessed}");
    assert!(!get(&site, "/api/v1/alerts?indicator=4", "").await.unwrap().2.contains("\"items\":[]"));
}

#[tokio::test]
async fn the_api_only_answers_and_only_on_this_machine() {
    let site = site(Some(&as_is), 16).await.unwrap();
    for path in lists() {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            let (status, headers, body) = ask(&site, &request).await.unwrap();
            assert_eq!((status, headers["allow"].as_str()), (405, "GET, HEAD"), "{method} {path}: {body}");
        }
        let elsewhere = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(&site, &elsewhere).await.unwrap().0, 421, "{path}");
    }
    let (status, headers, _) = get(&site, "/api/v1/nothing/here", "").await.unwrap();
    assert_eq!((status, headers["content-type"].as_str()), (404, "application/problem+json"));
}
