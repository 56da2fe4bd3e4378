//! Self-tests of sensors: kept as what they are, beside the sensor, and never among alerts.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::{Store, StoreError};

/// What its event is called.
pub const SELF_TEST: &str = "self_test";

impl Store {
    /// The number of the last self-test that was committed of a sensor; none = there was none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn self_test(&self, sensor: i64) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT self_test_number FROM sensor WHERE id = $1";
        let kept: Option<Option<i64>> = sqlx::query_scalar(sql).bind(sensor).fetch_optional(self.readers()).await?;
        Ok(kept.flatten().map(i64::cast_unsigned))
    }
}

/// A self-test came.
///
/// # Errors
/// The database's own.
pub async fn note(conn: &mut SqliteConnection, sensor: i64, number: u64, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sensor SET self_tested_at = $2, self_test_number = $3 WHERE id = $1")
        .bind(sensor)
        .bind(now.0)
        .bind(number.cast_signed())
        .execute(conn)
        .await?;
    Ok(())
}
