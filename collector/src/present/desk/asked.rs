//! What the address of a list asks for, all of it in the query: tokens, range, whether what is hidden is shown, where the page begins.

use url::form_urlencoded;
use varde_common::time::Timestamp;

use crate::api::cursor::opened;
use crate::filter::read::Trouble;
use crate::filter::{Filter, List};
use crate::range::{BadRange, Quick, Range};
use crate::store::desk::{Question, USUAL_OF_CASES};

/// A question of a list, and what of it was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Of which list.
    pub list: List,
    /// What it asks.
    pub question: Question,
    /// As the filter was typed.
    pub typed: String,
    /// What of the filter was not understood.
    pub troubles: Vec<Trouble>,
    /// What of the range was not.
    pub bad_range: Option<BadRange>,
    /// The page was to begin behind something, of another question.
    pub bad_cursor: bool,
}

/// What may be typed to narrow indicators.
pub const INDICATORS_EXAMPLE: &str = "kilde:ncsc tlp:amber slag:domene alvor:høy+ status:upublisert 192.0.2.0/24";

/// The range that a list shows unless it is told otherwise.
pub fn usual(list: List) -> Quick {
    match list {
        List::Alerts => Quick::Day,
        List::Incidents | List::Campaigns | List::Indicators => USUAL_OF_CASES,
    }
}

impl Asked {
    /// Reads a query; what is not understood counts for nothing and is told.
    pub fn read(list: List, query: &str, limit: usize, now: Timestamp) -> Asked {
        let value = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let typed = value("q").unwrap_or_default();
        let (filter, troubles) = Filter::read(&typed, list);
        let (quick, from, to) = (value("t"), value("fra"), value("til"));
        let quick = quick.as_deref().filter(|text| !text.is_empty()).unwrap_or(usual(list).as_str());
        let (range, bad_range) = match Range::read(Some(quick), from.as_deref(), to.as_deref(), now) {
            Ok(range) => (range, None),
            Err(why) => (Range::quick(usual(list), now), Some(why)),
        };
        let all = value("vis").as_deref() == Some("alt");
        let mut question = Question { filter, range, all, after: None, limit, now };
        let after = value("etter").filter(|text| !text.is_empty());
        question.after = after.as_deref().and_then(|text| opened(text, &question.name(list)));
        let bad_cursor = after.is_some() && question.after.is_none();
        Asked { list, question, typed, troubles, bad_range, bad_cursor }
    }

    /// The address of this question with another filter, range or extent, from its first page.
    pub fn address(&self, filter: &Filter, range: &Range, all: bool) -> String {
        address(self.list, filter, range, all, &[])
    }

    /// The address of the next page.
    pub fn next(&self, after: &crate::api::cursor::Position) -> String {
        let sealed = after.sealed(&self.question.name(self.list));
        let Question { filter, range, all, .. } = &self.question;
        address(self.list, filter, range, *all, &[("etter", &sealed)])
    }

    /// Its own address, from its first page.
    pub fn own(&self) -> String {
        self.address(&self.question.filter, &self.question.range, self.question.all)
    }

    /// The address of the same as a file.
    pub fn export(&self, form: &str) -> String {
        let Question { filter, range, all, .. } = &self.question;
        let rest = query(self.list, filter, range, *all, &[("form", form)]);
        format!("{}/eksport?{rest}", self.list.path())
    }
}

fn query(list: List, filter: &Filter, range: &Range, all: bool, more: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !filter.tokens.is_empty() {
        query.append_pair("q", &filter.canonical());
    }
    if range.quick != Some(usual(list)) {
        for (name, value) in range.parameters() {
            query.append_pair(name, &value);
        }
    }
    if all {
        query.append_pair("vis", "alt");
    }
    for (name, value) in more {
        query.append_pair(name, value);
    }
    query.finish()
}

/// The address of a list.
pub fn address(list: List, filter: &Filter, range: &Range, all: bool, more: &[(&str, &str)]) -> String {
    let query = query(list, filter, range, all, more);
    if query.is_empty() { list.path().to_owned() } else { format!("{}?{query}", list.path()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::cursor::Position;

    const NOW: Timestamp = Timestamp(1_795_219_200_000_000);

    fn read(query: &str) -> Asked {
        Asked::read(List::Alerts, query, 50, NOW)
    }

    #[test]
    fn all_of_a_question_stands_in_its_address() {
        let query = "q=medlem%3A3407+-kilde%3Ancsc&t=7d&vis=alt";
        let asked = read(query);
        assert_eq!(asked.question.filter.tokens.len(), 2);
        assert_eq!((asked.question.range.quick, asked.question.all), (Some(Quick::Week), true));
        assert_eq!(asked.own(), format!("/alarmer?{query}"));
        assert_eq!(read("").own(), "/alarmer");
        assert_eq!(Asked::read(List::Incidents, "", 50, NOW).question.range.quick, Some(Quick::Month));
        assert_eq!(read("t=9d").bad_range, Some(BadRange::Quick));
        assert_eq!(read("q=medlm%3A1").troubles.len(), 1);
        assert_eq!(asked.export("csv"), format!("/alarmer/eksport?{query}&form=csv"));
    }

    #[test]
    fn the_next_page_goes_on_with_its_own_question_alone() {
        let asked = read("q=evil");
        let next = asked.next(&Position { at: 7, name: "3".to_owned() });
        let again = read(next.split_once('?').unwrap().1);
        assert_eq!(again.question.after, Some(Position { at: 7, name: "3".to_owned() }));
        assert_eq!(again.own(), "/alarmer?q=evil");
        let other = read(&next.split_once('?').unwrap().1.replace("evil", "good"));
        assert!(other.question.after.is_none() && other.bad_cursor);
    }
}
