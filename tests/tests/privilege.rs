//! What a running agent has given up (S2): asked of it, tried by it, read from the kernel, and all the same it works on.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_common::matcher::records_begin;
use varde_tests::agent::Agent;
use varde_tests::capture::{self, Feed, Format};
use varde_tests::community::Collector;
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, Said, eventually, said};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

/// A look-up of a name, answered.
fn lookup(id: u16, name: &str) -> Traffic {
    let place = Municipality { number: 9 };
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id, name, qtype: rtype::A };
    let client = SocketAddr::new(place.client(1), 40_000);
    traffic.lookup(client, place.resolver(), question, &Outcome::address(name, [198, 51, 100, 9].into()));
    traffic
}

/// One of these lines for each thread of a process, by its key.
fn threads(process: u32) -> Result<Vec<BTreeMap<String, String>>> {
    let mut threads = Vec::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end while it is looked at.
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else { continue };
        let lines = status.lines().filter_map(|line| line.split_once(':'));
        threads.push(lines.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect());
    }
    Ok(threads)
}

/// Every thread without a right, by the kernel's word.
fn every_thread_is_confined(process: u32) -> Result<usize> {
    let threads = threads(process)?;
    // Who is not root cannot empty the bounding set; it grants nothing by itself.
    let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let sets = ["CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"].into_iter().filter(|set| root || *set != "CapBnd");
    for set in sets {
        for thread in &threads {
            let value = thread.get(set).with_context(|| format!("no {set}"))?;
            ensure!(value.trim_matches('0').is_empty(), "{set} of {} is {value}", thread["Name"]);
        }
    }
    for thread in &threads {
        ensure!(thread["Seccomp"] == "2" && thread["NoNewPrivs"] == "1", "{thread:?}");
    }
    Ok(threads.len())
}

fn probed(agent: &Agent) -> Result<(Said, Value)> {
    let said = agent.try_ask(["status", "--probe", "--json"])?;
    let report = said.json()?.into_iter().next().context("no report")?;
    Ok((said, report))
}

/// What was tried and not refused. Without Landlock a kernel cannot refuse paths, and `status` says so.
fn allowed_probes(report: &Value) -> Result<Vec<String>> {
    let probes = report["probes"].as_array().context("no probes")?;
    ensure!(probes.len() >= 15, "{probes:?}");
    let without_paths = report["confinement"]["paths"]["abi"] == 0;
    if without_paths {
        eprintln!("SKIPPED: this kernel has no Landlock; paths are not restricted, and status must say so");
        ensure!(report["confinement"]["paths"]["missing"].is_string());
    }
    let path =
        |what: &str| ["read", "list", "write"].iter().any(|verb| what.starts_with(verb)) && !what.contains("memory");
    let probes =
        probes.iter().filter(|probe| probe["refused"] != true).map(|probe| probe["what"].as_str().unwrap_or(""));
    Ok(probes.filter(|what| !(without_paths && path(what))).map(str::to_owned).collect())
}

fn confined(report: &Value) -> Result<()> {
    let confinement = &report["confinement"];
    let rights = &confinement["rights"];
    ensure!(rights["capabilities"] == 0 && rights["no_new_privs"] == true, "{confinement}");
    ensure!(rights["filtered"] == true && confinement["calls_missing"].is_null(), "{confinement}");
    Ok(())
}

#[test]
fn s2_a_running_agent_is_refused_everything_forbidden_and_works_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let addresses = collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    // By name, so that the resolver's settings are needed after the start.
    let port = addresses.quic.rsplit_once(':').context("no port")?.1;
    fs::write(agent.data().join("agent.toml"), format!("collector = \"localhost:{port}\"\n"))?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.publish("vond.example\n")?;
    collector.await_in_force(1, 1)?;

    let (said, report) = probed(&agent)?;
    assert_eq!(allowed_probes(&report)?, Vec::<String>::new(), "{said:?}");
    confined(&report)?;
    let seen = every_thread_is_confined(agent.running()?.id())?;
    ensure!(seen >= 3, "{seen} threads: sensor, spool and runtime should be there");
    let words = agent.try_ask(["status"])?.ok()?.out;
    for line in ["no capability in any of ", "paths      ", "calls      filtered (seccomp)", "cannot see "] {
        ensure!(words.contains(line), "{line:?} in:\n{words}");
    }

    // It still reads, matches, writes, sends, and measures itself.
    feed.send(&lookup(7, "vond.example").packets)?;
    eventually("the packet after the probes has become an alert", PATIENCE, || {
        Ok((collector.alerts()?.len() == 1).then_some(()))
    })?;
    every_thread_is_confined(agent.running()?.id())?;
    let heartbeats: Vec<(String,)> = collector.query("SELECT heartbeat FROM sensor")?;
    let heartbeat: Value = serde_json::from_str(&heartbeats.first().context("no heartbeat")?.0)?;
    for figure in ["memory_octets", "disk_free_octets"] {
        ensure!(heartbeat[figure].as_u64().unwrap_or(0) > 0, "{figure} in {heartbeat}");
    }
    drop(feed);
    agent.kill()?;
    collector.stop()
}

#[test]
fn s2_an_interface_is_watched_by_an_agent_that_could_not_open_it_again() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (here, there) = (Namespace::new("sensor")?, Namespace::new("peer")?);
    cable(
        End { namespace: &here, interface: "mirror", addresses: &["192.0.2.1/30"] },
        End { namespace: &there, interface: "far", addresses: &["192.0.2.2/30"] },
    )?;
    let quic = SocketAddr::from(([127, 0, 0, 1], 7843));
    let mut collector = Collector::init_at(&folder.path().join("collector"), quic, 7844, Some(here.clone()))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), Some(here.clone()))?;
    agent.enroll(&collector.token("3407")?)?;
    agent.start(["--interface", "mirror"])?;
    collector.publish("vond.example\n")?;
    collector.await_in_force(1, 1)?;
    let (said_of_it, report) = probed(&agent)?;
    assert_eq!(allowed_probes(&report)?, Vec::<String>::new(), "{said_of_it:?}");
    confined(&report)?;
    every_thread_is_confined(agent.running()?.id())?;
    // Nobody answers; the question is what is seen.
    eventually("a question on the cable has become an alert", PATIENCE, || {
        let mut dig = here.command("dig");
        said(dig.args(["+time=1", "+tries=1", "@192.0.2.2", "vond.example"]))?;
        Ok((collector.alerts()?.len() == 1).then_some(()))
    })?;
    assert_eq!(agent.running()?.stop()?, 0);
    collector.stop()
}

/// More files than stay open: each is opened when its time comes, long after the rights are gone.
#[test]
fn s2_capture_files_that_were_named_are_read_and_no_others() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let captures = folder.path().join("captures");
    fs::create_dir(&captures)?;
    let mut arguments = Vec::new();
    let mut list = String::new();
    for number in 0..12u16 {
        let name = format!("vond-{number}.example");
        let file = captures.join(format!("{number}.pcap"));
        capture::write(&file, Format::USUAL, &lookup(number, &name).packets)?;
        arguments.extend([Path::new("--capture").to_owned(), file]);
        list.push_str(&format!("{name}\n"));
    }
    collector.publish(&list)?;
    agent.start(arguments)?;
    agent.wait()?;
    assert_eq!(collector.alerts()?.len(), 12, "{}", agent.log());
    collector.stop()
}

/// Octets of a file that count as a process's memory, by the kernel's word, in each of the file's maps.
fn resident(process: u32, path: &Path) -> Result<Vec<u64>> {
    let maps = fs::read_to_string(format!("/proc/{process}/smaps"))?;
    let path = path.to_str().context("a path of text")?;
    let (mut lines, mut resident) = (maps.lines(), Vec::new());
    while lines.any(|line| line.ends_with(path)) {
        let rss = lines.find_map(|line| line.strip_prefix("Rss:")).context("no Rss")?;
        resident.push(rss.trim().trim_end_matches(" kB").parse::<u64>()? * 1024);
    }
    Ok(resident)
}

/// The bar on memory (decision 11) is held by what a look-up leaves there: nothing of the records, which are most of a list.
#[test]
fn b4_s2_a_confined_sensor_finds_names_all_over_a_long_list_and_holds_its_records_in_no_memory() -> Result<()> {
    const LISTED: u32 = 60_000;
    const ASKED: u32 = 400;
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let name = |n: u32| format!("n{n}-{}.example", "long".repeat(12));
    collector.publish(&(0..LISTED).map(|n| name(n) + "\n").collect::<String>())?;
    collector.await_in_force(1, 1)?;

    let place = Municipality { number: 9 };
    let mut traffic = Traffic::starting(clock::now());
    for n in 0..ASKED {
        let name = name(n * (LISTED / ASKED));
        let client = SocketAddr::new(place.client(1), 40_000 + n as u16);
        let question = Question { id: n as u16, name: &name, qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address(&name, [198, 51, 100, 9].into()));
    }
    feed.send(&traffic.packets)?;
    eventually("each of the names has become an alert", PATIENCE, || {
        Ok((collector.alerts()?.len() == ASKED as usize).then_some(()))
    })?;
    every_thread_is_confined(agent.running()?.id())?;

    // Where the base begins in its file (`agent::io::disk::list`).
    let (list, base_at) = (agent.data().join("list/in-force"), 20_480);
    let octets = fs::read(&list)?;
    let base = octets.get(base_at..).context("no base")?;
    let most = (base_at + records_begin(base, base.len())?).next_multiple_of(4096) as u64;
    ensure!(
        octets.len() as u64 > 4 * most,
        "too short a list to tell: {} octets, {most} before its records",
        octets.len()
    );
    let resident = resident(agent.running()?.id(), &list)?;
    ensure!(!resident.is_empty() && resident.iter().sum::<u64>() <= most, "{resident:?} in memory, {most} at the most");
    drop(feed);
    agent.kill()?;
    collector.stop()
}
