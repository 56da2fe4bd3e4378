//! Legal clocks: they run only because a person said so, and what is said of them is help, not legal advice.
//!
//! Discovery («oppdaget») is set by hand. From it 24 hours run towards NSM where the member is covered by digitalsikkerhetsloven, and
//! 72 hours towards Datatilsynet once a personal data breach is suspected (GDPR article 33). A clock stops when it was reported, and
//! is withdrawn with a reason; a withdrawn one runs again when what it rests on is said anew.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_common::time::Timestamp;

use super::timeline::{Entry, Said};
use crate::limits::workflow::{DATATILSYNET_WITHIN, NSM_WITHIN};

/// Whom the law has notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// NSM, within 24 hours.
    Nsm,
    /// Datatilsynet, within 72 hours.
    Datatilsynet,
}

impl Duty {
    /// Both.
    pub const ALL: [Duty; 2] = [Duty::Nsm, Duty::Datatilsynet];

    /// The word in commands and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Duty::Nsm => "nsm",
            Duty::Datatilsynet => "datatilsynet",
        }
    }

    fn within(self) -> Duration {
        match self {
            Duty::Nsm => NSM_WITHIN,
            Duty::Datatilsynet => DATATILSYNET_WITHIN,
        }
    }
}

/// How a clock fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Fare {
    /// It runs.
    Running,
    /// It was reported.
    Reported {
        /// When.
        at: Timestamp,
        /// Within the time.
        in_time: bool,
    },
    /// Somebody says that it does not apply.
    Withdrawn {
        /// When that was said.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// A clock that a person started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// Whom to notify.
    pub duty: Duty,
    /// Since when it runs: discovery.
    pub from: Timestamp,
    /// Until when.
    pub due: Timestamp,
    /// How it fares.
    #[serde(flatten)]
    pub fare: Fare,
}

/// What is left of a clock that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// So long.
    For(Duration),
    /// It has been over for so long.
    OverSince(Duration),
}

impl Clock {
    /// What is left of it; none of one that does not run.
    pub fn left(&self, now: Timestamp) -> Option<Left> {
        match self.fare {
            Fare::Running if now < self.due => Some(Left::For(self.due.since(now))),
            Fare::Running => Some(Left::OverSince(now.since(self.due))),
            Fare::Reported { .. } | Fare::Withdrawn { .. } => None,
        }
    }
}

/// What is said about the duties of a case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Duties {
    /// When it was discovered, as a person says.
    pub discovered: Option<Timestamp>,
    /// A person suspects a personal data breach.
    pub breach_suspected: bool,
    /// The member is covered by digitalsikkerhetsloven; none = nobody has said.
    pub covered: Option<bool>,
    /// The clocks that run, or did.
    pub clocks: Vec<Clock>,
}

/// When the first of what was reported was, and to whom, as far as that was not taken back.
pub fn reported(entries: &[Entry]) -> Option<(Timestamp, Duty)> {
    let last = |of: Duty| {
        let mut said: Vec<&Entry> = entries.iter().collect();
        said.sort_by_key(|entry| entry.id);
        let is_of = |entry: &&Entry| matches!(&entry.said, Said::DutyReported { duty } | Said::DutyWithdrawn { duty, .. } if *duty == of);
        let last = said.into_iter().rfind(is_of)?;
        matches!(last.said, Said::DutyReported { .. }).then_some((last.at, of))
    };
    Duty::ALL.into_iter().filter_map(last).min()
}

/// What follows from what was said, in the order in which that was.
pub fn duties(entries: &[Entry], covered: Option<bool>) -> Duties {
    let (mut discovered, mut suspected) = (None, false);
    let mut ended: [Option<Fare>; 2] = [None, None];
    let place = |duty: Duty| match duty {
        Duty::Nsm => 0,
        Duty::Datatilsynet => 1,
    };
    let runs_again = |fare: &mut Option<Fare>| {
        if matches!(fare, Some(Fare::Withdrawn { .. })) {
            *fare = None;
        }
    };
    let mut said: Vec<&Entry> = entries.iter().collect();
    said.sort_by_key(|entry| entry.id);
    for entry in said {
        match &entry.said {
            Said::Discovered => {
                discovered = Some(entry.at);
                ended.iter_mut().for_each(runs_again);
            }
            Said::BreachSuspected => {
                suspected = true;
                ended.get_mut(place(Duty::Datatilsynet)).into_iter().for_each(runs_again);
            }
            Said::DutyReported { duty } => {
                // Whether in time is known below, where the end is.
                let fare = Fare::Reported { at: entry.at, in_time: true };
                ended.get_mut(place(*duty)).into_iter().for_each(|slot| *slot = Some(fare.clone()));
            }
            Said::DutyWithdrawn { duty, reason } => {
                let fare = Fare::Withdrawn { at: entry.learnt_at, reason: reason.clone() };
                ended.get_mut(place(*duty)).into_iter().for_each(|slot| *slot = Some(fare.clone()));
            }
            Said::Reported { .. }
            | Said::Split { .. }
            | Said::Merged { .. }
            | Said::Stepped { .. }
            | Said::Assigned { .. }
            | Said::Noted { .. }
            | Said::Measured { .. }
            | Said::AdvisorySent { .. }
            | Said::AdvisoryRead { .. }
            | Said::AdvisoryAnswered { .. }
            | Said::AdvisoryWithdrawn { .. }
            | Said::Reached { .. }
            | Said::CameBack { .. }
            | Said::Returned { .. }
            | Said::WentOn { .. }
            | Said::Joined { .. }
            | Said::FirstSeen
            | Said::InHistory
            | Said::Concluded
            | Said::MemberHit { .. } => {}
        }
    }
    let clock = |duty: Duty| {
        let from = discovered?;
        let applies = match duty {
            Duty::Nsm => covered == Some(true),
            Duty::Datatilsynet => suspected,
        };
        let due = from.plus(duty.within());
        let fare = match ended.get(place(duty)).cloned().flatten() {
            Some(Fare::Reported { at, .. }) => Fare::Reported { at, in_time: at <= due },
            Some(Fare::Withdrawn { at, reason }) => Fare::Withdrawn { at, reason },
            Some(Fare::Running) | None => Fare::Running,
        };
        applies.then_some(Clock { duty, from, due, fare })
    };
    let clocks = Duty::ALL.into_iter().filter_map(clock).collect();
    Duties { discovered, breach_suspected: suspected, covered, clocks }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn said(id: i64, hour: i64, said: Said) -> Entry {
        let at = Timestamp(hour * HOUR);
        Entry { id, at, learnt_at: at, who: Some("kari".to_owned()), for_members: true, said }
    }

    fn told(entries: &[Entry], covered: Option<bool>) -> Vec<(Duty, i64, Fare)> {
        let duties = duties(entries, covered);
        duties.clocks.into_iter().map(|clock| (clock.duty, clock.due.0 / HOUR, clock.fare)).collect()
    }

    #[test]
    fn c_no_clock_runs_that_nobody_started() {
        let discovered = said(1, 10, Said::Discovered);
        let suspected = said(2, 11, Said::BreachSuspected);
        assert_eq!(told(&[], Some(true)), []);
        assert_eq!(told(std::slice::from_ref(&suspected), Some(true)), [], "nobody has said when it was discovered");
        for covered in [None, Some(false)] {
            assert_eq!(told(std::slice::from_ref(&discovered), covered), []);
            let found = told(&[discovered.clone(), suspected.clone()], covered);
            assert_eq!(found, [(Duty::Datatilsynet, 82, Fare::Running)]);
        }
        assert_eq!(told(std::slice::from_ref(&discovered), Some(true)), [(Duty::Nsm, 34, Fare::Running)]);
        let both = [discovered, suspected];
        assert_eq!(told(&both, Some(true)), [(Duty::Nsm, 34, Fare::Running), (Duty::Datatilsynet, 82, Fare::Running)]);
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let clock = duties(&both, Some(true)).clocks.remove(0);
        assert_eq!(clock.left(Timestamp(20 * HOUR)), Some(Left::For(hours(14))));
        assert_eq!(clock.left(Timestamp(34 * HOUR)), Some(Left::OverSince(hours(0))));
        assert_eq!(clock.left(Timestamp(40 * HOUR)), Some(Left::OverSince(hours(6))));
    }

    #[test]
    fn c_a_clock_stops_when_it_is_reported_and_is_withdrawn_until_it_is_said_anew() {
        let mut entries = vec![said(1, 10, Said::Discovered), said(2, 12, Said::DutyReported { duty: Duty::Nsm })];
        let reported = |hour: i64, in_time| Fare::Reported { at: Timestamp(hour * HOUR), in_time };
        assert_eq!(told(&entries, Some(true)), [(Duty::Nsm, 34, reported(12, true))]);
        entries.push(said(3, 60, Said::DutyReported { duty: Duty::Nsm }));
        assert_eq!(told(&entries, Some(true)), [(Duty::Nsm, 34, reported(60, false))], "what was said last stands");
        entries.push(said(4, 61, Said::BreachSuspected));
        let reason = "no person in it".to_owned();
        entries.push(said(5, 62, Said::DutyWithdrawn { duty: Duty::Datatilsynet, reason: reason.clone() }));
        let withdrawn = Fare::Withdrawn { at: Timestamp(62 * HOUR), reason };
        assert_eq!(told(&entries, None), [(Duty::Datatilsynet, 82, withdrawn)]);
        entries.push(said(6, 64, Said::BreachSuspected));
        assert_eq!(told(&entries, None), [(Duty::Datatilsynet, 82, Fare::Running)]);
        // A correction of the discovery moves what runs, and undoes no report.
        entries.push(said(7, 60, Said::Discovered));
        assert_eq!(
            told(&entries, Some(true)),
            [(Duty::Nsm, 84, reported(60, true)), (Duty::Datatilsynet, 132, Fare::Running)]
        );
    }
}
