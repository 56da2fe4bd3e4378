//! How well a collector's correlation finds a known truth: a simulated sector year, or any file of its format, through the real
//! ingest into a real database; recall, precision, time to warn and items a day, beside two baselines (`tests/bench/sector.md`).

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use varde_tests::sector::baseline::{members_within_an_hour, ticket_per_indicator};
use varde_tests::sector::file::{Arrival, FORMAT, Year};
use varde_tests::sector::parameters::{KEYS, Parameters};
use varde_tests::sector::play::{GATHERED_WITHIN, Gather, play};
use varde_tests::sector::report::Judged;
use varde_tests::sector::score::{Known, MEASURES, grade, of_collector, score};
use varde_tests::sector::year::draw;

/// Draws a sector year with known truth, plays it to a collector and says how well it was understood.
///
/// A file that is there is played; one that is not is drawn first, and written. Without --truth a year is drawn and not kept.
#[derive(Debug, Parser)]
#[command(name = "sector", after_long_help = format!("{FORMAT}\n\n{KEYS}\n\n{MEASURES}"))]
struct Arguments {
    /// The year: truth and alerts as JSON lines.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// From which the year is drawn; and how long each sensor gathers records before it sends them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What a drawn year holds, a TOML file; what it leaves out is as in the standard year.
    #[arg(long, value_name = "FILE", conflicts_with = "small")]
    parameters: Option<PathBuf>,
    /// Draws the small year of `tests/run` (40 members, 30 days).
    #[arg(long)]
    small: bool,
    /// Writes the drawn year to --truth and plays nothing.
    #[arg(long, requires = "truth")]
    only_write: bool,
    /// How long sensors gather at most, seconds, drawn each time; in place of the quarter of a second that agents do. What it changes
    /// is when campaigns are raised, and what came before a guard tripped; nothing else.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    gather: Option<u64>,
    /// A file of weights (`weights.toml`) that the collector goes by, in place of those that come with it.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Members within an hour that make a ticket of the second baseline.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=1_000))]
    k: u64,
    /// The lowest grade of an incident outside campaigns that somebody must look at.
    #[arg(long, default_value = "middels")]
    item_grade: String,
    /// Where the database is made; it goes away at the end. Without it in memory, where the machine has such a place.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

fn bar(length: u64, what: &'static str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len}, {eta} left")?;
    Ok(ProgressBar::new(length).with_style(style).with_message(what))
}

/// The year that is asked for.
fn year(arguments: &Arguments) -> Result<Year> {
    let Arguments { truth, seed, parameters, small, only_write, .. } = arguments;
    if let Some(path) = truth.as_ref().filter(|path| path.exists()) {
        let is_asked = if *only_write { "--only-write" } else { "--parameters and --small" };
        let may_draw = !*only_write && !*small && parameters.is_none();
        ensure!(may_draw, "{} is there already, and {is_asked} draw a year; give another --truth", path.display());
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Year::read(BufReader::new(file)).with_context(|| path.display().to_string());
    }
    let parameters = match parameters {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Parameters::read(&text).with_context(|| path.display().to_string())?
        }
        None if *small => Parameters::small(),
        None => Parameters::default(),
    };
    let year = draw(&parameters, *seed)?;
    if let Some(path) = truth {
        let mut file = BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?);
        year.write(&mut file)?;
        file.flush().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(year)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // One sentence, whatever the environment says of backtraces.
        Err(error) => {
            eprintln!("sector: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments = Arguments::parse();
    let Some(item_grade) = grade(&arguments.item_grade) else {
        bail!("--item-grade {}: there are info, lav, middels, høy and kritisk", arguments.item_grade)
    };
    let year = year(&arguments)?;
    let alerts = year.arrivals.iter().filter(|arrival| matches!(arrival, Arrival::Opened(_))).count();
    if !arguments.json {
        println!(
            "{} members, {} days, {} indicators, {} truths, {alerts} alerts in {} records",
            year.members.len(),
            year.head.days,
            year.indicators.len(),
            year.truths.len(),
            year.arrivals.len()
        );
    }
    if arguments.only_write {
        return Ok(());
    }
    let memory = PathBuf::from("/dev/shm");
    let folder = match &arguments.folder {
        Some(folder) => {
            tempfile::tempdir_in(folder).with_context(|| format!("cannot write in {}", folder.display()))?
        }
        None if memory.is_dir() => tempfile::tempdir_in(memory)?,
        None => tempfile::tempdir()?,
    };
    let began = varde_agent::io::clock::monotonic();
    let bar = bar(year.arrivals.len() as u64, "playing")?;
    let within = arguments.gather.map_or(GATHERED_WITHIN, Duration::from_secs);
    let weights = match &arguments.weights {
        Some(path) => Some(std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?),
        None => None,
    };
    let gather = Gather { seed: arguments.seed, within, weights: weights.as_deref() };
    let concluded = play(&year, folder.path(), gather, &mut |done| bar.set_position(done))?;
    bar.finish_and_clear();
    let played = began.elapsed();
    let known = Known::of(&year);
    let k = usize::try_from(arguments.k)?;
    let judged = Judged {
        collector: score(&known, &of_collector(&year, &known, &concluded, item_grade)),
        tickets: score(&known, &ticket_per_indicator(&year, &known)),
        within_hour: score(&known, &members_within_an_hour(&year, &known, k)),
        k,
    };
    if arguments.json {
        let mut json = judged.json();
        json["seed"] = arguments.seed.into();
        json["year"] = serde_json::to_value(&year.head)?;
        json["records"] = concluded.records.into();
        println!("{json}");
    } else {
        println!("{}", judged.table());
        let rate = concluded.records as f64 / played.as_secs_f64().max(0.001);
        println!(
            "played in {played:.1?}: {} records in {} batches, {rate:.0} records/s",
            concluded.records, concluded.batches
        );
    }
    Ok(())
}
