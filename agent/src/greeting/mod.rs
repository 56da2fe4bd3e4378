//! First words of flows: hellos and requests, told by what they say and not by their port, however they are cut.
//!
//! A flow's own entry says how far it got ([`Greeting`]), so that a packet of one that has nothing more to tell costs one
//! test. What fits into one segment or datagram is read where it lies; only what does not is kept, here, within bounds.

mod gathering;

use std::time::Duration;

use varde_common::observation::{Endpoint, Hello, HelloTransport, HttpRequest};
use varde_common::time::Timestamp;

use crate::flow::{FlowId, Heard};
use crate::hello::tls::ClientHello;
use crate::hello::{BadHello, Opening, http, ja4, printable, quic, server_name, tls};
use crate::limits::{
    ALPNS_MAX, GREETING_MAX_OCTETS, GREETING_SEGMENTS_MAX, GREETING_TIMEOUT_S, GREETINGS_MAX,
    GREETINGS_TOTAL_MAX_OCTETS, QUIC_TRIES_MAX,
};
use crate::packet::tcp_flags::SYN;
use crate::packet::{Packet, Transport};
use crate::table::{Place, Table};
use gathering::{Gathering, OverQuic, OverTcp, Took};

/// How far a flow's greeting is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// Nothing like one yet.
    Waiting(Looks),
    /// Its beginning was seen and is kept.
    Gathering(Place),
    /// There is nothing more to look for.
    Over,
}

/// Segments or datagrams with data that were looked at and began no greeting, each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Looks {
    initiator: u8,
    responder: u8,
}

impl Default for Greeting {
    fn default() -> Greeting {
        Greeting::Waiting(Looks::default())
    }
}

impl Looks {
    fn of(self, initiator: bool) -> u8 {
        if initiator { self.initiator } else { self.responder }
    }

    /// So many more: when nothing was heard from the initiator in as many as are looked at, nothing will be.
    fn and(mut self, more: u8, initiator: bool) -> Greeting {
        let looks = if initiator { &mut self.initiator } else { &mut self.responder };
        *looks = looks.saturating_add(more);
        if self.initiator >= GREETING_SEGMENTS_MAX { Greeting::Over } else { Greeting::Waiting(self) }
    }
}

/// A greeting that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Greeted {
    Hello(Hello),
    Http(HttpRequest),
}

/// How many greetings were refused, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusedHellos([u64; BadHello::ALL.len()]);

impl RefusedHellos {
    /// Counts one.
    pub fn count(&mut self, reason: BadHello) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// How many for this reason.
    pub fn of(&self, reason: BadHello) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Each reason with its number, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (BadHello, u64)> {
        BadHello::ALL.into_iter().zip(self.0)
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// What happened to greetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GreetingCounts {
    /// TLS and QUIC hellos read.
    pub hellos: u64,
    /// HTTP requests read that name a host.
    pub requests: u64,
    /// What began like a greeting and is none, by reason.
    pub refused: RefusedHellos,
    /// Beginnings let go because the table or the memory for all of them was full.
    pub evicted: u64,
    /// Beginnings whose rest did not come within the bounds.
    pub given_up: u64,
}

/// Who speaks to whom, and when.
#[derive(Debug, Clone, Copy)]
struct Passage {
    time: Timestamp,
    client: Endpoint,
    server: Endpoint,
    /// Whether hellos are wanted with their fingerprints.
    fingerprints: bool,
}

/// What was said, as read.
#[derive(Debug)]
enum Words {
    Hello(Hello),
    Head(http::Head),
}

/// The greetings of which only a part was seen.
#[derive(Debug)]
pub struct Greetings {
    table: Table<FlowId, Gathering, 1>,
    kept_octets: usize,
    kept_max_octets: usize,
    /// Where QUIC packets are opened.
    space: Vec<u8>,
    fingerprints: bool,
}

impl Greetings {
    /// None yet.
    pub fn new() -> Greetings {
        Greetings::with_limits(GREETINGS_MAX, GREETINGS_TOTAL_MAX_OCTETS)
    }

    fn with_limits(greetings_max: usize, kept_max_octets: usize) -> Greetings {
        Greetings {
            table: Table::new(greetings_max),
            kept_octets: 0,
            kept_max_octets,
            space: Vec::new(),
            fingerprints: true,
        }
    }

    /// Whether hellos are told with their fingerprints; they are unless this says otherwise.
    pub fn set_fingerprints(&mut self, wanted: bool) {
        self.fingerprints = wanted;
    }

    /// Greetings kept in part.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets kept over all.
    pub fn kept_octets(&self) -> usize {
        self.kept_octets
    }

    /// Lets go of what has waited too long for its rest.
    pub fn handle_time(&mut self, now: Timestamp, counts: &mut GreetingCounts) {
        while let Some((oldest, touched)) = self.table.oldest(0)
            && now.since(touched) >= Duration::from_secs(GREETING_TIMEOUT_S)
        {
            counts.given_up += 1;
            self.forget(oldest);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.table.clear();
        self.kept_octets = 0;
    }

    /// Looks at a packet with data, of a flow whose greeting is not over: how far it is now, and what was read.
    pub(crate) fn handle_packet(
        &mut self,
        packet: &Packet<'_>,
        heard: &Heard,
        now: Timestamp,
        counts: &mut GreetingCounts,
    ) -> (Greeting, Option<Greeted>) {
        let fingerprints = self.fingerprints;
        let ends = |src_port, dst_port| Passage {
            time: packet.time,
            client: Endpoint::new(packet.src, src_port),
            server: Endpoint::new(packet.dst, dst_port),
            fingerprints,
        };
        let (took, looks) = match (heard.greeting, packet.transport) {
            (Greeting::Waiting(looks), _) if looks.of(heard.from_initiator) >= GREETING_SEGMENTS_MAX => {
                return (heard.greeting, None);
            }
            (Greeting::Waiting(looks), Transport::Tcp { src_port, dst_port, seq, flags, payload }) => {
                let seq = first_octet(seq, flags);
                let is_first = heard.from_initiator && looks.initiator == 0;
                let start = heard.syn.filter(|_| is_first).map(|syn| syn.wrapping_add(1));
                (begin_tcp(start.unwrap_or(seq), seq, payload, ends(src_port, dst_port)), looks)
            }
            (Greeting::Waiting(looks), Transport::Udp { src_port, dst_port, payload }) => {
                if !quic::may_begin(payload) {
                    // Not counted: else junk in front would hide what comes.
                    return (heard.greeting, None);
                }
                (OverQuic::begin(payload, ends(src_port, dst_port), &mut self.space), looks)
            }
            (Greeting::Gathering(place), _) => return self.go_on(place, packet, heard, ends, now, counts),
            (Greeting::Over | Greeting::Waiting(_), _) => return (heard.greeting, None),
        };
        match took {
            Took::Begun(carrier) => {
                let gathering = Gathering { from_initiator: heard.from_initiator, looks, carrier };
                (self.keep(heard.flow, gathering, now, counts), None)
            }
            took => conclude(took, looks, heard.from_initiator, counts),
        }
    }

    /// Adds what follows on a beginning that is kept.
    fn go_on(
        &mut self,
        place: Place,
        packet: &Packet<'_>,
        heard: &Heard,
        ends: impl Fn(u16, u16) -> Passage,
        now: Timestamp,
        counts: &mut GreetingCounts,
    ) -> (Greeting, Option<Greeted>) {
        let Some((flow, gathering)) = self.table.at_mut(place) else { return (Greeting::Over, None) };
        // It was let go, and something else may lie there.
        if *flow != heard.flow {
            return (Greeting::Over, None);
        }
        if gathering.from_initiator != heard.from_initiator {
            if !heard.from_initiator || gathering.is_hello() {
                return (heard.greeting, None);
            }
            // What a server says first must not hide what its client says.
            let greeting = gathering.looks.and(1, false);
            self.forget(place);
            return self.handle_packet(packet, &Heard { greeting, ..*heard }, now, counts);
        }
        let kept_before = gathering.kept_octets();
        let took = match (&mut gathering.carrier, packet.transport) {
            (gathering::Carrier::Tcp(tcp), Transport::Tcp { src_port, dst_port, seq, flags, payload }) => {
                tcp.take(first_octet(seq, flags), payload, ends(src_port, dst_port))
            }
            (gathering::Carrier::Quic(quic), Transport::Udp { src_port, dst_port, payload }) => {
                quic.take(payload, ends(src_port, dst_port), &mut self.space)
            }
            (_, _) => Took::Nothing,
        };
        let (kept, looks) = (gathering.kept_octets(), gathering.looks);
        self.kept_octets = (self.kept_octets + kept).saturating_sub(kept_before);
        match took {
            Took::Nothing => (heard.greeting, None),
            Took::More | Took::Begun(_) => {
                self.table.touch(place, 0, now);
                self.make_room(counts);
                (heard.greeting, None)
            }
            // What was no greeting may end where this segment begins, and the greeting begin here.
            Took::Other => {
                self.forget(place);
                let greeting = looks.and(1, heard.from_initiator);
                self.handle_packet(packet, &Heard { greeting, ..*heard }, now, counts)
            }
            took => {
                self.forget(place);
                conclude(took, looks, heard.from_initiator, counts)
            }
        }
    }

    /// Keeps a beginning.
    fn keep(&mut self, flow: FlowId, gathering: Gathering, now: Timestamp, counts: &mut GreetingCounts) -> Greeting {
        while self.table.is_full()
            && let Some((oldest, _)) = self.table.oldest(0)
        {
            counts.evicted += 1;
            self.forget(oldest);
        }
        let kept = gathering.kept_octets();
        let hash = self.table.hash_of(&flow);
        let Some(place) = self.table.insert(hash, flow, gathering, 0, now) else { return Greeting::Over };
        self.kept_octets += kept;
        self.make_room(counts);
        Greeting::Gathering(place)
    }

    /// The one just touched stands last, and alone it is far below the bound.
    fn make_room(&mut self, counts: &mut GreetingCounts) {
        while self.kept_octets > self.kept_max_octets
            && let Some((oldest, _)) = self.table.oldest(0)
        {
            counts.evicted += 1;
            self.forget(oldest);
        }
    }

    fn forget(&mut self, place: Place) {
        if let Some((_, gathering)) = self.table.remove(place) {
            self.kept_octets = self.kept_octets.saturating_sub(gathering.kept_octets());
        }
    }
}

impl Default for Greetings {
    fn default() -> Greetings {
        Greetings::new()
    }
}

/// The sequence number of a segment's first octet of data: a SYN takes one itself.
fn first_octet(seq: u32, flags: u8) -> u32 {
    seq.wrapping_add(u32::from(flags & SYN != 0))
}

/// What a flow's greeting is after what was taken, where nothing of it is kept.
fn conclude(took: Took, looks: Looks, initiator: bool, counts: &mut GreetingCounts) -> (Greeting, Option<Greeted>) {
    match took {
        Took::Words(Words::Hello(hello), _) => {
            counts.hellos += 1;
            (Greeting::Over, Some(Greeted::Hello(hello)))
        }
        // Another request may name one.
        Took::Words(Words::Head(http::Head { host: None, .. }), _) => (looks.and(1, initiator), None),
        Took::Words(Words::Head(http::Head { host: Some(host), is_tunnel }), Passage { time, client, server, .. }) => {
            counts.requests += 1;
            // Behind a tunnel's head comes another greeting, and behind an address perhaps a name.
            let goes_on = is_tunnel || host.as_name().is_none();
            let greeting = if goes_on { looks.and(1, initiator) } else { Greeting::Over };
            (greeting, Some(Greeted::Http(HttpRequest { time, client, server, host })))
        }
        Took::Nothing | Took::More | Took::Begun(_) => (Greeting::Waiting(looks), None),
        Took::Other => (looks.and(1, initiator), None),
        Took::Bad(BadHello::NotAuthentic) => {
            counts.refused.count(BadHello::NotAuthentic);
            (looks.and(GREETING_SEGMENTS_MAX / QUIC_TRIES_MAX, initiator), None)
        }
        Took::Bad(reason) => {
            counts.refused.count(reason);
            (Greeting::Over, None)
        }
        Took::GivenUp => {
            counts.given_up += 1;
            (Greeting::Over, None)
        }
    }
}

/// The first segment, or the first one behind what was no greeting: `start` is where the stream begins, if that is near.
fn begin_tcp(start: u32, seq: u32, payload: &[u8], passage: Passage) -> Took {
    let before = payload.len();
    // The difference of two sequence numbers is signed (RFC 9293 section 3.4).
    let ahead = seq.wrapping_sub(start) as i32;
    let start = if ahead.unsigned_abs() as usize >= GREETING_MAX_OCTETS { seq } else { start };
    if start == seq {
        let payload = tls::behind_other_records(payload);
        if payload.is_empty() {
            return Took::Other;
        }
        let start = seq.wrapping_add((before - payload.len()) as u32);
        let mut head = http::Progress::default();
        return match read_words(payload, &mut head, passage) {
            Ok(Opening::Whole(words)) => Took::Words(words, passage),
            Ok(Opening::Until(until)) => OverTcp::begin(start, until, head, payload),
            Ok(Opening::Other) => Took::Other,
            Err(reason) => Took::Bad(reason),
        };
    }
    if ahead > 0 {
        // Its beginning is still to come: too soon to say what it is.
        let mut tcp = OverTcp::new(start, 1, http::Progress::default());
        return match tcp.take(seq, payload, passage) {
            Took::GivenUp => Took::GivenUp,
            _ => Took::Begun(gathering::Carrier::Tcp(tcp)),
        };
    }
    match payload.get(ahead.unsigned_abs() as usize..) {
        Some(fresh) if !fresh.is_empty() => begin_tcp(start, start, fresh, passage),
        // A probe that keeps the connection alive (RFC 9293 section 3.8.4) is no first word.
        Some(_) | None => Took::Nothing,
    }
}

/// Reads what a TCP stream begins with.
fn read_words(stream: &[u8], head: &mut http::Progress, passage: Passage) -> Result<Opening<Words>, BadHello> {
    if tls::may_begin(stream) {
        return Ok(match tls::find_hello(stream)? {
            Opening::Whole(body) => Opening::Whole(Words::Hello(read_hello(&body, HelloTransport::Tls, passage)?)),
            Opening::Until(until) => Opening::Until(until),
            Opening::Other => Opening::Other,
        });
    }
    Ok(match http::read_on(stream, head)? {
        Opening::Whole(head) => Opening::Whole(Words::Head(head)),
        Opening::Until(until) => Opening::Until(until),
        Opening::Other => Opening::Other,
    })
}

/// A hello as an observation.
fn read_hello(body: &[u8], transport: HelloTransport, passage: Passage) -> Result<Hello, BadHello> {
    let hello = ClientHello::read(body)?;
    let Passage { time, client, server, fingerprints } = passage;
    Ok(Hello {
        time,
        client,
        server,
        transport,
        sni: hello.server_name.and_then(server_name),
        alpn: hello.alpn().take(ALPNS_MAX).map(printable).collect(),
        ja4: if fingerprints {
            Some(ja4::fingerprint(&hello, transport).map_err(|_| BadHello::CutShort)?)
        } else {
            None
        },
        ech: hello.ech,
    })
}

#[cfg(test)]
mod tests;
