//! The pages of intelligence, written out by their templates. Everything goes through the templates' escaping.

use askama::Template;

use super::draft::{DraftPage, PasteView};
use super::list::ListView;
use super::lists::ListsView;
use super::one::OneView;
use super::sources::SourcesView;
use crate::present::page::{Extent, Head};
use crate::present::shown::Shown;
use crate::present::text::{Language, Texts};

#[derive(Template)]
#[template(path = "indicators.html", blocks = ["content"])]
struct ListPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a ListView,
}

#[derive(Template)]
#[template(path = "indicator.html", blocks = ["content"])]
struct OnePage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a OneView,
    may_publish: bool,
}

#[derive(Template)]
#[template(path = "paste.html")]
struct PastePage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a PasteView,
}

#[derive(Template)]
#[template(path = "draft.html")]
struct NextPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a DraftPage,
    may_publish: bool,
}

#[derive(Template)]
#[template(path = "sources.html", blocks = ["content"])]
struct SourcesPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a SourcesView,
    may_publish: bool,
}

#[derive(Template)]
#[template(path = "lists.html", blocks = ["content"])]
struct ListsPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a ListsView,
    may_publish: bool,
}

/// Why something was not done, in the words that commands have.
pub fn refusal(error: &anyhow::Error, texts: &Texts) -> String {
    let why = Shown::of(&format!("{error:#}"));
    texts.with("intel-refused", &[("why", why.as_str())])
}

/// The list of indicators.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn list(head: &Head, v: &ListView, extent: Extent) -> askama::Result<String> {
    let page = ListPage { head, t: head.texts(), v };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// One indicator; `may_publish` = the reader may recall it, and say that it goes out in spite of lint.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn one(head: &Head, v: &OneView, may_publish: bool, extent: Extent) -> askama::Result<String> {
    let page = OnePage { head, t: head.texts(), v, may_publish };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// Where a warning is pasted. It is not renewed by itself: somebody writes there.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn paste(head: &Head, v: &PasteView) -> askama::Result<String> {
    PastePage { head, t: head.texts(), v }.render()
}

/// The draft of the next list; `may_publish` = the reader may look it through and publish it.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn draft(head: &Head, v: &DraftPage, may_publish: bool) -> askama::Result<String> {
    NextPage { head, t: head.texts(), v, may_publish }.render()
}

/// Where intelligence is fetched from; `may_publish` = the reader may let a source rest and have it fetched.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn sources(head: &Head, v: &SourcesView, may_publish: bool, extent: Extent) -> askama::Result<String> {
    let page = SourcesPage { head, t: head.texts(), v, may_publish };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// What was published; `may_publish` = the reader may recall.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn lists(head: &Head, v: &ListsView, may_publish: bool, extent: Extent) -> askama::Result<String> {
    let page = ListsPage { head, t: head.texts(), v, may_publish };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}
