//! Filter tokens: what an analyst types to narrow a list, as conditions, and written back as it was meant.
//!
//! ```text
//! medlem:3407 -kilde:"NCSC feed" tlp:amber langt:kontakt+ alvor:høy,kritisk status:ny øvelse:nei 192.0.2.0/24 fri tekst
//! ```
//! A token in front of which `-` stands leaves out what it fits. Several values with commas between are alternatives; a `+` behind a grade
//! or a stage means that and more. What stands alone is looked for in names; a network finds addresses within it.
//! [`read`](mod@read) takes it apart, [`words`] knows the words of every language.

pub mod read;
pub mod words;

use ipnet::IpNet;
use varde_common::tlp::Tlp;

use crate::present::text::Language;
use words::{EVIDENCE, KEYS, KINDS, Key, SEVERITIES, STATUSES, YES_NO};

/// A list that is filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Alerts, by indicator.
    Alerts,
    /// Incidents.
    Incidents,
    /// Campaigns.
    Campaigns,
    /// Indicators.
    Indicators,
}

impl List {
    /// Those of which alerts and cases are listed: what is found there is handled there, and views of them are saved.
    pub const ALL: [List; 3] = [List::Alerts, List::Incidents, List::Campaigns];

    /// Its address.
    pub fn path(self) -> &'static str {
        match self {
            List::Alerts => "/alarmer",
            List::Incidents => "/saker",
            List::Campaigns => "/kampanjer",
            List::Indicators => "/indikatorer",
        }
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            List::Alerts => "alerts",
            List::Incidents => "incidents",
            List::Campaigns => "campaigns",
            List::Indicators => "indicators",
        }
    }

    /// Of that word.
    pub fn named(word: &str) -> Option<List> {
        List::ALL.into_iter().find(|list| list.as_str() == word)
    }
}

/// How the work on something stands, as a filter asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nobody has said anything of it.
    New,
    /// Of alerts: somebody has looked at them.
    Acknowledged,
    /// Of cases: somebody has looked at it.
    Triaged,
    /// It is what it seems.
    Confirmed,
    /// It does no more harm.
    Contained,
    /// Nothing is left to do.
    Closed,
    /// The indicator is wrong.
    FalsePositive,
    /// The traffic is wanted.
    Legitimate,
    /// Hidden for a time.
    Muted,
    /// Of indicators: it has been in a published list and stands.
    Published,
    /// It never was, and stands.
    Unpublished,
    /// No source says so any more.
    Withdrawn,
    /// It is kept out of every list.
    Recalled,
}

/// What one token asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum What {
    /// Members, by number or by the beginning of a name.
    Member(Vec<String>),
    /// Sources, by a part of their names.
    Source(Vec<String>),
    /// Threats, by a part of their names.
    Threat(Vec<String>),
    /// Markings.
    Tlp(Vec<Tlp>),
    /// How far it got: places of [`EVIDENCE`], in rising order.
    Evidence(Vec<usize>),
    /// How bad: places of [`SEVERITIES`], in rising order.
    Severity(Vec<usize>),
    /// How the work stands.
    Status(Vec<Status>),
    /// Kinds of indicators: places of [`KINDS`].
    Kind(Vec<usize>),
    /// Part of an exercise, or not.
    Exercise(bool),
    /// Found in history, or not.
    History(bool),
    /// Whose it is, by a part of a name; none = nobody's.
    Owner(Vec<Option<String>>),
    /// Indicators by number.
    Indicator(Vec<i64>),
    /// Campaigns by number.
    Campaign(Vec<i64>),
    /// Addresses within it.
    Network(IpNet),
    /// A part of a name.
    Text(String),
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token {
    /// What fits is left out.
    pub not: bool,
    /// What it asks for.
    pub what: What,
}

/// All of a filter. What is to be shown fits every token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// In the order in which they were typed.
    pub tokens: Vec<Token>,
}

/// A value as it is typed: in quotation marks where it would fall apart.
fn quoted(value: &str) -> String {
    let falls_apart = |c: char| c.is_whitespace() || matches!(c, ',' | '"' | ':');
    if value.is_empty() || value.starts_with('-') || value.contains(falls_apart) {
        format!("\"{}\"", value.replace('"', ""))
    } else {
        value.to_owned()
    }
}

/// Places of words that rise: `høy+` where they are all from one to the last.
fn rising(places: &[usize], words: &[words::Word], language: Language) -> String {
    let said = |place: &usize| words.get(*place).map_or("", |word| word.said(language));
    match (places, places.last()) {
        ([first, .., _], Some(last)) if last + 1 == words.len() && places.len() == words.len() - first => {
            format!("{}+", said(first))
        }
        _ => places.iter().map(said).collect::<Vec<_>>().join(","),
    }
}

impl Token {
    /// As it is typed in this language.
    pub fn to_text(&self, language: Language) -> String {
        let key = |key: Key| KEYS.iter().find(|(known, _)| *known == key).map_or("", |(_, word)| word.said(language));
        let list = |values: &[String]| values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(",");
        let numbers = |values: &[i64]| values.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let [is, is_not] = YES_NO;
        let yes_no = |yes: bool| if yes { is } else { is_not }.said(language).to_owned();
        let (key, value) = match &self.what {
            What::Member(values) => (key(Key::Member), list(values)),
            What::Source(values) => (key(Key::Source), list(values)),
            What::Threat(values) => (key(Key::Threat), list(values)),
            What::Tlp(values) => {
                let short = |tlp: &Tlp| tlp.to_string().trim_start_matches("TLP:").to_ascii_lowercase();
                (key(Key::Tlp), values.iter().map(short).collect::<Vec<_>>().join(","))
            }
            What::Evidence(places) => (key(Key::Evidence), rising(places, EVIDENCE, language)),
            What::Severity(places) => (key(Key::Severity), rising(places, SEVERITIES, language)),
            What::Status(values) => {
                let said = |status: &Status| {
                    STATUSES.iter().find(|(known, _, _)| known == status).map_or("", |(_, word, _)| word.said(language))
                };
                (key(Key::Status), values.iter().map(said).collect::<Vec<_>>().join(","))
            }
            What::Kind(places) => {
                let said = |place: &usize| KINDS.get(*place).map_or("", |word| word.said(language));
                (key(Key::Kind), places.iter().map(said).collect::<Vec<_>>().join(","))
            }
            What::Exercise(yes) => (key(Key::Exercise), yes_no(*yes)),
            What::History(yes) => (key(Key::History), yes_no(*yes)),
            What::Owner(names) => {
                let said = |name: &Option<String>| match name {
                    Some(name) => quoted(name),
                    None => words::NOBODY.said(language).to_owned(),
                };
                (key(Key::Owner), names.iter().map(said).collect::<Vec<_>>().join(","))
            }
            What::Indicator(ids) => (key(Key::Indicator), numbers(ids)),
            What::Campaign(ids) => (key(Key::Campaign), numbers(ids)),
            What::Network(network) => ("", network.to_string()),
            What::Text(text) => ("", quoted(text)),
        };
        let not = if self.not { "-" } else { "" };
        if key.is_empty() { format!("{not}{value}") } else { format!("{not}{key}:{value}") }
    }
}

impl Filter {
    /// As it is typed in this language.
    pub fn to_text(&self, language: Language) -> String {
        self.tokens.iter().map(|token| token.to_text(language)).collect::<Vec<_>>().join(" ")
    }

    /// As addresses and saved views hold it, the same whoever reads.
    pub fn canonical(&self) -> String {
        self.to_text(Language::Bokmaal)
    }

    /// All but the token at this place.
    #[must_use]
    pub fn without(&self, place: usize) -> Filter {
        let rest = self.tokens.iter().enumerate().filter(|(other, _)| *other != place);
        Filter { tokens: rest.map(|(_, token)| token.clone()).collect() }
    }

    /// This and one more, unless it is there.
    #[must_use]
    pub fn with(&self, token: Token) -> Filter {
        let mut filter = self.clone();
        if !filter.tokens.contains(&token) {
            filter.tokens.push(token);
        }
        filter
    }

    /// Whether it says which status is wanted: then nothing is hidden beside that. One that is left out asks for none.
    pub fn asks_for_status(&self) -> bool {
        self.tokens.iter().any(|token| !token.not && matches!(token.what, What::Status(_)))
    }
}

#[cfg(test)]
mod tests;
