//! Traffic and lists in bulk, for measuring: captures of millions of packets with known hits and decoys in them, drawn from
//! a seed and written as they are drawn.
//!
//! [`names`] makes names, [`listed`] a list of a million indicators that can say whether it covers something; [`plants`]
//! says what is hidden where and what only looks like it. [`lookup`], [`hello`] and [`initial`] write DNS messages, TLS
//! ClientHellos and QUIC Initials as octets; [`script`] makes conversations of them, [`sites`] says between whom,
//! [`play`] interleaves them on a clock, [`wire`] writes the frames.
//! None of it uses the programs' own code, so that a misreading cannot hide.

pub mod hello;
pub mod initial;
pub mod listed;
pub mod lookup;
pub mod names;
pub mod plants;
pub mod play;
pub mod script;
pub mod sites;
pub mod wire;
