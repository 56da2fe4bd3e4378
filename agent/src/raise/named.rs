//! Hellos and requests against the indicator set: contact by name, and the programs that make it (decisions 21 and 22).
//!
//! The name in a hello is the client's own word for whom it wants, so it wins over what may be concluded from an
//! address: sharing an address with others does not lessen it, and another name there shows that the address is shared.

use std::net::IpAddr;
use std::sync::Arc;

use varde_common::alert::{Direction, Evidence};
use varde_common::indicator::Indicator;
use varde_common::name::DomainName;
use varde_common::observation::{Contact, Hello, HttpRequest, Protocol, ServerName};
use varde_common::time::Timestamp;

use super::Raise;
use super::bearing::{Bearing, Count, Observed};
use super::flows::port_fits;
use super::place::Ends;
use super::watched::{Tie, Watch};
use crate::flow::{FlowEvent, FlowId, FlowStep};

/// What a flow showed of itself.
#[derive(Debug, Clone, Copy)]
struct Shown {
    source: u16,
    flow: FlowId,
    contact: Contact,
    ends: Ends,
    protocol: Protocol,
    time: Timestamp,
}

impl Raise {
    /// A flow began with a TLS or QUIC hello. `contact` is how far the flow had got by then.
    ///
    /// Its name is held against names where the client is not outside, its fingerprint whoever speaks.
    pub fn handle_hello(&mut self, source: u16, flow: FlowId, contact: Contact, hello: &Hello, now: Timestamp) {
        let ends = self.hosts.places.ends(hello.client, hello.server);
        let shown = Shown { source, flow, contact, ends, protocol: hello.transport.protocol(), time: hello.time };
        if let Some(server) = &hello.sni {
            self.take_server(shown, server, None, now);
        }
        let mut programs: Vec<Arc<Indicator>> = Vec::new();
        let Some(fingerprint) = hello.ja4 else { return };
        self.set.match_ja4(&fingerprint, |place| programs.extend(self.in_force(place, hello.time)));
        for indicator in programs {
            self.tie(shown, indicator, Observed::Ja4(fingerprint), now);
        }
    }

    /// A request on a flow names its host. `contact` is how far the flow had got by then.
    pub fn handle_http(&mut self, source: u16, flow: FlowId, contact: Contact, request: &HttpRequest, now: Timestamp) {
        let ends = self.hosts.places.ends(request.client, request.server);
        let shown = Shown { source, flow, contact, ends, protocol: Protocol::TCP, time: request.time };
        self.take_server(shown, &request.host, request.target_port, now);
    }

    /// What a client calls the server it wants. `target_port`: the one that a proxy is asked for.
    fn take_server(&mut self, shown: Shown, server: &ServerName, target_port: Option<u16>, now: Timestamp) {
        match server {
            ServerName::Name(name) => self.take_name(shown, name, target_port, now),
            ServerName::Address(address) => self.take_address(shown, *address, target_port, now),
            ServerName::Other(_) => {}
        }
    }

    /// An address where a name belongs: of whom a proxy is asked for, or of a program that goes without names. What the
    /// flow's own address meets is told without it.
    fn take_address(&mut self, shown: Shown, address: IpAddr, target_port: Option<u16>, now: Timestamp) {
        let Shown { ends, time, .. } = shown;
        let reached = ends.server.ip();
        if ends.direction == Direction::Inbound || address.to_canonical() == reached.to_canonical() {
            return;
        }
        let mut listed: Vec<Arc<Indicator>> = Vec::new();
        self.set.match_address(address, |place| listed.extend(self.in_force(place, time)));
        // A network that holds the proxy too has counted the flow by its address.
        self.set.match_address(reached, |place| {
            if let Some(held) = self.in_force(place, time) {
                listed.retain(|other| other.id != held.id);
            }
        });
        let asked = target_port.unwrap_or(ends.server.port());
        for indicator in listed {
            if indicator.pattern.port.is_none_or(|port| port == asked) {
                self.tie(shown, indicator, Observed::Address(address), now);
            }
        }
    }

    /// A name that a client gave to whom it reached. One given from outside is a name of ours, or a guess at one: it
    /// says nothing about our hosts. `target_port`: the one that a proxy is asked for.
    fn take_name(&mut self, shown: Shown, name: &DomainName, target_port: Option<u16>, now: Timestamp) {
        let Shown { ends, time, .. } = shown;
        if ends.direction == Direction::Inbound {
            return;
        }
        let mut listed: Vec<Arc<Indicator>> = Vec::new();
        self.set.match_name(name.as_name(), |place| listed.extend(self.in_force(place, time)));
        if listed.is_empty() {
            self.answered.remember_named(ends.server.ip(), time);
        }
        for indicator in listed {
            let is_asked_for = target_port.is_some() && indicator.pattern.port == target_port;
            if port_fits(&indicator, ends.server, true) || is_asked_for {
                self.tie(shown, indicator, Observed::Name(name.clone()), now);
            }
        }
    }

    /// The flow is tied to the indicator, once.
    fn tie(&mut self, shown: Shown, indicator: Arc<Indicator>, observed: Observed, now: Timestamp) {
        let Shown { source, flow, contact, ends, protocol, time } = shown;
        self.watch(flow, now);
        if self.watched.get_mut(flow, now).is_some_and(|watch| watch.is_tied(indicator.id)) {
            return;
        }
        let is_name = matches!(observed, Observed::Name(_));
        let most = match observed {
            Observed::Name(_) => self.most_of(ends, true),
            // Who is asked for by an address that is not the flow's own was not seen to be reached.
            Observed::Address(_) => self.most_of(ends, true).min(Evidence::Attempted),
            Observed::Ja4(_) | Observed::Withheld => self.most_of(ends, false),
        };
        let observed = observed.beside(&indicator);
        let server = ends.server.ip();
        let follows = is_name && self.answered.leads_to(server, time, indicator.id);
        let (evidence, looked_up_by_other) = (Evidence::Blocked, follows);
        let mut tie = Tie { indicator, observed, ends, source, protocol, time, evidence, most, looked_up_by_other };
        tie.evidence = tie.evidence_of(contact, false);
        // The flow's own step told of the contact already, where the address alone was enough to say so.
        let is_told = follows && !self.answered.is_shared(server, time);
        let bearing = Bearing {
            count: if follows { Count::More } else { Count::OwnUnlessLookedUp },
            contact: tie.evidence >= Evidence::Contacted && !is_told,
            ..bearing_of(&tie, time)
        };
        self.fold.handle(bearing, self.revision, now, &self.hosts);
        while let Some(gone) = self.watched.make_room_for_tie() {
            self.tell_watch(gone);
        }
        if let Err(tie) = self.watched.tie(flow, tie, now) {
            self.tell_tie(*tie);
        }
    }

    /// How far a flow with these ends can get, whatever it does.
    fn most_of(&self, ends: Ends, is_name: bool) -> Evidence {
        let server = ends.server.ip();
        if self.sinkholes.contains(server) {
            Evidence::Blocked
        } else if ends.direction == Direction::Outbound && self.hosts.places.is_inside(server) {
            // A proxy, or a front of our own: what lies behind it was asked for, and not seen to be reached.
            Evidence::Attempted
        } else if is_name {
            Evidence::DataOut
        } else {
            // A program that many use sends much to many: only a name or an address says that it went to the wrong one.
            Evidence::Contacted
        }
    }

    /// A tied flow has taken a step.
    pub(super) fn handle_ties(&mut self, event: &FlowEvent, now: Timestamp) {
        let Some(watch) = self.watched.get_mut(event.flow, now).filter(|watch| !watch.ties.is_empty()) else { return };
        let mut ties = std::mem::take(&mut watch.ties);
        for tie in &mut ties {
            let evidence = tie.evidence_of(event.record.contact, tie.much_left(event));
            tie.evidence = tie.evidence.max(evidence);
            let bearing = Bearing {
                evidence,
                count: Count::More,
                contact: event.step == FlowStep::Answered && evidence >= Evidence::Contacted,
                ..bearing_of(tie, event.record.end.max(tie.time))
            };
            self.fold.handle(bearing, self.revision, now, &self.hosts);
        }
        if let Some(watch) = self.watched.get_mut(event.flow, now) {
            watch.ties = ties;
        }
    }

    /// The flow is watched from now on; one that must go for it is told as it is.
    pub(super) fn watch(&mut self, flow: FlowId, now: Timestamp) {
        if let Some(gone) = self.watched.watch(flow, now) {
            self.tell_watch(gone);
        }
    }

    /// No flow begins by this name: what was said by it got no further.
    pub fn handle_let_go(&mut self, flow: FlowId) {
        if let Some(watch) = self.watched.remove(flow) {
            self.tell_watch(watch);
        }
    }

    /// A watched flow is over, or let go.
    pub(super) fn tell_watch(&mut self, watch: Watch) {
        for tie in watch.ties {
            self.tell_tie(tie);
        }
    }

    fn tell_tie(&mut self, tie: Tie) {
        let Tie { indicator, observed, ends, source, protocol, time, evidence, .. } = tie;
        let Ends { client, server, direction } = ends;
        self.sight(super::Sighting {
            source,
            indicator,
            evidence,
            observed,
            client,
            server,
            protocol,
            direction,
            time,
        });
    }

    /// Whether a flow is tied to an indicator by name.
    pub(super) fn is_tied(&mut self, flow: FlowId, indicator: &Indicator, now: Timestamp) -> bool {
        self.watched.get_mut(flow, now).is_some_and(|watch| watch.is_tied(indicator.id))
    }
}

fn bearing_of(tie: &Tie, end: Timestamp) -> Bearing {
    let client: Option<IpAddr> = tie.host();
    Bearing {
        indicator: Arc::clone(&tie.indicator),
        client,
        direction: tie.ends.direction,
        evidence: tie.evidence,
        observed: tie.observed.clone(),
        server: tie.ends.server,
        protocol: tie.protocol,
        start: tie.time,
        end,
        count: Count::More,
        contact: false,
        lookup: false,
        answer_until: None,
        looked_up_by_other: tie.looked_up_by_other,
        possible_contact: false,
    }
}
