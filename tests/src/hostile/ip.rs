//! Lies in IP headers: lengths, options, extension headers, fragments that overlap, are tiny or never end.

use super::{Case, Expect, ethernet, query_frame};
use crate::random::Random;
use crate::traffic::packet::fragments;

fn v4(ihl: u8, total: u16, offset: u16, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x40 | ihl, 0];
    octets.extend_from_slice(&total.to_be_bytes());
    octets.extend_from_slice(&[0x12, 0x34]);
    octets.extend_from_slice(&offset.to_be_bytes());
    octets.extend_from_slice(&[64, 17, 0, 0, 10, 20, 30, 9, 10, 20, 0, 53]);
    octets.extend_from_slice(body);
    ethernet(&octets)
}

fn v6(next: u8, length: u16, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x60, 0, 0, 0];
    octets.extend_from_slice(&length.to_be_bytes());
    octets.extend_from_slice(&[next, 64]);
    for last in [9u8, 0x53] {
        octets.extend_from_slice(&[0xfd, 0x20, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    octets.extend_from_slice(body);
    ethernet(&octets)
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut random = Random::seeded(78);
    let mut cases = Vec::new();
    let query = query_frame(&mut random, false);
    let udp = &query[34..];
    for ihl in 0..=15u8 {
        for total in [0u16, 19, 20, 40, 20 + udp.len() as u16, 1_500, 65_535] {
            let expect = if ihl < 5 { Expect::Refused("bad_length") } else { Expect::Accounted };
            cases.push(Case::one(format!("IHL {ihl}, total length {total}"), v4(ihl, total, 0x4000, udp), expect));
        }
    }
    for version in 0..16u8 {
        let mut frame = query.clone();
        frame[14] = version << 4 | 5;
        let expect = if version == 4 { Expect::Messages(1) } else { Expect::Refused("wrong_version") };
        cases.push(Case::one(format!("version {version}"), frame, expect));
    }
    for offset in [0u16, 1, 2, 8191] {
        for more in [0u16, 0x2000] {
            for length in [0usize, 1, 7, 8, 9, 64] {
                let total = 20 + length as u16;
                let frame = v4(5, total, more | offset, &vec![0x5a; length]);
                cases.push(Case::one(
                    format!("fragment at {offset}, more {more}, of {length}"),
                    frame,
                    Expect::Packets,
                ));
            }
        }
    }
    // The same fragment claimed twice with other octets; overlapping by eight; each in either order.
    for (name, offsets) in [
        ("the same twice", &[(0u16, true, 16usize), (0, true, 16), (2, false, 24)][..]),
        ("overlapping", &[(0, true, 24), (2, true, 16), (3, false, 16)]),
        ("wholly inside", &[(0, true, 64), (2, true, 8), (8, false, 8)]),
        ("two ends", &[(0, true, 16), (2, false, 16), (4, false, 16)]),
        ("end before the beginning", &[(8, false, 8), (0, true, 64)]),
        ("beyond 65,535", &[(8190, true, 64), (8191, false, 1_400), (0, true, 16)]),
        ("never finished", &[(0, true, 16), (4, true, 16), (8, true, 16)]),
    ] {
        for reversed in [false, true] {
            let mut frames: Vec<Vec<u8>> = offsets
                .iter()
                .enumerate()
                .map(|(n, &(offset, more, length))| {
                    v4(5, 20 + length as u16, offset | if more { 0x2000 } else { 0 }, &vec![n as u8; length])
                })
                .collect();
            if reversed {
                frames.reverse();
            }
            cases.push(Case {
                name: format!("fragments: {name}, reversed {reversed}"),
                frames,
                expect: Expect::Packets,
            });
        }
    }
    for size in [8usize, 16, 24, 32] {
        let frames = fragments(&query[14..], size, size as u16).iter().map(|part| ethernet(part)).collect();
        cases.push(Case { name: format!("tiny fragments of {size}"), frames, expect: Expect::Messages(1) });
    }
    let endless: Vec<Vec<u8>> = (0..400u16).map(|n| v4(5, 28, 0x2000 | n, &[n as u8; 8])).collect();
    cases.push(Case { name: "four hundred fragments of eight".into(), frames: endless, expect: Expect::Packets });

    let query = query_frame(&mut random, true);
    let udp = &query[54..];
    for kind in [0u8, 43, 60, 135, 139, 140] {
        for count in [1usize, 2, 8, 15, 16, 17, 64, 200] {
            let mut body = Vec::new();
            for n in 0..count {
                let next = if n + 1 == count { 17 } else { kind };
                body.extend_from_slice(&[next, 0, 1, 4, 0, 0, 0, 0]);
            }
            body.extend_from_slice(udp);
            let expect = if count > 16 { Expect::Refused("extensions_too_many") } else { Expect::Packets };
            let length = body.len() as u16;
            cases.push(Case::one(format!("{count} extension headers {kind}"), v6(kind, length, &body), expect));
        }
        for length in [0u8, 1, 7, 255] {
            let body = [&[17, length, 1, 4, 0, 0, 0, 0][..], udp].concat();
            cases.push(Case::one(
                format!("extension header {kind} of length {length}"),
                v6(kind, body.len() as u16, &body),
                Expect::Accounted,
            ));
        }
    }
    let jumbo = [&[17, 0, 0xc2, 4, 0, 1, 0, 0][..], udp].concat();
    cases.push(Case::one("jumbo payload", v6(0, 0, &jumbo), Expect::Packets));
    for count in [1usize, 3, 17] {
        let mut body = Vec::new();
        for n in 0..count {
            let next = if n + 1 == count { 17 } else { 44 };
            body.extend_from_slice(&[next, 0, 0, 0, 0, 0, 0, n as u8]);
        }
        body.extend_from_slice(udp);
        cases.push(Case::one(
            format!("{count} atomic fragment headers"),
            v6(44, body.len() as u16, &body),
            Expect::Accounted,
        ));
    }
    for length in [0u16, 1, 7, 8, udp.len() as u16 + 1, 65_535] {
        cases.push(Case::one(format!("IPv6 payload length {length}"), v6(17, length, udp), Expect::Packets));
    }
    cases
}
