//! Promise: what is done to intelligence at the pages is done as by the commands: nothing is taken in that nobody has looked at, nobody
//! approves of their own, and a member is told nothing of what is for few.

use url::form_urlencoded::Serializer;

use super::matrix::{HERE, Scene};
use crate::store::fixture::NOW;

const WARNING: &str = "Se etter:\r\n\r\nvond[.]example\r\nikke et navn\r\n";

/// A form as somebody sends it.
async fn post(scene: &Scene, who: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let (comes_with, csrf) = scene.comes_with(who).await;
    let mut body = Serializer::new(String::new());
    body.append_pair("csrf", &csrf).extend_pairs(fields);
    scene.ask(&format!("POST {path}"), &format!("{comes_with}{HERE}"), &body.finish()).await
}

async fn get(scene: &Scene, who: &str, path: &str) -> String {
    let (comes_with, _) = scene.comes_with(who).await;
    let (status, page) = scene.ask(&format!("GET {path}"), &comes_with, "").await;
    assert_eq!(status, 200, "{path} as {who}: {page}");
    page
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let found = page.split_once(&format!("name=\"{name}\" value=\"")).map(|(_, rest)| rest);
    found.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("no {name} in {page}")).to_owned()
}

/// Pastes, looks, takes in.
async fn paste(scene: &Scene, who: &str, text: &str) -> (u16, String) {
    let fields = [("text", text), ("source", "NCSC")];
    let (status, page) = post(scene, who, "/utkast/lim", &fields).await;
    assert_eq!(status, 200, "{page}");
    let seen = hidden(&page, "seen");
    let [text, source] = fields;
    post(scene, who, "/utkast/lim", &[text, source, ("seen", &seen), ("act", "take")]).await
}

const KNOWN: &str = "SELECT COUNT(*) FROM indicator WHERE pattern = 'vond.example'";

#[tokio::test]
async fn nothing_is_taken_in_that_nobody_has_looked_at() {
    let scene = Scene::new().await;
    let take = [("text", WARNING), ("source", "NCSC"), ("act", "take")];
    let (status, page) = post(&scene, "analyst", "/utkast/lim", &take).await;
    assert_eq!((status, scene.fixture.count(KNOWN).await), (200, 0), "it is shown first: {page}");
    assert!(page.contains("vond[.]example") && page.contains("id=\"take\"") && page.contains("linje 3"), "{page}");
    let seen = hidden(&page, "seen");
    let other = [("text", "annet[.]example"), ("source", "NCSC"), ("act", "take"), ("seen", seen.as_str())];
    let (status, _) = post(&scene, "analyst", "/utkast/lim", &other).await;
    let others = "SELECT COUNT(*) FROM indicator WHERE pattern LIKE '%annet%'";
    assert_eq!((status, scene.fixture.count(others).await), (200, 0), "another text than the one looked at");
    let [text, source, act] = take;
    let red = [text, source, act, ("seen", seen.as_str()), ("tlp", "red")];
    let (status, _) = post(&scene, "analyst", "/utkast/lim", &red).await;
    assert_eq!((status, scene.fixture.count(KNOWN).await), (200, 0), "nor marked otherwise");
    for other in [("source", "Andre"), ("threat", "noe annet"), ("format", "csv")] {
        let fields = [text, act, ("seen", seen.as_str()), other];
        let source = (other.0 != "source").then_some(source);
        let fields: Vec<_> = fields.into_iter().chain(source).collect();
        let (status, _) = post(&scene, "analyst", "/utkast/lim", &fields).await;
        assert!(status != 303 && scene.fixture.count(KNOWN).await == 0, "nor with another {}", other.0);
    }
    let (status, page) = post(&scene, "analyst", "/utkast/lim", &[text, source, act, ("seen", seen.as_str())]).await;
    assert_eq!((status, scene.fixture.count(KNOWN).await), (303, 1), "{page}");
    let noted = "SELECT COUNT(*) FROM audit WHERE what = 'indicator import' AND who LIKE 'analyst (account %'";
    assert_eq!(scene.fixture.count(noted).await, 1, "in the name of who did it");
    let (status, page) = post(&scene, "analyst", "/utkast/lim", &[("text", "  "), ("source", "NCSC")]).await;
    assert!(status == 422 && page.contains("id=\"wrong\""), "{page}");
}

#[tokio::test]
async fn the_next_list_names_what_is_confidential_by_its_number() {
    let of = |tlp| [("text", WARNING), ("source", "NCSC"), ("tlp", tlp)];
    for (tlp, is_named) in [("red", false), ("green", true)] {
        let scene = Scene::new().await;
        let (_, page) = post(&scene, "analyst", "/utkast/lim", &of(tlp)).await;
        let seen = hidden(&page, "seen");
        let fields: Vec<_> = of(tlp).into_iter().chain([("seen", seen.as_str()), ("act", "take")]).collect();
        let (status, page) = post(&scene, "analyst", "/utkast/lim", &fields).await;
        assert_eq!(status, 303, "{page}");
        let page = get(&scene, "publisher", "/utkast/neste").await;
        assert_eq!(page.contains("vond[.]example") || page.contains("vond.example"), is_named, "{tlp}: {page}");
        assert_eq!(scene.fixture.count(KNOWN).await, 1, "{tlp}");
    }
}

#[tokio::test]
async fn nobody_approves_of_their_own() {
    let scene = Scene::new().await;
    let settings = scene.fixture.store.directory().join("collector.toml");
    std::fs::write(settings, "four_eyes = true\n").unwrap();
    let (status, page) = paste(&scene, "publisher", WARNING).await;
    assert_eq!(status, 303, "{page}");
    let page = get(&scene, "publisher", "/utkast/neste").await;
    assert!(page.contains("id=\"lacks\"") && !page.contains("id=\"publish-form\""), "{page}");
    let draft = hidden(&page, "draft");
    let fields = [("draft", draft.as_str()), ("reason", "sett på kildene")];
    let (status, page) = post(&scene, "publisher", "/utkast/publiser", &fields).await;
    assert!(status == 409 && page.contains("Fire øyne"), "{status} {page}");
    let (status, _) = post(&scene, "publisher", "/utkast/gjennomgang", &fields).await;
    assert_eq!(status, 303);
    let page = get(&scene, "publisher", "/utkast/neste").await;
    assert!(page.contains("id=\"lacks\""), "one's own look is no other's: {page}");
    let other = [("draft", "0000000000000000"), fields[1]];
    let (status, _) = post(&scene, "administrator", "/utkast/gjennomgang", &other).await;
    assert_eq!(status, 409, "another draft than the one that is there");
    let (status, page) = post(&scene, "administrator", "/utkast/gjennomgang", &fields).await;
    assert_eq!(status, 303, "{page}");
    let page = get(&scene, "publisher", "/utkast/neste").await;
    assert!(!page.contains("id=\"lacks\"") && page.contains("id=\"publish-form\""), "{page}");
    let page = get(&scene, "analyst", "/utkast/neste").await;
    assert!(
        !page.contains("id=\"publish-form\"") && !page.contains("id=\"review-form\""),
        "an analyst only looks: {page}"
    );
}

#[tokio::test]
async fn w1_a_member_is_told_nothing_of_what_is_for_few() {
    let scene = Scene::new().await;
    let met = scene.fixture.count("SELECT indicator_id FROM alert ORDER BY id LIMIT 1").await;
    let red = format!(
        "UPDATE indicator SET tlp = 'TLP:RED', pattern = 'hemmelig.example', threat = 'skjult trussel' WHERE id = {met}"
    );
    scene.fixture.run(red.leak()).await;
    for who in ["it", "management", "analyst", "publisher"] {
        for path in ["/indikatorer", "/indikatorer?q=hemmelig", &format!("/indikator/{met}")] {
            let page = get(&scene, who, path).await;
            assert!(!page.contains("hemmelig.example"), "{path} as {who}");
            let is_csirt = who == "analyst" || who == "publisher";
            assert!(is_csirt || !page.contains("skjult trussel"), "{path} as {who}");
            // Who says so, what lint says and whether it is out is the CSIRT's.
            let inside = path.starts_with("/indikator/") && is_csirt;
            assert_eq!(page.contains("id=\"claims\"") || page.contains("id=\"standing\""), inside, "{path} as {who}");
        }
    }
    let link = format!("id=\"indicator-{met}\"");
    for by in ["skjult", "trussel:skjult", "hemmelig"] {
        let page = get(&scene, "it", &format!("/indikatorer?q={by}")).await;
        assert!(!page.contains(&link), "what it may not read it does not find: {by}");
    }
    let page = get(&scene, "it", "/indikatorer").await;
    assert!(page.contains(&link), "it has met it, and knows it by its number: {page}");
    assert!(!page.contains("id=\"to-drafts\"") && !page.contains("Kommune 2"), "{page}");
}

#[tokio::test]
async fn what_is_asked_without_what_it_takes_is_said_and_nothing_is_done() {
    let scene = Scene::new().await;
    let plan = r#"{"kind":"file","url":"https://f.example/","max_octets":1,"within_s":2}"#;
    let plan = serde_json::from_str(plan).unwrap();
    scene.fixture.store.add_source("Felles", &plan, 3_600, NOW).await.unwrap();
    let (why, sure, list) = (("reason", "feil"), ("sure", "1"), ("list", "1"));
    for (path, fields, said) in [
        ("/lister/tilbakekall", vec![why, list], "Kryss av"),
        ("/lister/tilbakekall", vec![sure, list], "grunn"),
        ("/lister/opphev", vec![("indicator", "1"), ("reason", " ")], "grunn"),
        ("/indikator/1/tilbakekall", vec![why], "Kryss av"),
        ("/indikator/1/tilbakekall", vec![sure, ("reason", "a\nb")], "grunn"),
        ("/indikator/1/overstyr", vec![why], "dag"),
        ("/indikator/1/overstyr", vec![("until", "2026-12-24")], "grunn"),
        ("/utkast/gjennomgang", vec![("draft", "0000000000000000")], "grunn"),
        ("/utkast/publiser", vec![why], "utkast"),
        ("/kilder", vec![("name", "Felles"), ("act", "release")], ""),
        ("/kilder", vec![("name", "Andre"), ("act", "pause")], ""),
    ] {
        let (status, page) = post(&scene, "publisher", path, &fields).await;
        assert!(status == 422 && page.contains("id=\"wrong\""), "{path} {fields:?}: {status} {page}");
        let words = page.split("id=\"wrong\"").nth(1).and_then(|rest| rest.split("</div>").next()).unwrap();
        assert!(words.contains(said), "{path} {fields:?}: {words}");
    }
    // Another than the one that was looked at is not published, whoever looked.
    let other = [("draft", "0000000000000000")];
    let (status, page) = post(&scene, "publisher", "/utkast/publiser", &other).await;
    let words = page.split("id=\"wrong\"").nth(1).and_then(|rest| rest.split("</div>").next()).unwrap();
    assert!(status == 409 && words.contains("endret"), "{status} {words}");
    let deeds = "SELECT COUNT(*) FROM audit WHERE what NOT LIKE 'draft show%'";
    assert_eq!(scene.fixture.count(deeds).await, 0, "of nothing that was done nothing is noted");
}
