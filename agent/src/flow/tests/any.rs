//! Any packets in any order: nothing is lost or invented.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Any {
    pause: i64,
    jump: i64,
    ends: (u8, u8),
    kind: u8,
    flags: u8,
    octets: u32,
}

fn any_packet() -> impl Strategy<Value = Any> {
    let pause = prop_oneof![Just(0i64), 0i64..3_000_000, 0i64..2_000_000_000];
    let jump = prop_oneof![9 => Just(0i64), 1 => any::<i64>()];
    let flags = prop_oneof![Just(SYN), Just(SYNACK), Just(ACK), Just(FIN | ACK), Just(RST), any::<u8>()];
    (pause, jump, (0u8..4, 0u8..4), 0u8..6, flags, any::<u32>())
        .prop_map(|(pause, jump, ends, kind, flags, octets)| Any { pause, jump, ends, kind, flags, octets })
}

proptest! {
    #[test]
    fn s3_nothing_is_lost_or_invented_and_answered_takes_two(packets in prop::collection::vec(any_packet(), 0..300)) {
        let mut bench = Bench::new(5);
        let mut time = 0i64;
        let (mut count, mut octets) = (0u64, 0u64);
        for any in &packets {
            time += any.pause;
            let address = |end: u8| IpAddr::from([10, 0, 0, end]);
            let (protocol, transport) = match any.kind {
                0 => (Protocol::UDP, Transport::Udp { src_port: 1, dst_port: 1, payload: &[] }),
                1 => (Protocol::ICMP, Transport::Icmp { role: if any.flags & 1 == 0 { IcmpRole::Error } else { IcmpRole::Other } }),
                2 => (Protocol(47), Transport::Other),
                _ => (Protocol::TCP, Transport::Tcp { src_port: 1, dst_port: 1, seq: 0, ack: any.octets, flags: any.flags, urgent: 0, payload: &[] }),
            };
            bench.take(&Packet {
                time: Timestamp(if any.jump == 0 { time } else { any.jump }),
                source: 0,
                src: address(any.ends.0),
                dst: address(any.ends.1),
                protocol,
                octets: any.octets,
                fragment: Fragment::Whole,
                transport,
            });
            if any.kind == 5 { bench.wait(time / 1_000_000) }
            count += 1;
            octets += u64::from(any.octets);
        }
        let records = bench.records();
        prop_assert!(bench.flows.is_empty());
        prop_assert_eq!(records.iter().map(|r| r.packets + r.reverse_packets).sum::<u64>(), count);
        prop_assert_eq!(records.iter().map(|r| r.octets + r.reverse_octets).sum::<u64>(), octets);
        prop_assert!(records.iter().all(|r| r.start <= r.end && r.packets + r.reverse_packets > 0));
        let mut told: std::collections::BTreeMap<FlowId, Vec<&FlowEvent>> = std::collections::BTreeMap::new();
        for event in &bench.events {
            told.entry(event.flow).or_default().push(event);
        }
        for events in told.values() {
            let at = |step: FlowStep| events.iter().filter(|event| event.step == step).count();
            prop_assert_eq!(events.first().map(|event| event.step), Some(FlowStep::Opened));
            prop_assert_eq!(events.last().map(|event| event.step), Some(FlowStep::Closed));
            prop_assert!(at(FlowStep::Opened) == 1 && at(FlowStep::Closed) == 1 && at(FlowStep::Answered) <= 1);
            let last = &events.last().unwrap().record;
            prop_assert_eq!(at(FlowStep::Answered) == 1, last.contact == Contact::Answered);
            let sum = |of: fn(&FlowRecord) -> u64| -> u64 {
                let last = |event: &&&FlowEvent| matches!(event.step, FlowStep::Closed | FlowStep::Reported);
                events.iter().filter(last).map(|event| of(&event.record)).sum()
            };
            if last.contact == Contact::Answered {
                prop_assert!(sum(|r| r.packets) > 0 && sum(|r| r.reverse_packets) > 0, "evidence takes both ends");
            }
        }
    }
}
