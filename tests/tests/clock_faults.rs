//! Promise K1: whatever the clock of a sensor's machine says, it matches and spools, its records keep their order, and a clock
//! in the past, or set while it runs, does not lock it out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_common::id::Seq;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually, said, workspace};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEARS_10: i64 = 3_652 * DAY;

/// A clock that a test sets: the shim, and the file that says how far it is off.
struct Shifted {
    shim: PathBuf,
    file: PathBuf,
}

impl Shifted {
    fn new(folder: &Path) -> Result<Shifted> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shim_clock.c");
        let shifted = Shifted { shim: folder.join("shim_clock.so"), file: folder.join("clock") };
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&shifted.shim).arg(source);
        said(&mut compile)?.ok().context("cc")?;
        fs::write(&shifted.file, 0_i64.to_ne_bytes())?;
        Ok(shifted)
    }

    /// In place: the sensor has the file mapped.
    fn set(&self, seconds: i64) -> Result<()> {
        use std::os::unix::fs::FileExt;
        Ok(fs::File::options().write(true).open(&self.file)?.write_all_at(&seconds.to_ne_bytes(), 0)?)
    }
}

/// A spool of two segments and a loss between them, two alerts in it; gives its first segment.
fn lay_down_a_spool(data: &Path) -> Result<PathBuf> {
    let spool = data.join("spool");
    fs::create_dir_all(&spool)?;
    let mut first = None;
    for entry in fs::read_dir(workspace().join("agent/tests/data/001/spool"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".seg") || name.ends_with(".lost") {
            fs::copy(entry.path(), spool.join(&name))?;
        }
        if name.ends_with("-0000000000000001.seg") {
            first = Some(spool.join(name));
        }
    }
    first.context("the fixture has a first segment")
}

/// A sensor at a clock that is off.
struct Bench {
    collector: Collector,
    agent: Agent,
    hosts: u64,
    /// Hosts that were revealed before.
    found_at_least: u64,
}

impl Bench {
    /// An alert more, of a host never seen before; waits until it is on the sensor's disk.
    fn raise(&mut self, feed: &mut Feed) -> Result<()> {
        let before = self.agent.taken()?.len();
        let place = Municipality { number: 3 };
        let mut traffic = Traffic::starting(clock::now());
        // What was looked up last may wait for the next packet.
        for _ in 0..2 {
            let client = std::net::SocketAddr::new(place.client(self.hosts), 40_000);
            let question = Question { id: self.hosts as u16, name: "vond.example", qtype: rtype::A };
            let answer = Outcome::address("vond.example", [198, 51, 100, 9].into());
            traffic.lookup(client, place.resolver(), question, &answer);
            self.hosts += 1;
        }
        feed.send(&traffic.packets)?;
        eventually("it matches and spools", PATIENCE, || {
            self.agent.running()?.still_runs()?;
            Ok((self.agent.taken()?.len() > before).then_some(()))
        })
    }

    fn all_stored(&mut self, when: &str) -> Result<()> {
        eventually(&format!("everything is stored: {when}"), PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let there: BTreeSet<_> = self.collector.records()?.iter().map(|r| (r.epoch, r.seq)).collect();
            Ok(self.agent.taken()?.is_subset(&there).then_some(()))
        })
    }

    /// Every host that an alert names is still found by who asks, whenever it was found.
    fn all_are_revealed(&self, when: &str) -> Result<()> {
        let named: BTreeSet<String> = self.collector.alerts()?.into_iter().filter_map(|alert| alert.client).collect();
        // Those of the spool that was there before have no host here.
        let mut found = 0;
        for pseudonym in &named {
            let asked = self.agent.try_ask(["reveal", pseudonym.as_str(), "--reason", "prøve"])?;
            found += u64::from(asked.ok().is_ok());
        }
        ensure!(found >= self.found_at_least, "{when}: {found} of {} hosts are found", self.found_at_least);
        Ok(())
    }

    /// Every certificate is checked anew.
    fn reconnect(&mut self) -> Result<()> {
        self.collector.stop()?;
        self.collector.start().map(drop)
    }
}

#[test]
fn k1_whatever_the_clock_says_a_sensor_matches_spools_and_is_let_in() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let clock = Shifted::new(folder.path())?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    let shim = ("LD_PRELOAD".into(), clock.shim.clone().into());
    agent.environment(vec![shim, ("VARDE_CLOCK".into(), clock.file.clone().into())]);

    // A box without a battery: new, enrolled and run in 1970.
    let to_1970 = -(varde_agent::io::clock::now().as_micros() / 1_000_000) + 100;
    clock.set(to_1970)?;
    agent.enroll(&collector.token("3407")?)?;
    let old = lay_down_a_spool(agent.data())?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([std::ffi::OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    ensure!(agent.log().contains("1970-01-01T00:0"), "the shim does not shift the clock:\n{}", agent.log());
    let mut bench = Bench { collector, agent, hosts: 0, found_at_least: 1 };
    bench.raise(&mut feed)?;
    bench.all_stored("in 1970")?;
    ensure!(bench.agent.log().contains("clock is behind the collector's"), "and it is told");

    for (what, seconds) in [
        ("ten years back", -YEARS_10),
        ("an hour back", -HOUR),
        ("an hour ahead", HOUR),
        ("a suspension of three days", 3 * DAY),
        ("ten years ahead", YEARS_10),
    ] {
        clock.set(seconds)?;
        bench.raise(&mut feed)?;
        bench.all_stored(what)?;
        bench.reconnect()?;
        bench.raise(&mut feed)?;
        bench.all_stored(&format!("{what}, connected anew"))?;
        bench.found_at_least += 2;
        bench.all_are_revealed(what)?;
    }

    ensure!(old.is_file(), "acknowledged records are kept for 72 hours, and a clock that is set does not count");

    // Started ten years ahead it cannot tell the collector's certificate from one that ran out: it goes on matching.
    drop(feed);
    bench.agent.stop()?;
    ensure!(bench.agent.data().join("collector-time").is_file(), "what the collector said of the time is kept");
    let mut feed = Feed::new(&folder.path().join("mirror-2"))?;
    bench.agent.start([std::ffi::OsStr::new("--capture"), feed.path().as_os_str()])?;
    bench.raise(&mut feed)?;
    eventually("the certificate is refused", PATIENCE, || {
        Ok(bench.agent.log().contains("certificate expired").then_some(()))
    })?;
    clock.set(0)?;
    bench.all_stored("once the clock is right")?;
    ensure!(old.is_file(), "nor does one that was wrong at the start");
    bench.all_are_revealed("after a start ten years ahead")?;
    drop(feed);
    bench.agent.wait()?;

    let records = bench.collector.records()?;
    let places: Vec<Seq> = records.iter().map(|record| record.seq).collect();
    ensure!(places.windows(2).all(|pair| pair[0].next() == pair[1]), "in order, each once, none missing: {places:?}");
    let sums: Vec<(i64,)> = bench.collector.query("SELECT COALESCE(SUM(count), 0) FROM alert")?;
    // Those of the spool that was there before, too.
    assert_eq!(sums, [(i64::try_from(bench.hosts + 2)?,)], "every look-up is in an alert");
    bench.collector.stop()
}
