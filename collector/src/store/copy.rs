//! A copy of the database as it is at one moment, made while others read and write, and the proof that it is sound.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::time::interval;

use super::{StoreError, upgrade};
use crate::limits::DATABASE_BUSY_WITHIN;

/// Between two looks at how far a copy is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Writes the whole database into a new file that only its owner may read, and sees it onto the disk. `progress` is told
/// octets written and octets to be written, about.
///
/// # Errors
/// [`StoreError`]; then there is no copy.
pub async fn copy(database: &Path, to: &Path, progress: impl FnMut(u64, u64)) -> Result<(), StoreError> {
    let refused = |error| StoreError::Copy { path: to.to_owned(), error };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(refused)?;
    let copied = vacuum_into(database, to, progress).await;
    let synced = copied.and_then(|()| file.sync_all().map_err(refused));
    if synced.is_err() {
        let _ = fs::remove_file(to);
        let _ = fs::remove_file(to.with_extension("sqlite-journal"));
    }
    synced
}

async fn vacuum_into(database: &Path, to: &Path, mut progress: impl FnMut(u64, u64)) -> Result<(), StoreError> {
    // No journal mode: what is copied stays as it was opened by whoever uses it.
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(DATABASE_BUSY_WITHIN);
    let mut conn = options.connect().await?;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut conn).await?;
    let free: i64 = sqlx::query_scalar("PRAGMA freelist_count").fetch_one(&mut conn).await?;
    let size: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut conn).await?;
    let all = u64::try_from(pages.saturating_sub(free).saturating_mul(size)).unwrap_or(0);
    let name = to.to_string_lossy().into_owned();
    let mut look = interval(LOOK_EVERY);
    let copied = {
        // One reading transaction (sqlite.org/lang_vacuum.html): what is committed meanwhile is not in it, nobody waits for it.
        let copying = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut conn);
        let mut copying = std::pin::pin!(copying);
        loop {
            tokio::select! {
                copied = &mut copying => break copied,
                _ = look.tick() => progress(fs::metadata(to).map_or(0, |found| found.len()).min(all), all),
            }
        }
    };
    copied?;
    progress(all, all);
    Ok(conn.close().await?)
}

/// Reads a copy from beginning to end, page by page and index by index; gives the version of its tables.
///
/// # Errors
/// [`StoreError::Damaged`] and others.
pub async fn check_copy(copy: &Path) -> Result<usize, StoreError> {
    // Immutable: nobody else has it, and nothing is made beside it.
    let options = SqliteConnectOptions::new().filename(copy).read_only(true).immutable(true);
    let mut conn = options.connect().await?;
    sound(&mut conn, "PRAGMA integrity_check(1)").await?;
    let strays = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut conn).await?;
    if !strays.is_empty() {
        return Err(StoreError::Damaged(format!("{} rows point to rows that are not there", strays.len())));
    }
    let version = upgrade::version(&mut conn).await?;
    conn.close().await?;
    Ok(version)
}

/// Runs one of SQLite's checks, which answers "ok" or what is wrong.
pub(super) async fn sound(conn: &mut SqliteConnection, check: &'static str) -> Result<(), StoreError> {
    let said: Option<String> = sqlx::query_scalar(check).fetch_optional(conn).await?;
    match said.as_deref() {
        Some("ok") => Ok(()),
        Some(wrong) => Err(StoreError::Damaged(wrong.replace('\n', "; "))),
        None => Err(StoreError::Damaged("its check gave no answer".to_owned())),
    }
}
