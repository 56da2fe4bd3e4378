//! The list of indicators: so many names, addresses and networks, the short one being the beginning of the long one.

use std::collections::{BTreeSet, HashSet};
use std::io::{BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use anyhow::{Context, Result};

use super::names;
use crate::random::Random;

/// How many of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Names; each covers what is below it.
    pub domains: u64,
    /// Addresses, a fifth of them IPv6.
    pub addresses: usize,
    /// Networks, a fifth of them IPv6; none overlaps another.
    pub networks: usize,
}

impl Size {
    /// "1M" of `performance.md`.
    pub const MILLION: Size = Size { domains: 1_000_000, addresses: 200_000, networks: 20_000 };
    /// "10k": a hundredth of it.
    pub const TEN_THOUSAND: Size = Size { domains: 10_000, addresses: 2_000, networks: 200 };
}

/// A network: its first address and its prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// First address.
    pub first: IpAddr,
    /// Bits that stand fast.
    pub prefix: u8,
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(a) => {
            Ipv4Addr::from(u32::from(a) & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)).into()
        }
        IpAddr::V6(a) => {
            Ipv6Addr::from(u128::from(a) & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)).into()
        }
    }
}

impl Network {
    /// The network of `prefix` bits around an address.
    pub fn around(address: IpAddr, prefix: u8) -> Network {
        Network { first: masked(address, prefix), prefix }
    }

    /// An address in it, drawn.
    pub fn inside(self, random: &mut Random) -> IpAddr {
        match self.first {
            IpAddr::V4(first) => {
                let size = 1u64 << (32 - u32::from(self.prefix));
                Ipv4Addr::from(u32::from(first) + random.below(size) as u32).into()
            }
            IpAddr::V6(first) => Ipv6Addr::from(u128::from(first) | u128::from(random.next_u64() >> 8)).into(),
        }
    }

    /// The addresses just before its first and just behind its last.
    pub fn just_outside(self) -> [IpAddr; 2] {
        match self.first {
            IpAddr::V4(first) => {
                let (first, size) = (u32::from(first), 1u64 << (32 - u32::from(self.prefix)));
                let behind = u64::from(first) + size;
                [Ipv4Addr::from(first.wrapping_sub(1)).into(), Ipv4Addr::from(behind as u32).into()]
            }
            IpAddr::V6(first) => {
                let (first, size) = (u128::from(first), 1u128 << (128 - u32::from(self.prefix)));
                [Ipv6Addr::from(first.wrapping_sub(1)).into(), Ipv6Addr::from(first.wrapping_add(size)).into()]
            }
        }
    }
}

/// Whether an address may stand on the ordinary internet: nothing private, local or reserved.
pub fn is_ordinary(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, .., last] = address.octets();
            !matches!(first, 0 | 10 | 100 | 127 | 169 | 172 | 192 | 198 | 203 | 224..) && (1..255).contains(&last)
        }
        IpAddr::V6(address) => matches!(address.segments()[0], 0x2400..0x2c00),
    }
}

/// An address of the ordinary internet, drawn.
pub fn global(random: &mut Random, v6: bool) -> IpAddr {
    if v6 {
        let first = [0x2a00u128, 0x2a02, 0x2a03, 0x2606, 0x2620, 0x2400][random.below(6) as usize];
        let rest = (u128::from(random.next_u64()) << 48) | u128::from(random.next_u64() >> 16);
        return Ipv6Addr::from((first << 112) | (rest & ((1 << 112) - 1))).into();
    }
    loop {
        let address = Ipv4Addr::from(random.next_u64() as u32).into();
        if is_ordinary(address) {
            return address;
        }
    }
}

/// The list.
#[derive(Debug)]
pub struct Listed {
    /// Where it was drawn from.
    pub seed: u64,
    /// How long it is.
    pub size: Size,
    /// In order.
    pub addresses: Vec<IpAddr>,
    /// In order.
    pub networks: Vec<Network>,
    known_addresses: HashSet<IpAddr>,
    known_networks: HashSet<Network>,
    prefixes: BTreeSet<(bool, u8)>,
}

impl Listed {
    /// Draws a list.
    pub fn drawn(seed: u64, size: Size) -> Listed {
        let mut listed = Listed {
            seed,
            size,
            addresses: Vec::new(),
            networks: Vec::new(),
            known_addresses: HashSet::new(),
            known_networks: HashSet::new(),
            prefixes: BTreeSet::new(),
        };
        let mut random = Random::seeded(seed.wrapping_add(0x11));
        while listed.networks.len() < size.networks {
            let v6 = random.percent(20);
            let prefix = match (v6, random.below(20)) {
                (true, 0..8) => 32,
                (true, 8..16) => 48,
                (true, _) => 64,
                (false, 0) => 20,
                (false, 1..3) => 22,
                (false, 3..5) => 23,
                (false, 5..15) => 24,
                (false, 15..17) => 26,
                (false, _) => 29,
            };
            let network = Network::around(global(&mut random, v6), prefix);
            // Neither inside another nor around one.
            let around = (0..prefix).any(|p| listed.known_networks.contains(&Network::around(network.first, p)));
            let narrower = if v6 { [48, 64, 64] } else { [24, 26, 29] };
            let within = listed.networks.len() < 100_000
                && narrower
                    .iter()
                    .any(|&p| p > prefix && listed.known_networks.contains(&Network::around(network.first, p)));
            if !around && !within && listed.known_networks.insert(network) {
                listed.prefixes.insert((v6, prefix));
                listed.networks.push(network);
            }
        }
        while listed.addresses.len() < size.addresses {
            let v6 = random.percent(20);
            let address = global(&mut random, v6);
            if !listed.in_a_network(address) && listed.known_addresses.insert(address) {
                listed.addresses.push(address);
            }
        }
        listed
    }

    fn in_a_network(&self, address: IpAddr) -> bool {
        let mut prefixes = self.prefixes.iter().filter(|(v6, _)| *v6 == address.is_ipv6());
        prefixes.any(|&(_, prefix)| self.known_networks.contains(&Network::around(address, prefix)))
    }

    /// Name number `index`.
    pub fn name(&self, index: u64) -> String {
        names::listed(self.seed, index)
    }

    /// Whether the list covers the name.
    pub fn covers_name(&self, name: &str) -> bool {
        names::covered(self.seed, self.size.domains, name)
    }

    /// Whether the list covers the address.
    pub fn covers(&self, address: IpAddr) -> bool {
        self.known_addresses.contains(&address) || self.in_a_network(address)
    }

    /// An address of the ordinary internet that the list does not cover.
    pub fn uncovered(&self, random: &mut Random, v6: bool) -> IpAddr {
        loop {
            let address = global(random, v6);
            if !self.covers(address) {
                return address;
            }
        }
    }

    /// Writes the first `size` of it as a plain list.
    ///
    /// # Errors
    /// The file system's own.
    pub fn write(&self, path: &Path, size: Size) -> Result<()> {
        let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        writeln!(out, "# {} names, {} addresses, {} networks", size.domains, size.addresses, size.networks)?;
        for index in 0..size.domains.min(self.size.domains) {
            writeln!(out, "{}", self.name(index))?;
        }
        for address in self.addresses.iter().take(size.addresses) {
            writeln!(out, "{address}")?;
        }
        for network in self.networks.iter().take(size.networks) {
            writeln!(out, "{network}")?;
        }
        Ok(out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_covered_and_its_neighbours_are_known_not_to_be() {
        let listed = Listed::drawn(4, Size { domains: 10, addresses: 500, networks: 300 });
        let mut random = Random::seeded(1);
        for network in &listed.networks {
            assert!(listed.covers(network.inside(&mut random)), "{network}");
            let alone = network.just_outside().into_iter().filter(|&address| !listed.covers(address)).count();
            assert!(alone > 0 || listed.networks.len() > 300);
        }
        assert!(listed.addresses.iter().all(|&address| listed.covers(address)));
        assert!(!listed.covers("10.0.0.1".parse().unwrap()));
    }
}
