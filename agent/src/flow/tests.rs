//! Flows: what belongs together, how far it got, when it is over, whatever comes.

mod alone;
mod any;
mod apart;
mod crafted;
mod ends;

use std::collections::BTreeMap;
use std::net::IpAddr;

use varde_common::observation::{Endpoint, Protocol};

use super::*;
use crate::limits::DATA_OUT_OCTETS;
use crate::observe::Seen;
use crate::packet::tcp_flags::{ACK, FIN, RST, SYN};
use crate::packet::{IcmpRole, Transport};

const A: &str = "10.0.0.1:40000";
const B: &str = "192.0.2.1:443";
const SYNACK: u8 = SYN | ACK;

struct Bench {
    flows: Flows,
    counts: FlowCounts,
    events: Vec<FlowEvent>,
    now: Timestamp,
    max: usize,
    /// Where the stream of each end stands, as the other acknowledges it.
    stands: BTreeMap<String, u32>,
}

fn keep(events: &mut Vec<FlowEvent>, seen: Seen) {
    if let Seen::Flow(event) = seen {
        events.push(event);
    }
}

impl Bench {
    fn new(max: usize) -> Bench {
        let flows = Flows::new(max, Duration::from_secs(120), Duration::from_secs(1800), DATA_OUT_OCTETS);
        Bench {
            flows,
            counts: FlowCounts::default(),
            events: Vec::new(),
            now: Timestamp::MIN,
            max,
            stands: BTreeMap::new(),
        }
    }

    fn packet(&mut self, seconds: i64, src: &str, dst: &str, protocol: Protocol, transport: Transport<'_>) {
        let (src, dst): (Endpoint, Endpoint) = (src.parse().unwrap(), dst.parse().unwrap());
        let transport = match transport {
            Transport::Udp { payload, .. } => Transport::Udp { src_port: src.port(), dst_port: dst.port(), payload },
            Transport::Tcp { seq, ack, flags, urgent, payload, .. } => {
                Transport::Tcp { src_port: src.port(), dst_port: dst.port(), seq, ack, flags, urgent, payload }
            }
            Transport::Ports { .. } => Transport::Ports { src_port: src.port(), dst_port: dst.port() },
            other @ (Transport::Icmp { .. } | Transport::Other) => other,
        };
        self.take(&Packet {
            time: Timestamp::from_unix(seconds, 0),
            source: 2,
            src: src.ip(),
            dst: dst.ip(),
            protocol,
            octets: 100,
            fragment: Fragment::Whole,
            transport,
        });
    }

    fn take(&mut self, packet: &Packet<'_>) {
        self.now = self.now.max(packet.time);
        let events = &mut self.events;
        self.flows.handle_packet(packet, self.now, &mut self.counts, &mut |seen| keep(events, seen));
        assert!(self.flows.len() <= self.max);
    }

    fn tcp(&mut self, seconds: i64, src: &str, dst: &str, flags: u8) {
        let seq = if flags & SYN == 0 { self.stands.get(src).copied().unwrap_or(0) } else { 0 };
        self.tcp_at(seconds, src, dst, flags, seq);
    }

    fn tcp_at(&mut self, seconds: i64, src: &str, dst: &str, flags: u8, seq: u32) {
        let ack = self.stands.get(dst).copied().unwrap_or(0);
        if flags & (SYN | FIN) != 0 {
            self.stands.insert(src.to_owned(), seq.wrapping_add(1));
        }
        self.segment(seconds, src, dst, flags, seq, ack, &[]);
    }

    #[expect(clippy::too_many_arguments, reason = "a segment with all that it says")]
    fn segment(&mut self, seconds: i64, src: &str, dst: &str, flags: u8, seq: u32, ack: u32, payload: &[u8]) {
        let transport = Transport::Tcp { src_port: 0, dst_port: 0, seq, ack, flags, urgent: 0, payload };
        self.packet(seconds, src, dst, Protocol::TCP, transport);
    }

    fn udp(&mut self, seconds: i64, src: &str, dst: &str) {
        self.packet(seconds, src, dst, Protocol::UDP, Transport::Udp { src_port: 0, dst_port: 0, payload: &[] });
    }

    fn icmp(&mut self, seconds: i64, src: &str, dst: &str, role: IcmpRole) {
        self.packet(seconds, src, dst, Protocol::ICMP, Transport::Icmp { role });
    }

    fn wait(&mut self, seconds: i64) {
        self.now = self.now.max(Timestamp::from_unix(seconds, 0));
        let Bench { flows, events, now, .. } = self;
        while flows.end_expired(*now, &mut |seen| keep(events, seen)) {}
    }

    fn steps(&self) -> Vec<(u64, FlowStep)> {
        self.events.iter().map(|event| (event.flow.0, event.step)).collect()
    }

    /// Ends everything; the records that count.
    fn records(&mut self) -> Vec<FlowRecord> {
        let open: Vec<Place> = self.flows.open().map(|(place, _)| place).collect();
        for place in open {
            self.flows.end(place, &mut |seen| keep(&mut self.events, seen));
        }
        let last = |event: &&FlowEvent| matches!(event.step, FlowStep::Closed | FlowStep::Reported);
        self.events.iter().filter(last).map(|event| event.record.clone()).collect()
    }
}

#[test]
fn a_flow_is_told_by_both_ends_and_its_protocol() {
    let mut bench = Bench::new(100);
    bench.udp(1, A, B);
    bench.udp(2, B, A);
    bench.udp(3, A, B);
    bench.tcp(4, A, B, SYN);
    bench.udp(5, A, "192.0.2.1:444");
    bench.udp(5, "[2001:db8::1]:40000", "[2001:db8::2]:443");
    bench.icmp(5, "192.0.2.1:0", "10.0.0.1:0", IcmpRole::Request);
    bench.packet(5, "10.0.0.1:0", "192.0.2.1:0", Protocol(47), Transport::Other);
    assert_eq!((bench.flows.len(), bench.counts.opened), (6, 6));
    let record = &bench.records()[0];
    assert_eq!((record.initiator.to_string(), record.responder.to_string()), (A.to_owned(), B.to_owned()));
    assert_eq!((record.packets, record.octets, record.reverse_packets, record.reverse_octets), (2, 200, 1, 100));
    assert_eq!((record.start, record.end), (Timestamp::from_unix(1, 0), Timestamp::from_unix(3, 0)));
    assert_eq!(bench.events[0].source, 2);
}

#[test]
fn contact_is_what_decision_21_says() {
    use Contact::{Answered, ErrorsOnly, Unanswered};
    // Packets of one flow: `>` from the first sender, `<` back; the flags; what the last record says.
    type Case<'a> = (&'a str, &'a [(char, u8)], &'a [Contact]);
    let cases: &[Case<'_>] = &[
        ("handshake", &[('>', SYN), ('<', SYNACK), ('>', ACK)], &[Answered]),
        ("no third segment", &[('>', SYN), ('<', SYNACK), ('<', SYNACK)], &[Unanswered]),
        ("SYN scan", &[('>', SYN), ('<', SYNACK), ('>', RST)], &[Unanswered]),
        ("SYN scan, reset with ACK", &[('>', SYN), ('<', SYNACK), ('>', RST | ACK)], &[Unanswered]),
        ("refused", &[('>', SYN), ('<', RST | ACK)], &[Unanswered]),
        ("SYN alone", &[('>', SYN), ('>', SYN)], &[Unanswered]),
        ("SYN and ACKs one way only", &[('>', SYN), ('>', ACK), ('>', ACK)], &[Unanswered]),
        ("SYN-ACK missed", &[('>', SYN), ('<', ACK), ('>', ACK)], &[Answered]),
        ("ACK before the SYN-ACK is no later one", &[('>', SYN), ('>', ACK), ('<', SYNACK)], &[Unanswered]),
        ("challenge ACK, then reset", &[('>', SYN), ('<', ACK), ('>', RST)], &[Unanswered]),
        ("midway", &[('>', ACK), ('<', ACK)], &[Answered]),
        ("midway, one end", &[('>', ACK), ('>', ACK)], &[Unanswered]),
        ("ACK scan", &[('>', ACK), ('<', RST)], &[Unanswered]),
        ("NULL scan", &[('>', 0), ('<', RST | ACK)], &[Unanswered]),
        ("midway, reset", &[('>', ACK), ('<', ACK), ('<', RST)], &[Answered]),
        ("reset alone", &[('>', RST), ('>', RST | ACK)], &[ErrorsOnly]),
        ("resets both ways", &[('>', RST), ('<', RST)], &[ErrorsOnly]),
        ("reset, then data by the same end", &[('>', RST), ('>', ACK)], &[Unanswered]),
        ("reset, then data by the other", &[('>', RST), ('<', ACK)], &[ErrorsOnly, Unanswered]),
        ("reset, then data by both", &[('>', RST), ('<', ACK), ('>', ACK)], &[ErrorsOnly, Answered]),
        ("reset, then a SYN", &[('>', RST), ('<', SYN), ('>', SYNACK), ('<', ACK)], &[ErrorsOnly, Answered]),
    ];
    for (what, packets, expected) in cases {
        let mut bench = Bench::new(10);
        for (direction, flags) in *packets {
            let (src, dst) = if *direction == '>' { (A, B) } else { (B, A) };
            bench.tcp(1, src, dst, *flags);
        }
        let answered = bench.events.iter().filter(|event| event.step == FlowStep::Answered).count();
        let contacts: Vec<Contact> = bench.records().iter().map(|record| record.contact).collect();
        assert_eq!(contacts, *expected, "{what}");
        assert_eq!(answered, contacts.iter().filter(|contact| **contact == Answered).count(), "{what}");
    }
}

#[test]
fn icmp_errors_are_neither_attempt_nor_answer() {
    use Contact::{Answered, ErrorsOnly, Unanswered};
    const E: IcmpRole = IcmpRole::Error;
    const ECHO: IcmpRole = IcmpRole::Request;
    const REPLY: IcmpRole = IcmpRole::Other;
    for (what, packets, expected) in [
        ("echo and reply", &[('>', ECHO), ('<', REPLY)][..], &[Answered][..]),
        ("echo and error", &[('>', ECHO), ('<', E)], &[Unanswered]),
        ("echoes both ways, replies none", &[('>', ECHO), ('<', ECHO), ('>', ECHO)], &[Unanswered]),
        ("echoes both ways, one reply", &[('>', ECHO), ('<', ECHO), ('>', REPLY)], &[Answered]),
        ("reply that nobody asked for", &[('>', REPLY), ('>', REPLY)], &[Unanswered]),
        ("reply first, then echo and reply", &[('>', REPLY), ('<', ECHO), ('>', REPLY)], &[Answered]),
        ("error alone", &[('>', E), ('>', E)], &[ErrorsOnly]),
        ("error, then echo by the same end", &[('>', E), ('>', ECHO)], &[Unanswered]),
        ("error, then echo by the other", &[('>', E), ('<', ECHO)], &[ErrorsOnly, Unanswered]),
        ("error, then echo and reply", &[('>', E), ('<', ECHO), ('>', REPLY)], &[ErrorsOnly, Answered]),
    ] {
        let mut bench = Bench::new(10);
        for (direction, role) in packets {
            let (src, dst) = if *direction == '>' { (A, B) } else { (B, A) };
            bench.icmp(1, src, dst, *role);
        }
        let contacts: Vec<Contact> = bench.records().iter().map(|record| record.contact).collect();
        assert_eq!(contacts, expected, "{what}");
    }
    let mut bench = Bench::new(10);
    bench.icmp(1, A, B, IcmpRole::Request);
    bench.packet(1, B, A, Protocol::ICMP, Transport::Other);
    assert_eq!(bench.records()[0].contact, Unanswered, "an ICMP message cut to nothing is no answer");
    let mut bench = Bench::new(10);
    bench.packet(1, A, B, Protocol(50), Transport::Other);
    bench.packet(1, B, A, Protocol(50), Transport::Other);
    assert_eq!(bench.records()[0].contact, Answered, "another protocol");
}

#[test]
fn a_connection_that_stands_may_be_silent_for_an_hour_and_keeps_its_initiator() {
    let mut bench = Bench::new(10);
    for (src, dst, flags) in [(A, B, SYN), (B, A, SYNACK), (A, B, ACK)] {
        bench.tcp(1, src, dst, flags);
    }
    bench.tcp(3000, B, A, ACK);
    bench.tcp(3001, A, B, ACK);
    assert!(bench.records().iter().all(|record| record.initiator.to_string() == A), "{:?}", bench.records());
    let mut bench = Bench::new(10);
    bench.tcp(1, A, B, SYN);
    bench.tcp(3000, B, A, ACK);
    assert_eq!(bench.records().len(), 2, "what never stood is over after the ordinary time");
}

#[test]
fn who_receives_a_syn_ack_first_is_the_initiator() {
    let mut bench = Bench::new(10);
    bench.tcp(1, B, A, SYNACK);
    assert_eq!(bench.events[0].record.initiator.to_string(), A);
    assert_eq!((bench.events[0].record.packets, bench.events[0].record.reverse_packets), (0, 1));
    assert_eq!(bench.events[0].record.contact, Contact::Unanswered);
    bench.tcp(1, A, B, ACK);
    assert_eq!(bench.steps(), [(0, FlowStep::Opened), (0, FlowStep::Answered)]);
}

#[test]
fn idle_flows_close_and_the_next_packet_opens_another() {
    let mut bench = Bench::new(10);
    bench.udp(0, A, B);
    bench.udp(100, B, A);
    bench.wait(219);
    assert_eq!(bench.flows.len(), 1);
    bench.wait(220);
    bench.udp(221, A, B);
    bench.udp(341, A, B); // idle too, before anybody looked
    use FlowStep::{Answered, Closed, Opened};
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Closed), (1, Opened), (1, Closed), (2, Opened)]);
    assert_eq!(bench.records().iter().map(|record| record.contact).collect::<Vec<_>>()[1], Contact::Unanswered);
}

#[test]
fn a_long_flow_is_reported_and_goes_on_under_its_id() {
    let mut bench = Bench::new(10);
    for minute in 0..=61 {
        bench.udp(minute * 60, A, B);
        bench.udp(minute * 60, B, A);
    }
    use FlowStep::{Answered, Closed, Opened, Reported};
    let records = bench.records();
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Reported), (0, Reported), (0, Closed)]);
    assert_eq!(
        records.iter().map(|r| (r.packets, r.reverse_packets)).collect::<Vec<_>>(),
        [(30, 30), (30, 30), (2, 2)]
    );
    assert_eq!(records[1].start, Timestamp::from_unix(1800, 0));
    assert!(bench.events.iter().all(|event| event.began == Timestamp::from_unix(0, 0)), "it began once");
    assert!(records.iter().all(|record| record.contact == Contact::Answered && record.initiator.to_string() == A));
}

#[test]
fn an_end_that_has_sent_more_than_so_much_is_told_of_once() {
    use FlowStep::{Answered, Closed, Opened, Reported, Volume as Much};
    let mut bench = Bench::new(10);
    bench.flows.data_out_octets = 1000;
    for second in 0..10 {
        bench.udp(second, A, B);
    }
    assert_eq!(bench.steps(), [(0, Opened)], "1000 octets are not more than 1000");
    bench.udp(10, B, A);
    for minute in 0..=31 {
        bench.udp(11 + minute * 60, A, B);
    }
    for _ in 0..9 {
        bench.udp(1900, B, A);
    }
    assert_eq!(bench.steps(), [Opened, Answered, Much, Reported].map(|step| (0, step)));
    bench.udp(1900, B, A);
    bench.udp(1900, B, A);
    assert_eq!(bench.records().len(), 2);
    let told: Vec<_> = bench.events.iter().map(|e| (e.step, e.volume.initiator, e.volume.responder)).collect();
    assert_eq!(told[2..4], [(Much, true, false), (Reported, true, false)]);
    assert_eq!(told[4..], [(Much, true, true), (Closed, true, true)], "counted since the flow began");
}

#[test]
fn segments_that_only_acknowledge_send_nothing() {
    // Payload shown, octets as IP says, whether ten of them are over 350.
    for (payload, octets, much) in [
        (&[][..], 40, false),
        (&[], 100, false),
        (&[], 101, true),
        (&[], 1500, true),
        (&[1], 41, true),
        (&[1], 101, true),
    ] {
        let mut bench = Bench::new(10);
        bench.flows.data_out_octets = 350;
        let (src, dst): (Endpoint, Endpoint) = (A.parse().unwrap(), B.parse().unwrap());
        let (src_port, dst_port) = (src.port(), dst.port());
        for second in 0..10 {
            bench.take(&Packet {
                time: Timestamp::from_unix(second, 0),
                source: 0,
                src: src.ip(),
                dst: dst.ip(),
                protocol: Protocol::TCP,
                octets,
                fragment: Fragment::Whole,
                transport: Transport::Tcp { src_port, dst_port, seq: 0, ack: 0, flags: ACK, urgent: 0, payload },
            });
        }
        let told = bench.events.iter().any(|event| event.step == FlowStep::Volume);
        assert_eq!(told, much, "{payload:?} {octets}");
    }
}

#[test]
fn after_its_end_a_flow_lingers_for_late_packets() {
    use FlowStep::{Answered, Closed, Opened};
    for ends in [&[(A, B, FIN | ACK), (B, A, FIN | ACK)][..], &[(B, A, RST)]] {
        let mut bench = Bench::new(10);
        bench.tcp(0, A, B, SYN);
        bench.tcp(0, B, A, SYNACK);
        bench.tcp(0, A, B, ACK);
        for (src, dst, flags) in ends {
            bench.tcp(1, src, dst, *flags);
        }
        bench.tcp(5, A, B, ACK);
        bench.wait(9);
        assert_eq!(bench.flows.len(), 1);
        bench.wait(10);
        assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Closed)]);
        assert_eq!(bench.flows.len(), 0);
    }
    let mut bench = Bench::new(10);
    bench.tcp(0, A, B, ACK);
    bench.tcp(0, A, B, FIN | ACK);
    bench.wait(119);
    assert_eq!(bench.flows.len(), 1, "one FIN is only half an end");
    bench.tcp(119, B, A, RST);
    bench.tcp(130, B, A, ACK);
    assert_eq!(bench.steps(), [(0, Opened), (0, Closed), (1, Opened)], "beyond the linger, before anybody looked");
}

#[test]
fn a_new_syn_after_an_end_is_a_new_flow_and_a_repeated_one_is_not() {
    use FlowStep::{Closed, Opened};
    let mut bench = Bench::new(10);
    bench.tcp(0, A, B, SYN);
    bench.tcp(1, A, B, SYN);
    bench.tcp(1, B, A, RST | ACK);
    bench.tcp_at(2, A, B, SYN, 77);
    bench.tcp(2, B, A, FIN | ACK);
    bench.tcp(3, B, A, SYN);
    assert_eq!(bench.steps(), [(0, Opened), (0, Closed), (1, Opened), (1, Closed), (2, Opened)]);
    let records = bench.records();
    assert_eq!(records.iter().map(|r| (r.packets, r.reverse_packets)).collect::<Vec<_>>(), [(2, 1), (1, 1), (1, 0)]);
    assert_eq!(records[2].initiator.to_string(), B);
}

#[test]
fn a_port_that_is_used_again_begins_another_flow_though_nobody_saw_the_end() {
    use FlowStep::{Answered, Closed, Opened};
    let mut bench = Bench::new(10);
    for (seconds, seq) in [(0, 7), (60, 99)] {
        bench.tcp_at(seconds, A, B, SYN, seq);
        bench.tcp(seconds, B, A, SYNACK);
        bench.tcp(seconds, A, B, ACK);
    }
    bench.tcp_at(61, A, B, SYN, 99);
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Closed), (1, Opened), (1, Answered)]);
}

#[test]
fn a_syn_that_is_sent_again_after_its_refusal_is_the_same_attempt() {
    let mut bench = Bench::new(10);
    for second in 0..3 {
        bench.tcp_at(second, A, B, SYN, 1000);
        bench.tcp_at(second, B, A, RST | ACK, 0);
    }
    bench.tcp_at(3, A, B, SYN, 1000);
    bench.tcp_at(3, B, A, SYNACK, 5);
    bench.tcp_at(3, A, B, ACK, 1001);
    let contacts: Vec<_> = bench.records().iter().map(|r| (r.contact, r.packets, r.reverse_packets)).collect();
    assert_eq!(contacts, [(Contact::Answered, 5, 4)]);
}

#[test]
fn what_names_no_ports_is_counted_and_in_no_flow() {
    let mut bench = Bench::new(10);
    bench.packet(0, A, B, Protocol::TCP, Transport::Other);
    bench.packet(0, A, B, Protocol::UDP, Transport::Other);
    let (src, dst) = ("10.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap());
    for (fragment, protocol) in [(Fragment::Later, Protocol::UDP), (Fragment::Later, Protocol::ICMP)] {
        let transport = Transport::Other;
        let time = Timestamp(0);
        bench.take(&Packet { time, source: 0, src, dst, protocol, octets: 1, fragment, transport });
    }
    assert_eq!((bench.flows.len(), bench.counts.cut_headers, bench.counts.later_fragments), (0, 2, 2));
    let transport = Transport::Udp { src_port: 1, dst_port: 2, payload: &[] };
    let (fragment, protocol) = (Fragment::First, Protocol::UDP);
    bench.take(&Packet { time: Timestamp(0), source: 0, src, dst, protocol, octets: 1, fragment, transport });
    assert_eq!(bench.flows.len(), 1, "a first fragment is");
}

#[test]
fn a_header_cut_behind_its_ports_counts_and_proves_as_little_as_it_shows() {
    let ports = Transport::Ports { src_port: 0, dst_port: 0 };
    for (protocol, expected) in [(Protocol::TCP, Contact::Unanswered), (Protocol::UDP, Contact::Answered)] {
        let mut bench = Bench::new(10);
        for (src, dst) in [(A, B), (B, A), (A, B)] {
            bench.packet(0, src, dst, protocol, ports);
        }
        let records: Vec<_> = bench.records().iter().map(|r| (r.contact, r.packets, r.reverse_packets)).collect();
        assert_eq!(records, [(expected, 2, 1)], "{protocol:?}");
    }
}

#[test]
fn packets_from_before_the_start_belong_and_never_end_a_flow() {
    let mut bench = Bench::new(10);
    bench.udp(10_000, A, B);
    bench.udp(9_990, B, A);
    bench.udp(50, A, "192.0.2.9:1");
    bench.udp(100, A, "192.0.2.9:1");
    bench.udp(400, A, "192.0.2.9:1");
    let records = bench.records();
    assert_eq!(records.len(), 3, "a source that is behind times out by its own times");
    let first = records.iter().find(|record| record.reverse_packets == 1).unwrap();
    assert_eq!((first.start, first.end), (Timestamp::from_unix(9_990, 0), Timestamp::from_unix(10_000, 0)));
}

#[test]
fn s4_a_full_table_lets_the_longest_idle_go() {
    let mut bench = Bench::new(3);
    bench.udp(0, A, "192.0.2.1:1");
    bench.tcp(1, A, "192.0.2.1:2", RST);
    bench.udp(2, A, "192.0.2.1:3");
    bench.udp(3, A, "192.0.2.1:1");
    bench.udp(4, A, "192.0.2.1:4");
    bench.udp(4, A, "192.0.2.1:5");
    let closed: Vec<u16> = bench
        .events
        .iter()
        .filter(|event| event.step == FlowStep::Closed)
        .map(|event| event.record.responder.port())
        .collect();
    assert_eq!((closed, bench.counts.evicted), (vec![2, 3], 2));
}

#[test]
fn s4_all_flows_together_take_no_more_than_the_limit_says() {
    let octets = Table::<Key, Flow, 3>::octets_for(crate::limits::FLOWS_MAX);
    let each = Table::<Key, Flow, 3>::ENTRY_OCTETS;
    assert!(octets <= crate::limits::FLOWS_MAX_OCTETS, "{octets} octets, {each} a flow");
}

#[test]
fn a_stray_packet_from_the_other_end_before_the_syn_turns_no_flow_round() {
    for stray in [ACK, SYN, ACK | FIN] {
        let mut bench = Bench::new(10);
        for (src, dst, seq, flags) in [(B, A, 7, stray), (A, B, 99, SYN), (B, A, 4, SYNACK), (A, B, 100, ACK)] {
            bench.tcp_at(1, src, dst, flags, seq);
        }
        let answered: Vec<_> = bench.events.iter().filter(|event| event.step == FlowStep::Answered).collect();
        assert_eq!(answered.len(), 1, "{stray}");
        assert_eq!(answered[0].record.initiator, A.parse().unwrap(), "{stray}");
    }
}
