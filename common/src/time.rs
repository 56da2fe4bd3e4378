//! Points in time as the wire, the spool and the database hold them: microseconds since 1970, UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode};

/// A moment, in microseconds since 1970-01-01T00:00:00Z. Signed: a sensor's clock may stand before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The earliest moment a printed time can name (0000-01-01), a safe "before everything".
    pub const MIN: Timestamp = Timestamp(-62_167_219_200_000_000);
    /// The latest moment a printed time can name (9999-12-30), a safe "never".
    pub const MAX: Timestamp = Timestamp(253_402_127_999_999_999);

    /// No right clock shows less: this was written then. Moved forward with each release.
    pub const WRITTEN: Timestamp = Timestamp(1_795_910_400_000_000);

    /// From whole seconds and nanoseconds since 1970; nanoseconds below a microsecond are cut off, out-of-range moments
    /// clamped.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Timestamp {
        Timestamp(seconds.saturating_mul(1_000_000).saturating_add(i64::from(nanoseconds / 1_000))).clamped()
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This moment brought into what can be printed.
    pub fn clamped(self) -> Timestamp {
        self.clamp(Timestamp::MIN, Timestamp::MAX)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[inline]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.micros_since(earlier))
    }

    /// Microseconds since an earlier moment; 0 where that is none.
    #[inline]
    pub fn micros_since(self, earlier: Timestamp) -> u64 {
        if self.0 > earlier.0 { self.0.abs_diff(earlier.0) } else { 0 }
    }

    /// This moment and `span` more, never beyond [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))).clamped()
    }

    /// This moment less `span`, never before [`Timestamp::MIN`].
    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))).clamped()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with microseconds: `2026-11-21T14:05:00.000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.clamped().0) {
            Ok(moment) => write!(f, "{}", moment.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// Text that is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a time; write it as 2026-11-21T14:05:00Z")]
pub struct BadTime(pub String);

impl FromStr for Timestamp {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Timestamp, BadTime> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| BadTime(text.to_owned()))?;
        Ok(Timestamp(moment.as_microsecond()).clamped())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The time in which something holds. Either end may be open; the end is exclusive, as in STIX 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub struct Validity {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Until just before this moment.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// Whether `moment` lies within.
    pub fn holds(&self, moment: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.until.is_none_or(|until| moment < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_rfc_3339_with_microseconds() {
        let moment = Timestamp::from_unix(1_763_733_900, 123_456_789);
        assert_eq!(moment.to_string(), "2025-11-21T14:05:00.123456Z");
        assert_eq!("2025-11-21T15:05:00.123456+01:00".parse(), Ok(moment));
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn hostile_times_never_overflow_and_can_be_printed() {
        for micros in [i64::MIN, -1, 0, i64::MAX] {
            let moment = Timestamp(micros);
            assert!(!moment.plus(Duration::MAX).to_string().is_empty());
            assert!(!moment.minus(Duration::MAX).to_string().is_empty());
            assert_eq!(moment.clamped().to_string().parse(), Ok(moment.clamped()));
        }
        assert_eq!(Timestamp::from_unix(i64::MAX, 0), Timestamp::MAX);
    }

    #[test]
    fn validity_includes_its_start_and_excludes_its_end() {
        let validity = Validity { from: Some(Timestamp(10)), until: Some(Timestamp(20)) };
        let holds: Vec<bool> = [9, 10, 19, 20].map(|t| validity.holds(Timestamp(t))).into();
        assert_eq!(holds, [false, true, true, false]);
        assert!(Validity::default().holds(Timestamp::MIN));
    }
}
