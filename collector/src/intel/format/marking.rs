//! The marking that a text says of itself, and what a field or a tag that is for it says: the words of the Traffic Light Protocol and
//! of PAP, in English and in Norwegian. Where a word can be nothing but a marking and nobody knows it, it counts as the strictest.

use varde_common::tlp::Tlp;

use super::Item;
use crate::intel::canonical::Pap;
use crate::intel::hidden;

/// A colour, alone or with what makes AMBER strict, as it is written behind TLP or PAP.
const WORDS: [(&str, Tlp); 17] = [
    ("red", Tlp::Red),
    ("rød", Tlp::Red),
    ("rod", Tlp::Red),
    ("roed", Tlp::Red),
    ("raud", Tlp::Red),
    ("amber", Tlp::Amber),
    ("gul", Tlp::Amber),
    // Where the sender is not sure: as what is unmarked.
    ("unclear", Tlp::Amber),
    ("amberstrict", Tlp::AmberStrict),
    ("green", Tlp::Green),
    ("grønn", Tlp::Green),
    ("grøn", Tlp::Green),
    ("clear", Tlp::Clear),
    ("klar", Tlp::Clear),
    ("white", Tlp::Clear),
    ("hvit", Tlp::Clear),
    ("kvit", Tlp::Clear),
];
/// What makes AMBER strict.
const STRICT: [&str; 2] = ["strict", "streng"];
/// What may stand between TLP and its colour: a word for what it is, or the protocol's version.
const BETWEEN: [&str; 8] = ["nivå", "niva", "level", "merking", "marking", "versjon", "version", "v"];
/// Of what stands behind TLP as much is looked at.
const BEHIND_CHARACTERS: usize = 40;

fn of_word(word: &str) -> Option<Tlp> {
    WORDS.iter().find(|(written, _)| *written == word).map(|(_, tlp)| *tlp)
}

/// Words of letters alone, in lower case.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty());
    words.take(BEHIND_CHARACTERS).map(str::to_lowercase).collect()
}

/// What a field or a tag that is for the marking says; nothing where it is empty. Of several words the strictest counts, and one that
/// begins with what nobody knows is the strictest there is.
pub(super) fn of_level(text: &str) -> Option<Tlp> {
    // TLP's first version: it may be used but not ascribed. As what is unmarked.
    if text.trim().to_ascii_lowercase().trim_start_matches("tlp:") == "ex:chr" {
        return Some(Tlp::Amber);
    }
    if !text.contains(char::is_alphanumeric) {
        return None;
    }
    let words = words(text);
    let mut words = words.iter().map(String::as_str).skip_while(|word| *word == "tlp" || BETWEEN.contains(word));
    let Some(first) = words.next().and_then(of_word) else { return Some(Tlp::Red) };
    Some(words.fold(first, |strictest, word| match of_word(word) {
        Some(tlp) => strictest.max(tlp),
        None if STRICT.contains(&word) => strictest.max(Tlp::AmberStrict),
        None => strictest,
    }))
}

/// The same of PAP, which has no strict AMBER.
pub(super) fn of_pap(text: &str) -> Option<Pap> {
    let text = text.trim();
    let bare = text
        .get(..4)
        .filter(|begin| begin.eq_ignore_ascii_case("pap:"))
        .map_or(text, |_| text.get(4..).unwrap_or_default());
    Some(match of_level(bare)? {
        Tlp::Clear => Pap::Clear,
        Tlp::Green => Pap::Green,
        Tlp::Amber => Pap::Amber,
        Tlp::AmberStrict | Tlp::Red => Pap::Red,
    })
}

/// What stands behind each `TLP` of a text.
fn behind(text: &str) -> impl Iterator<Item = &str> {
    let octets = text.as_bytes();
    memchr::memchr2_iter(b't', b'T', octets).filter_map(move |at| {
        let is_it = octets.get(at..at + 3).is_some_and(|begin| begin.eq_ignore_ascii_case(b"tlp"));
        is_it.then(|| text.get(at + 3..)).flatten()
    })
}

/// Whether a text speaks of TLP at all.
pub(in crate::intel) fn is_spoken_of(octets: &[u8]) -> bool {
    memchr::memchr2_iter(b't', b'T', octets)
        .any(|at| octets.get(at..at + 3).is_some_and(|begin| begin.eq_ignore_ascii_case(b"tlp")))
}

/// The strictest that a text says.
pub(in crate::intel) fn of_text(text: &str) -> Option<Tlp> {
    behind(text).filter_map(told_behind).max()
}

/// What is said directly behind `TLP`.
fn told_behind(behind: &str) -> Option<Tlp> {
    let behind: String = behind.chars().take(BEHIND_CHARACTERS).flat_map(char::to_lowercase).collect();
    let is_mark = |character: char| !character.is_alphanumeric() && !matches!(character, '\n' | '\r' | '.' | '!' | '?');
    // The version of the protocol has a dot.
    let is_between = |character: char| is_mark(character) || character.is_ascii_digit();
    let mut rest = behind.trim_start_matches(is_mark);
    let is_apart = rest.len() < behind.len();
    // Of a name such as tlp-red.example it is a part.
    let is_name = behind.starts_with('-');
    loop {
        let without = rest.strip_prefix("2.0").or_else(|| rest.strip_prefix("1.0")).unwrap_or(rest);
        let word: &str = BETWEEN.iter().copied().find(|word| is_word(without, word)).unwrap_or_default();
        let next = without.get(word.len()..).unwrap_or_default().trim_start_matches(is_between);
        if next.len() == rest.len() || !is_apart {
            break;
        }
        rest = next;
    }
    let (word, tlp) = WORDS.iter().find(|(word, _)| is_apart && is_word(rest, word))?;
    let after = rest.get(word.len()..).unwrap_or_default();
    if is_name && after.starts_with('.') && after.chars().nth(1).is_some_and(char::is_alphanumeric) {
        return None;
    }
    let strict = after.trim_start_matches([' ', '+', '-', '_', '\u{a0}']);
    let is_strict = *tlp == Tlp::Amber && STRICT.iter().any(|word| is_word(strict, word));
    Some(if is_strict { Tlp::AmberStrict } else { *tlp })
}

/// Whether a text begins with this word; GULL is no GUL.
fn is_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

/// The strictest that words say which stand with an indicator or above a list: as a text does, and where `TLP:` stands before a word
/// that nobody knows, the strictest there is.
pub(in crate::intel) fn of_list(text: &str) -> Option<Tlp> {
    let unknown = behind(text).filter_map(|behind| {
        // No more of it: there may be as many as octets.
        let line = behind.strip_prefix(':')?.chars().take(BEHIND_CHARACTERS);
        let line: String = line.take_while(|character| !matches!(character, '\n' | '\r')).collect();
        // With a space between, more words may be a sentence about TLP.
        let is_marking = !line.starts_with(char::is_whitespace) || line.split_whitespace().count() == 1;
        let words = words(&line);
        let is_unknown = words.first().is_some_and(|word| of_word(word).is_none() && word != "ex");
        (is_marking && is_unknown).then_some(Tlp::Red)
    });
    of_text(text).max(unknown.max())
}

/// The same of a table, of which only comments and lines without columns speak of all of it; a row speaks of itself.
pub(in crate::intel) fn of_table(text: &str) -> Option<Tlp> {
    let is_of_all = |line: &&str| {
        let line = line.trim_start_matches(['\u{feff}', ' ', '"']);
        line.starts_with('#')
            || (line.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("tlp"))
                && !line.contains([',', ';', '\t', '|']))
    };
    text.split(['\n', '\r']).filter(is_of_all).filter_map(of_list).max()
}

/// What a list's comments say while it is read: beside an entry of that alone, by itself on a line of all that follows. There it
/// only makes stricter what the list's beginning says.
#[derive(Debug, Default)]
pub(super) struct Below(Option<Tlp>);

impl Below {
    /// What holds for the entry of a line, by its comment and by those above it.
    pub(super) fn of(&mut self, line: &[u8]) -> Option<Tlp> {
        if !is_spoken_of(line) {
            return self.0;
        }
        let said = of_list(&String::from_utf8_lossy(line));
        let begins = line.trim_ascii_start();
        if begins.starts_with(b"#") || begins.starts_with(b";") || begins.starts_with(b"//") {
            self.0 = self.0.max(said.filter(|tlp| *tlp > Tlp::Amber));
        }
        said.max(self.0)
    }
}

/// What a line came to, with what its comments say of it.
pub(super) fn as_marked(item: Item, tlp: Option<Tlp>) -> Item {
    match item {
        Item::Found(place, mut found) => {
            found.about.tlp = found.about.tlp.max(tlp);
            Item::Found(place, found)
        }
        Item::Clue(mut clue) => {
            clue.tlp = clue.tlp.max(tlp);
            Item::Clue(clue)
        }
        Item::PassedBy(passed, said) => Item::PassedBy(passed, said.max(tlp)),
        Item::LeftOut(left_out) if !hidden::is_shown(tlp) => Item::LeftOut(hidden::without_value(left_out)),
        item @ (Item::LeftOut(_) | Item::Harmless(..) | Item::Withdrawn(_) | Item::Silent(_) | Item::PassedOver) => {
            item
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_word_in_either_language_counts() {
        for (text, tlp) in [
            ("TLP:AMBER", Some(Tlp::Amber)),
            ("Merket tlp: gul+streng.", Some(Tlp::AmberStrict)),
            ("[TLP:GREEN] … unntatt avsnitt 2, som er TLP:RØD", Some(Tlp::Red)),
            ("TLP-KLAR TLP:GULL tlp", Some(Tlp::Clear)),
            ("TLP:AMBER+STRICT", Some(Tlp::AmberStrict)),
            ("TLP:AMBER-STRICT", Some(Tlp::AmberStrict)),
            ("TLP: **RED**", Some(Tlp::Red)),
            ("TLP-nivå: RØD", Some(Tlp::Red)),
            ("TLP 2.0: [AMBER + STRICT]", Some(Tlp::AmberStrict)),
            ("TLP=red", Some(Tlp::Red)),
            ("tlpred", None),
            ("tlp-red.example", None),
            ("TLP\nred", None),
            ("ingen", None),
        ] {
            assert_eq!(of_text(text), tlp, "{text}");
        }
    }

    #[test]
    fn t7a_what_nobody_knows_is_the_strictest_where_it_can_be_nothing_but_a_marking() {
        for (text, tlp) in [
            ("# TLP:LILLA\n", Some(Tlp::Red)),
            ("# TLP:AMBER, TLP:ukjent", Some(Tlp::Red)),
            ("# TLP: LILLA\na.example", Some(Tlp::Red)),
            ("# TLP: se under", None),
            ("# TLP:EX:CHR", None),
            ("# tlp", None),
        ] {
            assert_eq!(of_list(text), tlp, "{text}");
        }
        assert_eq!(of_table("# TLP:GREEN\ndomain;tlp\na.example;TLP:RED\n"), Some(Tlp::Green));
        assert_eq!(of_table("TLP:RED\ndomain;tlp\n"), Some(Tlp::Red));
        assert_eq!((of_level(" - "), of_level(""), of_level("3")), (None, None, Some(Tlp::Red)));
        assert_eq!(
            (of_pap("PAP:RØD"), of_pap("gul"), of_pap("blå")),
            (Some(Pap::Red), Some(Pap::Amber), Some(Pap::Red))
        );
    }
}
