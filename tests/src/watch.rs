//! Sees whether anybody has committed anything to a collector's database.

use anyhow::Result;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;
use varde_collector::store::DATABASE_FILE;

use crate::community::Collector;

/// Sees whether anybody has committed anything (`PRAGMA data_version`).
#[derive(Debug)]
pub struct Watch {
    runtime: Runtime,
    conn: SqliteConnection,
}

impl Watch {
    /// Of this collector's database.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn new(collector: &Collector) -> Result<Watch> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = SqliteConnectOptions::new().filename(collector.data().join(DATABASE_FILE));
        let conn = runtime.block_on(SqliteConnection::connect_with(&options))?;
        Ok(Watch { runtime, conn })
    }

    /// Another number than before where anybody has committed since.
    ///
    /// # Errors
    /// The database's own.
    pub fn version(&mut self) -> Result<i64> {
        Ok(self.runtime.block_on(sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut self.conn))?)
    }
}
