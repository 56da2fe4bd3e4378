//! What the collector of a simulation does, and what that means to the sensors and to the oracle.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use varde_common::id::{Epoch, Seq};
use varde_common::message::CloseReason;

use super::collector::{Did, LineId};
use super::world::World;

impl World {
    /// The collector takes the next frame of a connection, if there is one.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn attend(&mut self, id: LineId) -> Result<bool> {
        let (now, wall) = (self.now(), self.wall());
        let Some(line) = self.lines.get_mut(&id) else { return Ok(false) };
        let reads = self.collector.reads(id).iter().copied();
        let Some(stream) = reads.into_iter().find(|stream| !line.up.stream(*stream).is_empty()) else {
            return Ok(false);
        };
        let sensor = self.collector.sensor_of(id);
        let did = self.collector.handle(id, line, stream, now, wall)?;
        if let (Some(sensor), Did::Greeted { epoch, committed } | Did::Acknowledged { epoch, seq: committed }) =
            (sensor, did)
        {
            self.tell(format!("collector: {did:?} to sensor {sensor}"));
            self.look(sensor, epoch, committed)?;
        }
        if let Did::Closed(why) = did {
            self.tell(format!("collector: closes line {id}: {why:?}"));
            if let (CloseReason::Quarantined, Some(sensor)) = (why, sensor) {
                // Where both ends were put back nobody can tell that no copy lives: a person looks, and releases it.
                self.oracle.handle_set_aside(sensor)?;
                // Or the collector dies over it, and the sensor is refused again.
                let _ = self.collector.release(sensor);
            }
            self.break_line(id)?;
        }
        if self.collector.is_dead() {
            self.tell("collector: dies at a commit".to_owned());
            self.restart_collector()?;
        }
        Ok(true)
    }

    /// What the collector has answered is true of the database as others see it.
    fn look(&mut self, sensor: i64, epoch: Epoch, said: Seq) -> Result<()> {
        let (there, committed) = self.collector.position(sensor)?;
        ensure!(there == Some(epoch), "it answered for {epoch}, and has {there:?}");
        ensure!(said <= committed, "it said {said}, and {committed} is committed");
        let rows = self.collector.rows_after(sensor, epoch, self.oracle.committed(sensor, epoch))?;
        self.oracle.handle_committed(sensor, epoch, committed, rows)
    }

    /// The other end of a connection is gone.
    fn break_line(&mut self, id: LineId) -> Result<()> {
        self.collector.forget(id);
        let place = (0..self.sensors.len()).find(|place| {
            let process = self.sensors.get(*place).and_then(|sensor| sensor.process.as_ref());
            process.is_some_and(|process| process.line() == Some(id))
        });
        if let Some(place) = place {
            if let Some(line) = self.lines.get_mut(&id) {
                line.cut(&mut self.random);
            }
            while self.hear(place)? {}
            self.lose(place)?;
        }
        self.lines.remove(&id);
        Ok(())
    }

    /// How far the collector has each sensor's spool.
    ///
    /// # Errors
    /// The database's own.
    pub(super) fn positions(&self) -> Result<BTreeMap<i64, (Epoch, Seq)>> {
        let mut positions = BTreeMap::new();
        for sensor in &self.sensors {
            if let (Some(epoch), committed) = self.collector.position(sensor.id)? {
                positions.insert(sensor.id, (epoch, committed));
            }
        }
        Ok(positions)
    }

    /// The collector dies and starts again.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn restart_collector(&mut self) -> Result<()> {
        self.oracle.counted.collector_faults += 1;
        let broken = self.collector.restart()?;
        self.oracle.handle_rows(self.collector.rows()?, &self.positions()?)?;
        for line in broken {
            self.break_line(line)?;
        }
        Ok(())
    }

    /// There is room on the collector's disk again.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn give_room(&mut self) -> Result<()> {
        match self.collector.set_room(None) {
            Ok(()) => Ok(()),
            // Its one writing connection did not outlive the full disk; a restart makes another.
            Err(_) => self.restart_collector(),
        }
    }

    /// The collector is lost and its copy put in its place, if there is one.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn restore_collector(&mut self) -> Result<()> {
        let Some(broken) = self.collector.restore()? else { return Ok(()) };
        self.tell("collector: restored".to_owned());
        self.oracle.counted.collector_faults += 1;
        self.oracle.handle_restored(self.collector.rows()?, &self.positions()?)?;
        for line in broken {
            self.break_line(line)?;
        }
        Ok(())
    }
}
