//! Words of a text that may be values: taken out of brackets, quotes and the ends of sentences, each with where it stands.

use std::net::IpAddr;

use super::super::value;
use super::judge;
use crate::limits::prose::PROSE_WORD_MAX_OCTETS;

/// A word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// Octets of the text before it.
    pub(super) at: usize,
    /// Its line, from 1.
    pub(super) line: u64,
    /// As it is written.
    pub(super) text: &'a str,
}

/// Spaces around and within what stands in brackets for a character taken away: some write `evil [.] example`, some
/// `evil[ punktum ]example`.
pub(super) fn closed_up(text: &str) -> String {
    let mut closed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', '(', '{']) {
        let (before, behind) = rest.split_at(at);
        closed.push_str(before);
        let Some((meant, long)) = value::bracketed(behind) else {
            // One of the three, an octet each.
            closed.push_str(behind.get(..1).unwrap_or_default());
            rest = behind.get(1..).unwrap_or_default();
            continue;
        };
        let (written, behind) = behind.split_at_checked(long).unwrap_or((behind, ""));
        let (mut back, mut ahead) = (before.chars().rev(), behind.chars());
        let is_apart =
            |side: Option<char>, next: Option<char>| side == Some(' ') && next.is_some_and(char::is_alphanumeric);
        let is_apart = is_apart(back.next(), back.next()) && is_apart(ahead.next(), ahead.next());
        let is_joined = is_apart && matches!(meant, "." | "@") && (is_sign(written) || goes_on(behind));
        if is_joined {
            closed.pop();
        }
        match written.contains(' ') {
            true => closed.push_str(&format!("[{meant}]")),
            false => closed.push_str(written),
        }
        rest = if is_joined { behind.get(1..).unwrap_or_default() } else { behind };
    }
    closed.push_str(rest);
    closed
}

/// Whether no word stands in brackets, so that nobody means it for itself.
fn is_sign(written: &str) -> bool {
    !written.contains(char::is_alphabetic)
}

/// Whether what follows a word in brackets goes on as a name does: to an ending that there is, or to the next dot.
fn goes_on(behind: &str) -> bool {
    let behind = behind.trim_start_matches(' ');
    let label: &str =
        behind.split(|character: char| !(character.is_alphanumeric() || character == '-')).next().unwrap_or_default();
    let after = behind.get(label.len()..).unwrap_or_default();
    let is_next_dot = value::bracketed(after.trim_start_matches(' ')).is_some_and(|(meant, _)| meant == ".")
        || after.strip_prefix('.').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    is_next_dot || judge::registered(&format!("x.{}", label.to_lowercase())).is_some()
}

/// Whether a word has its own way to part what belongs together.
fn is_url(text: &str) -> bool {
    text.contains("://") || text.contains("[:]//") || text.contains("[://]") || text.contains(":\\\\")
}

/// Tells `take` the words of a text that are long enough to be a value and no longer than any.
pub(super) fn each<'a>(text: &'a str, take: &mut dyn FnMut(Word<'a>)) {
    let mut line = 1;
    let mut begun: Option<usize> = None;
    for (at, character) in text.char_indices().chain([(text.len(), '\n')]) {
        let parts = character.is_whitespace()
            || matches!(
                character,
                '"' | '<' | '>' | '`' | '«' | '»' | '“' | '”' | '„' | '‘' | '’' | '|' | '\u{200b}' | '\u{feff}'
            );
        if !parts {
            begun = begun.or(Some(at));
            continue;
        }
        if let Some(from) = begun.take() {
            let text = text.get(from..at).unwrap_or_default();
            if text.len() <= PROSE_WORD_MAX_OCTETS {
                split(Word { at: from, line, text }, take);
            }
        }
        line += u64::from(character == '\n');
    }
}

/// Takes a word apart at what parts values but no URL's parts.
fn split<'a>(word: Word<'a>, take: &mut dyn FnMut(Word<'a>)) {
    let marks: &[char] = if is_url(word.text) { &[] } else { &[',', ';', '='] };
    let mut at = word.at;
    for text in word.text.split(marks) {
        // Two addresses with a mark between that is a network's or a path's elsewhere.
        if !is_url(text) && text.contains('/') && text.split('/').all(is_address) {
            let mut before = 0;
            for address in text.split('/') {
                take(Word { at: at + before, text: address, ..word });
                before += address.len() + 1;
            }
            at += text.len() + 1;
            continue;
        }
        // A label before a value: `IP:198.51.100.7`. What follows a name and a colon is its port.
        let behind = text.split_once(':').filter(|(label, value)| {
            !label.is_empty()
                && label.len() <= 12
                && label.chars().all(char::is_alphabetic)
                && !value.starts_with(['/', '\\', ':', ']'])
                && value.contains(['.', ':'])
                && !label.eq_ignore_ascii_case("ja4")
                // The first group of an IPv6 address may be letters alone.
                && !(label.len() <= 4 && label.bytes().all(|octet| octet.is_ascii_hexdigit()) && value.contains(':'))
        });
        let value = behind.map_or(text, |(_, value)| value);
        let trimmed = bare(value);
        if trimmed.len() > 3 {
            let before = text.len() - value.len() + value.find(trimmed).unwrap_or(0);
            take(Word { at: at + before, text: trimmed, ..word });
        }
        // The mark is one octet.
        at += text.len() + 1;
    }
}

fn is_address(text: &str) -> bool {
    text.len() > 3 && value::bare(&value::refang(text)).parse::<IpAddr>().is_ok()
}

/// A word without what a sentence puts around it.
fn bare(mut text: &str) -> &str {
    // Nobody puts more around it; each round reads all of it.
    for _ in 0..8 {
        let before = text;
        text = text
            .trim_end_matches(['.', ',', ';', ':', '!', '?', '…', '\'', '*', '_', '/'])
            .trim_start_matches(['-', '–', '—', '•', '·', '*', '\'', '_', ',', ';']);
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            let count = |mark: char| text.chars().filter(|character| *character == mark).count();
            let (opened, closed) = (count(open), count(close));
            if closed > opened {
                text = text.strip_suffix(close).unwrap_or(text);
            } else if opened > closed {
                text = text.strip_prefix(open).unwrap_or(text);
            }
        }
        if text == before {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut words = Vec::new();
        each(text, &mut |word| {
            assert!(text[word.at..].starts_with(word.text));
            words.push(word.text);
        });
        words
    }

    #[test]
    fn values_are_taken_out_of_their_sentences() {
        assert_eq!(
            words("Se (evil[.]example), «b[.]example»; IP:198.51.100.7. c[.]example,d[.]example"),
            ["(evil[.]example)", "b[.]example", "198.51.100.7", "c[.]example", "d[.]example"]
        );
        assert_eq!(
            words("hxxp://x[.]example/a,b;c=1 <https://y.example/?a=b>."),
            ["hxxp://x[.]example/a,b;c=1", "https://y.example/?a=b"]
        );
        assert_eq!(
            words("[2001:db8::1]:443 fe80:dead::1 evil.example:8443"),
            ["[2001:db8::1]:443", "fe80:dead::1", "evil.example:8443"]
        );
        assert_eq!(closed_up("evil [.] example (x) [dot] og a[.]b"), "evil[.]example (x) [dot] og a[.]b");
        assert_eq!(closed_up("ser evil (dot) example"), "ser evil(dot)example");
        assert!(words(&"x".repeat(PROSE_WORD_MAX_OCTETS + 1)).is_empty());
    }
}
