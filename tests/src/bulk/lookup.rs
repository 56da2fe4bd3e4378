//! DNS messages as today's servers write them: compressed, with EDNS, CNAME chains, HTTPS records and SOA on a refusal.

use std::net::IpAddr;

use crate::traffic::dns::{rcode, rtype};

/// What a record says.
#[derive(Debug, Clone)]
pub enum Says<'a> {
    /// An address.
    Address(IpAddr),
    /// Another name.
    Alias(&'a str),
    /// A service binding (RFC 9460): HTTP/3 and HTTP/2, and where.
    Service(&'a [IpAddr]),
}

/// One question and what comes of it.
#[derive(Debug, Clone)]
pub struct Lookup<'a> {
    /// Message id.
    pub id: u16,
    /// The name, in the case it is to have on the wire.
    pub name: &'a str,
    /// Its type.
    pub qtype: u16,
    /// Response code.
    pub rcode: u8,
    /// The answer section: owner and what it says.
    pub answers: Vec<(&'a str, Says<'a>)>,
    /// Whether both sides speak EDNS (RFC 6891).
    pub edns: bool,
}

/// Message being written, with the places of the names in it.
struct Writer<'a> {
    octets: Vec<u8>,
    places: Vec<(&'a str, u16)>,
}

impl<'a> Writer<'a> {
    fn u16s(&mut self, numbers: &[u16]) {
        numbers.iter().for_each(|n| self.octets.extend_from_slice(&n.to_be_bytes()));
    }

    /// A name, pointing back to what stands in the message already.
    fn name(&mut self, mut name: &'a str) {
        while !name.is_empty() {
            if let Some((_, place)) = self.places.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                let pointer = 0xc000 | place;
                return self.u16s(&[pointer]);
            }
            self.places.push((name, self.octets.len() as u16));
            let (label, rest) = name.split_once('.').unwrap_or((name, ""));
            self.octets.push(label.len() as u8);
            self.octets.extend_from_slice(label.as_bytes());
            name = rest;
        }
        self.octets.push(0);
    }

    fn record(&mut self, owner: &'a str, rtype: u16, ttl_s: u32, data: impl FnOnce(&mut Writer<'a>)) {
        self.name(owner);
        self.u16s(&[rtype, 1, (ttl_s >> 16) as u16, ttl_s as u16, 0]);
        let start = self.octets.len();
        data(self);
        let length = ((self.octets.len() - start) as u16).to_be_bytes();
        self.octets[start - 2..start].copy_from_slice(&length);
    }
}

impl<'a> Lookup<'a> {
    fn begun(&self, flags: u16, answers: usize, authority: u16) -> Writer<'a> {
        let mut writer = Writer { octets: Vec::with_capacity(256), places: Vec::new() };
        writer.u16s(&[self.id, flags, 1, answers as u16, authority, u16::from(self.edns)]);
        writer.name(self.name);
        writer.u16s(&[self.qtype, 1]);
        writer
    }

    fn edns(&self, writer: &mut Writer<'_>) {
        if self.edns {
            writer.octets.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        }
    }

    /// The query.
    pub fn query(&self) -> Vec<u8> {
        let mut writer = self.begun(0x0100, 0, 0);
        self.edns(&mut writer);
        writer.octets
    }

    /// The response.
    pub fn response(&self) -> Vec<u8> {
        let negative = self.answers.is_empty() && matches!(self.rcode, rcode::NOERROR | rcode::NXDOMAIN);
        let mut writer = self.begun(0x8180 | u16::from(self.rcode), self.answers.len(), u16::from(negative));
        for (owner, says) in &self.answers {
            match says {
                Says::Address(IpAddr::V4(a)) => {
                    writer.record(owner, rtype::A, 300, |w| w.octets.extend_from_slice(&a.octets()));
                }
                Says::Address(IpAddr::V6(a)) => {
                    writer.record(owner, rtype::AAAA, 300, |w| w.octets.extend_from_slice(&a.octets()));
                }
                Says::Alias(target) => writer.record(owner, rtype::CNAME, 600, |w| w.name(target)),
                Says::Service(hints) => writer.record(owner, rtype::HTTPS, 300, |w| {
                    w.octets.extend_from_slice(&[0, 1, 0, 0, 1, 0, 6, 2, b'h', b'3', 2, b'h', b'2']);
                    for (key, v6) in [(4u16, false), (6, true)] {
                        let of_kind = || hints.iter().filter(move |hint| hint.is_ipv6() == v6);
                        if of_kind().next().is_some() {
                            w.u16s(&[key, of_kind().count() as u16 * if v6 { 16 } else { 4 }]);
                            of_kind().for_each(|hint| match hint {
                                IpAddr::V4(a) => w.octets.extend_from_slice(&a.octets()),
                                IpAddr::V6(a) => w.octets.extend_from_slice(&a.octets()),
                            });
                        }
                    }
                }),
            }
        }
        if negative {
            let parent = self.name.split_once('.').map_or(self.name, |(_, parent)| parent);
            writer.record(parent, 6, 900, |w| {
                w.name("ns1.example.net");
                w.name("hostmaster.example.net");
                w.octets.extend_from_slice(&[0; 20]);
            });
        }
        self.edns(&mut writer);
        writer.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_compressed_and_another_reader_reads_it() {
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        let answers = vec![("www.a.no", Says::Alias("edge.cdn.net")), ("edge.cdn.net", Says::Address(address))];
        let lookup = Lookup { id: 7, name: "www.a.no", qtype: rtype::A, rcode: 0, answers, edns: true };
        let octets = lookup.response();
        let message = varde_agent::dns::read(&octets).unwrap();
        assert_eq!(message.qname().to_string(), "www.a.no");
        let section = message.answer_section();
        assert_eq!(section.answers.len(), 2);
        let nothing = Lookup { answers: vec![], rcode: rcode::NXDOMAIN, ..lookup };
        assert!(varde_agent::dns::read(&nothing.response()).unwrap().answer_section().answers.is_empty());
        assert_eq!(nothing.query().len(), 12 + 10 + 4 + 11);
    }
}
