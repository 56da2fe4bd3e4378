//! ingest

use varde_common::id::{Epoch, Seq};
use varde_common::message::{Batch, Heartbeat};
use varde_common::time::Timestamp;

use crate::change::Change;
use crate::store::{Store, StoreError};

/// What to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestReply {
    /// Committed up to here.
    Ack {
        /// Epoch.
        epoch: Epoch,
        /// Cumulative.
        seq: Seq,
    },
    /// Send from here.
    Gap {
        /// Next wanted.
        expected: Seq,
    },
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestOutcome {
    /// Answer.
    pub reply: IngestReply,
    /// What changed.
    pub changes: Vec<Change>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A site not of this sensor.
    #[error("site {0}")]
    UnknownSite(u16),
    /// Not readable.
    #[error("malformed: {0}")]
    Malformed(#[from] varde_common::codec::Malformed),
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Stub.
///
/// # Errors
/// None.
pub async fn handle_batch(_: &Store, _: i64, batch: &Batch, _: Timestamp) -> Result<IngestOutcome, IngestError> {
    let seq = batch.last_seq().unwrap_or_default();
    Ok(IngestOutcome { reply: IngestReply::Ack { epoch: batch.epoch, seq }, changes: Vec::new() })
}

/// Stub.
///
/// # Errors
/// None.
pub async fn handle_heartbeat(_: &Store, sensor: i64, _: &Heartbeat, _: Timestamp) -> Result<Vec<Change>, StoreError> {
    Ok(vec![Change::Sensor(sensor)])
}

/// Stub.
///
/// # Errors
/// None.
pub async fn committed(_: &Store, _: i64, _: Epoch, _: Timestamp) -> Result<Seq, StoreError> {
    Ok(Seq(0))
}
