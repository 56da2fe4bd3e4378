//! A member leaves in two transactions: its sensors are revoked, so that nothing more comes of them; and everything of it is deleted,
//! if that is no more than what was handed over meanwhile.

use sqlx::SqliteConnection;
use varde_common::time::Timestamp;

use super::departure::{Gone, all, forget, overwrite};
use super::overwritten::hold;
use super::{Scope, Store, StoreError};
use crate::departure::Departed;

/// How much there is of a member: of two that are equal nothing has come, changed or gone in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent(Vec<i64>);

/// What became of a member that was to be deleted.
#[derive(Debug)]
pub enum Departing<E> {
    /// It is gone.
    Gone(Gone),
    /// There is something that was not handed over; nothing was deleted.
    Grown,
    /// Somebody else has deleted it.
    NotThere,
    /// What is to outlive it could not be kept; nothing was deleted.
    NotKept(E),
}

/// Sums of what a sensor may say are sums of remainders: no sum of numbers below a thousand million overflows.
const EXTENT: &[&str] = &[
    "SELECT COUNT(*), COALESCE(MAX(id), 0), COALESCE(SUM(updated_at % 999999937), 0), COALESCE(SUM(count % 999999937), 0)
        FROM alert WHERE member_id = $1",
    "SELECT COUNT(*), COALESCE(MAX(id), 0), COALESCE(SUM(updated_at % 999999937), 0), COALESCE(SUM(campaign_id), 0)
        FROM incident WHERE member_id = $1",
    "SELECT COUNT(*), COALESCE(MAX(t.id), 0), COALESCE(SUM(t.id % 999999937), 0), 0 FROM timeline t
        JOIN incident i ON i.id = t.subject_id WHERE t.kind = 'incident' AND i.member_id = $1",
    "SELECT COUNT(*), COALESCE(SUM(received_at % 999999937), 0), COALESCE(SUM(seq % 999999937), 0), 0
        FROM sensor_event WHERE sensor_id IN (SELECT id FROM sensor WHERE member_id = $1)",
    "SELECT COUNT(*), COALESCE(MAX(id), 0), COALESCE(SUM(began_at % 999999937), 0), COALESCE(SUM(ended_at % 999999937), 0)
        FROM silence WHERE sensor_id IN (SELECT id FROM sensor WHERE member_id = $1)",
    "SELECT COUNT(*), COALESCE(MAX(at), 0), COALESCE(MIN(at), 0), 0
        FROM heartbeat WHERE sensor_id IN (SELECT id FROM sensor WHERE member_id = $1)",
    "SELECT COUNT(*), COALESCE(SUM(arrived_at % 999999937), 0), COALESCE(SUM(count % 999999937), 0), 0
        FROM braked_count WHERE member_id = $1",
    "SELECT COUNT(*), COALESCE(SUM(day % 999999937), 0), COALESCE(SUM(alerts), 0), COALESCE(SUM(sightings % 999999937), 0)
        FROM daily_count WHERE member_id = $1",
    "SELECT COUNT(*), COALESCE(SUM(id), 0), COALESCE(SUM(revoked_at IS NULL), 0), 0 FROM sensor WHERE member_id = $1",
    "SELECT COUNT(*), COALESCE(SUM(sensor_id), 0), COALESCE(SUM(site), 0), COALESCE(SUM(member_id = $1), 0)
        FROM site WHERE member_id = $1 OR sensor_id IN (SELECT id FROM sensor WHERE member_id = $1)",
    "SELECT (SELECT COUNT(*) FROM advisory_recipient WHERE member_id = $1),
        (SELECT COALESCE(SUM(read_at % 999999937), 0) FROM advisory_recipient WHERE member_id = $1),
        (SELECT COALESCE(MAX(id), 0) FROM advisory_answer WHERE member_id = $1), 0",
    "SELECT (SELECT COUNT(*) FROM member_contact WHERE member_id = $1),
        (SELECT COUNT(*) FROM member_domain WHERE member_id = $1) + (SELECT COUNT(*) FROM member_network WHERE member_id = $1),
        (SELECT COUNT(*) FROM former_number WHERE member_id = $1), (SELECT COUNT(*) FROM joined_member WHERE into_id = $1)",
];

async fn extent(conn: &mut SqliteConnection, member: i64) -> Result<Extent, sqlx::Error> {
    let mut all = Vec::new();
    for sql in EXTENT {
        let (a, b, c, d): (i64, i64, i64, i64) = sqlx::query_as(*sql).bind(member).fetch_one(&mut *conn).await?;
        all.extend([a, b, c, d]);
    }
    Ok(Extent(all))
}

async fn is_there(conn: &mut SqliteConnection, member: i64) -> Result<bool, sqlx::Error> {
    let found: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM member WHERE id = $1").bind(member).fetch_one(conn).await?;
    Ok(found > 0)
}

impl Store {
    /// Revokes every sensor of a member that leaves: no batch of theirs is stored from here on. False = the member is gone.
    ///
    /// # Errors
    /// The database's own.
    pub async fn begin_leaving(&self, member: i64, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !is_there(&mut tx, member).await? {
            return Ok(false);
        }
        let sql = "UPDATE sensor SET revoked_at = $2 WHERE member_id = $1 AND revoked_at IS NULL";
        sqlx::query(sql).bind(member).bind(now.0).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// How much there is of a member now. What is read of it after this is handed over whole if this is so still when it is deleted.
    ///
    /// # Errors
    /// The database's own.
    pub async fn extent(&self, scope: Scope, member: i64) -> Result<Extent, StoreError> {
        let member = scope.member_id().unwrap_or(member);
        // One transaction: one state.
        let mut tx = self.readers().begin().await?;
        let extent = extent(&mut tx, member).await?;
        tx.rollback().await?;
        Ok(extent)
    }

    /// A member's data is deleted ([`forget`]), if there is as much of it as was handed over. One transaction; before it is committed
    /// `keep` puts away what must outlive it.
    ///
    /// # Errors
    /// The database's own.
    pub async fn finish_leaving<E>(
        &self,
        member: i64,
        handed_over: &Extent,
        now: Timestamp,
        keep: impl FnOnce(&Gone) -> Result<(), E>,
    ) -> Result<Departing<E>, StoreError> {
        let mut tx = self.begin().await?;
        if !is_there(&mut tx, member).await? {
            return Ok(Departing::NotThere);
        }
        if extent(&mut tx, member).await? != *handed_over {
            return Ok(Departing::Grown);
        }
        overwrite(&mut tx).await?;
        let gone = forget(&mut tx, member, now).await?;
        hold(&mut tx, now).await?;
        if let Err(error) = keep(&gone) {
            return Ok(Departing::NotKept(error));
        }
        tx.commit().await?;
        Ok(Departing::Gone(gone))
    }

    /// What is done with every departure there is, while nobody can add one. For all members: it names none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn with_departures<T>(&self, _: Scope, act: impl FnOnce(&[Departed]) -> T) -> Result<T, StoreError> {
        let mut tx = self.begin().await?;
        let known = all(&mut tx).await?;
        let done = act(&known);
        tx.rollback().await?;
        Ok(done)
    }
}
