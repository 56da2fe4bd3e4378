//! Everything seen, dropped or refused since the start, and what cannot be seen: plain totals, no names and no addresses.

pub use varde_common::heartbeat::{BlindSpots, Evictions};
pub use varde_common::sight::EndsHeard;
use varde_common::time::Timestamp;

pub use crate::raise::braked::BrakedTotal;
pub use crate::raise::frequent::DemotedIndicator;
pub use crate::raise::storm::Together;

/// Totals of one sensor.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Health {
    /// Packets read (IP packets found in frames).
    pub packets: u64,
    /// Octets of all frames, as captured.
    pub octets: u64,
    /// Packets left out because a mirror showed them a second time; not among `packets`.
    pub duplicates: u64,
    /// Packets that came in a tunnel, by the outermost one's kind; none is zero.
    pub tunnelled: Vec<(&'static str, u64)>,
    /// Packets put together from fragments.
    pub rejoined: u64,
    /// Frames lost before they were read, as far as the sources can tell.
    pub dropped: u64,
    /// Sources that cannot tell what they lost.
    pub drops_unknown: u16,
    /// Frames, packets and messages refused, for all reasons together.
    pub refused: u64,
    /// The same by reason, in the order of their keys; none is zero.
    pub refusals: Vec<(&'static str, u64)>,
    /// Frames that hold no IP: ARP, spanning tree and the like.
    pub not_ip: u64,
    /// DNS messages read.
    pub dns_messages: u64,
    /// Flows seen.
    pub flows: u64,
    /// Entries let go because a table was full, by table.
    pub evictions: Evictions,
    /// What the sensor cannot see.
    pub blind: BlindSpots,
    /// Conversations by whose words were heard.
    pub heard: EndsHeard,
    /// Sightings: a transaction or a flow met an indicator.
    pub sightings: u64,
    /// The same by what matched.
    pub matches: Matches,
    /// Alerts opened.
    pub alerts: u64,
    /// What was told of many hosts together, because it was too much to be told host by host.
    pub together: Together,
    /// What was counted only, of each indicator that is braked.
    pub braked: Vec<BrakedTotal>,
    /// Whose hosts are told together, because an indicator met too many.
    pub demoted: Vec<DemotedIndicator>,
    /// Answered DNS questions by who asked them.
    pub asked: Asked,
    /// Frames by whether they came with a VLAN's tag.
    pub tags: Tags,
    /// Time of the packet that came last.
    pub last_packet: Option<Timestamp>,
}

impl Health {
    /// Adds what was refused before the sensor could be handed it.
    pub fn add_refusals(&mut self, reason: &'static str, count: u64) {
        if count == 0 {
            return;
        }
        self.refused = self.refused.saturating_add(count);
        match self.refusals.binary_search_by_key(&reason, |(known, _)| known) {
            Ok(at) => {
                if let Some((_, known)) = self.refusals.get_mut(at) {
                    *known = known.saturating_add(count);
                }
            }
            Err(at) => self.refusals.insert(at, (reason, count)),
        }
    }
}

/// DNS questions of inside hosts that were answered: where all come from resolvers, the mirror shows what they ask on behalf of others and not who
/// asked them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Asked {
    /// By a host that was known as a resolver.
    pub by_resolvers: u64,
    /// By another.
    pub by_others: u64,
}

/// Frames by their VLAN's tag, as the source told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Tags {
    /// With none.
    pub untagged: u64,
    /// With one.
    pub tagged: u64,
    /// How many VLANs those are of.
    pub vlans: u16,
}

/// Sightings by what matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Matches {
    /// A name.
    pub name: u64,
    /// An address.
    pub address: u64,
    /// A fingerprint.
    pub ja4: u64,
    /// A confidential indicator: what it is is not told.
    pub confidential: u64,
}

impl Matches {
    /// Each with its word.
    pub fn each(&self) -> [(&'static str, u64); 4] {
        let Matches { name, address, ja4, confidential } = *self;
        [("name", name), ("address", address), ("ja4", ja4), ("confidential", confidential)]
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.each().into_iter().map(|(_, count)| count).fold(0, u64::saturating_add)
    }
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
