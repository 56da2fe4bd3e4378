//! The work on incidents and campaigns by the real programs, as an analyst does it at night: steps and refused steps, notes, measures,
//! legal clocks, a phone call, a false positive; and what a member is handed over of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

/// Two members that met the same indicator: incidents 1 and 2, campaign 1.
fn community(folder: &Path) -> Result<Collector> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo")?;
    collector.publish("vond.example\n")?;
    for (number, place) in [("3407", 1), ("0301", 2)] {
        let mut agent = Agent::new(&folder.join(number), None)?;
        agent.enroll(&collector.token(number)?)?;
        let place = Municipality { number: place };
        let mut traffic = Traffic::starting(varde_agent::io::clock::now());
        let client = std::net::SocketAddr::new(place.client(1), 40_000);
        let question = Question { id: 1, name: "vond.example", qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address("vond.example", [198, 51, 100, 9].into()));
        let file = folder.join(format!("{number}.pcap"));
        capture::write(&file, Format::USUAL, &traffic.packets)?;
        agent.start([std::ffi::OsStr::new("--capture"), file.as_os_str()])?;
        agent.wait()?;
    }
    eventually("the campaign is there", PATIENCE, || Ok((collector.campaigns()?.len() == 1).then_some(())))?;
    Ok(collector)
}

fn json_of(collector: &Collector, line: &[&str]) -> Result<Value> {
    let said = collector.ask(line.iter().copied().chain(["--json"]))?.json()?;
    said.into_iter().next().with_context(|| format!("{line:?} says nothing"))
}

/// That a command is refused with a sentence that says this.
fn refused(collector: &Collector, line: &[&str], says: &str) -> Result<()> {
    let said = collector.try_ask(line.iter().copied())?;
    ensure!(said.code == Some(1) && said.out.is_empty(), "{line:?}: {said:?}");
    ensure!(said.err.contains(says), "{line:?} says: {}", said.err);
    Ok(())
}

/// The incident of a member.
fn incident_of(collector: &Collector, number: &str) -> Result<String> {
    let all = collector.list("incident")?;
    let found = all.iter().find(|incident| incident["member"]["number"] == number).context("no incident")?;
    Ok(found["id"].to_string())
}

/// The lines of a timeline that say this.
fn lines<'a>(shown: &'a Value, what: &str) -> Vec<&'a Value> {
    shown["timeline"].as_array().into_iter().flatten().filter(|line| line["what"] == what).collect()
}

#[test]
fn c_an_analyst_takes_an_incident_from_new_to_closed_and_every_wrong_step_says_what_is_right() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = community(folder.path())?;
    let web = collector.addresses()?.web;
    let (own, other) = (incident_of(&collector, "3407")?, incident_of(&collector, "0301")?);
    let own = own.as_str();

    refused(&collector, &["incident", "contain", own], "varde-collector incident confirm")?;
    refused(&collector, &["incident", "reopen", own, "--reason", "x"], "is not closed, it is new")?;
    refused(&collector, &["incident", "close", own, "--as", "confirmed", "--reason", "x"], "nobody has confirmed it")?;
    refused(&collector, &["incident", "triage", "99"], "varde-collector incident list")?;
    refused(&collector, &["incident", "note", "nei", "--text", "x"], "there is no incident \"nei\"")?;
    refused(
        &collector,
        &["campaign", "close", "9", "--as", "exercise", "--reason", "x"],
        "there is no campaign \"9\"",
    )?;
    refused(&collector, &["incident", "close", own, "--as", "duplicate", "--reason", "x"], "--of NUMBER")?;
    refused(
        &collector,
        &["incident", "close", own, "--as", "duplicate", "--of", &other, "--reason", "x"],
        "another member's",
    )?;
    refused(&collector, &["incident", "confirm", own, "--at", "2999-01-01T00:00:00Z"], "still to come")?;
    for wrong in ["to\nlinjer", &"x".repeat(2_001)] {
        let said = collector.try_ask(["incident", "note", own, "--text", wrong])?;
        ensure!(said.code == Some(2) && said.err.contains("at most 2000 bytes on one line"), "{said:?}");
    }
    let before = json_of(&collector, &["incident", "show", own])?;
    ensure!(
        before["timeline"].as_array().is_some_and(|lines| lines.iter().all(|line| line["who"].is_null())),
        "{before}"
    );

    json_of(&collector, &["incident", "assign", own, "--to", "Kari"])?;
    assert_eq!(json_of(&collector, &["incident", "triage", own])?["state"], "triaged");
    json_of(&collector, &["incident", "confirm", own, "--at", "2026-01-01T10:00:00+01:00"])?;
    let secret = "<script>alert(1)</script> ring Oslo";
    json_of(&collector, &["incident", "note", own, "--text", secret])?;
    json_of(&collector, &["incident", "note", own, "--text", "Ring oss", "--members"])?;
    let measure =
        json_of(&collector, &["incident", "measure", own, "--text", "Nullstill passord", "--status", "planned"])?;
    let line = measure["line"].to_string();
    json_of(&collector, &["incident", "measure", own, "--change", &line, "--status", "done"])?;
    refused(&collector, &["incident", "measure", &other, "--change", &line, "--status", "done"], "has no measure")?;
    json_of(&collector, &["incident", "contain", own])?;
    let closed = json_of(&collector, &["incident", "close", own, "--as", "confirmed", "--reason", "ferdig"])?;
    assert_eq!((&closed["was"]["state"], &closed["closed_as"]), (&json!("contained"), &json!("confirmed")));
    refused(&collector, &["incident", "triage", own], "varde-collector incident reopen")?;

    let shown = json_of(&collector, &["incident", "show", own])?;
    assert_eq!((&shown["state"], &shown["owner"]), (&json!("closed"), &json!("Kari")));
    assert_eq!(shown["measures"][0]["status"], "done");
    let told = |what: &str| lines(&shown, what);
    let states: Vec<&str> = told("stepped").iter().filter_map(|line| line["state"].as_str()).collect();
    assert_eq!(states, ["confirmed", "triaged", "contained", "closed"], "by when it was so");
    assert_eq!(told("stepped")[0]["at"], "2026-01-01T09:00:00.000000Z");
    ensure!(told("stepped")[0]["learnt_at"] != told("stepped")[0]["at"], "{shown}");
    ensure!(told("first_seen").len() == 1 && !told("reached").is_empty(), "{shown}");
    // Not closed first, and closed ones can be left out.
    let all = collector.list("incident")?;
    assert_eq!((all[0]["id"].to_string(), all[1]["id"].to_string()), (other.clone(), own.to_owned()));
    assert_eq!(collector.ask(["incident", "list", "--open", "--json"])?.json()?.len(), 1);

    // On the page markup is text.
    let page = fetch(None, &web, &format!("/sak/{own}?lang=en"))?;
    ensure!(!page.contains("<script>alert") && page.contains("ring Oslo") && page.contains("CSIRT only"), "{page}");
    for words in ["closed: confirmed", "Kari", "Nullstill passord", "not legal advice", "First sighting"] {
        ensure!(page.contains(words), "the page lacks {words}");
    }
    let page = fetch(None, &web, "/kampanje/1?lang=nn")?;
    ensure!(page.contains("Tidslinje") && page.contains("Vart ein mogleg kampanje"), "{page}");

    // What a member that leaves is handed over.
    let left = folder.path().join("left");
    collector.ask(["campaign", "note", "1", "--text", "til alle", "--members"])?;
    collector.ask(["incident", "note", &other, "--text", "bare for Oslo", "--members"])?;
    let to = left.to_string_lossy().into_owned();
    collector.ask(["member", "leave", "3407", "--to", &to, "--yes"])?;
    let handed = fs::read_to_string(left.join("timeline.jsonl"))?;
    ensure!(handed.contains("Ring oss") && handed.contains("Nullstill passord"), "{handed}");
    // A campaign with one other would tell of that other by being there: the member is told of none.
    ensure!(!handed.contains("til alle"), "{handed}");
    ensure!(!handed.contains("ring Oslo") && !handed.contains("bare for Oslo") && !handed.contains("0301"), "{handed}");
    let left: Vec<(i64,)> = collector.query(
        "SELECT COUNT(*) FROM timeline WHERE kind = 'incident' AND subject_id NOT IN (SELECT id FROM incident)",
    )?;
    assert_eq!(left, [(0,)]);
    collector.stop()
}

#[test]
fn c_no_legal_clock_runs_before_a_person_says_so_and_a_phone_call_is_an_incident() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo")?;
    let list = folder.path().join("list.txt");
    fs::write(&list, "vond.example\n")?;
    let list = list.to_string_lossy().into_owned();
    collector.ask(["indicator", "import", &list, "--threat", "Lure"])?;
    let call = |member: &str, with: &[&str]| {
        let line =
            ["incident", "new", "--member", member, "--title", "Kari ringte", "--seen", "2026-01-01T10:00:00+01:00"];
        json_of(&collector, &[&line[..], with].concat())
    };
    refused(
        &collector,
        &["incident", "new", "--member", "9999", "--title", "x", "--seen", "2026-01-01T10:00:00Z"],
        "there is no member 9999",
    )?;
    let unknown = ["--indicator", "ukjent.example"];
    let line = ["incident", "new", "--member", "3407", "--title", "x", "--seen", "2026-01-01T10:00:00Z"];
    refused(&collector, &[&line[..], &unknown].concat(), "varde-collector indicator import")?;
    let first = call("3407", &["--threat", "Lure"])?;
    assert_eq!((&first["is_new"], &first["campaign"]), (&json!(true), &Value::Null));
    let second = call("0301", &["--indicator", "vond.example"])?;
    assert_eq!(second["campaign"], 1, "the same threat at two members");
    let campaign = json_of(&collector, &["campaign", "show", "1"])?;
    assert_eq!((&campaign["title"], &campaign["member_count"]), (&json!("Lure"), &json!(2)));
    ensure!(campaign["members"].as_array().into_iter().flatten().all(|part| part["human"] == true), "{campaign}");
    ensure!(!campaign["title"].to_string().contains("Kari"));
    assert_eq!(call("0301", &["--threat", "Lure"])?["is_new"], false, "it has one on the same already");

    let id = first["incident"].to_string();
    let id = id.as_str();
    let clocks =
        || -> Result<Value> { Ok(json_of(&collector, &["incident", "show", id])?["duties"]["clocks"].clone()) };
    let clock = |words: &[&str]| json_of(&collector, &[&["incident", "clock", id][..], words].concat());
    assert_eq!(clocks()?, json!([]));
    refused(&collector, &["incident", "clock", id, "discovered"], "--at")?;
    refused(&collector, &["incident", "clock", id, "personal-data-breach"], "personal-data-breach suspected")?;
    refused(&collector, &["incident", "clock", id, "reported"], "nsm (24 hours) or datatilsynet (72 hours)")?;
    refused(&collector, &["incident", "clock", id, "withdrawn", "nsm"], "--reason TEXT")?;
    clock(&["discovered", "--at", "2026-01-01T10:00:00+01:00"])?;
    assert_eq!(clocks()?, json!([]), "nobody has said that it is covered, or that it may be a breach");
    collector.ask(["member", "set", "3407", "--covered", "yes"])?;
    assert_eq!(clocks()?[0]["due"], "2026-01-02T09:00:00.000000Z");
    clock(&["personal-data-breach", "suspected"])?;
    assert_eq!(clocks()?[1]["due"], "2026-01-04T09:00:00.000000Z");
    clock(&["reported", "nsm", "--at", "2026-01-01T20:00:00Z"])?;
    clock(&["withdrawn", "datatilsynet", "--reason", "ingen personopplysninger"])?;
    let ended = clocks()?;
    assert_eq!(
        (&ended[0]["is"], &ended[0]["in_time"], &ended[1]["is"]),
        (&json!("reported"), &json!(true), &json!("withdrawn"))
    );
    let text = collector.ask(["incident", "show", id])?.out;
    ensure!(
        text.contains("not legal advice")
            && text.contains("reported in time")
            && text.contains("ingen personopplysninger"),
        "{text}"
    );
    collector.stop()
}

#[test]
fn c_a_campaign_closed_as_a_false_positive_judges_its_alerts_and_takes_the_indicator_off_the_list() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = community(folder.path())?;
    let line = ["campaign", "close", "1", "--as", "false-positive", "--reason", "delt tjener", "--with-incidents"];
    let closed = json_of(&collector, &line)?;
    ensure!(closed["verdicts"]["alerts"].as_u64() >= Some(2), "{closed}");
    assert_eq!(closed["verdicts"]["withdrawn"], json!([1]));
    assert_eq!(closed["incidents"].as_array().map(Vec::len), Some(2));
    ensure!(collector.list("alert")?.iter().all(|alert| alert["verdict"] == "false-positive"));
    let wrong: Vec<(i64,)> = collector.query("SELECT id FROM indicator WHERE refuted_at IS NOT NULL")?;
    assert_eq!(wrong, [(1,)]);
    refused(&collector, &line, "is closed as false-positive already")?;
    // Taken back as any verdict is, and both open again.
    collector.ask(["indicator", "verdict", "1", "none", "--reason", "det var den ikke"])?;
    ensure!(collector.list("alert")?.iter().all(|alert| alert["verdict"].is_null()), "every alert that stood with it");
    assert_eq!(json_of(&collector, &["campaign", "reopen", "1", "--reason", "likevel"])?["state"], "new");
    let web = collector.addresses()?.web;
    ensure!(fetch(None, &web, "/?lang=nb")?.contains("lukket: falsk positiv"), "the overview says so");
    collector.stop()
}
