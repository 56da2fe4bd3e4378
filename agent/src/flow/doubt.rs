//! SYNs in connections that stand, of which nobody knows whether they are forged.
//!
//! The end of a connection may go unseen, and its port be used again. That the SYN of the new one is real its answer shows;
//! until then it ends nothing. But the answer may be lost on its way to the sensor, seen late, or of a direction that the
//! mirror does not show. So what the client says from where such a SYN said that it begins is read by itself: beside the
//! words of the connection that stands, which it can neither end nor hide.

use varde_common::observation::Contact;
use varde_common::time::Timestamp;

use super::state::{Flow, Step};
use super::{FlowId, Heard};
use crate::greeting::Greeting;
use crate::limits::{DOUBTS_MAX, TCP_WINDOW_MAX_OCTETS};
use crate::packet::Packet;
use crate::packet::tcp_flags::{ACK, RST};
use crate::table::{Place, Table};

/// A SYN can have no more data than this: it is one segment.
pub(super) const SYN_DATA_MAX_OCTETS: u32 = 65_536;

/// The last such SYN of a flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// The flow that its answer begins.
    pub(super) id: FlowId,
    pub(super) syn: u32,
    /// It had data, which its receiver need not take (RFC 7413).
    pub(super) syn_has_data: bool,
    /// Where the client's words were last seen to begin.
    seen_at: u32,
    /// It came after another, and nothing behind it was heard yet.
    is_anew: bool,
    /// Of the client, behind that SYN.
    pub(super) greeting: Greeting,
}

/// The flows in which there is one.
#[derive(Debug)]
pub(super) struct Doubts {
    table: Table<FlowId, Doubt, 1>,
}

impl Doubt {
    /// Whether a place in the client's stream is near where that was last seen.
    fn is_near(&self, at: u32) -> bool {
        (at.wrapping_sub(self.seen_at) as i32).unsigned_abs() < TCP_WINDOW_MAX_OCTETS
    }

    /// Whether the other end shows that it has taken this SYN: it answers it, or acknowledges what came behind it.
    fn is_answered_by(&self, flow: &Flow, step: &Step) -> bool {
        let behind = step.ack.wrapping_sub(self.syn).wrapping_sub(1);
        if step.is_syn_ack() {
            return behind == 0 || self.syn_has_data && behind < SYN_DATA_MAX_OCTETS;
        }
        (behind as i32) >= 0 && self.is_near(step.ack) && flow.stands.is_elsewhere(true, step.ack)
    }
}

impl Doubts {
    pub(super) fn new() -> Doubts {
        Doubts { table: Table::new(DOUBTS_MAX) }
    }

    fn find(&self, flow: FlowId) -> Option<Place> {
        self.table.find(self.table.hash_of(&flow), &flow)
    }

    /// Whether a segment shows that the SYN in doubt was real.
    #[cold]
    pub(super) fn is_ended_by(&self, flow: &Flow, step: &Step) -> bool {
        let is_acknowledgement = step.flags & (ACK | RST) == ACK && step.from_low != flow.initiator_is_low;
        is_acknowledgement
            && self
                .find(flow.id)
                .and_then(|place| self.table.at(place))
                .is_some_and(|(_, d)| d.is_answered_by(flow, step))
    }

    /// Takes a segment of a flow: whether it is such a SYN, or belongs behind it. `id` is the name of the flow that the
    /// next such SYN may begin; who was let go for it is told.
    #[cold]
    pub(super) fn hear(
        &mut self,
        flow: &mut Flow,
        step: &Step,
        id: &mut FlowId,
        now: Timestamp,
        let_go: &mut dyn FnMut(FlowId),
    ) -> bool {
        self.look(flow, step, id, now, let_go).is_some()
    }

    fn look(
        &mut self,
        flow: &mut Flow,
        step: &Step,
        id: &mut FlowId,
        now: Timestamp,
        let_go: &mut dyn FnMut(FlowId),
    ) -> Option<()> {
        let from_initiator = step.from_low == flow.initiator_is_low;
        let is_elsewhere = from_initiator && flow.stands.is_elsewhere(true, step.seq);
        if !is_elsewhere || step.has(RST) || step.is_syn() && flow.syn() == Some(step.seq) {
            return None;
        }
        let known = if flow.is_doubted { self.find(flow.id) } else { None };
        if !step.is_syn() {
            let place = known?;
            self.table.touch(place, 0, now);
            let (_, doubt) = self.table.at_mut(place).filter(|(_, doubt)| doubt.is_near(step.seq))?;
            if (step.seq.wrapping_sub(doubt.seen_at) as i32) > 0 {
                doubt.seen_at = step.seq;
            }
            doubt.is_anew = false;
            return Some(());
        }
        let begun = step.seq.wrapping_add(1);
        if let Some(place) = known {
            self.table.touch(place, 0, now);
            let (_, doubt) = self.table.at_mut(place)?;
            doubt.is_anew = doubt.syn != step.seq;
            if doubt.is_anew {
                (doubt.syn, doubt.syn_has_data, doubt.seen_at) = (step.seq, false, begun);
            }
            doubt.syn_has_data |= step.has_payload;
            return Some(());
        }
        if self.table.is_full()
            && let Some((oldest, _)) = self.table.oldest(0)
            && let Some((_, doubt)) = self.table.remove(oldest)
        {
            let_go(doubt.id);
        }
        let (syn_has_data, greeting) = (step.has_payload, Greeting::default());
        let doubt = Doubt { id: *id, syn: step.seq, syn_has_data, seen_at: begun, is_anew: false, greeting };
        self.table.insert(self.table.hash_of(&flow.id), flow.id, doubt, 0, now)?;
        flow.is_doubted = true;
        *id = FlowId(id.0 + 1);
        Some(())
    }

    /// What is to be heard of first words in a segment that [`Doubts::hear`] took: nobody has answered so far. What there is
    /// nothing more to be heard of is read as if it were the standing connection's.
    #[cold]
    pub(super) fn heard(&self, flow: &Flow, place: Place, step: &Step, packet: &Packet<'_>) -> Option<Heard> {
        let (_, doubt) = self.find(flow.id).and_then(|place| self.table.at(place))?;
        let Doubt { id, syn, is_anew, greeting, .. } = *doubt;
        let is_anew = is_anew && greeting != Greeting::default();
        if !is_anew && !greeting.may_tell(&packet.transport) {
            return flow.heard(place, step, packet, false);
        }
        Some(Heard {
            place,
            flow: flow.id,
            gathered_by: id,
            from_initiator: true,
            syn: Some(syn),
            stands: None,
            is_anew,
            contact: Contact::Unanswered,
            greeting,
        })
    }

    /// Takes out what was in doubt in a flow.
    pub(super) fn take(&mut self, flow: FlowId) -> Option<Doubt> {
        self.find(flow).and_then(|place| self.table.remove(place)).map(|(_, doubt)| doubt)
    }

    /// Takes it out where a segment shows that it was real.
    pub(super) fn take_answered(&mut self, flow: &Flow, step: &Step) -> Option<Doubt> {
        if self.is_ended_by(flow, step) { self.take(flow.id) } else { None }
    }

    /// Notes how far the client's greeting behind the SYN is known.
    pub(super) fn set_greeting(&mut self, flow: FlowId, greeting: Greeting) {
        if let Some((_, doubt)) = self.find(flow).and_then(|place| self.table.at_mut(place)) {
            doubt.greeting = greeting;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_all_syns_in_doubt_take_no_more_than_the_limit_says() {
        let octets = Table::<FlowId, Doubt, 1>::octets_for(DOUBTS_MAX);
        assert!(octets <= crate::limits::DOUBTS_MAX_OCTETS, "{octets} octets");
    }
}
