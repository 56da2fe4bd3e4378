//! `varde-collector indicator import`: a file of intelligence in, entry by entry, each told what became of it.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::held::{self, Look};
use super::import_words::{in_words, rather_text};
use super::init::operator_name;
use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::intel::canonical::{About, Details, Pap};
use crate::intel::format::{Format, Options, no_feed};
use crate::intel::import::Importer;
use crate::io::importing::{Beside, Heard, NotImported, Reading};
use crate::io::intake::Intake;
use crate::io::staging::StageFile;
use crate::io::{clock, importing};
use crate::limits::{BAD_ENTRIES_SHOWN, EXPRESSION_MAX_OCTETS, PROGRESS_FROM_OCTETS};
use crate::store::Store;
use crate::store::claim::Imported;

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
    /// Only say what would be taken in, what not, and what would be withdrawn.
    #[arg(long)]
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
    /// Part of an exercise: harmless, left out of statistics; =no takes that back [alone: yes].
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true, default_missing_value = "yes",
        value_parser = yes)]
    pub exercise: Option<bool>,
}

fn severity(text: &str) -> Result<Severity, String> {
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let found = all.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "there are info, low, medium, high and critical".to_owned())
}

/// Yes or no, as people say it.
pub(super) fn yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("it is yes or no".to_owned()),
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
struct Done {
    source: String,
    format: &'static str,
    new: u64,
    known: u64,
    repeated: u64,
    outdated: u64,
    left_out: u64,
    clues: u64,
    harmless: u64,
    passed_over: u64,
    withdrawn: u64,
    held: u64,
    expired: u64,
    refuted: u64,
    dry_run: bool,
    refused: Option<String>,
}

impl Done {
    fn read(&mut self, beside: Beside) {
        let Beside { left_out, clues, harmless, passed_over, words: _ } = beside;
        (self.left_out, self.clues, self.harmless, self.passed_over) = (left_out, clues, harmless, passed_over);
    }

    fn changed(&mut self, new: u64, known: u64, outdated: u64, withdrawn: u64) {
        (self.new, self.known, self.outdated, self.withdrawn) = (new, known, outdated, withdrawn);
    }

    /// Nothing was done, and why; programs get it as an object too.
    fn refuse(mut self, json: bool, why: String) -> anyhow::Error {
        self.refused = Some(why.clone());
        let printed = match (json, serde_json::to_string(&self)) {
            (true, Ok(text)) => say::result(&text),
            (true, Err(error)) => Err(error.into()),
            (false, _) => Ok(()),
        };
        printed.err().unwrap_or_else(|| anyhow::Error::msg(why))
    }
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done, or that some of it was left out.
pub(super) async fn import(data: &Path, store: &Store, arguments: ImportArguments) -> anyhow::Result<()> {
    about(&arguments)?;
    let (name, intake) = open(data, &arguments.file)?;
    import_of(data, store, arguments, (name, intake)).await
}

/// What is said of all of a file.
///
/// # Errors
/// That nothing of it would ever match.
pub(super) fn about(arguments: &ImportArguments) -> anyhow::Result<About> {
    let about = About {
        threat: arguments.threat.clone(),
        severity: arguments.severity,
        confidence: arguments.confidence,
        tlp: arguments.tlp,
        pap: arguments.pap,
        valid_from: arguments.valid_from,
        valid_until: arguments.valid_until,
        exercise: arguments.exercise == Some(true),
        details: Details::default(),
    };
    if let (true, Some(from), Some(until)) = (about.is_never(), about.valid_from, about.valid_until) {
        bail!("--valid-until {until} is not after --valid-from {from}; nothing would ever match");
    }
    Ok(about)
}

/// Some of it was left out, and the rest is imported: a program that imports every night must notice.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct InPart(String);

/// The same of what is opened already, under a name.
///
/// # Errors
/// Why it could not be done; [`InPart`].
pub(super) async fn import_of(
    data: &Path,
    store: &Store,
    arguments: ImportArguments,
    (name, intake): (String, Intake),
) -> anyhow::Result<()> {
    let about = about(&arguments)?;
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
    let has_lines = format.has_lines() && !no_feed::is_json(&String::from_utf8_lossy(&intake.head));
    let entries = if has_lines { "lines" } else { "objects" };
    let mut done =
        Done { source: source.clone(), format: format.as_str(), dry_run: arguments.dry_run, ..Done::default() };
    let importer = Importer::new(about, format, &intake.head);
    if let Some(tlp) = importer.own_word() {
        say::aside(&format!("{name} says of all of itself: {tlp}"));
    }
    let manner = importing::manner(format, arguments.exercise);
    if StageFile::is_busy(data) {
        say::aside("Another import is under way; this one begins when that has ended");
    }
    let octets = intake.octets;
    let reading = Reading { intake, format, options, importer, manner };
    let progress = bar(octets, octets, "{wide_bar} {decimal_bytes} of {decimal_total_bytes} read, {eta} left")?;
    let (mut named, mut passed) = (0, 0);
    let mut look = Look::new(store, clock::now()).await?;
    let mut tell = |heard: Heard<'_>| {
        let left_out = match heard {
            Heard::Found(found) => return look.take(found),
            Heard::LeftOut(left_out) => {
                named += 1;
                (named <= BAD_ENTRIES_SHOWN).then_some(left_out)
            }
            Heard::PassedBy(left_out) => {
                passed += 1;
                (passed <= BAD_ENTRIES_SHOWN).then_some(left_out)
            }
        };
        if let Some(left_out) = left_out {
            let line = say::printable(format!("{}, {left_out}", shown(&arguments.file)));
            progress.suspend(|| say::aside(&line));
        }
    };
    let gathered = importing::gather(store, data, reading, &progress, &mut tell).await;
    progress.finish_and_clear();
    if named > BAD_ENTRIES_SHOWN {
        say::aside(&format!("{}: {} more left out and not named", shown(&arguments.file), named - BAD_ENTRIES_SHOWN));
    }
    if passed > BAD_ENTRIES_SHOWN {
        say::aside(&format!(
            "{}: {} more seen and not taken, and not named; all of it: --dry-run",
            shown(&arguments.file),
            passed - BAD_ENTRIES_SHOWN
        ));
    }
    let mut gathered = match gathered {
        Ok(gathered) => gathered,
        Err((NotImported::File(error), beside)) => {
            done.read(beside);
            return Err(
                done.refuse(arguments.json, format!("{name}, read as {format}: {error}; nothing of it was imported"))
            );
        }
        Err((error @ (NotImported::Staged(_) | NotImported::Store(_)), _)) => return Err(error.into()),
    };
    if let Some(finished) = &gathered.finished {
        say::aside(&finished.to_string());
    }
    done.read(gathered.beside);
    (done.held, done.expired) = (look.held.count(), look.expired);
    done.repeated = gathered.repeated().await?;
    let Beside { left_out, clues, harmless, passed_over, words: spoken } = gathered.beside;
    let gathered_entries = gathered.found + clues;
    let is_empty = gathered_entries + harmless + passed_over + spoken == 0;
    if is_empty && !arguments.replace {
        let nothing = format!(
            "{name} holds no indicator that could be loaded; a plain list has one domain, address or network a line{}",
            rather_text(format, left_out, 0)
        );
        return Err(done.refuse(arguments.json, nothing));
    }
    if arguments.dry_run || arguments.replace {
        let would = gathered.would(&source).await?;
        let unsaid = if arguments.replace { would.unsaid } else { 0 };
        let gone = would.withdrawn.saturating_add(unsaid);
        if importing::is_too_much(&would, arguments.replace) && !arguments.allow_shrink {
            let kept = would.standing.saturating_sub(gone);
            let why = format!(
                "{source} says {kept} of what it said before and leaves out {gone}: nothing was imported or withdrawn. If that is meant: --replace --allow-shrink"
            );
            return Err(done.refuse(arguments.json, why));
        }
        done.changed(would.new, would.known, would.outdated, gone);
    }
    let refuted = gathered.refuted().await?;
    done.refuted = refuted.len() as u64;
    if !arguments.dry_run {
        let importing = deed("indicator import", On::Thing("indicators".to_owned())).becomes(words);
        store.note(&importing).await?;
        let found = gathered.found;
        let progress = bar(octets, found, "{wide_bar} {human_pos} of {human_len} taken in, {eta} left")?;
        let mut taken = |entries: u64| progress.set_position(entries);
        let imported = gathered.take_in(&source, arguments.replace, &[], clock::now(), &mut taken).await?;
        progress.finish_and_clear();
        let Imported { new, known, outdated, withdrawn } = imported;
        done.changed(new, known, outdated, withdrawn);
    }
    match arguments.json {
        true => say::result(&serde_json::to_string(&done)?)?,
        false => say::result(&in_a_sentence(&name, &done, entries))?,
    }
    look.say();
    held::say_refuted(&refuted);
    let named = done.new.saturating_add(done.known);
    let is_whole = done.refuted == 0 && look.expired == 0 && look.red == 0 && look.held.count() == 0;
    say::aside(match (done.dry_run, is_whole) {
        (true, _) => "Nothing was imported. To do so: the same without --dry-run",
        (false, true) => "Sensors get it with the next: varde-collector publish",
        (false, false) if look.free == 0 || done.refuted >= named => "Sensors get nothing of it.",
        (false, _) => "Sensors get the rest with the next: varde-collector publish",
    });
    let done = if done.dry_run { "good" } else { "imported" };
    match left_out {
        0 => Ok(()),
        left_out => Err(InPart(format!(
            "{left_out} {entries} of {name} were left out, the rest is {done}; correct those named above and import again{}",
            rather_text(format, left_out, gathered_entries)
        ))
        .into()),
    }
}

/// Shown in a terminal only; elsewhere it is silent by itself.
fn bar(octets: u64, length: u64, template: &str) -> anyhow::Result<ProgressBar> {
    Ok(match octets > PROGRESS_FROM_OCTETS {
        true => ProgressBar::new(length).with_style(ProgressStyle::with_template(template)?),
        false => ProgressBar::hidden(),
    })
}

fn in_a_sentence(name: &str, done: &Done, entries: &str) -> String {
    let mut summary = match done.dry_run {
        true => format!("{name}: {} would be new, {} are known already", done.new, done.known),
        false => format!("{name}: {} new, {} already known", done.new, done.known),
    };
    for (count, what) in [
        (done.repeated, "said twice".to_owned()),
        (done.outdated, "in versions older than what is known, which change nothing".to_owned()),
        (done.left_out, format!("{entries} left out")),
        (done.withdrawn, if done.dry_run { "would be withdrawn" } else { "withdrawn" }.to_owned()),
        (done.held, "held back by lint".to_owned()),
        (done.expired, "too old to be looked for".to_owned()),
        (done.refuted, "found to be false positives, not looked for".to_owned()),
        (done.clues, "that no sensor can look for, kept for people".to_owned()),
        (done.harmless, "that the source says are harmless, not looked for".to_owned()),
        (
            done.passed_over,
            match done.format == Format::Prose.as_str() {
                true => "seen in the text and not taken".to_owned(),
                false => "meant for people to read, passed over".to_owned(),
            },
        ),
    ] {
        if count > 0 {
            summary.push_str(&format!(", {count} {what}"));
        }
    }
    summary
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

#[cfg(test)]
mod tests;
