//! Lines of a text, each held to a bound, told by number.

use std::io::BufRead;
use std::ops::ControlFlow;

use super::{BadFile, Item, LeftOut, Place};
use crate::limits::FEED_LINE_MAX_OCTETS;

/// A line without its end; or why it is none.
pub(super) type Line<'a> = Result<&'a str, &'static str>;

/// Tells `take` every line with its number, without its end; of one that is too long or no text, why it is none.
pub(super) fn each(
    input: &mut dyn BufRead,
    take: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let (mut line, mut number, mut is_long) = (Vec::new(), 0, false);
    loop {
        let block = input.fill_buf()?;
        let (part, used, ends) = match memchr::memchr(b'\n', block) {
            Some(end) => (block.get(..end).unwrap_or_default(), end + 1, true),
            None => (block, block.len(), false),
        };
        let is_over = used == 0;
        let room = FEED_LINE_MAX_OCTETS.saturating_sub(line.len());
        is_long |= part.len() > room;
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        input.consume(used);
        if !ends && !is_over {
            continue;
        }
        if is_over && line.is_empty() {
            return Ok(());
        }
        number += 1;
        let told = match is_long {
            true => Err("is longer than 64 KiB"),
            false => {
                let octets = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
                let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
                std::str::from_utf8(octets).map_err(|_| "is not UTF-8 text; save it as UTF-8")
            }
        };
        if take(number, told).is_break() || is_over {
            return Ok(());
        }
        line.clear();
        is_long = false;
    }
}

/// That something on a line is left out.
pub(super) fn left_out(line: u64, text: &str, why: impl Into<String>) -> Item {
    let shown: String = text.trim().chars().take(80).collect();
    Item::LeftOut(LeftOut { place: Place::Line(line), text: shown.escape_debug().to_string(), why: why.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn read(text: &[u8], capacity: usize) -> Vec<(u64, Result<String, String>)> {
        let mut lines = Vec::new();
        each(&mut BufReader::with_capacity(capacity, text), &mut |number, line| {
            lines.push((number, line.map(str::to_owned).map_err(str::to_owned)));
            ControlFlow::Continue(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn lines_are_the_same_however_they_come_and_a_long_one_hides_no_other() {
        let long = "x".repeat(FEED_LINE_MAX_OCTETS + 1);
        let text = format!("\u{feff}a\r\n\nb\n{long}\nc\n").into_bytes();
        let text = [text.as_slice(), b"\xff\nlast"].concat();
        for capacity in [1, 7, 1 << 16] {
            let lines = read(&text, capacity);
            let shown: Vec<_> = lines.iter().map(|(n, line)| (*n, line.as_deref().unwrap_or("?"))).collect();
            assert_eq!(shown, [(1, "a"), (2, ""), (3, "b"), (4, "?"), (5, "c"), (6, "?"), (7, "last")]);
        }
        assert!(read(b"", 10).is_empty());
    }
}
