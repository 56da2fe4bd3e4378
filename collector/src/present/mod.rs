//! Views as plain values, pages and texts.
