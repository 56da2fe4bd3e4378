//! The list of indicators: what each is, who says so, until when, and what it has met so far of those who could.

use url::form_urlencoded;

use crate::api::SEVERITIES;
use crate::filter::read::Trouble;
use crate::filter::{Filter, List};
use crate::limits::desk::{INDICATORS_COUNTED_MAX, INDICATORS_WITHIN_MAX};
use crate::present::desk::asked::INDICATORS_EXAMPLE;
use crate::present::desk::bar::Chip;
use crate::present::desk::sentence;
use crate::present::shown::{Moment, Shown, number};
use crate::present::view::{Grade, IndicatorView, Reader, kind_words, size};
use crate::store::Scope;
use crate::store::desk::indicators::{IndicatorsPage, Listed};
use crate::store::sent::Sent;

/// What the address of the list asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What narrows it.
    pub filter: Filter,
    /// As it was typed.
    pub typed: String,
    /// What of it was not understood.
    pub troubles: Vec<Trouble>,
    /// What is withdrawn is in it too.
    pub all: bool,
    /// Below which number it begins.
    pub before: Option<i64>,
}

impl Asked {
    /// Reads a query; what is not understood counts for nothing and is told.
    pub fn read(query: &str) -> Asked {
        let value = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let typed = value("q").unwrap_or_default();
        let (filter, troubles) = Filter::read(&typed, List::Indicators);
        let before = value("etter").and_then(|text| text.parse().ok()).filter(|number| *number > 0);
        Asked { filter, typed, troubles, all: value("vis").as_deref() == Some("alt"), before }
    }

    /// The address of the same with another filter or extent, from where it begins or behind a row.
    fn address(filter: &Filter, all: bool, before: Option<i64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !filter.tokens.is_empty() {
            query.append_pair("q", &filter.canonical());
        }
        if all {
            query.append_pair("vis", "alt");
        }
        if let Some(before) = before {
            query.append_pair("etter", &before.to_string());
        }
        let (path, query) = (List::Indicators.path(), query.finish());
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub indicator: IndicatorView,
    /// How bad, by its sources.
    pub grade: Grade,
    /// Who says so; of nobody that the reader is told of nothing.
    pub sources: Shown,
    /// Until when it is looked for, as far as is known; none = without an end.
    pub until: Option<Moment>,
    /// It takes part in an exercise.
    pub exercise: bool,
    /// How it stands: published, not yet, withdrawn, recalled.
    pub state: String,
    /// What it has met, with what that is of.
    pub met: String,
}

/// How it stands with one, in a word or two.
pub fn state(listed: &Listed, reader: &Reader) -> String {
    let (texts, row) = (reader.texts, &listed.row);
    match (row.recalled_at, row.withdrawn_at, row.published_in) {
        (Some(_), _, _) => texts.say("intel-state-recalled"),
        (None, Some(_), _) => texts.say("intel-state-withdrawn"),
        (None, None, Some(_)) => texts.say("intel-state-published"),
        (None, None, None) => texts.say("intel-state-unpublished"),
    }
}

/// What it has met so far, of those who could have: never a bare zero.
pub fn met(listed: &Listed, watched: i64, scope: Scope, reader: &Reader) -> String {
    let (texts, Listed { row, members, alerts }) = (reader.texts, listed);
    match (scope, *alerts, row.published_in) {
        (Scope::Member(_), alerts, _) => texts.count("intel-met-own", alerts),
        (Scope::Operator, 0, None) => texts.say("intel-met-not-out"),
        (Scope::Operator, 0, Some(_)) => texts.count("intel-met-none", watched),
        (Scope::Operator, alerts, _) => {
            let of = texts.numbers("intel-met-of", &[("members", *members), ("watched", watched)]);
            format!("{}, {of}", texts.count("desk-alerts-n", alerts))
        }
    }
}

impl Row {
    /// From what was read.
    pub fn of(listed: &Listed, watched: i64, scope: Scope, reader: &Reader) -> Row {
        let row = &listed.row;
        Row {
            indicator: IndicatorView::of(&listed.facts(), reader.texts),
            grade: Grade::of(level(row.severity), reader.texts),
            sources: Shown::of(&row.sources.join(", ")),
            until: row.lives_until.or(row.valid_until).map(|at| reader.calendar.moment(at)),
            exercise: row.exercise,
            state: state(listed, reader),
            met: met(listed, watched, scope, reader),
        }
    }
}

/// A grade as it is stored, by its word.
pub fn level(word: &str) -> i64 {
    SEVERITIES.iter().position(|known| *known == word).and_then(|place| i64::try_from(place).ok()).unwrap_or(0)
}

/// How many of a source, kind or marking are in the list that is sent to sensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Of what.
    pub of: Shown,
    /// How many, of how many.
    pub words: String,
}

/// What is sent to sensors, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentView {
    /// Which list, since when, how many.
    pub words: String,
    /// By source; one indicator may have several.
    pub sources: Vec<Share>,
    /// By kind.
    pub kinds: Vec<Share>,
    /// By marking.
    pub tlps: Vec<Share>,
}

impl SentView {
    /// From what was counted.
    pub fn of(sent: &Sent, reader: &Reader) -> SentView {
        let texts = reader.texts;
        let of = |count: i64| texts.numbers("intel-sent-of", &[("count", count), ("total", sent.total)]);
        let share = |(of_what, count): (Shown, i64)| Share { of: of_what, words: of(count) };
        let words = texts.with(
            "intel-sent",
            &[
                ("list", &number(sent.revision)),
                ("at", &reader.calendar.moment(sent.published_at).shown),
                ("total", &texts.count("desk-groups-n", sent.total)),
            ],
        );
        let kinds = sent.kinds.iter().map(|(kind, count)| (Shown::of(&kind_words(kind, texts)), *count));
        SentView {
            words,
            sources: sent.sources.iter().map(|(name, count)| share((Shown::of(name), *count))).collect(),
            kinds: kinds.map(share).collect(),
            tlps: sent.tlps.iter().map(|(tlp, count)| share((Shown::of(tlp), *count))).collect(),
        }
    }
}

/// The list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListView {
    /// Its rows.
    pub rows: Vec<Row>,
    /// How many fit.
    pub total: String,
    /// As the filter was typed.
    pub typed: Shown,
    /// Its tokens.
    pub chips: Vec<Chip>,
    /// What was not understood.
    pub troubles: Vec<String>,
    /// A network of the filter holds more than were looked at.
    pub cut: Option<String>,
    /// What is withdrawn is shown, or is not: the address of the other. None for a member.
    pub other: Option<(bool, String)>,
    /// The next page.
    pub next: Option<String>,
    /// What may be typed.
    pub example: &'static str,
    /// What is sent to sensors; none where no list is published.
    pub sent: Option<SentView>,
    /// The reader is at the response team.
    pub is_operator: bool,
}

impl ListView {
    /// From what was asked and read.
    pub fn of(asked: &Asked, page: &IndicatorsPage, sent: Option<&Sent>, scope: Scope, reader: &Reader) -> ListView {
        let (texts, Asked { filter, all, .. }) = (reader.texts, asked);
        let chips = filter.tokens.iter().enumerate().map(|(place, token)| {
            let text = Shown::of(&token.to_text(texts.language()));
            Chip {
                label: texts.with("desk-chip-remove", &[("token", text.as_str())]),
                text,
                address: Asked::address(&filter.without(place), *all, None),
            }
        });
        let is_operator = scope == Scope::Operator;
        let is_much = page.total > INDICATORS_COUNTED_MAX;
        let most = number(INDICATORS_COUNTED_MAX);
        ListView {
            rows: page.items.iter().map(|listed| Row::of(listed, page.watched, scope, reader)).collect(),
            total: match (page.total, is_operator, filter.tokens.is_empty()) {
                (0, true, true) => texts.say("intel-none"),
                (0, false, true) => texts.say("intel-none-own"),
                (0, _, false) => texts.say("intel-none-fit"),
                (_, _, _) if is_much => texts.with("intel-total-more", &[("most", &most)]),
                (total, true, _) => texts.count("intel-total", total),
                (total, false, _) => texts.count("intel-total-own", total),
            },
            typed: match asked.troubles.is_empty() {
                true => Shown::of(&filter.to_text(texts.language())),
                false => Shown::of(&asked.typed),
            },
            chips: chips.collect(),
            troubles: asked.troubles.iter().map(|one| sentence::trouble(one, List::Indicators, texts)).collect(),
            cut: page
                .is_cut
                .then(|| texts.with("intel-network-cut", &[("most", &number(size(INDICATORS_WITHIN_MAX)))])),
            other: (is_operator && !filter.asks_for_status()).then(|| (*all, Asked::address(filter, !*all, None))),
            next: page.next.map(|before| Asked::address(filter, *all, Some(before))),
            example: INDICATORS_EXAMPLE,
            sent: sent.map(|sent| SentView::of(sent, reader)),
            is_operator,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_asked_and_is_read_as_it_was_written() {
        let asked = Asked::read("q=tlp%3Aamber+-kilde%3Ancsc&vis=alt&etter=17");
        assert_eq!((asked.all, asked.before, asked.troubles.len()), (true, Some(17), 0));
        let again = Asked::address(&asked.filter, asked.all, asked.before);
        let (_, query) = again.split_once('?').unwrap();
        assert_eq!(Asked::read(query).filter, asked.filter);
        assert_eq!(Asked::address(&Filter::default(), false, None), "/indikatorer");
        let asked = Asked::read("q=medlem%3A3407&etter=-3");
        assert_eq!((asked.before, asked.troubles.len()), (None, 1), "members are asked of alerts");
    }
}
