//! First words of flows: hellos and requests, told by what they say and not by their port, however they are cut.
//!
//! A flow's own entry says how far it got ([`Greeting`]), so that a packet of one that has nothing more to tell costs one
//! test. What fits into one segment or datagram is read where it lies; only what does not is kept, here, within bounds.
//! What is let go, for whatever reason, is read as far as it came: a name that was shown is matched.

mod aside;
mod certain;
mod counts;
mod over_quic;
mod over_tcp;
mod readings;
mod state;
mod talk;
mod told;
mod words;

use std::time::Duration;

use varde_common::observation::{Contact, Endpoint};
use varde_common::time::Timestamp;

use crate::flow::{FlowId, Heard};
use crate::hello::quic;
use crate::keyed::RandomState;
use crate::limits::{GREETING_TIMEOUT_S, GREETINGS_MAX, GREETINGS_TOTAL_MAX_OCTETS};
use crate::packet::{Packet, Transport};
use crate::table::{Place, Table};
use aside::{after_letting_go, begin_in, first_octet, is_taken};
use certain::Segment;
use over_quic::{Means, OverQuic};
use over_tcp::{OverTcp, Took};
use state::Asking;
use talk::Talk;
use told::LatelyTold;
use words::{Passage, Teller};

pub use counts::{GreetingCounts, RefusedHellos};
pub(crate) use state::{Greeting, Looks};
pub(crate) use words::{Greeted, Told};

/// Whose greeting it is: over TCP each end has its own, over QUIC both have one that goes by the initiator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Whose {
    flow: FlowId,
    by_initiator: bool,
}

impl Whose {
    fn of(packet: &Packet<'_>, heard: &Heard) -> Whose {
        let is_tcp = matches!(packet.transport, Transport::Tcp { .. });
        Whose { flow: heard.gathered_by, by_initiator: heard.from_initiator || !is_tcp }
    }
}

/// A greeting under way.
#[derive(Debug)]
struct Gathering {
    from_initiator: bool,
    /// What was looked at before it began.
    looks: Looks,
    /// As the last packet of it was seen.
    passage: Passage,
    carrier: Carrier,
}

#[derive(Debug)]
enum Carrier {
    Tcp(Box<OverTcp>),
    Quic(OverQuic),
}

impl Gathering {
    /// Where requests stood before what is kept, when that lies behind a gap and this packet elsewhere: it may be forged,
    /// and keeps nothing else waiting.
    fn gives_way_to(&self, packet: &Packet<'_>) -> Option<Asking> {
        match (&self.carrier, packet.transport) {
            (Carrier::Tcp(tcp), Transport::Tcp { seq, flags, payload, .. }) => {
                tcp.gives_way_to(first_octet(seq, flags), payload.len())
            }
            (_, _) => None,
        }
    }

    /// Octets of memory held beside the entry itself.
    fn kept_octets(&self) -> usize {
        match &self.carrier {
            Carrier::Tcp(tcp) => tcp.kept_octets(),
            Carrier::Quic(quic) => quic.kept_octets(),
        }
    }
}

/// The greetings of which only a part was seen.
#[derive(Debug)]
pub struct Greetings {
    table: Table<Whose, Gathering, 1>,
    kept_octets: usize,
    kept_max_octets: usize,
    /// Where QUIC packets are opened.
    space: Vec<u8>,
    /// What was told over QUIC last.
    lately: LatelyTold,
    /// Hashes connection ids and hellos: which of them meet, nobody can choose.
    ids: RandomState,
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
            lately: LatelyTold::default(),
            ids: RandomState::default(),
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
    pub(crate) fn handle_time(&mut self, now: Timestamp, counts: &mut GreetingCounts, emit: &mut dyn FnMut(Told)) {
        while let Some((oldest, touched)) = self.table.oldest(0)
            && now.since(touched) >= Duration::from_secs(GREETING_TIMEOUT_S)
        {
            counts.given_up += 1;
            self.let_go(oldest, counts, emit);
        }
    }

    /// A flow is over, and got this far: nothing more will come in it.
    pub(crate) fn handle_closed(
        &mut self,
        flow: FlowId,
        contact: Contact,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) {
        if self.table.len() == 0 {
            return;
        }
        for by_initiator in [true, false] {
            let whose = Whose { flow, by_initiator };
            let Some(place) = self.table.find(self.table.hash_of(&whose), &whose) else { continue };
            if let Some((_, gathering)) = self.table.at_mut(place) {
                gathering.passage.contact = contact;
            }
            counts.given_up += 1;
            self.let_go(place, counts, emit);
        }
    }

    /// Looks at a packet with data, of a flow whose greeting is not over: how far it is now. What was read goes to `emit`.
    pub(crate) fn handle_packet(
        &mut self,
        packet: &Packet<'_>,
        heard: &Heard,
        now: Timestamp,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) -> Greeting {
        let mut greeting = heard.greeting;
        if let Transport::Tcp { seq, flags, payload, urgent, .. } = packet.transport {
            if heard.is_anew {
                let heard =
                    Heard { is_anew: false, greeting: self.begin_anew(packet, heard, seq, counts, emit), ..*heard };
                return if payload.is_empty() {
                    heard.greeting
                } else {
                    self.handle_packet(packet, &heard, now, counts, emit)
                };
            }
            if !is_taken(flags) {
                self.read_aside(payload, packet, heard, counts, emit);
                return greeting;
            }
            if urgent > 0 {
                self.read_without_urgent(payload, urgent, packet, heard, counts, emit);
            }
            if let Some(stands) = heard.stands {
                let segment = Segment { seq, flags, payload, stands };
                return self.take_where_it_stands(segment, packet, heard, now, counts, emit);
            }
        }
        if let Greeting::Gathering(place) = greeting {
            match self.table.at_mut(place) {
                Some((whose, gathering)) if *whose == Whose::of(packet, heard) => {
                    gathering.passage.contact = heard.contact;
                    let is_same_end = gathering.from_initiator == heard.from_initiator;
                    if let (true, Some(asking)) = (is_same_end, gathering.gives_way_to(packet)) {
                        self.let_go(place, counts, emit);
                        let heard = Heard { greeting: asking.greeting(), ..*heard };
                        return self.handle_packet(packet, &heard, now, counts, emit);
                    }
                    if is_same_end {
                        return self.go_on(place, packet, heard, now, counts, emit);
                    }
                    if !heard.from_initiator {
                        return greeting;
                    }
                    // Who began the flow has the word.
                    greeting = Greeting::Waiting(gathering.looks);
                    counts.given_up += 1;
                    self.let_go(place, counts, emit);
                }
                // It was let go, and something else may lie there.
                Some(_) | None => greeting = after_letting_go(packet, heard),
            }
        }
        match (greeting, packet.transport) {
            (Greeting::Waiting(looks), Transport::Tcp { seq, flags, payload, .. }) => {
                let seq = first_octet(seq, flags);
                let tcp = begin_in(heard, looks, seq, payload.len() as u32).doubted(heard.is_in_doubt());
                self.begin_tcp(tcp, (seq, payload), looks, packet, heard, now, counts, emit)
            }
            (Greeting::Asking(asking), Transport::Tcp { seq, flags, payload, .. }) => {
                let seq = first_octet(seq, flags);
                let read = asking.octets_read(seq);
                let Some(fresh) = payload.get(read..).filter(|fresh| !fresh.is_empty()) else { return greeting };
                let seq = seq.wrapping_add(read as u32);
                // What comes too early waits for what was to come before it.
                let began = if asking.is_missing_before(seq) {
                    asking.next()
                } else if Talk::may_begin(fresh, asking.hellos() > 0) {
                    seq
                } else {
                    return asking.and_passed(seq, fresh.len());
                };
                let tcp = OverTcp::new(began, Some(asking)).doubted(heard.is_in_doubt());
                self.begin_tcp(tcp, (seq, fresh), Looks::default(), packet, heard, now, counts, emit)
            }
            (Greeting::Waiting(looks), Transport::Udp { payload, .. }) => {
                // What is not tried is not counted either: else junk in front would hide what comes.
                if !quic::may_begin(payload) || looks.is_left_alone(heard.from_initiator) {
                    return greeting;
                }
                self.begin_quic(payload, looks, packet, heard, now, counts, emit)
            }
            (_, _) => greeting,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the packet as it was split up by the caller, and where things go")]
    fn begin_tcp(
        &mut self,
        mut tcp: OverTcp,
        (seq, payload): (u32, &[u8]),
        looks: Looks,
        packet: &Packet<'_>,
        heard: &Heard,
        now: Timestamp,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) -> Greeting {
        let passage = self.passage(packet, heard);
        let mut teller = Teller { passage, counts, emit, ahead: None };
        match tcp.take(seq, payload, &mut teller) {
            Took::More => {
                let carrier = Carrier::Tcp(Box::new(tcp));
                let gathering = Gathering { from_initiator: heard.from_initiator, looks, passage, carrier };
                self.keep(Whose::of(packet, heard), gathering, now, counts, emit)
            }
            // A probe that keeps the connection alive (RFC 9293 section 3.8.4) is no first word.
            Took::Nothing => heard.greeting,
            Took::Elsewhere => {
                let tcp = tcp.elsewhere(seq);
                self.begin_tcp(tcp, (seq, payload), looks, packet, heard, now, counts, emit)
            }
            Took::Other => looks.and_one(heard.from_initiator),
            Took::Done(greeting) => greeting,
            Took::GivenUp => {
                teller.counts.given_up += 1;
                tcp.give_up(&mut teller)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the packet as it was split up by the caller, and where things go")]
    fn begin_quic(
        &mut self,
        datagram: &[u8],
        mut looks: Looks,
        packet: &Packet<'_>,
        heard: &Heard,
        now: Timestamp,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) -> Greeting {
        let passage = self.passage(packet, heard);
        let from_initiator = heard.from_initiator;
        let mut quic = OverQuic::default();
        let mut means = Means { space: &mut self.space, lately: &mut self.lately, ids: &self.ids, from_initiator };
        let mut teller = Teller { passage, counts, emit, ahead: None };
        quic.take(datagram, &mut looks, &mut means, &mut teller);
        if looks.are_enough_tries(from_initiator) {
            quic.give_up(&mut looks, &mut means, &mut teller);
        }
        if quic.is_empty() {
            return looks.in_quic();
        }
        let gathering = Gathering { from_initiator, looks, passage, carrier: Carrier::Quic(quic) };
        self.keep(Whose::of(packet, heard), gathering, now, counts, emit)
    }

    /// Adds what follows on a beginning that is kept.
    fn go_on(
        &mut self,
        place: Place,
        packet: &Packet<'_>,
        heard: &Heard,
        now: Timestamp,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) -> Greeting {
        let passage = self.passage(packet, heard);
        let Greetings { table, space, lately, ids, kept_octets, .. } = self;
        let Some((_, gathering)) = table.at_mut(place) else { return Greeting::Over };
        let kept_before = gathering.kept_octets();
        let mut teller = Teller { passage, counts, emit, ahead: None };
        let (is_new, over) = match (&mut gathering.carrier, packet.transport) {
            (Carrier::Tcp(tcp), Transport::Tcp { seq, flags, payload, .. }) => {
                match tcp.take(first_octet(seq, flags), payload, &mut teller) {
                    Took::Nothing => (false, None),
                    Took::More => (true, None),
                    Took::Other => {
                        // What was no greeting may end where this segment begins, and the greeting begin here.
                        let greeting = gathering.looks.and_one(heard.from_initiator);
                        *kept_octets = (*kept_octets + gathering.kept_octets()).saturating_sub(kept_before);
                        self.forget(place);
                        return self.handle_packet(packet, &Heard { greeting, ..*heard }, now, counts, emit);
                    }
                    Took::Elsewhere => {
                        let greeting = tcp.stood();
                        *kept_octets = (*kept_octets + gathering.kept_octets()).saturating_sub(kept_before);
                        self.let_go(place, counts, emit);
                        return self.handle_packet(packet, &Heard { greeting, ..*heard }, now, counts, emit);
                    }
                    Took::Done(greeting) => (true, Some(greeting)),
                    Took::GivenUp => {
                        teller.counts.given_up += 1;
                        (true, Some(tcp.give_up(&mut teller)))
                    }
                }
            }
            (Carrier::Quic(quic), Transport::Udp { payload, .. }) => {
                let mut means = Means { space, lately, ids, from_initiator: heard.from_initiator };
                let looks = &mut gathering.looks;
                let is_new = quic.take(payload, looks, &mut means, &mut teller);
                if looks.are_enough_tries(heard.from_initiator) {
                    quic.give_up(looks, &mut means, &mut teller);
                }
                (is_new, quic.is_empty().then_some(looks.in_quic()))
            }
            (_, _) => (false, None),
        };
        if is_new {
            gathering.passage = passage;
        }
        *kept_octets = (*kept_octets + gathering.kept_octets()).saturating_sub(kept_before);
        if let Some(greeting) = over {
            self.forget(place);
            return greeting;
        }
        if is_new {
            self.table.touch(place, 0, now);
        }
        self.make_room(counts, emit);
        heard.greeting
    }

    fn passage(&self, packet: &Packet<'_>, heard: &Heard) -> Passage {
        let (src_port, dst_port) = match packet.transport {
            Transport::Tcp { src_port, dst_port, .. } | Transport::Udp { src_port, dst_port, .. } => {
                (src_port, dst_port)
            }
            Transport::Ports { .. } | Transport::Icmp { .. } | Transport::Other => (0, 0),
        };
        Passage {
            time: packet.time,
            source: packet.source,
            flow: heard.gathered_by,
            client: Endpoint::new(packet.src, src_port),
            server: Endpoint::new(packet.dst, dst_port),
            contact: heard.contact,
            fingerprints: self.fingerprints,
        }
    }

    /// Keeps a beginning.
    fn keep(
        &mut self,
        whose: Whose,
        gathering: Gathering,
        now: Timestamp,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) -> Greeting {
        while self.table.is_full()
            && let Some((oldest, _)) = self.table.oldest(0)
        {
            counts.evicted += 1;
            self.let_go(oldest, counts, emit);
        }
        let kept = gathering.kept_octets();
        let hash = self.table.hash_of(&whose);
        let Some(place) = self.table.insert(hash, whose, gathering, 0, now) else { return Greeting::Over };
        self.kept_octets += kept;
        self.make_room(counts, emit);
        Greeting::Gathering(place)
    }

    /// The one just touched stands last, and alone it is far below the bound.
    fn make_room(&mut self, counts: &mut GreetingCounts, emit: &mut dyn FnMut(Told)) {
        while self.kept_octets > self.kept_max_octets
            && let Some((oldest, _)) = self.table.oldest(0)
        {
            counts.evicted += 1;
            self.let_go(oldest, counts, emit);
        }
    }

    /// Reads a beginning as far as it came, and forgets it.
    fn let_go(&mut self, place: Place, counts: &mut GreetingCounts, emit: &mut dyn FnMut(Told)) {
        let Some((_, mut gathering)) = self.forget(place) else { return };
        let mut teller = Teller { passage: gathering.passage, counts, emit, ahead: None };
        match &mut gathering.carrier {
            Carrier::Tcp(tcp) => {
                tcp.give_up(&mut teller);
            }
            Carrier::Quic(quic) => {
                let Greetings { space, lately, ids, .. } = self;
                let mut means = Means { space, lately, ids, from_initiator: gathering.from_initiator };
                quic.give_up(&mut gathering.looks, &mut means, &mut teller);
            }
        }
    }

    fn forget(&mut self, place: Place) -> Option<(Whose, Gathering)> {
        let (whose, gathering) = self.table.remove(place)?;
        self.kept_octets = self.kept_octets.saturating_sub(gathering.kept_octets());
        Some((whose, gathering))
    }
}

impl Default for Greetings {
    fn default() -> Greetings {
        Greetings::new()
    }
}

#[cfg(test)]
mod tests;
