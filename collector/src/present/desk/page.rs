//! The pages of the lists. Everything goes through the templates' escaping.

use askama::Template;

use super::alerts::AlertList;
use super::bar::Bar;
use super::cases::CaseList;
use super::done::{DeedLine, DoneView};
use super::muted::MutedView;
use crate::present::page::{Extent, Head};
use crate::present::text::{Language, Texts};

/// What may be done from a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desk {
    /// The reader may triage.
    pub may_work: bool,
    /// The reader is somebody who keeps views.
    pub may_save: bool,
    /// What was just done, and can be undone.
    pub done: Option<DeedLine>,
}

#[derive(Template)]
#[template(path = "alarms.html", blocks = ["content"])]
struct AlertsPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    bar: &'a Bar,
    v: &'a AlertList,
    desk: &'a Desk,
}

#[derive(Template)]
#[template(path = "cases.html", blocks = ["content"])]
struct CasesPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    bar: &'a Bar,
    v: &'a CaseList,
    desk: &'a Desk,
}

#[derive(Template)]
#[template(path = "done.html", blocks = ["content"])]
struct DonePage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a DoneView,
}

#[derive(Template)]
#[template(path = "undo.html", blocks = ["content"])]
struct UndoPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a [DeedLine],
    refused: Option<&'a str>,
    undone: bool,
}

#[derive(Template)]
#[template(path = "muted.html", blocks = ["content"])]
struct MutedListPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a MutedView,
}

fn texts(head: &Head) -> &'static Texts {
    Texts::of(head.language)
}

/// The alert list.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn alerts(head: &Head, bar: &Bar, v: &AlertList, desk: &Desk, extent: Extent) -> askama::Result<String> {
    let page = AlertsPage { head, t: texts(head), bar, v, desk };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// The incident list, or the campaign list.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn cases(head: &Head, bar: &Bar, v: &CaseList, desk: &Desk, extent: Extent) -> askama::Result<String> {
    let page = CasesPage { head, t: texts(head), bar, v, desk };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// What came of a deed.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn done(head: &Head, v: &DoneView) -> askama::Result<String> {
    DonePage { head, t: texts(head), v }.render()
}

/// All that is muted.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn muted(head: &Head, v: &MutedView) -> askama::Result<String> {
    MutedListPage { head, t: texts(head), v }.render()
}

/// What can be undone; `refused` says why something was not, `undone` that something was.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn undo(head: &Head, v: &[DeedLine], refused: Option<&str>, undone: bool) -> askama::Result<String> {
    UndoPage { head, t: texts(head), v, refused, undone }.render()
}
