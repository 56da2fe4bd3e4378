//! Promise W2 on the pages, as `tests/tests/audit.rs` has it of the commands: whatever a form does stands in the audit, once, under its own name
//! and in the name of who did it; and where it cannot be noted it is not done. A new form without its step here fails.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;

use super::addresses::{Method, PAGES};
use super::matrix::{HERE, Scene};
use crate::account::secret::Secret;
use crate::account::totp::TotpSecret;
use crate::advisory::{Audience, Wording};
use crate::command::init::{self, InitArguments};
use crate::present::text::Language;
use crate::store::account::LinkKind;
use crate::store::advisory::draft::New;
use crate::store::fixture::NOW;
use crate::store::{DATABASE_FILE, Scope, setting};
use varde_common::tlp::Tlp;

/// Forms that have no entry of their own, and why.
const NOT_NOTED: [(&str, &str); 6] = [
    ("/lenke/{secret}/oidc", "io/provider_forms.rs has a provider"),
    ("/konto/oidc", "io/provider_forms.rs has a provider"),
    ("/konto/oidc/bort", "io/provider_forms.rs has a provider"),
    ("/konto/sprak", "how one reads is nobody else's business"),
    ("/visninger", "what one looks at is no deed"),
    ("/skjerm", "it is given its token, whose use is noted with it"),
];

const BLOCK: &str = "CREATE TRIGGER blocked BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no entry'); END";

/// A scene, and which forms were tried in it.
struct Tried {
    scene: Scene,
    forms: RefCell<BTreeSet<&'static str>>,
}

/// The form's address as the table has it.
fn form(path: &str) -> &'static str {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == parts.len()
            && known.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
    };
    let mut forms: Vec<&str> =
        PAGES.iter().filter(|one| one.method == Method::Post).map(|one| one.path).filter(|known| fits(known)).collect();
    forms.sort_by_key(|known| known.contains('{'));
    forms.first().copied().unwrap_or_else(|| panic!("no form {path}"))
}

impl Tried {
    async fn new() -> Tried {
        let scene = Scene::new().await;
        let kept = tokio::task::spawn_blocking(|| crate::account::password::kept("blå elg spiser grus", &[7; 16]));
        let sql = format!("UPDATE account SET password = '{}', totp = zeroblob(20)", kept.await.unwrap().unwrap());
        scene.fixture.run(sql.leak()).await;
        Tried { scene, forms: RefCell::default() }
    }

    async fn ask(&self, who: &str, path: &str, body: &str) -> (u16, String) {
        let (comes_with, csrf) = self.scene.comes_with(who).await;
        let head = format!("{comes_with}{HERE}");
        self.scene.ask(&format!("POST {path}"), &head, &format!("csrf={csrf}&{body}")).await
    }

    /// Does it where it can be noted: once, as `what`, in the name of who did it.
    async fn does(&self, who: &str, path: &str, body: &str, what: &str) -> String {
        let store = &self.scene.fixture.store;
        let before = store.audit_entries(Scope::Operator, 0).await.unwrap().len();
        let (status, answer) = self.ask(who, path, body).await;
        assert!(matches!(status, 200 | 303), "{path} {body} as {who}: {answer}");
        let entries = store.audit_entries(Scope::Operator, 0).await.unwrap();
        let said: Vec<(&str, &str)> =
            entries[before..].iter().map(|entry| (entry.what.as_str(), entry.who.as_str())).collect();
        let own: Vec<_> = said.iter().filter(|(known, _)| *known == what).collect();
        // Of a recall also the list that is left of it is told.
        let is_told = own.len() == 1 || (own.len() == 2 && what == "recall");
        assert!(is_told, "{path} {body} is not in the audit once as {what:?}: {said:?}");
        let is_own = |(_, by): &&(&str, &str)| who == "stranger" || by.starts_with(&format!("{who} (account "));
        assert!(own.iter().all(is_own), "{path} {body} is said to be another's: {said:?}");
        self.forms.borrow_mut().insert(form(path));
        answer
    }

    /// The same, and before that where nothing can be noted: then nothing is done either.
    async fn noted(&self, who: &str, path: &str, body: &str, what: &str) -> String {
        let store = &self.scene.fixture.store;
        let mut watch = store.readers().acquire().await.unwrap();
        self.scene.fixture.run(BLOCK).await;
        // It comes with a session of its own: what is looked at begins after that.
        let (comes_with, csrf) = self.scene.comes_with(who).await;
        let version = async |watch: &mut sqlx::SqliteConnection| -> i64 {
            sqlx::query_scalar("PRAGMA data_version").fetch_one(watch).await.unwrap()
        };
        let before = version(&mut watch).await;
        let head = format!("{comes_with}{HERE}");
        let (status, answer) = self.scene.ask(&format!("POST {path}"), &head, &format!("csrf={csrf}&{body}")).await;
        assert_eq!(version(&mut watch).await, before, "{path} {body} was done without an entry: {answer}");
        assert!(!matches!(status, 200 | 303), "{path} {body} says that it was done: {answer}");
        drop(watch);
        self.scene.fixture.run("DROP TRIGGER blocked").await;
        self.does(who, path, body, what).await
    }

    /// A draft for member 1: its address, and the name of what it holds.
    async fn draft(&self) -> (String, String) {
        let store = &self.scene.fixture.store;
        let wording = Wording { title: "Varsel".parse().unwrap(), body: "Ring oss.".parse().unwrap() };
        let new = New {
            is_named: true,
            campaign: None,
            audience: Audience::Chosen,
            chosen: &[1],
            tlp: Tlp::Amber,
            wordings: &[(Language::Bokmaal, wording)],
            measures: &[],
            who: "kari",
        };
        let id = store.new_advisory(&new, NOW).await.unwrap().unwrap();
        let view = store.advisory(Scope::Operator, id).await.unwrap().unwrap();
        (format!("/varsel/{}", view.uuid), view.seal.unwrap())
    }

    async fn one(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(self.scene.fixture.store.readers()).await.unwrap()
    }
}

const PEOPLE: &[&str] = &[
    "/innlogging",
    "/konto/passord",
    "/konto/kode",
    "/konto/okt",
    "/utlogging",
    "/lenke/{secret}",
    "/brukere",
    "/brukere/{id}",
];

#[tokio::test]
async fn w2_what_is_done_to_accounts_stands_in_the_audit_or_is_not_done() {
    let tried = Tried::new().await;
    let (store, zero) = (&tried.scene.fixture.store, TotpSecret::from_octets(&[0; 20]).unwrap());
    const OLD: &str = "bl%C3%A5+elg+spiser+grus";
    let code = zero.code_at(NOW);
    // A code is used up before anything is done with it.
    let given = format!("name=auditor&password={OLD}&code={code}");
    tried.does("stranger", "/innlogging", &given, "sign in").await;
    let chosen = format!("current={OLD}&password=ny+hest+under+bordet&again=ny+hest+under+bordet");
    tried.noted("analyst", "/konto/passord", &chosen, "change password").await;
    let other = TotpSecret::of(&Secret::new([9; 32]));
    let chosen = format!("current={OLD}&secret={}&code={}", other.text(), other.code_at(NOW));
    tried.noted("publisher", "/konto/kode", &chosen, "change second factor").await;
    let account = store.account_named(Scope::Operator, "analyst").await.unwrap().unwrap().id;
    tried.noted("analyst", "/utlogging", "", "sign out").await;
    for (kind, octet, body, what) in [
        (LinkKind::SignIn, 91, String::new(), "sign in"),
        (
            LinkKind::Invitation,
            92,
            format!("password=ny+hest+under+bordet&again=ny+hest+under+bordet&secret={}&code={code}", zero.text()),
            "accept",
        ),
    ] {
        let link = Secret::new([octet; 32]);
        store.make_link(kind, Some(account), &link, NOW).await.unwrap();
        tried.noted("stranger", &format!("/lenke/{}", link.text()), &body, what).await;
    }
    let invited = tried.noted("administrator", "/brukere", "name=ny.en&role=analyst&member=", "user add").await;
    assert!(invited.contains("/lenke/"), "{invited}");
    let made = store.account_named(Scope::Operator, "ny.en").await.unwrap().unwrap().id;
    for (body, what) in [
        ("do=role&role=publisher", "user role"),
        ("do=stop", "user disable"),
        ("do=start", "user enable"),
        ("do=sessions", "user sessions"),
        ("do=link", "user link"),
        ("do=reset", "user reset"),
    ] {
        tried.noted("administrator", &format!("/brukere/{made}"), body, what).await;
    }
    // Of two sessions of one's own one is ended.
    let (comes_with, csrf) = tried.scene.comes_with("it").await;
    let it = store.account_named(Scope::Operator, "it").await.unwrap().unwrap().id;
    let other = store.begin_session(it, &Secret::new([77; 32]), "", NOW).await.unwrap();
    let (status, _) = tried
        .scene
        .ask("POST /konto/okt", &format!("{comes_with}{HERE}"), &format!("csrf={csrf}&session={other}"))
        .await;
    assert_eq!(status, 303);
    let noted = "SELECT COUNT(*) FROM audit WHERE what = 'end session' AND who LIKE 'it (account %'";
    assert_eq!(tried.scene.fixture.count(noted).await, 1);
    let mut forms = tried.forms.into_inner();
    forms.insert(form("/konto/okt"));
    assert_eq!(forms.into_iter().collect::<Vec<_>>(), sorted(PEOPLE));
}

fn sorted(forms: &[&'static str]) -> Vec<&'static str> {
    let forms: BTreeSet<&str> = forms.iter().copied().collect();
    forms.into_iter().collect()
}

const MEMBERS: &[&str] = &[
    "/sensorer",
    "/sensor/{id}",
    "/sensor/{id}/steng",
    "/medlem/{number}",
    "/medlem/{number}/epost",
    "/varsel/nytt",
    "/varsel/{id}/rediger",
    "/varsel/{id}/send",
    "/varsel/{id}/forkast",
    "/varsel/{id}/epost",
    "/varsel/{id}/lest",
    "/varsel/{id}/svar",
    "/varsel/{id}/ringt",
    "/behandle",
    "/angre",
];

/// Keys and root document of a collector, beside the scene's database.
async fn with_keys(tried: &Tried) {
    let made = tempfile::tempdir().unwrap();
    let data = made.path().join("c");
    init::run(&data, InitArguments { address: Some("varde.example".parse().unwrap()), ..InitArguments::default() })
        .await
        .unwrap();
    let here = tried.scene.fixture.store.directory();
    let mut folders = vec![data.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let to = here.join(entry.path().strip_prefix(&data).unwrap());
            if entry.file_type().unwrap().is_dir() {
                fs::create_dir_all(&to).unwrap();
                folders.push(entry.path());
            } else if !entry.file_name().to_string_lossy().starts_with(DATABASE_FILE) {
                fs::copy(entry.path(), &to).unwrap();
            }
        }
    }
    tried.scene.fixture.store.set_setting(setting::ADDRESS, "varde.example").await.unwrap();
}

#[tokio::test]
async fn w2_what_is_done_to_members_sensors_and_advisories_stands_in_the_audit_or_is_not_done() {
    let tried = Tried::new().await;
    with_keys(&tried).await;
    let (fixture, store) = (&tried.scene.fixture, &tried.scene.fixture.store);
    let waits = "UPDATE sensor SET enrolled_at = NULL, spki_sha256 = NULL, pending_at = 5, pending_spki_sha256 = zeroblob(32) WHERE id IN (2, 3)";
    fixture.run(waits).await;
    let token = tried.noted("analyst", "/sensorer", "number=1001", "sensor token").await;
    assert!(token.contains("id=\"token\""), "{token}");
    tried.noted("analyst", "/sensor/2", "do=approve&same=1", "sensor approve").await;
    tried.noted("analyst", "/sensor/3", "do=refuse", "sensor refuse").await;
    tried.noted("analyst", "/sensor/1/steng", "sure=1&reason=tapt", "sensor revoke").await;
    let contact = "do=contact&role=it&name=Kari&telephone=22+00+00+00&email=ikt%40a.no";
    tried.noted("it", "/medlem/1001", contact, "member set").await;

    let draft = "tlp=TLP%3AAMBER&audience=chosen&numbers=1001&title-nb=Varsel&text-nb=Ring.";
    tried.noted("publisher", "/varsel/nytt", draft, "advisory new").await;
    let (first, seal) = tried.draft().await;
    tried.noted("publisher", &format!("{first}/rediger"), &format!("{draft}&utgave={seal}"), "advisory edit").await;
    tried.noted("publisher", &format!("{first}/forkast"), "", "advisory withdraw").await;
    let (sent, seal) = tried.draft().await;
    tried.noted("publisher", &format!("{sent}/send"), &format!("sett=ja&utgave={seal}"), "advisory send").await;
    store.set_setting(setting::MAIL, setting::ON).await.unwrap();
    tried.noted("publisher", &format!("{sent}/epost"), "", "advisory resend").await;
    tried.noted("it", &format!("{sent}/lest"), "", "advisory read").await;
    tried.noted("management", &format!("{sent}/svar"), "answer=words&text=Takk", "advisory answer").await;
    tried.noted("analyst", &format!("{sent}/ringt"), "number=1001", "advisory read-by").await;
    tried.noted("analyst", "/medlem/1001/epost", "to=compromised&reason=x", "member mail").await;

    let incident = tried.one("SELECT CAST(MIN(id) AS TEXT) FROM incident").await;
    let take = format!("act=take&target=i{incident}");
    tried.noted("analyst", "/behandle", &take, "page take").await;
    let deed = tried.one("SELECT CAST(MAX(id) AS TEXT) FROM triage").await;
    tried.noted("analyst", "/angre", &format!("deed={deed}"), "page undo").await;
    assert_eq!(tried.forms.into_inner().into_iter().collect::<Vec<_>>(), sorted(MEMBERS));
}

const INTELLIGENCE: &[&str] = &[
    "/utkast/lim",
    "/utkast/gjennomgang",
    "/utkast/publiser",
    "/indikator/{id}/tilbakekall",
    "/indikator/{id}/overstyr",
    "/kilder",
    "/lister/tilbakekall",
    "/lister/opphev",
];

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let found = page.split_once(&format!("name=\"{name}\" value=\"")).map(|(_, rest)| rest);
    found.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("no {name} in {page}")).to_owned()
}

#[tokio::test]
async fn w2_what_is_done_to_intelligence_stands_in_the_audit_or_is_not_done() {
    let tried = Tried::new().await;
    with_keys(&tried).await;
    tried.scene.fixture.run("DELETE FROM alert").await;
    let settings = tried.scene.fixture.store.directory().join("collector.toml");
    fs::write(settings, "four_eyes = true\n").unwrap();
    let get = async |path: &str| {
        let (comes_with, _) = tried.scene.comes_with("publisher").await;
        tried.scene.ask(&format!("GET {path}"), &comes_with, "").await.1
    };
    let take_in = async |name: &str| {
        let pasted = format!("text={name}&source=NCSC");
        let (_, page) = tried.ask("analyst", "/utkast/lim", &pasted).await;
        let seen = hidden(&page, "seen");
        tried.noted("analyst", "/utkast/lim", &format!("{pasted}&act=take&seen={seen}"), "indicator import").await;
    };
    let publish = async |name: &str| {
        take_in(name).await;
        let draft = hidden(&get("/utkast/neste").await, "draft");
        let asked = format!("draft={draft}&reason=sett");
        let lists = "SELECT COUNT(*) FROM list_revision";
        let before = tried.scene.fixture.count(lists).await;
        let (status, page) = tried.ask("publisher", "/utkast/publiser", &asked).await;
        assert_eq!((status, tried.scene.fixture.count(lists).await), (409, before), "nobody else has looked: {page}");
        tried.noted("administrator", "/utkast/gjennomgang", &asked, "draft review").await;
        tried.does("publisher", "/utkast/publiser", &asked, "publish").await;
    };
    publish("vond.example").await;
    publish("verre.example").await;
    let list = tried.one("SELECT CAST(MAX(revision) AS TEXT) FROM list_revision").await;
    let why = "reason=feil&sure=1";
    tried.noted("publisher", "/lister/tilbakekall", &format!("{why}&list={list}"), "recall").await;
    let worse = tried.one("SELECT CAST(id AS TEXT) FROM indicator WHERE pattern = 'verre.example'").await;
    tried.noted("publisher", "/lister/opphev", &format!("indicator={worse}&reason=likevel"), "recall lift").await;
    tried.noted("publisher", &format!("/indikator/{worse}/tilbakekall"), why, "recall").await;
    take_in("altinn.no").await;
    let held = tried.one("SELECT CAST(id AS TEXT) FROM indicator WHERE pattern = 'altinn.no'").await;
    let until = NOW.plus(std::time::Duration::from_secs(86_400)).to_string();
    let why = format!("reason=sett&until={}", &until[..10]);
    tried.noted("publisher", &format!("/indikator/{held}/overstyr"), &why, "lint override").await;
    let plan = r#"{"kind":"file","url":"https://f.example/","max_octets":1,"within_s":2}"#;
    let plan = serde_json::from_str(plan).unwrap();
    tried.scene.fixture.store.add_source("Felles", &plan, 3_600, NOW).await.unwrap();
    tried.noted("publisher", "/kilder", "name=Felles&act=pause", "source pause").await;
    assert_eq!(tried.forms.into_inner().into_iter().collect::<Vec<_>>(), sorted(INTELLIGENCE));
}

#[test]
fn w2_every_form_has_its_step_here() {
    let there: BTreeSet<&str> = PAGES.iter().filter(|one| one.method == Method::Post).map(|one| one.path).collect();
    let steps = [PEOPLE, MEMBERS, INTELLIGENCE].concat();
    let all: BTreeSet<&str> = steps.into_iter().chain(NOT_NOTED.iter().map(|(path, _)| *path)).collect();
    assert_eq!(there, all, "a new form says in io/noted_forms.rs what the audit says of it");
}
