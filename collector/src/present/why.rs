//! Why an incident or a campaign has the word it has: terms put into the reader's words.

use varde_common::alert::Evidence;
use varde_common::indicator::Severity;

use super::text::Texts;
use crate::priority::{Grade, Term, Word};

/// A word's reasons, as they are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WhyWord {
    /// One line a term; none where it was not weighed yet.
    pub terms: Vec<String>,
    /// By which weights, that it was not weighed yet, or that it is weighed anew.
    pub version: String,
}

impl WhyWord {
    /// From facts.
    pub fn of(terms: &[Term], version: Option<&str>, texts: &Texts) -> WhyWord {
        WhyWord {
            terms: terms.iter().map(|term| words(term, texts)).collect(),
            version: match version {
                Some(version) => texts.with("word-version", &[("version", version)]),
                // What it was weighed by is gone, its reasons are not.
                None if !terms.is_empty() => texts.say("word-again"),
                None => texts.say("word-unweighed"),
            },
        }
    }
}

fn likely(grade: Grade, texts: &Texts) -> String {
    match grade {
        Grade::Low => texts.say("likely-low"),
        Grade::Medium => texts.say("likely-medium"),
        Grade::High => texts.say("likely-high"),
    }
}

fn level(grade: Grade, texts: &Texts) -> String {
    match grade {
        Grade::Low => texts.say("level-low"),
        Grade::Medium => texts.say("level-medium"),
        Grade::High => texts.say("level-high"),
    }
}

fn evidence(evidence: Evidence, texts: &Texts) -> String {
    match evidence {
        Evidence::Blocked => texts.say("evidence-blocked"),
        Evidence::LookedUp => texts.say("evidence-looked-up"),
        Evidence::Answered => texts.say("evidence-answered"),
        Evidence::Attempted => texts.say("evidence-attempted"),
        Evidence::Contacted => texts.say("evidence-contacted"),
        Evidence::DataOut => texts.say("evidence-data-out"),
    }
}

fn severity(severity: Severity, texts: &Texts) -> String {
    match severity {
        Severity::Info => texts.say("severity-info"),
        Severity::Low => texts.say("severity-low"),
        Severity::Medium => texts.say("severity-medium"),
        Severity::High => texts.say("severity-high"),
        Severity::Critical => texts.say("severity-critical"),
    }
}

fn grave(word: Word, texts: &Texts) -> String {
    match word {
        Word::Info => texts.say("severity-info"),
        Word::Low => texts.say("severity-low"),
        Word::Medium => texts.say("severity-medium"),
        Word::High => texts.say("severity-high"),
        Word::Critical => texts.say("severity-critical"),
    }
}

/// Points with their sign, so that it is seen what speaks for and what against.
fn signed(points: i64) -> String {
    format!("{points:+}")
}

fn words(term: &Term, texts: &Texts) -> String {
    let pointed =
        |key: &str, value: &str, points: i64| texts.with(key, &[("value", value), ("points", signed(points).as_str())]);
    match term {
        Term::Confidence { value, grade, points } => {
            let (value, grade, points) = (value.to_string(), likely(*grade, texts), signed(*points));
            texts.with("term-confidence", &[("value", &value), ("grade", &grade), ("points", &points)])
        }
        Term::Reported { grade, points } => pointed("term-reported", &likely(*grade, texts), *points),
        Term::EvidenceUnknown { points } => pointed("term-evidence-unknown", "", *points),
        Term::Confirmed { points } => pointed("term-confirmed", "", *points),
        Term::Unconfirmed => texts.say("term-unconfirmed"),
        Term::Assumed { value, points } => pointed("term-assumed", &severity(*value, texts), *points),
        Term::Evidence { value, points } => pointed("term-evidence", &evidence(*value, texts), *points),
        Term::EvidenceSaid { value, points } => pointed("term-evidence-said", &evidence(*value, texts), *points),
        Term::Persistent { points } => pointed("term-persistent", "", *points),
        Term::AddressOnly { points } => pointed("term-address-only", "", *points),
        Term::Verdicts { confirmed, refuted, points } => {
            let (confirmed, refuted, points) = (confirmed.to_string(), refuted.to_string(), signed(*points));
            texts.with("term-verdicts", &[("confirmed", &confirmed), ("refuted", &refuted), ("points", &points)])
        }
        Term::LowConfidence => texts.say("term-low-confidence"),
        Term::MediumConfidence => texts.say("term-medium-confidence"),
        Term::Blocked => texts.say("term-blocked"),
        Term::Noise => texts.say("term-noise"),
        Term::MereList => texts.say("term-mere-list"),
        Term::Likelihood { grade, points } => {
            texts.with("term-likelihood", &[("value", &likely(*grade, texts)), ("points", &points.to_string())])
        }
        Term::Zone { grade, points } => pointed("term-zone", &level(*grade, texts), *points),
        Term::Severity { value, points } => pointed("term-severity", &severity(*value, texts), *points),
        Term::Members { value, points } => pointed("term-members", &value.to_string(), *points),
        Term::Consequence { grade, points } => {
            texts.with("term-consequence", &[("value", &level(*grade, texts)), ("points", &points.to_string())])
        }
        Term::CriticalByName => texts.say("term-critical-by-name"),
        Term::CriticalByMembers { value } => texts.with("term-critical-by-members", &[("value", &value.to_string())]),
        Term::NotCritical => texts.say("term-not-critical"),
        Term::Unvouched => texts.say("term-unvouched"),
        Term::SaidApart { word } => texts.with("term-said-apart", &[("value", &grave(*word, texts))]),
        Term::SensedApart { word } => texts.with("term-sensed-apart", &[("value", &grave(*word, texts))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::Language;

    #[test]
    fn every_term_has_words_in_every_language() {
        let terms = [
            Term::Confidence { value: 83, grade: Grade::High, points: 2 },
            Term::Evidence { value: Evidence::DataOut, points: 4 },
            Term::Reported { grade: Grade::Medium, points: 1 },
            Term::EvidenceUnknown { points: 1 },
            Term::Confirmed { points: 3 },
            Term::Unconfirmed,
            Term::Assumed { value: Severity::Medium, points: 0 },
            Term::Persistent { points: 1 },
            Term::AddressOnly { points: -1 },
            Term::Verdicts { confirmed: 7, refuted: 9, points: -1 },
            Term::LowConfidence,
            Term::MediumConfidence,
            Term::Blocked,
            Term::Noise,
            Term::MereList,
            Term::Likelihood { grade: Grade::Medium, points: 3 },
            Term::Zone { grade: Grade::High, points: 2 },
            Term::Severity { value: Severity::Critical, points: 1 },
            Term::Members { value: 6, points: 1 },
            Term::Consequence { grade: Grade::Low, points: 0 },
            Term::CriticalByName,
            Term::CriticalByMembers { value: 5 },
            Term::NotCritical,
            Term::Unvouched,
            Term::EvidenceSaid { value: Evidence::Contacted, points: 5 },
            Term::SaidApart { word: Word::High },
            Term::SensedApart { word: Word::Info },
        ];
        for language in Language::ALL {
            let said = WhyWord::of(&terms, Some("varde-2"), Texts::of(language));
            let all = said.terms.join("\n");
            assert!(!all.contains("term-") && !all.contains('{'), "{all}");
            for value in ["83", "+2", "-1", "7", "9", "+4", "+3", "+5", "6"] {
                assert!(all.contains(value), "{value} in {all}");
            }
            assert!(said.version.contains("varde-2"));
        }
    }

    #[test]
    fn n_a_word_that_is_weighed_anew_is_told_from_one_that_never_was() {
        for (language, before) in
            [(Language::Bokmaal, "fra før"), (Language::Nynorsk, "frå før"), (Language::English, "until then")]
        {
            let texts = Texts::of(language);
            assert!(WhyWord::of(&[Term::CriticalByName], None, texts).version.contains(before));
            assert_eq!(WhyWord::of(&[], None, texts).version, texts.say("word-unweighed"));
        }
    }
}
