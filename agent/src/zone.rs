//! Networks to what they are part of: a site, a zone. The longest prefix wins.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks and what each stands for, as `agent.toml` lists them: a handful, so a search through all is the fastest.
#[derive(Debug, Clone, Default)]
pub struct Networks<T> {
    longest_first: Vec<(IpNet, T)>,
}

impl<T: Copy> Networks<T> {
    /// In any order; of two equal networks the first counts.
    pub fn new(mut networks: Vec<(IpNet, T)>) -> Networks<T> {
        networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        Networks { longest_first: networks }
    }

    /// What the smallest network around this address stands for.
    pub fn of(&self, address: IpAddr) -> Option<T> {
        let address = address.to_canonical();
        self.longest_first.iter().find(|(network, _)| network.contains(&address)).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_network_around_an_address_counts() {
        let networks = [("10.0.0.0/8", 1), ("10.4.0.0/16", 2), ("10.4.0.7/32", 3), ("fd00::/8", 4)];
        let networks = Networks::new(networks.map(|(network, n)| (network.parse().unwrap(), n)).into());
        let of = |address: &str| networks.of(address.parse().unwrap());
        assert_eq!(["10.1.1.1", "10.4.0.8", "10.4.0.7", "fd00::1"].map(of), [Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(of("::ffff:10.4.0.7"), Some(3));
        assert_eq!(of("11.0.0.0"), None);
    }
}
