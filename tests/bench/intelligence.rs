//! What a million indicators of every kind cost the collector: to import, to compile and sign, on the wire, and what a change of one
//! in a hundred adds. Ratios against sorting the same file in the same run (decision 27).

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use varde_tests::community::Collector;
use varde_tests::measure::{self, Cost};
use varde_tests::programs::Which;
use varde_tests::random::Random;

const ENDS: [&str; 8] = ["com", "net", "org", "no", "info", "example", "xyz", "online"];

/// What a list costs from file to wire.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the file.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Only the import: no list of so many is made.
    #[arg(long)]
    import_only: bool,
}

/// One row: 60 in a hundred are domains, 8 single hosts, 16 addresses, 6 services, 4 networks, 6 URLs.
fn row(number: u64, random: &mut Random) -> String {
    let name = |random: &mut Random| {
        format!("n{number}-{:x}.{}", random.next_u16(), random.one_of(&ENDS).copied().unwrap_or("com"))
    };
    // From 11.0.0.0 on each number has an address of its own.
    let address = |step: u64| {
        let place = 0x0b00_0000_u64 + number * step;
        std::net::Ipv4Addr::from_bits(u32::try_from(place % 0x6000_0000).unwrap_or_default() | 0x0b00_0000)
    };
    match number % 50 {
        0..30 => name(random),
        30..34 => format!("=www.{}", name(random)),
        34..42 => address(7).to_string(),
        42..45 => format!("{}:{}", address(11), 1 + random.next_u16() % 60_000),
        45..47 => format!("{}/28", std::net::Ipv4Addr::from_bits(address(16).to_bits() & !15)),
        _ => format!("hxxps://{}/login", name(random)),
    }
}

/// The rows `from` to `to`.
fn write_rows(path: &Path, from: u64, to: u64) -> Result<()> {
    let mut random = Random::seeded(from + 1);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    for number in from..to {
        writeln!(file, "{}", row(number, &mut random))?;
    }
    Ok(file.flush()?)
}

/// Runs it to its end; 1: some rows were left out, which the guard is for.
fn cost(command: &mut Command) -> Result<Cost> {
    let cost = measure::cost(command)?;
    ensure!(matches!(cost.said.code, Some(0 | 1)), "{:?}", cost.said);
    Ok(cost)
}

fn collector(collector: &Collector, words: &[&str]) -> Result<Command> {
    let data = ["--data", collector.data().to_str().context("a path")?];
    Which::Collector.command(words.iter().chain(&data).copied())
}

fn main() -> Result<()> {
    let Arguments { rows, import_only } = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let (list, change) = (folder.path().join("list.txt"), folder.path().join("change.txt"));
    write_rows(&list, 0, rows)?;
    write_rows(&change, rows, rows + rows / 100)?;
    let octets = std::fs::metadata(&list)?.len();
    let server = Collector::init(&folder.path().join("collector"))?;
    let shown = |path: &Path| path.to_str().map(str::to_owned).context("a path");

    let mut sort = Command::new("sort");
    sort.env("LC_ALL", "C").args(["-u", "-o", "/dev/null", &shown(&list)?]);
    let reference = cost(&mut sort)?.seconds;
    println!("{rows} rows, {octets} octets; reference, sort -u of the same file: {reference:.2} s");
    let print = |what: &str, Cost { seconds, most_kib, said: _ }: &Cost| {
        println!(
            "{what}: {seconds:.2} s, peak memory {} MiB, ratio to the reference {:.2}",
            most_kib / 1024,
            seconds / reference
        );
    };
    print("import", &cost(&mut collector(&server, &["indicator", "import", &shown(&list)?])?)?);
    print("import of the same again", &cost(&mut collector(&server, &["indicator", "import", &shown(&list)?])?)?);
    if import_only {
        return Ok(());
    }
    print("compile and sign", &cost(&mut collector(&server, &["publish"])?)?);
    let sizes = || -> Result<(i64, i64)> {
        let sql = "SELECT COALESCE(length(base), 0), COALESCE(length(overlay), 0) FROM list_revision ORDER BY revision DESC LIMIT 1";
        server.query::<(i64, i64)>(sql)?.first().copied().context("no list")
    };
    let (base, _) = sizes()?;
    let published: Vec<(i64,)> = server.query("SELECT COUNT(*) FROM indicator WHERE published_at IS NOT NULL")?;
    let published = published.first().map_or(0, |(count,)| *count);
    println!("snapshot: {published} indicators, {base} octets, {:.1} each", base as f64 / published as f64);
    print("import of 1 % more", &cost(&mut collector(&server, &["indicator", "import", &shown(&change)?])?)?);
    print("compile and sign the change", &cost(&mut collector(&server, &["publish"])?)?);
    let (_, overlay) = sizes()?;
    println!("overlay for 1 % more: {overlay} octets, {:.1} % of the snapshot", overlay as f64 * 100.0 / base as f64);
    Ok(())
}
