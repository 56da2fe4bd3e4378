//! Bench B11: the time from publication until an indicator is in force at connected sensors, over real QUIC and TLS. Ratios against one
//! sensor in the same run, medians of several rounds (decision 27).

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use varde_tests::fleet::Fleet;

/// How long a publication takes to be in force everywhere.
#[derive(Debug, Parser)]
struct Arguments {
    /// Connected sensors; B11 asks for as many as there are without it.
    #[arg(long, default_value_t = 1_000)]
    sensors: usize,
    /// Publications.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
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

fn main() -> Result<()> {
    let Arguments { sensors, rounds } = Arguments::parse();
    let folder = tempfile::tempdir()?;
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
