//! The certificate of a deletion as a page of text, in the language the member is written to in.

use super::shown::{Calendar, Shown, number};
use super::text::{Language, Texts};
use crate::departure::{Certificate, Deleted};
use crate::profile;

/// The screens' language for a member's form of Norwegian; bokmål where it has chosen neither.
pub fn language(form: profile::Language) -> Language {
    match form {
        profile::Language::Nynorsk => Language::Nynorsk,
        profile::Language::Bokmaal | profile::Language::Neutral => Language::Bokmaal,
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The certificate, for people; `overwritten` where nothing of what was deleted stands in the database's log any more.
pub fn text(certificate: &Certificate, language: Language, overwritten: bool) -> String {
    let (texts, calendar) = (Texts::of(language), Calendar::new(language));
    let shown = |text: &str| Shown::of(text).as_str().to_owned();
    let Certificate { number: of, name, former_numbers, operator, deleted_at, program, deleted, .. } = certificate;
    let mut lines = vec![texts.say("deletion-title"), String::new()];
    let whose = [("name", shown(name)), ("number", shown(of))];
    let whose: Vec<(&str, &str)> = whose.iter().map(|(place, word)| (*place, word.as_str())).collect();
    lines.push(texts.with("deletion-whose", &whose));
    if !former_numbers.is_empty() {
        lines.push(texts.with("deletion-former", &[("numbers", shown(&former_numbers.join(", ")).as_str())]));
    }
    let what = if overwritten { "deletion-what" } else { "deletion-what-in-log" };
    let at = calendar.moment(*deleted_at);
    let (operator, program) = (shown(operator), shown(program));
    let by = [("operator", operator.as_str()), ("at", at.shown.as_str()), ("program", program.as_str())];
    lines.extend([texts.with("deletion-by", &by), String::new(), texts.say(what)]);
    let Deleted {
        members,
        contacts,
        addresses,
        sensors,
        sites,
        accounts,
        alerts,
        incidents,
        records,
        heartbeats,
        events,
        campaigns,
    } = *deleted;
    for (key, count) in [
        ("deletion-members", members),
        ("deletion-contacts", contacts),
        ("deletion-addresses", addresses),
        ("deletion-sensors", sensors),
        ("deletion-sites", sites),
        ("deletion-accounts", accounts),
        ("deletion-alerts", alerts),
        ("deletion-incidents", incidents),
        ("deletion-records", records),
        ("deletion-heartbeats", heartbeats),
        ("deletion-events", events),
    ] {
        lines.push(format!("- {}: {}", texts.say(key), number(whole(count))));
    }
    lines.extend([String::new(), texts.say("deletion-kept")]);
    lines.push(format!("- {}", texts.say("deletion-kept-departure")));
    let audit_until = calendar.moment(certificate.audit_until);
    let audit = texts.with("deletion-kept-audit", &[("until", audit_until.shown.as_str())]);
    lines.push(format!("- {audit}"));
    if campaigns > 0 {
        lines.push(format!("- {}", texts.count("deletion-kept-campaigns", whole(campaigns))));
    }
    let until = calendar.moment(certificate.backups_until);
    lines.extend([String::new(), texts.with("deletion-backups", &[("until", until.shown.as_str())])]);
    if !certificate.copies.is_empty() {
        lines.push(texts.with("deletion-copies", &[("copies", shown(&certificate.copies.join(", ")).as_str())]));
    }
    lines.extend([String::new(), texts.say("deletion-sensor")]);
    if !certificate.exported.is_empty() {
        lines.extend([String::new(), texts.say("deletion-exported")]);
        for file in &certificate.exported {
            lines.push(format!("- {}  {}", file.sha256, shown(&file.name)));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::departure::{Exported, FORMAT, Row};
    use varde_common::time::Timestamp;

    #[test]
    fn a_certificate_says_what_is_gone_and_what_is_left_in_every_language() {
        let at = Timestamp(1_795_219_200_000_000);
        let exported = Exported { name: "alerts.jsonl".to_owned(), octets: 3, sha256: "ab".repeat(32) };
        let certificate = Certificate {
            format: FORMAT,
            number: "3407".to_owned(),
            name: "Gjøvik\u{202e}".to_owned(),
            former_numbers: vec!["0502".to_owned()],
            operator: "Prøve-CSIRT".to_owned(),
            deleted_at: at,
            program: "0.1.0".to_owned(),
            deleted: Deleted { members: 1, accounts: 4_321, alerts: 12_345, campaigns: 2, ..Deleted::default() },
            exported: vec![exported],
            backups_until: at.plus(std::time::Duration::from_secs(35 * 86_400)),
            audit_until: at.plus(crate::limits::AUDIT_KEPT),
            copies: vec!["before-upgrade-6.sqlite".to_owned()],
            rows: vec![Row { id: 1, added_at: at }],
        };
        for (language, part, audit) in [
            (Language::Bokmaal, "Sikkerhetskopier", "revisjonsloggen"),
            (Language::Nynorsk, "Tryggingskopiar", "revisjonsloggen"),
            (Language::English, "Backups", "in the audit"),
        ] {
            let said = text(&certificate, language, true);
            let english = language == Language::English;
            let overwritten = match language {
                Language::Bokmaal => "slettet og overskrevet",
                Language::Nynorsk => "sletta og skrive over",
                Language::English => "deleted, and overwritten",
            };
            let until = if english { "26 Dec 2026" } else { "26.12.2026" };
            let audit_until = if english { "21 Nov 2028" } else { "21.11.2028" };
            for part in [
                part,
                audit,
                until,
                audit_until,
                "3407",
                "0502",
                "4\u{a0}321",
                "12\u{a0}345",
                "before-upgrade-6.sqlite",
                "alerts.jsonl",
                "wipe",
            ] {
                assert!(said.contains(part), "{part}:\n{said}");
            }
            assert!(!said.contains('\u{202e}'), "foreign text is made visible");
            // Only what is so is said to be.
            let in_log = text(&certificate, language, false);
            assert!(said.contains(overwritten) && !in_log.contains(overwritten), "{in_log}");
            assert!(in_log.lines().count() == said.lines().count());
        }
        let json = serde_json::to_string(&certificate).unwrap();
        assert_eq!(serde_json::from_str::<Certificate>(&json).unwrap(), certificate);
    }
}
