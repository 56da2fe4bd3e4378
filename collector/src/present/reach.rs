//! What the page says of how far the newest list has come, and how old the list at a sensor is.

use varde_common::time::Timestamp;

use super::shown::{brief, span};
use super::text::Texts;
use crate::reach::Reach;

/// How long the newest list took to reach half of the sensors, nearly all and all; none where there is no sensor to be reached.
pub fn reach_words(reach: &Reach, texts: &Texts) -> Option<String> {
    if reach.sensors == 0 {
        return None;
    }
    let took = |ms: Option<u64>| match ms {
        None => texts.say("list-reach-not-yet"),
        Some(ms) => texts.with("list-reach-after", &[("span", &brief(texts, ms))]),
    };
    let (half, most, all) = (took(reach.half_ms), took(reach.most_ms), took(reach.all_ms));
    let (in_force, sensors) = (reach.in_force.to_string(), reach.sensors.to_string());
    let revision = reach.revision.to_string();
    Some(texts.with(
        "list-reach",
        &[
            ("revision", &revision),
            ("half", &half),
            ("most", &most),
            ("all", &all),
            ("inforce", &in_force),
            ("sensors", &sensors),
        ],
    ))
}

/// How long ago the list at a sensor was published.
pub fn age_words(published_at: Option<Timestamp>, now: Timestamp, texts: &Texts) -> Option<String> {
    let published_at = published_at?;
    Some(texts.with("list-age", &[("span", &span(texts, now.since(published_at).as_secs()))]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::Language;
    use crate::reach::Reached;

    #[test]
    fn it_is_said_in_every_language_with_how_many_of_how_many_and_no_time_that_has_not_come() {
        let at = |ms: i64| Timestamp(ms * 1_000);
        let sensors = [Some(700), Some(1_300), None].map(|heard| Reached {
            sensor: 1,
            enrolled_at: at(0),
            heard_at: heard.map(|ms| at(1_000 + ms)),
        });
        for (language, half, not_yet, days) in [
            (Language::Bokmaal, "1,3\u{a0}s", "ikke ennå", "3 døgn"),
            (Language::Nynorsk, "1,3\u{a0}s", "ikkje enno", "3 døgn"),
            (Language::English, "1.3\u{a0}s", "not yet", "3 days"),
        ] {
            let texts = Texts::of(language);
            let said = reach_words(&Reach::of(7, at(1_000), &sensors), texts).unwrap();
            assert!(said.contains('7') && said.contains("2 ") && said.contains(" 3 "), "{said}");
            assert!(said.contains(half) && said.matches(not_yet).count() == 2, "{said}");
            assert!(reach_words(&Reach::of(7, at(1_000), &[]), texts).is_none(), "nobody is reached, by nobody");
            let age = age_words(Some(at(0)), at(3 * 86_400_000), texts).unwrap();
            assert!(age.contains(days), "{age}");
            assert_eq!(age_words(None, at(0), texts), None);
        }
    }
}
