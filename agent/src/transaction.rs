//! Query and response paired into transactions (RFC 9499), in a bounded table.
//!
//! What makes two messages the same transaction: client, server, protocol, id, name *and* type. A response to another
//! question than the one asked is no response to it.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use hashbrown::Equivalent;
use varde_common::name::{DomainName, Name};
use varde_common::observation::{Answer, DnsTransaction, Endpoint, Protocol};
use varde_common::time::Timestamp;

use crate::audience::{Audience, Response};
use crate::dns::Message;
use crate::limits::{RESPONSE_DUPLICATE_S, TRANSACTION_NAMES_MAX_OCTETS, TRANSACTION_TIMEOUT_S, TRANSACTIONS_MAX};
use crate::table::{Hashed, Place, Table};

const TIMEOUT_US: u64 = TRANSACTION_TIMEOUT_S * 1_000_000;
const DUPLICATE_US: u64 = RESPONSE_DUPLICATE_S * 1_000_000;

/// Lanes of the table, in the order in which they yield.
const ANSWERED: u8 = 0;
const PENDING: u8 = 1;

/// How a message travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// When it was seen (over TCP: its last octet).
    pub time: Timestamp,
    /// Number of the source that saw it.
    pub source: u16,
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// UDP or TCP.
    pub protocol: Protocol,
}

/// What a transaction is to those heard before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its query was seen, and this is what became of it.
    Asked,
    /// A response whose query was not seen: lost, or never sent.
    Unasked,
    /// A further response to a query that had one already.
    Again,
}

/// A transaction that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concluded {
    /// The source that saw its first message.
    pub source: u16,
    /// What it is to others.
    pub standing: Standing,
    /// The transaction.
    pub transaction: DnsTransaction,
}

/// What happened to messages and transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransactionCounts {
    /// Queries seen again while the first one waited for its response.
    pub queries_repeated: u64,
    /// Responses seen again.
    pub responses_repeated: u64,
    /// Responses without a query.
    pub unasked: u64,
    /// Queries whose response came.
    pub answered: u64,
    /// Queries that had no response in time, or until the end.
    pub unanswered: u64,
    /// Queries let go before their time because the table was full (they count as unanswered too).
    pub evicted: u64,
    /// Answer records announced beyond those that are read.
    pub answers_beyond: u64,
    /// Responses whose answer section is broken or cut.
    pub answers_broken: u64,
}

/// The transactions under way.
#[derive(Debug)]
pub struct Transactions {
    table: Table<Key, State, 2>,
    names_octets: usize,
    names_max_octets: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    client: Endpoint,
    server: Endpoint,
    protocol: Protocol,
    id: u16,
    qtype: u16,
    qname: DomainName,
}

impl Key {
    fn asked(&self) -> Asked<'_> {
        let Key { client, server, protocol, id, qtype, qname } = self;
        Asked { client: *client, server: *server, protocol: *protocol, id: *id, qtype: *qtype, qname: qname.as_name() }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asked().hash(state);
    }
}

/// A [`Key`] whose name is borrowed; both hash to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked<'a> {
    client: Endpoint,
    server: Endpoint,
    protocol: Protocol,
    id: u16,
    qtype: u16,
    qname: Name<'a>,
}

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for end in [self.client, self.server] {
            match end.ip() {
                IpAddr::V4(address) => state.write_u64(u64::from(address.to_bits()) << 16 | u64::from(end.port())),
                IpAddr::V6(address) => {
                    state.write_u128(address.to_bits());
                    state.write_u16(end.port());
                }
            }
        }
        let rest = (u64::from(self.id) << 32) | (u64::from(self.qtype) << 8) | u64::from(self.protocol.0);
        state.write_u64(rest);
        state.write(self.qname.octets());
    }
}

impl Asked<'_> {
    fn to_key(self) -> Key {
        let Asked { client, server, protocol, id, qtype, qname } = self;
        Key { client, server, protocol, id, qtype, qname: qname.to_owned() }
    }
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.asked()
    }
}

/// A message on its way into the table.
struct Heard<'a> {
    asked: Asked<'a>,
    hash: Hashed,
    now: Timestamp,
    /// The query as the message tells it; of a response without a query, the query it implies.
    query: Query,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A query waits for its response.
    Pending(Query),
    /// A response was seen; kept only to know it when it comes again. `said` stands for its code and its answers' data, in
    /// whatever order and however long they live.
    Answered { time: Timestamp, said: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Query {
    time: Timestamp,
    source: u16,
    recursion_desired: bool,
}

impl Query {
    fn unanswered(self, key: Key) -> Concluded {
        conclude(key, self, Standing::Asked, self.time, None, Vec::new())
    }
}

impl Transactions {
    /// None yet.
    pub fn new() -> Transactions {
        Transactions::with_limits(TRANSACTIONS_MAX, TRANSACTION_NAMES_MAX_OCTETS)
    }

    fn with_limits(transactions_max: usize, names_max_octets: usize) -> Transactions {
        Transactions { table: Table::new(transactions_max), names_octets: 0, names_max_octets }
    }

    /// Queries that wait, and responses remembered.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nothing waits and nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a message; what it concludes goes to `audience`, where that wants it.
    pub fn handle_message(
        &mut self,
        message: &Message<'_>,
        passage: Passage,
        now: Timestamp,
        counts: &mut TransactionCounts,
        audience: &mut impl Audience,
    ) {
        let Passage { src, dst, protocol, .. } = passage;
        let (client, server) = if message.response { (dst, src) } else { (src, dst) };
        let asked = Asked { client, server, protocol, id: message.id, qtype: message.qtype, qname: message.qname() };
        let hash = self.table.hash_of(&asked);
        let mut place = self.table.find(hash, &asked);
        if let Some(old) = place
            && self.is_over(old, passage.time, now)
        {
            self.take(old, counts, audience);
            place = None;
        }
        let heard = Heard {
            asked,
            hash,
            now,
            query: Query { time: passage.time, source: passage.source, recursion_desired: message.recursion_desired },
        };
        if message.response {
            self.handle_response(&heard, message, place, counts, audience);
        } else {
            self.handle_query(&heard, place, counts, audience);
        }
    }

    fn handle_query(
        &mut self,
        heard: &Heard<'_>,
        place: Option<Place>,
        counts: &mut TransactionCounts,
        audience: &mut impl Audience,
    ) {
        let pending = State::Pending(heard.query);
        let Some(place) = place else {
            self.keep(heard, heard.asked.to_key(), pending, counts, audience);
            return;
        };
        match self.table.at_mut(place) {
            Some((_, State::Pending(_))) => counts.queries_repeated += 1,
            Some((_, answered @ State::Answered { .. })) => {
                *answered = pending;
                self.table.touch(place, PENDING, heard.now);
            }
            None => {}
        }
    }

    fn handle_response(
        &mut self,
        heard: &Heard<'_>,
        message: &Message<'_>,
        place: Option<Place>,
        counts: &mut TransactionCounts,
        audience: &mut impl Audience,
    ) {
        let time = heard.query.time;
        let said = message.digest(|record| self.table.number_of(&record));
        let answered = State::Answered { time, said };
        let (query, standing) = match place.and_then(|place| self.table.at_mut(place)) {
            Some((_, &mut State::Answered { said: before, .. })) if before == said => {
                counts.responses_repeated += 1;
                return;
            }
            // Another response to the same question is told as well: a zone comes in several messages (RFC 5936), and who
            // is faster than the server may forge one.
            Some((_, state @ State::Answered { .. })) => {
                *state = answered;
                (heard.query, Standing::Again)
            }
            Some((_, state @ &mut State::Pending(query))) => {
                *state = answered;
                counts.answered += 1;
                (query, Standing::Asked)
            }
            None => {
                counts.unasked += 1;
                (heard.query, Standing::Unasked)
            }
        };
        match place {
            Some(place) => self.table.touch(place, ANSWERED, heard.now),
            None => self.keep(heard, heard.asked.to_key(), answered, counts, audience),
        }
        let Asked { client, server, .. } = heard.asked;
        let recursion_desired = query.recursion_desired;
        let end = time.max(query.time);
        let response = Response { client, server, time: query.time, end, recursion_desired, standing, message };
        if !audience.wants_response(&response) {
            return;
        }
        let known = place.and_then(|place| self.table.at(place)).map(|(key, _)| key.clone());
        let key = known.unwrap_or_else(|| heard.asked.to_key());
        let section = message.answers_to(&key.qname);
        counts.answers_beyond += section.beyond;
        counts.answers_broken += u64::from(section.broken.is_some());
        audience.take(conclude(key, query, standing, time, Some(message.rcode), section.answers).into());
    }

    /// The next query that had no response in time.
    pub fn poll_expired(&mut self, now: Timestamp, counts: &mut TransactionCounts) -> Option<Concluded> {
        while let Some((oldest, touched)) = self.table.oldest(ANSWERED)
            && now.micros_since(touched) >= DUPLICATE_US
        {
            self.forget(oldest);
        }
        let (oldest, touched) = self.table.oldest(PENDING)?;
        if now.micros_since(touched) < TIMEOUT_US {
            return None;
        }
        self.close(oldest, counts)
    }

    /// The queries that wait, with their times.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (Place, Timestamp)> {
        self.table.iter().filter_map(|(place, _, state)| match state {
            State::Pending(query) => Some((place, query.time)),
            State::Answered { .. } => None,
        })
    }

    /// Ends the waiting of a query.
    pub(crate) fn close(&mut self, place: Place, counts: &mut TransactionCounts) -> Option<Concluded> {
        match self.remove(place)? {
            (key, State::Pending(query)) => {
                counts.unanswered += 1;
                Some(query.unanswered(key))
            }
            (_, State::Answered { .. }) => None,
        }
    }

    /// Whether what lies there is over for a message of that time: by the clock, or by the messages' own times (one
    /// source may be long behind another).
    fn is_over(&self, place: Place, time: Timestamp, now: Timestamp) -> bool {
        let Some((_, state, touched)) = self.table.at_since(place) else { return true };
        let waited_us = now.micros_since(touched);
        match state {
            State::Pending(query) => waited_us.max(time.micros_since(query.time)) >= TIMEOUT_US,
            State::Answered { time: answered, .. } => waited_us.max(time.micros_since(*answered)) >= DUPLICATE_US,
        }
    }

    fn take(&mut self, place: Place, counts: &mut TransactionCounts, audience: &mut impl Audience) {
        if let Some(concluded) = self.close(place, counts) {
            audience.take(concluded.into());
        }
    }

    fn keep(
        &mut self,
        heard: &Heard<'_>,
        key: Key,
        state: State,
        counts: &mut TransactionCounts,
        audience: &mut impl Audience,
    ) {
        let octets = heard.asked.qname.octets().len();
        let lane = if matches!(state, State::Pending(_)) { PENDING } else { ANSWERED };
        self.make_room(octets, counts, audience);
        if self.table.insert(heard.hash, key, state, lane, heard.now).is_some() {
            self.names_octets += octets;
        }
    }

    fn remove(&mut self, place: Place) -> Option<(Key, State)> {
        let (key, state) = self.table.remove(place)?;
        self.names_octets = self.names_octets.saturating_sub(key.qname.as_name().octets().len());
        Some((key, state))
    }

    /// Of whom nobody is to be told.
    fn forget(&mut self, place: Place) {
        let octets = self.table.at(place).map_or(0, |(key, _)| key.qname.as_name().octets().len());
        self.names_octets = self.names_octets.saturating_sub(octets);
        self.table.discard(place);
    }

    /// For one more, whose name has so many octets.
    fn make_room(&mut self, octets: usize, counts: &mut TransactionCounts, audience: &mut impl Audience) {
        while self.table.is_full() || self.names_octets + octets > self.names_max_octets {
            match (self.table.oldest(ANSWERED), self.table.oldest(PENDING)) {
                (Some((answered, _)), _) => self.forget(answered),
                (None, Some((pending, _))) => {
                    counts.evicted += 1;
                    self.take(pending, counts, audience);
                }
                (None, None) => return,
            }
        }
    }
}

impl Default for Transactions {
    fn default() -> Transactions {
        Transactions::new()
    }
}

fn conclude(
    key: Key,
    query: Query,
    standing: Standing,
    end: Timestamp,
    rcode: Option<u8>,
    answers: Vec<Answer>,
) -> Concluded {
    let Key { client, server, protocol, id, qtype, qname } = key;
    let Query { time, source, recursion_desired } = query;
    let transaction = DnsTransaction {
        time,
        end: end.max(time),
        client,
        server,
        protocol,
        id,
        recursion_desired,
        qname,
        qtype,
        rcode,
        answers,
    };
    Concluded { source, standing, transaction }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{self, sample};
    use crate::observe::Seen;
    use proptest::prelude::*;
    use varde_common::observation::AnswerData;

    const ADDRESS: (u16, u16, &[u8]) = (1, 1, &[192, 0, 2, 1]);

    #[test]
    fn s4_all_transactions_together_take_no_more_than_the_limit_says() {
        // A shared name is counted in sixteen; an allocator gives out sixteen at a time, and needs eight of them.
        let names = TRANSACTION_NAMES_MAX_OCTETS + TRANSACTIONS_MAX * 40;
        let octets = Table::<Key, State, 2>::octets_for(TRANSACTIONS_MAX) + names;
        let each = Table::<Key, State, 2>::ENTRY_OCTETS;
        assert!(octets <= crate::limits::TRANSACTIONS_MAX_OCTETS, "{octets} octets, {each} a transaction");
    }

    struct Bench {
        transactions: Transactions,
        counts: TransactionCounts,
        seen: Vec<DnsTransaction>,
        now: Timestamp,
    }

    impl Bench {
        fn new(transactions_max: usize) -> Bench {
            Bench {
                transactions: Transactions::with_limits(transactions_max, TRANSACTION_NAMES_MAX_OCTETS),
                counts: TransactionCounts::default(),
                seen: Vec::new(),
                now: Timestamp::MIN,
            }
        }

        fn message(&mut self, seconds: i64, octets: &[u8], client: &str, protocol: Protocol) {
            let message = dns::read(octets).unwrap();
            let (client, server) = (client.parse().unwrap(), "10.0.0.53:53".parse().unwrap());
            let (src, dst) = if message.response { (server, client) } else { (client, server) };
            let passage = Passage { time: Timestamp::from_unix(seconds, 0), source: 3, src, dst, protocol };
            self.now = self.now.max(passage.time);
            let seen = &mut self.seen;
            self.transactions.handle_message(&message, passage, self.now, &mut self.counts, &mut |told| {
                let Seen::Dns { source, transaction, .. } = told else { panic!("{told:?}") };
                assert_eq!(source, 3);
                seen.push(transaction);
            });
        }

        fn udp(&mut self, seconds: i64, octets: &[u8]) {
            self.message(seconds, octets, "10.0.0.1:40000", Protocol::UDP);
        }

        fn wait(&mut self, seconds: i64) {
            self.now = self.now.max(Timestamp::from_unix(seconds, 0));
            while let Some(concluded) = self.transactions.poll_expired(self.now, &mut self.counts) {
                self.seen.push(concluded.transaction);
            }
        }

        /// Name, start and end in seconds, rcode, answers.
        fn told(&mut self) -> Vec<(String, i64, i64, Option<u8>, usize)> {
            let seconds = |time: Timestamp| time.as_micros() / 1_000_000;
            self.seen
                .drain(..)
                .map(|t| (t.qname.to_string(), seconds(t.time), seconds(t.end), t.rcode, t.answers.len()))
                .collect()
        }
    }

    fn one(
        name: &str,
        time: i64,
        end: i64,
        rcode: Option<u8>,
        answers: usize,
    ) -> (String, i64, i64, Option<u8>, usize) {
        (name.to_owned(), time, end, rcode, answers)
    }

    #[test]
    fn a_response_closes_its_query_at_once_in_whatever_case() {
        let mut bench = Bench::new(8);
        bench.udp(1, &sample::query(7, "EVIL.no", 1));
        assert!(bench.seen.is_empty());
        bench.udp(2, &sample::response(7, "eviL.No", 1, 0, &[ADDRESS]));
        let seen = bench.seen.first().unwrap();
        assert_eq!(
            (seen.client.to_string(), seen.server.to_string()),
            ("10.0.0.1:40000".into(), "10.0.0.53:53".into())
        );
        assert_eq!((seen.id, seen.qtype, seen.recursion_desired), (7, 1, true));
        assert_eq!(seen.answers.first().map(|a| &a.data), Some(&AnswerData::Address([192, 0, 2, 1].into())));
        assert_eq!(bench.told(), [one("evil.no", 1, 2, Some(0), 1)]);
        bench.wait(100);
        assert!(bench.seen.is_empty() && bench.transactions.is_empty());
    }

    #[test]
    fn what_differs_in_anything_is_another_transaction() {
        let query = sample::query(7, "a.no", 1);
        for (what, response, client, protocol) in [
            ("id", sample::response(8, "a.no", 1, 0, &[]), "10.0.0.1:40000", Protocol::UDP),
            ("name", sample::response(7, "b.no", 1, 0, &[]), "10.0.0.1:40000", Protocol::UDP),
            ("type", sample::response(7, "a.no", 28, 0, &[]), "10.0.0.1:40000", Protocol::UDP),
            ("port", sample::response(7, "a.no", 1, 0, &[]), "10.0.0.1:40001", Protocol::UDP),
            ("client", sample::response(7, "a.no", 1, 0, &[]), "10.0.0.2:40000", Protocol::UDP),
            ("protocol", sample::response(7, "a.no", 1, 0, &[]), "10.0.0.1:40000", Protocol::TCP),
        ] {
            let mut bench = Bench::new(8);
            bench.udp(1, &query);
            bench.message(2, &response, client, protocol);
            assert_eq!(bench.counts.unasked, 1, "{what}");
            let told = bench.told();
            assert_eq!((told.len(), told[0].1, told[0].3), (1, 2, Some(0)), "{what}: a transaction of its own");
            bench.wait(7);
            assert_eq!(bench.told(), [one("a.no", 1, 1, None, 0)], "{what}");
        }
    }

    #[test]
    fn a_query_sent_again_is_the_same_and_a_response_sent_again_is_nothing() {
        let (query, response) = (sample::query(7, "a.no", 1), sample::response(7, "a.no", 1, 3, &[]));
        let mut bench = Bench::new(8);
        bench.udp(1, &query);
        bench.udp(4, &query);
        bench.udp(5, &response);
        bench.udp(6, &response);
        assert_eq!(bench.told(), [one("a.no", 1, 5, Some(3), 0)]);
        assert_eq!((bench.counts.queries_repeated, bench.counts.responses_repeated), (1, 1));
        bench.udp(7, &query); // asked once more after the response
        bench.udp(8, &response);
        assert_eq!(bench.told(), [one("a.no", 7, 8, Some(3), 0)]);
        bench.udp(20, &response); // too late to be the same
        assert_eq!(bench.told(), [one("a.no", 20, 20, Some(3), 0)]);
    }

    #[test]
    fn another_response_to_the_same_question_is_told_as_well() {
        let other: (u16, u16, &[u8]) = (1, 1, &[192, 0, 2, 200]);
        let response = |rcode, records: &[_]| sample::response(7, "a.no", 1, rcode, records);
        let mut bench = Bench::new(8);
        bench.udp(1, &sample::query(7, "a.no", 1));
        bench.udp(2, &response(0, &[ADDRESS, other]));
        bench.udp(2, &response(0, &[other, ADDRESS])); // the same, in another order
        assert_eq!(bench.told(), [one("a.no", 1, 2, Some(0), 2)]);
        // What a forger was first with, or the next part of a zone.
        bench.udp(3, &response(0, &[other]));
        bench.udp(3, &response(0, &[other]));
        bench.udp(3, &response(3, &[]));
        assert_eq!(bench.told(), [one("a.no", 3, 3, Some(0), 1), one("a.no", 3, 3, Some(3), 0)]);
        assert_eq!((bench.counts.responses_repeated, bench.counts.unasked), (2, 0));
    }

    #[test]
    fn without_a_response_in_time_there_was_none() {
        let (query, response) = (sample::query(7, "a.no", 1), sample::response(7, "a.no", 1, 0, &[ADDRESS]));
        let mut bench = Bench::new(8);
        bench.udp(1, &query);
        bench.wait(6);
        assert!(bench.seen.is_empty());
        bench.wait(7);
        assert_eq!(bench.told(), [one("a.no", 1, 1, None, 0)]);
        bench.udp(8, &response);
        assert_eq!(bench.told(), [one("a.no", 8, 8, Some(0), 1)]);
        // The same without anybody asking for what has expired in between.
        bench.udp(20, &query);
        bench.udp(30, &response);
        assert_eq!(bench.told(), [one("a.no", 20, 20, None, 0), one("a.no", 30, 30, Some(0), 1)]);
        bench.udp(50, &query);
        bench.udp(60, &query);
        assert_eq!(bench.told(), [one("a.no", 50, 50, None, 0)]);
        assert_eq!(bench.counts.unanswered, 3);
    }

    #[test]
    fn a_source_that_is_behind_pairs_by_its_own_times() {
        let (query, response) = (sample::query(7, "a.no", 1), sample::response(7, "a.no", 1, 0, &[]));
        let mut bench = Bench::new(8);
        bench.udp(10_000, &sample::query(1, "now.no", 1));
        bench.udp(10, &query);
        bench.udp(11, &response);
        bench.udp(30, &query);
        bench.udp(50, &query);
        bench.udp(49, &response); // even before its query
        assert_eq!(
            bench.told(),
            [one("a.no", 10, 11, Some(0), 0), one("a.no", 30, 30, None, 0), one("a.no", 50, 50, Some(0), 0)]
        );
    }

    #[test]
    fn s4_a_full_table_tells_the_oldest_query_as_unanswered() {
        let mut bench = Bench::new(4);
        bench.udp(1, &sample::query(0, "answered.no", 1));
        bench.udp(1, &sample::response(0, "answered.no", 1, 0, &[]));
        bench.told();
        for id in 1..=6 {
            bench.udp(1, &sample::query(id, "flood.no", 1));
            assert!(bench.transactions.len() <= 4);
        }
        assert_eq!(bench.seen.iter().map(|t| (t.id, t.rcode)).collect::<Vec<_>>(), [(1, None), (2, None)]);
        assert_eq!((bench.counts.evicted, bench.counts.unanswered), (2, 2));
    }

    #[test]
    fn s4_long_names_let_the_oldest_go_before_they_take_more_than_their_share() {
        let mut bench = Bench::new(100);
        bench.transactions = Transactions::with_limits(100, 1_000);
        let name = |id: u16| format!("{}{id:03}.no", "x".repeat(50));
        for id in 0..50 {
            bench.udp(1, &sample::query(id, &name(id), 1));
            assert!(bench.transactions.names_octets <= 1_000);
        }
        let kept = 1_000 / (1 + 53 + 3);
        assert_eq!((bench.transactions.len(), bench.counts.evicted), (kept, 50 - kept as u64));
        for id in 40..50 {
            bench.udp(2, &sample::response(id, &name(id), 1, 0, &[]));
        }
        bench.told();
        bench.wait(100);
        assert_eq!((bench.transactions.names_octets, bench.counts.unanswered), (0, 40));
    }

    #[test]
    fn what_could_not_be_read_of_answers_is_counted() {
        let mut bench = Bench::new(4);
        let many: Vec<(u16, u16, &[u8])> = vec![ADDRESS; 70];
        bench.udp(1, &sample::response(1, "many.no", 1, 0, &many));
        let mut cut = sample::response(2, "cut.no", 1, 0, &[ADDRESS, ADDRESS]);
        cut.pop();
        bench.udp(1, &cut);
        assert_eq!(bench.told(), [one("many.no", 1, 1, Some(0), 64), one("cut.no", 1, 1, Some(0), 1)]);
        assert_eq!((bench.counts.answers_beyond, bench.counts.answers_broken), (6, 1));
    }

    proptest! {
        #[test]
        fn s4_every_query_is_told_and_the_table_stays_within_its_limit(
            steps in prop::collection::vec((any::<bool>(), 0u16..6, 0i64..4, -30i64..30), 0..200),
        ) {
            let mut bench = Bench::new(4);
            let (mut seconds, mut queries, mut responses) = (1000, 0, 0);
            for (response, id, pause, jump) in steps {
                seconds += pause;
                let octets = if response { sample::response(id, "a.no", 1, 0, &[]) } else { sample::query(id, "a.no", 1) };
                bench.udp(seconds + if jump.abs() > 25 { jump } else { 0 }, &octets);
                if response { responses += 1 } else { queries += 1 }
                prop_assert!(bench.transactions.len() <= 4);
            }
            bench.wait(10_000);
            let (with, without): (Vec<_>, Vec<_>) = bench.told().into_iter().partition(|told| told.3.is_some());
            prop_assert_eq!(with.len() as u64, responses - bench.counts.responses_repeated);
            prop_assert_eq!(without.len() as u64, bench.counts.unanswered);
            let answered = with.len() as u64 - bench.counts.unasked;
            prop_assert_eq!(queries, answered + bench.counts.unanswered + bench.counts.queries_repeated);
            prop_assert!(bench.transactions.is_empty() && bench.transactions.names_octets == 0);
        }
    }
}
