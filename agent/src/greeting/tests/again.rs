//! Where a connection's end was not seen and its port is used again, nothing that the client says is missed.

use super::*;

/// SYN of the connection that follows.
const ANEW: u32 = 900_000_000;

thread_local! {
    /// Of each segment with words so many octets of them come in a first fragment; none = in no fragments.
    static IN_FIRST_FRAGMENT: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

/// Gives a packet to its flow as an observer does, whole or in fragments.
pub(super) fn handled(flows: &mut Flows, packet: &Packet<'_>, now: Timestamp, ended: &mut Ended) -> Option<Heard> {
    let mut counts = FlowCounts::default();
    match (packet.transport, IN_FIRST_FRAGMENT.get()) {
        (Transport::Tcp { src_port, dst_port, seq, ack, flags, urgent, payload }, Some(first))
            if payload.len() > first =>
        {
            let payload = payload.get(..first).unwrap();
            let transport = Transport::Tcp { src_port, dst_port, seq, ack, flags, urgent, payload };
            let piece = Packet { fragment: Fragment::First, transport, ..*packet };
            flows.handle_packet(&piece, now, &mut counts, ended);
            flows.hear(&Packet { fragment: Fragment::Rejoined, ..*packet })
        }
        _ => flows.handle_packet(packet, now, &mut counts, ended),
    }
}

fn hello(name: &str) -> Vec<u8> {
    records(&named(name), 1 << 14)
}

fn get(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// One that stands and has said all that it will; the sensor listens to it no more.
fn spoken() -> Bench {
    let mut bench = Bench::new();
    bench.shake_hands();
    let first = hello("first.no");
    bench.say(0, &first);
    bench.acknowledge();
    for number in 0..=GREETING_SEGMENTS_MAX as usize {
        bench.say(first.len() + 37 * number, &[0x17; 37]);
        bench.acknowledge();
    }
    assert_eq!(bench.names(), ["first.no"]);
    bench.now += 30;
    bench
}

/// The client says something behind the SYN of the new connection.
fn say_anew(bench: &mut Bench, at: usize, octets: &[u8]) {
    bench.tcp(CLIENT, SERVER, ANEW + 1 + at as u32, ACK, octets);
}

fn answer_anew(bench: &mut Bench, taken: usize, flags: u8) {
    bench.stands = ANEW + 1 + taken as u32;
    bench.tcp(SERVER, CLIENT, 77_777 + u32::from(flags & SYN == 0), flags, &[]);
}

/// When the server is heard first: with a SYN-ACK in time or late, with something later, or never.
#[derive(Debug, Clone, Copy)]
enum Answer {
    InTime,
    Between { flags: u8 },
    Late { flags: u8 },
    Never,
}

const ANSWERS: [Answer; 6] = [
    Answer::InTime,
    Answer::Between { flags: SYN | ACK },
    Answer::Between { flags: ACK },
    Answer::Late { flags: SYN | ACK },
    Answer::Late { flags: ACK },
    Answer::Never,
];

#[test]
fn s4_on_a_port_used_again_a_hello_is_told_whether_the_answer_is_seen_in_time_late_or_never() {
    let whole = hello("second.no");
    for answer in ANSWERS {
        for (cut, is_turned) in [(whole.len(), false), (70, false), (70, true)] {
            let mut bench = spoken();
            bench.tcp(CLIENT, SERVER, ANEW, SYN, &[]);
            if let Answer::InTime = answer {
                answer_anew(&mut bench, 0, SYN | ACK);
            }
            say_anew(&mut bench, 0, &[]);
            let mut parts = [(0, &whole[..cut]), (cut, &whole[cut..])];
            if is_turned {
                parts.reverse();
            }
            for (number, (at, octets)) in parts.into_iter().enumerate() {
                say_anew(&mut bench, at, octets);
                if let (0, Answer::Between { flags }) = (number, answer) {
                    let taken = if is_turned || flags & SYN != 0 { 0 } else { cut };
                    answer_anew(&mut bench, taken, flags);
                }
            }
            if let Answer::Late { flags } = answer {
                answer_anew(&mut bench, if flags & SYN == 0 { whole.len() } else { 0 }, flags);
            }
            bench.end();
            assert_eq!(bench.names(), ["first.no", "second.no"], "{answer:?} {cut} {is_turned}");
            assert_eq!(bench.greetings.kept_octets(), 0);
        }
    }
}

#[test]
fn s4_on_a_port_used_again_every_request_is_told_whether_the_answer_is_seen_in_time_late_or_never() {
    let requests: Vec<Vec<u8>> = (0..4).map(|number| get(&format!("h{number}.no"))).collect();
    for answer in ANSWERS {
        let mut bench = spoken();
        bench.tcp(CLIENT, SERVER, ANEW, SYN, &[]);
        if let Answer::InTime = answer {
            answer_anew(&mut bench, 0, SYN | ACK);
        }
        let mut at = 0;
        for (number, request) in requests.iter().enumerate() {
            let (first, second) = request.split_at(20);
            say_anew(&mut bench, at, first);
            say_anew(&mut bench, at + 20, second);
            at += request.len();
            match answer {
                Answer::Between { flags } if number == 1 => {
                    answer_anew(&mut bench, if flags & SYN == 0 { at } else { 0 }, flags);
                }
                Answer::Late { flags } if number == 3 => answer_anew(&mut bench, at, flags),
                Answer::InTime => answer_anew(&mut bench, at, ACK),
                Answer::Between { .. } | Answer::Late { .. } | Answer::Never => {}
            }
        }
        bench.end();
        assert_eq!(bench.names(), ["first.no", "h0.no", "h1.no", "h2.no", "h3.no"], "{answer:?}");
    }
}

#[test]
fn s4_on_a_port_used_again_a_hello_in_the_syn_is_told() {
    let octets = hello("second.no");
    // How much of it the server takes, if it is seen to answer.
    for taken in [Some(octets.len()), Some(0), None] {
        for is_reset in [false, true] {
            let mut bench = spoken();
            if is_reset {
                bench.tcp(CLIENT, SERVER, bench.stands, RST | ACK, &[]);
                bench.now += 2;
            }
            bench.tcp(CLIENT, SERVER, ANEW, SYN, &octets);
            assert_eq!(bench.names(), ["first.no", "second.no"], "{taken:?} {is_reset}");
            if let Some(taken) = taken {
                answer_anew(&mut bench, taken, SYN | ACK);
                say_anew(&mut bench, taken, &octets[taken..]);
            }
            bench.end();
            let mut names = bench.names();
            names.dedup();
            assert_eq!(names, ["first.no", "second.no"], "{taken:?} {is_reset}");
        }
    }
}

#[test]
fn a_syn_in_doubt_gives_way_to_the_next_and_what_was_said_behind_each_is_told() {
    let (one, other) = (hello("second.no"), hello("third.no"));
    let mut bench = spoken();
    bench.tcp(CLIENT, SERVER, ANEW, SYN, &[]);
    say_anew(&mut bench, 0, &one[..200]);
    let later = ANEW + (1 << 29);
    bench.tcp(CLIENT, SERVER, later, SYN, &[]);
    bench.tcp(CLIENT, SERVER, later + 1, ACK, &other[..70]);
    bench.tcp(CLIENT, SERVER, later + 71, ACK, &other[70..]);
    bench.end();
    let mut names = bench.names();
    names.sort();
    assert_eq!(names, ["first.no", "second.no", "third.no"]);
    assert_eq!(bench.greetings.kept_octets(), 0);
}

#[test]
fn on_a_port_used_again_what_is_sent_again_is_told_once() {
    let octets = hello("second.no");
    for (flags, octets) in [(SYN, octets.clone()), (ACK, octets), (ACK, get("second.no"))] {
        // The sensor still listens to the one that stands.
        let mut bench = Bench::new();
        bench.shake_hands();
        bench.say(0, &get("first.no"));
        bench.acknowledge();
        bench.now += 30;
        bench.tcp(CLIENT, SERVER, ANEW, SYN, if flags == SYN { &octets } else { &[] });
        for _ in 0..3 {
            bench.tcp(CLIENT, SERVER, ANEW.wrapping_add(u32::from(flags == ACK)), flags, &octets);
        }
        bench.end();
        assert_eq!(bench.names(), ["first.no", "second.no"], "{flags}");
    }
}

/// SYNs that none of the client's own lies near.
const FORGED: [u32; 4] = [3_000_000_000, ANEW + (2 << 20), ANEW - (2 << 20), 77];

#[test]
fn s4_on_a_port_used_again_a_forged_syn_hides_no_hello_of_which_a_part_stands_in_the_syn() {
    let octets = hello("second.no");
    for forged in FORGED {
        for (is_first, is_answered) in [(false, true), (true, true), (false, false), (true, false)] {
            let mut bench = spoken();
            let forge = |bench: &mut Bench| bench.tcp(CLIENT, SERVER, forged, SYN, &[]);
            if is_first {
                forge(&mut bench);
            }
            bench.tcp(CLIENT, SERVER, ANEW, SYN, &octets[..70]);
            if !is_first {
                // However often: behind it nothing is said.
                forge(&mut bench);
                bench.tcp(CLIENT, SERVER, forged + (1 << 22), SYN, &[]);
                forge(&mut bench);
            }
            if is_answered {
                answer_anew(&mut bench, 70, SYN | ACK);
            }
            say_anew(&mut bench, 70, &octets[70..]);
            answer_anew(&mut bench, octets.len(), ACK);
            bench.end();
            assert_eq!(bench.names(), ["first.no", "second.no"], "{forged} {is_first} {is_answered}");
        }
    }
}

#[test]
fn s4_on_a_port_used_again_a_forged_syn_hides_no_hello_between_whose_parts_it_stands() {
    let octets = hello("second.no");
    for forged in FORGED {
        for number in 0..3 {
            let mut bench = spoken();
            bench.tcp(CLIENT, SERVER, ANEW, SYN, &[]);
            for (at, octets) in [(0, &octets[..70]), (70, &octets[70..])] {
                for _ in 0..number {
                    bench.tcp(CLIENT, SERVER, forged, SYN, &[]);
                }
                say_anew(&mut bench, at, octets);
            }
            answer_anew(&mut bench, octets.len(), ACK);
            bench.end();
            assert_eq!(bench.names(), ["first.no", "second.no"], "{forged} {number}");
        }
    }
}

#[test]
fn what_is_said_behind_a_forged_syn_hides_nothing_of_the_connection_that_stands() {
    let stream = hello("evil.no");
    let junk: [&[u8]; 4] = [
        b"POST / HTTP/1.1\r\nHost: decoy.no\r\nContent-Length: 900000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: decoy.no\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"xxxx",
    ];
    for decoy in junk {
        for (far, is_behind) in
            [(2u32 << 20, false), (1 << 29, false), (1 << 31, false), ((2u32 << 20).wrapping_neg(), true)]
        {
            for cut in [0, 30, 100] {
                let forged = ISN.wrapping_add(far);
                let mut bench = Bench::new();
                bench.shake_hands();
                bench.tcp(CLIENT, SERVER, forged, SYN, &[]);
                bench.tcp(CLIENT, SERVER, forged.wrapping_add(1), ACK, decoy);
                bench.say(0, &stream[..cut]);
                bench.tcp(CLIENT, SERVER, forged, SYN, decoy);
                bench.tcp(CLIENT, SERVER, forged.wrapping_add(1 + decoy.len() as u32), ACK, decoy);
                bench.acknowledge();
                bench.say(cut, &stream[cut..]);
                // Whole in one segment, and far ahead of what the server has taken: it may take it early.
                let early = if is_behind { get("evil.no") } else { get("early.no") };
                bench.tcp(CLIENT, SERVER, forged.wrapping_add(2_000), ACK, &early);
                bench.end();
                let mut names = bench.names();
                names.retain(|name| name != "decoy.no");
                names.sort();
                names.dedup();
                let expected = ["early.no", "evil.no"];
                assert_eq!(names, expected[usize::from(is_behind)..], "{decoy:?} {far} {cut}");
            }
        }
    }
}

/// Found by a review: a hello in fragments was asked for among the words of the connection that stands alone.
#[test]
fn s4_d21_on_a_port_used_again_it_is_the_same_where_segments_come_in_fragments() {
    for octets in [0, 4, 44] {
        IN_FIRST_FRAGMENT.set(Some(octets));
        s4_on_a_port_used_again_a_hello_is_told_whether_the_answer_is_seen_in_time_late_or_never();
        s4_on_a_port_used_again_every_request_is_told_whether_the_answer_is_seen_in_time_late_or_never();
        s4_on_a_port_used_again_a_hello_in_the_syn_is_told();
        a_syn_in_doubt_gives_way_to_the_next_and_what_was_said_behind_each_is_told();
        on_a_port_used_again_what_is_sent_again_is_told_once();
        s4_on_a_port_used_again_a_forged_syn_hides_no_hello_of_which_a_part_stands_in_the_syn();
        s4_on_a_port_used_again_a_forged_syn_hides_no_hello_between_whose_parts_it_stands();
        what_is_said_behind_a_forged_syn_hides_nothing_of_the_connection_that_stands();
    }
    IN_FIRST_FRAGMENT.set(None);
}
