//! Frames to IP packets: link layer, VLAN tags, tunnels, IPv4, IPv6 and its extension headers, UDP, TCP, ICMP. By
//! reference, never a panic, no allocation.

mod gre;
mod ip;
mod link;
mod transport;
mod tunnel;
mod udp_tunnel;

use std::net::IpAddr;

use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

pub use ip::Piece;
pub(crate) use ip::is_extension;
pub use tunnel::TunnelKind;

/// How a frame begins (the link types of the pcap format).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// Ethernet II (1).
    Ethernet,
    /// BSD loopback, address family in the capturing host's byte order (0).
    Null,
    /// OpenBSD loopback, address family in network byte order (108).
    Loop,
    /// PPP, with or without HDLC framing, and Cisco's HDLC (9, 50, 104).
    Ppp,
    /// Bare IPv4 or IPv6 (101, 12, 14, 228, 229).
    RawIp,
    /// Linux cooked v1 (113).
    LinuxSll,
    /// Linux cooked v2 (276).
    LinuxSll2,
}

impl LinkType {
    /// From its number in the registry of link types (draft-ietf-opsawg-pcaplinktype), where it is one we read.
    pub fn from_number(number: u16) -> Option<LinkType> {
        match number {
            0 => Some(LinkType::Null),
            1 => Some(LinkType::Ethernet),
            9 | 50 | 104 => Some(LinkType::Ppp),
            12 | 14 | 101 | 228 | 229 => Some(LinkType::RawIp),
            108 => Some(LinkType::Loop),
            113 => Some(LinkType::LinuxSll),
            276 => Some(LinkType::LinuxSll2),
            _ => None,
        }
    }
}

/// A captured frame, borrowed from the source's block.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// When it was captured.
    pub time: Timestamp,
    /// Number of the source, from 0.
    pub source: u16,
    /// How it begins.
    pub link: LinkType,
    /// What was captured of it.
    pub octets: &'a [u8],
    /// How long it was on the wire.
    pub length: u32,
    /// VLAN tag the hardware took off, where the source tells.
    pub vlan: Option<u16>,
}

/// Whether a packet is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fragment {
    /// Not fragmented; or put together from fragments of which none could count for it, see [`Packet::is_headless`].
    Whole,
    /// The first fragment: as a rule it has the transport header.
    First,
    /// A later fragment: has none.
    Later,
    /// Put together from fragments that were seen before, the first of which has counted for it; or as much of it as ever
    /// came, from its beginning on; or another reading of fragments that contradict one another.
    Rejoined,
}

/// TCP flag bits as they stand in the header (RFC 9293 section 3.1).
pub mod tcp_flags {
    /// No more data from sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Acknowledgement field significant.
    pub const ACK: u8 = 0x10;
    /// Urgent pointer significant.
    pub const URG: u8 = 0x20;
}

/// What an ICMP message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpRole {
    /// It reports an error about another packet (RFC 1122 section 3.2.2; RFC 4443 section 2.1).
    Error,
    /// It asks for a reply, so it is none itself.
    Request,
    /// Any other: a reply, an announcement.
    Other,
}

/// What is above IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport<'a> {
    /// A UDP datagram.
    Udp {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// What was captured of the data.
        payload: &'a [u8],
    },
    /// A TCP segment.
    Tcp {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number: with the flag ACK, the next octet of the other end's that is expected.
        ack: u32,
        /// Flags, see [`tcp_flags`].
        flags: u8,
        /// Which octet of the data, counted from 1, is urgent, and taken out of the stream by most receivers; it may lie
        /// behind this segment. 0 = none.
        urgent: u16,
        /// What was captured of the data (padding of the frame excluded by IP's length).
        payload: &'a [u8],
    },
    /// An ICMP or ICMPv6 message.
    Icmp {
        /// What it is for.
        role: IcmpRole,
    },
    /// A TCP or UDP header that is cut or broken behind its ports, as short snapshot lengths do: nothing else is known.
    Ports {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
    },
    /// Another protocol, a later fragment, or a transport header that is cut before its ports: addresses and protocol
    /// are known, nothing above.
    Other,
}

/// An IP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// When it was captured.
    pub time: Timestamp,
    /// Number of the source.
    pub source: u16,
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// The protocol above IP and its extension headers.
    pub protocol: Protocol,
    /// IP total length as the header says (IPv6: payload length + 40).
    pub octets: u32,
    /// Whether it is whole.
    pub fragment: Fragment,
    /// What is above IP.
    pub transport: Transport<'a>,
}

impl Packet<'_> {
    /// Whether it is a fragment that cannot count in a flow: it does not say which, or nothing of what moves a flow. What
    /// is put together from such fragments alone is handed on as a whole packet and counts then.
    pub fn is_headless(&self) -> bool {
        match (self.fragment, self.transport) {
            (Fragment::Whole | Fragment::Rejoined, _) => false,
            (Fragment::Later, _) | (Fragment::First, Transport::Ports { .. }) => true,
            (Fragment::First, Transport::Other) => {
                self.protocol.has_ports() || ip::is_extension(self.src, self.protocol)
            }
            (Fragment::First, Transport::Udp { .. } | Transport::Tcp { .. } | Transport::Icmp { .. }) => false,
        }
    }
}

/// Why a frame gave no packet: counted by reason, never fatal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotRead {
    /// It carries something that is not IP (ARP, LLDP, spanning tree …): ordinary, no fault of anyone.
    NotIp,
    /// It may carry IP inside a wrapping that is not read here (MACsec, provider backbone, service chains, compressed PPP,
    /// MPLS around something else than IP or Ethernet).
    UnreadEncapsulation,
    /// It ends before the IP header does.
    CutShort,
    /// It has more VLAN tags than [`crate::limits::VLAN_TAGS_MAX`].
    VlanTooDeep,
    /// The IP header's version is not the one the link layer announced.
    WrongVersion,
    /// The IPv4 header says it is shorter than an IPv4 header is, or longer than the packet it belongs to.
    BadLength,
    /// It has more IPv6 extension headers than [`crate::limits::IPV6_EXTENSIONS_MAX`].
    ExtensionsTooMany,
}

impl NotRead {
    /// Every reason, in the order they are declared.
    pub const ALL: [NotRead; 7] = [
        NotRead::NotIp,
        NotRead::UnreadEncapsulation,
        NotRead::CutShort,
        NotRead::VlanTooDeep,
        NotRead::WrongVersion,
        NotRead::BadLength,
        NotRead::ExtensionsTooMany,
    ];

    /// Its name in counters and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            NotRead::NotIp => "not_ip",
            NotRead::UnreadEncapsulation => "unread_encapsulation",
            NotRead::CutShort => "cut_short",
            NotRead::VlanTooDeep => "vlan_too_deep",
            NotRead::WrongVersion => "wrong_version",
            NotRead::BadLength => "bad_length",
            NotRead::ExtensionsTooMany => "extensions_too_many",
        }
    }

    /// Whether something was lost that a sensor would have wanted to read; traffic that is simply not IP is no loss.
    pub fn is_loss(self) -> bool {
        match self {
            NotRead::NotIp => false,
            NotRead::UnreadEncapsulation
            | NotRead::CutShort
            | NotRead::VlanTooDeep
            | NotRead::WrongVersion
            | NotRead::BadLength
            | NotRead::ExtensionsTooMany => true,
        }
    }
}

/// What a frame holds: the packet to be observed, and what it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The packet; of one in a tunnel the innermost that can be read.
    pub packet: Packet<'a>,
    /// The same packet's octets from its IP header on, as captured, without padding. Of one put together from fragments
    /// only what stands above IP.
    pub ip: &'a [u8],
    /// What of tunnels there is in the frame; none in most.
    pub tunnels: Option<Tunnels>,
}

/// What of tunnels there is in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tunnels {
    /// What the packet came in: the outermost one, where it was in any.
    pub outermost: Option<TunnelKind>,
    /// Whether the packet is itself one, of a kind that is known and not read: L2TP, EtherIP, LISP, GUE.
    pub is_unread: bool,
}

impl Tunnels {
    /// Those of a packet in which no further one was found that is read.
    fn of(layer: &Layer<'_>, outermost: Option<TunnelKind>) -> Option<Tunnels> {
        let is_unread = tunnel::is_unread(layer);
        (is_unread || outermost.is_some()).then_some(Tunnels { outermost, is_unread })
    }
}

impl<'a> Opened<'a> {
    /// What the packet came in: the outermost tunnel, where it was in any.
    pub fn tunnel(&self) -> Option<TunnelKind> {
        self.tunnels.and_then(|tunnels| tunnels.outermost)
    }

    /// What it is a fragment of; none where it is whole, or nobody can tell.
    pub fn piece(&self) -> Option<Piece<'a>> {
        match self.packet.fragment {
            Fragment::First | Fragment::Later => ip::piece(self.ip),
            Fragment::Whole | Fragment::Rejoined => None,
        }
    }

    /// Whether the packet was captured to its end.
    pub fn is_complete(&self) -> bool {
        usize::try_from(self.packet.octets).is_ok_and(|octets| self.ip.len() >= octets)
    }
}

/// An IP packet and what is above it.
#[derive(Debug, Clone, Copy)]
struct Layer<'a> {
    header: ip::IpHeader<'a>,
    transport: Transport<'a>,
}

impl<'a> Layer<'a> {
    #[inline(always)]
    fn read(version: link::IpVersion, octets: &'a [u8], uncaptured: usize) -> Result<Layer<'a>, NotRead> {
        let header = match version {
            link::IpVersion::V4 => ip::read_v4(octets, uncaptured)?,
            link::IpVersion::V6 => ip::read_v6(octets, uncaptured)?,
        };
        Ok(Layer::of(version, header))
    }

    #[inline(always)]
    fn of(version: link::IpVersion, header: ip::IpHeader<'a>) -> Layer<'a> {
        let transport = match (header.fragment, header.payload) {
            (Fragment::Later, _) | (_, None) => Transport::Other,
            (Fragment::Whole | Fragment::First | Fragment::Rejoined, Some(payload)) => {
                transport::read(version, header.protocol, payload)
            }
        };
        Layer { header, transport }
    }

    #[inline(always)]
    fn packet(self, time: Timestamp, source: u16) -> Packet<'a> {
        let ip::IpHeader { src, dst, protocol, octets, fragment, .. } = self.header;
        Packet { time, source, src, dst, protocol, octets, fragment, transport: self.transport }
    }

    #[inline(always)]
    fn opened(self, time: Timestamp, source: u16, tunnels: Option<Tunnels>) -> Opened<'a> {
        Opened { packet: self.packet(time, source), ip: self.header.packet, tunnels }
    }
}

/// Finds the IP packet in a frame, through whatever tunnels it came in: see [`open`].
///
/// # Errors
/// [`NotRead`] where the frame has no whole IP header.
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, NotRead> {
    open(frame).map(|opened| opened.packet)
}

/// Finds the IP packet in a frame. What lies above a header that is cut or broken is left unread ([`Transport::Ports`],
/// [`Transport::Other`]); only a frame without a whole IP header is refused. Of a tunnel's packet the inner one is
/// given, as deep as [`crate::limits::TUNNELS_MAX`]; where the inside cannot be read, the outer one.
///
/// # Errors
/// [`NotRead`] where the frame has no whole IP header.
#[inline]
pub fn open<'a>(frame: &Frame<'a>) -> Result<Opened<'a>, NotRead> {
    let (version, octets) = link::network_layer(frame.link, frame.octets)?;
    let uncaptured = uncaptured(frame);
    // Each version by itself: what was read of a header need not be put down where both could find it.
    Ok(match version {
        link::IpVersion::V4 => opened(frame, Layer::of(version, ip::read_v4(octets, uncaptured)?), uncaptured),
        link::IpVersion::V6 => opened(frame, Layer::of(version, ip::read_v6(octets, uncaptured)?), uncaptured),
    })
}

#[inline(always)]
fn opened<'a>(frame: &Frame<'a>, layer: Layer<'a>, uncaptured: usize) -> Opened<'a> {
    if !tunnel::may_be_one(&layer) {
        return layer.opened(frame.time, frame.source, None);
    }
    opened_tunnel(frame, layer, uncaptured)
}

#[cold]
fn opened_tunnel<'a>(frame: &Frame<'a>, layer: Layer<'a>, uncaptured: usize) -> Opened<'a> {
    let (layer, tunnel) = tunnel::innermost(layer, uncaptured, &mut |_| {});
    layer.opened(frame.time, frame.source, Tunnels::of(&layer, tunnel))
}

/// What the wire had and the capture has not: headers that leave their length out mean "up to the end of the frame".
#[inline(always)]
fn uncaptured(frame: &Frame<'_>) -> usize {
    usize::try_from(frame.length).unwrap_or(usize::MAX).saturating_sub(frame.octets.len())
}

#[inline(always)]
fn outermost_layer<'a>(frame: &Frame<'a>) -> Result<(Layer<'a>, usize), NotRead> {
    let (version, octets) = link::network_layer(frame.link, frame.octets)?;
    let uncaptured = uncaptured(frame);
    Ok((Layer::read(version, octets, uncaptured)?, uncaptured))
}

/// Hands on what the packet of a frame came in, the outermost first: each a packet of its own, with the tunnel as its
/// payload. Nothing where there was no tunnel. Reads the frame again, so that frames without one pay nothing.
pub fn each_around<'a>(frame: &Frame<'a>, each: &mut impl FnMut(&Packet<'a>)) {
    if let Ok((layer, uncaptured)) = outermost_layer(frame) {
        tunnel::innermost(layer, uncaptured, &mut |outer| each(&outer.packet(frame.time, frame.source)));
    }
}

/// The outermost IP packet of a frame, as captured, without padding, and whether it was captured to its end.
pub(crate) fn outermost<'a>(frame: &Frame<'a>) -> Option<(&'a [u8], bool)> {
    let (layer, _) = outermost_layer(frame).ok()?;
    let opened = layer.opened(frame.time, frame.source, None);
    Some((opened.ip, opened.is_complete()))
}

/// What fragments carried together: everything above IP.
#[derive(Debug, Clone, Copy)]
pub struct Rejoined<'a> {
    /// When the last of them was seen.
    pub time: Timestamp,
    /// Number of the source.
    pub source: u16,
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// The protocol the fragments carried; in IPv6 it may be an extension header.
    pub protocol: Protocol,
    /// How much of it the first fragment held, octets.
    pub first_octets: usize,
    /// The octets.
    pub data: &'a [u8],
}

impl<'a> Rejoined<'a> {
    fn layer(&self, data: &'a [u8]) -> Option<Layer<'a>> {
        let version = if self.src.is_ipv4() { link::IpVersion::V4 } else { link::IpVersion::V6 };
        ip::rejoined(self.src, self.dst, self.protocol, data).map(|header| Layer::of(version, header))
    }

    /// Whether the first fragment has counted for the whole, as [`Packet::is_headless`] says of it.
    fn has_counted(&self) -> bool {
        self.layer(self.data.get(..self.first_octets).unwrap_or(self.data)).is_some_and(|layer| {
            let first = layer.packet(self.time, self.source);
            !Packet { fragment: Fragment::First, ..first }.is_headless()
        })
    }
}

/// The packet in octets that fragments carried together; what is in a tunnel is looked for there too, and what it came in
/// handed on first, as by [`each_around`]. None where extension headers go on for too long.
pub fn open_rejoined<'a>(rejoined: &Rejoined<'a>, around: &mut impl FnMut(&Packet<'a>)) -> Option<Opened<'a>> {
    let &Rejoined { time, source, data, .. } = rejoined;
    let mut layer = rejoined.layer(data)?;
    if !rejoined.has_counted() {
        layer.header.fragment = Fragment::Whole;
    }
    if !tunnel::may_be_one(&layer) {
        return Some(layer.opened(time, source, None));
    }
    let (layer, tunnel) = tunnel::innermost(layer, 0, &mut |outer| around(&outer.packet(time, source)));
    Some(layer.opened(time, source, Tunnels::of(&layer, tunnel)))
}

#[cfg(test)]
mod tests;
