//! `varde-collector pilot`: the sensors that get a list first. They follow the channel *pilot*, by a word of the list key.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;
use varde_common::channel::ChannelName;
use varde_common::list::CHANNEL_PILOT;
use varde_common::time::Timestamp;

use super::channel::{self, ChannelArguments};
use super::{say, staged};
use crate::store::sensor::SensorRow;
use crate::store::{Scope, Store};

/// Subcommands of `pilot`.
#[derive(Debug, Subcommand)]
pub enum PilotCommand {
    /// Have sensors get lists first. A handful at members of different kinds tells most; their IT should know.
    #[command(
        after_help = "Where the list key is not here, each sensor's word is signed where it is: varde-collector sensor channel ID pilot --export FILE, sign, sensor channel --accept FILE.
Exit: 0 they do, 1 not all of them, 2 wrong usage."
    )]
    Add(PilotArguments),
    /// Have them get lists with all others again.
    Remove(PilotArguments),
    /// The sensors of the pilot group.
    #[command(
        after_help = "Keys with --json: sensor, member {number, name}, follows (the channel it says it follows; null = it has not said), revision (the list in force there), connected, last_seen_at. Times are RFC 3339 UTC; what is not is null."
    )]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `pilot add` and `pilot remove`.
#[derive(Debug, Args)]
pub struct PilotArguments {
    /// The sensors' numbers, as listed.
    #[arg(required_unless_present = "member", value_name = "ID")]
    pub ids: Vec<u32>,
    /// All sensors of this member.
    #[arg(long, value_name = "NUMBER", conflicts_with = "ids")]
    pub member: Option<String>,
    /// The list key, where it is not DIR/keys/list.key.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// A sensor of the pilot group, as it is listed.
#[derive(Debug, Serialize)]
struct PilotRow {
    sensor: i64,
    member: Whose,
    follows: Option<String>,
    revision: i64,
    connected: bool,
    last_seen_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Whose {
    number: String,
    name: String,
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: PilotCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        PilotCommand::Add(arguments) => place(data, &store, arguments, "pilot add", staged::pilot()).await,
        PilotCommand::Remove(arguments) => place(data, &store, arguments, "pilot remove", ChannelName::default()).await,
        PilotCommand::List { json } => list(&store, json).await,
    };
    store.close().await;
    done
}

fn lives(sensor: &SensorRow) -> bool {
    sensor.enrolled_at.is_some() && sensor.revoked_at.is_none()
}

async fn place(
    data: &Path,
    store: &Store,
    arguments: PilotArguments,
    what: &'static str,
    channel: ChannelName,
) -> anyhow::Result<()> {
    let PilotArguments { mut ids, member, key } = arguments;
    if let Some(number) = member {
        let sensors = store.sensor_rows(Scope::Operator).await?;
        let of = sensors.iter().filter(|sensor| lives(sensor) && sensor.member == number);
        ids.extend(of.filter_map(|sensor| u32::try_from(sensor.id).ok()));
        if ids.is_empty() {
            bail!("member {number} has no sensor that lives; see: varde-collector sensor list");
        }
    }
    for id in ids {
        let arguments = ChannelArguments {
            id: Some(id),
            channel: Some(channel.clone()),
            key: key.clone(),
            export: None,
            accept: None,
        };
        channel::run_as(what, data, store, arguments).await?;
    }
    Ok(())
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let sensors = store.sensor_rows(Scope::Operator).await?;
    let of_group = sensors.iter().filter(|sensor| lives(sensor) && sensor.channel == CHANNEL_PILOT);
    let rows: Vec<PilotRow> = of_group
        .map(|sensor| PilotRow {
            sensor: sensor.id,
            member: Whose { number: sensor.member.clone(), name: sensor.member_name.clone() },
            follows: sensor.follows.clone(),
            revision: sensor.revision,
            connected: sensor.connected,
            last_seen_at: sensor.last_seen_at,
        })
        .collect();
    let row = |row: &PilotRow| {
        vec![
            row.sensor.to_string(),
            format!("{} {}", row.member.number, row.member.name),
            row.follows.clone().unwrap_or_else(|| "-".to_owned()),
            row.revision.to_string(),
            if row.connected { "yes" } else { "no" }.to_owned(),
            say::moment(row.last_seen_at),
        ]
    };
    let heads = ["SENSOR", "MEMBER", "FOLLOWS", "LIST", "CONNECTED", "LAST SEEN"];
    let nothing =
        "No pilot group: lists go to everybody at once. Name a few sensors with: varde-collector pilot add ID";
    say::rows(&rows, json, &heads, row, nothing)
}
