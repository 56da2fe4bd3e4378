//! Bench B11: the time from publication until an indicator is in force at connected sensors, over real QUIC and TLS. Ratios against one
//! sensor in the same run, medians of several rounds (decision 27).

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use varde_tests::community::{Agent, Collector};
use varde_tests::fleet::Fleet;
use varde_tests::hits::live;

/// How long a publication takes to be in force everywhere.
#[derive(Debug, Parser)]
struct Arguments {
    /// Connected sensors; B11 asks for as many as there are without it.
    #[arg(long, default_value_t = 1_000)]
    sensors: usize,
    /// Publications.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// And so many real sensors, each a program of its own: what B11's doubles leave out, the list on its disk and opened there, is in it.
    #[arg(long, default_value_t = 0)]
    real: usize,
}

/// One round: p50, p95, p99 and all since the command began, and since publication, by what the collector heard, half, 95 in a hundred,
/// all.
fn round(fleet: &mut Fleet, number: u64) -> Result<[Duration; 7]> {
    let times = fleet.publish(&format!("runde-{number}.example\n"), number)?;
    let at = |hundredths: usize| times.get((times.len() - 1) * hundredths / 100).copied().context("no times");
    let row = fleet.collector().list("sensor")?.pop().context("no sensors")?;
    let heard = |key: &str| row["newest_list"][key].as_u64().map(Duration::from_millis).context("not everywhere");
    Ok([at(50)?, at(95)?, at(99)?, at(100)?, heard("half_ms")?, heard("most_ms")?, heard("all_ms")?])
}

fn medians(data: &Path, sensors: usize, rounds: u64) -> Result<[Duration; 7]> {
    let mut fleet = Fleet::connected(data, sensors)?;
    let rows = (1..=rounds).map(|number| round(&mut fleet, number)).collect::<Result<Vec<_>>>()?;
    fleet.stop()?;
    let median = |column: usize| {
        let mut values: Vec<Duration> = rows.iter().filter_map(|row| row.get(column).copied()).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Ok(std::array::from_fn(median))
}

/// From publication until the collector has heard of each of so many programs that the list is in force, of all rounds, in order.
fn of_programs(data: &Path, sensors: usize, rounds: u64) -> Result<Vec<Duration>> {
    let mut collector = Collector::init(&data.join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("forst.example\n")?;
    let mut programs = Vec::new();
    for number in 0..sensors {
        let mut agent = Agent::new(&data.join(format!("agent-{number}")), None)?;
        agent.enroll(&collector.token("3407")?)?;
        let feed = live(&mut agent, data, number as u64)?;
        programs.push((agent, feed));
    }
    collector.await_in_force(sensors, 1)?;
    for round in 1..=rounds {
        collector.publish(&format!("runde-{round}.example\n"))?;
        collector.await_in_force(sensors, round + 1)?;
    }
    let waits: Vec<(i64,)> = collector.query(
        "SELECT f.heard_at - l.published_at FROM in_force f JOIN list_revision l ON l.revision = f.revision
         WHERE l.revision > 1 ORDER BY 1",
    )?;
    for (mut agent, _) in programs {
        agent.stop()?;
    }
    collector.stop()?;
    Ok(waits.into_iter().map(|(micros,)| Duration::from_micros(u64::try_from(micros).unwrap_or(0))).collect())
}

fn print_of_programs(data: &Path, sensors: usize, rounds: u64) -> Result<()> {
    let many = of_programs(&data.join("programs"), sensors, rounds)?;
    let one = of_programs(&data.join("program"), 1, rounds)?;
    let at = |times: &[Duration], hundredths: usize| {
        times.get(times.len().saturating_sub(1) * hundredths / 100).copied().context("no times")
    };
    let (p50, p99, all, reference) = (at(&many, 50)?, at(&many, 99)?, at(&many, 100)?, at(&one, 50)?);
    println!(
        "{sensors} programs, {rounds} rounds, from publication until the collector heard it: p50 {p50:.1?}, p99 {p99:.1?}, all {all:.1?}; one program: p50 {reference:.1?}, ratio p99 {:.1}",
        p99.as_secs_f64() / reference.as_secs_f64()
    );
    Ok(())
}

fn main() -> Result<()> {
    let Arguments { sensors, rounds, real } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    if real > 0 {
        print_of_programs(folder.path(), real, rounds)?;
    }
    let [p50, p95, p99, all, half, most, heard] = medians(&folder.path().join("many"), sensors, rounds)?;
    let [.., one, _, _, one_heard] = medians(&folder.path().join("one"), 1, rounds)?;
    println!("B11 publish → in force, medians of {rounds} rounds:");
    println!(
        "  {sensors} sensors, from the command on (import, compile and signing included): p50 {p50:.1?}, p95 {p95:.1?}, p99 {p99:.1?}, all {all:.1?}"
    );
    println!(
        "  {sensors} sensors, from publication until the collector heard it: half {half:.1?}, 95 % {most:.1?}, all {heard:.1?}"
    );
    println!(
        "  1 sensor: {one:.1?} and {one_heard:.1?}; ratio all/one, from the command on: {:.2}",
        all.as_secs_f64() / one.as_secs_f64()
    );
    Ok(())
}
