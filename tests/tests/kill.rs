//! Promises D1 and D2: whatever is killed, and when, every record the agent logged as taken (fsynced in its spool) is
//! stored at the collector exactly once, and no count doubles.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_common::id::{Epoch, Seq};
use varde_common::record::{Record, RecordBody};
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{burst, finish, live};
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
    if carrier == "tcp" {
        // An address to which nothing can be sent: each life finds that out at once.
        let settings = format!("collector = \"0.0.0.0:7843\"\nfallback = \"{}\"\n", addresses.tcp);
        std::fs::write(agent.data().join("agent.toml"), settings)?;
    }
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

    let taken = agent.taken()?;
    let stored = collector.records()?;
    let keys: Vec<(Epoch, Seq)> = stored.iter().map(|record| (record.epoch, record.seq)).collect();
    let unique: BTreeSet<(Epoch, Seq)> = keys.iter().copied().collect();
    assert_eq!(keys.len(), unique.len(), "a record is stored twice");
    let lost: Vec<_> = taken.difference(&unique).collect();
    assert!(lost.is_empty(), "{} of {} records taken were lost: {lost:?}", lost.len(), taken.len());
    let carriers: Vec<(Option<String>,)> = collector.query("SELECT carrier FROM sensor")?;
    assert_eq!(carriers, [(Some(carrier.to_owned()),)]);
    ensure!(taken.len() as u64 > kills, "too few records to show anything: {}", taken.len());

    let epochs: BTreeSet<Epoch> = keys.iter().map(|key| key.0).collect();
    for epoch in epochs {
        let places: Vec<u64> = unique.iter().filter(|key| key.0 == epoch).map(|key| key.1.0).collect();
        assert!(places.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a gap among the records of {epoch}");
    }
    counts_did_not_double(&collector, &stored.iter().map(|record| record.octets.clone()).collect::<Vec<_>>(), host)?;
    // P5: whoever is killed, in the middle of whatever, is accused of nothing.
    let accused: Vec<(i64,)> =
        collector.query("SELECT COUNT(*) FROM sensor WHERE set_back_at IS NOT NULL OR quarantined_at IS NOT NULL")?;
    assert_eq!(accused, [(0,)], "a sensor that was only killed is taken for a copy");
    println!("{} records taken and stored, {} kills, {} lookups", taken.len(), kills, host);
    collector.stop()
}

/// The sum over alerts is the sum over records, and no more than what was looked up.
fn counts_did_not_double(collector: &Collector, records: &[Vec<u8>], lookups: u64) -> Result<()> {
    let mut told = 0;
    for octets in records {
        told += match Record::from_octets(octets)?.body {
            RecordBody::Opened(alert) => alert.count,
            RecordBody::Updated(update) => update.count_increase,
            RecordBody::CrowdOpened(crowd) => crowd.opened.count,
            RecordBody::CrowdUpdated(crowd) => crowd.updated.count_increase,
            RecordBody::Loss { .. } | RecordBody::GivenUp { .. } | RecordBody::Event(_) => 0,
        };
    }
    let sums: Vec<(i64,)> = collector.query("SELECT COALESCE(SUM(count), 0) FROM alert")?;
    assert_eq!(sums, [(i64::try_from(told)?,)], "alerts and records disagree");
    assert!(told <= lookups, "{told} sightings of {lookups} lookups");
    Ok(())
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
