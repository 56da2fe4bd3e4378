//! Batches: each record once, in order, all or nothing; and what they make of the alerts, incidents and campaigns.

mod again;
mod apart;
mod correlated;
mod cut;
mod drawn;
mod gateways;
mod guards;
mod leaving;
mod marks;
mod reported;
mod ruled;
mod storm;
mod together;
mod told;

use std::collections::BTreeMap;

use serde_json::json;
use varde_common::alert::{AlertOpened, AlertUpdated, Level, Regularity};
use varde_common::id::{Mark, SiteId};
use varde_common::message::Hello;
use varde_common::record::{LossCounts, LossReason, SensorEvent};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use varde_common::alert::{Circumstances, Direction, Evidence, Where, Zone};
use varde_common::codec::Text;
use varde_common::id::{IndicatorId, Pseudonym, Revision};
use varde_common::indicator::{Marks, Severity};
use varde_common::observation::Protocol;

use super::fold::COUNT_MAX;
use super::hello::{Introduction, Met, meet};
use super::*;
use crate::coverage::Coverage;
use crate::losses::Why;
use crate::store::Scope;
use crate::store::alert::Which;
use crate::store::fixture::{Fixture, NOW};
use crate::store::{alert, campaign, incident};

const EPOCH: Epoch = Epoch(7);
const DAY: i64 = 86_400_000_000;

pub(crate) fn day(day: i64) -> Timestamp {
    Timestamp(NOW.0 - 100 * DAY + day * DAY)
}

pub(crate) fn opened(indicator: u64, client: u64, first_day: i64) -> AlertOpened {
    AlertOpened {
        site: SiteId(0),
        indicator: IndicatorId(indicator),
        revision: Revision(1),
        severity: Severity::High,
        marks: Marks::default(),
        client: Some(Pseudonym(client)),
        zone: Zone { id: 3, confidentiality: Level::High, ..Zone::default() },
        direction: Direction::Outbound,
        evidence: Evidence::LookedUp,
        circumstances: Circumstances::default(),
        labels_left: 1,
        seen_at: Where { server: None, port: Some(53), protocol: Protocol::UDP },
        first_seen: day(first_day),
        last_seen: day(first_day),
        count: 1,
    }
}

fn updated(alert: u64, increase: u64, evidence: Evidence, last_day: i64) -> AlertUpdated {
    AlertUpdated {
        alert: Seq(alert),
        count_increase: increase,
        first_seen: day(last_day),
        last_seen: day(last_day),
        evidence,
        circumstances: Circumstances::default(),
        seen_at: Where { server: "192.0.2.9".parse().ok(), port: Some(443), protocol: Protocol::TCP },
        regularity: None,
        closed: false,
    }
}

pub(crate) fn batch(first_seq: u64, bodies: Vec<RecordBody>) -> Batch {
    let octets = |body| Record { time: NOW, body }.to_octets().unwrap();
    Batch { epoch: EPOCH, first_seq: Seq(first_seq), records: bodies.into_iter().map(octets).collect() }
}

fn ack(seq: u64) -> IngestReply {
    IngestReply::Ack { epoch: EPOCH, seq: Seq(seq) }
}

/// Says Hello in version 1; gives what is committed.
async fn committed(store: &Store, sensor: i64, epoch: Epoch, now: Timestamp) -> Result<Seq, StoreError> {
    match meet(store, sensor, &introduction(epoch, 1, Seq(u64::MAX), None), Mark(0), "quic", now).await? {
        Met::Stands { committed, mark: None } => Ok(committed),
        other => panic!("{other:?}"),
    }
}

fn introduction(epoch: Epoch, protocol: u16, next_seq: Seq, kept: Option<Mark>) -> Introduction {
    let hello = Hello {
        protocol_min: 1,
        protocol_max: protocol,
        agent_version: Text::cut("0.1.0"),
        epoch,
        first_seq: Seq(1),
        next_seq,
        revision: Revision(1),
        root_version: 1,
        sites: vec![SiteId(0)],
        clock: NOW,
    };
    Introduction { hello, protocol, kept }
}

pub(crate) async fn fixture(members: i64) -> Fixture {
    let fixture = Fixture::new(members).await;
    for sensor in 1..=members {
        assert_eq!(committed(&fixture.store, sensor, EPOCH, NOW).await.unwrap(), Seq(0));
    }
    fixture
}

pub(crate) async fn send(fixture: &Fixture, sensor: i64, batch: &Batch) -> IngestReply {
    handle_batch(&fixture.store, sensor, batch, NOW).await.unwrap().reply
}

async fn campaigns(fixture: &Fixture, scope: Scope) -> Vec<campaign::CampaignView> {
    campaign::list(&fixture.store, scope, None).await.unwrap()
}

async fn incidents(fixture: &Fixture) -> Vec<incident::IncidentView> {
    incident::list(&fixture.store, Scope::Operator, None).await.unwrap()
}

async fn alerts(fixture: &Fixture, scope: Scope) -> Vec<alert::AlertView> {
    alert::list(&fixture.store, scope, Which::default(), 1000).await.unwrap()
}

fn some() -> Vec<RecordBody> {
    vec![
        RecordBody::Opened(opened(1, 10, 0)),
        RecordBody::Updated(updated(1, 4, Evidence::Contacted, 1)),
        RecordBody::Event(SensorEvent::Started { version: Text::cut("0.1.0") }),
        RecordBody::Opened(opened(2, 11, 2)),
    ]
}

#[tokio::test]
async fn d1_d2_a_batch_sent_again_is_acknowledged_again_and_stored_once() {
    let fixture = fixture(1).await;
    for _ in 0..3 {
        assert_eq!(send(&fixture, 1, &batch(1, some())).await, ack(4));
    }
    assert_eq!(fixture.count("SELECT replayed FROM sensor WHERE id = 1").await, 8, "each time it came again");
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 4);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor_event").await, 1);
    let counts: Vec<i64> = alerts(&fixture, Scope::Operator).await.iter().map(|alert| alert.count).collect();
    assert_eq!(counts, [5, 1]);
}

#[tokio::test]
async fn d2_of_an_overlapping_batch_only_the_new_tail_is_stored() {
    let fixture = fixture(1).await;
    send(&fixture, 1, &batch(1, some()[..2].to_vec())).await;
    assert_eq!(send(&fixture, 1, &batch(2, some()[1..].to_vec())).await, ack(4));
    assert_eq!(fixture.count("SELECT replayed FROM sensor WHERE id = 1").await, 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 4);
    assert_eq!(fixture.count("SELECT MAX(count) FROM alert").await, 5);
}

#[tokio::test]
async fn d1_a_gap_stores_nothing_and_names_the_record_wanted() {
    let fixture = fixture(1).await;
    let gap = IngestReply::Gap { expected: Seq(1) };
    assert_eq!(send(&fixture, 1, &batch(2, some())).await, gap);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 0);
    assert_eq!(send(&fixture, 1, &batch(1, vec![])).await, ack(0));
}

#[tokio::test]
async fn d5_a_gap_is_bridged_only_by_the_loss_that_accounts_for_all_of_it() {
    let fixture = fixture(1).await;
    send(&fixture, 1, &batch(1, some())).await;
    let loss = |from, to| RecordBody::Loss { from: Seq(from), to: Seq(to), reason: LossReason::SpoolFull };
    for (from, to) in [(6, 9), (5, 8)] {
        let gap = IngestReply::Gap { expected: Seq(5) };
        assert_eq!(send(&fixture, 1, &batch(10, vec![loss(from, to)])).await, gap);
    }
    assert_eq!(send(&fixture, 1, &batch(10, vec![loss(5, 9)])).await, ack(10));
    assert_eq!(committed(&fixture.store, 1, EPOCH, NOW).await.unwrap(), Seq(10));
}

#[tokio::test]
async fn a_batch_that_cannot_be_numbered_stores_nothing() {
    let fixture = fixture(1).await;
    let other_epoch = Batch { epoch: Epoch(8), ..batch(1, some()) };
    let zero = batch(0, some());
    let endless = Batch { first_seq: Seq(u64::MAX), ..batch(1, some()) };
    for batch in [other_epoch, zero, endless] {
        let refused = handle_batch(&fixture.store, 1, &batch, NOW).await;
        assert!(matches!(refused, Err(IngestError::Malformed(_))), "{refused:?}");
    }
    for table in ["SELECT COUNT(*) FROM record", "SELECT COUNT(*) FROM alert", "SELECT COUNT(*) FROM incident"] {
        assert_eq!(fixture.count(table).await, 0, "{table}");
    }
    assert_eq!(committed(&fixture.store, 1, EPOCH, NOW).await.unwrap(), Seq(0));
}

#[tokio::test]
async fn t5_a_record_that_names_anothers_site_or_nothing_known_is_stored_and_told_and_holds_nobody_up() {
    let fixture = fixture(2).await;
    let elsewhere = RecordBody::Opened(AlertOpened { site: SiteId(9), ..opened(1, 12, 0) });
    let mut batch =
        batch(1, [vec![elsewhere, RecordBody::Updated(updated(1, 9, Evidence::Contacted, 1))], some()].concat());
    // Of the form of no version, or damaged: what is behind it must not wait for it for ever.
    batch.records.insert(2, vec![0xff; 7]);
    // The others' own numbers have moved by three.
    batch.records[4] =
        Record { time: NOW, body: RecordBody::Updated(updated(4, 4, Evidence::Contacted, 1)) }.to_octets().unwrap();
    assert_eq!(send(&fixture, 1, &batch).await, ack(7));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 7);
    let blank = "SELECT COUNT(*) FROM record WHERE octets = x''";
    assert_eq!(fixture.count(blank).await, 1, "what is nobody's has its place and nothing in it");
    let counts: Vec<i64> = alerts(&fixture, Scope::Operator).await.iter().map(|alert| alert.count).collect();
    assert_eq!(counts, [5, 1], "of the foreign site there is no alert");
    for told in [
        r#"SELECT COUNT(*) FROM sensor_event WHERE seq = 1 AND body LIKE '%"unknown_site","site":9%'"#,
        r#"SELECT COUNT(*) FROM sensor_event WHERE seq = 2 AND body LIKE '%unknown_alert%'"#,
        r#"SELECT COUNT(*) FROM sensor_event WHERE seq = 3 AND body LIKE '%unreadable_record","octets":7%'"#,
    ] {
        assert_eq!(fixture.count(told).await, 1, "{told}");
    }
    // Before a batch it is no account of what is missing.
    let unread = Batch { first_seq: Seq(9), records: vec![vec![0xff; 7]], ..batch };
    assert_eq!(send(&fixture, 1, &unread).await, IngestReply::Gap { expected: Seq(8) });
}

#[tokio::test]
async fn a_self_test_is_its_sensors_own_and_no_alert() {
    let fixture = fixture(2).await;
    let test = |number| RecordBody::Event(SensorEvent::SelfTest { number });
    assert_eq!(fixture.store.self_test(1).await.unwrap(), None);
    assert_eq!(send(&fixture, 1, &batch(1, vec![test(7), test(u64::MAX)])).await, ack(2));
    assert_eq!(fixture.store.self_test(1).await.unwrap(), Some(u64::MAX), "the last, every bit of it");
    assert_eq!(fixture.store.self_test(2).await.unwrap(), None, "another's is another's");
    let events = fixture.store.sensor_events(Scope::Operator, 1, 100).await.unwrap();
    assert_eq!(events.newest.iter().filter(|event| event.body["event"] == "self_test").count(), 2);
    let figures = fixture.store.figures(Scope::Operator).await.unwrap();
    assert_eq!((figures.alerts, figures.incidents, figures.campaigns), (0, 0, 0));
}

#[tokio::test]
async fn d2_what_is_told_of_records_that_were_removed_counts_once_however_often_it_is_told() {
    let fixture = fixture(2).await;
    let counts = LossCounts { high: 2, other: 1, ..LossCounts::default() };
    let removed = |from, to, may_be_sent| {
        let epoch = Epoch(3);
        RecordBody::Event(SensorEvent::RecordsEnded { epoch, from: Seq(from), to: Seq(to), may_be_sent, counts })
    };
    let unread = |place| RecordBody::Event(SensorEvent::UnreadEnded { place, octets: 77 });
    let told = vec![removed(5, 7, false), removed(1, 4, true), unread(1), unread(2)];
    // Twice in one batch, and once more from the spool that followed.
    assert_eq!(send(&fixture, 1, &batch(1, [told.clone(), told.clone()].concat())).await, ack(8));
    let again = Batch { epoch: Epoch(8), ..batch(1, told.clone()) };
    committed(&fixture.store, 1, Epoch(8), NOW).await.unwrap();
    handle_batch(&fixture.store, 1, &again, NOW).await.unwrap();
    let events = fixture.store.sensor_events(Scope::Operator, 1, 100).await.unwrap();
    assert_eq!(events.lost.sums(), [(Why::SetAside, 3), (Why::SetAsideOrSent, 4)]);
    let unread = events.newest.iter().filter(|event| event.body["event"] == "unread_ended").count();
    assert_eq!(unread, 2, "what lay in two places is two");
    // Another sensor's are its own.
    handle_batch(&fixture.store, 2, &batch(1, told), NOW).await.unwrap();
    assert_eq!(fixture.store.sensor_events(Scope::Operator, 2, 100).await.unwrap().lost.total(), 7);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 16, "the records themselves are all stored");
}

#[tokio::test]
async fn d1_each_epoch_has_its_own_position_and_an_old_one_is_remembered() {
    let fixture = fixture(1).await;
    send(&fixture, 1, &batch(1, some())).await;
    assert_eq!(committed(&fixture.store, 1, Epoch(8), NOW).await.unwrap(), Seq(0));
    let next = Batch { epoch: Epoch(8), ..batch(1, some()) };
    handle_batch(&fixture.store, 1, &next, NOW).await.unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 4);
    assert_eq!(committed(&fixture.store, 1, EPOCH, NOW).await.unwrap(), Seq(4));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%epoch_changed%'").await, 2);
}

#[tokio::test]
async fn p4_a_batch_of_a_sensor_revoked_in_this_moment_is_not_taken() {
    let fixture = fixture(2).await;
    let first = batch(1, vec![RecordBody::Opened(opened(1, 10, 0))]);
    send(&fixture, 1, &first).await;
    fixture.run("UPDATE sensor SET revoked_at = 1 WHERE id = 1").await;
    for first_seq in [1, 2] {
        let more = batch(first_seq, vec![RecordBody::Opened(opened(1, 10, 0))]);
        let refused = handle_batch(&fixture.store, 1, &more, NOW).await;
        assert!(matches!(refused, Err(IngestError::Revoked)), "{refused:?}");
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 1);
}

#[tokio::test]
async fn heartbeats_are_kept_ninety_days() {
    let fixture = fixture(2).await;
    for (sensor, at) in [(2, day(0)), (1, day(1)), (1, day(100))] {
        let heartbeat = Heartbeat { packets: 5, ..Heartbeat::default() };
        let changes = handle_heartbeat(&fixture.store, sensor, &heartbeat, None, at).await.unwrap();
        assert_eq!(changes, [Change::Sensor(sensor)]);
    }
    for left in [2, 1, 1] {
        fixture.store.forget_heartbeats(day(100)).await.unwrap();
        assert_eq!(fixture.count("SELECT COUNT(*) FROM heartbeat").await, left);
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor WHERE heartbeat LIKE '%\"packets\":5%'").await, 2);
}

#[tokio::test]
async fn a_full_batch_of_updates_is_one_transaction() {
    let fixture = fixture(1).await;
    let opening = (0..1024).map(|client| RecordBody::Opened(opened(1, client, 0))).collect();
    assert_eq!(send(&fixture, 1, &batch(1, opening)).await, ack(1024));
    let updates = (1..=1024).map(|seq| RecordBody::Updated(updated(seq, 1, Evidence::Contacted, 1))).collect();
    assert_eq!(send(&fixture, 1, &batch(1025, updates)).await, ack(2048));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE count = 2 AND evidence = 4").await, 1024);
    assert_eq!(incidents(&fixture).await[0].alerts, 1024);
}

/// What came out, told by what the sensors said: for each alert the alerts it shares incident and campaign with.
async fn content(fixture: &Fixture) -> Vec<String> {
    let incidents: BTreeMap<i64, incident::IncidentView> =
        incidents(fixture).await.into_iter().map(|incident| (incident.id, incident)).collect();
    let campaigns: BTreeMap<i64, campaign::CampaignView> =
        campaigns(fixture, Scope::Operator).await.into_iter().map(|campaign| (campaign.id, campaign)).collect();
    let mut said: Vec<String> = alerts(fixture, Scope::Operator)
        .await
        .iter()
        .map(|alert| {
            let incident = alert.incident.and_then(|id| incidents.get(&id));
            let campaign = incident.and_then(|i| i.campaign).and_then(|id| campaigns.get(&id));
            let incident = incident.map(|i| (i.alerts, i.sightings, i.first_seen, i.last_seen, i.evidence));
            let campaign = campaign.map(|c| (c.alerts, c.hosts, &c.members, c.first_seen, c.last_seen, c.evidence));
            format!("{} {} {:?} {:?}", alert.uuid, alert.count, incident, campaign)
        })
        .collect();
    said.sort();
    said
}

#[test]
fn d2_order_and_batching_of_arrival_change_nothing_that_is_stored() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Per sensor: (indicator, day, days more, from outside), and how its records are cut into batches.
    let one = (1u64..5, 0i64..40, 0i64..5, prop::bool::weighted(0.2));
    let sensors = prop::collection::vec(prop::collection::vec(one, 1..5), 3);
    let case = (sensors, prop::collection::vec((0usize..3, 1usize..5), 24));
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&case, |(sensors, cuts)| {
        let spools: Vec<Vec<RecordBody>> = sensors
            .iter()
            .map(|said| {
                let outside = |inbound| if inbound { Direction::Inbound } else { Direction::Outbound };
                let mut spool: Vec<RecordBody> = said
                    .iter()
                    .zip(1..)
                    .map(|((indicator, first_day, _, inbound), client)| {
                        let mut alert = opened(*indicator, client, *first_day);
                        alert.marks.exercise = *indicator == 4;
                        alert.direction = outside(*inbound);
                        alert.client = alert.client.filter(|_| !inbound);
                        RecordBody::Opened(alert)
                    })
                    .collect();
                spool.extend(said.iter().zip(1..).map(|((_, first_day, more, _), seq)| {
                    RecordBody::Updated(updated(seq, 3, Evidence::Attempted, first_day + more))
                }));
                spool
            })
            .collect();
        let (shuffled, plain) = runtime.block_on(async {
            let shuffled = fixture(3).await;
            let mut sent = [0usize; 3];
            let rest = (0..3).map(|sensor| (sensor, usize::MAX));
            for (sensor, cut) in cuts.iter().copied().chain(rest) {
                let spool = &spools[sensor];
                let until = sent[sensor].saturating_add(cut).min(spool.len());
                let first = u64::try_from(sent[sensor]).unwrap() + 1;
                let piece = batch(first, spool[sent[sensor]..until].to_vec());
                send(&shuffled, i64::try_from(sensor).unwrap() + 1, &piece).await;
                sent[sensor] = until;
            }
            let plain = fixture(3).await;
            for (sensor, spool) in spools.iter().enumerate().rev() {
                send(&plain, i64::try_from(sensor).unwrap() + 1, &batch(1, spool.clone())).await;
            }
            (content(&shuffled).await, content(&plain).await)
        });
        prop_assert_eq!(shuffled, plain);
        Ok(())
    });
    outcome.unwrap();
}
