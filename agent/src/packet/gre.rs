//! GRE (RFC 2784, RFC 2890, with routing as in RFC 1701), its version 1 (RFC 2637, PPTP) and ERSPAN in it.

use super::ip;
use super::link::{self, Depth};
use super::tunnel::{Inside, TunnelKind};
use crate::limits;

/// Flags of the first two octets.
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Version 1 only.
const ACKNOWLEDGEMENT: u16 = 0x0080;

/// Protocol types that are no EtherType of something the link layer knows.
const PPP: u16 = 0x880b;
const ERSPAN_1_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const WCCP: u16 = 0x883e;

/// The packet in a GRE packet; none where it carries something else, or its header lies.
pub(super) fn inside(octets: &[u8]) -> Option<Inside<'_>> {
    let (&[f0, f1, p0, p1], rest) = octets.split_first_chunk::<4>()?;
    let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    match flags & 0x0007 {
        0 => version_0(flags, protocol, rest),
        1 => version_1(flags, protocol, rest),
        _ => None,
    }
}

fn version_0(flags: u16, protocol: u16, octets: &[u8]) -> Option<Inside<'_>> {
    let optional = |flag: u16| if flags & flag != 0 { 4 } else { 0 };
    let rest = octets.get(optional(CHECKSUM | ROUTING) + optional(KEY) + optional(SEQUENCE)..)?;
    let rest = if flags & ROUTING == 0 { rest } else { behind_routing(rest)? };
    match protocol {
        ERSPAN_1_2 | ERSPAN_3 => {
            let mirrored = erspan(flags, protocol, rest)?;
            Some((TunnelKind::Erspan, mirrored))
        }
        PPP => Some((TunnelKind::Gre, link::ppp_frame(rest, Depth::FULL).ok()?)),
        WCCP => wccp(rest).map(|inside| (TunnelKind::Gre, inside)),
        // IEEE 802.3 lengths have no place here.
        0..=1500 => None,
        ethertype => Some((TunnelKind::Gre, link::ethertype(ethertype, rest, Depth::FULL).ok()?)),
    }
}

/// Version 1 carries bare IP, version 2 a header of four octets before it (draft-wilson-wrec-wccp-v2 section 4.12).
fn wccp(octets: &[u8]) -> Option<(link::IpVersion, &[u8])> {
    let inside = [octets, octets.get(4..)?].into_iter().find(|inside| ip::is_header(inside))?;
    link::raw_ip(inside).ok()
}

/// Source route entries (RFC 1701): address family, offset, length, that much data; the last has family and length 0.
fn behind_routing(octets: &[u8]) -> Option<&[u8]> {
    let mut rest = octets;
    for _ in 0..limits::GRE_ROUTES_MAX {
        let (&[family_high, family_low, _, length], after) = rest.split_first_chunk::<4>()?;
        if family_high == 0 && family_low == 0 && length == 0 {
            return Some(after);
        }
        rest = after.get(usize::from(length)..)?;
    }
    None
}

/// Version 1: the key's upper half is the length of the payload, which is PPP.
fn version_1(flags: u16, protocol: u16, octets: &[u8]) -> Option<Inside<'_>> {
    if protocol != PPP || flags & KEY == 0 || flags & (CHECKSUM | ROUTING) != 0 {
        return None;
    }
    let (&[length_high, length_low, _, _], rest) = octets.split_first_chunk::<4>()?;
    let optional = |flag: u16| if flags & flag != 0 { 4 } else { 0 };
    let rest = rest.get(optional(SEQUENCE) + optional(ACKNOWLEDGEMENT)..)?;
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    Some((TunnelKind::Gre, link::ppp_frame(rest.get(..length).unwrap_or(rest), Depth::FULL).ok()?))
}

/// ERSPAN I has no header and no sequence number, II has eight octets, III twelve and perhaps eight more. A frame is
/// Ethernet, in III also bare IP.
fn erspan(flags: u16, protocol: u16, octets: &[u8]) -> Option<(link::IpVersion, &[u8])> {
    if protocol == ERSPAN_1_2 && flags & SEQUENCE == 0 {
        return link::ethernet(octets, Depth::FULL).ok();
    }
    let version = octets.first()? >> 4;
    if protocol == ERSPAN_1_2 && version == 1 {
        return link::ethernet(octets.get(8..)?, Depth::FULL).ok();
    }
    // Version 2 is type III. Some switches announce it by the protocol type of II.
    if version != 2 {
        return None;
    }
    let (&[.., kind, last], rest) = octets.split_first_chunk::<12>()?;
    let rest = if last & 1 == 0 { rest } else { rest.get(8..)? };
    match (kind >> 2) & 0x1f {
        0 => link::ethernet(rest, Depth::FULL).ok(),
        2 => link::raw_ip(rest).ok(),
        _ => None,
    }
}
