//! What seems to be apart and is one: packets with a wrong time, conversations with a long silence.

use super::*;

#[test]
fn a_packet_from_another_time_does_not_split_its_flow() {
    use FlowStep::{Answered, Opened, Volume as Much};
    for strange in [Timestamp::from_unix(4_080_000_000, 0), Timestamp::MAX, Timestamp::MIN] {
        let mut bench = Bench::new(10);
        bench.flows.data_out_octets = 1000;
        for second in 0..6 {
            bench.udp(1_800_000_000 + second, A, B);
        }
        bench.udp(1_800_000_006, B, A);
        // The clock does not believe it (`crate::timeline`).
        let (src, dst): (Endpoint, Endpoint) = (A.parse().unwrap(), B.parse().unwrap());
        let transport = Transport::Udp { src_port: src.port(), dst_port: dst.port(), payload: &[] };
        let (src, dst) = (src.ip(), dst.ip());
        let (protocol, fragment) = (Protocol::UDP, Fragment::Whole);
        let packet = Packet { time: strange, source: 2, src, dst, protocol, octets: 100, fragment, transport };
        let events = &mut bench.events;
        bench.flows.handle_packet(&packet, bench.now, &mut bench.counts, &mut |seen| {
            if let Seen::Flow(event) = seen {
                events.push(event);
            }
        });
        for second in 7..12 {
            bench.udp(1_800_000_000 + second, A, B);
        }
        assert_eq!(bench.steps(), [Opened, Answered, Much].map(|step| (0, step)), "{strange:?}");
        let record = bench.records().pop().unwrap();
        assert_eq!((record.packets, record.end), (12, Timestamp::from_unix(1_800_000_011, 0)), "{strange:?}");
    }
}

#[test]
fn a_udp_conversation_that_goes_on_after_a_silence_was_begun_by_who_began_it() {
    for (first, other) in [(A, B), (B, A)] {
        let mut bench = Bench::new(10);
        let now = 1_800_000_000;
        bench.udp(now, first, other);
        bench.udp(now + 1, other, first);
        bench.wait(now + 300);
        assert!(bench.flows.is_empty());
        // It goes on, twice; then is silent for longer than is remembered.
        for (at, begun_by) in [(300, first), (3_000, first), (3_000 + 3_700, other)] {
            bench.wait(now + at);
            bench.udp(now + at, other, first);
            let opened = bench.events.last().map(|event| event.record.initiator.to_string());
            assert_eq!(opened.as_deref(), Some(begun_by), "{at}");
            bench.udp(now + at, other, first);
            let record = bench.events.last().map(|event| (event.step, event.record.contact));
            let contact = if begun_by == first { Contact::ErrorsOnly } else { Contact::Unanswered };
            assert_eq!(
                record,
                Some((FlowStep::Opened, contact)),
                "as long as one end speaks alone, nobody has tried anew"
            );
            bench.udp(now + at, first, other);
            assert_eq!(bench.events.last().map(|event| event.step), Some(FlowStep::Answered), "{at}");
        }
    }
    // What was never answered was no conversation, and who sends then may be anybody; look-ups are over with their answers.
    for (to, is_answered) in [("192.0.2.1:443", false), ("192.0.2.1:53", true)] {
        let mut bench = Bench::new(10);
        bench.udp(1_800_000_000, A, to);
        if is_answered {
            bench.udp(1_800_000_001, to, A);
        }
        bench.wait(1_800_000_300);
        bench.udp(1_800_000_300, to, A);
        assert_eq!(bench.events.last().map(|event| event.record.initiator.to_string()).as_deref(), Some(to));
    }
}
