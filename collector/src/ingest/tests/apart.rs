//! What a session says is about its own sensor and the member whose sites that has, and moves no row of anybody else's (I6).

use varde_common::alert::{BrakedCount, CrowdOpened, CrowdUpdated};
use varde_common::record::LossCounts;

use super::*;

/// Whose session speaks; its member has the same number.
const SPEAKS: i64 = 1;

/// Every row that is not the speaker's, table by table. Campaigns, clusters and guards, and which of them an incident is part of, are several members'.
async fn of_others(fixture: &Fixture) -> BTreeMap<String, Vec<String>> {
    let readers = fixture.store.readers();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('campaign', 'cluster', 'guard', 'merged', 'sqlite_sequence')";
    let tables: Vec<String> = sqlx::query_scalar(sql).fetch_all(readers).await.unwrap();
    let mut all = BTreeMap::new();
    for table in tables {
        let sql =
            "SELECT name FROM pragma_table_info($1) WHERE name NOT IN ('campaign_id', 'campaign_since', 'cluster_id')";
        let columns: Vec<String> = sqlx::query_scalar(sql).bind(&table).fetch_all(readers).await.unwrap();
        let whose = ["sensor_id", "member_id"].into_iter().find(|whose| columns.iter().any(|column| column == whose));
        let whose = whose.or((table == "sensor").then_some("id"));
        // What is told of an incident is its member's; of a campaign it is several members'.
        let told = "COALESCE((SELECT i.member_id FROM incident i WHERE kind = 'incident' AND i.id = subject_id), 1)";
        let whose = whose.or((table == "timeline").then_some(told)).unwrap_or("0");
        let values: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let sql = format!("SELECT {} FROM {table} WHERE {whose} <> {SPEAKS}", values.join(" || ' ' || "));
        let mut rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(readers).await.unwrap();
        rows.sort();
        all.insert(table, rows);
    }
    all
}

/// One of everything a record can say, about these.
fn said(kind: u8, indicator: u64, seq: u64, site: u16, last_day: i64) -> RecordBody {
    let opened = AlertOpened { site: SiteId(site), ..opened(indicator, seq + 800, 1) };
    let updated = updated(seq, 3, Evidence::Contacted, last_day);
    match kind {
        0 => RecordBody::Opened(opened),
        1 => RecordBody::Updated(updated),
        2 => RecordBody::Loss { from: Seq(seq), to: Seq(seq + 2), reason: LossReason::SpoolDamaged },
        3 => RecordBody::Event(SensorEvent::ListInForce { revision: Revision(seq), indicators: 3 }),
        4 => RecordBody::GivenUp {
            from: Seq(seq),
            to: Seq(seq + 1),
            reason: LossReason::SpoolDamaged,
            counts: LossCounts { high: 2, ..LossCounts::default() },
        },
        5 => RecordBody::CrowdOpened(CrowdOpened { opened, hosts: 9 }),
        6 => RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts: 12 }),
        7 => {
            let AlertOpened {
                indicator, revision, severity, marks, direction, evidence, first_seen, last_seen, ..
            } = opened;
            let (order, site, count_increase, hosts) = (seq, SiteId(site), 5, 2);
            RecordBody::Braked(BrakedCount {
                order,
                site,
                indicator,
                revision,
                severity,
                marks,
                direction,
                evidence,
                first_seen,
                last_seen,
                count_increase,
                hosts,
            })
        }
        _ => RecordBody::Opened(AlertOpened { client: None, direction: Direction::Inbound, ..opened }),
    }
}

/// Three members with alerts, incidents and a campaign; the second's sensor has a site 5 as well.
async fn community() -> Fixture {
    let fixture = fixture(3).await;
    fixture.store.add_site(2, SiteId(5), 3).await.unwrap();
    for sensor in 1..=3 {
        let bodies = (0..9).map(|kind| said(kind, 1, 1, 0, 2)).collect();
        send(&fixture, sensor, &batch(1, bodies)).await;
    }
    send(&fixture, 2, &batch(10, vec![said(0, 2, 1, 5, 2)])).await;
    fixture
}

#[test]
fn i6_nothing_a_session_says_changes_a_row_of_another_sensor_or_of_another_member() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fixture = runtime.block_on(community());
    let before = runtime.block_on(of_others(&fixture));
    for (table, least) in
        [("record", 19), ("alert", 3), ("incident", 2), ("sensor", 2), ("member", 1), ("sensor_event", 2)]
    {
        assert!(before[table].len() >= least, "{table}: {:?}", before[table]);
    }
    let next = std::cell::Cell::new(10_u64);
    let stored = std::cell::Cell::new(0_u32);
    let body = (0..9_u8, 0..6_u64, 0..24_u64, prop::sample::select(vec![0_u16, 0, 0, 5, 6]), 3..90_i64);
    let case = (prop::collection::vec(body, 1..6), 0..4_u8, 0..3_u64);
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&case, |(bodies, hello, back)| {
        runtime.block_on(async {
            let bodies: Vec<RecordBody> = bodies
                .into_iter()
                .map(|(kind, indicator, seq, site, day)| said(kind, indicator, seq, site, day))
                .collect();
            let count = bodies.len() as u64;
            // From where it stands, or from before: what was stored is said again with other words.
            let first = next.get().saturating_sub(back).max(1);
            if handle_batch(&fixture.store, SPEAKS, &batch(first, bodies), NOW).await.is_ok() {
                next.set(next.get().max(first + count));
                stored.set(stored.get() + 1);
            }
            let heartbeat = Heartbeat { packets: count, ..Heartbeat::default() };
            handle_heartbeat(
                &fixture.store,
                SPEAKS,
                &heartbeat,
                None,
                NOW.plus(std::time::Duration::from_micros(next.get())),
            )
            .await
            .unwrap();
            if hello == 0 {
                let mut introduction = introduction(EPOCH, 1, Seq(u64::MAX), None);
                introduction.hello.sites = vec![SiteId(0), SiteId(5)];
                let _ = meet(&fixture.store, SPEAKS, &introduction, Mark(0), "quic", NOW).await;
                committed(&fixture.store, SPEAKS, EPOCH, NOW).await.unwrap();
            }
            let after = of_others(&fixture).await;
            for (table, rows) in &before {
                prop_assert_eq!(rows, &after[table], "{}", table);
            }
            Ok(())
        })
    });
    outcome.unwrap();
    assert!(stored.get() > 50, "{} batches were stored", stored.get());
    // Nor does anything of its own stand under another member.
    let stray = "SELECT (SELECT COUNT(*) FROM alert WHERE sensor_id = 1 AND member_id <> 1)
        + (SELECT COUNT(*) FROM braked_count WHERE sensor_id = 1 AND member_id <> 1)";
    assert_eq!(runtime.block_on(fixture.count(stray)), 0);
}
