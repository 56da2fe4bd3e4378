//! An advisory («varsel»): written once by the CSIRT, sent to the members concerned, never changed from then on. A correction is a version
//! that follows, and says so.
//!
//! [`markup`] reads its text, [`letter`] is the mail that says that there is one and nothing of what it says. Nothing here touches the world.

pub mod letter;
pub mod markup;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use varde_common::tlp::Tlp;

use crate::limits::advisory::{TEXT_MAX_OCTETS, TITLE_MAX_OCTETS};
use crate::present::text::Language;
use crate::profile;

/// Where an advisory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is being written; nobody but the CSIRT sees it.
    Draft,
    /// It was sent, and stands as it was.
    Sent,
    /// It was sent and no longer holds; whoever got it sees why.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [State; 3] = [State::Draft, State::Sent, State::Withdrawn];

    /// The word in the database, in commands and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Sent => "sent",
            State::Withdrawn => "withdrawn",
        }
    }

    /// The state of that word.
    pub fn of(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Whom it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// The members of its campaign, as they are when it is sent.
    Campaign,
    /// All members, as they are when it is sent.
    All,
    /// Those that were named.
    Chosen,
}

impl Audience {
    /// The word in the database and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Audience::Campaign => "campaign",
            Audience::All => "all",
            Audience::Chosen => "chosen",
        }
    }

    /// The audience of that word.
    pub fn of(word: &str) -> Option<Audience> {
        [Audience::Campaign, Audience::All, Audience::Chosen].into_iter().find(|one| one.as_str() == word)
    }
}

/// What a member answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// vi er ikke rammet
    NotAffected,
    /// vi er rammet
    Affected,
    /// vi trenger hjelp
    NeedHelp,
    /// tiltak er gjort
    MeasureDone,
    /// noe annet, i egne ord
    Words,
}

impl Answer {
    /// All of them, in the order in which a page offers them.
    pub const ALL: [Answer; 5] =
        [Answer::NotAffected, Answer::Affected, Answer::NeedHelp, Answer::MeasureDone, Answer::Words];

    /// The word in the database, in forms and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Answer::NotAffected => "not-affected",
            Answer::Affected => "affected",
            Answer::NeedHelp => "need-help",
            Answer::MeasureDone => "measure-done",
            Answer::Words => "words",
        }
    }

    /// The answer of that word.
    pub fn of(word: &str) -> Option<Answer> {
        Answer::ALL.into_iter().find(|answer| answer.as_str() == word)
    }
}

/// A marking as people write it: `amber`, `TLP:AMBER`.
///
/// # Errors
/// The markings there are.
pub fn marking(text: &str) -> Result<Tlp, String> {
    let word = text.trim().to_ascii_uppercase();
    let word = word.strip_prefix("TLP:").unwrap_or(&word);
    [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red]
        .into_iter()
        .find(|tlp| tlp.to_string().strip_prefix("TLP:") == Some(word))
        .ok_or_else(|| "one of clear, green, amber, amber+strict, red".to_owned())
}

/// A heading: one line of a length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Title(String);

impl FromStr for Title {
    type Err = String;

    fn from_str(text: &str) -> Result<Title, String> {
        let text = text.trim();
        let is_good = !text.is_empty() && text.len() <= TITLE_MAX_OCTETS && !text.chars().any(char::is_control);
        is_good
            .then(|| Title(text.to_owned()))
            .ok_or_else(|| format!("a title is a text of at most {TITLE_MAX_OCTETS} bytes on one line"))
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text: lines of a length together, with nothing in it that steers a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Body(String);

impl FromStr for Body {
    type Err = String;

    fn from_str(text: &str) -> Result<Body, String> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim_matches(['\n', ' ', '\u{feff}']);
        if text.len() > TEXT_MAX_OCTETS {
            return Err(format!(
                "the text has {} bytes, and at most {TEXT_MAX_OCTETS} are sent; shorten it",
                text.len()
            ));
        }
        if text.is_empty() {
            return Err("the text is empty; write what the members must know and do".to_owned());
        }
        if let Some(at) = text.chars().position(|c| c.is_control() && c != '\n' && c != '\t') {
            let line = text.chars().take(at).filter(|c| *c == '\n').count() + 1;
            return Err(format!("line {line} of the text holds a control character; write plain text in UTF-8"));
        }
        Ok(Body(text.to_owned()))
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What it says in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wording {
    /// Its heading.
    pub title: Title,
    /// Its text, in [`markup`].
    pub body: Body,
}

/// In which language a member is written to.
pub fn language_of(form: profile::Language) -> Language {
    match form {
        profile::Language::Nynorsk => Language::Nynorsk,
        profile::Language::Bokmaal | profile::Language::Neutral => Language::Bokmaal,
    }
}

/// Which of the languages that an advisory is written in a reader gets: its own, else bokmål, nynorsk, English, the first there is.
pub fn best(own: Language, there: &[Language]) -> Option<Language> {
    [own].into_iter().chain(Language::ALL).find(|language| there.contains(language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_texts_are_taken_whole_or_refused_with_what_would_be_right() {
        assert_eq!("  Falsk Altinn-side ".parse::<Title>().unwrap().to_string(), "Falsk Altinn-side");
        for wrong in ["", "a\nb", "Bcc: x\r\n", &"x".repeat(TITLE_MAX_OCTETS + 1)] {
            assert!(wrong.parse::<Title>().is_err() || !wrong.trim().contains(['\r', '\n']), "{wrong:?}");
        }
        assert!("a\r\nBcc: x".parse::<Title>().unwrap_err().contains("one line"));
        assert_eq!("\u{feff}a\r\n\r\nb\n".parse::<Body>().unwrap().to_string(), "a\n\nb");
        assert!("a\n\u{1b}[2J".parse::<Body>().unwrap_err().starts_with("line 2 "));
        assert!("x".repeat(TEXT_MAX_OCTETS + 1).parse::<Body>().unwrap_err().contains("shorten it"));
        assert!(" \n".parse::<Body>().unwrap_err().contains("empty"));
    }

    #[test]
    fn words_lead_back_to_what_they_stand_for() {
        assert!(State::ALL.into_iter().all(|one| State::of(one.as_str()) == Some(one)));
        assert!(Answer::ALL.into_iter().all(|one| Answer::of(one.as_str()) == Some(one)));
        for (text, tlp) in [("amber", Tlp::Amber), ("TLP:AMBER+STRICT", Tlp::AmberStrict), ("Red", Tlp::Red)] {
            assert_eq!(marking(text), Ok(tlp));
        }
        assert!(marking("white").unwrap_err().contains("amber+strict"));
    }

    #[test]
    fn a_reader_gets_its_own_language_or_the_nearest() {
        use Language::{Bokmaal, English, Nynorsk};
        assert_eq!(best(Nynorsk, &[Bokmaal, Nynorsk]), Some(Nynorsk));
        assert_eq!(best(Nynorsk, &[English, Bokmaal]), Some(Bokmaal));
        assert_eq!(best(English, &[Nynorsk]), Some(Nynorsk));
        assert_eq!(best(Bokmaal, &[]), None);
        assert_eq!(language_of(profile::Language::Neutral), Bokmaal);
    }
}
