//! The database: every statement stands below here, and every read takes a [`Scope`].

pub mod scope;

pub use scope::Scope;
