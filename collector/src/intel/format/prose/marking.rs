//! The marking that a text says of itself: the Traffic Light Protocol's words, in English and in Norwegian.

use varde_common::tlp::Tlp;

/// As they follow `TLP:`, longer ones first.
const WORDS: [(&str, Tlp); 15] = [
    ("amber+strict", Tlp::AmberStrict),
    ("amber strict", Tlp::AmberStrict),
    ("gul+streng", Tlp::AmberStrict),
    ("gul streng", Tlp::AmberStrict),
    ("red", Tlp::Red),
    ("rød", Tlp::Red),
    ("raud", Tlp::Red),
    ("amber", Tlp::Amber),
    ("gul", Tlp::Amber),
    ("green", Tlp::Green),
    ("grønn", Tlp::Green),
    ("grøn", Tlp::Green),
    ("clear", Tlp::Clear),
    ("klar", Tlp::Clear),
    ("white", Tlp::Clear),
];

/// The strictest that a text says.
pub(super) fn of_text(text: &str) -> Option<Tlp> {
    let mut strictest = None;
    for (at, _) in text.match_indices(['T', 't']) {
        let mut rest = text.get(at..).unwrap_or_default().chars();
        let begins: String = rest.by_ref().take(3).collect();
        if !begins.eq_ignore_ascii_case("tlp") {
            continue;
        }
        let behind: String = rest.take(20).flat_map(char::to_lowercase).collect();
        let behind = behind.trim_start_matches([':', ' ', '-', '\u{a0}']);
        let word = WORDS.iter().find(|(word, _)| {
            // GULL is no marking.
            let ends = |rest: &str| !rest.starts_with(char::is_alphanumeric);
            behind.strip_prefix(word).is_some_and(ends)
        });
        strictest = strictest.max(word.map(|(_, tlp)| *tlp));
    }
    strictest
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
            ("ingen", None),
        ] {
            assert_eq!(of_text(text), tlp, "{text}");
        }
    }
}
