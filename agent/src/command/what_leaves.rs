//! `varde-agent what-leaves`: a real example of everything that can leave the building, and what never does.

use std::io::Write;

use serde::Serialize;
use varde_common::trust::hex;

use super::Failure;
use super::doctor::language;
use crate::doctor::words::{Language, Words};
use crate::leaves::{Leaving, Sort, all};

/// Prints a real example of everything that leaves the building, with its size, and what never leaves.
///
/// The examples are made by the program that sends them, of invented values. All but what is marked "around" goes inside TLS 1.3,
/// to the collector alone. For who answers to the data protection officer.
///
/// --json prints one object a line: {name, sort (message, record, word, around), kind, octets, hex, fields, what}.
#[derive(Debug, clap::Args)]
pub struct WhatLeavesArgs {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// In this language; else that of the locale.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Language>,
}

#[derive(Debug, Serialize)]
struct Printed<'a> {
    name: &'static str,
    sort: Sort,
    kind: Option<u16>,
    octets: usize,
    hex: String,
    fields: &'a str,
    what: String,
}

/// Prints it.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &WhatLeavesArgs) -> Result<(), Failure> {
    let failed = |error: String| Failure::new(error, "report this to the makers of Varde");
    let words = Words::of(args.lang.unwrap_or_else(language));
    let leaving = all().map_err(|error| failed(error.to_string()))?;
    let mut text = String::new();
    if args.json {
        for one in &leaving {
            let Leaving { name, sort, kind, octets, fields } = one;
            let what = what(&words, one);
            let (sort, kind, name) = (*sort, *kind, *name);
            let printed = Printed { name, sort, kind, octets: octets.len(), hex: hex(octets), fields, what };
            text.push_str(&serde_json::to_string(&printed).map_err(|error| failed(error.to_string()))?);
            text.push('\n');
        }
    } else {
        text = in_words(&leaving, &words);
    }
    // Whoever has read enough (a pager, head) closes the pipe, and nothing is wrong.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn what(words: &Words, one: &Leaving) -> String {
    words.text(&format!("leaves-{}", one.name), &[])
}

fn in_words(leaving: &[Leaving], words: &Words) -> String {
    let mut lines = vec![words.text("leaves-about", &[])];
    for sort in [Sort::Record, Sort::Message, Sort::Word, Sort::Around] {
        lines.push(String::new());
        lines.push(match sort {
            Sort::Record => words.text("leaves-sort-record", &[]),
            Sort::Message => words.text("leaves-sort-message", &[]),
            Sort::Word => words.text("leaves-sort-word", &[]),
            Sort::Around => words.text("leaves-sort-around", &[]),
        });
        for one in leaving.iter().filter(|one| one.sort == sort) {
            lines.push(format!("- {} ({} B): {}", one.name, one.octets.len(), what(words, one)));
            lines.push(format!("    {}", one.fields));
        }
    }
    lines.push(String::new());
    lines.push(words.text("leaves-never", &[]));
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_leaves_is_told_in_words_in_every_language() {
        let leaving = all().unwrap();
        for language in Language::ALL {
            let words = Words::of(language);
            for one in &leaving {
                let said = what(&words, one);
                assert!(said.ends_with('.') && !said.starts_with("leaves-"), "{language:?}: {said}");
            }
            let told = in_words(&leaving, &words);
            assert!(told.contains("- alert-opened (") && told.contains("H-"), "{told}");
        }
        // And nothing is explained that does not leave.
        let text = include_str!("../../texts/nb.ftl");
        let told =
            text.lines().filter_map(|line| line.strip_prefix("leaves-")?.split_once(" = ")).map(|(name, _)| name);
        let others = ["about", "never", "sort-record", "sort-message", "sort-word", "sort-around"];
        for name in told.filter(|name| !others.contains(name)) {
            assert!(leaving.iter().any(|one| one.name == name), "{name}");
        }
    }
}
