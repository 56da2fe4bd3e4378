//! The time that certificates are checked by: never before what is known to have passed, whatever the machine's clock says.
//!
//! A box without a battery starts in 1970; a clock can be set, by mistake or by who can forge its time server. Known to have
//! passed are: when this program was written, when the CA issued what it signed (no certificate of ours is made before its
//! time), and what the collector said in a session, which is kept on disk. A collector's word is believed only within the
//! validity of the certificate that it proved itself with, so that a collector whose clock is years ahead for a day does not
//! lock its sensors out for good. The date of a list is left out for the same reason: nothing would bound it.
//!
//! With the collector's word, time goes on by a clock that nobody can set and that counts while the machine sleeps. So there
//! are two readings, and a certificate that either finds valid is taken: a system clock set ten years ahead locks nobody out
//! that has spoken with its collector since it started. Nothing else goes by this: matching and spooling never ask.

use std::time::Duration;

use varde_common::time::Timestamp;

use crate::limits::COLLECTOR_TIME_KEEP_EVERY_S;

/// What is known of the time.
#[derive(Debug, Clone, Copy)]
pub struct EffectiveTime {
    /// It is later than this.
    passed: Timestamp,
    /// What of it is on disk.
    kept: Timestamp,
    /// The collector's word, and how long the machine had been up then.
    word: Option<(Timestamp, Duration)>,
    /// The end of the certificate by which the collector last proved itself.
    proved_until: Option<Timestamp>,
}

impl EffectiveTime {
    /// From when this sensor's own certificate was issued, and what was kept of the collector's word.
    pub fn new(issued: Timestamp, kept: Option<Timestamp>) -> EffectiveTime {
        let kept = kept.unwrap_or(Timestamp::WRITTEN);
        EffectiveTime { passed: Timestamp::WRITTEN.max(issued).max(kept), kept, word: None, proved_until: None }
    }

    /// The collector has proved itself with a certificate that is good until then.
    pub fn handle_proof(&mut self, until: Timestamp) {
        self.proved_until = Some(until);
    }

    /// The collector has said what time it is. Gives what is to be kept on disk, if that is worth a write.
    pub fn handle_word(&mut self, word: Timestamp, since_boot: Duration) -> Option<Timestamp> {
        if self.proved_until.is_none_or(|until| word > until) || word < self.passed {
            return None;
        }
        self.word = Some((word, since_boot));
        self.passed = word;
        let worth = word.since(self.kept) >= Duration::from_secs(COLLECTOR_TIME_KEEP_EVERY_S);
        worth.then(|| {
            self.kept = word;
            word
        })
    }

    /// Whether something that was issued then may be believed: not from after the end of the certificate by which the
    /// collector proved itself, as from one whose clock is years ahead for a day.
    pub fn may_be_issued(&self, at: Timestamp) -> bool {
        self.proved_until.is_some_and(|until| at <= until)
    }

    /// What time it may be: by the system's clock, and by the collector's word.
    pub fn readings(&self, system: Timestamp, since_boot: Duration) -> [Timestamp; 2] {
        let by_system = system.max(self.passed);
        let by_word = self.word.map(|(word, then)| word.plus(since_boot.saturating_sub(then)));
        [by_system, by_word.unwrap_or(by_system).max(self.passed)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const NOW: Timestamp = Timestamp(Timestamp::WRITTEN.0 + 100 * 86_400_000_000);
    const UP: Duration = Duration::from_secs(1000);

    fn proved() -> EffectiveTime {
        let mut time = EffectiveTime::new(NOW.minus(DAY * 20), None);
        time.handle_proof(NOW.plus(DAY * 200));
        time
    }

    #[test]
    fn k1_a_clock_in_1970_is_later_than_what_has_passed() {
        let issued = NOW.minus(DAY * 20);
        assert_eq!(EffectiveTime::new(Timestamp(0), None).readings(Timestamp(0), UP), [Timestamp::WRITTEN; 2]);
        assert_eq!(EffectiveTime::new(issued, None).readings(Timestamp(0), UP), [issued; 2]);
        assert_eq!(EffectiveTime::new(issued, Some(NOW)).readings(Timestamp(0), UP), [NOW; 2]);
        assert_eq!(EffectiveTime::new(issued, None).readings(NOW, UP), [NOW; 2], "a right clock is believed");
    }

    #[test]
    fn k1_a_clock_that_is_set_or_a_suspension_leaves_the_word_where_it_was() {
        let mut time = proved();
        assert_eq!(time.handle_word(NOW, UP), Some(NOW));
        let ten_years = DAY * 3650;
        for system in [NOW.minus(ten_years), NOW.minus(DAY), NOW.plus(DAY), NOW.plus(ten_years)] {
            let later = NOW.plus(DAY * 3);
            assert_eq!(time.readings(system, UP + DAY * 3), [system.max(NOW), later]);
        }
    }

    #[test]
    fn k1_a_word_is_believed_within_the_proof_and_never_backwards() {
        let mut time = proved();
        assert_eq!(time.handle_word(NOW.plus(DAY * 201), UP), None, "a collector whose clock is years ahead");
        assert_eq!(time.readings(NOW, UP), [NOW; 2]);
        assert_eq!(time.handle_word(NOW, UP), Some(NOW));
        assert_eq!(time.handle_word(NOW.plus(Duration::from_secs(5)), UP), None, "a few seconds are not worth a write");
        assert_eq!(time.handle_word(NOW.minus(DAY), UP), None);
        assert_eq!(time.readings(Timestamp(0), UP)[0], NOW.plus(Duration::from_secs(5)));
        assert_eq!(EffectiveTime::new(NOW, None).handle_word(NOW.plus(DAY), UP), None, "nobody has proved anything");
    }
}
