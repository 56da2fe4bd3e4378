//! The shared words of Varde.
//!
//! An agent and a collector are written, installed and updated apart; what both must mean the same by stands here, and
//! nothing else. The story in order: a [`name`] or an address is seen in an [`observation`]; an [`indicator`] says what
//! to look for; the [`matcher`] brings the two together; what comes of it is an [`alert`], kept as a [`record`], sent as
//! a [`message`], turned to bytes by the [`codec`]. What a sensor looks for arrives as a signed [`list`], trusted because
//! of the [`trust`] anchor that its enrolment [`token`] pinned.
//!
//! Nothing here does I/O, reads a clock or knows either program.

pub mod alert;
pub mod brake;
pub mod carried;
pub mod channel;
pub mod codec;
pub mod compact;
pub mod confidential;
pub mod heartbeat;
pub mod id;
pub mod indicator;
pub mod ja4;
pub mod limits;
pub mod list;
pub mod matcher;
pub mod message;
pub mod metrics;
pub mod name;
pub mod newest;
pub mod observation;
pub mod overlay;
pub mod pattern;
pub mod plain;
pub mod record;
pub mod retention;
pub mod rotation;
pub mod sight;
pub mod tie;
pub mod time;
pub mod tlp;
pub mod token;
pub mod trust;
pub mod words;
