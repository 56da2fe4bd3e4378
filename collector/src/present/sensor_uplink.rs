//! How a sensor speaks with the collector: what waits there, how its clock stands, what came again, and whether it is one.

use serde_json::Value;
use varde_common::time::Timestamp;

use super::shown::{Moment, Shown, number, span};
use super::text::Texts;
use super::view::Reader;
use crate::renewal::is_overdue;
use crate::store::picture::SensorFacts;

/// What is said of a sensor's uplink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkView {
    /// Age of the oldest record that waits.
    pub oldest: String,
    /// Its clock against ours.
    pub clock: String,
    /// Records that came again.
    pub replayed: String,
    /// Two live with its identity.
    pub quarantined: bool,
    /// When an older state of it last came.
    pub set_back: Option<Moment>,
    /// When its test of itself last came the whole way.
    pub self_tested: Option<Moment>,
    /// How long ago that is; empty where none has.
    pub self_tested_ago: String,
    /// Until when its certificate is good.
    pub certificate: Option<Moment>,
    /// Said where that should have been renewed and was not.
    pub not_renewed: Option<String>,
}

/// What version 2 tells beyond version 1; none in a heartbeat of an older sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    spool_age_s: Option<u64>,
    clock_offset_us: Option<i64>,
}

impl Told {
    fn read(json: Option<&str>) -> Option<Told> {
        let value: Value = serde_json::from_str(json?).ok()?;
        let spool_age = value.get("spool_age_s")?;
        Some(Told {
            spool_age_s: spool_age.as_u64(),
            clock_offset_us: value.get("clock_offset_us").and_then(Value::as_i64),
        })
    }
}

impl UplinkView {
    /// From facts.
    pub fn of(sensor: &SensorFacts, reader: &Reader) -> UplinkView {
        let texts = reader.texts;
        let told = Told::read(sensor.heartbeat.as_deref());
        let unknown = || texts.say("unknown");
        UplinkView {
            oldest: match told.map(|told| told.spool_age_s) {
                None => unknown(),
                Some(None) => texts.say("oldest-none"),
                Some(Some(seconds)) => texts.with("ago", &[("span", &span(texts, seconds))]),
            },
            clock: told.and_then(|told| told.clock_offset_us).map_or_else(unknown, |offset| clock(offset, texts)),
            replayed: match sensor.replayed {
                0 => texts.say("replayed-none"),
                replayed => texts.with("replayed-of", &[("replayed", &number(replayed))]),
            },
            quarantined: sensor.quarantined_at.is_some(),
            set_back: sensor.set_back_at.map(|at| reader.calendar.moment(at)),
            self_tested: sensor.self_tested_at.map(|at| reader.calendar.moment(at)),
            self_tested_ago: sensor.self_tested_at.map_or_else(String::new, |at| {
                texts.with("ago", &[("span", &span(texts, reader.now.since(at).as_secs()))])
            }),
            certificate: sensor.keys.until.map(|until| reader.calendar.moment(until)),
            not_renewed: not_renewed(sensor, reader.now, texts),
        }
    }
}

/// Why a certificate that should have been renewed was not, as far as is known.
fn not_renewed(sensor: &SensorFacts, now: Timestamp, texts: &Texts) -> Option<String> {
    let until = sensor.keys.until.filter(|_| sensor.revoked_at.is_none())?;
    is_overdue(until, now).then(|| match &sensor.keys.refused_why {
        Some(why) => texts.with("uplink-not-renewed-refused", &[("why", Shown::of(why).as_str())]),
        None => texts.say("uplink-not-renewed"),
    })
}

/// A clock in words: ours less its, microseconds.
fn clock(offset_us: i64, texts: &Texts) -> String {
    let seconds = offset_us.unsigned_abs() / 1_000_000;
    let key = match (seconds, offset_us) {
        (0, _) => return texts.say("clock-right"),
        (_, 0..) => "clock-behind",
        _ => "clock-ahead",
    };
    texts.with(key, &[("span", &span(texts, seconds))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::Language;
    use crate::store::heartbeat::to_json;
    use proptest::prelude::*;
    use varde_common::heartbeat::{Further, Heartbeat};

    #[test]
    fn what_version_two_tells_is_shown_and_what_version_one_does_not_is_not_known() {
        let further = Further { spool_age_s: None, clock_offset_us: Some(-7_000_000), ..Further::default() };
        let json = |further: Option<&Further>| to_json(&Heartbeat::default(), further).to_string();
        let told = Told { spool_age_s: None, clock_offset_us: Some(-7_000_000) };
        assert_eq!(Told::read(Some(&json(Some(&further)))), Some(told));
        assert_eq!(Told::read(Some(&json(None))), None);
        for language in Language::ALL {
            let texts = Texts::of(language);
            let said = [0, 999_999, -999_999, 7_000_000, -7_000_000].map(|offset| clock(offset, texts));
            assert_eq!((&said[0], &said[0]), (&said[1], &said[2]));
            assert!(said[3] != said[4] && said[3].contains('7') && said[4].contains('7'), "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn any_heartbeat_is_read_or_missing(json in any::<String>()) {
            Told::read(Some(&json));
        }
    }
}
