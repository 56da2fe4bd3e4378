//! The indicator set: built once, immutable, swapped whole. An observation goes in, the indicators that match come out.

mod names;
mod networks;

use std::net::IpAddr;

use crate::indicator::{Indicator, Pattern, Target};
use crate::ja4::Ja4;
use crate::name::Name;
use names::NameTable;
use networks::NetworkTable;

/// The place of an indicator within its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u32);

/// All a sensor looks for.
#[derive(Debug, Default)]
pub struct IndicatorSet {
    indicators: Vec<Indicator>,
    domains: NameTable,
    hosts: NameTable,
    networks: NetworkTable,
    /// Sorted; there are few.
    fingerprints: Vec<(Ja4, u32)>,
}

impl IndicatorSet {
    /// Builds a set. Two indicators with the same pattern stay two, each with its own id.
    pub fn build(indicators: Vec<Indicator>) -> IndicatorSet {
        let mut set = IndicatorSet { indicators, ..IndicatorSet::default() };
        for (index, indicator) in set.indicators.iter().enumerate() {
            let Ok(index) = u32::try_from(index) else { break };
            match &indicator.pattern.target {
                Target::Domain(name) => set.domains.insert(name.as_name(), index),
                Target::Host(name) => set.hosts.insert(name.as_name(), index),
                Target::Address(address) => set.networks.insert(*address, full_length(*address), index),
                Target::Network { first, prefix } => set.networks.insert(*first, *prefix, index),
                Target::Ja4(fingerprint) => set.fingerprints.push((*fingerprint, index)),
            }
        }
        set.networks.finish();
        set.fingerprints.sort_unstable();
        set
    }

    /// How many indicators it holds.
    pub fn len(&self) -> usize {
        self.indicators.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.indicators.is_empty()
    }

    /// The indicator at a place this set gave out.
    pub fn indicator(&self, place: Place) -> Option<&Indicator> {
        self.indicators.get(place.0 as usize)
    }

    /// All indicators, in the order they were given.
    pub fn indicators(&self) -> &[Indicator] {
        &self.indicators
    }

    /// Tells `found` every indicator that matches `name`: domains that are it or stand above it, and the host that is it.
    /// Validity and port are the caller's to look at.
    pub fn match_name(&self, name: Name<'_>, mut found: impl FnMut(Place)) {
        if !self.hosts.is_empty() {
            self.hosts.find(name, self, |target| matches!(target, Target::Host(_)), &mut found);
        }
        if !self.domains.is_empty() {
            for candidate in name.self_and_parents() {
                self.domains.find(candidate, self, |target| matches!(target, Target::Domain(_)), &mut found);
            }
        }
    }

    /// Tells `found` every indicator that matches `address`: the address itself and each network that holds it.
    /// Validity and port are the caller's to look at.
    pub fn match_address(&self, address: IpAddr, mut found: impl FnMut(Place)) {
        self.networks.find(address.to_canonical(), &mut |index| found(Place(index)));
    }

    /// Tells `found` every indicator that is this fingerprint. Validity is the caller's to look at.
    pub fn match_ja4(&self, fingerprint: &Ja4, mut found: impl FnMut(Place)) {
        let start = self.fingerprints.partition_point(|(there, _)| there < fingerprint);
        let here = self.fingerprints.get(start..).unwrap_or_default();
        here.iter().take_while(|(there, _)| there == fingerprint).for_each(|&(_, index)| found(Place(index)));
    }

    fn name_at(&self, index: u32) -> Option<(&Target, Name<'_>)> {
        match self.indicators.get(index as usize).map(|indicator| &indicator.pattern) {
            Some(Pattern { target: target @ (Target::Domain(name) | Target::Host(name)), .. }) => {
                Some((target, name.as_name()))
            }
            Some(_) | None => None,
        }
    }
}

fn full_length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IndicatorId;
    use crate::name::DomainName;
    use proptest::prelude::*;

    fn set(list: &[&str]) -> IndicatorSet {
        let indicators = list.iter().enumerate();
        IndicatorSet::build(
            indicators.map(|(n, p)| Indicator::bare(IndicatorId(n as u64), p.parse().unwrap())).collect(),
        )
    }

    fn names(set: &IndicatorSet, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        let name = DomainName::parse(name).unwrap();
        set.match_name(name.as_name(), |place| found.push(set.indicator(place).unwrap().pattern.to_plain()));
        found.sort();
        found
    }

    fn addresses(set: &IndicatorSet, address: &str) -> Vec<String> {
        let mut found = Vec::new();
        set.match_address(address.parse().unwrap(), |place| {
            found.push(set.indicator(place).unwrap().pattern.to_plain())
        });
        found.sort();
        found
    }

    #[test]
    fn domains_match_below_hosts_do_not_lookalikes_never() {
        let set = set(&["evil.no", "=www.evil.no", "deep.evil.no", "evil.no:8443"]);
        assert_eq!(names(&set, "EVIL.no"), ["evil.no", "evil.no:8443"]);
        assert_eq!(names(&set, "www.evil.no"), ["=www.evil.no", "evil.no", "evil.no:8443"]);
        assert_eq!(names(&set, "a.www.evil.no"), ["evil.no", "evil.no:8443"]);
        assert_eq!(names(&set, "a.deep.evil.no"), ["deep.evil.no", "evil.no", "evil.no:8443"]);
        for other in ["notevil.no", "evil.no.com", "vil.no", "no", "evil.com", "evil\\046no"] {
            assert!(names(&set, other).is_empty(), "{other}");
        }
    }

    #[test]
    fn networks_end_where_they_end() {
        let set = set(&["192.0.2.128/25", "192.0.2.200", "192.0.2.0/24", "2001:db8::/32", "2001:db8::1", "10.0.0.0/8"]);
        assert_eq!(addresses(&set, "192.0.2.127"), ["192.0.2.0/24"]);
        assert_eq!(addresses(&set, "192.0.2.200"), ["192.0.2.0/24", "192.0.2.128/25", "192.0.2.200"]);
        assert_eq!(addresses(&set, "::ffff:192.0.2.1"), ["192.0.2.0/24"]);
        assert!(addresses(&set, "192.0.3.0").is_empty());
        assert!(addresses(&set, "192.0.1.255").is_empty());
        assert_eq!(addresses(&set, "2001:db8::1"), ["2001:db8::/32", "2001:db8::1"]);
        assert!(addresses(&set, "2001:db9::").is_empty());
        assert!(addresses(&set, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff").is_empty());
    }

    proptest! {
        #[test]
        fn agrees_with_asking_every_indicator(
            list in prop::collection::vec("(=?[ab]\\.[ab](\\.[ab])?)|(10\\.0\\.[0-3]\\.[0-3](/(2[0-9]|30|31))?)", 0..40),
            asked in prop::collection::vec("[ab](\\.[ab]){1,3}", 20),
            hosts in prop::collection::vec((0u8..4, 0u8..4), 20),
        ) {
            let list: Vec<&str> = list.iter().map(String::as_str).collect();
            let set = set(&list);
            for name in &asked {
                let mut slow: Vec<String> = set.indicators().iter().filter(|i| match &i.pattern.target {
                    Target::Domain(d) => name == &d.to_string() || name.ends_with(&format!(".{d}")),
                    Target::Host(h) => name == &h.to_string(),
                    Target::Address(_) | Target::Network { .. } | Target::Ja4(_) => false,
                }).map(|i| i.pattern.to_plain()).collect();
                slow.sort();
                prop_assert_eq!(names(&set, name), slow);
            }
            for (c, d) in hosts {
                let address: IpAddr = std::net::Ipv4Addr::new(10, 0, c, d).into();
                let mut slow: Vec<String> = set.indicators().iter().filter(|i| match &i.pattern.target {
                    Target::Address(a) => *a == address,
                    target => target.network().is_some_and(|n| n.contains(&address)),
                }).map(|i| i.pattern.to_plain()).collect();
                slow.sort();
                prop_assert_eq!(addresses(&set, &address.to_string()), slow);
            }
        }
    }
}
