//! Any segments and packets in any order: a hello is the same however it comes, and nothing keeps more than its bound.

use proptest::prelude::*;

use super::*;
use crate::limits::QUIC_CONNECTIONS_MAX;

/// A stream cut somewhere, in some order, some of it twice and more of it overlapping.
fn cut(octets: usize) -> impl Strategy<Value = Vec<std::ops::Range<usize>>> {
    let borders = prop::collection::vec(1..octets, 0..20);
    let again = prop::collection::vec((0..octets, 1usize..200), 0..6);
    (borders, again)
        .prop_map(move |(mut borders, again)| {
            borders.extend([0, octets]);
            borders.sort_unstable();
            borders.dedup();
            let mut parts: Vec<_> = borders.windows(2).map(|two| two[0]..two[1]).collect();
            parts.extend(again.into_iter().map(|(start, count)| start..(start + count).min(octets)));
            parts
        })
        .prop_shuffle()
}

proptest! {
    #[test]
    fn any_segments_in_any_order_give_the_same_hello(
        parts in cut(records(&named("evil.example"), 120).len()),
        with_records in any::<bool>(),
    ) {
        let stream = records(&named("evil.example"), if with_records { 120 } else { 16384 });
        let mut bench = Bench::new();
        bench.shake_hands();
        for part in parts {
            let part = part.start.min(stream.len())..part.end.min(stream.len());
            bench.say(part.start, &stream[part]);
        }
        prop_assert_eq!(bench.names(), ["evil.example"]);
        prop_assert_eq!(bench.counts, GreetingCounts { hellos: 1, ..GreetingCounts::default() });
        prop_assert_eq!(bench.greetings.kept_octets(), 0);
    }

    #[test]
    fn octet_by_octet_from_the_middle_of_a_flow_is_the_same_too(cuts in 1usize..7, http in any::<bool>()) {
        let stream = if http { b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_vec() } else { records(&named("evil.example"), 200) };
        let mut bench = Bench::new();
        for (at, part) in (0..).step_by(cuts).zip(stream.chunks(cuts)) {
            bench.say(at, part);
        }
        prop_assert_eq!(bench.names(), ["evil.example"]);
    }

    #[test]
    fn any_packets_with_any_frames_give_the_same_hello(
        parts in cut(named("evil.example").len()),
        packets in prop::collection::vec((1usize..6, any::<bool>(), any::<bool>()), 30),
        version in 0..VERSIONS.len(),
    ) {
        let message = named("evil.example");
        let mut sender = Sender::new(VERSIONS[version].number(), &[3; 8]);
        let mut bench = Bench::new();
        let mut parts = parts.into_iter();
        let mut datagram = Vec::new();
        for (number, (frames, shares, moves)) in packets.into_iter().enumerate() {
            let frames: Vec<u8> =
                parts.by_ref().take(frames).flat_map(|part| [crypto(&message, part), vec![0, 0, 1]].concat()).collect();
            if frames.is_empty() {
                break;
            }
            datagram.extend(sender.packet(number as u32, &frames));
            if !shares || number % 4 == 3 {
                bench.udp(CLIENT, SERVER, &datagram);
                datagram.clear();
                if moves {
                    sender.destination = vec![number as u8; 12];
                }
            }
        }
        bench.udp(CLIENT, SERVER, &datagram);
        prop_assert_eq!(bench.names(), ["evil.example"]);
        prop_assert_eq!(bench.counts, GreetingCounts { hellos: 1, ..GreetingCounts::default() });
    }

    #[test]
    fn s3_hostile_segments_never_panic_and_keep_no_more_than_the_bound(
        segments in prop::collection::vec((0usize..10, any::<bool>(), 0usize..20_000, prop::collection::vec(any::<u8>(), 0..60)), 0..60)
    ) {
        let requests = b"POST / HTTP/1.1\r\nHost: a.no\r\nContent-Length: 3\r\n\r\nabcCONNECT 192.0.2.1:443 HTTP/1.1\r\n\r\n";
        let mut bench = Bench::new();
        let hello = records(&named("evil.example"), 200);
        let sender = Sender::new(1, &[3; 8]);
        bench.tcp(CLIENT, SERVER, ISN, SYN, &[]);
        for (kind, back, at, octets) in segments {
            let whole = at.min(hello.len());
            match (kind, back) {
                (0, false) => bench.say(at, &octets),
                (1, false) => bench.say(whole, &hello[whole..]),
                (2, false) => bench.say(0, &hello[..whole]),
                (6, false) => bench.say(at, &requests[..at % requests.len()]),
                (7, false) => bench.say(at, &requests[at % requests.len()..]),
                (9, _) => bench.now += at as i64 % 20,
                (8, _) => {
                    let (message, sender) = (named("evil.example"), Sender::new(1, &[at as u8; 8]));
                    let end = at.min(message.len());
                    bench.udp(CLIENT, SERVER, &sender.packet(1, &crypto(&message, end.min(at % 99)..end)));
                }
                (3, _) => bench.udp(CLIENT, SERVER, &sender.packet(at as u32, &octets)),
                (4, _) => bench.udp(CLIENT, SERVER, &[&[0xc0, 0, 0, 0, 1][..], &octets].concat()),
                (_, _) => bench.tcp(SERVER, CLIENT, at as u32, ACK, &octets),
            }
            let kept = bench.greetings.kept_octets();
            let each = 2 * GREETING_MAX_OCTETS + 4096;
            prop_assert!(kept <= each + HELLO_MAX_OCTETS + QUIC_CONNECTIONS_MAX * 2 * each, "{kept}");
        }
        bench.end();
        prop_assert_eq!(bench.greetings.kept_octets(), 0);
    }
}
