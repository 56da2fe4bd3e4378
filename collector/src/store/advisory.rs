//! Advisories, read as whoever asks may see them: the CSIRT all of them, a member those that were sent to it, with its own part.
//! [`draft`] writes them, [`send`] sends, corrects and withdraws, [`heard`] keeps who read and answered, [`part`] what becomes of them in time.

pub mod draft;
pub mod heard;
pub mod part;
pub mod send;

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use varde_common::alert::Evidence;
use varde_common::time::Timestamp;

use super::alert::evidence_from;
use super::campaign::others_told;
use super::{Scope, Store, StoreError, measure};
use crate::advisory::{Answer, Audience, State};
use crate::limits::advisory::ADVISORIES_SHOWN;
use crate::measure::propose::propose;
use crate::measure::{Bank, Contents};
use crate::workflow::Matter;

/// What an advisory says in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// nb, nn or en.
    pub language: String,
    /// Its heading.
    pub title: String,
    /// Its text, in markup.
    pub body: String,
}

/// A measure that an advisory names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advised {
    /// Its name in the bank.
    pub key: String,
    /// What it says in the three languages: as it was when the advisory was sent. None = a draft's, and the bank has it no longer.
    pub words: Option<Contents>,
    /// Whether somebody named it, so that it is for all; else it was proposed for the campaign.
    #[serde(skip)]
    pub is_named: bool,
    /// For a member: whether it is for them, by what was seen there or because somebody named it; null = whoever asks is no member.
    pub is_theirs: Option<bool>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswerRow {
    /// The member's number.
    pub member: String,
    /// Its name.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Who there.
    pub who: String,
    /// What.
    pub answer: Answer,
    /// The measure that was done.
    pub measure: Option<String>,
    /// In their own words.
    pub text: Option<String>,
}

/// What an advisory is to one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Own {
    /// When it was sent to it.
    pub sent_at: Timestamp,
    /// When somebody there confirmed to have read it.
    pub read_at: Option<Timestamp>,
    /// Who.
    pub read_by: Option<String>,
    /// Names of its incidents that it is about.
    pub incidents: Vec<String>,
    /// What it answered.
    pub answers: Vec<AnswerRow>,
}

/// An advisory. What is not for whoever asks is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdvisoryView {
    /// Its number; none for a member, whom it would tell how many there are.
    pub id: Option<i64>,
    /// Its name for members.
    pub uuid: String,
    /// The campaign it is about, by its number of today; the CSIRT's.
    pub campaign: Option<i64>,
    /// Its marking, such as TLP:AMBER.
    pub tlp: String,
    /// Whom it goes to; the CSIRT's.
    pub audience: Option<Audience>,
    /// Where it stands.
    pub state: State,
    /// 1, and one more for each correction.
    pub version: i64,
    /// The name of the version before.
    pub corrects: Option<String>,
    /// The name of the version that corrects it, once that was sent.
    pub corrected_by: Option<String>,
    /// Who wrote it; the CSIRT's, as are those that follow.
    pub written_by: Option<String>,
    /// When a draft was last changed.
    pub changed_at: Option<Timestamp>,
    /// Who sent it.
    pub sent_by: Option<String>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
    /// Why.
    pub withdrawn_why: Option<String>,
    /// What it says.
    pub texts: Vec<Text>,
    /// What it says is to be done.
    pub measures: Vec<Advised>,
    /// How many members got it, or were chosen; the CSIRT's.
    pub recipients: Option<i64>,
    /// How many of them have read it; the CSIRT's.
    pub read: Option<i64>,
    /// For a member: at least so many others got it; none below three.
    pub others_at_least: Option<i64>,
    /// For a member: its own part.
    pub own: Option<Own>,
    /// Of a draft: what stands in it, as one value. Who sends or changes it says which they looked at.
    #[serde(skip)]
    pub seal: Option<String>,
}

/// What stands in a draft, as one value: texts, marking, whom it goes to, and measures as members would read them. Whom a campaign or
/// everybody is comes by itself and is none of it.
pub(super) async fn seal(conn: &mut SqliteConnection, bank: &Bank, found: &Stands) -> Result<String, sqlx::Error> {
    let tlp: String =
        sqlx::query_scalar("SELECT tlp FROM advisory WHERE id = $1").bind(found.id).fetch_one(&mut *conn).await?;
    let sql = "SELECT member_id FROM advisory_recipient WHERE advisory_id = $1 ORDER BY member_id";
    let chosen: Vec<i64> = match found.audience {
        Audience::Chosen => sqlx::query_scalar(sql).bind(found.id).fetch_all(&mut *conn).await?,
        Audience::Campaign | Audience::All => Vec::new(),
    };
    let measures = advised(&mut *conn, bank, found.id).await?;
    let measures: Vec<_> = measures.iter().map(|one| (&one.key, &one.words, one.is_named)).collect();
    let all = (texts(&mut *conn, found.id).await?, tlp, found.audience.as_str(), chosen, measures);
    let all = serde_json::to_vec(&all).map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(blake3::hash(&all).to_hex().to_string())
}

/// The campaign that advisory `a` is about, as it is called today.
pub(super) const CAMPAIGN: &str =
    "COALESCE((SELECT g.into_id FROM merged g WHERE g.kind = 'campaign' AND g.id = a.campaign_id), a.campaign_id)";

/// A row as it stands, before it is asked whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) id: i64,
    pub(super) uuid: String,
    pub(super) campaign: Option<i64>,
    pub(super) audience: Audience,
    pub(super) state: State,
    pub(super) version: i64,
    pub(super) corrects: Option<i64>,
}

pub(super) async fn stands(conn: &mut SqliteConnection, id: i64) -> Result<Option<Stands>, sqlx::Error> {
    let sql = format!("SELECT a.*, {CAMPAIGN} AS campaign FROM advisory a WHERE a.id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await?;
    row.map(|row| {
        Ok(Stands {
            id,
            uuid: row.try_get("uuid")?,
            campaign: row.try_get("campaign")?,
            audience: Audience::of(row.try_get("audience")?).unwrap_or(Audience::Chosen),
            state: State::of(row.try_get("state")?).unwrap_or(State::Draft),
            version: row.try_get("version")?,
            corrects: row.try_get("corrects")?,
        })
    })
    .transpose()
}

async fn texts(conn: &mut SqliteConnection, id: i64) -> Result<Vec<Text>, sqlx::Error> {
    let sql = "SELECT language, title, body FROM advisory_text WHERE advisory_id = $1
        ORDER BY CASE language WHEN 'nb' THEN 0 WHEN 'nn' THEN 1 ELSE 2 END";
    let rows: Vec<(String, String, String)> = sqlx::query_as(sql).bind(id).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(language, title, body)| Text { language, title, body }).collect())
}

/// Its measures: of what was sent as they were then, of a draft as the bank has them.
pub(super) async fn advised(conn: &mut SqliteConnection, bank: &Bank, id: i64) -> Result<Vec<Advised>, sqlx::Error> {
    let sql = "SELECT key, words, chosen <> 0 FROM advisory_measure WHERE advisory_id = $1 ORDER BY place";
    let rows: Vec<(String, Option<String>, bool)> = sqlx::query_as(sql).bind(id).fetch_all(conn).await?;
    let read = |(key, words, is_named): (String, Option<String>, bool)| {
        let kept = words.and_then(|words| serde_json::from_str(&words).ok());
        let words = kept.or_else(|| bank.get(&key).map(|measure| measure.contents.clone()));
        Advised { key, words, is_named, is_theirs: None }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Keys of what the bank proposes for a case; of a member its own alone. Nothing where there is no case.
pub(super) async fn proposed_for(
    conn: &mut SqliteConnection,
    bank: &Bank,
    scope: Scope,
    case: Matter,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let Some(situation) = measure::situation(conn, scope, case).await? else { return Ok(BTreeSet::new()) };
    Ok(propose(bank, &situation).into_iter().map(|one| one.measure.key.clone()).collect())
}

/// The measures of an advisory as whoever asks reads them: a member is told which are for them.
async fn measures_for(
    conn: &mut SqliteConnection,
    bank: &Bank,
    scope: Scope,
    found: &Stands,
) -> Result<Vec<Advised>, sqlx::Error> {
    let mut measures = advised(&mut *conn, bank, found.id).await?;
    if scope == Scope::Operator || measures.is_empty() {
        return Ok(measures);
    }
    let proposed = match found.campaign {
        Some(campaign) => proposed_for(conn, bank, scope, Matter::Campaign(campaign)).await?,
        None => BTreeSet::new(),
    };
    for one in &mut measures {
        one.is_theirs = Some(one.is_named || proposed.contains(&one.key));
    }
    Ok(measures)
}

/// What was answered, of a member its own alone, in order.
async fn answers(conn: &mut SqliteConnection, scope: Scope, id: i64) -> Result<Vec<AnswerRow>, sqlx::Error> {
    let sql = "SELECT m.number, m.name, r.at, r.who, r.answer, r.measure, r.text FROM advisory_answer r
        JOIN member m ON m.id = r.member_id WHERE r.advisory_id = $1 AND ($2 IS NULL OR r.member_id = $2) ORDER BY r.id";
    let rows = sqlx::query(sql).bind(id).bind(scope.member_id()).fetch_all(conn).await?;
    let read = |row: &SqliteRow| {
        Ok(AnswerRow {
            member: row.try_get("number")?,
            name: row.try_get("name")?,
            at: Timestamp(row.try_get("at")?).clamped(),
            who: row.try_get("who")?,
            answer: Answer::of(row.try_get("answer")?).unwrap_or(Answer::Words),
            measure: row.try_get("measure")?,
            text: row.try_get("text")?,
        })
    };
    rows.iter().map(read).collect()
}

async fn own(conn: &mut SqliteConnection, member: i64, found: &Stands) -> Result<Option<Own>, sqlx::Error> {
    let sql = "SELECT sent_at, read_at, read_by FROM advisory_recipient
        WHERE advisory_id = $1 AND member_id = $2 AND sent_at IS NOT NULL";
    let row: Option<(i64, Option<i64>, Option<String>)> =
        sqlx::query_as(sql).bind(found.id).bind(member).fetch_optional(&mut *conn).await?;
    let Some((sent_at, read_at, read_by)) = row else { return Ok(None) };
    let sql = "SELECT uuid FROM incident WHERE campaign_id = $1 AND member_id = $2 ORDER BY id";
    let incidents = sqlx::query_scalar(sql).bind(found.campaign).bind(member).fetch_all(&mut *conn).await?;
    Ok(Some(Own {
        sent_at: Timestamp(sent_at).clamped(),
        read_at: read_at.map(|at| Timestamp(at).clamped()),
        read_by,
        incidents,
        answers: answers(conn, Scope::Member(member), found.id).await?,
    }))
}

/// One as whoever asks may see it; none where it is not for them. The bank is read by who asks, once for however many.
async fn view(
    conn: &mut SqliteConnection,
    bank: &Bank,
    scope: Scope,
    id: i64,
) -> Result<Option<AdvisoryView>, sqlx::Error> {
    let Some(found) = stands(&mut *conn, id).await? else { return Ok(None) };
    let own = match scope {
        Scope::Operator => None,
        Scope::Member(_) if found.state == State::Draft => return Ok(None),
        Scope::Member(member) => match own(&mut *conn, member, &found).await? {
            Some(own) => Some(own),
            None => return Ok(None),
        },
    };
    let sql = "SELECT * FROM advisory WHERE id = $1";
    let row = sqlx::query(sql).bind(id).fetch_one(&mut *conn).await?;
    let before = match found.corrects {
        Some(before) => stands(&mut *conn, before).await?.map(|before| before.uuid),
        None => None,
    };
    let sql = "SELECT uuid FROM advisory WHERE corrects = $1 AND state <> 'draft'
        AND ($2 IS NULL OR EXISTS (SELECT 1 FROM advisory_recipient r WHERE r.advisory_id = advisory.id AND r.member_id = $2))";
    let corrected_by: Option<String> =
        sqlx::query_scalar(sql).bind(id).bind(scope.member_id()).fetch_optional(&mut *conn).await?;
    let sql = "SELECT COUNT(*), COUNT(r.read_at), COUNT(DISTINCT COALESCE(m.supplier, CAST(m.id AS TEXT))) FROM advisory_recipient r
        JOIN member m ON m.id = r.member_id WHERE r.advisory_id = $1 AND ($2 IS NULL OR r.member_id <> $2)";
    let (recipients, read, others): (i64, i64, i64) =
        sqlx::query_as(sql).bind(id).bind(scope.member_id()).fetch_one(&mut *conn).await?;
    let is_operator = scope == Scope::Operator;
    let at = |column: &str| -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(|at| Timestamp(at).clamped()))
    };
    // A version that a member did not get tells it nothing.
    let sql = "SELECT EXISTS (SELECT 1 FROM advisory_recipient WHERE advisory_id = $1 AND member_id = $2 AND sent_at IS NOT NULL)";
    let had_before: bool =
        sqlx::query_scalar(sql).bind(found.corrects).bind(scope.member_id()).fetch_one(&mut *conn).await?;
    let corrects = before.filter(|_| is_operator || had_before);
    let seal = match found.state {
        State::Draft => Some(seal(&mut *conn, bank, &found).await?),
        State::Sent | State::Withdrawn => None,
    };
    Ok(Some(AdvisoryView {
        id: is_operator.then_some(id),
        corrects,
        corrected_by,
        campaign: found.campaign.filter(|_| is_operator),
        tlp: row.try_get("tlp")?,
        audience: is_operator.then_some(found.audience),
        state: found.state,
        version: found.version,
        written_by: row.try_get::<Option<String>, _>("written_by")?.filter(|_| is_operator),
        changed_at: at("changed_at")?.filter(|_| is_operator),
        sent_by: row.try_get::<Option<String>, _>("sent_by")?.filter(|_| is_operator),
        sent_at: own.as_ref().map_or(at("sent_at")?, |own| Some(own.sent_at)),
        withdrawn_at: at("withdrawn_at")?,
        withdrawn_why: row.try_get("withdrawn_why")?,
        texts: texts(&mut *conn, id).await?,
        measures: measures_for(&mut *conn, bank, scope, &found).await?,
        recipients: is_operator.then_some(recipients),
        read: is_operator.then_some(read),
        others_at_least: if is_operator { None } else { others_told(others) },
        own,
        seal,
        uuid: found.uuid,
    }))
}

/// Of a member how far its part in a campaign came, as it is now; none = nothing, or nobody says.
pub(super) async fn reached(
    conn: &mut SqliteConnection,
    campaign: Option<i64>,
    member: i64,
) -> Result<Option<Evidence>, sqlx::Error> {
    let sql = "SELECT MAX(COALESCE((SELECT MAX(a.evidence) FROM alert a WHERE a.incident_id = i.id), i.reached)) FROM incident i
        WHERE i.campaign_id = $1 AND i.member_id = $2";
    let level: Option<i64> = sqlx::query_scalar(sql).bind(campaign).bind(member).fetch_one(conn).await?;
    Ok(level.map(evidence_from))
}

impl Store {
    /// The number of the advisory that a name means to whoever asks: the CSIRT's by its number or its uuid, a member's by its uuid alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn advisory_named(&self, scope: Scope, name: &str) -> Result<Option<i64>, StoreError> {
        let number: Option<i64> = name.parse().ok().filter(|_| scope == Scope::Operator);
        let sql = "SELECT a.id FROM advisory a WHERE (a.id = $1 OR a.uuid = $2) AND ($3 IS NULL OR (a.state <> 'draft'
            AND EXISTS (SELECT 1 FROM advisory_recipient r WHERE r.advisory_id = a.id AND r.member_id = $3 AND r.sent_at IS NOT NULL)))";
        let find = sqlx::query_scalar(sql).bind(number).bind(name.to_ascii_lowercase()).bind(scope.member_id());
        Ok(find.fetch_optional(self.readers()).await?)
    }

    /// One advisory; none where there is none, or not for whoever asks.
    ///
    /// # Errors
    /// The database's own.
    pub async fn advisory(&self, scope: Scope, id: i64) -> Result<Option<AdvisoryView>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let bank = measure::bank(&mut tx).await?;
        let found = view(&mut tx, &bank, scope, id).await?;
        tx.rollback().await?;
        Ok(found)
    }

    /// Those for whoever asks, the newest first; of one campaign if one is given.
    ///
    /// # Errors
    /// The database's own.
    pub async fn advisories(&self, scope: Scope, campaign: Option<i64>) -> Result<Vec<AdvisoryView>, StoreError> {
        let mut tx = self.readers().begin().await?;
        let sql = format!(
            "SELECT a.id FROM advisory a WHERE ($2 IS NULL OR {CAMPAIGN} = $2) AND ($1 IS NULL OR (a.state <> 'draft' AND EXISTS
             (SELECT 1 FROM advisory_recipient r WHERE r.advisory_id = a.id AND r.member_id = $1 AND r.sent_at IS NOT NULL)))
             ORDER BY a.id DESC LIMIT $3"
        );
        let ids: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(scope.member_id())
            .bind(campaign)
            .bind(ADVISORIES_SHOWN)
            .fetch_all(&mut *tx)
            .await?;
        let bank = measure::bank(&mut tx).await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(view(&mut tx, &bank, scope, id).await?);
        }
        tx.rollback().await?;
        Ok(found)
    }

    /// Those that stand and that nobody at the member who asks has confirmed to have read, the newest first; none for the operator.
    ///
    /// # Errors
    /// The database's own.
    pub async fn advisories_unread(&self, scope: Scope) -> Result<Vec<AdvisoryView>, StoreError> {
        let Some(member) = scope.member_id() else { return Ok(Vec::new()) };
        let mut tx = self.readers().begin().await?;
        let sql = "SELECT a.id FROM advisory_recipient r JOIN advisory a ON a.id = r.advisory_id WHERE r.member_id = $1
            AND r.sent_at IS NOT NULL AND r.read_at IS NULL AND a.state = 'sent' ORDER BY a.id DESC LIMIT $2";
        let ids: Vec<i64> = sqlx::query_scalar(sql).bind(member).bind(ADVISORIES_SHOWN).fetch_all(&mut *tx).await?;
        let bank = measure::bank(&mut tx).await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(view(&mut tx, &bank, scope, id).await?);
        }
        tx.rollback().await?;
        // Who has the version that corrects one reads that.
        found.retain(|one| one.corrected_by.is_none());
        Ok(found)
    }

    /// What members answered to one, in order; of a member its own alone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn advisory_answers(&self, scope: Scope, id: i64) -> Result<Vec<AnswerRow>, StoreError> {
        Ok(answers(&mut *self.readers().acquire().await?, scope, id).await?)
    }
}

#[cfg(test)]
pub(crate) mod tests;
