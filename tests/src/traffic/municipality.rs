//! What an ordinary municipality's network carries, drawn from a seed: nothing in it is on any list.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::dns::{Answer, Data, Question, rcode, rtype};
use super::{Outcome, PAGE, Reception, Traffic};
use crate::random::Random;
use varde_common::time::Timestamp;

/// Services people in a town hall use, under documentation names.
const SERVICES: [&str; 16] = [
    "post.kontor.example",
    "moeter.kontor.example",
    "sak-arkiv.example",
    "skole-portal.example",
    "barnehage.example",
    "helse-journal.example",
    "kart.eiendom.example",
    "nyheter.example",
    "www.avisa.example",
    "oppdatering.programvare.example",
    "tid.klokke.example",
    "innlogging.offentlig.example",
    "skatt.offentlig.example",
    "bibliotek.example",
    "video.strom.example",
    "vaer.example",
];

/// A municipality's network: clients in 10.N.0.0/16 (and fd00:N::/32 style), a resolver of its own.
#[derive(Debug, Clone, Copy)]
pub struct Municipality {
    /// N, from 1.
    pub number: u8,
}

impl Municipality {
    /// The address of a client, from 0.
    pub fn client(self, index: u64) -> IpAddr {
        let [_, .., high, low] = (256 + index % 60_000).to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(10, self.number, high, low))
    }

    /// The same machine in IPv6.
    pub fn client_v6(self, index: u64) -> IpAddr {
        let [_, .., high, low] = (256 + index % 60_000).to_be_bytes();
        let host = u16::from_be_bytes([high, low]);
        IpAddr::V6(Ipv6Addr::new(0xfd00, u16::from(self.number), 0, 0, 0, 0, 0, host))
    }

    /// Its resolver.
    pub fn resolver(self) -> SocketAddr {
        SocketAddr::from(([10, self.number, 0, 53], 53))
    }

    /// Its resolver in IPv6.
    pub fn resolver_v6(self) -> SocketAddr {
        SocketAddr::from(([0xfd00, u16::from(self.number), 0, 0, 0, 0, 0, 0x53], 53))
    }
}

/// Where a service of that index lives: benchmark addresses (RFC 2544) and documentation IPv6.
pub fn service_address(index: usize, v6: bool) -> IpAddr {
    let low = (index % 250) as u8 + 1;
    match v6 {
        false => IpAddr::V4(Ipv4Addr::new(198, 18, (index / 250) as u8, low)),
        true => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x18, 0, 0, 0, 0, u16::from(low))),
    }
}

/// Upper and lower case mixed, as resolvers do against forged answers ("0x20").
pub fn mixed_case(name: &str, random: &mut Random) -> String {
    name.chars().map(|c| if random.percent(50) { c.to_ascii_uppercase() } else { c }).collect()
}

/// How much of what.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Machines that do something.
    pub clients: u64,
    /// Things done.
    pub actions: u64,
    /// Over how long.
    pub span: Duration,
}

/// Ordinary traffic from `start` on, the same for the same seed.
pub fn ordinary(place: Municipality, start: Timestamp, mix: Mix, random: &mut Random) -> Traffic {
    let mut traffic = Traffic::starting(start);
    let step = mix.span.checked_div(u32::try_from(mix.actions).unwrap_or(u32::MAX)).unwrap_or_default();
    for _ in 0..mix.actions {
        let began = traffic.now_ns;
        act(&mut traffic, place, mix.clients, random);
        traffic.now_ns = began;
        // Between half and one and a half step, so that the mean is kept and nothing is regular.
        let step_ns = step.as_nanos() as u64;
        traffic.wait(Duration::from_nanos(step_ns / 2 + random.below(step_ns.max(1))));
    }
    traffic.packets.sort_by_key(|packet| packet.time_ns);
    traffic
}

fn act(traffic: &mut Traffic, place: Municipality, clients: u64, random: &mut Random) {
    let v6 = random.percent(25);
    let index = random.below(clients.max(1));
    let machine = if v6 { place.client_v6(index) } else { place.client(index) };
    let resolver = if v6 { place.resolver_v6() } else { place.resolver() };
    let client = SocketAddr::new(machine, random.client_port());
    traffic.vlans = match random.below(10) {
        0..=5 => vec![],
        6..=8 => vec![100 + random.below(40) as u16],
        _ => vec![1000, 200 + random.below(40) as u16],
    };
    traffic.options = random.percent(4);
    let service = random.below(SERVICES.len() as u64) as usize;
    let plain = SERVICES.get(service).copied().unwrap_or("vaer.example");
    let name = if random.percent(30) { mixed_case(plain, random) } else { plain.to_owned() };
    let qtype = if random.percent(35) { rtype::AAAA } else { rtype::A };
    let question = Question { id: random.next_u16(), name: &name, qtype };
    let address = service_address(service, qtype == rtype::AAAA);
    match random.below(100) {
        0..=44 => traffic.lookup(client, resolver, question, &Outcome::address(&name, address)),
        45..=59 => {
            let target = format!("{service}.kant.nett.example");
            traffic.lookup(client, resolver, question, &Outcome::alias(&name, &target, address));
        }
        60..=64 => traffic.lookup(client, resolver, question, &Outcome::Code(rcode::NOERROR)),
        65..=69 => {
            let name = format!("skrivefeil{}.example", random.below(1000));
            let question = Question { name: &name, ..question };
            traffic.lookup(client, resolver, question, &Outcome::Code(rcode::NXDOMAIN));
        }
        70 => traffic.lookup(client, resolver, question, &Outcome::Code(rcode::SERVFAIL)),
        71 => traffic.lookup(client, resolver, question, &Outcome::Code(rcode::REFUSED)),
        72..=73 => traffic.lookup(client, resolver, question, &Outcome::Nothing),
        74..=75 => {
            let text = Answer { name: name.clone(), ttl_s: 60, data: Data::Txt("v=spf1 -all".to_owned()) };
            let question = Question { qtype: rtype::TXT, ..question };
            traffic.lookup(client, resolver, question, &Outcome::Answers(vec![text]));
        }
        76..=80 => {
            let many = (0..12).map(|n| Answer {
                name: name.clone(),
                ttl_s: 30,
                data: Data::address(service_address(service + n, qtype == rtype::AAAA)),
            });
            traffic.lookup_tcp(client, resolver, question, &Outcome::Answers(many.collect()), 60);
        }
        81..=91 => {
            let server = SocketAddr::new(service_address(service, v6), 443);
            let reception = match random.below(20) {
                0 => Reception::Refuses,
                1 => Reception::Silent,
                _ => PAGE,
            };
            traffic.connect(client, server, reception);
        }
        92..=95 => {
            let server = SocketAddr::new(service_address(service, v6), 443);
            traffic.datagrams(client, server, 3, 5);
        }
        _ => traffic.ping(machine, service_address(service, v6), random.next_u16(), random.percent(80)),
    }
    traffic.vlans.clear();
    traffic.options = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_traffic() {
        let mix = Mix { clients: 20, actions: 300, span: Duration::from_secs(600) };
        let draw = |seed| {
            ordinary(Municipality { number: 3 }, Timestamp(1_700_000_000_000_000), mix, &mut Random::seeded(seed))
                .packets
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
        assert!(draw(5).is_sorted_by_key(|packet| packet.time_ns));
        assert!(draw(5).iter().all(|packet| !packet.ip.is_empty()));
    }

    #[test]
    fn clients_and_resolver_never_share_an_address() {
        let place = Municipality { number: 1 };
        for index in [0, 1, 255, 59_999, 60_000] {
            assert_ne!(place.client(index), place.resolver().ip());
            assert_ne!(place.client_v6(index), place.resolver_v6().ip());
        }
    }
}
