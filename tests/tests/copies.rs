//! Promise P5: a sensor that was set back to an older state, and one of which a copy lives, are recognised, told in words,
//! and count nothing twice; what one found in quarantine arrives once it is released.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_tests::capture::{Format, write};
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

/// What each life of a sensor looks up: hosts never used before, so that each is an alert with a count of one.
fn capture(path: &Path, next_host: &mut u64, lookups: u64) -> Result<()> {
    let place = Municipality { number: 9 };
    let mut traffic = Traffic::starting(clock::now());
    for _ in 0..lookups {
        let client = std::net::SocketAddr::new(place.client(*next_host), 40_000);
        let question = Question { id: *next_host as u16, name: "vond.example", qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address("vond.example", [198, 51, 100, 9].into()));
        *next_host += 1;
    }
    write(path, Format::USUAL, &traffic.packets)
}

/// A machine on which the sensor, or a copy of it, lives; it reads a capture and ends once all is acknowledged.
struct Machine {
    agent: Agent,
    lives: u32,
}

impl Machine {
    fn start(&mut self, next_host: &mut u64, lookups: u64) -> Result<()> {
        self.lives += 1;
        let file = self.agent.data().with_extension(format!("{}.pcap", self.lives));
        capture(&file, next_host, lookups)?;
        self.again()
    }

    /// Reads the last capture once more.
    fn again(&mut self) -> Result<()> {
        let file = self.agent.data().with_extension(format!("{}.pcap", self.lives));
        self.agent.start([OsStr::new("--capture"), file.as_os_str()])
    }

    fn works(&mut self, next_host: &mut u64, lookups: u64) -> Result<()> {
        self.start(next_host, lookups)?;
        self.agent.wait()
    }

    /// Waits until it ends because its spool was set aside, as it was told.
    fn is_told_to_begin_anew(&mut self) -> Result<()> {
        let ended = eventually("it sets its spool aside", PATIENCE, || self.agent.running()?.ended())?;
        // Nothing has failed: whoever started it starts it again.
        ensure!(ended.code() == Some(75), "ended with {ended}:\n{}", self.agent.log());
        let aside = std::fs::read_dir(self.agent.data())?.filter_map(Result::ok);
        let aside = aside.filter(|entry| entry.file_name().to_string_lossy().starts_with("spool.aside-")).count();
        ensure!(aside > 0, "what the older state had is kept:\n{}", self.agent.log());
        self.agent.kill()
    }

    /// Waits until it has heard that it is, and has taken so many records all the same.
    fn is_in_quarantine(&mut self, taken: usize) -> Result<()> {
        let words = "two machines use this sensor's identity";
        let heard = eventually("it hears why", PATIENCE, || {
            Ok((self.agent.log().contains(words) && self.agent.taken()?.len() >= taken).then_some(()))
        });
        heard.with_context(|| self.agent.log())?;
        self.agent.kill()
    }
}

/// `cp -a`: a copy of a disk, or a snapshot of it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(copied.success(), "cp -a {} {}", from.display(), to.display());
    Ok(())
}

fn sightings(collector: &Collector) -> Result<i64> {
    let sums: Vec<(i64,)> = collector.query("SELECT COALESCE(SUM(count), 0) FROM alert")?;
    sums.first().map(|sum| sum.0).context("no sum")
}

fn is_set(collector: &Collector, key: &str) -> Result<bool> {
    let sensors = collector.list("sensor")?;
    let value = sensors.first().and_then(|sensor| sensor.get(key)).context("no such key")?;
    Ok(!Value::is_null(value))
}

#[test]
fn p5_a_restored_disk_and_a_copy_that_lives_are_told_apart_and_nothing_counts_twice() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let data = folder.path().join("agent");
    let mut sensor = Machine { agent: Agent::new(&data, None)?, lives: 0 };
    sensor.agent.enroll(&collector.token("3407")?)?;
    let mut host = 0;

    sensor.works(&mut host, 10)?;
    let snapshot = folder.path().join("snapshot");
    copy(&data, &snapshot)?;
    sensor.works(&mut host, 20)?;
    sensor.works(&mut host, 5)?;
    ensure!(sightings(&collector)? == 35 && !is_set(&collector, "set_back_at")?, "as it should be");

    // The disk is set back to what it was.
    std::fs::remove_dir_all(&data)?;
    copy(&snapshot, &data)?;
    sensor.start(&mut host, 7)?;
    sensor.is_told_to_begin_anew()?;
    ensure!(is_set(&collector, "set_back_at")? && !is_set(&collector, "quarantined_at")?, "told in the list");
    sensor.again()?;
    sensor.agent.wait()?;
    sensor.works(&mut host, 3)?;
    ensure!(sightings(&collector)? == 45, "{} of 45 after the disk was restored", sightings(&collector)?);

    // A copy of the disk lives on another machine.
    let elsewhere = folder.path().join("copy");
    copy(&data, &elsewhere)?;
    let mut other = Machine { agent: Agent::new(&elsewhere, None)?, lives: 0 };
    sensor.works(&mut host, 4)?;
    // Fewer than the other has sent since: what a later state may have sent is not taken over.
    other.start(&mut host, 3)?;
    other.is_told_to_begin_anew()?;
    ensure!(!is_set(&collector, "quarantined_at")?, "it may have been restored again");
    other.again()?;
    other.agent.wait()?;
    ensure!(sightings(&collector)? == 52, "{} of 52 with the copy", sightings(&collector)?);
    let before = sensor.agent.taken()?.len();
    sensor.start(&mut host, 2)?;
    // The word that it has started, and two alerts.
    sensor.is_in_quarantine(before + 3)?;
    ensure!(is_set(&collector, "quarantined_at")?, "both are put in quarantine");
    other.start(&mut host, 1)?;
    other.is_in_quarantine(0)?;
    let words: Vec<(String,)> = collector.query("SELECT body FROM sensor_event WHERE body LIKE '%two_live%'")?;
    ensure!(words.len() == 1 && words[0].0.contains("Two machines use this sensor's identity"), "{words:?}");

    // The copy is stopped for good, the sensor released: it begins a new spool, and what it found meanwhile arrives.
    collector.ask(["sensor", "release", "1"])?;
    sensor.start(&mut host, 0)?;
    sensor.is_told_to_begin_anew()?;
    sensor.again()?;
    sensor.agent.wait()?;
    ensure!(sightings(&collector)? == 54, "{} of 54 after the release", sightings(&collector)?);
    ensure!(!is_set(&collector, "quarantined_at")?, "released");
    collector.stop()
}
