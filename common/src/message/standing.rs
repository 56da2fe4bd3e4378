//! What a sensor trusts and how new that is, in version 3 of the conversation: what became of a root document, and which
//! list the collector's own key last called the newest.

use crate::codec::{Decode, Encode, Text};
use crate::id::Revision;
use crate::time::Timestamp;

/// What became of a root document that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RootOutcome {
    /// On disk and in force since then.
    InForce {
        /// Which.
        version: u32,
        /// The sensor's clock.
        since: Timestamp,
    },
    /// Not taken; the one before stays.
    Refused {
        /// The one in force.
        in_force: u32,
        /// The number it claims; 0 where it cannot be read.
        offered: u32,
        /// Why, in a sentence.
        why: Text,
    },
}

/// What became of an order of the brake that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum BrakeOutcome {
    /// On disk and in force, as far as it has not run out.
    Taken {
        /// Its number.
        number: u64,
        /// The sensor's clock.
        since: Timestamp,
    },
    /// Not taken; the one before stays.
    Refused {
        /// The number of the last one taken; 0 = none.
        known: u64,
        /// Why, in a sentence.
        why: Text,
    },
}

/// What became of a word of which channel to follow.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ChannelOutcome {
    /// On disk and followed.
    Follows {
        /// Which.
        channel: Text,
    },
    /// Not followed; the one before stays.
    Refused {
        /// The one that is followed.
        channel: Text,
        /// Why, in a sentence.
        why: Text,
    },
}

/// How a sensor stands to its trust anchor and to the newest list, beside each heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Standing {
    /// Root document in force.
    pub root_version: u32,
    /// The time in the newest word it has of which list is the newest; none = it never had one.
    pub told_at: Option<Timestamp>,
    /// The list that word names.
    pub named: Revision,
    /// What follows from it.
    pub freshness: Freshness,
}

/// Whether a sensor knows that its list is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub enum Freshness {
    /// The root document names no key that could tell: nobody promises anything.
    #[default]
    NotTold,
    /// It is, or the newest is on its way.
    Fresh,
    /// It has had no word for too long while it was connected: somebody may hold newer lists back.
    Stale,
    /// A newer list was named and does not come.
    Behind,
}

/// What a sensor has of lists, said in front of Subscribe.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Holds {
    /// The channel it follows.
    pub channel: Text,
    /// Of when the word is that has it follow it; none = it never had one.
    pub placed_at: Option<Timestamp>,
    /// BLAKE3 of the base it matches against; none = it has none.
    pub base: Option<[u8; 32]>,
}
