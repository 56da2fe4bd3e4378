//! The ordinary internet as a municipality uses it: a few sites much, many sites little, some behind shared addresses.

use std::net::{IpAddr, SocketAddr};

use super::listed::Listed;
use super::lookup::{Lookup, Says};
use super::names;
use crate::random::Random;
use crate::traffic::dns::{rcode, rtype};

/// One name of the ordinary internet and where it leads.
#[derive(Debug, Clone)]
pub struct Site {
    /// The name people use.
    pub name: String,
    /// Aliases it leads to, in order.
    pub chain: Vec<String>,
    /// Its IPv4 addresses.
    pub v4: Vec<IpAddr>,
    /// Its IPv6 addresses, where it has any.
    pub v6: Vec<IpAddr>,
}

impl Site {
    /// An address of the wanted family, else of the other.
    pub fn address(&self, random: &mut Random, v6: bool) -> Option<IpAddr> {
        let wanted = if v6 { &self.v6 } else { &self.v4 };
        random.one_of(wanted).or(self.v4.first()).copied()
    }

    /// A look-up of it by a client: most want an address, some a service binding; some find nothing.
    pub fn lookup<'a>(&'a self, random: &mut Random, all: &'a mut Vec<IpAddr>) -> Lookup<'a> {
        let last = self.chain.last().map_or(self.name.as_str(), String::as_str);
        let owners = std::iter::once(self.name.as_str()).chain(self.chain.iter().map(String::as_str));
        let aliases = owners.zip(&self.chain).map(|(owner, target)| (owner, Says::Alias(target)));
        let mut answers: Vec<(&str, Says<'a>)> = aliases.collect();
        let (mut qtype, mut rcode) = (rtype::A, rcode::NOERROR);
        match random.below(100) {
            0..48 => answers.extend(self.v4.iter().map(|&address| (last, Says::Address(address)))),
            48..74 => {
                qtype = rtype::AAAA;
                answers.extend(self.v6.iter().map(|&address| (last, Says::Address(address))));
            }
            74..90 => {
                qtype = rtype::HTTPS;
                all.extend(self.v4.iter().chain(&self.v6).copied());
                answers.push((last, Says::Service(all.as_slice())));
            }
            90..98 => {
                answers.clear();
                rcode = rcode::NXDOMAIN;
            }
            98 => {
                answers.clear();
                rcode = rcode::SERVFAIL;
            }
            _ => answers.clear(),
        }
        Lookup { id: random.next_u16(), name: &self.name, qtype, rcode, answers, edns: random.percent(70) }
    }
}

/// All of them, the much used first, and who answers for them.
#[derive(Debug)]
pub struct Sites {
    all: Vec<Site>,
}

impl Sites {
    /// Draws so many; none of their names or addresses is listed.
    pub fn drawn(listed: &Listed, random: &mut Random, count: usize) -> Sites {
        let shared: Vec<IpAddr> = (0..60).map(|_| listed.uncovered(random, false)).collect();
        let site = |random: &mut Random| {
            let chain = match random.percent(40) {
                true => (0..random.within(1, 3)).map(|_| names::ordinary(random)).collect(),
                false => Vec::new(),
            };
            let v4 = match random.percent(20) {
                true => random.one_of(&shared).copied().into_iter().collect(),
                false => (0..random.within(1, 3)).map(|_| listed.uncovered(random, false)).collect(),
            };
            let v6 = match random.percent(45) {
                true => (0..random.within(1, 2)).map(|_| listed.uncovered(random, true)).collect(),
                false => Vec::new(),
            };
            Site { name: names::ordinary(random), chain, v4, v6 }
        };
        Sites { all: (0..count.max(1)).map(|_| site(random)).collect() }
    }

    /// Draws a site, the first ones far more often.
    pub fn draw(&self, random: &mut Random) -> u32 {
        let part = random.below(1 << 20) as f64 / f64::from(1 << 20);
        (part * part * part * self.all.len() as f64) as u32
    }

    /// A site by the number drawn for it.
    pub fn site(&self, number: u32) -> &Site {
        &self.all[number as usize % self.all.len()]
    }
}

/// Who a client asks: mostly the municipality's own resolvers, sometimes one outside.
pub fn resolver(random: &mut Random, v6: bool) -> SocketAddr {
    let own: [[u16; 8]; 2] = [[0xfd20, 5, 0, 0, 0, 0, 0, 0x53], [0xfd20, 5, 0, 0, 0, 0, 0, 0x54]];
    let outside = [0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe];
    let last = random.below(2) as usize;
    match (v6, random.percent(85)) {
        (true, true) => SocketAddr::from((own[last], 53)),
        (true, false) => SocketAddr::from((outside, 53)),
        (false, true) => SocketAddr::from(([10, 20, 0, 53 + last as u8], 53)),
        (false, false) => SocketAddr::from(([9, 9, 9, 9 + last as u8], 53)),
    }
}
