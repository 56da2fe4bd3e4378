//! Sensors: their tokens, identities, lists in force and revocation.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use varde_common::id::{Revision, SensorId, SiteId};
use varde_common::time::Timestamp;
use varde_common::words::fingerprint;

use super::belonging::take_place;
use super::departure::SENSORS_ABOVE;
use super::heartbeat::BEFORE;
use super::{Scope, Store, StoreError, restored};
use crate::enrolment::TokenRow;
use crate::hearing::{Hearing, Lately};

/// A sensor as `sensor list` shows it. Times that are not yet are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensorRow {
    /// Its number.
    pub id: i64,
    /// Its member's number.
    pub member: String,
    /// Its member's name.
    pub member_name: String,
    /// When it enrolled.
    pub enrolled_at: Option<Timestamp>,
    /// Until when its token is good, while unused.
    pub token_expires_at: Timestamp,
    /// Whether a session stands.
    pub connected: bool,
    /// How it hears: well, dropping (more than 1 % of frames of late) or deaf; null = not known, or not connected.
    pub hearing: Option<&'static str>,
    /// What it read and lost in the last minutes; null = not known.
    pub lately: Option<Lately>,
    /// What its last session came over: `quic`, or `tcp` where UDP is blocked.
    pub carrier: Option<String>,
    /// List in force; 0 = none.
    pub revision: i64,
    /// Since when, by the sensor's clock.
    pub revision_since: Option<Timestamp>,
    /// When that list was published.
    pub revision_published_at: Option<Timestamp>,
    /// When it last refused a list.
    pub refused_at: Option<Timestamp>,
    /// Why.
    pub refused_why: Option<String>,
    /// Program version.
    pub agent_version: Option<String>,
    /// When its session last began.
    pub last_connected_at: Option<Timestamp>,
    /// When it was last heard.
    pub last_seen_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Version of the conversation in its last session.
    pub protocol: Option<i64>,
    /// Records that came again and were not stored twice.
    pub replayed: i64,
    /// Messages passed over: of kinds not known here, or too many.
    pub passed_over: i64,
    /// When an older state of it last came.
    pub set_back_at: Option<Timestamp>,
    /// When two were found to live with its identity; until it is released neither is heard.
    pub quarantined_at: Option<Timestamp>,
    /// Root document in force there, by its own word.
    pub root_version: Option<i64>,
    /// When it last refused a root document, unless it took one since.
    pub root_refused_at: Option<Timestamp>,
    /// Why.
    pub root_refused_why: Option<String>,
    /// `not_told`, `fresh`, `stale` or `behind`; null = it says nothing of it.
    pub freshness: Option<String>,
    /// The time in the newest word it has of which list is the newest.
    pub newest_told_at: Option<Timestamp>,
    /// Why it last did not believe such a word, unless it did since.
    pub newest_refused_why: Option<String>,
    /// Until when the certificate is good that it last came with.
    pub certificate_until: Option<Timestamp>,
    /// When it was last given one in place of another.
    pub renewed_at: Option<Timestamp>,
    /// When it was last refused one.
    pub renewal_refused_at: Option<Timestamp>,
    /// Why: revoked, unknown, quarantined, toolate, toooften, badrequest or noauthority.
    pub renewal_refused_why: Option<String>,
    /// Since when it waits for a person's approval; null = it does not.
    pub pending_at: Option<Timestamp>,
    /// The eight words of the key that waits, as its own end shows them.
    pub words: Option<String>,
    /// Number of the sensor whose place it takes.
    pub replaces: Option<i64>,
    /// The channel it is to follow.
    pub channel: String,
    /// The one it follows, by its own word.
    pub follows: Option<String>,
    /// Why it last did not follow another.
    pub channel_refused_why: Option<String>,
    /// When a self-test of it last came the whole way.
    pub self_tested_at: Option<Timestamp>,
}

/// Who is behind a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The sensor's number.
    pub sensor: i64,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether two live with it.
    pub quarantined: bool,
}

/// What became of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It is revoked now.
    Now,
    /// It was before.
    Before,
    /// There is no such sensor.
    NoSuchSensor,
}

/// SQLite's numbers are signed; ours that are not stay far below.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A hash of another length is none.
fn hash(row: &SqliteRow, column: &str) -> Result<Option<[u8; 32]>, sqlx::Error> {
    Ok(row.try_get::<Option<Vec<u8>>, _>(column)?.and_then(|octets| octets.try_into().ok()))
}

fn moment(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

impl Store {
    /// A new sensor with its token and its home site; gives its number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_token(
        &self,
        member_id: i64,
        secret_sha256: &[u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<SensorId, StoreError> {
        let mut tx = self.begin().await?;
        let highest: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM sensor").fetch_one(&mut *tx).await?;
        // The number of one that was deleted with its member is never another's.
        let next = highest.max(restored::above(&mut tx, SENSORS_ABOVE).await?).saturating_add(1);
        let sql = "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256)
            VALUES ($1, $2, $3, $4, $5) RETURNING id";
        let id: i64 = sqlx::query_scalar(sql)
            .bind(next)
            .bind(member_id)
            .bind(now.0)
            .bind(expires_at.0)
            .bind(secret_sha256.as_slice())
            .fetch_one(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO site (sensor_id, site, member_id) VALUES ($1, 0, $2)")
            .bind(id)
            .bind(member_id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(SensorId(u64::try_from(id).unwrap_or(0)))
    }

    /// What is kept of a sensor's token.
    ///
    /// # Errors
    /// The database's own.
    pub async fn token_row(&self, scope: Scope, sensor: SensorId) -> Result<Option<TokenRow>, StoreError> {
        let sql =
            "SELECT token_secret_sha256, token_expires_at, enrolled_at, revoked_at, spki_sha256, last_connected_at,
                pending_at, pending_spki_sha256, approved_at, member.name AS member_name
            FROM sensor JOIN member ON member.id = sensor.member_id
            WHERE sensor.id = $1 AND ($2 IS NULL OR member_id = $2)";
        let row =
            sqlx::query(sql).bind(number(sensor.0)).bind(scope.member_id()).fetch_optional(self.readers()).await?;
        let Some(row) = row else { return Ok(None) };
        let secret: Vec<u8> = row.try_get("token_secret_sha256")?;
        // A hash of another length matches nothing: as if the token were unknown.
        let Ok(secret_sha256) = <[u8; 32]>::try_from(secret) else { return Ok(None) };
        Ok(Some(TokenRow {
            secret_sha256,
            expires_at: Timestamp(row.try_get("token_expires_at")?),
            enrolled_at: moment(&row, "enrolled_at")?,
            revoked_at: moment(&row, "revoked_at")?,
            spki_sha256: hash(&row, "spki_sha256")?,
            came: moment(&row, "last_connected_at")?.is_some(),
            pending: hash(&row, "pending_spki_sha256")?.zip(moment(&row, "pending_at")?),
            approved_at: moment(&row, "approved_at")?,
            member_name: row.try_get("member_name")?,
        }))
    }

    /// Consumes a token for a public key, in one statement: of any number of attempts one gets `true`. A key that
    /// already is a living sensor's is not taken twice.
    ///
    /// # Errors
    /// The database's own.
    pub async fn consume_token(
        &self,
        sensor: SensorId,
        spki_sha256: &[u8; 32],
        certificate_until: Timestamp,
        agent_version: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE sensor SET enrolled_at = $2, spki_sha256 = $3, agent_version = $4, certificate_until = $5
            WHERE id = $1 AND enrolled_at IS NULL AND revoked_at IS NULL
            AND ((pending_at IS NULL AND token_expires_at > $2)
                OR (approved_at IS NOT NULL AND pending_spki_sha256 = $3))
            AND NOT EXISTS (SELECT 1 FROM sensor AS other WHERE other.revoked_at IS NULL
                AND (other.spki_sha256 = $3 OR other.spki_next_sha256 = $3))";
        let mut tx = self.begin().await?;
        let done = sqlx::query(sql)
            .bind(number(sensor.0))
            .bind(now.0)
            .bind(spki_sha256.as_slice())
            .bind(agent_version)
            .bind(certificate_until.0)
            .execute(&mut *tx)
            .await?;
        let taken = done.rows_affected() != 1 || take_place(&mut tx, number(sensor.0), now).await?;
        tx.commit().await?;
        if !taken {
            tracing::warn!(
                sensor = sensor.0,
                "the sensor does not take the place that was promised with its token: one of the two was moved to another member meanwhile; revoke the old one by hand, and give the new one its sites"
            );
        }
        Ok(done.rows_affected() == 1)
    }

    /// Who is behind a public key; a living sensor before a revoked one.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sensor_by_key(&self, scope: Scope, spki_sha256: &[u8; 32]) -> Result<Option<Identity>, StoreError> {
        let sql = "SELECT id, revoked_at, quarantined_at FROM sensor
            WHERE (spki_sha256 = $1 OR spki_next_sha256 = $1) AND ($2 IS NULL OR member_id = $2)
            ORDER BY CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, id DESC LIMIT 1";
        let row = sqlx::query(sql).bind(spki_sha256.as_slice()).bind(scope.member_id());
        let Some(row) = row.fetch_optional(self.readers()).await? else { return Ok(None) };
        Ok(Some(Identity {
            sensor: row.try_get("id")?,
            revoked: moment(&row, "revoked_at")?.is_some(),
            quarantined: moment(&row, "quarantined_at")?.is_some(),
        }))
    }

    /// The sites a sensor may report for.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sites_of(&self, scope: Scope, sensor: i64) -> Result<Vec<SiteId>, StoreError> {
        let sql = "SELECT site FROM site WHERE sensor_id = $1 AND ($2 IS NULL OR member_id = $2) ORDER BY site";
        let sites: Vec<i64> =
            sqlx::query_scalar(sql).bind(sensor).bind(scope.member_id()).fetch_all(self.readers()).await?;
        Ok(sites.into_iter().filter_map(|site| u16::try_from(site).ok()).map(SiteId).collect())
    }

    /// Sensors that have enrolled and are not revoked.
    ///
    /// # Errors
    /// The database's own.
    pub async fn living_sensors(&self, scope: Scope) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM sensor
            WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL AND ($1 IS NULL OR member_id = $1)";
        let count: i64 = sqlx::query_scalar(sql).bind(scope.member_id()).fetch_one(self.readers()).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// A sensor refused a list; the one before stays in force there.
    ///
    /// # Errors
    /// The database's own.
    pub async fn list_refused(
        &self,
        sensor: i64,
        in_force: Revision,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE sensor SET revision = $2, refused_revision_at = $3, refused_why = $4, last_seen_at = $3
            WHERE id = $1";
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(sensor).bind(number(in_force.0)).bind(now.0).bind(why).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Revokes a sensor, or a token not used yet.
    ///
    /// # Errors
    /// The database's own.
    pub async fn revoke_sensor(&self, sensor: i64, now: Timestamp) -> Result<Revoked, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("UPDATE sensor SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(sensor)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 1 {
            tx.commit().await?;
            return Ok(Revoked::Now);
        }
        let there: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sensor WHERE id = $1").bind(sensor).fetch_one(&mut *tx).await?;
        Ok(if there == 0 { Revoked::NoSuchSensor } else { Revoked::Before })
    }

    /// All revoked sensors.
    ///
    /// # Errors
    /// The database's own.
    pub async fn revoked_sensors(&self, scope: Scope) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM sensor WHERE revoked_at IS NOT NULL AND ($1 IS NULL OR member_id = $1)";
        Ok(sqlx::query_scalar(sql).bind(scope.member_id()).fetch_all(self.readers()).await?)
    }

    /// The sensors, by number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn sensor_rows(&self, scope: Scope) -> Result<Vec<SensorRow>, StoreError> {
        let sql = format!(
            "SELECT s.*, {BEFORE},
             (SELECT list.published_at FROM list_revision list WHERE list.revision = s.revision) AS revision_published_at,
             member.number AS member_number, member.name AS member_name
             FROM sensor s JOIN member ON member.id = s.member_id
             WHERE ($1 IS NULL OR s.member_id = $1) ORDER BY s.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(scope.member_id()).fetch_all(self.readers()).await?;
        let mut sensors = Vec::with_capacity(rows.len());
        for row in &rows {
            let heartbeat: Option<String> = row.try_get("heartbeat")?;
            let before: Option<String> = row.try_get("heartbeat_before")?;
            let connected = row.try_get::<i64, _>("connected")? != 0;
            let hearing =
                if connected { Hearing::read(heartbeat.as_deref(), before.as_deref()) } else { Hearing::Unknown };
            let waits = moment(row, "enrolled_at")?.is_none() && moment(row, "approved_at")?.is_none();
            let pending = hash(row, "pending_spki_sha256")?.zip(moment(row, "pending_at")?).filter(|_| waits);
            sensors.push(SensorRow {
                id: row.try_get("id")?,
                member: row.try_get("member_number")?,
                member_name: row.try_get("member_name")?,
                enrolled_at: moment(row, "enrolled_at")?,
                token_expires_at: Timestamp(row.try_get("token_expires_at")?),
                connected,
                carrier: row.try_get("carrier")?,
                hearing: hearing.as_str(),
                lately: hearing.lately(),
                revision: row.try_get("revision")?,
                revision_since: moment(row, "revision_since")?,
                revision_published_at: moment(row, "revision_published_at")?,
                refused_at: moment(row, "refused_revision_at")?,
                refused_why: row.try_get("refused_why")?,
                agent_version: row.try_get("agent_version")?,
                last_connected_at: moment(row, "last_connected_at")?,
                last_seen_at: moment(row, "last_seen_at")?,
                revoked_at: moment(row, "revoked_at")?,
                protocol: row.try_get("protocol")?,
                replayed: row.try_get("replayed")?,
                passed_over: row.try_get("passed_over")?,
                set_back_at: moment(row, "set_back_at")?,
                quarantined_at: moment(row, "quarantined_at")?,
                root_version: row.try_get("root_version")?,
                root_refused_at: moment(row, "root_refused_at")?,
                root_refused_why: row.try_get("root_refused_why")?,
                freshness: row.try_get("freshness")?,
                newest_told_at: moment(row, "newest_told_at")?,
                newest_refused_why: row.try_get("newest_refused_why")?,
                certificate_until: moment(row, "certificate_until")?,
                renewed_at: moment(row, "renewed_at")?,
                renewal_refused_at: moment(row, "renewal_refused_at")?,
                renewal_refused_why: row.try_get("renewal_refused_why")?,
                pending_at: pending.map(|(_, at)| at),
                words: pending.map(|(key, _)| fingerprint(&key)),
                replaces: row.try_get("replaces")?,
                channel: row.try_get("channel")?,
                follows: row.try_get("follows")?,
                channel_refused_why: row.try_get("channel_refused_why")?,
                self_tested_at: moment(row, "self_tested_at")?,
            });
        }
        Ok(sensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store_with_member(dir: &std::path::Path) -> (Store, i64) {
        let store = Store::create(dir).await.unwrap();
        store.add_member(&"3407".parse().unwrap(), "Gjøvik", Timestamp(1)).await.unwrap();
        let member = store.member_rows(Scope::Operator).await.unwrap()[0].id;
        (store, member)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn e1_of_twenty_at_once_one_consumes_the_token() {
        let dir = tempfile::tempdir().unwrap();
        let (store, member) = store_with_member(dir.path()).await;
        let sensor = store.add_token(member, &[1; 32], Timestamp(1), Timestamp(100)).await.unwrap();
        let mut tries = tokio::task::JoinSet::new();
        for n in 0..20u8 {
            // Half of them through a second program's connection.
            let store = if n % 2 == 0 { store.clone() } else { Store::open(dir.path()).await.unwrap() };
            tries.spawn(async move {
                store.consume_token(sensor, &[n; 32], Timestamp(99), "0.1.0", Timestamp(50)).await.unwrap()
            });
        }
        let won = tries.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
    }

    #[tokio::test]
    async fn e1_expired_revoked_and_foreign_keys_consume_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (store, member) = store_with_member(dir.path()).await;
        let token = async || store.add_token(member, &[1; 32], Timestamp(1), Timestamp(100)).await.unwrap();
        let (late, revoked, first, second) = (token().await, token().await, token().await, token().await);
        let take = async |sensor: SensorId, key: u8, now: i64| {
            store.consume_token(sensor, &[key; 32], Timestamp(999), "0.1.0", Timestamp(now)).await.unwrap()
        };
        assert!(!take(late, 1, 100).await);
        assert_eq!(store.revoke_sensor(revoked.0 as i64, Timestamp(5)).await.unwrap(), Revoked::Now);
        assert!(!take(revoked, 2, 50).await);
        assert!(take(first, 3, 50).await);
        assert!(!take(second, 3, 50).await, "one key is one sensor");
        assert_eq!(store.revoke_sensor(first.0 as i64, Timestamp(60)).await.unwrap(), Revoked::Now);
        let identity = store.sensor_by_key(Scope::Operator, &[3; 32]).await.unwrap();
        assert_eq!(identity, Some(Identity { sensor: first.0 as i64, revoked: true, quarantined: false }));
        assert!(take(second, 3, 70).await, "a new token lets a revoked machine come back");
        let identity = store.sensor_by_key(Scope::Operator, &[3; 32]).await.unwrap();
        assert_eq!(identity, Some(Identity { sensor: second.0 as i64, revoked: false, quarantined: false }));
        assert_eq!(store.revoke_sensor(99, Timestamp(1)).await.unwrap(), Revoked::NoSuchSensor);
        assert_eq!(store.revoke_sensor(first.0 as i64, Timestamp(1)).await.unwrap(), Revoked::Before);
        assert_eq!(store.living_sensors(Scope::Operator).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn e1_a_kept_token_is_for_one_key_and_waits_for_a_person() {
        let dir = tempfile::tempdir().unwrap();
        let (store, member) = store_with_member(dir.path()).await;
        let sensor = store.add_token(member, &[1; 32], Timestamp(1), Timestamp(100)).await.unwrap();
        let id = sensor.0 as i64;
        let row = async || store.sensor_rows(Scope::Operator).await.unwrap().remove(0);
        assert!(!store.approve_sensor(id, Timestamp(5)).await.unwrap(), "nobody waits");
        assert!(store.keep_token(sensor, &[5; 32], "0.1.0", Timestamp(50)).await.unwrap());
        assert!(!store.keep_token(sensor, &[6; 32], "0.1.0", Timestamp(51)).await.unwrap(), "kept for one key");
        let take = async |key: u8, now| {
            store.consume_token(sensor, &[key; 32], Timestamp(999), "0.1.0", Timestamp(now)).await.unwrap()
        };
        assert!(!take(5, 60).await, "not approved");
        assert_eq!((row().await.pending_at, row().await.words), (Some(Timestamp(50)), Some(fingerprint(&[5; 32]))));
        assert!(store.approve_sensor(id, Timestamp(70)).await.unwrap());
        assert!(!store.approve_sensor(id, Timestamp(71)).await.unwrap(), "once");
        assert!(!take(6, 80).await, "approved for one key");
        assert!(take(5, 200).await, "also when the token's own time is over by then");
        assert_eq!((row().await.pending_at, row().await.certificate_until), (None, Some(Timestamp(999))));
        // One that was refused comes in no more.
        let other = store.add_token(member, &[2; 32], Timestamp(1), Timestamp(100)).await.unwrap();
        assert!(store.keep_token(other, &[9; 32], "0.1.0", Timestamp(50)).await.unwrap());
        store.revoke_sensor(other.0 as i64, Timestamp(60)).await.unwrap();
        assert!(!store.approve_sensor(other.0 as i64, Timestamp(61)).await.unwrap());
        assert!(!store.consume_token(other, &[9; 32], Timestamp(999), "0.1.0", Timestamp(62)).await.unwrap());
    }

    #[tokio::test]
    async fn a_token_brings_site_zero_and_a_list_in_force_is_kept_the_first_time() {
        let dir = tempfile::tempdir().unwrap();
        let (store, member) = store_with_member(dir.path()).await;
        let sensor = store.add_token(member, &[1; 32], Timestamp(1), Timestamp(100)).await.unwrap().0 as i64;
        assert_eq!(store.sites_of(Scope::Operator, sensor).await.unwrap(), [SiteId(0)]);
        sqlx::query(
            "INSERT INTO list_revision (revision, manifest, base, count, published_at) VALUES (1, x'', x'', 0, 1)",
        )
        .execute(&store.writer)
        .await
        .unwrap();
        for (revision, since) in [(1, 10), (1, 20), (7, 30)] {
            store.list_in_force(sensor, Revision(revision), Timestamp(since), Timestamp(50)).await.unwrap();
        }
        let kept: Vec<(i64, i64)> =
            sqlx::query_as("SELECT revision, since FROM in_force").fetch_all(store.readers()).await.unwrap();
        assert_eq!(kept, [(1, 10)], "never overwritten, and only what was published");
        store.list_refused(sensor, Revision(1), "because", Timestamp(60)).await.unwrap();
        let row = store.sensor_rows(Scope::Operator).await.unwrap().remove(0);
        assert_eq!(
            (row.revision, row.refused_why.as_deref(), row.refused_at),
            (1, Some("because"), Some(Timestamp(60)))
        );
        assert!(store.sensor_rows(Scope::Member(member + 1)).await.unwrap().is_empty());
    }
}
