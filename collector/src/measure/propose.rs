//! Which measures are proposed for what was seen, and why each.

use std::collections::BTreeSet;

use varde_common::alert::{Evidence, Level};

use super::{Bank, Measure, Threat};

/// What was seen, of an incident or of all of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// How far it came; none = people say so, and nobody how far.
    pub evidence: Option<Evidence>,
    /// The gravest consequence level of the zones it was met in; what nobody marked counts as medium (decision 10).
    pub level: Level,
    /// What the threats do, as far as sources say.
    pub threats: BTreeSet<Threat>,
    /// Kinds of the indicators.
    pub kinds: BTreeSet<String>,
}

/// A reason («hvorfor foreslått»).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// It came so far.
    Evidence(Evidence),
    /// Nobody says how far it came: what finds that out is proposed.
    NotKnownHowFar,
    /// It was met where the consequence is such.
    Level(Level),
    /// The threat does this.
    Threat(Threat),
    /// It was met by an indicator of this kind.
    Kind(String),
}

/// A measure that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed<'a> {
    /// Which.
    pub measure: &'a Measure,
    /// Why; never empty.
    pub because: Vec<Because>,
}

/// As far as what nobody knows counts: far enough to find out, not far enough to take a machine down.
const UNKNOWN_COUNTS_AS: Evidence = Evidence::Answered;

fn reasons(measure: &Measure, situation: &Situation) -> Option<Vec<Because>> {
    let fits = &measure.fits;
    if !fits.evidence.contains(&situation.evidence.unwrap_or(UNKNOWN_COUNTS_AS)) {
        return None;
    }
    let mut because = vec![situation.evidence.map_or(Because::NotKnownHowFar, Because::Evidence)];
    if !fits.levels.is_empty() {
        because.push(fits.levels.contains(&situation.level).then_some(Because::Level(situation.level))?);
    }
    if !fits.threats.is_empty() {
        because
            .push(fits.threats.iter().find(|threat| situation.threats.contains(threat)).map(|t| Because::Threat(*t))?);
    }
    if !fits.kinds.is_empty() {
        because.push(fits.kinds.iter().find(|kind| situation.kinds.contains(*kind)).map(|k| Because::Kind(k.clone()))?);
    }
    Some(because)
}

/// What is proposed, in the order in which it is done. Never nothing.
pub fn propose<'a>(bank: &'a Bank, situation: &Situation) -> Vec<Proposed<'a>> {
    let fitting = |measure| Some(Proposed { measure, because: reasons(measure, situation)? });
    bank.all().iter().filter_map(fitting).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::KINDS;

    fn keys(evidence: Option<Evidence>, level: Level, threats: &[Threat]) -> Vec<&'static str> {
        let situation = Situation {
            evidence,
            level,
            threats: threats.iter().copied().collect(),
            kinds: BTreeSet::from(["domain".to_owned()]),
        };
        propose(Bank::shipped(), &situation).into_iter().map(|proposed| proposed.measure.key.as_str()).collect()
    }

    #[test]
    fn something_is_proposed_for_each_stage_zone_threat_and_kind_with_a_reason() {
        let stages = Evidence::ALL.into_iter().map(Some).chain([None]);
        for evidence in stages {
            for level in [Level::Low, Level::Medium, Level::High] {
                for threats in [vec![], vec![Threat::Phishing], vec![Threat::Ransomware], Threat::ALL.to_vec()] {
                    for kind in KINDS {
                        let situation = Situation {
                            evidence,
                            level,
                            threats: threats.iter().copied().collect(),
                            kinds: BTreeSet::from([(*kind).to_owned()]),
                        };
                        let proposed = propose(Bank::shipped(), &situation);
                        assert!(proposed.len() >= 2, "{situation:?}");
                        assert!(proposed.iter().all(|one| !one.because.is_empty()));
                        let orders: Vec<u16> = proposed.iter().map(|one| one.measure.order).collect();
                        assert!(orders.is_sorted(), "{orders:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn nobody_takes_a_machine_down_over_a_look_up_and_everybody_does_over_contact() {
        use Evidence::{Answered, Attempted, Blocked, Contacted, DataOut, LookedUp};
        for far in [Some(Blocked), Some(LookedUp), Some(Answered), None] {
            assert!(!keys(far, Level::Low, &[]).contains(&"isolate-machine"), "{far:?}");
        }
        for far in [Contacted, DataOut] {
            let proposed = keys(Some(far), Level::Low, &[]);
            assert!(proposed.contains(&"isolate-machine") && proposed.contains(&"keep-traces"), "{proposed:?}");
        }
        assert!(keys(Some(DataOut), Level::Low, &[]).contains(&"personal-data"));
        assert!(!keys(Some(Contacted), Level::Low, &[]).contains(&"personal-data"));
        assert!(keys(Some(Attempted), Level::High, &[]).contains(&"guard-important"));
        assert!(
            !keys(Some(Answered), Level::High, &[]).contains(&"guard-important"),
            "nothing is closed over an answer"
        );
        assert!(keys(Some(LookedUp), Level::High, &[]).contains(&"ready-guard"), "made ready, in time");
        assert!(!keys(Some(Attempted), Level::Medium, &[]).contains(&"guard-important"));
        assert!(keys(Some(Blocked), Level::Low, &[Threat::Phishing]).contains(&"warn-staff"));
        assert!(!keys(Some(Blocked), Level::Low, &[]).contains(&"warn-staff"));
        assert!(keys(Some(Answered), Level::Low, &[Threat::Ransomware]).contains(&"stop-encryption"));
    }

    #[test]
    fn whoever_answers_for_a_service_is_asked_before_anything_is_taken_down() {
        for (key, words) in [
            ("isolate-machine", ["pleie, vann, vakt", "pleie, vatn, vakt", "care, water, duty"]),
            ("guard-important", ["Avtal først", "Avtal først", "Agree first"]),
        ] {
            let contents = &Bank::shipped().get(key).unwrap().contents;
            for (content, word) in [&contents.nb, &contents.nn, &contents.en].into_iter().zip(words) {
                assert!(content.steps[0].contains(word), "{key}: {:?}", content.steps);
            }
        }
    }

    #[test]
    fn what_a_threat_does_is_read_from_what_sources_call_it() {
        assert!(Threat::Phishing.is_said_by("T1566.002") && Threat::Phishing.is_said_by("Lure mot Altinn"));
        assert!(
            Threat::Ransomware.is_said_by("misp-galaxy:ransomware=\"x\"") && Threat::Ransomware.is_said_by("T1486")
        );
        assert!(!Threat::Ransomware.is_said_by("Cobalt Strike") && !Threat::Phishing.is_said_by("T1071"));
    }
}
