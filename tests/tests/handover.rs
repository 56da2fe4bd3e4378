//! Promise E1 of what a sensor's life brings, by the real programs: a dead box is replaced by a new one with all that was its own, a sensor goes
//! to another member, and one that was off over a whole change of authority comes back by itself.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_collector::certificate::{is_issued_by, read_certificate};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

const LISTED: &str = "vond.example";

fn sensor(collector: &Collector, id: u64) -> Result<Value> {
    let sensors = collector.list("sensor")?;
    sensors.into_iter().find(|sensor| sensor["id"].as_u64() == Some(id)).context("no such sensor")
}

fn community(folder: &Path) -> Result<Collector> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.add_member("3403", "Hamar")?;
    collector.publish(LISTED)?;
    Ok(collector)
}

/// An enrolled sensor that watches a pipe.
fn start(agent: &mut Agent, folder: &Path, pipe: &str) -> Result<Feed> {
    let feed = Feed::new(&folder.join(pipe))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    Ok(feed)
}

/// A host of this number looks the listed name up; waits until there are so many alerts.
fn find(collector: &Collector, feed: &mut Feed, host: u8, alerts: usize) -> Result<Vec<Value>> {
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: 7, name: LISTED, qtype: rtype::A };
    let client = SocketAddr::from(([10, 1, 1, host], 40_000));
    traffic.lookup(client, "10.0.0.53:53".parse()?, question, &Outcome::address(LISTED, "203.0.113.7".parse()?));
    feed.send(&traffic.packets)?;
    eventually(&format!("{alerts} alerts are stored"), PATIENCE, || {
        let found = collector.list("alert")?;
        Ok((found.len() >= alerts).then_some(found))
    })
}

/// The members of the alerts, in the order in which those were stored.
fn members(alerts: &[Value]) -> Vec<String> {
    let mut alerts: Vec<&Value> = alerts.iter().collect();
    alerts.sort_by_key(|alert| alert["id"].as_u64());
    alerts.iter().map(|alert| alert["member"]["number"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn e1_a_new_box_takes_the_place_of_a_dead_one_and_the_dead_one_stays_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = community(folder.path())?;
    let mut dead = Agent::new(&folder.path().join("dead"), None)?;
    dead.enroll(&collector.token("3407")?)?;
    let mut feed = start(&mut dead, folder.path(), "mirror-dead")?;
    collector.await_in_force(1, 1)?;
    find(&collector, &mut feed, 1, 1)?;
    dead.kill()?;

    // Not another member's, and none that is not there.
    for (number, replaced) in [("3403", "1"), ("3407", "9")] {
        let said = collector.try_ask(["sensor", "token", number, "--replaces", replaced])?;
        let wanted = format!("{number} has no enrolled sensor {replaced}");
        ensure!(said.code == Some(1) && said.err.contains(&wanted), "{said:?}");
    }
    let said = collector.ask(["sensor", "token", "3407", "--replaces", "1"])?;
    ensure!(said.err.contains("It takes the place of sensor 1"), "{said:?}");
    let token = said.out.split_whitespace().find(|word| word.starts_with("varde1-")).context("no token")?;
    ensure!(sensor(&collector, 1)?["revoked_at"].is_null(), "until the new one has enrolled it is what it was");
    let mut new = Agent::new(&folder.path().join("new"), None)?;
    new.enroll(token)?;
    ensure!(sensor(&collector, 1)?["revoked_at"].is_string(), "revoked as soon as it has");
    let row = sensor(&collector, 2)?;
    ensure!(row["replaces"] == 1 && row["member"] == "3407", "{row}");
    let mut feed = start(&mut new, folder.path(), "mirror-new")?;
    eventually("the list is in force at the new one", PATIENCE, || Ok((new.revision()? == 1).then_some(())))?;
    let alerts = find(&collector, &mut feed, 2, 2)?;
    ensure!(members(&alerts) == ["3407", "3407"], "{alerts:?}");

    // The dead one lives after all.
    let mut awake = start(&mut dead, folder.path(), "mirror-awake")?;
    eventually("the old box is told that it was revoked", PATIENCE, || {
        Ok(dead.status().ok().filter(|status| status["revoked"] == true).map(drop))
    })?;
    ensure!(sensor(&collector, 1)?["connected"] == false && sensor(&collector, 2)?["connected"] == true);
    awake.send(&[])?;
    dead.kill()?;
    new.kill()?;
    collector.stop()
}

#[test]
fn e1_a_sensor_that_is_moved_reports_for_its_new_member_and_what_is_stored_stays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = community(folder.path())?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = start(&mut agent, folder.path(), "mirror")?;
    collector.await_in_force(1, 1)?;
    find(&collector, &mut feed, 1, 1)?;
    let nobody = collector.try_ask(["sensor", "move", "1", "--member", "9999"])?;
    ensure!(nobody.code == Some(1) && nobody.err.contains("there is no member 9999"), "{nobody:?}");
    let said = collector.ask(["sensor", "move", "1", "--member", "3403"])?;
    ensure!(said.out.contains("Sensor 1 is Hamar's (3403) from now on"), "{said:?}");
    ensure!(sensor(&collector, 1)?["member"] == "3403");
    let alerts = find(&collector, &mut feed, 2, 2)?;
    ensure!(members(&alerts) == ["3407", "3403"], "{alerts:?}");
    // After a restart of both it is the new member's still, and goes on where it was.
    agent.kill()?;
    collector.stop()?;
    collector.start()?;
    let mut feed = start(&mut agent, folder.path(), "mirror-again")?;
    let alerts = find(&collector, &mut feed, 3, 3)?;
    ensure!(members(&alerts) == ["3407", "3403", "3403"], "{alerts:?}");
    agent.kill()?;
    collector.ask(["sensor", "revoke", "1"])?;
    let revoked = collector.try_ask(["sensor", "move", "1", "--member", "3407"])?;
    ensure!(revoked.code == Some(1) && revoked.err.contains("there is no sensor 1, or it was revoked"), "{revoked:?}");
    collector.stop()
}

/// Has the next root document in force, by the commands a person would give.
fn rotate(collector: &Collector, changes: &[&str]) -> Result<()> {
    let text = |name: &str| collector.data().join(name).to_string_lossy().into_owned();
    let (file, key) = (text("next.json"), text("keys/root.key"));
    collector.ask([&["root", "next", &file], changes].concat())?;
    collector.ask(["sign", &file, "--key", &key, "--yes"])?;
    collector.ask(["root", "accept", &file])?;
    Ok(fs::remove_file(file)?)
}

#[test]
fn e1_c4_a_sensor_that_was_off_over_a_whole_change_of_authority_comes_back_by_itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = community(folder.path())?;
    let [mut by_itself, mut by_lane] = ["by-itself", "by-lane"].map(|name| Agent::new(&folder.path().join(name), None));
    for agent in [&mut by_itself, &mut by_lane] {
        agent.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?.enroll(&collector.token("3407")?)?;
    }
    let (mut by_itself, mut by_lane) = (by_itself?, by_lane?);
    let data = collector.data().to_owned();

    // Both are off: the next authority is made, named, and issues.
    collector.ask(["ca", "next"])?;
    rotate(&collector, &["--add-ca", &data.join("keys/ca-next.crt").to_string_lossy()])?;
    collector.ask(["ca", "switch"])?;
    collector.stop()?;
    collector.start()?;
    let authority = read_certificate(&fs::read_to_string(data.join("keys/ca.crt"))?)?;
    let shown = || -> Result<bool> {
        let own = read_certificate(&fs::read_to_string(data.join("keys/collector.crt"))?)?;
        Ok(is_issued_by(&own, &authority))
    };
    ensure!(!shown()?, "what the one before issued stays good");
    let root_of = |id: u64, collector: &Collector| -> Result<Option<()>> {
        let row = sensor(collector, id)?;
        Ok((row["root_version"] == 2 && row["connected"] == true).then_some(()))
    };
    let mut feed = start(&mut by_itself, folder.path(), "mirror-1")?;
    eventually("it is back, and has the document that names both", PATIENCE, || root_of(1, &collector))
        .with_context(|| by_itself.log())?;
    find(&collector, &mut feed, 1, 1)?;

    // The other is off for so long that the collector's own certificate is the next authority's by now, of which it has never
    // heard. It asks whoever answers for the root documents behind its own, and they prove themselves.
    collector.stop()?;
    fs::remove_file(data.join("keys/collector.crt"))?;
    collector.start()?;
    ensure!(shown()?, "it is made anew");
    eventually("who has the document is back", PATIENCE, || root_of(1, &collector)).with_context(|| by_itself.log())?;
    let mut feed = start(&mut by_lane, folder.path(), "mirror-2")?;
    eventually("it is back", PATIENCE, || root_of(2, &collector)).with_context(|| by_lane.log())?;
    find(&collector, &mut feed, 2, 2)?;
    by_itself.kill()?;
    by_lane.kill()?;
    collector.stop()
}
