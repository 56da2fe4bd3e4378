//! How a session begins: what a stream is for, who speaks, and the mark by which a copied or restored sensor is known.

use crate::codec::{Decode, Encode, Text};
use crate::id::{Epoch, Mark, Revision, Seq, SiteId};
use crate::time::Timestamp;

/// The ordered byte streams of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Stream {
    /// Hello, heartbeats.
    Control,
    /// Batches and acks.
    Alerts,
    /// Totals without names.
    Statistics,
    /// Lists.
    Lists,
    /// Hunts and their results.
    Hunts,
}

/// A sensor introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Oldest conversation it speaks.
    pub protocol_min: u16,
    /// Newest conversation it speaks.
    pub protocol_max: u16,
    /// Program version.
    pub agent_version: Text,
    /// Its spool's lifetime.
    pub epoch: Epoch,
    /// Oldest record still in its spool.
    pub first_seq: Seq,
    /// The next record it will write.
    pub next_seq: Seq,
    /// List in force.
    pub revision: Revision,
    /// Root document in force.
    pub root_version: u32,
    /// Sites it will report for.
    pub sites: Vec<SiteId>,
    /// Its clock.
    pub clock: Timestamp,
}

/// The collector's answer to Hello in version 2: the session stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Greeting {
    /// The version both speak.
    pub protocol: u16,
    /// Records up to here are committed; send from the next.
    pub committed: Seq,
    /// After a lost connection wait up to this long, at random.
    pub reconnect_spread_ms: u32,
    /// The collector's clock.
    pub clock: Timestamp,
    /// To be kept on disk before anything is sent, and said in front of the next Hello.
    pub mark: Mark,
}
