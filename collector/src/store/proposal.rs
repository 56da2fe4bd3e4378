//! Proposals that an indicator is noise, and what a person says of them.

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::alert::told_pattern;
use super::{Scope, Store, StoreError, cluster, incident, priority, weights};
use crate::link::{Key, KeyKind};
use crate::noise::Numbers;

/// What a person says of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Settled {
    /// It is noise: the indicator links nothing, and weighs little.
    Upheld,
    /// It is none: the indicator links and weighs again, and is not proposed again.
    Overruled,
}

impl Settled {
    /// The word used in `--json` and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Settled::Upheld => "upheld",
            Settled::Overruled => "overruled",
        }
    }

    /// Of that word.
    pub(super) fn of(word: &str) -> Option<Settled> {
        [Settled::Upheld, Settled::Overruled].into_iter().find(|settled| settled.as_str() == word)
    }
}

/// That an indicator is proposed as noise, with the numbers it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// `indicator.id`.
    pub indicator_id: i64,
    /// What it looks for.
    pub indicator: String,
    /// Since when.
    pub proposed_at: Timestamp,
    /// By what.
    pub numbers: Option<Numbers>,
    /// What a person has said of it.
    pub settled: Option<Settled>,
    /// When.
    pub settled_at: Option<Timestamp>,
    /// Who.
    pub settled_by: Option<String>,
    /// Why.
    pub settled_why: Option<String>,
}

/// A proposal as it is stored.
type Row = (i64, String, String, i64, String, Option<String>, Option<i64>, Option<String>, Option<String>);

/// A person has said of the indicator that it is wrong: a proposal that it is noise is upheld by that, whatever was said of it before.
pub(super) async fn uphold(
    tx: &mut SqliteConnection,
    indicator: i64,
    (who, why): (&str, &str),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM guard WHERE kind = 'indicator' AND value = $1
        AND (settled_as IS NULL OR settled_as <> 'upheld'))";
    let is_open: bool = sqlx::query_scalar(sql).bind(indicator.to_string()).fetch_one(&mut *tx).await?;
    if is_open {
        settle(tx, indicator, Settled::Upheld, (who, why), now).await?;
    }
    Ok(())
}

/// Says it within a transaction.
pub(crate) async fn settle(
    tx: &mut SqliteConnection,
    indicator: i64,
    settled: Settled,
    (who, why): (&str, &str),
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE guard SET settled_as = $2, settled_by = $3, settled_why = $4, settled_at = $5
        WHERE kind = 'indicator' AND value = $1";
    let key = Key { kind: KeyKind::Indicator, value: indicator.to_string() };
    let update = sqlx::query(sql).bind(&key.value).bind(settled.as_str()).bind(who).bind(why).bind(now.0);
    if update.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    match settled {
        Settled::Overruled => cluster::unmark_held_by(&mut *tx, &format!("{} {}", key.kind, key.value)).await?,
        Settled::Upheld => drop(cluster::mark_held_by(&mut *tx, &key, now).await?),
    }
    weigh_held_by(tx, &key).await?;
    Ok(true)
}

/// What was said of a proposal is taken back: it stands there again as nobody has settled it.
pub(super) async fn unsettle(tx: &mut SqliteConnection, indicator: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE guard SET settled_as = NULL, settled_by = NULL, settled_why = NULL, settled_at = NULL
        WHERE kind = 'indicator' AND value = $1";
    sqlx::query(sql).bind(indicator.to_string()).execute(&mut *tx).await?;
    weigh_held_by(tx, &Key { kind: KeyKind::Indicator, value: indicator.to_string() }).await
}

/// Weighs anew what has a key of which a person has said something, or that has come to link nothing.
///
/// # Errors
/// The database's own.
pub(crate) async fn weigh_held_by(tx: &mut SqliteConnection, key: &Key) -> Result<(), sqlx::Error> {
    let (incidents, campaigns) = priority::held_by(&mut *tx, key).await?;
    let weights = weights::in_force(&mut *tx).await?;
    let shared = incident::behind_suppliers(&mut *tx).await?;
    let (incidents, campaigns) = (incidents.into_iter().collect(), campaigns.into_iter().collect());
    priority::weigh(&mut *tx, &incidents, &campaigns, &shared, &weights).await
}

impl Store {
    /// Everything that is proposed as noise, the newest first; those not settled only, if `open`.
    ///
    /// # Errors
    /// The database's own.
    pub async fn noise_proposals(&self, scope: Scope, open: bool) -> Result<Vec<Proposal>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT n.id, n.pattern, n.tlp, g.tripped_at, g.numbers, g.settled_as, g.settled_at, g.settled_by, g.settled_why
            FROM guard g JOIN indicator n ON n.id = CAST(g.value AS BIGINT)
            WHERE g.kind = 'indicator' AND ($1 = 0 OR g.settled_as IS NULL) ORDER BY g.tripped_at DESC, n.id DESC";
        let rows: Vec<Row> = sqlx::query_as(sql).bind(i64::from(open)).fetch_all(self.readers()).await?;
        let read = |(indicator_id, pattern, tlp, at, numbers, settled, settled_at, by, why): Row| Proposal {
            indicator_id,
            indicator: told_pattern(indicator_id, &pattern, &tlp),
            proposed_at: Timestamp(at),
            numbers: serde_json::from_str(&numbers).ok(),
            settled: settled.as_deref().and_then(Settled::of),
            settled_at: settled_at.map(Timestamp),
            settled_by: by,
            settled_why: why,
        };
        Ok(rows.into_iter().map(read).collect())
    }
}
