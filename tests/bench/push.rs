//! Bench B11 (small): the time from "publish" until an indicator is in force at fifty connected sensors. Ratios against
//! one sensor in the same run, medians of several rounds (decision 27).

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use varde_tests::fleet::Fleet;

/// How long a publication takes to be in force everywhere.
#[derive(Debug, Parser)]
struct Arguments {
    /// Connected sensors.
    #[arg(long, default_value_t = 50)]
    sensors: usize,
    /// Publications.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
}

/// p50, p95 and all of one round.
fn figures(times: &[Duration]) -> Result<[Duration; 3]> {
    let at = |hundredths: usize| times.get((times.len() - 1) * hundredths / 100).copied().context("no times");
    Ok([at(50)?, at(95)?, at(100)?])
}

fn medians(fleet: &mut Fleet, rounds: u64) -> Result<[Duration; 3]> {
    let mut all = Vec::new();
    for round in 1..=rounds {
        all.push(figures(&fleet.publish(&format!("runde-{round}.example\n"), round)?)?);
    }
    let median = |column: usize| {
        let mut values: Vec<Duration> = all.iter().map(|row| row[column]).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Ok([median(0), median(1), median(2)])
}

fn main() -> Result<()> {
    let Arguments { sensors, rounds } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let mut fleet = Fleet::connected(&folder.path().join("many"), sensors)?;
    let many = medians(&mut fleet, rounds)?;
    fleet.stop()?;
    let mut fleet = Fleet::connected(&folder.path().join("one"), 1)?;
    let one = medians(&mut fleet, rounds)?;
    fleet.stop()?;
    println!("B11 publish → in force, medians of {rounds} rounds (import, compile and signing included):");
    println!("  {sensors} sensors: p50 {:.1?}, p95 {:.1?}, all {:.1?}", many[0], many[1], many[2]);
    println!("  1 sensor:   {:.1?}", one[2]);
    println!("  ratio all/one: {:.2}", many[2].as_secs_f64() / one[2].as_secs_f64());
    Ok(())
}
