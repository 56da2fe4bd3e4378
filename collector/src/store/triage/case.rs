//! What is done to incidents and campaigns: the same steps as by command.

use sqlx::SqliteConnection;

use super::act::{By, Outcome};
use super::alert::Settled;
use super::{Act, NotDone, Stood, Target, Was};
use crate::store::StoreError;
use crate::store::workflow::{Saying, Taking, has_room, standing, step_within, tell};
use crate::workflow::timeline::Said;
use crate::workflow::{Closing, Matter, Step};

/// As the workflow names it.
pub(super) fn matter(target: Target) -> Option<Matter> {
    match target {
        Target::Indicator(_) | Target::Muting(_) => None,
        Target::Incident(id) => Some(Matter::Incident(id)),
        Target::Campaign(id) => Some(Matter::Campaign(id)),
    }
}

/// Whom a case concerns, by number.
async fn members(tx: &mut SqliteConnection, case: Matter) -> Result<Vec<String>, sqlx::Error> {
    let sql = match case {
        Matter::Campaign(_) => {
            "SELECT DISTINCT m.number FROM incident i JOIN member m ON m.id = i.member_id WHERE i.campaign_id = $1 ORDER BY 1"
        }
        Matter::Incident(_) | Matter::Silence(_) => {
            "SELECT m.number FROM incident i JOIN member m ON m.id = i.member_id WHERE i.id = $1"
        }
    };
    sqlx::query_scalar(sql).bind(case.id()).fetch_all(tx).await
}

/// Whose a case is.
pub(super) async fn owner(tx: &mut SqliteConnection, case: Matter) -> Result<Option<String>, sqlx::Error> {
    let sql = match case {
        Matter::Campaign(_) => "SELECT owner FROM campaign WHERE id = $1",
        Matter::Incident(_) | Matter::Silence(_) => "SELECT owner FROM incident WHERE id = $1",
    };
    Ok(sqlx::query_scalar(sql).bind(case.id()).fetch_optional(tx).await?.flatten())
}

/// Writes whose it is from now on, and tells of it.
pub(super) async fn assign(
    tx: &mut SqliteConnection,
    case: Matter,
    owner: Option<String>,
    by: By<'_>,
) -> Result<(), sqlx::Error> {
    let sql = match case {
        Matter::Campaign(_) => "UPDATE campaign SET owner = $2 WHERE id = $1",
        Matter::Incident(_) | Matter::Silence(_) => "UPDATE incident SET owner = $2 WHERE id = $1",
    };
    sqlx::query(sql).bind(case.id()).bind(&owner).execute(&mut *tx).await?;
    // Who it is at the CSIRT is not told outside.
    let saying = Saying { who: Some(by.who), at: by.now, for_members: false };
    tell(tx, case, &Said::Assigned { owner }, saying, by.now).await
}

pub(super) async fn say(
    tx: &mut SqliteConnection,
    target: Target,
    act: &Act,
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let Some(case) = matter(target) else { return Ok(Err(NotDone::NotSuch)) };
    if standing(tx, case).await?.is_none() {
        return Ok(Err(NotDone::Gone));
    }
    if !has_room(tx, case).await? {
        return Ok(Err(NotDone::Full));
    }
    let mut was = Vec::new();
    match act {
        Act::Take { owner: name } => {
            let before = owner(tx, case).await?;
            if before.as_ref() == Some(name) {
                return Ok(Err(NotDone::Already));
            }
            assign(tx, case, Some(name.clone()), by).await?;
            was.push(Was::Owned { case: target, before, after: Some(name.clone()) });
        }
        Act::Note { text } => {
            let saying = Saying { who: Some(by.who), at: by.now, for_members: false };
            tell(tx, case, &Said::Noted { text: text.clone() }, saying, by.now).await?;
        }
        Act::Acknowledge { .. }
        | Act::FalsePositive { .. }
        | Act::Legitimate { .. }
        | Act::Mute { .. }
        | Act::Unmute { .. } => {
            return Ok(Err(NotDone::NotSuch));
        }
    }
    Ok(Ok(Outcome { was, members: members(tx, case).await?, withdrawn: Vec::new() }))
}

/// Alerts behind a case that were judged just now, by indicator and judgement.
async fn judged(tx: &mut SqliteConnection, case: Matter, at: i64) -> Result<Vec<Was>, sqlx::Error> {
    let (incident, campaign) = match case {
        Matter::Campaign(id) => (None, Some(id)),
        Matter::Incident(id) | Matter::Silence(id) => (Some(id), None),
    };
    let sql = "SELECT DISTINCT a.indicator_id, a.judgement_id FROM alert a JOIN incident i ON i.id = a.incident_id
        WHERE (i.id = $1 OR i.campaign_id = $2) AND a.verdict_at = $3 AND a.judgement_id IS NOT NULL ORDER BY 1, 2";
    let rows: Vec<(i64, i64)> = sqlx::query_as(sql).bind(incident).bind(campaign).bind(at).fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(indicator, judgement)| Was::Unjudged { indicator, judgement, at }).collect())
}

/// Proposals that indicators behind a case are noise, as far as they are not upheld, each with what was said of it.
async fn proposals(tx: &mut SqliteConnection, case: Matter) -> Result<Vec<(i64, Settled)>, sqlx::Error> {
    let (incident, campaign) = match case {
        Matter::Campaign(id) => (None, Some(id)),
        Matter::Incident(id) | Matter::Silence(id) => (Some(id), None),
    };
    let sql = "SELECT DISTINCT a.indicator_id, g.settled_as, g.settled_by, g.settled_why, g.settled_at FROM alert a
        JOIN incident i ON i.id = a.incident_id JOIN guard g ON g.kind = 'indicator' AND g.value = CAST(a.indicator_id AS TEXT)
        WHERE (i.id = $1 OR i.campaign_id = $2) AND (g.settled_as IS NULL OR g.settled_as <> 'upheld')";
    type Row = (i64, Option<String>, Option<String>, Option<String>, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(sql).bind(incident).bind(campaign).fetch_all(tx).await?;
    let of = |(indicator, settled, who, why, at): Row| (indicator, settled.map(|settled| (settled, who, why, at)));
    Ok(rows.into_iter().map(of).collect())
}

pub(super) async fn step(
    tx: &mut SqliteConnection,
    target: Target,
    act: &Act,
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    let Some(case) = matter(target) else { return Ok(Err(NotDone::NotSuch)) };
    let (step, reason) = match act {
        Act::Acknowledge { .. } => (Step::Triage, None),
        Act::FalsePositive { reason } => (Step::Close(Closing::FalsePositive, None), Some(reason.as_str())),
        Act::Legitimate { reason } => (Step::Close(Closing::Legitimate, None), Some(reason.as_str())),
        Act::Mute { .. } | Act::Unmute { .. } | Act::Take { .. } | Act::Note { .. } => {
            return Ok(Err(NotDone::NotSuch));
        }
    };
    let proposals = proposals(tx, case).await?;
    let taking = Taking { step, reason, who: by.who, at: by.now, with_incidents: true };
    let taken = match step_within(tx, case, taking, by.now).await? {
        Ok(taken) => taken,
        Err(not) => return Ok(Err(refused(not))),
    };
    let mut was = judged(tx, case, by.now.0).await?;
    let withdrawn = taken.behind.map(|behind| behind.withdrawn).unwrap_or_default();
    // A word that withdraws an indicator upholds that it is noise.
    let upheld = proposals.into_iter().filter(|(indicator, _)| withdrawn.contains(indicator));
    was.extend(upheld.map(|(indicator, settled)| Was::Proposed { indicator, settled }));
    for closed in &taken.incidents {
        let case = Target::Incident(closed.incident);
        was.push(Was::Stood { case, before: Stood::of(closed.before), after: Stood::of(taken.after) });
    }
    was.push(Was::Stood { case: target, before: Stood::of(taken.before), after: Stood::of(taken.after) });
    Ok(Ok(Outcome { was, members: members(tx, case).await?, withdrawn }))
}

fn refused(not: crate::store::workflow::NotDone) -> NotDone {
    use crate::store::workflow::NotDone as Not;
    match not {
        Not::NoCase => NotDone::Gone,
        Not::Refused(refused) => NotDone::Refused(refused),
        Not::Full => NotDone::Full,
        Not::NoOther(_)
        | Not::OtherMembers(_)
        | Not::OtherClosed(_)
        | Not::NoMeasure(_)
        | Not::BeforeDiscovered(_)
        | Not::AfterReported(..) => NotDone::NotSuch,
    }
}
