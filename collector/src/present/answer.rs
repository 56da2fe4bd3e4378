//! Facts of the store as the API answers with them ([`crate::api::shape`]). A member is given no numbers of rows: they would tell how many
//! there are at others.

use serde::Serialize;
use serde_json::Value;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::sensor::State;
use super::text::{Language, Texts};
use crate::api::shape;
use crate::priority::Word;
use crate::store::Scope;
use crate::store::asked::alert::AskedAlert;
use crate::store::asked::incident::AskedIncident;
use crate::store::bond::{Bond, TraceRow};
use crate::store::campaign::CampaignView;
use crate::store::member::MemberRow;
use crate::store::picture::SensorFacts;
use crate::store::proposal::Proposal;
use crate::store::silence::SilenceRow;
use crate::store::statistics::DailyCount;
use crate::store::tripped::GuardRow;
use crate::verdict::Verdict;
use crate::workflow::{self, Closing};

fn id(id: i64, scope: Scope) -> Option<i64> {
    Some(id).filter(|_| scope == Scope::Operator)
}

/// A campaign.
pub fn campaign(view: CampaignView, scope: Scope) -> shape::Campaign {
    let blind = view.members_total.zip(view.able_to_see).map(|(total, able)| total.saturating_sub(able).max(0));
    shape::Campaign {
        id: id(view.id, scope),
        uuid: view.uuid,
        title: view.title,
        link_kind: view.link_kind,
        link: view.link,
        exercise: view.exercise,
        severity: view.word.map(Word::as_str),
        severity_terms: view.why,
        weights_version: view.weights_version,
        evidence: view.evidence.map(Evidence::as_str),
        indicators: view
            .indicators
            .into_iter()
            .map(|met| shape::MetBy { indicator: met.indicator, kind: met.kind })
            .collect(),
        members: view
            .members
            .into_iter()
            .map(|part| shape::Part {
                number: part.number,
                name: part.name,
                supplier: part.supplier,
                first_seen: part.first_seen.clamped(),
                evidence: part.evidence.map(Evidence::as_str),
                human: part.human,
                severity: part.word.map(Word::as_str),
            })
            .collect(),
        member_count: view.member_count,
        independent: view.independent,
        reported: view.reported,
        departed: view.departed,
        able_to_see: view.able_to_see,
        blind,
        members_total: view.members_total,
        others_at_least: view.others_at_least,
        scale: view.scale.map(|scale| scale.as_str()),
        half_within_s: view.half_within_s,
        persistent: view.persistent,
        in_history: view.in_history,
        too_connected: view.too_connected,
        too_connected_why: view.too_connected_why,
        too_connected_guard: view.too_connected_guard,
        state: view.state.map(workflow::State::as_str),
        closed_as: view.closed_as.map(Closing::as_str),
        duplicate_of: view.duplicate_of,
        owner: view.owner,
        came_back: view.came_back,
        grown_since_closed: view.grown_since_closed,
        hosts: view.hosts,
        alerts: view.alerts,
        sightings: view.sightings,
        first_seen: view.first_seen.clamped(),
        last_seen: view.last_seen.clamped(),
        opened_at: view.opened_at.map(Timestamp::clamped),
    }
}

/// What incidents of a campaign share, also in a sentence.
pub fn link(bond: Bond) -> shape::Link {
    let texts = Texts::of(Language::English);
    let reason = super::detail::bond_words(&bond, texts).to_string();
    shape::Link {
        kind: bond.kind.as_str(),
        value: bond.value,
        incidents: u64::try_from(bond.incidents).unwrap_or(u64::MAX),
        strength: bond.strength,
        links: bond.links,
        reason,
    }
}

/// A key of an incident.
pub fn trace(row: TraceRow) -> shape::TraceOf {
    shape::TraceOf {
        kind: row.kind.as_str(),
        value: row.value,
        incident: row.incident,
        first_seen: row.span.first.clamped(),
        last_seen: row.span.last.clamped(),
        links: row.links,
    }
}

/// An incident.
pub fn incident(asked: &AskedIncident, scope: Scope) -> shape::Incident {
    let view = &asked.view;
    let named = view.campaign.zip(asked.campaign_uuid.clone());
    shape::Incident {
        id: id(view.id, scope),
        uuid: view.uuid.clone(),
        member: shape::Whose { number: view.member.number.clone(), name: view.member.name.clone() },
        title: view.title.clone(),
        link_kind: view.link_kind.clone(),
        link: view.link.clone(),
        exercise: view.exercise,
        campaign: named.map(|(of, uuid)| shape::Named { id: id(of, scope), uuid }),
        severity: view.word.map(Word::as_str),
        severity_terms: view.why.clone(),
        weights_version: view.weights_version.clone(),
        evidence: view.evidence.map(Evidence::as_str),
        state: view.state.as_str(),
        closed_as: view.closed_as.map(Closing::as_str),
        duplicate_of: view.duplicate_of.filter(|_| scope == Scope::Operator),
        owner: view.owner.clone().filter(|_| scope == Scope::Operator),
        came_back: view.came_back,
        grown_since_closed: view.grown_since_closed,
        human: view.human,
        hosts: u64::try_from(view.hosts.len()).unwrap_or(u64::MAX),
        hosts_about: view.hosts_about,
        via_resolver: view.via_resolver,
        persistent: view.persistent,
        in_history: view.in_history,
        alerts: view.alerts,
        sightings: view.sightings,
        first_seen: view.first_seen.clamped(),
        last_seen: view.last_seen.clamped(),
        opened_at: asked.opened_at.clamped(),
    }
}

/// Lines of a timeline, measures and the like; for a member without numbers of rows and without who at the CSIRT said it.
pub fn said<T: Serialize>(lines: &[T], scope: Scope) -> Vec<Value> {
    lines.iter().map(|line| told(serde_json::to_value(line).unwrap_or_default(), scope)).collect()
}

fn told(mut value: Value, scope: Scope) -> Value {
    if let (Scope::Member(_), Some(object)) = (scope, value.as_object_mut()) {
        for key in ["id", "of", "in_incident", "incident", "duplicate_of", "who"] {
            object.remove(key);
        }
    }
    value
}

/// An alert.
pub fn alert(asked: AskedAlert, scope: Scope) -> shape::Alert {
    let AskedAlert { view, indicator_id, threat, incident_uuid, arrived_at } = asked;
    shape::Alert {
        id: id(view.id, scope),
        uuid: view.uuid,
        member: shape::Whose { number: view.member.number, name: view.member.name },
        sensor: view.sensor,
        site: view.site,
        indicator: view.indicator,
        indicator_id,
        kind: view.kind,
        threat,
        client: view.client,
        hosts: view.hosts,
        direction: view.direction.as_str(),
        evidence: view.evidence.as_str(),
        by_resolver: view.by_resolver,
        looked_up_by_other: view.looked_up_by_other,
        possible_contact: view.possible_contact,
        labels_left: view.labels_left,
        server: view.server,
        port: view.port,
        protocol: view.protocol.to_string(),
        severity: view.severity.as_str(),
        revision: view.revision,
        first_seen: view.first_seen.clamped(),
        last_seen: view.last_seen.clamped(),
        arrived_at: arrived_at.clamped(),
        count: view.count,
        zone: view.zone,
        regularity: view.regularity.and_then(|json| serde_json::from_str(json.get()).ok()),
        closed: view.closed,
        incident: view.incident.zip(incident_uuid).map(|(of, uuid)| shape::Named { id: id(of, scope), uuid }),
        exercise: view.exercise,
        retro: view.retro,
        verdict: view.verdict.map(Verdict::as_str),
        verdict_reason: view.verdict_reason,
        verdict_at: view.verdict_at.map(Timestamp::clamped),
    }
}

/// How a sensor is, in a word.
pub fn state(facts: &SensorFacts, now: Timestamp) -> &'static str {
    match State::of(facts, now) {
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
    }
}

/// A sensor.
pub fn sensor(facts: &SensorFacts, now: Timestamp) -> shape::Sensor {
    shape::Sensor {
        id: facts.id,
        member: facts.owner.clone().map(|(number, name)| shape::Whose { number, name }),
        state: state(facts, now),
        carrier: facts.connected.then_some(if facts.over_tcp { "tcp" } else { "quic" }),
        revision: facts.revision,
        refused_why: facts.refused.as_ref().map(|(_, why)| why.clone()),
        version: facts.agent_version.clone(),
        enrolled_at: facts.enrolled_at.map(Timestamp::clamped),
        last_seen_at: facts.last_seen_at.map(Timestamp::clamped),
        self_tested_at: facts.self_tested_at.map(Timestamp::clamped),
        certificate_until: facts.keys.until.map(Timestamp::clamped),
        replayed: facts.replayed,
        health: facts
            .heartbeat
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .filter(serde_json::Value::is_object),
    }
}

/// A member.
pub fn member(row: MemberRow) -> shape::Member {
    shape::Member {
        number: row.number,
        name: row.name,
        added_at: row.added_at.clamped(),
        sensors: row.sensors,
        language: row.language,
        covered: row.covered,
        supplier: row.supplier,
        former_numbers: row.former_numbers.into_iter().map(|former| former.number).collect(),
    }
}

/// What keeps a sensor from seeing or from being heard. A number would tell a member how many there are at others.
pub fn silence(row: SilenceRow, scope: Scope) -> shape::Silence {
    let mut facts = serde_json::to_value(row.facts).unwrap_or_default();
    if let Some(facts) = facts.as_object_mut() {
        facts.remove("kind");
    }
    shape::Silence {
        id: Some(row.id).filter(|_| scope == Scope::Operator),
        sensor: row.sensor,
        member: row.member,
        kind: row.facts.kind().as_str(),
        facts,
        began_at: row.began_at.clamped(),
        found_at: row.found_at.clamped(),
        last_at: row.last_at.clamped(),
        ended_at: row.ended_at.map(Timestamp::clamped),
        ended_why: row.ended_why,
        times: row.times,
        owner: row.owner,
        notes: row.notes.iter().map(|note| serde_json::to_value(note).unwrap_or_default()).collect(),
    }
}

/// A proposal of noise.
pub fn proposal(proposal: Proposal) -> shape::Proposal {
    shape::Proposal {
        indicator_id: proposal.indicator_id,
        indicator: proposal.indicator,
        proposed_at: proposal.proposed_at.clamped(),
        numbers: proposal.numbers,
        settled: proposal.settled.map(|settled| settled.as_str()),
        settled_at: proposal.settled_at.map(Timestamp::clamped),
        settled_by: proposal.settled_by,
        settled_why: proposal.settled_why,
    }
}

/// A guard.
pub fn guard(row: GuardRow) -> shape::Guard {
    shape::Guard {
        id: row.guard,
        kind: row.kind,
        value: row.value,
        since: row.since.clamped(),
        numbers: row.numbers,
        now: row.now,
        settled: row.settled.map(|settled| settled.as_str()),
        settled_by: row.settled_by,
        settled_why: row.settled_why,
    }
}

/// Numbers of one day.
pub fn numbers(count: DailyCount) -> shape::DailyNumbers {
    shape::DailyNumbers {
        day: count.day.to_string().chars().take("2026-11-30".len()).collect(),
        member: count.member,
        kind: count.kind,
        severity: count.severity.as_str(),
        alerts: count.alerts,
        sightings: count.sightings,
    }
}
