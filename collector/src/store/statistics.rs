//! Numbers of alerts by member, kind of indicator, severity and day, exercises left out: of those that are kept, and of those that are
//! nothing else any more. Never with a host.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;

use super::alert::severity_from;
use super::record::from_column;
use super::{Scope, Store, StoreError, gateway};
use crate::day;
use crate::limits::COUNT_IN_SUM_MAX;

/// Microseconds in an hour: days in Norway begin on a full one by UTC.
const HOUR_US: i64 = 3_600_000_000;

/// What is counted apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    day: Timestamp,
    member: i64,
    kind: String,
    severity: i64,
}

/// Numbers of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DailyCount {
    /// The day in Norway, as its beginning by UTC.
    pub day: Timestamp,
    /// The member's number.
    pub member: String,
    /// Kind of the indicators.
    pub kind: String,
    /// How bad.
    pub severity: Severity,
    /// Alerts that began on that day.
    pub alerts: u64,
    /// What they count together, by the sensors' word.
    pub sightings: u64,
}

/// A sensor's clock may be wrong by years: an alert that began after it came, or more than 13 months before, began when it came.
const BEGAN: &str = "CASE WHEN a.first_seen > a.arrived_at OR a.first_seen < a.arrived_at - 34300800000000
    THEN a.arrived_at ELSE a.first_seen END";

/// Alerts summed, those `which` chooses.
fn sums(which: &str) -> String {
    format!(
        "SELECT a.member_id, n.kind, a.severity, ({BEGAN}) / {HOUR_US} AS hour, COUNT(*),
         SUM(CASE WHEN a.count > {COUNT_IN_SUM_MAX} THEN {COUNT_IN_SUM_MAX} ELSE a.count END)
         FROM alert a JOIN indicator n ON n.id = a.indicator_id WHERE a.exercise = 0 AND {which}
         GROUP BY a.member_id, n.kind, a.severity, hour"
    )
}

type Sum = (i64, String, i64, i64, i64, i64);

/// By day, what was summed by hour.
fn by_day(rows: Vec<Sum>) -> BTreeMap<Of, (i64, i64)> {
    let mut days: BTreeMap<Of, (i64, i64)> = BTreeMap::new();
    for (member, kind, severity, hour, alerts, sightings) in rows {
        let day = day::of(Timestamp(hour.saturating_mul(HOUR_US)));
        let sum = days.entry(Of { day, member, kind, severity }).or_default();
        *sum = (sum.0.saturating_add(alerts), sum.1.saturating_add(sightings));
    }
    days
}

/// The oldest alerts that have not changed since `limit` become numbers; at most so many. Gives how many.
///
/// # Errors
/// The database's own.
pub(super) async fn count_and_forget(
    conn: &mut SqliteConnection,
    limit: Timestamp,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let which = "SELECT id FROM alert WHERE updated_at < $1 ORDER BY updated_at, id LIMIT $2";
    let sql = sums(&format!("a.id IN ({which})"));
    let rows: Vec<Sum> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(limit.0).bind(most).fetch_all(&mut *conn).await?;
    for (Of { day, member, kind, severity }, (alerts, sightings)) in by_day(rows) {
        let sql = "INSERT INTO daily_count (member_id, day, kind, severity, alerts, sightings) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (member_id, day, kind, severity) DO UPDATE SET alerts = daily_count.alerts + excluded.alerts,
            sightings = CASE WHEN daily_count.sightings > 9000000000000000000 - excluded.sightings
                THEN 9000000000000000000 ELSE daily_count.sightings + excluded.sightings END";
        sqlx::query(sql)
            .bind(member)
            .bind(day.0)
            .bind(kind)
            .bind(severity)
            .bind(alerts)
            .bind(sightings)
            .execute(&mut *conn)
            .await?;
    }
    // Whom an indicator has met is known as long as one of its alerts there is.
    let sql = format!(
        "DELETE FROM meeting WHERE (indicator_id, member_id) IN (SELECT indicator_id, member_id FROM alert WHERE id IN ({which}))
         AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.indicator_id = meeting.indicator_id AND a.member_id = meeting.member_id
             AND a.exercise = 0 AND a.id NOT IN ({which}))"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit.0).bind(most).execute(&mut *conn).await?;
    let sql = format!("DELETE FROM alert WHERE id IN ({which})");
    let gone = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit.0).bind(most).execute(&mut *conn).await?;
    gateway::forget_gone(conn).await?;
    Ok(gone.rows_affected())
}

/// A member becomes part of another: its numbers are that one's.
///
/// # Errors
/// The database's own.
pub(super) async fn hand_over(conn: &mut SqliteConnection, from: i64, into: i64) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO daily_count (member_id, day, kind, severity, alerts, sightings)
        SELECT $2, day, kind, severity, alerts, sightings FROM daily_count WHERE member_id = $1
        ON CONFLICT (member_id, day, kind, severity) DO UPDATE SET alerts = daily_count.alerts + excluded.alerts,
        sightings = CASE WHEN daily_count.sightings > 9000000000000000000 - excluded.sightings
            THEN 9000000000000000000 ELSE daily_count.sightings + excluded.sightings END";
    sqlx::query(sql).bind(from).bind(into).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM daily_count WHERE member_id = $1").bind(from).execute(conn).await.map(drop)
}

impl Store {
    /// Numbers by day from one day on up to before another, of those that are kept as alerts and of those that are not; the oldest day
    /// first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn daily_counts(
        &self,
        scope: Scope,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<DailyCount>, StoreError> {
        // One transaction: an alert is one or the other.
        let mut tx = self.readers().begin().await?;
        // A day in Norway begins up to two hours before its beginning by UTC.
        let around = format!("({BEGAN}) >= $2 - 2 * {HOUR_US} AND ({BEGAN}) < $3 AND ($1 IS NULL OR a.member_id = $1)");
        let rows: Vec<Sum> = sqlx::query_as(sqlx::AssertSqlSafe(sums(&around)))
            .bind(scope.member_id())
            .bind(from.0)
            .bind(before.0)
            .fetch_all(&mut *tx)
            .await?;
        let mut days = by_day(rows);
        let sql = "SELECT member_id, kind, severity, day, alerts, sightings FROM daily_count
            WHERE day >= $2 AND day < $3 AND ($1 IS NULL OR member_id = $1)";
        let rows: Vec<Sum> =
            sqlx::query_as(sql).bind(scope.member_id()).bind(from.0).bind(before.0).fetch_all(&mut *tx).await?;
        for (member, kind, severity, day, alerts, sightings) in rows {
            let sum = days.entry(Of { day: Timestamp(day), member, kind, severity }).or_default();
            *sum = (sum.0.saturating_add(alerts), sum.1.saturating_add(sightings));
        }
        let sql = "SELECT id, number FROM member WHERE ($1 IS NULL OR id = $1)";
        let numbers: Vec<(i64, String)> = sqlx::query_as(sql).bind(scope.member_id()).fetch_all(&mut *tx).await?;
        let numbers: BTreeMap<i64, String> = numbers.into_iter().collect();
        tx.rollback().await?;
        let told = days.into_iter().filter(|(of, _)| of.day >= from && of.day < before);
        Ok(told
            .filter_map(|(Of { day, member, kind, severity }, (alerts, sightings))| {
                let (alerts, sightings) = (from_column(alerts), from_column(sightings));
                let member = numbers.get(&member)?.clone();
                Some(DailyCount { day, member, kind, severity: severity_from(severity), alerts, sightings })
            })
            .collect())
    }
}
