//! What a deletion leaves in the write-ahead log: pages from before it. They are gone once the log is emptied, which has to wait for
//! whoever reads at that moment.

use sqlx::{Connection, SqliteConnection};
use varde_common::time::Timestamp;

use super::restored::set;
use super::{Scope, Store, StoreError};

/// Set with a deletion, and taken away once the log is empty: when the last deletion was.
const LOG_HOLDS: &str = "log_holds_deleted";

/// The log holds what is deleted in this transaction.
pub(super) async fn hold(conn: &mut SqliteConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    set(conn, LOG_HOLDS, &now.to_string()).await
}

impl Store {
    /// Whether what was deleted may stand in the log still. For all members: it names none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn log_holds_deleted(&self, scope: Scope) -> Result<bool, StoreError> {
        Ok(self.setting(scope, LOG_HOLDS).await?.is_some())
    }

    /// Empties the log, if it holds what was deleted, and waits for nobody: who waited would hold up whoever writes. Gives whether
    /// nothing of it is left there.
    ///
    /// # Errors
    /// The database's own.
    pub async fn empty_log(&self) -> Result<bool, StoreError> {
        let Some(since) = self.setting(Scope::Operator, LOG_HOLDS).await? else { return Ok(true) };
        // A connection of its own: those of the pools wait.
        let mut conn = self.readers().acquire().await?.detach();
        sqlx::raw_sql("PRAGMA busy_timeout = 0").execute(&mut conn).await?;
        // SQLite says in a row, and not as an error, that somebody is in the way.
        let done: Result<(i64, i64, i64), _> =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut conn).await;
        conn.close().await?;
        let (busy, _, _) = done?;
        if busy != 0 {
            return Ok(false);
        }
        // What another has deleted since may stand there again.
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM setting WHERE key = $1 AND value = $2";
        let done = sqlx::query(sql).bind(LOG_HOLDS).bind(since).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DATABASE_FILE;

    #[tokio::test]
    async fn q3_what_was_deleted_is_in_the_log_as_long_as_somebody_reads_and_that_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let log = || std::fs::read(dir.path().join(format!("{DATABASE_FILE}-wal"))).unwrap();
        let holds = || log().windows(6).any(|six| six == b"secret");
        store.set_setting("name", "secret").await.unwrap();
        assert!(store.empty_log().await.unwrap() && holds(), "nothing was deleted: nothing to do");
        let mut reader = store.readers().begin().await.unwrap();
        let _: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM setting").fetch_one(&mut *reader).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        sqlx::query("DELETE FROM setting WHERE key = 'name'").execute(&mut *tx).await.unwrap();
        hold(&mut tx, Timestamp(5)).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..2 {
            assert!(!store.empty_log().await.unwrap(), "somebody reads");
            assert!(store.log_holds_deleted(Scope::Operator).await.unwrap() && holds());
        }
        reader.rollback().await.unwrap();
        assert!(store.empty_log().await.unwrap());
        assert!(!store.log_holds_deleted(Scope::Operator).await.unwrap() && !holds());
    }
}
