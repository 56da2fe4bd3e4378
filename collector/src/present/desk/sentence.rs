//! What of a question was not understood, as sentences: where, what, and what would be right.

use crate::filter::List;
use crate::filter::read::{Trouble, Why};
use crate::filter::words::{EVIDENCE, KEYS, KINDS, Key, NOBODY, SEVERITIES, STATUSES, Word, YES_NO};
use crate::limits::desk::{FILTER_MAX_OCTETS, TOKENS_MAX, VALUES_IN_TOKEN_MAX};
use crate::present::shown::Shown;
use crate::present::text::Texts;
use crate::range::{BadRange, Quick};

fn listed(words: &[Word], texts: &Texts) -> String {
    words.iter().map(|word| word.said(texts.language())).collect::<Vec<_>>().join(", ")
}

/// The keys of a list.
fn keys(list: List, texts: &Texts) -> String {
    let of = KEYS.iter().filter(|(key, _)| key.of().contains(&list));
    of.map(|(_, word)| word.said(texts.language())).collect::<Vec<_>>().join(", ")
}

fn called(key: Key, texts: &Texts) -> &'static str {
    KEYS.iter().find(|(known, _)| *known == key).map_or("", |(_, word)| word.said(texts.language()))
}

/// What a key's value may be.
fn right(key: Key, list: List, texts: &Texts) -> String {
    match key {
        Key::Member => texts.say("desk-right-member"),
        Key::Source | Key::Threat => texts.say("desk-right-name"),
        Key::Owner => texts.with("desk-right-owner", &[("nobody", NOBODY.said(texts.language()))]),
        Key::Tlp => "clear, green, amber, amber+strict, red".to_owned(),
        Key::Evidence => texts.with("desk-right-rising", &[("words", &listed(EVIDENCE, texts))]),
        Key::Severity => texts.with("desk-right-rising", &[("words", &listed(SEVERITIES, texts))]),
        Key::Status => {
            let of = STATUSES.iter().filter(|(_, _, lists)| lists.contains(&list));
            of.map(|(_, word, _)| word.said(texts.language())).collect::<Vec<_>>().join(", ")
        }
        Key::Kind => listed(KINDS, texts),
        Key::Exercise | Key::History => listed(&YES_NO, texts),
        Key::Indicator | Key::Campaign => texts.say("desk-right-number"),
    }
}

/// A sentence.
pub fn trouble(trouble: &Trouble, list: List, texts: &Texts) -> String {
    let (at, word) = (trouble.at.to_string(), Shown::of(&trouble.word));
    let with = |name: &str, more: &[(&str, &str)]| {
        let mut words = vec![("at", at.as_str()), ("word", word.as_str())];
        words.extend_from_slice(more);
        texts.with(name, &words)
    };
    match trouble.why {
        Why::Key => with("desk-trouble-key", &[("right", &keys(list, texts))]),
        Why::NotHere => with("desk-trouble-not-here", &[("right", &keys(list, texts))]),
        Why::Value(key) => {
            with("desk-trouble-value", &[("name", called(key, texts)), ("right", &right(key, list, texts))])
        }
        Why::NoValue(key) => {
            with("desk-trouble-no-value", &[("name", called(key, texts)), ("right", &right(key, list, texts))])
        }
        Why::Quote => with("desk-trouble-quote", &[]),
        Why::TooMany => with("desk-trouble-many", &[("most", &TOKENS_MAX.to_string())]),
        Why::TooManyValues(_) => with("desk-trouble-values", &[("most", &VALUES_IN_TOKEN_MAX.to_string())]),
        Why::TooLong => with("desk-trouble-long", &[("most", &FILTER_MAX_OCTETS.to_string())]),
    }
}

/// What a usual span of time is called.
pub fn quick(quick: Quick, texts: &Texts) -> String {
    match quick {
        Quick::Hour => texts.say("desk-range-hour"),
        Quick::Day => texts.say("desk-range-day"),
        Quick::Week => texts.say("desk-range-week"),
        Quick::Month => texts.say("desk-range-month"),
    }
}

/// A sentence.
pub fn bad_range(why: BadRange, texts: &Texts) -> String {
    match why {
        BadRange::Quick => texts.say("desk-range-bad-quick"),
        BadRange::From => texts.say("desk-range-bad-from"),
        BadRange::To => texts.say("desk-range-bad-to"),
        BadRange::Order => texts.say("desk-range-bad-order"),
        BadRange::TooLong => texts.say("desk-range-bad-long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::present::text::Language;

    #[test]
    fn a_sentence_says_where_what_and_what_would_be_right() {
        for (text, parts) in [
            ("evil medlm:3407", &["6", "medlm:3407", "medlem", "kilde"][..]),
            ("alvor:alvorlig", &["1", "alvor:alvorlig", "middels", "kritisk"]),
            ("øvelse:kanskje", &["ja, nei"]),
            ("ansvarlig:kari", &["ansvarlig:kari", "status"]),
            ("status:vurdert", &["kvittert, bekreftet"]),
            ("kilde:", &["kilde"]),
            ("\"a", &["anførselstegn"]),
        ] {
            for language in Language::ALL {
                let (_, troubles) = Filter::read(text, List::Alerts);
                let said = trouble(&troubles[0], List::Alerts, Texts::of(language));
                assert!(!said.contains('{') && !said.contains("desk-"), "{said}");
                if language == Language::Bokmaal {
                    assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
                }
            }
        }
    }
}
