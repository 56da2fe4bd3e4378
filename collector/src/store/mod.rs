//! The database: every statement stands below here, and every read takes a [`Scope`].

pub mod alert;
pub mod campaign;
pub mod heartbeat;
pub mod incident;
pub mod indicator;
pub mod list;
pub mod member;
pub mod picture;
pub mod record;
pub mod scope;
pub mod sensor;
pub mod setting;

#[cfg(test)]
pub(crate) mod fixture;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

pub use scope::Scope;

/// The database's file within the data directory.
pub const DATABASE_FILE: &str = "varde.sqlite";

/// Readers at once; the one writer has a pool of its own.
const READERS_MAX: u32 = 4;

/// Versions of the tables, oldest first. Each is applied once, in one transaction, and never edited afterwards.
const SCHEMA: &[&str] = &[include_str!("../schema/001_main.sql"), include_str!("../schema/002_carrier.sql")];

/// Why the store could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory was never initialised.
    #[error("{} holds no collector; make one with: varde-collector init --data {}", .0.display(), .0.display())]
    Missing(PathBuf),
    /// It is there and may not be read.
    #[error("cannot read {}: {error}; run it as the user that owns the data directory", .path.display())]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// Made by a newer program.
    #[error("the database has version {found}, this program knows {known}; use the newer varde-collector that made it")]
    TooNew {
        /// Version found.
        found: usize,
        /// Newest version known.
        known: usize,
    },
    /// The database said no.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}

/// The open database: one writer, several readers. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Makes the database if it is not there, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create(data: &Path) -> Result<Store, StoreError> {
        Store::connect(data, true).await
    }

    /// Opens a database that must be there, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Missing`] and others.
    pub async fn open(data: &Path) -> Result<Store, StoreError> {
        let path = data.join(DATABASE_FILE);
        match std::fs::File::open(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::Missing(data.to_owned()));
            }
            Err(error) => return Err(StoreError::Unreadable { path, error }),
        }
        Store::connect(data, false).await
    }

    async fn connect(data: &Path, create: bool) -> Result<Store, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(data.join(DATABASE_FILE))
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            // An ack goes out after the commit: the commit must be on disk.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(20));
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrate(&writer).await?;
        // Not before: a reader that has seen the tables as they were would go on reading them so.
        let readers = SqlitePoolOptions::new().max_connections(READERS_MAX).connect_with(options).await?;
        Ok(Store { writer, readers })
    }

    /// Begins a writing transaction (`BEGIN IMMEDIATE`: two programs writing wait for each other instead of failing).
    ///
    /// # Errors
    /// The database's own.
    pub async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// Connections for reading.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Closes all connections; waits until they are.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Brings the tables up to date.
async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > SCHEMA.len() {
        return Err(StoreError::TooNew { found, known: SCHEMA.len() });
    }
    for version in SCHEMA.iter().skip(found) {
        sqlx::raw_sql(*version).execute(&mut *tx).await?;
    }
    let version = format!("PRAGMA user_version = {}", SCHEMA.len());
    sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tables_of_the_version_before_are_brought_up_to_date_with_what_they_hold() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let before = "ALTER TABLE sensor DROP COLUMN carrier; PRAGMA user_version = 1;
            INSERT INTO member VALUES (1, '3407', 'Gjøvik', 1);
            INSERT INTO sensor (member_id, token_created_at, token_expires_at, token_secret_sha256) VALUES (1, 1, 2, x'00')";
        sqlx::raw_sql(before).execute(&store.writer).await.unwrap();
        store.close().await;
        let store = Store::open(dir.path()).await.unwrap();
        let rows = store.sensor_rows(Scope::Operator).await.unwrap();
        assert_eq!(rows.iter().map(|row| (row.id, row.carrier.clone())).collect::<Vec<_>>(), [(1, None)]);
    }

    #[tokio::test]
    async fn opens_only_what_was_made_and_keeps_its_tables() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Store::open(dir.path()).await, Err(StoreError::Missing(_))));
        for _ in 0..2 {
            let store = Store::create(dir.path()).await.unwrap();
            sqlx::query("INSERT INTO setting VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
                .bind("a")
                .bind("b")
                .execute(&store.writer)
                .await
                .unwrap();
            store.close().await;
        }
        let store = Store::open(dir.path()).await.unwrap();
        let value: String = sqlx::query_scalar("SELECT value FROM setting").fetch_one(store.readers()).await.unwrap();
        assert_eq!(value, "b");
    }
}
