//! A member's data is deleted, here and again in whatever older state of the database comes back.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::SqliteConnection;
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use super::overwritten::hold;
use super::restored::{above, has_table, set};
use super::{Scope, Store, StoreError, audit, gateway};
use crate::audit::{Deed, LEFT, On};
use crate::departure::{Deleted, Departed, Row};

/// Sensors get numbers above this, whatever is the highest: one that was deleted must not come to mean another.
pub(super) const SENSORS_ABOVE: &str = "sensors_above";
/// The same for incidents.
pub(super) const INCIDENTS_ABOVE: &str = "incidents_above";
/// The highest number that a guard had which is deleted.
pub(super) const GUARDS_ABOVE: &str = "guards_above";
/// The same for campaigns.
pub(super) const CAMPAIGNS_ABOVE: &str = "campaigns_above";
/// Records read at a time: some hundred kilobytes.
const RECORDS_AT_ONCE: i64 = 1_000;

/// A sensor of a member that leaves which also watches somebody else's network.
pub type Shared = (i64, String);

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Counted.
    pub deleted: Deleted,
    /// By what an older state of the database is known to hold it.
    pub rows: Vec<Row>,
}

/// What is deleted is overwritten: a file that is read past the database must not tell it either.
///
/// # Errors
/// The database's own.
pub(super) async fn overwrite(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("PRAGMA secure_delete = ON").execute(conn).await.map(drop)
}

async fn delete(conn: &mut SqliteConnection, sql: &'static str, id: i64) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query(sql).bind(id).execute(conn).await?.rows_affected())
}

/// The highest number given so far is never given again.
pub(super) async fn keep_above(
    conn: &mut SqliteConnection,
    key: &'static str,
    highest: &'static str,
) -> Result<(), sqlx::Error> {
    let highest: i64 = sqlx::query_scalar(highest).fetch_one(&mut *conn).await?;
    let before = above(conn, key).await?;
    if highest > before { set(conn, key, &highest.to_string()).await } else { Ok(()) }
}

/// Deletes everything of a member, in a database of any version: its alerts and incidents, its sensors with what they sent,
/// its profile and its numbers. Of a campaign it was in there stays that one more was hit. Nothing is left of it but that a
/// member left, and what the audit says of the time before.
///
/// # Errors
/// The database's own.
pub(super) async fn forget(conn: &mut SqliteConnection, member: i64, left_at: Timestamp) -> Result<Gone, sqlx::Error> {
    let mut deleted = Deleted::default();
    let added_at: i64 =
        sqlx::query_scalar("SELECT added_at FROM member WHERE id = $1").bind(member).fetch_one(&mut *conn).await?;
    let mut rows = vec![Row { id: member, added_at: Timestamp(added_at) }];
    let profiles = has_table(conn, "departure").await?;
    if profiles {
        let sql = "SELECT id, added_at FROM joined_member WHERE into_id = $1";
        let joined: Vec<(i64, i64)> = sqlx::query_as(sql).bind(member).fetch_all(&mut *conn).await?;
        rows.extend(joined.into_iter().map(|(id, added_at)| Row { id, added_at: Timestamp(added_at) }));
    }
    deleted.members = rows.len() as u64;
    keep_above(conn, SENSORS_ABOVE, "SELECT COALESCE(MAX(id), 0) FROM sensor").await?;
    keep_above(conn, INCIDENTS_ABOVE, "SELECT COALESCE(MAX(id), 0) FROM incident").await?;
    keep_above(conn, CAMPAIGNS_ABOVE, "SELECT COALESCE(MAX(id), 0) FROM campaign").await?;

    deleted.records += blank_records(conn, member).await?;
    deleted.alerts = delete(conn, "DELETE FROM alert WHERE member_id = $1", member).await?;
    if has_table(conn, "braked_count").await? {
        delete(conn, "DELETE FROM braked_count WHERE member_id = $1", member).await?;
    }
    if has_table(conn, "daily_count").await? {
        delete(conn, "DELETE FROM daily_count WHERE member_id = $1", member).await?;
    }
    if has_table(conn, "advisory").await? {
        super::advisory::part::forget_member(conn, member).await?;
    }
    if has_table(conn, "reader").await? {
        delete(conn, "DELETE FROM reader WHERE member_id = $1", member).await?;
    }
    if has_table(conn, "acknowledged").await? {
        delete(conn, "DELETE FROM acknowledged WHERE member_id = $1", member).await?;
    }
    if has_table(conn, "muted").await? {
        delete(conn, "DELETE FROM muted WHERE member_id = $1", member).await?;
        delete(conn, "DELETE FROM muted_at WHERE member_id = $1", member).await?;
    }
    if has_table(conn, "account").await? {
        deleted.accounts = super::account::forget_member(conn, member).await?;
    }
    let strands = has_table(conn, "strand").await?;
    if strands {
        for sql in [
            "DELETE FROM trace WHERE member_id = $1",
            "DELETE FROM strand WHERE member_id = $1",
            "DELETE FROM meeting WHERE member_id = $1",
        ] {
            delete(conn, sql, member).await?;
        }
    }
    // A guard may be on one of its hosts since version 26.
    let sql = "SELECT COUNT(*) FROM pragma_table_info('guard') WHERE name = 'member_id'";
    let gateways = sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *conn).await? > 0;
    if gateways {
        gateway::forget_member(conn, member).await?;
    }
    forget_incidents(conn, member, profiles, &mut deleted).await?;
    if strands {
        super::cluster::forget_empty(conn).await?;
    }
    if gateways {
        gateway::settle_forgotten(conn).await?;
    }
    deleted.sites = delete(
        conn,
        "DELETE FROM site WHERE member_id = $1 AND sensor_id NOT IN (SELECT id FROM sensor WHERE member_id = $1)",
        member,
    )
    .await?;
    let sensors: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM sensor WHERE member_id = $1").bind(member).fetch_all(&mut *conn).await?;
    for sensor in sensors {
        forget_sensor(conn, sensor, left_at, &mut deleted).await?;
    }
    if has_table(conn, "timeline").await? {
        super::workflow::forget_orphans(conn).await?;
    }
    if profiles {
        deleted.contacts = delete(conn, "DELETE FROM member_contact WHERE member_id = $1", member).await?;
        deleted.addresses = delete(conn, "DELETE FROM member_domain WHERE member_id = $1", member).await?
            + delete(conn, "DELETE FROM member_network WHERE member_id = $1", member).await?;
        super::succession::forget_row(conn, member).await?;
        for row in &rows {
            remember(conn, &Departed { row: *row, left_at }).await?;
        }
    } else {
        delete(conn, "DELETE FROM member WHERE id = $1", member).await?;
    }
    Ok(Gone { deleted, rows })
}

async fn remember(conn: &mut SqliteConnection, departed: &Departed) -> Result<(), sqlx::Error> {
    let Departed { row: Row { id, added_at }, left_at } = departed;
    let sql = "INSERT INTO departure (member_id, added_at, left_at) VALUES ($1, $2, $3)
        ON CONFLICT (member_id, added_at) DO NOTHING";
    sqlx::query(sql).bind(id).bind(added_at.0).bind(left_at.0).execute(conn).await.map(drop)
}

/// Incidents go, with the names that led to them. A campaign keeps the number of those it hit, and its span is that of those
/// that are left; one that nobody is left of goes too.
async fn forget_incidents(
    conn: &mut SqliteConnection,
    member: i64,
    counts: bool,
    deleted: &mut Deleted,
) -> Result<(), sqlx::Error> {
    let sql = "SELECT DISTINCT campaign_id FROM incident WHERE member_id = $1 AND campaign_id IS NOT NULL";
    let campaigns: Vec<i64> = sqlx::query_scalar(sql).bind(member).fetch_all(&mut *conn).await?;
    let sql =
        "DELETE FROM merged WHERE kind = 'incident' AND into_id IN (SELECT id FROM incident WHERE member_id = $1)";
    delete(conn, sql, member).await?;
    deleted.incidents = delete(conn, "DELETE FROM incident WHERE member_id = $1", member).await?;
    deleted.campaigns = campaigns.len() as u64;
    let is_weighed = has_table(conn, "strand").await?;
    for campaign in campaigns {
        let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM incident WHERE campaign_id = $1")
            .bind(campaign)
            .fetch_one(&mut *conn)
            .await?;
        if left == 0 {
            delete(conn, "DELETE FROM merged WHERE kind = 'campaign' AND into_id = $1", campaign).await?;
            delete(conn, "DELETE FROM campaign WHERE id = $1", campaign).await?;
            continue;
        }
        let sql = "UPDATE campaign SET
            first_seen = (SELECT MIN(first_seen) FROM incident WHERE campaign_id = campaign.id),
            last_seen = (SELECT MAX(last_seen) FROM incident WHERE campaign_id = campaign.id) WHERE id = $1";
        delete(conn, sql, campaign).await?;
        if counts {
            delete(conn, "UPDATE campaign SET departed = departed + 1 WHERE id = $1", campaign).await?;
        }
        if is_weighed {
            // Its word stood on this member too: it is weighed anew within a minute, by those that are left.
            delete(conn, "UPDATE campaign SET weights_version = NULL WHERE id = $1", campaign).await?;
        }
    }
    Ok(())
}

/// A sensor goes with everything it sent. Where alerts of another member came over it (it was moved), its number stays, revoked
/// and that member's: they name it.
async fn forget_sensor(
    conn: &mut SqliteConnection,
    sensor: i64,
    left_at: Timestamp,
    deleted: &mut Deleted,
) -> Result<(), sqlx::Error> {
    deleted.sensors += 1;
    delete(conn, "DELETE FROM site WHERE sensor_id = $1", sensor).await?;
    deleted.heartbeats += delete(conn, "DELETE FROM heartbeat WHERE sensor_id = $1", sensor).await?;
    deleted.events += delete(conn, "DELETE FROM sensor_event WHERE sensor_id = $1", sensor).await?;
    if has_table(conn, "silence").await? {
        delete(conn, "DELETE FROM silence WHERE sensor_id = $1", sensor).await?;
    }
    let sql = "SELECT member_id FROM alert WHERE sensor_id = $1 ORDER BY arrived_at DESC LIMIT 1";
    let another: Option<i64> = sqlx::query_scalar(sql).bind(sensor).fetch_optional(&mut *conn).await?;
    if let Some(another) = another {
        let sql =
            "UPDATE sensor SET member_id = $2, revoked_at = COALESCE(revoked_at, $3), heartbeat = NULL WHERE id = $1";
        sqlx::query(sql).bind(sensor).bind(another).bind(left_at.0).execute(conn).await?;
        return Ok(());
    }
    deleted.records += delete(conn, "DELETE FROM record WHERE sensor_id = $1", sensor).await?;
    delete(conn, "DELETE FROM in_force WHERE sensor_id = $1", sensor).await?;
    if has_table(conn, "sensor_brake").await? {
        delete(conn, "DELETE FROM sensor_brake WHERE sensor_id = $1", sensor).await?;
        delete(conn, "DELETE FROM braked_count WHERE sensor_id = $1", sensor).await?;
    }
    if has_table(conn, "sensor_mark").await? {
        delete(conn, "DELETE FROM sensor_mark WHERE sensor_id = $1", sensor).await?;
    }
    delete(conn, "DELETE FROM sensor WHERE id = $1", sensor).await?;
    Ok(())
}

/// Records of a member's that came over sensors which stay: their places stay, so that nothing is asked for again, and nothing
/// stands in them any more. Of a sensor of another those of its alerts; of one of its own, which stays for the alerts of
/// another, all but those. Gives how many.
async fn blank_records(conn: &mut SqliteConnection, member: i64) -> Result<u64, sqlx::Error> {
    let sql = "SELECT DISTINCT a.sensor_id, s.member_id = $1 FROM alert a JOIN sensor s ON s.id = a.sensor_id
        WHERE (a.member_id = $1 AND s.member_id <> $1) OR (a.member_id <> $1 AND s.member_id = $1)";
    let sensors: Vec<(i64, bool)> = sqlx::query_as(sql).bind(member).fetch_all(&mut *conn).await?;
    let mut blanked = 0;
    for (sensor, own) in sensors {
        let sql = "SELECT epoch, seq, member_id = $2 FROM alert WHERE sensor_id = $1";
        let alerts: Vec<(String, i64, bool)> =
            sqlx::query_as(sql).bind(sensor).bind(member).fetch_all(&mut *conn).await?;
        // Alerts whose records are blanked, or on a sensor of its own are not.
        let mut named: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for (epoch, seq, _) in alerts.into_iter().filter(|(_, _, members)| *members != own) {
            named.entry(epoch).or_default().insert(u64::try_from(seq).unwrap_or(0));
        }
        let epochs: Vec<String> = sqlx::query_scalar("SELECT DISTINCT epoch FROM record WHERE sensor_id = $1")
            .bind(sensor)
            .fetch_all(&mut *conn)
            .await?;
        for epoch in epochs {
            let named = named.remove(&epoch).unwrap_or_default();
            blanked += blank_spool(conn, sensor, &epoch, &named, own).await?;
        }
    }
    Ok(blanked)
}

/// Blanks the records of one spool that are about alerts named, or where `others` all that are not. Gives how many.
async fn blank_spool(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: &str,
    named: &BTreeSet<u64>,
    others: bool,
) -> Result<u64, sqlx::Error> {
    let (mut blanked, mut after) = (0, 0_i64);
    loop {
        let sql =
            "SELECT seq, octets FROM record WHERE sensor_id = $1 AND epoch = $2 AND seq > $3 ORDER BY seq LIMIT $4";
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(sql)
            .bind(sensor)
            .bind(epoch)
            .bind(after)
            .bind(RECORDS_AT_ONCE)
            .fetch_all(&mut *conn)
            .await?;
        let Some((last, _)) = rows.last() else { return Ok(blanked) };
        after = *last;
        for (seq, octets) in &rows {
            let about = match Record::from_octets(octets).map(|record| record.body) {
                Ok(RecordBody::Opened(_) | RecordBody::CrowdOpened(_)) => u64::try_from(*seq).ok(),
                Ok(RecordBody::Updated(update)) => Some(update.alert.0),
                Ok(RecordBody::CrowdUpdated(update)) => Some(update.updated.alert.0),
                // What was counted stands in a table of its own, by member.
                Ok(RecordBody::Braked(_)) => {
                    blanked += blank(conn, sensor, epoch, *seq).await?;
                    continue;
                }
                Ok(RecordBody::Loss { .. } | RecordBody::GivenUp { .. } | RecordBody::Event(_)) | Err(_) => None,
            };
            if !octets.is_empty() && about.is_some_and(|alert| named.contains(&alert)) != others {
                blanked += blank(conn, sensor, epoch, *seq).await?;
            }
        }
    }
}

async fn blank(conn: &mut SqliteConnection, sensor: i64, epoch: &str, seq: i64) -> Result<u64, sqlx::Error> {
    let sql = "UPDATE record SET octets = x'' WHERE sensor_id = $1 AND epoch = $2 AND seq = $3";
    let done = sqlx::query(sql).bind(sensor).bind(epoch).bind(seq).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Members that have left and are in this state of the database again are deleted again. Gives how many.
///
/// # Errors
/// The database's own.
pub(super) async fn forget_again(
    conn: &mut SqliteConnection,
    departed: &[Departed],
    who: &str,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let mut again = 0;
    for departed in departed {
        let Departed { row: Row { id, added_at }, left_at } = departed;
        let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM member WHERE id = $1 AND added_at = $2")
            .bind(id)
            .bind(added_at.0)
            .fetch_one(&mut *conn)
            .await?;
        if there > 0 {
            note_again(conn, *id, who, now).await?;
            forget(conn, *id, *left_at).await?;
            again += 1;
        } else if has_table(conn, "departure").await? {
            remember(conn, departed).await?;
        }
    }
    Ok(again)
}

/// The audit is told, as it was the first time: whoever is given a number of it later is another.
async fn note_again(conn: &mut SqliteConnection, member: i64, who: &str, now: Timestamp) -> Result<(), sqlx::Error> {
    if !audit::has_audit(conn).await? {
        return Ok(());
    }
    let number: String =
        sqlx::query_scalar("SELECT number FROM member WHERE id = $1").bind(member).fetch_one(&mut *conn).await?;
    let former: Vec<String> = match has_table(conn, "former_number").await? {
        true => {
            let sql = "SELECT number FROM former_number WHERE member_id = $1 ORDER BY number";
            sqlx::query_scalar(sql).bind(member).fetch_all(&mut *conn).await?
        }
        false => Vec::new(),
    };
    let leaving = Deed::new(who.to_owned(), "member leave", On::Member(number), now)
        .was("a member that had left and was back")
        .becomes(LEFT)
        .concerns(former);
    audit::append(conn, &leaving).await.map(drop)
}

/// Every departure that a database knows; none in one from before there were departures.
///
/// # Errors
/// The database's own.
pub(super) async fn all(conn: &mut SqliteConnection) -> Result<Vec<Departed>, sqlx::Error> {
    if !has_table(conn, "departure").await? {
        return Ok(Vec::new());
    }
    let sql = "SELECT member_id, added_at, left_at FROM departure ORDER BY left_at, member_id, added_at";
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(sql).fetch_all(conn).await?;
    let read = |(id, added_at, left_at)| Departed {
        row: Row { id, added_at: Timestamp(added_at) },
        left_at: Timestamp(left_at),
    };
    Ok(rows.into_iter().map(read).collect())
}

impl Store {
    /// Sensors of a member that also watch another's network, each with that one's number: they are moved before it leaves.
    ///
    /// # Errors
    /// The database's own.
    pub async fn shared_sensors(&self, scope: Scope, member: i64) -> Result<Vec<Shared>, StoreError> {
        let sql = "SELECT DISTINCT s.id, m.number FROM sensor s JOIN site t ON t.sensor_id = s.id
            JOIN member m ON m.id = t.member_id
            WHERE s.member_id = $1 AND t.member_id <> $1 AND s.revoked_at IS NULL AND ($2 IS NULL OR s.member_id = $2)
            ORDER BY s.id, m.number";
        Ok(sqlx::query_as(sql).bind(member).bind(scope.member_id()).fetch_all(self.readers()).await?)
    }

    /// A member leaves in one step, with nothing handed over.
    #[cfg(test)]
    pub(crate) async fn depart(&self, member: i64, now: Timestamp) -> Result<Gone, StoreError> {
        let extent = self.extent(Scope::Operator, member).await?;
        match self.finish_leaving(member, &extent, now, |_| Ok::<(), ()>(())).await? {
            super::leaving::Departing::Gone(gone) => Ok(gone),
            other => Err(StoreError::Database(sqlx::Error::Protocol(format!("{other:?}")))),
        }
    }

    /// Members that have left, by a certificate or a file, are deleted again where they came back; the audit
    /// says by whom and when. Gives how many.
    ///
    /// # Errors
    /// The database's own.
    pub async fn depart_again(&self, departed: &[Departed], who: &str, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        overwrite(&mut tx).await?;
        let again = forget_again(&mut tx, departed, who, now).await?;
        if again > 0 {
            hold(&mut tx, now).await?;
        }
        tx.commit().await?;
        Ok(again)
    }

    /// All sensors that are not revoked, nor gone with their member.
    ///
    /// # Errors
    /// The database's own.
    pub async fn unrevoked_sensors(&self, scope: Scope) -> Result<HashSet<i64>, StoreError> {
        let sql = "SELECT id FROM sensor WHERE revoked_at IS NULL AND ($1 IS NULL OR member_id = $1)";
        let ids: Vec<i64> = sqlx::query_scalar(sql).bind(scope.member_id()).fetch_all(self.readers()).await?;
        Ok(ids.into_iter().collect())
    }

    /// Every departure. For all members: it names none.
    ///
    /// # Errors
    /// The database's own.
    pub async fn departures(&self, _: Scope) -> Result<Vec<Departed>, StoreError> {
        Ok(all(&mut *self.readers().acquire().await?).await?)
    }
}
