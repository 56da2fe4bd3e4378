//! What is done to an advisory before it is sent. From then on nothing here changes it.

use sqlx::SqliteConnection;
use uuid::Uuid;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::{Stands, seal, stands};
use crate::advisory::{Audience, State, Wording};
use crate::limits::advisory::{ADVISED_MEASURES_MAX, ADVISORIES_MAX};
use crate::present::text::Language;
use crate::store::alert::level_of;
use crate::store::mail::drawn;
use crate::store::measure::{bank, situation};
use crate::store::{Scope, Store, StoreError};
use crate::workflow::Matter;

/// Why nothing was done to an advisory; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// There is no such one.
    #[error("there is no advisory {0}; varde-collector advisory list shows those there are")]
    None(i64),
    /// It was sent: it stands as it is.
    #[error(
        "advisory {0} was sent, and what was sent is never changed; write a version that corrects it: varde-collector advisory correct {0}"
    )]
    Sent(i64),
    /// It was not sent.
    #[error("advisory {0} is a draft, which nobody has got; send it first: varde-collector advisory send {0}")]
    Draft(i64),
    /// It no longer holds.
    #[error("advisory {0} was withdrawn; write a new one: varde-collector advisory new")]
    Withdrawn(i64),
    /// There is a version that corrects it already.
    #[error("advisory {0} is corrected by advisory {1} already; go on with that one")]
    Corrected(i64, i64),
    /// A version that corrects it was sent.
    #[error(
        "advisory {0} was corrected by advisory {1}, which was sent; send that one: varde-collector advisory recipients {1} --add NUMBER"
    )]
    Superseded(i64, i64),
    /// It says nothing a member could read.
    #[error(
        "advisory {0} has no text in bokmål or nynorsk; write one: varde-collector advisory edit {0} --language nb --title TITLE --text FILE"
    )]
    NoText(i64),
    /// It is not what was looked at.
    #[error("advisory {0} was changed since it was shown; look at it again: varde-collector advisory preview {0}")]
    Changed(i64),
    /// Nobody would get it.
    #[error("advisory {0} would go to nobody; choose members: varde-collector advisory recipients {0} --add NUMBER")]
    Nobody(i64),
    /// It is about no campaign.
    #[error(
        "advisory {0} is about no campaign, so that there are no members of one; choose members, or send it to all"
    )]
    NoCampaign(i64),
    /// There is no such measure.
    #[error("{0}")]
    NoMeasure(String),
    /// More than one names.
    #[error("an advisory names at most {ADVISED_MEASURES_MAX} measures; nobody does more in one go")]
    TooManyMeasures,
    /// As many as there may be.
    #[error("there are {ADVISORIES_MAX} advisories, and no more fit")]
    Full,
    /// It did not go to that member.
    #[error("advisory {0} did not go to {1}")]
    NotTheirs(i64, String),
    /// The member has answered as much as it may.
    #[error("as much was answered to advisory {0} as may be; call instead")]
    AnsweredEnough(i64),
}

/// What a draft begins as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New<'a> {
    /// The campaign it is about.
    pub campaign: Option<i64>,
    /// Whom it goes to.
    pub audience: Audience,
    /// Those that are chosen, by `member.id`.
    pub chosen: &'a [i64],
    /// Its marking.
    pub tlp: Tlp,
    /// What it says.
    pub wordings: &'a [(Language, Wording)],
    /// What is to be done, in this order.
    pub measures: &'a [String],
    /// Whether somebody named them; else they are those proposed for the campaign.
    pub is_named: bool,
    /// Who writes it.
    pub who: &'a str,
}

/// What of a draft becomes different; none = as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit<'a> {
    /// What it says in a language.
    pub wording: Option<(Language, Wording)>,
    /// What it says: these texts and no others.
    pub texts: Option<&'a [(Language, Wording)]>,
    /// Its marking.
    pub tlp: Option<Tlp>,
    /// Its measures.
    pub measures: Option<&'a [String]>,
    /// Whom it goes to.
    pub audience: Option<Audience>,
    /// Those that are chosen, by `member.id`: these and no others.
    pub chosen: Option<&'a [i64]>,
    /// Chosen beside those who are, by `member.id`.
    pub add: &'a [i64],
    /// No longer chosen.
    pub remove: &'a [i64],
    /// The draft that was looked at, by its [`seal`](super::AdvisoryView::seal): another is not changed. None = whichever it is.
    pub seen: Option<&'a str>,
}

/// A draft that may be changed.
pub(super) async fn a_draft(conn: &mut SqliteConnection, id: i64) -> Result<Result<Stands, NotDone>, sqlx::Error> {
    Ok(match stands(conn, id).await? {
        None => Err(NotDone::None(id)),
        Some(found) => match found.state {
            State::Draft => Ok(found),
            State::Sent => Err(NotDone::Sent(id)),
            State::Withdrawn => Err(NotDone::Withdrawn(id)),
        },
    })
}

/// That a draft is the one that was looked at, where somebody says which that was.
pub(super) async fn is_seen(
    conn: &mut SqliteConnection,
    found: &Stands,
    seen: Option<&str>,
) -> Result<Result<(), NotDone>, sqlx::Error> {
    let Some(seen) = seen else { return Ok(Ok(())) };
    let bank = bank(&mut *conn).await?;
    let is_it = seal(conn, &bank, found).await? == seen;
    Ok(if is_it { Ok(()) } else { Err(NotDone::Changed(found.id)) })
}

pub(super) async fn write_text(
    conn: &mut SqliteConnection,
    id: i64,
    (language, wording): &(Language, Wording),
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO advisory_text (advisory_id, language, title, body) VALUES ($1, $2, $3, $4)
        ON CONFLICT (advisory_id, language) DO UPDATE SET title = excluded.title, body = excluded.body";
    let insert = sqlx::query(sql).bind(id).bind(language.tag()).bind(wording.title.to_string());
    insert.bind(wording.body.to_string()).execute(conn).await.map(drop)
}

pub(super) async fn choose(conn: &mut SqliteConnection, id: i64, member: i64) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO advisory_recipient (advisory_id, member_id) VALUES ($1, $2)
        ON CONFLICT (advisory_id, member_id) DO NOTHING";
    sqlx::query(sql).bind(id).bind(member).execute(conn).await.map(drop)
}

async fn write_measures(
    conn: &mut SqliteConnection,
    id: i64,
    (keys, is_named): (&[String], bool),
) -> Result<Result<(), NotDone>, sqlx::Error> {
    let bank = bank(&mut *conn).await?;
    if let Some(unknown) = keys.iter().find(|key| bank.get(key).is_none()) {
        return Ok(Err(NotDone::NoMeasure(bank.no_such(unknown))));
    }
    if keys.len() > ADVISED_MEASURES_MAX {
        return Ok(Err(NotDone::TooManyMeasures));
    }
    sqlx::query("DELETE FROM advisory_measure WHERE advisory_id = $1").bind(id).execute(&mut *conn).await?;
    for (place, key) in (0_i64..).zip(keys) {
        let sql = "INSERT INTO advisory_measure (advisory_id, place, key, chosen) VALUES ($1, $2, $3, $4)
            ON CONFLICT (advisory_id, key) DO NOTHING";
        sqlx::query(sql).bind(id).bind(place).bind(key).bind(is_named).execute(&mut *conn).await?;
    }
    Ok(Ok(()))
}

/// A row for a draft; its number, or that there is no room.
pub(super) async fn insert(
    conn: &mut SqliteConnection,
    (campaign, audience, tlp): (Option<i64>, Audience, &str),
    (version, corrects): (i64, Option<i64>),
    who: &str,
    now: Timestamp,
) -> Result<Result<i64, NotDone>, sqlx::Error> {
    let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM advisory").fetch_one(&mut *conn).await?;
    if there >= ADVISORIES_MAX {
        return Ok(Err(NotDone::Full));
    }
    let evidence = match campaign {
        Some(campaign) => situation(&mut *conn, Scope::Operator, Matter::Campaign(campaign)).await?,
        None => None,
    };
    let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, drawn()?.as_bytes()).to_string();
    let sql = "INSERT INTO advisory (uuid, campaign_id, tlp, audience, state, version, corrects, evidence, written_by, written_at, changed_at)
        VALUES ($1, $2, $3, $4, 'draft', $5, $6, $7, $8, $9, $9) RETURNING id";
    let insert = sqlx::query_scalar(sql).bind(uuid).bind(campaign).bind(tlp).bind(audience.as_str()).bind(version);
    let evidence = evidence.and_then(|found| found.evidence).map(level_of);
    Ok(Ok(insert.bind(corrects).bind(evidence).bind(who).bind(now.0).fetch_one(conn).await?))
}

impl Store {
    /// Begins an advisory. Gives its number.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn new_advisory(&self, new: &New<'_>, now: Timestamp) -> Result<Result<i64, NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let stamped = (new.campaign, new.audience, new.tlp.to_string());
        let about = (stamped.0, stamped.1, stamped.2.as_str());
        let id = match insert(&mut tx, about, (1, None), new.who, now).await? {
            Ok(id) => id,
            Err(not) => return Ok(Err(not)),
        };
        for wording in new.wordings {
            write_text(&mut tx, id, wording).await?;
        }
        for member in new.chosen {
            choose(&mut tx, id, *member).await?;
        }
        if let Err(not) = write_measures(&mut tx, id, (new.measures, new.is_named)).await? {
            return Ok(Err(not));
        }
        tx.commit().await?;
        Ok(Ok(id))
    }

    /// Changes a draft.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn edit_advisory(
        &self,
        id: i64,
        edit: &Edit<'_>,
        now: Timestamp,
    ) -> Result<Result<(), NotDone>, StoreError> {
        let mut tx = self.begin().await?;
        let found = match a_draft(&mut tx, id).await? {
            Ok(found) => found,
            Err(not) => return Ok(Err(not)),
        };
        if let Err(not) = is_seen(&mut tx, &found, edit.seen).await? {
            return Ok(Err(not));
        }
        if edit.audience == Some(Audience::Campaign) && found.campaign.is_none() {
            return Ok(Err(NotDone::NoCampaign(id)));
        }
        if let Some(wording) = &edit.wording {
            write_text(&mut tx, id, wording).await?;
        }
        if let Some(texts) = edit.texts {
            sqlx::query("DELETE FROM advisory_text WHERE advisory_id = $1").bind(id).execute(&mut *tx).await?;
            for wording in texts {
                write_text(&mut tx, id, wording).await?;
            }
        }
        if let Some(chosen) = edit.chosen {
            let sql = "DELETE FROM advisory_recipient WHERE advisory_id = $1 AND sent_at IS NULL";
            sqlx::query(sql).bind(id).execute(&mut *tx).await?;
            for member in chosen {
                choose(&mut tx, id, *member).await?;
            }
        }
        if let Some(keys) = edit.measures
            && let Err(not) = write_measures(&mut tx, id, (keys, true)).await?
        {
            return Ok(Err(not));
        }
        for member in edit.add {
            choose(&mut tx, id, *member).await?;
        }
        for member in edit.remove {
            let sql = "DELETE FROM advisory_recipient WHERE advisory_id = $1 AND member_id = $2";
            sqlx::query(sql).bind(id).bind(member).execute(&mut *tx).await?;
        }
        // Who names members one by one means those.
        let named = (!edit.add.is_empty() || !edit.remove.is_empty()).then_some(Audience::Chosen);
        let sql = "UPDATE advisory SET tlp = COALESCE($2, tlp), audience = COALESCE($3, audience), changed_at = $4 WHERE id = $1";
        let audience = edit.audience.or(named).map(Audience::as_str);
        let update = sqlx::query(sql).bind(id).bind(edit.tlp.map(|tlp| tlp.to_string())).bind(audience);
        update.bind(now.0).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Throws a draft away. False = there is none of that number: it was sent meanwhile, or somebody else has thrown it away.
    ///
    /// # Errors
    /// The database's own.
    pub async fn discard_draft(&self, id: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if a_draft(&mut tx, id).await?.is_err() {
            return Ok(false);
        }
        super::part::delete(&mut tx, id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whom a draft would go to if it were sent now, or whom an advisory went to, by `member.id`. The operator's business.
    ///
    /// # Errors
    /// The database's own; within, [`NotDone`].
    pub async fn advisory_audience(&self, scope: Scope, id: i64) -> Result<Result<Vec<i64>, NotDone>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let found = match stands(&mut tx, id).await? {
            Some(found) if scope == Scope::Operator => found,
            Some(_) | None => return Ok(Err(NotDone::None(id))),
        };
        let members = audience(&mut tx, &found).await?;
        tx.rollback().await?;
        Ok(Ok(members))
    }
}

/// Whom an advisory goes to.
pub(super) async fn audience(conn: &mut SqliteConnection, found: &Stands) -> Result<Vec<i64>, sqlx::Error> {
    let sql = match (found.state, found.audience) {
        (State::Draft, Audience::Campaign) => {
            "SELECT DISTINCT member_id FROM incident WHERE campaign_id = $2 AND $1 IS NOT NULL ORDER BY member_id"
        }
        (State::Draft, Audience::All) => "SELECT id FROM member WHERE $1 IS NOT NULL OR $2 IS NULL ORDER BY id",
        (State::Draft, Audience::Chosen) | (State::Sent | State::Withdrawn, _) => {
            "SELECT member_id FROM advisory_recipient WHERE advisory_id = $1 AND ($2 IS NULL OR 1) ORDER BY member_id"
        }
    };
    let mut members: Vec<i64> =
        sqlx::query_scalar(sql).bind(found.id).bind(found.campaign).fetch_all(&mut *conn).await?;
    // A version that corrects reaches whoever holds the wrong one when it is sent, however they came to it.
    if let Some(before) = found.corrects.filter(|_| found.state == State::Draft) {
        let sql = "SELECT member_id FROM advisory_recipient WHERE advisory_id = $1 AND sent_at IS NOT NULL";
        let holders: Vec<i64> = sqlx::query_scalar(sql).bind(before).fetch_all(conn).await?;
        members.extend(holders);
        members.sort_unstable();
        members.dedup();
    }
    Ok(members)
}
