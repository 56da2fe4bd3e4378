//! What is done to all alerts of an indicator.

use sqlx::SqliteConnection;

use super::act::{By, Outcome};
use super::{Acknowledged, Act, NotDone, Target, Was};
use crate::store::StoreError;
use crate::store::verdict::{Word, judge_indicator};
use crate::verdict::Verdict;

/// Cases that a word on an indicator is said of: of an indicator that everybody meets a campaign has them all.
const CASES_MAX: i64 = 20;

/// Member, up to which alert, how far, who, when.
type Row = (i64, i64, i64, String, i64);

fn read((member_id, up_to, evidence, who, at): Row) -> Acknowledged {
    Acknowledged { member_id, up_to, evidence, who, at }
}

/// What has been acknowledged of an indicator, by member.
pub(super) async fn acknowledged(tx: &mut SqliteConnection, indicator: i64) -> Result<Vec<Acknowledged>, sqlx::Error> {
    let sql = "SELECT member_id, up_to, evidence, who, at FROM acknowledged WHERE indicator_id = $1 ORDER BY member_id";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(indicator).fetch_all(tx).await?;
    Ok(rows.into_iter().map(read).collect())
}

/// At each member for itself: that one has met more of it, or further, says nothing of another.
pub(super) async fn acknowledge(
    tx: &mut SqliteConnection,
    indicator: i64,
    newest: i64,
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM alert a WHERE a.indicator_id = $1 AND a.id <= $2)";
    let is_there: bool = sqlx::query_scalar(sql).bind(indicator).bind(newest).fetch_one(&mut *tx).await?;
    if !is_there {
        return Ok(Err(NotDone::Gone));
    }
    let mut before = acknowledged(tx, indicator).await?;
    // Who looked at an older page takes nothing back of what another has said since.
    let sql = "INSERT INTO acknowledged (indicator_id, member_id, up_to, evidence, who, at)
        SELECT $1, a.member_id, MAX(a.id), MAX(a.evidence), $3, $4 FROM alert a WHERE a.indicator_id = $1 AND a.id <= $2 GROUP BY a.member_id
        ON CONFLICT (indicator_id, member_id) DO UPDATE SET up_to = MAX(acknowledged.up_to, excluded.up_to),
            evidence = MAX(acknowledged.evidence, excluded.evidence), who = excluded.who, at = excluded.at
        WHERE excluded.up_to > acknowledged.up_to OR excluded.evidence > acknowledged.evidence
        RETURNING member_id, up_to, evidence, who, at";
    let insert = sqlx::query_as(sql).bind(indicator).bind(newest).bind(by.who).bind(by.now.0);
    let rows: Vec<Row> = insert.fetch_all(tx).await?;
    let after: Vec<Acknowledged> = rows.into_iter().map(read).collect();
    if after.is_empty() {
        return Ok(Err(NotDone::Already));
    }
    before.retain(|was| after.iter().any(|is| is.member_id == was.member_id));
    Ok(Ok(Outcome { was: vec![Was::Acknowledged { indicator, before, after }], ..Outcome::default() }))
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
        Act::Acknowledge { .. } | Act::Mute { .. } | Act::Unmute { .. } | Act::Take { .. } | Act::Note { .. } => {
            return Ok(Err(NotDone::NotSuch));
        }
    };
    let before = proposed(tx, indicator).await?;
    let word = Word { verdict: Some(verdict), reason, who: by.who };
    let Some(judged) = judge_indicator(tx, indicator, word, by.now).await? else {
        return Ok(Err(NotDone::NothingToJudge));
    };
    let at = by.now.0;
    let mut was: Vec<Was> =
        judged.judgements.iter().map(|judgement| Was::Unjudged { indicator, judgement: *judgement, at }).collect();
    if let Some(settled) = before.filter(proposed_is_other) {
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
