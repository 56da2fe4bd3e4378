//! `varde-collector member import` and `export`: many members at once, as a spreadsheet has them.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use varde_common::time::Timestamp;

use super::member_set::{tell, tell_overlaps};
use super::noted::{deed, reading};
use super::{listing, say};
use crate::audit::On;
use crate::io::{clock, directory};
use crate::limits::MEMBERS_FILE_MAX_OCTETS;
use crate::profile::Wanted;
use crate::roster::{self, Remark, Roster};
use crate::store::profile::{Became, NotWritten, in_words};
use crate::store::{Scope, Store};

const IMPORT_HELP: &str = "\
Columns: nummer, navn, målform, digitalsikkerhetsloven, leverandørnett, domener, nett, and for each of it, sikkerhet, vakt,
ledelse and personvern: _navn, _telefon, _vakttelefon, _epost, _bekreftet. Only nummer must be there; a column that is missing
changes nothing, an empty cell empties what was known. Separated by semicolons, UTF-8; begin with: member export.
A line that names a member by an old number of its own is that member's, which is told; one that names a member by the number of one
that became part of it is wrong: what stands there is not that member's.
All lines or none: where anything is wrong nothing is written, and everything wrong is told by line. Members that are not in
the file stay as they are.
Keys with --json, one object a line: line, number, former (the old number that stood there, or null), name, added, changed [what]; of what is wrong: line, column, wrong; of what
was read otherwise than it stands: line, column, noted.";

/// Arguments of `member import`.
#[derive(Debug, Args)]
#[command(after_help = IMPORT_HELP)]
pub struct ImportArguments {
    /// The file; - reads standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Say what would come of it and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `member export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The file to write, readable by its owner alone; without it everything goes to standard output.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// One JSON object a line, with the keys of: member show --json, as far as they are in a file.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Wrong<'a> {
    line: u64,
    column: Option<&'a str>,
    wrong: &'a str,
}

#[derive(Serialize)]
struct Noted<'a> {
    line: u64,
    column: Option<&'a str>,
    noted: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    #[serde(flatten)]
    became: &'a Became,
}

fn read_file(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file != Path::new("-") {
        return Ok(directory::read(file, MEMBERS_FILE_MAX_OCTETS)?);
    }
    let mut octets = Vec::new();
    std::io::stdin()
        .lock()
        .take(MEMBERS_FILE_MAX_OCTETS + 1)
        .read_to_end(&mut octets)
        .context("cannot read standard input")?;
    if octets.len() as u64 > MEMBERS_FILE_MAX_OCTETS {
        bail!("standard input has more than {MEMBERS_FILE_MAX_OCTETS} bytes; no file of members has")
    }
    Ok(octets)
}

/// Tells what was read otherwise than it stands in the file.
fn note(remark: &Remark, json: bool) -> anyhow::Result<()> {
    if !json {
        say::aside(&remark.to_string());
        return Ok(());
    }
    let Remark { line, column, why } = remark;
    say::result(&serde_json::to_string(&Noted { line: *line, column: column.as_deref(), noted: why })?)
}

/// Writes what a file says once the audit has it.
async fn write(
    store: &Store,
    file: &Path,
    wanted: &[Wanted],
    dry_run: bool,
    now: Timestamp,
) -> Result<Vec<Became>, (Option<usize>, NotWritten)> {
    let tried = store.write_members(wanted, true, now).await?;
    if dry_run {
        return Ok(tried);
    }
    let numbers = tried.iter().filter(|became| became.added || !became.changed.is_empty());
    let importing = deed("member import", On::Thing(format!("members in {}", file.display())))
        .becomes(in_words(&tried))
        .concerns(numbers.map(|became| became.number.clone()));
    store.noting(importing).write_members(wanted, false, now).await
}

/// Runs `member import`.
///
/// # Errors
/// Why nothing was written.
pub async fn import(store: &Store, arguments: &ImportArguments) -> anyhow::Result<()> {
    let ImportArguments { file, dry_run, json } = arguments;
    let now = clock::now();
    let Roster { lines, mut wrong, noted } = roster::read(&read_file(file)?, now);
    noted.iter().try_for_each(|remark| note(remark, *json))?;
    let (numbers, wanted): (Vec<u64>, Vec<_>) = lines.into_iter().unzip();
    let mut became = Vec::new();
    if wrong.is_empty() {
        match write(store, file, &wanted, *dry_run, now).await {
            Ok(done) => became = done,
            Err((Some(place), why)) => {
                let line = numbers.get(place).copied().unwrap_or(1);
                wrong.push(Remark { line, column: None, why: why.to_string() });
            }
            Err((None, why)) => return Err(why.into()),
        }
    }
    for remark in &wrong {
        if *json {
            let Remark { line, column, why } = remark;
            say::result(&serde_json::to_string(&Wrong { line: *line, column: column.as_deref(), wrong: why })?)?;
        } else {
            say::aside(&remark.to_string());
        }
    }
    if !wrong.is_empty() {
        bail!(
            "nothing was written: {} wrong in {}; mend {} and import the file again",
            if wrong.len() == 1 { "1 thing is".to_owned() } else { format!("{} things are", wrong.len()) },
            file.display(),
            if wrong.len() == 1 { "it" } else { "them" }
        )
    }
    for (line, became) in numbers.into_iter().zip(&became) {
        if let Some(former) = &became.former {
            let why = format!("{former} is {} ({}) now, and the line is read as its own", became.name, became.number);
            note(&Remark { line, column: Some("nummer".to_owned()), why }, *json)?;
        }
        if *json {
            say::result(&serde_json::to_string(&Line { line, became })?)?;
        } else {
            tell(became, false)?;
        }
    }
    if !dry_run {
        let own = |became: &&Became| became.changed.iter().any(|part| part == "domains" || part == "networks");
        for became in became.iter().filter(own) {
            if let Some(member) = store.member_by_number(Scope::Operator, &became.number.parse()?).await? {
                tell_overlaps(store, member.id).await?;
            }
        }
    }
    if !json {
        let new = became.iter().filter(|became| became.added).count();
        let changed = became.iter().filter(|became| !became.added && !became.changed.is_empty()).count();
        let written = if *dry_run { "Nothing was written (--dry-run). It would be" } else { "Written:" };
        say::aside(&format!("{written} {new} new, {changed} changed, {} as they were.", became.len() - new - changed));
    }
    Ok(())
}

/// Runs `member export`.
///
/// # Errors
/// Why nothing was written.
pub async fn export(store: &Store, arguments: &ExportArguments) -> anyhow::Result<()> {
    let ExportArguments { file, json } = arguments;
    let mut members = Vec::new();
    for member in store.member_rows(Scope::Operator).await? {
        let profile = store.profile(Scope::Operator, member.id).await?;
        members.extend(profile.map(|profile| (member, profile)));
    }
    let text = if *json {
        let mut text = String::new();
        for (member, profile) in &members {
            let mut line = serde_json::to_value(member)?;
            let profile = serde_json::to_value(profile)?;
            if let (Some(line), Some(profile)) = (line.as_object_mut(), profile.as_object()) {
                line.extend(profile.clone());
            }
            text.push_str(&format!("{line}\n"));
        }
        text
    } else {
        let rows = members.iter().map(|(member, profile)| (member.number.as_str(), member.name.as_str(), profile));
        roster::write(rows).map_err(|error| anyhow::anyhow!("cannot put the file together: {error}"))?
    };
    let giving = deed("member export", On::Everybody)
        .becomes(format!("profiles of {} members shown, with names and telephone numbers", members.len()));
    reading(store, giving).await?;
    let Some(file) = file else { return listing::print(&text).map(|_| ()) };
    directory::write_private(file, text.as_bytes())?;
    say::result(&format!(
        "Wrote {} members to {}. It holds names and telephone numbers: keep it as such.",
        members.len(),
        file.display()
    ))
}
