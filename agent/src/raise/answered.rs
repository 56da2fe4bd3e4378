//! What addresses names were lately answered with: for listed names, so that a flow can be tied to a look-up made by
//! another host; for unlisted ones, so that a shared address accuses nobody (decision 21).

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use varde_common::indicator::Indicator;
use varde_common::name::DomainName;
use varde_common::time::Timestamp;

use crate::limits::{
    ALIAS_FOLLOWED_S, ALIASES_MAX, ANSWER_GRACE_S, ANSWER_TTL_MAX_S, ANSWERED_MAX, ANSWERED_PER_ADDRESS_MAX,
    SHARED_LATELY_S, SHARED_MAX,
};

/// A listed name that was answered with an address.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The indicator the name met.
    pub indicator: Arc<Indicator>,
    /// The name, or the CNAME target, as it was seen.
    pub observed: DomainName,
    /// When the answer came.
    since: Timestamp,
    /// Until when a flow to the address may follow from it.
    until: Timestamp,
}

/// A name that meets an indicator, as it was seen.
pub type Listed = (Arc<Indicator>, DomainName);

/// A listed name led to an alias and to no address: whoever asked asks for the alias next.
#[derive(Debug, Clone)]
struct Alias {
    client: IpAddr,
    target: DomainName,
    listed: Listed,
    since: Timestamp,
}

/// Answers remembered, each kind in a bounded table whose oldest entry goes first.
#[derive(Debug, Default)]
pub struct Answered {
    listed: HashMap<IpAddr, Vec<Lookup>>,
    listed_order: VecDeque<IpAddr>,
    shared: HashMap<IpAddr, Timestamp>,
    shared_order: VecDeque<IpAddr>,
    /// In order of time; the old ones go as new ones come.
    aliases: VecDeque<Alias>,
    evicted: u64,
}

const ALIAS_LIFETIME: Duration = Duration::from_secs(ALIAS_FOLLOWED_S);

fn lifetime(ttl_s: u32) -> Duration {
    Duration::from_secs(u64::from(ttl_s).min(ANSWER_TTL_MAX_S) + ANSWER_GRACE_S)
}

impl Answered {
    /// Remembers that a listed name was answered with `address` at `now`.
    pub fn remember_listed(
        &mut self,
        address: IpAddr,
        indicator: &Arc<Indicator>,
        observed: &DomainName,
        ttl_s: u32,
        now: Timestamp,
    ) {
        if !worth_remembering(address) {
            return;
        }
        let until = now.plus(lifetime(ttl_s));
        if !self.listed.contains_key(&address) {
            if self.listed.len() >= ANSWERED_MAX
                && let Some(oldest) = self.listed_order.pop_front()
            {
                self.listed.remove(&oldest);
                self.evicted += 1;
            }
            self.listed_order.push_back(address);
        }
        // Nearly always there is but one.
        let lookups = self.listed.entry(address).or_insert_with(|| Vec::with_capacity(1));
        lookups.retain(|lookup| lookup.until >= now);
        if let Some(known) = lookups.iter_mut().find(|lookup| lookup.indicator.id == indicator.id) {
            known.until = known.until.max(until);
            known.since = known.since.min(now);
        } else if lookups.len() < ANSWERED_PER_ADDRESS_MAX {
            lookups.push(Lookup { indicator: Arc::clone(indicator), observed: observed.clone(), since: now, until });
        } else {
            self.evicted += 1;
        }
    }

    /// Remembers that an unlisted name was answered with `address` at `now`.
    pub fn remember_unlisted(&mut self, address: IpAddr, ttl_s: u32, now: Timestamp) {
        if !worth_remembering(address) {
            return;
        }
        let until = now.plus(lifetime(ttl_s).max(Duration::from_secs(SHARED_LATELY_S)));
        if let Some(known) = self.shared.get_mut(&address) {
            *known = until.max(*known);
            return;
        }
        if self.shared.len() >= SHARED_MAX
            && let Some(oldest) = self.shared_order.pop_front()
        {
            self.shared.remove(&oldest);
            self.evicted += 1;
        }
        self.shared_order.push_back(address);
        self.shared.insert(address, until);
    }

    /// Remembers that `client` was told at `now` that a listed name is an alias of `target`, and no address.
    pub fn remember_alias(&mut self, client: IpAddr, target: &DomainName, listed: &Listed, now: Timestamp) {
        while let Some(oldest) = self.aliases.front()
            && (self.aliases.len() >= ALIASES_MAX || now.since(oldest.since) > ALIAS_LIFETIME)
        {
            self.evicted += u64::from(now.since(oldest.since) <= ALIAS_LIFETIME);
            self.aliases.pop_front();
        }
        self.aliases.push_back(Alias { client, target: target.clone(), listed: listed.clone(), since: now });
    }

    /// The listed names on whose behalf `client` asks for `name` at `time`.
    pub fn aliases(&self, client: IpAddr, name: &DomainName, time: Timestamp) -> impl Iterator<Item = &Listed> {
        let is_meant = move |alias: &&Alias| {
            alias.client == client
                && alias.since <= time
                && time.since(alias.since) <= ALIAS_LIFETIME
                && alias.target == *name
        };
        self.aliases.iter().filter(is_meant).map(|alias| &alias.listed)
    }

    /// The listed names that a flow to `address`, begun at `start`, may follow from.
    pub fn lookups(&self, address: IpAddr, start: Timestamp) -> impl Iterator<Item = &Lookup> {
        let lookups = self.listed.get(&address).map(Vec::as_slice).unwrap_or_default();
        lookups.iter().filter(move |lookup| lookup.since <= start && start <= lookup.until)
    }

    /// Whether an unlisted name was lately answered with this address too, seen from a flow that began at `start`.
    pub fn is_shared(&self, address: IpAddr, start: Timestamp) -> bool {
        self.shared.get(&address).is_some_and(|&until| start <= until)
    }

    /// Entries let go because a table was full.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

/// Answers like 0.0.0.0 and 127.0.0.1 stop a look-up; no flow follows from them.
fn worth_remembering(address: IpAddr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::id::IndicatorId;

    fn indicator(id: u64) -> Arc<Indicator> {
        Arc::new(Indicator::bare(IndicatorId(id), "evil.no".parse().unwrap()))
    }

    fn address(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0xc000_0200 + n).into()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_holds_for_its_ttl_and_a_grace() {
        let mut answered = Answered::default();
        let name = DomainName::parse("a.evil.no").unwrap();
        let now = Timestamp(0);
        answered.remember_listed(address(1), &indicator(1), &name, 60, now);
        let last = now.plus(SECOND * (60 + ANSWER_GRACE_S as u32));
        let count = |start| answered.lookups(address(1), start).count();
        assert_eq!([count(now), count(last), count(last.plus(SECOND)), count(now.minus(SECOND))], [1, 1, 0, 0]);
        assert_eq!(answered.lookups(address(2), now).count(), 0);
    }

    #[test]
    fn an_alias_is_for_who_was_told_of_it_and_not_for_long() {
        let mut answered = Answered::default();
        let (target, other) = (DomainName::parse("edge.example").unwrap(), DomainName::parse("example").unwrap());
        let listed = (indicator(1), DomainName::parse("evil.no").unwrap());
        let now = Timestamp(0);
        answered.remember_alias(address(1), &target, &listed, now);
        let last = now.plus(SECOND * ALIAS_FOLLOWED_S as u32);
        let count = |client, name, time| answered.aliases(client, name, time).count();
        assert_eq!(count(address(1), &target, last), 1);
        assert_eq!(count(address(2), &target, now), 0, "another host");
        assert_eq!(count(address(1), &other, now), 0, "another name");
        assert_eq!(count(address(1), &target, last.plus(SECOND)), 0, "too late");
        assert_eq!(count(address(1), &target, now.minus(SECOND)), 0, "too early");
        for n in 0..(ALIASES_MAX as u32 + 10) {
            answered.remember_alias(address(n), &target, &listed, now);
        }
        assert_eq!((answered.aliases.len(), answered.evicted()), (ALIASES_MAX, 11));
    }

    #[test]
    fn answers_that_stop_a_lookup_are_not_remembered() {
        let mut answered = Answered::default();
        let name = DomainName::parse("a.evil.no").unwrap();
        for dead in ["0.0.0.0", "127.0.0.1", "::", "::1"] {
            let dead: IpAddr = dead.parse().unwrap();
            answered.remember_listed(dead, &indicator(1), &name, 60, Timestamp(0));
            assert_eq!(answered.lookups(dead, Timestamp(0)).count(), 0);
        }
    }

    #[test]
    fn s4_a_flood_of_answers_stays_within_its_tables() {
        let mut answered = Answered::default();
        let name = DomainName::parse("a.evil.no").unwrap();
        for n in 0..(SHARED_MAX as u32 + 1000) {
            answered.remember_unlisted(address(n), u32::MAX, Timestamp(i64::from(n)));
        }
        for n in 0..(ANSWERED_MAX as u32 + 10) {
            answered.remember_listed(address(n), &indicator(u64::from(n)), &name, u32::MAX, Timestamp(i64::from(n)));
        }
        assert_eq!(answered.shared.len(), SHARED_MAX);
        assert_eq!(answered.shared_order.len(), SHARED_MAX);
        assert_eq!(answered.listed.len(), ANSWERED_MAX);
        assert_eq!(answered.evicted(), 1010);
        assert!(!answered.is_shared(address(0), Timestamp(0)), "the oldest went");
        assert!(answered.is_shared(address(SHARED_MAX as u32), Timestamp(0)));
    }
}
