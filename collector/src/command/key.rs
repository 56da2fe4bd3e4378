//! `varde-collector key`: new signing keys, made where they are to be kept.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Subcommand;
use varde_common::trust::{hex, key_id};

use super::noted::{beside, deed, noted};
use super::say;
use crate::audit::On;
use crate::io::keys;

/// Subcommands of `key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a new Ed25519 key; works on any machine, without a data directory.
    Make {
        /// Where the private key is written, for its owner alone (0600). It must not exist.
        file: PathBuf,
        /// One JSON object: id, public, file.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Why there is no key.
pub async fn run(data: &Path, command: &KeyCommand) -> anyhow::Result<()> {
    let KeyCommand::Make { file, json } = command;
    if file.exists() {
        bail!("{} is there already, and a key is never written over; name another file", file.display());
    }
    let key = keys::new_key()?;
    let public = key.verifying_key();
    let (id, public) = (key_id(&public), hex(public.as_bytes()));
    let write = async { Ok(keys::write_signing_key(file, &key)?) };
    match beside(data).await? {
        Some(store) => {
            let making = deed("key make", On::Thing(format!("key {}", file.display()))).becomes(format!("made: {id}"));
            noted(&store, making, write).await?;
            store.close().await;
        }
        None => write.await?,
    }
    if *json {
        return say::result(&serde_json::json!({ "id": id, "public": public, "file": file }).to_string());
    }
    say::result(&format!("id      {id}\npublic  {public}"))?;
    say::aside(&format!(
        "The private key is in {}; keep a copy where no network is. Both lines above may be told to anybody: the public key is what `root next --add ROLE=…` wants.",
        file.display()
    ));
    Ok(())
}
