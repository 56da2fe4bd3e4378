//! Promise T14 (K1, L2): a collector whose clock was ahead for a while, by mistake, freezes no list and locks no sensor out once it is
//! right again.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_common::time::Timestamp;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::fault::{Shim, turn};
use varde_tests::programs::{PATIENCE, eventually};

const DAY: i64 = 86_400;

/// A collector whose clock is set, and a sensor whose clock is right.
struct Scene {
    _folder: tempfile::TempDir,
    clock: std::path::PathBuf,
    collector: Collector,
    agent: Agent,
    feed: Feed,
}

impl Scene {
    fn new() -> Result<Scene> {
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        let shim = Shim::compile(root)?;
        let clock = root.join("clock");
        let mut collector = Collector::init(&root.join("collector"))?;
        collector.environment(shim.clock(&clock)?);
        collector.start()?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let mut agent = Agent::new(&root.join("agent"), None)?;
        agent.enroll(&collector.token("3407")?)?;
        let feed = Feed::new(&root.join("mirror"))?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        collector.await_in_force(1, 1)?;
        Ok(Scene { _folder: folder, clock, collector, agent, feed })
    }

    /// The collector goes on with a clock that is so far ahead.
    fn start_ahead(&mut self, days: i64) -> Result<()> {
        // A word that comes within a second of the one before is heard and not kept, and the next one comes in an hour.
        let heard = clock::monotonic();
        eventually("a second has passed since the last word", PATIENCE, || {
            Ok((heard.elapsed() > Duration::from_millis(1_500)).then_some(()))
        })?;
        self.collector.stop()?;
        turn(&self.clock, days * DAY)?;
        self.collector.start().map(drop)
    }

    fn trust(&mut self, key: &str) -> Result<Value> {
        self.agent.running()?.still_runs()?;
        let status = self.agent.status()?;
        status["trust"].get(key).cloned().context("no such key")
    }

    /// Waits until the sensor has heard which list is the newest so many days from now.
    fn await_word(&mut self, days: i64) -> Result<()> {
        let now = clock::now().0 / 1_000_000;
        eventually(&format!("a word from {days} days ahead"), PATIENCE, || {
            let told = self.trust("told_at")?;
            let told: Option<Timestamp> = told.as_str().and_then(|at| at.parse().ok());
            let ahead = told.map(|told| (told.0 / 1_000_000 - now) / DAY);
            Ok(ahead.filter(|ahead| (*ahead - days).abs() <= 1).map(drop))
        })
    }

    fn kept(&self) -> Result<Timestamp> {
        let text = std::fs::read_to_string(self.agent.data().join("collector-time"))?;
        text.split_whitespace().next().and_then(|at| at.parse().ok()).context("no time is kept")
    }

    /// A sensor that is started anew knows what the disk holds, and no more.
    fn restart_agent(&mut self, mirror: &Path) -> Result<()> {
        self.agent.kill()?;
        self.feed = Feed::new(mirror)?;
        self.agent.start([OsStr::new("--capture"), self.feed.path().as_os_str()])
    }
}

/// Ahead, seen to be believed as far as it goes, right again: the next list is in force, and no word is held up.
fn ahead_and_back(days: i64) -> Result<()> {
    let mut scene = Scene::new()?;
    scene.start_ahead(days)?;
    scene.await_word(days)?;
    let most = clock::now().plus(Duration::from_secs(61 * DAY as u64));
    let kept = scene.kept()?;
    ensure!(kept <= most, "what has passed by a clock {days} days ahead: {kept}");

    scene.start_ahead(0)?;
    scene.collector.publish("annen.example\n")?;
    scene.collector.await_in_force(1, 2)?;
    scene.await_word(0)?;
    ensure!(scene.trust("freshness")? == "fresh", "{}", scene.agent.status()?);
    // And by what is on disk.
    let mirror = scene.agent.data().with_file_name("mirror-again");
    scene.restart_agent(&mirror)?;
    scene.collector.publish("tredje.example\n")?;
    scene.collector.await_in_force(1, 3)?;
    let refused: Vec<(i64,)> =
        scene.collector.query("SELECT COUNT(*) FROM sensor WHERE refused_revision_at IS NOT NULL")?;
    ensure!(refused == [(0,)], "a list was refused");
    scene.agent.kill()?;
    scene.collector.stop()
}

#[test]
fn k1_t14_a_collector_forty_days_ahead_and_back_freezes_no_list() -> Result<()> {
    ahead_and_back(40)
}

#[test]
fn k1_t14_a_collector_a_hundred_and_seventy_days_ahead_and_back_freezes_no_list() -> Result<()> {
    ahead_and_back(170)
}
