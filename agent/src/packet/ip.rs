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
}

const IPV4_HEADER_OCTETS: usize = 20;
const IPV6_HEADER_OCTETS: usize = 40;

/// Reads an IPv4 packet; `uncaptured` octets of it were on the wire and are not in `octets`.
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
    Ok(IpHeader {
        src: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        dst: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        protocol: Protocol(protocol),
        octets: u32::try_from(total).unwrap_or(u32::MAX),
        fragment: fragment_of(flags_and_offset & 0x1fff, more),
        payload: after.get(options_octets..).map(|payload| at_most(payload, payload_octets)),
    })
}

/// Reads an IPv6 packet and walks its extension headers; `uncaptured` as in [`read_v4`].
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
    let above = walk_extensions(next_header, at_most(after, payload_octets))?;
    Ok(IpHeader {
        src: IpAddr::V6(Ipv6Addr::from(*src)),
        dst: IpAddr::V6(Ipv6Addr::from(*dst)),
        protocol: Protocol(above.protocol),
        octets: u32::try_from(payload_octets.saturating_add(IPV6_HEADER_OCTETS)).unwrap_or(u32::MAX),
        fragment: above.fragment,
        payload: above.payload,
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
                        Fragment::Later => {
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

fn fragment_of(offset: u16, more: bool) -> Fragment {
    match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        (_, _) => Fragment::Later,
    }
}

/// The first `count` octets, or as many as there are.
fn at_most(octets: &[u8], count: usize) -> &[u8] {
    octets.get(..count).unwrap_or(octets)
}
