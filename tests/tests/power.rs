//! Promise D3 over TCP, by the real programs: the power fails at any disk call of a sensor in the middle of its session, what
//! was not fsynced is gone or torn, and everything taken is stored once or told as lost.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_tests::community::{Agent, Collector};
use varde_tests::fault::Shim;
use varde_tests::hits::{burst, finish, live};
use varde_tests::oracle;
use varde_tests::power::{Power, Takes};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::random::Random;

/// How often the power fails; `VARDE_POWER_FAILURES=500` for the long form.
fn failures() -> u64 {
    std::env::var("VARDE_POWER_FAILURES").ok().and_then(|failures| failures.parse().ok()).unwrap_or(24)
}

#[test]
fn d3_over_tcp_the_power_fails_at_any_disk_call_and_nothing_taken_is_lost_or_doubled() -> Result<()> {
    let seed = std::env::var("VARDE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(clock::now().as_micros() as u64);
    println!("seed {seed}, {} failures", failures());
    let mut random = Random::seeded(seed);
    let folder = tempfile::tempdir()?;
    let shim = Shim::compile(folder.path())?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let addresses = collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    // An address to which nothing can be sent: each life goes over TCP at once.
    let settings = format!("collector = \"0.0.0.0:7843\"\nfallback = \"{}\"\n", addresses.tcp);
    std::fs::write(agent.data().join("agent.toml"), settings)?;
    let (mut life, mut host) = (0, 0);
    let feed = live(&mut agent, folder.path(), life)?;
    collector.await_in_force(1, 1)?;
    drop(feed);
    agent.stop()?;

    let (mut acknowledged_before, mut changed, mut met) = (0, 0, BTreeMap::new());
    for failure in 0..failures() {
        life += 1;
        // Early ones lie in the start, later ones between records, acknowledgements and the notes of both.
        let (operation, at) = match failure % 3 {
            0 => ("write", random.within(1, 60)),
            1 => ("fsync", random.within(1, 50)),
            _ => ("rename", random.within(1, 8)),
        };
        let takes = *random
            .one_of(&[Takes::Everything, Takes::Everything, Takes::Some, Takes::Some, Takes::Nothing])
            .context("none")?;
        let power = Power::on(agent.data())?;
        let mut environment = shim.failing(&format!("{operation}:kill@{at}"));
        environment.push(power.environment());
        agent.environment(environment);
        let mut feed = live(&mut agent, folder.path(), life)?;
        let what = format!("{operation} number {at}: the power fails");
        let status = eventually(&what, PATIENCE, || {
            if let Some(status) = agent.running()?.ended()? {
                return Ok(Some(status));
            }
            feed.send(&burst(&mut host, 3).packets)?;
            Ok(None)
        })?;
        ensure!(status.code().is_none(), "{what}: it ended by itself with {status}:\n{}", agent.log());
        agent.kill()?;
        let taken_away = power.fail(takes, &mut random)?;
        changed += u64::from(taken_away > 0);
        *met.entry(operation).or_insert(0u64) += 1;
        let there = collector.records()?.len();
        acknowledged_before = acknowledged_before.max(there);
    }
    agent.environment(Vec::new());
    life += 1;
    let feed = live(&mut agent, folder.path(), life)?;
    finish(feed, &agent, &mut host)?;
    agent.wait().context("the last life ends by itself when everything is acknowledged")?;

    let books = oracle::close(&collector, &[&agent])?;
    println!("{books:?}, failed {met:?}, {changed} took something away, {host} lookups");
    assert_eq!((books.spooled, books.told_lost), (0, 0), "whatever was taken was fsynced: {books:?}");
    assert!(books.sightings <= host, "more sightings than lookups: {books:?}");
    ensure!(books.taken > failures() && acknowledged_before > 0, "too little happened to show anything: {books:?}");
    ensure!(changed * 8 > failures(), "of {} failures only {changed} took anything away", failures());
    let carriers: Vec<(Option<String>,)> = collector.query("SELECT carrier FROM sensor")?;
    assert_eq!(carriers, [(Some("tcp".to_owned()),)]);
    let accused: Vec<(i64,)> =
        collector.query("SELECT COUNT(*) FROM sensor WHERE set_back_at IS NOT NULL OR quarantined_at IS NOT NULL")?;
    assert_eq!(accused, [(0,)], "a sensor whose power failed is taken for a copy");
    collector.stop()
}
