//! Captures that are sound and seldom: what collections of strangers hold, so that no first meeting happens there.
//!
//! [`words`] are first words of clients and DNS messages as few programs write them, [`dialects`] every version of QUIC, [`files`]
//! ways to put frames on a wire and into a file, [`decoys`] what is put in front of first words to hide them.

pub mod decoys;
pub mod dialects;
pub mod files;
pub mod messages;
pub mod words;

use std::net::SocketAddr;

use anyhow::Result;

use crate::odd::Frame;
use crate::random::Random;
use crate::traffic::packet::{self, Segment, flag};

/// When each capture begins, nanoseconds since 1970.
pub(crate) const START_NS: u64 = 1_763_733_900_000_000_000;
/// Time between two packets, nanoseconds.
const STEP_NS: u64 = 1_000_000;
/// Most data of a segment on a usual Ethernet.
const SEGMENT_OCTETS: usize = 1400;

/// Every capture, with a name of its own; the same for the same seed.
///
/// # Errors
/// When QUIC packets cannot be protected.
pub fn captures(seed: u64) -> Result<Vec<(String, Vec<u8>)>> {
    let mut random = Random::seeded(seed);
    let mut all = files::captures(&mut random)?;
    for (name, packets) in sets(&mut random)? {
        all.push((name.to_owned(), files::usual(&frames(&packets))));
    }
    Ok(all)
}

/// A name, and IP packets.
pub type Set = (&'static str, Vec<Vec<u8>>);

/// Every set of IP packets, with a name of its own.
///
/// # Errors
/// When QUIC packets cannot be protected.
pub fn sets(random: &mut Random) -> Result<Vec<Set>> {
    Ok(vec![
        ("hellos", words::hellos(random)),
        ("after-words", words::after_words(random)),
        ("requests", words::requests()),
        ("not-for-us", words::not_for_us(random)),
        ("messages", messages::datagrams()),
        ("messages-over-tcp", messages::over_tcp()),
        ("quic", dialects::connections(random)?),
        ("quic-retry", dialects::after_retry(random)?),
        ("quic-decoys", decoys::over_quic(random)?),
        ("tcp-decoys", decoys::over_tcp(random)),
    ])
}

/// IP packets as Ethernet frames, one after another.
pub fn frames(packets: &[Vec<u8>]) -> Vec<Frame> {
    let wrapping = crate::traffic::tunnel::Wrapping::None;
    (1..).zip(packets).map(|(place, ip)| Frame::whole(START_NS + place * STEP_NS, wrapping.frame(ip))).collect()
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Server,
}

/// Connections of one client, each from a port of its own.
#[derive(Debug)]
pub(crate) struct Talks {
    port: u16,
    pub(crate) packets: Vec<Vec<u8>>,
}

impl Talks {
    pub(crate) fn new() -> Talks {
        Talks { port: 41_000, packets: Vec::new() }
    }

    /// The ends of one more connection.
    pub(crate) fn ends(&mut self, server_port: u16) -> (SocketAddr, SocketAddr) {
        self.port += 1;
        (SocketAddr::from(([10, 40, 0, 5], self.port)), SocketAddr::from(([192, 0, 2, 80], server_port)))
    }

    /// A TCP connection in which this is said, in segments of at most so many octets.
    pub(crate) fn cut(&mut self, server_port: u16, each: usize, turns: &[(Who, &[u8])]) {
        let (client, server) = self.ends(server_port);
        let mut sent = [1_001u32, 5_001];
        let mut send = |who: Who, flags: u8, back: u32, data: &[u8]| {
            let (from, to, own, other) = match who {
                Who::Client => (client, server, 0, 1),
                Who::Server => (server, client, 1, 0),
            };
            let segment = Segment { sequence: sent[own] - back, acknowledgement: sent[other], flags };
            sent[own] += data.len() as u32;
            self.packets.push(packet::tcp(from, to, segment, data));
        };
        send(Who::Client, flag::SYN, 1, &[]);
        send(Who::Server, flag::SYN | flag::ACK, 1, &[]);
        send(Who::Client, flag::ACK, 0, &[]);
        for (who, data) in turns {
            for part in data.chunks(each) {
                send(*who, flag::PSH | flag::ACK, 0, part);
            }
        }
        send(Who::Server, flag::ACK, 0, &[]);
        send(Who::Client, flag::RST | flag::ACK, 0, &[]);
    }

    /// The same in segments of the usual size.
    pub(crate) fn talk(&mut self, server_port: u16, turns: &[(Who, &[u8])]) {
        self.cut(server_port, SEGMENT_OCTETS, turns);
    }
}
