//! W2: how long `audit verify` takes over so many entries, by the built program; the bar is a million in ten seconds.

use anyhow::{Context, Result};
use clap::Parser;
use varde_collector::io::clock;
use varde_collector::store::Store;
use varde_tests::audit_filled;
use varde_tests::community::Collector;

/// How long an audit takes to verify.
#[derive(Debug, Parser)]
struct Arguments {
    /// Entries.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// How often it is verified.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

async fn fill(collector: &Collector, entries: u64) -> Result<()> {
    let store = Store::open(collector.data()).await?;
    audit_filled::fill(&store, entries).await?;
    store.close().await;
    Ok(())
}

fn main() -> Result<()> {
    let Arguments { entries, rounds } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    let began = clock::monotonic();
    tokio::runtime::Runtime::new()?.block_on(fill(&collector, entries))?;
    println!("{entries} entries written in {:.1?}", began.elapsed());
    let mut times = Vec::new();
    for _ in 0..rounds.max(1) {
        let began = clock::monotonic();
        let verdict = collector.ask(["audit", "verify", "--json"])?.json()?;
        times.push(began.elapsed());
        anyhow::ensure!(verdict.first().is_some_and(|verdict| verdict["sound"] == true), "{verdict:?}");
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).context("no round")?;
    println!("W2 audit verify, {entries} entries, median of {}: {median:.2?} (bar: 10 s for a million)", times.len());
    Ok(())
}
