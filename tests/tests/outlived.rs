//! The promise that there is no third state, of what was set aside: a record that nobody had is on the sensor's disk, or the collector
//! is told that it is lost, with its range, before it is removed (D2, D5, I3).

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_agent::io::disk::hosts::Hosts;
use varde_agent::io::disk::keeper::{Clocks, Keeper};
use varde_agent::io::disk::sealed;
use varde_agent::io::disk::spool::{Caps, Spool};
use varde_agent::io::disk::volume::RealVolume;
use varde_agent::pseudonym::{SITE_KEY_OCTETS, SiteKey};
use varde_common::id::{Epoch, Seq};
use varde_common::indicator::Severity;
use varde_common::record::{LossCounts, Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;
use varde_tests::capture::{Format, write};
use varde_tests::community::{Agent, Collector};
use varde_tests::model_disk::{CRASHES, ModelDisk};
use varde_tests::spool_story::{SPOOL, alert};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

const FOUND: u64 = 6;
/// A little less than what may lie there.
const DAYS_30_S: u64 = 30 * 86_400;

/// A spool with six alerts that nobody has fetched, under this name in a data directory, as old as it may become.
fn set_aside(data: &Path, name: &str, owner: Option<&str>) -> Result<(PathBuf, Epoch)> {
    let aside = data.join(name);
    let (mut spool, _) = Spool::open(Arc::new(RealVolume), &aside, Caps::default(), clock::now())?;
    for number in 1..=FOUND {
        let severity = if number == FOUND { Severity::Critical } else { Severity::Low };
        spool.append(&alert(number, severity).to_octets()?);
    }
    spool.sync(clock::now())?;
    let epoch = spool.figures().epoch;
    drop(spool);
    if let Some(owner) = owner {
        fs::write(aside.join("owner"), owner)?;
        fs::write(aside.join("committed"), "0\n")?;
    }
    Ok((aside, epoch))
}

fn made_old(data: &Path, names: &[&str]) -> Result<()> {
    let lines: String = names.iter().map(|name| format!("{name} {DAYS_30_S} {FOUND}\n")).collect();
    let sealed = sealed::lines(&format!("{}\n{lines}", clock::now().as_micros()));
    Ok(fs::write(data.join("set-aside"), sealed)?)
}

fn told(collector: &Collector) -> Result<Vec<Value>> {
    let sql = "SELECT body FROM sensor_event WHERE body LIKE '%_ended%' ORDER BY received_at, seq";
    let rows: Vec<(String,)> = collector.query(sql)?;
    rows.iter().map(|(body,)| Ok(serde_json::from_str(body)?)).collect()
}

/// The agent reads a capture, and ends once all it has is acknowledged.
fn works(agent: &mut Agent, folder: &Path, life: u16) -> Result<()> {
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: life, name: "vond.example", qtype: rtype::A };
    let answer = Outcome::address("vond.example", [198, 51, 100, 9].into());
    traffic.lookup("10.1.0.7:40000".parse()?, "10.1.0.53:53".parse()?, question, &answer);
    let file = folder.join(format!("{life}.pcap"));
    write(&file, Format::USUAL, &traffic.packets)?;
    agent.start([OsStr::new("--capture"), file.as_os_str()])?;
    agent.wait()
}

#[test]
fn d5_what_was_set_aside_is_told_with_its_range_before_it_is_removed_and_counts_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let data = folder.path().join("agent");
    let mut agent = Agent::new(&data, None)?;
    agent.enroll(&collector.token("3407")?)?;
    works(&mut agent, folder.path(), 1)?;

    let (own, epoch) = set_aside(&data, "spool.aside-1-0", None)?;
    let copy = folder.path().join("copy");
    let copied = Command::new("cp").arg("-a").arg(&own).arg(&copy).status()?;
    ensure!(copied.success(), "cp -a");
    let (others, of_others) = set_aside(&data, "spool.before-sensor-9-0", Some("9 ca 0301 Oslo\n"))?;
    // A directory that is none of a spool's any more: nobody can say what was in it.
    let rubbish = data.join("spool.aside-2-0");
    fs::create_dir(&rubbish)?;
    fs::write(rubbish.join("committed"), "9\n")?;
    let (unread, of_unread) = set_aside(&data, "spool.aside-3-0", None)?;
    let segment =
        fs::read_dir(&unread)?.filter_map(Result::ok).find(|entry| entry.path().extension() == Some("seg".as_ref()));
    let segment = segment.context("a segment")?.path();
    fs::remove_file(&segment)?;
    fs::create_dir(&segment)?;
    made_old(&data, &["spool.aside-1-0", "spool.before-sensor-9-0", "spool.aside-2-0", "spool.aside-3-0"])?;
    works(&mut agent, folder.path(), 2)?;
    ensure!(!own.exists() && !others.exists() && !unread.exists(), "removed:\n{}", agent.log());

    let found = told(&collector)?;
    let of = |epoch: Epoch| found.iter().filter(|body| body["epoch"] == epoch.to_string()).collect::<Vec<_>>();
    let [own_told] = of(epoch)[..] else { anyhow::bail!("{found:?}") };
    ensure!(own_told["from"] == 1 && own_told["to"] == FOUND, "{own_told}");
    ensure!(own_told["counts"]["low"] == FOUND - 1 && own_told["counts"]["critical"] == 1, "{own_told}");
    // Nobody noted what the collector had of it.
    ensure!(own_told["may_be_sent"] == true, "{own_told}");
    let [others_told] = of(of_others)[..] else { anyhow::bail!("{found:?}") };
    ensure!(others_told["counts"]["other"] == FOUND && others_told["may_be_sent"] == false, "{others_told}");
    let [unread_told] = of(of_unread)[..] else { anyhow::bail!("{found:?}") };
    ensure!(unread_told["from"] == 1 && unread_told["to"] == FOUND, "by the witness: {unread_told}");
    ensure!(unread_told["counts"]["other"] == FOUND, "{unread_told}");
    let unread_told = found.iter().filter(|body| body["event"] == "unread_ended").count();
    ensure!(unread_told == 1, "and that its newest file could not be read: {found:?}");

    // The program was stopped between telling and removing, or the disk was put back.
    fs::rename(&copy, &own)?;
    made_old(&data, &["spool.aside-1-0"])?;
    works(&mut agent, folder.path(), 3)?;
    ensure!(!own.exists(), "removed again:\n{}", agent.log());
    ensure!(told(&collector)? == found, "told twice, it counts once: {:?}", told(&collector)?);
    let records = collector.records()?;
    let said = |record: &&Record| match &record.body {
        RecordBody::Event(SensorEvent::RecordsEnded { epoch: of, .. }) => *of == epoch,
        _ => false,
    };
    let read: Vec<Record> = records.iter().filter_map(|record| Record::from_octets(&record.octets).ok()).collect();
    ensure!(read.iter().filter(said).count() == 2, "it was told twice");
    let words = collector.ask(["sensor", "events", "1"])?.out;
    ensure!(words.contains("set aside") && words.contains("critical 1"), "{words}");
    Ok(())
}

/// On a full disk what is told of a removal may have the reserve; where even that is gone, nothing may be removed, no number is given
/// for it, and nothing is told as lost. Once it is said to be told, no power cut takes it back.
#[test]
fn d5_i3_what_is_told_of_a_removal_may_have_the_reserve_or_nothing_is_removed() -> Result<()> {
    const NOW: Timestamp = Timestamp(1_763_733_900_000_000);
    let clocks = Clocks { day: NOW, steady: NOW };
    let caps = Caps { reserve_octets: 700, ..Caps::default() };
    let event = SensorEvent::RecordsEnded {
        epoch: Epoch(3),
        from: Seq(1),
        to: Seq(6),
        may_be_sent: false,
        counts: LossCounts { low: 6, ..LossCounts::default() },
    };
    let is_it = |octets: &Vec<u8>| {
        matches!(
            Record::from_octets(octets).map(|record| record.body),
            Ok(RecordBody::Event(SensorEvent::RecordsEnded { .. }))
        )
    };
    let (mut noted, mut waits) = (0, 0);
    for (reserve, room) in (0..400).step_by(20).flat_map(|room| [(true, room), (false, room)]) {
        let disk = ModelDisk::new(room);
        let (mut spool, _) = Spool::open(disk.volume(), Path::new(SPOOL), caps, NOW)?;
        spool.append(&alert(1, Severity::High).to_octets()?);
        spool.sync(NOW)?;
        if !reserve {
            disk.volume().remove(&Path::new(SPOOL).join("reserve"))?;
        }
        disk.set_capacity(Some(disk.used() + room));
        let hosts = Hosts::open_on(disk.volume(), Path::new("/data"))?;
        let mut keeper = Keeper::new(spool, hosts, SiteKey::new([7; SITE_KEY_OCTETS])).0;
        let is_told = keeper.tell_ended(vec![event.clone()], clocks)?;
        ensure!(is_told || !reserve, "with the reserve and {room} octets there is room for it");
        (noted, waits) = (noted + u32::from(is_told), waits + u32::from(!is_told));
        for crash in CRASHES {
            let crashed = disk.crashed(crash, room);
            crashed.set_capacity(None);
            let (mut spool, _) = Spool::open(crashed.volume(), Path::new(SPOOL), caps, NOW)?;
            let there = spool.read(Seq(1), NOW)?.iter().filter(|octets| is_it(octets)).count();
            ensure!(there == usize::from(is_told), "{room}, {crash:?}: {there} there, told: {is_told}");
            ensure!(spool.figures().lost == 0, "{room}, {crash:?}: something is told as lost");
        }
    }
    ensure!(noted > 10 && waits > 3, "{noted} noted, {waits} wait");
    Ok(())
}
