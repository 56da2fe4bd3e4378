//! Promises T5, E1, P4 and Q3 of the members' life cycle, by the real programs: a sensor reports for the sites it was given and
//! for no other, old numbers lead on, a shared network counts once, and a member that leaves is gone and stays gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, burst, live};
use varde_tests::programs::{PATIENCE, eventually, said};

/// Where every host of `hits` lies.
const ELSEWHERE: &str = "[[site]]\nid = 4\nnetworks = [\"10.9.1.0/24\"]\n";

fn collector(folder: &Path, members: &[(&str, &str)]) -> Result<Collector> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    collector.start()?;
    for (number, name) in members {
        collector.add_member(number, name)?;
    }
    collector.publish(&format!("{LISTED}\n"))?;
    Ok(collector)
}

/// A member's sensor, enrolled, with a folder of its own for what it reads.
fn sensor(folder: &Path, collector: &Collector, number: &str) -> Result<(Agent, PathBuf)> {
    let own = folder.join(format!("of-{number}"));
    fs::create_dir_all(&own)?;
    let agent = Agent::new(&own.join("agent"), None)?;
    agent.enroll(&collector.token(number)?)?;
    Ok((agent, own))
}

/// Waits until so many alerts of a member are stored.
fn alerts_of(collector: &Collector, number: &str, count: usize) -> Result<Vec<Value>> {
    eventually("the alerts are stored", PATIENCE, || {
        let all = collector.list("alert")?;
        let own: Vec<Value> = all.into_iter().filter(|alert| alert["member"]["number"] == number).collect();
        Ok((own.len() >= count).then_some(own))
    })
}

fn sites(collector: &Collector) -> Result<Vec<Value>> {
    collector.ask(["sensor", "site", "list", "--json"])?.json()
}

#[test]
fn t5_a_sensor_reports_for_the_sites_it_was_given_and_for_no_other() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = collector(folder.path(), &[("3407", "Gjøvik"), ("3405", "Lillehammer")])?;
    let (mut agent, own) = sensor(folder.path(), &collector, "3407")?;
    fs::write(agent.data().join("agent.toml"), ELSEWHERE)?;
    let feed = live(&mut agent, &own, 1)?;
    // The sensor's own word adds nothing: it is let in for what it was given, or not at all, and the collector says why.
    eventually("its session is ended with the reason, at both ends", PATIENCE, || {
        let told = collector.ask(["sensor", "events", "1", "--json"])?.json()?;
        let told = told.iter().any(|line| line["body"]["event"] == "foreign_site");
        let told_there = agent.log().contains("agent.toml names a site that the collector has not given this sensor");
        Ok((told && told_there).then_some(()))
    })?;
    ensure!(collector.alerts()?.is_empty() && sites(&collector)?.len() == 1, "nothing came of it");
    agent.kill()?;
    drop(feed);

    collector.ask(["sensor", "site", "add", "1", "4", "--member", "3405"])?;
    ensure!(sites(&collector)?.iter().any(|site| site["site"] == 4 && site["named"] == false), "given, not yet named");
    let mut hosts = 0;
    let mut feed = live(&mut agent, &own, 2)?;
    feed.send(&burst(&mut hosts, 10).packets)?;
    let alerts = alerts_of(&collector, "3405", 9)?;
    ensure!(alerts.iter().all(|alert| alert["site"] == 4 && alert["sensor"] == 1), "{alerts:?}");
    ensure!(collector.list("incident")?.iter().all(|incident| incident["member"]["number"] == "3405"));
    let shown = collector.ask(["member", "show", "3405", "--json"])?.json()?;
    let watched = &shown[0]["watched_by"][0];
    ensure!(watched["sensor"] == 1 && watched["member"] == "3407" && watched["named"] == true, "{watched}");

    // Taken away, the session that named it ends at once; what is stored stays its member's.
    let before = agent.log().matches("agent.toml names a site").count();
    collector.ask(["sensor", "site", "remove", "1", "4"])?;
    eventually("the session has ended", PATIENCE, || {
        let connected = collector.sensors()?.iter().any(|sensor| sensor.connected);
        Ok((!connected && agent.log().matches("agent.toml names a site").count() > before).then_some(()))
    })?;
    ensure!(alerts_of(&collector, "3405", 9)?.len() >= alerts.len());
    agent.kill()?;
    collector.stop()
}

#[test]
fn members_behind_one_suppliers_network_are_no_campaign_until_another_is_hit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let members = [("3407", "Gjøvik"), ("3405", "Lillehammer"), ("0301", "Oslo")];
    let mut collector = collector(folder.path(), &members)?;
    for number in ["3407", "3405"] {
        collector.ask(["member", "set", number, "--supplier", "IKT Øst"])?;
    }
    let mut running: Vec<(Agent, Feed)> = Vec::new();
    for number in ["3407", "3405", "0301"] {
        let (mut agent, own) = sensor(folder.path(), &collector, number)?;
        let mut feed = live(&mut agent, &own, 1)?;
        feed.send(&burst(&mut 0, 10).packets)?;
        alerts_of(&collector, number, 9)?;
        running.push((agent, feed));
        ensure!(collector.list("campaign")?.len() == usize::from(number == "0301"), "after {number}");
    }
    let campaign = &collector.list("campaign")?[0];
    ensure!(campaign["member_count"] == 3 && campaign["independent"] == 2, "{campaign}");
    let named: Vec<&str> = campaign["members"]
        .as_array()
        .context("members")?
        .iter()
        .filter_map(|part| part["supplier"].as_str())
        .collect();
    ensure!(named == ["IKT Øst", "IKT Øst"], "each is named: {campaign}");
    let said = collector.ask(["campaign", "list"])?.out;
    ensure!(said.contains("3 (2 independent) of 3"), "{said}");
    for (mut agent, _) in running {
        agent.kill()?;
    }
    collector.stop()
}

#[test]
fn members_come_out_of_a_spreadsheet_whole_or_not_at_all_and_their_old_numbers_lead_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = collector(folder.path(), &[("3407", "Gjøvik"), ("3405", "Lillehammer")])?;
    let file = folder.path().join("medlemmer.csv");
    let path = file.to_string_lossy().into_owned();
    let heads = "\u{feff}nummer;navn;målform;digitalsikkerhetsloven;leverandørnett;vakt_navn;vakt_vakttelefon;vakt_bekreftet\r\n";
    fs::write(&file, format!("{heads}301;Oslo;nøytral;ja;;;;\r\n3407;Gjøvik;riksmål;;;Kari;1234567;\r\n"))?;
    for dry in [true, false] {
        let arguments = ["member", "import", &path, "--json"].into_iter().chain(dry.then_some("--dry-run"));
        let said = collector.try_ask(arguments)?;
        ensure!(said.code == Some(1) && said.err.contains("nothing was written"), "{said:?}");
        let wrong: Vec<(u64, String)> = said
            .json()?
            .iter()
            .filter(|line| line.get("wrong").is_some())
            .filter_map(|line| Some((line["line"].as_u64()?, line["column"].as_str()?.to_owned())))
            .collect();
        ensure!(wrong == [(3, "målform".to_owned()), (3, "vakt_vakttelefon".to_owned())], "{wrong:?}");
        ensure!(collector.list("member")?.len() == 2);
    }
    fs::write(
        &file,
        format!("{heads}301;Oslo;nøytral;ja;;;;\r\n3407;Gjøvik;bokmål;;IKT Øst;Kari Nordmann;90000000;21.11.2025\r\n"),
    )?;
    collector.ask(["member", "import", &path, "--dry-run"])?;
    ensure!(collector.list("member")?.len() == 2, "a dry run writes nothing");
    collector.ask(["member", "import", &path])?;
    let written = folder.path().join("ut.csv").to_string_lossy().into_owned();
    collector.ask(["member", "export", &written])?;
    let text = fs::read_to_string(&written)?;
    ensure!(text.starts_with("\u{feff}nummer;") && text.contains("\r\n0301;Oslo;nøytral;ja;"), "{text}");
    ensure!(text.contains(";Kari Nordmann;;900 00 000;;2025-11-21;"), "{text}");
    let again = collector.ask(["member", "import", &written, "--json"])?.json()?;
    ensure!(again.iter().all(|line| line["changed"].as_array().is_some_and(Vec::is_empty)), "{again:?}");

    // A municipality gets another number, and becomes part of a new one; its sensor goes on.
    let (mut agent, own) = sensor(folder.path(), &collector, "3407")?;
    collector.ask(["member", "rename", "3407", "--number", "3499", "--name", "Nye Gjøvik"])?;
    ensure!(collector.try_ask(["member", "add", "3407", "En annen"])?.err.contains("leads on to 3499"));
    collector.ask(["member", "merge", "3407", "--into", "3405"])?;
    for number in ["3407", "3499", "3405"] {
        let shown = collector.ask(["member", "show", number, "--json"])?.json()?;
        ensure!(shown[0]["number"] == "3405" && shown[0]["contacts"]["oncall"]["name"] == "Kari Nordmann", "{shown:?}");
    }
    ensure!(collector.try_ask(["member", "remove", "3405"])?.err.contains("is no mistake"));
    collector.ask(["member", "remove", "0301"])?;
    let mut feed = live(&mut agent, &own, 1)?;
    feed.send(&burst(&mut 0, 10).packets)?;
    alerts_of(&collector, "3405", 9)?;
    agent.kill()?;
    collector.stop()
}

/// Every octet of the database's files.
fn database(collector: &Collector) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for name in ["varde.sqlite", "varde.sqlite-wal"] {
        all.extend(fs::read(collector.data().join(name)).unwrap_or_default());
    }
    Ok(all)
}

/// Tables with a column in which this stands.
fn tables_with(collector: &Collector, mark: &str) -> Result<Vec<String>> {
    let options = SqliteConnectOptions::new().filename(collector.data().join("varde.sqlite"));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut conn = SqliteConnection::connect_with(&options).await?;
        let sql = "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
        let columns: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut conn).await?;
        ensure!(columns.len() > 50, "{columns:?}");
        let mut found = Vec::new();
        for (table, column) in columns {
            let sql = format!(
                "SELECT COUNT(*) FROM \"{table}\" WHERE instr(CAST(\"{column}\" AS BLOB), CAST($1 AS BLOB)) > 0"
            );
            let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(mark).fetch_one(&mut conn).await?;
            if count > 0 && !found.contains(&table) {
                found.push(table);
            }
        }
        conn.close().await?;
        Ok(found)
    })
}

fn sha256_of(path: &Path) -> Result<String> {
    let said = said(Command::new("sha256sum").arg(path))?.ok()?.out;
    said.split_whitespace().next().map(str::to_owned).context("no sum")
}

fn holds(all: &[u8], mark: &str) -> bool {
    all.windows(mark.len()).any(|window| window == mark.as_bytes())
}

#[test]
fn q3_p4_a_member_that_leaves_is_handed_its_data_is_gone_and_is_not_back_after_a_restore() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = collector(folder.path(), &[("3407", "Gjøvik"), ("3405", "Lillehammer")])?;
    let mut running = Vec::new();
    for number in ["3407", "3405"] {
        let (mut agent, own) = sensor(folder.path(), &collector, number)?;
        let mut feed = live(&mut agent, &own, 1)?;
        feed.send(&burst(&mut 0, 10).packets)?;
        alerts_of(&collector, number, 9)?;
        running.push((agent, feed));
    }
    let person = ["--contact", "it", "--name", "Kari Nordmann", "--telephone", "61180011"];
    collector.ask(["member", "set", "3407"].into_iter().chain(person))?;
    collector.ask(["member", "rename", "3407", "--number", "3499"])?;
    collector.ask(["sensor", "site", "add", "2", "4", "--member", "3499"])?;
    let backup = folder.path().join("backup").to_string_lossy().into_owned();
    collector.ask(["backup", &backup])?;

    let to = folder.path().join("left");
    let to_text = to.to_string_lossy().into_owned();
    let unasked = collector.try_ask(["member", "leave", "3499", "--to", &to_text])?;
    ensure!(unasked.code == Some(1) && unasked.err.contains("nothing was deleted"), "{unasked:?}");
    ensure!(collector.ask(["member", "show", "3407"])?.out.contains("Gjøvik"));
    ensure!(!to.exists(), "nobody was asked, and something was handed over");
    let said = collector.ask(["member", "leave", "3499", "--to", &to_text, "--yes"])?;
    ensure!(said.out.contains("SLETTEBEKREFTELSE") && said.out.contains("Tidligere nummer: 3407"), "{}", said.out);
    ensure!(fs::read_to_string(to.join("deletion.txt"))?.trim() == said.out.trim());
    let certificate: Value = serde_json::from_slice(&fs::read(to.join("deletion.json"))?)?;
    ensure!(certificate["deleted"]["sensors"] == 1 && certificate["deleted"]["campaigns"] == 1, "{certificate}");
    let handed = fs::read_to_string(to.join("alerts.jsonl"))?;
    let pseudonyms: Vec<String> = handed
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["client"].as_str().map(str::to_owned))
        .collect();
    ensure!(pseudonyms.len() >= 9, "{handed}");
    ensure!(!handed.contains("Lillehammer") && !fs::read_to_string(to.join("campaigns.jsonl"))?.contains("3405"));

    // Of the sensor that was to watch one of its networks it is told the number, and not whose it is.
    let sites = fs::read_to_string(to.join("sites.jsonl"))?;
    ensure!(sites.contains("\"site\":4") && sites.contains("Gjøvik"), "{sites}");
    ensure!(!sites.contains("3405") && !sites.contains("Lillehammer"), "{sites}");

    // Neither by its number of today nor by an old one, in no listing and no file.
    for number in ["3407", "3499"] {
        ensure!(collector.try_ask(["member", "show", number])?.code == Some(1), "{number}");
    }
    for what in [
        &["member", "export"] as &[&str],
        &["member", "list", "--json"],
        &["alert", "list", "--json"],
        &["campaign", "list", "--json"],
        &["sensor", "list", "--json"],
    ] {
        let out = collector.ask(what.iter().copied())?.out;
        // As a word: a time or an id may have such digits in it.
        let is_named = out.split([',', ';', '"', ':', ' ', '\n']).any(|word| word == "3407" || word == "3499");
        ensure!(!is_named && !out.contains("Gjøvik"), "{what:?}: {out}");
    }
    ensure!(collector.list("campaign")?[0]["departed"] == 1, "of it one number is left");
    eventually("its sensor is told that it is revoked", PATIENCE, || {
        let log = running.first().map(|(agent, _)| agent.log()).unwrap_or_default();
        Ok(log.contains("revoked").then_some(()))
    })?;
    collector.stop()?;
    let gone: Vec<&str> =
        ["Kari Nordmann", "+4761180011"].into_iter().chain(pseudonyms.iter().map(String::as_str)).collect();
    let left: Vec<&&str> = gone.iter().filter(|mark| holds(&database(&collector).unwrap_or_default(), mark)).collect();
    ensure!(left.is_empty(), "still in the database's file: {left:?}");
    // The audit is not rewritten: what it said before it says still, and what it says of the leaving names nobody.
    assert_eq!(tables_with(&collector, "Gjøvik")?, ["audit"]);
    let audit = collector.ask(["audit", "list", "--json"])?.json()?;
    let leaving: Vec<&Value> = audit.iter().filter(|entry| entry["what"] == "member leave").collect();
    ensure!(leaving.len() >= 2 && !format!("{leaving:?}").contains("Gjøvik"), "{leaving:?}");
    ensure!(certificate["audit_until"].as_str() > certificate["backups_until"].as_str(), "{certificate}");
    ensure!(said.out.contains("navnet og numrene i revisjonsloggen"), "{}", said.out);
    let part = fs::read_to_string(to.join("audit.jsonl"))?;
    ensure!(part.contains("Gjøvik") && part.contains("member leave") && !part.contains("Lillehammer"), "{part}");

    // What its sensor told every 30 seconds is handed over too, as much as was deleted, and of nobody else's sensor.
    let beats = fs::read_to_string(to.join("heartbeats.jsonl"))?;
    let beats: Vec<Value> = beats.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(!beats.is_empty() && beats.iter().all(|beat| beat["sensor"] == 1), "{beats:?}");
    ensure!(beats.iter().all(|beat| beat["heartbeat"]["packets"].is_u64() && beat["at"].is_string()), "{beats:?}");
    ensure!(certificate["deleted"]["heartbeats"].as_u64() >= Some(beats.len() as u64), "{certificate}");
    let handed = certificate["exported"].as_array().context("exported")?;
    let sum = sha256_of(&to.join("heartbeats.jsonl"))?;
    ensure!(handed.iter().any(|file| file["name"] == "heartbeats.jsonl" && file["sha256"] == sum.as_str()));

    // The backup knows it; the restore does not let it back, says so, and the other's sensor goes on.
    let again = || -> Result<usize> {
        let audit = collector.ask(["audit", "list", "--json"])?.json()?;
        let is_again = |entry: &&Value| {
            entry["what"] == "member leave" && entry["before"] == "a member that had left and was back"
        };
        Ok(audit.iter().filter(is_again).count())
    };
    ensure!(again()? == 0, "nothing came back yet");
    let said = collector.ask(["restore", &backup, "--json"])?.json()?;
    ensure!(said[0]["departed_again"] == 1, "{said:?}");
    ensure!(again()? == 1, "the audit does not say that it was there again and is deleted again");
    ensure!(collector.ask(["audit", "verify", "--json"])?.json()?[0]["sound"] == true);
    let left: Vec<&&str> = gone.iter().filter(|mark| holds(&database(&collector).unwrap_or_default(), mark)).collect();
    ensure!(left.is_empty(), "back in the database's file: {left:?}");
    assert_eq!(tables_with(&collector, "Gjøvik")?, ["audit"]);
    // A database that knows of no departures (one of before there were any was restored) is told by the file when it starts.
    collector.tamper("DELETE FROM departure")?;
    collector.start()?;
    ensure!(collector.tamper("UPDATE departure SET left_at = left_at")? == 1, "the start did not tell the database");
    ensure!(collector.list("member")?.len() == 1 && collector.list("incident")?.len() == 1);
    eventually("the other's sensor is back, and the one that left is not", PATIENCE, || {
        Ok((collector.sensors()?.iter().filter(|sensor| sensor.connected).count() == 1).then_some(()))
    })?;

    // The member's own end.
    let (mut agent, feed) = running.remove(0);
    let refused = agent.try_ask(["wipe", "--yes"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("an agent runs"), "{refused:?}");
    ensure!(agent.data().join("identity").exists(), "nothing was removed");
    agent.kill()?;
    drop(feed);
    ensure!(agent.try_ask(["wipe"])?.code == Some(2) && agent.data().join("identity").exists(), "nobody was asked");
    let said = agent.try_ask(["wipe", "--yes", "--json"])?.ok()?.json()?;
    let removed: Vec<&str> =
        said[0]["removed"].as_array().context("removed")?.iter().filter_map(|part| part["name"].as_str()).collect();
    for name in ["identity", "site.key", "hosts", "spool", "list"] {
        ensure!(removed.contains(&name) && !agent.data().join(name).exists(), "{name}: {removed:?}");
    }
    ensure!(
        agent.try_ask(["status"])?.out.contains("not enrolled")
            || agent.try_ask(["status"])?.err.contains("not enrolled")
    );
    for (mut agent, _) in running {
        agent.kill()?;
    }
    collector.stop()
}
