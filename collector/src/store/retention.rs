//! What is older than is kept goes: alerts become numbers, and what they came in and what was drawn from them goes after them.
//! Heartbeats, the audit and what publications leave are forgotten beside where they are written.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::departure::{CAMPAIGNS_ABOVE, INCIDENTS_ABOVE, keep_above};
use super::{Store, StoreError, cluster, statistics, workflow};
use crate::limits::account::SESSION_MAX;
use crate::limits::feed::SIGHTINGS_KEPT;
use crate::limits::{ALERTS_COUNTED_AT_ONCE, ALERTS_COUNTED_ROUNDS, ALERTS_KEPT, RECORDS_FORGOTTEN_AT_ONCE};
use crate::retention::up_to;

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Alerts, which are numbers now.
    pub alerts: u64,
    /// Records.
    pub records: u64,
    /// Incidents and campaigns.
    pub drawn: u64,
    /// Rows of other tables.
    pub others: u64,
}

/// The newest sign of life: no clock that is ahead removes more than what has been heard.
async fn newest(conn: &mut SqliteConnection, now: Timestamp) -> Result<Option<Timestamp>, sqlx::Error> {
    let sql = "SELECT MAX((SELECT MAX(at) FROM heartbeat WHERE sensor_id = s.id)) FROM sensor s";
    let heard: Option<i64> = sqlx::query_scalar(sql).fetch_one(&mut *conn).await?;
    let grown: Option<i64> = sqlx::query_scalar("SELECT MAX(updated_at) FROM alert").fetch_one(&mut *conn).await?;
    Ok(heard.max(grown).map(|at| Timestamp(at).clamped().min(now)))
}

async fn oldest(conn: &mut SqliteConnection, sql: &'static str) -> Result<Option<Timestamp>, sqlx::Error> {
    let oldest: Option<i64> = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(oldest.map(Timestamp))
}

impl Store {
    /// Removes alerts, records, incidents, campaigns and what else tells of what was found, once it is 13 months old; of alerts numbers
    /// stay. Never more at once than six hours of the oldest.
    ///
    /// # Errors
    /// The database's own; what was committed before stays so.
    pub async fn forget_found(&self, now: Timestamp) -> Result<Forgotten, StoreError> {
        let mut conn = self.readers().acquire().await?;
        let Some(newest) = newest(&mut conn, now).await? else { return Ok(Forgotten::default()) };
        let first = oldest(&mut conn, "SELECT MIN(updated_at) FROM alert").await?;
        drop(conn);
        let mut forgotten = Forgotten::default();
        if let Some(limit) = first.map(|first| up_to(newest, ALERTS_KEPT, first)) {
            for _ in 0..ALERTS_COUNTED_ROUNDS {
                let mut tx = self.begin().await?;
                let gone = statistics::count_and_forget(&mut tx, limit, ALERTS_COUNTED_AT_ONCE).await?;
                tx.commit().await?;
                forgotten.alerts += gone;
                if gone < ALERTS_COUNTED_AT_ONCE.unsigned_abs() {
                    break;
                }
            }
        }
        let sensors: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM sensor ORDER BY id").fetch_all(self.readers()).await?;
        for sensor in sensors {
            // One at a time, so that batches come between; where nothing is due nothing is written.
            let mut tx = self.begin().await?;
            forgotten.records += records(&mut tx, sensor, newest).await?;
            tx.commit().await?;
        }
        let mut tx = self.begin().await?;
        forgotten.others = beside(&mut tx, newest).await?;
        tx.commit().await?;
        let mut tx = self.begin().await?;
        forgotten.drawn = drawn(&mut tx, newest).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

/// A sensor's records go in the order of their numbers, spool by spool; the last of each stays, without its octets, so that the spool's position is
/// known should it ever come again.
async fn records(conn: &mut SqliteConnection, sensor: i64, newest: Timestamp) -> Result<u64, sqlx::Error> {
    let (mut gone, mut epoch) = (0, String::new());
    loop {
        let sql =
            "SELECT epoch, received_at FROM record WHERE sensor_id = $1 AND epoch > $2 ORDER BY epoch, seq LIMIT 1";
        let next: Option<(String, i64)> =
            sqlx::query_as(sql).bind(sensor).bind(&epoch).fetch_optional(&mut *conn).await?;
        let Some((spool, first)) = next else { return Ok(gone) };
        let limit = up_to(newest, ALERTS_KEPT, Timestamp(first));
        gone += spool_records(conn, sensor, &spool, limit).await?;
        epoch = spool;
    }
}

async fn spool_records(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: &str,
    limit: Timestamp,
) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM record WHERE sensor_id = $1 AND epoch = $2 AND seq IN
        (SELECT seq FROM record WHERE sensor_id = $1 AND epoch = $2 AND received_at < $3
            AND seq < (SELECT MAX(seq) FROM record WHERE sensor_id = $1 AND epoch = $2)
            AND seq < COALESCE((SELECT seq FROM record WHERE sensor_id = $1 AND epoch = $2 AND received_at >= $3
                ORDER BY seq LIMIT 1), 9223372036854775807)
            ORDER BY seq LIMIT $4)";
    let done = sqlx::query(sql).bind(sensor).bind(epoch).bind(limit.0).bind(RECORDS_FORGOTTEN_AT_ONCE);
    let gone = done.execute(&mut *conn).await?.rows_affected();
    let sql =
        "UPDATE record SET octets = x'' WHERE sensor_id = $1 AND epoch = $2 AND received_at < $3 AND LENGTH(octets) > 0
        AND seq = (SELECT MAX(seq) FROM record WHERE sensor_id = $1 AND epoch = $2)";
    let blanked = sqlx::query(sql).bind(sensor).bind(epoch).bind(limit.0).execute(conn).await?.rows_affected();
    Ok(gone + blanked)
}

/// Of which no alert is left, of which nobody has said anything of late, and no campaign that goes on.
const LEFT_ALONE: &str = "NOT EXISTS (SELECT 1 FROM alert WHERE incident_id = incident.id)
    AND (worked_at IS NULL OR worked_at < $1) AND (campaign_id IS NULL OR NOT EXISTS (SELECT 1 FROM campaign c WHERE c.id = campaign_id AND c.updated_at >= $1))";
/// Of which no incident is left.
const EMPTY: &str = "updated_at < $1 AND (worked_at IS NULL OR worked_at < $1) AND NOT EXISTS (SELECT 1 FROM incident WHERE campaign_id = campaign.id)";

/// Incidents of which no alert is left, with their campaign once all of that is old; and the numbers that led to them.
async fn drawn(conn: &mut SqliteConnection, newest: Timestamp) -> Result<u64, sqlx::Error> {
    // A number that was given is never given again.
    keep_above(conn, INCIDENTS_ABOVE, "SELECT COALESCE(MAX(id), 0) FROM incident").await?;
    keep_above(conn, CAMPAIGNS_ABOVE, "SELECT COALESCE(MAX(id), 0) FROM campaign").await?;
    let due = newest.minus(ALERTS_KEPT);
    let mut gone = 0;
    for (table, which) in [("incident", LEFT_ALONE), ("campaign", EMPTY)] {
        // The oldest of those that may go: one that stays must not hold up the others.
        let first = format!("SELECT MIN(updated_at) FROM {table} WHERE {which}");
        let first: Option<i64> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(first)).bind(due.0).fetch_one(&mut *conn).await?;
        let Some(first) = first else { continue };
        let limit = up_to(newest, ALERTS_KEPT, Timestamp(first));
        if table == "incident" {
            strands(conn, due, limit).await?;
        }
        let delete = format!("DELETE FROM {table} WHERE {which} AND updated_at < $2");
        let done = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(due.0).bind(limit.0).execute(&mut *conn).await?;
        gone += done.rows_affected();
    }
    let sql = "DELETE FROM merged WHERE CASE kind
        WHEN 'incident' THEN NOT EXISTS (SELECT 1 FROM incident WHERE id = into_id)
        ELSE NOT EXISTS (SELECT 1 FROM campaign WHERE id = into_id) END";
    gone += sqlx::query(sql).execute(&mut *conn).await?.rows_affected();
    if gone > 0 {
        gone += workflow::forget_orphans(conn).await?;
        cluster::forget_empty(conn).await?;
    }
    Ok(gone)
}

/// What the incidents that go were made of, and what that shared with others: before them, for it names them.
async fn strands(conn: &mut SqliteConnection, due: Timestamp, limit: Timestamp) -> Result<(), sqlx::Error> {
    let which = format!(
        "SELECT id FROM strand WHERE incident_id IN (SELECT id FROM incident WHERE {LEFT_ALONE} AND updated_at < $2)"
    );
    for sql in
        [format!("DELETE FROM trace WHERE strand_id IN ({which})"), format!("DELETE FROM strand WHERE id IN ({which})")]
    {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(due.0).bind(limit.0).execute(&mut *conn).await?;
    }
    Ok(())
}

/// What was counted in place of alerts; which lists were in force, but for what each sensor has now; and what sources were told.
async fn beside(conn: &mut SqliteConnection, newest: Timestamp) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    for (first, sql) in [
        ("SELECT MIN(arrived_at) FROM braked_count", "DELETE FROM braked_count WHERE arrived_at < $1"),
        (
            "SELECT MIN(heard_at) FROM in_force WHERE revision < (SELECT revision FROM sensor WHERE id = sensor_id)",
            "DELETE FROM in_force WHERE heard_at < $1 AND revision < (SELECT revision FROM sensor WHERE id = sensor_id)",
        ),
    ] {
        let Some(first) = oldest(conn, first).await? else { continue };
        let limit = up_to(newest, ALERTS_KEPT, first);
        gone += sqlx::query(sql).bind(limit.0).execute(&mut *conn).await?.rows_affected();
    }
    let written = "SELECT MIN(COALESCE(withdrawn_at, sent_at, changed_at)) FROM advisory";
    if let Some(first) = oldest(conn, written).await? {
        gone += super::advisory::part::forget_old(conn, up_to(newest, ALERTS_KEPT, first)).await?;
    }
    if let Some(first) = oldest(conn, "SELECT MIN(began_at) FROM page_session").await? {
        let limit = up_to(newest, SESSION_MAX, first);
        let sql = "DELETE FROM page_session WHERE began_at < $1";
        gone += sqlx::query(sql).bind(limit.0).execute(&mut *conn).await?.rows_affected();
    }
    let over = "SELECT MIN(COALESCE(sent_at, given_up_at)) FROM sighting";
    if let Some(first) = oldest(conn, over).await? {
        let limit = up_to(newest, SIGHTINGS_KEPT, first);
        let sql = "DELETE FROM sighting WHERE COALESCE(sent_at, given_up_at) < $1";
        gone += sqlx::query(sql).bind(limit.0).execute(conn).await?.rows_affected();
    }
    Ok(gone)
}

/// What people did and has ended, as long ago as the audit of it is kept: brakes, overrides, what was allowed, readers.
/// What they said of noise stands; who said it, and why, does not.
pub(super) async fn ended(conn: &mut SqliteConnection, limit: Timestamp) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    for sql in [
        "DELETE FROM brake WHERE COALESCE(ended_at, until) < $1 AND until < $1",
        "DELETE FROM brake_order WHERE given_at < $1 AND number < (SELECT MAX(number) FROM brake_order)
            AND number < COALESCE((SELECT MIN(from_order) FROM brake), 9223372036854775807)",
        "DELETE FROM lint_override WHERE ended_at < $1 OR until < $1",
        "DELETE FROM allowed WHERE ended_at < $1 OR until < $1",
        "DELETE FROM reader WHERE removed_at < $1",
        "DELETE FROM muted WHERE ended_at < $1 OR until < $1",
        "UPDATE acknowledged SET who = '' WHERE at < $1 AND who <> ''",
        "UPDATE guard SET settled_by = NULL, settled_why = NULL WHERE settled_at < $1 AND settled_by IS NOT NULL",
    ] {
        gone += sqlx::query(sql).bind(limit.0).execute(&mut *conn).await?.rows_affected();
    }
    Ok(gone)
}

#[cfg(test)]
mod tests;
