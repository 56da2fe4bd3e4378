//! `varde-collector campaign`.

use std::path::Path;

/// Subcommands.
#[derive(Debug, clap::Subcommand)]
pub enum CampaignCommand {
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
pub async fn run(_data: &Path, _command: CampaignCommand) -> anyhow::Result<()> {
    Ok(())
}
