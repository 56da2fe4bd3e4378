//! What makes two packets the same flow, either way: both ends and the protocol.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use varde_common::observation::{Endpoint, Protocol};

/// Both ends, the lesser one first, and the protocol: the same for packets either way. Addresses as two halves each, IPv4
/// mapped into IPv6, so that to compare and to hash takes no branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    low: [u64; 2],
    high: [u64; 2],
    /// Port of the lesser end, of the other, protocol, and whether these are IPv6 addresses.
    rest: u64,
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Key { low: [l0, l1], high: [h0, h1], rest } = *self;
        // Each by itself: what is joined before the key comes in, a sender who chooses both ends makes meet (S5).
        state.write_u64(l0);
        state.write_u64(l1);
        state.write_u64(h0);
        state.write_u64(h1);
        state.write_u64(rest);
    }
}

/// An address as two halves.
#[inline]
fn halves(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(address) => [0, 0xffff_0000_0000 | u64::from(address.to_bits())],
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [(bits >> 64) as u64, bits as u64]
        }
    }
}

impl Key {
    /// Of the ends of a packet, and whether the lesser one sent it.
    #[inline]
    pub(super) fn of(src: IpAddr, src_port: u16, dst: IpAddr, dst_port: u16, protocol: Protocol) -> (Key, bool) {
        let (from, to) = (halves(src), halves(dst));
        let ([first, second], [other_first, other_second]) = (from, to);
        let from_low = match first.cmp(&other_first).then(second.cmp(&other_second)) {
            Ordering::Less => true,
            Ordering::Equal => src_port <= dst_port,
            Ordering::Greater => false,
        };
        let (low, low_port, high, high_port) =
            if from_low { (from, src_port, to, dst_port) } else { (to, dst_port, from, src_port) };
        let ports = (u64::from(low_port) << 16) | u64::from(high_port);
        let rest = (ports << 16) | (u64::from(protocol.0) << 8) | u64::from(src.is_ipv6());
        (Key { low, high, rest }, from_low)
    }

    pub(super) fn protocol(&self) -> Protocol {
        Protocol((self.rest >> 8) as u8)
    }

    /// Whether it is UDP and more than a look-up, which is over with its answer.
    pub(super) fn is_conversation(&self) -> bool {
        const DNS_PORT: u16 = 53;
        let ports = [(self.rest >> 32) as u16, (self.rest >> 16) as u16];
        self.protocol() == Protocol::UDP && !ports.contains(&DNS_PORT)
    }

    pub(super) fn end(&self, low: bool) -> Endpoint {
        let ([first, second], port) =
            if low { (self.low, (self.rest >> 32) as u16) } else { (self.high, (self.rest >> 16) as u16) };
        let address = if self.rest & 1 == 1 {
            IpAddr::V6(Ipv6Addr::from_bits((u128::from(first) << 64) | u128::from(second)))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(second as u32))
        };
        Endpoint::new(address, port)
    }
}
