//! What is asked at a terminal, and promise Q3 where a member leaves while its sensors deliver, the power goes or somebody reads: all
//! is handed over, all is gone, and a certificate says so.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use varde_tests::community::{Agent, Collector};
use varde_tests::fault::Shim;
use varde_tests::hits::{LISTED, burst, live};
use varde_tests::programs::{PATIENCE, Said, eventually, said};
use varde_tests::terminal::Terminal;

/// More disk calls of one kind than any of these commands makes.
const CALLS_MAX: usize = 400;

/// A member with a sensor of its own that listens, at a collector that runs.
fn watched(folder: &Path) -> Result<(Collector, Agent, varde_tests::capture::Feed)> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish(&format!("{LISTED}\n"))?;
    let mut agent = Agent::new(&folder.join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let feed = live(&mut agent, folder, 1)?;
    Ok((collector, agent, feed))
}

fn count(collector: &Collector, sql: &'static str) -> Result<u64> {
    let rows: Vec<(i64,)> = collector.query(sql)?;
    Ok(rows.first().map_or(0, |(count,)| u64::try_from(*count).unwrap_or(0)))
}

fn alerts(collector: &Collector) -> Result<u64> {
    count(collector, "SELECT COUNT(*) FROM alert")
}

/// The lines of a file that was handed over.
fn handed(to: &Path, name: &str) -> Result<Vec<Value>> {
    let text = fs::read_to_string(to.join(name)).with_context(|| name.to_owned())?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn certificate(to: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&fs::read(to.join("deletion.json")).context("deletion.json")?)?)
}

/// What waits in a collector's data directory for a certificate that is not written yet.
fn waiting(collector: &Collector) -> Result<Vec<PathBuf>> {
    let all = fs::read_dir(collector.data())?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|path| path.to_string_lossy().contains("/leaving-")).collect())
}

/// A line that a program says at a terminal beside what it was asked for.
fn begins_with_an_error(screen: &str) -> bool {
    ["panicked", "feature", "ERROR", "Unable"].iter().any(|word| screen.contains(word))
}

#[test]
fn q3_at_a_terminal_nothing_is_said_beside_the_answer_and_only_the_right_number_deletes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;

    for line in [&["member", "list"] as &[&str], &["status"], &["audit", "verify"]] {
        let said = Terminal::start(collector.command(line.iter().copied())?)?.end()?;
        ensure!(said.code == Some(0) && !begins_with_an_error(&said.out), "{line:?}: {said:?}");
    }
    let said = Terminal::start(agent.command(["status"])?)?.end()?;
    ensure!(said.code == Some(0) && !begins_with_an_error(&said.out), "{said:?}");

    // A reason is asked for and written down, found or not.
    let mut terminal = Terminal::start(agent.command(["reveal", "H-0123456789ABC"])?)?;
    terminal.await_said("Reason")?;
    terminal.type_line("sak 7")?;
    let said = terminal.end()?;
    ensure!(said.code == Some(1) && said.out.contains("no alert of this sensor names"), "{said:?}");
    ensure!(fs::read_to_string(agent.data().join("reveal.log"))?.contains("sak 7"));

    let leave = |to: &str, typed: &str| -> Result<_> {
        let to = folder.path().join(to).to_string_lossy().into_owned();
        let mut terminal = Terminal::start(collector.command(["member", "leave", "3407", "--to", &to])?)?;
        terminal.await_said("Type its number")?;
        terminal.type_line(typed)?;
        terminal.end()
    };
    for wrong in ["3405", "yes", ""] {
        let said = leave(&format!("not-left{wrong}"), wrong)?;
        ensure!(said.code == Some(1) && said.out.contains("nothing was deleted"), "{wrong}: {said:?}");
        ensure!(!begins_with_an_error(&said.out), "{said:?}");
        let sensors = collector.sensors()?;
        ensure!(collector.list("member")?.len() == 1 && sensors.len() == 1, "{sensors:?}");
        ensure!(collector.list("sensor")?[0]["revoked_at"].is_null(), "a wrong number revoked its sensor");
    }
    let said = leave("left", "3407")?;
    ensure!(said.code == Some(0) && said.out.contains("SLETTEBEKREFTELSE"), "{said:?}");
    ensure!(collector.list("member")?.is_empty() && collector.list("sensor")?.is_empty());

    for (typed, code) in [("no", 1), ("", 1), ("yes", 0)] {
        let mut terminal = Terminal::start(agent.command(["wipe"])?)?;
        terminal.await_said("to go on")?;
        terminal.type_line(typed)?;
        let said = terminal.end()?;
        ensure!(said.code == Some(code) && !begins_with_an_error(&said.out), "{typed}: {said:?}");
        ensure!(agent.data().join("identity").exists() == (code == 1), "{typed}");
    }
    collector.stop()
}

/// A data directory as another was, from which nothing is ever written.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(to);
    said(Command::new("cp").arg("-a").arg(from).arg(to))?.ok().map(drop)
}

/// Kills a command before each of its calls of a kind in turn, until it makes no more of them and ends well; gives how often. Each
/// time `before` makes everything as it was, and what is left is looked at by `after`.
fn killed_at_each(
    shim: &Shim,
    call: &str,
    mut before: impl FnMut() -> Result<Command>,
    mut after: impl FnMut(&str) -> Result<()>,
) -> Result<usize> {
    for place in 1..CALLS_MAX {
        let fault = format!("{call}:kill@{place}");
        let mut command = before()?;
        let ended = said(command.envs(shim.failing(&fault)))?;
        match ended.code {
            None => after(&fault)?,
            Some(0) => return Ok(place - 1),
            Some(_) => bail!("{fault}: {ended:?}"),
        }
    }
    bail!("more than {CALLS_MAX} calls of {call}")
}

#[test]
fn q3_a_wipe_that_is_cut_off_anywhere_is_told_as_one_and_nothing_else_begins_on_what_it_left() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let shim = Shim::compile(folder.path())?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let enrolled = Agent::new(&folder.path().join("enrolled"), None)?;
    enrolled.enroll(&collector.token("3407")?)?;
    let token = collector.token("3407")?;
    fs::create_dir_all(enrolled.data().join("spool.aside-1"))?;
    for name in ["hosts", "spool.aside-1/left", "agent.toml"] {
        fs::write(enrolled.data().join(name), "# of the sensor before\n")?;
    }
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    let mut cut_off = 0;
    let told =
        |said: &Said| said.code == Some(1) && said.err.contains("a wipe") && said.err.contains("varde-agent wipe");
    for call in ["fsync", "rename"] {
        let before = || {
            copy(enrolled.data(), agent.data())?;
            agent.command(["wipe", "--yes"].map(OsString::from))
        };
        let times = killed_at_each(&shim, call, before, |fault| {
            let status = agent.try_ask(["status"])?;
            if told(&status) {
                cut_off += 1;
                // The next sensor's is neither what is left nor the token's one use.
                ensure!(told(&agent.try_enroll(&token)?), "{fault}: a new sensor began on what was left");
                let run = agent.try_ask(["run", "--capture", "/dev/null"])?;
                ensure!(told(&run), "{fault}: {run:?}");
            } else {
                // Before anything was removed, or after everything was.
                let whole = status.out.contains("Gjøvik") && agent.data().join("spool.aside-1/left").exists();
                let nothing = status.out.contains("not enrolled") && !agent.data().join("spool.aside-1").exists();
                ensure!(status.code == Some(0) && (whole || nothing), "{fault}: {status:?}");
            }
            agent.try_ask(["wipe", "--yes"])?.ok()?;
            let left: Vec<_> = fs::read_dir(agent.data())?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
            ensure!(left == ["agent.toml"], "{fault}: {left:?}");
            Ok(())
        })?;
        ensure!(times >= 1, "{call}: never cut off");
    }
    ensure!(cut_off >= 5, "only {cut_off} times in the middle");
    agent.enroll(&token)?;
    collector.stop()
}

#[test]
fn q3_what_is_delivered_while_somebody_thinks_or_while_it_is_written_is_handed_over_before_it_is_deleted() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let (mut collector, mut agent, mut feed) = watched(folder.path())?;
    let mut host = 0;
    feed.send(&burst(&mut host, 10).packets)?;
    eventually("the first alerts are stored", PATIENCE, || Ok((alerts(&collector)? >= 9).then_some(())))?;
    // More than a page shows of each, and of each so much that it takes a while to write.
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
        INSERT INTO sensor_event SELECT 1, 'made', i, i, i, '{\"event\":\"made\"}' FROM n;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
        INSERT INTO heartbeat SELECT 1, i, '{\"packets\":' || i || '}' FROM n;
        INSERT INTO braked_count VALUES (1, 0, 1, 1, 0, 'outbound', 1, 1, 7, 3, 1, 2, 3)";
    collector.tamper_all(many)?;

    let to = folder.path().join("left");
    let to_text = to.to_string_lossy().into_owned();
    let mut terminal = Terminal::start(collector.command(["member", "leave", "3407", "--to", &to_text])?)?;
    terminal.await_said("Type its number")?;
    let before = alerts(&collector)?;
    feed.send(&burst(&mut host, 10).packets)?;
    eventually("more is stored while somebody thinks", PATIENCE, || {
        Ok((alerts(&collector)? >= before + 9).then_some(()))
    })?;
    let asked = alerts(&collector)?;
    terminal.type_line("3407")?;
    // By the sensor of another, for one of its sites: no revocation keeps that away.
    eventually("its alerts are written", PATIENCE, || Ok(to.join("alerts.jsonl").exists().then_some(())))?;
    let late = collector.tamper("UPDATE alert SET count = count + 41, updated_at = updated_at + 1 WHERE id = 1")?;
    ensure!(late == 1, "all was deleted before it came");
    let said = terminal.end()?;
    ensure!(said.code == Some(0), "{said:?}");

    let (certificate, of) = (certificate(&to)?, handed(&to, "alerts.jsonl")?);
    let deleted = |what: &str| certificate["deleted"][what].as_u64().context("deleted");
    ensure!(of.len() as u64 >= asked && deleted("alerts")? == of.len() as u64, "{} of {certificate}", of.len());
    ensure!(of.iter().any(|alert| alert["count"].as_u64() > Some(40)), "what came last was deleted unseen: {of:?}");
    for (name, what, least) in [("events", "events", 12_000), ("heartbeats", "heartbeats", 60_000)] {
        let lines = handed(&to, &format!("{name}.jsonl"))?.len() as u64;
        ensure!(lines >= least && lines == deleted(what)?, "{lines} {name} of {certificate}");
    }
    let braked = handed(&to, "braked.jsonl")?;
    ensure!(braked.len() == 1 && braked[0]["count"] == 7 && braked[0]["evidence"] == "looked_up", "{braked:?}");
    ensure!(waiting(&collector)?.is_empty());
    eventually("its sensor is told that it is revoked", PATIENCE, || {
        Ok(agent.log().contains("revoked").then_some(()))
    })?;
    agent.kill()?;
    collector.stop()
}

#[test]
fn q3_of_two_who_delete_the_same_member_one_hands_it_over_and_the_other_leaves_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let places = ["one", "other"].map(|name| folder.path().join(name));
    let mut terminals = Vec::new();
    for to in &places {
        let to = to.to_string_lossy().into_owned();
        let terminal = Terminal::start(collector.command(["member", "leave", "3407", "--to", &to])?)?;
        terminal.await_said("Type its number")?;
        terminals.push(terminal);
    }
    for (mut terminal, code) in terminals.into_iter().zip([0, 1]) {
        terminal.type_line("3407")?;
        let said = terminal.end()?;
        ensure!(said.code == Some(code) && !said.out.contains("database refused"), "{said:?}");
        ensure!((code == 0) != said.out.contains("Gjøvik (3407) has left meanwhile"), "{said:?}");
    }
    let [one, other] = places;
    ensure!(certificate(&one)?["number"] == "3407" && !other.exists(), "what the other wrote stays");
    collector.stop()
}

#[test]
fn q3_a_leaving_that_is_killed_anywhere_ends_with_everything_there_or_with_a_certificate() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let shim = Shim::compile(folder.path())?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    collector.token("3407")?;
    collector.ask([
        "member",
        "set",
        "3407",
        "--contact",
        "it",
        "--name",
        "Kari Nordmann",
        "--telephone",
        "61180011",
    ])?;
    let whole = folder.path().join("whole");
    copy(collector.data(), &whole)?;
    let (to, anew) = (folder.path().join("left"), folder.path().join("anew"));
    let (to_text, anew_text) = (to.to_string_lossy().into_owned(), anew.to_string_lossy().into_owned());
    let leave = ["member", "leave", "3407", "--yes", "--to"];
    let leave_to = |to| leave.into_iter().chain([to]);
    let (mut gone, mut told, mut times) = (0, 0, 0);
    for call in ["rename", "fsync"] {
        let before = || {
            copy(&whole, collector.data())?;
            for place in [&to, &anew] {
                let _ = fs::remove_dir_all(place);
            }
            collector.command(leave_to(&to_text))
        };
        times += killed_at_each(&shim, call, before, |fault| {
            let is_there = count(&collector, "SELECT COUNT(*) FROM member")? == 1;
            let stands = to.join("deletion.json").exists() && to.join("deletion.txt").exists();
            ensure!(!(is_there && stands), "{fault}: a certificate of what is still there");
            let is_begun = fs::read_dir(&to).is_ok_and(|mut names| names.next().is_some());
            let place = if is_there && is_begun {
                // The same line again says where it stands, and what is to be done; then it ends as any other.
                told += 1;
                let revoked = count(&collector, "SELECT COUNT(*) FROM sensor WHERE revoked_at IS NOT NULL")?;
                let said = collector.try_ask(leave_to(&to_text))?;
                ensure!(said.code == Some(1), "{fault}: {said:?}");
                for words in [
                    "a leaving of Gjøvik (3407) was cut off here".to_owned(),
                    format!("{revoked} of its 1 sensors are revoked"),
                    format!("remove that directory (rm -r {to_text})"),
                ] {
                    ensure!(said.err.contains(&words), "{fault}: {words}: {said:?}");
                }
                fs::remove_dir_all(&to)?;
                collector.ask(leave_to(&to_text)).with_context(|| fault.to_owned())?;
                &to
            } else if is_there {
                collector.ask(leave_to(&anew_text)).with_context(|| fault.to_owned())?;
                &anew
            } else {
                gone += 1;
                // The same line again; where nothing was left to do it finds no such member.
                let said = collector.try_ask(leave_to(&to_text))?;
                ensure!(said.code == Some(0) && said.out.contains("SLETTEBEKREFTELSE") || stands, "{fault}: {said:?}");
                &to
            };
            ensure!(certificate(place)?["deleted"]["contacts"] == 1, "{fault}");
            let text = fs::read_to_string(place.join("deletion.txt"))?;
            ensure!(text.contains("slettet og overskrevet") && text.contains("Gjøvik"), "{fault}: {text}");
            let profile = handed(place, "member.json")?;
            ensure!(profile[0]["contacts"]["it"]["name"] == "Kari Nordmann", "{fault}: {profile:?}");
            ensure!(waiting(&collector)?.is_empty(), "{fault}: {:?}", waiting(&collector)?);
            ensure!(fs::read(collector.data().join("departures.json"))?.len() > 10, "{fault}");
            Ok(())
        })?;
    }
    println!("Q3: killed at {times} calls, {gone} of them with the data gone, {told} in the midst of the hand-over");
    ensure!(gone >= 3 && told >= 5 && times > gone + 10, "{gone} and {told} of {times}");
    Ok(())
}

/// Somebody who reads, and holds what he reads.
struct Reader {
    conn: SqliteConnection,
    runtime: tokio::runtime::Runtime,
}

impl Reader {
    fn begin(collector: &Collector) -> Result<Reader> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = SqliteConnectOptions::new().filename(collector.data().join("varde.sqlite"));
        let conn = runtime.block_on(async {
            let mut conn = SqliteConnection::connect_with(&options).await?;
            sqlx::raw_sql("BEGIN; SELECT COUNT(*) FROM member").execute(&mut conn).await?;
            anyhow::Ok(conn)
        })?;
        Ok(Reader { conn, runtime })
    }

    fn end(self) -> Result<()> {
        Ok(self.runtime.block_on(self.conn.close())?)
    }
}

#[test]
fn q3_overwritten_is_said_only_of_what_nobody_can_read_in_the_log_any_more() -> Result<()> {
    const MARK: &[u8] = b"Kari Nordmann";
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.ask([
        "member",
        "set",
        "3407",
        "--contact",
        "it",
        "--name",
        "Kari Nordmann",
        "--telephone",
        "61180011",
    ])?;
    let holds = |name: &str| -> Result<bool> {
        let octets = fs::read(collector.data().join(name)).unwrap_or_default();
        Ok(octets.windows(MARK.len()).any(|window| window == MARK))
    };
    let reader = Reader::begin(&collector)?;
    let to = folder.path().join("left");
    let to_text = to.to_string_lossy().into_owned();
    let leave = || collector.ask(["member", "leave", "3407", "--yes", "--to", &to_text]);
    let said = leave()?;
    let text = fs::read_to_string(to.join("deletion.txt"))?;
    ensure!(holds("varde.sqlite-wal")?, "the reader held nothing");
    ensure!(!text.contains("overskrevet i databasen") && text.contains("står fortsatt i loggfilen"), "{text}");
    ensure!(said.err.contains("stands in its log") && collector.list("member")?.is_empty(), "{said:?}");
    reader.end()?;
    eventually("the running collector takes it out of the log", PATIENCE, || {
        Ok((!holds("varde.sqlite-wal")? && !holds("varde.sqlite")?).then_some(()))
    })?;
    // And the certificate says so, by itself; the name is not kept for it any longer.
    eventually("the running collector writes the certificate anew", PATIENCE, || {
        let text = fs::read_to_string(to.join("deletion.txt"))?;
        Ok((text.contains("slettet og overskrevet i databasen") && waiting(&collector)?.is_empty()).then_some(()))
    })?;
    ensure!(certificate(&to)?["deleted"]["contacts"] == 1);
    ensure!(collector.try_ask(["member", "leave", "3407", "--yes", "--to", &to_text])?.code == Some(1));
    collector.stop()
}

#[test]
fn q3_of_a_leaving_that_was_handed_over_while_somebody_read_no_later_one_asks_for_the_directory() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    for (number, name) in [("3407", "Gjøvik"), ("3403", "Hamar")] {
        collector.add_member(number, name)?;
    }
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let reader = Reader::begin(&collector)?;
    let said = collector.ask(["member", "leave", "3407", "--yes", "--to", &place("left")])?;
    ensure!(said.out.contains("står fortsatt i loggfilen") && waiting(&collector)?.len() == 1, "{said:?}");
    fs::rename(folder.path().join("left"), folder.path().join("handed over"))?;
    reader.end()?;
    let said = collector.ask(["member", "leave", "3403", "--yes", "--to", &place("another")])?;
    ensure!(!said.err.contains("Gjøvik") && !said.err.contains("cut off"), "{said:?}");
    ensure!(waiting(&collector)?.is_empty() && !folder.path().join("left").exists(), "{:?}", waiting(&collector)?);
    Ok(())
}

#[test]
fn q3_a_certificate_deletes_again_only_whom_it_names_and_only_when_somebody_says_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("0301", "Oslo")?;
    let to = folder.path().join("left");
    collector.ask(["member", "leave", "3407", "--yes", "--to", &to.to_string_lossy()])?;
    // It has left the house, and comes back with the row of another.
    let mut forged = certificate(&to)?;
    let row: Vec<(i64, i64)> = collector.query("SELECT id, added_at FROM member WHERE number = '0301'")?;
    let (id, added_at) = *row.first().context("no Oslo")?;
    forged["rows"][0] = serde_json::json!({ "id": id, "added_at": varde_common::time::Timestamp(added_at) });
    let file = folder.path().join("forged.json");
    let file_text = file.to_string_lossy().into_owned();
    fs::write(&file, forged.to_string())?;
    let again = ["member", "leave", "--again", &file_text];
    let is_there = || Ok::<_, anyhow::Error>(collector.list("member")?.len() == 1);
    let said = collector.try_ask(again.into_iter().chain(["--yes"]))?;
    ensure!(said.code == Some(1) && said.err.contains("nothing was deleted") && is_there()?, "{said:?}");
    // One that names it, as on a machine that a backup was carried to.
    forged["number"] = "0301".into();
    fs::write(&file, forged.to_string())?;
    let said = collector.try_ask(again)?;
    ensure!(said.code == Some(1) && said.err.contains("nobody can be asked") && is_there()?, "{said:?}");
    for (typed, code) in [("3407", 1), ("0301", 0)] {
        let mut terminal = Terminal::start(collector.command(again)?)?;
        terminal.await_said("Type its number")?;
        terminal.type_line(typed)?;
        let said = terminal.end()?;
        ensure!(said.code == Some(code) && is_there()? == (code == 1), "{typed}: {said:?}");
    }
    // Who is not here needs no answer.
    ensure!(collector.ask(again)?.out.contains("Nothing of"));
    Ok(())
}
