//! The lines of a sector year's file: what each says, and what is meant where it leaves something out.

use serde::{Deserialize, Serialize};
use varde_common::alert::{Direction, Evidence, Level};
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

/// The format, for `--help`.
pub const FORMAT: &str = "\
FORMAT of the file: one JSON object a line, each with the key `line`; an unknown key is an error. Times are RFC 3339 with an
offset. Of each kind the keys, in brackets those that may be left out, with what they are then:
  sector     first line: format (1), days; [seed, null; parameters, null: what a drawn year was drawn by]
  member     number, name; [population, 0; supplier, null: the shared network it is behind]
  indicator  pattern (as a plain list writes it), source, published; [threat, null; confidence 0-100, 50; severity
             info low medium high critical, medium; exercise, false; tags and techniques, none: what the source says
             beside, as MISP writes it]
  truth      name, shape (any word; figures are told by it); [together, true: the alerts of this name are one campaign,
             and false: they are not to be put together; exercise, false; dirty, false: what it hits is a false positive]
  alert      alert (a number of its own), arrived, member, indicator, first; [truth, null: everyday noise, which belongs to
             nothing; client, null: a number within its member, no host; direction outbound inbound, outbound; evidence
             blocked looked_up answered attempted contacted data_out, answered; last, first; count, 1; server, null;
             port, null; level lavt middels høyt, middels: of its zone; by_resolver, possible_contact, retro, false]
  update     alert, arrived, last; [evidence, none higher; increase, 1; server, null; port, null; regular_s, null: median
             seconds between contacts that are regular; closed, false]
Members, indicators and truths stand before the alerts that name them. Alerts and updates may stand in any order: they are
played in the order of `arrived`, those of the same moment in the file's.";

fn yes() -> bool {
    true
}

fn one() -> u64 {
    1
}

fn unsaid() -> u8 {
    50
}

fn outbound() -> Direction {
    Direction::Outbound
}

fn answered() -> Evidence {
    Evidence::Answered
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The form: there is one so far.
    pub format: u32,
    /// How long it goes on.
    pub days: u32,
    /// What it was drawn from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// What it was drawn by.
    #[serde(default)]
    pub parameters: Option<serde_json::Value>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// How many live there.
    #[serde(default)]
    pub population: u64,
    /// The shared network it is behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
}

/// An indicator, as its source says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// As plain lists write it.
    pub pattern: String,
    /// Who says it.
    pub source: String,
    /// When it was published to the sensors.
    pub published: Timestamp,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threat: Option<String>,
    /// How sure the source is.
    #[serde(default = "unsaid")]
    pub confidence: u8,
    /// How bad it would be.
    #[serde(default)]
    pub severity: Severity,
    /// Part of an exercise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exercise: bool,
    /// Labels and machine tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Techniques of ATT&CK.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<String>,
}

/// What is known of the alerts that bear its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Its name.
    pub name: String,
    /// What kind of thing.
    pub shape: String,
    /// Whether they are one campaign.
    #[serde(default = "yes")]
    pub together: bool,
    /// Whether it is an exercise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exercise: bool,
    /// Whether what it hits is a false positive.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dirty: bool,
}

/// An alert, as a sensor opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// A number of its own.
    pub alert: u64,
    /// When it reached the collector.
    pub arrived: Timestamp,
    /// The member's number.
    pub member: String,
    /// The indicator's pattern.
    pub indicator: String,
    /// What it belongs to; none = everyday noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
    /// Which host of the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<u64>,
    /// Which way.
    #[serde(default = "outbound")]
    pub direction: Direction,
    /// How far it got.
    #[serde(default = "answered")]
    pub evidence: Evidence,
    /// First sighting.
    pub first: Timestamp,
    /// Last sighting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Sightings.
    #[serde(default = "one")]
    pub count: u64,
    /// The outside server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<std::net::IpAddr>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The consequence level of the host's zone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub level: Level,
    /// The member's resolver asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub by_resolver: bool,
    /// To an address that is others' too.
    #[serde(default, skip_serializing_if = "is_default")]
    pub possible_contact: bool,
    /// Found in history.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retro: bool,
}

/// What has come since of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Which alert.
    pub alert: u64,
    /// When it reached the collector.
    pub arrived: Timestamp,
    /// Last sighting.
    pub last: Timestamp,
    /// How far it got by now; none = no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Sightings since.
    #[serde(default = "one")]
    pub increase: u64,
    /// The outside server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<std::net::IpAddr>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Median seconds between contacts that are regular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regular_s: Option<u64>,
    /// No more will come.
    #[serde(default, skip_serializing_if = "is_default")]
    pub closed: bool,
}

/// Any of them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "lowercase")]
pub(super) enum Line {
    Sector(Head),
    Member(Member),
    Indicator(Indicator),
    Truth(Truth),
    Alert(Alert),
    Update(Update),
}
