//! How long what is kept is kept, in words: the one table that the programs obey.

use varde_common::retention::{Kept, Period, Place, TABLE};

use super::text::Texts;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// What.
    pub what: String,
    /// Where it lies.
    pub place: String,
    /// How long.
    pub period: String,
}

/// The table.
pub fn table(texts: &Texts) -> Vec<KeptRow> {
    TABLE.iter().map(|kept| row(kept, texts)).collect()
}

fn row(kept: &Kept, texts: &Texts) -> KeptRow {
    let Kept { what, place, period } = kept;
    KeptRow {
        what: match *what {
            "spool" => texts.say("kept-spool"),
            "spool-waiting" => texts.say("kept-spool-waiting"),
            "hosts" => texts.say("kept-hosts"),
            "alerts" => texts.say("kept-alerts"),
            "counts" => texts.say("kept-counts"),
            "losses" => texts.say("kept-losses"),
            "heartbeats" => texts.say("kept-heartbeats"),
            "sightings" => texts.say("kept-sightings"),
            "audit" => texts.say("kept-audit"),
            "accounts" => texts.say("kept-accounts"),
            "sessions" => texts.say("kept-sessions"),
            "backups" => texts.say("kept-backups"),
            other => other.to_owned(),
        },
        place: match place {
            Place::Sensor => texts.say("kept-sensor"),
            Place::Collector => texts.say("kept-collector"),
        },
        period: match period {
            Period::Hours(hours) => texts.count("kept-hours", i64::from(*hours)),
            Period::Days(days) => texts.count("kept-days", i64::from(*days)),
            Period::Months(months) => texts.count("kept-months", i64::from(*months)),
            Period::Member => texts.say("kept-member"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::Language;

    #[test]
    fn q3_every_line_has_words_in_every_language() {
        for language in Language::ALL {
            for (row, kept) in table(Texts::of(language)).iter().zip(TABLE) {
                assert!(!row.what.contains("kept-") && row.what != kept.what, "{row:?}");
            }
        }
    }

    #[test]
    fn q3_personvern_says_what_the_programs_obey() {
        let text = include_str!("../../../PERSONVERN.md");
        let (_, table_there) = text.split_once("### Fristene i én tabell\n").unwrap();
        let said: Vec<&str> =
            table_there.split("\n\n").find(|part| part.starts_with("| ")).unwrap().lines().skip(2).collect();
        let obeyed: Vec<String> = table(Texts::of(Language::Bokmaal))
            .iter()
            .map(|KeptRow { what, place, period }| format!("| {what} | {place} | {} |", period.replace('\u{a0}', " ")))
            .collect();
        assert_eq!(said, obeyed, "the table in PERSONVERN.md is not that of common/src/retention.rs");
    }
}
