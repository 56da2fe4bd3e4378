//! Recalled indicators: kept out of every list until somebody lifts it, whatever sources say meanwhile.

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;
use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::time::Timestamp;

use super::claim::changed;
use super::rollout::settle_stopped;
use super::{Scope, Store, StoreError};
use crate::intel::hidden;

/// One indicator that is recalled, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecallRow {
    /// `indicator.id`.
    pub indicator_id: i64,
    /// As plain lists write it; one that few may read by its number.
    pub indicator: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub who: String,
    /// Since when.
    pub at: Timestamp,
    /// The collector did, because it hit too much.
    pub by_itself: bool,
    /// Until when; none = it stands.
    pub lifted_at: Option<Timestamp>,
    /// By whom it was lifted.
    pub lifted_by: Option<String>,
    /// And why.
    pub lifted_why: Option<String>,
}

/// Who recalls, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// By whom.
    pub who: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The collector itself.
    pub by_itself: bool,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub enum NotRecalled {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such indicator.
    #[error("there is no indicator {0}; see: varde-collector indicator list")]
    Unknown(i64),
    /// It is not recalled.
    #[error("indicator {0} is not recalled; see: varde-collector recall show")]
    NotHeld(i64),
    /// Another list is the newest by now.
    #[error(
        "list {0} has been published meanwhile, and nobody has looked at it: nothing is recalled; look, and run it again if that is meant"
    )]
    Newer(Revision),
}

impl From<sqlx::Error> for NotRecalled {
    fn from(error: sqlx::Error) -> NotRecalled {
        NotRecalled::Store(error.into())
    }
}

type Row = (i64, String, String, String, String, i64, i64, Option<i64>, Option<String>, Option<String>);

/// Keeps indicators out of every list from now on; gives how many were not kept out before.
///
/// # Errors
/// The database's own.
pub(super) async fn keep_out(
    tx: &mut SqliteConnection,
    indicators: &[i64],
    said: Said<'_>,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let sql = "INSERT INTO recall (indicator_id, reason, who, at, by_itself) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (indicator_id) WHERE lifted_at IS NULL DO NOTHING";
    let mut new = 0;
    for indicator in indicators {
        let insert = sqlx::query(sql).bind(indicator).bind(said.reason).bind(said.who).bind(now.0);
        new += insert.bind(i64::from(said.by_itself)).execute(&mut *tx).await?.rows_affected();
    }
    if new > 0 {
        changed(tx).await?;
    }
    Ok(new)
}

impl Store {
    /// Recalls indicators, all or none; gives how many were not recalled before.
    ///
    /// # Errors
    /// [`NotRecalled`].
    pub async fn recall(&self, indicators: &[i64], said: Said<'_>, now: Timestamp) -> Result<u64, NotRecalled> {
        self.recall_of(None, indicators, said, now).await
    }

    /// The same of what a list for all has brought, while that is the newest one.
    ///
    /// # Errors
    /// [`NotRecalled`].
    pub async fn recall_of(
        &self,
        list: Option<Revision>,
        indicators: &[i64],
        said: Said<'_>,
        now: Timestamp,
    ) -> Result<u64, NotRecalled> {
        let mut tx = self.begin().await?;
        if let Some(list) = list {
            let sql = "SELECT COALESCE(MAX(revision), 0) FROM list_revision WHERE channel = $1";
            let all = ChannelName::default();
            let newest: i64 = sqlx::query_scalar(sql).bind(all.as_str()).fetch_one(&mut *tx).await?;
            let newest = Revision(u64::try_from(newest).unwrap_or(0));
            if newest != list {
                return Err(NotRecalled::Newer(newest));
            }
        }
        for indicator in indicators {
            let there: Option<i64> = sqlx::query_scalar("SELECT 1 FROM indicator WHERE id = $1")
                .bind(indicator)
                .fetch_optional(&mut *tx)
                .await?;
            there.ok_or(NotRecalled::Unknown(*indicator))?;
        }
        let new = keep_out(&mut tx, indicators, said, now).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Lets indicators into lists again, all or none.
    ///
    /// # Errors
    /// [`NotRecalled`].
    pub async fn lift(&self, indicators: &[i64], who: &str, why: &str, now: Timestamp) -> Result<(), NotRecalled> {
        let mut tx = self.begin().await?;
        for indicator in indicators {
            let sql = "UPDATE recall SET lifted_at = $2, lifted_by = $3, lifted_why = $4
                WHERE indicator_id = $1 AND lifted_at IS NULL";
            let lifted = sqlx::query(sql).bind(indicator).bind(now.0).bind(who).bind(why).execute(&mut *tx).await?;
            if lifted.rows_affected() == 0 {
                return Err(NotRecalled::NotHeld(*indicator));
            }
        }
        settle_stopped(&mut tx, Some(indicators), now).await?;
        changed(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Numbers of what is recalled and not lifted, in order, each with when and whether the collector did it by itself.
    ///
    /// # Errors
    /// The database's own.
    pub async fn standing_recalls(&self, scope: Scope) -> Result<Vec<(i64, Timestamp, bool)>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT indicator_id, at, by_itself FROM recall WHERE lifted_at IS NULL ORDER BY indicator_id";
        let rows: Vec<(i64, i64, bool)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(|(id, at, by_itself)| (id, Timestamp(at), by_itself)).collect())
    }

    /// Whether a list is what a recall has left of another: by the audit, which has an entry of each before it is there. Of two that
    /// waited under one number the later counts.
    ///
    /// # Errors
    /// The database's own.
    pub async fn is_by_recall(&self, scope: Scope, revision: Revision) -> Result<bool, StoreError> {
        if scope != Scope::Operator {
            return Ok(false);
        }
        let sql = "SELECT what FROM audit WHERE on_whom = $1 AND what IN ('publish', 'recall')
            AND (became LIKE 'waits for a signature%' OR (became LIKE 'published for%' AND NOT EXISTS
                (SELECT 1 FROM audit w WHERE w.on_whom = audit.on_whom AND w.became LIKE 'waits for a signature%')))
            ORDER BY seq DESC LIMIT 1";
        let on = format!("list {revision}");
        let what: Option<String> = sqlx::query_scalar(sql).bind(&on).fetch_optional(self.readers()).await?;
        Ok(what.as_deref() == Some("recall"))
    }

    /// What is recalled and was, those that stand first and of them the newest; at most so many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn recall_rows(&self, scope: Scope, at_most: i64) -> Result<Vec<RecallRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT r.indicator_id, n.pattern, n.tlp, r.reason, r.who, r.at, r.by_itself, r.lifted_at, r.lifted_by, r.lifted_why
            FROM recall r JOIN indicator n ON n.id = r.indicator_id
            ORDER BY r.lifted_at IS NOT NULL, r.id DESC LIMIT $1";
        let rows: Vec<Row> = sqlx::query_as(sql).bind(at_most).fetch_all(self.readers()).await?;
        let read = |(indicator_id, pattern, tlp, reason, who, at, by_itself, lifted_at, lifted_by, lifted_why): Row| {
            let indicator = hidden::told(indicator_id, &pattern, hidden::read(&tlp));
            let (at, by_itself, lifted_at) = (Timestamp(at), by_itself != 0, lifted_at.map(Timestamp));
            RecallRow { indicator_id, indicator, reason, who, at, by_itself, lifted_at, lifted_by, lifted_why }
        };
        Ok(rows.into_iter().map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::canonical::About;
    use crate::store::fixture;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn f2_what_is_recalled_comes_into_no_list_by_another_import_until_it_is_lifted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).await.unwrap();
        let list = "a.example\nb.example\n";
        fixture::import(&store, list, &About::default(), NOW).await;
        let compiled = async || {
            let rows = store.indicators_to_compile(Scope::Operator, 0, 10).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        let said = Said { who: "kari", reason: "falsk", by_itself: false };
        assert!(matches!(store.recall(&[1, 9], said, NOW).await, Err(NotRecalled::Unknown(9))));
        assert_eq!(compiled().await, [1, 2], "all or none");
        assert_eq!(store.recall(&[1], said, NOW).await.unwrap(), 1);
        assert_eq!(store.recall(&[1], said, NOW).await.unwrap(), 0, "once");
        fixture::import(&store, list, &About::default(), NOW.plus(std::time::Duration::from_secs(9))).await;
        assert_eq!(compiled().await, [2], "its source says it again");
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        assert_eq!((rows[0].recalled_why.as_deref(), rows[1].recalled_at), (Some("falsk"), None));
        assert!(matches!(store.lift(&[1, 2], "ola", "nei", NOW).await, Err(NotRecalled::NotHeld(2))));
        assert_eq!(compiled().await, [2], "all or none");
        store.lift(&[1], "ola", "ekte", NOW).await.unwrap();
        assert_eq!(compiled().await, [1, 2]);
        assert_eq!(store.recall(&[1], said, NOW).await.unwrap(), 1, "and again");
        let rows = store.recall_rows(Scope::Operator, 10).await.unwrap();
        let shown: Vec<_> = rows.iter().map(|row| (row.indicator_id, row.lifted_why.as_deref())).collect();
        assert_eq!(shown, [(1, None), (1, Some("ekte"))]);
        assert!(store.recall_rows(Scope::Member(1), 10).await.unwrap().is_empty());
    }
}
