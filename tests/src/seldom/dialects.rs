//! Every version of QUIC that greets with TLS: drafts at both ends of each salt, mvfst's, Google's; whole, in several
//! packets, coalesced, behind a Retry.

use anyhow::{Context, Result};

use super::Talks;
use crate::bulk::hello::{Manner, message};
use crate::random::Random;
use crate::sealed::{Dialect, crypto, every, seal, seal_with_token};
use crate::traffic::packet;

/// An Initial's datagram is at least so long (RFC 9000 section 14.1).
const DATAGRAM_MIN_OCTETS: usize = 1200;

fn sealed(dialect: &Dialect, id: &[u8], number: u32, frames: &[u8]) -> Result<Vec<u8>> {
    let mut frames = frames.to_vec();
    frames.resize(frames.len().max(DATAGRAM_MIN_OCTETS - 60), 0);
    seal(dialect, id, id, number, &frames).context("cannot protect a packet")
}

/// One connection of each version with the hello in one packet, and one with it in three, the last first.
///
/// # Errors
/// When packets cannot be protected.
pub fn connections(random: &mut Random) -> Result<Vec<Vec<u8>>> {
    let mut talks = Talks::new();
    for dialect in every() {
        let version = dialect.version;
        let hello = message(random, Manner::Quic, &format!("whole-{version:08x}.example"), &["h3"]);
        let (client, server) = talks.ends(443);
        let id = random.next_u64().to_be_bytes();
        let datagram = sealed(&dialect, &id, 1, &crypto(&dialect, &hello, 0..hello.len()))?;
        talks.packets.push(packet::udp(client, server, &datagram));
        let hello = message(random, Manner::Quic, &format!("parts-{version:08x}.example"), &["h3"]);
        let (client, server) = talks.ends(443);
        let id = random.next_u64().to_be_bytes();
        let ends = [0, hello.len() / 3, hello.len() / 2, hello.len()];
        for (number, place) in (1..).zip([2, 0, 1]) {
            let datagram = sealed(&dialect, &id, number, &crypto(&dialect, &hello, ends[place]..ends[place + 1]))?;
            talks.packets.push(packet::udp(client, server, &datagram));
        }
    }
    Ok(talks.packets)
}

/// Connections whose server asks for a token first (RFC 9000 section 17.2.5): the client begins anew, with other keys.
///
/// # Errors
/// When packets cannot be protected.
pub fn after_retry(random: &mut Random) -> Result<Vec<Vec<u8>>> {
    let mut talks = Talks::new();
    for dialect in every().into_iter().filter(|dialect| matches!(dialect.version, 1 | 0x6b33_43cf | 0xff00_001d)) {
        let version = dialect.version;
        // Whole at first, or only its beginning: then all of it is in what comes after.
        for whole in [true, false] {
            let hello = message(random, Manner::Quic, &format!("retry-{version:08x}-{whole}.example"), &["h3"]);
            let (client, server) = talks.ends(443);
            let (chosen, other) = (random.next_u64().to_be_bytes(), random.next_u64().to_be_bytes());
            let first = if whole { 0..hello.len() } else { 0..100 };
            let begun = sealed(&dialect, &chosen, 0, &crypto(&dialect, &hello, first))?;
            talks.packets.push(packet::udp(client, server, &begun));
            // Type 3, in version 2 type 0 (RFC 9369 section 3.2); token, integrity tag.
            let kind = if version == 0x6b33_43cf { 0xc0 } else { 0xf0 };
            let retry = [&[kind][..], &version.to_be_bytes(), &[0, 8], &other, b"a token", &[9; 16]].concat();
            talks.packets.push(packet::udp(server, client, &retry));
            let mut frames = crypto(&dialect, &hello, 0..hello.len());
            frames.resize(frames.len().max(DATAGRAM_MIN_OCTETS - 70), 0);
            let again = seal_with_token(&dialect, &other, &other, b"a token", 1, &frames).context("cannot protect")?;
            talks.packets.push(packet::udp(client, server, &again));
        }
    }
    Ok(talks.packets)
}
