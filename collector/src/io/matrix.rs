//! Promise W1, by the table of addresses: every address by every role, of the member whose thing is asked for and of another, says what it
//! is to say. A new address without its row here fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{broadcast, watch};
use varde_common::record::RecordBody;
use varde_common::tlp::Tlp;

use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::advisory::{Audience, Wording};
use crate::api::{PREFIX, RESOURCES};
use crate::ingest::tests::{batch, fixture, opened, send};
use crate::io::addresses::{Method, Need, PAGES, of_api};
use crate::io::oidc::Oidc;
use crate::io::web::{Manner, serve_by};
use crate::present::text::Language;
use crate::store::advisory::draft::New;
use crate::store::advisory::send::Sending;
use crate::store::fixture::{Fixture, NOW};
use crate::store::page_token::NewToken;
use crate::store::{Scope, campaign};

/// Who asks: a stranger; analyst, publisher, administrator, auditor; the IT and the management of the member whose things they are; the IT
/// of another member; a screen; a program that reads as an analyst, and one that reads as the IT of the other member.
pub(super) const ASKING: [&str; 11] = [
    "stranger",
    "analyst",
    "publisher",
    "administrator",
    "auditor",
    "it",
    "management",
    "other",
    "wall",
    "program",
    "others-program",
];

/// What each of [`ASKING`] is answered.
pub(super) type Row = (Method, &'static str, [u16; 11]);

const EVERYBODY: [u16; 11] = [200; 11];
/// The API, by who may look.
const LOOKS: [u16; 11] = [401, 200, 200, 200, 200, 200, 200, 200, 403, 200, 200];
/// What publishers do alone.
const PUBLISHES: [u16; 11] = [401, 403, 200, 200, 403, 403, 403, 403, 403, 403, 403];
/// The same, of what was sent.
const WAS_SENT: [u16; 11] = [401, 403, 303, 303, 403, 403, 403, 403, 403, 403, 403];
/// A thing of the member's, by who may look.
const LOOKS_AT_OWN: [u16; 11] = [401, 200, 200, 200, 200, 200, 200, 404, 403, 200, 404];
/// A thing of the member's that names hosts.
const HOSTS_OF_OWN: [u16; 11] = [401, 200, 200, 200, 403, 200, 403, 404, 403, 200, 404];
/// The same as a page: a stranger is led to where one signs in.
const fn as_page(row: [u16; 11]) -> [u16; 11] {
    let [_, rest @ ..] = row;
    let [a, b, c, d, e, f, g, h, i, j] = rest;
    [303, a, b, c, d, e, f, g, h, i, j]
}

/// What is of all members side by side.
const LOOKS_AT_ALL: [u16; 11] = [303, 200, 200, 200, 200, 403, 403, 403, 403, 200, 403];
/// A form of the operator's work that does not say what is to be done.
const WORK_UNSAID: [u16; 11] = [401, 422, 422, 422, 403, 403, 403, 403, 403, 403, 403];
/// What administrators and auditors alone read.
const AUDITS: [u16; 11] = [303, 403, 403, 200, 200, 403, 403, 403, 403, 403, 403];
/// What administrators alone do.
const ADMINISTERS: [u16; 11] = [303, 403, 403, 200, 403, 403, 403, 403, 403, 403, 403];
/// A form of one's own account with nothing in it.
const OWN_ACCOUNT: [u16; 11] = [401, 422, 422, 422, 422, 422, 422, 422, 403, 403, 403];

/// What everybody at the operator may look at.
const OPERATOR_LOOKS: [u16; 11] = [303, 200, 200, 200, 200, 403, 403, 403, 403, 200, 403];
/// What publishers do, asked for without what it takes.
const PUBLISHES_NOTHING: [u16; 11] = [401, 403, 422, 422, 403, 403, 403, 403, 403, 403, 403];

pub(super) const EXPECTED: &[Row] = &[
    (Method::Get, "/", [303, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    (Method::Get, "/kampanje/{id}", [303, 200, 200, 200, 403, 200, 403, 200, 403, 200, 200]),
    (Method::Get, "/sak/{id}", as_page(HOSTS_OF_OWN)),
    (Method::Get, "/sensor/{id}", as_page(LOOKS_AT_OWN)),
    (Method::Get, "/sensorer", as_page(LOOKS)),
    // Without a member's number.
    (Method::Post, "/sensorer", WORK_UNSAID),
    // Without what is to become of it.
    (Method::Post, "/sensor/{id}", WORK_UNSAID),
    (Method::Get, "/sensor/{id}/steng", [303, 200, 200, 200, 403, 403, 403, 403, 403, 200, 403]),
    // Without a reason.
    (Method::Post, "/sensor/{id}/steng", WORK_UNSAID),
    (Method::Get, "/medlem/{number}", as_page(LOOKS_AT_OWN)),
    // With nothing that is to be done.
    (Method::Post, "/medlem/{number}", [401, 422, 422, 422, 403, 422, 403, 404, 403, 403, 403]),
    // Without a reason.
    (Method::Post, "/medlem/{number}/epost", WORK_UNSAID),
    (Method::Get, "/medlemmer", LOOKS_AT_ALL),
    (Method::Get, "/varsel", as_page(LOOKS)),
    (Method::Get, "/varsel/nytt", as_page(PUBLISHES)),
    // With nothing written.
    (Method::Post, "/varsel/nytt", [401, 403, 422, 422, 403, 403, 403, 403, 403, 403, 403]),
    // What was sent is led to: there is nothing to write any more.
    (Method::Get, "/varsel/{id}/rediger", [303, 403, 303, 303, 403, 403, 403, 403, 403, 403, 403]),
    (Method::Post, "/varsel/{id}/rediger", WAS_SENT),
    (Method::Get, "/varsel/{id}/utkast", [303, 403, 303, 303, 403, 403, 403, 403, 403, 403, 403]),
    (Method::Post, "/varsel/{id}/send", WAS_SENT),
    (Method::Post, "/varsel/{id}/forkast", WAS_SENT),
    (Method::Post, "/varsel/{id}/epost", WAS_SENT),
    (Method::Get, "/varsel/{id}", as_page(LOOKS_AT_OWN)),
    // Those at the member it went to; at the CSIRT nobody reads or answers for a member.
    (Method::Post, "/varsel/{id}/lest", [401, 404, 404, 404, 404, 303, 303, 404, 403, 403, 403]),
    // Without an answer: the page again, which says so.
    (Method::Post, "/varsel/{id}/svar", [401, 404, 404, 404, 404, 422, 422, 404, 403, 403, 403]),
    // Without a member's number.
    (Method::Post, "/varsel/{id}/ringt", [401, 404, 404, 404, 403, 403, 403, 403, 403, 403, 403]),
    (Method::Get, "/tiltak", as_page(LOOKS)),
    (Method::Get, "/personvern", EVERYBODY),
    (Method::Get, "/sendes", EVERYBODY),
    (Method::Get, "/api/picture", [401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    (Method::Get, "/live", [401, 200, 200, 200, 200, 403, 403, 403, 200, 200, 403]),
    (Method::Get, "/health", EVERYBODY),
    (Method::Get, "/innlogging", [200, 303, 303, 303, 303, 303, 303, 303, 200, 200, 200]),
    // Without a name.
    (Method::Post, "/innlogging", [403; 11]),
    // Where no provider is set; `tests/tests/oidc.rs` has one.
    (Method::Get, "/innlogging/oidc", [404; 11]),
    (Method::Get, "/innlogging/oidc/svar", [404; 11]),
    (Method::Post, "/lenke/{secret}/oidc", [404; 11]),
    (Method::Post, "/konto/oidc", [401, 404, 404, 404, 404, 404, 404, 404, 403, 403, 403]),
    (Method::Post, "/konto/oidc/bort", [401, 404, 404, 404, 404, 404, 404, 404, 403, 403, 403]),
    (Method::Get, "/konto", [303, 200, 200, 200, 200, 200, 200, 200, 403, 403, 403]),
    // Without what one has.
    (Method::Post, "/konto/passord", OWN_ACCOUNT),
    (Method::Post, "/konto/kode", OWN_ACCOUNT),
    (Method::Post, "/konto/sprak", OWN_ACCOUNT),
    (Method::Post, "/konto/okt", [401, 303, 303, 303, 303, 303, 303, 303, 403, 403, 403]),
    (Method::Post, "/utlogging", [401, 303, 303, 303, 303, 303, 303, 303, 403, 403, 403]),
    (Method::Get, "/lenke/{secret}", [404; 11]),
    (Method::Post, "/lenke/{secret}", [404; 11]),
    (Method::Get, "/skjerm", EVERYBODY),
    // Without a token.
    (Method::Post, "/skjerm", [403; 11]),
    (Method::Get, "/alarmer", [303, 200, 200, 200, 403, 200, 403, 200, 403, 200, 200]),
    (Method::Get, "/alarmer/eksport", [303, 200, 200, 200, 403, 200, 403, 200, 403, 200, 200]),
    (Method::Get, "/saker", as_page(LOOKS)),
    (Method::Get, "/saker/eksport", as_page(LOOKS)),
    (Method::Get, "/kampanjer", as_page(LOOKS)),
    (Method::Get, "/kampanjer/eksport", as_page(LOOKS)),
    // With nothing selected.
    (Method::Post, "/behandle", [401, 422, 422, 422, 403, 403, 403, 403, 403, 403, 403]),
    (Method::Get, "/angre", [303, 200, 200, 200, 403, 403, 403, 403, 403, 200, 403]),
    // Of nothing that was done.
    (Method::Post, "/angre", [401, 409, 409, 409, 403, 403, 403, 403, 403, 403, 403]),
    (Method::Get, "/demping", [303, 200, 200, 200, 200, 403, 403, 403, 403, 200, 403]),
    (Method::Get, "/revisjon", AUDITS),
    (Method::Get, "/revisjon/eksport", AUDITS),
    (Method::Get, "/brukere", ADMINISTERS),
    // Without a role.
    (Method::Post, "/brukere", [401, 403, 403, 422, 403, 403, 403, 403, 403, 403, 403]),
    (Method::Get, "/brukere/{id}", ADMINISTERS),
    // Without what is to be done.
    (Method::Post, "/brukere/{id}", [401, 403, 403, 422, 403, 403, 403, 403, 403, 403, 403]),
    // With a name.
    (Method::Post, "/visninger", [401, 303, 303, 303, 303, 403, 403, 403, 403, 403, 403]),
    (Method::Get, "/indikatorer", as_page(LOOKS)),
    // One that all of them have met.
    (Method::Get, "/indikator/{id}", as_page(LOOKS)),
    // Without a reason.
    (Method::Post, "/indikator/{id}/tilbakekall", PUBLISHES_NOTHING),
    (Method::Post, "/indikator/{id}/overstyr", PUBLISHES_NOTHING),
    (Method::Get, "/utkast", OPERATOR_LOOKS),
    // With nothing pasted.
    (Method::Post, "/utkast/lim", [401, 422, 422, 422, 403, 403, 403, 403, 403, 403, 403]),
    (Method::Get, "/utkast/neste", OPERATOR_LOOKS),
    (Method::Post, "/utkast/gjennomgang", PUBLISHES_NOTHING),
    (Method::Post, "/utkast/publiser", PUBLISHES_NOTHING),
    (Method::Get, "/kilder", OPERATOR_LOOKS),
    // Of no source.
    (Method::Post, "/kilder", PUBLISHES_NOTHING),
    (Method::Get, "/lister", OPERATOR_LOOKS),
    (Method::Post, "/lister/tilbakekall", PUBLISHES_NOTHING),
    (Method::Post, "/lister/opphev", PUBLISHES_NOTHING),
    (Method::Get, "/api/v1/campaigns", LOOKS),
    (Method::Get, "/api/v1/campaigns/{id}", LOOKS),
    (Method::Get, "/api/v1/incidents", LOOKS),
    (Method::Get, "/api/v1/incidents/{id}", HOSTS_OF_OWN),
    (Method::Get, "/api/v1/alerts", [401, 200, 200, 200, 403, 200, 403, 200, 403, 200, 200]),
    (Method::Get, "/api/v1/alerts/{id}", HOSTS_OF_OWN),
    (Method::Get, "/api/v1/indicators", LOOKS),
    (Method::Get, "/api/v1/indicators/{id}", LOOKS),
    (Method::Get, "/api/v1/sensors", LOOKS),
    (Method::Get, "/api/v1/members", LOOKS),
    (Method::Get, "/api/v1/silence", LOOKS),
    (Method::Get, "/api/v1/proposals", LOOKS),
    (Method::Get, "/api/v1/guards", LOOKS),
    (Method::Get, "/api/v1/advisories", LOOKS),
    (Method::Get, "/api/v1/advisories/{id}", LOOKS_AT_OWN),
    (Method::Get, "/api/v1/statistics", LOOKS),
    (Method::Get, "/api/v1/status", LOOKS),
    (Method::Get, "/api/v1/openapi.json", LOOKS),
];

/// Every address there is, and what somebody needs.
fn all() -> Vec<(Method, String, Need)> {
    let pages = PAGES.iter().map(|address| (address.method, address.path.to_owned(), address.need));
    let api = RESOURCES.iter().map(|one| (Method::Get, format!("{PREFIX}{}", one.path), of_api(one.which)));
    pages.chain(api).collect()
}

pub(super) struct Scene {
    pub(super) fixture: Fixture,
    address: String,
    _stop: watch::Sender<bool>,
    /// Drawn so far.
    drawn: std::cell::Cell<u8>,
    /// Requests so far.
    asked: std::cell::Cell<u8>,
}

impl Scene {
    pub(super) async fn new() -> Scene {
        Scene::with(None).await
    }

    /// One with such a provider to sign in at.
    pub(super) async fn with(oidc: Option<Arc<Oidc>>) -> Scene {
        let fixture = fixture(4).await;
        for member in 1..=4 {
            send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
        }
        let store = &fixture.store;
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
        let sending = Sending { who: "kari", with_mail: false, now: NOW };
        store.send_advisory(id, sending).await.unwrap().unwrap();
        for (name, role, member) in [
            ("analyst", Role::Analyst, None),
            ("publisher", Role::Publisher, None),
            ("administrator", Role::Administrator, None),
            ("auditor", Role::Auditor, None),
            ("it", Role::It, Some("1001")),
            ("management", Role::Management, Some("1001")),
            ("other", Role::It, Some("1002")),
        ] {
            let member = member.map(|number| number.parse().unwrap());
            store.add_account(name, role, member.as_ref(), NOW).await.unwrap();
        }
        for (name, role, octet) in [("wall", Role::Wall, 201), ("program", Role::Analyst, 202)] {
            let new = NewToken { name, role, member: None, until: None };
            store.add_page_token(&new, &Secret::new([octet; 32]), NOW).await.unwrap();
        }
        let number = "1002".parse().unwrap();
        let new = NewToken { name: "others-program", role: Role::It, member: Some(&number), until: None };
        store.add_page_token(&new, &Secret::new([203; 32]), NOW).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (changes, _) = broadcast::channel(4);
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve_by(
            Manner { clock: || NOW, tls: None, name: None, oidc },
            listener,
            fixture.store.clone(),
            changes,
            stopped,
        ));
        Scene { fixture, address, _stop: stop, drawn: std::cell::Cell::new(0), asked: std::cell::Cell::new(0) }
    }

    /// A new session of one who has an account, or what else it comes with; and what its forms carry.
    pub(super) async fn comes_with(&self, who: &str) -> (String, String) {
        let token = |octet| Secret::new([octet; 32]).token();
        match who {
            "stranger" => (String::new(), String::new()),
            "wall" => (format!("Cookie: a=b; varde-screen={}\r\n", token(201)), String::new()),
            "program" => (format!("Authorization: Bearer {}\r\n", token(202)), String::new()),
            "others-program" => (format!("Authorization: Bearer {}\r\n", token(203)), String::new()),
            account => {
                let scope = crate::store::Scope::Operator;
                let found = self.fixture.store.account_named(scope, account).await.unwrap().unwrap();
                self.drawn.set(self.drawn.get() % 200 + 1);
                let mut octets = [self.drawn.get(); 32];
                octets[0] = u8::try_from(found.id).unwrap();
                let secret = Secret::new(octets);
                self.fixture.run("DELETE FROM page_session").await;
                self.fixture.store.begin_session(found.id, &secret, "", NOW).await.unwrap();
                (format!("Cookie: varde={}\r\n", secret.text()), secret.csrf())
            }
        }
    }

    pub(super) async fn ask(&self, first: &str, head: &str, body: &str) -> (u16, String) {
        // From another address each time: of one so many attempts to come in are taken.
        self.asked.set(self.asked.get() % 200 + 1);
        self.ask_from(self.asked.get(), first, head, body).await
    }

    pub(super) async fn ask_from(&self, last: u8, first: &str, head: &str, body: &str) -> (u16, String) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("127.0.0.{last}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(self.address.parse().unwrap()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        if first.contains(" /live") {
            // It goes on.
            let mut some = [0; 4096];
            let read = stream.read(&mut some).await.unwrap();
            answer.extend(&some[..read]);
        } else {
            stream.read_to_end(&mut answer).await.unwrap();
        }
        let answer = String::from_utf8(answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    /// The first member's thing, by the name by which one knows it.
    async fn name(&self, path: &str, scope: Scope) -> String {
        let is_operator = scope == Scope::Operator;
        let kind = [
            ("kampanje", "campaign"),
            ("campaigns", "campaign"),
            ("sak", "incident"),
            ("incidents", "incident"),
            ("alerts", "alert"),
            ("varsel", "advisory"),
            ("advisories", "advisory"),
        ];
        let table = kind.into_iter().find(|(word, _)| path.contains(word)).map(|(_, table)| table);
        match table {
            Some("campaign") if is_operator => "1".to_owned(),
            // Members know one by a name of their own.
            Some("campaign") => {
                let told = campaign::views(&self.fixture.store, scope, campaign::Chosen::All).await.unwrap();
                told.first().unwrap().uuid.clone()
            }
            Some(table) => {
                let of = if table == "advisory" { "1 = 1" } else { "member_id = 1" };
                let column = if is_operator { "CAST(id AS TEXT)" } else { "uuid" };
                let sql = sqlx::AssertSqlSafe(format!("SELECT {column} FROM {table} WHERE {of} ORDER BY id LIMIT 1"));
                sqlx::query_scalar(sql).fetch_one(self.fixture.store.readers()).await.unwrap()
            }
            None if path.contains("indicators") || path.contains("indikator/") => {
                // One that all of them have met: a member is told of no other.
                let sql = "SELECT CAST(indicator_id AS TEXT) FROM alert ORDER BY id LIMIT 1";
                sqlx::query_scalar(sql).fetch_one(self.fixture.store.readers()).await.unwrap()
            }
            None if path.contains("medlem") => "1001".to_owned(),
            None => "1".to_owned(),
        }
    }
}

fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
    }
}

/// Whether a pseudonym stands there.
fn shows_host(text: &str) -> bool {
    let is_one =
        |rest: &str| rest.len() >= 8 && rest.bytes().take(8).all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    text.split("H-").skip(1).any(is_one)
}

pub(super) const HERE: &str = "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n";

#[test]
fn w1_every_address_has_its_row() {
    let there: BTreeSet<(Method, String)> = all().into_iter().map(|(method, path, _)| (method, path)).collect();
    let expected: BTreeSet<(Method, String)> = EXPECTED.iter().map(|row| (row.0, row.1.to_owned())).collect();
    assert_eq!(expected.len(), EXPECTED.len(), "each once");
    assert_eq!(there, expected, "a new address says in io/matrix.rs what each role is answered");
}

#[tokio::test]
async fn w1_every_address_by_every_role_and_both_members() {
    let scene = Scene::new().await;
    let mut told: BTreeMap<&str, String> = BTreeMap::new();
    for (method, path, expected) in EXPECTED {
        for (who, status) in ASKING.into_iter().zip(expected) {
            let (comes_with, csrf) = scene.comes_with(who).await;
            let scope = match who {
                "it" | "management" => Scope::Member(1),
                "other" | "others-program" => Scope::Member(2),
                _ => Scope::Operator,
            };
            let name = scene.name(path, scope).await;
            let place = path.replace("{id}", &name).replace("{number}", &name).replace("{secret}", &"a".repeat(43));
            let (head, body) = match method {
                Method::Get => (comes_with, String::new()),
                Method::Post => (format!("{comes_with}{HERE}"), format!("csrf={csrf}&name={who}")),
            };
            let (got, answer) = scene.ask(&format!("{} {place}", verb(*method)), &head, &body).await;
            assert_eq!(got, *status, "{} {place} as {who}: {answer}", verb(*method));
            told.entry(who).or_default().push_str(&answer);
        }
    }
    for (who, foreign) in
        [("it", "Kommune 2"), ("management", "Kommune 2"), ("other", "Kommune 1"), ("others-program", "Kommune 1")]
    {
        assert!(!told[who].contains(foreign), "{who} reads of {foreign}");
        assert!(
            told[who].contains(if foreign == "Kommune 2" { "Kommune 1" } else { "Kommune 2" }),
            "{who} reads its own"
        );
    }
    for who in ["stranger", "auditor", "management", "wall"] {
        assert!(!shows_host(&told[who]), "{who} is shown a host");
    }
    assert!(shows_host(&told["it"]) && shows_host(&told["analyst"]));
}

#[tokio::test]
async fn w3_nothing_is_done_for_a_form_that_is_not_from_our_own_page() {
    let scene = Scene::new().await;
    for (method, path, need) in all().into_iter().filter(|(method, _, _)| *method == Method::Post) {
        let place = path.replace("{id}", "1").replace("{secret}", &"a".repeat(43));
        let first = format!("{} {place}", verb(method));
        for head in [
            "",
            "Origin: http://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: https://localhost\r\n",
            "Origin: http://localhost:1\r\n",
            "Origin: http://localhost\r\nSec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
            "Sec-Fetch-Site: none\r\n",
        ] {
            let (comes_with, csrf) = scene.comes_with("administrator").await;
            let (status, answer) = scene.ask(&first, &format!("{comes_with}{head}"), &format!("csrf={csrf}")).await;
            assert_eq!(status, 403, "{first} with {head:?}: {answer}");
        }
        if need == Need::Nothing {
            continue;
        }
        for body in ["", "csrf=", "csrf=x", "other=1"] {
            let (comes_with, _) = scene.comes_with("administrator").await;
            let (status, _) = scene.ask(&first, &format!("{comes_with}{HERE}"), body).await;
            assert_eq!(status, 403, "{first} with {body:?}");
            let left = scene.fixture.count("SELECT COUNT(*) FROM page_session").await;
            assert_eq!(left, 1, "the session stands");
        }
        let (_, others) = scene.comes_with("analyst").await;
        let (comes_with, _) = scene.comes_with("administrator").await;
        let (status, _) = scene.ask(&first, &format!("{comes_with}{HERE}"), &format!("csrf={others}")).await;
        assert_eq!(status, 403, "{first} with another session's");
    }
}

#[tokio::test]
async fn w3_a_form_has_so_many_octets_and_no_more() {
    let scene = Scene::new().await;
    let body = format!("token={}", "a".repeat(1024 * 1024));
    let (status, answer) = scene.ask("POST /skjerm", HERE, &body).await;
    assert_eq!(status, 413, "{answer}");
    let (status, _) = scene.ask("POST /skjerm", HERE, "token=%ff%fe&token=&&&=").await;
    assert!(matches!(status, 400 | 403 | 422), "{status}");
}

#[test]
fn w1_pages_are_given_their_scope_by_the_gate_alone() {
    let io = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/io");
    let mut looked_at = 0;
    let mut files = vec![io.join("web.rs"), io.join("api.rs"), io.join("visit.rs")];
    files.extend(std::fs::read_dir(io.join("web")).unwrap().map(|entry| entry.unwrap().path()));
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for word in ["Scope::", "use crate::store::Scope", "Who { by"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
        // Before anybody is known, where one comes in.
        let may = ["sign_in.rs", "link.rs", "oidc.rs", "screen.rs"].iter().any(|name| path.ends_with(name));
        assert!(may || !text.contains("threshold()"), "{}", path.display());
        looked_at += 1;
    }
    assert!(looked_at >= 7);
}
