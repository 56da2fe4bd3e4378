//! What is hidden for a time: begun, ended before its time, and all of it that stands.

use sqlx::{QueryBuilder, Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::act::{By, Outcome};
use super::{NotDone, Was};
use crate::limits::desk::{MUTED_MAX, MUTED_SHOWN};
use crate::store::alert::is_told;
use crate::store::desk::group::Muting;
use crate::store::picture::IndicatorFacts;
use crate::store::{Store, StoreError};

/// How far an indicator has got, at one member or anywhere; none = it has met nothing there.
async fn furthest(tx: &mut SqliteConnection, indicator: i64, member: Option<i64>) -> Result<Option<i64>, sqlx::Error> {
    let sql = "SELECT MAX(a.evidence) FROM alert a WHERE a.indicator_id = $1 AND ($2 IS NULL OR a.member_id = $2)";
    sqlx::query_scalar(sql).bind(indicator).bind(member).fetch_one(tx).await
}

async fn number_of(tx: &mut SqliteConnection, member: i64) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT number FROM member WHERE id = $1").bind(member).fetch_optional(tx).await
}

pub(super) async fn mute(
    tx: &mut SqliteConnection,
    indicator: i64,
    (reason, member, until): (&str, Option<i64>, Timestamp),
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let Some(evidence) = furthest(tx, indicator, member).await? else { return Ok(Err(NotDone::Gone)) };
    let mut members = Vec::new();
    if let Some(member) = member {
        let Some(number) = number_of(tx, member).await? else { return Ok(Err(NotDone::Gone)) };
        members.push(number);
    }
    let sql = "SELECT COUNT(*) FROM muted WHERE ended_at IS NULL AND until > $1";
    let standing: i64 = sqlx::query_scalar(sql).bind(by.now.0).fetch_one(&mut *tx).await?;
    if standing >= MUTED_MAX {
        return Ok(Err(NotDone::Full));
    }
    let sql = "INSERT INTO muted (id, indicator_id, member_id, evidence, reason, author, given_at, until)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM muted), $1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let insert = sqlx::query_scalar(sql).bind(indicator).bind(member).bind(evidence).bind(reason).bind(by.who);
    let muted: i64 = insert.bind(by.now.0).bind(until.0).fetch_one(&mut *tx).await?;
    if member.is_none() {
        let sql = "INSERT INTO muted_at (muted_id, member_id, evidence)
            SELECT $1, a.member_id, MAX(a.evidence) FROM alert a WHERE a.indicator_id = $2 GROUP BY a.member_id";
        sqlx::query(sql).bind(muted).bind(indicator).execute(tx).await?;
    }
    Ok(Ok(Outcome { was: vec![Was::Unmuted { muted }], members, ..Outcome::default() }))
}

/// Of what a muting is ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lifted {
    /// This one: `muted.id`.
    One(i64),
    /// All that stand on this indicator.
    Of(i64),
}

/// Ends what hides something, before its time.
pub(super) async fn unmute(
    tx: &mut SqliteConnection,
    which: Lifted,
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let (one, of) = match which {
        Lifted::One(id) => (Some(id), None),
        Lifted::Of(indicator) => (None, Some(indicator)),
    };
    let sql = "UPDATE muted SET ended_at = $3, ended_by = $4 WHERE (id = $1 OR indicator_id = $2) AND ended_at IS NULL AND until > $3
        RETURNING id, member_id";
    let update = sqlx::query_as(sql).bind(one).bind(of).bind(by.now.0).bind(by.who);
    let ended: Vec<(i64, Option<i64>)> = update.fetch_all(&mut *tx).await?;
    if ended.is_empty() {
        return Ok(Err(NotDone::NotMuted));
    }
    let (mut was, mut members) = (Vec::new(), Vec::new());
    for (muted, member) in ended {
        was.push(Was::Muted { muted, ended_at: by.now.0 });
        if let Some(member) = member {
            members.extend(number_of(tx, member).await?);
        }
    }
    Ok(Ok(Outcome { was, members, ..Outcome::default() }))
}

/// A muting that stands, with what it hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Muted {
    /// What is hidden.
    pub indicator: IndicatorFacts,
    /// Where, why, by whom, until when.
    pub muting: Muting,
}

/// A page of them, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MutedPage {
    /// The rows.
    pub items: Vec<Muted>,
    /// How many stand in all.
    pub total: i64,
    /// Behind which the next page goes on: `muted.id`.
    pub next: Option<i64>,
}

impl Store {
    /// What is muted now, for the operator: all of it, or of one indicator; behind one, as a page before has ended.
    ///
    /// # Errors
    /// The database's own.
    pub async fn muted(
        &self,
        indicator: Option<i64>,
        after: Option<i64>,
        now: Timestamp,
    ) -> Result<MutedPage, StoreError> {
        let mut tx = self.readers().begin().await?;
        let sql =
            "SELECT COUNT(*) FROM muted WHERE ended_at IS NULL AND until > $1 AND ($2 IS NULL OR indicator_id = $2)";
        let total: i64 = sqlx::query_scalar(sql).bind(now.0).bind(indicator).fetch_one(&mut *tx).await?;
        let mut select = QueryBuilder::new(
            "SELECT u.id AS muted, u.reason, u.author, u.given_at, u.until, m.number, m.name,
                n.id, n.pattern, n.kind, n.tlp, n.threat, n.source, n.confidence, n.published_in FROM muted u
                JOIN indicator n ON n.id = u.indicator_id LEFT JOIN member m ON m.id = u.member_id WHERE u.ended_at IS NULL AND u.until > ",
        );
        select.push_bind(now.0);
        if let Some(indicator) = indicator {
            select.push(" AND u.indicator_id = ").push_bind(indicator);
        }
        if let Some(after) = after {
            select.push(" AND u.id < ").push_bind(after);
        }
        let limit = i64::try_from(MUTED_SHOWN).unwrap_or(i64::MAX).saturating_add(1);
        select.push(" ORDER BY u.id DESC LIMIT ").push_bind(limit);
        let rows = select.build().fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows.iter().take(MUTED_SHOWN) {
            let tlp: String = row.try_get("tlp")?;
            let indicator = IndicatorFacts {
                id: row.try_get("id")?,
                pattern: is_told(&tlp).then(|| row.try_get("pattern")).transpose()?,
                kind: row.try_get("kind")?,
                source: row.try_get("source")?,
                threat: row.try_get("threat")?,
                tlp,
                confidence: row.try_get("confidence")?,
                published_in: row.try_get("published_in")?,
            };
            let muting = Muting {
                id: row.try_get("muted")?,
                member: Option::zip(row.try_get("number")?, row.try_get("name")?),
                reason: row.try_get("reason")?,
                author: row.try_get("author")?,
                given_at: Timestamp(row.try_get("given_at")?),
                until: Timestamp(row.try_get("until")?),
            };
            items.push(Muted { indicator, muting });
        }
        let next = items.last().filter(|_| rows.len() > MUTED_SHOWN).map(|last| last.muting.id);
        Ok(MutedPage { items, total, next })
    }
}
