//! Settings read anew while the agent runs: what differs, and which of it can be taken up without a new start.

use super::Settings;

/// What differs between two sets of settings, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Taken up at once.
    pub live: Vec<&'static str>,
    /// Counts from the next start on.
    pub at_restart: Vec<&'static str>,
}

impl Changes {
    /// From what is in force to what was read.
    pub fn between(old: &Settings, new: &Settings) -> Changes {
        let mut changes = Changes::default();
        // Every field is named, so that a new one cannot be forgotten here.
        let Settings {
            collector,
            fallback,
            proxy,
            proxy_credentials,
            quic_again_s,
            interfaces,
            inside,
            resolvers,
            dns_ports,
            sinkholes,
            data_out_octets,
            frequent_hosts,
            capture_backend,
            capture_ring_mib,
            capture_fanout,
            spool_max_mib,
            spool_max_days,
            metrics,
            sites,
            zones,
        } = old;
        // What the sensor's stages and the spool are told. Which sites there are is said at the beginning of a session; where
        // they lie is not.
        let same_sites = old.site_ids() == new.site_ids();
        for (differs, key) in [
            (*inside != new.inside, "inside"),
            (*resolvers != new.resolvers, "resolvers"),
            (*sinkholes != new.sinkholes, "sinkholes"),
            (*data_out_octets != new.data_out_octets, "data_out_octets"),
            (*frequent_hosts != new.frequent_hosts, "frequent_hosts"),
            (*spool_max_mib != new.spool_max_mib, "spool_max_mib"),
            (*spool_max_days != new.spool_max_days, "spool_max_days"),
            (*sites != new.sites && same_sites, "site"),
            (*zones != new.zones, "zone"),
        ] {
            changes.live.extend(differs.then_some(key));
        }
        // Interfaces and sockets are opened with rights that are given up then; their filter holds the ports; the way to the collector is
        // made ready before the first session.
        for (differs, key) in [
            (*collector != new.collector, "collector"),
            (*fallback != new.fallback, "fallback"),
            (*proxy != new.proxy, "proxy"),
            (*proxy_credentials != new.proxy_credentials, "proxy_credentials"),
            (*quic_again_s != new.quic_again_s, "quic_again_s"),
            (*interfaces != new.interfaces, "interfaces"),
            (*dns_ports != new.dns_ports, "dns_ports"),
            (*capture_backend != new.capture_backend, "capture_backend"),
            (*capture_ring_mib != new.capture_ring_mib, "capture_ring_mib"),
            (*capture_fanout != new.capture_fanout, "capture_fanout"),
            (*metrics != new.metrics, "metrics"),
            (!same_sites, "site"),
        ] {
            changes.at_restart.extend(differs.then_some(key));
        }
        changes
    }

    /// Settings as they are in force from now on: the new ones, and of what needs a new start the old ones.
    pub fn in_force(old: &Settings, new: &Settings) -> Settings {
        let same_sites = old.site_ids() == new.site_ids();
        Settings {
            inside: new.inside.clone(),
            resolvers: new.resolvers.clone(),
            sinkholes: new.sinkholes.clone(),
            data_out_octets: new.data_out_octets,
            frequent_hosts: new.frequent_hosts,
            spool_max_mib: new.spool_max_mib,
            spool_max_days: new.spool_max_days,
            sites: if same_sites { new.sites.clone() } else { old.sites.clone() },
            zones: new.zones.clone(),
            ..old.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::layers;

    const ONE: &str = include_str!("../../../packaging/agent.toml");

    /// The packaged file with every example in force.
    fn every_key() -> Settings {
        let shown = ONE.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        });
        Settings::read(&shown.collect::<String>(), "agent.toml").unwrap()
    }

    #[test]
    fn every_key_is_taken_up_at_once_or_at_the_next_start_and_never_both() {
        let (old, new) = (Settings::default(), every_key());
        let Changes { live, at_restart } = Changes::between(&old, &new);
        // The example of `capture_backend` is the default, and one site more is one for the next start.
        let mut told: Vec<&str> = live.iter().chain(&at_restart).copied().chain(["capture_backend"]).collect();
        told.sort_unstable();
        let mut all: Vec<&str> = layers::keys().collect();
        all.sort_unstable();
        assert_eq!(told, all);
        assert_eq!(Changes::between(&new, &new), Changes::default());
    }

    #[test]
    fn what_needs_a_new_start_stays_as_it_was() {
        let (old, new) = (Settings::default(), every_key());
        let in_force = Changes::in_force(&old, &new);
        assert_eq!(Changes::between(&old, &in_force).at_restart, Vec::<&str>::new());
        let left = Changes::between(&in_force, &new);
        assert_eq!((left.live, left.at_restart), (Vec::new(), Changes::between(&old, &new).at_restart));
        // A site that is elsewhere is the same site.
        let mut moved = new.clone();
        moved.sites[0].networks.clear();
        let Changes { live, at_restart } = Changes::between(&new, &moved);
        assert_eq!((live, at_restart), (vec!["site"], Vec::new()));
        assert_eq!(Changes::in_force(&new, &moved), moved);
    }
}
