//! Messages: golden vectors of each version, caps, and octets that lie.

use super::*;
use crate::compact::Packer;
use crate::heartbeat::Further;
use crate::id::SiteId;
use crate::record::{Record, RecordBody, SensorEvent};
use crate::trust::hex;
use proptest::prelude::*;

/// A message, whichever way it goes.
#[expect(clippy::large_enum_variant, reason = "there are a few dozen")]
enum Message {
    Up(ToCollector),
    Down(ToAgent),
}

fn hello() -> Hello {
    Hello {
        protocol_min: 1,
        protocol_max: 1,
        agent_version: Text::cut("0.1.0"),
        epoch: Epoch(1 << 100),
        first_seq: Seq(1),
        next_seq: Seq(300),
        revision: Revision(2),
        root_version: 1,
        sites: vec![SiteId(0)],
        clock: Timestamp(-5),
    }
}

fn heartbeat() -> Heartbeat {
    Heartbeat {
        clock: Timestamp(1_763_733_900_000_000),
        packets: 1 << 40,
        refusals: vec![Refusal { reason: Text::cut("dns_cut_short"), count: 9 }],
        evictions: Evictions { flows: 1, ..Evictions::default() },
        blind: BlindSpots { flows: 8_410, ..BlindSpots::default() },
        last_packet_ms: Some(3),
        ..Heartbeat::default()
    }
}

fn first_version() -> Vec<(&'static str, Message)> {
    let batch = Batch { epoch: Epoch(9), first_seq: Seq(4), records: vec![vec![1; 4], vec![2; 5]] };
    assert_eq!(batch.last_seq(), Some(Seq(5)));
    let enrol =
        ToCollector::Enrol { sensor: SensorId(1), csr_der: vec![48], proof: [7; 32], agent_version: Text::cut("1") };
    let ack = ToAgent::HelloAck { protocol: 1, committed: Seq(3), reconnect_spread_ms: 1000, clock: Timestamp(1) };
    let enrolled = ToAgent::Enrolled { certificate_der: vec![1], ca_der: vec![2], member_name: Text::cut("Gjøvik") };
    vec![
        ("Open", Message::Up(ToCollector::Open(Stream::Lists))),
        ("Hello", Message::Up(ToCollector::Hello(hello()))),
        ("Heartbeat", Message::Up(ToCollector::Heartbeat(heartbeat()))),
        ("Batch", Message::Up(ToCollector::Batch(batch))),
        ("Subscribe", Message::Up(ToCollector::Subscribe { revision: Revision(4) })),
        (
            "ListOutcome",
            Message::Up(ToCollector::ListOutcome(ListOutcome::Refused { in_force: Revision(1), why: Text::cut("no") })),
        ),
        ("Enrol", Message::Up(enrol)),
        ("AskRoot", Message::Up(ToCollector::AskRoot)),
        ("HelloAck", Message::Down(ack)),
        ("Ack", Message::Down(ToAgent::Ack { epoch: Epoch(2), seq: Seq(3) })),
        ("Gap", Message::Down(ToAgent::Gap { expected: Seq(3) })),
        ("ListOffer", Message::Down(ToAgent::ListOffer { manifest: vec![1] })),
        ("ListChunk", Message::Down(ToAgent::ListChunk { octets: vec![0; 3] })),
        ("ListEnd", Message::Down(ToAgent::ListEnd)),
        ("Root", Message::Down(ToAgent::Root { document: vec![2] })),
        ("Enrolled", Message::Down(enrolled)),
        ("EnrolRefused", Message::Down(ToAgent::EnrolRefused(EnrolRefusal::Used))),
    ]
}

fn second_version() -> Vec<(&'static str, Message)> {
    let started = RecordBody::Event(SensorEvent::Started { version: Text::cut("0.1.0") });
    let record = |body| Record { time: Timestamp(1_763_733_900_000_000), body }.to_octets().unwrap();
    let mut records = vec![record(started)];
    records.extend(crate::compact::samples().into_iter().map(record));
    let batch = Batch { epoch: Epoch(9), first_seq: Seq(4), records };
    let further = Further {
        spool_age_s: Some(70),
        clock_offset_us: Some(-1_000),
        matching: Some(Revision(2)),
        dns_refused: 9,
        records_resent: 1024,
    };
    let greeting = Greeting {
        protocol: 2,
        committed: Seq(3),
        reconnect_spread_ms: 1000,
        clock: Timestamp(1),
        mark: Mark(0xfeed << 64),
    };
    vec![
        ("Kept", Message::Up(ToCollector::Kept(Some(Mark(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))))),
        ("Compact", Message::Up(ToCollector::Compact(Packer::default().pack(&batch)))),
        ("Pulse", Message::Up(ToCollector::Pulse(Pulse { heartbeat: heartbeat(), further }))),
        ("Greeting", Message::Down(ToAgent::Greeting(greeting))),
        ("NewEpoch", Message::Down(ToAgent::NewEpoch { committed: Seq(3) })),
    ]
}

fn third_version() -> Vec<(&'static str, Message)> {
    let in_force = RootOutcome::InForce { version: 3, since: Timestamp(1_763_733_900_000_000) };
    let refused = RootOutcome::Refused { in_force: 2, offered: 4, why: Text::cut("no") };
    let taken = BrakeOutcome::Taken { number: 300, since: Timestamp(1_763_733_900_000_000) };
    let not_taken = BrakeOutcome::Refused { known: 7, why: Text::cut("no") };
    let told_at = Some(Timestamp(1_763_733_900_000_000));
    let holds = Holds { channel: Text::cut("pilot"), placed_at: told_at, base: Some([8; 32]) };
    let follows = ChannelOutcome::Follows { channel: Text::cut("pilot") };
    let not_followed = ChannelOutcome::Refused { channel: Text::cut("all"), why: Text::cut("no") };
    let standing = Standing { root_version: 2, told_at, named: Revision(300), freshness: Freshness::Behind };
    let heard = EndsHeard {
        both: 1,
        inside_alone: 300,
        outside_alone: 3,
        other_alone: 4,
        answered: 5,
        unanswered: 6,
        unasked: 7,
    };
    let exclusions = Exclusions {
        sources: 2,
        shares: true,
        inside_v4: 17_891_328,
        inside_v6: 1 << 57,
        resolvers: 2,
        sinkholes: 3,
        dns_ports: 1,
        data_out_octets: 1 << 20,
        frequent_hosts: 256,
        digest: u64::MAX,
    };
    vec![
        ("RootOutcome", Message::Up(ToCollector::RootOutcome(in_force))),
        ("RootOutcome", Message::Up(ToCollector::RootOutcome(refused))),
        ("Standing", Message::Up(ToCollector::Standing(standing))),
        ("Standing", Message::Up(ToCollector::Standing(Standing::default()))),
        ("NewestRefused", Message::Up(ToCollector::NewestRefused { why: Text::cut("no") })),
        ("AskPinned", Message::Up(ToCollector::AskPinned { sha256: [7; 32] })),
        ("NextRoot", Message::Down(ToAgent::NextRoot { document: vec![2] })),
        ("Newest", Message::Down(ToAgent::Newest { document: vec![3] })),
        ("Renew", Message::Up(ToCollector::Renew { csr_der: vec![4, 5] })),
        ("Renewed", Message::Down(ToAgent::Renewed { certificate_der: vec![6] })),
        ("Waiting", Message::Down(ToAgent::Waiting)),
        ("RenewalRefused", Message::Down(ToAgent::RenewalRefused(RenewalRefusal::TooLate))),
        ("Holds", Message::Up(ToCollector::Holds(holds))),
        ("Holds", Message::Up(ToCollector::Holds(Holds::default()))),
        ("ChannelOutcome", Message::Up(ToCollector::ChannelOutcome(follows))),
        ("ChannelOutcome", Message::Up(ToCollector::ChannelOutcome(not_followed))),
        ("Channel", Message::Down(ToAgent::Channel { document: vec![9] })),
        ("Publication", Message::Down(ToAgent::Publication { manifest: vec![7], whole: true })),
        ("OverlayChunk", Message::Down(ToAgent::OverlayChunk { octets: vec![5; 2] })),
        ("AskWhole", Message::Up(ToCollector::AskWhole)),
        ("AskRoots", Message::Up(ToCollector::AskRoots { version: 300 })),
        ("NoMoreRoots", Message::Down(ToAgent::NoMoreRoots { newest: 300 })),
        ("BrakeOutcome", Message::Up(ToCollector::BrakeOutcome(taken))),
        ("BrakeOutcome", Message::Up(ToCollector::BrakeOutcome(not_taken))),
        ("Brake", Message::Down(ToAgent::Brake { document: vec![7] })),
        ("Sight", Message::Up(ToCollector::Sight(Sight { heard, exclusions }))),
        ("Sight", Message::Up(ToCollector::Sight(Sight::default()))),
        ("AskTests", Message::Up(ToCollector::AskTests)),
        ("TakesTests", Message::Down(ToAgent::TakesTests)),
        ("Tested", Message::Down(ToAgent::Tested { number: 0x0123_4567_89ab_cdef, took_us: 300 })),
    ]
}

/// The layout as it stands: an end of the other version must go on understanding it. A difference here is a new kind,
/// never a new golden text.
fn is_what_it_was(messages: Vec<(&'static str, Message)>, golden: &str) {
    let said: Vec<String> = messages
        .iter()
        .map(|(name, message)| {
            let frame = match message {
                Message::Up(message) => message.to_frame(),
                Message::Down(message) => message.to_frame(),
            };
            format!("{name} {}", hex(&frame.unwrap()))
        })
        .collect();
    for (said, golden) in said.iter().zip(golden.lines()) {
        assert_eq!(said, golden);
    }
    assert_eq!(said.len(), golden.lines().count(), "{}", said.join("\n"));
    for (name, message) in messages {
        let octets = match &message {
            Message::Up(message) => message.to_frame().unwrap(),
            Message::Down(message) => message.to_frame().unwrap(),
        };
        let (header, body) = octets.split_first_chunk().unwrap();
        match message {
            Message::Up(message) => {
                let header = FrameHeader::read(*header, ToCollector::BODY_MAX_OCTETS).unwrap();
                assert_eq!(header.body_octets, body.len());
                assert_eq!(ToCollector::from_body(header.kind, body), Ok(message), "{name}");
            }
            Message::Down(message) => {
                let header = FrameHeader::read(*header, ToAgent::BODY_MAX_OCTETS).unwrap();
                assert_eq!(ToAgent::from_body(header.kind, body), Ok(message), "{name}");
            }
        }
    }
}

#[test]
fn v1_golden_messages_of_version_one_are_what_they_were() {
    is_what_it_was(first_version(), include_str!("../golden_messages_1.txt"));
}

#[test]
fn v1_golden_messages_of_version_two_are_what_they_were() {
    is_what_it_was(second_version(), include_str!("../golden_messages_2.txt"));
}

#[test]
fn v1_golden_messages_of_version_three_are_what_they_were() {
    is_what_it_was(third_version(), include_str!("../golden_messages_3.txt"));
}

#[test]
fn v1_the_newest_version_both_speak_is_spoken_and_kinds_of_a_newer_one_are_unknown() {
    for (ours, theirs, common) in [
        (1..=2, 1..=2, Some(2)),
        (1..=2, 1..=1, Some(1)),
        (1..=1, 1..=2, Some(1)),
        (1..=2, 2..=9, Some(2)),
        (1..=2, 3..=9, None),
        (1..=3, 1..=2, Some(2)),
        (1..=3, 1..=3, Some(3)),
        (1..=2, 0..=0, None),
        #[expect(clippy::reversed_empty_ranges, reason = "what a Hello may claim")]
        (1..=2, 9..=0, None),
    ] {
        assert_eq!(common_protocol(&ours, &theirs), common, "{ours:?} {theirs:?}");
    }
    for (name, message) in first_version().into_iter().chain(second_version()).chain(third_version()) {
        let Message::Up(message) = message else { continue };
        let frame = message.to_frame().unwrap();
        let kind = u16::from_be_bytes([frame[4], frame[5]]);
        assert_eq!(ToCollector::from_body_until(3, kind, &frame[8..]), Ok(message), "{name}");
        for (older, unknown_from) in [(2, 20), (1, 10)] {
            let by_older = ToCollector::from_body_until(older, kind, &frame[8..]);
            assert_eq!(by_older == Err(Malformed::UnknownKind(kind)), kind >= unknown_from, "{name} {older}");
        }
    }
}

#[test]
fn a_batch_over_its_caps_is_refused() {
    let many = Batch { epoch: Epoch(1), first_seq: Seq(1), records: vec![vec![]; BATCH_MAX_RECORDS + 1] };
    let long = Batch { epoch: Epoch(1), first_seq: Seq(1), records: vec![vec![0; RECORD_MAX_OCTETS + 1]] };
    for batch in [many, long] {
        let octets = ToCollector::Batch(batch).to_frame().unwrap();
        assert!(matches!(ToCollector::from_body(4, &octets[8..]), Err(Malformed::TooLarge { .. })));
    }
}

proptest! {
    #[test]
    fn hostile_bodies_are_a_message_or_refused(kind in 0u16..150, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ToCollector::from_body(kind, &body);
        let _ = ToAgent::from_body(kind, &body);
        let _ = crate::record::Record::from_octets(&body);
        let _ = crate::token::Token::from_text(&String::from_utf8_lossy(&body));
    }
}
