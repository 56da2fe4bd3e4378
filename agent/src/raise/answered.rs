//! What addresses names were lately answered with: for listed names, so that a flow can be tied to a look-up made by
//! another host; for unlisted ones, so that a shared address accuses nobody (decision 21).

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::Equivalent;
use varde_common::id::IndicatorId;
use varde_common::indicator::Indicator;
use varde_common::name::{DomainName, Name};
use varde_common::time::Timestamp;

use super::shared::{Shared, Way};
use crate::limits::{
    ALIAS_FOLLOWED_S, ALIASES_MAX, ANSWER_GRACE_S, ANSWER_TTL_MAX_S, ANSWERED_MAX, ANSWERED_PER_ADDRESS_MAX,
    SHARED_LATELY_S,
};
use crate::table::{Place, Table};

/// A listed name that was answered with an address.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The indicator the name met.
    pub indicator: Arc<Indicator>,
    /// The name, or the CNAME target, as it was seen; of a confidential indicator it is not kept.
    pub observed: Option<DomainName>,
    /// When the answer came.
    since: Timestamp,
    /// Until when a flow to the address may follow from it.
    until: Timestamp,
}

/// A name that meets an indicator, as it was seen; of a confidential indicator it is not kept.
pub type Listed = (Arc<Indicator>, Option<DomainName>);

/// Who was told of an alias, and which.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    client: IpAddr,
    target: DomainName,
}

/// The same, to be looked for without a copy of the name.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    client: IpAddr,
    target: Name<'a>,
}

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.client.hash(state);
        self.target.hash(state);
    }
}

impl Hash for Told {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Asked { client: self.client, target: self.target.as_name() }.hash(state);
    }
}

impl Equivalent<Told> for Asked<'_> {
    fn equivalent(&self, told: &Told) -> bool {
        self.client == told.client && self.target == told.target.as_name()
    }
}

/// A listed name led to an alias and to no address: whoever asked asks for the alias next.
#[derive(Debug, Clone)]
struct Alias {
    listed: Listed,
    since: Timestamp,
}

/// Answers remembered, each kind in a bounded table whose oldest entry goes first.
#[derive(Debug)]
pub struct Answered {
    listed: Table<IpAddr, Vec<Lookup>, 1>,
    /// Look-ups of all addresses.
    lookups: usize,
    shared: Shared,
    aliases: Table<Told, Vec<Alias>, 1>,
    listed_evicted: u64,
    aliases_evicted: u64,
}

const ALIAS_LIFETIME: Duration = Duration::from_secs(ALIAS_FOLLOWED_S);
const LIFETIME_MAX: Duration = Duration::from_secs(ANSWER_TTL_MAX_S + ANSWER_GRACE_S);

/// How long after an answer what it led to may follow from it.
pub(super) fn lifetime(ttl_s: u32) -> Duration {
    Duration::from_secs(u64::from(ttl_s).min(ANSWER_TTL_MAX_S) + ANSWER_GRACE_S)
}

impl Default for Answered {
    fn default() -> Answered {
        Answered {
            listed: Table::new(ANSWERED_MAX),
            lookups: 0,
            shared: Shared::default(),
            aliases: Table::new(ALIASES_MAX),
            listed_evicted: 0,
            aliases_evicted: 0,
        }
    }
}

impl Answered {
    /// Remembers that a listed name was answered with `address` at `now`.
    pub fn remember_listed(
        &mut self,
        address: IpAddr,
        indicator: &Arc<Indicator>,
        observed: Option<&DomainName>,
        ttl_s: u32,
        now: Timestamp,
    ) {
        if !worth_remembering(address) {
            return;
        }
        let until = now.plus(lifetime(ttl_s));
        let hash = self.listed.hash_of(&address);
        if let Some(place) = self.listed.find(hash, &address) {
            self.listed.touch(place, 0, now);
            let Some((_, lookups)) = self.listed.at_mut(place) else { return };
            let before = lookups.len();
            lookups.retain(|lookup| lookup.until >= now);
            self.lookups -= (before - lookups.len()).min(self.lookups);
            if let Some(known) = lookups.iter_mut().find(|lookup| lookup.indicator.id == indicator.id) {
                // By what the list says of it now.
                known.indicator = Arc::clone(indicator);
                known.until = known.until.max(until);
                known.since = known.since.min(now);
                return;
            }
            if lookups.len() >= ANSWERED_PER_ADDRESS_MAX {
                self.listed_evicted += 1;
                return;
            }
        }
        self.make_room();
        let lookup = Lookup { indicator: Arc::clone(indicator), observed: observed.cloned(), since: now, until };
        self.lookups += 1;
        match self.listed.find(hash, &address).and_then(|place| self.listed.at_mut(place)) {
            Some((_, lookups)) => lookups.push(lookup),
            // Nearly always there is but one.
            None => drop(self.listed.insert(hash, address, vec![lookup], 0, now)),
        }
    }

    /// For one more look-up, by letting go the address that was answered with longest ago.
    fn make_room(&mut self) {
        while self.lookups >= ANSWERED_MAX
            && let Some((_, gone)) = self.listed.oldest(0).and_then(|(oldest, _)| self.listed.remove(oldest))
        {
            self.lookups -= gone.len().min(self.lookups);
            self.listed_evicted += gone.len() as u64;
        }
    }

    /// Remembers that an unlisted name was answered with `address` at `now`.
    pub fn remember_unlisted(&mut self, address: IpAddr, ttl_s: u32, now: Timestamp) {
        if worth_remembering(address) {
            let until = now.plus(lifetime(ttl_s).max(Duration::from_secs(SHARED_LATELY_S)));
            self.shared.remember(address, Way::Answer, until, now);
        }
    }

    /// Remembers that a hello or a request to `address` named an unlisted name at `now`.
    pub fn remember_named(&mut self, address: IpAddr, now: Timestamp) {
        self.shared.remember(address, Way::Hello, now.plus(Duration::from_secs(SHARED_LATELY_S)), now);
    }

    /// Remembers that `client` was told at `now` that a listed name is an alias of `target`, and no address.
    pub fn remember_alias(&mut self, client: IpAddr, target: &DomainName, listed: &Listed, now: Timestamp) {
        while let Some((oldest, told)) = self.aliases.oldest(0)
            && (now.since(told) > ALIAS_LIFETIME || self.aliases.is_full())
        {
            self.aliases_evicted += u64::from(now.since(told) <= ALIAS_LIFETIME);
            self.aliases.remove(oldest);
        }
        let alias = Alias { listed: listed.clone(), since: now };
        let asked = Asked { client, target: target.as_name() };
        let hash = self.aliases.hash_of(&asked);
        let Some(place) = self.aliases.find(hash, &asked) else {
            self.aliases.insert(hash, Told { client, target: target.clone() }, vec![alias], 0, now);
            return;
        };
        self.aliases.touch(place, 0, now);
        let Some((_, aliases)) = self.aliases.at_mut(place) else { return };
        aliases.retain(|other| other.listed.0.id != alias.listed.0.id && now.since(other.since) <= ALIAS_LIFETIME);
        if aliases.len() < ANSWERED_PER_ADDRESS_MAX {
            aliases.push(alias);
        } else {
            self.aliases_evicted += 1;
        }
    }

    /// The listed names on whose behalf `client` asks for `name` at `time`.
    pub fn aliases(&self, client: IpAddr, name: Name<'_>, time: Timestamp) -> impl Iterator<Item = &Listed> {
        let asked = Asked { client, target: name };
        // Nearly always there is none at all: then nothing is hashed.
        let place = (self.aliases.len() > 0).then(|| self.aliases.find(self.aliases.hash_of(&asked), &asked)).flatten();
        let aliases = place.and_then(|place| self.aliases.at(place)).map(|(_, aliases)| aliases.as_slice());
        let is_meant = move |alias: &&Alias| alias.since <= time && time.since(alias.since) <= ALIAS_LIFETIME;
        aliases.unwrap_or_default().iter().filter(is_meant).map(|alias| &alias.listed)
    }

    /// The listed names that a flow to `address`, begun at `start`, may follow from.
    pub fn lookups(&self, address: IpAddr, start: Timestamp) -> impl Iterator<Item = &Lookup> {
        let place =
            (self.listed.len() > 0).then(|| self.listed.find(self.listed.hash_of(&address), &address)).flatten();
        let lookups = place.and_then(|place| self.listed.at(place)).map(|(_, lookups)| lookups.as_slice());
        let may_follow = move |lookup: &&Lookup| lookup.since <= start && start <= lookup.until;
        lookups.unwrap_or_default().iter().filter(may_follow)
    }

    /// The clock that answers and flows are timed by said `from`, and says `to` now. What held then holds for as long as
    /// it had left; what had run out stays so, unless it is of a time that is yet to come again.
    pub fn handle_clock_set(&mut self, from: Timestamp, to: Timestamp) {
        let places: Vec<Place> = self.listed.iter().map(|(place, ..)| place).collect();
        for place in places {
            let Some((_, lookups)) = self.listed.at_mut(place) else { continue };
            for lookup in lookups.iter_mut().filter(|lookup| lookup.until >= from) {
                lookup.since = lookup.since.min(to);
                lookup.until = to.plus(lookup.until.since(from));
            }
        }
        self.shared.handle_clock_set(from, to, LIFETIME_MAX);
        // They hold for seconds only.
        self.aliases.clear();
    }

    /// Whether a flow to `address`, begun at `start`, may follow from a look-up that met this indicator.
    pub fn leads_to(&self, address: IpAddr, start: Timestamp, indicator: IndicatorId) -> bool {
        self.lookups(address, start).any(|lookup| lookup.indicator.id == indicator)
    }

    /// Whether an unlisted name lately led to this address too, seen from a flow that began at `start`.
    pub fn is_shared(&self, address: IpAddr, start: Timestamp) -> bool {
        self.shared.contains(address, Way::Answer, start) || self.shared.contains(address, Way::Hello, start)
    }

    /// Whether any name was lately answered with this address, seen from a flow that began at `start`.
    pub fn was_answered(&self, address: IpAddr, start: Timestamp) -> bool {
        self.shared.contains(address, Way::Answer, start) || self.lookups(address, start).next().is_some()
    }

    /// Entries let go because a table was full: of listed names, of shared addresses, of aliases.
    pub fn evicted(&self) -> [u64; 3] {
        [self.listed_evicted, self.shared.evicted(), self.aliases_evicted]
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
        answered.remember_listed(address(1), &indicator(1), Some(&name), 60, now);
        let last = now.plus(SECOND * (60 + ANSWER_GRACE_S as u32));
        let count = |start| answered.lookups(address(1), start).count();
        assert_eq!([count(now), count(last), count(last.plus(SECOND)), count(now.minus(SECOND))], [1, 1, 0, 0]);
        assert_eq!(answered.lookups(address(2), now).count(), 0);
    }

    #[test]
    fn an_alias_is_for_who_was_told_of_it_and_not_for_long() {
        let mut answered = Answered::default();
        let (target, other) = (DomainName::parse("edge.example").unwrap(), DomainName::parse("example").unwrap());
        let listed = (indicator(1), Some(DomainName::parse("evil.no").unwrap()));
        let now = Timestamp(0);
        answered.remember_alias(address(1), &target, &listed, now);
        let last = now.plus(SECOND * ALIAS_FOLLOWED_S as u32);
        let count = |client, name, time| answered.aliases(client, name, time).count();
        assert_eq!(count(address(1), target.as_name(), last), 1);
        assert_eq!(count(address(2), target.as_name(), now), 0, "another host");
        assert_eq!(count(address(1), other.as_name(), now), 0, "another name");
        assert_eq!(count(address(1), target.as_name(), last.plus(SECOND)), 0, "too late");
        assert_eq!(count(address(1), target.as_name(), now.minus(SECOND)), 0, "too early");
        for n in 0..(ALIASES_MAX as u32 + 10) {
            answered.remember_alias(address(n), &target, &listed, now);
        }
        assert_eq!(
            (answered.aliases.len(), answered.evicted()),
            (ALIASES_MAX, [0, 0, 10]),
            "one of them was told of it before"
        );
    }

    #[test]
    fn where_the_clock_was_set_answers_hold_for_as_long_as_they_had_left() {
        let name = DomainName::parse("a.evil.no").unwrap();
        let (wrong, right) = (Timestamp(4_080_000_000_000_000), Timestamp(1_800_000_000_000_000));
        for (from, to) in [(wrong, right), (right, wrong)] {
            let mut answered = Answered::default();
            let day = from.minus(SECOND * 86_400);
            answered.remember_listed(address(1), &indicator(1), Some(&name), 0, from.minus(SECOND * 100));
            answered.remember_listed(address(2), &indicator(1), Some(&name), 0, day);
            answered.remember_unlisted(address(3), 0, from.minus(SECOND * 100));
            answered.remember_unlisted(address(4), 0, day);
            answered.handle_clock_set(from, to);
            let left = ANSWER_GRACE_S as u32 - 100;
            let follows = |n, after| answered.lookups(address(n), to.plus(SECOND * after)).count();
            assert_eq!([follows(1, 0), follows(1, left), follows(1, left + 1), follows(2, 0)], [1, 1, 0, 0]);
            let shared = |n, after| answered.is_shared(address(n), to.plus(SECOND * after));
            let left = SHARED_LATELY_S as u32 - 100;
            assert_eq!([shared(3, 0), shared(3, left), shared(3, left + 2), shared(4, 0)], [true, true, false, false]);
        }
    }

    #[test]
    fn answers_that_stop_a_lookup_are_not_remembered() {
        let mut answered = Answered::default();
        let name = DomainName::parse("a.evil.no").unwrap();
        for dead in ["0.0.0.0", "127.0.0.1", "::", "::1"] {
            let dead: IpAddr = dead.parse().unwrap();
            answered.remember_listed(dead, &indicator(1), Some(&name), 60, Timestamp(0));
            assert_eq!(answered.lookups(dead, Timestamp(0)).count(), 0);
        }
    }

    #[test]
    fn s4_a_flood_of_answers_stays_within_its_tables() {
        let mut answered = Answered::default();
        let name = DomainName::parse("a.evil.no").unwrap();
        for n in 0..(ANSWERED_MAX as u32 + 10) {
            answered.remember_listed(
                address(n),
                &indicator(u64::from(n)),
                Some(&name),
                u32::MAX,
                Timestamp(i64::from(n)),
            );
        }
        for n in 0..(ANSWERED_PER_ADDRESS_MAX as u64 + 3) {
            answered.remember_listed(address(50), &indicator(1000 + n), Some(&name), u32::MAX, Timestamp(1_000_000));
        }
        assert_eq!(answered.lookups, ANSWERED_MAX);
        assert_eq!(answered.listed.iter().map(|(_, _, lookups)| lookups.len()).sum::<usize>(), ANSWERED_MAX);
        assert_eq!(answered.evicted(), [10 + 15 + 4, 0, 0], "to make room, and because an address has its fill");
        let count = |n| answered.lookups(address(n), Timestamp(2_000_000)).count();
        assert_eq!([count(9), count(50)], [0, ANSWERED_PER_ADDRESS_MAX], "the oldest went");
    }
}
