//! Promise C1: no event on the network makes a sensor forget who it is, what it has found or what it looks for, whatever a
//! collector says or does that has its place.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use varde_agent::io::clock;
use varde_agent::limits::{REFUSALS_BORNE_AT_ONCE, REFUSALS_TOLD_AT_ONCE};
use varde_common::codec::FrameHeader;
use varde_common::id::{Epoch, Seq};
use varde_common::message::{EnrolRefusal, RenewalRefusal, ToAgent};
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_tests::capture::Feed;
use varde_tests::community::Agent;
use varde_tests::hostile_collector::{Denial, HostileCollector, Offer};
use varde_tests::places::Places;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::secrets::files_below;
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

/// Everything that must be there afterwards, octet for octet.
fn kept(data: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut kept = BTreeMap::new();
    for folder in ["identity", "list"] {
        for file in files_below(&data.join(folder))? {
            kept.insert(file.clone(), fs::read(file)?);
        }
    }
    kept.insert(data.join("site.key"), fs::read(data.join("site.key"))?);
    Ok(kept)
}

fn raise(agent: &mut Agent, feed: &mut Feed, host: u8) -> Result<()> {
    let before = agent.taken()?.len();
    let mut traffic = Traffic::starting(clock::now());
    for step in 0..2 {
        let client = std::net::SocketAddr::from(([10, 1, host, 7 + step], 40_000));
        let question = Question { id: u16::from(host), name: "vond.example", qtype: rtype::A };
        let answer = Outcome::address("vond.example", [198, 51, 100, 9].into());
        traffic.lookup(client, "10.1.0.53:53".parse()?, question, &answer);
    }
    feed.send(&traffic.packets)?;
    eventually("it matches and spools", PATIENCE, || Ok((agent.taken()?.len() > before).then_some(())))
}

fn denials() -> Result<Vec<(&'static str, Denial)>> {
    let frame = |message: ToAgent| message.to_frame().map(Denial::Say).context("a frame");
    let mut denials = vec![
        ("silence", Denial::Say(Vec::new())),
        ("rubbish", Denial::Say(vec![0xa5; 4_096])),
        ("a length that lies", Denial::Say(FrameHeader { body_octets: 1 << 30, kind: 110 }.to_octets().to_vec())),
        ("an unknown kind", Denial::Say(FrameHeader { body_octets: 0, kind: 250 }.to_octets().to_vec())),
        (
            "an enrolment",
            frame(ToAgent::Enrolled {
                certificate_der: vec![0x30; 64],
                ca_der: vec![0x30; 64],
                member_name: varde_common::codec::Text::cut("x"),
            })?,
        ),
        ("enrolment refused", frame(ToAgent::EnrolRefused(EnrolRefusal::Revoked))?),
        ("a root document", frame(ToAgent::Root { document: b"{}".to_vec() })?),
        ("a next root document", frame(ToAgent::NextRoot { document: b"{}".to_vec() })?),
        ("a certificate nobody asked for", frame(ToAgent::Renewed { certificate_der: vec![0x30; 64] })?),
        ("renewal refused", frame(ToAgent::RenewalRefused(RenewalRefusal::Revoked))?),
        ("an acknowledgement of everything", frame(ToAgent::Ack { epoch: Epoch(0), seq: Seq(u64::MAX) })?),
    ];
    // Every reason there is, and some there are not.
    denials.extend([0, 1, 2, 3, 4, 5, 6, 7, 99].map(|code| ("a close", Denial::Close(code))));
    // Last: the spool is set aside by it, more than once.
    for _ in 0..3 {
        denials.push(("the order to begin a new spool", frame(ToAgent::NewEpoch { committed: Seq(u64::MAX / 2) })?));
    }
    Ok(denials)
}

#[test]
fn c1_no_event_on_the_network_makes_a_sensor_forget() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (collector, stranger) = (HostileCollector::start(2)?, HostileCollector::start(2)?);
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(7))?;
    let data = agent.data().to_owned();
    fs::write(data.join("agent.toml"), "fallback = \"none\"\n")?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let (manifest, base) = collector.list(3, &["vond.example"])?;
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    collector.offer(&Offer { manifest: manifest.sign(&keys)?, base, ended: true })?;
    eventually("the list is in force", PATIENCE, || Ok((agent.revision()? == 3).then_some(())))?;
    raise(&mut agent, &mut feed, 1)?;
    agent.kill()?;
    let before = kept(&data)?;
    ensure!(before.len() >= 8, "there is something to forget: {:?}", before.keys());

    let mut host = 2;
    for (what, denial) in denials()? {
        collector.meet_with(Some(denial));
        let (met, said) = (collector.heard(|heard| heard.hellos.len()), agent.log().matches("not connected").count());
        feed = Feed::new(&folder.path().join(format!("mirror-{host}")))?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        let mut ended = false;
        eventually(&format!("it was met with {what}"), PATIENCE, || {
            ended |= agent.running()?.ended()?.is_some();
            let there = collector.heard(|heard| heard.hellos.len()) > met;
            let told = agent.log().matches("not connected").count() > said;
            Ok((there && (ended || told)).then_some(()))
        })?;
        // What it looks for is still looked for; one that was told to begin anew ends first, and its service manager starts it.
        if !ended {
            raise(&mut agent, &mut feed, host).with_context(|| format!("after {what}"))?;
        }
        host += 1;
        agent.kill()?;
        ensure!(kept(&data)? == before, "{what} made it forget: {:?}", kept(&data)?.keys());
    }

    // Somebody with another CA has its place.
    fs::write(data.join("agent.toml"), format!("fallback = \"none\"\ncollector = \"{}\"\n", stranger.address()))?;
    let said = agent.log().matches("not connected").count();
    let feed = Feed::new(&folder.path().join("mirror-last"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    eventually("another's certificate is refused", PATIENCE, || {
        Ok((agent.log().matches("not connected").count() > said).then_some(()))
    })?;
    agent.kill()?;
    ensure!(stranger.heard(|heard| heard.hellos.is_empty()), "it spoke with a stranger");
    ensure!(kept(&data)? == before, "another's certificate made it forget");

    // Every record taken in all its lives is on the disk: in the spool, or in one that was set aside whole.
    let mut places = Places::default();
    let mut asides = 0;
    for entry in fs::read_dir(&data)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && name.starts_with("spool") {
            places.read_directory(&entry.path())?;
            asides += usize::from(name.starts_with("spool.aside-"));
        }
    }
    let taken = agent.taken()?;
    let missing: Vec<_> = taken.iter().filter(|(epoch, seq)| !places.records.contains_key(&(*epoch, *seq))).collect();
    ensure!(missing.is_empty(), "of {} records taken these are gone: {missing:?}", taken.len());
    ensure!(asides >= 1, "no spool was set aside");
    println!("C1: {} denials, {} records taken, {asides} spools set aside, nothing forgotten", host - 2, taken.len());
    Ok(())
}

#[test]
fn c1_a_flood_of_rubbish_fills_neither_the_spool_nor_the_log_and_ends_its_session() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = HostileCollector::start(2)?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(7))?;
    fs::write(agent.data().join("agent.toml"), "fallback = \"none\"\n")?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let (manifest, base) = collector.list(3, &["vond.example"])?;
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    collector.offer(&Offer { manifest: manifest.sign(&keys)?, base, ended: true })?;
    eventually("the list is in force", PATIENCE, || Ok((agent.revision()? == 3).then_some(())))?;
    raise(&mut agent, &mut feed, 1)?;

    let rubbish = || b"{}".to_vec();
    let words = [
        ToAgent::ListOffer { manifest: rubbish() },
        ToAgent::Channel { document: rubbish() },
        ToAgent::Newest { document: rubbish() },
        ToAgent::Brake { document: rubbish() },
    ];
    let hellos = || collector.heard(|heard| heard.hellos.len());
    let (before, mut sent) = (hellos(), 0);
    while hellos() == before && sent < 20 * REFUSALS_BORNE_AT_ONCE {
        let word = words.get(sent as usize % words.len()).context("a word")?;
        collector.send(word)?;
        sent += 1;
    }
    ensure!(hellos() > before, "{sent} refusals were borne in one session");
    eventually("it says why it ended the session", PATIENCE, || {
        Ok(agent.log().contains("again and again what is refused").then_some(()))
    })?;
    // What was found, and what comes now, is there; of the flood there is a little.
    raise(&mut agent, &mut feed, 2)?;
    let taken = agent.taken()?;
    agent.kill()?;
    let mut places = Places::default();
    places.read_directory(&agent.data().join("spool"))?;
    let missing: Vec<_> = taken.iter().filter(|(epoch, seq)| !places.records.contains_key(&(*epoch, *seq))).collect();
    ensure!(missing.is_empty(), "of {} records taken these are gone: {missing:?}", taken.len());
    let is_refusal = |octets: &Vec<u8>| {
        let body = Record::from_octets(octets).map(|record| record.body);
        matches!(body, Ok(RecordBody::Event(SensorEvent::ListRefused { .. })))
    };
    let refusals = places.records.values().filter(|octets| is_refusal(octets)).count();
    // Some minutes may have passed.
    let most = REFUSALS_TOLD_AT_ONCE as usize + 10;
    ensure!(refusals >= 1 && refusals <= most, "{refusals} records of {sent} refusals");
    let lines = agent.log().lines().filter(|line| line.contains("refused") || line.contains("manifest")).count();
    ensure!(lines <= 2 * most, "{lines} lines in the log of {sent} refusals");
    println!("C1: {sent} words of rubbish, {refusals} records and {lines} lines of log");
    collector.stop();
    Ok(())
}
