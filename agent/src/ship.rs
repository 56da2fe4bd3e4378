//! What is under way to the collector and when to try again. Told what happens and the time; says what to read next.
//!
//! Acknowledgements are cumulative: everything up to a number is committed. At most [`BATCHES_IN_FLIGHT_MAX`] batches
//! are sent ahead of them, and so many a minute: records that come meanwhile share a batch. What an outage has left is full
//! batches as it is, and goes as fast as it is acknowledged. A gap, or a new session, moves sending back to the number the
//! collector names; it stores what it receives twice only once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use varde_common::id::{Epoch, Seq};

use crate::bucket::Bucket;
use crate::limits::{
    BACKLOG_AFTER_S, BATCH_GATHER_MS, BATCHES_AT_ONCE, BATCHES_IN_FLIGHT_MAX, BATCHES_PER_MINUTE, RECONNECT_BASE_MS,
    RECONNECT_MAX_MS, RECONNECT_REPLACED_MAX_MS, RECONNECT_REVOKED_MS, RECONNECT_SPREAD_MAX_MS,
    RECONNECT_UNAVAILABLE_MAX_MS,
};

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Read a batch from this number on and send it.
    Send(Seq),
    /// Look again at this time, or when something happens.
    WaitUntil(Instant),
    /// Wait until something happens.
    Wait,
}

/// What the collector said that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An acknowledgement of records never sent, or of another spool.
    #[error("the collector acknowledged records that were never sent")]
    Unsent,
    /// It has more of this spool than the spool has ever had: the disk was copied or restored.
    #[error("the collector has records up to {committed} of this spool, which has never sent any from {unsent} on")]
    RolledBack {
        /// What it has.
        committed: Seq,
        /// The first number that cannot have been sent.
        unsent: Seq,
    },
}

/// The state of sending.
#[derive(Debug)]
pub struct Ship {
    epoch: Epoch,
    committed: Seq,
    /// The next record to send.
    next: Seq,
    /// The number after the last record on disk.
    durable: Seq,
    /// The number after the last that this process, or one before it, can have sent.
    unsent: Seq,
    /// Last record of each batch under way.
    in_flight: VecDeque<Seq>,
    gathering_since: Option<Instant>,
    /// For all sessions: a connection that comes and goes sends no more.
    batches: Bucket,
    polled_at: Option<Instant>,
    /// A session was begun, and not yet asked what to do.
    begun: bool,
    /// What an outage has left ends before this number.
    backlog_end: Seq,
}

impl Ship {
    /// For a spool of this lifetime of which nothing from `unsent` on can have been sent before. One for all sessions of
    /// a process: what the collector has beyond that is another's, written under our numbers.
    pub fn new(epoch: Epoch, unsent: Seq) -> Ship {
        Ship {
            epoch,
            committed: Seq(0),
            next: Seq(1),
            durable: unsent,
            unsent,
            in_flight: VecDeque::new(),
            gathering_since: None,
            batches: Bucket::new(BATCHES_AT_ONCE, BATCHES_PER_MINUTE),
            polled_at: None,
            begun: false,
            backlog_end: Seq(0),
        }
    }

    /// The next record to send.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// The first number that cannot have been sent.
    pub fn unsent(&self) -> Seq {
        self.unsent
    }

    /// A session stands; the collector has committed up to here.
    ///
    /// # Errors
    /// [`Broken::RolledBack`].
    pub fn handle_session(&mut self, committed: Seq) -> Result<(), Broken> {
        if committed >= self.unsent {
            return Err(Broken::RolledBack { committed, unsent: self.unsent });
        }
        self.in_flight.clear();
        self.gathering_since = None;
        self.committed = committed;
        self.next = committed.next();
        self.begun = true;
        Ok(())
    }

    /// Everything before this number is on disk.
    pub fn handle_durable(&mut self, durable: Seq, now: Instant) {
        if durable > self.durable {
            self.durable = durable;
            self.gathering_since.get_or_insert(now);
        }
    }

    /// So many records from [`Next::Send`] on were sent.
    pub fn handle_sent(&mut self, first: Seq, records: usize) {
        if records == 0 || first != self.next {
            return;
        }
        let last = Seq(first.0.saturating_add(records as u64).saturating_sub(1));
        self.batches.try_take();
        self.in_flight.push_back(last);
        self.next = last.next();
        self.unsent = self.unsent.max(self.next);
        if self.next >= self.durable {
            self.gathering_since = None;
        }
    }

    /// An acknowledgement; returns what is committed by now.
    ///
    /// # Errors
    /// [`Broken::Unsent`].
    pub fn handle_ack(&mut self, epoch: Epoch, seq: Seq) -> Result<Seq, Broken> {
        // After a gap numbers already sent are sent again; what is acknowledged was sent at some time all the same.
        if epoch != self.epoch || seq >= self.unsent {
            return Err(Broken::Unsent);
        }
        self.committed = self.committed.max(seq);
        self.next = self.next.max(self.committed.next());
        while self.in_flight.front().is_some_and(|last| *last <= self.committed) {
            self.in_flight.pop_front();
        }
        Ok(self.committed)
    }

    /// The collector misses records from here on.
    ///
    /// # Errors
    /// [`Broken::Unsent`] if it asks for what is not there yet.
    pub fn handle_gap(&mut self, expected: Seq) -> Result<(), Broken> {
        if expected > self.next || expected.0 == 0 {
            return Err(Broken::Unsent);
        }
        self.in_flight.clear();
        self.next = expected;
        Ok(())
    }

    /// What to do now.
    pub fn poll(&mut self, now: Instant) -> Next {
        let since = self.polled_at.map(|before| now.saturating_duration_since(before));
        self.batches.pass(since.unwrap_or_default());
        self.polled_at = self.polled_at.max(Some(now));
        // A connection that comes and goes in a storm leaves none.
        if std::mem::take(&mut self.begun) && since.is_none_or(|since| since >= Duration::from_secs(BACKLOG_AFTER_S)) {
            self.backlog_end = self.durable;
        }
        if self.next >= self.durable || self.in_flight.len() >= BATCHES_IN_FLIGHT_MAX {
            return Next::Wait;
        }
        // An idle line sends at once; a busy one gathers, so that many small records share a batch and a commit.
        let gather = Duration::from_millis(BATCH_GATHER_MS);
        match self.gathering_since {
            Some(since) if !self.in_flight.is_empty() && now < since + gather => Next::WaitUntil(since + gather),
            Some(_) | None if self.next < self.backlog_end => Next::Send(self.next),
            Some(_) | None if !self.batches.wait().is_zero() => Next::WaitUntil(now + self.batches.wait()),
            Some(_) | None => Next::Send(self.next),
        }
    }

    /// What the collector has committed, as far as it has said.
    pub fn committed(&self) -> Seq {
        self.committed
    }
}

/// Why there is no session (any more).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// A session stood and ended.
    Ended,
    /// A session stood, and the collector ended it before anything came of it: it would do so again at once.
    Fruitless,
    /// The collector cannot store for now.
    Unavailable,
    /// Another connection by this sensor's key took its place. Where that was not this sensor, it is to be back before anybody has
    /// gained by it.
    Replaced,
    /// None came about.
    NotReached,
    /// The collector has revoked this sensor.
    Revoked,
    /// The collector hears nobody with this sensor's identity until a person has looked.
    Quarantined,
}

/// When to try again: full jitter over a doubling span, so that a thousand sensors do not come back at once.
#[derive(Debug, Default)]
pub struct Reconnect {
    failures: u32,
    spread_ms: u64,
}

impl Reconnect {
    /// A session stands; the collector names the span for the first attempt after it is lost. Whether it was good for
    /// anything shows at its end.
    pub fn handle_session(&mut self, reconnect_spread_ms: u32) {
        self.spread_ms = u64::from(reconnect_spread_ms).min(RECONNECT_SPREAD_MAX_MS);
    }

    /// There is no session; how long to wait. `random` is any number.
    pub fn handle_lost(&mut self, lost: Lost, random: u64) -> Duration {
        if lost == Lost::Ended {
            self.failures = 0;
        }
        let doubled = RECONNECT_BASE_MS.saturating_mul(1u64.checked_shl(self.failures.min(30)).unwrap_or(u64::MAX));
        self.failures = self.failures.saturating_add(1);
        let up_to_ms = match lost {
            Lost::Ended => self.spread_ms.max(RECONNECT_BASE_MS),
            Lost::Fruitless => self.spread_ms.max(doubled.min(RECONNECT_MAX_MS)),
            Lost::Unavailable => self.spread_ms.max(doubled.min(RECONNECT_UNAVAILABLE_MAX_MS)),
            Lost::Replaced => doubled.min(RECONNECT_REPLACED_MAX_MS),
            Lost::NotReached => doubled.min(RECONNECT_MAX_MS),
            Lost::Revoked | Lost::Quarantined => {
                return Duration::from_millis(RECONNECT_REVOKED_MS + random % RECONNECT_REVOKED_MS);
            }
        };
        Duration::from_millis(random % (up_to_ms + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: Epoch = Epoch(4);

    #[expect(clippy::disallowed_methods, reason = "a test needs some moment to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_full_window_waits_for_its_acknowledgement() {
        let now = start();
        let mut ship = Ship::new(EPOCH, Seq(101));
        ship.handle_session(Seq(0)).unwrap();
        for batch in 0..BATCHES_IN_FLIGHT_MAX as u64 {
            assert_eq!(ship.poll(now), Next::Send(Seq(1 + batch * 10)));
            ship.handle_sent(Seq(1 + batch * 10), 10);
        }
        assert_eq!(ship.poll(now), Next::Wait);
        assert_eq!(ship.handle_ack(EPOCH, Seq(20)), Ok(Seq(20)));
        assert_eq!(ship.poll(now), Next::Send(Seq(81)));
        assert_eq!(ship.handle_ack(EPOCH, Seq(15)), Ok(Seq(20)), "an old acknowledgement changes nothing");
    }

    #[test]
    fn an_idle_line_sends_at_once_and_a_busy_one_gathers() {
        let now = start();
        let mut ship = Ship::new(EPOCH, Seq(1));
        assert_eq!(ship.poll(now), Next::Wait);
        ship.handle_durable(Seq(2), now);
        assert_eq!(ship.poll(now), Next::Send(Seq(1)));
        ship.handle_sent(Seq(1), 1);
        ship.handle_durable(Seq(3), now);
        let due = now + Duration::from_millis(BATCH_GATHER_MS);
        assert_eq!(ship.poll(now), Next::WaitUntil(due));
        assert_eq!(ship.poll(due), Next::Send(Seq(2)));
    }

    #[test]
    fn d12_whatever_comes_no_minute_sees_more_than_180_batches_and_the_first_never_waits() {
        let begun = start();
        let mut ship = Ship::new(EPOCH, Seq(1));
        ship.handle_session(Seq(0)).unwrap();
        // A record a millisecond, each acknowledged as soon as it was sent: as many batches as there could ever be.
        let mut sent: Vec<u64> = Vec::new();
        for ms in 0..180_000u64 {
            let now = begun + Duration::from_millis(ms);
            ship.handle_durable(Seq(ms + 2), now);
            if let Next::Send(first) = ship.poll(now) {
                let records = (ms + 2 - first.0).min(1_024);
                ship.handle_sent(first, records as usize);
                ship.handle_ack(EPOCH, Seq(first.0 + records - 1)).unwrap();
                sent.push(ms);
            }
            // Of the session there may be another any time: no reason to send more.
            if ms % 1_000 == 999 {
                ship.handle_session(ship.committed()).unwrap();
            }
        }
        assert_eq!(sent[0], 0, "an idle line sends at once");
        let until = |from: &u64| sent.partition_point(|ms| *ms < from + 60_000);
        let most = sent.iter().zip(0..).map(|(from, before)| until(from) - before).max();
        assert!(most <= Some((BATCHES_AT_ONCE + BATCHES_PER_MINUTE) as usize), "{most:?} in a minute");
        assert!(ship.next >= Seq(179_000), "and everything gets through: {:?}", ship.next);
    }

    #[test]
    fn d7_what_an_outage_has_left_waits_for_acknowledgements_and_for_no_clock() {
        let now = start();
        let mut ship = Ship::new(EPOCH, Seq(140_001));
        ship.handle_session(Seq(0)).unwrap();
        let drain = |ship: &mut Ship, at: Instant, from: u64, batches: u64| {
            for batch in 0..batches {
                let first = Seq(from + batch * 500);
                assert_eq!(ship.poll(at), Next::Send(first), "batch {batch}");
                ship.handle_sent(first, 500);
                ship.handle_ack(EPOCH, Seq(first.0 + 499)).unwrap();
            }
        };
        drain(&mut ship, now, 1, 280);
        // What comes from then on is no backlog: a batch now and then.
        ship.handle_durable(Seq(140_002), now);
        assert!(matches!(ship.poll(now), Next::WaitUntil(at) if at <= now + Duration::from_secs(1)));
        // A line that breaks in the middle of much traffic has no backlog; one that was away has.
        ship.handle_durable(Seq(200_001), now);
        ship.handle_session(Seq(140_000)).unwrap();
        assert!(matches!(ship.poll(now), Next::WaitUntil(_)));
        ship.handle_session(Seq(140_000)).unwrap();
        drain(&mut ship, now + Duration::from_secs(BACKLOG_AFTER_S), 140_001, 120);
    }

    #[test]
    fn a_gap_and_a_new_session_go_back_to_what_is_wanted() {
        let now = start();
        let mut ship = Ship::new(EPOCH, Seq(50));
        ship.handle_session(Seq(9)).unwrap();
        assert_eq!(ship.poll(now), Next::Send(Seq(10)));
        ship.handle_sent(Seq(10), 30);
        ship.handle_gap(Seq(5)).unwrap();
        assert_eq!(ship.poll(now), Next::Send(Seq(5)));
        ship.handle_sent(Seq(5), 45);
        ship.handle_session(Seq(12)).unwrap();
        assert_eq!(ship.poll(now), Next::Send(Seq(13)));
    }

    #[test]
    fn a_collector_that_knows_more_than_the_spool_is_told_apart() {
        let mut ship = Ship::new(EPOCH, Seq(10));
        assert_eq!(ship.handle_session(Seq(9)), Ok(()));
        assert_eq!(ship.handle_session(Seq(10)), Err(Broken::RolledBack { committed: Seq(10), unsent: Seq(10) }));
        assert_eq!(ship.handle_ack(EPOCH, Seq(10)), Err(Broken::Unsent));
        assert_eq!(ship.handle_ack(Epoch(5), Seq(1)), Err(Broken::Unsent));
        assert_eq!(ship.handle_gap(Seq(0)), Err(Broken::Unsent));
        assert_eq!(ship.handle_gap(Seq(11)), Err(Broken::Unsent));
    }

    #[test]
    fn d1_what_was_written_since_a_roll_back_is_never_taken_for_what_the_collector_has() {
        let now = start();
        // The disk was restored to a state of long ago, and the sensor has written on from there while offline.
        let mut ship = Ship::new(EPOCH, Seq(10));
        ship.handle_durable(Seq(100), now);
        let rolled_back = Broken::RolledBack { committed: Seq(50), unsent: Seq(10) };
        assert_eq!(ship.handle_session(Seq(50)), Err(rolled_back), "10 to 50 mean two things");
        // What this very process has sent it may have, in the next session too.
        let mut ship = Ship::new(EPOCH, Seq(10));
        ship.handle_durable(Seq(100), now);
        ship.handle_session(Seq(9)).unwrap();
        assert_eq!(ship.poll(now), Next::Send(Seq(10)));
        ship.handle_sent(Seq(10), 40);
        assert_eq!(ship.handle_session(Seq(49)), Ok(()));
        assert_eq!(ship.handle_session(Seq(50)), Err(Broken::RolledBack { committed: Seq(50), unsent: Seq(50) }));
        assert_eq!(ship.handle_ack(EPOCH, Seq(50)), Err(Broken::Unsent));
    }

    #[test]
    fn retries_spread_double_and_stay_within_five_minutes() {
        let mut reconnect = Reconnect::default();
        let longest = u64::MAX - u64::MAX % 1001 - 1;
        assert_eq!(reconnect.handle_lost(Lost::NotReached, longest), Duration::from_secs(1));
        let mut last = Duration::ZERO;
        for _ in 0..100 {
            last = reconnect.handle_lost(Lost::NotReached, RECONNECT_MAX_MS);
            assert!(last <= Duration::from_millis(RECONNECT_MAX_MS));
        }
        assert_eq!(last, Duration::from_millis(RECONNECT_MAX_MS));
        reconnect.handle_session(60_000);
        assert_eq!(reconnect.handle_lost(Lost::Ended, 60_000), Duration::from_secs(60));
        assert!(reconnect.handle_lost(Lost::Revoked, 7) >= Duration::from_secs(300));
    }

    #[test]
    fn t5_a_session_of_which_nothing_comes_is_no_reason_to_come_back_at_once() {
        let mut reconnect = Reconnect::default();
        let longest = |reconnect: &mut Reconnect, lost| {
            reconnect.handle_session(1000);
            // Full jitter: the longest of what may come, whatever the random number.
            let same = || Reconnect { failures: reconnect.failures, spread_ms: reconnect.spread_ms };
            let longest = (0..=2000).map(|random| same().handle_lost(lost, random * 150)).max();
            reconnect.handle_lost(lost, 0);
            longest
        };
        let spans: Vec<u64> = (0..12)
            .filter_map(|_| longest(&mut reconnect, Lost::Fruitless))
            .map(|span| span.as_millis() as u64)
            .collect();
        assert!(spans.is_sorted() && spans.last() >= Some(&(RECONNECT_MAX_MS - 150)), "{spans:?}");
        assert!(
            longest(&mut reconnect, Lost::Unavailable) <= Some(Duration::from_millis(RECONNECT_UNAVAILABLE_MAX_MS))
        );
        assert!(
            longest(&mut reconnect, Lost::Replaced) <= Some(Duration::from_millis(RECONNECT_REPLACED_MAX_MS)),
            "p5: who holds its key keeps it away no longer each time"
        );
        assert!(longest(&mut reconnect, Lost::Ended) <= Some(Duration::from_secs(1)), "it was good for something");
        assert!(longest(&mut reconnect, Lost::Fruitless) <= Some(Duration::from_secs(2)));
    }

    proptest! {
        /// Whatever is lost, repeated or asked for again, every record is sent until it is committed, in order.
        #[test]
        fn d1_nothing_is_left_out_whatever_happens_on_the_way(
            events in prop::collection::vec((0u8..5, 0u64..40), 1..200)
        ) {
            let now = start();
            let mut ship = Ship::new(EPOCH, Seq(41));
            // A collector that stores in order only.
            let mut stored = 0u64;
            ship.handle_session(Seq(0)).unwrap();
            let mut at = now;
            let mut deliver = |ship: &mut Ship, stored: &mut u64, amount: u64| {
                at += Duration::from_secs(1);
                if let Next::Send(from) = ship.poll(at) {
                    let records = amount.min(40 - from.0) + 1;
                    ship.handle_sent(from, records as usize);
                    return Some((from.0, records));
                }
                let _ = stored;
                None
            };
            for (event, amount) in events {
                match event {
                    0 => { ship.handle_session(Seq(stored)).unwrap(); }
                    1 => { deliver(&mut ship, &mut stored, amount); }
                    2 => { let _ = ship.handle_gap(Seq(stored + 1)); }
                    3 => { prop_assert!(ship.handle_ack(EPOCH, Seq(stored)).is_ok()); }
                    _ => if let Some((from, records)) = deliver(&mut ship, &mut stored, amount) && from <= stored + 1 {
                        stored = stored.max(from + records - 1);
                    },
                }
                prop_assert!(ship.committed() <= Seq(stored));
            }
            ship.handle_session(Seq(stored)).unwrap();
            while let Some((from, records)) = deliver(&mut ship, &mut stored, 7) {
                prop_assert_eq!(from, stored + 1);
                stored = from + records - 1;
                prop_assert!(ship.handle_ack(EPOCH, Seq(stored)).is_ok());
            }
            prop_assert_eq!(stored, 40);
        }
    }
}
