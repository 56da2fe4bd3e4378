//! Whose place a sensor takes, and which member it belongs to: one that replaces a dead box, one that is moved.

use sqlx::SqliteConnection;
use varde_common::id::SensorId;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError};

impl Store {
    /// Whether a sensor may be replaced by another of this member: it is that member's and has enrolled.
    ///
    /// # Errors
    /// The database's own.
    pub async fn may_be_replaced(&self, sensor: i64, member_id: i64) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM sensor WHERE id = $1 AND member_id = $2 AND enrolled_at IS NOT NULL";
        let found: i64 = sqlx::query_scalar(sql).bind(sensor).bind(member_id).fetch_one(self.readers()).await?;
        Ok(found == 1)
    }

    /// A sensor whose token was just made takes another's place once it is enrolled.
    ///
    /// # Errors
    /// The database's own.
    pub async fn set_replaces(&self, sensor: SensorId, replaces: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE sensor SET replaces = $2 WHERE id = $1 AND enrolled_at IS NULL")
            .bind(i64::try_from(sensor.0).unwrap_or(0))
            .bind(replaces)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Places that were promised and will not be taken, because the two sensors are of two members by now: each new sensor that has
    /// not enrolled with the one it was made to replace, where one of them is this sensor.
    ///
    /// # Errors
    /// The database's own.
    pub async fn places_lost(&self, scope: Scope, sensor: i64) -> Result<Vec<(i64, i64)>, StoreError> {
        let sql = "SELECT new.id, old.id FROM sensor new JOIN sensor old ON old.id = new.replaces
            WHERE new.enrolled_at IS NULL AND new.revoked_at IS NULL AND new.member_id <> old.member_id
            AND $1 IN (new.id, old.id) AND ($2 IS NULL OR new.member_id = $2) ORDER BY new.id";
        Ok(sqlx::query_as(sql).bind(sensor).bind(scope.member_id()).fetch_all(self.readers()).await?)
    }

    /// A sensor belongs to another member from now on, with the sites that were its own member's. What is stored stays
    /// where it is. False where there is no such sensor, or it was revoked.
    ///
    /// # Errors
    /// The database's own.
    pub async fn move_sensor(&self, sensor: i64, member_id: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE site SET member_id = $2
            WHERE sensor_id = $1 AND member_id = (SELECT member_id FROM sensor WHERE id = $1 AND revoked_at IS NULL)";
        sqlx::query(sql).bind(sensor).bind(member_id).execute(&mut *tx).await?;
        let done = sqlx::query("UPDATE sensor SET member_id = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(sensor)
            .bind(member_id)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// A sensor that has just enrolled takes the place it was made for: the other's further sites are its own, and the other is revoked.
/// Not where one of the two was moved meanwhile: then they are of two members, and a member's network is never given to another by
/// that. Its home is its own from its token. False where a place that was promised was not taken.
///
/// # Errors
/// The database's own.
pub(super) async fn take_place(conn: &mut SqliteConnection, sensor: i64, now: Timestamp) -> Result<bool, sqlx::Error> {
    let replaces: Option<Option<i64>> =
        sqlx::query_scalar("SELECT replaces FROM sensor WHERE id = $1").bind(sensor).fetch_optional(&mut *conn).await?;
    let Some(replaced) = replaces.flatten() else { return Ok(true) };
    let sql = "UPDATE sensor SET revoked_at = COALESCE(revoked_at, $3)
        WHERE id = $2 AND member_id = (SELECT member_id FROM sensor WHERE id = $1)";
    let done = sqlx::query(sql).bind(sensor).bind(replaced).bind(now.0).execute(&mut *conn).await?;
    if done.rows_affected() != 1 {
        // What is listed of it must not say that it did.
        sqlx::query("UPDATE sensor SET replaces = NULL WHERE id = $1").bind(sensor).execute(conn).await?;
        return Ok(false);
    }
    let sql = "INSERT INTO site (sensor_id, site, member_id)
        SELECT $1, site, member_id FROM site WHERE sensor_id = $2 AND site <> 0
        ON CONFLICT (sensor_id, site) DO UPDATE SET member_id = excluded.member_id";
    sqlx::query(sql).bind(sensor).bind(replaced).execute(conn).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::store::Scope;
    use crate::store::fixture::{Fixture, NOW};
    use std::time::Duration;
    use varde_common::id::SiteId;

    #[tokio::test]
    async fn e1_p4_a_new_box_takes_a_dead_ones_place_once_it_is_enrolled_and_not_before() {
        let fixture = Fixture::new(2).await;
        let store = &fixture.store;
        fixture.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 4, 2)").await;
        assert!(store.may_be_replaced(1, 1).await.unwrap());
        assert!(!store.may_be_replaced(1, 2).await.unwrap() && !store.may_be_replaced(9, 1).await.unwrap());
        let until = NOW.plus(Duration::from_secs(60));
        let new = store.add_token(1, &[7; 32], NOW, until).await.unwrap();
        assert!(!store.may_be_replaced(new.0 as i64, 1).await.unwrap(), "one that never came has no place");
        store.set_replaces(new, 1).await.unwrap();
        assert_eq!(store.revoked_sensors(Scope::Operator).await.unwrap(), [0i64; 0], "the old one goes on meanwhile");
        assert!(!store.consume_token(new, &[8; 32], until, "0.1.0", until).await.unwrap(), "too late");
        assert_eq!(store.revoked_sensors(Scope::Operator).await.unwrap(), [0i64; 0]);
        assert!(store.consume_token(new, &[8; 32], until, "0.1.0", NOW).await.unwrap());
        assert_eq!(store.revoked_sensors(Scope::Operator).await.unwrap(), [1]);
        let sites = store.sites_of(Scope::Operator, new.0 as i64).await.unwrap();
        assert_eq!(sites, [SiteId(0), SiteId(4)]);
        assert_eq!(fixture.count("SELECT member_id FROM site WHERE sensor_id = 3 AND site = 4").await, 2);
    }

    #[tokio::test]
    async fn e1_p4_no_place_is_taken_where_one_of_the_two_was_moved_to_another_member() {
        for moved in [1, 3] {
            let fixture = Fixture::new(2).await;
            let store = &fixture.store;
            fixture.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 4, 2)").await;
            let until = NOW.plus(Duration::from_secs(60));
            let new = store.add_token(1, &[7; 32], NOW, until).await.unwrap();
            store.set_replaces(new, 1).await.unwrap();
            assert_eq!(store.places_lost(Scope::Operator, moved).await.unwrap(), []);
            assert!(store.move_sensor(moved, 2).await.unwrap());
            assert_eq!(store.places_lost(Scope::Operator, moved).await.unwrap(), [(3, 1)], "whoever moves it is told");
            assert!(store.consume_token(new, &[8; 32], until, "0.1.0", NOW).await.unwrap(), "it comes in all the same");
            assert_eq!(store.revoked_sensors(Scope::Operator).await.unwrap(), [0i64; 0], "nobody is shut out by it");
            assert_eq!(store.sites_of(Scope::Operator, 3).await.unwrap(), [SiteId(0)]);
            let home = fixture.count("SELECT member_id FROM site WHERE sensor_id = 3 AND site = 0").await;
            assert_eq!(home, if moved == 3 { 2 } else { 1 }, "its home is its own member's");
            assert_eq!(fixture.count("SELECT COUNT(*) FROM sensor WHERE replaces IS NOT NULL").await, 0);
        }
    }

    #[tokio::test]
    async fn a_moved_sensor_is_its_new_members_and_what_was_stored_is_the_old_ones() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        // A site of a third member stays that member's.
        fixture.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 4, 3)").await;
        assert!(store.move_sensor(1, 2).await.unwrap());
        assert_eq!(fixture.count("SELECT member_id FROM site WHERE sensor_id = 1 AND site = 0").await, 2);
        assert_eq!(fixture.count("SELECT member_id FROM site WHERE sensor_id = 1 AND site = 4").await, 3);
        assert_eq!(store.sensor_rows(Scope::Member(2)).await.unwrap().len(), 2);
        assert!(store.sensor_rows(Scope::Member(1)).await.unwrap().is_empty());
        store.revoke_sensor(1, NOW).await.unwrap();
        assert!(!store.move_sensor(1, 3).await.unwrap() && !store.move_sensor(99, 3).await.unwrap());
        assert_eq!(fixture.count("SELECT member_id FROM site WHERE sensor_id = 1 AND site = 0").await, 2);
    }
}
