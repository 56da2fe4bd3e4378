//! How a sensor is, every 30 seconds: what it saw, what it lost and why, and what it cannot see. Totals since its start; no
//! names, no addresses.

use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode, Malformed, Text};
use crate::id::Revision;
use crate::limits::REFUSALS_MAX;
use crate::time::Timestamp;

/// How a sensor is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Heartbeat {
    /// Its clock.
    pub clock: Timestamp,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Packets read.
    pub packets: u64,
    /// Their octets as captured.
    pub octets: u64,
    /// Frames lost before they were read, as far as its sources can tell: not known, and no 0, where none can.
    pub dropped: u64,
    /// Sources that cannot tell what they lost: `dropped` is then too low, or says nothing.
    pub drops_unknown: u16,
    /// Sources it has.
    pub sources: u16,
    /// Frames or messages refused, all reasons.
    pub refused: u64,
    /// The same by reason, at most [`REFUSALS_MAX`] reasons.
    pub refusals: Vec<Refusal>,
    /// DNS messages read.
    pub dns_messages: u64,
    /// Flows seen.
    pub flows: u64,
    /// Entries let go because a table was full, all tables.
    pub evicted: u64,
    /// The same by table.
    pub evictions: Evictions,
    /// What it cannot see, as far as that can be counted.
    pub blind: BlindSpots,
    /// Matches.
    pub sightings: u64,
    /// Alerts opened.
    pub alerts: u64,
    /// Milliseconds since the last packet; none = no packet yet.
    pub last_packet_ms: Option<u64>,
    /// List in force.
    pub revision: Revision,
    /// Indicators in it.
    pub indicators: u64,
    /// Octets in the spool.
    pub spool_octets: u64,
    /// Records not yet acknowledged.
    pub spool_waiting: u64,
    /// Records lost, each also told by a Loss record.
    pub records_lost: u64,
    /// Resident memory of the program.
    pub memory_octets: u64,
    /// CPU time used, milliseconds.
    pub cpu_ms: u64,
    /// Free on the spool's file system.
    pub disk_free_octets: u64,
}

/// How a sensor is, in version 2 of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Pulse {
    /// As in version 1.
    pub heartbeat: Heartbeat,
    /// What came with version 2.
    pub further: Further,
}

/// What version 2 tells beyond version 1. What is not known is none, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Further {
    /// Age of the oldest record not yet acknowledged, by the sensor's clock, seconds; none = none waits.
    pub spool_age_s: Option<u64>,
    /// What the collector's clock showed more than the sensor's when the session began, microseconds, half the way there
    /// and back taken off.
    pub clock_offset_us: Option<i64>,
    /// The list the sensor's thread matches against by now; none before it runs. Differs from the one in force while a
    /// new one is taken over.
    pub matching: Option<Revision>,
    /// DNS messages refused, all reasons.
    pub dns_refused: u64,
    /// Records sent again since the start, because an answer was lost or the collector missed some.
    pub records_resent: u64,
}

impl Heartbeat {
    /// That it keeps its bounds.
    ///
    /// # Errors
    /// [`Malformed::TooLarge`] with more than [`REFUSALS_MAX`] reasons.
    pub fn check(&self) -> Result<(), Malformed> {
        let size = self.refusals.len();
        if size > REFUSALS_MAX { Err(Malformed::TooLarge { size, max: REFUSALS_MAX }) } else { Ok(()) }
    }
}

/// How often something was refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refusal {
    /// The reason's key, such as `dns_cut_short`.
    pub reason: Text,
    /// How often.
    pub count: u64,
}

/// Entries let go because their table was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Evictions {
    /// Flows closed before their time, and SYNs in doubt within flows let go.
    pub flows: u64,
    /// TCP streams no longer put together.
    pub streams: u64,
    /// DNS queries that no longer wait for their response.
    pub pairings: u64,
    /// IP fragments whose datagram was given up.
    pub fragments: u64,
    /// Alerts closed early.
    pub folding: u64,
    /// Answers no longer remembered.
    pub answers: u64,
    /// Observations nobody fetched in time, flows to listed addresses no longer followed, hosts no longer known as
    /// resolvers.
    pub other: u64,
}

impl Evictions {
    /// All tables together.
    pub fn total(&self) -> u64 {
        let Evictions { flows, streams, pairings, fragments, folding, answers, other } = *self;
        [flows, streams, pairings, fragments, folding, answers, other].into_iter().fold(0, u64::saturating_add)
    }
}

/// What a sensor cannot see, as far as that can be counted. A flow counts in one of the four kinds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct BlindSpots {
    /// TCP and UDP flows from inside to an outside address, plain DNS left out: the denominator of the four kinds.
    pub flows: u64,
    /// DNS over TLS (RFC 7858): TCP port 853.
    pub dot_flows: u64,
    /// DNS over QUIC (RFC 9250): UDP port 853.
    pub doq_flows: u64,
    /// DNS over HTTPS (RFC 8484), as far as it goes to port 443 of a well-known public resolver's address.
    pub doh_flows: u64,
    /// To an address no answer seen lately named: its name was asked for where the sensor does not look, or before it
    /// started, or never.
    pub unexplained_flows: u64,
    /// TLS client hellos read, over TCP and QUIC: the denominator of the two below.
    pub hellos: u64,
    /// With an encrypted inner hello (ECH, RFC 9849): the name they show need not be the one meant. Browsers send one as a
    /// cover too (GREASE, its section 6.2), made so that nobody can tell.
    pub ech_hellos: u64,
    /// To a well-known public resolver by name; such a flow may stand in `doh_flows` too, by its address.
    pub doh_hellos: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::message::ToCollector;

    fn full(reasons: usize) -> Heartbeat {
        let refusal = |n: usize| Refusal { reason: Text::cut(&format!("reason_{n}")), count: u64::MAX };
        Heartbeat {
            drops_unknown: 1,
            sources: 2,
            refusals: (0..reasons).map(refusal).collect(),
            evictions: Evictions { flows: 1, streams: 2, pairings: 3, fragments: 4, folding: 5, answers: 6, other: 7 },
            blind: BlindSpots { flows: 8_410, unexplained_flows: 312, ech_hellos: 1, ..BlindSpots::default() },
            last_packet_ms: Some(3),
            ..Heartbeat::default()
        }
    }

    #[test]
    fn health_survives_the_wire_with_every_reason_and_table() {
        let heartbeat = full(REFUSALS_MAX);
        assert_eq!(heartbeat.evictions.total(), 28);
        let octets = ToCollector::Heartbeat(heartbeat.clone()).to_frame().unwrap();
        assert_eq!(ToCollector::from_body(3, &octets[8..]), Ok(ToCollector::Heartbeat(heartbeat)));
    }

    #[test]
    fn p1_a_heartbeat_with_too_many_reasons_is_refused() {
        let body = codec::encode(&full(REFUSALS_MAX + 1)).unwrap();
        let refused = ToCollector::from_body(3, &body);
        assert_eq!(refused, Err(Malformed::TooLarge { size: REFUSALS_MAX + 1, max: REFUSALS_MAX }));
    }
}
