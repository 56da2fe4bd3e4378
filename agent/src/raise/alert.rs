//! An open alert: what has been gathered of one host and one indicator, or of many hosts told of together, and what of it
//! has been told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use varde_common::alert::{
    AlertOpened, AlertUpdated, Circumstances, CrowdOpened, CrowdUpdated, Direction, Evidence, Regularity, Where, Zone,
};
use varde_common::id::{Revision, Seq};
use varde_common::indicator::{Indicator, Target};
use varde_common::observation::{Endpoint, Protocol};
use varde_common::time::Timestamp;

use super::bearing::{Bearing, Count, Key, Observed};
use super::crowd::Crowd;
use super::fold::Hosts;
use super::storm::Group;
use crate::limits::{
    ALERT_AGE_MAX_S, ALERT_QUIET_S, CONTACTS_FOR_REGULARITY, CONTACTS_KEPT, CROWD_DOUBLED_LEAST, FREQUENT_WITHIN_S,
    RISE_GATHERED_S, UPDATE_FIRST_S, UPDATE_LATER_S, UPDATE_SECOND_S,
};
use crate::sensor::{AlertId, Statement};

/// An open alert.
#[derive(Debug, Clone)]
pub struct Alert {
    /// Its name in this process.
    pub id: AlertId,
    /// What makes it one.
    pub key: Key,
    /// What matched.
    pub indicator: Arc<Indicator>,
    /// Where the host stands.
    pub zone: Zone,
    /// How far it got: of the strongest match, the earliest of equals.
    pub evidence: Evidence,
    /// What that match saw.
    pub observed: Observed,
    /// Its other end; of a confidential indicator its port alone, with an address that is none.
    pub server: Endpoint,
    /// Over what.
    pub protocol: Protocol,
    /// When that match began.
    strongest_at: Timestamp,
    /// First sighting.
    pub first_seen: Timestamp,
    /// Last sighting.
    pub last_seen: Timestamp,
    /// Sightings.
    pub count: u64,
    /// Everything seen so far could be a resolver's work.
    pub lookups_only: bool,
    /// What a reader must know.
    pub circumstances: Circumstances,
    contacts: VecDeque<Timestamp>,
    /// Until when contact may follow from the host's own look-ups.
    answer_until: Option<Timestamp>,
    pub(super) opened_at: Timestamp,
    active_at: Timestamp,
    stated_count: u64,
    changed: bool,
    updates: u32,
    /// When it is looked at again.
    pub(super) due: Timestamp,
    /// What does not wait for its turn waits until then.
    gathered_until: Option<Timestamp>,
    /// The hosts told of together; none for an alert of one host, or of none.
    pub(super) crowd: Option<Box<Crowd>>,
    /// Hosts last told of, where there are many; and without those that have an alert of their own.
    hosts_told: u64,
    crowd_told: u64,
    /// Whether its host counts as one.
    pub(super) named: bool,
}

/// More than come about before an alert is a day old.
const UPDATES_MAX: u32 = 32;

/// What an alert is opened with beside what was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub(super) id: AlertId,
    pub(super) key: Key,
    /// Many hosts are told of together.
    pub(super) is_crowd: bool,
    pub(super) now: Timestamp,
}

impl Alert {
    /// Opened by what was seen.
    pub(super) fn open(opening: Opening, seen: Bearing, hosts: &impl Hosts) -> Alert {
        let Opening { id, key, is_crowd, now } = opening;
        let host = seen.client.filter(|_| !is_crowd);
        let server = seen.server_beside();
        let mut alert = Alert {
            id,
            key,
            zone: host.map(|client| hosts.zone(client)).unwrap_or_default(),
            indicator: seen.indicator,
            evidence: seen.evidence,
            observed: seen.observed,
            server,
            protocol: seen.protocol,
            strongest_at: seen.start,
            first_seen: seen.start,
            last_seen: seen.end,
            // A flow that follows another's look-up is no sighting of its own, but an alert always stands for one.
            count: 1,
            lookups_only: seen.lookup,
            circumstances: Circumstances {
                by_resolver: false,
                looked_up_by_other: seen.looked_up_by_other,
                possible_contact: seen.possible_contact,
            },
            // What many hosts do says nothing of how regular one is.
            contacts: seen.contact.then_some(seen.start).filter(|_| !is_crowd).into_iter().collect(),
            opened_at: now,
            active_at: now,
            answer_until: seen.answer_until,
            stated_count: 1,
            changed: false,
            updates: 0,
            due: now,
            gathered_until: None,
            crowd: is_crowd.then(Box::default),
            hosts_told: 0,
            crowd_told: 0,
            named: false,
        };
        alert.circumstances.by_resolver = by_resolver(&alert, hosts);
        alert.named = host.is_some() && !alert.circumstances.by_resolver;
        alert.due = alert.next_due();
        alert
    }

    /// Takes in one thing more; returns what it added to the count, and whether evidence rose. `is_new` says that it is
    /// the first of a host in a crowd: that one stands for a sighting as it would in an alert of its own.
    pub(super) fn take(&mut self, seen: Bearing, is_new: bool, now: Timestamp, hosts: &impl Hosts) -> (u64, bool) {
        let rose = seen.evidence > self.evidence;
        if rose || (seen.evidence == self.evidence && seen.start < self.strongest_at) {
            self.evidence = seen.evidence;
            self.server = seen.server_beside();
            self.observed = seen.observed;
            self.protocol = seen.protocol;
            self.strongest_at = seen.start;
        }
        let before = (self.first_seen, self.last_seen, self.count, self.circumstances);
        self.first_seen = self.first_seen.min(seen.start);
        self.last_seen = self.last_seen.max(seen.end);
        let counts = is_new || self.counts(seen.count, seen.start);
        self.count = self.count.saturating_add(u64::from(counts));
        self.answer_until = self.answer_until.max(seen.answer_until);
        self.lookups_only &= seen.lookup;
        self.circumstances.looked_up_by_other &= seen.looked_up_by_other;
        // Contact that is certain is more than contact that is possible.
        self.circumstances.possible_contact =
            self.evidence < Evidence::Attempted && (self.circumstances.possible_contact || seen.possible_contact);
        self.circumstances.by_resolver = by_resolver(self, hosts);
        if seen.contact && self.crowd.is_none() {
            if self.contacts.len() >= CONTACTS_KEPT {
                self.contacts.pop_front();
            }
            self.contacts.push_back(seen.start);
        }
        self.active_at = self.active_at.max(now);
        self.changed |= rose || before != (self.first_seen, self.last_seen, self.count, self.circumstances);
        (u64::from(counts), rose)
    }

    /// Whether what begins then adds to the count.
    fn counts(&self, count: Count, start: Timestamp) -> bool {
        match count {
            Count::Own => true,
            Count::OwnUnlessLookedUp => !self.counted_look_up(start),
            Count::More => false,
        }
    }

    /// Whether contact that begins then follows from a look-up that was counted here.
    pub(super) fn counted_look_up(&self, start: Timestamp) -> bool {
        self.answer_until.is_some_and(|until| start <= until)
    }

    /// What it is told of together with.
    pub(super) fn group(&self) -> Group {
        Group::of(&self.key)
    }

    /// Its name, where it is a crowd.
    pub(super) fn crowd_id(&self) -> Option<AlertId> {
        self.crowd.as_ref().map(|_| self.id)
    }

    /// One of those told of together has an alert of its own from now on, which is opened by `seen`: what that follows from was counted
    /// here and counts there. What was stated of it already, a later match makes up for.
    pub(super) fn hand_over(&mut self, seen: &Bearing) -> u64 {
        let counted_here = u64::from(!self.counts(seen.count, seen.start));
        self.count = self.count.saturating_sub(counted_here);
        counted_here
    }

    /// Its host is one of those that were told of together here.
    pub(super) fn take_over(&mut self, crowd: &Alert) {
        self.named = false;
        self.answer_until = self.answer_until.max(crowd.answer_until);
    }

    /// Whether twice as many hosts are told of together as when it was last stated: that does not wait for its turn, for a kill would
    /// take them all.
    pub(super) fn has_doubled(&self) -> bool {
        let crowd = self.crowd.as_ref().map_or(0, |crowd| crowd.estimate());
        crowd >= CROWD_DOUBLED_LEAST && crowd >= self.crowd_told.saturating_mul(2)
    }

    /// The hosts told of together here, where that began within the last hour.
    pub(super) fn hosts_within_an_hour(&self, now: Timestamp) -> u64 {
        let is_young = now < self.opened_at.plus(seconds(FREQUENT_WITHIN_S));
        self.crowd.as_ref().filter(|_| is_young).map_or(0, |crowd| crowd.estimate())
    }

    /// It is told with the next statement, which comes within a minute.
    pub(super) fn gather(&mut self, now: Timestamp) {
        self.gathered_until.get_or_insert(now.plus(seconds(RISE_GATHERED_S)));
    }

    /// Whether no more of it is to come: an hour of quiet, or a day old.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.active_at.plus(seconds(ALERT_QUIET_S)) <= now || self.opened_at.plus(seconds(ALERT_AGE_MAX_S)) <= now
    }

    /// Its time has come and it was told: sets the next.
    pub(super) fn set_next(&mut self, now: Timestamp) {
        // After a long quiet one statement stands for all that were not due.
        while self.scheduled() <= now && self.updates < UPDATES_MAX {
            self.updates += 1;
        }
        self.changed = false;
        // A long silence of the clock must not be answered with one update for each that was missed.
        let next = self.next_due();
        self.due = if next <= now { now.plus(seconds(UPDATE_FIRST_S)) } else { next };
    }

    /// Looks at who the host is once more: a resolver may have been recognised since.
    pub(super) fn look_again(&mut self, hosts: &impl Hosts) {
        self.circumstances.by_resolver = by_resolver(self, hosts);
    }

    /// Whether there is something to state.
    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// Hosts of its group: those with an alert of their own and those told of together. It never falls.
    fn hosts(&mut self, crowd: u64, named: u64) -> u64 {
        self.crowd_told = crowd;
        self.hosts_told = self.hosts_told.max(named.saturating_add(crowd));
        self.hosts_told
    }

    /// Its first statement. `named` is how many hosts of its group have an alert of their own.
    pub(super) fn state_opened(&mut self, revision: Revision, named: u64, hosts: &impl Hosts) -> Statement {
        let body = AlertOpened {
            site: self.key.site,
            indicator: self.key.indicator,
            revision,
            severity: self.indicator.severity,
            marks: self.indicator.marks,
            client: None,
            zone: self.zone,
            direction: self.key.direction,
            evidence: self.evidence,
            circumstances: self.circumstances,
            labels_left: self.labels_left(),
            seen_at: seen_at(self, hosts),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            count: self.count,
        };
        match self.crowd.as_ref().map(|crowd| crowd.estimate()) {
            None => Statement::Opened { alert: self.id, client: self.key.client, body },
            Some(crowd) => {
                let hosts = self.hosts(crowd, named);
                Statement::CrowdOpened { alert: self.id, body: CrowdOpened { opened: body, hosts } }
            }
        }
    }

    /// What has come since the last statement.
    pub(super) fn state_updated(&mut self, closed: bool, named: u64, hosts: &impl Hosts) -> Statement {
        let body = AlertUpdated {
            alert: Seq(0),
            count_increase: self.count.saturating_sub(self.stated_count),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            evidence: self.evidence,
            circumstances: self.circumstances,
            seen_at: seen_at(self, hosts),
            regularity: self.regularity(),
            closed,
        };
        // It may have handed over more than has come since.
        self.stated_count = self.stated_count.max(self.count);
        self.changed = false;
        self.gathered_until = None;
        match self.crowd.as_ref().map(|crowd| crowd.estimate()) {
            None => Statement::Updated { alert: self.id, body },
            Some(crowd) => {
                let hosts = self.hosts(crowd, named);
                Statement::CrowdUpdated { alert: self.id, body: CrowdUpdated { updated: body, hosts } }
            }
        }
    }

    fn labels_left(&self) -> u8 {
        match (&self.indicator.pattern.target, &self.observed) {
            (Target::Domain(listed), Observed::Name(seen)) => {
                let more = seen.as_name().label_count().saturating_sub(listed.as_name().label_count());
                u8::try_from(more).unwrap_or(u8::MAX)
            }
            // How many labels a hash stands for is not known.
            (
                Target::Domain(_)
                | Target::Host(_)
                | Target::Address(_)
                | Target::Network { .. }
                | Target::Ja4(_)
                | Target::Confidential(_),
                _,
            ) => 0,
        }
    }

    fn regularity(&self) -> Option<Regularity> {
        if self.contacts.len() < CONTACTS_FOR_REGULARITY {
            return None;
        }
        let mut times: Vec<Timestamp> = self.contacts.iter().copied().collect();
        times.sort_unstable();
        let between = times.iter().zip(times.iter().skip(1));
        let mut intervals: Vec<u64> = between.map(|(a, b)| millis(b.since(*a))).collect();
        let median_interval_ms = median(&mut intervals)?;
        let mut distances: Vec<u64> = intervals.iter().map(|interval| interval.abs_diff(median_interval_ms)).collect();
        let contacts = u32::try_from(self.contacts.len()).unwrap_or(u32::MAX);
        Some(Regularity { contacts, median_interval_ms, spread_ms: median(&mut distances)? })
    }

    /// Contacts that regularity is reckoned from.
    #[cfg(test)]
    pub(super) fn contacts_told(&self) -> usize {
        self.contacts.len()
    }

    /// When decision 20 has it stated next, if there is news.
    fn scheduled(&self) -> Timestamp {
        let after = match self.updates {
            0 => UPDATE_FIRST_S,
            1 => UPDATE_SECOND_S,
            later => UPDATE_SECOND_S + UPDATE_LATER_S * u64::from(later.saturating_sub(1)),
        };
        self.opened_at.plus(seconds(after))
    }

    /// When it is to be looked at again.
    pub(super) fn next_due(&self) -> Timestamp {
        let quiet = self.active_at.plus(seconds(ALERT_QUIET_S));
        let old = self.opened_at.plus(seconds(ALERT_AGE_MAX_S));
        let end = quiet.min(old);
        if !self.changed {
            return end;
        }
        self.scheduled().min(self.gathered_until.unwrap_or(Timestamp::MAX)).min(end)
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn median(values: &mut [u64]) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

fn by_resolver(alert: &Alert, hosts: &impl Hosts) -> bool {
    alert.lookups_only
        && alert.key.direction == Direction::Outbound
        && alert.key.client.is_some_and(|client| hosts.is_resolver(client))
}

/// What leaves of the other end: the address that matched or was reached. Which DNS server was asked is nobody's
/// business, and an inside address never leaves. Of a confidential indicator it would be the indicator, or soon lead to it:
/// neither a spool nor a wire has it.
fn seen_at(alert: &Alert, hosts: &impl Hosts) -> Where {
    let server = match &alert.observed {
        Observed::Address(address) => Some(*address),
        Observed::Name(_) | Observed::Ja4(_) if alert.evidence >= Evidence::Attempted => Some(alert.server.ip()),
        Observed::Name(_) | Observed::Ja4(_) | Observed::Withheld => None,
    };
    Where {
        server: server.filter(|&server| !hosts.is_inside(server)),
        port: alert.protocol.has_ports().then_some(alert.server.port()),
        protocol: alert.protocol,
    }
}
