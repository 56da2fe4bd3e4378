//! Bench B3-B5 (the matcher's part): what it costs to load a million indicators from text and from the published file,
//! what they take in memory, and what a look-up costs at ten thousand and at a million, in one run (decision 27).

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use ed25519_dalek::SigningKey;
use varde_agent::io::disk::list;
use varde_agent::io::disk::roots::Stored;
use varde_common::confidential::ConfidentialKey;
use varde_common::id::{IndicatorId, Revision, SensorId};
use varde_common::indicator::Pattern;
use varde_common::list::{Content, Manifest};
use varde_common::matcher::{Builder, Built, Facts, IndicatorSet, Overlay, Seed};
use varde_common::name::DomainName;
use varde_common::plain;
use varde_common::time::Timestamp;
use varde_common::trust::{Role, Roles, Root, hex, key_id};

/// Names look like names: syllables, so that they share beginnings and differ in length.
const SYLLABLES: [&str; 16] =
    ["ka", "lo", "mi", "ne", "ru", "sta", "ver", "gro", "hus", "tek", "data", "net", "shop", "mail", "cloud", "ser"];
const ENDS: [&str; 8] = ["com", "net", "org", "no", "info", "example", "xyz", "online"];
const ROUNDS: usize = 5;
/// Enough for the system's clock of processor time, which ticks in milliseconds.
const ASKED: usize = 500_000;

/// What a million indicators cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// Domains; a fifth as many addresses and a fiftieth as many networks come with them.
    #[arg(long, default_value_t = 1_000_000)]
    domains: u64,
    /// One measurement, in a process of its own.
    #[arg(long, hide = true)]
    part: Option<Part>,
    /// Where its files are.
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Text,
    Base,
    Swap,
    Ask,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        if self.below(3) == 0 {
            name = format!("{}{}.", self.pick(&SYLLABLES), self.below(100));
        }
        for _ in 0..2 + self.below(4) {
            name.push_str(self.pick(&SYLLABLES));
        }
        format!("{name}{}.{}", self.below(100_000), self.pick(&ENDS))
    }

    fn address(&mut self) -> Ipv4Addr {
        Ipv4Addr::from_bits((self.next() as u32 & 0x7fff_ffff) | 1 << 24)
    }
}

fn write_text(path: &Path, domains: u64, seed: u64) -> Result<()> {
    let mut random = Random(seed);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for n in 0..domains {
        writeln!(file, "{}", random.name())?;
        if n % 5 == 0 {
            writeln!(file, "{}", random.address())?;
        }
        if n % 50 == 0 {
            let prefix = 16 + random.below(13);
            writeln!(file, "{}/{prefix}", random.address())?;
        }
    }
    file.flush().context("the list cannot be written")
}

/// Nanoseconds this thread has been on a processor.
fn cpu_ns() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    text.split(' ').next().context("no figure")?.parse().context("no number")
}

/// A figure of /proc/self/status, MiB.
fn memory_mib(field: &str) -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with(field)).context("no such field")?;
    Ok(line.split_whitespace().nth(1).context("no figure")?.parse::<f64>()? / 1024.0)
}

fn from_text(path: &Path, at_most: u64) -> Result<Built> {
    let mut builder = Builder::new(Seed::from_octets(*b"bench seed bench"), ConfidentialKey::default());
    builder = builder.each_pattern_once();
    let facts = Facts::default();
    let mut refused = 0;
    let mut reader = plain::Reader::new();
    let mut take = |_: usize, line: plain::Line<'_>| match line {
        Ok(pattern) if builder.count() < at_most => {
            refused += u64::from(builder.add(IndicatorId(builder.count()), pattern, &facts).is_err());
        }
        Ok(_) => {}
        Err(_) => refused += 1,
    };
    let mut file = std::fs::File::open(path)?;
    let mut block = vec![0; 256 * 1024];
    loop {
        match std::io::Read::read(&mut file, &mut block)? {
            0 => break,
            read => reader.read(&block[..read], &mut take),
        }
    }
    reader.finish(take);
    if refused > 0 {
        bail!("{refused} lines refused");
    }
    Ok(builder.finish()?)
}

fn root(key: &SigningKey) -> Root {
    let id = key_id(&key.verifying_key());
    let role = Role { keys: [id.clone()].into(), threshold: 1 };
    let keys = [(id, hex(key.verifying_key().as_bytes()))].into();
    let roles = Roles { root: role.clone(), list: role, ..Roles::default() };
    Root { version: 1, expires: Timestamp::MAX, keys, roles, ca: std::collections::BTreeSet::new() }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

/// The list as a sensor has it on disk.
fn publish(folder: &Path, revision: u64) -> Result<()> {
    let built = from_text(&folder.join("list.txt"), u64::MAX)?;
    let content = Content { count: built.count, blake3: String::new() };
    let manifest = Manifest::of(built.as_ref(), &content, Revision(revision), Timestamp(0), Timestamp::MAX);
    list::store(&folder.join(revision.to_string()), &manifest.sign(&[&key()])?, built.as_ref())?;
    Ok(())
}

fn stored(folder: &Path, revision: u64) -> Result<std::sync::Arc<IndicatorSet>> {
    let stored = list::read(&folder.join(revision.to_string()), &Stored::of(root(&key())), SensorId(1))?;
    Ok(stored.list.with_context(|| stored.refused.unwrap_or_default())?.1)
}

/// Names and addresses that are not listed, and names below listed ones.
struct Questions {
    misses: Vec<DomainName>,
    hits: Vec<DomainName>,
    addresses: Vec<IpAddr>,
}

fn questions(set: &IndicatorSet) -> Result<Questions> {
    let mut random = Random(99);
    let misses = (0..ASKED).map(|_| format!("www.x{}", random.name()).parse()).collect::<Result<_, _>>()?;
    let names = set.indicators().filter(|i| i.pattern.to_string().bytes().any(|b| b.is_ascii_alphabetic()));
    let listed = names.step_by((set.len() / ASKED).max(1)).map(|i| format!("www.{}", i.pattern).parse());
    let listed = listed.collect::<Result<Vec<DomainName>, _>>()?;
    let hits = listed.iter().cycle().take(ASKED).cloned().collect();
    Ok(Questions { misses, hits, addresses: (0..ASKED).map(|_| random.address().into()).collect() })
}

fn ns_each(count: usize, ask: impl FnOnce() -> u64) -> Result<f64> {
    let before = cpu_ns()?;
    std::hint::black_box(ask());
    Ok((cpu_ns()? - before) as f64 / count.max(1) as f64)
}

fn ask_names(set: &IndicatorSet, names: &[DomainName]) -> u64 {
    let mut found = 0;
    names.iter().for_each(|name| set.match_name(name.as_name(), |_| found += 1));
    found
}

fn ask(set: &IndicatorSet, questions: &Questions) -> Result<[f64; 3]> {
    let Questions { misses, hits, addresses } = questions;
    Ok([
        ns_each(misses.len(), || ask_names(set, misses))?,
        ns_each(hits.len(), || ask_names(set, hits))?,
        ns_each(addresses.len(), || {
            let mut found = 0;
            addresses.iter().for_each(|address| set.match_address(*address, |_| found += 1));
            found
        })?,
    ])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn part(part: Part, folder: &Path) -> Result<()> {
    let text = folder.join("list.txt");
    let before = cpu_ns()?;
    match part {
        Part::Text => {
            let set = IndicatorSet::of(from_text(&text, u64::MAX)?)?;
            let spent = (cpu_ns()? - before) as f64 / 1e6;
            let (now, peak) = (memory_mib("VmRSS")?, memory_mib("VmHWM")?);
            println!("  B5 from text: {} in {spent:.0} ms CPU; RSS {now:.1} MiB, peak {peak:.1} MiB", set.len());
        }
        Part::Base => {
            let set = stored(folder, 1)?;
            let spent = (cpu_ns()? - before) as f64 / 1e6;
            let now = memory_mib("VmRSS")?;
            println!(
                "  B4 from the stored base, signature and hash checked: {} in {spent:.1} ms CPU; RSS {now:.1} MiB",
                set.len()
            );
        }
        Part::Swap => {
            let mut in_use = stored(folder, 1)?;
            let all = in_use.indicators().count();
            let one = memory_mib("VmRSS")?;
            let next = stored(folder, 2)?;
            let both = memory_mib("VmRSS")?;
            in_use = next;
            let found = in_use.indicators().count();
            let peak = memory_mib("VmHWM")?;
            println!(
                "  swap, each list touched whole ({all}, {found}): RSS {one:.1} MiB, with the next one open {both:.1}, peak {peak:.1} = {:.2} ×",
                peak / one
            );
        }
        Part::Ask => {
            let large = stored(folder, 1)?;
            let small = IndicatorSet::of(from_text(&text, 10_000)?)?;
            let (of_large, of_small) = (questions(&large)?, questions(&small)?);
            let mut figures = [const { Vec::new() }; 6];
            for _ in 0..ROUNDS {
                for (column, figure) in ask(&small, &of_small)?.into_iter().chain(ask(&large, &of_large)?).enumerate() {
                    figures[column].push(figure);
                }
            }
            let [a, b, c, d, e, f] = figures.map(median);
            println!("  B3 look-ups, ns (medians of {ROUNDS}): {} / {} indicators", small.len(), large.len());
            println!("    name not listed      {a:.0} / {d:.0}, {:+.0}", d - a);
            println!("    name below a listed  {b:.0} / {e:.0}, {:+.0}", e - b);
            println!("    IPv4 address         {c:.0} / {f:.0}, {:+.0}", f - c);
        }
    }
    Ok(())
}

/// Of a hundred indicators one is another: octets of the changes that are published, and how many indicators that is.
fn changes_of_a_hundredth(folder: &Path) -> Result<(usize, usize)> {
    let base = stored(folder, 1)?;
    let mut random = Random(7);
    let one_in_a_hundred = |id: IndicatorId| id.0.is_multiple_of(100);
    let mut builder = Builder::new(Seed::from_octets(*b"bench seed again"), ConfidentialKey::default());
    let mut changed = 0;
    for (indicator, new) in base.indicators().zip((base.len() as u64 + 1..).map(IndicatorId)) {
        if one_in_a_hundred(indicator.id) {
            let name: Pattern = random.name().parse()?;
            builder.add(new, (&name).into(), &Facts::default())?;
            changed += 1;
        } else {
            builder.add(indicator.id, (&indicator.pattern).into(), &(&indicator).into())?;
        }
    }
    let next = IndicatorSet::of(builder.finish()?)?;
    let overlay = Overlay::between(&base, &next).context("more has changed than an overlay holds")?;
    Ok((overlay.to_octets().len(), changed))
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let (Some(one), Some(folder)) = (arguments.part, &arguments.folder) {
        return part(one, folder);
    }
    let folder = tempfile::tempdir()?;
    write_text(&folder.path().join("list.txt"), arguments.domains, 1)?;
    let octets = std::fs::metadata(folder.path().join("list.txt"))?.len();
    publish(folder.path(), 1)?;
    publish(folder.path(), 2)?;
    let base = std::fs::metadata(folder.path().join("1/list/in-force"))?.len();
    println!("{} domains and theirs: {octets} octets of text, {base} of base file", arguments.domains);
    let (changes, changed) = changes_of_a_hundredth(folder.path())?;
    println!(
        "  1 % changed ({changed} gone and as many new): {changes} octets of changes, {:.2} % of the base file",
        changes as f64 * 100.0 / base as f64
    );
    for part in ["text", "text", "text", "base", "base", "base", "swap", "ask"] {
        let mut command = Command::new(std::env::current_exe()?);
        let domains = arguments.domains.to_string();
        let status =
            command.args(["--part", part, "--domains", &domains]).arg("--folder").arg(folder.path()).status()?;
        if !status.success() {
            bail!("{part} failed");
        }
    }
    println!("again: cargo run --release -p varde-tests --bin bench-matching -- --domains {}", arguments.domains);
    Ok(())
}
