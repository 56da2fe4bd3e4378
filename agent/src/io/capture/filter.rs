//! The program the kernel runs over every frame of the ring (classic BPF): throws away what no stage reads, and says how
//! much of the rest is kept. In doubt it keeps a frame whole.
//!
//! Dropped: what is never IP nor carries it (ARP, LLDP, spanning tree …). Cut, behind the headers: TCP and UDP where more
//! than the limits below is bulk, and bulk that is encrypted from its first octet. Whole: DNS, tunnels, fragments,
//! extension headers, and whatever is not known here. The kernel takes the outer VLAN tag off before; inner ones are
//! still there.

use crate::limits::{FRAME_MAX_OCTETS, SNAP_HEADERS_OCTETS, SNAP_QUOTED_OCTETS, SNAP_TCP_OCTETS, SNAP_UDP_OCTETS};
use crate::packet::LinkType;

/// One instruction (`struct sock_filter` of `linux/filter.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    /// What to do.
    pub(super) code: u16,
    /// Instructions to skip when a test holds.
    pub(super) jt: u8,
    /// Instructions to skip when it does not.
    pub(super) jf: u8,
    /// Its constant.
    pub(super) k: u32,
}

/// More ports with DNS than these are not held apart in the kernel: everything over UDP and TCP is kept whole then.
const DNS_PORTS_MAX: usize = 32;

/// EtherTypes of frames that neither are IP nor carry it: ARP, RARP, slow protocols (LACP), EAPOL, PROFINET, LLDP,
/// HomePlug, connectivity faults, loopback test, precision time.
const NEVER_IP: [u32; 10] = [0x0806, 0x8035, 0x8809, 0x888e, 0x8892, 0x88cc, 0x88e1, 0x8902, 0x9000, 0x88f7];
/// IEEE 802.1Q, 802.1ad, and the older number for the latter.
const VLAN_TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// UDP ports of tunnels that are read: GTP-U, Teredo, GRE in UDP, VXLAN (and as Linux had it first), VXLAN-GPE, Geneve, MPLS.
const TUNNELS: [u32; 8] = [2152, 3544, 4754, 4789, 8472, 4790, 6081, 6635];
const HTTPS: u32 = 443;
/// How a TLS handshake record begins: its type, the upper half of its version (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u32 = 0x1603;

const ICMP: u32 = 1;
const TCP: u32 = 6;
const UDP: u32 = 17;
const ESP: u32 = 50;
const ICMP_V6: u32 = 58;

/// Shorter frames are kept as they are: every load below, up to the transport header, lies within the others.
const SHORTEST: u32 = 34;
/// What must be there of a transport header for it to be looked into.
const TRANSPORT_OCTETS: u32 = 16;
/// Longer ones may be several datagrams that the network card or kernel put together (GRO).
const ONE_DATAGRAM_OCTETS: u32 = 2048;

// Codes of `linux/bpf_common.h`, spelled out.
const LOAD_LENGTH: u16 = 0x80;
const LOAD_HALF: u16 = 0x28;
const LOAD_OCTET: u16 = 0x30;
const LOAD_HALF_AT_X: u16 = 0x48;
const LOAD_OCTET_AT_X: u16 = 0x50;
const LOAD_KEPT: u16 = 0x60;
const KEEP: u16 = 0x02;
const SET_X: u16 = 0x01;
const X_FROM_A: u16 = 0x07;
const A_FROM_X: u16 = 0x87;
const ADD: u16 = 0x04;
const ADD_X: u16 = 0x0c;
const SUBTRACT: u16 = 0x14;
const AND: u16 = 0x54;
const SHIFT_LEFT: u16 = 0x64;
const SHIFT_RIGHT: u16 = 0x74;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const IF_AT_LEAST_X: u16 = 0x3d;
const IF_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// A place in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The instruction after this one.
    Next,
    Tagged,
    TaggedTwice,
    Network,
    V4,
    V6,
    Transport,
    Ports,
    Segment,
    Udp,
    Quic,
    Headers,
    Quoted,
    Datagram,
    Whole,
    Nothing,
}

/// The program while it is written: jumps by place.
#[derive(Debug, Default)]
struct Draft {
    lines: Vec<(u16, u32, Place, Place)>,
    places: Vec<(Place, usize)>,
}

impl Draft {
    fn does(&mut self, code: u16, k: u32) {
        self.lines.push((code, k, Place::Next, Place::Next));
    }

    fn goes_if(&mut self, code: u16, k: u32, to: Place) {
        self.lines.push((code, k, to, Place::Next));
    }

    fn goes_unless(&mut self, code: u16, k: u32, to: Place) {
        self.lines.push((code, k, Place::Next, to));
    }

    fn goes(&mut self, to: Place) {
        // Always so: nothing is below 0. An unconditional jump would have its distance elsewhere.
        self.goes_if(IF_AT_LEAST, 0, to);
    }

    fn goes_if_any(&mut self, values: impl IntoIterator<Item = u32>, to: Place) {
        for value in values {
            self.goes_if(IF_EQUAL, value, to);
        }
    }

    fn here(&mut self, place: Place) {
        self.places.push((place, self.lines.len()));
    }

    /// None where a jump is longer than one can be.
    fn finish(self) -> Option<Vec<Instruction>> {
        let distance = |from: usize, place: Place| match place {
            Place::Next => Some(0),
            _ => {
                let (_, to) = self.places.iter().find(|(known, _)| *known == place)?;
                u8::try_from(to.checked_sub(from + 1)?).ok()
            }
        };
        let line = |(at, &(code, k, yes, no)): (usize, &(u16, u32, Place, Place))| {
            Some(Instruction { code, jt: distance(at, yes)?, jf: distance(at, no)?, k })
        };
        self.lines.iter().enumerate().map(line).collect()
    }
}

/// The program for interfaces whose frames begin like this, where DNS is spoken on these ports.
pub(super) fn program(link: LinkType, dns_ports: &[u16]) -> Vec<Instruction> {
    let whole = Instruction { code: RETURN, jt: 0, jf: 0, k: FRAME_MAX_OCTETS as u32 };
    let written = match link {
        LinkType::Ethernet => write(ethernet, dns_ports),
        LinkType::RawIp => write(raw_ip, dns_ports),
        LinkType::Null | LinkType::Loop | LinkType::Ppp | LinkType::LinuxSll | LinkType::LinuxSll2 => None,
    };
    written.unwrap_or_else(|| vec![whole])
}

/// Whether a frame of this length, of which so much was kept, is bulk that was joined (GRO) and cut: nothing else is kept as
/// far as that.
#[inline]
pub(super) fn has_cut_joined(kept_octets: usize, length: u32) -> bool {
    length > SNAP_TCP_OCTETS && usize::try_from(SNAP_TCP_OCTETS).is_ok_and(|snap| kept_octets == snap)
}

fn write(link: fn(&mut Draft), dns_ports: &[u16]) -> Option<Vec<Instruction>> {
    let mut draft = Draft::default();
    draft.does(LOAD_LENGTH, 0);
    draft.goes_unless(IF_AT_LEAST, SHORTEST, Place::Whole);
    link(&mut draft);
    network(&mut draft);
    transport(&mut draft, dns_ports);
    draft.finish()
}

/// To the network layer: its EtherType decides, X says where it begins.
fn ethernet(draft: &mut Draft) {
    draft.does(SET_X, 14);
    draft.does(LOAD_HALF, 12);
    draft.goes_if_any(VLAN_TAGS, Place::Tagged);
    draft.goes(Place::Network);
    draft.here(Place::Tagged);
    draft.does(SET_X, 18);
    draft.does(LOAD_HALF, 16);
    draft.goes_if_any(VLAN_TAGS, Place::TaggedTwice);
    draft.goes(Place::Network);
    draft.here(Place::TaggedTwice);
    draft.does(SET_X, 22);
    draft.does(LOAD_HALF, 20);
    draft.here(Place::Network);
    draft.goes_if(IF_EQUAL, 0x0800, Place::V4);
    draft.goes_if(IF_EQUAL, 0x86dd, Place::V6);
    draft.goes_if_any(NEVER_IP, Place::Nothing);
    // Above are EtherTypes not known here (and a third tag); below is the length of an LLC frame, in which SNAP carries IP
    // (RFC 1042), and rarely LLC by itself (RFC 948).
    draft.goes_if(IF_GREATER, 1500, Place::Whole);
    draft.does(LOAD_OCTET_AT_X, 0);
    draft.goes_if_any([0xaa, 0x06], Place::Whole);
    draft.goes(Place::Nothing);
}

fn raw_ip(draft: &mut Draft) {
    draft.does(SET_X, 0);
    draft.does(LOAD_OCTET, 0);
    draft.does(SHIFT_RIGHT, 4);
    draft.goes_if(IF_EQUAL, 6, Place::V6);
    draft.goes_unless(IF_EQUAL, 4, Place::Whole);
}

/// From X, where IP begins, to X, where the transport header does; the protocol is kept in the first word of memory.
fn network(draft: &mut Draft) {
    draft.here(Place::V4);
    draft.does(LOAD_HALF_AT_X, 6);
    draft.goes_if(IF_ANY_BIT, 0x3fff, Place::Whole);
    draft.does(LOAD_OCTET_AT_X, 9);
    draft.does(KEEP, 0);
    draft.does(LOAD_OCTET_AT_X, 0);
    draft.does(AND, 0x0f);
    draft.does(SHIFT_LEFT, 2);
    draft.does(ADD_X, 0);
    draft.goes(Place::Transport);
    draft.here(Place::V6);
    draft.does(LOAD_OCTET_AT_X, 6);
    draft.does(KEEP, 0);
    draft.does(A_FROM_X, 0);
    draft.does(ADD, 40);
    draft.here(Place::Transport);
    draft.does(X_FROM_A, 0);
}

fn transport(draft: &mut Draft, dns_ports: &[u16]) {
    draft.does(LOAD_KEPT, 0);
    draft.goes_if_any([TCP, UDP], Place::Ports);
    draft.goes_if_any([ICMP, ICMP_V6], Place::Quoted);
    draft.goes_if(IF_EQUAL, ESP, Place::Headers);
    draft.goes(Place::Whole);

    draft.here(Place::Ports);
    draft.does(LOAD_LENGTH, 0);
    draft.does(SUBTRACT, TRANSPORT_OCTETS);
    draft.goes_unless(IF_AT_LEAST_X, 0, Place::Whole);
    if dns_ports.len() > DNS_PORTS_MAX {
        draft.goes(Place::Whole);
    }
    for end in [0, 2] {
        draft.does(LOAD_HALF_AT_X, end);
        draft.goes_if_any(dns_ports.iter().take(DNS_PORTS_MAX).map(|port| u32::from(*port)), Place::Whole);
    }
    draft.does(LOAD_KEPT, 0);
    draft.goes_if(IF_EQUAL, UDP, Place::Udp);
    // Whichever port it comes from: a client chooses its own, 443 too, and a server may listen at any. Not even a port that
    // is high says that its end greets nobody.
    draft.does(LOAD_LENGTH, 0);
    draft.goes_unless(IF_GREATER, SNAP_TCP_OCTETS, Place::Segment);
    // Several segments that the network card or kernel put together (GRO). Those that begin with first words (a TLS handshake
    // record, the method of a request) are kept to their end: a hello may be that long. Bulk begins so by chance once in a
    // hundred times. Every load lies within the frame, which is longer than all headers can be.
    draft.does(LOAD_OCTET_AT_X, 12);
    draft.does(SHIFT_RIGHT, 4);
    draft.does(SHIFT_LEFT, 2);
    draft.does(ADD_X, 0);
    draft.does(X_FROM_A, 0);
    draft.does(LOAD_HALF_AT_X, 0);
    draft.goes_if(IF_EQUAL, TLS_HANDSHAKE, Place::Whole);
    for at in [0, 1] {
        draft.does(LOAD_OCTET_AT_X, at);
        draft.goes_unless(IF_AT_LEAST, u32::from(b'A'), Place::Segment);
        draft.goes_if(IF_GREATER, u32::from(b'Z'), Place::Segment);
    }
    draft.goes(Place::Whole);
    draft.here(Place::Segment);
    draft.does(RETURN, SNAP_TCP_OCTETS);

    draft.here(Place::Udp);
    for end in [0, 2] {
        draft.does(LOAD_HALF_AT_X, end);
        draft.goes_if_any(TUNNELS, Place::Whole);
    }
    draft.goes_if(IF_EQUAL, HTTPS, Place::Quic);
    draft.does(LOAD_HALF_AT_X, 0);
    draft.goes_unless(IF_EQUAL, HTTPS, Place::Datagram);
    // A long header (RFC 8999 section 5.1) may be an Initial; a short one is encrypted data.
    draft.here(Place::Quic);
    draft.does(LOAD_OCTET_AT_X, 8);
    draft.goes_if(IF_ANY_BIT, 0x80, Place::Datagram);
    draft.does(LOAD_LENGTH, 0);
    draft.goes_unless(IF_GREATER, ONE_DATAGRAM_OCTETS, Place::Headers);
    draft.here(Place::Datagram);
    draft.does(RETURN, SNAP_UDP_OCTETS);

    draft.here(Place::Headers);
    draft.does(RETURN, SNAP_HEADERS_OCTETS);
    draft.here(Place::Quoted);
    draft.does(RETURN, SNAP_QUOTED_OCTETS);
    draft.here(Place::Whole);
    draft.does(RETURN, FRAME_MAX_OCTETS as u32);
    draft.here(Place::Nothing);
    draft.does(RETURN, 0);
}

#[cfg(test)]
mod tests;
