//! `varde-collector indicator import`: a file of intelligence in, entry by entry, each told what became of it.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use varde_common::indicator::Severity;
use varde_common::list::is_shrunken;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::held::Look;
use super::init::operator_name;
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::canonical::{About, Details, Pap};
use crate::intel::format::{Format, Item, Options};
use crate::intel::import::Importer;
use crate::io::clock;
use crate::io::intake::Intake;
use crate::limits::{BAD_ENTRIES_SHOWN, EXPRESSION_MAX_OCTETS, PROGRESS_FROM_OCTETS};
use crate::store::claim::Imported;
use crate::store::{Scope, Store};

const STANDARD_INPUT: &str = "standard input";

/// Arguments of `indicator import`.
#[derive(Debug, Default, Args)]
pub struct ImportArguments {
    /// The file; - for standard input.
    pub file: String,
    /// How it is written: auto looks [default: auto].
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub format: Option<Wish>,
    /// With --format csv: the column with the indicator, by its number from 1 or its name.
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
    /// With --format csv: what stands between columns, one character or "tab" [default: found out].
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// With --format csv: pass over lines that this regular expression matches.
    #[arg(long, value_name = "REGEX", value_parser = expression)]
    pub exclude: Option<regex::Regex>,
    /// Where it comes from [default: the file's name].
    #[arg(long, value_name = "TEXT", value_parser = operator_name)]
    pub source: Option<String>,
    /// It is all that its source says: what that said before and does not say here is withdrawn.
    #[arg(long)]
    pub replace: bool,
    /// With --replace: withdraw it even if that is half of what the source said, or more.
    #[arg(long, requires = "replace")]
    pub allow_shrink: bool,
    /// Only say what would be taken in and what not.
    #[arg(long, conflicts_with = "replace")]
    pub dry_run: bool,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
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
    /// What may be done with it: clear, green, amber or red.
    #[arg(long)]
    pub pap: Option<Pap>,
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

/// A format, or none where the file is to tell.
type Wish = Option<Format>;

fn format(text: &str) -> Result<Wish, String> {
    if text == "auto" { Ok(None) } else { text.parse().map(Some) }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [octet] if octet.is_ascii() => Ok(*octet),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("give one character, such as ; or tab".to_owned()),
    }
}

fn expression(text: &str) -> Result<regex::Regex, String> {
    let built = regex::RegexBuilder::new(text).size_limit(EXPRESSION_MAX_OCTETS).build();
    built.map_err(|error| error.to_string())
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Done {
    source: String,
    format: &'static str,
    new: u64,
    known: u64,
    left_out: u64,
    clues: u64,
    harmless: u64,
    passed_over: u64,
    withdrawn: u64,
    held: u64,
    expired: u64,
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done, or that some of it was left out.
pub(super) async fn import(data: &Path, store: &Store, arguments: ImportArguments) -> anyhow::Result<()> {
    let about = About {
        threat: arguments.threat.clone(),
        severity: arguments.severity,
        confidence: arguments.confidence,
        tlp: arguments.tlp,
        pap: arguments.pap,
        valid_from: arguments.valid_from,
        valid_until: arguments.valid_until,
        exercise: arguments.exercise,
        details: Details::default(),
    };
    if let (true, Some(from), Some(until)) = (about.is_never(), about.valid_from, about.valid_until) {
        bail!("--valid-until {until} is not after --valid-from {from}; nothing would ever match");
    }
    let (name, intake) = open(data, &arguments.file)?;
    let format = arguments.format.flatten().unwrap_or_else(|| Format::detect(&intake.head));
    if format != Format::Csv
        && (arguments.column.is_some() || arguments.delimiter.is_some() || arguments.exclude.is_some())
    {
        bail!("{name} is read as {format}; --column, --delimiter and --exclude are for tables: --format csv");
    }
    let options = Options {
        column: arguments.column.clone(),
        delimiter: arguments.delimiter,
        exclude: arguments.exclude.clone(),
    };
    let source = arguments.source.clone().unwrap_or_else(|| name.clone());
    let words = in_words(&name, &intake, format, &source, &about, &arguments);
    let importing = deed("indicator import", On::Thing("indicators".to_owned())).becomes(words);
    let look = Look::new(store, clock::now()).await?;
    let noting;
    let mut taking = match arguments.dry_run {
        true => Taking::new(store, &source, format, true, look),
        false => {
            noting = store.noting(importing);
            Taking::new(&noting, &source, format, false, look)
        }
    };
    let read = taking.take(intake, options, Importer::new(about), shown(&arguments.file)).await;
    if read.is_ok() && arguments.replace {
        taking.replace(arguments.allow_shrink).await?;
    }
    let done = Done { held: taking.look.held.count(), expired: taking.look.expired, ..taking.done };
    let look = taking.look;
    let entries = if format.has_lines() { "lines" } else { "objects" };
    let nothing = done.new + done.known + done.clues + done.harmless + done.passed_over == 0;
    if arguments.json {
        say::result(&serde_json::to_string(&done)?)?;
    } else {
        say::result(&in_a_sentence(&name, &done, entries))?;
    }
    look.say();
    if let Err(error) = read {
        bail!(
            "{name}, read as {format}: {error}; what stood before that is {}",
            if done.dry_run { "good" } else { "imported" }
        );
    }
    if nothing && done.withdrawn == 0 {
        bail!("{name} holds no indicator that could be loaded; a plain list has one domain, address or network a line");
    }
    if done.dry_run {
        say::aside("Nothing was imported. To do so: the same without --dry-run");
    } else if !nothing || done.withdrawn > 0 {
        say::aside("Sensors get it with the next: varde-collector publish");
    }
    // A program that imports every night must notice.
    match done.left_out {
        0 => Ok(()),
        left_out => bail!(
            "{left_out} {entries} of {name} were left out, the rest is {}; correct those named above and import again",
            if done.dry_run { "good" } else { "imported" }
        ),
    }
}

fn in_a_sentence(name: &str, done: &Done, entries: &str) -> String {
    let mut summary = match done.dry_run {
        true => format!("{name}: {} would be new, {} are known already", done.new, done.known),
        false => format!("{name}: {} new, {} already known", done.new, done.known),
    };
    for (count, what) in [
        (done.left_out, format!("{entries} left out")),
        (done.withdrawn, "withdrawn".to_owned()),
        (done.held, "held back by lint".to_owned()),
        (done.expired, "too old to be looked for".to_owned()),
        (done.clues, "that no sensor can look for, kept for people".to_owned()),
        (done.harmless, "that the source says are harmless, not looked for".to_owned()),
        (done.passed_over, "meant for people to read, passed over".to_owned()),
    ] {
        if count > 0 {
            summary.push_str(&format!(", {count} {what}"));
        }
    }
    summary
}

/// What is imported, in words, without any indicator.
fn in_words(
    name: &str,
    intake: &Intake,
    format: Format,
    source: &str,
    about: &About,
    arguments: &ImportArguments,
) -> String {
    let About { threat, severity, confidence, tlp, pap, valid_from, valid_until, exercise, details: _ } = about;
    let mut words = format!("{name}, {} bytes, SHA-256 {}, read as {format}", intake.octets, intake.sha256);
    for (what, value) in [
        ("source", (source != name).then(|| source.to_owned())),
        ("threat", threat.clone()),
        ("severity", severity.map(|severity| severity.as_str().to_owned())),
        ("confidence", confidence.map(|confidence| confidence.to_string())),
        ("marked", tlp.map(|tlp| tlp.to_string())),
        ("marked", pap.map(|pap| pap.to_string())),
        ("valid from", valid_from.map(|at| at.to_string())),
        ("valid until", valid_until.map(|at| at.to_string())),
        ("exercise", exercise.then(|| "yes".to_owned())),
        ("all that the source says", arguments.replace.then(|| "yes".to_owned())),
        ("however much is withdrawn", arguments.allow_shrink.then(|| "yes".to_owned())),
    ] {
        if let Some(value) = value {
            words.push_str(&format!("; {what} {value}"));
        }
    }
    words
}

/// How messages call a file.
fn shown(file: &str) -> &str {
    if file == "-" { STANDARD_INPUT } else { file }
}

fn open(data: &Path, file: &str) -> anyhow::Result<(String, Intake)> {
    if file == "-" {
        let intake = Intake::gather(std::io::stdin().lock(), data).context("cannot read standard input")?;
        return Ok((STANDARD_INPUT.to_owned(), intake));
    }
    let path = Path::new(file);
    let name = path.file_name().map_or(file.into(), |name| name.to_string_lossy());
    match Intake::open(path) {
        Ok(intake) => Ok((name.into_owned(), intake)),
        Err(error) => {
            bail!("cannot read the list {file}: {error}; give a file that this user may read, or - for standard input")
        }
    }
}

/// An import under way.
struct Taking<'a> {
    store: &'a Store,
    look: Look,
    now: Timestamp,
    done: Done,
}

impl<'a> Taking<'a> {
    fn new(store: &'a Store, source: &str, format: Format, dry_run: bool, look: Look) -> Taking<'a> {
        let done = Done {
            source: source.to_owned(),
            format: format.as_str(),
            new: 0,
            known: 0,
            left_out: 0,
            clues: 0,
            harmless: 0,
            passed_over: 0,
            withdrawn: 0,
            held: 0,
            expired: 0,
            dry_run,
        };
        Taking { store, now: look.now, look, done }
    }

    /// Takes in all of a file that can be, names the rest, and says how its reading ended.
    async fn take(&mut self, intake: Intake, options: Options, importer: Importer, shown: &str) -> anyhow::Result<()> {
        // Shown in a terminal only; elsewhere it is silent by itself.
        let progress = if intake.octets > PROGRESS_FROM_OCTETS {
            let style =
                ProgressStyle::with_template("{wide_bar} {decimal_bytes} of {decimal_total_bytes}, {eta} left")?;
            ProgressBar::new(intake.octets).with_style(style)
        } else {
            ProgressBar::hidden()
        };
        let format = self.done.format.parse().map_err(anyhow::Error::msg)?;
        let (mut batches, reading) = intake.read(format, options, importer, &progress);
        while let Some(batch) = batches.recv().await {
            self.take_batch(batch, &progress, shown).await?;
        }
        progress.finish_and_clear();
        if self.done.left_out > BAD_ENTRIES_SHOWN {
            say::aside(&format!("{shown}: {} more left out and not named", self.done.left_out - BAD_ENTRIES_SHOWN));
        }
        Ok(reading.await.context("the file was not read to its end")??)
    }

    async fn take_batch(&mut self, batch: Vec<Item>, progress: &ProgressBar, shown: &str) -> anyhow::Result<()> {
        let (mut found, mut clues, mut withdrawn) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
        for item in batch {
            match item {
                Item::Found(_, one) => {
                    self.look.take(&one);
                    found.push(*one);
                }
                Item::Clue(clue) => clues.push(clue),
                Item::Withdrawn(object) | Item::Silent(object) => withdrawn.push(object),
                Item::Harmless(..) => self.done.harmless += 1,
                Item::PassedOver => self.done.passed_over += 1,
                Item::LeftOut(left_out) => {
                    self.done.left_out += 1;
                    if self.done.left_out <= BAD_ENTRIES_SHOWN {
                        progress.suspend(|| say::aside(&format!("{shown}, {left_out}")));
                    }
                }
            }
        }
        self.done.clues += clues.len() as u64;
        if self.done.dry_run {
            let known = self.store.known(Scope::Operator, &found).await?;
            self.done.known += known;
            self.done.new += (found.len() as u64).saturating_sub(known);
            return Ok(());
        }
        let source = self.done.source.as_str();
        let Imported { new, known } = self.store.take_in(source, &found, self.now).await?;
        self.done.new += new;
        self.done.known += known;
        if !clues.is_empty() {
            self.store.take_in_clues(source, &clues, self.now).await?;
        }
        if !withdrawn.is_empty() {
            let why = "the source took it back";
            self.done.withdrawn += self.store.withdraw_objects(source, &withdrawn, why, self.now).await?;
        }
        Ok(())
    }

    /// Withdraws what the source has not said again, unless that is too much to be meant.
    async fn replace(&mut self, allow_shrink: bool) -> anyhow::Result<()> {
        let source = self.done.source.as_str();
        let (all, gone) = self.store.claims_not_renewed(Scope::Operator, source, self.now).await?;
        if is_shrunken(all, all.saturating_sub(gone)) && !allow_shrink {
            bail!(
                "{source} says {} of what it said before and leaves out {gone}: nothing is withdrawn. If that is meant: --replace --allow-shrink",
                all.saturating_sub(gone)
            );
        }
        let why = "the source does not say it any more";
        self.done.withdrawn += self.store.withdraw_not_renewed(source, self.now, why, clock::now()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Given {
        #[command(flatten)]
        arguments: ImportArguments,
    }

    fn arguments(file: &Path, more: &str) -> ImportArguments {
        let words = ["import", file.to_str().unwrap()].into_iter().chain(more.split_whitespace());
        Given::parse_from(words).arguments
    }

    #[tokio::test]
    async fn import_says_what_it_did_and_fails_when_a_line_could_not_be_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let file = dir.path().join("list.txt");
        std::fs::write(&file, "evil.example\nnot an indicator\n10.0.0.0/8\nevil.example\n192.0.2.1:443\n").unwrap();
        let import = async |more: &str| super::import(dir.path(), &store, arguments(&file, more)).await;
        let left_out = import("--dry-run").await.unwrap_err().to_string();
        assert!(left_out.starts_with("2 lines of list.txt were left out, the rest is good"), "{left_out}");
        assert!(store.indicator_rows(Scope::Operator).await.unwrap().is_empty(), "a dry run");
        let look = Look::new(&store, Timestamp(1)).await.unwrap();
        let mut taking = Taking::new(&store, "s", Format::Plain, false, look);
        taking
            .take(Intake::open(&file).unwrap(), Options::default(), Importer::new(About::default()), "a/list.txt")
            .await
            .unwrap();
        assert_eq!((taking.done.new, taking.done.known, taking.done.left_out), (2, 1, 2));
        assert_eq!(
            in_a_sentence("list.txt", &taking.done, "lines"),
            "list.txt: 2 new, 1 already known, 2 lines left out"
        );
        let left_out = import("").await.unwrap_err().to_string();
        assert!(left_out.starts_with("2 lines of list.txt were left out, the rest is imported"), "{left_out}");
        assert_eq!((shown("-"), shown("a/list.txt")), ("standard input", "a/list.txt"));
        std::fs::write(&file, "evil.example\n").unwrap();
        import("--json").await.unwrap();
        for nothing in ["", "# only a comment\n", "blåbær.no\nno\n"] {
            std::fs::write(&file, nothing).unwrap();
            assert!(import("").await.unwrap_err().to_string().contains("holds no indicator"));
        }
        let missing = super::import(dir.path(), &store, arguments(&dir.path().join("missing"), "")).await;
        let missing = missing.unwrap_err().to_string();
        assert!(missing.starts_with("cannot read the list") && missing.contains("give a file"), "{missing}");
        let never = import("--valid-from 2026-01-01T00:00:00Z --valid-until 2026-01-01T00:00:00Z").await;
        assert!(never.unwrap_err().to_string().contains("is not after"));
        assert_eq!(store.indicator_rows(Scope::Operator).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn what_a_source_says_no_more_is_withdrawn_where_that_is_asked_and_can_be_meant() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let file = dir.path().join("list.txt");
        let import = async |list: String, more: &str| {
            std::fs::write(&file, list).unwrap();
            super::import(dir.path(), &store, arguments(&file, more)).await
        };
        let names = |count: u32| (0..count).map(|n| format!("n{n}.example\n")).collect::<String>();
        let standing = async || {
            let rows = store.indicator_rows(Scope::Operator).await.unwrap();
            rows.iter().filter(|row| row.withdrawn_at.is_none()).count()
        };
        import(names(100), "").await.unwrap();
        import(names(80), "").await.unwrap();
        assert_eq!(standing().await, 100, "without --replace nothing goes");
        import(names(80), "--replace").await.unwrap();
        assert_eq!(standing().await, 80);
        let refused = import(names(10), "--replace").await.unwrap_err().to_string();
        assert!(refused.contains("leaves out 70") && refused.contains("--allow-shrink"), "{refused}");
        assert_eq!(standing().await, 80, "nothing is withdrawn");
        import(names(10), "--replace --allow-shrink").await.unwrap();
        assert_eq!(standing().await, 10);
        import(names(100), "--source other").await.unwrap();
        assert_eq!(standing().await, 100);
        import(names(9), "--replace").await.unwrap();
        assert_eq!(standing().await, 100, "another source still says so");
    }
}
