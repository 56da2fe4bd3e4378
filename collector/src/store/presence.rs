//! Whether a sensor has a session, as the database says it.

use sqlx::SqliteConnection;
use varde_common::id::Revision;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError, reach};

/// A session stands. A list that came into force while none did (carried by hand, or a word of it that was lost) is in force as far
/// as the collector knows since now.
///
/// # Errors
/// The database's own.
pub async fn connected(
    conn: &mut SqliteConnection,
    sensor: i64,
    agent_version: &str,
    revision: Revision,
    protocol: u16,
    carrier: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE sensor SET connected = 1, last_connected_at = $2, last_seen_at = $2, agent_version = $3,
            revision_since = CASE WHEN revision = $4 THEN revision_since WHEN $4 = 0 THEN NULL ELSE $2 END,
            revision = $4, protocol = $5, carrier = $6 WHERE id = $1";
    sqlx::query(sql)
        .bind(sensor)
        .bind(now.0)
        .bind(agent_version)
        .bind(i64::try_from(revision.0).unwrap_or(i64::MAX))
        .bind(i64::from(protocol))
        .bind(carrier)
        .execute(&mut *conn)
        .await?;
    reach::note_in_force(conn, sensor, revision, now, now).await
}

impl Store {
    /// The session of one sensor is over; where it said so itself, it was heard then.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sensor_disconnected(&self, sensor: i64, heard: Option<Timestamp>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sensor SET connected = 0 WHERE id = $1").bind(sensor).execute(&mut *tx).await?;
        if let Some(heard) = heard {
            let sql = "UPDATE sensor SET last_seen_at = $2 WHERE id = $1";
            sqlx::query(sql).bind(sensor).bind(heard.0).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// No session stands: the collector has just started, or stops.
    ///
    /// # Errors
    /// The database's own.
    pub async fn all_disconnected(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sensor SET connected = 0 WHERE connected <> 0").execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Those of which the database says that a session stands.
    ///
    /// # Errors
    /// The database's own.
    pub async fn connected_sensors(&self, scope: Scope) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM sensor WHERE connected <> 0 AND ($1 IS NULL OR member_id = $1) ORDER BY id";
        Ok(sqlx::query_scalar(sql).bind(scope.member_id()).fetch_all(self.readers()).await?)
    }
}
