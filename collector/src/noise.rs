//! What looks like a false positive: few rules, printed, and a proposal that shows its numbers. A person says whether it is one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use crate::weights::{NoiseWeights, Weights};

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

/// How far hosts got with an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Reached {
    /// Hosts that met it.
    pub hosts: i64,
    /// Of these, stopped.
    pub stopped: i64,
    /// Of these, further than an answer.
    pub beyond: i64,
}

impl Reached {
    /// Whether of those that nothing stopped fewer than so many hundredths got further than an answer; of nobody that is not known.
    pub fn is_little(self, hundredths: i64) -> bool {
        let open = self.hosts.saturating_sub(self.stopped);
        open > 0 && self.beyond.saturating_mul(100) < open.saturating_mul(hundredths)
    }
}

/// Everything that is known of an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Members that it met.
    pub met: Vec<Met>,
    /// How far its hosts got.
    pub reached: Reached,
    /// How many members could have seen it.
    pub able: usize,
    /// How sure its sources are, 0-100.
    pub confidence: u8,
    /// All that is named beside it is a mere list.
    pub is_listed: bool,
    /// A threat is named beside it, which is no mere list.
    pub is_named: bool,
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
    /// How far its hosts got; nothing in proposals from before this was kept.
    #[serde(default)]
    pub reached: Reached,
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

/// Everything that is known of a threat that nobody has shown to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreatRecord {
    /// Of its indicators, how many met somebody.
    pub met: i64,
    /// Members that met any.
    pub members: i64,
    /// How many members could have.
    pub able: i64,
    /// How sure the sources of the surest indicator met are, 0-100.
    pub confidence: u8,
    /// A source names it by a cluster of a MISP galaxy.
    pub is_in_a_galaxy: bool,
    /// How far its hosts got.
    pub reached: Reached,
}

/// What a threat was found to be a mere list by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreatNumbers {
    /// Of its indicators, how many met somebody.
    pub met: i64,
    /// Members that met any.
    pub members: i64,
    /// Members that could have.
    pub able_to_see: i64,
    /// How far its hosts got.
    pub reached: Reached,
}

/// The numbers of a threat that behaves like a list: no source is sure of it and no galaxy knows it, many of its indicators met many
/// members, and few hosts got further than an answer.
pub fn look_at_threat(record: &ThreatRecord, weights: &Weights) -> Option<ThreatNumbers> {
    let ThreatRecord { met, members, able, confidence, is_in_a_galaxy, reached } = *record;
    let noise = &weights.noise;
    let members_min = i64::try_from(noise.members_min.max(1)).unwrap_or(i64::MAX);
    let share = i64::try_from(noise.share_hundredths).unwrap_or(i64::MAX);
    let is_wide = members >= members_min && members.saturating_mul(100) >= able.max(members).saturating_mul(share);
    let is_list = met >= weights.link.mere_list_met
        && is_wide
        && confidence < weights.confidence.high_from
        && !is_in_a_galaxy
        && reached.is_little(noise.beyond_hundredths);
    is_list.then_some(ThreatNumbers { met, members, able_to_see: able.max(members), reached })
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
    if !is_wide {
        return None;
    }
    // What somebody stands for takes more signs: sure sources that were not wrong, or a threat that has a name.
    let is_sure = record.confidence >= weights.confidence_below && !record.is_listed;
    let is_vouched = (is_sure || record.is_named) && refuted <= confirmed;
    let enough = if is_vouched { weights.vouched_signs_min } else { weights.signs_min };
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
    let in_time = [
        half_within <= hours(weights.at_once_hours),
        since_published.is_some_and(|after| after <= hours(weights.fresh_hours)),
    ];
    let is_little = record.reached.is_little(weights.beyond_hundredths);
    let at_hosts = [hosts_median >= weights.hosts_per_member, is_little];
    let count = |signs: [bool; 2]| signs.into_iter().filter(|sign| *sign).count();
    // A lure is fast as well: what tells popular from wanted is how its hosts met it. Of what nobody stands for it is enough that so
    // many asked for it and hardly any went there.
    let looks_popular =
        (count(at_hosts) > 0 && count(at_hosts) + count(in_time) >= enough) || (is_little && !is_vouched);
    looks_popular.then_some(Numbers {
        members,
        able_to_see: record.able.max(members),
        hosts_median,
        evidence_median,
        reached: record.reached,
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

    const HOUR: i64 = 3_600_000_000;

    fn popular() -> Record {
        let met = |hour| Met { first_seen: Timestamp(hour * HOUR), evidence: Evidence::Answered, hosts: 4 };
        Record {
            met: (0..40).map(met).map(|met| Met { first_seen: Timestamp(met.first_seen.0 / 8), ..met }).collect(),
            reached: Reached { hosts: 160, stopped: 0, beyond: 32 },
            able: 200,
            confidence: 50,
            is_listed: false,
            is_named: false,
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
    fn q_a_popular_name_that_its_source_is_sure_of_is_proposed_by_three_signs_and_a_lure_is_not() {
        let sure = Record { confidence: 90, ..popular() };
        assert!(proposed(&sure).is_some(), "at once, from its publication on, at many hosts and with little contact");
        // A lure at once after its publication that most reached: fast, and nothing more.
        let one_host = |met: &Met| Met { hosts: 1, evidence: Evidence::Contacted, ..*met };
        let lure = |confidence| Record {
            met: popular().met.iter().map(one_host).collect(),
            reached: Reached { hosts: 40, stopped: 8, beyond: 20 },
            confidence,
            ..popular()
        };
        assert_eq!((proposed(&lure(90)), proposed(&lure(60))), (None, None));
        // The same where hardly any got further than an answer: of what nobody stands for that is enough, of what is sure it takes both times.
        let little = |confidence| Record { reached: Reached { beyond: 7, ..lure(60).reached }, ..lure(confidence) };
        assert!(proposed(&little(60)).is_some() && proposed(&little(90)).is_some());
        let early = |confidence| Record { published_at: Some(Timestamp(-99 * HOUR)), ..little(confidence) };
        assert!(proposed(&early(60)).is_some());
        assert_eq!(proposed(&early(90)), None);
        assert_eq!(proposed(&Record { is_named: true, ..early(60) }), None, "a threat has a name");
        // Here and there for weeks, and hardly any went there.
        let days = |place: i64, met: &Met| Met { first_seen: Timestamp(place * 17 * HOUR), ..*met };
        let drip = |confidence| Record {
            met: (0..).zip(&early(60).met).map(|(place, met)| days(place, met)).collect(),
            ..early(confidence)
        };
        assert!(proposed(&drip(60)).is_some());
        assert_eq!(proposed(&drip(90)), None);
        assert!(
            proposed(&Record { is_listed: true, ..early(90) }).is_some(),
            "a list that is sure of itself is a list"
        );
        assert!(proposed(&Record { verdicts: (1, 2), ..early(90) }).is_some(), "its sources were wrong");
        // What filters stopped everywhere is no popular name.
        let stopped = Record { reached: Reached { hosts: 40, stopped: 40, beyond: 0 }, ..lure(60) };
        assert_eq!(proposed(&stopped), None);
    }

    #[test]
    fn q_a_threat_behaves_like_a_list_where_many_of_its_indicators_met_many_and_little_came_of_it() {
        let weights = Weights::built_in();
        let list = ThreatRecord {
            met: 10,
            members: 18,
            able: 357,
            confidence: 60,
            is_in_a_galaxy: false,
            reached: Reached { hosts: 40, stopped: 0, beyond: 4 },
        };
        assert!(look_at_threat(&list, &weights).is_some_and(|numbers| numbers.able_to_see == 357));
        let threats = [
            ThreatRecord { met: 9, ..list },
            ThreatRecord { members: 17, ..list },
            ThreatRecord { members: 7, able: 7, ..list },
            ThreatRecord { confidence: 75, ..list },
            ThreatRecord { is_in_a_galaxy: true, ..list },
            ThreatRecord { reached: Reached { beyond: 14, ..list.reached }, ..list },
            ThreatRecord { reached: Reached { stopped: 40, ..list.reached }, ..list },
        ];
        for threat in threats {
            assert_eq!(look_at_threat(&threat, &weights), None, "{threat:?}");
        }
    }

    #[test]
    fn what_is_rare_or_came_in_order_is_not_proposed() {
        assert_eq!(proposed(&Record { able: 801, ..popular() }), None, "not one in twenty of those that could see it");
        let few = Record { met: popular().met.into_iter().take(7).collect(), able: 10, ..popular() };
        assert_eq!(proposed(&few), None);
        // A worm: over days, and it is reached at one host a member.
        let worm = |place: usize| Met {
            first_seen: Timestamp(i64::try_from(place).unwrap() * 6 * HOUR),
            evidence: Evidence::Contacted,
            hosts: 1,
        };
        let reached = Reached { hosts: 40, stopped: 8, beyond: 24 };
        assert_eq!(proposed(&Record { met: (0..40).map(worm).collect(), reached, ..popular() }), None);
        assert_eq!(proposed(&Record { met: Vec::new(), able: 0, ..popular() }), None);
    }
}
