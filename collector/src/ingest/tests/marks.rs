//! P5 where it is stored: copied and restored sensors are told apart, nothing is counted twice, and nobody is accused wrongly.

use super::*;

/// A sensor as far as Hello and its numbers go.
#[derive(Debug, Clone, Copy)]
struct Machine {
    epoch: Epoch,
    next: u64,
    kept: Option<Mark>,
}

impl Machine {
    fn new(epoch: u128) -> Machine {
        Machine { epoch: Epoch(epoch), next: 1, kept: None }
    }
}

/// Draws marks as the collector's shell does: each once.
fn fresh() -> Mark {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(100);
    Mark(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).into())
}

async fn hello(fixture: &Fixture, machine: &mut Machine) -> Met {
    let said = introduction(machine.epoch, 2, Seq(machine.next), machine.kept);
    let met = meet(&fixture.store, 1, &said, fresh(), "quic", NOW).await.unwrap();
    if let Met::Stands { mark, .. } = met {
        machine.kept = mark;
    }
    met
}

/// Writes an alert, says Hello and sends it.
async fn work(fixture: &Fixture, machine: &mut Machine) {
    let first = machine.next;
    machine.next += 1;
    let Met::Stands { committed, mark: Some(_) } = hello(fixture, machine).await else { panic!("not greeted") };
    assert_eq!(committed, Seq(first - 1));
    let batch = Batch { epoch: machine.epoch, ..batch(first, vec![RecordBody::Opened(opened(1, first, 0))]) };
    let reply = handle_batch(&fixture.store, 1, &batch, NOW).await.unwrap().reply;
    assert_eq!(reply, IngestReply::Ack { epoch: machine.epoch, seq: Seq(first) });
}

async fn events(fixture: &Fixture, kind: &str) -> i64 {
    let like = format!("%\"event\":\"{kind}\"%");
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM sensor_event WHERE body LIKE $1").bind(like);
    count.fetch_one(fixture.store.readers()).await.unwrap()
}

#[tokio::test]
async fn p5_a_restored_snapshot_is_told_to_begin_anew_and_nothing_counts_twice() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    for _ in 0..3 {
        work(&fixture, &mut sensor).await;
    }
    let mut restored = sensor;
    for _ in 0..2 {
        work(&fixture, &mut sensor).await;
    }
    // It writes on under numbers that are taken, and says a mark of then.
    restored.next += 9;
    assert_eq!(hello(&fixture, &mut restored).await, Met::NewEpoch { committed: Seq(5) });
    assert_eq!(events(&fixture, "set_back").await, 1);
    let sql = "SELECT body FROM sensor_event WHERE body LIKE '%set_back%'";
    let body: String = sqlx::query_scalar(sql).fetch_one(fixture.store.readers()).await.unwrap();
    assert!(body.contains("An older state of this sensor came") && body.contains("state_of"), "{body}");
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor WHERE set_back_at IS NOT NULL").await, 1);
    // As ordered.
    let mut anew = Machine::new(8);
    work(&fixture, &mut anew).await;
    work(&fixture, &mut anew).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 7);
    assert_eq!(fixture.count("SELECT SUM(count) FROM alert").await, 7);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor WHERE quarantined_at IS NULL").await, 1);
}

/// Found by a story: restored a second time to the same state, a sensor took over a second time what the spool that it began
/// after the first had taken over and delivered.
#[tokio::test]
async fn p5_of_a_spool_that_another_has_followed_nothing_is_taken_over_again() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    work(&fixture, &mut sensor).await;
    let snapshot = sensor;
    work(&fixture, &mut sensor).await;
    work(&fixture, &mut sensor).await;
    let mut restored = snapshot;
    assert_eq!(hello(&fixture, &mut restored).await, Met::NewEpoch { committed: Seq(3) });
    // Asked again before it began another: the same answer.
    assert_eq!(hello(&fixture, &mut restored).await, Met::NewEpoch { committed: Seq(3) });
    work(&fixture, &mut Machine::new(8)).await;
    let mut again = Machine { next: 20, ..snapshot };
    match hello(&fixture, &mut again).await {
        Met::NewEpoch { committed } => assert!(committed >= Seq(again.next - 1), "{committed}"),
        other => panic!("{other:?}"),
    }
}

/// Found by a story: its marks were forgotten when it was released from quarantine, and nothing of it was stored.
#[tokio::test]
async fn p5_a_spool_that_another_has_followed_is_known_although_nothing_of_it_was_stored() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    assert!(matches!(hello(&fixture, &mut sensor).await, Met::Stands { committed: Seq(0), .. }));
    let mut snapshot = Machine { next: 5, ..sensor };
    let mut tx = fixture.store.begin().await.unwrap();
    crate::store::mark::quarantine(&mut tx, 1, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert!(fixture.store.release_sensor(1).await.unwrap());
    work(&fixture, &mut Machine::new(8)).await;
    match hello(&fixture, &mut snapshot).await {
        Met::NewEpoch { committed } => assert!(committed >= Seq(snapshot.next - 1), "{committed}"),
        other => panic!("{other:?}"),
    }
}

/// What it found in quarantine arrives once it is released, but for numbers under which the copy may have taken something over.
#[tokio::test]
async fn p5_of_one_that_is_released_what_lies_beyond_the_end_of_its_copy_is_taken_over() {
    for (copy_found, left_at) in [(2, 7), (9, 12)] {
        let fixture = Fixture::new(1).await;
        let mut sensor = Machine::new(7);
        for _ in 0..3 {
            work(&fixture, &mut sensor).await;
        }
        let mut copy = Machine { next: sensor.next + copy_found, ..sensor };
        for _ in 0..4 {
            work(&fixture, &mut sensor).await;
        }
        assert_eq!(hello(&fixture, &mut copy).await, Met::NewEpoch { committed: Seq(7) });
        work(&fixture, &mut Machine::new(8)).await;
        let mut tx = fixture.store.begin().await.unwrap();
        crate::store::mark::quarantine(&mut tx, 1, NOW).await.unwrap();
        tx.commit().await.unwrap();
        assert!(fixture.store.release_sensor(1).await.unwrap());
        sensor.next += 20;
        for again in [false, true] {
            let met = hello(&fixture, &mut sensor).await;
            assert_eq!(met, Met::NewEpoch { committed: Seq(left_at) }, "asked again: {again}");
        }
    }
}

/// The same where nothing of the spool was stored before: it looks like a new one.
#[tokio::test]
async fn p5_one_that_is_released_is_known_as_such_although_nothing_of_its_spool_was_stored() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    assert!(matches!(hello(&fixture, &mut sensor).await, Met::Stands { committed: Seq(0), .. }));
    let mut copy = Machine { next: 4, ..sensor };
    for _ in 0..2 {
        assert!(matches!(hello(&fixture, &mut sensor).await, Met::Stands { committed: Seq(0), .. }));
    }
    assert!(matches!(hello(&fixture, &mut copy).await, Met::NewEpoch { .. }));
    work(&fixture, &mut Machine::new(8)).await;
    let mut tx = fixture.store.begin().await.unwrap();
    crate::store::mark::quarantine(&mut tx, 1, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert!(fixture.store.release_sensor(1).await.unwrap());
    sensor.next += 20;
    for again in [false, true] {
        let met = hello(&fixture, &mut sensor).await;
        assert_eq!(met, Met::NewEpoch { committed: Seq(3) }, "asked again: {again}");
    }
    // As ordered; and then it is released no longer.
    work(&fixture, &mut Machine::new(9)).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor WHERE renew_epoch <> 0").await, 0);
}

#[tokio::test]
async fn p5_numbers_below_what_is_stored_order_a_new_epoch_whatever_the_mark() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    work(&fixture, &mut sensor).await;
    // Restored to where it had just been greeted: its mark is still good.
    let mut restored = Machine { next: 1, ..sensor };
    assert_eq!(hello(&fixture, &mut restored).await, Met::NewEpoch { committed: Seq(1) });
    assert_eq!(events(&fixture, "set_back").await, 1);
}

#[tokio::test]
async fn p5_of_two_that_live_neither_is_heard_until_a_person_has_looked() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    for _ in 0..3 {
        work(&fixture, &mut sensor).await;
    }
    let mut copy = sensor;
    work(&fixture, &mut copy).await;
    // The copied one has written meanwhile too, and does not know that its numbers are taken: its mark is still good, for it
    // may have stopped before it kept the next; its own rule (`ship`) sees the numbers. Then the copy comes again.
    sensor.next += 5;
    assert!(matches!(hello(&fixture, &mut sensor).await, Met::Stands { committed: Seq(4), .. }));
    assert_eq!(hello(&fixture, &mut copy).await, Met::Quarantined);
    assert_eq!(hello(&fixture, &mut sensor).await, Met::Quarantined);
    // Nor is what the session that is being cut off had under way.
    let under_way = Batch { epoch: sensor.epoch, ..batch(5, vec![RecordBody::Opened(opened(1, 5, 0))]) };
    let refused = handle_batch(&fixture.store, 1, &under_way, NOW).await;
    assert!(matches!(refused, Err(IngestError::Quarantined)), "{refused:?}");
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 4);
    assert_eq!(events(&fixture, "two_live").await, 1);
    let found = fixture.store.sensor_by_key(Scope::Operator, &[0; 32]).await.unwrap();
    assert_eq!(found, None, "the fixture's sensor has no key");
    let row = fixture.store.sensor_rows(Scope::Operator).await.unwrap().remove(0);
    assert!(row.quarantined_at.is_some() && !row.connected);
    // Released: whoever comes begins a new spool, once.
    assert!(fixture.store.release_sensor(1).await.unwrap());
    assert!(!fixture.store.release_sensor(1).await.unwrap());
    assert_eq!(hello(&fixture, &mut sensor).await, Met::NewEpoch { committed: Seq(4) });
    let mut anew = Machine::new(9);
    work(&fixture, &mut anew).await;
    work(&fixture, &mut anew).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 6);
}

#[tokio::test]
async fn p5_a_copy_that_was_told_to_begin_anew_does_not_hide_behind_that() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    work(&fixture, &mut sensor).await;
    let mut copy = sensor;
    work(&fixture, &mut sensor).await;
    work(&fixture, &mut sensor).await;
    assert!(matches!(hello(&fixture, &mut copy).await, Met::NewEpoch { .. }));
    let mut copy = Machine::new(8);
    work(&fixture, &mut copy).await;
    assert_eq!(hello(&fixture, &mut sensor).await, Met::Quarantined);
}

#[tokio::test]
async fn p5_nobody_is_accused_who_only_stopped_was_restored_by_us_or_updated() {
    let fixture = Fixture::new(1).await;
    let mut sensor = Machine::new(7);
    work(&fixture, &mut sensor).await;
    // Stopped between being given a mark and keeping it, again and again.
    for _ in 0..5 {
        let before = sensor;
        assert!(matches!(hello(&fixture, &mut sensor).await, Met::Stands { .. }));
        sensor = before;
    }
    work(&fixture, &mut sensor).await;
    // The collector was restored: it has given none of these.
    fixture.run("UPDATE sensor_mark SET mark = '00000000000000000000000000000000'").await;
    work(&fixture, &mut sensor).await;
    assert_eq!(events(&fixture, "mark_unknown").await, 1);
    // The mark's file is gone.
    work(&fixture, &mut sensor).await;
    sensor.kept = None;
    work(&fixture, &mut sensor).await;
    assert_eq!(events(&fixture, "mark_missing").await, 1);
    // V1: back to the version before, and forward again.
    let old = introduction(Epoch(7), 1, Seq(sensor.next), None);
    let met = meet(&fixture.store, 1, &old, fresh(), "quic", NOW).await.unwrap();
    assert_eq!(met, Met::Stands { committed: Seq(sensor.next - 1), mark: None });
    sensor.kept = None;
    work(&fixture, &mut sensor).await;
    assert_eq!(events(&fixture, "mark_missing").await, 1);
    // A new spool, for whatever reason.
    let mut anew = Machine::new(8);
    work(&fixture, &mut anew).await;
    work(&fixture, &mut anew).await;
    assert_eq!(events(&fixture, "epoch_changed").await, 1);
    for accusation in ["set_back", "two_live"] {
        assert_eq!(events(&fixture, accusation).await, 0, "{accusation}");
    }
    // Of marks only the newest are remembered.
    for _ in 0..70 {
        hello(&fixture, &mut anew).await;
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor_mark").await, 64);
}
