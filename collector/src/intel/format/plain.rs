//! A plain list: one indicator a line, as people write them: with brackets around dots, as a URL, in letters beyond ASCII. #, ;
//! and // begin a comment, the latter two at a line's beginning or behind a space.

use std::ops::ControlFlow;

use varde_common::pattern::{Scratch, read_plain};

use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, Place, lines};
use crate::intel::canonical::{About, Found, Object};

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

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut scratch = Scratch::new();
    lines::each_of_octets(input, &mut |number, line| {
        let line = match line {
            Ok(line) => line,
            Err(why) => return take(lines::left_out(number, "", why)),
        };
        // Nearly every line of nearly every list; what has no dot may be a hash.
        if memchr::memchr(b'.', line).is_some()
            && let Some(pattern) = read_plain(line, &mut scratch)
        {
            return take(Item::Found(Place::Line(number), Box::new(Found::bare(pattern.to_owned()))));
        }
        // A comment may be in any encoding; only the value must be text.
        let text = match lines::text_of(value_of(line)) {
            Ok(text) => text.trim(),
            Err(why) => return take(lines::left_out(number, &String::from_utf8_lossy(line), why)),
        };
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        let found = |pattern, about| {
            Item::Found(Place::Line(number), Box::new(Found { pattern, about, object: Object::default() }))
        };
        take(match value::read(text, Names::Domain) {
            Ok(Value::Pattern(pattern)) => found(pattern, About::default()),
            Ok(Value::OfUrl(pattern)) => found(pattern, About::default().of_url(text)),
            Ok(Value::Clue(kind)) => {
                Item::Clue(Clue { object_id: String::new(), kind: kind.to_owned(), value: text.to_owned(), tlp: None })
            }
            Err(why) => lines::left_out(number, text, why),
        })
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
