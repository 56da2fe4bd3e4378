//! Frames made octet by octet: every link type and wrapping, every header that lies.

use proptest::prelude::*;

use super::*;
use crate::limits;

const TIME: Timestamp = Timestamp(1_700_000_000_000_000);

const LINKS: [LinkType; 7] = [
    LinkType::Ethernet,
    LinkType::Null,
    LinkType::Loop,
    LinkType::Ppp,
    LinkType::RawIp,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
];

fn read(link: LinkType, octets: &[u8]) -> Result<Packet<'_>, NotRead> {
    read_cut(link, octets, octets.len())
}

/// Of a frame that was `length` long on the wire.
fn read_cut(link: LinkType, octets: &[u8], length: usize) -> Result<Packet<'_>, NotRead> {
    decode(&Frame { time: TIME, source: 2, link, octets, length: length as u32, vlan: None })
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x30, 0x39, 0x00, 0x35];
    octets.extend((payload.len() as u16 + 8).to_be_bytes());
    octets.extend([0, 0]);
    octets.extend(payload);
    octets
}

const ACKED: u32 = 0x0908_0706;

fn tcp(options: usize, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x9c, 0x40, 0x01, 0xbb, 1, 2, 3, 4, 9, 8, 7, 6];
    octets.extend([((20 + options) / 4 * 16) as u8, flags, 0xff, 0xff, 0, 0, 0, 0]);
    octets.resize(20 + options, 1);
    octets.extend(payload);
    octets
}

fn v4_of(protocol: u8, fragment: u16, options: usize, above: &[u8]) -> Vec<u8> {
    let mut octets = vec![(0x40 + (20 + options) / 4) as u8, 0];
    octets.extend(((20 + options + above.len()) as u16).to_be_bytes());
    octets.extend([0, 1]);
    octets.extend(fragment.to_be_bytes());
    octets.extend([64, protocol, 0, 0, 10, 1, 2, 3, 192, 0, 2, 9]);
    octets.resize(20 + options, 1);
    octets.extend(above);
    octets
}

fn v4(protocol: u8, above: &[u8]) -> Vec<u8> {
    v4_of(protocol, 0x4000, 0, above)
}

fn v6(next: u8, above: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x60, 0, 0, 0];
    octets.extend((above.len() as u16).to_be_bytes());
    octets.extend([next, 64]);
    octets.extend(client6());
    octets.extend(server6());
    octets.extend(above);
    octets
}

fn client6() -> [u8; 16] {
    [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
}

fn server6() -> [u8; 16] {
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
}

fn after(front: &[u8], packet: &[u8]) -> Vec<u8> {
    [front, packet].concat()
}

fn ethernet(kind: &[u8], packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], kind, packet].concat()
}

fn sll(hardware: u16, protocol: u16) -> Vec<u8> {
    let mut octets = vec![0, 0];
    octets.extend(hardware.to_be_bytes());
    octets.extend([0, 6, 1, 2, 3, 4, 5, 6, 0, 0]);
    octets.extend(protocol.to_be_bytes());
    octets
}

fn sll2(hardware: u16, protocol: u16) -> Vec<u8> {
    let mut octets = protocol.to_be_bytes().to_vec();
    octets.extend([0, 0, 0, 0, 0, 3]);
    octets.extend(hardware.to_be_bytes());
    octets.extend([0, 6, 1, 2, 3, 4, 5, 6, 0, 0]);
    octets
}

/// What stands in front of IPv4 and of IPv6, in every link type and wrapping.
fn fronts() -> Vec<(&'static str, LinkType, Vec<u8>, Vec<u8>)> {
    use LinkType::{Ethernet, LinuxSll, LinuxSll2, Loop, Null, Ppp, RawIp};
    let ether = |name, tags: &[u8]| (name, Ethernet, ethernet(tags, &[0x08, 0x00]), ethernet(tags, &[0x86, 0xdd]));
    let plain = |name, link, v4: &[u8], v6: &[u8]| (name, link, v4.to_vec(), v6.to_vec());
    let deep = [0x81, 0x00, 0, 5].repeat(limits::VLAN_TAGS_MAX);
    vec![
        ether("ethernet II", &[]),
        ether("vlan", &[0x81, 0x00, 0x20, 0x64]),
        ether("802.1ad over 802.1q", &[0x88, 0xa8, 0, 7, 0x81, 0x00, 0, 8]),
        ether("old QinQ", &[0x91, 0x00, 0, 7, 0x81, 0x00, 0, 8]),
        ether("as many tags as allowed", &deep),
        ether("802.3 with SNAP", &[0x00, 0x40, 0xaa, 0xaa, 0x03, 0, 0, 0]),
        ether("802.3 with SNAP of a bridge", &[0x00, 0x40, 0xaa, 0xaa, 0x03, 0, 0, 0xf8]),
        (
            "PPPoE",
            Ethernet,
            ethernet(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 90], &[0x00, 0x21]),
            ethernet(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 90], &[0x00, 0x57]),
        ),
        plain("null, little endian, linux", Null, &[2, 0, 0, 0], &[10, 0, 0, 0]),
        plain("null, big endian, netbsd", Null, &[0, 0, 0, 2], &[0, 0, 0, 24]),
        plain("null, little endian, freebsd", Null, &[2, 0, 0, 0], &[28, 0, 0, 0]),
        plain("null, little endian, macos", Null, &[2, 0, 0, 0], &[30, 0, 0, 0]),
        plain("loop", Loop, &[0, 0, 0, 2], &[0, 0, 0, 24]),
        plain("ppp", Ppp, &[0x00, 0x21], &[0x00, 0x57]),
        plain("ppp, compressed protocol", Ppp, &[0x21], &[0x57]),
        plain("ppp in hdlc", Ppp, &[0xff, 0x03, 0x00, 0x21], &[0xff, 0x03, 0x00, 0x57]),
        plain("ppp in hdlc, compressed protocol", Ppp, &[0xff, 0x03, 0x21], &[0xff, 0x03, 0x57]),
        plain("cisco hdlc", Ppp, &[0x0f, 0x00, 0x08, 0x00], &[0x8f, 0x00, 0x86, 0xdd]),
        plain("raw", RawIp, &[], &[]),
        ("cooked v1", LinuxSll, sll(1, 0x0800), sll(1, 0x86dd)),
        ("cooked v1 of a tunnel", LinuxSll, sll(65534, 0x0800), sll(65534, 0x86dd)),
        (
            "cooked v1 with vlan",
            LinuxSll,
            after(&sll(1, 0x8100), &[0, 5, 8, 0]),
            after(&sll(1, 0x8100), &[0, 5, 0x86, 0xdd]),
        ),
        ("cooked v2", LinuxSll2, sll2(1, 0x0800), sll2(1, 0x86dd)),
    ]
}

#[test]
fn every_link_type_and_wrapping_leads_to_the_same_packet() {
    for (name, link, before_v4, before_v6) in fronts() {
        let octets = after(&before_v4, &v4(17, &udp(b"query")));
        let packet = read(link, &octets).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let expected = Packet {
            time: TIME,
            source: 2,
            src: "10.1.2.3".parse().unwrap(),
            dst: "192.0.2.9".parse().unwrap(),
            protocol: Protocol::UDP,
            octets: 33,
            fragment: Fragment::Whole,
            transport: Transport::Udp { src_port: 12345, dst_port: 53, payload: b"query" },
        };
        assert_eq!(packet, expected, "{name}");

        let octets = after(&before_v6, &v6(17, &udp(b"query")));
        let packet = read(link, &octets).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let expected =
            Packet { src: "fd00::1".parse().unwrap(), dst: "2001:db8::2".parse().unwrap(), octets: 53, ..expected };
        assert_eq!(packet, expected, "{name}");
    }
}

#[test]
fn a_frame_cut_at_any_octet_is_refused_before_the_ip_header_ends_and_a_packet_after() {
    for (name, link, before, _) in fronts() {
        let whole = after(&before, &v4(6, &tcp(12, tcp_flags::SYN, b"data")));
        for cut in 0..whole.len() {
            let header = before.len() + 20;
            match read_cut(link, &whole[..cut], whole.len()) {
                Ok(packet) => {
                    assert!(cut >= header, "{name} cut at {cut}");
                    assert_eq!((packet.octets, packet.protocol), (56, Protocol::TCP));
                    let expected = match cut - header {
                        0..4 => "nothing",
                        4..14 => "ports",
                        _ => "segment",
                    };
                    let found = match packet.transport {
                        Transport::Other => "nothing",
                        Transport::Ports { src_port: 40000, dst_port: 443 } => "ports",
                        Transport::Tcp { src_port: 40000, dst_port: 443, flags: tcp_flags::SYN, .. } => "segment",
                        other => panic!("{name} cut at {cut}: {other:?}"),
                    };
                    assert_eq!(found, expected, "{name} cut at {cut}");
                }
                // The few octets that tell LLC from something else, or PPP from HDLC, may be what is missing.
                Err(error) => {
                    assert!(cut < header && matches!(error, NotRead::CutShort | NotRead::NotIp), "{name} {cut}")
                }
            }
        }
    }
}

#[test]
fn what_is_not_ip_or_not_read_is_told_by_reason() {
    use LinkType::{Ethernet, LinuxSll, LinuxSll2, Loop, Null, Ppp, RawIp};
    let too_deep = ethernet(&[0x81, 0x00, 0, 5].repeat(limits::VLAN_TAGS_MAX + 1), &[0x08, 0x00]);
    let mut bad_ihl = v4(17, &udp(b""));
    bad_ihl[0] = 0x44;
    let mut short_total = v4(17, &udp(b""));
    short_total[3] = 19;
    let cases = [
        ("arp", Ethernet, ethernet(&[0x08, 0x06], &[0; 28]), NotRead::NotIp),
        ("lldp", Ethernet, ethernet(&[0x88, 0xcc], &[0; 40]), NotRead::NotIp),
        ("spanning tree", Ethernet, ethernet(&[0x00, 0x26], &[0x42, 0x42, 3, 0, 0, 0, 0, 0, 0]), NotRead::NotIp),
        ("snap of another vendor", Ethernet, ethernet(&[0, 40], &[0xaa, 0xaa, 3, 0, 0, 12, 0x20, 0]), NotRead::NotIp),
        ("a length that is none", Ethernet, ethernet(&[0x05, 0xdd], &[0; 28]), NotRead::NotIp),
        ("mpls", Ethernet, ethernet(&[0x88, 0x47], &[0; 40]), NotRead::UnreadEncapsulation),
        ("too many tags", Ethernet, after(&too_deep, &v4(17, &udp(b""))), NotRead::VlanTooDeep),
        ("version 6 announced as 4", Ethernet, ethernet(&[8, 0], &v6(17, &udp(b""))), NotRead::WrongVersion),
        ("version 4 announced as 6", Ethernet, ethernet(&[0x86, 0xdd], &v4(17, &[0; 40])), NotRead::WrongVersion),
        ("appletalk on loopback", Null, vec![16, 0, 0, 0, 1, 2], NotRead::NotIp),
        ("host order where network order is meant", Loop, after(&[2, 0, 0, 0], &v4(17, &udp(b""))), NotRead::NotIp),
        ("link control", Ppp, vec![0xff, 0x03, 0xc0, 0x21, 1, 1], NotRead::NotIp),
        ("compressed tcp", Ppp, vec![0x2d, 1, 1], NotRead::UnreadEncapsulation),
        ("version 5", RawIp, vec![0x55; 60], NotRead::NotIp),
        ("nothing at all", RawIp, vec![], NotRead::CutShort),
        ("netlink", LinuxSll, after(&sll(824, 0x0800), &v4(17, &udp(b""))), NotRead::NotIp),
        ("802.3 of novell", LinuxSll2, after(&sll2(1, 1), &[0xff; 40]), NotRead::NotIp),
        ("header of 16 octets", RawIp, bad_ihl, NotRead::BadLength),
        ("total length below the header's", RawIp, short_total, NotRead::BadLength),
    ];
    for (name, link, octets, expected) in cases {
        assert_eq!(read(link, &octets), Err(expected), "{name}");
    }
    let names: std::collections::BTreeSet<&str> = NotRead::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), NotRead::ALL.len());
    assert!(!NotRead::NotIp.is_loss() && NotRead::CutShort.is_loss());
}

fn payload<'a>(packet: &Packet<'a>) -> Option<&'a [u8]> {
    match packet.transport {
        Transport::Udp { payload, .. } | Transport::Tcp { payload, .. } => Some(payload),
        Transport::Ports { .. } | Transport::Icmp { .. } | Transport::Other => None,
    }
}

#[test]
fn ip_lengths_bound_the_payload_and_name_the_octets() {
    let padded = after(&v4(17, &udp(b"ab")), &[0; 16]);
    let with_options = v4_of(17, 0, 40, &udp(b"ab"));
    let mut offloaded = v4(6, &tcp(0, tcp_flags::ACK, &[7; 3000]));
    offloaded[2..4].fill(0);
    let mut offloaded6 = v6(6, &tcp(0, tcp_flags::ACK, &[7; 3000]));
    offloaded6[4..6].fill(0);
    let mut jumbo = v6(0, &after(&[17, 0, 0xc2, 4, 0, 1, 0, 0], &udp(b"jumbo")));
    jumbo[4..6].fill(0);
    let nothing = after(&v6(59, &[]), &[0; 6]);
    let padded_segment = after(&v4(6, &tcp(0, tcp_flags::ACK, b"")), &[0; 6]);
    let padded_segment6 = after(&v6(6, &tcp(0, tcp_flags::ACK, b"data")), &[0; 6]);
    // Name, octets, wire length, octets told, payload told.
    type Case<'a> = (&'static str, &'a [u8], usize, u32, Option<&'a [u8]>);
    let cases: [Case<'_>; 10] = [
        ("padding is no payload", &padded, padded.len(), 30, Some(b"ab")),
        ("padding is no data of a segment", &padded_segment, 46, 40, Some(b"")),
        ("padding is no data of a segment in IPv6", &padded_segment6, 70, 64, Some(b"data")),
        ("options are no payload", &with_options, with_options.len(), 70, Some(b"ab")),
        ("cut by the snapshot length", &with_options[..69], 70, 70, Some(b"a")),
        ("cut within options", &with_options[..59], 70, 70, None),
        ("offloaded IPv4", &offloaded, offloaded.len(), 3040, Some(&[7; 3000])),
        ("offloaded IPv4, cut", &offloaded[..140], 3040, 3040, Some(&[7; 100])),
        ("jumbogram", &jumbo, jumbo.len(), 61, Some(b"jumbo")),
        ("no next header, padded", &nothing, nothing.len(), 40, None),
    ];
    for (name, octets, length, told, expected) in cases {
        let packet = read_cut(LinkType::RawIp, octets, length).unwrap();
        assert_eq!((packet.octets, payload(&packet)), (told, expected), "{name}");
    }
    let packet = read(LinkType::RawIp, &offloaded6).unwrap();
    assert_eq!((packet.octets, payload(&packet)), (3060, Some(&[7; 3000][..])));
}

#[test]
fn udp_and_tcp_headers_that_lie_are_bounded_by_what_was_captured() {
    let with_length = |length: u16| {
        let mut octets = udp(b"abcd");
        octets[4..6].copy_from_slice(&length.to_be_bytes());
        v4(17, &octets)
    };
    for (length, expected) in
        [(12, &b"abcd"[..]), (10, b"ab"), (8, b""), (0, b"abcd"), (7, b"abcd"), (13, b"abcd"), (u16::MAX, b"abcd")]
    {
        let octets = with_length(length);
        assert_eq!(payload(&read(LinkType::RawIp, &octets).unwrap()), Some(expected), "udp length {length}");
    }
    for (offset, expected) in
        [(5, Some(&[1, 1, 1, 1, 9, 9][..])), (6, Some(&[9, 9][..])), (15, Some(&[][..])), (4, None), (0, None)]
    {
        let mut segment = tcp(4, tcp_flags::ACK, &[9, 9]);
        segment[12] = offset << 4;
        let octets = v4(6, &segment);
        let packet = read(LinkType::RawIp, &octets).unwrap();
        assert_eq!(payload(&packet), expected, "tcp offset {offset}");
    }
    let octets = v6(6, &tcp(8, tcp_flags::SYN | tcp_flags::ACK, b"fast open"));
    assert_eq!(
        read(LinkType::RawIp, &octets).unwrap().transport,
        Transport::Tcp {
            src_port: 40000,
            dst_port: 443,
            seq: 0x0102_0304,
            ack: ACKED,
            flags: 0x12,
            urgent: 0,
            payload: b"fast open"
        }
    );
}

#[test]
fn icmp_errors_are_told_from_the_rest() {
    for kind in 0..=u8::MAX {
        let octets = v4(1, &[kind, 0, 0, 0]);
        let role = match kind {
            3 | 4 | 5 | 11 | 12 => IcmpRole::Error,
            8 | 10 | 13 | 15 | 17 | 42 => IcmpRole::Request,
            _ => IcmpRole::Other,
        };
        assert_eq!(read(LinkType::RawIp, &octets).unwrap().transport, Transport::Icmp { role }, "type {kind}");
        let octets = v6(58, &[kind, 0, 0, 0]);
        let role = match kind {
            0..=127 => IcmpRole::Error,
            128 | 130 | 133 | 135 | 139 | 160 => IcmpRole::Request,
            _ => IcmpRole::Other,
        };
        assert_eq!(read(LinkType::RawIp, &octets).unwrap().transport, Transport::Icmp { role }, "type {kind}");
    }
    assert_eq!(read(LinkType::RawIp, &v4(1, &[])).unwrap().transport, Transport::Other);
    assert_eq!(read(LinkType::RawIp, &v4(132, &[1; 20])).unwrap().protocol, Protocol(132));
}

#[test]
fn the_first_fragment_has_a_transport_and_later_ones_have_none() {
    let datagram = udp(b"beginning");
    let cases = [
        (0x0000, Fragment::Whole, true),
        (0x4000, Fragment::Whole, true),
        (0x2000, Fragment::First, true),
        (0x2001, Fragment::Later, false),
        (0x00b9, Fragment::Later, false),
    ];
    for (field, expected, has_transport) in cases {
        let octets = v4_of(17, field, 0, &datagram);
        let packet = read(LinkType::RawIp, &octets).unwrap();
        assert_eq!((packet.fragment, packet.transport != Transport::Other), (expected, has_transport), "{field:#x}");
    }
    for (field, expected, has_transport) in [
        (0_u16, Fragment::Whole, true),
        (1, Fragment::First, true),
        (8, Fragment::Later, false),
        (0x5c9, Fragment::Later, false),
    ] {
        let mut header = vec![17, 0];
        header.extend(field.to_be_bytes());
        header.extend([0, 0, 0, 9]);
        let octets = v6(44, &after(&header, &datagram));
        let packet = read(LinkType::RawIp, &octets).unwrap();
        assert_eq!(
            (packet.fragment, packet.transport != Transport::Other, packet.protocol),
            (expected, has_transport, Protocol::UDP),
            "{field:#x}"
        );
    }
}

#[test]
fn ipv6_extension_headers_are_walked_each_by_its_own_length() {
    let of_eight = |next: u8| vec![next, 0, 1, 4, 0, 0, 0, 0];
    let datagram = udp(b"deep");
    for kind in [0, 43, 60, 135, 139, 140] {
        let mut long = vec![17, 2];
        long.resize(24, 0);
        for extension in [of_eight(17), long] {
            let octets = v6(kind, &after(&extension, &datagram));
            let packet = read(LinkType::RawIp, &octets).unwrap();
            assert_eq!((packet.protocol, payload(&packet)), (Protocol::UDP, Some(&b"deep"[..])), "{kind}");
        }
    }
    // Authentication: 4 means six words of four octets.
    let mut authentication = vec![17, 4];
    authentication.resize(24, 0);
    let chain = [of_eight(43), of_eight(44), vec![51, 0, 0, 0, 0, 0, 0, 1], authentication, datagram.clone()].concat();
    let octets = v6(0, &chain);
    let packet = read(LinkType::RawIp, &octets).unwrap();
    assert_eq!(
        (packet.protocol, packet.fragment, payload(&packet)),
        (Protocol::UDP, Fragment::Whole, Some(&b"deep"[..]))
    );

    for cut in 0..octets.len() - datagram.len() + 4 {
        match read_cut(LinkType::RawIp, &octets[..cut], octets.len()) {
            Ok(packet) => assert_eq!((cut >= 40, packet.transport), (true, Transport::Other), "cut at {cut}"),
            Err(error) => assert_eq!((cut < 40, error), (true, NotRead::CutShort), "cut at {cut}"),
        }
    }
}

#[test]
fn s3_an_extension_chain_is_walked_so_far_and_no_further() {
    for (count, expected) in
        [(limits::IPV6_EXTENSIONS_MAX, None), (limits::IPV6_EXTENSIONS_MAX + 1, Some(NotRead::ExtensionsTooMany))]
    {
        let mut above = [60, 0, 1, 4, 0, 0, 0, 0].repeat(count - 1);
        above.extend([17, 0, 1, 4, 0, 0, 0, 0]);
        above.extend(udp(b"end"));
        let octets = v6(60, &above);
        let packet = read(LinkType::RawIp, &octets);
        assert_eq!(packet.err(), expected, "{count} headers");
    }
}

/// What was handed on must lie within the frame, and be no longer than it.
fn holds(link: LinkType, octets: &[u8], length: u32) {
    let frame = Frame { time: TIME, source: 0, link, octets, length, vlan: None };
    if let Ok(packet) = decode(&frame)
        && let Some(payload) = payload(&packet)
    {
        assert!(octets.as_ptr_range().contains(&payload.as_ptr()) || payload.is_empty());
        assert!(payload.len() <= octets.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn s1_s3_arbitrary_octets_never_panic_whatever_the_link(
        octets in prop::collection::vec(any::<u8>(), 0..200),
        length in any::<u32>(),
    ) {
        for link in LINKS {
            holds(link, &octets, length);
        }
    }

    #[test]
    fn s1_s3_mutated_packets_never_panic_whatever_the_wrapping(
        front in any::<prop::sample::Index>(),
        is_v6 in any::<bool>(),
        above in prop::sample::select(vec![
            (17_u8, udp(b"payload")), (6, tcp(12, 2, b"payload")), (1, vec![3; 30]), (58, vec![1; 30]),
            (0, [[60, 0, 1, 4, 0, 0, 0, 0], [44, 0, 1, 4, 0, 0, 0, 0], [51, 0, 0, 1, 0, 0, 0, 0]].concat()),
        ]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        length in any::<u32>(),
    ) {
        let (_, link, before_v4, before_v6) = fronts().swap_remove(front.index(fronts().len()));
        let (protocol, above) = above;
        let mut octets = match is_v6 {
            true => after(&before_v6, &v6(protocol, &above)),
            false => after(&before_v4, &v4(protocol, &above)),
        };
        for (at, value) in changes {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        octets.truncate(cut.index(octets.len() + 1));
        holds(link, &octets, length);
    }
}
