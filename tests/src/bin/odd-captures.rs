//! `cargo run -p varde-tests --bin odd-captures -- DIR COUNT [FIRST] [--seldom]`: odd capture files, for tests/differential.sh DIR.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use varde_tests::odd;

/// Writes odd captures, each drawn from its number.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to; made if it is not there.
    folder: PathBuf,
    /// How many.
    count: u64,
    /// The first one's number.
    #[arg(default_value_t = 0)]
    first: u64,
    /// As many sets of captures that are sound and seldom instead.
    #[arg(long)]
    seldom: bool,
}

fn main() -> Result<()> {
    let Arguments { folder, count, first, seldom } = Arguments::parse();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for number in first..first.saturating_add(count) {
        if seldom {
            for (name, octets) in varde_tests::seldom::captures(number)? {
                let file = folder.join(format!("{number:05}-{name}"));
                std::fs::write(&file, octets).with_context(|| format!("cannot write {}", file.display()))?;
            }
            continue;
        }
        let file = folder.join(format!("{number:05}"));
        std::fs::write(&file, odd::capture(number)?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
