//! Sightings of one indicator by one host become one alert with a count; what has changed is stated now and then
//! (decision 20). Nothing is discarded without being counted.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use varde_common::alert::{AlertOpened, AlertUpdated, Circumstances, Direction, Evidence, Regularity, Where, Zone};
use varde_common::id::{Revision, Seq, SiteId};
use varde_common::indicator::{Indicator, Target};
use varde_common::observation::{Endpoint, Protocol};
use varde_common::time::Timestamp;

use super::bearing::{Bearing, Count, Key, Observed};
use crate::keyed::RandomState;
use crate::limits::{
    ALERT_AGE_MAX_S, ALERT_QUIET_S, ALERTS_MAX, CONTACTS_FOR_REGULARITY, CONTACTS_KEPT, UPDATE_FIRST_S, UPDATE_LATER_S,
    UPDATE_SECOND_S,
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
    /// Its other end.
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
    opened_at: Timestamp,
    active_at: Timestamp,
    stated_count: u64,
    changed: bool,
    updates: u32,
    due: Timestamp,
}

impl Alert {
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

    fn next_due(&self) -> Timestamp {
        let quiet = self.active_at.plus(seconds(ALERT_QUIET_S));
        let old = self.opened_at.plus(seconds(ALERT_AGE_MAX_S));
        let end = quiet.min(old);
        if !self.changed {
            return end;
        }
        let update = match self.updates {
            0 => self.opened_at.plus(seconds(UPDATE_FIRST_S)),
            1 => self.opened_at.plus(seconds(UPDATE_SECOND_S)),
            later => {
                self.opened_at.plus(seconds(UPDATE_SECOND_S + UPDATE_LATER_S * u64::from(later.saturating_sub(1))))
            }
        };
        update.min(end)
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

/// Who the fold asks about hosts when it states something.
pub trait Hosts {
    /// Whether the host is known as a resolver by now.
    fn is_resolver(&self, host: IpAddr) -> bool;
    /// Whether the address is the member's own: such a server is never named outside.
    fn is_inside(&self, address: IpAddr) -> bool;
    /// Site of a host.
    fn site(&self, host: IpAddr) -> SiteId;
    /// Zone of a host.
    fn zone(&self, host: IpAddr) -> Zone;
}

/// All open alerts.
#[derive(Debug)]
pub struct Fold {
    /// Boxed: a hash table keeps room for twice as many.
    alerts: HashMap<AlertId, Box<Alert>, RandomState>,
    by_key: HashMap<Key, AlertId, RandomState>,
    due: BTreeSet<(Timestamp, AlertId)>,
    /// The first of them: asked after every packet.
    next_due: Timestamp,
    statements: VecDeque<Statement>,
    closed: VecDeque<Alert>,
    keep_closed: bool,
    next_id: u64,
    opened: u64,
    evicted: u64,
}

impl Fold {
    /// With `keep_closed`, closed alerts wait to be fetched (for `inspect`) instead of statements.
    pub fn new(keep_closed: bool) -> Fold {
        Fold {
            alerts: HashMap::default(),
            by_key: HashMap::default(),
            due: BTreeSet::new(),
            next_due: Timestamp::MAX,
            statements: VecDeque::new(),
            closed: VecDeque::new(),
            keep_closed,
            next_id: 0,
            opened: 0,
            evicted: 0,
        }
    }

    /// Whether this host has an open alert for this indicator.
    pub fn has(&self, key: &Key) -> bool {
        self.by_key.contains_key(key)
    }

    /// Takes in one thing seen.
    pub fn handle(&mut self, seen: Bearing, revision: Revision, now: Timestamp, hosts: &impl Hosts) {
        let site = seen.client.map(|client| hosts.site(client)).unwrap_or_default();
        let key = Key { site, indicator: seen.indicator.id, client: seen.client, direction: seen.direction };
        let Some(id) = self.by_key.get(&key).copied() else {
            self.open(key, seen, revision, now, hosts);
            return;
        };
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        self.due.remove(&(alert.due, id));
        let rose = seen.evidence > alert.evidence;
        if rose || (seen.evidence == alert.evidence && seen.start < alert.strongest_at) {
            alert.evidence = seen.evidence;
            alert.observed = seen.observed;
            alert.server = seen.server;
            alert.protocol = seen.protocol;
            alert.strongest_at = seen.start;
        }
        let before = (alert.first_seen, alert.last_seen, alert.count, alert.circumstances);
        alert.first_seen = alert.first_seen.min(seen.start);
        alert.last_seen = alert.last_seen.max(seen.end);
        let follows_own = alert.answer_until.is_some_and(|until| seen.start <= until);
        let counts = match seen.count {
            Count::Own => true,
            Count::OwnUnlessLookedUp => !follows_own,
            Count::More => false,
        };
        alert.count = alert.count.saturating_add(u64::from(counts));
        alert.answer_until = alert.answer_until.max(seen.answer_until);
        alert.lookups_only &= seen.lookup;
        alert.circumstances.looked_up_by_other &= seen.looked_up_by_other;
        // Contact that is certain is more than contact that is possible.
        alert.circumstances.possible_contact =
            alert.evidence < Evidence::Attempted && (alert.circumstances.possible_contact || seen.possible_contact);
        alert.circumstances.by_resolver = by_resolver(alert, hosts);
        if seen.contact {
            if alert.contacts.len() >= CONTACTS_KEPT {
                alert.contacts.pop_front();
            }
            alert.contacts.push_back(seen.start);
        }
        alert.active_at = alert.active_at.max(now);
        alert.changed |= rose || before != (alert.first_seen, alert.last_seen, alert.count, alert.circumstances);
        if rose && !self.keep_closed {
            state(alert, false, hosts, &mut self.statements);
        }
        alert.due = alert.next_due();
        self.due.insert((alert.due, id));
        self.set_next_due();
    }

    fn set_next_due(&mut self) {
        self.next_due = self.due.first().map_or(Timestamp::MAX, |(due, _)| *due);
    }

    fn open(&mut self, key: Key, seen: Bearing, revision: Revision, now: Timestamp, hosts: &impl Hosts) {
        if self.alerts.len() >= ALERTS_MAX {
            self.let_one_go(hosts);
        }
        self.next_id += 1;
        self.opened += 1;
        let id = AlertId(self.next_id);
        let mut alert = Alert {
            id,
            key,
            zone: seen.client.map(|client| hosts.zone(client)).unwrap_or_default(),
            indicator: seen.indicator,
            evidence: seen.evidence,
            observed: seen.observed,
            server: seen.server,
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
            contacts: seen.contact.then_some(seen.start).into_iter().collect(),
            opened_at: now,
            active_at: now,
            answer_until: seen.answer_until,
            stated_count: 1,
            changed: false,
            updates: 0,
            due: now,
        };
        alert.circumstances.by_resolver = by_resolver(&alert, hosts);
        alert.due = alert.next_due();
        if !self.keep_closed {
            let body = AlertOpened {
                site: key.site,
                indicator: key.indicator,
                revision,
                severity: alert.indicator.severity,
                marks: alert.indicator.marks,
                client: None,
                zone: alert.zone,
                direction: key.direction,
                evidence: alert.evidence,
                circumstances: alert.circumstances,
                labels_left: alert.labels_left(),
                seen_at: seen_at(&alert, hosts),
                first_seen: alert.first_seen,
                last_seen: alert.last_seen,
                count: alert.count,
            };
            self.statements.push_back(Statement::Opened { alert: id, client: key.client, body });
        }
        self.due.insert((alert.due, id));
        self.by_key.insert(key, id);
        self.alerts.insert(id, Box::new(alert));
        self.set_next_due();
    }

    /// The table is full: the alert that is due first goes, with its last statement.
    fn let_one_go(&mut self, hosts: &impl Hosts) {
        if let Some(&(_, id)) = self.due.first() {
            self.evicted += 1;
            self.close(id, hosts);
        }
    }

    fn close(&mut self, id: AlertId, hosts: &impl Hosts) {
        let Some(mut alert) = self.alerts.remove(&id) else { return };
        self.due.remove(&(alert.due, id));
        self.set_next_due();
        self.by_key.remove(&alert.key);
        alert.circumstances.by_resolver = by_resolver(&alert, hosts);
        if self.keep_closed {
            self.closed.push_back(*alert);
        } else {
            state(&mut alert, true, hosts, &mut self.statements);
        }
    }

    /// States what is due, closes what is quiet or old.
    pub fn handle_time(&mut self, now: Timestamp, hosts: &impl Hosts) {
        if now < self.next_due {
            return;
        }
        self.state_what_is_due(now, hosts);
        self.set_next_due();
    }

    fn state_what_is_due(&mut self, now: Timestamp, hosts: &impl Hosts) {
        while let Some(&(due, id)) = self.due.first() {
            if due > now {
                return;
            }
            let Some(alert) = self.alerts.get_mut(&id) else {
                self.due.remove(&(due, id));
                continue;
            };
            let quiet = alert.active_at.plus(seconds(ALERT_QUIET_S)) <= now;
            if quiet || alert.opened_at.plus(seconds(ALERT_AGE_MAX_S)) <= now {
                self.close(id, hosts);
                continue;
            }
            self.due.remove(&(due, id));
            alert.circumstances.by_resolver = by_resolver(alert, hosts);
            if alert.changed && !self.keep_closed {
                state(alert, false, hosts, &mut self.statements);
            }
            alert.changed = false;
            alert.updates = alert.updates.saturating_add(1);
            // A long silence of the clock must not be answered with one update for each that was missed.
            let mut next = alert.next_due();
            if next <= now {
                next = now.plus(seconds(UPDATE_FIRST_S));
            }
            alert.due = next;
            self.due.insert((next, id));
        }
    }

    /// The sources have ended: states what has not been stated. The alerts stay open for another run to add nothing to.
    pub fn close_all(&mut self, hosts: &impl Hosts) {
        let mut ids: Vec<(Timestamp, AlertId)> =
            self.alerts.values().map(|alert| (alert.first_seen, alert.id)).collect();
        ids.sort_unstable();
        for (_, id) in ids {
            self.close(id, hosts);
        }
    }

    /// The next statement for the spool.
    pub fn poll_statement(&mut self) -> Option<Statement> {
        self.statements.pop_front()
    }

    /// Whether a closed alert waits to be fetched.
    pub fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// The next closed alert, where they are kept.
    pub fn poll_closed(&mut self) -> Option<Alert> {
        self.closed.pop_front()
    }

    /// Alerts opened so far.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Alerts closed early because the table was full.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

fn by_resolver(alert: &Alert, hosts: &impl Hosts) -> bool {
    alert.lookups_only
        && alert.key.direction == Direction::Outbound
        && alert.key.client.is_some_and(|client| hosts.is_resolver(client))
}

/// What leaves of the other end: the address that matched or was reached. Which DNS server was asked is nobody's
/// business, and an inside address never leaves.
fn seen_at(alert: &Alert, hosts: &impl Hosts) -> Where {
    let server = match &alert.observed {
        Observed::Address(address) => Some(*address),
        Observed::Name(_) | Observed::Ja4(_) if alert.evidence >= Evidence::Attempted => Some(alert.server.ip()),
        Observed::Name(_) | Observed::Ja4(_) => None,
    };
    Where {
        server: server.filter(|&server| !hosts.is_inside(server)),
        port: alert.protocol.has_ports().then_some(alert.server.port()),
        protocol: alert.protocol,
    }
}

fn state(alert: &mut Alert, closed: bool, hosts: &impl Hosts, statements: &mut VecDeque<Statement>) {
    let body = AlertUpdated {
        alert: Seq(0),
        count_increase: alert.count.saturating_sub(alert.stated_count),
        first_seen: alert.first_seen,
        last_seen: alert.last_seen,
        evidence: alert.evidence,
        circumstances: alert.circumstances,
        seen_at: seen_at(alert, hosts),
        regularity: alert.regularity(),
        closed,
    };
    alert.stated_count = alert.count;
    alert.changed = false;
    statements.push_back(Statement::Updated { alert: alert.id, body });
}
