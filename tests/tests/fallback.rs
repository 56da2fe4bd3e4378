//! Promises D1, D2 and P4 where UDP is dropped on the way: a sensor enrols, reports and is revoked over TCP, through a real
//! proxy too, and goes back to QUIC when that comes through again, without a record lost or doubled; both ends say which way.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use varde_agent::io::clock;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::hits::EVERY_HOST_TOLD;
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, Running, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

const COLLECTOR: &str = "192.0.2.10";

/// A collector on the internet, a member's network, and the firewall between them.
struct Scene {
    collector: Collector,
    web: String,
    internet: Namespace,
    firewall: Namespace,
    agent: Agent,
    host: u16,
    feed: Option<Feed>,
}

impl Scene {
    fn new(folder: &Path) -> Result<Scene> {
        let (site, firewall, internet) = (Namespace::new("site")?, Namespace::new("wall")?, Namespace::new("net")?);
        let end = |namespace, interface, addresses| End { namespace, interface, addresses };
        cable(end(&site, "site0", &["10.9.0.2/24"]), end(&firewall, "wall0", &["10.9.0.1/24"]))?;
        cable(end(&firewall, "wall1", &["10.99.0.1/24"]), end(&internet, "net0", &["10.99.0.2/24"]))?;
        firewall.forward()?;
        internet.ip(&format!("address add {COLLECTOR}/32 dev lo"))?;
        internet.ip("route add 10.9.0.0/24 via 10.99.0.1")?;
        site.ip("route add default via 10.9.0.1")?;
        firewall.ip("route add default via 10.99.0.2")?;
        let address: SocketAddr = format!("{COLLECTOR}:7843").parse()?;
        let mut collector = Collector::init_at(&folder.join("collector"), address, 7844, Some(internet.clone()))?;
        let web = collector.start()?.web;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let agent = Agent::new(&folder.join("agent"), Some(site))?;
        Ok(Scene { collector, web, internet, firewall, agent, host: 0, feed: None })
    }

    fn settings(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.agent.data().join("agent.toml"), text)?)
    }

    fn run(&mut self, folder: &Path) -> Result<()> {
        let feed = Feed::new(&folder.join("mirror"))?;
        self.agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        self.feed = Some(feed);
        Ok(())
    }

    /// Lookups of the listed name, each from another host: each is an alert.
    fn hits(&mut self, number: u16) -> Result<()> {
        let mut traffic = Traffic::starting(clock::now());
        for _ in 0..number {
            self.host += 1;
            let [high, low] = self.host.to_be_bytes();
            let question = Question { id: self.host, name: "vond.example", qtype: rtype::A };
            let client = SocketAddr::from(([10, 1, high, low], 40_000));
            let answer = Outcome::address("vond.example", [198, 51, 100, 9].into());
            traffic.lookup(client, "10.1.255.53:53".parse()?, question, &answer);
        }
        self.feed.as_mut().context("no feed")?.send(&traffic.packets)
    }

    fn status(&self) -> Result<Value> {
        let said = self.agent.try_ask(["status", "--json"])?.ok()?;
        said.json()?.pop().context("no status")
    }

    fn until_over(&mut self, carrier: &str) -> Result<Value> {
        eventually(&format!("the session stands over {carrier}"), PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let sensors = self.collector.sensors()?;
            let there = sensors.iter().any(|one| one.connected && one.carrier.as_deref() == Some(carrier));
            let status = self.status()?;
            Ok((there && status["connected"] == true && status["way"] == carrier).then_some(status))
        })
    }

    /// Everything the agent has taken is stored, once.
    fn until_stored(&mut self, at_least: usize) -> Result<()> {
        eventually("everything taken is stored", PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let taken = self.agent.taken()?;
            let keys: Vec<_> = self.collector.records()?.iter().map(|record| (record.epoch, record.seq)).collect();
            let stored: BTreeSet<_> = keys.iter().copied().collect();
            assert_eq!(keys.len(), stored.len(), "a record is stored twice");
            Ok((taken.len() >= at_least && taken.is_subset(&stored)).then_some(()))
        })
    }

    fn counts_are_exact(&self) -> Result<()> {
        eventually("every hit is counted", PATIENCE, || {
            let sums: Vec<(i64,)> = self.collector.query("SELECT COALESCE(SUM(count), 0) FROM alert")?;
            let counted = sums.first().map_or(0, |(sum,)| *sum);
            assert!(counted <= i64::from(self.host), "{counted} of {} hits: some are counted twice", self.host);
            Ok((counted == i64::from(self.host)).then_some(()))
        })
    }
}

#[test]
fn d1_d2_where_udp_is_dropped_a_sensor_goes_over_tcp_and_back_to_quic_without_loss() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    // Dropped by a router on the way, without a word, as firewalls do.
    scene.firewall.ip("rule add ipproto udp blackhole")?;
    scene.settings(&format!("{EVERY_HOST_TOLD}quic_again_s = 5\n"))?;
    scene.agent.enroll(&scene.collector.token("3407")?)?;
    scene.run(folder.path())?;
    let status = scene.until_over("tcp")?;
    assert_eq!(status["fallback"], format!("{COLLECTOR}:443"), "the usual port, unasked");
    assert!(status["why_not_quic"].as_str().is_some_and(|why| why.contains("does not answer")), "{status}");
    let words = scene.agent.try_ask(["status"])?.ok()?.out;
    assert!(words.contains(&format!("connected over TCP to {COLLECTOR}:443 since ")), "{words}");
    let listed = scene.collector.ask(["sensor", "list"])?.out;
    assert!(listed.contains("connected over TCP (UDP is"), "{listed}");
    for (language, said) in [("nb", "UDP er sperret"), ("nn", "UDP er sperra"), ("en", "UDP is blocked")] {
        let page = fetch(Some(&scene.internet), &scene.web, &format!("/sensor/1?lang={language}"))?;
        assert!(page.contains(said), "{language}: {page}");
    }
    // What it has given up stays given up on this way too.
    scene.agent.try_ask(["status", "--probe"])?.ok()?;
    scene.collector.await_in_force(1, 1)?;
    scene.hits(40)?;
    scene.until_stored(40)?;

    // Hits before, while and after it moves.
    scene.firewall.ip("rule del ipproto udp blackhole")?;
    let mut told = 0;
    eventually("it is back on QUIC", PATIENCE, || {
        scene.hits(5)?;
        told += 5;
        let sensors = scene.collector.sensors()?;
        Ok(sensors.iter().any(|one| one.connected && one.carrier.as_deref() == Some("quic")).then_some(()))
    })?;
    let status = scene.until_over("quic")?;
    assert!(status["why_not_quic"].is_null() && status["fallback"].is_null(), "{status}");
    scene.hits(20)?;
    scene.until_stored(60 + told)?;
    scene.counts_are_exact()?;
    assert!(!scene.agent.log().contains("another process connected"), "the move is no quarrel");
    scene.agent.kill()?;
    scene.collector.stop()
}

#[test]
fn p4_through_a_real_proxy_a_sensor_enrols_reports_and_is_revoked() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    // Nothing is passed on; the proxy on the firewall is the only way out.
    scene.firewall.ip("rule add iif wall0 to 192.0.2.0/24 blackhole")?;
    let config = folder.path().join("tinyproxy.conf");
    let written = "Port 3128\nListen 10.9.0.1\nTimeout 60\nMaxClients 20\nBasicAuth sensor hemmelig\nConnectPort 443\n";
    std::fs::write(
        &config,
        format!("{written}LogLevel Info\nLogFile \"{}\"\n", folder.path().join("proxy.log").display()),
    )?;
    let mut proxy = scene.firewall.command("tinyproxy");
    proxy.arg("-d").arg("-c").arg(&config);
    let mut proxy = Running::start(proxy, &folder.path().join("proxy.out"))?;

    let (bare, credentials) = ("proxy = \"http://10.9.0.1:3128\"\n", "proxy_credentials = \"proxy-password\"\n");
    scene.settings(bare)?;
    let token = scene.collector.token("3407")?;
    let refused = eventually("the proxy answers", PATIENCE, || {
        proxy.still_runs()?;
        let said = scene.agent.try_enroll(&token)?;
        Ok((!said.err.contains("Connection refused")).then_some(said))
    })?;
    assert_ne!(refused.code, Some(0));
    assert!(refused.err.contains("wants a user and a password (407"), "{}", refused.err);
    scene.settings(&format!("{bare}{credentials}quic_again_s = 5\n"))?;
    let password = scene.agent.data().join("proxy-password");
    std::fs::write(&password, "sensor:hemmelig\n")?;
    let open = scene.agent.try_enroll(&token)?;
    assert!(open.err.contains("others than its owner may read"), "{}", open.err);
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    scene.agent.enroll(&token)?;
    scene.run(folder.path())?;
    let status = scene.until_over("tcp")?;
    assert_eq!(status["proxy"], "http://10.9.0.1:3128", "{status}");
    scene.collector.await_in_force(1, 1)?;
    scene.hits(30)?;
    scene.until_stored(30)?;
    scene.counts_are_exact()?;
    assert!(!scene.agent.log().contains("hemmelig"), "the password is in the log");

    let sensor = scene.collector.sensors()?.pop().context("no sensor")?;
    scene.collector.ask(["sensor", "revoke", &sensor.id.to_string()])?;
    eventually("the agent says that it is revoked", PATIENCE, || {
        scene.agent.running()?.still_runs()?;
        let status = scene.status()?;
        Ok((status["revoked"] == true && status["connected"] == false).then_some(()))
    })?;
    assert!(scene.collector.sensors()?.iter().all(|sensor| !sensor.connected));
    scene.agent.kill()?;
    scene.collector.stop()
}
