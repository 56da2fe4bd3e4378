//! Promise: what analysts read and do from the lists, over HTTP as a browser sends it and without any script: narrowed, handled, undone, saved,
//! taken along; and what is wrong with a form is said in a sentence.

use super::matrix::{ASKING, EXPECTED, HERE, Scene};
use crate::filter::List;
use crate::io::addresses::Method;
use crate::store::Scope;
use crate::store::desk::tests::alert;

async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.fixture.run("DELETE FROM meeting").await;
    // Just now, by the clock of the tests; those of the scene are days old.
    alert(&scene.fixture, 9_001, (1, 1), 2, 10).await;
    alert(&scene.fixture, 9_002, (2, 1), 4, 20).await;
    alert(&scene.fixture, 9_003, (1, 3), 1, 30).await;
    scene
}

async fn get(scene: &Scene, who: &str, path: &str) -> (u16, String) {
    let (comes_with, _) = scene.comes_with(who).await;
    scene.ask(&format!("GET {path}"), &comes_with, "").await
}

async fn post(scene: &Scene, who: &str, path: &str, body: &str) -> (u16, String) {
    let (comes_with, csrf) = scene.comes_with(who).await;
    scene.ask(&format!("POST {path}"), &format!("{comes_with}{HERE}"), &format!("csrf={csrf}&{body}")).await
}

fn location(answer: &str) -> &str {
    answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default()
}

#[tokio::test]
async fn the_list_is_narrowed_by_its_address_and_says_what_it_does_not_understand() {
    let scene = scene().await;
    let (status, page) = get(&scene, "analyst", "/alarmer").await;
    assert_eq!(status, 200);
    for part in [
        "evil[.]no",
        "2 av 4 som kunne se det",
        "alarmer per",
        "Hvorfor ser jeg dette?",
        "id=\"histogram\"",
        "id=\"tools\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, page) = get(&scene, "analyst", "/alarmer?q=medlem%3A1002+tlp%3Ared").await;
    assert!(page.contains("href=\"/alarmer?q=tlp%3Ared\"") && page.contains("Ingenting i dette tidsrommet"), "{page}");
    assert!(page.contains("Ingen av de ") && !page.contains("<strong>0 "), "{page}");
    let (status, page) = get(&scene, "analyst", "/alarmer?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E+medlm%3A1&t=9d").await;
    assert_eq!(status, 200);
    assert!(page.contains("medlm:1") && page.contains("Bruk 1t, 24t, 7d eller 30d"), "{page}");
    assert!(!page.contains("<script>alert"), "what was typed is text");
    // A member reads its own and handles nothing.
    let (_, page) = get(&scene, "it", "/alarmer").await;
    assert!(page.contains("evil[.]no") && !page.contains("id=\"tools\"") && !page.contains("Kommune 2"), "{page}");
}

#[tokio::test]
async fn many_are_handled_at_once_and_undone_without_any_script() {
    let scene = scene().await;
    let (status, answer) =
        post(&scene, "analyst", "/behandle", "act=acknowledge&target=n1&target=n3&tilbake=%2Falarmer%3Ft%3D7d").await;
    assert_eq!((status, location(&answer)), (303, "/alarmer?t=7d&gjort=1"), "{answer}");
    let (_, page) = get(&scene, "analyst", "/alarmer?t=7d&gjort=1").await;
    assert!(page.contains("id=\"toast\"") && page.contains("kvittert av analyst"), "{page}");
    let (_, others) = get(&scene, "publisher", "/alarmer?gjort=1").await;
    assert!(!others.contains("id=\"toast\""), "nobody undoes another's");
    assert_eq!(post(&scene, "publisher", "/angre", "deed=1").await.0, 409);
    let (_, page) = get(&scene, "analyst", "/angre").await;
    assert!(page.contains("name=\"deed\" value=\"1\""), "{page}");
    let (status, answer) = post(&scene, "analyst", "/angre", "deed=1").await;
    assert_eq!((status, location(&answer)), (303, "/angre?angret=1"));
    let (_, page) = get(&scene, "analyst", "/alarmer?q=status%3Akvittert").await;
    assert!(!page.contains("evil[.]no"), "{page}");
    let entries = scene.fixture.store.audit_entries(Scope::Operator, 0).await.unwrap();
    let by: Vec<&str> =
        entries.iter().filter(|entry| entry.what.starts_with("page ")).map(|entry| entry.who.as_str()).collect();
    assert!(by.len() == 2 && by.iter().all(|who| who.starts_with("analyst (account ")), "{by:?}");
    // To one it can be done, to the other not: both are told.
    let (status, page) = post(&scene, "analyst", "/behandle", "act=take&target=i1&target=i999").await;
    assert!(status == 200 && page.contains("sak 999: finnes ikke lenger") && page.contains("Gjort med 1."), "{page}");
}

#[tokio::test]
async fn what_came_after_the_page_was_fetched_is_not_acknowledged_by_it() {
    let scene = scene().await;
    let (_, page) = get(&scene, "analyst", "/alarmer").await;
    assert!(page.contains("name=\"newest\" value=\"9003\""), "{page}");
    let (_, own) = get(&scene, "it", "/alarmer").await;
    assert!(!own.contains("value=\"9003\""), "how many alerts there are is told to no member: {own}");
    alert(&scene.fixture, 9_004, (1, 1), 2, 1).await;
    assert_eq!(post(&scene, "analyst", "/behandle", "act=acknowledge&target=n1&newest=9003").await.0, 303);
    let (_, page) = get(&scene, "analyst", "/alarmer?q=status%3Any").await;
    assert!(page.contains("evil[.]no"), "{page}");
    assert_eq!(post(&scene, "analyst", "/behandle", "act=acknowledge&target=n1&newest=9004").await.0, 303);
    let (_, page) = get(&scene, "analyst", "/alarmer?q=status%3Any").await;
    assert!(!page.contains("evil[.]no"), "{page}");
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_said_and_nothing_is_done() {
    let scene = scene().await;
    for (body, words) in [
        ("act=acknowledge", "Kryss av for det"),
        ("act=false-positive&target=n1", "Skriv en begrunnelse"),
        ("act=mute&target=n1&reason=kjent&days=0", "fra 1 til 365"),
        ("act=mute&target=n1&reason=kjent&member=9999", "noe medlem med det nummeret"),
        ("act=note&target=i1&reason=", "Skriv et notat"),
        ("act=destroy&target=n1", "Ikke gjort"),
        ("act=acknowledge&target=x1&target=n-1&target=n", "Kryss av for det"),
    ] {
        let (status, page) = post(&scene, "analyst", "/behandle", body).await;
        assert!(status == 422 && page.contains(words), "{body}: {status} {page}");
    }
    let many = (1..=101).map(|id| format!("target=n{id}")).collect::<Vec<_>>().join("&");
    assert_eq!(post(&scene, "analyst", "/behandle", &format!("act=acknowledge&{many}")).await.0, 422);
    assert_eq!(scene.fixture.count("SELECT COUNT(*) FROM triage").await, 0);
    // Nobody is led away from here.
    for back in ["https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example", "%2Falarmer%0d%0aX%3A1"] {
        let (_, answer) =
            post(&scene, "analyst", "/behandle", &format!("act=acknowledge&target=n1&tilbake={back}")).await;
        assert!(location(&answer).starts_with("/alarmer") && !answer.contains("evil"), "{answer}");
        scene.fixture.run("DELETE FROM acknowledged").await;
    }
}

#[tokio::test]
async fn what_is_muted_is_listed_and_ended_with_a_reason_whoever_muted_it_and_however_long_ago() {
    let scene = scene().await;
    let mute = "act=mute&target=n1&reason=kjent+reklame&days=30";
    assert_eq!(post(&scene, "publisher", "/behandle", mute).await.0, 303);
    scene.fixture.run("UPDATE muted SET given_at = given_at - 86400000000").await;
    let (_, page) = get(&scene, "analyst", "/alarmer?vis=alt").await;
    assert!(page.contains("href=\"/demping?indikator=1\"") && page.contains("id=\"tools-everywhere\""), "{page}");
    let (status, page) = get(&scene, "analyst", "/demping").await;
    assert_eq!(status, 200);
    for part in ["evil[.]no", "kjent reklame", "alle medlemmer", "publisher", "value=\"d1\"", "1 demping gjelder"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, page) = get(&scene, "auditor", "/demping").await;
    assert!(page.contains("kjent reklame") && !page.contains("id=\"tools\""), "{page}");
    let lift = |reason: &str| format!("act=unmute&target=d1&reason={reason}&tilbake=%2Fdemping");
    assert_eq!(post(&scene, "analyst", "/behandle", &lift("")).await.0, 422);
    let (status, answer) = post(&scene, "analyst", "/behandle", &lift("ikke+reklame")).await;
    assert_eq!((status, location(&answer)), (303, "/demping?gjort=2"), "{answer}");
    let (_, page) = get(&scene, "analyst", "/demping?gjort=2").await;
    assert!(page.contains("Ingenting er dempet") && page.contains("id=\"toast\""), "{page}");
    let entries = scene.fixture.store.audit_entries(Scope::Operator, 0).await.unwrap();
    let last = entries.iter().find(|entry| entry.what == "page unmute").unwrap();
    assert!(last.who.starts_with("analyst") && last.became.contains("ikke reklame"), "{}", last.became);
    let (status, page) = post(&scene, "analyst", "/behandle", &lift("igjen")).await;
    assert!(status == 200 && page.contains("demping 1: er ikke dempet"), "{page}");
}

#[tokio::test]
async fn a_view_is_saved_shared_renamed_and_deleted_by_whose_it_is() {
    let scene = scene().await;
    let save = |name: &str, shared: &str| format!("do=save&list=alerts&q=tlp%3Aamber&t=7d&name={name}{shared}");
    assert_eq!(post(&scene, "analyst", "/visninger", &save("Gule", "")).await.0, 303);
    assert_eq!(post(&scene, "analyst", "/visninger", &save("Delte", "&shared=1")).await.0, 303);
    let (status, page) = post(&scene, "analyst", "/visninger", &save("Gule", "")).await;
    assert!(status == 422 && page.contains("med det navnet fra før"), "{page}");
    let (_, own) = get(&scene, "analyst", "/alarmer").await;
    assert!(own.contains(">Gule</a>") && own.contains("href=\"/alarmer?q=tlp%3Aamber&#38;t=7d\""), "{own}");
    let (_, others) = get(&scene, "publisher", "/alarmer").await;
    assert!(!others.contains(">Gule</a>") && others.contains(">Delte</a>"), "{others}");
    for body in ["do=delete&view=1", "do=rename&view=1&name=Min"] {
        let (status, page) = post(&scene, "publisher", "/visninger", body).await;
        assert!(status == 422 && page.contains("en annens"), "{page}");
    }
    assert_eq!(post(&scene, "analyst", "/visninger", "do=rename&view=1&name=Rav").await.0, 303);
    assert_eq!(post(&scene, "analyst", "/visninger", "do=delete&view=2").await.0, 303);
    let (_, own) = get(&scene, "analyst", "/alarmer").await;
    assert!(own.contains(">Rav</a>") && !own.contains(">Delte</a>"), "{own}");
}

#[tokio::test]
async fn what_is_taken_along_has_its_marking_and_stands_in_the_audit() {
    let scene = scene().await;
    let (status, file) = get(&scene, "analyst", "/alarmer/eksport?form=csv").await;
    assert_eq!(status, 200);
    assert!(
        file.contains("filename=\"varde-alarmer-TLP-AMBER.csv\"") && file.contains("\u{feff}able_to_see;alerts;"),
        "{file}"
    );
    let (_, file) = get(&scene, "analyst", "/alarmer/eksport?form=defanged").await;
    assert!(file.contains("TLP:AMBER\n") && file.contains("evil[.]no\n") && !file.contains("evil.no"), "{file}");
    let (_, file) = get(&scene, "it", "/alarmer/eksport?form=json").await;
    assert!(file.contains("\"tlp\":\"TLP:AMBER\"") && file.contains("\"members\":1"), "{file}");
    assert!(file.contains("\"complete\":true"), "{file}");
    assert_eq!(get(&scene, "analyst", "/alarmer/eksport?form=exe").await.0, 404);
    let entries = scene.fixture.store.audit_entries(Scope::Operator, 0).await.unwrap();
    let exports: Vec<_> = entries.iter().filter(|entry| entry.what == "page export").collect();
    assert_eq!((exports.len(), exports[2].members.as_str()), (3, " 1001 "));
    assert!(exports[0].became.contains("2 rows of alerts as csv, up to TLP:AMBER"), "{}", exports[0].became);
    // What cannot be noted is not given.
    scene.fixture.run("ALTER TABLE audit RENAME TO gone").await;
    let (status, answer) = get(&scene, "analyst", "/alarmer/eksport?form=csv").await;
    assert!(status != 200 && !answer.contains("evil"), "{answer}");
}

#[tokio::test]
async fn w1_the_lists_and_what_is_done_from_them_by_every_role() {
    let scene = scene().await;
    let mut asked = 0;
    for (method, path, expected) in EXPECTED {
        let is_ours = List::ALL.iter().any(|list| path.starts_with(list.path()))
            || ["/behandle", "/angre", "/demping", "/visninger"].contains(path);
        if !is_ours {
            continue;
        }
        for (who, status) in ASKING.into_iter().zip(expected) {
            let (got, answer) = match method {
                Method::Get => get(&scene, who, path).await,
                // As the matrix fills forms in.
                Method::Post => post(&scene, who, path, &format!("name={who}")).await,
            };
            assert_eq!(got, *status, "{path} as {who}: {answer}");
            let foreign = match who {
                "it" | "management" => "Kommune 2",
                "other" | "others-program" => "Kommune 1",
                _ => continue,
            };
            assert!(!answer.contains(foreign), "{path} as {who}: {answer}");
            asked += 1;
        }
    }
    assert_eq!(asked, 11 * 4);
}
