//! Limits of a sensor's keys: when certificates are renewed, and how long approval is waited for.

/// The moment at which a certificate's successor is asked for is drawn from so many seconds after a third of its life: a day.
pub const RENEWAL_SPREAD_S: u64 = 86_400;
/// Whoever is late by then lets so many of the collector's spreads for coming back go by, so that a thousand sensors that
/// waited for the same collector do not ask it in one moment.
pub const RENEWAL_LATE_SPREADS: u64 = 20;
/// A certificate that was not given is asked for again after this, seconds; then later and later.
pub const RENEWAL_AGAIN_S: u64 = 900;
/// But never later than this, seconds.
pub const RENEWAL_AGAIN_MAX_S: u64 = 12 * 3_600;
/// Clocks can be set: whether it is time is looked at this often, seconds.
pub const RENEWAL_LOOK_S: u64 = 3_600;
/// Who waits for approval asks again after this, seconds: a person on the telephone waits with it.
pub const ENROL_AGAIN_S: u64 = 10;
/// How long it waits unless told otherwise, minutes.
pub const ENROL_WAITS_MIN: u64 = 60;
/// And at most, minutes: as long as the collector keeps the token for it (14 days).
pub const ENROL_WAITS_MAX_MIN: u64 = 14 * 24 * 60;
/// A key and its certificate as PEM.
pub const CREDENTIALS_MAX_OCTETS: u64 = 64 * 1024;
