//! The times a sensor goes by, and who may move each how far.
//!
//! A box without a battery starts in 1970; a clock can be set, by mistake or by who can forge its time server; and a
//! collector's clock may be years off for a day, by mistake or because another has its CA's key. Nobody of these locks a sensor
//! out for good or freezes its lists, and none makes a certificate that ran out good again. So there are three times:
//!
//! | time | who moves it | forward | back |
//! |---|---|---|---|
//! | the machine's clock | whoever sets it | as far as they like | as far as they like; before [`Timestamp::WRITTEN`] it is no clock |
//! | the collector's word, counted on by the clock since boot | a collector that has proved itself | to the end of the certificate it proved itself with; where the machine has no clock, of the root document in force | to a day before the machine's clock, where it has one; a lower word counts not at all |
//! | what has passed, kept on disk | the same word | 60 days ahead of the machine's clock, where it has one; never past the end of the root document in force | not by any word: it falls with the CA under which it was said, once a root document no longer names that one |
//!
//! | judgement | goes by |
//! |---|---|
//! | is the collector's certificate good? | what has passed, at least: by the machine's clock, or by the word. It is never too early for what our CA has signed |
//! | when is the sensor's next certificate asked for? | the word; without one the machine's clock |
//! | is the next certificate of this time? | it begins before the end of the certificate that the collector proved itself with |
//! | has a root document or a list run out? | the earlier of the machine's clock and the word: both must say so. Never what has passed: rollback is stopped by numbers |
//! | is a word of the newest list, or of a channel, still to come? | the later of the two, and a day. One that is kept and is still to come holds up no other |
//! | is the last word of the newest list a day old? | the earlier of the two |
//! | when does a brake end? | the word, without one the machine's clock; and a day after, by the clock since boot |
//! | matching, folding, spooling, what is let go of for age | none of these: packets' own times, and clocks that nobody sets |
//!
//! The end of the root document bounds what has passed because the offline key has said it. The date of a list does not count:
//! nothing would bound it. Where the machine has no clock its collector is all it has to go by.

use std::collections::BTreeSet;
use std::time::Duration;

use varde_common::time::Timestamp;
use varde_common::trust::Root;

use crate::limits::{COLLECTOR_AHEAD_MAX_S, COLLECTOR_TIME_KEEP_EVERY_S, COLLECTOR_TIME_SLACK_S};

/// What has passed, as it is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// It is later than this.
    pub at: Timestamp,
    /// SHA-256 of the CA certificate under which it was said, 64 hex digits; none = written by a program that did not say.
    pub ca: Option<String>,
}

impl Passed {
    /// Before anybody has said anything.
    const NOTHING: Passed = Passed { at: Timestamp::WRITTEN, ca: None };
}

/// By which certificate the collector last proved itself.
#[derive(Debug, Clone)]
struct Proof {
    until: Timestamp,
    ca: String,
}

/// What is known of the time.
#[derive(Debug, Clone)]
pub struct EffectiveTime {
    passed: Passed,
    /// What of it is on disk.
    kept: Timestamp,
    /// The collector's word, and how long the machine had been up then.
    word: Option<(Timestamp, Duration)>,
    proof: Option<Proof>,
    /// The end of the root document in force, and the CAs that it names.
    root_until: Timestamp,
    authorities: BTreeSet<String>,
}

/// What the machine's clock says, where it is one.
fn set(system: Timestamp) -> Option<Timestamp> {
    (system >= Timestamp::WRITTEN).then_some(system)
}

/// How far ahead of the machine's clock somebody else's word may move what has passed.
fn bound(system: Timestamp) -> Timestamp {
    set(system).map_or(Timestamp::MAX, |clock| clock.plus(Duration::from_secs(COLLECTOR_AHEAD_MAX_S)))
}

impl EffectiveTime {
    /// With the root document in force and what is kept, by the machine's clock.
    pub fn new(root: &Root, kept: Option<Passed>, system: Timestamp) -> EffectiveTime {
        let named = |passed: &Passed| passed.ca.as_ref().is_none_or(|ca| root.ca.contains(ca));
        let mut passed = kept.filter(named).unwrap_or(Passed::NOTHING);
        if passed.ca.is_none() {
            // Nobody bounded it when it was written.
            passed.at = passed.at.min(bound(system));
        }
        passed.at = passed.at.min(root.expires).max(Timestamp::WRITTEN);
        let (kept, root_until, authorities) = (passed.at, root.expires, root.ca.clone());
        EffectiveTime { passed, kept, word: None, proof: None, root_until, authorities }
    }

    /// The collector has proved itself with a certificate that is good until then, of the CA with this hash.
    pub fn handle_proof(&mut self, until: Timestamp, ca: String) {
        self.proof = Some(Proof { until, ca });
    }

    /// Another root document is in force: what was said under a CA that it no longer names counts no more.
    pub fn handle_root(&mut self, root: &Root) {
        let gone = match &self.passed.ca {
            Some(ca) => !root.ca.contains(ca),
            None => !self.authorities.is_subset(&root.ca),
        };
        if gone {
            (self.passed, self.kept) = (Passed::NOTHING, Timestamp::WRITTEN);
        }
        if self.proof.as_ref().is_some_and(|proof| !root.ca.contains(&proof.ca)) {
            (self.proof, self.word) = (None, None);
        }
        (self.root_until, self.authorities) = (root.expires, root.ca.clone());
    }

    /// The collector has said what time it is. Gives what is to be kept on disk, if that is worth a write.
    pub fn handle_word(&mut self, word: Timestamp, system: Timestamp, since_boot: Duration) -> Option<Passed> {
        let Proof { ca, .. } = self.proof.as_ref().filter(|proof| word <= proof.until)?;
        let known = self.word.map_or(self.passed.at, |(known, _)| known);
        let slack = Duration::from_secs(COLLECTOR_TIME_SLACK_S);
        let believed = match set(system) {
            Some(clock) => (word >= known || word.plus(slack) >= clock).then_some(word),
            None => Some(word.min(self.root_until)),
        }?;
        self.word = Some((believed, since_boot));
        let passed = believed.min(self.root_until).min(bound(system));
        if passed <= self.passed.at {
            return None;
        }
        self.passed = Passed { at: passed, ca: Some(ca.clone()) };
        let worth = passed.since(self.kept) >= Duration::from_secs(COLLECTOR_TIME_KEEP_EVERY_S);
        worth.then(|| {
            self.kept = passed;
            self.passed.clone()
        })
    }

    /// Whether something that was issued then may be believed: not from after the end of the certificate by which the
    /// collector proved itself, as from one whose clock is years ahead for a day.
    pub fn may_be_issued(&self, at: Timestamp) -> bool {
        self.proof.as_ref().is_some_and(|proof| at <= proof.until)
    }

    fn counted_on(&self, since_boot: Duration) -> Option<Timestamp> {
        self.word.map(|(word, then)| word.plus(since_boot.saturating_sub(then)))
    }

    /// What time it may be for a certificate: by the machine's clock, and by the collector's word.
    pub fn readings(&self, system: Timestamp, since_boot: Duration) -> [Timestamp; 2] {
        let by_word = self.counted_on(since_boot).unwrap_or(system);
        [system.max(self.passed.at), by_word.max(self.passed.at)]
    }

    /// What time it is by the collector's word; without one by the machine's clock.
    pub fn by_word(&self, system: Timestamp, since_boot: Duration) -> Timestamp {
        self.counted_on(since_boot).or(set(system)).unwrap_or(self.passed.at)
    }

    /// The earliest and the latest time that it may be, for what somebody has signed.
    pub fn between(&self, system: Timestamp, since_boot: Duration) -> [Timestamp; 2] {
        match (set(system), self.counted_on(since_boot)) {
            (Some(clock), Some(word)) => [clock.min(word), clock.max(word)],
            (Some(one), None) | (None, Some(one)) => [one, one],
            (None, None) => [Timestamp::WRITTEN, self.passed.at],
        }
    }
}

#[cfg(test)]
mod tests;
