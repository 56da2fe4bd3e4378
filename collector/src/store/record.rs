//! Records, each once, and where each sensor has come to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use varde_common::id::{Epoch, Seq, SiteId};
use varde_common::time::Timestamp;

/// Rows in one statement: well below SQLite's 32,766 bound values for the widest row here.
pub(crate) const ROWS_PER_STATEMENT: usize = 256;

/// So many rows has a statement at a time: few sizes, so that each stays prepared and is not compiled anew for every number of rows.
const PIECES: [usize; 5] = [ROWS_PER_STATEMENT, 64, 16, 4, 1];

/// Rows to write, in pieces of few sizes.
pub(crate) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = PIECES.into_iter().find(|size| *size <= rows.len())?;
        let (piece, rest) = rows.split_at_checked(size)?;
        rows = rest;
        Some(piece)
    })
}

/// Of at most [`ROWS_PER_STATEMENT`] rows to look for, as many as the next of few sizes: what lacks is none, which nothing equals.
pub(crate) fn padded<T>(rows: &[T]) -> impl Iterator<Item = Option<&T>> {
    let size = PIECES.into_iter().filter(|size| *size >= rows.len()).min().unwrap_or(rows.len());
    rows.iter().map(Some).chain(std::iter::repeat(None)).take(size)
}

/// `(…, …)`: numbers to look for.
pub(crate) fn push_ids(select: &mut QueryBuilder<Sqlite>, ids: &[i64]) {
    select.push("(");
    let mut list = select.separated(", ");
    for id in padded(ids) {
        list.push_bind(id.copied());
    }
    select.push(")");
}

/// `(…, …)`: words to look for.
pub(crate) fn push_words<T: AsRef<str>>(select: &mut QueryBuilder<Sqlite>, words: &[T]) {
    select.push("(");
    let mut list = select.separated(", ");
    for word in padded(words) {
        list.push_bind(word.map(|word| word.as_ref().to_owned()));
    }
    select.push(")");
}

/// A number for the database; what does not fit is the largest that does.
pub(crate) fn to_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number from the database; none of ours is negative.
pub(crate) fn from_column(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Where a sensor has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The spool's lifetime last heard of; none before the first session.
    pub epoch: Option<Epoch>,
    /// All records of it up to here are stored.
    pub committed: Seq,
    /// Whether the sensor has been shut out.
    pub revoked: bool,
    /// Whether two live with its identity.
    pub quarantined: bool,
}

/// A sensor's position.
///
/// # Errors
/// The database's own; `RowNotFound` for no such sensor.
pub async fn position(conn: &mut SqliteConnection, sensor: i64) -> Result<Position, sqlx::Error> {
    let sql =
        "SELECT epoch, committed_seq, revoked_at IS NOT NULL, quarantined_at IS NOT NULL FROM sensor WHERE id = $1";
    let (epoch, committed, revoked, quarantined): (Option<String>, i64, bool, bool) =
        sqlx::query_as(sql).bind(sensor).fetch_one(conn).await?;
    let epoch = epoch.and_then(|text| text.parse().ok());
    Ok(Position { epoch, committed: Seq(from_column(committed)), revoked, quarantined })
}

/// The positions of sensors, as far as there are such.
///
/// # Errors
/// The database's own.
pub async fn positions(
    conn: &mut SqliteConnection,
    sensors: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, Position>, sqlx::Error> {
    let sensors: Vec<i64> = sensors.iter().copied().collect();
    let mut positions = BTreeMap::new();
    for piece in sensors.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT id, epoch, committed_seq, revoked_at IS NOT NULL, quarantined_at IS NOT NULL FROM sensor WHERE id IN ",
        );
        push_ids(&mut select, piece);
        type Found = (i64, Option<String>, i64, bool, bool);
        let rows: Vec<Found> = select.build_query_as().fetch_all(&mut *conn).await?;
        positions.extend(rows.into_iter().map(|(id, epoch, committed, revoked, quarantined)| {
            let epoch = epoch.and_then(|text| text.parse().ok());
            (id, Position { epoch, committed: Seq(from_column(committed)), revoked, quarantined })
        }));
    }
    Ok(positions)
}

/// The last record stored of an epoch; 0 if none is.
///
/// # Errors
/// The database's own.
pub async fn last_stored(conn: &mut SqliteConnection, sensor: i64, epoch: Epoch) -> Result<Seq, sqlx::Error> {
    let seq: Option<i64> = sqlx::query_scalar("SELECT MAX(seq) FROM record WHERE sensor_id = $1 AND epoch = $2")
        .bind(sensor)
        .bind(epoch.to_string())
        .fetch_one(conn)
        .await?;
    Ok(Seq(from_column(seq.unwrap_or(0))))
}

/// Moves a sensor to another epoch.
///
/// # Errors
/// The database's own.
pub async fn switch_epoch(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    committed: Seq,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sensor SET epoch = $2, committed_seq = $3 WHERE id = $1")
        .bind(sensor)
        .bind(epoch.to_string())
        .bind(to_column(committed.0))
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves the positions of sensors forward, and notes that they were heard.
///
/// # Errors
/// The database's own.
pub async fn advance(
    conn: &mut SqliteConnection,
    committed: &BTreeMap<i64, Seq>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let rows: Vec<(i64, Seq)> = committed.iter().map(|(sensor, seq)| (*sensor, *seq)).collect();
    for piece in pieces(&rows) {
        let mut update: QueryBuilder<Sqlite> = QueryBuilder::new("UPDATE sensor SET last_seen_at = ");
        update.push_bind(now.0).push(", committed_seq = v.column2 FROM (");
        update.push_values(piece, |mut row, (sensor, seq)| {
            row.push_bind(*sensor).push_bind(to_column(seq.0));
        });
        update.push(") v WHERE sensor.id = v.column1");
        update.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Counts records that came again.
///
/// # Errors
/// The database's own.
pub async fn replayed(conn: &mut SqliteConnection, sensor: i64, records: usize) -> Result<(), sqlx::Error> {
    if records > 0 {
        sqlx::query("UPDATE sensor SET replayed = replayed + $2 WHERE id = $1")
            .bind(sensor)
            .bind(to_column(records as u64))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// A record as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct RecordRow<'a> {
    /// Whose.
    pub sensor: i64,
    /// Of which spool.
    pub epoch: Epoch,
    /// Its place there.
    pub seq: Seq,
    /// As the spool held it.
    pub octets: &'a [u8],
}

/// Stores records as their spool held them. A record that is there already is an error: its position was committed.
///
/// # Errors
/// The database's own.
pub async fn insert(conn: &mut SqliteConnection, records: &[RecordRow<'_>], now: Timestamp) -> Result<(), sqlx::Error> {
    for piece in pieces(records) {
        let mut insert: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO record (sensor_id, epoch, seq, received_at, octets) ");
        insert.push_values(piece, |mut row, record| {
            row.push_bind(record.sensor)
                .push_bind(record.epoch.to_string())
                .push_bind(to_column(record.seq.0))
                .push_bind(now.0)
                .push_bind(record.octets.to_vec());
        });
        insert.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Something a sensor said about itself, or that was noted about what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorEvent {
    /// The record that said it; 0 for what the collector noted when the epoch began.
    pub seq: Seq,
    /// The sensor's clock.
    pub at: Timestamp,
    /// What happened.
    pub body: serde_json::Value,
}

/// Stores what a sensor said about itself.
///
/// # Errors
/// The database's own.
pub async fn insert_events(
    conn: &mut SqliteConnection,
    sensor: i64,
    epoch: Epoch,
    events: &[SensorEvent],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let epoch = epoch.to_string();
    for chunk in events.chunks(ROWS_PER_STATEMENT) {
        let mut insert: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO sensor_event (sensor_id, epoch, seq, at, received_at, body) ");
        insert.push_values(chunk, |mut row, event| {
            row.push_bind(sensor)
                .push_bind(epoch.clone())
                .push_bind(to_column(event.seq.0))
                .push_bind(event.at.clamped().0)
                .push_bind(now.0)
                .push_bind(event.body.to_string());
        });
        insert.push(" ON CONFLICT (sensor_id, epoch, seq) DO NOTHING");
        insert.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// The sites that sensors may report for, and whose they are: sensor, site, member.
///
/// # Errors
/// The database's own.
pub async fn sites(
    conn: &mut SqliteConnection,
    sensors: &BTreeSet<i64>,
) -> Result<HashMap<(i64, SiteId), i64>, sqlx::Error> {
    let sensors: Vec<i64> = sensors.iter().copied().collect();
    let mut sites = HashMap::new();
    for piece in sensors.chunks(ROWS_PER_STATEMENT) {
        let mut select: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT sensor_id, site, member_id FROM site WHERE sensor_id IN ");
        push_ids(&mut select, piece);
        let rows: Vec<(i64, i64, i64)> = select.build_query_as().fetch_all(&mut *conn).await?;
        let known = |(sensor, site, member)| Some(((sensor, SiteId(u16::try_from(site).ok()?)), member));
        sites.extend(rows.into_iter().filter_map(known));
    }
    Ok(sites)
}
