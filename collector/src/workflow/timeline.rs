//! All that was said and found of one case, in order, each with the time it was so and the time it was learnt (decision 25).
//!
//! What was said is told as it was said: never changed, never lost, and of two at the same moment the one that was said first comes
//! first. Where things stand follows from the order in which they were said, not from the times they are said to have been.

use serde::{Deserialize, Serialize};
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::Progress;
use super::again::Why;
use super::duty::Duty;
use crate::advisory::Answer;

/// How a measure («tiltak») stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureStatus {
    /// planlagt
    Planned,
    /// gjort
    Done,
    /// ikke aktuelt
    NotApplicable,
}

impl MeasureStatus {
    /// All of them.
    pub const ALL: [MeasureStatus; 3] = [MeasureStatus::Planned, MeasureStatus::Done, MeasureStatus::NotApplicable];

    /// The word in commands and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            MeasureStatus::Planned => "planned",
            MeasureStatus::Done => "done",
            MeasureStatus::NotApplicable => "not-applicable",
        }
    }
}

/// What was met, as a line of the timeline names it: what it is marked as may change after the line was written, so that the line has its
/// number and the name is looked up for whoever reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct About {
    /// The indicator's number; none for whoever is told no numbers.
    pub indicator: Option<i64>,
    /// The threat that it stands for, where that is what alerts are put together by.
    pub threat: Option<String>,
    /// As it may be told; none before it was looked up, and where the indicator is there no more.
    #[serde(default)]
    pub name: Option<String>,
}

/// What was said or found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Said {
    /// A person reported it, and what.
    Reported {
        /// In their words.
        text: String,
        /// How far it got; none = nobody said.
        #[serde(default)]
        evidence: Option<Evidence>,
    },
    /// A person took a step: where it stands since, and why.
    Stepped {
        /// Where.
        #[serde(flatten)]
        standing: Progress,
        /// Why; none where no reason was asked for.
        reason: Option<String>,
    },
    /// Whose it is; none = nobody's.
    Assigned {
        /// A name.
        owner: Option<String>,
    },
    /// A note.
    Noted {
        /// In their words.
        text: String,
    },
    /// A measure, or how one stands now.
    Measured {
        /// The line that first told of it; none in that line itself.
        of: Option<i64>,
        /// What is to be done.
        text: String,
        /// How it stands.
        status: MeasureStatus,
        /// Its name in the bank of measures; none = it is not from there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// An advisory was sent to the members concerned.
    AdvisorySent {
        /// Its name.
        advisory: String,
        /// Its heading.
        title: String,
        /// 1, and one more for each correction.
        version: i64,
        /// To how many; none for whoever is told no numbers.
        recipients: Option<u64>,
    },
    /// Somebody at a member confirmed to have read one.
    AdvisoryRead {
        /// Its name.
        advisory: String,
        /// The member's number.
        number: String,
        /// Its name.
        name: String,
    },
    /// Somebody at a member answered one.
    AdvisoryAnswered {
        /// Its name.
        advisory: String,
        /// The member's number.
        number: String,
        /// Its name.
        name: String,
        /// What.
        answer: Answer,
        /// The measure that was done, by its name in the bank.
        measure: Option<String>,
        /// In their own words.
        text: Option<String>,
    },
    /// One no longer holds.
    AdvisoryWithdrawn {
        /// Its name.
        advisory: String,
        /// Why.
        reason: String,
    },
    /// When it was discovered.
    Discovered,
    /// A personal data breach is suspected.
    BreachSuspected,
    /// A duty was met.
    DutyReported {
        /// Towards whom.
        duty: Duty,
    },
    /// A duty does not apply.
    DutyWithdrawn {
        /// Towards whom.
        duty: Duty,
        /// Why.
        reason: String,
    },
    /// It got this far, further than was known.
    Reached {
        /// How far.
        evidence: Evidence,
    },
    /// It was closed, and is open again.
    CameBack {
        /// Why.
        why: Why,
        /// As what it was closed.
        was: Progress,
        /// What was met that the closing does not cover.
        #[serde(default)]
        about: Option<About>,
    },
    /// The same was an incident before that is closed: a host meets what it met then.
    Returned {
        /// That incident; none for whoever is told no numbers, here as below.
        of: Option<i64>,
    },
    /// The same was met again so much later that it is an incident of its own.
    WentOn {
        /// That incident.
        in_incident: Option<i64>,
    },
    /// Another turned out to be part of it; what was said of that stands here from now on.
    Joined {
        /// Its number, which leads here.
        id: Option<i64>,
        /// Where that stood.
        was: Progress,
    },
    /// A person has split a campaign: incidents were taken out of it. The same line stands in what they are from then on, and in each.
    Split {
        /// The campaign; none for whoever is told no numbers.
        from: Option<i64>,
        /// What they are from then on; none = no campaign.
        into: Option<i64>,
        /// Which, by number: the first of them.
        incidents: Vec<i64>,
        /// How many.
        count: i64,
        /// Why.
        reason: String,
    },
    /// A person has made two campaigns one: what was said of the other stands here from now on.
    Merged {
        /// The other's number, which leads here.
        id: Option<i64>,
        /// Where that stood.
        was: Progress,
        /// Why.
        reason: String,
    },
    /// The first sighting. Read from what is there, like all that follow.
    FirstSeen,
    /// Sensors found some of it in their history.
    InHistory,
    /// It came to be a campaign.
    Concluded,
    /// A member was hit.
    MemberHit {
        /// Its number.
        number: String,
        /// Its name.
        name: String,
        /// Its incident.
        incident: Option<i64>,
    },
}

impl Said {
    /// As a member is told it: numbers of cases count others' too.
    #[must_use]
    pub fn unnumbered(self) -> Said {
        match self {
            Said::Stepped { standing, reason } => Said::Stepped { standing: standing.unnumbered(), reason },
            Said::CameBack { why, was, about } => {
                let about = about.map(|about| About { indicator: None, threat: None, ..about });
                Said::CameBack { why, was: was.unnumbered(), about }
            }
            Said::Returned { of: _ } => Said::Returned { of: None },
            Said::WentOn { in_incident: _ } => Said::WentOn { in_incident: None },
            Said::Joined { id: _, was } => Said::Joined { id: None, was: was.unnumbered() },
            Said::Split { from: _, into: _, incidents: _, count, reason } => {
                Said::Split { from: None, into: None, incidents: Vec::new(), count, reason }
            }
            Said::Merged { id: _, was, reason } => Said::Merged { id: None, was: was.unnumbered(), reason },
            Said::AdvisorySent { advisory, title, version, recipients: _ } => {
                Said::AdvisorySent { advisory, title, version, recipients: None }
            }
            Said::MemberHit { number, name, incident: _ } => Said::MemberHit { number, name, incident: None },
            Said::Reported { .. }
            | Said::Assigned { .. }
            | Said::Noted { .. }
            | Said::Measured { .. }
            | Said::AdvisoryRead { .. }
            | Said::AdvisoryAnswered { .. }
            | Said::AdvisoryWithdrawn { .. }
            | Said::Discovered
            | Said::BreachSuspected
            | Said::DutyReported { .. }
            | Said::DutyWithdrawn { .. }
            | Said::Reached { .. }
            | Said::FirstSeen
            | Said::InHistory
            | Said::Concluded => self,
        }
    }
}

/// A line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number: what is said later has a greater one. 0 = read from what is there.
    pub id: i64,
    /// When it was so.
    pub at: Timestamp,
    /// When it was learnt here.
    pub learnt_at: Timestamp,
    /// Who said it; none = the collector.
    pub who: Option<String>,
    /// The member concerned may read it.
    pub for_members: bool,
    /// What.
    #[serde(flatten)]
    pub said: Said,
}

/// What was said and what is read from alerts, as one: by when it was so, then by when it was learnt, then as it was said. What came back
/// stands where it was open again: what did that may have been seen before the closing, and the last word on where it stands would be that.
pub fn merged(said: Vec<Entry>, found: Vec<Entry>) -> Vec<Entry> {
    let mut all: Vec<Entry> = found.into_iter().chain(said).collect();
    let place = |entry: &Entry| {
        let is_open_again = matches!(entry.said, Said::CameBack { .. });
        if is_open_again { entry.at.max(entry.learnt_at) } else { entry.at }
    };
    all.sort_by_key(|entry| (place(entry), entry.learnt_at, entry.id));
    all
}

/// A measure as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// Its number: that of the line which first told of it.
    pub id: i64,
    /// What is to be done.
    pub text: String,
    /// How it stands.
    pub status: MeasureStatus,
    /// Since when.
    pub at: Timestamp,
    /// When that was said.
    pub said_at: Timestamp,
    /// By whom.
    pub who: Option<String>,
    /// The member concerned may read it.
    pub for_members: bool,
    /// Its name in the bank of measures; null = it is not from there.
    pub key: Option<String>,
}

/// The measures, in the order in which they were first told of, each as it was last said to stand.
pub fn measures(entries: &[Entry]) -> Vec<Measure> {
    let mut said: Vec<&Entry> = entries.iter().collect();
    said.sort_by_key(|entry| entry.id);
    let mut all: Vec<Measure> = Vec::new();
    for entry in said {
        let Said::Measured { of, text, status, key } = &entry.said else { continue };
        let now = Measure {
            id: of.unwrap_or(entry.id),
            text: text.clone(),
            status: *status,
            at: entry.at,
            said_at: entry.learnt_at,
            who: entry.who.clone(),
            for_members: entry.for_members,
            key: key.clone(),
        };
        match all.iter_mut().find(|measure| measure.id == now.id) {
            Some(before) => *before = now,
            None => all.push(now),
        }
    }
    all
}
