//! A measure as a file: TOML that a translator can edit. What it is proposed for stands above `[nb]`, the words below.
//!
//! ```toml
//! order = 40                                # its place among the others
//! nsm = "4.3.3"                             # NSM's grunnprinsipper 2.1: a measure, or its principle
//! type = "organisational"                   # organisational, human, physical or technological
//! purpose = "handle"                        # prevent, detect or handle
//! evidence = ["contacted", "data_out"]      # how far it came
//! levels = ["high"]                         # of the zone; left out = any
//! threats = ["phishing"]                    # left out = any
//! kinds = ["domain"]                        # of indicators; left out = any
//! [nb]                                      # and the same for [nn] and [en]
//! title = "…"
//! why = "…"
//! steps = ["…"]
//! done = "…"
//! ```

use serde::{Deserialize, Serialize};
use varde_common::alert::{Evidence, Level};

use super::{Content, Contents, Fits, Measure, Purpose, Threat, Type};
use crate::api::KINDS;
use crate::limits::advisory::{MEASURE_STEP_MAX_OCTETS, MEASURE_STEPS_MAX, MEASURE_WHY_MAX_OCTETS, TITLE_MAX_OCTETS};

macro_rules! shipped {
    ($($key:literal),* $(,)?) => {
        /// The files that the program brings, by name.
        pub const SHIPPED: &[(&str, &str)] =
            &[$(($key, include_str!(concat!("../../data/measures/", $key, ".toml")))),*];
    };
}

shipped![
    "ask-user",
    "block-out",
    "check-block",
    "find-machine",
    "guard-important",
    "isolate-machine",
    "keep-traces",
    "mailbox-rules",
    "personal-data",
    "ready-guard",
    "reinstall",
    "remove-message",
    "reset-passwords",
    "scan-machine",
    "secure-backup",
    "stop-encryption",
    "tell-management",
    "warn-staff",
    "what-left",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    order: u16,
    nsm: String,
    r#type: Type,
    purpose: Purpose,
    evidence: Vec<String>,
    #[serde(default)]
    levels: Vec<String>,
    #[serde(default)]
    threats: Vec<Threat>,
    #[serde(default)]
    kinds: Vec<String>,
    nb: Content,
    nn: Content,
    en: Content,
}

/// The word of a consequence level in files.
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Low => "low",
        Level::Medium => "medium",
        Level::High => "high",
    }
}

/// A principle (4.3) or a measure of one (4.3.3), of chapters 1 to 4.
fn is_nsm(number: &str) -> bool {
    let parts: Vec<Option<u8>> = number.split('.').map(|part| part.parse().ok()).collect();
    matches!(parts.as_slice(), [Some(1..=4), Some(1..=10)] | [Some(1..=4), Some(1..=10), Some(1..=20)])
}

/// Whether these words may stand in a measure; else what is wrong.
///
/// # Errors
/// A sentence with what would be right.
pub fn checked(content: &Content) -> Result<(), String> {
    let line = |what: &str, text: &str, most: usize| {
        let is_good = !text.trim().is_empty() && text.len() <= most && !text.chars().any(char::is_control);
        is_good.then_some(()).ok_or_else(|| format!("{what} is a text of at most {most} bytes on one line"))
    };
    line("title", &content.title, TITLE_MAX_OCTETS)?;
    line("why", &content.why, MEASURE_WHY_MAX_OCTETS)?;
    line("done", &content.done, MEASURE_WHY_MAX_OCTETS)?;
    if content.steps.is_empty() || content.steps.len() > MEASURE_STEPS_MAX {
        return Err(format!("steps are 1 to {MEASURE_STEPS_MAX}, and there are {}", content.steps.len()));
    }
    content.steps.iter().try_for_each(|step| line("each of steps", step, MEASURE_STEP_MAX_OCTETS))
}

/// Reads a measure's file.
///
/// # Errors
/// A sentence: where, what, and what would be right.
pub fn read(key: &str, text: &str) -> Result<Measure, String> {
    let written: Written = toml::from_str(text).map_err(|error| format!("{key}: {}", error.message()))?;
    let Written { order, nsm, r#type, purpose, evidence, levels, threats, kinds, nb, nn, en } = written;
    if !is_nsm(&nsm) {
        return Err(format!("{key}: nsm = \"{nsm}\" is no number of a principle (4.3) or of a measure (4.3.3)"));
    }
    let evidence_of = |word: &String| {
        let known = Evidence::ALL.into_iter().find(|known| known.as_str() == word);
        known.ok_or_else(|| {
            let all = Evidence::ALL.map(Evidence::as_str).join(", ");
            format!("{key}: evidence = \"{word}\" is none of {all}")
        })
    };
    let level_of = |word: &String| {
        let known = [Level::Low, Level::Medium, Level::High].into_iter().find(|known| level_word(*known) == word);
        known.ok_or_else(|| format!("{key}: levels = \"{word}\" is none of low, medium, high"))
    };
    if let Some(unknown) = kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(format!("{key}: kinds = \"{unknown}\" is none of {}", KINDS.join(", ")));
    }
    for (language, content) in [("nb", &nb), ("nn", &nn), ("en", &en)] {
        checked(content).map_err(|why| format!("{key} [{language}]: {why}"))?;
    }
    let evidence = evidence.iter().map(evidence_of).collect::<Result<_, _>>()?;
    let levels = levels.iter().map(level_of).collect::<Result<_, _>>()?;
    Ok(Measure {
        key: key.to_owned(),
        order,
        nsm,
        sort: r#type,
        purpose,
        fits: Fits { evidence, levels, threats, kinds },
        contents: Contents { nb, nn, en },
        reworded: Vec::new(),
    })
}

/// The words of a measure in one language as a file, for whoever edits them.
pub fn written(content: &Content) -> String {
    #[derive(Serialize)]
    struct Words<'a> {
        title: &'a str,
        why: &'a str,
        steps: &'a [String],
        done: &'a str,
    }
    let Content { title, why, steps, done } = content;
    toml::to_string_pretty(&Words { title, why, steps, done }).unwrap_or_default()
}

/// Reads the words of a measure in one language, as [`written`] writes them.
///
/// # Errors
/// A sentence with what would be right.
pub fn words(text: &str) -> Result<Content, String> {
    let content: Content = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        format!(
            "line {line}: {}; it has title, why, steps and done, as measure show --file writes them",
            error.message()
        )
    })?;
    checked(&content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Bank;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_bank_is_read_and_is_named_here() {
        for (key, text) in SHIPPED {
            read(key, text).unwrap();
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/measures");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".toml").to_owned())
            .collect();
        let named: BTreeSet<String> = SHIPPED.iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(there, named);
        let orders: BTreeSet<u16> = Bank::shipped().all().iter().map(|measure| measure.order).collect();
        assert_eq!((Bank::shipped().all().len(), orders.len()), (SHIPPED.len(), SHIPPED.len()), "each has its place");
    }

    #[test]
    fn the_three_languages_say_the_same_things_in_other_words() {
        for measure in Bank::shipped().all() {
            let Contents { nb, nn, en } = &measure.contents;
            assert!(nb.steps.len() == nn.steps.len() && nb.steps.len() == en.steps.len(), "{}", measure.key);
            assert!(nb.title != nn.title || nb.why != nn.why, "{}: nynorsk is a copy", measure.key);
            assert!(nb.title != en.title, "{}", measure.key);
            let all = format!("{nn:?}").to_lowercase();
            for bokmaal in [" ikke ", " hvem ", " hva ", " noen ", " dere ", " fra "] {
                assert!(!all.contains(bokmaal), "{} in nynorsk says{bokmaal}", measure.key);
            }
        }
    }

    #[test]
    fn a_bad_file_says_where_what_and_what_would_be_right() {
        let good = SHIPPED.iter().find(|(key, _)| *key == "keep-traces").unwrap().1;
        for (from, to, said) in [
            ("nsm = \"4.3.3\"", "nsm = \"9.1\"", "number of a principle (4.3)"),
            ("\"contacted\"", "\"touched\"", "is none of blocked, looked_up"),
            ("purpose = \"handle\"", "purpose = \"x\"", "one of `prevent`, `detect`, `handle`"),
            ("[nn]\ntitle", "[nn]\ntitel", "unknown field `titel`"),
            ("order", "levels = [\"vond\"]\norder", "is none of low, medium, high"),
            ("order", "kinds = [\"fil\"]\norder", "is none of domain, host"),
        ] {
            let why = read("keep-traces", &good.replacen(from, to, 1)).unwrap_err();
            assert!(why.starts_with("keep-traces: ") && why.contains(said), "{why}");
        }
        let mut content = Bank::shipped().get("keep-traces").unwrap().contents.nb.clone();
        assert_eq!(words(&written(&content)).unwrap(), content, "what is written is read");
        content.steps = vec!["x".to_owned(); 40];
        assert!(words(&written(&content)).unwrap_err().contains("1 to 12"));
        content.steps = vec!["a\u{1b}[2J".to_owned()];
        assert!(words(&written(&content)).unwrap_err().contains("on one line"));
        assert!(words("title = 1").unwrap_err().starts_with("line 1: "));
    }
}
