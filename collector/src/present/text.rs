//! Screen texts: the three languages, which one a reader gets, and how a text is said.

use std::borrow::Borrow;
use std::sync::LazyLock;

use fluent::concurrent::FluentBundle;
use fluent::{FluentArgs, FluentResource, FluentValue};

use super::shown;

/// The languages of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Bokmål.
    #[default]
    Bokmaal,
    /// Nynorsk.
    Nynorsk,
    /// English.
    English,
}

impl Language {
    /// All, the default first.
    pub const ALL: [Language; 3] = [Language::Bokmaal, Language::Nynorsk, Language::English];

    /// The tag of RFC 5646, for `lang` attributes, the cookie and the address.
    pub fn tag(self) -> &'static str {
        match self {
            Language::Bokmaal => "nb",
            Language::Nynorsk => "nn",
            Language::English => "en",
        }
    }

    /// Its own name for itself.
    pub fn name(self) -> &'static str {
        match self {
            Language::Bokmaal => "Bokmål",
            Language::Nynorsk => "Nynorsk",
            Language::English => "English",
        }
    }

    /// From a tag, whatever region follows; `no` counts as bokmål.
    pub fn from_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
        match primary.as_str() {
            "nb" | "no" => Some(Language::Bokmaal),
            "nn" => Some(Language::Nynorsk),
            "en" => Some(Language::English),
            _ => None,
        }
    }

    /// What a reader gets: what it asks for now, else what it chose before, else what its browser prefers, else bokmål.
    pub fn choose(asked: Option<&str>, chosen: Option<&str>, accept: Option<&str>) -> Language {
        asked
            .and_then(Language::from_tag)
            .or_else(|| chosen.and_then(Language::from_tag))
            .or_else(|| accept.and_then(preferred))
            .unwrap_or_default()
    }
}

/// The first language of ours in an `Accept-Language`, by weight, the earlier of equals.
fn preferred(accept: &str) -> Option<Language> {
    let mut best: Option<(u32, Language)> = None;
    for part in accept.split(',').take(20) {
        let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight = match parameters.trim().strip_prefix("q=") {
            Some(value) => value.parse::<f32>().map_or(0, |q| (q.clamp(0.0, 1.0) * 1000.0) as u32),
            None => 1000,
        };
        if let Some(language) = Language::from_tag(tag)
            && weight > best.map_or(0, |(weight, _)| weight)
        {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// The texts of one language.
pub struct Texts {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

static BOKMAAL: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::Bokmaal));
static NYNORSK: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::Nynorsk));
static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::English));

fn source(language: Language) -> &'static str {
    match language {
        Language::Bokmaal => include_str!("../../texts/nb.ftl"),
        Language::Nynorsk => include_str!("../../texts/nn.ftl"),
        Language::English => include_str!("../../texts/en.ftl"),
    }
}

impl Texts {
    /// The texts of a language.
    pub fn of(language: Language) -> &'static Texts {
        match language {
            Language::Bokmaal => &BOKMAAL,
            Language::Nynorsk => &NYNORSK,
            Language::English => &ENGLISH,
        }
    }

    fn read(language: Language) -> Texts {
        // Broken lines are left out here and found by a test; a page with a missing text is better than none.
        let resource = match FluentResource::try_new(source(language).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        let mut bundle = FluentBundle::new_concurrent(language.tag().parse().into_iter().collect());
        // Invisible isolation marks would land in copied text.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Texts { language, bundle }
    }

    /// Which language this is.
    pub fn language(&self) -> Language {
        self.language
    }

    /// A text without places to fill.
    pub fn say(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A text about a number: `$n` chooses the form, `$shown` is the number as written.
    pub fn count(&self, key: &str, n: impl Borrow<i64>) -> String {
        // Templates hand over references.
        let n = *n.borrow();
        let mut args = FluentArgs::new();
        args.set("n", FluentValue::from(n));
        args.set("shown", FluentValue::from(shown::number(n)));
        self.format(key, Some(&args))
    }

    /// A text with words put in their places.
    pub fn with(&self, key: &str, words: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, word) in words {
            args.set(*name, FluentValue::from(*word));
        }
        self.format(key, Some(&args))
    }

    /// A text with numbers put in their places.
    pub fn numbers(&self, key: &str, numbers: &[(&str, i64)]) -> String {
        let mut args = FluentArgs::new();
        for (name, number) in numbers {
            args.set(*name, FluentValue::from(shown::number(*number)));
        }
        self.format(key, Some(&args))
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        // What goes wrong here is a place without a word: shown as {$name}, and found by a test.
        self.bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    /// Key → the places (`$name`) in it.
    fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let text = source(language);
        assert!(FluentResource::try_new(text.to_owned()).is_ok(), "{language:?} has a line that cannot be read");
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) =
                line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                key = name.to_owned();
                assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{key} stands twice in {language:?}");
            }
            for place in line.split('$').skip(1) {
                let place: String = place.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
                found.get_mut(&key).unwrap().insert(place);
            }
        }
        found
    }

    fn sources(dir: &Path, into: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.file_name().is_some_and(|name| name != "text.rs") {
                into.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn everything_that_says() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = std::fs::read_to_string(root.join("src/io/visit.rs")).unwrap();
        sources(&root.join("src/io/web"), &mut all);
        sources(&root.join("src/present"), &mut all);
        sources(&root.join("templates"), &mut all);
        all
    }

    #[test]
    fn every_language_has_every_text_with_the_same_places() {
        let first = keys(Language::Bokmaal);
        assert!(first.len() > 50);
        for other in [Language::Nynorsk, Language::English] {
            assert_eq!(first, keys(other), "{other:?}");
        }
    }

    #[test]
    fn no_text_is_unused_and_none_is_missing() {
        let all = everything_that_says();
        let known = keys(Language::Bokmaal);
        for key in known.keys() {
            assert!(all.contains(&format!("\"{key}\"")), "{key} is used nowhere");
        }
        for call in ["say(\"", "count(\"", "with(\"", "numbers(\""] {
            for rest in all.split(call).skip(1) {
                let key = rest.split('"').next().unwrap();
                // `starts_with("…")` and its like end the same way; keys have no such characters.
                if !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
                    assert!(known.contains_key(key), "\"{key}\" is said but has no text");
                }
            }
        }
    }

    #[test]
    fn plurals_and_places_are_filled_without_invisible_marks() {
        for language in Language::ALL {
            let texts = Texts::of(language);
            for (key, places) in keys(language) {
                let mut args = FluentArgs::new();
                for place in &places {
                    args.set(place.clone(), FluentValue::from(if place == "n" { 1 } else { 7 }));
                }
                let said = texts.format(&key, Some(&args));
                assert!(!said.contains('{') && !said.contains(['\u{2068}', '\u{2069}']), "{key}: {said}");
                assert!(!said.is_empty(), "{key}");
            }
        }
    }

    #[test]
    fn the_reader_gets_the_language_it_asked_for() {
        for (asked, chosen, accept, gets) in [
            (Some("nn"), Some("en"), Some("nb"), Language::Nynorsk),
            (None, Some("en"), Some("nb"), Language::English),
            (Some("xx"), None, Some("nn-NO,nb;q=0.9"), Language::Nynorsk),
            (None, None, Some("de, en;q=0.5, no;q=0.7"), Language::Bokmaal),
            (None, None, Some("en;q=0, *"), Language::Bokmaal),
            (None, None, Some(";;;,,,q=NaN"), Language::Bokmaal),
            (None, None, None, Language::Bokmaal),
        ] {
            assert_eq!(Language::choose(asked, chosen, accept), gets, "{asked:?} {chosen:?} {accept:?}");
        }
    }
}
