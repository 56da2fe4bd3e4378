//! How sensors stand to the newest order of the brake: who goes by it and since when, who does not yet, and why.

use serde::Serialize;
use varde_common::brake::LONGEST;
use varde_common::time::Timestamp;

use crate::reach::{Reach, Reached};

/// From this version of the conversation on a sensor knows the brake.
const PROTOCOL_WITH_BRAKE: i64 = 3;

/// The newest order that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// Its number.
    pub order: i64,
    /// When it was given.
    pub given_at: Timestamp,
    /// When the last of what it brakes ends; none where it brakes nothing: then it ends what one before it braked.
    pub holds_until: Option<Timestamp>,
}

impl Newest {
    /// Whether it, or one that it took the place of, may hold something at a sensor still.
    pub fn matters(&self, now: Timestamp) -> bool {
        now.since(self.given_at) < LONGEST
    }

    /// Whether it brakes anything now.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.holds_until.is_some_and(|until| until > now)
    }
}

/// What a sensor last said of the brake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The sensor.
    pub sensor: i64,
    /// The newest order it has taken; 0 = none.
    pub order: i64,
    /// Since when it goes by that one, by its own clock, which goes by the collector's word.
    pub since: Option<Timestamp>,
    /// When it last refused one, unless it took one since.
    pub refused_at: Option<Timestamp>,
    /// Why.
    pub refused_why: Option<String>,
}

/// A sensor, towards the newest order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Following {
    /// It goes by it.
    Follows {
        /// The order.
        order: i64,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It refused it, and goes by the one before.
    Refuses {
        /// The one it goes by; 0 = none.
        order: i64,
        /// When it refused the newest.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// It has not said anything of it yet.
    NotYet {
        /// The one it goes by; 0 = none.
        order: i64,
    },
    /// Its version knows no brake.
    Unable,
}

impl Following {
    /// Of a sensor that said this, and last spoke this version of the conversation; none where no order matters any more.
    pub fn of(
        newest: Option<&Newest>,
        said: Option<&Standing>,
        protocol: Option<i64>,
        now: Timestamp,
    ) -> Option<Following> {
        let newest = newest.filter(|newest| newest.matters(now))?;
        let order = said.map_or(0, |said| said.order);
        Some(match said {
            Some(said) if said.order >= newest.order => {
                Following::Follows { order, since: said.since.or(said.refused_at) }
            }
            // What it refused before this order was given was another.
            Some(Standing { refused_at: Some(at), refused_why: Some(why), .. }) if *at >= newest.given_at => {
                Following::Refuses { order, at: *at, why: why.clone() }
            }
            Some(_) | None if protocol.is_some_and(|protocol| protocol < PROTOCOL_WITH_BRAKE) => Following::Unable,
            Some(_) | None => Following::NotYet { order },
        })
    }
}

/// How far the newest order has come among the sensors there are. Times in milliseconds since it was given; null = not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrakeReach {
    /// The order.
    pub order: i64,
    /// When it was given.
    pub given_at: Timestamp,
    /// Whether it brakes anything now; else it ends what one before it braked.
    pub holds: bool,
    /// Sensors there are: enrolled and not revoked.
    pub sensors: usize,
    /// Those of them that go by it.
    pub followed_by: usize,
    /// Until half of them did.
    pub half_ms: Option<u64>,
    /// Until 95 in a hundred did.
    pub most_ms: Option<u64>,
    /// Until all did.
    pub all_ms: Option<u64>,
    /// Those that do not, the first 50 of them.
    pub missing: Vec<i64>,
}

impl BrakeReach {
    /// Of the newest order, at these sensors: number, when it enrolled, what it said. None where no order matters any more.
    pub fn of<'a>(
        newest: Option<&Newest>,
        sensors: impl IntoIterator<Item = (i64, Timestamp, Option<&'a Standing>)>,
        now: Timestamp,
    ) -> Option<BrakeReach> {
        let newest = newest.filter(|newest| newest.matters(now))?;
        let reached = |(sensor, enrolled_at, said): (i64, Timestamp, Option<&Standing>)| {
            let heard_at = match Following::of(Some(newest), said, None, now) {
                Some(Following::Follows { since, .. }) => Some(since.unwrap_or(newest.given_at)),
                Some(Following::Refuses { .. } | Following::NotYet { .. } | Following::Unable) | None => None,
            };
            Reached { sensor, enrolled_at, heard_at }
        };
        let sensors: Vec<Reached> = sensors.into_iter().map(reached).collect();
        let Reach { revision, published_at, sensors, in_force, half_ms, most_ms, all_ms, missing } =
            Reach::of(newest.order, newest.given_at, &sensors);
        Some(BrakeReach {
            order: revision,
            given_at: published_at,
            holds: newest.holds(now),
            sensors,
            followed_by: in_force,
            half_ms,
            most_ms,
            all_ms,
            missing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp(1_763_733_900_000_000);

    fn at(second: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(second))
    }

    fn newest() -> Newest {
        Newest { order: 7, given_at: NOW, holds_until: Some(at(3_600)) }
    }

    fn took(sensor: i64, order: i64, since: u64) -> Standing {
        Standing { sensor, order, since: Some(at(since)), refused_at: None, refused_why: None }
    }

    #[test]
    fn t10_a_sensor_goes_by_the_newest_order_or_it_is_said_why_it_does_not() {
        let refused =
            |order, at| Standing { refused_at: Some(at), refused_why: Some("unsigned".into()), ..took(1, order, 0) };
        let of = |said: Option<Standing>, protocol| Following::of(Some(&newest()), said.as_ref(), protocol, at(9));
        assert_eq!(of(Some(took(1, 7, 2)), Some(3)), Some(Following::Follows { order: 7, since: Some(at(2)) }));
        assert_eq!(of(Some(took(1, 6, 2)), Some(3)), Some(Following::NotYet { order: 6 }));
        assert_eq!(of(None, None), Some(Following::NotYet { order: 0 }));
        assert_eq!(of(None, Some(2)), Some(Following::Unable));
        assert_eq!(
            of(Some(refused(6, at(1))), Some(3)),
            Some(Following::Refuses { order: 6, at: at(1), why: "unsigned".into() })
        );
        let before = refused(6, NOW.minus(Duration::from_secs(1)));
        assert_eq!(of(Some(before), Some(3)), Some(Following::NotYet { order: 6 }), "that was another order");
        assert_eq!(Following::of(None, None, None, NOW), None);
        let later = NOW.plus(LONGEST);
        assert_eq!(Following::of(Some(&newest()), None, None, later), None, "it holds nothing anywhere any more");
        assert!(newest().holds(at(3_599)) && !newest().holds(at(3_600)));
    }

    #[test]
    fn t10_how_far_an_order_has_come_is_of_all_sensors_there_are() {
        let said: Vec<Standing> = (1..=20).map(|n| took(n, if n == 20 { 6 } else { 7 }, n.unsigned_abs())).collect();
        let sensors = || said.iter().map(|said| (said.sensor, NOW, Some(said))).chain([(21, NOW, None)]);
        let reach = BrakeReach::of(Some(&newest()), sensors(), at(99)).unwrap();
        assert_eq!((reach.sensors, reach.followed_by, reach.missing.as_slice()), (21, 19, &[20, 21][..]));
        assert_eq!((reach.half_ms, reach.most_ms, reach.all_ms), (Some(11_000), None, None));
        assert!(reach.holds && BrakeReach::of(Some(&newest()), sensors(), NOW.plus(LONGEST)).is_none());
    }
}
