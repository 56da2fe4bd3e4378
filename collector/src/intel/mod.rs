//! Indicators in, lists out.

pub mod canonical;
pub mod changes;
pub mod compile;
pub mod fetch;
pub mod format;
pub mod guard;
pub mod import;
