//! Listings: a table for people, one JSON object a line for programs.

use std::io::{self, ErrorKind, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use varde_common::time::Timestamp;

/// Prints one JSON object a line; `false` = nobody reads any more (`| head`), which is no error.
///
/// # Errors
/// When standard output cannot be written.
pub fn json_page<T: Serialize>(rows: &[T]) -> anyhow::Result<bool> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for row in rows {
        let mut line = serde_json::to_vec(row)?;
        line.push(b'\n');
        if !written(out.write_all(&line))? {
            return Ok(false);
        }
    }
    written(out.flush())
}

/// Prints a whole listing, one JSON object a line.
///
/// # Errors
/// When standard output cannot be written.
pub fn json_lines<T: Serialize>(rows: &[T]) -> anyhow::Result<()> {
    json_page(rows).map(|_read_on| ())
}

/// An empty table with these column heads, as wide as the terminal.
pub fn grid(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_header(heads);
    table
}

/// Prints a table, or what is said where there is nothing.
///
/// # Errors
/// When standard output cannot be written.
pub fn table(heads: &[&str], rows: Vec<Vec<String>>, nothing: &str) -> anyhow::Result<()> {
    if rows.is_empty() {
        return line(nothing);
    }
    let mut table = grid(heads);
    for row in rows {
        table.add_row(row.into_iter().map(printable));
    }
    line(&table.to_string())
}

/// Prints text as it is; `false` = nobody reads any more.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(text: &str) -> anyhow::Result<bool> {
    written(io::stdout().lock().write_all(text.as_bytes()))
}

/// Prints a line on standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn line(text: &str) -> anyhow::Result<()> {
    written(writeln!(io::stdout().lock(), "{text}"))?;
    Ok(())
}

/// Says something to the person at the keyboard, on standard error.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn written(result: io::Result<()>) -> anyhow::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Text from outside must not steer the terminal.
fn printable(text: String) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text }
}

/// A time for a table, where there is one: UTC to the second, or a dash.
pub fn shown(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), moment)
}

/// A time for a table: UTC to the second.
pub fn moment(at: Timestamp) -> String {
    let full = at.to_string();
    full.get(..19).map_or(full.clone(), |cut| format!("{cut}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_safe_and_short() {
        assert_eq!(printable("a\u{1b}[2J".into()), "a\\u{1b}[2J");
        assert_eq!(shown(None), "-");
        assert_eq!(shown(Some(Timestamp(1_763_733_900_123_456))), "2025-11-21T14:05:00Z");
    }
}
