//! What matches too often, and what is told behind that: an indicator that the sensor has demoted itself is counted only, but a host
//! that gets through to it is told by name, up to a few. A demotion may come about by what somebody brings about who wants just that.

use varde_common::alert::{Direction, Evidence};
use varde_common::id::Revision;
use varde_common::time::Timestamp;

use super::{Alert, Fold, Group, Hosts, Opens};
use crate::raise::bearing::{Bearing, Count, Key};
use crate::raise::frequent::{Demotion, Matched, Weighed};
use crate::sensor::{AlertId, Statement};

/// What becomes of a match of a demoted indicator.
enum Behind {
    /// It is counted with all others.
    Counted,
    /// This alert takes it in.
    TakenBy(AlertId),
    /// It opens an alert of its host's own.
    Opens,
}

impl Fold {
    /// Looks whether it matches too often, unless an order has decided that. What comes in from outside weighs nothing: how often it
    /// comes, and how many servers of ours answer it, is up to whoever sends it.
    pub(super) fn weigh(&mut self, key: &Key, seen: &Bearing, revision: Revision, now: Timestamp, hosts: &impl Hosts) {
        let indicator = &seen.indicator;
        if key.direction == Direction::Inbound || self.braked.is_ordered(indicator) {
            return;
        }
        let counts = match seen.count {
            Count::Own => true,
            Count::OwnUnlessLookedUp => !self.has_counted_look_up(key, seen.start),
            Count::More => false,
        };
        let matched = Matched { host: seen.host(hosts), counts };
        let named = (indicator.id, indicator.marks.exercise);
        match self.frequent.handle(indicator, matched, now, &self.host_hash) {
            Weighed::AsBefore => {}
            Weighed::Demoted(too_often) => {
                self.braked.handle_demoted(indicator);
                self.statements.push_back(Statement::Demotion(Demotion {
                    named,
                    revision,
                    too_often: Some(too_often),
                }));
            }
            Weighed::ToldAgain => {
                self.braked.handle_told_again(indicator, &mut self.statements);
                self.statements.push_back(Statement::Demotion(Demotion { named, revision, too_often: None }));
            }
        }
    }

    /// Whether what begins then follows from a look-up that was counted, in an alert or behind a brake.
    fn has_counted_look_up(&self, key: &Key, start: Timestamp) -> bool {
        let of_group = || self.storm.crowd(&Group::of(key));
        let alert = self.by_key.get(key).copied().or_else(of_group).and_then(|id| self.alerts.get(&id));
        alert.is_some_and(|alert| alert.counted_look_up(start)) || self.braked.counted_look_up(key, start)
    }

    /// The sensor has demoted it: a match is counted, unless it says more of its host than that it met what many meet.
    pub(super) fn handle_demoted(
        &mut self,
        key: Key,
        seen: Bearing,
        revision: Revision,
        now: Timestamp,
        hosts: &impl Hosts,
    ) {
        match self.decide_behind(&key, &seen, hosts) {
            Behind::Counted => self.count(&key, seen, revision, now, hosts),
            Behind::TakenBy(alert) => {
                let has_counted = self.braked.counted_look_up(&key, seen.start);
                let count = match seen.count {
                    Count::OwnUnlessLookedUp if has_counted => Count::More,
                    as_it_is @ (Count::Own | Count::OwnUnlessLookedUp | Count::More) => as_it_is,
                };
                self.take(alert, Bearing { count, ..seen }, now, hosts);
            }
            Behind::Opens => {
                if self.alerts.len() >= self.alerts_max {
                    self.let_one_go(hosts);
                }
                let crowd = self.storm.crowd(&Group::of(&key));
                let in_crowd = key.client.zip(crowd).is_some_and(|(client, crowd)| self.is_in_crowd(crowd, client));
                self.open(key, seen, Opens::Behind { in_crowd }, revision, now, hosts);
            }
        }
    }

    fn decide_behind(&mut self, key: &Key, seen: &Bearing, hosts: &impl Hosts) -> Behind {
        if seen.host(hosts).is_none() {
            return Behind::Counted;
        }
        let gets_through = seen.evidence >= Evidence::Contacted;
        let takes = |alert: &Alert| alert.is_behind || (gets_through && seen.evidence > alert.evidence);
        match self.by_key.get(key).and_then(|id| self.alerts.get(id)) {
            Some(alert) if takes(alert) => Behind::TakenBy(alert.id),
            Some(_) => Behind::Counted,
            None if gets_through && self.frequent.may_tell(&seen.indicator) => Behind::Opens,
            None => Behind::Counted,
        }
    }
}
