//! Packets in fragments whose first one says little: what the whole says counts, once.

use super::*;

impl Bench {
    fn piece(&mut self, src: &str, dst: &str, fragment: Fragment, transport: Transport<'_>) -> Option<Heard> {
        let (src, dst): (Endpoint, Endpoint) = (src.parse().unwrap(), dst.parse().unwrap());
        let (src_port, dst_port) = (src.port(), dst.port());
        let transport = match transport {
            Transport::Tcp { seq, flags, payload, .. } => Transport::Tcp { src_port, dst_port, seq, flags, payload },
            Transport::Ports { .. } => Transport::Ports { src_port, dst_port },
            other => other,
        };
        let (src, dst) = (src.ip(), dst.ip());
        let (time, protocol) = (Timestamp::from_unix(1, 0), Protocol::TCP);
        let packet = Packet { time, source: 2, src, dst, protocol, octets: 100, fragment, transport };
        let Bench { flows, counts, events, .. } = self;
        let mut emit = |seen: Seen| {
            if let Seen::Flow(event) = seen {
                events.push(event);
            }
        };
        if fragment == Fragment::Rejoined {
            flows.handle_rejoined(&packet, time, counts, &mut emit)
        } else {
            flows.handle_packet(&packet, time, counts, &mut emit)
        }
    }
}

fn tcp(seq: u32, flags: u8, payload: &[u8]) -> Transport<'_> {
    Transport::Tcp { src_port: 0, dst_port: 0, seq, flags, payload }
}

#[test]
fn a_packet_whose_first_fragment_names_no_ports_begins_its_flow_when_it_is_whole() {
    let mut bench = Bench::new(10);
    for _ in 0..2 {
        assert!(bench.piece(A, B, Fragment::First, Transport::Other).is_none());
        assert!(bench.piece(A, B, Fragment::Later, Transport::Other).is_none());
        let heard = bench.piece(A, B, Fragment::Rejoined, tcp(7, ACK, b"hello")).unwrap();
        assert!(heard.from_initiator);
    }
    let (opened, step) = (&bench.events[0], bench.events.len());
    assert_eq!((opened.step, opened.record.packets, step), (FlowStep::Opened, 1, 1));
    let expected = FlowCounts { opened: 1, later_fragments: 2, cut_headers: 2, ..FlowCounts::default() };
    assert_eq!(bench.counts, expected);
    // What is broken when it is whole was counted with its first fragment.
    assert!(bench.piece(A, B, Fragment::Rejoined, Transport::Other).is_none());
    assert_eq!(bench.counts, expected);
}

#[test]
fn a_handshake_in_fragments_too_short_for_its_flags_is_a_handshake() {
    let mut bench = Bench::new(10);
    for (src, dst, seq, flags) in [(A, B, 7, SYN), (B, A, 9, SYNACK), (A, B, 8, ACK)] {
        bench.piece(src, dst, Fragment::First, Transport::Ports { src_port: 0, dst_port: 0 });
        bench.piece(src, dst, Fragment::Later, Transport::Other);
        bench.piece(src, dst, Fragment::Rejoined, tcp(seq, flags, &[]));
    }
    let steps: Vec<_> = bench.events.iter().map(|event| (event.step, event.record.packets)).collect();
    assert_eq!(steps, [(FlowStep::Opened, 1), (FlowStep::Answered, 2)], "each packet counts once");
    let heard = bench.piece(A, B, Fragment::Whole, tcp(8, ACK, b"hello")).unwrap();
    assert_eq!((heard.contact, heard.syn), (Contact::Answered, Some(7)));
}

#[test]
fn a_whole_that_says_what_its_first_fragment_said_adds_nothing() {
    let mut bench = Bench::new(10);
    for (src, dst, seq, flags) in [(A, B, 7, SYN), (B, A, 9, SYNACK), (A, B, 8, ACK), (A, B, 8, RST)] {
        for fragment in [Fragment::First, Fragment::Rejoined] {
            bench.piece(src, dst, fragment, tcp(seq, flags, &[]));
        }
    }
    assert_eq!(bench.events.iter().filter(|event| event.step == FlowStep::Answered).count(), 1);
    bench.packet(20, A, B, Protocol::TCP, tcp(100, SYN, &[]));
    let closed = bench.events.iter().find(|event| event.step == FlowStep::Closed).unwrap();
    assert_eq!((closed.record.packets, closed.record.reverse_packets), (3, 1));
}
