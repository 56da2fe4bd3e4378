//! So many a minute and a few at once: keeps what a storm brings few, and never makes the first of it wait.

use std::time::Duration;

/// Permissions that are taken and come back with time.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// What one costs.
    each: Duration,
    full: Duration,
    credit: Duration,
}

impl Bucket {
    /// A full one: `at_once` may be taken without waiting, and `per_minute` come back each minute. So no minute sees more
    /// than the two together.
    pub fn new(at_once: u32, per_minute: u32) -> Bucket {
        let each = Duration::from_secs(60) / per_minute.max(1);
        let full = each.saturating_mul(at_once.max(1));
        Bucket { each, full, credit: full }
    }

    /// So much time has passed since it was last told.
    pub fn pass(&mut self, elapsed: Duration) {
        self.credit = self.credit.saturating_add(elapsed).min(self.full);
    }

    /// Takes one, where there is one.
    pub fn try_take(&mut self) -> bool {
        match self.credit.checked_sub(self.each) {
            Some(left) => {
                self.credit = left;
                true
            }
            None => false,
        }
    }

    /// How long until there is one.
    pub fn wait(&self) -> Duration {
        self.each.saturating_sub(self.credit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_go_at_once_and_no_minute_sees_more_than_both_numbers_together() {
        let mut bucket = Bucket::new(3, 60);
        let mut taken = 0;
        while bucket.try_take() {
            taken += 1;
        }
        assert_eq!((taken, bucket.wait()), (3, Duration::from_secs(1)));
        for _ in 0..60_000 {
            bucket.pass(Duration::from_millis(1));
            taken += i32::from(bucket.try_take());
        }
        assert_eq!(taken, 63);
        bucket.pass(Duration::from_secs(3_600));
        assert_eq!(
            (0..10).filter(|_| bucket.try_take()).count(),
            3,
            "an hour of quiet is worth no more than a full one"
        );
    }
}
