//! How long segments, and notes of loss, have lain here, by a clock of the spool's own; and periods of the table of hosts by one of
//! theirs.
//!
//! A wall clock that is set ten years forward must not make everything too old at once: this one goes on by what passes
//! between two words of the wall clock, and by a day at most each time. It stands in the file `ages` (lines with a checksum,
//! `sealed.rs`), which may be lost without harm: what has no age there begins to age anew.
//!
//! ```text
//! EPOCH CLOCK TOLD      the lifetime; this clock, seconds; the wall clock's last word, microseconds
//! FIRST LAST BEGUN      a segment: by this clock when it was last written or all of it acknowledged, and when its first record
//!                       was written
//! = FOUND NAME          a file of octets that are no records: when it was first seen (`torn.rs`)
//! ```

use std::collections::BTreeMap;

use varde_common::id::{Epoch, Seq};
use varde_common::time::Timestamp;

use crate::limits::SPOOL_AGE_STEP_MAX_S;

/// Between two writings of the file, seconds of its own clock.
const WRITE_EVERY_S: u64 = 3600;
/// Octets of the largest file that is read: a spool of a terabyte.
pub(in crate::io::disk) const AGES_MAX_OCTETS: u64 = 64 * 1024 * 1024;

/// The ages of segments.
#[derive(Debug, Clone, Default)]
pub(in crate::io::disk) struct Ages {
    clock_s: u64,
    told: Option<Timestamp>,
    /// When each segment was written, by this clock.
    written: BTreeMap<Seq, Written>,
    /// When each file of what could not be read was first seen.
    torn: BTreeMap<String, u64>,
    looked_s: Option<u64>,
    saved_s: Option<u64>,
    /// One that had waited is acknowledged, and the file does not say so.
    is_behind: bool,
}

#[derive(Debug, Clone, Copy)]
struct Written {
    last_s: u64,
    first_s: u64,
}

impl Ages {
    /// As its file holds it; all young if that is not of this lifetime.
    pub(in crate::io::disk) fn read(text: &str, epoch: Epoch) -> Ages {
        let read = || {
            let mut lines = text.strip_suffix('\n')?.lines();
            let mut head = lines.next()?.split(' ');
            if head.next()?.parse() != Ok(epoch) {
                return None;
            }
            let clock_s = head.next()?.parse().ok()?;
            let told = Some(Timestamp(head.next()?.parse().ok()?));
            let mut ages = Ages { clock_s, told, saved_s: Some(clock_s), ..Ages::default() };
            for line in lines {
                let (key, rest) = line.split_once(' ')?;
                if key == "=" {
                    let (found, name) = rest.split_once(' ')?;
                    ages.torn.insert(name.to_owned(), found.parse().ok()?);
                    continue;
                }
                let (last, first) = rest.split_once(' ')?;
                let written = Written { last_s: last.parse().ok()?, first_s: first.parse().ok()? };
                ages.written.insert(Seq(key.parse().ok()?), written);
            }
            Some(ages)
        };
        read().unwrap_or_default()
    }

    /// What to write, if it is time to.
    pub(in crate::io::disk) fn poll_file(&mut self, epoch: Epoch) -> Option<String> {
        let is_saved = self.saved_s.is_some_and(|saved| self.clock_s.saturating_sub(saved) < WRITE_EVERY_S);
        if is_saved && !self.is_behind {
            return None;
        }
        self.saved_s = Some(self.clock_s);
        let mut text = format!("{epoch} {} {}\n", self.clock_s, self.told.unwrap_or_default().as_micros());
        for (first, Written { last_s, first_s }) in &self.written {
            text.push_str(&format!("{first} {last_s} {first_s}\n"));
        }
        for (name, found_s) in &self.torn {
            text.push_str(&format!("= {found_s} {name}\n"));
        }
        Some(text)
    }

    /// Whether what was polled is on disk; a full one had no room for it.
    pub(in crate::io::disk) fn handle_saved(&mut self, is_saved: bool) {
        self.is_behind &= !is_saved;
    }

    /// Whether a crash would make something older than it is by more than the file may be wrong.
    pub(in crate::io::disk) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// What the wall clock says.
    pub(in crate::io::disk) fn handle_time(&mut self, now: Timestamp) {
        let passed_s = self.told.map_or(0, |told| now.since(told).as_secs());
        // Less than a second is left for later.
        if self.told.is_none_or(|told| passed_s > 0 || now < told) {
            self.clock_s = self.clock_s.saturating_add(passed_s.min(SPOOL_AGE_STEP_MAX_S));
            self.told = Some(now);
        }
    }

    /// A segment is written now; the first record in it, or one more.
    pub(in crate::io::disk) fn handle_written(&mut self, first: Seq, is_first: bool) {
        let now = Written { last_s: self.clock_s, first_s: self.clock_s };
        let written = self.written.entry(first).or_insert(now);
        written.last_s = self.clock_s;
        if is_first {
            written.first_s = self.clock_s;
        }
    }

    /// The collector has all of a segment, or was told of all of a loss: from now on it is kept for one that is put back.
    pub(in crate::io::disk) fn handle_acknowledged(&mut self, first: Seq) {
        self.is_behind |= self.age_s(first) >= WRITE_EVERY_S;
        self.handle_written(first, false);
    }

    /// These are there, and no others; what was not known begins now.
    pub(in crate::io::disk) fn handle_found(&mut self, there: impl Iterator<Item = Seq>) {
        let known = std::mem::take(&mut self.written);
        let now = Written { last_s: self.clock_s, first_s: self.clock_s };
        self.written = there.map(|first| (first, known.get(&first).copied().unwrap_or(now))).collect();
    }

    /// A segment is gone.
    pub(in crate::io::disk) fn handle_gone(&mut self, first: Seq) {
        self.written.remove(&first);
    }

    /// Seconds since a segment was last written, or all of it was acknowledged; what was not known begins now.
    pub(in crate::io::disk) fn age_s(&mut self, first: Seq) -> u64 {
        self.clock_s.saturating_sub(self.written(first).last_s)
    }

    /// Seconds since the first record in a segment was written: nothing in it is older.
    pub(in crate::io::disk) fn age_of_first_s(&mut self, first: Seq) -> u64 {
        self.clock_s.saturating_sub(self.written(first).first_s)
    }

    fn written(&mut self, first: Seq) -> Written {
        let now = Written { last_s: self.clock_s, first_s: self.clock_s };
        *self.written.entry(first).or_insert(now)
    }

    /// Whether it is time to look into the directory: once an hour.
    pub(in crate::io::disk) fn poll_hourly(&mut self) -> bool {
        let is_due = self.looked_s.is_none_or(|seen| self.clock_s.saturating_sub(seen) >= WRITE_EVERY_S);
        if is_due {
            self.looked_s = Some(self.clock_s);
        }
        is_due
    }

    /// These files of it are there, and no others; gives those that were seen for the first time longer ago than this, again and
    /// again until they are gone.
    pub(in crate::io::disk) fn handle_torn(&mut self, there: Vec<String>, keep_s: u64) -> Vec<String> {
        let known = std::mem::take(&mut self.torn);
        let found = |name: &String| known.get(name).copied().unwrap_or(self.clock_s);
        self.torn = there.into_iter().map(|name| (name.clone(), found(&name))).collect();
        let over = self.torn.iter().filter(|(_, found_s)| self.clock_s.saturating_sub(**found_s) > keep_s);
        over.map(|(name, _)| name.clone()).collect()
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
        ages.handle_written(Seq(1), true);
        for half in 1..=20 {
            ages.handle_time(start.plus(Duration::from_millis(half * 500)));
        }
        assert_eq!(ages.age_s(Seq(1)), 10);
        ages.handle_time(at(315_360_000));
        assert_eq!(ages.age_s(Seq(1)), 10 + SPOOL_AGE_STEP_MAX_S, "ten years forward are a day");
        ages.handle_time(start);
        assert_eq!(ages.age_s(Seq(1)), 10 + SPOOL_AGE_STEP_MAX_S, "and back are nothing");
        ages.handle_written(Seq(9), true);
        assert!(ages.handle_torn(vec!["a b.torn".to_owned()], 10).is_empty());
        let text = ages.poll_file(Epoch(5)).unwrap();
        assert_eq!(ages.poll_file(Epoch(5)), None, "not every time");
        let mut again = Ages::read(&text, Epoch(5));
        again.handle_time(at(100));
        assert_eq!((again.age_s(Seq(1)), again.age_s(Seq(9))), (110 + SPOOL_AGE_STEP_MAX_S, 100));
        again.handle_written(Seq(9), false);
        assert_eq!(
            (again.age_s(Seq(9)), again.age_of_first_s(Seq(9))),
            (0, 100),
            "its first record grows old all the same"
        );
        assert!(again.handle_torn(vec!["a b.torn".to_owned()], 100).is_empty());
        assert_eq!(again.handle_torn(vec!["a b.torn".to_owned(), "new".to_owned()], 99), ["a b.torn"]);
        assert_eq!(Ages::read(&text, Epoch(6)).age_s(Seq(1)), 0, "of another spool");
        assert_eq!(Ages::read("rubbish", Epoch(5)).age_s(Seq(1)), 0);
    }
}
