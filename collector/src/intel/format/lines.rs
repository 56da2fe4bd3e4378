//! Lines of a text, each held to a bound, told by number; and entries that go on over several lines, each held to a few.

use std::collections::VecDeque;
use std::io::BufRead;
use std::ops::ControlFlow;

use super::{BadFile, Item, LeftOut, Place};
use crate::limits::{FEED_ENTRY_MAX_LINES, FEED_LINE_MAX_OCTETS, FEED_WORD_SHOWN_CHARACTERS};

/// A line without its end; or why it is none.
pub(super) type Line<'a> = Result<&'a str, &'static str>;
/// The same before anybody asks whether it is text.
type Octets<'a> = Result<&'a [u8], &'static str>;

const UTF_16: &str = "it is UTF-16, as Windows PowerShell writes; save it as UTF-8, or: iconv -f UTF-16 -t UTF-8";

/// Whether a text begins as UTF-16 does: with its mark, or every other octet of ASCII letters is nothing.
pub(super) fn is_utf_16(head: &[u8]) -> bool {
    let every_other = |from: usize| {
        let mut octets = head.iter().skip(from).step_by(2).take(32).peekable();
        octets.peek().is_some() && octets.all(|&octet| octet == 0)
    };
    head.starts_with(b"\xff\xfe")
        || head.starts_with(b"\xfe\xff")
        || (head.len() >= 8 && every_other(0) != every_other(1))
}

/// Tells `take` every line with its number, without its end: as octets, or why it is none.
pub(super) fn each_of_octets(
    input: &mut dyn BufRead,
    take: &mut dyn FnMut(u64, Octets<'_>) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let (mut line, mut number, mut is_long, mut is_behind_cr) = (Vec::new(), 0, false, false);
    if is_utf_16(input.fill_buf()?) {
        return Err(BadFile::Format(UTF_16.to_owned()));
    }
    loop {
        let block = input.fill_buf()?;
        // CR alone ends a line too, as old programs write; CR LF is one end.
        if is_behind_cr && block.first() == Some(&b'\n') {
            input.consume(1);
            is_behind_cr = false;
            continue;
        }
        let (part, used, ends) = match memchr::memchr2(b'\n', b'\r', block) {
            Some(end) => (block.get(..end).unwrap_or_default(), end + 1, true),
            None => (block, block.len(), false),
        };
        let is_over = used == 0;
        is_behind_cr = ends && block.get(part.len()) == Some(&b'\r');
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
            true => Err("is longer than 64 KiB, which no entry of a list is"),
            false => Ok(if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line }),
        };
        if take(number, told).is_break() || is_over {
            return Ok(());
        }
        line.clear();
        is_long = false;
    }
}

/// Octets as text.
///
/// # Errors
/// Why they are none, and what would be right.
pub(super) fn text_of(octets: &[u8]) -> Line<'_> {
    if memchr::memchr(0, octets).is_some() {
        return Err("holds NUL octets, which no text does: the file is binary, or was cut off while it was written");
    }
    match std::str::from_utf8(octets) {
        Ok(text) => Ok(text),
        // Æ, Ø, Å, æ, ø, å as the western European sets of Windows and Unix have them.
        Err(_) if octets.iter().any(|octet| matches!(octet, 0xc5 | 0xc6 | 0xd8 | 0xe5 | 0xe6 | 0xf8)) => Err(
            "is not UTF-8 text but looks like Latin-1 (Windows-1252); save it as UTF-8, or: iconv -f WINDOWS-1252 -t UTF-8",
        ),
        Err(_) => Err("is not UTF-8 text; save it as UTF-8"),
    }
}

/// Tells `take` every line with its number, without its end; of one that is too long or no text, why it is none.
pub(super) fn each(
    input: &mut dyn BufRead,
    take: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    each_of_octets(input, &mut |number, octets| {
        let octets = match octets {
            Ok(octets) => octets,
            Err(why) => return take(number, Err(why)),
        };
        // A comment may be in any encoding; nobody reads it.
        let is_comment = matches!(octets.trim_ascii_start(), [b'#' | b';', ..]);
        match std::str::from_utf8(octets) {
            Err(error) if is_comment => {
                let text = octets.get(..error.valid_up_to()).unwrap_or_default();
                take(number, text_of(text))
            }
            Ok(_) | Err(_) => take(number, text_of(octets)),
        }
    })
}

/// An entry under way.
#[derive(Debug, Default)]
struct Begun {
    lines: VecDeque<(u64, String)>,
    octets: usize,
    /// As the format's reader left it.
    state: u32,
}

/// Tells `take` every entry with the number of its first line: a line, and the next ones for as long as `scan`, given its
/// state before and a line, says that it is anything but 0. One that does not end within a few lines is refused by its first
/// line alone, and the reading goes on with the line behind that.
pub(super) fn each_entry(
    input: &mut dyn BufRead,
    never_ends: &'static str,
    scan: &mut dyn FnMut(u32, &str) -> u32,
    take: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let mut begun = Begun::default();
    each(input, &mut |number, line| match line {
        Ok(line) => begun.line(number, line, never_ends, scan, take),
        Err(why) => {
            begun.close(never_ends, scan, take)?;
            take(number, Err(why))
        }
    })?;
    let _ = begun.close(never_ends, scan, take);
    Ok(())
}

impl Begun {
    fn line(
        &mut self,
        number: u64,
        line: &str,
        never_ends: &'static str,
        scan: &mut dyn FnMut(u32, &str) -> u32,
        take: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.state = scan(self.state, line);
        if self.lines.is_empty() && self.state == 0 {
            return take(number, Ok(line));
        }
        self.octets += line.len();
        self.lines.push_back((number, line.to_owned()));
        if self.state == 0 {
            let lines = std::mem::take(self).lines;
            let first = lines.front().map_or(number, |(number, _)| *number);
            let entry: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
            return take(first, Ok(&entry.join("\n")));
        }
        if self.lines.len() >= FEED_ENTRY_MAX_LINES || self.octets > FEED_LINE_MAX_OCTETS {
            return self.give_up(never_ends, scan, take);
        }
        ControlFlow::Continue(())
    }

    /// Refuses what its first line began, and reads those behind it anew.
    fn give_up(
        &mut self,
        never_ends: &'static str,
        scan: &mut dyn FnMut(u32, &str) -> u32,
        take: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut again = std::mem::take(self).lines;
        let Some((number, _)) = again.pop_front() else { return ControlFlow::Continue(()) };
        take(number, Err(never_ends))?;
        // Fewer than before: it comes to an end, and no line is read more often than an entry may have lines.
        for (number, line) in again {
            self.line(number, &line, never_ends, scan, take)?;
        }
        ControlFlow::Continue(())
    }

    /// No more of it comes.
    fn close(
        &mut self,
        never_ends: &'static str,
        scan: &mut dyn FnMut(u32, &str) -> u32,
        take: &mut dyn FnMut(u64, Line<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while !self.lines.is_empty() {
            self.give_up(never_ends, scan, take)?;
        }
        ControlFlow::Continue(())
    }
}

/// Others' words as a sentence may hold them: cut, and nothing that a terminal obeys.
pub(super) fn printable(text: &str, max_characters: usize) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        match character {
            _ if count == max_characters => return shown + "…",
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// A word of the file's own as a sentence may quote it.
pub(super) fn word(text: &str) -> String {
    printable(text.trim(), FEED_WORD_SHOWN_CHARACTERS)
}

/// That something on a line is left out.
pub(super) fn left_out(line: u64, text: &str, why: impl AsRef<str>) -> Item {
    let shown: String = text.trim().chars().take(FEED_WORD_SHOWN_CHARACTERS).collect();
    // A reason may quote what is wrong, which may be anything.
    let why = printable(why.as_ref(), 5 * FEED_WORD_SHOWN_CHARACTERS);
    Item::LeftOut(LeftOut { place: Place::Line(line), text: shown.escape_debug().to_string(), why })
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

    #[test]
    fn what_is_no_text_is_told_by_what_it_is() {
        for (octets, told) in [
            (b"b\xf8rnehage.example".as_slice(), "iconv -f WINDOWS-1252"),
            (b"evil\0.example", "NUL"),
            (b"evil\x80.example", "not UTF-8"),
        ] {
            let lines = read(octets, 100);
            let why = lines[0].1.as_ref().unwrap_err();
            assert!(why.contains(told), "{why}");
        }
        assert_eq!(read(b"# bl\xe5b\xe6r\nx", 100), [(1, Ok("# bl".to_owned())), (2, Ok("x".to_owned()))]);
        for wide in [b"\xff\xfee\0v\0".as_slice(), b"\xfe\xff\0e\0v", b"e\0v\0i\0l\0.\0e\0x\0"] {
            let ended = each(&mut BufReader::new(wide), &mut |_, _| ControlFlow::Continue(()));
            assert!(ended.unwrap_err().to_string().contains("iconv -f UTF-16"));
        }
        assert!(!is_utf_16(b"") && !is_utf_16(b"\0\0\0\0\0\0\0\0\0\0") && !is_utf_16(b"evil.example\n"));
    }

    #[test]
    fn an_entry_that_never_ends_costs_its_first_line_and_no_other() {
        let entries = |text: &str| {
            let mut told = Vec::new();
            let mut open =
                |state: u32, line: &str| (state + line.matches('(').count() as u32) * u32::from(!line.contains(')'));
            each_entry(&mut BufReader::new(text.as_bytes()), "!", &mut open, &mut |number, entry| {
                told.push(format!("{number}{}", entry.unwrap_or("!")));
                ControlFlow::Continue(())
            })
            .unwrap();
            told
        };
        assert_eq!(entries("a\n(b\nc)\nd"), ["1a", "2(b\nc)", "4d"]);
        assert_eq!(entries("(a\nb\n(c\nd"), ["1!", "2b", "3!", "4d"]);
        let long = format!("(a\n{}", "b\n".repeat(3 * FEED_ENTRY_MAX_LINES));
        let told = entries(&long);
        assert_eq!((told.len(), told[0].as_str(), told[1].as_str()), (3 * FEED_ENTRY_MAX_LINES + 1, "1!", "2b"));
        // Each of them begins one: none is read more often than an entry may have lines.
        assert!(entries(&"(\n".repeat(2000)).iter().all(|entry| entry.ends_with('!')));
    }

    #[test]
    fn others_words_are_cut_and_obeyed_by_no_terminal() {
        assert_eq!(printable("a\u{1b}[31m\"b\u{202e}c\nd", 80), "a\\u{1b}[31m\"b\\u{202e}c\\nd");
        assert_eq!(printable("æøå\u{301}", 2), "æø…");
        let Item::LeftOut(told) = left_out(1, "x", format!("is \"{}\"", "\u{7}y".repeat(500))) else { panic!() };
        assert!(told.why.len() < 5_000 && !told.why.contains('\u{7}'));
    }
}
