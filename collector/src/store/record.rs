//! Records, each once, and where each sensor has come to.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::id::{Epoch, Seq, SiteId};
use varde_common::time::Timestamp;

/// Rows in one statement: well below SQLite's 32,766 bound values for the widest row here.
pub(crate) const ROWS_PER_STATEMENT: usize = 256;

/// A number for the database; what does not fit is the largest that does.
pub(crate) fn to_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number from the database; none of ours is negative.
pub(crate) fn from_column(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Where a sensor has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The spool's lifetime last heard of; none before the first session.
    pub epoch: Option<Epoch>,
    /// All records of it up to here are stored.
    pub committed: Seq,
    /// Whether the sensor has been shut out.
    pub revoked: bool,
    /// Whether two live with its identity.
    pub quarantined: bool,
}

/// A sensor's position.
///
/// # Errors
/// The database's own; `RowNotFound` for no such sensor.
pub async fn position(conn: &mut SqliteConnection, sensor: i64) -> Result<Position, sqlx::Error> {
    let sql =
        "SELECT epoch, committed_seq, revoked_at IS NOT NULL, quarantined_at IS NOT NULL FROM sensor WHERE id = $1";
    let (epoch, committed, revoked, quarantined): (Option<String>, i64, bool, bool) =
        sqlx::query_as(sql).bind(sensor).fetch_one(conn).await?;
    let epoch = epoch.and_then(|text| text.parse().ok());
    Ok(Position { epoch, committed: Seq(from_column(committed)), revoked, quarantined })
}

/// The last record stored of an epoch; 0 if none is.
///
/// # Errors
/// The database's own.
pub async fn last_stored(conn: &mut SqliteConnection, sensor: i64, epoch: Epoch) -> Result<Seq, sqlx::Error> {
    let seq: Option<i64> = sqlx::query_scalar("SELECT MAX(seq) FROM record WHERE sensor_id = $1 AND epoch = $2")
        .bind(sensor)
        .bind(epoch.to_string())
        .fetch_one(conn)
        .await?;
    Ok(Seq(from_column(seq.unwrap_or(0))))
}

/// Moves a sensor to another epoch.
///
/// # Errors
/// The database's own.
pub async fn switch_epoch(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    committed: Seq,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sensor SET epoch = $2, committed_seq = $3 WHERE id = $1")
        .bind(sensor)
        .bind(epoch.to_string())
        .bind(to_column(committed.0))
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves a sensor's position forward, and notes that it was heard.
///
/// # Errors
/// The database's own.
pub async fn advance(
    conn: &mut SqliteConnection,
    sensor: i64,
    committed: Seq,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sensor SET committed_seq = $2, last_seen_at = $3 WHERE id = $1")
        .bind(sensor)
        .bind(to_column(committed.0))
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Counts records that came again.
///
/// # Errors
/// The database's own.
pub async fn replayed(conn: &mut SqliteConnection, sensor: i64, records: usize) -> Result<(), sqlx::Error> {
    if records > 0 {
        sqlx::query("UPDATE sensor SET replayed = replayed + $2 WHERE id = $1")
            .bind(sensor)
            .bind(to_column(records as u64))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Stores records as their spool held them. A record that is there already is an error: its position was committed.
///
/// # Errors
/// The database's own.
pub async fn insert(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    records: &[(Seq, &[u8])],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let epoch = epoch.to_string();
    for chunk in records.chunks(ROWS_PER_STATEMENT) {
        let mut insert: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO record (sensor_id, epoch, seq, received_at, octets) ");
        insert.push_values(chunk, |mut row, (seq, octets)| {
            row.push_bind(sensor)
                .push_bind(epoch.clone())
                .push_bind(to_column(seq.0))
                .push_bind(now.0)
                .push_bind(octets.to_vec());
        });
        insert.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Something a sensor said about itself, or that was noted about what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorEvent {
    /// The record that said it; 0 for what the collector noted when the epoch began.
    pub seq: Seq,
    /// The sensor's clock.
    pub at: Timestamp,
    /// What happened.
    pub body: serde_json::Value,
}

/// Stores what a sensor said about itself.
///
/// # Errors
/// The database's own.
pub async fn insert_events(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    events: &[SensorEvent],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let epoch = epoch.to_string();
    for chunk in events.chunks(ROWS_PER_STATEMENT) {
        let mut insert: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO sensor_event (sensor_id, epoch, seq, at, received_at, body) ");
        insert.push_values(chunk, |mut row, event| {
            row.push_bind(sensor)
                .push_bind(epoch.clone())
                .push_bind(to_column(event.seq.0))
                .push_bind(event.at.clamped().0)
                .push_bind(now.0)
                .push_bind(event.body.to_string());
        });
        insert.push(" ON CONFLICT (sensor_id, epoch, seq) DO NOTHING");
        insert.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// The sites a sensor may report for, and whose they are.
///
/// # Errors
/// The database's own.
pub async fn sites(conn: &mut SqliteConnection, sensor: i64) -> Result<HashMap<SiteId, i64>, sqlx::Error> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT site, member_id FROM site WHERE sensor_id = $1").bind(sensor).fetch_all(conn).await?;
    Ok(rows.into_iter().filter_map(|(site, member)| Some((SiteId(u16::try_from(site).ok()?), member))).collect())
}
