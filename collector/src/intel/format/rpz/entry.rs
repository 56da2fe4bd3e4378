//! An entry of a zone file taken apart (RFC 1035 section 5.1): in quotes nothing has a meaning, ; begins a comment, and what is
//! between parentheses goes on over lines.

/// Where in a line its reader is.
#[derive(Debug, Default, Clone, Copy)]
struct At {
    quoted: bool,
    escaped: bool,
    depth: u32,
}

/// What a character is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Word,
    Between,
    /// The quotes themselves.
    Quote,
    /// From here on nobody reads.
    Comment,
}

impl At {
    fn next(&mut self, character: char) -> Part {
        if self.escaped {
            self.escaped = false;
            return Part::Word;
        }
        match character {
            '\\' => {
                self.escaped = true;
                Part::Word
            }
            '"' => {
                self.quoted = !self.quoted;
                Part::Quote
            }
            _ if self.quoted => Part::Word,
            ';' => Part::Comment,
            '(' => {
                self.depth = self.depth.saturating_add(1);
                Part::Between
            }
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                Part::Between
            }
            _ if character.is_whitespace() => Part::Between,
            _ => Part::Word,
        }
    }
}

/// The lowest bit says that a quote is open, the others count open parentheses.
pub(super) fn depth_after(state: u32, line: &str) -> u32 {
    let mut at = At { quoted: state & 1 == 1, escaped: false, depth: state >> 1 };
    for character in line.chars() {
        if at.next(character) == Part::Comment {
            break;
        }
    }
    (at.depth.min(u32::MAX >> 1) << 1) | u32::from(at.quoted)
}

/// The words of an entry, quotes taken off.
pub(super) fn words_of(entry: &str) -> Vec<String> {
    let (mut words, mut word, mut is_word) = (Vec::new(), String::new(), false);
    let mut at = At::default();
    for line in entry.split('\n') {
        for character in line.chars().chain(['\n']) {
            match at.next(character) {
                Part::Word => {
                    word.push(character);
                    is_word = true;
                }
                Part::Quote => is_word = true,
                Part::Between if is_word => {
                    words.push(std::mem::take(&mut word));
                    is_word = false;
                }
                Part::Between => {}
                Part::Comment => break,
            }
        }
        at.escaped = false;
    }
    if is_word {
        words.push(word);
    }
    words
}

/// Whether a line is an entry of such a zone rather than of any other list.
pub(in super::super) fn is_line(line: &str) -> bool {
    let words = words_of(line);
    let mut words = words.iter().map(String::as_str);
    let Some(first) = words.next() else { return false };
    let has = |what: &str, within: usize| {
        let mut kinds = words.clone().take(within);
        kinds.any(|word| word.eq_ignore_ascii_case(what))
    };
    matches!(first, "$TTL" | "$ORIGIN")
        || is_soa(words.clone())
        || has("CNAME", 3)
        || (has("IN", 2) && (has("A", 3) || has("AAAA", 3) || has("NS", 3) || has("TXT", 3)))
}

/// SOA, and behind it two names.
fn is_soa<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut behind = words.take(6).skip_while(|word| !word.eq_ignore_ascii_case("SOA")).skip(1);
    let mut is_name = || behind.next().is_some_and(|word| word.contains('.') || word == "@" || word == "localhost");
    is_name() && is_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_quotes_nothing_has_a_meaning() {
        for (line, state) in [
            ("a TXT \"(\"", 0),
            ("a TXT ( \")\"", 2),
            ("a TXT \"; (\" ; (", 0),
            ("a SOA ( 1", 2),
            ("a ( ( 1 )", 2),
            ("a TXT \"open", 1),
            ("a TXT \"an \\\" in it\"", 0),
            (") ) )", 0),
        ] {
            assert_eq!(depth_after(0, line), state, "{line}");
        }
        assert_eq!(depth_after(2, "1 2 )"), 0);
        assert_eq!(words_of("a  60 IN TXT \"x ; (y)\" ( z\n \"\" ) ; c"), ["a", "60", "IN", "TXT", "x ; (y)", "z", ""]);
    }

    #[test]
    fn lines_of_zones_are_known_from_others() {
        for line in
            ["$TTL 300", "@ IN SOA a. b. 1 2 3 4 5", "evil.example CNAME .", "a\t60 IN\tCNAME\t*.", "x IN A 127.0.0.1"]
        {
            assert!(is_line(line), "{line}");
        }
        for line in
            ["evil.example ; its CNAME is other.example", "SOA is no indicator", "evil.example", "", "the SOA of it"]
        {
            assert!(!is_line(line), "{line}");
        }
    }
}
