//! How long what is kept is kept (decision 11): one table, which both programs obey, the page shows and `PERSONVERN.md` repeats.

use std::time::Duration;

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// So many hours.
    Hours(u32),
    /// So many days.
    Days(u32),
    /// So many months, however long they are.
    Months(u32),
    /// Until the member leaves whose it is.
    Member,
}

/// Where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the member, on the sensor.
    Sensor,
    /// At the CSIRT, on the collector.
    Collector,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// What: the key of its words on screens, behind `kept-`.
    pub what: &'static str,
    /// Where.
    pub place: Place,
    /// How long.
    pub period: Period,
}

impl Period {
    /// In seconds; none where no time ends it.
    pub const fn seconds(self) -> Option<u64> {
        match self {
            Period::Hours(hours) => Some(hours as u64 * 3_600),
            Period::Days(days) => Some(days as u64 * 86_400),
            // However they fall, a leap day among them: thirteen months are 397 days at most, twenty-four 731.
            Period::Months(months) => {
                let months = months as u64;
                Some((months / 12 * 365 + months % 12 * 31 + months / 48 + 1) * 86_400)
            }
            Period::Member => None,
        }
    }

    /// The same as a span; as long as there is where no time ends it.
    pub const fn span(self) -> Duration {
        match self.seconds() {
            Some(seconds) => Duration::from_secs(seconds),
            None => Duration::MAX,
        }
    }
}

/// Matches that the collector has acknowledged.
pub const SPOOL: Period = Period::Hours(72);
/// Matches that nobody has fetched.
pub const SPOOL_WAITING: Period = Period::Days(90);
/// Which host a pseudonym stands for.
pub const HOSTS: Period = Period::Days(396);
/// Alerts, the records they came in, and the incidents and campaigns drawn from them.
pub const ALERTS: Period = Period::Months(13);
/// What is left of alerts: numbers by member, kind of indicator, severity and day, never with a host.
pub const COUNTS: Period = Period::Member;
/// What qualifies alerts: what was lost, and what kept a sensor from seeing.
pub const LOSSES: Period = Period::Months(13);
/// How sensors are, and what they say of themselves.
pub const HEARTBEATS: Period = Period::Days(90);
/// What sources are told.
pub const SIGHTINGS: Period = Period::Days(90);
/// Who did what at the CSIRT; who published, recalled, allowed and braked what.
pub const AUDIT: Period = Period::Months(24);
/// Accounts at the pages.
pub const ACCOUNTS: Period = Period::Member;
/// Sessions of the pages, whatever is done in them.
pub const SESSIONS: Period = Period::Hours(8);
/// Copies of the database.
pub const BACKUPS: Period = Period::Days(35);

/// The table.
pub const TABLE: [Kept; 12] = [
    Kept { what: "spool", place: Place::Sensor, period: SPOOL },
    Kept { what: "spool-waiting", place: Place::Sensor, period: SPOOL_WAITING },
    Kept { what: "hosts", place: Place::Sensor, period: HOSTS },
    Kept { what: "alerts", place: Place::Collector, period: ALERTS },
    Kept { what: "counts", place: Place::Collector, period: COUNTS },
    Kept { what: "losses", place: Place::Collector, period: LOSSES },
    Kept { what: "heartbeats", place: Place::Collector, period: HEARTBEATS },
    Kept { what: "sightings", place: Place::Collector, period: SIGHTINGS },
    Kept { what: "audit", place: Place::Collector, period: AUDIT },
    Kept { what: "accounts", place: Place::Collector, period: ACCOUNTS },
    Kept { what: "sessions", place: Place::Collector, period: SESSIONS },
    Kept { what: "backups", place: Place::Collector, period: BACKUPS },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q3_the_table_is_decision_11() {
        let days = |period: Period| period.seconds().map(|seconds| seconds / 86_400);
        assert_eq!(days(ALERTS), Some(397), "13 months");
        assert_eq!(days(AUDIT), Some(731), "24 months, a leap day among them");
        assert_eq!((days(HEARTBEATS), days(BACKUPS), days(SPOOL)), (Some(90), Some(35), Some(3)));
        assert_eq!((days(COUNTS), COUNTS.span()), (None, Duration::MAX));
        let mut words: Vec<&str> = TABLE.iter().map(|kept| kept.what).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), TABLE.len(), "each once");
    }
}
