//! Promise P4: a revoked sensor is cut off and stays out, also after the collector has been restarted.

use std::ffi::OsStr;

use anyhow::{Context, Result};
use varde_agent::io::clock;
use varde_common::id::Revision;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::sensor_double::SensorDouble;
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

#[test]
fn p4_a_revoked_sensor_is_cut_off_and_stays_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    for (number, name) in [("3407", "Gjøvik"), ("3403", "Hamar")] {
        collector.add_member(number, name)?;
    }
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    let line = collector.sensors()?.into_iter().find(|sensor| sensor.connected).context("nobody is connected")?;

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let token = collector.token("3403")?;
    let (other, session) = runtime.block_on(async {
        let other = SensorDouble::enrol(&token).await?;
        let session = other.connect(Revision(0)).await?;
        anyhow::Ok((other, session))
    })?;

    collector.ask(["sensor", "revoke", &line.id.to_string()])?;
    eventually("the revoked sensor's session has ended", PATIENCE, || {
        let sensors = collector.sensors()?;
        let there = sensors.iter().find(|sensor| sensor.id == line.id).is_some_and(|sensor| sensor.connected);
        Ok((!there).then_some(()))
    })?;
    let stored = of_sensor(&collector, line.id)?;
    let mut traffic = Traffic::starting(clock::now());
    for host in 1..=20 {
        let question = Question { id: host, name: "vond.example", qtype: rtype::A };
        let client = std::net::SocketAddr::from(([10, 1, 0, host as u8 + 100], 40_000));
        traffic.lookup(
            client,
            "10.1.0.53:53".parse()?,
            question,
            &Outcome::address("vond.example", [198, 51, 100, 9].into()),
        );
    }
    let before = agent.taken()?.len();
    feed.send(&traffic.packets)?;
    let taken = || Ok((agent.taken()?.len() >= before + 20).then_some(()));
    eventually("its hits are taken but go nowhere", PATIENCE, taken)?;

    // Another sensor comes and goes as before, so the collector was there all the while.
    drop(session);
    runtime.block_on(other.connect(Revision(0))).context("a sensor that was not revoked is let in")?;
    collector.stop()?;
    collector.start()?;
    runtime.block_on(other.connect(Revision(0))).context("and after a restart")?;
    eventually("it has tried again after the restart", PATIENCE, || {
        agent.running()?.still_runs()?;
        let log = agent.log().to_lowercase();
        Ok((log.contains("revoked") || log.contains("refused")).then_some(()))
    })?;
    assert_eq!(of_sensor(&collector, line.id)?, stored, "a revoked sensor's records were stored");
    let sensors = collector.sensors()?;
    assert!(sensors.iter().all(|sensor| sensor.id != line.id || !sensor.connected), "{sensors:?}");
    agent.kill()?;
    collector.stop()
}

fn of_sensor(collector: &Collector, sensor: u64) -> Result<usize> {
    Ok(collector.records()?.iter().filter(|record| record.sensor == sensor as i64).count())
}

#[test]
fn p4_a_revoked_sensor_is_told_so_and_refused_at_every_later_attempt() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let token = collector.token("3407")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let sensor = runtime.block_on(SensorDouble::enrol(&token))?;
    let session = runtime.block_on(sensor.connect(Revision(0)))?;
    collector.ask(["sensor", "revoke", &sensor.sensor.to_string()])?;
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, session.closed()).await });
    println!("the session ended with: {}", ended.context("the session was not ended")?);
    for _ in 0..2 {
        for attempt in 0..3 {
            assert!(runtime.block_on(sensor.connect(Revision(0))).is_err(), "attempt {attempt} was let in");
        }
        collector.stop()?;
        collector.start()?;
    }
    assert!(runtime.block_on(SensorDouble::enrol(&token)).is_err(), "its used token enrolled again");
    collector.stop()
}
