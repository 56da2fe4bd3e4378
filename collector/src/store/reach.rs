//! At which sensors the newest list is in force, and since when the collector knows.

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

impl Store {
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
    use varde_common::id::Revision;

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
}
