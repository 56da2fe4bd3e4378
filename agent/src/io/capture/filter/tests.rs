//! The kernel's part played by an interpreter: whatever the program drops or cuts is held against the decoder.

use std::sync::Arc;

use proptest::prelude::*;
use varde_common::id::Revision;
use varde_common::matcher::IndicatorSet;
use varde_common::observation::Fact;
use varde_common::time::Timestamp;

use super::*;
use crate::hello::tls;
use crate::packet::{Frame, NotRead, Packet, Transport, decode};
use crate::sensor::{Sensor, SensorSettings};

/// Classic BPF as `bpf(4)` has it; a load outside the frame ends with nothing kept, as in the kernel.
fn run(program: &[Instruction], frame: &[u8]) -> usize {
    let (mut a, mut x, mut kept, mut at) = (0u32, 0u32, [0u32; 16], 0usize);
    let load = |from: u32, count: usize| -> Option<u32> {
        let octets = frame.get(from as usize..)?.get(..count)?;
        Some(octets.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet)))
    };
    for _ in 0..program.len() {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let mut test = |holds: bool| at += usize::from(if holds { jt } else { jf });
        let loaded = match code {
            LOAD_LENGTH => Some(frame.len() as u32),
            LOAD_HALF => load(k, 2),
            LOAD_OCTET => load(k, 1),
            LOAD_HALF_AT_X => load(x + k, 2),
            LOAD_OCTET_AT_X => load(x + k, 1),
            LOAD_KEPT => Some(kept[k as usize]),
            KEEP => {
                kept[k as usize] = a;
                Some(a)
            }
            SET_X => {
                x = k;
                Some(a)
            }
            X_FROM_A => {
                x = a;
                Some(a)
            }
            A_FROM_X => Some(x),
            ADD => Some(a.wrapping_add(k)),
            ADD_X => Some(a.wrapping_add(x)),
            SUBTRACT => Some(a.wrapping_sub(k)),
            AND => Some(a & k),
            SHIFT_LEFT => Some(a << k),
            SHIFT_RIGHT => Some(a >> k),
            IF_EQUAL => {
                test(a == k);
                Some(a)
            }
            IF_GREATER => {
                test(a > k);
                Some(a)
            }
            IF_AT_LEAST => {
                test(a >= k);
                Some(a)
            }
            IF_AT_LEAST_X => {
                test(a >= x);
                Some(a)
            }
            IF_ANY_BIT => {
                test(a & k != 0);
                Some(a)
            }
            RETURN => return k as usize,
            other => panic!("unknown code {other:#x}"),
        };
        match loaded {
            Some(value) => a = value,
            None => return 0,
        }
    }
    panic!("the program has no end")
}

fn frame(link: LinkType, octets: &[u8], length: usize) -> Frame<'_> {
    Frame { time: Timestamp(0), source: 0, link, octets, length: length as u32, vlan: None }
}

fn ethernet_frame(tags: &[u16], ethertype: u16, above: &[u8]) -> Vec<u8> {
    let mut octets = vec![2; 12];
    for tag in tags {
        octets.extend_from_slice(&tag.to_be_bytes());
        octets.extend_from_slice(&[0, 7]);
    }
    octets.extend_from_slice(&ethertype.to_be_bytes());
    octets.extend_from_slice(above);
    octets
}

fn v4(protocol: u8, options: usize, fragment: u16, above: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x45 + options as u8, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1];
    octets.resize(20 + 4 * options, 1);
    octets.extend_from_slice(above);
    let total = octets.len() as u16;
    octets[2..4].copy_from_slice(&total.to_be_bytes());
    octets[6..8].copy_from_slice(&fragment.to_be_bytes());
    octets
}

fn v6(next: u8, above: &[u8]) -> Vec<u8> {
    let [high, low] = (above.len() as u16).to_be_bytes();
    let mut octets = vec![0x60, 0, 0, 0, high, low, next, 64];
    octets.extend_from_slice(&[0x20; 32]);
    octets.extend_from_slice(above);
    octets
}

fn tcp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut octets = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    octets.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1, 0x80, 0x18, 0, 0, 0, 0, 0, 0]);
    octets.resize(32, 1);
    octets.extend_from_slice(payload);
    octets
}

fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let mut octets = [ports.0.to_be_bytes(), ports.1.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
    octets.extend_from_slice(payload);
    octets
}

const WHOLE: usize = FRAME_MAX_OCTETS;
const DNS: [u16; 2] = [53, 5300];

fn kept(octets: &[u8]) -> usize {
    run(&program(LinkType::Ethernet, &DNS), octets)
}

#[test]
fn what_is_never_ip_is_dropped_and_what_is_unknown_is_kept_whole() {
    let body = [0; 46];
    for ethertype in [0x0806, 0x88cc, 0x8809, 0x88f7] {
        assert_eq!(kept(&ethernet_frame(&[], ethertype, &body)), 0, "{ethertype:#x}");
        assert_eq!(kept(&ethernet_frame(&[0x8100], ethertype, &body)), 0, "{ethertype:#x} behind a tag");
    }
    // MPLS, PPPoE, provider backbone, an unknown one.
    for ethertype in [0x8847, 0x8848, 0x8864, 0x88e7, 0x1234] {
        assert_eq!(kept(&ethernet_frame(&[], ethertype, &body)), WHOLE, "{ethertype:#x}");
    }
    let spanning_tree = [&[0x42, 0x42, 3][..], &body].concat();
    assert_eq!(kept(&ethernet_frame(&[], 38, &spanning_tree)), 0);
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &body].concat();
    assert_eq!(kept(&ethernet_frame(&[], 54, &snap)), WHOLE);
    let bare = [&[0x06, 0x06, 3][..], &v4(17, 0, 0, &udp((50_000, 53), &[0; 20]))].concat();
    assert_eq!(kept(&ethernet_frame(&[], bare.len() as u16, &bare)), WHOLE, "IP behind LLC alone");
    assert!(decode(&frame(LinkType::Ethernet, &ethernet_frame(&[], bare.len() as u16, &bare), 100)).is_ok());
    assert_eq!(kept(&ethernet_frame(&[0x88a8, 0x8100, 0x8100], 0x0806, &body)), WHOLE, "three tags");
    assert_eq!(kept(&[0; 33]), WHOLE, "a runt");
}

#[test]
fn each_protocol_is_kept_as_far_as_it_is_read() {
    let data = vec![0x40; 30_000];
    let long_header = vec![0xc0; 30_000];
    let over = |protocol, above: &[u8]| {
        let frames = [
            ethernet_frame(&[], 0x0800, &v4(protocol, 0, 0, above)),
            ethernet_frame(&[0x8100], 0x0800, &v4(protocol, 10, 0x4000, above)),
            ethernet_frame(&[0x88a8, 0x8100], 0x86dd, &v6(protocol, above)),
        ];
        let [first, second, third] = frames.map(|octets| kept(&octets));
        assert_eq!((first, first), (second, third), "protocol {protocol}");
        first
    };
    let (tcp_kept, quoted, udp_kept, headers) =
        (SNAP_TCP_OCTETS as usize, SNAP_QUOTED_OCTETS as usize, SNAP_UDP_OCTETS as usize, SNAP_HEADERS_OCTETS as usize);
    assert_eq!(over(6, &tcp((50_000, 443), &data)), tcp_kept);
    // Whoever opens a connection chooses the port it comes from, and any port may be a server's.
    for (client, server) in [(443, 443), (443, 8443), (443, 50_000), (80, 80), (80, 2053), (80, 50_000)] {
        assert_eq!(over(6, &tcp((client, server), &data)), tcp_kept, "a client's hello from port {client} to {server}");
    }
    assert_eq!(over(1, &data), quoted, "ICMP");
    for port in DNS {
        assert_eq!(over(6, &tcp((port, 50_000), &data)), WHOLE);
        assert_eq!(over(6, &tcp((50_000, port), &data)), WHOLE);
        assert_eq!(over(17, &udp((port, 443), &data)), WHOLE);
        assert_eq!(over(17, &udp((443, port), &data)), WHOLE);
    }
    assert_eq!(over(17, &udp((50_000, 443), &long_header)), udp_kept);
    assert_eq!(over(17, &udp((443, 50_000), &data[..1200])), headers);
    assert_eq!(over(17, &udp((50_000, 443), &data[..1200])), headers);
    assert_eq!(over(17, &udp((443, 50_000), &data[..2500])), udp_kept, "perhaps several datagrams joined");
    assert_eq!(over(17, &udp((5000, 50_000), &data)), udp_kept);
    for port in [2152, 3544, 4754, 4789, 4790, 6081, 6635] {
        assert_eq!(over(17, &udp((50_000, port), &data)), WHOLE, "tunnel {port}");
        assert_eq!(over(17, &udp((port, 50_000), &data)), WHOLE, "tunnel {port}");
    }
    assert_eq!(over(50, &data), headers, "ESP");
    // GRE, IP in IP, IPv6 in IP, authentication header, unknown.
    for protocol in [47, 4, 41, 51, 253] {
        assert_eq!(over(protocol, &data), WHOLE, "protocol {protocol}");
    }
    let fragment = ethernet_frame(&[], 0x0800, &v4(17, 0, 0x2000, &udp((1, 2), &data[..1000])));
    assert_eq!(kept(&fragment), WHOLE);
    let later = ethernet_frame(&[], 0x0800, &v4(17, 0, 0x0010, &data[..1000]));
    assert_eq!(kept(&later), WHOLE);
    assert_eq!(kept(&ethernet_frame(&[], 0x86dd, &v6(44, &data[..1000]))), WHOLE, "an IPv6 fragment");
}

/// What the network card joined is cut where it is bulk, and not where it begins with first words.
#[test]
fn first_words_in_segments_that_were_joined_are_kept_to_their_end() {
    let long = |first: &[u8]| [first, &vec![0x40; 40_000]].concat();
    for (name, payload, expected) in [
        ("a hello", long(&[0x16, 3, 1, 0x40, 0]), WHOLE),
        ("a request", long(b"GET / HTTP/1.1\r\n"), WHOLE),
        ("encrypted bulk", long(&[0x17, 3, 3, 0x40, 0]), SNAP_TCP_OCTETS as usize),
        ("the middle of something", long(b"Gz"), SNAP_TCP_OCTETS as usize),
        ("zeros", long(&[0, 0]), SNAP_TCP_OCTETS as usize),
    ] {
        for octets in [
            ethernet_frame(&[], 0x0800, &v4(6, 0, 0, &tcp((50_000, 443), &payload))),
            ethernet_frame(&[0x8100], 0x0800, &v4(6, 10, 0x4000, &tcp((443, 8443), &payload))),
            ethernet_frame(&[0x88a8, 0x8100], 0x86dd, &v6(6, &tcp((50_000, 25), &payload))),
        ] {
            assert_eq!(kept(&octets), expected, "{name}");
            let left = kept(&octets).min(octets.len());
            assert_eq!(
                has_cut_joined(left, octets.len() as u32),
                expected != WHOLE,
                "{name} is counted where it is cut"
            );
        }
    }
    assert!(!has_cut_joined(SNAP_TCP_OCTETS as usize, SNAP_TCP_OCTETS), "as long as that, and whole");
    assert!(!has_cut_joined(SNAP_UDP_OCTETS as usize, 20_000), "another protocol");
}

/// The filter and the reader together: a hello that is longer than a record, in one frame.
#[test]
fn a_hello_of_twenty_thousand_octets_that_was_joined_is_read_from_what_the_ring_keeps() {
    // The name stands behind the padding, where the cut would be.
    let padding = tls::sample::extension(21, &[0; 20_000]);
    let hello = tls::sample::message(0x0303, &[0x1301], &[padding, tls::sample::server_name(b"evil.no")]);
    let octets = ethernet_frame(&[], 0x0800, &v4(6, 0, 0, &tcp((50_000, 443), &tls::sample::records(&hello, 16_384))));
    let left = &octets[..kept(&octets).min(octets.len())];
    let settings = SensorSettings { keep_observations: true, ..SensorSettings::default() };
    let mut sensor = Sensor::new(settings, Arc::new(IndicatorSet::default()), Revision(0));
    sensor.handle_frame(&frame(LinkType::Ethernet, left, octets.len()));
    sensor.close_all();
    let names: Vec<_> = std::iter::from_fn(|| sensor.poll_observation())
        .filter_map(|observation| match observation.fact {
            Fact::Hello(hello) => hello.sni.map(|name| name.to_string()),
            Fact::Dns(_) | Fact::Flow(_) | Fact::Http(_) => None,
        })
        .collect();
    assert_eq!(names, ["evil.no"]);
}

#[test]
fn an_interface_without_link_layer_has_the_same_rules() {
    let program = program(LinkType::RawIp, &DNS);
    let (data, bulk) = (vec![0; 3000], vec![0; 30_000]);
    assert_eq!(run(&program, &v4(6, 0, 0, &tcp((443, 50_000), &bulk))), SNAP_TCP_OCTETS as usize);
    assert_eq!(run(&program, &v6(17, &udp((53, 50_000), &data))), WHOLE);
    assert_eq!(run(&program, &[0x50; 60]), WHOLE, "no IP that is known here");
}

#[test]
fn so_many_ports_with_dns_that_they_are_not_held_apart_keep_everything_and_the_program_stays_short() {
    let many: Vec<u16> = (1000..2000).collect();
    let program = program(LinkType::Ethernet, &many);
    assert!(program.len() <= 256, "{}", program.len());
    let octets = ethernet_frame(&[], 0x0800, &v4(17, 0, 0, &udp((1, 1999), &[0; 100])));
    assert_eq!(run(&program, &octets), WHOLE);
    let few = super::program(LinkType::Ethernet, &many[..DNS_PORTS_MAX]);
    assert!(few.len() > 100, "written, not given up: {}", few.len());
}

fn ports() -> impl Strategy<Value = (u16, u16)> {
    let port = || {
        prop_oneof![prop::sample::select(vec![53u16, 5300, 443, 80, 2152, 3544, 4789, 6081, 853, 8080]), any::<u16>()]
    };
    (port(), port())
}

fn some_packet() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let octets = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), 0..40_000usize).prop_map(|(octet, count)| vec![octet; count]),
    ];
    let protocol = prop_oneof![Just(6u8), Just(17), Just(6), Just(17), Just(1), Just(58), Just(50), any::<u8>()];
    let fragment = prop_oneof![Just(0u16), Just(0), Just(0x4000), any::<u16>()];
    (any::<bool>(), protocol, ports(), octets, 0..=10usize, fragment).prop_map(
        |(six, protocol, ports, octets, options, fragment)| {
            let above = match protocol {
                6 => tcp(ports, &octets),
                17 => udp(ports, &octets),
                _ => octets,
            };
            (six, if six { v6(protocol, &above) } else { v4(protocol, options, fragment, &above) })
        },
    )
}

fn some_frame() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop::collection::vec(prop::sample::select(vec![0x8100u16, 0x88a8, 0x9100]), 0..4);
    let other = prop::option::weighted(0.15, any::<u16>());
    let changes = prop::collection::vec((0..120usize, any::<u8>()), 0..4);
    (tags, some_packet(), other, changes, prop::option::weighted(0.2, any::<prop::sample::Index>())).prop_map(
        |(tags, (six, packet), other, changes, cut)| {
            let ethertype = other.unwrap_or(if six { 0x86dd } else { 0x0800 });
            let mut octets = ethernet_frame(&tags, ethertype, &packet);
            for (at, octet) in changes {
                if let Some(place) = octets.get_mut(at) {
                    *place = octet;
                }
            }
            if let Some(cut) = cut {
                octets.truncate(cut.index(octets.len() + 1));
            }
            octets
        },
    )
}

/// A packet with its payload taken out, and that payload.
fn taken_apart<'a>(packet: Packet<'a>) -> (Packet<'a>, &'a [u8]) {
    let (transport, payload) = match packet.transport {
        Transport::Udp { src_port, dst_port, payload } => {
            (Transport::Udp { src_port, dst_port, payload: &[] }, payload)
        }
        Transport::Tcp { src_port, dst_port, seq, ack, flags, urgent, payload } => {
            (Transport::Tcp { src_port, dst_port, seq, ack, flags, urgent, payload: &[] }, payload)
        }
        other => (other, &[][..]),
    };
    (Packet { transport, ..packet }, payload)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    /// What is dropped holds no IP; what is cut is the same packet to the decoder, with enough of its payload.
    #[test]
    fn nothing_that_a_stage_reads_is_dropped_or_cut(octets in some_frame()) {
        let kept = kept(&octets);
        let whole = decode(&frame(LinkType::Ethernet, &octets, octets.len()));
        if kept == 0 {
            prop_assert_eq!(whole, Err(NotRead::NotIp));
            return Ok(());
        }
        let left = &octets[..kept.min(octets.len())];
        let cut = decode(&frame(LinkType::Ethernet, left, octets.len()));
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => {
                let ((whole, payload), (cut, left)) = (taken_apart(whole), taken_apart(cut));
                prop_assert_eq!(whole, cut);
                prop_assert!(payload.starts_with(left));
                let enough = match whole.transport {
                    Transport::Udp { src_port, dst_port, .. } if src_port == 443 || dst_port == 443 => {
                        let long = payload.first().is_some_and(|first| first & 0x80 != 0);
                        if long { 2 * 1500 } else { 0 }
                    }
                    Transport::Udp { .. } => 2 * 1500,
                    Transport::Tcp { .. } => 16 * 1024,
                    _ => 0,
                };
                let dns = match whole.transport {
                    Transport::Udp { src_port, dst_port, .. } | Transport::Tcp { src_port, dst_port, .. } => {
                        DNS.contains(&src_port) || DNS.contains(&dst_port)
                    }
                    _ => false,
                };
                let least = if dns { payload.len() } else { payload.len().min(enough) };
                prop_assert!(left.len() >= least, "{} of {} octets left", left.len(), payload.len());
            }
            (whole, cut) => prop_assert_eq!(whole.err(), cut.err()),
        }
    }
}
