//! What the front page says of the brake: which indicators sensors count only, until when and why, and what that has hidden; and for a
//! week what it hid before.

use varde_common::time::Timestamp;

use super::shown::{Moment, Shown};
use super::view::Reader;
use crate::limits::BRAKES_SHOWN_FOR;
use crate::store::brake::BrakeRow;

/// One indicator that is braked, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrakeLine {
    /// Whether it holds now.
    pub holds: bool,
    /// What is said of it.
    pub words: String,
    /// The indicator, where the reader may know it.
    pub indicator: Option<Shown>,
    /// When it ends by itself, or did.
    pub until: Moment,
    /// Why, as it was ordered.
    pub reason: Shown,
    /// What was counted, with what it is of.
    pub counted: String,
    /// Sensors that refused the order, each with its own words.
    pub refused: Vec<(String, Shown)>,
}

impl BrakeLine {
    /// From facts, newest first; refusals stand with what holds.
    pub fn all(rows: &[BrakeRow], refusals: &[(i64, i64, Option<String>)], reader: &Reader) -> Vec<BrakeLine> {
        let ended = |row: &BrakeRow| row.ended_at.unwrap_or(row.until).min(row.until);
        let is_shown = |row: &&BrakeRow| {
            let end: Timestamp = ended(row);
            end > reader.now || reader.now.since(end) < BRAKES_SHOWN_FOR
        };
        let line = |row: &BrakeRow| {
            let texts = reader.texts;
            let holds = ended(row) > reader.now;
            let key = match (holds, row.exercise) {
                (true, false) => "brake-holds",
                (true, true) => "brake-holds-exercise",
                (false, _) => "brake-over",
            };
            let counted = [
                ("matches", row.matches),
                ("hosts", row.hosts),
                ("by", row.counted_by),
                ("sensors", row.sensors),
                ("total", row.sensors_total),
            ];
            let refused = refusals.iter().filter(|_| holds).filter_map(|(sensor, _, why)| {
                let why = why.as_deref()?;
                Some((texts.numbers("brake-refused", &[("sensor", *sensor)]), Shown::of(why)))
            });
            BrakeLine {
                holds,
                words: texts.numbers(key, &[("id", row.indicator_id)]),
                indicator: row.indicator.as_deref().map(Shown::defanged),
                until: reader.calendar.moment(ended(row)),
                reason: Shown::of(&row.reason),
                counted: texts.numbers("brake-counted", &counted),
                refused: refused.collect(),
            }
        };
        rows.iter().filter(is_shown).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::shown::Calendar;
    use crate::present::text::{Language, Texts};
    use crate::store::fixture::NOW;
    use std::time::Duration;

    const HOUR: Duration = Duration::from_secs(3600);

    fn row(until: Timestamp, ended_at: Option<Timestamp>) -> BrakeRow {
        BrakeRow {
            indicator_id: 17,
            indicator: Some("evil.no".to_owned()),
            exercise: false,
            reason: "<b>falsk</b>".to_owned(),
            since: NOW,
            until,
            ended_at,
            in_force: false,
            sensors: 30,
            sensors_total: 31,
            matches: 94_900,
            counted_by: 12,
            members: Some(11),
            hosts: 2_000,
            evidence: Some("answered"),
            last_seen: Some(NOW),
        }
    }

    #[test]
    fn t10_what_a_brake_hides_is_said_in_every_language_with_its_denominator_and_for_a_week_after() {
        for language in Language::ALL {
            let texts = Texts::of(language);
            let reader = Reader { texts, calendar: Calendar::new(language), now: NOW.plus(HOUR) };
            let rows = [row(NOW.plus(HOUR * 3), None), row(NOW.plus(HOUR * 3), Some(NOW)), row(NOW, None)];
            let lines = BrakeLine::all(&rows, &[(4, 0, Some("unsigned".to_owned())), (5, 1, None)], &reader);
            assert_eq!(lines.iter().map(|line| line.holds).collect::<Vec<_>>(), [true, false, false]);
            let first = &lines[0];
            assert!(first.words.contains("17") && first.counted.contains("12") && first.counted.contains("31"));
            assert_eq!((first.refused.len(), lines[1].refused.len()), (1, 0));
            assert!(first.refused[0].0.contains('4'), "{:?}", first.refused);
            assert_eq!(first.indicator.as_ref().map(Shown::as_str), Some(Shown::defanged("evil.no").as_str()));
            let later = Reader { now: NOW.plus(HOUR * 24 * 8), ..reader };
            assert!(BrakeLine::all(&rows, &[], &later).is_empty());
        }
    }
}
