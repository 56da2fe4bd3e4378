//! The same verdict on all alerts of one indicator of which nobody has said anything: one is judged and the others stand with it. And all of
//! that taken back, where it still stands.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::{Word, judge};
use crate::store::StoreError;
use crate::verdict::Verdict;

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::store) struct JudgedAll {
    /// What alerts count as beside: one for what is real, one for an exercise.
    pub(in crate::store) judgements: Vec<i64>,
    /// Whose alerts, by number.
    pub(in crate::store) members: Vec<String>,
    /// The indicator is withdrawn by it.
    pub(in crate::store) withdrawn: bool,
}

/// One that alerts of this indicator have with this verdict already.
async fn shared(
    tx: &mut SqliteConnection,
    indicator: i64,
    verdict: Verdict,
    exercise: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let sql = "SELECT judgement_id FROM alert WHERE indicator_id = $1 AND verdict = $2 AND exercise = $3 AND judgement_id IS NOT NULL
        ORDER BY id DESC LIMIT 1";
    sqlx::query_scalar(sql).bind(indicator).bind(verdict.as_str()).bind(exercise).fetch_optional(tx).await
}

/// Judges them. None = there is none of which nobody has said anything.
pub(in crate::store) async fn judge_indicator(
    tx: &mut SqliteConnection,
    indicator: i64,
    word: Word<'_>,
    now: Timestamp,
) -> Result<Option<JudgedAll>, StoreError> {
    let Some(verdict) = word.verdict else { return Ok(None) };
    let sql = "SELECT DISTINCT m.number FROM alert a JOIN member m ON m.id = a.member_id
        WHERE a.indicator_id = $1 AND a.verdict IS NULL ORDER BY 1";
    let members: Vec<String> = sqlx::query_scalar(sql).bind(indicator).fetch_all(&mut *tx).await?;
    let mut all = JudgedAll { members, ..JudgedAll::default() };
    for exercise in [0, 1] {
        let sql = "SELECT id FROM alert WHERE indicator_id = $1 AND exercise = $2 AND verdict IS NULL ORDER BY id DESC LIMIT 1";
        let newest: Option<i64> =
            sqlx::query_scalar(sql).bind(indicator).bind(exercise).fetch_optional(&mut *tx).await?;
        let Some(newest) = newest else { continue };
        let mut judgement = shared(tx, indicator, verdict, exercise).await?;
        if judgement.is_none() {
            all.withdrawn |= judge(tx, newest, word, now).await?.is_some_and(|judged| judged.withdrawn);
            let sql = "SELECT judgement_id FROM alert WHERE id = $1";
            judgement = sqlx::query_scalar(sql).bind(newest).fetch_one(&mut *tx).await?;
        }
        let Some(judgement) = judgement else { continue };
        let sql = "UPDATE alert SET verdict = $3, verdict_reason = $4, verdict_at = $5, judgement_id = $6, updated_at = MAX(updated_at, $5)
            WHERE indicator_id = $1 AND exercise = $2 AND verdict IS NULL";
        let update = sqlx::query(sql).bind(indicator).bind(exercise).bind(verdict.as_str()).bind(word.reason);
        update.bind(now.0).bind(judgement).execute(&mut *tx).await?;
        all.judgements.push(judgement);
    }
    Ok(Some(all).filter(|all| !all.judgements.is_empty()))
}

/// Takes back what was said of alerts of an indicator at this moment with this judgement. Gives whether any of that still stood.
pub(in crate::store) async fn unsay(
    tx: &mut SqliteConnection,
    (indicator, judgement, at): (i64, i64, i64),
    (who, reason): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT MAX(id) FROM alert WHERE indicator_id = $1 AND judgement_id = $2 AND verdict_at = $3";
    let last: Option<i64> =
        sqlx::query_scalar(sql).bind(indicator).bind(judgement).bind(at).fetch_one(&mut *tx).await?;
    let Some(last) = last else { return Ok(false) };
    let sql = "UPDATE alert SET verdict = NULL, verdict_reason = NULL, verdict_at = NULL, judgement_id = NULL, updated_at = MAX(updated_at, $5)
        WHERE indicator_id = $1 AND judgement_id = $2 AND verdict_at = $3 AND id <> $4";
    let update = sqlx::query(sql).bind(indicator).bind(judgement).bind(at).bind(last).bind(now.0);
    update.execute(&mut *tx).await?;
    // Whatever follows from the last of it, follows by the way on which it came.
    judge(tx, last, Word { verdict: None, reason, who }, now).await?;
    Ok(true)
}
