//! D3 at length: stories of a spool drawn from seeds, each crashed at every operation in every way; prints what was counted.
//!
//! `cargo run --release -p varde-tests --bin bench-disk -- --points 1000000`; `--from SEED` goes on where another run ended,
//! and a violation prints the seed and the steps that lead to it.

use anyhow::{Result, ensure};
use clap::Parser;
use varde_agent::io::clock::monotonic;
use varde_tests::model_disk::CRASHES;
use varde_tests::spool_story::{Counted, drawn, live};

/// Stories of a spool on a disk that crashes.
#[derive(Parser)]
struct Args {
    /// Crash points to reach.
    #[arg(long, default_value_t = 1_000_000)]
    points: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Steps of each story.
    #[arg(long, default_value_t = 60)]
    steps: usize,
}

fn main() -> Result<()> {
    let Args { points, from, steps } = Args::parse();
    let (mut counted, mut violations, mut seed) = (Counted::default(), 0u64, from);
    let began = monotonic();
    while counted.crash_points < points {
        match live(&drawn(seed, steps), seed, CRASHES.len()) {
            Ok(more) => counted += more,
            Err(why) => {
                violations += 1;
                println!("VIOLATION {why}");
                ensure!(violations < 10, "enough seen");
            }
        }
        seed += 1;
    }
    let Counted { crash_points, taken, given_up } = counted;
    println!(
        "D3: {violations} violations over {crash_points} crash points; seeds {from} to {}, {taken} records taken, of which {given_up} were given up with a note; {:.0} s",
        seed - 1,
        began.elapsed().as_secs_f64()
    );
    ensure!(violations == 0, "{violations} violations");
    Ok(())
}
