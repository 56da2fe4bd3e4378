//! `varde-collector alert`.

use std::path::Path;

/// Subcommands.
#[derive(Debug, clap::Subcommand)]
pub enum AlertCommand {
    /// List.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Stub.
///
/// # Errors
/// None.
pub async fn run(_data: &Path, _command: AlertCommand) -> anyhow::Result<()> {
    Ok(())
}
