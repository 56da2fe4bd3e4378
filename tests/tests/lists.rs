//! Promise L2 by the real collector: what it refuses to publish and what a sensor refuses of it is told with the reason; what a
//! good list withdraws accuses nobody any more.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use varde_agent::floor::Floor;
use varde_agent::io::clock;
use varde_agent::io::disk::{create_directory_on, overlay, roots};
use varde_agent::io::disk::{floor, list};
use varde_agent::subscription::Arrived;
use varde_common::alert::Evidence;
use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::list::{Content, Manifest};
use varde_common::message::ListOutcome;
use varde_common::record::RecordBody;
use varde_common::time::Timestamp;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::hostile_collector::{HostileCollector, Offer};
use varde_tests::model_disk::{CRASHES, ModelDisk};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::sensor_double::SensorDouble;
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, PAGE, Traffic};

fn lookup(name: &str) -> Result<Traffic> {
    look_up(name, &Outcome::address(name, "198.51.100.9".parse()?))
}

fn look_up(name: &str, outcome: &Outcome) -> Result<Traffic> {
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: 5, name, qtype: rtype::A };
    traffic.lookup("10.1.0.20:40000".parse()?, "10.1.0.53:53".parse()?, question, outcome);
    Ok(traffic)
}

fn good(collector: &HostileCollector, revision: u64, patterns: &[&str]) -> Result<Offer> {
    let (manifest, base) = collector.list(revision, patterns)?;
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    Ok(Offer { manifest: manifest.sign(&keys)?, base, ended: true })
}

/// What the agent has told of hosts, by the indicator's number: who, and how far.
fn told(collector: &HostileCollector) -> Vec<(u64, Evidence)> {
    let bodies = collector.heard(|heard| heard.records.values().map(|record| record.body.clone()).collect::<Vec<_>>());
    let told = bodies.into_iter().filter_map(|body| match body {
        RecordBody::Opened(opened) => Some((opened.indicator.0, opened.evidence)),
        RecordBody::Updated(updated) => Some((u64::MAX, updated.evidence)),
        RecordBody::CrowdOpened(_)
        | RecordBody::CrowdUpdated(_)
        | RecordBody::Braked(_)
        | RecordBody::Loss { .. }
        | RecordBody::GivenUp { .. }
        | RecordBody::Event(_) => None,
    });
    told.collect()
}

#[test]
fn an_indicator_that_a_new_list_withdraws_raises_nothing_by_an_answer_from_before() -> Result<()> {
    for withdrawn in [false, true] {
        let folder = tempfile::tempdir()?;
        let collector = HostileCollector::start(1)?;
        let mut agent = Agent::new(&folder.path().join("agent"), None)?;
        agent.enroll(&collector.token(8))?;
        let mut feed = Feed::new(&folder.path().join("mirror"))?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        collector.offer(&good(&collector, 1, &["vond.example"])?)?;
        eventually("the first list is in force", PATIENCE, || Ok((agent.revision()? == 1).then_some(())))?;
        feed.send(&lookup("vond.example")?.packets)?;
        eventually("the look-up is told", PATIENCE, || Ok((!told(&collector).is_empty()).then_some(())))?;

        // Indicators are numbered in their order: another one in its place, so that no number is used again.
        let first = if withdrawn { "tredje.example" } else { "vond.example" };
        let patterns = [first, "annen.example"];
        collector.offer(&good(&collector, 2, &patterns)?)?;
        eventually("the second list is in force", PATIENCE, || {
            let in_force =
                |outcome: &ListOutcome| matches!(outcome, ListOutcome::InForce { revision: Revision(2), .. });
            Ok(collector.heard(|heard| heard.outcomes.iter().any(in_force)).then_some(()))
        })?;
        // The host that asked and another one reach the address; then something that is listed still shows that all of
        // it was read.
        let mut traffic = Traffic::starting(clock::now());
        for client in ["10.1.0.20:41000", "10.1.0.21:41000"] {
            traffic.connect(client.parse()?, "198.51.100.9:443".parse()?, PAGE);
        }
        feed.send(&traffic.packets)?;
        feed.send(&look_up("annen.example", &Outcome::Code(3))?.packets)?;
        drop(feed);
        agent.wait()?;
        let told = told(&collector);
        let opened = told.iter().filter(|(indicator, _)| *indicator != u64::MAX).count();
        let contacts = told.iter().filter(|(_, evidence)| *evidence > Evidence::Answered).count();
        if withdrawn {
            assert_eq!((opened, contacts), (2, 0), "the look-up before, the look-up after, no contact: {told:?}");
        } else {
            assert!(opened == 3 && contacts >= 2, "what is listed still is followed, by another host too: {told:?}");
        }
        collector.stop();
    }
    Ok(())
}

#[test]
fn l2_a_collector_with_another_root_enrols_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (pinned, other) = (HostileCollector::start(1)?, HostileCollector::start(2)?);
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    pinned.show_root(other.root_document());
    let said = agent.try_enroll(&pinned.token(7))?;
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("root"), "{}", said.err);
    pinned.show_root(pinned.root_document());
    agent.enroll(&pinned.token(7)).context("and the right root enrols")?;
    pinned.stop();
    other.stop();
    Ok(())
}

#[test]
fn l2_the_real_collector_shows_that_a_sensor_refused_a_list() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    drop(feed);
    agent.wait()?;
    collector.publish("annen.example\n")?;
    collector.stop()?;
    // Somebody with the disk but without the list key changes what is to be sent.
    let changed = collector.tamper("UPDATE list_revision SET base = base || X'00' WHERE revision = 2")?;
    assert_eq!(changed, 1);
    collector.start()?;
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let refused = eventually("the refusal is shown", PATIENCE, || {
        agent.running()?.still_runs()?;
        Ok(collector.sensors()?.into_iter().find(|sensor| sensor.refused_why.is_some()))
    })?;
    assert_eq!(refused.revision, 1, "{refused:?}");
    assert_eq!(agent.revision()?, 1);
    drop(feed);
    agent.kill()?;
    collector.stop()
}

#[test]
fn l2_a_list_that_shrinks_is_published_and_taken_only_where_that_is_said() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let names = |range: std::ops::Range<u32>| range.map(|n| format!("vond{n}.example\n")).collect::<String>();
    collector.publish(&names(0..30))?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    // A feed withdraws all but three.
    let gone = folder.path().join("gone.txt");
    std::fs::write(&gone, names(3..30))?;
    let import = ["indicator", "import", &gone.to_string_lossy(), "--source", "import.txt"];
    let import = import.into_iter().chain(["--valid-until", "2026-01-01T00:00:00Z"]);
    collector.ask(import)?;
    let said = collector.try_ask(["publish"])?;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("list 1 has 30 indicators, and only 3"), "{}", said.err);
    assert!(said.err.contains("--allow-shrink"), "{}", said.err);
    assert_eq!(agent.revision()?, 1);
    collector.ask(["publish", "--allow-shrink"])?;
    collector.await_in_force(1, 2)?;
    assert_eq!(collector.sensors()?[0].refused_why, None);
    drop(feed);
    agent.wait()?;
    collector.stop()
}

/// What lies in a sensor's directory of lists, by the beginning of its name.
fn lies(agent: &Agent, begins: &str) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(agent.data().join("list"))?.collect::<std::io::Result<Vec<_>>>()?;
    let named = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(begins);
    Ok(entries.iter().filter(|entry| named(entry)).map(std::fs::DirEntry::path).collect())
}

#[test]
fn l2_little_that_has_changed_travels_as_changes_and_outlives_a_restart_without_a_network() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish(&(0..40).map(|n| format!("vond{n}.example\n")).collect::<String>())?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    let base = std::fs::read(agent.data().join("list/in-force"))?;

    // One comes, one goes: the base stays where it is.
    let gone = folder.path().join("gone.txt");
    std::fs::write(&gone, "vond7.example\n")?;
    let import = ["indicator", "import", &gone.to_string_lossy(), "--source", "import.txt"];
    collector.ask(import.into_iter().chain(["--valid-until", "2026-01-01T00:00:00Z"]))?;
    collector.publish("ny.example\n")?;
    collector.await_in_force(1, 2)?;
    let stored: Vec<(i64, i64)> = collector.query(
        "SELECT COALESCE(base_revision, 0), COALESCE(length(overlay), 0) FROM list_revision ORDER BY revision",
    )?;
    assert!(stored[0] == (0, 0) && stored[1].0 == 1 && stored[1].1 < 300, "{stored:?}");
    assert!(std::fs::read(agent.data().join("list/in-force"))? == base, "the base was written again");
    assert_eq!(lies(&agent, "overlay-")?.len(), 1);
    for name in ["vond7.example", "ny.example", "vond8.example"] {
        feed.send(&lookup(name)?.packets)?;
    }
    let found = eventually("two of the three are found", PATIENCE, || {
        let alerts = collector.alerts()?;
        Ok((alerts.len() >= 2).then_some(alerts))
    })?;
    let mut found: Vec<_> = found.iter().map(|alert| alert.indicator.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["ny.example", "vond8.example"]);
    // A program from before is given all of it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let older = runtime.block_on(async {
        let sensor = SensorDouble::enrol(&collector.token("3407")?).await?;
        sensor.connect(Revision(0)).await?.next_list(sensor.root()).await
    })?;
    assert_eq!(older, Revision(2));

    // Killed, and nobody answers: what is in force comes from the disk.
    agent.kill()?;
    collector.stop()?;
    drop(feed);
    let feed = Feed::new(&folder.path().join("mirror-alone"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let indicators = |agent: &Agent| -> Result<Option<u64>> {
        Ok(agent.status()?.get("indicators").and_then(serde_json::Value::as_u64))
    };
    eventually("it runs", PATIENCE, || Ok((agent.status()?["running"] == true).then_some(())))?;
    assert_eq!((agent.revision()?, indicators(&agent)?), (2, Some(40)));
    // Without its base it is given the whole list under its own number.
    agent.kill()?;
    drop(feed);
    std::fs::remove_file(agent.data().join("list/in-force"))?;
    collector.start()?;
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    eventually("it has all of it", PATIENCE, || {
        Ok((agent.revision()? == 2 && indicators(&agent)? == Some(40)).then_some(()))
    })?;
    assert_eq!(std::fs::read(agent.data().join("list/in-force"))?.len(), base.len());
    // More than a quarter: a base of its own.
    collector.publish(&(0..12).map(|n| format!("mer{n}.example\n")).collect::<String>())?;
    collector.await_in_force(1, 3)?;
    assert!(lies(&agent, "overlay-")?.is_empty(), "changes over a base that is gone");
    assert_ne!(std::fs::read(agent.data().join("list/in-force"))?.len(), base.len());
    assert_eq!(collector.sensors()?[0].refused_why, None);
    drop(feed);
    agent.wait()?;
    collector.stop()
}

#[test]
fn d3_i4_changes_and_their_floor_are_there_whole_after_a_crash_at_any_moment() -> Result<()> {
    let (disk, data) = (ModelDisk::new(12), Path::new("/data"));
    let volume = disk.volume();
    create_directory_on(volume.as_ref(), data)?;
    let all = ChannelName::default();
    // Which list a file is of is told by its octets; only the sensor's own order of writing is asked here.
    let arrived = |revision: u64| -> Result<Arrived> {
        let content = Content { count: 1, blake3: String::new() };
        let manifest = Manifest::of(b"base", &content, Revision(revision), Timestamp(1), Timestamp::MAX);
        let overlay = vec![revision as u8; 5_000];
        let manifest = manifest.clone().over(&manifest, &overlay);
        Ok(Arrived { signed: manifest.sign(&[])?, manifest, whole: false, overlay })
    };
    let base = arrived(1)?.manifest.base_blake3;
    let mut had = vec![(disk.moments(), 0)];
    for revision in 1..=4 {
        let floor = Floor::of(Revision(revision));
        list::prepare_on(volume.as_ref(), data, &all, (&floor, 1), &arrived(revision)?)?;
        had.push((disk.moments(), revision));
    }
    let roots = roots::Stored { chain: Vec::new(), damaged: None };
    let began = had.first().context("no beginning")?.0;
    let mut found = 0;
    for moment in began..=disk.moments() {
        let &(_, least) = had.iter().rfind(|(at, _)| *at <= moment).context("no such moment")?;
        for (crash, seed) in CRASHES.into_iter().flat_map(|crash| (0..4).map(move |seed| (crash, seed))) {
            let crashed = disk.crashed_at(moment, crash, seed);
            let volume = crashed.volume();
            let floor = floor::read_on(volume.as_ref(), data, &all, &roots)?.context("a damaged floor")?.revision();
            let there = overlay::read_on(volume.as_ref(), data, &base)?;
            let revision = there.as_ref().map_or(0, |there| u64::from(there.overlay.first().copied().unwrap_or(0)));
            ensure!(revision >= least, "{crash:?} at {moment}: list {revision}, and {least} was in force");
            ensure!(floor.0 >= revision, "{crash:?} at {moment}: list {revision} stands above the floor {floor}");
            let Some(there) = there else { continue };
            let whole = arrived(revision)?;
            ensure!((there.signed, there.overlay) == (whole.signed, whole.overlay), "{crash:?} at {moment}: a half");
            found += 1;
        }
    }
    ensure!(found > 0, "nothing was ever there");
    Ok(())
}
