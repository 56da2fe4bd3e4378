//! Observations against the indicator set: what matches is a sighting, sightings fold into alerts.
//!
//! The rules are decisions 20 to 22: evidence from `blocked` up to `contacted`, an answer to a listed name remembered for
//! the whole sensor, resolvers never a second victim, inbound noise never a host's fault.

pub mod answered;
mod evidence;
pub mod fold;
pub mod place;
pub mod resolvers;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use varde_common::alert::{Direction, Evidence, Zone};
use varde_common::id::{IndicatorId, Revision, SiteId};
use varde_common::indicator::Indicator;
use varde_common::matcher::{IndicatorSet, Place};
use varde_common::name::DomainName;
use varde_common::observation::{AnswerData, DnsTransaction, Endpoint, FlowRecord, Protocol};
use varde_common::time::Timestamp;

use crate::flow::{FlowEvent, FlowId, FlowStep};
use crate::limits::{QUEUE_MAX, WATCHED_FLOWS_MAX};
use crate::sensor::Statement;
use answered::Answered;
use evidence::{of_flow, of_lookup, port_fits};
use fold::{Alert, Bearing, Fold, Hosts, Key, Observed};
use place::{Ends, Places};
use resolvers::Resolvers;

/// An indicator met a DNS transaction or a flow: who, where, how far.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Which source saw it.
    pub source: u16,
    /// What matched.
    pub indicator: Arc<Indicator>,
    /// How far it got.
    pub evidence: Evidence,
    /// The name or address that matched.
    pub observed: Observed,
    /// The inside end, always.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// Over what.
    pub protocol: Protocol,
    /// Who reached out.
    pub direction: Direction,
    /// Begin of the transaction or flow.
    pub time: Timestamp,
}

/// What the stage hands out beside statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Closed alerts whole, instead of statements.
    pub alerts: bool,
    /// Each sighting.
    pub sightings: bool,
}

/// A flow in touch with an indicator.
#[derive(Debug)]
struct Watched {
    /// Its first packet, also after an active timeout began the record anew.
    start: Timestamp,
    /// Indicators that have counted it.
    counted: Vec<IndicatorId>,
}

/// Who the member's hosts are; kept apart from the fold so that it can ask while it is being changed.
#[derive(Debug)]
struct Neighbourhood {
    places: Places,
    resolvers: Resolvers,
}

impl Hosts for Neighbourhood {
    fn is_resolver(&self, host: IpAddr) -> bool {
        self.resolvers.contains(host)
    }

    fn is_inside(&self, address: IpAddr) -> bool {
        self.places.is_inside(address)
    }

    fn site(&self, host: IpAddr) -> SiteId {
        self.places.site(host)
    }

    fn zone(&self, host: IpAddr) -> Zone {
        self.places.zone(host)
    }
}

/// The stage.
#[derive(Debug)]
pub struct Raise {
    set: Arc<IndicatorSet>,
    revision: Revision,
    hosts: Neighbourhood,
    answered: Answered,
    watched: HashMap<FlowId, Watched>,
    fold: Fold,
    keep: Keep,
    dns_ports: Vec<u16>,
    sightings: VecDeque<Sighting>,
    sightings_total: u64,
    overflow: u64,
}

/// What a transaction met: an indicator, through which name or address.
struct Met {
    indicator: Arc<Indicator>,
    observed: Observed,
    evidence: Evidence,
}

impl Raise {
    /// Without a list nothing matches until [`Raise::handle_set`].
    pub fn new(
        places: Places,
        resolvers: Resolvers,
        dns_ports: Vec<u16>,
        keep: Keep,
        set: Arc<IndicatorSet>,
        revision: Revision,
    ) -> Raise {
        Raise {
            set,
            revision,
            hosts: Neighbourhood { places, resolvers },
            answered: Answered::default(),
            watched: HashMap::new(),
            fold: Fold::new(keep.alerts),
            keep,
            dns_ports,
            sightings: VecDeque::new(),
            sightings_total: 0,
            overflow: 0,
        }
    }

    /// Another list is in force from now on. Open alerts and remembered answers stay.
    pub fn handle_set(&mut self, set: Arc<IndicatorSet>, revision: Revision) {
        self.set = set;
        self.revision = revision;
    }

    /// A DNS transaction has closed.
    pub fn handle_transaction(&mut self, source: u16, transaction: &DnsTransaction, now: Timestamp) {
        self.hosts.resolvers.handle_transaction(transaction, &self.hosts.places);
        let met = self.meet(transaction);
        self.remember(transaction, &met);
        if met.is_empty() {
            return;
        }
        let Ends { client, server, direction } = self.hosts.places.ends(transaction.client, transaction.server);
        for Met { indicator, observed, evidence } in met {
            self.sight(Sighting {
                source,
                indicator: Arc::clone(&indicator),
                evidence,
                observed: observed.clone(),
                client,
                server,
                protocol: transaction.protocol,
                direction,
                time: transaction.time,
            });
            let bearing = Bearing {
                indicator,
                // A question that came from outside is nothing one of our hosts did.
                client: (direction == Direction::Outbound).then_some(client.ip()),
                direction,
                evidence,
                observed,
                server,
                protocol: transaction.protocol,
                start: transaction.time,
                end: transaction.end,
                count: 1,
                contact: false,
                lookup: true,
                looked_up_by_other: false,
                possible_contact: false,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
    }

    /// Every indicator a transaction meets, each once: by its question, else a CNAME target, else an address.
    fn meet(&self, transaction: &DnsTransaction) -> Vec<Met> {
        let mut met: Vec<Met> = Vec::new();
        let mut by_name: Vec<(Place, &DomainName)> = Vec::new();
        let mut target_listed = false;
        self.set.match_name(transaction.qname.as_name(), |place| by_name.push((place, &transaction.qname)));
        for answer in &transaction.answers {
            if let AnswerData::Name(target) = &answer.data {
                self.set.match_name(target.as_name(), |place| {
                    if self.valid(place, transaction.time) {
                        target_listed = true;
                    }
                    by_name.push((place, target));
                });
            }
        }
        let evidence = of_lookup(transaction, target_listed);
        for (place, name) in by_name {
            self.add(&mut met, place, transaction.time, Observed::Name(name.clone()), evidence);
        }
        for answer in &transaction.answers {
            if let AnswerData::Address(address) = answer.data {
                self.set.match_address(address, |place| {
                    self.add(&mut met, place, transaction.time, Observed::Address(address), Evidence::Answered);
                });
            }
        }
        met
    }

    fn valid(&self, place: Place, time: Timestamp) -> bool {
        self.set.indicator(place).is_some_and(|indicator| indicator.validity.holds(time))
    }

    fn add(&self, met: &mut Vec<Met>, place: Place, time: Timestamp, observed: Observed, evidence: Evidence) {
        let Some(indicator) = self.set.indicator(place).filter(|indicator| indicator.validity.holds(time)) else {
            return;
        };
        if met.iter().all(|other| other.indicator.id != indicator.id) {
            met.push(Met { indicator: Arc::new(indicator.clone()), observed, evidence });
        }
    }

    fn remember(&mut self, transaction: &DnsTransaction, met: &[Met]) {
        let addresses = transaction.answers.iter().filter_map(|answer| match answer.data {
            AnswerData::Address(address) => Some((address, answer.ttl_s)),
            AnswerData::Name(_) | AnswerData::Other => None,
        });
        for (address, ttl_s) in addresses {
            let mut listed = false;
            for Met { indicator, observed, .. } in met {
                if let Observed::Name(name) = observed {
                    listed = true;
                    self.answered.remember_listed(address, indicator, name, ttl_s, transaction.end);
                }
            }
            if !listed {
                self.answered.remember_unlisted(address, ttl_s, transaction.end);
            }
        }
    }

    /// A flow has taken a step.
    pub fn handle_flow(&mut self, event: &FlowEvent, now: Timestamp) {
        let FlowEvent { flow, source, step, record } = event;
        let ends = self.hosts.places.ends(record.initiator, record.responder);
        let watched = self.watched.get(flow);
        let start = watched.map_or(record.start, |watched| watched.start);
        let already = watched.is_some();
        let direct = self.meet_flow(&ends, record, start);
        let touched = self.handle_direct(*flow, *source, *step, record, &ends, start, direct, now)
            | self.handle_follower(*step, record, &ends, start, now);
        match step {
            FlowStep::Closed => {
                self.watched.remove(flow);
            }
            FlowStep::Opened | FlowStep::Answered | FlowStep::Reported => {
                if touched && !already {
                    self.watch(*flow, start);
                }
            }
        }
    }

    fn watch(&mut self, flow: FlowId, start: Timestamp) {
        if self.watched.len() < WATCHED_FLOWS_MAX {
            self.watched.entry(flow).or_insert(Watched { start, counted: Vec::new() });
        } else {
            self.overflow += 1;
        }
    }

    fn meet_flow(&self, ends: &Ends, record: &FlowRecord, start: Timestamp) -> Vec<Arc<Indicator>> {
        let mut direct: Vec<Arc<Indicator>> = Vec::new();
        let ports = record.protocol.has_ports();
        self.set.match_address(ends.server.ip(), |place| {
            let Some(indicator) = self.set.indicator(place) else { return };
            let in_time = indicator.validity.holds(start) || indicator.validity.holds(record.end);
            let right_port = port_fits(indicator, ends.server, ports);
            if in_time && right_port && direct.iter().all(|other| other.id != indicator.id) {
                direct.push(Arc::new(indicator.clone()));
            }
        });
        direct
    }

    /// A flow whose own outside end is listed. Tells whether it is.
    #[expect(clippy::too_many_arguments, reason = "one flow's step, taken apart once by the only caller")]
    fn handle_direct(
        &mut self,
        flow: FlowId,
        source: u16,
        step: FlowStep,
        record: &FlowRecord,
        ends: &Ends,
        start: Timestamp,
        direct: Vec<Arc<Indicator>>,
        now: Timestamp,
    ) -> bool {
        let touched = !direct.is_empty();
        for indicator in direct {
            let Some(evidence) = of_flow(record) else { continue };
            let observed = Observed::Address(ends.server.ip());
            if step == FlowStep::Closed {
                self.sight(Sighting {
                    source,
                    indicator: Arc::clone(&indicator),
                    evidence,
                    observed: observed.clone(),
                    client: ends.client,
                    server: ends.server,
                    protocol: record.protocol,
                    direction: ends.direction,
                    time: start,
                });
            }
            let unanswered_inbound = ends.direction == Direction::Inbound && evidence < Evidence::Contacted;
            // Inbound: whether anything of ours answered is known only later.
            if unanswered_inbound && step != FlowStep::Closed {
                continue;
            }
            let first = self.count_once(flow, indicator.id, start, step);
            let bearing = Bearing {
                client: (!unanswered_inbound).then_some(ends.client.ip()),
                indicator,
                direction: ends.direction,
                evidence,
                observed,
                server: ends.server,
                protocol: record.protocol,
                start,
                end: record.end,
                count: u64::from(first),
                contact: first && evidence >= Evidence::Contacted || step == FlowStep::Answered,
                lookup: record.protocol.has_ports() && self.dns_ports.contains(&ends.server.port()),
                looked_up_by_other: false,
                possible_contact: false,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
        touched
    }

    /// Whether this flow counts for this indicator now: it does once.
    fn count_once(&mut self, flow: FlowId, indicator: IndicatorId, start: Timestamp, step: FlowStep) -> bool {
        self.watch(flow, start);
        match self.watched.get_mut(&flow) {
            Some(watched) if watched.counted.contains(&indicator) => false,
            Some(watched) => {
                watched.counted.push(indicator);
                true
            }
            // Too many flows are watched: count it when it ends, which comes once.
            None => step == FlowStep::Closed,
        }
    }

    /// A flow to an address that a listed name was answered with. Tells whether it is.
    fn handle_follower(
        &mut self,
        step: FlowStep,
        record: &FlowRecord,
        ends: &Ends,
        start: Timestamp,
        now: Timestamp,
    ) -> bool {
        if ends.direction == Direction::Inbound {
            return false;
        }
        let Some(mut evidence) = of_flow(record) else { return false };
        let address = ends.server.ip();
        let ports = record.protocol.has_ports();
        let lookups: Vec<(Arc<Indicator>, DomainName)> = self
            .answered
            .lookups(address, start)
            .filter(|lookup| port_fits(&lookup.indicator, ends.server, ports))
            .map(|lookup| (Arc::clone(&lookup.indicator), lookup.observed.clone()))
            .collect();
        let touched = !lookups.is_empty();
        let shared = touched && self.answered.is_shared(address, start);
        for (indicator, observed) in lookups {
            let client = Some(ends.client.ip());
            let site = self.hosts.site(ends.client.ip());
            let key = Key { site, indicator: indicator.id, client, direction: Direction::Outbound };
            let known = self.fold.has(&key);
            if shared {
                // Every host that uses the shared address would be accused: only one that looked the name up is told of.
                if !known {
                    continue;
                }
                evidence = Evidence::Answered;
            }
            let bearing = Bearing {
                indicator,
                client,
                direction: Direction::Outbound,
                evidence,
                observed: Observed::Name(observed),
                server: ends.server,
                protocol: record.protocol,
                start,
                end: record.end,
                count: 0,
                contact: step == FlowStep::Answered && !shared,
                lookup: false,
                looked_up_by_other: true,
                possible_contact: shared,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
        touched
    }

    fn sight(&mut self, sighting: Sighting) {
        self.sightings_total += 1;
        if !self.keep.sightings {
            return;
        }
        if self.sightings.len() < QUEUE_MAX {
            self.sightings.push_back(sighting);
        } else {
            self.overflow += 1;
        }
    }

    /// States what is due.
    pub fn handle_time(&mut self, now: Timestamp) {
        self.fold.handle_time(now, &self.hosts);
    }

    /// The sources have ended.
    pub fn close_all(&mut self) {
        self.fold.close_all(&self.hosts);
    }

    /// The next statement for the spool.
    pub fn poll_statement(&mut self) -> Option<Statement> {
        self.fold.poll_statement()
    }

    /// The next sighting, where they are kept.
    pub fn poll_sighting(&mut self) -> Option<Sighting> {
        self.sightings.pop_front()
    }

    /// The next closed alert, where they are kept.
    pub fn poll_alert(&mut self) -> Option<Alert> {
        self.fold.poll_closed()
    }

    /// Sightings so far.
    pub fn sightings_total(&self) -> u64 {
        self.sightings_total
    }

    /// Alerts opened so far.
    pub fn alerts_total(&self) -> u64 {
        self.fold.opened()
    }

    /// Entries let go because a table was full.
    pub fn evicted(&self) -> u64 {
        self.answered.evicted() + self.fold.evicted() + self.overflow
    }
}

#[cfg(test)]
mod tests;
