//! Looks again and again whether sensors are heard and hear, for as long as the collector runs.

use std::time::Duration;

use super::clock;
use crate::change::{Change, Changes};
use crate::limits::silence::{ONE_CLIENT_LOOKED_FOR_EVERY, SILENCE_LOOKED_FOR_EVERY};
use crate::silence::Moment;
use crate::store::Store;

/// Since when sensors could be heard without a break. While the disk is full nothing of theirs is stored, and a machine that slept
/// heard nobody: both are no silence of a sensor's.
#[derive(Debug)]
struct Listening {
    since: std::time::Instant,
    looked: std::time::Instant,
}

impl Listening {
    fn new(now: std::time::Instant) -> Listening {
        Listening { since: now, looked: now }
    }

    /// For how long by now.
    fn look(&mut self, now: std::time::Instant, is_full: bool) -> Duration {
        let late = now.saturating_duration_since(self.looked) > SILENCE_LOOKED_FOR_EVERY * 3;
        if is_full || late {
            self.since = now;
        }
        self.looked = now;
        now.saturating_duration_since(self.since)
    }
}

/// Looks for as long as it is polled.
pub async fn go_on(store: Store, changes: Changes) {
    let mut listening = Listening::new(clock::monotonic());
    let mut hits_looked_at = None;
    loop {
        tokio::time::sleep(SILENCE_LOOKED_FOR_EVERY).await;
        let begun = clock::monotonic();
        let moment = Moment { now: clock::now(), listening: listening.look(begun, store.is_full()) };
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
    fn d5_a_full_disk_and_a_look_that_comes_late_are_no_silence_of_sensors() {
        let begun = clock::monotonic();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut listening = Listening::new(begun);
        let said: Vec<u64> =
            [(10, false), (20, false), (30, true), (40, true), (50, false), (60, false), (600, false), (610, false)]
                .into_iter()
                .map(|(second, is_full)| listening.look(at(second), is_full).as_secs())
                .collect();
        assert_eq!(said, [10, 20, 0, 0, 10, 20, 0, 10]);
    }
}
