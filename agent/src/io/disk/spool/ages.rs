//! How long segments, and notes of loss, have lain here, by a clock of the spool's own.
//!
//! A wall clock that is set ten years forward must not make everything too old at once: this one goes on by what passes
//! between two words of the wall clock, and by a day at most each time. It stands in the file `ages`, which may be lost
//! without harm: what has no age there begins to age anew.

use std::collections::BTreeMap;

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use crate::limits::SPOOL_AGE_STEP_MAX_S;

/// Between two writings of the file, seconds of its own clock.
const WRITE_EVERY_S: u64 = 3600;
/// Octets of the largest file that is read: a spool of a terabyte.
pub(super) const AGES_MAX_OCTETS: u64 = 64 * 1024 * 1024;

/// The ages of segments.
#[derive(Debug, Default)]
pub(super) struct Ages {
    clock_s: u64,
    told: Option<Timestamp>,
    /// When each segment was last written, by this clock.
    written: BTreeMap<Seq, u64>,
    saved_s: Option<u64>,
}

impl Ages {
    /// As its file holds it; all young if that is not of this lifetime.
    pub(super) fn read(text: &str, epoch: Epoch) -> Ages {
        let read = || {
            let mut lines = text.strip_suffix('\n')?.lines();
            let mut head = lines.next()?.split(' ');
            if head.next()?.parse() != Ok(epoch) {
                return None;
            }
            let clock_s = head.next()?.parse().ok()?;
            let told = Some(Timestamp(head.next()?.parse().ok()?));
            let written = lines.map(|line| {
                let (first, at) = line.split_once(' ')?;
                Some((Seq(first.parse().ok()?), at.parse().ok()?))
            });
            Some(Ages { clock_s, told, written: written.collect::<Option<_>>()?, saved_s: Some(clock_s) })
        };
        read().unwrap_or_default()
    }

    /// What to write, if it is time to.
    pub(super) fn poll_file(&mut self, epoch: Epoch) -> Option<String> {
        if self.saved_s.is_some_and(|saved| self.clock_s.saturating_sub(saved) < WRITE_EVERY_S) {
            return None;
        }
        self.saved_s = Some(self.clock_s);
        let mut text = format!("{epoch} {} {}\n", self.clock_s, self.told.unwrap_or_default().as_micros());
        for (first, at) in &self.written {
            text.push_str(&format!("{first} {at}\n"));
        }
        Some(text)
    }

    /// What the wall clock says.
    pub(super) fn handle_time(&mut self, now: Timestamp) {
        let passed_s = self.told.map_or(0, |told| now.since(told).as_secs());
        // Less than a second is left for later.
        if self.told.is_none_or(|told| passed_s > 0 || now < told) {
            self.clock_s = self.clock_s.saturating_add(passed_s.min(SPOOL_AGE_STEP_MAX_S));
            self.told = Some(now);
        }
    }

    /// A segment is written now.
    pub(super) fn handle_written(&mut self, first: Seq) {
        self.written.insert(first, self.clock_s);
    }

    /// These are there, and no others; what was not known begins now.
    pub(super) fn handle_found(&mut self, there: impl Iterator<Item = Seq>) {
        let known = std::mem::take(&mut self.written);
        let age = |first| (first, known.get(&first).copied().unwrap_or(self.clock_s));
        self.written = there.map(age).collect();
    }

    /// A segment is gone.
    pub(super) fn handle_gone(&mut self, first: Seq) {
        self.written.remove(&first);
    }

    /// Seconds since a segment was last written; what was not known begins now.
    pub(super) fn age_s(&mut self, first: Seq) -> u64 {
        self.clock_s.saturating_sub(*self.written.entry(first).or_insert(self.clock_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn k1_a_clock_that_jumps_makes_nothing_old() {
        let start = Timestamp(1_763_733_900_000_000);
        let at = |seconds: u64| start.plus(Duration::from_secs(seconds));
        let mut ages = Ages::default();
        ages.handle_time(start);
        ages.handle_written(Seq(1));
        for half in 1..=20 {
            ages.handle_time(start.plus(Duration::from_millis(half * 500)));
        }
        assert_eq!(ages.age_s(Seq(1)), 10);
        ages.handle_time(at(315_360_000));
        assert_eq!(ages.age_s(Seq(1)), 10 + SPOOL_AGE_STEP_MAX_S, "ten years forward are a day");
        ages.handle_time(start);
        assert_eq!(ages.age_s(Seq(1)), 10 + SPOOL_AGE_STEP_MAX_S, "and back are nothing");
        ages.handle_written(Seq(9));
        let text = ages.poll_file(Epoch(5)).unwrap();
        assert_eq!(ages.poll_file(Epoch(5)), None, "not every time");
        let mut again = Ages::read(&text, Epoch(5));
        again.handle_time(at(100));
        assert_eq!((again.age_s(Seq(1)), again.age_s(Seq(9))), (110 + SPOOL_AGE_STEP_MAX_S, 100));
        assert_eq!(Ages::read(&text, Epoch(6)).age_s(Seq(1)), 0, "of another spool");
        assert_eq!(Ages::read("rubbish", Epoch(5)).age_s(Seq(1)), 0);
    }
}
