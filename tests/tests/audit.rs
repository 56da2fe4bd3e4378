//! Promises W2 and I9, by the real programs: what is done, and what is shown of a member's hosts, stands in the audit before it is;
//! and whatever is changed, removed, moved or cut off of the audit afterwards is found.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;
use varde_collector::audit::{Cut, Entry};
use varde_collector::command::audited::{COMMANDS, Conduct};
use varde_collector::store::DATABASE_FILE;
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector};
use varde_tests::feed_server::{FeedServer, Reply};
use varde_tests::programs::{PATIENCE, eventually, said};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};
use varde_tests::watch::{Watch, files};
use varde_tests::way_in;

/// No entry can be written while this stands.
const BLOCK: &str = "CREATE TRIGGER blocked BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no entry'); END";
/// Nor the one that says that a member is deleted.
const BLOCK_LEAVING: &str =
    "CREATE TRIGGER blocked BEFORE INSERT ON audit WHEN NEW.became LIKE 'its sensors are revoked%'
    BEGIN SELECT RAISE(ABORT, 'no entry'); END";
const UNBLOCK: &str = "DROP TRIGGER blocked";

/// Two members with a campaign, and the collector stopped.
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
    collector.stop()?;
    Ok(collector)
}

fn entries(collector: &Collector) -> Result<Vec<Value>> {
    collector.ask(["audit", "list", "--json"])?.json()
}

/// The command by which it stands in the audit: its words, without what is given to it.
fn name(line: &[&str]) -> Result<&'static str> {
    let begins = |name: &&str| name.split(' ').zip(line).all(|(word, given)| word == *given);
    let known = COMMANDS.iter().map(|(name, _)| *name).filter(begins);
    known.max_by_key(|name| name.len()).with_context(|| format!("{line:?}"))
}

/// Does a command twice: where no entry can be written, when it must do and show nothing; and as it is.
fn twice(collector: &Collector, folder: &Path, line: &[&str]) -> Result<()> {
    let mut watch = Watch::new(collector)?;
    collector.tamper(BLOCK)?;
    let (before, version) = (files(folder)?, watch.version()?);
    let refused = collector.try_ask(line.iter().copied())?;
    ensure!(refused.code == Some(1), "{line:?} was done without an entry: {refused:?}");
    ensure!(refused.err.contains("no entry"), "{line:?} fails for another reason: {}", refused.err);
    ensure!(refused.out.trim().is_empty(), "{line:?} shows something without an entry: {}", refused.out);
    ensure!(watch.version()? == version, "{line:?} changed the database without an entry");
    ensure!(files(folder)? == before, "{line:?} wrote a file without an entry");
    collector.tamper(UNBLOCK)?;
    let count = entries(collector)?.len();
    collector.ask(line.iter().copied())?;
    let now = entries(collector)?;
    let newest = now.get(count..).unwrap_or_default();
    let named = name(line)?;
    let is_named = |entry: &Value| entry["what"] == named;
    ensure!(!newest.is_empty() && newest.iter().all(is_named), "{line:?} stands as {newest:?}");
    for entry in newest {
        let said = |key: &str| entry[key].as_str().is_some_and(|text| !text.is_empty());
        ensure!(said("at") && said("who") && said("on") && said("after"), "{entry}");
    }
    Ok(())
}

#[test]
fn w2_i9_nothing_is_done_or_shown_that_does_not_stand_in_the_audit_first() -> Result<()> {
    let outside = tempfile::tempdir()?;
    let folder = outside.path();
    let mut collector = community(folder)?;
    let data = collector.data().to_owned();
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (list, waiting, duty, key) = (path("list.txt"), path("waiting"), path("duty.key"), path("new.key"));
    let (root, root_key, next_ca) = (path("root"), data.join("keys/root.key"), data.join("keys/ca-next.crt"));
    let (root_key, next_ca) = (root_key.to_string_lossy().into_owned(), next_ca.to_string_lossy().into_owned());
    let (backups, backup) = (path("backups"), path("backups/one"));
    let (members, exported, left, carried) = (path("members.csv"), path("all.csv"), path("left"), path("carried"));
    fs::create_dir(&backups)?;
    let step = |line: &[&str]| twice(&collector, folder, line);

    step(&["init", "--name", "Ny-CSIRT"])?;
    step(&["init", "--address", "varde.example:7843"])?;
    step(&["member", "add", "5001", "Trondheim"])?;
    step(&["member", "rename", "5001", "--name", "Trondheim kommune"])?;
    for _ in 0..3 {
        step(&["sensor", "token", "3407"])?;
    }
    step(&["sensor", "move", "2", "--member", "3407"])?;
    step(&["sensor", "site", "add", "1", "4", "--member", "5001"])?;
    step(&["sensor", "site", "remove", "1", "4"])?;
    collector.tamper("UPDATE sensor SET quarantined_at = 1 WHERE id = 1")?;
    step(&["sensor", "release", "1"])?;
    collector.tamper("UPDATE sensor SET pending_at = 1, pending_spki_sha256 = zeroblob(32) WHERE id = 3")?;
    step(&["sensor", "approve", "3"])?;
    collector.tamper("UPDATE sensor SET pending_at = 1, pending_spki_sha256 = zeroblob(32) WHERE id = 4")?;
    step(&["sensor", "refuse", "4"])?;
    step(&["sensor", "revoke", "5"])?;
    // A token is made, and then the place is promised: both are blocked by one block.
    step(&["sensor", "token", "3407", "--replaces", "1"])?;
    step(&["member", "set", "5001", "--supplier", "IKT Midt"])?;
    step(&["member", "rename", "5001", "--number", "5006", "--name", "Nye Trondheim"])?;
    collector.add_member("5002", "Malvik")?;
    step(&["member", "merge", "5002", "--into", "5006"])?;
    step(&["member", "add", "5003", "Stjordal"])?;
    step(&["member", "remove", "5003"])?;
    fs::write(&members, "nummer;navn;målform\r\n5004;Levanger;nynorsk\r\n")?;
    step(&["member", "import", &members])?;
    step(&["member", "export", &exported])?;
    // Handing over and deleting are two entries: without the second nothing is deleted.
    collector.tamper(BLOCK_LEAVING)?;
    let half = collector.try_ask(["member", "leave", "5006", "--to", &path("half"), "--yes"])?;
    ensure!(half.code == Some(1) && half.err.contains("no entry"), "{half:?}");
    ensure!(
        collector.ask(["member", "show", "5006"])?.out.contains("Nye Trondheim"),
        "it was deleted without an entry"
    );
    collector.tamper(UNBLOCK)?;
    step(&["member", "leave", "5006", "--to", &left, "--yes"])?;
    let server = FeedServer::start(folder, std::net::Ipv4Addr::LOCALHOST.into())?;
    server.set("/list", Reply::good("text/plain", "hentet.example\n"));
    let (feed, believed) = (server.url("/list"), server.ca());
    step(&["source", "add", "liste", "--kind", "file", &feed, "--ca", &believed, "--internal"])?;
    step(&["source", "fetch", "liste"])?;
    step(&["source", "set", "liste", "--turns-over", "yes"])?;
    step(&["source", "pause", "liste"])?;
    step(&["source", "resume", "liste"])?;
    step(&["source", "remove", "liste"])?;
    fs::write(&list, "verre.example\nfarlig.example\n")?;
    step(&["indicator", "import", &list, "--threat", "Lure"])?;
    // What never goes out, goes out all the same, and for how long; an indicator is named by its number.
    let own = path("own.txt");
    fs::write(&own, "egen.example\nfarlig.example\n")?;
    step(&["lint", "list", "add", &own])?;
    let until = varde_agent::io::clock::now().plus(std::time::Duration::from_secs(86_400)).to_string();
    step(&["lint", "override", "farlig.example", "--reason", "meant", "--until", &until])?;
    step(&["lint", "override", "farlig.example", "--end"])?;
    step(&["lint", "list", "remove", "own"])?;
    step(&["lint", "lifetime", "address", "14"])?;
    step(&["allow", "add", "farlig.example", "--reason", "ours"])?;
    step(&["allow", "remove", "farlig.example"])?;
    step(&["draft", "show"])?;
    let draft = collector.ask(["draft", "show", "--json"])?.json()?[0]["draft"].as_str().context("draft")?.to_owned();
    step(&["draft", "review", &draft, "--reason", "sett gjennom"])?;
    step(&["publish"])?;
    step(&["recall", "farlig.example", "--reason", "delt tjener"])?;
    step(&["recall", "lift", "farlig.example", "--reason", "ekte likevel"])?;
    step(&["pilot", "add", "1"])?;
    step(&["pilot", "remove", "1"])?;
    step(&["list", "export", &carried])?;
    step(&["indicator", "show", "1", "--confidential"])?;
    step(&["indicator", "brake", "1", "--hours", "1", "--reason", "falsk alarm"])?;
    step(&["indicator", "brake", "1", "--release"])?;
    step(&["sensor", "channel", "1", "pilot"])?;
    fs::rename(data.join("keys/list.key"), &duty)?;
    fs::write(&list, "verst.example\n")?;
    step(&["indicator", "import", &list])?;
    // Where the key is, is a fact that publishing notes for the page, and no deed.
    collector.tamper("UPDATE setting SET value = 'duty' WHERE key = 'list_key_mode'")?;
    step(&["publish"])?;
    step(&["publish", "--export", &waiting])?;
    step(&["sign", &waiting, "--key", &duty, "--yes"])?;
    step(&["publish", "--accept", &waiting])?;
    step(&["ca", "next"])?;
    step(&["root", "next", &root, "--add-ca", &next_ca])?;
    step(&["sign", &root, "--key", &root_key, "--yes"])?;
    step(&["root", "accept", &root])?;
    step(&["ca", "switch"])?;
    step(&["key", "make", &key])?;
    step(&["campaign", "show", "1"])?;
    step(&["campaign", "show", "1", "--json"])?;
    step(&["campaign", "split", "1", "--incidents", "2", "--reason", "to saker"])?;
    collector.tamper("INSERT INTO cluster (id) VALUES (99)")?;
    collector.tamper(
        "INSERT INTO campaign (id, uuid, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at, cluster_id)
         VALUES (2, 'u2', 'indicator', '1', 'vond.example', 0, 0, 0, 0, 99)",
    )?;
    step(&["campaign", "merge", "1", "2", "--reason", "én sak"])?;
    collector.tamper("INSERT INTO guard (kind, value, tripped_at, numbers) VALUES ('indicator', '1', 0, '{}')")?;
    step(&["noise", "reject", "1", "--reason", "det er ekte"])?;
    step(&["noise", "accept", "1", "--reason", "det er støy likevel"])?;
    step(&["indicator", "verdict", "1", "none", "--reason", "navnet er i bruk igjen"])?;
    collector.tamper("INSERT INTO guard (id, kind, value, tripped_at, numbers) VALUES (9, 'threat', 'x', 0, '{}')")?;
    step(&["noise", "lift", "9", "--reason", "den er ingen liste"])?;
    step(&["noise", "hold", "9", "--reason", "den er en liste likevel"])?;
    step(&["incident", "list"])?;
    step(&["incident", "list", "--json"])?;
    step(&["incident", "show", "1"])?;
    step(&["incident", "show", "1", "--json"])?;
    step(&["incident", "new", "--member", "0301", "--title", "Ringte", "--seen", "2026-01-01T00:00:00Z"])?;
    step(&["incident", "triage", "1"])?;
    step(&["incident", "confirm", "1"])?;
    step(&["incident", "contain", "1"])?;
    step(&["incident", "close", "1", "--as", "confirmed", "--reason", "ferdig"])?;
    step(&["incident", "reopen", "1", "--reason", "likevel ikke"])?;
    step(&["incident", "assign", "1", "--to", "Kari"])?;
    step(&["incident", "note", "1", "--text", "farlig.example var det"])?;
    step(&["incident", "measure", "1", "--text", "Nullstill passord", "--status", "planned"])?;
    step(&["incident", "clock", "1", "discovered", "--at", "2026-01-01T00:00:00Z"])?;
    step(&["member", "mail", "3407", "--compromised", "--reason", "ukjente regler"])?;
    let (letter, wording) = (list.as_str(), path("tiltak.toml"));
    fs::write(&wording, collector.ask(["measure", "show", "ask-user", "--file"])?.out)?;
    step(&["advisory", "new", "--title", "Varsel", "--text", letter, "--campaign", "1"])?;
    step(&["advisory", "edit", "1", "--tlp", "green"])?;
    step(&["advisory", "recipients", "1"])?;
    step(&["advisory", "send", "1"])?;
    step(&["advisory", "read-by", "1"])?;
    fs::write(collector.data().join("collector.toml"), varde_tests::mail_server::UNHEARD)?;
    step(&["advisory", "resend", "1"])?;
    step(&["advisory", "correct", "1"])?;
    step(&["advisory", "withdraw", "1", "--reason", "feil"])?;
    step(&["measure", "edit", "ask-user", "--words", &wording])?;
    step(&["measure", "reset", "ask-user"])?;
    step(&["campaign", "assign", "1", "--to", "Kari"])?;
    step(&["campaign", "note", "1", "--text", "felles"])?;
    step(&["campaign", "close", "1", "--as", "exercise", "--reason", "de øvde"])?;
    step(&["campaign", "reopen", "1", "--reason", "det gjorde de ikke"])?;
    collector.tamper(
        "INSERT INTO silence (id, sensor_id, kind, began_at, found_at, last_at, times, facts)
         VALUES (900, 1, 'deaf', 1, 1, 1, 1, '{\"kind\":\"deaf\",\"packets\":7}')",
    )?;
    step(&["silence", "assign", "900", "--to", "Kari"])?;
    step(&["silence", "note", "900", "--text", "speilporten"])?;
    collector.tamper(include_str!("../narrows.sql"))?;
    step(&["silence", "accept", "1"])?;
    step(&["alert", "list"])?;
    step(&["alert", "list", "--json"])?;
    step(&["alert", "verdict", "1", "false-positive", "--reason", "navnet er utdatert"])?;
    step(&["indicator", "verdict", "1", "none", "--reason", "navnet er i bruk igjen"])?;
    step(&["alert", "verdict", "1", "false-positive", "--reason", "nei, det er utdatert"])?;
    step(&["alert", "verdict", "1", "none", "--reason", "det var det ikke"])?;
    step(&["indicator", "export", "--format", "plain", "--tlp-max", "amber"])?;
    step(&["indicator", "export", "--format", "stix", "--out", &path("bundle.json")])?;
    step(&["reader", "add", "brannmur", "--tlp", "amber", "--member", "3407"])?;
    step(&["reader", "remove", "1"])?;
    step(&["user", "add", "kari", "--role", "it", "--member", "3407"])?;
    step(&["user", "role", "kari", "management"])?;
    step(&["user", "link", "kari"])?;
    step(&["user", "reset", "kari"])?;
    step(&["user", "sessions", "kari", "--end"])?;
    step(&["user", "disable", "kari"])?;
    step(&["user", "enable", "kari"])?;
    step(&["token", "add", "vegg", "--role", "wall"])?;
    step(&["token", "remove", "1"])?;
    fs::write(folder.join("misp.key"), "k0\n")?;
    let source = ["--url", "https://misp.example", "--key-file", &path("misp.key")];
    step(&[&["sighting", "to", "list.txt"][..], &source].concat())?;
    step(&["sighting", "send"])?;
    step(&["sighting", "off", "list.txt"])?;
    step(&["audit", "export", "--member", "3407", "--json"])?;
    step(&["backup", &backup])?;
    // What was before and after is said in words, and no indicator is.
    let said = entries(&collector)?;
    let renamed = said.iter().find(|entry| entry["after"] == "5001 Trondheim kommune").context("renamed")?;
    assert_eq!((&renamed["before"], &renamed["on"]), (&"5001 Trondheim".into(), &"member 5001".into()));
    let moved = said.iter().find(|entry| entry["what"] == "sensor move").context("moved")?;
    assert_eq!(moved["members"], serde_json::json!(["0301", "3407"]));
    ensure!(said.iter().all(|entry| !entry.to_string().contains("farlig.example") && !entry.to_string().contains("hentet.example")), "an indicator stands in the audit");
    let table = collector.ask(["audit", "list"])?.out;
    ensure!(table.contains("Trondheim kommune") && table.contains("sensor revoke"), "{table}");
    // What is set aside says so, and what takes its place says what that was.
    collector.ask(["restore", &backup])?;
    collector.start()?;
    let said = entries(&collector)?;
    let restored = said.iter().find(|entry| entry["what"] == "restore").context("restored")?;
    ensure!(
        restored["before"].as_str().is_some_and(|words| words.contains("whose audit ends with entry")),
        "{restored}"
    );
    ensure!(said.iter().any(|entry| entry["what"] == "run"), "its settings are noted when they are others");
    let whats: BTreeSet<&str> = said.iter().filter_map(|entry| entry["what"].as_str()).collect();
    let noted = COMMANDS.iter().filter(|(_, conduct)| *conduct == Conduct::Noted).map(|(name, _)| *name);
    let missing: Vec<&str> = noted.filter(|name| !whats.contains(name)).collect();
    ensure!(missing.is_empty(), "{missing:?} are said to stand in the audit, and this test has seen no entry of them");
    let verdict = collector.ask(["audit", "verify", "--json"])?.json()?;
    assert_eq!(verdict[0]["sound"], true);
    collector.stop()
}

#[test]
fn i9_a_page_that_shows_hosts_is_not_shown_before_it_stands_in_the_audit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = community(folder.path())?;
    let web = collector.start()?.web;
    let pages = ["/sak/1", "/kampanje/1"];
    let answers = ["/api/v1/alerts", "/api/v1/alerts/1", "/api/v1/incidents/1"];
    let shown = |count: usize| -> Result<()> {
        let pages = entries(&collector)?.into_iter().filter(|entry| entry["what"] == "page" || entry["what"] == "api");
        let pages = pages.collect::<Vec<_>>();
        ensure!(pages.len() == count, "{pages:?}");
        Ok(())
    };
    // While it can still be noted that there is one.
    way_in::token(&web)?;
    collector.tamper(BLOCK)?;
    for page in pages {
        let answer = ask(&web, &format!("{page}?lang=en"))?;
        ensure!(answer.ends_with("\n503") && answer.contains("Not shown") && !answer.contains("H-"), "{answer}");
    }
    for answer in answers {
        let told = ask(&web, answer)?;
        ensure!(told.ends_with("\n503") && told.contains("not-noted") && !told.contains("H-"), "{told}");
    }
    ensure!(ask(&web, "/")?.ends_with("\n200"), "what shows no host is shown");
    collector.tamper(UNBLOCK)?;
    shown(0)?;
    for page in pages {
        let answer = ask(&web, &format!("{page}?lang=en"))?;
        ensure!(answer.ends_with("\n200") && answer.contains("H-"), "{answer}");
    }
    shown(2)?;
    ask(&web, "/sak/1?lang=en")?;
    shown(2)?;
    for answer in answers {
        let told = ask(&web, answer)?;
        ensure!(told.ends_with("\n200") && told.contains("H-"), "{told}");
    }
    shown(5)?;
    ask(&web, answers[0])?;
    shown(5)?;
    collector.stop()
}

/// An answer of page or API, however it is answered, and its status.
fn ask(web: &str, path: &str) -> Result<String> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"]);
    let token = way_in::token(web)?.context("no collector of ours")?;
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    Ok(said(command.arg(format!("http://{web}{path}")))?.ok()?.out)
}

/// Removes the first entries as the program removes old ones.
fn forge_checkpoint(collector: &Collector, last: i64) -> Result<()> {
    Runtime::new()?.block_on(async {
        let options = SqliteConnectOptions::new().filename(collector.data().join(DATABASE_FILE));
        let mut conn = SqliteConnection::connect_with(&options).await?;
        let hash: Vec<u8> =
            sqlx::query_scalar("SELECT hash FROM audit WHERE seq = $1").bind(last).fetch_one(&mut conn).await?;
        let before: (i64, i64, Vec<u8>) =
            sqlx::query_as("SELECT seq, at, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_one(&mut conn).await?;
        let mut entry = Entry {
            seq: before.0 + 1,
            at: varde_common::time::Timestamp(before.1 + 1),
            who: "varde-collector".to_owned(),
            what: "audit retention".to_owned(),
            on: format!("entries up to {last}"),
            members: String::new(),
            was: "the last of them of 2020-01-01T00:00:00.000000Z".to_owned(),
            became: "removed: kept for 24 months".to_owned(),
            cut: Some(Cut { seq: last, hash: hash.clone().try_into().ok().context("a hash")? }),
            hash: [0; 32],
        };
        entry.hash = entry.hash_after(&before.2.try_into().ok().context("a hash")?);
        let sql = "INSERT INTO audit (seq, at, who, what, on_whom, members, was, became, cut_seq, cut_hash, hash)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let insert = sqlx::query(sql).bind(entry.seq).bind(entry.at.0).bind(entry.who).bind(entry.what).bind(entry.on);
        let insert = insert.bind(entry.members).bind(entry.was).bind(entry.became).bind(last).bind(hash);
        insert.bind(entry.hash.to_vec()).execute(&mut conn).await?;
        sqlx::query("DELETE FROM audit WHERE seq <= $1").bind(last).execute(&mut conn).await?;
        conn.close().await?;
        Ok(())
    })
}

#[test]
fn w2_nothing_of_the_audit_goes_in_the_first_hour_after_a_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo")?;
    // To the program they are from 1970.
    collector.tamper("UPDATE audit SET at = seq WHERE seq <= 4")?;
    let web = collector.start()?.web;
    for _ in 0..3 {
        ensure!(ask(&web, "/")?.ends_with("\n200"));
    }
    collector.stop()?;
    let entries = entries(&collector)?;
    ensure!(entries.first().is_some_and(|entry| entry["seq"] == 1), "{entries:?}");
    ensure!(entries.iter().all(|entry| entry["what"] != "audit retention"), "{entries:?}");
    Ok(())
}

#[test]
fn w2_an_audit_that_was_tampered_with_is_told_with_the_first_wrong_entry() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo")?;
    collector.ask(["sensor", "token", "3407"])?;
    let verify = |head: Option<&str>| -> Result<(i32, Value, String)> {
        let line = ["audit", "verify", "--json"].into_iter().chain(head.map(|_| "--head")).chain(head);
        let said = collector.try_ask(line)?;
        let verdict = said.json()?.into_iter().next().unwrap_or_default();
        Ok((said.code.unwrap_or(-1), verdict, said.err))
    };
    let (code, whole, _) = verify(None)?;
    assert_eq!((code, &whole["sound"]), (0, &true.into()));
    let head = whole["head"].as_str().context("head")?.to_owned();
    let words = collector.ask(["audit", "verify", "--head", &head])?.out;
    ensure!(words.contains("The audit is whole") && words.contains(&format!("Head: {head}:1")), "{words}");
    // It goes on, and the head of before is in it.
    collector.ask(["sensor", "revoke", "1"])?;
    let last = verify(Some(&head))?;
    assert_eq!((last.0, &last.1["head_asked_for_at"]), (0, &whole["last"]));
    let newest = last.1["head"].as_str().context("head")?.to_owned();
    // A member's part holds what is its own.
    let part = collector.ask(["audit", "export", "--member", "3407", "--json"])?.json()?;
    let whats: Vec<&str> = part.iter().filter_map(|entry| entry["what"].as_str()).collect();
    assert_eq!(whats, ["member add", "sensor token", "sensor revoke", "audit export"]);
    ensure!(part.iter().all(|entry| !entry.to_string().contains("Oslo")), "{part:?}");
    let unknown = collector.try_ask(["audit", "export", "--member", "9999"])?;
    ensure!(unknown.code == Some(1) && unknown.err.contains("member list"), "{unknown:?}");
    // The front cut off, with a checkpoint as well made as the program's own: the entry behind it is too young for that.
    let kept = format!("{newest}:1");
    assert_eq!(verify(Some(&kept))?.0, 0);
    let saved_front = fs::read(collector.data().join(DATABASE_FILE))?;
    forge_checkpoint(&collector, 3)?;
    for head in [Some(kept.as_str()), Some(newest.as_str()), None] {
        let (code, verdict, why) = verify(head)?;
        assert_eq!((code, &verdict["sound"]), (1, &false.into()), "{head:?}");
        ensure!(why.contains("entries 1-3 are no longer there"), "{why}");
    }
    fs::write(collector.data().join(DATABASE_FILE), &saved_front)?;
    ensure!(collector.try_ask(["audit", "verify", "--head", &format!("{newest}:x")])?.code == Some(2));

    // The end cut off: whole in itself, and not what it was.
    let saved = fs::read(collector.data().join(DATABASE_FILE))?;
    let back = || fs::write(collector.data().join(DATABASE_FILE), &saved);
    collector.tamper("DELETE FROM audit WHERE what IN ('sensor revoke', 'audit export')")?;
    assert_eq!(verify(None)?.0, 0);
    let (code, cut, why) = verify(Some(&newest))?;
    assert_eq!((code, &cut["sound"]), (1, &false.into()));
    ensure!(why.contains(&newest) && why.contains("cut off"), "{why}");
    back()?;
    assert_eq!(verify(Some(&newest))?.0, 0);

    for (sql, wrong) in [
        ("UPDATE audit SET became = 'Gjovik' WHERE what = 'member add' AND became = 'Gjøvik'", 4),
        ("DELETE FROM audit WHERE seq = 5", 5),
        (
            "UPDATE audit SET seq = seq + 90 WHERE seq = 5; UPDATE audit SET seq = seq - 1 WHERE seq IN (6); UPDATE audit SET seq = 6 WHERE seq = 95",
            5,
        ),
    ] {
        collector.tamper_all(sql)?;
        let (code, verdict, why) = verify(None)?;
        assert_eq!((code, &verdict["wrong_entry"]), (1, &wrong.into()), "{sql}: {why}");
        ensure!(why.contains(&format!("entry {wrong}")), "{why}");
        back()?;
    }
    // An octet of the file itself.
    let mut octets = saved.clone();
    let name = "Gjøvik".as_bytes();
    let places: Vec<usize> =
        octets.windows(name.len()).enumerate().filter(|(_, w)| *w == name).map(|(at, _)| at).collect();
    let mut found = 0;
    for place in places {
        octets[place] ^= 0x20;
        fs::write(collector.data().join(DATABASE_FILE), &octets)?;
        found += usize::from(verify(None)?.0 == 1);
        octets[place] ^= 0x20;
    }
    // The name stands in the table of members too; there it is no part of the audit.
    ensure!(found >= 1, "no flipped octet was found");
    back()?;
    assert_eq!(verify(Some(&newest))?.0, 0);
    Ok(())
}
