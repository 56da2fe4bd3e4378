//! Which indicators so many hosts of a site meet that no single one says anything: a bad row of a list (a resolver's address, a name
//! that everybody uses) meets every host within minutes, and nobody believes the alert after it. Such a one is demoted there: further
//! hosts are told together ([`super::fold`]). What comes in from outside demotes nothing, for that is as much as somebody outside likes.
//!
//! It ends after a day, once the list says something else of it, and where an order of the brake names it: then whoever ordered that
//! has seen it, and the sensor leaves it alone for a day.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use varde_common::alert::Evidence;
use varde_common::id::{IndicatorId, Revision, SiteId};
use varde_common::indicator::Indicator;
use varde_common::time::Timestamp;

use super::braked::Braking;
use super::storm::Group;
use crate::keyed::RandomState;
use crate::limits::{FREQUENT_HELD_S, FREQUENT_KEPT_MAX, FREQUENT_TOLD_MAX};

/// An indicator, and whether it is part of an exercise.
type Named = (IndicatorId, bool);

/// What was met before it was demoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TooOften {
    /// Hosts, about.
    pub hosts: u64,
    /// Matches of them.
    pub matches: u64,
    /// Within so long, seconds.
    pub within_s: u64,
}

/// That hosts are told together from now on, or one by one again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demotion {
    /// Of which indicator, at which site.
    pub group: Group,
    /// The list that has it.
    pub revision: Revision,
    /// What it met; none = its hosts are told one by one again.
    pub too_often: Option<TooOften>,
}

/// One that is demoted, for whoever looks at the sensor.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DemotedIndicator {
    /// At which of the member's sites.
    pub site: SiteId,
    /// Which.
    pub indicator: IndicatorId,
    /// Whether it is part of an exercise.
    pub exercise: bool,
    /// Since when.
    pub since: Timestamp,
    /// What it had met by then.
    #[serde(flatten)]
    pub too_often: TooOften,
}

/// What is known of one that is demoted.
#[derive(Debug)]
struct Demoted {
    since: Timestamp,
    was: Arc<Indicator>,
    revision: Revision,
    too_often: TooOften,
    /// Hosts that got through and were told by name all the same.
    contacts_told: u64,
    /// And such of which data went out.
    data_out_told: u64,
    /// Hosts that had an alert of their own which has closed; no more than may have one.
    named: HashSet<IpAddr>,
}

impl Demoted {
    fn told_again(&self, group: Group) -> Demotion {
        Demotion { group, revision: self.revision, too_often: None }
    }
}

/// All that are demoted.
#[derive(Debug, Default)]
pub struct Frequent {
    hosts_max: Option<u64>,
    /// Outbound all of them. At most [`FREQUENT_KEPT_MAX`].
    demoted: HashMap<Group, Demoted, RandomState>,
    /// By the word of an order, since the first match behind it. At most [`FREQUENT_KEPT_MAX`].
    spared: HashMap<Named, Option<Timestamp>, RandomState>,
    /// When the first of them has been demoted for a day.
    next_over: Option<Timestamp>,
    no_room: u64,
}

fn passed(since: Timestamp, now: Timestamp) -> bool {
    // A clock that was set back begins anew.
    now < since || now.since(since) >= Duration::from_secs(FREQUENT_HELD_S)
}

/// Whether a list says something else of it than that it holds for longer: that is what its being met brings about.
fn is_said_else(was: &Indicator, is: &Indicator) -> bool {
    *was != *is && Indicator { validity: was.validity, ..is.clone() } != *was
}

fn take_one(told: &mut u64) -> bool {
    let may = *told < FREQUENT_TOLD_MAX;
    *told += u64::from(may);
    may
}

impl Frequent {
    /// With the most hosts of a site that one may meet within an hour; none = nothing is ever demoted.
    pub fn new(hosts_max: Option<u64>) -> Frequent {
        Frequent { hosts_max, ..Frequent::default() }
    }

    /// Another number counts from now on; what is demoted stays so until its time is over.
    pub(super) fn handle_hosts_max(&mut self, hosts_max: Option<u64>) {
        self.hosts_max = hosts_max;
    }

    /// The most hosts that may meet this indicator, where there is such a number.
    pub(super) fn hosts_max(&mut self, indicator: &Indicator, now: Timestamp) -> Option<u64> {
        let named = (indicator.id, indicator.marks.exercise);
        if let Some(since) = self.spared.get_mut(&named) {
            if !passed(*since.get_or_insert(now), now) {
                return None;
            }
            self.spared.remove(&named);
        }
        self.hosts_max
    }

    /// It has met one host too many; none where there is no room for one more: then its hosts are told one by one.
    pub(super) fn demote(
        &mut self,
        group: Group,
        indicator: &Arc<Indicator>,
        revision: Revision,
        too_often: TooOften,
        now: Timestamp,
    ) -> Option<Demotion> {
        if self.demoted.len() >= FREQUENT_KEPT_MAX {
            self.no_room = self.no_room.saturating_add(1);
            return None;
        }
        let demoted = Demoted {
            since: now,
            was: Arc::clone(indicator),
            revision,
            too_often,
            contacts_told: 0,
            data_out_told: 0,
            named: HashSet::new(),
        };
        self.demoted.insert(group, demoted);
        self.set_next_over();
        Some(Demotion { group, revision, too_often: Some(too_often) })
    }

    /// Whether hosts of this group are told together.
    pub(super) fn is_demoted(&self, group: &Group) -> bool {
        !self.demoted.is_empty() && self.demoted.contains_key(group)
    }

    /// Whether a host that has got so far is told by name all the same.
    pub(super) fn may_tell(&mut self, group: &Group, evidence: Evidence) -> bool {
        let Some(demoted) = self.demoted.get_mut(group) else { return false };
        (evidence >= Evidence::DataOut && take_one(&mut demoted.data_out_told))
            || (evidence >= Evidence::Contacted && take_one(&mut demoted.contacts_told))
    }

    /// The alert of a host was closed, being quiet or a day old: what it does next is told by its name too, or it would pass for one
    /// that has ended.
    pub(super) fn handle_closed(&mut self, group: &Group, host: Option<IpAddr>) {
        if let (Some(demoted), Some(host)) = (self.demoted.get_mut(group), host) {
            demoted.named.insert(host);
        }
    }

    /// Whether this host was told of by name before.
    pub(super) fn was_named(&self, group: &Group, host: IpAddr) -> bool {
        self.demoted.get(group).is_some_and(|demoted| demoted.named.contains(&host))
    }

    /// A match by this list: ends what a later one than that by which it was demoted says something else of, and what has lasted for a
    /// day. What an older list said is met still for as long as a flow or an answer of then lives, and ends nothing: once a list is
    /// all that could.
    pub(super) fn handle_match(
        &mut self,
        group: &Group,
        indicator: &Indicator,
        revision: Revision,
        now: Timestamp,
    ) -> Option<Demotion> {
        if self.demoted.is_empty() {
            return None;
        }
        let demoted = self.demoted.get(group)?;
        let is_other = revision > demoted.revision && is_said_else(&demoted.was, indicator);
        let is_over = is_other || passed(demoted.since, now);
        is_over.then(|| self.end(group)).flatten()
    }

    fn end(&mut self, group: &Group) -> Option<Demotion> {
        let ended = self.demoted.remove(group).map(|demoted| demoted.told_again(*group));
        self.set_next_over();
        ended
    }

    /// One that has been demoted for a day by now.
    pub(super) fn poll_over(&mut self, now: Timestamp) -> Option<Demotion> {
        if self.next_over.is_none_or(|over| now < over) {
            return None;
        }
        let over = self.demoted.iter().find(|(_, demoted)| passed(demoted.since, now)).map(|(group, _)| *group);
        over.and_then(|group| self.end(&group))
    }

    /// When [`Frequent::poll_over`] has something to say.
    pub(super) fn next_over(&self) -> Option<Timestamp> {
        self.next_over
    }

    fn set_next_over(&mut self) {
        let first = self.demoted.values().map(|demoted| demoted.since).min();
        self.next_over = first.map(|since| since.plus(Duration::from_secs(FREQUENT_HELD_S)));
    }

    /// An order of the brake: of what it names it decides, and not the sensor. What ends by it.
    pub(super) fn handle_braking(&mut self, braking: &Braking) -> Vec<Demotion> {
        if self.hosts_max.is_none() {
            return Vec::new();
        }
        for name in &braking.indicators {
            if self.spared.len() >= FREQUENT_KEPT_MAX {
                let age = |(_, since): &(&Named, &Option<Timestamp>)| since.unwrap_or(Timestamp::MAX);
                let oldest = self.spared.iter().min_by_key(age).map(|(named, _)| *named);
                oldest.map(|named| self.spared.remove(&named));
            }
            self.spared.insert(*name, None);
        }
        let is_named = |group: &Group| braking.indicators.contains(&(group.indicator, group.marks.exercise));
        let named: Vec<Group> = self.demoted.keys().filter(|group| is_named(group)).copied().collect();
        named.iter().filter_map(|group| self.end(group)).collect()
    }

    /// What is demoted, the first first.
    pub(super) fn demoted(&self) -> Vec<DemotedIndicator> {
        let shown = |(group, demoted): (&Group, &Demoted)| DemotedIndicator {
            site: group.site,
            indicator: group.indicator,
            exercise: group.marks.exercise,
            since: demoted.since,
            too_often: demoted.too_often,
        };
        let mut all: Vec<DemotedIndicator> = self.demoted.iter().map(shown).collect();
        all.sort_unstable_by_key(|one| (one.since, one.site, one.indicator, one.exercise));
        all
    }

    /// Hosts that were told one by one because no more could be demoted.
    pub(super) fn no_room(&self) -> u64 {
        self.no_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::alert::Direction;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn later(s: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(s))
    }

    fn demoted(at: Timestamp) -> (Frequent, Group, Arc<Indicator>) {
        let listed = Arc::new(Indicator::bare(IndicatorId(1), "8.8.8.8".parse().unwrap()));
        let group =
            Group { site: SiteId(0), indicator: listed.id, direction: Direction::Outbound, marks: listed.marks };
        let mut frequent = Frequent::new(Some(256));
        let too_often = TooOften { hosts: 257, matches: 300, within_s: 60 };
        assert!(frequent.demote(group, &listed, Revision(4), too_often, at).is_some());
        (frequent, group, listed)
    }

    #[test]
    fn t10_a_demotion_ends_to_the_second_and_with_a_clock_that_is_set_back_before_it() {
        let told_again = |group| Some(Demotion { group, revision: Revision(4), too_often: None });
        let (mut frequent, group, listed) = demoted(NOW);
        assert_eq!(frequent.poll_over(later(FREQUENT_HELD_S - 1)), None);
        assert_eq!(frequent.handle_match(&group, &listed, Revision(4), later(FREQUENT_HELD_S - 1)), None);
        assert_eq!(frequent.next_over(), Some(later(FREQUENT_HELD_S)));
        assert_eq!(frequent.poll_over(later(FREQUENT_HELD_S)), told_again(group));
        assert_eq!((frequent.poll_over(later(FREQUENT_HELD_S)), frequent.next_over()), (None, None), "once");
        let (mut frequent, group, listed) = demoted(later(3_600));
        assert_eq!(frequent.handle_match(&group, &listed, Revision(4), NOW), told_again(group));
    }

    #[test]
    fn t10_a_list_that_says_something_else_ends_it_once_and_what_an_older_one_said_ends_nothing() {
        let told_again = |group, revision| Some(Demotion { group, revision: Revision(revision), too_often: None });
        let (mut frequent, group, listed) = demoted(NOW);
        let surer = Arc::new(Indicator { confidence: 90, ..(*listed).clone() });
        let until = Some(later(9));
        let longer =
            Indicator { validity: varde_common::time::Validity { until, ..listed.validity }, ..(*listed).clone() };
        assert_eq!(frequent.handle_match(&group, &longer, Revision(5), NOW), None, "it holds for longer");
        assert_eq!(frequent.handle_match(&group, &surer, Revision(4), NOW), None, "by the list of then");
        assert_eq!(frequent.handle_match(&group, &surer, Revision(5), NOW), told_again(group, 4));
        // Demoted anew by what the older list said of it, while flows of then go on: neither ends it.
        let too_often = TooOften { hosts: 257, matches: 300, within_s: 60 };
        assert!(frequent.demote(group, &listed, Revision(5), too_often, NOW).is_some());
        for _ in 0..9 {
            assert_eq!(frequent.handle_match(&group, &surer, Revision(5), NOW), None);
            assert_eq!(frequent.handle_match(&group, &listed, Revision(5), NOW), None);
        }
        assert!(frequent.is_demoted(&group));
    }

    #[test]
    fn t10_an_order_spares_what_it_names_for_a_day_behind_it() {
        let (mut frequent, group, listed) = demoted(NOW);
        let braking = |named: &[(IndicatorId, bool)]| Braking { order: 1, indicators: named.iter().copied().collect() };
        assert_eq!(frequent.handle_braking(&braking(&[(listed.id, true)])), [], "another's, an exercise");
        assert_eq!(frequent.hosts_max(&listed, NOW), Some(256));
        assert_eq!(frequent.handle_braking(&braking(&[(listed.id, false)])).len(), 1);
        assert!(!frequent.is_demoted(&group));
        let begun = 10 * FREQUENT_HELD_S;
        assert_eq!(frequent.hosts_max(&listed, later(begun)), None, "whenever it ends");
        assert_eq!(frequent.hosts_max(&listed, later(begun + FREQUENT_HELD_S - 1)), None);
        assert_eq!(frequent.hosts_max(&listed, later(begun + FREQUENT_HELD_S)), Some(256));
        for id in 0..2 * FREQUENT_KEPT_MAX as u64 {
            frequent.handle_braking(&braking(&[(IndicatorId(id), false)]));
        }
        assert_eq!(frequent.spared.len(), FREQUENT_KEPT_MAX);
    }
}
