//! The pages of advisories and of the bank of measures, written out.

use askama::Template;

use super::advisory_page::{ListView, MeasureView, PageView, Piece};
use super::page::{Extent, Head};
use super::text::{Language, Texts};

#[derive(Template)]
#[template(path = "advisories.html", blocks = ["content"])]
struct ListPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a ListView,
}

#[derive(Template)]
#[template(path = "advisory.html", blocks = ["content"])]
struct AdvisoryPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a PageView,
}

#[derive(Template)]
#[template(path = "measures.html", blocks = ["content"])]
struct BankPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    v: &'a [MeasureView],
}

/// The list of advisories.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn list_page(head: &Head, view: &ListView, extent: Extent) -> askama::Result<String> {
    let page = ListPage { head, t: Texts::of(head.language), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// An advisory's page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn advisory_page(head: &Head, view: &PageView, extent: Extent) -> askama::Result<String> {
    let page = AdvisoryPage { head, t: Texts::of(head.language), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// The bank's page.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn bank_page(head: &Head, view: &[MeasureView], extent: Extent) -> askama::Result<String> {
    let page = BankPage { head, t: Texts::of(head.language), v: view };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}
