//! What becomes of the work on incidents and campaigns that turn out to be part of another, and of one that a person opened.

use sqlx::{Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::{Saying, append, found, standing_from};
use crate::workflow::timeline::Said;
use crate::workflow::{Matter, Progress};

struct Part {
    standing: Progress,
    state_at: Option<i64>,
    owner: Option<String>,
    worked_at: Option<i64>,
    came_back: i64,
}

async fn part(conn: &mut SqliteConnection, case: Matter) -> Result<Option<Part>, sqlx::Error> {
    let sql = match case {
        Matter::Incident(_) => "SELECT * FROM incident WHERE id = $1",
        Matter::Campaign(_) | Matter::Silence(_) => "SELECT * FROM campaign WHERE id = $1",
    };
    let row = sqlx::query(sql).bind(case.id()).fetch_optional(conn).await?;
    row.map(|row| {
        Ok(Part {
            standing: standing_from(&row)?,
            state_at: row.try_get("state_at")?,
            owner: row.try_get("owner")?,
            worked_at: row.try_get("worked_at")?,
            came_back: row.try_get("came_back")?,
        })
    })
    .transpose()
}

/// One turns out to be part of another, before its row goes: what was said of it is the other's from now on, and the whole stands where
/// [`Progress::join`] says.
///
/// # Errors
/// The database's own.
pub async fn absorb(conn: &mut SqliteConnection, old: Matter, into: Matter, now: Timestamp) -> Result<(), sqlx::Error> {
    absorb_by(conn, old, into, None, now).await
}

/// The same, and where a person has said so, told as that person's: who, and why. That is the CSIRT's alone.
///
/// # Errors
/// The database's own.
pub async fn absorb_by(
    conn: &mut SqliteConnection,
    old: Matter,
    into: Matter,
    by: Option<(&str, &str)>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (Some(gone), Some(kept)) = (part(&mut *conn, old).await?, part(&mut *conn, into).await?) else {
        return Ok(());
    };
    let sql = "UPDATE timeline SET subject_id = $3 WHERE kind = $1 AND subject_id = $2";
    sqlx::query(sql).bind(old.kind()).bind(old.id()).bind(into.id()).execute(&mut *conn).await?;
    let (id, was) = (Some(old.id()), gone.standing);
    match by {
        None => found(&mut *conn, into, &Said::Joined { id, was }, now, now).await?,
        Some((who, reason)) => {
            let saying = Saying { who: Some(who), at: now, for_members: false };
            append(&mut *conn, into, &Said::Merged { id, was, reason: reason.to_owned() }, saying, now).await?;
        }
    }
    let whole = kept.standing.join(gone.standing);
    // What both were closed as is closed since the first of them: what was met after that is after the closing.
    let state_at = match (whole == kept.standing, whole == gone.standing) {
        (true, true) => kept.state_at.zip(gone.state_at).map(|(a, b)| a.min(b)).or(kept.state_at).or(gone.state_at),
        (true, false) => kept.state_at,
        (false, true) => gone.state_at,
        (false, false) => Some(now.0),
    };
    let sql = match into {
        Matter::Incident(_) => {
            "UPDATE incident SET state = $2, closed_as = $3, duplicate_of = $4, state_at = $5, owner = $6, worked_at = $7,
                came_back = $8,
                reached = (SELECT MAX(o.reached) FROM incident o WHERE o.id IN ($1, $9)),
                campaign_since = (SELECT MIN(o.campaign_since) FROM incident o WHERE o.id IN ($1, $9))
             WHERE id = $1"
        }
        Matter::Campaign(_) | Matter::Silence(_) => {
            "UPDATE campaign SET state = $2, closed_as = $3, duplicate_of = $4, state_at = $5, owner = $6, worked_at = $7,
                came_back = $8 WHERE id = $1 AND $9 <> $1"
        }
    };
    sqlx::query(sql)
        .bind(into.id())
        .bind(whole.state().as_str())
        .bind(whole.closed_as().map(|closing| closing.as_str()))
        .bind(whole.duplicate_of())
        .bind(state_at)
        .bind(kept.owner.or(gone.owner))
        .bind(kept.worked_at.max(gone.worked_at).max(by.map(|_| now.0)))
        .bind(kept.came_back.saturating_add(gone.came_back))
        .bind(old.id())
        .execute(conn)
        .await
        .map(drop)
}

/// Marks an incident as one that a person opened, and how far it is said to have got, if it is.
///
/// # Errors
/// The database's own.
pub async fn raised_by_person(
    conn: &mut SqliteConnection,
    incident: i64,
    evidence: Option<i64>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE incident SET human = 1, reached = $2, worked_at = $3 WHERE id = $1";
    sqlx::query(sql).bind(incident).bind(evidence).bind(now.0).execute(conn).await.map(drop)
}

/// What was said of what is not there any more goes.
///
/// # Errors
/// The database's own.
pub async fn forget_orphans(conn: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM timeline WHERE CASE kind
        WHEN 'incident' THEN NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = subject_id)
        WHEN 'campaign' THEN NOT EXISTS (SELECT 1 FROM campaign c WHERE c.id = subject_id)
        ELSE NOT EXISTS (SELECT 1 FROM silence s WHERE s.id = subject_id) END";
    Ok(sqlx::query(sql).execute(conn).await?.rows_affected())
}
