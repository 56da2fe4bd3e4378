//! What is hidden in a capture and must be found, what only looks like it and must not, and the file that says which is which.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::listed::{Listed, Size};
use super::names;
use crate::random::Random;

/// How a ClientHello lies in its segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// In one.
    Whole,
    /// In two, cut within the name.
    InName,
    /// In two because it is too large for one.
    ByLength,
    /// In two that overtake each other on their way.
    Overtaking,
    /// In two TLS records, cut within the name.
    InRecords,
}

/// One conversation that carries a hit or a decoy.
#[derive(Debug, Clone)]
pub enum Bait {
    /// A look-up: the name, the aliases it leads to, the address it ends at (none: no such name).
    Lookup {
        /// The name asked for.
        name: String,
        /// Aliases, in order.
        chain: Vec<String>,
        /// Where it ends.
        answer: Option<IpAddr>,
        /// Over TCP, else UDP.
        tcp: bool,
    },
    /// A connection or a UDP exchange to an address.
    Flow {
        /// The outside end.
        server: IpAddr,
        /// Over UDP, else TCP.
        udp: bool,
    },
    /// A TLS connection that says a name.
    Hello {
        /// The name.
        name: String,
        /// How it lies in its segments.
        cut: Cut,
    },
    /// A QUIC connection that says a name.
    Quic {
        /// The name.
        name: String,
        /// A hello too large for one datagram, its frames scrambled.
        several: bool,
    },
    /// A connection from outside.
    Inbound {
        /// The outside end.
        from: IpAddr,
        /// Whether a server of ours accepts.
        accepted: bool,
    },
    /// An HTTP/1 request that says a name.
    Host {
        /// The name, perhaps with a port.
        name: String,
    },
}

/// A hit or a decoy.
#[derive(Debug, Clone)]
pub struct Plant {
    /// Its class, as the figures name it.
    pub class: &'static str,
    /// What must be named; for a decoy what it looks like.
    pub indicator: String,
    /// Who does it.
    pub client: IpAddr,
    /// Whether the alert names the client: not when what came from outside was not let in.
    pub names_client: bool,
    /// Evidence it must reach.
    pub evidence: &'static str,
    /// What must not be found.
    pub decoy: bool,
    /// How it is done.
    pub bait: Bait,
}

/// An inside host of the ordinary kind, drawn.
pub fn client(random: &mut Random, v6: bool) -> IpAddr {
    let host = random.below(3_000) as u16;
    if v6 {
        Ipv6Addr::new(0xfd20, 5, 0, host >> 8, 0, 0, 0x42, host).into()
    } else {
        Ipv4Addr::new(10, 20, 16 + (host >> 8) as u8, host as u8).into()
    }
}

/// An inside host that only decoys come from, so that nothing of it may ever be found.
fn decoy_client(random: &mut Random, v6: bool) -> IpAddr {
    let host = random.below(200) as u16;
    if v6 {
        Ipv6Addr::new(0xfd20, 5, 0, 0xfa, 0, 0, 0x42, host).into()
    } else {
        Ipv4Addr::new(10, 20, 250, host as u8).into()
    }
}

/// How many of each class: 2,120 in all, where there is room for all.
const HITS: [(&str, u64); 19] = [
    ("DNS, the name itself", 270),
    ("DNS, no such name", 30),
    ("DNS, a name below it", 300),
    ("DNS, CNAME target", 150),
    ("DNS, answer address", 150),
    ("DNS over TCP", 100),
    ("DNS over IPv6", 100),
    ("flow to an address", 200),
    ("flow to an address, IPv6", 40),
    ("flow to a network", 140),
    ("TLS name", 180),
    ("TLS name, split over segments", 110),
    ("TLS name over IPv6", 80),
    ("QUIC name", 70),
    ("QUIC name, several Initials", 30),
    ("QUIC name over IPv6", 20),
    ("flow inwards, accepted", 40),
    ("flow inwards, not accepted", 40),
    ("HTTP Host", 70),
];
const DECOYS: [(&str, u64); 10] = [
    ("look-alike name in DNS", 150),
    ("sibling or parent of a listed name", 150),
    ("alias that looks alike", 50),
    ("answer just outside a network", 100),
    ("flow just outside a network", 150),
    ("flow to a listed address's neighbour", 100),
    ("look-alike name in TLS", 100),
    ("look-alike name in QUIC", 60),
    ("look-alike name in HTTP", 40),
    ("inwards from just outside a network", 100),
];

/// Draws what is listed for plants: each indicator once, all of the shortest list.
struct Drawer<'a> {
    listed: &'a Listed,
    random: Random,
    name: u64,
    addresses: Vec<IpAddr>,
    network: usize,
    size: Size,
}

impl Drawer<'_> {
    fn name(&mut self) -> String {
        self.name += 1;
        self.listed.name((self.name - 1) % self.size.domains)
    }

    fn address(&mut self, v6: bool) -> IpAddr {
        let place = self.addresses.iter().position(|address| address.is_ipv6() == v6);
        match place {
            Some(place) => self.addresses.swap_remove(place),
            None => self.listed.uncovered(&mut self.random, v6),
        }
    }

    /// Below a listed name.
    fn below(&mut self) -> String {
        let left = match self.random.below(3) {
            0 => names::host(&mut self.random),
            1 => format!("{}.{}", names::host(&mut self.random), names::host(&mut self.random)),
            _ => format!("u{:x}", self.random.next_u64()),
        };
        left
    }

    /// A name that looks like a listed one and is not covered.
    fn look_alike(&mut self) -> (String, String) {
        loop {
            let name = self.name();
            let (head, rest) = name.split_once('.').unwrap_or((&name, "com"));
            let other = match self.random.below(4) {
                0 => format!("x{name}"),
                1 => format!("{name}.{}", names::ordinary(&mut self.random)),
                2 => format!("{head}.{rest}0"),
                _ => format!("{}0.{rest}", head.trim_end_matches(|c: char| c.is_ascii_digit())),
            };
            if !self.listed.covers_name(&other) && !other.ends_with(&format!(".{name}")) {
                return (name, other);
            }
        }
    }

    /// What stands beside or above a listed host name.
    fn beside(&mut self) -> (String, String) {
        loop {
            let name = self.name();
            let labels = name.split('.').count();
            let (_, parent) = name.split_once('.').unwrap_or((&name, "com"));
            let other = match self.random.percent(50) {
                true => parent.to_owned(),
                false => format!("y{}.{parent}", self.random.below(1000)),
            };
            if labels >= 3 && !parent.starts_with("co.") && !self.listed.covers_name(&other) {
                return (name, other);
            }
        }
    }

    fn outside_a_network(&mut self) -> (String, IpAddr) {
        loop {
            self.network = (self.network + 1) % self.listed.networks.len().min(self.size.networks).max(1);
            let network = self.listed.networks[self.network];
            let place = self.random.below(2) as usize;
            let address = network.just_outside()[place];
            if !self.listed.covers(address) && super::listed::is_ordinary(address) {
                return (network.to_string(), address);
            }
        }
    }

    fn neighbour(&mut self) -> (String, IpAddr) {
        loop {
            let address = self.listed.addresses[self.random.below(self.size.addresses as u64) as usize];
            let other: IpAddr = match address {
                IpAddr::V4(a) => Ipv4Addr::from(u32::from(a) ^ 1).into(),
                IpAddr::V6(a) => Ipv6Addr::from(u128::from(a) ^ 1).into(),
            };
            if !self.listed.covers(other) {
                return (address.to_string(), other);
            }
        }
    }

    fn lookup(&mut self, name: String, chain: Vec<String>) -> Bait {
        let v6 = self.random.percent(25);
        let answer = Some(self.listed.uncovered(&mut self.random, v6));
        Bait::Lookup { name, chain, answer, tcp: false }
    }

    fn hit(&mut self, class: &'static str) -> Plant {
        let v6 = class.contains("IPv6");
        let client = client(&mut self.random, v6);
        let mut plant = Plant {
            class,
            indicator: String::new(),
            client,
            names_client: true,
            evidence: "contacted",
            decoy: false,
            bait: Bait::Host { name: String::new() },
        };
        if class.starts_with("flow") {
            let in_network = class == "flow to a network";
            let server = if in_network {
                let network = self.listed.networks[self.network];
                self.network += 1;
                plant.indicator = network.to_string();
                network.inside(&mut self.random)
            } else {
                let address = self.address(v6);
                plant.indicator = address.to_string();
                address
            };
            plant.client = self::client(&mut self.random, server.is_ipv6());
            plant.bait = match class {
                "flow inwards, accepted" => Bait::Inbound { from: server, accepted: true },
                "flow inwards, not accepted" => {
                    (plant.names_client, plant.evidence) = (false, "attempted");
                    Bait::Inbound { from: server, accepted: false }
                }
                _ => Bait::Flow { server, udp: self.random.percent(25) },
            };
            return plant;
        }
        if class == "DNS, answer address" {
            let v6 = self.random.percent(20);
            let address = self.address(v6);
            (plant.indicator, plant.evidence) = (address.to_string(), "answered");
            let name = names::ordinary(&mut self.random);
            plant.bait = Bait::Lookup {
                name: format!("q{}.{name}", self.random.below(9999)),
                chain: vec![],
                answer: Some(address),
                tcp: false,
            };
            return plant;
        }
        let indicator = self.name();
        let observed = match class.contains("itself")
            || class.contains("no such")
            || self.random.percent(50) && !class.contains("below")
        {
            true => indicator.clone(),
            false => format!("{}.{indicator}", self.below()),
        };
        plant.indicator = indicator;
        plant.evidence = if class.starts_with("DNS") { "answered" } else { "contacted" };
        plant.bait = match class {
            "DNS, no such name" => {
                plant.evidence = "blocked";
                Bait::Lookup { name: observed, chain: vec![], answer: None, tcp: false }
            }
            "DNS, CNAME target" => {
                let name = format!("c{}.{}", self.random.below(9999), names::ordinary(&mut self.random));
                let mut chain = vec![observed];
                if self.random.percent(50) {
                    chain.push(names::ordinary(&mut self.random));
                }
                if self.random.percent(50) {
                    chain.insert(0, names::ordinary(&mut self.random));
                }
                self.lookup(name, chain)
            }
            "DNS over TCP" => match self.lookup(observed, vec![]) {
                Bait::Lookup { name, chain, answer, .. } => Bait::Lookup { name, chain, answer, tcp: true },
                other => other,
            },
            "TLS name, split over segments" => {
                let cut = [Cut::InName, Cut::ByLength, Cut::ByLength, Cut::Overtaking, Cut::InRecords]
                    [self.random.below(5) as usize];
                Bait::Hello { name: observed, cut }
            }
            "TLS name" | "TLS name over IPv6" => Bait::Hello { name: observed, cut: Cut::Whole },
            "QUIC name, several Initials" => Bait::Quic { name: observed, several: true },
            "QUIC name" | "QUIC name over IPv6" => Bait::Quic { name: observed, several: false },
            "HTTP Host" => {
                let name = if self.random.percent(30) { format!("{}:8080", observed.to_uppercase()) } else { observed };
                Bait::Host { name }
            }
            _ => self.lookup(observed, vec![]),
        };
        plant
    }

    fn decoy(&mut self, class: &'static str) -> Plant {
        let (indicator, bait) = match class {
            "look-alike name in DNS"
            | "look-alike name in TLS"
            | "look-alike name in QUIC"
            | "look-alike name in HTTP" => {
                let (name, other) = self.look_alike();
                let bait = match class {
                    "look-alike name in TLS" => Bait::Hello { name: other, cut: Cut::Whole },
                    "look-alike name in QUIC" => Bait::Quic { name: other, several: false },
                    "look-alike name in HTTP" => Bait::Host { name: other },
                    _ => self.lookup(other, vec![]),
                };
                (name, bait)
            }
            "sibling or parent of a listed name" => {
                let (name, other) = self.beside();
                (name, self.lookup(other, vec![]))
            }
            "alias that looks alike" => {
                let (name, other) = self.look_alike();
                let asked = names::ordinary(&mut self.random);
                (name, self.lookup(asked, vec![other]))
            }
            "flow to a listed address's neighbour" => {
                let (address, server) = self.neighbour();
                (address, Bait::Flow { server, udp: false })
            }
            _ => {
                let (network, address) = self.outside_a_network();
                let bait = match class {
                    "answer just outside a network" => {
                        let name = names::ordinary(&mut self.random);
                        Bait::Lookup { name, chain: vec![], answer: Some(address), tcp: false }
                    }
                    "inwards from just outside a network" => Bait::Inbound { from: address, accepted: true },
                    _ => Bait::Flow { server: address, udp: false },
                };
                (network, bait)
            }
        };
        let v6 = match &bait {
            Bait::Flow { server, .. } => server.is_ipv6(),
            Bait::Inbound { from, .. } => from.is_ipv6(),
            _ => self.random.percent(20),
        };
        let client = decoy_client(&mut self.random, v6);
        Plant { class, indicator, client, names_client: true, evidence: "", decoy: true, bait }
    }
}

/// Draws everything to be hidden, a share of it where the capture is small: `per_mille` of the full number.
pub fn drawn(listed: &Listed, shortest: Size, seed: u64, per_mille: u64) -> Vec<Plant> {
    let mut random = Random::seeded(seed.wrapping_add(0x22));
    let mut addresses: Vec<IpAddr> = listed.addresses.iter().take(shortest.addresses).copied().collect();
    let start = random.below(addresses.len().max(1) as u64) as usize;
    addresses.rotate_left(start);
    let mut drawer = Drawer { listed, random, name: 0, addresses, network: 0, size: shortest };
    let share = |count: u64| (count * per_mille).div_ceil(1000);
    let mut plants = Vec::new();
    for (class, count) in HITS {
        (0..share(count)).for_each(|_| plants.push(drawer.hit(class)));
    }
    for (class, count) in DECOYS {
        (0..share(count)).for_each(|_| plants.push(drawer.decoy(class)));
    }
    plants
}

/// Writes the oracle: one JSON object a line.
///
/// # Errors
/// The file system's own.
pub fn write_oracle(path: &Path, plants: &[Plant]) -> Result<()> {
    let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
    let mut out = BufWriter::new(file);
    for plant in plants {
        let client = plant.names_client.then_some(plant.client);
        let line = match plant.decoy {
            false => {
                json!({"plant": plant.class, "indicator": plant.indicator, "client": client, "evidence": plant.evidence})
            }
            true => json!({"decoy": plant.class, "looks_like": plant.indicator, "client": plant.client}),
        };
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// How many of each class.
pub fn census(plants: &[Plant]) -> BTreeMap<(bool, &'static str), u64> {
    let mut census = BTreeMap::new();
    plants.iter().for_each(|plant| *census.entry((plant.decoy, plant.class)).or_default() += 1);
    census
}
