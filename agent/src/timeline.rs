//! The clock that timeouts go by: made of the times that packets and the caller tell, it never goes back, and a wrong
//! time makes it neither stand still nor leap for good.
//!
//! What is recorded of a packet is its own time, right or wrong. Timeouts need something else: how much time passes. A
//! wall clock that is set back, or one packet from the year 2099, says nothing about that. So each told time is held
//! against what the same teller told before, and only what may have passed is added:
//!
//! - **Live**, the caller tells the time many times a second, and packets say nothing. A step back, or one of more than
//!   [`CLOCK_AHEAD_MAX_S`], is the wall clock being set: no time has passed.
//! - **Of captures**, each source tells with each packet. A little back is disorder. Far ahead is a gap between two
//!   captures, believed when a second packet says so; it passes [`CLOCK_LEAP_MAX_S`] at most, which is longer than any
//!   timeout. Far back is a source whose clock was set, believed after [`CLOCK_BACK_BELIEVED_AFTER`] packets in a row:
//!   time goes on from where it stood. Of sources whose clocks disagree, each adds what passes by its own.

use varde_common::time::Timestamp;

use crate::limits::{
    ALERT_AGE_MAX_S, CLOCK_AHEAD_BELIEVED_AFTER, CLOCK_AHEAD_MAX_S, CLOCK_BACK_BELIEVED_AFTER, CLOCK_BACK_MAX_S,
    CLOCK_LEAP_MAX_S, FLOW_ESTABLISHED_IDLE_TIMEOUT_S,
};

const AHEAD_MAX_US: i64 = CLOCK_AHEAD_MAX_S * 1_000_000;
const BACK_MAX_US: i64 = CLOCK_BACK_MAX_S * 1_000_000;
const LEAP_MAX_US: i64 = CLOCK_LEAP_MAX_S * 1_000_000;

/// It starts with the first time told, but leaves room to go on whatever that was.
const START_MAX: Timestamp = Timestamp(Timestamp::MAX.0 / 2);

const _: () = assert!(CLOCK_LEAP_MAX_S as u64 > ALERT_AGE_MAX_S, "an alert would outlive a leap");
const _: () = assert!(CLOCK_LEAP_MAX_S as u64 > FLOW_ESTABLISHED_IDLE_TIMEOUT_S, "a flow would outlive a leap");

/// Who says how time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timekeeper {
    /// Packets do: what is read was captured some time or other.
    #[default]
    Packets,
    /// The caller does: what is read happens now.
    Caller,
}

/// What a told time has changed, beside the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Usual,
    /// Much time has passed at once: what is over now was so before the packet came.
    Leapt,
    /// The clock that times come from was set. Timeouts are not touched; what was noted by that clock is to be dated anew.
    ClockSet {
        /// What it said before.
        from: Timestamp,
        /// What it says now.
        to: Timestamp,
    },
}

/// One who tells times: a source.
#[derive(Debug, Clone, Copy)]
struct Teller {
    /// The latest time it told that was believed.
    last: Timestamp,
    /// Where that lies on the clock made here; none before the first.
    here: Option<Timestamp>,
    /// A told time that is not believed yet, and how many in a row agree with it.
    doubted: Timestamp,
    doubts: u32,
}

impl Teller {
    const NEW: Teller = Teller { last: Timestamp(0), here: None, doubted: Timestamp(0), doubts: 0 };

    /// So many in a row now say about the same unlikely thing.
    fn doubt(&mut self, time: Timestamp) -> u32 {
        let agrees = self.doubts > 0 && is_likely(apart_us(self.doubted, time));
        self.doubts = if agrees { self.doubts.saturating_add(1) } else { 1 };
        self.doubted = time;
        self.doubts
    }

    /// It told this time, and so much has passed for it. One that lags behind the others goes on from where they are.
    fn pass(&mut self, time: Timestamp, passed_us: i64, now: &mut Timestamp) {
        let here = Timestamp(self.here.unwrap_or(*now).0.saturating_add(passed_us));
        *now = (*now).max(here);
        let lags = apart_us(here, *now) > BACK_MAX_US;
        self.here = Some(if lags { *now } else { here });
        self.last = time;
        self.doubts = 0;
    }
}

fn apart_us(earlier: Timestamp, later: Timestamp) -> i64 {
    later.0.saturating_sub(earlier.0)
}

/// Whether this much may lie between a time and the next one told.
fn is_likely(apart_us: i64) -> bool {
    (-BACK_MAX_US..=AHEAD_MAX_US).contains(&apart_us)
}

/// The clock.
#[derive(Debug)]
pub struct Timeline {
    keeper: Timekeeper,
    now: Timestamp,
    /// The latest told time that was believed, whoever told it.
    told: Option<Timestamp>,
    /// By the source's number.
    tellers: Vec<Teller>,
    /// The source that told last.
    latest: usize,
}

impl Timeline {
    /// It stands at [`Timestamp::MIN`] until somebody tells a time.
    pub fn new(keeper: Timekeeper) -> Timeline {
        Timeline { keeper, now: Timestamp::MIN, told: None, tellers: Vec::new(), latest: usize::MAX }
    }

    /// What timeouts are held against; never less than it was.
    #[inline]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A packet of this source has this time.
    #[inline]
    pub fn hear_packet(&mut self, source: u16, time: Timestamp) -> Told {
        if self.keeper == Timekeeper::Caller {
            return Told::Usual;
        }
        let number = usize::from(source);
        self.latest = number;
        if let Some(teller) = self.tellers.get_mut(number).filter(|teller| teller.here.is_some()) {
            let passed_us = apart_us(teller.last, time);
            if is_likely(passed_us) {
                teller.doubts = 0;
                if passed_us > 0 {
                    teller.pass(time, passed_us, &mut self.now);
                    self.told = Some(time);
                }
                return Told::Usual;
            }
        }
        self.hear_unlikely(number, time.clamped())
    }

    /// The first time a source tells, or one that does not follow on its last.
    #[cold]
    #[inline(never)]
    fn hear_unlikely(&mut self, number: usize, time: Timestamp) -> Told {
        if self.tellers.len() <= number {
            self.tellers.resize(number + 1, Teller::NEW);
        }
        let Some(teller) = self.tellers.get_mut(number) else { return Told::Usual };
        let Some(told) = self.told else {
            self.now = self.now.max(time.min(START_MAX));
            teller.pass(time, 0, &mut self.now);
            self.told = Some(time);
            return Told::Usual;
        };
        let is_first = teller.here.is_none();
        let passed_us = apart_us(if is_first { told } else { teller.last }, time);
        // A source may be long behind the others from the start; only ahead of them is unlikely.
        if is_first && passed_us <= AHEAD_MAX_US {
            teller.pass(time, passed_us.max(0), &mut self.now);
            self.told = Some(time);
            return Told::Usual;
        }
        let doubts = teller.doubt(time);
        if passed_us > 0 && doubts >= CLOCK_AHEAD_BELIEVED_AFTER {
            teller.pass(time, passed_us.min(LEAP_MAX_US), &mut self.now);
            self.told = Some(time);
            Told::Leapt
        } else if passed_us < 0 && doubts >= CLOCK_BACK_BELIEVED_AFTER {
            let from = teller.last;
            teller.pass(time, 0, &mut self.now);
            self.told = Some(time);
            Told::ClockSet { from, to: time }
        } else {
            Told::Usual
        }
    }

    /// The caller says that it is so late. Of captures, that is by the clock of the source whose packet came last.
    pub fn hear_caller(&mut self, time: Timestamp) -> Told {
        let time = time.clamped();
        if self.keeper == Timekeeper::Packets
            && let Some(teller) = self.tellers.get_mut(self.latest).filter(|teller| teller.here.is_some())
        {
            let passed_us = apart_us(teller.last, time);
            if passed_us > 0 {
                teller.pass(time, passed_us.min(LEAP_MAX_US), &mut self.now);
                self.told = Some(time);
            }
            return Told::Usual;
        }
        let Some(before) = self.told.replace(time) else {
            self.now = self.now.max(time.min(START_MAX));
            return Told::Usual;
        };
        let passed_us = apart_us(before, time);
        let is_set = !(0..=AHEAD_MAX_US).contains(&passed_us) && self.keeper == Timekeeper::Caller;
        if is_set {
            return Told::ClockSet { from: before, to: time };
        }
        self.now = Timestamp(self.now.0.saturating_add(passed_us.clamp(0, LEAP_MAX_US)));
        Told::Usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const START: Timestamp = Timestamp(1_800_000_000_000_000);
    const YEAR_2099: Timestamp = Timestamp(4_080_000_000_000_000);

    fn after(seconds: i64) -> Timestamp {
        Timestamp(START.0 + seconds * 1_000_000)
    }

    /// Seconds that have passed by the clock since it stood at `START`.
    fn passed(timeline: &Timeline) -> i64 {
        (timeline.now().0 - START.0) / 1_000_000
    }

    #[test]
    fn packets_a_little_out_of_order_change_nothing() {
        let mut timeline = Timeline::new(Timekeeper::Packets);
        for (second, expected) in [(0, 0), (30, 30), (5, 30), (31, 31), (-20, 31), (90, 90), (3690, 3690)] {
            assert_eq!(timeline.hear_packet(0, after(second)), Told::Usual);
            assert_eq!(passed(&timeline), expected);
        }
    }

    #[test]
    fn one_packet_from_another_time_changes_nothing_for_the_others() {
        for strange in [YEAR_2099, Timestamp(0), Timestamp::MAX, Timestamp(i64::MIN), Timestamp(i64::MAX)] {
            let mut timeline = Timeline::new(Timekeeper::Packets);
            for second in 0..100 {
                timeline.hear_packet(0, after(second));
                assert_eq!(timeline.hear_packet(0, strange), Told::Usual);
                assert_eq!(passed(&timeline), second);
            }
        }
    }

    #[test]
    fn a_gap_between_captures_is_believed_with_the_second_packet_behind_it() {
        let mut timeline = Timeline::new(Timekeeper::Packets);
        timeline.hear_packet(0, after(0));
        assert_eq!(timeline.hear_packet(0, after(86_400)), Told::Usual);
        assert_eq!(passed(&timeline), 0);
        assert_eq!(timeline.hear_packet(0, after(86_401)), Told::Leapt);
        assert_eq!(passed(&timeline), 86_401);
        // However far apart, each is confirmed by the next.
        timeline.hear_packet(0, after(100_000));
        timeline.hear_packet(0, after(103_000));
        assert_eq!(passed(&timeline), 103_000);
    }

    #[test]
    fn a_source_that_was_set_back_goes_on_from_where_time_stood() {
        let mut timeline = Timeline::new(Timekeeper::Packets);
        timeline.hear_packet(0, YEAR_2099);
        let stood = timeline.now();
        let mut told = Vec::new();
        for second in 0..1_000 {
            told.push(timeline.hear_packet(0, after(second)));
        }
        let set: Vec<_> = told.iter().zip(0i64..).filter(|(told, _)| **told != Told::Usual).collect();
        let at = i64::from(CLOCK_BACK_BELIEVED_AFTER) - 1;
        assert_eq!(set, [(&Told::ClockSet { from: YEAR_2099, to: after(at) }, at)]);
        assert_eq!(timeline.now().since(stood), Duration::from_secs(1_000 - at as u64 - 1));
    }

    #[test]
    fn sources_with_clocks_of_their_own_do_not_disturb_one_another() {
        let mut timeline = Timeline::new(Timekeeper::Packets);
        for second in 0..10_000 {
            assert_eq!(timeline.hear_packet(0, after(second)), Told::Usual);
            // Years behind, block by block between the other's.
            for _ in 0..(if second % 100 == 0 { 2 * CLOCK_BACK_BELIEVED_AFTER } else { 0 }) {
                assert_eq!(timeline.hear_packet(1, Timestamp(second * 1_000_000)), Told::Usual);
            }
            assert_eq!(passed(&timeline), second);
        }
    }

    #[test]
    fn a_capture_that_leaps_as_far_as_time_goes_still_lets_time_pass() {
        let mut timeline = Timeline::new(Timekeeper::Packets);
        timeline.hear_packet(0, START);
        for _ in 0..100 {
            for strange in [Timestamp::MAX, START] {
                let before = timeline.now();
                for _ in 0..CLOCK_BACK_BELIEVED_AFTER {
                    timeline.hear_packet(0, strange);
                }
                assert!(timeline.now().since(before) <= Duration::from_secs(CLOCK_LEAP_MAX_S as u64));
            }
        }
        let before = timeline.now();
        timeline.hear_packet(0, after(7));
        assert_eq!(timeline.now().since(before), Duration::from_secs(7));
    }

    #[test]
    fn live_the_wall_clock_may_be_set_and_time_passes_as_before() {
        let mut timeline = Timeline::new(Timekeeper::Caller);
        timeline.hear_caller(YEAR_2099);
        timeline.hear_caller(YEAR_2099.plus(Duration::from_secs(5)));
        let stood = timeline.now();
        let from = YEAR_2099.plus(Duration::from_secs(5));
        assert_eq!(timeline.hear_caller(START), Told::ClockSet { from, to: START });
        assert_eq!(timeline.now(), stood);
        assert_eq!(timeline.hear_caller(after(3)), Told::Usual);
        assert_eq!(timeline.now().since(stood), Duration::from_secs(3));
        assert_eq!(timeline.hear_caller(YEAR_2099), Told::ClockSet { from: after(3), to: YEAR_2099 });
        assert_eq!(timeline.now().since(stood), Duration::from_secs(3));
        // A packet's own time says nothing.
        assert_eq!(timeline.hear_packet(0, Timestamp::MAX), Told::Usual);
        assert_eq!(timeline.now().since(stood), Duration::from_secs(3));
    }

    proptest! {
        #[test]
        fn it_never_goes_back_and_an_hour_of_packets_is_an_hour_whatever_came_before(
            times in prop::collection::vec((0u16..3, any::<bool>(), prop_oneof![any::<i64>(), 0i64..4_000_000_000_000_000, Just(i64::MAX)]), 0..300),
            keeper in prop_oneof![Just(Timekeeper::Packets), Just(Timekeeper::Caller)],
        ) {
            let mut timeline = Timeline::new(keeper);
            let mut before = timeline.now();
            for (source, by_caller, time) in times {
                let time = Timestamp(time);
                if by_caller { timeline.hear_caller(time) } else { timeline.hear_packet(source, time) };
                prop_assert!(timeline.now() >= before);
                before = timeline.now();
            }
            let mut at_the_start = None;
            for second in 0..3_700 {
                if keeper == Timekeeper::Caller { timeline.hear_caller(after(second)); }
                timeline.hear_packet(0, after(second));
                if second == 99 { at_the_start = Some(timeline.now()); }
                prop_assert!(timeline.now() >= before);
                before = timeline.now();
            }
            let passed = timeline.now().since(at_the_start.unwrap());
            // To within the disorder that is put up with.
            prop_assert!(passed.as_secs().abs_diff(3_600) <= CLOCK_BACK_MAX_S as u64, "{:?}", passed);
        }
    }
}
