//! Days as people in Norway have them. Each is kept as its beginning by UTC, so that it is the same day wherever it is read.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use varde_common::time::Timestamp;

/// Norway's time. The rule is written here: small machines have no time zone files, and it has stood since 1996.
pub fn norway() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap_or(TimeZone::UTC)
}

/// The day in Norway on which a moment is. A day's own beginning gives the day again.
pub fn of(at: Timestamp) -> Timestamp {
    let at = at.clamped();
    let date = jiff::Timestamp::from_microsecond(at.0).map(|moment| moment.to_zoned(norway()).date());
    let begins = date.and_then(|date| date.to_datetime(Time::midnight()).to_zoned(TimeZone::UTC));
    begins.map_or(at, |begins| Timestamp(begins.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_on_the_day_that_norwegians_call_it_and_a_day_stays_the_same() {
        for (moment, day) in [
            ("2026-11-29T22:59:59Z", "2026-11-29T00:00:00Z"),
            ("2026-11-29T23:00:00Z", "2026-11-30T00:00:00Z"),
            ("2026-06-30T22:00:00Z", "2026-07-01T00:00:00Z"),
            ("2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z"),
        ] {
            let found = of(moment.parse().unwrap());
            assert_eq!(found, day.parse().unwrap(), "{moment}");
            assert_eq!(of(found), found);
        }
        for extreme in [i64::MIN, 0, i64::MAX] {
            let _ = of(Timestamp(extreme));
        }
    }
}
