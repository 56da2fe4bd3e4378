//! What a spool holds and a batch carries. A record is (sensor, epoch, seq) and is ordered by seq, never by clock.

use crate::alert::{AlertOpened, AlertUpdated};
use crate::codec::{self, Decode, Encode, EncodeError, Malformed, Text};
use crate::id::{Revision, Seq};
use crate::limits::RECORD_MAX_OCTETS;
use crate::time::Timestamp;

/// Something that happened to the sensor itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum SensorEvent {
    /// The program started; updates that had not been written before are lost, at most one interval of them.
    Started {
        /// Program version.
        version: Text,
    },
    /// A list came into force.
    ListInForce {
        /// Its number.
        revision: Revision,
        /// Indicators in it.
        indicators: u64,
    },
    /// A list was refused; the old one stays in force.
    ListRefused {
        /// The number it claimed, 0 if it could not be read.
        revision: Revision,
        /// Why, in a sentence.
        why: Text,
    },
    /// The spool was found damaged; what could not be read was set aside.
    SpoolDamaged {
        /// Bytes set aside.
        octets: u64,
    },
}

/// Why records are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum LossReason {
    /// The spool was full.
    SpoolFull,
    /// The spool was damaged.
    SpoolDamaged,
}

/// A unit of the spool.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Record {
    /// The sensor's clock when it was taken.
    pub time: Timestamp,
    /// What it says.
    pub body: RecordBody,
}

/// What a record says. The variant number on the wire is the record's kind: variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RecordBody {
    /// A new alert.
    Opened(AlertOpened),
    /// More of an alert.
    Updated(AlertUpdated),
    /// Records that will never come.
    Loss {
        /// First missing.
        from: Seq,
        /// Last missing.
        to: Seq,
        /// Why.
        reason: LossReason,
    },
    /// Something about the sensor.
    Event(SensorEvent),
}

impl Record {
    /// As the spool and a batch hold it.
    ///
    /// # Errors
    /// None for our own records; the codec's type demands it.
    pub fn to_octets(&self) -> Result<Vec<u8>, EncodeError> {
        codec::encode(self)
    }

    /// Reads one record that fills `octets`.
    ///
    /// # Errors
    /// [`Malformed`], among others over [`RECORD_MAX_OCTETS`].
    pub fn from_octets(octets: &[u8]) -> Result<Record, Malformed> {
        if octets.len() > RECORD_MAX_OCTETS {
            return Err(Malformed::TooLarge { size: octets.len(), max: RECORD_MAX_OCTETS });
        }
        codec::decode(octets)
    }
}
