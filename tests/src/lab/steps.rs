//! What may happen in a step, and how often.

use std::time::Duration;

use anyhow::Result;
use varde_agent::io::disk::keeper::Order;
use varde_agent::sensor::{AlertId, Statement};
use varde_common::alert::{AlertOpened, AlertUpdated, Circumstances, CrowdOpened, CrowdUpdated, Evidence, Where, Zone};
use varde_common::id::{IndicatorId, Seq};
use varde_common::indicator::Severity;
use varde_common::observation::Protocol;
use varde_common::record::RecordBody;

use super::oracle::{BEGAN, Said};
use super::sensor::{Process, Sensor, Uplink, places_on};
use super::world::World;
use crate::model_disk::{CRASHES, Crash, Fault};
use crate::spool_story::alert;

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A sensor states something, and syncs.
    State,
    /// Frames move, anywhere.
    Move,
    /// A sensor states much, most of it of many hosts told of together.
    Storm,
    /// A sensor states something, and dies before the sync.
    DieUnsynced,
    Cut,
    PowerFails,
    Killed,
    Stopped,
    SyncFails,
    WriteFails,
    DiskFull,
    DiskRoom,
    ClockSet,
    TimePasses,
    CollectorDiesAtCommit,
    CollectorKilled,
    CollectorFull,
    CollectorRoom,
    BackUp,
    Restore,
    Snapshot,
    RollBack,
    /// A batch arrives twice.
    Repeat,
    /// A batch counts as sent and never leaves.
    Vanish,
}

/// Each with its share of 1,000; moving and stating take the rest.
const SHARES: [(Step, u64); 22] = [
    (Step::Storm, 6),
    (Step::DieUnsynced, 15),
    (Step::Cut, 40),
    (Step::PowerFails, 30),
    (Step::Killed, 15),
    (Step::Stopped, 15),
    (Step::SyncFails, 12),
    (Step::WriteFails, 8),
    (Step::DiskFull, 25),
    (Step::DiskRoom, 25),
    (Step::ClockSet, 12),
    (Step::TimePasses, 30),
    (Step::CollectorDiesAtCommit, 20),
    (Step::CollectorKilled, 10),
    (Step::CollectorFull, 8),
    (Step::CollectorRoom, 12),
    (Step::BackUp, 12),
    (Step::Restore, 8),
    (Step::Snapshot, 12),
    (Step::RollBack, 8),
    (Step::Repeat, 25),
    (Step::Vanish, 25),
];

impl World {
    /// Something happens.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn step(&mut self) -> Result<()> {
        let mut drawn = self.random.below(1_000);
        let mut chosen = None;
        for (step, share) in SHARES {
            if drawn < share {
                chosen = Some(step);
                break;
            }
            drawn -= share;
        }
        let step = chosen.unwrap_or(if self.random.percent(35) { Step::State } else { Step::Move });
        let place = self.random.below(self.sensors.len() as u64) as usize;
        let span = self.random.within(1, 200);
        self.pass(Duration::from_millis(span));
        self.take(step, place)
    }

    fn take(&mut self, step: Step, place: usize) -> Result<()> {
        if !matches!(step, Step::Move | Step::State) {
            self.tell(format!("{step:?} (sensor {})", place + 1));
        }
        match step {
            Step::State => {
                let said = self.draw_statements(place);
                self.state(place, &said)
            }
            Step::Storm => self.storm(place),
            Step::DieUnsynced => self.die_unsynced(place),
            Step::Move => {
                for _ in 0..self.random.within(1, 12) {
                    self.move_something()?;
                }
                Ok(())
            }
            Step::Cut => self.cut(place),
            Step::PowerFails => {
                let crash = self.random.one_of(&CRASHES).copied().unwrap_or(Crash::Draws);
                self.crash_disk(place, crash);
                self.start(place)
            }
            Step::Killed => {
                self.crash_disk(place, Crash::KeepsAll);
                self.start(place)
            }
            Step::Stopped => self.stop(place),
            Step::SyncFails => self.break_disk(place, Fault::Sync),
            Step::WriteFails => self.break_disk(place, Fault::Write),
            Step::DiskFull => {
                let (left, write, meanwhile) =
                    (self.random.below(1_200), self.random.below(50), self.random.percent(40));
                if let Some(sensor) = self.sensors.get(place) {
                    if meanwhile {
                        // By another program, in the middle of whatever it writes next: also of a spool that is taken over.
                        sensor.disk.fail(Fault::Filled(write));
                    } else {
                        sensor.disk.set_capacity(Some(sensor.disk.used() + left));
                    }
                }
                Ok(())
            }
            Step::DiskRoom => {
                if let Some(sensor) = self.sensors.get(place) {
                    sensor.disk.set_capacity(None);
                }
                Ok(())
            }
            Step::ClockSet => self.set_clock(place),
            Step::TimePasses => {
                let seconds = if self.random.percent(20) { 7_200 } else { 90 };
                let span = Duration::from_secs(self.random.below(seconds));
                self.pass(span);
                Ok(())
            }
            Step::CollectorDiesAtCommit => {
                self.collector.die_after(Some(self.random.below(3) as i64));
                Ok(())
            }
            Step::CollectorKilled => self.restart_collector(),
            Step::CollectorFull => {
                let pages = self.random.below(3) as i64;
                // One that is full already stays so.
                let _ = self.collector.set_room(Some(pages));
                Ok(())
            }
            Step::CollectorRoom => self.give_room(),
            Step::BackUp => self.collector.back_up(),
            Step::Restore => self.restore_collector(),
            Step::Snapshot => {
                let seed = self.random.next_u64();
                // A copy made while a spool set aside waits to be taken over is a limit that SECURITY.md names.
                let waits = |sensor: &Sensor| sensor.holds().beside.iter().any(|beside| !beside.done);
                if let Some(sensor) = self.sensors.get_mut(place)
                    && !waits(sensor)
                {
                    sensor.snapshot = Some(sensor.disk.crashed(Crash::KeepsAll, seed));
                    let (spool, aside) = sensor.places();
                    self.oracle.handle_copied(sensor.id, &aside.with(&spool))?;
                }
                Ok(())
            }
            Step::RollBack => self.roll_back(place),
            Step::Repeat => self.repeat(place),
            Step::Vanish => self.send(place, true).map(drop),
        }
    }

    fn process(&mut self, place: usize) -> Option<&mut Process> {
        self.sensors.get_mut(place)?.process.as_mut()
    }

    /// What a sensor may state next.
    pub(super) fn draw_statements(&mut self, place: usize) -> Vec<Said> {
        let many = self.random.within(1, 8);
        self.draw_said(place, many, 15)
    }

    /// So many statements; of the alerts that they open so many in a hundred stand for many hosts.
    fn draw_said(&mut self, place: usize, many: u64, crowds: u64) -> Vec<Said> {
        let Some(process) = self.sensors.get_mut(place).and_then(|sensor| sensor.process.as_mut()) else {
            return Vec::new();
        };
        let mut said = Vec::new();
        for _ in 0..many {
            self.statements += 1;
            let more = self.random.percent(40) && !process.open.is_empty();
            if !more {
                process.opened += 1;
                let hosts = self.random.percent(crowds).then(|| self.random.within(2, 40));
                process.open.push((AlertId(process.opened), hosts));
            }
            let newest = process.open.len() as u64;
            let which = if more { self.random.below(newest) } else { newest - 1 };
            let Some((alert, hosts)) = process.open.get_mut(which as usize) else { continue };
            if more && let Some(hosts) = hosts {
                *hosts += self.random.below(9);
            }
            let count = self.random.within(1, 9);
            said.push(Said { number: self.statements, alert: *alert, opens: !more, count, hosts: *hosts });
        }
        said
    }

    /// More matches than can be told host by host: group after group, mostly of many hosts told of together, more than the
    /// spool has room for.
    fn storm(&mut self, place: usize) -> Result<()> {
        for _ in 0..self.random.within(2, 6) {
            let many = self.random.within(8, 24);
            let said = self.draw_said(place, many, 60);
            self.state(place, &said)?;
            if self.random.percent(30) {
                self.move_something()?;
            }
        }
        Ok(())
    }

    fn orders(&mut self, said: &[Said]) -> Vec<Order> {
        said.iter().map(|one| Order::Statement(self.statement(one))).collect()
    }

    fn statement(&mut self, said: &Said) -> Statement {
        let seen = BEGAN.plus(Duration::from_micros(said.number));
        let severity = Severity::from_level(self.random.below(5) as u8);
        let client = self.random.percent(50).then(|| [10, 0, 0, self.random.within(1, 9) as u8].into());
        if said.opens
            && let RecordBody::Opened(mut body) = alert(self.random.within(1, 3), severity).body
        {
            body.indicator = IndicatorId(self.random.within(1, 3));
            (body.first_seen, body.last_seen, body.count) = (seen, seen, said.count);
            return match said.hosts {
                None => Statement::Opened { alert: said.alert, client, body },
                Some(hosts) => {
                    let body =
                        CrowdOpened { opened: AlertOpened { client: None, zone: Zone::default(), ..body }, hosts };
                    Statement::CrowdOpened { alert: said.alert, body }
                }
            };
        }
        let body = AlertUpdated {
            alert: Seq(0),
            count_increase: said.count,
            first_seen: seen,
            last_seen: seen,
            evidence: Evidence::Contacted,
            circumstances: Circumstances::default(),
            seen_at: Where { server: None, port: None, protocol: Protocol::TCP },
            regularity: None,
            closed: false,
        };
        match said.hosts {
            None => Statement::Updated { alert: said.alert, body },
            Some(hosts) => Statement::CrowdUpdated { alert: said.alert, body: CrowdUpdated { updated: body, hosts } },
        }
    }

    /// A sensor makes these statements and syncs.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn state(&mut self, place: usize, said: &[Said]) -> Result<()> {
        let (orders, wall) = (self.orders(said), self.wall_of(place));
        let Some(sensor) = self.sensors.get_mut(place) else { return Ok(()) };
        let (id, Some(process)) = (sensor.id, sensor.process.as_mut()) else { return Ok(()) };
        let (spool, aside) = places_on(&sensor.disk);
        self.oracle.handle_written(id, said, &aside.with(&spool));
        let synced = match process.give(orders, wall).and_then(|group| process.close(group, wall)) {
            Ok(synced) => synced,
            Err(ended) => return self.ended(place, ended),
        };
        let epoch = process.figures().epoch;
        let (spool, aside) = sensor.places();
        self.oracle.handle_synced(id, epoch, said, synced, &spool.with(&aside))?;
        if !said.is_empty() {
            self.tell(format!("sensor {id}: {synced:?}"));
        }
        Ok(())
    }

    fn die_unsynced(&mut self, place: usize) -> Result<()> {
        let said = self.draw_statements(place);
        let (orders, wall) = (self.orders(&said), self.wall_of(place));
        let Some(sensor) = self.sensors.get(place) else { return Ok(()) };
        let (spool, aside) = sensor.places();
        self.oracle.handle_written(sensor.id, &said, &aside.with(&spool));
        if let Some(process) = self.process(place)
            && let Err(ended) = process.give(orders, wall)
        {
            return self.ended(place, ended);
        }
        self.crash_disk(place, Crash::KeepsAll);
        self.start(place)
    }

    fn move_something(&mut self) -> Result<()> {
        let place = self.random.below(self.sensors.len() as u64) as usize;
        match self.random.below(5) {
            0 => {
                let at = match self.process(place).map(|process| process.uplink) {
                    Some(Uplink::Down(at)) => at,
                    _ => return Ok(()),
                };
                if at > self.passed && self.random.percent(30) {
                    self.pass(at - self.passed);
                }
                self.dial(place).map(drop)
            }
            1 => self.send(place, false).map(drop),
            2 | 3 => {
                let lines: Vec<u64> = self.lines.keys().copied().collect();
                match self.random.one_of(&lines).copied() {
                    Some(line) => self.attend(line).map(drop),
                    None => Ok(()),
                }
            }
            _ => self.hear(place).map(drop),
        }
    }

    pub(super) fn stop(&mut self, place: usize) -> Result<()> {
        let wall = self.wall_of(place);
        self.drop_line(place);
        let process = self.sensors.get_mut(place).and_then(|sensor| sensor.process.take());
        if let Some(process) = process
            && let Err(ended) = process.end(wall)
        {
            return self.ended(place, ended);
        }
        self.start(place)
    }

    fn break_disk(&mut self, place: usize, fault: fn(u64) -> Fault) -> Result<()> {
        let after = self.random.below(8);
        if let Some(sensor) = self.sensors.get(place) {
            sensor.disk.fail(fault(after));
        }
        Ok(())
    }

    fn set_clock(&mut self, place: usize) -> Result<()> {
        const YEAR_US: i64 = 365 * 86_400 * 1_000_000;
        let offs = [0, 3_600_000_000, -3_600_000_000, 10 * YEAR_US, -10 * YEAR_US];
        let off = self.random.one_of(&offs).copied().unwrap_or(0);
        if let Some(sensor) = self.sensors.get_mut(place) {
            if let Some(process) = sensor.process.as_mut() {
                process.clock_set_by_us += off - sensor.clock_off_us;
            }
            sensor.clock_off_us = off;
        }
        self.pass(Duration::ZERO);
        Ok(())
    }

    fn roll_back(&mut self, place: usize) -> Result<()> {
        let seed = self.random.next_u64();
        let Some(sensor) = self.sensors.get_mut(place) else { return Ok(()) };
        let Some(snapshot) = &sensor.snapshot else { return Ok(()) };
        let (id, disk) = (sensor.id, snapshot.crashed(Crash::KeepsAll, seed));
        self.forget_lines(place);
        self.put_disk(place, disk);
        if let Some(sensor) = self.sensors.get(place) {
            let (spool, aside) = sensor.places();
            self.oracle.handle_rolled_back(id, &spool.with(&aside));
        }
        self.start(place)
    }

    fn repeat(&mut self, place: usize) -> Result<()> {
        let Some(sensor) = self.sensors.get_mut(place) else { return Ok(()) };
        let Some(process) = sensor.process.as_mut() else { return Ok(()) };
        let Uplink::Standing(id) = process.uplink else { return Ok(()) };
        match self.lines.get_mut(&id) {
            Some(line) => process.repeat(line),
            None => Ok(()),
        }
    }
}
