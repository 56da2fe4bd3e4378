//! A deed, from its beginning to its entry in the audit.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::muting::{self, Lifted};
use super::{Act, Done, NotDone, Person, Target, Was, alert, case};
use crate::audit::{Deed, On};
use crate::limits::desk::{DEEDS_REMEMBERED, TOGETHER_MAX, UNDONE_WITHIN};
use crate::store::{Store, StoreError, audit};

/// What doing it to one thing came to: what was before, whom it concerns, and what is withdrawn by it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) was: Vec<Was>,
    pub(super) members: Vec<String>,
    pub(super) withdrawn: Vec<i64>,
}

/// Who does it, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    pub(super) who: &'a str,
    pub(super) now: Timestamp,
}

async fn one(
    tx: &mut SqliteConnection,
    target: Target,
    act: &Act,
    by: By<'_>,
) -> Result<Result<Outcome, NotDone>, StoreError> {
    match (target, act) {
        (Target::Indicator(id), Act::Acknowledge { newest }) => alert::acknowledge(tx, id, *newest, by).await,
        (Target::Indicator(id), Act::Mute { reason, member, until }) => {
            muting::mute(tx, id, (reason, *member, *until), by).await
        }
        (Target::Indicator(id), Act::Unmute { .. }) => muting::unmute(tx, Lifted::Of(id), by).await,
        (Target::Muting(id), Act::Unmute { .. }) => muting::unmute(tx, Lifted::One(id), by).await,
        (Target::Muting(_), _) => Ok(Err(NotDone::NotSuch)),
        (Target::Indicator(id), Act::FalsePositive { .. } | Act::Legitimate { .. }) => {
            alert::judge(tx, id, act, by).await
        }
        (Target::Indicator(id), Act::Take { .. } | Act::Note { .. }) => {
            // What is said of alerts is said of what they are in.
            let cases = alert::cases(tx, id).await?;
            if cases.is_empty() {
                return Ok(Err(NotDone::NoCase));
            }
            let (mut all, mut why, mut said) = (Outcome::default(), NotDone::NoCase, false);
            for of in cases {
                match case::say(tx, of, act, by).await? {
                    Ok(outcome) => {
                        said = true;
                        all.was.extend(outcome.was);
                        all.members.extend(outcome.members);
                    }
                    Err(not) => why = not,
                }
            }
            Ok(if said { Ok(all) } else { Err(why) })
        }
        (Target::Incident(_) | Target::Campaign(_), Act::Mute { .. } | Act::Unmute { .. }) => Ok(Err(NotDone::NotSuch)),
        (Target::Campaign(_), Act::Acknowledge { .. }) => Ok(Err(NotDone::NotSuch)),
        (Target::Incident(_) | Target::Campaign(_), Act::Take { .. } | Act::Note { .. }) => {
            case::say(tx, target, act, by).await
        }
        (
            Target::Incident(_) | Target::Campaign(_),
            Act::Acknowledge { .. } | Act::FalsePositive { .. } | Act::Legitimate { .. },
        ) => case::step(tx, target, act, by).await,
    }
}

impl Store {
    /// Does it to all of these, at most [`TOGETHER_MAX`]: to each that it can be done to, in one transaction. Where it can be done to none
    /// nothing is changed.
    ///
    /// # Errors
    /// The database's own; then nothing was done to any.
    pub async fn triage<'a>(
        &self,
        targets: &[Target],
        act: &Act,
        person: impl Into<Person<'a>>,
        now: Timestamp,
    ) -> Result<Done, StoreError> {
        let Person { name: who, audited } = person.into();
        let mut tx = self.begin().await?;
        let (mut done, mut was, mut members) = (Done::default(), Vec::new(), Vec::new());
        for target in targets.iter().take(TOGETHER_MAX) {
            if done.done.contains(target) {
                continue;
            }
            match one(&mut tx, *target, act, By { who, now }).await? {
                Ok(outcome) => {
                    done.done.push(*target);
                    done.withdrawn.extend(outcome.withdrawn);
                    was.extend(outcome.was);
                    members.extend(outcome.members);
                }
                Err(not) => done.not_done.push((*target, not)),
            }
        }
        if done.done.is_empty() {
            return Ok(done);
        }
        let on = done.done.iter().map(|target| target.words()).collect::<Vec<_>>().join(", ");
        let deed =
            Deed::new(audited.to_owned(), act.what(), On::Thing(on), now).becomes(act.becomes()).concerns(members);
        audit::append(&mut tx, &deed).await?;
        if !was.is_empty() {
            done.deed = Some(remember(&mut tx, act.as_str(), who, &was, now).await?);
        }
        tx.commit().await?;
        Ok(done)
    }
}

/// Remembers what was before, for as long as it can be undone.
async fn remember(
    tx: &mut SqliteConnection,
    what: &str,
    who: &str,
    was: &[Was],
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let before = serde_json::to_string(was).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let sql = "INSERT INTO triage (id, what, who, at, before) VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM triage), $1, $2, $3, $4)
        RETURNING id";
    let insert = sqlx::query_scalar(sql).bind(what).bind(who).bind(now.0).bind(before);
    let id: i64 = insert.fetch_one(&mut *tx).await?;
    // The newest stays, whatever a clock says: numbers are not given twice.
    let sql = "DELETE FROM triage WHERE id < $1 AND (at < $2 OR id <= $1 - $3)";
    sqlx::query(sql).bind(id).bind(now.minus(UNDONE_WITHIN * 4).0).bind(DEEDS_REMEMBERED).execute(tx).await?;
    Ok(id)
}
