//! Promise W1, not by difference either: whatever is asked of the API and of the pages in a member's place, every octet of the answer is the
//! same whether other members' things are there or not. That others are hit is told from three up, and in steps.

use std::collections::BTreeSet;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};

use varde_common::alert::Evidence;
use varde_common::record::RecordBody;
use varde_common::tlp::Tlp;

use crate::account::role::Role;
use crate::account::secret::Secret;
use crate::advisory::{Answer, Audience, Wording};
use crate::api::parameter::Form;
use crate::api::{PREFIX, RESOURCES};
use crate::ingest::relink::settle_noise;
use crate::ingest::tests::{batch, day, fixture, opened, send};
use crate::io::addresses::{Method, PAGES};
use crate::io::web::{Manner, serve_by};
use crate::present::text::Language;
use crate::store::advisory::draft::New;
use crate::store::advisory::send::Sending;
use crate::store::fixture::{Fixture, NOW};
use crate::store::page_token::{AddedToken, NewToken};
use crate::store::proposal::Settled;
use crate::store::{Scope, verdict};
use crate::verdict::Verdict;

/// The member in whose place it is asked, and its sensor.
const OWN: i64 = 1;

/// A collector that is asked in the place of a member.
struct Asked {
    address: String,
    token: String,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

impl Asked {
    async fn serve(fixture: &Fixture, scope: Scope) -> Asked {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (changes, _) = broadcast::channel(4);
        let (stop, stopped) = watch::channel(false);
        let (role, member) = match scope {
            Scope::Operator => (Role::Administrator, None),
            Scope::Member(id) => (Role::It, Some((1000 + id).to_string().parse().unwrap())),
        };
        let secret = Secret::new([if member.is_some() { 7 } else { 8 }; 32]);
        let new = NewToken { name: role.as_str(), role, member: member.as_ref(), until: None };
        let added = fixture.store.add_page_token(&new, &secret, NOW).await.unwrap();
        assert!(matches!(added, AddedToken::Added(_)));
        let serving = tokio::spawn(serve_by(
            Manner { clock: || NOW, tls: None, name: None, oidc: None },
            listener,
            fixture.store.clone(),
            changes,
            stopped,
        ));
        Asked { address, token: secret.token(), stop, serving }
    }

    /// The whole answer, but for the line that says when it was given.
    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let token = &self.token;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n")
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        self.serving.await.unwrap();
    }
}

/// What each form may be asked for with, so that each filter is on for some and off for others.
fn values(name: &str, form: Form, names: &BTreeSet<String>) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    match form {
        Form::Limit(_) => words(&["1", "2", "100"]),
        Form::Cursor => Vec::new(),
        Form::Moment => (95..=101).map(|at| day(at).to_string()).collect(),
        Form::Day => words(&["2026-11-01"]),
        Form::Flag => words(&["true", "false"]),
        Form::Words(known) => words(known),
        Form::Number => (1..=4).map(|number| number.to_string()).collect(),
        Form::Member => (1001..=1004).map(|number| number.to_string()).collect(),
        Form::Text => {
            if name == "indicator" || name == "threat" {
                return words(&["evil.no", "www.lure.no", "lure", "1", "2", "3"]);
            }
            let mut texts = words(&["none", "1", "2"]);
            texts.extend(names.iter().cloned());
            texts
        }
    }
}

/// Every name outside that an answer holds.
fn names_in(answer: &str, into: &mut BTreeSet<String>) {
    for part in answer.split(|c: char| !(c.is_ascii_hexdigit() || c == '-')).filter(|part| part.len() == 36) {
        into.insert(part.to_owned());
    }
}

fn next_in(answer: &str) -> Option<String> {
    let (_, rest) = answer.rsplit_once("\"next\":\"")?;
    rest.split('"').next().map(str::to_owned)
}

/// Every address with everything that may be asked, in the order of asking, each with its answer: one thing, lists whole and a thing at a
/// time to their end, each filter, numbers that are guessed and names that were told.
async fn all(asked: &Asked, guessed: &BTreeSet<String>) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    let mut names = guessed.clone();
    for resource in RESOURCES.iter().filter(|resource| !resource.path.contains("{id}")) {
        let answer = asked.get(&format!("{PREFIX}{}", resource.path)).await;
        names_in(&answer, &mut names);
        answers.push((resource.path.to_owned(), answer));
    }
    for resource in RESOURCES {
        let path = format!("{PREFIX}{}", resource.path);
        if path.contains("{id}") {
            for name in (1..=6).map(|number| number.to_string()).chain(names.iter().cloned()) {
                let path = path.replace("{id}", &name);
                answers.push((path.clone(), asked.get(&path).await));
            }
            continue;
        }
        let mut queries = Vec::new();
        for parameter in resource.parameters {
            queries.extend(
                values(parameter.name, parameter.form, &names)
                    .into_iter()
                    .map(|value| format!("{}={value}", parameter.name)),
            );
        }
        for query in queries {
            let mut at = format!("{path}?{query}");
            loop {
                let answer = asked.get(&at).await;
                let next = next_in(&answer);
                answers.push((at, answer));
                let Some(next) = next else { break };
                at = format!("{path}?{query}&cursor={next}");
            }
        }
    }
    let mut pages = Vec::new();
    for address in PAGES.iter().filter(|address| address.method == Method::Get) {
        match address.path.split_once('{') {
            None => pages.push(address.path.to_owned()),
            Some((before, _)) => {
                pages.extend((1..=6).chain(1001..=1004).map(|number| format!("{before}{number}")));
                pages.extend(names.iter().map(|name| format!("{before}{name}")));
            }
        }
    }
    for tokens in [
        "",
        "medlem%3A1001",
        "medlem%3A1002",
        "-medlem%3A1002",
        "status%3Any",
        "status%3Adempet",
        "evil",
        "lure",
        "alvor%3Ah%C3%B8y%2B",
    ] {
        pages.extend(
            ["/alarmer", "/saker", "/kampanjer"]
                .map(|list| format!("{list}?q={tokens}&fra=2026-01-01T00%3A00&vis=alt")),
        );
    }
    for page in pages {
        answers.push((page.clone(), asked.get(&page).await));
    }
    answers
}

/// What the member itself has: alerts of three indicators, on several days, one within an exercise.
async fn own(fixture: &Fixture, first_seq: u64, days: std::ops::Range<i64>) {
    let mut bodies = Vec::new();
    for day in days {
        let mut drill = opened(4, 20, day);
        drill.marks.exercise = true;
        // So far that a proposal of noise, which others' meetings bring about, would lower its word.
        let mut lure = opened(2, 11, day);
        lure.evidence = Evidence::Contacted;
        bodies.extend([opened(1, 10, day), lure, drill].map(RecordBody::Opened));
    }
    send(fixture, OWN, &batch(first_seq, bodies)).await;
}

/// What others have: the same indicators and others, further, earlier and later.
async fn others(fixture: &Fixture, members: std::ops::RangeInclusive<i64>, first_seq: u64, first_day: i64) {
    for member in members {
        let mut far = opened(1, 30, first_day + member);
        far.evidence = Evidence::DataOut;
        let bodies = [far, opened(2, 31, first_day), opened(3, 32, first_day + 2), opened(1, 33, first_day)];
        send(fixture, member, &batch(first_seq, bodies.map(RecordBody::Opened).to_vec())).await;
    }
}

/// What people and clocks do about others.
async fn about_others(fixture: &Fixture) {
    fixture.run("UPDATE sensor SET last_seen_at = 5, connected = 1, revision = 0 WHERE id > 1").await;
    fixture
        .run(
            "INSERT INTO silence (id, sensor_id, kind, began_at, found_at, last_at, times, facts)
        VALUES (3, 2, 'unheard', 1, 2, 3, 1, '{\"kind\":\"unheard\",\"session\":false}')",
        )
        .await;
    fixture.run("UPDATE member SET name = 'Annen', supplier = 'IKT' WHERE id = 2").await;
    let alert = fixture.count("SELECT MIN(id) FROM alert WHERE member_id = 2 AND indicator_id = 3").await;
    for said in [Verdict::FalsePositive, Verdict::Confirmed] {
        let word = verdict::Word { verdict: Some(said), reason: "theirs", who: "kari" };
        fixture.store.judge(alert, word, NOW).await.unwrap();
    }
    // Others are written to, read it and answer.
    let wording = Wording { title: "theirs".parse().unwrap(), body: "theirs".parse().unwrap() };
    let new = New {
        is_named: true,
        campaign: None,
        audience: Audience::Chosen,
        chosen: &[2, 3, 4],
        tlp: Tlp::Amber,
        wordings: &[(Language::Bokmaal, wording)],
        measures: &["keep-traces".to_owned()],
        who: "kari",
    };
    let id = fixture.store.new_advisory(&new, NOW).await.unwrap().unwrap();
    let sending = Sending { who: "kari", with_mail: true, now: NOW };
    fixture.store.send_advisory(id, sending).await.unwrap().unwrap();
    let answer = (Answer::NeedHelp, None, Some("theirs"));
    fixture.store.answer_advisory(2, id, answer, ("per", NOW)).await.unwrap().unwrap();
    settle_noise(&fixture.store, 1, Settled::Overruled, ("kari", "no"), NOW).await.unwrap();
}

/// The answers to the same questions must be the same; where not, the first that differs is shown.
fn same(one: &[(String, String)], other: &[(String, String)], what: &str) {
    for ((path, answer), (also, answered)) in one.iter().zip(other) {
        assert_eq!(path, also, "{what}: another list of questions");
        assert_eq!(answer, answered, "{what}: {path}");
    }
    assert_eq!(one.len(), other.len(), "{what}");
    assert!(one.len() > 300, "{}", one.len());
}

/// A world with so many others at work, asked in the member's place.
async fn world(others_at_work: i64, guessed: &BTreeSet<String>) -> (Vec<(String, String)>, BTreeSet<String>) {
    let fixture = fixture(14).await;
    fixture.run("UPDATE indicator SET tlp = 'TLP:RED' WHERE id = 2").await;
    if others_at_work > 0 {
        others(&fixture, 2..=1 + others_at_work, 1, 93).await;
    }
    own(&fixture, 1, 95..97).await;
    if others_at_work > 0 {
        others(&fixture, 2..=1 + others_at_work, 5, 97).await;
    }
    own(&fixture, 7, 98..100).await;
    if others_at_work > 0 {
        about_others(&fixture).await;
    }
    let asked = Asked::serve(&fixture, Scope::Member(OWN)).await;
    let answers = all(&asked, guessed).await;
    asked.end().await;
    let mut uuids = BTreeSet::new();
    // A few of each, of the member's own and of others'.
    for table in ["alert", "incident", "campaign"] {
        let select = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT uuid FROM {table} ORDER BY id % 3, id DESC LIMIT 5"
        )));
        uuids.extend::<Vec<String>>(select.fetch_all(fixture.store.readers()).await.unwrap());
    }
    (answers, uuids)
}

#[tokio::test]
async fn w1_a_member_reads_nothing_of_others_by_difference_either() {
    // Names of everything there is anywhere, as if the member had guessed them.
    let (_, guessed) = world(2, &BTreeSet::new()).await;
    let (alone, _) = world(0, &guessed).await;
    let (with_two, _) = world(2, &guessed).await;
    same(&alone, &with_two, "one or two others");
    let text = alone.iter().map(|(_, answer)| answer.as_str()).collect::<String>();
    assert!(text.contains("H-") && text.contains("Kommune 1") && text.contains("confidential indicator 2"));
    assert!(!text.contains("Kommune 2") && !text.contains("Annen") && !text.contains("www.lure.no\""));
}

#[tokio::test]
async fn w1_of_three_others_and_more_a_member_is_told_a_step_and_nothing_else() {
    let (_, guessed) = world(3, &BTreeSet::new()).await;
    let (with_three, _) = world(3, &guessed).await;
    let (with_nine, _) = world(9, &guessed).await;
    same(&with_three, &with_nine, "three to nine others");
    let text = with_three.iter().map(|(_, answer)| answer.as_str()).collect::<String>();
    assert!(text.contains("\"others_at_least\":3") && text.contains("minst 3 andre"), "they are told of at all");
    let (with_twelve, _) = world(12, &guessed).await;
    let text = with_twelve.iter().map(|(_, answer)| answer.as_str()).collect::<String>();
    assert!(text.contains("\"others_at_least\":10"));
}

#[tokio::test]
async fn w1_the_operator_reads_all_of_it_by_the_same_addresses() {
    let fixture = fixture(4).await;
    others(&fixture, 2..=4, 1, 93).await;
    own(&fixture, 1, 95..97).await;
    let asked = Asked::serve(&fixture, Scope::Operator).await;
    for (path, part) in [
        ("/api/v1/campaigns/1", "\"members_total\":4"),
        ("/api/v1/incidents/1", "H-"),
        ("/api/v1/alerts/1", "\"arrived_at\""),
        ("/api/v1/campaigns?member=1004", "Kommune 4"),
        ("/api/v1/members", "Kommune 4"),
        ("/api/v1/sensors", "\"state\""),
        ("/kampanje/1", "Kommune 4"),
    ] {
        let answer = asked.get(path).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(part), "{path}: {answer}");
    }
    asked.end().await;
}

/// The status of an answer, and where it leads.
fn led(answer: &str) -> (&str, Option<&str>) {
    let status = answer.split(' ').nth(1).unwrap_or_default();
    (status, answer.lines().find_map(|line| line.strip_prefix("location: ")))
}

#[tokio::test]
async fn c_old_numbers_and_names_of_what_became_part_of_another_lead_on_on_the_page() {
    let fixture = fixture(4).await;
    for member in 1..=4 {
        send(&fixture, member, &batch(1, vec![RecordBody::Opened(opened(2, 10, 48))])).await;
    }
    let by = crate::store::ruling::Word { who: "anne", reason: "two things" };
    let store = &fixture.store;
    store.split_campaign(1, &BTreeSet::from([3, 4]), by, NOW).await.unwrap().unwrap();
    // An incident that became part of another.
    fixture
        .run("INSERT INTO merged (kind, id, uuid, into_id, opened_at, merged_at) VALUES ('incident', 900, 'aaaaaaaa-0000-5000-8000-000000000000', 1, 0, 0)")
        .await;
    let uuid = async |kind: &str, id: i64| -> String {
        let sql = sqlx::AssertSqlSafe(format!("SELECT uuid FROM {kind} WHERE id = {id}"));
        sqlx::query_scalar(sql).fetch_one(store.readers()).await.unwrap()
    };
    let (kept, gone) = (uuid("campaign", 1).await, uuid("campaign", 2).await);
    assert_eq!(store.merge_campaigns((2, 1), by, NOW).await.unwrap(), Ok(1));
    let sql = "SELECT id, uuid, into_id FROM merged WHERE kind = 'incident'";
    let (old, old_uuid, into): (i64, String, i64) = sqlx::query_as(sql).fetch_one(store.readers()).await.unwrap();
    let page = Asked::serve(&fixture, Scope::Operator).await;
    let get = async |path: &str| page.get(path).await;
    assert_eq!(led(&get("/kampanje/1").await), ("200", None));
    let to = |place: &str, id: i64| format!("/{place}/{id}?lang=nn&fragment");
    for (place, name, id) in [
        ("kampanje", "2", 1),
        ("kampanje", gone.as_str(), 1),
        ("kampanje", kept.as_str(), 1),
        ("sak", old.to_string().as_str(), into),
        ("sak", old_uuid.as_str(), into),
        ("sak", uuid("incident", into).await.as_str(), into),
    ] {
        let answer = get(&format!("/{place}/{name}?lang=nn&fragment")).await;
        assert_eq!(led(&answer), ("303", Some(to(place, id).as_str())), "{place} {name}");
        assert_eq!(led(&get(&to(place, id)).await).0, "200");
    }
    for unknown in ["/kampanje/77", "/kampanje/x", "/sak/77", "/sak/x", "/sak/ffffffff-0000-0000-0000-000000000000"] {
        assert_eq!(led(&get(unknown).await), ("404", None), "{unknown}");
    }
    page.end().await;
    // A member is led by no number and to none.
    let page = Asked::serve(&fixture, Scope::Member(1)).await;
    for path in [format!("/sak/{old}"), format!("/sak/{into}"), "/kampanje/2".to_owned()] {
        assert_eq!(led(&page.get(&path).await), ("404", None), "{path}");
    }
    assert_eq!(led(&page.get(&format!("/sak/{old_uuid}")).await), ("200", None));
    page.end().await;
}
