//! Bench B1 to B6: what the sensor's pipeline costs per packet, against reading alone, on captures and lists in bulk.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use varde_agent::io::clock::monotonic;
use varde_tests::bulk::listed::{Listed, Size};
use varde_tests::bulk::plants;
use varde_tests::bulk::play::{self, Kind, Order};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Only makes captures, oracles and lists: mix.pcap, mix.oracle.jsonl, dns.pcap, dns.oracle.jsonl, list-1m.txt,
    /// list-10k.txt.
    Generate(Generate),
}

#[derive(Debug, clap::Args)]
struct Generate {
    /// Which traffic; both unless said.
    #[arg(long)]
    kind: Option<Kind>,
    /// About how many packets of each.
    #[arg(long)]
    packets: Option<u64>,
    /// Where everything is drawn from; the same seed makes the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the files.
    #[arg(long, default_value = "target/generated/bench")]
    out: PathBuf,
}

fn generate(arguments: &Generate) -> Result<()> {
    std::fs::create_dir_all(&arguments.out)?;
    let began = monotonic();
    let listed = Listed::drawn(arguments.seed, Size::MILLION);
    listed.write(&arguments.out.join("list-1m.txt"), Size::MILLION)?;
    listed.write(&arguments.out.join("list-10k.txt"), Size::TEN_THOUSAND)?;
    eprintln!("lists: {:.1?}", began.elapsed());
    for kind in [Kind::Mix, Kind::Dns] {
        if arguments.kind.is_some_and(|wanted| wanted != kind) {
            continue;
        }
        let began = monotonic();
        let packets = arguments.packets.unwrap_or(kind.packets());
        let order = Order { kind, packets, seed: arguments.seed, folder: arguments.out.clone() };
        let made = play::play(&order, &listed)?;
        eprintln!(
            "{}: {} packets, {} octets (mean {}), {} flows, {:.1?}",
            made.capture.display(),
            made.packets,
            made.octets,
            made.octets / made.packets.max(1),
            made.flows,
            began.elapsed(),
        );
        for ((decoy, class), count) in plants::census(&made.plants) {
            eprintln!("  {} {class}: {count}", if decoy { "decoy" } else { "hit" });
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Generate(arguments) => generate(&arguments),
    }
}
