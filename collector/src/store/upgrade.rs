//! Versions of the tables: made anew, or brought up to date by the versions that are missing, in order, all or nothing, after
//! a copy.
//!
//! `PRAGMA user_version` counts the versions applied; it changes in the same transaction. A version, once released, is never
//! edited: the next one is a file more in `schema/` and a line more in `SCHEMA`.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};

use super::copy::{check_copy, copy};
use super::{DATABASE_FILE, StoreError, options};

/// How the copies begin that are made before.
pub const COPY_PREFIX: &str = "before-upgrade-";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// Version found.
    pub from: usize,
    /// Version now.
    pub to: usize,
    /// The copy of what was found; none of an empty database.
    pub copy: Option<PathBuf>,
}

/// How many versions a database has had.
pub(super) async fn version(conn: &mut SqliteConnection) -> Result<usize, StoreError> {
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(conn).await?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

/// Makes a database.
pub(super) async fn make(data: &Path, schema: &[&'static str]) -> Result<(), StoreError> {
    let mut conn = options(&data.join(DATABASE_FILE)).create_if_missing(true).connect().await?;
    apply(&mut conn, schema, 0).await?;
    Ok(conn.close().await?)
}

/// Brings a database up to date.
pub(super) async fn upgrade(data: &Path, schema: &[&'static str]) -> Result<Option<Upgraded>, StoreError> {
    let path = data.join(DATABASE_FILE);
    // A version may make a table anew that others point to; what points nowhere is looked for before the commit.
    let mut conn = options(&path).foreign_keys(false).connect().await?;
    let (found, known) = (version(&mut conn).await?, schema.len());
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    if found == known {
        conn.close().await?;
        return Ok(None);
    }
    let copy = match found {
        0 => None,
        _ => Some(copy_before(data, &path, found).await?),
    };
    apply(&mut conn, schema, found).await?;
    conn.close().await?;
    Ok(Some(Upgraded { from: found, to: known, copy }))
}

async fn copy_before(data: &Path, path: &Path, found: usize) -> Result<PathBuf, StoreError> {
    let name = data.join(format!("{COPY_PREFIX}{found}.sqlite"));
    let fresh = name.with_extension("new");
    let refused = |error| StoreError::Copy { path: name.clone(), error };
    if fresh.exists() {
        fs::remove_file(&fresh).map_err(refused)?;
    }
    let made = match copy(path, &fresh, |_, _| {}).await {
        Ok(()) => check_copy(&fresh).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => {}
        Err(StoreError::Full) => {
            let octets = fs::metadata(path).map_or(0, |found| found.len());
            return Err(StoreError::NoRoomForCopy { path: path.to_owned(), octets });
        }
        Err(error) => return Err(error),
    }
    fs::rename(&fresh, &name).and_then(|()| fs::File::open(data)?.sync_all()).map_err(refused)?;
    Ok(name)
}

/// Applies the versions that are missing in one transaction.
async fn apply(conn: &mut SqliteConnection, schema: &[&'static str], found: usize) -> Result<(), StoreError> {
    let known = schema.len();
    let failed = |error: StoreError| match error {
        StoreError::Database(error) => StoreError::NotUpgraded { found, known, why: error.to_string() },
        error => error,
    };
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    for version in schema.iter().skip(found) {
        sqlx::raw_sql(*version).execute(&mut *tx).await.map_err(|error| failed(error.into()))?;
    }
    let strays = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *tx).await?;
    if !strays.is_empty() {
        let why = format!("{} rows would point to rows that are not there", strays.len());
        return Err(StoreError::NotUpgraded { found, known, why });
    }
    let version = format!("PRAGMA user_version = {known}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *tx).await?;
    tx.commit().await.map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use super::super::{SCHEMA, Store};
    use super::*;
    use crate::io::directory::others_may_read;

    /// What a version after today's may look like: a table made anew, a column more, rows rewritten.
    const NEXT: &str = "ALTER TABLE member ADD COLUMN note TEXT;
        UPDATE member SET note = 'was ' || name;
        CREATE TABLE copied (id INTEGER PRIMARY KEY, number TEXT NOT NULL);
        INSERT INTO copied SELECT id, number FROM member;";
    const AFTER_NEXT: &str = "DROP TABLE copied;";

    async fn filled(data: &Path) {
        let store = Store::create(data).await.unwrap();
        let number = "3407".parse().unwrap();
        store.add_member(&number, "Gjøvik", varde_common::time::Timestamp(5)).await.unwrap();
        store.close().await;
    }

    async fn with_next(more: &[&'static str]) -> Vec<&'static str> {
        SCHEMA.iter().chain(more).copied().collect()
    }

    async fn ask<T>(data: &Path, sql: &'static str) -> Result<T, sqlx::Error>
    where
        T: Send + Unpin + sqlx::Type<sqlx::Sqlite> + for<'r> sqlx::Decode<'r, sqlx::Sqlite>,
    {
        let mut conn = options(&data.join(DATABASE_FILE)).connect().await?;
        let said = sqlx::query_scalar(sql).fetch_one(&mut conn).await;
        conn.close().await?;
        said
    }

    #[tokio::test]
    async fn v1_an_older_database_is_copied_and_brought_up_to_date_in_order() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path()).await;
        let schema = with_next(&[NEXT, AFTER_NEXT]).await;
        let upgraded = upgrade(dir.path(), &schema).await.unwrap().unwrap();
        assert_eq!((upgraded.from, upgraded.to), (SCHEMA.len(), SCHEMA.len() + 2));
        assert_eq!(ask::<String>(dir.path(), "SELECT note FROM member").await.unwrap(), "was Gjøvik");
        assert!(ask::<i64>(dir.path(), "SELECT COUNT(*) FROM copied").await.is_err(), "the last version came last");
        let copy = upgraded.copy.unwrap();
        assert_eq!(check_copy(&copy).await.unwrap(), SCHEMA.len());
        assert!(!others_may_read(&copy));
        assert_eq!(upgrade(dir.path(), &schema).await.unwrap(), None, "once is enough");

        // The copy is what the older program can go on with.
        fs::remove_file(dir.path().join(DATABASE_FILE)).unwrap();
        fs::rename(copy, dir.path().join(DATABASE_FILE)).unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        assert_eq!(store.member_rows(super::super::Scope::Operator).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn v1_a_version_that_fails_anywhere_leaves_the_database_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path()).await;
        let broken =
            "INSERT INTO member (number, name, added_at) VALUES ('x', 'x', 1); SELECT no_such_column FROM member;";
        let strays = "PRAGMA foreign_keys = OFF; INSERT INTO site (sensor_id, site, member_id) VALUES (77, 0, 77);";
        for last in [broken, strays] {
            let schema = with_next(&[NEXT, last]).await;
            let refused = upgrade(dir.path(), &schema).await.unwrap_err();
            assert!(matches!(refused, StoreError::NotUpgraded { .. }), "{refused}");
            assert!(ask::<i64>(dir.path(), "SELECT COUNT(*) FROM copied").await.is_err(), "half a migration is none");
            assert_eq!(ask::<i64>(dir.path(), "SELECT COUNT(*) FROM member").await.unwrap(), 1);
            let store = Store::open(dir.path()).await.unwrap();
            store.check().await.unwrap();
            store.close().await;
        }
    }

    #[tokio::test]
    async fn v1_who_is_not_of_today_is_told_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path()).await;
        upgrade(dir.path(), &with_next(&[NEXT]).await).await.unwrap();
        for refused in [Store::open(dir.path()).await.unwrap_err(), Store::upgrade(dir.path()).await.unwrap_err()] {
            assert!(matches!(refused, StoreError::TooNew { .. }), "{refused}");
            assert!(refused.to_string().contains("use the newer varde-collector"), "{refused}");
        }
        let old = tempfile::tempdir().unwrap();
        filled(old.path()).await;
        ask::<i64>(old.path(), "PRAGMA user_version = 0").await.unwrap_err();
        let refused = Store::open(old.path()).await.unwrap_err();
        assert!(refused.to_string().contains("start the collector once"), "{refused}");
    }
}
