//! The demo: a community on one machine, a campaign that spreads from member to member, and decoys that must not.
//!
//! [`plan`] says what is planted where and what must come of it; [`stage`] sets up the programs; [`show`] plays rounds of
//! traffic before an audience, or one round and a verdict.

pub mod plan;
pub mod show;
pub mod stage;
