//! How likely something is: what sensors saw by their sources and how far it got, what people report by whether a person has confirmed it.

use varde_common::alert::Evidence;

use super::{Basis, Grade, Term, Weighed, judged, sureness, was_right};
use crate::weights::Weights;

/// Points for how sure its sources say they are, or whoever reported it is taken to be.
fn by_confidence(sure: Grade, weights: &Weights) -> i64 {
    let [low, medium, high] = weights.likelihood.confidence;
    match sure {
        Grade::Low => low,
        Grade::Medium => medium,
        Grade::High => high,
    }
}

fn by_evidence(evidence: Evidence, weights: &Weights) -> i64 {
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

/// How likely what people report is: no source, list or address says anything of it, and it is as sure as whoever looked into it.
fn likelihood_reported(strand: &Weighed, is_noise: bool, weights: &Weights) -> (Grade, i64, Vec<Term>) {
    let (given, facts, sure) = (&weights.likelihood, strand.facts, sureness(strand, weights));
    let confidence = by_confidence(sure, weights);
    let is_unsaid = facts.basis == Basis::Unsaid;
    // Of what nobody says how far it got as little is known as of a look-up.
    let evidence = by_evidence(if is_unsaid { Evidence::LookedUp } else { facts.evidence }, weights);
    let how_far = match is_unsaid {
        true => Term::EvidenceUnknown { points: evidence },
        false => Term::Evidence { value: facts.evidence, points: evidence },
    };
    let (mut points, mut why) =
        (confidence + evidence, vec![Term::Reported { grade: sure, points: confidence }, how_far]);
    if strand.is_confirmed {
        let lift = (given.high_from - points).max(0);
        why.push(Term::Confirmed { points: lift });
        points += lift;
        return (Grade::High, points, why);
    }
    let mut grade = Grade::by(points, given.medium_from, given.high_from);
    let caps = [
        (true, Grade::Medium, Term::Unconfirmed),
        (sure == Grade::Low, Grade::Low, Term::LowConfidence),
        (!is_unsaid && facts.evidence == Evidence::Blocked, Grade::Low, Term::Blocked),
        (is_noise, Grade::Low, Term::Noise),
    ];
    for (_, most, term) in caps.into_iter().filter(|(applies, _, _)| *applies) {
        if grade > most {
            grade = most;
            why.push(term);
        }
    }
    (grade, points, why)
}

/// How likely what a strand stands for is: the grade, its points and the terms.
pub(super) fn likelihood(strand: &Weighed, is_noise: bool, weights: &Weights) -> (Grade, i64, Vec<Term>) {
    if strand.facts.basis != Basis::Sensed {
        return likelihood_reported(strand, is_noise, weights);
    }
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
