//! Where an address stands: inside or outside, in which site and which zone (decisions 4, 10, 22).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use varde_common::alert::{Direction, Zone};
use varde_common::id::SiteId;
use varde_common::observation::Endpoint;

use crate::zone::Networks;

/// The member's networks.
#[derive(Debug, Clone)]
pub struct Places {
    inside: Ranges,
    sites: Networks<SiteId>,
    zones: Networks<Zone>,
}

/// Networks as first and last address: asked for both ends of whatever is seen.
#[derive(Debug, Clone, Default)]
struct Ranges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Ranges {
    fn of(networks: &[IpNet]) -> Ranges {
        let mut ranges = Ranges::default();
        for network in networks {
            match network {
                IpNet::V4(network) => ranges.v4.push((network.network().to_bits(), network.broadcast().to_bits())),
                IpNet::V6(network) => ranges.v6.push((network.network().to_bits(), network.broadcast().to_bits())),
            }
        }
        ranges
    }

    fn contain(&self, address: IpAddr) -> bool {
        fn any<A: Ord + Copy>(ranges: &[(A, A)], bits: A) -> bool {
            ranges.iter().any(|&(first, last)| first <= bits && bits <= last)
        }
        match address {
            IpAddr::V4(address) => any(&self.v4, address.to_bits()),
            IpAddr::V6(address) => any(&self.v6, address.to_bits()),
        }
    }
}

/// The two ends of a transaction or flow, seen from the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The inside end, or who began when both or neither are inside.
    pub client: Endpoint,
    /// The other end: what indicators are held against.
    pub server: Endpoint,
    /// Who reached out.
    pub direction: Direction,
}

/// What counts as inside unless the settings say otherwise: RFC 1918, RFC 6598, link-local and unique local addresses.
pub fn inside_by_default() -> Vec<IpNet> {
    let v4 = |a, b, prefix| Ipv4Net::new(Ipv4Addr::new(a, b, 0, 0), prefix).ok().map(IpNet::V4);
    let v6 = |a, prefix| Ipv6Net::new(Ipv6Addr::new(a, 0, 0, 0, 0, 0, 0, 0), prefix).ok().map(IpNet::V6);
    let all = [
        v4(10, 0, 8),
        v4(172, 16, 12),
        v4(192, 168, 16),
        v4(100, 64, 10),
        v4(169, 254, 16),
        v6(0xfc00, 7),
        v6(0xfe80, 10),
    ];
    all.into_iter().flatten().collect()
}

impl Places {
    /// The smallest network that holds an address decides its site and its zone.
    pub fn new(inside: Vec<IpNet>, sites: Vec<(IpNet, SiteId)>, zones: Vec<(IpNet, Zone)>) -> Places {
        Places { inside: Ranges::of(&inside), sites: Networks::new(sites), zones: Networks::new(zones) }
    }

    /// Whether an address is the member's own.
    pub fn is_inside(&self, address: IpAddr) -> bool {
        self.inside.contain(address.to_canonical())
    }

    /// The site of an inside address; home where none is named.
    pub fn site(&self, address: IpAddr) -> SiteId {
        self.sites.of(address).unwrap_or_default()
    }

    /// The zone of an inside address; zone 0 where none is named.
    pub fn zone(&self, address: IpAddr) -> Zone {
        self.zones.of(address).unwrap_or_default()
    }

    /// Which end is ours, and who reached out. `first` is who began.
    pub fn ends(&self, first: Endpoint, second: Endpoint) -> Ends {
        let inbound = !self.is_inside(first.ip()) && self.is_inside(second.ip());
        if inbound {
            Ends { client: second, server: first, direction: Direction::Inbound }
        } else {
            Ends { client: first, server: second, direction: Direction::Outbound }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let zone = |id| Zone { id, ..Zone::default() };
        Places::new(
            inside_by_default(),
            vec![("10.1.0.0/16".parse().unwrap(), SiteId(1)), ("10.1.2.0/24".parse().unwrap(), SiteId(2))],
            vec![("10.1.2.0/24".parse().unwrap(), zone(7))],
        )
    }

    #[test]
    fn inside_is_what_the_rfcs_say() {
        for (address, inside) in [
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("169.254.1.1", true),
            ("192.168.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(places().is_inside(address.parse().unwrap()), inside, "{address}");
        }
    }

    #[test]
    fn the_client_is_the_inside_end_else_who_began() {
        let at = |text: &str| text.parse::<Endpoint>().unwrap();
        let (a, b, out, far) = (at("10.0.0.1:1"), at("10.0.0.2:2"), at("192.0.2.1:3"), at("192.0.2.2:4"));
        for (first, second, client, direction) in [
            (a, out, a, Direction::Outbound),
            (out, a, a, Direction::Inbound),
            (a, b, a, Direction::Outbound),
            (far, out, far, Direction::Outbound),
        ] {
            let ends = places().ends(first, second);
            assert_eq!((ends.client, ends.direction), (client, direction));
        }
    }

    #[test]
    fn the_smallest_network_decides() {
        let places = places();
        let asked = ["10.1.2.3", "10.1.3.3", "10.2.0.1"].map(|a| a.parse().unwrap());
        assert_eq!(asked.map(|a| places.site(a).0), [2, 1, 0]);
        assert_eq!(asked.map(|a| places.zone(a).id), [7, 0, 0]);
    }
}
