//! How likely what sensors saw is: by its sources and how far it got.

use varde_common::alert::Evidence;

use super::{Grade, Term, Weighed, judged, sureness, was_right};
use crate::weights::Weights;

/// Points for how sure its sources say they are, or whoever reported it is taken to be.
pub(super) fn by_confidence(sure: Grade, weights: &Weights) -> i64 {
    let [low, medium, high] = weights.likelihood.confidence;
    match sure {
        Grade::Low => low,
        Grade::Medium => medium,
        Grade::High => high,
    }
}

pub(super) fn by_evidence(evidence: Evidence, weights: &Weights) -> i64 {
    let [blocked, looked_up, answered, attempted, contacted, data_out] = weights.likelihood.evidence;
    match evidence {
        Evidence::Blocked => blocked,
        Evidence::LookedUp => looked_up,
        Evidence::Answered => answered,
        Evidence::Attempted => attempted,
        Evidence::Contacted => contacted,
        Evidence::DataOut => data_out,
    }
}

/// How likely what sensors saw of a strand is: the grade, its points and the terms.
pub(super) fn likelihood(strand: &Weighed, is_noise: bool, weights: &Weights) -> (Grade, i64, Vec<Term>) {
    let Weighed { facts, verdicts: (confirmed, refuted), .. } = *strand;
    let given = &weights.likelihood;
    let sure = sureness(strand, weights);
    let (confidence, evidence) = (by_confidence(sure, weights), by_evidence(facts.evidence, weights));
    let mut why = vec![
        Term::Confidence { value: facts.confidence, grade: sure, points: confidence },
        Term::Evidence { value: facts.evidence, points: evidence },
    ];
    let mut points = confidence + evidence;
    if facts.persistent {
        why.push(Term::Persistent { points: given.persistent });
        points += given.persistent;
    }
    if facts.evidence >= Evidence::Contacted && !facts.by_name {
        why.push(Term::AddressOnly { points: given.address_only });
        points += given.address_only;
    }
    if let Some(was_right) = judged(strand, weights) {
        let judged = if was_right { given.source_confirmed } else { given.source_refuted };
        why.push(Term::Verdicts { confirmed, refuted, points: judged });
        points += judged;
    }
    let mut grade = Grade::by(points, given.medium_from, given.high_from);
    let mut cap = |most: Grade, term: Term| {
        if grade > most {
            grade = most;
            why.push(term);
        }
    };
    match sure {
        Grade::Low => cap(Grade::Low, Term::LowConfidence),
        Grade::Medium if !was_right(strand, weights) => cap(Grade::Medium, Term::MediumConfidence),
        Grade::Medium | Grade::High => {}
    }
    if strand.is_listed {
        cap(Grade::Medium, Term::MereList);
    }
    if facts.evidence == Evidence::Blocked {
        cap(Grade::Low, Term::Blocked);
    }
    if is_noise {
        cap(Grade::Low, Term::Noise);
    }
    (grade, points, why)
}
