//! Indicators a sensor matches without being able to read them: keyed hashes of names, addresses and networks (decision 8).

use std::net::IpAddr;

use crate::codec::{Decode, Encode};
use crate::id::IndicatorId;
use crate::indicator::Kind;
use crate::name::Name;
use crate::pattern::TargetRef;

/// The key of a collector's hashes; it travels within each list's base, to enrolled sensors and to nobody else.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ConfidentialKey(pub [u8; 32]);

impl std::fmt::Debug for ConfidentialKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConfidentialKey(…)")
    }
}

/// The first 128 bits of a keyed BLAKE3.
pub type Digest = [u8; 16];

/// What a digest was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Hidden {
    /// A name and everything below it.
    Domain,
    /// Exactly this name.
    Host,
    /// One IPv4 address.
    Ipv4,
    /// One IPv6 address.
    Ipv6,
    /// An IPv4 network of this prefix length.
    NetworkV4(u8),
    /// An IPv6 network of this prefix length.
    NetworkV6(u8),
}

impl Hidden {
    /// Which kind of indicator it is.
    pub fn kind(self) -> Kind {
        match self {
            Hidden::Domain => Kind::Domain,
            Hidden::Host => Kind::Host,
            Hidden::Ipv4 => Kind::Ipv4,
            Hidden::Ipv6 => Kind::Ipv6,
            Hidden::NetworkV4(_) | Hidden::NetworkV6(_) => Kind::Network,
        }
    }
}

/// A target that is known by its keyed hash alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Confidential {
    /// The indicator's number: the only name people give it.
    pub number: IndicatorId,
    /// What was hashed.
    pub of: Hidden,
    /// The hash.
    pub digest: Digest,
}

impl ConfidentialKey {
    /// A target as its hash; nothing for a JA4 fingerprint, which has none.
    pub fn hide(&self, number: IndicatorId, target: TargetRef<'_>) -> Option<Confidential> {
        let (of, digest) = match target {
            TargetRef::Domain(name) => (Hidden::Domain, self.name(name)),
            TargetRef::Host(name) => (Hidden::Host, self.name(name)),
            TargetRef::Address(address @ IpAddr::V4(_)) => (Hidden::Ipv4, self.network(address, 32)),
            TargetRef::Address(address @ IpAddr::V6(_)) => (Hidden::Ipv6, self.network(address, 128)),
            TargetRef::Network { first: first @ IpAddr::V4(_), prefix } => {
                (Hidden::NetworkV4(prefix), self.network(first, prefix))
            }
            TargetRef::Network { first: first @ IpAddr::V6(_), prefix } => {
                (Hidden::NetworkV6(prefix), self.network(first, prefix))
            }
            TargetRef::Ja4(_) => return None,
            TargetRef::Confidential(hidden) => return Some(hidden),
        };
        Some(Confidential { number, of, digest })
    }

    /// The hash of a name: keyed BLAKE3 over `1 ‖ canonical octets`. Domain and host hash alike.
    pub fn name(&self, name: Name<'_>) -> Digest {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[1]).update(name.octets());
        short(hasher.finalize())
    }

    /// The hash of an address' first `prefix` bits: keyed BLAKE3 over `4 or 6 ‖ prefix ‖ first address, network order`.
    /// An address by itself has prefix 32 or 128.
    pub fn network(&self, address: IpAddr, prefix: u8) -> Digest {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        match address {
            IpAddr::V4(v4) => {
                let first = v4.to_bits() & u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
                hasher.update(&[4, prefix]).update(&first.to_be_bytes());
            }
            IpAddr::V6(v6) => {
                let first = v6.to_bits() & u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
                hasher.update(&[6, prefix]).update(&first.to_be_bytes());
            }
        }
        short(hasher.finalize())
    }
}

fn short(hash: blake3::Hash) -> Digest {
    let mut digest = [0; 16];
    for (to, from) in digest.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::DomainName;

    #[test]
    fn a_hash_depends_on_the_key_and_the_network_not_on_the_host_bits() {
        let (one, two) = (ConfidentialKey([1; 32]), ConfidentialKey([2; 32]));
        let name = DomainName::parse("evil.no").unwrap();
        assert_ne!(one.name(name.as_name()), two.name(name.as_name()));
        let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.200".parse().unwrap());
        assert_eq!(one.network(a, 24), one.network(b, 24));
        assert_ne!(one.network(a, 24), one.network(b, 25));
        assert_ne!(one.network(a, 32), one.network(b, 32));
        assert!(!format!("{one:?}").contains('1'), "a key is never shown");
    }
}
