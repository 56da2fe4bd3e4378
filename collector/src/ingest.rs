//! Batches become records, each stored once, and what they say becomes alerts, incidents and campaigns, in one transaction.
//!
//! What waits at the same time is stored together: a commit waits for the disk, and much of what is read and written serves all.

mod conclude;
mod fold;
pub mod hello;
pub mod relink;
pub mod report;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::{Sqlite, SqliteConnection, Transaction};
use varde_common::heartbeat::Further;
use varde_common::id::{Epoch, Seq};
use varde_common::message::{Batch, Heartbeat};
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use crate::change::Change;
use crate::commons::Commons;
use crate::limits::RECORD_STORED_OCTETS;
use crate::merger::Dropped;
use crate::store::record::{Position, RecordRow};
use crate::store::{Store, StoreError, brake, heartbeat, mark, record, self_test, succession, weights};
use conclude::{Drawing, conclude, rejoin};
use fold::{Fresh, read};

/// A batch that waits to be stored.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// `sensor.id` of who sent it.
    pub sensor: i64,
    /// What it sent.
    pub batch: &'a Batch,
}

/// What became of batches that were stored together.
#[derive(Debug)]
pub struct Outcomes {
    /// Of each, in their order.
    pub each: Vec<Result<Stored, IngestError>>,
    /// What to tell others.
    pub changes: Vec<Change>,
}

/// What became of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// What to answer.
    pub reply: IngestReply,
    /// About how much the database has grown by it.
    pub octets: u64,
}

/// What became of a batch that was stored by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestOutcome {
    /// What to answer.
    pub reply: IngestReply,
    /// What to tell others.
    pub changes: Vec<Change>,
    /// About how much the database has grown by it.
    pub stored_octets: u64,
}

/// The answer to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestReply {
    /// Everything up to here is committed.
    Ack {
        /// Of this epoch.
        epoch: Epoch,
        /// Cumulative.
        seq: Seq,
    },
    /// Records are missing before this batch; nothing of it was stored.
    Gap {
        /// The one wanted next.
        expected: Seq,
    },
}

/// Why a batch was not stored; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// It breaks a rule.
    #[error("a batch breaks the protocol: {0}")]
    Malformed(String),
    /// The sensor was revoked while its session stood.
    #[error("the sensor is revoked")]
    Revoked,
    /// Two live with its identity, which was found while its session stood.
    #[error("the sensor is in quarantine")]
    Quarantined,
    /// The database said no.
    #[error("a batch could not be stored: {0}")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for IngestError {
    fn from(error: sqlx::Error) -> IngestError {
        IngestError::Store(StoreError::from(error))
    }
}

/// Stores what is new in a batch, draws the conclusions and moves the sensor's position, all or nothing. The answer may be
/// sent at once: the commit is on disk.
///
/// # Errors
/// [`IngestError`]; then nothing was stored.
pub async fn handle_batch(
    store: &Store,
    sensor: i64,
    batch: &Batch,
    now: Timestamp,
) -> Result<IngestOutcome, IngestError> {
    let tx = store.begin().await?;
    let Outcomes { each, changes } = together(store, tx, &[Waiting { sensor, batch }], now).await?;
    let stored = each.into_iter().next().unwrap_or(Err(IngestError::Store(sqlx::Error::RowNotFound.into())))?;
    Ok(IngestOutcome { reply: stored.reply, changes, stored_octets: stored.octets })
}

/// The same of several batches at once: one transaction, or, where the database refuses something in it, one for each, so that what
/// is wrong with one sensor's keeps nobody else's out.
///
/// # Errors
/// What the database said where it is no batch's fault: no room, a disk that fails, nothing to be had of it. Then nothing was stored.
pub async fn handle_batches(store: &Store, waiting: &[Waiting<'_>], now: Timestamp) -> Result<Outcomes, StoreError> {
    let tx = store.begin().await?;
    match together(store, tx, waiting, now).await {
        Err(StoreError::Database(error)) if waiting.len() > 1 => {
            tracing::warn!(
                "{} batches could not be stored together, and are stored one by one: {error}",
                waiting.len()
            );
        }
        settled => return settled,
    }
    let mut outcomes = Outcomes { each: Vec::with_capacity(waiting.len()), changes: Vec::new() };
    for one in waiting {
        match together(store, store.begin().await?, std::slice::from_ref(one), now).await {
            Ok(Outcomes { each, changes }) => {
                outcomes.each.extend(each);
                outcomes.changes.extend(changes);
            }
            Err(error @ StoreError::Database(_)) => outcomes.each.push(Err(error.into())),
            // What is stored by now is acknowledged when it comes again; on a disk that fails nothing more is written.
            Err(error) => return Err(error),
        }
    }
    Ok(outcomes)
}

async fn together(
    store: &Store,
    mut tx: Transaction<'static, Sqlite>,
    waiting: &[Waiting<'_>],
    now: Timestamp,
) -> Result<Outcomes, StoreError> {
    let decoded: Vec<_> = waiting.iter().map(|one| decode(one.batch)).collect();
    let sensors: BTreeSet<i64> = waiting.iter().map(|one| one.sensor).collect();
    let mut positions = record::positions(&mut tx, &sensors).await?;
    let (mut each, mut fresh) = (Vec::with_capacity(waiting.len()), Vec::new());
    let (mut committed, mut replayed) = (BTreeMap::new(), BTreeMap::new());
    for (Waiting { sensor, batch }, decoded) in waiting.iter().zip(&decoded) {
        let taken = match decoded {
            Ok(records) => take(positions.get_mut(sensor), batch.epoch, records),
            Err(why) => Err(IngestError::Malformed(why.clone())),
        };
        each.push(taken.map(|taken| match taken {
            Taken::Gap(expected) => Stored { reply: IngestReply::Gap { expected }, octets: 0 },
            Taken::Records { last, new, again } => {
                *replayed.entry(*sensor).or_insert(0) += again;
                if let Some(new) = new {
                    committed.insert(*sensor, last);
                    fresh.push(Fresh { sensor: *sensor, epoch: batch.epoch, records: new });
                }
                let octets = new.unwrap_or_default().iter();
                let octets = octets.map(|record| record.octets.len() as u64 + RECORD_STORED_OCTETS).sum();
                Stored { reply: IngestReply::Ack { epoch: batch.epoch, seq: last }, octets }
            }
        }));
    }
    for (sensor, again) in replayed {
        record::replayed(&mut tx, sensor, again).await?;
    }
    let mut changes = Vec::new();
    if !fresh.is_empty() {
        let commons = store.commons(&mut tx).await?;
        changes = keep(&mut tx, &fresh, &commons, now).await?;
        record::advance(&mut tx, &committed, now).await?;
    }
    tx.commit().await?;
    Ok(Outcomes { each, changes })
}

/// Stores records that are new, and what follows from them.
async fn keep(
    conn: &mut SqliteConnection,
    fresh: &[Fresh<'_, '_>],
    commons: &Commons,
    now: Timestamp,
) -> Result<Vec<Change>, StoreError> {
    let weights = weights::in_force(conn).await?;
    let said = read(conn, fresh, &weights, now).await?;
    let rows: Vec<RecordRow<'_>> = fresh
        .iter()
        .flat_map(|Fresh { sensor, epoch, records }| records.iter().map(move |record| (*sensor, *epoch, record)))
        .map(|(sensor, epoch, Numbered { seq, octets, .. })| {
            let is_kept = !said.nobodys.contains(&(sensor, *seq));
            RecordRow { sensor, epoch, seq: *seq, octets: if is_kept { octets } else { &[] } }
        })
        .collect();
    record::insert(conn, &rows, now).await?;
    let mut spoke: BTreeSet<i64> = BTreeSet::new();
    for (sensor, member, counted) in &said.braked {
        brake::count(conn, *sensor, *member, counted, now).await?;
        spoke.insert(*sensor);
    }
    for ((sensor, epoch), events) in said.events.iter().filter(|(_, events)| !events.is_empty()) {
        record::insert_events(conn, *sensor, *epoch, events, now).await?;
        spoke.insert(*sensor);
    }
    let drawing = Drawing { weights: &weights, commons, tripped: said.mere_lists, now };
    for (sensor, number) in said.tests {
        self_test::note(conn, sensor, number, now).await?;
    }
    let mut led = said.led;
    let told = said.alerts.into_iter().map(|(name, row)| (row, led.remove(&name).unwrap_or_default())).collect();
    let mut changes = conclude(conn, told, drawing).await?;
    changes.extend(spoke.into_iter().map(Change::Sensor));
    Ok(changes)
}

/// Notes that a sensor is held back because it sends more than is its due.
///
/// # Errors
/// The database's own.
pub async fn handle_held_back(store: &Store, sensor: i64, now: Timestamp) -> Result<Vec<Change>, StoreError> {
    let mut tx = store.begin().await?;
    if let Some(epoch) = record::position(&mut tx, sensor).await?.epoch {
        mark::note(&mut tx, sensor, epoch, &json!({ "event": "held_back" }), now).await?;
    }
    tx.commit().await?;
    Ok(vec![Change::Sensor(sensor)])
}

/// A member becomes part of another: everything it has is that one's, and what are now incidents of one are joined. One
/// transaction. Gives what of its profile that one did not take.
///
/// # Errors
/// [`IngestError::Store`]; then nothing has changed.
pub async fn handle_merger(store: &Store, from: i64, into: i64, now: Timestamp) -> Result<Vec<Dropped>, IngestError> {
    let mut tx = store.begin().await?;
    let dropped = succession::hand_over(&mut tx, from, into, now).await?;
    let weights = weights::in_force(&mut tx).await?;
    rejoin(&mut tx, into, &weights, now).await?;
    tx.commit().await?;
    Ok(dropped)
}

/// Stores how a sensor is.
///
/// # Errors
/// The database's own.
pub async fn handle_heartbeat(
    store: &Store,
    sensor: i64,
    heartbeat: &Heartbeat,
    further: Option<&Further>,
    now: Timestamp,
) -> Result<Vec<Change>, StoreError> {
    let mut tx = store.begin().await?;
    heartbeat::store(&mut tx, sensor, heartbeat, further, now).await?;
    tx.commit().await?;
    Ok(vec![Change::Sensor(sensor)])
}

/// A record of a batch, read.
#[derive(Debug)]
struct Numbered<'a> {
    seq: Seq,
    octets: &'a [u8],
    /// What it says; none where it is of no form that is known here.
    record: Option<Record>,
}

fn decode(batch: &Batch) -> Result<Vec<Numbered<'_>>, String> {
    let last = batch.last_seq().unwrap_or(batch.first_seq);
    if batch.first_seq == Seq(0) || i64::try_from(last.0).is_err() {
        return Err(format!("records are numbered from 1, not {}", batch.first_seq));
    }
    let numbered = (batch.first_seq.0..).map(Seq).zip(&batch.records);
    Ok(numbered.map(|(seq, octets)| Numbered { seq, octets, record: Record::from_octets(octets).ok() }).collect())
}

/// What a batch comes to where its sensor stands.
enum Taken<'a, 'b> {
    /// Records are missing before it.
    Gap(Seq),
    /// It is stored up to `last`: `new` is to be, and so many came again and are not stored a second time.
    Records { last: Seq, new: Option<&'a [Numbered<'b>]>, again: usize },
}

/// Takes a batch where its sensor stands, and moves that.
fn take<'a, 'b>(
    position: Option<&mut Position>,
    epoch: Epoch,
    records: &'a [Numbered<'b>],
) -> Result<Taken<'a, 'b>, IngestError> {
    // A member that has left took its sensors along.
    let position = position.ok_or(StoreError::Database(sqlx::Error::RowNotFound))?;
    // Asked where it is stored: a session that is still being cut off brings nothing in.
    if position.revoked {
        return Err(IngestError::Revoked);
    }
    if position.quarantined {
        return Err(IngestError::Quarantined);
    }
    if position.epoch != Some(epoch) {
        return Err(IngestError::Malformed("it is of another epoch than the session's Hello".to_owned()));
    }
    let fresh = match tail(position.committed, records) {
        Tail::Gap(expected) => return Ok(Taken::Gap(expected)),
        Tail::Records(fresh) => fresh,
    };
    let again = records.len() - fresh.len();
    let new = fresh.last().map(|last| {
        position.committed = last.seq;
        fresh
    });
    Ok(Taken::Records { last: position.committed, new, again })
}

enum Tail<'a, 'b> {
    Records(&'a [Numbered<'b>]),
    Gap(Seq),
}

/// What of a batch is not committed yet. Records are missing before it unless it begins with the Loss that says they will
/// never come.
fn tail<'a, 'b>(committed: Seq, records: &'a [Numbered<'b>]) -> Tail<'a, 'b> {
    let expected = committed.next();
    match records.first() {
        Some(first) if first.seq > expected => match first.record.as_ref().map(|record| &record.body) {
            Some(RecordBody::Loss { from, to, .. } | RecordBody::GivenUp { from, to, .. })
                if *from <= expected && to.next() == first.seq =>
            {
                Tail::Records(records)
            }
            Some(
                RecordBody::Loss { .. }
                | RecordBody::GivenUp { .. }
                | RecordBody::Opened(_)
                | RecordBody::Updated(_)
                | RecordBody::Event(_)
                | RecordBody::CrowdOpened(_)
                | RecordBody::CrowdUpdated(_)
                | RecordBody::Braked(_),
            )
            | None => Tail::Gap(expected),
        },
        Some(_) | None => {
            let known = records.partition_point(|record| record.seq <= committed);
            Tail::Records(records.get(known..).unwrap_or_default())
        }
    }
}
