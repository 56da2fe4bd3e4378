//! Limits of what a sensor bears of its collector: when it comes back to it, and how much of what it refuses it writes down.

/// First retry after a lost connection, at most, milliseconds; doubles with each failure.
pub const RECONNECT_BASE_MS: u64 = 1000;
/// Retries are never further apart, milliseconds.
pub const RECONNECT_MAX_MS: u64 = 300_000;
/// Nor are they further apart than this where the collector says that it cannot store: that passes by itself (D5),
/// milliseconds.
pub const RECONNECT_UNAVAILABLE_MAX_MS: u64 = 30_000;
/// A revoked sensor asks again no more often, milliseconds.
pub const RECONNECT_REVOKED_MS: u64 = 300_000;
/// The collector's wish for a spread is honoured up to this, milliseconds.
pub const RECONNECT_SPREAD_MAX_MS: u64 = 900_000;
/// Nor are they further apart than this where another connection of the same sensor's took its place, milliseconds: whoever has
/// its key must not keep it away by that.
pub const RECONNECT_REPLACED_MAX_MS: u64 = 5_000;
/// Refusals of one sort that are told each, in the log and as records: more than a bad day brings, and all that an honest collector can
/// send wrongly of one publication to one sensor.
pub const REFUSALS_TOLD_AT_ONCE: u32 = 64;
/// Then so many a minute, each with the number of those before it: some 0.4 MB of spool a day at most.
pub const REFUSALS_TOLD_A_MINUTE: u32 = 1;
/// What is refused, and what else a collector rarely has reason to send, is borne so often at once; then the session ends.
pub const REFUSALS_BORNE_AT_ONCE: u32 = 256;
/// What was not told each is looked at this often, seconds.
pub const REFUSALS_LOOK_EVERY_S: u64 = 5;
/// So many are forgiven a minute.
pub const REFUSALS_BORNE_A_MINUTE: u32 = 16;
