//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, down to where the transport header begins.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use varde_common::observation::Protocol;

use super::{Fragment, NotRead};
use crate::limits;

/// What an IP header and its options or extension headers say.
#[derive(Debug, Clone, Copy)]
pub(super) struct IpHeader<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: Protocol,
    pub(super) octets: u32,
    pub(super) fragment: Fragment,
    /// What was captured above IP, without padding; none when the capture ends within options or extension headers.
    pub(super) payload: Option<&'a [u8]>,
    /// The whole packet as captured, from its header on, without padding.
    pub(super) packet: &'a [u8],
}

/// A fragment of an IP packet (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// What all fragments of one packet share: 16 bits in IPv4, 32 in IPv6.
    pub id: u32,
    /// The protocol the whole packet carries; in IPv6 it may be an extension header.
    pub protocol: Protocol,
    /// Where its data begins in the whole, octets.
    pub offset: usize,
    /// Whether more follows behind it.
    pub more: bool,
    /// Its data, as captured.
    pub data: &'a [u8],
}

const IPV4_HEADER_OCTETS: usize = 20;
const IPV6_HEADER_OCTETS: usize = 40;

/// Whether a sound IP header stands here: version, header length and total length agree with one another. For places
/// where nothing else says that IP follows.
pub(super) fn is_header(octets: &[u8]) -> bool {
    match octets {
        [first @ 0x45..=0x4f, _, total_high, total_low, ..] if octets.len() >= IPV4_HEADER_OCTETS => {
            u16::from_be_bytes([*total_high, *total_low]) >= u16::from(first & 0x0f) * 4
        }
        [0x60..=0x6f, ..] => octets.len() >= IPV6_HEADER_OCTETS,
        _ => false,
    }
}

/// What a packet is a fragment of; none where it is whole, or cut so short that nobody can tell. `packet` begins with
/// an IP header that was read before.
pub(super) fn piece(packet: &[u8]) -> Option<Piece<'_>> {
    let header = match packet.first()? >> 4 {
        4 => read_v4(packet, 0).ok()?,
        _ => read_v6(packet, 0).ok()?,
    };
    let (id, offset_and_more, protocol, data) = match header.src {
        IpAddr::V4(_) => {
            let (&[first, _, _, _, id_high, id_low, high, low, _, protocol, ..], _) =
                packet.split_first_chunk::<IPV4_HEADER_OCTETS>()?;
            let field = u16::from_be_bytes([high, low]);
            // As IPv6 has it: the offset in the upper 13 bits, the lowest says whether more follows.
            let offset_and_more = (field << 3) | u16::from(field & 0x2000 != 0);
            let data = packet.get(usize::from(first & 0x0f) * 4..)?;
            (u32::from(u16::from_be_bytes([id_high, id_low])), offset_and_more, protocol, data)
        }
        IpAddr::V6(_) => {
            let (&[next, _, high, low, i0, i1, i2, i3], data) = fragment_header(packet)?;
            (u32::from_be_bytes([i0, i1, i2, i3]), u16::from_be_bytes([high, low]), next, data)
        }
    };
    let (offset, more) = (usize::from(offset_and_more & 0xfff8), offset_and_more & 1 != 0);
    (offset != 0 || more).then_some(Piece {
        src: header.src,
        dst: header.dst,
        id,
        protocol: Protocol(protocol),
        offset,
        more,
        data,
    })
}

/// The fragment header of an IPv6 packet that is a fragment, and what is behind it.
fn fragment_header(packet: &[u8]) -> Option<(&[u8; 8], &[u8])> {
    let (head, mut rest) = packet.split_first_chunk::<IPV6_HEADER_OCTETS>()?;
    let mut protocol = *head.get(6)?;
    for _ in 0..limits::IPV6_EXTENSIONS_MAX {
        let (&[following, units], _) = rest.split_first_chunk::<2>()?;
        let extension_octets = match protocol {
            next::FRAGMENT => {
                let (fragment, after) = rest.split_first_chunk::<8>()?;
                let &[_, _, high, low, ..] = fragment;
                if u16::from_be_bytes([high, low]) & 0xfff9 != 0 {
                    return Some((fragment, after));
                }
                8
            }
            next::AUTHENTICATION => (usize::from(units) + 2) * 4,
            _ => (usize::from(units) + 1) * 8,
        };
        protocol = following;
        rest = rest.get(extension_octets..)?;
    }
    None
}

/// Whether a header stands here behind which the packet goes on: what a fragment may end with, before it says what is in
/// it. The authentication header is one in IPv4 too.
pub(crate) fn is_extension(src: IpAddr, protocol: Protocol) -> bool {
    match protocol.0 {
        next::AUTHENTICATION => true,
        next::HOP_BY_HOP | next::ROUTING | next::FRAGMENT | next::DESTINATION => src.is_ipv6(),
        next::MOBILITY | next::HIP | next::SHIM6 => src.is_ipv6(),
        _ => false,
    }
}

/// What stands above IP in a packet put together from fragments: its protocol and payload behind extension headers.
pub(super) fn rejoined<'a>(src: IpAddr, dst: IpAddr, protocol: Protocol, data: &'a [u8]) -> Option<IpHeader<'a>> {
    let header_octets = if src.is_ipv4() { IPV4_HEADER_OCTETS } else { IPV6_HEADER_OCTETS };
    let above = match is_extension(src, protocol) {
        true => walk_extensions(protocol.0, data).ok()?,
        false => Above { protocol: protocol.0, fragment: Fragment::Whole, payload: Some(data) },
    };
    Some(IpHeader {
        src,
        dst,
        protocol: Protocol(above.protocol),
        octets: u32::try_from(data.len() + header_octets).unwrap_or(u32::MAX),
        fragment: Fragment::Rejoined,
        payload: above.payload,
        packet: data,
    })
}

/// Reads an IPv4 packet; `uncaptured` octets of it were on the wire and are not in `octets`.
#[inline(always)]
pub(super) fn read_v4(octets: &[u8], uncaptured: usize) -> Result<IpHeader<'_>, NotRead> {
    let (
        &[
            version_and_length,
            _,
            total_high,
            total_low,
            _,
            _,
            fragment_high,
            fragment_low,
            _,
            protocol,
            _,
            _,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ],
        after,
    ) = octets.split_first_chunk::<IPV4_HEADER_OCTETS>().ok_or(NotRead::CutShort)?;
    if version_and_length >> 4 != 4 {
        return Err(NotRead::WrongVersion);
    }
    let header_octets = usize::from(version_and_length & 0x0f) * 4;
    let options_octets = header_octets.checked_sub(IPV4_HEADER_OCTETS).ok_or(NotRead::BadLength)?;
    let total = match usize::from(u16::from_be_bytes([total_high, total_low])) {
        // Segmentation offload: the card fills it in after the packet was captured.
        0 => octets.len().saturating_add(uncaptured),
        said => said,
    };
    let payload_octets = total.checked_sub(header_octets).ok_or(NotRead::BadLength)?;

    let flags_and_offset = u16::from_be_bytes([fragment_high, fragment_low]);
    let more = flags_and_offset & 0x2000 != 0;
    let fragment = fragment_of(flags_and_offset & 0x1fff, more);
    let payload = after.get(options_octets..).map(|payload| at_most(payload, payload_octets));
    let (protocol, payload) = match payload {
        Some(octets) if protocol == next::AUTHENTICATION && fragment != Fragment::Later => authenticated(octets)?,
        payload => (protocol, payload),
    };
    Ok(IpHeader {
        src: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        dst: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        protocol: Protocol(protocol),
        octets: u32::try_from(total).unwrap_or(u32::MAX),
        fragment,
        payload,
        packet: at_most(octets, total),
    })
}

/// Behind an authentication header (RFC 4302), which hides nothing.
#[cold]
fn authenticated(octets: &[u8]) -> Result<(u8, Option<&[u8]>), NotRead> {
    walk_extensions(next::AUTHENTICATION, octets).map(|above| (above.protocol, above.payload))
}

/// Reads an IPv6 packet and walks its extension headers; `uncaptured` as in [`read_v4`].
#[inline(always)]
pub(super) fn read_v6(octets: &[u8], uncaptured: usize) -> Result<IpHeader<'_>, NotRead> {
    let (head, after) = octets.split_first_chunk::<IPV6_HEADER_OCTETS>().ok_or(NotRead::CutShort)?;
    let (&[version, _, _, _, length_high, length_low, next_header, _], addresses) =
        head.split_first_chunk::<8>().ok_or(NotRead::CutShort)?;
    if version >> 4 != 6 {
        return Err(NotRead::WrongVersion);
    }
    let (src, addresses) = addresses.split_first_chunk::<16>().ok_or(NotRead::CutShort)?;
    let (dst, _) = addresses.split_first_chunk::<16>().ok_or(NotRead::CutShort)?;

    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    let payload_octets = match (length, next_header) {
        // A jumbogram (RFC 2675) or segmentation offload; with another next header, 0 means there is nothing more.
        (0, next::HOP_BY_HOP | next::TCP | next::UDP) => after.len().saturating_add(uncaptured),
        (said, _) => said,
    };
    let payload = at_most(after, payload_octets);
    let above = match next_header {
        next::TCP | next::UDP => Above { protocol: next_header, fragment: Fragment::Whole, payload: Some(payload) },
        _ => walk_extensions(next_header, payload)?,
    };
    Ok(IpHeader {
        src: IpAddr::V6(Ipv6Addr::from(*src)),
        dst: IpAddr::V6(Ipv6Addr::from(*dst)),
        protocol: Protocol(above.protocol),
        octets: u32::try_from(payload_octets.saturating_add(IPV6_HEADER_OCTETS)).unwrap_or(u32::MAX),
        fragment: above.fragment,
        payload: above.payload,
        packet: at_most(octets, payload_octets.saturating_add(IPV6_HEADER_OCTETS)),
    })
}

/// IPv6 next header numbers that are read here (IANA "Protocol Numbers", those marked as extension headers).
mod next {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
    pub(super) const HIP: u8 = 139;
    pub(super) const SHIM6: u8 = 140;
}

/// Where the extension headers lead.
struct Above<'a> {
    protocol: u8,
    fragment: Fragment,
    payload: Option<&'a [u8]>,
}

#[inline(never)]
fn walk_extensions(first: u8, octets: &[u8]) -> Result<Above<'_>, NotRead> {
    let (mut protocol, mut rest, mut fragment) = (first, octets, Fragment::Whole);
    // One round more than there may be headers: the last one finds what they lead to.
    for _ in 0..=limits::IPV6_EXTENSIONS_MAX {
        let (following, extension_octets) = match protocol {
            next::HOP_BY_HOP | next::ROUTING | next::DESTINATION | next::MOBILITY | next::HIP | next::SHIM6 => {
                match rest.split_first_chunk::<2>() {
                    Some((&[following, units], _)) => (following, (usize::from(units) + 1) * 8),
                    None => return Ok(Above { protocol, fragment, payload: None }),
                }
            }
            // RFC 4302 section 2.2: in units of four octets, less two.
            next::AUTHENTICATION => match rest.split_first_chunk::<2>() {
                Some((&[following, units], _)) => (following, (usize::from(units) + 2) * 4),
                None => return Ok(Above { protocol, fragment, payload: None }),
            },
            next::FRAGMENT => match rest.split_first_chunk::<8>() {
                Some((&[following, _, offset_high, offset_low, _, _, _, _], _)) => {
                    let offset_and_more = u16::from_be_bytes([offset_high, offset_low]);
                    match fragment_of(offset_and_more >> 3, offset_and_more & 1 != 0) {
                        // A fragment of its own (RFC 6946) changes nothing.
                        Fragment::Whole => (),
                        Fragment::First => fragment = Fragment::First,
                        Fragment::Later | Fragment::Rejoined => {
                            return Ok(Above { protocol: following, fragment: Fragment::Later, payload: None });
                        }
                    }
                    (following, 8)
                }
                None => return Ok(Above { protocol, fragment, payload: None }),
            },
            _ => return Ok(Above { protocol, fragment, payload: Some(rest) }),
        };
        protocol = following;
        rest = match rest.get(extension_octets..) {
            Some(after) => after,
            None => return Ok(Above { protocol, fragment, payload: None }),
        };
    }
    Err(NotRead::ExtensionsTooMany)
}

#[inline(always)]
fn fragment_of(offset: u16, more: bool) -> Fragment {
    match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        (_, _) => Fragment::Later,
    }
}

/// The first `count` octets, or as many as there are.
#[inline(always)]
fn at_most(octets: &[u8], count: usize) -> &[u8] {
    octets.get(..count).unwrap_or(octets)
}
