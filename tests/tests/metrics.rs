//! The numbers of both ends, by the real programs: Prometheus' own reader takes them, they are told on loopback alone and only where a setting says so,
//! nothing of members, hosts or indicators is in them, and an agent that tells them has given up its rights all the same (S2, Q1).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_tests::agent::Agent;
use varde_tests::capture::Feed;
use varde_tests::community::Collector;
use varde_tests::programs::{PATIENCE, eventually, said};
use varde_tests::python;
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

/// Reads what is told at an address: the text, its type, and the families by Prometheus' own reader.
const READ: &str = "
import json, sys, urllib.request
from prometheus_client.parser import text_string_to_metric_families
answer = urllib.request.urlopen('http://' + sys.argv[1] + '/metrics', timeout=20)
text = answer.read().decode()
families = {}
for family in text_string_to_metric_families(text):
    assert family.documentation and family.type in ('counter', 'gauge'), family
    assert family.samples, family
    for sample in family.samples:
        families.setdefault(sample.name, []).append([family.type, sample.labels, sample.value])
print(json.dumps({'type': answer.headers['Content-Type'], 'text': text, 'families': families}))
";

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// What Prometheus' own reader makes of it.
fn read(address: SocketAddr) -> Result<(String, BTreeMap<String, Value>)> {
    let mut command = python::script(READ)?;
    let told = said(command.arg(address.to_string()))?.ok()?.json()?.pop().context("nothing was said")?;
    ensure!(
        told["type"].as_str().is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")),
        "{}",
        told["type"]
    );
    let families = told["families"].as_object().context("no families")?;
    let families = families.iter().map(|(name, samples)| (name.clone(), samples.clone())).collect();
    Ok((told["text"].as_str().context("no text")?.to_owned(), families))
}

/// Sockets of a process that listen for TCP connections, by the kernel's word.
fn listening(process: u32) -> Result<usize> {
    let mut inodes = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{process}/net/{table}"))?;
        // State 0A is LISTEN (include/net/tcp_states.h).
        let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        inodes.extend(
            rows.filter(|row| row.get(3) == Some(&"0A")).filter_map(|row| Some(format!("socket:[{}]", row.get(9)?))),
        );
    }
    let mut found = 0;
    for descriptor in fs::read_dir(format!("/proc/{process}/fd"))? {
        let Ok(target) = fs::read_link(descriptor?.path()) else { continue };
        found += usize::from(inodes.iter().any(|inode| target.as_os_str() == OsStr::new(inode)));
    }
    Ok(found)
}

fn lookup(name: &str) -> Traffic {
    let place = Municipality { number: 7 };
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: 7, name, qtype: rtype::A };
    let client = SocketAddr::new(place.client(1), 40_000);
    traffic.lookup(client, place.resolver(), question, &Outcome::address(name, [198, 51, 100, 9].into()));
    traffic
}

#[test]
fn s2_q1_numbers_are_read_by_prometheus_at_both_ends_and_name_nobody() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (at_collector, at_agent) = (free_port()?, free_port()?);
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    fs::write(collector.data().join("collector.toml"), format!("metrics = \"{at_collector}\"\n"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    fs::write(agent.data().join("agent.toml"), format!("metrics = \"{at_agent}\"\n"))?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.publish("vond.example\n")?;
    collector.await_in_force(1, 1)?;
    feed.send(&lookup("vond.example").packets)?;
    eventually("the look-up has become an alert", PATIENCE, || Ok((collector.alerts()?.len() == 1).then_some(())))?;

    let value =
        |families: &BTreeMap<String, Value>, name: &str| families.get(name).and_then(|family| family[0][2].as_f64());
    let at_least = [
        ("varde_agent_up", 1.0),
        ("varde_agent_build_info", 1.0),
        ("varde_agent_capture_packets_total", 2.0),
        ("varde_agent_capture_dropped_total", 0.0),
        ("varde_agent_dns_messages_total", 2.0),
        ("varde_agent_flow_records_total", 1.0),
        ("varde_agent_indicators", 1.0),
        ("varde_agent_indicator_set_version", 1.0),
        ("varde_agent_indicator_set_updated_timestamp_seconds", 1e9),
        ("varde_agent_matches_total", 1.0),
        ("varde_agent_alerts_sent_total", 1.0),
        ("varde_agent_alerts_lost_total", 0.0),
        ("varde_agent_collector_connected", 1.0),
        ("varde_agent_clock_offset_seconds", -60.0),
    ];
    // What it tells is what it last looked at, which may be from before the look-up.
    let short = |families: &BTreeMap<String, Value>| {
        let is_short = |(name, least): &(&str, f64)| value(families, name).is_none_or(|found| found < *least);
        at_least.into_iter().find(is_short)
    };
    let (text, all) =
        eventually("the sensor tells all that it has seen, and that it was acknowledged", PATIENCE, || {
            let (text, families) = read(at_agent)?;
            let is_acknowledged = value(&families, "varde_agent_alert_queue_length") == Some(0.0);
            Ok((is_acknowledged && short(&families).is_none()).then_some((text, families)))
        })
        .with_context(|| match read(at_agent) {
            Ok((text, families)) => format!("less than it must be: {:?}\n{text}", short(&families)),
            Err(error) => error.to_string(),
        })?;
    let (collectors, families) = read(at_collector)?;
    for (name, exactly) in [
        ("varde_collector_up", 1.0),
        ("varde_collector_members", 1.0),
        ("varde_collector_sensors_connected", 1.0),
        ("varde_collector_alerts", 1.0),
        ("varde_collector_indicators", 1.0),
        ("varde_collector_indicator_set_version", 1.0),
        ("varde_collector_operational_incidents", 0.0),
        ("varde_collector_disk_full", 0.0),
    ] {
        ensure!(value(&families, name) == Some(exactly), "{name} is not {exactly}:\n{collectors}");
    }
    for secret in ["vond", "example", "Gjøvik"] {
        ensure!(!text.contains(secret) && !collectors.contains(secret), "Q1: the numbers name {secret}");
    }
    // Labels are where a name or an address would stand, and each has one of a few words.
    for sample in all.values().chain(families.values()).flat_map(|samples| samples.as_array().into_iter().flatten()) {
        for (label, word) in sample[1].as_object().context("no labels")? {
            let words: &[&str] = match label.as_str() {
                "version" => &[env!("CARGO_PKG_VERSION")],
                "result" => &["read", "refused"],
                "source" => &["capture"],
                "type" => &["name", "address", "ja4", "confidential"],
                "kind" => {
                    &["unheard", "deaf", "dropping", "old_list", "clock_skew", "one_client", "one_way", "narrowed"]
                }
                other => anyhow::bail!("Q1: a label {other}"),
            };
            ensure!(word.as_str().is_some_and(|word| words.contains(&word)), "Q1: {label} is {word}");
        }
    }

    // Only the one question, and only under this machine's own names.
    for address in [at_agent, at_collector] {
        for (arguments, code) in
            [(&["-H", "Host: evil.example"][..], "421"), (&["-X", "POST"][..], "405"), (&["--path-as-is"][..], "200")]
        {
            let mut curl = std::process::Command::new("curl");
            curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}"]).args(arguments);
            let told = said(curl.arg(format!("http://{address}/metrics")))?.ok()?.out;
            ensure!(told.trim() == code, "{address} answers {told} to {arguments:?}, not {code}");
        }
    }

    // S2: the socket was open before; nothing else listens, and nothing more can.
    ensure!(listening(agent.running()?.id())? == 1, "S2: {} sockets listen", listening(agent.running()?.id())?);
    let report = agent.try_ask(["status", "--probe", "--json"])?.json()?.pop().context("no report")?;
    let probes = report["probes"].as_array().context("no probes")?;
    let listens = probes.iter().find(|probe| probe["what"] == "listen for connections").context("not tried")?;
    ensure!(listens["refused"] == true, "S2: {listens}");
    ensure!(read(at_agent).is_ok(), "it tells its numbers still");
    drop(feed);
    agent.kill()?;
    collector.stop()
}

#[test]
fn s2_numbers_are_told_nowhere_unless_a_setting_says_so_and_never_to_others() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    eventually("the sensor is connected", PATIENCE, || {
        Ok(collector.sensors()?.iter().any(|sensor| sensor.connected).then_some(()))
    })?;
    ensure!(listening(agent.running()?.id())? == 0, "S2: a sensor listens that nobody told to");
    drop(feed);
    agent.kill()?;
    collector.stop()?;
    for (program, wrong) in
        [("agent.toml", "metrics = \"0.0.0.0:9843\"\n"), ("collector.toml", "metrics = \"192.0.2.1:9844\"\n")]
    {
        let told = if program == "agent.toml" {
            fs::write(agent.data().join(program), wrong)?;
            agent.try_ask(["run", "--capture", "/dev/null"])?
        } else {
            fs::write(collector.data().join(program), wrong)?;
            collector.try_ask(["run", "--web", "127.0.0.1:0"])?
        };
        let text = format!("{}{}", told.out, told.err);
        ensure!(told.code != Some(0) && text.contains("line 1") && text.contains("127.0.0.1:98"), "{program}: {text}");
    }
    Ok(())
}
