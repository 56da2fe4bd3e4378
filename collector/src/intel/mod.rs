//! Indicators in, lists out.
