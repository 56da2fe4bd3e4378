//! `varde-collector list`: the newest list as a file, for sensors that have no contact.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use tokio::sync::broadcast;
use varde_common::channel::ChannelName;

use super::noted::{deed, noted};
use super::say;
use crate::audit::On;
use crate::io::directory;
use crate::io::keys::TIMESTAMP_KEY;
use crate::io::lists::Lists;
use crate::store::Store;

/// Subcommands of `list`.
#[derive(Debug, Subcommand)]
pub enum ListCommand {
    /// Write the newest list into a file, for a sensor without contact: varde-agent list import FILE takes it there.
    ///
    /// The file holds what a sensor gets in a session: root documents, the word of which list is the newest, the list as it was
    /// signed, and with it the key of confidential indicators. Give it to enrolled sensors and to nobody else.
    Export {
        /// The file; one that is there is replaced.
        file: PathBuf,
        /// The channel that the sensor follows.
        #[arg(long, value_name = "NAME", default_value = "all")]
        channel: ChannelName,
    },
}

/// Runs the command.
///
/// # Errors
/// Why there is no file.
pub async fn run(data: &Path, command: ListCommand) -> anyhow::Result<()> {
    let ListCommand::Export { file, channel } = command;
    let store = Store::open(data).await?;
    let lists = Lists::new();
    lists.name_newest_by(data.join(TIMESTAMP_KEY));
    let (changes, _) = broadcast::channel(1);
    lists.look(&store, &changes).await?;
    let mut octets = Vec::new();
    let Some(list) = lists.carry(&channel, &mut octets).await? else {
        let for_channel = if channel.is_all() { String::new() } else { format!(" --channel {channel}") };
        bail!(
            "there is no list of channel {channel} that sensors would take: none is published yet, or root.json no longer names the key that signed the newest; make one with: varde-collector publish{for_channel}"
        )
    };
    let path = std::path::absolute(&file).context("the file's name")?;
    let exporting = deed("list export", On::Thing(format!("list {list}")))
        .becomes(format!("written with the key of confidential indicators: {}", path.display()));
    noted(&store, exporting, async {
        // Before any sensor hears of it: the running collector says nothing older from then on.
        lists.keep_words(&store).await?;
        Ok(directory::write_private(&path, &octets)?)
    })
    .await?;
    store.close().await;
    say::result(&format!("Wrote list {list} to {}, {} bytes.", path.display(), octets.len()))?;
    say::aside(
        "It holds the list as it is and the key of confidential indicators: carry it to enrolled sensors and to nobody else, and delete it then. There: varde-agent list import FILE",
    );
    Ok(())
}
