//! What a sensor cannot see, counted: encrypted DNS, encrypted hellos, flows to addresses no answer named.
//!
//! Told of flows and hellos, it keeps totals and nothing else: no table, no name, no address of anybody. Whether an
//! answer named an address is asked of [`crate::raise`], which remembers answers anyway, so in a sensor's first hour more
//! flows seem unexplained than later: what was asked before it came is not known to it.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;
use varde_common::alert::Direction;
use varde_common::matcher::behind_nat64;
use varde_common::name::{DomainName, Name};
use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

use crate::flow::{FlowGlimpse, FlowStep};
use crate::health::{BlindSpots, EndsHeard};
use crate::raise::place::{Ends, Places};
use crate::transaction::TransactionCounts;

/// Well-known public resolvers, one address, network or name a line.
const PUBLIC_RESOLVERS: &str = include_str!("../data/public-resolvers.txt");
/// DNS over TLS (RFC 7858 section 3.1) and over QUIC (RFC 9250 section 4.1.1).
const DNS_ENCRYPTED_PORT: u16 = 853;
/// HTTPS: DNS over HTTPS (RFC 8484) is told from it only by whom it goes to.
const HTTPS_PORT: u16 = 443;

/// The stage.
#[derive(Debug)]
pub struct Blind {
    places: Places,
    dns_ports: Vec<u16>,
    known: PublicResolvers,
    counts: BlindSpots,
    heard: EndsHeard,
}

impl Blind {
    /// Has seen nothing yet. `dns_ports`: where DNS is read, so that it is no blind spot.
    pub fn new(places: Places, dns_ports: Vec<u16>) -> Blind {
        let known = PublicResolvers::read(PUBLIC_RESOLVERS);
        Blind { places, dns_ports, known, counts: BlindSpots::default(), heard: EndsHeard::default() }
    }

    /// The member's networks are others from now on.
    pub fn handle_places(&mut self, places: Places) {
        self.places = places;
    }

    /// A step of a flow with these ends; its first one counts. `explained` is asked whether an answer lately named the server's address
    /// when the flow began.
    #[inline]
    pub fn handle_step(
        &mut self,
        glimpse: &FlowGlimpse,
        ends: &Ends,
        explained: impl FnOnce(IpAddr, Timestamp) -> bool,
    ) {
        let FlowGlimpse { step, protocol, .. } = *glimpse;
        self.heard.both += u64::from(step == FlowStep::Answered && protocol == Protocol::TCP);
        if step != FlowStep::Opened || !matches!(protocol, Protocol::TCP | Protocol::UDP) {
            return;
        }
        let (server, port) = (ends.server.ip(), ends.server.port());
        if self.dns_ports.contains(&port) {
            return;
        }
        let leaves = ends.direction == Direction::Outbound
            && self.places.is_inside(ends.client.ip())
            && !self.places.is_inside(server)
            && is_one_host(server);
        if !leaves {
            return;
        }
        let counts = &mut self.counts;
        counts.flows += 1;
        if port == DNS_ENCRYPTED_PORT {
            let kind = if protocol == Protocol::TCP { &mut counts.dot_flows } else { &mut counts.doq_flows };
            *kind += 1;
        } else if port == HTTPS_PORT && self.known.has_address(server) {
            counts.doh_flows += 1;
        } else if !explained(server, glimpse.began) {
            counts.unexplained_flows += 1;
        }
    }

    /// One end of a TCP connection is heard alone; `initiator`: which.
    #[cold]
    pub fn handle_alone(&mut self, glimpse: &FlowGlimpse, initiator: bool) {
        let (heard, other) =
            if initiator { (glimpse.initiator, glimpse.responder) } else { (glimpse.responder, glimpse.initiator) };
        let count = match (self.places.is_inside(heard.ip()), self.places.is_inside(other.ip())) {
            (true, false) => &mut self.heard.inside_alone,
            (false, true) => &mut self.heard.outside_alone,
            (true, true) | (false, false) => &mut self.heard.other_alone,
        };
        *count += 1;
    }

    /// A TLS client hello, over TCP or QUIC. `ech`: it carries an encrypted inner one.
    pub fn handle_hello(&mut self, ech: bool, sni: Option<Name<'_>>) {
        self.counts.hellos += 1;
        self.counts.ech_hellos += u64::from(ech);
        self.counts.doh_hellos += u64::from(sni.is_some_and(|name| self.known.has_name(name)));
    }

    /// Conversations by whose words were heard: TCP connections, and DNS as it was paired.
    pub fn heard(&self, paired: &TransactionCounts) -> EndsHeard {
        let TransactionCounts { answered, unanswered, unasked, .. } = *paired;
        EndsHeard { answered, unanswered, unasked, ..self.heard }
    }

    /// Totals so far.
    pub fn counts(&self) -> BlindSpots {
        self.counts
    }
}

/// Not everybody on the link, nor nobody.
fn is_one_host(address: IpAddr) -> bool {
    !(address.is_multicast() || address.is_unspecified() || address == IpAddr::from([255; 4]))
}

/// Resolvers anybody may ask.
#[derive(Debug, Default)]
struct PublicResolvers {
    addresses: HashSet<IpAddr>,
    networks: Vec<IpNet>,
    /// In wire labels, lower case.
    names: HashSet<Vec<u8>>,
}

impl PublicResolvers {
    /// What cannot be read is left out; that there is no such line in our own file is a test.
    fn read(text: &str) -> PublicResolvers {
        let mut read = PublicResolvers::default();
        for line in lines(text) {
            if let Ok(address) = line.parse() {
                read.addresses.insert(address);
            } else if let Ok(network) = line.parse() {
                read.networks.push(network);
            } else if let Ok(name) = DomainName::parse(line) {
                read.names.insert(name.as_name().octets().to_vec());
            }
        }
        read
    }

    fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_one = |address| {
            self.addresses.contains(&address) || self.networks.iter().any(|network| network.contains(&address))
        };
        is_one(address) || behind_nat64(address).is_some_and(|behind| is_one(IpAddr::V4(behind)))
    }

    fn has_name(&self, name: Name<'_>) -> bool {
        name.self_and_parents().any(|name| self.names.contains(name.octets()))
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::FlowId;
    use crate::raise::place::inside_by_default;
    use varde_common::observation::Contact;

    fn blind() -> Blind {
        Blind::new(Places::new(inside_by_default(), Vec::new(), Vec::new()), vec![53])
    }

    fn flow(step: FlowStep, from: &str, to: &str, protocol: Protocol) -> FlowGlimpse {
        let (initiator, responder) = (from.parse().unwrap(), to.parse().unwrap());
        FlowGlimpse {
            flow: FlowId(0),
            step,
            began: Timestamp(7),
            initiator,
            responder,
            protocol,
            contact: Contact::Unanswered,
        }
    }

    fn after(from: &str, to: &str, protocol: Protocol, explained: bool) -> BlindSpots {
        let mut blind = blind();
        for step in [FlowStep::Opened, FlowStep::Answered, FlowStep::Reported, FlowStep::Closed] {
            let glimpse = flow(step, from, to, protocol);
            let ends = blind.places.ends(glimpse.initiator, glimpse.responder);
            blind.handle_step(&glimpse, &ends, |_, began| {
                assert_eq!(began, Timestamp(7));
                explained
            });
        }
        blind.counts()
    }

    #[test]
    fn each_flow_that_leaves_counts_once_and_in_one_kind() {
        let one = BlindSpots { flows: 1, ..BlindSpots::default() };
        let inside = "10.0.0.1:40000";
        for (to, protocol, explained, expected) in [
            ("198.51.100.1:443", Protocol::TCP, true, one),
            ("198.51.100.1:443", Protocol::TCP, false, BlindSpots { unexplained_flows: 1, ..one }),
            ("198.51.100.1:853", Protocol::TCP, true, BlindSpots { dot_flows: 1, ..one }),
            ("198.51.100.1:853", Protocol::UDP, false, BlindSpots { doq_flows: 1, ..one }),
            ("9.9.9.9:443", Protocol::TCP, false, BlindSpots { doh_flows: 1, ..one }),
            ("45.90.28.77:443", Protocol::UDP, false, BlindSpots { doh_flows: 1, ..one }),
            // Plain HTTP to a resolver is no DNS over HTTPS.
            ("9.9.9.9:80", Protocol::TCP, false, BlindSpots { unexplained_flows: 1, ..one }),
        ] {
            assert_eq!(after(inside, to, protocol, explained), expected, "{to}");
        }
        assert_eq!(after("[fd00::1]:4000", "[2620:fe::fe]:443", Protocol::UDP, true).doh_flows, 1);
    }

    #[test]
    fn what_does_not_leave_or_is_plain_dns_is_no_blind_spot() {
        for (from, to, protocol) in [
            ("10.0.0.1:40000", "10.0.0.2:853", Protocol::TCP),
            ("198.51.100.1:40000", "10.0.0.2:853", Protocol::TCP),
            ("198.51.100.1:40000", "203.0.113.2:853", Protocol::TCP),
            ("10.0.0.1:40000", "198.51.100.1:53", Protocol::UDP),
            ("10.0.0.1:40000", "239.255.255.250:1900", Protocol::UDP),
            ("10.0.0.1:68", "255.255.255.255:67", Protocol::UDP),
            ("10.0.0.1:0", "198.51.100.1:0", Protocol::ICMP),
        ] {
            assert_eq!(after(from, to, protocol, false), BlindSpots::default(), "{from} to {to}");
        }
    }

    #[test]
    fn h1_whose_words_are_heard_counts_by_which_end_is_inside() {
        let mut blind = blind();
        for (from, to, initiator) in [
            ("10.0.0.1:40000", "198.51.100.1:443", true),
            // Whoever is heard first of a connection joined midway seems to have begun it.
            ("198.51.100.1:443", "10.0.0.1:40000", true),
            ("10.0.0.1:40000", "198.51.100.1:443", false),
            ("10.0.0.1:40000", "10.0.0.2:443", true),
        ] {
            blind.handle_alone(&flow(FlowStep::Opened, from, to, Protocol::TCP), initiator);
        }
        for (step, protocol) in [(FlowStep::Answered, Protocol::TCP), (FlowStep::Answered, Protocol::UDP)] {
            let glimpse = flow(step, "10.0.0.1:40000", "198.51.100.1:443", protocol);
            let ends = blind.places.ends(glimpse.initiator, glimpse.responder);
            blind.handle_step(&glimpse, &ends, |_, _| true);
        }
        let paired = TransactionCounts { answered: 5, unanswered: 6, unasked: 7, ..TransactionCounts::default() };
        let expected = EndsHeard {
            both: 1,
            inside_alone: 1,
            outside_alone: 2,
            other_alone: 1,
            answered: 5,
            unanswered: 6,
            unasked: 7,
        };
        assert_eq!(blind.heard(&paired), expected);
    }

    #[test]
    fn hellos_count_by_what_they_hide_and_whom_they_name() {
        let mut blind = blind();
        let name = |text| DomainName::parse(text).unwrap();
        let (resolver, below, look_alike) = (name("dns.google"), name("a1b2.dns.nextdns.io"), name("notdns.google"));
        blind.handle_hello(false, None);
        blind.handle_hello(true, Some(look_alike.as_name()));
        blind.handle_hello(false, Some(resolver.as_name()));
        blind.handle_hello(true, Some(below.as_name()));
        let counts = blind.counts();
        assert_eq!((counts.hellos, counts.ech_hellos, counts.doh_hellos, counts.flows), (4, 2, 2, 0));
    }

    #[test]
    fn every_line_of_the_list_of_resolvers_says_something() {
        let mut said = HashSet::new();
        for line in lines(PUBLIC_RESOLVERS) {
            let understood =
                line.parse::<IpAddr>().is_ok() || line.parse::<IpNet>().is_ok() || DomainName::parse(line).is_ok();
            assert!(understood, "{line}");
            assert!(said.insert(line), "{line} stands there twice");
        }
        let read = PublicResolvers::read(PUBLIC_RESOLVERS);
        assert_eq!(read.addresses.len() + read.networks.len() + read.names.len(), said.len());
        assert!(read.names.iter().all(|name| name.len() > 4), "no whole top-level domain");
    }
}
