//! Whether a sensor that is connected hears its network: what it read and lost of late, told by the difference of two of
//! its heartbeats (H1). Totals since its start would hide a mirror that went down an hour ago.

use std::time::Duration;

use serde::Serialize;
use varde_common::time::Timestamp;

use crate::present::sensor::Heartbeat;
use crate::store::picture::SensorFacts;

/// The two heartbeats lie at least so far apart: four of 30 seconds each, so that a mirror that goes down is told of
/// within three minutes, and no quiet moment is.
pub const LATELY: Duration = Duration::from_secs(110);
/// A sensor that has been up for this long without a single packet watches a dead port.
const FIRST_PACKET_WITHIN_SECONDS: u64 = 60;
/// More than one in so many frames lost is too many to rely on it.
const DROPS_ONE_IN: u64 = 100;

/// What a sensor read and lost between two heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lately {
    /// Packets read.
    pub packets: u64,
    /// Frames lost before they were read, as far as its sources can tell.
    pub dropped: u64,
}

/// How a sensor hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// Not known: it has not said, or has not been up for long.
    Unknown,
    /// Packets come, and few are lost.
    Well(Lately),
    /// More than one in a hundred is lost.
    Dropping(Lately),
    /// Nothing comes at all.
    Deaf,
}

impl Hearing {
    /// From the newest heartbeat and one from at least [`LATELY`] before it.
    pub fn of(newest: &Heartbeat, before: &Heartbeat) -> Hearing {
        if newest.packets == Some(0) && newest.uptime_s.unwrap_or(0) >= FIRST_PACKET_WITHIN_SECONDS {
            return Hearing::Deaf;
        }
        let Some(lately) = Lately::between(newest, before) else { return Hearing::Unknown };
        let frames = lately.packets.saturating_add(lately.dropped);
        if frames == 0 {
            Hearing::Deaf
        } else if lately.dropped > frames / DROPS_ONE_IN {
            Hearing::Dropping(lately)
        } else {
            Hearing::Well(lately)
        }
    }

    /// Of a sensor as it is stored.
    pub fn of_sensor(sensor: &SensorFacts) -> Hearing {
        Hearing::read(sensor.heartbeat.as_deref(), sensor.heartbeat_before.as_deref())
    }

    /// From the stored heartbeats.
    pub fn read(newest: Option<&str>, before: Option<&str>) -> Hearing {
        Hearing::of(&Heartbeat::read(newest), &Heartbeat::read(before))
    }

    /// The word used in `--json`; none = not known.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Hearing::Unknown => None,
            Hearing::Well(_) => Some("well"),
            Hearing::Dropping(_) => Some("dropping"),
            Hearing::Deaf => Some("deaf"),
        }
    }

    /// What it read and lost of late, where that is known.
    pub fn lately(self) -> Option<Lately> {
        match self {
            Hearing::Unknown | Hearing::Deaf => None,
            Hearing::Well(lately) | Hearing::Dropping(lately) => Some(lately),
        }
    }
}

impl Lately {
    /// None where a number is missing or the sensor was started anew in between.
    fn between(newest: &Heartbeat, before: &Heartbeat) -> Option<Lately> {
        newest.uptime_s?.checked_sub(before.uptime_s?).filter(|passed| *passed >= LATELY.as_secs())?;
        Some(Lately {
            packets: newest.packets?.checked_sub(before.packets?)?,
            dropped: newest.dropped?.checked_sub(before.dropped?)?,
        })
    }
}

/// When the last packet came to a sensor, by our clock.
pub fn last_packet_at(sensor: &SensorFacts) -> Option<Timestamp> {
    let age = Heartbeat::read(sensor.heartbeat.as_deref()).last_packet_ms?;
    Some(sensor.last_seen_at?.minus(Duration::from_millis(age)))
}

#[cfg(test)]
mod tests {
    use varde_common::message;

    use super::*;
    use crate::ingest::handle_heartbeat;
    use crate::present::sensor::State;
    use crate::store::Scope;
    use crate::store::fixture::{Fixture, NOW};

    fn heartbeat(uptime_s: u64, packets: u64, dropped: u64) -> Heartbeat {
        Heartbeat { uptime_s: Some(uptime_s), packets: Some(packets), dropped: Some(dropped), ..Heartbeat::default() }
    }

    #[test]
    fn h1_a_sensor_is_deaf_or_losing_by_what_came_of_late_and_not_since_its_start() {
        let before = heartbeat(10_000, 1_000_000, 5_000);
        let after = |packets, dropped| Hearing::of(&heartbeat(10_120, packets, dropped), &before);
        assert_eq!(after(1_000_000, 5_000), Hearing::Deaf, "a million packets long ago");
        assert_eq!(after(1_000_001, 5_000), Hearing::Well(Lately { packets: 1, dropped: 0 }));
        assert_eq!(after(1_009_900, 5_100), Hearing::Well(Lately { packets: 9_900, dropped: 100 }), "one in a hundred");
        assert_eq!(after(1_009_899, 5_101), Hearing::Dropping(Lately { packets: 9_899, dropped: 101 }));
        assert_eq!(after(1_000_000, 5_001), Hearing::Dropping(Lately { packets: 0, dropped: 1 }), "all that came");
    }

    /// A heartbeat every 30 seconds of a clock turned by hand; the mirror goes down, or the kernel begins to drop, after ten
    /// minutes.
    async fn flagged_after(word: &str, more: impl Fn(u64) -> (u64, u64)) -> u64 {
        let fixture = Fixture::new(2).await;
        fixture.run("UPDATE sensor SET connected = 1").await;
        let (mut packets, mut dropped) = (1_000, 0);
        for uptime_s in (0..1_200).step_by(30) {
            let down = uptime_s > 600;
            let (read, lost) = if down { more(uptime_s) } else { (50_000, 10) };
            (packets, dropped) = (packets + read, dropped + lost);
            let last_packet_ms = Some(if down { (uptime_s - 600) * 1_000 } else { 3 });
            let heartbeat = message::Heartbeat { uptime_s, packets, dropped, last_packet_ms, ..Default::default() };
            let now = NOW.plus(Duration::from_secs(uptime_s));
            handle_heartbeat(&fixture.store, 1, &heartbeat, None, now).await.unwrap();
            let rows = fixture.store.sensor_rows(Scope::Operator).await.unwrap();
            assert_eq!(rows[1].hearing, None, "one that has not said anything");
            let picture = fixture.store.picture(Scope::Operator).await.unwrap();
            let facts = &picture.sensors[0];
            assert_eq!(Hearing::of_sensor(facts).as_str(), rows[0].hearing, "the page and the list agree");
            if rows[0].hearing == Some(word) {
                assert_eq!(State::of(facts, now).is_well(), word != "deaf");
                return uptime_s - 600;
            }
            assert!(rows[0].hearing.is_none_or(|said| said == "well"), "{:?} at {uptime_s}", rows[0].hearing);
        }
        panic!("never told");
    }

    #[tokio::test]
    async fn h1_a_mirror_that_goes_down_is_told_of_within_three_minutes() {
        let after_s = flagged_after("deaf", |_| (0, 0)).await;
        assert!((90..=180).contains(&after_s), "{after_s} s");
    }

    #[tokio::test]
    async fn h1_drops_over_one_percent_are_told_of_within_three_minutes_however_few_since_the_start() {
        let after_s = flagged_after("dropping", |_| (50_000, 1_000)).await;
        assert!(after_s <= 180, "{after_s} s");
    }

    #[test]
    fn h1_what_cannot_be_compared_is_not_known() {
        let before = heartbeat(10_000, 1_000, 0);
        for newest in [
            heartbeat(30, 10, 0),
            heartbeat(10_060, 1_000, 0),
            heartbeat(20_000, 900, 0),
            Heartbeat { dropped: None, ..heartbeat(10_120, 1_000, 0) },
            Heartbeat::default(),
        ] {
            assert_eq!(Hearing::of(&newest, &before), Hearing::Unknown, "{newest:?}");
        }
        assert_eq!(Hearing::of(&heartbeat(61, 0, 0), &before), Hearing::Deaf, "never a packet");
        assert_eq!(Hearing::of(&heartbeat(59, 0, 0), &before), Hearing::Unknown, "just begun");
        assert_eq!(Hearing::read(None, Some("{")), Hearing::Unknown);
    }
}
