//! What is put in front of a client's first words, or beside them, so that who listens in reads something else.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use super::Talks;
use super::Who::Client;
use crate::bulk::hello::{Manner, message, records};
use crate::random::Random;
use crate::sealed::{DIALECTS, crypto, seal};
use crate::traffic::dns::{self, Question, rtype};
use crate::traffic::packet::{self, Segment, flag};

/// More QUIC packets than anybody looks at.
const JUNK: u8 = 40;
/// More IPv6 extension headers than anybody follows.
const EXTENSIONS: u8 = 17;

/// A packet with a number and frames, to a connection id.
fn sealed(id: &[u8], number: u32, frames: &[u8]) -> Result<Vec<u8>> {
    let mut frames = frames.to_vec();
    frames.resize(frames.len().max(1_140), 0);
    seal(&DIALECTS[0], id, id, number, &frames).context("cannot protect a packet")
}

/// QUIC: another hello to the same connection id, pieces that contradict one another, packets that say nothing in front.
///
/// # Errors
/// When packets cannot be protected.
pub fn over_quic(random: &mut Random) -> Result<Vec<Vec<u8>>> {
    let mut talks = Talks::new();
    let [dialect, ..] = DIALECTS;
    let mut hello = |name: &str| message(random, Manner::Quic, name, &["h3"]);
    let whole = |hello: &[u8]| crypto(&dialect, hello, 0..hello.len());
    let [first, second, third] = ["first.decoy.example", "other.decoy.example", "other.pieces.example"].map(&mut hello);
    // A hello that never arrives, then the one that does: whole, and in two packets.
    let mut cases = vec![
        vec![sealed(b"decoy  1", 0, &whole(&first))?, sealed(b"decoy  1", 0, &whole(&second))?],
        vec![
            sealed(b"decoy  2", 0, &whole(&first))?,
            sealed(b"decoy  2", 1, &crypto(&dialect, &third, 0..90))?,
            sealed(b"decoy  2", 2, &crypto(&dialect, &third, 90..third.len()))?,
        ],
    ];
    // A frame that has no place there, HANDSHAKE_DONE, and one hello sent three times.
    let behind = hello("behind.frame.example");
    cases.push(vec![sealed(b"decoy  3", 0, &[&[0x1e][..], &whole(&behind)].concat())?]);
    let again = hello("again.example");
    cases.push((0..3).map(|number| sealed(b"decoy  4", number, &whole(&again))).collect::<Result<_>>()?);
    // Packets to other connection ids that nobody can open.
    let hidden = hello("behind.many.example");
    let mut many: Vec<Vec<u8>> = (0..JUNK)
        .map(|number| [&[0xc3, 0, 0, 0, 1, 8][..], b"junk  ", &[1, number, 0, 0, 0x44, 0x9e], &[b'j'; 0x49e]].concat())
        .collect();
    many.push(sealed(b"decoy  5", 0, &whole(&hidden))?);
    cases.push(many);
    for datagrams in cases {
        let (client, server) = talks.ends(443);
        talks.packets.extend(datagrams.iter().map(|datagram| packet::udp(client, server, datagram)));
    }
    Ok(talks.packets)
}

/// TCP: records of versions there are none of, Host fields that begin with nothing, data that no receiver takes.
pub fn over_tcp(random: &mut Random) -> Vec<Vec<u8>> {
    let mut talks = Talks::new();
    let mut hello = |name: &str| records(&message(random, Manner::Library, name, &["h2"]), 1 << 14);
    for minor in [5, 0xff] {
        let mut stream = hello(&format!("record{minor}.example"));
        stream[2] = minor;
        talks.talk(443, &[(Client, &stream)]);
    }
    for fields in ["Host:\r\n folded.example", "Host:\r\nHost: behind.empty.example", "Host: \x0btab.example"] {
        talks.talk(80, &[(Client, format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes())]);
    }
    // A segment with RST and a hello, far from the one that counts.
    let (client, server) = talks.ends(443);
    let mut say = |sequence: u32, flags: u8, data: &[u8]| {
        let segment = Segment { sequence, acknowledgement: 5_001, flags };
        talks.packets.push(packet::tcp(client, server, segment, data));
    };
    say(1_000, flag::SYN, &[]);
    say(201_001, flag::RST, &hello("reset.example"));
    say(1_001, flag::ACK, &hello("taken.example"));
    // Of a message over TCP some octets first, and others than come then.
    let question = dns::over_tcp(&dns::query(Question { id: 77, name: "contradicted.example", qtype: rtype::A }));
    let (client, server) = talks.ends(53);
    let mut say = |sequence: u32, flags: u8, data: &[u8]| {
        let segment = Segment { sequence, acknowledgement: 5_001, flags };
        talks.packets.push(packet::tcp(client, server, segment, data));
    };
    say(1_000, flag::SYN, &[]);
    say(1_002, flag::ACK, b"\xff\xffjunk");
    say(1_001, flag::ACK, &question);
    talks.packets.extend(behind_extensions(&hello("behind.extensions.example")));
    talks.packets
}

/// A hello behind more IPv6 extension headers (destination options of eight octets) than anybody follows.
fn behind_extensions(hello: &[u8]) -> [Vec<u8>; 2] {
    let client = SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, 5], 41_999));
    let server = SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 80], 443));
    let say = |sequence: u32, flags: u8, data: &[u8]| {
        packet::tcp(client, server, Segment { sequence, acknowledgement: 5_001, flags }, data)
    };
    let mut octets = say(1_001, flag::ACK, hello);
    let behind = octets.split_off(40);
    for number in 1..=EXTENSIONS {
        octets.extend([if number < EXTENSIONS { 60 } else { 6 }, 0, 1, 4, 0, 0, 0, 0]);
    }
    octets.extend(&behind);
    octets[6] = 60;
    let length = (octets.len() - 40) as u16;
    octets[4..6].copy_from_slice(&length.to_be_bytes());
    [say(1_000, flag::SYN, &[]), octets]
}
