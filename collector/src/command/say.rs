//! What commands say: results on standard output, explanations on standard error.

use std::io::Write;

use serde::Serialize;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::listing;
use crate::io::user;
use crate::limits::rollout::REASON_MAX_OCTETS;

/// Rows printed between two looks at whether anybody still reads.
const ROWS_AT_ONCE: usize = 1000;
/// Characters of a reason in a table: what it is shows by then, and the table still fits a screen.
const REASON_MAX_CHARACTERS: usize = 48;

/// A line on standard output: a result. A page has words of its own.
///
/// # Errors
/// When it cannot be written.
pub(super) fn result(text: &str) -> anyhow::Result<()> {
    if user::is_at_a_page() {
        tracing::debug!("{}", printable(text.to_owned()));
        return Ok(());
    }
    listing::print(&format!("{text}\n")).map(|_| ())
}

/// A line on standard error: for the person at the keyboard, not for scripts.
pub(super) fn aside(text: &str) {
    if user::is_at_a_page() {
        tracing::debug!("{}", printable(text.to_owned()));
        return;
    }
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// One JSON object a line, or a table, or what is said where there is nothing.
///
/// # Errors
/// When it cannot be written.
pub(super) fn rows<T: Serialize>(
    rows: &[T],
    json: bool,
    heads: &[&str],
    row: impl Fn(&T) -> Vec<String>,
    nothing: &str,
) -> anyhow::Result<()> {
    if json {
        for rows in rows.chunks(ROWS_AT_ONCE) {
            if !listing::print_json(rows)? {
                break;
            }
        }
        return Ok(());
    }
    if rows.is_empty() {
        aside(nothing);
        return Ok(());
    }
    let mut table = listing::table(heads);
    for one in rows {
        table.add_row(row(one).into_iter().map(printable));
    }
    result(&table.to_string())
}

/// Text from outside must not steer the terminal.
pub(super) fn printable(text: String) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text }
}

/// A reason as a table has room for it: its beginning. The whole stands on the sensor's page and in `--json`.
pub(super) fn briefly(why: &str) -> String {
    let mut rest = why.chars();
    let mut begun: String = rest.by_ref().take(REASON_MAX_CHARACTERS).collect();
    if rest.next().is_some() {
        begun.push('…');
    }
    begun
}

/// A reason that a person gives on the command line: it stands in the audit and on pages.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > REASON_MAX_OCTETS || text.chars().any(char::is_control) {
        return Err(format!("a sentence of at most {REASON_MAX_OCTETS} bytes on one line"));
    }
    Ok(text.to_owned())
}

/// How far it got, for a table.
pub(super) fn how_far(evidence: Option<Evidence>) -> String {
    evidence.map_or_else(|| "not known".to_owned(), |evidence| evidence.to_string())
}

/// A time for a table, or a dash.
pub(super) fn moment(at: Option<Timestamp>) -> String {
    at.map_or("-".to_owned(), listing::moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_does_not_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J".into()), "a\\u{1b}[2J");
        assert_eq!(printable("Gjøvik".into()), "Gjøvik");
        assert_eq!(moment(None), "-");
        assert_eq!(briefly("nei"), "nei");
        assert_eq!(briefly(&"ø".repeat(255)), format!("{}…", "ø".repeat(REASON_MAX_CHARACTERS)));
    }
}
