//! A sensor of a simulation: the real spool on a disk that crashes, with the real keeper, ledger, ship and reconnect, each
//! told what happens by hand.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::{oneshot, watch};
use varde_agent::io::disk::adopt::adopt;
use varde_agent::io::disk::hosts::Hosts;
use varde_agent::io::disk::keeper::{Clocks, Group, Keeper, KeeperEnded, Order};
use varde_agent::io::disk::mark::MARK_FILE;
use varde_agent::io::disk::owner::Owner;
use varde_agent::io::disk::spool::{Caps, Figures, Spool, Synced};
use varde_agent::io::disk::write_whole_on;
use varde_agent::pseudonym::{SITE_KEY_OCTETS, SiteKey};
use varde_agent::sensor::AlertId;
use varde_agent::ship::{Broken, Lost, Next, Reconnect, Ship};
use varde_common::codec::Text;
use varde_common::compact::Packer;
use varde_common::id::{Epoch, Mark, Revision, SensorId, Seq, SiteId};
use varde_common::message::{Batch, Hello, PROTOCOLS, Stream, ToAgent, ToCollector};
use varde_common::time::Timestamp;

use super::closing::Disk;
use super::collector::LineId;
use super::line::{Line, heard_by_sensor};
use crate::model_disk::ModelDisk;
use crate::places::Places;
use crate::spool_story::SPOOL;

/// The data directory.
const DATA: &str = "/data";

/// How the uplink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uplink {
    /// There is none; it dials when so much of the simulation has passed.
    Down(Duration),
    /// Hello was said.
    Greeting(LineId),
    /// A session stands.
    Standing(LineId),
}

/// Why something could not be carried to its end.
#[derive(Debug)]
pub enum Stopped {
    /// The process must end.
    Process(KeeperEnded),
    /// The session is over, in a sentence.
    Session(String),
}

impl From<KeeperEnded> for Stopped {
    fn from(ended: KeeperEnded) -> Stopped {
        Stopped::Process(ended)
    }
}

/// What a sensor has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Everything up to here is committed.
    Committed(Seq),
    /// The collector misses records.
    Gap,
}

/// A process while it lives.
#[derive(Debug)]
pub struct Process {
    keeper: Keeper,
    figures: watch::Receiver<Figures>,
    ship: Ship,
    reconnect: Reconnect,
    /// How the uplink is.
    pub uplink: Uplink,
    /// Alerts opened by this process and not closed; with about how many hosts, of those that stand for many.
    pub open: Vec<(AlertId, Option<u64>)>,
    /// Alerts opened by it so far.
    pub opened: u64,
    last_sent: Option<Batch>,
    packer: Packer,
    disk: ModelDisk,
    /// By how much its machine's clock was set while it ran, microseconds.
    pub clock_set_by_us: i64,
}

/// A sensor with its disk.
#[derive(Debug)]
pub struct Sensor {
    /// Its number at the collector.
    pub id: i64,
    /// Its disk.
    pub disk: ModelDisk,
    /// What runs.
    pub process: Option<Process>,
    /// How far its wall clock is off, microseconds.
    pub clock_off_us: i64,
    /// A copy of its disk, kept by its owner.
    pub snapshot: Option<ModelDisk>,
    hosts: PathBuf,
    spool_octets: u64,
}

/// A spool that was set aside, and what was to be taken over of it, read past the program.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Its lifetime.
    pub epoch: Epoch,
    /// From this number to before that one, into this spool, the first as this number; none where nothing was to be.
    plan: Vec<(Seq, Seq, Epoch, Seq)>,
    /// Nothing of it waits any more.
    pub done: bool,
}

impl Beside {
    /// Of the directory that was given this name when it was set aside.
    fn read(disk: &ModelDisk, directory: &Path) -> Option<Beside> {
        let name = directory.file_name()?.to_str()?.strip_prefix("spool.aside-")?;
        let (epoch, _) = name.rsplit_once('-')?;
        let text = |name: &str| String::from_utf8(disk.read(&directory.join(name))?).ok();
        let files = disk.files();
        let beside = files.iter().filter(|path| path.parent() == Some(directory));
        let mut names = beside.filter_map(|path| path.file_name()?.to_str());
        let until = names.find(|name| name.starts_with("adopting-until-"));
        let plan = text("adopted").or_else(|| text("adopting")).or_else(|| text(until?)).unwrap_or_default();
        let piece = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [from, to, epoch, first] = words.as_slice() else { return None };
            let seq = |word: &str| u64::from_str(word).ok().map(Seq);
            Some((seq(from)?, seq(to)?, epoch.parse().ok()?, seq(first)?))
        };
        let done = text("adopted").is_some() || text("committed").is_none();
        Some(Beside { epoch: epoch.parse().ok()?, plan: plan.lines().filter_map(piece).collect(), done })
    }

    /// Where what has this number in it was to be taken over.
    pub fn anew(&self, seq: Seq) -> Option<(Epoch, Seq)> {
        let piece = self.plan.iter().find(|(from, to, ..)| *from <= seq && seq < *to);
        piece.map(|(from, _, epoch, first)| (*epoch, Seq(first.0 + (seq.0 - from.0))))
    }
}

/// Caps that a simulation meets; the ages are beyond its end.
fn caps(octets: u64) -> Caps {
    Caps {
        octets,
        acknowledged_s: 72 * 3600,
        unacknowledged_s: 60 * 86_400,
        segment_octets: 1_000,
        reserve_octets: 700,
    }
}

impl Sensor {
    /// With an empty disk and a spool of so many octets; hosts' names go to a real folder.
    pub fn new(id: i64, seed: u64, spool_octets: u64, hosts: &Path) -> Sensor {
        let disk = ModelDisk::new(seed);
        let hosts = hosts.to_owned();
        Sensor { id, disk, process: None, clock_off_us: 0, snapshot: None, hosts, spool_octets }
    }

    /// The process starts, as the program does.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn start(&mut self, dial_at: Duration, wall: Timestamp) -> std::result::Result<(), KeeperEnded> {
        self.disk.set_time(wall);
        let caps = caps(self.spool_octets);
        let (mut spool, _) = Spool::open(self.disk.volume(), Path::new(SPOOL), caps, wall)?;
        let number = SensorId(self.id.unsigned_abs());
        let owner = Owner { sensor: number, collector: "lab".to_owned(), member: number.to_string() };
        adopt(Path::new(DATA), &owner, &mut spool, caps, wall)?;
        let hosts = Hosts::open(&self.hosts)?;
        let unsent = spool.unsent();
        let (keeper, figures) = Keeper::new(spool, hosts, SiteKey::new([7; SITE_KEY_OCTETS]));
        let ship = Ship::new(figures.borrow().epoch, unsent);
        self.process = Some(Process {
            keeper,
            figures,
            ship,
            reconnect: Reconnect::default(),
            uplink: Uplink::Down(dial_at),
            open: Vec::new(),
            opened: 0,
            last_sent: None,
            packer: Packer::default(),
            disk: self.disk.clone(),
            clock_set_by_us: 0,
        });
        Ok(())
    }

    /// What its disk holds: in the spool, and beside it.
    pub fn places(&self) -> (Places, Places) {
        places_on(&self.disk)
    }

    /// The same, and what was to be taken over.
    pub fn holds(&self) -> Disk {
        let (spool, aside) = self.places();
        let files = self.disk.files();
        let mut directories: Vec<&Path> = files.iter().filter_map(|path| path.parent()).collect();
        directories.dedup();
        let beside = directories.iter().filter_map(|directory| Beside::read(&self.disk, directory));
        Disk { spool, aside, beside: beside.collect() }
    }
}

/// What a disk holds: in the spool, and beside it.
pub fn places_on(disk: &ModelDisk) -> (Places, Places) {
    let (mut spool, mut aside) = (Places::default(), Places::default());
    for path in disk.files() {
        let Some(octets) = disk.read(&path) else { continue };
        let to = if path.parent() == Some(Path::new(SPOOL)) { &mut spool } else { &mut aside };
        to.read(&path, &octets);
    }
    (spool, aside)
}

impl Process {
    /// The spool in numbers.
    pub fn figures(&self) -> Figures {
        *self.figures.borrow()
    }

    /// Whether everything it has is acknowledged.
    pub fn is_delivered(&self) -> bool {
        matches!(self.uplink, Uplink::Standing(_)) && self.ship.committed().next() == self.figures().next
    }

    /// Its connection, if it has one.
    pub fn line(&self) -> Option<LineId> {
        match self.uplink {
            Uplink::Greeting(line) | Uplink::Standing(line) => Some(line),
            Uplink::Down(_) => None,
        }
    }

    /// Orders that share an fsync, carried out up to it.
    ///
    /// # Errors
    /// When the process must end.
    pub fn give(
        &mut self,
        orders: impl IntoIterator<Item = Order>,
        wall: Timestamp,
    ) -> std::result::Result<Group, KeeperEnded> {
        let (mut group, clocks) = (Group::default(), self.clocks(wall));
        for order in orders {
            self.keeper.handle_order(order, &mut group, clocks)?;
        }
        Ok(group)
    }

    /// The fsync.
    ///
    /// # Errors
    /// When the process must end.
    pub fn close(&mut self, group: Group, wall: Timestamp) -> std::result::Result<Synced, KeeperEnded> {
        let clocks = self.clocks(wall);
        self.keeper.close_group(group, clocks)
    }

    fn order(&mut self, order: Order, wall: Timestamp) -> std::result::Result<Synced, KeeperEnded> {
        let group = self.give([order], wall)?;
        self.close(group, wall)
    }

    /// It ends in good order.
    ///
    /// # Errors
    /// When the disk fails in that moment.
    pub fn end(self, wall: Timestamp) -> std::result::Result<(), KeeperEnded> {
        let clocks = self.clocks(wall);
        self.keeper.end(clocks)
    }

    /// It dials, and says Hello.
    ///
    /// # Errors
    /// Never for our own messages.
    pub fn dial(&mut self, id: LineId, line: &mut Line, wall: Timestamp) -> Result<()> {
        let figures = self.figures();
        let hello = Hello {
            protocol_min: *PROTOCOLS.start(),
            protocol_max: *PROTOCOLS.end(),
            agent_version: Text::cut("0.0.0-lab"),
            epoch: figures.epoch,
            first_seq: figures.first,
            next_seq: figures.next,
            revision: Revision(1),
            root_version: 1,
            sites: vec![SiteId(0)],
            clock: wall,
        };
        let kept = ToCollector::Kept(self.kept());
        for message in [ToCollector::Open(Stream::Control), kept, ToCollector::Hello(hello)] {
            line.up.control.push_back(message.to_frame()?);
        }
        self.uplink = Uplink::Greeting(id);
        self.packer = Packer::default();
        Ok(())
    }

    fn clocks(&self, wall: Timestamp) -> Clocks {
        Clocks { day: wall, steady: Timestamp(wall.0.saturating_sub(self.clock_set_by_us)).clamped() }
    }

    /// The mark on the disk, as the program reads it.
    fn kept(&self) -> Option<Mark> {
        let text = String::from_utf8(self.disk.read(&Path::new(SPOOL).join(MARK_FILE))?).ok()?;
        text.strip_suffix('\n').filter(|text| text.len() == 32)?.parse().ok()
    }

    /// Keeps a mark, as the program does: with a full disk the one before stays.
    fn keep(&self, mark: Mark) -> std::result::Result<(), KeeperEnded> {
        let path = Path::new(SPOOL).join(MARK_FILE);
        match write_whole_on(self.disk.volume().as_ref(), &path, format!("{mark}\n").as_bytes()) {
            Err(error) if !error.is_full() => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The session is lost; it dials again after its wait.
    ///
    /// # Errors
    /// When the process must end.
    pub fn handle_lost(
        &mut self,
        passed: Duration,
        random: u64,
        wall: Timestamp,
    ) -> std::result::Result<(), KeeperEnded> {
        let lost = match self.uplink {
            Uplink::Standing(_) => Lost::Ended,
            Uplink::Greeting(_) | Uplink::Down(_) => Lost::NotReached,
        };
        self.uplink = Uplink::Down(passed + self.reconnect.handle_lost(lost, random));
        self.last_sent = None;
        self.order(Order::SendingEnded(self.ship.unsent()), wall).map(drop)
    }

    /// The next frame from the collector; none if there is none.
    ///
    /// # Errors
    /// When the session or the process must end.
    pub fn hear(
        &mut self,
        line: &mut Line,
        stream: Stream,
        wall: Timestamp,
    ) -> std::result::Result<Option<Heard>, Stopped> {
        let Some(frame) = line.down.stream(stream).pop_front() else { return Ok(None) };
        let ended = |why: &dyn std::fmt::Display| Stopped::Session(why.to_string());
        let message = heard_by_sensor(&frame).map_err(|why| ended(&why))?;
        match (self.uplink, message) {
            (Uplink::Greeting(_), ToAgent::NewEpoch { committed }) => {
                self.order(Order::SetAside(committed), wall)?;
                Err(ended(&"it is to begin a new spool"))
            }
            (Uplink::Greeting(id), ToAgent::Greeting(greeting)) => {
                let committed = greeting.committed;
                self.keep(greeting.mark)?;
                self.reconnect.handle_session(greeting.reconnect_spread_ms);
                if let Err(broken) = self.ship.handle_session(committed) {
                    if matches!(broken, Broken::RolledBack { .. }) {
                        self.order(Order::SetAside(committed), wall)?;
                    }
                    return Err(ended(&broken));
                }
                self.order(Order::Acknowledged(committed), wall)?;
                self.uplink = Uplink::Standing(id);
                let open = ToCollector::Open(Stream::Alerts).to_frame().map_err(|why| ended(&why))?;
                line.up.alerts.push_back(open);
                Ok(Some(Heard::Committed(committed)))
            }
            (Uplink::Standing(_), ToAgent::Ack { epoch, seq }) => {
                let committed = self.ship.handle_ack(epoch, seq).map_err(|why| ended(&why))?;
                self.order(Order::Acknowledged(committed), wall)?;
                Ok(Some(Heard::Committed(seq)))
            }
            (Uplink::Standing(_), ToAgent::Gap { expected }) => {
                self.ship.handle_gap(expected).map_err(|why| ended(&why))?;
                Ok(Some(Heard::Gap))
            }
            (_, other) => Err(ended(&format!("out of place: {other:?}"))),
        }
    }

    /// Sends what is to be sent now. `vanishes`: the batch never leaves, though it counts as sent. Gives when to look again,
    /// or that a batch was sent.
    ///
    /// # Errors
    /// When the process must end.
    pub fn send(
        &mut self,
        line: &mut Line,
        now: Instant,
        wall: Timestamp,
        vanishes: bool,
    ) -> std::result::Result<Next, Stopped> {
        let figures = self.figures();
        self.ship.handle_durable(figures.next, now);
        let next = self.ship.poll(now);
        let Next::Send(first_seq) = next else { return Ok(next) };
        let (reply, mut answer) = oneshot::channel();
        self.order(Order::Read { from: first_seq, reply }, wall)?;
        let records = answer.try_recv().unwrap_or_default();
        if records.is_empty() {
            return Err(Stopped::Session("the spool gave no records".to_owned()));
        }
        self.ship.handle_sent(first_seq, records.len());
        let batch = Batch { epoch: figures.epoch, first_seq, records };
        if !vanishes {
            self.say(line, batch).map_err(|why| Stopped::Session(why.to_string()))?;
        }
        Ok(next)
    }

    fn say(&mut self, line: &mut Line, batch: Batch) -> Result<()> {
        line.up.alerts.push_back(ToCollector::Compact(self.packer.pack(&batch)).to_frame()?);
        self.last_sent = Some(batch);
        Ok(())
    }

    /// Says the last batch once more.
    ///
    /// # Errors
    /// Never for our own messages.
    pub fn repeat(&mut self, line: &mut Line) -> Result<()> {
        match self.last_sent.take() {
            Some(batch) => self.say(line, batch).context("a batch"),
            None => Ok(()),
        }
    }
}
