//! Root documents that were in force here, and how each sensor stands to them and to the newest list.

use serde::Serialize;
use varde_common::message::{Freshness, Sight, Standing};
use varde_common::time::Timestamp;
use varde_common::trust::Root;

use super::{Scope, Store, StoreError, sight};

/// A root document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootRow {
    /// Its number.
    pub version: u32,
    /// As it was signed.
    pub document: Vec<u8>,
}

/// What became of keeping a root document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept now.
    Now,
    /// It was before.
    Before,
    /// Another document has its number.
    Another,
}

/// How a living sensor stands to the root document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RootStanding {
    /// Its number.
    pub sensor: i64,
    /// Its member's name.
    pub member_name: String,
    /// Root document in force there; null = it has not said.
    pub root_version: Option<i64>,
    /// When it last refused one, unless it took one since.
    pub refused_at: Option<Timestamp>,
    /// Why.
    pub refused_why: Option<String>,
    /// Version of the conversation in its last session: from 3 on it follows.
    pub protocol: Option<i64>,
}

/// How a freshness stands in the database.
pub fn freshness_name(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::NotTold => "not_told",
        Freshness::Fresh => "fresh",
        Freshness::Stale => "stale",
        Freshness::Behind => "behind",
    }
}

impl Store {
    /// All root documents, oldest first. They are everybody's.
    ///
    /// # Errors
    /// The database's own.
    pub async fn root_documents(&self, _scope: Scope) -> Result<Vec<RootRow>, StoreError> {
        let sql = "SELECT version, document FROM root_document ORDER BY version";
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let row = |(version, document)| Some(RootRow { version: u32::try_from(version).ok()?, document });
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// Keeps a root document; one of that number that is there is never replaced.
    ///
    /// # Errors
    /// The database's own.
    pub async fn keep_root(&self, root: &Root, document: &[u8], now: Timestamp) -> Result<Kept, StoreError> {
        let version = root.version;
        let mut tx = self.begin().await?;
        let there: Option<Vec<u8>> = sqlx::query_scalar("SELECT document FROM root_document WHERE version = $1")
            .bind(i64::from(version))
            .fetch_optional(&mut *tx)
            .await?;
        match there {
            Some(there) if there == document => return Ok(Kept::Before),
            Some(_) => return Ok(Kept::Another),
            None => {}
        }
        sqlx::query("INSERT INTO root_document (version, document, expires, kept_at) VALUES ($1, $2, $3, $4)")
            .bind(i64::from(version))
            .bind(document)
            .bind(root.expires.clamped().0)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Kept::Now)
    }

    /// A sensor has this root document.
    ///
    /// # Errors
    /// The database's own.
    pub async fn root_held(&self, sensor: i64, version: u32) -> Result<(), StoreError> {
        let sql = "UPDATE sensor SET root_version = $2 WHERE id = $1";
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(sensor).bind(i64::from(version)).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// A sensor took a root document.
    ///
    /// # Errors
    /// The database's own.
    pub async fn root_taken(&self, sensor: i64, version: u32, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sensor SET root_version = $2, root_refused_at = NULL, root_refused_why = NULL,
            last_seen_at = $3 WHERE id = $1";
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(sensor).bind(i64::from(version)).bind(now.0).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// A sensor refused a root document; the one before stays in force there.
    ///
    /// # Errors
    /// The database's own.
    pub async fn root_refused(&self, sensor: i64, held: u32, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sensor SET root_version = $2, root_refused_at = $3, root_refused_why = $4, last_seen_at = $3
            WHERE id = $1";
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(sensor).bind(i64::from(held)).bind(now.0).bind(why).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// How a sensor says that it stands, and what it sees, in one transaction: both come with each heartbeat. Whatever it did not
    /// believe before is over once it has a newer word.
    ///
    /// # Errors
    /// The database's own.
    pub async fn standing(
        &self,
        sensor: i64,
        standing: &Standing,
        sight: Option<Sight>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // It comes on another stream than that a document was taken, and may have been made before: in a session the number only rises.
        let sql = "UPDATE sensor SET root_version = CASE WHEN root_version > $2 THEN root_version ELSE $2 END, freshness = $3,
            newest_refused_why = CASE WHEN $4 > COALESCE(newest_told_at, 0) THEN NULL ELSE newest_refused_why END,
            newest_refused_at = CASE WHEN $4 > COALESCE(newest_told_at, 0) THEN NULL ELSE newest_refused_at END,
            newest_told_at = $4 WHERE id = $1";
        let mut tx = self.begin().await?;
        sqlx::query(sql)
            .bind(sensor)
            .bind(i64::from(standing.root_version))
            .bind(freshness_name(standing.freshness))
            .bind(standing.told_at.map(|at| at.clamped().0))
            .execute(&mut *tx)
            .await?;
        if let Some(sight) = sight {
            sight::note(&mut tx, sensor, sight, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// A sensor did not believe a word of which list is the newest.
    ///
    /// # Errors
    /// The database's own.
    pub async fn newest_refused(&self, sensor: i64, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sensor SET newest_refused_at = $2, newest_refused_why = $3, last_seen_at = $2 WHERE id = $1";
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(sensor).bind(now.0).bind(why).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// How every living sensor stands to the root document.
    ///
    /// # Errors
    /// The database's own.
    pub async fn root_standings(&self, scope: Scope) -> Result<Vec<RootStanding>, StoreError> {
        let sql = "SELECT s.id, member.name, s.root_version, s.root_refused_at, s.root_refused_why, s.protocol
            FROM sensor s JOIN member ON member.id = s.member_id
            WHERE s.enrolled_at IS NOT NULL AND s.revoked_at IS NULL AND ($1 IS NULL OR s.member_id = $1)
            ORDER BY s.id";
        type Row = (i64, String, Option<i64>, Option<i64>, Option<String>, Option<i64>);
        let rows: Vec<Row> = sqlx::query_as(sql).bind(scope.member_id()).fetch_all(self.readers()).await?;
        let row = |(sensor, member_name, root_version, refused_at, refused_why, protocol): Row| RootStanding {
            sensor,
            member_name,
            root_version,
            refused_at: refused_at.map(Timestamp),
            refused_why,
            protocol,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{Fixture, NOW};
    use varde_common::id::Revision;

    #[tokio::test]
    async fn l2_a_root_document_is_kept_once_and_never_replaced() {
        let store = Fixture::new(1).await.store;
        let root = |version| Root {
            version,
            expires: NOW,
            keys: Default::default(),
            roles: Default::default(),
            ca: Default::default(),
        };
        assert_eq!(store.keep_root(&root(1), b"one", NOW).await.unwrap(), Kept::Now);
        assert_eq!(store.keep_root(&root(1), b"one", NOW).await.unwrap(), Kept::Before);
        assert_eq!(store.keep_root(&root(1), b"other", NOW).await.unwrap(), Kept::Another);
        assert_eq!(store.keep_root(&root(2), b"two", NOW).await.unwrap(), Kept::Now);
        let rows = store.root_documents(Scope::Operator).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.document.as_slice()).collect::<Vec<_>>(), [b"one", b"two"]);
    }

    #[tokio::test]
    async fn l2_what_a_sensor_refused_is_shown_until_it_takes_another() {
        let fixture = Fixture::new(1).await;
        let store = &fixture.store;
        let row = async || store.sensor_rows(Scope::Operator).await.unwrap().remove(0);
        store.root_held(1, 1).await.unwrap();
        store.root_refused(1, 1, "skipped", NOW).await.unwrap();
        store.newest_refused(1, "older", NOW).await.unwrap();
        let said = row().await;
        assert_eq!((said.root_version, said.root_refused_why.as_deref()), (Some(1), Some("skipped")));
        assert_eq!(said.newest_refused_why.as_deref(), Some("older"));
        let standing = Standing { root_version: 1, told_at: None, named: Revision(0), freshness: Freshness::Stale };
        store.standing(1, &standing, None, NOW).await.unwrap();
        let said = row().await;
        assert_eq!((said.freshness.as_deref(), said.newest_refused_why.as_deref()), (Some("stale"), Some("older")));
        let fresh = Standing { told_at: Some(NOW), freshness: Freshness::Fresh, ..standing };
        store.standing(1, &fresh, None, NOW).await.unwrap();
        store.root_taken(1, 2, NOW).await.unwrap();
        let said = row().await;
        assert_eq!((said.root_version, said.root_refused_why), (Some(2), None));
        assert_eq!((said.freshness.as_deref(), said.newest_refused_why), (Some("fresh"), None));
        // A word of how it stands that was made before, and comes after.
        store.standing(1, &fresh, None, NOW).await.unwrap();
        assert_eq!(row().await.root_version, Some(2));
        store.root_held(1, 1).await.unwrap();
        assert_eq!(row().await.root_version, Some(1), "another session, perhaps of an older disk");
    }
}
