//! When an incident begins, grows, comes back and is over, and what nobody knows.

use proptest::prelude::*;
use varde_common::message::{EndsHeard, Sight};

use super::*;
use crate::store::picture::{KeyFacts, SensorTrustFacts};

const NOW: Timestamp = Timestamp(1_795_219_200_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn ago(seconds: u64) -> Timestamp {
    NOW.minus(Duration::from_secs(seconds))
}

fn heartbeat(uptime_s: u64, packets: u64, dropped: u64) -> Option<String> {
    let json =
        serde_json::json!({ "uptime_s": uptime_s, "packets": packets, "dropped": dropped, "last_packet_ms": 240_000 });
    Some(json.to_string())
}

/// One that is heard and hears.
fn well() -> SensorFacts {
    SensorFacts {
        id: 1,
        member_id: 1,
        owner: None,
        watches: vec![1],
        token_expires_at: NOW,
        enrolled_at: Some(ago(900_000)),
        revoked_at: None,
        agent_version: None,
        revision: 7,
        elsewhere: None,
        refused: None,
        last_seen_at: Some(ago(20)),
        connected: true,
        over_tcp: false,
        heartbeat: heartbeat(1_120, 20_000, 50),
        set_back_at: None,
        quarantined_at: None,
        replayed: 0,
        self_tested_at: None,
        heartbeat_before: heartbeat(1_000, 500, 40),
        trust: SensorTrustFacts { list_published_at: Some(ago(86_400)), ..SensorTrustFacts::default() },
        keys: KeyFacts::default(),
    }
}

fn beside() -> Beside {
    let pair = |seconds| ClockPair { theirs: ago(seconds), ours: ago(seconds) };
    Beside { connected_at: Some(ago(90_000)), behind: None, clocks: vec![pair(20), pair(50)], hits: None, sight: None }
}

fn long() -> Moment {
    Moment { now: NOW, listening: DAY }
}

fn said(sensor: &SensorFacts, beside: &Beside, moment: Moment) -> Vec<(Kind, Said)> {
    judge(sensor, beside, moment).unwrap().to_vec()
}

fn of(kind: Kind, sensor: &SensorFacts, beside: &Beside, moment: Moment) -> Said {
    said(sensor, beside, moment).into_iter().find(|(one, _)| *one == kind).unwrap().1
}

#[test]
fn h1_a_sensor_that_is_heard_and_hears_has_nothing_wrong_and_what_was_not_looked_at_is_not_known() {
    let all = said(&well(), &beside(), long());
    let kinds: Vec<Kind> = all.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, Kind::ALL, "each kind once");
    for (kind, said) in all {
        let is_unknown = matches!(kind, Kind::OneClient | Kind::OneWay | Kind::Narrowed);
        assert_eq!(said, if is_unknown { Said::Unknown } else { Said::Right }, "{kind:?}");
    }
}

#[test]
fn h1_one_that_is_not_heard_is_silent_and_nothing_else_is_known_of_it() {
    let sensor = SensorFacts { last_seen_at: Some(ago(150)), ..well() };
    let all = said(&sensor, &beside(), long());
    assert_eq!(all[0].1, Said::Wrong(ago(150), Facts::Unheard { session: true }));
    assert!(all[1..].iter().all(|(_, said)| *said == Said::Unknown), "{all:?}");
    let gone = SensorFacts { connected: false, last_seen_at: Some(ago(149)), ..sensor.clone() };
    assert_eq!(of(Kind::Unheard, &gone, &beside(), long()), Said::Right, "a restart takes so long");
    let never = SensorFacts { connected: false, last_seen_at: None, enrolled_at: Some(ago(7_200)), ..sensor.clone() };
    assert_eq!(
        of(Kind::Unheard, &never, &beside(), long()),
        Said::Wrong(ago(7_200), Facts::Unheard { session: false }),
        "one that enrolled and never came"
    );
    for nobody in [
        SensorFacts { enrolled_at: None, ..sensor.clone() },
        SensorFacts { revoked_at: Some(ago(1)), ..sensor.clone() },
        SensorFacts { quarantined_at: Some(ago(1)), ..sensor },
    ] {
        assert_eq!(judge(&nobody, &beside(), long()), None);
    }
}

#[test]
fn h1_while_nobody_listened_nobody_was_silent() {
    let sensor = SensorFacts { last_seen_at: Some(ago(7_200)), connected: false, ..well() };
    let just = |seconds| Moment { now: NOW, listening: Duration::from_secs(seconds) };
    assert_eq!(of(Kind::Unheard, &sensor, &beside(), just(149)), Said::Unknown, "the collector was just started");
    assert_eq!(
        of(Kind::Unheard, &sensor, &beside(), just(150)),
        Said::Wrong(ago(7_200), Facts::Unheard { session: false })
    );
    // Heard by a clock that was a year ahead: silent all the same, since nobody knows when.
    let ahead = SensorFacts { last_seen_at: Some(NOW.plus(DAY * 365)), ..sensor };
    assert_eq!(of(Kind::Unheard, &ahead, &beside(), just(100)), Said::Unknown);
    assert_eq!(
        of(Kind::Unheard, &ahead, &beside(), just(200)),
        Said::Wrong(ago(200), Facts::Unheard { session: false })
    );
}

#[test]
fn h1_no_packets_and_too_many_lost_are_told_by_what_came_of_late() {
    let deaf = SensorFacts { heartbeat: heartbeat(1_120, 500, 40), ..well() };
    assert_eq!(of(Kind::Deaf, &deaf, &beside(), long()), Said::Wrong(ago(260), Facts::Deaf { packets: 500 }));
    assert_eq!(of(Kind::Dropping, &deaf, &beside(), long()), Said::Right);
    let losing = SensorFacts { heartbeat: heartbeat(1_120, 1_480, 60), ..well() };
    let Said::Wrong(_, facts) = of(Kind::Dropping, &losing, &beside(), long()) else { panic!("not told") };
    assert_eq!(facts, Facts::Dropping { dropped: 20, frames: 1_000 });
    let young = SensorFacts { heartbeat: heartbeat(30, 10, 9), ..well() };
    assert_eq!(of(Kind::Dropping, &young, &beside(), long()), Said::Unknown, "just begun");
}

#[test]
fn t8_a_list_is_old_once_the_next_was_there_for_an_hour_and_the_session_too() {
    let behind = |seconds| Beside { behind: Some((ago(seconds), 9)), ..beside() };
    let old = |since: u64| Said::Wrong(ago(since), Facts::OldList { held: 7, newest: 9 });
    assert_eq!(of(Kind::OldList, &well(), &behind(3_600), long()), old(3_600));
    assert_eq!(of(Kind::OldList, &well(), &behind(3_599), long()), Said::Right);
    let back = Beside { connected_at: Some(ago(60)), ..behind(900_000) };
    assert_eq!(of(Kind::OldList, &well(), &back, long()), Said::Unknown, "away all summer, and just being sent it");
    let trust = SensorTrustFacts { list_published_at: Some(ago(30 * 86_400)), ..SensorTrustFacts::default() };
    let over = SensorFacts { trust, ..well() };
    assert_eq!(
        of(Kind::OldList, &over, &beside(), long()),
        Said::Wrong(NOW, Facts::OldList { held: 7, newest: 7 }),
        "its time is over"
    );
}

#[test]
fn k1_a_clock_differs_by_two_heartbeats_and_never_by_one_that_was_long_on_its_way() {
    let clocks = |newest: i64, before: i64| {
        let pair = |seconds: u64, off: i64| ClockPair {
            theirs: Timestamp(ago(seconds).0 - off * 1_000_000),
            ours: ago(seconds),
        };
        Beside { clocks: vec![pair(20, newest), pair(50, before)], ..beside() }
    };
    let skewed = |seconds: i64| Said::Wrong(ago(50), Facts::ClockSkew { offset_us: seconds * 1_000_000 });
    assert_eq!(of(Kind::ClockSkew, &well(), &clocks(6, 5), long()), skewed(5));
    assert_eq!(of(Kind::ClockSkew, &well(), &clocks(-3_600, -3_601), long()), skewed(-3_600));
    assert_eq!(of(Kind::ClockSkew, &well(), &clocks(6, 0), long()), Said::Right);
    assert_eq!(of(Kind::ClockSkew, &well(), &clocks(4, 4), long()), Said::Right);
    assert_eq!(of(Kind::ClockSkew, &well(), &Beside { clocks: Vec::new(), ..beside() }, long()), Said::Unknown);
}

#[test]
fn a_sensor_that_finds_one_machine_alone_sees_a_resolver_and_one_infected_machine_is_none() {
    let hits = |alerts, clients, indicators, by_resolver| {
        let hits = Hits { alerts, clients, indicators, by_resolver, first_at: ago(900) };
        of(Kind::OneClient, &well(), &Beside { hits: Some(hits), ..beside() }, long())
    };
    let one =
        |alerts, indicators, by_resolver| Said::Wrong(ago(900), Facts::OneClient { alerts, indicators, by_resolver });
    assert_eq!(hits(10, 1, 5, 0), one(10, 5, false));
    assert_eq!(hits(10, 2, 5, 0), Said::Right);
    assert_eq!(hits(400, 1, 4, 0), Said::Right, "one piece of malware");
    assert_eq!(hits(9, 1, 9, 0), Said::Right, "too few to say");
    assert_eq!(hits(3, 2, 1, 3), one(3, 1, true), "two resolvers and nobody behind them");
    assert_eq!(hits(3, 2, 1, 2), Said::Right);
    assert_eq!(hits(0, 0, 0, 0), Said::Unknown, "nothing found says nothing");
}

fn known(facts: Facts, last: u64, ended: Option<u64>) -> Known {
    Known { id: 4, last_at: ago(last), ended_at: ended.map(ago), facts }
}

#[test]
fn h1_an_incident_begins_once_grows_by_its_worst_comes_back_as_itself_and_is_over() {
    let dropping = |dropped| Facts::Dropping { dropped, frames: 1_000 };
    let wrong = |dropped| [(Kind::Dropping, Said::Wrong(ago(110), dropping(dropped)))];
    let right = [(Kind::Dropping, Said::Right)];
    assert_eq!(steps(Some(&wrong(20)), &[], NOW), [Step::Begun(ago(110), dropping(20))]);
    let stands = [known(dropping(20), 30, None)];
    assert_eq!(steps(Some(&wrong(20)), &stands, NOW), [], "a look a little later writes nothing");
    assert_eq!(steps(Some(&wrong(15)), &stands, NOW), [], "nor does what is less bad");
    assert_eq!(steps(Some(&wrong(30)), &stands, NOW), [Step::Grown(4, dropping(30))]);
    assert_eq!(steps(Some(&wrong(15)), &[known(dropping(20), 60, None)], NOW), [Step::Grown(4, dropping(20))]);
    assert_eq!(steps(Some(&right), &stands, NOW), [Step::Over(4, Over::Right)]);
    assert_eq!(steps(Some(&[(Kind::Dropping, Said::Unknown)]), &stands, NOW), [], "what is not known ends nothing");
    let over = [known(dropping(20), 300, Some(290))];
    assert_eq!(steps(Some(&right), &over, NOW), []);
    assert_eq!(steps(Some(&wrong(15)), &over, NOW), [Step::Again(4, dropping(20))]);
    assert_eq!(steps(None, &stands, NOW), [Step::Over(4, Over::NotExpected)], "revoked");
    assert_eq!(steps(None, &over, NOW), []);
}

proptest! {
    /// Whatever is said and known: each kind has one step at most, and a second look right after writes no other state.
    #[test]
    fn h1_whatever_is_said_each_kind_has_one_incident(
        wrong in prop::collection::vec(prop::option::of(any::<bool>()), 6),
        last in 0_u64..600, ended in prop::option::of(0_u64..600), standing in 0_usize..6,
    ) {
        let facts = [
            Facts::Unheard { session: true },
            Facts::Deaf { packets: 1 },
            Facts::Dropping { dropped: 1, frames: 9 },
            Facts::OldList { held: 1, newest: 2 },
            Facts::ClockSkew { offset_us: 9 },
            Facts::OneClient { alerts: 1, indicators: 1, by_resolver: true },
        ];
        let said: Vec<(Kind, Said)> = facts.iter().zip(&wrong).map(|(facts, wrong)| {
            (facts.kind(), match wrong { Some(true) => Said::Wrong(NOW, *facts), Some(false) => Said::Right, None => Said::Unknown })
        }).collect();
        let known = [known(facts[standing], last, ended)];
        let steps = steps(Some(&said), &known, NOW);
        prop_assert!(steps.len() <= 6);
        let begun = steps.iter().filter(|step| matches!(step, Step::Begun(..))).count();
        let wrong = wrong.iter().enumerate().filter(|(place, wrong)| **wrong == Some(true) && *place != standing).count();
        prop_assert_eq!(begun, wrong, "all that is wrong and not known begins");
    }
}

#[test]
fn h1_one_direction_and_exclusions_that_grew_are_told_of_a_sensor_that_is_heard_and_end_when_they_do() {
    let exclusions = |sinkholes| Exclusions { sinkholes, ..Exclusions::default() };
    let sight = |inside_alone, both, sinkholes| Sight {
        heard: EndsHeard { inside_alone, both, ..EndsHeard::default() },
        exclusions: exclusions(sinkholes),
    };
    let mut sighted = Sighted::new(sight(0, 0, 1), ago(500));
    let with = |sighted: &Sighted| Beside { sight: Some(sighted.clone()), ..beside() };
    assert_eq!(of(Kind::OneWay, &well(), &with(&sighted), long()), Said::Unknown, "nothing was counted yet");
    assert_eq!(of(Kind::Narrowed, &well(), &with(&sighted), long()), Said::Right);
    sighted.handle_sight(sight(30, 0, 2), ago(380));
    let one_way = Facts::OneWay { heard: Side::Inside, alone: 30, of: 30 };
    let narrowed = Facts::Narrowed { before: exclusions(1), after: exclusions(2) };
    assert_eq!(of(Kind::OneWay, &well(), &with(&sighted), long()), Said::Wrong(ago(500), one_way));
    assert_eq!(of(Kind::Narrowed, &well(), &with(&sighted), long()), Said::Wrong(ago(380), narrowed));
    let gone = SensorFacts { last_seen_at: Some(ago(150)), ..well() };
    for kind in [Kind::OneWay, Kind::Narrowed] {
        assert_eq!(of(kind, &gone, &with(&sighted), long()), Said::Unknown, "{kind:?} of one that is not heard");
    }
    sighted.handle_sight(sight(30, 40, 1), ago(200));
    for kind in [Kind::OneWay, Kind::Narrowed] {
        assert_eq!(of(kind, &well(), &with(&sighted), long()), Said::Right, "{kind:?}");
    }
    for facts in [one_way, narrowed] {
        let kept = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&kept).unwrap(), facts, "{kept}");
        assert!(kept.contains(facts.kind().as_str()), "{kept}");
    }
}
