//! Packets to flow records (RFC 7011, bidirectional as RFC 5103), in a bounded table.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use varde_common::observation::{Contact, Endpoint, FlowRecord, Protocol};
use varde_common::time::Timestamp;

use crate::greeting::Greeting;
use crate::limits::{FLOW_ESTABLISHED_IDLE_TIMEOUT_S, FLOW_LINGER_S};
use crate::packet::tcp_flags::{ACK, FIN, RST, SYN};
use crate::packet::{Fragment, IcmpRole, Packet, Transport};
use crate::table::{Place, Table};

/// IPv6 header and the longest TCP header: a segment that shows no data may have had some cut off only when it is longer.
const BARE_SEGMENT_MAX_OCTETS: u32 = 40 + 60;
const LINGER: Duration = Duration::from_secs(FLOW_LINGER_S);

/// A flow is told to be over at most this part of the idle timeout late.
const GRAINS: u32 = 32;

/// Lanes of the table.
const OPEN: u8 = 0;
const LINGERING: u8 = 1;
const ESTABLISHED: u8 = 2;
const ALL_LANES: [u8; 3] = [LINGERING, OPEN, ESTABLISHED];

/// A flow's name while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// What has become of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowStep {
    /// Its first packet was seen.
    Opened,
    /// It got to `Contact::Answered`, told once.
    Answered,
    /// One of its ends has sent more than the amount that counts as data out, told once for each end, see
    /// [`FlowEvent::volume`].
    Volume,
    /// Its active timeout passed: a record is due, counters begin anew, it goes on under the same id.
    Reported,
    /// It is over (idle, FIN or RST, evicted, end of the sources): its last record.
    Closed,
}

/// Which ends of a flow have sent more than the amount that counts as data out since it began. Counted are octets as IP
/// total length, without TCP segments that only acknowledge: a large download is no data out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Volume {
    /// The initiator has.
    pub initiator: bool,
    /// The responder has.
    pub responder: bool,
}

/// A step of a flow with its record so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEvent {
    /// Which flow.
    pub flow: FlowId,
    /// Which source saw its first packet.
    pub source: u16,
    /// What happened.
    pub step: FlowStep,
    /// When the flow began: its first packet, also after an active timeout has begun the record anew.
    pub began: Timestamp,
    /// Who has sent much.
    pub volume: Volume,
    /// The record as of now.
    pub record: FlowRecord,
}

/// What happened to packets and flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowCounts {
    /// Flows begun.
    pub opened: u64,
    /// Flows let go before their time because the table was full.
    pub evicted: u64,
    /// Later fragments: they name no ports and are in no flow.
    pub later_fragments: u64,
    /// TCP and UDP packets whose header is cut or broken before its ports: in no flow.
    pub cut_headers: u64,
}

/// The flows under way.
#[derive(Debug)]
pub struct Flows {
    table: Table<Key, Flow, 3>,
    idle: Duration,
    established_idle: Duration,
    active: Duration,
    data_out_octets: u32,
    next_id: u64,
}

/// What the next stage needs to know of a flow whose first words may still come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Where the flow lies, until the next packet.
    pub(crate) place: Place,
    /// Which flow.
    pub(crate) flow: FlowId,
    /// Whether its initiator sent the packet.
    pub(crate) from_initiator: bool,
    /// Sequence number of the initiator's SYN, where it was seen.
    pub(crate) syn: Option<u32>,
    /// How far the flow has got.
    pub(crate) contact: Contact,
    /// How far its greeting is known.
    pub(crate) greeting: Greeting,
}

/// Both ends, the lesser one first, and the protocol: the same for packets either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    low: IpAddr,
    high: IpAddr,
    low_port: u16,
    high_port: u16,
    protocol: Protocol,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for address in [self.low, self.high] {
            match address {
                IpAddr::V4(address) => state.write_u32(address.to_bits()),
                IpAddr::V6(address) => state.write_u128(address.to_bits()),
            }
        }
        let ports = (u64::from(self.low_port) << 16) | u64::from(self.high_port);
        state.write_u64((ports << 8) | u64::from(self.protocol.0));
    }
}

impl Key {
    fn end(&self, low: bool) -> Endpoint {
        if low { Endpoint::new(self.low, self.low_port) } else { Endpoint::new(self.high, self.high_port) }
    }
}

/// A packet as a flow sees it.
#[derive(Debug, Clone, Copy)]
struct Step {
    time: Timestamp,
    octets: u32,
    /// The same, or 0 where it only acknowledges.
    data_octets: u32,
    source: u16,
    /// Whether the lesser end sent it.
    from_low: bool,
    /// A RST, an ICMP error, or an ICMP message of which nothing is known: nobody's attempt and nobody's answer.
    is_error: bool,
    /// An ICMP message that asks for a reply: nobody's answer.
    is_request: bool,
    /// TCP flags; 0 for other protocols.
    flags: u8,
    /// TCP sequence number; 0 for other protocols.
    seq: u32,
}

impl Step {
    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether it asks for a TCP connection.
    fn is_syn(self) -> bool {
        self.has(SYN) && !self.has(ACK) && !self.has(RST)
    }
}

/// How much of a TCP handshake, or of an ICMP question and its reply, was seen, for decision 21.
#[derive(Debug, Clone, Copy, Default)]
struct Handshake {
    /// Seen from its SYN (or SYN-ACK) on: acknowledgements count in order.
    from_start: bool,
    /// An ACK without RST came from the responder; ICMP: a request did.
    responder: bool,
    /// An ACK without SYN and RST came from the initiator; from the start: after the responder's.
    initiator: bool,
}

/// What a packet makes of its flow.
#[derive(Debug, Clone, Copy)]
struct Taken {
    /// It is answered now.
    answered: bool,
    /// The end that sent it has sent much now.
    much_sent: bool,
}

#[derive(Debug)]
struct Flow {
    id: FlowId,
    packets: [u64; 2],
    octets: [u64; 2],
    /// Octets that are yet to come from each end until it has sent much: 0 from then on.
    until_much: [u32; 2],
    /// First packet of all.
    began: Timestamp,
    /// First and last packet of the record.
    start: Timestamp,
    end: Timestamp,
    source: u16,
    initiator_is_low: bool,
    /// Sequence number of the initiator's SYN, to know it when it is sent again.
    syn: Option<u32>,
    contact: Contact,
    handshake: Handshake,
    fin_from_initiator: bool,
    fin_from_responder: bool,
    reset: bool,
    greeting: Greeting,
}

impl Flow {
    fn new(id: FlowId, step: Step, protocol: Protocol, data_out_octets: u32) -> Flow {
        let opens = step.has(SYN) && !step.has(RST);
        let answers_syn = opens && step.has(ACK);
        Flow {
            id,
            packets: [0; 2],
            octets: [0; 2],
            until_much: [data_out_octets.saturating_add(1); 2],
            began: step.time,
            start: step.time,
            end: step.time,
            source: step.source,
            initiator_is_low: step.from_low != answers_syn,
            syn: step.is_syn().then_some(step.seq),
            // Who is sent a SYN-ACK has tried.
            contact: if step.is_error { Contact::ErrorsOnly } else { Contact::Unanswered },
            handshake: Handshake { from_start: protocol == Protocol::TCP && opens, ..Handshake::default() },
            fin_from_initiator: false,
            fin_from_responder: false,
            reset: false,
            greeting: Greeting::default(),
        }
    }

    /// What is to be heard of its first words in a packet; nothing once they are known.
    fn heard(&self, place: Place, step: Step, packet: &Packet<'_>) -> Option<Heard> {
        if self.greeting == Greeting::Over {
            return None;
        }
        let (Transport::Tcp { payload, .. } | Transport::Udp { payload, .. }) = packet.transport else { return None };
        (!payload.is_empty()).then_some(Heard {
            place,
            flow: self.id,
            from_initiator: step.from_low == self.initiator_is_low,
            syn: self.syn,
            contact: self.contact,
            greeting: self.greeting,
        })
    }

    /// Counts a packet.
    fn take(&mut self, step: Step, protocol: Protocol) -> Taken {
        let from_initiator = step.from_low == self.initiator_is_low;
        let [forward, reverse] = &mut self.packets;
        let [forward_octets, reverse_octets] = &mut self.octets;
        let [forward_much, reverse_much] = &mut self.until_much;
        let (packets, octets, until_much) = if from_initiator {
            (forward, forward_octets, forward_much)
        } else {
            (reverse, reverse_octets, reverse_much)
        };
        *packets += 1;
        *octets += u64::from(step.octets);
        let before = *until_much;
        *until_much = before.saturating_sub(step.data_octets);
        let much_sent = before > 0 && *until_much == 0;
        self.began = self.began.min(step.time);
        self.start = self.start.min(step.time);
        self.end = self.end.max(step.time);
        self.reset |= step.has(RST);
        if step.has(FIN) {
            if from_initiator {
                self.fin_from_initiator = true;
            } else {
                self.fin_from_responder = true;
            }
        }
        Taken { answered: self.hear(step, protocol, from_initiator), much_sent }
    }

    /// Whether the flow is answered with this packet, and was not before.
    fn hear(&mut self, step: Step, protocol: Protocol, from_initiator: bool) -> bool {
        if step.is_error || self.contact == Contact::Answered {
            return false;
        }
        if from_initiator {
            self.contact = Contact::Unanswered;
        }
        let answered = match protocol {
            Protocol::TCP => self.shake_hands(step, from_initiator),
            _ if protocol.is_icmp() => self.hear_reply(step, from_initiator),
            _ => !from_initiator,
        };
        if answered {
            self.contact = Contact::Answered;
        }
        answered
    }

    /// Whether both ends have acknowledged each other.
    fn shake_hands(&mut self, step: Step, from_initiator: bool) -> bool {
        if step.has(ACK) {
            let shaken = &mut self.handshake;
            if !from_initiator {
                shaken.responder = true;
            } else if !step.has(SYN) && (shaken.responder || !shaken.from_start) {
                shaken.initiator = true;
            }
        }
        self.handshake.responder && self.handshake.initiator
    }

    /// Whether an ICMP message is a reply: what asks for one itself is none, nor is what nobody asked for.
    fn hear_reply(&mut self, step: Step, from_initiator: bool) -> bool {
        let asked = &mut self.handshake.responder;
        *asked |= !from_initiator && step.is_request;
        !step.is_request && (!from_initiator || *asked)
    }

    fn is_ending(&self) -> bool {
        self.reset || self.fin_from_initiator || self.fin_from_responder
    }

    fn lane(&self) -> u8 {
        if self.reset || (self.fin_from_initiator && self.fin_from_responder) {
            LINGERING
        } else if self.handshake.initiator && self.handshake.responder {
            ESTABLISHED
        } else {
            OPEN
        }
    }

    fn event(&self, key: &Key, step: FlowStep) -> FlowEvent {
        let ([packets, reverse_packets], [octets, reverse_octets]) = (self.packets, self.octets);
        let [initiator, responder] = self.until_much.map(|octets| octets == 0);
        FlowEvent {
            flow: self.id,
            source: self.source,
            step,
            began: self.began,
            volume: Volume { initiator, responder },
            record: FlowRecord {
                initiator: key.end(self.initiator_is_low),
                responder: key.end(!self.initiator_is_low),
                protocol: key.protocol,
                packets,
                octets,
                reverse_packets,
                reverse_octets,
                start: self.start,
                end: self.end,
                contact: self.contact,
            },
        }
    }

    /// Begins the next record of the same flow.
    fn begin_anew(&mut self, time: Timestamp) {
        self.packets = [0; 2];
        self.octets = [0; 2];
        self.start = time;
        self.end = time;
    }
}

impl Flows {
    /// None yet. A flow without packets for `idle` is over (a TCP connection that stands: an hour); one that goes on is reported after `active`, with the first
    /// packet that comes after it. An end that sends more than `data_out_octets` has sent much.
    pub fn new(flows_max: usize, idle: Duration, active: Duration, data_out_octets: u32) -> Flows {
        let established_idle = Duration::from_secs(FLOW_ESTABLISHED_IDLE_TIMEOUT_S).max(idle);
        let grain = idle / GRAINS;
        let table = Table::with_grain(flows_max, grain);
        Flows { table, idle, established_idle, active, data_out_octets, next_id: 0 }
    }

    /// Flows under way.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a packet into its flow; what becomes of flows goes to `emit`. Returns the flow where its first words may be in
    /// the packet.
    pub(crate) fn handle_packet(
        &mut self,
        packet: &Packet<'_>,
        now: Timestamp,
        counts: &mut FlowCounts,
        emit: &mut impl FnMut(FlowEvent),
    ) -> Option<Heard> {
        if packet.fragment == Fragment::Later {
            counts.later_fragments += 1;
            return None;
        }
        let Some((key, step)) = read(packet) else {
            counts.cut_headers += 1;
            return None;
        };
        let hash = self.table.hash_of(&key);
        let mut place = self.table.find(hash, &key);
        if let Some(old) = place
            && self.is_over(old, step, now)
        {
            self.close(old).into_iter().for_each(&mut *emit);
            place = None;
        }
        let is_new = place.is_none();
        let place = match place {
            Some(place) => place,
            None => {
                self.make_room(now, counts, emit);
                let flow = Flow::new(FlowId(self.next_id), step, key.protocol, self.data_out_octets);
                let place = self.table.insert(hash, key, flow, OPEN, now)?;
                self.next_id += 1;
                counts.opened += 1;
                place
            }
        };
        let active = self.active;
        let (key, flow) = self.table.at_mut(place)?;
        if step.time.since(flow.start) >= active && !is_new {
            emit(flow.event(key, FlowStep::Reported));
            flow.begin_anew(step.time);
        }
        let Taken { answered, much_sent } = flow.take(step, key.protocol);
        if is_new {
            emit(flow.event(key, FlowStep::Opened));
        }
        if answered {
            emit(flow.event(key, FlowStep::Answered));
        }
        if much_sent {
            emit(flow.event(key, FlowStep::Volume));
        }
        let lane = flow.lane();
        let heard = flow.heard(place, step, packet);
        self.table.touch(place, lane, now);
        heard
    }

    /// Notes how far the greeting of the flow at a place is known now.
    pub(crate) fn set_greeting(&mut self, place: Place, greeting: Greeting) {
        if let Some((_, flow)) = self.table.at_mut(place) {
            flow.greeting = greeting;
        }
    }

    /// What the next stage needs to know of the flow of a packet that has been counted already, in pieces.
    pub(crate) fn hear(&self, packet: &Packet<'_>) -> Option<Heard> {
        let (key, step) = read(packet)?;
        let place = self.table.find(self.table.hash_of(&key), &key)?;
        let (_, flow) = self.table.at(place)?;
        flow.heard(place, step, packet)
    }

    /// How long a flow of a lane may be idle. A TCP connection that stands is often silent for long; cut short, its next
    /// packet from outside would look as if the outside had begun.
    fn timeout(&self, lane: u8) -> Duration {
        match lane {
            LINGERING => LINGER,
            ESTABLISHED => self.established_idle,
            _ => self.idle,
        }
    }

    /// The next flow that was idle for too long.
    pub fn poll_expired(&mut self, now: Timestamp) -> Option<FlowEvent> {
        let due = ALL_LANES
            .into_iter()
            .find_map(|lane| self.table.oldest(lane).filter(|(_, touched)| now.since(*touched) >= self.timeout(lane)));
        due.and_then(|(place, _)| self.close(place))
    }

    /// The flows under way, with the starts of their records.
    pub(crate) fn open(&self) -> impl Iterator<Item = (Place, Timestamp)> {
        self.table.iter().map(|(place, _, flow)| (place, flow.start))
    }

    /// Ends a flow.
    pub(crate) fn close(&mut self, place: Place) -> Option<FlowEvent> {
        self.table.remove(place).map(|(key, flow)| flow.event(&key, FlowStep::Closed))
    }

    /// Whether the flow that lies there was over before this packet, which then begins another.
    fn is_over(&self, place: Place, step: Step, now: Timestamp) -> bool {
        let Some((_, flow)) = self.table.at(place) else { return true };
        // By the clock, or by the packets' own times: one source may be long behind another.
        let quiet = self.table.touched(place).map_or(Duration::ZERO, |touched| now.since(touched));
        let quiet = quiet.max(step.time.since(flow.end));
        let timeout = self.timeout(flow.lane());
        // Some systems send a SYN again although it was refused: the same attempt, with the same sequence number.
        let is_sent_again = step.from_low == flow.initiator_is_low && flow.syn == Some(step.seq);
        let is_new_syn = step.is_syn() && flow.is_ending() && !is_sent_again;
        // After errors alone, the other end's first real packet is an attempt of its own, not a reply to them.
        let is_other_s_attempt =
            flow.contact == Contact::ErrorsOnly && !step.is_error && step.from_low != flow.initiator_is_low;
        quiet >= timeout || is_new_syn || is_other_s_attempt
    }

    fn make_room(&mut self, now: Timestamp, counts: &mut FlowCounts, emit: &mut impl FnMut(FlowEvent)) {
        while self.table.is_full() {
            for lane in ALL_LANES {
                self.table.settle(lane, now);
            }
            let oldest = ALL_LANES.into_iter().filter_map(|lane| self.table.oldest(lane));
            let Some((oldest, _)) = oldest.min_by_key(|(_, touched)| *touched) else { return };
            counts.evicted += 1;
            self.close(oldest).into_iter().for_each(&mut *emit);
        }
    }
}

/// What a flow needs to know of a packet; none where the ports a flow is told by cannot be read.
fn read(packet: &Packet<'_>) -> Option<(Key, Step)> {
    let (src_port, dst_port, is_error) = match packet.transport {
        Transport::Udp { src_port, dst_port, .. } => (src_port, dst_port, false),
        Transport::Tcp { src_port, dst_port, flags, .. } => (src_port, dst_port, flags & RST != 0),
        // Without flags a segment is an attempt at most: [`Flow::shake_hands`] waits for ACKs.
        Transport::Ports { src_port, dst_port } => (src_port, dst_port, false),
        Transport::Icmp { role } => (0, 0, role == IcmpRole::Error),
        Transport::Other if packet.protocol.has_ports() => return None,
        // An ICMP message too short to say what it is must not count as an answer.
        Transport::Other => (0, 0, packet.protocol.is_icmp()),
    };
    let (flags, seq) = match packet.transport {
        Transport::Tcp { flags, seq, .. } => (flags, seq),
        Transport::Udp { .. } | Transport::Ports { .. } | Transport::Icmp { .. } | Transport::Other => (0, 0),
    };
    let is_request = packet.transport == Transport::Icmp { role: IcmpRole::Request };
    let (src, dst) = ((packet.src, src_port), (packet.dst, dst_port));
    let from_low = src <= dst;
    let ((low, low_port), (high, high_port)) = if from_low { (src, dst) } else { (dst, src) };
    let key = Key { low, high, low_port, high_port, protocol: packet.protocol };
    let Packet { time, octets, source, .. } = *packet;
    let is_bare = matches!(packet.transport, Transport::Tcp { payload: [], .. }) && octets <= BARE_SEGMENT_MAX_OCTETS;
    let data_octets = if is_bare { 0 } else { octets };
    Some((key, Step { time, octets, data_octets, source, from_low, is_error, is_request, flags, seq }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::DATA_OUT_OCTETS;
    use proptest::prelude::*;

    const A: &str = "10.0.0.1:40000";
    const B: &str = "192.0.2.1:443";
    const SYNACK: u8 = SYN | ACK;

    struct Bench {
        flows: Flows,
        counts: FlowCounts,
        events: Vec<FlowEvent>,
        now: Timestamp,
        max: usize,
    }

    impl Bench {
        fn new(max: usize) -> Bench {
            let flows = Flows::new(max, Duration::from_secs(120), Duration::from_secs(1800), DATA_OUT_OCTETS);
            Bench { flows, counts: FlowCounts::default(), events: Vec::new(), now: Timestamp::MIN, max }
        }

        fn packet(&mut self, seconds: i64, src: &str, dst: &str, protocol: Protocol, transport: Transport<'_>) {
            let (src, dst): (Endpoint, Endpoint) = (src.parse().unwrap(), dst.parse().unwrap());
            let transport = match transport {
                Transport::Udp { payload, .. } => {
                    Transport::Udp { src_port: src.port(), dst_port: dst.port(), payload }
                }
                Transport::Tcp { seq, flags, payload, .. } => {
                    Transport::Tcp { src_port: src.port(), dst_port: dst.port(), seq, flags, payload }
                }
                Transport::Ports { .. } => Transport::Ports { src_port: src.port(), dst_port: dst.port() },
                other @ (Transport::Icmp { .. } | Transport::Other) => other,
            };
            self.take(&Packet {
                time: Timestamp::from_unix(seconds, 0),
                source: 2,
                src: src.ip(),
                dst: dst.ip(),
                protocol,
                octets: 100,
                fragment: Fragment::Whole,
                transport,
            });
        }

        fn take(&mut self, packet: &Packet<'_>) {
            self.now = self.now.max(packet.time);
            let events = &mut self.events;
            self.flows.handle_packet(packet, self.now, &mut self.counts, &mut |event| events.push(event));
            assert!(self.flows.len() <= self.max);
        }

        fn tcp(&mut self, seconds: i64, src: &str, dst: &str, flags: u8) {
            self.tcp_at(seconds, src, dst, flags, 0);
        }

        fn tcp_at(&mut self, seconds: i64, src: &str, dst: &str, flags: u8, seq: u32) {
            let transport = Transport::Tcp { src_port: 0, dst_port: 0, seq, flags, payload: &[] };
            self.packet(seconds, src, dst, Protocol::TCP, transport);
        }

        fn udp(&mut self, seconds: i64, src: &str, dst: &str) {
            self.packet(seconds, src, dst, Protocol::UDP, Transport::Udp { src_port: 0, dst_port: 0, payload: &[] });
        }

        fn icmp(&mut self, seconds: i64, src: &str, dst: &str, role: IcmpRole) {
            self.packet(seconds, src, dst, Protocol::ICMP, Transport::Icmp { role });
        }

        fn wait(&mut self, seconds: i64) {
            self.now = self.now.max(Timestamp::from_unix(seconds, 0));
            while let Some(event) = self.flows.poll_expired(self.now) {
                self.events.push(event);
            }
        }

        fn steps(&self) -> Vec<(u64, FlowStep)> {
            self.events.iter().map(|event| (event.flow.0, event.step)).collect()
        }

        /// Ends everything; the records that count.
        fn records(&mut self) -> Vec<FlowRecord> {
            let open: Vec<Place> = self.flows.open().map(|(place, _)| place).collect();
            for place in open {
                self.events.extend(self.flows.close(place));
            }
            let last = |event: &&FlowEvent| matches!(event.step, FlowStep::Closed | FlowStep::Reported);
            self.events.iter().filter(last).map(|event| event.record.clone()).collect()
        }
    }

    #[test]
    fn a_flow_is_told_by_both_ends_and_its_protocol() {
        let mut bench = Bench::new(100);
        bench.udp(1, A, B);
        bench.udp(2, B, A);
        bench.udp(3, A, B);
        bench.tcp(4, A, B, SYN);
        bench.udp(5, A, "192.0.2.1:444");
        bench.udp(5, "[2001:db8::1]:40000", "[2001:db8::2]:443");
        bench.icmp(5, "192.0.2.1:0", "10.0.0.1:0", IcmpRole::Request);
        bench.packet(5, "10.0.0.1:0", "192.0.2.1:0", Protocol(47), Transport::Other);
        assert_eq!((bench.flows.len(), bench.counts.opened), (6, 6));
        let record = &bench.records()[0];
        assert_eq!((record.initiator.to_string(), record.responder.to_string()), (A.to_owned(), B.to_owned()));
        assert_eq!((record.packets, record.octets, record.reverse_packets, record.reverse_octets), (2, 200, 1, 100));
        assert_eq!((record.start, record.end), (Timestamp::from_unix(1, 0), Timestamp::from_unix(3, 0)));
        assert_eq!(bench.events[0].source, 2);
    }

    #[test]
    fn contact_is_what_decision_21_says() {
        use Contact::{Answered, ErrorsOnly, Unanswered};
        // Packets of one flow: `>` from the first sender, `<` back; the flags; what the last record says.
        type Case<'a> = (&'a str, &'a [(char, u8)], &'a [Contact]);
        let cases: &[Case<'_>] = &[
            ("handshake", &[('>', SYN), ('<', SYNACK), ('>', ACK)], &[Answered]),
            ("no third segment", &[('>', SYN), ('<', SYNACK), ('<', SYNACK)], &[Unanswered]),
            ("SYN scan", &[('>', SYN), ('<', SYNACK), ('>', RST)], &[Unanswered]),
            ("SYN scan, reset with ACK", &[('>', SYN), ('<', SYNACK), ('>', RST | ACK)], &[Unanswered]),
            ("refused", &[('>', SYN), ('<', RST | ACK)], &[Unanswered]),
            ("SYN alone", &[('>', SYN), ('>', SYN)], &[Unanswered]),
            ("SYN and ACKs one way only", &[('>', SYN), ('>', ACK), ('>', ACK)], &[Unanswered]),
            ("SYN-ACK missed", &[('>', SYN), ('<', ACK), ('>', ACK)], &[Answered]),
            ("ACK before the SYN-ACK is no later one", &[('>', SYN), ('>', ACK), ('<', SYNACK)], &[Unanswered]),
            ("challenge ACK, then reset", &[('>', SYN), ('<', ACK), ('>', RST)], &[Unanswered]),
            ("midway", &[('>', ACK), ('<', ACK)], &[Answered]),
            ("midway, one end", &[('>', ACK), ('>', ACK)], &[Unanswered]),
            ("ACK scan", &[('>', ACK), ('<', RST)], &[Unanswered]),
            ("NULL scan", &[('>', 0), ('<', RST | ACK)], &[Unanswered]),
            ("midway, reset", &[('>', ACK), ('<', ACK), ('<', RST)], &[Answered]),
            ("reset alone", &[('>', RST), ('>', RST | ACK)], &[ErrorsOnly]),
            ("resets both ways", &[('>', RST), ('<', RST)], &[ErrorsOnly]),
            ("reset, then data by the same end", &[('>', RST), ('>', ACK)], &[Unanswered]),
            ("reset, then data by the other", &[('>', RST), ('<', ACK)], &[ErrorsOnly, Unanswered]),
            ("reset, then data by both", &[('>', RST), ('<', ACK), ('>', ACK)], &[ErrorsOnly, Answered]),
            ("reset, then a SYN", &[('>', RST), ('<', SYN), ('>', SYNACK), ('<', ACK)], &[ErrorsOnly, Answered]),
        ];
        for (what, packets, expected) in cases {
            let mut bench = Bench::new(10);
            for (direction, flags) in *packets {
                let (src, dst) = if *direction == '>' { (A, B) } else { (B, A) };
                bench.tcp(1, src, dst, *flags);
            }
            let answered = bench.events.iter().filter(|event| event.step == FlowStep::Answered).count();
            let contacts: Vec<Contact> = bench.records().iter().map(|record| record.contact).collect();
            assert_eq!(contacts, *expected, "{what}");
            assert_eq!(answered, contacts.iter().filter(|contact| **contact == Answered).count(), "{what}");
        }
    }

    #[test]
    fn icmp_errors_are_neither_attempt_nor_answer() {
        use Contact::{Answered, ErrorsOnly, Unanswered};
        const E: IcmpRole = IcmpRole::Error;
        const ECHO: IcmpRole = IcmpRole::Request;
        const REPLY: IcmpRole = IcmpRole::Other;
        for (what, packets, expected) in [
            ("echo and reply", &[('>', ECHO), ('<', REPLY)][..], &[Answered][..]),
            ("echo and error", &[('>', ECHO), ('<', E)], &[Unanswered]),
            ("echoes both ways, replies none", &[('>', ECHO), ('<', ECHO), ('>', ECHO)], &[Unanswered]),
            ("echoes both ways, one reply", &[('>', ECHO), ('<', ECHO), ('>', REPLY)], &[Answered]),
            ("reply that nobody asked for", &[('>', REPLY), ('>', REPLY)], &[Unanswered]),
            ("reply first, then echo and reply", &[('>', REPLY), ('<', ECHO), ('>', REPLY)], &[Answered]),
            ("error alone", &[('>', E), ('>', E)], &[ErrorsOnly]),
            ("error, then echo by the same end", &[('>', E), ('>', ECHO)], &[Unanswered]),
            ("error, then echo by the other", &[('>', E), ('<', ECHO)], &[ErrorsOnly, Unanswered]),
            ("error, then echo and reply", &[('>', E), ('<', ECHO), ('>', REPLY)], &[ErrorsOnly, Answered]),
        ] {
            let mut bench = Bench::new(10);
            for (direction, role) in packets {
                let (src, dst) = if *direction == '>' { (A, B) } else { (B, A) };
                bench.icmp(1, src, dst, *role);
            }
            let contacts: Vec<Contact> = bench.records().iter().map(|record| record.contact).collect();
            assert_eq!(contacts, expected, "{what}");
        }
        let mut bench = Bench::new(10);
        bench.icmp(1, A, B, IcmpRole::Request);
        bench.packet(1, B, A, Protocol::ICMP, Transport::Other);
        assert_eq!(bench.records()[0].contact, Unanswered, "an ICMP message cut to nothing is no answer");
        let mut bench = Bench::new(10);
        bench.packet(1, A, B, Protocol(50), Transport::Other);
        bench.packet(1, B, A, Protocol(50), Transport::Other);
        assert_eq!(bench.records()[0].contact, Answered, "another protocol");
    }

    #[test]
    fn a_connection_that_stands_may_be_silent_for_an_hour_and_keeps_its_initiator() {
        let mut bench = Bench::new(10);
        for (src, dst, flags) in [(A, B, SYN), (B, A, SYNACK), (A, B, ACK)] {
            bench.tcp(1, src, dst, flags);
        }
        bench.tcp(3000, B, A, ACK);
        bench.tcp(3001, A, B, ACK);
        assert!(bench.records().iter().all(|record| record.initiator.to_string() == A), "{:?}", bench.records());
        let mut bench = Bench::new(10);
        bench.tcp(1, A, B, SYN);
        bench.tcp(3000, B, A, ACK);
        assert_eq!(bench.records().len(), 2, "what never stood is over after the ordinary time");
    }

    #[test]
    fn who_receives_a_syn_ack_first_is_the_initiator() {
        let mut bench = Bench::new(10);
        bench.tcp(1, B, A, SYNACK);
        assert_eq!(bench.events[0].record.initiator.to_string(), A);
        assert_eq!((bench.events[0].record.packets, bench.events[0].record.reverse_packets), (0, 1));
        assert_eq!(bench.events[0].record.contact, Contact::Unanswered);
        bench.tcp(1, A, B, ACK);
        assert_eq!(bench.steps(), [(0, FlowStep::Opened), (0, FlowStep::Answered)]);
    }

    #[test]
    fn idle_flows_close_and_the_next_packet_opens_another() {
        let mut bench = Bench::new(10);
        bench.udp(0, A, B);
        bench.udp(100, B, A);
        bench.wait(219);
        assert_eq!(bench.flows.len(), 1);
        bench.wait(220);
        bench.udp(221, A, B);
        bench.udp(341, A, B); // idle too, before anybody looked
        use FlowStep::{Answered, Closed, Opened};
        assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Closed), (1, Opened), (1, Closed), (2, Opened)]);
        assert_eq!(bench.records().iter().map(|record| record.contact).collect::<Vec<_>>()[1], Contact::Unanswered);
    }

    #[test]
    fn a_long_flow_is_reported_and_goes_on_under_its_id() {
        let mut bench = Bench::new(10);
        for minute in 0..=61 {
            bench.udp(minute * 60, A, B);
            bench.udp(minute * 60, B, A);
        }
        use FlowStep::{Answered, Closed, Opened, Reported};
        let records = bench.records();
        assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Reported), (0, Reported), (0, Closed)]);
        assert_eq!(
            records.iter().map(|r| (r.packets, r.reverse_packets)).collect::<Vec<_>>(),
            [(30, 30), (30, 30), (2, 2)]
        );
        assert_eq!(records[1].start, Timestamp::from_unix(1800, 0));
        assert!(bench.events.iter().all(|event| event.began == Timestamp::from_unix(0, 0)), "it began once");
        assert!(records.iter().all(|record| record.contact == Contact::Answered && record.initiator.to_string() == A));
    }

    #[test]
    fn an_end_that_has_sent_more_than_so_much_is_told_of_once() {
        use FlowStep::{Answered, Closed, Opened, Reported, Volume as Much};
        let mut bench = Bench::new(10);
        bench.flows.data_out_octets = 1000;
        for second in 0..10 {
            bench.udp(second, A, B);
        }
        assert_eq!(bench.steps(), [(0, Opened)], "1000 octets are not more than 1000");
        bench.udp(10, B, A);
        for minute in 0..=31 {
            bench.udp(11 + minute * 60, A, B);
        }
        for _ in 0..9 {
            bench.udp(1900, B, A);
        }
        assert_eq!(bench.steps(), [Opened, Answered, Much, Reported].map(|step| (0, step)));
        bench.udp(1900, B, A);
        bench.udp(1900, B, A);
        assert_eq!(bench.records().len(), 2);
        let told: Vec<_> = bench.events.iter().map(|e| (e.step, e.volume.initiator, e.volume.responder)).collect();
        assert_eq!(told[2..4], [(Much, true, false), (Reported, true, false)]);
        assert_eq!(told[4..], [(Much, true, true), (Closed, true, true)], "counted since the flow began");
    }

    #[test]
    fn segments_that_only_acknowledge_send_nothing() {
        // Payload shown, octets as IP says, whether ten of them are over 350.
        for (payload, octets, much) in [
            (&[][..], 40, false),
            (&[], 100, false),
            (&[], 101, true),
            (&[], 1500, true),
            (&[1], 41, true),
            (&[1], 101, true),
        ] {
            let mut bench = Bench::new(10);
            bench.flows.data_out_octets = 350;
            let (src, dst): (Endpoint, Endpoint) = (A.parse().unwrap(), B.parse().unwrap());
            for second in 0..10 {
                bench.take(&Packet {
                    time: Timestamp::from_unix(second, 0),
                    source: 0,
                    src: src.ip(),
                    dst: dst.ip(),
                    protocol: Protocol::TCP,
                    octets,
                    fragment: Fragment::Whole,
                    transport: Transport::Tcp {
                        src_port: src.port(),
                        dst_port: dst.port(),
                        seq: 0,
                        flags: ACK,
                        payload,
                    },
                });
            }
            let told = bench.events.iter().any(|event| event.step == FlowStep::Volume);
            assert_eq!(told, much, "{payload:?} {octets}");
        }
    }

    #[test]
    fn after_its_end_a_flow_lingers_for_late_packets() {
        use FlowStep::{Answered, Closed, Opened};
        for ends in [&[(A, B, FIN | ACK), (B, A, FIN | ACK)][..], &[(B, A, RST)]] {
            let mut bench = Bench::new(10);
            bench.tcp(0, A, B, SYN);
            bench.tcp(0, B, A, SYNACK);
            bench.tcp(0, A, B, ACK);
            for (src, dst, flags) in ends {
                bench.tcp(1, src, dst, *flags);
            }
            bench.tcp(5, A, B, ACK);
            bench.wait(9);
            assert_eq!(bench.flows.len(), 1);
            bench.wait(10);
            assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Closed)]);
            assert_eq!(bench.flows.len(), 0);
        }
        let mut bench = Bench::new(10);
        bench.tcp(0, A, B, ACK);
        bench.tcp(0, A, B, FIN | ACK);
        bench.wait(119);
        assert_eq!(bench.flows.len(), 1, "one FIN is only half an end");
        bench.tcp(119, B, A, RST);
        bench.tcp(130, B, A, ACK);
        assert_eq!(bench.steps(), [(0, Opened), (0, Closed), (1, Opened)], "beyond the linger, before anybody looked");
    }

    #[test]
    fn a_new_syn_after_an_end_is_a_new_flow_and_a_repeated_one_is_not() {
        use FlowStep::{Closed, Opened};
        let mut bench = Bench::new(10);
        bench.tcp(0, A, B, SYN);
        bench.tcp(1, A, B, SYN);
        bench.tcp(1, B, A, RST | ACK);
        bench.tcp_at(2, A, B, SYN, 77);
        bench.tcp(2, B, A, FIN | ACK);
        bench.tcp(3, B, A, SYN);
        assert_eq!(bench.steps(), [(0, Opened), (0, Closed), (1, Opened), (1, Closed), (2, Opened)]);
        let records = bench.records();
        assert_eq!(
            records.iter().map(|r| (r.packets, r.reverse_packets)).collect::<Vec<_>>(),
            [(2, 1), (1, 1), (1, 0)]
        );
        assert_eq!(records[2].initiator.to_string(), B);
    }

    #[test]
    fn a_syn_that_is_sent_again_after_its_refusal_is_the_same_attempt() {
        let mut bench = Bench::new(10);
        for second in 0..3 {
            bench.tcp_at(second, A, B, SYN, 1000);
            bench.tcp_at(second, B, A, RST | ACK, 0);
        }
        bench.tcp_at(3, A, B, SYN, 1000);
        bench.tcp_at(3, B, A, SYNACK, 5);
        bench.tcp_at(3, A, B, ACK, 1001);
        let contacts: Vec<_> = bench.records().iter().map(|r| (r.contact, r.packets, r.reverse_packets)).collect();
        assert_eq!(contacts, [(Contact::Answered, 5, 4)]);
    }

    #[test]
    fn what_names_no_ports_is_counted_and_in_no_flow() {
        let mut bench = Bench::new(10);
        bench.packet(0, A, B, Protocol::TCP, Transport::Other);
        bench.packet(0, A, B, Protocol::UDP, Transport::Other);
        let (src, dst) = ("10.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        for (fragment, protocol) in [(Fragment::Later, Protocol::UDP), (Fragment::Later, Protocol::ICMP)] {
            let transport = Transport::Other;
            let time = Timestamp(0);
            bench.take(&Packet { time, source: 0, src, dst, protocol, octets: 1, fragment, transport });
        }
        assert_eq!((bench.flows.len(), bench.counts.cut_headers, bench.counts.later_fragments), (0, 2, 2));
        let transport = Transport::Udp { src_port: 1, dst_port: 2, payload: &[] };
        let (fragment, protocol) = (Fragment::First, Protocol::UDP);
        bench.take(&Packet { time: Timestamp(0), source: 0, src, dst, protocol, octets: 1, fragment, transport });
        assert_eq!(bench.flows.len(), 1, "a first fragment is");
    }

    #[test]
    fn a_header_cut_behind_its_ports_counts_and_proves_as_little_as_it_shows() {
        let ports = Transport::Ports { src_port: 0, dst_port: 0 };
        for (protocol, expected) in [(Protocol::TCP, Contact::Unanswered), (Protocol::UDP, Contact::Answered)] {
            let mut bench = Bench::new(10);
            for (src, dst) in [(A, B), (B, A), (A, B)] {
                bench.packet(0, src, dst, protocol, ports);
            }
            let records: Vec<_> = bench.records().iter().map(|r| (r.contact, r.packets, r.reverse_packets)).collect();
            assert_eq!(records, [(expected, 2, 1)], "{protocol:?}");
        }
    }

    #[test]
    fn packets_from_before_the_start_belong_and_never_end_a_flow() {
        let mut bench = Bench::new(10);
        bench.udp(10_000, A, B);
        bench.udp(9_990, B, A);
        bench.udp(50, A, "192.0.2.9:1");
        bench.udp(100, A, "192.0.2.9:1");
        bench.udp(400, A, "192.0.2.9:1");
        let records = bench.records();
        assert_eq!(records.len(), 3, "a source that is behind times out by its own times");
        let first = records.iter().find(|record| record.reverse_packets == 1).unwrap();
        assert_eq!((first.start, first.end), (Timestamp::from_unix(9_990, 0), Timestamp::from_unix(10_000, 0)));
    }

    #[test]
    fn s4_a_full_table_lets_the_longest_idle_go() {
        let mut bench = Bench::new(3);
        bench.udp(0, A, "192.0.2.1:1");
        bench.tcp(1, A, "192.0.2.1:2", RST);
        bench.udp(2, A, "192.0.2.1:3");
        bench.udp(3, A, "192.0.2.1:1");
        bench.udp(4, A, "192.0.2.1:4");
        bench.udp(4, A, "192.0.2.1:5");
        let closed: Vec<u16> = bench
            .events
            .iter()
            .filter(|event| event.step == FlowStep::Closed)
            .map(|event| event.record.responder.port())
            .collect();
        assert_eq!((closed, bench.counts.evicted), (vec![2, 3], 2));
    }

    #[test]
    fn s4_all_flows_together_take_no_more_than_the_limit_says() {
        let octets = Table::<Key, Flow, 3>::octets_for(crate::limits::FLOWS_MAX);
        let each = Table::<Key, Flow, 3>::ENTRY_OCTETS;
        assert!(octets <= crate::limits::FLOWS_MAX_OCTETS, "{octets} octets, {each} a flow");
    }

    /// Keys compared while so many IPv6 flows open and are heard of again, their clients' addresses made by `client`.
    fn compared(known_seed: bool, client: fn(u64) -> u128) -> u64 {
        let mut bench = Bench::new(5_000);
        if known_seed {
            bench.flows.table = Table::new(5_000).with_known_seed();
        }
        for round in 0..2 {
            for number in 0..3_000u64 {
                let src = std::net::Ipv6Addr::from_bits(client(number));
                bench.udp(round, &format!("[{src}]:40000"), "[ffff::1]:443");
            }
        }
        assert_eq!(bench.flows.len(), 3_000);
        bench.flows.table.compared()
    }

    #[test]
    fn s5_flows_crafted_against_the_known_seed_cost_no_more_than_twice_others() {
        let crafted = |number| u128::from(number) << 64 | u128::from(crate::keyed::FORGETFUL);
        let usual =
            compared(false, |number| 0x2001_0db8 << 96 | u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let attacked = compared(false, crafted);
        assert!(attacked <= 2 * usual, "{attacked} keys compared where {usual} are usual");
        let known = compared(true, crafted);
        assert!(known > 100 * usual, "the flows are no attack: {known} keys compared where {usual} are usual");
    }

    #[derive(Debug, Clone)]
    struct Any {
        pause: i64,
        jump: i64,
        ends: (u8, u8),
        kind: u8,
        flags: u8,
        octets: u32,
    }

    fn any_packet() -> impl Strategy<Value = Any> {
        let pause = prop_oneof![Just(0i64), 0i64..3_000_000, 0i64..2_000_000_000];
        let jump = prop_oneof![9 => Just(0i64), 1 => any::<i64>()];
        let flags = prop_oneof![Just(SYN), Just(SYNACK), Just(ACK), Just(FIN | ACK), Just(RST), any::<u8>()];
        (pause, jump, (0u8..4, 0u8..4), 0u8..6, flags, any::<u32>())
            .prop_map(|(pause, jump, ends, kind, flags, octets)| Any { pause, jump, ends, kind, flags, octets })
    }

    proptest! {
        #[test]
        fn s3_nothing_is_lost_or_invented_and_answered_takes_two(packets in prop::collection::vec(any_packet(), 0..300)) {
            let mut bench = Bench::new(5);
            let mut time = 0i64;
            let (mut count, mut octets) = (0u64, 0u64);
            for any in &packets {
                time += any.pause;
                let address = |end: u8| IpAddr::from([10, 0, 0, end]);
                let (protocol, transport) = match any.kind {
                    0 => (Protocol::UDP, Transport::Udp { src_port: 1, dst_port: 1, payload: &[] }),
                    1 => (Protocol::ICMP, Transport::Icmp { role: if any.flags & 1 == 0 { IcmpRole::Error } else { IcmpRole::Other } }),
                    2 => (Protocol(47), Transport::Other),
                    _ => (Protocol::TCP, Transport::Tcp { src_port: 1, dst_port: 1, seq: 0, flags: any.flags, payload: &[] }),
                };
                bench.take(&Packet {
                    time: Timestamp(if any.jump == 0 { time } else { any.jump }),
                    source: 0,
                    src: address(any.ends.0),
                    dst: address(any.ends.1),
                    protocol,
                    octets: any.octets,
                    fragment: Fragment::Whole,
                    transport,
                });
                if any.kind == 5 { bench.wait(time / 1_000_000) }
                count += 1;
                octets += u64::from(any.octets);
            }
            let records = bench.records();
            prop_assert!(bench.flows.is_empty());
            prop_assert_eq!(records.iter().map(|r| r.packets + r.reverse_packets).sum::<u64>(), count);
            prop_assert_eq!(records.iter().map(|r| r.octets + r.reverse_octets).sum::<u64>(), octets);
            prop_assert!(records.iter().all(|r| r.start <= r.end && r.packets + r.reverse_packets > 0));
            let mut told: std::collections::BTreeMap<FlowId, Vec<&FlowEvent>> = std::collections::BTreeMap::new();
            for event in &bench.events {
                told.entry(event.flow).or_default().push(event);
            }
            for events in told.values() {
                let at = |step: FlowStep| events.iter().filter(|event| event.step == step).count();
                prop_assert_eq!(events.first().map(|event| event.step), Some(FlowStep::Opened));
                prop_assert_eq!(events.last().map(|event| event.step), Some(FlowStep::Closed));
                prop_assert!(at(FlowStep::Opened) == 1 && at(FlowStep::Closed) == 1 && at(FlowStep::Answered) <= 1);
                let last = &events.last().unwrap().record;
                prop_assert_eq!(at(FlowStep::Answered) == 1, last.contact == Contact::Answered);
                let sum = |of: fn(&FlowRecord) -> u64| -> u64 {
                    let last = |event: &&&FlowEvent| matches!(event.step, FlowStep::Closed | FlowStep::Reported);
                    events.iter().filter(last).map(|event| of(&event.record)).sum()
                };
                if last.contact == Contact::Answered {
                    prop_assert!(sum(|r| r.packets) > 0 && sum(|r| r.reverse_packets) > 0, "evidence takes both ends");
                }
            }
        }
    }
}
