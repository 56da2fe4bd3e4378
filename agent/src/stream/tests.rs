//! DNS over TCP: messages however they are cut, gaps, and what no receiver takes.

mod decoys;

use super::*;
use crate::dns::{self, sample};
use crate::limits::{STREAM_MAX_OCTETS, STREAM_PIECES_MAX};
use crate::packet::tcp_flags::ACK;
use proptest::prelude::*;

const CLIENT: &str = "10.0.0.1:40000";
const SERVER: &str = "10.0.0.53:53";

fn framed(message: &[u8]) -> Vec<u8> {
    let mut octets = (message.len() as u16).to_be_bytes().to_vec();
    octets.extend(message);
    octets
}

fn queries(count: u16) -> Vec<u8> {
    (0..count).flat_map(|id| framed(&sample::query(id, "a.long.name.to.have.some.octets.evil.no", 1))).collect()
}

#[test]
fn s4_all_streams_together_take_no_more_than_the_limit_says() {
    let octets = Table::<Key, Direction, 3>::octets_for(STREAMS_MAX);
    assert!(octets <= crate::limits::STREAMS_MAX_OCTETS, "{octets} octets");
}

struct Bench {
    streams: Streams,
    counts: StreamCounts,
    ids: Vec<u16>,
}

impl Bench {
    fn new() -> Bench {
        Bench { streams: Streams::new(), counts: StreamCounts::default(), ids: Vec::new() }
    }

    fn send_from(&mut self, src: &str, seconds: i64, seq: u32, flags: u8, payload: &[u8]) {
        self.take(
            seconds,
            Segment { src: src.parse().unwrap(), dst: SERVER.parse().unwrap(), seq, ack: 0, flags, payload },
        );
    }

    /// The server says what it expects next.
    fn acknowledge(&mut self, seconds: i64, ack: u32, flags: u8) {
        let (src, dst) = (SERVER.parse().unwrap(), CLIENT.parse().unwrap());
        self.take(seconds, Segment { src, dst, seq: 9_000, ack, flags, payload: &[] });
    }

    fn take(&mut self, seconds: i64, segment: Segment<'_>) {
        let ids = &mut self.ids;
        self.streams.handle_segment(segment, Timestamp::from_unix(seconds, 0), &mut self.counts, &mut |octets| {
            match dns::read(octets) {
                Ok(message) => {
                    ids.push(message.id);
                    true
                }
                Err(_) => false,
            }
        });
        let Streams { table, kept_octets, kept_max_octets } = &self.streams;
        assert_eq!(*kept_octets, table.iter().map(|(_, _, direction)| direction.kept_octets()).sum::<usize>());
        assert!(kept_octets <= kept_max_octets);
        for (_, _, direction) in table.iter() {
            let pieces: usize = direction.pieces.iter().map(|piece| piece.octets.len()).sum();
            assert!(direction.partial.len() + pieces <= STREAM_MAX_OCTETS);
            assert!(direction.pieces.len() <= STREAM_PIECES_MAX);
        }
    }

    fn send(&mut self, seq: u32, flags: u8, payload: &[u8]) {
        self.send_from(CLIENT, 0, seq, flags, payload);
    }
}

#[test]
fn messages_do_not_care_where_segments_end() {
    let octets = queries(5);
    for size in [1, 2, 3, 13, 14, 54, 55, 56, 57, 300] {
        for with_syn in [true, false] {
            let mut bench = Bench::new();
            let mut seq = u32::MAX - 100; // wraps on the way
            if with_syn {
                bench.send(seq.wrapping_sub(1), SYN, &[]);
            }
            for part in octets.chunks(size) {
                bench.send(seq, ACK, part);
                bench.send(seq, ACK, part); // sent again
                seq = seq.wrapping_add(part.len() as u32);
            }
            assert_eq!(bench.ids, [0, 1, 2, 3, 4], "{size} octets a segment, SYN seen: {with_syn}");
            assert_eq!((bench.streams.kept_octets(), bench.counts.gaps, bench.counts.given_up), (0, 0, 0));
        }
    }
}

#[test]
fn the_largest_message_comes_through_octet_by_octet() {
    let mut message = sample::query(77, "evil.no", 1);
    message.resize(65_535, 0);
    let mut bench = Bench::new();
    bench.send(9, SYN, &[]);
    for (place, octet) in framed(&message).into_iter().enumerate() {
        bench.send(10 + place as u32, ACK, &[octet]);
    }
    assert_eq!((bench.ids.as_slice(), bench.streams.kept_octets()), (&[77][..], 0));
}

#[test]
fn data_with_the_syn_counts_and_a_syn_sent_again_changes_nothing() {
    let octets = queries(2);
    let mut bench = Bench::new();
    bench.send(100, SYN, &octets[..30]);
    bench.send(100, SYN, &octets[..30]);
    bench.send(131, ACK, &octets[30..]);
    bench.send(100, SYN, &octets[..30]);
    bench.send(131, ACK, &octets[30..]);
    assert_eq!(bench.ids, [0, 1]);
    bench.send(5_000_000, SYN, &[]); // the port is used again
    bench.send(5_000_001, ACK, &octets);
    assert_eq!(bench.ids, [0, 1, 0, 1]);
}

#[test]
fn of_overlapping_octets_the_first_win() {
    let octets = queries(1);
    let mut bench = Bench::new();
    bench.send(0, SYN, &[]);
    bench.send(11, ACK, &octets[10..20]);
    bench.send(6, ACK, &[&octets[5..10], &[0xff; 10], &octets[20..30]].concat());
    bench.send(1, ACK, &[&octets[..5], &[0xff; 26]].concat()); // only the last one is new
    let direction = bench.streams.table.iter().next().unwrap().2;
    assert_eq!(direction.partial, [&octets[..30], &[0xff]].concat());
    bench.send(31, ACK, &octets[30..]);
    assert!(bench.ids.is_empty() || octets[30] != 0xff);
}

#[test]
fn a_fin_or_reset_ends_a_stream_but_what_is_sent_again_is_not_read_again() {
    for end in [FIN, RST] {
        let octets = queries(1);
        let mut bench = Bench::new();
        bench.send(0, SYN, &[]);
        bench.send(1, ACK | end, &octets);
        bench.send(1, ACK | end, &octets);
        // Data with a RST nobody takes: each is read by itself.
        assert_eq!(bench.ids, if end == FIN { vec![0] } else { vec![0, 0] });
        assert_eq!(bench.streams.len(), 1);
        bench.streams.handle_time(Timestamp::from_unix(6, 0));
        assert_eq!(bench.streams.len(), 0);
    }
    let mut bench = Bench::new();
    bench.send(1, RST, &[]);
    bench.send(1, FIN | ACK, &[]);
    bench.send(1, ACK, &[]);
    assert_eq!(bench.streams.len(), 0, "nothing to remember");
}

#[test]
fn a_gap_that_stays_is_given_up_and_reading_goes_on_behind_it() {
    let octets = queries(3000);
    let size = queries(20).len();
    let mut bench = Bench::new();
    bench.send(0, SYN, &[]);
    for (number, part) in octets.chunks(size).enumerate() {
        if number != 3 {
            bench.send((1 + number * size) as u32, ACK, part);
        }
    }
    assert_eq!(bench.ids.len(), 3000 - 20, "only what was lost is missing");
    assert_eq!((bench.counts.gaps, bench.counts.given_up), (1, 0));
    let mut bench = Bench::new();
    bench.send(0, SYN, &[]);
    bench.send(1, ACK, &octets[..size - 9]);
    bench.send((1 + 2 * size) as u32, ACK, &octets[2 * size..3 * size]);
    assert_eq!(bench.ids.len(), 19);
    bench.send_from(CLIENT, 3, (1 + 3 * size) as u32, ACK, &octets[3 * size..4 * size]);
    assert_eq!((bench.ids.len(), bench.counts.gaps), (19 + 40, 1), "nor is a segment awaited for ever");
}

#[test]
fn s4_a_decoy_beyond_the_window_hides_no_question() {
    let octets = queries(3);
    let size = queries(1).len();
    // The last is the furthest behind that a sequence number can say; one ends just beyond the bound.
    for ahead in [65_500u32, 65_538, 100_000, 2_000_000, 0u32.wrapping_sub(1_048_600), 1 << 31] {
        let mut bench = Bench::new();
        bench.send(0, SYN, &[]);
        bench.send(1, ACK, &octets[..size]);
        let at = 1 + size as u32;
        bench.send(at.wrapping_add(ahead), ACK, &[b'x'; 200]);
        assert_eq!(bench.streams.kept_octets(), 0, "a decoy {ahead} octets ahead is not kept");
        bench.send(at, ACK, &octets[size..size + 20]);
        bench.send(at.wrapping_add(ahead), ACK, &[b'x'; 200]);
        bench.send(at + 20, ACK, &octets[size + 20..]);
        assert_eq!((bench.ids.as_slice(), bench.counts.given_up), (&[0, 1, 2][..], 0), "{ahead} octets ahead");
    }
    let mut bench = Bench::new();
    bench.send(0, SYN, &[]);
    bench.send(1, ACK, &octets[..size]);
    bench.send(500_000, ACK, &octets[size..]);
    assert_eq!(bench.ids, [0, 1, 2], "what is whole out there is read");
    bench.send_from(CLIENT, 3, 600_000, ACK, &octets[..2 * size + 9]);
    assert_eq!(bench.ids, [0, 1, 2, 0, 1], "after a while the stream is there");
    bench.send_from(CLIENT, 3, 600_000 + 2 * size as u32 + 9, ACK, &octets[2 * size + 9..]);
    assert_eq!((bench.ids.as_slice(), bench.counts.gaps), (&[0, 1, 2, 0, 1, 2][..], 1));
}

#[test]
fn what_is_no_dns_is_given_up_once_and_costs_nothing() {
    let mut bench = Bench::new();
    for number in 0..100u32 {
        bench.send(number * 100, ACK, b"SSH-2.0-OpenSSH_9.6 and on it goes, nothing of this is DNS at all, \0\0\0\x01");
    }
    assert_eq!((bench.counts.given_up, bench.counts.opened, bench.streams.kept_octets()), (1, 1, 0));
    assert!(bench.ids.is_empty());
    for prefix in [0u16, 1, 11] {
        let mut bench = Bench::new();
        bench.send(1, ACK, &prefix.to_be_bytes());
        assert_eq!(bench.streams.kept_octets(), 0, "length {prefix} is absurd where nothing is known");
        let mut bench = Bench::new();
        bench.send(0, SYN, &[]);
        let mut octets = prefix.to_be_bytes().to_vec();
        octets.extend(vec![0; prefix.into()]);
        octets.extend(queries(1));
        bench.send(1, ACK, &octets);
        assert_eq!(bench.ids, [0], "length {prefix} is stepped over where the start was seen");
    }
}

#[test]
fn joined_midway_a_later_segment_that_begins_with_a_message_is_enough() {
    let octets = queries(40);
    let size = queries(10).len();
    let mut bench = Bench::new();
    bench.send(31, ACK, &octets[30..size]);
    bench.send((1 + size) as u32, ACK, &octets[size..]);
    assert_eq!(bench.ids, (10..40).collect::<Vec<_>>());
}

#[test]
fn s4_streams_and_their_octets_stay_within_their_limits() {
    let mut bench = Bench::new();
    bench.streams = Streams::with_limits(8, 100_000);
    let octets = queries(1);
    for port in 1000..1100u16 {
        let src = format!("10.0.0.1:{port}");
        bench.send_from(&src, 0, 0, SYN, &[]);
        bench.send_from(&src, 0, 1, ACK, &[0xff, 0xff]);
        bench.send_from(&src, 0, 60_000, ACK, &[7; 5000]);
        bench.send_from(&src, 0, 3, ACK, &[7; 12_000]);
        assert!(bench.streams.len() <= 8);
    }
    assert!(bench.counts.evicted >= 92);
    bench.send_from("10.0.0.2:1", 0, 1, ACK, &octets);
    assert_eq!(bench.ids, [0], "a needle is found all the same");
    bench.streams.handle_time(Timestamp::from_unix(1000, 0));
    assert_eq!((bench.streams.len(), bench.streams.kept_octets()), (0, 0));
}

proptest! {
    #[test]
    fn shuffled_segments_yield_the_same_messages(
        sizes in prop::collection::vec(1usize..120, 1..40),
        order in any::<prop::sample::Index>(),
        seed in any::<u64>(),
        first in any::<u32>(),
    ) {
        let octets = queries(8);
        let mut segments = Vec::new();
        let (mut rest, mut at) = (octets.as_slice(), 0);
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break }
            let (part, left) = rest.split_at((*size).min(rest.len()));
            segments.push((first.wrapping_add(1 + at), part));
            at += part.len() as u32;
            rest = left;
        }
        // As many runs as may wait, shuffled among themselves.
        let mut state = seed | 1;
        for window in segments.chunks_mut(STREAM_PIECES_MAX) {
            for place in (1..window.len()).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                window.swap(place, (state >> 33) as usize % (place + 1));
            }
        }
        let mut bench = Bench::new();
        bench.send(first, SYN, &[]);
        let again = order.index(segments.len());
        for (number, (seq, part)) in segments.iter().enumerate() {
            bench.send(*seq, ACK, part);
            if number == again { bench.send(segments[0].0, ACK, segments[0].1) }
        }
        prop_assert_eq!(bench.ids, (0..8).collect::<Vec<u16>>());
        prop_assert_eq!(bench.streams.kept_octets(), 0);
    }

    #[test]
    fn s1_hostile_segments_never_panic_and_never_keep_too_much(
        segments in prop::collection::vec(
            (0u8..3, prop_oneof![0u32..200, 65_000u32..67_000, any::<u32>()], any::<u8>(), prop::collection::vec(0u8..4, 0..300)),
            0..200,
        ),
    ) {
        let mut bench = Bench::new();
        bench.streams = Streams::with_limits(2, 70_000);
        for (port, seq, flags, payload) in segments {
            bench.send_from(&format!("10.0.0.1:{port}"), 0, seq, flags, &payload);
            prop_assert!(bench.streams.len() <= 2);
        }
    }
}
