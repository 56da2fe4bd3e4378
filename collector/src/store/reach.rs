//! At which sensors the newest list is in force, and since when the collector knows.

use varde_common::id::Revision;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};
use crate::reach::{Reach, Reached};

/// How far the newest list of channel all has come among those who follow it; none where there is none.
///
/// # Errors
/// The database's own.
pub(super) async fn newest(conn: &mut sqlx::SqliteConnection) -> Result<Option<Reach>, sqlx::Error> {
    let sql = "SELECT revision, published_at FROM list_revision WHERE channel = 'all' ORDER BY revision DESC LIMIT 1";
    let Some((revision, published_at)) = sqlx::query_as::<_, (i64, i64)>(sql).fetch_optional(&mut *conn).await? else {
        return Ok(None);
    };
    let sql = "SELECT sensor.id, sensor.enrolled_at, in_force.heard_at FROM sensor
        LEFT JOIN in_force ON in_force.sensor_id = sensor.id AND in_force.revision = $1
        WHERE sensor.enrolled_at IS NOT NULL AND sensor.revoked_at IS NULL
            AND COALESCE(sensor.follows, 'all') = 'all' ORDER BY sensor.id";
    let rows: Vec<(i64, i64, Option<i64>)> = sqlx::query_as(sql).bind(revision).fetch_all(&mut *conn).await?;
    let read = |(sensor, enrolled, heard): (i64, i64, Option<i64>)| Reached {
        sensor,
        enrolled_at: Timestamp(enrolled),
        heard_at: heard.map(Timestamp),
    };
    let sensors: Vec<Reached> = rows.into_iter().map(read).collect();
    Ok(Some(Reach::of(revision, Timestamp(published_at), &sensors)))
}

fn number(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// Notes that a list is in force at a sensor; the first time it says so stays.
pub(super) async fn note_in_force(
    conn: &mut sqlx::SqliteConnection,
    sensor: i64,
    revision: Revision,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    // Only numbers that were published: a sensor cannot fill this table.
    let sql = "INSERT INTO in_force (sensor_id, revision, since, heard_at)
        SELECT $1, revision, $3, $4 FROM list_revision WHERE revision = $2
        ON CONFLICT (sensor_id, revision) DO NOTHING";
    sqlx::query(sql).bind(sensor).bind(number(revision)).bind(since.0).bind(now.0).execute(conn).await?;
    Ok(())
}

impl Store {
    /// A list came into force at a sensor. The first time it says so stays.
    ///
    /// # Errors
    /// The database's own.
    pub async fn list_in_force(
        &self,
        sensor: i64,
        revision: Revision,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sensor SET revision = $2, revision_since = $3, last_seen_at = $4 WHERE id = $1")
            .bind(sensor)
            .bind(number(revision))
            .bind(since.0)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        note_in_force(&mut tx, sensor, revision, since, now).await?;
        Ok(tx.commit().await?)
    }

    /// How far the newest list has come; none where there is none, and none for a member: it counts others' sensors.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reach(&self, scope: Scope) -> Result<Option<Reach>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let mut conn = self.readers().acquire().await?;
        Ok(newest(&mut conn).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;
    use crate::store::presence;

    #[tokio::test]
    async fn a_revoked_sensor_and_a_token_are_none_of_those_a_list_is_to_reach() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        fixture.run("INSERT INTO list_revision (revision, manifest, base, count, published_at) VALUES (1, x'', x'', 1, 1000)").await;
        let reach = async || store.reach(Scope::Operator).await.unwrap().unwrap();
        let begun = reach().await;
        assert_eq!(begun.sensors, 3);
        let published = begun.published_at;
        let ids: Vec<i64> = store.sensor_rows(Scope::Operator).await.unwrap().iter().map(|row| row.id).collect();
        let revision = Revision(u64::try_from(begun.revision).unwrap());
        for (n, id) in ids.iter().take(2).enumerate() {
            let at = Timestamp(published.0 + (n as i64 + 1) * 1_000_000);
            store.list_in_force(*id, revision, at, at).await.unwrap();
        }
        // A list of another channel is not for these, and who follows that one waits for no list of theirs.
        fixture.run("INSERT INTO list_revision (revision, manifest, base, count, published_at, channel) VALUES (2, x'', x'', 1, 2000, 'pilot')").await;
        fixture.run("UPDATE sensor SET follows = 'pilot' WHERE id = (SELECT MAX(id) FROM sensor)").await;
        assert_eq!((reach().await.revision, reach().await.sensors), (1, 2));
        fixture.run("UPDATE sensor SET follows = NULL").await;
        let two = reach().await;
        assert_eq!((two.in_force, two.all_ms, two.missing.as_slice()), (2, None, &ids[2..]));
        store.revoke_sensor(ids[2], Timestamp(9)).await.unwrap();
        let all = reach().await;
        assert_eq!((all.sensors, all.in_force, all.missing.len()), (2, 2, 0));
        assert!(all.all_ms.is_some(), "who is revoked keeps nobody from being all");
        assert!(store.reach(Scope::Member(1)).await.unwrap().is_none(), "it counts others' sensors");
    }

    #[tokio::test]
    async fn l2_a_list_that_came_into_force_while_no_session_stood_counts_from_the_next_hello() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        fixture.run("INSERT INTO list_revision (revision, manifest, base, count, published_at) VALUES (5, x'', x'', 1, 1000)").await;
        let says = async |sensor: i64, revision: u64, at: i64| {
            let mut tx = store.begin().await.unwrap();
            let said = (Revision(revision), 3, "quic", Timestamp(at));
            presence::connected(&mut tx, sensor, "0.1.0", said.0, said.1, said.2, said.3).await.unwrap();
            tx.commit().await.unwrap();
        };
        let reach = async || store.reach(Scope::Operator).await.unwrap().unwrap();
        // What nobody published is none, whatever a sensor says.
        says(1, 9, 2_000).await;
        assert_eq!((reach().await.in_force, fixture.count("SELECT COUNT(*) FROM in_force").await), (0, 0));
        says(1, 5, 3_000).await;
        says(1, 5, 4_000).await;
        assert_eq!(fixture.count("SELECT heard_at FROM in_force").await, 3_000, "the first time counts");
        assert_eq!(fixture.count("SELECT revision_since FROM sensor WHERE id = 1").await, 3_000);
        store.list_in_force(2, Revision(5), Timestamp(20), Timestamp(50)).await.unwrap();
        says(2, 5, 4_000).await;
        assert_eq!(fixture.count("SELECT since FROM in_force WHERE sensor_id = 2").await, 20, "its own word stays");
        assert_eq!(fixture.count("SELECT revision_since FROM sensor WHERE id = 2").await, 20);
        assert_eq!((reach().await.in_force, reach().await.missing.len()), (2, 0));
    }
}
