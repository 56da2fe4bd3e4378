//! Bench B1 to B6: what the sensor's pipeline costs per packet, against reading alone, on captures and lists in bulk.

mod measure;
mod report;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use varde_agent::io::clock::monotonic;
use varde_tests::bulk::listed::{Listed, Size};
use varde_tests::bulk::plants;
use varde_tests::bulk::play::{self, Kind, Order};
use varde_tests::programs::workspace;

/// The list of 1,220,000 indicators.
const LIST_1M: &str = "list-1m.txt";
/// Its first hundredth.
const LIST_10K: &str = "list-10k.txt";

/// Makes captures of millions of packets with known hits in them, and measures `varde-agent inspect` on them.
#[derive(Debug, Parser)]
#[command(after_help = "\
To see where the time goes, after `bench-wire generate` (symbols are stripped from a release, so build one that has them):
  CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=line-tables-only \\
    cargo build --release -p varde-agent --target-dir target/profile
  perf record -F 2000 --call-graph dwarf,16384 -o target/generated/bench/perf.data -- \\
    target/profile/release/varde-agent inspect --json --indicators target/generated/bench/list-1m.txt \\
    target/generated/bench/mix.pcap > /dev/null && perf report -i target/generated/bench/perf.data --no-children
  perf stat -e instructions,cycles,cache-misses,branch-misses -- (the same command)
  bench-wire generate --packets 100000 --out target/generated/bench-small
  valgrind --tool=callgrind --callgrind-out-file=target/generated/callgrind.out \\
    target/profile/release/varde-agent inspect --json --indicators target/generated/bench-small/list-10k.txt \\
    target/generated/bench-small/mix.pcap > /dev/null && callgrind_annotate target/generated/callgrind.out | head -60
  For counts without loading, subtract a run over an empty capture: bench-wire run leaves one as empty.pcap.")]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Only makes captures, oracles and lists: mix.pcap, mix.oracle.jsonl, dns.pcap, dns.oracle.jsonl, list-1m.txt,
    /// list-10k.txt.
    Generate(Generate),
    /// Measures B1 to B6; makes what is not there yet.
    Run(Run),
}

/// What is made, and where.
#[derive(Debug, Clone, clap::Args)]
struct Generate {
    /// Which traffic; both unless said.
    #[arg(long)]
    kind: Option<Kind>,
    /// About how many packets of each [3,000,000 of mix, 1,500,000 of dns].
    #[arg(long)]
    packets: Option<u64>,
    /// Where everything is drawn from; the same seed makes the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the files.
    #[arg(long, default_value = "target/generated/bench")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Run {
    #[command(flatten)]
    made: Generate,
    /// Rounds; medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The agent [built with --release].
    #[arg(long)]
    agent: Option<PathBuf>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

impl Generate {
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        [Kind::Mix, Kind::Dns].into_iter().filter(|kind| self.kind.is_none_or(|wanted| wanted == *kind))
    }

    fn packets(&self, kind: Kind) -> u64 {
        self.packets.unwrap_or(kind.packets())
    }
}

fn generate(arguments: &Generate) -> Result<()> {
    std::fs::create_dir_all(&arguments.out)?;
    let began = monotonic();
    let listed = Listed::drawn(arguments.seed, Size::MILLION);
    listed.write(&arguments.out.join(LIST_1M), Size::MILLION)?;
    listed.write(&arguments.out.join(LIST_10K), Size::TEN_THOUSAND)?;
    eprintln!("lists: {:.1?}", began.elapsed());
    for kind in arguments.kinds() {
        let began = monotonic();
        let packets = arguments.packets(kind);
        let order = Order { kind, packets, seed: arguments.seed, folder: arguments.out.clone() };
        let made = play::play(&order, &listed)?;
        let mean = made.octets / made.packets.max(1);
        let (capture, took) = (made.capture.display(), began.elapsed());
        eprintln!("{capture}: {} packets of {mean} octets on average, {} flows, {took:.1?}", made.packets, made.flows);
        for ((decoy, class), count) in plants::census(&made.plants) {
            eprintln!("  {} {class}: {count}", if decoy { "decoy" } else { "hit" });
        }
        std::fs::write(stamp(arguments, kind), format!("{} {packets} {}\n", arguments.seed, made.packets))?;
    }
    Ok(())
}

/// Says what a capture in the folder was made from, so that it is made once.
fn stamp(arguments: &Generate, kind: Kind) -> PathBuf {
    arguments.out.join(format!("{}.made", kind.name()))
}

/// Packets of a capture that is there already and is the one that is wanted.
fn made_before(arguments: &Generate, kind: Kind) -> Option<u64> {
    let text = std::fs::read_to_string(stamp(arguments, kind)).ok()?;
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [seed, wanted, packets] => (seed == arguments.seed && wanted == arguments.packets(kind)).then_some(packets),
        _ => None,
    }
}

fn release_agent() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--release", "-p", "varde-agent"]).current_dir(workspace());
    ensure!(command.status().context("cargo")?.success(), "the agent does not build; see above");
    Ok(workspace().join("target/release/varde-agent"))
}

fn run(arguments: &Run) -> Result<()> {
    if arguments.made.kinds().any(|kind| made_before(&arguments.made, kind).is_none()) {
        generate(&arguments.made)?;
    }
    let agent = match &arguments.agent {
        Some(agent) => agent.clone(),
        None => release_agent()?,
    };
    let folder: &Path = &arguments.made.out;
    let meter = measure::Meter::built(folder)?;
    let mut figures = report::Figures::default();
    for list in [LIST_10K, LIST_1M] {
        figures.loading(&meter, &agent, folder, list, arguments.rounds)?;
    }
    for kind in arguments.made.kinds() {
        let packets = made_before(&arguments.made, kind).context("the capture was made")?;
        figures.capture(&meter, &agent, folder, kind, packets, arguments.rounds)?;
    }
    if arguments.json {
        println!("{}", figures.json())
    } else {
        figures.print(&agent, folder)
    }
    Ok(())
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Action::Generate(arguments) => generate(&arguments),
        Action::Run(arguments) => run(&arguments),
    }
}
