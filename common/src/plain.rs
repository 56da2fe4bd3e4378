//! Plain lists: one indicator a line, `#` starts a comment. Read by the collector's import and by `inspect`.

use crate::indicator::{BadPattern, Pattern};
use crate::limits::PLAIN_LINE_MAX_OCTETS;
use crate::pattern::{PatternRef, Scratch, read_plain};

/// A line that is no indicator; the rest of the list is loaded all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: \"{text}\" is not an indicator: {why}")]
pub struct BadLine {
    /// Line number, from 1.
    pub line: usize,
    /// The line as it stands, cut and with odd characters escaped.
    pub text: String,
    /// What is wrong and what would be right.
    pub why: WhyBad,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyBad {
    /// It is no pattern.
    #[error("{0}")]
    Pattern(#[from] BadPattern),
    /// It is no text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Too long.
    #[error("it is longer than {PLAIN_LINE_MAX_OCTETS} bytes")]
    TooLong,
}

/// Reads a whole list; each line gives a pattern with its line number, a refusal, or nothing (blank, comment).
pub fn read(list: &[u8]) -> impl Iterator<Item = Result<(usize, Pattern), BadLine>> {
    let mut scratch = Scratch::new();
    list.split(|&byte| byte == b'\n').enumerate().filter_map(move |(index, line)| {
        let mut read = None;
        read_line(index + 1, line, &mut scratch, &mut |number, line| {
            read = Some(line.map(|pattern| (number, pattern.to_owned())));
        });
        read
    })
}

/// What a list's reader is told of each line that is not blank: its number from 1, the pattern or what is wrong.
pub type Line<'a> = Result<PatternRef<'a>, BadLine>;

/// A list read block by block, without ever holding more of it than a line.
#[derive(Debug)]
pub struct Reader {
    /// Lines that have ended.
    lines: usize,
    /// The beginning of a line whose end is in a later block.
    begun: Vec<u8>,
    scratch: Scratch,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new()
    }
}

impl Reader {
    /// At the beginning of a list.
    pub fn new() -> Reader {
        Reader { lines: 0, begun: Vec::new(), scratch: Scratch::new() }
    }

    /// Reads the next block and tells `take` its lines as [`read`] gives them.
    pub fn read(&mut self, block: &[u8], mut take: impl FnMut(usize, Line<'_>)) {
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', block) {
            let line = block.get(from..end).unwrap_or_default();
            from = end + 1;
            self.lines += 1;
            if self.begun.is_empty() {
                read_line(self.lines, line, &mut self.scratch, &mut take);
            } else {
                self.keep(line);
                read_line(self.lines, &self.begun, &mut self.scratch, &mut take);
                self.begun.clear();
            }
        }
        self.keep(block.get(from..).unwrap_or_default());
    }

    /// The list has ended: its last line may have no line's end.
    pub fn finish(mut self, mut take: impl FnMut(usize, Line<'_>)) {
        read_line(self.lines + 1, &self.begun, &mut self.scratch, &mut take);
    }

    /// Keeps as much of a line as tells that it is too long, and no more.
    fn keep(&mut self, part: &[u8]) {
        let room = (BOM.len() + PLAIN_LINE_MAX_OCTETS + 1).saturating_sub(self.begun.len());
        self.begun.extend_from_slice(part.get(..room).unwrap_or(part));
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

fn read_line(number: usize, line: &[u8], scratch: &mut Scratch, take: &mut impl FnMut(usize, Line<'_>)) {
    let line = if number == 1 { line.strip_prefix(BOM).unwrap_or(line) } else { line };
    // Nearly every line of nearly every list.
    if let Some(pattern) = read_plain(line.strip_suffix(b"\r").unwrap_or(line), scratch) {
        return take(number, Ok(pattern));
    }
    let refuse = |why: WhyBad| {
        let shown: String = String::from_utf8_lossy(line).trim().chars().take(80).collect();
        BadLine { line: number, text: shown.escape_debug().to_string(), why }
    };
    if line.len() > PLAIN_LINE_MAX_OCTETS {
        return take(number, Err(refuse(WhyBad::TooLong)));
    }
    let value = line.split(|&byte| byte == b'#').next().unwrap_or_default();
    // A comment may be in any encoding; only the value must be text.
    let Ok(value) = std::str::from_utf8(value) else {
        return take(number, Err(refuse(WhyBad::NotText)));
    };
    let value = value.trim();
    if value.is_empty() {
        return;
    }
    if let Some(pattern) = read_plain(value.as_bytes(), scratch) {
        return take(number, Ok(pattern));
    }
    match value.parse::<Pattern>() {
        Ok(pattern) => take(number, Ok((&pattern).into())),
        Err(why) => take(number, Err(refuse(why.into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_lines_are_read_around_bad_ones() {
        let list = "\u{feff}# header\r\nevil.no # why\r\n\r\nblåbær.no\r\n 192.0.2.0/24 \n\u{a0}\nok.no";
        let (good, bad): (Vec<_>, Vec<_>) = read(list.as_bytes()).partition(Result::is_ok);
        let good: Vec<_> = good.into_iter().flatten().map(|(line, p)| (line, p.to_string())).collect();
        assert_eq!(good, [(2, "evil.no".into()), (5, "192.0.2.0/24".into()), (7, "ok.no".into())]);
        let bad: Vec<String> = bad.into_iter().filter_map(Result::err).map(|b| b.to_string()).collect();
        assert_eq!(bad.len(), 1);
        assert!(bad[0].starts_with("line 4: \"blåbær.no\""), "{}", bad[0]);
        assert!(bad[0].contains("xn--"), "{}", bad[0]);
    }

    #[test]
    fn what_reports_write_so_that_nobody_clicks_on_it_gets_a_remedy() {
        for (written, meant) in [
            ("evil[.]no", "evil.no"),
            ("hxxp://evil[.]no", "evil.no"),
            ("hxxps[:]//www[.]evil[.]no:8443/x?y", "www.evil.no:8443"),
            ("192[.]0[.]2[.]1", "192.0.2.1"),
            ("192.0.2[.]0/24", "192.0.2.0/24"),
            ("=Evil(dot)no", "=evil.no"),
        ] {
            let bad = read(written.as_bytes()).next().unwrap().unwrap_err().to_string();
            assert!(bad.contains(&format!("write {meant} (without the brackets)")), "{bad}");
        }
        let bad = read(b"hxxp://evil.no/").next().unwrap().unwrap_err().to_string();
        assert!(bad.contains("give its host name alone"), "{bad}");
        assert!(read(b"[2001:db8::1]:443").all(|line| line.is_ok()));
        let nested = ["[".repeat(1000), ".".to_owned(), "]".repeat(1000)].concat();
        for nothing in ["a[.][.]b[.]no", "[.]", "hxxp[:]//", nested.as_str()] {
            let bad = read(nothing.as_bytes()).next().unwrap().unwrap_err().to_string();
            assert!(!bad.contains("without the brackets"), "{bad}");
        }
    }

    fn in_blocks(list: &[u8], octets: usize) -> Vec<Result<(usize, Pattern), BadLine>> {
        let mut read = Vec::new();
        let mut take = |number, line: Line<'_>| read.push(line.map(|pattern| (number, pattern.to_owned())));
        let mut reader = Reader::new();
        list.chunks(octets).for_each(|block| reader.read(block, &mut take));
        reader.finish(take);
        read
    }

    #[test]
    fn a_line_without_end_is_refused_and_not_kept() {
        let mut reader = Reader::new();
        let mut refused = Vec::new();
        for _ in 0..100 {
            reader.read(&[b'a'; 5000], |number, line| refused.push((number, line.is_err())));
            assert!(reader.begun.len() <= 4100);
        }
        reader.read(b"\nevil.no\n", |number, line| refused.push((number, line.is_err())));
        assert_eq!(refused, [(1, true), (2, false)]);
    }

    proptest! {
        #[test]
        fn block_by_block_is_the_same_as_whole(
            lines in prop::collection::vec("(=?[a-c]{1,3}\\.no|10\\.0\\.0\\.[0-9]{1,3}(/[0-9]{1,2})?|[ #a.\u{e5}\u{feff}-]{0,9})[ \r]?(# x)?", 0..20),
            octets in 1usize..40,
        ) {
            let list = lines.join("\n");
            prop_assert_eq!(in_blocks(list.as_bytes(), octets), read(list.as_bytes()).collect::<Vec<_>>());
        }

        #[test]
        fn hostile_lists_never_panic(list in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = read(&list).count();
        }
    }
}
