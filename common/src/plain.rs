//! Plain lists: one indicator a line, `#` starts a comment. Read by the collector's import and by `inspect`.

use crate::indicator::{BadPattern, Pattern};
use crate::limits::PLAIN_LINE_MAX_OCTETS;

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
    let list = list.strip_prefix(b"\xef\xbb\xbf").unwrap_or(list);
    list.split(|&byte| byte == b'\n').enumerate().filter_map(|(index, line)| read_line(index + 1, line))
}

fn read_line(number: usize, line: &[u8]) -> Option<Result<(usize, Pattern), BadLine>> {
    let refuse = |why: WhyBad| {
        let shown: String = String::from_utf8_lossy(line).trim().chars().take(80).collect();
        BadLine { line: number, text: shown.escape_debug().to_string(), why }
    };
    if line.len() > PLAIN_LINE_MAX_OCTETS {
        return Some(Err(refuse(WhyBad::TooLong)));
    }
    let value = line.split(|&byte| byte == b'#').next().unwrap_or_default();
    // A comment may be in any encoding; only the value must be text.
    let Ok(value) = std::str::from_utf8(value) else {
        return Some(Err(refuse(WhyBad::NotText)));
    };
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    Some(value.parse().map(|pattern| (number, pattern)).map_err(|why: BadPattern| refuse(why.into())))
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

    proptest! {
        #[test]
        fn hostile_lists_never_panic(list in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = read(&list).count();
        }
    }
}
