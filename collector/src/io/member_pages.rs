//! Promise, over HTTP and without any script: what a member's people are shown and may do, how an advisory is written on a page, and that no
//! role is shown a link that it is refused.

use std::collections::{BTreeSet, VecDeque};

use super::matrix::{HERE, Scene};
use crate::profile::{Contact, Edit, Role as Contacted, Wanted};
use crate::store::Scope;
use crate::store::fixture::NOW;

/// Links that one role is followed along: as many as there are, and some room.
const FOLLOWED_MAX: usize = 400;
/// Of one page, the ways to ask for it that are followed.
const QUERIES_MAX: usize = 5;

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

/// The field of a page that says which draft it shows.
fn seen(page: &str) -> String {
    let value = page.split("name=\"utgave\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    format!("utgave={}", value.unwrap())
}

/// Member 1 has somebody to ring, whom nobody has confirmed.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    let telephone = Some("61 18 00 00".parse().unwrap());
    let contact = Contact { name: "Kari Nordmann".to_owned(), telephone, ..Contact::default() };
    let edits = vec![Edit::Contact(Contacted::OnCall, contact)];
    let wanted = [Wanted { number: "1001".parse().unwrap(), name: None, edits }];
    scene.fixture.store.write_members(&wanted, false, NOW).await.unwrap();
    scene
}

#[tokio::test]
async fn a_members_it_is_told_what_to_do_and_management_three_answers_without_hosts() {
    let scene = scene().await;
    let (status, page) = get(&scene, "it", "/").await;
    assert_eq!(status, 200);
    for part in
        ["Gjør dette nå", "href=\"/tiltak#", "Minst 3 andre", "href=\"/varsel/", "Kari Nordmann", "ALDRI:", "/sendes"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("Kommune 2") && !page.contains("id=\"map\""), "others are a number: {page}");
    let (status, page) = get(&scene, "management", "/").await;
    assert_eq!(status, 200);
    for part in ["Er vi rammet?", "Hva gjør vi?", "Hvem ringer vi?", "href=\"tel:+4761180000\"", "61 18 00 00"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for never in ["H-", "/sak/", "/kampanje/", "/alarmer"] {
        assert!(!page.split("<main").nth(1).unwrap().contains(never), "{never}: {page}");
    }
    // Whom to ring is corrected and confirmed by the member itself, and stands in the audit.
    let (_, front) = get(&scene, "it", "/").await;
    assert!(front.contains("id=\"to-contacts\"") && front.contains("href=\"/medlem/1001#change\""), "{front}");
    assert!(front.contains("<form method=\"post\" action=\"/medlem/1001\" id=\"confirm-contacts\">"), "{front}");
    let (status, answer) = post(&scene, "it", "/medlem/1001", "do=confirm").await;
    assert_eq!((status, location(&answer)), (303, "/medlem/1001?lagret=1"));
    assert!(!get(&scene, "it", "/").await.1.contains("id=\"to-contacts\""));
    let noted = "SELECT COUNT(*) FROM audit WHERE what = 'member set' AND who LIKE 'it (account%'";
    assert_eq!(scene.fixture.count(noted).await, 1);
    let (status, _) = post(&scene, "other", "/medlem/1001", "do=confirm").await;
    assert_eq!(status, 404, "nobody confirms another's");
    let (status, _) = post(&scene, "analyst", "/medlem/1001", "do=confirm").await;
    assert_eq!(status, 303, "the response team does, when it has rung");
}

#[tokio::test]
async fn w1_a_members_front_page_counts_nothing_that_is_for_few() {
    let scene = scene().await;
    scene.fixture.run("UPDATE indicator SET published_in = 1, tlp = 'TLP:AMBER', source = 'Kilde for alle'").await;
    scene.fixture.run("UPDATE indicator SET tlp = 'TLP:RED', source = 'Kilde for noen' WHERE id = 2").await;
    let list =
        "INSERT INTO list_revision (revision, manifest, base, count, published_at) VALUES (1, x'', x'', 4242, 1)";
    scene.fixture.run(list).await;
    let (status, page) = get(&scene, "it", "/").await;
    let lists = page.split("id=\"lists-title\"").nth(1).and_then(|rest| rest.split("</section>").next()).unwrap();
    assert_eq!(status, 200);
    for never in ["TLP:RED", "Kilde for noen", "4242", "4\u{a0}242"] {
        assert!(!lists.contains(never), "{never}: {lists}");
    }
}

#[tokio::test]
async fn an_advisory_is_written_looked_over_and_sent_on_pages() {
    let scene = scene().await;
    let text = "title-nb=Falsk+%3Cscript%3E&text-nb=Ring+dem.&tlp=TLP%3AAMBER&measure=ask-user";
    for (body, said) in [
        ("tlp=TLP%3AAMBER&audience=all".to_owned(), "Det står ingen tekst på bokmål eller nynorsk"),
        ("title-nb=x&tlp=TLP%3AAMBER&audience=all".to_owned(), "Bokmål: teksten mangler"),
        ("text-nb=x&tlp=TLP%3AAMBER&audience=all".to_owned(), "Bokmål: overskriften mangler"),
        (format!("{text}&audience=chosen&numbers=1001+9999"), "9999 er ikke nummeret"),
        (format!("{text}&audience=chosen"), "Velg hvem som skal ha det"),
        (format!("{text}&audience=campaign"), "handler ikke om en kampanje"),
        (format!("{text}&audience=all&measure=nothing-such"), "Velg høyst 20 tiltak"),
        ("title-nb=x&text-nb=y&tlp=rosa&audience=all".to_owned(), "Velg hvor langt det kan deles"),
    ] {
        let (status, page) = post(&scene, "publisher", "/varsel/nytt", &body).await;
        assert!(status == 422 && page.contains(said), "{body}: {status} {page}");
        assert!(!page.contains("<script>x") && !page.contains("Falsk <script>"), "what was typed is text");
    }
    let count = "SELECT COUNT(*) FROM advisory WHERE state = 'draft'";
    assert_eq!(scene.fixture.count(count).await, 0, "nothing of it was kept");

    let body = format!("{text}&audience=chosen&numbers=1001%2C+1002");
    let (status, answer) = post(&scene, "publisher", "/varsel/nytt", &body).await;
    assert_eq!(status, 303, "{answer}");
    let draft = location(&answer).to_owned();
    let own = draft.strip_suffix("/utkast").unwrap().to_owned();
    let (_, page) = get(&scene, "publisher", &draft).await;
    for part in
        ["2 medlemmer får det", "Ingen får e-post", "61 18 00 00", "Falsk &#60;script&#62;", "Send til 2 medlemmer"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(get(&scene, "it", &own).await.0, 404, "a draft is nobody's");
    // It is changed: what was filled in is there, and what is taken out is out.
    let (_, page) = get(&scene, "publisher", &format!("{own}/rediger")).await;
    assert!(page.contains("value=\"1001 1002\"") && page.contains("Ring dem."), "{page}");
    let body = "title-nn=Falsk&text-nn=Ring.&tlp=TLP%3AGREEN&audience=chosen&numbers=1001";
    let body = format!("{body}&{}", seen(&page));
    let (status, _) = post(&scene, "publisher", &format!("{own}/rediger"), &body).await;
    assert_eq!(status, 303);
    let (_, page) = get(&scene, "publisher", &draft).await;
    let looked_at = seen(&page);
    assert!(page.contains("1 medlem får det") && page.contains("TLP:GREEN") && !page.contains("Ring dem."), "{page}");

    let (status, page) = post(&scene, "publisher", &format!("{own}/send"), "").await;
    assert!(status == 422 && page.contains("Kryss av"), "{status} {page}");
    assert_eq!(scene.fixture.count(count).await, 1);
    for once in [(303, own.as_str()), (303, own.as_str())] {
        let body = format!("sett=ja&{looked_at}");
        let (status, answer) = post(&scene, "publisher", &format!("{own}/send"), &body).await;
        assert_eq!((status, location(&answer)), once, "sent once, and led to from then on");
    }
    let sent = "SELECT COUNT(*) FROM audit WHERE what = 'advisory send' AND who LIKE 'publisher (account%'";
    assert_eq!(scene.fixture.count(sent).await, 1);
    assert!(get(&scene, "it", "/").await.1.contains("Falsk"));
    assert_eq!(post(&scene, "it", &format!("{own}/lest"), "").await.0, 303);
    assert!(get(&scene, "publisher", &own).await.1.contains("Lest av 1 av 1"));

    // From a campaign: its members and the measures that are proposed for it.
    let (_, page) = get(&scene, "publisher", "/varsel/nytt?kampanje=1").await;
    assert!(page.contains("id=\"to-campaign\"") && page.contains("foreslått"), "{page}");
    // A draft is thrown away.
    let (_, answer) = post(&scene, "publisher", "/varsel/nytt", &format!("{text}&audience=all")).await;
    let thrown = location(&answer).strip_suffix("/utkast").unwrap().to_owned();
    assert_eq!(location(&post(&scene, "publisher", &format!("{thrown}/forkast"), "").await.1), "/varsel");
    assert_eq!(scene.fixture.count(count).await, 0);
}

#[tokio::test]
async fn every_text_of_a_draft_is_shown_and_none_is_sent_or_written_over_that_nobody_has_looked_at() {
    let scene = scene().await;
    let text = "tlp=TLP%3AAMBER&audience=chosen&numbers=1001&measure=ask-user&title-nb=Falsk&text-nb=Ring+dem.";
    let others = "&title-nn=Falskt&text-nn=Ring+dei.&title-en=Fake&text-en=Call+them.";
    let (_, answer) = post(&scene, "publisher", "/varsel/nytt", &format!("{text}{others}")).await;
    let draft = location(&answer).to_owned();
    let own = draft.strip_suffix("/utkast").unwrap().to_owned();
    let (_, page) = get(&scene, "publisher", &draft).await;
    for part in ["Ring dem.", "Ring dei.", "Call them.", "lang=\"nn\"", "lang=\"en\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, form) = get(&scene, "publisher", &format!("{own}/rediger")).await;
    assert_eq!(seen(&page), seen(&form), "the same draft");

    // Somebody changes it meanwhile, in one respect at a time: what was looked at is not that any more.
    scene.fixture.run("DELETE FROM advisory_text WHERE language = 'nn' OR language = 'en'").await;
    let begun = seen(&get(&scene, "publisher", &draft).await.1);
    let set = async |what: &str, value: &str| {
        let (table, column) = what.split_once(' ').unwrap();
        let key = if table == "advisory" { "id" } else { "advisory_id" };
        let sql = format!("UPDATE {table} SET {column} = '{value}' WHERE {key} = (SELECT MAX(id) FROM advisory)");
        scene.fixture.run(sql.leak()).await;
    };
    for (change, other, was) in [
        ("advisory_text title", "Betal.", "Falsk"),
        ("advisory_text body", "Betal dem.", "Ring dem."),
        ("advisory tlp", "TLP:CLEAR", "TLP:AMBER"),
        ("advisory audience", "all", "chosen"),
        ("advisory_recipient member_id", "2", "1"),
        ("advisory_measure key", "isolate-machine", "ask-user"),
    ] {
        set(change, other).await;
        let (status, page) = post(&scene, "publisher", &format!("{own}/send"), &format!("sett=ja&{begun}")).await;
        assert!(status == 409 && page.contains("Noen har endret utkastet"), "{change}: {status} {page}");
        let written = format!("{text}+Straks.&{begun}");
        let (status, page) = post(&scene, "publisher", &format!("{own}/rediger"), &written).await;
        assert!(status == 409 && page.contains("Noen har endret utkastet"), "{change}: {status} {page}");
        assert!(page.contains("Ring dem. Straks.") && page.contains(&format!("href=\"{draft}\"")), "{page}");
        assert_ne!(seen(&page), begun, "who goes on from there knows of it");
        set(change, was).await;
    }
    let drafts = "SELECT COUNT(*) FROM advisory WHERE state = 'draft'";
    let noted = "SELECT COUNT(*) FROM audit WHERE what IN ('advisory send', 'advisory edit')";
    assert_eq!((scene.fixture.count(drafts).await, scene.fixture.count(noted).await), (1, 0));
    let (status, page) = post(&scene, "publisher", &format!("{own}/send"), "sett=ja").await;
    assert_eq!(status, 409, "who says none has looked at none: {page}");
    // Who has a field wrong keeps the draft that the form began with.
    let wrong = format!("{}&{begun}", text.replace("AMBER", "ROSA"));
    let (status, page) = post(&scene, "publisher", &format!("{own}/rediger"), &wrong).await;
    assert_eq!((status, seen(&page)), (422, begun.clone()));
    let (status, answer) = post(&scene, "publisher", &format!("{own}/send"), &format!("sett=ja&{begun}")).await;
    assert_eq!((status, location(&answer)), (303, own.as_str()));
    assert_eq!(scene.fixture.count(drafts).await, 0);
}

#[tokio::test]
async fn mail_is_sent_again_from_the_page_where_any_is_sent() {
    let scene = scene().await;
    let store = &scene.fixture.store;
    scene.fixture.run("UPDATE member_contact SET role = 'it', email = 'it@a.no' WHERE member_id = 1").await;
    assert_eq!(post(&scene, "publisher", "/varsel/1/epost", "").await.0, 303);
    assert_eq!(scene.fixture.count("SELECT COUNT(*) FROM mail").await, 0, "there is no mail server");
    store.set_setting(crate::store::setting::MAIL, crate::store::setting::ON).await.unwrap();
    assert_eq!(post(&scene, "publisher", "/varsel/1/epost", "").await.0, 303);
    assert_eq!(scene.fixture.count("SELECT COUNT(*) FROM mail").await, 1, "who could not be written to then");
    assert_eq!(scene.fixture.count("SELECT COUNT(*) FROM audit WHERE what = 'advisory resend'").await, 1);
    scene.fixture.run("UPDATE mail SET handing_at = 1").await;
    let (_, page) = get(&scene, "publisher", "/varsel/1").await;
    assert!(page.contains("ingen vet om den kom fram") && page.contains("id=\"mail-again\""), "{page}");
    let (_, page) = get(&scene, "auditor", "/varsel/1").await;
    assert!(!page.contains("id=\"mail-again\"") && !page.contains("/ringt\""), "no button that is refused: {page}");
    assert_eq!(store.mails_hung(Scope::Operator, NOW).await.unwrap(), 1);
    // And what is sent from the page goes by mail at once, to whom it may.
    for (trusted, mails) in [(true, 2), (false, 2)] {
        if !trusted {
            scene.fixture.run("INSERT INTO mail_distrusted VALUES (1, 0, 'x', 'y')").await;
        }
        let text = "title-nb=x&text-nb=y&tlp=TLP%3AAMBER&audience=chosen&numbers=1001";
        let (_, answer) = post(&scene, "publisher", "/varsel/nytt", text).await;
        let draft = location(&answer).to_owned();
        let looked_at = seen(&get(&scene, "publisher", &draft).await.1);
        let send = draft.replace("/utkast", "/send");
        assert_eq!(post(&scene, "publisher", &send, &format!("sett=ja&{looked_at}")).await.0, 303);
        assert_eq!(scene.fixture.count("SELECT COUNT(*) FROM mail").await, mails, "trusted: {trusted}");
    }
}

#[tokio::test]
async fn w3_a_link_on_anothers_page_leads_to_the_same_address_once_more() {
    let scene = scene().await;
    let led = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let (status, page) = scene.ask("GET /varsel/1?lang=nb&x=%22%3E%3Cb%3E", led, "").await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains("url=/varsel/1?lang=nb"), "{page}");
    assert!(page.contains("id=\"onward\"") && !page.contains("\"><b>"), "{page}");
    // The browser asks it from here, and nobody is signed in: no circle.
    let own = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let (status, answer) = scene.ask("GET /varsel/1", own, "").await;
    assert_eq!((status, location(&answer)), (303, "/innlogging?til=%2Fvarsel%2F1"));
    let (status, _) = scene.ask("POST /varsel/1/lest", led, "").await;
    assert_eq!(status, 403, "a form from elsewhere does nothing");
    // Who is known all the same goes straight there.
    let (comes_with, _) = scene.comes_with("analyst").await;
    let (_, page) = scene.ask("GET /varsel/1", &format!("{comes_with}{led}"), "").await;
    assert!(!page.contains("http-equiv=\"refresh\""), "{page}");
}

#[tokio::test]
async fn w1_no_link_on_any_page_is_refused_to_the_role_that_is_shown_it() {
    let scene = scene().await;
    for who in ["analyst", "publisher", "administrator", "auditor", "it", "management", "other"] {
        let (comes_with, _) = scene.comes_with(who).await;
        let mut waits = VecDeque::from(["/".to_owned()]);
        let mut met = BTreeSet::from(["/".to_owned()]);
        while let Some(path) = waits.pop_front() {
            let (status, answer) = scene.ask(&format!("GET {path}"), &comes_with, "").await;
            assert!(status < 400, "{who} is led to {path} and answered {status}");
            if !answer.contains("text/html") {
                continue;
            }
            for (_, rest) in answer.match_indices("<a ").map(|(at, _)| answer.split_at(at)) {
                let tag = rest.split('>').next().unwrap_or_default();
                let Some(href) = tag.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()) else { continue };
                let href = href.replace("&#38;", "&").replace("&amp;", "&");
                let (address, query) = href.split_once('?').unwrap_or((&href, ""));
                let is_looks = query.split('&').any(|pair| pair.starts_with("lang=") || pair.starts_with("scheme="));
                if href.starts_with("tel:") || href.starts_with('#') || is_looks {
                    continue;
                }
                assert!(href.starts_with('/') && !href.starts_with("//"), "{who} at {path}: {href}");
                let next = href.split('#').next().unwrap_or(address).to_owned();
                // Lists are narrowed in ever more ways: of each page a few.
                let place = next.split('?').next().unwrap_or_default();
                let is_enough =
                    met.iter().filter(|known| known.split('?').next() == Some(place)).count() >= QUERIES_MAX;
                if !is_enough && met.insert(next.clone()) {
                    waits.push_back(next);
                }
            }
            assert!(met.len() < FOLLOWED_MAX, "{who} has more than {FOLLOWED_MAX} links: {met:?}");
        }
        assert!(met.len() > 8, "{who}: {met:?}");
    }
}
