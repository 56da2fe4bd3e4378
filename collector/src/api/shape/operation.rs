//! What answers about sensors, members and the collector itself look like.

use serde::Serialize;
use utoipa::ToSchema;
use varde_common::time::Timestamp;

use super::Whose;
use crate::noise::Numbers;

/// A member's sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sensor {
    /// Its number.
    pub id: i64,
    /// Whose; null where the reader may not know it.
    pub member: Option<Whose>,
    /// connected, deaf, stalled, silent, never_came, waits_for_approval, token_waits, token_expired, quarantined or revoked.
    pub state: &'static str,
    /// Where a session stands: quic or tcp.
    pub carrier: Option<&'static str>,
    /// List in force; 0 = none.
    pub revision: i64,
    /// Why it last refused a list.
    pub refused_why: Option<String>,
    /// Program version.
    pub version: Option<String>,
    /// When it enrolled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub enrolled_at: Option<Timestamp>,
    /// When it was last heard.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen_at: Option<Timestamp>,
    /// When a test of itself last came the whole way here; null = none has come.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub self_tested_at: Option<Timestamp>,
    /// Until when its certificate is good.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub certificate_until: Option<Timestamp>,
    /// Records that came again and were not stored twice.
    pub replayed: i64,
    /// Its newest heartbeat, as it sent it.
    #[schema(value_type = Option<Object>)]
    pub health: Option<serde_json::Value>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Member {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub added_at: Timestamp,
    /// Sensors with a token or more, not revoked.
    pub sensors: i64,
    /// The form of Norwegian it is written to in.
    pub language: String,
    /// Whether digitalsikkerhetsloven covers it; null = not known.
    pub covered: Option<bool>,
    /// The shared network it is behind.
    pub supplier: Option<String>,
    /// Numbers that lead on to it, the latest first.
    pub former_numbers: Vec<String>,
}

/// What keeps a sensor from seeing or from being heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Silence {
    /// Its number, for `silence show`; null for a member.
    pub id: Option<i64>,
    /// The sensor's number.
    pub sensor: i64,
    /// Number of the member whose sensor it is; null where the reader may not know it.
    pub member: Option<String>,
    /// unheard, deaf, dropping, old_list, clock_skew, one_client, one_way or narrowed.
    pub kind: &'static str,
    /// The worst there was, by kind: {session}, {packets}, {dropped, frames}, {held, newest}, {offset_us}, {alerts, indicators, by_resolver},
    /// {heard, alone, of}, {before, after}.
    #[schema(value_type = Object)]
    pub facts: serde_json::Value,
    /// Since when it was so.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    /// When that was found.
    #[schema(value_type = String, format = DateTime)]
    pub found_at: Timestamp,
    /// When it was last found to be so.
    #[schema(value_type = String, format = DateTime)]
    pub last_at: Timestamp,
    /// When it was over; null = it stands.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// over, not_expected, or accepted by a person.
    pub ended_why: Option<String>,
    /// How often it began, within minutes each.
    pub times: i64,
    /// Whose it is, at the CSIRT; null for a member.
    pub owner: Option<String>,
    /// What was written down of it, in order: {at, who, for_members, text}; nothing for a member.
    #[schema(value_type = Vec<Object>)]
    pub notes: Vec<serde_json::Value>,
}

/// That an indicator is proposed as noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Proposal {
    /// The indicator's number.
    pub indicator_id: i64,
    /// What it looks for; confidential indicator N where it is marked for few.
    pub indicator: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// What speaks for it.
    pub numbers: Option<Numbers>,
    /// upheld or overruled; null = no person has said.
    pub settled: Option<&'static str>,
    /// When that was said.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
    /// Who said it.
    pub settled_by: Option<String>,
    /// Why.
    pub settled_why: Option<String>,
}

/// A key that links nothing any more, or that a person has said links again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Guard {
    /// Its number.
    pub id: i64,
    /// threat (a mere list), indicator (proposed as noise), address (too common) or host (met too much at once to be one machine).
    pub kind: String,
    /// Which; in other words where it is marked for few.
    pub value: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// What it was found by, by kind: {indicators_over} or {members, …}; {members, able_to_see, …}; {topics_over}; {topics_over, within_hours}.
    #[schema(value_type = Object)]
    pub numbers: serde_json::Value,
    /// How many indicators the threat has now, how many different things lead to the address, or how many members have met the
    /// indicator; null = not counted.
    pub now: Option<i64>,
    /// upheld or overruled (it links again, and trips no more by itself); null = no person has said.
    pub settled: Option<&'static str>,
    /// Who said it.
    pub settled_by: Option<String>,
    /// Why.
    pub settled_why: Option<String>,
}

/// Numbers of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DailyNumbers {
    /// The day in Norway.
    #[schema(value_type = String, format = Date)]
    pub day: String,
    /// The member's number.
    pub member: String,
    /// Kind of the indicators.
    pub kind: String,
    /// info, low, medium, high or critical.
    pub severity: &'static str,
    /// Alerts that began on that day.
    pub alerts: u64,
    /// What they count together, by the sensors' word.
    pub sightings: u64,
}

/// How the collector is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// Whose it is.
    pub operator: Option<String>,
    /// Program version.
    pub version: &'static str,
    /// It takes in what comes.
    pub healthy: bool,
    /// Why not.
    pub why: Option<String>,
    /// The newest list for all; null = none was published.
    pub revision: Option<i64>,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// Indicators in it.
    pub indicators: Option<i64>,
    /// Sensors that are expected to be heard.
    pub sensors: i64,
    /// At so many of them something keeps them from seeing or from being heard.
    pub sensors_troubled: i64,
}
