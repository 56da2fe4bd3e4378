//! Tunnels in UDP, known by a port and believed only when every field agrees: VXLAN, Geneve, GTP-U, Teredo, GRE, MPLS.

use super::link::{self, Depth, Network};
use super::tunnel::{Inside, TunnelKind};
use super::{gre, ip};
use crate::limits;

const GTP_U: u16 = 2152;
const TEREDO: u16 = 3544;
const GRE: u16 = 4754;
const VXLAN: u16 = 4789;
/// Linux' choice before there was a number.
const VXLAN_OF_LINUX: u16 = 8472;
const VXLAN_GPE: u16 = 4790;
const GENEVE: u16 = 6081;
const MPLS: u16 = 6635;
/// Not read: L2TP, LISP, generic UDP encapsulation.
const L2TP: u16 = 1701;
const LISP: u16 = 4341;
const GUE: u16 = 6080;

/// Whether a tunnel may be behind this port, one that is read or another.
#[inline]
pub(super) fn is_port(port: u16) -> bool {
    matches!(port, GTP_U | TEREDO | GRE | VXLAN | VXLAN_GPE | GENEVE | VXLAN_OF_LINUX | MPLS | L2TP | LISP | GUE)
}

/// Whether this is a packet in a tunnel that is not read: a port alone is anybody's, and what only steers a tunnel carries
/// nothing.
pub(super) fn is_unread(port: u16, payload: &[u8]) -> bool {
    match (port, payload) {
        // RFC 2661 section 3.1, RFC 3931 section 4.1.2.1: a data message of version 2 or 3.
        (L2TP, [flags, version, _, _, ..]) => flags & 0x80 == 0 && matches!(version & 0x0f, 2 | 3),
        // RFC 9300 section 5.3.
        (LISP, [_, _, _, _, _, _, _, _, inside @ ..]) => ip::is_header(inside),
        // draft-ietf-intarea-gue: version 0, data, a header of so many words more; or version 1, which is bare IP.
        (GUE, [first, kind, _, _, rest @ ..]) if first >> 5 == 0 => {
            matches!(kind, 4 | 41) && rest.get(usize::from(first & 0x1f) * 4..).is_some_and(ip::is_header)
        }
        (GUE, octets) => ip::is_header(octets),
        _ => false,
    }
}

/// The packet in a datagram to or from `port`; `uncaptured` octets of it were on the wire and are not in `payload`.
pub(super) fn inside(port: u16, payload: &[u8], uncaptured: usize) -> Option<Inside<'_>> {
    let (kind, inside) = match port {
        VXLAN | VXLAN_OF_LINUX => (TunnelKind::Vxlan, vxlan(payload)?),
        VXLAN_GPE => (TunnelKind::VxlanGpe, vxlan_gpe(payload)?),
        MPLS => (TunnelKind::MplsInUdp, link::mpls(payload, Depth::FULL)),
        GENEVE => (TunnelKind::Geneve, geneve(payload)?),
        GTP_U => (TunnelKind::GtpU, gtp_u(payload, uncaptured)?),
        TEREDO => (TunnelKind::Teredo, teredo(payload)?),
        GRE => (TunnelKind::GreInUdp, gre::inside(payload).map(|(_, inside)| Ok(inside))?),
        _ => return None,
    };
    let (version, octets) = inside.ok()?;
    ip::is_header(octets).then_some((kind, (version, octets)))
}

/// RFC 7348 section 5: the I flag must be set, and reserved bits are ignored. Group policy
/// (draft-smith-vxlan-group-policy) uses some of them; where others are set, what is inside must be IP to be believed.
fn vxlan(payload: &[u8]) -> Option<Network<'_>> {
    let (&[flags, more_flags, _, _, _, _, _, reserved], rest) = payload.split_first_chunk::<8>()?;
    let is_plain = flags & 0x77 == 0 && more_flags & !0x48 == 0 && reserved == 0;
    let inside = (flags & 0x08 != 0).then(|| link::ethernet(rest, Depth::FULL))?;
    (is_plain || inside.is_ok()).then_some(inside)
}

/// draft-ietf-nvo3-vxlan-gpe section 3: version 0, and where its flag is set an octet that says what follows.
fn vxlan_gpe(payload: &[u8]) -> Option<Network<'_>> {
    let (&[flags, _, _, next, _, _, _, _], rest) = payload.split_first_chunk::<8>()?;
    match (flags & 0x30, flags & 0x04 != 0, next) {
        (0, true, 1 | 2) => Some(link::raw_ip(rest)),
        (0, true, 5) => Some(link::mpls(rest, Depth::FULL)),
        (0, false, _) | (0, true, 3) => Some(link::ethernet(rest, Depth::FULL)),
        _ => None,
    }
}

/// RFC 8926 section 3.4: version 0, options counted in words of four octets, reserved bits ignored; where such are set,
/// what is inside must be IP to be believed.
fn geneve(payload: &[u8]) -> Option<Network<'_>> {
    let (&[version_and_length, flags, p0, p1, _, _, _, reserved], rest) = payload.split_first_chunk::<8>()?;
    if version_and_length >> 6 != 0 {
        return None;
    }
    let is_plain = flags & 0x3f == 0 && reserved == 0;
    let rest = rest.get(usize::from(version_and_length & 0x3f) * 4..)?;
    let inside = match u16::from_be_bytes([p0, p1]) {
        0..=1500 => return None,
        ethertype => link::ethertype(ethertype, rest, Depth::FULL),
    };
    (is_plain || inside.is_ok()).then_some(inside)
}

/// TS 29.281 section 5: version 1, protocol type GTP, message type 255 (a user's packet); the optional octets are all
/// there if any of their flags is set, and extension headers follow one another by type.
fn gtp_u(payload: &[u8], uncaptured: usize) -> Option<Network<'_>> {
    let (&[flags, kind, length_high, length_low, _, _, _, _], rest) = payload.split_first_chunk::<8>()?;
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    if flags >> 4 != 0b0011 || kind != 255 || length > rest.len().saturating_add(uncaptured) {
        return None;
    }
    let mut rest = rest.get(..length).unwrap_or(rest);
    if flags & 0x07 != 0 {
        let (&[_, _, _, first], after) = rest.split_first_chunk::<4>()?;
        rest = if flags & 0x04 == 0 { after } else { behind_extensions(first, after)? };
    }
    Some(link::raw_ip(rest))
}

/// Extension headers of GTP-U: length in words of four octets, content, type of the next; type 0 ends them.
fn behind_extensions(first: u8, octets: &[u8]) -> Option<&[u8]> {
    let (mut next, mut rest) = (first, octets);
    for _ in 0..limits::GTP_EXTENSIONS_MAX {
        if next == 0 {
            return Some(rest);
        }
        let words = usize::from(*rest.first()?);
        let extension_octets = words.checked_mul(4).filter(|&octets| octets > 0)?;
        next = *rest.get(extension_octets - 1)?;
        rest = rest.get(extension_octets..)?;
    }
    (next == 0).then_some(rest)
}

/// RFC 4380 section 5.1.1: perhaps an authentication header, perhaps an origin indication, then an IPv6 packet.
fn teredo(payload: &[u8]) -> Option<Network<'_>> {
    let mut rest = payload;
    if let Some((&[0, 1, id_octets, value_octets], after)) = rest.split_first_chunk::<4>() {
        // The two values, a nonce of eight octets and the confirmation.
        rest = after.get(usize::from(id_octets) + usize::from(value_octets) + 9..)?;
    }
    if let Some((&[0, 0, _, _, _, _, _, _], after)) = rest.split_first_chunk::<8>() {
        rest = after;
    }
    Some(link::raw_ip(rest)).filter(|inside| matches!(inside, Ok((link::IpVersion::V6, _))))
}
