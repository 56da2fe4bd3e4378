//! What is kept of how much a sensor sees: conversations within a while that is long and full enough to judge by, and the exclusions
//! that were accepted.

use serde::{Deserialize, Serialize};
use varde_common::message::{EndsHeard, Exclusions, Sight};
use varde_common::time::Timestamp;

use crate::limits::silence::{ONE_WAY_AT_LEAST, ONE_WAY_DNS_FROM, ONE_WAY_TCP_FROM, ONE_WAY_WITHIN};

/// Of a sensor that has told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighted {
    /// What it said last.
    newest: Sight,
    /// What it had said when the while under way began.
    mark: EndsHeard,
    /// When that was.
    mark_at: Timestamp,
    /// The last while that was long and full enough.
    lately: Option<Lately>,
    /// Exclusions that nobody is to be told of: those of its first word, then what they shrank to, or what a person accepted.
    accepted: Exclusions,
    /// Since when they are what they are now.
    changed_at: Timestamp,
}

/// Conversations of a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lately {
    heard: EndsHeard,
    from: Timestamp,
    to: Timestamp,
}

/// Whose words are heard, of conversations of which one end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What goes out.
    Inside,
    /// What comes in.
    Outside,
    /// One or the other.
    Either,
    /// DNS questions, and no responses.
    Questions,
    /// DNS responses, and no questions.
    Responses,
}

/// What a while says of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// One direction alone: of so many conversations, of so many in all.
    One(Side, u64, u64),
    /// Both.
    Both,
    /// That cannot be told.
    Unclear,
}

impl Sighted {
    /// A sensor has told of it for the first time.
    pub fn new(sight: Sight, now: Timestamp) -> Sighted {
        Sighted {
            newest: sight,
            mark: sight.heard,
            mark_at: now,
            lately: None,
            accepted: sight.exclusions,
            changed_at: now,
        }
    }

    /// It has told again.
    pub fn handle_sight(&mut self, sight: Sight, now: Timestamp) {
        let Sight { heard, exclusions } = sight;
        if exclusions != self.newest.exclusions {
            self.changed_at = now;
        }
        if !exclusions.has_grown_since(&self.accepted) {
            self.accepted = exclusions;
        }
        self.newest = sight;
        let passed = now.since(self.mark_at);
        match since(&heard, &self.mark) {
            Some(between) if passed < ONE_WAY_AT_LEAST || !is_enough(&between) && passed < ONE_WAY_WITHIN => {}
            // A while that was never full says nothing, and is begun anew.
            Some(between) => {
                if is_enough(&between) {
                    self.lately = Some(Lately { heard: between, from: self.mark_at, to: now });
                }
                (self.mark, self.mark_at) = (heard, now);
            }
            // It was started anew.
            None => (self.mark, self.mark_at) = (heard, now),
        }
    }

    /// Since when and how much the exclusions have grown: those accepted, and those of now. None where they have not.
    pub fn grown(&self) -> Option<(Timestamp, Exclusions, Exclusions)> {
        let now = self.newest.exclusions;
        now.has_grown_since(&self.accepted).then_some((self.changed_at, self.accepted, now))
    }

    /// A person has accepted the exclusions of now.
    pub fn accept(&mut self) {
        self.accepted = self.newest.exclusions;
    }

    /// What the last while says, and since when; none where there is none, or it is long over.
    pub fn direction(&self, now: Timestamp) -> Option<(Timestamp, Direction)> {
        let lately = self.lately.as_ref().filter(|lately| now.since(lately.to) < ONE_WAY_WITHIN)?;
        Some((lately.from, direction(&lately.heard)))
    }
}

/// None where a total has fallen.
fn since(newest: &EndsHeard, before: &EndsHeard) -> Option<EndsHeard> {
    Some(EndsHeard {
        both: newest.both.checked_sub(before.both)?,
        inside_alone: newest.inside_alone.checked_sub(before.inside_alone)?,
        outside_alone: newest.outside_alone.checked_sub(before.outside_alone)?,
        other_alone: newest.other_alone.checked_sub(before.other_alone)?,
        answered: newest.answered.checked_sub(before.answered)?,
        unanswered: newest.unanswered.checked_sub(before.unanswered)?,
        unasked: newest.unasked.checked_sub(before.unasked)?,
    })
}

/// TCP connections that went on, by how many ends were heard: one, all.
fn connections(heard: &EndsHeard) -> (u64, u64) {
    let alone = heard.inside_alone.saturating_add(heard.outside_alone).saturating_add(heard.other_alone);
    (alone, alone.saturating_add(heard.both))
}

/// DNS transactions: half ones, all.
fn transactions(heard: &EndsHeard) -> (u64, u64) {
    let half = heard.unanswered.saturating_add(heard.unasked);
    (half, half.saturating_add(heard.answered))
}

fn is_enough(heard: &EndsHeard) -> bool {
    connections(heard).1 >= ONE_WAY_TCP_FROM || transactions(heard).1 >= ONE_WAY_DNS_FROM
}

/// Connections decide where there are enough. Of DNS a question without a response may be a server's fault: it decides only where no
/// connection at all was heard from both ends, and nearly all of it is halved.
fn direction(heard: &EndsHeard) -> Direction {
    let ((alone, connections), (half, transactions)) = (connections(heard), transactions(heard));
    let is_most =
        |part: u64, whole: u64, of: u64| u128::from(part) * u128::from(of) >= u128::from(whole) * u128::from(of - 1);
    if connections >= ONE_WAY_TCP_FROM {
        let EndsHeard { inside_alone, outside_alone, .. } = *heard;
        let side = if is_most(inside_alone, alone, 5) {
            Side::Inside
        } else if is_most(outside_alone, alone, 5) {
            Side::Outside
        } else {
            Side::Either
        };
        return if is_most(alone, connections, 5) {
            Direction::One(side, alone, connections)
        } else if is_most(connections - alone, connections, 2) {
            Direction::Both
        } else {
            Direction::Unclear
        };
    }
    if transactions < ONE_WAY_DNS_FROM {
        return Direction::Unclear;
    }
    if heard.both == 0 && is_most(half, transactions, 20) {
        let side = if heard.unanswered >= heard.unasked { Side::Questions } else { Side::Responses };
        Direction::One(side, half, transactions)
    } else if is_most(heard.answered, transactions, 2) {
        Direction::Both
    } else {
        Direction::Unclear
    }
}

#[cfg(test)]
mod tests;
