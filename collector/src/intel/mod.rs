//! Indicators in, lists out.

pub mod canonical;
pub mod changes;
pub mod compile;
pub mod cut;
pub mod difference;
pub mod fetch;
pub mod format;
pub mod hidden;
pub mod import;
pub mod lifetime;
pub mod lint;
pub mod outward;
