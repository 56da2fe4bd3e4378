//! What is said of indicators, and of entries that are left out: never the value of one that is, or may be, marked TLP:RED or
//! TLP:AMBER+STRICT.

use varde_common::tlp::Tlp;

use super::format::{Format, LeftOut, marking};

/// Whether the entries of a file may be marked each by itself, so that nobody knows how one is that could not be read.
pub fn marks_itself(format: Format, head: &[u8]) -> bool {
    match format {
        // A text may say its marking anywhere.
        Format::Stix | Format::Misp | Format::Prose => true,
        Format::Plain | Format::Rpz | Format::Suricata | Format::Hosts => marking::is_spoken_of(head),
        Format::Zeek | Format::Csv | Format::Urlhaus | Format::Threatfox | Format::Feodo => {
            let says = |name: &str| memchr::memmem::find(&head.to_ascii_lowercase(), name.as_bytes()).is_some();
            // Columns for it by other names, and objects of STIX.
            marking::is_spoken_of(head) || ["merking", "marking", "markering"].into_iter().any(says)
        }
    }
}

/// What a list that begins so says of all of it. What has objects, and a text, says it of each or in its own place.
pub fn own_word(format: Format, head: &[u8]) -> Option<Tlp> {
    let text = || String::from_utf8_lossy(head);
    match format {
        Format::Stix | Format::Misp | Format::Prose => None,
        Format::Plain | Format::Rpz | Format::Suricata | Format::Hosts => marking::of_list(&text()),
        Format::Zeek | Format::Csv | Format::Urlhaus | Format::Threatfox | Format::Feodo => marking::of_table(&text()),
    }
}

/// Whether a value of this marking may stand in messages and logs.
pub fn is_shown(tlp: Option<Tlp>) -> bool {
    match tlp.unwrap_or_default() {
        Tlp::Clear | Tlp::Green | Tlp::Amber => true,
        Tlp::AmberStrict | Tlp::Red => false,
    }
}

/// Whether an indicator is named by its number alone where it is told of; what is said of it may be all of it.
pub fn is_secret(tlp: Tlp) -> bool {
    !is_shown(Some(tlp))
}

/// An indicator where it is told of: its value, or its number where that was shared with few.
pub fn told(id: i64, pattern: &str, tlp: Tlp) -> String {
    if is_secret(tlp) { format!("confidential indicator {id}") } else { pattern.to_owned() }
}

/// A marking from the database; one that cannot be read counts as the strictest.
pub fn read(tlp: &str) -> Tlp {
    tlp.parse().unwrap_or(Tlp::Red)
}

/// The entry by its place and the reason alone.
pub fn without_value(mut left_out: LeftOut) -> LeftOut {
    let is_named = {
        let words = left_out.text.split(|c: char| !c.is_alphanumeric() && c != '.');
        let mut telling = words.filter(|word| word.chars().nth(2).is_some());
        left_out.why.contains(['"', '`', '\'']) || telling.any(|word| left_out.why.contains(word))
    };
    if is_named {
        // What stands before the colon is ours: "is not an indicator".
        left_out.why = left_out.why.split([':', '"', '`', '\'']).next().unwrap_or_default().trim_end().to_owned();
        left_out.why.push_str("; the value is not shown, look there");
    }
    left_out.text = "…".to_owned();
    left_out
}

/// A message without what it quotes: readers of JSON name the value that they stumble over.
pub fn without_quotes(message: &str) -> String {
    let (mut told, mut quote) = (String::new(), None);
    let mut rest = message.chars();
    while let Some(c) = rest.next() {
        match quote {
            None => {
                told.push(c);
                if matches!(c, '"' | '`') {
                    quote = Some(c);
                    told.push('…');
                }
            }
            Some(end) if c == end => {
                told.push(c);
                quote = None;
            }
            // An escaped one within.
            Some(_) if c == '\\' => {
                let _ = rest.next();
            }
            Some(_) => {}
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::format::Place;

    #[test]
    fn t7a_what_may_be_confidential_is_told_by_its_place_and_the_reason_alone() {
        for why in [
            "is not an indicator: \"redmark\" is no port; use 1 to 65535",
            "is no STIX pattern: redmark where = belongs",
            "is not imported: its valid_from is no time (RFC 3339)",
        ] {
            let text = "=redmark.example:redmark".to_owned();
            let told = without_value(LeftOut { place: Place::Line(7), text, why: why.into() }).to_string();
            assert!(!told.contains("redmark"), "{told}");
            assert!(told.starts_with("line 7: \"…\" is no"), "{told}");
        }
        let left_out =
            LeftOut { place: Place::Line(1), text: "x.example".into(), why: "is not imported: too wide".into() };
        assert_eq!(without_value(left_out).to_string(), "line 1: \"…\" is not imported: too wide");
        let json = r#"invalid type: string "red\"mark", expected `redmark` at line 1 column 5"#;
        assert_eq!(without_quotes(json), r#"invalid type: string "…", expected `…` at line 1 column 5"#);
        assert_eq!(
            [None, Some(Tlp::Green), Some(Tlp::AmberStrict), Some(Tlp::Red)].map(is_shown),
            [true, true, false, false]
        );
        assert!(marks_itself(Format::Csv, b"value;TLP;note") && !marks_itself(Format::Csv, b"value;note"));
        assert!(marks_itself(Format::Csv, b"value;Merking") && marks_itself(Format::Plain, b"a.example # tlp:red"));
        assert_eq!(own_word(Format::Plain, "# TLP:GR\u{d8}NN, tlp:r\u{f8}d".as_bytes()), Some(Tlp::Red));
        assert_eq!(
            (own_word(Format::Csv, b"domain;tlp\na.example;TLP:RED"), own_word(Format::Stix, b"tlp:red")),
            (None, None)
        );
    }
}
