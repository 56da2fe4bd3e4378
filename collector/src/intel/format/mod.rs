//! Formats in which intelligence comes: each read entry by entry, without ever being in memory as a whole.

mod plain;

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
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 1] = [Format::Plain];

    /// What the command line calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Plain => "plain",
        }
    }

    /// Which one a file is, by its first octets and its name; plain where nothing says otherwise.
    pub fn detect(_head: &[u8], _name: &str) -> Format {
        Format::Plain
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
    /// No sensor can look for it.
    Clue(Clue),
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
    input: &mut dyn Input,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    match format {
        Format::Plain => plain::read(input, take),
    }
}
