//! Packets in packets, made octet by octet: every tunnel, every header that lies, every depth.

use proptest::prelude::*;

use super::TunnelKind::{
    Erspan, Geneve, Gre, GreInUdp, GtpU, Ipv4InIp, Ipv6InIp, MplsInIp, MplsInUdp, Teredo, Vxlan, VxlanGpe,
};
use super::*;
use crate::packet::{Frame, LinkType, NotRead, Opened, Packet, each_around, open, outermost};
use varde_common::time::Timestamp;

fn read(link: LinkType, octets: &[u8]) -> Result<Opened<'_>, NotRead> {
    open(&Frame { time: Timestamp(1), source: 0, link, octets, length: octets.len() as u32, vlan: None })
}

fn udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let ports = [src_port.to_be_bytes(), dst_port.to_be_bytes()].concat();
    [&ports[..], &(payload.len() as u16 + 8).to_be_bytes(), &[0, 0], payload].concat()
}

fn v4_from(last: u8, protocol: u8, above: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x45, 0];
    octets.extend((20 + above.len() as u16).to_be_bytes());
    octets.extend([0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, last, 192, 0, 2, 1]);
    octets.extend(above);
    octets
}

fn v6_from(last: u8, next: u8, above: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x60, 0, 0, 0];
    octets.extend((above.len() as u16).to_be_bytes());
    octets.extend([next, 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    octets.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    octets.extend(above);
    octets
}

/// The packets inside end in 99, those outside in 1.
fn inner4() -> Vec<u8> {
    v4_from(99, 17, &udp(40_000, 53, b"inner"))
}

fn inner6() -> Vec<u8> {
    v6_from(99, 17, &udp(40_000, 53, b"inner"))
}

fn ethernet(kind: &[u8], above: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], kind, above].concat()
}

fn with(front: &[u8], above: &[u8]) -> Vec<u8> {
    [front, above].concat()
}

/// What stands between the outer IP header and the packet inside, for each kind: protocol, octets.
fn wrapped() -> Vec<(&'static str, TunnelKind, u8, Vec<u8>)> {
    let ether4 = ethernet(&[8, 0], &inner4());
    let vlan6 = ethernet(&[0x81, 0, 0, 7, 0x86, 0xdd], &inner6());
    let ppp_of = |flags: &[u8], between: &[u8], ppp: &[u8]| {
        let packet = with(ppp, &inner4());
        let length = (packet.len() as u16).to_be_bytes();
        [flags, &[0x88, 0x0b], &length, &[0, 9], between, &packet].concat()
    };
    let gtp_of = |flags: u8, between: &[u8]| {
        let content = with(between, &inner4());
        let length = (content.len() as u16).to_be_bytes();
        [&[flags, 255], &length[..], &[0, 0, 0, 9], &content].concat()
    };
    let udp_in = |port: u16, payload: Vec<u8>| udp(50_000, port, &payload);
    let teredo = |front: &[u8]| with(front, &inner6());
    let origin = [0, 0, 1, 2, 3, 4, 5, 6];
    let authentication = [0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0];
    let long_authentication = [0, 1, 2, 3, 9, 9, 8, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0];
    let mut erspan3 = vec![0x10, 0, 0x22, 0xeb, 0, 0, 0, 5, 0x20, 7, 0, 9, 1, 2, 3, 4, 0, 0];
    let erspan3_of =
        |kind_and_more: [u8; 2], more: &[u8], inside: &[u8]| [&erspan3[..], &kind_and_more, more, inside].concat();
    let erspan3_plain = erspan3_of([0x00, 0x00], &[], &ether4);
    let erspan3_more = erspan3_of([0x00, 0x01], &[0; 8], &vlan6);
    let erspan3_ip = erspan3_of([0x08, 0x00], &[], &inner4());
    erspan3.truncate(8);
    let bottom = [0, 1, 0x11, 64];
    let labels = with(&[0, 0, 0x20, 64], &bottom);
    vec![
        ("gre", Gre, 47, with(&[0, 0, 8, 0], &inner4())),
        ("gre of IPv6", Gre, 47, with(&[0, 0, 0x86, 0xdd], &inner6())),
        ("gre with a checksum", Gre, 47, with(&[0x80, 0, 8, 0, 1, 2, 0, 0], &inner4())),
        ("gre with key and sequence", Gre, 47, with(&[0x30, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 2], &inner4())),
        ("gre with all", Gre, 47, with(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &inner4())),
        (
            "gre with a route",
            Gre,
            47,
            with(&[0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 4, 4, 1, 2, 3, 4, 0, 0, 0, 0], &inner4()),
        ),
        ("gre of Ethernet", Gre, 47, with(&[0, 0, 0x65, 0x58], &ether4)),
        ("nvgre of a tagged frame", Gre, 47, with(&[0x20, 0, 0x65, 0x58, 0, 0, 1, 9], &vlan6)),
        ("gre of MPLS", Gre, 47, with(&[0, 0, 0x88, 0x47], &with(&labels, &inner4()))),
        ("gre of ppp", Gre, 47, with(&[0, 0, 0x88, 0x0b, 0xff, 3, 0, 0x21], &inner4())),
        ("pptp", Gre, 47, ppp_of(&[0x30, 0x01], &[0, 0, 0, 1], &[0xff, 3, 0, 0x21])),
        ("pptp, acknowledging, compressed", Gre, 47, ppp_of(&[0x30, 0x81], &[0, 0, 0, 1, 0, 0, 0, 2], &[0x21])),
        ("erspan I", Erspan, 47, with(&[0, 0, 0x88, 0xbe], &ether4)),
        ("erspan II", Erspan, 47, with(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 5, 0x10, 7, 0, 9, 0, 0, 0, 1], &vlan6)),
        ("erspan III", Erspan, 47, erspan3_plain),
        ("erspan III with more", Erspan, 47, erspan3_more),
        ("erspan III of bare IP", Erspan, 47, erspan3_ip),
        ("IPv4 in IP", Ipv4InIp, 4, inner4()),
        ("IPv6 in IP", Ipv6InIp, 41, inner6()),
        ("MPLS in IP", MplsInIp, 137, with(&labels, &inner6())),
        ("vxlan", Vxlan, 17, udp_in(4789, with(&[8, 0, 0, 0, 0, 0, 9, 0], &ether4))),
        ("vxlan of a tagged frame, on Linux' port", Vxlan, 17, udp_in(8472, with(&[8, 0, 0, 0, 0, 0, 9, 0], &vlan6))),
        ("vxlan with a group policy", Vxlan, 17, udp_in(4789, with(&[0x88, 8, 0, 5, 0, 0, 9, 0], &ether4))),
        (
            "vxlan with reserved bits, which are ignored",
            Vxlan,
            17,
            udp_in(4789, with(&[8, 2, 0, 0, 0, 0, 9, 1], &ether4)),
        ),
        ("geneve with reserved bits", Geneve, 17, udp_in(6081, with(&[0, 1, 0x65, 0x58, 0, 0, 9, 7], &ether4))),
        ("vxlan answered from its port", Vxlan, 17, udp(4789, 50_000, &with(&[8, 0, 0, 0, 0, 0, 9, 0], &ether4))),
        ("geneve", Geneve, 17, udp_in(6081, with(&[0, 0, 0x65, 0x58, 0, 0, 9, 0], &ether4))),
        (
            "geneve with options",
            Geneve,
            17,
            udp_in(6081, [&[2, 0x40, 0x65, 0x58, 0, 0, 9, 0], &[1; 8][..], &vlan6].concat()),
        ),
        ("geneve of bare IP", Geneve, 17, udp_in(6081, with(&[0, 0, 0x86, 0xdd, 0, 0, 9, 0], &inner6()))),
        ("gtp", GtpU, 17, udp_in(2152, gtp_of(0x30, &[]))),
        ("gtp with a sequence number", GtpU, 17, udp_in(2152, gtp_of(0x32, &[0, 1, 0, 0]))),
        (
            "gtp with extensions",
            GtpU,
            17,
            udp_in(2152, gtp_of(0x34, &[0, 0, 0, 0x85, 1, 0, 9, 0x85, 2, 0, 0, 0, 0, 0, 0, 0])),
        ),
        ("gre of wccp", Gre, 47, with(&[0, 0, 0x88, 0x3e], &inner4())),
        ("gre of wccp, version 2", Gre, 47, with(&[0, 0, 0x88, 0x3e, 0x80, 0, 7, 9], &inner4())),
        ("MPLS in UDP", MplsInUdp, 17, udp_in(6635, with(&labels, &inner4()))),
        ("vxlan-gpe of IPv4", VxlanGpe, 17, udp_in(4790, with(&[0x0c, 0, 0, 1, 0, 0, 9, 0], &inner4()))),
        ("vxlan-gpe of IPv6", VxlanGpe, 17, udp_in(4790, with(&[0x0c, 0, 0, 2, 0, 0, 9, 0], &inner6()))),
        ("vxlan-gpe of Ethernet", VxlanGpe, 17, udp_in(4790, with(&[0x0c, 0, 0, 3, 0, 0, 9, 0], &ether4))),
        (
            "vxlan-gpe of MPLS",
            VxlanGpe,
            17,
            udp_in(4790, with(&[0x0c, 0, 0, 5, 0, 0, 9, 0], &with(&labels, &inner4()))),
        ),
        ("vxlan-gpe that says nothing", VxlanGpe, 17, udp_in(4790, with(&[0x08, 0, 0, 0, 0, 0, 9, 0], &vlan6))),
        ("teredo", Teredo, 17, udp_in(3544, teredo(&[]))),
        ("teredo with an origin", Teredo, 17, udp(3544, 50_000, &teredo(&origin))),
        ("teredo with both", Teredo, 17, udp_in(3544, teredo(&with(&authentication, &origin)))),
        ("teredo with a long authentication", Teredo, 17, udp_in(3544, teredo(&long_authentication))),
        ("gre in udp", GreInUdp, 17, udp_in(4754, with(&[0x20, 0, 8, 0, 0, 0, 0, 1], &inner4()))),
    ]
}

fn is_inner(opened: &Opened<'_>) -> bool {
    let last = match opened.packet.src {
        std::net::IpAddr::V4(address) => address.octets()[3],
        std::net::IpAddr::V6(address) => address.octets()[15],
    };
    last == 99 && matches!(opened.packet.transport, Transport::Udp { dst_port: 53, payload: b"inner", .. })
}

#[test]
fn every_tunnel_gives_the_packet_inside_over_ipv4_and_ipv6() {
    for (name, kind, protocol, above) in wrapped() {
        for outer in [v4_from(1, protocol, &above), v6_from(1, protocol, &above)] {
            let opened = read(LinkType::RawIp, &outer).unwrap();
            assert!(is_inner(&opened), "{name}: {:?}", opened.packet);
            assert_eq!(opened.tunnel(), Some(kind), "{name}");
            assert!(
                outer.ends_with(opened.ip) && [inner4(), inner6()].iter().any(|inner| inner == opened.ip),
                "{name}"
            );
            assert_eq!(usize::try_from(opened.packet.octets).unwrap(), opened.ip.len(), "{name}");
            let padded = with(
                &ethernet(
                    &[if outer[0] >> 4 == 4 { 8 } else { 0x86 }, if outer[0] >> 4 == 4 { 0 } else { 0xdd }],
                    &outer,
                ),
                &[0; 9],
            );
            assert!(is_inner(&read(LinkType::Ethernet, &padded).unwrap()), "{name}: padded");
        }
    }
    let names: std::collections::BTreeSet<&str> = TunnelKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), TunnelKind::ALL.len());
}

/// What a packet came in, the outermost first.
fn around(octets: &[u8]) -> Vec<Packet<'_>> {
    let length = octets.len() as u32;
    let mut around = Vec::new();
    let frame = Frame { time: Timestamp(1), source: 3, link: LinkType::RawIp, octets, length, vlan: None };
    each_around(&frame, &mut |packet| around.push(*packet));
    assert_eq!(outermost(&frame), Some((octets, true)));
    around
}

#[test]
fn what_carries_a_tunnel_is_told_as_a_packet_of_its_own() {
    for (name, _, protocol, above) in wrapped() {
        for outer in [v4_from(1, protocol, &above), v6_from(1, protocol, &above)] {
            let around = around(&outer);
            let [packet] = around.as_slice() else { panic!("{name}: {around:?}") };
            assert_eq!((packet.protocol, packet.octets as usize, packet.source), (Protocol(protocol), outer.len(), 3));
            assert!(packet.src.to_string().ends_with(".1") || packet.src.to_string().ends_with("::1"), "{name}");
            let ports = (above[0], above[1], above[2], above[3]);
            let told = match packet.transport {
                Transport::Udp { src_port, dst_port, .. } => {
                    let ([a, b], [c, d]) = (src_port.to_be_bytes(), dst_port.to_be_bytes());
                    (a, b, c, d) == ports
                }
                transport => transport == Transport::Other && protocol != 17,
            };
            assert!(told, "{name}: {packet:?}");
        }
    }
    for plain in [inner4(), inner6(), v4_from(1, 17, &udp(5, 4789, b"no tunnel")), v4_from(1, 47, &[0; 20])] {
        assert_eq!(around(&plain), []);
    }
}

#[test]
fn s3_each_tunnel_in_a_tunnel_is_told_once_as_deep_as_they_are_opened() {
    for count in 0..=limits::TUNNELS_MAX + 2 {
        let octets = (1..=count).fold(inner4(), |inside, at| v4_from(at as u8, 4, &inside));
        let seen: Vec<_> = around(&octets).iter().map(|packet| packet.src.to_string()).collect();
        let expected = (1..=count).rev().take(limits::TUNNELS_MAX).map(|at| format!("10.0.0.{at}"));
        assert_eq!(seen, expected.collect::<Vec<_>>(), "{count}");
    }
}

#[test]
fn what_is_no_tunnel_or_cannot_be_read_inside_stays_the_packet_it_is() {
    let dns = [8, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, b'e', b'v', b'i', b'l', 2, b'n', b'o', 0, 0, 1, 0, 1];
    let arp = ethernet(&[8, 6], &[0; 28]);
    let bottom_label = [0, 1, 0x11, 64];
    let mut lying = inner4();
    lying[2] = 0xff;
    let cases: Vec<(&str, u8, Vec<u8>)> = vec![
        ("a question from vxlan's port", 17, udp(4789, 53, &dns)),
        ("a question from Linux' vxlan port", 17, udp(8472, 53, &dns)),
        ("a question from geneve's port", 17, udp(6081, 53, &dns)),
        ("a question from gtp's port", 17, udp(2152, 53, &dns)),
        ("a question from teredo's port", 17, udp(3544, 53, &dns)),
        ("a question from gre's port", 17, udp(4754, 53, &dns)),
        ("vxlan of arp", 17, udp(5, 4789, &with(&[8, 0, 0, 0, 0, 0, 9, 0], &arp))),
        ("vxlan without a network", 17, udp(5, 4789, &with(&[0, 0, 0, 0, 0, 0, 9, 0], &ethernet(&[8, 0], &inner4())))),
        ("vxlan of a packet that lies", 17, udp(5, 4789, &with(&[8, 0, 0, 0, 0, 0, 9, 0], &ethernet(&[8, 0], &lying)))),
        ("gtp's echo", 17, udp(2152, 2152, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0])),
        ("gtp longer than it is", 17, udp(5, 2152, &with(&[0x30, 255, 1, 0, 0, 0, 0, 9], &inner4()))),
        (
            "gtp with an extension of no length",
            17,
            udp(5, 2152, &with(&[0x34, 255, 0, 41, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0], &inner4())),
        ),
        ("gtp's control", 17, udp(5, 2152, &[0x48, 1, 0, 4, 0, 0, 0, 0])),
        ("teredo of IPv4", 17, udp(5, 3544, &inner4())),
        (
            "geneve of version 1",
            17,
            udp(5, 6081, &with(&[0x40, 0, 0x65, 0x58, 0, 0, 9, 0], &ethernet(&[8, 0], &inner4()))),
        ),
        ("encrypted pptp", 47, with(&[0x30, 1, 0x88, 0x0b, 0, 24, 0, 9, 0, 0, 0, 1, 0, 0xfd, 0x90, 0], &[0x77; 20])),
        ("a question from vxlan-gpe's port", 17, udp(4790, 53, &dns)),
        ("a question from mpls' port", 17, udp(6635, 53, &dns)),
        ("vxlan-gpe of version 1", 17, udp(5, 4790, &with(&[0x1c, 0, 0, 1, 0, 0, 9, 0], &inner4()))),
        ("vxlan-gpe of a service chain", 17, udp(5, 4790, &with(&[0x0c, 0, 0, 4, 0, 0, 9, 0], &inner4()))),
        ("mpls of nothing known", 17, udp(5, 6635, &with(&bottom_label, &[0x10; 30]))),
        ("gre of wccp that carries no IP", 47, with(&[0, 0, 0x88, 0x3e], &[0x10; 30])),
        ("gre of something else", 47, with(&[0, 0, 0x20, 0], &[0; 20])),
        ("gre of version 2", 47, with(&[0, 2, 8, 0], &inner4())),
        ("gre with endless routes", 47, with(&[0x40, 0, 8, 0, 0, 0, 0, 0], &[1, 0, 0, 0].repeat(40))),
        ("gre cut in its key", 47, vec![0x20, 0, 8, 0, 0]),
        ("an empty tunnel", 4, vec![]),
        ("IPv6 announced as IPv4", 4, inner6()),
        (
            "erspan of version 7",
            47,
            with(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 5, 0x70, 7, 0, 9, 0, 0, 0, 1], &ethernet(&[8, 0], &inner4())),
        ),
        ("encrypted", 50, inner4()),
    ];
    for (name, protocol, above) in cases {
        let outer = v4_from(1, protocol, &above);
        let opened = read(LinkType::RawIp, &outer).unwrap();
        assert_eq!((opened.tunnel(), opened.packet.src), (None, [10, 0, 0, 1].into()), "{name}");
        assert_eq!(opened.packet.protocol, Protocol(protocol), "{name}");
        if protocol == 17 {
            assert!(
                matches!(opened.packet.transport, Transport::Udp { payload, .. } if payload.len() + 8 == above.len()),
                "{name}"
            );
        }
    }
}

#[test]
fn tunnels_that_are_known_and_not_read_are_told_apart_from_what_only_has_their_port() {
    let ether4 = ethernet(&[8, 0], &inner4());
    for (name, protocol, above, is_unread) in [
        ("l2tp", 17, udp(1701, 1701, &with(&[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &inner4())), true),
        ("l2tpv3", 17, udp(5, 1701, &with(&[0, 3, 0, 0, 0, 0, 0, 9], &ether4)), true),
        ("l2tp's control", 17, udp(1701, 1701, &[0xc8, 2, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0]), false),
        (
            "a question from l2tp's port",
            17,
            udp(1701, 53, &with(&[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &inner4())),
            false,
        ),
        ("lisp", 17, udp(5, 4341, &with(&[8, 0, 0, 0, 0, 0, 0, 1], &inner4())), true),
        ("something at lisp's port", 17, udp(5, 4341, &[7; 60]), false),
        ("gue", 17, udp(5, 6080, &with(&[0, 4, 0, 0], &inner4())), true),
        ("gue with more", 17, udp(5, 6080, &with(&[1, 41, 0, 0, 0, 0, 0, 0], &inner6())), true),
        ("gue of bare IP", 17, udp(5, 6080, &inner4()), true),
        ("gue's control", 17, udp(5, 6080, &with(&[0x20, 4, 0, 0], &inner4())), false),
        ("etherip", 97, with(&[0x30, 0], &ether4), true),
        ("l2tpv3 over IP", 115, with(&[0, 0, 0, 5], &ether4), true),
        ("an outer that is read", 4, inner4(), false),
        ("encrypted", 50, inner4(), false),
    ] {
        for outer in [v4_from(1, protocol, &above), v6_from(1, protocol, &above)] {
            assert_eq!(
                read(LinkType::RawIp, &outer).unwrap().tunnels.is_some_and(|tunnels| tunnels.is_unread),
                is_unread,
                "{name}"
            );
            let around = v4_from(2, if outer[0] >> 4 == 4 { 4 } else { 41 }, &outer);
            assert_eq!(
                read(LinkType::RawIp, &around).unwrap().tunnels.is_some_and(|tunnels| tunnels.is_unread),
                is_unread,
                "{name} in a tunnel"
            );
        }
    }
    let chain = ethernet(&[0x89, 0x4f], &with(&[0x0f, 0xc6, 1, 1, 0, 1, 0, 0xff], &inner4()));
    assert_eq!(read(LinkType::Ethernet, &chain).err(), Some(NotRead::UnreadEncapsulation));
}

#[test]
fn what_goes_to_a_name_or_web_server_is_never_taken_for_a_tunnel() {
    let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &ethernet(&[8, 0], &inner4())].concat();
    for (src_port, dst_port, opened) in [(4789, 53, false), (53, 4789, false), (4789, 443, false), (40_000, 4789, true)]
    {
        let packet = v4_from(1, 17, &udp(src_port, dst_port, &vxlan));
        assert_eq!(read(LinkType::RawIp, &packet).unwrap().tunnel().is_some(), opened, "{src_port} to {dst_port}");
    }
}

#[test]
fn mpls_is_taken_off_every_link_with_ip_or_ethernet_behind_it() {
    let bottom = [0, 1, 0x11, 64];
    let deep = with(&[0, 0, 0x20, 64].repeat(limits::MPLS_LABELS_MAX - 1), &bottom);
    let mut from_4 = ethernet(&[8, 0], &inner4());
    from_4[0] = 0x45;
    let mut from_0 = ethernet(&[8, 0], &inner4());
    from_0[0] = 0;
    let again = ethernet(&[0x88, 0x48], &with(&bottom, &inner6()));
    for (name, behind) in [
        ("IPv4", inner4()),
        ("IPv6", inner6()),
        ("Ethernet", ethernet(&[8, 0], &inner4())),
        ("Ethernet that looks like IPv4", from_4),
        ("Ethernet that looks like a control word", from_0),
        ("Ethernet behind a control word", with(&[0, 0, 0, 1], &ethernet(&[0x81, 0, 0, 7, 0x86, 0xdd], &inner6()))),
        ("MPLS in Ethernet in MPLS", again),
    ] {
        let label = with(&bottom, &behind);
        let sll = with(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x88, 0x47], &label);
        for (link, octets) in [
            (LinkType::Ethernet, ethernet(&[0x88, 0x47], &label)),
            (LinkType::Ethernet, ethernet(&[0x88, 0xa8, 0, 3, 0x81, 0, 0, 4, 0x88, 0x48], &label)),
            (LinkType::Ethernet, ethernet(&[0x88, 0x47], &with(&deep, &behind))),
            (LinkType::Ethernet, ethernet(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 2, 0x81], &label)),
            (LinkType::Ppp, with(&[0xff, 3, 2, 0x81], &label)),
            (LinkType::LinuxSll, sll),
        ] {
            let opened = read(link, &octets).unwrap();
            assert!(is_inner(&opened) && opened.tunnel().is_none(), "{name} over {link:?}");
        }
    }
    for (name, octets, expected) in [
        ("too many labels", with(&[0, 0, 0x20, 64], &with(&deep, &inner4())), NotRead::UnreadEncapsulation),
        ("no bottom", [0, 0, 0x20, 64].repeat(3), NotRead::UnreadEncapsulation),
        ("nothing behind", bottom.to_vec(), NotRead::CutShort),
        ("something else", with(&bottom, &[0x10; 30]), NotRead::UnreadEncapsulation),
    ] {
        assert_eq!(read(LinkType::Ethernet, &ethernet(&[0x88, 0x47], &octets)).err(), Some(expected), "{name}");
    }
}

#[test]
fn s3_nested_tunnels_are_opened_so_far_and_no_further() {
    let nest = |count: usize| (0..count).fold(inner4(), |inside, _| v4_from(1, 4, &inside));
    for count in 0..=limits::TUNNELS_MAX {
        assert!(is_inner(&read(LinkType::RawIp, &nest(count)).unwrap()), "{count}");
    }
    let too_deep = nest(limits::TUNNELS_MAX + 1);
    let opened = read(LinkType::RawIp, &too_deep).unwrap();
    assert_eq!((opened.packet.protocol, opened.packet.src), (Protocol(4), [10, 0, 0, 1].into()));
    assert_eq!(opened.tunnel(), Some(Ipv4InIp));
    // Link layers in one another are counted apart: each holds the next, none an IP header.
    let bridged = |count: usize| {
        (0..count).fold(inner4(), |inside, at| ethernet(if at == 0 { &[8, 0] } else { &[0x65, 0x58] }, &inside))
    };
    assert!(is_inner(&read(LinkType::Ethernet, &bridged(limits::TUNNELS_MAX)).unwrap()));
    assert_eq!(read(LinkType::Ethernet, &bridged(limits::TUNNELS_MAX + 2)).err(), Some(NotRead::UnreadEncapsulation));
}

#[test]
fn fragments_are_not_opened_and_authentication_headers_hide_nothing() {
    let mut outer = v4_from(1, 4, &inner4());
    outer[6] = 0x20;
    assert_eq!(read(LinkType::RawIp, &outer).unwrap().tunnel(), None);
    let authentication = [17, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
    let octets = v4_from(99, 51, &with(&authentication, &udp(40_000, 53, b"inner")));
    assert!(is_inner(&read(LinkType::RawIp, &octets).unwrap()));
}

/// What was handed on must lie within the frame.
fn holds(link: LinkType, octets: &[u8], length: u32) {
    let frame = Frame { time: Timestamp(1), source: 0, link, octets, length, vlan: None };
    if let Ok(opened) = open(&frame) {
        assert!(octets.as_ptr_range().contains(&opened.ip.as_ptr()) && opened.ip.len() <= octets.len());
        let _ = opened.piece();
        let mut around = 0;
        each_around(&frame, &mut |packet| {
            around += 1;
            assert!(packet.octets >= 20);
        });
        assert_eq!(around > 0, opened.tunnel().is_some());
        assert!(around <= limits::TUNNELS_MAX && outermost(&frame).is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn s1_s3_mutated_tunnels_never_panic(
        which in any::<prop::sample::Index>(),
        times in 1usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        length in any::<u32>(),
    ) {
        let all = wrapped();
        let (_, _, protocol, above) = &all[which.index(all.len())];
        let mut octets = v4_from(1, *protocol, above);
        for _ in 1..times {
            octets = v6_from(1, 47, &with(&[0, 0, 8, 0], &octets));
            octets = v4_from(2, 41, &octets);
        }
        for (at, value) in changes {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        octets.truncate(cut.index(octets.len() + 1));
        holds(LinkType::RawIp, &octets, length);
        let framed = ethernet(&[0x88, 0x47, 0, 1, 0x11, 64], &octets);
        holds(LinkType::Ethernet, &framed, length);
    }

    #[test]
    fn s1_s3_arbitrary_octets_behind_every_tunnel_never_panic(
        octets in prop::collection::vec(any::<u8>(), 0..120),
        protocol in prop::sample::select(vec![4u8, 41, 47, 51, 137, 44]),
        port in prop::sample::select(vec![2152u16, 3544, 4754, 4789, 6081, 8472]),
    ) {
        for packet in [v4_from(1, protocol, &octets), v6_from(1, protocol, &octets), v4_from(1, 17, &udp(port, port, &octets))] {
            holds(LinkType::RawIp, &packet, packet.len() as u32);
        }
    }
}
