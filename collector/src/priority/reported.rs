//! What people report, weighed by what people say alone: no source, list, zone or address speaks for it, a person's confirmation does.

use varde_common::alert::Evidence;

use super::likelihood::{by_confidence, by_evidence};
use super::{Grade, Hearsay, Priority, Term, Weighed, Word, by_severity, sure};
use crate::weights::Weights;

/// Weighs what people said of these strands; none where nobody said anything.
pub(super) fn weigh_reported(strands: &[&Weighed], is_noise: bool, weights: &Weights) -> Option<Priority> {
    let heard = || strands.iter().filter_map(|strand| Some((strand.facts.said?, strand.is_confirmed)));
    let severity = heard().map(|(said, _)| said.severity).max()?;
    let ((_, is_confirmed, _), (grade, points, mut why)) = heard()
        .map(|(said, is_confirmed)| (likelihood(said, is_confirmed, is_noise, weights), is_confirmed))
        .map(|(found, is_confirmed)| ((found.0, is_confirmed, found.1), found))
        .max_by_key(|(key, _)| *key)?;
    why.push(Term::Likelihood { grade, points });
    // Nobody has named a zone, no list a severity, and an answer that was only told of was seen at nobody.
    let bad = by_severity(severity, weights);
    let consequence = Grade::by(bad, weights.consequence.medium_from, weights.consequence.high_from);
    why.push(Term::Assumed { value: severity, points: bad });
    why.push(Term::Consequence { grade: consequence, points: bad });
    let mut word = weights.matrix.word(grade, consequence);
    if word == Word::Critical {
        why.push(Term::NotCritical);
        word = Word::High;
    }
    if word > Word::Medium && !is_confirmed {
        why.push(Term::Unvouched);
        word = Word::Medium;
    }
    Some(Priority { word, sort: points.saturating_mul(100).saturating_add(bad), why })
}

/// How likely it is: as sure as whoever looked into it.
fn likelihood(said: Hearsay, is_confirmed: bool, is_noise: bool, weights: &Weights) -> (Grade, i64, Vec<Term>) {
    let (given, sure) = (&weights.likelihood, sure(said.confidence, weights));
    let confidence = by_confidence(sure, weights);
    // Of what nobody says how far it got as little is known as of a look-up.
    let evidence = by_evidence(said.evidence.unwrap_or(Evidence::LookedUp), weights);
    let how_far = match said.evidence {
        Some(value) => Term::EvidenceSaid { value, points: evidence },
        None => Term::EvidenceUnknown { points: evidence },
    };
    let (mut points, mut why) =
        (confidence + evidence, vec![Term::Reported { grade: sure, points: confidence }, how_far]);
    if is_confirmed {
        let lift = (given.high_from - points).max(0);
        why.push(Term::Confirmed { points: lift });
        points += lift;
        return (Grade::High, points, why);
    }
    let mut grade = Grade::by(points, given.medium_from, given.high_from);
    let caps = [
        (true, Grade::Medium, Term::Unconfirmed),
        (sure == Grade::Low, Grade::Low, Term::LowConfidence),
        (said.evidence == Some(Evidence::Blocked), Grade::Low, Term::Blocked),
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
