//! What abuse.ch publishes as JSON beside its tables: exports, by number or as one array, and what its interfaces answer. Each entry is a
//! row with the same columns.

use std::fmt;
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::json::{self, Allowance, Document};
use super::super::{BadFile, Input, Item, LeftOut, Options, Place, lines};
use super::{Header, Row, Table, entry, value_column};
use crate::intel::hidden;
use crate::limits::FEED_WORD_SHOWN_CHARACTERS;

/// What its tables call what its interfaces call otherwise.
const OTHERWISE: [(Table, &str, &str); 4] = [
    (Table::Threatfox, "id", "ioc_id"),
    (Table::Threatfox, "ioc", "ioc_value"),
    (Table::Threatfox, "first_seen", "first_seen_utc"),
    (Table::Threatfox, "last_seen", "last_seen_utc"),
];

/// Whose JSON begins so.
pub(in super::super) fn table_of(head: &str) -> Option<Table> {
    let has = |names: &[&str]| names.iter().all(|name| head.contains(name));
    if has(&["\"ioc_value\"", "\"threat_type\""]) || has(&["\"ioc\"", "\"threat_type\""]) {
        Some(Table::Threatfox)
    } else if has(&["\"url_status\"", "\"url\""]) {
        Some(Table::Urlhaus)
    } else if has(&["\"ip_address\"", "\"malware\""]) {
        Some(Table::Feodo)
    } else {
        None
    }
}

pub(super) fn read(
    table: Table,
    input: &mut dyn Input,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let mut number = 0_u64;
    let mut element = |key: Option<&str>, raw: &RawValue| {
        number += 1;
        take(item(table, number, key, raw))
    };
    let what = match table {
        Table::Threatfox => "JSON of ThreatFox",
        Table::Urlhaus => "JSON of URLhaus",
        Table::Feodo => "JSON of Feodo Tracker",
        Table::Any => "JSON of a table",
    };
    json::read_one(input, what, &mut Entries(&mut element))
}

/// One entry.
fn item(table: Table, number: u64, key: Option<&str>, raw: &RawValue) -> Item {
    let at = |id: Option<&str>| Place::Object(id.map_or_else(|| format!("number {number}"), lines::word));
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(raw.get()) else {
        let text: String = raw.get().chars().take(FEED_WORD_SHOWN_CHARACTERS).collect();
        let why = "is no entry: an object was expected".to_owned();
        let left_out = LeftOut { place: at(key), text: text.escape_debug().to_string(), why };
        // What it is marked nobody can tell.
        return Item::LeftOut(hidden::without_value(left_out));
    };
    let called = |name: &str| {
        let name = name.to_lowercase();
        let other = OTHERWISE.iter().find(|(whose, own, _)| *whose == table && *own == name);
        other.map_or(name, |(_, _, column)| (*column).to_owned())
    };
    let (mut names, mut values) = (Vec::new(), Vec::new());
    // An export has the entry's number in front of it.
    if let Some(key) = key {
        names.push(if table == Table::Threatfox { "ioc_id" } else { "id" }.to_owned());
        values.push(key.to_owned());
    }
    for (name, value) in fields {
        names.push(called(&name));
        values.push(text_of(value));
    }
    let header = Header::of(&names);
    let row = Row { header: &header, fields: &values, line: number };
    let id = row.first(&["ioc_id", "id"]).map(str::to_owned);
    let column = match value_column(table, &Options::default(), &header) {
        Ok(column) => column,
        Err(why) => {
            let text = "the entry".to_owned();
            return Item::LeftOut(LeftOut { place: at(id.as_deref()), text, why: format!("is not imported: {why}") });
        }
    };
    match entry(table, &row, column) {
        Item::Found(_, found) => Item::Found(at(id.as_deref()), found),
        Item::Harmless(_, found) => Item::Harmless(at(id.as_deref()), found),
        Item::LeftOut(left_out) => {
            let left_out = LeftOut { place: at(id.as_deref()), ..left_out };
            Item::LeftOut(match hidden::is_shown(row.spoken()) {
                true => left_out,
                false => hidden::without_value(left_out),
            })
        }
        item @ (Item::Withdrawn(_) | Item::Silent(_) | Item::Clue(_) | Item::PassedOver | Item::PassedBy(..)) => item,
    }
}

/// A value as its table's column would have it.
fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(values) => values.into_iter().map(text_of).collect::<Vec<_>>().join(","),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// Is told each entry, with the number that stands in front of it where one does.
type Take<'a> = &'a mut dyn FnMut(Option<&str>, &RawValue) -> ControlFlow<()>;

/// All entries of a document.
struct Entries<'a>(Take<'a>);

impl Document for Entries<'_> {
    fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error> {
        document.deserialize_any(Part { allowance, key: None, is_top: true, take: &mut *self.0 })
    }
}

/// The document, or what stands under one of its names.
struct Part<'a> {
    allowance: &'a Allowance,
    /// The number of the entries in it.
    key: Option<&'a str>,
    is_top: bool,
    take: Take<'a>,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        self.allowance.renew();
        while let Some(element) = array.next_element::<Box<RawValue>>()? {
            json::go_on((self.take)(self.key, &element))?;
            self.allowance.renew();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<String>()? {
            if !self.is_top {
                object.next_value::<IgnoredAny>()?;
            } else if key == "query_status" {
                let status = object.next_value::<Value>()?;
                let status = status.as_str().unwrap_or_default();
                if !matches!(status, "ok" | "no_result" | "no_results") {
                    let status = lines::word(status);
                    return Err(A::Error::custom(format!("it is no list but an answer that says \"{status}\"")));
                }
            } else {
                let is_number = !key.is_empty() && key.bytes().all(|octet| octet.is_ascii_digit());
                let key = is_number.then_some(key.as_str());
                object.next_value_seed(Part {
                    allowance: self.allowance,
                    key,
                    is_top: false,
                    take: &mut *self.take,
                })?;
            }
            self.allowance.renew();
        }
        Ok(())
    }

    json::pass_over_scalars!();
}

#[cfg(test)]
mod tests {
    use crate::intel::format::{BadFile, Format, Item, Options, no_feed, read};
    use std::io::Cursor;
    use std::ops::ControlFlow;

    /// As a person sees it, by the format that is found out.
    fn told(text: &str) -> (Format, Vec<String>, Result<(), BadFile>) {
        let format = Format::detect(text.as_bytes());
        assert_eq!(no_feed::refusal(format, text.as_bytes()), None, "{text}");
        let mut told = Vec::new();
        let done = read(format, &Options::default(), &mut Cursor::new(text), &mut |item| {
            told.push(match item {
                Item::Found(place, found) => {
                    let about = &found.about;
                    let object = &found.object;
                    format!(
                        "{place}: {} {:?} {:?} [{}] {} {}",
                        found.pattern.to_plain(),
                        about.threat,
                        about.confidence,
                        about.details.tags.join(" "),
                        object.id,
                        object.modified.map(|at| at.to_string()).unwrap_or_default()
                    )
                }
                Item::Clue(clue) => format!("clue {} {}", clue.kind, clue.value),
                Item::LeftOut(left_out) => format!("left out {left_out}"),
                other => format!("{other:?}"),
            });
            ControlFlow::Continue(())
        });
        (format, told, done)
    }

    #[test]
    fn threatfox_is_read_as_its_export_and_as_its_interface_answers() {
        let export = r#"{"1001": [ {"ioc_value": "198.51.100.24:8443", "ioc_type": "ip:port", "threat_type": "botnet_cc",
            "malware": "win.cobalt_strike", "malware_alias": "Agentemis", "malware_printable": "Cobalt Strike",
            "first_seen_utc": "2026-11-01 11:31:23", "last_seen_utc": null, "confidence_level": 75, "reference": null,
            "tags": "c2,CobaltStrike", "anonymous": "0", "reporter": "x"} ],
            "1002": [ {"ioc_value": "aabb", "ioc_type": "md5_hash", "threat_type": "payload", "confidence_level": 50} ],
            "1003": [ {"ioc_value": "not an indicator", "ioc_type": "domain", "threat_type": "botnet_cc"}, 7 ] }"#;
        let (format, lines, done) = told(export);
        assert!(done.is_ok() && format == Format::Threatfox, "{done:?}");
        assert_eq!(
            lines[0],
            "object 1001: 198.51.100.24:8443 Some(\"Cobalt Strike\") Some(75) [c2 CobaltStrike] threatfox/1001 2026-11-01T11:31:23.000000Z"
        );
        assert_eq!(lines[1], "clue md5_hash aabb");
        assert!(lines[2].starts_with("left out object 1003: ") && lines[3].contains("is no entry"), "{lines:?}");
        let answer = r#"{"query_status": "ok", "data": [ {"id": "1001", "ioc": "c2.example", "threat_type": "botnet_cc",
            "threat_type_desc": "…", "ioc_type": "domain", "malware_printable": "Unknown malware", "confidence_level": "90",
            "first_seen": "2026-11-01 11:31:23 UTC", "last_seen": null, "tags": ["c2", "x"], "malware_samples": []} ] }"#;
        let (format, lines, done) = told(answer);
        assert!(done.is_ok() && format == Format::Threatfox, "{done:?}");
        assert_eq!(lines, ["object 1001: c2.example None Some(90) [c2 x] threatfox/1001 2026-11-01T11:31:23.000000Z"]);
    }

    #[test]
    fn urlhaus_and_feodo_tracker_are_read_as_they_are_published() {
        let export = r#"{"2002":[{"dateadded":"2026-11-01 11:31:23 UTC","url":"http://203.0.113.9:8088/x","url_status":"online",
            "last_online":null,"threat":"malware_download","tags":["elf","mirai"],"urlhaus_link":"https://urlhaus.abuse.ch/url/2002/"}]}"#;
        let (format, lines, done) = told(export);
        assert!(done.is_ok() && format == Format::Urlhaus, "{done:?}");
        assert_eq!(lines, ["object 2002: 203.0.113.9:8088 None Some(25) [elf mirai] urlhaus/2002 "]);
        let answer = r#"{"query_status":"ok","urls":[{"id":"2003","url":"https://last-ned.example/x","url_status":"offline",
            "host":"last-ned.example","date_added":"2026-11-01 11:31:23 UTC","blacklists":{"surbl":"not listed"},"tags":null}]}"#;
        assert_eq!(told(answer).1, ["object 2003: =last-ned.example None Some(25) [] urlhaus/2003 "]);
        let feodo = r#"[ {"ip_address":"198.51.100.7","port":443,"status":"online","hostname":null,"as_number":64500,
            "malware":"QakBot"}, {"ip_address":"2001:db8::7","port":995,"status":"offline","malware":"Emotet"} ]"#;
        let (format, lines, done) = told(feodo);
        assert!(done.is_ok() && format == Format::Feodo, "{done:?}");
        assert_eq!(lines[0], "object number 1: 198.51.100.7:443 Some(\"QakBot\") None []  ");
        assert!(lines[1].contains("[2001:db8::7]:995 Some(\"Emotet\")"), "{lines:?}");
    }

    #[test]
    fn f2_an_answer_that_is_no_list_is_refused_by_what_it_says() {
        let refused = |format: Format, text: &str| {
            let done = read(format, &Options::default(), &mut Cursor::new(text), &mut |_| ControlFlow::Continue(()));
            done.err().map(|error| error.to_string()).unwrap_or_default()
        };
        let said = refused(Format::Threatfox, r#"{"query_status":"unknown_auth_key"}"#);
        assert!(said.contains("unknown_auth_key"), "{said}");
        for nothing in [r#"{"query_status":"no_result","data":"Your search did not yield any results"}"#, "[]", "{}"] {
            assert_eq!(refused(Format::Threatfox, nothing), "", "{nothing}");
        }
        assert!(!refused(Format::Feodo, "[{\"ip_address\":").is_empty());
        assert!(!refused(Format::Feodo, &"[".repeat(1_000_000)).is_empty(), "deep");
        let head = br#"{"query_status":"unknown_auth_key"}"#;
        assert!(no_feed::refusal(Format::detect(head), head).is_some_and(|why| why.contains("Auth-Key")));
    }
}
