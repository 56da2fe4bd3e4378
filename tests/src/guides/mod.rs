//! The guides as tests read them: [`read`] finds their commands, [`walk`] runs them in a [`world`] as the reader has it, and a table a guide
//! ([`agent`], [`collector`], [`others`]) says what the guide leaves to the reader, and how each ends that does not end with 0.

pub mod agent;
pub mod collector;
pub mod collector_lists;
pub mod collector_work;
pub mod others;
pub mod read;
pub mod walk;
pub mod world;
