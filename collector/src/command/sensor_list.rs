//! `varde-collector sensor list`: how the sensors are, which list and which order of the brake each goes by, and how far the newest
//! have come.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Serialize;
use varde_common::list::CHANNEL_ALL;
use varde_common::time::Timestamp;

use super::brake::{self, following_words};
use super::{channel, say};
use crate::braking::{BrakeReach, Following, Newest, Standing};
use crate::control::Poke;
use crate::io::control::{Poked, poke};
use crate::io::{clock, keys};
use crate::reach::Reach;
use crate::renewal::is_overdue;
use crate::store::sensor::SensorRow;
use crate::store::{Scope, Store};

/// Numbers of sensors without the newest list that are shown.
pub(super) const MISSING_SHOWN: usize = 20;

/// What a program reads.
pub(super) const KEYS: &str = "Keys with --json: id, member (number), member_name, enrolled_at, token_expires_at, connected, carrier (what its last session came over: quic, or tcp where UDP is blocked), hearing (well; dropping: more than 1 % of frames lost in the last minutes; deaf: no packet for two minutes; null = not known or not connected), lately {packets, dropped} (in the last minutes), revision (list in force, 0 = none), revision_since, revision_published_at, revision_age_s, refused_at, refused_why, agent_version, last_connected_at, last_seen_at, revoked_at, protocol (version of the conversation last spoken), replayed (records that came again; none is stored twice), passed_over (messages not understood), set_back_at (an older state of it came), quarantined_at (two machines use its identity), root_version (root document in force there), root_refused_at, root_refused_why, freshness (not_told; fresh; stale: no word for a day of which list is the newest; behind: a newer list was named than it gets), newest_told_at, newest_refused_why, certificate_until (of the certificate it last came with), renewed_at, renewal_refused_at, renewal_refused_why, pending_at (it waits for approval), words (of the key that waits), replaces (whose place it takes), channel (whose lists it is to follow), follows (whose it does follow, by its own word), channel_refused_why, self_tested_at (when a test of itself last came the whole way), newest_list (of channel all) {revision, published_at, sensors (enrolled, not revoked, following it), in_force (at how many of them), half_ms, most_ms (95 %), all_ms (milliseconds from publication, of a sensor that enrolled later from then, until the collector heard it was in force; null = not yet), missing (the first 50 without it)} (the same on each line), brake (which order of the brake it goes by: state (follows, refuses, not_yet, unable: its version knows none), order (0 = none), of follows since, of refuses at and why; null = no order was given within a day), newest_brake {order, given_at, holds (it brakes something now), sensors, followed_by, half_ms, most_ms, all_ms (milliseconds from the order until the sensors went by it, by their clocks), missing} (the same on each line). Times are RFC 3339 UTC; what is not is null.";

/// Lists the sensors.
///
/// # Errors
/// When they cannot be read or printed.
pub(super) async fn run(data: &Path, store: &Store, json: bool) -> anyhow::Result<()> {
    let running = poke(data, Poke::Sensors).await != Poked::NotRunning;
    let mut sensors = store.sensor_rows(Scope::Operator).await?;
    for sensor in &mut sensors {
        // A collector that was killed could not note that its sessions ended.
        sensor.connected &= running;
        if !running {
            (sensor.hearing, sensor.lately) = (None, None);
        }
    }
    let now = clock::now();
    let (brake, said) = store.brake_standings(Scope::Operator).await?;
    let beside = Beside {
        left: channel::left_behind(&sensors, &store.placements(Scope::Operator).await?),
        newest_root: keys::read_root(data).ok().map(|(_, root)| i64::from(root.version)),
        reach: store.reach(Scope::Operator).await?,
        brake,
        said,
        brake_reach: store.brake_reach(Scope::Operator, now).await?,
    };
    print(&sensors, &beside, json, now)
}

/// How a sensor is, in a few words.
fn state(sensor: &SensorRow, now: Timestamp) -> &'static str {
    match sensor {
        SensorRow { revoked_at: None, connected: true, hearing: Some("deaf"), .. } => "connected, DEAF: no packets",
        SensorRow { revoked_at: None, connected: true, hearing: Some("dropping"), .. } => "connected, LOSING packets",
        SensorRow { revoked_at: Some(_), .. } => "revoked",
        SensorRow { quarantined_at: Some(_), .. } => "quarantined: two machines use its identity",
        SensorRow { enrolled_at: None, pending_at: Some(_), .. } => "WAITS for approval",
        SensorRow { enrolled_at: None, token_expires_at, .. } if *token_expires_at <= now => "token expired",
        SensorRow { enrolled_at: None, .. } => "token not used",
        SensorRow { connected: true, carrier: Some(carrier), .. } if carrier == "tcp" => {
            "connected over TCP (UDP is blocked)"
        }
        SensorRow { connected: true, .. } => "connected",
        SensorRow { .. } => "not connected",
    }
}

/// What is to be said of its certificate: nothing as long as it is renewed in time.
fn renewal(sensor: &SensorRow, now: Timestamp) -> Option<String> {
    let until = sensor.certificate_until.filter(|_| sensor.revoked_at.is_none())?;
    let why = sensor.renewal_refused_why.as_deref().map_or(String::new(), |why| format!(" ({})", say::briefly(why)));
    is_overdue(until, now).then(|| format!("certificate NOT RENEWED{why}, good until {}", say::moment(Some(until))))
}

/// Which channel it follows, where that is not everybody's.
fn channel_words(sensor: &SensorRow, left: Option<&(i64, String)>) -> String {
    let follows = sensor.follows.as_deref().unwrap_or(CHANNEL_ALL);
    let why = sensor
        .channel_refused_why
        .as_deref()
        .map_or(String::new(), |why| format!(" and refuses: {}", say::briefly(why)));
    match sensor.channel.as_str() {
        CHANNEL_ALL if follows == CHANNEL_ALL => left.map_or(String::new(), |(old, channel)| {
            format!(", channel all although sensor {old}, whose place it takes, was on {channel}")
        }),
        named if named == follows => format!(", channel {named}"),
        named => format!(", channel {follows}, told to follow {named}{why}"),
    }
}

/// What speaks against its list or its root document; nothing where nothing does.
fn trust(sensor: &SensorRow, newest_root: Option<i64>) -> String {
    let mut said = String::new();
    match sensor.freshness.as_deref() {
        Some("stale") => said.push_str(", STALE: not told for a day which is the newest"),
        Some("behind") => said.push_str(", BEHIND: a newer one was named and does not come"),
        Some(_) | None => {}
    }
    if let Some(version) = sensor.root_version.filter(|version| newest_root.is_some_and(|newest| *version < newest)) {
        said.push_str(&format!("; root document {version}, behind"));
    }
    if let Some(why) = &sensor.root_refused_why {
        said.push_str(&format!("; refused another: {}", say::briefly(why)));
    }
    said
}

/// A sensor with what a program wants to know of the newest list beside it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    sensor: &'a SensorRow,
    revision_age_s: Option<u64>,
    newest_list: Option<&'a Reach>,
    brake: Option<Following>,
    newest_brake: Option<&'a BrakeReach>,
}

/// What is known beside the sensors themselves.
struct Beside {
    /// Sensors that follow all although the one whose place they take did not.
    left: BTreeMap<i64, (i64, String)>,
    newest_root: Option<i64>,
    reach: Option<Reach>,
    brake: Option<Newest>,
    said: HashMap<i64, Standing>,
    brake_reach: Option<BrakeReach>,
}

impl Beside {
    /// Which order of the brake a sensor goes by; none where none matters, and for one that is not there.
    fn following(&self, sensor: &SensorRow, now: Timestamp) -> Option<Following> {
        let is_there = sensor.enrolled_at.is_some() && sensor.revoked_at.is_none();
        let said = self.said.get(&sensor.id);
        Following::of(self.brake.as_ref(), said, sensor.protocol, now).filter(|_| is_there)
    }
}

/// How old the list at a sensor is.
fn age_s(sensor: &SensorRow, now: Timestamp) -> Option<u64> {
    sensor.revision_published_at.map(|at| now.since(at).as_secs())
}

/// A length of time, in its largest unit.
pub(super) fn length(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{} ms", ms.max(1)),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// How far the newest list has come, in a sentence or two.
fn reach_words(reach: &Reach) -> String {
    let Reach { revision, sensors, in_force, missing, .. } = reach;
    let took = |ms: Option<u64>| ms.map_or_else(|| "not yet".to_owned(), |ms| format!("after {}", length(ms)));
    let mut said = format!(
        "List {revision} is in force at {in_force} of {sensors} sensors. From publication until it was: half {}, 95 % {}, all {}.",
        took(reach.half_ms),
        took(reach.most_ms),
        took(reach.all_ms)
    );
    if !missing.is_empty() {
        let shown: Vec<String> = missing.iter().take(MISSING_SHOWN).map(i64::to_string).collect();
        let more = if sensors - in_force > shown.len() { ", …" } else { "" };
        said.push_str(&format!(" Not at: {}{more}.", shown.join(", ")));
    }
    said
}

fn print(sensors: &[SensorRow], beside: &Beside, json: bool, now: Timestamp) -> anyhow::Result<()> {
    let Beside { left, newest_root, reach, brake_reach, .. } = beside;
    if json {
        let line = |sensor| Line {
            sensor,
            revision_age_s: age_s(sensor, now),
            newest_list: reach.as_ref(),
            brake: beside.following(sensor, now),
            newest_brake: brake_reach.as_ref(),
        };
        let lines: Vec<Line<'_>> = sensors.iter().map(line).collect();
        return say::rows(&lines, true, &[], |_| Vec::new(), "");
    }
    let row = |sensor: &SensorRow| {
        let state = match sensor.set_back_at {
            Some(at) => format!("{} (an older state of it came {})", state(sensor, now), say::moment(Some(at))),
            None => state(sensor, now).to_owned(),
        };
        let state = match (&sensor.words, renewal(sensor, now)) {
            (Some(words), _) => format!("{state}: {words}"),
            (None, Some(renewal)) => format!("{state}; {renewal}"),
            (None, None) => state,
        };
        let list = match &sensor.refused_why {
            Some(why) => format!("{} (refused another: {})", sensor.revision, say::briefly(why)),
            None => sensor.revision.to_string(),
        };
        let unpublished = if sensor.revision > 0 { ", never published here" } else { "" };
        let age = age_s(sensor, now)
            .map_or(unpublished.to_owned(), |age| format!(", published {} ago", length((age * 1_000).max(1_000))));
        let brake = beside.following(sensor, now).map_or(String::new(), |following| following_words(&following));
        let channel = channel_words(sensor, left.get(&sensor.id));
        let list = format!("{list}{channel}{age}{}{brake}", trust(sensor, *newest_root));
        vec![
            sensor.id.to_string(),
            format!("{} {}", sensor.member, sensor.member_name),
            state,
            list,
            say::moment(sensor.last_seen_at),
            say::moment(sensor.enrolled_at),
            say::moment(sensor.revoked_at),
        ]
    };
    let heads = ["ID", "MEMBER", "STATE", "LIST", "LAST SEEN", "ENROLLED", "REVOKED"];
    let nothing = "No sensors yet. Make a token with: varde-collector sensor token NUMBER";
    say::rows(sensors, false, &heads, row, nothing)?;
    if let Some(reach) = reach.as_ref().filter(|reach| reach.sensors > 0) {
        say::result(&reach_words(reach))?;
    }
    match brake_reach.as_ref().filter(|reach| reach.sensors > 0) {
        Some(reach) => say::result(&brake::reach_words(reach)),
        None => Ok(()),
    }
}
