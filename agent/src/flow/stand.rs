//! Where each end of a TCP connection stands in the other's stream, as it says itself: the one number that who sends that
//! stream cannot forge. What lies elsewhere no receiver takes (RFC 9293 section 3.10.7.4).

use crate::limits::{HEARD_ALONE_AFTER, TCP_WINDOW_MAX_OCTETS, TCP_WINDOW_SCALED_MAX_OCTETS};

/// The next octet that each end expects of the other's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stands {
    next: [u32; 2],
    /// Of which of them that is known, a bit each: there are as many flows as there is room for octets.
    known: u8,
    /// How often one end acknowledged something new while nothing was heard of the other; no more than tells that it is so.
    moved_alone: u8,
}

/// The bit of an end in [`Stands::known`].
const fn bit(of_initiator: bool) -> u8 {
    if of_initiator { 1 } else { 2 }
}

/// What an acknowledgement says that was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// Nothing.
    Not,
    /// The receiver has taken more, or says where it stands at all.
    On,
}

/// Where a segment stands beside what its receiver has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// The receiver is not heard.
    Unknown,
    /// Exactly there.
    At,
    /// Ahead, and no further than what can be under way.
    Near,
    /// Where no receiver takes it.
    Far,
}

impl Stands {
    /// Where the receiver of an end's stream stands.
    #[inline]
    pub(super) fn of(&self, initiator: bool) -> Option<u32> {
        let [next, next_back] = self.next;
        let next = if initiator { next } else { next_back };
        (self.known & bit(initiator) != 0).then_some(next)
    }

    /// The receiver of an end's stream acknowledges all before `ack`; `is_another`: it
    /// answers a SYN that begins another stream.
    #[inline]
    pub(super) fn hear(&mut self, of_initiator: bool, ack: u32, is_another: bool) -> Moved {
        let [next, next_back] = &mut self.next;
        let next = if of_initiator { next } else { next_back };
        let is_known = self.known & bit(of_initiator) != 0;
        // The difference of two sequence numbers is signed (RFC 9293 section 3.4). A little behind, it was overtaken; far
        // behind, it belongs to another connection whose beginning was not seen.
        let ahead = ack.wrapping_sub(*next) as i32;
        let is_overtaken = ahead <= 0 && ahead.unsigned_abs() < TCP_WINDOW_MAX_OCTETS && !is_another;
        if is_known && is_overtaken {
            return Moved::Not;
        }
        *next = ack;
        self.known |= bit(of_initiator);
        Moved::On
    }

    /// An end has acknowledged something new, so the other spoke, whether that is seen or not. One acknowledgement may be forged, or be
    /// the probe of a scan; several that move on are of somebody who is being answered. `other_spoke`: something of the other end was seen.
    #[inline]
    pub(super) fn hear_alone(&mut self, from_initiator: bool, other_spoke: bool) {
        let other_is_heard = other_spoke || self.known & bit(from_initiator) != 0;
        if !other_is_heard && self.moved_alone < HEARD_ALONE_AFTER {
            self.moved_alone += 1;
        }
    }

    /// Whether one end alone is heard, as is plain by now.
    #[inline]
    pub(super) fn is_alone(&self) -> bool {
        self.moved_alone == HEARD_ALONE_AFTER
    }

    /// Where a segment of an end stands.
    pub(super) fn beside(&self, from_initiator: bool, seq: u32) -> Beside {
        let Some(next) = self.of(from_initiator) else { return Beside::Unknown };
        match seq.wrapping_sub(next) as i32 {
            0 => Beside::At,
            ahead if ahead > 0 && ahead.unsigned_abs() < TCP_WINDOW_SCALED_MAX_OCTETS => Beside::Near,
            _ => Beside::Far,
        }
    }

    /// Whether a place in an end's stream is so far from where its receiver was heard to stand that it may be another
    /// connection's.
    pub(super) fn is_elsewhere(&self, of_initiator: bool, at: u32) -> bool {
        let distance = |next: u32| (at.wrapping_sub(next) as i32).unsigned_abs();
        self.of(of_initiator).is_some_and(|next| distance(next) >= TCP_WINDOW_MAX_OCTETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_s_word_moves_on_and_is_not_overtaken() {
        for start in [0u32, u32::MAX - 50, 1 << 31] {
            let mut stands = Stands::default();
            assert_eq!((stands.of(true), stands.beside(true, 7)), (None, Beside::Unknown));
            let at = |ahead: u32| start.wrapping_add(ahead);
            assert_eq!(stands.hear(true, at(1), false), Moved::On);
            assert_eq!([stands.hear(true, at(1), false), stands.hear(true, at(101), false)], [Moved::Not, Moved::On]);
            assert_eq!([stands.hear(true, at(51), false), stands.hear(true, at(101), false)], [Moved::Not; 2]);
            assert_eq!((stands.of(true), stands.of(false)), (Some(at(101)), None));
            let far = TCP_WINDOW_SCALED_MAX_OCTETS;
            for (ahead, beside) in [(0, Beside::At), (1, Beside::Near), (far - 1, Beside::Near), (far, Beside::Far)] {
                assert_eq!(stands.beside(true, at(101 + ahead)), beside);
            }
            assert_eq!(stands.beside(true, at(100)), Beside::Far, "nobody takes what was taken");
            let (other, window) = (stands.is_elsewhere(false, start), TCP_WINDOW_MAX_OCTETS);
            let elsewhere = [window, window - 1, 0].map(|ahead| stands.is_elsewhere(true, at(101).wrapping_add(ahead)));
            assert_eq!((other, elsewhere), (false, [true, false, false]));
            let elsewhere = [window, window - 1].map(|behind| stands.is_elsewhere(true, at(101).wrapping_sub(behind)));
            assert_eq!(elsewhere, [true, false]);
            assert_eq!((stands.hear(true, at(1), true), stands.of(true)), (Moved::On, Some(at(1))), "another stream");
        }
    }
}
