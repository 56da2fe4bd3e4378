//! Who was thrown out for breaking the rules, again and again, and how long it is not greeted for that: longer each time. Each coming is
//! a handshake and a place in the database, which are to be had by those that keep the rules.
//!
//! It goes by the sensor, as its certificate says, so that no stranger fills the table. A session that fell, stood idle or was too slow
//! broke no rule. The first few cost nothing: an honest program of another version may break one in a moment that nobody foresaw.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::limits::{
    THROWN_OUT_FORGOTTEN_AFTER, THROWN_OUT_FREE, THROWN_OUT_KEPT_MAX, THROWN_OUT_PAUSE_FIRST, THROWN_OUT_PAUSE_MAX,
};

#[derive(Debug, Clone, Copy)]
struct Breaker {
    times: u32,
    /// Not greeted before.
    until: Instant,
}

impl Breaker {
    /// Since then it has kept the rules, or stayed away.
    fn is_forgotten(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.until) >= THROWN_OUT_FORGOTTEN_AFTER
    }
}

/// Those that were thrown out lately.
#[derive(Debug, Default)]
pub struct ThrownOut {
    breakers: HashMap<i64, Breaker>,
}

impl ThrownOut {
    /// A sensor broke a rule, and its session is ended for that; gives how long it is not greeted. With a full table the one that may
    /// come again first, or may already, is forgotten.
    pub fn handle_broken(&mut self, sensor: i64, now: Instant) -> Duration {
        let before = self.breakers.get(&sensor).filter(|breaker| !breaker.is_forgotten(now));
        let times = before.map_or(0, |breaker| breaker.times).saturating_add(1);
        let pause = pause_after(times);
        if self.breakers.len() >= THROWN_OUT_KEPT_MAX && !self.breakers.contains_key(&sensor) {
            self.breakers.retain(|_, breaker| !breaker.is_forgotten(now));
            let first = self.breakers.iter().min_by_key(|(_, breaker)| breaker.until).map(|(sensor, _)| *sensor);
            if let Some(first) = first.filter(|_| self.breakers.len() >= THROWN_OUT_KEPT_MAX) {
                self.breakers.remove(&first);
            }
        }
        self.breakers.insert(sensor, Breaker { times, until: now + pause });
        pause
    }

    /// How long it is not greeted still; none where it is.
    pub fn left(&self, sensor: i64, now: Instant) -> Option<Duration> {
        let left = self.breakers.get(&sensor)?.until.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

fn pause_after(times: u32) -> Duration {
    match times.checked_sub(THROWN_OUT_FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => {
            let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
            THROWN_OUT_PAUSE_FIRST.saturating_mul(factor).min(THROWN_OUT_PAUSE_MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;

    #[test]
    fn p1_who_breaks_the_rules_again_and_again_waits_longer_each_time_and_never_longer_than_five_minutes() {
        let mut now = clock::monotonic();
        let mut thrown_out = ThrownOut::default();
        for _ in 0..THROWN_OUT_FREE {
            assert_eq!(thrown_out.handle_broken(1, now), Duration::ZERO);
            assert_eq!(thrown_out.left(1, now), None, "what may be a mistake costs nothing");
        }
        let mut before = Duration::ZERO;
        for _ in 0..80 {
            let pause = thrown_out.handle_broken(1, now);
            assert!(pause == before * 2 || before.is_zero() || pause == THROWN_OUT_PAUSE_MAX, "{before:?}, {pause:?}");
            assert_eq!(thrown_out.left(1, now), Some(pause));
            assert_eq!(thrown_out.left(2, now), None, "nobody else waits");
            now += pause;
            assert_eq!(thrown_out.left(1, now), None);
            before = pause;
        }
        assert_eq!(before, THROWN_OUT_PAUSE_MAX);
        // A calm hour, and it begins anew.
        assert_eq!(thrown_out.handle_broken(1, now + THROWN_OUT_FORGOTTEN_AFTER), Duration::ZERO);
    }

    #[test]
    fn i7_the_table_of_those_thrown_out_is_bounded_and_keeps_those_that_wait_longest() {
        let now = clock::monotonic();
        let mut thrown_out = ThrownOut::default();
        for _ in 0..20 {
            thrown_out.handle_broken(0, now);
        }
        for sensor in 1..2 * THROWN_OUT_KEPT_MAX as i64 {
            thrown_out.handle_broken(sensor, now);
            assert!(thrown_out.breakers.len() <= THROWN_OUT_KEPT_MAX);
        }
        assert_eq!(thrown_out.left(0, now), Some(THROWN_OUT_PAUSE_MAX));
        // What is forgotten goes first.
        let later = now + THROWN_OUT_PAUSE_MAX + THROWN_OUT_FORGOTTEN_AFTER;
        thrown_out.handle_broken(-1, later);
        assert_eq!(thrown_out.breakers.len(), 1);
    }
}
