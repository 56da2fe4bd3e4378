//! D7, D9 and D12 with the built programs: how long a week's spool takes to arrive and what a new alert waits meanwhile; how
//! long a fleet takes to fill a restored collector; what other sensors' alerts wait while one sensor storms.
//!
//! `cargo run --release -p varde-tests --bin bench-outage -- week`, `restore` or `storm`. The database is looked at every few
//! milliseconds, which is in the figures. Waits of `storm` stand beside those without it in the same run (decision 27).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use varde_agent::io::clock::{monotonic, now};
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_agent::io::disk::volume::RealVolume;
use varde_common::id::IndicatorId;
use varde_common::record::{Record, RecordBody};
use varde_tests::alerts::{B9, batch};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{EVERY_HOST_TOLD, LISTED, burst, burst_of, live};
use varde_tests::programs::eventually;
use varde_tests::random::Random;
use varde_tests::traffic::Traffic;

/// What an outage costs, and a storm.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// D7: a spool full of alerts drains, and an alert is found in the moment of reconnection.
    Week {
        /// Alerts in the spool: a week at ten times the usual rate.
        #[arg(long, default_value_t = 140_000)]
        alerts: u64,
    },
    /// D9: a collector is restored from a backup of before anything came, and its sensors fill it.
    Restore {
        /// Sensors, each a program of its own.
        #[arg(long, default_value_t = 100)]
        agents: u32,
        /// Alerts of each: a day at the usual rate.
        #[arg(long, default_value_t = 2_000)]
        alerts: u64,
    },
    /// D12: three sensors raise an alert now and then while a fourth sees a million matches a minute.
    Storm {
        /// Alerts of the three without the storm, and as many at least within it.
        #[arg(long, default_value_t = 200)]
        alerts: usize,
        /// Matches a minute.
        #[arg(long, default_value_t = 1_000_000)]
        matches: u64,
        /// How long the storm goes on, seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}

/// Nothing here takes longer, or it is broken.
const LONGEST: Duration = Duration::from_secs(1_800);
const WEEK_US: u64 = 7 * 86_400_000_000;

fn listed(indicator: u64) -> String {
    format!("vond{indicator}.example")
}

/// A collector with a member and a list.
fn collector(folder: &Path) -> Result<Collector> {
    let mut collector = Collector::init(&folder.join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let names: Vec<String> = (0..B9.indicators).map(listed).collect();
    collector.publish(&format!("{}\n{LISTED}\n", names.join("\n")))?;
    Ok(collector)
}

/// Alerts of the last week, written by the real spool while no agent runs.
fn fill(agent: &Agent, collector: &Collector, alerts: u64, seed: u64) -> Result<u64> {
    let known: Vec<(i64,)> = collector.query("SELECT id FROM indicator ORDER BY id")?;
    let (mut random, begun) = (Random::seeded(seed), now());
    let directory = agent.data().join("spool");
    let (mut spool, _) = Spool::open(Arc::new(RealVolume), &directory, Caps::default(), begun)?;
    let mut written = 0;
    while written < alerts {
        for octets in batch(&mut random, B9, 1)?.records.into_iter().take((alerts - written) as usize) {
            let mut record = Record::from_octets(&octets)?;
            let at = begun.minus(Duration::from_micros(WEEK_US - WEEK_US / alerts * written));
            if let RecordBody::Opened(alert) = &mut record.body {
                let (id,) = known.get(alert.indicator.0 as usize % known.len()).context("no indicators")?;
                alert.indicator = IndicatorId(u64::try_from(*id)?);
                (alert.first_seen, alert.last_seen, record.time) = (at, at, at);
            }
            spool.append(&record.to_octets()?);
            written += 1;
        }
        spool.sync(begun)?;
    }
    spool.write_hint(begun)?;
    Ok(spool.figures().octets)
}

/// Up to which number each sensor's records are committed.
fn committed(collector: &Collector) -> Result<Vec<u64>> {
    let rows: Vec<(i64,)> = collector.query("SELECT committed_seq FROM sensor ORDER BY id")?;
    rows.into_iter().map(|(seq,)| Ok(u64::try_from(seq)?)).collect()
}

/// A sensor whose list is in force, and which is not running.
fn prepared(folder: &Path, collector: &Collector, name: &str) -> Result<Agent> {
    let mut agent = Agent::new(&folder.join(name), None)?;
    agent.enroll(&collector.token("3407")?)?;
    // Alerts are what is measured: what matches too often would be counted only.
    std::fs::write(agent.data().join("agent.toml"), EVERY_HOST_TOLD)?;
    let mirror = folder.join(format!("{name}-mirrors"));
    std::fs::create_dir_all(&mirror)?;
    let feed = live(&mut agent, &mirror, 0)?;
    eventually("the list is in force", LONGEST, || Ok((agent.revision().unwrap_or(0) >= 1).then_some(())))?;
    drop(feed);
    agent.stop()?;
    Ok(agent)
}

fn week(alerts: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = collector(folder.path())?;
    let mut agent = prepared(folder.path(), &collector, "agent")?;
    let of_before = committed(&collector)?.first().copied().unwrap_or(0);
    let octets = fill(&agent, &collector, alerts, 7)?;
    println!("D7: {alerts} alerts wait, {:.1} MiB of spool", octets as f64 / 1_048_576.0);
    let began = monotonic();
    let mut feed = live(&mut agent, folder.path(), 1)?;
    let mut host = 0;
    let log = || agent.log();
    eventually("a session stands", LONGEST, || {
        Ok((log().matches("connected to the collector").count() > 1).then_some(()))
    })?;
    let stands = began.elapsed();
    feed.send(&burst(&mut host, 1).packets)?;
    let found = monotonic();
    let (mut drained, mut new) = (None, None);
    eventually("everything has arrived", LONGEST, || {
        let committed = committed(&collector)?.first().copied().unwrap_or(0);
        if committed >= of_before + alerts {
            drained.get_or_insert(began.elapsed());
            // Its last word is the newest alert.
            let rows: Vec<(i64,)> = collector.query("SELECT COUNT(*) FROM alert")?;
            if rows.first().is_some_and(|(rows,)| *rows > i64::try_from(alerts).unwrap_or(i64::MAX)) {
                new = Some(found.elapsed());
            }
        }
        Ok(new.map(drop))
    })?;
    let (drained, new) = (drained.context("not drained")?, new.context("no new alert")?);
    let draining = drained.saturating_sub(stands);
    println!(
        "  a session stood after {stands:.1?}; drained {draining:.1?} later, {:.0} records/s; an alert found as it stood was committed after {new:.1?}",
        alerts as f64 / draining.as_secs_f64()
    );
    agent.kill()?;
    collector.stop()
}

fn restore(agents: u32, alerts: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = collector(folder.path())?;
    let mut fleet = Vec::new();
    for number in 0..agents {
        let agent = Agent::new(&folder.path().join(format!("agent-{number}")), None)?;
        agent.enroll(&collector.token("3407")?)?;
        fill(&agent, &collector, alerts, u64::from(number))?;
        fleet.push(agent);
    }
    let backup = folder.path().join("backup").to_string_lossy().into_owned();
    collector.ask(["backup", &backup])?;
    let mut feeds = Vec::new();
    for (agent, number) in fleet.iter_mut().zip(0..) {
        feeds.push(live(agent, folder.path(), number)?);
    }
    let all_there = |collector: &Collector, what: &str| -> Result<Vec<Duration>> {
        let began = monotonic();
        let mut there = Vec::new();
        eventually(what, LONGEST, || {
            let filled = committed(collector)?.iter().filter(|seq| **seq >= alerts).count();
            there.resize(filled.max(there.len()), began.elapsed());
            std::thread::sleep(Duration::from_millis(200));
            Ok((filled == agents as usize).then_some(()))
        })?;
        Ok(there)
    };
    all_there(&collector, "everything is delivered")?;
    collector.stop()?;
    collector.ask(["restore", &backup])?;
    ensure!(committed(&collector)?.iter().all(|seq| *seq == 0), "the backup has something already");
    collector.start()?;
    let times = all_there(&collector, "everything is delivered again")?;
    let at = |hundredths: usize| times.get((times.len() - 1) * hundredths / 100).copied().unwrap_or_default();
    let rows: Vec<(i64,)> = collector.query("SELECT COUNT(*) FROM alert")?;
    println!(
        "D9: {agents} sensors, {alerts} alerts each, all acknowledged before: half of the sensors had refilled the restored collector after {:.1?}, all after {:.1?} (reconnecting included); {} alerts",
        at(50),
        at(100),
        rows.first().map_or(0, |(rows,)| *rows)
    );
    for agent in &mut fleet {
        agent.kill()?;
    }
    drop(feeds);
    collector.stop()
}

/// One sensor after another raises an alert, and it is waited for; how long each took.
struct Others<'a> {
    collector: &'a Collector,
    feeds: Vec<Feed>,
    host: u64,
    raised: Vec<i64>,
}

impl Others<'_> {
    fn raise(&mut self) -> Result<Duration> {
        let turn = self.host as usize % self.feeds.len();
        let packets = burst(&mut self.host, 1).packets;
        let (feed, raised) = (self.feeds.get_mut(turn), self.raised.get_mut(turn));
        let (feed, raised) = feed.zip(raised).context("no such sensor")?;
        *raised += 1;
        let sensor = i64::try_from(turn)? + 1;
        let began = monotonic();
        feed.send(&packets)?;
        while began.elapsed() < LONGEST {
            let rows: Vec<(i64, i64)> =
                self.collector.query("SELECT sensor_id, COUNT(*) FROM alert WHERE sensor_id < 4 GROUP BY sensor_id")?;
            if rows.iter().any(|(of, alerts)| *of == sensor && alerts >= raised) {
                return Ok(began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        anyhow::bail!("an alert has not come")
    }
}

fn told(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |hundredths: usize| times.get((times.len().max(1) - 1) * hundredths / 100).copied().unwrap_or_default();
    println!("  {name}: {} alerts, p50 {:.0?}, p99 {:.0?}, longest {:.0?}", times.len(), at(50), at(99), at(100));
}

/// Feeds so many matches a minute to a sensor, of 2,000 hosts and as many indicators as there are, until told to stop.
fn storm(feed: &mut Feed, matches: u64, stop: &AtomicBool, fed: &AtomicU64) -> Result<()> {
    let (began, mut host, mut number) = (monotonic(), 0, 0);
    // Drawn beforehand: what makes the storm must not be what it is measured by.
    let mut parts: Vec<Traffic> = Vec::new();
    for _ in 0..B9.indicators {
        let name = listed(number);
        number += 1;
        host = (host + 37) % 1_900;
        parts.push(burst_of(&name, &mut host, 100));
    }
    for turn in (0..parts.len()).cycle() {
        let Some(part) = parts.get_mut(turn).filter(|_| !stop.load(Ordering::Relaxed)) else { break };
        let at = now().as_micros().unsigned_abs() * 1_000;
        part.packets.iter_mut().for_each(|packet| packet.time_ns = at);
        feed.send(&part.packets)?;
        let sent = fed.fetch_add(100, Ordering::Relaxed) + 100;
        let due = Duration::from_micros(sent * 60_000_000 / matches.max(1));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    Ok(())
}

fn others_in_a_storm(alerts: usize, matches: u64, seconds: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = collector(folder.path())?;
    let (mut agents, mut feeds) = (Vec::new(), Vec::new());
    for number in 0..4u64 {
        let mut agent = prepared(folder.path(), &collector, &format!("agent-{number}"))?;
        feeds.push(live(&mut agent, folder.path(), number)?);
        agents.push(agent);
    }
    let mut storming = feeds.pop().context("no sensor to storm")?;
    let (stop, fed) = (AtomicBool::new(false), AtomicU64::new(0));
    let raised = vec![0; feeds.len()];
    let mut others = Others { collector: &collector, feeds, host: 0, raised };
    let calm = (0..alerts).map(|_| others.raise()).collect::<Result<Vec<_>>>()?;
    let began = monotonic();
    let wild = std::thread::scope(|scope| -> Result<Vec<Duration>> {
        let storm = scope.spawn(|| storm(&mut storming, matches, &stop, &fed));
        let mut wild = Vec::new();
        let mut raise = || -> Result<()> {
            while wild.len() < alerts || began.elapsed() < Duration::from_secs(seconds) {
                wild.push(others.raise()?);
            }
            Ok(())
        };
        let raised = raise();
        stop.store(true, Ordering::Relaxed);
        storm.join().map_err(|_| anyhow::anyhow!("the storm broke"))??;
        raised.map(|()| wild)
    })?;
    let (fed, waited) = (fed.load(Ordering::Relaxed), storming.waited());
    println!("D12: a sensor's alert, seen → committed, three sensors in turn");
    told("without a storm", calm);
    told("while a fourth storms", wild);
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    println!(
        "  the storm: {fed} matches, {:.0} a minute ({matches} were asked for; the sensor was waited for during {waited:.1?})",
        fed as f64 / minutes
    );
    for agent in &mut agents {
        agent.kill()?;
    }
    collector.stop()
}

fn main() -> Result<()> {
    match Arguments::parse().what {
        What::Week { alerts } => week(alerts.max(1)),
        What::Restore { agents, alerts } => restore(agents.max(1), alerts.max(1)),
        What::Storm { alerts, matches, seconds } => others_in_a_storm(alerts.max(1), matches, seconds),
    }
}
