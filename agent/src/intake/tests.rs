//! From frames to packets: fragments, tunnels and copies, and that each packet counts once.

use std::sync::Arc;

use proptest::prelude::*;
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::matcher::IndicatorSet;
use varde_common::observation::{Contact, Fact, FlowRecord};

use super::*;
use crate::dns;
use crate::flow::FlowStep;
use crate::hello::tls;
use crate::observe::{ObserveSettings, Observer, Seen};
use crate::packet::tcp_flags::{ACK, SYN};
use crate::packet::{LinkType, Transport};
use crate::raise::{Keep, Sighting};
use crate::sensor::{Sensor, SensorSettings};

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x9c, 0x40, 0, 53];
    octets.extend((payload.len() as u16 + 8).to_be_bytes());
    octets.extend([0, 0]);
    octets.extend(payload);
    octets
}

/// A fragment of an IPv4 packet.
fn v4(id: u16, protocol: u8, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x45, 0];
    octets.extend((20 + data.len() as u16).to_be_bytes());
    octets.extend(id.to_be_bytes());
    octets.extend(((offset / 8) as u16 | if more { 0x2000 } else { 0 }).to_be_bytes());
    octets.extend([64, protocol, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1]);
    octets.extend(data);
    octets
}

/// The same of IPv6, behind destination options.
fn v6(id: u32, next: u8, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x60, 0, 0, 0];
    octets.extend((16 + data.len() as u16).to_be_bytes());
    octets.extend([60, 64]);
    octets.extend([[0xfd; 16], [0x20; 16]].concat());
    octets.extend([44, 0, 1, 4, 0, 0, 0, 0, next, 0]);
    octets.extend((offset as u16 | u16::from(more)).to_be_bytes());
    octets.extend(id.to_be_bytes());
    octets.extend(data);
    octets
}

/// Cut into fragments of `size` octets.
fn cut(whole: &[u8], size: usize, make: impl Fn(usize, bool, &[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let count = whole.len().div_ceil(size);
    whole.chunks(size).enumerate().map(|(at, part)| make(at * size, at + 1 < count, part)).collect()
}

#[derive(Default)]
struct Bench {
    intake: Intake,
    /// Of each packet: whether it is whole, and the payload of its datagram.
    seen: Vec<(Fragment, Option<Vec<u8>>)>,
}

impl Bench {
    fn take(&mut self, second: i64, octets: &[u8]) {
        let time = Timestamp::from_unix(second, 0);
        let frame = Frame { time, source: 0, link: LinkType::RawIp, octets, length: octets.len() as u32, vlan: None };
        let seen = &mut self.seen;
        self.intake.handle_frame(&frame, time, &mut |packet| seen.push(told(packet))).unwrap();
    }
}

fn told(packet: &Packet<'_>) -> (Fragment, Option<Vec<u8>>) {
    match packet.transport {
        Transport::Udp { payload, .. } => (packet.fragment, Some(payload.to_vec())),
        _ => (packet.fragment, None),
    }
}

#[test]
fn a_fragmented_datagram_is_read_whole_after_its_last_fragment() {
    let payload: Vec<u8> = (0..100).collect();
    let datagram = udp(&payload);
    for parts in [
        cut(&datagram, 48, |offset, more, data| v4(7, 17, offset, more, data)),
        cut(&datagram, 48, |offset, more, data| v6(7, 17, offset, more, data)),
    ] {
        let mut bench = Bench::default();
        parts.iter().for_each(|part| bench.take(1, part));
        let expected = [
            (Fragment::First, Some(payload[..40].to_vec())),
            (Fragment::Later, None),
            (Fragment::Later, None),
            (Fragment::Rejoined, Some(payload.clone())),
        ];
        assert_eq!(bench.seen, expected);
        assert_eq!(bench.intake.fragments().rejoined, 1);
    }
}

#[test]
fn what_never_becomes_whole_is_read_as_far_as_it_came() {
    let payload: Vec<u8> = (0..100).collect();
    let parts = cut(&udp(&payload), 48, |offset, more, data| v4(7, 17, offset, more, data));
    let mut bench = Bench::default();
    bench.take(1, &parts[0]);
    bench.take(60, &parts[1]);
    assert_eq!(bench.seen.len(), 2);
    bench.take(61, &v4(9, 17, 0, false, &udp(b"another")));
    let rejoined: Vec<_> = bench.seen.iter().filter(|seen| seen.0 == Fragment::Rejoined).collect();
    assert_eq!(rejoined, [&(Fragment::Rejoined, Some(payload[..88].to_vec()))]);
    bench.take(70, &parts[0]);
    let Bench { intake, seen } = &mut bench;
    intake.close_all(Timestamp::from_unix(70, 0), &mut |packet| seen.push(told(packet)));
    assert_eq!(seen.last(), Some(&(Fragment::Rejoined, Some(payload[..40].to_vec()))));
}

#[test]
fn a_fragmented_tunnel_is_opened_when_it_is_whole_and_so_is_what_is_fragmented_within() {
    let payload: Vec<u8> = (0..200).collect();
    let mut bench = Bench::default();
    for inner in cut(&udp(&payload), 160, |offset, more, data| v4(7, 17, offset, more, data)) {
        let gre = [&[0, 0, 8, 0][..], &inner].concat();
        for part in cut(&gre, 64, |offset, more, data| v6(inner.len() as u32, 47, offset, more, data)) {
            bench.take(1, &part);
        }
    }
    assert_eq!(bench.seen.last(), Some(&(Fragment::Rejoined, Some(payload))));
    let inner: Vec<_> = bench.seen.iter().filter(|seen| seen.1.is_some()).map(|seen| seen.0).collect();
    assert_eq!(inner, [Fragment::First, Fragment::Rejoined]);
    let gre = bench.intake.tunnelled().find(|(kind, _)| *kind == TunnelKind::Gre).unwrap();
    assert_eq!((gre.1, bench.intake.fragments().rejoined), (2, 3));
}

#[test]
fn fragments_of_what_nobody_reads_are_not_held() {
    let mut bench = Bench::default();
    bench.take(1, &v4(7, 1, 0, true, &[8; 64]));
    bench.take(1, &v4(7, 50, 0, true, &[8; 64]));
    assert!(bench.intake.fragments.is_empty());
    bench.take(1, &v4(7, 6, 0, true, &[8; 64]));
    assert_eq!(bench.intake.fragments.len(), 1);
}

const INSIDE: [u8; 4] = [10, 0, 0, 1];
const FAR: [u8; 4] = [203, 0, 113, 9];

fn ip(src: [u8; 4], dst: [u8; 4], protocol: u8, above: &[u8]) -> Vec<u8> {
    let mut octets = v4(1, protocol, 0, false, above);
    octets[12..16].copy_from_slice(&src);
    octets[16..20].copy_from_slice(&dst);
    octets
}

fn datagram(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut octets = udp(payload);
    octets[..2].copy_from_slice(&ports.0.to_be_bytes());
    octets[2..4].copy_from_slice(&ports.1.to_be_bytes());
    octets
}

fn segment(ports: (u16, u16), seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut octets = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    octets.extend(seq.to_be_bytes());
    octets.extend([0, 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    octets.extend(payload);
    octets
}

fn ethernet(inside: &[u8]) -> Vec<u8> {
    let kind = if inside[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &kind[..], inside].concat()
}

fn vxlan(inside: &[u8]) -> Vec<u8> {
    [&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet(inside)[..]].concat()
}

/// What comes of frames, a millisecond apart, in a sensor with a list.
struct Watched {
    sensor: Sensor,
    sightings: Vec<Sighting>,
    flows: Vec<FlowRecord>,
}

impl Watched {
    fn of(patterns: &[&str], frames: &[Vec<u8>]) -> Watched {
        let indicators = (0..).zip(patterns).map(|(id, text)| Indicator::bare(IndicatorId(id), text.parse().unwrap()));
        let keep = Keep { sightings: true, ..Keep::default() };
        let settings = SensorSettings { keep, keep_observations: true, ..SensorSettings::default() };
        let mut sensor = Sensor::new(settings, Arc::new(IndicatorSet::build(indicators.collect())), Revision(1));
        for (octets, at) in frames.iter().zip(1_000i64..) {
            let (link, length) = (LinkType::Ethernet, octets.len() as u32);
            sensor.handle_frame(&Frame { time: Timestamp(at * 1_000), source: 0, link, octets, length, vlan: None });
        }
        sensor.close_all();
        let sightings = std::iter::from_fn(|| sensor.poll_sighting()).collect();
        let flows = std::iter::from_fn(|| sensor.poll_observation()).filter_map(|observation| match observation.fact {
            Fact::Flow(record) => Some(record),
            _ => None,
        });
        let flows = flows.collect();
        Watched { sensor, sightings, flows }
    }

    /// Of raw packets.
    fn of_packets(patterns: &[&str], packets: &[Vec<u8>]) -> Watched {
        Watched::of(patterns, &packets.iter().map(|packet| ethernet(packet)).collect::<Vec<_>>())
    }

    /// Who was reached as what, and how far.
    fn reached(&self) -> Vec<String> {
        let told = |sighting: &Sighting| {
            let Sighting { server, protocol, evidence, .. } = sighting;
            format!("{server} {protocol} {evidence:?}")
        };
        self.sightings.iter().map(told).collect()
    }
}

#[test]
fn what_a_tunnel_leads_to_is_met_like_any_other_address_and_the_frame_counts_once() {
    let inside = ip([192, 0, 2, 5], [192, 0, 2, 6], 17, &datagram((1, 2), b"inside"));
    let inside6 = [&[0x60, 0, 0, 0, 0, 0, 59, 64][..], &[0x20; 32]].concat();
    let gre = [&[0, 0, 8, 0][..], &inside].concat();
    for (what, protocol, above, expected) in [
        ("6in4", 41, inside6.clone(), "203.0.113.9:0 41 Attempted"),
        ("IP in IP", 4, inside.clone(), "203.0.113.9:0 4 Attempted"),
        ("GRE", 47, gre.clone(), "203.0.113.9:0 47 Attempted"),
        ("VXLAN", 17, datagram((50_000, 4789), &vxlan(&inside)), "203.0.113.9:4789 udp Attempted"),
        ("GRE in UDP", 17, datagram((50_000, 4754), &gre), "203.0.113.9:4754 udp Attempted"),
        ("Teredo", 17, datagram((50_000, 3544), &inside6), "203.0.113.9:3544 udp Attempted"),
    ] {
        let outer = ip(INSIDE, FAR, protocol, &above);
        // Alone, in another tunnel, and with another one in it; of the last the flow inside is listed as well.
        for packet in [outer.clone(), ip([10, 9, 9, 1], [10, 9, 9, 2], 4, &outer)] {
            let watched = Watched::of_packets(&["203.0.113.9"], &[packet]);
            assert_eq!(watched.reached(), [expected], "{what}");
            let health = watched.sensor.health();
            assert_eq!((health.packets, health.tunnelled.iter().map(|kind| kind.1).sum::<u64>()), (1, 1), "{what}");
        }
        let answer = ip(
            FAR,
            INSIDE,
            protocol,
            &match protocol {
                17 => [&above[2..4], &above[..2], &above[4..]].concat(),
                _ => above,
            },
        );
        let watched = Watched::of_packets(&["203.0.113.9"], &[outer, answer]);
        assert_eq!(watched.reached(), [expected.replace("Attempted", "Contacted")], "{what}: answered");
    }
}

#[test]
fn a_mirror_s_own_tunnel_is_one_flow_and_neither_a_hit_nor_a_blind_spot() {
    let lookup = |id: u16| dns::sample::query(id, "benign.example", 1);
    let packets: Vec<_> = (0..50u16)
        .map(|n| match n % 2 {
            0 => ip(INSIDE, [198, 51, 100, 53], 17, &datagram((40_000 + n, 53), &lookup(n))),
            _ => ip(INSIDE, [198, 51, 100, n as u8], 6, &segment((40_000 + n, 443), 7, SYN, &[])),
        })
        .collect();
    let plain = Watched::of_packets(&["203.0.113.9", "evil.no"], &packets);
    let erspan = |inside: &[u8]| [&[0, 0, 0x88, 0xbe], &ethernet(inside)[..]].concat();
    let overlay = |inside: &[u8]| datagram((50_000, 4789), &vxlan(inside));
    for (what, protocol, wrap) in [("ERSPAN", 47, &erspan as &dyn Fn(&[u8]) -> Vec<u8>), ("VXLAN", 17, &overlay)] {
        let mirrored: Vec<_> =
            packets.iter().map(|inside| ip([10, 9, 9, 1], [10, 9, 9, 2], protocol, &wrap(inside))).collect();
        let mirrored = Watched::of_packets(&["203.0.113.9", "evil.no"], &mirrored);
        let (health, before) = (mirrored.sensor.health(), plain.sensor.health());
        assert_eq!((health.alerts, health.sightings, health.packets), (0, 0, 50), "{what}");
        assert_eq!((health.blind, health.flows), (before.blind, before.flows + 1), "{what}");
        let outer = mirrored.flows.iter().find(|flow| flow.initiator.ip() == IpAddr::from([10, 9, 9, 1])).unwrap();
        assert_eq!((outer.packets, outer.contact), (50, Contact::Unanswered), "{what}");
    }
}

#[test]
fn a_tunnel_is_not_hidden_by_showing_first_what_is_in_it() {
    let inside = |hop_limit: u8| {
        let mut inside = ip(INSIDE, [192, 0, 2, 6], 17, &datagram((1, 2), b"shown twice"));
        inside[8] = hop_limit;
        inside
    };
    let outer = ip(INSIDE, FAR, 17, &datagram((50_000, 4789), &vxlan(&inside(63))));
    let watched = Watched::of_packets(&["203.0.113.9"], &[inside(64), outer]);
    assert_eq!(watched.reached(), ["203.0.113.9:4789 udp Attempted"]);
    let health = watched.sensor.health();
    assert_eq!((health.packets, health.duplicates, health.flows), (1, 1, 2), "what is inside counts once");
}

#[test]
fn the_outside_of_a_fragmented_tunnel_counts_once_by_its_first_fragment() {
    let inside = ip([192, 0, 2, 5], [192, 0, 2, 6], 17, &datagram((1, 2), &[7; 300]));
    for (protocol, above) in [(4u8, inside.clone()), (17, datagram((50_000, 4789), &vxlan(&inside)))] {
        let mut parts = cut(&above, 160, |offset, more, data| v4(7, protocol, offset, more, data));
        parts.iter_mut().for_each(|part| part[16..20].copy_from_slice(&FAR));
        let watched = Watched::of_packets(&["203.0.113.9"], &parts);
        assert_eq!(watched.sightings.len(), 1, "{protocol}");
        let packets: Vec<_> = watched.flows.iter().map(|flow| (flow.responder.ip(), flow.packets)).collect();
        assert_eq!(packets, [(FAR.into(), 1), ([192, 0, 2, 6].into(), 1)], "{protocol}");
    }
}

#[test]
fn a_handshake_in_the_smallest_fragments_is_contact_and_each_packet_counts_once() {
    let hello = tls::sample::records(&tls::sample::named("evil.no"), 16384);
    let (to, from) = ((40_000, 443), (443, 40_000));
    let steps = [
        (true, segment(to, 99, SYN, &[])),
        (false, segment(from, 4, SYN | ACK, &[])),
        (true, segment(to, 100, ACK, &[])),
        (true, segment(to, 100, ACK, &hello)),
    ];
    let fragments = |size: usize| -> Vec<Vec<u8>> {
        let each = (1u16..).zip(&steps).flat_map(|(id, (from_client, octets))| {
            let mut parts = cut(octets, size, |offset, more, data| v4(id, 6, offset, more, data));
            for part in &mut parts {
                let (src, dst) = if *from_client { (INSIDE, FAR) } else { (FAR, INSIDE) };
                part[12..16].copy_from_slice(&src);
                part[16..20].copy_from_slice(&dst);
            }
            parts
        });
        each.collect()
    };
    let whole = Watched::of_packets(&["203.0.113.9", "evil.no"], &fragments(4_000));
    assert_eq!(whole.reached(), ["203.0.113.9:443 tcp Contacted", "203.0.113.9:443 tcp Contacted"]);
    for size in [8, 16, 24] {
        let cut = Watched::of_packets(&["203.0.113.9", "evil.no"], &fragments(size));
        assert_eq!(cut.reached(), whole.reached(), "{size}");
        let [flow] = cut.flows.as_slice() else { panic!("{size}: {:?}", cut.flows) };
        assert_eq!((flow.packets, flow.reverse_packets, flow.contact), (3, 1, Contact::Answered), "{size}");
        assert_eq!(cut.sensor.refused(), whole.sensor.refused(), "{size}");
    }
}

#[test]
fn a_first_fragment_of_extension_headers_alone_loses_nothing_behind_it() {
    let hello = tls::sample::records(&tls::sample::named("evil.no"), 16384);
    // Destination options of 16 octets, then TCP.
    let above = [&[6, 1, 1, 12][..], &[0; 12], &segment((40_000, 443), 100, ACK, &hello)].concat();
    for size in [8, 16, 24, 32, 64] {
        let parts = cut(&above, size, |offset, more, data| v6(7, 60, offset, more, data));
        let watched = Watched::of_packets(&["evil.no"], &parts);
        assert_eq!(watched.reached(), ["[2020:2020:2020:2020:2020:2020:2020:2020]:443 tcp Attempted"], "{size}");
        assert_eq!(watched.flows.iter().map(|flow| flow.packets).sum::<u64>(), 1, "{size}");
        assert!(watched.sensor.refused().is_empty(), "{size}: {:?}", watched.sensor.refused());
    }
}

#[test]
fn s3_no_contradicting_fragment_hides_a_question_wherever_it_comes() {
    let question = udp(&dns::sample::query(7, "evil.no", 1));
    for size in [8, 16, 24] {
        let parts = cut(&question, size, |offset, more, data| v4(7, 17, offset, more, data));
        for (poisoned, place) in
            (0..parts.len()).flat_map(|poisoned| (0..=parts.len()).map(move |place| (poisoned, place)))
        {
            let mut poison = parts[poisoned].clone();
            poison[20..].iter_mut().for_each(|octet| *octet ^= 0x5a);
            let mut frames = parts.clone();
            frames.insert(place, poison);
            let watched = Watched::of_packets(&["evil.no"], &frames);
            assert_eq!(watched.reached(), ["192.0.2.1:53 udp LookedUp"], "{size}: {poisoned} at {place}");
            // Behind the last one nobody can tell it from another packet until its time is over.
            let refused = watched.sensor.refused();
            assert_eq!(refused.get("fragments_contradict"), Some(&1), "{size}: {poisoned} at {place}: {refused:?}");
        }
    }
}

#[test]
fn s3_no_fragment_that_lies_over_others_hides_a_question_whatever_its_length() {
    let question = udp(&dns::sample::query(7, "evil.no", 1));
    for size in [8, 24] {
        let parts = cut(&question, size, |offset, more, data| v4(7, 17, offset, more, data));
        for (offset, length) in [(0, 32), (8, 8), (8, 96), (16, 16), (24, 8), (24, 200), (48, 8)] {
            for (place, more) in (0..=parts.len()).flat_map(|place| [(place, true), (place, false)]) {
                let mut frames = parts.clone();
                frames.insert(place, v4(7, 17, offset, more, &vec![0x5a; length]));
                let watched = Watched::of_packets(&["evil.no"], &frames);
                let found = watched.reached().contains(&"192.0.2.1:53 udp LookedUp".to_owned());
                assert!(found, "{size}: {offset}+{length} {more} at {place}: {:?}", watched.reached());
            }
        }
    }
}

#[test]
fn a_tunnel_that_is_not_read_is_counted_and_its_ends_are_met() {
    let inner =
        [&[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21][..], &v4(7, 17, 0, false, &udp(&dns::sample::query(7, "evil.no", 1)))]
            .concat();
    let frames = [ip(INSIDE, FAR, 17, &datagram((1701, 1701), &inner)), ip(INSIDE, FAR, 97, &[0x30, 0, 1, 2])];
    let watched = Watched::of_packets(&["203.0.113.9", "evil.no"], &frames);
    assert_eq!(watched.sensor.refused(), [("tunnel_unread", 2)].into());
    assert!(
        !watched.sightings.is_empty() && watched.reached().iter().all(|reached| reached.starts_with("203.0.113.9"))
    );
}

/// Octets of a frame that is at least meant to be one: whole, in pieces, in tunnels, and bent.
fn any_frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let above = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60).prop_map(|payload| (17u8, datagram((40_000, 53), &payload))),
        (0u32..3, any::<u8>(), 0usize..40)
            .prop_map(|(seq, flags, count)| (6u8, segment((40_000, 443), seq, flags, &vec![7; count]))),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|octets| (60u8, octets)),
    ];
    let packet = (above, 8usize..80, 0u16..3, any::<bool>(), prop::collection::vec(0u8..4, 0..3));
    let frames = (packet, any::<u64>(), prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())));
    frames.prop_map(|(((protocol, above), size, id, is_v6, wraps), shuffle, bent)| {
        let (above, size) =
            (if protocol == 60 { [&[17, 0, 1, 4, 0, 0, 0, 0][..], &above].concat() } else { above }, size & !7);
        let mut parts = match is_v6 {
            true => cut(&above, size, |offset, more, data| v6(id.into(), protocol, offset, more, data)),
            false => cut(&above, size, |offset, more, data| v4(id, protocol, offset, more, data)),
        };
        let turn = shuffle as usize % parts.len().max(1);
        parts.rotate_left(turn);
        for part in &mut parts {
            for wrap in &wraps {
                *part = match wrap {
                    0 => ip(INSIDE, FAR, if part[0] >> 4 == 4 { 4 } else { 41 }, part),
                    1 => ip(INSIDE, FAR, 17, &datagram((50_000, 4789), &vxlan(part))),
                    2 => v6(id.into(), 17, 0, false, &datagram((50_000, 4789), &vxlan(part))),
                    _ => part.clone(),
                };
            }
        }
        if let Some((place, octet)) = bent
            && let Some(part) = parts.first_mut()
            && !part.is_empty()
        {
            let place = place.index(part.len());
            part[place] = octet;
        }
        parts
    })
}

proptest! {
    #[test]
    fn s3_every_packet_handed_on_is_accounted_for_whatever_the_frames(
        frames in prop::collection::vec(any_frames(), 0..40),
        pause in 0i64..5_000_000,
    ) {
        let (mut intake, mut observer) = (Intake::new(), Observer::new(ObserveSettings::default()));
        let (mut handed, mut in_records, mut now, mut at_once) = (0u64, 0u64, Timestamp(0), 0usize);
        let mut records = |seen: Seen| match seen {
            Seen::Flow(event) if matches!(event.step, FlowStep::Closed | FlowStep::Reported) => {
                in_records += event.record.packets + event.record.reverse_packets;
            }
            _ => {}
        };
        let mut take = |packet: &Packet<'_>| {
            handed += u64::from(packet.fragment != Fragment::Rejoined);
            observer.handle_packet(packet, packet.time, &mut records);
        };
        for octets in frames.iter().flatten() {
            now = Timestamp(now.0 + pause);
            let frame =
                Frame { time: now, source: 0, link: LinkType::RawIp, octets, length: octets.len() as u32, vlan: None };
            let mut count = |packet: &Packet<'_>| {
                at_once += 1;
                take(packet);
            };
            let _ = intake.handle_frame(&frame, now, &mut count);
            prop_assert!(intake.fragments.held_octets() <= crate::limits::FRAGMENTS_TOTAL_MAX_OCTETS);
        }
        intake.close_all(now, &mut take);
        observer.close_all();
        while let Some(seen) = observer.poll_seen() { records(seen) }
        let flows = observer.counts().flows;
        prop_assert_eq!(handed, in_records + flows.later_fragments + flows.cut_headers);
        prop_assert!(intake.fragments.is_empty() && intake.fragments.held_octets() == 0);
    }
}
