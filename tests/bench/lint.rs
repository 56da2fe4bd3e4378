//! What lint costs: so many indicators held against the lists that are shipped, beside reading them, in one run (decision 27).

use anyhow::{Context, Result};
use clap::Parser;
use varde_collector::intel::lint::{Knowledge, Linter, default_lists};
use varde_collector::io::clock;
use varde_common::indicator::Pattern;
use varde_common::name::DomainName;
use varde_tests::bulk::listed::{Listed, Size};

const ROUNDS: usize = 5;

/// What lint costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Domains; a fifth as many addresses and a fiftieth as many networks come with them.
    #[arg(long, default_value_t = 1_000_000)]
    domains: u64,
    /// Names of members' own, as many as all municipalities have.
    #[arg(long, default_value_t = 1_000)]
    member_names: u32,
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn main() -> Result<()> {
    let Arguments { domains, member_names } = Arguments::parse();
    let (addresses, networks) = (usize::try_from(domains / 5)?, usize::try_from(domains / 50)?);
    let listed = Listed::drawn(1, Size { domains, addresses, networks });
    let mut texts: Vec<String> = (0..domains).map(|index| listed.name(index)).collect();
    texts.extend(listed.addresses.iter().map(ToString::to_string));
    texts.extend(listed.networks.iter().map(ToString::to_string));
    let began = clock::monotonic();
    let names = (0..member_names).map(|number| DomainName::parse(&format!("n{number}.kommune.no")));
    let linter = Linter::new(Knowledge {
        lists: default_lists().collect(),
        member_names: names.collect::<Result<_, _>>()?,
        ..Knowledge::default()
    });
    println!("  lists compiled in {:.3} s", began.elapsed().as_secs_f64());
    let (mut read, mut looked, mut held) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let began = clock::monotonic();
        let patterns: Vec<Pattern> =
            texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().context("a list")?;
        read.push(began.elapsed().as_secs_f64());
        let began = clock::monotonic();
        held = patterns.iter().filter(|pattern| linter.holds(pattern, false).is_some()).count();
        looked.push(began.elapsed().as_secs_f64());
    }
    let (read, looked) = (median(read), median(looked));
    println!(
        "  {} indicators (medians of {ROUNDS}): read {read:.3} s, lint {looked:.3} s ({:.1} times the reading), {held} held",
        texts.len(),
        looked / read
    );
    println!("again: cargo run --release -p varde-tests --bin bench-lint -- --domains {domains}");
    Ok(())
}
