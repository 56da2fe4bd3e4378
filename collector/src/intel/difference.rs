//! What the next list would add, change and remove beside the one in force, and what that would have hit among alerts that are
//! stored: by the matcher that sensors have, so that it says what they would.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use varde_common::id::IndicatorId;
use varde_common::indicator::{Indicator, Pattern, Target};
use varde_common::matcher::{IndicatorSet, Place};

use crate::limits::rollout::DRAFT_HOSTS_MAX;

/// Numbers of indicators, each in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Not in the list in force.
    pub added: Vec<i64>,
    /// In both, and other facts are said of it.
    pub changed: Vec<i64>,
    /// In the list in force alone.
    pub removed: Vec<i64>,
}

/// What of an indicator two lists are compared by: where they say the same it is the same, but for one in 2^64.
fn mark(indicator: &Indicator) -> u64 {
    let octets = varde_common::codec::encode(indicator).unwrap_or_default();
    let hash = blake3::hash(&octets);
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

fn number(id: IndicatorId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

impl Difference {
    /// Between the list in force and the next one.
    pub fn between(in_force: &IndicatorSet, next: &IndicatorSet) -> Difference {
        let mut before: HashMap<IndicatorId, u64> = in_force.indicators().map(|one| (one.id, mark(&one))).collect();
        let mut difference = Difference::default();
        for indicator in next.indicators() {
            match before.remove(&indicator.id) {
                None => difference.added.push(number(indicator.id)),
                Some(was) if was != mark(&indicator) => difference.changed.push(number(indicator.id)),
                Some(_) => {}
            }
        }
        difference.removed = before.into_keys().map(number).collect();
        for numbers in [&mut difference.added, &mut difference.changed, &mut difference.removed] {
            numbers.sort_unstable();
        }
        difference
    }

    /// Whether both lists say the same.
    pub fn is_none(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// A stored alert, as far as it tells what was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Whose.
    pub member: i64,
    /// The host's pseudonym.
    pub client: Option<String>,
    /// About how many hosts it was told of together.
    pub together: u64,
    /// The listed name, address or fingerprint that it met.
    pub pattern: String,
    /// The outside server that it reached.
    pub server: Option<IpAddr>,
    /// And its port.
    pub port: Option<u16>,
}

/// What one indicator would have hit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WouldHit {
    /// Members.
    pub members: BTreeSet<i64>,
    /// Hosts with an alert of their own, by member and pseudonym; at most [`DRAFT_HOSTS_MAX`].
    hosts: HashSet<(i64, String)>,
    together: BTreeMap<i64, u64>,
    /// Alerts.
    pub alerts: u64,
}

impl WouldHit {
    /// Hosts, about: with an alert of their own, or as many as one alert told of together at each member.
    pub fn hosts(&self) -> u64 {
        let mut at: BTreeMap<i64, u64> = BTreeMap::new();
        for (member, _) in &self.hosts {
            *at.entry(*member).or_default() += 1;
        }
        for (member, hosts) in &self.together {
            let held = at.entry(*member).or_default();
            *held = (*held).max(*hosts);
        }
        at.values().sum()
    }
}

/// Stored alerts held against what a draft adds.
#[derive(Debug)]
pub struct Hindsight<'a> {
    next: &'a IndicatorSet,
    added: &'a [i64],
    hits: BTreeMap<i64, WouldHit>,
}

impl<'a> Hindsight<'a> {
    /// Of nothing yet; `added` is in order.
    pub fn new(next: &'a IndicatorSet, added: &'a [i64]) -> Hindsight<'a> {
        Hindsight { next, added, hits: BTreeMap::new() }
    }

    /// Holds one alert against it. It counts once for an indicator, whichever way it meets it.
    pub fn handle_alert(&mut self, met: &Met) {
        let mut found = BTreeSet::new();
        let mut take = |place: Place| {
            let indicator = self.next.indicator(place);
            let fits = indicator.filter(|one| one.pattern.port.is_none() || one.pattern.port == met.port);
            found.extend(fits.map(|one| number(one.id)));
        };
        match met.pattern.parse().map(|pattern: Pattern| pattern.target) {
            Ok(Target::Domain(name) | Target::Host(name)) => self.next.match_name(name.as_name(), &mut take),
            Ok(Target::Address(address)) => self.next.match_address(address, &mut take),
            Ok(Target::Ja4(fingerprint)) => self.next.match_ja4(&fingerprint, &mut take),
            // Of a network it is not known which address was met, but for the server; a hash is no name.
            Ok(Target::Network { .. } | Target::Confidential(_)) | Err(_) => {}
        }
        if let Some(server) = met.server {
            self.next.match_address(server, &mut take);
        }
        for indicator in found.into_iter().filter(|one| self.added.binary_search(one).is_ok()) {
            let hit = self.hits.entry(indicator).or_default();
            hit.members.insert(met.member);
            hit.alerts += 1;
            if let Some(client) = met.client.as_ref().filter(|_| hit.hosts.len() < DRAFT_HOSTS_MAX) {
                hit.hosts.insert((met.member, client.clone()));
            }
            let together = hit.together.entry(met.member).or_default();
            *together = (*together).max(met.together);
        }
    }

    /// What each would have hit; what is not there would have hit nothing.
    pub fn finish(self) -> BTreeMap<i64, WouldHit> {
        self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(list: &[(u64, &str, u8)]) -> IndicatorSet {
        let one = |(id, pattern, confidence): &(u64, &str, u8)| Indicator {
            confidence: *confidence,
            ..Indicator::bare(IndicatorId(*id), pattern.parse().unwrap())
        };
        IndicatorSet::build(list.iter().map(one).collect())
    }

    #[test]
    fn f2_a_draft_names_what_it_adds_changes_and_removes_and_nothing_else() {
        let in_force = set(&[(1, "a.example", 50), (2, "b.example", 50), (3, "192.0.2.1", 50)]);
        let next = set(&[(4, "d.example", 50), (2, "b.example", 90), (3, "192.0.2.1", 50)]);
        let difference = Difference::between(&in_force, &next);
        assert_eq!((difference.added, difference.changed, difference.removed), (vec![4], vec![2], vec![1]));
        assert!(Difference::between(&next, &next).is_none());
        let from_nothing = Difference::between(&IndicatorSet::default(), &in_force);
        assert_eq!(from_nothing.added, [1, 2, 3]);
    }

    #[test]
    fn f2_what_a_draft_would_have_hit_is_what_a_sensor_would_match_by_name_address_and_port() {
        let next = set(&[
            (1, "old.example", 50),
            (5, "evil.example", 50),
            (6, "192.0.2.0/24", 50),
            (7, "192.0.2.9:8443", 50),
            (8, "=evil.example", 50),
            (9, "silent.example", 50),
        ]);
        let added = [5, 6, 7, 8, 9];
        let mut hindsight = Hindsight::new(&next, &added);
        let met = |member, client: &str, pattern: &str| Met {
            member,
            client: Some(client.to_owned()),
            together: 0,
            pattern: pattern.to_owned(),
            server: None,
            port: None,
        };
        let at = |server: &str, port, met: Met| Met { server: server.parse().ok(), port: Some(port), ..met };
        hindsight.handle_alert(&met(1, "H-1", "=c2.evil.example"));
        hindsight.handle_alert(&met(1, "H-1", "c2.evil.example"));
        hindsight.handle_alert(&met(1, "H-2", "evil.example"));
        hindsight.handle_alert(&at("192.0.2.9", 443, met(2, "H-1", "old.example")));
        hindsight.handle_alert(&at("192.0.2.9", 8443, met(3, "H-1", "192.0.2.9")));
        hindsight.handle_alert(&Met { client: None, together: 40, ..met(4, "", "evil.example") });
        hindsight.handle_alert(&met(4, "H-9", "notevil.example"));
        let hits = hindsight.finish();
        let shown: Vec<_> = hits.iter().map(|(id, hit)| (*id, hit.members.len(), hit.hosts(), hit.alerts)).collect();
        assert_eq!(shown, [(5, 2, 42, 4), (6, 2, 2, 2), (7, 1, 1, 1), (8, 2, 41, 2)]);
    }
}
