//! Packets an attacker would send (`reliability-security.md` section 4.2): every lie a header can tell, each with what must
//! come of it; drawn from a seed, the same for the same seed.
//!
//! [`message`] lies in DNS messages, [`link`] and [`ip`] in what is around IP and in IP, [`transport`] above it.

pub mod ip;
pub mod link;
pub mod message;
pub mod transport;

use std::net::SocketAddr;

use crate::random::Random;
use crate::traffic::dns::over_tcp;
use crate::traffic::packet::{self, Segment, flag};

/// What must come of a case; every frame is accounted for in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Every frame is read or refused, whichever.
    Accounted,
    /// Every frame is read as a packet.
    Packets,
    /// At least so many DNS messages are read.
    Messages(u64),
    /// No DNS message is read, and this counter moves.
    Refused(&'static str),
    /// A frame holds no IP.
    NotIp,
}

/// Frames (Ethernet) in order, and what must come of them.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is, in words.
    pub name: String,
    /// The frames.
    pub frames: Vec<Vec<u8>>,
    /// What must come of them.
    pub expect: Expect,
}

impl Case {
    /// One frame.
    pub fn one(name: impl Into<String>, frame: Vec<u8>, expect: Expect) -> Case {
        Case { name: name.into(), frames: vec![frame], expect }
    }
}

/// Ethernet around an IP packet.
pub fn ethernet(ip: &[u8]) -> Vec<u8> {
    let kind: [u8; 2] = if ip.first().is_some_and(|first| first >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] };
    typed(kind, ip)
}

/// Ethernet of a given type.
pub fn typed(kind: [u8; 2], inside: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind, inside].concat()
}

/// A client and a resolver; IPv4 or IPv6.
pub fn ends(v6: bool, port: u16) -> (SocketAddr, SocketAddr) {
    match v6 {
        true => (
            SocketAddr::from(([0xfd20, 5, 0, 0, 0, 0, 0, 9], port)),
            SocketAddr::from(([0xfd20, 5, 0, 0, 0, 0, 0, 0x53], 53)),
        ),
        false => (SocketAddr::from(([10, 20, 30, 9], port)), SocketAddr::from(([10, 20, 0, 53], 53))),
    }
}

/// A DNS message on its way to a resolver or back over UDP.
pub fn datagram(v6: bool, port: u16, message: &[u8]) -> Vec<u8> {
    let (client, server) = ends(v6, port);
    let response = message.get(2).is_some_and(|flags| flags & 0x80 != 0);
    ethernet(&match response {
        true => packet::udp(server, client, message),
        false => packet::udp(client, server, message),
    })
}

/// Octets over TCP, in segments of so many, after a handshake.
pub fn stream(v6: bool, port: u16, octets: &[u8], each: usize) -> Vec<Vec<u8>> {
    let (client, server) = ends(v6, port);
    let say = |from_client: bool, sequence: u32, flags: u8, data: &[u8]| {
        let segment = Segment { sequence, acknowledgement: 1, flags };
        let (source, destination) = if from_client { (client, server) } else { (server, client) };
        ethernet(&packet::tcp(source, destination, segment, data))
    };
    let mut frames = vec![say(true, 0, flag::SYN, &[]), say(false, 0, flag::SYN | flag::ACK, &[])];
    let mut sequence = 1u32;
    for part in octets.chunks(each.max(1)) {
        frames.push(say(true, sequence, flag::PSH | flag::ACK, part));
        sequence = sequence.wrapping_add(part.len() as u32);
    }
    frames.push(say(true, sequence, flag::RST, &[]));
    frames
}

/// A valid query in a frame, to be bent.
pub fn query_frame(random: &mut Random, v6: bool) -> Vec<u8> {
    let name = crate::bulk::names::ordinary(random);
    let question = crate::traffic::dns::Question { id: random.next_u16(), name: &name, qtype: 1 };
    datagram(v6, random.client_port(), &crate::traffic::dns::query(question))
}

/// Valid frames with some octets changed, cut or doubled: what nobody thought of.
fn bent(random: &mut Random, count: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for number in 0..count {
        let v6 = random.percent(40);
        let mut frames = match random.below(3) {
            0 => vec![query_frame(random, v6)],
            1 => {
                let messages = message::valid(random);
                let message = random.one_of(&messages).cloned().unwrap_or_default();
                vec![datagram(v6, random.client_port(), &message)]
            }
            _ => {
                let messages = message::valid(random);
                let octets: Vec<u8> = messages.iter().flat_map(|message| over_tcp(message)).collect();
                stream(v6, random.client_port(), &octets, random.within(1, 200) as usize)
            }
        };
        for frame in &mut frames {
            for _ in 0..random.within(1, 4) {
                let place = random.below(frame.len() as u64) as usize;
                match random.below(4) {
                    0 => frame.truncate(place.max(1)),
                    1 => frame.insert(place, random.next_u16() as u8),
                    2 => frame[place] ^= 1 << random.below(8),
                    _ => frame[place] = [0, 0xff, 0xc0, 0x3f, 0x80][random.below(5) as usize],
                }
            }
        }
        cases.push(Case { name: format!("bent {number}"), frames, expect: Expect::Accounted });
    }
    cases
}

/// The whole corpus: more than 2,000 cases.
pub fn corpus(seed: u64) -> Vec<Case> {
    let mut random = Random::seeded(seed);
    let mut cases = message::cases();
    cases.extend(link::cases());
    cases.extend(ip::cases());
    cases.extend(transport::cases());
    cases.extend(bent(&mut random, 1_200));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_the_corpus_is_large_and_the_same_for_the_same_seed() {
        let (one, other) = (corpus(5), corpus(5));
        assert!(one.len() >= 2_000, "{}", one.len());
        assert!(one.iter().zip(&other).all(|(a, b)| a.frames == b.frames && a.name == b.name));
    }
}
