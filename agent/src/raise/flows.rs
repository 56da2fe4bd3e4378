//! Flows against the indicator set: those whose own outside end is listed, and those that follow a look-up (decisions 21
//! and 22).

use std::sync::Arc;

use varde_common::alert::{Direction, Evidence};
use varde_common::indicator::Indicator;
use varde_common::observation::{Contact, Endpoint, FlowRecord};
use varde_common::time::Timestamp;

use super::answered::Listed;
use super::bearing::{Bearing, Count, Key, Observed};
use super::fold::Hosts;
use super::place::Ends;
use super::{Raise, Sighting};
use crate::flow::{FlowEvent, FlowStep};

impl Raise {
    /// A flow has taken a step. Its address is held against the list once, unless that meets something or the list is
    /// another by now.
    pub fn handle_flow(&mut self, event: &FlowEvent, now: Timestamp) {
        let ends = self.hosts.places.ends(event.record.initiator, event.record.responder);
        if event.step == FlowStep::Opened || !self.watched.is_of_no_concern(event.flow) {
            let direct = self.meet_flow(event, &ends, now);
            if event.step == FlowStep::Opened {
                self.watched.handle_begun(event.flow);
            }
            self.handle_direct(event, &ends, direct, now);
        }
        self.handle_ties(event, now);
        self.handle_follower(event, &ends, now);
        if event.step == FlowStep::Closed
            && let Some(watch) = self.watched.remove(event.flow)
        {
            self.tell_watch(watch);
        }
    }

    /// Indicators of the outside address. A flow that meets any is watched, also one whose time is not come or whose
    /// port is another: it is asked about again.
    fn meet_flow(&mut self, event: &FlowEvent, ends: &Ends, now: Timestamp) -> Vec<Arc<Indicator>> {
        let FlowEvent { began, ref record, .. } = *event;
        let mut direct: Vec<Arc<Indicator>> = Vec::new();
        let mut any = false;
        let ports = record.protocol.has_ports();
        self.set.match_address(ends.server.ip(), |place| {
            any = true;
            let indicator = self.in_force(place, began).or_else(|| self.in_force(place, record.end));
            let fitting = indicator.filter(|indicator| port_fits(indicator, ends.server, ports));
            direct.extend(fitting.filter(|indicator| direct.iter().all(|other| other.id != indicator.id)));
        });
        if any {
            self.watch(event.flow, now);
        }
        direct
    }

    /// A flow whose own outside end is listed.
    fn handle_direct(&mut self, event: &FlowEvent, ends: &Ends, direct: Vec<Arc<Indicator>>, now: Timestamp) {
        let &FlowEvent { flow, source, step, began: start, ref record, .. } = event;
        for indicator in direct {
            let Some(evidence) = evidence_of_flow(event, ends) else { continue };
            let observed = Observed::Address(ends.server.ip()).beside(&indicator);
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
            let watch = self.watched.get_mut(flow, now);
            let first = watch.is_none_or(|watch| watch.count_once(indicator.id, unanswered_inbound));
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
                count: if first { Count::Own } else { Count::More },
                contact: first && evidence >= Evidence::Contacted || step == FlowStep::Answered,
                lookup: self.is_dns(record, ends),
                answer_until: None,
                looked_up_by_other: false,
                possible_contact: false,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
    }

    fn is_dns(&self, record: &FlowRecord, ends: &Ends) -> bool {
        record.protocol.has_ports() && self.dns_ports.contains(&ends.server.port())
    }

    /// A flow to an address that a listed name was answered with.
    fn handle_follower(&mut self, event: &FlowEvent, ends: &Ends, now: Timestamp) {
        let &FlowEvent { flow, step, began: start, ref record, .. } = event;
        let address = ends.server.ip();
        if ends.direction == Direction::Inbound || self.answered.lookups(address, start).next().is_none() {
            return;
        }
        let Some(shown) = evidence_of_flow(event, ends) else { return };
        let lookup = self.is_dns(record, ends);
        if lookup && self.hosts.resolvers.contains(ends.client.ip()) {
            // It asks the listed name's own name server: more of the look-up, nobody's contact.
            return;
        }
        let ports = record.protocol.has_ports();
        let lookups: Vec<Listed> = self
            .answered
            .lookups(address, start)
            .filter(|lookup| port_fits(&lookup.indicator, ends.server, ports))
            .filter(|lookup| self.still_lists(&lookup.indicator, lookup.observed.as_ref(), start))
            .map(|lookup| (Arc::clone(&lookup.indicator), lookup.observed.clone()))
            .collect();
        // Whoever is sent to a sinkhole is there with all who asked for any blocked name.
        let stopped = self.sinkholes.contains(address);
        let shared = stopped || self.answered.is_shared(address, start);
        for (indicator, observed) in lookups {
            if self.is_tied(flow, &indicator, now) {
                // Its hello named it, which says more than the address.
                continue;
            }
            let client = Some(ends.client.ip());
            let site = self.hosts.site(ends.client.ip());
            let direction = Direction::Outbound;
            let key = Key { site, indicator: indicator.id, client, direction, marks: indicator.marks };
            let known = self.fold.has(&key);
            if shared && !known {
                // Every host that uses the shared address would be accused: only one that looked the name up is told of.
                continue;
            }
            let evidence = match (stopped, shared) {
                (true, _) => Evidence::Blocked,
                (false, true) => Evidence::Answered,
                (false, false) => shown,
            };
            let bearing = Bearing {
                indicator,
                client,
                direction,
                evidence,
                observed: observed.map_or(Observed::Withheld, Observed::Name),
                server: ends.server,
                protocol: record.protocol,
                start,
                end: record.end,
                count: Count::More,
                contact: step == FlowStep::Answered && !shared,
                lookup,
                answer_until: None,
                looked_up_by_other: true,
                possible_contact: shared && !stopped,
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
    }
}

/// A port in an indicator is the server's, and only a flow shows one.
pub(super) fn port_fits(indicator: &Indicator, server: Endpoint, has_ports: bool) -> bool {
    indicator.pattern.port.is_none_or(|port| has_ports && port == server.port())
}

/// Nothing but resets and errors is no evidence of anything.
fn evidence_of_flow(event: &FlowEvent, ends: &Ends) -> Option<Evidence> {
    // What somebody outside fetches from a server of ours is what that server is there for; whether this was, its
    // address cannot tell.
    let much_left = ends.direction == Direction::Outbound && event.volume.initiator;
    match event.record.contact {
        Contact::ErrorsOnly => None,
        Contact::Unanswered | Contact::Answered if much_left => Some(Evidence::DataOut),
        Contact::Unanswered => Some(Evidence::Attempted),
        Contact::Answered => Some(Evidence::Contacted),
    }
}
