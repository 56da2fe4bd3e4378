//! A simulated sector year of which the truth is known, and how well a collector finds it (`correlation.md`, "How it is judged").
//!
//! The story in order: [`parameters`] say what a year holds; [`people`] are its members; [`year`] draws what happens to them, with
//! each [`scenario`] under a name that says what belongs together, and those that are hardest to tell from what is none in [`odd`]. [`file`] writes and reads it as JSON [`line`]s, so that other
//! years can be tried. [`play`] feeds the alerts through the collector's own ingest into a real database by the file's clock and
//! reads back what was concluded; [`score`] holds that against the truth, and so the two [`baseline`]s; [`report`] prints it.

pub mod baseline;
pub mod file;
pub mod line;
pub mod odd;
pub mod parameters;
pub mod people;
pub mod play;
pub mod report;
pub mod scenario;
pub mod score;
pub mod year;
