//! What may be forged, told from what a receiver takes: where a stream begins, and which data is read aside only.

use super::over_tcp::OverTcp;
use super::state::{Asking, Greeting, Looks};
use super::talk::Talk;
use super::words::{Teller, Told};
use super::{Carrier, Gathering, GreetingCounts, Greetings, Whose};
use crate::flow::Heard;
use crate::hello::BadHello;
use crate::limits::GREETING_MAX_OCTETS;
use crate::packet::tcp_flags::{ACK, RST, SYN};
use crate::packet::{Packet, Transport};

impl Greetings {
    /// A SYN says that a stream begins: what was said before it is no part of that. It may be forged, so that what is kept
    /// may still go on.
    pub(super) fn begin_anew(
        &mut self,
        packet: &Packet<'_>,
        heard: &Heard,
        syn: u32,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) -> Greeting {
        let Greeting::Gathering(place) = heard.greeting else { return Greeting::default() };
        match self.table.at_mut(place) {
            Some((whose, Gathering { carrier: Carrier::Tcp(tcp), .. })) if *whose == Whose::of(packet, heard) => {
                if heard.stands.is_none() && tcp.stand_at(syn.wrapping_add(1)) {
                    return heard.greeting;
                }
                if heard.may_be_taken && heard.stands.is_some_and(|stands| tcp.settle_before(stands)) {
                    return heard.greeting;
                }
                // It lies where the first words will, or the answer to the SYN shows that it is none of them.
                counts.given_up += 1;
                self.let_go(place, counts, emit);
                Greeting::default()
            }
            Some(_) | None => Greeting::default(),
        }
    }

    /// Reads what no receiver takes: it may name somebody, and stands for nothing.
    pub(super) fn read_aside(
        &self,
        payload: &[u8],
        packet: &Packet<'_>,
        heard: &Heard,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) {
        let passage = self.passage(packet, heard);
        let mut teller = Teller { passage, counts, emit, ahead: None };
        Talk::default().read_kept(payload, &mut teller);
    }
}

impl Greetings {
    /// Most receivers take an urgent octet out of the stream (RFC 6093): what stands around it is read without it too.
    pub(super) fn read_without_urgent(
        &self,
        payload: &[u8],
        urgent: u16,
        packet: &Packet<'_>,
        heard: &Heard,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) {
        counts.refused.count(BadHello::Urgent);
        let Some((before, [_, behind @ ..])) = payload.split_at_checked(usize::from(urgent).saturating_sub(1)) else {
            return;
        };
        self.read_aside(&[before, behind].concat(), packet, heard, counts, emit);
    }
}

/// The sequence number of a segment's first octet of data: a SYN takes one itself.
pub(super) fn first_octet(seq: u32, flags: u8) -> u32 {
    seq.wrapping_add(u32::from(flags & SYN != 0))
}

/// Whether a receiver takes the data of a segment: without ACK only with a SYN (RFC 9293 section 3.10.7.4, RFC 7413), with
/// a RST never.
pub(super) fn is_taken(flags: u8) -> bool {
    flags & RST == 0 && flags & (ACK | SYN) != 0
}

/// Where a stream is read that begins, as far as was heard, with this segment.
pub(super) fn begin_in(heard: &Heard, looks: Looks, seq: u32, octets: u32) -> OverTcp {
    let Some(start) = heard.syn.filter(|_| heard.from_initiator).map(|syn| syn.wrapping_add(1)) else {
        return OverTcp::new(seq, None);
    };
    let ahead = seq.wrapping_sub(start) as i32;
    // A probe that keeps the connection alive repeats the octet in front.
    let is_near =
        ahead == -1 || ahead < 0 && ahead.unsigned_abs() < octets || (0..GREETING_MAX_OCTETS as i32).contains(&ahead);
    if is_near {
        return OverTcp::new(if looks.is_first(true) { start } else { seq }, None);
    }
    // Before it or far from it the segment is forged, or the SYN was: whichever goes on is read.
    OverTcp::new(seq, Some(Asking::new(0, start)))
}

/// What a flow's greeting is when what was kept of it was let go: something new may begin with any packet.
pub(super) fn after_letting_go(packet: &Packet<'_>, heard: &Heard) -> Greeting {
    match packet.transport {
        Transport::Tcp { seq, flags, .. } => Asking::new(0, first_octet(seq, flags)).greeting(),
        Transport::Udp { .. } => Greeting::default(),
        _ => heard.greeting,
    }
}
