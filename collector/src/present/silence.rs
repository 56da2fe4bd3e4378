//! What keeps a sensor from seeing or from being heard, in words: on its page and on its member's.

use super::shown::{Moment, Shown, number, span};
use super::text::Texts;
use super::view::Reader;
use crate::sight::Side;
use crate::silence::Facts;
use crate::store::Scope;
use crate::store::silence::SilenceRow;
use varde_common::message::Exclusions;

/// An operational incident's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceLine {
    /// Its number, which commands ask for; none for a member.
    pub number: Option<i64>,
    /// The sensor.
    pub sensor: i64,
    /// Since when.
    pub from: Moment,
    /// Until when; none = it stands.
    pub to: Option<Moment>,
    /// What is wrong, and what to do.
    pub words: String,
    /// Whose it is, in words; none for a member, and where it is nobody's.
    pub owner: Option<String>,
    /// What was written down of it.
    pub notes: Vec<NoteLine>,
}

/// A note on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLine {
    /// When it was written.
    pub at: Moment,
    /// Who wrote it.
    pub who: Shown,
    /// In their words.
    pub text: Shown,
    /// It is for nobody but the CSIRT.
    pub csirt_only: bool,
}

/// What is said of sensors, those that stand first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceView {
    /// How many stand.
    pub standing: usize,
    /// The lines.
    pub lines: Vec<SilenceLine>,
}

impl SilenceView {
    /// From what is stored.
    pub fn of(rows: &[SilenceRow], scope: Scope, reader: &Reader) -> SilenceView {
        let line = |row: &SilenceRow| SilenceLine {
            number: Some(row.id).filter(|_| scope == Scope::Operator),
            sensor: row.sensor,
            from: reader.calendar.moment(row.began_at),
            to: row.ended_at.map(|at| reader.calendar.moment(at)),
            words: in_words(row, reader.texts),
            owner: row
                .owner
                .as_ref()
                .map(|owner| reader.texts.with("said-assigned", &[("owner", Shown::of(owner).as_str())])),
            notes: row
                .notes
                .iter()
                .map(|note| NoteLine {
                    at: reader.calendar.moment(note.at),
                    who: Shown::of(note.who.as_deref().unwrap_or("Varde")),
                    text: Shown::of(&note.text),
                    csirt_only: !note.for_members,
                })
                .collect(),
        };
        SilenceView {
            standing: rows.iter().filter(|row| row.ended_at.is_none()).count(),
            lines: rows.iter().map(line).collect(),
        }
    }
}

/// One as a sentence, with its numbers.
pub fn in_words(row: &SilenceRow, texts: &Texts) -> String {
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let said = match row.facts {
        Facts::Unheard { session: false } => texts.say("silence-unheard"),
        Facts::Unheard { session: true } => texts.say("silence-stalled"),
        Facts::Deaf { packets: 0 } => texts.say("silence-deaf-ever"),
        Facts::Deaf { packets } => texts.with("silence-deaf", &[("packets", &number(whole(packets)))]),
        Facts::Dropping { dropped, frames } => {
            texts.numbers("silence-dropping", &[("dropped", whole(dropped)), ("total", whole(frames))])
        }
        Facts::OldList { held: 0, newest } => texts.numbers("silence-no-list", &[("newest", newest)]),
        Facts::OldList { held, newest } if held == newest => texts.numbers("silence-list-over", &[("held", held)]),
        Facts::OldList { held, newest } => texts.numbers("silence-old-list", &[("held", held), ("newest", newest)]),
        Facts::ClockSkew { offset_us } => {
            let off = span(texts, offset_us.unsigned_abs() / 1_000_000);
            let key = if offset_us < 0 { "silence-clock-ahead" } else { "silence-clock-behind" };
            texts.with(key, &[("span", &off)])
        }
        Facts::OneClient { alerts, by_resolver: true, .. } => {
            texts.numbers("silence-one-resolver", &[("alerts", whole(alerts))])
        }
        Facts::OneClient { alerts, indicators, by_resolver: false } => {
            texts.numbers("silence-one-client", &[("alerts", whole(alerts)), ("indicators", whole(indicators))])
        }
        Facts::OneWay { heard, alone, of } => {
            let key = match heard {
                Side::Inside => "silence-one-way-out",
                Side::Outside => "silence-one-way-in",
                Side::Either => "silence-one-way",
                Side::Questions => "silence-one-way-questions",
                Side::Responses => "silence-one-way-responses",
            };
            texts.numbers(key, &[("alone", whole(alone)), ("total", whole(of))])
        }
        Facts::Narrowed { before, after } => {
            let sizes = sizes_in_words(&before, &after, texts);
            // Where one interface took another's place nothing need be left out that was not.
            let are_alike = Exclusions { digest: 0, ..before } == Exclusions { digest: 0, ..after };
            let sizes: &[(&str, &str)] = &[("sizes", &sizes)];
            if are_alike { texts.with("silence-altered", sizes) } else { texts.with("silence-narrowed", sizes) }
        }
    };
    match row.times {
        ..=1 => said,
        times => format!("{said} {}", texts.count("silence-times", times)),
    }
}

/// Which sizes are others than before, each with both numbers; where none is, that others are left out.
pub fn sizes_in_words(before: &Exclusions, after: &Exclusions, texts: &Texts) -> String {
    let sizes = |exclusions: &Exclusions| {
        let Exclusions {
            sources,
            shares,
            inside_v4,
            inside_v6,
            resolvers,
            sinkholes,
            dns_ports,
            data_out_octets,
            frequent_hosts,
            digest: _,
        } = *exclusions;
        [
            ("narrowed-sources", u64::from(sources)),
            ("narrowed-shares", u64::from(shares)),
            ("narrowed-inside-v4", inside_v4),
            ("narrowed-inside-v6", inside_v6),
            ("narrowed-resolvers", u64::from(resolvers)),
            ("narrowed-sinkholes", u64::from(sinkholes)),
            ("narrowed-dns-ports", u64::from(dns_ports)),
            ("narrowed-data-out", u64::from(data_out_octets)),
            ("narrowed-frequent-hosts", frequent_hosts),
        ]
    };
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let changed: Vec<String> = sizes(before)
        .into_iter()
        .zip(sizes(after))
        .filter(|((_, was), (_, is))| was != is)
        .map(|((key, was), (_, is))| texts.numbers(key, &[("before", whole(was)), ("after", whole(is))]))
        .collect();
    if changed.is_empty() { texts.say("narrowed-others") } else { changed.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::shown::Calendar;
    use crate::present::text::Language;
    use varde_common::time::Timestamp;

    fn row(facts: Facts, ended_at: Option<Timestamp>, times: i64) -> SilenceRow {
        let at = Timestamp(1_795_219_200_000_000);
        SilenceRow {
            id: 1,
            owner: None,
            notes: Vec::new(),
            sensor: 3,
            member: None,
            facts,
            began_at: at,
            found_at: at,
            last_at: at,
            ended_at,
            ended_why: None,
            times,
        }
    }

    #[test]
    fn h1_each_kind_has_its_own_sentence_with_its_numbers_in_every_language() {
        let facts = [
            Facts::Unheard { session: false },
            Facts::Unheard { session: true },
            Facts::Deaf { packets: 0 },
            Facts::Deaf { packets: 17 },
            Facts::Dropping { dropped: 17, frames: 99 },
            Facts::OldList { held: 0, newest: 17 },
            Facts::OldList { held: 17, newest: 17 },
            Facts::OldList { held: 16, newest: 17 },
            Facts::ClockSkew { offset_us: 17_000_000 },
            Facts::ClockSkew { offset_us: -17_000_000 },
            Facts::OneClient { alerts: 17, indicators: 9, by_resolver: true },
            Facts::OneClient { alerts: 17, indicators: 9, by_resolver: false },
            Facts::OneWay { heard: Side::Inside, alone: 17, of: 19 },
            Facts::OneWay { heard: Side::Outside, alone: 17, of: 19 },
            Facts::OneWay { heard: Side::Either, alone: 17, of: 19 },
            Facts::OneWay { heard: Side::Questions, alone: 17, of: 19 },
            Facts::OneWay { heard: Side::Responses, alone: 17, of: 19 },
            Facts::Narrowed {
                before: Exclusions::default(),
                after: Exclusions { sinkholes: 17, ..Exclusions::default() },
            },
        ];
        for language in Language::ALL {
            let texts = Texts::of(language);
            let mut said: Vec<String> = facts.iter().map(|facts| in_words(&row(*facts, None, 1), texts)).collect();
            assert!(said.iter().skip(3).all(|said| said.contains("17")), "{said:?}");
            said.sort();
            said.dedup();
            assert_eq!(said.len(), facts.len(), "{language:?}");
            let again = in_words(&row(facts[0], None, 4), texts);
            assert!(again.contains('4') && again.len() > said[0].len() / 2, "{again}");
        }
    }

    #[test]
    fn t7_each_size_that_grew_is_told_with_both_numbers_and_others_of_the_same_size_too() {
        let before = Exclusions { sources: 3, dns_ports: 3, ..Exclusions::default() };
        let grown = [
            Exclusions { sources: 17, ..before },
            Exclusions { shares: true, ..before },
            Exclusions { inside_v4: 17, ..before },
            Exclusions { inside_v6: 17, ..before },
            Exclusions { resolvers: 17, ..before },
            Exclusions { sinkholes: 17, ..before },
            Exclusions { dns_ports: 17, ..before },
            Exclusions { data_out_octets: 17, ..before },
            Exclusions { frequent_hosts: 17, ..before },
            Exclusions { digest: 17, ..before },
        ];
        for language in Language::ALL {
            let texts = Texts::of(language);
            let mut said: Vec<String> = grown
                .iter()
                .map(|after| in_words(&row(Facts::Narrowed { before, after: *after }, None, 1), texts))
                .collect();
            for (at, said) in said.iter().enumerate() {
                assert!(at == 1 || at == 9 || said.contains("17"), "{said}");
                assert!(said.contains("silence accept"), "the remedy: {said}");
            }
            said.sort();
            said.dedup();
            assert_eq!(said.len(), grown.len(), "{language:?}");
        }
        let both = Exclusions { inside_v4: 1 << 32, sinkholes: 2, digest: 5, ..before };
        let said = in_words(&row(Facts::Narrowed { before, after: both }, None, 1), Texts::of(Language::English));
        assert!(said.contains(&number(1 << 32)) && said.contains("; "), "{said}");
        let renamed = Exclusions { digest: 5, ..before };
        for (after, is_more) in [(both, true), (renamed, false)] {
            let said = in_words(&row(Facts::Narrowed { before, after }, None, 1), Texts::of(Language::English));
            assert_eq!(said.contains("leave out more"), is_more, "{said}");
        }
    }

    #[test]
    fn what_stands_is_told_from_what_is_over() {
        let language = Language::Bokmaal;
        let now = Timestamp(1_795_222_800_000_000);
        let reader = Reader { texts: Texts::of(language), calendar: Calendar::new(language), now };
        let rows = [row(Facts::Deaf { packets: 0 }, None, 1), row(Facts::Deaf { packets: 0 }, Some(now), 1)];
        let view = SilenceView::of(&rows, Scope::Member(1), &reader);
        assert_eq!((view.standing, view.lines.len()), (1, 2));
        assert_eq!((&view.lines[0].to, &view.lines[0].owner, view.lines[0].notes.len()), (&None, &None, 0));
        assert_ne!(view.lines[1].to.as_ref().unwrap().shown, view.lines[1].from.shown);
    }
}
