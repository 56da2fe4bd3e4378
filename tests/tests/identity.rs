//! Promises E1 and P4 of certificates, by the real programs: one that is a third through its life is renewed in the session, one
//! that ran out in the summer is renewed on its lane, one that ran out long before is not, and nobody comes in by an old key.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use varde_agent::io::clock;
use varde_collector::certificate::Authority;
use varde_common::id::SensorId;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

const DAY: Duration = Duration::from_secs(86_400);

/// A collector with a list, a sensor that has enrolled, and what it is shown.
struct Bench {
    _folder: tempfile::TempDir,
    collector: Collector,
    agent: Agent,
    feed: Feed,
    starts: u8,
    hosts: u8,
}

impl Bench {
    fn new() -> Result<Bench> {
        let folder = tempfile::tempdir()?;
        let mut collector = Collector::init(&folder.path().join("collector"))?;
        collector.start()?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let agent = Agent::new(&folder.path().join("agent"), None)?;
        agent.enroll(&collector.token("3407")?)?;
        let feed = Feed::new(&folder.path().join("mirror"))?;
        Ok(Bench { _folder: folder, collector, agent, feed, starts: 0, hosts: 0 })
    }

    fn start(&mut self) -> Result<()> {
        // A pipe ends with its reader.
        self.starts += 1;
        self.feed = Feed::new(&self.agent.data().with_file_name(format!("mirror-{}", self.starts)))?;
        self.agent.start([OsStr::new("--capture"), self.feed.path().as_os_str()])
    }

    /// Gives the sensor's key a certificate that was issued so many days ago, as if those had passed.
    fn age(&self, days: u32) -> Result<()> {
        let keys = self.collector.data().join("keys");
        let read = |name: &str| fs::read_to_string(keys.join(name));
        let authority = Authority::read(&read("ca.crt")?, &read("ca.key")?)?;
        let identity = self.agent.data().join("identity");
        let key = KeyPair::from_pem(&fs::read_to_string(identity.join("key.pem"))?)?;
        let request = CertificateParams::new(Vec::new())?.serialize_request(&key)?;
        let certificate = authority.issue_sensor(request.der(), SensorId(1), clock::now().minus(DAY * days))?;
        Ok(fs::write(identity.join("certificate.der"), certificate)?)
    }

    fn status(&self) -> Result<Value> {
        self.agent.try_ask(["status", "--json"])?.ok()?.json()?.into_iter().next().context("no status")
    }

    fn sensor(&self) -> Result<Value> {
        self.collector.list("sensor")?.into_iter().next().context("no sensor")
    }

    /// How many days its certificate is still good for, when it has a new one and stands in a session.
    fn renewed(&mut self) -> Result<()> {
        let soon = clock::now().plus(DAY * 29).to_string();
        eventually("it has a new certificate and is connected", PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let (status, sensor) = (self.status()?, self.sensor()?);
            let until = status.pointer("/certificate/until").and_then(Value::as_str).unwrap_or_default();
            let there = until > soon.as_str() && status.get("connected") == Some(&Value::Bool(true));
            // Used, so that the old key has ended: the registry says so too.
            let known = sensor.get("certificate_until").and_then(Value::as_str).unwrap_or_default() > soon.as_str();
            Ok((there && known).then_some(()))
        })
        .with_context(|| self.agent.log())
    }

    fn raise(&mut self) -> Result<()> {
        let before = self.agent.taken()?.len();
        let mut traffic = Traffic::starting(clock::now());
        for _ in 0..2 {
            self.hosts += 1;
            let client = std::net::SocketAddr::from(([10, 1, 0, self.hosts], 40_000));
            let question = Question { id: u16::from(self.hosts), name: "vond.example", qtype: rtype::A };
            let answer = Outcome::address("vond.example", [198, 51, 100, 9].into());
            traffic.lookup(client, "10.1.0.53:53".parse()?, question, &answer);
        }
        self.feed.send(&traffic.packets)?;
        eventually("it matches and spools", PATIENCE, || {
            self.agent.running()?.still_runs()?;
            Ok((self.agent.taken()?.len() > before).then_some(()))
        })
    }

    fn all_stored(&mut self) -> Result<()> {
        eventually("everything taken is stored", PATIENCE, || {
            let stored: std::collections::BTreeSet<_> =
                self.collector.records()?.iter().map(|record| (record.epoch, record.seq)).collect();
            Ok(self.agent.taken()?.is_subset(&stored).then_some(()))
        })
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[test]
fn e1_a_certificate_is_renewed_in_the_session_and_the_old_key_ends() -> Result<()> {
    let mut bench = Bench::new()?;
    bench.age(13)?;
    let old: PathBuf = bench.agent.data().with_file_name("older");
    copy(&bench.agent.data().join("identity"), &old.join("identity"))?;
    fs::copy(bench.agent.data().join("site.key"), old.join("site.key"))?;
    bench.start()?;
    bench.renewed()?;
    bench.raise()?;
    bench.all_stored()?;
    let identity = bench.agent.data().join("identity");
    ensure!(
        fs::read(identity.join("key.pem"))? != fs::read(old.join("identity/key.pem"))?,
        "a new key, where all look"
    );
    ensure!(!identity.join("renewed.pem").exists() && !identity.join("next.key").exists(), "nothing is left half done");

    // A copy of the disk from before: its key is nobody's now, and a person sees that it came.
    let mut older = Agent::new(&old, None)?;
    let mut feed = Feed::new(&old.with_file_name("second"))?;
    older.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let events = || -> Result<bool> {
        let said = bench.collector.ask(["sensor", "events", "1", "--json"])?;
        Ok(said.out.contains("ended_key"))
    };
    eventually("the old key is refused, and that is seen", PATIENCE, || Ok(events()?.then_some(())))?;
    let told = older.try_ask(["status", "--json"])?.ok()?.json()?;
    ensure!(told.first().and_then(|told| told.get("connected")) == Some(&Value::Bool(false)), "{told:?}");
    feed.send(&[])?;
    older.kill()?;

    // The one that was renewed stands all the while, and comes back after restarts of both.
    bench.agent.kill()?;
    bench.collector.stop()?;
    bench.collector.start()?;
    bench.start()?;
    bench.renewed()?;
    bench.agent.kill()?;
    bench.collector.stop()
}

#[test]
fn e1_a_box_that_was_off_all_summer_comes_back_by_itself_also_where_udp_is_blocked() -> Result<()> {
    for blocked in [false, true] {
        let mut bench = Bench::new()?;
        bench.age(130)?;
        if blocked {
            // A port where nothing answers over UDP; the way round is the collector's own.
            let deaf = std::net::UdpSocket::bind("127.0.0.1:0")?;
            let tcp = bench.collector.addresses()?.tcp;
            let settings = format!("collector = \"{}\"\nfallback = \"{tcp}\"\n", deaf.local_addr()?);
            fs::write(bench.agent.data().join("agent.toml"), settings)?;
            bench.start()?;
            bench.renewed()?;
            ensure!(bench.status()?.get("way") == Some(&Value::from("tcp")), "{}", bench.status()?);
        } else {
            bench.start()?;
            bench.renewed()?;
        }
        bench.raise()?;
        bench.all_stored()?;
        bench.agent.kill()?;
        bench.collector.stop()?;
    }
    Ok(())
}

#[test]
fn e1_p4_a_box_that_was_off_too_long_or_is_revoked_stays_out_says_why_and_goes_on_finding() -> Result<()> {
    let mut bench = Bench::new()?;
    bench.start()?;
    bench.collector.await_in_force(1, 1)?;
    bench.agent.kill()?;
    for (days, revoked, said) in [(215, false, "180 days ago"), (100, true, "has revoked this sensor")] {
        bench.age(days)?;
        if revoked {
            bench.collector.ask(["sensor", "revoke", "1"])?;
        }
        let identity = bench.agent.data().join("identity");
        let before = (fs::read(identity.join("key.pem"))?, fs::read(identity.join("certificate.der"))?);
        bench.start()?;
        eventually("it is told what a person must do", PATIENCE, || {
            bench.agent.running()?.still_runs()?;
            let status = bench.status()?;
            let why = status.get("last_error").and_then(Value::as_str).unwrap_or_default();
            Ok((why.contains(said) && why.contains("ask the CSIRT for a new token")).then_some(()))
        })
        .with_context(|| bench.agent.log())?;
        ensure!(bench.status()?.get("connected") == Some(&Value::Bool(false)), "it was let in");
        bench.raise()?;
        let after = (fs::read(identity.join("key.pem"))?, fs::read(identity.join("certificate.der"))?);
        ensure!(before == after, "a refusal changed its identity");
        bench.agent.kill()?;
    }
    bench.collector.stop()
}
