//! Every false positive said of one indicator taken back at once, whether its alert is still there or went with its member.

use varde_common::time::Timestamp;

use super::{Word, settle, settle_allowed, take_back};
use crate::store::{Scope, Store, StoreError};

/// What is said of an indicator, as taking it back concerns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refuted {
    /// The members whose alerts it was said of, by number; none of one that has left.
    pub members: Vec<String>,
    /// How often it is said to be a false positive.
    pub said: u64,
}

/// What taking it back came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// Verdicts that are gone.
    pub verdicts: u64,
    /// The indicator stands again: a source names it.
    pub reinstated: bool,
}

impl Store {
    /// What was said against an indicator.
    ///
    /// # Errors
    /// The database's own.
    pub async fn refuted(&self, scope: Scope, indicator: i64) -> Result<Refuted, StoreError> {
        if scope != Scope::Operator {
            return Ok(Refuted { members: Vec::new(), said: 0 });
        }
        let sql = "SELECT DISTINCT m.number FROM judgement j JOIN alert a ON a.judgement_id = j.id
            JOIN member m ON m.id = a.member_id WHERE j.indicator_id = $1 AND j.verdict = 'false-positive' ORDER BY m.number";
        let members = sqlx::query_scalar(sql).bind(indicator).fetch_all(self.readers()).await?;
        let sql = "SELECT COUNT(*) FROM judgement WHERE indicator_id = $1 AND verdict = 'false-positive'";
        let said: i64 = sqlx::query_scalar(sql).bind(indicator).fetch_one(self.readers()).await?;
        Ok(Refuted { members, said: u64::try_from(said).unwrap_or(0) })
    }

    /// Nobody says of this indicator any more that it is a false positive; what was said of its alerts in other words stays. All of it
    /// is in one transaction.
    ///
    /// # Errors
    /// The database's own.
    pub async fn take_back_false_positives(
        &self,
        indicator: i64,
        word: Word<'_>,
        now: Timestamp,
    ) -> Result<TakenBack, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT id FROM judgement WHERE indicator_id = $1 AND verdict = 'false-positive'";
        let judgements: Vec<i64> = sqlx::query_scalar(sql).bind(indicator).fetch_all(&mut *tx).await?;
        let sql = "UPDATE alert SET verdict = NULL, verdict_reason = NULL, verdict_at = NULL, judgement_id = NULL,
            updated_at = MAX(updated_at, $2) WHERE indicator_id = $1
            AND judgement_id IN (SELECT id FROM judgement WHERE indicator_id = $1 AND verdict = 'false-positive')";
        sqlx::query(sql).bind(indicator).bind(now.0).execute(&mut *tx).await?;
        for judgement in &judgements {
            take_back(&mut tx, *judgement).await?;
        }
        let reinstated = match judgements.is_empty() {
            true => false,
            false => {
                settle_allowed(&mut tx, indicator, word, false, now).await?;
                settle(&mut tx, indicator, word.reason, now).await?.1
            }
        };
        tx.commit().await?;
        Ok(TakenBack { verdicts: judgements.len() as u64, reinstated })
    }
}
