//! What analysts do from the lists, to one thing or to many at once: by the same core as the commands, in one transaction with its entry in the
//! audit, and for some minutes undone again as a whole.

mod act;
mod alert;
mod case;
mod muting;
mod undo;

use serde::{Deserialize, Serialize};
use varde_common::time::Timestamp;

use crate::workflow::{Closing, Progress, Refused, State};

pub use muting::{Muted, MutedPage};
pub use undo::{Deed, NotUndone, Undone};

/// What something is done to, by its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// All alerts of an indicator.
    Indicator(i64),
    /// An incident.
    Incident(i64),
    /// A campaign.
    Campaign(i64),
    /// What hides something for a time.
    Muting(i64),
}

impl Target {
    /// In words, for the audit.
    pub fn words(self) -> String {
        match self {
            Target::Indicator(id) => format!("the alerts of indicator {id}"),
            Target::Incident(id) => format!("incident {id}"),
            Target::Campaign(id) => format!("campaign {id}"),
            Target::Muting(id) => format!("muting {id}"),
        }
    }
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// As lists and timelines say it: a name that no two have.
    pub name: &'a str,
    /// As the audit says it.
    pub audited: &'a str,
}

impl<'a> From<&'a str> for Person<'a> {
    fn from(name: &'a str) -> Person<'a> {
        Person { name, audited: name }
    }
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Somebody has looked at it.
    Acknowledge {
        /// `alert.id` of the newest that they can have seen; what came later is not acknowledged.
        newest: i64,
    },
    /// The indicator is wrong.
    FalsePositive {
        /// Why.
        reason: String,
    },
    /// The traffic is wanted.
    Legitimate {
        /// Why.
        reason: String,
    },
    /// It is hidden for a time.
    Mute {
        /// Why.
        reason: String,
        /// At this member alone, by its row.
        member: Option<i64>,
        /// Until when.
        until: Timestamp,
    },
    /// It is hidden no longer.
    Unmute {
        /// Why.
        reason: String,
    },
    /// Whose it is.
    Take {
        /// A name.
        owner: String,
    },
    /// A note, which the CSIRT alone reads.
    Note {
        /// On one line.
        text: String,
    },
}

impl Act {
    /// The word in the database and in the audit.
    pub fn as_str(&self) -> &'static str {
        match self {
            Act::Acknowledge { .. } => "acknowledge",
            Act::FalsePositive { .. } => "false-positive",
            Act::Legitimate { .. } => "legitimate",
            Act::Mute { .. } => "mute",
            Act::Unmute { .. } => "unmute",
            Act::Take { .. } => "take",
            Act::Note { .. } => "note",
        }
    }

    /// As the audit calls it.
    fn what(&self) -> &'static str {
        match self {
            Act::Acknowledge { .. } => "page acknowledge",
            Act::FalsePositive { .. } => "page false-positive",
            Act::Legitimate { .. } => "page legitimate",
            Act::Mute { .. } => "page mute",
            Act::Unmute { .. } => "page unmute",
            Act::Take { .. } => "page take",
            Act::Note { .. } => "page note",
        }
    }

    /// What the audit says it becomes.
    fn becomes(&self) -> String {
        match self {
            Act::Acknowledge { .. } => "acknowledged".to_owned(),
            Act::FalsePositive { reason } => format!("false-positive: {reason}"),
            Act::Legitimate { reason } => format!("legitimate: {reason}"),
            Act::Mute { reason, until, .. } => format!("muted until {until}: {reason}"),
            Act::Unmute { reason } => format!("muted no longer: {reason}"),
            Act::Take { owner } => format!("owner {owner}"),
            Act::Note { .. } => "a note".to_owned(),
        }
    }
}

/// How a proposal of noise stood: its state, who settled it, why, when.
pub type Settled = (String, Option<String>, Option<String>, Option<i64>);

/// Why nothing was done to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDone {
    /// It is not there.
    Gone,
    /// It is so already.
    Already,
    /// There is no alert left of which it could be said.
    NothingToJudge,
    /// It is not muted, or not any more.
    NotMuted,
    /// There is no case that it could be said of.
    NoCase,
    /// It cannot be done to such a thing.
    NotSuch,
    /// The step does not follow.
    Refused(Refused),
    /// As much was said of it, or as much is muted, as may be.
    Full,
}

/// What a deed came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// By which it is undone; none = nothing was done, or it cannot be.
    pub deed: Option<i64>,
    /// What it was done to.
    pub done: Vec<Target>,
    /// What it was not done to, and why.
    pub not_done: Vec<(Target, NotDone)>,
    /// Indicators that are withdrawn by it.
    pub withdrawn: Vec<i64>,
}

/// Where a case stood, as a deed remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stood {
    state: State,
    closed_as: Option<Closing>,
    duplicate_of: Option<i64>,
}

impl Stood {
    fn of(progress: Progress) -> Stood {
        Stood { state: progress.state(), closed_as: progress.closed_as(), duplicate_of: progress.duplicate_of() }
    }

    fn progress(self) -> Progress {
        Progress::of(self.state, self.closed_as, self.duplicate_of)
    }
}

/// What has been acknowledged of an indicator at one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Acknowledged {
    /// `member.id`.
    member_id: i64,
    /// Up to which alert.
    up_to: i64,
    /// How far it had got.
    evidence: i64,
    /// By whom.
    who: String,
    /// When.
    at: i64,
}

/// What was before, of one thing that a deed has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "snake_case")]
enum Was {
    /// What was acknowledged of an indicator where the deed has changed it, and what it left there.
    Acknowledged { indicator: i64, before: Vec<Acknowledged>, after: Vec<Acknowledged> },
    /// Nobody had said anything of alerts that have this judgement since this moment.
    Unjudged { indicator: i64, judgement: i64, at: i64 },
    /// What was said of the proposal that the indicator is noise.
    Proposed { indicator: i64, settled: Option<Settled> },
    /// It was not muted by this.
    Unmuted { muted: i64 },
    /// It was muted by this until then.
    Muted { muted: i64, ended_at: i64 },
    /// Whose a case was.
    Owned { case: Target, before: Option<String>, after: Option<String> },
    /// Where a case stood, and stands.
    Stood { case: Target, before: Stood, after: Stood },
}

#[cfg(test)]
mod tests;
