//! Addresses that names are sent to so that they reach nobody: an answer with nothing else was a look-up stopped.

use std::net::IpAddr;

use ipnet::IpNet;
use varde_common::matcher::behind_nat64;
use varde_common::observation::{Answer, AnswerData};

/// What is known to everybody, with its origin and licence.
const KNOWN: &str = include_str!("../../data/sinkholes.txt");

/// Sinkholes and block pages. Asked only about answers and flows that concern a listed name, so a search through all
/// of the hundred is fast enough.
#[derive(Debug, Clone)]
pub struct Sinkholes {
    networks: Vec<IpNet>,
    own: Vec<IpAddr>,
}

impl Sinkholes {
    /// Those known to everybody, and the member's own block pages.
    pub fn new(own: &[IpAddr]) -> Sinkholes {
        Sinkholes {
            networks: lines(KNOWN).filter_map(network).collect(),
            own: own.iter().map(IpAddr::to_canonical).collect(),
        }
    }

    /// Whether who is sent to this address is sent to nobody.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_one =
            |address| self.own.contains(&address) || self.networks.iter().any(|network| network.contains(&address));
        is_one(address) || behind_nat64(address).is_some_and(|behind| is_one(IpAddr::V4(behind)))
    }

    /// Whether these answers stop a look-up: they hold addresses, and only such.
    pub fn stop(&self, answers: &[Answer]) -> bool {
        let mut addresses = answers.iter().filter_map(|answer| match answer.data {
            AnswerData::Address(address) => Some(address),
            AnswerData::Name(_) | AnswerData::Other => None,
        });
        addresses.next().is_some_and(|first| self.contains(first)) && addresses.all(|address| self.contains(address))
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn network(line: &str) -> Option<IpNet> {
    line.parse::<IpNet>().ok().or_else(|| line.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_a_network_that_is_not_half_the_internet() {
        for line in lines(KNOWN) {
            let network = network(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(network, network.trunc(), "{line}");
            let least = if network.addr().is_ipv4() { 22 } else { 128 };
            let is_no_host = line == "0.0.0.0/8" || line == "127.0.0.0/8";
            assert!(is_no_host || network.prefix_len() >= least, "{line}");
        }
        assert!(lines(KNOWN).count() > 50);
    }

    #[test]
    fn only_what_is_listed_or_the_member_s_own_is_one() {
        let own = ["10.1.0.99".parse().unwrap()];
        let sinkholes = Sinkholes::new(&own);
        for (address, is_one) in [
            ("0.0.0.0", true),
            ("::", true),
            ("::1", true),
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.0.99", true),
            ("::ffff:10.1.0.99", true),
            ("64:ff9b::146.112.61.104", true),
            ("64:ff9b::203.0.113.9", false),
            ("10.1.0.98", false),
            ("146.112.61.104", true),
            ("146.112.61.103", false),
            ("184.105.192.7", true),
            ("184.105.192.8", false),
            ("104.21.27.14", false),
            ("172.67.139.94", false),
            ("13.107.246.57", false),
            ("203.0.113.9", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(sinkholes.contains(address.parse().unwrap()), is_one, "{address}");
        }
        assert!(!Sinkholes::new(&[]).contains(own[0]));
    }
}
