//! The warninglists that come with the program, and what each does.

use super::Level;
use super::read::{List, Origin, read};

/// A file, what it does, and whether its names are services that many share.
struct Shipped {
    name: &'static str,
    level: Level,
    is_shared: bool,
    octets: &'static [u8],
}

macro_rules! shipped {
    ($name:literal, $level:ident, $is_shared:literal) => {
        Shipped {
            name: $name,
            level: Level::$level,
            is_shared: $is_shared,
            octets: include_bytes!(concat!("../../../data/warninglists/", $name, ".json")),
        }
    };
}

/// What is in everybody's use is held back. What many share (clouds, CDNs) is told: command servers stand there too. A sinkhole is told:
/// who asks it is infected all the same.
const SHIPPED: [Shipped; 33] = [
    shipped!("norwegian-municipalities", Quarantine, false),
    shipped!("norwegian-services", Quarantine, false),
    shipped!("everyday-services", Quarantine, false),
    shipped!("everyday-networks", Quarantine, false),
    shipped!("microsoft-office365", Quarantine, false),
    shipped!("microsoft-office365-ip", Quarantine, false),
    shipped!("microsoft-win10-connection-endpoints", Quarantine, false),
    shipped!("microsoft", Quarantine, false),
    shipped!("google", Quarantine, false),
    shipped!("crl-hostname", Quarantine, false),
    shipped!("captive-portals", Quarantine, false),
    shipped!("cisco_top10k", Quarantine, false),
    shipped!("moz-top500", Quarantine, false),
    shipped!("bank-website", Quarantine, false),
    shipped!("public-resolvers", Quarantine, false),
    shipped!("public-dns-v6", Quarantine, false),
    shipped!("whats-my-ip", Quarantine, false),
    shipped!("security-provider-blogpost", Quarantine, false),
    shipped!("automated-malware-analysis", Quarantine, false),
    shipped!("microsoft-attack-simulator", Quarantine, false),
    shipped!("shared-hosting", Quarantine, true),
    shipped!("lots-project", Quarantine, true),
    shipped!("url-shortener", Quarantine, true),
    shipped!("link-in-bio", Quarantine, true),
    shipped!("public-ipfs-gateways", Quarantine, true),
    shipped!("cloudflare", Warn, false),
    shipped!("akamai", Warn, false),
    shipped!("fastly", Warn, false),
    shipped!("amazon-aws", Warn, false),
    shipped!("microsoft-azure", Warn, false),
    shipped!("google-gcp", Warn, false),
    shipped!("zscaler", Warn, false),
    shipped!("sinkholes", Annotate, false),
];

fn open(shipped: &Shipped) -> Option<List> {
    let Shipped { name, level, is_shared, octets } = *shipped;
    // A test reads each of them: none is lost here.
    let list = read(octets, name, level).ok()?;
    Some(List { is_shared, origin: Origin::Default, ..list })
}

/// All of them.
pub fn default_lists() -> impl Iterator<Item = List> {
    SHIPPED.iter().filter_map(open)
}

/// The one of that name, where there is one.
pub fn default_list(name: &str) -> Option<List> {
    SHIPPED.iter().find(|shipped| shipped.name == name).and_then(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l3_every_list_that_is_shipped_is_read_whole() {
        let lists: Vec<List> = default_lists().collect();
        assert_eq!(lists.len(), SHIPPED.len());
        for list in &lists {
            assert!(list.unread * 50 <= list.entries.len() as u64, "{}: {} unread", list.name, list.unread);
        }
        let octets: usize = SHIPPED.iter().map(|shipped| shipped.octets.len()).sum();
        assert!(octets < 2 * 1024 * 1024, "{octets}");
    }
}
