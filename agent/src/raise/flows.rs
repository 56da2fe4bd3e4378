//! Flows against the indicator set: those whose own outside end is listed, and those that follow a look-up (decisions 21
//! and 22).

use std::sync::Arc;

use varde_common::alert::{Direction, Evidence};
use varde_common::id::IndicatorId;
use varde_common::indicator::Indicator;
use varde_common::name::DomainName;
use varde_common::observation::{Contact, Endpoint, FlowRecord};
use varde_common::time::Timestamp;

use super::fold::{Bearing, Hosts, Key, Observed};
use super::place::Ends;
use super::{Raise, Sighting};
use crate::flow::{FlowEvent, FlowId, FlowStep};
use crate::limits::WATCHED_FLOWS_MAX;

impl Raise {
    /// A flow has taken a step.
    pub fn handle_flow(&mut self, event: &FlowEvent, now: Timestamp) {
        let ends = self.hosts.places.ends(event.record.initiator, event.record.responder);
        let direct = self.meet_flow(&ends, &event.record, event.began);
        self.handle_direct(event, &ends, direct, now);
        self.handle_follower(event, &ends, now);
        if event.step == FlowStep::Closed {
            self.watched.remove(&event.flow);
        }
    }

    fn meet_flow(&self, ends: &Ends, record: &FlowRecord, start: Timestamp) -> Vec<Arc<Indicator>> {
        let mut direct: Vec<Arc<Indicator>> = Vec::new();
        let ports = record.protocol.has_ports();
        self.set.match_address(ends.server.ip(), |place| {
            let Some(indicator) = self.set.indicator(place) else { return };
            let in_time = indicator.validity.holds(start) || indicator.validity.holds(record.end);
            let right_port = port_fits(&indicator, ends.server, ports);
            if in_time && right_port && direct.iter().all(|other| other.id != indicator.id) {
                direct.push(Arc::new(indicator));
            }
        });
        direct
    }

    /// A flow whose own outside end is listed.
    fn handle_direct(&mut self, event: &FlowEvent, ends: &Ends, direct: Vec<Arc<Indicator>>, now: Timestamp) {
        let &FlowEvent { flow, source, step, began: start, ref record } = event;
        for indicator in direct {
            let Some(evidence) = evidence_of_flow(record) else { continue };
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
            let first = self.count_once(flow, indicator.id, step);
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
                lookup: self.is_dns(record, ends),
                looked_up_by_other: false,
                possible_contact: false,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
    }

    fn is_dns(&self, record: &FlowRecord, ends: &Ends) -> bool {
        record.protocol.has_ports() && self.dns_ports.contains(&ends.server.port())
    }

    /// Whether this flow counts for this indicator now: it does once.
    fn count_once(&mut self, flow: FlowId, indicator: IndicatorId, step: FlowStep) -> bool {
        let has_room = self.watched.len() < WATCHED_FLOWS_MAX;
        match self.watched.get_mut(&flow) {
            Some(counted) if counted.contains(&indicator) => false,
            Some(counted) => {
                counted.push(indicator);
                true
            }
            None if has_room => {
                self.watched.insert(flow, vec![indicator]);
                true
            }
            // Too many flows are watched: count it when it ends, which comes once.
            None => {
                self.overflow += 1;
                step == FlowStep::Closed
            }
        }
    }

    /// A flow to an address that a listed name was answered with.
    fn handle_follower(&mut self, event: &FlowEvent, ends: &Ends, now: Timestamp) {
        let &FlowEvent { step, began: start, ref record, .. } = event;
        if ends.direction == Direction::Inbound {
            return;
        }
        let Some(mut evidence) = evidence_of_flow(record) else { return };
        let lookup = self.is_dns(record, ends);
        if lookup && self.hosts.resolvers.contains(ends.client.ip()) {
            // It asks the listed name's own name server: more of the look-up, nobody's contact.
            return;
        }
        let address = ends.server.ip();
        let ports = record.protocol.has_ports();
        let lookups: Vec<(Arc<Indicator>, DomainName)> = self
            .answered
            .lookups(address, start)
            .filter(|lookup| port_fits(&lookup.indicator, ends.server, ports))
            .map(|lookup| (Arc::clone(&lookup.indicator), lookup.observed.clone()))
            .collect();
        let shared = !lookups.is_empty() && self.answered.is_shared(address, start);
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
                lookup,
                looked_up_by_other: true,
                possible_contact: shared,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
    }
}

/// A port in an indicator is the server's, and only a flow shows one.
fn port_fits(indicator: &Indicator, server: Endpoint, has_ports: bool) -> bool {
    indicator.pattern.port.is_none_or(|port| has_ports && port == server.port())
}

/// Nothing but resets and errors is no evidence of anything.
fn evidence_of_flow(record: &FlowRecord) -> Option<Evidence> {
    match record.contact {
        Contact::ErrorsOnly => None,
        Contact::Unanswered => Some(Evidence::Attempted),
        Contact::Answered => Some(Evidence::Contacted),
    }
}
