//! The clocks. Everything else is told the time.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

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

/// How long the machine has been up, the time it slept included. Nobody can set it.
pub fn since_boot() -> Duration {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(up.tv_sec).unwrap_or(0), u32::try_from(up.tv_nsec).unwrap_or(0))
}

/// The system's time of day as it was when this was first asked, and what has passed since: for ages, which a clock that is
/// set must neither cut short nor make everlasting.
pub fn steady() -> Timestamp {
    static FIRST: OnceLock<(Timestamp, Duration)> = OnceLock::new();
    let (day, up) = FIRST.get_or_init(|| (now(), since_boot()));
    day.plus(since_boot().saturating_sub(*up))
}
