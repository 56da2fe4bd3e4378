//! Where its receiver is heard, nothing hides what a client says to it: each way by itself, and any of them together.

use proptest::prelude::*;

use super::*;
use crate::hello::tls::sample::message;
use crate::packet::tcp_flags::FIN;

fn get(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

fn hello(name: &str) -> Vec<u8> {
    records(&named(name), 1 << 14)
}

/// What is said, and whom it names.
fn streams() -> Vec<(Vec<u8>, Vec<&'static str>)> {
    vec![
        (hello("evil.no"), vec!["evil.no"]),
        (records(&named("evil.no"), 90), vec!["evil.no"]),
        (get("evil.no"), vec!["evil.no"]),
        ([get("a.no"), get("evil.no"), get("b.no")].concat(), vec!["a.no", "b.no", "evil.no"]),
    ]
}

#[derive(Debug, Clone)]
struct Decoy {
    offset: u32,
    flags: u8,
    octets: Vec<u8>,
}

/// Something that no receiver takes, beside the first octet of a stream.
fn decoy() -> impl Strategy<Value = Decoy> {
    // Some of it behind one of the SYNs below.
    let behind_syn = [(1 << 29) + 1, (1 << 29) + 40, -(3 << 20) + 1];
    let far = [70_000i64, 200_000, 1 << 20, 1 << 30, -70_000, -200_000, -(1 << 20), -(1 << 30)];
    let far: Vec<i64> = far.into_iter().chain(behind_syn).collect();
    let near = vec![0i64, 20, 100, 5_000, -5_000, -50];
    let place = prop_oneof![
        (prop::sample::select(far), Just(ACK)),
        (prop::sample::select(near), prop::sample::select(vec![RST | ACK, RST, 0, 8])),
        (prop::sample::select(vec![500_000i64, -500_000, 1 << 29, -(3 << 20), 3_000, 20]), Just(SYN)),
        (prop::sample::select(vec![500_000i64, -500_000, 1 << 29]), prop::sample::select(vec![FIN | ACK, RST])),
        (Just(-1i64), Just(ACK)),
    ];
    let post = b"POST / HTTP/1.1\r\nHost: decoy.no\r\nContent-Length: 900000\r\n\r\n".to_vec();
    let octets = prop::sample::select(vec![
        vec![],
        vec![0],
        vec![b'x'; 100],
        get("decoy.no"),
        hello("decoy.no"),
        hello("decoy.no")[..50].to_vec(),
        b"\x16\x03\x01\x02\x00\x01".to_vec(),
        post,
        b"GET / HTTP/1.1\r\nHo".to_vec(),
    ]);
    (place, octets).prop_map(|((offset, flags), octets)| {
        // One octet in front is all that a probe repeats.
        let octets = if offset == -1 { octets.into_iter().take(1).collect() } else { octets };
        Decoy { offset: offset as u32, flags, octets }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn s4_any_cuts_in_any_order_with_any_decoys_that_no_receiver_takes_tell_the_name(
        which in 0usize..4,
        cuts in prop::collection::vec(1usize..500, 0..4),
        turn in prop_oneof![Just(0usize), 0usize..5],
        again in prop::option::of(any::<prop::sample::Index>()),
        acks in any::<bool>(),
        pause in prop_oneof![Just(0i64), 0i64..8],
        syn_data in prop::option::of(decoy()),
        decoys in prop::collection::vec((any::<prop::sample::Index>(), decoy()), 0..4),
    ) {
        // A RST exactly where the receiver stands ends the connection, after a while for the sensor too.
        let is_near = |(_, decoy): &(_, Decoy)| decoy.flags & RST != 0 && (decoy.offset as i32).abs() < 10_000;
        let pause = if decoys.iter().any(is_near) { 0 } else { pause };
        let (stream, wanted) = streams()[which].clone();
        let mut borders: Vec<usize> = cuts.into_iter().chain([0, stream.len()]).filter(|cut| *cut <= stream.len()).collect();
        borders.sort_unstable();
        borders.dedup();
        let mut parts: Vec<_> = borders.windows(2).map(|two| two[0]..two[1]).collect();
        let turn = turn % parts.len();
        parts.rotate_left(turn);
        if let Some(again) = again {
            parts.push(parts[again.index(parts.len())].clone());
        }
        let mut events: Vec<Result<std::ops::Range<usize>, Decoy>> = parts.into_iter().map(Ok).collect();
        for (at, decoy) in decoys {
            let at = at.index(events.len() + 1);
            events.insert(at, Err(decoy));
        }
        let mut bench = Bench::new();
        let data = syn_data.map_or(Vec::new(), |decoy| decoy.octets);
        bench.tcp(CLIENT, SERVER, ISN, SYN, &data);
        bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
        bench.say(0, &[]);
        for event in &events {
            match event {
                Ok(part) => bench.say(part.start, &stream[part.clone()]),
                Err(Decoy { offset, flags, octets }) => {
                    bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1).wrapping_add(*offset), *flags, octets);
                }
            }
            bench.now += pause;
            if acks {
                bench.acknowledge();
            }
        }
        let mut told = bench.names();
        told.retain(|name| name != "decoy.no" && name != "-");
        told.sort();
        told.dedup();
        prop_assert_eq!(told, wanted, "{:?}", events);
        bench.end();
        prop_assert_eq!(bench.greetings.kept_octets(), 0);
    }
}

#[test]
fn s4_a_forged_syn_between_any_two_segments_hides_no_name() {
    let near = [ISN.wrapping_add(2_000), ISN.wrapping_add(3)];
    for (stream, wanted) in streams() {
        for forged in [90_000, ISN.wrapping_add(1 << 30), ISN.wrapping_sub(1 << 30)].into_iter().chain(near) {
            for (cut, is_turned, is_reset) in
                [(30, false, false), (30, false, true), (30, true, false), (33, true, false)]
            {
                let mut bench = Bench::new();
                bench.shake_hands();
                let (first, second) = ((0, &stream[..cut]), (cut, &stream[cut..]));
                let [(at, early), (later_at, late)] = if is_turned { [second, first] } else { [first, second] };
                bench.say(at, early);
                if is_reset {
                    // Where the server stood when it was last heard, and stands no more.
                    bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1), RST, &[]);
                }
                bench.tcp(CLIENT, SERVER, forged, SYN, &[]);
                // The server says that it stands where it stood (RFC 5961).
                bench.acknowledge();
                bench.say(later_at, late);
                let mut names = bench.names();
                names.sort();
                assert_eq!(names, wanted, "{forged} {cut} {is_turned}");
            }
        }
    }
}

#[test]
fn s4_a_port_that_is_used_again_is_read_from_where_its_receiver_answers() {
    let (first, second) = (hello("one.no"), hello("evil.no"));
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &first[..100]);
    bench.acknowledge();
    let isn = 77_000u32;
    bench.tcp(CLIENT, SERVER, isn, SYN, &[]);
    bench.stands = isn + 1;
    bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
    bench.tcp(CLIENT, SERVER, isn + 1, ACK, &[]);
    bench.tcp(CLIENT, SERVER, isn + 201, ACK, &second[200..]);
    bench.tcp(CLIENT, SERVER, isn + 1, ACK, &second[..200]);
    assert_eq!(bench.names(), ["evil.no"]);
}

#[test]
fn s4_data_in_a_syn_that_its_receiver_does_not_take_hides_no_hello() {
    let stream = hello("evil.no");
    let half = hello("decoy.no")[..50].to_vec();
    for decoy in [hello("decoy.no"), half, get("decoy.no"), b"GET / HTTP/1.1\r\nHo".to_vec()] {
        for cut in [stream.len(), 200, 10] {
            let mut bench = Bench::new();
            bench.tcp(CLIENT, SERVER, ISN, SYN, &decoy);
            bench.tcp(SERVER, CLIENT, 5, SYN | ACK, &[]);
            bench.say(0, &stream[..cut]);
            bench.acknowledge();
            bench.say(cut, &stream[cut..]);
            assert_eq!(bench.names().last().map(String::as_str), Some("evil.no"), "{} {cut}", decoy.len());
        }
    }
}

#[test]
fn s4_a_forged_reset_and_a_pause_hide_no_hello() {
    let stream = hello("evil.no");
    for (forged, pause) in [(500_000, 6), (1 << 30, 60), (0u32.wrapping_sub(500), 80), (1_000, 80)] {
        let mut bench = Bench::new();
        bench.shake_hands();
        bench.say(0, &stream[..100]);
        bench.acknowledge();
        bench.tcp(CLIENT, SERVER, ISN.wrapping_add(101).wrapping_add(forged), RST, &[]);
        bench.now += pause;
        bench.say(100, &stream[100..]);
        assert_eq!(bench.names(), ["evil.no"], "{forged} {pause}");
    }
}

#[test]
fn s4_an_urgent_octet_in_a_name_is_read_with_and_without_and_counted() {
    let told = hello("evil.no");
    let at = told.windows(7).position(|seven| seven == b"evil.no").unwrap() + 2;
    // Its receiver takes the octet out, so that the lengths are those of what is left.
    let sent = [&told[..at], b"Z", &told[at..]].concat();
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.urgent(CLIENT, SERVER, ISN.wrapping_add(1), ACK, at as u16 + 1, &sent);
    assert!(bench.names().contains(&"evil.no".to_owned()), "{:?}", bench.names());
    assert_eq!(bench.counts.refused.of(BadHello::Urgent), 1);
}

#[test]
fn s4_halves_half_a_minute_apart_are_one_hello_and_a_full_table_still_lets_go() {
    for stream in [hello("evil.no"), get("evil.no")] {
        for cut in [1, 20, stream.len() - 3] {
            let mut bench = Bench::new();
            bench.shake_hands();
            bench.say(0, &stream[..cut]);
            for _ in 0..6 {
                bench.now += 5;
                bench.udp("10.0.0.9:1", SERVER, &[]);
            }
            bench.say(cut, &stream[cut..]);
            assert_eq!(bench.names(), ["evil.no"], "{cut}");
        }
    }
    let mut bench = Bench::new();
    bench.greetings = Greetings::with_limits(2, 1 << 20);
    for port in 1..5 {
        bench.tcp(&format!("10.0.0.7:{port}"), SERVER, 7, ACK, &hello("x.no")[..100]);
    }
    assert_eq!((bench.greetings.len(), bench.counts.evicted), (2, 2));
}

#[test]
fn s4_a_flood_of_octets_far_ahead_pushes_out_no_half_hello() {
    let stream = hello("evil.no");
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &stream[..200]);
    for round in 0..4_000u32 {
        let src = format!("10.1.{}.1:{}", round / 256, 1 + round % 256);
        bench.tcp(&src, SERVER, 7, SYN, &[]);
        bench.tcp(&src, SERVER, 8 + GREETING_MAX_OCTETS as u32 - 10, ACK, b"G");
    }
    assert_eq!(bench.greetings.len(), 4_001);
    bench.say(200, &stream[200..]);
    assert_eq!((bench.names(), bench.counts.evicted), (vec!["evil.no".to_owned()], 0));
}

#[test]
fn what_the_receiver_has_and_the_sensor_has_not_is_not_waited_for() {
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, &get("a.no"));
    // Lost on its way to the sensor, near and far.
    for gap in [100, 5_000, 40_000, 3_000_000_000u32] {
        let (at, stream) = (bench.stands.wrapping_add(gap), get(&format!("evil{gap}.no")));
        for part in [0..10, 10..stream.len()] {
            bench.stands = at.wrapping_add(part.start as u32);
            bench.acknowledge();
            bench.tcp(CLIENT, SERVER, bench.stands, ACK, &stream[part]);
        }
        bench.stands = at.wrapping_add(stream.len() as u32);
        bench.acknowledge();
        bench.now += 4;
    }
    bench.end();
    assert_eq!(bench.names().iter().filter(|name| name.starts_with("evil")).count(), 4);
}

#[test]
fn behind_more_than_the_longest_body_what_comes_is_not_taken_for_read() {
    // As a capture shows it that lost most of a long body.
    let post = b"POST / HTTP/1.1\r\nHost: ok.no\r\nContent-Length: 2500000000\r\n\r\n";
    let mut bench = Bench::new();
    bench.shake_hands();
    bench.say(0, post);
    bench.acknowledge();
    let mut at = ISN.wrapping_add(1 + post.len() as u32);
    for _ in 0..8 {
        at = at.wrapping_add(300_000_000);
        bench.tcp(CLIENT, SERVER, at, ACK, &[0x99; 100]);
    }
    bench.tcp(CLIENT, SERVER, at.wrapping_add(100), ACK, &get("evil.no"));
    assert_eq!(bench.names(), ["ok.no", "evil.no"]);
}

#[test]
fn a_hello_ahead_without_a_name_hides_no_other_fingerprint() {
    let nameless = records(&message(0x0303, &[0x1301, 0x1302], &[]), 1 << 14);
    let decoy = records(&message(0x0301, &[0x0005], &[]), 1 << 14);
    for offset in [200_000, 2_000u32] {
        let mut bench = Bench::new();
        bench.shake_hands();
        bench.say(0, &nameless[..20]);
        bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1 + offset), ACK, &decoy);
        bench.say(20, &nameless[20..]);
        let of = |greeted: &Greeted| match greeted {
            Greeted::Hello(hello) => hello.ja4.map(|ja4| ja4.to_string()),
            Greeted::Http(_) => None,
        };
        let ja4: Vec<_> = bench.read.iter().filter_map(|(_, greeted)| of(greeted)).collect();
        assert!(ja4.len() == 2 && ja4[0] != ja4[1], "{offset} {ja4:?}");
    }
}

#[test]
fn s4_data_far_ahead_lets_go_of_nothing_that_its_receiver_has_taken() {
    for stream in [hello("evil.no"), get("evil.no")] {
        for cut in [3, 20] {
            let mut bench = Bench::new();
            bench.shake_hands();
            bench.say(0, &stream[..cut]);
            bench.acknowledge();
            for _ in 0..3 {
                bench.tcp(CLIENT, SERVER, ISN.wrapping_add(70_001), ACK, b"x");
            }
            bench.say(cut, &stream[cut..]);
            assert_eq!(bench.names(), ["evil.no"], "{cut}");
        }
    }
}

#[test]
fn segments_that_a_mirror_shows_after_their_acknowledgement_are_read() {
    let stream = records(&named("evil.no"), 1 << 14);
    for first in [0, 200] {
        let mut bench = Bench::new();
        bench.shake_hands();
        bench.say(0, &stream[..first]);
        bench.stands = ISN.wrapping_add(1 + 300);
        bench.acknowledge();
        bench.say(first + 50, &stream[first + 50..300]);
        bench.acknowledge();
        bench.say(first, &stream[first..first + 50]);
        bench.say(300, &stream[300..]);
        assert_eq!(bench.names(), ["evil.no"], "{first}");
    }
}

#[test]
fn a_request_behind_a_slow_body_in_chunks_is_read_however_long_that_takes() {
    for (chunks, pause_first, pause) in [(20, 95, 0), (400, 5, 5)] {
        let mut bench = Bench::new();
        bench.shake_hands();
        let mut at = 0;
        let mut say = |bench: &mut Bench, octets: &[u8]| {
            bench.say(at, octets);
            bench.acknowledge();
            at += octets.len();
        };
        say(&mut bench, b"POST / HTTP/1.1\r\nHost: a.no\r\nTransfer-Encoding: chunked\r\n\r\n");
        say(&mut bench, b"4\r\nAAAA\r\n");
        bench.now += pause_first;
        for _ in 0..chunks {
            say(&mut bench, b"4\r\nAAAA\r\n");
            bench.now += pause;
        }
        say(&mut bench, b"0\r\n\r\n");
        say(&mut bench, &get("b.no"));
        assert_eq!(bench.names(), ["a.no", "b.no"], "{chunks} chunks");
    }
}

#[test]
fn a_segment_lost_in_a_large_body_in_chunks_hides_no_request_behind_it() {
    let mut bench = Bench::new();
    bench.shake_hands();
    let head = b"POST / HTTP/1.1\r\nHost: a.no\r\nTransfer-Encoding: chunked\r\n\r\n";
    bench.say(0, head);
    bench.acknowledge();
    let chunk = [&b"5a8\r\n"[..], &[b'A'; 0x5a8], b"\r\n"].concat();
    let (mut at, mut acknowledged) = (head.len(), std::collections::VecDeque::new());
    for segment in 0..50 {
        // The fourth never reaches the sensor; the receiver has it, and is heard twenty segments later.
        let lag = if segment < 29 { 20 } else { 0 };
        if segment != 3 {
            bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1 + at as u32), ACK, &chunk);
        }
        at += chunk.len();
        acknowledged.push_back(at);
        while acknowledged.len() > lag {
            let taken = acknowledged.pop_front().unwrap();
            bench.stands = ISN.wrapping_add(1 + taken as u32);
            bench.acknowledge();
        }
    }
    let mut say = |octets: &[u8]| {
        bench.tcp(CLIENT, SERVER, ISN.wrapping_add(1 + at as u32), ACK, octets);
        at += octets.len();
        bench.stands = ISN.wrapping_add(1 + at as u32);
        bench.acknowledge();
    };
    say(b"0\r\n\r\n");
    say(&get("b.no"));
    say(&get("c.no"));
    assert_eq!(bench.names(), ["a.no", "b.no", "c.no"]);
}
