//! Reading the spool: what a batch may carry, in order, with a tombstone where a place holds no record.

use varde_common::id::Seq;
use varde_common::limits::{BATCH_MAX_OCTETS, BATCH_MAX_RECORDS, RECORD_MAX_OCTETS};
use varde_common::record::LossReason;
use varde_common::time::Timestamp;

use super::super::volume::{Access, VolumeFile};
use super::super::{DiskError, failed};
use super::{Piece, Spool};
use crate::spool::{FileKind, RECORD_EXTRA_OCTETS, SEGMENT_HEADER_OCTETS, read_marker, read_record, tombstone};

/// Where reading stands.
#[derive(Debug)]
pub(super) struct Cursor {
    file: Box<dyn VolumeFile>,
    pub(super) first: Seq,
    seq: Seq,
    offset: u64,
}

impl Spool {
    /// Records from this number on, as much as one batch may carry. A place that holds no record gives a tombstone.
    ///
    /// # Errors
    /// [`DiskError`]: the process must end.
    pub fn read(&mut self, from: Seq, now: Timestamp) -> Result<Vec<Vec<u8>>, DiskError> {
        self.begin_sending()?;
        let mut records = Vec::new();
        let (mut octets, mut seq) = (0, from);
        while seq < self.durable && records.len() < BATCH_MAX_RECORDS {
            let Some(record) = self.read_one(seq, now)? else { break };
            octets += record.len();
            if octets > BATCH_MAX_OCTETS {
                break;
            }
            records.push(record);
            seq = seq.next();
        }
        Ok(records)
    }

    fn read_one(&mut self, seq: Seq, now: Timestamp) -> Result<Option<Vec<u8>>, DiskError> {
        let gone = |reason, severity| Ok(tombstone(seq, reason, severity, now).ok());
        let (first, end) = match self.pieces.range(..=seq).next_back() {
            Some((&first, Piece::Segment { next, octets, .. })) if seq < *next => (first, *octets),
            Some((_, Piece::Lost(loss))) if seq <= loss.to => return gone(loss.reason, loss.severity(seq)),
            _ => return gone(LossReason::SpoolDamaged, None),
        };
        let path = self.path(first, FileKind::Segment);
        let mut cursor = match self.cursor.take() {
            Some(cursor) if cursor.first == first && cursor.seq <= seq => cursor,
            _ => {
                let file = self.volume.open(&path, Access::Read).map_err(failed("open", &path))?;
                Cursor { file, first, seq: first, offset: SEGMENT_HEADER_OCTETS as u64 }
            }
        };
        let mut window = vec![0; RECORD_MAX_OCTETS + RECORD_EXTRA_OCTETS];
        loop {
            let room = usize::try_from(end.saturating_sub(cursor.offset)).unwrap_or(usize::MAX).min(window.len());
            let window = window.get_mut(..room).unwrap_or_default();
            cursor.file.read_exact_at(window, cursor.offset).map_err(failed("read", &path))?;
            let Ok((payload, _)) = read_record(window, cursor.seq) else {
                // Good when it was written or recovered, no longer: never sent as something it is not.
                tracing::error!(file = %path.display(), seq = cursor.seq.0, "spool: a record can no longer be read");
                self.handle_damage(first, cursor.seq);
                return gone(LossReason::SpoolDamaged, None);
            };
            let (here, payload) = (cursor.seq, payload.to_vec());
            cursor.offset += (payload.len() + RECORD_EXTRA_OCTETS) as u64;
            cursor.seq = here.next();
            if here == seq {
                self.cursor = Some(cursor);
                return match read_marker(&payload) {
                    Some((reason, severity)) => gone(reason, severity),
                    None => Ok(Some(payload)),
                };
            }
        }
    }
}
