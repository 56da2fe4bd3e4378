//! raise
