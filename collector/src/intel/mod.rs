//! Indicators in, lists out.

pub mod changes;
pub mod compile;
pub mod guard;
pub mod import;
