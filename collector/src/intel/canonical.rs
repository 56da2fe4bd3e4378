//! The one form to which every format maps: what to look for, and what a source says about it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use varde_common::indicator::{Pattern, Severity};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

/// What an indicator counts as of which no source says how sure it is.
pub const CONFIDENCE_UNSAID: u8 = 50;

/// What may be done with it, in order of strictness (the Permissible Actions Protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pap {
    /// Anything.
    Clear,
    /// What the other side may notice, such as blocking it.
    Green,
    /// Looking at what one has, without touching it.
    Amber,
    /// Only what cannot be noticed from outside.
    Red,
}

impl Pap {
    const ALL: [(Pap, &str); 4] =
        [(Pap::Clear, "PAP:CLEAR"), (Pap::Green, "PAP:GREEN"), (Pap::Amber, "PAP:AMBER"), (Pap::Red, "PAP:RED")];

    /// 0 to 3.
    pub fn level(self) -> u8 {
        match self {
            Pap::Clear => 0,
            Pap::Green => 1,
            Pap::Amber => 2,
            Pap::Red => 3,
        }
    }
}

impl fmt::Display for Pap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Pap::ALL.iter().find(|(pap, _)| pap == self).map_or("PAP:RED", |(_, text)| text);
        f.write_str(text)
    }
}

impl FromStr for Pap {
    type Err = String;

    /// Any case, with or without `PAP:`; the old `white` counts as clear.
    fn from_str(text: &str) -> Result<Pap, String> {
        let upper = text.trim().to_ascii_uppercase();
        let bare = upper.strip_prefix("PAP:").unwrap_or(&upper);
        let bare = if bare == "WHITE" { "CLEAR" } else { bare };
        let found = Pap::ALL.iter().find(|(_, text)| text.strip_prefix("PAP:") == Some(bare));
        found
            .map(|(pap, _)| *pap)
            .ok_or_else(|| format!("\"{text}\" is no PAP marking; use clear, green, amber or red"))
    }
}

/// What is said about an indicator; `None` where nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// What it belongs to: campaigns are drawn over all indicators of one threat.
    pub threat: Option<String>,
    /// How sure the source is, 0-100.
    pub confidence: Option<u8>,
    /// How bad it would be.
    pub severity: Option<Severity>,
    /// How far it may be shared.
    pub tlp: Option<Tlp>,
    /// What may be done with it.
    pub pap: Option<Pap>,
    /// Holds from.
    pub valid_from: Option<Timestamp>,
    /// Holds until.
    pub valid_until: Option<Timestamp>,
    /// Part of an exercise.
    pub exercise: bool,
    /// What is for people alone.
    pub details: Details,
}

/// What is for people alone, none of it matched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// MITRE ATT&CK techniques: `T1566`, `T1566.002`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<String>,
    /// Labels and machine tags, as the source writes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<String>,
    /// In the source's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the source tells more; or, where `of_url`, the URL of which only the host can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When the source's own side first saw it at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When it last did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// The indicator is the host of a URL, and so says more than the source does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub of_url: bool,
    /// Some of it was longer than is kept, and ends in an ellipsis, or there was more of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl Details {
    /// As the database keeps them; none where there are none.
    pub fn to_json(&self) -> Option<String> {
        (*self != Details::default()).then(|| serde_json::to_string(self).unwrap_or_default())
    }
}

impl About {
    /// What is said here, and elsewhere what is said of all; of two markings the stricter one.
    pub fn or(mut self, all: &About) -> About {
        self.threat = self.threat.or_else(|| all.threat.clone());
        self.confidence = self.confidence.or(all.confidence);
        self.severity = self.severity.or(all.severity);
        self.tlp = self.tlp.max(all.tlp);
        self.pap = self.pap.max(all.pap);
        self.valid_from = self.valid_from.or(all.valid_from);
        self.valid_until = self.valid_until.or(all.valid_until);
        self.exercise |= all.exercise;
        self
    }

    /// The same of the host of a URL: half as sure, for the host may be others' too.
    pub fn of_url(mut self, url: &str) -> About {
        self.confidence = Some(self.confidence.unwrap_or(CONFIDENCE_UNSAID) / 2);
        self.details.url = Some(url.to_owned());
        self.details.of_url = true;
        self
    }

    /// Whether it would never hold.
    pub fn is_never(&self) -> bool {
        matches!((self.valid_from, self.valid_until), (Some(from), Some(until)) if until <= from)
    }
}

/// The object of a source that says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object {
    /// What the source calls it; empty in a list without names.
    pub id: String,
    /// Its version.
    pub modified: Option<Timestamp>,
    /// As it came, for people.
    pub text: Option<String>,
}

/// An indicator as a source gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What to look for.
    pub pattern: Pattern,
    /// What is said about it.
    pub about: About,
    /// What says it.
    pub object: Object,
}

impl Found {
    /// An indicator of which nothing is said.
    pub fn bare(pattern: Pattern) -> Found {
        Found { pattern, about: About::default(), object: Object::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_entry_says_goes_before_what_is_said_of_all_and_the_stricter_marking_counts() {
        let own = About { confidence: Some(10), tlp: Some(Tlp::Red), ..About::default() };
        let all = About {
            threat: Some("Lure".into()),
            confidence: Some(90),
            tlp: Some(Tlp::Green),
            pap: Some(Pap::Amber),
            exercise: true,
            ..About::default()
        };
        let both = own.clone().or(&all);
        assert_eq!((both.threat.as_deref(), both.confidence, both.tlp), (Some("Lure"), Some(10), Some(Tlp::Red)));
        assert_eq!((both.pap, both.exercise), (Some(Pap::Amber), true));
        let looser = About { tlp: Some(Tlp::Clear), ..About::default() };
        assert_eq!(looser.or(&all).tlp, Some(Tlp::Green));
        assert_eq!(own.clone().or(&About::default()), own);
    }

    #[test]
    fn pap_goes_both_ways() {
        for (pap, text) in Pap::ALL {
            assert_eq!((text.parse(), pap.to_string().as_str()), (Ok(pap), text));
        }
        assert_eq!(("pap:white".parse(), "red".parse()), (Ok(Pap::Clear), Ok(Pap::Red)));
        assert!("PAP:BLUE".parse::<Pap>().is_err());
        assert!(Pap::ALL.iter().map(|(pap, _)| pap.level()).is_sorted());
    }
}
