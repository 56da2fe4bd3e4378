//! How far the first words of a flow's end are known: what stands in the flow table, in eight octets.

use crate::limits::{
    GREETING_MAX_OCTETS, GREETING_SEGMENTS_MAX, HTTP_BODY_MAX_OCTETS, HTTP_REQUESTS_MAX, QUIC_HELLOS_MAX,
    QUIC_TRIES_MAX, TLS_HELLOS_MAX,
};
use crate::packet::Transport;
use crate::table::Place;

/// How far a greeting is known: over TCP what one end says, over QUIC what both do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// Nothing like one yet; of QUIC, whatever was read: another connection may begin.
    Waiting(Looks),
    /// A beginning was seen and is kept.
    Gathering(Place),
    /// Something was read over TCP: more may begin with each segment.
    Asking(Asking),
    /// There is nothing more to look for.
    Over,
}

impl Default for Greeting {
    fn default() -> Greeting {
        Greeting::Waiting(Looks::default())
    }
}

impl Greeting {
    /// Whether a packet may bring something: one test for most packets.
    #[inline]
    pub(crate) fn may_tell(self, transport: &Transport<'_>) -> bool {
        match (self, transport) {
            (Greeting::Over, _) => false,
            // Only packets with a long header (RFC 8999 section 5.1) greet.
            (_, Transport::Udp { payload, .. }) => payload.first().is_some_and(|first| first & 0x80 != 0),
            (Greeting::Asking(asking), Transport::Tcp { seq, payload, .. }) => {
                !payload.is_empty() && !asking.is_read(*seq, payload.len())
            }
            (_, Transport::Tcp { payload, .. }) => !payload.is_empty(),
            (_, Transport::Ports { .. } | Transport::Icmp { .. } | Transport::Other) => false,
        }
    }
}

/// What was looked at of each end and began nothing: segments with data over TCP, packets that did not open over QUIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Looks {
    initiator: u8,
    responder: u8,
    /// Hellos read over QUIC: the initiator's in the lower four bits, the responder's in the others.
    told: u8,
    /// What the last two of them said, and to which connection ids, hashed, the last one first.
    known: [[u8; 2]; 2],
}

/// Instead of a number of tries: enough were made, and more came.
const LEFT_ALONE: u8 = u8::MAX;

const _: () = assert!(QUIC_TRIES_MAX < LEFT_ALONE && QUIC_HELLOS_MAX < 16);

impl Looks {
    fn of(&mut self, initiator: bool) -> &mut u8 {
        if initiator { &mut self.initiator } else { &mut self.responder }
    }

    /// Whether no segment of this end was looked at.
    pub(super) fn is_first(mut self, initiator: bool) -> bool {
        *self.of(initiator) == 0
    }

    /// Segments of this end that were looked at.
    pub(super) fn by(mut self, initiator: bool) -> u8 {
        *self.of(initiator)
    }

    /// One segment more. When an end greets nobody in as many as are looked at, it will not.
    pub(super) fn and_one(mut self, initiator: bool) -> Greeting {
        let looks = self.of(initiator);
        *looks = looks.saturating_add(1);
        if *looks >= GREETING_SEGMENTS_MAX { Greeting::Over } else { Greeting::Waiting(self) }
    }

    /// Hellos of this end that were read over QUIC.
    fn told_by(self, initiator: bool) -> u8 {
        if initiator { self.told & 0x0f } else { self.told >> 4 }
    }

    /// Whether enough QUIC packets of this end were tried, or enough hellos of it read.
    pub(super) fn are_enough_tries(mut self, initiator: bool) -> bool {
        *self.of(initiator) >= QUIC_TRIES_MAX || self.are_enough_told(initiator)
    }

    /// Whether enough hellos of this end were read.
    pub(super) fn are_enough_told(self, initiator: bool) -> bool {
        self.told_by(initiator) >= QUIC_HELLOS_MAX
    }

    /// A QUIC packet was tried in vain.
    pub(super) fn count_try(&mut self, initiator: bool) {
        *self.of(initiator) = self.of(initiator).saturating_add(1);
    }

    /// What comes now of this end is not looked at any more.
    pub(super) fn leave_alone(&mut self, initiator: bool) {
        *self.of(initiator) = LEFT_ALONE;
    }

    /// Whether something of this end was not looked at any more.
    pub(super) fn is_left_alone(mut self, initiator: bool) -> bool {
        *self.of(initiator) == LEFT_ALONE
    }

    /// A hello with this hash was read out of QUIC packets.
    pub(super) fn count_told(&mut self, initiator: bool, known: u16) {
        if self.told_by(initiator) < QUIC_HELLOS_MAX {
            self.told += if initiator { 1 } else { 0x10 };
        }
        let [last, _] = self.known;
        self.known = [known.to_ne_bytes(), last];
        *self.of(initiator) = 0;
    }

    /// Whether any hello was read out of QUIC packets.
    pub(super) fn has_told(self) -> bool {
        self.told > 0
    }

    /// Whether one of the last two hellos has this hash: it says nothing new.
    pub(super) fn is_known(self, hash: u16) -> bool {
        let told = usize::from(self.told_by(true) + self.told_by(false));
        self.known.iter().take(told).any(|known| *known == hash.to_ne_bytes())
    }

    /// What a QUIC flow's greeting is when nothing of it is kept.
    pub(super) fn in_quic(self) -> Greeting {
        // One end, whichever it is, never silences the other; and what is passed over is counted once for each.
        let is_over = self.is_left_alone(true) && self.is_left_alone(false);
        if is_over { Greeting::Over } else { Greeting::Waiting(self) }
    }
}

/// What one end has said so far, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asking {
    /// Hellos read, and segments that began nothing since the last of them or of a request.
    hellos: HellosAndLooks,
    requests: [u8; 2],
    /// All before this sequence number was read, or is a body that was passed over.
    next: [u8; 4],
}

/// Two numbers below sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct HellosAndLooks(u8);

const _: () = assert!(TLS_HELLOS_MAX < 16 && GREETING_SEGMENTS_MAX <= 16);

/// So far ahead of what comes words may stand: behind the longest body that is passed over, which its head says.
pub(super) const AHEAD_MAX_OCTETS: u32 = HTTP_BODY_MAX_OCTETS as u32 + 4 * GREETING_MAX_OCTETS as u32;

impl Asking {
    pub(super) fn new(requests: u16, next: u32) -> Asking {
        Asking { hellos: HellosAndLooks::default(), requests: requests.to_ne_bytes(), next: next.to_ne_bytes() }
    }

    /// The same after so many hellos.
    pub(super) fn with_hellos(self, hellos: u8) -> Asking {
        Asking { hellos: HellosAndLooks(hellos.min(TLS_HELLOS_MAX) << 4), ..self }
    }

    /// The same after so many segments that began nothing.
    pub(super) fn with_looks(self, looks: u8) -> Asking {
        let HellosAndLooks(before) = self.hellos;
        Asking { hellos: HellosAndLooks((before & 0xf0) | looks.min(GREETING_SEGMENTS_MAX - 1)), ..self }
    }

    /// Hellos read so far.
    pub(super) fn hellos(self) -> u8 {
        self.hellos.0 >> 4
    }

    /// Requests read so far.
    pub(super) fn requests(self) -> u16 {
        u16::from_ne_bytes(self.requests)
    }

    /// The sequence number where something more begins, if nothing is missing.
    pub(super) fn next(self) -> u32 {
        u32::from_ne_bytes(self.next)
    }

    /// Octets of a segment's data, from its first on, that were read before; of a segment far ahead or far behind, none.
    pub(super) fn octets_read(self, seq: u32) -> usize {
        let behind = self.next().wrapping_sub(seq);
        if behind <= AHEAD_MAX_OCTETS { behind as usize } else { 0 }
    }

    /// Whether a segment lies behind a gap that another may fill: of requests, two may come in the wrong order.
    pub(super) fn is_missing_before(self, seq: u32) -> bool {
        let ahead = seq.wrapping_sub(self.next()) as usize;
        self.requests() > 0 && self.hellos() == 0 && (1..GREETING_MAX_OCTETS).contains(&ahead)
    }

    /// The same with something more to begin at another place.
    pub(super) fn and_stands(self, next: u32) -> Asking {
        Asking { next: next.to_ne_bytes(), ..self }
    }

    /// Data was looked at that begins nothing.
    pub(super) fn and_passed(self, seq: u32, octets: usize) -> Greeting {
        let next = if seq == self.next() { seq.wrapping_add(octets as u32) } else { self.next() };
        self.and_stands(next).and_looked()
    }

    /// A segment was looked at in vain. Requests may follow for as long as they like; behind a hello all is protected,
    /// unless it was none in truth, and that shows soon; and who has greeted nobody so far shows soon whether he will.
    pub(super) fn and_looked(self) -> Greeting {
        let HellosAndLooks(before) = self.hellos;
        if self.hellos() == 0 && self.requests() > 0 {
            return self.greeting();
        }
        if before & 0x0f >= GREETING_SEGMENTS_MAX - 1 {
            return Greeting::Over;
        }
        Asking { hellos: HellosAndLooks(before + 1), ..self }.greeting()
    }

    fn is_read(self, seq: u32, octets: usize) -> bool {
        self.octets_read(seq) >= octets
    }

    /// What the end's greeting is after this.
    pub(super) fn greeting(self) -> Greeting {
        let is_over = self.requests() >= HTTP_REQUESTS_MAX || self.hellos() >= TLS_HELLOS_MAX;
        if is_over { Greeting::Over } else { Greeting::Asking(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_a_flow_s_entry_has_eight_octets_for_its_greeting() {
        assert_eq!(size_of::<Greeting>(), 8);
    }

    #[test]
    fn after_the_handshake_a_quic_packet_costs_one_test_of_its_first_octet() {
        let udp = |payload: &'static [u8]| Transport::Udp { src_port: 1, dst_port: 2, payload };
        let mut looks = Looks::default();
        looks.count_told(true, 7);
        let Greeting::Waiting(_) = looks.in_quic() else { panic!("it may reuse its port") };
        for greeting in [looks.in_quic(), Greeting::default()] {
            assert!(!greeting.may_tell(&udp(&[0x40; 1200])) && !greeting.may_tell(&udp(&[])));
            assert!(greeting.may_tell(&udp(&[0xc0])));
        }
        assert!(!looks.are_enough_tries(false) && !looks.are_enough_tries(true));
        assert!(looks.is_known(7) && !looks.is_known(8) && !looks.is_known(0) && !Looks::default().is_known(0));
    }

    #[test]
    fn what_was_read_or_passed_over_is_not_read_again() {
        for next in [5u32, 1 << 31, u32::MAX - 3] {
            let asking = Asking::new(1, next);
            let read = |behind: u32| asking.octets_read(next.wrapping_sub(behind));
            assert_eq!([read(0), read(1), read(1 << 30)], [0, 1, 1 << 30]);
            assert_eq!([read(u32::MAX), read(1 << 31)], [0, 0], "ahead");
            assert_eq!(read(AHEAD_MAX_OCTETS + 1), 0, "no body that is passed over is so long");
            let tell = |seq: u32| {
                Greeting::Asking(asking).may_tell(&Transport::Tcp {
                    src_port: 1,
                    dst_port: 2,
                    seq,
                    ack: 0,
                    flags: 0,
                    urgent: 0,
                    payload: &[0; 10],
                })
            };
            assert!(tell(next) && tell(next.wrapping_sub(9)) && tell(next.wrapping_add(9)));
            assert!(!tell(next.wrapping_sub(10)));
        }
    }

    #[test]
    fn s5_behind_a_hello_a_few_segments_are_looked_at_and_behind_a_request_all() {
        let mut greeting = Asking::new(1, 7).greeting();
        for _ in 0..1000 {
            let Greeting::Asking(asking) = greeting else { panic!("another request may come") };
            greeting = asking.and_passed(asking.next(), 10);
        }
        let mut greeting = Asking::new(0, 7).with_hellos(1).greeting();
        let mut looks = 0;
        while let Greeting::Asking(asking) = greeting {
            assert_eq!((asking.hellos(), asking.requests()), (1, 0));
            greeting = asking.and_passed(asking.next(), 10);
            looks += 1;
        }
        assert_eq!((looks, greeting), (GREETING_SEGMENTS_MAX, Greeting::Over));
        assert_eq!(Asking::new(0, 7).with_hellos(TLS_HELLOS_MAX).greeting(), Greeting::Over);
    }
}
