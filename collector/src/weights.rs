//! The weights and limits that correlation goes by: one versioned file, built in, which the operator may replace.
//!
//! What a file says is checked whole before anything of it counts: it has every key and no other, and each is within its bounds.

use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::priority::{Grade, Word};

/// The file that comes with the program.
const BUILT_IN: &str = include_str!("../data/weights.toml");

/// What it is called in the data directory.
pub const WEIGHTS_FILE: &str = "weights.toml";

/// What the built-in file is called there, written at each start for whoever wants to begin from it.
pub const BUILT_IN_FILE: &str = "weights.built-in.toml";

/// Everything the file says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct Weights {
    pub version: String,
    pub link: LinkWeights,
    pub host: HostWeights,
    pub confidence: ConfidenceWeights,
    pub likelihood: LikelihoodWeights,
    pub consequence: ConsequenceWeights,
    pub matrix: Matrix,
    pub noise: NoiseWeights,
    pub escalation: EscalationWeights,
}

/// What connects incidents of several members.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct LinkWeights {
    pub threshold: i64,
    pub strong: i64,
    pub medium: i64,
    pub strong_days: u16,
    pub medium_days: u16,
    pub low_confidence_days: u16,
    pub unvouched_hours: u16,
    pub members_min: usize,
    pub members_min_low_confidence: usize,
    pub mere_list_indicators: i64,
    pub mere_list_met: i64,
    pub address_topics_max: i64,
    pub topics_max: i64,
}

/// What connects alerts of one host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct HostWeights {
    pub hours: u16,
    pub confidence_min: u8,
    pub members_max: i64,
    pub topics_max: usize,
}

/// What confidence is low, and what is high.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct ConfidenceWeights {
    pub low_below: u8,
    pub high_from: u8,
}

/// What makes it likely.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct LikelihoodWeights {
    pub confidence: [i64; 3],
    pub evidence: [i64; 6],
    pub persistent: i64,
    pub address_only: i64,
    pub source_confirmed: i64,
    pub source_refuted: i64,
    pub medium_from: i64,
    pub high_from: i64,
    pub verdicts_min: i64,
    pub contacts_min: u32,
    pub spread_hundredths: u64,
}

/// What makes it bad.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct ConsequenceWeights {
    pub zone: [i64; 3],
    pub severity: [i64; 5],
    pub members_min: usize,
    pub members: i64,
    pub medium_from: i64,
    pub high_from: i64,
}

/// The word for each likelihood and consequence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct Matrix {
    pub low: [Word; 3],
    pub medium: [Word; 3],
    pub high: [Word; 3],
    pub critical_members: usize,
}

impl Matrix {
    /// The word that stands there.
    pub fn word(&self, likelihood: Grade, consequence: Grade) -> Word {
        let row = match likelihood {
            Grade::Low => self.low,
            Grade::Medium => self.medium,
            Grade::High => self.high,
        };
        let [low, medium, high] = row;
        match consequence {
            Grade::Low => low,
            Grade::Medium => medium,
            Grade::High => high,
        }
    }
}

/// What is proposed as noise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct NoiseWeights {
    pub members_min: usize,
    pub share_hundredths: usize,
    pub confidence_below: u8,
    pub signs_min: usize,
    pub vouched_signs_min: usize,
    pub at_once_hours: u16,
    pub fresh_hours: u16,
    pub hosts_per_member: i64,
    pub beyond_hundredths: i64,
}

/// What is sector-wide.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key stands in data/weights.toml with what it is for")]
pub struct EscalationWeights {
    pub members_min: usize,
    pub share_hundredths: usize,
}

/// Why a file of weights cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWeights {
    /// It is no such file.
    #[error("{0}")]
    Unreadable(String),
    /// A value is out of bounds.
    #[error("{key} = {value}; it must be {what}")]
    OutOfBounds {
        /// Which.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        what: String,
    },
}

impl Weights {
    /// Those that come with the program.
    pub fn built_in() -> Weights {
        // A test reads the file that is compiled in.
        Weights::read(BUILT_IN).unwrap_or_else(|_| Weights::none())
    }

    /// What the built-in file says, word for word.
    pub fn built_in_text() -> &'static str {
        BUILT_IN
    }

    /// From the text of a file.
    ///
    /// # Errors
    /// [`BadWeights`]: what of it cannot be used, and what would be right.
    pub fn read(text: &str) -> Result<Weights, BadWeights> {
        let weights: Weights =
            toml::from_str(text).map_err(|error| BadWeights::Unreadable(error.to_string().trim_end().to_owned()))?;
        weights.check()?;
        Ok(weights)
    }

    fn check(&self) -> Result<(), BadWeights> {
        let length = self.version.chars().count();
        if !(1..=64).contains(&length) || self.version.chars().any(char::is_control) {
            let what = "a name of 1 to 64 characters on one line".to_owned();
            return Err(BadWeights::OutOfBounds { key: "version", value: format!("{:?}", self.version), what });
        }
        let Weights { link, host, confidence, likelihood, consequence, matrix, noise, escalation, version: _ } = self;
        within("link.threshold", link.threshold, 1..=100)?;
        within("link.strong", link.strong, 1..=100)?;
        within("link.medium", link.medium, 0..=100)?;
        // Less than a strand's own window would tear apart what is one strand.
        within("link.strong_days", i64::from(link.strong_days), 7..=366)?;
        within("link.medium_days", i64::from(link.medium_days), 7..=366)?;
        within("link.low_confidence_days", i64::from(link.low_confidence_days), 7..=366)?;
        within("link.unvouched_hours", i64::from(link.unvouched_hours), 0..=8784)?;
        within("link.members_min", size(link.members_min), 2..=1000)?;
        within("link.members_min_low_confidence", size(link.members_min_low_confidence), 2..=1000)?;
        within("link.mere_list_indicators", link.mere_list_indicators, 1..=1_000_000)?;
        within("link.mere_list_met", link.mere_list_met, 1..=1_000_000)?;
        within("link.address_topics_max", link.address_topics_max, 1..=1000)?;
        within("link.topics_max", link.topics_max, 1..=100_000)?;
        within("host.hours", i64::from(host.hours), 1..=168)?;
        within("host.confidence_min", i64::from(host.confidence_min), 0..=100)?;
        within("host.members_max", host.members_max, 1..=1_000_000)?;
        within("host.topics_max", size(host.topics_max), 1..=1000)?;
        within("confidence.low_below", i64::from(confidence.low_below), 0..=100)?;
        within("confidence.high_from", i64::from(confidence.high_from), i64::from(confidence.low_below)..=101)?;
        let points = likelihood.confidence.iter().chain(&likelihood.evidence);
        for point in points.chain([&likelihood.persistent, &likelihood.address_only]) {
            within("likelihood (points)", *point, -10..=10)?;
        }
        within("likelihood.source_confirmed", likelihood.source_confirmed, -10..=10)?;
        within("likelihood.source_refuted", likelihood.source_refuted, -10..=10)?;
        within("likelihood.medium_from", likelihood.medium_from, -100..=100)?;
        within("likelihood.high_from", likelihood.high_from, likelihood.medium_from..=100)?;
        within("likelihood.verdicts_min", likelihood.verdicts_min, 1..=1_000_000)?;
        within("likelihood.contacts_min", i64::from(likelihood.contacts_min), 2..=1_000_000)?;
        within("likelihood.spread_hundredths", whole(likelihood.spread_hundredths), 0..=100)?;
        for point in consequence.zone.iter().chain(&consequence.severity).chain([&consequence.members]) {
            within("consequence (points)", *point, -10..=10)?;
        }
        within("consequence.members_min", size(consequence.members_min), 1..=100_000)?;
        within("consequence.medium_from", consequence.medium_from, -100..=100)?;
        within("consequence.high_from", consequence.high_from, consequence.medium_from..=100)?;
        within("matrix.critical_members", size(matrix.critical_members), 1..=100_000)?;
        // What is of low confidence is never likely, and the word for that is never above medium.
        if let Some(word) = matrix.low.into_iter().find(|word| *word > Word::Medium) {
            let what = "at most medium: of low confidence nothing is more".to_owned();
            return Err(BadWeights::OutOfBounds { key: "matrix.low", value: word.to_string(), what });
        }
        within("noise.members_min", size(noise.members_min), 2..=100_000)?;
        within("noise.share_hundredths", size(noise.share_hundredths), 0..=100)?;
        within("noise.confidence_below", i64::from(noise.confidence_below), 0..=101)?;
        within("noise.signs_min", size(noise.signs_min), 1..=4)?;
        within("noise.vouched_signs_min", size(noise.vouched_signs_min), 1..=5)?;
        within("noise.at_once_hours", i64::from(noise.at_once_hours), 1..=8784)?;
        within("noise.fresh_hours", i64::from(noise.fresh_hours), 1..=8784)?;
        within("noise.hosts_per_member", noise.hosts_per_member, 1..=1_000_000)?;
        within("noise.beyond_hundredths", noise.beyond_hundredths, 0..=100)?;
        within("escalation.members_min", size(escalation.members_min), 2..=100_000)?;
        within("escalation.share_hundredths", size(escalation.share_hundredths), 0..=100)
    }

    /// Weights by which nothing is linked and everything is low: what would stand if the file that is compiled in were broken.
    fn none() -> Weights {
        let low = [Word::Low; 3];
        Weights {
            version: "none".to_owned(),
            link: LinkWeights {
                threshold: 2,
                strong: 1,
                medium: 0,
                strong_days: 7,
                medium_days: 7,
                low_confidence_days: 7,
                unvouched_hours: 0,
                members_min: 2,
                members_min_low_confidence: 5,
                mere_list_indicators: 1,
                mere_list_met: 1,
                address_topics_max: 1,
                topics_max: 1,
            },
            host: HostWeights { hours: 1, confidence_min: 100, members_max: 1, topics_max: 1 },
            confidence: ConfidenceWeights { low_below: 50, high_from: 75 },
            likelihood: LikelihoodWeights {
                confidence: [0; 3],
                evidence: [0; 6],
                persistent: 0,
                address_only: 0,
                source_confirmed: 0,
                source_refuted: 0,
                medium_from: 1,
                high_from: 1,
                verdicts_min: 1,
                contacts_min: 2,
                spread_hundredths: 0,
            },
            consequence: ConsequenceWeights {
                zone: [0; 3],
                severity: [0; 5],
                members_min: 1,
                members: 0,
                medium_from: 1,
                high_from: 1,
            },
            matrix: Matrix { low, medium: low, high: low, critical_members: 1 },
            noise: NoiseWeights {
                members_min: 2,
                share_hundredths: 100,
                confidence_below: 0,
                signs_min: 4,
                vouched_signs_min: 5,
                at_once_hours: 1,
                fresh_hours: 1,
                hosts_per_member: 1,
                beyond_hundredths: 0,
            },
            escalation: EscalationWeights { members_min: 2, share_hundredths: 100 },
        }
    }
}

fn size(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn within(key: &'static str, value: i64, bounds: RangeInclusive<i64>) -> Result<(), BadWeights> {
    match bounds.contains(&value) {
        true => Ok(()),
        false => Err(BadWeights::OutOfBounds {
            key,
            value: value.to_string(),
            what: format!("{} to {}", bounds.start(), bounds.end()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_is_good_and_says_what_it_is() {
        assert_eq!(Weights::read(Weights::built_in_text()).unwrap().version, "varde-2");
        assert_eq!(Weights::built_in().version, "varde-2");
        assert_eq!(Weights::none().check(), Ok(()));
    }

    #[test]
    fn a_bad_file_is_told_by_its_key_and_what_would_be_right() {
        let with = |from: &str, to: &str| {
            assert!(BUILT_IN.contains(from), "{from}");
            Weights::read(&BUILT_IN.replacen(from, to, 1)).unwrap_err().to_string()
        };
        let told = with("members_min = 2\n", "members_min = 1\n");
        assert_eq!(told, "link.members_min = 1; it must be 2 to 1000");
        assert!(with("threshold = 2", "treshold = 2").contains("treshold"), "an unknown key is named");
        assert!(with("hours = 24", "hours = \"soon\"").contains("line"), "and the line where it stands");
        let told = with("low = [\"info\", \"low\", \"low\"]", "low = [\"info\", \"low\", \"high\"]");
        assert!(told.contains("matrix.low = high") && told.contains("at most medium"), "{told}");
        assert!(with("version = \"varde-2\"", "version = \"\"").contains("version"));
        assert!(Weights::read("").is_err() && Weights::read("version = \"x\"").is_err());
    }
}
