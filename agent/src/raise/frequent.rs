//! Which indicators match so often that they say nothing any more: a bad row of a list (a resolver's address, a name that everybody
//! uses) meets every host within minutes, and nobody believes the alert after it. Such a one is demoted: its matches are counted
//! from then on, as if it were braked. Weighed is what hosts of ours do ([`Fold::weigh`](super::fold::Fold)): what comes in from
//! outside is as much as somebody outside likes.
//!
//! It is told again once the list says something else of it, once a day has passed, and where the brake's order has named it: then
//! whoever ordered that has seen it, and the sensor leaves it alone for a day.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::time::Timestamp;

use super::braked::Braking;
use super::crowd::Crowd;
use crate::keyed::RandomState;
use crate::limits::{
    FREQUENT_HELD_S, FREQUENT_HOSTS_LEAST, FREQUENT_KEPT_MAX, FREQUENT_MATCHES_A_MINUTE, FREQUENT_TOLD_MAX,
    FREQUENT_WITHIN_S,
};

/// An indicator, and whether it is part of an exercise.
pub type Named = (IndicatorId, bool);

/// What was met before it was demoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// Hosts, about.
    pub hosts: u64,
    /// Matches.
    pub matches: u64,
    /// Within so long, seconds.
    pub within_s: u64,
}

/// That an indicator is counted only from now on, or is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demotion {
    /// Which, and whether it is part of an exercise.
    pub named: Named,
    /// The list that has it.
    pub revision: Revision,
    /// What it met; none = it is told again.
    pub too_often: Option<TooOften>,
}

/// What follows from a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighed {
    /// Nothing has changed.
    AsBefore,
    /// It is demoted from this match on.
    Demoted(TooOften),
    /// It is told again from this match on.
    ToldAgain,
}

/// One match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matched {
    /// Whose, where it is one's.
    pub(super) host: Option<IpAddr>,
    /// It is one of its own, and not more of what counted before: that counts where it is the first of a host.
    pub(super) counts: bool,
}

/// What is known of one that is not demoted.
#[derive(Debug, Default)]
struct Watch {
    since: Timestamp,
    crowd: Crowd,
    matches: u64,
    minute: Timestamp,
    in_minute: u64,
}

#[derive(Debug)]
enum State {
    Watched(Box<Watch>),
    /// Since then, being this; so many hosts were told by name in spite of it.
    Demoted {
        since: Timestamp,
        was: Arc<Indicator>,
        told: u64,
    },
    /// By the word of an order; since the first match behind it.
    Spared(Option<Timestamp>),
}

/// All that match.
#[derive(Debug, Default)]
pub struct Frequent {
    /// More hosts than this within an hour are too many; none = nothing is ever demoted.
    hosts: Option<u64>,
    /// At most [`FREQUENT_KEPT_MAX`].
    known: HashMap<Named, State, RandomState>,
}

fn passed(since: Timestamp, now: Timestamp, seconds: u64) -> bool {
    // A clock that was set back begins anew.
    now < since || now.since(since) >= Duration::from_secs(seconds)
}

fn named(indicator: &Indicator) -> Named {
    (indicator.id, indicator.marks.exercise)
}

impl Frequent {
    /// With the most hosts that one may meet within an hour; none = nothing is ever demoted.
    pub fn new(hosts: Option<u64>) -> Frequent {
        Frequent { hosts, known: HashMap::default() }
    }

    /// A match.
    pub(super) fn handle(
        &mut self,
        indicator: &Arc<Indicator>,
        matched: Matched,
        now: Timestamp,
        hash: &RandomState,
    ) -> Weighed {
        let Some(hosts_max) = self.hosts else { return Weighed::AsBefore };
        let name = named(indicator);
        if !self.known.contains_key(&name) {
            self.make_room();
        }
        let fresh = || State::Watched(Box::new(Watch { since: now, minute: now, ..Watch::default() }));
        let state = self.known.entry(name).or_insert_with(fresh);
        match state {
            State::Watched(watch) => match watch.take(matched, hosts_max, now, hash) {
                Some(too_often) => {
                    *state = State::Demoted { since: now, was: Arc::clone(indicator), told: 0 };
                    Weighed::Demoted(too_often)
                }
                None => Weighed::AsBefore,
            },
            State::Demoted { since, was, told: _ } => {
                if **was == **indicator && !passed(*since, now, FREQUENT_HELD_S) {
                    return Weighed::AsBefore;
                }
                *state = fresh();
                Weighed::ToldAgain
            }
            State::Spared(since) => {
                let since = *since.get_or_insert(now);
                if passed(since, now, FREQUENT_HELD_S) {
                    *state = fresh();
                }
                Weighed::AsBefore
            }
        }
    }

    /// Whether one more host that gets through to what is demoted is told by name.
    pub(super) fn may_tell(&mut self, indicator: &Indicator) -> bool {
        match self.known.get_mut(&named(indicator)) {
            Some(State::Demoted { told, .. }) if *told < FREQUENT_TOLD_MAX => {
                *told += 1;
                true
            }
            Some(State::Demoted { .. } | State::Watched(_) | State::Spared(_)) | None => false,
        }
    }

    /// An order of the brake: of what it names it decides, and not the sensor.
    pub fn handle_braking(&mut self, braking: &Braking) {
        if self.hosts.is_none() {
            return;
        }
        for name in &braking.indicators {
            self.make_room();
            self.known.insert(*name, State::Spared(None));
        }
    }

    /// The table is full: one that is only watched goes, the one that has been longest; else any.
    fn make_room(&mut self) {
        if self.known.len() < FREQUENT_KEPT_MAX {
            return;
        }
        let age = |state: &State| match state {
            State::Watched(watch) => (0, watch.since),
            State::Spared(since) => (1, since.unwrap_or(Timestamp::MAX)),
            State::Demoted { since, .. } => (2, *since),
        };
        let oldest = self.known.iter().min_by_key(|(_, state)| age(state)).map(|(name, _)| *name);
        oldest.map(|name| self.known.remove(&name));
    }
}

impl Watch {
    fn take(&mut self, matched: Matched, hosts_max: u64, now: Timestamp, hash: &RandomState) -> Option<TooOften> {
        if passed(self.since, now, FREQUENT_WITHIN_S) {
            *self = Watch { since: now, minute: now, ..Watch::default() };
        }
        if passed(self.minute, now, 60) {
            (self.minute, self.in_minute) = (now, 0);
        }
        let is_new = matched.host.is_some_and(|host| self.crowd.insert(host, hash));
        let counts = u64::from(matched.counts || is_new);
        self.matches = self.matches.saturating_add(counts);
        self.in_minute = self.in_minute.saturating_add(counts);
        let is_fast = self.in_minute > FREQUENT_MATCHES_A_MINUTE;
        if !is_new && !is_fast {
            return None;
        }
        let hosts = self.crowd.estimate();
        let too_often = hosts > hosts_max || (is_fast && hosts >= FREQUENT_HOSTS_LEAST);
        too_often.then(|| TooOften { hosts, matches: self.matches, within_s: now.since(self.since).as_secs() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_800_000_000_000_000);

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn host(n: u32) -> Matched {
        Matched { host: Some(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into()), counts: true }
    }

    fn listed(confidence: u8) -> Arc<Indicator> {
        Arc::new(Indicator { confidence, ..Indicator::bare(IndicatorId(1), "8.8.8.8".parse().unwrap()) })
    }

    /// The first match by which it is demoted, of so many hosts in turn, one each `apart_ms`.
    fn demoted_at(hosts: u32, matches: u32, apart_ms: u64) -> Option<u32> {
        let (mut frequent, hash, listed) = (Frequent::new(Some(256)), RandomState::default(), listed(50));
        (0..matches).find(|n| {
            let now = START.plus(Duration::from_millis(u64::from(*n) * apart_ms));
            matches!(frequent.handle(&listed, host(n % hosts), now, &hash), Weighed::Demoted(_))
        })
    }

    #[test]
    fn t10_too_many_hosts_within_an_hour_or_too_many_matches_within_a_minute_demote_and_no_fewer_do() {
        // The number of hosts is known about.
        assert!(demoted_at(1_000, 1_000, 10_000).is_some_and(|n| (245..=265).contains(&n)));
        assert_eq!(demoted_at(200, 5_000, 1_000), None, "200 hosts, again and again");
        assert_eq!(demoted_at(1_000, 1_000, 20_000), None, "180 an hour");
        assert_eq!(demoted_at(40, 5_000, 50), Some(1_000), "by forty hosts, 1,200 a minute");
        assert_eq!(demoted_at(40, 5_000, 70), None, "850 a minute");
        assert_eq!(demoted_at(1, 100_000, 1), None, "one host that is busy is one alert");
        let mut never = Frequent::new(None);
        let hash = RandomState::default();
        assert!((0..9_000).all(|n| never.handle(&listed(50), host(n), START, &hash) == Weighed::AsBefore));
    }

    #[test]
    fn t10_it_is_told_again_when_the_list_says_otherwise_after_a_day_and_by_the_word_of_an_order() {
        let hash = RandomState::default();
        let demoted = || {
            let mut frequent = Frequent::new(Some(10));
            let last = (0..20).find(|n| frequent.handle(&listed(50), host(*n), at(0), &hash) != Weighed::AsBefore);
            assert!(last.is_some());
            frequent
        };
        let mut by_list = demoted();
        assert_eq!(by_list.handle(&listed(50), host(1), at(9), &hash), Weighed::AsBefore, "as it was");
        assert_eq!(by_list.handle(&listed(90), host(1), at(9), &hash), Weighed::ToldAgain);
        let mut by_time = demoted();
        assert_eq!(by_time.handle(&listed(50), host(1), at(FREQUENT_HELD_S - 1), &hash), Weighed::AsBefore);
        assert_eq!(by_time.handle(&listed(50), host(1), at(FREQUENT_HELD_S), &hash), Weighed::ToldAgain);
        let mut by_order = demoted();
        by_order.handle_braking(&Braking { order: 1, indicators: [(IndicatorId(1), false)].into() });
        for n in 0..200 {
            assert_eq!(by_order.handle(&listed(50), host(n), at(10), &hash), Weighed::AsBefore, "left alone");
        }
        let later = (0..200)
            .find(|n| by_order.handle(&listed(50), host(*n), at(10 + FREQUENT_HELD_S), &hash) != Weighed::AsBefore);
        assert!(later.is_some(), "for a day");
    }

    #[test]
    fn t10_a_full_table_forgets_what_is_only_watched_first() {
        let (mut frequent, hash) = (Frequent::new(Some(3)), RandomState::default());
        let one = |id: u64| Arc::new(Indicator::bare(IndicatorId(id), "evil.no".parse().unwrap()));
        for n in 0..9 {
            frequent.handle(&one(0), host(n), at(0), &hash);
        }
        for id in 1..=(2 * FREQUENT_KEPT_MAX as u64) {
            frequent.handle(&one(id), host(1), at(id), &hash);
        }
        assert_eq!(frequent.known.len(), FREQUENT_KEPT_MAX);
        assert!(matches!(frequent.known.get(&(IndicatorId(0), false)), Some(State::Demoted { .. })));
    }
}
