//! What is older than is kept goes, on time, in every table; and of alerts every one is counted.

use std::collections::BTreeSet;
use std::time::Duration;

use varde_common::indicator::Severity;

use super::*;
use crate::limits::AUDIT_KEPT;
use crate::retention::{Fate, TABLES};
use crate::store::Scope;
use crate::store::fixture::{Fixture, NOW};
use crate::store::incident::next_id;
use crate::store::statistics::DailyCount;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

async fn run(fixture: &Fixture, sql: String) {
    let mut tx = fixture.store.begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// An alert of a member, by an indicator, that began and last changed then.
async fn alert(fixture: &Fixture, id: i64, member: i64, indicator: i64, count: i64, began: Timestamp, at: Timestamp) {
    let exercise = i64::from(indicator == 4);
    let sql = format!(
        "INSERT INTO alert (id, uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, zone_levels,
         direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol, severity, exercise, retro,
         first_seen, last_seen, count, arrived_at, updated_at)
         VALUES ({id}, 'u{id}', {member}, 'e', {id}, {member}, 0, {indicator}, 1, 'H-7F3A', 0, '000', 'outbound', 2, 0, 0, 0, 0, 17, 3,
         {exercise}, 0, {}, {}, {count}, {at}, {at})",
        began.0,
        began.0,
        at = at.0
    );
    run(fixture, sql).await;
}

/// A sensor is heard, so that this much time is known to have passed.
async fn heard(fixture: &Fixture, at: Timestamp) {
    run(fixture, format!("INSERT INTO heartbeat VALUES (1, {}, '{{}}') ON CONFLICT DO NOTHING", at.0)).await;
}

async fn all_counts(fixture: &Fixture) -> Vec<DailyCount> {
    fixture.store.daily_counts(Scope::Operator, Timestamp::MIN, Timestamp::MAX).await.unwrap()
}

#[tokio::test]
async fn q3_every_table_says_what_becomes_of_it() {
    let fixture = Fixture::new(1).await;
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let there: Vec<String> = sqlx::query_scalar(sql).fetch_all(fixture.store.readers()).await.unwrap();
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    let said: BTreeSet<&str> = TABLES.iter().map(|(table, _)| *table).collect();
    assert_eq!(said.len(), TABLES.len(), "each once");
    assert_eq!(
        there, said,
        "a new table says in collector/src/retention.rs how long its rows are kept, or why they stay"
    );
    for (table, fate) in TABLES {
        if let Fate::With(other) = fate {
            assert!(said.contains(other), "{table} goes with {other}, which is no table");
        }
    }
}

#[tokio::test]
async fn q3_alerts_are_gone_after_13_months_within_an_hour_and_every_one_of_them_is_counted() {
    let fixture = Fixture::new(2).await;
    // Three a day on two days, at two members, one of them of an exercise; and one that goes on for a day.
    for (id, member, indicator, hours) in [(1, 1, 1, 0), (2, 1, 1, 1), (3, 2, 3, 1), (4, 1, 4, 2), (5, 2, 1, 30)] {
        let at = NOW.plus(HOUR * hours);
        alert(&fixture, id, member, indicator, 10 * id, at, at).await;
    }
    run(&fixture, format!("UPDATE alert SET updated_at = {} WHERE id = 5", NOW.plus(DAY * 2).0)).await;
    let before = all_counts(&fixture).await;
    let sums = |counts: &[DailyCount]| {
        counts.iter().fold((0, 0), |sum, count| (sum.0 + count.alerts, sum.1 + count.sightings))
    };
    assert_eq!(sums(&before), (4, 110), "an exercise is in no number");
    assert!(before.iter().all(|count| count.severity == Severity::High), "{before:?}");
    // A clock turned by hand, a look each hour.
    let mut gone_at = Vec::new();
    for hour in 0..400 * 24_u32 {
        let now = NOW.plus(HOUR * hour);
        // Nothing can be due in between.
        if (60..396 * 24).contains(&hour) {
            continue;
        }
        heard(&fixture, now).await;
        let gone = fixture.store.forget_found(now).await.unwrap();
        gone_at.extend((0..gone.alerts).map(|_| u64::from(hour)));
        if gone.alerts > 0 {
            assert_eq!(
                all_counts(&fixture).await,
                before,
                "I8: what is counted is the same, whether as alerts or as numbers"
            );
        }
    }
    let due = |hours: u64| ALERTS_KEPT.as_secs() / 3_600 + hours;
    let wanted = [due(0), due(1), due(1), due(2), due(48)];
    assert_eq!(gone_at.len(), wanted.len());
    for (gone, due) in gone_at.iter().zip(wanted) {
        assert!((due..=due + 1).contains(gone), "due after {due} h, gone after {gone}");
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 0);
    let columns: Vec<(String,)> = sqlx::query_as("SELECT name FROM pragma_table_info('daily_count')")
        .fetch_all(fixture.store.readers())
        .await
        .unwrap();
    let columns: Vec<&str> = columns.iter().map(|(name,)| name.as_str()).collect();
    assert_eq!(columns, ["member_id", "day", "kind", "severity", "alerts", "sightings"], "no host, no indicator");
    let own = fixture.store.daily_counts(Scope::Member(2), Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert_eq!(sums(&own), (2, 80), "a member's own, and nobody else's");
    assert!(own.iter().all(|count| count.member == "1002"));
    let first_day = crate::day::of(NOW);
    let day = fixture.store.daily_counts(Scope::Operator, first_day, first_day.plus(DAY)).await.unwrap();
    assert_eq!(sums(&day), (3, 60));
}

#[tokio::test]
async fn k1_a_clock_that_is_ahead_takes_six_hours_of_alerts_at_once_and_one_that_is_alone_takes_none() {
    let fixture = Fixture::new(1).await;
    for id in 1..=20 {
        let at = NOW.plus(HOUR * u32::try_from(id).unwrap());
        alert(&fixture, id, 1, 1, 1, at, at).await;
    }
    let years = NOW.plus(DAY * 4_000);
    let gone = fixture.store.forget_found(years).await.unwrap();
    assert_eq!(gone.alerts, 0, "nobody was heard since");
    heard(&fixture, years).await;
    assert_eq!(fixture.store.forget_found(years).await.unwrap().alerts, 6);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 14);
}

#[tokio::test]
async fn i8_what_a_sensor_says_breaks_no_sum_and_a_wrong_clock_moves_no_day() {
    let fixture = Fixture::new(1).await;
    for (id, began) in [(1, Timestamp(0)), (2, NOW.plus(DAY * 900)), (3, NOW), (4, Timestamp::MIN)] {
        alert(&fixture, id, 1, 1, i64::MAX, began, NOW).await;
    }
    for _ in 0..2 {
        let counts = all_counts(&fixture).await;
        let told: Vec<(Timestamp, u64)> = counts.iter().map(|count| (count.day, count.alerts)).collect();
        assert_eq!(told, [(crate::day::of(NOW), 4)]);
        heard(&fixture, NOW.plus(ALERTS_KEPT + HOUR)).await;
        fixture.store.forget_found(NOW.plus(ALERTS_KEPT + HOUR)).await.unwrap();
    }
    assert_eq!(fixture.count("SELECT COUNT(*) FROM alert").await, 0);
}

#[tokio::test]
async fn q3_records_go_and_a_spools_position_stays() {
    let fixture = Fixture::new(1).await;
    let old = NOW.0;
    let young = NOW.plus(DAY * 30).0;
    run(
        &fixture,
        format!(
            "INSERT INTO record VALUES (1, 'a', 1, {old}, x'01'), (1, 'a', 2, {old}, x'02'), (1, 'b', 1, {old}, x'03'),
             (1, 'b', 2, {young}, x'04'), (1, 'b', 3, {young}, x'05')"
        ),
    )
    .await;
    let now = NOW.plus(ALERTS_KEPT + HOUR);
    heard(&fixture, now).await;
    assert_eq!(fixture.store.forget_found(now).await.unwrap().records, 3, "two go, one is emptied");
    assert_eq!(fixture.store.forget_found(now).await.unwrap().records, 0, "once is enough");
    let left: Vec<(String, i64, Vec<u8>)> = sqlx::query_as("SELECT epoch, seq, octets FROM record ORDER BY epoch, seq")
        .fetch_all(fixture.store.readers())
        .await
        .unwrap();
    let expected = [("a", 2, vec![]), ("b", 2, vec![4]), ("b", 3, vec![5])];
    assert_eq!(left, expected.map(|(epoch, seq, octets)| (epoch.to_owned(), seq, octets)));
}

#[tokio::test]
async fn q3_incidents_and_campaigns_go_when_their_alerts_are_gone_and_no_number_comes_again() {
    let fixture = Fixture::new(2).await;
    let insert = |old: i64, young: i64| {
        format!(
            "INSERT INTO campaign (id, uuid, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at) VALUES
             (1, 'c1', 'indicator', '1', 't', {old}, 0, 0, {old}), (2, 'c2', 'indicator', '2', 't', {old}, 0, 0, {young});
             INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, campaign_id, opened_at, first_seen, last_seen, updated_at) VALUES
             (1, 'i1', 1, 'indicator', '1', 't', 1, {old}, 0, 0, {old}), (2, 'i2', 2, 'indicator', '1', 't', 1, {old}, 0, 0, {old}),
             (3, 'i3', 1, 'indicator', '2', 't', 2, {old}, 0, 0, {old}), (4, 'i4', 1, 'indicator', '3', 't', NULL, {old}, 0, 0, {old}),
             (5, 'i5', 2, 'indicator', '3', 't', NULL, {old}, 0, 0, {old}), (6, 'i6', 2, 'indicator', '9', 't', NULL, {old}, 0, 0, {old});
             INSERT INTO merged VALUES ('incident', 9, 'm9', 1, 0, 0), ('incident', 0, 'm8', 3, 0, 0), ('campaign', 7, 'm7', 1, 0, 0)"
        )
    };
    let mut tx = fixture.store.begin().await.unwrap();
    let sql = insert(NOW.0, NOW.plus(DAY * 300).0);
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    // One incident has an alert that is younger.
    let later = NOW.plus(DAY * 100);
    alert(&fixture, 50, 2, 1, 1, later, later).await;
    run(&fixture, "UPDATE alert SET incident_id = 5".to_owned()).await;
    let now = NOW.plus(ALERTS_KEPT + HOUR);
    heard(&fixture, now).await;
    fixture.store.forget_found(now).await.unwrap();
    let ids = |sql: &'static str| {
        let readers = fixture.store.readers().clone();
        async move { sqlx::query_scalar::<_, i64>(sql).fetch_all(&readers).await.unwrap() }
    };
    assert_eq!(
        ids("SELECT id FROM incident ORDER BY id").await,
        [3, 5],
        "one of a campaign that goes on, one with an alert"
    );
    assert_eq!(ids("SELECT id FROM campaign ORDER BY id").await, [2]);
    assert_eq!(ids("SELECT id FROM merged ORDER BY id").await, [0]);
    let mut tx = fixture.store.begin().await.unwrap();
    assert_eq!(next_id(&mut tx, "incident").await.unwrap(), 7, "6 was given");
}

#[tokio::test]
async fn q3_what_incidents_were_made_of_goes_with_them_and_whom_an_indicator_met_with_its_alerts() {
    let fixture = Fixture::new(2).await;
    let (old, later) = (NOW.0, NOW.plus(DAY * 100));
    let columns =
        "link_kind, link_value, exercise, first_seen, last_seen, evidence, confidence, level, severity, by_name,
        by_name_at_high, persistent, in_history";
    let what = "'indicator', '1', 0, 0, 0, 2, 80, 0, 0, 0, 0, 0, 0";
    let sql = format!(
        "INSERT INTO cluster (id) VALUES (1), (2), (3);
         INSERT INTO apart VALUES (1, 2), (2, 3);
         INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, cluster_id, opened_at, first_seen, last_seen, updated_at) VALUES
         (1, 'i1', 1, 'indicator', '1', 't', 1, {old}, 0, 0, {old}), (2, 'i2', 2, 'indicator', '1', 't', 2, {old}, 0, 0, {old}),
         (3, 'i3', 2, 'indicator', '2', 't', 3, {old}, 0, 0, {old});
         INSERT INTO strand (id, member_id, incident_id, {columns}) VALUES (10, 1, 1, {what}), (11, 1, 1, {what}), (20, 2, 2, {what}),
         (30, 2, 3, {what});
         INSERT INTO trace (member_id, strand_id, kind, value, exercise, first_seen, last_seen) VALUES (1, 10, 'indicator', '1', 0, 0, 0),
         (1, 11, 'address', '203.0.113.1', 0, 0, 0), (2, 20, 'indicator', '1', 0, 0, 0), (2, 30, 'indicator', '2', 0, 0, 0);
         INSERT INTO meeting VALUES (1, 1, 0, 2), (1, 2, 0, 2), (2, 2, 0, 2)"
    );
    let mut tx = fixture.store.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    for (id, member, indicator, at) in [(1, 1, 1, NOW), (2, 2, 1, NOW), (3, 2, 1, later), (4, 2, 2, later)] {
        alert(&fixture, id, member, indicator, 1, at, at).await;
    }
    run(&fixture, "UPDATE alert SET strand_id = 10, incident_id = 1 WHERE id = 1".to_owned()).await;
    run(&fixture, "UPDATE alert SET strand_id = 20, incident_id = 2 WHERE id IN (2, 3)".to_owned()).await;
    run(&fixture, "UPDATE alert SET strand_id = 30, incident_id = 3 WHERE id = 4".to_owned()).await;
    let now = NOW.plus(ALERTS_KEPT + HOUR);
    heard(&fixture, now).await;
    fixture.store.forget_found(now).await.unwrap();
    let ids = |sql: &'static str| {
        let readers = fixture.store.readers().clone();
        async move { sqlx::query_scalar::<_, i64>(sql).fetch_all(&readers).await.unwrap() }
    };
    assert_eq!(ids("SELECT id FROM strand ORDER BY id").await, [20, 30]);
    assert_eq!(ids("SELECT strand_id FROM trace ORDER BY strand_id").await, [20, 30]);
    assert_eq!(ids("SELECT id FROM cluster ORDER BY id").await, [2, 3]);
    assert_eq!(ids("SELECT low FROM apart").await, [2], "a split of what is left holds");
    let met = ids("SELECT indicator_id * 10 + member_id FROM meeting ORDER BY indicator_id, member_id").await;
    assert_eq!(met, [12, 22], "of one that met it since, too");
}

#[tokio::test]
async fn q3_what_a_person_said_of_noise_stands_longer_than_who_said_it() {
    let fixture = Fixture::new(1).await;
    let guard = |value: &str, at: Timestamp| {
        format!(
            "INSERT INTO guard (kind, value, tripped_at, numbers, settled_at, settled_as, settled_by, settled_why)
             VALUES ('indicator', '{value}', 0, '{{}}', {}, 'overruled', 'kari', 'ours')",
            at.0
        )
    };
    run(&fixture, guard("1", NOW)).await;
    run(&fixture, guard("2", NOW.plus(DAY))).await;
    let mut tx = fixture.store.begin().await.unwrap();
    ended(&mut tx, NOW.plus(HOUR)).await.unwrap();
    tx.commit().await.unwrap();
    let left: Vec<(String, String, Option<String>, Option<String>)> =
        sqlx::query_as("SELECT value, settled_as, settled_by, settled_why FROM guard ORDER BY value")
            .fetch_all(fixture.store.readers())
            .await
            .unwrap();
    let said = |value: &str, who: Option<&str>, why: Option<&str>| {
        (value.to_owned(), "overruled".to_owned(), who.map(str::to_owned), why.map(str::to_owned))
    };
    assert_eq!(left, [said("1", None, None), said("2", Some("kari"), Some("ours"))]);
}

#[tokio::test]
async fn t7a_of_an_incident_whose_alerts_are_numbers_a_member_is_not_told_what_nobody_can_hold_against_a_marking() {
    let fixture = Fixture::new(1).await;
    let insert = "INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at)
        VALUES (1, 'i1', 1, 'threat', 'x', 'secret.example', 0, 0, 0, 0)";
    run(&fixture, insert.to_owned()).await;
    let title = |scope| {
        let store = fixture.store.clone();
        async move { store.picture(scope).await.unwrap().incidents[0].title.clone() }
    };
    assert_eq!(title(Scope::Operator).await.as_deref(), Some("secret.example"));
    assert_eq!(title(Scope::Member(1)).await, None);
}

/// For each table whose rows go: a row whose time is that moment.
fn rows(table: &str, at: i64, id: i64) -> String {
    let text = |sql: &str| sql.replace("{at}", &at.to_string()).replace("{id}", &id.to_string());
    text(match table {
        "allowed" => {
            "INSERT INTO allowed (pattern, reason, author, given_at, ended_at) VALUES ('a{id}', 'r', 'x', 0, {at})"
        }
        "brake" => {
            "INSERT INTO brake (indicator_id, exercise, reason, since, until, from_order, ended_at) VALUES (1, 0, 'r', 0, {at}, {id}, {at})"
        }
        "braked_count" => "INSERT INTO braked_count VALUES (1, 0, 1, 1, 0, 'outbound', {id}, 1, 1, 1, 0, 0, {at})",
        "campaign" => {
            "INSERT INTO campaign (uuid, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at) VALUES ('c{id}', 'k', 'v', 't', 0, 0, 0, {at})"
        }
        "draft_review" => "INSERT INTO draft_review (draft, who, reason, at) VALUES ('d', 'w', 'r', {at})",
        "heartbeat" => "INSERT INTO heartbeat VALUES (1, {at}, '{}')",
        "in_force" => "INSERT INTO in_force VALUES (1, 0 - {id}, 0, {at})",
        "incident" => {
            "INSERT INTO incident (uuid, member_id, link_kind, link_value, title, opened_at, first_seen, last_seen, updated_at) VALUES ('i{id}', 1, 'k', 'v', 't', 0, 0, 0, {at})"
        }
        "lint_override" => {
            "INSERT INTO lint_override (pattern, rules, reason, author, given_at, until) VALUES ('p{id}', '', 'r', 'a', 0, {at})"
        }
        "muted" => {
            "INSERT INTO muted (indicator_id, evidence, reason, author, given_at, until) VALUES (1, 0, 'r', 'a', 0, {at})"
        }
        "reader" => {
            "INSERT INTO reader (name, tlp, own, in_path, token_sha256, added_at, removed_at) VALUES ('n', 1, 0, 0, x'00', 0, {at})"
        }
        "recall" => {
            "INSERT INTO recall (indicator_id, reason, who, at, by_itself, lifted_at) VALUES (1, 'r', 'w', 0, 0, {at})"
        }
        "record" => {
            "INSERT INTO record VALUES (1, 'e', {id}, {at}, x'00'), (1, 'e', 9999, 9000000000000000, x'00') ON CONFLICT DO NOTHING"
        }
        "rollout" => {
            "INSERT INTO rollout (draft, count, base, added, up_to_id, with_red, shrinks, who, prepared_at, pilot_revision, ended_at) VALUES ('d', 0, x'', x'', 0, 0, 0, 'w', 0, 0, {at})"
        }
        "sensor_event" => "INSERT INTO sensor_event VALUES (1, 'e', {id}, 0, {at}, '{\"event\":\"started\"}')",
        "advisory" => {
            "INSERT INTO advisory (id, uuid, tlp, audience, state, version, written_by, written_at, changed_at, sent_at)
             VALUES ({id}, 'a{id}', 'TLP:AMBER', 'all', 'sent', 1, 'kari', 0, 0, {at})"
        }
        "page_session" => {
            "INSERT INTO account (id, name, role, added_at) VALUES (1, 'kari', 'analyst', 0) ON CONFLICT DO NOTHING;
             INSERT INTO page_session (account_id, sha256, began_at, seen_at, program) VALUES (1, x'0{id}', {at}, {at}, '')"
        }
        "sighting" => {
            "INSERT INTO sighting (source_id, judgement_id, object_id, kind, at, next_at, sent_at) VALUES (1, {id}, 'o', 0, 0, 0, {at})"
        }
        "silence" => {
            "INSERT INTO silence (sensor_id, kind, began_at, found_at, last_at, ended_at, times, facts) VALUES (1, 'deaf', 0, 0, 0, {at}, 1, '{}')"
        }
        _ => "",
    })
}

#[tokio::test]
async fn q3_of_every_table_that_has_a_time_what_is_older_than_is_kept_goes_and_nothing_else() {
    for (table, fate) in TABLES {
        // These two have tests of their own, above and in `audit.rs`.
        let (Fate::Goes(period), false) = (fate, matches!(*table, "alert" | "audit")) else { continue };
        let fixture = Fixture::new(1).await;
        run(&fixture, "INSERT INTO source (id, name, added_at) VALUES (1, 's', 0)".to_owned()).await;
        let now = NOW.plus(AUDIT_KEPT * 2);
        let limit = now.minus(period.span());
        heard(&fixture, now).await;
        run(
            &fixture,
            format!(
                "INSERT INTO audit (at, who, what, on_whom, members, was, became, hash) VALUES ({}, '', '', '', '', '', '', x'00')",
                now.0
            ),
        )
        .await;
        let insert = |at: Timestamp, id| {
            let sql = rows(table, at.0, id);
            assert!(!sql.is_empty(), "{table} has a time and no row to try its deletion with");
            sql
        };
        run(&fixture, insert(limit.minus(HOUR), 1)).await;
        run(&fixture, insert(limit.plus(HOUR), 2)).await;
        let count = format!("SELECT COUNT(*) FROM {table}");
        let rows =
            || sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(count.clone())).fetch_one(fixture.store.readers());
        let before = rows().await.unwrap();
        // All that the running collector does of it.
        fixture.store.forget_heartbeats(now).await.unwrap();
        fixture.store.forget_found(now).await.unwrap();
        fixture.store.forget_publishing(now).await.unwrap();
        assert_eq!(rows().await.unwrap(), before - 1, "{table}");
        fixture.store.forget_heartbeats(now.plus(HOUR * 2)).await.unwrap();
        fixture.store.forget_found(now.plus(HOUR * 2)).await.unwrap();
        fixture.store.forget_publishing(now.plus(HOUR * 2)).await.unwrap();
        assert_eq!(
            rows().await.unwrap(),
            before - 1,
            "{table}: a clock that is ahead of all that was heard takes nothing"
        );
    }
}

#[tokio::test]
async fn q3_orders_of_the_brake_go_with_their_brakes_and_the_newest_stays() {
    let fixture = Fixture::new(1).await;
    let old = NOW.0;
    run(&fixture, format!("INSERT INTO brake_order VALUES (1, x'', {old}), (2, x'', {old}), (3, x'', {old})")).await;
    let mut tx = fixture.store.begin().await.unwrap();
    ended(&mut tx, NOW.plus(HOUR)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(fixture.count("SELECT COUNT(*) FROM brake_order").await, 1);
    assert_eq!(fixture.count("SELECT MAX(number) FROM brake_order").await, 3);
}

#[tokio::test]
async fn a_member_that_becomes_part_of_another_brings_its_numbers_and_one_that_leaves_takes_them() {
    let fixture = Fixture::new(2).await;
    run(
        &fixture,
        "INSERT INTO daily_count VALUES (1, 0, 'host', 3, 2, 20), (2, 0, 'host', 3, 1, 9000000000000000000)".to_owned(),
    )
    .await;
    crate::ingest::handle_merger(&fixture.store, 1, 2, NOW).await.unwrap();
    let counts = all_counts(&fixture).await;
    assert_eq!(counts.iter().map(|count| (count.member.as_str(), count.alerts)).collect::<Vec<_>>(), [("1002", 3)]);
    let extent = fixture.store.extent(Scope::Member(2), 2).await.unwrap();
    run(&fixture, "UPDATE daily_count SET alerts = alerts + 1".to_owned()).await;
    assert_ne!(
        fixture.store.extent(Scope::Member(2), 2).await.unwrap(),
        extent,
        "what came after it was handed over is seen"
    );
    let extent = fixture.store.extent(Scope::Member(2), 2).await.unwrap();
    let gone = fixture.store.finish_leaving(2, &extent, NOW, |_| Ok::<(), ()>(())).await.unwrap();
    assert!(matches!(gone, crate::store::leaving::Departing::Gone(_)), "{gone:?}");
    assert_eq!(fixture.count("SELECT COUNT(*) FROM daily_count").await, 0);
}
