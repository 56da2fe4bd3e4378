//! `varde-collector indicator`: plain lists in, and what is there.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_common::trust::{hex, sha256};

use super::brake::{self, BrakeArguments};
use super::init::operator_name;
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::import::{Line, Reader, Said};
use crate::io::{clock, directory};
use crate::limits::{BAD_LINES_SHOWN, IMPORT_MAX_OCTETS, PROGRESS_FROM_LINES};
use crate::store::indicator::{Imported, IndicatorRow};
use crate::store::{Scope, Store};

/// Lines written in one transaction: long enough to be quick, short enough that alerts come between.
const LINES_PER_TRANSACTION: usize = 5_000;
const STANDARD_INPUT: &str = "standard input";

/// Subcommands of `indicator`.
#[derive(Debug, Subcommand)]
pub enum IndicatorCommand {
    /// Import a plain list: one indicator a line, # begins a comment.
    #[command(
        after_help = "A line is a domain (evil.example: it and everything below it), an exact host (=www.evil.example), an address or a network, each perhaps with a port: name:port, address:port, [v6]:port, network:port, [v6net]:port; or ja4:VALUE, programs whose TLS or QUIC hello has this JA4 fingerprint.\nAn indicator that is known already is kept once; what an option says is set anew, the rest stays. Lines that are no indicator are named and the rest is loaded.\nExit: 0 every line was loaded, 1 some were left out (the rest is loaded) or it could not be done, 2 wrong usage."
    )]
    Import(ImportArguments),
    /// List the indicators.
    #[command(
        after_help = "Keys with --json: id, indicator, kind (domain, host, ipv4, ipv6, network, ja4), source, threat, confidence (0-100), severity, tlp, valid_from, valid_until, exercise, received_at, published_at (first publication), published_in (its list). Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Have sensors count the matches of single indicators only, without alerts, for a day at most; or tell them again.
    #[command(
        after_help = "For an indicator that turns out to be wrong while people are being called out of bed. It takes nothing from the list and adds nothing; every match is counted and shown (indicator brakes, the page, varde-agent status), and it ends by itself. What is wrong for good is taken out of the list.
The order is signed by the brake key (keys/brake.key). A collector from before it gets one so: varde-collector key make DIR/keys/brake.key, then varde-collector root next FILE --add brake=PUBLIC, sign, root accept.
Exit: 0 the order is given, 1 it is not, 2 wrong usage."
    )]
    Brake(BrakeArguments),
    /// What is braked, and what was until a week ago: why, until when, at how many sensors, and how many matches were counted.
    #[command(
        after_help = "Keys with --json: indicator_id, indicator, exercise, reason, since, until, ended_at (released or ordered anew), in_force, sensors (that have taken the order), sensors_total, matches, counted_by (sensors), members, hosts (about), evidence (the furthest), last_seen. Times are RFC 3339 UTC; what is not is null."
    )]
    Brakes {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `indicator import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The list; - for standard input.
    pub file: String,
    /// Where it comes from [default: the file's name].
    #[arg(long, value_name = "TEXT", value_parser = operator_name)]
    pub source: Option<String>,
    /// What it belongs to: campaigns are drawn over all indicators of one threat.
    #[arg(long, value_name = "TEXT", value_parser = operator_name)]
    pub threat: Option<String>,
    /// How bad it would be: info, low, medium, high or critical [default: medium].
    #[arg(long, value_parser = severity)]
    pub severity: Option<Severity>,
    /// How sure the source is, 0-100 [default: 50].
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub confidence: Option<u8>,
    /// How far it may be shared: clear, green, amber, amber+strict or red [default: amber].
    #[arg(long)]
    pub tlp: Option<Tlp>,
    /// Holds from, e.g. 2026-11-21T14:05:00Z.
    #[arg(long, value_name = "TIME")]
    pub valid_from: Option<Timestamp>,
    /// Holds until.
    #[arg(long, value_name = "TIME")]
    pub valid_until: Option<Timestamp>,
    /// Part of an exercise: harmless, left out of statistics.
    #[arg(long)]
    pub exercise: bool,
}

fn severity(text: &str) -> Result<Severity, String> {
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let found = all.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "there are info, low, medium, high and critical".to_owned())
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: IndicatorCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        IndicatorCommand::Brake(arguments) => brake::run(data, &store, arguments).await,
        IndicatorCommand::Brakes { json } => brake::list(&store, json).await,
        IndicatorCommand::Import(arguments) => import(&store, arguments).await,
        IndicatorCommand::List { json } => match store.indicator_rows(Scope::Operator).await {
            Ok(rows) => print(&rows, json),
            Err(error) => Err(error.into()),
        },
    };
    store.close().await;
    done
}

async fn import(store: &Store, arguments: ImportArguments) -> anyhow::Result<()> {
    if let (Some(from), Some(until)) = (arguments.valid_from, arguments.valid_until)
        && until <= from
    {
        bail!("--valid-until {until} is not after --valid-from {from}; nothing would ever match");
    }
    let (name, list) = read_list(&arguments.file)?;
    let said = Said {
        source: arguments.source,
        threat: arguments.threat,
        severity: arguments.severity,
        confidence: arguments.confidence,
        tlp: arguments.tlp,
        valid_from: arguments.valid_from,
        valid_until: arguments.valid_until,
        exercise: arguments.exercise,
    };
    let importing = deed("indicator import", On::Thing("indicators".to_owned())).becomes(in_words(&name, &list, &said));
    let importing = store.noting(importing);
    let (imported, left_out) =
        import_list(&importing, shown(&arguments.file), &name, &list, &said, clock::now()).await?;
    let mut summary = format!("{name}: {} new, {} already known", imported.new, imported.known);
    if left_out > 0 {
        summary.push_str(&format!(", {left_out} lines left out"));
    }
    say::result(&summary)?;
    if imported == Imported::default() {
        bail!("{name} holds no indicator that could be loaded; a plain list has one domain, address or network a line");
    }
    say::aside("Sensors get them with the next: varde-collector publish");
    // A program that imports every night must notice.
    if left_out > 0 {
        bail!(
            "{left_out} lines of {name} were left out, the rest is imported; correct those named above and import again"
        );
    }
    Ok(())
}

/// What is imported, in words, without any indicator.
fn in_words(name: &str, list: &[u8], said: &Said) -> String {
    let Said { source, threat, severity, confidence, tlp, valid_from, valid_until, exercise } = said;
    let mut words = format!("{name}, {} bytes, SHA-256 {}", list.len(), hex(&sha256(list)));
    for (what, value) in [
        ("source", source.clone()),
        ("threat", threat.clone()),
        ("severity", severity.map(|severity| severity.as_str().to_owned())),
        ("confidence", confidence.map(|confidence| confidence.to_string())),
        ("marked", tlp.map(|tlp| tlp.to_string())),
        ("valid from", valid_from.map(|at| at.to_string())),
        ("valid until", valid_until.map(|at| at.to_string())),
        ("exercise", exercise.then(|| "yes".to_owned())),
    ] {
        if let Some(value) = value {
            words.push_str(&format!("; {what} {value}"));
        }
    }
    words
}

/// How messages call a list.
fn shown(file: &str) -> &str {
    if file == "-" { STANDARD_INPUT } else { file }
}

fn read_list(file: &str) -> anyhow::Result<(String, Vec<u8>)> {
    if file == "-" {
        let mut list = Vec::new();
        let mut input = std::io::stdin().lock().take(IMPORT_MAX_OCTETS + 1);
        input.read_to_end(&mut list).context("cannot read standard input")?;
        if list.len() as u64 > IMPORT_MAX_OCTETS {
            bail!("standard input holds more than {IMPORT_MAX_OCTETS} bytes; split the list");
        }
        return Ok((STANDARD_INPUT.to_owned(), list));
    }
    let path = Path::new(file);
    let list = match directory::read(path, IMPORT_MAX_OCTETS) {
        Ok(list) => list,
        Err(directory::DirectoryError::Io { error, .. }) => {
            bail!("cannot read the list {file}: {error}; give a file that this user may read, or - for standard input")
        }
        Err(error) => return Err(error.into()),
    };
    let name = path.file_name().map_or(file.into(), |name| name.to_string_lossy());
    Ok((name.into_owned(), list))
}

/// Loads the good lines, by `source` unless another was said, and names the others; gives what was loaded and how many
/// were left out.
async fn import_list(
    store: &Store,
    name: &str,
    source: &str,
    list: &[u8],
    said: &Said,
    now: Timestamp,
) -> anyhow::Result<(Imported, usize)> {
    let lines = list.iter().filter(|&&octet| octet == b'\n').count();
    // Shown in a terminal only; elsewhere it is silent by itself.
    let progress = if lines > PROGRESS_FROM_LINES {
        let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} lines, {eta} left")?;
        ProgressBar::new(lines as u64).with_style(style)
    } else {
        ProgressBar::hidden()
    };
    let mut imported = Imported::default();
    let mut left_out = 0;
    let mut reader = Reader::new();
    let mut waiting: Vec<Line> = Vec::with_capacity(LINES_PER_TRANSACTION);
    for line in reader.read(list) {
        match line {
            Ok(line) => waiting.push(line),
            Err(bad) => {
                left_out += 1;
                if left_out <= BAD_LINES_SHOWN {
                    progress.suspend(|| say::aside(&format!("{name}, {bad}")));
                }
            }
        }
        if waiting.len() == LINES_PER_TRANSACTION {
            add(&mut imported, store.import_indicators(&waiting, said, source, now).await?);
            progress.inc(waiting.len() as u64);
            waiting.clear();
        }
    }
    add(&mut imported, store.import_indicators(&waiting, said, source, now).await?);
    progress.finish_and_clear();
    imported.known += reader.repeated();
    if left_out > BAD_LINES_SHOWN {
        say::aside(&format!("{name}: {} more lines left out and not named", left_out - BAD_LINES_SHOWN));
    }
    Ok((imported, left_out))
}

fn add(sum: &mut Imported, part: Imported) {
    sum.new += part.new;
    sum.known += part.known;
}

fn print(indicators: &[IndicatorRow], json: bool) -> anyhow::Result<()> {
    let row = |row: &IndicatorRow| {
        vec![
            row.id.to_string(),
            row.indicator.clone(),
            row.kind.clone(),
            row.severity.to_owned(),
            row.confidence.to_string(),
            row.tlp.clone(),
            row.threat.clone().unwrap_or_else(|| "-".to_owned()),
            row.source.clone(),
            say::moment(row.received_at.into()),
            row.published_in.map_or("-".to_owned(), |list| list.to_string()),
        ]
    };
    let heads = ["ID", "INDICATOR", "KIND", "SEVERITY", "SURE", "TLP", "THREAT", "SOURCE", "RECEIVED", "LIST"];
    let nothing = "No indicators yet. Load a list with: varde-collector indicator import FILE";
    say::rows(indicators, json, &heads, row, nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(file: &Path) -> ImportArguments {
        ImportArguments {
            file: file.display().to_string(),
            source: None,
            threat: None,
            severity: None,
            confidence: None,
            tlp: None,
            valid_from: None,
            valid_until: None,
            exercise: false,
        }
    }

    #[tokio::test]
    async fn import_says_what_it_did_and_fails_when_a_line_could_not_be_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let file = dir.path().join("list.txt");
        std::fs::write(&file, "evil.example\nnot an indicator\n10.0.0.0/8\nevil.example\n192.0.2.1:443\n").unwrap();
        let list = std::fs::read(&file).unwrap();
        let done = import_list(&store, "a/list.txt", "list.txt", &list, &Said::default(), Timestamp(1)).await.unwrap();
        assert_eq!(done, (Imported { new: 2, known: 1 }, 2));
        let left_out = import(&store, arguments(&file)).await.unwrap_err().to_string();
        assert!(left_out.starts_with("2 lines of list.txt were left out, the rest is imported"), "{left_out}");
        assert_eq!((shown("-"), shown("a/list.txt")), ("standard input", "a/list.txt"));
        std::fs::write(&file, "evil.example\n").unwrap();
        import(&store, arguments(&file)).await.unwrap();
        for nothing in ["", "# only a comment\n", "blåbær.no\nno\n"] {
            std::fs::write(&file, nothing).unwrap();
            assert!(import(&store, arguments(&file)).await.unwrap_err().to_string().contains("holds no indicator"));
        }
        let missing = import(&store, arguments(&dir.path().join("missing"))).await.unwrap_err().to_string();
        assert!(missing.starts_with("cannot read the list") && missing.contains("give a file"), "{missing}");
        let never =
            ImportArguments { valid_from: Some(Timestamp(2)), valid_until: Some(Timestamp(2)), ..arguments(&file) };
        assert!(import(&store, never).await.unwrap_err().to_string().contains("is not after"));
        assert_eq!(store.indicator_rows(Scope::Operator).await.unwrap().len(), 2);
    }
}
