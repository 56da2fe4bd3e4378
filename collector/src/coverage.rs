//! Who could have seen it: the denominator of every count of members (decision 29).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use varde_common::time::Timestamp;

use crate::hearing::{Hearing, last_packet_at};
use crate::store::picture::{CampaignFacts, Picture, SensorFacts};
use crate::strand::Span;

/// Silence after which a sensor is no longer taken to see anything: three heartbeats of 30 seconds.
pub const SILENT_AFTER: Duration = Duration::from_secs(90);

/// Why a member could not have seen it, the furthest from seeing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blind {
    /// No sensor was ever given a token.
    NoSensor,
    /// A token was made and not used, or only afterwards.
    NotEnrolled,
    /// Its sensor was shut out.
    Revoked,
    /// Its sensor was not heard from.
    Silent,
    /// No list has anything by which it could be seen.
    NoIndicator,
    /// The list in force does not hold the indicator.
    OldList,
    /// No packet reaches its sensor.
    NoTraffic,
    /// Its sensor saw nothing of what people there have reported.
    Unseen,
}

impl Blind {
    /// All, in order.
    pub const ALL: [Blind; 8] = [
        Blind::NoSensor,
        Blind::NotEnrolled,
        Blind::Revoked,
        Blind::Silent,
        Blind::NoIndicator,
        Blind::OldList,
        Blind::NoTraffic,
        Blind::Unseen,
    ];
}

/// What a sensor must have had to see something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    /// A list that shows it; none = there is no such list.
    revision: Option<i64>,
    /// A sensor of another channel needs that one's newest instead.
    newest: bool,
    /// Heard from at or after this moment of our clock.
    heard_from: Timestamp,
    /// Enrolled by this moment.
    enrolled_by: Timestamp,
    /// Shut out at or before this moment means blind.
    revoked_by: Timestamp,
}

/// Of what a denominator is asked: when it went on by our own clock (traffic may be replayed from old captures), the
/// first list that could show it, and whom it hit. Of what people alone have reported it is when they say that it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Case {
    /// The first of it that reached us.
    pub begun: Timestamp,
    /// The last of it that reached us.
    pub until: Timestamp,
    /// Whoever holds this list could have seen it; none = nobody, for no list has anything to see it by.
    pub revision: Option<i64>,
    /// `member.id` of those that a sensor saw hit.
    pub seen: HashSet<i64>,
    /// `member.id` of those of which only people said it: they are hit, and no sensor shows that it could see.
    pub reported: HashSet<i64>,
}

/// Members that could see it, and the others by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// `member.id` of those that could.
    pub able: HashSet<i64>,
    /// The others.
    pub blind: Vec<(i64, Blind)>,
}

impl Case {
    /// Where no sensor saw any of it, it went on when people say that it did, whenever they came to say so.
    pub fn by_word_alone(&mut self, told: Option<Span>) {
        if let Some(span) = told.filter(|_| self.seen.is_empty()) {
            (self.begun, self.until) = (span.first, span.last);
        }
    }
}

impl Coverage {
    /// Who can see what the newest list holds, now.
    pub fn now(picture: &Picture, now: Timestamp) -> Coverage {
        let need = Need {
            revision: Some(picture.list.map_or(1, |list| list.revision)),
            newest: true,
            heard_from: now.minus(SILENT_AFTER),
            enrolled_by: now,
            revoked_by: Timestamp::MAX,
        };
        measure(&picture.sensors, picture.members.iter().map(|member| member.id), need, &Case::default())
    }

    /// Who of these members could have seen this: a sensor of theirs did, or was let in, heard from since it began, and
    /// holds a list that shows it. A person's word is no eye.
    pub fn of_case(sensors: &[SensorFacts], members: impl IntoIterator<Item = i64>, case: &Case) -> Coverage {
        let need = Need {
            revision: case.revision.map(|revision| revision.max(1)),
            newest: false,
            heard_from: case.begun,
            enrolled_by: case.until,
            revoked_by: case.begun,
        };
        measure(sensors, members, need, case)
    }

    /// Who could have seen this campaign.
    pub fn of_campaign(picture: &Picture, campaign: &CampaignFacts) -> Coverage {
        let first = campaign.hits.iter().filter_map(|hit| hit.arrived_at).min();
        let last = campaign.hits.iter().filter_map(|hit| hit.arrived_last_at).max();
        let of = |human: bool| campaign.hits.iter().filter(move |hit| hit.human == human).map(|hit| hit.member.id);
        let mut case = Case {
            begun: first.into_iter().chain(campaign.opened_at).min().unwrap_or(Timestamp::MIN),
            // What a person does with a campaign shows nobody anything.
            until: last.unwrap_or(Timestamp::MAX),
            revision: campaign.first_list,
            seen: of(false).collect(),
            reported: of(true).collect(),
        };
        let span = campaign.hits.iter().map(|hit| Span::new(hit.first_seen, hit.last_seen)).reduce(Span::join);
        case.by_word_alone(span);
        Coverage::of_case(&picture.sensors, picture.members.iter().map(|member| member.id), &case)
    }

    /// Members in all.
    pub fn total(&self) -> usize {
        self.able.len() + self.blind.len()
    }

    /// How many are blind for each reason that occurs.
    pub fn reasons(&self) -> Vec<(Blind, usize)> {
        Blind::ALL
            .into_iter()
            .map(|reason| (reason, self.blind.iter().filter(|(_, found)| *found == reason).count()))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// Sensors without what is read of a heartbeat again for each case: of those that are not deaf it changes nothing whether they said so.
pub fn lightened(mut sensors: Vec<SensorFacts>) -> Vec<SensorFacts> {
    for sensor in &mut sensors {
        if Hearing::of_sensor(sensor) != Hearing::Deaf {
            (sensor.heartbeat, sensor.heartbeat_before) = (None, None);
        }
    }
    sensors
}

fn measure(sensors: &[SensorFacts], members: impl IntoIterator<Item = i64>, need: Need, case: &Case) -> Coverage {
    let mut best: HashMap<i64, Option<Blind>> = HashMap::new();
    for sensor in sensors {
        let found = blindness(sensor, need);
        for member in &sensor.watches {
            let entry = best.entry(*member).or_insert(Some(Blind::NoSensor));
            // None = sees; the nearer to seeing wins.
            *entry = match (*entry, found) {
                (None, _) | (_, None) => None,
                (Some(a), Some(b)) => Some(a.max(b)),
            };
        }
    }
    let mut coverage = Coverage::default();
    for member in members {
        let found = best.get(&member).copied().unwrap_or(Some(Blind::NoSensor));
        let reason = if case.seen.contains(&member) {
            // Whoever saw it could see it, whatever the bookkeeping says.
            None
        } else if case.reported.contains(&member) {
            Some(found.unwrap_or(Blind::Unseen))
        } else {
            found
        };
        match reason {
            Some(reason) => coverage.blind.push((member, reason)),
            None => drop(coverage.able.insert(member)),
        }
    }
    coverage
}

fn blindness(sensor: &SensorFacts, need: Need) -> Option<Blind> {
    if sensor.revoked_at.is_some_and(|at| at <= need.revoked_by) {
        return Some(Blind::Revoked);
    }
    if sensor.enrolled_at.is_none_or(|at| at > need.enrolled_by) {
        return Some(Blind::NotEnrolled);
    }
    if sensor.last_seen_at.is_none_or(|at| at < need.heard_from) {
        return Some(Blind::Silent);
    }
    let Some(revision) = need.revision else { return Some(Blind::NoIndicator) };
    let needed = match need.newest {
        true => sensor.newest(Some(revision)).unwrap_or(1),
        false => revision,
    };
    if sensor.revision < needed {
        return Some(Blind::OldList);
    }
    let is_deaf = Hearing::of_sensor(sensor) == Hearing::Deaf;
    // It may have heard before it fell deaf.
    (is_deaf && last_packet_at(sensor).is_none_or(|at| at < need.heard_from)).then_some(Blind::NoTraffic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::picture::{HitFacts, ListFacts, MemberFacts, SensorTrustFacts};

    const NOW: Timestamp = Timestamp(10_000_000_000);

    fn sensor(member_id: i64) -> SensorFacts {
        SensorFacts {
            id: member_id,
            member_id,
            owner: None,
            watches: vec![member_id],
            token_expires_at: NOW,
            enrolled_at: Some(Timestamp(1)),
            revoked_at: None,
            agent_version: None,
            revision: 3,
            elsewhere: None,
            refused: None,
            last_seen_at: Some(NOW),
            connected: true,
            over_tcp: false,
            heartbeat: None,
            set_back_at: None,
            quarantined_at: None,
            replayed: 0,
            self_tested_at: None,
            heartbeat_before: None,
            trust: SensorTrustFacts::default(),
            keys: crate::store::picture::KeyFacts::default(),
        }
    }

    #[test]
    fn h1_a_sensor_that_fell_deaf_sees_nothing_now_and_could_see_what_came_before() {
        let heartbeat = |uptime_s, last_packet_ms| {
            Some(format!(r#"{{"uptime_s":{uptime_s},"packets":70,"dropped":0,"last_packet_ms":{last_packet_ms}}}"#))
        };
        let deaf = SensorFacts {
            heartbeat: heartbeat(5_120, 300_000),
            heartbeat_before: heartbeat(5_000, 180_000),
            ..sensor(1)
        };
        let picture = Picture {
            members: vec![MemberFacts { id: 1, number: "1".to_owned(), name: String::new(), supplier: None }],
            sensors: vec![deaf],
            ..Picture::default()
        };
        assert_eq!(Coverage::now(&picture, NOW).reasons(), [(Blind::NoTraffic, 1)]);
        for (begun_s, able) in [(299, 0), (301, 1)] {
            let begun = NOW.minus(Duration::from_secs(begun_s));
            let case = Case { begun, until: NOW, revision: Some(1), ..Case::default() };
            assert_eq!(Coverage::of_case(&picture.sensors, [1], &case).able.len(), able);
        }
    }

    #[test]
    fn a_sensor_of_another_channel_sees_by_that_channels_newest_list() {
        // It may be an older one than everybody's, or a newer.
        let pilot = |id, revision, newest| {
            let elsewhere = Some(("pilot".to_owned(), newest));
            SensorFacts { revision, elsewhere, ..sensor(id) }
        };
        let picture = Picture {
            list: Some(ListFacts { revision: 3, count: 1, published_at: NOW }),
            members: (1..=4)
                .map(|id| MemberFacts { id, number: id.to_string(), name: String::new(), supplier: None })
                .collect(),
            sensors: vec![pilot(1, 2, Some(2)), pilot(2, 3, Some(4)), pilot(3, 1, None), pilot(4, 0, None)],
            ..Picture::default()
        };
        assert_eq!(Coverage::now(&picture, NOW).able, HashSet::from([1, 3]));
    }

    #[test]
    fn each_reason_for_not_seeing_is_told_apart() {
        let picture = Picture {
            list: Some(ListFacts { revision: 3, count: 1, published_at: NOW }),
            members: (1..=8)
                .map(|id| MemberFacts { id, number: id.to_string(), name: String::new(), supplier: None })
                .collect(),
            sensors: vec![
                sensor(1),
                SensorFacts { enrolled_at: None, ..sensor(3) },
                SensorFacts { revoked_at: Some(NOW), ..sensor(4) },
                SensorFacts { last_seen_at: Some(NOW.minus(Duration::from_secs(91))), ..sensor(5) },
                SensorFacts { revision: 2, ..sensor(6) },
                SensorFacts { heartbeat: Some(r#"{"packets":0,"uptime_s":61}"#.to_owned()), ..sensor(7) },
                // Two sensors: the better one counts.
                SensorFacts { revision: 0, ..sensor(8) },
                SensorFacts { watches: vec![8], ..sensor(1) },
            ],
            ..Picture::default()
        };
        let coverage = Coverage::now(&picture, NOW);
        assert_eq!(coverage.able, HashSet::from([1, 8]));
        let at_once = Blind::ALL.into_iter().filter(|reason| !matches!(reason, Blind::NoIndicator | Blind::Unseen));
        assert_eq!(coverage.reasons(), Vec::from_iter(at_once.map(|reason| (reason, 1))));
        assert_eq!(coverage.total(), 8);

        let member = picture.members[4].clone();
        let campaign = CampaignFacts {
            name: String::new(),
            id: 1,
            uuid: String::new(),
            link_kind: "indicator".to_owned(),
            title: None,
            exercise: false,
            opened_at: Some(NOW.minus(Duration::from_secs(600))),
            updated_at: Some(NOW),
            hits: vec![HitFacts {
                member,
                first_seen: NOW,
                last_seen: NOW,
                evidence: 0,
                severity: 0,
                hosts: 0,
                hosts_about: false,
                sightings: 1,
                alerts: 1,
                arrived_at: Some(NOW.minus(Duration::from_secs(700))),
                arrived_last_at: Some(NOW),
                human: false,
                word: None,
            }],
            others: Some(0),
            departed: 0,
            indicators: Vec::new(),
            weighed: crate::store::picture::WordFacts::default(),
            too_connected: None,
            work: None,
            is_closed: false,
            first_list: Some(1),
        };
        let coverage = Coverage::of_campaign(&picture, &campaign);
        assert_eq!(coverage.able, HashSet::from([1, 4, 5, 6, 8]), "revoked later, hit though silent now, any list");
    }
}
