//! How much each sensor may have stored: as much at once as an honest one can have waiting, and from then on so much a minute.
//! Whoever takes more waits, so that a stolen key does not fill the collector's disk.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::limits::{HELD_BACK_TOLD_EVERY, STORED_AT_ONCE_OCTETS, STORED_PER_MINUTE_OCTETS};

#[derive(Debug)]
struct Account {
    /// Octets it may still have stored; what is below is a debt.
    left: i64,
    at: Instant,
    told_at: Option<Instant>,
}

impl Account {
    fn pass(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at);
        // A whole octet at least, or time would pass in steps too small to count.
        let earned = elapsed.as_millis().saturating_mul(u128::from(STORED_PER_MINUTE_OCTETS)) / 60_000;
        if earned > 0 {
            let earned = i64::try_from(earned).unwrap_or(i64::MAX);
            self.left = self.left.saturating_add(earned).min(in_full());
            self.at = now;
        }
    }
}

fn in_full() -> i64 {
    i64::try_from(STORED_AT_ONCE_OCTETS).unwrap_or(i64::MAX)
}

/// What all sensors have taken: an account for each that was heard since the start.
#[derive(Debug, Default)]
pub struct Quotas {
    accounts: HashMap<i64, Account>,
}

impl Quotas {
    fn account(&mut self, sensor: i64, now: Instant) -> &mut Account {
        let full = Account { left: in_full(), at: now, told_at: None };
        let account = self.accounts.entry(sensor).or_insert(full);
        account.pass(now);
        account
    }

    /// So much was stored for a sensor.
    pub fn handle_stored(&mut self, sensor: i64, octets: u64, now: Instant) {
        let account = self.account(sensor, now);
        account.left = account.left.saturating_sub(i64::try_from(octets).unwrap_or(i64::MAX));
    }

    /// How long nothing more of it is to be taken in.
    pub fn wait(&mut self, sensor: i64, now: Instant) -> Duration {
        let debt = self.account(sensor, now).left.min(0).unsigned_abs();
        Duration::from_millis(debt.saturating_mul(60_000).div_ceil(STORED_PER_MINUTE_OCTETS))
    }

    /// Whether people are to be told that it waits: now and then, and never that one does not.
    pub fn tells(&mut self, sensor: i64, now: Instant) -> bool {
        let account = self.account(sensor, now);
        let told = account.told_at.is_some_and(|at| now.saturating_duration_since(at) < HELD_BACK_TOLD_EVERY);
        if told || account.left >= 0 {
            return false;
        }
        account.told_at = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;
    use crate::limits::RECORD_STORED_OCTETS;

    #[test]
    fn d7_a_week_at_ten_times_the_usual_waits_for_nothing_twice_over() {
        let now = clock::monotonic();
        let mut quotas = Quotas::default();
        // 2,000 alerts a day are usual; a record of one has some 150 octets.
        for _ in 0..2 * 7 * 10 * 2_000 {
            assert_eq!(quotas.wait(1, now), Duration::ZERO);
            quotas.handle_stored(1, 150 + RECORD_STORED_OCTETS, now);
        }
        assert!(!quotas.tells(1, now));
    }

    #[test]
    fn d12_a_storm_that_goes_on_waits_for_nothing() {
        let start = clock::monotonic();
        let mut quotas = Quotas::default();
        // Each minute 1,024 alerts opened, as many told anew after a minute and after ten, and 32,768 once an hour.
        let records = 3 * 1_024 + 32_768 / 60;
        for minute in 0..7 * 24 * 60_u64 {
            let now = start + Duration::from_secs(minute * 60);
            assert_eq!(quotas.wait(1, now), Duration::ZERO, "minute {minute}");
            quotas.handle_stored(1, records * (150 + RECORD_STORED_OCTETS), now);
        }
    }

    #[test]
    fn d5_whoever_sends_without_end_has_so_much_at_once_and_then_so_much_a_minute_and_costs_the_others_nothing() {
        let start = clock::monotonic();
        let (mut quotas, batch) = (Quotas::default(), 64 * 1_024 + 225 * RECORD_STORED_OCTETS);
        let (mut now, mut stored) = (start, 0);
        while now < start + Duration::from_secs(3_600) {
            now += quotas.wait(1, now).max(Duration::from_millis(1));
            quotas.handle_stored(1, batch, now);
            stored += batch;
        }
        let most = STORED_AT_ONCE_OCTETS + 60 * STORED_PER_MINUTE_OCTETS;
        assert!(stored <= most + 2 * batch && stored >= most - 2 * batch, "{stored} octets in an hour, {most} allowed");
        assert!(quotas.tells(1, now) && !quotas.tells(1, now), "told once");
        assert!(!quotas.tells(2, now));
        assert_eq!(quotas.wait(2, now), Duration::ZERO);
        assert_eq!(quotas.wait(1, now + Duration::from_secs(60)), Duration::ZERO, "no debt lasts");
    }
}
