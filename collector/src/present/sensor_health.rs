//! One sensor's page: what it lost and why, which of its tables were full, and what it cannot see, each number with what it
//! is a part of.

use serde_json::Value;
use varde_common::heartbeat::{BlindSpots, Evictions};
use varde_common::limits::REFUSALS_MAX;

use super::brake::SensorBrake;
use super::sensor::SensorRow;
use super::sensor_events::EventsView;
use super::sensor_uplink::UplinkView;
use super::shown::{Moment, Shown, number};
use super::silence::SilenceView;
use super::text::Texts;
use super::trust::SensorTrust;
use super::view::Reader;
use crate::store::Scope;
use crate::store::event::Events;
use crate::store::picture::{Picture, SensorFacts};
use crate::store::silence::SilenceRow;

/// What a stored heartbeat says of losses and blind spots; an older sensor's says nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Health {
    packets: u64,
    dropped: u64,
    drops_unknown: u64,
    sources: u64,
    refused: u64,
    /// The most frequent first.
    refusals: Vec<(String, u64)>,
    evictions: Evictions,
    blind: BlindSpots,
}

impl Health {
    /// None for a heartbeat that does not say.
    fn read(json: Option<&str>) -> Option<Health> {
        let mut value: Value = serde_json::from_str(json?).ok()?;
        let evictions = serde_json::from_value(value.get_mut("evictions")?.take()).ok()?;
        let blind = serde_json::from_value(value.get_mut("blind")?.take()).ok()?;
        let reasons = value.get("refusals")?.as_object()?.iter().take(REFUSALS_MAX);
        let mut refusals: Vec<(String, u64)> =
            reasons.filter_map(|(reason, count)| Some((reason.clone(), count.as_u64()?))).collect();
        refusals.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        Some(Health {
            packets: number("packets")?,
            dropped: number("dropped")?,
            drops_unknown: number("drops_unknown")?,
            sources: number("sources")?,
            refused: number("refused")?,
            refusals,
            evictions,
            blind,
        })
    }
}

/// A reason's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonRow {
    /// The sensor's own word for it.
    pub key: Shown,
    /// What that means.
    pub words: String,
    /// How often.
    pub count: String,
}

/// What a sensor lost and cannot see, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthView {
    /// Frames the kernel dropped, or that nobody knows.
    pub dropped: String,
    /// Whether there were any.
    pub dropping: bool,
    /// Said where some sources cannot tell.
    pub drops_unknown: Option<String>,
    /// Frames and messages refused.
    pub refused: String,
    /// The same by reason.
    pub reasons: Vec<ReasonRow>,
    /// Tables that were full; said in one line where none was.
    pub evictions: Vec<String>,
    /// What it cannot see.
    pub blind: Vec<String>,
}

/// A sensor's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorView {
    /// As on the front page.
    pub row: SensorRow,
    /// What it lost and cannot see; none = it has not said.
    pub health: Option<HealthView>,
    /// When it was last heard.
    pub heard: Option<Moment>,
    /// How it speaks with the collector.
    pub uplink: UplinkView,
    /// What it trusts.
    pub trust: SensorTrust,
    /// Which order of the brake it goes by, while one matters.
    pub brake: Option<SensorBrake>,
    /// What keeps it from seeing or from being heard.
    pub silence: SilenceView,
    /// What it said about itself, and what was noted about it.
    pub events: EventsView,
}

impl SensorView {
    /// From facts.
    pub fn of(
        sensor: &SensorFacts,
        picture: &Picture,
        silences: &[SilenceRow],
        scope: Scope,
        events: &Events,
        reader: &Reader,
    ) -> SensorView {
        SensorView {
            row: SensorRow::of(sensor, picture, reader.texts, &reader.calendar, reader.now),
            health: Health::read(sensor.heartbeat.as_deref()).map(|health| HealthView::of(&health, reader.texts)),
            heard: sensor.last_seen_at.map(|at| reader.calendar.moment(at)),
            uplink: UplinkView::of(sensor, reader),
            trust: SensorTrust::of(sensor, picture, reader.texts),
            brake: SensorBrake::of(sensor, picture, reader),
            silence: SilenceView::of(silences, scope, reader),
            events: EventsView::of(events, reader),
        }
    }
}

impl HealthView {
    fn of(health: &Health, texts: &Texts) -> HealthView {
        let frames = health.packets.saturating_add(health.dropped).saturating_add(health.refused);
        HealthView {
            // Where no source can tell, nothing is known to be lost, and a 0 would say that nothing was.
            dropped: if health.dropped == 0 && health.drops_unknown > 0 && health.drops_unknown >= health.sources {
                texts.say("health-dropped-unknown")
            } else {
                texts.numbers("health-dropped-of", &[("dropped", whole(health.dropped)), ("total", whole(frames))])
            },
            dropping: health.dropped > 0,
            drops_unknown: (health.drops_unknown > 0).then(|| {
                let numbers = [("unknown", whole(health.drops_unknown)), ("sources", whole(health.sources))];
                texts.numbers("health-drops-unknown", &numbers)
            }),
            refused: texts.numbers(
                "health-refused-of",
                &[("refused", whole(health.refused)), ("packets", whole(health.packets))],
            ),
            reasons: health
                .refusals
                .iter()
                .map(|(reason, count)| ReasonRow {
                    key: Shown::of(reason),
                    words: reason_in_words(reason, texts).unwrap_or_else(|| texts.say("reason-other")),
                    count: number(whole(*count)),
                })
                .collect(),
            evictions: evictions(&health.evictions, texts),
            blind: blind(&health.blind, texts),
        }
    }
}

/// What a sensor's word for a refusal means to a person; none for a word that this collector does not know, for newer
/// sensors may have some.
pub fn reason_in_words(reason: &str, texts: &Texts) -> Option<String> {
    let key = match reason {
        "cut_short" | "dns_cut_short" | "capture_cut_short" | "transport_header_cut" | "hello_cut_short" => {
            "reason-cut"
        }
        "vlan_too_deep"
        | "extensions_too_many"
        | "dns_too_many_pointers"
        | "answers_beyond_limit"
        | "frame_too_long"
        | "hello_too_long"
        | "hello_too_many_records"
        | "http_head_too_long"
        | "dns_names_too_long"
        | "fragment_dropped" => "reason-limit",
        "unread_encapsulation"
        | "tunnel_unread"
        | "dns_other_opcode"
        | "dns_no_question"
        | "unknown_link_type"
        | "unknown_interface"
        | "hello_other_record"
        | "quic_not_authentic"
        | "quic_other_frame" => "reason-unread",
        "stream_given_up" | "stream_gaps" | "greeting_given_up" | "fragments_unfinished" => "reason-piece",
        "wrong_version"
        | "bad_length"
        | "malformed_block"
        | "answers_broken"
        | "dns_label_type"
        | "dns_pointer_not_backwards"
        | "dns_name_too_long"
        | "dns_data_length"
        | "fragments_contradict"
        | "quic_contradicts"
        | "tcp_urgent" => "reason-broken",
        _ => return None,
    };
    Some(texts.say(key))
}

fn evictions(evictions: &Evictions, texts: &Texts) -> Vec<String> {
    let Evictions { flows, streams, pairings, fragments, folding, answers, other } = *evictions;
    let tables = [
        (flows, "evicted-flows"),
        (streams, "evicted-streams"),
        (pairings, "evicted-pairings"),
        (fragments, "evicted-fragments"),
        (folding, "evicted-folding"),
        (answers, "evicted-answers"),
        (other, "evicted-other"),
    ];
    let full = tables.into_iter().filter(|(count, _)| *count > 0);
    let mut lines: Vec<String> = full.map(|(count, key)| texts.count(key, whole(count))).collect();
    if lines.is_empty() {
        lines.push(texts.say("evicted-none"));
    }
    lines
}

fn blind(blind: &BlindSpots, texts: &Texts) -> Vec<String> {
    let BlindSpots { flows, dot_flows, doq_flows, doh_flows, unexplained_flows, hellos, ech_hellos, doh_hellos } =
        *blind;
    let mut lines = Vec::new();
    if flows == 0 {
        lines.push(texts.say("blind-flows-none"));
    } else {
        let encrypted = dot_flows.saturating_add(doq_flows).saturating_add(doh_flows);
        lines.push(texts.numbers(
            "blind-encrypted-dns",
            &[
                ("encrypted", whole(encrypted)),
                ("flows", whole(flows)),
                ("dot", whole(dot_flows)),
                ("doq", whole(doq_flows)),
                ("doh", whole(doh_flows)),
            ],
        ));
        let numbers = [("unexplained", whole(unexplained_flows)), ("flows", whole(flows))];
        lines.push(texts.numbers("blind-unexplained", &numbers));
    }
    if hellos == 0 {
        lines.push(texts.say("blind-hellos-none"));
    } else {
        lines.push(texts.numbers("blind-ech", &[("ech", whole(ech_hellos)), ("hellos", whole(hellos))]));
        lines.push(texts.numbers("blind-resolver-names", &[("named", whole(doh_hellos)), ("hellos", whole(hellos))]));
    }
    lines
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::Language;
    use crate::store::heartbeat::to_json;
    use proptest::prelude::*;
    use varde_common::codec::Text;
    use varde_common::message::{Heartbeat, Refusal};

    fn view(heartbeat: &Heartbeat, language: Language) -> HealthView {
        let health = Health::read(Some(&to_json(heartbeat, None).to_string())).unwrap();
        HealthView::of(&health, Texts::of(language))
    }

    #[test]
    fn every_number_stands_with_what_it_is_a_part_of() {
        let refusal = |reason, count| Refusal { reason: Text::cut(reason), count };
        let heartbeat = Heartbeat {
            packets: 1_000,
            dropped: 20,
            drops_unknown: 1,
            sources: 2,
            refused: 12,
            refusals: vec![refusal("dns_cut_short", 2), refusal("of_tomorrow", 10)],
            evictions: Evictions { pairings: 1, folding: 4, ..Evictions::default() },
            blind: BlindSpots {
                flows: 8_410,
                dot_flows: 3,
                doq_flows: 1,
                doh_flows: 37,
                unexplained_flows: 312,
                hellos: 9,
                ech_hellos: 2,
                doh_hellos: 5,
            },
            ..Heartbeat::default()
        };
        let view = view(&heartbeat, Language::Bokmaal);
        let said = format!("{view:?}").replace(['\u{a0}', '\u{202f}'], " ").replace("\\u{a0}", " ");
        for words in [
            "20 av 1 032 rammer",
            "1 av 2 kilder",
            "12 rammer og meldinger; 1 000 pakker er lest",
            "41 av 8 410",
            "312 av 8 410",
            "2 av 9",
            "5 av 9",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        let reasons: Vec<_> = view.reasons.iter().map(|row| (row.key.to_string(), row.count.clone())).collect();
        assert_eq!(
            reasons,
            [("of_tomorrow".to_owned(), "10".to_owned()), ("dns_cut_short".to_owned(), "2".to_owned())]
        );
        assert_eq!(view.evictions.len(), 2);
    }

    #[test]
    fn nothing_yet_is_told_in_words() {
        for language in Language::ALL {
            let view = view(&Heartbeat::default(), language);
            assert_eq!((view.evictions.len(), view.blind.len(), view.reasons.len()), (1, 2, 0));
            assert!(!view.dropping && view.drops_unknown.is_none());
        }
    }

    #[test]
    fn drops_that_no_source_can_tell_are_not_known_and_never_none() {
        let heartbeat = |dropped, drops_unknown| Heartbeat {
            packets: 1_000,
            dropped,
            drops_unknown,
            sources: 2,
            ..Heartbeat::default()
        };
        for language in Language::ALL {
            let said = |dropped, unknown| view(&heartbeat(dropped, unknown), language).dropped;
            assert!(!said(0, 2).contains(|c: char| c.is_ascii_digit()), "{}", said(0, 2));
            assert!([said(0, 1), said(0, 0)].iter().all(|said| said.starts_with('0')), "{language:?}");
            assert!(said(7, 2).starts_with('7'), "{language:?}");
        }
    }

    proptest! {
        #[test]
        fn any_heartbeat_is_read_or_missing(json in any::<String>()) {
            Health::read(Some(&json));
        }
    }

    #[test]
    fn a_heartbeat_of_an_older_sensor_says_nothing_of_this() {
        assert_eq!(Health::read(Some(r#"{"packets":1,"dropped":0,"refused":0}"#)), None);
        assert_eq!(Health::read(None), None);
    }
}
