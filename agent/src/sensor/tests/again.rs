//! What is said behind a SYN in doubt is told of the flow that its answer begins, and of no other.

use super::*;
use crate::limits::DOUBTS_MAX;
use crate::packet::tcp_flags::{ACK, FIN, SYN};
use varde_common::alert::Evidence::{self, Attempted, Contacted, DataOut};

/// SYN of the connection that follows on the same port.
const ANEW: u32 = 900_000_000;
/// More than the amount that counts as data out here.
const MUCH_OCTETS: usize = 60_000;

fn hello(name: &str) -> Vec<u8> {
    tls::sample::records(&tls::sample::named(name), 16384)
}

thread_local! {
    /// Hellos come in IP fragments of so many octets; none = whole.
    static FRAGMENT_OCTETS: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

/// A client and a server, each with the next octet of its stream.
struct Line {
    sensor: Sensor,
    now_ms: i64,
    client: u32,
    server: u32,
    /// Of the client.
    port: u16,
}

impl Line {
    fn new(listed: &[&str]) -> Line {
        let settings = SensorSettings {
            keep: Keep { sightings: true, alerts: true },
            data_out_octets: MUCH_OCTETS as u32 / 2,
            ..SensorSettings::default()
        };
        let list = (1..).zip(listed).map(|(id, line)| Indicator::bare(IndicatorId(id), line.parse().unwrap()));
        let sensor = Sensor::new(settings, Arc::new(IndicatorSet::build(list.collect())), Revision(1));
        Line { sensor, now_ms: 1_800_000_000_000, client: 1_000, server: 5_000, port: 40_000 }
    }

    fn packet(&mut self, from_client: bool, (seq, ack): (u32, u32), flags: u8, payload: &[u8]) {
        let (mut addresses, mut ports) = ([[10, 0, 0, 1], [203, 0, 113, 9]], [self.port, 443]);
        if !from_client {
            addresses.reverse();
            ports.reverse();
        }
        let mut segment = ports.map(u16::to_be_bytes).concat();
        segment.extend([seq, ack].map(u32::to_be_bytes).concat());
        segment.extend([0x50, flags, 1, 0, 0, 0, 0, 0]);
        segment.extend(payload);
        self.now_ms += 1;
        let time = Timestamp(self.now_ms * 1_000);
        let piece_octets = FRAGMENT_OCTETS.get().filter(|_| payload.first() == Some(&0x16)).unwrap_or(segment.len());
        let pieces = segment.chunks(piece_octets);
        let last = pieces.len() - 1;
        for (number, piece) in pieces.enumerate() {
            let place = (number * piece_octets / 8) as u16 | if number < last { 0x2000 } else { 0 };
            let mut octets = vec![0x45, 0];
            octets.extend((20 + piece.len() as u16).to_be_bytes());
            octets.extend((self.now_ms as u16).to_be_bytes());
            octets.extend(place.to_be_bytes());
            octets.extend([64, 6, 0, 0]);
            octets.extend(addresses.concat());
            octets.extend(piece);
            let length = octets.len() as u32;
            self.sensor.handle_frame(&Frame {
                time,
                source: 0,
                link: LinkType::RawIp,
                octets: &octets,
                length,
                vlan: None,
            });
        }
    }

    fn client(&mut self, flags: u8, payload: &[u8]) {
        let ack = if flags & ACK == 0 { 0 } else { self.server };
        self.packet(true, (self.client, ack), flags, payload);
        self.client += payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
    }

    fn server(&mut self, flags: u8, payload: &[u8]) {
        self.packet(false, (self.server, self.client), flags, payload);
        self.server += payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
    }

    fn say(&mut self, octets: &[u8]) {
        self.client(ACK, octets);
        self.server(ACK, &[]);
    }

    fn say_much(&mut self) {
        for _ in 0..MUCH_OCTETS / 1_000 {
            self.say(&[0x17; 1_000]);
        }
    }

    /// A connection that has said all that it will, and whose end is not seen.
    fn old(mut self, name: &str, is_much: bool) -> Line {
        self.client(SYN, &[]);
        self.server(SYN | ACK, &[]);
        self.say(&hello(name));
        for _ in 0..20 {
            self.say(&[0x17; 37]);
        }
        if is_much {
            self.say_much();
        }
        self.now_ms += 60_000;
        self
    }

    /// Its port is used again.
    fn again(&mut self) {
        (self.client, self.server) = (ANEW, 77_777);
    }

    fn finish(&mut self) {
        self.client(FIN | ACK, &[]);
        self.server(FIN | ACK, &[]);
        self.client(ACK, &[]);
    }

    /// Evidence of all sightings, and of each alert with its count.
    fn told(mut self) -> (Vec<Evidence>, Vec<(Evidence, u64)>) {
        self.sensor.close_all();
        let sightings = std::iter::from_fn(|| self.sensor.poll_sighting()).map(|sighting| sighting.evidence).collect();
        let alerts =
            std::iter::from_fn(|| self.sensor.poll_alert()).map(|alert| (alert.evidence, alert.count)).collect();
        (sightings, alerts)
    }
}

/// How the SYN of the new connection is answered, and whether the hello stands in it.
#[derive(Debug, Clone, Copy)]
enum Opening {
    InTime,
    Late,
    Lost,
    InSyn,
    InSynUnseen,
}

const OPENINGS: [Opening; 5] = [Opening::InTime, Opening::Late, Opening::Lost, Opening::InSyn, Opening::InSynUnseen];

impl Line {
    fn open(&mut self, opening: Opening, name: &str) {
        self.again();
        let octets = hello(name);
        match opening {
            Opening::InSyn | Opening::InSynUnseen => self.client(SYN, &octets),
            Opening::InTime | Opening::Late | Opening::Lost => self.client(SYN, &[]),
        }
        let answer = (self.server, self.client);
        match opening {
            Opening::InTime | Opening::InSyn => self.server(SYN | ACK, &[]),
            Opening::Late | Opening::Lost | Opening::InSynUnseen => self.server += 1,
        }
        self.client(ACK, &[]);
        match opening {
            Opening::InTime | Opening::Late | Opening::Lost => self.client(ACK, &octets),
            Opening::InSyn | Opening::InSynUnseen => {}
        }
        if let Opening::Late = opening {
            self.packet(false, answer, SYN | ACK, &[]);
        }
        self.server(ACK, b"\x17\x03\x03\0\x01y");
        self.client(ACK, &[]);
    }
}

#[test]
fn d21_a_name_behind_a_syn_in_doubt_has_sent_what_its_own_connection_sends() {
    for opening in OPENINGS {
        for (is_much_before, is_much, evidence) in [(false, true, DataOut), (true, false, Contacted)] {
            let mut line = Line::new(&["evil.example"]).old("good.example", is_much_before);
            line.open(opening, "evil.example");
            if is_much {
                line.say_much();
            }
            line.finish();
            assert_eq!(line.told(), (vec![evidence], vec![(evidence, 1)]), "{opening:?} {is_much}");
        }
    }
}

#[test]
fn d21_a_name_behind_a_syn_that_nobody_answers_is_attempted_whatever_the_standing_connection_does() {
    for is_before in [true, false] {
        let mut line = Line::new(&["evil.example"]).old("good.example", is_before);
        let stood = (line.client, line.server);
        line.again();
        line.client(SYN, &hello("evil.example"));
        (line.client, line.server) = stood;
        if !is_before {
            line.say_much();
        }
        line.finish();
        assert!(line.sensor.poll_sighting().is_none(), "the SYN may be answered as long as the connection stands");
        line.sensor.handle_time(Timestamp((line.now_ms + 20_000) * 1_000));
        let sighting = line.sensor.poll_sighting().unwrap();
        assert_eq!(sighting.evidence, Attempted, "it is told when the connection is over");
        assert_eq!(line.told(), (vec![], vec![(Attempted, 1)]), "{is_before}");
    }
}

#[test]
fn d21_a_name_behind_an_unanswered_syn_is_not_lifted_by_the_next_that_is_answered() {
    let mut line = Line::new(&["evil.example"]).old("good.example", false);
    line.again();
    line.client(SYN, &hello("evil.example"));
    (line.client, line.server) = (ANEW + (1 << 29), 99_999);
    line.client(SYN, &[]);
    line.server(SYN | ACK, &[]);
    line.say(&hello("good.example"));
    line.say_much();
    line.finish();
    assert_eq!(line.told(), (vec![Attempted], vec![(Attempted, 1)]));
}

#[test]
fn d20_a_name_that_is_told_on_both_connections_of_a_port_counts_twice() {
    for opening in OPENINGS {
        let mut line = Line::new(&["evil.example"]).old("evil.example", false);
        line.open(opening, "evil.example");
        line.finish();
        assert_eq!(line.told(), (vec![Contacted; 2], vec![(Contacted, 2)]), "{opening:?}");
    }
}

#[test]
fn d21_a_connection_that_began_in_doubt_counts_for_its_address() {
    for opening in OPENINGS {
        let mut line = Line::new(&["203.0.113.9"]).old("good.example", false);
        line.open(opening, "good.example");
        line.finish();
        assert_eq!(line.told(), (vec![Contacted; 2], vec![(Contacted, 2)]), "{opening:?}");
    }
}

#[test]
fn s4_a_syn_in_doubt_that_is_let_go_is_counted() {
    let mut line = Line::new(&["evil.example"]);
    for number in 0..=DOUBTS_MAX as u16 {
        line.port = 10_000 + number;
        (line.client, line.server) = (1_000, 5_000);
        line.client(SYN, &[]);
        line.server(SYN | ACK, &[]);
        line.client(ACK, &[]);
        assert_eq!(line.sensor.health().evictions.flows, 0);
        line.again();
        let octets = if number == 0 { hello("evil.example") } else { Vec::new() };
        line.client(SYN, &octets);
    }
    assert_eq!(line.sensor.health().evictions.flows, 1);
    let sighting = line.sensor.poll_sighting().unwrap();
    assert_eq!(sighting.evidence, Attempted, "what was told of it is told as it is");
}

impl Line {
    /// A connection joined midway, the server heard first or the client, whose end is not seen.
    fn midway(mut self, is_server_first: bool) -> Line {
        for _ in 0..20 {
            if is_server_first {
                self.server(ACK, &[0x17; 96]);
            }
            self.say(&[0x17; 37]);
        }
        self.now_ms += 60_000;
        self
    }
}

#[test]
fn d21_on_the_port_of_a_connection_joined_midway_the_next_begins_whoever_was_heard_first() {
    for opening in OPENINGS {
        for (is_server_first, has_fin) in [(true, false), (true, true), (false, false)] {
            let mut line = Line::new(&["evil.example"]).midway(is_server_first);
            if has_fin {
                line.client(FIN | ACK, &[]);
            }
            line.open(opening, "evil.example");
            line.say_much();
            line.finish();
            assert_eq!(line.told(), (vec![DataOut], vec![(DataOut, 1)]), "{opening:?} {is_server_first} {has_fin}");
        }
    }
}

#[test]
fn s4_a_syn_in_the_server_s_name_ends_no_connection_and_hides_neither_its_hello_nor_what_is_sent() {
    let octets = hello("evil.example");
    for forged in [3_000_000_000, 5_000, 5_001, 70_000] {
        for (at, is_refused) in [(0, false), (1, false), (2, false), (1, true), (2, true)] {
            let mut line = Line::new(&["evil.example"]);
            line.client(SYN, &[]);
            line.server(SYN | ACK, &[]);
            line.client(ACK, &[]);
            for (number, part) in [&octets[..70], &octets[70..], &[]].into_iter().enumerate() {
                if number == at {
                    line.packet(false, (forged, 0), SYN, &[]);
                    if is_refused {
                        // What a receiver answers to a SYN within a connection (RFC 5961 section 4).
                        line.client(ACK, &[]);
                    }
                }
                line.say(part);
            }
            line.say_much();
            line.finish();
            assert_eq!(line.told(), (vec![DataOut], vec![(DataOut, 1)]), "{forged} {at} {is_refused}");
        }
    }
}

#[test]
fn a_port_used_again_from_the_other_end_begins_a_flow_of_that_end() {
    for is_seen in [true, false] {
        let mut line = Line::new(&["203.0.113.9"]).old("good.example", false);
        (line.server, line.client) = (ANEW, 77_777);
        line.packet(false, (ANEW, 0), SYN, &[]);
        line.server += 1;
        if is_seen {
            line.client(SYN | ACK, &[]);
        } else {
            line.client += 1;
        }
        line.server(ACK, b"SSH-2.0-x\r\n");
        line.client(ACK, b"SSH-2.0-y\r\n");
        line.server(ACK, &[]);
        line.finish();
        let (sightings, alerts) = line.told();
        assert_eq!((sightings, alerts.len()), (vec![Contacted; 2], 2), "outbound, and inbound");
    }
}

#[test]
fn d21_d20_of_a_hello_in_fragments_behind_a_syn_in_doubt_it_is_the_same() {
    // The first holds a part of the header, the header and four octets more, or a part of the hello.
    for octets in [16, 24, 64] {
        FRAGMENT_OCTETS.set(Some(octets));
        d21_a_name_behind_a_syn_in_doubt_has_sent_what_its_own_connection_sends();
        d21_a_name_behind_a_syn_that_nobody_answers_is_attempted_whatever_the_standing_connection_does();
        d21_a_name_behind_an_unanswered_syn_is_not_lifted_by_the_next_that_is_answered();
        d20_a_name_that_is_told_on_both_connections_of_a_port_counts_twice();
        d21_a_connection_that_began_in_doubt_counts_for_its_address();
        d21_on_the_port_of_a_connection_joined_midway_the_next_begins_whoever_was_heard_first();
    }
    FRAGMENT_OCTETS.set(None);
}
