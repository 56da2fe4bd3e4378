//! `cargo demo`: watch a real DNS packet become a campaign on the CSIRT's screen.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use varde_tests::demo::show::{self, Wish};

/// A collector, eight municipalities with a sensor each, generated traffic, and a campaign that spreads between them.
///
/// Everything runs on this machine, as your own user, in a temporary folder, on loopback; nothing reaches the internet.
/// The two programs are built first. The page's address is printed; Ctrl-C stops everything that was started.
#[derive(Debug, Parser)]
#[command(
    name = "cargo demo --",
    after_help = "\
EXAMPLES
  cargo demo                        watch it; open the printed address in a browser
  cargo demo -- --once              one round; exits 0 only if exactly what was planted is found
  cargo demo -- --once --keep out   and look at the data directories and logs in out/ afterwards"
)]
struct Arguments {
    /// Play one round, print the campaigns found as JSON, hold them against what was planted, and end.
    #[arg(long)]
    once: bool,
    /// Leave every program's data directory and log here: collector/ and agent-NUMBER/. May exist, must be empty.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Draw the traffic from this seed; the same seed gives the same traffic.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { once, keep, seed } = Arguments::parse();
    let wish = Wish { keep, seed };
    if let Some(Err(error)) = wish.keep.as_deref().map(show::check_keep) {
        eprintln!("varde demo: {error:#}");
        return ExitCode::FAILURE;
    }
    match if once { show::once(&wish).map(drop) } else { show::live(&wish) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("varde demo: {error:#}");
            eprintln!("Run it again with --keep DIR to look at the programs' logs, or report the seed {seed}.");
            ExitCode::FAILURE
        }
    }
}
