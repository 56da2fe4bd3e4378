//! The pages of coming in: signing in, and one-time links.

use askama::Template;

use super::page::{Extent, Head};
use super::text::{Language, Texts};
use crate::store::account::LinkKind;

#[derive(Template)]
#[template(path = "sign_in.html", blocks = ["content"])]
struct SignInPage<'a> {
    head: &'a Head,
    t: &'static Texts,
}

#[derive(Template)]
#[template(path = "link.html", blocks = ["content"])]
struct LinkPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    kind: LinkKind,
    name: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "spent.html", blocks = ["content"])]
struct SpentPage<'a> {
    head: &'a Head,
    t: &'static Texts,
}

#[derive(Template)]
#[template(path = "screen.html", blocks = ["content"])]
struct ScreenPage<'a> {
    head: &'a Head,
    t: &'static Texts,
    wrong: bool,
}

/// Where a screen is given its token; whether the one that was given is none.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn screen(head: &Head, wrong: bool, extent: Extent) -> askama::Result<String> {
    let page = ScreenPage { head, t: head.texts(), wrong };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// Where one signs in.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn sign_in(head: &Head, extent: Extent) -> askama::Result<String> {
    let page = SignInPage { head, t: head.texts() };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// What a one-time link is good for.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn link(head: &Head, kind: LinkKind, name: Option<&str>, extent: Extent) -> askama::Result<String> {
    let page = LinkPage { head, t: head.texts(), kind, name };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}

/// A link that is good no longer.
///
/// # Errors
/// None of ours; the template's type demands it.
pub fn spent(head: &Head, extent: Extent) -> askama::Result<String> {
    let page = SpentPage { head, t: head.texts() };
    match extent {
        Extent::Whole => page.render(),
        Extent::Fragment => page.as_content().render(),
    }
}
