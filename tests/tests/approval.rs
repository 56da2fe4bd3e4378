//! Promises E1 of approval and of the authority, by the real programs: a sensor waits for a person with words that both ends show,
//! goes on where it was broken off, and a CA that changes ends no session and keeps nobody out.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use varde_agent::io::clock;
use varde_collector::certificate::{Authority, is_issued_by, read_certificate};
use varde_collector::io::keys::{read_root, read_signing_key};
use varde_common::id::SensorId;
use varde_common::trust::{Domain, hex, sha256, sign};
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

/// The next root document, which names these authorities.
fn rotate(data: &Path, names: &BTreeSet<String>) -> Result<()> {
    let (_, mut root) = read_root(data)?;
    root.version += 1;
    root.ca.clone_from(names);
    let key = read_signing_key(&data.join("keys/root.key"))?;
    Ok(fs::write(data.join("root.json"), sign(Domain::Root, &root, &[&key])?)?)
}

#[test]
fn e1_the_authority_changes_while_sensors_stand_and_each_comes_to_the_next_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;

    let data = collector.data().to_owned();
    let coming = collector.ask(["ca", "next"])?.out.trim().to_owned();
    let too_early = collector.try_ask(["ca", "switch"])?;
    ensure!(too_early.code == Some(1) && too_early.err.contains("names both"), "{too_early:?}");
    let (_, root) = read_root(&data)?;
    let both: BTreeSet<String> = root.ca.iter().cloned().chain([coming.clone()]).collect();
    rotate(&data, &both)?;
    collector.ask(["ca", "switch"])?;
    ensure!(sensor(&collector, 1)?.get("connected") == Some(&Value::Bool(true)), "its session stands");
    feed.send(&[])?;
    agent.kill()?;

    // Ten days later it asks for the next certificate, by one that the authority before has issued.
    let old = fs::read_dir(data.join("keys"))?.filter_map(std::result::Result::ok).map(|entry| entry.path());
    let old = old.filter(|path| path.to_string_lossy().contains("ca-old-")).collect::<Vec<_>>();
    let of = |extension: &str| old.iter().find(|path| path.extension() == Some(OsStr::new(extension)));
    let (old_certificate, old_key) = (of("crt").context("no old CA")?, of("key").context("no old CA key")?);
    let before = Authority::read(&fs::read_to_string(old_certificate)?, &fs::read_to_string(old_key)?)?;
    let identity = agent.data().join("identity");
    let key = KeyPair::from_pem(&fs::read_to_string(identity.join("key.pem"))?)?;
    let request = CertificateParams::new(Vec::new())?.serialize_request(&key)?;
    let past = clock::now().minus(Duration::from_secs(13 * 86_400));
    fs::write(identity.join("certificate.der"), before.issue_sensor(request.der(), SensorId(1), past)?)?;
    let feed = Feed::new(&folder.path().join("mirror-2"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let authority = read_certificate(&fs::read_to_string(data.join("keys/ca.crt"))?)?;
    ensure!(hex(&sha256(&authority)) == coming, "the next authority issues now");
    eventually("its certificate is of the next authority", PATIENCE, || {
        agent.running()?.still_runs()?;
        let renewed = is_issued_by(&fs::read(identity.join("certificate.der"))?, &authority);
        let connected = sensor(&collector, 1)?.get("connected") == Some(&Value::Bool(true));
        Ok((renewed && connected).then_some(()))
    })
    .with_context(|| agent.log())?;
    // It comes back after restarts of both, and a new sensor comes in.
    collector.stop()?;
    collector.start()?;
    let second = Agent::new(&folder.path().join("second"), None)?;
    second.enroll(&collector.token("3407")?)?;
    eventually("it is back", PATIENCE, || {
        let connected = sensor(&collector, 1)?.get("connected") == Some(&Value::Bool(true));
        Ok(connected.then_some(()))
    })?;
    agent.kill()?;
    collector.stop()
}
