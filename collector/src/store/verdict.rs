//! Verdicts: said of an alert, counted for the sources that named its indicator, and where it is a false positive the indicator is
//! withdrawn and its pattern allowed until somebody takes that back, however often it is said again.

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;

use super::alert::verdict_from;
use super::allow::{Allowing, Following, allow_refuted, end_refuted};
use super::claim::changed;
use super::claim_sum;
use super::proposal::{self, Settled};
use super::{Scope, Store, StoreError};
use crate::limits::feed::SIGHTINGS_WAITING_MAX;
use crate::verdict::Verdict;

pub(super) use all_of::{judge_indicator, unsay};
pub use behind::Behind;
pub(super) use behind::judge_behind;
pub use by_indicator::{Refuted, TakenBack};

/// An alert as a verdict concerns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgeable {
    /// `alert.id`.
    pub alert: i64,
    /// Whose, by its number.
    pub member: String,
    /// What matched.
    pub indicator: i64,
    /// What was said of it so far, and why.
    pub verdict: Option<(Verdict, String)>,
    /// It is an exercise's: what is said of it withdraws nothing.
    pub exercise: bool,
}

/// What a verdict came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The indicator is withdrawn by it now and was not before.
    pub withdrawn: bool,
    /// It stands again: nobody says any more that it is a false positive, and a source names it.
    pub reinstated: bool,
    /// Sources that will be told.
    pub sightings: u64,
    /// What became of its pattern on the allow-list.
    pub allow_list: Following,
}

/// Who says what of an alert, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// What; none takes back what was said.
    pub verdict: Option<Verdict>,
    /// Why.
    pub reason: &'a str,
    /// By whom.
    pub who: &'a str,
}

/// How right a source was so far. Exercises do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceRecord {
    /// Its name.
    pub source: String,
    /// Its indicators that were ever in a published list.
    pub shown: i64,
    /// Of them, those that ever made an alert that is still kept.
    pub hits: i64,
    /// Verdicts that confirmed one.
    pub confirmed: i64,
    /// Verdicts that found one wrong.
    pub false_positives: i64,
}

/// Whose alert it is, its indicator, what was said of it and why, and whether it is an exercise's.
type JudgedRow = (String, i64, Option<String>, Option<String>, bool);

/// The row of an alert, as far as a verdict needs it.
struct Row {
    indicator: i64,
    exercise: bool,
    judgement: Option<i64>,
}

async fn row(tx: &mut SqliteConnection, alert: i64) -> Result<Option<Row>, sqlx::Error> {
    let sql = "SELECT indicator_id, exercise, judgement_id FROM alert WHERE id = $1";
    let found: Option<(i64, bool, Option<i64>)> = sqlx::query_as(sql).bind(alert).fetch_optional(tx).await?;
    Ok(found.map(|(indicator, exercise, judgement)| Row { indicator, exercise, judgement }))
}

/// Takes back what was said of an alert before, and what still waits to be told of it.
async fn take_back(tx: &mut SqliteConnection, judgement: i64) -> Result<(), sqlx::Error> {
    for sql in [
        "DELETE FROM sighting WHERE judgement_id = $1 AND sent_at IS NULL",
        "DELETE FROM judged_source WHERE judgement_id = $1",
        "DELETE FROM judgement WHERE id = $1",
    ] {
        sqlx::query(sql).bind(judgement).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Counts a verdict, for every source that names the indicator now or did until a person found it wrong.
async fn count(
    tx: &mut SqliteConnection,
    indicator: i64,
    verdict: Verdict,
    exercise: bool,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    // A number of one that was taken back may be told of still, and is given to no other.
    let sql = "INSERT INTO judgement (id, indicator_id, verdict, exercise, at) VALUES (
        1 + MAX((SELECT COALESCE(MAX(id), 0) FROM judgement), (SELECT COALESCE(MAX(judgement_id), 0) FROM sighting)),
        $1, $2, $3, $4) RETURNING id";
    let insert = sqlx::query_scalar(sql).bind(indicator).bind(verdict.as_str()).bind(exercise).bind(now.0);
    let judgement: i64 = insert.fetch_one(&mut *tx).await?;
    let sql = "INSERT INTO judged_source (judgement_id, source_id) SELECT DISTINCT $1, source_id FROM claim
        WHERE indicator_id = $2 AND (withdrawn_at IS NULL OR refuted_at IS NOT NULL)";
    sqlx::query(sql).bind(judgement).bind(indicator).execute(tx).await?;
    Ok(judgement)
}

/// Queues what MISP servers are told of their own attributes: those that were named for it, and nothing that is marked more strictly than
/// TLP:AMBER or as PAP:RED, for whoever sees the event there sees the sighting.
async fn queue(
    tx: &mut SqliteConnection,
    indicator: i64,
    judgement: i64,
    kind: i64,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let sql = "INSERT INTO sighting (source_id, judgement_id, object_id, kind, at, next_at)
        SELECT c.source_id, $2, c.object_id, $3, $4, $4 FROM claim c JOIN sighting_target t ON t.source_id = c.source_id
        WHERE c.indicator_id = $1 AND c.object_id LIKE '%/%' AND (c.withdrawn_at IS NULL OR c.refuted_at IS NOT NULL)
        AND COALESCE(c.tlp, 2) <= 2 AND COALESCE(c.pap, 0) < 3
        AND (SELECT COUNT(*) FROM sighting WHERE sent_at IS NULL AND given_up_at IS NULL) < $5";
    let queue = sqlx::query(sql).bind(indicator).bind(judgement).bind(kind).bind(now.0).bind(SIGHTINGS_WAITING_MAX);
    Ok(queue.execute(tx).await?.rows_affected())
}

/// Has the indicator be withdrawn where a person says that it is a false positive, and only then; what is said of an exercise's alert
/// never hides a real hit. Gives what has changed.
async fn settle(
    tx: &mut SqliteConnection,
    indicator: i64,
    reason: &str,
    now: Timestamp,
) -> Result<(bool, bool), StoreError> {
    let sql = "SELECT refuted_at IS NOT NULL,
            EXISTS (SELECT 1 FROM judgement WHERE indicator_id = $1 AND verdict = 'false-positive' AND exercise = 0)
        FROM indicator WHERE id = $1";
    let (is_refuted, is_to_be): (bool, bool) = sqlx::query_as(sql).bind(indicator).fetch_one(&mut *tx).await?;
    if is_refuted == is_to_be {
        return Ok((false, false));
    }
    changed(&mut *tx).await?;
    if is_to_be {
        let sql = "UPDATE claim SET withdrawn_at = $2, withdrawn_why = $3, refuted_at = $2
            WHERE indicator_id = $1 AND withdrawn_at IS NULL";
        let why = format!("false positive: {reason}");
        sqlx::query(sql).bind(indicator).bind(now.0).bind(why).execute(&mut *tx).await?;
        let sql = "UPDATE indicator SET refuted_at = $2, withdrawn_at = COALESCE(withdrawn_at, $2) WHERE id = $1";
        sqlx::query(sql).bind(indicator).bind(now.0).execute(&mut *tx).await?;
        return Ok((true, false));
    }
    let sql = "UPDATE claim SET withdrawn_at = NULL, withdrawn_why = NULL, refuted_at = NULL
        WHERE indicator_id = $1 AND refuted_at IS NOT NULL";
    sqlx::query(sql).bind(indicator).execute(&mut *tx).await?;
    let sql = "UPDATE indicator SET refuted_at = NULL WHERE id = $1";
    sqlx::query(sql).bind(indicator).execute(&mut *tx).await?;
    claim_sum::settle(&mut *tx, &[indicator], now).await?;
    let sql = "SELECT withdrawn_at IS NULL FROM indicator WHERE id = $1";
    Ok((false, sqlx::query_scalar(sql).bind(indicator).fetch_one(tx).await?))
}

/// Has what the indicator names be allowed while a person says, and not in an exercise, that it is a false positive: another source
/// may name it, or something below it, tomorrow.
async fn settle_allowed(
    tx: &mut SqliteConnection,
    indicator: i64,
    word: Word<'_>,
    exercise: bool,
    now: Timestamp,
) -> Result<Following, StoreError> {
    let sql = "SELECT pattern, EXISTS (SELECT 1 FROM judgement
            WHERE indicator_id = $1 AND verdict = 'false-positive' AND exercise = 0)
        FROM indicator WHERE id = $1";
    let (pattern, is_refuted): (String, bool) = sqlx::query_as(sql).bind(indicator).fetch_one(&mut *tx).await?;
    let Ok(pattern) = pattern.parse::<Pattern>() else { return Ok(Following::default()) };
    if !is_refuted {
        return Ok(end_refuted(tx, &pattern, word.who, now).await?);
    }
    if word.verdict != Some(Verdict::FalsePositive) || exercise {
        return Ok(Following::default());
    }
    let reason = format!("false positive: {}", word.reason);
    let allowing = Allowing { pattern: &pattern, reason: &reason, author: word.who, until: None };
    Ok(allow_refuted(tx, &allowing, now).await?)
}

/// Says of an alert what a person has concluded. A judgement that others were judged by too goes on for those.
pub(super) async fn judge(
    tx: &mut SqliteConnection,
    alert: i64,
    word: Word<'_>,
    now: Timestamp,
) -> Result<Option<Judged>, StoreError> {
    let Word { verdict, reason, who } = word;
    let Some(Row { indicator, exercise, judgement }) = row(&mut *tx, alert).await? else { return Ok(None) };
    if let Some(judgement) = judgement {
        let sql = "SELECT COUNT(*) FROM alert WHERE indicator_id = $1 AND judgement_id = $2 AND id <> $3";
        let others: i64 =
            sqlx::query_scalar(sql).bind(indicator).bind(judgement).bind(alert).fetch_one(&mut *tx).await?;
        if others == 0 {
            take_back(&mut *tx, judgement).await?;
        }
    }
    // What was said of an alert that went with its member is taken back through any other alert of the same indicator.
    if verdict != Some(Verdict::FalsePositive) {
        let sql = "SELECT id FROM judgement WHERE indicator_id = $1 AND verdict = 'false-positive'
            AND id NOT IN (SELECT judgement_id FROM alert WHERE indicator_id = $1 AND judgement_id IS NOT NULL)";
        let orphans: Vec<i64> = sqlx::query_scalar(sql).bind(indicator).fetch_all(&mut *tx).await?;
        for orphan in orphans {
            take_back(&mut *tx, orphan).await?;
        }
    }
    let (mut judgement, mut sightings) = (None, 0);
    if let Some(verdict) = verdict {
        let counted = count(&mut *tx, indicator, verdict, exercise, now).await?;
        if let Some(kind) = verdict.sighting().filter(|_| !exercise) {
            sightings = queue(&mut *tx, indicator, counted, kind, now).await?;
        }
        judgement = Some(counted);
    }
    let sql = "UPDATE alert SET verdict = $2, verdict_reason = $3, verdict_at = $4, judgement_id = $5,
        updated_at = MAX(updated_at, $6) WHERE id = $1";
    sqlx::query(sql)
        .bind(alert)
        .bind(verdict.map(Verdict::as_str))
        .bind(verdict.map(|_| reason))
        .bind(verdict.map(|_| now.0))
        .bind(judgement)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    let (withdrawn, reinstated) = settle(&mut *tx, indicator, reason, now).await?;
    if withdrawn {
        proposal::uphold(&mut *tx, indicator, (who, reason), now).await?;
    }
    let allow_list = settle_allowed(&mut *tx, indicator, word, exercise, now).await?;
    Ok(Some(Judged { withdrawn, reinstated, sightings, allow_list }))
}

impl Store {
    /// The alert that a verdict would be about.
    ///
    /// # Errors
    /// The database's own.
    pub async fn judgeable(&self, scope: Scope, alert: i64) -> Result<Option<Judgeable>, StoreError> {
        let sql = "SELECT m.number, a.indicator_id, a.verdict, a.verdict_reason, a.exercise FROM alert a
            JOIN member m ON m.id = a.member_id WHERE a.id = $1 AND ($2 IS NULL OR a.member_id = $2)";
        let found: Option<JudgedRow> =
            sqlx::query_as(sql).bind(alert).bind(scope.member_id()).fetch_optional(self.readers()).await?;
        Ok(found.map(|(member, indicator, verdict, reason, exercise)| Judgeable {
            alert,
            member,
            indicator,
            verdict: verdict_from(verdict).map(|verdict| (verdict, reason.unwrap_or_default())),
            exercise,
        }))
    }

    /// Says of an alert what a person has concluded, in place of what was said before; none takes that back. All that follows is
    /// in the same transaction. Gives none where there is no such alert; then nothing is changed.
    ///
    /// # Errors
    /// The database's own.
    pub async fn judge(&self, alert: i64, word: Word<'_>, now: Timestamp) -> Result<Option<Judged>, StoreError> {
        let mut tx = self.begin().await?;
        let judged = judge(&mut tx, alert, word, now).await?;
        if judged.is_some() {
            tx.commit().await?;
        }
        Ok(judged)
    }

    /// The alert through which it is said of an indicator that it is noise: the last real one of which that is said already, else the last
    /// that nothing is said of, else the last.
    ///
    /// # Errors
    /// The database's own.
    pub async fn alert_to_judge(&self, scope: Scope, indicator: i64) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id FROM alert WHERE indicator_id = $1 AND exercise = 0 AND ($2 IS NULL OR member_id = $2)
            ORDER BY CASE WHEN verdict = 'false-positive' THEN 0 WHEN verdict IS NULL THEN 1 ELSE 2 END, id DESC LIMIT 1";
        let select = sqlx::query_scalar(sql).bind(indicator).bind(scope.member_id());
        Ok(select.fetch_optional(self.readers()).await?)
    }

    /// Says that an indicator that is proposed as noise is one: of `alert` that it is a false positive, with all that follows from that,
    /// and of the proposal that it is upheld, in one transaction. Where that was said of the alert already it counts no second time in its
    /// sources' records. Gives none where there is no such alert or proposal, or that is upheld already; then nothing is changed.
    ///
    /// # Errors
    /// The database's own.
    pub async fn accept_noise(
        &self,
        (indicator, alert): (i64, i64),
        (who, why): (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Judged>, StoreError> {
        let mut tx = self.begin().await?;
        let word = Word { verdict: Some(Verdict::FalsePositive), reason: why, who };
        let sql = "SELECT a.verdict, EXISTS (SELECT 1 FROM guard g WHERE g.kind = 'indicator' AND g.value = $2 AND g.settled_as = 'upheld'
                AND a.verdict = 'false-positive') FROM alert a WHERE a.id = $1";
        let found = sqlx::query_as(sql).bind(alert).bind(indicator.to_string()).fetch_optional(&mut *tx).await?;
        let Some((said, false)): Option<(Option<String>, bool)> = found else { return Ok(None) };
        let judged = match verdict_from(said) {
            Some(Verdict::FalsePositive) => {
                Judged { withdrawn: false, reinstated: false, sightings: 0, allow_list: Following::default() }
            }
            Some(Verdict::Legitimate | Verdict::Confirmed) | None => match judge(&mut tx, alert, word, now).await? {
                Some(judged) => judged,
                None => return Ok(None),
            },
        };
        if !proposal::settle(&mut tx, indicator, Settled::Upheld, (who, why), now).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(judged))
    }

    /// How right each source was so far, by name; of one indicator those that name it or did, of none all.
    ///
    /// # Errors
    /// The database's own.
    pub async fn source_records(&self, scope: Scope, indicator: Option<i64>) -> Result<Vec<SourceRecord>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT s.name,
                (SELECT COUNT(DISTINCT c.indicator_id) FROM claim c JOIN indicator n ON n.id = c.indicator_id
                    WHERE c.source_id = s.id AND n.published_at IS NOT NULL AND n.exercise = 0),
                (SELECT COUNT(DISTINCT c.indicator_id) FROM claim c WHERE c.source_id = s.id
                    AND EXISTS (SELECT 1 FROM alert a WHERE a.indicator_id = c.indicator_id AND a.exercise = 0)),
                (SELECT COUNT(*) FROM judged_source b JOIN judgement j ON j.id = b.judgement_id
                    WHERE b.source_id = s.id AND j.exercise = 0 AND j.verdict = 'confirmed'),
                (SELECT COUNT(*) FROM judged_source b JOIN judgement j ON j.id = b.judgement_id
                    WHERE b.source_id = s.id AND j.exercise = 0 AND j.verdict = 'false-positive')
            FROM source s WHERE $1 IS NULL OR s.id IN (SELECT source_id FROM claim WHERE indicator_id = $1) ORDER BY s.name";
        let rows: Vec<(String, i64, i64, i64, i64)> =
            sqlx::query_as(sql).bind(indicator).fetch_all(self.readers()).await?;
        let read = |(source, shown, hits, confirmed, false_positives)| SourceRecord {
            source,
            shown,
            hits,
            confirmed,
            false_positives,
        };
        Ok(rows.into_iter().map(read).collect())
    }
}

mod all_of;
mod behind;
mod by_indicator;
#[cfg(test)]
mod tests;
