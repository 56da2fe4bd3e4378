//! What no receiver takes hides no question, in any order and between any segments.

use super::*;
use crate::packet::tcp_flags::{FIN, RST};

type Decoy = (u32, u8, Vec<u8>);

/// Something that no receiver takes: where beside the first octet, with which flags, and what it says.
fn decoy() -> impl Strategy<Value = Decoy> {
    // Some of it behind one of the SYNs below.
    let behind_syn = [(1 << 29) + 1, (1 << 29) + 40, -(3 << 20) + 1];
    let far = [70_000i64, 200_000, 1 << 20, 1 << 30, -70_000, -200_000, -(1 << 20), -(1 << 30)];
    let far: Vec<i64> = far.into_iter().chain(behind_syn).collect();
    let near = vec![0i64, 20, 100, 5_000, -5_000, -50];
    let place = prop_oneof![
        (prop::sample::select(far), Just(ACK)),
        (prop::sample::select(near), prop::sample::select(vec![RST | ACK, RST, 0, 8])),
        (prop::sample::select(vec![500_000i64, -500_000, 1 << 29, -(3 << 20), 3_000]), Just(SYN)),
        (prop::sample::select(vec![500_000i64, -500_000, 1 << 29]), prop::sample::select(vec![FIN | ACK, RST])),
        (Just(-1i64), Just(ACK)),
    ];
    let question = framed(&sample::query(99, "decoy.no", 1));
    let half = question[..9].to_vec();
    let others = vec![vec![], vec![0], vec![b'x'; 100], half, question, vec![0xff, 0xff], vec![0, 20, b'a', b'b']];
    (place, prop::sample::select(others)).prop_map(|((offset, flags), octets)| {
        // One octet in front is all that a probe repeats.
        let octets = if offset == -1 { octets.into_iter().take(1).collect() } else { octets };
        (offset as u32, flags, octets)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn s4_whatever_no_receiver_takes_every_question_is_told(
        first in prop::sample::select(vec![1_001u32, 0xffff_fff1, 0x7fff_fff1, 0x8000_0001]),
        cuts in prop::collection::vec(1usize..200, 0..4),
        turn in prop_oneof![Just(0usize), 0usize..5],
        acks in any::<bool>(),
        pause in prop_oneof![Just(0i64), 0i64..8],
        syn_data in any::<bool>(),
        decoys in prop::collection::vec((any::<prop::sample::Index>(), decoy()), 0..4),
    ) {
        // A RST exactly where the receiver stands ends the connection, after a while for the sensor too.
        let is_near = |(_, (offset, flags, _)): &(_, Decoy)| flags & RST != 0 && (*offset as i32).abs() < 10_000;
        let pause = if decoys.iter().any(is_near) { 0 } else { pause };
        let octets = queries(3);
        let mut borders: Vec<usize> = cuts.into_iter().chain([0, octets.len()]).filter(|cut| *cut <= octets.len()).collect();
        borders.sort_unstable();
        borders.dedup();
        let mut parts: Vec<_> = borders.windows(2).map(|two| two[0]..two[1]).collect();
        let turn = turn % parts.len();
        parts.rotate_left(turn);
        let mut events: Vec<Result<std::ops::Range<usize>, Decoy>> = parts.into_iter().map(Ok).collect();
        for (at, decoy) in decoys {
            let at = at.index(events.len() + 1);
            events.insert(at, Err(decoy));
        }
        let mut bench = Bench::new();
        let syn = if syn_data { framed(&sample::query(98, "decoy.no", 1)) } else { Vec::new() };
        bench.send_from(CLIENT, 0, first.wrapping_sub(1), SYN, &syn);
        bench.acknowledge(0, first, SYN | ACK);
        let (mut taken, mut now): (Vec<std::ops::Range<usize>>, i64) = (Vec::new(), 0);
        for event in &events {
            match event {
                Ok(part) => {
                    bench.send_from(CLIENT, now, first.wrapping_add(part.start as u32), ACK, &octets[part.clone()]);
                    taken.push(part.clone());
                }
                Err((offset, flags, decoy)) => bench.send_from(CLIENT, now, first.wrapping_add(*offset), *flags, decoy),
            }
            now += pause;
            taken.sort_by_key(|part| part.start);
            let on = |stands: usize, part: &std::ops::Range<usize>| if part.start <= stands { stands.max(part.end) } else { stands };
            if acks {
                bench.acknowledge(now, first.wrapping_add(taken.iter().fold(0, on) as u32), ACK);
            }
        }
        let told: Vec<u16> = bench.ids.iter().copied().filter(|id| *id < 90).collect();
        prop_assert_eq!(told, [0, 1, 2], "{:?}", events);
    }
}

#[test]
fn s4_data_in_a_syn_counts_as_far_as_its_answer_says_that_it_was_taken() {
    let octets = queries(2);
    let one = queries(1).len();
    for taken in [0, 10, one] {
        let mut bench = Bench::new();
        bench.send(0, SYN, &octets[..one]);
        bench.acknowledge(0, 1 + taken as u32, SYN | ACK);
        bench.send(1 + taken as u32, ACK, &octets[taken..]);
        assert_eq!(bench.ids.last(), Some(&1), "{taken}");
    }
    // What it did not take says nothing of what follows.
    let mut bench = Bench::new();
    bench.send(0, SYN, &framed(&sample::query(9, "decoy.no", 1))[..20]);
    bench.acknowledge(0, 1, SYN | ACK);
    bench.send(1, ACK, &octets);
    assert_eq!(bench.ids, [0, 1]);
}

#[test]
fn s4_after_a_connection_whose_end_was_not_seen_another_of_the_same_ports_is_read() {
    let octets = queries(2);
    let mut bench = Bench::new();
    bench.send(0, SYN, &[]);
    bench.acknowledge(0, 1, SYN | ACK);
    bench.send(1, ACK, &octets[..40]);
    bench.acknowledge(0, 41, ACK);
    bench.send(5_000_000, SYN, &[]);
    bench.acknowledge(0, 5_000_001, SYN | ACK);
    bench.send(5_000_001, ACK, &octets);
    assert_eq!(bench.ids, [0, 1]);
}

/// A server's messages that are longer than a segment, on a port that is used again; the end of the first connection was
/// not seen, of the client's direction either or only of the server's.
#[test]
fn s4_a_server_s_answer_in_two_segments_on_a_port_used_again_is_read_from_its_own_beginning() {
    let octets = queries(2);
    let to_client = |seq, ack, flags, payload| Segment {
        src: SERVER.parse().unwrap(),
        dst: CLIENT.parse().unwrap(),
        seq,
        ack,
        flags,
        payload,
    };
    let to_server = |seq, ack, flags| Segment {
        src: CLIENT.parse().unwrap(),
        dst: SERVER.parse().unwrap(),
        seq,
        ack,
        flags,
        payload: &[],
    };
    for (number, another) in [9_000u32.wrapping_sub(900_000_000), 900_000_000, 12_000].into_iter().enumerate() {
        for has_ended in [false, true] {
            let mut bench = Bench::new();
            for (seconds, own, theirs) in [(0, 0u32, 9_000u32), (6, 5_000_000, another)] {
                bench.take(seconds, to_server(own, 0, SYN));
                bench.take(seconds, to_client(theirs, own + 1, SYN | ACK, &[]));
                let begun = theirs.wrapping_add(1);
                bench.take(seconds, to_server(own + 1, begun, ACK));
                bench.take(seconds, to_client(begun, own + 1, ACK, &octets[..50]));
                bench.take(seconds, to_server(own + 1, begun.wrapping_add(50), ACK));
                bench.take(seconds, to_client(begun.wrapping_add(50), own + 1, ACK, &octets[50..]));
                let taken = begun.wrapping_add(octets.len() as u32);
                bench.take(seconds, to_server(own + 1, taken, if has_ended { FIN | ACK } else { ACK }));
            }
            assert_eq!(bench.ids, [0, 1, 0, 1], "{number} {has_ended}");
        }
    }
}

#[test]
fn s4_a_forged_answer_of_the_client_hides_no_question() {
    let octets = queries(2);
    for (forged, ack) in [(500_000, 9_001), (500_000, 77), (3_000, 9_001), (1 << 29, 9_001)] {
        for cut in [20, 50] {
            let mut bench = Bench::new();
            let (src, dst) = (CLIENT.parse().unwrap(), SERVER.parse().unwrap());
            bench.send(0, SYN, &[]);
            bench.acknowledge(0, 1, SYN | ACK);
            bench.take(0, Segment { src, dst, seq: forged, ack, flags: SYN | ACK, payload: &[] });
            bench.send(1, ACK, &octets[..cut]);
            bench.take(0, Segment { src, dst, seq: forged, ack, flags: SYN | ACK, payload: &[] });
            bench.send(1 + cut as u32, ACK, &octets[cut..]);
            assert_eq!(bench.ids, [0, 1], "{forged} {ack} {cut}");
        }
    }
}
