//! What the pages say of the brake: which indicators sensors count only, until when and why, and what that has hidden, for a week
//! what it hid before; how far the newest order has come, and which one a sensor goes by.

use varde_common::time::Timestamp;

use super::shown::{Moment, Shown, brief};
use super::view::Reader;
use crate::braking::{BrakeReach, Following, Standing};
use crate::limits::BRAKES_SHOWN_FOR;
use crate::store::brake::BrakeRow;
use crate::store::picture::{Picture, SensorFacts};

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
    pub fn all(rows: &[BrakeRow], said: &[Standing], reader: &Reader) -> Vec<BrakeLine> {
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
            let refused = said.iter().filter(|_| holds).filter_map(|said| {
                let why = said.refused_why.as_deref()?;
                Some((texts.numbers("brake-refused", &[("sensor", said.sensor)]), Shown::of(why)))
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

/// How far the newest order has come, in words; none for a member, where no order matters any more, and where there is no sensor.
pub fn brake_reach_words(picture: &Picture, reader: &Reader) -> Option<String> {
    if picture.for_member {
        return None;
    }
    let said = |sensor: i64| picture.brake_standings.iter().find(|said| said.sensor == sensor);
    let living = picture.sensors.iter().filter(|sensor| sensor.revoked_at.is_none());
    let sensors = living.filter_map(|sensor| Some((sensor.id, sensor.enrolled_at?, said(sensor.id))));
    let reach = BrakeReach::of(picture.brake_newest.as_ref(), sensors, reader.now)?;
    if reach.sensors == 0 {
        return None;
    }
    let texts = reader.texts;
    let took = |ms: Option<u64>| match ms {
        None => texts.say("list-reach-not-yet"),
        Some(ms) => texts.with("list-reach-after", &[("span", &brief(texts, ms))]),
    };
    let (half, most, all) = (took(reach.half_ms), took(reach.most_ms), took(reach.all_ms));
    let (order, followed, sensors) = (reach.order, reach.followed_by, reach.sensors);
    let (order, followed, sensors) = (order.to_string(), followed.to_string(), sensors.to_string());
    let key = if reach.holds { "brake-reach" } else { "brake-reach-ends" };
    Some(texts.with(
        key,
        &[
            ("order", &order),
            ("followed", &followed),
            ("sensors", &sensors),
            ("half", &half),
            ("most", &most),
            ("all", &all),
        ],
    ))
}

/// What a sensor's page says of the brake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorBrake {
    /// Which order it goes by, towards the newest.
    pub words: String,
    /// Since when, or when it refused the newest.
    pub at: Option<Moment>,
    /// The sensor's own words where it refused.
    pub why: Option<Shown>,
    /// Whether it does not go by the newest.
    pub is_behind: bool,
}

impl SensorBrake {
    /// From facts; none where no order matters any more, and for one that is not there.
    pub fn of(sensor: &SensorFacts, picture: &Picture, reader: &Reader) -> Option<SensorBrake> {
        if sensor.enrolled_at.is_none() || sensor.revoked_at.is_some() {
            return None;
        }
        let newest = picture.brake_newest.as_ref();
        let said = picture.brake_standings.iter().find(|said| said.sensor == sensor.id);
        let following = Following::of(newest, said, sensor.trust.protocol, reader.now)?;
        let holds = newest.is_some_and(|newest| newest.holds(reader.now));
        let newest = newest.map_or(0, |newest| newest.order);
        let (texts, moment) = (reader.texts, |at| reader.calendar.moment(at));
        let words = |key, order| texts.numbers(key, &[("order", order), ("newest", newest)]);
        let behind = |order| if order == 0 { "sensor-brake-not-yet-any" } else { "sensor-brake-not-yet" };
        Some(match following {
            Following::Follows { order, since } => SensorBrake {
                words: words(if holds { "sensor-brake-holds" } else { "sensor-brake-nothing" }, order),
                at: since.map(moment),
                why: None,
                is_behind: false,
            },
            Following::Refuses { order, at, why } => SensorBrake {
                words: words("sensor-brake-refuses", order),
                at: Some(moment(at)),
                why: Some(Shown::of(&why)),
                is_behind: true,
            },
            Following::NotYet { order } => {
                SensorBrake { words: words(behind(order), order), at: None, why: None, is_behind: true }
            }
            Following::Unable => {
                SensorBrake { words: words("sensor-brake-unable", 0), at: None, why: None, is_behind: true }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::braking::Newest;
    use crate::present::shown::Calendar;
    use crate::present::text::{Language, Texts};
    use crate::store::Scope;
    use crate::store::fixture::{Fixture, NOW};
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

    fn said(sensor: i64, order: i64, why: Option<&str>) -> Standing {
        let refused_at = why.map(|_| NOW.plus(HOUR));
        let since = Some(NOW.plus(HOUR / 2)).filter(|_| order > 0);
        Standing { sensor, order, since, refused_at, refused_why: why.map(str::to_owned) }
    }

    #[tokio::test]
    async fn t10_which_order_a_sensor_goes_by_and_how_many_do_is_said_in_every_language() {
        let fixture = Fixture::new(4).await;
        let mut picture = fixture.store.picture(Scope::Operator).await.unwrap();
        let of = |picture: &Picture, language, sensor: usize| {
            let texts = Texts::of(language);
            let reader = Reader { texts, calendar: Calendar::new(language), now: NOW.plus(HOUR * 2) };
            let brake = SensorBrake::of(&picture.sensors[sensor], picture, &reader);
            (brake_reach_words(picture, &reader), brake)
        };
        assert_eq!(of(&picture, Language::Bokmaal, 0), (None, None), "without an order nothing is said");
        picture.brake_newest = Some(Newest { order: 7, given_at: NOW, holds_until: Some(NOW.plus(HOUR * 3)) });
        picture.brake_standings = vec![said(1, 7, None), said(2, 6, None), said(3, 6, Some("<b>unsigned"))];
        picture.sensors[3].trust.protocol = Some(2);
        for language in Language::ALL {
            let (reach, follows) = of(&picture, language, 0);
            let reach = reach.unwrap();
            assert!(reach.contains('7') && reach.contains("1 ") && reach.contains(" 4 "), "{reach}");
            let follows = follows.unwrap();
            assert!(follows.words.contains('7') && follows.at.is_some() && !follows.is_behind, "{follows:?}");
            let behind: Vec<SensorBrake> = (1..4).map(|n| of(&picture, language, n).1.unwrap()).collect();
            assert!(behind.iter().all(|one| one.is_behind), "{behind:?}");
            assert!(behind[0].words.contains('6') && behind[0].words.contains('7'), "{behind:?}");
            assert_eq!(behind[1].why.as_ref().map(Shown::as_str), Some("<b>unsigned"));
            assert!(!behind[2].words.contains('6') && behind[2].words.contains("varde-agent"), "{behind:?}");
            picture.brake_standings.push(said(4, 7, None));
            let (reach, _) = of(&picture, language, 0);
            assert!(reach.clone().is_some_and(|said| said.contains("30") && said.contains("min")), "{reach:?}");
            picture.brake_standings.pop();
        }
        let member = fixture.store.picture(Scope::Member(1)).await.unwrap();
        let member = Picture { brake_newest: picture.brake_newest, ..member };
        assert_eq!(of(&member, Language::Bokmaal, 0).0, None, "it counts others' sensors");
        picture.sensors[0].revoked_at = Some(NOW);
        assert_eq!(of(&picture, Language::Bokmaal, 0).1, None);
    }

    #[test]
    fn t10_what_a_brake_hides_is_said_in_every_language_with_its_denominator_and_for_a_week_after() {
        for language in Language::ALL {
            let texts = Texts::of(language);
            let reader = Reader { texts, calendar: Calendar::new(language), now: NOW.plus(HOUR) };
            let rows = [row(NOW.plus(HOUR * 3), None), row(NOW.plus(HOUR * 3), Some(NOW)), row(NOW, None)];
            let lines = BrakeLine::all(&rows, &[said(4, 0, Some("unsigned")), said(5, 1, None)], &reader);
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
