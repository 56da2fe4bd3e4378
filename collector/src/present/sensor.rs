//! How a sensor is: connected or silent, its list, what it sees, what it loses.

use serde_json::Value;
use varde_common::time::Timestamp;

use super::reach::age_words;
use super::shown::{Calendar, Moment, Shown, mebibytes, number, span};
use super::text::Texts;
use crate::coverage::SILENT_AFTER;
use crate::hearing::{Hearing, Lately, last_packet_at};
use crate::store::picture::{Picture, SensorFacts};

/// The numbers of a stored heartbeat; each may be missing, from an older or newer sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heartbeat {
    /// Seconds since it started.
    pub uptime_s: Option<u64>,
    /// Packets read.
    pub packets: Option<u64>,
    /// Frames lost before they were read, as far as the sensor's sources can tell.
    pub dropped: Option<u64>,
    /// Sources that cannot tell.
    pub drops_unknown: Option<u64>,
    /// Frames or messages refused.
    pub refused: Option<u64>,
    /// DNS messages read.
    pub dns_messages: Option<u64>,
    /// Flows seen.
    pub flows: Option<u64>,
    /// Milliseconds since the last packet, when it was sent.
    pub last_packet_ms: Option<u64>,
    /// Records not yet acknowledged.
    pub spool_waiting: Option<u64>,
    /// Records lost.
    pub records_lost: Option<u64>,
    /// Resident memory.
    pub memory_octets: Option<u64>,
}

impl Heartbeat {
    /// Reads the stored JSON, whose keys are the message's fields; what cannot be read is missing.
    pub fn read(json: Option<&str>) -> Heartbeat {
        let Some(value) = json.and_then(|json| serde_json::from_str::<Value>(json).ok()) else {
            return Heartbeat::default();
        };
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        Heartbeat {
            uptime_s: number("uptime_s"),
            packets: number("packets"),
            dropped: number("dropped"),
            drops_unknown: number("drops_unknown"),
            refused: number("refused"),
            dns_messages: number("dns_messages"),
            flows: number("flows"),
            last_packet_ms: number("last_packet_ms"),
            spool_waiting: number("spool_waiting"),
            records_lost: number("records_lost"),
            memory_octets: number("memory_octets"),
        }
    }
}

/// Whether a sensor is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A session stands and it is heard from.
    Connected,
    /// A session stands and it is heard from, but no packet has reached it since then, or ever.
    Deaf(Option<Timestamp>),
    /// A session stands, but nothing was heard for a while.
    Stalled(Timestamp),
    /// No session since then.
    Silent(Timestamp),
    /// Enrolled, never heard.
    NeverCame,
    /// Its token was good, and since then it waits for a person's approval.
    WaitsForApproval(Timestamp),
    /// Its token waits to be used.
    TokenWaits,
    /// Its token ran out unused.
    TokenExpired,
    /// Two live with its identity; neither is heard since then.
    Quarantined(Timestamp),
    /// Shut out then.
    Revoked(Timestamp),
}

impl State {
    /// From what is stored.
    pub fn of(sensor: &SensorFacts, now: Timestamp) -> State {
        if let Some(at) = sensor.revoked_at {
            return State::Revoked(at);
        }
        if let Some(at) = sensor.quarantined_at {
            return State::Quarantined(at);
        }
        if let Some((_, since)) = &sensor.keys.pending {
            return State::WaitsForApproval(*since);
        }
        match (sensor.enrolled_at, sensor.last_seen_at, sensor.connected) {
            (None, _, _) if sensor.token_expires_at < now => State::TokenExpired,
            (None, _, _) => State::TokenWaits,
            (Some(_), Some(seen), true) if now.since(seen) > SILENT_AFTER => State::Stalled(seen),
            (Some(_), _, true) if Hearing::of_sensor(sensor) == Hearing::Deaf => State::Deaf(last_packet_at(sensor)),
            (Some(_), _, true) => State::Connected,
            (Some(_), Some(seen), false) => State::Silent(seen),
            (Some(_), None, false) => State::NeverCame,
        }
    }

    /// Whether it is of use at the moment.
    pub fn is_well(self) -> bool {
        matches!(self, State::Connected)
    }

    /// A class for its looks and a sign beside the word, so that colour is never alone.
    fn looks(self) -> (&'static str, &'static str) {
        match self {
            State::Connected => ("good", "●"),
            State::Deaf(_) | State::Stalled(_) | State::Silent(_) | State::NeverCame | State::Quarantined(_) => {
                ("bad", "▲")
            }
            State::WaitsForApproval(_) | State::TokenWaits | State::TokenExpired => ("idle", "○"),
            State::Revoked(_) => ("off", "✕"),
        }
    }
}

/// A sensor's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorRow {
    /// `sensor.id`.
    pub id: i64,
    /// Its owner.
    pub owner: Shown,
    /// Its owner's number.
    pub number: Shown,
    /// Class of the state.
    pub class: &'static str,
    /// Sign of the state.
    pub sign: &'static str,
    /// The state in words.
    pub state: String,
    /// Since when, where that says something.
    pub since: Option<Moment>,
    /// How long ago that is.
    pub ago: String,
    /// The list in force against the newest.
    pub list: String,
    /// How long ago it was published.
    pub list_age: Option<String>,
    /// Whether the list is the newest.
    pub list_good: bool,
    /// Why a list was refused.
    pub refused_list: Option<Shown>,
    /// Packets read.
    pub packets: String,
    /// DNS messages read.
    pub dns: String,
    /// Flows seen.
    pub flows: String,
    /// Dropped and refused.
    pub losses: String,
    /// Whether anything was dropped or lost.
    pub losing: bool,
    /// Said where it loses too much of late.
    pub dropping: Option<String>,
    /// Age of the last packet.
    pub last_packet: String,
    /// Records waiting and lost.
    pub spool: String,
    /// Program version.
    pub version: Shown,
    /// Resident memory.
    pub memory: String,
}

impl SensorRow {
    /// The line of one sensor.
    pub fn of(
        sensor: &SensorFacts,
        picture: &Picture,
        texts: &Texts,
        calendar: &Calendar,
        now: Timestamp,
    ) -> SensorRow {
        let state = State::of(sensor, now);
        let (class, sign) = state.looks();
        let (word, since) = match state {
            State::Connected if sensor.over_tcp => (texts.say("sensor-connected-tcp"), None),
            State::Connected => (texts.say("sensor-connected"), None),
            State::Deaf(Some(at)) => (texts.say("sensor-deaf"), Some(at)),
            State::Deaf(None) => (texts.say("sensor-deaf-always"), None),
            State::Stalled(at) => (texts.say("sensor-stalled"), Some(at)),
            State::Silent(at) => (texts.say("sensor-silent"), Some(at)),
            State::NeverCame => (texts.say("sensor-never-came"), sensor.enrolled_at),
            State::WaitsForApproval(at) => {
                let words = sensor.keys.pending.as_ref().map_or("", |(words, _)| words.as_str());
                (texts.with("sensor-waits-approval", &[("words", words)]), Some(at))
            }
            State::TokenWaits => (texts.say("sensor-token-waits"), Some(sensor.token_expires_at)),
            State::TokenExpired => (texts.say("sensor-token-expired"), Some(sensor.token_expires_at)),
            State::Quarantined(at) => (texts.say("sensor-quarantined"), Some(at)),
            State::Revoked(at) => (texts.say("sensor-revoked"), Some(at)),
        };
        let (list, list_good) = list_words(sensor, picture, texts);
        let heartbeat = Heartbeat::read(sensor.heartbeat.as_deref());
        let unknown = || texts.say("unknown");
        let seen = |n: Option<u64>| match n {
            None => unknown(),
            Some(0) => texts.say("none-yet"),
            Some(n) => number(whole(n)),
        };
        let (number, owner) = match &sensor.owner {
            Some((number, name)) => (Shown::of(number), Shown::of(name)),
            None => (Shown::default(), Shown::of(&texts.say("sensor-shared"))),
        };
        let spool = match (heartbeat.spool_waiting, heartbeat.records_lost) {
            (Some(waiting), Some(lost)) => {
                texts.numbers("sensor-spool", &[("waiting", whole(waiting)), ("lost", whole(lost))])
            }
            _ => unknown(),
        };
        SensorRow {
            id: sensor.id,
            owner,
            number,
            class,
            sign,
            state: word,
            since: since.map(|at| calendar.moment(at)),
            ago: match state {
                State::Deaf(Some(at)) | State::Stalled(at) | State::Silent(at) => span(texts, now.since(at).as_secs()),
                _ => String::new(),
            },
            list,
            list_age: age_words(sensor.trust.list_published_at, now, texts),
            list_good,
            refused_list: sensor.refused.as_ref().filter(|_| !list_good).map(|(_, why)| Shown::of(why)),
            packets: seen(heartbeat.packets),
            dns: seen(heartbeat.dns_messages),
            flows: seen(heartbeat.flows),
            losses: losses(heartbeat, texts),
            losing: heartbeat.dropped.unwrap_or(0) > 0 || heartbeat.records_lost.unwrap_or(0) > 0,
            dropping: dropping(Hearing::of_sensor(sensor), texts),
            last_packet: last_packet(sensor, heartbeat, texts, now),
            spool,
            version: Shown::of(sensor.agent_version.as_deref().unwrap_or("–")),
            memory: heartbeat.memory_octets.map_or_else(unknown, |octets| mebibytes(texts.language(), octets)),
        }
    }
}

fn list_words(sensor: &SensorFacts, picture: &Picture, texts: &Texts) -> (String, bool) {
    let (said, good) = match (sensor.revision, sensor.newest(picture.list.map(|list| list.revision))) {
        (0, None) => (texts.say("list-none-published"), true),
        (0, Some(newest)) => (texts.numbers("list-none", &[("newest", newest)]), false),
        (held, Some(newest)) if held < newest => {
            (texts.numbers("list-behind", &[("held", held), ("newest", newest)]), false)
        }
        // A thief's, or of before a restore: the newest it is not.
        (held, newest) if sensor.trust.list_published_at.is_none() && Some(held) > newest => {
            (texts.numbers("list-unpublished", &[("held", held)]), false)
        }
        (held, _) => (texts.numbers("list-newest", &[("held", held)]), true),
    };
    match &sensor.elsewhere {
        None => (said, good),
        Some((channel, _)) => (texts.with("list-channel", &[("list", &said), ("channel", channel)]), good),
    }
}

/// What was lost. Where a source cannot tell, a 0 would say that nothing was.
fn losses(heartbeat: Heartbeat, texts: &Texts) -> String {
    let (Some(dropped), Some(refused)) = (heartbeat.dropped, heartbeat.refused) else { return texts.say("unknown") };
    let key = match (heartbeat.drops_unknown.unwrap_or(0), dropped) {
        (0, _) => "sensor-losses",
        (_, 0) => "sensor-losses-unknown",
        _ => "sensor-losses-least",
    };
    texts.numbers(key, &[("dropped", whole(dropped)), ("refused", whole(refused))])
}

/// Too much lost of late, with what it is a part of.
fn dropping(hearing: Hearing, texts: &Texts) -> Option<String> {
    match hearing {
        Hearing::Dropping(Lately { packets, dropped }) => {
            let total = whole(packets.saturating_add(dropped));
            Some(texts.numbers("sensor-dropping", &[("dropped", whole(dropped)), ("total", total)]))
        }
        Hearing::Unknown | Hearing::Well(_) | Hearing::Deaf => None,
    }
}

/// The age at the heartbeat, and what has passed since.
fn last_packet(sensor: &SensorFacts, heartbeat: Heartbeat, texts: &Texts, now: Timestamp) -> String {
    match (heartbeat.last_packet_ms, heartbeat.packets) {
        (Some(age), _) => {
            let since = sensor.last_seen_at.map_or(0, |seen| now.since(seen).as_secs());
            texts.with("ago", &[("span", &span(texts, (age / 1_000).saturating_add(since)))])
        }
        (None, Some(_)) => texts.say("none-yet"),
        (None, None) => texts.say("unknown"),
    }
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::Language;
    use crate::store::picture::KeyFacts;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn a_sensors_state_is_what_was_last_heard_of_it() {
        let now = Timestamp(1_000_000_000_000);
        let recent = now.minus(Duration::from_secs(30));
        let old = now.minus(Duration::from_secs(3600));
        for (enrolled, seen, connected, revoked, expires, state) in [
            (None, None, false, None, now, State::TokenWaits),
            (None, None, false, None, old, State::TokenExpired),
            (Some(old), None, false, None, old, State::NeverCame),
            (Some(old), None, true, None, old, State::Connected),
            (Some(old), Some(recent), true, None, old, State::Connected),
            (Some(old), Some(old), true, None, old, State::Stalled(old)),
            (Some(old), Some(recent), false, None, old, State::Silent(recent)),
            (Some(old), Some(recent), true, Some(recent), old, State::Revoked(recent)),
        ] {
            let sensor = SensorFacts {
                id: 1,
                member_id: 1,
                owner: None,
                watches: vec![1],
                token_expires_at: expires,
                enrolled_at: enrolled,
                revoked_at: revoked,
                agent_version: None,
                revision: 0,
                elsewhere: None,
                refused: None,
                last_seen_at: seen,
                connected,
                over_tcp: false,
                heartbeat: None,
                set_back_at: None,
                quarantined_at: None,
                replayed: 0,
                self_tested_at: None,
                heartbeat_before: None,
                trust: crate::store::picture::SensorTrustFacts::default(),
                keys: KeyFacts::default(),
            };
            assert_eq!(State::of(&sensor, now), state);
            let pending = Some(("ku is".to_owned(), recent));
            let waits =
                SensorFacts { keys: KeyFacts { pending, ..KeyFacts::default() }, revoked_at: None, ..sensor.clone() };
            assert_eq!(State::of(&waits, now), State::WaitsForApproval(recent));
            let quarantined = SensorFacts { quarantined_at: Some(recent), revoked_at: None, ..sensor };
            assert_eq!(State::of(&quarantined, now), State::Quarantined(recent));
        }
    }

    #[test]
    fn h1_a_deaf_sensor_is_no_well_one_and_one_that_loses_too_much_says_so_in_every_language() {
        let now = Timestamp(1_000_000_000_000);
        let heartbeat = |uptime_s, packets, dropped| {
            let json =
                format!(r#"{{"uptime_s":{uptime_s},"packets":{packets},"dropped":{dropped},"last_packet_ms":240000}}"#);
            Some(json)
        };
        let sensor = |packets, dropped| SensorFacts {
            id: 1,
            member_id: 1,
            owner: None,
            watches: vec![1],
            token_expires_at: now,
            enrolled_at: Some(now),
            revoked_at: None,
            agent_version: None,
            revision: 0,
            elsewhere: None,
            refused: None,
            last_seen_at: Some(now),
            connected: true,
            over_tcp: false,
            heartbeat: heartbeat(1_120, packets, dropped),
            set_back_at: None,
            quarantined_at: None,
            replayed: 0,
            self_tested_at: None,
            heartbeat_before: heartbeat(1_000, 500, 0),
            trust: crate::store::picture::SensorTrustFacts::default(),
            keys: KeyFacts::default(),
        };
        let deaf = State::of(&sensor(500, 0), now);
        assert_eq!(deaf, State::Deaf(Some(now.minus(Duration::from_secs(240)))));
        assert!(!deaf.is_well() && State::of(&sensor(9_700, 800), now).is_well());
        for language in Language::ALL {
            let texts = Texts::of(language);
            let said = dropping(Hearing::of_sensor(&sensor(9_700, 800)), texts).unwrap();
            assert!(
                said.contains("800") && said.replace(['\u{a0}', '\u{202f}', ',', ' '], "").contains("10000"),
                "{said}"
            );
            assert_eq!(dropping(Hearing::of_sensor(&sensor(9_700, 10)), texts), None);
        }
    }

    #[test]
    fn drops_that_a_source_cannot_tell_are_not_shown_as_none() {
        for (json, said) in [
            (r#"{"dropped":0,"refused":3}"#, "0 tapt, 3 avvist"),
            (r#"{"dropped":0,"refused":3,"drops_unknown":0}"#, "0 tapt, 3 avvist"),
            (r#"{"dropped":0,"refused":3,"drops_unknown":1}"#, "tapt: ikke kjent, 3 avvist"),
            (r#"{"dropped":7,"refused":3,"drops_unknown":1}"#, "minst 7 tapt, 3 avvist"),
        ] {
            assert_eq!(losses(Heartbeat::read(Some(json)), Texts::of(Language::Bokmaal)), said);
        }
    }

    proptest! {
        #[test]
        fn any_heartbeat_is_read_or_missing(json in any::<String>()) {
            Heartbeat::read(Some(&json));
        }
    }

    #[test]
    fn a_heartbeat_with_odd_values_is_partly_missing() {
        let read = Heartbeat::read(Some(r#"{"packets":-1,"flows":"7","dns_messages":3,"last_packet_ms":null}"#));
        assert_eq!(read, Heartbeat { dns_messages: Some(3), ..Heartbeat::default() });
    }
}
