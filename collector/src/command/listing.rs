//! Prints a listing: a table for people, or one JSON object a line for programs.

use std::io::{self, ErrorKind, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use varde_common::time::Timestamp;

/// Writes text to standard output. A reader that has seen enough (`| head`) is no error: `false` = stop.
pub(super) fn print(text: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Prints each item as one JSON object on a line of its own; `false` = nobody reads any more.
pub(super) fn print_json<T: Serialize>(items: &[T]) -> anyhow::Result<bool> {
    let mut text = String::new();
    for item in items {
        text.push_str(&serde_json::to_string(item)?);
        text.push('\n');
    }
    print(&text)
}

/// An empty table with these column heads.
pub(super) fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_header(heads);
    table
}

/// A time for people, to the second.
pub(super) fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{}Z", seconds.replace('T', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(moment(Timestamp(1_763_733_900_999_999)), "2025-11-21 14:05:00Z");
    }

    #[test]
    fn a_table_has_its_heads() {
        let mut table = table(&["ID", "NAME"]);
        table.add_row(["1", "Gjøvik"]);
        let text = table.to_string();
        assert!(text.contains("NAME") && text.contains("Gjøvik"), "{text}");
    }
}
