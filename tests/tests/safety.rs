//! Promises D5 and D9 of the collector: a full disk acknowledges nothing and passes by itself; a collector restored from a
//! backup is filled again by its sensors, each record once; a damaged or foreign database is told with its remedy.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_common::id::{Epoch, Seq};
use varde_common::record::{Record, RecordBody};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::fault::Shim;
use varde_tests::hits::EVERY_HOST_TOLD;
use varde_tests::programs::{PATIENCE, Which, eventually, run, said};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

/// A member's sensor with the mirror it reads, and how many hosts have looked the listed name up there.
struct Member {
    agent: Agent,
    feed: Feed,
    place: Municipality,
    hosts: u64,
}

impl Member {
    fn join(folder: &Path, collector: &Collector, number: &str, place: u8) -> Result<Member> {
        if !collector.list("member")?.iter().any(|member| member["number"] == number) {
            collector.add_member(number, number)?;
        }
        let mut agent = Agent::new(&folder.join(format!("agent-{number}")), None)?;
        agent.enroll(&collector.token(number)?)?;
        std::fs::write(agent.data().join("agent.toml"), EVERY_HOST_TOLD)?;
        let feed = Feed::new(&folder.join(format!("mirror-{number}")))?;
        agent.start([std::ffi::OsStr::new("--capture"), feed.path().as_os_str()])?;
        Ok(Member { agent, feed, place: Municipality { number: place }, hosts: 0 })
    }

    /// So many alerts more, each of a host never seen before, and waits until they are on the sensor's disk.
    fn raise(&mut self, alerts: u64) -> Result<()> {
        let before = self.agent.taken()?.len() as u64;
        let mut traffic = Traffic::starting(clock::now());
        for _ in 0..alerts {
            let client = std::net::SocketAddr::new(self.place.client(self.hosts), 40_000);
            let question = Question { id: self.hosts as u16, name: "vond.example", qtype: rtype::A };
            let answer = Outcome::address("vond.example", [198, 51, 100, 9].into());
            traffic.lookup(client, self.place.resolver(), question, &answer);
            self.hosts += 1;
        }
        self.feed.send(&traffic.packets)?;
        eventually("alerts are taken", PATIENCE, || {
            self.agent.running()?.still_runs()?;
            // What a host looked up last may wait for the next packet.
            Ok((self.agent.taken()?.len() as u64 + 1 >= before + alerts).then_some(()))
        })
    }

    /// Up to where the sensor believes that the collector has everything (`spool/acknowledged`).
    fn acknowledged(&self) -> Result<Option<(Epoch, Seq)>> {
        let Ok(text) = fs::read_to_string(self.agent.data().join("spool/acknowledged")) else { return Ok(None) };
        let mut words = text.split_whitespace();
        let (Some(epoch), Some(seq)) = (words.next(), words.next()) else { return Ok(None) };
        Ok(Some((epoch.parse()?, Seq(seq.parse()?))))
    }

    /// Ends the traffic and waits until the sensor has delivered everything and ended by itself.
    fn finish(self) -> Result<Agent> {
        let Member { mut agent, feed, .. } = self;
        drop(feed);
        agent.wait()?;
        Ok(agent)
    }
}

fn stored(collector: &Collector) -> Result<BTreeSet<(Epoch, Seq)>> {
    Ok(collector.records()?.into_iter().map(|record| (record.epoch, record.seq)).collect())
}

/// Everything taken is stored, each once, without a gap, and no count has doubled.
fn all_stored_once(collector: &Collector, agents: &[&Agent], lookups: u64) -> Result<()> {
    let records = collector.records()?;
    let keys = stored(collector)?;
    assert_eq!(records.len(), keys.len(), "a record is stored twice");
    for agent in agents {
        let taken = agent.taken()?;
        let lost: Vec<_> = taken.difference(&keys).collect();
        assert!(lost.is_empty(), "{} of {} records taken were lost: {lost:?}", lost.len(), taken.len());
    }
    let mut told = 0;
    for record in &records {
        told += match Record::from_octets(&record.octets)?.body {
            RecordBody::Opened(alert) => alert.count,
            RecordBody::Updated(update) => update.count_increase,
            RecordBody::Loss { from, to, .. } | RecordBody::GivenUp { from, to, .. } => {
                anyhow::bail!("records {from} to {to} were lost")
            }
            RecordBody::CrowdOpened(crowd) => crowd.opened.count,
            RecordBody::CrowdUpdated(crowd) => crowd.updated.count_increase,
            RecordBody::Event(_) | RecordBody::Braked(_) => 0,
        };
    }
    let sums: Vec<(i64,)> = collector.query("SELECT COALESCE(SUM(count), 0) FROM alert")?;
    assert_eq!(sums, [(i64::try_from(told)?,)], "alerts and records disagree");
    assert_eq!(told, lookups, "sightings and look-ups");
    Ok(())
}

fn collector_with_list(folder: &Path, data: &Path) -> Result<(Collector, String)> {
    let mut collector = Collector::init(data).with_context(|| folder.display().to_string())?;
    let web = collector.start()?.web;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    Ok((collector, web))
}

#[test]
fn d9_a_collector_restored_from_a_backup_is_filled_again_by_its_sensors() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, _) = collector_with_list(folder.path(), &folder.path().join("collector"))?;
    let mut gjovik = Member::join(folder.path(), &collector, "3407", 1)?;
    let mut oslo = Member::join(folder.path(), &collector, "0301", 2)?;
    collector.await_in_force(2, 1)?;
    gjovik.raise(40)?;
    oslo.raise(40)?;

    // While it runs and records come in.
    let backups = folder.path().join("backups");
    fs::create_dir(&backups)?;
    let backups = backups.to_string_lossy().into_owned();
    let before = stored(&collector)?;
    let made = collector.ask(["backup", &backups, "--json"])?.json()?;
    let backup = made[0]["backup"].as_str().context("where it is")?.to_owned();
    assert_eq!(made[0]["keys"], true);
    let keyless = folder.path().join("keyless");
    collector.ask(["backup", &keyless.to_string_lossy(), "--without-keys"])?;
    ensure!(!keyless.join("keys").exists() && keyless.join("root.json").is_file());
    gjovik.raise(60)?;
    oslo.raise(60)?;
    eventually("what came after the backup is acknowledged", PATIENCE, || {
        let there = stored(&collector)?;
        Ok((gjovik.agent.taken()?.is_subset(&there) && oslo.agent.taken()?.is_subset(&there)).then_some(()))
    })?;

    let refused = collector.try_ask(["restore", &backup])?;
    ensure!(refused.code == Some(1) && refused.err.contains("another varde-collector uses"), "{}", refused.err);
    // In good order, so that the sensors need not first find out that it is gone.
    collector.stop()?;
    let restored = collector.ask(["restore", &backup, "--json"])?.json()?;
    assert_eq!((&restored[0]["keys"], &restored[0]["revocations_kept"]), (&"restored".into(), &0.into()));
    let aside = PathBuf::from(restored[0]["set_aside"].as_str().context("what was there")?);
    ensure!(aside.join("varde.sqlite").is_file() && aside.join("keys/ca.key").is_file(), "{}", aside.display());
    let back = stored(&collector)?;
    ensure!(back.is_superset(&before) && back.len() < gjovik.agent.taken()?.len() + oslo.agent.taken()?.len());

    collector.start()?;
    eventually("the sensors send again what the backup lacks", PATIENCE, || {
        let there = stored(&collector)?;
        Ok((gjovik.agent.taken()?.is_subset(&there) && oslo.agent.taken()?.is_subset(&there)).then_some(()))
    })?;
    for member in [&gjovik, &oslo] {
        ensure!(member.agent.log().contains("has less than it acknowledged"), "a restore is visible at the sensor");
    }
    // The numbers of lists and indicators that were given since the backup are not given again.
    collector.publish("verre.example\n")?;
    collector.await_in_force(2, 1_000)?;
    let lookups = gjovik.hosts + oslo.hosts;
    let agents = [gjovik.finish()?, oslo.finish()?];
    all_stored_once(&collector, &[&agents[0], &agents[1]], lookups)?;
    collector.stop()
}

/// A small file system that goes away with it.
struct Small {
    at: PathBuf,
}

impl Small {
    fn mount(at: &Path, mib: u32) -> Result<Small> {
        fs::create_dir_all(at)?;
        let options = format!("size={mib}m,mode=0700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "varde-test"]).arg(at);
        said(&mut mount)?.ok().context("mount, which takes root")?;
        Ok(Small { at: at.to_owned() })
    }

    /// Takes all the room there is.
    fn fill(&self) -> Result<()> {
        let mut file = File::create(self.at.join("filler"))?;
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        Ok(())
    }

    fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.at.join("filler"))?)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}

#[test]
fn d5_a_collector_on_a_full_disk_acknowledges_nothing_it_has_not_stored_and_recovers_by_itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("collector");
    let small = Small::mount(&data, 24)?;
    // The log lies elsewhere, so that there is one to read.
    std::os::unix::fs::symlink(folder.path().join("log"), data.join("collector.log"))?;
    let (mut collector, web) = collector_with_list(folder.path(), &data)?;
    let mut member = Member::join(folder.path(), &collector, "3407", 1)?;
    collector.await_in_force(1, 1)?;
    member.raise(20)?;
    assert_eq!(fetch(None, &web, "/health")?, "ok\n");
    // Whoever reads the page has come in while there was room.
    fetch(None, &web, "/")?;

    small.fill()?;
    let full = "the disk that holds the database is full; make room";
    eventually("the collector says that its disk is full", PATIENCE, || {
        member.raise(200)?;
        Ok(collector.running()?.log().contains(full).then_some(()))
    })?;
    member.raise(200)?;
    collector.running()?.still_runs()?;
    ensure!(fetch(None, &web, "/health").is_err(), "whoever watches over it is told");
    let page = fetch(None, &web, "/?lang=en")?;
    ensure!(page.contains("The disk of the database is full"), "the page says so");
    if let Some((epoch, seq)) = member.acknowledged()? {
        let there = stored(&collector)?;
        let missing: Vec<u64> = (1..=seq.0).filter(|seq| !there.contains(&(epoch, Seq(*seq)))).collect();
        assert_eq!(missing, Vec::<u64>::new(), "acknowledged and not stored");
    }
    ensure!(!member.agent.taken()?.is_subset(&stored(&collector)?), "the sensor keeps what the collector cannot");
    let log = collector.running()?.log();
    ensure!(log.matches(full).count() <= 3, "it is said when it changes, not for each session:\n{log}");

    small.free()?;
    eventually("what the sensor kept is taken in by itself", PATIENCE * 4, || {
        Ok(member.agent.taken()?.is_subset(&stored(&collector)?).then_some(()))
    })?;
    eventually("it says that there is room again", PATIENCE, || {
        let said = collector.running()?.log().contains("there is room on the disk again");
        Ok((said && fetch(None, &web, "/health").is_ok_and(|health| health == "ok\n")).then_some(()))
    })?;
    let lookups = member.hosts;
    let agent = member.finish()?;
    all_stored_once(&collector, &[&agent], lookups)?;
    collector.stop()
}

#[test]
fn d4_a_collector_whose_disk_fails_ends_with_a_sentence_and_acknowledges_nothing_that_is_not_stored() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut collector, _) = collector_with_list(folder.path(), &folder.path().join("collector"))?;
    let mut member = Member::join(folder.path(), &collector, "3407", 1)?;
    collector.await_in_force(1, 1)?;
    member.raise(20)?;
    collector.stop()?;
    let shim = Shim::compile(folder.path())?;
    let mut while_running = 0;
    for fault in ["fsync:EIO@5", "fsync:EIO@17", "write:EIO@>70"] {
        collector.environment(shim.failing(fault));
        let log =
            |collector: &Collector| fs::read_to_string(collector.data().join("collector.log")).unwrap_or_default();
        let before = log(&collector).len();
        match collector.start() {
            // Not even started: that is told as well.
            Err(error) => ensure!(format!("{error:#}").contains("exit status: 1"), "{fault}: {error:#}"),
            Ok(_) => {
                let status = eventually(&format!("{fault}: the collector ends"), PATIENCE, || {
                    if let Some(status) = collector.running()?.ended()? {
                        return Ok(Some(status));
                    }
                    member.raise(5)?;
                    Ok(None)
                })?;
                let log = log(&collector);
                let life = log.get(before..).unwrap_or_default();
                ensure!(status.code() == Some(1), "{fault}: ended with {status}:\n{life}");
                // The last of the start may fail when it has just said where it listens.
                let database = life.contains("the disk that holds the database fails");
                ensure!(database || life.contains("Input/output error"), "{fault}: no sentence:\n{life}");
                ensure!(!life.contains("panicked"), "{fault}:\n{life}");
                while_running += u32::from(database);
                collector.kill()?;
            }
        }
        // Up to where the sensor was told that it is stored, it is, whatever the disk has forgotten of the rest.
        if let Some((epoch, seq)) = member.acknowledged()? {
            let there = stored(&collector)?;
            let missing: Vec<u64> = (1..=seq.0).filter(|seq| !there.contains(&(epoch, Seq(*seq)))).collect();
            assert_eq!(missing, Vec::<u64>::new(), "{fault}: acknowledged and not stored");
        }
    }
    ensure!(while_running >= 2, "only {while_running} of the faults met a running collector");
    collector.environment(Vec::new());
    collector.start()?;
    eventually("what the sensor kept is taken in", PATIENCE, || {
        Ok(member.agent.taken()?.is_subset(&stored(&collector)?).then_some(()))
    })?;
    let lookups = member.hosts;
    let agent = member.finish()?;
    all_stored_once(&collector, &[&agent], lookups)?;
    println!("D4: {while_running} faults met a running collector; {lookups} look-ups counted once");
    collector.stop()
}

#[test]
fn d6_a_damaged_or_newer_database_ends_the_start_with_one_sentence_and_its_remedy() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("collector");
    let (mut collector, _) = collector_with_list(folder.path(), &data)?;
    let backup = folder.path().join("backup").to_string_lossy().into_owned();
    collector.ask(["backup", &backup])?;
    collector.stop()?;
    let ends = |says: &str| -> Result<()> {
        let arguments = ["run", "--quic", "127.0.0.1:0", "--enroll", "127.0.0.1:0", "--web", "127.0.0.1:0", "--data"];
        let arguments = arguments.into_iter().map(Into::into).chain([data.clone().into_os_string()]);
        let said = run(Which::Collector, arguments.collect::<Vec<std::ffi::OsString>>())?;
        ensure!(said.code == Some(1) && said.err.contains(says) && !said.err.contains("panicked"), "{}", said.err);
        Ok(())
    };
    let database = data.join("varde.sqlite");
    let mut octets = fs::read(&database)?;
    let middle = octets.len() / 2 / 4096 * 4096;
    octets[middle..middle + 8192].fill(0x5a);
    fs::write(&database, octets)?;
    ends("damaged")?;
    collector.ask(["restore", &backup])?;
    collector.start()?;
    assert_eq!(collector.list("member")?.len(), 1);
    collector.stop()?;
    collector.tamper("PRAGMA user_version = 99")?;
    ends("use the newer varde-collector")
}
