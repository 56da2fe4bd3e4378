//! Promises D4, D5 and D8: a disk that fails ends the agent and costs nothing that was taken; a full one is counted exactly and
//! recovered from; and a restart while nobody listens, with other settings for the spool, loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock::monotonic;
use varde_common::id::{Epoch, Seq};
use varde_common::record::{LossReason, Record, RecordBody};
use varde_tests::community::{Agent, Collector};
use varde_tests::fault::Shim;
use varde_tests::hits::{EVERY_HOST_TOLD, burst, finish, live};
use varde_tests::programs::{PATIENCE, eventually, said};

/// How long a drain may take on a busy machine.
const DRAINED_WITHIN: Duration = Duration::from_secs(180);

/// Calls to fail, one a life: every one of the first, every eighth of the later; `VARDE_FAULTS=500` takes every one of so many.
fn faults() -> Vec<u64> {
    match std::env::var("VARDE_FAULTS").ok().and_then(|faults| faults.parse().ok()) {
        Some(faults) => (1..=faults).collect(),
        None => (1..=16).chain((20..=60).step_by(8)).collect(),
    }
}

struct Lab {
    folder: tempfile::TempDir,
    collector: Collector,
    agent: Agent,
    host: u64,
    life: u64,
}

impl Lab {
    /// A collector, and an agent whose list is in force and which is not running.
    fn new(prepare: impl FnOnce(&Path) -> Result<()>) -> Result<Lab> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("agent");
        let mut collector = Collector::init(&folder.path().join("collector"))?;
        collector.start()?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let mut agent = Agent::new(&data, None)?;
        prepare(&data)?;
        std::fs::write(data.join("agent.toml"), EVERY_HOST_TOLD)?;
        agent.log_to(&folder.path().join("agent.log"));
        agent.enroll(&collector.token("3407")?)?;
        let mut lab = Lab { folder, collector, agent, host: 0, life: 0 };
        let feed = lab.live()?;
        lab.collector.await_in_force(1, 1)?;
        drop(feed);
        lab.agent.stop()?;
        Ok(lab)
    }

    fn live(&mut self) -> Result<varde_tests::capture::Feed> {
        self.life += 1;
        live(&mut self.agent, self.folder.path(), self.life)
    }

    /// What the collector has, by number; and that each of the taken is there as itself.
    fn all_taken_is_stored(&self) -> Result<BTreeMap<(Epoch, Seq), RecordBody>> {
        let mut stored = BTreeMap::new();
        for record in self.collector.records()? {
            let body = Record::from_octets(&record.octets)?.body;
            ensure!(stored.insert((record.epoch, record.seq), body).is_none(), "{} is stored twice", record.seq);
        }
        let taken = self.agent.taken()?;
        let lost = taken
            .iter()
            .filter(|key| matches!(stored.get(key), None | Some(RecordBody::Loss { .. } | RecordBody::GivenUp { .. })));
        let lost: Vec<_> = lost.collect();
        ensure!(lost.is_empty(), "{} of {} records taken were lost: {lost:?}", lost.len(), taken.len());
        Ok(stored)
    }
}

#[test]
fn d4_a_disk_that_fails_ends_the_agent_at_once_and_costs_nothing_that_was_taken() -> Result<()> {
    let mut lab = Lab::new(|_| Ok(()))?;
    let shim = Shim::compile(lab.folder.path())?;
    let mut failed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut slowest_end = Duration::ZERO;
    for nth in faults() {
        // Every fsync; of the others, which are fewer kinds of places, some.
        let mut operations = vec!["fsync"];
        operations.extend((nth % 6 == 0).then_some("write"));
        operations.extend((nth % 15 == 0).then_some("rename"));
        for operation in operations {
            // The way of a list to the disk is among those that fail.
            if nth % 10 == 5 {
                lab.collector.publish(&format!("vond.example\nverre-{nth}.example\n"))?;
            }
            let said_before = lab.agent.log().len();
            lab.agent.environment(shim.failing(&format!("{operation}:EIO@{nth}")));
            let mut feed = lab.live()?;
            let what = format!("{operation} number {nth} fails");
            let code = eventually(&what, PATIENCE, || {
                if let Some(status) = lab.agent.running()?.ended()? {
                    return Ok(Some(status.code()));
                }
                // A rename comes with an acknowledgement, an fsync with every group.
                feed.send(&burst(&mut lab.host, 2).packets)?;
                Ok(None)
            })?;
            // Its last word, and nothing was written after it.
            let last_word = std::fs::metadata(lab.folder.path().join("agent.log"))?.modified()?;
            slowest_end = slowest_end.max(last_word.elapsed().unwrap_or_default());
            let log = lab.agent.log();
            let life = log.get(said_before..).unwrap_or_default();
            ensure!(code == Some(1), "{what}: the agent ended with {code:?}:\n{life}");
            ensure!(
                life.contains("look at the disk") || life.contains("Look at the disk"),
                "{what}: no remedy:\n{life}"
            );
            let (_, after) = life.split_once("ook at the disk").unwrap_or_default();
            ensure!(!after.contains("varde::taken"), "{what}: something was taken after the disk had failed:\n{life}");
            *failed.entry(operation).or_default() += 1;
        }
    }
    lab.agent.environment(Vec::new());
    let began = monotonic();
    let feed = lab.live()?;
    finish(feed, &lab.agent, &mut lab.host)?;
    let restarted = began.elapsed();
    lab.agent.wait()?;
    lab.all_taken_is_stored()?;
    println!("D4: failed {failed:?}; {} records taken, none lost", lab.agent.taken()?.len());
    println!(
        "D4: ended at most {slowest_end:.0?} after it had said why; took records again {restarted:.1?} after its start"
    );
    lab.collector.stop()
}

/// A small file system of its own, unmounted when dropped.
struct Small(PathBuf);

impl Small {
    fn mount(path: &Path, mib: u64) -> Result<Small> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={mib}m,mode=700"), "varde-test"]).arg(path);
        said(&mut command)?.ok().context("only root may mount a small file system")?;
        Ok(Small(path.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = said(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

/// Takes all the room there is.
fn fill(path: &Path) -> Result<()> {
    let mut ballast = File::create(path)?;
    let mut size = 1 << 20;
    while size >= 512 {
        if ballast.write_all(&vec![1; size]).is_err() {
            size /= 2;
        }
    }
    Ok(())
}

/// Filled twice, and killed the second time.
#[test]
fn d5_a_full_disk_is_counted_exactly_and_recovered_from_while_detection_goes_on() -> Result<()> {
    let mut mounted = None;
    let lab = Lab::new(|data| {
        mounted = Some(Small::mount(data, 8)?);
        Ok(())
    });
    let mut lab = match lab {
        Ok(lab) => lab,
        Err(why) if mounted.is_none() => {
            eprintln!("skipped: {why:#}");
            return Ok(());
        }
        Err(why) => return Err(why),
    };
    lab.collector.stop()?;
    let mut feed = lab.live()?;
    feed.send(&burst(&mut lab.host, 100).packets)?;
    eventually("hits are taken", PATIENCE, || Ok((lab.agent.taken()?.len() >= 100).then_some(())))?;
    let ballast = lab.agent.data().join("ballast");
    fill(&ballast)?;
    let alerts = |lab: &Lab| -> Result<u64> {
        let said = lab.agent.try_ask(["status", "--json"])?.ok()?;
        let report = said.json()?.pop().context("no status")?;
        Ok(report["health"]["alerts"].as_u64().unwrap_or(0))
    };
    let lost = |lab: &Lab| -> Result<u64> {
        let said = lab.agent.try_ask(["status", "--json"])?.ok()?;
        let report = said.json()?.pop().context("no status")?;
        let full = report["spool"]["given_up"]["full"].as_object().context("no counts")?.clone();
        let lost = report["spool"]["lost"].as_u64().context("no number")?;
        let by_severity: u64 = full.values().filter_map(serde_json::Value::as_u64).sum();
        assert_eq!(by_severity, lost, "{report}");
        Ok(lost)
    };
    let before = alerts(&lab)?;
    let mut fed = 0;
    eventually("records are lost, and hits still found", PATIENCE, || {
        feed.send(&burst(&mut lab.host, 50).packets)?;
        fed += 50;
        Ok((lab.agent.log().contains("the disk is full") && fed >= 1500 && alerts(&lab)? >= before + 1000)
            .then_some(()))
    })?;
    std::fs::remove_file(&ballast)?;
    let freed = monotonic();
    let taken = lab.agent.taken()?.len();
    eventually("records are taken again", PATIENCE, || {
        feed.send(&burst(&mut lab.host, 5).packets)?;
        Ok((lab.agent.taken()?.len() > taken + 20).then_some(()))
    })?;
    println!("D5: records were taken again {:.1?} after there was room", freed.elapsed());
    // It fills again; room is made, nothing more happens, and the process is killed: all that was told as lost stays so.
    let lost_before = lost(&lab)?;
    fill(&ballast)?;
    let lost_again = eventually("records are lost again", PATIENCE, || {
        feed.send(&burst(&mut lab.host, 50).packets)?;
        let lost = lost(&lab)?;
        Ok((lost >= lost_before + 500).then_some(lost))
    })?;
    std::fs::remove_file(&ballast)?;
    lab.agent.kill()?;
    drop(feed);
    let mut feed = lab.live()?;
    let lost_kept = lost(&lab)?;
    ensure!(lost_kept >= lost_again, "{lost_again} were lost, and after a kill {lost_kept}");
    let taken = lab.agent.taken()?.len();
    eventually("records are taken after the kill", PATIENCE, || {
        feed.send(&burst(&mut lab.host, 5).packets)?;
        Ok((lab.agent.taken()?.len() > taken + 20).then_some(()))
    })?;
    let lost = lost(&lab)?;
    ensure!(lost > 0, "nothing was lost: the disk was not full");
    lab.collector.start()?;
    finish(feed, &lab.agent, &mut lab.host)?;
    lab.agent.wait()?;
    let stored = lab.all_taken_is_stored()?;
    let given_up = stored.values().filter(
        |body| matches!(body, RecordBody::GivenUp { from, to, reason: LossReason::SpoolFull, .. } if from == to),
    );
    assert_eq!(given_up.count() as u64, lost, "each lost record is told once");
    let taken = lab.agent.taken()?;
    let other: BTreeSet<_> = stored.keys().filter(|key| !taken.contains(key)).collect();
    assert_eq!(other.len() as u64, lost, "what was not taken was lost, and what was not lost was taken");
    let numbers: Vec<u64> = stored.keys().map(|(_, seq)| seq.0).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a gap among the records");
    println!("D5: {} taken, {lost} lost and told", taken.len());
    lab.collector.stop()
}

#[test]
fn d8_a_restart_while_nobody_listens_with_other_spool_settings_loses_nothing() -> Result<()> {
    let mut lab = Lab::new(|_| Ok(()))?;
    lab.collector.stop()?;
    let settings = lab.agent.data().join("agent.toml");
    for changed in [
        "",
        "spool_max_mib = 4\n",
        "spool_max_mib = 1048576\n",
        "spool_max_days = 7\n",
        "spool_max_days = 396\nspool_max_mib = 4\n",
        "",
    ] {
        std::fs::write(&settings, format!("{EVERY_HOST_TOLD}{changed}"))?;
        let mut feed = lab.live()?;
        let before = lab.agent.taken()?.len();
        feed.send(&burst(&mut lab.host, 200).packets)?;
        eventually("hits are taken without a collector", PATIENCE, || {
            Ok((lab.agent.taken()?.len() >= before + 200).then_some(()))
        })?;
        drop(feed);
        lab.agent.stop()?;
    }
    lab.collector.start()?;
    let feed = lab.live()?;
    eventually("everything has arrived", DRAINED_WITHIN, || {
        let stored: BTreeSet<_> = lab.collector.records()?.iter().map(|record| (record.epoch, record.seq)).collect();
        Ok(lab.agent.taken()?.is_subset(&stored).then_some(()))
    })?;
    finish(feed, &lab.agent, &mut lab.host)?;
    lab.agent.wait()?;
    let stored = lab.all_taken_is_stored()?;
    let epochs: BTreeSet<Epoch> = stored.keys().map(|key| key.0).collect();
    assert_eq!(epochs.len(), 1, "the spool is the same one");
    lab.collector.stop()
}
