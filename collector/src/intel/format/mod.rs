//! Formats in which intelligence comes: each read entry by entry, without ever being in memory as a whole.

mod detect;
mod hosts;
mod lines;
mod loose;
mod marked;
pub(in crate::intel) mod marking;
mod misp;
pub mod no_feed;
mod plain;
pub mod prose;
mod rpz;
mod stix;
mod suricata;
mod table;
mod value;
mod zeek;

pub(in crate::intel) mod json;

use std::fmt;
use std::io::{BufRead, Seek};
use std::ops::ControlFlow;
use std::str::FromStr;

use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::canonical::Found;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One indicator a line, # begins a comment.
    Plain,
    /// STIX 2.1 bundles and what TAXII servers answer.
    Stix,
    /// MISP events.
    Misp,
    /// Zeek's intelligence files.
    Zeek,
    /// Response policy zones.
    Rpz,
    /// Suricata's datasets.
    Suricata,
    /// Hosts files.
    Hosts,
    /// Any table of comma-separated values.
    Csv,
    /// URLhaus' table.
    Urlhaus,
    /// ThreatFox' table.
    Threatfox,
    /// Feodo Tracker's table.
    Feodo,
    /// A pasted text, a mail, a PDF.
    Prose,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 12] = [
        Format::Plain,
        Format::Stix,
        Format::Misp,
        Format::Zeek,
        Format::Rpz,
        Format::Suricata,
        Format::Hosts,
        Format::Csv,
        Format::Urlhaus,
        Format::Threatfox,
        Format::Feodo,
        Format::Prose,
    ];

    /// What the command line calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Plain => "plain",
            Format::Stix => "stix",
            Format::Misp => "misp",
            Format::Zeek => "zeek",
            Format::Rpz => "rpz",
            Format::Suricata => "suricata",
            Format::Hosts => "hosts",
            Format::Csv => "csv",
            Format::Urlhaus => "urlhaus",
            Format::Threatfox => "threatfox",
            Format::Feodo => "feodo",
            Format::Prose => "prose",
        }
    }

    /// Whether people speak of its lines rather than of its objects.
    pub fn has_lines(self) -> bool {
        !matches!(self, Format::Stix | Format::Misp)
    }

    /// Which one a file is, by its first octets; plain where nothing says otherwise.
    pub fn detect(head: &[u8]) -> Format {
        detect::format_of(head)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let names = || Format::ALL.map(Format::as_str).join(", ");
        let found = Format::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| format!("\"{text}\" is no format; there are auto, {}", names()))
    }
}

/// How tables are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The column with the value: its number, from 1, or its name.
    pub column: Option<String>,
    /// What stands between columns; none = found out.
    pub delimiter: Option<u8>,
    /// Lines that are passed over.
    pub exclude: Option<regex::Regex>,
}

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// An object by the source's own name.
    Object(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Object(id) => write!(f, "object {id}"),
        }
    }
}

/// An entry left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: \"{text}\" {why}")]
pub struct LeftOut {
    /// Where it stands.
    pub place: Place,
    /// It, cut and with odd characters escaped.
    pub text: String,
    /// Why, and what would be right: `is not imported: …`.
    pub why: String,
}

/// What is said of something that no sensor can look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clue {
    /// The object that says it; empty in a list without names.
    pub object_id: String,
    /// What it is, in the source's word: `sha256`, `path`, `email`.
    pub kind: String,
    /// It.
    pub value: String,
    /// How far it may be shared.
    pub tlp: Option<Tlp>,
}

/// What a source takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// The object.
    pub object_id: String,
    /// Its version that says so.
    pub modified: Option<Timestamp>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An indicator.
    Found(Place, Box<Found>),
    /// An object says nothing any more.
    Withdrawn(Withdrawn),
    /// This version of an object names no indicator; what an older one named does not stand. Told beside what else it is.
    Silent(Withdrawn),
    /// An indicator that its source says is harmless.
    Harmless(Place, Box<Found>),
    /// No sensor can look for it.
    Clue(Clue),
    /// The source means it for people to read.
    PassedOver,
    /// Seen in a text and not taken, and why; with the marking of the text.
    PassedBy(LeftOut, Option<Tlp>),
    /// What cannot be taken in.
    LeftOut(LeftOut),
}

/// Why no more of a file can be read; what came before has been told.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// The system's word.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is not of this format.
    #[error("{0}")]
    Format(String),
}

/// What a file is read from.
pub trait Input: BufRead + Seek {}

impl<T: BufRead + Seek> Input for T {}

/// Tells `take` every entry, until it has had enough.
///
/// # Errors
/// [`BadFile`].
pub fn read(
    format: Format,
    options: &Options,
    input: &mut dyn Input,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    match format {
        Format::Plain => plain::read(input, take),
        Format::Stix => stix::read(input, take),
        Format::Misp => misp::read(input, take),
        Format::Zeek => zeek::read(input, take),
        Format::Rpz => rpz::read(input, take),
        Format::Suricata => suricata::read(input, take),
        Format::Hosts => hosts::read(input, take),
        Format::Csv => table::read(table::Table::Any, options, input, take),
        Format::Urlhaus => table::read(table::Table::Urlhaus, options, input, take),
        Format::Threatfox => table::read(table::Table::Threatfox, options, input, take),
        Format::Feodo => table::read(table::Table::Feodo, options, input, take),
        // Who has a process to give for mails and PDFs asks `prose` itself.
        Format::Prose => {
            prose::read(input, &|_| Err("it is a mail or a PDF, which nothing here takes apart".to_owned()), take)
        }
    }
}

/// A file's own word as a sentence may quote it: cut, and nothing in it that a terminal obeys.
pub fn shown_word(text: &str) -> String {
    lines::word(text)
}

/// The threat that a machine tag names by a cluster of a galaxy: `misp-galaxy:threat-actor="APT29"`.
pub fn threat_of_tag(tag: &str) -> Option<String> {
    marked::threat(tag.trim()).map(|(_, name)| name)
}

/// ATT&CK techniques in labels such as `misp-galaxy:mitre-attack-pattern="Phishing - T1566"`.
fn techniques(labels: &[String]) -> Vec<String> {
    let of_attack = labels.iter().filter(|label| label.contains("attack-pattern"));
    let words = of_attack.flat_map(|label| label.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')));
    let is_technique = |word: &&str| {
        let (number, sub) = word.split_once('.').unwrap_or((word, "000"));
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
        number.strip_prefix('T').is_some_and(|number| digits(number, 4)) && digits(sub, 3)
    };
    words.filter(is_technique).map(str::to_owned).collect()
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod tests;
