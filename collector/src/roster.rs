//! Members as a spreadsheet has them: one line each, separated by semicolons, UTF-8 with a byte order mark, as Norwegian Excel
//! reads and writes it. What is wrong is told line by line, with what would be right.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use crate::day;
use crate::limits::{CELL_COMPLAINTS_MAX, MEMBER_TEXT_MAX_CHARACTERS, MEMBERS_MAX};
use crate::profile::{self, Contact, Edit, Language, Profile, Role, Telephone, Wanted};

/// How UTF-8 begins where Excel writes it, and where it reads it as such.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// A cell that begins so is a formula to a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// The longest that a cell, or a word of one that has several, can be: a domain in full, with a dot behind it.
const WORD_MAX_CHARACTERS: usize = 254;
/// The columns of a member itself; each role has five more.
const PLAIN: [&str; 7] = ["nummer", "navn", "målform", "digitalsikkerhetsloven", "leverandørnett", "domener", "nett"];
/// What is known of whoever has a role.
const OF_ROLE: [&str; 5] = ["navn", "telefon", "vakttelefon", "epost", "bekreftet"];

/// The word of a role in a column's name.
fn role_word(role: Role) -> &'static str {
    match role {
        Role::It => "it",
        Role::Security => "sikkerhet",
        Role::OnCall => "vakt",
        Role::Management => "ledelse",
        Role::Privacy => "personvern",
    }
}

/// Every column, in order.
pub fn columns() -> Vec<String> {
    let of_roles = Role::ALL.into_iter().flat_map(|role| OF_ROLE.map(|part| format!("{}_{part}", role_word(role))));
    PLAIN.into_iter().map(str::to_owned).chain(of_roles).collect()
}

/// Something wrong, or worth a look, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Line of the file, from 1.
    pub line: u64,
    /// Column, where it is about one.
    pub column: Option<String>,
    /// What is wrong and what would be right.
    pub why: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Remark { line, column, why } = self;
        match column {
            Some(column) => write!(f, "line {line}, {column}: {why}"),
            None => write!(f, "line {line}: {why}"),
        }
    }
}

/// A file, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// What each line asks for, with its number.
    pub lines: Vec<(u64, Wanted)>,
    /// What is wrong; nothing may be written where anything is.
    pub wrong: Vec<Remark>,
    /// What was read otherwise than it stands there.
    pub noted: Vec<Remark>,
}

/// Reads a file.
pub fn read(octets: &[u8], now: Timestamp) -> Roster {
    let mut roster = Roster::default();
    let Ok(text) = std::str::from_utf8(octets) else {
        let why = "the file is not UTF-8; in Excel choose \"Save as\" and the type \"CSV UTF-8\"";
        roster.wrong.push(Remark { line: 1, column: None, why: why.to_owned() });
        return roster;
    };
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let (said, text) = said_delimiter(text);
    let first_line = if said.is_some() { 2 } else { 1 };
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if let Some(said) = said {
        said
    } else if first.contains(';') || !first.contains([',', '\t']) {
        b';'
    } else if first.contains('\t') {
        b'\t'
    } else {
        b','
    };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let heads = match reader.headers() {
        Ok(heads) => read_heads(heads, first_line, &mut roster.wrong),
        Err(error) => {
            roster.wrong.push(Remark { line: first_line, column: None, why: error.to_string() });
            return roster;
        }
    };
    if !roster.wrong.is_empty() {
        return roster;
    }
    let mut seen: BTreeMap<MemberNumber, u64> = BTreeMap::new();
    let mut place = Place { text, byte: 0, line: first_line };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = place.line_of(error.position());
                roster.wrong.push(Remark { line, column: None, why: error.to_string() });
                continue;
            }
        };
        let line = place.line_of(record.position());
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if roster.lines.len() >= MEMBERS_MAX {
            let why = format!("there are at most {MEMBERS_MAX} members in a file");
            roster.wrong.push(Remark { line, column: None, why });
            break;
        }
        let mut cells = Cells { line, heads: &heads, record: &record, wrong: Vec::new(), noted: Vec::new() };
        let wanted = read_line(&mut cells, now);
        if let Some(wanted) = &wanted
            && let Some(before) = seen.insert(wanted.number.clone(), line)
        {
            cells.complain("nummer", format!("{} stands in line {before} already", wanted.number));
        }
        roster.wrong.append(&mut cells.wrong);
        roster.noted.append(&mut cells.noted);
        roster.lines.extend(wanted.map(|wanted| (line, wanted)));
    }
    roster
}

/// Where a reader has come to: it counts lines from the end of the one before, which two octets end.
struct Place<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
}

impl Place<'_> {
    /// The line on which something begins that was found from here on.
    fn line_of(&mut self, position: Option<&csv::Position>) -> u64 {
        let octets = self.text.as_bytes();
        let from = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.byte);
        let ended =
            octets.get(from..).unwrap_or_default().iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        let to = from.saturating_add(ended).max(self.byte);
        let passed = octets.get(self.byte..to).unwrap_or_default();
        self.line += passed.iter().filter(|octet| **octet == b'\n').count() as u64;
        self.byte = to;
        self.line
    }
}

/// A first line by which Excel is told how cells are separated (`sep=;`), and the rest.
fn said_delimiter(text: &str) -> (Option<u8>, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim_end_matches('\r').to_lowercase().strip_prefix("sep=").map(str::as_bytes) {
        Some(&[said]) => (Some(said), rest),
        Some(_) | None => (None, text),
    }
}

/// What stands in a file, as far as it is shown where it is wrong.
fn cut(text: &str) -> String {
    if text.chars().count() <= MEMBER_TEXT_MAX_CHARACTERS {
        return text.to_owned();
    }
    text.chars().take(MEMBER_TEXT_MAX_CHARACTERS).chain(['…']).collect()
}

fn read_heads(record: &StringRecord, line: u64, wrong: &mut Vec<Remark>) -> Vec<String> {
    let known = columns();
    let heads: Vec<String> = record.iter().map(|head| head.trim().to_lowercase()).collect();
    let mut complain = |column: &str, why: String| {
        if wrong.len() < CELL_COMPLAINTS_MAX {
            wrong.push(Remark { line, column: Some(cut(column)), why });
        }
    };
    let mut seen = BTreeSet::new();
    for head in heads.iter().filter(|head| !head.is_empty()) {
        if !known.contains(head) {
            complain(head, format!("there is no such column; there are {}", known.join(", ")));
        } else if !seen.insert(head) {
            complain(head, "this column stands twice".to_owned());
        }
    }
    if !heads.iter().any(|head| head == "nummer") {
        let why = "this column is missing; begin with a file from: varde-collector member export";
        complain("nummer", why.to_owned());
    }
    heads
}

/// The cells of one line, by their columns' names.
struct Cells<'a> {
    line: u64,
    heads: &'a [String],
    record: &'a StringRecord,
    wrong: Vec<Remark>,
    noted: Vec<Remark>,
}

impl Cells<'_> {
    /// What stands in a column; none where the file has no such column.
    fn cell(&self, column: &str) -> Option<String> {
        let place = self.heads.iter().position(|head| head == column)?;
        let cell = self.record.get(place).unwrap_or_default().trim();
        // As it is written against formulas.
        let bare = cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell);
        Some(bare.to_owned())
    }

    fn complain(&mut self, column: &str, why: String) {
        self.wrong.push(Remark { line: self.line, column: Some(column.to_owned()), why });
    }

    /// Whether a word is as long as anything that is kept; what is not is told without all of it.
    fn is_short(&mut self, column: &str, word: &str) -> bool {
        let short = word.chars().nth(WORD_MAX_CHARACTERS).is_none();
        if !short {
            let why = format!(
                "\"{}\" is longer than anything that is kept here; write {WORD_MAX_CHARACTERS} characters at most",
                cut(word)
            );
            self.complain(column, why);
        }
        short
    }

    /// A cell as something; `None` where there is no such column or it is wrong, `Some(None)` where it is empty.
    fn read<T, E: std::fmt::Display>(
        &mut self,
        column: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        let cell = self.cell(column)?;
        if cell.is_empty() {
            return Some(None);
        }
        if !self.is_short(column, &cell) {
            return None;
        }
        match read(&cell) {
            Ok(value) => Some(Some(value)),
            Err(why) => {
                self.complain(column, why.to_string());
                None
            }
        }
    }

    /// A cell of several, by commas or spaces.
    fn several<T, E: std::fmt::Display>(
        &mut self,
        column: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let cell = self.cell(column)?;
        let mut all = Vec::new();
        let before = self.wrong.len();
        for word in cell.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
            if self.wrong.len() >= before.saturating_add(CELL_COMPLAINTS_MAX) {
                self.complain(column, "there is more wrong in this cell".to_owned());
                break;
            }
            if !self.is_short(column, word) {
                continue;
            }
            match read(word) {
                Ok(one) => all.push(one),
                Err(why) => self.complain(column, why.to_string()),
            }
        }
        (self.wrong.len() == before).then_some(all)
    }
}

/// A spreadsheet takes leading zeros away.
fn with_zero(text: &str) -> Option<String> {
    let bare = matches!(text.len(), 1 | 3) && text.bytes().all(|byte| byte.is_ascii_digit());
    bare.then(|| format!("0{text}"))
}

fn read_line(cells: &mut Cells<'_>, now: Timestamp) -> Option<Wanted> {
    let before = cells.wrong.len();
    let written = cells.cell("nummer").unwrap_or_default();
    if let Some(number) = with_zero(&written) {
        let why = format!("{written} was read as {number}: spreadsheets take leading zeros away");
        cells.noted.push(Remark { line: cells.line, column: Some("nummer".to_owned()), why });
    }
    let number =
        cells.read("nummer", |text| with_zero(text).unwrap_or_else(|| text.to_owned()).parse::<MemberNumber>());
    if number == Some(None) {
        cells.complain("nummer", "every line names its member by number".to_owned());
    }
    let name = cells.read("navn", profile::line).flatten();
    let mut edits = Vec::new();
    let language = |text: &str| Language::of(text).ok_or("write bokmål, nynorsk or nøytral");
    edits.extend(cells.read("målform", language).map(|language| Edit::Language(language.unwrap_or_default())));
    let covered = |text: &str| match text.to_lowercase().as_str() {
        "ja" | "yes" => Ok(true),
        "nei" | "no" => Ok(false),
        _ => Err("write ja or nei, or leave it empty where it is not known"),
    };
    edits.extend(cells.read("digitalsikkerhetsloven", covered).map(Edit::Covered));
    edits.extend(cells.read("leverandørnett", profile::line).map(Edit::Supplier));
    edits.extend(cells.several("domener", profile::domain).map(Edit::Domains));
    edits.extend(cells.several("nett", profile::network).map(Edit::Networks));
    for role in Role::ALL {
        edits.extend(read_contact(cells, role, now));
    }
    let number = number.flatten()?;
    (cells.wrong.len() == before).then_some(Wanted { number, name, edits })
}

fn read_contact(cells: &mut Cells<'_>, role: Role, now: Timestamp) -> Option<Edit> {
    let word = role_word(role);
    let column = |part: &str| format!("{word}_{part}");
    let there = OF_ROLE.map(|part| cells.cell(&column(part)));
    // A file without these columns says nothing of this role.
    if there.iter().all(Option::is_none) {
        return None;
    }
    if there.iter().flatten().all(String::is_empty) {
        return Some(Edit::NoContact(role));
    }
    let before = cells.wrong.len();
    let telephone = |text: &str| text.parse::<Telephone>();
    let name = cells.read(&column("navn"), profile::line).flatten();
    let contact = Contact {
        name: name.unwrap_or_default(),
        telephone: cells.read(&column("telefon"), telephone).flatten(),
        out_of_hours: cells.read(&column("vakttelefon"), telephone).flatten(),
        email: cells.read(&column("epost"), profile::email).flatten(),
        confirmed_at: cells.read(&column("bekreftet"), |text| date(text, now)).flatten(),
    };
    if contact.name.is_empty() && cells.wrong.len() == before {
        cells.complain(&column("navn"), "whoever is to be called has a name".to_owned());
    }
    (cells.wrong.len() == before).then_some(Edit::Contact(role, contact))
}

/// Text that is no day of the past.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDate {
    /// No day.
    #[error("\"{0}\" is no day; write it as 21.11.2026 or 2026-11-21")]
    Form(String),
    /// One that has not been.
    #[error("\"{0}\" has not been yet")]
    Ahead(String),
}

/// A day as it is written in Norway or by ISO 8601: its beginning, UTC. Only one that has been, or is, in Norway.
///
/// # Errors
/// [`BadDate`].
pub fn date(text: &str, now: Timestamp) -> Result<Timestamp, BadDate> {
    let bad = || BadDate::Form(text.to_owned());
    let norwegian = || {
        let mut parts = text.split('.');
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && year.len() == 4;
        whole.then(|| format!("{year}-{month:0>2}-{day:0>2}"))
    };
    let iso = norwegian().unwrap_or_else(|| text.to_owned());
    let day = Some(iso).filter(|iso| iso.len() == 10).ok_or_else(bad)?;
    let at: Timestamp = format!("{day}T00:00:00Z").parse().map_err(|_| bad())?;
    if at > day::of(now) { Err(BadDate::Ahead(text.to_owned())) } else { Ok(at) }
}

/// A day as ISO 8601 writes it.
pub fn written(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn guarded(cell: String) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell }
}

/// A member's line.
fn cells(number: &str, name: &str, profile: &Profile) -> Vec<String> {
    let Profile { language, covered, supplier, domains, networks, contacts } = profile;
    let covered = covered.map_or("", |covered| if covered { "ja" } else { "nei" });
    let mut line = vec![
        number.to_owned(),
        name.to_owned(),
        language.norwegian().to_owned(),
        covered.to_owned(),
        supplier.clone().unwrap_or_default(),
        domains.iter().cloned().collect::<Vec<_>>().join(", "),
        networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    ];
    // A plus sign would begin a formula, and 00 would be taken away: with a space in it the number is text.
    let telephone = |number: &Option<Telephone>| {
        let shown = number.as_ref().map(ToString::to_string).unwrap_or_default();
        shown.strip_prefix('+').map_or(shown.clone(), |abroad| format!("00 {abroad}"))
    };
    for role in Role::ALL {
        let Contact { name, telephone: by_day, out_of_hours, email, confirmed_at } =
            contacts.get(&role).cloned().unwrap_or_default();
        line.extend([
            name,
            telephone(&by_day),
            telephone(&out_of_hours),
            email.unwrap_or_default(),
            confirmed_at.map(written).unwrap_or_default(),
        ]);
    }
    line.into_iter().map(guarded).collect()
}

/// Members as a file.
///
/// # Errors
/// The writer's own; none where it writes to memory.
pub fn write<'a>(
    members: impl IntoIterator<Item = (&'a str, &'a str, &'a Profile)>,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = WriterBuilder::new().delimiter(b';').terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(columns())?;
    for (number, name, profile) in members {
        writer.write_record(cells(number, name, profile))?;
    }
    Ok(format!("{BYTE_ORDER_MARK}{}", String::from_utf8(writer.into_inner()?)?))
}

#[cfg(test)]
mod tests;
