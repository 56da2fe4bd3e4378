//! What is installed, with the packages as they are shipped: how long it takes from the package to the first alert of real traffic, and what the
//! installed sensor takes of memory and processor while it watches a small municipality (5 Mbit/s) and a large one (500 Mbit/s).
//!
//! `packaging/build`, then `cargo run --release -p varde-tests --bin bench-installed` (root; two Debian 12 boot, 25 minutes); `--minutes 1` for a look.
//! The reference is tcpdump that throws the same packets away, in the same minutes. The load is bounded by `--minutes` and stops by itself.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use varde_agent::io::clock::monotonic;
use varde_tests::installed::{DESK, Installed, MIRROR, install};
use varde_tests::measure::{first_thread_of, mix};
use varde_tests::programs::{PATIENCE, Running, eventually, workspace};
use varde_tests::random::Random;
use varde_tests::wire::Wire;
use varde_tests::{machine, namespaces};

/// Ticks a second in what the kernel shows of processes on every x86-64 (USER_HZ), whatever its own clock.
const TICKS_A_SECOND: f64 = 100.0;
/// Frames put on the wire at once.
const AT_ONCE: usize = 32;

/// What is installed, measured.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where packaging/build put the packages.
    #[arg(long)]
    packages: Option<PathBuf>,
    /// How long each municipality is watched.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    minutes: u64,
    /// Megabits a second of each municipality.
    #[arg(long, value_delimiter = ',', default_value = "5,500")]
    rates: Vec<u64>,
    /// Listed names that the sensor holds.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    indicators: u64,
}

/// The one .deb of a program in a folder.
fn deb(folder: &Path, name: &str) -> Result<PathBuf> {
    let found = std::fs::read_dir(folder).with_context(|| format!("no {}; run packaging/build", folder.display()))?;
    let is_it = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.starts_with(name) && file.ends_with("_amd64.deb")
    };
    let found = found.filter_map(|entry| Some(entry.ok()?.path())).find(is_it);
    found.with_context(|| format!("no .deb of {name} in {}; run packaging/build", folder.display()))
}

/// From the package in somebody's hands to an alert that the collector has.
fn first_alert(world: &Installed, agent: &Path, name: &str) -> Result<()> {
    let token = world.token()?;
    let began = monotonic();
    let passed = || began.elapsed().as_secs_f64();
    install(&world.member, agent, &format!("varde-agent varde-agent/interfaces string {MIRROR}\n"))?;
    println!("{:6.1} s: the package is installed", passed());
    world.member.tell(["varde-agent", "enroll", "--token-file", "-"], &token)?;
    println!("{:6.1} s: the sensor has enrolled", passed());
    world.until("the sensor has the list", |status| {
        status["connected"] == true && status["indicators"].as_u64().is_some_and(|own| own > 0)
    })?;
    println!("{:6.1} s: it watches, with the list in force", passed());
    eventually("the first alert", PATIENCE, || {
        world.look_up(name)?;
        Ok((world.met(name)?.len() == 1).then_some(()))
    })?;
    println!("{:6.1} s: the first alert of real traffic is at the collector", passed());
    Ok(())
}

/// Processor time of a process with all its threads, as the machine counts it.
fn processor(world: &Installed, process: &str) -> Result<Duration> {
    let stat = world.member.ask(["cat", &format!("/proc/{process}/stat")])?;
    // The name, in brackets, may hold anything; user and system time are the 12th and 13th word behind it (proc_pid_stat(5)).
    let behind = stat.rsplit_once(')').context("no stat")?.1;
    let ticks: u64 = behind.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_A_SECOND))
}

/// Memory of a process now and at the most, MiB.
fn memory(world: &Installed, process: &str) -> Result<(f64, f64)> {
    let status = world.member.ask(["cat", &format!("/proc/{process}/status")])?;
    let mib = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).map(|kib| kib / 1024.0)
    };
    mib("VmRSS:").zip(mib("VmHWM:")).context("the kernel keeps no account")
}

/// Sends so much for so long; how many frames.
fn send(world: &Installed, frames: &[Vec<u8>], octets_a_second: f64, span: Duration) -> Result<u64> {
    world.desk.within(|| {
        let wire = Wire::open(DESK)?;
        let (began, mut sent, mut octets) = (monotonic(), 0_u64, 0_usize);
        for batch in frames.chunks(AT_ONCE).cycle() {
            let due = Duration::from_secs_f64(octets as f64 / octets_a_second);
            if due >= span || began.elapsed() >= span {
                break;
            }
            thread::sleep(due.saturating_sub(began.elapsed()));
            wire.send(batch)?;
            sent += batch.len() as u64;
            octets += batch.iter().map(Vec::len).sum::<usize>();
        }
        thread::sleep(span.saturating_sub(began.elapsed()));
        Ok(sent)
    })?
}

/// Packets that the sensor has read, and that the kernel had no room for.
fn counted(world: &Installed) -> Result<(u64, u64)> {
    let status = world.status()?;
    let of = |key: &str| status["sources"][0][key].as_u64().with_context(|| format!("no {key}: {status:#}"));
    Ok((of("packets")?, of("dropped")?))
}

fn watch(world: &Installed, frames: &[Vec<u8>], rate: u64, minutes: u64) -> Result<()> {
    let process = world.member.ask(["systemctl", "show", "--property", "MainPID", "--value", "varde-agent"])?;
    let process = process.trim();
    let folder = tempfile::tempdir()?;
    let mut listening = world.network.command("tcpdump");
    listening.args(["-n", "-i", MIRROR, "-B", "32768", "-Z", "root", "-w", "/dev/null"]);
    let mut tcpdump = match Running::start(listening, &folder.path().join("log")) {
        Ok(tcpdump) => Some(tcpdump),
        Err(_) => {
            eprintln!("SKIPPED: there is no tcpdump here to compare with; apt-get install tcpdump");
            None
        }
    };
    if let Some(tcpdump) = &mut tcpdump {
        eventually("tcpdump listens", PATIENCE, || {
            tcpdump.still_runs()?;
            Ok(tcpdump.log().contains("listening on").then_some(()))
        })?;
    }
    let span = Duration::from_secs(60 * minutes);
    let (before, (seen, lost)) = (processor(world, process)?, counted(world)?);
    let reference = tcpdump.as_ref().map(|tcpdump| first_thread_of(tcpdump.id())).transpose()?;
    let sent = send(world, frames, rate as f64 * 125_000.0, span)?;
    let used = processor(world, process)?.saturating_sub(before).as_secs_f64();
    let reference = match (&tcpdump, reference) {
        (Some(tcpdump), Some(before)) => Some(first_thread_of(tcpdump.id())?.saturating_sub(before).as_secs_f64()),
        _ => None,
    };
    if let Some(tcpdump) = &mut tcpdump {
        tcpdump.stop()?;
    }
    let ((now, most), (seen_then, lost_then)) = (memory(world, process)?, counted(world)?);
    println!(
        "{rate} Mbit/s for {minutes} min: {sent} frames sent, {} read, {} lost",
        seen_then - seen,
        lost_then - lost
    );
    println!("    memory {now:.1} MiB resident, {most:.1} MiB at the most since it started");
    let share = 100.0 * used / span.as_secs_f64();
    let per_million = 1e6 * used / sent.max(1) as f64;
    println!("    processor {used:.2} s, {share:.2} % of a core, {per_million:.2} s a million packets");
    if let Some(reference) = reference {
        println!(
            "    tcpdump, which only throws them away: {reference:.2} s; the sensor {:.2} times as much",
            used / reference.max(0.01)
        );
    }
    Ok(())
}

fn main() -> Result<()> {
    let Arguments { packages, minutes, rates, indicators } = Arguments::parse();
    ensure!(namespaces::allowed() && machine::allowed(), "this bench boots machines and needs root");
    let packages = packages.unwrap_or_else(|| workspace().join("target/packages"));
    let (agent, collector) = (deb(&packages, "varde-agent_")?, deb(&packages, "varde-collector_")?);
    let folder = tempfile::tempdir()?;
    let world = Installed::boot(folder.path())?;
    let listed: String = (0..indicators).map(|number| format!("vond-{number}.example{}.no\n", number % 977)).collect();
    world.begin_collecting(&collector, &listed)?;
    println!("{}, {indicators} indicators", agent.file_name().unwrap_or_default().to_string_lossy());
    first_alert(&world, &agent, "vond-7.example7.no")?;
    let frames = mix(1 << 16, &mut Random::seeded(42));
    rates.iter().try_for_each(|rate| watch(&world, &frames, *rate, minutes))
}
