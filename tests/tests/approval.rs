//! Promises E1 of approval and of the authority, by the real programs: a sensor waits for a person with words that both ends show,
//! goes on where it was broken off, and a CA that changes ends no session and keeps nobody out.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use varde_agent::io::clock;
use varde_collector::certificate::{Authority, is_issued_by, read_certificate};
use varde_collector::io::keys::read_root;
use varde_common::id::SensorId;
use varde_common::trust::{hex, sha256};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};

fn sensor(collector: &Collector, id: u64) -> Result<Value> {
    let sensors = collector.list("sensor")?;
    sensors.into_iter().find(|sensor| sensor.get("id").and_then(Value::as_u64) == Some(id)).context("no such sensor")
}

#[test]
fn e1_a_sensor_waits_for_a_person_and_goes_on_where_it_was_broken_off() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    fs::write(collector.data().join("collector.toml"), "approve_sensors = true\n")?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let token = collector.token("3407")?;
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    let file = folder.path().join("token");
    fs::write(&file, &token)?;
    let enroll = [OsStr::new("enroll"), OsStr::new("--wait"), OsStr::new("0")];
    let with_token = || enroll.iter().copied().chain([OsStr::new("--token-file"), file.as_os_str()]);

    let first = agent.try_ask(with_token())?;
    ensure!(first.code == Some(75) && !agent.data().join("identity").exists(), "{first:?}");
    let there = sensor(&collector, 1)?;
    let words = there.get("words").and_then(Value::as_str).context("the collector shows no words")?.to_owned();
    ensure!(words.split(' ').count() == 8 && first.err.contains(&words), "{words}: {first:?}");
    // Started again it goes on, without a token, and with the same words.
    let second = agent.try_ask(enroll)?;
    ensure!(second.code == Some(75) && second.err.contains(&words), "{second:?}");
    // Somebody else who has the token gets nowhere, and that is seen.
    let thief = Agent::new(&folder.path().join("thief"), None)?;
    let refused = thief.try_ask(with_token())?;
    ensure!(refused.code == Some(1) && refused.err.contains("the token has been used before"), "{refused:?}");
    let events = collector.ask(["sensor", "events", "1", "--json"])?.out;
    ensure!(events.contains("token_reused"), "{events}");

    collector.stop()?;
    collector.start()?;
    collector.ask(["sensor", "approve", "1"])?;
    agent.try_ask(enroll)?.ok().context("it was approved")?;
    ensure!(agent.data().join("identity/key.pem").exists() && !agent.data().join("enrolling").exists());
    ensure!(sensor(&collector, 1)?.get("pending_at") == Some(&Value::Null));

    // One that is refused stays out, and says what a person can do.
    let token = collector.token("3407")?;
    fs::write(&file, &token)?;
    let other = Agent::new(&folder.path().join("other"), None)?;
    ensure!(other.try_ask(with_token())?.code == Some(75));
    collector.ask(["sensor", "refuse", "2"])?;
    let refused = other.try_ask(enroll)?;
    ensure!(refused.code == Some(1) && refused.err.contains("Ask the CSIRT for a new token"), "{refused:?}");
    collector.stop()
}

/// Has the next root document in force, by the commands a person would give.
fn rotate(collector: &Collector, changes: &[&str]) -> Result<()> {
    let text = |path: PathBuf| path.to_str().map(str::to_owned).context("a path that is no text");
    let (file, key) = (text(collector.data().join("next.json"))?, text(collector.data().join("keys/root.key"))?);
    collector.ask([&["root", "next", &file], changes].concat())?;
    collector.ask(["sign", &file, "--key", &key, "--yes"])?;
    collector.ask(["root", "accept", &file])?;
    Ok(fs::remove_file(file)?)
}

fn connected(collector: &Collector) -> Result<bool> {
    Ok(sensor(collector, 1)?.get("connected") == Some(&Value::Bool(true)))
}

fn await_root(collector: &Collector, version: u64) -> Result<()> {
    eventually(&format!("root document {version} is in force at the sensor"), PATIENCE, || {
        let there = sensor(collector, 1)?.get("root_version").and_then(Value::as_u64);
        Ok((there == Some(version) && connected(collector)?).then_some(()))
    })
}

/// Ten days pass for a sensor that does not run: its certificate is one that the authority in `files` issued then.
fn age(agent: &Agent, files: [&Path; 2]) -> Result<()> {
    let [certificate, key] = files;
    let authority = Authority::read(&fs::read_to_string(certificate)?, &fs::read_to_string(key)?)?;
    let identity = agent.data().join("identity");
    let own = KeyPair::from_pem(&fs::read_to_string(identity.join("key.pem"))?)?;
    let request = CertificateParams::new(Vec::new())?.serialize_request(&own)?;
    let past = clock::now().minus(Duration::from_secs(13 * 86_400));
    Ok(fs::write(identity.join("certificate.der"), authority.issue_sensor(request.der(), SensorId(1), past)?)?)
}

#[test]
fn e1_c4_the_authority_changes_to_its_end_and_nobody_is_kept_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    let watch = [OsStr::new("--capture"), feed.path().as_os_str()];
    agent.start(watch)?;
    collector.await_in_force(1, 1)?;

    let data = collector.data().to_owned();
    let coming = collector.ask(["ca", "next"])?.out.trim().to_owned();
    let too_early = collector.try_ask(["ca", "switch"])?;
    ensure!(too_early.code == Some(1) && too_early.err.contains("names both"), "{too_early:?}");
    let before = read_root(&data)?.1.ca.first().cloned().context("no CA")?;
    let next = data.join("keys/ca-next.crt");
    rotate(&collector, &["--add-ca", next.to_str().context("a path that is no text")?])?;
    await_root(&collector, 2)?;
    collector.ask(["ca", "switch"])?;
    ensure!(connected(&collector)?, "its session stands");
    let authority = read_certificate(&fs::read_to_string(data.join("keys/ca.crt"))?)?;
    ensure!(hex(&sha256(&authority)) == coming, "the next authority issues now");
    let shown = || -> Result<bool> {
        let own = read_certificate(&fs::read_to_string(data.join("keys/collector.crt"))?)?;
        Ok(is_issued_by(&own, &authority))
    };
    ensure!(!shown()?, "what the one before issued stays good");

    // The collector's certificate comes to be the next authority's: a process that began with the first document believes it
    // by the second, which came while it ran.
    collector.stop()?;
    fs::remove_file(data.join("keys/collector.crt"))?;
    collector.start()?;
    ensure!(shown()?, "it is made anew");
    eventually("the sensor is back", PATIENCE, || {
        agent.running()?.still_runs()?;
        Ok(connected(&collector)?.then_some(()))
    })
    .with_context(|| agent.log())?;

    // Ten days later the sensor asks for the next certificate, by one that the authority before has issued.
    agent.kill()?;
    let old = fs::read_dir(data.join("keys"))?.filter_map(std::result::Result::ok).map(|entry| entry.path());
    let old = old.filter(|path| path.to_string_lossy().contains("ca-old-")).collect::<Vec<_>>();
    let of = |extension: &str| old.iter().find(|path| path.extension() == Some(OsStr::new(extension)));
    age(&agent, [of("crt").context("no old CA")?, of("key").context("no old CA key")?])?;
    agent.start(watch)?;
    eventually("its certificate is of the next authority", PATIENCE, || {
        agent.running()?.still_runs()?;
        let renewed = is_issued_by(&fs::read(agent.data().join("identity/certificate.der"))?, &authority);
        Ok((renewed && connected(&collector)?).then_some(()))
    })
    .with_context(|| agent.log())?;

    // The one before goes. The sensor takes it in the session that stands, and comes in by it after a restart of both.
    rotate(&collector, &["--retire-ca", &before])?;
    await_root(&collector, 3).with_context(|| agent.log())?;
    agent.kill()?;
    collector.stop()?;
    collector.start()?;
    agent.start(watch)?;
    await_root(&collector, 3).with_context(|| agent.log())?;
    let second = Agent::new(&folder.path().join("second"), None)?;
    second.enroll(&collector.token("3407")?)?;
    agent.kill()?;
    collector.stop()
}

#[test]
fn e1_c4_the_collector_leaves_an_authority_that_is_dropped_at_once_and_its_sensors_follow() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let data = collector.data().to_owned();
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    agent.enroll(&collector.token("3407")?)?;
    let before = read_root(&data)?.1.ca.first().cloned().context("no CA")?;
    let old = [data.join("old.crt"), data.join("old.key")];
    fs::copy(data.join("keys/ca.crt"), &old[0])?;
    fs::copy(data.join("keys/ca.key"), &old[1])?;
    collector.ask(["ca", "next"])?;
    let next = data.join("keys/ca-next.crt");
    rotate(&collector, &["--add-ca", next.to_str().context("a path that is no text")?])?;
    collector.ask(["ca", "switch"])?;
    age(&agent, [&old[0], &old[1]])?;
    let authority = read_certificate(&fs::read_to_string(data.join("keys/ca.crt"))?)?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    await_root(&collector, 2)?;
    eventually("its certificate is of the next authority", PATIENCE, || {
        let renewed = is_issued_by(&fs::read(agent.data().join("identity/certificate.der"))?, &authority);
        Ok((renewed && connected(&collector)?).then_some(()))
    })
    .with_context(|| agent.log())?;

    rotate(&collector, &["--retire-ca", &before])?;
    let own = read_certificate(&fs::read_to_string(data.join("keys/collector.crt"))?)?;
    ensure!(is_issued_by(&own, &authority), "no sensor that takes the document would believe the other");
    // Its session began by the authority that goes: it waits for the next one, which is by the one that stays.
    eventually("it is told", PATIENCE, || {
        let row = sensor(&collector, 1)?;
        Ok(row.get("root_refused_why").is_some_and(Value::is_string).then_some(()))
    })?;
    ensure!(connected(&collector)?, "its session stands");
    collector.stop()?;
    collector.start()?;
    await_root(&collector, 3).with_context(|| agent.log())?;
    agent.kill()?;
    collector.stop()
}
