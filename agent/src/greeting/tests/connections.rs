//! QUIC flows with more than one connection, and with packets that belong to none.

use super::*;
use crate::limits::{QUIC_CONNECTIONS_MAX, QUIC_HELLOS_MAX};

/// A client's whole first packet, to a connection id of these octets.
fn first(id: u8, name: &str) -> Vec<u8> {
    let message = named(name);
    Sender::new(1, &[id; 8]).packet(0, &crypto(&message, 0..message.len()))
}

fn broken(id: u8) -> Vec<u8> {
    let mut packet = first(id, "x.no");
    *packet.last_mut().unwrap() ^= 1;
    packet
}

#[test]
fn packets_that_do_not_open_hide_no_hello_behind_them() {
    let mut bench = Bench::new();
    for id in 1..QUIC_TRIES_MAX {
        bench.udp(CLIENT, SERVER, &broken(id));
    }
    bench.udp(CLIENT, SERVER, &first(200, "evil.no"));
    assert_eq!(bench.names(), ["evil.no"]);
}

#[test]
fn packets_with_a_long_header_that_greet_nobody_hide_no_hello_behind_them() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        // A Handshake packet, a packet that is cut short, a version nobody knows.
        bench.udp(CLIENT, SERVER, &[&[0xe0, 0, 0, 0, 1, 8][..], &[7; 8], &[0, 20], &[9; 20]].concat());
        bench.udp(CLIENT, SERVER, &first(9, "x.no")[..100]);
        bench.udp(CLIENT, SERVER, &[&[0xc0, 1, 2, 3, 4, 8][..], &[7; 30]].concat());
    }
    bench.udp(CLIENT, SERVER, &first(200, "evil.no"));
    assert_eq!(bench.names(), ["evil.no"]);
}

#[test]
fn a_hello_to_one_connection_id_does_not_hide_the_next() {
    let mut bench = Bench::new();
    bench.udp(CLIENT, SERVER, &first(1, "www.benign.example"));
    bench.udp(SERVER, CLIENT, &[0x40; 50]);
    for _ in 0..10 {
        bench.udp(CLIENT, SERVER, &[0x40; 50]);
    }
    bench.udp(CLIENT, SERVER, &first(2, "evil.no"));
    // Both at once.
    bench.udp(CLIENT, SERVER, &[first(3, "a.no"), first(4, "b.no")].concat());
    assert_eq!(bench.names(), ["www.benign.example", "evil.no", "a.no", "b.no"]);
    assert_eq!((bench.counts.hellos, bench.counts.refused.total(), bench.greetings.len()), (4, 0, 0));
}

#[test]
fn hellos_that_are_begun_in_turns_are_all_read() {
    let messages: Vec<Vec<u8>> = (0..QUIC_CONNECTIONS_MAX).map(|number| named(&format!("h{number}.no"))).collect();
    let mut bench = Bench::new();
    for (part, range) in [0..100, 100..250, 250..messages[0].len()].into_iter().enumerate() {
        for (id, message) in (1..).zip(&messages) {
            let sender = Sender::new(1, &[id; 8]);
            bench.udp(CLIENT, SERVER, &sender.packet(part as u32, &crypto(message, range.clone())));
            bench.udp(CLIENT, SERVER, &broken(id + 100));
        }
    }
    assert_eq!(bench.names(), ["h0.no", "h1.no", "h2.no", "h3.no"]);
    assert_eq!(bench.greetings.kept_octets(), 0);
}

#[test]
fn one_connection_too_many_makes_room_and_what_was_pushed_out_is_read_as_far_as_it_came() {
    let mut bench = Bench::new();
    for id in 1..=QUIC_CONNECTIONS_MAX as u8 + 1 {
        let message = named(&format!("h{id}.no"));
        bench.udp(CLIENT, SERVER, &Sender::new(1, &[id; 8]).packet(0, &crypto(&message, 0..200)));
    }
    assert_eq!(bench.words(), [format!("Unanswered CutQuic {CLIENT} {SERVER} h1.no")]);
    bench.end();
    assert_eq!((bench.names().len(), bench.counts.cut), (QUIC_CONNECTIONS_MAX + 1, QUIC_CONNECTIONS_MAX as u64 + 1));
}

#[test]
fn a_hello_that_is_sent_again_and_what_its_client_acknowledges_say_nothing_new() {
    let message = named("evil.no");
    let mut sender = Sender::new(1, &[3; 8]);
    let mut bench = Bench::new();
    let hello = sender.packet(0, &crypto(&message, 0..message.len()));
    bench.udp(CLIENT, SERVER, &hello);
    // What the server says, to the client's own id, is not tried at all.
    bench.udp(SERVER, CLIENT, &Sender { destination: vec![8; 8], ..sender.clone() }.packet(0, &[2, 0, 0, 0, 0]));
    bench.udp(CLIENT, SERVER, &hello);
    sender.destination = vec![4; 8];
    for number in 1..4 {
        bench.udp(CLIENT, SERVER, &sender.packet(number, &[2, 0, 0, 0, 0]));
    }
    assert_eq!(bench.counts, GreetingCounts { hellos: 1, ..GreetingCounts::default() });
}

#[test]
fn s5_hellos_and_tries_of_one_flow_are_bounded() {
    let mut bench = Bench::new();
    for id in 1..=100 {
        bench.udp(CLIENT, SERVER, &first(id, &format!("h{id}.no")));
    }
    assert_eq!((bench.names().len(), bench.greetings.len()), (usize::from(QUIC_HELLOS_MAX), 0));
    // What opens and brings nothing is a try too.
    let mut bench = Bench::new();
    for id in 1..=QUIC_TRIES_MAX {
        bench.udp(CLIENT, SERVER, &Sender::new(1, &[id; 8]).packet(0, &[1]));
    }
    bench.udp(CLIENT, SERVER, &first(200, "late.no"));
    assert!(bench.read.is_empty() && bench.greetings.is_empty());
}

#[test]
fn a_responder_that_says_hello_first_does_not_silence_the_initiator() {
    let mut bench = Bench::new();
    bench.udp(CLIENT, SERVER, &[0]);
    bench.udp(SERVER, CLIENT, &first(1, "decoy.no"));
    let message = named("other.no");
    bench.udp(SERVER, CLIENT, &Sender::new(1, &[2; 8]).packet(0, &crypto(&message, 0..10)));
    bench.udp(CLIENT, SERVER, &first(3, "evil.no"));
    assert_eq!(bench.names(), ["decoy.no", "evil.no"]);
}

#[test]
fn neither_hellos_nor_junk_of_the_other_end_silence_a_client() {
    for junk in [false, true] {
        let mut bench = Bench::new();
        for id in 1..=2 * QUIC_TRIES_MAX {
            bench.udp(SERVER, CLIENT, &if junk { broken(id) } else { first(id, "decoy.no") });
        }
        // To the same connection id, too.
        bench.udp(CLIENT, SERVER, &first(QUIC_HELLOS_MAX, "evil.no"));
        assert_eq!(bench.names().last().map(String::as_str), Some("evil.no"), "{junk}");
        assert!(bench.names().len() <= 1 + usize::from(QUIC_HELLOS_MAX));
    }
}

#[test]
fn two_hellos_sent_in_turns_are_told_once_each_and_leave_room_for_others() {
    let mut bench = Bench::new();
    for _ in 0..QUIC_HELLOS_MAX {
        bench.udp(CLIENT, SERVER, &first(1, "a.no"));
        bench.udp(CLIENT, SERVER, &first(2, "b.no"));
    }
    bench.udp(CLIENT, SERVER, &first(3, "evil.no"));
    assert_eq!(bench.names(), ["a.no", "b.no", "evil.no"]);
}
