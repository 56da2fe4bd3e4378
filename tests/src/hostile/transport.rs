//! Lies above IP: offsets and lengths, segments that overlap with other octets, sequence numbers that wrap, wrong checksums.

use super::{Case, Expect, ends, ethernet};
use crate::traffic::dns::{Question, over_tcp, query};
use crate::traffic::packet::{Segment, flag, tcp, udp};

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let message = query(Question { id: 9, name: "transport.example.no", qtype: 1 });
    let framed = over_tcp(&message);
    let mut port = 40_000u16;
    for v6 in [false, true] {
        let header = if v6 { 54 } else { 34 };
        for offset in 0..16u8 {
            port += 1;
            let (client, server) = ends(v6, port);
            let segment = Segment { sequence: 1, acknowledgement: 1, flags: flag::ACK };
            let mut frame = ethernet(&tcp(client, server, segment, &framed));
            frame[header + 12] = offset << 4;
            // Its ports are still known, so it belongs to a flow.
            cases.push(Case::one(format!("TCP offset {offset}, v6 {v6}"), frame, Expect::Packets));
        }
        for flags in 0..=63u8 {
            port += 1;
            let (client, server) = ends(v6, port);
            let segment = Segment { sequence: 1, acknowledgement: 1, flags };
            cases.push(Case::one(
                format!("flags {flags:#x} with data"),
                ethernet(&tcp(client, server, segment, &framed)),
                Expect::Packets,
            ));
        }
        for length in [0u16, 1, 7, 8, 9, 20, 8 + message.len() as u16, 9 + message.len() as u16, 65_535] {
            port += 1;
            let (client, server) = ends(v6, port);
            let mut frame = ethernet(&udp(client, server, &message));
            frame[header + 4..header + 6].copy_from_slice(&length.to_be_bytes());
            cases.push(Case::one(format!("UDP length {length}, v6 {v6}"), frame, Expect::Packets));
        }
        for start in [0u32, u32::MAX - 10, u32::MAX, 0x7fff_fff0, 0x8000_0000] {
            for each in [1usize, 9, 100] {
                port += 1;
                let (client, server) = ends(v6, port);
                let say = |sequence: u32, flags: u8, data: &[u8]| {
                    let segment = Segment { sequence, acknowledgement: 1, flags };
                    ethernet(&tcp(client, server, segment, data))
                };
                let mut frames = vec![say(start, flag::SYN, &[])];
                let mut sequence = start.wrapping_add(1);
                for part in framed.chunks(each) {
                    frames.push(say(sequence, flag::ACK, part));
                    // Sent again with other octets: what came first counts, as it did for the receiver.
                    frames.push(say(sequence, flag::ACK, &vec![0xee; part.len()]));
                    sequence = sequence.wrapping_add(part.len() as u32);
                }
                cases.push(Case {
                    name: format!("wrap at {start:#x} by {each}, v6 {v6}"),
                    frames: frames.clone(),
                    expect: Expect::Messages(1),
                });
                // Last first: held and put in order.
                port += 1;
                let (client, server) = ends(v6, port);
                let mut backwards = vec![{
                    let segment = Segment { sequence: start, acknowledgement: 1, flags: flag::SYN };
                    ethernet(&tcp(client, server, segment, &[]))
                }];
                let parts: Vec<&[u8]> = framed.chunks(each.max(9)).collect();
                for (n, part) in parts.iter().enumerate().rev() {
                    let sequence = start.wrapping_add(1).wrapping_add((n * each.max(9)) as u32);
                    let segment = Segment { sequence, acknowledgement: 1, flags: flag::ACK };
                    backwards.push(ethernet(&tcp(client, server, segment, part)));
                }
                cases.push(Case {
                    name: format!("backwards from {start:#x} by {each}, v6 {v6}"),
                    frames: backwards,
                    expect: Expect::Messages(1),
                });
            }
        }
        port += 1;
        let (client, server) = ends(v6, port);
        let mut frame = ethernet(&udp(client, server, &message));
        frame[header + 6] ^= 0x5a;
        // A sensor that checks sums would miss what an offloading sender has yet to sum.
        cases.push(Case::one(format!("wrong checksum, v6 {v6}"), frame, Expect::Messages(1)));
    }
    cases
}
