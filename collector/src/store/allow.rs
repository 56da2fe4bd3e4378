//! The allow-list: what never goes out, whatever source says so; what a person puts there, and what a verdict does.

use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::lint::known;
use super::{Scope, Store, StoreError};
use crate::limits::ALLOWED_MAX;

/// An entry, as `allow list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllowedRow {
    /// As plain lists write it; what is below a name or within a network too.
    pub pattern: String,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub author: String,
    /// When.
    pub given_at: Timestamp,
    /// Until when; none = until it is removed.
    pub until: Option<Timestamp>,
    /// When it was removed, or given anew.
    pub ended_at: Option<Timestamp>,
    /// By whom.
    pub ended_by: Option<String>,
    /// Whether it has effect.
    pub in_force: bool,
    /// A verdict put it here: it goes with that.
    pub by_verdict: bool,
    /// The number and marking of the indicator of this pattern, where there is one.
    #[serde(skip)]
    pub known: Option<(i64, Tlp)>,
}

/// What is about to be allowed.
#[derive(Debug, Clone, Copy)]
pub struct Allowing<'a> {
    /// What never goes out.
    pub pattern: &'a Pattern,
    /// Why.
    pub reason: &'a str,
    /// Who says so.
    pub author: &'a str,
    /// Until when; none = until it is removed.
    pub until: Option<Timestamp>,
}

/// Allows it, within a transaction that does more: a verdict withdraws and allows in one. Gives whether there was room.
///
/// # Errors
/// The database's own.
pub(super) async fn allow(
    tx: &mut SqliteConnection,
    allowing: &Allowing<'_>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let pattern = allowing.pattern.to_plain();
    let count = "SELECT COUNT(*) FROM allowed WHERE ended_at IS NULL AND pattern <> $1";
    let others: i64 = sqlx::query_scalar(count).bind(&pattern).fetch_one(&mut *tx).await?;
    if others >= ALLOWED_MAX {
        return Ok(false);
    }
    end(&mut *tx, &pattern, allowing.author, now).await?;
    let sql = "INSERT INTO allowed (pattern, reason, author, given_at, until) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(&pattern)
        .bind(allowing.reason)
        .bind(allowing.author)
        .bind(now.0)
        .bind(allowing.until.map(|at| at.0))
        .execute(tx)
        .await?;
    Ok(true)
}

/// What became of the allow-list by a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Following {
    /// The pattern is on it by this verdict, and was not.
    pub allowed: bool,
    /// There was no room for it.
    pub is_full: bool,
    /// What a verdict had put there is off it.
    pub removed: bool,
}

/// Has what a false positive named never go out, within the verdict's own transaction. What somebody has put there stays as it is.
///
/// # Errors
/// The database's own.
pub(super) async fn allow_refuted(
    tx: &mut SqliteConnection,
    allowing: &Allowing<'_>,
    now: Timestamp,
) -> Result<Following, sqlx::Error> {
    let pattern = allowing.pattern.to_plain();
    let sql = "SELECT COUNT(*) FROM allowed WHERE pattern = $1 AND ended_at IS NULL AND (until IS NULL OR until > $2)";
    let stands: i64 = sqlx::query_scalar(sql).bind(&pattern).bind(now.0).fetch_one(&mut *tx).await?;
    // Of a keyed hash nobody knows what else it would stand for.
    if stands > 0 || allowing.pattern.is_confidential() {
        return Ok(Following::default());
    }
    if !allow(&mut *tx, allowing, now).await? {
        return Ok(Following { is_full: true, ..Following::default() });
    }
    let sql = "UPDATE allowed SET by_verdict = 1 WHERE pattern = $1 AND ended_at IS NULL";
    sqlx::query(sql).bind(&pattern).execute(tx).await?;
    Ok(Following { allowed: true, ..Following::default() })
}

/// Takes off the list what a verdict had put there, and nothing that a person did.
///
/// # Errors
/// The database's own.
pub(super) async fn end_refuted(
    tx: &mut SqliteConnection,
    pattern: &Pattern,
    author: &str,
    now: Timestamp,
) -> Result<Following, sqlx::Error> {
    let sql =
        "UPDATE allowed SET ended_at = $2, ended_by = $3 WHERE pattern = $1 AND ended_at IS NULL AND by_verdict = 1";
    let ended = sqlx::query(sql).bind(pattern.to_plain()).bind(now.0).bind(author).execute(tx).await?;
    Ok(Following { removed: ended.rows_affected() > 0, ..Following::default() })
}

async fn end(tx: &mut SqliteConnection, pattern: &str, author: &str, now: Timestamp) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE allowed SET ended_at = $2, ended_by = $3 WHERE pattern = $1 AND ended_at IS NULL";
    let ended = sqlx::query(sql).bind(pattern).bind(now.0).bind(author).execute(tx).await?;
    Ok(ended.rows_affected() > 0)
}

impl Store {
    /// Has a pattern never go out, in place of what was said of the same pattern. Gives whether there was room.
    ///
    /// # Errors
    /// The database's own.
    pub async fn allow(&self, allowing: &Allowing<'_>, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // What is not done is not noted either.
        let done = allow(&mut tx, allowing, now).await?;
        if done {
            tx.commit().await?
        } else {
            tx.rollback().await?
        };
        Ok(done)
    }

    /// Takes a pattern off the allow-list. Gives whether it was on it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn end_allowed(&self, pattern: &Pattern, author: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let ended = end(&mut tx, &pattern.to_plain(), author, now).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Everything that was ever allowed, the newest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn allowed_rows(&self, scope: Scope, now: Timestamp) -> Result<Vec<AllowedRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT a.*, n.id AS known_id, n.tlp AS known_tlp FROM allowed a
            LEFT JOIN indicator n ON n.pattern = a.pattern ORDER BY a.id DESC";
        let rows = sqlx::query(sql).fetch_all(self.readers()).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| -> Result<AllowedRow, sqlx::Error> {
            let (until, ended_at): (Option<i64>, Option<i64>) = (row.try_get("until")?, row.try_get("ended_at")?);
            Ok(AllowedRow {
                pattern: row.try_get("pattern")?,
                reason: row.try_get("reason")?,
                author: row.try_get("author")?,
                given_at: Timestamp(row.try_get("given_at")?),
                until: until.map(Timestamp),
                ended_at: ended_at.map(Timestamp),
                ended_by: row.try_get("ended_by")?,
                in_force: ended_at.is_none() && until.is_none_or(|until| until > now.0),
                by_verdict: row.try_get::<i64, _>("by_verdict")? != 0,
                known: known(row)?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// What is allowed now.
    pub(super) async fn allowed_patterns(&self, now: Timestamp) -> Result<Vec<Pattern>, StoreError> {
        let sql = "SELECT pattern FROM allowed WHERE ended_at IS NULL AND (until IS NULL OR until > $1) ORDER BY id";
        let patterns: Vec<String> = sqlx::query_scalar(sql).bind(now.0).fetch_all(self.readers()).await?;
        Ok(patterns.iter().filter_map(|pattern| pattern.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn l3_what_is_allowed_is_held_until_its_end_or_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let held = async |at: i64| {
            let linter = store.linter(Scope::Operator, Timestamp(at)).await.unwrap();
            linter.holds(&"a.supplier.example".parse().unwrap(), false).map(|finding| finding.key())
        };
        let pattern: Pattern = "supplier.example".parse().unwrap();
        let allowing = |until: Option<i64>| Allowing {
            pattern: &pattern,
            reason: "ours",
            author: "kari",
            until: until.map(Timestamp),
        };
        assert!(store.allow(&allowing(Some(10)), Timestamp(1)).await.unwrap());
        assert_eq!((held(9).await.as_deref(), held(10).await), (Some("allowed"), None));
        assert!(store.allow(&allowing(None), Timestamp(2)).await.unwrap());
        assert!(held(i64::MAX).await.is_some());
        let rows = store.allowed_rows(Scope::Operator, Timestamp(3)).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.in_force).collect::<Vec<_>>(), [true, false]);
        assert!(store.end_allowed(&pattern, "ola", Timestamp(4)).await.unwrap());
        assert!(!store.end_allowed(&pattern, "ola", Timestamp(4)).await.unwrap());
        assert_eq!(held(5).await, None);
        assert!(store.allowed_rows(Scope::Member(1), Timestamp(3)).await.unwrap().is_empty());
    }
}
