//! The same verdict on every alert behind an incident or a campaign: of each indicator one is judged, and the others stand with it, so
//! that a source is not found wrong three thousand times for one line of its list.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::{Judged, Word, judge};
use crate::store::{Scope, Store, StoreError};
use crate::verdict::Verdict;
use crate::workflow::Matter;

/// What a verdict on all alerts behind something came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Behind {
    /// Alerts that have the verdict now and had none.
    pub alerts: u64,
    /// Alerts of which a person had said something else before, which stands.
    pub kept: u64,
    /// Indicators that are withdrawn by it.
    pub withdrawn: Vec<i64>,
    /// Sources that will be told, as often.
    pub sightings: u64,
    /// Patterns that would be on the allow-list, were it not full.
    pub not_allowed: u64,
}

/// Judges all alerts of an incident, or of the incidents of a campaign, of which nobody has said anything.
pub(in crate::store) async fn judge_behind(
    tx: &mut SqliteConnection,
    case: Matter,
    word: Word<'_>,
    now: Timestamp,
) -> Result<Behind, StoreError> {
    let mut behind = Behind::default();
    let (incident, campaign) = match case {
        Matter::Incident(id) => (Some(id), None),
        Matter::Campaign(id) => (None, Some(id)),
        Matter::Silence(_) => return Ok(behind),
    };
    let Some(verdict) = word.verdict else { return Ok(behind) };
    let sql = "SELECT a.id, a.indicator_id, a.exercise, a.verdict, a.judgement_id FROM alert a JOIN incident i ON i.id = a.incident_id
        WHERE ($1 IS NULL OR i.id = $1) AND ($2 IS NULL OR i.campaign_id = $2) ORDER BY a.id";
    type Found = (i64, i64, bool, Option<String>, Option<i64>);
    let alerts: Vec<Found> = sqlx::query_as(sql).bind(incident).bind(campaign).fetch_all(&mut *tx).await?;
    let mut judgements: BTreeMap<(i64, bool), i64> = BTreeMap::new();
    for (_, indicator, exercise, said, judgement) in &alerts {
        if let (true, Some(judgement)) = (said.as_deref() == Some(verdict.as_str()), judgement) {
            judgements.insert((*indicator, *exercise), *judgement);
        }
    }
    for (alert, indicator, exercise, said, _) in alerts {
        match said {
            Some(said) if said != verdict.as_str() => behind.kept += 1,
            Some(_) => {}
            None => {
                behind.alerts += 1;
                if let Some(judgement) = judgements.get(&(indicator, exercise)) {
                    let sql = "UPDATE alert SET verdict = $2, verdict_reason = $3, verdict_at = $4, judgement_id = $5,
                        updated_at = MAX(updated_at, $4) WHERE id = $1";
                    let update = sqlx::query(sql).bind(alert).bind(verdict.as_str()).bind(word.reason);
                    update.bind(now.0).bind(judgement).execute(&mut *tx).await?;
                    continue;
                }
                let Some(Judged { withdrawn, sightings, allow_list, .. }) = judge(&mut *tx, alert, word, now).await?
                else {
                    continue;
                };
                if withdrawn {
                    behind.withdrawn.push(indicator);
                }
                behind.sightings += sightings;
                behind.not_allowed += u64::from(allow_list.is_full);
                let sql = "SELECT judgement_id FROM alert WHERE id = $1";
                let judgement: Option<i64> = sqlx::query_scalar(sql).bind(alert).fetch_one(&mut *tx).await?;
                judgements.extend(judgement.map(|judgement| ((indicator, exercise), judgement)));
            }
        }
    }
    Ok(behind)
}

impl Store {
    /// The alerts behind an incident or a campaign that have this verdict, each with its indicator, by number.
    ///
    /// # Errors
    /// The database's own.
    pub async fn judged_behind(
        &self,
        scope: Scope,
        case: Matter,
        verdict: Verdict,
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let (incident, campaign) = match case {
            Matter::Incident(id) => (Some(id), None),
            Matter::Campaign(id) => (None, Some(id)),
            Matter::Silence(_) => return Ok(Vec::new()),
        };
        let sql = "SELECT a.id, a.indicator_id FROM alert a JOIN incident i ON i.id = a.incident_id
            WHERE (i.id = $1 OR i.campaign_id = $2) AND a.verdict = $3 AND ($4 IS NULL OR i.member_id = $4) ORDER BY a.id";
        let find = sqlx::query_as(sql).bind(incident).bind(campaign).bind(verdict.as_str()).bind(scope.member_id());
        Ok(find.fetch_all(self.readers()).await?)
    }
}
