//! Which channel each sensor is to follow, and which it does.

use varde_common::channel::{ChannelName, Placement};
use varde_common::id::SensorId;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};

/// The word that has a sensor follow a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// What it says.
    pub placement: Placement,
    /// As it was signed.
    pub signed: Vec<u8>,
}

impl Store {
    /// The newest word of each sensor that ever had one, by its number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn placements(&self, scope: Scope) -> Result<Vec<Placed>, StoreError> {
        let sql = "SELECT id, channel, channel_at, channel_word FROM sensor
            WHERE channel_word IS NOT NULL AND channel_at IS NOT NULL AND ($1 IS NULL OR member_id = $1) ORDER BY id";
        let rows: Vec<(i64, String, i64, Vec<u8>)> =
            sqlx::query_as(sql).bind(scope.member_id()).fetch_all(self.readers()).await?;
        let read = |(id, channel, at, signed): (i64, String, i64, Vec<u8>)| {
            let sensor = SensorId(u64::try_from(id).ok()?);
            let placement = Placement { sensor, channel: channel.parse().ok()?, at: Timestamp(at) };
            Some(Placed { placement, signed })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Has a sensor follow a channel, unless a later word says otherwise or it was revoked. Gives whether it is so.
    ///
    /// # Errors
    /// The database's own.
    pub async fn place(&self, placed: &Placed) -> Result<bool, StoreError> {
        let Placed { placement: Placement { sensor, channel, at }, signed } = placed;
        let mut tx = self.begin().await?;
        let sql = "UPDATE sensor SET channel = $2, channel_at = $3, channel_word = $4
            WHERE id = $1 AND revoked_at IS NULL AND (channel_at IS NULL OR channel_at <= $3)";
        let done = sqlx::query(sql)
            .bind(i64::try_from(sensor.0).unwrap_or(i64::MAX))
            .bind(channel.as_str())
            .bind(at.0)
            .bind(signed)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// What a sensor says it follows, and why it did not follow another word.
    ///
    /// # Errors
    /// The database's own.
    pub async fn follows(&self, sensor: i64, channel: &ChannelName, refused: Option<&str>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sensor SET follows = $2, channel_refused_why = $3 WHERE id = $1")
            .bind(sensor)
            .bind(channel.as_str())
            .bind(refused)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}
