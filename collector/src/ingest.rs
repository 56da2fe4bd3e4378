//! A batch becomes records, each stored once, and what they say becomes alerts, incidents and campaigns, in one transaction.

mod conclude;
mod fold;
pub mod hello;
pub mod report;
#[cfg(test)]
pub(crate) mod tests;

use serde_json::json;
use varde_common::heartbeat::Further;
use varde_common::id::{Epoch, Seq};
use varde_common::message::{Batch, Heartbeat};
use varde_common::record::{Record, RecordBody};
use varde_common::time::Timestamp;

use crate::change::Change;
use crate::limits::RECORD_STORED_OCTETS;
use crate::merger::Dropped;
use crate::store::{Store, StoreError, brake, heartbeat, mark, record, succession, weights};
use conclude::{Drawing, conclude, rejoin};
use fold::read;

/// What became of a batch.
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
    let records = decode(batch)?;
    let mut tx = store.begin().await?;
    let position = record::position(&mut tx, sensor).await?;
    // Asked where it is stored: a session that is still being cut off brings nothing in.
    if position.revoked {
        return Err(IngestError::Revoked);
    }
    if position.quarantined {
        return Err(IngestError::Quarantined);
    }
    if position.epoch != Some(batch.epoch) {
        return Err(IngestError::Malformed("it is of another epoch than the session's Hello".to_owned()));
    }
    let fresh = match tail(position.committed, &records) {
        Tail::Gap(expected) => {
            return Ok(IngestOutcome { reply: IngestReply::Gap { expected }, changes: Vec::new(), stored_octets: 0 });
        }
        Tail::Records(fresh) => fresh,
    };
    // What came before is stored; it is counted, and stored no second time.
    let replayed = records.len() - fresh.len();
    let Some(last) = fresh.last().map(|record| record.seq) else {
        record::replayed(&mut tx, sensor, replayed).await?;
        tx.commit().await?;
        let reply = IngestReply::Ack { epoch: batch.epoch, seq: position.committed };
        return Ok(IngestOutcome { reply, changes: Vec::new(), stored_octets: 0 });
    };

    let weights = weights::in_force(&mut tx).await?;
    let said = read(&mut tx, sensor, batch.epoch, fresh, &weights, now).await?;
    let kept = |record: &Numbered<'_>| !said.nobodys.contains(&record.seq);
    let octets: Vec<(Seq, &[u8])> =
        fresh.iter().map(|record| (record.seq, if kept(record) { record.octets } else { &[] })).collect();
    record::insert(&mut tx, sensor, batch.epoch, &octets, now).await?;
    for (member, counted) in &said.braked {
        brake::count(&mut tx, sensor, *member, counted, now).await?;
    }
    record::insert_events(&mut tx, sensor, batch.epoch, &said.events, now).await?;
    let drawing = Drawing { weights: &weights, tripped: said.mere_lists, now };
    let mut changes = conclude(&mut tx, sensor, batch.epoch, said.alerts, drawing).await?;
    record::advance(&mut tx, sensor, last, now).await?;
    record::replayed(&mut tx, sensor, replayed).await?;
    tx.commit().await?;
    if !said.events.is_empty() || !said.braked.is_empty() {
        changes.push(Change::Sensor(sensor));
    }
    let stored_octets = fresh.iter().map(|record| record.octets.len() as u64 + RECORD_STORED_OCTETS).sum();
    Ok(IngestOutcome { reply: IngestReply::Ack { epoch: batch.epoch, seq: last }, changes, stored_octets })
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

fn decode(batch: &Batch) -> Result<Vec<Numbered<'_>>, IngestError> {
    let last = batch.last_seq().unwrap_or(batch.first_seq);
    if batch.first_seq == Seq(0) || i64::try_from(last.0).is_err() {
        return Err(IngestError::Malformed(format!("records are numbered from 1, not {}", batch.first_seq)));
    }
    let numbered = (batch.first_seq.0..).map(Seq).zip(&batch.records);
    Ok(numbered.map(|(seq, octets)| Numbered { seq, octets, record: Record::from_octets(octets).ok() }).collect())
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
