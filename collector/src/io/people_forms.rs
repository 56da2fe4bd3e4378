//! Promise: what is done on the pages of members, sensors and accounts, over HTTP as a browser sends it and without any script: done by who
//! may, noted in the audit, refused with a sentence where it is wrong; and a way back in that is good once.

use std::sync::Arc;

use super::matrix::{HERE, Scene};
use super::oidc::tests::oidc;
use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::oidc::{Purpose, Underway};
use crate::profile::Role as ContactRole;
use crate::store::Scope;
use crate::store::account::LinkKind;
use crate::store::fixture::NOW;

async fn get(scene: &Scene, who: &str, path: &str) -> (u16, String) {
    let (comes_with, _) = scene.comes_with(who).await;
    scene.ask(&format!("GET {path}"), &comes_with, "").await
}

async fn post(scene: &Scene, who: &str, path: &str, body: &str) -> (u16, String) {
    let (comes_with, csrf) = scene.comes_with(who).await;
    scene.ask(&format!("POST {path}"), &format!("{comes_with}{HERE}"), &format!("csrf={csrf}&{body}")).await
}

/// What the audit says of a command: who, on whom, and what it became.
async fn noted(scene: &Scene, what: &str) -> Vec<(String, String, String)> {
    let entries = scene.fixture.store.audit_entries(Scope::Operator, 0).await.unwrap();
    let of = entries.into_iter().filter(|entry| entry.what == what);
    of.map(|entry| (entry.who, entry.on, entry.became)).collect()
}

#[tokio::test]
async fn a_member_keeps_its_own_contacts_and_the_csirt_the_rest() {
    let scene = Scene::new().await;
    let store = &scene.fixture.store;
    let contact = "do=contact&role=it&name=Kari+Nordmann&telephone=22+00+00+00&out_of_hours=&email=ikt%40a.kommune.no&confirmed=1";
    let (status, answer) = post(&scene, "it", "/medlem/1001", contact).await;
    assert!(status == 303 && answer.contains("location: /medlem/1001?lagret=1"), "{answer}");
    let kept = store.profile(Scope::Operator, 1).await.unwrap().unwrap().contacts[&ContactRole::It].clone();
    assert_eq!((kept.name.as_str(), kept.out_of_hours), ("Kari Nordmann", None));
    assert!(kept.confirmed_at.is_some());
    let said = noted(&scene, "member set").await;
    assert!(said.len() == 1 && said[0].0.starts_with("it (account ") && said[0].1 == "member 1001", "{said:?}");
    assert!(said[0].2 == "1001: contact it", "no telephone number stands there: {said:?}");
    let unconfirmed = contact.replace("role=it", "role=security").replace("&confirmed=1", "");
    assert_eq!(post(&scene, "it", "/medlem/1001", &unconfirmed).await.0, 303);
    let kept = store.profile(Scope::Operator, 1).await.unwrap().unwrap().contacts[&ContactRole::Security].clone();
    assert_eq!(kept.confirmed_at, None, "nobody has said that it is right");
    assert_eq!(post(&scene, "it", "/medlem/1001", "do=no-contact&role=security").await.0, 303);
    let (_, page) = get(&scene, "it", "/medlem/1001?lagret=1").await;
    assert!(page.contains("id=\"saved\"") && page.contains("value=\"22 00 00 00\""), "{page}");
    assert!(!page.contains("id=\"profile\"") && !page.contains("id=\"mail\""), "the operator's alone: {page}");

    // What is wrong is said where it is, with what was filled in, and nothing is written.
    let (status, page) = post(&scene, "it", "/medlem/1001", &contact.replace("22+00+00+00", "22x")).await;
    assert!(status == 422 && page.contains("href=\"#contact-it-telephone\""), "{status} {page}");
    assert!(page.contains("value=\"22x\"") && page.contains("id=\"contact-it\" open"), "{page}");
    for (path, body, status) in [
        ("/medlem/1002", contact, 404),
        ("/medlem/1001", "do=profile&supplier=Andre", 422),
        ("/medlem/1001", "do=contact&role=chief", 422),
        ("/medlem/1001/epost", "to=compromised&reason=x", 403),
    ] {
        assert_eq!(post(&scene, "it", path, body).await.0, status, "{path} {body}");
    }
    assert_eq!(noted(&scene, "member set").await.len(), 3);

    let profile = "do=profile&language=nynorsk&covered=yes&supplier=IKT+%C3%98st&domains=a.kommune.no%0D%0Ab.no&networks=192.0.2.0%2F24";
    assert_eq!(post(&scene, "analyst", "/medlem/1001", profile).await.0, 303);
    let kept = store.profile(Scope::Operator, 1).await.unwrap().unwrap();
    assert_eq!((kept.supplier.as_deref(), kept.covered, kept.domains.len()), (Some("IKT Øst"), Some(true), 2));
    let (status, page) = post(&scene, "analyst", "/medlem/1001", &profile.replace("192.0.2.0", "192.0.2.7")).await;
    assert!(status == 422 && page.contains("192.0.2.0/24.") && page.contains("id=\"profile\" open"), "{page}");
    assert_eq!(post(&scene, "analyst", "/medlem/1001", "do=no-contact&role=it").await.0, 303);
    assert!(store.profile(Scope::Operator, 1).await.unwrap().unwrap().contacts.is_empty());

    let reason = "to=compromised&reason=ukjent+innlogging+i+natt";
    assert_eq!(post(&scene, "analyst", "/medlem/1001/epost", reason).await.0, 303);
    assert_eq!(store.mail_distrusted(Scope::Operator, 1).await.unwrap().unwrap().why, "ukjent innlogging i natt");
    let (_, page) = get(&scene, "analyst", "/medlem/1001").await;
    assert!(page.contains("id=\"mail-distrusted\"") && page.contains("ukjent innlogging i natt"), "{page}");
    assert_eq!(noted(&scene, "member mail").await.len(), 1);
}

#[tokio::test]
async fn a_sensor_is_shut_out_with_a_reason_and_by_somebody_who_is_sure() {
    let scene = Scene::new().await;
    for (body, words) in [
        ("sure=1&reason=", "Skriv en grunn"),
        ("sure=1&reason=a%0Ab", "Skriv en grunn"),
        ("reason=stj%C3%A5let", "kryss av for at"),
    ] {
        let (status, page) = post(&scene, "analyst", "/sensor/1/steng", body).await;
        assert!(status == 422 && page.contains(words), "{body}: {page}");
    }
    let revoked = "SELECT COUNT(*) FROM sensor WHERE revoked_at IS NOT NULL";
    assert_eq!(scene.fixture.count(revoked).await, 0);
    let (status, answer) = post(&scene, "analyst", "/sensor/1/steng", "sure=1&reason=stj%C3%A5let").await;
    assert!(status == 303 && answer.contains("location: /sensor/1"), "{answer}");
    assert_eq!(scene.fixture.count(revoked).await, 1);
    let said = noted(&scene, "sensor revoke").await;
    assert!(said.len() == 1 && said[0].2 == "revoked: stjålet", "{said:?}");
    let (_, page) = get(&scene, "analyst", "/sensor/1/steng").await;
    assert!(page.contains("stengt ute allerede") && !page.contains("id=\"revoke-form\""), "{page}");
    assert_eq!(post(&scene, "analyst", "/sensor/99/steng", "sure=1&reason=x").await.0, 404);
}

#[tokio::test]
async fn a_sensor_that_waits_is_approved_once_its_words_were_compared() {
    let scene = Scene::new().await;
    let waits = "UPDATE sensor SET enrolled_at = NULL, spki_sha256 = NULL, pending_at = 5, pending_spki_sha256 = zeroblob(32) WHERE id = 2";
    scene.fixture.run(waits).await;
    let (_, page) = get(&scene, "analyst", "/sensorer").await;
    let words = varde_common::words::fingerprint(&[0; 32]);
    assert!(page.contains("id=\"waits-2\"") && page.contains(&words), "{page}");
    let (_, own) = get(&scene, "other", "/sensorer").await;
    assert!(
        !own.contains("value=\"approve\"") && !own.contains("id=\"new-form\""),
        "a member approves of nothing: {own}"
    );
    let (status, page) = post(&scene, "analyst", "/sensor/2", "do=approve").await;
    assert!(status == 422 && page.contains("de samme åtte ordene"), "{page}");
    assert!(page.contains("<a href=\"#same-2\">") && page.contains("id=\"same-2\" value=\"1\" aria-invalid"), "{page}");
    let (_, page) = post(&scene, "analyst", "/sensorer", "number=").await;
    assert!(
        page.contains("<a href=\"#new-number\">") && !page.contains("id=\"same-2\" value=\"1\" aria-invalid"),
        "{page}"
    );
    assert_eq!(post(&scene, "analyst", "/sensor/2", "do=approve&same=1").await.0, 303);
    let said = noted(&scene, "sensor approve").await;
    assert!(said.len() == 1 && said[0].2.contains(&words), "{said:?}");
    let (status, page) = post(&scene, "analyst", "/sensor/2", "do=refuse").await;
    assert!(status == 422 && page.contains("venter ikke lenger"), "one answer: {page}");
    scene.fixture.run(waits.replace("id = 2", "id = 3").leak()).await;
    scene.fixture.run("UPDATE sensor SET revoked_at = 6 WHERE id = 3").await;
    let (status, page) = post(&scene, "analyst", "/sensor/3", "do=approve&same=1").await;
    assert!(status == 422 && page.contains("venter ikke lenger"), "shut out is shut out: {page}");
    assert!(page.contains("<a href=\"#sensors\">"), "it stands in the list alone: {page}");
}

#[tokio::test]
async fn w3_an_administrator_invites_changes_and_stops_but_never_the_last() {
    let scene = Scene::new().await;
    let store = &scene.fixture.store;
    for (body, words) in [
        ("name=x&role=analyst", "minst to bokstaver"),
        ("name=ny&role=it&member=", "Skriv medlemmets nummer"),
        ("name=ny&role=it&member=9999", "noe medlem med det nummeret"),
        ("name=ny&role=analyst&member=1001", "stå tomt"),
        ("name=ny&role=wall", "Velg en rolle"),
        ("name=analyst&role=analyst", "en konto med det navnet"),
    ] {
        let (status, page) = post(&scene, "administrator", "/brukere", body).await;
        assert!(status == 422 && page.contains(words), "{body}: {status} {page}");
    }
    let (status, page) = post(&scene, "administrator", "/brukere", "name=Ny.En&role=it&member=1001").await;
    assert!(status == 200 && page.contains("http://localhost/lenke/"), "{page}");
    assert!(page.contains("cache-control: no-store"), "no browser keeps it: {page}");
    let made = store.account_named(Scope::Operator, "ny.en").await.unwrap().unwrap();
    assert_eq!((made.role, made.member.as_deref()), (Role::It, Some("1001")));
    let secret = page.split("/lenke/").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let link = store.link(Scope::Operator, &Secret::read(&secret).unwrap(), NOW).await.unwrap().unwrap();
    assert_eq!((link.kind, link.account.unwrap().id), (LinkKind::Invitation, made.id));
    let (_, page) = get(&scene, "administrator", &format!("/brukere/{}", made.id)).await;
    assert!(!page.contains(&secret), "shown once");

    let administrator = store.account_named(Scope::Operator, "administrator").await.unwrap().unwrap().id;
    scene.fixture.run("UPDATE account SET password = 'kept', totp = zeroblob(20) WHERE name = 'administrator'").await;
    for body in ["do=stop", "do=reset", "do=role&role=analyst"] {
        let (status, page) = post(&scene, "administrator", &format!("/brukere/{administrator}"), body).await;
        assert!(status == 409 && page.contains("siste administratoren"), "{body}: {status} {page}");
    }
    assert!(noted(&scene, "user disable").await.is_empty(), "of nothing that was done nothing is noted");
    let analyst = store.account_named(Scope::Operator, "analyst").await.unwrap().unwrap().id;
    for (body, status) in [
        ("do=role&role=publisher", 303),
        ("do=role&role=publisher", 409),
        ("do=role&role=it", 409),
        // A wall is nobody.
        ("do=role&role=wall", 422),
        ("do=stop", 303),
        ("do=link", 409),
        ("do=start", 303),
    ] {
        let (got, page) = post(&scene, "administrator", &format!("/brukere/{analyst}"), body).await;
        assert_eq!(got, status, "{body}: {page}");
    }
    assert_eq!(store.account(Scope::Operator, analyst).await.unwrap().unwrap().role, Role::Publisher);
    // A link that signs in, and after a reset one by which everything is chosen anew.
    for (body, kind) in [("do=link", LinkKind::SignIn), ("do=reset", LinkKind::Invitation)] {
        let (_, page) = post(&scene, "administrator", &format!("/brukere/{analyst}"), body).await;
        let secret = page.split("/lenke/").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
        let link = store.link(Scope::Operator, &Secret::read(secret).unwrap(), NOW).await.unwrap().unwrap();
        assert_eq!((link.kind, link.account.unwrap().id), (kind, analyst), "{body}");
    }
    let said = noted(&scene, "user role").await;
    assert!(said.len() == 1 && said[0].0.starts_with("administrator (account "), "{said:?}");
}

/// A password's hash that this program made: of "blå elg spiser grus".
async fn kept(scene: &Scene) -> String {
    let password = tokio::task::spawn_blocking(|| crate::account::password::kept("blå elg spiser grus", &[7; 16]));
    let kept = password.await.unwrap().unwrap();
    let sql = format!("UPDATE account SET password = '{kept}', totp = zeroblob(20)");
    scene.fixture.run(sql.leak()).await;
    kept
}

#[tokio::test]
async fn w3_who_came_by_a_link_chooses_a_password_without_the_old_once() {
    let scene = Scene::new().await;
    let old = kept(&scene).await;
    let store = &scene.fixture.store;
    let account = store.account_named(Scope::Operator, "analyst").await.unwrap().unwrap().id;
    let new = "password=ny+hest+under+bordet&again=ny+hest+under+bordet";
    let password = async || store.credentials(Scope::Operator, "analyst").await.unwrap().unwrap().password.unwrap();
    // A session that was begun by password has no such way.
    let (status, _) = post(&scene, "analyst", "/konto/passord", new).await;
    assert!(status == 422 && password().await == old, "{status}");

    let (link, session) = (Secret::new([91; 32]), Secret::new([92; 32]));
    store.make_link(LinkKind::SignIn, Some(account), &link, NOW).await.unwrap();
    assert!(store.come_in_by_link(&link, &session, "", NOW).await.unwrap());
    let by = |secret: &Secret| (format!("Cookie: varde={}\r\n{HERE}", secret.text()), secret.csrf());
    let (head, csrf) = by(&session);
    let (_, page) = scene.ask("GET /konto", &head, "").await;
    assert!(page.contains("id=\"recovers\"") && !page.contains("id=\"current\""), "{page}");
    // What is too weak is so here too, and uses nothing up.
    let (status, _) = scene.ask("POST /konto/passord", &head, &format!("csrf={csrf}&password=kort&again=kort")).await;
    assert_eq!(status, 422, "as good as any");
    let named = "analyst-analyst-analyst";
    let (status, _) =
        scene.ask("POST /konto/passord", &head, &format!("csrf={csrf}&password={named}&again={named}")).await;
    assert_eq!(status, 422, "one's own name is none");
    let (status, answer) = scene.ask("POST /konto/passord", &head, &format!("csrf={csrf}&{new}")).await;
    assert_eq!(status, 303, "{answer}");
    let second = password().await;
    assert_ne!(second, old);
    let renamed = answer.split("varde=").nth(1).unwrap().split(';').next().unwrap();
    let (head, csrf) = by(&Secret::read(renamed).unwrap());
    let (_, page) = scene.ask("GET /konto", &head, "").await;
    assert!(!page.contains("id=\"recovers\"") && page.contains("id=\"current\""), "once: {page}");
    let again = new.replace("hest", "kanin");
    let (status, _) = scene.ask("POST /konto/passord", &head, &format!("csrf={csrf}&{again}")).await;
    assert!(status == 422 && password().await == second);
    let said = noted(&scene, "change password").await;
    assert!(said.len() == 1 && said[0].2.contains("without the old one"), "{said:?}");
}

#[tokio::test]
async fn w5_who_has_a_session_alone_guesses_at_the_password_so_often_and_is_seen_to() {
    let scene = Scene::new().await;
    kept(&scene).await;
    let (comes_with, csrf) = scene.comes_with("analyst").await;
    let wrong = format!("csrf={csrf}&current=feil&password=ny+hest+under+bordet&again=ny+hest+under+bordet");
    let mut answers = Vec::new();
    for path in ["/konto/passord", "/konto/kode"].repeat(3) {
        answers.push(scene.ask(&format!("POST {path}"), &format!("{comes_with}{HERE}"), &wrong).await.0);
    }
    assert_eq!(answers, [422, 422, 422, 422, 422, 429], "five of one name, whichever form");
    let (_, became) = refused(&scene).await;
    let first = "wrong name, password or code 1 times; by name: analyst 1; from ";
    assert!(became.starts_with(first), "{became}");
}

/// Who tried to come in and what the audit says of it, once it stands there.
async fn refused(scene: &Scene) -> (String, String) {
    for _ in 0..500 {
        if let Some((who, _, became)) = noted(scene, "sign in refused").await.into_iter().next() {
            return (who, became);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("nothing was noted");
}

#[tokio::test]
async fn w5_wrong_attempts_stand_in_the_audit_and_do_not_fill_it() {
    let scene = Scene::new().await;
    kept(&scene).await;
    for name in ["analyst", "analyst", "hemmelig-passord-i-feil-felt", "publisher"] {
        let (status, _) = scene.ask("POST /innlogging", HERE, &format!("name={name}&password=feil&code=000000")).await;
        assert_eq!(status, 403);
    }
    let mut said = Vec::new();
    for _ in 0..500 {
        said = noted(&scene, "sign in refused").await;
        if !said.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(said.len(), 1, "the first at once, the others together: {said:?}");
    let (who, on, became) = &said[0];
    assert_eq!((who.as_str(), on.as_str()), ("nobody signed in", "the pages"));
    assert!(became.contains("1 times") && !became.contains("hemmelig"), "{became}");
    let entries = scene.fixture.store.audit_entries(Scope::Operator, 0).await.unwrap();
    let one = entries.iter().find(|entry| entry.what == "sign in refused").unwrap();
    assert_eq!(one.members, "", "no member's part");
}

#[tokio::test]
async fn w5_who_did_not_begin_here_shuts_nobody_out_of_the_provider() {
    let folder = tempfile::tempdir().unwrap();
    let oidc = Arc::new(oidc(folder.path()));
    let scene = Scene::with(Some(Arc::clone(&oidc))).await;
    // As a page elsewhere has its readers ask, in the house of whoever signs in.
    for _ in 0..40 {
        assert_eq!(scene.ask_from(7, "GET /innlogging/oidc/svar?code=x&state=y", "", "").await.0, 403);
    }
    let [state, nonce, verifier] = [1, 2, 3].map(|octet| Secret::new([octet; 32]));
    let underway = Underway::new(Purpose::SignIn { til: "/".to_owned() }, [&state, &nonce, &verifier], NOW);
    let cookie = format!("Cookie: varde-oidc={}\r\n", oidc.seal(&underway).unwrap());
    let refused = format!("GET /innlogging/oidc/svar?error=access_denied&state={}", state.text());
    let mut answers = Vec::new();
    for _ in 0..25 {
        answers.push(scene.ask_from(7, &refused, &cookie, "").await.0);
    }
    assert_eq!(
        answers,
        [[403; 20].as_slice(), [429; 5].as_slice()].concat(),
        "twenty of one address, as with passwords"
    );
    let mut said = Vec::new();
    for _ in 0..500 {
        said = noted(&scene, "sign in refused").await;
        if !said.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (who, _, became) = &said[0];
    assert_eq!(who, "nobody signed in");
    assert_eq!(became, "came from the provider and were not let in 1 times; from 127.0.0.7");
}

#[tokio::test]
async fn the_audit_is_read_narrowed_and_taken_along_by_who_may() {
    let scene = Scene::new().await;
    assert_eq!(post(&scene, "analyst", "/sensor/1/steng", "sure=1&reason=%3Cb%3Estj%C3%A5let").await.0, 303);
    let (_, page) = get(&scene, "auditor", "/revisjon?hva=sensor+revoke").await;
    assert!(page.contains("revoked: &#60;b&#62;stjålet") && page.contains("analyst (account 1, analyst)"), "{page}");
    assert!(page.contains("av 1 linjer som passer"), "{page}");
    // A busy machine is still looking when the page is there.
    let mut chain = page;
    for _ in 0..50 {
        if chain.contains("Loggen er hel.") {
            break;
        }
        chain = get(&scene, "auditor", "/revisjon").await.1;
    }
    assert!(chain.contains("Loggen er hel."), "{chain}");
    let (_, page) = get(&scene, "auditor", "/revisjon?hvem=ingen&t=9d").await;
    assert!(page.contains("Bruk 1t, 24t, 7d eller 30d") && page.contains("Ingen passer"), "{page}");
    let before = noted(&scene, "page export").await.len();
    let (status, file) = get(&scene, "auditor", "/revisjon/eksport?hva=sensor+revoke&form=csv").await;
    assert!(status == 200 && file.contains("attachment") && file.contains("revoked: <b>stjålet"), "{file}");
    assert!(!file.contains("page export"), "narrowed as the page is: {file}");
    let (_, file) = get(&scene, "auditor", "/revisjon/eksport?hva=sensor+revoke&form=csv&etter=1").await;
    assert!(file.contains("revoked: <b>stjålet"), "from the newest, whichever page one came from: {file}");
    let said = noted(&scene, "page export").await;
    assert!(said.len() == before + 2 && said.last().unwrap().2.contains("1 rows of the audit as csv"), "{said:?}");
    assert_eq!(get(&scene, "auditor", "/revisjon/eksport?form=defanged").await.0, 404);
    assert_eq!(get(&scene, "analyst", "/revisjon").await.0, 403);
    // Who has no business there is shown no way there either.
    for (who, shown) in [("analyst", false), ("auditor", true), ("administrator", true), ("it", false)] {
        let (_, page) = get(&scene, who, "/saker").await;
        assert_eq!(page.contains("href=\"/revisjon\""), shown, "{who}");
        assert_eq!(page.contains("href=\"/brukere\""), who == "administrator", "{who}");
    }
}

#[tokio::test]
async fn members_and_sensors_are_listed_with_how_they_stand() {
    let scene = Scene::new().await;
    let (status, page) = get(&scene, "analyst", "/medlemmer").await;
    assert!(
        status == 200 && page.contains("Viser 4 av 4 medlemmer") && page.contains("href=\"/medlem/1001\""),
        "{page}"
    );
    assert!(page.contains("rammet") && page.contains("av 357 kommuner"), "{page}");
    let (_, page) = get(&scene, "analyst", "/medlemmer?q=1003").await;
    assert!(page.contains("Viser 1 av 4 medlemmer") && !page.contains("href=\"/medlem/1001\""), "{page}");
    let (_, page) = get(&scene, "analyst", "/sensorer").await;
    assert!(page.contains("Viser 4 av 4 sensorer") && page.contains("id=\"versions\""), "{page}");
    let (_, own) = get(&scene, "it", "/sensorer").await;
    assert!(
        own.contains("Viser 1 av 1 sensorer") && !own.contains("Kommune 2") && !own.contains("id=\"versions\""),
        "{own}"
    );
    let (_, none) = get(&scene, "analyst", "/sensorer?vis=venter").await;
    assert!(none.contains("Viser 0 av 4 sensorer") && none.contains("Ingen passer"), "{none}");
}
