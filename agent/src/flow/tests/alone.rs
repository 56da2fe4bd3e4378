//! A mirror of one direction: an end that is answered by somebody who is never seen, told once, and no scan, flood or loss is one.

use super::*;

/// What is told of ends that are heard alone: who, and whether it began.
#[derive(Default)]
struct Alone(Vec<(FlowId, bool)>);

impl Audience for Alone {
    fn take(&mut self, _seen: Seen) {}

    fn heard_alone(&mut self, glimpse: &FlowGlimpse, initiator: bool) {
        self.0.push((glimpse.flow, initiator));
    }
}

/// A segment: who sends it, flags, where it stands, what it acknowledges, its data.
type Said<'a> = (&'a str, u8, u32, u32, &'a [u8]);

fn told(segments: &[Said<'_>]) -> Vec<(FlowId, bool)> {
    let (mut bench, mut alone) = (Bench::new(10), Alone::default());
    for (at, &(src, flags, seq, ack, payload)) in segments.iter().enumerate() {
        let (from, to): (Endpoint, Endpoint) = if src == A { (A, B) } else { (B, A) }.into_ends();
        let packet = Packet {
            time: Timestamp::from_unix(at as i64, 0),
            source: 2,
            src: from.ip(),
            dst: to.ip(),
            protocol: Protocol::TCP,
            octets: 100,
            fragment: Fragment::Whole,
            transport: Transport::Tcp {
                src_port: from.port(),
                dst_port: to.port(),
                seq,
                ack,
                flags,
                urgent: 0,
                payload,
            },
        };
        bench.flows.handle_packet(&packet, packet.time, &mut bench.counts, &mut alone);
    }
    alone.0
}

trait IntoEnds {
    fn into_ends(self) -> (Endpoint, Endpoint);
}

impl IntoEnds for (&str, &str) {
    fn into_ends(self) -> (Endpoint, Endpoint) {
        (self.0.parse().unwrap(), self.1.parse().unwrap())
    }
}

/// A small request and its answer, whole.
const CONVERSATION: [Said<'static>; 8] = [
    (A, SYN, 100, 0, &[]),
    (B, SYNACK, 900, 101, &[]),
    (A, ACK, 101, 901, &[]),
    (A, ACK, 101, 901, &[7; 50]),
    (B, ACK, 901, 151, &[8; 70]),
    (A, ACK, 151, 971, &[]),
    (B, ACK | FIN, 971, 151, &[]),
    (A, ACK | FIN, 151, 972, &[]),
];

#[test]
fn h1_a_conversation_of_which_one_direction_is_mirrored_is_told_once_by_whose_words_are_heard() {
    let of = |end: &str| {
        let mut heard: Vec<Said<'_>> = CONVERSATION.into_iter().filter(|said| said.0 == end).collect();
        // It goes on.
        for more in 1..20u32 {
            heard.push((end, ACK, 972 + more, 972 + 10 * more, &[1; 9]));
        }
        told(&heard)
    };
    assert_eq!(of(A), [(FlowId(0), true)], "what goes out");
    assert_eq!(of(B), [(FlowId(0), false)], "what comes in: whoever answers a SYN did not begin");
    let short: Vec<Said<'_>> = CONVERSATION.into_iter().filter(|said| said.0 == A).collect();
    assert_eq!(told(&short), [(FlowId(0), true)], "one small request is enough");
}

#[test]
fn h1_a_conversation_of_which_both_ends_are_heard_is_not_told_in_whatever_order_nor_with_what_is_lost() {
    assert_eq!(told(&CONVERSATION), []);
    for lost in 0..CONVERSATION.len() {
        let left: Vec<Said<'_>> =
            CONVERSATION.iter().enumerate().filter(|(at, _)| *at != lost).map(|(_, said)| *said).collect();
        assert_eq!(told(&left), [], "without {lost}");
    }
    for first in [A, B] {
        let (mut before, after): (Vec<Said<'_>>, Vec<Said<'_>>) =
            CONVERSATION.iter().partition(|said| said.0 == first && said.1 & SYN != 0);
        before.extend(after);
        assert_eq!(told(&before), [], "{first} first");
    }
}

#[test]
fn h1_scans_floods_and_who_only_repeats_are_no_conversation() {
    let many = |segment: fn(u32) -> Said<'static>| (0..50).map(segment).collect::<Vec<Said<'_>>>();
    assert_eq!(told(&many(|at| (A, SYN, at * 1_000, 0, &[]))), [], "SYNs that nobody answers");
    assert_eq!(told(&many(|_| (A, ACK, 5, 77, &[]))), [], "a scan by ACK");
    assert_eq!(told(&many(|_| (B, SYNACK, 900, 101, &[]))), [], "answers to SYNs in our name, again and again");
    assert_eq!(told(&many(|at| (B, RST | ACK, 0, at * 1_000, &[]))), [], "refusals");
    assert_eq!(told(&many(|at| (A, ACK, 5 + at, 77, &[1]))), [], "who sends and is told nothing");
}
