//! Indicators in, lists out.

pub mod compile;
pub mod guard;
pub mod import;
