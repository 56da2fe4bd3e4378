//! How many of those that could see it a campaign has hit, in words: a number never stands without its denominator (decision 29), and what
//! people alone have reported is of none.

use super::text::Texts;
use super::view::size;
use crate::coverage::{Blind, Coverage};
use crate::escalation::Scale;
use crate::store::picture::CampaignFacts;
use crate::weights::EscalationWeights;

/// How many members it hit, of how many that could see it.
pub fn reach_words(facts: &CampaignFacts, coverage: &Coverage, texts: &Texts) -> String {
    let (hit, reported) = (size(facts.hits.len()), size(facts.reported()));
    let (able, total) = (size(coverage.able.len()), size(coverage.total()));
    let numbers = [
        ("hit", hit),
        ("seen", hit - reported),
        ("reported", reported),
        ("able", able),
        ("blind", total - able),
        ("total", total),
    ];
    match (reported, hit - reported) {
        (0, _) if able == total => texts.numbers("reach-all", &numbers),
        (0, _) => texts.numbers("reach", &numbers),
        (_, 0) if able == 0 => texts.numbers("reach-reported-blind", &numbers),
        (_, 0) => texts.numbers("reach-reported-unseen", &numbers),
        (_, _) => texts.numbers("reach-reported", &numbers),
    }
}

/// Why some members cannot see, each reason with its number.
pub fn blind_words(coverage: &Coverage, texts: &Texts) -> Vec<String> {
    coverage
        .reasons()
        .into_iter()
        .map(|(reason, count)| {
            let n = size(count);
            match reason {
                Blind::NoSensor => texts.count("blind-no-sensor", n),
                Blind::NotEnrolled => texts.count("blind-not-enrolled", n),
                Blind::Revoked => texts.count("blind-revoked", n),
                Blind::Silent => texts.count("blind-silent", n),
                Blind::NoIndicator => texts.count("blind-no-indicator", n),
                Blind::OldList => texts.count("blind-old-list", n),
                Blind::NoTraffic => texts.count("blind-no-traffic", n),
                Blind::Unseen => texts.count("blind-unseen", n),
            }
        })
        .collect()
}

/// How wide it is, by what sensors saw at those that could see it; nothing is said of one, nor of what people alone have reported.
pub fn scale(
    facts: &CampaignFacts,
    coverage: &Coverage,
    escalation: &EscalationWeights,
    texts: &Texts,
) -> Option<String> {
    match Scale::of(facts.independent_seen(), coverage.able.len(), escalation) {
        Scale::OneSite => None,
        Scale::Several => Some(texts.say("scale-several")),
        Scale::SectorWide => Some(texts.say("scale-sector")),
    }
}
