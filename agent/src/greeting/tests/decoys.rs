//! What no receiver takes hides nothing of what it does take: data far outside the window, before the connection, without
//! its flags.

use super::*;

/// Places relative to the first octet of the client's stream.
const FAR: [u32; 4] = [30_000, 100_000, 1 << 30, 30_000u32.wrapping_neg()];

fn get(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// What is sent to hide something, and what it names.
fn decoys() -> Vec<(Vec<u8>, &'static str)> {
    let hello = records(&named("decoy.no"), 1 << 14);
    let half = hello[..40].to_vec();
    vec![
        (vec![0x16], ""),
        (half, ""),
        (hello, "decoy.no"),
        (get("decoy.no"), "decoy.no"),
        (b"GET / HTTP/1.1\r\nHo".to_vec(), ""),
        (b"POST / HTTP/1.1\r\nHost: decoy.no\r\nContent-Length: 900000000\r\n\r\n".to_vec(), "decoy.no"),
        (vec![b'x'; 100], ""),
    ]
}

/// What is hidden: one name or several.
fn hidden() -> Vec<(Vec<u8>, Vec<String>)> {
    let hello = records(&named("evil.no"), 1 << 14);
    let requests: Vec<String> = (0..20).map(|number| format!("evil{number}.no")).collect();
    vec![(hello, vec!["evil.no".to_owned()]), (requests.iter().flat_map(|host| get(host)).collect(), requests)]
}

/// Says it in segments of so many octets, or of one request each.
fn say_all(bench: &mut Bench, stream: &[u8], segment: usize) {
    // No more requests in one segment than are read there.
    let segment = if segment == 0 { get("evil.no").len() + 1 } else { segment.min(400) };
    for (at, part) in (0..).step_by(segment).zip(stream.chunks(segment)) {
        bench.say(at, part);
    }
}

fn assert_seen(bench: &Bench, decoy: &str, wanted: &[String], what: &dyn std::fmt::Debug) {
    let seen: Vec<_> = bench.names().into_iter().filter(|name| name != decoy && name != "-").collect();
    assert_eq!(seen, wanted, "{what:?}");
}

#[test]
fn a_decoy_far_from_where_the_stream_begins_hides_nothing_of_it() {
    for is_one_way in [false, true] {
        for (decoy, name) in decoys() {
            for (stream, wanted) in hidden() {
                for offset in FAR {
                    for (segment, flags) in [(1 << 14, ACK), (60, ACK), (0, ACK), (60, ACK | RST), (60, RST), (60, 0)] {
                        let mut bench = Bench::hearing(is_one_way);
                        bench.shake_hands();
                        bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1).wrapping_add(offset), flags, &decoy);
                        say_all(&mut bench, &stream, segment);
                        assert_seen(&bench, name, &wanted, &(decoy.len(), offset, segment, flags, name));
                        assert!(bench.names().iter().any(|seen| name.is_empty() || seen == name), "{name} {offset}");
                    }
                }
            }
        }
    }
}

#[test]
fn s5_what_lies_far_from_where_a_stream_begins_is_read_aside_and_takes_no_memory() {
    let mut bench = Bench::new();
    bench.shake_hands();
    for at in 0..usize::from(GREETING_SEGMENTS_MAX) {
        bench.say(100_000 + 1000 * at, &[0xaa; 1000]);
    }
    bench.say(200_000, &get("late.no"));
    assert!(bench.greetings.is_empty());
    bench.say(0, &get("evil.no"));
    assert_eq!(bench.names(), ["late.no", "evil.no"]);
}

#[test]
fn data_before_a_syn_hides_nothing_of_the_connection_that_follows() {
    for is_one_way in [false, true] {
        for (decoy, name) in decoys() {
            for (stream, wanted) in hidden() {
                for place in [500_000, ISN.wrapping_add(1), ISN.wrapping_sub(40), ISN.wrapping_sub(30_000)] {
                    for (segment, is_other_syn_first) in [(1 << 14, false), (60, false), (60, true), (0, true)] {
                        if is_other_syn_first && place == ISN.wrapping_add(1) {
                            // It is the same SYN, and the decoy stands at the place of the first words.
                            continue;
                        }
                        let mut bench = Bench::hearing(is_one_way);
                        if is_other_syn_first {
                            bench.tcp(CLIENT, SERVER, place.wrapping_sub(1), SYN, &[]);
                        }
                        bench.tcp(CLIENT, SERVER, place, ACK, &decoy);
                        bench.shake_hands();
                        say_all(&mut bench, &stream, segment);
                        assert_seen(&bench, name, &wanted, &(decoy.len(), place, segment, is_other_syn_first, name));
                    }
                }
            }
        }
    }
}

#[test]
fn a_port_that_is_used_again_after_a_connection_joined_midway_hides_nothing() {
    let mut bench = Bench::new();
    bench.tcp(CLIENT, SERVER, 500_000, ACK, &get("old.no"));
    bench.tcp(SERVER, CLIENT, 77, ACK, b"HTTP/1.1 200 OK\r\n\r\n");
    bench.now += 5;
    bench.shake_hands();
    bench.say(0, &get("evil.no"));
    bench.say(get("evil.no").len(), &get("evil2.no"));
    assert_eq!(bench.names(), ["old.no", "evil.no", "evil2.no"]);
}

#[test]
fn a_forged_syn_hides_nothing_of_what_goes_on() {
    for is_one_way in [false, true] {
        for forged in [90_000, ISN.wrapping_add(1 << 30), ISN.wrapping_sub(1 << 30), ISN.wrapping_add(2_000)] {
            for (stream, wanted) in hidden() {
                for (segment, before) in [(60, 0), (40, 0), (60, 1), (400, 0), (400, 1)] {
                    let mut bench = Bench::hearing(is_one_way);
                    bench.shake_hands();
                    let before = get("before.no").repeat(before);
                    bench.say(0, &before);
                    bench.tcp(CLIENT, SERVER, forged, SYN, &[]);
                    for (at, part) in (before.len()..).step_by(segment).zip(stream.chunks(segment)) {
                        bench.say(at, part);
                    }
                    assert_seen(&bench, "before.no", &wanted, &(forged, segment, before.len()));
                }
            }
        }
    }
}

#[test]
fn what_no_receiver_takes_stands_for_nothing() {
    for is_one_way in [false, true] {
        for (decoy, name) in decoys() {
            for (stream, wanted) in hidden() {
                for (place, flags) in [(0, 0), (0, RST), (0, RST | ACK), (0, 8), (60, RST), (10, 0), (0, RST | SYN)] {
                    for many in [1, 40] {
                        let mut bench = Bench::hearing(is_one_way);
                        bench.shake_hands();
                        for _ in 0..many {
                            bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1 + place), flags, &decoy);
                        }
                        for (at, part) in (0..).step_by(60).zip(stream.chunks(60)) {
                            bench.say(at, part);
                            bench.tcp(CLIENT, SERVER, ISN.wrapping_add(61 + at as u32), flags, &decoy);
                        }
                        assert_seen(&bench, name, &wanted, &(decoy.len(), place, flags, many, name));
                    }
                }
            }
        }
        // A hello with a SYN is taken (RFC 7413).
        let mut bench = Bench::hearing(is_one_way);
        bench.tcp(CLIENT, SERVER, ISN, SYN, &records(&named("evil.no"), 1 << 14));
        assert_eq!(bench.names(), ["evil.no"]);
    }
}

#[test]
fn s4_one_forged_syn_hides_no_hello_of_which_a_part_stands_in_the_true_one() {
    let octets = records(&named("evil.no"), 1 << 14);
    for far in [1u32 << 31, 2 << 20, 50_000, 500, 71, 69, (50_000u32).wrapping_neg()] {
        for (is_first, is_again) in [(false, false), (true, false), (false, true)] {
            let mut bench = Bench::new();
            if is_first {
                bench.tcp(CLIENT, SERVER, ISN.wrapping_add(far), SYN, &[]);
            }
            bench.tcp(CLIENT, SERVER, ISN, SYN, &octets[..70]);
            if !is_first {
                bench.tcp(CLIENT, SERVER, ISN.wrapping_add(far), SYN, &[]);
            }
            if is_again {
                bench.tcp(CLIENT, SERVER, ISN, SYN, &octets[..70]);
            }
            bench.stands = ISN.wrapping_add(71);
            bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
            bench.say(70, &octets[70..]);
            bench.end();
            assert_eq!(bench.names(), ["evil.no"], "{far} {is_first} {is_again}");
        }
    }
}

#[test]
fn s4_data_in_a_forged_syn_that_ends_where_the_true_stream_begins_hides_none_of_that() {
    let octets = records(&named("evil.no"), 1 << 14);
    let decoys: [&[u8]; 2] = [b"\x16\x03\x01\x20\x00\x01\x00\x1f\xfc", b"POST / HTTP/1.1\r\nContent-Length: 900\r\n"];
    for decoy in decoys {
        let forged = ISN.wrapping_sub(decoy.len() as u32);
        for (is_first, are_two) in [(true, false), (true, true), (false, false), (false, true)] {
            let mut bench = Bench::new();
            if is_first {
                bench.tcp(CLIENT, SERVER, forged, SYN, decoy);
            }
            if are_two {
                bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1 << 30), SYN, &[]);
            }
            bench.tcp(CLIENT, SERVER, ISN, SYN, &[]);
            if !is_first {
                bench.tcp(CLIENT, SERVER, forged, SYN, decoy);
            }
            bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
            bench.say(0, &octets[..70]);
            bench.say(70, &octets[70..]);
            bench.end();
            assert_eq!(bench.names(), ["evil.no"], "{decoy:?} {is_first} {are_two}");
        }
    }
}
