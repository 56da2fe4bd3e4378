//! What the pages say of trust: who signs lists and what waits for a signature, when the root document runs out, and which
//! sensor is behind or thinks that lists are held back.

use super::shown::{Moment, Shown};
use super::text::Texts;
use super::view::Reader;
use varde_common::time::Timestamp;

use crate::limits::rollout::ROLLOUT_SILENT_AFTER;
use crate::limits::{BRAKES_SHOWN_FOR, ROOT_WARN_DAYS};
use crate::store::picture::{Picture, SensorFacts, TrustFacts};
use crate::store::rollout::RolloutFacts;

/// What the front page says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustView {
    /// Which of the two modes this collector is in; none for a member, or where it is not known yet.
    pub mode: Option<String>,
    /// What waits for a signature, and since when.
    pub waits: Option<(String, Moment)>,
    /// The newest list on its way from the pilot group to all: where it is, since when, what was said of it, and whether it has
    /// stopped.
    pub rollout: Option<(String, Moment, Option<Shown>, bool)>,
    /// Said from [`ROOT_WARN_DAYS`] before the root document's end, with that end.
    pub ends: Option<(String, Moment)>,
}

impl TrustView {
    /// From facts.
    pub fn of(picture: &Picture, reader: &Reader) -> TrustView {
        let texts = reader.texts;
        let TrustFacts { root, list_key, pending, rollout } = &picture.trust;
        let mode = match list_key.as_deref() {
            Some("online") => Some(texts.say("trust-online")),
            Some("duty") => Some(texts.say("trust-duty")),
            Some(_) | None => None,
        };
        let waits = pending.map(|pending| {
            let numbers = [
                ("revision", pending.revision),
                ("count", pending.count),
                ("added", pending.added),
                ("removed", pending.removed),
            ];
            (texts.numbers("trust-waits", &numbers), reader.calendar.moment(pending.prepared_at))
        });
        let ends = root.and_then(|(version, expires)| {
            let key = if expires <= reader.now {
                "trust-root-ended"
            } else if expires.since(reader.now).as_secs() < ROOT_WARN_DAYS * 86_400 {
                "trust-root-ends"
            } else {
                return None;
            };
            Some((texts.numbers(key, &[("version", version)]), reader.calendar.moment(expires)))
        });
        let rollout = rollout.as_ref().and_then(|facts| {
            let is_unsigned = pending.is_some_and(|pending| pending.revision == facts.pilot_revision);
            on_its_way(facts, is_unsigned, reader)
        });
        TrustView { mode, waits, rollout, ends }
    }
}

/// A list on its way; one that is over is shown where it stopped or was urgent, for as long as a brake that is over.
pub fn on_its_way(
    facts: &RolloutFacts,
    is_unsigned: bool,
    reader: &Reader,
) -> Option<(String, Moment, Option<Shown>, bool)> {
    let is_lately = |at: Option<Timestamp>| at.is_none_or(|at| reader.now.since(at) < BRAKES_SHOWN_FOR);
    let (texts, list) = (reader.texts, facts.pilot_revision);
    let moment = |at| reader.calendar.moment(at);
    let is_settled = facts.passed_at.is_some();
    if let Some(indicator) = facts.stopped_on.filter(|_| is_lately(facts.ended_at) && !is_settled) {
        let words = texts.numbers("rollout-stopped", &[("list", list), ("indicator", indicator)]);
        let why = facts.stopped_why.as_deref().map(Shown::of);
        return Some((words, moment(facts.ended_at.unwrap_or(facts.prepared_at)), why, true));
    }
    if let Some(why) = facts.urgent_why.as_deref().filter(|_| is_lately(Some(facts.prepared_at))) {
        let words = texts.numbers("rollout-urgent", &[("list", list)]);
        return Some((words, moment(facts.prepared_at), Some(Shown::of(why)), false));
    }
    if facts.is_over() {
        return None;
    }
    let is_silent = facts.all_at.is_none() && facts.pilot_heard == 0 && !is_unsigned;
    if is_silent && reader.now.since(facts.prepared_at) >= ROLLOUT_SILENT_AFTER {
        return Some((texts.numbers("rollout-silent", &[("list", list)]), moment(facts.prepared_at), None, true));
    }
    let (key, since) = match (facts.all_at, facts.pilot_at) {
        (Some(since), _) => ("rollout-all", since),
        (None, Some(since)) => ("rollout-pilot", since),
        (None, None) => ("rollout-sent", facts.prepared_at),
    };
    let numbers = [("list", facts.all_revision.unwrap_or(list)), ("added", facts.added)];
    Some((texts.numbers(key, &numbers), moment(since), None, false))
}

/// What a sensor's page says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SensorTrust {
    /// Its root document against the newest.
    pub root: String,
    /// What to look at, with the sensor's own words where it gave some.
    pub warnings: Vec<(String, Option<Shown>)>,
}

impl SensorTrust {
    /// From facts.
    pub fn of(sensor: &SensorFacts, picture: &Picture, texts: &Texts) -> SensorTrust {
        let facts = &sensor.trust;
        let newest = picture.trust.root.map(|(version, _)| version);
        let root = match (facts.root_version, newest) {
            (None, _) => texts.say("unknown"),
            (Some(held), Some(newest)) if held < newest => {
                texts.numbers("trust-root-behind", &[("held", held), ("newest", newest)])
            }
            (Some(held), Some(newest)) if held > newest => {
                texts.numbers("trust-root-ahead", &[("held", held), ("newest", newest)])
            }
            (Some(held), Some(_)) => texts.numbers("trust-root-newest", &[("held", held)]),
            (Some(held), None) => texts.numbers("trust-root-held", &[("held", held)]),
        };
        let mut warnings = Vec::new();
        if let Some(why) = &facts.root_refused {
            warnings.push((texts.say("trust-root-refused"), Some(Shown::of(why))));
        }
        match facts.freshness.as_deref() {
            Some("stale") => warnings.push((texts.say("trust-stale"), None)),
            Some("behind") => warnings.push((texts.say("trust-behind"), None)),
            Some(_) | None => {}
        }
        if let Some(why) = &facts.newest_refused {
            warnings.push((texts.say("trust-newest-refused"), Some(Shown::of(why))));
        }
        SensorTrust { root, warnings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::shown::Calendar;
    use crate::present::text::Language;
    use crate::store::fixture::Fixture;
    use crate::store::pending::PendingFacts;
    use crate::store::{Scope, setting};
    use std::time::Duration;
    use varde_common::time::Timestamp;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn l2_t8_what_waits_runs_out_or_is_behind_is_said_in_every_language_and_to_no_member() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        store.set_setting(setting::LIST_KEY_MODE, setting::DUTY).await.unwrap();
        let mut picture = store.picture(Scope::Operator).await.unwrap();
        let days = |days: u64| NOW.plus(Duration::from_secs(days * 86_400));
        picture.trust.pending = Some(PendingFacts { revision: 8, count: 70, added: 3, removed: 2, prepared_at: NOW });
        let facts = &mut picture.sensors[0].trust;
        facts.root_version = Some(1);
        facts.root_refused = Some("<b>skipped".to_owned());
        facts.freshness = Some("stale".to_owned());
        facts.newest_refused = Some("older".to_owned());
        for language in Language::ALL {
            let texts = Texts::of(language);
            let reader = Reader { texts, calendar: Calendar::new(language), now: NOW };
            let mut ends = |root| {
                picture.trust.root = root;
                TrustView::of(&picture, &reader).ends.map(|(words, _)| words)
            };
            assert_eq!(ends(Some((2, days(61)))), None);
            let (soon, over) = (ends(Some((2, days(59)))).unwrap(), ends(Some((2, NOW))).unwrap());
            assert!(soon.contains('2') && over.contains('2') && soon != over, "{soon} {over}");
            let view = TrustView::of(&picture, &reader);
            let (waits, _) = view.waits.unwrap();
            assert!(["8", "70", "3", "2"].iter().all(|number| waits.contains(number)), "{waits}");
            assert_eq!(view.mode, Some(texts.say("trust-duty")));
            let sensor = SensorTrust::of(&picture.sensors[0], &picture, texts);
            assert!(sensor.root.contains('1') && sensor.root.contains('2'), "{sensor:?}");
            assert_eq!(sensor.warnings.len(), 3, "{sensor:?}");
        }
        let member = store.picture(Scope::Member(1)).await.unwrap();
        assert_eq!(member.trust, TrustFacts::default(), "how lists are signed is the operator's business");
    }
}
