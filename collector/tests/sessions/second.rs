//! Version 2 over real QUIC: marks, compact batches, what a heartbeat tells more, and who is not heard.

use varde_collector::store::Scope;
use varde_common::compact::{CompactBatch, Packer};
use varde_common::heartbeat::Further;
use varde_common::id::Mark;
use varde_common::message::{Greeting, Pulse};

use super::*;

/// A sensor's machine: its spool, its numbers, its mark.
#[derive(Debug, Clone, Copy)]
struct Machine {
    epoch: Epoch,
    next: u64,
    kept: Option<Mark>,
}

/// What the collector says to a machine's Hello; where it is greeted, the session's connection and control stream.
async fn meet(
    site: &Site,
    sensor: &Sensor,
    machine: &mut Machine,
) -> Result<(Connection, quinn::SendStream, quinn::RecvStream), Option<ToAgent>> {
    let connection = sensor.connect(site.bound().quic).await.unwrap();
    let (mut send, mut recv) = open(&connection, Stream::Control).await;
    let hello = Hello { protocol_max: 2, epoch: machine.epoch, next_seq: Seq(machine.next), ..hello() };
    for message in [ToCollector::Kept(machine.kept), ToCollector::Hello(hello)] {
        if send.write_all(&message.to_frame().unwrap()).await.is_err() {
            return Err(None);
        }
    }
    match hear(&mut recv).await {
        Some(ToAgent::Greeting(Greeting { protocol: 2, mark, .. })) => {
            machine.kept = Some(mark);
            Ok((connection, send, recv))
        }
        Some(other) => Err(Some(other)),
        None => {
            assert_eq!(closed(&connection).await, Some(CloseReason::Quarantined));
            Err(None)
        }
    }
}

fn batch(machine: &Machine, records: usize) -> Batch {
    Batch { epoch: machine.epoch, first_seq: Seq(machine.next), records: vec![started(); records] }
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_compact_batches_are_stored_as_the_spool_holds_them_and_go_back_only_anew() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let mut machine = Machine { epoch: Epoch(77), next: 1, kept: None };
    let (connection, mut control, _answers) = meet(&site, &sensor, &mut machine).await.unwrap();
    let further = Further { spool_age_s: Some(70), clock_offset_us: Some(-3), ..Further::default() };
    say(&mut control, &ToCollector::Pulse(Pulse { further, ..Pulse::default() })).await;
    let (mut send, mut recv) = open(&connection, Stream::Alerts).await;
    let mut packer = Packer::default();
    let first = batch(&machine, 3);
    say(&mut send, &ToCollector::Compact(packer.pack(&first))).await;
    assert_eq!(hear(&mut recv).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(3) }));
    // Records are missing: asked for again, and the batch that goes back is understood.
    machine.next = 9;
    say(&mut send, &ToCollector::Compact(packer.pack(&batch(&machine, 2)))).await;
    assert_eq!(hear(&mut recv).await, Some(ToAgent::Gap { expected: Seq(4) }));
    machine.next = 2;
    let again = packer.pack(&batch(&machine, 4));
    say(&mut send, &ToCollector::Compact(again.clone())).await;
    assert_eq!(hear(&mut recv).await, Some(ToAgent::Ack { epoch: Epoch(77), seq: Seq(5) }));
    let store = Store::open(&site.data).await.unwrap();
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT octets FROM record ORDER BY seq").fetch_all(store.readers()).await.unwrap();
    assert_eq!(stored, vec![started(); 5]);
    site.until(sensor.id, |row| row.replayed == 2 && row.protocol == Some(2)).await;
    let heartbeat: Option<String> =
        sqlx::query_scalar("SELECT heartbeat FROM sensor").fetch_one(store.readers()).await.unwrap();
    let heartbeat = heartbeat.unwrap();
    assert!(heartbeat.contains("\"spool_age_s\":70") && heartbeat.contains("\"clock_offset_us\":-3"), "{heartbeat}");
    // One that goes back without beginning anew hangs on what nobody may know any more.
    let mut lying = again.octets;
    lying[0] = 0;
    say(&mut send, &ToCollector::Compact(CompactBatch { octets: lying })).await;
    assert_eq!(closed(&connection).await, Some(CloseReason::ProtocolError));
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_restored_sensor_begins_anew_and_of_two_that_live_neither_is_heard() {
    let site = Site::new().await;
    let sensor = site.sensor().await;
    let mut machine = Machine { epoch: Epoch(77), next: 1, kept: None };
    let mut snapshots = Vec::new();
    for _ in 0..4 {
        let (connection, _control, _answers) = meet(&site, &sensor, &mut machine).await.unwrap();
        let (mut send, mut recv) = open(&connection, Stream::Alerts).await;
        say(&mut send, &ToCollector::Compact(Packer::default().pack(&batch(&machine, 1)))).await;
        assert_eq!(hear(&mut recv).await, Some(ToAgent::Ack { epoch: machine.epoch, seq: Seq(machine.next) }));
        machine.next += 1;
        snapshots.push(machine);
        connection.close(0u32.into(), b"");
    }
    let mut restored = Machine { next: 60, ..snapshots[0] };
    let said = meet(&site, &sensor, &mut restored).await.err();
    assert_eq!(said, Some(Some(ToAgent::NewEpoch { committed: Seq(4) })));
    site.until(sensor.id, |row| row.set_back_at.is_some() && row.quarantined_at.is_none()).await;
    let mut anew = Machine { epoch: Epoch(78), next: 1, kept: None };
    let (connection, _control, _answers) = meet(&site, &sensor, &mut anew).await.unwrap();
    // The one that was copied was not restored at all: it lives.
    assert_eq!(meet(&site, &sensor, &mut machine).await.err(), Some(None));
    assert!(matches!(closed(&connection).await, Some(CloseReason::Replaced | CloseReason::Quarantined)));
    site.until(sensor.id, |row| row.quarantined_at.is_some() && !row.connected).await;
    for either in [&mut machine, &mut anew] {
        let connection = sensor.connect(site.bound().quic).await.unwrap();
        assert_eq!(closed(&connection).await, Some(CloseReason::Quarantined), "{either:?}");
    }
    let id = u32::try_from(sensor.id.0).unwrap();
    sensor::run(&site.data, SensorCommand::Release { id }).await.unwrap();
    assert!(sensor::run(&site.data, SensorCommand::Release { id }).await.is_err(), "it is out");
    assert_eq!(meet(&site, &sensor, &mut anew).await.err(), Some(Some(ToAgent::NewEpoch { committed: Seq(0) })));
    let mut fresh = Machine { epoch: Epoch(79), next: 1, kept: None };
    let (_connection, _control, _answers) = meet(&site, &sensor, &mut fresh).await.unwrap();
    let store = Store::open(&site.data).await.unwrap();
    assert_eq!(store.living_sensors(Scope::Operator).await.unwrap(), 1);
}
