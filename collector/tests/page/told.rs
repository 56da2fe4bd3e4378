//! What a sensor told of itself, on its page.

use varde_collector::io::clock;

use super::{as_is, get, site};

#[tokio::test]
async fn d5_a_sensors_page_says_what_it_told_and_what_is_lost_in_three_languages() {
    let site = site(Some(&as_is), 16).await.unwrap();
    let (_, _, before) = get(&site, "/sensor/3?lang=en", "").await.unwrap();
    assert!(before.contains("told nothing in the last 90 days"), "{before}");
    for seq in 1..=23 {
        let body = match seq {
            1..=20 => format!(r#"{{"event":"loss","from":{seq}000,"to":{seq}499,"reason":"spool_full"}}"#),
            21 => r#"{"event":"<script>alert(1)</script>\u202e"}"#.to_owned(),
            22 => r#"{"event":"list_refused","revision":4,"why":"<b>no</b>"}"#.to_owned(),
            _ => r#"{"event":"two_live"}"#.to_owned(),
        };
        let mut tx = site.store.begin().await.unwrap();
        sqlx::query("INSERT INTO sensor_event VALUES (3, 'ab', $1, 0, $2, $3)")
            .bind(seq)
            .bind(clock::now().0)
            .bind(body)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    for (language, words) in [
        ("nb", ["10 000 poster: 10 000 køen eller disken var full", "To maskiner bruker", "3 meldinger til"]),
        ("nn", ["10 000 postar: 10 000 køen eller disken var full", "To maskiner brukar", "3 meldingar til"]),
        ("en", ["10 000 records: 10 000 the spool or the disk was full", "Two machines use", "3 more; see them"]),
    ] {
        let (status, _, body) = get(&site, &format!("/sensor/3?lang={language}"), "").await.unwrap();
        let body = body.replace(['\u{a0}', '\u{202f}'], " ");
        assert_eq!(status, 200);
        for word in
            words.into_iter().chain(["sensor events 3", "&#60;script&#62;alert(1)", "&#60;b&#62;no&#60;/b&#62;"])
        {
            assert!(body.contains(word), "{language}: {word} in {body}");
        }
        assert!(!body.contains("<script>alert") && !body.contains("<b>no") && !body.contains('\u{202e}'), "{body}");
        let events = body.split("id=\"events\"").nth(1).unwrap().split("</section>").next().unwrap();
        assert_eq!(events.matches("<li>").count(), 20);
        assert!(events.find(words[1]).unwrap() < events.find("&#60;script").unwrap(), "the newest first");
    }
    assert!(!get(&site, "/sensor/4?lang=en", "").await.unwrap().2.contains("Two machines use"));
}
