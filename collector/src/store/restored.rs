//! What a restored database is told of the time since its backup: numbers that were given then are never given again, what
//! was shut out then stays out.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};
use varde_common::id::Revision;
use varde_common::time::Timestamp;
use varde_common::trust::hex;

use super::audit::{self, Head};
use super::departure::SENSORS_ABOVE;
use super::places::{self, Place};
use super::restored_people::{self, Held, People};
use super::{Scope, Store, StoreError, departure};
use crate::audit::{Deed, SET_ASIDE};
use crate::departure::Departed;
use crate::limits::{BRAKES_LEFT_OUT, DATABASE_BUSY_WITHIN, INDICATORS_LEFT_OUT, REVISIONS_LEFT_OUT, SENSORS_LEFT_OUT};

/// A command that only reads is over by then.
const USED_WITHIN: Duration = Duration::from_secs(2);
/// Setting: lists get numbers above this.
const REVISIONS_ABOVE: &str = "revisions_above";
/// Setting: indicators get numbers above this.
const INDICATORS_ABOVE: &str = "indicators_above";
/// Setting: orders of the brake get numbers above this.
const BRAKES_ABOVE: &str = "brakes_above";
const HIGHEST_SENSOR: &str = "SELECT COALESCE(MAX(id), 0) FROM sensor";
/// Setting: when it was restored.
const RESTORED_AT: &str = "restored_at";
/// Setting: when the backup was made.
const RESTORED_FROM: &str = "restored_from";

/// A sensor's public key (its hash) or token that was shut out, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutOut {
    spki_sha256: Option<Vec<u8>>,
    token_secret_sha256: Vec<u8>,
    revoked_at: Option<i64>,
    quarantined_at: Option<i64>,
    renew_epoch: i64,
}

type ShutOutRow = (Option<Vec<u8>>, Vec<u8>, Option<i64>, Option<i64>, i64);

/// What held of a database that is replaced, and holds of the one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Sensors shut out that were not when the backup was made.
    pub revocations: u64,
    /// Sensors not heard that were when it was made; none where either database is from before there were quarantines.
    pub quarantines: Option<u64>,
    /// Members that had left and were in the backup: deleted again.
    pub departures: u64,
    /// Sensors that had another member, other sites or another channel when the backup was made.
    pub places: u64,
    /// Accounts and tokens.
    pub people: Held,
}

/// The keys a sensor had: one that was renewed since the backup goes on by its newest, and what had ended stays ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysThen {
    token_secret_sha256: Vec<u8>,
    spki_sha256: Option<Vec<u8>>,
    spki_next_sha256: Option<Vec<u8>>,
    spki_before_sha256: Option<Vec<u8>>,
    certificate_until: Option<i64>,
    certificate_next_until: Option<i64>,
    renewed_at: Option<i64>,
}

/// What a database knows that the one restored in its place must know too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Whom it had shut out.
    pub shut_out: Vec<ShutOut>,
    /// The keys of those it had not.
    pub keys: Vec<KeysThen>,
    /// Where its audit ended.
    pub audit: Option<Head>,
    /// Who had left.
    pub departed: Vec<Departed>,
    /// Whose its sensors were, for which sites, on which channel.
    pub places: Vec<Place>,
    /// The highest number that a sensor was given; none where nothing is known.
    pub sensors: Option<i64>,
    /// Readers of the list that were removed: number, and when they were added.
    pub removed_readers: Vec<(i64, i64)>,
    /// Who may come in; none where nothing is known.
    pub people: Option<People>,
}

fn keys_then(row: &SqliteRow) -> Result<KeysThen, sqlx::Error> {
    Ok(KeysThen {
        token_secret_sha256: row.try_get("token_secret_sha256")?,
        spki_sha256: row.try_get("spki_sha256")?,
        spki_next_sha256: row.try_get("spki_next_sha256")?,
        spki_before_sha256: row.try_get("spki_before_sha256")?,
        certificate_until: row.try_get("certificate_until")?,
        certificate_next_until: row.try_get("certificate_next_until")?,
        renewed_at: row.try_get("renewed_at")?,
    })
}

async fn has_readers(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'reader'";
    let found: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(found > 0)
}

async fn renews(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM pragma_table_info('sensor') WHERE name = 'spki_next_sha256'";
    let found: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(found > 0)
}

#[cfg(test)]
impl Carried {
    /// What was replaced knew of nobody with an account.
    pub(crate) fn of_nobody() -> Carried {
        Carried { people: Held { accounts: Some(0), ..Held::default() }, ..Carried::default() }
    }
}

/// What is to be carried over from a database.
///
/// # Errors
/// The database's own: it may be why another is restored.
pub async fn known_in(database: &Path) -> Result<Known, StoreError> {
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(DATABASE_BUSY_WITHIN);
    let mut conn = options.connect().await?;
    let known = known_of(&mut conn).await;
    // Also where it could not be read: who is to be alone with it afterwards would find us there.
    let _ = conn.close().await;
    Ok(known?)
}

async fn known_of(conn: &mut SqliteConnection) -> Result<Known, sqlx::Error> {
    let sql = if knows_quarantine(conn).await? {
        "SELECT spki_sha256, token_secret_sha256, revoked_at, quarantined_at, renew_epoch FROM sensor
            WHERE revoked_at IS NOT NULL OR quarantined_at IS NOT NULL OR renew_epoch <> 0"
    } else {
        "SELECT spki_sha256, token_secret_sha256, revoked_at, NULL, 0 FROM sensor WHERE revoked_at IS NOT NULL"
    };
    let rows: Vec<ShutOutRow> = sqlx::query_as(sql).fetch_all(&mut *conn).await?;
    let sql = "SELECT token_secret_sha256, spki_sha256, spki_next_sha256, spki_before_sha256, certificate_until,
            certificate_next_until, renewed_at
        FROM sensor WHERE revoked_at IS NULL AND enrolled_at IS NOT NULL";
    let found = if renews(conn).await? { sqlx::query(sql).fetch_all(&mut *conn).await? } else { Vec::new() };
    let keys = found.iter().map(keys_then).collect::<Result<Vec<_>, _>>()?;
    let departed = departure::all(conn).await?;
    let places = places::all(conn).await?;
    let sensors: i64 = sqlx::query_scalar(HIGHEST_SENSOR).fetch_one(&mut *conn).await?;
    let sensors = Some(sensors.max(above(conn, SENSORS_ABOVE).await?));
    let sql = "SELECT id, added_at FROM reader WHERE removed_at IS NOT NULL";
    let removed_readers =
        if has_readers(conn).await? { sqlx::query_as(sql).fetch_all(&mut *conn).await? } else { Vec::new() };
    let people = restored_people::all(conn).await?;
    let shut_out = |(spki_sha256, token_secret_sha256, revoked_at, quarantined_at, renew_epoch)| ShutOut {
        spki_sha256,
        token_secret_sha256,
        revoked_at,
        quarantined_at,
        renew_epoch,
    };
    let shut_out = rows.into_iter().map(shut_out).collect();
    Ok(Known { shut_out, keys, audit: None, departed, places, sensors, removed_readers, people })
}

/// Whether a database is of a version that has quarantines.
async fn knows_quarantine(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM pragma_table_info('sensor') WHERE name IN ('quarantined_at', 'renew_epoch')";
    let columns: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(columns == 2)
}

/// That nobody has a database open that is about to be set aside: who closed it later would take away the log of the one that
/// has its name by then.
///
/// # Errors
/// [`StoreError::InUse`]; a database that cannot be opened at all is used by nobody.
pub async fn alone(database: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(USED_WITHIN);
    let Ok(mut conn) = options.connect().await else { return Ok(()) };
    // Only who is alone may leave the write-ahead log (sqlite.org/wal.html).
    let left = sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut conn).await;
    let code = left.err().and_then(|error| error.as_database_error()?.code()?.parse::<u32>().ok());
    let _ = conn.close().await;
    match code {
        // SQLITE_BUSY, SQLITE_LOCKED.
        Some(code) if matches!(code & 0xff, 5 | 6) => Err(StoreError::InUse(database.to_owned())),
        Some(_) | None => Ok(()),
    }
}

/// Notes in a database that is about to be set aside that it is, and gives where its audit ends with that; none where it has no audit.
///
/// # Errors
/// The database's own: it may be why another is restored.
pub async fn note_end(database: &Path, deed: &Deed) -> Result<Option<Head>, StoreError> {
    let options = SqliteConnectOptions::new().filename(database).synchronous(SqliteSynchronous::Full);
    let mut conn = options.busy_timeout(USED_WITHIN).connect().await?;
    let noted = end_in(&mut conn, deed).await;
    let _ = conn.close().await;
    Ok(noted?)
}

async fn end_in(conn: &mut SqliteConnection, deed: &Deed) -> Result<Option<Head>, sqlx::Error> {
    if !audit::has_audit(conn).await? {
        return Ok(None);
    }
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let set_aside =
        deed.clone().was("in use").becomes("set aside; the database is removed after 35 days, its keys never");
    let head = audit::append(&mut tx, &set_aside).await?;
    tx.commit().await?;
    Ok(Some(head))
}

/// What is replaced, for the audit of what takes its place.
fn replaced(known: &Known) -> String {
    match known.audit {
        Some(Head { seq, hash }) => {
            format!("{SET_ASIDE}, whose audit ends with entry {seq}, head {}", hex(&hash))
        }
        None => "nothing, or a state whose audit could not be read".to_owned(),
    }
}

/// Settles a copy before it becomes the database. Gives what it was told of those shut out since it was made.
///
/// # Errors
/// The database's own.
pub async fn settle(database: &Path, known: &Known, made_at: Timestamp, deed: &Deed) -> Result<Carried, StoreError> {
    let now = deed.at;
    // No write-ahead log: one file is checked, moved and opened.
    let options = SqliteConnectOptions::new().filename(database).synchronous(SqliteSynchronous::Full);
    let mut conn = options.connect().await?;
    let mut tx = conn.begin().await?;
    // One of before there was an audit gets its first entry when the collector starts.
    if audit::has_audit(&mut tx).await? {
        audit::append(&mut tx, &deed.clone().was(replaced(known))).await?;
    }
    let lists = "SELECT COALESCE(MAX(revision), 0) FROM list_revision";
    leave_out(&mut tx, REVISIONS_ABOVE, lists, REVISIONS_LEFT_OUT).await?;
    let indicators = "SELECT COALESCE(MAX(id), 0) FROM indicator";
    leave_out(&mut tx, INDICATORS_ABOVE, indicators, INDICATORS_LEFT_OUT).await?;
    let orders = match has_table(&mut tx, "brake_order").await? {
        true => "SELECT COALESCE(MAX(number), 0) FROM brake_order",
        false => "SELECT 0",
    };
    leave_out(&mut tx, BRAKES_ABOVE, orders, BRAKES_LEFT_OUT).await?;
    // What was said to a number then (a word of its channel, a token) must not come to mean another sensor.
    leave_out(&mut tx, SENSORS_ABOVE, HIGHEST_SENSOR, if known.sensors.is_some() { 0 } else { SENSORS_LEFT_OUT })
        .await?;
    if let Some(highest) = known.sensors
        && highest > above(&mut tx, SENSORS_ABOVE).await?
    {
        set(&mut tx, SENSORS_ABOVE, &highest.to_string()).await?;
    }
    // What was on its way when the backup was made goes to nobody by itself: nobody knows what has become of it since.
    if has_table(&mut tx, "rollout").await? {
        sqlx::query("UPDATE rollout SET ended_at = $1, ended_why = 'superseded', base = x'' WHERE ended_at IS NULL")
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
    }
    set(&mut tx, RESTORED_AT, &now.to_string()).await?;
    set(&mut tx, RESTORED_FROM, &made_at.to_string()).await?;
    // A token that was used since would work a second time.
    sqlx::query("UPDATE sensor SET token_expires_at = $1 WHERE enrolled_at IS NULL AND token_expires_at > $1")
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    let Known { shut_out, keys, audit: _, departed, places, sensors: _, removed_readers, people } = known;
    if has_readers(&mut tx).await? {
        for (id, added_at) in removed_readers {
            let sql = "UPDATE reader SET removed_at = $3, token_sha256 = x''
                WHERE id = $1 AND added_at = $2 AND removed_at IS NULL";
            sqlx::query(sql).bind(id).bind(added_at).bind(now.0).execute(&mut *tx).await?;
        }
    }
    let mut carried = Carried {
        revocations: 0,
        departures: 0,
        places: 0,
        people: Held::default(),
        quarantines: if knows_quarantine(&mut tx).await? { Some(0) } else { None },
    };
    for ShutOut { spki_sha256, token_secret_sha256, revoked_at, quarantined_at, renew_epoch } in shut_out {
        let sql = "UPDATE sensor SET revoked_at = $3
            WHERE revoked_at IS NULL AND $3 IS NOT NULL AND (token_secret_sha256 = $2 OR ($1 IS NOT NULL AND spki_sha256 = $1))";
        let done = sqlx::query(sql).bind(spki_sha256).bind(token_secret_sha256).bind(revoked_at);
        carried.revocations += done.execute(&mut *tx).await?.rows_affected();
        let Some(quarantines) = &mut carried.quarantines else { continue };
        let sql = "UPDATE sensor SET quarantined_at = $3
            WHERE quarantined_at IS NULL AND $3 IS NOT NULL AND (token_secret_sha256 = $2 OR ($1 IS NOT NULL AND spki_sha256 = $1))";
        let done = sqlx::query(sql).bind(spki_sha256).bind(token_secret_sha256).bind(quarantined_at);
        *quarantines += done.execute(&mut *tx).await?.rows_affected();
        // One that was released, and has not begun its new spool.
        let sql = "UPDATE sensor SET renew_epoch = 1
            WHERE $3 <> 0 AND (token_secret_sha256 = $2 OR ($1 IS NOT NULL AND spki_sha256 = $1))";
        sqlx::query(sql).bind(spki_sha256).bind(token_secret_sha256).bind(renew_epoch).execute(&mut *tx).await?;
    }
    // One of before there were renewals is brought up to date when the collector starts, and sensors come by the key before.
    let keys = if renews(&mut tx).await? { keys.as_slice() } else { &[] };
    for then in keys {
        sqlx::query(
            "UPDATE sensor SET spki_sha256 = $2, spki_next_sha256 = $3, spki_before_sha256 = $4, certificate_until = $5,
                certificate_next_until = $6, renewed_at = $7
            WHERE token_secret_sha256 = $1 AND enrolled_at IS NOT NULL AND revoked_at IS NULL",
        )
        .bind(&then.token_secret_sha256)
        .bind(&then.spki_sha256)
        .bind(&then.spki_next_sha256)
        .bind(&then.spki_before_sha256)
        .bind(then.certificate_until)
        .bind(then.certificate_next_until)
        .bind(then.renewed_at)
        .execute(&mut *tx)
        .await?;
    }
    carried.places = places::put(&mut tx, places).await?;
    // Last: what was carried over to a sensor goes with it.
    departure::overwrite(&mut tx).await?;
    carried.departures = departure::forget_again(&mut tx, departed, &deed.who, now).await?;
    // After it: who has left with a member is gone, and need not be disabled.
    carried.people = restored_people::put(&mut tx, people.as_ref(), now).await?;
    tx.commit().await?;
    conn.close().await?;
    Ok(carried)
}

async fn leave_out(
    conn: &mut SqliteConnection,
    key: &'static str,
    newest: &'static str,
    left_out: i64,
) -> Result<(), sqlx::Error> {
    let newest: i64 = sqlx::query_scalar(newest).fetch_one(&mut *conn).await?;
    let above = newest.max(above(conn, key).await?).saturating_add(left_out);
    set(conn, key, &above.to_string()).await
}

pub(super) async fn set(conn: &mut SqliteConnection, key: &str, value: &str) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sqlx::query(sql).bind(key).bind(value).execute(conn).await.map(drop)
}

pub(super) async fn above(conn: &mut SqliteConnection, key: &str) -> Result<i64, sqlx::Error> {
    let value: Option<String> =
        sqlx::query_scalar("SELECT value FROM setting WHERE key = $1").bind(key).fetch_optional(conn).await?;
    Ok(value.and_then(|value| value.parse().ok()).unwrap_or(0))
}

/// When this database was last restored; none where it never was.
///
/// # Errors
/// The database's own.
pub(super) async fn restored_at(conn: &mut SqliteConnection) -> Result<Option<Timestamp>, sqlx::Error> {
    let sql = "SELECT value FROM setting WHERE key = $1";
    let value: Option<String> = sqlx::query_scalar(sql).bind(RESTORED_AT).fetch_optional(conn).await?;
    Ok(value.and_then(|value| value.parse().ok()))
}

/// Whether a database is of a version that has a table.
///
/// # Errors
/// The database's own.
pub(super) async fn has_table(conn: &mut SqliteConnection, name: &str) -> Result<bool, sqlx::Error> {
    let sql = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1";
    let tables: i64 = sqlx::query_scalar(sql).bind(name).fetch_one(conn).await?;
    Ok(tables == 1)
}

/// Orders of the brake get numbers above this, whatever is the newest.
///
/// # Errors
/// The database's own.
pub(super) async fn brakes_above(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    above(conn, BRAKES_ABOVE).await
}

/// Lists get numbers above this, whatever is the newest.
///
/// # Errors
/// The database's own.
pub(super) async fn revisions_above(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    above(conn, REVISIONS_ABOVE).await
}

/// The number of the next new indicator, where it does not follow the last one.
///
/// # Errors
/// The database's own.
pub(super) async fn next_indicator(conn: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let above = above(conn, INDICATORS_ABOVE).await?;
    let last: Option<i64> = sqlx::query_scalar("SELECT MAX(id) FROM indicator").fetch_one(conn).await?;
    Ok((last.unwrap_or(0) < above).then(|| above.saturating_add(1)))
}

impl Store {
    /// Lists get numbers above this since the last restore: one that is not is from before it, and sensors may know newer.
    ///
    /// # Errors
    /// The database's own.
    pub async fn restored_above(&self, _scope: Scope) -> Result<Revision, StoreError> {
        let above = revisions_above(&mut *self.readers().acquire().await?).await?;
        Ok(Revision(u64::try_from(above).unwrap_or(0)))
    }

    /// What the next list's number must be above: the newest list's, or more after a restore. Lists are for all members.
    ///
    /// # Errors
    /// The database's own.
    pub async fn last_revision(&self, scope: Scope) -> Result<Revision, StoreError> {
        let newest = self.newest_revision(scope).await?;
        Ok(newest.max(self.restored_above(scope).await?))
    }
}
