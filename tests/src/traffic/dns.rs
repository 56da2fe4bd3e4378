//! DNS messages as octets (RFC 1035), written without any code of the programs, so that a misreading cannot hide.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Types as IANA numbers them.
pub mod rtype {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Another name.
    pub const CNAME: u16 = 5;
    /// Text.
    pub const TXT: u16 = 16;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Service binding.
    pub const HTTPS: u16 = 65;
}

/// Response codes as IANA numbers them.
pub mod rcode {
    /// All well.
    pub const NOERROR: u8 = 0;
    /// The server failed.
    pub const SERVFAIL: u8 = 2;
    /// No such name.
    pub const NXDOMAIN: u8 = 3;
    /// The server will not.
    pub const REFUSED: u8 = 5;
}

/// What an answer record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A record.
    A(Ipv4Addr),
    /// AAAA record.
    Aaaa(Ipv6Addr),
    /// CNAME record.
    Cname(String),
    /// TXT record, one string.
    Txt(String),
}

impl Data {
    /// An address record of the address's family.
    pub fn address(address: IpAddr) -> Data {
        match address {
            IpAddr::V4(address) => Data::A(address),
            IpAddr::V6(address) => Data::Aaaa(address),
        }
    }

    /// Its type.
    pub fn rtype(&self) -> u16 {
        match self {
            Data::A(_) => rtype::A,
            Data::Aaaa(_) => rtype::AAAA,
            Data::Cname(_) => rtype::CNAME,
            Data::Txt(_) => rtype::TXT,
        }
    }
}

/// A record of the answer section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Owner name.
    pub name: String,
    /// Time to live, seconds.
    pub ttl_s: u32,
    /// What it holds.
    pub data: Data,
}

/// The question of a message.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Message id.
    pub id: u16,
    /// The name, in the case it is to have on the wire.
    pub name: &'a str,
    /// The type.
    pub qtype: u16,
}

/// A name as labels with their lengths, uncompressed.
pub fn name_octets(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        let label: Vec<u8> = label.bytes().take(63).collect();
        octets.push(label.len() as u8);
        octets.extend_from_slice(&label);
    }
    octets.push(0);
    octets
}

fn message(question: Question<'_>, flags: u16, answers: &[Answer]) -> Vec<u8> {
    let mut octets = Vec::new();
    for field in [question.id, flags, 1, answers.len() as u16, 0, 0] {
        octets.extend_from_slice(&field.to_be_bytes());
    }
    octets.extend_from_slice(&name_octets(question.name));
    octets.extend_from_slice(&question.qtype.to_be_bytes());
    octets.extend_from_slice(&1u16.to_be_bytes());
    // A pointer to the question's name where the owner is the same, as every server writes it; else whole.
    let owner = |name: &str| match name.eq_ignore_ascii_case(question.name) {
        true => vec![0xc0, 12],
        false => name_octets(name),
    };
    for answer in answers {
        let data = match &answer.data {
            Data::A(address) => address.octets().to_vec(),
            Data::Aaaa(address) => address.octets().to_vec(),
            Data::Cname(name) => owner(name),
            Data::Txt(text) => std::iter::once(text.len().min(255) as u8).chain(text.bytes().take(255)).collect(),
        };
        octets.extend_from_slice(&owner(&answer.name));
        octets.extend_from_slice(&answer.data.rtype().to_be_bytes());
        octets.extend_from_slice(&1u16.to_be_bytes());
        octets.extend_from_slice(&answer.ttl_s.to_be_bytes());
        octets.extend_from_slice(&(data.len() as u16).to_be_bytes());
        octets.extend_from_slice(&data);
    }
    octets
}

/// A query with recursion desired.
pub fn query(question: Question<'_>) -> Vec<u8> {
    message(question, 0x0100, &[])
}

/// A response of a recursive server.
pub fn response(question: Question<'_>, rcode: u8, answers: &[Answer]) -> Vec<u8> {
    message(question, 0x8180 | u16::from(rcode & 0x0f), answers)
}

/// As over TCP: the length in two octets, then the message.
pub fn over_tcp(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_points_back_to_its_question() {
        let question = Question { id: 0x1234, name: "a.no", qtype: rtype::A };
        let answer = Answer { name: "A.no".into(), ttl_s: 60, data: Data::A(Ipv4Addr::new(192, 0, 2, 1)) };
        let octets = response(question, rcode::NOERROR, &[answer]);
        let expected = [
            &[0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0][..],
            &[1, b'a', 2, b'n', b'o', 0, 0, 1, 0, 1],
            &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1],
        ];
        assert_eq!(octets, expected.concat());
        assert_eq!(query(question).len(), 12 + 10);
    }
}
