//! Who began flows that are over: one that goes on after a long silence is the same conversation, whoever speaks first.
//!
//! UDP has no SYN, and of a TCP connection whose end was not seen none may come: after its timeout a flow is known by nothing but its ends, and the next packet would seem to be the
//! beginning of another. A call that comes in for a telephone, or a tunnel's far end that wakes up, would be an attempt
//! from outside. So what both ends took part in is remembered for as long as a TCP connection may be silent.

use varde_common::time::Timestamp;

use crate::limits::{FLOW_ESTABLISHED_IDLE_TIMEOUT_S, FLOWS_REMEMBERED};

/// One that is over; what else has its place takes it.
#[derive(Debug, Clone, Copy, Default)]
struct Over {
    /// A part of its key's hash; the lowest bit says whether the lesser end began it.
    tag: u32,
    /// When its last packet came, seconds; 0 = nothing is here.
    at_s: u32,
}

/// The flows that are over.
#[derive(Debug)]
pub(super) struct Lately {
    places: Box<[Over]>,
}

impl Lately {
    pub(super) fn new() -> Lately {
        Lately { places: vec![Over::default(); FLOWS_REMEMBERED].into() }
    }

    /// A flow with this hash is over, whose last packet came at this time.
    pub(super) fn remember(&mut self, hash: u64, initiator_is_low: bool, last: Timestamp) {
        let over = Over { tag: tag_of(hash) | u32::from(initiator_is_low), at_s: seconds(last) };
        if let Some(place) = self.places.get_mut(place_of(hash)) {
            *place = over;
        }
    }

    /// Whether the lesser end began the flow with this hash, where it was lately over.
    pub(super) fn initiator_is_low(&self, hash: u64, now: Timestamp) -> Option<bool> {
        let Over { tag, at_s } = *self.places.get(place_of(hash))?;
        let is_lately = u64::from(seconds(now).wrapping_sub(at_s)) < FLOW_ESTABLISHED_IDLE_TIMEOUT_S;
        (at_s != 0 && is_lately && tag & !1 == tag_of(hash)).then_some(tag & 1 == 1)
    }
}

fn place_of(hash: u64) -> usize {
    hash as usize % FLOWS_REMEMBERED
}

fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32 & !1
}

/// Never 0, and told apart over more than a century.
fn seconds(time: Timestamp) -> u32 {
    ((time.as_micros() / 1_000_000) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_who_began_is_known_for_an_hour_in_a_memory_that_never_grows() {
        let mut lately = Lately::new();
        let at = |seconds: i64| Timestamp::from_unix(1_800_000_000 + seconds, 0);
        lately.remember(0x1234_5678_9abc_def0, true, at(0));
        lately.remember(0x1234_5678_0000_0001, false, at(0));
        assert_eq!(lately.initiator_is_low(0x1234_5678_9abc_def0, at(3_599)), Some(true));
        assert_eq!(lately.initiator_is_low(0x1234_5678_0000_0001, at(3_599)), Some(false));
        assert_eq!(lately.initiator_is_low(0x1234_5678_9abc_def0, at(3_600)), None, "too long ago");
        assert_eq!(lately.initiator_is_low(0x7234_5678_9abc_def0, at(1)), None, "another of the same place");
        assert_eq!(lately.initiator_is_low(5, at(1)), None, "nothing is there");
        for hash in 0..4 * FLOWS_REMEMBERED as u64 {
            lately.remember(hash << 20 | hash, true, at(2));
        }
        assert_eq!(lately.places.len() * size_of::<Over>(), crate::limits::FLOWS_REMEMBERED_MAX_OCTETS);
    }
}
