//! What a list that is published, or left to wait for its signature, means for the one that is on its way: done in its transaction.

use sqlx::sqlite::SqliteConnection;
use varde_common::time::Timestamp;

use super::rollout::{end_standing, settle_stopped, written};
use super::{Store, StoreError};

/// A list that begins its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin<'a> {
    /// Hash of what it holds.
    pub draft: &'a str,
    /// Indicators in it.
    pub count: u64,
    /// The list, as a file.
    pub base: &'a [u8],
    /// What no list for all had, in order.
    pub added: &'a [i64],
    /// Indicators up to this number are in it.
    pub up_to_id: i64,
    /// With what is marked TLP:RED.
    pub with_red: bool,
    /// It may hold much less than the one before.
    pub shrinks: bool,
    /// Who publishes it.
    pub who: &'a str,
    /// Why it goes to everybody at once.
    pub urgent_why: Option<&'a str>,
    /// There is no pilot group, so that nothing stops it.
    pub unwatched: bool,
}

/// What a list that is published, or that is left to wait for its signature, means for the one that is on its way: done in the same
/// transaction, because a crash between the two would let an old list take the place of a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onward<'a> {
    /// What is on its way goes no further: somebody has published past it.
    Ends,
    /// It goes on as it was: this list is for others, or is what all have already.
    Keeps,
    /// This list begins its way, by its own number.
    Begins(&'a Begin<'a>),
    /// It is for all what that one was at the pilot group; where it waits, once it is signed.
    Goes(i64),
    /// It is at the pilot group in place of that one, some of which was taken out.
    Changes {
        /// `rollout.id`.
        id: i64,
        /// Hash of what is left.
        draft: &'a str,
        /// What is left, as a file.
        base: &'a [u8],
        /// Indicators left.
        count: u64,
    },
}

impl Store {
    /// The list with this number went out or waits by itself: see [`Onward`].
    ///
    /// # Errors
    /// The database's own.
    pub async fn go_onward(
        &self,
        onward: Onward<'_>,
        revision: i64,
        waits: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        go_onward(&mut tx, onward, revision, waits, now).await?;
        Ok(tx.commit().await?)
    }
}

/// See [`Onward`]: of the list with this number, which is published or waits.
///
/// # Errors
/// The database's own.
pub(super) async fn go_onward(
    tx: &mut SqliteConnection,
    onward: Onward<'_>,
    revision: i64,
    waits: bool,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    match onward {
        Onward::Keeps => {}
        Onward::Ends => {
            settle_stopped(tx, None, now).await?;
            end_standing(tx, "superseded", now).await?;
        }
        Onward::Begins(begin) => {
            settle_stopped(tx, None, now).await?;
            end_standing(tx, "superseded", now).await?;
            let to_all = begin.urgent_why.is_some() && !waits;
            insert(tx, begin, revision, Some(now).filter(|_| to_all), now).await?;
            if begin.unwatched {
                end_standing(tx, "unwatched", now).await?;
            }
        }
        Onward::Goes(id) if !waits => {
            let sql = "UPDATE rollout SET all_revision = $2, all_at = $3 WHERE id = $1 AND all_revision IS NULL";
            sqlx::query(sql).bind(id).bind(revision).bind(now.0).execute(tx).await?;
        }
        Onward::Goes(_) => {}
        Onward::Changes { id, draft, base, count } => {
            let sql = "UPDATE rollout SET draft = $2, base = $3, count = $4, pilot_revision = $5
                WHERE id = $1 AND ended_at IS NULL";
            let update = sqlx::query(sql).bind(id).bind(draft).bind(base);
            let update = update.bind(i64::try_from(count).unwrap_or(i64::MAX)).bind(revision);
            update.execute(tx).await?;
        }
    }
    Ok(())
}

async fn insert(
    tx: &mut SqliteConnection,
    begin: &Begin<'_>,
    revision: i64,
    all_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let Begin { draft, count, base, added, up_to_id, with_red, shrinks, who, urgent_why, unwatched: _ } = begin;
    sqlx::query(
        "INSERT INTO rollout (draft, count, base, added, up_to_id, with_red, shrinks, who, prepared_at, pilot_revision,
            urgent_why, all_revision, all_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(draft)
    .bind(i64::try_from(*count).unwrap_or(i64::MAX))
    .bind(base)
    .bind(written(added))
    .bind(up_to_id)
    .bind(i64::from(*with_red))
    .bind(i64::from(*shrinks))
    .bind(who)
    .bind(now.0)
    .bind(revision)
    .bind(urgent_why)
    .bind(all_at.map(|_| revision))
    .bind(all_at.map(|at| at.0))
    .execute(tx)
    .await?;
    Ok(())
}
