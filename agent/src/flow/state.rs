//! One flow: what a packet adds to it, and how far it has got (decision 21).

use varde_common::observation::{Contact, FlowRecord, Protocol};
use varde_common::time::Timestamp;

use super::doubt::Doubt;
use super::key::Key;
use super::stand::Stands;
use super::{CLOCK_AHEAD_MAX_US, FlowEvent, FlowGlimpse, FlowId, FlowStep, Heard, Volume};
use crate::audience::Audience;
use crate::greeting::Greeting;
use crate::observe::Seen;
use crate::packet::tcp_flags::{ACK, RST, SYN};
use crate::packet::{IcmpRole, Packet, Transport};
use crate::table::Place;

/// IPv6 header and the longest TCP header: a segment that shows no data may have had some cut off only when it is longer.
const BARE_SEGMENT_MAX_OCTETS: u32 = 40 + 60;

/// Lanes of the table.
pub(super) const OPEN: u8 = 0;
pub(super) const LINGERING: u8 = 1;
pub(super) const ESTABLISHED: u8 = 2;
pub(super) const ALL_LANES: [u8; 3] = [LINGERING, OPEN, ESTABLISHED];

/// A packet as a flow sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) time: Timestamp,
    pub(super) octets: u32,
    /// The same, or 0 where it only acknowledges.
    pub(super) data_octets: u32,
    pub(super) source: u16,
    /// Whether the lesser end sent it.
    pub(super) from_low: bool,
    /// A RST, an ICMP error, or an ICMP message of which nothing is known: nobody's attempt and nobody's answer.
    pub(super) is_error: bool,
    /// An ICMP message that asks for a reply: nobody's answer.
    pub(super) is_request: bool,
    /// TCP flags; 0 for other protocols.
    pub(super) flags: u8,
    /// TCP sequence number; 0 for other protocols.
    pub(super) seq: u32,
    /// TCP acknowledgement number, with ACK; 0 for other protocols.
    pub(super) ack: u32,
    /// Whether it brings data of which a stream consists.
    pub(super) has_payload: bool,
}

impl Step {
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether it asks for a TCP connection.
    pub(super) fn is_syn(&self) -> bool {
        self.has(SYN) && !self.has(ACK) && !self.has(RST)
    }

    /// Whether it answers such a one.
    pub(super) fn is_syn_ack(&self) -> bool {
        self.flags & (SYN | ACK | RST) == SYN | ACK
    }

    /// Whether it is a segment that begins no connection, and ends none.
    pub(super) fn goes_on(&self) -> bool {
        self.flags & (SYN | ACK | RST) == ACK
    }
}

/// How much of a TCP handshake, or of an ICMP question and its reply, was seen, for decision 21.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Handshake {
    /// Seen from its SYN (or SYN-ACK) on: acknowledgements count in order.
    pub(super) from_start: bool,
    /// An ACK without RST came from the responder; ICMP: a request did.
    pub(super) responder: bool,
    /// An ACK without SYN and RST came from the initiator; from the start: after the responder's.
    pub(super) initiator: bool,
}

/// What a packet makes of its flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// It is answered now.
    pub(super) answered: bool,
    /// The end that sent it has sent much now.
    pub(super) much_sent: bool,
    /// It is a SYN of the initiator that says something else than was known of where its stream begins, and nobody has
    /// answered yet.
    pub(super) begins_stream: bool,
    /// Its end alone is heard, as is plain now, and the other speaks.
    pub(super) is_alone: bool,
}

/// What is known of the initiator's SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SynStanding {
    Unknown,
    /// `has_data`: which its receiver need not take (RFC 7413).
    Known {
        has_data: bool,
    },
    /// Two said different things; of the first the number is known.
    Disputed,
    /// Three did, or the second came again.
    Unclear,
}

/// Whether the answer to the SYN shows that what was read of the initiator is no part of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anew {
    No,
    Yes,
    /// It does, unless that is exactly what this answer took, in one of two SYNs that say different things.
    UnlessTaken,
}

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: FlowId,
    pub(super) packets: [u64; 2],
    pub(super) octets: [u64; 2],
    /// Octets that are yet to come from each end until it has sent much: 0 from then on.
    pub(super) until_much: [u32; 2],
    /// First packet of all.
    pub(super) began: Timestamp,
    /// First and last packet of the record.
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) source: u16,
    pub(super) initiator_is_low: bool,
    /// Sequence number of the initiator's SYN, to know it when it is sent again.
    pub(super) syn: u32,
    pub(super) syn_standing: SynStanding,
    pub(super) begins_anew: Anew,
    /// There is, or was, a SYN that may be forged ([`super::doubt`]).
    pub(super) is_doubted: bool,
    /// Where the receivers of both streams stand.
    pub(super) stands: Stands,
    pub(super) contact: Contact,
    pub(super) handshake: Handshake,
    pub(super) fin_from_initiator: bool,
    pub(super) fin_from_responder: bool,
    /// A RST of this end that its receiver takes, as far as was heard.
    pub(super) reset_by_initiator: bool,
    pub(super) reset_by_responder: bool,
    /// One that its receiver may take: not exactly where that was heard to stand, and not far from there.
    pub(super) reset_in_doubt: bool,
    /// It goes on what was over, and who began that has not spoken yet: nobody's attempt and nobody's answer so far.
    pub(super) awaits_initiator: bool,
    /// Of the initiator; of both where it is not TCP.
    pub(super) greeting: Greeting,
    /// Of the responder over TCP: neither end's words stand in for the other's.
    pub(super) greeting_back: Greeting,
}

impl Flow {
    pub(super) fn new(id: FlowId, step: &Step, protocol: Protocol, data_out_octets: u32) -> Flow {
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
            syn: step.seq,
            syn_standing: if step.is_syn() {
                SynStanding::Known { has_data: step.has_payload }
            } else {
                SynStanding::Unknown
            },
            begins_anew: Anew::No,
            is_doubted: false,
            stands: Stands::default(),
            // Who is sent a SYN-ACK has tried.
            contact: if step.is_error { Contact::ErrorsOnly } else { Contact::Unanswered },
            handshake: Handshake { from_start: protocol == Protocol::TCP && opens, ..Handshake::default() },
            fin_from_initiator: false,
            fin_from_responder: false,
            reset_by_initiator: false,
            reset_by_responder: false,
            reset_in_doubt: false,
            awaits_initiator: false,
            greeting: Greeting::default(),
            greeting_back: Greeting::default(),
        }
    }

    /// It began with a SYN that was in doubt, and this is the answer to it.
    pub(super) fn began_with(&mut self, doubt: &Doubt, answer: &Step) {
        self.initiator_is_low = !answer.from_low;
        (self.syn, self.syn_standing) = (doubt.syn, SynStanding::Known { has_data: doubt.syn_has_data });
        self.greeting = doubt.greeting;
    }

    /// It goes on a conversation that was over: who began that, began this.
    pub(super) fn goes_on(&mut self, initiator_is_low: bool) {
        if self.initiator_is_low != initiator_is_low {
            (self.initiator_is_low, self.awaits_initiator) = (initiator_is_low, true);
            self.contact = Contact::ErrorsOnly;
        }
    }

    /// What is to be heard of its first words in a packet; nothing once they are known.
    pub(super) fn heard(&self, place: Place, step: &Step, packet: &Packet<'_>, begins_stream: bool) -> Option<Heard> {
        let from_initiator = step.from_low == self.initiator_is_low;
        let is_back = !from_initiator && packet.protocol == Protocol::TCP;
        let greeting = if is_back { self.greeting_back } else { self.greeting };
        let is_anew =
            (begins_stream || self.begins_anew != Anew::No && from_initiator) && greeting != Greeting::default();
        (is_anew || greeting.may_tell(&packet.transport)).then_some(Heard {
            place,
            flow: self.id,
            gathered_by: self.id,
            from_initiator,
            syn: self.syn(),
            stands: self.stands.of(from_initiator),
            is_anew,
            may_be_taken: self.begins_anew == Anew::UnlessTaken,
            contact: self.contact,
            greeting,
        })
    }

    pub(super) fn greeting_mut(&mut self, from_initiator: bool, protocol: Protocol) -> &mut Greeting {
        let is_back = !from_initiator && protocol == Protocol::TCP;
        if is_back { &mut self.greeting_back } else { &mut self.greeting }
    }

    /// A packet as it counts here: one whose time is far from the others' has come now all the same, and lengthens nothing.
    pub(super) fn dated(&self, time: Timestamp) -> Timestamp {
        match time {
            ahead if ahead.micros_since(self.end) > CLOCK_AHEAD_MAX_US => self.end,
            behind if self.start.micros_since(behind) > CLOCK_AHEAD_MAX_US => self.start,
            time => time,
        }
    }

    /// Counts a packet.
    pub(super) fn take(&mut self, step: &Step, protocol: Protocol) -> Taken {
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
        let was_alone = self.stands.is_alone();
        let begins_stream = protocol == Protocol::TCP && self.hear_tcp(step, from_initiator);
        let is_alone = !was_alone && self.stands.is_alone();
        Taken { answered: self.hear(step, protocol, from_initiator), much_sent, begins_stream, is_alone }
    }

    /// Whether the flow is answered with this packet, and was not before.
    pub(super) fn hear(&mut self, step: &Step, protocol: Protocol, from_initiator: bool) -> bool {
        if step.is_error || self.contact == Contact::Answered {
            return false;
        }
        if from_initiator {
            self.contact = Contact::Unanswered;
        }
        let answered = match protocol {
            Protocol::TCP => self.shake_hands(step, from_initiator),
            _ if protocol.is_icmp() => self.hear_reply(step, from_initiator),
            // Both have spoken.
            _ => from_initiator == self.awaits_initiator,
        };
        self.awaits_initiator &= !from_initiator;
        if answered {
            self.contact = Contact::Answered;
        }
        answered
    }

    /// Whether both ends have acknowledged each other.
    pub(super) fn shake_hands(&mut self, step: &Step, from_initiator: bool) -> bool {
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
    pub(super) fn hear_reply(&mut self, step: &Step, from_initiator: bool) -> bool {
        let asked = &mut self.handshake.responder;
        *asked |= !from_initiator && step.is_request;
        !step.is_request && (!from_initiator || *asked)
    }

    /// Whether this packet begins another flow, however soon it comes.
    #[inline]
    pub(super) fn is_ended_by(&self, step: &Step) -> bool {
        // After errors alone, the other end's first real packet is an attempt of its own, not a reply to them.
        let is_other_s_attempt = self.contact == Contact::ErrorsOnly
            && !self.awaits_initiator
            && !step.is_error
            && step.from_low != self.initiator_is_low;
        is_other_s_attempt || step.has(SYN) && (self.is_begun_anew_by(step) || self.is_another_s_answer(step))
    }

    pub(super) fn lane(&self) -> u8 {
        if self.is_reset() || (self.fin_from_initiator && self.fin_from_responder) {
            LINGERING
        } else if self.reset_in_doubt {
            OPEN
        } else if self.handshake.initiator && self.handshake.responder {
            ESTABLISHED
        } else {
            OPEN
        }
    }

    /// Tells a step, where anybody wants to know.
    pub(super) fn tell(&self, key: &Key, step: FlowStep, audience: &mut impl Audience) {
        if audience.wants_step(&self.glimpse(key, step)) {
            audience.take(Seen::Flow(self.event(key, step)));
        }
    }

    #[inline]
    fn glimpse(&self, key: &Key, step: FlowStep) -> FlowGlimpse {
        FlowGlimpse {
            flow: self.id,
            step,
            began: self.began,
            initiator: key.end(self.initiator_is_low),
            responder: key.end(!self.initiator_is_low),
            protocol: key.protocol(),
            contact: self.contact,
        }
    }

    /// Tells that one end alone is heard.
    #[cold]
    pub(super) fn tell_alone(&self, key: &Key, from_low: bool, audience: &mut impl Audience) {
        audience.heard_alone(&self.glimpse(key, FlowStep::Opened), from_low == self.initiator_is_low);
    }

    pub(super) fn event(&self, key: &Key, step: FlowStep) -> FlowEvent {
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
                protocol: key.protocol(),
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
    pub(super) fn begin_anew(&mut self, time: Timestamp) {
        self.packets = [0; 2];
        self.octets = [0; 2];
        self.start = time;
        self.end = time;
    }
}

/// What a flow needs to know of a packet; none where the ports a flow is told by cannot be read.
#[inline]
pub(super) fn read(packet: &Packet<'_>) -> Option<(Key, Step)> {
    let &Packet { time, octets, source, protocol, .. } = packet;
    let plain = Step {
        time,
        octets,
        data_octets: octets,
        source,
        from_low: false,
        is_error: false,
        is_request: false,
        flags: 0,
        seq: 0,
        ack: 0,
        has_payload: false,
    };
    let (src_port, dst_port, step) = match packet.transport {
        Transport::Udp { src_port, dst_port, .. } => (src_port, dst_port, plain),
        Transport::Tcp { src_port, dst_port, flags, seq, ack, payload, urgent: _ } => {
            let is_bare = payload.is_empty() && octets <= BARE_SEGMENT_MAX_OCTETS;
            let data_octets = if is_bare { 0 } else { octets };
            let (is_error, has_payload) = (flags & RST != 0, !payload.is_empty());
            (src_port, dst_port, Step { data_octets, is_error, flags, seq, ack, has_payload, ..plain })
        }
        // Without flags a segment is an attempt at most: [`Flow::shake_hands`] waits for ACKs.
        Transport::Ports { src_port, dst_port } => (src_port, dst_port, plain),
        Transport::Icmp { role } => {
            let (is_error, is_request) = (role == IcmpRole::Error, role == IcmpRole::Request);
            (0, 0, Step { is_error, is_request, ..plain })
        }
        Transport::Other if protocol.has_ports() => return None,
        // An ICMP message too short to say what it is must not count as an answer.
        Transport::Other => (0, 0, Step { is_error: protocol.is_icmp(), ..plain }),
    };
    let (key, from_low) = Key::of(packet.src, src_port, packet.dst, dst_port, protocol);
    Some((key, Step { from_low, ..step }))
}
