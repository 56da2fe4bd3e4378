//! Promises T10 and I8 with the setting as it is installed: of an indicator that too many hosts meet, a kill of the real sensor takes no
//! more than what came since the last statement, and what was stated is at the collector, each match once.

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, burst, live};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::Traffic;
use varde_tests::traffic::municipality::Municipality;

/// Hosts that are told one by one (`FREQUENT_HOSTS`).
const NAMED: u64 = 256;
/// Hosts of each life of the sensor.
const HOSTS: u64 = 501;
/// The openings of alerts, and statements of the one that names nobody: when it is opened, and at 16, 32, 64 and 128 hosts.
const STATEMENTS: u64 = NAMED + 5;

fn sums(collector: &Collector) -> Result<(i64, i64)> {
    let sql = "SELECT COALESCE(SUM(count), 0), COUNT(*) FROM alert";
    collector.query(sql)?.into_iter().next().context("no sum")
}

/// Waits until so many matches were seen, and so many records lie on the disk.
fn await_taken(agent: &Agent, sightings: u64, records: u64) -> Result<()> {
    eventually(&format!("{sightings} sightings and {records} records"), PATIENCE, || {
        let seen = agent.status()?["health"]["sightings"].as_u64();
        Ok((seen == Some(sightings) && agent.taken()?.len() as u64 >= records).then_some(()))
    })
}

#[test]
fn t10_i8_d1_a_kill_behind_a_demotion_takes_only_what_no_statement_told_and_nothing_is_told_twice() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish(&format!("{LISTED}\n"))?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut host = 0;

    // Killed before the first minute of the alert of many hosts has passed.
    let mut feed = live(&mut agent, folder.path(), 1)?;
    collector.await_in_force(1, 1)?;
    let before = agent.taken()?.len() as u64;
    feed.send(&burst(&mut host, HOSTS).packets)?;
    await_taken(&agent, HOSTS, before + STATEMENTS)?;
    agent.kill()?;
    let mut feed = live(&mut agent, folder.path(), 2)?;
    let first = eventually("what lay on the disk is at the collector", PATIENCE, || {
        let (sum, alerts) = sums(&collector)?;
        Ok((alerts as u64 == NAMED + 1 && sum as u64 >= NAMED + 120).then_some(sum as u64))
    })
    .with_context(|| format!("{:?}", sums(&collector)))?;
    ensure!(first <= HOSTS, "{first} of {HOSTS} matches");

    // And after it: then all of it is stated, to the last match.
    let before = agent.taken()?.len() as u64;
    feed.send(&burst(&mut host, HOSTS).packets)?;
    await_taken(&agent, HOSTS, before + STATEMENTS)?;
    let place = Municipality { number: 9 };
    let mut later = Traffic::starting(clock::now().plus(std::time::Duration::from_secs(90)));
    later.converse((place.client(1), 40_000).into(), ([192, 0, 2, 77], 443).into(), b"hei", 10);
    feed.send(&later.packets)?;
    let all = first + HOSTS;
    eventually("what was due is told", PATIENCE, || Ok((sums(&collector)?.0 as u64 == all).then_some(())))
        .with_context(|| format!("{:?}, not {all}", sums(&collector)))?;
    agent.kill()?;
    let feed = live(&mut agent, folder.path(), 3)?;
    let starts = "SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%\"event\":\"started\"%'";
    eventually("the last life has begun", PATIENCE, || {
        let started: Vec<(i64,)> = collector.query(starts)?;
        Ok((started == [(3,)]).then_some(()))
    })?;
    assert_eq!(sums(&collector)?, (all as i64, 2 * (NAMED as i64 + 1)), "and none is told a second time");
    let losses: Vec<(i64,)> =
        collector.query("SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%\"event\":\"loss\"%'")?;
    assert_eq!(losses, [(0,)], "no record is lost");
    drop(feed);
    agent.kill()?;
    collector.stop()
}
