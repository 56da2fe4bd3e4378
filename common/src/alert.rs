//! What comes of a match: a sighting at the sensor, an alert for people, each with its *why*.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode};
use crate::id::{IndicatorId, Pseudonym, Revision, Seq, SiteId};
use crate::indicator::{Marks, Severity};
use crate::observation::Protocol;
use crate::time::Timestamp;

/// How far it got (decision 21), in rising order; an alert's evidence may only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Looked up and stopped: NXDOMAIN, refused, or a sinkhole's answer.
    Blocked,
    /// Looked up; no response, another error, or an answer without an address.
    LookedUp,
    /// Answered with an address, or with a listed CNAME target.
    Answered,
    /// A flow towards it without a reply.
    Attempted,
    /// TCP handshake complete, or UDP or ICMP answered by the other end.
    Contacted,
    /// More than the set amount was sent out.
    DataOut,
}

impl Evidence {
    /// All, in rising order.
    pub const ALL: [Evidence; 6] = [
        Evidence::Blocked,
        Evidence::LookedUp,
        Evidence::Answered,
        Evidence::Attempted,
        Evidence::Contacted,
        Evidence::DataOut,
    ];

    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Evidence::Blocked => "blocked",
            Evidence::LookedUp => "looked_up",
            Evidence::Answered => "answered",
            Evidence::Attempted => "attempted",
            Evidence::Contacted => "contacted",
            Evidence::DataOut => "data_out",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no evidence; there are blocked, looked_up, answered, attempted, contacted and data_out")]
pub struct BadEvidence(pub String);

impl FromStr for Evidence {
    type Err = BadEvidence;

    fn from_str(text: &str) -> Result<Evidence, BadEvidence> {
        Evidence::ALL.into_iter().find(|e| e.as_str() == text).ok_or_else(|| BadEvidence(text.to_owned()))
    }
}

/// Which way: from the inside end's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// An inside host reached out (or both or neither end is inside).
    Outbound,
    /// Something outside reached in.
    Inbound,
}

impl Direction {
    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Outbound => "outbound",
            Direction::Inbound => "inbound",
        }
    }
}

/// The consequence level of a zone for one of K, I, T (konfidensialitet, integritet, tilgjengelighet).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// lavt
    #[serde(rename = "lavt")]
    Low,
    /// middels: what an unmarked zone counts as
    #[default]
    #[serde(rename = "middels")]
    Medium,
    /// høyt
    #[serde(rename = "høyt", alias = "hoyt")]
    High,
}

/// A zone as it leaves the member: its number and levels, never its subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub struct Zone {
    /// The member's own number for it; 0 = no zone named.
    pub id: u16,
    /// Konfidensialitet.
    pub confidentiality: Level,
    /// Integritet.
    pub integrity: Level,
    /// Tilgjengelighet.
    pub availability: Level,
}

/// Where and how the strongest match was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Where {
    /// The outside server, where it is outside; an inside resolver is never named.
    pub server: Option<IpAddr>,
    /// The server's port; none for ICMP.
    pub port: Option<u16>,
    /// IP protocol.
    pub protocol: Protocol,
}

/// Circumstances a reader must know to weigh the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub struct Circumstances {
    /// The client is the member's resolver asking on behalf of somebody: a trace, not a victim.
    pub by_resolver: bool,
    /// The host was found by its flow; the name was looked up by another (the resolver).
    pub looked_up_by_other: bool,
    /// Contact to an address that unlisted names share: possible, not shown.
    pub possible_contact: bool,
}

/// The first statement of an alert. Its name is the [`Seq`] of the record that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AlertOpened {
    /// Which of the sensor's sites.
    pub site: SiteId,
    /// What matched.
    pub indicator: IndicatorId,
    /// The list in force.
    pub revision: Revision,
    /// As the list says.
    pub severity: Severity,
    /// As the list says, and `retro` where found in history.
    pub marks: Marks,
    /// The host; none for unanswered inbound contact.
    pub client: Option<Pseudonym>,
    /// Where the host stands.
    pub zone: Zone,
    /// Which way.
    pub direction: Direction,
    /// How far it got.
    pub evidence: Evidence,
    /// What to know beside it.
    pub circumstances: Circumstances,
    /// Labels left of the listed name; 0 for addresses and exact names. The labels themselves stay with the member.
    pub labels_left: u8,
    /// Of the strongest match, the earliest of equals.
    pub seen_at: Where,
    /// First sighting.
    pub first_seen: Timestamp,
    /// Last sighting.
    pub last_seen: Timestamp,
    /// Sightings so far.
    pub count: u64,
}

/// How regular contact is, computed on the sensor; says "beacon" without sending a single time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Regularity {
    /// Contacts looked at.
    pub contacts: u32,
    /// Median time between them, milliseconds.
    pub median_interval_ms: u64,
    /// Median distance from that median, milliseconds.
    pub spread_ms: u64,
}

/// What has come since the last statement of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AlertUpdated {
    /// The alert: the seq of the record that opened it.
    pub alert: Seq,
    /// Sightings since the last statement.
    pub count_increase: u64,
    /// Earliest sighting so far (may fall when sources are out of order).
    pub first_seen: Timestamp,
    /// Latest sighting so far.
    pub last_seen: Timestamp,
    /// How far it got by now.
    pub evidence: Evidence,
    /// What to know beside it by now.
    pub circumstances: Circumstances,
    /// Of the strongest match by now.
    pub seen_at: Where,
    /// Once there are enough contacts.
    pub regularity: Option<Regularity>,
    /// No more updates will come: an hour of quiet, or 24 hours old.
    pub closed: bool,
}

/// The first statement of an alert that stands for many hosts: more came at once than is told host by host.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CrowdOpened {
    /// As of any alert; it names no host and no zone.
    pub opened: AlertOpened,
    /// About how many hosts of its site the indicator has met in its direction, those with an alert of their own included.
    pub hosts: u64,
}

/// What has come since the last statement of such an alert.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CrowdUpdated {
    /// As of any alert, without regularity.
    pub updated: AlertUpdated,
    /// About how many hosts by now; it never falls.
    pub hosts: u64,
}

/// Matches of an indicator that is braked: no alert, but a count of all hosts together.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BrakedCount {
    /// The order of the brake by which they are counted only.
    pub order: u64,
    /// Which of the sensor's sites.
    pub site: SiteId,
    /// What matched.
    pub indicator: IndicatorId,
    /// The list in force.
    pub revision: Revision,
    /// As the list says.
    pub severity: Severity,
    /// As the list says.
    pub marks: Marks,
    /// Which way.
    pub direction: Direction,
    /// How far the furthest got, since it was braked.
    pub evidence: Evidence,
    /// First sighting since it was braked.
    pub first_seen: Timestamp,
    /// Last sighting.
    pub last_seen: Timestamp,
    /// Sightings since the last statement.
    pub count_increase: u64,
    /// About how many hosts since it was braked.
    pub hosts: u64,
}
