//! Packets in packets, written without any code of the programs: every tunnel and link layer a mirror port may show.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::packet;

/// What stands around a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// Nothing but Ethernet.
    None,
    /// GRE (RFC 2784).
    Gre,
    /// GRE with checksum, key and sequence number (RFC 2890).
    GreWithAll,
    /// Ethernet in GRE with a key (NVGRE, RFC 7637).
    GreOfEthernet,
    /// PPP in GRE version 1 (RFC 2637).
    Pptp,
    /// GRE in UDP (RFC 8086).
    GreInUdp,
    /// ERSPAN without a header.
    Erspan1,
    /// ERSPAN with eight octets of header.
    Erspan2,
    /// ERSPAN with twelve octets of header.
    Erspan3,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// VXLAN on the port Linux used first.
    VxlanOfLinux,
    /// Geneve (RFC 8926) with an option.
    Geneve,
    /// GTP-U (TS 29.281).
    GtpU,
    /// GTP-U with a sequence number and an extension header.
    GtpUExtended,
    /// IP in IP (RFC 2003, RFC 4213), whichever is inside.
    IpInIp,
    /// IP in IPv6 (RFC 2473).
    IpInIpv6,
    /// IP behind two MPLS labels (RFC 3032).
    Mpls,
    /// Ethernet behind an MPLS label and a control word (RFC 4448).
    MplsPseudowire,
    /// PPPoE session (RFC 2516).
    Pppoe,
    /// VXLAN in GRE in a VLAN.
    VxlanInGre,
}

impl Wrapping {
    /// All of them. Teredo carries IPv6 alone: see [`teredo`].
    pub const ALL: [Wrapping; 20] = [
        Wrapping::None,
        Wrapping::Gre,
        Wrapping::GreWithAll,
        Wrapping::GreOfEthernet,
        Wrapping::Pptp,
        Wrapping::GreInUdp,
        Wrapping::Erspan1,
        Wrapping::Erspan2,
        Wrapping::Erspan3,
        Wrapping::Vxlan,
        Wrapping::VxlanOfLinux,
        Wrapping::Geneve,
        Wrapping::GtpU,
        Wrapping::GtpUExtended,
        Wrapping::IpInIp,
        Wrapping::IpInIpv6,
        Wrapping::Mpls,
        Wrapping::MplsPseudowire,
        Wrapping::Pppoe,
        Wrapping::VxlanInGre,
    ];

    /// The Ethernet frame with the packet somewhere in it.
    pub fn frame(self, ip: &[u8]) -> Vec<u8> {
        let inner = || ethernet(ethertype(ip), ip);
        let announced = |front: &[u8]| [front, &ethertype(ip).to_be_bytes()].concat();
        let outer = match self {
            Wrapping::None => return ethernet(ethertype(ip), ip),
            Wrapping::Mpls => return ethernet(0x8847, &[&[0, 1, 0x20, 64, 0, 2, 0x11, 64], ip].concat()),
            Wrapping::MplsPseudowire => {
                return ethernet(0x8847, &[&[0, 1, 0x11, 64, 0, 0, 0, 0][..], &inner()].concat());
            }
            Wrapping::Pppoe => {
                let length = (ip.len() as u16 + 2).to_be_bytes();
                return ethernet(0x8864, &[&[0x11, 0, 0, 1][..], &length, &ppp(ip)].concat());
            }
            Wrapping::Gre => outer4(47, &[announced(&[0, 0]), ip.to_vec()].concat()),
            Wrapping::GreWithAll => {
                let mut gre = [announced(&[0xb0, 0]), vec![0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], ip.to_vec()].concat();
                let sum = checksum(&gre).to_be_bytes();
                gre.splice(4..6, sum);
                outer4(47, &gre)
            }
            Wrapping::GreOfEthernet => outer4(47, &[&[0x20, 0, 0x65, 0x58, 0, 0, 9, 1][..], &inner()].concat()),
            Wrapping::Pptp => {
                let length = (ip.len() as u16 + 4).to_be_bytes();
                let front = [&[0x30, 0x01, 0x88, 0x0b][..], &length, &[0, 7, 0, 0, 0, 1, 0xff, 3]].concat();
                outer4(47, &[front, ppp(ip)].concat())
            }
            Wrapping::GreInUdp => outer_udp(4754, &[announced(&[0, 0]), ip.to_vec()].concat()),
            Wrapping::Erspan1 => outer4(47, &[&[0, 0, 0x88, 0xbe][..], &inner()].concat()),
            Wrapping::Erspan2 => {
                let front = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 9, 0, 0, 0, 5];
                outer4(47, &[&front[..], &inner()].concat())
            }
            Wrapping::Erspan3 => {
                let front = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0];
                outer4(47, &[&front[..], &inner()].concat())
            }
            Wrapping::Vxlan => outer_udp(4789, &vxlan(&inner())),
            Wrapping::VxlanOfLinux => outer_udp(8472, &vxlan(&inner())),
            Wrapping::Geneve => {
                let front = [2, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 1, 0xaa, 0xbb, 0xcc, 0xdd];
                outer_udp(6081, &[&front[..], &inner()].concat())
            }
            Wrapping::GtpU => {
                let length = (ip.len() as u16).to_be_bytes();
                outer_udp(2152, &[&[0x30, 0xff][..], &length, &[0, 0, 0, 7], ip].concat())
            }
            Wrapping::GtpUExtended => {
                let length = (ip.len() as u16 + 8).to_be_bytes();
                // Sequence number, N-PDU, then a PDU session container of four octets.
                let front = [&[0x36, 0xff][..], &length, &[0, 0, 0, 7, 0, 1, 0, 0x85, 1, 0, 9, 0]].concat();
                outer_udp(2152, &[&front[..], ip].concat())
            }
            Wrapping::IpInIp => outer4(protocol(ip), ip),
            Wrapping::IpInIpv6 => {
                let ends = ["2001:db8:ffff::1", "2001:db8:ffff::2"].map(|end| end.parse::<IpAddr>());
                match ends {
                    [Ok(source), Ok(destination)] => packet::ip(source, destination, protocol(ip), ip),
                    _ => Vec::new(),
                }
            }
            Wrapping::VxlanInGre => {
                let carried = outer_udp(4789, &vxlan(&inner()));
                let frame = outer4(47, &[&[0, 0, 8, 0][..], &carried].concat());
                return ethernet(0x8100, &[&[0, 7, 8, 0][..], &frame].concat());
            }
        };
        ethernet(ethertype(&outer), &outer)
    }
}

/// An IPv6 packet in Teredo (RFC 4380), with an origin indication from the server's side.
pub fn teredo(ip: &[u8], from_server: bool) -> Vec<u8> {
    let (client, server) = (SocketAddr::from((OUTER[0], 50_000)), SocketAddr::from((OUTER[1], 3544)));
    let datagram = if from_server {
        packet::udp(server, client, &[&[0, 0, 1, 2, 3, 4, 5, 6], ip].concat())
    } else {
        packet::udp(client, server, ip)
    };
    ethernet(0x0800, &datagram)
}

/// The ends of the tunnels.
const OUTER: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 1), Ipv4Addr::new(198, 51, 100, 2)];

fn is_v6(ip: &[u8]) -> bool {
    ip.first().is_some_and(|first| first >> 4 == 6)
}

fn ethertype(ip: &[u8]) -> u16 {
    if is_v6(ip) { 0x86dd } else { 0x0800 }
}

fn protocol(ip: &[u8]) -> u8 {
    if is_v6(ip) { 41 } else { 4 }
}

/// An Ethernet frame.
pub fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &ethertype.to_be_bytes(), payload].concat()
}

fn ppp(ip: &[u8]) -> Vec<u8> {
    [&[0, if is_v6(ip) { 0x57 } else { 0x21 }], ip].concat()
}

fn vxlan(frame: &[u8]) -> Vec<u8> {
    [&[8, 0, 0, 0, 0, 0, 9, 0], frame].concat()
}

fn outer4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    packet::ip(IpAddr::V4(OUTER[0]), IpAddr::V4(OUTER[1]), protocol, payload)
}

fn outer_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    packet::udp(SocketAddr::from((OUTER[0], 50_000)), SocketAddr::from((OUTER[1], port)), payload)
}

/// The Internet checksum (RFC 1071).
fn checksum(octets: &[u8]) -> u16 {
    let sum: u32 = octets
        .chunks(2)
        .map(|pair| u32::from(pair.first().copied().unwrap_or(0)) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) as u16 + (folded >> 16) as u16)
}
