//! The work on incidents, campaigns and silences: what was said of each, appended and read; where each stands.

mod again;
mod clocks;
mod part;
mod step;

use std::collections::{BTreeMap, BTreeSet, btree_map};

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use varde_common::time::Timestamp;

use super::alert::{is_told, told_pattern};
use super::{Scope, Store, StoreError, incident, priority, weights};
use crate::limits::workflow::{TIMELINE_READ_MAX, TIMELINE_SAID_MAX};
use crate::workflow::duty::{self, Duties, Duty, duties};
use crate::workflow::timeline::{Entry, Measure, Said, measures, merged};
use crate::workflow::{Matter, Progress, Refused};

pub use again::{Fresh, look, report_to};
pub use clocks::duties_of;
pub use part::{absorb, absorb_by, forget_orphans, raised_by_person};
pub(super) use step::step_within;
pub use step::{Closed, Taken, Taking};

/// Why nothing was said or done; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDone {
    /// There is no such case.
    NoCase,
    /// The step does not follow.
    Refused(Refused),
    /// What it is said to be a duplicate of is not there.
    NoOther(i64),
    /// That is another member's.
    OtherMembers(i64),
    /// That is closed itself.
    OtherClosed(i64),
    /// As much was said of it as may be.
    Full,
    /// There is no such measure.
    NoMeasure(i64),
    /// What was reported was discovered only then.
    BeforeDiscovered(Timestamp),
    /// What is said to be discovered later was reported then.
    AfterReported(Timestamp, Duty),
}

impl NotDone {
    /// The same as a sentence, with what would be right.
    pub fn sentence(self, case: Matter) -> String {
        let kind = case.kind();
        match self {
            NotDone::NoCase => format!("there is no {case}; see those there are: varde-collector {kind} list"),
            NotDone::Refused(refused) => refused.sentence(case),
            NotDone::NoOther(other) => format!("there is no {kind} {other} that {case} could be a duplicate of"),
            NotDone::OtherMembers(other) => {
                format!("incident {other} is another member's; what several members have in common is a campaign")
            }
            NotDone::OtherClosed(other) => {
                format!("{kind} {other} is closed itself; a duplicate is one of what is worked on")
            }
            NotDone::Full => format!("of {case} {TIMELINE_SAID_MAX} things were said, and no more fit"),
            NotDone::BeforeDiscovered(at) => format!(
                "{case} was discovered {}, and nothing of it was reported before that; say when it was reported with --at, or, were the discovery wrong: varde-collector incident clock {} discovered --at TIME",
                at.clamped(),
                case.id()
            ),
            NotDone::AfterReported(at, duty) => format!(
                "{case} was reported {}, and nothing is reported before it is discovered; say when it was discovered, no later than then, with --at, or, were the report's time wrong, that first: varde-collector incident clock {} reported {} --at TIME",
                at.clamped(),
                case.id(),
                duty.as_str()
            ),
            NotDone::NoMeasure(measure) => {
                format!("{case} has no measure {measure}; see: varde-collector {kind} show {}", case.id())
            }
        }
    }
}

/// Who says something, of when, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saying<'a> {
    /// Who; none = the collector.
    pub who: Option<&'a str>,
    /// When it was so.
    pub at: Timestamp,
    /// The member concerned may read it.
    pub for_members: bool,
}

/// All that is told of one case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Work {
    /// All of it, in order.
    pub timeline: Vec<Entry>,
    /// What is to be done and was.
    pub measures: Vec<Measure>,
    /// Legal clocks; none of what has none.
    pub duties: Option<Duties>,
}

/// Tells of what a person brought about in a transaction that goes on.
///
/// # Errors
/// The database's own.
pub async fn tell(
    conn: &mut SqliteConnection,
    case: Matter,
    said: &Said,
    saying: Saying<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    append(&mut *conn, case, said, saying, now).await?;
    worked(conn, case, now).await
}

/// Appends a line. Gives its number.
pub(super) async fn append(
    conn: &mut SqliteConnection,
    case: Matter,
    said: &Said,
    saying: Saying<'_>,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let sql = "INSERT INTO timeline (id, kind, subject_id, at, learnt_at, who, for_members, body)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM timeline), $1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let body = serde_json::to_string(said).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let insert = sqlx::query_scalar(sql).bind(case.kind()).bind(case.id()).bind(saying.at.0).bind(now.0);
    insert.bind(saying.who).bind(i64::from(saying.for_members)).bind(body).fetch_one(conn).await
}

/// What the collector itself has found of a case, which the member concerned may read where it is that member's.
pub(super) async fn found(
    conn: &mut SqliteConnection,
    case: Matter,
    said: &Said,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let for_members = match case {
        Matter::Incident(_) | Matter::Silence(_) => true,
        // It follows from all members, and would tell one of them of another.
        Matter::Campaign(_) => false,
    };
    append(conn, case, said, Saying { who: None, at, for_members }, now).await.map(drop)
}

/// Where a row stands.
pub(crate) fn standing_from(row: &SqliteRow) -> Result<Progress, sqlx::Error> {
    let closed_as: Option<&str> = row.try_get("closed_as")?;
    Ok(Progress::read(row.try_get("state")?, closed_as, row.try_get("duplicate_of")?))
}

/// Where a case stands; none where there is none. A silence stands nowhere: it is over by itself.
pub(super) async fn standing(conn: &mut SqliteConnection, case: Matter) -> Result<Option<Progress>, sqlx::Error> {
    let sql = match case {
        Matter::Incident(_) => "SELECT state, closed_as, duplicate_of FROM incident WHERE id = $1",
        Matter::Campaign(_) => "SELECT state, closed_as, duplicate_of FROM campaign WHERE id = $1",
        Matter::Silence(_) => {
            "SELECT 'new' AS state, CAST(NULL AS TEXT) AS closed_as, CAST(NULL AS BIGINT) AS duplicate_of
             FROM silence WHERE id = $1"
        }
    };
    let row = sqlx::query(sql).bind(case.id()).fetch_optional(conn).await?;
    row.as_ref().map(standing_from).transpose()
}

/// Writes where a case stands from now on.
pub(super) async fn stand(
    conn: &mut SqliteConnection,
    case: Matter,
    standing: Progress,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = match case {
        Matter::Incident(_) => {
            "UPDATE incident SET state = $2, closed_as = $3, duplicate_of = $4, state_at = $5, worked_at = $5 WHERE id = $1"
        }
        Matter::Campaign(_) => {
            "UPDATE campaign SET state = $2, closed_as = $3, duplicate_of = $4, state_at = $5, worked_at = $5 WHERE id = $1"
        }
        Matter::Silence(_) => return Ok(()),
    };
    let update = sqlx::query(sql).bind(case.id()).bind(standing.state().as_str());
    let update = update.bind(standing.closed_as().map(|closing| closing.as_str())).bind(standing.duplicate_of());
    update.bind(now.0).execute(&mut *conn).await?;
    if let Matter::Incident(id) = case {
        weigh_reported(conn, id).await?;
    }
    Ok(())
}

/// What people report weighs by whether a person has confirmed it.
async fn weigh_reported(conn: &mut SqliteConnection, id: i64) -> Result<(), sqlx::Error> {
    let sql = "SELECT i.campaign_id FROM incident i WHERE i.id = $1
        AND EXISTS (SELECT 1 FROM strand s WHERE s.incident_id = i.id AND s.said > 0)";
    let found: Option<Option<i64>> = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *conn).await?;
    let Some(campaign) = found else { return Ok(()) };
    let weights = weights::in_force(&mut *conn).await?;
    let shared = incident::behind_suppliers(&mut *conn).await?;
    priority::weigh(conn, &BTreeSet::from([id]), &campaign.into_iter().collect(), &shared, &weights).await
}

/// Something was said of it: it is kept from then on.
async fn worked(conn: &mut SqliteConnection, case: Matter, now: Timestamp) -> Result<(), sqlx::Error> {
    let sql = match case {
        Matter::Incident(_) => "UPDATE incident SET worked_at = $2 WHERE id = $1",
        Matter::Campaign(_) => "UPDATE campaign SET worked_at = $2 WHERE id = $1",
        Matter::Silence(_) => return Ok(()),
    };
    sqlx::query(sql).bind(case.id()).bind(now.0).execute(conn).await.map(drop)
}

/// Whether people may say more of it.
pub(super) async fn has_room(conn: &mut SqliteConnection, case: Matter) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM timeline WHERE kind = $1 AND subject_id = $2 AND who IS NOT NULL";
    let said: i64 = sqlx::query_scalar(sql).bind(case.kind()).bind(case.id()).fetch_one(conn).await?;
    Ok(said < TIMELINE_SAID_MAX)
}

fn entry_from(row: &SqliteRow) -> Result<Option<Entry>, sqlx::Error> {
    // What a newer program said stays where it is, and is told by that.
    let Ok(said) = serde_json::from_str(row.try_get("body")?) else { return Ok(None) };
    Ok(Some(Entry {
        id: row.try_get("id")?,
        at: Timestamp(row.try_get("at")?).clamped(),
        learnt_at: Timestamp(row.try_get("learnt_at")?).clamped(),
        who: row.try_get("who")?,
        for_members: row.try_get("for_members")?,
        said,
    }))
}

/// What was said of a case, as it was; of a member what it may read alone.
async fn said(conn: &mut SqliteConnection, scope: Scope, case: Matter) -> Result<Vec<Entry>, sqlx::Error> {
    let sql = "SELECT * FROM timeline WHERE kind = $1 AND subject_id = $2 AND ($3 IS NULL OR for_members <> 0)
        ORDER BY id DESC LIMIT $4";
    let read = sqlx::query(sql).bind(case.kind()).bind(case.id()).bind(scope.member_id());
    let rows = read.bind(TIMELINE_READ_MAX).fetch_all(conn).await?;
    let mut entries = rows.iter().filter_map(|row| entry_from(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    entries.reverse();
    Ok(entries)
}

fn read_from_it(at: i64, learnt_at: i64, for_members: bool, said: Said) -> Entry {
    let (at, learnt_at) = (Timestamp(at).clamped(), Timestamp(learnt_at).clamped());
    Entry { id: 0, at, learnt_at, who: None, for_members, said }
}

/// Looks up what lines name by number, as it may be told today.
async fn name(conn: &mut SqliteConnection, entries: &mut [Entry]) -> Result<(), sqlx::Error> {
    let mut names: BTreeMap<i64, Option<(String, String)>> = BTreeMap::new();
    for entry in entries {
        let Said::CameBack { about: Some(about), .. } = &mut entry.said else { continue };
        let Some(id) = about.indicator else { continue };
        if let btree_map::Entry::Vacant(place) = names.entry(id) {
            let sql = "SELECT pattern, tlp FROM indicator WHERE id = $1";
            place.insert(sqlx::query_as(sql).bind(id).fetch_optional(&mut *conn).await?);
        }
        let Some((pattern, tlp)) = names.get(&id).and_then(Option::as_ref) else { continue };
        // What a threat is called is as confidential as what says that it is there.
        about.threat = about.threat.take().filter(|_| is_told(tlp));
        about.name = Some(about.threat.clone().unwrap_or_else(|| told_pattern(id, pattern, tlp)));
    }
    Ok(())
}

/// What is read from the alerts of an incident: when it was first seen, and what of it was found in history. Each was learnt when the
/// alert that says so came (decision 25).
async fn seen(conn: &mut SqliteConnection, incident: i64, said: &[Entry]) -> Result<Vec<Entry>, sqlx::Error> {
    let sql = "SELECT first_seen, opened_at, human FROM incident WHERE id = $1";
    let row: Option<(i64, i64, bool)> = sqlx::query_as(sql).bind(incident).fetch_optional(&mut *conn).await?;
    let Some((first, opened, is_human)) = row else { return Ok(Vec::new()) };
    let sql = "SELECT first_seen, arrived_at FROM alert WHERE incident_id = $1 AND (retro <> 0 OR $2 = 0)
        ORDER BY first_seen, arrived_at LIMIT 1";
    let of_all: Option<(i64, i64)> = sqlx::query_as(sql).bind(incident).bind(0).fetch_optional(&mut *conn).await?;
    let in_history: Option<(i64, i64)> = sqlx::query_as(sql).bind(incident).bind(1).fetch_optional(conn).await?;
    // What a person reported is no sighting, and stands there by itself. Alerts may be too old to be kept, and the incident is not.
    let is_of_people = is_human || said.iter().any(|entry| matches!(entry.said, Said::Reported { .. }));
    let sighted = match of_all {
        Some((at, arrived)) if is_of_people || at <= first => Some((at, arrived)),
        Some(_) | None if is_human => None,
        Some(_) | None => Some((first, opened)),
    };
    let mut entries = Vec::new();
    entries.extend(sighted.map(|(at, arrived)| read_from_it(at, arrived, true, Said::FirstSeen)));
    entries.extend(in_history.map(|(at, arrived)| read_from_it(at, arrived, true, Said::InHistory)));
    Ok(entries)
}

/// What is read from the incidents of a campaign: whom it hit, in order. A member reads its own alone.
async fn hit(conn: &mut SqliteConnection, scope: Scope, campaign: i64) -> Result<Vec<Entry>, sqlx::Error> {
    let sql =
        "SELECT i.id, m.number, m.name, i.first_seen, CASE WHEN $2 IS NULL THEN COALESCE(i.campaign_since, i.opened_at)
            ELSE i.opened_at END FROM incident i JOIN member m ON m.id = i.member_id
        WHERE i.campaign_id = $1 AND ($2 IS NULL OR i.member_id = $2) ORDER BY i.first_seen, i.id LIMIT $3";
    let rows: Vec<(i64, String, String, i64, i64)> = sqlx::query_as(sql)
        .bind(campaign)
        .bind(scope.member_id())
        .bind(TIMELINE_READ_MAX)
        .fetch_all(&mut *conn)
        .await?;
    let mut entries: Vec<Entry> = rows
        .into_iter()
        .map(|(incident, number, name, at, learnt)| {
            read_from_it(at, learnt, true, Said::MemberHit { number, name, incident: Some(incident) })
        })
        .collect();
    if scope == Scope::Operator {
        let sql = "SELECT opened_at FROM campaign WHERE id = $1";
        let opened: Option<i64> = sqlx::query_scalar(sql).bind(campaign).fetch_optional(conn).await?;
        entries.extend(opened.map(|at| read_from_it(at, at, false, Said::Concluded)));
    }
    Ok(entries)
}

/// Whether the case is there for whoever asks, and whether its member is covered by digitalsikkerhetsloven.
async fn is_there(
    conn: &mut SqliteConnection,
    scope: Scope,
    case: Matter,
) -> Result<Option<Option<bool>>, sqlx::Error> {
    let sql = match case {
        Matter::Incident(_) => {
            "SELECT m.covered FROM incident i JOIN member m ON m.id = i.member_id
             WHERE i.id = $1 AND ($2 IS NULL OR i.member_id = $2)"
        }
        Matter::Campaign(_) => {
            "SELECT CAST(NULL AS BIGINT) FROM campaign c WHERE c.id = $1 AND ($2 IS NULL OR EXISTS
             (SELECT 1 FROM incident i WHERE i.campaign_id = c.id AND i.member_id = $2))"
        }
        Matter::Silence(_) => {
            "SELECT CAST(NULL AS BIGINT) FROM silence i JOIN sensor s ON s.id = i.sensor_id
             WHERE i.id = $1 AND ($2 IS NULL OR s.member_id = $2)"
        }
    };
    let covered: Option<Option<i64>> =
        sqlx::query_scalar(sql).bind(case.id()).bind(scope.member_id()).fetch_optional(conn).await?;
    Ok(covered.map(|covered| covered.map(|yes| yes != 0)))
}

/// All that is told of a case to whoever asks; none where it is not there for them.
pub(super) async fn work(conn: &mut SqliteConnection, scope: Scope, case: Matter) -> Result<Option<Work>, sqlx::Error> {
    let Some(covered) = is_there(&mut *conn, scope, case).await? else { return Ok(None) };
    let mut said = said(&mut *conn, scope, case).await?;
    name(&mut *conn, &mut said).await?;
    let read = match case {
        Matter::Incident(id) => seen(&mut *conn, id, &said).await?,
        Matter::Campaign(id) => hit(&mut *conn, scope, id).await?,
        Matter::Silence(_) => Vec::new(),
    };
    let duties = match case {
        Matter::Incident(_) => Some(duties(&said, covered)),
        Matter::Campaign(_) | Matter::Silence(_) => None,
    };
    let measures = measures(&said);
    let mut timeline = merged(said, read);
    if scope != Scope::Operator {
        timeline = timeline.into_iter().map(|entry| Entry { said: entry.said.unnumbered(), ..entry }).collect();
    }
    Ok(Some(Work { timeline, measures, duties }))
}

/// What must be looked up before it is said: of a measure what it is.
async fn complete(conn: &mut SqliteConnection, case: Matter, said: Said) -> Result<Result<Said, NotDone>, sqlx::Error> {
    let Said::Measured { of: Some(of), status, .. } = said else { return Ok(Ok(said)) };
    let sql = "SELECT body FROM timeline WHERE id = $1 AND kind = $2 AND subject_id = $3";
    let body: Option<String> =
        sqlx::query_scalar(sql).bind(of).bind(case.kind()).bind(case.id()).fetch_optional(conn).await?;
    Ok(match body.as_deref().map(serde_json::from_str::<Said>) {
        Some(Ok(Said::Measured { of: None, text, key, .. })) => Ok(Said::Measured { of: Some(of), text, status, key }),
        Some(_) | None => Err(NotDone::NoMeasure(of)),
    })
}

impl Store {
    /// All that is told of a case to whoever asks; none where it is not there for them.
    ///
    /// # Errors
    /// The database's own.
    pub async fn work(&self, scope: Scope, case: Matter) -> Result<Option<Work>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let work = work(&mut tx, scope, case).await?;
        tx.rollback().await?;
        Ok(work)
    }

    /// Says something of a case: a note, a measure, whose it is, when it was discovered. Gives the line's number.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn say(
        &self,
        case: Matter,
        said: Said,
        saying: Saying<'_>,
        now: Timestamp,
    ) -> Result<Result<i64, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        if standing(&mut tx, case).await?.is_none() {
            return Ok(Err(NotDone::NoCase));
        }
        if !has_room(&mut tx, case).await? {
            return Ok(Err(NotDone::Full));
        }
        if let Said::DutyReported { duty: _ } = &said {
            let before = self::said(&mut tx, Scope::Operator, case).await?;
            if let Some(at) = duties(&before, None).discovered.filter(|at| saying.at < *at) {
                return Ok(Err(NotDone::BeforeDiscovered(at)));
            }
        }
        if said == Said::Discovered {
            let before = self::said(&mut tx, Scope::Operator, case).await?;
            if let Some((at, duty)) = duty::reported(&before).filter(|(at, _)| saying.at > *at) {
                return Ok(Err(NotDone::AfterReported(at, duty)));
            }
        }
        let said = match complete(&mut tx, case, said).await? {
            Ok(said) => said,
            Err(not) => return Ok(Err(not)),
        };
        // How a measure stands is told to whom it was told.
        let for_members = if let Said::Measured { of: Some(of), .. } = &said {
            let sql = "SELECT for_members FROM timeline WHERE id = $1";
            sqlx::query_scalar(sql).bind(of).fetch_one(&mut *tx).await?
        } else {
            saying.for_members
        };
        let line = append(&mut tx, case, &said, Saying { for_members, ..saying }, now).await?;
        if let Said::Assigned { owner } = &said {
            let sql = match case {
                Matter::Incident(_) => "UPDATE incident SET owner = $2 WHERE id = $1",
                Matter::Campaign(_) => "UPDATE campaign SET owner = $2 WHERE id = $1",
                Matter::Silence(_) => "UPDATE silence SET owner = $2 WHERE id = $1",
            };
            sqlx::query(sql).bind(case.id()).bind(owner).execute(&mut *tx).await?;
        }
        worked(&mut tx, case, now).await?;
        tx.commit().await?;
        Ok(Ok(line))
    }

    /// The incident that an id or a uuid means today, also if it has become part of another since. A member names it by its uuid: a number
    /// would tell how many there are.
    ///
    /// # Errors
    /// The database's own.
    pub async fn incident_named(&self, scope: Scope, name: &str) -> Result<Option<i64>, StoreError> {
        let number: Option<i64> = name.parse().ok().filter(|_| scope == Scope::Operator);
        let sql = "SELECT f.id FROM (SELECT id FROM incident WHERE id = $1 OR uuid = $2
                UNION ALL SELECT into_id FROM merged WHERE kind = 'incident' AND (id = $1 OR uuid = $2)) f
            JOIN incident i ON i.id = f.id WHERE $3 IS NULL OR i.member_id = $3";
        let find = sqlx::query_scalar(sql).bind(number).bind(name.to_ascii_lowercase()).bind(scope.member_id());
        Ok(find.fetch_optional(self.readers()).await?)
    }
}

#[cfg(test)]
mod tests;
