//! How far the newest list has come: at how many sensors it is in force, and how long it took to reach half of them, nearly all, all.

use serde::Serialize;
use varde_common::time::Timestamp;

/// In hundredths of the sensors: what counts as nearly all.
const MOST_HUNDREDTHS: usize = 95;

/// Sensors without the list that are named: enough to look at one by one, and no more than a line of a listing holds.
const MISSING_MAX: usize = 50;

/// One sensor, and the newest list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The sensor's number.
    pub sensor: i64,
    /// When it enrolled: a list takes no time to reach who is not there.
    pub enrolled_at: Timestamp,
    /// When the collector heard that the list is in force there; none = not yet.
    pub heard_at: Option<Timestamp>,
}

/// How far the newest list has come. Times in milliseconds since it was published, of a sensor that came later since it enrolled, by
/// the collector's own clock; null = not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// The list's number.
    pub revision: i64,
    /// When it was published.
    pub published_at: Timestamp,
    /// Sensors there are: enrolled and not revoked.
    pub sensors: usize,
    /// Those of them at which it is in force.
    pub in_force: usize,
    /// Until half of them had it.
    pub half_ms: Option<u64>,
    /// Until 95 in a hundred had it.
    pub most_ms: Option<u64>,
    /// Until all had it.
    pub all_ms: Option<u64>,
    /// Those that have it not, the first 50 of them.
    pub missing: Vec<i64>,
}

impl Reach {
    /// Of a list published then, at these sensors.
    pub fn of(revision: i64, published_at: Timestamp, sensors: &[Reached]) -> Reach {
        let took = |one: &Reached| {
            let heard = one.heard_at?;
            let since = one.enrolled_at.max(published_at);
            Some(u64::try_from(heard.since(since).as_millis()).unwrap_or(u64::MAX))
        };
        let mut times: Vec<u64> = sensors.iter().filter_map(took).collect();
        times.sort_unstable();
        // So many had to have it that they are at least that part of all.
        let until = |hundredths: usize| {
            let needed = (sensors.len() * hundredths).div_ceil(100);
            needed.checked_sub(1).and_then(|last| times.get(last).copied())
        };
        Reach {
            revision,
            published_at,
            sensors: sensors.len(),
            in_force: times.len(),
            half_ms: until(50),
            most_ms: until(MOST_HUNDREDTHS),
            all_ms: until(100),
            missing: sensors
                .iter()
                .filter(|one| one.heard_at.is_none())
                .map(|one| one.sensor)
                .take(MISSING_MAX)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000)
    }

    fn reached(sensor: i64, enrolled: i64, heard: Option<i64>) -> Reached {
        Reached { sensor, enrolled_at: at(enrolled), heard_at: heard.map(at) }
    }

    #[test]
    fn half_nearly_all_and_all_are_parts_of_every_sensor_there_is() {
        let none = Reach::of(7, at(100), &[]);
        assert_eq!((none.sensors, none.half_ms, none.all_ms), (0, None, None));
        let mut sensors: Vec<_> = (1..=40).map(|n| reached(n, 1, Some(100 + n))).collect();
        let all = Reach::of(7, at(100), &sensors);
        assert_eq!((all.half_ms, all.most_ms, all.all_ms), (Some(20_000), Some(38_000), Some(40_000)));
        assert_eq!((all.sensors, all.in_force, all.missing.len()), (40, 40, 0));
        for sensor in sensors.iter_mut().take(2) {
            sensor.heard_at = None;
        }
        let some = Reach::of(7, at(100), &sensors);
        assert_eq!((some.most_ms, some.all_ms, some.missing.as_slice()), (Some(40_000), None, &[1, 2][..]));
        for sensor in sensors.iter_mut().take(21) {
            sensor.heard_at = None;
        }
        let few = Reach::of(7, at(100), &sensors);
        assert_eq!((few.half_ms, few.in_force), (None, 19));
        let many: Vec<_> = (1..=200).map(|n| reached(n, 1, None)).collect();
        assert_eq!(Reach::of(7, at(100), &many).missing.len(), MISSING_MAX);
    }

    #[test]
    fn who_enrolled_after_a_list_was_published_is_counted_from_then() {
        let reach = Reach::of(7, at(100), &[reached(1, 1, Some(101)), reached(2, 5_000, Some(5_003))]);
        assert_eq!((reach.half_ms, reach.all_ms), (Some(1_000), Some(3_000)));
        // Heard before it was published: clocks were set between the two.
        assert_eq!(Reach::of(7, at(100), &[reached(1, 1, Some(50))]).all_ms, Some(0));
    }
}
