//! Promise: intelligence is fetched from those who have it, as they serve it (a real TAXII server, a feed that PyMISP wrote, a MISP
//! server's search, plain files), on a schedule; what fails is shown, what suddenly is much less is held, and nothing is published by it.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_tests::community::{Collector, fetch as page};
use varde_tests::feed_server::{FeedServer, Reply};
use varde_tests::programs::{PATIENCE, Running, eventually, said};
use varde_tests::python;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn standing(collector: &Collector) -> Result<BTreeSet<String>> {
    let rows = collector.list("indicator")?;
    let standing = rows.iter().filter(|row| row["withdrawn_at"].is_null());
    Ok(standing.filter_map(|row| row["indicator"].as_str().map(str::to_owned)).collect())
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn source(collector: &Collector, name: &str) -> Result<Value> {
    let rows = collector.list("source")?;
    rows.into_iter().find(|row| row["name"] == name).context("no such source")
}

fn fetch(collector: &Collector, name: &str) -> Result<Value> {
    let said = collector.ask(["source", "fetch", name, "--json"])?;
    said.json()?.into_iter().next().context("no outcome")
}

/// A file with what a source is asked with.
fn secret(folder: &Path, name: &str, text: &str) -> Result<String> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(path.to_string_lossy().into_owned())
}

/// What is said of a server on this machine.
fn on_loopback(server: &FeedServer) -> [String; 3] {
    ["--ca".to_owned(), server.ca(), "--internal".to_owned()]
}

/// What the makers of medallion have as its data (BSD; its licence lies beside it).
const DEFAULT_DATA: &str = "tests/data/taxii/medallion-default_data.json";

/// A TAXII server with that, its roots named as it is reached here, and one root elsewhere.
fn medallion(folder: &Path) -> Result<(Running, u16)> {
    let port = TcpListener::bind((LOOPBACK, 0))?.local_addr()?.port();
    let text = fs::read_to_string(varde_tests::programs::workspace().join(DEFAULT_DATA))?;
    let here = format!("http://127.0.0.1:{port}/");
    let text = text
        .replace("http://localhost:5000/api2/", "http://127.0.0.2:1/api2/")
        .replace("http://localhost:5000/", &here);
    let (data, config) = (folder.join("data.json"), folder.join("medallion.json"));
    fs::write(&data, text)?;
    let backend =
        json!({"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": data});
    let settings = json!({"backend": backend, "users": {"admin": "Password0"}, "taxii": {"max_page_size": 2}});
    fs::write(&config, settings.to_string())?;
    let mut command = Command::new(python::program("medallion")?);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string()]).arg(&config);
    let mut running = Running::start(command, &folder.join("medallion.log"))?;
    eventually("medallion listens", PATIENCE, || {
        running.still_runs()?;
        Ok(TcpStream::connect((LOOPBACK, port)).ok().map(drop))
    })?;
    Ok((running, port))
}

/// Posts objects as taxii2-client does.
const POST: &str = r#"
import json, sys
from taxii2client.v21 import Collection
url, objects = sys.argv[1:3]
status = Collection(url, user="admin", password="Password0").add_objects({"objects": json.loads(objects)})
assert status.status == "complete" and status.failure_count == 0, status.status
"#;

fn indicator(number: u32, name: &str, modified: u32, revoked: bool) -> Value {
    json!({"type": "indicator", "spec_version": "2.1", "id": format!("indicator--00000000-0000-4000-8000-{number:012}"),
        "created": "2026-01-01T00:00:00.000Z", "modified": format!("2026-01-{modified:02}T00:00:00.000Z"), "revoked": revoked,
        "pattern": format!("[domain-name:value = '{name}']"), "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z"})
}

#[test]
fn a_real_taxii_server_is_read_page_by_page_and_from_where_it_was_left() -> Result<()> {
    const COLLECTION: &str = "365fed99-08fa-fdcd-a1b3-fb247eb41d01";
    let folder = tempfile::tempdir()?;
    let (_medallion, port) = medallion(folder.path())?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let url = format!("http://127.0.0.1:{port}/taxii2/");
    let add = |more: &[&str]| {
        let line = ["source", "add", "nasjonal", "--kind", "taxii", &url, "--internal", "--json"];
        collector.try_ask(line.into_iter().chain(more.iter().copied()))
    };
    let wrong = secret(folder.path(), "wrong", "basic admin:feil")?;
    let right = secret(folder.path(), "right", "basic admin:Password0")?;
    for more in [&[][..], &["--auth-file", &wrong]] {
        let refused = add(more)?;
        ensure!(
            refused.code == Some(1) && refused.err.contains("status 401") && refused.err.contains("--auth-file"),
            "{refused:?}"
        );
    }
    // Without a collection it is said which there are, those on another server apart.
    let choice = add(&["--auth-file", &right])?;
    ensure!(
        choice.code == Some(1) && choice.err.contains("--collection") && choice.err.contains("1 of its API roots"),
        "{choice:?}"
    );
    let collections = choice.json()?;
    let closed = collections.iter().find(|one| one["can_read"] == false).context("none is closed")?;
    ensure!(collections.iter().any(|one| one["collection"] == COLLECTION), "{collections:?}");
    let closed = closed["collection"].as_str().context("id")?;
    let refused = add(&["--auth-file", &right, "--collection", closed])?;
    ensure!(refused.code == Some(1) && refused.err.contains("can_read"), "{refused:?}");
    let refused = add(&["--auth-file", &right, "--collection", "none"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("has no collection none"), "{refused:?}");
    ensure!(collector.list("source")?.is_empty(), "nothing was added");

    let below = format!("http://127.0.0.1:{port}/trustgroup1/collections/{COLLECTION}/");
    let post = |objects: Value| -> Result<()> {
        let mut script = python::script(POST)?;
        said(script.arg(&below).arg(objects.to_string()))?.ok().map(drop)
    };
    let ours = ["en.example", "to.example", "tre.example", "fire.example", "fem.example"];
    post(ours.iter().zip(1..).map(|(name, number)| indicator(number, name, 1, false)).collect())?;
    add(&["--auth-file", &right, "--collection", COLLECTION, "--tlp", "green"])?.ok()?;
    let looked = collector.ask(["source", "fetch", "nasjonal", "--dry-run", "--json"])?.json()?;
    ensure!(looked[0]["new"].as_u64() >= Some(5) && standing(&collector)?.is_empty(), "{looked:?}");
    // All five came with one POST and have one date: pages of two are read to the end.
    let first = fetch(&collector, "nasjonal")?;
    ensure!(standing(&collector)?.is_superset(&names(ours)), "{first}");
    let row = source(&collector, "nasjonal")?;
    assert_eq!((&row["failed_why"], &row["left_out"]), (&Value::Null, &first["left_out"]));
    ensure!(row["succeeded_at"].is_string() && row["new"].as_u64() >= Some(5), "{row}");
    assert_eq!(fetch(&collector, "nasjonal")?["unchanged"], true, "nothing is read again");
    post(json!([indicator(6, "seks.example", 1, false)]))?;
    let more = fetch(&collector, "nasjonal")?;
    assert_eq!((&more["found"], &more["new"]), (&1.into(), &1.into()), "only what was added since");
    // What its source takes back is taken back.
    post(json!([indicator(1, "en.example", 2, true)]))?;
    assert_eq!(fetch(&collector, "nasjonal")?["withdrawn"], 1);
    ensure!(!standing(&collector)?.contains("en.example"));
    ensure!(collector.list("indicator")?.iter().all(|row| row["published_at"].is_null()), "nothing is published by it");

    // Wrong from now on, by the running collector too: told, and what stands stands.
    fs::write(&wrong, "basic admin:feil igjen")?;
    fs::copy(&wrong, &right)?;
    collector.start()?;
    collector.tamper("UPDATE fetched_source SET tried_at = 1")?;
    eventually("it is told that it fails", PATIENCE, || {
        let row = source(&collector, "nasjonal")?;
        Ok(row["failed_why"].as_str().is_some_and(|why| why.contains("status 401")).then_some(()))
    })?;
    ensure!(standing(&collector)?.contains("seks.example"));
    collector.stop()
}

/// Writes a feed as PyMISP's own example does: an event per argument, `uuid timestamp name…`.
const WRITE_FEED: &str = r#"
import json, os, sys, uuid
from pymisp import MISPEvent, MISPOrganisation
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
manifest = {}
for words in (line.split() for line in sys.argv[2:]):
    event = MISPEvent()
    event.from_dict(uuid=words[0], info="Prøve " + words[0][:8], distribution=3, threat_level_id=1, analysis=2,
        timestamp=int(words[1]), date="2026-11-01")
    event.published = True
    event.Orgc = MISPOrganisation()
    event.Orgc.from_dict(name="Prøve-CSIRT", uuid="cccccccc-0000-4000-8000-000000000001")
    event.add_tag("tlp:green")
    for name in words[2:]:
        event.add_attribute("domain", name, uuid=str(uuid.uuid5(uuid.NAMESPACE_DNS, name)), to_ids=True,
            timestamp=int(words[1]))
    feed = event.to_feed(with_meta=True)
    feed["Event"].pop("_hashes")
    manifest.update(feed["Event"].pop("_manifest"))
    with open(os.path.join(folder, words[0] + ".json"), "w") as file:
        json.dump(feed, file)
with open(os.path.join(folder, "manifest.json"), "w") as file:
    json.dump(manifest, file)
"#;

#[test]
fn a_feed_that_pymisp_wrote_is_read_and_follows_its_manifest() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    let event = |letter: char| format!("{}-0000-4000-8000-000000000001", String::from(letter).repeat(8));
    let write = |events: &[String]| -> Result<()> {
        let feed = folder.path().join("feed");
        let _ = fs::remove_dir_all(&feed);
        let mut script = python::script(WRITE_FEED)?;
        said(script.arg(&feed).args(events))?.ok()?;
        for file in fs::read_dir(&feed)? {
            let file = file?;
            let path = format!("/feed/{}", file.file_name().to_string_lossy());
            server.set(&path, Reply::good("application/json", fs::read(file.path())?));
        }
        Ok(())
    };
    let (a, b) = (event('a'), event('b'));
    write(&[format!("{a} 100 en.example to.example tre.example"), format!("{b} 100 fire.example")])?;
    let more = on_loopback(&server);
    let url = server.url("/feed/manifest.json");
    let line = ["source", "add", "misp", "--kind", "misp-feed", &url];
    collector.ask(line.into_iter().chain(more.iter().map(String::as_str)))?;
    assert_eq!(fetch(&collector, "misp")?["new"], 4);
    assert_eq!(standing(&collector)?, names(["en.example", "to.example", "tre.example", "fire.example"]));
    let row = collector.list("indicator")?.into_iter().next().context("an indicator")?;
    assert_eq!(
        (&row["sources"], &row["tlp"], &row["severity"]),
        (&json!(["misp"]), &"TLP:GREEN".into(), &"high".into())
    );
    // Nothing grew: nothing but the manifest is asked for.
    server.asked();
    fetch(&collector, "misp")?;
    assert_eq!(server.asked().len(), 1);
    // One event loses a name and wins one; its other names stand.
    write(&[format!("{a} 200 en.example to.example fem.example"), format!("{b} 100 fire.example")])?;
    let changed = fetch(&collector, "misp")?;
    assert_eq!((&changed["new"], &changed["withdrawn"]), (&1.into(), &1.into()));
    assert_eq!(standing(&collector)?, names(["en.example", "to.example", "fem.example", "fire.example"]));
    assert_eq!(server.asked().len(), 2, "the other event is not asked for");
    // An event is gone from the manifest. What would go is known before.
    write(&[format!("{a} 200 en.example to.example fem.example")])?;
    let would = collector.ask(["source", "fetch", "misp", "--dry-run", "--json"])?.json()?;
    assert_eq!(would[0]["withdrawn"], 1);
    assert_eq!(fetch(&collector, "misp")?["withdrawn"], 1);
    assert_eq!(standing(&collector)?, names(["en.example", "to.example", "fem.example"]));
    // All of them are: held, until its operator says that it is meant.
    write(&[])?;
    let held = collector.try_ask(["source", "fetch", "misp"])?;
    ensure!(held.code == Some(1) && held.err.contains("held") && held.err.contains("--release-held"), "{held:?}");
    assert_eq!(standing(&collector)?.len(), 3);
    collector.ask(["source", "fetch", "misp", "--release-held"])?;
    ensure!(standing(&collector)?.is_empty());
    assert_eq!(source(&collector, "misp")?["held_at"], Value::Null);
    Ok(())
}

#[test]
fn a_misp_servers_search_is_read_with_its_key_until_there_is_no_more() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    let key = secret(folder.path(), "key", "apikey Authorization n0kkel\n")?;
    let more = on_loopback(&server);
    let url = server.url("/");
    let line = ["source", "add", "server", "--kind", "misp", &url, "--auth-file", &key];
    collector.ask(line.into_iter().chain(more.iter().map(String::as_str)))?;
    let path = "/attributes/restSearch";
    server.set(path, Reply::good("application/json", r#"{"response":{"Attribute":[]}}"#));
    assert_eq!(fetch(&collector, "server")?["unchanged"], true);
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].method.as_str()), (1, "POST"));
    assert_eq!(
        (asked[0].headers["authorization"].as_str(), asked[0].headers["accept"].as_str()),
        ("n0kkel", "application/json")
    );
    let body: Value = serde_json::from_str(&asked[0].body)?;
    assert_eq!((&body["to_ids"], &body["published"], &body["enforceWarninglist"]), (&1.into(), &1.into(), &1.into()));
    // The same answer to every page is no end.
    let attribute = json!({"uuid": "u", "type": "domain", "value": "vond.example", "to_ids": true, "timestamp": "5"});
    let page = json!({"response": {"Attribute": [attribute]}}).to_string();
    server.set(path, Reply::good("application/json", page));
    let refused = collector.try_ask(["source", "fetch", "server"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("never end"), "{refused:?}");
    ensure!(standing(&collector)?.is_empty());
    Ok(())
}

#[test]
fn f2_a_source_that_says_other_things_or_one_a_hundred_times_is_held_and_one_that_turns_over_is_not() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    let hundred = |word: &str| -> String { (0..100).map(|n| format!("{word}{n}.example\n")).collect() };
    let give = |text: &str| server.set("/list", Reply::good("text/plain", text));
    let more = on_loopback(&server);
    let url = server.url("/list");
    let line = ["source", "add", "liste", "--kind", "file", &url];
    collector.ask(line.into_iter().chain(more.iter().map(String::as_str)))?;
    let first = hundred("en");
    give(&first);
    assert_eq!(fetch(&collector, "liste")?["new"], 100);
    let held = |why: &str| -> Result<()> {
        let held = collector.try_ask(["source", "fetch", "liste", "--json"])?;
        let said = held.json()?;
        ensure!(held.code == Some(1) && said[0]["held"].as_str().is_some_and(|told| told.contains(why)), "{held:?}");
        // Only where it would help: what is held for its size is held all the same.
        let helps = why.contains("leaves out");
        ensure!(held.err.contains("--release-held") && held.err.contains("--turns-over") == helps, "{held:?}");
        ensure!(standing(&collector)?.iter().all(|name| name.starts_with("en")), "what stood stands");
        assert_eq!(standing(&collector)?.len(), 100);
        Ok(())
    };
    // A hundred others in place of a hundred.
    give(&hundred("to"));
    held("takes back or leaves out 100")?;
    let by_hand = folder.path().join("list.txt");
    fs::write(&by_hand, hundred("to"))?;
    let line = ["indicator", "import", &by_hand.to_string_lossy(), "--source", "liste", "--replace"];
    ensure!(collector.try_ask(line)?.code == Some(1), "by hand neither");
    // One of them, a hundred times.
    give(&"en7.example\n".repeat(100));
    held("it has 1 indicators and had 100")?;
    // Less than half of it is other.
    give(&format!("{}{}", first.replace("en1", "tre1"), "en0.example\n".repeat(50)));
    let outcome = fetch(&collector, "liste")?;
    assert_eq!((&outcome["found"], &outcome["new"], &outcome["withdrawn"]), (&100.into(), &11.into(), &11.into()));
    assert_eq!(source(&collector, "liste")?["entries"], 100, "each once");
    // It turns over by its operator's word: other things are taken in, and half of it is not.
    collector.ask(["source", "set", "liste", "--turns-over", "yes"])?;
    assert_eq!(source(&collector, "liste")?["turns_over"], true);
    give(&hundred("to"));
    let outcome = fetch(&collector, "liste")?;
    assert_eq!((&outcome["new"], &outcome["withdrawn"], &outcome["held"]), (&100.into(), &100.into(), &Value::Null));
    give(&"to1.example\n".repeat(100));
    let outcome = collector.try_ask(["source", "fetch", "liste"])?;
    ensure!(outcome.code == Some(1) && outcome.err.contains("it has 1 indicators and had 100"), "{outcome:?}");
    ensure!(!outcome.err.contains("source set"), "it is said already: {outcome:?}");
    collector.ask(["source", "set", "liste", "--turns-over", "no"])?;
    give(&first);
    ensure!(collector.try_ask(["source", "fetch", "liste"])?.code == Some(1), "and no longer");
    Ok(())
}

#[test]
fn a_running_collector_fetches_on_schedule_holds_what_is_suddenly_empty_and_says_what_fails() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    let list =
        |names: &str| Reply::Whole(200, vec!["Content-Type: text/plain".into(), "ETag: \"1\"".into()], names.into());
    server.set("/list", list("en.example\nto.example\n"));
    let more = on_loopback(&server);
    let url = server.url("/list");
    collector.start()?;
    let line = ["source", "add", "liste", "--kind", "file", &url, "--every", "5m"];
    collector.ask(line.into_iter().chain(more.iter().map(String::as_str)))?;
    let until = |collector: &Collector, what: &str, is_so: &dyn Fn(&Value) -> bool| {
        eventually(what, PATIENCE, || Ok(Some(source(collector, "liste")?).filter(is_so)))
    };
    let due = |collector: &Collector| collector.tamper("UPDATE fetched_source SET tried_at = 1").map(drop);
    let row = until(&collector, "it is fetched at once", &|row| row["succeeded_at"].is_string())?;
    assert_eq!((&row["entries"], &row["new"], &row["standing"]), (&2.into(), &2.into(), &2.into()));
    assert_eq!(standing(&collector)?, names(["en.example", "to.example"]));
    ensure!(collector.list("indicator")?.iter().all(|row| row["published_at"].is_null()), "nothing is published by it");
    // The next time it is asked whether it has changed.
    let succeeded = row["succeeded_at"].clone();
    server.asked();
    due(&collector)?;
    until(&collector, "it is fetched again", &|row| row["succeeded_at"] != succeeded)?;
    assert_eq!(server.asked()[0].headers.get("if-none-match").map(String::as_str), Some("\"1\""));

    // Suddenly empty: held. What stood stands, and the age of the last success shows.
    server.set("/list", Reply::good("text/plain", "# nothing\n"));
    due(&collector)?;
    let held = until(&collector, "it is held", &|row| row["held_at"].is_string())?;
    ensure!(held["held_why"].as_str().is_some_and(|why| why.contains("0 indicators and had 2")), "{held}");
    assert_eq!((&held["entries"], &held["standing"]), (&2.into(), &2.into()));
    let table = collector.ask(["source", "list"])?.out;
    ensure!(table.contains("HELD") && table.contains("just now"), "{table}");
    let web = collector.addresses()?.web;
    let page = |language: &str| page(None, &web, &format!("/?lang={language}"));
    let held =
        ["Holdt tilbake, for den har plutselig", "Halde tilbake, for ho har brått", "Held back, for it suddenly"];
    for (language, words) in ["nb", "nn", "en"].into_iter().zip(held) {
        let shown = page(language)?;
        ensure!(shown.contains(words) && shown.contains("0 indicators and had 2"), "{shown}");
    }
    // It is itself again, and held no longer.
    let changed = Reply::Whole(200, vec!["ETag: \"2\"".into()], "en.example\ntre.example\nfire.example\n".into());
    server.set("/list", changed);
    due(&collector)?;
    until(&collector, "it is held no longer", &|row| row["held_at"].is_null() && row["new"] == 2)?;
    assert_eq!(
        standing(&collector)?,
        names(["en.example", "tre.example", "fire.example"]),
        "what it does not say any more is gone"
    );

    // It fails, and says why; at rest it is not asked; and after a restart it goes on.
    server.set("/list", Reply::Whole(500, vec![], vec![]));
    due(&collector)?;
    let failed = until(&collector, "it fails", &|row| row["failed_why"].is_string())?;
    ensure!(
        failed["failed_why"].as_str().is_some_and(|why| why.contains("500")) && failed["failures"] == 1,
        "{failed}"
    );
    collector.ask(["source", "pause", "liste"])?;
    collector.stop()?;
    server.set("/list", Reply::good("text/plain", "en.example\ntre.example\nfire.example\nsist.example\n"));
    due(&collector)?;
    server.asked();
    collector.start()?;
    collector.ask(["source", "resume", "liste"])?;
    until(&collector, "it is fetched after the restart", &|row| row["failures"] == 0 && row["standing"] == 4)?;
    assert_eq!(server.asked().len(), 1);
    let log = collector.running()?.log();
    ensure!(!log.contains("en.example"), "an indicator stands in the log");

    // What was done, and what came by the schedule, stands in the audit, without any indicator.
    let audit = collector.ask(["audit", "list", "--json"])?;
    ensure!(!audit.out.contains("en.example") && !audit.out.contains("/list"), "{}", audit.out);
    let entries = audit.json()?;
    let by_itself = entries.iter().filter(|entry| entry["what"] == "source fetch" && entry["who"] == "varde-collector");
    assert_eq!(by_itself.count(), 3, "those that brought something");
    collector.ask(["source", "remove", "liste", "--withdraw"])?;
    ensure!(collector.list("source")?.is_empty() && standing(&collector)?.is_empty());
    collector.stop()
}

#[test]
fn a_source_is_listed_with_how_right_it_was_and_with_who_is_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let server = FeedServer::start(folder.path(), LOOPBACK)?;
    for path in ["/god", "/ny"] {
        server.set(path, Reply::good("text/plain", "en.example\nto.example\ntre.example\nfire.example\n"));
        let (url, more) = (server.url(path), on_loopback(&server));
        let line = ["source", "add", &path[1..], "--kind", "file", &url];
        collector.ask(line.into_iter().chain(more.iter().map(String::as_str)))?;
    }
    let fresh = source(&collector, "ny")?;
    assert_eq!((&fresh["given"], &fresh["confirmed"], &fresh["refuted"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(
        (&fresh["confirmed_percent"], &fresh["sightings_to"]),
        (&Value::Null, &Value::Null),
        "no share of nothing"
    );
    fetch(&collector, "god")?;
    collector.ask(["publish"])?;
    // As verdicts on alerts leave it.
    collector.tamper_all(
        "INSERT INTO judgement (id, indicator_id, verdict, exercise, at) VALUES (1, 1, 'confirmed', 0, 1),
            (2, 2, 'confirmed', 0, 1), (3, 3, 'false-positive', 0, 1), (4, 4, 'confirmed', 1, 1);
        INSERT INTO judged_source (judgement_id, source_id) SELECT j.id, s.id FROM judgement j, source s WHERE s.name = 'god'",
    )?;
    let key = secret(folder.path(), "key", "nokkel\n")?;
    collector.ask([
        "sighting",
        "to",
        "god",
        "--url",
        "https://misp.example",
        "--key-file",
        &key,
        "--ca",
        &server.ca(),
    ])?;
    let row = source(&collector, "god")?;
    assert_eq!(
        (&row["given"], &row["hits"], &row["confirmed"], &row["refuted"], &row["confirmed_percent"]),
        (&4.into(), &0.into(), &2.into(), &1.into(), &66.into()),
        "exercises count for nothing"
    );
    ensure!(row["sightings_to"].as_str().is_some_and(|url| url.starts_with("https://misp.example")), "{row}");
    let table = collector.ask(["source", "list"])?.out;
    for part in ["RECORD", "SIGHTINGS TO", "2 of 3", "misp.example", "nobody", "no verdicts"] {
        ensure!(table.contains(part), "{part}: {table}");
    }
    let shown = collector.ask(["source", "show", "god"])?.out;
    ensure!(shown.contains("2 of 3 verdicts confirmed (66 %)") && shown.contains("https://misp.example"), "{shown}");
    Ok(())
}
