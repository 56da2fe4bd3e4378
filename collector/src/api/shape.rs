//! What answers look like: plain values with the names that programs depend on. Times RFC 3339 UTC, absent = null.

use serde::Serialize;
use utoipa::ToSchema;
use varde_common::time::Timestamp;

use crate::priority::Term;

mod advisory;
mod operation;

pub use advisory::{Advisory, AdvisoryAnswer, AdvisoryDetail, AdvisoryMeasure, AdvisoryReader, AdvisoryText};
pub use operation::{DailyNumbers, Guard, Member, Proposal, Sensor, Silence, Status};

/// Whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Whose {
    /// The member's number.
    pub number: String,
    /// Its name.
    pub name: String,
}

/// A thing that another belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Named {
    /// Its number; null for a member.
    pub id: Option<i64>,
    /// Its name outside.
    pub uuid: String,
}

/// An indicator, where something was met by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MetBy {
    /// As plain lists write it; confidential indicator N where it is marked for few.
    pub indicator: String,
    /// domain, host, ipv4, ipv6 or network.
    pub kind: String,
}

/// A member's part in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// The shared network it is behind; null for a member.
    pub supplier: Option<String>,
    /// Its first sighting.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// How far it got there; null = people say so, and nobody how far.
    pub evidence: Option<&'static str>,
    /// A person reported it, and no sensor saw it.
    pub human: bool,
    /// The worst word of its incidents in it: info, low, medium, high or critical; for a member by its own alone; null = not weighed yet.
    pub severity: Option<&'static str>,
}

/// What several members share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Campaign {
    /// Its number; null for a member, whom it would tell how many there are.
    pub id: Option<i64>,
    /// Its name outside.
    pub uuid: String,
    /// In words.
    pub title: String,
    /// indicator or threat: what its incidents share.
    pub link_kind: String,
    /// Which.
    pub link: String,
    /// Part of an exercise.
    pub exercise: bool,
    /// info, low, medium, high or critical; null = not weighed yet, or not for this reader.
    pub severity: Option<&'static str>,
    /// What the word stands on.
    pub severity_terms: Vec<Term>,
    /// By which weights.
    pub weights_version: Option<String>,
    /// How far it got at most: blocked, looked_up, answered, attempted, contacted or data_out; null = people say so, and nobody how far.
    pub evidence: Option<&'static str>,
    /// What it was met by.
    pub indicators: Vec<MetBy>,
    /// Members hit, the first hit first.
    pub members: Vec<Part>,
    /// How many members it hit; null for a member.
    pub member_count: Option<i64>,
    /// The same, those behind one shared network counted once.
    pub independent: Option<i64>,
    /// Of how many members people alone have said it, and no sensor there shows that it could see; null for a member.
    pub reported: Option<i64>,
    /// How many members it hit that have left since.
    pub departed: Option<i64>,
    /// How many members could have seen it.
    pub able_to_see: Option<i64>,
    /// How many could not.
    pub blind: Option<i64>,
    /// How many members there are.
    pub members_total: Option<i64>,
    /// For a member: at least so many others are hit; null for the operator.
    pub others_at_least: Option<i64>,
    /// one_site, several or sector_wide, by what sensors saw; null = people alone have said it, or not for this reader.
    pub scale: Option<&'static str>,
    /// Seconds from the first member hit until half of those hit were.
    pub half_within_s: Option<u64>,
    /// How many members have contact as regular as a program's.
    pub persistent: Option<i64>,
    /// Some of it was found in history.
    pub in_history: Option<bool>,
    /// It holds more together than it should, and a split is proposed.
    pub too_connected: Option<bool>,
    /// The key that links nothing any more, or topics.
    pub too_connected_why: Option<String>,
    /// The number of the guard that tripped, in /guards; null = it is about too many things.
    pub too_connected_guard: Option<i64>,
    /// Where the work on it stands: new or closed; null for a member.
    pub state: Option<&'static str>,
    /// As what it was closed.
    pub closed_as: Option<&'static str>,
    /// Of a duplicate: the number of the one that is worked on.
    pub duplicate_of: Option<i64>,
    /// Whose it is, at the CSIRT.
    pub owner: Option<String>,
    /// How often what sensors saw opened it again.
    pub came_back: Option<i64>,
    /// It is closed, and more has come to be known since.
    pub grown_since_closed: Option<bool>,
    /// Hosts; about, where a sensor told of many together.
    pub hosts: i64,
    /// Alerts.
    pub alerts: i64,
    /// Sightings.
    pub sightings: i64,
    /// Earliest sighting.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// Latest sighting.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
    /// When it was concluded; null for a member.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opened_at: Option<Timestamp>,
}

/// Something that incidents of a campaign share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Link {
    /// threat, indicator, address or domain.
    pub kind: &'static str,
    /// What it is; confidential indicator N where it is marked for few.
    pub value: String,
    /// How many incidents of the campaign have it.
    pub incidents: u64,
    /// Its strength.
    pub strength: i64,
    /// It links still: no guard has tripped over it.
    pub links: bool,
    /// The same in a sentence.
    pub reason: String,
}

/// A key that an incident may share with others, and when it had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TraceOf {
    /// threat, indicator, address or domain.
    pub kind: &'static str,
    /// What it is.
    pub value: String,
    /// The incident's number.
    pub incident: i64,
    /// Earliest sighting with it.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// Latest sighting with it.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
    /// It links still: no guard has tripped over it.
    pub links: bool,
}

/// One campaign with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CampaignDetail {
    /// The campaign.
    pub campaign: Campaign,
    /// What its incidents share, what most have first; nothing for a member.
    pub links: Vec<Link>,
    /// What each of its incidents may share, the earliest first; nothing for a member.
    pub traces: Vec<TraceOf>,
    /// The parts it would fall into by what links still, as numbers of incidents; one part = no split; nothing for a member.
    pub proposed_split: Vec<Vec<i64>>,
    /// Its incidents; /incidents?campaign= has them all.
    pub incidents: Vec<Incident>,
    /// What was said and found of it, in order: {at, learnt_at, who, for_members, what, …}; nothing for a member.
    #[schema(value_type = Vec<Object>)]
    pub timeline: Vec<serde_json::Value>,
}

/// Alerts of one member that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Incident {
    /// Its number; null for a member.
    pub id: Option<i64>,
    /// Its name outside.
    pub uuid: String,
    /// Whose.
    pub member: Whose,
    /// In words.
    pub title: String,
    /// indicator or threat: what its first alerts share.
    pub link_kind: String,
    /// Which.
    pub link: String,
    /// Part of an exercise.
    pub exercise: bool,
    /// The campaign it is in.
    pub campaign: Option<Named>,
    /// info, low, medium, high or critical; null = not weighed yet.
    pub severity: Option<&'static str>,
    /// What the word stands on.
    pub severity_terms: Vec<Term>,
    /// By which weights.
    pub weights_version: Option<String>,
    /// How far it got at most; null = people say so, and nobody how far.
    pub evidence: Option<&'static str>,
    /// Where the work on it stands: new, triaged, confirmed, contained or closed.
    pub state: &'static str,
    /// As what it was closed.
    pub closed_as: Option<&'static str>,
    /// Of a duplicate: the number of the one that is worked on; null for a member.
    pub duplicate_of: Option<i64>,
    /// Whose it is, at the CSIRT; null for a member.
    pub owner: Option<String>,
    /// How often what sensors saw opened it again.
    pub came_back: i64,
    /// It is closed, and more has come to be known since.
    pub grown_since_closed: bool,
    /// A person opened it, and gave it its title.
    pub human: bool,
    /// How many hosts have an alert of their own; resolvers are none.
    pub hosts: u64,
    /// Where a sensor told of many hosts together: about how many, those named included.
    pub hosts_about: Option<i64>,
    /// A resolver's question is among its alerts: some host behind it asked.
    pub via_resolver: bool,
    /// Some contact is as regular as a program's.
    pub persistent: bool,
    /// Some of it was found in history.
    pub in_history: bool,
    /// Alerts.
    pub alerts: i64,
    /// Sightings.
    pub sightings: i64,
    /// Earliest sighting.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// Latest sighting.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
}

/// One incident with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// Pseudonyms of its hosts.
    pub host_pseudonyms: Vec<String>,
    /// Its alerts, the last that came first; /alerts?incident= has them all.
    pub alert_list: Vec<Alert>,
    /// What was said and found of it, in order: {at, learnt_at, who, for_members, what, …}; for a member what it may read.
    #[schema(value_type = Vec<Object>)]
    pub timeline: Vec<serde_json::Value>,
    /// What is to be done and was: {id, text, status, …}.
    #[schema(value_type = Vec<Object>)]
    pub measures: Vec<serde_json::Value>,
    /// Legal clocks, as far as a person has started them; help, no legal advice.
    #[schema(value_type = Option<Object>)]
    pub duties: Option<serde_json::Value>,
}

/// What a sensor has raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Alert {
    /// Its number; null for a member.
    pub id: Option<i64>,
    /// Its name outside.
    pub uuid: String,
    /// Whose.
    pub member: Whose,
    /// The sensor's number.
    pub sensor: i64,
    /// Which of its sites.
    pub site: i64,
    /// What matched; confidential indicator N where it is marked for few.
    pub indicator: String,
    /// Its number.
    pub indicator_id: i64,
    /// domain, host, ipv4, ipv6 or network.
    pub kind: String,
    /// What the indicator belongs to; null where it is marked for few and the reader is a member.
    pub threat: Option<String>,
    /// Pseudonym of the host; null = no host, or many.
    pub client: Option<String>,
    /// Of an alert of many hosts: about how many.
    pub hosts: Option<i64>,
    /// outbound or inbound.
    pub direction: &'static str,
    /// blocked, looked_up, answered, attempted, contacted or data_out.
    pub evidence: &'static str,
    /// The client is a resolver that asked for somebody.
    pub by_resolver: bool,
    /// The host was found by its flow; another looked the name up.
    pub looked_up_by_other: bool,
    /// Contact with an address that unlisted names share.
    pub possible_contact: bool,
    /// How many labels stood left of the listed name.
    pub labels_left: i64,
    /// The outside server; null where the indicator is marked for few.
    pub server: Option<String>,
    /// Its port.
    pub port: Option<i64>,
    /// udp, tcp, icmp or the number.
    pub protocol: String,
    /// info, low, medium, high or critical, as the list says.
    pub severity: &'static str,
    /// The list in force when it was opened.
    pub revision: i64,
    /// Earliest sighting.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Timestamp,
    /// Latest sighting.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Timestamp,
    /// When it came to the collector.
    #[schema(value_type = String, format = DateTime)]
    pub arrived_at: Timestamp,
    /// Sightings.
    pub count: i64,
    /// The member's number for the zone; 0 = none named.
    pub zone: i64,
    /// {contacts, median_interval_ms, spread_ms}.
    #[schema(value_type = Option<Object>)]
    pub regularity: Option<serde_json::Value>,
    /// No more updates will come.
    pub closed: bool,
    /// The incident it is in.
    pub incident: Option<Named>,
    /// Part of an exercise.
    pub exercise: bool,
    /// Found in history.
    pub retro: bool,
    /// What a person concluded: false-positive, legitimate or confirmed.
    pub verdict: Option<&'static str>,
    /// Why.
    pub verdict_reason: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub verdict_at: Option<Timestamp>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Indicator {
    /// Its number.
    pub id: i64,
    /// As plain lists write it; confidential indicator N where it is marked for few.
    pub indicator: String,
    /// domain, host, ipv4, ipv6 or network.
    pub kind: String,
    /// What it belongs to; null where it is marked for few and the reader is a member.
    pub threat: Option<String>,
    /// How far it may be shared.
    pub tlp: String,
    /// 0-100.
    pub confidence: i64,
    /// info, low, medium, high or critical.
    pub severity: &'static str,
    /// Part of an exercise.
    pub exercise: bool,
    /// Who says so; nothing for a member.
    pub sources: Vec<String>,
    /// When it was imported; null for a member.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub received_at: Option<Timestamp>,
    /// When it was first published.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// In which list.
    pub published_in: Option<i64>,
    /// Since when no source says so any more; null for a member.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub withdrawn_at: Option<Timestamp>,
    /// At how many members it was met, exercises left out; for a member at itself.
    pub members_met: i64,
}
