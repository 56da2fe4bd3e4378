//! R2 at length: stories of a whole community drawn from seeds (`varde_tests::lab`); prints what was counted.
//!
//! `cargo run --release -p varde-tests --bin bench-simulation -- --minutes 40`, or `--seeds 10000 --from 1`; `--seed N --verbose`
//! lives one story and tells it. A violation prints the command that repeats it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use varde_agent::io::clock::monotonic;
use varde_tests::lab::{self, Counted};

/// Stories of sensors, a collector and everything that goes wrong between them.
#[derive(Debug, Parser)]
struct Arguments {
    /// Lives this one story and no other.
    #[arg(long)]
    seed: Option<u64>,
    /// How many stories.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Ends after so many minutes, however many stories are left.
    #[arg(long)]
    minutes: Option<u64>,
    /// Steps of each story.
    #[arg(long, default_value_t = 120)]
    steps: u64,
    /// Stories lived at the same time.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Tells everything that happens.
    #[arg(long)]
    verbose: bool,
}

fn main() -> Result<()> {
    let Arguments { seed, seeds, from, minutes, steps, threads, verbose } = Arguments::parse();
    if let Some(seed) = seed {
        println!("{:#?}", lab::live(seed, steps, verbose)?);
        return Ok(());
    }
    let began = monotonic();
    let until = minutes.map(|minutes| began + Duration::from_secs(60 * minutes));
    let (next, lived, failed) = (AtomicU64::new(from), AtomicU64::new(0), AtomicU64::new(0));
    let counted = Mutex::new(Counted::default());
    let live = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let over = until.is_some_and(|until| monotonic() > until);
            if seed >= from.saturating_add(seeds) || over || failed.load(Ordering::Relaxed) >= 10 {
                return;
            }
            lived.fetch_add(1, Ordering::Relaxed);
            match lab::live(seed, steps, verbose) {
                Ok(more) => *counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += more,
                Err(failure) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                    println!("VIOLATION {failure}");
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(live);
        }
    });
    let (lived, failed) = (lived.into_inner(), failed.into_inner());
    println!("{:#?}", counted.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
    println!(
        "R2: {failed} violations over {lived} stories of {steps} steps, from seed {from}; {:.0} s",
        began.elapsed().as_secs_f64()
    );
    ensure!(failed == 0, "{failed} violations");
    Ok(())
}
