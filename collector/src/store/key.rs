//! Sensors' keys over time: which is honoured, which ended, which is to come.

use sqlx::Row;
use varde_common::id::Epoch;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError, mark};
use crate::limits::RENEWALS_PER_DAY;
use crate::renewal::Known;

const DAY_US: i64 = 86_400_000_000;
/// The same is not noted again within an hour: who knocks without end must not write without end.
const ALARM_AGAIN_US: i64 = 3_600_000_000;

impl Store {
    /// Who is behind a key that asks for the next certificate; a living sensor before a revoked one, a key that is
    /// honoured before one that has ended.
    ///
    /// # Errors
    /// The database's own.
    pub async fn known_by_key(&self, scope: Scope, spki_sha256: &[u8; 32]) -> Result<Option<Known>, StoreError> {
        let sql = "SELECT id, revoked_at, quarantined_at, renewals_from, renewals,
                CASE WHEN spki_sha256 = $1 OR spki_next_sha256 = $1 THEN 0 ELSE 1 END AS ended
            FROM sensor WHERE (spki_sha256 = $1 OR spki_next_sha256 = $1 OR spki_before_sha256 = $1)
                AND ($2 IS NULL OR member_id = $2)
            ORDER BY CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, ended, id DESC LIMIT 1";
        let row = sqlx::query(sql).bind(spki_sha256.as_slice()).bind(scope.member_id());
        let Some(row) = row.fetch_optional(self.readers()).await? else { return Ok(None) };
        let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Timestamp));
        Ok(Some(Known {
            sensor: row.try_get("id")?,
            revoked: moment("revoked_at")?.is_some(),
            quarantined: moment("quarantined_at")?.is_some(),
            ended: row.try_get::<i64, _>("ended")? != 0,
            renewals_from: moment("renewals_from")?,
            renewals: row.try_get("renewals")?,
        }))
    }

    /// A session was begun by this key, whose certificate is good until then. Where it is the one that was to come, it
    /// takes its place now, and the one before has ended.
    ///
    /// # Errors
    /// The database's own.
    pub async fn key_used(&self, sensor: i64, spki_sha256: &[u8; 32], until: Timestamp) -> Result<(), StoreError> {
        // Most sessions change nothing here, and then none waits for a database that is busy.
        let sql = "SELECT COUNT(*) FROM sensor WHERE id = $1
            AND (spki_next_sha256 = $2 OR (spki_sha256 = $2 AND (certificate_until IS NULL OR certificate_until <> $3)))";
        let changes: i64 = sqlx::query_scalar(sql)
            .bind(sensor)
            .bind(spki_sha256.as_slice())
            .bind(until.0)
            .fetch_one(self.readers())
            .await?;
        if changes == 0 {
            return Ok(());
        }
        let sql = "UPDATE sensor SET
                spki_before_sha256 = CASE WHEN spki_next_sha256 = $2 THEN spki_sha256 ELSE spki_before_sha256 END,
                spki_next_sha256 = CASE WHEN spki_next_sha256 = $2 THEN NULL ELSE spki_next_sha256 END,
                certificate_next_until = CASE WHEN spki_next_sha256 = $2 THEN NULL ELSE certificate_next_until END,
                spki_sha256 = $2, certificate_until = $3
            WHERE id = $1 AND (spki_sha256 = $2 OR spki_next_sha256 = $2)
                AND (spki_next_sha256 = $2 OR certificate_until IS NULL OR certificate_until <> $3)";
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(sensor).bind(spki_sha256.as_slice()).bind(until.0).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// A certificate is about to be given to a sensor that proved itself `by` a key: from now on it is honoured by the next
    /// key too. In one statement, so that of any number at once no more than the limit are given. False where it may not be:
    /// revoked in this moment, too often, or the key is in use already.
    ///
    /// # Errors
    /// The database's own.
    pub async fn key_given(
        &self,
        sensor: i64,
        by: &[u8; 32],
        next: &[u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let another_day = "(renewals_from IS NULL OR renewals_from > $5 OR renewals_from <= $5 - $6)";
        let sql = format!(
            "UPDATE sensor SET spki_next_sha256 = $3, certificate_next_until = $4, renewed_at = $5,
                renewals = CASE WHEN {another_day} THEN 1 ELSE renewals + 1 END,
                renewals_from = CASE WHEN {another_day} THEN $5 ELSE renewals_from END,
                renewal_refused_at = NULL, renewal_refused_why = NULL
            WHERE id = $1 AND revoked_at IS NULL AND quarantined_at IS NULL
                AND (spki_sha256 = $2 OR spki_next_sha256 = $2) AND spki_sha256 <> $3
                AND ({another_day} OR renewals < $7)
                AND NOT EXISTS (SELECT 1 FROM sensor AS other WHERE other.id <> $1 AND other.revoked_at IS NULL
                    AND (other.spki_sha256 = $3 OR other.spki_next_sha256 = $3))"
        );
        let mut tx = self.begin().await?;
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(sensor)
            .bind(by.as_slice())
            .bind(next.as_slice())
            .bind(until.0)
            .bind(now.0)
            .bind(DAY_US)
            .bind(RENEWALS_PER_DAY)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes something about a sensor that a person should see, unless the same was noted within the last hour. Gives
    /// whether it was.
    ///
    /// # Errors
    /// The database's own.
    pub async fn note_seldom(&self, sensor: i64, event: &'static str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row: Option<Option<String>> =
            sqlx::query_scalar("SELECT epoch FROM sensor WHERE id = $1").bind(sensor).fetch_optional(&mut *tx).await?;
        let Some(epoch) = row else { return Ok(false) };
        let epoch = epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(Epoch(0));
        let body = serde_json::json!({ "event": event });
        let sql = "SELECT COUNT(*) FROM sensor_event
            WHERE sensor_id = $1 AND seq < 1 AND body = $2 AND received_at > $3 AND received_at <= $4";
        let lately: i64 = sqlx::query_scalar(sql)
            .bind(sensor)
            .bind(body.to_string())
            .bind(now.0.saturating_sub(ALARM_AGAIN_US))
            .bind(now.0)
            .fetch_one(&mut *tx)
            .await?;
        if lately > 0 {
            return Ok(false);
        }
        mark::note(&mut tx, sensor, epoch, &body, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A sensor asked for its next certificate and was not given it. Whether that was written.
    ///
    /// # Errors
    /// The database's own.
    pub async fn renewal_refused(&self, sensor: i64, why: &str, now: Timestamp) -> Result<bool, StoreError> {
        // Once a minute is enough: whoever asks without end must not write without end.
        let sql = "UPDATE sensor SET renewal_refused_at = $2, renewal_refused_why = $3 WHERE id = $1
            AND (renewal_refused_why IS NULL OR renewal_refused_why <> $3
                OR renewal_refused_at > $2 OR renewal_refused_at <= $2 - 60000000)";
        let mut tx = self.begin().await?;
        let written = sqlx::query(sql).bind(sensor).bind(now.0).bind(why).execute(&mut *tx).await?.rows_affected() > 0;
        tx.commit().await?;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};
    use std::time::Duration;

    const OLD: [u8; 32] = [0; 32];
    const NEW: [u8; 32] = [91; 32];
    const DAY: Duration = Duration::from_secs(86_400);

    async fn fixture() -> Fixture {
        let fixture = Fixture::new(2).await;
        fixture.run("UPDATE sensor SET spki_sha256 = zeroblob(32) WHERE id = 1").await;
        fixture.run("UPDATE sensor SET spki_sha256 = CAST(x'01' || zeroblob(31) AS BLOB) WHERE id = 2").await;
        fixture
    }

    async fn is_known(fixture: &Fixture, key: &[u8; 32]) -> Option<i64> {
        let found = fixture.store.sensor_by_key(Scope::Operator, key).await.unwrap();
        found.map(|found| found.sensor)
    }

    #[tokio::test]
    async fn e1_both_keys_are_honoured_until_the_new_one_was_used_and_then_the_old_one_ends() {
        let fixture = fixture().await;
        let store = &fixture.store;
        let (sensor, until) = (1, NOW.plus(DAY * 30));
        assert!(store.key_given(sensor, &OLD, &NEW, until, NOW).await.unwrap());
        // Used, and used again, as long as the new one was not.
        for _ in 0..2 {
            store.key_used(sensor, &OLD, NOW.plus(DAY)).await.unwrap();
            assert_eq!((is_known(&fixture, &OLD).await, is_known(&fixture, &NEW).await), (Some(1), Some(1)));
        }
        store.key_used(sensor, &NEW, until).await.unwrap();
        assert_eq!((is_known(&fixture, &OLD).await, is_known(&fixture, &NEW).await), (None, Some(1)));
        assert!(store.known_by_key(Scope::Operator, &OLD).await.unwrap().unwrap().ended, "and known for what it was");
        assert!(!store.key_given(sensor, &OLD, &[7; 32], until, NOW).await.unwrap(), "it is given nothing any more");
        assert!(!store.key_given(sensor, &NEW, &NEW, until, NOW).await.unwrap(), "a new certificate is of a new key");
        assert!(store.known_by_key(Scope::Member(2), &NEW).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn e1_p4_revoked_sensors_and_others_keys_are_given_nothing_and_nobody_too_often() {
        let fixture = fixture().await;
        let store = &fixture.store;
        let until = NOW.plus(DAY * 30);
        assert!(store.key_given(1, &OLD, &NEW, until, NOW).await.unwrap());
        let mut second = [0; 32];
        second[0] = 1;
        assert_eq!(is_known(&fixture, &second).await, Some(2));
        assert!(!store.key_given(2, &second, &NEW, until, NOW).await.unwrap(), "one key is one sensor");
        assert!(!store.key_given(2, &OLD, &[8; 32], until, NOW).await.unwrap(), "of another's key");
        // An answer that was lost is asked for again with the same key, a few times.
        for _ in 1..RENEWALS_PER_DAY {
            assert!(store.key_given(1, &OLD, &NEW, until, NOW.plus(Duration::from_secs(60))).await.unwrap());
        }
        assert!(!store.key_given(1, &OLD, &NEW, until, NOW.plus(DAY / 2)).await.unwrap());
        assert!(store.key_given(1, &OLD, &NEW, until, NOW.plus(DAY)).await.unwrap(), "another day");
        let hour = Duration::from_secs(3_600);
        assert!(store.note_seldom(1, "token_reused", NOW).await.unwrap());
        assert!(!store.note_seldom(1, "token_reused", NOW.plus(hour / 2)).await.unwrap());
        assert!(store.note_seldom(1, "ended_key", NOW.plus(hour / 2)).await.unwrap());
        assert!(store.note_seldom(1, "token_reused", NOW.plus(hour)).await.unwrap());
        assert!(!store.note_seldom(99, "token_reused", NOW).await.unwrap());
        store.revoke_sensor(1, NOW).await.unwrap();
        assert!(!store.key_given(1, &OLD, &[9; 32], until, NOW.plus(DAY * 9)).await.unwrap());
        assert!(store.known_by_key(Scope::Operator, &NEW).await.unwrap().unwrap().revoked);
    }
}
