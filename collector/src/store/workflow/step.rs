//! Steps that people take: triaged, confirmed, contained, closed, open again; and what a closing says of the alerts behind it.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::{NotDone, Saying, append, has_room, stand, standing};
use crate::store::verdict::{Behind, Word, judge_behind};
use crate::store::{Store, StoreError};
use crate::verdict::Verdict;
use crate::workflow::timeline::Said;
use crate::workflow::{Closing, Matter, Progress, State, Step, step};

/// A step, by whom and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taking<'a> {
    /// Which.
    pub step: Step,
    /// Why.
    pub reason: Option<&'a str>,
    /// By whom.
    pub who: &'a str,
    /// When it was so: contained on Tuesday, said on Wednesday.
    pub at: Timestamp,
    /// A campaign that is closed closes its open incidents too.
    pub with_incidents: bool,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Where it stood.
    pub before: Progress,
    /// Where it stands.
    pub after: Progress,
    /// What a closing said of the alerts behind.
    pub behind: Option<Behind>,
    /// Incidents that a campaign closed along with it.
    pub incidents: Vec<Closed>,
}

/// An incident that was closed along with its campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Its number.
    pub incident: i64,
    /// Where it stood.
    pub before: Progress,
}

/// What a closing says of the alerts behind it (`alert verdict` of each); none = it says nothing of them.
fn verdict_of(closing: Closing) -> Option<Verdict> {
    match closing {
        Closing::FalsePositive => Some(Verdict::FalsePositive),
        Closing::Legitimate => Some(Verdict::Legitimate),
        Closing::Confirmed | Closing::Duplicate | Closing::Exercise => None,
    }
}

/// Whether what is said to be worked on instead is there, is the same member's, and is worked on. A number that leads on is followed.
async fn other(conn: &mut SqliteConnection, case: Matter, of: i64) -> Result<Result<i64, NotDone>, sqlx::Error> {
    let sql = "SELECT into_id FROM merged WHERE kind = $1 AND id = $2";
    let led: Option<i64> = sqlx::query_scalar(sql).bind(case.kind()).bind(of).fetch_optional(&mut *conn).await?;
    let id = led.unwrap_or(of);
    let that = match case {
        Matter::Incident(_) => Matter::Incident(id),
        Matter::Campaign(_) | Matter::Silence(_) => Matter::Campaign(id),
    };
    let Some(there) = standing(&mut *conn, that).await? else { return Ok(Err(NotDone::NoOther(of))) };
    if let Matter::Incident(this) = case {
        let sql = "SELECT COUNT(DISTINCT member_id) FROM incident WHERE id IN ($1, $2)";
        let members: i64 = sqlx::query_scalar(sql).bind(this).bind(id).fetch_one(conn).await?;
        if members > 1 {
            return Ok(Err(NotDone::OtherMembers(of)));
        }
    }
    Ok(if there.state() == State::Closed && id != case.id() { Err(NotDone::OtherClosed(of)) } else { Ok(id) })
}

/// Takes one step, and tells of it.
async fn take(
    conn: &mut SqliteConnection,
    case: Matter,
    (before, after): (Progress, Progress),
    taking: &Taking<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    stand(&mut *conn, case, after, now).await?;
    let reason = taking.reason.map(str::to_owned);
    // What is done with a campaign follows from all its members; of an incident its member reads it, the reason too.
    let for_members = matches!(case, Matter::Incident(_)) && before != after;
    let saying = Saying { who: Some(taking.who), at: taking.at, for_members };
    append(conn, case, &Said::Stepped { standing: after, reason }, saying, now).await.map(drop)
}

/// Closes the incidents of a campaign that are open, as what it was closed as itself.
async fn along(
    conn: &mut SqliteConnection,
    campaign: i64,
    closing: Closing,
    taking: &Taking<'_>,
    now: Timestamp,
) -> Result<Vec<Closed>, sqlx::Error> {
    let sql = "SELECT id, state FROM incident WHERE campaign_id = $1 AND state <> 'closed' ORDER BY id";
    let open: Vec<(i64, String)> = sqlx::query_as(sql).bind(campaign).fetch_all(&mut *conn).await?;
    let mut closed = Vec::with_capacity(open.len());
    for (incident, state) in open {
        let before = Progress::read(&state, None, None);
        take(conn, Matter::Incident(incident), (before, Progress::closed(closing, None)), taking, now).await?;
        closed.push(Closed { incident, before });
    }
    Ok(closed)
}

impl Store {
    /// Takes a step with an incident or a campaign. What is closed as a false positive or as legitimate has its alerts judged so in the
    /// same transaction.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn take_step(
        &self,
        case: Matter,
        taking: Taking<'_>,
        now: Timestamp,
    ) -> Result<Result<Taken, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let taken = step_within(&mut tx, case, taking, now).await?;
        if taken.is_ok() {
            tx.commit().await?;
        }
        Ok(taken)
    }
}

/// The same within a transaction that does more; where it is refused nothing was changed.
///
/// # Errors
/// The database's own; within, [`NotDone`].
pub(in crate::store) async fn step_within(
    tx: &mut SqliteConnection,
    case: Matter,
    taking: Taking<'_>,
    now: Timestamp,
) -> Result<Result<Taken, NotDone>, StoreError> {
    let Some(before) = standing(&mut *tx, case).await? else { return Ok(Err(NotDone::NoCase)) };
    if !has_room(&mut *tx, case).await? {
        return Ok(Err(NotDone::Full));
    }
    let mut wanted = taking.step;
    // That the step itself would be refused is said before anything of the other.
    if let (Ok(_), Step::Close(Closing::Duplicate, Some(of))) = (step(case, before, wanted), wanted) {
        match other(&mut *tx, case, of).await? {
            Ok(id) => wanted = Step::Close(Closing::Duplicate, Some(id)),
            Err(not) => return Ok(Err(not)),
        }
    }
    let after = match step(case, before, wanted) {
        Ok(after) => after,
        Err(refused) => return Ok(Err(NotDone::Refused(refused))),
    };
    take(&mut *tx, case, (before, after), &taking, now).await?;
    let mut taken = Taken { before, after, behind: None, incidents: Vec::new() };
    if let Step::Close(closing, _) = wanted {
        if let Some(verdict) = verdict_of(closing) {
            let reason = taking.reason.unwrap_or_default();
            let word = Word { verdict: Some(verdict), reason, who: taking.who };
            taken.behind = Some(judge_behind(&mut *tx, case, word, now).await?);
        }
        if let (Matter::Campaign(campaign), true) = (case, taking.with_incidents) {
            taken.incidents = along(&mut *tx, campaign, closing, &taking, now).await?;
        }
    }
    Ok(Ok(taken))
}
