//! What a row of any table says beside its value, by the names that its columns may have, in English and in Norwegian.

use varde_common::indicator::Severity;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::super::marked::Said;
use super::super::{lines, marking};
use super::Row;
use crate::intel::canonical::{About, Details, Object, Pap};

/// Columns that can say nothing but how far it may be shared.
const MARKINGS: [&str; 4] = ["merking", "marking", "markering", "traffic light protocol"];
/// Columns of tags, beside MISP's own such as `event_tag`.
const TAGS: [&str; 4] = ["labels", "label", "merkelapper", "merkelapp"];
/// Columns of how sure its source is.
const SURE: [&str; 3] = ["confidence", "confidence_level", "sikkerhet"];
/// Columns of how bad it would be.
const BAD: [&str; 3] = ["severity", "alvorlighet", "alvorlighetsgrad"];
/// What says that nothing is said.
const UNSAID: [&str; 7] = ["-", "n/a", "na", "null", "unknown", "ukjent", "none"];
/// Columns of the end and the beginning of its time.
const UNTIL: [&str; 6] = ["valid_until", "expires", "expires_at", "expiration", "gyldig_til", "utløper"];
const FROM: [&str; 3] = ["valid_from", "gyldig_fra", "holds_from"];

/// What is said of it, what says it, and the value.
///
/// # Errors
/// A time or a grade that nobody can read: what it would have said of how long or how surely is not guessed.
pub(super) fn said(row: &Row<'_>, text: &str) -> Result<(About, Object, String), String> {
    let first = |names: &[&str]| row.first(names).map(str::to_owned);
    let told = |names: &[&str]| row.first(names).filter(|text| !UNSAID.contains(&&*text.to_lowercase()));
    let tags = columns(row, |name| name.ends_with("tag") || name.ends_with("tags") || TAGS.contains(&name));
    let said = Said::by(tags.flat_map(|tags| tags.split([',', ';'])));
    let about = About {
        threat: first(&["threat", "malware", "campaign", "trussel"]).or_else(|| said.threat.map(|(_, name)| name)),
        confidence: told(&SURE).map(sure).transpose()?.or(said.sure),
        severity: told(&BAD).map(severity).transpose()?,
        tlp: tlp(row).max(said.tlp),
        pap: pap(row).max(said.pap),
        valid_from: told(&FROM).map(moment).transpose()?,
        valid_until: told(&UNTIL).map(moment).transpose()?,
        exercise: said.exercise,
        details: Details {
            techniques: said.techniques,
            tags: said.tags,
            note: first(&["description", "comment", "note", "beskrivelse", "kommentar"]),
            url: first(&["reference", "link", "referanse"]),
            ..Details::default()
        },
    };
    let id = first(&["uuid", "id"]).filter(|id| id.len() >= 16).map(|id| lines::word(&id)).unwrap_or_default();
    Ok((about, Object { id, ..Object::default() }, text.to_owned()))
}

/// What stands in the columns of these names.
fn columns<'a>(row: &'a Row<'_>, is_one: fn(&str) -> bool) -> impl Iterator<Item = &'a str> {
    let names = row.header.names.iter().enumerate().filter(move |(_, name)| is_one(name));
    names.filter_map(|(place, _)| row.at(place))
}

fn tlp(row: &Row<'_>) -> Option<Tlp> {
    columns(row, |name| name.contains("tlp") || MARKINGS.contains(&name)).filter_map(marking::of_level).max()
}

fn pap(row: &Row<'_>) -> Option<Pap> {
    columns(row, |name| name == "pap" || name.starts_with("pap ") || name.starts_with("pap_"))
        .filter_map(marking::of_pap)
        .max()
}

/// How sure, in hundredths, as a share, or in words (STIX 2.1, appendix A).
fn sure(text: &str) -> Result<u8, String> {
    let lower = text.trim().to_lowercase();
    let word = match lower.as_str() {
        "high" | "høy" | "hoy" => Some(85),
        "medium" | "med" | "moderate" | "middels" => Some(50),
        "low" | "lav" => Some(15),
        _ => None,
    };
    let number = lower.trim_end_matches('%').trim_end().replace(',', ".");
    let is_share = number.contains('.') && !lower.ends_with('%');
    // A share has a point, or it would be one in a hundred.
    let scaled = |number: f64| if is_share && number <= 1.0 { number * 100.0 } else { number };
    let number = number.parse::<f64>().ok().map(|number| scaled(number).round());
    let percent =
        number.filter(|number| (0.0..=100.0).contains(number)).and_then(|number| format!("{number}").parse().ok());
    word.or(percent).ok_or_else(|| {
        format!(
            "is not imported: its confidence \"{}\" is none of 0-100, 0.0-1.0, a percentage, low, medium, high",
            lines::word(text)
        )
    })
}

fn severity(text: &str) -> Result<Severity, String> {
    Ok(match text.trim().to_lowercase().as_str() {
        "info" | "informational" => Severity::Info,
        "low" | "lav" => Severity::Low,
        "medium" | "moderate" | "middels" => Severity::Medium,
        "high" | "høy" | "hoy" => Severity::High,
        "critical" | "kritisk" => Severity::Critical,
        _ => {
            return Err(format!(
                "is not imported: its severity \"{}\" is none of info, low, medium, high, critical",
                lines::word(text)
            ));
        }
    })
}

/// A time as RFC 3339 has it, or with a space between, in UTC where nothing is said; or a day, which is its beginning.
fn moment(text: &str) -> Result<Timestamp, String> {
    let text = text.trim().trim_end_matches(" UTC");
    let of = |text: String| text.parse::<Timestamp>().ok();
    let with_t = text.replacen(' ', "T", 1);
    let found = of(with_t.clone()).or_else(|| of(format!("{with_t}Z"))).or_else(|| of(format!("{with_t}T00:00:00Z")));
    found.ok_or_else(|| {
        format!(
            "is not imported: \"{}\" is no time that is read here; write 2026-11-21T14:05:00Z or 2026-11-21",
            lines::word(text)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_sure_how_bad_and_how_long_is_read_as_people_write_it_and_never_guessed() {
        for (text, want) in [
            ("80", Some(80)),
            ("0,9", Some(90)),
            ("0.5", Some(50)),
            ("90 %", Some(90)),
            ("90%", Some(90)),
            ("High", Some(85)),
            ("1", Some(1)),
            ("1.0", Some(100)),
            ("0", Some(0)),
            ("101", None),
            ("NaN", None),
            ("-1", None),
            ("veldig", None),
        ] {
            assert_eq!(sure(text).ok(), want, "{text}");
        }
        assert_eq!(
            (severity("Høy").ok(), severity("critical").ok(), severity("ille").ok()),
            (Some(Severity::High), Some(Severity::Critical), None)
        );
        for text in
            ["2026-11-21T14:05:00Z", "2026-11-21 14:05:00", "2026-11-21 14:05:00 UTC", "2026-11-21T15:05:00+01:00"]
        {
            assert_eq!(moment(text), "2026-11-21T14:05:00Z".parse().map_err(|_| String::new()), "{text}");
        }
        assert_eq!(moment("2026-11-21").ok(), "2026-11-21T00:00:00Z".parse().ok());
        assert!(moment("21.11.2026").is_err() && moment("snart").is_err());
    }
}
