//! Whether lines are those of a text that somebody wrote rather than of a list: sentences, greetings, closing words, headings and the
//! lines of lists within it.

use super::super::plain::BULLETS;
use super::super::value::{self, Names};
use super::judge;

/// Words with which people begin to write to each other.
const GREETINGS: [&str; 16] = [
    "hei",
    "hallo",
    "heisann",
    "god dag",
    "god morgen",
    "god kveld",
    "god natt",
    "godmorgen",
    "kjære",
    "til alle",
    "hi",
    "hello",
    "dear",
    "good morning",
    "good evening",
    "greetings",
];
/// A heading has no more words.
const HEADING_MAX_WORDS: usize = 8;

/// Whether a line is one of a text rather than of a list.
pub(super) fn is_sentence(line: &str) -> bool {
    let line = [" #", " ;", " //"].iter().fold(line, |line, mark| line.split(mark).next().unwrap_or_default());
    let is_word = |word: &&str| {
        let word = word.trim_matches(|character: char| !character.is_alphabetic());
        !word.is_empty() && word.chars().all(|character| character.is_alphabetic() || character == '-')
    };
    line.split_whitespace().filter(is_word).count() >= 4 && !line.contains('\t')
}

/// Whether a line greets, or takes leave: nobody does in a list.
pub(super) fn is_of_letter(line: &str) -> bool {
    let text = line.trim().to_lowercase();
    let greets = GREETINGS.iter().any(|greeting| {
        text.strip_prefix(greeting).is_some_and(|rest| {
            // A name in a list may begin so: hei.example.
            let behind = rest.trim_start_matches([',', '!', '.', ':']);
            behind.is_empty() || behind.starts_with(char::is_whitespace)
        }) && text.split_whitespace().count() <= HEADING_MAX_WORDS
    });
    greets || judge::closes(line) == Some(true) && line.trim() != "--"
}

/// Whether a line is a heading over values.
fn is_heading(line: &str) -> bool {
    let Some(words) = line.trim().strip_suffix(':') else { return false };
    let words = words.trim();
    words.contains(char::is_alphabetic)
        && words.split_whitespace().count() <= HEADING_MAX_WORDS
        && (words.contains(char::is_whitespace) || value::read(words, Names::Domain).is_err() || !words.contains('.'))
}

fn is_bullet(line: &str) -> bool {
    line.trim_start().strip_prefix(BULLETS).is_some_and(|rest| rest.starts_with([' ', '\t']))
}

/// Whether these lines, comments and empty ones left out, are of a text. Between its sentences a mail has lists, greetings and
/// names.
pub(in super::super) fn is_text(lines: &[&str]) -> bool {
    let count = |is_one: fn(&str) -> bool| lines.iter().filter(|line| is_one(line)).count();
    let (sentences, letters) = (count(is_sentence), count(is_of_letter));
    let others = lines.iter().filter(|line| is_heading(line) && !is_sentence(line)).count();
    let told = sentences + letters + others;
    sentences * 3 > lines.len()
        || (letters > 0 && told > 1)
        // A list whose lines have marks in front is one all the same, until somebody says something of it.
        || (told > 0 && (told + count(is_bullet)) * 3 > lines.len())
}

/// Whether some of these lines greet or take leave.
pub(in super::super) fn is_letter(lines: &[&str]) -> bool {
    lines.iter().any(|line| is_of_letter(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p3_what_people_write_to_each_other_is_known_from_lists() {
        for line in ["Hei,", "Hei", "Hei alle sammen!", "God kveld,", "hi", "Dear all,", "Mvh", "Med vennlig hilsen,"] {
            assert!(is_of_letter(line), "{line}");
        }
        for line in ["hei.example", "hi.example.org", "hello-world.example", "heim.example", "hilsen.example", "--", ""]
        {
            assert!(!is_of_letter(line), "{line}");
        }
        assert!(is_heading("IP-adresser:") && is_heading("  Domener (C2):") && !is_heading("evil.example:"));
        assert!(is_bullet("- a.example") && is_bullet("\t* b") && !is_bullet("*.c.example") && !is_bullet("-d"));
        assert!(!is_text(&["- a.example", "- b.example"]) && is_text(&["Domener:", "- a.example", "- b.example"]));
        assert!(!is_text(&["hei", "a.example", "b.example", "c.example"]), "one such word makes no letter");
    }
}
