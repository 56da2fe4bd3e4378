//! Who it is that says a mark: the sensor itself, an older state of it, or one of two that live with its identity.
//!
//! Each session is given a mark, and its sensor says it in the next. The last one given is right, and so is the one said when
//! that was given, for a sensor may stop between being given a mark and keeping it. Any other was true once. Where somebody
//! who said it was given another since, it is an *older state*: a restored disk, or a copy made then. Where nobody was,
//! whoever kept it has lived on while another was greeted: *two live*.

use varde_common::id::Mark;
use varde_common::time::Timestamp;

/// A mark once given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// 1, 2, 3 … for each sensor.
    pub number: i64,
    /// The mark.
    pub mark: Mark,
    /// Number of the mark that was said when it was given; none where none was.
    pub follows: Option<i64>,
    /// When.
    pub at: Timestamp,
}

/// Who says a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The sensor as it was last, with the number of the mark it says.
    Itself(Option<i64>),
    /// An older state of it: what it was when this mark was given to it.
    Older(Given),
    /// One of two that live: this mark was given to one that has lived on, while another was greeted.
    OneOfTwo(Given),
    /// A mark this collector does not remember to have given: it was itself restored, or that was long ago.
    Unknown,
    /// No mark, although this spool was given some.
    Missing,
}

/// Who it is, by the mark it says and the marks given, the newest first. `new_spool`: it begins a spool never heard of.
pub fn judge(said: Option<Mark>, given: &[Given], new_spool: bool) -> Speaker {
    let Some(newest) = given.first() else { return Speaker::Itself(None) };
    let Some(said) = said else {
        return if new_spool || newest.follows.is_none() { Speaker::Itself(None) } else { Speaker::Missing };
    };
    match given.iter().find(|known| known.mark == said) {
        Some(known) if known.number == newest.number || Some(known.number) == newest.follows => {
            Speaker::Itself(Some(known.number))
        }
        Some(known) if given.iter().any(|other| other.follows == Some(known.number)) => Speaker::Older(*known),
        Some(known) => Speaker::OneOfTwo(*known),
        None => Speaker::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A sensor as far as marks go.
    #[derive(Debug, Clone, Copy, Default)]
    struct Machine {
        kept: Option<Mark>,
    }

    #[derive(Debug, Default)]
    struct Collector {
        given: Vec<Given>,
    }

    impl Collector {
        /// Gives a mark unless the speaker is another; keeping it is the machine's business.
        fn greet(&mut self, machine: Machine, new_spool: bool) -> (Speaker, Mark) {
            let speaker = judge(machine.kept, &self.given, new_spool);
            let number = self.given.first().map_or(1, |newest| newest.number + 1);
            let mark = Mark(number as u128 + 1000);
            if let Speaker::Itself(follows) = speaker {
                self.given.insert(0, Given { number, mark, follows, at: Timestamp(number) });
            }
            (speaker, mark)
        }

        fn met(&mut self, machine: &mut Machine) -> Speaker {
            let (speaker, mark) = self.greet(*machine, false);
            if matches!(speaker, Speaker::Itself(_)) {
                machine.kept = Some(mark);
            }
            speaker
        }
    }

    #[test]
    fn p5_a_restored_state_is_told_from_two_that_live() {
        let (mut collector, mut sensor) = (Collector::default(), Machine::default());
        for _ in 0..3 {
            assert!(matches!(collector.met(&mut sensor), Speaker::Itself(_)));
        }
        let snapshot = sensor;
        for _ in 0..2 {
            assert!(matches!(collector.met(&mut sensor), Speaker::Itself(_)));
        }
        let mut restored = snapshot;
        let Speaker::Older(then) = collector.met(&mut restored) else { panic!("not told apart") };
        assert_eq!(then.at, Timestamp(3), "and since when");
        // It begins a new spool and is greeted; nobody else lives.
        restored.kept = None;
        let (speaker, mark) = collector.greet(restored, true);
        assert_eq!(speaker, Speaker::Itself(None));
        restored.kept = Some(mark);
        assert!(matches!(collector.met(&mut restored), Speaker::Itself(_)));
        // But if the one that was copied lives on, both are known.
        assert!(matches!(collector.met(&mut sensor), Speaker::OneOfTwo(_)));
    }

    #[test]
    fn p5_two_that_take_turns_are_known_at_the_third_hello() {
        let (mut collector, mut sensor) = (Collector::default(), Machine::default());
        collector.met(&mut sensor);
        let mut copy = sensor;
        assert!(matches!(collector.met(&mut copy), Speaker::Itself(_)));
        assert!(
            matches!(collector.met(&mut sensor), Speaker::Itself(_)),
            "it may have stopped before it kept the last"
        );
        assert!(matches!(collector.met(&mut copy), Speaker::OneOfTwo(_)));
    }

    #[test]
    fn p5_marks_that_are_gone_or_never_given_accuse_nobody() {
        assert_eq!(judge(Some(Mark(9)), &[], false), Speaker::Itself(None), "a collector that has given none");
        let given = |number, follows| Given { number, mark: Mark(number as u128), follows, at: Timestamp(number) };
        assert_eq!(judge(None, &[given(1, None)], false), Speaker::Itself(None), "stopped before it kept the first");
        let both = [given(2, Some(1)), given(1, None)];
        assert_eq!(judge(None, &both, false), Speaker::Missing);
        assert_eq!(judge(None, &both, true), Speaker::Itself(None), "a new spool has none");
        assert_eq!(judge(Some(Mark(77)), &both, false), Speaker::Unknown, "a restored collector");
    }

    proptest! {
        /// One sensor that stops wherever it may is never taken for another.
        #[test]
        fn p5_a_sensor_alone_is_never_accused(kept in prop::collection::vec(any::<bool>(), 1..40)) {
            let (mut collector, mut sensor) = (Collector::default(), Machine::default());
            for kept in kept {
                let (speaker, mark) = collector.greet(sensor, false);
                prop_assert!(matches!(speaker, Speaker::Itself(_)), "{speaker:?}");
                if kept {
                    sensor.kept = Some(mark);
                }
            }
        }

        /// Two that live are known before either has been greeted three times after the other.
        #[test]
        fn p5_two_that_live_are_known_soon(turns in prop::collection::vec(any::<bool>(), 30)) {
            let (mut collector, mut sensor) = (Collector::default(), Machine::default());
            collector.met(&mut sensor);
            let mut machines = [sensor, sensor];
            let (mut changes, mut last) = (0, None);
            for turn in turns {
                if last != Some(turn) {
                    changes += 1;
                }
                last = Some(turn);
                let speaker = collector.met(&mut machines[usize::from(turn)]);
                if !matches!(speaker, Speaker::Itself(_)) {
                    prop_assert!(matches!(speaker, Speaker::OneOfTwo(_) | Speaker::Older(_)));
                    return Ok(());
                }
                prop_assert!(changes <= 3, "not known");
            }
        }
    }
}
