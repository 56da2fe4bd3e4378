//! Transport headers: UDP (RFC 768), TCP (RFC 9293), ICMP (RFC 792) and ICMPv6 (RFC 4443).

use varde_common::observation::Protocol;

use super::link::IpVersion;
use super::tcp_flags::URG;
use super::{IcmpRole, Transport};

/// Reads what is above IP; of a header that is cut or broken, the ports where they are there.
#[inline(always)]
pub(super) fn read(version: IpVersion, protocol: Protocol, octets: &[u8]) -> Transport<'_> {
    let found = match (version, protocol) {
        (_, Protocol::UDP) => udp(octets),
        (_, Protocol::TCP) => tcp(octets),
        (IpVersion::V4, Protocol::ICMP) => octets.first().map(|&kind| Transport::Icmp { role: icmp_v4(kind) }),
        (IpVersion::V6, Protocol::ICMPV6) => octets.first().map(|&kind| Transport::Icmp { role: icmp_v6(kind) }),
        (_, _) => None,
    };
    found.or_else(|| ports(protocol, octets)).unwrap_or(Transport::Other)
}

/// Both protocols begin with their ports.
#[cold]
fn ports(protocol: Protocol, octets: &[u8]) -> Option<Transport<'_>> {
    let (&[s0, s1, d0, d1], _) = octets.split_first_chunk::<4>().filter(|_| protocol.has_ports())?;
    Some(Transport::Ports { src_port: u16::from_be_bytes([s0, s1]), dst_port: u16::from_be_bytes([d0, d1]) })
}

fn icmp_v4(kind: u8) -> IcmpRole {
    match kind {
        // Destination unreachable, source quench, redirect, time exceeded, parameter problem.
        3 | 4 | 5 | 11 | 12 => IcmpRole::Error,
        // Echo, router solicitation, timestamp, information, address mask, extended echo (RFC 8335).
        8 | 10 | 13 | 15 | 17 | 42 => IcmpRole::Request,
        _ => IcmpRole::Other,
    }
}

fn icmp_v6(kind: u8) -> IcmpRole {
    match kind {
        0..=127 => IcmpRole::Error,
        // Echo, multicast listener query, router and neighbour solicitation, node information, extended echo (RFC 8335).
        128 | 130 | 133 | 135 | 139 | 160 => IcmpRole::Request,
        _ => IcmpRole::Other,
    }
}

#[inline(always)]
fn udp(octets: &[u8]) -> Option<Transport<'_>> {
    let (&[s0, s1, d0, d1, length_high, length_low, _, _], rest) = octets.split_first_chunk::<8>()?;
    // The length counts the header. Below 8 it lies, or (0) the datagram is a jumbogram or an offload's: what there is
    // counts then, as it does when the length is beyond it.
    let payload = usize::from(u16::from_be_bytes([length_high, length_low]))
        .checked_sub(8)
        .and_then(|count| rest.get(..count))
        .unwrap_or(rest);
    Some(Transport::Udp { src_port: u16::from_be_bytes([s0, s1]), dst_port: u16::from_be_bytes([d0, d1]), payload })
}

/// The flags are enough to tell what a segment is for: where the capture ends behind them, the rest is not missed.
#[inline(always)]
fn tcp(octets: &[u8]) -> Option<Transport<'_>> {
    let (&[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags], _) = octets.split_first_chunk::<14>()?;
    let header_octets = Some(usize::from(offset >> 4) * 4).filter(|&count| count >= 20)?;
    Some(Transport::Tcp {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags,
        urgent: if flags & URG == 0 { 0 } else { urgent(octets) },
        // A header that was not captured whole leaves no data behind it.
        payload: octets.get(header_octets..).unwrap_or_default(),
    })
}

/// The urgent pointer names the octet behind the urgent one, as every receiver has it (RFC 6093 section 3); 0 is as good as 1.
#[cold]
fn urgent(octets: &[u8]) -> u16 {
    octets.get(18..20).and_then(<[u8]>::first_chunk).map_or(1, |pointer| u16::from_be_bytes(*pointer).max(1))
}
