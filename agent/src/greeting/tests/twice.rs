//! QUIC packets to a connection id whose hello was told: sent again they say nothing, and another hello hides behind none.

#![expect(clippy::single_range_in_vec_init, reason = "a hello in one piece beside hellos in several")]

use super::*;
use crate::limits::{QUIC_HELLOS_MAX, QUIC_LATELY_MAX, QUIC_LATELY_MAX_OCTETS};

fn sender() -> Sender {
    Sender::new(1, &[3; 8])
}

/// Packets with these parts of a message, numbered on.
fn parts(message: &[u8], number: u32, parts: &[std::ops::Range<usize>]) -> Vec<Vec<u8>> {
    (number..).zip(parts).map(|(number, part)| sender().packet(number, &crypto(message, part.clone()))).collect()
}

/// One packet with all of a message.
fn whole(message: &[u8], number: u32) -> Vec<Vec<u8>> {
    vec![sender().packet(number, &crypto(message, 0..message.len()))]
}

fn send(bench: &mut Bench, packets: &[Vec<u8>]) {
    packets.iter().for_each(|packet| bench.udp(CLIENT, SERVER, packet));
}

fn contradicting(bench: &Bench) -> u64 {
    bench.counts.refused.of(BadHello::Contradicting)
}

/// Nothing is kept, nothing was refused and nothing let go.
fn is_quiet(bench: &Bench, hellos: u64) -> bool {
    bench.counts == GreetingCounts { hellos, ..GreetingCounts::default() }
        && bench.greetings.is_empty()
        && bench.greetings.kept_octets() == 0
}

#[test]
fn a_second_hello_to_the_same_connection_id_is_told_too() {
    let (decoy, hello) = (named("good.no"), named("evil.no"));
    let (all, end) = (0..hello.len(), hello.len());
    for number in [0, 1] {
        for cut in [vec![all.clone()], vec![0..99, 99..end], vec![200..end, 0..120, 110..210]] {
            let mut bench = Bench::new();
            send(&mut bench, &whole(&decoy, 0));
            bench.udp(SERVER, CLIENT, &[0x40; 50]);
            send(&mut bench, &parts(&hello, number, &cut));
            bench.end();
            assert_eq!(bench.names(), ["good.no", "evil.no"], "{number} {cut:?}");
            assert!(contradicting(&bench) > 0, "it is counted");
        }
    }
    // Both in one packet, and in one datagram.
    let frames = [crypto(&decoy, all.clone()), vec![1], crypto(&hello, all.clone())].concat();
    let one = vec![sender().packet(0, &frames)];
    let two = vec![[whole(&decoy, 0), whole(&hello, 1)].concat().concat()];
    for packets in [one, two] {
        let mut bench = Bench::new();
        send(&mut bench, &packets);
        assert_eq!((bench.names(), contradicting(&bench)), (vec!["good.no".to_owned(), "evil.no".to_owned()], 1));
        assert!(bench.greetings.is_empty());
    }
}

#[test]
fn what_is_sent_again_however_it_is_cut_tells_nothing_twice_and_keeps_nothing() {
    let hello = named("evil.no");
    let end = hello.len();
    let cuts = [vec![0..end], vec![0..150, 150..end], vec![180..end, 0..90, 90..180], vec![40..80]];
    for first in &cuts[..3] {
        for again in &cuts {
            let mut bench = Bench::new();
            send(&mut bench, &parts(&hello, 0, first));
            for round in 1..5 {
                bench.udp(SERVER, CLIENT, &[0x40; 50]);
                send(&mut bench, &parts(&hello, 10 * round, again));
                assert!(is_quiet(&bench, 1), "{first:?} {again:?} {:?}", bench.counts);
            }
            bench.end();
            assert_eq!(bench.names(), ["evil.no"]);
        }
    }
}

#[test]
fn a_hello_that_is_not_remembered_any_more_is_still_told_once() {
    let hello = named("evil.no");
    let end = hello.len();
    let mut bench = Bench::new();
    send(&mut bench, &whole(&hello, 0));
    for other in 0..QUIC_LATELY_MAX as u16 {
        let [high, low] = other.to_be_bytes();
        let name = named(&format!("other{other}.no"));
        let packet = Sender::new(1, &[high, low, 1, 1, 1, 1, 1, 1]).packet(0, &crypto(&name, 0..name.len()));
        bench.udp(&format!("10.0.1.1:{}", 2000 + other), SERVER, &packet);
    }
    for (number, cut) in [(1, vec![0..end]), (2, vec![0..99, 99..end]), (4, vec![99..end, 0..99])] {
        send(&mut bench, &parts(&hello, number, &cut));
    }
    assert_eq!(bench.names().iter().filter(|name| *name == "evil.no").count(), 1);
    assert!(is_quiet(&bench, 1 + QUIC_LATELY_MAX as u64), "{:?}", bench.counts);
}

#[test]
fn a_hello_too_long_to_be_remembered_is_told_once_and_so_is_another() {
    let long = |name: &str| {
        let mut hello = named(name);
        // Behind the extensions, where nobody looks.
        hello.resize(QUIC_LATELY_MAX_OCTETS + 500, 0);
        let octets = (hello.len() - 4) as u32;
        hello[1..4].copy_from_slice(&octets.to_be_bytes()[1..]);
        hello
    };
    let mut bench = Bench::new();
    for (number, name) in [(0, "good.no"), (10, "good.no"), (20, "evil.no"), (30, "evil.no")] {
        let hello = long(name);
        send(&mut bench, &parts(&hello, number, &[0..1000, 2000..hello.len(), 1000..2000]));
    }
    assert_eq!(bench.names(), ["good.no", "evil.no"]);
    assert_eq!(bench.greetings.kept_octets(), 0);
}

#[test]
fn a_piece_in_front_that_says_something_else_hides_no_whole_hello() {
    let hello = named("evil.no");
    let mut decoy = hello.clone();
    decoy[60..].fill(b'g');
    for piece in [0..1, 60..90, 30..hello.len()] {
        let mut decoy = decoy.clone();
        decoy[0] = if piece.start == 0 { 1 } else { 9 };
        decoy[1] = 1;
        let mut bench = Bench::new();
        send(&mut bench, &parts(&decoy, 0, std::slice::from_ref(&piece)));
        send(&mut bench, &whole(&hello, 1));
        assert_eq!(bench.names(), ["evil.no"], "{piece:?}");
        assert_eq!(contradicting(&bench), u64::from(piece.start > 0));
        bench.end();
        assert_eq!(bench.greetings.kept_octets(), 0);
    }
}

#[test]
fn of_pieces_that_contradict_one_another_both_readings_are_told_and_it_is_counted() {
    let (first, other) = (named("good.no"), named("evil.no"));
    let end = first.len();
    let differs = first.iter().zip(&other).position(|(one, other)| one != other).unwrap();
    let around = differs..differs + 4;
    let rest = [0..around.start, around.end..end];
    // Before the first reading is whole, and after.
    for decoy_at in 0..4 {
        let mut packets = parts(&first, 0, &[rest[0].clone(), around.clone(), rest[1].clone()]);
        packets.insert(decoy_at, sender().packet(9, &crypto(&other, around.clone())));
        let mut bench = Bench::new();
        send(&mut bench, &packets);
        assert_eq!((bench.names().len(), contradicting(&bench)), (1, 1), "{decoy_at}");
        bench.end();
        let mut names = bench.names();
        names.sort();
        assert_eq!(names, ["evil.no", "good.no"], "{decoy_at}");
        assert_eq!(bench.greetings.kept_octets(), 0);
    }
}

#[test]
fn what_contradicts_and_stays_a_part_is_read_as_far_as_it_came() {
    let (first, other) = (named("good.no"), named("evil.no"));
    let mut bench = Bench::new();
    send(&mut bench, &parts(&first, 0, &[0..200]));
    send(&mut bench, &parts(&other, 1, &[50..210]));
    bench.end();
    assert_eq!(bench.words().len(), 2);
    assert!(bench.words().iter().all(|words| words.contains("CutQuic")), "{:?}", bench.words());
    assert_eq!((contradicting(&bench), bench.counts.given_up), (1, 1));
}

#[test]
fn s5_hellos_to_one_connection_id_are_bounded_and_what_is_passed_over_is_counted_once() {
    let mut bench = Bench::new();
    for number in 0..100 {
        let hello = named(&format!("h{number}.no"));
        send(&mut bench, &whole(&hello, number));
        let is_over = number >= u32::from(QUIC_HELLOS_MAX);
        assert_eq!(bench.counts.given_up, u64::from(is_over), "{number}");
    }
    assert_eq!((bench.names().len(), bench.greetings.len()), (usize::from(QUIC_HELLOS_MAX), 0));
    // Nine of them in one packet.
    let mut bench = Bench::new();
    let hellos = (0..9).map(|number| named(&format!("h{number}.no")));
    let frames: Vec<u8> = hellos.flat_map(|hello| crypto(&hello, 0..hello.len())).collect();
    bench.udp(CLIENT, SERVER, &sender().packet(0, &frames));
    assert_eq!((bench.names().len(), bench.counts.given_up), (usize::from(QUIC_HELLOS_MAX), 1));
}

#[test]
fn s5_what_stands_behind_too_many_packets_that_greet_nobody_is_counted() {
    let hello = named("evil.no");
    let mut broken = sender().packet(0, &crypto(&hello, 0..hello.len()));
    *broken.last_mut().unwrap() ^= 1;
    let ping = Sender::new(1, &[4; 8]).packet(0, &[1]);
    let again = sender().packet(1, &crypto(&hello, 0..hello.len()));
    for (before, junk, told) in [(None, broken, 0), (None, ping, 0), (Some(again.clone()), again, 1)] {
        let mut bench = Bench::new();
        send(&mut bench, before.as_slice());
        for _ in 0..QUIC_TRIES_MAX {
            send(&mut bench, std::slice::from_ref(&junk));
        }
        assert_eq!(bench.counts.given_up, 0, "nothing was passed over yet");
        let hidden = Sender::new(1, &[5; 8]).packet(0, &crypto(&hello, 0..hello.len()));
        send(&mut bench, &[vec![0x40; 9], hidden.clone(), hidden]);
        assert_eq!((bench.names().len(), bench.counts.given_up), (told, 1), "{told}");
    }
}

#[test]
fn a_frame_that_has_no_place_in_front_hides_no_hello_and_one_that_cannot_be_read_is_counted() {
    let hello = named("evil.no");
    let crypto = crypto(&hello, 0..hello.len());
    for (before, is_read) in [(&[0x1e][..], true), (&[0x1c, 0, 0, 0], true), (&[0x21], false), (&[0x06, 0], false)] {
        let mut bench = Bench::new();
        bench.udp(CLIENT, SERVER, &sender().packet(0, &[before, &crypto].concat()));
        let refused = bench.counts.refused;
        assert_eq!(
            (bench.names().len(), refused.of(BadHello::OtherFrame)),
            (usize::from(is_read), u64::from(!is_read))
        );
        assert_eq!(refused.total(), u64::from(!is_read), "{before:?}");
    }
}
