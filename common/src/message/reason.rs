//! Outcomes and refusals: small, comparable, each with its reason.

use crate::codec::{Decode, Encode, Text};
use crate::id::Revision;
use crate::time::Timestamp;

/// What became of an offered list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ListOutcome {
    /// In force since then.
    InForce {
        /// Which.
        revision: Revision,
        /// The sensor's clock.
        since: Timestamp,
    },
    /// Not taken; the one before stays.
    Refused {
        /// The one in force.
        in_force: Revision,
        /// Why, in a sentence.
        why: Text,
    },
}

/// Why a token was not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum EnrolRefusal {
    /// Used before.
    Used,
    /// Over its 72 hours.
    Expired,
    /// Withdrawn.
    Revoked,
    /// Unknown, or its proof is not good.
    NotGood,
    /// Too many attempts; wait.
    TooMany,
    /// The key request cannot be read.
    BadRequest,
}

/// Why a certificate is not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum RenewalRefusal {
    /// The sensor was revoked.
    Revoked,
    /// No sensor is known by this key: it has ended, or the collector was restored from a backup.
    Unknown,
    /// Two machines live with this sensor's identity.
    Quarantined,
    /// The certificate has been over for too long.
    TooLate,
    /// It was renewed often enough for one day.
    TooOften,
    /// The key request cannot be read, or its key is not a new one.
    BadRequest,
    /// Nobody here can issue certificates at the moment.
    NoAuthority,
}

impl RenewalRefusal {
    /// A sentence for the log and for `varde-agent status`: the cause, and what a person can do.
    pub fn sentence(self) -> &'static str {
        match self {
            RenewalRefusal::Revoked => "the collector has revoked this sensor; ask the CSIRT for a new token",
            RenewalRefusal::Unknown => {
                "the collector does not know this sensor's key; ask the CSIRT whether it still knows this sensor, else for a new token"
            }
            RenewalRefusal::Quarantined => {
                "two machines use this sensor's identity; stop the copy, then ask the CSIRT to release this sensor"
            }
            RenewalRefusal::TooLate => {
                "it ran out more than 180 days ago; ask the CSIRT for a new token and enrol again: the spool is kept"
            }
            RenewalRefusal::TooOften => "the collector has renewed it several times today; it is asked again later",
            RenewalRefusal::BadRequest => "the collector cannot use this sensor's key request; update varde-agent",
            RenewalRefusal::NoAuthority => {
                "the collector cannot issue certificates at the moment; tell the CSIRT that keys/ca.key is not there"
            }
        }
    }
}

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum CloseReason {
    /// The sensor was revoked.
    Revoked,
    /// A site not of this sensor.
    UnknownSite,
    /// A rule of the protocol was broken.
    ProtocolError,
    /// Another session of the same sensor began.
    Replaced,
    /// The collector stops; come back.
    GoingDown,
    /// No common version.
    Version,
    /// The collector could not store; come back.
    Unavailable,
    /// Two machines live with this sensor's identity; neither is heard until a person has looked.
    Quarantined,
}

impl CloseReason {
    /// The QUIC application error code.
    pub fn code(self) -> u32 {
        match self {
            CloseReason::GoingDown => 0,
            CloseReason::Revoked => 1,
            CloseReason::UnknownSite => 2,
            CloseReason::ProtocolError => 3,
            CloseReason::Replaced => 4,
            CloseReason::Version => 5,
            CloseReason::Unavailable => 6,
            CloseReason::Quarantined => 7,
        }
    }

    /// From the QUIC application error code; unknown ones count as a broken rule.
    pub fn from_code(code: u64) -> CloseReason {
        match code {
            0 => CloseReason::GoingDown,
            1 => CloseReason::Revoked,
            2 => CloseReason::UnknownSite,
            4 => CloseReason::Replaced,
            5 => CloseReason::Version,
            6 => CloseReason::Unavailable,
            7 => CloseReason::Quarantined,
            _ => CloseReason::ProtocolError,
        }
    }

    /// A sentence for the log and for `varde-agent status`.
    pub fn sentence(self) -> &'static str {
        match self {
            CloseReason::Revoked => "the collector has revoked this sensor; ask the CSIRT for a new token",
            CloseReason::UnknownSite => "agent.toml names a site that the collector has not given this sensor",
            CloseReason::ProtocolError => "the collector refused a message; both programs may need the same version",
            CloseReason::Replaced => "another process connected with this sensor's identity",
            CloseReason::GoingDown => "the collector is stopping",
            CloseReason::Version => "collector and agent share no protocol version; update the older one",
            CloseReason::Unavailable => "the collector cannot store at the moment",
            CloseReason::Quarantined => {
                "two machines use this sensor's identity, so the collector hears neither; stop the copy, then ask the CSIRT to release this sensor. Everything found is kept here meanwhile"
            }
        }
    }
}
