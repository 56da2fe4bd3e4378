//! A plain list: one indicator a line, as people write them: with brackets around dots, as a URL, in letters beyond ASCII. #, ;
//! and // begin a comment, the latter two at a line's beginning or behind a space; - and * and a number may stand before a value, as
//! before the lines of a text's list.

use std::ops::ControlFlow;

use varde_common::pattern::{Scratch, read_plain};

use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, Place, lines, marking};
use crate::intel::canonical::{About, Found, Object};

/// What stands before the lines of a list in a text.
pub(super) const BULLETS: [char; 6] = ['-', '*', '•', '–', '·', '+'];

/// A line without its comment.
fn value_of(line: &[u8]) -> &[u8] {
    let is_url = memchr::memmem::find(line, b"//").is_some_and(|at| at > 0);
    let mut before = b' ';
    for (at, &octet) in line.iter().enumerate() {
        let rest = line.get(at..).unwrap_or_default();
        let is_behind_space = before.is_ascii_whitespace();
        // In a URL # is the URL's own.
        let begins = match octet {
            b'#' => is_behind_space || !is_url,
            b';' => is_behind_space,
            b'/' => is_behind_space && rest.starts_with(b"//"),
            _ => false,
        };
        if begins {
            return line.get(..at).unwrap_or_default();
        }
        before = octet;
    }
    line
}

/// A value without what stands before each line of a list in a text: `- x`, `* x`, `3. x`, `3) x`.
fn without_bullet(text: &str) -> &str {
    let number = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match number {
        0 => text.strip_prefix(BULLETS),
        1..=4 => text.get(number..).and_then(|rest| rest.strip_prefix(['.', ')'])),
        _ => None,
    };
    rest.filter(|rest| rest.starts_with([' ', '\t'])).map_or(text, str::trim_start)
}

/// What a line of such a list says without its comment and what stands before it; empty where it says nothing.
///
/// # Errors
/// Why it is no text.
pub(super) fn entry_of(line: &[u8]) -> Result<&str, &'static str> {
    lines::text_of(value_of(line)).map(|text| without_bullet(text.trim()))
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let (mut scratch, mut below) = (Scratch::new(), marking::Below::default());
    lines::each_of_octets(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        // Nearly every line of nearly every list; what has no dot may be a hash.
        if memchr::memchr(b'.', line).is_some()
            && let Some(pattern) = read_plain(line, &mut scratch)
        {
            let found = Found::bare(pattern.to_owned());
            return take(marking::as_marked(Item::Found(Place::Line(number), Box::new(found)), below.of(b"")));
        }
        let tlp = below.of(line);
        // A comment may be in any encoding; only the value must be text.
        let text = match entry_of(line) {
            Ok(text) => text,
            Err(why) => return take(lines::left_out(number, &String::from_utf8_lossy(line), why)),
        };
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        let found = |pattern, about| {
            Item::Found(Place::Line(number), Box::new(Found { pattern, about, object: Object::default() }))
        };
        let item = match value::read(text, Names::Domain) {
            Ok(Value::Pattern(pattern)) => found(pattern, About::default()),
            Ok(Value::OfUrl(pattern)) => found(pattern, About::default().of_url(text)),
            Ok(Value::Clue(kind)) => {
                Item::Clue(Clue { object_id: String::new(), kind: kind.to_owned(), value: text.to_owned(), tlp: None })
            }
            Err(why) => lines::left_out(number, text, why),
        };
        take(marking::as_marked(item, tlp))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_end_a_value_and_what_belongs_to_a_url_does_not() {
        for (line, value) in [
            ("evil.example # c2", "evil.example "),
            ("evil.example#c2", "evil.example"),
            ("evil.example ; c2", "evil.example "),
            ("evil.example // c2", "evil.example "),
            ("// all", ""),
            ("; all", ""),
            ("# all", ""),
            ("http://evil.example/a;b#c", "http://evil.example/a;b#c"),
            ("http://evil.example/ # c2", "http://evil.example/ "),
        ] {
            assert_eq!(value_of(line.as_bytes()), value.as_bytes(), "{line}");
        }
    }
}
