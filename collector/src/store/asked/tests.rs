//! Pages of the API: none stands in two of them or in none, whatever comes meanwhile, and an index leads to each.

use super::*;
use crate::api::{RESOURCES, Which};
use crate::store::fixture::{Fixture, NOW};

async fn alerts(fixture: &Fixture, ids: std::ops::Range<i64>, member: i64) {
    let mut tx = fixture.store.begin().await.unwrap();
    for id in ids {
        let sql = "INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, zone_levels,
                direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, server, port, protocol, severity,
                exercise, retro, first_seen, last_seen, count, arrived_at, updated_at)
            VALUES ($1, $2, $3, 'e', $1, $3, 0, 1, 1, 'H-1', 0, '000', 'outbound', 2, 0, 0, 0, 0, NULL, NULL, 17, 2, 0, 0, $4, $4, 1, $4, $4)";
        // Batches of seven, and names in no order.
        let uuid = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, &id.to_be_bytes()).to_string();
        let at = NOW.0 + id / 7;
        sqlx::query(sql).bind(id).bind(uuid).bind(member).bind(at).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn asked(which: Which, query: &str) -> Asked {
    let resource = RESOURCES.iter().find(|resource| resource.which == which).unwrap();
    Asked::read(resource.path, resource.parameters, Some(query)).unwrap()
}

#[tokio::test]
async fn api_no_alert_stands_in_two_pages_or_in_none_whatever_comes_or_goes_meanwhile() {
    let fixture = Fixture::new(2).await;
    alerts(&fixture, 1..60, 1).await;
    alerts(&fixture, 60..100, 2).await;
    for (scope, expected) in [(Scope::Operator, 99), (Scope::Member(1), 59)] {
        let (mut seen, mut cursor, mut round) = (Vec::new(), String::new(), 0);
        loop {
            let question = asked(Which::Alerts, &format!("limit=5{cursor}"));
            let found = fixture.store.asked_alerts(scope, &question).await.unwrap();
            assert!(found.items.len() <= 5);
            seen.extend(found.items.iter().map(|alert| alert.view.id));
            let Some(next) = found.next else { break };
            cursor = format!("&cursor={}", next.sealed(&question.question));
            // What comes now comes before the first page; what was shown last may change, and what was before it go.
            round += 1;
            alerts(&fixture, 1_000 + round..1_001 + round, 1).await;
            let sql = format!(
                "UPDATE alert SET last_seen = last_seen + 9, updated_at = updated_at + 9 WHERE id = {}",
                seen[0]
            );
            let mut tx = fixture.store.begin().await.unwrap();
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        let there: Vec<i64> = seen.iter().copied().filter(|id| *id < 1_000).collect();
        let once: std::collections::BTreeSet<i64> = there.iter().copied().collect();
        assert_eq!((there.len(), once.len()), (expected, expected), "{scope:?}: {seen:?}");
        fixture.run("DELETE FROM alert WHERE id >= 1000").await;
    }
}

/// How the database would find the page.
async fn plan(fixture: &Fixture, sql: &str) -> String {
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let rows: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(fixture.store.readers()).await.unwrap();
    rows.into_iter().map(|(_, _, _, detail)| detail).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn api_a_page_is_found_by_an_index_and_not_by_reading_all() {
    let fixture = Fixture::new(1).await;
    for (statement, index) in [
        (
            "SELECT a.id FROM alert a WHERE 1 = 1 AND (a.arrived_at, a.uuid) < (5, 'x') ORDER BY a.arrived_at DESC, a.uuid DESC LIMIT 51",
            "alert_by_arrival",
        ),
        (
            "SELECT a.id FROM alert a WHERE a.member_id = 1 AND (a.arrived_at, a.uuid) < (5, 'x') ORDER BY a.arrived_at DESC, a.uuid DESC LIMIT 51",
            "alert_by_member_and_arrival",
        ),
        (
            "SELECT i.id FROM incident i WHERE 1 = 1 ORDER BY i.opened_at DESC, i.uuid DESC LIMIT 51",
            "incident_by_opening",
        ),
        (
            "SELECT i.id FROM incident i WHERE i.member_id = 1 ORDER BY i.opened_at DESC, i.uuid DESC LIMIT 51",
            "incident_by_member_and_opening",
        ),
        (
            "SELECT c.id FROM campaign c WHERE 1 = 1 ORDER BY c.opened_at DESC, c.uuid DESC LIMIT 51",
            "campaign_by_opening",
        ),
    ] {
        let plan = plan(&fixture, statement).await;
        assert!(plan.contains(index), "{statement}: {plan}");
        // Only what came at the very same moment is sorted.
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{statement}: {plan}");
    }
    let by_indicator = plan(&fixture, "SELECT a.id FROM alert a WHERE 1 = 1 AND a.indicator_id IN (1, 2) ORDER BY a.arrived_at DESC, a.uuid DESC LIMIT 51").await;
    assert!(by_indicator.contains("alert_by_indicator"), "{by_indicator}");
}
