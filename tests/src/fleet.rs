//! Many sensor doubles at one real collector.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;
use varde_agent::io::clock;
use varde_common::id::Revision;

use crate::community::Collector;
use crate::programs::PATIENCE;
use crate::sensor_double::{SensorDouble, Session};

/// Members the sensors are spread over.
const MEMBERS: [(&str, &str); 5] =
    [("3407", "Gjøvik"), ("3403", "Hamar"), ("1103", "Stavanger"), ("1505", "Kristiansund"), ("3301", "Drammen")];

/// A collector and its connected doubles.
pub struct Fleet {
    collector: Collector,
    runtime: Runtime,
    sensors: Vec<(SensorDouble, Session)>,
}

impl Fleet {
    /// Starts a collector, enrols `sensors` doubles and connects them all.
    ///
    /// # Errors
    /// When one of them is not let in.
    pub fn connected(data: &Path, sensors: usize) -> Result<Fleet> {
        let members: Vec<(String, String)> =
            MEMBERS.iter().map(|(number, name)| ((*number).to_owned(), (*name).to_owned())).collect();
        Fleet::of_members(data, &members, sensors)
    }

    /// The same with members of the caller's, each a number and a name.
    ///
    /// # Errors
    /// When one of them is not let in.
    pub fn of_members(data: &Path, members: &[(String, String)], sensors: usize) -> Result<Fleet> {
        let mut collector = Collector::init(data)?;
        collector.start()?;
        members.iter().try_for_each(|(number, name)| collector.add_member(number, name))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let mut fleet = Fleet { collector, runtime, sensors: Vec::new() };
        for ((number, _), index) in members.iter().cycle().zip(0..sensors) {
            let token = fleet.collector.token(number)?;
            let sensor = fleet.runtime.block_on(async {
                let sensor = SensorDouble::enrol(&token).await?;
                let session = sensor.connect(Revision(0)).await?;
                anyhow::Ok((sensor, session))
            });
            fleet.sensors.push(sensor.with_context(|| format!("sensor {index} of {sensors}"))?);
        }
        Ok(fleet)
    }

    /// The collector.
    pub fn collector(&self) -> &Collector {
        &self.collector
    }

    /// The collector, its runtime and all sensors with their sessions, for who has more to do with them.
    pub fn into_parts(self) -> (Collector, Runtime, Vec<(SensorDouble, Session)>) {
        (self.collector, self.runtime, self.sensors)
    }

    /// Imports and publishes; gives how long after the command began each sensor had the list in force, sorted, once the
    /// collector knows it of all of them.
    ///
    /// # Errors
    /// When a sensor does not get the list, or gets another.
    pub fn publish(&mut self, indicators: &str, revision: u64) -> Result<Vec<Duration>> {
        let began = clock::monotonic();
        let waiting: Vec<_> = self
            .sensors
            .drain(..)
            .map(|(sensor, mut session)| {
                self.runtime.spawn(async move {
                    let list = tokio::time::timeout(PATIENCE, session.next_list(sensor.root())).await;
                    let got = list.context("no list came")??;
                    ensure!(got == Revision(revision), "revision {got}, not {revision}");
                    Ok((began.elapsed(), sensor, session))
                })
            })
            .collect();
        self.collector.publish(indicators)?;
        let mut times = Vec::new();
        for task in waiting {
            let (time, sensor, session) = self.runtime.block_on(task)??;
            times.push(time);
            self.sensors.push((sensor, session));
        }
        self.collector.await_in_force(times.len(), revision)?;
        times.sort_unstable();
        Ok(times)
    }

    /// Disconnects all and stops the collector.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(mut self) -> Result<()> {
        self.sensors.clear();
        self.collector.stop()
    }
}
