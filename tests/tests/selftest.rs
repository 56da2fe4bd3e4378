//! Promise: a sensor's test of itself goes the whole way, from a packet that nobody sent to the collector's database and back, over QUIC and
//! over TCP; it counts nowhere as an alert, and where a step is missing that step is named.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_tests::agent::Agent;
use varde_tests::capture::Feed;
use varde_tests::community::{Collector, fetch};
use varde_tests::programs::{PATIENCE, eventually};

struct Scene {
    collector: Collector,
    web: String,
    agent: Agent,
}

impl Scene {
    fn new(folder: &Path) -> Result<Scene> {
        let mut collector = Collector::init(&folder.join("collector"))?;
        let web = collector.start()?.web;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let agent = Agent::new(&folder.join("agent"), None)?;
        Ok(Scene { collector, web, agent })
    }

    /// One test by hand: how it left, and what it said.
    fn tested(&self) -> Result<(Option<i32>, Value)> {
        let said = self.agent.try_ask(["selftest", "--json"])?;
        let outcome = said.json()?.pop().with_context(|| format!("no answer: {}", said.err))?;
        Ok((said.code, outcome))
    }

    fn connected(&mut self, way: &str) -> Result<()> {
        eventually(&format!("the session stands over {way}"), PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let status = self.agent.status()?;
            Ok((status["connected"] == true && status["way"] == way && status["self_test"]["taken"] == true)
                .then_some(()))
        })
    }

    /// It came the whole way and back.
    fn passes(&self) -> Result<()> {
        let (code, outcome) = self.tested()?;
        ensure!(code == Some(0) && outcome["passed"] == true && outcome["failed"].is_null(), "{outcome}");
        let steps: Vec<&str> =
            outcome["steps"].as_array().into_iter().flatten().filter_map(|one| one["step"].as_str()).collect();
        ensure!(steps == ["matched", "written", "sent", "stored"], "{outcome}");
        Ok(())
    }

    fn counts(&self) -> Result<Vec<(i64, i64, i64, i64)>> {
        self.collector.query(
            "SELECT (SELECT COUNT(*) FROM sensor_event WHERE body LIKE '%\"self_test\"%'), (SELECT COUNT(*) FROM alert),
             (SELECT COUNT(*) FROM incident), (SELECT COUNT(*) FROM campaign)",
        )
    }
}

#[test]
fn a_test_comes_the_whole_way_over_quic_and_over_tcp_and_counts_as_no_alert() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    let refused = scene.agent.try_ask(["selftest"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("not enrolled"), "{}", refused.err);
    scene.agent.enroll(&scene.collector.token("3407")?)?;
    let refused = scene.agent.try_ask(["selftest"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("does not run"), "{}", refused.err);

    let feed = Feed::new(&folder.path().join("mirror"))?;
    let source = [OsStr::new("--capture"), feed.path().as_os_str()];
    scene.agent.start(source)?;
    scene.connected("quic")?;
    let page = |scene: &Scene| fetch(None, &scene.web, "/sensor/1?lang=nb");
    ensure!(page(&scene)?.contains("Ingen har kommet fram ennå"), "before the first: {}", page(&scene)?);
    scene.passes()?;
    let words = scene.agent.try_ask(["selftest"])?.ok()?.out;
    ensure!(words.starts_with("Passed: ") && words.contains("stored in the collector's database"), "{words}");
    ensure!(scene.counts()? == [(2, 0, 0, 0)], "told as what they are, and nothing else: {:?}", scene.counts()?);
    ensure!(scene.collector.alerts()?.is_empty() && scene.collector.campaigns()?.is_empty());
    ensure!(!page(&scene)?.contains("Ingen har kommet fram ennå") && page(&scene)?.contains("prøvde seg selv"));
    let listed = scene.collector.list("sensor")?;
    ensure!(listed.first().is_some_and(|one| one["self_tested_at"].is_string()), "{listed:?}");
    let answered: Value = serde_json::from_str(&fetch(None, &scene.web, "/api/v1/sensors")?)?;
    let told = &answered["items"][0]["self_tested_at"];
    ensure!(Some(told) == listed.first().map(|one| &one["self_tested_at"]), "{answered}");
    let status = scene.agent.status()?;
    ensure!(status["self_test"]["good_at"].is_string() && status["self_test"]["failed"].is_null(), "{status}");
    ensure!(
        status["health"]["dns_messages"] == 0 && status["health"]["alerts"] == 0,
        "it was not the mirror's: {status}"
    );

    // No list can hold what it meets.
    let listed = folder.path().join("listed.txt");
    std::fs::write(&listed, "selftest.varde.invalid\n")?;
    let refused = scene.collector.try_ask(["indicator", "import", &listed.to_string_lossy()])?;
    ensure!(refused.code == Some(1) && scene.collector.indicators()?.len() == 1, "{}{}", refused.out, refused.err);

    // Nobody answers there any more: over TCP, and the last good one is remembered.
    scene.agent.kill()?;
    let there = scene.collector.addresses()?;
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let settings = format!("collector = \"{}\"\nfallback = \"{}\"\n", nobody.local_addr()?, there.tcp);
    std::fs::write(scene.agent.data().join("agent.toml"), settings)?;
    scene.agent.start(source)?;
    scene.connected("tcp")?;
    let kept = scene.agent.status()?;
    ensure!(kept["self_test"]["good_at"] == status["self_test"]["good_at"], "kept over a restart: {kept}");
    scene.passes()?;
    ensure!(scene.counts()? == [(3, 0, 0, 0)], "{:?}", scene.counts()?);

    // A collector that acknowledges and does not keep it is found out: what it says is read back from where it is kept.
    scene.collector.tamper(
        "CREATE TRIGGER loses AFTER UPDATE OF self_test_number ON sensor BEGIN UPDATE sensor SET self_test_number = NULL; END",
    )?;
    let (code, outcome) = scene.tested()?;
    ensure!(code == Some(1) && outcome["failed"]["step"] == "stored", "{outcome}");
    let check = scene.agent.try_ask(["status", "--check"])?.out;
    ensure!(check.contains("its test of itself failed"), "{check}");
    scene.collector.tamper("DROP TRIGGER loses")?;
    scene.passes()?;

    // With the collector gone the step that is missing is named, and the remedy with it.
    scene.collector.stop()?;
    eventually("the session is over", PATIENCE, || Ok((scene.agent.status()?["connected"] == false).then_some(())))?;
    let (code, outcome) = scene.tested()?;
    ensure!(code == Some(1) && outcome["failed"]["step"] == "session", "{outcome}");
    let why = outcome["failed"]["why"].as_str().unwrap_or_default();
    ensure!(why.starts_with("the sensor has no connection to its collector"), "{why}");
    drop(feed);
    scene.agent.kill()
}
