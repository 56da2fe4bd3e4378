//! What must never be published, however good its source: members' own space, and names under which everybody lives.

use std::net::IpAddr;

use ipnet::IpNet;
use varde_common::indicator::{Pattern, Target};
use varde_common::name::DomainName;

/// Why an indicator is held back. One bad line in a feed would otherwise make every municipality an incident.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Harmful {
    /// Lies within addresses that are never a server on the internet.
    #[error("it belongs to {0}, which is used inside every network; leave it out")]
    Within(IpNet),
    /// Covers such addresses.
    #[error("it covers {0}, which is used inside every network; list smaller networks")]
    Covers(IpNet),
    /// A large part of the internet.
    #[error("it is a large part of the internet; list networks of /8 (IPv4) or /16 (IPv6) at the widest")]
    TooWide,
    /// A single label.
    #[error("it is a top-level domain or a name without a dot; name what lies below it")]
    TopLevel,
    /// A suffix under which others register.
    #[error("everything under {0} would match, members' own names too; name what lies below it")]
    OthersLiveBelow(&'static str),
}

/// Space of private and special use, by RFC 6890 and its successors. The documentation networks are not here: exercises
/// and demonstrations use them.
const INSIDE: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// Names under which many who have nothing to do with each other live, the members first. The whole public suffix list
/// comes with the lint.
const SHARED: [&str; 12] = [
    "kommune.no",
    "fylkeskommune.no",
    "fylke.no",
    "herad.no",
    "stat.no",
    "dep.no",
    "mil.no",
    "priv.no",
    "co.uk",
    "in-addr.arpa",
    "ip6.arpa",
    "home.arpa",
];

/// The guard, made once for a whole import.
#[derive(Debug, Clone)]
pub struct Guard {
    inside: Vec<IpNet>,
    shared: Vec<(&'static str, DomainName)>,
}

impl Default for Guard {
    fn default() -> Guard {
        Guard::new()
    }
}

impl Guard {
    /// The built-in guard.
    pub fn new() -> Guard {
        let named = |text: &'static str| DomainName::parse(text).ok().map(|name| (text, name));
        Guard {
            inside: INSIDE.iter().filter_map(|text| text.parse().ok()).collect(),
            shared: SHARED.into_iter().filter_map(named).collect(),
        }
    }

    /// Whether a pattern may be published.
    ///
    /// # Errors
    /// [`Harmful`].
    pub fn check(&self, pattern: &Pattern) -> Result<(), Harmful> {
        match &pattern.target {
            Target::Address(address) => self.check_network(IpNet::from(*address)),
            Target::Network { first, prefix } => {
                let widest = match first {
                    IpAddr::V4(_) => 8,
                    IpAddr::V6(_) => 16,
                };
                // A prefix that is none cannot come out of `Pattern`'s reader; the widest answer is the safe one.
                let network = IpNet::new(*first, *prefix).map_err(|_| Harmful::TooWide)?;
                self.check_network(network)?;
                if *prefix < widest { Err(Harmful::TooWide) } else { Ok(()) }
            }
            Target::Domain(name) | Target::Host(name) => {
                if name.as_name().labels().count() < 2 {
                    return Err(Harmful::TopLevel);
                }
                match self.shared.iter().find(|(_, shared)| shared == name) {
                    Some((text, _)) => Err(Harmful::OthersLiveBelow(text)),
                    None => Ok(()),
                }
            }
            // Which fingerprints half the world shares is not known here, nor what a hash stands for: what is hidden was
            // held against this guard while it could be read.
            Target::Ja4(_) | Target::Confidential(_) => Ok(()),
        }
    }

    fn check_network(&self, network: IpNet) -> Result<(), Harmful> {
        for inside in &self.inside {
            if inside.contains(&network) {
                return Err(Harmful::Within(*inside));
            }
            if network.contains(inside) {
                return Err(Harmful::Covers(*inside));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_space_and_shared_names_are_held_back() {
        let guard = Guard::new();
        assert_eq!((guard.inside.len(), guard.shared.len()), (INSIDE.len(), SHARED.len()));
        for held in [
            "10.1.2.3",
            "10.0.0.0/9",
            "8.0.0.0/6",
            "192.168.7.0/24",
            "192.0.0.0/8",
            "172.31.255.255",
            "127.0.0.1:80",
            "169.254.169.254",
            "100.64.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "0.0.0.0",
            "128.0.0.0/2",
            "64.0.0.0/7",
            "::1",
            "::",
            "fe80::1",
            "fd00::/8",
            "fc00::/6",
            "ff02::fb",
            "8000::/1",
            "2000::/15",
            "no",
            "com",
            "=localhost",
            "no:443",
            "kommune.no",
            "KOMMUNE.no.",
            "co.uk",
        ] {
            let pattern: Pattern = held.parse().unwrap();
            assert!(guard.check(&pattern).is_err(), "{held}");
        }
        for fine in [
            "192.0.2.0/24",
            "192.0.2.7:443",
            "198.51.100.0/24",
            "203.0.113.9",
            "2001:db8::/32",
            "[2001:db8::1]:443",
            "172.32.0.1",
            "11.0.0.0/8",
            "evil.example",
            "=www.evil.test",
            "evil.kommune.no",
            "notkommune.no",
            "a.co.uk",
        ] {
            assert_eq!(guard.check(&fine.parse().unwrap()), Ok(()), "{fine}");
        }
    }
}
