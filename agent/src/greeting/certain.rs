//! What one end says over TCP where its receiver is heard: it is read from where that stands, and nothing else moves it.
//!
//! The receiver says in each segment of its own which octet it expects next, and who sends the stream cannot forge that. So
//! what begins elsewhere, behind what was taken or further ahead than is kept, is read aside. What is missing is waited for
//! until the receiver has had it for a while: then it was lost on its way to the sensor, and reading goes on behind it.

use varde_common::time::Timestamp;

use super::over_tcp::OverTcp;
use super::state::{AHEAD_MAX_OCTETS, Asking, Greeting, Looks};
use super::talk::Talk;
use super::words::{Teller, Told};
use super::{Carrier, GreetingCounts, Greetings, Whose};
use crate::flow::Heard;
use crate::limits::GREETING_MAX_OCTETS;
use crate::packet::Packet;
use crate::packet::tcp_flags::SYN;

/// A segment whose receiver is heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) seq: u32,
    pub(super) flags: u8,
    pub(super) payload: &'a [u8],
    /// What its receiver expects next.
    pub(super) stands: u32,
}

impl Greetings {
    /// Takes a segment of a stream whose receiver is heard.
    pub(super) fn take_where_it_stands(
        &mut self,
        segment: Segment<'_>,
        packet: &Packet<'_>,
        heard: &Heard,
        now: Timestamp,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) -> Greeting {
        let Segment { seq, flags, payload, stands } = segment;
        // Of a SYN's data only what its answer acknowledged is taken, and that was before.
        if flags & SYN != 0 {
            self.read_aside(payload, packet, heard, counts, emit);
            return heard.greeting;
        }
        let mut is_let_go = false;
        let asking = match heard.greeting {
            Greeting::Over => return Greeting::Over,
            Greeting::Waiting(looks) => {
                let looks = looks.by(heard.from_initiator);
                Asking::new(0, start(heard, looks).unwrap_or(stands)).with_looks(looks)
            }
            Greeting::Asking(asking) => asking,
            Greeting::Gathering(place) => match self.table.at_mut(place) {
                Some((whose, gathering)) if *whose == Whose::of(packet, heard) => {
                    gathering.passage.contact = heard.contact;
                    let looks = gathering.looks.by(heard.from_initiator);
                    let Carrier::Tcp(tcp) = &mut gathering.carrier else { return heard.greeting };
                    let is_settled = tcp.settle(start(heard, looks), stands);
                    if is_settled && !tcp.is_left_behind(seq, stands) {
                        self.pass_gaps(place, stands, packet, heard, now, counts, emit);
                        return self.go_on(place, packet, heard, now, counts, emit);
                    }
                    let asking = tcp.asking();
                    counts.given_up += 1;
                    self.let_go(place, counts, emit);
                    is_let_go = true;
                    if is_settled { asking } else { asking.and_stands(start(heard, looks).unwrap_or(stands)) }
                }
                // It was let go, and something else may lie there. Something was begun, so more may be asked.
                Some(_) | None => {
                    is_let_go = true;
                    Asking::new(1, stands)
                }
            },
        };
        let asking = where_receiver_stands(asking, seq, stands);
        let read = asking.octets_read(seq);
        let fresh = payload.get(read..).unwrap_or_default();
        let seq = seq.wrapping_add(read as u32);
        let ahead = seq.wrapping_sub(asking.next()) as usize;
        if fresh.is_empty() || ahead >= GREETING_MAX_OCTETS {
            self.read_aside(payload, packet, heard, counts, emit);
            return if is_let_go { Greeting::Asking(asking) } else { heard.greeting };
        }
        if ahead == 0 && !Talk::may_begin(fresh, asking.hellos() > 0) {
            return asking.and_passed(seq, fresh.len());
        }
        let tcp = OverTcp::certain(asking);
        self.begin_tcp(tcp, (seq, fresh), Looks::default(), packet, heard, now, counts, emit)
    }

    /// What the receiver has, and the sensor will not get, is not waited for.
    #[expect(clippy::too_many_arguments, reason = "the packet as it was split up by the caller, and where things go")]
    fn pass_gaps(
        &mut self,
        place: crate::table::Place,
        stands: u32,
        packet: &Packet<'_>,
        heard: &Heard,
        now: Timestamp,
        counts: &mut GreetingCounts,
        emit: &mut dyn FnMut(Told),
    ) {
        let passage = self.passage(packet, heard);
        let Some((_, gathering)) = self.table.at_mut(place) else { return };
        let kept_before = gathering.kept_octets();
        let mut teller = Teller { passage, counts, emit, ahead: None };
        if let Carrier::Tcp(tcp) = &mut gathering.carrier {
            tcp.pass_gaps(stands, now, &mut teller);
        }
        self.kept_octets = (self.kept_octets + gathering.kept_octets()).saturating_sub(kept_before);
    }
}

/// Where the words of an end begin, of which nothing was looked at yet.
fn start(heard: &Heard, looks: u8) -> Option<u32> {
    heard.syn.filter(|_| heard.from_initiator && looks == 0).map(|syn| syn.wrapping_add(1))
}

/// Where words stand, beside what a segment brings and what its receiver has.
fn where_receiver_stands(asking: Asking, seq: u32, stands: u32) -> Asking {
    let ahead = |at: u32| at.wrapping_sub(asking.next()) as i32;
    // What its receiver has and is missing here may come out of order; behind a hello nothing is worth waiting for.
    let reach = if asking.hellos() > 0 { 1 } else { GREETING_MAX_OCTETS as i32 };
    if ahead(seq) >= reach && ahead(stands) > 0 {
        return asking.and_stands(if ahead(stands) < ahead(seq) { stands } else { seq });
    }
    if ahead(stands) < -(AHEAD_MAX_OCTETS as i32) { asking.and_stands(stands) } else { asking }
}
