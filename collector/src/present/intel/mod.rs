//! Intelligence on the pages: indicators and who says so, drafts, sources, and what is published.

use crate::eyes::account_name;
use crate::present::shown::Shown;
use crate::present::text::Texts;

pub mod draft;
pub mod list;
pub mod lists;
pub mod one;
pub mod page;
pub mod sources;

/// Somebody whom the audit names, as pages do: an account by its name.
fn person(who: &str, texts: &Texts) -> Shown {
    match account_name(who) {
        Some(name) => Shown::of(&texts.with("intel-account", &[("name", Shown::of(name).as_str())])),
        None => Shown::of(who),
    }
}

/// Several.
fn people(all: &[String], texts: &Texts) -> Shown {
    let all: Vec<String> = all.iter().map(|who| person(who, texts).to_string()).collect();
    Shown::of(&all.join(", "))
}
