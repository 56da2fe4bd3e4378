//! Promises C1, C4 and E1 of a sensor that was off while the authority changed, by the real programs: it comes back by itself, over
//! QUIC and over TCP, over one change and over two, also when its certificate has run out; and whoever answers in its collector's
//! place changes nothing, learns nothing and holds nothing up.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use varde_agent::io::clock;
use varde_agent::io::link::{provisional, quic, read_message, write_message};
use varde_collector::certificate::{Authority, is_issued_by, read_certificate};
use varde_collector::io::keys::{read_root, read_signing_key};
use varde_collector::limits::ROOTS_TOLD_OF_ONE;
use varde_common::codec::FrameHeader;
use varde_common::id::SensorId;
use varde_common::message::{ALPN_ROOT, CloseReason, ToAgent, ToCollector};
use varde_common::trust::{Domain, sign};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hostile_lane::{Answer, HostileLane};
use varde_tests::programs::{PATIENCE, eventually};

/// A collector with a list, and a sensor that has enrolled and is off.
struct Scene {
    folder: tempfile::TempDir,
    collector: Collector,
    agent: Agent,
    feeds: Vec<Feed>,
}

fn text(path: PathBuf) -> Result<String> {
    path.to_str().map(str::to_owned).context("a path that is no text")
}

impl Scene {
    fn new() -> Result<Scene> {
        let folder = tempfile::tempdir()?;
        let mut collector = Collector::init(&folder.path().join("collector"))?;
        collector.start()?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let agent = Agent::new(&folder.path().join("agent"), None)?;
        agent.enroll(&collector.token("3407")?)?;
        Ok(Scene { folder, collector, agent, feeds: Vec::new() })
    }

    /// Has the next root document in force, by the commands a person would give.
    fn rotate(&self, changes: &[&str]) -> Result<()> {
        let data = self.collector.data();
        let (file, key) = (text(data.join("next.json"))?, text(data.join("keys/root.key"))?);
        self.collector.ask([&["root", "next", &file], changes].concat())?;
        self.collector.ask(["sign", &file, "--key", &key, "--yes"])?;
        self.collector.ask(["root", "accept", &file])?;
        Ok(fs::remove_file(file)?)
    }

    /// The authority changes to its end: two root documents.
    fn change_authority(&self) -> Result<()> {
        let data = self.collector.data();
        let before = read_root(data)?.1.ca.first().cloned().context("no CA")?;
        self.collector.ask(["ca", "next"])?;
        self.rotate(&["--add-ca", &text(data.join("keys/ca-next.crt"))?])?;
        self.collector.ask(["ca", "switch"])?;
        self.rotate(&["--retire-ca", &before])
    }

    /// The sensor's certificate is one that its first authority issued so many days ago; files of that one are given.
    fn age(&self, authority: [&Path; 2], days: u32) -> Result<()> {
        let [certificate, key] = authority;
        let authority = Authority::read(&fs::read_to_string(certificate)?, &fs::read_to_string(key)?)?;
        let identity = self.agent.data().join("identity");
        let own = KeyPair::from_pem(&fs::read_to_string(identity.join("key.pem"))?)?;
        let request = CertificateParams::new(Vec::new())?.serialize_request(&own)?;
        let past = clock::now().minus(Duration::from_secs(86_400) * days);
        Ok(fs::write(identity.join("certificate.der"), authority.issue_sensor(request.der(), SensorId(1), past)?)?)
    }

    fn start(&mut self) -> Result<()> {
        let feed = Feed::new(&self.folder.path().join(format!("mirror-{}", self.feeds.len())))?;
        self.agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        self.feeds.push(feed);
        Ok(())
    }

    fn status(&self) -> Result<Value> {
        self.agent.try_ask(["status", "--json"])?.ok()?.json()?.into_iter().next().context("no status")
    }

    /// Waits until the sensor stands in a session, by this root document and a certificate of the present authority.
    fn is_back(&mut self, version: u64) -> Result<()> {
        let data = self.collector.data().to_owned();
        let authority = read_certificate(&fs::read_to_string(data.join("keys/ca.crt"))?)?;
        eventually("the sensor is back by itself", PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let status = self.status()?;
            let own = fs::read(self.agent.data().join("identity/certificate.der"))?;
            let there = status.pointer("/trust/root_version").and_then(Value::as_u64) == Some(version)
                && status.get("connected") == Some(&Value::Bool(true))
                && is_issued_by(&own, &authority);
            Ok(there.then_some(()))
        })
        .with_context(|| self.agent.log())?;
        self.collector.await_in_force(1, 1)
    }

    fn addresses(&self) -> Result<[SocketAddr; 2]> {
        let addresses = self.collector.addresses()?;
        Ok([addresses.quic.parse()?, addresses.enroll.parse()?])
    }

    /// Waits until the sensor says this of why it is not connected.
    fn says(&mut self, words: &str) -> Result<()> {
        eventually(&format!("the sensor says: {words}"), PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let status = self.status()?;
            let why = status.get("last_error").and_then(Value::as_str).unwrap_or_default();
            Ok(why.contains(words).then_some(()))
        })
        .with_context(|| self.agent.log())
    }
}

#[test]
fn c4_a_sensor_that_was_off_over_one_change_of_the_authority_comes_back_by_itself() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.change_authority()?;
    scene.start()?;
    scene.is_back(3)?;
    // And again, as any other.
    scene.agent.kill()?;
    scene.collector.stop()?;
    scene.collector.start()?;
    scene.start()?;
    scene.is_back(3)?;
    scene.agent.kill()?;
    scene.collector.stop()
}

#[test]
fn c4_e1_so_does_one_that_was_off_over_two_with_a_certificate_that_has_run_out_also_where_udp_is_blocked() -> Result<()>
{
    for blocked in [false, true] {
        let mut scene = Scene::new()?;
        let keys = scene.collector.data().join("keys");
        let kept = ["first.crt", "first.key"].map(|name| scene.folder.path().join(name));
        fs::copy(keys.join("ca.crt"), &kept[0])?;
        fs::copy(keys.join("ca.key"), &kept[1])?;
        scene.change_authority()?;
        scene.change_authority()?;
        scene.age([&kept[0], &kept[1]], 130)?;
        if blocked {
            // A port where nothing answers over UDP; the way round is the collector's own.
            let deaf = std::net::UdpSocket::bind("127.0.0.1:0")?;
            let tcp = scene.collector.addresses()?.tcp;
            let settings = format!("collector = \"{}\"\nfallback = \"{tcp}\"\n", deaf.local_addr()?);
            fs::write(scene.agent.data().join("agent.toml"), settings)?;
        }
        scene.start()?;
        scene.is_back(5)?;
        scene.agent.kill()?;
        scene.collector.stop()?;
    }
    Ok(())
}

#[test]
fn c4_p4_a_sensor_that_was_revoked_gets_nothing_by_an_authority_that_was_retired() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.change_authority()?;
    scene.collector.ask(["sensor", "revoke", "1"])?;
    let before = fs::read(scene.agent.data().join("identity/certificate.der"))?;
    scene.start()?;
    scene.says("has revoked this sensor")?;
    let status = scene.status()?;
    ensure!(status.pointer("/trust/root_version") == Some(&Value::from(3)), "it knows its collector again: {status}");
    ensure!(fs::read(scene.agent.data().join("identity/certificate.der"))? == before, "it was given a certificate");
    scene.agent.kill()?;
    scene.collector.stop()
}

/// What lies on the sensor's disk of what it trusts.
fn trusted(agent: &Agent) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(agent.data().join("identity"))? {
        let entry = entry?;
        found.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
    }
    found.sort();
    Ok(found)
}

#[test]
fn c1_t8_whoever_answers_in_the_collectors_place_changes_nothing_and_learns_one_number() -> Result<()> {
    let mut scene = Scene::new()?;
    let [sessions, lane] = scene.addresses()?;
    fs::write(scene.agent.data().join("agent.toml"), "fallback = \"none\"\n")?;
    let data = scene.collector.data().to_owned();
    let first = read_root(&data)?;
    let root_key = read_signing_key(&data.join("keys/root.key"))?;
    scene.change_authority()?;
    let genuine: Vec<(i64, Vec<u8>)> = scene.collector.query("SELECT version, document FROM root_document")?;
    let genuine = genuine.into_iter().filter(|(version, _)| *version > 1).map(|(_, document)| document);
    let genuine: Vec<Vec<u8>> = genuine.collect();
    let new_ca = read_certificate(&fs::read_to_string(data.join("keys/ca.crt"))?)?.to_vec();
    scene.collector.stop()?;

    let stranger = SigningKey::from_bytes(&[9; 32]);
    let mut forged = first.1.clone();
    forged.version = 2;
    let by_itself = sign(Domain::Root, &forged, &[&stranger])?;
    let as_list = sign(Domain::List, &forged, &[&root_key])?;
    let end = ToAgent::NoMoreRoots { newest: 9 }.to_frame()?;
    let bring = |documents: &[Vec<u8>], end: &[u8]| -> Result<Answer> {
        let mut octets = Vec::new();
        for document in documents {
            octets.extend(ToAgent::NextRoot { document: document.clone() }.to_frame()?);
        }
        octets.extend_from_slice(end);
        Ok(Answer::Octets(octets))
    };
    let too_large = FrameHeader { body_octets: 200 * 1024, kind: 120 }.to_octets().to_vec();
    let none = ToAgent::NoMoreRoots { newest: 1 }.to_frame()?;
    let foolish = b"{\"signed\":{\"version\":2},\"signatures\":[],\"\\u001b[2J\":1}".to_vec();
    let cases = [
        (bring(&[by_itself], &end)?, "the root keys in force have not signed it"),
        (bring(&[as_list], &end)?, "the root keys in force have not signed it"),
        (bring(&genuine[1..], &end)?, "it is number 3, and only number 2 can follow"),
        (bring(std::slice::from_ref(&first.0), &none)?, "it has no root document behind number 1"),
        (bring(&[foolish], &end)?, "root document refused: it is no root document"),
        (bring(&genuine, &end)?, "cannot prove by it to be the collector"),
        (bring(&[], &none)?, "it has no root document behind number 1"),
        (bring(&[], &too_large)?, "the collector sent what it may not"),
        (bring(&[], &ToAgent::Waiting.to_frame()?)?, "a message came on a stream where it does not belong"),
        (Answer::ForEver, "does not answer"),
    ];
    let impostor = HostileLane::start(sessions, lane, Some(new_ca), Answer::Octets(Vec::new()))?;
    let before = trusted(&scene.agent)?;
    let mut asked = 0;
    for (answer, words) in cases {
        impostor.answer(answer);
        scene.start()?;
        scene.says(words)?;
        let said = scene.status()?;
        let why = said.get("last_error").and_then(Value::as_str).unwrap_or_default();
        ensure!(why.contains("ask the CSIRT") || why.contains("ask that"), "nobody is told what to do: {why}");
        ensure!(!why.contains('\u{1b}') && !scene.agent.log().contains("\u{1b}[2J"), "{why:?}");
        ensure!(said.get("connected") == Some(&Value::Bool(false)), "{said}");
        ensure!(said.pointer("/trust/root_version") == Some(&Value::from(1)), "{said}");
        scene.agent.kill()?;
        ensure!(trusted(&scene.agent)? == before, "{words}: what it trusts has changed");
        asked += 1;
    }
    impostor.told(|told| -> Result<()> {
        ensure!(told.certificates == 0, "a certificate was shown to a stranger");
        ensure!(told.frames.len() == asked, "{} questions in {asked} starts", told.frames.len());
        let only = ToCollector::AskRoots { version: 1 }.to_frame()?;
        ensure!(told.frames.iter().all(|(kind, body)| *kind == 36 && only.ends_with(body)), "{:?}", told.frames);
        Ok(())
    })?;
    drop(impostor);

    // And its own collector is found again all the same.
    scene.collector.start()?;
    scene.start()?;
    scene.is_back(3)?;
    scene.agent.kill()?;
    scene.collector.stop()
}

#[test]
fn n1_the_lane_tells_one_neighbourhood_so_often_a_minute_and_sensors_with_a_session_do_not_mind() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.start()?;
    scene.is_back(1)?;
    let [_, lane] = scene.addresses()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = runtime.block_on(async {
        let mut told = Vec::new();
        for _ in 0..=ROOTS_TOLD_OF_ONE {
            let tls = provisional::client_config(&[ALPN_ROOT]).map_err(anyhow::Error::msg)?;
            let config = quic::client_config(tls).map_err(anyhow::Error::msg)?;
            let (_endpoint, connection) = quic::dial(&lane.to_string(), config, &mut Vec::new()).await?;
            let (mut write, mut read) = connection.open_bi().await?;
            write_message(&mut write, &ToCollector::AskRoots { version: 0 }).await?;
            let mut answers = Vec::new();
            while let Ok(Some(message)) = read_message(&mut read).await {
                let is_end = matches!(message, ToAgent::NoMoreRoots { .. });
                answers.push(message);
                if is_end {
                    break;
                }
            }
            let closed = connection.close_reason().map(|reason| quic::explain("lane", reason).to_string());
            connection.close(0u32.into(), b"");
            told.push((answers, closed));
        }
        anyhow::Ok(told)
    })?;
    let (last, first) = told.split_last().context("nobody was told")?;
    for (answers, _) in first {
        ensure!(matches!(&answers[..], [ToAgent::NextRoot { .. }, ToAgent::NoMoreRoots { newest: 1 }]), "{answers:?}");
    }
    let unavailable = CloseReason::Unavailable.sentence();
    ensure!(last.0.is_empty() && last.1.as_deref() == Some(unavailable), "{last:?}");
    scene.is_back(1)?;
    scene.agent.kill()?;
    scene.collector.stop()
}
