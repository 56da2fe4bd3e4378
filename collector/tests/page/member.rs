//! One member's page, in three languages.

use super::{as_is, get, site};

#[tokio::test]
async fn a_members_page_says_whom_to_call_and_who_watches_it_and_an_old_number_leads_on() {
    let site = site(Some(&as_is), 16).await.unwrap();
    let (_, _, front) = get(&site, "/", "").await.unwrap();
    assert!(front.contains("href=\"/medlem/3407\""));
    for (language, words) in [
        ("nb", ["Utenom kontortid", "aldri bekreftet", "Vakt", "eget nett"]),
        ("nn", ["Utanom kontortid", "aldri stadfesta", "Vakt", "eige nett"]),
        ("en", ["Out of hours", "never confirmed", "On call", "its own network"]),
    ] {
        let (status, _, body) =
            get(&site, "/medlem/3407", &format!("Cookie: varde_lang={language}\r\n")).await.unwrap();
        assert_eq!(status, 200);
        for word in words.into_iter().chain(["Kari &#60;Nordmann", "900 00 000", "IKT Øst", "/sensor/", "0502"]) {
            assert!(body.contains(word), "{language}: {word}: {body}");
        }
    }
    let (status, headers, _) = get(&site, "/medlem/0502", "").await.unwrap();
    assert_eq!((status, headers["location"].as_str()), (303, "/medlem/3407"));
    for path in ["/medlem/9999", "/medlem/x", "/medlem/34O7"] {
        assert_eq!(get(&site, path, "").await.unwrap().0, 404, "{path}");
    }
}
