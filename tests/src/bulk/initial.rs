//! QUIC Initial packets of a client (RFC 9000 section 17.2.2), really protected (RFC 9001 section 5), so that a sensor must
//! really take the protection off.

use anyhow::{Context, Result};
use rustls::Side;
use rustls::quic::{Keys, Version};

use crate::random::Random;

/// A datagram with an Initial is at least so long (RFC 9000 section 14.1).
const DATAGRAM_MIN_OCTETS: usize = 1200;
/// Handshake octets in one datagram: what is left in 1,200 with header, frames and tag, with room to spare.
const CRYPTO_MAX_OCTETS: usize = 1120;
const TAG_OCTETS: usize = 16;

/// How a client spreads its ClientHello over frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// One CRYPTO frame a datagram.
    Plain,
    /// Several a datagram, out of order, with PING and PADDING between them, as one browser does.
    Scrambled,
}

fn varint(out: &mut Vec<u8>, n: usize) {
    out.extend_from_slice(&(0x4000 | n as u16).to_be_bytes());
}

fn crypto_frame(out: &mut Vec<u8>, offset: usize, data: &[u8]) {
    out.push(6);
    varint(out, offset);
    varint(out, data.len());
    out.extend_from_slice(data);
}

fn frames(random: &mut Random, spread: Spread, offset: usize, part: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match spread {
        Spread::Plain => crypto_frame(&mut out, offset, part),
        Spread::Scrambled => {
            let first = random.within(1, (part.len() as u64).saturating_sub(2).max(1)) as usize;
            let second = first + random.below((part.len() - first) as u64) as usize;
            let mut pieces = [(0, first), (first, second), (second, part.len())];
            pieces.swap(0, random.below(3) as usize);
            for (from, to) in pieces {
                crypto_frame(&mut out, offset + from, &part[from..to]);
                out.extend_from_slice(&[1, 0, 0][..random.within(1, 3) as usize]);
            }
        }
    }
    out
}

/// The datagrams that carry a ClientHello to a server, by a client that chose `destination` as the server's first
/// connection id.
///
/// # Errors
/// When the library cannot protect them.
pub fn datagrams(
    random: &mut Random,
    version: Version,
    destination: &[u8],
    source: &[u8],
    hello: &[u8],
    spread: Spread,
) -> Result<Vec<Vec<u8>>> {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().context("a TLS 1.3 suite")?;
    let keys = Keys::initial(version, suite, suite.quic.context("a QUIC suite")?, destination, Side::Client).local;
    let mut datagrams = Vec::new();
    for (number, part) in hello.chunks(CRYPTO_MAX_OCTETS).enumerate() {
        let mut payload = frames(random, spread, number * CRYPTO_MAX_OCTETS, part);
        // Long header, Initial (version 2 numbers its types otherwise, RFC 9369 section 3.2), packet number of two octets.
        let (first, wire_version) = match version {
            Version::V2 => (0xd1, 0x6b33_43cfu32),
            Version::V1Draft => (0xc1, 0xff00_001d),
            _ => (0xc1, 1),
        };
        let mut packet = vec![first];
        packet.extend_from_slice(&wire_version.to_be_bytes());
        for id in [destination, source] {
            packet.push(id.len() as u8);
            packet.extend_from_slice(id);
        }
        packet.push(0);
        let header = packet.len() + 2 + 2;
        payload.resize(payload.len().max(DATAGRAM_MIN_OCTETS - header - TAG_OCTETS), 0);
        varint(&mut packet, 2 + payload.len() + TAG_OCTETS);
        packet.extend_from_slice(&(number as u16).to_be_bytes());
        let tag = keys.packet.encrypt_in_place(number as u64, &packet, &mut payload).context("cannot protect")?;
        packet.extend_from_slice(&payload);
        packet.extend_from_slice(tag.as_ref());
        let (head, rest) = packet.split_at_mut(header);
        let sample = rest.get(2..18).context("too short for a sample")?;
        let (first, number) = head.split_at_mut(1);
        let at = number.len() - 2;
        let first = first.first_mut().context("no first octet")?;
        keys.header.encrypt_in_place(sample, first, &mut number[at..]).context("cannot protect the header")?;
        datagrams.push(packet);
    }
    Ok(datagrams)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_takes_the_protection_off_again() {
        let mut random = Random::seeded(6);
        let hello: Vec<u8> = (0..1800u32).map(|n| n as u8).collect();
        for (version, spread) in [(Version::V1, Spread::Plain), (Version::V2, Spread::Scrambled)] {
            let packets = datagrams(&mut random, version, &[7; 8], &[9; 5], &hello, spread).unwrap();
            assert_eq!(packets.len(), 2);
            let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
            let keys = Keys::initial(version, suite, suite.quic.unwrap(), &[7; 8], Side::Server).remote;
            for (number, mut packet) in packets.into_iter().enumerate() {
                assert_eq!(packet.len(), 1200);
                let at = 1 + 4 + 9 + 6 + 1 + 2;
                let sample: Vec<u8> = packet[at + 4..at + 20].to_vec();
                let (head, rest) = packet.split_at_mut(at);
                keys.header.decrypt_in_place(&sample, &mut head[0], &mut rest[..2]).unwrap();
                let (header, body) = packet.split_at_mut(at + 2);
                let open = keys.packet.decrypt_in_place(number as u64, header, body).unwrap();
                assert_eq!(open[0], 6, "a CRYPTO frame comes first");
            }
        }
    }
}
