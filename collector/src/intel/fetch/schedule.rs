//! Whose turn it is to be fetched: each source at its own rhythm, a little off so that not all come at once, sooner again after a
//! failure. Waiting goes by a clock that only goes forward; the time of day says only how long ago the last try was before a start.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use varde_common::time::Timestamp;

use crate::limits::fetch::FETCH_AGAIN_AFTER;

/// A source as the database has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Its number.
    pub id: i64,
    /// How often it is fetched.
    pub every: Duration,
    /// Whether its operator lets it rest.
    pub is_paused: bool,
    /// When it was tried last, by the time of day.
    pub tried_at: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
    /// How long it has asked to be left alone, from its last try on.
    pub left_alone: Duration,
}

impl Turn {
    /// How long to wait after a try. `random` spreads it over a tenth either way.
    fn wait(&self, random: u8) -> Duration {
        let again =
            FETCH_AGAIN_AFTER.saturating_mul(1_u32.checked_shl(self.failures.saturating_sub(1)).unwrap_or(u32::MAX));
        let wait = if self.failures == 0 { self.every } else { self.every.min(again) };
        // 0.9 to 1.1 of it.
        wait.mul_f64(0.9 + f64::from(random) / 255.0 * 0.2).max(self.left_alone)
    }
}

#[derive(Debug)]
struct Waiting {
    turn: Turn,
    due: Instant,
    is_under_way: bool,
}

/// All sources.
#[derive(Debug, Default)]
pub struct Schedule {
    waiting: HashMap<i64, Waiting>,
}

impl Schedule {
    /// These are the sources now. One that is new, or was tried or changed by somebody else, waits anew.
    pub fn handle_sources(&mut self, turns: &[Turn], now: Instant, today: Timestamp, mut random: impl FnMut() -> u8) {
        self.waiting.retain(|id, waiting| waiting.is_under_way || turns.iter().any(|turn| turn.id == *id));
        for turn in turns {
            if self.waiting.get(&turn.id).is_some_and(|waiting| waiting.is_under_way || waiting.turn == *turn) {
                continue;
            }
            let wait = turn.wait(random());
            // A last try that lies ahead was noted by a clock that has been set back since: it was some time ago all the same.
            let rest = turn.tried_at.map_or(Duration::ZERO, |at| wait.saturating_sub(today.since(at)));
            let due = now + rest;
            self.waiting.insert(turn.id, Waiting { turn: *turn, due, is_under_way: false });
        }
    }

    /// Whose turn it is; it is under way from then on, and nobody's turn again before [`Schedule::handle_done`].
    pub fn poll_due(&mut self, now: Instant) -> Option<i64> {
        let due = self.waiting.iter_mut().filter(|(_, one)| !one.is_under_way && !one.turn.is_paused && one.due <= now);
        // Who has waited longest.
        let (id, waiting) = due.min_by_key(|(id, one)| (one.due, **id))?;
        waiting.is_under_way = true;
        Some(*id)
    }

    /// A fetch is over, however it ended; what came of it stands in the database, and is told next.
    pub fn handle_done(&mut self, id: i64, now: Instant) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.is_under_way = false;
            // Until it is told: not at once again.
            waiting.due = now + FETCH_AGAIN_AFTER;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const MINUTE: Duration = Duration::from_secs(60);
    const TODAY: Timestamp = Timestamp(1_800_000_000_000_000);

    fn turn(id: i64, tried: Option<Timestamp>) -> Turn {
        Turn { id, every: HOUR, is_paused: false, tried_at: tried, failures: 0, left_alone: Duration::ZERO }
    }

    fn start(turns: &[Turn]) -> (Schedule, Instant) {
        let now = crate::io::clock::monotonic();
        let mut schedule = Schedule::default();
        schedule.handle_sources(turns, now, TODAY, || 128);
        (schedule, now)
    }

    #[test]
    fn a_new_source_is_fetched_at_once_and_then_at_its_rhythm_one_at_a_time() {
        let (mut schedule, now) = start(&[turn(1, None)]);
        assert_eq!(schedule.poll_due(now), Some(1));
        assert_eq!(schedule.poll_due(now + HOUR * 9), None, "it is under way");
        let tried = [turn(1, Some(TODAY))];
        schedule.handle_sources(&tried, now, TODAY, || 128);
        schedule.handle_done(1, now);
        schedule.handle_sources(&tried, now, TODAY, || 128);
        assert_eq!(schedule.poll_due(now + HOUR - MINUTE), None);
        assert_eq!(schedule.poll_due(now + HOUR + MINUTE), Some(1));
    }

    #[test]
    fn k1_a_restart_keeps_the_rhythm_and_a_set_clock_neither_stops_it_nor_has_all_come_at_once() {
        let ago = |span| Some(TODAY.minus(span));
        let (mut schedule, now) = start(&[turn(1, ago(MINUTE * 50)), turn(2, ago(HOUR * 9))]);
        assert_eq!((schedule.poll_due(now), schedule.poll_due(now)), (Some(2), None));
        assert_eq!(schedule.poll_due(now + MINUTE * 12), Some(1));
        // Tried in a year's time, by a clock that was wrong: within its rhythm all the same.
        let (mut schedule, now) = start(&[turn(1, Some(TODAY.plus(HOUR * 24 * 365)))]);
        for minute in 0..50 {
            let source = [turn(1, Some(TODAY.plus(HOUR * 24 * 365)))];
            schedule.handle_sources(&source, now + MINUTE * minute, TODAY, || 7);
            assert_eq!(schedule.poll_due(now + MINUTE * minute), None);
        }
        assert_eq!(schedule.poll_due(now + HOUR + MINUTE), Some(1));
        // While it runs, the time of day says nothing.
        let source = [turn(1, ago(MINUTE))];
        let (mut schedule, now) = start(&source);
        schedule.handle_sources(&source, now, TODAY.plus(HOUR * 24 * 400), || 128);
        assert_eq!(schedule.poll_due(now), None);
    }

    #[test]
    fn after_a_failure_it_is_tried_sooner_and_then_less_and_less_often_until_it_is_at_its_rhythm() {
        let waits = |failures| Turn { failures, ..turn(1, None) }.wait(128).as_secs() / 60;
        assert_eq!([0, 1, 2, 3, 4, 5, 40, u32::MAX].map(waits), [60, 5, 10, 20, 40, 60, 60, 60]);
        let spread = [0, 255].map(|random| turn(1, None).wait(random).as_secs());
        assert_eq!(spread, [3_240, 3_960]);
        let alone = Turn { failures: 1, left_alone: HOUR * 3, ..turn(1, None) };
        assert_eq!(alone.wait(0), HOUR * 3, "who asks to be left alone is");
    }

    #[test]
    fn one_that_rests_is_nobodys_turn_and_one_that_is_gone_is_forgotten() {
        let paused = Turn { is_paused: true, ..turn(1, None) };
        let (mut schedule, now) = start(&[paused, turn(2, None)]);
        assert_eq!((schedule.poll_due(now), schedule.poll_due(now + HOUR * 99)), (Some(2), None));
        schedule.handle_sources(&[turn(1, None)], now, TODAY, || 0);
        assert_eq!(schedule.poll_due(now), Some(1), "awake again");
        schedule.handle_done(2, now);
        schedule.handle_sources(&[], now, TODAY, || 0);
        schedule.handle_done(1, now);
        schedule.handle_sources(&[], now, TODAY, || 0);
        assert!(schedule.waiting.is_empty());
    }
}
