//! `varde-collector sensor channel`: which lists a sensor follows, by a word that the list key signs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use varde_common::channel::{ChannelName, Placement, is_still_to_come};
use varde_common::id::SensorId;
use varde_common::list::CHANNEL_ALL;
use varde_common::time::Timestamp;
use varde_common::trust::{Domain, Root, read_unverified, sign};

use super::noted::{deed, noted};
use super::{say, sign as signing, staged};
use crate::audit::On;
use crate::control::Poke;
use crate::io::control::{Poked, poke};
use crate::io::{clock, directory, keys};
use crate::limits::SIGNED_FILE_MAX_OCTETS;
use crate::store::channel::Placed;
use crate::store::sensor::SensorRow;
use crate::store::{Scope, Store};

/// Arguments of `sensor channel`.
#[derive(Debug, Args)]
pub struct ChannelArguments {
    /// The sensor's number, as listed.
    #[arg(required_unless_present = "accept")]
    pub id: Option<u32>,
    /// The channel it follows from now on: all, pilot.
    #[arg(required_unless_present = "accept")]
    pub channel: Option<ChannelName>,
    /// The list key, where it is not DIR/keys/list.key.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["export", "accept"])]
    pub key: Option<PathBuf>,
    /// Write the word into a small file, to be signed where the list key is (varde-collector sign).
    #[arg(long, value_name = "FILE", conflicts_with = "accept")]
    pub export: Option<PathBuf>,
    /// Take the signed file back: the sensor is told.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "channel"])]
    pub accept: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Why the sensor goes on following what it does.
pub(super) async fn run(data: &Path, store: &Store, arguments: ChannelArguments) -> anyhow::Result<()> {
    run_as("sensor channel", data, store, arguments).await
}

/// The same, as the deed of another command.
///
/// # Errors
/// Why the sensor goes on following what it does.
pub(super) async fn run_as(
    what: &'static str,
    data: &Path,
    store: &Store,
    arguments: ChannelArguments,
) -> anyhow::Result<()> {
    let (_, root) = keys::read_root(data)?;
    let ChannelArguments { id, channel, key, export, accept } = arguments;
    let placed = match (accept, id.zip(channel)) {
        (Some(file), _) => accepted(&root, &file)?,
        (None, None) => bail!("name a sensor and a channel: varde-collector sensor channel ID NAME"),
        (None, Some((id, channel))) => {
            let placement = next(store, id, channel, clock::now()).await?;
            let own = data.join(keys::LIST_KEY);
            match (export, key) {
                (Some(file), _) => {
                    let exporting = deed(what, On::Sensor(i64::from(id))).becomes(format!(
                        "{} written to be signed: {}",
                        placement.channel,
                        file.display()
                    ));
                    let unsigned = sign(Domain::Channel, &placement, &[])?;
                    noted(store, exporting, async { signing::write(&file, &unsigned) }).await?;
                    return say::result(&format!(
                        "Wrote {f}. Where the list key is: varde-collector sign {f} --key KEY, then here: varde-collector sensor channel --accept {f}",
                        f = file.display()
                    ));
                }
                (None, None) if !own.exists() => bail!(
                    "a channel is named by the list key, and that is not here; let it be signed where it is: varde-collector sensor channel {id} {} --export FILE",
                    placement.channel
                ),
                (None, key) => {
                    let key = keys::read_signing_key(&key.unwrap_or(own))?;
                    verified(&root, &placement.sign(&[&key])?, placement.sensor)?
                }
            }
        }
    };
    let placing = deed(what, On::Sensor(i64::try_from(placed.placement.sensor.0).unwrap_or(i64::MAX)))
        .becomes(format!("follows channel {}", placed.placement.channel));
    if !store.noting(placing).place(&placed).await? {
        bail!(
            "sensor {} is not there, was revoked, or a later word was accepted; see: varde-collector sensor list",
            placed.placement.sensor
        )
    }
    let Placement { sensor, channel, .. } = &placed.placement;
    let sent = match poke(data, Poke::List).await {
        Poked::Done => "It is told at once where it is connected.",
        Poked::NotRunning => "The collector does not run; it is told when it does.",
        Poked::Late => "The running collector has not answered yet; it looks by itself within seconds.",
    };
    say::result(&format!("Sensor {sensor} follows channel {channel} from now on. {sent}"))?;
    if store.newest_manifest(Scope::Operator, channel).await?.is_none() {
        // To the pilot group a list goes by itself; what is published past that nobody watches.
        let how = if *channel == staged::pilot() { String::new() } else { format!(" --channel {channel}") };
        say::aside(&format!(
            "There is no list for {channel} yet: the sensor keeps the one it has until varde-collector publish{how}"
        ));
    }
    Ok(())
}

/// The channel of the sensor whose place each of these takes, where no word was ever made for the new one: it follows all, and
/// whoever set a new box up may think that it follows what the old one did.
pub(super) fn left_behind(sensors: &[SensorRow], placed: &[Placed]) -> BTreeMap<i64, (i64, String)> {
    let has_word = |id: i64| placed.iter().any(|one| i64::try_from(one.placement.sensor.0) == Ok(id));
    let left = |new: &SensorRow| {
        let old = sensors.iter().find(|old| Some(old.id) == new.replaces)?;
        let left = new.revoked_at.is_none() && old.channel != CHANNEL_ALL && !has_word(new.id);
        left.then(|| (new.id, (old.id, old.channel.clone())))
    };
    sensors.iter().filter_map(left).collect()
}

/// The next word for a sensor.
async fn next(store: &Store, id: u32, channel: ChannelName, now: Timestamp) -> anyhow::Result<Placement> {
    let sensors = store.sensor_rows(Scope::Operator).await?;
    if !sensors.iter().any(|sensor| sensor.id == i64::from(id) && sensor.revoked_at.is_none()) {
        bail!("there is no sensor {id}, or it was revoked; see: varde-collector sensor list")
    }
    let sensor = SensorId(u64::from(id));
    let before = store.placements(Scope::Operator).await?;
    let before = before.into_iter().find(|placed| placed.placement.sensor == sensor);
    // A clock that was set back must not make it the older word; one that was far ahead is not followed there.
    let before = before.map(|placed| placed.placement.at).filter(|at| !is_still_to_come(*at, now));
    let after = before.map_or(Timestamp::MIN, |at| at.plus(Duration::from_micros(1)));
    Ok(Placement { sensor, channel, at: now.max(after) })
}

fn accepted(root: &Root, file: &Path) -> anyhow::Result<Placed> {
    let octets = directory::read(file, SIGNED_FILE_MAX_OCTETS)?;
    let (said, _) = read_unverified::<Placement>(&octets)
        .with_context(|| format!("{} is no word of which channel to follow", file.display()))?;
    verified(root, &octets, said.sensor)
}

/// Holds a word against the root as its sensor will do it.
fn verified(root: &Root, signed: &[u8], sensor: SensorId) -> anyhow::Result<Placed> {
    let placement = Placement::verify(signed, root, sensor).map_err(|why| {
        anyhow::anyhow!(
            "the sensor would not follow it: {why}; let a list key of root.json sign it (varde-collector root show)"
        )
    })?;
    Ok(Placed { placement, signed: signed.to_vec() })
}
