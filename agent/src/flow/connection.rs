//! A TCP connection within its flow: where it begins and where it ends, by what both ends say. A SYN, a RST or a FIN that
//! its receiver does not take (RFC 9293 section 3.10.7.4, RFC 5961) begins nothing and ends nothing.

use varde_common::observation::{Contact, Protocol};

use super::stand::{Beside, Moved};
use super::state::{Anew, ESTABLISHED, Flow, LINGERING, Step, SynStanding};
use crate::limits::{SYN_DATA_MAX_OCTETS, TCP_WINDOW_MAX_OCTETS};
use crate::packet::tcp_flags::{ACK, FIN, RST, SYN};

impl Flow {
    /// Sequence number of the initiator's SYN, where it is known.
    pub(super) fn syn(&self) -> Option<u32> {
        matches!(self.syn_standing, SynStanding::Known { .. }).then_some(self.syn)
    }

    /// Whether it had data.
    fn has_syn_data(&self) -> bool {
        self.syn_standing == SynStanding::Known { has_data: true }
    }

    /// What a segment says of both streams: whether it is a SYN that says something else of where the initiator's begins.
    #[inline]
    pub(super) fn hear_tcp(&mut self, step: &Step, from_initiator: bool) -> bool {
        // A RST acknowledges what it refuses.
        if step.flags & (ACK | RST) == ACK {
            let answers_another = step.has(SYN) && !from_initiator && !self.answers_known_syn(step.ack);
            if self.stands.hear(!from_initiator, step.ack, answers_another) == Moved::On {
                // Who has taken a RST acknowledges nothing more.
                let reset = if from_initiator { &mut self.reset_by_responder } else { &mut self.reset_by_initiator };
                *reset = false;
                let [initiators, responders] = self.packets;
                self.stands.hear_alone(from_initiator, if from_initiator { responders } else { initiators } > 0);
                if step.has(SYN) && !from_initiator {
                    self.hear_syn_ack(step.ack);
                }
            }
        }
        step.flags & (RST | FIN | SYN) != 0 && self.hear_begin_or_end(step, from_initiator)
    }

    pub(super) fn hear_begin_or_end(&mut self, step: &Step, from_initiator: bool) -> bool {
        let beside = self.stands.beside(from_initiator, step.seq);
        if step.has(RST) {
            let reset = if from_initiator { &mut self.reset_by_initiator } else { &mut self.reset_by_responder };
            match beside {
                Beside::Unknown | Beside::At => *reset = true,
                Beside::Near => self.reset_in_doubt = true,
                Beside::Far => {}
            }
        }
        // What was acknowledged already was sent again, or is seen late.
        let is_late = || {
            let later = step.seq.wrapping_add(TCP_WINDOW_MAX_OCTETS);
            self.stands.beside(from_initiator, later) == Beside::Near
        };
        if step.has(FIN) && (beside != Beside::Far || is_late()) {
            let fin = if from_initiator { &mut self.fin_from_initiator } else { &mut self.fin_from_responder };
            *fin = true;
        }
        // Overtaken by the answer to it, a SYN still says where the stream begins; after that it may be forged.
        let is_open = beside == Beside::Unknown && from_initiator && step.is_syn();
        let begins_stream = is_open && self.syn() != Some(step.seq);
        if begins_stream {
            self.hear_syn(step.seq, step.has_payload);
        } else if is_open && step.has_payload {
            self.syn_standing = SynStanding::Known { has_data: true };
        }
        begins_stream
    }

    /// Where the client's stream begins; after two SYNs that say different things nobody knows, until one is answered.
    pub(super) fn hear_syn(&mut self, seq: u32, has_data: bool) {
        match self.syn() {
            Some(known) if known != seq && self.contact != Contact::Answered => {
                self.syn_standing = SynStanding::Disputed;
            }
            None if self.syn_standing == SynStanding::Disputed && seq != self.syn => {
                self.syn_standing = SynStanding::Unclear;
            }
            None if self.syn_standing == SynStanding::Unknown => {
                (self.syn, self.syn_standing) = (seq, SynStanding::Known { has_data });
            }
            Some(_) | None => {}
        }
    }

    /// The answer to a SYN says which one it was, and how much it took of the data in it.
    pub(super) fn hear_syn_ack(&mut self, ack: u32) {
        let is_known = self.answers_known_syn(ack);
        // Of two SYNs each may be forged. Where this answers the first one, nothing in a SYN was taken.
        let is_disputed = self.syn_standing == SynStanding::Disputed;
        let takes_no_data = ack == self.syn.wrapping_add(1);
        if is_disputed && !takes_no_data {
            self.begins_anew = Anew::UnlessTaken;
        } else if !is_known || self.has_syn_data() && takes_no_data {
            self.begins_anew = Anew::Yes;
        }
        if !is_known {
            (self.syn, self.syn_standing) = (ack.wrapping_sub(1), SynStanding::Known { has_data: false });
        }
    }

    /// Whether an acknowledgement can be the answer to the SYN that is known.
    pub(super) fn answers_known_syn(&self, ack: u32) -> bool {
        let behind = ack.wrapping_sub(self.syn).wrapping_sub(1);
        self.syn().is_some() && (behind == 0 || self.has_syn_data() && behind < SYN_DATA_MAX_OCTETS)
    }

    pub(super) fn is_reset(&self) -> bool {
        self.reset_by_initiator || self.reset_by_responder
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_reset() || self.fin_from_initiator || self.fin_from_responder
    }

    /// Whether it is over although no end of it was seen, as far as anybody can tell: then it may go on.
    pub(super) fn may_go_on(&self, protocol: Protocol) -> bool {
        protocol == Protocol::TCP && self.lane() != LINGERING
    }

    /// Whether this SYN begins another flow.
    pub(super) fn is_begun_anew_by(&self, step: &Step) -> bool {
        let from_initiator = step.from_low == self.initiator_is_low;
        // In a connection of which both ends are heard it may be forged, and a RST before it too, until it is answered. Nor
        // need who is heard first of a connection joined midway have begun it: neither end's SYN ends it.
        let is_reset = if from_initiator { self.reset_by_responder } else { self.reset_by_initiator };
        let is_over = is_reset || self.fin_from_initiator && self.fin_from_responder;
        let is_heard =
            self.stands.of(from_initiator).is_some() && (from_initiator || self.contact == Contact::Answered);
        let is_in_doubt = is_heard && !is_over;
        if !step.is_syn() || is_in_doubt {
            return false;
        }
        // Some systems send a SYN again although it was refused: the same attempt, with the same sequence number.
        let is_sent_again = from_initiator && self.syn() == Some(step.seq);
        // One that stands may have ended unseen: its port is used again.
        let has_begun = self.lane() == ESTABLISHED && self.syn_standing != SynStanding::Unknown;
        // A stray packet from the other end makes nobody who answers.
        let is_turned = !from_initiator && self.contact != Contact::Answered;
        let may_begin = self.is_ending() || has_begun || is_turned;
        may_begin && !is_sent_again
    }

    /// Whether this answers a SYN that began another connection: the one that stands ended unseen.
    pub(super) fn is_another_s_answer(&self, step: &Step) -> bool {
        let from_initiator = step.from_low == self.initiator_is_low;
        let is_sent_again = || match self.stands.of(true) {
            _ if self.syn().is_some() => self.answers_known_syn(step.ack),
            Some(stands) => stands.wrapping_sub(step.ack) < SYN_DATA_MAX_OCTETS,
            None => true,
        };
        step.is_syn_ack() && !from_initiator && self.contact == Contact::Answered && !is_sent_again()
    }
}
