//! A simulation's whole world: who is there, which connections stand, what time it is; and what each move of it means to the
//! oracle.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use varde_agent::io::clock;
use varde_agent::io::disk::keeper::KeeperEnded;
use varde_agent::ship::Next;
use varde_common::message::Stream;
use varde_common::time::Timestamp;

use super::collector::{Collector, LineId};
use super::counted::Counted;
use super::line::{Line, committed_in};
use super::oracle::{BEGAN, Oracle};
use super::sensor::{Heard, Process, Sensor, Stopped, Uplink, places_on};
use crate::model_disk::{Crash, ModelDisk};
use crate::random::Random;

/// Lines of a story kept for a failure.
const LATELY: usize = 25;
/// Rounds in which everybody must have come to rest.
const ROUNDS_MAX: usize = 1_000;

/// The world.
#[derive(Debug)]
pub struct World {
    /// Draws everything.
    pub random: Random,
    /// The sensors.
    pub sensors: Vec<Sensor>,
    /// The collector.
    pub collector: Collector,
    /// Connections that carry something.
    pub lines: BTreeMap<LineId, Line>,
    /// The truth.
    pub oracle: Oracle,
    /// What has passed.
    pub passed: Duration,
    /// The last number given to a statement.
    pub statements: u64,
    began: Instant,
    next_line: LineId,
    told: VecDeque<String>,
    verbose: bool,
    _hosts: TempDir,
}

impl World {
    /// As it begins: two to four sensors, all running, none connected.
    ///
    /// # Errors
    /// The database's own.
    pub fn new(seed: u64, verbose: bool) -> Result<World> {
        let mut random = Random::seeded(seed);
        let hosts = tempfile::tempdir()?;
        let count = random.within(2, 4) as i64;
        let sensors = (1..=count).map(|id| {
            let spool_octets = random.within(2_500, 12_000);
            Sensor::new(id, random.next_u64(), spool_octets, hosts.path())
        });
        let sensors = sensors.collect();
        let mut world = World {
            random,
            sensors,
            collector: Collector::new(count)?,
            lines: BTreeMap::new(),
            oracle: Oracle::default(),
            passed: Duration::ZERO,
            statements: 0,
            began: clock::monotonic(),
            next_line: 1,
            told: VecDeque::new(),
            verbose,
            _hosts: hosts,
        };
        for place in 0..world.sensors.len() {
            world.start(place)?;
        }
        Ok(world)
    }

    /// What happened last.
    pub fn lately(&self) -> Vec<String> {
        self.told.iter().cloned().collect()
    }

    /// Something happened.
    pub fn tell(&mut self, what: String) {
        if self.verbose {
            println!("{:>10.3} s  {what}", self.passed.as_secs_f64());
        }
        if self.told.len() == LATELY {
            self.told.pop_front();
        }
        self.told.push_back(what);
    }

    /// The clock that only goes forward.
    pub fn now(&self) -> Instant {
        self.began + self.passed
    }

    /// The right time.
    pub fn wall(&self) -> Timestamp {
        BEGAN.plus(self.passed)
    }

    /// What a sensor's clock says.
    pub fn wall_of(&self, place: usize) -> Timestamp {
        let off = self.sensors.get(place).map_or(0, |sensor| sensor.clock_off_us);
        Timestamp(self.wall().0.saturating_add(off)).clamped()
    }

    /// Time passes.
    pub fn pass(&mut self, span: Duration) {
        self.passed += span;
        for place in 0..self.sensors.len() {
            let wall = self.wall_of(place);
            if let Some(sensor) = self.sensors.get(place) {
                sensor.disk.set_time(wall);
            }
        }
    }

    /// A sensor and its process, if it runs.
    fn running(&mut self, place: usize) -> Option<(i64, &mut Process)> {
        let sensor = self.sensors.get_mut(place)?;
        let id = sensor.id;
        sensor.process.as_mut().map(|process| (id, process))
    }

    /// The process of a sensor starts, and again if a fault meets it in that.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn start(&mut self, place: usize) -> Result<()> {
        let wall = self.wall_of(place);
        for _ in 0..100 {
            let dial_at = self.passed;
            let Some(sensor) = self.sensors.get_mut(place) else { return Ok(()) };
            match sensor.start(dial_at, wall) {
                Ok(()) => {
                    let id = sensor.id;
                    let (spool, aside) = sensor.places();
                    return self.oracle.handle_started(id, &spool, &aside);
                }
                Err(KeeperEnded::Disk(error)) if error.is_full() => {
                    bail!("a full disk keeps it from starting: {error}")
                }
                Err(_) => self.crash_disk(place, Crash::Draws),
            }
        }
        bail!("it does not start")
    }

    /// A process is gone; its disk is found as after this crash.
    pub fn crash_disk(&mut self, place: usize, crash: Crash) {
        let seed = self.random.next_u64();
        self.drop_line(place);
        self.oracle.counted.crashes += 1;
        if let Some(sensor) = self.sensors.get_mut(place) {
            sensor.process = None;
            let capacity = sensor.disk.capacity();
            sensor.disk = sensor.disk.crashed(crash, seed);
            sensor.disk.set_capacity(capacity);
        }
    }

    /// Puts a disk in a sensor's machine.
    pub fn put_disk(&mut self, place: usize, disk: ModelDisk) {
        self.drop_line(place);
        if let Some(sensor) = self.sensors.get_mut(place) {
            sensor.process = None;
            sensor.disk = disk;
        }
    }

    /// The connection of a sensor breaks from its side: a beginning of what it sent may still arrive.
    pub fn drop_line(&mut self, place: usize) {
        let Some((_, process)) = self.running(place) else { return };
        if let Some(line) = process.line().and_then(|line| self.lines.get_mut(&line)) {
            line.cut(&mut self.random);
            line.down.control.clear();
            line.down.alerts.clear();
        }
    }

    /// The same, and nothing of it arrives.
    pub fn forget_lines(&mut self, place: usize) {
        let Some(sensor) = self.sensors.get(place) else { return };
        for line in self.collector.lines_of(sensor.id) {
            self.collector.forget(line);
            self.lines.remove(&line);
        }
    }

    /// A process ended, in the middle of something.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn ended(&mut self, place: usize, ended: KeeperEnded) -> Result<()> {
        self.tell(format!("sensor {}: {ended}", place + 1));
        match ended {
            KeeperEnded::Disk(error) if error.is_full() => bail!("a full disk ended a process: {error}"),
            KeeperEnded::Disk(_) => {
                let crash = if self.random.percent(50) { Crash::Draws } else { Crash::KeepsAll };
                self.crash_disk(place, crash);
            }
            KeeperEnded::SetAside(_) => {
                let id = self.sensors.get(place).map_or(0, |sensor| sensor.id);
                self.oracle.handle_set_aside(id)?;
                self.drop_line(place);
                if let Some(sensor) = self.sensors.get_mut(place) {
                    sensor.process = None;
                }
            }
        }
        self.start(place)
    }

    /// What stopped a session or a process has its consequences.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn stopped(&mut self, place: usize, stopped: Stopped) -> Result<()> {
        match stopped {
            Stopped::Process(ended) => self.ended(place, ended),
            Stopped::Session(why) => {
                self.tell(format!("sensor {}: session over: {why}", place + 1));
                self.drop_line(place);
                self.lose(place)
            }
        }
    }

    /// A sensor learns that its session is lost.
    pub(super) fn lose(&mut self, place: usize) -> Result<()> {
        let (passed, random, wall) = (self.passed, self.random.next_u64(), self.wall_of(place));
        let Some((_, process)) = self.running(place) else { return Ok(()) };
        if process.line().is_none() {
            return Ok(());
        }
        match process.handle_lost(passed, random, wall) {
            Ok(()) => Ok(()),
            Err(ended) => self.ended(place, ended),
        }
    }

    /// The network breaks a connection: what was under way arrives up to somewhere, either way.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn cut(&mut self, place: usize) -> Result<()> {
        let Some((_, process)) = self.running(place) else { return Ok(()) };
        let Some(id) = process.line() else { return Ok(()) };
        self.oracle.counted.cuts += 1;
        self.tell(format!("sensor {}: cut", place + 1));
        if let Some(line) = self.lines.get_mut(&id) {
            line.cut(&mut self.random);
        }
        while self.hear(place)? {}
        self.lose(place)
    }

    /// It dials, if it is time to.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn dial(&mut self, place: usize) -> Result<bool> {
        let (passed, wall, id) = (self.passed, self.wall_of(place), self.next_line);
        let Some((sensor, process)) = self.running(place) else { return Ok(false) };
        if !matches!(process.uplink, Uplink::Down(at) if at <= passed) {
            return Ok(false);
        }
        let mut line = Line::default();
        process.dial(id, &mut line, wall)?;
        self.next_line += 1;
        // Of a connection that another takes the place of, at most one batch is still being stored.
        for older in self.collector.lines_of(sensor) {
            let still = self.random.below(2) as usize;
            match self.lines.get_mut(&older) {
                Some(line) if still > 0 && !line.up.alerts.is_empty() => {
                    line.up.control.clear();
                    line.up.alerts.truncate(still);
                }
                Some(_) | None => {
                    self.collector.forget(older);
                    self.lines.remove(&older);
                }
            }
        }
        self.lines.insert(id, line);
        self.collector.accept(id, sensor);
        self.tell(format!("sensor {sensor}: dials, line {id}"));
        Ok(true)
    }

    /// It sends a batch, if it is time to. Gives when to look again.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn send(&mut self, place: usize, vanishes: bool) -> Result<Next> {
        let (now, wall) = (self.now(), self.wall_of(place));
        let Some(sensor) = self.sensors.get_mut(place) else { return Ok(Next::Wait) };
        let Some(process) = sensor.process.as_mut() else { return Ok(Next::Wait) };
        let Uplink::Standing(id) = process.uplink else { return Ok(Next::Wait) };
        let line = self.lines.get_mut(&id).context("a session without a line")?;
        match process.send(line, now, wall, vanishes) {
            Ok(next) => {
                if let Next::Send(seq) = next {
                    self.tell(format!(
                        "sensor {}: sends from {seq}{}",
                        place + 1,
                        if vanishes { ", in vain" } else { "" }
                    ));
                }
                Ok(next)
            }
            Err(stopped) => self.stopped(place, stopped).map(|()| Next::Wait),
        }
    }

    /// It hears a frame, if there is one.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn hear(&mut self, place: usize) -> Result<bool> {
        let wall = self.wall_of(place);
        let Some(sensor) = self.sensors.get_mut(place) else { return Ok(false) };
        let (id, Some(process)) = (sensor.id, sensor.process.as_mut()) else { return Ok(false) };
        let epoch = process.figures().epoch;
        for stream in [Stream::Control, Stream::Alerts] {
            let Some(line) = process.line().and_then(|line| self.lines.get_mut(&line)) else { return Ok(false) };
            if let Some(committed) = line.down.stream(stream).front().and_then(|frame| committed_in(frame)) {
                let (spool, aside) = places_on(&sensor.disk);
                self.oracle.handle_disk(id, &aside.with(&spool))?;
                self.oracle.handle_hearing(id, epoch, committed);
            }
            match process.hear(line, stream, wall) {
                Ok(None) => {}
                Ok(Some(heard)) => {
                    match heard {
                        Heard::Committed(seq) => {
                            self.oracle.handle_heard(id, epoch, seq);
                            self.tell(format!("sensor {id}: hears {seq}"));
                        }
                        Heard::Gap => {
                            self.oracle.counted.gaps += 1;
                            self.tell(format!("sensor {id}: hears of a gap"));
                        }
                    }
                    return Ok(true);
                }
                Err(stopped) => return self.stopped(place, stopped).map(|()| true),
            }
        }
        Ok(false)
    }

    /// No more faults: everybody reconnects and comes to rest, and the books are closed.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn end(&mut self) -> Result<Counted> {
        self.tell("no more faults".to_owned());
        self.collector.die_after(None);
        self.give_room()?;
        for place in 0..self.sensors.len() {
            if let Some(sensor) = self.sensors.get(place) {
                sensor.disk.set_capacity(None);
                sensor.disk.mend();
            }
            // What was set aside while the disk was full is taken over at a start.
            self.stop(place)?;
            // What vanished on a connection that stands is asked for only when something comes after it.
            self.cut(place)?;
        }
        self.come_to_rest()?;
        // A batch that never arrived is sent again within its session once something comes after it.
        let lines = self.standing();
        for place in 0..self.sensors.len() {
            for vanishes in [true, false] {
                let said = self.draw_statements(place);
                self.state(place, &said)?;
                self.send(place, vanishes)?;
            }
        }
        self.come_to_rest()?;
        ensure!(self.standing() == lines, "a session ended although nothing was wrong");
        self.oracle.handle_rows(self.collector.rows()?, &self.positions()?)?;
        let places = self.sensors.iter().map(|sensor| (sensor.id, sensor.holds())).collect();
        self.oracle.handle_end(&places, &self.collector.counts()?)?;
        Ok(self.oracle.counted)
    }

    fn come_to_rest(&mut self) -> Result<()> {
        let mut rounds = 0;
        while !self.is_at_rest() {
            rounds += 1;
            ensure!(rounds < ROUNDS_MAX, "it does not come to rest: {:?}", self.unrest());
            self.round()?;
        }
        Ok(())
    }

    fn standing(&self) -> Vec<Option<LineId>> {
        self.sensors.iter().map(|sensor| sensor.process.as_ref().and_then(Process::line)).collect()
    }

    fn round(&mut self) -> Result<()> {
        for place in 0..self.sensors.len() {
            self.state(place, &[])?;
            self.dial(place)?;
            while matches!(self.send(place, false)?, Next::Send(_)) {}
        }
        for line in self.lines.keys().copied().collect::<Vec<_>>() {
            while self.attend(line)? {}
        }
        for place in 0..self.sensors.len() {
            while self.hear(place)? {}
        }
        self.pass(Duration::from_secs(1));
        Ok(())
    }

    fn is_at_rest(&self) -> bool {
        self.sensors.iter().all(|sensor| sensor.process.as_ref().is_some_and(Process::is_delivered))
    }

    fn unrest(&self) -> Vec<String> {
        let sensors =
            self.sensors.iter().filter_map(|sensor| sensor.process.as_ref().map(|process| (sensor.id, process)));
        sensors.map(|(id, process)| format!("sensor {id}: {:?}, {:?}", process.uplink, process.figures())).collect()
    }
}
