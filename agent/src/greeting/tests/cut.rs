//! Hellos of which the end never comes, or comes in ways that serve only to hide it.

use proptest::prelude::*;

use super::*;
use crate::hello::tls::sample::{extension, list, message, server_name};
use crate::limits::GREETING_TIMEOUT_S;

/// A hello whose name stands in front of so much padding.
fn padded(name: &str, octets: usize) -> Vec<u8> {
    let padding = vec![0; octets.min(0xff00)];
    let more = vec![0; octets - padding.len()];
    message(0x0303, &[0x1301], &[server_name(name.as_bytes()), extension(21, &padding), extension(21, &more)])
}

fn told_cut(name: &str) -> Vec<String> {
    vec![format!("Answered CutTls {CLIENT} {SERVER} {name}")]
}

#[test]
fn a_hello_with_a_lost_packet_is_read_as_far_as_it_came() {
    let stream = records(&padded("evil.no", 1800), 16384);
    // Given up in time; with its flow; and when what follows lies behind a gap.
    for (how, gap) in [(0, false), (1, false), (0, true), (1, true)] {
        let mut bench = Bench::new();
        bench.shake_hands();
        bench.say(0, &stream[..1400]);
        if gap {
            bench.say(1500, &stream[1500..]);
        }
        assert!(bench.read.is_empty(), "the rest may come");
        if how == 0 {
            bench.now += 1 + GREETING_TIMEOUT_S as i64;
            bench.udp("10.0.0.9:1", SERVER, &[]);
        } else {
            bench.end();
        }
        assert_eq!(bench.words(), told_cut("evil.no"));
        let Greeted::Hello(hello) = &bench.read[0].1 else { panic!("no hello") };
        assert!(hello.is_cut && hello.ja4.is_none() && hello.alpn.is_empty());
        let expected = GreetingCounts { given_up: 1, cut: 1, ..GreetingCounts::default() };
        assert_eq!((bench.counts, bench.greetings.kept_octets()), (expected, 0));
    }
}

#[test]
fn of_a_name_that_is_cut_itself_nothing_is_told() {
    let stream = records(&padded("evil.no.innocent.example", 900), 16384);
    let end = stream.windows(7).position(|seven| seven == b"evil.no").unwrap() + 7;
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &stream[..end]);
    bench.end();
    assert_eq!((bench.words(), bench.counts.given_up), (Vec::new(), 1));
}

#[test]
fn what_is_evicted_is_read_as_far_as_it_came() {
    let stream = records(&padded("evil.no", 1800), 16384);
    let mut bench = Bench::new();
    bench.greetings = Greetings::with_limits(2, 1 << 20);
    bench.shake_hands();
    bench.say(0, &stream[..1400]);
    for port in 1..3 {
        bench.tcp(&format!("10.0.0.7:{port}"), SERVER, 7, ACK, &records(&named("x.no"), 16384)[..100]);
    }
    assert_eq!(bench.words(), told_cut("evil.no"));
    assert_eq!((bench.counts.evicted, bench.counts.cut), (1, 1));
}

#[test]
fn a_hello_of_seventeen_kib_is_whole_and_of_one_without_end_the_name_is_read() {
    for record_octets in [16000, 500] {
        let stream = records(&padded("evil.no", 17_000), record_octets);
        let mut bench = Bench::new();
        bench.shake_hands();
        for (at, part) in (0..).step_by(1400).zip(stream.chunks(1400)) {
            bench.say(at, part);
        }
        assert_eq!(bench.words(), [format!("Answered Tls {CLIENT} {SERVER} evil.no")]);
    }
    let stream = records(&padded("evil.no", HELLO_MAX_OCTETS), 16000);
    let mut bench = Bench::new();
    bench.shake_hands();
    for (at, part) in (0..).step_by(1400).zip(stream.chunks(1400)) {
        bench.say(at, part);
        assert!(bench.greetings.kept_octets() <= HELLO_MAX_OCTETS + GREETING_MAX_OCTETS);
    }
    assert_eq!(bench.words(), told_cut("evil.no"));
    assert_eq!((bench.counts.refused.of(BadHello::TooLong), bench.greetings.len()), (1, 0));
}

#[test]
fn records_as_small_as_can_be_hide_no_hello() {
    let message = padded("evil.no", 6000);
    for record_octets in [1, 2, 3] {
        for segment in [1400, 7, 1] {
            let stream = records(&message[..message.len().min(6300)], record_octets);
            let mut bench = Bench::new();
            bench.shake_hands();
            for (at, part) in (0..).step_by(segment).zip(stream.chunks(segment)) {
                bench.say(at, part);
            }
            assert_eq!(bench.words(), [format!("Answered Tls {CLIENT} {SERVER} evil.no")], "{record_octets} {segment}");
        }
    }
}

#[test]
fn an_alert_in_the_middle_leaves_the_name_that_came_before_it() {
    let mut stream = records(&padded("evil.no", 1800), 500);
    stream[505] = 21;
    for segment in [stream.len(), 100] {
        let mut bench = Bench::new();
        bench.shake_hands();
        for (at, part) in (0..).step_by(segment).zip(stream.chunks(segment)) {
            bench.say(at, part);
        }
        assert_eq!(bench.words(), told_cut("evil.no"));
        assert_eq!(bench.counts.refused.of(BadHello::OtherRecord), 1);
    }
}

#[test]
fn a_segment_far_ahead_or_too_many_gaps_do_not_end_the_waiting() {
    let stream = records(&padded("evil.no", 1800), 16384);
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &stream[..40]);
    bench.say(200_000, b"forged");
    for at in 0..200 {
        bench.say(60 + 5 * at, &stream[60 + 5 * at..][..1]);
    }
    bench.say(40, &stream[40..]);
    assert_eq!(bench.words(), [format!("Answered Tls {CLIENT} {SERVER} evil.no")]);
}

#[test]
fn after_a_pause_a_client_is_still_heard() {
    let stream = records(&named("evil.no"), 16384);
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, b"GET / HTTP/1.1\r\nX");
    bench.now += 1 + GREETING_TIMEOUT_S as i64;
    bench.udp("10.0.0.9:1", SERVER, &[]);
    assert!(bench.greetings.is_empty());
    bench.say(17, b"\r\n\r\n");
    bench.say(21, &stream);
    assert_eq!(bench.names(), ["evil.no"]);
}

#[test]
fn what_looks_like_a_beginning_and_is_none_does_not_hide_the_segment_behind_it() {
    let stream = records(&named("evil.no"), 16384);
    for junk in [&b"\r\n"[..], b"G", b"EHLO", b"GET /x", b"\x16", b"\x16\x03\x01\x02"] {
        let mut bench = Bench::new();
        bench.shake_hands();
        bench.say(0, junk);
        bench.say(junk.len(), &stream[..200]);
        bench.say(junk.len() + 200, &stream[200..]);
        assert_eq!(bench.names(), ["evil.no"], "{junk:?}");
    }
}

#[test]
fn the_initiator_has_the_word() {
    let stream = records(&named("evil.no"), 16384);
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.tcp(SERVER, CLIENT, 6, ACK, &stream[..60]);
    assert_eq!(bench.greetings.len(), 1);
    bench.say(0, &stream);
    assert_eq!(bench.words(), [format!("Answered Tls {CLIENT} {SERVER} evil.no")]);
}

#[test]
fn a_quic_hello_of_which_a_packet_is_lost_is_read_as_far_as_it_came() {
    let message = padded("evil.no", 1800);
    let sender = Sender::new(1, &[3; 8]);
    for what in [0..1000, 0..100] {
        let is_named = what.end > 100 || message[..100].windows(7).any(|seven| seven == b"evil.no");
        let mut bench = Bench::new();
        bench.udp(CLIENT, SERVER, &sender.packet(0, &crypto(&message, what)));
        bench.udp(SERVER, CLIENT, &[0x40]);
        bench.end();
        let told = format!("Answered CutQuic {CLIENT} {SERVER} evil.no");
        assert_eq!(bench.words(), if is_named { vec![told] } else { Vec::new() });
    }
    // The beginning missing, nothing is known.
    let mut bench = Bench::new();
    bench.udp(CLIENT, SERVER, &sender.packet(0, &crypto(&message, 1..1000)));
    bench.end();
    assert_eq!((bench.words(), bench.counts.given_up), (Vec::new(), 1));
    // Longer than is kept.
    let message = padded("evil.no", GREETING_MAX_OCTETS);
    let mut bench = Bench::new();
    for (number, at) in (0..message.len()).step_by(1000).enumerate() {
        let piece = crypto_at(at, &message[at..message.len().min(at + 1000)]);
        bench.udp(CLIENT, SERVER, &sender.packet(number as u32, &piece));
    }
    assert_eq!(bench.words(), [format!("Unanswered CutQuic {CLIENT} {SERVER} evil.no")]);
}

/// A CRYPTO frame that may stand further behind than two octets say.
fn crypto_at(offset: usize, piece: &[u8]) -> Vec<u8> {
    let offset = (0x8000_0000 | offset as u32).to_be_bytes();
    [&[6][..], &offset, &(0x4000 | piece.len() as u16).to_be_bytes(), piece].concat()
}

proptest! {
    #[test]
    fn whatever_is_missing_no_name_is_told_that_was_not_shown(
        parts in prop::collection::vec((0usize..700, 1usize..400), 0..8),
        record_octets in 20usize..900,
    ) {
        let stream = records(&padded("evil.no", 500), record_octets);
        let mut bench = Bench::new();
        bench.shake_hands();
        for (at, count) in parts {
            let at = at.min(stream.len());
            bench.say(at, &stream[at..stream.len().min(at + count)]);
        }
        bench.end();
        prop_assert!(bench.names().iter().all(|name| name == "evil.no") && bench.names().len() <= 1);
        prop_assert_eq!(bench.greetings.kept_octets(), 0);
    }
}

#[test]
fn lists_in_the_sample_are_what_they_seem() {
    assert_eq!(list(2, b"ab"), [0, 2, b'a', b'b']);
}
