//! One thing seen that bears on an alert: what was seen, by whom, how far it got, and what it adds.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use varde_common::alert::{Direction, Evidence};
use varde_common::id::{IndicatorId, SiteId};
use varde_common::indicator::{Indicator, Marks};
use varde_common::ja4::Ja4;
use varde_common::name::DomainName;
use varde_common::observation::{Endpoint, Protocol};
use varde_common::time::Timestamp;

use super::fold::Hosts;

/// What makes two sightings the same alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which of the member's sites.
    pub site: SiteId,
    /// What matched.
    pub indicator: IndicatorId,
    /// The inside host; none for unanswered inbound contact.
    pub client: Option<IpAddr>,
    /// Which way.
    pub direction: Direction,
    /// As the list in force says: an indicator that was part of an exercise and is none any more begins anew.
    pub marks: Marks,
}

/// The thing that met the indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// A name looked up, or a CNAME target.
    Name(DomainName),
    /// An address answered, or the outside end of a flow.
    Address(IpAddr),
    /// A fingerprint of a TLS client.
    Ja4(Ja4),
    /// What met a confidential indicator: it would tell what that is, so it is not kept (T7a).
    Withheld,
}

impl Observed {
    /// What is kept of it beside the indicator it met.
    #[must_use]
    pub fn beside(self, indicator: &Indicator) -> Observed {
        if indicator.pattern.is_confidential() { Observed::Withheld } else { self }
    }
}

impl std::fmt::Display for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Observed::Name(name) => name.fmt(f),
            Observed::Address(address) => address.fmt(f),
            Observed::Ja4(fingerprint) => fingerprint.fmt(f),
            Observed::Withheld => f.write_str("withheld"),
        }
    }
}

/// What a thing seen adds to an alert's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// One: a match of its own.
    Own,
    /// One, unless this host was answered for the same indicator and the answer still holds: then it follows from that.
    OwnUnlessLookedUp,
    /// Nothing: more about what counted before, or a flow that follows.
    More,
}

/// One thing seen that bears on an alert.
#[derive(Debug, Clone)]
pub struct Bearing {
    /// What matched.
    pub indicator: Arc<Indicator>,
    /// The inside host, unless none is to be named.
    pub client: Option<IpAddr>,
    /// Which way.
    pub direction: Direction,
    /// How far it got.
    pub evidence: Evidence,
    /// The thing seen.
    pub observed: Observed,
    /// The other end.
    pub server: Endpoint,
    /// Over what.
    pub protocol: Protocol,
    /// Begin of the transaction or flow.
    pub start: Timestamp,
    /// Its end so far.
    pub end: Timestamp,
    /// What it adds to the count.
    pub count: Count,
    /// A contact to reckon regularity from.
    pub contact: bool,
    /// Asked of a DNS server: what a resolver does for others looks like this.
    pub lookup: bool,
    /// A look-up: until when contact may follow from it.
    pub answer_until: Option<Timestamp>,
    /// The name was looked up by another host.
    pub looked_up_by_other: bool,
    /// The address is shared by unlisted names.
    pub possible_contact: bool,
}

impl Bearing {
    /// Whose it is, where it is one's: what a resolver asks for others makes it no host.
    pub(super) fn host(&self, hosts: &impl Hosts) -> Option<IpAddr> {
        self.client.filter(|&client| !(self.lookup && hosts.is_resolver(client)))
    }

    /// What is kept of the other end beside the indicator: of a confidential one the port alone, for the address may be that
    /// very indicator, or soon leads to it.
    pub(super) fn server_beside(&self) -> Endpoint {
        match self.observed {
            Observed::Withheld => Endpoint::new(Ipv4Addr::UNSPECIFIED.into(), self.server.port()),
            Observed::Name(_) | Observed::Address(_) | Observed::Ja4(_) => self.server,
        }
    }
}
