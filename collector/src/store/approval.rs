//! Tokens that wait for a person: each kept for one public key until somebody approves of it.

use varde_common::id::SensorId;
use varde_common::time::Timestamp;

use super::{Store, StoreError};

impl Store {
    /// Keeps a token for a public key, until a person approves of it; in one statement, as above.
    ///
    /// # Errors
    /// The database's own.
    pub async fn keep_token(
        &self,
        sensor: SensorId,
        spki_sha256: &[u8; 32],
        agent_version: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE sensor SET pending_at = $2, pending_spki_sha256 = $3, agent_version = $4
            WHERE id = $1 AND enrolled_at IS NULL AND revoked_at IS NULL AND token_expires_at > $2 AND pending_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM sensor AS other WHERE other.revoked_at IS NULL
                AND (other.spki_sha256 = $3 OR other.spki_next_sha256 = $3))";
        let mut tx = self.begin().await?;
        let done = sqlx::query(sql)
            .bind(i64::try_from(sensor.0).unwrap_or(i64::MAX))
            .bind(now.0)
            .bind(spki_sha256.as_slice())
            .bind(agent_version);
        let done = done.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// A person approves of a sensor that waits. False where none of that number waits.
    ///
    /// # Errors
    /// The database's own.
    pub async fn approve_sensor(&self, sensor: i64, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE sensor SET approved_at = $2 WHERE id = $1 AND pending_at IS NOT NULL
            AND approved_at IS NULL AND enrolled_at IS NULL AND revoked_at IS NULL";
        let mut tx = self.begin().await?;
        let done = sqlx::query(sql).bind(sensor).bind(now.0).execute(&mut *tx).await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }
}
