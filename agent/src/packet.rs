//! Frames to IP packets: link layer, VLAN tags, IPv4, IPv6 and its extension headers, UDP, TCP, ICMP. By reference,
//! never a panic.

use std::net::IpAddr;

use varde_common::observation::Protocol;
use varde_common::time::Timestamp;

/// How a frame begins (the link types of the pcap format).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// Ethernet II (1).
    Ethernet,
    /// BSD loopback, address family in the capturing host's byte order (0).
    Null,
    /// OpenBSD loopback, address family in network byte order (108).
    Loop,
    /// PPP, with or without HDLC framing (9, 50).
    Ppp,
    /// Bare IPv4 or IPv6 (101, 12, 14, 228, 229).
    RawIp,
    /// Linux cooked v1 (113).
    LinuxSll,
    /// Linux cooked v2 (276).
    LinuxSll2,
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
    /// Not fragmented.
    Whole,
    /// The first fragment: has the transport header.
    First,
    /// A later fragment: has none.
    Later,
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
        /// Flags, see [`tcp_flags`].
        flags: u8,
        /// What was captured of the data (padding of the frame excluded by IP's length).
        payload: &'a [u8],
    },
    /// An ICMP or ICMPv6 message.
    Icmp {
        /// Whether it reports an error about another packet (RFC 1122 section 3.2.2; RFC 4443 section 2.1).
        error: bool,
    },
    /// Another protocol, a later fragment, or a transport header that is cut or broken: addresses and protocol are
    /// known, nothing above.
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
