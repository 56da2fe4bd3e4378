//! What the end of a session, or of an attempt at one, means for the next.

use std::time::{Duration, Instant};

use varde_common::id::Seq;
use varde_common::message::CloseReason;

use super::LinkError;
use crate::io::clock;
use crate::limits::LINK_IDLE_TIMEOUT_S;
use crate::ship::Lost;

/// A session that stood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stood {
    pub(super) since: Instant,
    pub(super) committed: Seq,
}

impl Stood {
    /// Whether anything came of it, by what is committed by now.
    pub(super) fn was_fruitful(self, committed: Seq) -> bool {
        committed > self.committed
            || clock::monotonic().saturating_duration_since(self.since) >= Duration::from_secs(LINK_IDLE_TIMEOUT_S)
    }
}

/// What an error means for the next attempt; `fruitful`: of the session it ended, where one stood.
pub(super) fn lost(error: LinkError, fruitful: Option<bool>) -> (LinkError, Lost) {
    let lost = match (&error, fruitful) {
        (LinkError::Closed(CloseReason::Revoked), _) => Lost::Revoked,
        (LinkError::Closed(CloseReason::Quarantined), _) => Lost::Quarantined,
        (LinkError::Closed(CloseReason::Replaced), _) => Lost::Replaced,
        (LinkError::Closed(CloseReason::Unavailable) | LinkError::Busy, _) => Lost::Unavailable,
        // Nobody ended it on us: what we are to say next is to be said soon.
        (LinkError::Closed(CloseReason::GoingDown) | LinkError::ListForsaken, Some(_)) => Lost::Ended,
        // Whatever else came of it.
        (LinkError::RefusedTooOften, _) => Lost::Fruitless,
        (error, Some(false)) if error.is_an_answer() => Lost::Fruitless,
        (_, Some(_)) => Lost::Ended,
        (_, None) => Lost::NotReached,
    };
    (error, lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c4_a_session_that_this_end_has_ended_to_ask_anew_is_no_silence_and_the_next_comes_at_once() {
        assert!(!LinkError::ListForsaken.may_be_blocked() && !LinkError::ListForsaken.is_of_a_stranger());
        for fruitful in [false, true] {
            assert_eq!(lost(LinkError::ListForsaken, Some(fruitful)).1, Lost::Ended);
        }
    }
}
