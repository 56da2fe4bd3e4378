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
        (LinkError::Closed(CloseReason::GoingDown), Some(_)) => Lost::Ended,
        // Whatever else came of it.
        (LinkError::RefusedTooOften, _) => Lost::Fruitless,
        (error, Some(false)) if error.is_an_answer() => Lost::Fruitless,
        (_, Some(_)) => Lost::Ended,
        (_, None) => Lost::NotReached,
    };
    (error, lost)
}
