//! What an import says of itself in words: for the audit, and what to do about a list of which much could not be read.

use super::import::ImportArguments;
use crate::intel::canonical::About;
use crate::intel::format::Format;
use crate::io::intake::Intake;

/// What is imported, in words, without any indicator.
pub(super) fn in_words(
    name: &str,
    intake: &Intake,
    format: Format,
    source: &str,
    about: &About,
    arguments: &ImportArguments,
) -> String {
    let About { threat, severity, confidence, tlp, pap, valid_from, valid_until, exercise: _, details: _ } = about;
    let mut words = format!("{name}, {} bytes, SHA-256 {}, read as {format}", intake.octets, intake.sha256);
    for (what, value) in [
        ("source", (source != name).then(|| source.to_owned())),
        ("threat", threat.clone()),
        ("severity", severity.map(|severity| severity.as_str().to_owned())),
        ("confidence", confidence.map(|confidence| confidence.to_string())),
        ("marked", tlp.map(|tlp| tlp.to_string())),
        ("marked", pap.map(|pap| pap.to_string())),
        ("valid from", valid_from.map(|at| at.to_string())),
        ("valid until", valid_until.map(|at| at.to_string())),
        ("exercise", arguments.exercise.map(|is| if is { "yes" } else { "no" }.to_owned())),
        ("all that the source says", arguments.replace.then(|| "yes".to_owned())),
        ("however much is withdrawn", arguments.allow_shrink.then(|| "yes".to_owned())),
    ] {
        if let Some(value) = value {
            words.push_str(&format!("; {what} {value}"));
        }
    }
    words
}

/// The end of a sentence on what was left out, where it was more than a third of the lines: people save what they were sent as a
/// text, and a text has a format of its own.
pub(super) fn rather_text(format: Format, left_out: u64, taken: u64) -> &'static str {
    let is_much = left_out.saturating_mul(2) > taken && left_out > 0;
    match format {
        Format::Plain if is_much => "; if it is a text rather than a list: --format prose --dry-run",
        Format::Plain
        | Format::Stix
        | Format::Misp
        | Format::Zeek
        | Format::Rpz
        | Format::Suricata
        | Format::Hosts
        | Format::Csv
        | Format::Urlhaus
        | Format::Threatfox
        | Format::Feodo
        | Format::Prose => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p3_who_imports_a_text_as_a_list_is_told_how_to_import_a_text() {
        assert!(rather_text(Format::Plain, 2, 3).contains("--format prose --dry-run"));
        assert!(rather_text(Format::Plain, 1, 0).contains("--format prose"));
        for (format, left_out, taken) in [(Format::Plain, 1, 2), (Format::Plain, 0, 0), (Format::Hosts, 9, 1)] {
            assert_eq!(rather_text(format, left_out, taken), "", "{format}");
        }
    }
}
