//! All that is muted: what, where, why, by whom, until when.

use super::done::DeedLine;
use crate::present::shown::{Moment, Shown};
use crate::present::view::{IndicatorView, Reader};
use crate::store::triage::{Muted, MutedPage};

/// A muting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutedRow {
    /// `muted.id`.
    pub id: i64,
    /// What is hidden.
    pub indicator: IndicatorView,
    /// At whom.
    pub whom: Shown,
    /// Why.
    pub reason: Shown,
    /// Who said so.
    pub author: Shown,
    /// When.
    pub given_at: Moment,
    /// Until when.
    pub until: Moment,
}

impl MutedRow {
    fn of(muted: &Muted, reader: &Reader) -> MutedRow {
        let muting = &muted.muting;
        MutedRow {
            id: muting.id,
            indicator: IndicatorView::of(&muted.indicator, reader.texts),
            whom: match &muting.member {
                Some((number, name)) => Shown::of(&format!("{name} ({number})")),
                None => Shown::of(&reader.texts.say("desk-muted-everywhere")),
            },
            reason: Shown::whole(&muting.reason),
            author: Shown::of(&muting.author),
            given_at: reader.calendar.moment(muting.given_at),
            until: reader.calendar.moment(muting.until),
        }
    }
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutedView {
    /// Its rows, the latest first.
    pub rows: Vec<MutedRow>,
    /// "3 dempinger gjelder nå".
    pub total: String,
    /// The next page.
    pub next: Option<String>,
    /// It shows one indicator's alone; they are selected from the beginning.
    pub of_one: bool,
    /// The reader may end them.
    pub may_work: bool,
    /// What was just done, and can be undone.
    pub done: Option<DeedLine>,
}

impl MutedView {
    /// From what was read.
    pub fn of(page: &MutedPage, indicator: Option<i64>, desk: super::page::Desk, reader: &Reader) -> MutedView {
        let of_one = indicator.map_or(String::new(), |id| format!("indikator={id}&"));
        MutedView {
            rows: page.items.iter().map(|muted| MutedRow::of(muted, reader)).collect(),
            total: reader.texts.count("desk-muted-n", page.total),
            next: page.next.map(|next| format!("{MUTED}?{of_one}etter={next}")),
            of_one: indicator.is_some(),
            may_work: desk.may_work,
            done: desk.done,
        }
    }
}

/// Where it is.
pub const MUTED: &str = "/demping";
