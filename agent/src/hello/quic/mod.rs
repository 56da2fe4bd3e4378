//! QUIC Initial packets (RFC 9000 section 17.2.2) of every version that greets with TLS: found in datagrams, opened with
//! the client's keys, which follow from what stands in the clear.

pub(crate) mod frames;
pub(crate) mod keys;
pub mod version;

use super::Reader;
use version::{PacketType, Version};

/// A connection id is no longer (RFC 9000 section 17.2).
pub const CONNECTION_ID_MAX_OCTETS: usize = 20;
/// Long header form (RFC 8999 section 5.1).
const LONG_HEADER: u8 = 0x80;

/// A QUIC packet with a long header.
#[derive(Debug, Clone, Copy)]
pub enum Packet<'a> {
    /// An Initial packet, its end not missing.
    Initial(Initial<'a>),
    /// Any other, or one that was cut short: nothing to be read.
    Other,
}

/// An Initial packet, still protected.
#[derive(Debug, Clone, Copy)]
pub struct Initial<'a> {
    /// The row of its version.
    pub version: &'static Version,
    /// The destination connection id.
    pub destination: &'a [u8],
    /// All of the packet.
    packet: &'a [u8],
    /// Where its packet number stands.
    number_at: usize,
}

/// Whether a datagram begins with a packet of a version that greets with TLS.
pub fn may_begin(datagram: &[u8]) -> bool {
    match datagram {
        [first, v0, v1, v2, v3, ..] if first & LONG_HEADER != 0 => {
            version::find(u32::from_be_bytes([*v0, *v1, *v2, *v3])).is_some()
        }
        _ => false,
    }
}

/// The next packet of a datagram (RFC 9000 section 12.2: several may share one), and what is left behind it.
pub fn next_packet(datagram: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let mut reader = Reader(datagram);
    let first = reader.u8().filter(|first| first & LONG_HEADER != 0)?;
    let number = u32::from_be_bytes(*reader.exact(4)?.first_chunk()?);
    let version = version::find(number)?;
    let destination = connection_id(&mut reader)?;
    connection_id(&mut reader)?;
    let kind = version.packet_type(first);
    match kind {
        PacketType::Initial => {
            let token = variable(&mut reader)?;
            reader.exact(usize::try_from(token).ok()?)?;
        }
        PacketType::Other => {}
        // It has no length: it fills its datagram.
        PacketType::Retry => return None,
    }
    let length = usize::try_from(variable(&mut reader)?).ok()?;
    let number_at = datagram.len() - reader.0.len();
    let Some((packet, rest)) = number_at.checked_add(length).and_then(|end| datagram.split_at_checked(end)) else {
        return Some((Packet::Other, &[]));
    };
    match kind {
        PacketType::Initial => Some((Packet::Initial(Initial { version, destination, packet, number_at }), rest)),
        PacketType::Other | PacketType::Retry => Some((Packet::Other, rest)),
    }
}

fn connection_id<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let count = usize::from(reader.u8()?);
    if count > CONNECTION_ID_MAX_OCTETS { None } else { reader.exact(count) }
}

/// A variable-length integer (RFC 9000 section 16).
pub(crate) fn variable(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    let more = reader.exact((1 << (first >> 6)) - 1)?;
    Some(more.iter().fold(u64::from(first & 0x3f), |value, &octet| (value << 8) | u64::from(octet)))
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
