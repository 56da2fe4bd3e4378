//! Which inside hosts are resolvers: configured, or recognised by what they do (decision 22).
//!
//! A resolver asks on behalf of others. What it asks is a trace of somebody, never a victim of its own.

use std::net::IpAddr;

use hashbrown::{HashMap, HashSet};

use super::place::Places;
use crate::keyed::RandomState;
use crate::limits::{RESOLVER_SERVERS_ASKED, RESOLVERS_MAX};

/// A question to a server, and whether it was answered.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// Who asked.
    pub client: IpAddr,
    /// Who was asked.
    pub server: IpAddr,
    /// Whether there was a response.
    pub answered: bool,
    /// Whether the client wanted recursion.
    pub recursion_desired: bool,
}

/// The resolvers known so far.
#[derive(Debug, Clone)]
pub struct Resolvers {
    known: HashSet<IpAddr, RandomState>,
    /// Outside servers asked without "recursion desired", per inside host: what iterates is a resolver.
    iterating: HashMap<IpAddr, HashSet<IpAddr, RandomState>, RandomState>,
    recognise: bool,
}

impl Resolvers {
    /// With a list, just these; without one, recognised by what they do.
    pub fn new(configured: Option<Vec<IpAddr>>) -> Resolvers {
        Resolvers {
            recognise: configured.is_none(),
            known: configured.into_iter().flatten().collect(),
            iterating: HashMap::default(),
        }
    }

    /// Whether a host is a resolver, as far as is known by now.
    pub fn contains(&self, host: IpAddr) -> bool {
        self.known.contains(&host)
    }

    /// Learns from a question: an inside host that answers another inside host is a resolver, and so is one that
    /// asks several outside servers without wanting recursion. A single such question proves nothing: a program that
    /// wants to pass for a resolver must not get away with one.
    pub fn handle_exchange(&mut self, exchange: Exchange, places: &Places) {
        let Exchange { client, server, answered, recursion_desired } = exchange;
        if !self.recognise || self.known.len() >= RESOLVERS_MAX || !places.is_inside(client) {
            return;
        }
        if places.is_inside(server) {
            if answered && client != server {
                self.known.insert(server);
            }
            return;
        }
        if recursion_desired || self.known.contains(&client) {
            return;
        }
        if self.iterating.len() >= RESOLVERS_MAX && !self.iterating.contains_key(&client) {
            return;
        }
        let asked = self.iterating.entry(client).or_default();
        asked.insert(server);
        if asked.len() >= RESOLVER_SERVERS_ASKED {
            self.iterating.remove(&client);
            self.known.insert(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RESOLVERS_MAX_OCTETS;

    #[test]
    fn s4_all_resolvers_and_those_that_may_be_some_take_no_more_than_the_limit_says() {
        let table = |places: usize, entry: usize| places * (entry + 1) + 16;
        let places = (2 * RESOLVERS_MAX).next_power_of_two();
        let asked = table(4, size_of::<IpAddr>()) + 16;
        let octets = table(places, size_of::<IpAddr>())
            + table(places, size_of::<(IpAddr, HashSet<IpAddr, RandomState>)>())
            + RESOLVERS_MAX * asked;
        assert!(octets <= RESOLVERS_MAX_OCTETS, "{octets} octets");
        const { assert!(RESOLVER_SERVERS_ASKED <= 3, "a set of more servers has more places") };
    }
}
