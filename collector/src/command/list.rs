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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::{self, InitArguments};
    use crate::command::publish::{Outcome, Wanted, publish};
    use crate::intel::canonical::About;
    use crate::io::{clock, keys, trust};
    use crate::store::{Scope, fixture};
    use std::time::Duration;
    use varde_common::id::Revision;
    use varde_common::newest::Newest;
    use varde_common::time::Timestamp;

    fn holds(octets: &[u8], word: &[u8]) -> bool {
        octets.windows(word.len()).any(|window| window == word)
    }

    #[tokio::test]
    async fn l2_whoever_says_the_next_word_knows_the_one_that_a_carried_list_says() {
        let dir = tempfile::tempdir().unwrap();
        let (data, file) = (dir.path().join("c"), dir.path().join("carried"));
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        // As each start does.
        trust::settle(&data, &store, clock::now()).await.unwrap();
        fixture::import(&store, "evil.example\n", &About::default(), clock::now()).await;
        let published = publish(&data, &store, Wanted::default(), clock::now()).await.unwrap();
        assert!(matches!(published, Outcome::Published { revision: Revision(1), .. }));
        let all = ChannelName::default();
        // The running collector said it two hours ago: the next word is due.
        let list = store.newest_list(Scope::Operator, &all).await.unwrap().unwrap();
        let key = keys::read_signing_key(&data.join(TIMESTAMP_KEY)).unwrap();
        let said_at = |at: Timestamp| Newest::of(&all, &list.manifest, list.revision, at).sign(&[&key]).unwrap();
        let before = said_at(clock::now().minus(Duration::from_secs(7_200)));
        store.keep_newest_word(&all, &before).await.unwrap();

        let export = ListCommand::Export { file: file.clone(), channel: all.clone() };
        run(&data, export).await.unwrap();
        let carried = std::fs::read(&file).unwrap();
        let kept = store.newest_word(Scope::Operator, &all).await.unwrap().unwrap();
        assert!(kept != before && !holds(&carried, &before), "an old word is not carried");
        assert!(holds(&carried, &kept), "what the file says is not what is kept");
        // Whoever says it next begins with that one: a sensor to which the file came is told nothing older.
        let (lists, (changes, _)) = (Lists::new(), broadcast::channel(1));
        lists.name_newest_by(data.join(TIMESTAMP_KEY));
        lists.look(&store, &changes).await.unwrap();
        let mut next = Vec::new();
        lists.carry(&all, &mut next).await.unwrap();
        assert!(holds(&next, &kept), "the running collector says another word");
        store.close().await;
    }
}
