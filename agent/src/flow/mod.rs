//! Packets to flow records (RFC 7011, bidirectional as RFC 5103), in a bounded table.

mod connection;
mod doubt;
mod key;
mod lately;
mod stand;
mod state;

use std::time::Duration;

use varde_common::observation::{Contact, Endpoint, FlowRecord, Protocol};
use varde_common::time::Timestamp;

use crate::audience::Audience;
use crate::greeting::Greeting;
use crate::limits::{CLOCK_AHEAD_MAX_S, FLOW_ESTABLISHED_IDLE_TIMEOUT_S, FLOW_LINGER_S};
use crate::packet::tcp_flags::SYN;
use crate::packet::{Fragment, Packet};
use crate::table::{Place, Table};
use doubt::Doubts;
use key::Key;
use lately::Lately;
use state::{ALL_LANES, Anew, ESTABLISHED, Flow, LINGERING, OPEN, Step, Taken, read};

const LINGER: Duration = Duration::from_secs(FLOW_LINGER_S);

/// A packet that is further than this ahead of its flow proves nothing by its own time.
const CLOCK_AHEAD_MAX_US: u64 = CLOCK_AHEAD_MAX_S as u64 * 1_000_000;

/// A flow is told to be over at most this part of the idle timeout late.
const GRAINS: u32 = 32;

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
    /// SYNs in doubt let go because too many were.
    pub doubts_evicted: u64,
    /// Fragments that count in no flow: later ones name no ports. Nor does the first one where it does not hold the whole
    /// transport header: what they make together counts.
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
    /// No flow is over sooner, microseconds.
    shortest_timeout_us: u64,
    /// After so long a flow that goes on is reported, microseconds.
    active_us: u64,
    data_out_octets: u32,
    next_id: FlowId,
    lately: Lately,
    doubts: Doubts,
}

/// What the next stage needs to know of a flow whose first words may still come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Where the flow lies, until the next packet.
    pub(crate) place: Place,
    /// Which flow.
    pub(crate) flow: FlowId,
    /// By whose name words are gathered and told: the flow's, or that of the one which the answer to a SYN would begin.
    pub(crate) gathered_by: FlowId,
    /// Whether its initiator sent the packet.
    pub(crate) from_initiator: bool,
    /// Sequence number of the initiator's SYN, where it was seen.
    pub(crate) syn: Option<u32>,
    /// The next octet that the other end expects of the one that sent the packet, where it was heard.
    pub(crate) stands: Option<u32>,
    /// Whether words were looked at that are none of this stream: a SYN says something else of where it begins, or its answer
    /// does.
    pub(crate) is_anew: bool,
    /// Unless they are exactly what that answer took.
    pub(crate) may_be_taken: bool,
    /// How far the flow has got.
    pub(crate) contact: Contact,
    /// How far the greeting of the end that sent it is known.
    pub(crate) greeting: Greeting,
}

impl Heard {
    /// Whether it stands behind a SYN that may be forged.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.gathered_by != self.flow
    }
}

/// A flow's step before it is told whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowGlimpse {
    /// The flow.
    pub flow: FlowId,
    /// What happened.
    pub step: FlowStep,
    /// When the flow's first packet was seen, whatever has been reported since.
    pub began: Timestamp,
    /// Who sent the first packet.
    pub initiator: Endpoint,
    /// The other end.
    pub responder: Endpoint,
    /// The protocol above IP.
    pub protocol: Protocol,
    /// How far it has got.
    pub contact: Contact,
}

impl FlowEvent {
    /// The same without its numbers.
    pub fn glimpse(&self) -> FlowGlimpse {
        let FlowEvent { flow, step, began, ref record, .. } = *self;
        let FlowRecord { initiator, responder, protocol, contact, .. } = *record;
        FlowGlimpse { flow, step, began, initiator, responder, protocol, contact }
    }
}

impl Flows {
    /// None yet. A flow without packets for `idle` is over (a TCP connection that stands: an hour); one that goes on is reported after `active`, with the first
    /// packet that comes after it. An end that sends more than `data_out_octets` has sent much.
    pub fn new(flows_max: usize, idle: Duration, active: Duration, data_out_octets: u32) -> Flows {
        let established_idle = Duration::from_secs(FLOW_ESTABLISHED_IDLE_TIMEOUT_S).max(idle);
        let grain = idle / GRAINS;
        let table = Table::with_grain(flows_max, grain);
        let shortest_timeout_us = u64::try_from(LINGER.min(idle).as_micros()).unwrap_or(0);
        let active_us = u64::try_from(active.as_micros()).unwrap_or(u64::MAX);
        Flows {
            table,
            idle,
            established_idle,
            shortest_timeout_us,
            active_us,
            data_out_octets,
            next_id: FlowId(0),
            lately: Lately::new(),
            doubts: Doubts::new(),
        }
    }

    /// An end of a flow opened from now on has sent much beyond so many octets.
    pub fn handle_data_out(&mut self, data_out_octets: u32) {
        self.data_out_octets = data_out_octets;
    }

    /// Flows under way.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a packet into its flow; what becomes of flows goes to `audience`. Returns the flow where its first words may be in
    /// the packet.
    pub(crate) fn handle_packet(
        &mut self,
        packet: &Packet<'_>,
        now: Timestamp,
        counts: &mut FlowCounts,
        audience: &mut impl Audience,
    ) -> Option<Heard> {
        if packet.fragment != Fragment::Whole && packet.is_headless() {
            counts.later_fragments += 1;
            return None;
        }
        let Some((key, mut step)) = read(packet) else {
            counts.cut_headers += 1;
            return None;
        };
        let hash = self.table.hash_of(&key);
        let mut place = self.table.find(hash, &key);
        let mut begun = None;
        if let Some(old) = place
            && self.is_over(old, &step, now)
        {
            // Its words are no part of what is over.
            begun = self.table.at(old).and_then(|(_, flow)| self.doubts.take_answered(flow, &step));
            self.end(old, audience);
            place = None;
        }
        let is_new = place.is_none();
        let place = match place {
            Some(place) => place,
            None => {
                self.make_room(now, counts, audience);
                let id = begun.map_or(self.next_id, |doubt| doubt.id);
                let mut flow = Flow::new(id, &step, key.protocol(), self.data_out_octets);
                if let Some(doubt) = &begun {
                    flow.began_with(doubt, &step);
                } else if (key.is_conversation() || step.goes_on())
                    && let Some(initiator_is_low) = self.lately.initiator_is_low(self.table.number_of(&key), now)
                {
                    flow.goes_on(initiator_is_low);
                }
                let place = self.table.insert(hash, key, flow, OPEN, now)?;
                if begun.is_none() {
                    self.next_id = FlowId(id.0 + 1);
                }
                counts.opened += 1;
                place
            }
        };
        let active_us = self.active_us;
        let (key, flow) = self.table.at_mut(place)?;
        step.time = flow.dated(step.time);
        if step.time.micros_since(flow.start) >= active_us && !is_new {
            flow.tell(key, FlowStep::Reported, audience);
            flow.begin_anew(step.time);
        }
        let doubt = if flow.is_doubted || step.has(SYN) && !is_new {
            let let_go = &mut |gathered_by| audience.let_go(gathered_by);
            self.doubts.hear(flow, &step, &mut self.next_id, now, counts, let_go)
        } else {
            None
        };
        if doubt.is_some() {
            // Nothing that may be forged moves the connection that stands.
            step.flags = 0;
        }
        let Taken { answered, much_sent, begins_stream, is_alone } = flow.take(&step, key.protocol());
        if is_new {
            flow.tell(key, FlowStep::Opened, audience);
        }
        if answered {
            flow.tell(key, FlowStep::Answered, audience);
        }
        if much_sent {
            flow.tell(key, FlowStep::Volume, audience);
        }
        if is_alone {
            flow.tell_alone(key, step.from_low, audience);
        }
        let lane = flow.lane();
        let heard = match doubt {
            Some(doubt) => self.doubts.heard(doubt, flow, place, &step, packet),
            None => flow.heard(place, &step, packet, begins_stream),
        };
        self.table.touch(place, lane, now);
        heard
    }

    /// Notes how far the greeting in the flow of a packet is known now.
    pub(crate) fn set_greeting(&mut self, heard: &Heard, greeting: Greeting) {
        if heard.is_in_doubt() {
            self.doubts.set_greeting(heard, greeting);
            return;
        }
        if let Some((key, flow)) = self.table.at_mut(heard.place) {
            if heard.from_initiator {
                flow.begins_anew = Anew::No;
            }
            let protocol = key.protocol();
            *flow.greeting_mut(heard.from_initiator, protocol) = greeting;
        }
    }

    /// What the next stage needs to know of the flow of a packet that has been counted already, in pieces.
    pub(crate) fn hear(&mut self, packet: &Packet<'_>) -> Option<Heard> {
        let (key, step) = read(packet)?;
        let place = self.table.find(self.table.hash_of(&key), &key)?;
        let (_, flow) = self.table.at(place)?;
        let doubt = if flow.is_doubted { self.doubts.rejoined(flow, &step) } else { None };
        match doubt {
            Some(doubt) => self.doubts.heard(doubt, flow, place, &step, packet),
            None => flow.heard(place, &step, packet, false),
        }
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

    /// Ends the next flow that was idle for too long; false where there is none.
    pub fn end_expired(&mut self, now: Timestamp, audience: &mut impl Audience) -> bool {
        let due = ALL_LANES
            .into_iter()
            .find_map(|lane| self.table.oldest(lane).filter(|(_, touched)| now.since(*touched) >= self.timeout(lane)));
        due.inspect(|(place, _)| self.end(*place, audience)).is_some()
    }

    /// The flows under way, with the starts of their records.
    pub(crate) fn open(&self) -> impl Iterator<Item = (Place, Timestamp)> {
        self.table.iter().map(|(place, _, flow)| (place, flow.start))
    }

    /// Ends a flow, and tells it where anybody wants to know.
    pub(crate) fn end(&mut self, place: Place, audience: &mut impl Audience) {
        if let Some((key, flow)) = self.table.at(place) {
            while flow.is_doubted
                && let Some(doubt) = self.doubts.take(flow.id)
            {
                audience.let_go(doubt.id);
            }
            flow.tell(key, FlowStep::Closed, audience);
        }
        self.remember_who_began(place);
        self.table.discard(place);
    }

    /// A conversation that ends may go on after its silence: then whoever began it has begun it still.
    fn remember_who_began(&mut self, place: Place) {
        let Some((key, flow, last)) = self.table.at_since(place) else { return };
        let is_mutual = flow.contact == Contact::Answered || flow.awaits_initiator;
        if is_mutual && (key.is_conversation() || flow.may_go_on(key.protocol())) {
            self.lately.remember(self.table.number_of(key), flow.initiator_is_low, last);
        }
    }

    /// Whether the flow that lies there was over before this packet, which then begins another.
    #[inline]
    fn is_over(&self, place: Place, step: &Step, now: Timestamp) -> bool {
        let Some((_, flow, touched)) = self.table.at_since(place) else { return true };
        // By the clock, or by the packets' own times: one source may be long behind another. Of a time so far ahead that one
        // packet alone proves nothing, the clock has the say ([`crate::timeline`]).
        let by_clock = now.micros_since(touched);
        let by_packets = step.time.micros_since(flow.end);
        let quiet = if by_packets > CLOCK_AHEAD_MAX_US { by_clock } else { by_clock.max(by_packets) };
        quiet >= self.shortest_timeout_us && Duration::from_micros(quiet) >= self.timeout(flow.lane())
            || flow.is_ended_by(step)
            || flow.is_doubted && self.doubts.is_ended_by(flow, step)
    }

    fn make_room(&mut self, now: Timestamp, counts: &mut FlowCounts, audience: &mut impl Audience) {
        while self.table.is_full() {
            for lane in ALL_LANES {
                self.table.settle(lane, now);
            }
            let oldest = ALL_LANES.into_iter().filter_map(|lane| self.table.oldest(lane));
            let Some((oldest, _)) = oldest.min_by_key(|(_, touched)| *touched) else { return };
            counts.evicted += 1;
            self.end(oldest, audience);
        }
    }
}

#[cfg(test)]
mod tests;
