//! When more matches come than can be told host by host: who still gets an alert of its own, who is told of together with
//! others, and which rise in evidence waits.
//!
//! Alerts of one site, indicator, direction and marks are a *group*. The first of a group is told at once whatever storms,
//! and so is its first contact and its first data out: a needle must not wait for the hay. All else takes from one bucket;
//! where that is empty a host joins its group's *crowd*, an alert without a host, and a rise waits for its next statement.
//! Nothing is left out: what joins a crowd is counted there. A group that meets too many hosts ([`super::frequent`]) is told as if
//! the bucket were empty for it.

use std::net::IpAddr;
use std::time::Duration;

use hashbrown::HashMap;
use varde_common::alert::{Direction, Evidence};
use varde_common::id::{IndicatorId, SiteId};
use varde_common::indicator::Marks;
use varde_common::time::Timestamp;

use super::alert::Alert;
use super::bearing::Key;
use super::frequent::TooOften;
use crate::bucket::Bucket;
use crate::keyed::RandomState;
use crate::limits::{ALERT_AGE_MAX_S, ALERTS_AT_ONCE, ALERTS_PER_MINUTE};
use crate::sensor::AlertId;

/// What alerts must share to be told together; an exercise never mixes with what is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group {
    /// Which of the member's sites.
    pub site: SiteId,
    /// What matched.
    pub indicator: IndicatorId,
    /// Which way.
    pub direction: Direction,
    /// As the list says.
    pub marks: Marks,
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
    /// Those of them whose alert is a later one than this: hosts that met it within the last hour, or are told of since it was last
    /// told again.
    weighed: u64,
    weighed_after: AlertId,
    /// Matches of all of them, and when the first was opened.
    matches: u64,
    begun: Timestamp,
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

    /// Decides for a match of `client` that has no alert of its own, which joins others if it is to be held back. `in_crowd` asks
    /// whether a crowd knows the host.
    pub fn decide(
        &mut self,
        group: &Group,
        client: Option<IpAddr>,
        hold_back: bool,
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
            Some(_) | None if !hold_back && self.bucket.try_take() => Verdict::Alone,
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

    /// Whether one more thing is told at once.
    pub fn decide_more(&mut self, now: Timestamp) -> bool {
        self.pass(now);
        self.bucket.try_take()
    }

    /// An alert was opened and told: of a host that counts as one, as the group's crowd, or neither.
    pub fn handle_opened(&mut self, alert: &Alert) {
        let fresh = Standing {
            open: 0,
            named: 0,
            weighed: 0,
            weighed_after: AlertId(0),
            matches: 0,
            begun: alert.opened_at,
            crowd: None,
            told: alert.evidence,
        };
        let standing = self.groups.entry(alert.group()).or_insert(fresh);
        standing.open += 1;
        standing.named += u64::from(alert.named);
        standing.weighed += u64::from(alert.named);
        standing.matches = standing.matches.saturating_add(alert.count);
        standing.crowd = standing.crowd.or(alert.crowd_id());
        standing.told = standing.told.max(alert.evidence);
        self.together.alerts += u64::from(alert.crowd.is_some());
        self.together.matches += if alert.crowd.is_some() { alert.count } else { 0 };
    }

    /// An alert has counted so many matches more.
    pub fn handle_counted(&mut self, alert: &Alert, matches: u64) {
        if matches == 0 {
            return;
        }
        if let Some(standing) = self.groups.get_mut(&alert.group()) {
            standing.matches = standing.matches.saturating_add(matches);
        }
        if alert.crowd.is_some() {
            self.together.matches = self.together.matches.saturating_add(matches);
        }
    }

    /// So many matches of a crowd are another alert's from now on.
    pub fn handle_handed_over(&mut self, crowd: &Alert, matches: u64) {
        if let Some(standing) = self.groups.get_mut(&crowd.group()) {
            standing.matches = standing.matches.saturating_sub(matches);
        }
        self.together.matches = self.together.matches.saturating_sub(matches);
    }

    /// An alert was closed.
    pub fn handle_closed(&mut self, alert: &Alert) {
        let group = alert.group();
        let Some(standing) = self.groups.get_mut(&group) else { return };
        standing.open = standing.open.saturating_sub(1);
        standing.named = standing.named.saturating_sub(u64::from(alert.named));
        let was_weighed = alert.named && alert.id > standing.weighed_after;
        standing.weighed = standing.weighed.saturating_sub(u64::from(was_weighed));
        standing.matches = standing.matches.saturating_sub(alert.count);
        if alert.crowd.is_some() {
            standing.crowd = None;
        }
        if standing.open == 0 {
            self.groups.remove(&group);
        }
    }

    /// Only hosts whose alerts come after this one are weighed from now on.
    pub fn weigh_anew(&mut self, group: &Group, after: AlertId) {
        if let Some(standing) = self.groups.get_mut(group) {
            (standing.weighed, standing.weighed_after) = (0, after);
        }
    }

    /// What hosts with an alert of their own have met: each of them within the last hour, or its alert would be closed.
    pub fn met(&self, group: &Group, now: Timestamp) -> Option<TooOften> {
        self.groups.get(group).map(|standing| TooOften {
            hosts: standing.weighed,
            matches: standing.matches,
            within_s: now.since(standing.begun).as_secs().min(ALERT_AGE_MAX_S),
        })
    }

    /// Whether an alert of the group is open.
    pub fn is_open(&self, group: &Group) -> bool {
        self.groups.contains_key(group)
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
