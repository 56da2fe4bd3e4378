//! IP packets as octets, built with pnet: UDP, TCP, ICMP over IPv4 and IPv6, with options, extension headers, fragments.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use pnet::packet::icmp::{self, IcmpTypes, MutableIcmpPacket};
use pnet::packet::icmpv6::{self, Icmpv6Types, MutableIcmpv6Packet};
use pnet::packet::ip::{IpNextHeaderProtocol, IpNextHeaderProtocols};
use pnet::packet::ipv4::{self, Ipv4Flags, MutableIpv4Packet};
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::packet::tcp::{self, MutableTcpPacket};
use pnet::packet::udp::{self, MutableUdpPacket};

/// TCP flags as they stand in the header.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Begin.
    pub const SYN: u8 = 0x02;
    /// End at once.
    pub const RST: u8 = 0x04;
    /// Hand over now.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
}

/// What a TCP segment says beside its data.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// Place of its first octet.
    pub sequence: u32,
    /// Next octet wanted.
    pub acknowledgement: u32,
    /// See [`flag`].
    pub flags: u8,
}

fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: IpNextHeaderProtocol, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; 20 + payload.len()];
    if let Some(mut packet) = MutableIpv4Packet::new(&mut octets) {
        packet.set_version(4);
        packet.set_header_length(5);
        packet.set_total_length(20 + payload.len() as u16);
        packet.set_flags(Ipv4Flags::DontFragment);
        packet.set_ttl(64);
        packet.set_next_level_protocol(protocol);
        packet.set_source(source);
        packet.set_destination(destination);
        packet.set_payload(payload);
        let checksum = ipv4::checksum(&packet.to_immutable());
        packet.set_checksum(checksum);
    }
    octets
}

fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, protocol: IpNextHeaderProtocol, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; 40 + payload.len()];
    if let Some(mut packet) = MutableIpv6Packet::new(&mut octets) {
        packet.set_version(6);
        packet.set_payload_length(payload.len() as u16);
        packet.set_next_header(protocol);
        packet.set_hop_limit(64);
        packet.set_source(source);
        packet.set_destination(destination);
        packet.set_payload(payload);
    }
    octets
}

/// An IP packet around `payload`. Ends of different families give no octets: nobody builds such a packet.
pub fn ip(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let protocol = IpNextHeaderProtocol::new(protocol);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4(source, destination, protocol, payload),
        (IpAddr::V6(source), IpAddr::V6(destination)) => ipv6(source, destination, protocol, payload),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Vec::new(),
    }
}

/// A UDP packet.
pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; 8 + payload.len()];
    if let Some(mut packet) = MutableUdpPacket::new(&mut octets) {
        packet.set_source(source.port());
        packet.set_destination(destination.port());
        packet.set_length(8 + payload.len() as u16);
        packet.set_payload(payload);
        let checksum = match (source.ip(), destination.ip()) {
            (IpAddr::V4(s), IpAddr::V4(d)) => udp::ipv4_checksum(&packet.to_immutable(), &s, &d),
            (IpAddr::V6(s), IpAddr::V6(d)) => udp::ipv6_checksum(&packet.to_immutable(), &s, &d),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
        };
        packet.set_checksum(checksum);
    }
    ip(source.ip(), destination.ip(), IpNextHeaderProtocols::Udp.0, &octets)
}

/// A TCP packet.
pub fn tcp(source: SocketAddr, destination: SocketAddr, segment: Segment, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; 20 + payload.len()];
    if let Some(mut packet) = MutableTcpPacket::new(&mut octets) {
        packet.set_source(source.port());
        packet.set_destination(destination.port());
        packet.set_sequence(segment.sequence);
        packet.set_acknowledgement(segment.acknowledgement);
        packet.set_data_offset(5);
        packet.set_flags(segment.flags);
        packet.set_window(64_240);
        packet.set_payload(payload);
        let checksum = match (source.ip(), destination.ip()) {
            (IpAddr::V4(s), IpAddr::V4(d)) => tcp::ipv4_checksum(&packet.to_immutable(), &s, &d),
            (IpAddr::V6(s), IpAddr::V6(d)) => tcp::ipv6_checksum(&packet.to_immutable(), &s, &d),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
        };
        packet.set_checksum(checksum);
    }
    ip(source.ip(), destination.ip(), IpNextHeaderProtocols::Tcp.0, &octets)
}

fn icmp_of(source: IpAddr, destination: IpAddr, v4: (u8, u8), v6: (u8, u8), rest: &[u8]) -> Vec<u8> {
    let mut octets = vec![0; 4 + rest.len()];
    match (source, destination) {
        (IpAddr::V6(s), IpAddr::V6(d)) => {
            if let Some(mut packet) = MutableIcmpv6Packet::new(&mut octets) {
                packet.set_icmpv6_type(icmpv6::Icmpv6Type::new(v6.0));
                packet.set_icmpv6_code(icmpv6::Icmpv6Code::new(v6.1));
                packet.set_payload(rest);
                let checksum = icmpv6::checksum(&packet.to_immutable(), &s, &d);
                packet.set_checksum(checksum);
            }
            ip(source, destination, IpNextHeaderProtocols::Icmpv6.0, &octets)
        }
        (IpAddr::V4(_), _) | (_, IpAddr::V4(_)) => {
            if let Some(mut packet) = MutableIcmpPacket::new(&mut octets) {
                packet.set_icmp_type(icmp::IcmpType::new(v4.0));
                packet.set_icmp_code(icmp::IcmpCode::new(v4.1));
                packet.set_payload(rest);
                let checksum = icmp::checksum(&packet.to_immutable());
                packet.set_checksum(checksum);
            }
            ip(source, destination, IpNextHeaderProtocols::Icmp.0, &octets)
        }
    }
}

/// An ICMP echo request or reply of either family.
pub fn icmp_echo(source: IpAddr, destination: IpAddr, reply: bool, id: u16, sequence: u16) -> Vec<u8> {
    let (v4, v6) = match reply {
        false => (IcmpTypes::EchoRequest.0, Icmpv6Types::EchoRequest.0),
        true => (IcmpTypes::EchoReply.0, Icmpv6Types::EchoReply.0),
    };
    let rest = [&id.to_be_bytes()[..], &sequence.to_be_bytes()[..], &[0x61; 32]].concat();
    icmp_of(source, destination, (v4, 0), (v6, 0), &rest)
}

/// "Port unreachable", with the beginning of the packet that could not be delivered.
pub fn icmp_port_unreachable(source: IpAddr, destination: IpAddr, undelivered: &[u8]) -> Vec<u8> {
    let quoted: Vec<u8> = [0; 4].into_iter().chain(undelivered.iter().copied().take(48)).collect();
    icmp_of(source, destination, (IcmpTypes::DestinationUnreachable.0, 3), (1, 4), &quoted)
}

/// The same packet with IP options in front of its payload: no-operations in IPv4; hop-by-hop and destination options in
/// IPv6.
pub fn with_options(packet: &[u8]) -> Vec<u8> {
    let mut octets = packet.to_vec();
    match packet.first().map(|first| first >> 4) {
        Some(4) => {
            octets.splice(20..20, [1; 8]);
            let length = octets.len() as u16;
            if let Some(mut packet) = MutableIpv4Packet::new(&mut octets) {
                packet.set_header_length(7);
                packet.set_total_length(length);
                let checksum = ipv4::checksum(&packet.to_immutable());
                packet.set_checksum(checksum);
            }
        }
        Some(6) => {
            let transport = octets.get(6).copied().unwrap_or(59);
            // Each: next header, length 0 (= 8 octets), PadN of 4.
            octets.splice(40..40, [60, 0, 1, 4, 0, 0, 0, 0, transport, 0, 1, 4, 0, 0, 0, 0]);
            let length = octets.len() as u16 - 40;
            if let Some(mut packet) = MutableIpv6Packet::new(&mut octets) {
                packet.set_next_header(IpNextHeaderProtocol::new(0));
                packet.set_payload_length(length);
            }
        }
        Some(_) | None => {}
    }
    octets
}

/// An IPv4 packet in fragments with at most `size` octets of payload each (rounded down to a multiple of 8); others as
/// they are.
pub fn fragments(packet: &[u8], size: usize, identification: u16) -> Vec<Vec<u8>> {
    let size = (size / 8).max(1) * 8;
    let (Some(4), Some((header, payload))) = (packet.first().map(|first| first >> 4), packet.split_at_checked(20))
    else {
        return vec![packet.to_vec()];
    };
    let count = payload.len().div_ceil(size);
    let fragment = |(index, part): (usize, &[u8])| {
        let mut octets = [header, part].concat();
        if let Some(mut packet) = MutableIpv4Packet::new(&mut octets) {
            packet.set_total_length(20 + part.len() as u16);
            packet.set_identification(identification);
            packet.set_flags(if index + 1 < count { Ipv4Flags::MoreFragments } else { 0 });
            packet.set_fragment_offset((index * size / 8) as u16);
            let checksum = ipv4::checksum(&packet.to_immutable());
            packet.set_checksum(checksum);
        }
        octets
    };
    payload.chunks(size).enumerate().map(fragment).collect()
}

/// The same of an IPv6 packet without extension headers, each with a fragment header (RFC 8200 section 4.5).
pub fn fragments_v6(packet: &[u8], size: usize, identification: u32) -> Vec<Vec<u8>> {
    let size = (size / 8).max(1) * 8;
    let (Some(6), Some((header, payload))) = (packet.first().map(|first| first >> 4), packet.split_at_checked(40))
    else {
        return vec![packet.to_vec()];
    };
    let next = header.get(6).copied().unwrap_or(59);
    let count = payload.len().div_ceil(size);
    let fragment = |(index, part): (usize, &[u8])| {
        let offset_and_more = (index * size) as u16 | u16::from(index + 1 < count);
        let front = [&[next, 0][..], &offset_and_more.to_be_bytes(), &identification.to_be_bytes()].concat();
        let mut octets = [header, &front, part].concat();
        if let Some(mut packet) = MutableIpv6Packet::new(&mut octets) {
            packet.set_next_header(IpNextHeaderProtocol::new(44));
            packet.set_payload_length(8 + part.len() as u16);
        }
        octets
    };
    payload.chunks(size).enumerate().map(fragment).collect()
}

/// The same packet one router further on: one hop less.
pub fn routed(packet: &[u8]) -> Vec<u8> {
    let mut octets = packet.to_vec();
    match packet.first().map(|first| first >> 4) {
        Some(4) => {
            if let Some(mut packet) = MutableIpv4Packet::new(&mut octets) {
                packet.set_ttl(packet.get_ttl().saturating_sub(1));
                let checksum = ipv4::checksum(&packet.to_immutable());
                packet.set_checksum(checksum);
            }
        }
        Some(_) | None => {
            if let Some(mut packet) = MutableIpv6Packet::new(&mut octets) {
                packet.set_hop_limit(packet.get_hop_limit().saturating_sub(1));
            }
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use pnet::packet::Packet;
    use pnet::packet::ipv4::Ipv4Packet;

    #[test]
    fn a_fragmented_packet_is_all_there() {
        let whole = udp("10.0.0.1:1000".parse().unwrap(), "10.0.0.2:53".parse().unwrap(), &[7; 100]);
        let parts = fragments(&whole, 50, 9);
        assert_eq!(parts.len(), 3);
        let payloads: Vec<u8> = parts.iter().flat_map(|p| Ipv4Packet::new(p).unwrap().payload().to_vec()).collect();
        assert_eq!(payloads, &whole[20..]);
    }

    #[test]
    fn options_lengthen_the_packet_and_nothing_else() {
        for (a, b) in [("10.0.0.1:1", "10.0.0.2:2"), ("[fd00::1]:1", "[fd00::2]:2")] {
            let plain = udp(a.parse().unwrap(), b.parse().unwrap(), b"hei");
            let with = with_options(&plain);
            assert!(with.len() > plain.len() && with.ends_with(&plain[plain.len() - 11..]));
        }
    }
}
