//! What the analyst's lists read: alerts grouped by what they met, incidents, campaigns, each narrowed by a filter and a range, page by page.
//!
//! Of alerts a page looks at no more than [`ALERTS_LOOKED_AT_MAX`](crate::limits::desk::ALERTS_LOOKED_AT_MAX), the newest of the range, and
//! says so where there are more: an index holds what they are grouped and filtered by.

pub mod alerts;
pub mod campaigns;
pub mod condition;
pub mod group;
pub mod incidents;
pub mod indicators;
pub mod looked;

use varde_common::time::Timestamp;

use crate::api::cursor::Position;
use crate::filter::Filter;
use crate::range::{Quick, Range};

/// The range of incidents and campaigns unless one is asked for: work on a case takes longer than a day. What is open is in it.
pub const USUAL_OF_CASES: Quick = Quick::Month;

/// What a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What narrows it.
    pub filter: Filter,
    /// When it was seen.
    pub range: Range,
    /// Also what is hidden unless it is asked for.
    pub all: bool,
    /// Behind which row it goes on.
    pub after: Option<Position>,
    /// How many rows.
    pub limit: usize,
    /// What time it is.
    pub now: Timestamp,
}

impl Question {
    /// What a cursor belongs to: the same question, whenever it is asked again.
    pub fn name(&self, list: crate::filter::List) -> String {
        let range = self.range.parameters().into_iter().map(|(name, value)| format!("&{name}={value}"));
        format!("{}?q={}&all={}{}", list.path(), self.filter.canonical(), self.all, range.collect::<String>())
    }
}

/// What is not shown unless it is asked for, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hidden {
    /// Groups or cases that are muted.
    pub muted: i64,
    /// That a person has settled: wrong, wanted, closed.
    pub settled: i64,
}

#[cfg(test)]
pub(crate) mod tests;
