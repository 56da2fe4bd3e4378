//! How much a sensor makes of what it refuses: each refusal is told while there are few, many of them now and then with their
//! number, and whoever goes on all the same is not listened to any longer.
//!
//! Nobody's signature is needed to be refused. So whatever a collector says, it fills neither the spool nor the log with it.

use std::time::Instant;

use crate::bucket::Bucket;
use crate::limits::{REFUSALS_BORNE_A_MINUTE, REFUSALS_BORNE_AT_ONCE, REFUSALS_TOLD_A_MINUTE, REFUSALS_TOLD_AT_ONCE};

/// What is told of refusals of one sort.
#[derive(Debug)]
struct Telling {
    bucket: Bucket,
    untold: u64,
    last: String,
}

impl Telling {
    fn new() -> Telling {
        Telling { bucket: Bucket::new(REFUSALS_TOLD_AT_ONCE, REFUSALS_TOLD_A_MINUTE), untold: 0, last: String::new() }
    }

    fn handle_refused(&mut self, why: &str) -> Option<String> {
        if !self.bucket.try_take() {
            self.untold = self.untold.saturating_add(1);
            why.clone_into(&mut self.last);
            return None;
        }
        // The number stands first: a sentence is cut at its end.
        Some(match std::mem::take(&mut self.untold) {
            0 => why.to_owned(),
            untold => format!("{untold} refusals were not told each; then: {why}"),
        })
    }

    fn poll(&mut self) -> Option<String> {
        if self.untold == 0 || !self.bucket.try_take() {
            return None;
        }
        let untold = std::mem::take(&mut self.untold);
        Some(format!("{untold} refusals were not told each; the last: {}", std::mem::take(&mut self.last)))
    }
}

/// Of which sort a refusal is: what a collector floods with the one hides nothing of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Lists, and words of which channel to follow: a record too.
    Lists,
    /// Root documents, words of which list is the newest, orders of the brake: the log, and an answer.
    Others,
}

/// What has been refused lately.
#[derive(Debug)]
pub struct Refusals {
    lists: Telling,
    others: Telling,
    borne: Bucket,
    looked: Option<Instant>,
}

impl Default for Refusals {
    fn default() -> Refusals {
        let borne = Bucket::new(REFUSALS_BORNE_AT_ONCE, REFUSALS_BORNE_A_MINUTE);
        Refusals { lists: Telling::new(), others: Telling::new(), borne, looked: None }
    }
}

impl Refusals {
    fn pass(&mut self, now: Instant) {
        let elapsed = self.looked.map(|looked| now.saturating_duration_since(looked)).unwrap_or_default();
        self.looked = Some(now);
        for bucket in [&mut self.lists.bucket, &mut self.others.bucket, &mut self.borne] {
            bucket.pass(elapsed);
        }
    }

    fn telling(&mut self, sort: Sort) -> &mut Telling {
        match sort {
            Sort::Lists => &mut self.lists,
            Sort::Others => &mut self.others,
        }
    }

    /// Something was refused for this reason. Gives the sentence to tell, where it is told.
    pub fn handle_refused(&mut self, sort: Sort, why: &str, now: Instant) -> Option<String> {
        self.pass(now);
        self.telling(sort).handle_refused(why)
    }

    /// The collector has made work that it should rarely make. False where that is too much: the session is to end.
    pub fn bears(&mut self, now: Instant) -> bool {
        self.pass(now);
        self.borne.try_take()
    }

    /// What was not told yet, once it may be, though nothing more is refused.
    pub fn poll(&mut self, sort: Sort, now: Instant) -> Option<String> {
        self.pass(now);
        self.telling(sort).poll()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[expect(clippy::disallowed_methods, reason = "a test needs some moment to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn c1_the_first_refusals_are_told_each_and_a_flood_of_them_once_a_minute_with_its_number() {
        let (begun, mut refusals) = (start(), Refusals::default());
        let mut told = Vec::new();
        // An hour of a thousand a second, and the other sort is none the quieter for it.
        for ms in 0..3_600_000u64 {
            let now = begun + Duration::from_millis(ms);
            told.extend(refusals.handle_refused(Sort::Lists, "no", now));
            if ms == 1_800_000 {
                assert_eq!(refusals.handle_refused(Sort::Others, "neither", now).as_deref(), Some("neither"));
            }
        }
        let most = REFUSALS_TOLD_AT_ONCE + 60 * REFUSALS_TOLD_A_MINUTE;
        assert!(told.len() as u32 <= most && told.len() as u32 >= REFUSALS_TOLD_AT_ONCE, "{}", told.len());
        assert!(told.iter().take(REFUSALS_TOLD_AT_ONCE as usize).all(|word| word == "no"));
        // What is left is told once it may be, and then nothing more.
        let later = begun + Duration::from_secs(3_660);
        let last = refusals.poll(Sort::Lists, later).unwrap();
        assert!(last.ends_with("the last: no"), "{last}");
        told.push(last);
        assert_eq!(refusals.poll(Sort::Lists, later + Duration::from_secs(600)), None);
        let number = |word: &String| word.split_once(" refusals").and_then(|(number, _)| number.parse::<u64>().ok());
        let counted: u64 = told.iter().filter_map(number).sum();
        let each = told.iter().filter(|word| !word.contains("the last")).count() as u64;
        assert_eq!(counted + each, 3_600_000, "none is left out of the count");
    }

    #[test]
    fn c1_a_collector_that_goes_on_is_borne_only_so_long_and_one_that_errs_now_and_then_always() {
        let (begun, mut refusals) = (start(), Refusals::default());
        let borne = (0..10_000).filter(|_| refusals.bears(begun)).count();
        assert_eq!(borne as u32, REFUSALS_BORNE_AT_ONCE);
        let minute = begun + Duration::from_secs(60);
        let again = (0..10_000).filter(|_| refusals.bears(minute)).count();
        assert_eq!(again as u32, REFUSALS_BORNE_A_MINUTE, "another session begins where this one ended");
        let mut patient = Refusals::default();
        assert!((0..10_000u64).all(|minute| patient.bears(begun + Duration::from_secs(60 * minute))));
    }
}
