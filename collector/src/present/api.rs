//! The picture for machines: `/api/picture`, one JSON object.
//!
//! Keys: `made_at`, `revision` (newest list, null = none), `members`, `members_able`, `campaigns` [{`id`, `uuid`, `title`,
//! `exercise`, `evidence`, `severity`, `word`, `first_seen`, `last_seen`, `hosts`, `sightings`, `members_hit`, `members_able`,
//! `members_blind`, `members_reported` (of those hit, of which people alone said it), `indicators`, `members` [{`number`, `name`,
//! `evidence`, `word`, `first_seen`, `last_seen`, `hosts`, `sightings`}]}], `incidents` [{`id`, `uuid`, `title`, `exercise`, `campaign`, `member`, `evidence`, `severity`, `word`,
//! `first_seen`, `last_seen`, `hosts`, `sightings`}], `sensors` [{`id`, `member`, `state`, `revision`, `last_seen`,
//! `version`}]. Times RFC 3339 UTC; `evidence`, `severity` (the list's, the highest) and `word` (how much it
//! matters, as it was weighed) words as in `--json`; indicators as plain lists write them;
//! null = not known or not for this reader.

use serde::Serialize;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::sensor::State;
use super::view::size;
use crate::coverage::Coverage;
use crate::store::picture::{CampaignFacts, HitFacts, IncidentFacts, Picture};

/// The whole picture.
#[derive(Debug, Serialize)]
pub struct PictureJson<'a> {
    made_at: Timestamp,
    revision: Option<i64>,
    members: i64,
    members_able: i64,
    campaigns: Vec<CampaignJson<'a>>,
    incidents: Vec<IncidentJson<'a>>,
    sensors: Vec<SensorJson<'a>>,
}

#[derive(Debug, Serialize)]
struct CampaignJson<'a> {
    /// Null for a member, whom it would tell how many there are.
    id: Option<i64>,
    uuid: &'a str,
    title: Option<&'a str>,
    exercise: bool,
    evidence: &'static str,
    severity: &'static str,
    word: Option<&'static str>,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    hosts: i64,
    sightings: i64,
    members_hit: i64,
    members_able: i64,
    members_blind: i64,
    members_reported: i64,
    indicators: Vec<Option<&'a str>>,
    members: Vec<HitJson<'a>>,
}

#[derive(Debug, Serialize)]
struct HitJson<'a> {
    number: &'a str,
    name: &'a str,
    evidence: &'static str,
    word: Option<&'static str>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    hosts: i64,
    sightings: i64,
}

#[derive(Debug, Serialize)]
struct IncidentJson<'a> {
    id: Option<i64>,
    uuid: &'a str,
    title: Option<&'a str>,
    exercise: bool,
    campaign: Option<i64>,
    member: &'a str,
    evidence: &'static str,
    severity: &'static str,
    word: Option<&'static str>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    hosts: i64,
    sightings: i64,
}

#[derive(Debug, Serialize)]
struct SensorJson<'a> {
    id: i64,
    member: Option<&'a str>,
    state: &'static str,
    /// Where a session stands: what it came over.
    carrier: Option<&'static str>,
    revision: i64,
    last_seen: Option<Timestamp>,
    version: Option<&'a str>,
}

impl<'a> PictureJson<'a> {
    /// From facts.
    pub fn of(picture: &'a Picture, now: Timestamp) -> PictureJson<'a> {
        let coverage = Coverage::now(picture, now);
        PictureJson {
            made_at: now,
            revision: picture.list.map(|list| list.revision),
            members: size(coverage.total()),
            members_able: size(coverage.able.len()),
            campaigns: picture.campaigns.iter().map(|campaign| CampaignJson::of(campaign, picture)).collect(),
            incidents: picture.incidents.iter().map(|facts| IncidentJson::of(facts, picture)).collect(),
            sensors: picture
                .sensors
                .iter()
                .map(|sensor| SensorJson {
                    id: sensor.id,
                    member: sensor.owner.as_ref().map(|(number, _)| number.as_str()),
                    state: match State::of(sensor, now) {
                        State::Connected => "connected",
                        State::Deaf(_) => "deaf",
                        State::Stalled(_) => "stalled",
                        State::Silent(_) => "silent",
                        State::NeverCame => "never_came",
                        State::WaitsForApproval(_) => "waits_for_approval",
                        State::TokenWaits => "token_waits",
                        State::TokenExpired => "token_expired",
                        State::Quarantined(_) => "quarantined",
                        State::Revoked(_) => "revoked",
                    },
                    carrier: sensor.connected.then_some(if sensor.over_tcp { "tcp" } else { "quic" }),
                    revision: sensor.revision,
                    last_seen: sensor.last_seen_at,
                    version: sensor.agent_version.as_deref(),
                })
                .collect(),
        }
    }
}

impl<'a> CampaignJson<'a> {
    fn of(facts: &'a CampaignFacts, picture: &Picture) -> CampaignJson<'a> {
        let coverage = Coverage::of_campaign(picture, facts);
        let sum = |of: fn(&HitFacts) -> i64| facts.hits.iter().map(of).fold(0_i64, i64::saturating_add);
        CampaignJson {
            id: Some(facts.id).filter(|_| !picture.for_member),
            uuid: &facts.uuid,
            title: facts.title.as_deref(),
            exercise: facts.exercise,
            evidence: evidence(facts.hits.iter().map(|hit| hit.evidence).max().unwrap_or(0)),
            severity: severity(facts.hits.iter().map(|hit| hit.severity).max().unwrap_or(0)),
            word: facts.weighed.word.map(severity),
            first_seen: facts.hits.iter().map(|hit| hit.first_seen).min(),
            last_seen: facts.hits.iter().map(|hit| hit.last_seen).max(),
            hosts: sum(|hit| hit.hosts),
            sightings: sum(|hit| hit.sightings),
            members_hit: size(facts.hits.len()),
            members_able: size(coverage.able.len()),
            members_blind: size(coverage.blind.len()),
            members_reported: size(facts.reported()),
            indicators: facts.indicators.iter().map(|indicator| indicator.pattern.as_deref()).collect(),
            members: facts
                .hits
                .iter()
                .map(|hit| HitJson {
                    number: &hit.member.number,
                    name: &hit.member.name,
                    evidence: evidence(hit.evidence),
                    word: hit.word.map(severity),
                    first_seen: hit.first_seen,
                    last_seen: hit.last_seen,
                    hosts: hit.hosts,
                    sightings: hit.sightings,
                })
                .collect(),
        }
    }
}

impl<'a> IncidentJson<'a> {
    fn of(facts: &'a IncidentFacts, picture: &Picture) -> IncidentJson<'a> {
        IncidentJson {
            id: Some(facts.id).filter(|_| !picture.for_member),
            uuid: &facts.uuid,
            title: facts.title.as_deref(),
            exercise: facts.exercise,
            campaign: facts.campaign_id.filter(|_| !picture.for_member),
            member: &facts.hit.member.number,
            evidence: evidence(facts.hit.evidence),
            severity: severity(facts.hit.severity),
            word: facts.weighed.word.map(severity),
            first_seen: facts.hit.first_seen,
            last_seen: facts.hit.last_seen,
            hosts: facts.hit.hosts,
            sightings: facts.hit.sightings,
        }
    }
}

/// The word for a stored step; what is out of range counts as the nearest.
fn evidence(step: i64) -> &'static str {
    let place = usize::try_from(step.clamp(0, 5)).unwrap_or(0);
    Evidence::ALL.get(place).map_or("blocked", |evidence| evidence.as_str())
}

fn severity(grade: i64) -> &'static str {
    match grade.clamp(0, 4) {
        0 => "info",
        1 => "low",
        2 => "medium",
        3 => "high",
        _ => "critical",
    }
}
