//! Looks again and again whether sensors are heard and hear, for as long as the collector runs.

use std::time::{Duration, Instant};

use varde_common::time::Timestamp;

use super::clock;
use crate::change::{Change, Changes};
use crate::limits::silence::{ONE_CLIENT_LOOKED_FOR_EVERY, SILENCE_LOOKED_FOR_EVERY};
use crate::silence::Moment;
use crate::store::Store;

/// Since when sensors could be heard without a break. While the disk is full nothing of theirs is stored, a machine that slept heard
/// nobody, and a clock that was set ahead says nothing of what passed: none of that is a silence of a sensor's.
#[derive(Debug)]
struct Listening {
    since: Instant,
    looked: Instant,
    looked_at: Timestamp,
}

impl Listening {
    fn new(now: Instant, at: Timestamp) -> Listening {
        Listening { since: now, looked: now, looked_at: at }
    }

    /// For how long by now, which is `at` by the time of day.
    fn look(&mut self, now: Instant, at: Timestamp, is_full: bool) -> Duration {
        // The clock that only goes forward stands still while a machine sleeps; the time of day does not.
        let passed = now.saturating_duration_since(self.looked).max(at.since(self.looked_at));
        if is_full || passed > SILENCE_LOOKED_FOR_EVERY * 3 {
            self.since = now;
        }
        (self.looked, self.looked_at) = (now, at);
        now.saturating_duration_since(self.since)
    }
}

/// Looks for as long as it is polled.
pub async fn go_on(store: Store, changes: Changes) {
    let mut listening = Listening::new(clock::monotonic(), clock::now());
    let mut hits_looked_at = None;
    loop {
        tokio::time::sleep(SILENCE_LOOKED_FOR_EVERY).await;
        let begun = clock::monotonic();
        let now = clock::now();
        let moment = Moment { now, listening: listening.look(begun, now, store.is_full()) };
        if store.is_full() {
            continue;
        }
        let with_hits =
            hits_looked_at.is_none_or(|at| begun.saturating_duration_since(at) >= ONE_CLIENT_LOOKED_FOR_EVERY);
        if with_hits {
            hits_looked_at = Some(begun);
        }
        match store.look_for_silence(moment, with_hits).await {
            Ok(sensors) => {
                for sensor in sensors {
                    // Nobody may be listening; that is no fault.
                    let _ = changes.send(Change::Sensor(sensor));
                }
            }
            Err(error) => {
                store.handle_error(&error);
                tracing::warn!("whether sensors are heard and hear could not be looked at: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_k1_a_full_disk_a_machine_that_slept_and_a_clock_that_was_set_are_no_silence_of_sensors() {
        let (begun, day) = (clock::monotonic(), Timestamp(1_795_219_200_000_000));
        let mut listening = Listening::new(begun, day);
        let mut look = |second: u64, by_day: u64, is_full| {
            let (now, at) = (begun + Duration::from_secs(second), day.plus(Duration::from_secs(by_day)));
            listening.look(now, at, is_full).as_secs()
        };
        let looks = [
            (10, 10, false, 10),
            (20, 20, false, 20),
            (30, 30, true, 0),
            (40, 40, true, 0),
            (50, 50, false, 10),
            // A long wait for the database.
            (600, 600, false, 0),
            (610, 610, false, 10),
            // It slept for an hour, or its clock was set ahead.
            (620, 4_220, false, 0),
            (630, 4_230, false, 10),
            // Its clock was set back.
            (640, 900, false, 20),
        ];
        for (second, by_day, is_full, listened) in looks {
            assert_eq!(look(second, by_day, is_full), listened, "{second} {by_day}");
        }
    }
}
