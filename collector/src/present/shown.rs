//! What a reader sees of things that others wrote: foreign text made visible, indicators defanged, times and numbers as
//! they are written here.

use std::fmt;

use jiff::tz::TimeZone;
use varde_common::time::Timestamp;

use super::text::{Language, Texts};
use crate::day;
use crate::limits::workflow::NOTE_MAX_OCTETS;

/// Characters of one foreign text shown: a name has at most 253, escaped at most four times as many, and more than a few
/// lines helps nobody.
const SHOWN_MAX_CHARACTERS: usize = 300;

/// Text from outside the program, safe to look at: what would be invisible, or would turn the rest of the line around, is
/// written out. Escaping for HTML is the template's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Shown(String);

impl Shown {
    /// Makes `text` visible.
    pub fn of(text: &str) -> Shown {
        Shown::up_to(text, SHOWN_MAX_CHARACTERS)
    }

    /// The same of what a person wrote to be read: as much as may be written in one go, and what stands around it.
    pub fn whole(text: &str) -> Shown {
        Shown::up_to(text, NOTE_MAX_OCTETS.saturating_add(SHOWN_MAX_CHARACTERS))
    }

    /// The same of a text that is read on a page of its own.
    pub fn long(text: &str) -> Shown {
        Shown::up_to(text, crate::limits::advisory::TEXT_MAX_OCTETS)
    }

    fn up_to(text: &str, most: usize) -> Shown {
        let mut shown = String::with_capacity(text.len().min(most.saturating_mul(4)));
        for (place, character) in text.chars().enumerate() {
            if place >= most {
                shown.push('…');
                break;
            }
            if invisible(character) {
                shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
            } else {
                shown.push(character);
            }
        }
        Shown(shown)
    }

    /// An indicator that nobody can click or paste by accident: `evil[.]no`, `2001[:]db8::1`.
    pub fn defanged(pattern: &str) -> Shown {
        let Shown(text) = Shown::of(pattern);
        if text.contains('.') {
            return Shown(text.replace('.', "[.]"));
        }
        Shown(text.replacen(':', "[:]", 1))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters, and those that hide or reorder what stands around them.
fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0x3164 | 0xfeff | 0xffa0 | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

/// A moment three ways.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moment {
    /// In the reader's language and zone: `21.11.2026 kl. 14:05`.
    pub shown: String,
    /// For the pointer: `2026-11-21 13:05:09 UTC`.
    pub utc: String,
    /// For machines: RFC 3339.
    pub machine: String,
    /// The ISO week of it in the reader's zone, for the pointer too: `uke 47, `.
    pub week: String,
}

/// How times are written for one reader.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    language: Language,
}

impl Calendar {
    /// For a reader of `language` in Norway.
    pub fn new(language: Language) -> Calendar {
        Calendar { zone: day::norway(), language }
    }

    /// A moment three ways.
    pub fn moment(&self, at: Timestamp) -> Moment {
        let Ok(moment) = jiff::Timestamp::from_microsecond(at.clamped().0) else {
            return Moment::default();
        };
        let form = match self.language {
            Language::Bokmaal | Language::Nynorsk => "%d.%m.%Y kl. %H:%M",
            Language::English => "%-d %b %Y, %H:%M",
        };
        let local = moment.to_zoned(self.zone.clone());
        Moment {
            week: self.week(local.date()),
            shown: local.strftime(form).to_string(),
            utc: moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            machine: moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }

    /// A day three ways: nobody said at which hour.
    pub fn day(&self, at: Timestamp) -> Moment {
        let Ok(moment) = jiff::Timestamp::from_microsecond(day::of(at).0) else {
            return Moment::default();
        };
        let form = match self.language {
            Language::Bokmaal | Language::Nynorsk => "%d.%m.%Y",
            Language::English => "%-d %b %Y",
        };
        let machine = moment.strftime("%Y-%m-%d").to_string();
        let week = self.week(moment.to_zoned(TimeZone::UTC).date());
        Moment { shown: moment.strftime(form).to_string(), utc: machine.clone(), machine, week }
    }

    fn week(&self, day: jiff::civil::Date) -> String {
        let week = i64::from(day.iso_week_date().week());
        format!("{}, ", Texts::of(self.language).count("week", week))
    }

    /// The short form on an axis: the time, with the day where `with_day`, and to the second where `with_seconds`.
    pub fn tick(&self, at: Timestamp, with_day: bool, with_seconds: bool) -> String {
        let Ok(moment) = jiff::Timestamp::from_microsecond(at.clamped().0) else {
            return String::new();
        };
        let day = match (with_day, self.language) {
            (false, _) => "",
            (true, Language::Bokmaal | Language::Nynorsk) => "%d.%m. ",
            (true, Language::English) => "%-d %b ",
        };
        let form = format!("{day}{}", if with_seconds { "%H:%M:%S" } else { "%H:%M" });
        moment.to_zoned(self.zone.clone()).strftime(&form).to_string()
    }

    /// How far local time is ahead of UTC then, in microseconds, so that ticks fall on whole local hours.
    pub fn offset_us(&self, at: Timestamp) -> i64 {
        jiff::Timestamp::from_microsecond(at.clamped().0)
            .map_or(0, |moment| i64::from(self.zone.to_offset(moment).seconds()) * 1_000_000)
    }
}

/// A number with non-breaking spaces between thousands.
pub fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        shown.push('−');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push('\u{a0}');
        }
        shown.push(digit);
    }
    shown
}

/// A length of time in its largest unit.
pub fn span(texts: &Texts, seconds: u64) -> String {
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    match seconds {
        0..=119 => texts.count("span-seconds", whole(seconds)),
        120..=7_199 => texts.count("span-minutes", whole(seconds / 60)),
        7_200..=172_799 => texts.count("span-hours", whole(seconds / 3_600)),
        _ => texts.count("span-days", whole(seconds / 86_400)),
    }
}

/// A length of time that may be less than seconds: up to a minute with one decimal, and never as nothing.
pub fn brief(texts: &Texts, ms: u64) -> String {
    match i64::try_from(ms / 100) {
        Ok(0..10) => format!("{}\u{a0}ms", ms.max(1)),
        Ok(tenths @ 10..600) => format!("{}{}{}\u{a0}s", tenths / 10, decimal_mark(texts.language()), tenths % 10),
        Ok(_) | Err(_) => span(texts, ms / 1_000),
    }
}

fn decimal_mark(language: Language) -> char {
    match language {
        Language::Bokmaal | Language::Nynorsk => ',',
        Language::English => '.',
    }
}

/// Octets as MiB with one decimal.
pub fn mebibytes(language: Language, octets: u64) -> String {
    let tenths = i64::try_from(u128::from(octets) * 10 / (1024 * 1024)).unwrap_or(i64::MAX);
    format!("{}{}{}\u{a0}MiB", number(tenths / 10), decimal_mark(language), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn indicators_cannot_be_clicked() {
        for (pattern, shown) in [
            ("evil.no", "evil[.]no"),
            ("=www.evil.no", "=www[.]evil[.]no"),
            ("192.0.2.1:443", "192[.]0[.]2[.]1:443"),
            ("2001:db8::1", "2001[:]db8::1"),
        ] {
            assert_eq!(Shown::defanged(pattern).as_str(), shown);
        }
    }

    #[test]
    fn times_and_numbers_are_written_as_here() {
        let at: Timestamp = "2026-11-21T13:05:09Z".parse().unwrap();
        let moment = Calendar::new(Language::Bokmaal).moment(at);
        assert_eq!(moment.shown, "21.11.2026 kl. 14:05");
        assert_eq!(moment.utc, "2026-11-21 13:05:09 UTC");
        assert_eq!(moment.machine, "2026-11-21T13:05:09Z");
        assert_eq!(moment.week, "uke 47, ");
        // By the calendar here it is Monday and another week already.
        let late: Timestamp = "2027-01-03T23:30:00Z".parse().unwrap();
        assert_eq!(Calendar::new(Language::English).moment(late).week, "week 1, ");
        let summer: Timestamp = "2026-07-01T22:30:00Z".parse().unwrap();
        assert_eq!(Calendar::new(Language::English).moment(summer).shown, "2 Jul 2026, 00:30");
        for (n, shown) in [(0, "0"), (999, "999"), (1_234, "1\u{a0}234"), (-1_234_567, "−1\u{a0}234\u{a0}567")] {
            assert_eq!(number(n), shown);
        }
        assert_eq!(mebibytes(Language::Nynorsk, 1024 * 1024 * 3 / 2), "1,5\u{a0}MiB");
    }

    proptest! {
        #[test]
        fn no_text_hides_or_turns_anything(text in any::<String>()) {
            let shown = Shown::of(&text);
            prop_assert!(!shown.as_str().chars().any(invisible));
            prop_assert!(shown.as_str().chars().count() <= SHOWN_MAX_CHARACTERS * 9 + 1);
        }

        #[test]
        fn every_moment_can_be_shown(at in any::<i64>()) {
            prop_assert!(!Calendar::new(Language::Bokmaal).moment(Timestamp(at)).shown.is_empty());
        }
    }
}
