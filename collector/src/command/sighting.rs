//! `varde-collector sighting`: what MISP servers are told of verdicts on their attributes, and which are told at all.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Subcommand;

use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::io::clock;
use crate::io::sightings::{self, Server, Told};
use crate::limits::feed::SIGHTINGS_WAITING_MAX;
use crate::store::sighting::{SightingRow, Target};
use crate::store::{Scope, Store};

const TO_HELP: &str = "\
From then on a verdict on an alert (alert verdict) is told to that server, where one of its own attributes names the indicator: confirmed as a
sighting of type 0, false-positive as one of type 1. The sender is the operator's name; no member, host or time of an alert is told. Nothing
is told of what is marked TLP:AMBER+STRICT, TLP:RED or PAP:RED, nor of exercises, and of no source that was not named here. The running
collector sends, and tries again for two weeks.";

/// Subcommands of `sighting`.
#[derive(Debug, Subcommand)]
pub enum SightingCommand {
    /// Have a source's MISP server be told.
    #[command(after_help = TO_HELP)]
    To {
        /// The source, as `indicator list` shows it.
        source: String,
        /// The server, e.g. https://misp.example.
        #[arg(long)]
        url: String,
        /// The file with a key that the server knows; readable by the collector's user.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// CA certificates (PEM) by which the server is believed [default: the system's].
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
    },
    /// Tell it no more; what waits for it is dropped.
    Off {
        /// The source.
        source: String,
    },
    /// What waits, what arrived, and what was given up.
    #[command(
        after_help = "Keys with --json: id, source, kind (confirmed or false-positive), at (of the verdict), tries, next_at, sent_at, given_up_at, failed_why. Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Send what waits, now.
    Send,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: SightingCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        SightingCommand::To { source, url, key_file, ca } => to(&store, &source, url, &key_file, ca.as_deref()).await,
        SightingCommand::Off { source } => off(&store, &source).await,
        SightingCommand::List { json } => list(&store, json).await,
        SightingCommand::Send => send(&store).await,
    };
    store.close().await;
    done
}

fn none(source: &str) -> anyhow::Error {
    anyhow!("there is no source \"{source}\"; see: varde-collector indicator list")
}

async fn to(store: &Store, source: &str, url: String, key_file: &Path, ca: Option<&Path>) -> anyhow::Result<()> {
    let key_file = sightings::absolute(key_file)?;
    let target = Target { url, key_file, ca_file: ca.map(sightings::absolute).transpose()? };
    // What cannot be used is told now, not when the first verdict waits.
    Server::new(&target)?;
    let telling =
        deed("sighting to", On::Thing(format!("source \"{source}\""))).becomes("told of verdicts on what it names");
    match store.noting(telling).tell_sightings(source, Some(&target), clock::now()).await? {
        true => say::result(&format!("{source} is told of verdicts on its attributes from now on.")),
        false => Err(none(source)),
    }
}

async fn off(store: &Store, source: &str) -> anyhow::Result<()> {
    let telling = deed("sighting off", On::Thing(format!("source \"{source}\""))).becomes("told nothing");
    match store.noting(telling).tell_sightings(source, None, clock::now()).await? {
        true => say::result(&format!("{source} is told no more.")),
        false => Err(none(source)),
    }
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let rows = store.sightings_listed(Scope::Operator, SIGHTINGS_WAITING_MAX).await?;
    let row = |row: &SightingRow| {
        vec![
            row.id.to_string(),
            row.source.clone(),
            row.kind.to_owned(),
            say::moment(Some(row.at)),
            row.tries.to_string(),
            say::moment(row.sent_at),
            say::moment(row.next_at),
            match (&row.failed_why, row.given_up_at) {
                (Some(why), Some(_)) => format!("given up: {}", say::briefly(why)),
                (Some(why), None) => say::briefly(why),
                (None, _) => "-".to_owned(),
            },
        ]
    };
    let heads = ["ID", "SOURCE", "KIND", "VERDICT", "TRIES", "SENT", "NEXT TRY", "WHY NOT"];
    say::rows(
        &rows,
        json,
        &heads,
        row,
        "No sightings. Have a MISP server be told: varde-collector sighting to SOURCE --url URL --key-file FILE",
    )
}

async fn send(store: &Store) -> anyhow::Result<()> {
    store.note(&deed("sighting send", On::Thing("sightings".to_owned())).becomes("what waits is sent")).await?;
    let Told { arrived, failed } = sightings::tell(store, true).await?;
    say::result(&format!("{arrived} sightings arrived."))?;
    if failed > 0 {
        bail!("{failed} servers did not take theirs; see: varde-collector sighting list");
    }
    Ok(())
}
