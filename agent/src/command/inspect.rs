//! `varde-agent inspect`: stand-in until the command is merged.

use super::Failure;

/// Reads captures and matches them against plain lists, here and now, without a collector.
#[derive(Debug, clap::Args)]
pub struct InspectArgs {}

/// Stand-in.
///
/// # Errors
/// Always, for now.
pub fn run(_args: &InspectArgs) -> Result<(), Failure> {
    Err(Failure::new("inspect is not built in", "wait for the next version"))
}
