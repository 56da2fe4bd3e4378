//! What looks like a false positive: few rules, printed, and a proposal that shows its numbers. A person says whether it is one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use crate::weights::NoiseWeights;

/// An indicator's meeting with one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// Earliest sighting there.
    pub first_seen: Timestamp,
    /// How far it got there.
    pub evidence: Evidence,
    /// At how many hosts.
    pub hosts: i64,
}

/// Everything that is known of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Members that it met.
    pub met: Vec<Met>,
    /// How many members could have seen it.
    pub able: usize,
    /// How sure its sources are, 0-100.
    pub confidence: u8,
    /// When sensors were first given it.
    pub published_at: Option<Timestamp>,
    /// Verdicts that confirmed what its sources named, and that refuted it.
    pub verdicts: (i64, i64),
}

/// A proposal's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Numbers {
    /// Members that met it.
    pub members: usize,
    /// Members that could have.
    pub able_to_see: usize,
    /// By the median member: at how many hosts.
    pub hosts_median: i64,
    /// By the median member: how far it got.
    #[schema(value_type = String)]
    pub evidence_median: Evidence,
    /// Seconds from the first member to the one in the middle.
    pub half_within_s: u64,
    /// Seconds from its publication to the member in the middle; none = not published here, or met before.
    pub half_after_publication_s: Option<u64>,
    /// How sure its sources are.
    pub confidence: u8,
    /// Verdicts that confirmed what its sources named.
    pub confirmed: i64,
    /// And that refuted it.
    pub refuted: i64,
}

fn hours(count: u16) -> Duration {
    Duration::from_secs(u64::from(count) * 60 * 60)
}

/// The numbers of a proposal, where there is reason for one.
pub fn look(record: &Record, weights: &NoiseWeights) -> Option<Numbers> {
    let members = record.met.len();
    let is_wide = members >= weights.members_min.max(1)
        && members.saturating_mul(100) >= record.able.max(members).saturating_mul(weights.share_hundredths);
    let (confirmed, refuted) = record.verdicts;
    let is_doubtful = record.confidence < weights.confidence_below || refuted > confirmed;
    if !is_wide || !is_doubtful {
        return None;
    }
    // The member in the middle; of an even number the later of the two.
    let middle = members / 2;
    let mut times: Vec<Timestamp> = record.met.iter().map(|met| met.first_seen).collect();
    times.sort_unstable();
    let mut evidence: Vec<Evidence> = record.met.iter().map(|met| met.evidence).collect();
    evidence.sort_unstable();
    let mut hosts: Vec<i64> = record.met.iter().map(|met| met.hosts).collect();
    hosts.sort_unstable();
    let (first, half) = (*times.first()?, *times.get(middle)?);
    let (evidence_median, hosts_median) = (*evidence.get(middle)?, *hosts.get(middle)?);
    let half_within = half.since(first);
    let since_published = record.published_at.filter(|at| *at <= half).map(|at| half.since(at));
    let signs = [
        half_within <= hours(weights.at_once_hours),
        since_published.is_some_and(|after| after <= hours(weights.fresh_hours)),
        hosts_median >= weights.hosts_per_member,
        evidence_median <= Evidence::Answered,
    ];
    (signs.into_iter().filter(|sign| *sign).count() >= weights.signs_min).then_some(Numbers {
        members,
        able_to_see: record.able.max(members),
        hosts_median,
        evidence_median,
        half_within_s: half_within.as_secs(),
        half_after_publication_s: since_published.map(|after| after.as_secs()),
        confidence: record.confidence,
        confirmed,
        refuted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Weights;

    const HOUR: i64 = 3_600_000_000;

    fn popular() -> Record {
        let met = |hour| Met { first_seen: Timestamp(hour * HOUR), evidence: Evidence::Answered, hosts: 4 };
        Record {
            met: (0..40).map(met).map(|met| Met { first_seen: Timestamp(met.first_seen.0 / 8), ..met }).collect(),
            able: 200,
            confidence: 50,
            published_at: Some(Timestamp(0)),
            verdicts: (0, 0),
        }
    }

    fn proposed(record: &Record) -> Option<Numbers> {
        look(record, &Weights::built_in().noise)
    }

    #[test]
    fn q_a_popular_false_positive_is_proposed_with_its_numbers() {
        let numbers = proposed(&popular()).unwrap();
        assert_eq!((numbers.members, numbers.able_to_see), (40, 200));
        assert_eq!((numbers.hosts_median, numbers.evidence_median), (4, Evidence::Answered));
        assert_eq!((numbers.half_within_s, numbers.half_after_publication_s), (9_000, Some(9_000)));
    }

    #[test]
    fn what_is_surely_bad_rare_or_came_in_order_is_not_proposed() {
        assert_eq!(proposed(&Record { confidence: 75, ..popular() }), None);
        assert!(
            proposed(&Record { confidence: 90, verdicts: (1, 2), ..popular() }).is_some(),
            "its sources were wrong"
        );
        assert_eq!(proposed(&Record { able: 401, ..popular() }), None, "not one in ten of those that could see it");
        let few = Record { met: popular().met.into_iter().take(4).collect(), able: 10, ..popular() };
        assert_eq!(proposed(&few), None);
        // A worm: over days, and it is reached at one host a member.
        let worm = |place: usize| Met {
            first_seen: Timestamp(i64::try_from(place).unwrap() * 6 * HOUR),
            evidence: Evidence::Contacted,
            hosts: 1,
        };
        assert_eq!(proposed(&Record { met: (0..40).map(worm).collect(), ..popular() }), None);
        assert_eq!(proposed(&Record { met: Vec::new(), able: 0, ..popular() }), None);
    }
}
