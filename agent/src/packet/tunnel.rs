//! Packets in packets: from an IP header to the one inside it, within a bound.

use varde_common::observation::Protocol;

use super::link::{self, Depth, IpVersion};
use super::{Fragment, Layer, Transport, gre, udp_tunnel};
use crate::limits;

/// What carries a packet inside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TunnelKind {
    /// GRE (RFC 2784, RFC 2890), also with PPP in it (RFC 2637), and as web caches are sent what they serve (WCCP).
    Gre,
    /// GRE in UDP (RFC 8086).
    GreInUdp,
    /// ERSPAN I, II and III in GRE (draft-foschiano-erspan).
    Erspan,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// VXLAN that says what it carries (draft-ietf-nvo3-vxlan-gpe).
    VxlanGpe,
    /// Geneve (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// Teredo (RFC 4380).
    Teredo,
    /// IPv4 in IP (RFC 2003, RFC 2473).
    Ipv4InIp,
    /// IPv6 in IP (RFC 4213).
    Ipv6InIp,
    /// MPLS in IP (RFC 4023).
    MplsInIp,
    /// MPLS in UDP (RFC 7510).
    MplsInUdp,
}

impl TunnelKind {
    /// Every kind, in the order they are declared.
    pub const ALL: [TunnelKind; 12] = [
        TunnelKind::Gre,
        TunnelKind::GreInUdp,
        TunnelKind::Erspan,
        TunnelKind::Vxlan,
        TunnelKind::VxlanGpe,
        TunnelKind::Geneve,
        TunnelKind::GtpU,
        TunnelKind::Teredo,
        TunnelKind::Ipv4InIp,
        TunnelKind::Ipv6InIp,
        TunnelKind::MplsInIp,
        TunnelKind::MplsInUdp,
    ];

    /// Its name in counters and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            TunnelKind::Gre => "gre",
            TunnelKind::GreInUdp => "gre_in_udp",
            TunnelKind::Erspan => "erspan",
            TunnelKind::Vxlan => "vxlan",
            TunnelKind::VxlanGpe => "vxlan_gpe",
            TunnelKind::Geneve => "geneve",
            TunnelKind::GtpU => "gtp_u",
            TunnelKind::Teredo => "teredo",
            TunnelKind::Ipv4InIp => "ipv4_in_ip",
            TunnelKind::Ipv6InIp => "ipv6_in_ip",
            TunnelKind::MplsInIp => "mpls_in_ip",
            TunnelKind::MplsInUdp => "mpls_in_udp",
        }
    }
}

/// Where the packet inside begins: which IP, and its octets.
pub(super) type Inside<'a> = (TunnelKind, (IpVersion, &'a [u8]));

/// IP protocol numbers of tunnels.
const IPV4: Protocol = Protocol(4);
const IPV6: Protocol = Protocol(41);
const GRE: Protocol = Protocol(47);
const MPLS: Protocol = Protocol(137);
/// Tunnels that are known and not read: EtherIP (RFC 3378), L2TPv3 (RFC 3931).
const UNREAD: [Protocol; 2] = [Protocol(97), Protocol(115)];

/// Whether a look inside is worth it: by protocol and port alone, for every packet there is.
#[inline]
pub(super) fn may_be_one(layer: &Layer<'_>) -> bool {
    match layer.transport {
        Transport::Tcp { .. } | Transport::Icmp { .. } | Transport::Ports { .. } => false,
        Transport::Udp { src_port, dst_port, .. } => udp_tunnel::is_port(dst_port) || udp_tunnel::is_port(src_port),
        Transport::Other => {
            matches!(layer.header.protocol, IPV4 | IPV6 | GRE | MPLS) || UNREAD.contains(&layer.header.protocol)
        }
    }
}

/// DNS, HTTPS over QUIC, DNS over QUIC.
const NO_TUNNEL_TO: [u16; 3] = [53, 443, 853];

/// The innermost packet that can be read, and the outermost tunnel it came in; what it came in is handed to `around` on
/// the way. A fragment's inside is not looked at: that is for when it was put together.
#[cold]
#[inline(never)]
pub(super) fn innermost<'a>(
    outer: Layer<'a>,
    uncaptured: usize,
    around: &mut impl FnMut(Layer<'a>),
) -> (Layer<'a>, Option<TunnelKind>) {
    let (mut layer, mut outermost) = (outer, None);
    for _ in 0..limits::TUNNELS_MAX {
        let Some((kind, inner)) = inside(&layer, uncaptured) else { break };
        around(layer);
        layer = inner;
        outermost = outermost.or(Some(kind));
    }
    (layer, outermost)
}

/// Whether a packet of which no inside was found is a tunnel all the same, of a kind that is not read.
#[cold]
#[inline(never)]
pub(super) fn is_unread(layer: &Layer<'_>) -> bool {
    match (layer.header.fragment, layer.transport) {
        (Fragment::First | Fragment::Later, _) => false,
        (Fragment::Whole | Fragment::Rejoined, Transport::Udp { src_port, dst_port, payload }) => {
            let ports = [dst_port, src_port];
            !ports.iter().any(|port| NO_TUNNEL_TO.contains(port))
                && ports.into_iter().any(|port| udp_tunnel::is_unread(port, payload))
        }
        (Fragment::Whole | Fragment::Rejoined, Transport::Other) => UNREAD.contains(&layer.header.protocol),
        (_, Transport::Tcp { .. } | Transport::Icmp { .. } | Transport::Ports { .. }) => false,
    }
}

fn inside<'a>(layer: &Layer<'a>, uncaptured: usize) -> Option<(TunnelKind, Layer<'a>)> {
    if !matches!(layer.header.fragment, Fragment::Whole | Fragment::Rejoined) {
        return None;
    }
    match layer.transport {
        Transport::Udp { src_port, dst_port, payload } => {
            // What goes to a name server or a web server is what it says there: a client may have any port, and must not
            // hide a question by wrapping it as a tunnel would.
            if [dst_port, src_port].iter().any(|port| NO_TUNNEL_TO.contains(port)) {
                return None;
            }
            // Ports are anybody's: what is no sound IP packet inside was no tunnel.
            [dst_port, src_port].into_iter().find_map(|port| {
                let (kind, (version, octets)) = udp_tunnel::inside(port, payload, uncaptured)?;
                let inner = Layer::read(version, octets, uncaptured).ok()?;
                let available = octets.len().saturating_add(uncaptured);
                let is_sound = usize::try_from(inner.header.octets).is_ok_and(|said| said <= available);
                is_sound.then_some((kind, inner))
            })
        }
        Transport::Other => {
            let payload = layer.header.payload?;
            let (kind, (version, octets)) = match layer.header.protocol {
                IPV4 => (TunnelKind::Ipv4InIp, (IpVersion::V4, payload)),
                IPV6 => (TunnelKind::Ipv6InIp, (IpVersion::V6, payload)),
                MPLS => (TunnelKind::MplsInIp, link::mpls(payload, Depth::FULL).ok()?),
                GRE => gre::inside(payload)?,
                _ => return None,
            };
            Layer::read(version, octets, uncaptured).ok().map(|inner| (kind, inner))
        }
        Transport::Tcp { .. } | Transport::Icmp { .. } | Transport::Ports { .. } => None,
    }
}

#[cfg(test)]
mod tests;
