//! What keeps a sensor from seeing or from being heard: operational incidents, apart from security ones. Facts of heartbeats in;
//! incidents begun, grown, begun again and over out. What is not known begins nothing and ends nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_common::message::Exclusions;
use varde_common::time::Timestamp;

use crate::hearing::{Hearing, LATELY, Lately, last_packet_at};
use crate::limits::silence::{
    CLOCK_SKEW_FROM, LIST_OLD_AFTER, ONE_CLIENT_ALERTS, ONE_CLIENT_INDICATORS, ONE_RESOLVER_ALERTS,
    SILENCE_GROWN_EVERY, UNHEARD_AFTER,
};
use crate::limits::{CLOCKS_AGREE_WITHIN, LIST_DAYS};
use crate::present::sensor::Heartbeat;
use crate::sight::{Direction, Side, Sighted};
use crate::store::picture::SensorFacts;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is not heard from.
    Unheard,
    /// No packet reaches it.
    Deaf,
    /// More than one frame in a hundred is lost.
    Dropping,
    /// It looks for what an older list says, or for what one says whose time is over.
    OldList,
    /// Its clock and ours differ.
    ClockSkew,
    /// All it finds is of one machine: it sees a resolver, or a proxy, and nobody behind it.
    OneClient,
    /// Its mirror shows one direction of the traffic.
    OneWay,
    /// Its settings leave out more than before.
    Narrowed,
}

impl Kind {
    /// All, in order.
    pub const ALL: [Kind; 8] = [
        Kind::Unheard,
        Kind::Deaf,
        Kind::Dropping,
        Kind::OldList,
        Kind::ClockSkew,
        Kind::OneClient,
        Kind::OneWay,
        Kind::Narrowed,
    ];

    /// The word used in the database and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Unheard => "unheard",
            Kind::Deaf => "deaf",
            Kind::Dropping => "dropping",
            Kind::OldList => "old_list",
            Kind::ClockSkew => "clock_skew",
            Kind::OneClient => "one_client",
            Kind::OneWay => "one_way",
            Kind::Narrowed => "narrowed",
        }
    }
}

/// What is known of it, the worst there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Facts {
    /// Not heard from.
    Unheard {
        /// A session stands all the same.
        session: bool,
    },
    /// No packets.
    Deaf {
        /// Packets it read since its start.
        packets: u64,
    },
    /// Frames lost within some two minutes, where that was most.
    Dropping {
        /// Lost.
        dropped: u64,
        /// Of so many.
        frames: u64,
    },
    /// An old list.
    OldList {
        /// In force; 0 = none.
        held: i64,
        /// The newest there is for it.
        newest: i64,
    },
    /// A clock that differs.
    ClockSkew {
        /// What ours shows more, microseconds.
        offset_us: i64,
    },
    /// One machine.
    OneClient {
        /// Alerts within [`ONE_CLIENT_WITHIN`](crate::limits::silence::ONE_CLIENT_WITHIN), all of that machine.
        alerts: u64,
        /// By so many indicators.
        indicators: u64,
        /// Each was its own question as a resolver.
        by_resolver: bool,
    },
    /// One direction.
    OneWay {
        /// Which is heard.
        heard: Side,
        /// Conversations of which one end alone was heard.
        alone: u64,
        /// Of so many.
        of: u64,
    },
    /// More is left out.
    Narrowed {
        /// What was accepted.
        before: Exclusions,
        /// What is so now.
        after: Exclusions,
    },
}

impl Facts {
    /// Of what they are.
    pub fn kind(&self) -> Kind {
        match self {
            Facts::Unheard { .. } => Kind::Unheard,
            Facts::Deaf { .. } => Kind::Deaf,
            Facts::Dropping { .. } => Kind::Dropping,
            Facts::OldList { .. } => Kind::OldList,
            Facts::ClockSkew { .. } => Kind::ClockSkew,
            Facts::OneClient { .. } => Kind::OneClient,
            Facts::OneWay { .. } => Kind::OneWay,
            Facts::Narrowed { .. } => Kind::Narrowed,
        }
    }

    /// The worse of two of a kind; what is newest where none is worse.
    fn worst(self, newer: Facts) -> Facts {
        let share = |dropped: u64, frames: u64| (u128::from(dropped) << 32) / u128::from(frames.max(1));
        match (self, newer) {
            (Facts::Dropping { dropped, frames }, Facts::Dropping { dropped: more, frames: of })
                if share(dropped, frames) >= share(more, of) =>
            {
                self
            }
            (Facts::ClockSkew { offset_us }, Facts::ClockSkew { offset_us: more })
                if offset_us.unsigned_abs() >= more.unsigned_abs() =>
            {
                self
            }
            (
                Facts::Unheard { .. }
                | Facts::Deaf { .. }
                | Facts::Dropping { .. }
                | Facts::OldList { .. }
                | Facts::ClockSkew { .. }
                | Facts::OneClient { .. }
                | Facts::OneWay { .. }
                | Facts::Narrowed { .. },
                newer,
            ) => newer,
        }
    }
}

/// Whether something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Since then.
    Wrong(Timestamp, Facts),
    /// It is not.
    Right,
    /// That cannot be told now.
    Unknown,
}

/// Alerts of a sensor that name a host, of the last [`ONE_CLIENT_WITHIN`](crate::limits::silence::ONE_CLIENT_WITHIN), exercises left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hits {
    /// So many.
    pub alerts: u64,
    /// Of so many hosts; two where some stand for many.
    pub clients: u64,
    /// By so many indicators.
    pub indicators: u64,
    /// Those that are a resolver's own questions.
    pub by_resolver: u64,
    /// When the first of them came.
    pub first_at: Timestamp,
}

/// A heartbeat's clock, and ours when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockPair {
    /// The sensor's.
    pub theirs: Timestamp,
    /// Ours.
    pub ours: Timestamp,
}

/// What is known of a sensor beside [`SensorFacts`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// When its last session began.
    pub connected_at: Option<Timestamp>,
    /// When the first list was published that it has not, and the number of the newest.
    pub behind: Option<(Timestamp, i64)>,
    /// Its two newest heartbeats, the newest first.
    pub clocks: Vec<ClockPair>,
    /// What it has found; none = it was not looked at this time.
    pub hits: Option<Hits>,
    /// How much it sees; none = it never told.
    pub sight: Option<Sighted>,
}

/// When it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// For how long sensors could be heard here without a break: while nobody listened nobody was silent.
    pub listening: Duration,
}

/// What is said of a sensor, kind by kind; none of one that nobody expects to hear.
pub fn judge(sensor: &SensorFacts, beside: &Beside, moment: Moment) -> Option<[(Kind, Said); 8]> {
    let enrolled_at = sensor.enrolled_at.filter(|_| sensor.revoked_at.is_none() && sensor.quarantined_at.is_none())?;
    let unheard = unheard(sensor, enrolled_at, moment);
    let is_heard = unheard == Said::Right && sensor.connected;
    let told = |said: Said| if is_heard { said } else { Said::Unknown };
    let hearing = Hearing::of_sensor(sensor);
    Some([
        (Kind::Unheard, unheard),
        (Kind::Deaf, told(deaf(sensor, hearing, moment.now))),
        (Kind::Dropping, told(dropping(hearing, moment.now))),
        (Kind::OldList, told(old_list(sensor, beside, moment.now))),
        (Kind::ClockSkew, told(clock_skew(&beside.clocks))),
        (Kind::OneClient, beside.hits.map_or(Said::Unknown, one_client)),
        (Kind::OneWay, told(beside.sight.as_ref().map_or(Said::Unknown, |sight| one_way(sight, moment.now)))),
        (Kind::Narrowed, told(beside.sight.as_ref().map_or(Said::Unknown, narrowed))),
    ])
}

/// A time beyond now is of a clock that was ahead: then only how long was listened counts.
fn unheard(sensor: &SensorFacts, enrolled_at: Timestamp, moment: Moment) -> Said {
    let Moment { now, listening } = moment;
    let heard = sensor.last_seen_at.map_or(enrolled_at, |seen| seen.max(enrolled_at));
    let ahead = heard > now.plus(CLOCKS_AGREE_WITHIN);
    let silent = if ahead { listening } else { now.since(heard).min(listening) };
    if silent < UNHEARD_AFTER {
        return if now.since(heard) < UNHEARD_AFTER && !ahead { Said::Right } else { Said::Unknown };
    }
    let since = if ahead { now.minus(listening) } else { heard };
    Said::Wrong(since, Facts::Unheard { session: sensor.connected })
}

fn deaf(sensor: &SensorFacts, hearing: Hearing, now: Timestamp) -> Said {
    match hearing {
        Hearing::Unknown => Said::Unknown,
        Hearing::Well(_) | Hearing::Dropping(_) => Said::Right,
        Hearing::Deaf => {
            let packets = Heartbeat::read(sensor.heartbeat.as_deref()).packets.unwrap_or(0);
            Said::Wrong(last_packet_at(sensor).unwrap_or(now).min(now), Facts::Deaf { packets })
        }
    }
}

fn dropping(hearing: Hearing, now: Timestamp) -> Said {
    match hearing {
        Hearing::Unknown => Said::Unknown,
        Hearing::Well(_) | Hearing::Deaf => Said::Right,
        Hearing::Dropping(Lately { packets, dropped }) => {
            let began = now.minus(LATELY);
            Said::Wrong(began, Facts::Dropping { dropped, frames: packets.saturating_add(dropped) })
        }
    }
}

/// Not in the first minutes of a session: who was away all summer is just being sent the newest.
fn old_list(sensor: &SensorFacts, beside: &Beside, now: Timestamp) -> Said {
    if beside.connected_at.is_none_or(|at| now.since(at) < LIST_OLD_AFTER) {
        return Said::Unknown;
    }
    let held = sensor.revision;
    match (beside.behind, sensor.trust.list_published_at) {
        (Some((since, newest)), _) if now.since(since) >= LIST_OLD_AFTER => {
            Said::Wrong(since, Facts::OldList { held, newest })
        }
        (None, Some(published)) => {
            let over = published.plus(Duration::from_secs(LIST_DAYS.unsigned_abs() * 86_400));
            if over <= now { Said::Wrong(over, Facts::OldList { held, newest: held }) } else { Said::Right }
        }
        (Some(_) | None, _) => Said::Right,
    }
}

/// By two heartbeats, for one may have been long on its way.
fn clock_skew(clocks: &[ClockPair]) -> Said {
    let [newest, before, ..] = clocks else { return Said::Unknown };
    let offset = |pair: &ClockPair| pair.ours.clamped().0.saturating_sub(pair.theirs.clamped().0);
    let (newest_us, before_us) = (offset(newest), offset(before));
    let limit = u64::try_from(CLOCK_SKEW_FROM.as_micros()).unwrap_or(u64::MAX);
    if newest_us.unsigned_abs() < limit || before_us.unsigned_abs() < limit {
        return Said::Right;
    }
    let offset_us = if newest_us.unsigned_abs() < before_us.unsigned_abs() { newest_us } else { before_us };
    Said::Wrong(before.ours, Facts::ClockSkew { offset_us })
}

fn one_client(hits: Hits) -> Said {
    let Hits { alerts, clients, indicators, by_resolver, first_at } = hits;
    let all_by_resolver = alerts >= ONE_RESOLVER_ALERTS && by_resolver == alerts;
    let all_of_one = clients == 1 && alerts >= ONE_CLIENT_ALERTS && indicators >= ONE_CLIENT_INDICATORS;
    if all_by_resolver || all_of_one {
        Said::Wrong(first_at, Facts::OneClient { alerts, indicators, by_resolver: all_by_resolver })
    } else if alerts == 0 {
        Said::Unknown
    } else {
        Said::Right
    }
}

fn one_way(sight: &Sighted, now: Timestamp) -> Said {
    match sight.direction(now) {
        Some((since, Direction::One(heard, alone, of))) => Said::Wrong(since, Facts::OneWay { heard, alone, of }),
        Some((_, Direction::Both)) => Said::Right,
        Some((_, Direction::Unclear)) | None => Said::Unknown,
    }
}

/// Until it is taken back, or a person has accepted it.
fn narrowed(sight: &Sighted) -> Said {
    match sight.grown() {
        Some((since, before, after)) => Said::Wrong(since, Facts::Narrowed { before, after }),
        None => Said::Right,
    }
}

/// An incident that is known: it stands, or was over lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its row.
    pub id: i64,
    /// When it was last found to be so.
    pub last_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// What is known of it.
    pub facts: Facts,
}

/// Why it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It is not so any more.
    Right,
    /// Nobody expects to hear that sensor any more.
    NotExpected,
    /// A person has accepted that it is so.
    Accepted,
}

impl Over {
    /// The word in the database and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Over::Right => "over",
            Over::NotExpected => "not_expected",
            Over::Accepted => "accepted",
        }
    }
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An incident began.
    Begun(Timestamp, Facts),
    /// One goes on.
    Grown(i64, Facts),
    /// One that was over lately is back.
    Again(i64, Facts),
    /// One is over.
    Over(i64, Over),
}

/// What follows for one sensor, from what is known of it: incidents that stand, and those that were over within
/// [`SILENCE_SAME_WITHIN`](crate::limits::silence::SILENCE_SAME_WITHIN), the newest of each kind.
pub fn steps(said: Option<&[(Kind, Said)]>, known: &[Known], now: Timestamp) -> Vec<Step> {
    let Some(said) = said else {
        let standing = known.iter().filter(|known| known.ended_at.is_none());
        return standing.map(|known| Step::Over(known.id, Over::NotExpected)).collect();
    };
    let of_kind = |kind: Kind| known.iter().find(move |known| known.facts.kind() == kind);
    said.iter()
        .filter_map(|(kind, said)| match (*said, of_kind(*kind)) {
            (Said::Wrong(since, facts), None) => Some(Step::Begun(since, facts)),
            (Said::Wrong(_, facts), Some(known)) if known.ended_at.is_some() => {
                Some(Step::Again(known.id, known.facts.worst(facts)))
            }
            (Said::Wrong(_, facts), Some(known)) => {
                let worst = known.facts.worst(facts);
                let due = now.since(known.last_at) >= SILENCE_GROWN_EVERY || now < known.last_at;
                (due || worst != known.facts).then_some(Step::Grown(known.id, worst))
            }
            (Said::Right, Some(known)) if known.ended_at.is_none() => Some(Step::Over(known.id, Over::Right)),
            (Said::Right | Said::Unknown, _) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
