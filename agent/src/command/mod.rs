//! One file a subcommand.

pub mod inspect;
mod inspect_lines;
