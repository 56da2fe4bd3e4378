//! What came by a sensor's key lately and was odd: a session that took the place of one that stood, a connection that proved the key
//! and said nothing, a knock that was refused. Once is nothing; again and again it is told, and the log is not filled with it.
//!
//! It goes by the sensor, as its certificate says, so that no stranger fills the table.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::limits::{KNOCK_TOLD_EVERY, VISITS_KEPT_MAX, VISITS_REPLACED_TOLD, VISITS_SILENT_TOLD, VISITS_WITHIN};

/// What was odd about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// It took the place of a session that stood.
    Replaced,
    /// It never said Hello.
    Silent,
}

impl Visit {
    /// As the event is called.
    pub fn event(self) -> &'static str {
        match self {
            Visit::Replaced => "replaced_again",
            Visit::Silent => "silent_again",
        }
    }

    /// So often within the hour it is told.
    fn told_from(self) -> usize {
        match self {
            Visit::Replaced => VISITS_REPLACED_TOLD,
            Visit::Silent => VISITS_SILENT_TOLD,
        }
    }
}

#[derive(Debug, Default)]
struct Lately {
    /// The last few, as many as are counted.
    replaced: VecDeque<Instant>,
    silent: VecDeque<Instant>,
    /// When a refused knock was last told, and how many came since.
    told: Option<Instant>,
    knocks: u64,
    seen: Option<Instant>,
}

/// Odd visits by sensor.
#[derive(Debug, Default)]
pub struct Visits {
    lately: HashMap<i64, Lately>,
}

impl Visits {
    /// With a full table the one that was seen longest ago is forgotten.
    fn of(&mut self, sensor: i64, now: Instant) -> &mut Lately {
        if self.lately.len() >= VISITS_KEPT_MAX && !self.lately.contains_key(&sensor) {
            let oldest = self.lately.iter().min_by_key(|(_, lately)| lately.seen).map(|(sensor, _)| *sensor);
            if let Some(oldest) = oldest {
                self.lately.remove(&oldest);
            }
        }
        let lately = self.lately.entry(sensor).or_default();
        lately.seen = Some(now);
        lately
    }

    /// Another one; whether it is so often that a person is to hear of it.
    pub fn handle_visit(&mut self, sensor: i64, visit: Visit, now: Instant) -> bool {
        let lately = self.of(sensor, now);
        let times = match visit {
            Visit::Replaced => &mut lately.replaced,
            Visit::Silent => &mut lately.silent,
        };
        times.push_back(now);
        while times.len() > visit.told_from() {
            times.pop_front();
        }
        let first = times.front().copied().unwrap_or(now);
        times.len() == visit.told_from() && now.saturating_duration_since(first) <= VISITS_WITHIN
    }

    /// A knock was refused; where it goes into the log, how many before it did not.
    pub fn handle_refused(&mut self, sensor: i64, now: Instant) -> Option<u64> {
        let lately = self.of(sensor, now);
        if lately.told.is_some_and(|told| now.saturating_duration_since(told) < KNOCK_TOLD_EVERY) {
            lately.knocks = lately.knocks.saturating_add(1);
            return None;
        }
        lately.told = Some(now);
        Some(std::mem::take(&mut lately.knocks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;
    use std::time::Duration;

    #[test]
    fn p5_what_happens_now_and_then_is_no_news_and_what_happens_again_and_again_is() {
        let (begun, mut visits) = (clock::monotonic(), Visits::default());
        let told = |visits: &mut Visits, visit, minutes: &[u64]| -> Vec<bool> {
            let at = |minute: &u64| begun + Duration::from_secs(60 * minute);
            minutes.iter().map(|minute| visits.handle_visit(7, visit, at(minute))).collect()
        };
        assert_eq!(told(&mut visits, Visit::Replaced, &[0, 1, 2, 3]), [false, false, true, true]);
        assert_eq!(told(&mut visits, Visit::Replaced, &[64, 100, 125, 126]), [false, false, false, true]);
        let mut another = Visits::default();
        assert_eq!(told(&mut another, Visit::Silent, &[0, 10, 30, 35, 40]), [false; 5], "a firewall, perhaps");
        assert_eq!(told(&mut another, Visit::Silent, &[41, 42]), [true, true]);
        assert!(!another.handle_visit(8, Visit::Replaced, begun), "each sensor by itself");
    }

    #[test]
    fn p4_a_knock_that_is_refused_without_end_is_told_once_a_minute_with_its_number() {
        let (begun, mut visits) = (clock::monotonic(), Visits::default());
        let told: Vec<u64> = (0..12_000u64)
            .filter_map(|knock| visits.handle_refused(7, begun + Duration::from_millis(50 * knock)))
            .collect();
        assert_eq!(told, [vec![0], vec![1_199; 9]].concat());
        assert_eq!(visits.handle_refused(8, begun), Some(0));
    }

    #[test]
    fn i7_the_table_of_visits_is_bounded() {
        let (begun, mut visits) = (clock::monotonic(), Visits::default());
        for sensor in 0..2 * VISITS_KEPT_MAX as i64 {
            visits.handle_refused(sensor, begun + Duration::from_millis(sensor.unsigned_abs()));
            assert!(visits.lately.len() <= VISITS_KEPT_MAX);
        }
        assert!(!visits.lately.contains_key(&0) && visits.lately.contains_key(&(2 * VISITS_KEPT_MAX as i64 - 1)));
    }
}
