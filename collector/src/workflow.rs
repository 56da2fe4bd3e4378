//! The work on an incident or a campaign: where it stands, which step may follow which, and what a refused step should have been.
//!
//! ```text
//! new → triaged → confirmed → contained → closed (confirmed | false-positive | legitimate | duplicate of N | exercise)
//!   └──────────────↗    └────────────────↗   └→ reopened by a person: triaged; by what sensors see: new
//! ```
//! Whatever is open may be closed as anything but confirmed; as confirmed only what was confirmed before. A campaign is new or closed.

pub mod again;
pub mod duty;
pub mod timeline;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is worked on, by its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matter {
    /// An incident: one member's.
    Incident(i64),
    /// A campaign: several members'.
    Campaign(i64),
    /// An operational incident: what keeps a sensor from seeing or from being heard. It is over by itself.
    Silence(i64),
}

impl Matter {
    /// The word in the database and in sentences.
    pub fn kind(self) -> &'static str {
        match self {
            Matter::Incident(_) => "incident",
            Matter::Campaign(_) => "campaign",
            Matter::Silence(_) => "silence",
        }
    }

    /// Its row.
    pub fn id(self) -> i64 {
        match self {
            Matter::Incident(id) | Matter::Campaign(id) | Matter::Silence(id) => id,
        }
    }
}

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.id())
    }
}

/// How far the work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has looked at it.
    #[default]
    New,
    /// Somebody has.
    Triaged,
    /// It is what it seems: a person says so.
    Confirmed,
    /// It does no more harm.
    Contained,
    /// Nothing is left to do.
    Closed,
}

impl State {
    /// All, in order.
    pub const ALL: [State; 5] = [State::New, State::Triaged, State::Confirmed, State::Contained, State::Closed];

    /// The word in the database, in commands and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::New => "new",
            State::Triaged => "triaged",
            State::Confirmed => "confirmed",
            State::Contained => "contained",
            State::Closed => "closed",
        }
    }
}

/// What it turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closing {
    /// What it seemed.
    Confirmed,
    /// The indicators are wrong.
    FalsePositive,
    /// The traffic is wanted.
    Legitimate,
    /// Another is worked on instead.
    Duplicate,
    /// Somebody was practising.
    Exercise,
}

impl Closing {
    /// All of them.
    pub const ALL: [Closing; 5] =
        [Closing::Confirmed, Closing::FalsePositive, Closing::Legitimate, Closing::Duplicate, Closing::Exercise];

    /// The word in the database, in commands and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Closing::Confirmed => "confirmed",
            Closing::FalsePositive => "false-positive",
            Closing::Legitimate => "legitimate",
            Closing::Duplicate => "duplicate",
            Closing::Exercise => "exercise",
        }
    }
}

impl FromStr for Closing {
    type Err = String;

    fn from_str(text: &str) -> Result<Closing, String> {
        let found = Closing::ALL.into_iter().find(|closing| closing.as_str() == text);
        found.ok_or_else(|| {
            format!(
                "\"{text}\" closes nothing; there are confirmed, false-positive, legitimate, duplicate and exercise"
            )
        })
    }
}

/// Where something stands: closed as something, or open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Progress {
    state: State,
    closed_as: Option<Closing>,
    duplicate_of: Option<i64>,
}

impl Progress {
    /// Nobody has looked at it.
    pub const NEW: Progress = Progress { state: State::New, closed_as: None, duplicate_of: None };

    /// From the database; what says nothing known there is new, so that somebody looks.
    pub fn read(state: &str, closed_as: Option<&str>, duplicate_of: Option<i64>) -> Progress {
        let state = State::ALL.into_iter().find(|known| known.as_str() == state).unwrap_or_default();
        let closing = closed_as.and_then(|word| word.parse().ok());
        match (state, closing) {
            (State::Closed, Some(closing)) => Progress::closed(closing, duplicate_of),
            (State::Closed, None) => Progress::NEW,
            (State::New | State::Triaged | State::Confirmed | State::Contained, _) => {
                Progress { state, ..Progress::NEW }
            }
        }
    }

    /// Closed. Only a duplicate is one of something.
    pub fn closed(closing: Closing, of: Option<i64>) -> Progress {
        let duplicate_of = of.filter(|_| closing == Closing::Duplicate);
        Progress { state: State::Closed, closed_as: Some(closing), duplicate_of }
    }

    /// From what it is told as.
    pub fn of(state: State, closed_as: Option<Closing>, duplicate_of: Option<i64>) -> Progress {
        Progress::read(state.as_str(), closed_as.map(Closing::as_str), duplicate_of)
    }

    /// How far it has come.
    pub fn state(self) -> State {
        self.state
    }

    /// As what it was closed; none of an open one.
    pub fn closed_as(self) -> Option<Closing> {
        self.closed_as
    }

    /// What a duplicate is one of.
    pub fn duplicate_of(self) -> Option<i64> {
        self.duplicate_of
    }

    /// As a member is told it: which case it is a duplicate of is a number, which counts others' too.
    #[must_use]
    pub fn unnumbered(self) -> Progress {
        Progress { duplicate_of: None, ..self }
    }

    /// Two turn out to be one. What is open in either is open in the whole, and what was closed as two different things nobody has
    /// looked at as one. Contained is only what was contained in both.
    #[must_use]
    pub fn join(self, other: Progress) -> Progress {
        match (self.closed_as, other.closed_as) {
            (Some(_), Some(_)) if self == other => self,
            (Some(_), Some(_)) => Progress::NEW,
            (Some(_), None) => other,
            (None, Some(_)) => self,
            (None, None) => {
                let state = match self.state.max(other.state) {
                    State::Contained if self.state != other.state => State::Confirmed,
                    further => further,
                };
                Progress { state, ..Progress::NEW }
            }
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.closed_as, self.duplicate_of) {
            (Some(Closing::Duplicate), Some(of)) => write!(f, "closed as duplicate of {of}"),
            (Some(closing), _) => write!(f, "closed as {}", closing.as_str()),
            (None, _) => f.write_str(self.state.as_str()),
        }
    }
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Somebody has looked at it.
    Triage,
    /// It is what it seems.
    Confirm,
    /// It does no more harm.
    Contain,
    /// Nothing is left to do; a duplicate is one of another.
    Close(Closing, Option<i64>),
    /// There is something left to do after all.
    Reopen,
}

/// Why a step was not taken; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It stands there, or further on, already.
    Already(Progress),
    /// It must be confirmed before.
    ConfirmFirst(State),
    /// It is closed.
    ReopenFirst(Progress),
    /// It is open.
    NotClosed(State),
    /// A duplicate is one of something.
    OfWhat,
    /// Not of itself.
    OfItself,
}

impl Refused {
    /// The same as a sentence, with what would be right.
    pub fn sentence(self, case: Matter) -> String {
        let (kind, id) = (case.kind(), case.id());
        match self {
            Refused::Already(standing) => format!("{case} is {standing} already"),
            Refused::ConfirmFirst(state) => {
                format!(
                    "{case} is {}, and nobody has confirmed it; first: varde-collector {kind} confirm {id}",
                    state.as_str()
                )
            }
            Refused::ReopenFirst(standing) => {
                format!("{case} is {standing}; first: varde-collector {kind} reopen {id} --reason TEXT")
            }
            Refused::NotClosed(state) => format!("{case} is not closed, it is {}", state.as_str()),
            Refused::OfWhat => {
                format!(
                    "say of which it is a duplicate: varde-collector {kind} close {id} --as duplicate --of NUMBER --reason TEXT"
                )
            }
            Refused::OfItself => format!("{case} is no duplicate of itself; name the one that is worked on"),
        }
    }
}

/// Where a step leads.
///
/// # Errors
/// [`Refused`].
pub fn step(case: Matter, before: Progress, step: Step) -> Result<Progress, Refused> {
    let to = |state| Ok(Progress { state, ..Progress::NEW });
    let is_campaign = matches!(case, Matter::Campaign(_));
    match (before.state, step) {
        (State::Closed, Step::Reopen) => to(if is_campaign { State::New } else { State::Triaged }),
        (State::Closed, Step::Close(..)) => Err(Refused::Already(before)),
        (State::Closed, Step::Triage | Step::Confirm | Step::Contain) => Err(Refused::ReopenFirst(before)),
        (State::New, Step::Triage) => to(State::Triaged),
        (State::New | State::Triaged, Step::Confirm) => to(State::Confirmed),
        (State::Confirmed, Step::Contain) => to(State::Contained),
        (State::New | State::Triaged, Step::Contain) => Err(Refused::ConfirmFirst(before.state)),
        (State::Triaged | State::Confirmed | State::Contained, Step::Triage)
        | (State::Confirmed | State::Contained, Step::Confirm)
        | (State::Contained, Step::Contain) => Err(Refused::Already(before)),
        (State::New | State::Triaged, Step::Close(Closing::Confirmed, _)) if !is_campaign => {
            Err(Refused::ConfirmFirst(before.state))
        }
        (State::New | State::Triaged | State::Confirmed | State::Contained, Step::Close(closing, of)) => {
            match (closing, of) {
                (Closing::Duplicate, None) => Err(Refused::OfWhat),
                (Closing::Duplicate, Some(of)) if of == case.id() => Err(Refused::OfItself),
                (
                    Closing::Confirmed
                    | Closing::FalsePositive
                    | Closing::Legitimate
                    | Closing::Duplicate
                    | Closing::Exercise,
                    of,
                ) => Ok(Progress::closed(closing, of)),
            }
        }
        (State::New | State::Triaged | State::Confirmed | State::Contained, Step::Reopen) => {
            Err(Refused::NotClosed(before.state))
        }
    }
}

#[cfg(test)]
mod tests;
