//! Batches that wait at the same time are stored together: what comes of it is what comes of each by itself, and what is wrong with one
//! is its own.

use super::*;

/// Stores batches together; gives what each is answered, none where it was refused.
async fn send_together(fixture: &Fixture, batches: &[(i64, Batch)]) -> Vec<Option<IngestReply>> {
    let waiting: Vec<_> = batches.iter().map(|(sensor, batch)| Waiting { sensor: *sensor, batch }).collect();
    let outcomes = handle_batches(&fixture.store, &waiting, NOW).await.unwrap();
    assert_eq!(outcomes.each.len(), batches.len());
    outcomes.each.into_iter().map(|one| one.ok().map(|stored| stored.reply)).collect()
}

/// All that is stored, but for ids, which go by what came first.
async fn everything(fixture: &Fixture) -> Vec<String> {
    let mut all = content(fixture).await;
    for sql in [
        "SELECT sensor_id || ' ' || seq || ' ' || hex(octets) FROM record",
        "SELECT id || ' ' || committed_seq || ' ' || replayed FROM sensor",
        "SELECT sensor_id || ' ' || seq || ' ' || body FROM sensor_event",
        "SELECT indicator_id || ' ' || member_id || ' ' || first_seen || ' ' || evidence FROM meeting",
        "SELECT member_id || kind || value || exercise || ' ' || first_seen || ' ' || last_seen FROM trace",
        "SELECT member_id || link_kind || link_value || exercise || ' ' || first_seen || ' ' || last_seen || ' ' || evidence || ' '
            || confidence || level || severity || by_name || by_name_at_high || persistent || in_history FROM strand",
        "SELECT member_id || ' ' || exercise || ' ' || first_seen || ' ' || last_seen || ' ' || updated_at || word || sort || why
            FROM incident",
        "SELECT exercise || ' ' || first_seen || ' ' || last_seen || ' ' || updated_at || word || sort || why FROM campaign",
        "SELECT kind || value || numbers FROM guard",
    ] {
        let mut rows: Vec<Option<String>> =
            sqlx::query_scalar(sql).fetch_all(fixture.store.readers()).await.unwrap();
        rows.sort();
        all.extend(rows.into_iter().map(|row| row.expect("a column is empty")));
    }
    all
}

/// What a sensor may say, in its order: alerts, the same further on, and once what it says of itself.
fn spool(said: &[(u64, i64, i64, bool)]) -> Vec<RecordBody> {
    let opened = said.iter().zip(1..).map(|((indicator, first_day, _, is_inbound), client)| {
        let mut alert = opened(*indicator, client, *first_day);
        alert.marks.exercise = *indicator == 4;
        if *is_inbound {
            (alert.direction, alert.client) = (Direction::Inbound, None);
        }
        RecordBody::Opened(alert)
    });
    let further = said.iter().zip(1..).map(|((_, first_day, more, is_inbound), seq)| {
        let evidence = if *is_inbound { Evidence::Attempted } else { Evidence::Contacted };
        let mut more = updated(seq, 3, evidence, first_day + more);
        // An address that many topics share stops linking, and which ones it had linked by then goes by their order.
        more.seen_at.server = None;
        RecordBody::Updated(more)
    });
    let of_itself = RecordBody::Event(SensorEvent::SpoolDamaged { octets: 1 });
    opened.chain(std::iter::once(of_itself)).chain(further).collect()
}

#[test]
fn d2_batches_stored_together_come_to_what_they_come_to_one_by_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Per sensor: (indicator, day, days more, from outside); how records are cut into batches, and those into groups.
    let one = (1u64..5, 0i64..40, 0i64..5, prop::bool::weighted(0.2));
    let sensors = prop::collection::vec(prop::collection::vec(one, 1..6), 4);
    let case = (sensors, prop::collection::vec((0usize..4, 1usize..5), 24), prop::collection::vec(1usize..7, 28));
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&case, |(sensors, cuts, groups)| {
        let spools: Vec<Vec<RecordBody>> = sensors.iter().map(|said| spool(said)).collect();
        let mut sent = [0usize; 4];
        let mut batches = Vec::new();
        for (sensor, cut) in cuts.into_iter().chain((0..4).map(|sensor| (sensor, usize::MAX))) {
            let until = sent[sensor].saturating_add(cut).min(spools[sensor].len());
            let piece = batch(sent[sensor] as u64 + 1, spools[sensor][sent[sensor]..until].to_vec());
            batches.push((sensor as i64 + 1, piece));
            sent[sensor] = until;
        }
        let (together, alone) = runtime.block_on(async {
            let (together, alone) = (fixture(4).await, fixture(4).await);
            let mut rest = batches.as_slice();
            for size in groups {
                let (group, later) = rest.split_at(size.min(rest.len()));
                let replies = send_together(&together, group).await;
                for ((sensor, batch), reply) in group.iter().zip(replies) {
                    assert_eq!(Some(send(&alone, *sensor, batch).await), reply);
                }
                rest = later;
            }
            assert!(rest.is_empty());
            (everything(&together).await, everything(&alone).await)
        });
        prop_assert_eq!(together, alone);
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn d2_what_is_wrong_with_one_batch_keeps_no_other_out() {
    let fixture = fixture(7).await;
    send(&fixture, 5, &batch(1, some())).await;
    fixture.run("UPDATE sensor SET revoked_at = 1 WHERE id = 2").await;
    fixture.run("UPDATE sensor SET quarantined_at = 1 WHERE id = 3").await;
    let some_after = u64::try_from(some().len()).unwrap();
    let batches = [
        (1, batch(1, some())),
        (2, batch(1, some())),
        (3, batch(1, some())),
        (4, batch(9, some())),
        (5, batch(1, some())),
        (6, Batch { epoch: Epoch(8), ..batch(1, some()) }),
        (7, batch(0, some())),
        (99, batch(1, some())),
        // The same sensor once more: where it stands after its first.
        (1, batch(some_after + 1, some())),
        (1, batch(1, some())),
    ];
    let gap = IngestReply::Gap { expected: Seq(1) };
    let expected = [
        Some(ack(some_after)),
        None,
        None,
        Some(gap),
        Some(ack(some_after)),
        None,
        None,
        None,
        Some(ack(2 * some_after)),
        Some(ack(2 * some_after)),
    ];
    assert_eq!(send_together(&fixture, &batches).await, expected);
    let records = "SELECT COUNT(*) FROM record WHERE sensor_id";
    let of = async |which: &str| {
        let sql = sqlx::AssertSqlSafe(format!("{records} {which}"));
        sqlx::query_scalar::<_, i64>(sql).fetch_one(fixture.store.readers()).await.unwrap()
    };
    let some_after = i64::try_from(some_after).unwrap();
    assert_eq!((of("= 1").await, of("= 5").await, of("NOT IN (1, 5)").await), (2 * some_after, some_after, 0));
    assert_eq!(fixture.count("SELECT replayed FROM sensor WHERE id = 5").await, some_after);
}

#[tokio::test]
async fn d2_what_the_database_refuses_of_one_sensor_is_stored_of_all_others() {
    let fixture = fixture(4).await;
    fixture
        .run("CREATE TRIGGER torn BEFORE INSERT ON alert WHEN NEW.sensor_id = 2 BEGIN SELECT RAISE(ABORT, 'torn'); END")
        .await;
    let batches: Vec<(i64, Batch)> = (1..=4).map(|sensor| (sensor, batch(1, some()))).collect();
    let answered = send_together(&fixture, &batches).await;
    let whole = Some(ack(u64::try_from(some().len()).unwrap()));
    assert_eq!(answered, [whole, None, whole, whole]);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record WHERE sensor_id = 2").await, 0, "all of it or nothing");
    fixture.run("DROP TRIGGER torn").await;
    assert_eq!(send_together(&fixture, &batches).await, [whole; 4]);
}

#[tokio::test]
async fn d5_a_disk_without_room_is_told_once_and_nothing_of_what_waited_is_stored() {
    let fixture = fixture(3).await;
    fixture.run("CREATE TABLE filled (octets BLOB)").await;
    let mut tx = fixture.store.begin().await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *tx).await.unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::raw_sql(limit).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let many: Vec<RecordBody> = (0..400).map(|client| RecordBody::Opened(opened(1, client, 0))).collect();
    let batches: Vec<Batch> = (0..3).map(|_| batch(1, many.clone())).collect();
    let waiting: Vec<_> = batches.iter().zip(1..).map(|(batch, sensor)| Waiting { sensor, batch }).collect();
    let refused = handle_batches(&fixture.store, &waiting, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::Full), "{refused}");
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record").await, 0);
}
