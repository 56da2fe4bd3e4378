//! The one list that waits for a signature: prepared here, signed where the list key is.

use serde::Serialize;
use sqlx::Row;
use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::time::Timestamp;

use super::onward::{Onward, go_onward};
use super::{Scope, Store, StoreError};
use crate::intel::changes::Changes;

/// What waits, as people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PendingFacts {
    /// Its number.
    pub revision: i64,
    /// Indicators in it.
    pub count: i64,
    /// Of them not in the list in force.
    pub added: i64,
    /// In the list in force and not in it.
    pub removed: i64,
    /// Since when it waits.
    pub prepared_at: Timestamp,
}

/// What waits, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What people are told.
    pub facts: PendingFacts,
    /// For whom it is.
    pub channel: ChannelName,
    /// Its manifest, in the form in which it is signed, without signatures.
    pub manifest: Vec<u8>,
    /// The same of the manifest for programs from before, where that is another.
    pub older_manifest: Option<Vec<u8>>,
    /// A base that holds all of it.
    pub base: Vec<u8>,
    /// The changes over another list's base, where it goes out as such.
    pub changes: Option<Changes>,
    /// Indicators up to this number are in it.
    pub up_to_id: i64,
}

impl Pending {
    /// Its number.
    pub fn revision(&self) -> Revision {
        Revision(u64::try_from(self.facts.revision).unwrap_or(0))
    }
}

/// What waits, as people are told of it.
///
/// # Errors
/// The database's own.
pub async fn facts<'c>(
    from: impl sqlx::Executor<'c, Database = sqlx::Sqlite>,
) -> Result<Option<PendingFacts>, sqlx::Error> {
    let sql = "SELECT revision, count, added, removed, prepared_at FROM pending_list";
    let row: Option<(i64, i64, i64, i64, i64)> = sqlx::query_as(sql).fetch_optional(from).await?;
    Ok(row.map(|(revision, count, added, removed, at)| PendingFacts {
        revision,
        count,
        added,
        removed,
        prepared_at: Timestamp(at),
    }))
}

impl Store {
    /// What waits, as people are told of it. Lists are for all members.
    ///
    /// # Errors
    /// The database's own.
    pub async fn pending_facts(&self, _scope: Scope) -> Result<Option<PendingFacts>, StoreError> {
        Ok(facts(self.readers()).await?)
    }

    /// What waits, whole.
    ///
    /// # Errors
    /// The database's own.
    pub async fn pending(&self, scope: Scope) -> Result<Option<Pending>, StoreError> {
        let Some(facts) = self.pending_facts(scope).await? else { return Ok(None) };
        let sql = "SELECT channel, manifest, older_manifest, base, overlay, base_revision, up_to_id FROM pending_list WHERE revision = $1 AND prepared_at = $2";
        let row = sqlx::query(sql).bind(facts.revision).bind(facts.prepared_at.0);
        let Some(row) = row.fetch_optional(self.readers()).await? else { return Ok(None) };
        let changes =
            row.try_get::<Option<Vec<u8>>, _>("overlay")?.zip(row.try_get::<Option<i64>, _>("base_revision")?);
        Ok(Some(Pending {
            facts,
            channel: row.try_get::<String, _>("channel")?.parse().unwrap_or_default(),
            manifest: row.try_get("manifest")?,
            older_manifest: row.try_get("older_manifest")?,
            base: row.try_get("base")?,
            changes: changes
                .map(|(overlay, base)| Changes { overlay, base_revision: Revision(u64::try_from(base).unwrap_or(0)) }),
            up_to_id: row.try_get("up_to_id")?,
        }))
    }

    /// Lets a list wait; the one that waited before is gone, and is given. With what it means for the list that is on its way.
    ///
    /// # Errors
    /// The database's own.
    pub async fn let_wait(&self, pending: &Pending, onward: Onward<'_>) -> Result<Option<PendingFacts>, StoreError> {
        let before = self.pending_facts(Scope::Operator).await?;
        let Pending { facts, channel, manifest, older_manifest, base, changes, up_to_id } = pending;
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM pending_list").execute(&mut *tx).await?;
        sqlx::query(
            "INSERT INTO pending_list (id, revision, manifest, base, up_to_id, count, added, removed, prepared_at, older_manifest, channel,
                overlay, base_revision)
             VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(facts.revision)
        .bind(manifest)
        .bind(base)
        .bind(up_to_id)
        .bind(facts.count)
        .bind(facts.added)
        .bind(facts.removed)
        .bind(facts.prepared_at.0)
        .bind(older_manifest)
        .bind(channel.as_str())
        .bind(changes.as_ref().map(|changes| changes.overlay.as_slice()))
        .bind(changes.as_ref().map(|changes| i64::try_from(changes.base_revision.0).unwrap_or(i64::MAX)))
        .execute(&mut *tx)
        .await?;
        go_onward(&mut tx, onward, facts.revision, true, facts.prepared_at).await?;
        tx.commit().await?;
        Ok(before)
    }

    /// Nothing waits any more. Gives whether something did.
    ///
    /// # Errors
    /// The database's own.
    pub async fn forget_pending(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM pending_list").execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone > 0)
    }
}
