//! The sentence around a value, as a person reads it: of a list's line, with the line that leads the list.

use super::super::lines::printable;
use crate::limits::prose::PROSE_SENTENCE_MAX_OCTETS;

/// Where the sentence begins and ends in which something stands.
pub(super) fn bounds(text: &str, at: usize, long: usize) -> (usize, usize) {
    (back(text, at), ahead(text, at.saturating_add(long).min(text.len())))
}

/// The sentence around what stands at an octet, in one line and nothing in it that a terminal obeys.
pub(super) fn around(text: &str, at: usize, long: usize) -> String {
    let (from, to) = bounds(text, at, long);
    let own = joined(text.get(from..to).unwrap_or_default());
    // A line with little but the value says nothing by itself.
    let words = own.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    let is_listed = words < 4 || own.starts_with(['-', '*', '•', '–', '·']);
    let sentence = match is_listed.then(|| lead(text, from)).flatten() {
        Some(lead) => format!("{lead} {own}"),
        None => own,
    };
    printable(&sentence, 2 * PROSE_SENTENCE_MAX_OCTETS)
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The octet before which no character begins within the bound.
fn floor(text: &str, mut at: usize) -> usize {
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether a line is one of a list.
fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['-', '*', '•', '–', '·', '|', '>'])
        || line.split_once(['.', ')']).is_some_and(|(number, _)| {
            !number.is_empty() && number.len() < 4 && number.bytes().all(|octet| octet.is_ascii_digit())
        })
        || line.split_whitespace().count() <= 2
}

/// Where the line begins in which an octet stands, and the line as far as it is looked at; none of one that is longer: no more
/// than the bound is read for each of a line's values.
fn begun_line(text: &str, at: usize) -> Option<(usize, &str)> {
    let least = floor(text, at.saturating_sub(PROSE_SENTENCE_MAX_OCTETS));
    let most = floor(text, at.saturating_add(PROSE_SENTENCE_MAX_OCTETS).min(text.len()));
    let from = match text.get(least..at)?.rfind('\n') {
        Some(end) => least + end + 1,
        None if least == 0 => 0,
        None => return None,
    };
    Some((from, text.get(from..most)?.split('\n').next()?))
}

/// Where the sentence begins.
fn back(text: &str, at: usize) -> usize {
    let least = floor(text, at.saturating_sub(PROSE_SENTENCE_MAX_OCTETS));
    // In a list each line is its own sentence; in a paragraph lines are broken anywhere.
    let from = match begun_line(text, at) {
        Some((line_from, line)) if is_item(line) => line_from,
        Some(_) | None => least,
    };
    let before = text.get(from..at).unwrap_or_default();
    let mut begins = 0;
    let mut characters = before.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let ends_sentence = matches!(character, '.' | '!' | '?') && next.is_some_and(char::is_whitespace);
        let is_blank_line = character == '\n' && next.is_none_or(|next| matches!(next, '\n' | '\r'));
        // A list before it ends where a line begins that is none of it.
        if ends_sentence || (is_blank_line && next.is_some()) {
            begins = place + character.len_utf8();
        }
        if character == '\n' {
            let line = before.get(place + 1..).unwrap_or_default().lines().next().unwrap_or_default();
            let last = before.get(..place).unwrap_or_default().lines().last().unwrap_or_default();
            if line.trim_start().starts_with(['-', '*', '•']) || last.trim_end().ends_with(':') {
                begins = place + 1;
            }
        }
    }
    from + begins
}

/// Where it ends.
fn ahead(text: &str, at: usize) -> usize {
    let most = floor(text, at.saturating_add(PROSE_SENTENCE_MAX_OCTETS).min(text.len()));
    let behind = text.get(at..most).unwrap_or_default();
    let is_in_list = begun_line(text, at).is_some_and(|(_, line)| is_item(line));
    let mut characters = behind.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match character {
            '.' | '!' | '?' => next.is_none_or(char::is_whitespace),
            '\n' => is_in_list || next.is_none_or(|next| matches!(next, '\n' | '\r' | '-' | '*' | '•')),
            _ => false,
        };
        if ends {
            return at + place + character.len_utf8();
        }
    }
    most
}

/// The line that leads the list in which something begins: the last one before it that ends with a colon, with nothing but the
/// list's own lines between.
pub(super) fn lead(text: &str, from: usize) -> Option<String> {
    let least = floor(text, from.saturating_sub(20 * PROSE_SENTENCE_MAX_OCTETS));
    let before = text.get(least..from)?;
    for line in before.lines().rev() {
        let line = line.trim();
        if line.ends_with(':') && line.split_whitespace().count() > 1 {
            return Some(joined(line));
        }
        if !line.is_empty() && !is_item(line) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, value: &str) -> String {
        around(text, text.find(value).unwrap(), value.len())
    }

    #[test]
    fn a_sentence_is_whole_over_lines_and_a_lists_line_has_its_lead() {
        let text = "Hei!\n\nVi ser phishing. Angriperen bruker evil[.]example\nsom omdirigerer. Mer senere.\n\nFølgende adresser er C2 for Lure:\n - a[.]example\n - b[.]example (reserve)\n\nHilsen oss.\n";
        assert_eq!(of(text, "evil[.]"), "Angriperen bruker evil[.]example som omdirigerer.");
        assert_eq!(of(text, "a[.]ex"), "Følgende adresser er C2 for Lure: - a[.]example");
        assert_eq!(of(text, "b[.]ex"), "Følgende adresser er C2 for Lure: - b[.]example (reserve)");
        let long = format!("{} evil[.]example {}", "ord ".repeat(5_000), "ord ".repeat(5_000));
        let sentence = of(&long, "evil[.]");
        assert!(sentence.contains("evil[.]example") && sentence.len() < 1_000, "{}", sentence.len());
        assert!(!of("a \u{1b}[31m evil[.]example", "evil[.]").contains('\u{1b}'));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-zæ.:!\\n \\-*]{0,200}", at in 0usize..220) {
            let at = floor(&text, at.min(text.len()));
            let _ = around(&text, at, 3);
        }
    }
}
