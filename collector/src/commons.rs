//! Names and addresses that many share who have nothing to do with each other: what lies there links nothing.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use ipnet::IpNet;
use varde_common::name::DomainName;

use crate::intel::lint::{Fixed, List, ListKind, default_lists};

/// What the warninglists that come with the program name, made once: they are compiled in, so nothing is read and nothing can fail.
static COMMONS: LazyLock<Arc<Commons>> = LazyLock::new(|| Arc::new(Commons::of(default_lists())));

/// Names under which, and addresses at which, many live.
#[derive(Debug, Default)]
pub struct Commons {
    names: HashSet<String>,
    networks: HashSet<IpNet>,
    /// Widths that occur among the networks.
    widths: Vec<u8>,
    fixed: Fixed,
}

impl Commons {
    /// By the warninglists that come with the program.
    pub fn known() -> Arc<Commons> {
        Arc::clone(&COMMONS)
    }

    /// By these lists. A part of a name is no name: what such a list has says of nobody that many are there.
    pub fn of(lists: impl IntoIterator<Item = List>) -> Commons {
        let mut commons = Commons::default();
        let names = lists.into_iter().filter(|list| list.kind != ListKind::Substring);
        for entry in names.flat_map(|list| list.entries) {
            match entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => {
                    commons.networks.insert(network.trunc());
                }
                Err(_) => {
                    commons.names.insert(entry.trim_start_matches(['.', '=']).to_ascii_lowercase());
                }
            }
        }
        let widths: HashSet<u8> = commons.networks.iter().map(IpNet::prefix_len).collect();
        commons.widths = widths.into_iter().collect();
        commons.widths.sort_unstable();
        commons
    }

    /// Whether an address is a cloud's, a CDN's, a sinkhole's or otherwise everybody's.
    pub fn holds_address(&self, address: IpAddr) -> bool {
        self.widths
            .iter()
            .any(|&width| IpNet::new(address, width).is_ok_and(|network| self.networks.contains(&network.trunc())))
    }

    /// The registrable domain of a name, where it is one party's own: nothing under a public suffix or shared hosting, and
    /// nothing of what everybody uses.
    pub fn own_domain(&self, name: &DomainName) -> Option<String> {
        let text = name.to_string();
        let domain = psl::domain(text.as_bytes()).filter(|domain| domain.suffix().is_known())?;
        let domain = String::from_utf8(domain.as_bytes().to_vec()).ok()?;
        let mut part = text.as_str();
        loop {
            if self.names.contains(part) {
                return None;
            }
            match part.split_once('.') {
                Some((_, rest)) if rest.len() >= domain.len() => part = rest,
                Some(_) | None => break,
            }
        }
        let is_a_partys = DomainName::parse(&domain).is_ok_and(|domain| self.fixed.is_a_members(&domain));
        is_a_partys.then_some(domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_what_many_share_has_no_owner_and_links_nothing() {
        let commons = Commons::known();
        let own = |name: &str| commons.own_domain(&DomainName::parse(name).unwrap());
        assert_eq!(own("a.b.evil.c2-panel.com"), Some("c2-panel.com".to_owned()));
        assert_eq!(own("a.b.evil.example.com"), None, "among the ten thousand that are asked for most");
        assert_eq!(own("login.c2-panel.no"), Some("c2-panel.no".to_owned()));
        // Whoever has a name of his own there owns that and no more; of the service's own name nobody is the owner.
        assert_ne!(own("x.github.io"), Some("github.io".to_owned()));
        for shared in ["sites.google.com", "drive.google.com", "evil.kommune.no"] {
            assert_ne!(own(shared).as_deref(), Some("google.com"), "{shared}");
            assert_ne!(own(shared).as_deref(), Some("kommune.no"), "{shared}");
        }
        assert!(commons.holds_address("104.16.1.1".parse().unwrap()), "Cloudflare");
        assert!(!commons.holds_address("192.0.2.7".parse().unwrap()));
        assert!(!commons.holds_address("2001:db8::1".parse().unwrap()));
    }
}
