//! The marks given to sensors, and who is in quarantine.

use sqlx::{Row, SqliteConnection};
use varde_common::id::{Epoch, Mark, Seq};
use varde_common::time::Timestamp;

use super::{Store, StoreError};
use crate::limits::MARKS_KEPT;
use crate::mark::Given;

/// The marks given to a sensor, the newest first.
///
/// # Errors
/// The database's own.
pub async fn given(conn: &mut SqliteConnection, sensor: i64) -> Result<Vec<Given>, sqlx::Error> {
    let sql = "SELECT number, mark, follows, given_at FROM sensor_mark WHERE sensor_id = $1 ORDER BY number DESC";
    let rows = sqlx::query(sql).bind(sensor).fetch_all(conn).await?;
    let mut given = Vec::with_capacity(rows.len());
    for row in &rows {
        let Ok(mark) = row.try_get::<String, _>("mark")?.parse() else { continue };
        given.push(Given {
            number: row.try_get("number")?,
            mark,
            follows: row.try_get("follows")?,
            at: Timestamp(row.try_get("given_at")?),
        });
    }
    Ok(given)
}

/// Notes a mark that is about to be given; the oldest is forgotten.
///
/// # Errors
/// The database's own.
pub async fn give(
    conn: &mut SqliteConnection,
    sensor: i64,
    number: i64,
    mark: Mark,
    follows: Option<i64>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO sensor_mark (sensor_id, number, mark, follows, given_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(sensor)
        .bind(number)
        .bind(mark.to_string())
        .bind(follows)
        .bind(now.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM sensor_mark WHERE sensor_id = $1 AND number <= $2")
        .bind(sensor)
        .bind(number - MARKS_KEPT)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets a sensor's marks: whoever comes next is taken as it is.
///
/// # Errors
/// The database's own.
pub async fn forget(conn: &mut SqliteConnection, sensor: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sensor_mark WHERE sensor_id = $1").bind(sensor).execute(conn).await?;
    Ok(())
}

/// An older state of a sensor came.
///
/// # Errors
/// The database's own.
pub async fn set_back(conn: &mut SqliteConnection, sensor: i64, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sensor SET set_back_at = $2 WHERE id = $1").bind(sensor).bind(now.0).execute(conn).await?;
    Ok(())
}

/// Whether another spool has followed this one, or was ordered to, as far back as notes are kept.
///
/// # Errors
/// The database's own.
pub async fn was_followed(conn: &mut SqliteConnection, sensor: i64, epoch: Epoch) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM sensor_event WHERE sensor_id = $1 AND seq < 1
               AND ((epoch = $2 AND body LIKE '%\"event\":\"set_back\"%') OR body LIKE $3)";
    let before = format!("%\"before\":\"{epoch}\"%");
    let notes: i64 = sqlx::query_scalar(sql).bind(sensor).bind(epoch.to_string()).bind(before).fetch_one(conn).await?;
    Ok(notes > 0)
}

/// The number that others who came with this spool, and were told to begin anew, would have given next: what lies from there on
/// none of them can have taken over. None where no note of any is left.
///
/// # Errors
/// The database's own.
pub async fn others_end(conn: &mut SqliteConnection, sensor: i64, epoch: Epoch) -> Result<Option<Seq>, sqlx::Error> {
    let sql = "SELECT body FROM sensor_event WHERE sensor_id = $1 AND epoch = $2 AND seq < 1
               AND body LIKE '%\"event\":\"set_back\"%'";
    let notes: Vec<String> = sqlx::query_scalar(sql).bind(sensor).bind(epoch.to_string()).fetch_all(&mut *conn).await?;
    let notes = notes.iter().filter_map(|body| serde_json::from_str::<serde_json::Value>(body).ok());
    // Of the released one itself, which may ask more than once, it says nothing.
    let others = notes.filter(|note| note.get("released").is_none());
    Ok(others.filter_map(|note| note.get("next")?.as_u64()).max().map(Seq))
}

/// Two live with a sensor's identity: neither is heard from now on.
///
/// # Errors
/// The database's own.
pub async fn quarantine(conn: &mut SqliteConnection, sensor: i64, now: Timestamp) -> Result<(), sqlx::Error> {
    let sql = "UPDATE sensor SET quarantined_at = $2, connected = 0 WHERE id = $1 AND quarantined_at IS NULL";
    sqlx::query(sql).bind(sensor).bind(now.0).execute(conn).await?;
    Ok(())
}

/// Whether a sensor is to begin a new spool when it comes; once it has, not any more.
///
/// # Errors
/// The database's own.
pub async fn must_renew(conn: &mut SqliteConnection, sensor: i64) -> Result<bool, sqlx::Error> {
    let renew: i64 =
        sqlx::query_scalar("SELECT renew_epoch FROM sensor WHERE id = $1").bind(sensor).fetch_one(conn).await?;
    Ok(renew != 0)
}

/// It has begun a new spool.
///
/// # Errors
/// The database's own.
pub async fn renewed(conn: &mut SqliteConnection, sensor: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sensor SET renew_epoch = 0 WHERE id = $1").bind(sensor).execute(conn).await?;
    Ok(())
}

/// Notes something about a sensor that it did not say itself. Such notes have numbers below 1.
///
/// # Errors
/// The database's own.
pub async fn note(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    body: &serde_json::Value,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let lowest: Option<i64> =
        sqlx::query_scalar("SELECT MIN(seq) FROM sensor_event WHERE sensor_id = $1 AND epoch = $2")
            .bind(sensor)
            .bind(epoch.to_string())
            .fetch_one(&mut *conn)
            .await?;
    let sql = "INSERT INTO sensor_event (sensor_id, epoch, seq, at, received_at, body) VALUES ($1, $2, $3, $4, $4, $5)";
    sqlx::query(sql)
        .bind(sensor)
        .bind(epoch.to_string())
        .bind(lowest.map_or(0, |lowest| lowest.min(1) - 1))
        .bind(now.0)
        .bind(body.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

impl Store {
    /// Lets a sensor out of quarantine: the next that comes with its identity is heard, and begins a new spool. False
    /// where it was not in quarantine.
    ///
    /// # Errors
    /// The database's own.
    pub async fn release_sensor(&self, sensor: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql =
            "UPDATE sensor SET quarantined_at = NULL, renew_epoch = 1 WHERE id = $1 AND quarantined_at IS NOT NULL";
        let done = sqlx::query(sql).bind(sensor).execute(&mut *tx).await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        forget(&mut tx, sensor).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// So many messages of a session were passed over.
    ///
    /// # Errors
    /// The database's own.
    pub async fn passed_over(&self, sensor: i64, messages: u64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sensor SET passed_over = passed_over + $2 WHERE id = $1")
            .bind(sensor)
            .bind(super::record::to_column(messages))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}
