//! A deed undone: all of it or nothing, while it stands as the deed has left it.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::act::By;
use super::alert::acknowledged;
use super::case::{assign, matter, owner};
use super::{Person, Target, Was};
use crate::audit::{Deed as Entry, On};
use crate::limits::desk::UNDONE_WITHIN;
use crate::store::proposal::{self, Settled};
use crate::store::verdict::unsay;
use crate::store::workflow::{Saying, stand, standing, tell};
use crate::store::{Store, StoreError, audit};
use crate::workflow::timeline::Said;

/// A deed, as a page offers to undo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Its number.
    pub id: i64,
    /// What, as [`Act::as_str`](super::Act::as_str) says it.
    pub what: String,
    /// Who did it.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// To how many things.
    pub things: usize,
}

/// Why nothing was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUndone {
    /// There is no such deed, or not any more.
    Gone,
    /// It was somebody else's.
    Others,
    /// It is undone already.
    Already,
    /// It is too long ago.
    TooLate,
    /// Somebody has gone on from there since.
    ChangedSince,
}

/// What an undoing came to.
pub type Undone = Result<Deed, NotUndone>;

/// What an undone step is said to be for.
const UNDONE: &str = "angret";

async fn put_back(tx: &mut SqliteConnection, was: &Was, by: By<'_>) -> Result<Result<(), NotUndone>, StoreError> {
    let changed = Ok(Err(NotUndone::ChangedSince));
    match was {
        Was::Acknowledged { indicator, before, after } => {
            let stands = acknowledged(tx, *indicator).await?;
            if !after.iter().all(|left| stands.contains(left)) {
                return changed;
            }
            for left in after {
                let sql = "DELETE FROM acknowledged WHERE indicator_id = $1 AND member_id = $2";
                sqlx::query(sql).bind(indicator).bind(left.member_id).execute(&mut *tx).await?;
            }
            for was in before {
                let sql = "INSERT INTO acknowledged (indicator_id, member_id, up_to, evidence, who, at) VALUES ($1, $2, $3, $4, $5, $6)";
                let insert = sqlx::query(sql).bind(indicator).bind(was.member_id).bind(was.up_to).bind(was.evidence);
                insert.bind(&was.who).bind(was.at).execute(&mut *tx).await?;
            }
        }
        Was::Unjudged { indicator, judgement, at } => {
            if !unsay(tx, (*indicator, *judgement, *at), (by.who, UNDONE), by.now).await? {
                return changed;
            }
        }
        Was::Proposed { indicator, settled } => restore_proposal(tx, *indicator, settled.as_ref(), by).await?,
        Was::Unmuted { muted } => {
            let sql = "UPDATE muted SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL";
            let ended = sqlx::query(sql).bind(muted).bind(by.now.0).bind(by.who).execute(tx).await?;
            if ended.rows_affected() == 0 {
                return changed;
            }
        }
        Was::Muted { muted, ended_at } => {
            let sql =
                "UPDATE muted SET ended_at = NULL, ended_by = NULL WHERE id = $1 AND ended_at = $2 AND ended_by = $3";
            let again = sqlx::query(sql).bind(muted).bind(ended_at).bind(by.who).execute(tx).await?;
            if again.rows_affected() == 0 {
                return changed;
            }
        }
        Was::Owned { case, before, after } => {
            let Some(case) = matter(*case) else { return changed };
            if owner(tx, case).await? != *after {
                return changed;
            }
            assign(tx, case, before.clone(), by).await?;
        }
        Was::Stood { case: target, before, after } => {
            let Some(case) = matter(*target) else { return changed };
            if standing(tx, case).await? != Some(after.progress()) {
                return changed;
            }
            let before = before.progress();
            stand(tx, case, before, by.now).await?;
            let for_members = matches!(target, Target::Incident(_));
            let saying = Saying { who: Some(by.who), at: by.now, for_members };
            let said = Said::Stepped { standing: before, reason: Some(UNDONE.to_owned()) };
            tell(tx, case, &said, saying, by.now).await?;
        }
    }
    Ok(Ok(()))
}

async fn restore_proposal(
    tx: &mut SqliteConnection,
    indicator: i64,
    settled: Option<&super::Settled>,
    by: By<'_>,
) -> Result<(), StoreError> {
    if let Some((_, who, why, at)) = settled {
        // Nothing but what was overruled before is put back so: what was upheld is not remembered.
        let word = (who.as_deref().unwrap_or(by.who), why.as_deref().unwrap_or(UNDONE));
        proposal::settle(tx, indicator, Settled::Overruled, word, at.map_or(by.now, Timestamp)).await?;
        return Ok(());
    }
    proposal::unsettle(tx, indicator).await?;
    Ok(())
}

impl Store {
    /// What somebody did of late and can undo, the newest first.
    ///
    /// # Errors
    /// The database's own.
    pub async fn undoable(&self, who: &str, now: Timestamp) -> Result<Vec<Deed>, StoreError> {
        let sql = "SELECT id, what, who, at, before FROM triage WHERE who = $1 AND undone_at IS NULL AND at > $2 ORDER BY id DESC LIMIT 20";
        let rows: Vec<(i64, String, String, i64, String)> =
            sqlx::query_as(sql).bind(who).bind(now.minus(UNDONE_WITHIN).0).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(|(id, what, who, at, before)| deed((id, what, who, at), &before)).collect())
    }

    /// Undoes a deed of whoever asks, as a whole, with its own entry in the audit; the timelines keep what was said and say that it was undone.
    ///
    /// # Errors
    /// The database's own; within, why nothing was undone.
    pub async fn undo<'a>(&self, id: i64, person: impl Into<Person<'a>>, now: Timestamp) -> Result<Undone, StoreError> {
        let Person { name: who, audited } = person.into();
        let mut tx = self.begin().await?;
        let sql = "SELECT what, who, at, before, undone_at FROM triage WHERE id = $1";
        type Row = (String, String, i64, String, Option<i64>);
        let row: Option<Row> = sqlx::query_as(sql).bind(id).fetch_optional(&mut *tx).await?;
        let Some((what, by, at, before, undone_at)) = row else { return Ok(Err(NotUndone::Gone)) };
        if by != who {
            return Ok(Err(NotUndone::Others));
        }
        if undone_at.is_some() {
            return Ok(Err(NotUndone::Already));
        }
        if now.since(Timestamp(at)) > UNDONE_WITHIN {
            return Ok(Err(NotUndone::TooLate));
        }
        let Ok(was) = serde_json::from_str::<Vec<Was>>(&before) else { return Ok(Err(NotUndone::Gone)) };
        // The last that was done is put back first.
        for was in was.iter().rev() {
            if let Err(not) = put_back(&mut tx, was, By { who, now }).await? {
                return Ok(Err(not));
            }
        }
        let sql = "UPDATE triage SET undone_at = $2, undone_by = $3 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(now.0).bind(who).execute(&mut *tx).await?;
        let entry = Entry::new(audited.to_owned(), "page undo", On::Thing(format!("deed {id}: {what}")), now)
            .becomes("as it was before");
        audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(Ok(deed((id, what, by, at), &before)))
    }
}

fn deed((id, what, who, at): (i64, String, String, i64), before: &str) -> Deed {
    let things = serde_json::from_str::<Vec<Was>>(before).map_or(0, |was| was.len());
    Deed { id, what, who, at: Timestamp(at), things }
}
