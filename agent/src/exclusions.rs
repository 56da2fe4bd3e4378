//! How much the member's settings leave out of what is looked at, as sizes and a keyed digest: what the collector is told of them.

use ipnet::IpNet;
use varde_common::sight::Exclusions;

use crate::pseudonym::SiteKey;
use crate::sensor::SensorSettings;

/// What is said of these settings. `sources`: names of all that is watched; `shares`: whether other processes get a part of it.
pub fn exclusions(settings: &SensorSettings, sources: &[&str], shares: bool, key: &SiteKey) -> Exclusions {
    let (mut inside_v4, mut inside_v6) = (0u64, 0u64);
    let inside = IpNet::aggregate(&settings.inside);
    for network in &inside {
        match network {
            IpNet::V4(network) => inside_v4 = inside_v4.saturating_add(1 << (32 - network.prefix_len().min(32))),
            // One that is longer than 64 bits counts as one of 64.
            IpNet::V6(network) => {
                let networks = 1u64.checked_shl(u32::from(64 - network.prefix_len().min(64))).unwrap_or(u64::MAX);
                inside_v6 = inside_v6.saturating_add(networks);
            }
        }
    }
    let resolvers = settings.resolvers.as_deref().unwrap_or_default();
    let mut ports = settings.dns_ports.clone();
    ports.sort_unstable();
    ports.dedup();
    let many = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Exclusions {
        sources: u16::try_from(sources.len()).unwrap_or(u16::MAX),
        shares,
        inside_v4,
        inside_v6,
        resolvers: many(resolvers.len()),
        sinkholes: many(settings.sinkholes.len()),
        dns_ports: u16::try_from(ports.len()).unwrap_or(u16::MAX),
        data_out_octets: settings.data_out_octets,
        frequent_hosts: settings.frequent_hosts.unwrap_or(0),
        digest: key.digest(&canonical(settings, &inside, &ports, sources)),
    }
}

/// The settings as text: in whichever order they were written, they are the same.
fn canonical(settings: &SensorSettings, inside: &[IpNet], ports: &[u16], sources: &[&str]) -> String {
    let sorted = |mut all: Vec<String>| {
        all.sort_unstable();
        all.join(" ")
    };
    let addresses = |all: &[std::net::IpAddr]| sorted(all.iter().map(ToString::to_string).collect());
    [
        sorted(sources.iter().map(|name| (*name).to_owned()).collect()),
        sorted(inside.iter().map(ToString::to_string).collect()),
        addresses(settings.resolvers.as_deref().unwrap_or_default()),
        addresses(&settings.sinkholes),
        sorted(ports.iter().map(ToString::to_string).collect()),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn of(text: &str, key: u8) -> Exclusions {
        let settings = Settings::read(text, "agent.toml").unwrap().sensor();
        exclusions(&settings, &["ens19"], false, &SiteKey::new([key; 32]))
    }

    #[test]
    fn t7_what_is_told_of_settings_is_how_much_they_leave_out_and_no_address() {
        let usual = of("", 7);
        assert_eq!(
            Exclusions { digest: 0, ..usual },
            Exclusions {
                sources: 1,
                shares: false,
                inside_v4: (1 << 24) + (1 << 20) + (1 << 16) + (1 << 22) + (1 << 16),
                inside_v6: (1 << 57) + (1 << 54),
                resolvers: 0,
                sinkholes: 0,
                dns_ports: 1,
                data_out_octets: 1 << 20,
                frequent_hosts: 256,
                digest: 0,
            }
        );
        let set = of(
            "inside = [\"10.0.0.0/8\", \"10.1.0.0/16\", \"::/0\", \"0.0.0.0/0\"]\nresolvers = [\"10.1.0.53\"]\n\
             sinkholes = [\"10.1.0.99\", \"10.1.0.98\"]\ndns_ports = [53, 5353, 53]\nfrequent_hosts = 0\n",
            7,
        );
        assert_eq!((set.inside_v4, set.inside_v6), (1 << 32, u64::MAX), "each address once");
        assert_eq!((set.resolvers, set.sinkholes, set.dns_ports, set.frequent_hosts), (1, 2, 2, 0));
        assert!(set.has_grown_since(&usual) && !usual.has_grown_since(&usual));
    }

    #[test]
    fn t7_the_digest_tells_others_from_the_same_whatever_their_order_and_nothing_to_who_has_no_key() {
        let one = of("sinkholes = [\"10.1.0.99\", \"10.1.0.98\"]\n", 7);
        assert_eq!(of("sinkholes = [\"10.1.0.98\", \"10.1.0.99\"]\n", 7), one);
        assert_ne!(of("sinkholes = [\"10.1.0.98\", \"10.1.0.97\"]\n", 7).digest, one.digest);
        assert_ne!(of("sinkholes = [\"10.1.0.99\", \"10.1.0.98\"]\n", 8).digest, one.digest);
        // Zones weigh and leave nothing out.
        let zone = "sinkholes = [\"10.1.0.99\", \"10.1.0.98\"]\n[[zone]]\nid = 1\nnetworks = [\"10.1.0.0/24\"]\n";
        assert_eq!(of(zone, 7), one);
    }
}
