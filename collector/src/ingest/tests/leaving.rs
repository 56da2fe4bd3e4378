//! A member leaves: what is deleted, what stays of the others, and that nothing comes back.

use super::*;
use crate::departure::{Deleted, Departed};
use crate::store::leaving::Departing;
use crate::store::site::SiteAdded;

/// Members 1 to 3 hit by the same indicator; member 1 also on a site of member 2's sensor, and a look-up of its own.
async fn hit() -> Fixture {
    let fixture = fixture(4).await;
    assert_eq!(fixture.store.add_site(2, SiteId(5), 1).await.unwrap(), SiteAdded::Now);
    for sensor in [1, 2, 3] {
        send(&fixture, sensor, &batch(1, vec![RecordBody::Opened(opened(1, 700 + sensor as u64, 0))])).await;
    }
    let elsewhere = RecordBody::Opened(AlertOpened { site: SiteId(5), ..opened(1, 901, 1) });
    let more = vec![
        elsewhere,
        RecordBody::Updated(updated(2, 5, Evidence::Contacted, 2)),
        RecordBody::Updated(updated(1, 7, Evidence::Contacted, 2)),
    ];
    send(&fixture, 2, &batch(2, more)).await;
    send(&fixture, 1, &batch(2, vec![RecordBody::Opened(opened(2, 902, 3))])).await;
    fixture
}

/// Everything that stands in the database, as text and octets.
async fn everything(fixture: &Fixture) -> Vec<u8> {
    let mut all = Vec::new();
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(fixture.store.readers())
        .await
        .unwrap();
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
            .bind(&table)
            .fetch_all(fixture.store.readers())
            .await
            .unwrap();
        for column in columns {
            let sql = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {column} IS NOT NULL");
            let rows: Vec<Vec<u8>> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(fixture.store.readers()).await.unwrap();
            rows.into_iter().for_each(|row| all.extend([row, vec![0]].concat()));
        }
    }
    all
}

fn holds(all: &[u8], mark: &[u8]) -> bool {
    all.windows(mark.len()).any(|window| window == mark)
}

#[tokio::test]
async fn a_member_that_leaves_is_gone_whole_and_of_the_others_nothing_is() {
    let fixture = hit().await;
    fixture.run("INSERT INTO former_number VALUES ('0999', 1, 'Gammelby', 1)").await;
    fixture.run("INSERT INTO member_contact (member_id, role, name, telephone) VALUES (1, 'it', 'Kari Nordmann', '+4790000000')").await;
    let others = async || {
        let mut left = incidents(&fixture).await;
        left.retain(|incident| incident.member.number != "1001");
        let alerts = alerts(&fixture, Scope::Operator).await;
        let alerts: Vec<String> =
            alerts.iter().filter(|alert| alert.member.number != "1001").map(|alert| format!("{alert:?}")).collect();
        (left, alerts)
    };
    let before = others().await;
    let client = |client: u64| Pseudonym(client).to_string().into_bytes();
    for mark in [b"Kommune 1".to_vec(), b"Gammelby".to_vec(), b"Kari Nordmann".to_vec(), client(901), client(902)] {
        assert!(holds(&everything(&fixture).await, &mark), "{}", String::from_utf8_lossy(&mark));
    }

    let gone = fixture.store.depart(1, NOW).await.unwrap();
    let expected = Deleted {
        members: 1,
        contacts: 1,
        sensors: 1,
        sites: 1,
        alerts: 3,
        incidents: 2,
        // Of its own sensor two, of the other's sensor what opened its alert and what updated it.
        records: 4,
        campaigns: 1,
        ..Deleted::default()
    };
    assert_eq!(gone.deleted, expected);
    let all = everything(&fixture).await;
    for mark in
        [b"Kommune 1".to_vec(), b"Gammelby".to_vec(), b"Kari".to_vec(), b"0999".to_vec(), client(901), client(902)]
    {
        assert!(!holds(&all, &mark), "left behind: {}", String::from_utf8_lossy(&mark));
    }
    for number in ["1001", "0999"] {
        let found = fixture.store.member_by_number(Scope::Operator, &number.parse().unwrap()).await.unwrap();
        assert_eq!(found, None, "{number}");
    }
    assert_eq!(others().await, before, "the others' are what they were");
    assert!(holds(&all, &client(702)), "marks are looked for as they stand");
    let found = campaigns(&fixture, Scope::Operator).await;
    assert_eq!((found[0].member_count, found[0].departed), (Some(2), Some(1)));
    // Places stay, so that nothing is asked for again and nothing is taken for another.
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record WHERE sensor_id = 2").await, 4);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record WHERE sensor_id = 2 AND octets = x''").await, 2);
    let until = NOW.plus(std::time::Duration::from_secs(60));
    let next = fixture.store.add_token(2, &[9; 32], NOW, until).await.unwrap();
    assert_eq!(next.0, 5, "no number is given twice");
    // Its sensor brings in nothing any more; the other's still does, but nothing of that site.
    let late = batch(3, vec![RecordBody::Opened(opened(1, 903, 4))]);
    assert!(handle_batch(&fixture.store, 1, &late, NOW).await.is_err());
    let elsewhere = RecordBody::Opened(AlertOpened { site: SiteId(5), ..opened(1, 904, 1) });
    send(&fixture, 2, &batch(5, vec![elsewhere])).await;
    assert_eq!(fixture.count("SELECT COUNT(*) FROM record WHERE seq = 5 AND octets = x''").await, 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 2);
}

#[tokio::test]
async fn what_had_become_part_of_a_member_leaves_with_it_and_a_moved_sensors_alerts_stay() {
    let fixture = hit().await;
    // Sensor 3 was another's, and is member 1's now; its alert stays where it was.
    assert!(fixture.store.move_sensor(3, 1).await.unwrap());
    handle_merger(&fixture.store, 4, 1, NOW).await.unwrap();
    let gone = fixture.store.depart(1, NOW).await.unwrap();
    let rows: Vec<i64> = gone.rows.iter().map(|row| row.id).collect();
    assert_eq!((rows, gone.deleted.members, gone.deleted.sensors), (vec![1, 4], 2, 3));
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert WHERE sensor_id = 3 AND member_id = 3").await, 1);
    let kept = "SELECT COUNT(*) FROM sensor WHERE id = 3 AND member_id = 3 AND revoked_at IS NOT NULL";
    assert_eq!(fixture.count(kept).await, 1, "its number is what the alert names");
    let known = fixture.store.departures(Scope::Operator).await.unwrap();
    assert_eq!(known.iter().map(|departed| departed.row).collect::<Vec<_>>(), gone.rows);

    // Who comes back under the same row number is another.
    fixture.run("INSERT INTO member (id, number, name, added_at) VALUES (1, '1001', 'Ny', 77)").await;
    assert_eq!(fixture.store.depart_again(&known, "kari", NOW).await.unwrap(), 0);
    fixture.run("INSERT INTO member (id, number, name, added_at) VALUES (4, '1004', 'Den samme', 0)").await;
    let again: Vec<Departed> = known.into_iter().filter(|departed| departed.row.id == 4).collect();
    assert_eq!(fixture.store.depart_again(&again, "kari", NOW).await.unwrap(), 1);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM member WHERE id IN (1, 4)").await, 1);
}

#[tokio::test]
async fn a_sensor_that_also_watches_another_is_told_before_its_member_leaves() {
    let fixture = hit().await;
    assert_eq!(fixture.store.shared_sensors(Scope::Operator, 2).await.unwrap(), [(2, "1001".to_owned())]);
    assert!(fixture.store.shared_sensors(Scope::Operator, 1).await.unwrap().is_empty());
    fixture.store.revoke_sensor(2, NOW).await.unwrap();
    assert!(fixture.store.shared_sensors(Scope::Operator, 2).await.unwrap().is_empty());
}

#[tokio::test]
async fn q3_only_what_was_handed_over_is_deleted() {
    let fixture = hit().await;
    let store = &fixture.store;
    assert!(store.begin_leaving(1, NOW).await.unwrap());
    let late = batch(3, vec![RecordBody::Opened(opened(1, 903, 4))]);
    let refused = handle_batch(store, 1, &late, NOW).await.unwrap_err();
    assert!(matches!(refused, IngestError::Revoked), "{refused}");
    let kept = std::cell::Cell::new(0);
    let finish = async |extent: &_, keeps: bool| {
        let keep = |gone: &crate::store::departure::Gone| {
            assert_eq!(gone.rows.len(), 1);
            kept.set(kept.get() + 1);
            if keeps { Ok(()) } else { Err("no room") }
        };
        store.finish_leaving(1, extent, NOW, keep).await.unwrap()
    };
    let everything_of_it = "SELECT COUNT(*) FROM alert WHERE member_id = 1";
    let before = fixture.count(everything_of_it).await;
    // Over the sensor of another, which nobody revokes, something comes while the rest is handed over.
    let extent = store.extent(Scope::Operator, 1).await.unwrap();
    let more = RecordBody::Updated(updated(2, 9, Evidence::DataOut, 3));
    send(&fixture, 2, &batch(5, vec![more])).await;
    assert!(matches!(finish(&extent, true).await, Departing::Grown));
    assert_eq!((fixture.count(everything_of_it).await, kept.get()), (before, 0));

    // What comes of others changes nothing; whatever comes of it does.
    let extent = store.extent(Scope::Operator, 1).await.unwrap();
    fixture.run("INSERT INTO heartbeat VALUES (2, 5, '{}')").await;
    fixture.run("INSERT INTO member_contact (member_id, role, name) VALUES (2, 'it', 'Ola')").await;
    send(&fixture, 3, &batch(2, vec![RecordBody::Updated(updated(1, 7, Evidence::Contacted, 2))])).await;
    assert_eq!(store.extent(Scope::Operator, 1).await.unwrap(), extent);
    for change in [
        "INSERT INTO heartbeat VALUES (1, 5, '{}')",
        "INSERT INTO sensor_event VALUES (1, 'e', 1, 5, 5, '{}')",
        "INSERT INTO braked_count VALUES (2, 5, 1, 1, 0, 'outbound', 1, 1, 7, 1, 1, 1, 1)",
        "UPDATE braked_count SET count = 8",
        "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256) VALUES (9, 1, 0, 0, x'00')",
        "INSERT INTO site (sensor_id, site, member_id) VALUES (3, 7, 1)",
        "INSERT INTO member_contact (member_id, role, name) VALUES (1, 'it', 'Kari')",
        "UPDATE incident SET updated_at = updated_at + 1 WHERE member_id = 1",
    ] {
        let before = store.extent(Scope::Operator, 1).await.unwrap();
        fixture.run(change).await;
        assert!(matches!(finish(&before, true).await, Departing::Grown), "{change}");
    }
    let extent = store.extent(Scope::Operator, 1).await.unwrap();
    assert!(matches!(finish(&extent, false).await, Departing::NotKept("no room")));
    assert_eq!((fixture.count(everything_of_it).await, kept.get()), (before, 1), "what must outlive it is not kept");
    assert!(matches!(finish(&extent, true).await, Departing::Gone(_)));
    assert_eq!((fixture.count(everything_of_it).await, kept.get()), (0, 2));
    // Another who was about to do the same.
    assert!(matches!(finish(&extent, true).await, Departing::NotThere));
    assert!(!store.begin_leaving(1, NOW).await.unwrap());
}
