//! What an address of the API may ask for: every parameter with its form, read whole, and refused with a sentence that says what would be
//! right.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::cursor::{Position, opened};
use super::problem::Problem;
use crate::limits::api::{ANSWERS_DEFAULT, TEXT_MAX_OCTETS, VALUES_MAX};

/// The form of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// How many answers at most, up to this many.
    Limit(i64),
    /// Where the answer before ended.
    Cursor,
    /// A moment, RFC 3339.
    Moment,
    /// A day, `2026-11-30`.
    Day,
    /// Yes or no.
    Flag,
    /// One or more of these words, with commas between.
    Words(&'static [&'static str]),
    /// A number from 1 up.
    Number,
    /// A member's number.
    Member,
    /// A name or a value, as it is written elsewhere.
    Text,
}

/// A parameter of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// What it asks for, in a sentence.
    pub what: &'static str,
}

impl Parameter {
    /// The schema of its value, as the document has it.
    pub fn schema(&self) -> Value {
        match self.form {
            Form::Limit(most) => {
                json!({ "type": "integer", "minimum": 1, "maximum": most, "default": ANSWERS_DEFAULT.min(most) })
            }
            Form::Cursor => json!({ "type": "string" }),
            Form::Moment => json!({ "type": "string", "format": "date-time" }),
            Form::Day => json!({ "type": "string", "format": "date" }),
            Form::Flag => json!({ "type": "boolean" }),
            Form::Words(words) => json!({ "type": "array", "items": { "type": "string", "enum": words } }),
            Form::Number => json!({ "type": "integer", "minimum": 1 }),
            Form::Member | Form::Text => json!({ "type": "string", "maxLength": TEXT_MAX_OCTETS }),
        }
    }

    /// What would be right, for whoever wrote something else.
    fn right(&self) -> String {
        match self.form {
            Form::Limit(most) => format!("a number from 1 to {most}"),
            Form::Cursor => "the value of next in an answer to the same question".to_owned(),
            Form::Moment => "a time such as 2026-11-30T12:00:00Z".to_owned(),
            Form::Day => "a day such as 2026-11-30".to_owned(),
            Form::Flag => "true or false".to_owned(),
            Form::Words(words) => format!("one or more of {}, with commas between", words.join(", ")),
            Form::Number => "a number from 1 up".to_owned(),
            Form::Member => "a member's number such as 3407".to_owned(),
            Form::Text => format!("at most {TEXT_MAX_OCTETS} bytes of text on one line"),
        }
    }

    fn read(&self, text: &str) -> Option<Read> {
        match self.form {
            Form::Limit(most) => number(text).filter(|limit| (1..=most).contains(limit)).map(Read::Number),
            // Opened once it is known what the whole question is.
            Form::Cursor => Some(Read::Text(text.to_owned())),
            Form::Moment => text.parse().ok().map(Read::Moment),
            Form::Day => day(text).map(Read::Moment),
            Form::Flag => match text {
                "true" => Some(Read::Flag(true)),
                "false" => Some(Read::Flag(false)),
                _ => None,
            },
            Form::Words(words) => {
                let named = text.split(',').map(|word| words.iter().position(|known| *known == word));
                named.collect::<Option<Vec<usize>>>().map(Read::Places)
            }
            Form::Number => number(text).filter(|number| *number > 0).map(Read::Number),
            Form::Member => text.parse::<MemberNumber>().ok().map(|number| Read::Text(number.as_str().to_owned())),
            Form::Text => Some(Read::Text(text.to_owned())),
        }
    }
}

/// Digits alone: no sign, no space, nothing that two readers read in two ways.
fn number(text: &str) -> Option<i64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A day as its beginning by UTC.
fn day(text: &str) -> Option<Timestamp> {
    let date: jiff::civil::Date = text.parse().ok()?;
    (text.len() == "2026-11-30".len()).then(|| format!("{date}T00:00:00Z").parse().ok()).flatten()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    Number(i64),
    Moment(Timestamp),
    Flag(bool),
    Places(Vec<usize>),
    Text(String),
}

/// A question, read whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    values: BTreeMap<&'static str, Read>,
    /// Where the answer before ended.
    pub after: Option<Position>,
    /// What a cursor belongs to: the resource and everything else that was asked.
    pub question: String,
}

impl Asked {
    /// Reads the query of an address of `resource`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(
        resource: &'static str,
        parameters: &'static [Parameter],
        query: Option<&str>,
    ) -> Result<Asked, Problem> {
        let mut asked = Asked { question: resource.to_owned(), ..Asked::default() };
        let mut cursor = None;
        for (name, text) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(VALUES_MAX + 1) {
            let Some(parameter) = parameters.iter().find(|known| known.name == name) else {
                return Err(Problem::unknown(&name, parameters.iter().map(|known| known.name)));
            };
            let wrong = || Problem::wrong(parameter.name, &parameter.right());
            // U+FFFD: what was no UTF-8; NUL is text to one database and none to the other.
            if text.len() > TEXT_MAX_OCTETS || text.chars().any(|c| c.is_control() || c == '\u{fffd}') {
                return Err(wrong());
            }
            let read = parameter.read(&text).ok_or_else(wrong)?;
            if parameter.form == Form::Cursor {
                cursor = Some((text.into_owned(), wrong()));
            } else if !matches!(parameter.form, Form::Limit(_)) {
                // Of the values as they were read, so that one question has one name.
                asked.question.push_str(&format!("&{}={read:?}", parameter.name));
            }
            if asked.values.insert(parameter.name, read).is_some() {
                return Err(Problem::twice(parameter.name));
            }
        }
        if let Some((text, wrong)) = cursor {
            asked.after = Some(opened(&text, &asked.question).ok_or(wrong)?);
        }
        Ok(asked)
    }

    /// A question with one condition, as we ask ourselves.
    pub fn only(name: &'static str, text: String, limit: i64) -> Asked {
        let values = BTreeMap::from([(name, Read::Text(text)), ("limit", Read::Number(limit))]);
        Asked { values, ..Asked::default() }
    }

    /// How many answers.
    pub fn limit(&self) -> i64 {
        self.number("limit").unwrap_or(ANSWERS_DEFAULT)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.values.get(name) {
            Some(Read::Number(number)) => Some(*number),
            Some(Read::Moment(_) | Read::Flag(_) | Read::Places(_) | Read::Text(_)) | None => None,
        }
    }

    /// A moment, or the beginning of a day.
    pub fn moment(&self, name: &str) -> Option<Timestamp> {
        match self.values.get(name) {
            Some(Read::Moment(at)) => Some(*at),
            Some(Read::Number(_) | Read::Flag(_) | Read::Places(_) | Read::Text(_)) | None => None,
        }
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.values.get(name) {
            Some(Read::Flag(flag)) => Some(*flag),
            Some(Read::Number(_) | Read::Moment(_) | Read::Places(_) | Read::Text(_)) | None => None,
        }
    }

    /// Words, by their places among those the form knows.
    pub fn places(&self, name: &str) -> Option<&[usize]> {
        match self.values.get(name) {
            Some(Read::Places(places)) => Some(places),
            Some(Read::Number(_) | Read::Moment(_) | Read::Flag(_) | Read::Text(_)) | None => None,
        }
    }

    /// Text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Read::Text(text)) => Some(text),
            Some(Read::Number(_) | Read::Moment(_) | Read::Flag(_) | Read::Places(_)) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::RESOURCES;
    use proptest::prelude::*;

    static PARAMETERS: &[Parameter] = &[
        Parameter { name: "limit", form: Form::Limit(100), what: "" },
        Parameter { name: "cursor", form: Form::Cursor, what: "" },
        Parameter { name: "since", form: Form::Moment, what: "" },
        Parameter { name: "from", form: Form::Day, what: "" },
        Parameter { name: "exercise", form: Form::Flag, what: "" },
        Parameter { name: "severity", form: Form::Words(&["low", "high"]), what: "" },
        Parameter { name: "sensor", form: Form::Number, what: "" },
        Parameter { name: "member", form: Form::Member, what: "" },
        Parameter { name: "threat", form: Form::Text, what: "" },
    ];

    fn refused(query: &str) -> Problem {
        Asked::read("/x", PARAMETERS, Some(query)).unwrap_err()
    }

    #[test]
    fn api_a_wrong_parameter_is_named_with_what_would_be_right() {
        for (query, parameter, right) in [
            ("limit=0", "limit", "1 to 100"),
            ("limit=101", "limit", "1 to 100"),
            ("limit=%2B5", "limit", "1 to 100"),
            ("limit=99999999999999999999", "limit", "1 to 100"),
            ("since=yesterday", "since", "2026-11-30T12:00:00Z"),
            ("from=20261130", "from", "2026-11-30"),
            ("exercise=yes", "exercise", "true or false"),
            ("severity=low,grave", "severity", "low, high"),
            ("severity=", "severity", "low, high"),
            ("sensor=-1", "sensor", "1 up"),
            ("member=12'--", "member", "3407"),
            ("threat=a%00b", "threat", "on one line"),
            ("threat=%ff", "threat", "on one line"),
            ("cursor=AAAA", "cursor", "next"),
            ("cursor=", "cursor", "next"),
            ("severty=low", "severty", "severity"),
            ("threat=a&threat=b", "threat", "once"),
        ] {
            let problem = refused(query);
            assert_eq!((problem.status, problem.parameter.as_deref()), (400, Some(parameter)), "{query}");
            assert!(problem.detail.contains(right), "{query}: {}", problem.detail);
        }
        let long = refused(&format!("threat={}", "a".repeat(TEXT_MAX_OCTETS + 1)));
        assert_eq!(long.parameter.as_deref(), Some("threat"));
        let long = refused(&format!("{}=1", "å".repeat(9_000)));
        assert!(long.parameter.unwrap().chars().count() < 100, "what is not known is not said back whole");
    }

    #[test]
    fn api_what_is_right_is_read() {
        let query = "limit=7&since=2026-11-30T12:00:00Z&exercise=false&severity=high,low&sensor=3&member=0301&threat=L%C3%B8k+1";
        let asked = Asked::read("/x", PARAMETERS, Some(query)).unwrap();
        assert_eq!((asked.limit(), asked.number("sensor"), asked.flag("exercise")), (7, Some(3), Some(false)));
        assert_eq!((asked.text("member"), asked.text("threat")), (Some("0301"), Some("Løk 1")));
        assert_eq!(asked.places("severity"), Some([1, 0].as_slice()));
        assert_eq!(Asked::read("/x", PARAMETERS, None).unwrap().limit(), ANSWERS_DEFAULT);
    }

    #[test]
    fn api_a_cursor_goes_on_with_its_own_question_alone() {
        let asked = |query: &str| Asked::read("/x", PARAMETERS, Some(query));
        let position = Position { at: -5, name: "6f1c".to_owned() };
        let cursor = position.sealed(&asked("threat=a").unwrap().question);
        assert_eq!(asked(&format!("cursor={cursor}&limit=3&threat=a")).unwrap().after, Some(position));
        for other in ["", "&threat=b", "&threat=a&sensor=1"] {
            assert!(asked(&format!("cursor={cursor}{other}")).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn api_no_query_breaks_anything(name in "\\PC{0,20}", value in "\\PC{0,300}", resource in 0usize..RESOURCES.len()) {
            let resource = &RESOURCES[resource];
            for parameter in resource.parameters {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                let query = query.append_pair(parameter.name, &value).append_pair(&name, &value).finish();
                let _ = Asked::read(resource.path, resource.parameters, Some(&query));
                let _ = Asked::read(resource.path, resource.parameters, Some(&value));
            }
        }
    }
}
