//! An advisory is sent: from then on it stands as it is. It is corrected by a version that follows, and may be withdrawn.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::draft::{NotDone, a_draft, audience, choose, insert, is_seen};
use super::{Stands, advised, proposed_for, reached, stands};
use crate::advisory::letter::Occasion;
use crate::advisory::{Audience, State, best, language_of};
use crate::measure::{Bank, Contents};
use crate::present::text::Language;
use crate::store::alert::level_of;
use crate::store::workflow::{Saying, append};
use crate::store::{Scope, Store, StoreError, mail, measure, profile};
use crate::workflow::Matter;
use crate::workflow::timeline::{MeasureStatus, Said};

/// What came of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Members that it went to.
    pub members: u64,
    /// Mails that wait to be sent.
    pub mails: u64,
}

/// By whom, when, and whether mail is sent from here at all.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// Who.
    pub who: &'a str,
    /// Whether the collector has a mail server.
    pub with_mail: bool,
    /// Now.
    pub now: Timestamp,
}

/// What it is called in a timeline.
pub(super) async fn title(conn: &mut SqliteConnection, id: i64, own: Language) -> Result<String, sqlx::Error> {
    let sql = "SELECT language, title FROM advisory_text WHERE advisory_id = $1";
    let rows: Vec<(String, String)> = sqlx::query_as(sql).bind(id).fetch_all(conn).await?;
    let there: Vec<Language> = rows.iter().filter_map(|(tag, _)| Language::from_tag(tag)).collect();
    let best = best(own, &there).map(Language::tag);
    Ok(rows.into_iter().find(|(tag, _)| Some(tag.as_str()) == best).map(|(_, title)| title).unwrap_or_default())
}

/// Those of a member's incidents that an advisory is about.
pub(super) async fn incidents_of(
    conn: &mut SqliteConnection,
    campaign: Option<i64>,
    member: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    let sql = "SELECT id FROM incident WHERE campaign_id = $1 AND member_id = $2 ORDER BY id";
    sqlx::query_scalar(sql).bind(campaign).bind(member).fetch_all(conn).await
}

/// A measure with the words it has from now on.
struct Frozen {
    key: String,
    words: Contents,
    /// Somebody named it; else it was proposed for the campaign.
    is_named: bool,
}

/// An advisory's measures, and the bank that they are of.
struct Measures {
    bank: Bank,
    measures: Vec<Frozen>,
}

/// What an advisory asks for stands with the incidents it is about as planned, once each: what somebody named with all of them, the rest
/// where the bank proposes it for that incident. How far it came at another member is nothing to act on here.
async fn plan(
    conn: &mut SqliteConnection,
    incident: i64,
    frozen: &Measures,
    language: Language,
    sending: Sending<'_>,
) -> Result<(), sqlx::Error> {
    let proposed = proposed_for(&mut *conn, &frozen.bank, Scope::Operator, Matter::Incident(incident)).await?;
    for Frozen { key, words, is_named } in &frozen.measures {
        if !is_named && !proposed.contains(key) {
            continue;
        }
        if planned(&mut *conn, incident, key).await?.is_none() {
            let said = Said::Measured {
                of: None,
                text: words.of(language).title.clone(),
                status: MeasureStatus::Planned,
                key: Some(key.clone()),
            };
            let saying = Saying { who: Some(sending.who), at: sending.now, for_members: true };
            append(&mut *conn, Matter::Incident(incident), &said, saying, sending.now).await?;
        }
    }
    Ok(())
}

/// The line that first told of a measure of the bank in an incident.
pub(super) async fn planned(
    conn: &mut SqliteConnection,
    incident: i64,
    key: &str,
) -> Result<Option<(i64, String)>, sqlx::Error> {
    let sql = "SELECT id, body FROM timeline WHERE kind = 'incident' AND subject_id = $1 AND for_members <> 0
        AND body LIKE '{\"what\":\"measured\",%' ORDER BY id";
    let rows: Vec<(i64, String)> = sqlx::query_as(sql).bind(incident).fetch_all(conn).await?;
    Ok(rows.into_iter().find_map(|(id, body)| match serde_json::from_str(&body) {
        Ok(Said::Measured { of: None, text, key: Some(own), .. }) if own == key => Some((id, text)),
        Ok(_) | Err(_) => None,
    }))
}

/// Gives it to one member: its part, the mail, and what its own incidents tell of it.
async fn give(
    conn: &mut SqliteConnection,
    found: &Stands,
    member: i64,
    measures: &Measures,
    sending: Sending<'_>,
) -> Result<u64, sqlx::Error> {
    choose(&mut *conn, found.id, member).await?;
    let evidence = reached(&mut *conn, found.campaign, member).await?.map(level_of);
    let sql = "UPDATE advisory_recipient SET sent_at = $3, evidence = $4
        WHERE advisory_id = $1 AND member_id = $2 AND sent_at IS NULL";
    let update = sqlx::query(sql).bind(found.id).bind(member).bind(sending.now.0).bind(evidence);
    update.execute(&mut *conn).await?;
    let language = language_of(profile::read(&mut *conn, member).await?.language);
    let said = Said::AdvisorySent {
        advisory: found.uuid.clone(),
        title: title(&mut *conn, found.id, language).await?,
        version: found.version,
        recipients: None,
    };
    for incident in incidents_of(&mut *conn, found.campaign, member).await? {
        let saying = Saying { who: Some(sending.who), at: sending.now, for_members: true };
        append(&mut *conn, Matter::Incident(incident), &said, saying, sending.now).await?;
        plan(&mut *conn, incident, measures, language, sending).await?;
    }
    if !sending.with_mail {
        return Ok(0);
    }
    let occasion = if found.corrects.is_some() { Occasion::Corrected } else { Occasion::Sent };
    mail::queue(conn, (found.id, member), occasion, sending.now).await
}

/// Its measures, which from now on have the words they have today.
async fn freeze(conn: &mut SqliteConnection, id: i64) -> Result<Measures, sqlx::Error> {
    let bank = measure::bank(&mut *conn).await?;
    let mut measures = Vec::new();
    for advised in advised(&mut *conn, &bank, id).await? {
        let Some(words) = advised.words else { continue };
        let text = serde_json::to_string(&words).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let sql = "UPDATE advisory_measure SET words = $3 WHERE advisory_id = $1 AND key = $2";
        sqlx::query(sql).bind(id).bind(&advised.key).bind(text).execute(&mut *conn).await?;
        measures.push(Frozen { key: advised.key, words, is_named: advised.is_named });
    }
    Ok(Measures { bank, measures })
}

/// Tells the campaign's timeline, which is the CSIRT's.
pub(super) async fn tell_campaign(
    conn: &mut SqliteConnection,
    campaign: Option<i64>,
    said: &Said,
    (who, now): (&str, Timestamp),
) -> Result<(), sqlx::Error> {
    let Some(campaign) = campaign else { return Ok(()) };
    let case = Matter::Campaign(campaign);
    if crate::store::workflow::standing(&mut *conn, case).await?.is_some() {
        let saying = Saying { who: Some(who), at: now, for_members: false };
        crate::store::workflow::tell(conn, case, said, saying, now).await?;
    }
    Ok(())
}

impl Store {
    /// Sends a draft to whom it goes to now.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn send_advisory(&self, id: i64, sending: Sending<'_>) -> Result<Result<Sent, NotDone>, StoreError> {
        self.send_seen_advisory(id, None, sending).await
    }

    /// The same of a draft that somebody has looked at, by its [`seal`](super::AdvisoryView::seal): another is not sent.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn send_seen_advisory(
        &self,
        id: i64,
        seen: Option<&str>,
        sending: Sending<'_>,
    ) -> Result<Result<Sent, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let found = match a_draft(&mut tx, id).await? {
            Ok(found) => found,
            Err(not) => return Ok(Err(not)),
        };
        if let Err(not) = is_seen(&mut tx, &found, seen).await? {
            return Ok(Err(not));
        }
        let sql = "SELECT COUNT(*) FROM advisory_text WHERE advisory_id = $1 AND language IN ('nb', 'nn')";
        let texts: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(&mut *tx).await?;
        if texts == 0 {
            return Ok(Err(NotDone::NoText(id)));
        }
        if found.audience == Audience::Campaign && found.campaign.is_none() {
            return Ok(Err(NotDone::NoCampaign(id)));
        }
        let members = audience(&mut tx, &found).await?;
        if members.is_empty() {
            return Ok(Err(NotDone::Nobody(id)));
        }
        // Those who were chosen once and whom it does not go to now are none of its recipients.
        let sql = "DELETE FROM advisory_recipient WHERE advisory_id = $1 AND sent_at IS NULL";
        sqlx::query(sql).bind(id).execute(&mut *tx).await?;
        let measures = freeze(&mut tx, id).await?;
        let sql = "UPDATE advisory SET state = 'sent', sent_by = $2, sent_at = $3, changed_at = $3 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(sending.who).bind(sending.now.0).execute(&mut *tx).await?;
        if let Some(before) = found.corrects {
            mail::give_up(&mut tx, (Some(before), None), "not sent: a version that corrects it was", sending.now)
                .await?;
        }
        let mut sent = Sent::default();
        for member in members {
            sent.members += 1;
            sent.mails += give(&mut tx, &found, member, &measures, sending).await?;
        }
        let said = Said::AdvisorySent {
            advisory: found.uuid.clone(),
            title: title(&mut tx, id, Language::Bokmaal).await?,
            version: found.version,
            recipients: Some(sent.members),
        };
        tell_campaign(&mut tx, found.campaign, &said, (sending.who, sending.now)).await?;
        tx.commit().await?;
        Ok(Ok(sent))
    }

    /// Sends what was sent to further members too. Those who have it already get it no second time.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn send_advisory_to(
        &self,
        id: i64,
        members: &[i64],
        sending: Sending<'_>,
    ) -> Result<Result<Sent, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let found = match stands(&mut tx, id).await? {
            None => return Ok(Err(NotDone::None(id))),
            Some(found) if found.state == State::Draft => return Ok(Err(NotDone::Draft(id))),
            Some(found) if found.state == State::Withdrawn => return Ok(Err(NotDone::Withdrawn(id))),
            Some(found) => found,
        };
        let sql = "SELECT id FROM advisory WHERE corrects = $1 AND state <> 'draft'";
        if let Some(next) = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *tx).await? {
            return Ok(Err(NotDone::Superseded(id, next)));
        }
        let measures = freeze(&mut tx, id).await?;
        let there = audience(&mut tx, &found).await?;
        let mut sent = Sent::default();
        for member in members.iter().filter(|member| !there.contains(member)) {
            sent.members += 1;
            sent.mails += give(&mut tx, &found, *member, &measures, sending).await?;
        }
        // A draft that corrects it goes to them too.
        let sql = "INSERT OR IGNORE INTO advisory_recipient (advisory_id, member_id)
            SELECT a.id, r.member_id FROM advisory a JOIN advisory_recipient r ON r.advisory_id = a.corrects WHERE a.corrects = $1";
        sqlx::query(sql).bind(id).execute(&mut *tx).await?;
        if sent.members > 0 {
            let said = Said::AdvisorySent {
                advisory: found.uuid.clone(),
                title: title(&mut tx, id, Language::Bokmaal).await?,
                version: found.version,
                recipients: Some(sent.members),
            };
            tell_campaign(&mut tx, found.campaign, &said, (sending.who, sending.now)).await?;
        }
        tx.commit().await?;
        Ok(Ok(sent))
    }

    /// Members of its campaign that have come since and did not get it, by `member.id`: they are proposed. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn advisory_proposed(&self, scope: Scope, id: i64) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let found = stands(&mut tx, id).await?.filter(|found| scope == Scope::Operator && found.state == State::Sent);
        let Some(found) = found else { return Ok(Vec::new()) };
        let sql = "SELECT DISTINCT i.member_id FROM incident i WHERE i.campaign_id = $1
            AND NOT EXISTS (SELECT 1 FROM advisory n WHERE n.corrects = $2 AND n.state <> 'draft') AND NOT EXISTS
            (SELECT 1 FROM advisory_recipient r WHERE r.advisory_id = $2 AND r.member_id = i.member_id) ORDER BY i.member_id";
        let proposed = sqlx::query_scalar(sql).bind(found.campaign).bind(id).fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        Ok(proposed)
    }

    /// Begins a version that corrects one that was sent: a draft with its words, for those who got it. Gives its number.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn correct_advisory(
        &self,
        id: i64,
        who: &str,
        now: Timestamp,
    ) -> Result<Result<i64, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let found = match stands(&mut tx, id).await? {
            None => return Ok(Err(NotDone::None(id))),
            Some(found) if found.state == State::Draft => return Ok(Err(NotDone::Draft(id))),
            Some(found) if found.state == State::Withdrawn => return Ok(Err(NotDone::Withdrawn(id))),
            Some(found) => found,
        };
        let sql = "SELECT id FROM advisory WHERE corrects = $1";
        if let Some(other) = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *tx).await? {
            return Ok(Err(NotDone::Corrected(id, other)));
        }
        let tlp: String =
            sqlx::query_scalar("SELECT tlp FROM advisory WHERE id = $1").bind(id).fetch_one(&mut *tx).await?;
        let about = (found.campaign, Audience::Chosen, tlp.as_str());
        let next = match insert(&mut tx, about, (found.version + 1, Some(id)), who, now).await? {
            Ok(next) => next,
            Err(not) => return Ok(Err(not)),
        };
        for sql in [
            "INSERT INTO advisory_text SELECT $2, language, title, body FROM advisory_text WHERE advisory_id = $1",
            "INSERT INTO advisory_measure (advisory_id, place, key, chosen)
             SELECT $2, place, key, chosen FROM advisory_measure WHERE advisory_id = $1",
            "INSERT INTO advisory_recipient (advisory_id, member_id) SELECT $2, member_id FROM advisory_recipient WHERE advisory_id = $1",
        ] {
            sqlx::query(sql).bind(id).bind(next).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(Ok(next))
    }

    /// Withdraws what was sent, which stays to be read with why; or deletes a draft. Gives how many mails say so.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn withdraw_advisory(
        &self,
        id: i64,
        why: &str,
        sending: Sending<'_>,
    ) -> Result<Result<u64, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let found = match stands(&mut tx, id).await? {
            None => return Ok(Err(NotDone::None(id))),
            Some(found) if found.state == State::Withdrawn => return Ok(Err(NotDone::Withdrawn(id))),
            Some(found) => found,
        };
        if found.state == State::Draft {
            super::part::delete(&mut tx, id).await?;
            tx.commit().await?;
            return Ok(Ok(0));
        }
        let sql = "UPDATE advisory SET state = 'withdrawn', withdrawn_by = $2, withdrawn_at = $3, withdrawn_why = $4 WHERE id = $1";
        let update = sqlx::query(sql).bind(id).bind(sending.who).bind(sending.now.0).bind(why);
        update.execute(&mut *tx).await?;
        mail::give_up(&mut tx, (Some(id), None), "not sent: the advisory was withdrawn", sending.now).await?;
        let said = Said::AdvisoryWithdrawn { advisory: found.uuid.clone(), reason: why.to_owned() };
        let mut mails = 0;
        for member in audience(&mut tx, &Stands { state: State::Withdrawn, ..found.clone() }).await? {
            if sending.with_mail {
                mails += mail::queue(&mut tx, (id, member), Occasion::Withdrawn, sending.now).await?;
            }
            for incident in incidents_of(&mut tx, found.campaign, member).await? {
                let saying = Saying { who: Some(sending.who), at: sending.now, for_members: true };
                append(&mut tx, Matter::Incident(incident), &said, saying, sending.now).await?;
            }
        }
        tell_campaign(&mut tx, found.campaign, &said, (sending.who, sending.now)).await?;
        tx.commit().await?;
        Ok(Ok(mails))
    }
}
