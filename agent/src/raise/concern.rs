//! Whether what was seen concerns anybody, found out before it is put together. Nearly nothing does.
//!
//! Whatever is not told for it, these have noted all the same: who is a resolver, where unlisted names lead.

use std::net::{IpAddr, Ipv4Addr};

use varde_common::alert::Direction;
use varde_common::indicator::{Indicator, Target};
use varde_common::name::DomainName;
use varde_common::observation::Endpoint;
use varde_common::time::Timestamp;

use super::Raise;
use super::place::{Ends, Places};
use super::resolvers::Exchange;
use super::sinkholes::Sinkholes;
use crate::audience::Response;
use crate::dns::Lead;
use crate::flow::{FlowGlimpse, FlowStep};
use crate::health::Asked;
use crate::limits::ANSWERS_NOTED_MAX;
use crate::sensor::SensorSettings;
use crate::transaction::Standing;

impl Raise {
    /// Whether a response is to be handled by [`Raise::handle_transaction`]: its question or an answer meets an
    /// indicator, in force or not, or goes on with a listed name's alias.
    pub fn concerns_response(&mut self, response: &Response<'_>, now: Timestamp) -> bool {
        let Response { client, server, time, end, recursion_desired, standing, message } = *response;
        let exchange = Exchange {
            client: client.ip(),
            server: server.ip(),
            answered: standing != Standing::Unasked,
            recursion_desired,
        };
        self.hosts.resolvers.handle_exchange(exchange, &self.hosts.places, now);
        let mut met = false;
        self.set.match_name(message.qname(), |_| met = true);
        if met || self.answered.aliases(client.ip(), message.qname(), time).next().is_some() {
            return true;
        }
        let mut noted = [(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0); ANSWERS_NOTED_MAX];
        let mut count = 0;
        let is_ordinary = message.ordinary_answers(|lead| match lead {
            Lead::Name(name) => {
                self.set.match_name(name, |_| met = true);
                !met
            }
            Lead::Address(address, ttl_s) => {
                self.set.match_address(address, |_| met = true);
                let place = noted.get_mut(count).map(|place| *place = (address, ttl_s));
                count += 1;
                !met && place.is_some()
            }
        });
        if !is_ordinary {
            return true;
        }
        for &(address, ttl_s) in noted.iter().take(count) {
            self.answered.remember_unlisted(address, ttl_s, end);
        }
        false
    }

    /// Whether a flow's step is to be handled by [`Raise::handle_flow`]: its outside end is listed or was the answer to a
    /// listed name, or what the flow showed has met an indicator.
    /// `ends` are [`Raise::ends`] of the flow.
    pub fn concerns_step(&mut self, glimpse: &FlowGlimpse, ends: &Ends) -> bool {
        let FlowGlimpse { flow, step, began, .. } = *glimpse;
        let is_new = step == FlowStep::Opened;
        if is_new {
            self.watched.handle_opened(flow);
        } else if self.watched.has(flow) {
            return true;
        }
        let server = ends.server.ip();
        let mut met = false;
        if is_new || !self.watched.was_asked_about(flow) {
            self.set.match_address(server, |_| met = true);
        }
        met || ends.direction == Direction::Outbound && self.answered.lookups(server, began).next().is_some()
    }

    /// Whether the list in force still has an indicator that a name met under an earlier one: what was withdrawn or has
    /// run out accuses nobody from then on. Of a confidential one its hash stands for the name, which was not kept.
    pub(super) fn still_lists(&self, indicator: &Indicator, name: Option<&DomainName>, time: Timestamp) -> bool {
        let mut found = false;
        let is_held = |place| self.in_force(place, time).is_some_and(|held| held.id == indicator.id);
        match (name, &indicator.pattern.target) {
            (Some(name), _) => self.set.match_name(name.as_name(), |place| found |= is_held(place)),
            (None, Target::Confidential(hidden)) => self.set.match_hidden_name(hidden, |place| found |= is_held(place)),
            (None, _) => {}
        }
        found
    }

    /// A response came, of whatever interest: who asked is counted.
    pub fn handle_asked(&mut self, client: IpAddr) {
        if self.hosts.places.is_inside(client) {
            self.hosts.resolvers.handle_asked(client);
        }
    }

    /// Who has asked DNS questions so far.
    pub fn asked(&self) -> Asked {
        self.hosts.resolvers.asked()
    }

    /// The member's settings are others from now on. Open alerts stay as they were opened.
    pub fn handle_settings(&mut self, places: Places, settings: &SensorSettings) {
        self.hosts.places = places;
        self.hosts.resolvers.handle_configured(settings.resolvers.clone());
        self.sinkholes = Sinkholes::new(&settings.sinkholes);
        self.fold.handle_hosts_max(settings.frequent_hosts);
    }

    /// The two ends of a flow, seen from the member.
    pub fn ends(&self, initiator: Endpoint, responder: Endpoint) -> Ends {
        self.hosts.places.ends(initiator, responder)
    }
}
