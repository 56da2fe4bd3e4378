//! How new the newest list is known to be: what the timestamp role last said, and what follows from its silence.
//!
//! It never decides what is matched: a list is taken on the word of the list role alone. It shows that somebody holds lists
//! back, and that of two lists with one number another is sent than was named.

use std::time::{Duration, Instant};

use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::message::{Freshness, Standing};
use varde_common::newest::{Newest, NotBelieved};
use varde_common::rotation::is_replaced;
use varde_common::time::Timestamp;
use varde_common::trust::Root;

use crate::limits::{NEWEST_AHEAD_MAX_S, NEWEST_KEPT_EVERY_MS, NEWEST_STALE_AFTER_S, NEWEST_WAITED_FOR_S};

/// What follows from a word that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is the one that is known.
    Nothing,
    /// Keep it, then tell [`Newness::handle_kept`].
    Keep(Newest),
    /// Say so; the one before stays.
    Refused(NotBelieved),
}

/// What was said of the newest list.
#[derive(Debug, Clone, Default)]
pub struct Newness {
    told: Option<Newest>,
    /// When this process heard a word name another list than before.
    named_at: Option<Instant>,
    /// When it last kept a word.
    kept_at: Option<Instant>,
    /// Since when a session stands; none = none does.
    session_since: Option<Instant>,
    /// It has brought a word of the last day.
    heard: bool,
    /// How long sessions before it have stood since such a word, and since another list was named: whoever ends each within
    /// seconds is told of all the same.
    without_word: Duration,
    without_list: Duration,
    /// A list is on its way.
    receiving: bool,
    refused: Option<String>,
}

/// The latest that a word may be of, where it is at the latest this.
fn ahead_of(latest: Timestamp) -> Timestamp {
    latest.plus(Duration::from_secs(NEWEST_AHEAD_MAX_S))
}

impl Newness {
    /// With what the disk holds.
    pub fn new(told: Option<Newest>) -> Newness {
        Newness { told, ..Newness::default() }
    }

    /// The newest word.
    pub fn told(&self) -> Option<&Newest> {
        self.told.as_ref()
    }

    /// Why the last word was not believed, unless one was since.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// A session stands.
    pub fn handle_session(&mut self, now: Instant) {
        (self.session_since, self.receiving, self.heard) = (Some(now), false, false);
    }

    /// It is over.
    pub fn handle_session_over(&mut self, now: Instant) {
        if let Some(since) = self.session_since {
            self.without_list = self.waited_for_list(since, now);
            let without = if self.heard { Duration::ZERO } else { now.saturating_duration_since(since) };
            self.without_word = self.without_word.saturating_add(without);
        }
        (self.session_since, self.receiving) = (None, false);
    }

    fn waited_for_list(&self, session: Instant, now: Instant) -> Duration {
        let since = self.named_at.map_or(session, |named| named.max(session));
        self.without_list.saturating_add(now.saturating_duration_since(since))
    }

    /// A list is on its way, or no longer.
    pub fn handle_receiving(&mut self, receiving: bool) {
        self.receiving = receiving;
    }

    /// Another channel is followed: what was said of the one before says nothing of it.
    pub fn handle_channel(&mut self) {
        (self.told, self.named_at, self.kept_at, self.refused) = (None, None, None, None);
        (self.without_word, self.without_list) = (Duration::ZERO, Duration::ZERO);
    }

    /// Another root document is in force.
    pub fn handle_root(&mut self, before: &Root, after: &Root) {
        if is_replaced(&before.roles.timestamp, &after.roles.timestamp) {
            // A key that was stolen may have said it in the far future: no honest word would follow it.
            self.told = None;
        }
    }

    /// Of those who signed the word that is known too few have the role still: it holds up no other.
    pub fn handle_forsaken(&mut self) {
        self.told = None;
    }

    /// A word arrived; the latest it may be. One that follows another at once is passed over: whoever has the key must not
    /// keep the disk busy with it, and the next one comes.
    pub fn handle_word(
        &mut self,
        octets: &[u8],
        root: &Root,
        channel: &ChannelName,
        latest: Timestamp,
        now: Instant,
    ) -> Step {
        let is_new = |newest: &Newest| latest.since(newest.at) <= Duration::from_secs(NEWEST_STALE_AFTER_S);
        let limit = ahead_of(latest);
        // One that is still to come by every clock was said by a clock that was wrong: its time holds up no other.
        let known =
            self.told.clone().map(|told| if told.at > limit { Newest { at: Timestamp::MIN, ..told } } else { told });
        let every = Duration::from_millis(NEWEST_KEPT_EVERY_MS);
        let at_once = self.told.is_some() && self.kept_at.is_some_and(|at| now.saturating_duration_since(at) < every);
        let accepted = Newest::accept(octets, root, channel, known.as_ref(), limit);
        if accepted.as_ref().is_ok_and(is_new) {
            (self.heard, self.without_word) = (true, Duration::ZERO);
        }
        match accepted {
            Ok(newest) if at_once || self.told.as_ref() == Some(&newest) => Step::Nothing,
            Ok(newest) => Step::Keep(newest),
            Err(why) => {
                self.refused = Some(why.to_string());
                Step::Refused(why)
            }
        }
    }

    /// The word is on disk.
    pub fn handle_kept(&mut self, newest: Newest, now: Instant) {
        if self.told.as_ref().is_none_or(|told| told.revision != newest.revision) {
            (self.named_at, self.without_list) = (Some(now), Duration::ZERO);
        }
        (self.told, self.refused, self.kept_at) = (Some(newest), None, Some(now));
    }

    /// How this sensor stands, with this list in force; the earliest and the latest time that it may be.
    pub fn standing(&self, root: &Root, in_force: Revision, times: [Timestamp; 2], now: Instant) -> Standing {
        let [earliest, latest] = times;
        let Newness { told, session_since, receiving, .. } = self;
        let named = told.as_ref().map_or(Revision(0), |told| told.revision);
        let waited = Duration::from_secs(NEWEST_WAITED_FOR_S);
        let asked = |since: Instant| self.without_word.saturating_add(now.saturating_duration_since(since)) >= waited;
        let asked_for_word = session_since.is_some_and(asked);
        let asked_for_list = session_since.is_some_and(|since| self.waited_for_list(since, now) >= waited);
        let is_old = |told: &Newest| {
            earliest.since(told.at) > Duration::from_secs(NEWEST_STALE_AFTER_S) || told.at > ahead_of(latest)
        };
        let old = told.as_ref().is_none_or(is_old);
        let freshness = if root.roles.timestamp.keys.is_empty() {
            Freshness::NotTold
        } else if asked_for_word && old {
            Freshness::Stale
        } else if asked_for_list && named > in_force && !receiving {
            Freshness::Behind
        } else {
            Freshness::Fresh
        };
        Standing { root_version: root.version, told_at: told.as_ref().map(|told| told.at), named, freshness }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock;
    use crate::subscription::tests::{key, root_of};
    use varde_common::trust::{Role, key_id};

    const HOUR: Duration = Duration::from_secs(3600);
    const NOW: Timestamp = Timestamp(Timestamp::WRITTEN.0);

    fn root(seed: u8) -> Root {
        let mut root = root_of(&key(1));
        let online = key(seed).verifying_key();
        root.keys.insert(key_id(&online), varde_common::trust::hex(online.as_bytes()));
        root.roles.timestamp = Role { keys: [key_id(&online)].into(), threshold: 1 };
        root
    }

    fn say(newness: &mut Newness, seed: u8, revision: u64, at: Timestamp, now: Instant) -> Step {
        let octets =
            Newest::of(&ChannelName::default(), b"manifest", Revision(revision), at).sign(&[&key(seed)]).unwrap();
        let step = newness.handle_word(&octets, &root(seed), &ChannelName::default(), NOW, now);
        if let Step::Keep(newest) = &step {
            newness.handle_kept(newest.clone(), now);
        }
        step
    }

    #[test]
    fn l2_silence_for_a_day_and_a_newer_list_that_does_not_come_are_told() {
        let start = clock::monotonic();
        let soon = start + Duration::from_secs(NEWEST_WAITED_FOR_S);
        let mut newness = Newness::default();
        let is = |newness: &Newness, in_force, earliest, now| {
            newness.standing(&root(2), Revision(in_force), [earliest; 2], now).freshness
        };
        assert_eq!(is(&newness, 3, NOW, soon), Freshness::Fresh, "not connected: nothing can be held back");
        newness.handle_session(start);
        assert_eq!(is(&newness, 3, NOW, start), Freshness::Fresh, "it has only just asked");
        assert_eq!(is(&newness, 3, NOW, soon), Freshness::Stale, "never a word");
        assert!(matches!(say(&mut newness, 2, 3, NOW, start), Step::Keep(_)));
        assert_eq!(is(&newness, 3, NOW, soon), Freshness::Fresh);
        assert_eq!(is(&newness, 3, NOW.plus(HOUR * 24), soon), Freshness::Fresh);
        assert_eq!(is(&newness, 3, NOW.plus(HOUR * 25), soon), Freshness::Stale);
        assert_eq!(say(&mut newness, 2, 3, NOW, start), Step::Nothing);
        assert_eq!(say(&mut newness, 2, 4, NOW, start), Step::Nothing, "one right behind another is passed over");
        // A newer one is named: it may be on its way, and then it must come.
        assert!(matches!(say(&mut newness, 2, 4, NOW, soon), Step::Keep(_)));
        assert_eq!(is(&newness, 3, NOW, soon), Freshness::Fresh);
        let later = soon + Duration::from_secs(NEWEST_WAITED_FOR_S);
        newness.handle_receiving(true);
        assert_eq!(is(&newness, 3, NOW, later), Freshness::Fresh);
        newness.handle_receiving(false);
        assert_eq!(is(&newness, 3, NOW, later), Freshness::Behind);
        assert_eq!(is(&newness, 4, NOW, later), Freshness::Fresh);
        let unused = root_of(&key(1));
        assert_eq!(newness.standing(&unused, Revision(3), [NOW; 2], later).freshness, Freshness::NotTold);
    }

    #[test]
    fn l2_t14_a_word_of_a_clock_that_was_ahead_holds_up_no_other_once_that_is_right() {
        let day = Duration::from_secs(86_400);
        let (root, all, start) = (root(2), ChannelName::default(), clock::monotonic());
        let soon = start + Duration::from_secs(NEWEST_WAITED_FOR_S);
        let word = |revision, at| Newest::of(&all, b"manifest", Revision(revision), at).sign(&[&key(2)]).unwrap();
        let mut newness = Newness::default();
        newness.handle_session(start);
        let (ahead, was) = (NOW.plus(day * 40), Revision(7));
        let Step::Keep(newest) = newness.handle_word(&word(7, ahead), &root, &all, ahead, start) else { panic!() };
        newness.handle_kept(newest, start);
        assert_eq!(newness.standing(&root, was, [NOW, ahead], soon).freshness, Freshness::Fresh);
        let still_ahead = newness.handle_word(&word(7, NOW), &root, &all, ahead, soon);
        assert!(
            matches!(still_ahead, Step::Refused(NotBelieved::Older { .. })),
            "it may be an old one: {still_ahead:?}"
        );
        // Silence behind it is not taken for news of forty days.
        assert_eq!(newness.standing(&root, was, [NOW; 2], soon).freshness, Freshness::Stale);
        let fewer = newness.handle_word(&word(6, NOW), &root, &all, NOW, soon);
        assert!(matches!(fewer, Step::Refused(NotBelieved::Fewer { .. })), "{fewer:?}");
        let Step::Keep(newest) = newness.handle_word(&word(7, NOW), &root, &all, NOW, soon) else { panic!() };
        newness.handle_kept(newest, soon);
        assert_eq!(newness.standing(&root, was, [NOW; 2], soon).freshness, Freshness::Fresh);
    }

    #[test]
    fn l2_a_collector_that_ends_each_session_within_seconds_is_told_of_as_well() {
        let (root, day, second) = (root(2), Duration::from_secs(86_400), Duration::from_secs(1));
        let mut now = clock::monotonic();
        let mut newness = Newness::default();
        newness.handle_session(now);
        assert!(matches!(say(&mut newness, 2, 3, NOW, now), Step::Keep(_)));
        now += second * 9;
        newness.handle_session_over(now);
        // A day later: the first session may have been cut off before the word came, and says the old one again.
        let later = NOW.plus(day * 2);
        let mut told = Vec::new();
        for _ in 0..3 {
            newness.handle_session(now);
            told.push(newness.standing(&root, Revision(3), [later; 2], now).freshness);
            let old = Newest::of(&ChannelName::default(), b"manifest", Revision(3), NOW).sign(&[&key(2)]).unwrap();
            assert_eq!(newness.handle_word(&old, &root, &ChannelName::default(), later, now), Step::Nothing);
            now += second * 9;
            newness.handle_session_over(now);
        }
        assert_eq!(told, [Freshness::Fresh, Freshness::Fresh, Freshness::Stale]);
        // A word of now, with a newer list that never comes.
        newness.handle_session(now);
        let word = Newest::of(&ChannelName::default(), b"manifest", Revision(4), later).sign(&[&key(2)]).unwrap();
        let Step::Keep(newest) = newness.handle_word(&word, &root, &ChannelName::default(), later, now) else {
            panic!()
        };
        newness.handle_kept(newest, now);
        assert_eq!(newness.standing(&root, Revision(3), [later; 2], now).freshness, Freshness::Fresh);
        now += second * 9;
        newness.handle_session_over(now);
        newness.handle_session(now);
        assert_eq!(newness.standing(&root, Revision(3), [later; 2], now + second).freshness, Freshness::Behind);
        assert_eq!(newness.standing(&root, Revision(4), [later; 2], now + second).freshness, Freshness::Fresh);
    }

    #[test]
    fn l2_a_key_that_was_stolen_holds_no_word_up_once_it_is_replaced() {
        let now = clock::monotonic();
        let mut newness = Newness::default();
        let day = Duration::from_secs(86_400);
        assert!(matches!(say(&mut newness, 2, 900, NOW.plus(day), now), Step::Keep(_)));
        assert!(matches!(say(&mut newness, 2, 900, NOW.plus(day * 2), now), Step::Refused(NotBelieved::Ahead(_))));
        assert!(matches!(say(&mut newness, 2, 5, NOW.plus(day), now), Step::Refused(NotBelieved::Fewer { .. })));
        newness.handle_root(&root(2), &root(2));
        assert!(newness.told().is_some());
        newness.handle_root(&root(2), &root(3));
        assert!(matches!(say(&mut newness, 3, 5, NOW, now), Step::Keep(_)));
        assert!(newness.refused().is_none());
    }
}
