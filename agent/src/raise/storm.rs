//! When more matches come than can be told host by host: who still gets an alert of its own, who is told of together with
//! others, and which rise in evidence waits.
//!
//! Alerts of one site, indicator, direction and marks are a *group*. The first of a group is told at once whatever storms,
//! and so is its first contact and its first data out: a needle must not wait for the hay. All else takes from one bucket;
//! where that is empty a host joins its group's *crowd*, an alert without a host, and a rise waits for its next statement.
//! Nothing is left out: what joins a crowd is counted there.

use std::net::IpAddr;
use std::time::Duration;

use hashbrown::HashMap;
use varde_common::alert::{Direction, Evidence};
use varde_common::id::{IndicatorId, SiteId};
use varde_common::indicator::Marks;
use varde_common::time::Timestamp;

use super::bearing::Key;
use crate::bucket::Bucket;
use crate::keyed::RandomState;
use crate::limits::{ALERTS_AT_ONCE, ALERTS_PER_MINUTE};
use crate::sensor::AlertId;

/// What alerts must share to be told together; an exercise never mixes with what is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group {
    site: SiteId,
    indicator: IndicatorId,
    direction: Direction,
    marks: Marks,
}

impl Group {
    /// The group of an alert.
    pub fn of(key: &Key) -> Group {
        let &Key { site, indicator, client: _, direction, marks } = key;
        Group { site, indicator, direction, marks }
    }
}

/// What becomes of a match that no open alert of its host takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It opens an alert of its own.
    Alone,
    /// It joins this crowd.
    Joins(AlertId),
    /// It opens its group's crowd.
    OpensCrowd,
}

/// What is open of one group.
#[derive(Debug)]
struct Standing {
    /// Alerts open, the crowd among them.
    open: usize,
    /// Hosts with an alert of their own; a resolver is none.
    named: u64,
    crowd: Option<AlertId>,
    /// The strongest that was told at once.
    told: Evidence,
}

/// Totals since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Together {
    /// Matches told of together with those of other hosts.
    pub matches: u64,
    /// In so many alerts.
    pub alerts: u64,
    /// Rises in evidence that were told up to a minute later.
    pub rises_gathered: u64,
}

/// The state of the storm, or of the calm.
#[derive(Debug)]
pub struct Storm {
    /// As many at most as there are alerts.
    groups: HashMap<Group, Standing, RandomState>,
    bucket: Bucket,
    told_until: Option<Timestamp>,
    together: Together,
}

impl Default for Storm {
    fn default() -> Storm {
        Storm::with(Bucket::new(ALERTS_AT_ONCE, ALERTS_PER_MINUTE))
    }
}

impl Storm {
    /// With another bucket than the usual.
    pub(super) fn with(bucket: Bucket) -> Storm {
        Storm { groups: HashMap::default(), bucket, told_until: None, together: Together::default() }
    }

    /// Decides for a match of `client` that has no alert of its own. `in_crowd` asks whether a crowd knows the host.
    pub fn decide(
        &mut self,
        group: &Group,
        client: Option<IpAddr>,
        table_full: bool,
        now: Timestamp,
        in_crowd: impl FnOnce(AlertId, IpAddr) -> bool,
    ) -> Verdict {
        self.pass(now);
        // Without a host there is but one alert of an indicator, which names nobody already.
        let (Some(client), Some(standing)) = (client, self.groups.get(group)) else {
            self.bucket.try_take();
            return Verdict::Alone;
        };
        match standing.crowd {
            // Counted there, it is not counted again.
            Some(crowd) if in_crowd(crowd, client) => Verdict::Joins(crowd),
            Some(_) | None if !table_full && self.bucket.try_take() => Verdict::Alone,
            Some(crowd) => Verdict::Joins(crowd),
            None => Verdict::OpensCrowd,
        }
    }

    /// Whether a rise in evidence is told at once.
    pub fn decide_rise(&mut self, group: &Group, evidence: Evidence, now: Timestamp) -> bool {
        self.pass(now);
        let has_token = self.bucket.try_take();
        let first = self
            .groups
            .get_mut(group)
            .is_none_or(|standing| evidence >= Evidence::Contacted && evidence > standing.told);
        let at_once = first || has_token;
        if at_once && let Some(standing) = self.groups.get_mut(group) {
            standing.told = standing.told.max(evidence);
        }
        self.together.rises_gathered += u64::from(!at_once);
        at_once
    }

    fn pass(&mut self, now: Timestamp) {
        let since = self.told_until.map_or(Duration::ZERO, |before| now.since(before));
        self.bucket.pass(since);
        self.told_until = self.told_until.max(Some(now));
    }

    /// An alert was opened and told: of a host that counts as one, as the group's crowd, or neither.
    pub fn handle_opened(&mut self, group: Group, named: bool, crowd: Option<AlertId>, evidence: Evidence) {
        let fresh = Standing { open: 0, named: 0, crowd: None, told: evidence };
        let standing = self.groups.entry(group).or_insert(fresh);
        standing.open += 1;
        standing.named += u64::from(named);
        standing.crowd = standing.crowd.or(crowd);
        standing.told = standing.told.max(evidence);
        self.together.alerts += u64::from(crowd.is_some());
    }

    /// An alert of the group was closed.
    pub fn handle_closed(&mut self, group: &Group, named: bool, crowd: Option<AlertId>) {
        let Some(standing) = self.groups.get_mut(group) else { return };
        standing.open = standing.open.saturating_sub(1);
        standing.named = standing.named.saturating_sub(u64::from(named));
        if crowd.is_some() {
            standing.crowd = None;
        }
        if standing.open == 0 {
            self.groups.remove(group);
        }
    }

    /// So many matches were counted in a crowd.
    pub fn handle_joined(&mut self, matches: u64) {
        self.together.matches = self.together.matches.saturating_add(matches);
    }

    /// The group's crowd, where one is open.
    pub fn crowd(&self, group: &Group) -> Option<AlertId> {
        self.groups.get(group).and_then(|standing| standing.crowd)
    }

    /// Hosts of the group with an alert of their own.
    pub fn named(&self, group: &Group) -> u64 {
        self.groups.get(group).map_or(0, |standing| standing.named)
    }

    /// Whether no alert is open.
    #[cfg(test)]
    pub(super) fn is_calm(&self) -> bool {
        self.groups.is_empty()
    }

    /// Totals since the start.
    pub fn together(&self) -> Together {
        self.together
    }
}
