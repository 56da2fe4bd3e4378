//! Mail that did not come through is sent once more by a person's word: what was given up, what nobody knows the end of, and to those who
//! can be written to only since.

use varde_common::time::Timestamp;

use super::advisory::draft::NotDone;
use super::advisory::stands;
use super::{Scope, Store, StoreError, mail};
use crate::advisory::State;
use crate::advisory::letter::Occasion;
use crate::limits::advisory::MAIL_WITHIN;

impl Store {
    /// Sends the newest mail of an advisory again to those it did not reach, under the same Message-ID. Who has read it is left alone, and so
    /// is whose mail may be read by others. Gives how many wait to be sent.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn send_mail_again(&self, id: i64, now: Timestamp) -> Result<Result<u64, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(found) = stands(&mut tx, id).await? else { return Ok(Err(NotDone::None(id))) };
        let sql = "SELECT id FROM advisory WHERE corrects = $1 AND state <> 'draft'";
        let next: Option<i64> = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *tx).await?;
        let occasion = match (found.state, next) {
            (State::Draft, _) => return Ok(Err(NotDone::Draft(id))),
            (State::Sent, Some(next)) => return Ok(Err(NotDone::Superseded(id, next))),
            (State::Withdrawn, _) => Occasion::Withdrawn,
            (State::Sent, None) if found.corrects.is_some() => Occasion::Corrected,
            (State::Sent, None) => Occasion::Sent,
        };
        // What is on its way at this moment is left to end.
        let hung = now.minus(MAIL_WITHIN.saturating_mul(2));
        let sql = "UPDATE mail SET tries = 0, next_at = $3, given_up_at = NULL, handing_at = NULL, failed_why = NULL
            WHERE advisory_id = $1 AND occasion = $2 AND sent_at IS NULL
            AND (handing_at < $4 OR (handing_at IS NULL AND given_up_at IS NOT NULL))
            AND member_id NOT IN (SELECT member_id FROM mail_distrusted)
            AND ($2 = 'withdrawn' OR member_id IN (SELECT member_id FROM advisory_recipient r WHERE r.advisory_id = $1 AND r.read_at IS NULL))";
        let update = sqlx::query(sql).bind(id).bind(occasion.as_str()).bind(now.0).bind(hung.0);
        let mut waits = update.execute(&mut *tx).await?.rows_affected();
        let sql = "SELECT member_id FROM advisory_recipient WHERE advisory_id = $1 AND sent_at IS NOT NULL
            AND (read_at IS NULL OR $2 = 'withdrawn') ORDER BY member_id";
        let members: Vec<i64> = sqlx::query_scalar(sql).bind(id).bind(occasion.as_str()).fetch_all(&mut *tx).await?;
        for member in members {
            waits += mail::queue(&mut tx, (id, member), occasion, now).await?;
        }
        tx.commit().await?;
        Ok(Ok(waits))
    }

    /// How many mails were on their way when nothing more could be noted: of them nobody knows whether they were taken. The operator's
    /// business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn mails_hung(&self, scope: Scope, now: Timestamp) -> Result<i64, StoreError> {
        if scope != Scope::Operator {
            return Ok(0);
        }
        let sql = "SELECT COUNT(*) FROM mail WHERE sent_at IS NULL AND handing_at < $1";
        Ok(sqlx::query_scalar(sql).bind(now.0).fetch_one(self.readers()).await?)
    }
}
