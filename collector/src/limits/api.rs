//! Bounds of the API: how much is asked and answered at once.

/// Answers in one page unless told otherwise.
pub const ANSWERS_DEFAULT: i64 = 50;
/// Campaigns, incidents, sensors and the like in one page: each costs sums over its alerts.
pub const ANSWERS_MAX: i64 = 100;
/// Alerts, indicators and numbers in one page: a row each.
pub const ROWS_MAX: i64 = 500;
/// Traces told of one campaign.
pub const TRACES_MAX: usize = 1_000;
/// Octets of one value: the longest name there is, and some.
pub const TEXT_MAX_OCTETS: usize = 512;
/// Values of one question: more than any address knows, so that one too many is seen.
pub const VALUES_MAX: usize = 32;
/// Days of statistics at once.
pub const STATISTICS_DAYS_MAX: u32 = 400;
