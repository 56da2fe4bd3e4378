//! SYNs in connections that stand, of which nobody knows whether they are forged.
//!
//! The end of a connection may go unseen, and its port be used again. That the SYN of the new one is real its answer shows;
//! until then it ends nothing. But the answer may be lost on its way to the sensor, seen late, or of a direction that the
//! mirror does not show. So what its sender says from where such a SYN said that it begins is read by itself, and told by
//! the name of the flow that the answer will begin: beside the words of the connection that stands, which it can neither
//! end nor hide nor be taken for.

use varde_common::observation::Contact;
use varde_common::time::Timestamp;

use super::state::{Flow, Step};
use super::{FlowCounts, FlowId, Heard};
use crate::greeting::Greeting;
use crate::limits::{DOUBTS_MAX, SYN_DATA_MAX_OCTETS, TCP_WINDOW_MAX_OCTETS};
use crate::packet::Packet;
use crate::packet::tcp_flags::{ACK, RST};
use crate::table::{Place, Table};

/// One such SYN of a flow. A flow has two at most, so that what is forged displaces none behind which something was said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// The flow that its answer begins.
    pub(super) id: FlowId,
    pub(super) syn: u32,
    /// It had data, which its receiver need not take (RFC 7413).
    pub(super) syn_has_data: bool,
    /// Whether the initiator of the connection that stands sent it.
    from_initiator: bool,
    /// Where the words behind it were last seen to begin.
    seen_at: u32,
    /// Where the last segment began of which something was to be heard.
    heard_at: u32,
    /// It came after another, not far from it, and nothing behind it was heard yet.
    is_anew: bool,
    /// Of who sent it, behind it.
    pub(super) greeting: Greeting,
}

/// One of the two that a flow may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Name(u64);

impl Name {
    fn both(flow: FlowId) -> [Name; 2] {
        [Name(flow.0 << 1), Name(flow.0 << 1 | 1)]
    }
}

/// The flows in which there is one.
#[derive(Debug)]
pub(super) struct Doubts {
    table: Table<Name, Doubt, 1>,
}

impl Doubt {
    /// Whether a place in the stream behind it is near where that was last seen.
    fn is_near(&self, at: u32) -> bool {
        (at.wrapping_sub(self.seen_at) as i32).unsigned_abs() < TCP_WINDOW_MAX_OCTETS
    }

    /// Whether nothing was said behind it so far.
    fn is_silent(&self) -> bool {
        self.greeting == Greeting::default()
    }

    /// Whether the other end shows that it has taken this SYN: it answers it, or acknowledges what came behind it.
    fn is_answered_by(&self, flow: &Flow, step: &Step) -> bool {
        let is_other_end = (step.from_low == flow.initiator_is_low) != self.from_initiator;
        let behind = self.behind(step.ack);
        if step.is_syn_ack() {
            return is_other_end && (behind == 0 || self.syn_has_data && behind < SYN_DATA_MAX_OCTETS);
        }
        let is_elsewhere = || flow.stands.is_elsewhere(self.from_initiator, step.ack);
        is_other_end && (behind as i32) >= 0 && self.is_near(step.ack) && is_elsewhere()
    }

    /// Takes a segment that belongs behind it, or is another SYN near it; `begun`: where its words begin.
    fn take(&mut self, step: &Step, begun: u32) {
        if !step.is_syn() {
            self.seen_at = if (begun.wrapping_sub(self.seen_at) as i32) > 0 { begun } else { self.seen_at };
            self.is_anew = false;
            return;
        }
        self.is_anew = self.syn != step.seq;
        if self.is_anew {
            (self.syn, self.syn_has_data, self.seen_at) = (step.seq, false, begun);
        }
        self.syn_has_data |= step.has_payload;
    }

    /// How much of what came behind it is acknowledged.
    fn behind(&self, ack: u32) -> u32 {
        ack.wrapping_sub(self.syn).wrapping_sub(1)
    }
}

/// Where the words of a segment begin that may be, or belong behind, such a SYN: it is no part of what stands.
fn begun(flow: &Flow, step: &Step) -> Option<u32> {
    let from_initiator = step.from_low == flow.initiator_is_low;
    let is_known = step.is_syn() && from_initiator && flow.syn() == Some(step.seq);
    let may_be = flow.stands.is_elsewhere(from_initiator, step.seq) && !step.has(RST) && !is_known;
    may_be.then(|| step.seq.wrapping_add(u32::from(step.is_syn())))
}

impl Doubts {
    pub(super) fn new() -> Doubts {
        Doubts { table: Table::new(DOUBTS_MAX) }
    }

    /// Those of a flow.
    fn of(&self, flow: FlowId) -> impl Iterator<Item = (Place, &Doubt)> {
        let places = Name::both(flow).into_iter().filter_map(|name| self.table.find(self.table.hash_of(&name), &name));
        places.filter_map(|place| self.table.at(place).map(|(_, doubt)| (place, doubt)))
    }

    /// The one that a segment shows to have been real.
    fn answered(&self, flow: &Flow, step: &Step) -> Option<Place> {
        if step.flags & (ACK | RST) != ACK {
            return None;
        }
        let answered = self.of(flow.id).filter(|(_, doubt)| doubt.is_answered_by(flow, step));
        answered.max_by_key(|(_, doubt)| (doubt.behind(step.ack) == 0, doubt.id)).map(|(place, _)| place)
    }

    /// Whether a segment shows that a SYN in doubt was real.
    #[cold]
    pub(super) fn is_ended_by(&self, flow: &Flow, step: &Step) -> bool {
        self.answered(flow, step).is_some()
    }

    /// Takes a segment of a flow: where it is such a SYN, or belongs behind one, that one. `id` is the name of the flow that
    /// the next such SYN may begin; who was let go for it is told.
    #[cold]
    pub(super) fn hear(
        &mut self,
        flow: &mut Flow,
        step: &Step,
        id: &mut FlowId,
        now: Timestamp,
        counts: &mut FlowCounts,
        let_go: &mut dyn FnMut(FlowId),
    ) -> Option<Place> {
        let from_initiator = step.from_low == flow.initiator_is_low;
        let begun = begun(flow, step)?;
        let known = if flow.is_doubted { self.near(flow.id, from_initiator, step, begun) } else { None };
        if let Some(place) = known {
            self.table.touch(place, 0, now);
            let (_, doubt) = self.table.at_mut(place)?;
            doubt.take(step, begun);
            return Some(place);
        }
        if !step.is_syn() {
            return None;
        }
        self.make_room(flow.id, counts, let_go);
        let name =
            Name::both(flow.id).into_iter().find(|name| self.table.find(self.table.hash_of(name), name).is_none())?;
        let doubt = Doubt {
            id: *id,
            syn: step.seq,
            syn_has_data: step.has_payload,
            from_initiator,
            seen_at: begun,
            heard_at: step.seq,
            is_anew: false,
            greeting: Greeting::default(),
        };
        let place = self.table.insert(self.table.hash_of(&name), name, doubt, 0, now)?;
        flow.is_doubted = true;
        *id = FlowId(id.0 + 1);
        Some(place)
    }

    /// The one to which a segment belongs that [`Doubts::hear`] took in pieces, or could not, and that is whole now.
    #[cold]
    pub(super) fn rejoined(&mut self, flow: &Flow, step: &Step) -> Option<Place> {
        let from_initiator = step.from_low == flow.initiator_is_low;
        let place = self.near(flow.id, from_initiator, step, begun(flow, step)?)?;
        let (_, doubt) = self.table.at_mut(place)?;
        // The first piece of it may have held the header alone.
        doubt.syn_has_data |= step.is_syn() && doubt.syn == step.seq && step.has_payload;
        Some(place)
    }

    /// The one to which a segment belongs: the same SYN, or the last one near which it lies.
    fn near(&self, flow: FlowId, from_initiator: bool, step: &Step, begun: u32) -> Option<Place> {
        let near = self.of(flow).filter(|(_, doubt)| doubt.from_initiator == from_initiator && doubt.is_near(begun));
        near.max_by_key(|(_, doubt)| (step.is_syn() && doubt.syn == step.seq, doubt.id)).map(|(place, _)| place)
    }

    /// Lets go of what must make room for one more of a flow: of its own two the later one, unless something was said behind
    /// that; of all of them the longest quiet.
    fn make_room(&mut self, flow: FlowId, counts: &mut FlowCounts, let_go: &mut dyn FnMut(FlowId)) {
        let (mut own, mut number, mut silent, mut earliest) = (None, 0, None, None);
        for (place, doubt) in self.of(flow) {
            number += 1;
            let at = Some((doubt.id, place));
            if doubt.is_silent() && silent.is_none_or(|(id, _)| doubt.id > id) {
                silent = at;
            }
            if earliest.is_none_or(|(id, _)| doubt.id < id) {
                earliest = at;
            }
        }
        if number == Name::both(flow).len() {
            own = silent.or(earliest);
        }
        if let Some((id, place)) = own {
            self.table.discard(place);
            let_go(id);
        } else if self.table.is_full()
            && let Some((oldest, _)) = self.table.oldest(0)
            && let Some((_, doubt)) = self.table.remove(oldest)
        {
            counts.doubts_evicted += 1;
            let_go(doubt.id);
        }
    }

    /// What is to be heard of first words in a segment that [`Doubts::hear`] took: nobody has answered so far. What there is
    /// nothing more to be heard of is read as if it were the standing connection's, unless it only comes again.
    #[cold]
    pub(super) fn heard(
        &mut self,
        doubt: Place,
        flow: &Flow,
        place: Place,
        step: &Step,
        packet: &Packet<'_>,
    ) -> Option<Heard> {
        let (_, doubt) = self.table.at_mut(doubt)?;
        let Doubt { id, syn, is_anew, greeting, heard_at, .. } = *doubt;
        let is_anew = is_anew && greeting != Greeting::default();
        if !is_anew && !greeting.may_tell(&packet.transport) {
            let is_over = greeting == Greeting::Over;
            let comes_again = !is_over && step.has_payload && heard_at == step.seq;
            return if comes_again { None } else { flow.heard(place, step, packet, false) };
        }
        doubt.heard_at = step.seq;
        Some(Heard {
            place,
            flow: flow.id,
            gathered_by: id,
            // Who sent the SYN begins the flow that its answer begins.
            from_initiator: true,
            syn: Some(syn),
            stands: None,
            is_anew,
            may_be_taken: false,
            contact: Contact::Unanswered,
            greeting,
        })
    }

    /// Takes out one of what was in doubt in a flow.
    pub(super) fn take(&mut self, flow: FlowId) -> Option<Doubt> {
        let place = self.of(flow).map(|(place, _)| place).next()?;
        self.table.remove(place).map(|(_, doubt)| doubt)
    }

    /// Takes out what a segment shows to have been real.
    pub(super) fn take_answered(&mut self, flow: &Flow, step: &Step) -> Option<Doubt> {
        let place = self.answered(flow, step)?;
        self.table.remove(place).map(|(_, doubt)| doubt)
    }

    /// Notes how far the greeting behind the SYN is known.
    pub(super) fn set_greeting(&mut self, heard: &Heard, greeting: Greeting) {
        let place = self.of(heard.flow).find(|(_, doubt)| doubt.id == heard.gathered_by).map(|(place, _)| place);
        if let Some((_, doubt)) = place.and_then(|place| self.table.at_mut(place)) {
            doubt.greeting = greeting;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_all_syns_in_doubt_take_no_more_than_the_limit_says() {
        let octets = Table::<Name, Doubt, 1>::octets_for(DOUBTS_MAX);
        assert!(octets <= crate::limits::DOUBTS_MAX_OCTETS, "{octets} octets");
    }
}
