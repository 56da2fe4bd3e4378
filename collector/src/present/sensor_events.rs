//! What a sensor said about itself and what was noted about it, a sentence each; and what it said is lost, added up.

use serde_json::Value;

use super::shown::{Moment, Shown, number};
use super::text::Texts;
use super::view::Reader;
use crate::losses::{RECORDS_ENDED, Told, UNREAD_ENDED, Why, records_of};
use crate::store::demoted::{INDICATOR_DEMOTED, INDICATOR_TOLD_AGAIN};
use crate::store::event::{EventRow, Events};
use crate::store::self_test::SELF_TEST;

/// An event's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// When it came.
    pub at: Moment,
    /// What happened.
    pub words: String,
}

/// A sensor's events on its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsView {
    /// The newest first.
    pub lines: Vec<EventLine>,
    /// How many more there are.
    pub more: Option<String>,
    /// What it said is lost, with reasons.
    pub lost: String,
}

impl EventsView {
    /// From facts.
    pub fn of(events: &Events, reader: &Reader) -> EventsView {
        let Events { newest, total, lost, restored_at } = events;
        let line = |event: &EventRow| EventLine {
            at: reader.calendar.moment(event.received_at),
            words: in_words(&event.body, restored_at.is_some_and(|at| event.received_at >= at), reader.texts),
        };
        let more = total.saturating_sub(newest.len() as u64);
        EventsView {
            lines: newest.iter().map(line).collect(),
            more: (more > 0).then(|| reader.texts.count("events-more", whole(more))),
            lost: sums(lost, reader.texts),
        }
    }
}

/// The losses a sensor told of, added up.
fn sums(lost: &Told, texts: &Texts) -> String {
    if lost.total() == 0 {
        return texts.say("told-lost-none");
    }
    let sums = lost.sums().into_iter().filter(|(_, records)| *records > 0);
    let reasons: Vec<String> =
        sums.map(|(why, records)| format!("{} {}", number(whole(records)), why_in_words(why, texts))).collect();
    let key = if lost.more { "told-lost-least" } else { "told-lost" };
    texts.with(key, &[("records", &number(whole(lost.total()))), ("reasons", &reasons.join("; "))])
}

fn why_in_words(why: Why, texts: &Texts) -> String {
    texts.say(match why {
        Why::Full => "lost-full",
        Why::Aged => "lost-aged",
        Why::Damaged => "lost-damaged",
        Why::Gone => "lost-gone",
        Why::SetAside => "lost-set-aside",
        Why::SetAsideOrSent => "lost-set-aside-or-sent",
        Why::Other => "lost-other",
    })
}

/// An event as a sentence; `restored` = it came since this collector was restored.
pub fn in_words(body: &Value, restored: bool, texts: &Texts) -> String {
    // Sensors' own words are made visible and stay within their place.
    let word = |key: &str| match body.get(key) {
        Some(Value::String(text)) => Shown::of(text).to_string(),
        Some(Value::Number(n)) => n.as_i64().map_or_else(|| n.to_string(), number),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => "–".to_owned(),
    };
    let filled = |key: &str, places: &[&str]| {
        let words: Vec<(&str, String)> = places.iter().map(|place| (*place, word(place))).collect();
        let words: Vec<(&str, &str)> = words.iter().map(|(place, word)| (*place, word.as_str())).collect();
        texts.with(key, &words)
    };
    match body.get("event").and_then(Value::as_str) {
        Some("started") => filled("event-started", &["version"]),
        Some("list_in_force") => filled("event-list-in-force", &["revision", "indicators"]),
        Some("list_refused") => filled("event-list-refused", &["revision", "why"]),
        Some("spool_damaged") => filled("event-spool-damaged", &["octets"]),
        Some("loss" | RECORDS_ENDED) => loss(body, restored, texts),
        Some(UNREAD_ENDED) => filled("event-unread-ended", &["octets"]),
        Some(INDICATOR_DEMOTED) => {
            at_site(body, filled("event-indicator-demoted", &["indicator", "hosts", "matches"]), texts)
        }
        Some(INDICATOR_TOLD_AGAIN) => at_site(body, filled("event-indicator-told-again", &["indicator"]), texts),
        Some("unknown_alert") => filled("event-unknown-alert", &["alert", "count"]),
        Some("unknown_indicator") => filled("event-unknown-indicator", &["indicator"]),
        Some("unknown_site") => filled("event-unknown-site", &["site"]),
        Some("unreadable_record") => filled("event-unreadable-record", &["octets"]),
        Some(SELF_TEST) => texts.say("event-self-test"),
        Some("held_back") => texts.say("event-held-back"),
        Some("unpublished_list") => texts.say("event-unpublished-list"),
        Some("thrown_out") => texts.say("event-thrown-out"),
        Some("token_reused") => texts.say("event-token-reused"),
        Some("token_guessed") => texts.say("event-token-guessed"),
        Some("ended_key") => texts.say("event-ended-key"),
        Some("replaced_again") => texts.say("event-replaced-again"),
        Some("silent_again") => texts.say("event-silent-again"),
        Some("foreign_site") => texts.say("event-foreign-site"),
        Some("two_live") => texts.say("event-two-live"),
        Some("mark_unknown") => texts.say("event-mark-unknown"),
        Some("mark_missing") => texts.say("event-mark-missing"),
        Some("set_back") if was_released(body) => texts.say("event-renewed"),
        Some("set_back") => filled("event-set-back", &["next", "committed"]),
        Some("epoch_changed") => texts.say("event-epoch-changed"),
        Some(kind) => texts.with("event-other", &[("kind", Shown::of(kind).as_str())]),
        None => texts.with("event-other", &[("kind", "–")]),
    }
}

/// With the site in front, where it is not the sensor's own.
fn at_site(body: &Value, said: String, texts: &Texts) -> String {
    match body.get("site").and_then(Value::as_u64) {
        Some(0) | None => said,
        Some(site) => format!("{} {said}", texts.with("event-at-site", &[("site", &site.to_string())])),
    }
}

/// A new spool was ordered although nothing shows an older state: it came out of quarantine.
fn was_released(body: &Value) -> bool {
    let place = |key: &str| body.get(key).and_then(Value::as_u64);
    let behind = matches!((place("next"), place("committed")), (Some(next), Some(last)) if last > 0 && next <= last);
    !behind && body.get("state_of").is_none_or(Value::is_null)
}

fn loss(body: &Value, restored: bool, texts: &Texts) -> String {
    let place = |key: &str| body.get(key).and_then(Value::as_u64).map_or(0, whole);
    let said = texts.with(
        "event-loss",
        &[
            ("records", &number(whole(records_of(body)))),
            ("from", &number(place("from"))),
            ("to", &number(place("to"))),
            ("why", &why_in_words(Why::of(body, restored), texts)),
        ],
    );
    let Some(counts) = body.get("counts") else { return said };
    let of = |key: &'static str| (key, counts.get(key).and_then(Value::as_u64).map_or(0, whole));
    let kinds = ["critical", "high", "medium", "low", "info", "other"].map(of);
    format!("{said} {}", texts.numbers("event-loss-of", &kinds))
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::shown::Calendar;
    use crate::present::text::Language;
    use proptest::prelude::*;
    use serde_json::json;
    use varde_common::time::Timestamp;

    fn every_kind() -> Vec<Value> {
        vec![
            json!({ "event": "started", "version": "0.1.0" }),
            json!({ "event": "list_in_force", "revision": 3, "indicators": 5 }),
            json!({ "event": "list_refused", "revision": 3, "why": "no" }),
            json!({ "event": "spool_damaged", "octets": 7 }),
            json!({ "event": "loss", "from": 2, "to": 4, "reason": "spool_full" }),
            json!({ "event": "records_ended", "epoch": "00", "from": 2, "to": 4, "may_be_sent": false }),
            json!({ "event": "records_ended", "epoch": "00", "from": 2, "to": 4, "may_be_sent": true }),
            json!({ "event": "unread_ended", "place": "00", "octets": 7 }),
            json!({ "event": "indicator_demoted", "indicator": 7, "hosts": 257, "matches": 300, "within_s": 60 }),
            json!({ "event": "indicator_demoted", "site": 3, "indicator": 7, "hosts": 257, "matches": 300 }),
            json!({ "event": "indicator_told_again", "site": 0, "indicator": 7 }),
            json!({ "event": "unknown_alert", "alert": 4, "count": 7 }),
            json!({ "event": "unknown_indicator", "indicator": 4 }),
            json!({ "event": "unknown_site", "site": 4 }),
            json!({ "event": "unreadable_record", "octets": 4 }),
            json!({ "event": "self_test" }),
            json!({ "event": "held_back" }),
            json!({ "event": "unpublished_list" }),
            json!({ "event": "thrown_out" }),
            json!({ "event": "token_reused" }),
            json!({ "event": "token_guessed" }),
            json!({ "event": "ended_key" }),
            json!({ "event": "replaced_again" }),
            json!({ "event": "silent_again" }),
            json!({ "event": "foreign_site" }),
            json!({ "event": "two_live", "words": "…", "greeted_at": null }),
            json!({ "event": "mark_unknown", "words": "…" }),
            json!({ "event": "mark_missing", "words": "…" }),
            json!({ "event": "set_back", "words": "…", "state_of": null, "next": 4, "committed": 9 }),
            json!({ "event": "set_back", "words": "…", "state_of": null, "next": 12, "committed": 9 }),
            json!({ "event": "epoch_changed", "before": "00", "committed": 9 }),
        ]
    }

    #[test]
    fn d5_every_kind_is_a_sentence_of_its_own_in_every_language_and_an_unknown_one_says_its_key() {
        for language in Language::ALL {
            let texts = Texts::of(language);
            let mut said: Vec<String> = every_kind().iter().map(|body| in_words(body, false, texts)).collect();
            let other = in_words(&json!({ "event": "brand_new" }), false, texts);
            assert!(other.contains("brand_new"), "{other}");
            said.push(other);
            assert!(said.iter().all(|words| !words.contains("event-") && !words.contains('{')), "{said:?}");
            let all = said.len();
            said.sort();
            said.dedup();
            assert_eq!(said.len(), all, "{said:?}");
            let other = texts.with("event-other", &[("kind", "")]);
            assert!(
                every_kind().iter().all(|body| !in_words(body, false, texts).starts_with(other.trim_end_matches('.')))
            );
        }
    }

    #[test]
    fn d5_a_loss_is_told_with_its_range_its_reason_and_what_it_was() {
        let counts = json!({ "info": 3, "low": 0, "medium": 0, "high": 2, "critical": 1, "other": 0 });
        let full = json!({ "event": "loss", "from": 5, "to": 10, "reason": "spool_full", "counts": counts });
        let said = in_words(&full, false, Texts::of(Language::English));
        assert_eq!(
            said,
            "6 records are lost (5 to 10): the spool or the disk was full. They were: critical 1, high 2, medium 0, low 0, info 3, other 0."
        );
        let gone = json!({ "event": "loss", "from": 5, "to": 5, "reason": "spool_damaged" });
        let texts = Texts::of(Language::English);
        assert!(in_words(&gone, true, texts).contains("72 hours") && !in_words(&gone, false, texts).contains("72"));
    }

    #[test]
    fn d5_what_is_lost_is_added_up_with_reasons_and_a_rest_is_counted() {
        for (language, more) in [(Language::Bokmaal, "4"), (Language::Nynorsk, "4"), (Language::English, "4 more")] {
            let mut lost = Told::default();
            lost.add(&json!({ "event": "loss", "from": 1, "to": 14_000, "reason": "spool_full" }), false);
            lost.add(&json!({ "event": "loss", "from": 14_002, "to": 14_002, "reason": "what" }), false);
            lost.add(&json!({ "event": "started" }), false);
            let row = EventRow {
                sensor: 1,
                epoch: String::new(),
                seq: 1,
                at: Timestamp(0),
                received_at: Timestamp(0),
                body: json!({ "event": "two_live" }),
            };
            let events = Events { newest: vec![row], total: 5, lost, restored_at: None };
            let reader = Reader { texts: Texts::of(language), calendar: Calendar::new(language), now: Timestamp(0) };
            let view = EventsView::of(&events, &reader);
            let plain = view.lost.replace(['\u{a0}', '\u{202f}', ' '], "");
            assert!(plain.contains("14001") && plain.contains("14000"), "{}", view.lost);
            assert!(
                view.more.as_deref().is_some_and(|words| words.contains(more)) && view.lines.len() == 1,
                "{view:?}"
            );
            let mut cut = events.clone();
            cut.lost.more = true;
            let least = EventsView::of(&cut, &reader);
            assert!(least.lost != view.lost);
            let none = EventsView::of(&Events::default(), &reader);
            assert!(none.lines.is_empty() && none.more.is_none() && !none.lost.contains('0'), "{none:?}");
        }
    }

    proptest! {
        #[test]
        fn any_stored_text_is_a_line(text in any::<String>(), kind in any::<String>(), n in any::<i64>()) {
            let bodies = [
                json!(text),
                json!({ "event": kind }),
                json!({ "event": "list_refused", "why": text, "revision": n }),
                json!({ "event": "loss", "from": n, "to": text, "reason": text, "counts": n }),
            ];
            for body in bodies {
                let said = in_words(&body, false, Texts::of(Language::Bokmaal));
                prop_assert!(!said.is_empty() && said.chars().all(|c| !c.is_control()));
            }
        }
    }
}
