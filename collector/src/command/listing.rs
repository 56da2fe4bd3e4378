//! Listings: a table for people, one JSON object a line for programs.

use std::io::{self, ErrorKind, Write};

use comfy_table::{Table, presets};
use serde::Serialize;
use varde_common::time::Timestamp;

/// Prints one JSON object a line. A reader that has seen enough (`head`) is no error.
///
/// # Errors
/// When standard output cannot be written.
pub fn json_lines<T: Serialize>(rows: &[T]) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for row in rows {
        let mut line = serde_json::to_vec(row)?;
        line.push(b'\n');
        if !written(out.write_all(&line))? {
            return Ok(());
        }
    }
    written(out.flush())?;
    Ok(())
}

/// Prints a table, or what is said where there is nothing.
///
/// # Errors
/// When standard output cannot be written.
pub fn table(header: &[&str], rows: Vec<Vec<String>>, nothing: &str) -> anyhow::Result<()> {
    if rows.is_empty() {
        return line(nothing);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().map(ToString::to_string));
    for row in rows {
        table.add_row(row.into_iter().map(printable));
    }
    line(&table.to_string())
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

/// A time for a table: UTC to the second, or a dash.
pub fn shown(at: Option<Timestamp>) -> String {
    let Some(at) = at else { return "-".to_owned() };
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
