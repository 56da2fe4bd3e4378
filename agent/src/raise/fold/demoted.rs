//! What becomes of the hosts behind a demotion: they are told together, as in a storm, and those that get furthest by name.

use varde_common::alert::Direction;
use varde_common::id::Revision;
use varde_common::indicator::Indicator;
use varde_common::time::Timestamp;

use super::{Fold, Group, Hosts};
use crate::raise::bearing::{Bearing, Key};
use crate::raise::braked::Braking;
use crate::raise::frequent::{DemotedIndicator, Demotion, Frequent, TooOften};
use crate::sensor::{AlertId, Statement};

/// How a host is told that has no open alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// As its group is told: by itself, or in a storm with others.
    AsEver,
    /// With others, unless it is the first of its group: its indicator is demoted.
    Together,
    /// By itself in spite of that.
    ByName,
}

impl Fold {
    /// The same from now on, whatever was said before.
    pub(in crate::raise) fn handle_hosts_max(&mut self, hosts: Option<u64>) {
        self.frequent.handle_hosts_max(hosts);
    }

    /// And the hosts of an indicator that more than these of one site meet within an hour are told together; none = never.
    #[must_use]
    pub fn demoting_beyond(self, hosts: Option<u64>) -> Fold {
        Fold { frequent: Frequent::new(hosts), ..self }
    }

    /// A match: its indicator's demotion may be over.
    pub(super) fn look_for_end(
        &mut self,
        key: &Key,
        indicator: &Indicator,
        revision: Revision,
        now: Timestamp,
        hosts: &impl Hosts,
    ) {
        let ended = self.frequent.handle_match(&Group::of(key), indicator, revision, now);
        if let Some(ended) = ended {
            self.tell_again(ended, hosts);
        }
    }

    /// How a match is told that no open alert of its host takes in; it may be one host too many. What comes in from outside is none:
    /// how often it comes, and how many servers of ours answer it, is up to whoever sends it.
    pub(super) fn weigh(
        &mut self,
        key: &Key,
        seen: &Bearing,
        revision: Revision,
        now: Timestamp,
        hosts: &impl Hosts,
    ) -> Telling {
        let group = Group::of(key);
        if self.keep_closed || key.direction == Direction::Inbound {
            return Telling::AsEver;
        }
        if !self.frequent.is_demoted(&group) && !self.demote(key, seen, revision, now, hosts) {
            return Telling::AsEver;
        }
        // The first of a group is told at once anyway.
        let host = seen.host(hosts).filter(|_| self.storm.is_open(&group));
        match host {
            Some(host) if self.frequent.was_named(&group, host) && self.storm.decide_more(now) => Telling::ByName,
            Some(_) if self.frequent.may_tell(&group, seen.evidence) => Telling::ByName,
            Some(_) | None => Telling::Together,
        }
    }

    /// Demotes the indicator if this host is one too many.
    fn demote(&mut self, key: &Key, seen: &Bearing, revision: Revision, now: Timestamp, hosts: &impl Hosts) -> bool {
        let group = Group::of(key);
        let Some(hosts_max) = self.frequent.hosts_max(&seen.indicator, now) else { return false };
        let (Some(host), Some(met)) = (seen.host(hosts), self.storm.met(&group, now)) else { return false };
        let crowd = self.storm.crowd(&group);
        let together =
            crowd.and_then(|crowd| self.alerts.get(&crowd)).map_or(0, |crowd| crowd.hosts_within_an_hour(now));
        let hosts = met.hosts.saturating_add(together);
        if hosts < hosts_max || crowd.is_some_and(|crowd| self.is_in_crowd(crowd, host)) {
            return false;
        }
        // And this one.
        let too_often = TooOften { hosts: hosts + 1, matches: met.matches + 1, ..met };
        let demotion = self.frequent.demote(group, &seen.indicator, revision, too_often, now);
        self.statements.extend(demotion.map(Statement::Demotion));
        self.set_next_due();
        demotion.is_some()
    }

    /// A demotion has ended: who was told together until now is told by name from now on.
    pub(super) fn tell_again(&mut self, ended: Demotion, hosts: &impl Hosts) {
        if let Some(crowd) = self.storm.crowd(&ended.group) {
            self.close(crowd, hosts);
        }
        self.storm.weigh_anew(&ended.group, AlertId(self.next_id));
        self.statements.push_back(Statement::Demotion(ended));
        self.set_next_due();
    }

    /// Of what an order of the brake names it decides.
    pub(super) fn leave_to_order(&mut self, braking: &Braking, hosts: &impl Hosts) {
        for ended in self.frequent.handle_braking(braking) {
            self.tell_again(ended, hosts);
        }
    }

    /// What is demoted now.
    pub fn demoted(&self) -> Vec<DemotedIndicator> {
        self.frequent.demoted()
    }

    /// Hosts that were told one by one because no more could be demoted.
    pub fn not_demoted(&self) -> u64 {
        self.frequent.no_room()
    }
}
