//! A row of the alert list: all alerts of one indicator that a range holds.

use std::collections::BTreeMap;

use varde_common::time::Timestamp;

use super::Hidden;
use crate::coverage::Coverage;
use crate::range::Bars;
use crate::store::picture::IndicatorFacts;

/// What hides a group for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Muting {
    /// `muted.id`.
    pub id: i64,
    /// The member at which it is hidden, by number and name; none = at every one.
    pub member: Option<(String, String)>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub author: String,
    /// When.
    pub given_at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// A case that alerts of a group are in, by what the reader names it by in an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InCase {
    /// Its number; for a member its name outside.
    pub name: String,
}

/// Alerts of one indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they met.
    pub indicator: IndicatorFacts,
    /// All that name it.
    pub sources: Vec<String>,
    /// A person says that it is wrong.
    pub is_refuted: bool,
    /// It is proposed as noise, and nobody has said anything of that.
    pub is_proposed: bool,
    /// The earliest in the range.
    pub first_seen: Timestamp,
    /// When it was first met by anybody, where that was before the range.
    pub met_before: Option<Timestamp>,
    /// The latest.
    pub last_seen: Timestamp,
    /// How many.
    pub alerts: i64,
    /// Of which nobody has said anything.
    pub fresh: i64,
    /// Of which somebody has said that they are wrong, wanted or muted.
    pub hidden: Hidden,
    /// The furthest, 0 blocked … 5 data out.
    pub evidence: i64,
    /// The worst, 0 info … 4 critical, as the list said.
    pub severity: i64,
    /// All of them are an exercise's.
    pub exercise: bool,
    /// Some were found in history.
    pub retro: bool,
    /// `member.id` of those that met it in the range.
    pub members: Vec<i64>,
    /// Who could have seen it; none for a member.
    pub coverage: Option<Coverage>,
    /// Others that have met it, at least so many; for a member alone.
    pub others: Option<i64>,
    /// Alerts in each bar of the range.
    pub bars: Vec<i64>,
    /// Who has looked, and when; nothing of it for a member.
    pub acknowledged: Option<(String, Timestamp)>,
    /// What hides it; nothing of it for a member.
    pub mutings: Vec<Muting>,
    /// Incidents that its alerts are in.
    pub incidents: Vec<InCase>,
    /// Campaigns that those are in.
    pub campaigns: Vec<InCase>,
}

/// A page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The rows, the last seen first.
    pub items: Vec<Group>,
    /// Behind which the next page goes on.
    pub next: Option<crate::api::cursor::Position>,
    /// Groups on all pages.
    pub total: i64,
    /// Alerts in them.
    pub alerts: i64,
    /// Groups that are hidden.
    pub hidden: Hidden,
    /// Alerts of the range that were looked at, whether they fit or not.
    pub looked_at: i64,
    /// There are more alerts in the range than were looked at; since when all were.
    pub whole_since: Option<Timestamp>,
    /// `alert.id` of the newest there was as it was read, whether it is shown or not; 0 for a member.
    pub newest: i64,
    /// The bars of the range.
    pub bars: Bars,
    /// Alerts that are shown, in each.
    pub counts: Vec<i64>,
    /// Members there are, by `member.id`, with number and name.
    pub members: BTreeMap<i64, (String, String)>,
}
