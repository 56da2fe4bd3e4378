//! Tables of comma-separated values: any, by the column that is named, and those of URLhaus, ThreatFox and Feodo Tracker by the
//! names of their columns, wherever these stand. A name stands for itself and all below it, unless its column says host, or it is
//! a victim's.

use std::ops::ControlFlow;

use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, Options, Place, lines};
use crate::intel::canonical::{About, Details, Found, Object};
use crate::limits::FEED_LINE_MAX_OCTETS;

/// Whose table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Any,
    Urlhaus,
    Threatfox,
    Feodo,
}

/// What a column with the value may be called in a table that nobody has described.
const VALUES: [&str; 15] = [
    "value",
    "indicator",
    "ioc",
    "ioc_value",
    "domain",
    "hostname",
    "host",
    "fqdn",
    "ip",
    "ip_address",
    "dst_ip",
    "address",
    "url",
    "indikator",
    "verdi",
];

/// Whose table a header belongs to.
pub(super) fn table_of(header: &str) -> Option<Table> {
    let has = |names: &[&str]| names.iter().all(|name| header.contains(name));
    if has(&["ioc_value", "ioc_type", "threat_type"]) {
        Some(Table::Threatfox)
    } else if has(&["urlhaus_link", "url_status"]) {
        Some(Table::Urlhaus)
    } else if has(&["dst_ip", "dst_port", "c2_status"]) {
        Some(Table::Feodo)
    } else {
        None
    }
}

/// The names of a table's columns, in order, lower case.
#[derive(Debug, Default)]
struct Header(Vec<String>);

impl Header {
    fn of(fields: &[String]) -> Header {
        Header(fields.iter().map(|field| field.trim().to_ascii_lowercase()).collect())
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| column == name)
    }

    /// Whether it names a column that is read, so that it is a header and no entry.
    fn is_one(&self) -> bool {
        VALUES.iter().any(|name| self.place(name).is_some())
    }
}

/// A row, by the names of its columns.
struct Row<'a> {
    header: &'a Header,
    fields: &'a [String],
    line: u64,
}

impl Row<'_> {
    fn at(&self, place: usize) -> Option<&str> {
        self.fields.get(place).map(|field| field.trim()).filter(|field| !field.is_empty() && *field != "None")
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.at(self.header.place(name)?)
    }
}

/// Fields of one line; a space before a quote is none of the field's.
fn fields_of(line: &str, delimiter: u8) -> Option<Vec<String>> {
    let spaced = format!("{} \"", char::from(delimiter));
    let close = format!("{}\"", char::from(delimiter));
    let line = line.replace(&spaced, &close);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).flexible(true).from_reader(line.as_bytes());
    let record = reader.records().next()?.ok()?;
    Some(record.iter().map(str::to_owned).collect())
}

/// The delimiter that a line has most of.
fn delimiter_of(line: &str) -> u8 {
    let count = |octet: u8| line.bytes().filter(|&other| other == octet).count();
    b",;\t|".iter().copied().max_by_key(|&octet| (count(octet), octet == b',')).unwrap_or(b',')
}

pub(super) fn read(
    table: Table,
    options: &Options,
    input: &mut dyn Input,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let (mut header, mut delimiter) = (None, options.delimiter);
    let (mut begun, mut begun_at) = (String::new(), 0);
    // A comment may be the header: the last one before the first entry that names what is read.
    let mut comment = None;
    let mut wrong_column = None;
    lines::each(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        if begun.is_empty() && line.trim().is_empty() {
            return ControlFlow::Continue(());
        }
        if begun.is_empty()
            && let Some(text) = line.trim_start().strip_prefix('#')
        {
            comment = Some(text.trim().to_owned());
            let text = comment.as_deref().unwrap_or_default();
            let fields = fields_of(text, delimiter.unwrap_or_else(|| delimiter_of(text))).unwrap_or_default();
            let named = Header::of(&fields);
            if header.is_none() && named.is_one() && fields.len() > 1 {
                delimiter = delimiter.or(Some(delimiter_of(text)));
                header = Some(named);
            }
            return ControlFlow::Continue(());
        }
        if begun.is_empty() {
            begun_at = number;
        } else {
            begun.push('\n');
        }
        begun.push_str(line);
        // A quote that is open goes on to the next line.
        if begun.bytes().filter(|&octet| octet == b'"').count() % 2 == 1 {
            if begun.len() <= FEED_LINE_MAX_OCTETS {
                return ControlFlow::Continue(());
            }
            let item = lines::left_out(begun_at, &begun, "has a quote that is never closed");
            begun.clear();
            return take(item);
        }
        let line = std::mem::take(&mut begun);
        if options.exclude.as_ref().is_some_and(|exclude| exclude.is_match(&line)) {
            return ControlFlow::Continue(());
        }
        let delimiter = *delimiter.get_or_insert_with(|| delimiter_of(&line));
        let Some(fields) = fields_of(&line, delimiter) else {
            return take(lines::left_out(begun_at, &line, "is no line of a table"));
        };
        if header.is_none() {
            let named = Header::of(&fields);
            let is_one = named.is_one()
                || options.column.as_ref().is_some_and(|column| named.place(&column.to_ascii_lowercase()).is_some());
            header = Some(if is_one { named } else { Header::default() });
            if is_one {
                return ControlFlow::Continue(());
            }
        }
        let header = header.get_or_insert_default();
        let row = Row { header, fields: &fields, line: begun_at };
        match value_column(table, options, header) {
            Ok(column) => entry(table, &row, column, take),
            Err(why) => {
                wrong_column = Some(why);
                ControlFlow::Break(())
            }
        }
    })?;
    match wrong_column {
        Some(why) => Err(BadFile::Format(why)),
        None => Ok(()),
    }
}

/// Where the value stands.
fn value_column(table: Table, options: &Options, header: &Header) -> Result<usize, String> {
    let named = |name: &str| header.place(name).ok_or_else(|| format!("it has no column {name}"));
    match (table, &options.column) {
        (Table::Urlhaus, _) => named("url"),
        (Table::Threatfox, _) => named("ioc_value"),
        (Table::Feodo, _) => named("dst_ip").or_else(|_| named("ip_address")),
        (Table::Any, Some(column)) => match column.parse::<usize>() {
            Ok(0) => Err("columns are counted from 1".to_owned()),
            Ok(number) => Ok(number - 1),
            Err(_) => header.place(&column.to_ascii_lowercase()).ok_or_else(|| {
                let there = if header.0.is_empty() { "none with a name".to_owned() } else { header.0.join(", ") };
                format!("it has no column \"{column}\"; there are: {there}")
            }),
        },
        (Table::Any, None) => Ok(VALUES.iter().find_map(|name| header.place(name)).unwrap_or(0)),
    }
}

fn entry(table: Table, row: &Row<'_>, column: usize, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
    let Some(text) = row.at(column) else {
        return take(lines::left_out(row.line, "", format!("has nothing in column {}", column + 1)));
    };
    let (about, object, text) = match table {
        Table::Any => any(row, text),
        Table::Urlhaus => urlhaus(row, text),
        Table::Threatfox => threatfox(row, text),
        Table::Feodo => feodo(row, text),
    };
    let is_host = row.header.0.get(column).is_some_and(|name| matches!(name.as_str(), "host" | "hostname" | "fqdn"));
    let names = if is_host || about.severity.is_some() { Names::Host } else { Names::Domain };
    let item = match value::read(&text, names) {
        Ok(Value::Pattern(pattern)) => Item::Found(Place::Line(row.line), Box::new(Found { pattern, about, object })),
        Ok(Value::OfUrl(pattern)) => {
            let about = about.of_url(&text);
            Item::Found(Place::Line(row.line), Box::new(Found { pattern, about, object }))
        }
        Ok(Value::Clue(kind)) => {
            let kind = row.get("ioc_type").unwrap_or(kind).to_owned();
            Item::Clue(Clue { object_id: object.id, kind, value: text, tlp: about.tlp })
        }
        Err(why) => lines::left_out(row.line, &text, why),
    };
    take(item)
}

fn any(row: &Row<'_>, text: &str) -> (About, Object, String) {
    let first = |names: &[&str]| names.iter().find_map(|name| row.get(name)).map(str::to_owned);
    let about = About {
        threat: first(&["threat", "malware", "campaign", "trussel"]),
        confidence: first(&["confidence", "confidence_level"])
            .and_then(|text| text.parse().ok())
            .filter(|sure| *sure <= 100),
        tlp: first(&["tlp"]).and_then(|text| text.parse().ok()),
        pap: first(&["pap"]).and_then(|text| text.parse().ok()),
        details: Details {
            tags: tags(row.get("tags")),
            note: first(&["description", "comment", "note", "beskrivelse", "kommentar"]),
            url: first(&["reference", "link", "referanse"]),
            ..Details::default()
        },
        ..About::default()
    };
    (about, Object::default(), text.to_owned())
}

fn tags(text: Option<&str>) -> Vec<String> {
    let tags = text.unwrap_or_default().split(',').map(str::trim).filter(|tag| !tag.is_empty());
    tags.take(50).map(str::to_owned).collect()
}

/// `2026-11-01 11:31:23`, in UTC.
fn moment(text: Option<&str>) -> Option<Timestamp> {
    let text = text?.trim_end_matches(" UTC");
    let (date, time) = text.split_once(' ')?;
    format!("{date}T{time}Z").parse().ok()
}

fn urlhaus(row: &Row<'_>, text: &str) -> (About, Object, String) {
    let about = About {
        details: Details {
            tags: tags(row.get("tags")),
            note: row.get("threat").map(str::to_owned),
            ..Details::default()
        },
        ..About::default()
    };
    let id = row.get("id").map(|id| format!("urlhaus/{id}")).unwrap_or_default();
    (about, Object { id, ..Object::default() }, text.to_owned())
}

fn threatfox(row: &Row<'_>, text: &str) -> (About, Object, String) {
    // A victim's own site: what is on it is bad, the rest is theirs.
    let is_victim = row.get("is_compromised").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    let about = About {
        threat: row.get("malware_printable").filter(|name| *name != "Unknown malware").map(str::to_owned),
        confidence: row.get("confidence_level").and_then(|text| text.parse().ok()).filter(|sure| *sure <= 100),
        severity: is_victim.then_some(Severity::Low),
        details: Details {
            tags: tags(row.get("tags")),
            note: row.get("threat_type").map(str::to_owned),
            url: row.get("reference").map(str::to_owned),
            ..Details::default()
        },
        ..About::default()
    };
    let id = row.get("ioc_id").map(|id| format!("threatfox/{id}")).unwrap_or_default();
    let modified = moment(row.get("last_seen_utc")).or_else(|| moment(row.get("first_seen_utc")));
    (about, Object { id, modified, text: None }, text.to_owned())
}

fn feodo(row: &Row<'_>, text: &str) -> (About, Object, String) {
    let about = About {
        threat: row.get("malware").map(str::to_owned),
        details: Details {
            note: row.get("c2_status").or_else(|| row.get("status")).map(str::to_owned),
            ..Details::default()
        },
        ..About::default()
    };
    let text = match row.get("dst_port").or_else(|| row.get("port")) {
        Some(port) if text.contains(':') => format!("[{text}]:{port}"),
        Some(port) => format!("{text}:{port}"),
        None => text.to_owned(),
    };
    (about, Object::default(), text)
}

/// Whether a line is one of a table: it has several fields between one of the usual marks.
pub(super) fn is_table(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    let delimiter = delimiter_of(line);
    line.bytes().filter(|&octet| octet == delimiter).count() > 0
}
