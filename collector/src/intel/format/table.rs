//! Tables of comma-separated values: any, by the column that is named, and those of URLhaus, ThreatFox and Feodo Tracker by the
//! names of their columns, wherever these stand. A name stands for itself and all below it, unless its column says host, or it is
//! a victim's.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use varde_common::indicator::{Pattern, Severity, Target};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, Options, Place, lines, marking, no_feed};
use crate::intel::canonical::{About, Details, Found, Object};
use crate::intel::hidden;
use crate::limits::FEED_COLUMNS_SHOWN;

mod any;
mod fields;
pub(super) mod json;
mod kind;

use fields::{Fields, delimiter_of};
pub(super) use fields::{is_regular, is_table};
use kind::Kind;

/// Whose table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Any,
    Urlhaus,
    Threatfox,
    Feodo,
}

/// What a column with the value may be called in a table that nobody has described.
const VALUES: [&str; 20] = [
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
    "domene",
    "domenenavn",
    "vert",
    "ip-adresse",
    "adresse",
];

/// What the column may be called that says what kind of thing a row's value is.
const KINDS: [&str; 5] = ["type", "ioc_type", "indicator_type", "attribute_type", "kind"];

const NEVER_CLOSED: &str = "has a quote that is not closed within 20 lines";

/// Whose table a header belongs to, which may be a comment.
pub(super) fn table_of(line: &str) -> Option<Table> {
    let line = line.trim().trim_start_matches('#').trim();
    let header = Header::of(&Fields::of(line, delimiter_of(line)).0);
    let has = |names: &[&str]| names.iter().all(|name| header.place(name).is_some());
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

/// Where each column stands, by its name in lower case.
#[derive(Debug, Default)]
struct Header {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Header {
    fn of(fields: &[String]) -> Header {
        let names: Vec<String> = fields.iter().map(|field| field.trim().to_lowercase()).collect();
        let mut places = HashMap::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            places.entry(name.clone()).or_insert(place);
        }
        Header { names, places }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Whether it names a column that is read, so that it is a header and no entry.
    fn is_one(&self) -> bool {
        VALUES.iter().any(|name| self.place(name).is_some())
    }

    /// Its names, as a sentence has them: each between quotes, for they may be values of a table without names, and what is quoted
    /// is what is hidden.
    fn in_words(&self) -> String {
        let quoted = |name: &String| format!("\"{}\"", lines::word(name).replace(['"', '`', '\\'], "'"));
        let mut names: Vec<String> = self.names.iter().take(FEED_COLUMNS_SHOWN).map(quoted).collect();
        if self.names.len() > FEED_COLUMNS_SHOWN {
            names.push(format!("and {} more", self.names.len() - FEED_COLUMNS_SHOWN));
        }
        if names.is_empty() { "none with a name".to_owned() } else { names.join(", ") }
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

    /// What it says of its marking, wherever somebody writes it.
    fn spoken(&self) -> Option<Tlp> {
        self.fields.iter().filter_map(|field| marking::of_text(field)).max()
    }

    fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

/// A table as far as it has been read.
struct Reading<'a> {
    table: Table,
    options: &'a Options,
    header: Option<Header>,
    /// Where the value stands, once that is known.
    column: usize,
    rows: u64,
    taken: u64,
    /// Why no row can be read.
    refused: Option<String>,
}

pub(super) fn read(
    table: Table,
    options: &Options,
    input: &mut dyn Input,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    if table != Table::Any && begins_as_json(input)? {
        return json::read(table, input, take);
    }
    let delimiter = Cell::new(options.delimiter);
    let is_excluded = |line: &str| options.exclude.as_ref().is_some_and(|exclude| exclude.is_match(line));
    let is_passed_over = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#') || is_excluded(line);
    let mut reading = Reading { table, options, header: None, column: 0, rows: 0, taken: 0, refused: None };
    // A quote that is open goes on to the next line.
    let mut scan = |state: u32, line: &str| {
        if state == 0 && is_passed_over(line) {
            return 0;
        }
        u32::from(Fields::is_open(state == 1, line, delimiter.get().unwrap_or_else(|| delimiter_of(line))))
    };
    lines::each_entry(input, NEVER_CLOSED, &mut scan, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        if let Some(text) = line.trim_start().strip_prefix('#') {
            if reading.header.is_none() && reading.comment(text.trim(), delimiter.get()) {
                delimiter.set(delimiter.get().or(Some(delimiter_of(text))));
            }
            return ControlFlow::Continue(());
        }
        if is_passed_over(line) {
            return ControlFlow::Continue(());
        }
        // Excel's own first line: what stands between columns.
        if number == 1
            && let Some(said) = separator(line)
        {
            delimiter.set(delimiter.get().or(Some(said)));
            return ControlFlow::Continue(());
        }
        let delimiter = delimiter.get().unwrap_or_else(|| {
            let found = delimiter_of(line);
            delimiter.set(Some(found));
            found
        });
        reading.row(number, &Fields::of(line, delimiter).0, take)
    })?;
    reading.end()
}

/// Whether what comes is JSON, and no table.
fn begins_as_json(input: &mut dyn Input) -> Result<bool, BadFile> {
    let begin = String::from_utf8_lossy(input.fill_buf()?).into_owned();
    Ok(no_feed::is_json(&begin))
}

/// What a line `sep=;` says, by which Excel is told how to part columns.
pub(super) fn separator(line: &str) -> Option<u8> {
    let said = line.trim_start_matches('\u{feff}').trim_matches('"');
    let said = said.get(..4).filter(|begin| begin.eq_ignore_ascii_case("sep=")).and_then(|_| said.get(4..))?;
    match said.as_bytes() {
        [octet] if octet.is_ascii() => Some(*octet),
        _ => None,
    }
}

impl Reading<'_> {
    /// A comment may be the header: the first one that names what is read.
    fn comment(&mut self, text: &str, delimiter: Option<u8>) -> bool {
        let fields = Fields::of(text, delimiter.unwrap_or_else(|| delimiter_of(text))).0;
        let named = Header::of(&fields);
        let is_header = named.is_one() && fields.len() > 1;
        if is_header {
            self.begin(named);
        }
        is_header
    }

    /// The names of the columns are known, or that they have none.
    fn begin(&mut self, header: Header) {
        match value_column(self.table, self.options, &header) {
            Ok(column) => self.column = column,
            Err(why) => self.refused = Some(why),
        }
        self.header = Some(header);
    }

    fn row(&mut self, line: u64, fields: &[String], take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
        if self.header.is_none() {
            let named = Header::of(fields);
            let by_name = self.options.column.as_ref().filter(|column| column.parse::<usize>().is_err());
            let is_header =
                named.is_one() || by_name.is_some_and(|column| named.place(&column.to_lowercase()).is_some());
            if is_header {
                self.begin(named);
                return if self.refused.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            }
            if self.table == Table::Any
                && self.options.column.is_none()
                && !fields.first().is_some_and(|text| is_value(text))
            {
                self.refused = Some(format!(
                    "its first line has no indicator in front and names no column that is known; say which one holds the indicator, --column NAME or --column NUMBER: {}",
                    named.in_words()
                ));
                return ControlFlow::Break(());
            }
            // Without a header, a column that is named cannot be found; the sentence says what stands in the first line.
            if by_name.is_some() {
                self.begin(named);
            } else {
                self.begin(Header::default());
            }
        }
        if self.refused.is_some() {
            return ControlFlow::Break(());
        }
        let header = self.header.get_or_insert_default();
        let row = Row { header, fields, line };
        let item = match entry(self.table, &row, self.column) {
            // Of a row far behind the head of its file nobody else knows it.
            Item::LeftOut(left_out) => Item::LeftOut(match hidden::is_shown(row.spoken()) {
                true => left_out,
                false => hidden::without_value(left_out),
            }),
            item @ (Item::Found(..)
            | Item::Withdrawn(_)
            | Item::Silent(_)
            | Item::Harmless(..)
            | Item::Clue(_)
            | Item::PassedBy(..)
            | Item::PassedOver) => item,
        };
        self.rows += 1;
        self.taken += u64::from(!matches!(item, Item::LeftOut(_)));
        take(item)
    }

    fn end(self) -> Result<(), BadFile> {
        let why = match (self.refused, &self.header) {
            (Some(why), _) => why,
            (None, Some(header)) if self.table == Table::Any && self.rows > 0 && self.taken == 0 => format!(
                "no line has an indicator in column {}; say which one holds it, --column NAME or --column NUMBER, and --delimiter if that was found out wrongly: {}",
                self.column + 1,
                header.in_words()
            ),
            (None, _) => return Ok(()),
        };
        Err(BadFile::Format(why))
    }
}

/// Whether a field of a table without a header is what somebody would look for.
fn is_value(text: &str) -> bool {
    match value::read(text, Names::Domain) {
        Ok(Value::Pattern(pattern)) => match &pattern.target {
            Target::Domain(name) | Target::Host(name) => name.as_name().label_count() > 1,
            Target::Address(_) | Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_) => true,
        },
        Ok(Value::OfUrl(_) | Value::Clue(_)) => true,
        Err(_) => false,
    }
}

/// Where the value stands.
fn value_column(table: Table, options: &Options, header: &Header) -> Result<usize, String> {
    let named = |name: &str| {
        header.place(name).ok_or_else(|| format!("it has no column {name}; there are: {}", header.in_words()))
    };
    match (table, &options.column) {
        (Table::Urlhaus, _) => named("url"),
        (Table::Threatfox, _) => named("ioc_value"),
        (Table::Feodo, _) => named("dst_ip").or_else(|_| named("ip_address")),
        (Table::Any, Some(column)) => match column.parse::<usize>() {
            Ok(0) => Err("columns are counted from 1".to_owned()),
            Ok(number) => Ok(number - 1),
            Err(_) => header.place(&column.to_lowercase()).ok_or_else(|| {
                format!("it has no column \"{}\"; there are: {}", lines::word(column), header.in_words())
            }),
        },
        (Table::Any, None) => Ok(VALUES.iter().find_map(|name| header.place(name)).unwrap_or(0)),
    }
}

fn entry(table: Table, row: &Row<'_>, column: usize) -> Item {
    let Some(text) = row.at(column) else {
        return lines::left_out(row.line, "", format!("has nothing in column {}", column + 1));
    };
    // For people and programs beside sensors, by its source's word (MISP).
    if table == Table::Any
        && row.get("to_ids").is_some_and(|word| matches!(&*word.to_ascii_lowercase(), "0" | "false" | "no"))
    {
        return Item::PassedOver;
    }
    let (mut about, object, text) = match table {
        Table::Any => match any::said(row, text) {
            Ok(said) => said,
            Err(why) => return lines::left_out(row.line, text, why),
        },
        Table::Urlhaus => urlhaus(row, text),
        Table::Threatfox => threatfox(row, text),
        Table::Feodo => feodo(row, text),
    };
    about.tlp = about.tlp.max(row.spoken());
    // Of ThreatFox: a victim's own site.
    let is_victim = table == Table::Threatfox && about.severity.is_some();
    let is_host =
        row.header.names.get(column).is_some_and(|name| matches!(name.as_str(), "host" | "hostname" | "fqdn"));
    let kind = match table {
        Table::Any | Table::Threatfox => KINDS.iter().find_map(|name| row.get(name)).map(Kind::of).unwrap_or_default(),
        Table::Urlhaus => Kind::Url,
        Table::Feodo => Kind::Address,
    };
    let names = match kind {
        Kind::Domain if !is_victim => Names::Domain,
        Kind::Host => Names::Host,
        Kind::Domain | Kind::Unsaid | Kind::Address | Kind::Network | Kind::Url | Kind::Clue(_) => {
            if is_host || is_victim { Names::Host } else { Names::Domain }
        }
    };
    let found = |pattern: Pattern, about: About, object: Object| {
        Item::Found(Place::Line(row.line), Box::new(Found { pattern, about, object }))
    };
    match kind.read(&text, names) {
        Ok(Value::Pattern(pattern)) => found(pattern, about, object),
        Ok(Value::OfUrl(pattern)) => found(pattern, about.of_url(&text), object),
        Ok(Value::Clue(_)) => {
            Item::Clue(Clue { object_id: object.id, kind: kind.of_clue(&text), value: text, tlp: about.tlp })
        }
        Err(why) => lines::left_out(row.line, &text, why),
    }
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
    let id = row.get("id").map(|id| format!("urlhaus/{}", lines::word(id))).unwrap_or_default();
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
    let id = row.get("ioc_id").map(|id| format!("threatfox/{}", lines::word(id))).unwrap_or_default();
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
