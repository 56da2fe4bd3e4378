//! The sensor tried out on itself: a packet that nobody sent goes through its stages and must meet an indicator that no list can hold.
//!
//! The stages are new ones, with the settings and the list that are in force: so it raises no alert, moves no counter, and hides no mirror
//! that has fallen silent.

use std::net::Ipv4Addr;
use std::time::Duration;

use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::{Indicator, Pattern};
use varde_common::matcher::{IndicatorSet, NotBuilt, Overlay};
use varde_common::time::Timestamp;

use crate::limits::{SELF_TEST_AGAIN_S, SELF_TEST_EVERY_S, SELF_TEST_FIRST_S};
use crate::packet::{Frame, LinkType};
use crate::sensor::{Sensor, SensorSettings, Statement};

/// What is looked up. Below `.invalid` (RFC 6761) there is no name, and the collector takes no indicator below this one.
pub const NAME: &str = "selftest.varde.invalid";
/// No list gives this number.
const INDICATOR: IndicatorId = IndicatorId(u64::MAX);
/// Who asks and who is asked: addresses for documentation (RFC 5737), which no machine has.
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
const CLIENT_PORT: u16 = 49_152;
const UDP: u8 = 17;

/// Why nothing was matched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMatched {
    /// The setting `dns_ports` names none.
    #[error("no port is named on which DNS is read (dns_ports)")]
    NoPort,
    /// The list in force takes no indicator more.
    #[error("the list in force cannot be asked: {0}")]
    List(String),
    /// The stages let it pass.
    #[error("the sensor read a look-up of a listed name and raised nothing")]
    Passed,
}

impl From<NotBuilt> for NotMatched {
    fn from(error: NotBuilt) -> NotMatched {
        NotMatched::List(error.to_string())
    }
}

/// Reads a made-up look-up and holds it against the list in force and the one indicator more.
///
/// # Errors
/// [`NotMatched`].
pub fn try_out(
    settings: SensorSettings,
    set: &IndicatorSet,
    revision: Revision,
    number: u64,
    now: Timestamp,
) -> Result<(), NotMatched> {
    let port = *settings.dns_ports.first().ok_or(NotMatched::NoPort)?;
    let pattern: Pattern = NAME.parse().map_err(|error| NotMatched::List(format!("{error}")))?;
    // In place of the changes: what the base answers and how it is laid out count here, not what it holds.
    let overlay = Overlay { added: vec![Indicator::bare(INDICATOR, pattern)], removed: Vec::new() };
    let set = set.with_overlay(&overlay)?;
    let mut sensor = Sensor::new(settings, set.into(), revision);
    sensor.handle_time(now);
    let octets = look_up(port, number);
    let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    sensor.handle_frame(&Frame { time: now, source: 0, link: LinkType::RawIp, octets: &octets, length, vlan: None });
    // Nobody answers it, and nobody is waited for.
    sensor.close_all();
    while let Some(statement) = sensor.poll_statement() {
        if matches!(&statement, Statement::Opened { body, .. } if body.indicator == INDICATOR) {
            return Ok(());
        }
    }
    Err(NotMatched::Passed)
}

/// An IPv4 packet with a DNS query over UDP for a name below [`NAME`] that is nobody else's.
fn look_up(port: u16, number: u64) -> Vec<u8> {
    let mut message = vec![0x56, 0x52, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    let own = format!("n{number:016x}");
    for label in std::iter::once(own.as_str()).chain(NAME.split('.')) {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend_from_slice(label.as_bytes());
    }
    // The root, then type A and class IN.
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    let length = |octets: usize| u16::try_from(octets).unwrap_or(u16::MAX).to_be_bytes();
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&length(28 + message.len()));
    packet.extend_from_slice(&[0, 0, 0x40, 0, 64, UDP, 0, 0]);
    packet.extend_from_slice(&CLIENT.octets());
    packet.extend_from_slice(&SERVER.octets());
    packet.extend_from_slice(&CLIENT_PORT.to_be_bytes());
    packet.extend_from_slice(&port.to_be_bytes());
    packet.extend_from_slice(&length(8 + message.len()));
    // No checksum, as IPv4 allows (RFC 768).
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(&message);
    packet
}

/// When the sensor tries itself out: once a day, spread over two hours; the first time a while after its start, and an hour after it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turns {
    /// The last good one.
    pub good_at: Option<Timestamp>,
    /// The last try since the start, by hand or by itself.
    pub tried: Option<Duration>,
    /// Whether that one failed: then the last good one puts the next off no longer.
    pub failed: bool,
}

impl Turns {
    /// How long from now until the next. `up`: how long the process has run; `random`: any number, drawn once a start.
    pub fn wait(&self, now: Timestamp, up: Duration, random: u64) -> Duration {
        let spread = |span_s: u64| Duration::from_secs(random % span_s.max(1));
        let after = |since: Duration, s: u64| (Duration::from_secs(s) + spread(s / 12)).saturating_sub(since);
        let from_good = match self.good_at {
            // One that lies ahead was written while the clock was wrong, and says nothing.
            Some(good) if good <= now && !self.failed => after(now.since(good), SELF_TEST_EVERY_S),
            Some(_) | None => Duration::ZERO,
        };
        let from_try = match self.tried {
            Some(tried) => after(up.saturating_sub(tried), SELF_TEST_AGAIN_S),
            None => (Duration::from_secs(SELF_TEST_FIRST_S) + spread(SELF_TEST_FIRST_S)).saturating_sub(up),
        };
        from_good.max(from_try)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn listed(lines: &[&str]) -> IndicatorSet {
        let indicator = |(id, line): (usize, &&str)| Indicator::bare(IndicatorId(id as u64), line.parse().unwrap());
        IndicatorSet::build(lines.iter().enumerate().map(indicator).collect())
    }

    #[test]
    fn a_made_up_look_up_is_matched_with_any_list_and_any_settings() {
        for set in [IndicatorSet::default(), listed(&["evil.example", "198.51.100.0/24"])] {
            for dns_ports in [vec![53], vec![5353, 53]] {
                let settings = SensorSettings { dns_ports, ..SensorSettings::default() };
                assert_eq!(try_out(settings, &set, Revision(1), 7, NOW), Ok(()));
            }
        }
        let inside = SensorSettings { inside: vec!["0.0.0.0/0".parse().unwrap()], ..SensorSettings::default() };
        assert_eq!(try_out(inside, &IndicatorSet::default(), Revision(0), u64::MAX, NOW), Ok(()));
        let resolver = SensorSettings { resolvers: Some(vec![CLIENT.into()]), ..SensorSettings::default() };
        assert_eq!(try_out(resolver, &IndicatorSet::default(), Revision(0), 0, NOW), Ok(()));
    }

    #[test]
    fn a_sensor_that_does_not_read_the_port_is_told_apart() {
        let none = SensorSettings { dns_ports: Vec::new(), ..SensorSettings::default() };
        assert_eq!(try_out(none, &IndicatorSet::default(), Revision(0), 1, NOW), Err(NotMatched::NoPort));
    }

    #[test]
    fn it_is_its_turn_once_a_day_and_sooner_where_it_failed() {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let never = Turns::default();
        for random in [0, 599, u64::MAX] {
            let first = never.wait(NOW, Duration::ZERO, random);
            assert!(first >= minutes(10) && first < minutes(20), "{first:?}");
            let good = Turns { good_at: Some(NOW), tried: Some(hours(1)), failed: false };
            let next = good.wait(NOW, hours(1), random);
            assert!(next >= hours(24) && next < hours(26), "{next:?}");
            assert_eq!(good.wait(NOW.plus(hours(26)), hours(27), random), Duration::ZERO);
            // Just started anew, with a good one of this morning.
            let started = Turns { good_at: Some(NOW), tried: None, failed: false };
            assert!(started.wait(NOW.plus(hours(3)), Duration::ZERO, random) >= hours(21));
            let failed = Turns { good_at: Some(NOW), tried: Some(hours(30)), failed: true };
            let again = failed.wait(NOW.plus(hours(30)), hours(30), random);
            assert!(again >= hours(1) && again < minutes(66), "{again:?}");
            // One by hand failed an hour after a good one: the next is due as after any that failed, not tomorrow.
            let by_hand = Turns { good_at: Some(NOW), tried: Some(hours(1)), failed: true };
            let again = by_hand.wait(NOW.plus(hours(1)), hours(1), random);
            assert!(again >= hours(1) && again < minutes(66), "{again:?}");
            let ahead = Turns { good_at: Some(NOW.plus(hours(9_000))), tried: None, failed: false };
            assert_eq!(ahead.wait(NOW, hours(1), random), Duration::ZERO, "a clock that was wrong ends no test");
        }
    }
}
