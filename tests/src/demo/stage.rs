//! The stage: a collector and eight members' sensors, real programs all, with their directories.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::plan::{self, LIST, MEMBERS};
use crate::capture::Feed;
use crate::community::{Addresses, Agent, Collector};
use crate::traffic::Packet;

/// Where everything lies: kept when the audience named a folder, else removed at the end.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// The named folder, made if need be, which must be empty; or a temporary one.
    ///
    /// # Errors
    /// When it is not empty or cannot be made.
    pub fn new(keep: Option<&Path>) -> Result<Folder> {
        let Some(path) = keep else {
            let temporary = tempfile::Builder::new().prefix("varde-demo-").tempdir().context("no temporary folder")?;
            return Ok(Folder { path: temporary.path().to_owned(), _temporary: Some(temporary) });
        };
        let make = || format!("{} cannot be used; name a folder you may write to", path.display());
        std::fs::create_dir_all(path).with_context(make)?;
        let empty = std::fs::read_dir(path).with_context(make)?.next().is_none();
        ensure!(empty, "{} is not empty; name an empty or a new folder", path.display());
        let path = std::fs::canonicalize(path).with_context(make)?;
        Ok(Folder { path, _temporary: None })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A member with its sensor; the feed is what its mirror port shows.
#[derive(Debug)]
pub struct Player {
    /// Its sensor.
    pub agent: Agent,
    /// What passes its mirror port; none once the traffic has ended.
    pub feed: Option<Feed>,
    /// Whether the traffic fed so far holds a DNS question for the spreading name.
    pub asked: bool,
}

impl Player {
    /// Shows its sensor a part of the traffic.
    ///
    /// # Errors
    /// When the sensor reads no more.
    pub fn feed(&mut self, packets: &[Packet]) -> Result<()> {
        self.asked = self.asked || plan::asks_for_spreading(packets.iter().map(|packet| packet.ip.as_slice()));
        self.feed.as_mut().map_or(Ok(()), |feed| feed.send(packets))
    }
}

/// All of them. Dropped in this order: sensors first, so that none complains of a lost collector.
#[derive(Debug)]
pub struct Stage {
    /// In the order of [`MEMBERS`].
    pub players: Vec<Player>,
    /// The collector.
    pub collector: Collector,
    /// Where it listens.
    pub addresses: Addresses,
}

impl Stage {
    /// Sets everything up; `said` is told of each step.
    ///
    /// # Errors
    /// When a program refuses.
    pub fn set(folder: &Path, mut said: impl FnMut(&str)) -> Result<Stage> {
        said("building and starting the collector");
        let mut collector = Collector::init(&folder.join("collector"))?;
        let addresses = collector.start()?;
        collector.publish(LIST)?;
        let findings = collector.ask(["indicator", "lint", "--json"])?.json()?;
        let held = findings.iter().filter(|finding| finding["held"] == true);
        let held: BTreeSet<&str> = held.filter_map(|finding| finding["indicator"].as_str()).collect();
        said(&format!("the list is signed; lint holds back {}", Vec::from_iter(held).join(" and ")));
        let mut players = Vec::new();
        for (number, name) in MEMBERS {
            said(&format!("{number} {name}: member, token, sensor"));
            collector.add_member(number, name)?;
            let mut agent = Agent::new(&folder.join(format!("agent-{number}")), None)?;
            agent.enroll(&collector.token(number)?)?;
            let feed = Feed::new(&agent.data().join("mirror-port"))?;
            agent.start([
                OsStr::new("--speed"),
                OsStr::new("max"),
                OsStr::new("--capture"),
                feed.path().as_os_str(),
            ])?;
            players.push(Player { agent, feed: Some(feed), asked: false });
        }
        said("waiting until the signed list is in force at every sensor");
        collector.await_in_force(MEMBERS.len(), 1)?;
        Ok(Stage { players, collector, addresses })
    }

    /// That every program still runs.
    ///
    /// # Errors
    /// The end of the log of one that does not.
    pub fn still_runs(&mut self) -> Result<()> {
        self.collector.running()?.still_runs()?;
        self.players.iter_mut().try_for_each(|player| player.agent.running()?.still_runs())
    }

    /// Ends the traffic, waits until each sensor has had everything acknowledged and has ended by itself.
    ///
    /// # Errors
    /// When one does not.
    pub fn finish_sensors(&mut self) -> Result<()> {
        self.players.iter_mut().for_each(|player| player.feed = None);
        self.players.iter_mut().zip(MEMBERS).try_for_each(|(player, (number, name))| {
            player.agent.wait().with_context(|| format!("the sensor of {number} {name}"))
        })
    }

    /// Ends the traffic and stops every program in good order; only those started here.
    ///
    /// # Errors
    /// When one does not stop.
    pub fn stop(mut self) -> Result<()> {
        self.finish_sensors()?;
        self.collector.stop()
    }
}
