//! What of the picture is the operator's business alone: the trust anchor, who signs lists, and the outgoing heartbeat.

use sqlx::{Sqlite, Transaction};
use varde_common::time::Timestamp;

use super::TrustFacts;
use crate::beat::Fare;
use crate::store::{Scope, pending, rollout, setting};

/// The trust anchor and who signs lists: the operator's business.
pub(super) async fn trust(tx: &mut Transaction<'static, Sqlite>, scope: Scope) -> Result<TrustFacts, sqlx::Error> {
    if matches!(scope, Scope::Member(_)) {
        return Ok(TrustFacts::default());
    }
    let root: Option<(i64, i64)> =
        sqlx::query_as("SELECT version, expires FROM root_document ORDER BY version DESC LIMIT 1")
            .fetch_optional(&mut **tx)
            .await?;
    let list_key = sqlx::query_scalar("SELECT value FROM setting WHERE key = $1").bind(setting::LIST_KEY_MODE);
    Ok(TrustFacts {
        root: root.map(|(version, expires)| (version, Timestamp(expires))),
        list_key: list_key.fetch_optional(&mut **tx).await?,
        pending: pending::facts(&mut **tx).await?,
        rollout: rollout::newest(&mut **tx).await?.into_iter().next(),
    })
}

/// How the outgoing heartbeat fares: the operator's business.
pub(super) async fn beat(tx: &mut Transaction<'static, Sqlite>, scope: Scope) -> Result<Option<Fare>, sqlx::Error> {
    if matches!(scope, Scope::Member(_)) {
        return Ok(None);
    }
    let text = sqlx::query_scalar("SELECT value FROM setting WHERE key = $1").bind(setting::HEARTBEAT);
    let text: Option<String> = text.fetch_optional(&mut **tx).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
