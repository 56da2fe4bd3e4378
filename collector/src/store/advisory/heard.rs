//! What members say back: that they have read an advisory, and what they answer. And whom to ring of those who have not.

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::draft::{NotDone, audience};
use super::send::{incidents_of, planned, tell_campaign};
use super::{Stands, reached, stands};
use crate::advisory::{Answer, State};
use crate::limits::advisory::ANSWERS_MAX;
use crate::profile::{Contact, Role};
use crate::store::alert::{evidence_from, level_of};
use crate::store::mail::{Distrusted, addresses, distrusted};
use crate::store::workflow::{Saying, append};
use crate::store::{Scope, Store, StoreError, profile};
use crate::workflow::Matter;
use crate::workflow::timeline::{MeasureStatus, Said};

/// A member that got an advisory, as the CSIRT sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// How far the campaign has come there: by now, else when it was sent; null = it was not met there, or nobody says.
    pub evidence: Option<Evidence>,
    /// When it was sent to it; null = it is chosen and the advisory a draft.
    pub sent_at: Option<Timestamp>,
    /// When somebody there confirmed to have read it.
    pub read_at: Option<Timestamp>,
    /// Who.
    pub read_by: Option<String>,
    /// When somebody told them by telephone.
    pub called_at: Option<Timestamp>,
    /// Who did.
    pub called_by: Option<String>,
    /// Its mail may be read by others; null = nobody says so.
    pub mail_distrusted: Option<Distrusted>,
    /// Whether its profile has an address to write to.
    pub has_address: bool,
    /// Whom to ring, in the order in which one does.
    pub contacts: Vec<(Role, Contact)>,
}

/// Who is rung first: whoever is on duty for machines, then whoever answers for them.
const RUNG: [Role; 4] = [Role::It, Role::OnCall, Role::Security, Role::Management];

/// A member that it was sent to, or would be.
async fn recipient(conn: &mut SqliteConnection, found: &Stands, member: i64) -> Result<Option<Recipient>, sqlx::Error> {
    let sql = "SELECT m.number, m.name, r.evidence, r.sent_at, r.read_at, r.read_by, r.called_at, r.called_by
        FROM member m LEFT JOIN advisory_recipient r ON r.member_id = m.id AND r.advisory_id = $1 WHERE m.id = $2";
    type Row = (String, String, Option<i64>, Option<i64>, Option<i64>, Option<String>, Option<i64>, Option<String>);
    let row: Option<Row> = sqlx::query_as(sql).bind(found.id).bind(member).fetch_optional(&mut *conn).await?;
    let Some((number, name, evidence, sent_at, read_at, read_by, called_at, called_by)) = row else { return Ok(None) };
    let now = reached(&mut *conn, found.campaign, member).await?;
    let mut profile = profile::read(&mut *conn, member).await?;
    let at = |at: Option<i64>| at.map(|at| Timestamp(at).clamped());
    Ok(Some(Recipient {
        number,
        name,
        evidence: now.or(evidence.map(evidence_from)),
        sent_at: at(sent_at),
        read_at: at(read_at),
        read_by,
        called_at: at(called_at),
        called_by,
        mail_distrusted: distrusted(&mut *conn, member).await?,
        has_address: !addresses(&profile).is_empty(),
        contacts: RUNG.into_iter().filter_map(|role| Some((role, profile.contacts.remove(&role)?))).collect(),
    }))
}

/// What was sent to a member and still holds.
async fn theirs(
    conn: &mut SqliteConnection,
    member: i64,
    id: i64,
) -> Result<Result<(Stands, String, String), NotDone>, sqlx::Error> {
    let sql = "SELECT m.number, m.name FROM advisory_recipient r JOIN member m ON m.id = r.member_id
        WHERE r.advisory_id = $1 AND r.member_id = $2 AND r.sent_at IS NOT NULL";
    let whose: Option<(String, String)> = sqlx::query_as(sql).bind(id).bind(member).fetch_optional(&mut *conn).await?;
    // Whoever did not get it is told the same as where there is none.
    Ok(match (stands(conn, id).await?, whose) {
        (Some(found), Some((number, name))) if found.state != State::Draft => Ok((found, number, name)),
        _ => Err(NotDone::None(id)),
    })
}

/// The first confirmation stands for ever; what follows changes nothing. Gives whether this was it.
async fn read_by(
    conn: &mut SqliteConnection,
    member: i64,
    (found, number, name): &(Stands, String, String),
    (who, now): (&str, Timestamp),
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE advisory_recipient SET read_at = $3, read_by = $4
        WHERE advisory_id = $1 AND member_id = $2 AND read_at IS NULL";
    let update = sqlx::query(sql).bind(found.id).bind(member).bind(now.0).bind(who);
    if update.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let said = Said::AdvisoryRead { advisory: found.uuid.clone(), number: number.clone(), name: name.clone() };
    tell(conn, member, found, &said, (who, now)).await?;
    Ok(true)
}

/// Tells the campaign and the member's own incidents of it.
async fn tell(
    conn: &mut SqliteConnection,
    member: i64,
    found: &Stands,
    said: &Said,
    (who, now): (&str, Timestamp),
) -> Result<(), sqlx::Error> {
    for incident in incidents_of(&mut *conn, found.campaign, member).await? {
        let saying = Saying { who: Some(who), at: now, for_members: true };
        append(&mut *conn, Matter::Incident(incident), said, saying, now).await?;
    }
    tell_campaign(conn, found.campaign, said, (who, now)).await
}

/// A measure that is done stands so with the member's incidents.
async fn done(
    conn: &mut SqliteConnection,
    member: i64,
    found: &Stands,
    key: &str,
    (who, now): (&str, Timestamp),
) -> Result<(), sqlx::Error> {
    for incident in incidents_of(&mut *conn, found.campaign, member).await? {
        let Some((line, text)) = planned(&mut *conn, incident, key).await? else { continue };
        let said = Said::Measured { of: Some(line), text, status: MeasureStatus::Done, key: Some(key.to_owned()) };
        let saying = Saying { who: Some(who), at: now, for_members: true };
        append(&mut *conn, Matter::Incident(incident), &said, saying, now).await?;
    }
    Ok(())
}

impl Store {
    /// Whom a draft would go to if it were sent now, in the order of their numbers. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn would_get(&self, scope: Scope, id: i64) -> Result<Vec<Recipient>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let Some(found) = stands(&mut tx, id).await?.filter(|_| scope == Scope::Operator) else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for member in audience(&mut tx, &found).await? {
            all.extend(recipient(&mut tx, &found, member).await?);
        }
        tx.rollback().await?;
        all.sort_by(|a, b| a.number.cmp(&b.number));
        Ok(all)
    }

    /// Somebody at a member confirms to have read an advisory. Gives whether nobody there had before.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn confirm_read(
        &self,
        member: i64,
        id: i64,
        who: &str,
        now: Timestamp,
    ) -> Result<Result<bool, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let theirs = match theirs(&mut tx, member, id).await? {
            Ok(theirs) => theirs,
            Err(not) => return Ok(Err(not)),
        };
        let is_first = read_by(&mut tx, member, &theirs, (who, now)).await?;
        tx.commit().await?;
        Ok(Ok(is_first))
    }

    /// Somebody at a member answers, who has thereby read it.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn answer_advisory(
        &self,
        member: i64,
        id: i64,
        (answer, measure, text): (Answer, Option<&str>, Option<&str>),
        (who, now): (&str, Timestamp),
    ) -> Result<Result<(), NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let theirs = match theirs(&mut tx, member, id).await? {
            Ok(theirs) => theirs,
            Err(not) => return Ok(Err(not)),
        };
        let sql = "SELECT COUNT(*) FROM advisory_answer WHERE advisory_id = $1 AND member_id = $2";
        let answered: i64 = sqlx::query_scalar(sql).bind(id).bind(member).fetch_one(&mut *tx).await?;
        if answered >= ANSWERS_MAX {
            return Ok(Err(NotDone::AnsweredEnough(id)));
        }
        let measure = measure.filter(|_| answer == Answer::MeasureDone);
        if let Some(key) = measure {
            let sql = "SELECT COUNT(*) FROM advisory_measure WHERE advisory_id = $1 AND key = $2";
            let known: i64 = sqlx::query_scalar(sql).bind(id).bind(key).fetch_one(&mut *tx).await?;
            if known == 0 {
                return Ok(Err(NotDone::NoMeasure(format!(
                    "advisory {id} names no measure \"{}\"",
                    key.escape_debug()
                ))));
            }
        }
        read_by(&mut tx, member, &theirs, (who, now)).await?;
        let sql = "INSERT INTO advisory_answer (advisory_id, member_id, at, who, answer, measure, text) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sqlx::query(sql).bind(id).bind(member).bind(now.0).bind(who).bind(answer.as_str());
        insert.bind(measure).bind(text).execute(&mut *tx).await?;
        let (found, number, name) = &theirs;
        let said = Said::AdvisoryAnswered {
            advisory: found.uuid.clone(),
            number: number.clone(),
            name: name.clone(),
            answer,
            measure: measure.map(str::to_owned),
            text: text.map(str::to_owned),
        };
        tell(&mut tx, member, found, &said, (who, now)).await?;
        if let Some(key) = measure {
            done(&mut tx, member, found, key, (who, now)).await?;
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Somebody at the CSIRT has told a member by telephone. That is no reading: only who reads it confirms that.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn told_by_telephone(
        &self,
        (member, number): (i64, &str),
        id: i64,
        who: &str,
        now: Timestamp,
    ) -> Result<Result<(), NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE advisory_recipient SET called_at = $3, called_by = $4
            WHERE advisory_id = $1 AND member_id = $2 AND sent_at IS NOT NULL";
        let update = sqlx::query(sql).bind(id).bind(member).bind(now.0).bind(who);
        if update.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(Err(NotDone::NotTheirs(id, number.to_owned())));
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// All that an advisory went to or is chosen for. First who has not read it and was not told by telephone, by how far it came there:
    /// that is the order in which to ring. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn recipients(&self, scope: Scope, id: i64) -> Result<Vec<Recipient>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let found = stands(&mut tx, id).await?.filter(|_| scope == Scope::Operator);
        let Some(found) = found else { return Ok(Vec::new()) };
        let sql = "SELECT member_id FROM advisory_recipient WHERE advisory_id = $1";
        let members: Vec<i64> = sqlx::query_scalar(sql).bind(id).fetch_all(&mut *tx).await?;
        let mut recipients = Vec::with_capacity(members.len());
        for member in members {
            recipients.extend(recipient(&mut tx, &found, member).await?);
        }
        tx.rollback().await?;
        let place = |one: &Recipient| {
            let far = one.evidence.map_or(-1, level_of);
            (one.read_at.is_some(), one.called_at.is_some(), -far, one.number.clone())
        };
        recipients.sort_by_cached_key(place);
        Ok(recipients)
    }
}
