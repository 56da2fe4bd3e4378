//! The link layer: from the first octet of a frame to the first octet of IP.

use super::{LinkType, NotRead, ip};
use crate::limits;

/// Which IP follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IpVersion {
    V4,
    V6,
}

/// Which IP follows, and its octets from the header on (padding of the frame included).
pub(super) type Network<'a> = Result<(IpVersion, &'a [u8]), NotRead>;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// How many link layers may still be met inside this one: MPLS may carry Ethernet, and that MPLS again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth(usize);

impl Depth {
    /// As much as one packet gets.
    pub(super) const FULL: Depth = Depth(limits::TUNNELS_MAX);

    fn deeper(self) -> Result<Depth, NotRead> {
        self.0.checked_sub(1).map(Depth).ok_or(NotRead::UnreadEncapsulation)
    }
}

/// Strips what stands in front of IP.
#[inline(always)]
pub(super) fn network_layer(link: LinkType, octets: &[u8]) -> Network<'_> {
    // Nearly every frame: Ethernet II with IP at once.
    if link == LinkType::Ethernet
        && let Some((&[_, _, _, _, _, _, _, _, _, _, _, _, type_high, type_low], rest)) =
            octets.split_first_chunk::<14>()
    {
        match u16::from_be_bytes([type_high, type_low]) {
            ETHERTYPE_IPV4 => return Ok((IpVersion::V4, rest)),
            ETHERTYPE_IPV6 => return Ok((IpVersion::V6, rest)),
            number => return ethertype(number, rest, Depth::FULL),
        }
    }
    any_link(link, octets)
}

fn any_link(link: LinkType, octets: &[u8]) -> Network<'_> {
    match link {
        LinkType::Ethernet => ethernet(octets, Depth::FULL),
        LinkType::Null => null(octets),
        LinkType::Loop => {
            let (family, rest) = octets.split_first_chunk::<4>().ok_or(NotRead::CutShort)?;
            Ok((address_family(u32::from_be_bytes(*family)).ok_or(NotRead::NotIp)?, rest))
        }
        LinkType::Ppp => ppp_frame(octets, Depth::FULL),
        LinkType::RawIp => raw_ip(octets),
        LinkType::LinuxSll => linux_sll(octets),
        LinkType::LinuxSll2 => linux_sll2(octets),
    }
}

/// Ethernet II, or IEEE 802.3 with its length where Ethernet II has the type.
pub(super) fn ethernet(octets: &[u8], depth: Depth) -> Network<'_> {
    let (&[_, _, _, _, _, _, _, _, _, _, _, _, type_high, type_low], rest) =
        octets.split_first_chunk::<14>().ok_or(NotRead::CutShort)?;
    ethertype(u16::from_be_bytes([type_high, type_low]), rest, depth)
}

/// What an EtherType announces; VLAN tags (IEEE 802.1Q, 802.1ad and the older 0x9100) are taken off one by one.
pub(super) fn ethertype(first: u16, octets: &[u8], depth: Depth) -> Network<'_> {
    let (mut number, mut rest) = (first, octets);
    for _ in 0..=limits::VLAN_TAGS_MAX {
        match number {
            ETHERTYPE_IPV4 => return Ok((IpVersion::V4, rest)),
            ETHERTYPE_IPV6 => return Ok((IpVersion::V6, rest)),
            0x8100 | 0x88a8 | 0x9100 => {
                let (&[_, _, type_high, type_low], after) = rest.split_first_chunk::<4>().ok_or(NotRead::CutShort)?;
                number = u16::from_be_bytes([type_high, type_low]);
                rest = after;
            }
            // PPPoE session (RFC 2516): version and type, code, session, length; PPP follows without HDLC framing. A
            // session's code is 0; like other readers of captures we do not insist, PPP says what follows.
            0x8864 => {
                let (_, after) = rest.split_first_chunk::<6>().ok_or(NotRead::CutShort)?;
                return ppp_protocol(after, depth);
            }
            0x8847 | 0x8848 => return mpls(rest, depth),
            // Transparent Ethernet bridging, as GRE and Geneve announce Ethernet.
            0x6558 => return ethernet(rest, depth.deeper()?),
            // MACsec, provider backbone bridging, network service header (RFC 8300).
            0x88e5 | 0x88e7 | 0x894f => return Err(NotRead::UnreadEncapsulation),
            0..=1500 => return llc(rest),
            _ => return Err(NotRead::NotIp),
        }
    }
    Err(NotRead::VlanTooDeep)
}

/// MPLS (RFC 3032): labels down to the one with the bottom bit. What follows is announced nowhere: it is IP where an IP
/// header stands there, else a pseudowire's Ethernet (RFC 4448), with or without its control word, where that leads to
/// an IP header.
#[cold]
pub(super) fn mpls(octets: &[u8], depth: Depth) -> Network<'_> {
    let depth = depth.deeper()?;
    let mut rest = octets;
    for _ in 0..limits::MPLS_LABELS_MAX {
        let (&[_, _, bottom, _], after) = rest.split_first_chunk::<4>().ok_or(NotRead::UnreadEncapsulation)?;
        rest = after;
        if bottom & 1 == 0 {
            continue;
        }
        let &first = rest.first().ok_or(NotRead::CutShort)?;
        if ip::is_header(rest) {
            return raw_ip(rest);
        }
        let bridged = |octets| ethernet(octets, depth).ok().filter(|(_, inner)| ip::is_header(inner));
        let behind_control_word = rest.get(4..).filter(|_| first >> 4 == 0).and_then(bridged);
        return behind_control_word.or_else(|| bridged(rest)).ok_or(NotRead::UnreadEncapsulation);
    }
    Err(NotRead::UnreadEncapsulation)
}

/// IEEE 802.2 LLC; IP comes in a SNAP header (RFC 1042, or as bridges tunnel it, IEEE 802.1H) there, rarely by itself
/// (RFC 948).
fn llc(octets: &[u8]) -> Network<'_> {
    match octets.split_first_chunk::<8>() {
        Some((&[0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00 | 0xf8, type_high, type_low], rest)) => {
            match u16::from_be_bytes([type_high, type_low]) {
                ETHERTYPE_IPV4 => Ok((IpVersion::V4, rest)),
                ETHERTYPE_IPV6 => Ok((IpVersion::V6, rest)),
                _ => Err(NotRead::NotIp),
            }
        }
        Some((&[0x06, 0x06, 0x03, ..], _)) => raw_ip(octets.get(3..).unwrap_or_default()),
        Some(_) | None => Err(NotRead::NotIp),
    }
}

/// BSD loopback: the address family in the byte order of the host that captured, which the file does not always share.
fn null(octets: &[u8]) -> Network<'_> {
    let (family, rest) = octets.split_first_chunk::<4>().ok_or(NotRead::CutShort)?;
    let version = address_family(u32::from_le_bytes(*family)).or(address_family(u32::from_be_bytes(*family)));
    Ok((version.ok_or(NotRead::NotIp)?, rest))
}

/// AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
fn address_family(number: u32) -> Option<IpVersion> {
    match number {
        2 => Some(IpVersion::V4),
        10 | 24 | 28 | 30 => Some(IpVersion::V6),
        _ => None,
    }
}

/// PPP, with HDLC-like framing (RFC 1662) where the frame begins with its address and control octets; on serial lines
/// also Cisco's HDLC, whose address octet (0x0f, 0x8f) no PPP protocol field can begin with.
pub(super) fn ppp_frame(octets: &[u8], depth: Depth) -> Network<'_> {
    match octets.split_first_chunk::<2>() {
        Some(([0xff, 0x03], rest)) => ppp_protocol(rest, depth),
        Some(([0x0f | 0x8f, 0x00], rest)) => {
            let (number, after) = rest.split_first_chunk::<2>().ok_or(NotRead::CutShort)?;
            ethertype(u16::from_be_bytes(*number), after, depth)
        }
        Some(_) | None => ppp_protocol(octets, depth),
    }
}

/// The PPP protocol field (RFC 1661 section 2): two octets, or one where its high octet 0 is compressed away. The last
/// octet is odd and no other is.
fn ppp_protocol(octets: &[u8], depth: Depth) -> Network<'_> {
    let (&first, after_first) = octets.split_first().ok_or(NotRead::CutShort)?;
    let (number, rest) = if first % 2 == 1 {
        (u16::from(first), after_first)
    } else {
        let (&second, after) = after_first.split_first().ok_or(NotRead::CutShort)?;
        (u16::from_be_bytes([first, second]), after)
    };
    match number {
        0x0021 => Ok((IpVersion::V4, rest)),
        0x0057 => Ok((IpVersion::V6, rest)),
        0x0281 | 0x0283 => mpls(rest, depth),
        // Van Jacobson and IP header compression, multilink, encryption, compression.
        0x002d | 0x002f | 0x003d | 0x0053 | 0x0055 | 0x0061 | 0x00fb | 0x00fd => Err(NotRead::UnreadEncapsulation),
        _ => Err(NotRead::NotIp),
    }
}

/// No link layer: the first four bits say which IP it is.
pub(super) fn raw_ip(octets: &[u8]) -> Network<'_> {
    match octets.first().ok_or(NotRead::CutShort)? >> 4 {
        4 => Ok((IpVersion::V4, octets)),
        6 => Ok((IpVersion::V6, octets)),
        _ => Err(NotRead::NotIp),
    }
}

/// Linux cooked capture v1: packet type, ARPHRD type, address length, address, protocol.
fn linux_sll(octets: &[u8]) -> Network<'_> {
    let (&[_, _, hardware_high, hardware_low, _, _, _, _, _, _, _, _, _, _, type_high, type_low], rest) =
        octets.split_first_chunk::<16>().ok_or(NotRead::CutShort)?;
    cooked(u16::from_be_bytes([hardware_high, hardware_low]), u16::from_be_bytes([type_high, type_low]), rest)
}

/// Linux cooked capture v2: protocol, reserved, interface index, ARPHRD type, packet type, address length, address.
fn linux_sll2(octets: &[u8]) -> Network<'_> {
    let (&[type_high, type_low, _, _, _, _, _, _, hardware_high, hardware_low, _, _, _, _, _, _, _, _, _, _], rest) =
        octets.split_first_chunk::<20>().ok_or(NotRead::CutShort)?;
    cooked(u16::from_be_bytes([hardware_high, hardware_low]), u16::from_be_bytes([type_high, type_low]), rest)
}

/// The protocol of a cooked frame: an EtherType, but 4 for 802.2 LLC, and something else altogether on netlink devices.
fn cooked(hardware: u16, protocol: u16, octets: &[u8]) -> Network<'_> {
    const ARPHRD_NETLINK: u16 = 824;
    const ETH_P_802_2: u16 = 4;
    match (hardware, protocol) {
        (ARPHRD_NETLINK, _) => Err(NotRead::NotIp),
        (_, ETH_P_802_2) => llc(octets),
        (_, 0..=1500) => Err(NotRead::NotIp),
        (_, number) => ethertype(number, octets, Depth::FULL),
    }
}
