//! D10: how long from a query on the wire until its alert is committed at the collector, by the built programs over each
//! weather of `varde_tests::badnet`; p50, p99 and the longest, beside the local network of the same run (decision 27).
//!
//! `cargo run --release -p varde-tests --bin bench-latency -- --alerts 100`. The database is looked at every few milliseconds,
//! which is in the figures.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use varde_agent::io::clock::monotonic;
use varde_tests::badnet::{Badnet, Weather};
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, burst, live};

/// How long an alert takes.
#[derive(Debug, Parser)]
struct Arguments {
    /// Alerts over each weather, one after the other.
    #[arg(long, default_value_t = 100)]
    alerts: usize,
}

/// An alert that takes longer is lost.
const LONGEST: Duration = Duration::from_secs(120);

fn alerts(collector: &Collector) -> Result<usize> {
    let rows: Vec<(i64,)> = collector.query("SELECT COUNT(*) FROM alert")?;
    Ok(usize::try_from(rows.first().context("no count")?.0)?)
}

fn measured(weather: Weather, count: usize) -> Result<Vec<Duration>> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let quic: SocketAddr = collector.start()?.quic.parse()?;
    let net = Badnet::start(quic, Weather::lan(), 1)?;
    collector.ask(["init", "--address", &net.address().to_string()])?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish(&format!("{LISTED}\n"))?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = live(&mut agent, folder.path(), 0)?;
    collector.await_in_force(1, 1)?;
    net.set(weather);
    let (mut times, mut host) = (Vec::new(), 0);
    for number in 1..=count {
        let packets = burst(&mut host, 1).packets;
        let began = monotonic();
        feed.send(&packets)?;
        while alerts(&collector)? < number {
            ensure!(began.elapsed() < LONGEST, "alert {number} has not come: {:?}", net.passed());
            std::thread::sleep(Duration::from_millis(2));
        }
        times.push(began.elapsed());
    }
    agent.kill()?;
    collector.stop()?;
    times.sort_unstable();
    Ok(times)
}

fn main() -> Result<()> {
    let Arguments { alerts } = Arguments::parse();
    ensure!(alerts > 0, "at least one alert");
    println!("D10: query seen → alert committed, {alerts} alerts each, one after the other");
    for (name, weather) in [
        ("local network, 1 ms", Weather::lan()),
        ("100 ms, 5 % lost", Weather::far()),
        ("bad 4G, 60 ± 30 ms, 3 % lost", Weather::bad_4g()),
        ("satellite, 600 ms, 1 % lost, 1 Mbit/s", Weather::satellite()),
        ("100 ms, 20 % lost", Weather::lossy()),
    ] {
        let times = measured(weather, alerts).with_context(|| name.to_owned())?;
        let at = |hundredths: usize| times.get((times.len() - 1) * hundredths / 100).copied().unwrap_or_default();
        println!("  {name}: p50 {:.0?}, p99 {:.0?}, longest {:.0?}", at(50), at(99), at(100));
    }
    Ok(())
}
