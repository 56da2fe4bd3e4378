//! Sites: which networks a sensor may report for beside its home, and whose they are (decision 4).

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::id::SiteId;
use varde_common::limits::SITES_MAX;

use super::{Scope, Store, StoreError};

/// A site of a sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteRow {
    /// The sensor.
    pub sensor: i64,
    /// Its number there; 0 = home.
    pub site: i64,
    /// Number of the member whose network it is; of the sensor's own member where a member asks about its sites.
    pub member: String,
    /// That one's name.
    pub member_name: String,
    /// Whether the sensor named it in its last Hello.
    pub named: bool,
    /// Whether the sensor is revoked.
    pub revoked: bool,
}

impl SiteRow {
    /// Whether the sensor watches it: its home always, others once it has named them.
    pub fn watches(&self) -> bool {
        self.site == 0 || self.named
    }
}

/// What became of a new site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteAdded {
    /// The sensor may report for it.
    Now,
    /// It was that member's already.
    Before,
    /// It is another member's: it must be removed first, for its alerts until now are that one's.
    Another,
    /// There is no such sensor, or it was revoked.
    NoSensor,
    /// The sensor has as many as one may have.
    TooMany,
}

impl Store {
    /// Sites, by sensor and number: under a member's scope that member's, each with the sensor's own member; else each with
    /// the member whose it is.
    ///
    /// # Errors
    /// The database's own.
    pub async fn site_rows(&self, scope: Scope, sensor: Option<i64>) -> Result<Vec<SiteRow>, StoreError> {
        let sql = "SELECT t.sensor_id AS sensor, t.site, m.number AS member, m.name AS member_name, t.named,
                s.revoked_at IS NOT NULL AS revoked
            FROM site t JOIN sensor s ON s.id = t.sensor_id
            JOIN member m ON m.id = CASE WHEN $1 IS NULL THEN t.member_id ELSE s.member_id END
            WHERE ($1 IS NULL OR t.member_id = $1) AND ($2 IS NULL OR t.sensor_id = $2) ORDER BY t.sensor_id, t.site";
        let rows: Vec<(i64, i64, String, String, bool, bool)> =
            sqlx::query_as(sql).bind(scope.member_id()).bind(sensor).fetch_all(self.readers()).await?;
        let row = |(sensor, site, member, member_name, named, revoked)| SiteRow {
            sensor,
            site,
            member,
            member_name,
            named,
            revoked,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// A sensor may report for a site of a member from now on.
    ///
    /// # Errors
    /// The database's own.
    pub async fn add_site(&self, sensor: i64, site: SiteId, member: i64) -> Result<SiteAdded, StoreError> {
        let mut tx = self.begin().await?;
        let living: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sensor WHERE id = $1 AND revoked_at IS NULL")
            .bind(sensor)
            .fetch_one(&mut *tx)
            .await?;
        if living == 0 {
            return Ok(SiteAdded::NoSensor);
        }
        let whose: Option<i64> = sqlx::query_scalar("SELECT member_id FROM site WHERE sensor_id = $1 AND site = $2")
            .bind(sensor)
            .bind(i64::from(site.0))
            .fetch_optional(&mut *tx)
            .await?;
        match whose {
            Some(whose) if whose == member => return Ok(SiteAdded::Before),
            Some(_) => return Ok(SiteAdded::Another),
            None => {}
        }
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM site WHERE sensor_id = $1")
            .bind(sensor)
            .fetch_one(&mut *tx)
            .await?;
        if usize::try_from(count).unwrap_or(usize::MAX) >= SITES_MAX {
            return Ok(SiteAdded::TooMany);
        }
        sqlx::query("INSERT INTO site (sensor_id, site, member_id) VALUES ($1, $2, $3)")
            .bind(sensor)
            .bind(i64::from(site.0))
            .bind(member)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(SiteAdded::Now)
    }

    /// A sensor may not report for a site any more. False where it never might; its home is never removed.
    ///
    /// # Errors
    /// The database's own.
    pub async fn remove_site(&self, sensor: i64, site: SiteId) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM site WHERE sensor_id = $1 AND site = $2 AND site <> 0")
            .bind(sensor)
            .bind(i64::from(site.0))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

/// A sensor said which sites it watches. Only those it may report for are noted: its word adds nothing.
///
/// # Errors
/// The database's own.
pub(crate) async fn named(conn: &mut SqliteConnection, sensor: i64, sites: &[SiteId]) -> Result<(), sqlx::Error> {
    let rows: Vec<(i64, bool)> =
        sqlx::query_as("SELECT site, named FROM site WHERE sensor_id = $1").bind(sensor).fetch_all(&mut *conn).await?;
    for (site, before) in rows {
        let now = sites.iter().any(|named| i64::from(named.0) == site);
        if now != before {
            sqlx::query("UPDATE site SET named = $3 WHERE sensor_id = $1 AND site = $2")
                .bind(sensor)
                .bind(site)
                .bind(i64::from(now))
                .execute(&mut *conn)
                .await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};

    #[tokio::test]
    async fn t5_a_sensor_has_the_sites_it_was_given_and_its_word_adds_none() {
        let fixture = Fixture::new(3).await;
        let store = &fixture.store;
        let add = async |site: u16, member| store.add_site(1, SiteId(site), member).await.unwrap();
        assert_eq!(add(4, 2).await, SiteAdded::Now);
        assert_eq!(add(4, 2).await, SiteAdded::Before);
        assert_eq!(add(4, 3).await, SiteAdded::Another);
        assert_eq!(add(0, 2).await, SiteAdded::Another, "its home came with its token");
        assert_eq!(store.add_site(9, SiteId(1), 1).await.unwrap(), SiteAdded::NoSensor);

        let mut tx = store.begin().await.unwrap();
        named(&mut tx, 1, &[SiteId(0), SiteId(4), SiteId(7)]).await.unwrap();
        tx.commit().await.unwrap();
        let rows = store.site_rows(Scope::Operator, Some(1)).await.unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.site, row.member.as_str(), row.watches())).collect();
        assert_eq!(seen, [(0, "1001", true), (4, "1002", true)]);
        let own = store.site_rows(Scope::Member(2), None).await.unwrap();
        let seen: Vec<_> = own.iter().map(|row| (row.sensor, row.site, row.member.as_str())).collect();
        assert_eq!(seen, [(1, 4, "1001"), (2, 0, "1002")]);

        assert!(!store.remove_site(1, SiteId(0)).await.unwrap(), "a sensor has a home");
        assert!(store.remove_site(1, SiteId(4)).await.unwrap());
        assert!(!store.remove_site(1, SiteId(4)).await.unwrap());
        for site in 1..SITES_MAX {
            assert_eq!(add(u16::try_from(site).unwrap(), 2).await, SiteAdded::Now);
        }
        assert_eq!(add(999, 2).await, SiteAdded::TooMany);
        store.revoke_sensor(1, NOW).await.unwrap();
        assert_eq!(add(1000, 2).await, SiteAdded::NoSensor);
    }
}
