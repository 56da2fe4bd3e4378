//! Mail that waits to be sent: which is due, to whom it goes by the profile of that moment, and what became of each try. A member whose mail
//! may be read by others gets none.

use serde::Serialize;
use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::{Scope, Store, StoreError, profile};
use crate::advisory::letter::{Occasion, is_address};
use crate::limits::advisory::{MAIL_AGAIN_AFTER, MAIL_AGAIN_MAX, MAIL_TRIES, MAIL_WHY_MAX_CHARACTERS};
use crate::profile::{Language, Profile, Role};

/// Who is written to: those who act on an advisory. Management and the data protection officer are told by them.
pub const WRITTEN_TO: [Role; 3] = [Role::It, Role::Security, Role::OnCall];

/// Why a mail that waited is not sent: its member's mail may be read by others.
const DISTRUSTED: &str = "not sent: the member's mail may be read by others";
/// The same, because its contact has no address any more.
const NO_ADDRESS: &str = "not sent: the profile has no mail address for this contact";

/// A mail that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// The advisory's name for members.
    pub advisory: String,
    /// Why it is sent.
    pub occasion: Occasion,
    /// The same at every try, without the host.
    pub message_id: String,
    /// In which form of Norwegian.
    pub language: Language,
    /// To whom; none = it is not sent, and why.
    pub to: Result<String, &'static str>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried<'a> {
    /// The server has taken it.
    Sent,
    /// It has not, and may later.
    Again(&'a str),
    /// It will not.
    Never(&'a str),
    /// It was on its way and no word came: it may have been taken, so it is sent again by a person's word alone.
    Unknown(&'a str),
}

/// A mail as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailRow {
    /// The member's number.
    pub member: String,
    /// Of which contact: it, security or oncall.
    pub role: String,
    /// sent, corrected or withdrawn: what it tells of.
    pub occasion: String,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next; null = it is not.
    pub next_at: Option<Timestamp>,
    /// Since when it is being handed over, or was when nothing more could be noted: nobody knows whether the server took it.
    pub handing_at: Option<Timestamp>,
    /// When the server took it.
    pub sent_at: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
    /// Why the last try failed, or why it is not sent.
    pub failed_why: Option<String>,
}

/// That a member's mail may be read by others: who said so, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Distrusted {
    /// Since when.
    pub at: Timestamp,
    /// By whose word.
    pub who: String,
    /// Why.
    pub why: String,
}

/// The contacts that are written to, each address once.
pub(super) fn addresses(profile: &Profile) -> Vec<(Role, String)> {
    let mut found: Vec<(Role, String)> = Vec::new();
    for role in WRITTEN_TO {
        let Some(address) = profile.contacts.get(&role).and_then(|contact| contact.email.clone()) else { continue };
        let known = found.iter().any(|(_, other)| other.eq_ignore_ascii_case(&address));
        if is_address(&address) && !known {
            found.push((role, address));
        }
    }
    found
}

/// That a member's mail may be read by others, where somebody has said so.
pub(super) async fn distrusted(conn: &mut SqliteConnection, member: i64) -> Result<Option<Distrusted>, sqlx::Error> {
    let sql = "SELECT at, who, why FROM mail_distrusted WHERE member_id = $1";
    let row: Option<(i64, String, String)> = sqlx::query_as(sql).bind(member).fetch_optional(conn).await?;
    Ok(row.map(|(at, who, why)| Distrusted { at: Timestamp(at).clamped(), who, why }))
}

/// A name of 128 random bits.
pub(super) fn drawn() -> Result<String, sqlx::Error> {
    let mut octets = [0_u8; 16];
    getrandom::fill(&mut octets).map_err(|error| sqlx::Error::Io(std::io::Error::other(error.to_string())))?;
    Ok(varde_common::trust::hex(&octets))
}

/// Has a member be written to, each contact once an occasion. Gives how many mails wait for it now.
pub(super) async fn queue(
    conn: &mut SqliteConnection,
    (advisory, member): (i64, i64),
    occasion: Occasion,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    if distrusted(&mut *conn, member).await?.is_some() {
        return Ok(0);
    }
    let profile = profile::read(&mut *conn, member).await?;
    let mut queued = 0;
    for (role, _) in addresses(&profile) {
        let sql = "INSERT INTO mail (advisory_id, member_id, role, occasion, message_id, queued_at, next_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (advisory_id, member_id, role, occasion) DO NOTHING";
        let insert = sqlx::query(sql).bind(advisory).bind(member).bind(role.as_str()).bind(occasion.as_str());
        queued += insert.bind(drawn()?).bind(now.0).execute(&mut *conn).await?.rows_affected();
    }
    Ok(queued)
}

/// In which form of Norwegian a contact is written to now, and where, or why not.
async fn written_to(
    conn: &mut SqliteConnection,
    member: i64,
    role: &str,
) -> Result<(Language, Result<String, &'static str>), sqlx::Error> {
    let profile = profile::read(&mut *conn, member).await?;
    let contact = Role::of(role).and_then(|role| profile.contacts.get(&role));
    let address = contact.and_then(|contact| contact.email.clone()).filter(|address| is_address(address));
    let to = match distrusted(conn, member).await? {
        Some(_) => Err(DISTRUSTED),
        None => address.ok_or(NO_ADDRESS),
    };
    Ok((profile.language, to))
}

/// What waits for an advisory, or for a member, is not sent any more.
pub(super) async fn give_up(
    conn: &mut SqliteConnection,
    (advisory, member): (Option<i64>, Option<i64>),
    why: &str,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let sql = "UPDATE mail SET given_up_at = $3, failed_why = $4 WHERE sent_at IS NULL AND given_up_at IS NULL
        AND ($1 IS NULL OR advisory_id = $1) AND ($2 IS NULL OR member_id = $2)";
    let update = sqlx::query(sql).bind(advisory).bind(member).bind(now.0).bind(why);
    Ok(update.execute(conn).await?.rows_affected())
}

impl Store {
    /// What is to be sent now, oldest first. Address and language are those of the profile as it is now.
    ///
    /// # Errors
    /// The database's own.
    pub async fn mail_due(&self, scope: Scope, now: Timestamp, at_most: i64) -> Result<Vec<Due>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let mut tx = self.readers().begin().await?;
        let sql = "SELECT m.id, a.uuid, m.occasion, m.message_id, m.member_id, m.role FROM mail m
            JOIN advisory a ON a.id = m.advisory_id
            WHERE m.sent_at IS NULL AND m.given_up_at IS NULL AND m.handing_at IS NULL AND m.next_at <= $1 ORDER BY m.next_at, m.id LIMIT $2";
        type Row = (i64, String, String, String, i64, String);
        let rows: Vec<Row> = sqlx::query_as(sql).bind(now.0).bind(at_most).fetch_all(&mut *tx).await?;
        let mut due = Vec::with_capacity(rows.len());
        for (id, advisory, occasion, message_id, member, role) in rows {
            let (language, to) = written_to(&mut tx, member, &role).await?;
            let occasion = Occasion::of(&occasion).unwrap_or(Occasion::Sent);
            due.push(Due { id, advisory, occasion, message_id, language, to });
        }
        tx.rollback().await?;
        Ok(due)
    }

    /// To whom a mail that waits goes, as it is now, or why it does not; none = it waits no longer. Where it goes somewhere it is noted that
    /// it is on its way, before anybody is told: it is due no more until [`Store::mail_tried`] says how that ended, or a person asks for it
    /// again. The operator's business.
    ///
    /// # Errors
    /// The database's own; nothing is to be sent then.
    pub async fn begin_handing(
        &self,
        scope: Scope,
        id: i64,
        now: Timestamp,
    ) -> Result<Option<Result<String, &'static str>>, StoreError> {
        if scope != Scope::Operator {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let sql = "SELECT member_id, role FROM mail
            WHERE id = $1 AND sent_at IS NULL AND given_up_at IS NULL AND handing_at IS NULL";
        let waits: Option<(i64, String)> = sqlx::query_as(sql).bind(id).fetch_optional(&mut *tx).await?;
        let Some((member, role)) = waits else { return Ok(None) };
        let to = written_to(&mut tx, member, &role).await?.1;
        if to.is_ok() {
            let sql = "UPDATE mail SET handing_at = $2 WHERE id = $1";
            sqlx::query(sql).bind(id).bind(now.0).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        Ok(Some(to))
    }

    /// What became of a try. One that may succeed later is tried again, each time twice as late, and in the end given up; one of which
    /// nobody knows stays on its way.
    ///
    /// # Errors
    /// The database's own.
    pub async fn mail_tried(&self, id: i64, tried: Tried<'_>, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let tries: Option<i64> =
            sqlx::query_scalar("SELECT tries + 1 FROM mail WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?;
        // Its member has left meanwhile.
        let Some(tries) = tries else { return Ok(()) };
        let doublings = u32::try_from(tries - 1).unwrap_or(u32::MAX).min(16);
        let wait = MAIL_AGAIN_AFTER.saturating_mul(1 << doublings).min(MAIL_AGAIN_MAX);
        let (sent, given_up, why) = match tried {
            Tried::Sent => (Some(now.0), None, None),
            Tried::Again(why) => (None, (tries >= MAIL_TRIES).then_some(now.0), Some(why)),
            Tried::Never(why) => (None, Some(now.0), Some(why)),
            Tried::Unknown(why) => (None, None, Some(why)),
        };
        let is_known = !matches!(tried, Tried::Unknown(_));
        let kept: Option<String> = why.map(|why| {
            why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAIL_WHY_MAX_CHARACTERS).collect()
        });
        // Its member's mail may have come to be distrusted while it was on its way: what the server took was sent all the same.
        let sql = "UPDATE mail SET tries = $2, failed_why = COALESCE($3, CASE WHEN $4 IS NULL THEN failed_why END), sent_at = $4,
            given_up_at = CASE WHEN $4 IS NULL THEN COALESCE(given_up_at, $5) END, next_at = $6,
            handing_at = CASE WHEN $7 THEN NULL ELSE handing_at END WHERE id = $1";
        let update = sqlx::query(sql).bind(id).bind(tries).bind(kept).bind(sent).bind(given_up);
        update.bind(now.plus(wait).0).bind(is_known).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// The mails of an advisory, by member. The operator's business.
    ///
    /// # Errors
    /// The database's own.
    pub async fn mails_of(&self, scope: Scope, advisory: i64) -> Result<Vec<MailRow>, StoreError> {
        if scope != Scope::Operator {
            return Ok(Vec::new());
        }
        let sql = "SELECT b.number, m.role, m.occasion, m.tries, m.next_at, m.sent_at, m.given_up_at, m.failed_why, m.handing_at FROM mail m
            JOIN member b ON b.id = m.member_id WHERE m.advisory_id = $1 ORDER BY b.number, m.id";
        type Row = (String, String, String, i64, i64, Option<i64>, Option<i64>, Option<String>, Option<i64>);
        let rows: Vec<Row> = sqlx::query_as(sql).bind(advisory).fetch_all(self.readers()).await?;
        let read =
            |(member, role, occasion, tries, next_at, sent_at, given_up_at, failed_why, handing_at): Row| MailRow {
                member,
                role,
                occasion,
                tries,
                handing_at: handing_at.filter(|_| sent_at.is_none()).map(|at| Timestamp(at).clamped()),
                next_at: (sent_at.is_none() && given_up_at.is_none() && handing_at.is_none())
                    .then(|| Timestamp(next_at).clamped()),
                sent_at: sent_at.map(|at| Timestamp(at).clamped()),
                given_up_at: given_up_at.map(|at| Timestamp(at).clamped()),
                failed_why,
            };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Says that a member's mail may be read by others: what waits for it is not sent. Or that it no longer may. Gives how many mails
    /// were kept back.
    ///
    /// # Errors
    /// The database's own.
    pub async fn distrust_mail(
        &self,
        member: i64,
        said: Option<(&str, &str)>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let kept_back = match said {
            Some((who, why)) => {
                let sql = "INSERT INTO mail_distrusted (member_id, at, who, why) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (member_id) DO UPDATE SET at = excluded.at, who = excluded.who, why = excluded.why";
                sqlx::query(sql).bind(member).bind(now.0).bind(who).bind(why).execute(&mut *tx).await?;
                give_up(&mut tx, (None, Some(member)), DISTRUSTED, now).await?
            }
            None => {
                let sql = "DELETE FROM mail_distrusted WHERE member_id = $1";
                sqlx::query(sql).bind(member).execute(&mut *tx).await?;
                0
            }
        };
        tx.commit().await?;
        Ok(kept_back)
    }

    /// Whether a member's mail may be read by others, as somebody has said. A member is told of itself.
    ///
    /// # Errors
    /// The database's own.
    pub async fn mail_distrusted(&self, scope: Scope, member: i64) -> Result<Option<Distrusted>, StoreError> {
        if scope.member_id().is_some_and(|own| own != member) {
            return Ok(None);
        }
        Ok(distrusted(&mut *self.readers().acquire().await?, member).await?)
    }
}
