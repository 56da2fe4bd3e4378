//! What becomes of a text that comes with a mail: prose is searched, a plain list is read line by line, and what has a reader of its
//! own is named and not searched, for only that reader knows what is revoked in it, let through, harmless or marked.

use serde::de::IgnoredAny;

use super::super::value::{self, Names};
use super::super::{Format, no_feed, plain};
use super::{html, is_mail};

/// Of a text as much is looked at to know what it is.
const HEAD_OCTETS: usize = 1 << 16;
/// What looks like a block of JSON is taken out of a text so often; of one with more the rest is not read.
const BLOCKS_MAX: usize = 64;

/// What a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Is {
    /// Somebody's words.
    Text(String),
    /// One value a line.
    List(String),
    /// A mail.
    Mail,
    /// For a reader of its own; what it is, and what to do.
    Other(&'static str),
}

const STIX: &str = "it is a STIX bundle: save it and import that file";
const MISP: &str = "it is an event of MISP: save it and import that file";
const JSON: &str = "it is JSON of another kind than STIX and MISP: save it and import that file, which says what to do";
const TABLE: &str = "it is a table (CSV): save it and import that file";
const XML: &str =
    "it is XML, which has no reader here; save what is meant in it as CSV or as a plain list, and import that";

/// What something attached is.
pub(super) fn of_attachment(text: &str) -> Is {
    let head = head(text);
    let begins = head.trim_start_matches('\u{feff}').trim_start();
    if no_feed::is_page(begins) {
        return Is::Text(html::text_of(text));
    }
    if begins.starts_with("<?xml") || begins.starts_with("<stix:") || begins.starts_with("<ioc") {
        return Is::Other(XML);
    }
    if is_mail(begins) {
        return Is::Mail;
    }
    match of_its_own(head) {
        Some(what) => Is::Other(what),
        None if is_list(text) => Is::List(text.to_owned()),
        None => Is::Text(text.to_owned()),
    }
}

/// What the words of a mail itself are. A list may stand there too; but words with a comma in each line are no table.
pub(super) fn of_body(text: &str) -> Is {
    match of_its_own(head(text)) {
        Some(TABLE) if is_words(text) => Is::Text(text.to_owned()),
        Some(what) => Is::Other(what),
        None => Is::Text(text.to_owned()),
    }
}

/// Whether what may be a table by its commas is somebody's words rather.
fn is_words(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let is_header = |between: char| {
        let cells: Vec<String> =
            first.split(between).map(|cell| cell.trim().trim_matches('"').to_lowercase()).collect();
        let (rows, alike) = lines.clone().take(ROWS_HELD_AGAINST).fold((0, 0), |(rows, alike), line| {
            (rows + 1, alike + usize::from(line.split(between).count() == cells.len()))
        });
        cells.len() >= 2 && alike * 2 > rows && cells.iter().any(|cell| COLUMNS.contains(&cell.as_str()))
    };
    if [',', ';', '\t', '|'].into_iter().any(is_header) {
        return false;
    }
    let (commas, spaced) = (text.matches(',').count(), text.matches(", ").count() + text.matches(",\n").count());
    lines.count() < 2 || spaced * 2 > commas || commas == 0
}

/// What the first line of a table calls its columns: one of these at least. A word of a sentence is none.
const COLUMNS: [&str; 24] = [
    "indicator",
    "indikator",
    "ioc",
    "ioc_value",
    "value",
    "verdi",
    "domain",
    "domene",
    "host",
    "hostname",
    "fqdn",
    "ip",
    "ip-adresse",
    "ip_address",
    "address",
    "adresse",
    "dst_ip",
    "url",
    "type",
    "tlp",
    "merking",
    "marking",
    "port",
    "threat",
];
/// So many rows are held against the first line.
const ROWS_HELD_AGAINST: usize = 20;

fn head(text: &str) -> &str {
    let mut most = text.len().min(HEAD_OCTETS);
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    text.get(..most).unwrap_or_default()
}

/// What to do with what has a reader of its own.
fn of_its_own(head: &str) -> Option<&'static str> {
    if no_feed::is_json(head) {
        return Some(json(head));
    }
    match Format::detect(head.as_bytes()) {
        Format::Plain | Format::Prose => None,
        Format::Stix => Some(STIX),
        Format::Misp => Some(MISP),
        Format::Zeek => Some("it is an intelligence file of Zeek: save it and import that file"),
        Format::Rpz => Some("it is a response policy zone (RPZ): save it and import that file"),
        Format::Suricata => Some("it is a dataset or a rule of Suricata: save it and import that file"),
        Format::Hosts => Some("it is a hosts file: save it and import that file"),
        Format::Csv | Format::Urlhaus | Format::Threatfox | Format::Feodo => Some(TABLE),
    }
}

fn json(head: &str) -> &'static str {
    match Format::detect(head.as_bytes()) {
        Format::Stix => STIX,
        Format::Misp => MISP,
        Format::Plain
        | Format::Zeek
        | Format::Rpz
        | Format::Suricata
        | Format::Hosts
        | Format::Csv
        | Format::Urlhaus
        | Format::Threatfox
        | Format::Feodo
        | Format::Prose => JSON,
    }
}

/// Whether most of its lines are values and nothing else.
fn is_list(text: &str) -> bool {
    if Format::detect(head(text).as_bytes()) != Format::Plain {
        return false;
    }
    let (mut values, mut entries) = (0_usize, 0_usize);
    for line in text.split(['\n', '\r']) {
        let Ok(entry) = plain::entry_of(line.as_bytes()) else { continue };
        if !entry.is_empty() {
            entries += 1;
            values += usize::from(entry.contains(['.', ':']) && value::read(entry, Names::Domain).is_ok());
        }
    }
    values * 2 > entries
}

/// What stands in what an importer of its own reads.
const KNOWN: [&str; 6] = ["\"spec_version\"", "\"objects\"", "\"pattern\"", "\"Attribute\"", "\"to_ids\"", "\"type\""];

/// A text without the blocks of JSON in it that an importer of its own would read; with what each of them is.
pub(super) fn without_blocks(text: &str) -> (String, Vec<&'static str>) {
    let (mut kept, mut blocks) = (String::new(), Vec::new());
    let mut rest = text;
    // What looks like one is read once each time: no text has as many.
    for _ in 0..BLOCKS_MAX {
        let Some(at) = begun(rest) else {
            kept.push_str(rest);
            return (kept, blocks);
        };
        let (before, block) = rest.split_at(at);
        kept.push_str(before);
        let mut values = serde_json::Deserializer::from_str(block).into_iter::<IgnoredAny>();
        let is_whole = values.next().is_some_and(|value| value.is_ok());
        // One that is cut, or broken over lines, has no end that could be known.
        let end = if is_whole { values.byte_offset() } else { block.len() };
        let (within, behind) = block.split_at_checked(end).unwrap_or((block, ""));
        let found = head(within);
        if KNOWN.iter().any(|name| found.contains(name)) {
            blocks.push(json(found));
            // Lines are counted as they stand.
            kept.extend(within.chars().filter(|character| *character == '\n'));
            rest = behind;
        } else {
            let (line, behind) = block.split_at(block.find('\n').map_or(block.len(), |end| end + 1));
            kept.push_str(line);
            rest = behind;
        }
    }
    if !rest.trim().is_empty() {
        blocks
            .push("there are more blocks of JSON in it than are taken apart; what stands behind them is not searched");
    }
    (kept, blocks)
}

/// Where the first line begins that begins JSON.
fn begun(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begins = line.trim_start();
        if begins.starts_with(['{', '[']) && no_feed::is_json(head(text.get(at..).unwrap_or_default())) {
            return Some(at);
        }
        at += line.len();
    }
    None
}
