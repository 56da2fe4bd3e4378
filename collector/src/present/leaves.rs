//! What leaves a member's building, in the agent's own words: the texts that `varde-agent what-leaves` prints are read here too, so that
//! neither says less than the other.

use super::text::Language;

/// What stands before the name of each kind.
const BEGINNING: &str = "leaves-";
/// Texts around the kinds.
const AROUND: [&str; 6] = ["about", "never", "sort-record", "sort-message", "sort-word", "sort-around"];

/// What leaves, and what never does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaves {
    /// All that can be sent, and to whom.
    pub about: &'static str,
    /// What never is.
    pub never: &'static str,
    /// Every kind, a sentence each.
    pub kinds: Vec<&'static str>,
}

fn source(language: Language) -> &'static str {
    match language {
        Language::Bokmaal => include_str!("../../../agent/texts/nb.ftl"),
        Language::Nynorsk => include_str!("../../../agent/texts/nn.ftl"),
        Language::English => include_str!("../../../agent/texts/en.ftl"),
    }
}

impl Leaves {
    /// In a language.
    pub fn of(language: Language) -> Leaves {
        let mut leaves = Leaves { about: "", never: "", kinds: Vec::new() };
        let lines = source(language).lines().filter_map(|line| line.strip_prefix(BEGINNING)?.split_once(" = "));
        for (name, text) in lines {
            match name {
                "about" => leaves.about = text,
                "never" => leaves.never = text,
                other if AROUND.contains(&other) => {}
                _ => leaves.kinds.push(text),
            }
        }
        leaves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_leaves_is_told_in_every_language_as_a_whole_sentence() {
        let all = Language::ALL.map(Leaves::of);
        for leaves in &all {
            assert_eq!(leaves.kinds.len(), all[0].kinds.len());
            assert!(leaves.kinds.len() > 20 && !leaves.about.is_empty() && !leaves.never.is_empty());
            for text in leaves.kinds.iter().chain([&leaves.about, &leaves.never]) {
                assert!(text.ends_with('.') && !text.contains('{'), "one line with nothing to fill in: {text}");
            }
        }
    }
}
