//! Promises D1 and D2: whatever is killed, and when, every record the agent logged as taken (fsynced in its spool) is
//! stored at the collector exactly once, and no count doubles.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{EVERY_HOST_TOLD, burst, finish, live};
use varde_tests::oracle;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::random::Random;

/// How often to kill; `VARDE_KILLS=1000` for the long form.
fn kills(usual: u64) -> u64 {
    std::env::var("VARDE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(usual)
}

#[test]
fn d1_d2_p5_every_record_taken_is_stored_once_through_kills_of_both_and_nobody_is_accused() -> Result<()> {
    kill_both("quic", kills(40))
}

/// The same where UDP is blocked: every life of the agent goes over TCP.
#[test]
fn d1_d2_over_tcp_every_record_taken_is_stored_once_through_kills_of_both() -> Result<()> {
    kill_both("tcp", kills(15))
}

fn kill_both(carrier: &str, kills: u64) -> Result<()> {
    let seed = clock::now().as_micros() as u64;
    println!("seed {seed}, {kills} kills over {carrier}");
    let mut random = Random::seeded(seed);
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let addresses = collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut settings = EVERY_HOST_TOLD.to_owned();
    if carrier == "tcp" {
        // An address to which nothing can be sent: each life finds that out at once.
        settings += &format!("collector = \"0.0.0.0:7843\"\nfallback = \"{}\"\n", addresses.tcp);
    }
    std::fs::write(agent.data().join("agent.toml"), settings)?;
    let (mut life, mut host) = (0, 0);
    let mut feed = live(&mut agent, folder.path(), life)?;
    collector.await_in_force(1, 1)?;

    for kill in 0..kills {
        // Somewhere in the middle of a stream of hits: some taken, some on their way, some not yet read.
        let before = agent.taken()?.len();
        for _ in 0..random.within(1, 6) {
            feed.send(&burst(&mut host, random.within(5, 60)).packets)?;
        }
        eventually("hits are taken", PATIENCE, || {
            agent.running()?.still_runs()?;
            Ok((agent.taken()?.len() > before).then_some(()))
        })?;
        feed.send(&burst(&mut host, random.within(1, 200)).packets)?;
        let victims = if kill % 5 == 4 { (true, true) } else { (random.percent(50), false) };
        let (kill_agent, kill_collector) = (victims.0, victims.1 || !victims.0);
        println!("kill {kill}: agent {kill_agent}, collector {kill_collector}");
        if kill_agent {
            agent.kill()?;
        }
        if kill_collector {
            collector.kill()?;
            if !kill_agent {
                feed.send(&burst(&mut host, random.within(0, 40)).packets)?;
            }
            collector.start()?;
        }
        if kill_agent {
            life += 1;
            drop(feed);
            feed = live(&mut agent, folder.path(), life)?;
        }
    }
    finish(feed, &agent, &mut host)?;
    agent.wait().context("the last life ends by itself when everything is acknowledged")?;

    let books = oracle::close(&collector, &[&agent])?;
    println!("{books:?}, {kills} kills, {host} lookups");
    assert_eq!((books.spooled, books.told_lost), (0, 0), "the last life ended with everything acknowledged: {books:?}");
    ensure!(books.taken > kills, "too few records to show anything: {books:?}");
    assert!(books.sightings <= host, "more sightings than lookups: {books:?}");
    let carriers: Vec<(Option<String>,)> = collector.query("SELECT carrier FROM sensor")?;
    assert_eq!(carriers, [(Some(carrier.to_owned()),)]);
    // P5: whoever is killed, in the middle of whatever, is accused of nothing.
    let accused: Vec<(i64,)> =
        collector.query("SELECT COUNT(*) FROM sensor WHERE set_back_at IS NOT NULL OR quarantined_at IS NOT NULL")?;
    assert_eq!(accused, [(0,)], "a sensor that was only killed is taken for a copy");
    collector.stop()
}

#[test]
fn d7_hits_during_an_outage_of_the_collector_arrive_when_it_is_back() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    std::fs::write(agent.data().join("agent.toml"), EVERY_HOST_TOLD)?;
    let mut feed = live(&mut agent, folder.path(), 0)?;
    collector.await_in_force(1, 1)?;
    collector.stop()?;
    let mut host = 0;
    feed.send(&burst(&mut host, 300).packets)?;
    eventually("hits are taken without a collector", PATIENCE, || Ok((agent.taken()?.len() >= 300).then_some(())))?;
    // A restart of the sensor while nobody listens must lose nothing either.
    drop(feed);
    agent.stop()?;
    let feed = live(&mut agent, folder.path(), 1)?;
    collector.start()?;
    eventually("everything has arrived", Duration::from_secs(180), || {
        let stored: BTreeSet<_> = collector.records()?.iter().map(|record| (record.epoch, record.seq)).collect();
        Ok(agent.taken()?.is_subset(&stored).then_some(()))
    })?;
    finish(feed, &agent, &mut host)?;
    agent.wait()
}
