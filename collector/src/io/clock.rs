//! The clocks. Everything else is told the time.

use std::time::Instant;

use varde_common::time::Timestamp;

/// The system's time of day.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// A clock that only goes forward.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
pub fn monotonic() -> Instant {
    Instant::now()
}
