//! What is done to all alerts of an indicator.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::act::{By, Outcome};
use super::{Act, NotDone, Target, Was};
use crate::limits::desk::MUTED_MAX;
use crate::store::StoreError;
use crate::store::verdict::{Word, judge_indicator};
use crate::verdict::Verdict;

/// Cases that a word on an indicator is said of: of an indicator that everybody meets a campaign has them all.
const CASES_MAX: i64 = 20;

/// What has been acknowledged of an indicator: up to which alert, how far it had got, by whom, when.
pub(super) async fn acknowledged(
    tx: &mut SqliteConnection,
    indicator: i64,
) -> Result<Option<(i64, i64, String, i64)>, sqlx::Error> {
    let sql = "SELECT up_to, evidence, who, at FROM acknowledged WHERE indicator_id = $1";
    sqlx::query_as(sql).bind(indicator).fetch_optional(tx).await
}

/// The newest alert of an indicator and how far it has got; none = there is none.
async fn newest(tx: &mut SqliteConnection, indicator: i64) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let sql = "SELECT MAX(a.id), MAX(a.evidence) FROM alert a WHERE a.indicator_id = $1";
    let (id, evidence): (Option<i64>, Option<i64>) = sqlx::query_as(sql).bind(indicator).fetch_one(tx).await?;
    Ok(id.zip(evidence))
}

pub(super) async fn acknowledge(
    tx: &mut SqliteConnection,
    indicator: i64,
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let Some((up_to, evidence)) = newest(tx, indicator).await? else { return Ok(Err(NotDone::Gone)) };
    let before = acknowledged(tx, indicator).await?;
    if before.as_ref().is_some_and(|(to, far, _, _)| *to >= up_to && *far >= evidence) {
        return Ok(Err(NotDone::Already));
    }
    let sql = "INSERT INTO acknowledged (indicator_id, up_to, evidence, who, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (indicator_id) DO UPDATE SET up_to = excluded.up_to, evidence = excluded.evidence, who = excluded.who, at = excluded.at";
    sqlx::query(sql).bind(indicator).bind(up_to).bind(evidence).bind(by.who).bind(by.now.0).execute(tx).await?;
    Ok(Ok(Outcome { was: vec![Was::Acknowledged { indicator, before }], ..Outcome::default() }))
}

pub(super) async fn mute(
    tx: &mut SqliteConnection,
    indicator: i64,
    (reason, member, until): (&str, Option<i64>, Timestamp),
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let Some((_, evidence)) = newest(tx, indicator).await? else { return Ok(Err(NotDone::Gone)) };
    let mut members = Vec::new();
    if let Some(member) = member {
        let number: Option<String> =
            sqlx::query_scalar("SELECT number FROM member WHERE id = $1").bind(member).fetch_optional(&mut *tx).await?;
        let Some(number) = number else { return Ok(Err(NotDone::Gone)) };
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
    let muted: i64 = insert.bind(by.now.0).bind(until.0).fetch_one(tx).await?;
    Ok(Ok(Outcome { was: vec![Was::Unmuted { muted }], members, ..Outcome::default() }))
}

/// What was said of the proposal that it is noise; none = there is no such proposal.
pub(super) type Settled = Option<(String, Option<String>, Option<String>, Option<i64>)>;

async fn proposed(tx: &mut SqliteConnection, indicator: i64) -> Result<Option<Settled>, sqlx::Error> {
    let sql =
        "SELECT settled_as, settled_by, settled_why, settled_at FROM guard WHERE kind = 'indicator' AND value = $1";
    type Row = (Option<String>, Option<String>, Option<String>, Option<i64>);
    let row: Option<Row> = sqlx::query_as(sql).bind(indicator.to_string()).fetch_optional(tx).await?;
    Ok(row.map(|(settled, who, why, at)| settled.map(|settled| (settled, who, why, at))))
}

pub(super) async fn judge(
    tx: &mut SqliteConnection,
    indicator: i64,
    act: &Act,
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let (verdict, reason) = match act {
        Act::FalsePositive { reason } => (Verdict::FalsePositive, reason),
        Act::Legitimate { reason } => (Verdict::Legitimate, reason),
        Act::Acknowledge | Act::Mute { .. } | Act::Take { .. } | Act::Note { .. } => return Ok(Err(NotDone::NotSuch)),
    };
    let before = proposed(tx, indicator).await?;
    let word = Word { verdict: Some(verdict), reason, who: by.who };
    let Some(judged) = judge_indicator(tx, indicator, word, by.now).await? else {
        return Ok(Err(NotDone::NothingToJudge));
    };
    let at = by.now.0;
    let mut was: Vec<Was> =
        judged.judgements.iter().map(|judgement| Was::Unjudged { indicator, judgement: *judgement, at }).collect();
    if let Some(settled) = before.filter(|before| proposed_is_other(before)) {
        was.push(Was::Proposed { indicator, settled });
    }
    Ok(Ok(Outcome {
        was,
        members: judged.members,
        withdrawn: judged.withdrawn.then_some(indicator).into_iter().collect(),
    }))
}

/// What was upheld before stays so.
fn proposed_is_other(before: &Settled) -> bool {
    before.as_ref().is_none_or(|(settled, ..)| settled != "upheld")
}

/// The cases that an indicator's alerts are in: campaigns, else incidents, those that are open, the newest first.
pub(super) async fn cases(tx: &mut SqliteConnection, indicator: i64) -> Result<Vec<Target>, sqlx::Error> {
    let of = "FROM trace t JOIN strand s ON s.id = t.strand_id JOIN incident i ON i.id = s.incident_id";
    let campaigns = format!(
        "SELECT DISTINCT c.id {of} JOIN campaign c ON c.id = i.campaign_id
         WHERE t.kind = 'indicator' AND t.value = $1 AND c.state <> 'closed' ORDER BY c.id DESC LIMIT {CASES_MAX}"
    );
    let value = indicator.to_string();
    let found: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(campaigns)).bind(&value).fetch_all(&mut *tx).await?;
    if !found.is_empty() {
        return Ok(found.into_iter().map(Target::Campaign).collect());
    }
    let incidents = format!(
        "SELECT DISTINCT i.id {of} WHERE t.kind = 'indicator' AND t.value = $1 AND i.state <> 'closed' ORDER BY i.id DESC LIMIT {CASES_MAX}"
    );
    let found: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(incidents)).bind(&value).fetch_all(tx).await?;
    Ok(found.into_iter().map(Target::Incident).collect())
}
