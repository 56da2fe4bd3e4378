//! Zeek's intelligence files: columns between tabs, named by the line `#fields`. Names are meant alone, as Zeek matches them. A
//! marking may stand in a column for it, and in the words of any other.

use std::ops::ControlFlow;

use varde_common::indicator::{Pattern, Target};
use varde_common::tlp::Tlp;

use super::marked::Said;
use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, Place, Withdrawn, lines, marking};
use crate::intel::canonical::{About, Details, Found, Object};

/// Whether a line begins such a file.
pub(super) fn is_line(line: &str) -> bool {
    line.starts_with("#fields\t") && line.contains("indicator_type")
}

/// Where the columns that are read stand.
#[derive(Debug, Default, Clone, Copy)]
struct Columns {
    indicator: Option<usize>,
    kind: Option<usize>,
    source: Option<usize>,
    description: Option<usize>,
    url: Option<usize>,
    remove: Option<usize>,
    /// Whatever the operator's own scripts call how far it may be shared.
    tlp: Option<usize>,
    pap: Option<usize>,
    tags: Option<usize>,
}

impl Columns {
    fn of(header: &str) -> Columns {
        let mut columns = Columns::default();
        for (at, name) in header.split('\t').skip(1).enumerate() {
            let place = match name {
                "indicator" => &mut columns.indicator,
                "indicator_type" => &mut columns.kind,
                "meta.source" => &mut columns.source,
                "meta.desc" => &mut columns.description,
                "meta.url" => &mut columns.url,
                "meta.remove" => &mut columns.remove,
                "meta.tags" | "meta.tag" | "meta.labels" => &mut columns.tags,
                _ => match name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
                    "tlp" | "marking" | "merking" => &mut columns.tlp,
                    "pap" => &mut columns.pap,
                    _ => continue,
                },
            };
            *place = Some(at);
        }
        columns
    }
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let (mut columns, mut below) = (None, marking::Below::default());
    lines::each(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        if line.starts_with("#fields\t") {
            columns = Some(Columns::of(line));
        } else if line.starts_with('#') {
            below.of(line.as_bytes());
        }
        if line.starts_with('#') || line.trim().is_empty() {
            return ControlFlow::Continue(());
        }
        let Some(columns) = columns else {
            return take(lines::left_out(number, line, "stands before the line #fields, which names the columns"));
        };
        let above = below.of(b"");
        take(marking::as_marked(entry(number, line, columns, above), above.max(marking::of_list(line))))
    })
}

fn entry(number: u64, line: &str, columns: Columns, above: Option<Tlp>) -> Item {
    let fields: Vec<&str> = line.split('\t').collect();
    let field =
        |at: Option<usize>| fields.get(at?).map(|text| text.trim()).filter(|text| !text.is_empty() && *text != "-");
    let Some(indicator) = field(columns.indicator) else {
        return lines::left_out(number, line, "has no indicator; columns stand between tabs, not spaces");
    };
    let kind = field(columns.kind).unwrap_or_default();
    // The object's name ends where a sentence's word does: an indicator is shorter.
    let object_id =
        format!("{}/{}", lines::word(field(columns.source).unwrap_or_default()), lines::printable(indicator, 300));
    if field(columns.remove).is_some_and(|word| word == "T") {
        return Item::Withdrawn(Withdrawn { object_id, modified: None });
    }
    let tags = Said::by(field(columns.tags).into_iter().flat_map(|tags| tags.split([',', ';'])));
    // Whatever column somebody writes it in; of an indicator's own letters none are a marking.
    let words = fields.iter().enumerate().filter(|(at, _)| Some(*at) != columns.indicator);
    let spoken = words.filter_map(|(_, word)| marking::of_list(word)).max();
    let tlp = field(columns.tlp).and_then(marking::of_level).max(spoken).max(tags.tlp).max(above);
    let clue = |kind: &str| {
        Item::Clue(Clue { object_id: object_id.clone(), kind: kind.to_owned(), value: indicator.to_owned(), tlp })
    };
    // Zeek compares by type: an address among names would never match there, and a network in its stead far too much here.
    let of_kind = |fits: fn(&Pattern) -> bool, what: &str| {
        let pattern = value::pattern(indicator, Names::Host)?;
        match fits(&pattern) {
            true => Ok(Value::Pattern(pattern)),
            false => Err(format!("is not imported: its type is {kind}, but it is no {what}")),
        }
    };
    let read = match kind {
        "Intel::ADDR" => {
            of_kind(|pattern| pattern.port.is_none() && matches!(pattern.target, Target::Address(_)), "address")
        }
        "Intel::SUBNET" => of_kind(
            |pattern| pattern.port.is_none() && matches!(pattern.target, Target::Network { .. } | Target::Address(_)),
            "network",
        ),
        "Intel::DOMAIN" => of_kind(|pattern| pattern.port.is_none() && value::is_name(pattern), "name"),
        // Without its scheme, by Zeek's rule; many write it all the same.
        "Intel::URL" if indicator.contains("://") => value::read(indicator, Names::Host),
        "Intel::URL" => value::read(&format!("http://{indicator}"), Names::Host),
        "Intel::EMAIL" => return clue("email"),
        "Intel::FILE_HASH" => return clue("hash"),
        "Intel::FILE_NAME" => return clue("filename"),
        "Intel::CERT_HASH" => return clue("x509-sha1"),
        "Intel::PUBKEY_HASH" => return clue("pubkey-hash"),
        "Intel::SOFTWARE" => return clue("software"),
        "Intel::USER_NAME" => return clue("user"),
        _ => {
            return lines::left_out(
                number,
                indicator,
                format!("is of a type that is not known here: \"{}\"", lines::word(kind)),
            );
        }
    };
    let about = About {
        tlp,
        pap: field(columns.pap).and_then(marking::of_pap).max(tags.pap),
        exercise: tags.exercise,
        details: Details {
            techniques: tags.techniques,
            tags: tags.tags,
            note: field(columns.description).map(str::to_owned),
            url: field(columns.url).map(str::to_owned),
            ..Details::default()
        },
        ..About::default()
    };
    let object = Object { id: object_id, ..Object::default() };
    match read {
        Ok(Value::Pattern(pattern)) => Item::Found(Place::Line(number), Box::new(Found { pattern, about, object })),
        Ok(Value::OfUrl(pattern)) => {
            Item::Found(Place::Line(number), Box::new(Found { pattern, about: about.of_url(indicator), object }))
        }
        Ok(Value::Clue(kind)) => {
            Item::Clue(Clue { object_id: object.id, kind: kind.into(), value: indicator.into(), tlp })
        }
        Err(why) => lines::left_out(number, indicator, why),
    }
}
