//! Stand-in until the health counters are merged.

use varde_common::time::Timestamp;

/// Stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// Packets read.
    pub packets: u64,
    /// Their octets.
    pub octets: u64,
    /// Lost before they were read.
    pub dropped: u64,
    /// Refused.
    pub refused: u64,
    /// DNS messages.
    pub dns_messages: u64,
    /// Flows.
    pub flows: u64,
    /// Evicted.
    pub evicted: u64,
    /// Sightings.
    pub sightings: u64,
    /// Alerts.
    pub alerts: u64,
    /// Last packet.
    pub last_packet: Option<Timestamp>,
}
