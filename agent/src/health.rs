//! Everything seen, dropped or refused since the start: plain totals, no names and no addresses.

use varde_common::time::Timestamp;

/// Totals of one sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Health {
    /// Packets read (IP packets found in frames).
    pub packets: u64,
    /// Octets of all frames, as captured.
    pub octets: u64,
    /// Packets left out because a mirror showed them a second time; not among `packets`.
    pub duplicates: u64,
    /// Frames lost before they were read, as far as the sources can tell.
    pub dropped: u64,
    /// Frames, packets and messages refused, for all reasons together.
    pub refused: u64,
    /// Frames that hold no IP: ARP, spanning tree and the like.
    pub not_ip: u64,
    /// DNS messages read.
    pub dns_messages: u64,
    /// Flows seen.
    pub flows: u64,
    /// Entries let go because a table was full.
    pub evicted: u64,
    /// Sightings: a transaction or a flow met an indicator.
    pub sightings: u64,
    /// Alerts opened.
    pub alerts: u64,
    /// Time of the newest packet.
    pub last_packet: Option<Timestamp>,
}

/// Totals of one source of a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceHealth {
    /// Packets read (IP packets found in frames).
    pub packets: u64,
    /// Octets of all frames, as captured.
    pub octets: u64,
    /// Frames that hold no IP.
    pub not_ip: u64,
    /// Frames refused, for all reasons together.
    pub refused: u64,
}
