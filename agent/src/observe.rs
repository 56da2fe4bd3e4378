//! Packets to observations: what a sensor saw, as DNS transactions, first words and flows, in the order in which it was over.
//!
//! An [`Observer`] owns the stages between a packet and an observation. It is told of packets and of the time, and
//! asked what was seen until it has nothing more to say. What times out is taken out of the tables only when asked for,
//! so a leap of the clock costs no memory.

use std::collections::VecDeque;
use std::time::Duration;

use varde_common::observation::{Contact, DnsTransaction, Endpoint, Hello, HttpRequest, Protocol};
use varde_common::time::Timestamp;

use crate::audience::{Audience, Response};
use crate::dns::{self, RefusedMessages};
use crate::flow::{FlowCounts, FlowEvent, FlowGlimpse, FlowId, FlowStep, Flows, Heard};
use crate::greeting::{Greeted, Greeting, GreetingCounts, Greetings, Told};
use crate::hello::quic;
use crate::limits::{
    DATA_OUT_OCTETS, FLOW_ACTIVE_TIMEOUT_S, FLOW_IDLE_TIMEOUT_S, FLOWS_MAX, TIMEOUTS_LOOKED_AT_EVERY_MS,
};
use crate::packet::{Fragment, Packet, Transport};
use crate::stream::{Segment, StreamCounts, Streams};
use crate::table::Place;
use crate::transaction::{Concluded, Passage, Standing, TransactionCounts, Transactions};

/// What can be set about observing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserveSettings {
    /// Ports that carry DNS, at either end.
    pub dns_ports: Vec<u16>,
    /// A flow without packets for so long is over, seconds.
    pub flow_idle_s: u64,
    /// A flow that goes on is reported after so long, seconds.
    pub flow_active_s: u64,
    /// Flows remembered at once.
    pub flows_max: usize,
    /// More than so much from one end of a flow counts as data out, octets.
    pub data_out_octets: u32,
}

impl Default for ObserveSettings {
    fn default() -> ObserveSettings {
        ObserveSettings {
            dns_ports: vec![53],
            flow_idle_s: FLOW_IDLE_TIMEOUT_S,
            flow_active_s: FLOW_ACTIVE_TIMEOUT_S,
            flows_max: FLOWS_MAX,
            data_out_octets: DATA_OUT_OCTETS,
        }
    }
}

/// Something seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A DNS transaction that is over.
    Dns {
        /// The source that saw its first message.
        source: u16,
        /// What it is to those before it.
        standing: Standing,
        /// The transaction.
        transaction: DnsTransaction,
    },
    /// A step of a flow.
    Flow(FlowEvent),
    /// The first words of a TLS or QUIC client.
    Hello {
        /// The source that saw its last octet.
        source: u16,
        /// The flow they were said in.
        flow: FlowId,
        /// How far that flow had got.
        contact: Contact,
        /// The words.
        hello: Hello,
    },
    /// An HTTP request that names its host.
    Http {
        /// The source that saw its last octet.
        source: u16,
        /// The flow it was made in.
        flow: FlowId,
        /// How far that flow had got.
        contact: Contact,
        /// The request.
        request: HttpRequest,
    },
}

impl From<Told> for Seen {
    fn from(Told { source, flow, contact, greeted }: Told) -> Seen {
        match greeted {
            Greeted::Hello(hello) => Seen::Hello { source, flow, contact, hello },
            Greeted::Http(request) => Seen::Http { source, flow, contact, request },
        }
    }
}

impl From<Concluded> for Seen {
    fn from(Concluded { source, standing, transaction }: Concluded) -> Seen {
        Seen::Dns { source, standing, transaction }
    }
}

/// Everything observed, refused and let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObserveCounts {
    /// DNS messages read.
    pub dns_messages: u64,
    /// What came to or from a DNS port and is no message we read, by reason.
    pub dns_refused: RefusedMessages,
    /// Queries and responses.
    pub transactions: TransactionCounts,
    /// DNS over TCP.
    pub streams: StreamCounts,
    /// Flows, and packets that are in none.
    pub flows: FlowCounts,
    /// Hellos and requests.
    pub greetings: GreetingCounts,
}

/// The stages between packets and observations.
#[derive(Debug)]
pub struct Observer {
    dns_ports: Vec<u16>,
    clock: Timestamp,
    /// When the tables are next asked what has timed out: not with every packet.
    due: Timestamp,
    flows: Flows,
    greetings: Greetings,
    streams: Streams,
    transactions: Transactions,
    /// What time has brought to an end, to be fetched.
    over: VecDeque<Seen>,
    /// What is left to close after [`Observer::close_all`], the first last.
    closing: Vec<(Timestamp, Open)>,
    counts: ObserveCounts,
}

/// Something open, to be closed at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    Transaction(Place),
    Flow(Place),
}

impl Observer {
    /// Has seen nothing yet.
    pub fn new(settings: ObserveSettings) -> Observer {
        let ObserveSettings { dns_ports, flow_idle_s, flow_active_s, flows_max, data_out_octets } = settings;
        let (idle, active) = (Duration::from_secs(flow_idle_s), Duration::from_secs(flow_active_s));
        Observer {
            dns_ports,
            clock: Timestamp::MIN,
            due: Timestamp::MIN,
            flows: Flows::new(flows_max, idle, active, data_out_octets),
            greetings: Greetings::new(),
            streams: Streams::new(),
            transactions: Transactions::new(),
            over: VecDeque::new(),
            closing: Vec::new(),
            counts: ObserveCounts::default(),
        }
    }

    /// An end of a flow opened from now on has sent much beyond so many octets.
    pub fn handle_data_out(&mut self, data_out_octets: u32) {
        self.flows.handle_data_out(data_out_octets);
    }

    /// Takes a packet when the clock of timeouts says `now`, which need not be the packet's own time. What is seen in it
    /// goes to `audience`; what times out meanwhile waits for [`Observer::poll_seen`]. A fragment counts in its flow as it
    /// comes; what is in it is read when the whole comes ([`Fragment::Rejoined`]).
    pub fn handle_packet(&mut self, packet: &Packet<'_>, now: Timestamp, audience: &mut impl Audience) {
        self.handle_time(now);
        // Before what may end their flows.
        if !self.over.is_empty() {
            self.tell_waiting(audience);
        }
        let now = self.clock;
        let Observer { flows, greetings, counts, .. } = self;
        let mut before_closed = BeforeClosed { greetings, counts: &mut counts.greetings, audience };
        // A packet put together from fragments is counted as they came; what it says is new.
        let heard = if packet.fragment == Fragment::Rejoined {
            flows.hear(packet)
        } else {
            flows.handle_packet(packet, now, &mut counts.flows, &mut before_closed)
        };
        // The beginning of a packet in fragments comes again with the rest of it.
        if let Some(heard) = heard
            && packet.fragment != Fragment::First
        {
            self.take_first_words(packet, &heard, audience);
        }
        match packet.transport {
            _ if packet.fragment == Fragment::First => {}
            Transport::Udp { src_port, dst_port, payload } if self.is_dns(src_port, dst_port) => {
                self.take_datagram(packet, src_port, dst_port, payload, audience);
            }
            Transport::Tcp { src_port, dst_port, seq, ack, flags, payload, urgent: _ }
                if self.is_dns(src_port, dst_port) =>
            {
                let (src, dst) = (Endpoint::new(packet.src, src_port), Endpoint::new(packet.dst, dst_port));
                self.take_segment(packet, Segment { src, dst, seq, ack, flags, payload }, audience);
            }
            Transport::Udp { .. }
            | Transport::Tcp { .. }
            | Transport::Ports { .. }
            | Transport::Icmp { .. }
            | Transport::Other => {}
        }
    }

    /// Whether hellos are told with their fingerprints; they are unless this says otherwise.
    pub fn set_fingerprints(&mut self, wanted: bool) {
        self.greetings.set_fingerprints(wanted);
    }

    /// Moves the clock, never back.
    #[inline]
    pub fn handle_time(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now);
        if self.clock >= self.due || !self.closing.is_empty() {
            self.handle_due();
        }
    }

    #[inline(never)]
    fn handle_due(&mut self) {
        if self.clock >= self.due {
            self.streams.handle_time(self.clock);
            let Observer { greetings, counts, over, clock, .. } = self;
            greetings.handle_time(*clock, &mut counts.greetings, &mut |told| over.push_back(told.into()));
        }
        // Where life goes on, places may come to hold something else.
        if !self.closing.is_empty() {
            self.closing = Vec::new();
        }
    }

    /// The sources are at their end: everything open is closed, in order of its start.
    pub fn close_all(&mut self) {
        self.streams.clear();
        let transactions = self.transactions.pending().map(|(place, start)| (start, Open::Transaction(place)));
        let flows = self.flows.open().map(|(place, start)| (start, Open::Flow(place)));
        self.closing = transactions.chain(flows).collect();
        self.closing.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// What timed out or was closed next; none = nothing more until the next packet or time. For whoever wants all of it:
    /// who does not, is asked by [`Observer::tell_over`].
    pub fn poll_seen(&mut self) -> Option<Seen> {
        loop {
            if let Some(seen) = self.over.pop_front() {
                return Some(seen);
            }
            let mut over = VecDeque::new();
            if !self.end_next(&mut |seen| over.push_back(seen)) {
                return None;
            }
            self.over = over;
        }
    }

    /// Tells all that timed out or was closed: what nobody wants to know is not even put together.
    #[inline]
    pub fn tell_over(&mut self, audience: &mut impl Audience) {
        if self.clock >= self.due || !self.closing.is_empty() || !self.over.is_empty() {
            self.tell_all_over(audience);
        }
    }

    #[cold]
    fn tell_waiting(&mut self, audience: &mut impl Audience) {
        self.over.drain(..).for_each(|seen| audience.take(seen));
    }

    #[inline(never)]
    fn tell_all_over(&mut self, audience: &mut impl Audience) {
        self.tell_waiting(audience);
        while self.end_next(audience) {}
    }

    /// Ends what is closed or timed out next, and tells it; false where there is nothing.
    fn end_next(&mut self, audience: &mut impl Audience) -> bool {
        let Observer { flows, greetings, transactions, counts, .. } = self;
        let mut before_closed = BeforeClosed { greetings, counts: &mut counts.greetings, audience };
        if let Some((_, open)) = self.closing.pop() {
            match open {
                Open::Transaction(place) => {
                    let concluded = transactions.close(place, &mut counts.transactions);
                    concluded.into_iter().for_each(|concluded| before_closed.take(concluded.into()));
                }
                Open::Flow(place) => flows.end(place, &mut before_closed),
            }
            return true;
        }
        if self.clock < self.due {
            return false;
        }
        if let Some(concluded) = transactions.poll_expired(self.clock, &mut counts.transactions) {
            before_closed.take(concluded.into());
            return true;
        }
        if flows.end_expired(self.clock, &mut before_closed) {
            return true;
        }
        self.due = self.clock.plus(Duration::from_millis(TIMEOUTS_LOOKED_AT_EVERY_MS));
        false
    }

    /// Everything counted so far.
    pub fn counts(&self) -> &ObserveCounts {
        &self.counts
    }

    fn is_dns(&self, src_port: u16, dst_port: u16) -> bool {
        self.dns_ports.iter().any(|&port| port == src_port || port == dst_port)
    }

    #[inline]
    fn take_first_words(&mut self, packet: &Packet<'_>, heard: &Heard, audience: &mut impl Audience) {
        // Every other DNS message begins like a long header.
        if let (Greeting::Waiting(_), Transport::Udp { payload, .. }) = (heard.greeting, packet.transport)
            && !quic::may_begin(payload)
        {
            return;
        }
        let Observer { greetings, counts, clock, .. } = self;
        let tell = &mut |told: Told| audience.take(told.into());
        let greeting = greetings.handle_packet(packet, heard, *clock, &mut counts.greetings, tell);
        if greeting != heard.greeting || heard.is_anew {
            self.flows.set_greeting(heard, greeting);
        }
    }

    fn take_datagram(
        &mut self,
        packet: &Packet<'_>,
        src_port: u16,
        dst_port: u16,
        payload: &[u8],
        audience: &mut impl Audience,
    ) {
        let (src, dst) = (Endpoint::new(packet.src, src_port), Endpoint::new(packet.dst, dst_port));
        let passage = Passage { time: packet.time, source: packet.source, src, dst, protocol: Protocol::UDP };
        let Observer { clock, transactions, counts, .. } = self;
        take_message(payload, passage, *clock, transactions, counts, audience);
    }

    fn take_segment(&mut self, packet: &Packet<'_>, segment: Segment<'_>, audience: &mut impl Audience) {
        let Segment { src, dst, .. } = segment;
        let passage = Passage { time: packet.time, source: packet.source, src, dst, protocol: Protocol::TCP };
        let Observer { clock, streams, transactions, counts, .. } = self;
        let mut stream_counts = counts.streams;
        streams.handle_segment(segment, *clock, &mut stream_counts, &mut |octets| {
            take_message(octets, passage, *clock, transactions, counts, audience)
        });
        counts.streams = stream_counts;
    }
}

/// What came of a greeting is told before the flow it was made in is over.
struct BeforeClosed<'a, A> {
    greetings: &'a mut Greetings,
    counts: &'a mut GreetingCounts,
    audience: &'a mut A,
}

impl<A: Audience> Audience for BeforeClosed<'_, A> {
    fn take(&mut self, seen: Seen) {
        self.audience.take(seen);
    }

    fn wants_response(&mut self, response: &Response<'_>) -> bool {
        self.audience.wants_response(response)
    }

    fn wants_step(&mut self, glimpse: &FlowGlimpse) -> bool {
        let BeforeClosed { greetings, counts, audience } = self;
        if glimpse.step == FlowStep::Closed {
            greetings.handle_closed(glimpse.flow, glimpse.contact, counts, &mut |told| audience.take(told.into()));
        }
        audience.wants_step(glimpse)
    }

    fn heard_alone(&mut self, glimpse: &FlowGlimpse, initiator: bool) {
        self.audience.heard_alone(glimpse, initiator);
    }

    fn let_go(&mut self, gathered_by: FlowId) {
        let BeforeClosed { greetings, counts, audience } = self;
        let tell = &mut |told: Told| audience.take(told.into());
        greetings.handle_closed(gathered_by, Contact::Unanswered, counts, tell);
        audience.let_go(gathered_by);
    }
}

/// Reads a message and pairs it; false when it is none.
fn take_message(
    octets: &[u8],
    passage: Passage,
    now: Timestamp,
    transactions: &mut Transactions,
    counts: &mut ObserveCounts,
    audience: &mut impl Audience,
) -> bool {
    match dns::read(octets) {
        Ok(message) => {
            counts.dns_messages += 1;
            transactions.handle_message(&message, passage, now, &mut counts.transactions, audience);
            true
        }
        Err(reason) => {
            counts.dns_refused.count(reason);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{BadMessage, sample};
    use crate::hello::tls;
    use crate::packet::tcp_flags::{ACK, FIN, SYN};
    use crate::packet::{Fragment, IcmpRole};
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::net::IpAddr;

    const CLIENT: &str = "10.0.0.1:40000";
    const SERVER: &str = "10.0.0.53:53";

    /// An observer and what it has told.
    struct Told {
        observer: Observer,
        seen: VecDeque<Seen>,
    }

    impl Told {
        fn new(settings: ObserveSettings) -> Told {
            Told { observer: Observer::new(settings), seen: VecDeque::new() }
        }

        fn handle_packet(&mut self, packet: &Packet<'_>) {
            let Told { observer, seen } = self;
            observer.handle_packet(packet, packet.time, &mut |it| seen.push_back(it));
        }

        fn poll_seen(&mut self) -> Option<Seen> {
            self.seen.pop_front().or_else(|| self.observer.poll_seen())
        }
    }

    impl std::ops::Deref for Told {
        type Target = Observer;

        fn deref(&self) -> &Observer {
            &self.observer
        }
    }

    impl std::ops::DerefMut for Told {
        fn deref_mut(&mut self) -> &mut Observer {
            &mut self.observer
        }
    }

    fn send<'a>(
        seconds: i64,
        src: &str,
        dst: &str,
        protocol: Protocol,
        seq: u32,
        flags: u8,
        payload: &'a [u8],
    ) -> Packet<'a> {
        let (src, dst): (Endpoint, Endpoint) = (src.parse().unwrap(), dst.parse().unwrap());
        let (src_port, dst_port) = (src.port(), dst.port());
        let transport = match protocol {
            Protocol::UDP => Transport::Udp { src_port, dst_port, payload },
            _ => Transport::Tcp { src_port, dst_port, seq, ack: 0, flags, urgent: 0, payload },
        };
        Packet {
            time: Timestamp::from_unix(seconds, 0),
            source: 1,
            src: src.ip(),
            dst: dst.ip(),
            protocol,
            octets: 40 + payload.len() as u32,
            fragment: Fragment::Whole,
            transport,
        }
    }

    fn udp<'a>(seconds: i64, src: &str, dst: &str, payload: &'a [u8]) -> Packet<'a> {
        send(seconds, src, dst, Protocol::UDP, 0, 0, payload)
    }

    fn drain(observer: &mut Told) -> Vec<Seen> {
        std::iter::from_fn(|| observer.poll_seen()).collect()
    }

    fn words(seen: &[Seen]) -> Vec<String> {
        seen.iter()
            .map(|seen| match seen {
                Seen::Dns { source, transaction, .. } => {
                    format!("{source} dns {} {:?}", transaction.qname, transaction.rcode)
                }
                Seen::Flow(event) => format!("{} flow {} {:?}", event.source, event.flow.0, event.step),
                Seen::Hello { source, flow, contact, hello } => {
                    format!("{source} hello {} {contact:?} {:?} {:?}", flow.0, hello.transport, hello.sni)
                }
                Seen::Http { source, flow, contact, request } => {
                    format!("{source} http {} {contact:?} {}", flow.0, request.host)
                }
            })
            .collect()
    }

    #[test]
    fn a_lookup_is_a_transaction_and_a_flow() {
        let mut observer = Told::new(ObserveSettings::default());
        let (query, response) = (sample::query(7, "evil.no", 1), sample::response(7, "Evil.no", 1, 0, &[]));
        observer.handle_packet(&udp(1, CLIENT, SERVER, &query));
        assert_eq!(words(&drain(&mut observer)), ["1 flow 0 Opened"]);
        observer.handle_packet(&udp(1, SERVER, CLIENT, &response));
        assert_eq!(words(&drain(&mut observer)), ["1 flow 0 Answered", "1 dns evil.no Some(0)"]);
        observer.handle_time(Timestamp::from_unix(122, 0));
        assert_eq!(words(&drain(&mut observer)), ["1 flow 0 Closed"]);
        assert_eq!((observer.counts().dns_messages, observer.counts().flows.opened), (2, 1));
    }

    #[test]
    fn dns_is_a_port_and_what_is_none_there_is_refused_by_reason() {
        let mut observer = Told::new(ObserveSettings { dns_ports: vec![53, 5353], ..ObserveSettings::default() });
        let query = sample::query(7, "evil.no", 1);
        let mut notify = query.clone();
        notify[2] = 0x20;
        observer.handle_packet(&udp(1, CLIENT, SERVER, &[0; 5]));
        observer.handle_packet(&udp(1, CLIENT, SERVER, &[0; 12]));
        observer.handle_packet(&udp(1, CLIENT, SERVER, &notify));
        observer.handle_packet(&udp(1, CLIENT, "10.0.0.53:5300", &query));
        assert_eq!(observer.counts().dns_messages, 0);
        observer.handle_packet(&udp(1, CLIENT, "10.0.0.53:5353", &query));
        observer.handle_packet(&udp(1, "10.0.0.1:53", "10.0.0.53:5300", &query));
        let counts = observer.counts();
        assert_eq!((counts.dns_messages, counts.dns_refused.total()), (2, 3));
        for reason in [BadMessage::CutShort, BadMessage::NoQuestion, BadMessage::OtherOpcode] {
            assert_eq!(counts.dns_refused.of(reason), 1, "{reason}");
        }
    }

    #[test]
    fn tcp_dns_comes_through_octet_by_octet_from_either_end() {
        let mut observer = Told::new(ObserveSettings::default());
        let mut seen = Vec::new();
        let mut take = |packet: Packet<'_>| {
            observer.handle_packet(&packet);
            seen.extend(drain(&mut observer));
        };
        take(send(0, CLIENT, SERVER, Protocol::TCP, 99, SYN, &[]));
        take(send(0, SERVER, CLIENT, Protocol::TCP, u32::MAX, SYN | ACK, &[]));
        take(send(0, CLIENT, SERVER, Protocol::TCP, 100, ACK, &[]));
        for (src, dst, first, message) in [
            (CLIENT, SERVER, 100, sample::query(7, "evil.no", 1)),
            (SERVER, CLIENT, 0, sample::response(7, "evil.no", 1, 0, &[(1, 1, &[192, 0, 2, 1])])),
        ] {
            let octets = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
            for (octet, seq) in octets.iter().zip(first..) {
                take(send(1, src, dst, Protocol::TCP, seq, ACK, std::slice::from_ref(octet)));
            }
        }
        take(send(1, CLIENT, SERVER, Protocol::TCP, 500, FIN | ACK, &[]));
        let told = words(&seen);
        assert_eq!(told, ["1 flow 0 Opened", "1 flow 0 Answered", "1 dns evil.no Some(0)"]);
        let Some(Seen::Dns { transaction, .. }) = seen.last() else { panic!("no transaction") };
        assert_eq!((transaction.protocol, transaction.answers.len()), (Protocol::TCP, 1));
    }

    #[test]
    fn first_words_are_told_behind_what_the_flow_has_become() {
        let mut observer = Told::new(ObserveSettings::default());
        let web = "192.0.2.1:8000";
        let hello = tls::sample::records(&tls::sample::named("evil.example"), 16384);
        let mut seen = Vec::new();
        for (src, dst, seq, flags, payload) in [
            (CLIENT, web, 99, SYN, &[][..]),
            (web, CLIENT, 4, SYN | ACK, &[]),
            (CLIENT, web, 100, ACK, &hello[..]),
            ("10.0.0.1:40001", web, 100, ACK, b"GET http://evil.example/ HTTP/1.1\r\n"),
        ] {
            observer.handle_packet(&send(1, src, dst, Protocol::TCP, seq, flags, payload));
            seen.extend(drain(&mut observer));
        }
        assert_eq!(
            words(&seen),
            [
                "1 flow 0 Opened",
                "1 flow 0 Answered",
                "1 hello 0 Answered Tls Some(evil.example)",
                "1 flow 1 Opened",
                "1 http 1 Unanswered evil.example"
            ]
        );
        assert_eq!((observer.counts().greetings.hellos, observer.counts().greetings.requests), (1, 1));
    }

    #[test]
    fn what_is_left_of_a_hello_is_told_before_its_flow_is_over_however_that_ends() {
        let web = "192.0.2.1:8000";
        let hello = tls::sample::records(&tls::sample::named("evil.example"), 16384);
        for how in 0..6 {
            let mut observer = Told::new(ObserveSettings { flows_max: 2, ..ObserveSettings::default() });
            for (src, dst, seq, flags, payload) in [
                (CLIENT, web, 99, SYN, &[][..]),
                (web, CLIENT, 4, SYN | ACK, &[]),
                (CLIENT, web, 100, ACK, &hello[..300]),
            ] {
                observer.handle_packet(&send(1, src, dst, Protocol::TCP, seq, flags, payload));
            }
            let mut seen = drain(&mut observer);
            match how {
                // Another connection on the same ports, other flows that need the room, time, and time by packets.
                0 => [FIN | ACK, SYN].into_iter().zip([400, 9_000_000]).for_each(|(flags, seq)| {
                    observer.handle_packet(&send(2, CLIENT, web, Protocol::TCP, seq, flags, &[]));
                }),
                1 => (1..4).for_each(|port| {
                    observer.handle_packet(&udp(2, &format!("10.0.0.2:{port}"), web, &[]));
                }),
                2 => observer.handle_time(Timestamp::from_unix(30, 0)),
                3 => observer.handle_time(Timestamp::from_unix(30_000, 0)),
                4 => observer.handle_packet(&send(30_000, CLIENT, web, Protocol::TCP, 9, SYN, &[])),
                _ => {}
            }
            seen.extend(drain(&mut observer));
            observer.close_all();
            seen.extend(drain(&mut observer));
            let words: Vec<String> = words(&seen).into_iter().filter(|word| word.contains(" 0 ")).collect();
            let expected = [
                "1 flow 0 Opened",
                "1 flow 0 Answered",
                "1 hello 0 Answered Tls Some(evil.example)",
                "1 flow 0 Closed",
            ];
            assert_eq!(words, expected, "{how}");
            assert!(observer.greetings.is_empty() && observer.greetings.kept_octets() == 0, "{how}");
            let cut = |seen: &Seen| matches!(seen, Seen::Hello { hello, .. } if hello.is_cut && hello.ja4.is_none());
            assert_eq!(seen.iter().filter(|seen| cut(seen)).count(), 1, "{how}");
        }
    }

    #[test]
    fn at_the_end_everything_open_is_told_in_order_of_its_start() {
        let mut observer = Told::new(ObserveSettings::default());
        let (first, second) = (sample::query(1, "first.no", 1), sample::query(2, "second.no", 1));
        observer.handle_packet(&udp(3, "10.0.0.3:1", SERVER, &second));
        observer.handle_packet(&udp(2, "10.0.0.2:1", "192.0.2.1:1", &[]));
        observer.handle_packet(&udp(1, "10.0.0.1:1", SERVER, &first));
        drain(&mut observer);
        observer.close_all();
        assert_eq!(
            words(&drain(&mut observer)),
            ["1 dns first.no None", "1 flow 2 Closed", "1 flow 1 Closed", "1 dns second.no None", "1 flow 0 Closed"]
        );
        assert_eq!(observer.poll_seen(), None);
        assert!(observer.flows.is_empty() && observer.transactions.is_empty() && observer.streams.is_empty());
    }

    #[test]
    fn packets_after_the_end_are_a_new_beginning() {
        let mut observer = Told::new(ObserveSettings::default());
        observer.handle_packet(&udp(1, "10.0.0.1:1", "192.0.2.1:1", &[]));
        observer.handle_packet(&udp(1, "10.0.0.2:1", "192.0.2.1:1", &[]));
        drain(&mut observer);
        observer.close_all();
        assert_eq!(words(&[observer.poll_seen().unwrap()]), ["1 flow 0 Closed"]);
        observer.handle_packet(&udp(1, "10.0.0.3:1", "192.0.2.1:1", &[]));
        assert_eq!(words(&drain(&mut observer)), ["1 flow 2 Opened"]);
        observer.close_all();
        assert_eq!(words(&drain(&mut observer)).len(), 2);
    }

    #[test]
    fn s4_a_needle_in_a_flood_is_found() {
        let mut observer = Told::new(ObserveSettings { flows_max: 100, ..ObserveSettings::default() });
        let mut found = 0;
        for round in 0..200u32 {
            for port in 1000..1050u16 {
                let src = format!("10.1.0.{}:{port}", round % 250);
                let octets = sample::query(port, "flood.no", 1);
                observer.handle_packet(&udp(round.into(), &src, SERVER, &octets));
                observer.handle_packet(&send(round.into(), &src, SERVER, Protocol::TCP, round, ACK, &[0xff; 40]));
            }
            observer.handle_packet(&udp(round.into(), CLIENT, SERVER, &sample::query(round as u16, "needle.no", 1)));
            found += drain(&mut observer)
                .iter()
                .filter(|seen| matches!(seen, Seen::Dns { transaction, .. } if transaction.qname.to_string() == "needle.no"))
                .count();
            assert!(observer.flows.len() <= 100);
        }
        observer.close_all();
        found += words(&drain(&mut observer)).iter().filter(|word| word.contains("needle.no")).count();
        assert_eq!(found, 200);
    }

    #[derive(Debug, Clone)]
    struct Hostile {
        time: i64,
        ends: (u8, u8),
        port: u16,
        kind: u8,
        seq: u32,
        flags: u8,
        payload: Vec<u8>,
    }

    fn hostile() -> impl Strategy<Value = Hostile> {
        let time = prop_oneof![8 => 0i64..5_000_000_000, 1 => any::<i64>()];
        let query = (any::<u8>(), any::<bool>(), any::<bool>()).prop_map(|(id, response, framed)| {
            let id = u16::from(id % 4);
            let octets = if response {
                sample::response(id, "a.no", 1, 0, &[(1, 1, &[1, 2, 3, 4])])
            } else {
                sample::query(id, "a.no", 1)
            };
            if framed { [&(octets.len() as u16).to_be_bytes()[..], &octets].concat() } else { octets }
        });
        let payload = prop_oneof![query, prop::collection::vec(any::<u8>(), 0..100)];
        let port = prop_oneof![Just(53u16), 1u16..4];
        (time, (0u8..3, 0u8..3), port, 0u8..8, prop_oneof![0u32..300, any::<u32>()], any::<u8>(), payload).prop_map(
            |(time, ends, port, kind, seq, flags, payload)| Hostile { time, ends, port, kind, seq, flags, payload },
        )
    }

    proptest! {
        #[test]
        fn s3_hostile_packets_never_panic_and_every_packet_is_accounted_for(packets in prop::collection::vec(hostile(), 0..300)) {
            let mut observer = Told::new(ObserveSettings { flows_max: 8, ..ObserveSettings::default() });
            let mut counted = 0u64;
            let mut in_records = 0u64;
            let mut take = |seen: Seen| match seen {
                Seen::Flow(event) if matches!(event.step, FlowStep::Closed | FlowStep::Reported) => {
                    in_records += event.record.packets + event.record.reverse_packets;
                }
                Seen::Flow(_) | Seen::Dns { .. } | Seen::Hello { .. } | Seen::Http { .. } => {}
            };
            for packet in &packets {
                let address = |end: u8| IpAddr::from([10, 0, 0, end]);
                let (src_port, dst_port) = if packet.flags & 1 == 0 { (9, packet.port) } else { (packet.port, 9) };
                let payload = packet.payload.as_slice();
                let (protocol, transport, fragment) = match packet.kind {
                    0 | 1 => (Protocol::UDP, Transport::Udp { src_port, dst_port, payload }, Fragment::Whole),
                    2 => (Protocol::ICMP, Transport::Icmp { role: if packet.seq & 1 == 0 { IcmpRole::Error } else { IcmpRole::Request } }, Fragment::First),
                    3 => (Protocol::TCP, Transport::Other, if packet.seq & 1 == 0 { Fragment::Later } else { Fragment::First }),
                    4 => (Protocol::TCP, Transport::Ports { src_port, dst_port }, if packet.seq & 1 == 0 { Fragment::Whole } else { Fragment::First }),
                    5 => (Protocol::UDP, Transport::Udp { src_port, dst_port, payload }, if packet.seq & 1 == 0 { Fragment::Rejoined } else { Fragment::First }),
                    6 => (
                        Protocol::TCP,
                        Transport::Tcp { src_port, dst_port, seq: packet.seq, ack: packet.seq, flags: packet.flags, urgent: packet.port, payload },
                        Fragment::Rejoined,
                    ),
                    _ => (
                        Protocol::TCP,
                        Transport::Tcp { src_port, dst_port, seq: packet.seq, ack: packet.seq, flags: packet.flags, urgent: packet.port, payload },
                        Fragment::Whole,
                    ),
                };
                observer.handle_packet(&Packet {
                    time: Timestamp(packet.time),
                    source: 0,
                    src: address(packet.ends.0),
                    dst: address(packet.ends.1),
                    protocol,
                    octets: 100,
                    fragment,
                    transport,
                });
                counted += u64::from(fragment != Fragment::Rejoined);
                while let Some(seen) = observer.poll_seen() { take(seen) }
                prop_assert!(observer.flows.len() <= 8);
            }
            observer.close_all();
            while let Some(seen) = observer.poll_seen() { take(seen) }
            let flows = observer.counts().flows;
            prop_assert_eq!(counted, in_records + flows.later_fragments + flows.cut_headers);
            prop_assert!(observer.flows.is_empty() && observer.streams.kept_octets() == 0);
        }
    }
}
