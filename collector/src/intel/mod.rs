//! Indicators in, lists out.

pub mod canonical;
pub mod changes;
pub mod compile;
pub mod format;
pub mod import;
pub mod lifetime;
pub mod lint;
