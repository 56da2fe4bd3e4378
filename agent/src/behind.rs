//! How often a sensor that knows its collector no more asks for the root documents behind its own, and what is said while that
//! does not help. Told the time and what came of asking.
//!
//! Who was off while the authority changed meets a certificate that no root document it has names. Root documents prove
//! themselves, so it may ask for them whoever answers; but whoever answers may be anybody, so it asks seldom.

use std::time::{Duration, Instant};

use crate::limits::{ROOT_LANE_AGAIN_MAX_S, ROOT_LANE_AGAIN_S};

/// How asking stands.
#[derive(Debug, Default)]
pub struct Behind {
    again: Option<Instant>,
    failures: u32,
    why: Option<String>,
}

impl Behind {
    /// Whether to ask now.
    pub fn may_ask(&self, now: Instant) -> bool {
        self.again.is_none_or(|again| now >= again)
    }

    /// Why the last asking did not help.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Documents were taken: who is a stranger by them too is asked at once.
    pub fn handle_known(&mut self) {
        *self = Behind::default();
    }

    /// It did not help. `random` is any number.
    pub fn handle_failed(&mut self, why: String, now: Instant, random: u64) {
        let doubled = ROOT_LANE_AGAIN_S.saturating_mul(1u64.checked_shl(self.failures.min(20)).unwrap_or(u64::MAX));
        let least_s = doubled.min(ROOT_LANE_AGAIN_MAX_S);
        let more_ms = random % (least_s * 500);
        self.failures = self.failures.saturating_add(1);
        self.again = Some(now + Duration::from_secs(least_s) + Duration::from_millis(more_ms));
        self.why = Some(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;

    #[test]
    fn c1_whoever_answers_is_asked_at_once_and_then_seldom() {
        let start = clock::monotonic();
        let mut behind = Behind::default();
        assert!(behind.may_ask(start));
        let mut now = start;
        let mut asked = 0;
        while now < start + Duration::from_secs(86_400) {
            if behind.may_ask(now) {
                asked += 1;
                behind.handle_failed("nei".to_owned(), now, 0);
            }
            now += Duration::from_secs(1);
        }
        assert!((24..=31).contains(&asked), "{asked} times a day");
        assert_eq!(behind.why(), Some("nei"));
        assert!(!behind.may_ask(now - Duration::from_secs(2)));
        behind.handle_known();
        assert!(behind.may_ask(start) && behind.why().is_none());
        behind.handle_failed("nei".to_owned(), start, u64::MAX);
        let half = Duration::from_secs(ROOT_LANE_AGAIN_S / 2);
        assert!(!behind.may_ask(start + half * 2 - Duration::from_secs(1)) && behind.may_ask(start + half * 3));
    }
}
