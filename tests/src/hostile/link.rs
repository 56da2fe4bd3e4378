//! Lies around IP: tags in tags, labels on labels, tunnels in tunnels, frames cut anywhere.

use super::{Case, Expect, ethernet, query_frame, typed};
use crate::random::Random;

fn tagged(inside: [u8; 2], kinds: &[[u8; 2]], ip: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (depth, _) in kinds.iter().enumerate() {
        let next = kinds.get(depth + 1).copied().unwrap_or(inside);
        octets.extend_from_slice(&[[0, depth as u8], next].concat());
    }
    octets.extend_from_slice(ip);
    typed(kinds.first().copied().unwrap_or(inside), &octets)
}

/// A packet inside as many of the same tunnel as asked for.
fn nested(ip: &[u8], depth: usize, wrap: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut octets = ip.to_vec();
    for _ in 0..depth {
        octets = wrap(&octets);
    }
    ethernet(&octets)
}

fn in_ip(protocol: u8, inside: &[u8]) -> Vec<u8> {
    crate::traffic::packet::ip([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), protocol, inside)
}

fn in_udp(port: u16, inside: &[u8]) -> Vec<u8> {
    let ends = ([10, 0, 0, 1], 40_000u16, [10, 0, 0, 2], port);
    crate::traffic::packet::udp((ends.0, ends.1).into(), (ends.2, ends.3).into(), inside)
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut random = Random::seeded(77);
    let mut cases = Vec::new();
    for v6 in [false, true] {
        let frame = query_frame(&mut random, v6);
        let (ip, kind): (&[u8], [u8; 2]) = (&frame[14..], if v6 { [0x86, 0xdd] } else { [8, 0] });
        for depth in 0..=20 {
            for tag in [[0x81, 0], [0x88, 0xa8], [0x91, 0]] {
                let expect = match (tag, depth) {
                    (_, 0..=8) => Expect::Messages(1),
                    _ => Expect::Refused("vlan_too_deep"),
                };
                let frame = tagged(kind, &vec![tag; depth], ip);
                cases.push(Case::one(format!("{depth} tags {tag:?}, v6 {v6}"), frame, expect));
            }
            let labels: Vec<u8> = (0..depth).flat_map(|n| [0, n as u8, u8::from(n + 1 == depth), 64]).collect();
            cases.push(Case::one(
                format!("{depth} MPLS labels"),
                typed([0x88, 0x47], &[&labels[..], ip].concat()),
                Expect::Accounted,
            ));
            let endless: Vec<u8> = (0..depth).flat_map(|n| [0, n as u8, 0, 64]).collect();
            cases.push(Case::one(
                format!("{depth} MPLS labels without a last"),
                typed([0x88, 0x47], &endless),
                Expect::Accounted,
            ));
            let next: u8 = if v6 { 41 } else { 4 };
            for (name, frame) in [
                ("IP in IP", nested(ip, depth, |inside| in_ip(if inside[0] >> 4 == 6 { 41 } else { 4 }, inside))),
                (
                    "GRE",
                    nested(ip, depth, |inside| {
                        in_ip(
                            47,
                            &[&[0, 0][..], if inside[0] >> 4 == 6 { &[0x86, 0xdd] } else { &[8, 0] }, inside].concat(),
                        )
                    }),
                ),
                (
                    "VXLAN",
                    nested(ip, depth, |inside| {
                        in_udp(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &ethernet(inside)].concat())
                    }),
                ),
                (
                    "Geneve",
                    nested(ip, depth, |inside| {
                        in_udp(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 1, 0][..], &ethernet(inside)].concat())
                    }),
                ),
                (
                    "GTP-U",
                    nested(ip, depth, |inside| {
                        let length = (inside.len() as u16).to_be_bytes();
                        in_udp(2152, &[&[0x30, 0xff][..], &length, &[0, 0, 0, 1], inside].concat())
                    }),
                ),
                ("Teredo", nested(ip, depth, |inside| in_udp(3544, inside))),
                ("half a tunnel", nested(ip, depth, |inside| in_ip(next, &inside[..inside.len() / 2]))),
            ] {
                cases.push(Case::one(format!("{name} {depth} deep, v6 {v6}"), frame, Expect::Accounted));
            }
        }
        for length in 0..frame.len() {
            let expect = match length {
                0..14 => Expect::Accounted,
                _ if length < 14 + if v6 { 40 } else { 20 } => Expect::Refused("cut_short"),
                _ => Expect::Packets,
            };
            cases.push(Case::one(format!("frame cut at {length}, v6 {v6}"), frame[..length].to_vec(), expect));
        }
        for code in [0x09u8, 0xa7] {
            for length in [0u16, 2, ip.len() as u16, ip.len() as u16 + 2, 0xffff] {
                let protocol = if v6 { [0, 0x57] } else { [0, 0x21] };
                let session = [&[0x11, code, 0, 1][..], &length.to_be_bytes(), &protocol, ip].concat();
                cases.push(Case::one(
                    format!("PPPoE code {code} length {length}"),
                    typed([0x88, 0x64], &session),
                    Expect::Accounted,
                ));
            }
        }
    }
    for kind in [[8, 6], [0x88, 0xcc], [0, 38], [0x88, 0xe5], [0x88, 0xe7], [0xff, 0xff]] {
        cases.push(Case::one(format!("type {kind:?}"), typed(kind, &[0; 50]), Expect::Accounted));
    }
    cases.push(Case::one("ARP", typed([8, 6], &[0; 28]), Expect::NotIp));
    cases
}
