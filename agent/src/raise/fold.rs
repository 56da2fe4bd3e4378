//! Sightings of one indicator by one host become one alert with a count; what has changed is stated now and then
//! (decision 20). Nothing is discarded without being counted: what a storm brings beyond what is told host by host is
//! counted in its [`Crowd`](super::crowd::Crowd).

mod demoted;

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use varde_common::alert::Zone;
use varde_common::id::{Revision, SiteId};
use varde_common::time::Timestamp;

pub use super::alert::Alert;
use super::alert::Opening;
use super::bearing::{Bearing, Key};
use super::braked::{Braked, BrakedTotal, Braking, Circumstance};
use super::frequent::Frequent;
use super::storm::{Group, Storm, Together, Verdict};
use crate::keyed::RandomState;
use crate::limits::ALERTS_MAX;
use crate::sensor::{AlertId, Statement};
use demoted::Telling;

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
    /// Alerts of one host, and those of none; not crowds.
    by_key: HashMap<Key, AlertId, RandomState>,
    due: BTreeSet<(Timestamp, AlertId)>,
    /// The first of them: asked after every packet.
    next_due: Timestamp,
    storm: Storm,
    braked: Braked,
    frequent: Frequent,
    /// Picks a host's bit in a crowd.
    host_hash: RandomState,
    statements: VecDeque<Statement>,
    closed: VecDeque<Alert>,
    keep_closed: bool,
    alerts_max: usize,
    next_id: u64,
    opened: u64,
    evicted: u64,
}

impl Fold {
    /// With `keep_closed`, closed alerts wait to be fetched (for `inspect`) instead of statements: nothing is sent, so
    /// every host gets an alert of its own whatever storms.
    pub fn new(keep_closed: bool) -> Fold {
        Fold {
            alerts: HashMap::default(),
            by_key: HashMap::default(),
            due: BTreeSet::new(),
            next_due: Timestamp::MAX,
            storm: Storm::default(),
            braked: Braked::default(),
            frequent: Frequent::default(),
            host_hash: RandomState::default(),
            statements: VecDeque::new(),
            closed: VecDeque::new(),
            keep_closed,
            alerts_max: ALERTS_MAX,
            next_id: 0,
            opened: 0,
            evicted: 0,
        }
    }

    /// Whether this host has an open alert for this indicator, or is told of together with others.
    pub fn has(&self, key: &Key) -> bool {
        let in_crowd = |client| self.storm.crowd(&Group::of(key)).is_some_and(|crowd| self.is_in_crowd(crowd, client));
        let is_told_of = self.by_key.contains_key(key) || key.client.is_some_and(in_crowd);
        is_told_of || self.braked.knows(key, &self.host_hash)
    }

    fn is_in_crowd(&self, crowd: AlertId, client: IpAddr) -> bool {
        let crowd = self.alerts.get(&crowd).and_then(|alert| alert.crowd.as_ref());
        crowd.is_some_and(|crowd| crowd.contains(client, &self.host_hash))
    }

    /// Takes in one thing seen.
    pub fn handle(&mut self, seen: Bearing, revision: Revision, now: Timestamp, hosts: &impl Hosts) {
        let site = seen.client.map(|client| hosts.site(client)).unwrap_or_default();
        let Bearing { ref indicator, client, direction, .. } = seen;
        let key = Key { site, indicator: indicator.id, client, direction, marks: indicator.marks };
        if !self.keep_closed {
            if self.braked.holds(indicator) {
                self.count(&key, seen, revision, now, hosts);
                return;
            }
            self.look_for_end(&key, indicator, revision, now, hosts);
        }
        // Whatever comes, a host that was told of goes on in its alert.
        if let Some(id) = self.by_key.get(&key).copied() {
            self.take(id, seen, now, hosts);
            return;
        }
        let telling = self.weigh(&key, &seen, revision, now, hosts);
        match self.decide(&key, telling, now, hosts) {
            Verdict::Alone => self.open(key, seen, false, revision, now, hosts),
            Verdict::Joins(crowd) => self.take(crowd, seen, now, hosts),
            Verdict::OpensCrowd => self.open(Key { client: None, ..key }, seen, true, revision, now, hosts),
        }
    }

    /// It is braked: counted, and told with all others.
    fn count(&mut self, key: &Key, seen: Bearing, revision: Revision, now: Timestamp, hosts: &impl Hosts) {
        let alert = self.by_key.get(key).and_then(|id| self.alerts.get(id));
        let circumstance = Circumstance {
            has_alert: alert.is_some(),
            follows_its_alert: alert.is_some_and(|alert| alert.counted_look_up(seen.start)),
            is_resolver: seen.client.is_some_and(|client| hosts.is_resolver(client)),
        };
        let Fold { braked, host_hash, statements, .. } = self;
        braked.count(key, seen, circumstance, (revision, now), host_hash, statements);
    }

    /// Matches of these indicators are counted only from now on. Alerts that are open stay, and go on once the brake has ended.
    pub fn handle_braking(&mut self, braking: Arc<Braking>, hosts: &impl Hosts) {
        self.leave_to_order(&braking, hosts);
        self.braked.handle_braking(braking, &mut self.statements);
    }

    /// What was counted of each indicator that is braked.
    pub fn braked(&self) -> Vec<BrakedTotal> {
        self.braked.totals()
    }

    /// Who takes in what no open alert of its host does. Where that is a new alert, there is room for it afterwards.
    fn decide(&mut self, key: &Key, telling: Telling, now: Timestamp, hosts: &impl Hosts) -> Verdict {
        let group = Group::of(key);
        let full = self.alerts.len() >= self.alerts_max;
        let is_alone = self.keep_closed || telling == Telling::ByName;
        let may_join = !is_alone && key.client.is_some() && self.storm.crowd(&group).is_some();
        if full && !may_join {
            self.let_one_go(hosts);
        }
        if is_alone {
            return Verdict::Alone;
        }
        let hold_back = full || telling == Telling::Together;
        let Fold { storm, alerts, host_hash, .. } = self;
        storm.decide(&group, key.client, hold_back, now, |crowd, client| {
            let crowd = alerts.get(&crowd).and_then(|alert| alert.crowd.as_ref());
            crowd.is_some_and(|crowd| crowd.contains(client, host_hash))
        })
    }

    /// An open alert takes in one thing more.
    fn take(&mut self, id: AlertId, seen: Bearing, now: Timestamp, hosts: &impl Hosts) {
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        self.due.remove(&(alert.due, id));
        let host = seen.host(hosts);
        let is_new = match (&mut alert.crowd, host) {
            (Some(crowd), Some(host)) => crowd.insert(host, &self.host_hash),
            (Some(_) | None, _) => false,
        };
        let (counted, rose) = alert.take(seen, is_new, now, hosts);
        if !self.keep_closed {
            self.storm.handle_counted(alert, counted);
        }
        if !self.keep_closed && (rose || (is_new && alert.has_doubled())) {
            let group = alert.group();
            let at_once =
                if rose { self.storm.decide_rise(&group, alert.evidence, now) } else { self.storm.decide_more(now) };
            if at_once {
                self.statements.push_back(alert.state_updated(false, self.storm.named(&group), hosts));
            } else {
                alert.gather(now);
            }
        }
        alert.due = alert.next_due();
        self.due.insert((alert.due, id));
        self.set_next_due();
    }

    fn set_next_due(&mut self) {
        let first = self.due.first().map_or(Timestamp::MAX, |(due, _)| *due);
        self.next_due = first.min(self.frequent.next_over().unwrap_or(Timestamp::MAX));
    }

    fn open(
        &mut self,
        key: Key,
        seen: Bearing,
        is_crowd: bool,
        revision: Revision,
        now: Timestamp,
        hosts: &impl Hosts,
    ) {
        self.next_id += 1;
        self.opened += 1;
        let id = AlertId(self.next_id);
        let client = seen.client;
        let group = Group::of(&key);
        let from =
            self.storm.crowd(&group).filter(|crowd| client.is_some_and(|client| self.is_in_crowd(*crowd, client)));
        let from = from.and_then(|crowd| self.alerts.get_mut(&crowd));
        let handed_over = from.map(|crowd| (crowd.hand_over(&seen), crowd));
        let mut alert = Alert::open(Opening { id, key, is_crowd, now }, seen, hosts);
        if let Some((matches, crowd)) = handed_over {
            alert.take_over(crowd);
            self.storm.handle_handed_over(crowd, matches);
        }
        if let (Some(crowd), Some(client)) = (&mut alert.crowd, client) {
            crowd.insert(client, &self.host_hash);
        }
        self.storm.handle_opened(&alert);
        if !self.keep_closed {
            self.statements.push_back(alert.state_opened(revision, self.storm.named(&group), hosts));
        }
        self.due.insert((alert.due, id));
        if !is_crowd {
            self.by_key.insert(key, id);
        }
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
        if alert.crowd.is_none() {
            self.by_key.remove(&alert.key);
        }
        alert.look_again(hosts);
        let named = self.storm.named(&alert.group());
        self.storm.handle_closed(&alert);
        if self.keep_closed {
            self.closed.push_back(*alert);
        } else {
            self.statements.push_back(alert.state_updated(true, named, hosts));
        }
    }

    /// States what is due, closes what is quiet or old.
    pub fn handle_time(&mut self, now: Timestamp, hosts: &impl Hosts) {
        self.braked.handle_time(now, &mut self.statements);
        if now < self.next_due {
            return;
        }
        self.state_what_is_due(now, hosts);
        self.set_next_due();
    }

    fn state_what_is_due(&mut self, now: Timestamp, hosts: &impl Hosts) {
        while let Some(ended) = self.frequent.poll_over(now) {
            self.tell_again(ended, hosts);
        }
        while let Some(&(due, id)) = self.due.first() {
            if due > now {
                return;
            }
            let Some(alert) = self.alerts.get_mut(&id) else {
                self.due.remove(&(due, id));
                continue;
            };
            if alert.is_over(now) {
                self.frequent.handle_closed(&alert.group(), alert.key.client);
                self.close(id, hosts);
                continue;
            }
            self.due.remove(&(due, id));
            alert.look_again(hosts);
            if alert.is_changed() && !self.keep_closed {
                let named = self.storm.named(&alert.group());
                self.statements.push_back(alert.state_updated(false, named, hosts));
            }
            alert.set_next(now);
            self.due.insert((alert.due, id));
        }
    }

    /// The sources have ended: states what has not been stated. The alerts stay open for another run to add nothing to.
    pub fn close_all(&mut self, hosts: &impl Hosts) {
        self.braked.tell_all(&mut self.statements);
        // Crowds first: their number has in it the hosts whose alerts are still open.
        let order = |alert: &Alert| (alert.crowd.is_none(), alert.first_seen, alert.id);
        let mut ids: Vec<(bool, Timestamp, AlertId)> = self.alerts.values().map(|alert| order(alert)).collect();
        ids.sort_unstable();
        for (_, _, id) in ids {
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

    /// What was told of together so far.
    pub fn together(&self) -> Together {
        self.storm.together()
    }
}

#[cfg(test)]
mod tests;
