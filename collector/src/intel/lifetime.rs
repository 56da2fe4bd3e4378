//! How long an indicator lives of which no source says an end: by its kind, from the last word of a source, and somewhat longer where
//! sensors meet it.

use serde::{Deserialize, Serialize};
use varde_common::indicator::{Pattern, Target};
use varde_common::time::Timestamp;

use super::canonical::Found;
use crate::limits::{LIFETIME_DAYS_MAX, LIFETIME_GRID_PARTS};

const DAY_US: i64 = 86_400_000_000;

/// What lives for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// An address.
    Address,
    /// An address with a port: whoever says that much has looked.
    Service,
    /// A network.
    Network,
    /// A name.
    Name,
    /// A name or an address of which only a URL on it was said.
    UrlHost,
    /// A program's fingerprint.
    Fingerprint,
}

impl Life {
    /// Every one, with its word.
    pub const ALL: [(Life, &str); 6] = [
        (Life::Address, "address"),
        (Life::Service, "service"),
        (Life::Network, "network"),
        (Life::Name, "name"),
        (Life::UrlHost, "url-host"),
        (Life::Fingerprint, "fingerprint"),
    ];

    /// Of an indicator.
    pub fn of(pattern: &Pattern, of_url: bool) -> Life {
        match &pattern.target {
            Target::Ja4(_) => Life::Fingerprint,
            _ if of_url => Life::UrlHost,
            Target::Address(_) if pattern.port.is_some() => Life::Service,
            Target::Address(_) => Life::Address,
            Target::Network { .. } => Life::Network,
            Target::Domain(_) | Target::Host(_) | Target::Confidential(_) => Life::Name,
        }
    }
}

impl std::str::FromStr for Life {
    type Err = String;

    fn from_str(text: &str) -> Result<Life, String> {
        let found = Life::ALL.iter().find(|(_, word)| *word == text).map(|(life, _)| *life);
        found.ok_or_else(|| {
            "there are address, service (address:port), network, name, url-host and fingerprint".to_owned()
        })
    }
}

/// Days for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifetimes {
    address: u16,
    service: u16,
    network: u16,
    name: u16,
    url_host: u16,
    fingerprint: u16,
}

impl Default for Lifetimes {
    /// The design's (formats, section 6, decision 9); a fingerprint is a program's and outlives its servers, as a name does.
    fn default() -> Lifetimes {
        Lifetimes { address: 30, service: 60, network: 30, name: 180, url_host: 30, fingerprint: 180 }
    }
}

impl Lifetimes {
    /// Days that one lives.
    pub fn days(&self, life: Life) -> u16 {
        let days = match life {
            Life::Address => self.address,
            Life::Service => self.service,
            Life::Network => self.network,
            Life::Name => self.name,
            Life::UrlHost => self.url_host,
            Life::Fingerprint => self.fingerprint,
        };
        days.clamp(1, LIFETIME_DAYS_MAX)
    }

    /// The same with other days for one.
    pub fn with(mut self, life: Life, days: u16) -> Lifetimes {
        match life {
            Life::Address => self.address = days,
            Life::Service => self.service = days,
            Life::Network => self.network = days,
            Life::Name => self.name = days,
            Life::UrlHost => self.url_host = days,
            Life::Fingerprint => self.fingerprint = days,
        }
        self
    }
}

/// What sources have said of one indicator, and sensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words {
    /// The last end that a standing claim names.
    pub named_until: Option<Timestamp>,
    /// The last word of a standing claim that names no end, and means the indicator itself.
    pub last_word: Option<Timestamp>,
    /// The same of one that means a URL on it.
    pub last_url_word: Option<Timestamp>,
    /// Everything that stands means a URL on it.
    pub of_url: bool,
    /// When a sensor last met it, an exercise and a search in history apart.
    pub last_hit: Option<Timestamp>,
}

fn plus_days(at: Timestamp, days: i64) -> Timestamp {
    Timestamp(at.0.saturating_add(days.saturating_mul(DAY_US)))
}

/// The first day of this indicator's grid that is no earlier.
fn on_grid(id: i64, at: Timestamp, days: i64) -> Timestamp {
    let step = (days / LIFETIME_GRID_PARTS).max(1);
    // Numbers that follow each other fall on days all over the grid.
    let phase = (id.wrapping_mul(0x9e37_79b9) >> 7).rem_euclid(step);
    let day = at.0.div_euclid(DAY_US).saturating_add(i64::from(at.0.rem_euclid(DAY_US) > 0));
    let day = day.saturating_add((phase - day).rem_euclid(step));
    Timestamp(day.saturating_mul(DAY_US))
}

/// Until when an indicator holds; none where no claim stands at all.
///
/// A source that says it again renews it. So does a sensor that meets it, since what is met is in use, but no further than to a second
/// lifetime after the last word of a source: an address that has come into honest hands would keep itself listed for good.
pub fn until(id: i64, pattern: &Pattern, words: &Words, lifetimes: &Lifetimes) -> Option<Timestamp> {
    let of = |word: Option<Timestamp>, of_url: bool| {
        let word = word?;
        let days = i64::from(lifetimes.days(Life::of(pattern, of_url)));
        let met = words.last_hit.unwrap_or(word).max(word);
        let end = plus_days(met, days).min(plus_days(word, days.saturating_mul(2)));
        Some(on_grid(id, end, days))
    };
    words.named_until.max(of(words.last_word, false)).max(of(words.last_url_word, true))
}

/// What a claim's word counts from: its version where the source dates it, else when it was last said; no earlier than it begins.
pub fn word(modified: Option<Timestamp>, valid_from: Option<Timestamp>, said: Timestamp) -> Timestamp {
    modified.unwrap_or(said).min(said).max(valid_from.unwrap_or(Timestamp(i64::MIN)))
}

/// Whether what a source gives has outlived itself when it comes, wherever on the grid it would fall.
pub fn is_over(found: &Found, lifetimes: &Lifetimes, now: Timestamp) -> bool {
    let about = &found.about;
    let end = about.valid_until.unwrap_or_else(|| {
        let days = i64::from(lifetimes.days(Life::of(&found.pattern, about.details.of_url)));
        let word = word(found.object.modified, about.valid_from, now);
        plus_days(word, days + days / LIFETIME_GRID_PARTS + 1)
    });
    end <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::{About, Object};

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    fn day(days: i64) -> Timestamp {
        plus_days(NOW, days)
    }

    #[test]
    fn l4_each_kind_lives_as_long_as_is_said_and_at_most_a_quarter_longer() {
        let lifetimes = Lifetimes::default();
        let word = Words { last_word: Some(NOW), ..Words::default() };
        for (text, days) in [
            ("192.0.2.1", 30),
            ("192.0.2.1:443", 60),
            ("192.0.2.0/24", 30),
            ("192.0.2.0/24:443", 30),
            ("evil.example", 180),
            ("=evil.example", 180),
            ("evil.example:443", 180),
            ("ja4:t13d1516h2_8daaf6152771_02713d6af862", 180),
        ] {
            for id in 0..100 {
                let end = until(id, &pattern(text), &word, &lifetimes).unwrap();
                assert!(end >= day(days) && end <= day(days + days / 4 + 1), "{text} {id}: {end}");
                assert_eq!(end.0 % DAY_US, 0, "few distinct ends");
            }
        }
        let url = Words { last_url_word: Some(NOW), of_url: true, ..Words::default() };
        assert!(until(1, &pattern("=evil.example"), &url, &lifetimes).unwrap() <= day(38));
        let both = Words { last_word: Some(NOW), ..url };
        assert!(until(1, &pattern("=evil.example"), &both, &lifetimes).unwrap() >= day(180));
        let longer = lifetimes.with(Life::Address, 90);
        assert!(until(1, &pattern("192.0.2.1"), &word, &longer).unwrap() >= day(90));
    }

    #[test]
    fn l4_an_end_that_a_source_names_stands_and_the_last_to_end_counts() {
        let lifetimes = Lifetimes::default();
        let named = Words { named_until: Some(day(1)), ..Words::default() };
        assert_eq!(until(1, &pattern("192.0.2.1"), &named, &lifetimes), Some(day(1)));
        assert_eq!(until(1, &pattern("192.0.2.1"), &Words::default(), &lifetimes), None);
        let both = Words { last_word: Some(NOW), ..named };
        assert!(until(1, &pattern("192.0.2.1"), &both, &lifetimes).unwrap() >= day(30));
        let late = Words { named_until: Some(day(1000)), ..both };
        assert_eq!(until(1, &pattern("192.0.2.1"), &late, &lifetimes), Some(day(1000)));
    }

    #[test]
    fn l4_a_source_that_says_it_again_renews_and_a_sensor_that_meets_it_only_so_far() {
        let lifetimes = Lifetimes::default();
        let end = |word: i64, hit: Option<i64>| {
            let words = Words { last_word: Some(day(word)), last_hit: hit.map(day), ..Words::default() };
            until(1, &pattern("192.0.2.1"), &words, &lifetimes).unwrap()
        };
        assert!(end(20, None) >= day(50) && end(20, None) > end(0, None));
        assert!(end(0, Some(20)) >= day(50), "met");
        assert_eq!(end(0, Some(-5)), end(0, None), "met before it was said last");
        assert!(end(0, Some(29)) >= day(59) && end(0, Some(400)) <= day(68), "met for a year");
        // A nonsense clock ends nowhere.
        for extreme in [i64::MIN, i64::MAX] {
            let words =
                Words { last_word: Some(Timestamp(extreme)), last_hit: Some(Timestamp(extreme)), ..Words::default() };
            let _ = until(extreme, &pattern("192.0.2.1"), &words, &lifetimes);
        }
    }

    #[test]
    fn l4_of_a_list_that_is_said_every_night_few_change_in_one() {
        let lifetimes = Lifetimes::default();
        for (text, most) in [("192.0.2.1", 250), ("evil.example", 60)] {
            let words = |night: i64| Words { last_word: Some(day(night)), ..Words::default() };
            let changed = |night: i64| {
                let end = |id: i64, night| until(id, &pattern(text), &words(night), &lifetimes);
                (0..1000).filter(|id| end(*id, night) != end(*id, night + 1)).count()
            };
            assert!((0..60).all(|night| changed(night) <= most), "{text}: {:?}", (0..60).map(changed).max());
        }
    }

    #[test]
    fn l4_what_is_older_than_its_life_is_over_when_it_comes_and_what_was_said_today_is_not() {
        let found = |modified: Option<i64>, until: Option<i64>| Found {
            about: About { valid_until: until.map(day), ..About::default() },
            object: Object { modified: modified.map(day), ..Object::default() },
            ..Found::bare(pattern("192.0.2.1"))
        };
        let over = |found: &Found| is_over(found, &Lifetimes::default(), NOW);
        assert!(over(&found(Some(-60), None)) && over(&found(None, Some(-1))));
        assert!(!over(&found(Some(-20), None)) && !over(&found(None, None)) && !over(&found(Some(-60), Some(1))));
        assert_eq!(word(Some(day(5)), None, NOW), NOW, "a version of next week was said now");
        assert_eq!(word(None, Some(day(5)), NOW), day(5), "what begins next week lives from then");
        assert_eq!(word(Some(day(-9)), Some(day(-20)), NOW), day(-9));
    }

    #[test]
    fn every_kind_has_its_word() {
        for (life, word) in Life::ALL {
            assert_eq!(word.parse(), Ok(life));
            assert_eq!(Lifetimes::default().with(life, 7).days(life), 7);
        }
    }
}
