//! Promise T7a: what is confidential (TLP:AMBER+STRICT, and TLP:RED where that was said) reaches sensors as keyed hashes only. A running sensor
//! matches by them, and neither its disk, nor its memory, nor anything it says tells what they stand for, also after a match.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::secrets::{Form, crossings, forms_of_prefix, forms_of_text, found_below, found_in, found_in_memory};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, PAGE, Traffic};

/// What is strict holds this.
const STRICT: &str = "strengmerke";
/// What is red holds this.
const RED: &str = "roedmerke";
/// What is met holds this beside.
const MET: &str = "truffet";
const STRICT_NETWORK: &str = "2001:db8:5171:6b74::";

fn import(collector: &Collector, tlp: &str, list: &str) -> Result<()> {
    let file = collector.data().join(format!("{tlp}.txt"));
    std::fs::write(&file, list)?;
    collector.ask(["indicator", "import", &file.to_string_lossy(), "--tlp", tlp]).map(drop)
}

fn forms(marks: &[&str]) -> Result<Vec<Form>> {
    let mut forms: Vec<Form> = marks.iter().flat_map(|mark| forms_of_text(mark)).collect();
    forms.extend(forms_of_prefix(STRICT_NETWORK.parse()?));
    Ok(forms)
}

/// Names of an ordinary network, so many that whatever read the packets before has been used again.
fn ordinary(traffic: &mut Traffic, names: u32) -> Result<()> {
    let resolver: SocketAddr = "10.0.0.53:53".parse()?;
    for n in 0..names {
        let [_, b, c, d] = n.to_be_bytes();
        let client = SocketAddr::from(([10, 20 + b % 8, c, d], 30_000 + (n % 20_000) as u16));
        let name = format!("side{n}.vanlig-nettsted-{}.example", n % 977);
        let question = Question { id: n as u16, name: &name, qtype: rtype::A };
        let address = [198, 18, c, d].into();
        traffic.lookup(client, resolver, question, &Outcome::address(&name, address));
        if n % 8 == 0 {
            traffic.connect(client, SocketAddr::new(address, 443), PAGE);
        }
    }
    Ok(())
}

/// What meets the confidential indicators: look-ups, a flow that follows, a listed address.
fn meeting(traffic: &mut Traffic) -> Result<()> {
    let (client, resolver) = ("10.9.8.7:41000".parse()?, "10.0.0.53:53".parse()?);
    for (n, name) in [format!("www.{STRICT}{MET}.example"), format!("{RED}{MET}.example")].iter().enumerate() {
        let address = [203, 0, 113, 10 + n as u8].into();
        let question = Question { id: 7 + n as u16, name, qtype: rtype::A };
        traffic.lookup(client, resolver, question, &Outcome::address(name, address));
        traffic.connect(client, SocketAddr::new(address, 443), PAGE);
    }
    traffic.connect("[fd00::9]:41001".parse()?, format!("[{STRICT_NETWORK}7]:443").parse()?, PAGE);
    Ok(())
}

#[test]
fn t7a_neither_disk_nor_memory_nor_word_of_a_sensor_holds_what_is_confidential() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    import(&collector, "amber", "aapent.example\n")?;
    import(&collector, "amber+strict", &format!("{STRICT}1.example\n{STRICT}{MET}.example\n{STRICT_NETWORK}/64\n"))?;
    import(&collector, "red", &format!("{RED}1.example\n{RED}{MET}.example\n"))?;
    let without = collector.ask(["publish"])?;
    ensure!(
        without.err.contains("3 indicators marked TLP:AMBER+STRICT or TLP:RED reach sensors as keyed"),
        "{without:?}"
    );
    ensure!(without.err.contains("2 indicators marked TLP:RED are left out"), "{without:?}");
    let with = collector.ask(["publish", "--include-red"])?;
    ensure!(with.out.contains("list 2 with 6 indicators") && !with.err.contains("left out"), "{with:?}");

    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    collector.await_in_force(1, 2)?;
    let pid = agent.running()?.id();
    let all = forms(&[STRICT, RED])?;

    let (found, octets) = found_in_memory(pid, &all, &[])?;
    assert_eq!(found, Vec::<String>::new(), "in memory, before anything was met");
    ensure!(octets > 1 << 20, "its memory was read: {octets}");
    let (open, _) = found_in_memory(pid, &forms_of_text("aapent.example"), &[])?;
    let (open_in_wire_form, _) = found_in_memory(pid, &forms_of_text("aapent"), &[])?;
    ensure!(open.is_empty() && !open_in_wire_form.is_empty(), "what is not confidential is there, and found");

    let mut traffic = Traffic::starting(clock::now());
    meeting(&mut traffic)?;
    ordinary(&mut traffic, 1)?;
    feed.send(&traffic.packets)?;
    let alerts = eventually("the alerts have arrived", PATIENCE, || {
        let alerts = collector.list("alert")?;
        Ok((alerts.len() >= 3).then_some(alerts))
    })?;
    for alert in &alerts {
        ensure!(alert["server"].is_null(), "the address leads to what is confidential: {alert}");
    }
    let status = agent.try_ask(["status"])?.ok()?;
    let said = format!("{}{}{}{}", status.out, status.err, agent.status()?, agent.log());
    assert_eq!(found_in(said.as_bytes(), &all), None, "what it says");

    // Packets that cross the wire lie in the buffers they were read into, until others lie there. Nothing is kept of them.
    let crossed = crossings(&traffic.packets, &all);
    let mut later = Traffic::starting(clock::now());
    later.wait(Duration::from_secs(5 * 60));
    ordinary(&mut later, 4_000)?;
    feed.send(&later.packets)?;
    let packets = (traffic.packets.len() + later.packets.len()) as u64;
    eventually("it has read them all", PATIENCE, || {
        Ok((agent.status()?["sources"][0]["packets"].as_u64() >= Some(packets)).then_some(()))
    })?;
    let (found, _) = found_in_memory(pid, &all, &crossed)?;
    assert_eq!(found, Vec::<String>::new(), "in memory, after the match");
    let below = found_below(agent.data(), &all)?;
    assert_eq!(below, Vec::<String>::new(), "on disk");
    drop(feed);
    agent.wait()?;
    assert_eq!(found_below(agent.data(), &all)?, Vec::<String>::new(), "on disk, when it has ended");
    let log = std::fs::read(collector.data().join("collector.log")).context("the log")?;
    assert_eq!(found_in(&log, &all), None, "in the collector's log");
    collector.stop()
}
