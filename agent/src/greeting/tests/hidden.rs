//! Nothing that stands in front of a hello hides it: other words, the server's, alerts, empty records.

use super::*;
use crate::limits::TLS_HELLOS_MAX;

#[test]
fn what_a_server_says_first_or_a_client_before_its_hello_hides_no_name() {
    let stream = records(&named("evil.no"), 1 << 14);
    // The one octet with which a database server says that it speaks TLS; words without an end of line; what could be a
    // method; a hello of its own that is none of the client's business.
    for before in [&b"S"[..], b"SSH-2.0-x", b"HTTP/1.1 200 OK\r\n", b"\x16\x03\x01"] {
        let mut bench = Bench::new();
        bench.shake_hands();
        bench.say(0, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
        bench.tcp(SERVER, CLIENT, 6, ACK, before);
        bench.say(8, &stream[..50]);
        bench.tcp(SERVER, CLIENT, 6 + before.len() as u32, ACK, b"T");
        bench.say(58, &stream[50..]);
        assert_eq!(bench.names(), ["evil.no"], "{before:?}");
        bench.end();
        assert_eq!((bench.names().len(), bench.greetings.kept_octets()), (1, 0));
    }
    for before in [&["junk0", "junk1", "junk2"][..], &["x"], &["\x15\x03\x01\0\x02\x01\0"]] {
        let mut bench = Bench::new();
        bench.shake_hands();
        let mut at = 0;
        for part in before {
            bench.say(at, part.as_bytes());
            at += part.len();
        }
        bench.say(at, &stream);
        assert_eq!(bench.names(), ["evil.no"], "{before:?}");
    }
}

#[test]
fn alerts_and_empty_records_in_front_hide_no_hello() {
    let stream = records(&named("evil.no"), 1 << 14);
    let front: [&[u8]; 3] = [&[21, 3, 1, 0, 2, 1, 0], &[20, 3, 3, 0, 1, 1], &[22, 3, 1, 0, 0]];
    for front in front.into_iter().chain([front.concat().as_slice()]) {
        for cut in [front.len() + stream.len(), front.len() + 20] {
            let whole = [front, &stream].concat();
            let (first, rest) = whole.split_at(cut);
            let mut bench = Bench::new();
            bench.shake_hands();
            bench.say(0, first);
            bench.say(cut, rest);
            assert_eq!(bench.names(), ["evil.no"], "{front:?} {cut}");
        }
    }
    // However many, all in one segment or some in each.
    for front in [&[21, 3, 1, 0, 2, 1, 0][..], &[21, 3, 1, 0, 0], &[20, 3, 3, 0, 1, 1], &[22, 3, 1, 0, 0]] {
        let whole = [&front.repeat(1_000), stream.as_slice()].concat();
        for segment in [whole.len(), 1400, 1401, 1402, 1403, 333] {
            let mut bench = Bench::new();
            bench.shake_hands();
            for (at, part) in (0..).step_by(segment).zip(whole.chunks(segment)) {
                bench.say(at, part);
            }
            assert_eq!(bench.names(), ["evil.no"], "{front:?} {segment}");
        }
    }
}

#[test]
fn what_a_server_sends_before_the_sensor_hears_its_client_hides_no_request() {
    // Joined midway the server is heard first, and taken for who began.
    let request = b"GET / HTTP/1.1\r\nHost: evil.no\r\n\r\n";
    for (segments, pause) in [(1, 0), (40, 0), (1, 11), (40, 11)] {
        for first in [&b"AAAA"[..], &[0xaa; 100]] {
            let mut bench = Bench::new();
            bench.tcp(SERVER, CLIENT, 1000, ACK, first);
            bench.now += pause;
            for at in 0..segments {
                bench.tcp(SERVER, CLIENT, 1000 + first.len() as u32 + 100 * at, ACK, &[0xaa; 100]);
            }
            bench.say(0, &request[..20]);
            bench.tcp(SERVER, CLIENT, 9000, ACK, &[0xaa; 100]);
            bench.say(20, &request[20..]);
            assert_eq!(bench.names(), ["evil.no"], "{segments} {pause} {first:?}");
        }
    }
}

#[test]
fn s5_when_neither_end_greets_both_are_left_alone() {
    let mut bench = Bench::new();
    for at in 0..u32::from(GREETING_SEGMENTS_MAX) {
        (bench.stands, bench.stands_back) = (1000 * at, 1000 * at);
        bench.tcp(SERVER, CLIENT, 1000 * at, ACK, &[0xaa; 1000]);
        bench.tcp(CLIENT, SERVER, 1000 * at, ACK, &[0xaa; 1000]);
    }
    bench.tcp(CLIENT, SERVER, 90_000, ACK, &records(&named("late.no"), 1 << 14));
    assert!(bench.read.is_empty() && bench.greetings.is_empty());
}

#[test]
fn a_lost_first_segment_hides_nothing_of_what_follows_it() {
    let get = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    let mut bench = Bench::new();
    bench.shake_hands();
    let (mut at, mut expected) = (300, Vec::new());
    for number in 0..700 {
        bench.say(at, &get(&format!("h{number}.no")));
        at += get(&format!("h{number}.no")).len();
        expected.push(format!("h{number}.no"));
        assert_eq!(bench.names(), expected, "at once");
    }
    assert!(at > GREETING_MAX_OCTETS + 2000);
    bench.end();
    assert_eq!(bench.names(), expected, "and once");
    // A dialogue of which the first word is lost.
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(9, b"STARTTLS\r\n");
    bench.say(19, &records(&named("evil.no"), 1 << 14));
    assert_eq!(bench.names(), ["evil.no"]);
}

#[test]
fn what_lies_behind_a_gap_in_pieces_is_read_when_the_gap_is_given_up() {
    let request = b"GET / HTTP/1.1\r\nHost: evil.no\r\n\r\n";
    let hello = records(&named("other.no"), 1 << 14);
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(300, &request[..20]);
    bench.say(320, &request[20..]);
    bench.say(2000, &hello[..200]);
    bench.say(2200, &hello[200..]);
    bench.now += 1 + GREETING_TIMEOUT_S as i64;
    bench.udp("10.0.0.9:1", SERVER, &[]);
    assert_eq!(bench.names(), ["evil.no", "other.no"]);
    bench.end();
    assert_eq!((bench.names().len(), bench.counts.given_up, bench.counts.hellos), (2, 1, 1));
}

#[test]
fn what_was_read_behind_a_gap_is_told_once_and_hides_nothing_that_fills_it() {
    let get = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    for decoy in [get("decoy.no"), records(&named("decoy.no"), 1 << 14)] {
        let mut bench = Bench::new();
        bench.shake_hands();
        let first = get("evil.no");
        bench.say(first.len(), &decoy);
        bench.say(first.len(), &decoy);
        bench.say(0, &first);
        assert_eq!(bench.names(), ["decoy.no", "evil.no"]);
    }
}

#[test]
fn a_second_syn_that_says_otherwise_hides_no_hello() {
    let stream = records(&named("evil.no"), 1 << 14);
    for other in [ISN.wrapping_sub(30), ISN.wrapping_add(10), ISN.wrapping_add(5_000)] {
        for other_is_first in [true, false] {
            let mut bench = Bench::new();
            let (first, second) = if other_is_first { (other, ISN) } else { (ISN, other) };
            bench.tcp(CLIENT, SERVER, first, SYN, &[]);
            bench.tcp(CLIENT, SERVER, second, SYN, &[]);
            bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
            bench.say(0, &[]);
            bench.say(0, &stream[..70]);
            bench.say(70, &stream[70..]);
            assert_eq!(bench.names(), ["evil.no"], "{other} {other_is_first}");
        }
    }
}

#[test]
fn what_comes_from_the_other_end_before_the_clients_syn_hides_no_hello() {
    let stream = records(&named("evil.no"), 1 << 14);
    let decoy = records(&named("decoy.example"), 1 << 14);
    for before in [&[][..], b"A", &decoy] {
        let mut bench = Bench::new();
        bench.tcp(SERVER, CLIENT, 77, ACK, before);
        bench.shake_hands();
        bench.say(0, &stream);
        assert!(bench.names().contains(&"evil.no".to_owned()), "{before:?}");
    }
}

#[test]
fn the_header_of_a_proxy_in_front_hides_no_hello_and_no_request() {
    let (hello, request) = (records(&named("evil.no"), 1 << 14), b"GET / HTTP/1.1\r\nHost: evil.no\r\n\r\n".to_vec());
    let second = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &[7; 12]].concat();
    for header in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n"[..], b"PROXY UNKNOWN\r\n", &second] {
        for words in [&hello, &request] {
            let whole = [header, words].concat();
            for cut in [whole.len(), header.len(), header.len() + 30] {
                let mut bench = Bench::new();
                bench.shake_hands();
                bench.say(0, &whole[..cut]);
                bench.say(cut, &whole[cut..]);
                assert_eq!(bench.names(), ["evil.no"], "{header:?} {cut}");
            }
        }
    }
}

#[test]
fn a_whole_hello_of_the_servers_end_hides_nothing_of_the_clients() {
    let (stream, decoy) = (records(&named("evil.no"), 1 << 14), records(&named("decoy.no"), 1 << 14));
    let request = b"GET / HTTP/1.1\r\nHost: evil.no\r\n\r\n".to_vec();
    for real in [&stream, &request] {
        for cut in [real.len(), 20] {
            // In front, behind the first part, and both in parts.
            for (before, between) in [(&decoy[..], &[][..]), (&[], &decoy), (&decoy[..60], &decoy[60..])] {
                let mut bench = Bench::new();
                bench.shake_hands();
                bench.tcp(SERVER, CLIENT, 6, ACK, before);
                bench.say(0, &real[..cut]);
                bench.tcp(SERVER, CLIENT, 6 + before.len() as u32, ACK, between);
                bench.say(cut, &real[cut..]);
                let mut names = bench.names();
                names.sort();
                assert_eq!(names, ["decoy.no", "evil.no"], "{cut}");
                let theirs = format!("Answered Tls {SERVER} {CLIENT} decoy.no");
                assert!(bench.words().contains(&theirs), "each end's words are its own");
                assert_eq!(bench.greetings.kept_octets(), 0);
            }
        }
    }
}

#[test]
fn a_decoy_in_front_of_a_hello_is_told_and_so_is_what_it_stands_in_front_of() {
    let (stream, decoy) = (records(&named("evil.no"), 1 << 14), records(&named("decoy.no"), 1 << 14));
    let request = b"GET / HTTP/1.1\r\nHost: evil.no\r\n\r\n".to_vec();
    let retry = [&[20, 3, 3, 0, 1, 1][..], &stream].concat();
    let early = [&[23, 3, 3, 0, 40][..], &[0xaa; 40], &stream].concat();
    for real in [&stream, &request, &retry, &early] {
        let whole = [&decoy[..], real].concat();
        for segment in [whole.len(), decoy.len(), 1400, 100, 50] {
            let mut bench = Bench::new();
            bench.shake_hands();
            let parts: Vec<&[u8]> =
                if segment == decoy.len() { vec![&decoy, real] } else { whole.chunks(segment).collect() };
            let mut at = 0;
            for part in parts {
                bench.say(at, part);
                bench.tcp(SERVER, CLIENT, 6, ACK, b"\x15\x03\x03\x00\x02\x02\x28");
                at += part.len();
            }
            assert_eq!(bench.names(), ["decoy.no", "evil.no"], "{segment}");
            assert_eq!(bench.greetings.kept_octets(), 0);
        }
    }
    // Both in one record.
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &records(&[named("decoy.no"), named("evil.no")].concat(), 1 << 14));
    assert_eq!(bench.names(), ["decoy.no", "evil.no"]);
    // One that never ends, in front of one that begins with a segment.
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &decoy[..100]);
    bench.say(100, &stream);
    bench.end();
    assert!(bench.names().contains(&"evil.no".to_owned()), "{:?}", bench.words());
}

#[test]
fn s5_hellos_of_one_end_are_bounded_and_so_is_what_is_looked_at_behind_one() {
    let mut bench = Bench::new();
    bench.shake_hands();
    let mut at = 0;
    for number in 0..2 * TLS_HELLOS_MAX {
        let stream = records(&named(&format!("h{number}.no")), 1 << 14);
        bench.say(at, &stream);
        at += stream.len();
    }
    assert_eq!(bench.names().len(), usize::from(TLS_HELLOS_MAX));
    let mut bench = Bench::new();
    bench.shake_hands();
    let stream = records(&named("a.no"), 1 << 14);
    bench.say(0, &stream);
    for number in 0..usize::from(GREETING_SEGMENTS_MAX) {
        bench.say(stream.len() + 1000 * number, &[&[23, 3, 3, 3, 0xe3][..], &[0xaa; 995]].concat());
        assert_eq!(bench.greetings.kept_octets(), 0);
    }
    bench.say(stream.len() + 1000 * usize::from(GREETING_SEGMENTS_MAX), &records(&named("late.no"), 1 << 14));
    assert_eq!(bench.names(), ["a.no"], "the bound is said in SECURITY.md");
}

#[test]
fn what_is_protected_behind_a_hello_is_taken_for_none() {
    let stream = records(&named("a.no"), 1 << 14);
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &stream);
    // A protected record of the handshake that looks like the beginning of one, but for its length or version.
    bench.say(stream.len(), &[&[22, 3, 3, 0, 40, 1, 0x77][..], &[0x11; 38]].concat());
    bench.say(stream.len() + 45, &[&[22, 3, 3, 0, 40, 1, 0, 1, 2][..], &[0x11; 36]].concat());
    bench.end();
    assert_eq!((bench.names(), bench.counts.refused.total(), bench.counts.given_up), (vec!["a.no".to_owned()], 0, 0));
}
