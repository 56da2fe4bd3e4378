//! A whole collector in this process, and sensors played by a small QUIC client: who comes in, who stays out, what reaches whom.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this file is tests")]

mod double;
mod guests;
mod renewal;
mod second;
mod tcp;

use std::path::Path;

use quinn::Connection;
use rcgen::CertificateParams;
use varde_collector::address::Bound;
use varde_collector::certificate::{self, Authority};
use varde_collector::command::sensor::{self, SensorCommand};
use varde_collector::io::serve::{self, StartError};
use varde_collector::io::{clock, directory, keys};
use varde_collector::limits::THROWN_OUT_FREE;
use varde_collector::store::Store;
use varde_common::codec::{FrameHeader, Text};
use varde_common::id::{Epoch, Revision, Seq, SiteId};
use varde_common::message::{Batch, CloseReason, EnrolRefusal, Hello, ListOutcome, Stream, ToAgent, ToCollector};
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;

use double::*;

#[tokio::test(flavor = "multi_thread")]
async fn e1_an_enrolled_sensor_stands_in_a_session_and_is_acknowledged() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    assert!(site.row(sensor.id).await.enrolled_at.is_some());
    let (connection, mut control, _answers) = sensor.session(&site).await;
    site.until(sensor.id, |row| row.connected).await;
    say(&mut control, &ToCollector::Heartbeat(Default::default())).await;

    let (mut send, mut recv) = open(&connection, Stream::Alerts).await;
    let started = RecordBody::Event(SensorEvent::Started { version: Text::cut("0.1.0") });
    let record = Record { time: Timestamp(5), body: started }.to_octets().unwrap();
    say(&mut send, &ToCollector::Batch(Batch { epoch: Epoch(77), first_seq: Seq(1), records: vec![record] })).await;
    assert_eq!(hear(&mut recv).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(1) }));
    connection.close(0u32.into(), b"");
    site.until(sensor.id, |row| !row.connected).await;
}

fn started() -> Vec<u8> {
    let body = RecordBody::Event(SensorEvent::Started { version: Text::cut("0.1.0") });
    Record { time: Timestamp(5), body }.to_octets().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_nothing_is_acknowledged_that_is_not_committed() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let store = Store::open(&site.data).await.unwrap();
    // Storing goes well, and the very commit fails: a debt is left open that must be paid by then.
    for sql in [
        "CREATE TABLE debt (id BIGINT REFERENCES sensor (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER owe AFTER INSERT ON record BEGIN INSERT INTO debt VALUES (-1); END",
    ] {
        let mut tx = store.begin().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let (connection, _control, _answers) = sensor.session(&site).await;
    let (mut send, mut recv) = open(&connection, Stream::Alerts).await;
    let batch = ToCollector::Batch(Batch { epoch: Epoch(77), first_seq: Seq(1), records: vec![started()] });
    say(&mut send, &batch).await;
    assert_eq!(hear(&mut recv).await, None, "no word of it");
    assert_eq!(closed(&connection).await, Some(CloseReason::Unavailable), "the sensor keeps it and comes again");

    let mut tx = store.begin().await.unwrap();
    sqlx::raw_sql("DROP TRIGGER owe").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let (connection, _control, _answers) = sensor.session(&site).await;
    let (mut send, mut recv) = open(&connection, Stream::Alerts).await;
    say(&mut send, &batch).await;
    assert_eq!(hear(&mut recv).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(1) }));
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM record").fetch_one(store.readers()).await;
    assert_eq!(count.ok(), Some(1i64), "it is there as soon as the word is");
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_token_works_once_in_time_and_only_with_its_secret() {
    let site = Site::new().await;
    let token = site.token().await;
    for _ in 0..2 {
        let wrong = enrol_with(&token, &new_key(), &[9; 16]).await;
        assert_eq!(wrong.err(), Some(EnrolRefusal::NotGood));
    }
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let token = token.clone();
        tries.spawn(async move { enrol(&token, &new_key()).await.err() });
    }
    let said = tries.join_all().await;
    assert_eq!(said.iter().filter(|said| said.is_none()).count(), 1, "{said:?}");
    assert!(said.iter().flatten().all(|why| *why == EnrolRefusal::Used), "{said:?}");
    let revoked = site.token().await;
    let revoke = SensorCommand::Revoke { id: u32::try_from(revoked.sensor.0).unwrap() };
    sensor::run(&site.data, revoke).await.unwrap();
    assert_eq!(enrol(&revoked, &new_key()).await.err(), Some(EnrolRefusal::Revoked));
    // However many fail beside it and with its very number, a good token is good.
    let good = site.token().await;
    let mut said = Vec::new();
    for _ in 0..12 {
        said.extend(enrol_with(&good, &new_key(), &[9; 16]).await.err());
    }
    assert_eq!((said.len(), said.last()), (12, Some(&EnrolRefusal::TooMany)), "{said:?}");
    assert_eq!(enrol(&good, &new_key()).await.err(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_revoked_sensor_is_cut_off_at_once_and_stays_out_after_a_restart() {
    let mut site = Site::new().await;
    let (good, bad) = (site.sensor().await, site.sensor().await);
    let (kept, _control, _answers) = good.session(&site).await;
    let (cut, _bad_control, _bad_answers) = bad.session(&site).await;
    let id = u32::try_from(bad.id.0).unwrap();
    sensor::run(&site.data, SensorCommand::Revoke { id }).await.unwrap();
    assert_eq!(closed(&cut).await, Some(CloseReason::Revoked));
    assert_eq!(kept.close_reason(), None, "others are untouched");
    for _ in 0..2 {
        let again = bad.connect(site.bound().quic).await;
        if let Ok(again) = again {
            assert_eq!(closed(&again).await, Some(CloseReason::Revoked));
        }
        site.restart().await;
    }
    assert!(!site.row(bad.id).await.connected);
    let (_again, _control, _answers) = good.session(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_revocation_whose_poke_is_lost_is_seen_all_the_same() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (connection, _control, _answers) = sensor.session(&site).await;
    let store = Store::open(&site.data).await.unwrap();
    store.revoke_sensor(sensor.id.0 as i64, clock::now()).await.unwrap();
    assert_eq!(closed(&connection).await, Some(CloseReason::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_or_of_an_unknown_key_is_refused() {
    let (site, other) = (Site::new().await, Site::new().await);
    let own = site.sensor().await;
    let mut foreign = other.sensor().await;
    foreign.ca = own.ca.clone();
    let came_in = async |sensor: &Sensor| match sensor.connect(site.bound().quic).await {
        Ok(connection) => closed(&connection).await != Some(CloseReason::Revoked) && answered(&connection).await,
        Err(_) => false,
    };
    assert!(!came_in(&foreign).await, "another CA");
    // Signed by our CA, but for a key that never enrolled.
    let ca_pem = std::fs::read_to_string(site.data.join("keys/ca.crt")).unwrap();
    let ca_key = std::fs::read_to_string(site.data.join("keys/ca.key")).unwrap();
    let authority = Authority::read(&ca_pem, &ca_key).unwrap();
    let key = new_key();
    let csr = CertificateParams::default().serialize_request(&key).unwrap();
    let certificate = authority.issue_sensor(csr.der(), own.id, clock::now()).unwrap();
    let forged = Sensor { id: own.id, root: own.root.clone(), ca: own.ca.clone(), certificate, key };
    assert!(!came_in(&forged).await, "a key nobody enrolled");
    let (_connection, _control, _answers) = own.session(&site).await;
}

async fn answered(connection: &Connection) -> bool {
    let Ok((mut send, mut recv)) = connection.open_bi().await else { return false };
    let octets = [ToCollector::Open(Stream::Control), ToCollector::Hello(hello())];
    for message in octets {
        if send.write_all(&message.to_frame().unwrap()).await.is_err() {
            return false;
        }
    }
    hear(&mut recv).await.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_a_published_list_reaches_every_subscribed_sensor_at_once() {
    let site = Site::new().await;
    site.publish("evil.example\n").await;
    let sensors = [site.sensor().await, site.sensor().await];
    let mut sessions = Vec::new();
    for sensor in &sensors {
        let (connection, control, answers) = sensor.session(&site).await;
        let (mut send, mut recv) = open(&connection, Stream::Lists).await;
        say(&mut send, &ToCollector::Subscribe { revision: Revision(0) }).await;
        assert_eq!(hear_list(&mut recv, &sensor.root, Revision(0)).await, (Revision(1), 1));
        sessions.push((connection, control, answers, send, recv));
    }
    // Large enough for several chunks.
    let many: String = (0..12_000).map(|n| format!("host-with-a-rather-long-name-{n}.example\n")).collect();
    site.publish(&many).await;
    for (sensor, (_, _, _, send, recv)) in sensors.iter().zip(&mut sessions) {
        assert_eq!(hear_list(recv, &sensor.root, Revision(1)).await, (Revision(2), 12_001));
        let outcome = ListOutcome::InForce { revision: Revision(2), since: Timestamp(9) };
        say(send, &ToCollector::ListOutcome(outcome)).await;
        site.until(sensor.id, |row| row.revision == 2 && row.revision_since == Some(Timestamp(9))).await;
        let refused = ListOutcome::Refused { in_force: Revision(2), why: Text::cut("too old") };
        say(send, &ToCollector::ListOutcome(refused)).await;
        site.until(sensor.id, |row| row.refused_why.as_deref() == Some("too old")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_a_sensor_that_has_the_newest_list_gets_no_other() {
    let site = Site::new().await;
    site.publish("evil.example\n").await;
    let sensor = site.sensor().await;
    let (connection, _control, _answers) = sensor.session(&site).await;
    let (mut send, mut recv) = open(&connection, Stream::Lists).await;
    say(&mut send, &ToCollector::Subscribe { revision: Revision(1) }).await;
    site.publish("worse.example\n").await;
    assert_eq!(
        hear_list(&mut recv, &sensor.root, Revision(1)).await,
        (Revision(2), 2),
        "the first it hears is the second"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_a_site_not_of_this_sensor_ends_the_session() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    for (change, why) in [
        ((|h| h.sites = vec![SiteId(0), SiteId(1)]) as fn(&mut Hello), CloseReason::UnknownSite),
        (|h| h.protocol_min = 4, CloseReason::Version),
    ] {
        let mut hello = hello();
        hello.protocol_max = 9;
        change(&mut hello);
        let connection = sensor.connect(site.bound().quic).await.unwrap();
        let (mut send, _recv) = open(&connection, Stream::Control).await;
        say(&mut send, &ToCollector::Hello(hello)).await;
        assert_eq!(closed(&connection).await, Some(why));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_broken_and_oversized_frames_end_the_session_that_sent_them() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let huge = FrameHeader { body_octets: 64 * 1024 + 1, kind: 4 }.to_octets().to_vec();
    let nonsense = [FrameHeader { body_octets: 3, kind: 2 }.to_octets().as_slice(), &[255, 255, 255]].concat();
    for octets in [huge, nonsense] {
        let (connection, mut control, _answers) = sensor.session(&site).await;
        control.write_all(&octets).await.unwrap();
        assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError));
    }
    // A kind from a newer agent is passed over.
    let (connection, mut control, _answers) = sensor.session(&site).await;
    let newer = [FrameHeader { body_octets: 3, kind: 99 }.to_octets().as_slice(), &[1, 2, 3]].concat();
    control.write_all(&newer).await.unwrap();
    let (mut send, mut recv) = open(&connection, Stream::Lists).await;
    say(&mut send, &ToCollector::Subscribe { revision: Revision(0) }).await;
    site.publish("evil.example\n").await;
    assert_eq!(hear_list(&mut recv, &sensor.root, Revision(0)).await.0, Revision(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn i7_p1_a_stream_that_ends_unsaid_or_one_too_many_ends_the_session() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    for resets in [false, true] {
        let (connection, _control, _answers) = sensor.session(&site).await;
        let (mut send, _recv) = connection.open_bi().await.unwrap();
        let _ = if resets { send.reset(0u32.into()) } else { send.finish() };
        assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError), "reset: {resets}");
    }
    // A stream that said what it is for, and ended, makes room for another; a session needs none twice.
    let (connection, _control, _answers) = sensor.session(&site).await;
    for purpose in [Stream::Alerts, Stream::Lists, Stream::Hunts, Stream::Statistics] {
        let (mut send, _recv) = open(&connection, purpose).await;
        let _ = send.finish();
    }
    assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError));
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_who_breaks_the_rules_again_and_again_is_not_greeted_for_a_while_and_nobody_else_waits() {
    let site = Site::new().await;
    let (sensor, honest) = (site.sensor().await, site.sensor().await);
    // One that merely falls, however often, is greeted at once.
    for _ in 0..2 * THROWN_OUT_FREE {
        let (connection, _control, _answers) = honest.session(&site).await;
        connection.close(9u32.into(), b"fell");
    }
    let nonsense = [FrameHeader { body_octets: 3, kind: 2 }.to_octets().as_slice(), &[255, 255, 255]].concat();
    for _ in 0..=THROWN_OUT_FREE {
        let (connection, mut control, _answers) = sensor.session(&site).await;
        control.write_all(&nonsense).await.unwrap();
        assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError));
    }
    let connection = sensor.connect(site.bound().quic).await.unwrap();
    assert!(!answered(&connection).await, "its Hello is not answered");
    assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError));
    let (_connection, _control, _answers) = honest.session(&site).await;
    // People are told.
    let events = || async {
        let store = Store::open(&site.data).await.unwrap();
        let sql = "SELECT COUNT(*) FROM sensor_event WHERE sensor_id = $1 AND body LIKE '%thrown_out%'";
        let count: i64 = sqlx::query_scalar(sql).bind(sensor.id.0 as i64).fetch_one(store.readers()).await.unwrap();
        count
    };
    let mut tries = 0;
    while events().await != 1 {
        tries += 1;
        assert!(tries < 600, "never told");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // The pause has an end.
    let mut tries = 0;
    loop {
        let connection = sensor.connect(site.bound().quic).await.unwrap();
        if answered(&connection).await {
            break;
        }
        tries += 1;
        assert!(tries < 600, "never greeted again");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_session_replaces_the_older_and_stays_connected() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (older, _control, _answers) = sensor.session(&site).await;
    let (newer, _newer_control, _newer_answers) = sensor.session(&site).await;
    assert_eq!(closed(&older).await, Some(CloseReason::Replaced));
    assert_eq!(newer.close_reason(), None);
    site.until(sensor.id, |row| row.connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_that_says_goodbye_was_there_until_then() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let (connection, _control, _answers) = sensor.session(&site).await;
    site.until(sensor.id, |row| row.connected).await;
    let heard = site.row(sensor.id).await.last_seen_at;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    connection.close(0u32.into(), b"");
    site.until(sensor.id, |row| !row.connected).await;
    let goodbye = site.row(sensor.id).await.last_seen_at;
    assert!(goodbye > heard, "no heartbeat came in between: {heard:?} {goodbye:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_goodbye_and_leaves_no_trace_of_running() {
    let mut site = Site::new().await;
    let sensor = site.sensor().await;
    let (connection, _control, _answers) = sensor.session(&site).await;
    assert_eq!(directory::read_bound(&site.data), Some(site.bound()));
    site.running.take().unwrap().stop().await.unwrap();
    assert_eq!(closed(&connection).await, Some(CloseReason::GoingDown));
    assert_eq!(directory::read_bound(&site.data), None);
    assert!(!site.data.join("control.sock").exists());
    assert!(!site.row(sensor.id).await.connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_collector_runs_in_a_directory_and_the_page_stays_on_this_machine() {
    let site = Site::new().await;
    let second = serve::start(&site.data, anywhere()).await;
    assert!(matches!(second, Err(StartError::Directory(_))), "{second:?}");
    assert!(directory::read_bound(&site.data).is_some(), "the first one's run.json stays");
    let open = Bound { web: "0.0.0.0:0".parse().unwrap(), ..anywhere() };
    assert!(matches!(serve::start(&site.data, open).await, Err(StartError::NotLoopback(_))));
    let nowhere = Path::new("/nonexistent/collector");
    assert!(matches!(serve::start(nowhere, anywhere()).await, Err(StartError::Store(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_ca_key_is_offline_sensors_work_and_none_enrols() {
    let mut site = Site::new().await;
    let sensor = site.sensor().await;
    std::fs::rename(site.data.join("keys/ca.key"), site.data.join("away")).unwrap();
    site.restart().await;
    let (_connection, _control, _answers) = sensor.session(&site).await;
    assert!(keys::ServerKeys::read(&site.data, clock::now()).unwrap().authority.is_none());
    assert!(certificate::spki_sha256(&sensor.certificate).is_ok());
}
