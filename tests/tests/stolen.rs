//! Promise C4 (L2, fast-forward): one of several list keys is stolen and signs the highest number there is; people see it, and once the
//! key is retired every sensor is back at what the others signed, by itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_collector::io::keys::read_signing_key;
use varde_common::carried::MAGIC;
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::list::{Manifest, write_base};
use varde_common::matcher::Seed;
use varde_common::message::ToAgent;
use varde_common::time::Timestamp;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::programs::{PATIENCE, Which, eventually, run};

const HIGHEST: u64 = 9_000_000_000_000_000_000;

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// A collector with its list key, another analyst's, and a sensor that has the first list.
struct Scene {
    root: PathBuf,
    collector: Collector,
    agent: Agent,
    web: String,
    /// The other analyst's key, and its id.
    key: PathBuf,
    id: String,
}

impl Scene {
    fn set(folder: &Path, feed: &Feed) -> Result<Scene> {
        let mut collector = Collector::init(&folder.join("collector"))?;
        let addresses = collector.start()?;
        let web = addresses.web;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let mut agent = Agent::new(&folder.join("agent"), None)?;
        // There is a way round, as at a member; nothing here is a reason to take it.
        std::fs::write(agent.data().join("agent.toml"), format!("fallback = \"{}\"\n", addresses.tcp))?;
        agent.enroll(&collector.token("3407")?)?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        collector.await_in_force(1, 1)?;
        let key = folder.join("analyst.key");
        let made = run(Which::Collector, ["key", "make", text(&key)?, "--json"])?.ok()?;
        let made = made.json()?.pop().context("nothing was said")?;
        let said = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned).context("no such key");
        let scene = Scene { root: folder.to_owned(), collector, agent, web, key, id: said("id")? };
        scene.rotate(&["--add", &format!("list={}", said("public")?)], 2)?;
        Ok(scene)
    }

    /// Has the next root document in force at the sensor. Gives what was said of it before it was signed.
    fn rotate(&self, changes: &[&str], version: u64) -> Result<String> {
        let file = self.root.join("next.json");
        let root_key = self.root.join("collector/keys/root.key");
        let drafted = self.collector.ask([&["root", "next", text(&file)?], changes].concat())?;
        run(Which::Collector, ["sign", text(&file)?, "--key", text(&root_key)?, "--yes"])?.ok()?;
        self.collector.ask(["root", "accept", text(&file)?])?;
        eventually("the sensor follows", PATIENCE, || {
            Ok((self.agent.status()?["trust"]["root_version"] == version).then_some(()))
        })?;
        Ok(format!("{}{}", drafted.out, drafted.err))
    }

    /// A list with that number, by the stolen key, as it is carried by hand.
    fn stolen_list(&self) -> Result<PathBuf> {
        let indicator = Indicator::bare(IndicatorId(1), "tyvens.example".parse()?);
        let (base, content) = write_base(vec![indicator], Seed::from_octets([7; 16]))?;
        let says = Manifest::of(&base, &content, Revision(HIGHEST), clock::now(), Timestamp::MAX);
        let manifest = says.sign(&[&read_signing_key(&self.key)?])?;
        let mut octets = MAGIC.to_vec();
        for message in
            [ToAgent::Publication { manifest, whole: true }, ToAgent::ListChunk { octets: base }, ToAgent::ListEnd]
        {
            octets.extend(message.to_frame()?);
        }
        let file = self.root.join("stolen");
        std::fs::write(&file, octets)?;
        Ok(file)
    }

    /// The session is over QUIC, by both ends' word, and nobody believes that UDP is blocked.
    fn is_over_quic(&self) -> Result<()> {
        let status = self.agent.status()?;
        ensure!(status["way"] == "quic" && status["why_not_quic"].is_null(), "{status}");
        let sensors = self.collector.sensors()?;
        ensure!(sensors.iter().all(|sensor| sensor.carrier.as_deref() == Some("quic")), "{sensors:?}");
        Ok(())
    }

    fn await_page(&self, words: &str, there: bool) -> Result<()> {
        eventually(&format!("the page says \"{words}\": {there}"), PATIENCE, || {
            Ok((fetch(None, &self.web, "/")?.contains(words) == there).then_some(()))
        })
    }
}

#[test]
fn c4_l2_a_stolen_list_key_among_several_takes_its_list_with_it_when_it_is_retired() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    let mut scene = Scene::set(folder.path(), &feed)?;
    let stolen = scene.stolen_list()?;
    let taken = scene.agent.try_ask([OsStr::new("list"), OsStr::new("import"), stolen.as_os_str()])?.ok()?;
    ensure!(taken.out.contains(&format!("List {HIGHEST} is in force")), "{taken:?}");
    // Before anybody has retired a key: it is told for what it is, and not for the newest.
    scene.await_page("aldri publisert her", true)?;
    let listed = scene.collector.ask(["sensor", "list"])?;
    ensure!(listed.out.contains("never published here"), "{}", listed.out);
    let sensors = scene.collector.list("sensor")?;
    let sensor = sensors.first().and_then(|sensor| sensor["id"].as_i64()).context("no sensor")?.to_string();
    let events = scene.collector.ask(["sensor", "events", &sensor, "--json"])?;
    ensure!(events.out.contains("unpublished_list"), "{}", events.out);
    scene.collector.publish("annen.example\n")?;

    scene.is_over_quic()?;
    let said = scene.rotate(&["--retire", &format!("list={}", scene.id)], 3)?;
    ensure!(said.contains("the role list loses a key"), "{said}");
    scene.collector.await_in_force(1, 2)?;
    eventually("the list of the key that is left is in force", PATIENCE, || {
        Ok((scene.agent.revision()? == 2).then_some(()))
    })?;
    // The sensor has ended its own session to ask anew, a young one: that is no silence.
    scene.is_over_quic()?;
    scene.await_page("aldri publisert her", false)?;
    let again = scene.agent.try_ask([OsStr::new("list"), OsStr::new("import"), stolen.as_os_str()])?;
    ensure!(again.code == Some(1) && again.err.contains("0 of 1 needed signatures"), "{again:?}");

    // And over a restart.
    scene.agent.kill()?;
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    scene.agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    scene.collector.publish("tredje.example\n")?;
    scene.collector.await_in_force(1, 3)?;
    eventually("the next one too", PATIENCE, || Ok((scene.agent.revision()? == 3).then_some(())))?;
    scene.agent.kill()?;
    scene.collector.stop()
}
