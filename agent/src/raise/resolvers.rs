//! Which inside hosts are resolvers: configured, or recognised by what they do (decision 22).
//!
//! A resolver asks on behalf of others. What it asks is a trace of somebody, never a victim of its own. Who is recognised,
//! and who may be, is remembered in bounded tables: what has not acted as a resolver for the longest time makes room, so
//! that no number of invented addresses ends recognition.

use std::net::IpAddr;

use hashbrown::HashSet;
use varde_common::time::Timestamp;

use super::place::Places;
use crate::health;
use crate::keyed::RandomState;
use crate::limits::{RESOLVER_SERVERS_ASKED, RESOLVERS_MAX};
use crate::table::Table;

/// Outside servers that a host asked without "recursion desired", before the one that makes it a resolver.
type Asked = [Option<IpAddr>; RESOLVER_SERVERS_ASKED - 1];

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
#[derive(Debug)]
pub struct Resolvers {
    /// None = recognised by what they do.
    configured: Option<HashSet<IpAddr, RandomState>>,
    recognised: Table<IpAddr, (), 1>,
    /// Inside hosts that ask outside servers without wanting recursion: what iterates is a resolver.
    iterating: Table<IpAddr, Asked, 1>,
    evicted: u64,
    asked: health::Asked,
}

impl Resolvers {
    /// With a list, just these; without one, recognised by what they do.
    pub fn new(configured: Option<Vec<IpAddr>>) -> Resolvers {
        Resolvers {
            configured: configured.map(|addresses| addresses.into_iter().collect()),
            recognised: Table::new(RESOLVERS_MAX),
            iterating: Table::new(RESOLVERS_MAX),
            evicted: 0,
            asked: health::Asked::default(),
        }
    }

    /// An inside host has been answered.
    pub fn handle_asked(&mut self, client: IpAddr) {
        let by = if self.contains(client) { &mut self.asked.by_resolvers } else { &mut self.asked.by_others };
        *by += 1;
    }

    /// Who has asked so far.
    pub fn asked(&self) -> health::Asked {
        self.asked
    }

    /// Configured otherwise from now on. Who was recognised is not forgotten.
    pub fn handle_configured(&mut self, configured: Option<Vec<IpAddr>>) {
        self.configured = configured.map(|addresses| addresses.into_iter().collect());
    }

    /// Whether a host is a resolver, as far as is known by now.
    pub fn contains(&self, host: IpAddr) -> bool {
        match &self.configured {
            Some(configured) => configured.contains(&host),
            None => self.recognised.len() > 0 && self.recognised.find(self.recognised.hash_of(&host), &host).is_some(),
        }
    }

    /// Learns from a question: an inside host that answers another inside host is a resolver, and so is one that
    /// asks several outside servers without wanting recursion. A single such question proves nothing: a program that
    /// wants to pass for a resolver must not get away with one.
    pub fn handle_exchange(&mut self, exchange: Exchange, places: &Places, now: Timestamp) {
        let Exchange { client, server, answered, recursion_desired } = exchange;
        if self.configured.is_some() || !places.is_inside(client) {
            return;
        }
        if places.is_inside(server) {
            if answered && client != server {
                self.recognise(server, now);
            }
            return;
        }
        if !recursion_desired {
            self.handle_iteration(client, server, now);
        }
    }

    fn handle_iteration(&mut self, client: IpAddr, server: IpAddr, now: Timestamp) {
        if self.contains(client) {
            self.recognise(client, now);
            return;
        }
        let hash = self.iterating.hash_of(&client);
        let Some(place) = self.iterating.find(hash, &client) else {
            self.evicted += make_room(&mut self.iterating);
            let mut asked: Asked = [None; RESOLVER_SERVERS_ASKED - 1];
            asked.iter_mut().take(1).for_each(|first| *first = Some(server));
            self.iterating.insert(hash, client, asked, 0, now);
            return;
        };
        self.iterating.touch(place, 0, now);
        let Some((_, asked)) = self.iterating.at_mut(place) else { return };
        if asked.contains(&Some(server)) {
            return;
        }
        match asked.iter_mut().find(|place| place.is_none()) {
            Some(free) => *free = Some(server),
            None => {
                self.iterating.remove(place);
                self.recognise(client, now);
            }
        }
    }

    /// It acts as a resolver.
    fn recognise(&mut self, host: IpAddr, now: Timestamp) {
        let hash = self.recognised.hash_of(&host);
        if let Some(place) = self.recognised.find(hash, &host) {
            self.recognised.touch(place, 0, now);
            return;
        }
        self.evicted += make_room(&mut self.recognised);
        self.recognised.insert(hash, host, (), 0, now);
    }

    /// Hosts let go because there were too many that are, or may be, resolvers.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

/// For one more, by letting go what was quiet for the longest time.
fn make_room<V>(table: &mut Table<IpAddr, V, 1>) -> u64 {
    let oldest = table.is_full().then(|| table.oldest(0)).flatten();
    u64::from(oldest.and_then(|(oldest, _)| table.remove(oldest)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RESOLVERS_MAX_OCTETS;
    use crate::raise::place::inside_by_default;

    #[test]
    fn s4_all_resolvers_and_those_that_may_be_some_take_no_more_than_the_limit_says() {
        let octets =
            Table::<IpAddr, (), 1>::octets_for(RESOLVERS_MAX) + Table::<IpAddr, Asked, 1>::octets_for(RESOLVERS_MAX);
        assert!(octets <= RESOLVERS_MAX_OCTETS, "{octets} octets");
    }

    struct Bench {
        resolvers: Resolvers,
        places: Places,
        now: Timestamp,
    }

    impl Bench {
        fn new(configured: Option<Vec<IpAddr>>) -> Bench {
            let places = Places::new(inside_by_default(), Vec::new(), Vec::new());
            Bench { resolvers: Resolvers::new(configured), places, now: Timestamp(0) }
        }

        fn asks(&mut self, client: IpAddr, server: IpAddr, recursion_desired: bool) {
            self.now = Timestamp(self.now.0 + 1);
            let exchange = Exchange { client, server, answered: true, recursion_desired };
            self.resolvers.handle_exchange(exchange, &self.places, self.now);
        }
    }

    fn inside(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into()
    }

    fn outside(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0xc633_6400 + n).into()
    }

    #[test]
    fn who_asks_three_servers_without_recursion_is_a_resolver_and_not_before() {
        let mut bench = Bench::new(None);
        for (server, is_one) in [(1, false), (1, false), (2, false), (2, false), (3, true), (4, true)] {
            bench.asks(inside(1), outside(server), false);
            assert_eq!(bench.resolvers.contains(inside(1)), is_one, "{server}");
        }
        (1..9).for_each(|server| bench.asks(inside(2), outside(server), true));
        assert!(!bench.resolvers.contains(inside(2)), "it leaves recursion to others");
        let mut configured = Bench::new(Some(vec![inside(7)]));
        (1..9).for_each(|server| configured.asks(inside(1), outside(server), false));
        assert_eq!([1, 7].map(|n| configured.resolvers.contains(inside(n))), [false, true]);
    }

    #[test]
    fn s4_no_number_of_invented_hosts_ends_recognition() {
        let mut bench = Bench::new(None);
        let count = 3 * RESOLVERS_MAX as u32;
        bench.asks(inside(1), inside(2), true);
        assert!(bench.resolvers.contains(inside(2)));
        // Hosts that seem to begin to iterate, and hosts that seem to answer; the real resolver answers meanwhile.
        for n in 0..count {
            bench.asks(inside(1_000 + n), outside(1), false);
            bench.asks(inside(100_000 + n), inside(200_000 + n), true);
            bench.asks(inside(1), inside(2), true);
        }
        let let_go = u64::from(count) - RESOLVERS_MAX as u64;
        assert_eq!(bench.resolvers.evicted(), 2 * let_go + 1, "one for the resolver that was there before");
        assert!(bench.resolvers.contains(inside(2)), "it was never quiet");
        (1..4).for_each(|server| bench.asks(inside(3), outside(server), false));
        bench.asks(inside(1), inside(4), true);
        assert!([3, 4].iter().all(|n| bench.resolvers.contains(inside(*n))), "recognition goes on");
    }

    #[test]
    fn who_answers_what_nobody_was_seen_to_ask_is_no_resolver() {
        let mut bench = Bench::new(None);
        let exchange = Exchange { client: inside(1), server: inside(2), answered: false, recursion_desired: true };
        bench.resolvers.handle_exchange(exchange, &bench.places, bench.now);
        assert!(!bench.resolvers.contains(inside(2)));
        bench.asks(inside(1), inside(2), true);
        assert!(bench.resolvers.contains(inside(2)));
    }
}
