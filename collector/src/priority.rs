//! How much it matters, and why: likelihood × consequence by a printed table, each word with the terms it stands on.
//!
//! Terms are plain values; whoever shows them puts them into words. The number sorts within a word and says nothing else.

mod likelihood;
mod reported;

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use varde_common::alert::{Evidence, Level};
use varde_common::indicator::Severity;

use crate::weights::Weights;
use likelihood::likelihood;
use reported::weigh_reported;

/// The word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Info
    #[default]
    Info,
    /// Lav
    Low,
    /// Middels
    Medium,
    /// Høy
    High,
    /// Kritisk
    Critical,
}

impl Word {
    /// All, in rising order.
    pub const ALL: [Word; 5] = [Word::Info, Word::Low, Word::Medium, Word::High, Word::Critical];

    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Word::Info => "info",
            Word::Low => "low",
            Word::Medium => "medium",
            Word::High => "high",
            Word::Critical => "critical",
        }
    }

    /// Of that word.
    pub fn of(word: &str) -> Option<Word> {
        Word::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Low, medium or high: a likelihood or a consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// lav, lavt
    Low,
    /// middels
    Medium,
    /// høy, høyt
    High,
}

impl Grade {
    fn by(points: i64, medium_from: i64, high_from: i64) -> Grade {
        if points >= high_from {
            Grade::High
        } else if points >= medium_from {
            Grade::Medium
        } else {
            Grade::Low
        }
    }
}

/// What people said, who saw it themselves or were told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hearsay {
    /// How far it got; none = nobody says.
    pub evidence: Option<Evidence>,
    /// As how sure it counts, 0-100.
    pub confidence: u8,
    /// How bad it is taken to be.
    pub severity: Severity,
}

impl Hearsay {
    fn join(self, other: Hearsay) -> Hearsay {
        Hearsay {
            evidence: self.evidence.max(other.evidence),
            confidence: self.confidence.max(other.confidence),
            severity: self.severity.max(other.severity),
        }
    }
}

/// What of alerts weighs, and beside it what people said of the same. Each only rises as alerts are joined, so that their order does not
/// matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Facts {
    /// What people said of it, which is kept apart from all that follows.
    pub said: Option<Hearsay>,
    /// Sensors saw it; else all that follows says nothing.
    pub sensed: bool,
    /// How far it got.
    pub evidence: Evidence,
    /// The surest indicator's confidence, 0-100.
    pub confidence: u8,
    /// The highest consequence level of a zone.
    pub level: Level,
    /// The highest severity the list gave.
    pub severity: Severity,
    /// Contact by name, not by an address that others share.
    pub by_name: bool,
    /// The same at a zone of high consequence.
    pub by_name_at_high: bool,
    /// Contact as regular as a program's.
    pub persistent: bool,
    /// Some of it was found in history.
    pub in_history: bool,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            said: None,
            sensed: false,
            evidence: Evidence::Blocked,
            confidence: 0,
            level: Level::Low,
            severity: Severity::Info,
            by_name: false,
            by_name_at_high: false,
            persistent: false,
            in_history: false,
        }
    }
}

impl Facts {
    /// Those of both together.
    #[must_use]
    pub fn join(self, other: Facts) -> Facts {
        Facts {
            said: match (self.said, other.said) {
                (Some(one), Some(another)) => Some(one.join(another)),
                (one, another) => one.or(another),
            },
            sensed: self.sensed || other.sensed,
            evidence: self.evidence.max(other.evidence),
            confidence: self.confidence.max(other.confidence),
            level: self.level.max(other.level),
            severity: self.severity.max(other.severity),
            by_name: self.by_name || other.by_name,
            by_name_at_high: self.by_name_at_high || other.by_name_at_high,
            persistent: self.persistent || other.persistent,
            in_history: self.in_history || other.in_history,
        }
    }

    /// How sure the surest is who says anything of it.
    pub fn surest(&self) -> u8 {
        self.said.map_or(self.confidence, |said| said.confidence.max(self.confidence))
    }
}

/// One strand as it is weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// What of its alerts weighs.
    pub facts: Facts,
    /// Whose, and the same for all behind one shared supplier network.
    pub independent: i64,
    /// All its indicators are proposed as noise.
    pub noise: bool,
    /// A threat is named beside it, which is no mere list.
    pub is_named: bool,
    /// All that is named beside its indicators is mere lists.
    pub is_listed: bool,
    /// Verdicts that confirmed what its sources named, and that refuted it.
    pub verdicts: (i64, i64),
    /// A person has reported it, and a person has confirmed the incident that it is part of.
    pub is_confirmed: bool,
}

/// What a word stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "term")]
pub enum Term {
    /// The surest indicator's confidence, and whether that is low, medium or high.
    Confidence {
        /// 0-100.
        value: u8,
        /// As which it counts.
        grade: Grade,
        /// For the likelihood.
        points: i64,
    },
    /// A person reported it, which counts as so sure, whoever is sure of what it names.
    Reported {
        /// As which it counts.
        grade: Grade,
        /// For the likelihood.
        points: i64,
    },
    /// Nobody has said how far it got.
    EvidenceUnknown {
        /// For the likelihood.
        points: i64,
    },
    /// What a person reported a person has confirmed: that stands for it.
    Confirmed {
        /// For the likelihood.
        points: i64,
    },
    /// What people report and nobody has confirmed is not more than medium likely.
    Unconfirmed,
    /// How far it got.
    Evidence {
        /// At most.
        #[schema(value_type = String)]
        value: Evidence,
        /// For the likelihood.
        points: i64,
    },
    /// How far it got by what people said.
    EvidenceSaid {
        /// At most.
        #[schema(value_type = String)]
        value: Evidence,
        /// For the likelihood.
        points: i64,
    },
    /// Contact as regular as a program's.
    Persistent {
        /// For the likelihood.
        points: i64,
    },
    /// Contact by address only.
    AddressOnly {
        /// For the likelihood.
        points: i64,
    },
    /// What verdicts say of its sources.
    Verdicts {
        /// That confirmed.
        confirmed: i64,
        /// That refuted.
        refuted: i64,
        /// For the likelihood.
        points: i64,
    },
    /// Of low confidence nothing is likely.
    LowConfidence,
    /// It was stopped, everywhere: nothing of that is likely to do harm.
    Blocked,
    /// Of medium confidence nothing is more than medium likely, unless its sources were mostly right.
    MediumConfidence,
    /// It is proposed as noise, and so not likely.
    Noise,
    /// Of what no more than a mere list names nothing is more than medium likely, whatever that list says of itself.
    MereList,
    /// How likely, of all that.
    Likelihood {
        /// Low, medium or high.
        grade: Grade,
        /// The sum.
        points: i64,
    },
    /// The highest level of a zone.
    Zone {
        /// Low, medium or high.
        grade: Grade,
        /// For the consequence.
        points: i64,
    },
    /// The highest severity that the list gives.
    Severity {
        /// As which.
        #[schema(value_type = String)]
        value: Severity,
        /// For the consequence.
        points: i64,
    },
    /// How bad what people report is taken to be.
    Assumed {
        /// As which.
        #[schema(value_type = String)]
        value: Severity,
        /// For the consequence.
        points: i64,
    },
    /// So many independent members with at least an answer, of high confidence.
    Members {
        /// How many.
        value: i64,
        /// For the consequence.
        points: i64,
    },
    /// How bad, of all that.
    Consequence {
        /// Low, medium or high.
        grade: Grade,
        /// The sum.
        points: i64,
    },
    /// Critical, for it was contact by name at a zone of high consequence.
    CriticalByName,
    /// Critical, for so many independent members got at least an answer, and nothing says noise.
    CriticalByMembers {
        /// How many.
        value: i64,
    },
    /// The table says critical, and neither of the two ways there leads to it: high.
    NotCritical,
    /// The table says more than medium, and nobody stands for it: medium.
    Unvouched,
    /// What people reported is weighed by itself, and comes to no more than what sensors saw.
    SaidApart {
        /// To this word.
        #[schema(value_type = String)]
        word: Word,
    },
    /// What sensors saw is weighed by itself, and comes to less than what people reported.
    SensedApart {
        /// To this word.
        #[schema(value_type = String)]
        word: Word,
    },
}

/// A word with what it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    /// The word.
    pub word: Word,
    /// Sorts within a word: more first.
    pub sort: i64,
    /// What it stands on.
    pub why: Vec<Term>,
}

impl Priority {
    fn beside(mut self, term: Term) -> Priority {
        self.why.push(term);
        self
    }
}

/// Weighs the strands of one incident, or of one campaign; none where there is nothing to weigh.
///
/// What sensors saw and what people said are weighed each by itself, and the graver word stands: nothing that was only said lifts what
/// was seen, and nothing that is seen takes from what was said.
///
/// What is proposed as noise weighs only where nothing else is there: a popular false positive takes no weight from what
/// stands beside it, and gives none.
pub fn weigh(strands: &[Weighed], weights: &Weights) -> Option<Priority> {
    let is_noise = strands.iter().all(|strand| strand.noise);
    let considered: Vec<&Weighed> = strands.iter().filter(|strand| is_noise || !strand.noise).collect();
    let sensed: Vec<&Weighed> = considered.iter().copied().filter(|strand| strand.facts.sensed).collect();
    // What a person looked into and confirmed is no noise, whatever the indicator is to others.
    let is_confirmed = |strand: &&Weighed| strand.is_confirmed && strand.facts.said.is_some();
    let reported = strands.iter().filter(|strand| is_noise || !strand.noise || is_confirmed(strand));
    let reported: Vec<&Weighed> = reported.collect();
    match (weigh_sensed(&sensed, is_noise, weights), weigh_reported(&reported, is_noise, weights)) {
        (Some(sensed), Some(said)) if said.word > sensed.word => {
            Some(said.beside(Term::SensedApart { word: sensed.word }))
        }
        (Some(sensed), Some(said)) => Some(sensed.beside(Term::SaidApart { word: said.word })),
        (sensed, said) => sensed.or(said),
    }
}

/// Weighs what sensors saw.
fn weigh_sensed(considered: &[&Weighed], is_noise: bool, weights: &Weights) -> Option<Priority> {
    // The likeliest strand speaks for all: a doubtful one beside it does not make it less likely, and lends it nothing.
    let ((_, is_vouched, _), (grade, points, mut why)) = considered
        .iter()
        .map(|strand| (likelihood(strand, is_noise, weights), stands(strand, weights)))
        .map(|(found, stands)| ((found.0, stands, found.1), found))
        .max_by_key(|(key, _)| *key)?;
    why.push(Term::Likelihood { grade, points });
    let (consequence, further) = consequence(considered, weights);
    why.extend(further);
    let mut word = weights.matrix.word(grade, consequence.0);
    if word == Word::Critical {
        let by_name = considered.iter().any(|strand| is_sure(strand, weights) && strand.facts.by_name_at_high);
        let answered = members(considered, |strand| is_sure(strand, weights) && is_answered(strand));
        if by_name {
            why.push(Term::CriticalByName);
        } else if answered.len() >= weights.matrix.critical_members && !is_noise {
            why.push(Term::CriticalByMembers { value: size(answered.len()) });
        } else {
            why.push(Term::NotCritical);
            word = Word::High;
        }
    }
    // Contact at several that nothing else explains stands for itself; of a mere list it is what popular names have.
    let reached = members(considered, |strand| {
        !strand.is_listed && is_sure(strand, weights) && strand.facts.evidence >= Evidence::Contacted
    });
    if word > Word::Medium && !is_vouched && reached.len() < weights.matrix.critical_members {
        why.push(Term::Unvouched);
        word = Word::Medium;
    }
    Some(Priority { word, sort: points.saturating_mul(100).saturating_add(consequence.1), why })
}

/// How sure its sources say they are.
fn sureness(strand: &Weighed, weights: &Weights) -> Grade {
    sure(strand.facts.confidence, weights)
}

fn sure(confidence: u8, weights: &Weights) -> Grade {
    let (low_below, high_from) = (weights.confidence.low_below, weights.confidence.high_from);
    Grade::by(i64::from(confidence), i64::from(low_below), i64::from(high_from))
}

fn is_sure(strand: &Weighed, weights: &Weights) -> bool {
    sureness(strand, weights) > Grade::Low
}

/// Whether somebody or something stands for it: sources that are sure or were right, a threat that has a name, contact as regular as a
/// program's, or data that went out.
fn stands(strand: &Weighed, weights: &Weights) -> bool {
    let is_said = sureness(strand, weights) == Grade::High || strand.is_named || was_right(strand, weights);
    (is_said && !strand.is_listed) || strand.facts.persistent || strand.facts.evidence == Evidence::DataOut
}

/// Whether verdicts say that its sources were right more often than wrong; none where they say neither.
fn judged(strand: &Weighed, weights: &Weights) -> Option<bool> {
    let (confirmed, refuted) = strand.verdicts;
    let is_judged = confirmed + refuted >= weights.likelihood.verdicts_min && confirmed != refuted;
    is_judged.then_some(confirmed > refuted)
}

fn was_right(strand: &Weighed, weights: &Weights) -> bool {
    judged(strand, weights) == Some(true)
}

fn is_answered(strand: &Weighed) -> bool {
    strand.facts.evidence >= Evidence::Answered
}

fn members(strands: &[&Weighed], which: impl Fn(&Weighed) -> bool) -> std::collections::BTreeSet<i64> {
    strands.iter().filter(|strand| which(strand)).map(|strand| strand.independent).collect()
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn by_severity(severity: Severity, weights: &Weights) -> i64 {
    let [info, slight, middling, grave, critical] = weights.consequence.severity;
    match severity {
        Severity::Info => info,
        Severity::Low => slight,
        Severity::Medium => middling,
        Severity::High => grave,
        Severity::Critical => critical,
    }
}

fn consequence(strands: &[&Weighed], weights: &Weights) -> ((Grade, i64), Vec<Term>) {
    let given = &weights.consequence;
    let facts = strands.iter().map(|strand| strand.facts).reduce(Facts::join).unwrap_or_default();
    let [low, medium, high] = given.zone;
    let (grade, zone) = match facts.level {
        Level::Low => (Grade::Low, low),
        Level::Medium => (Grade::Medium, medium),
        Level::High => (Grade::High, high),
    };
    let severity = by_severity(facts.severity, weights);
    let mut why = vec![Term::Zone { grade, points: zone }, Term::Severity { value: facts.severity, points: severity }];
    let mut points = zone + severity;
    // Spread of what nobody is sure of says only that it is popular.
    let spread = members(strands, |strand| sureness(strand, weights) == Grade::High && is_answered(strand)).len();
    if spread >= given.members_min {
        why.push(Term::Members { value: size(spread), points: given.members });
        points += given.members;
    }
    let grade = Grade::by(points, given.medium_from, given.high_from);
    why.push(Term::Consequence { grade, points });
    ((grade, points), why)
}

#[cfg(test)]
mod tests;
