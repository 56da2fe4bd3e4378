//! Sees whether anybody has committed anything to a collector's database, or written a file beside it.

use std::fs;
use std::path::{Path, PathBuf};

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

/// Every file below with its octets, the database's own and logs apart.
///
/// # Errors
/// The system's own.
pub fn files(directory: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if !name.starts_with(DATABASE_FILE) && name != "lock" && name != "collector.log" {
            found.push((path.clone(), fs::read(&path)?));
        }
    }
    found.sort();
    Ok(found)
}
