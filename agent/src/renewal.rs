//! When a sensor asks for its next certificate, and what is said while it gets none. Told the time and what came of asking.
//!
//! It asks once a third of the certificate's life is over, at a moment of the following day that is drawn from the
//! certificate itself: so a thousand sensors enrolled in one morning do not come back in one minute, and a restart draws no
//! other moment. What fails is tried again, later and later; nothing else waits for it.

use std::time::{Duration, Instant};

use varde_common::time::Timestamp;

use crate::limits::{
    ANSWER_TIMEOUT_S, COLLECTOR_TIME_SLACK_S, RENEWAL_AGAIN_MAX_S, RENEWAL_AGAIN_S, RENEWAL_LATE_SPREADS,
    RENEWAL_LOOK_S, RENEWAL_SPREAD_S,
};

/// What is to be done about the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Ask for the next one.
    Ask,
    /// Look again after this.
    Wait(Duration),
}

/// How the certificate in use is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// Good until then.
    pub until: Timestamp,
    /// The next is asked for then.
    pub renews: Timestamp,
    /// Why there is no newer one although it is time, as it was last said.
    pub failing: Option<String>,
}

/// The life of the certificate in use.
#[derive(Debug)]
pub struct Renewal {
    from: Timestamp,
    certified: Certified,
    failures: u32,
    again: Option<Instant>,
    /// It was asked for, and there is no answer yet.
    asked: bool,
}

impl Renewal {
    /// Of a certificate that is good from then until then; `draw` is drawn from it.
    pub fn new(from: Timestamp, until: Timestamp, draw: u64) -> Renewal {
        let life = until.since(from);
        let within = Duration::from_secs(draw % RENEWAL_SPREAD_S).min(life / 3);
        let certified = Certified { until, renews: from.plus(life / 3).plus(within), failing: None };
        Renewal { from, certified, failures: 0, again: None, asked: false }
    }

    /// How it is.
    pub fn certified(&self) -> &Certified {
        &self.certified
    }

    /// Whether it is of a time that is still to come, as from a collector whose clock was ahead: the next is asked for at once, and
    /// one that begins earlier takes its place.
    pub fn is_ahead_of(&self, at: Timestamp) -> bool {
        self.from > at.plus(Duration::from_secs(COLLECTOR_TIME_SLACK_S))
    }

    /// Whether another may take its place, by the time of now.
    pub fn gives_way_to(&self, other: &Renewal, now: Timestamp) -> bool {
        let is_newer = other.certified.until > self.certified.until;
        let is_of_now = self.is_ahead_of(now) && self.is_ahead_of(other.from);
        (is_newer || is_of_now) && other.certified.renews > now
    }

    /// A session stands. One that is late by then does not ask at once: others may have waited for the same collector.
    /// `spread_ms` is what the collector names for coming back, `random` any number.
    pub fn handle_session(&mut self, now: Instant, spread_ms: u32, random: u64) {
        let spread_ms = u64::from(spread_ms).saturating_mul(RENEWAL_LATE_SPREADS).max(1);
        let settled = now + Duration::from_millis(random % spread_ms);
        self.again = Some(self.again.map_or(settled, |again| again.max(settled)));
        self.asked = false;
    }

    /// What is to be done. `now` is the time by the collector's word.
    pub fn poll(&mut self, now: Timestamp, monotonic: Instant) -> Next {
        let look = Duration::from_secs(RENEWAL_LOOK_S);
        if now < self.certified.renews && !self.is_ahead_of(now) {
            return Next::Wait(self.certified.renews.since(now).min(look));
        }
        match self.again {
            Some(again) if monotonic < again => Next::Wait(again.saturating_duration_since(monotonic)),
            Some(_) if self.asked => {
                self.handle_failed("the collector does not answer", monotonic, 0);
                Next::Wait(Duration::from_secs(RENEWAL_AGAIN_S).min(look))
            }
            Some(_) | None => Next::Ask,
        }
    }

    /// It has been asked for.
    pub fn handle_asked(&mut self, monotonic: Instant) {
        self.asked = true;
        self.again = Some(monotonic + Duration::from_secs(ANSWER_TIMEOUT_S));
    }

    /// It was not given; `random` is any number.
    pub fn handle_failed(&mut self, why: &str, monotonic: Instant, random: u64) {
        let doubled = RENEWAL_AGAIN_S.saturating_mul(1u64.checked_shl(self.failures.min(30)).unwrap_or(u64::MAX));
        let least = doubled.min(RENEWAL_AGAIN_MAX_S);
        self.failures = self.failures.saturating_add(1);
        self.asked = false;
        self.again = Some(monotonic + Duration::from_secs(least + random % (least / 2 + 1)));
        self.certified.failing = Some(why.to_owned());
    }

    /// The collector speaks an older version: it cannot be asked.
    pub fn handle_cannot_ask(&mut self, now: Timestamp) {
        if now >= self.certified.renews {
            let why = "the collector's version renews no certificates; it must be updated before this one runs out";
            self.certified.failing = Some(why.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::trust::sha256;

    const DAY: Duration = Duration::from_secs(86_400);
    const FROM: Timestamp = Timestamp(1_795_000_000_000_000);

    #[expect(clippy::disallowed_methods, reason = "a test needs some moment to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn month(draw: u64) -> Renewal {
        Renewal::new(FROM, FROM.plus(DAY * 30), draw)
    }

    #[test]
    fn k1_a_certificate_of_a_time_still_to_come_gives_way_to_one_of_now_and_to_no_other_like_it() {
        let (now, start) = (FROM.plus(DAY * 5), start());
        let of = |from: Duration| Renewal::new(FROM.plus(from), FROM.plus(from + DAY * 30), 0);
        let mut ahead = of(DAY * 170);
        assert_eq!(ahead.poll(now, start), Next::Ask);
        assert!(ahead.gives_way_to(&of(DAY * 5), now));
        assert!(!ahead.gives_way_to(&of(DAY * 170), now), "or it would be asked for again and again");
        assert!(ahead.gives_way_to(&of(DAY * 200), now));
        assert!(!of(DAY * 5).gives_way_to(&of(DAY * 4), now));
        assert!(!ahead.gives_way_to(&of(Duration::ZERO), FROM.plus(DAY * 40)), "that has run out");
        assert_eq!(of(DAY * 6).poll(now, start), Next::Wait(Duration::from_secs(RENEWAL_LOOK_S)), "clocks differ");
    }

    #[test]
    fn e1_a_certificate_is_asked_for_after_a_third_of_its_life_and_not_before() {
        let now = start();
        let mut renewal = month(3_600);
        let due = FROM.plus(DAY * 10 + Duration::from_secs(3_600));
        assert_eq!(renewal.certified().renews, due);
        for before in [FROM, FROM.plus(DAY * 9), due.minus(Duration::from_secs(1))] {
            assert!(matches!(renewal.poll(before, now), Next::Wait(_)), "{before}");
        }
        assert_eq!(renewal.poll(due, now), Next::Ask);
        assert_eq!(renewal.poll(FROM.plus(DAY * 400), now), Next::Ask);
    }

    #[test]
    fn e1_a_thousand_sensors_enrolled_in_one_hour_do_not_ask_in_one_minute() {
        let mut minutes = std::collections::BTreeMap::new();
        for sensor in 0..1_000u64 {
            let draw = u64::from_be_bytes(sha256(&sensor.to_be_bytes())[..8].try_into().unwrap());
            let from = FROM.plus(Duration::from_secs(sensor * 3));
            let due = Renewal::new(from, from.plus(DAY * 30), draw).certified().renews;
            *minutes.entry(due.0 / 60_000_000).or_insert(0u32) += 1;
        }
        let most = minutes.values().max().copied();
        assert!(most <= Some(8), "{most:?} in one minute");
    }

    #[test]
    fn e1_a_failure_is_told_and_tried_again_later_and_later() {
        let mut now = start();
        let mut renewal = month(0);
        let late = FROM.plus(DAY * 12);
        let mut waited = Vec::new();
        for _ in 0..12 {
            assert_eq!(renewal.poll(late, now), Next::Ask);
            renewal.handle_asked(now);
            renewal.handle_failed("no", now, 0);
            let Next::Wait(wait) = renewal.poll(late, now) else { panic!("it asks at once") };
            waited.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waited.first(), Some(&RENEWAL_AGAIN_S));
        assert!(waited.is_sorted() && waited.last() == Some(&RENEWAL_AGAIN_MAX_S), "{waited:?}");
        assert_eq!(renewal.certified().failing.as_deref(), Some("no"));
    }

    #[test]
    fn e1_who_gets_no_answer_asks_again_and_who_is_late_lets_others_by() {
        let now = start();
        let mut renewal = month(0);
        let late = FROM.plus(DAY * 12);
        renewal.handle_session(now, 1_000, u64::MAX);
        assert!(matches!(renewal.poll(late, now), Next::Wait(_)));
        let now = now + Duration::from_secs(RENEWAL_LATE_SPREADS);
        assert_eq!(renewal.poll(late, now), Next::Ask);
        renewal.handle_asked(now);
        assert!(matches!(renewal.poll(late, now), Next::Wait(_)), "an answer is under way");
        let now = now + Duration::from_secs(ANSWER_TIMEOUT_S);
        assert!(matches!(renewal.poll(late, now), Next::Wait(_)));
        assert!(renewal.certified().failing.is_some());
        assert_eq!(renewal.poll(late, now + Duration::from_secs(RENEWAL_AGAIN_S)), Next::Ask);
    }

    #[test]
    fn v1_a_collector_that_cannot_be_asked_is_told_of_from_a_third_on() {
        let mut renewal = month(0);
        renewal.handle_cannot_ask(FROM.plus(DAY * 3));
        assert_eq!(renewal.certified().failing, None);
        renewal.handle_cannot_ask(FROM.plus(DAY * 11));
        assert!(renewal.certified().failing.is_some());
    }
}
