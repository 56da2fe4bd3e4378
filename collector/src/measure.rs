//! The bank of measures («tiltaksbank»): what somebody without training in security can do today, in words, and which of it is proposed for
//! what was seen.
//!
//! Each measure is a file in `collector/data/measures/`, which [`file`] reads; the operator may word it otherwise ([`Bank::with`]).
//! [`propose`] chooses. Nothing here touches the world.

pub mod file;
pub mod propose;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use varde_common::alert::{Evidence, Level};

use crate::present::text::Language;

/// What kind of measure it is, as NSM sorts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// organisatorisk
    Organisational,
    /// menneskelig
    Human,
    /// fysisk
    Physical,
    /// teknologisk
    Technological,
}

impl Type {
    /// The word in files and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Type::Organisational => "organisational",
            Type::Human => "human",
            Type::Physical => "physical",
            Type::Technological => "technological",
        }
    }
}

/// What it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// forebygge
    Prevent,
    /// oppdage
    Detect,
    /// håndtere
    Handle,
}

impl Purpose {
    /// The word in files and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Prevent => "prevent",
            Purpose::Detect => "detect",
            Purpose::Handle => "handle",
        }
    }
}

/// What a threat does, as far as its sources say. Only what calls for other measures than the rest is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Threat {
    /// It fools people: lures, false sign-in pages.
    Phishing,
    /// It encrypts files and asks for money.
    Ransomware,
}

/// Words that sources use, in names of threats, in tags and as techniques of MITRE ATT&CK.
const PHISHING: [&str; 5] = ["phish", "lure", "t1566", "t1598", "credential-harvest"];
const RANSOMWARE: [&str; 3] = ["ransom", "t1486", "løsepenge"];

impl Threat {
    /// All of them.
    pub const ALL: [Threat; 2] = [Threat::Phishing, Threat::Ransomware];

    /// The word in files and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Threat::Phishing => "phishing",
            Threat::Ransomware => "ransomware",
        }
    }

    /// Whether a source's word (a threat's name, a tag, a technique) says so.
    pub fn is_said_by(self, word: &str) -> bool {
        let word = word.to_lowercase();
        let known: &[&str] = match self {
            Threat::Phishing => &PHISHING,
            Threat::Ransomware => &RANSOMWARE,
        };
        known.iter().any(|known| word.contains(known))
    }
}

/// A measure in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// What is to be done, as a heading.
    pub title: String,
    /// Why, in two sentences.
    pub why: String,
    /// How, one thing after the other.
    pub steps: Vec<String>,
    /// By what one sees that it is done.
    pub done: String,
}

/// The same in all three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Bokmål.
    pub nb: Content,
    /// Nynorsk.
    pub nn: Content,
    /// English.
    pub en: Content,
}

impl Contents {
    /// In one language.
    pub fn of(&self, language: Language) -> &Content {
        match language {
            Language::Bokmaal => &self.nb,
            Language::Nynorsk => &self.nn,
            Language::English => &self.en,
        }
    }

    /// The one that is to be another.
    pub fn of_mut(&mut self, language: Language) -> &mut Content {
        match language {
            Language::Bokmaal => &mut self.nb,
            Language::Nynorsk => &mut self.nn,
            Language::English => &mut self.en,
        }
    }
}

/// What it is proposed for: all of it must fit. An empty list fits whatever is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fits {
    /// How far it came.
    pub evidence: Vec<Evidence>,
    /// The consequence level of the zone it was met in. Which zone it is never leaves the member; its level does.
    pub levels: Vec<Level>,
    /// What the threat does.
    pub threats: Vec<Threat>,
    /// Kinds of indicators it was met by.
    pub kinds: Vec<String>,
}

/// A measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Its name, in files, commands and timelines.
    pub key: String,
    /// Its place among others: what comes first is done first.
    pub order: u16,
    /// NSM's number: of a measure (4.3.3) where that is certain, else of the principle (4.3).
    pub nsm: String,
    /// What kind.
    pub sort: Type,
    /// What for.
    pub purpose: Purpose,
    /// What it is proposed for.
    pub fits: Fits,
    /// Its words.
    pub contents: Contents,
    /// The languages in which the operator words it otherwise.
    pub reworded: Vec<Language>,
}

/// All measures, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    measures: Vec<Measure>,
}

/// What the program brings. A file that could not be read is found by a test, and left out here.
static SHIPPED: LazyLock<Bank> = LazyLock::new(|| {
    let read = |(key, text): &(&str, &str)| file::read(key, text).ok();
    let mut measures: Vec<Measure> = file::SHIPPED.iter().filter_map(read).collect();
    measures.sort_by(|one, other| (one.order, &one.key).cmp(&(other.order, &other.key)));
    Bank { measures }
});

impl Bank {
    /// As the program brings it.
    pub fn shipped() -> &'static Bank {
        &SHIPPED
    }

    /// The same, worded as the operator does. What it no longer has is passed over.
    #[must_use]
    pub fn with(&self, worded: impl IntoIterator<Item = (String, Language, Content)>) -> Bank {
        let mut bank = self.clone();
        for (key, language, content) in worded {
            if let Some(measure) = bank.measures.iter_mut().find(|measure| measure.key == key) {
                *measure.contents.of_mut(language) = content;
                measure.reworded.push(language);
            }
        }
        bank
    }

    /// All, in their order.
    pub fn all(&self) -> &[Measure] {
        &self.measures
    }

    /// One by its name.
    pub fn get(&self, key: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.key == key)
    }

    /// The sentence where there is no such measure.
    pub fn no_such(&self, key: &str) -> String {
        let keys: Vec<&str> = self.measures.iter().map(|measure| measure.key.as_str()).collect();
        format!("there is no measure \"{}\"; there are {}", key.escape_debug(), keys.join(", "))
    }
}
