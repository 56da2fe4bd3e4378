//! One file a subcommand.

pub mod alert;
pub mod campaign;
pub mod incident;
mod listing;
