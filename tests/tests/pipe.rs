//! A capture that is a pipe holds nobody up: not the connection, not a new list, not the word to stop.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use varde_agent::io::clock;
use varde_tests::agent::Agent;
use varde_tests::capture::Feed;
use varde_tests::community::Collector;
use varde_tests::programs::eventually;
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, Traffic};

#[test]
fn a_pipe_nobody_writes_to_holds_nobody_up() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let silent = folder.path().join("silent");
    assert!(std::process::Command::new("mkfifo").arg(&silent).status()?.success());
    agent.start([std::ffi::OsStr::new("--capture"), silent.as_os_str()])?;
    // Connected, and told of the list, while the pipe is not even open.
    collector.publish("vond.example\n")?;
    collector.await_in_force(1, 1)?;
    assert_eq!(agent.running()?.stop()?, 130, "a clean stop that says the captures were not read to their end");

    collector.stop()
}

/// "In force" is what the next packet is held against, not what lies ready for it: each round sends its only packet the
/// moment the collector has heard the word.
#[test]
fn the_first_packet_after_a_list_is_in_force_is_held_against_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([std::ffi::OsStr::new("--capture"), feed.path().as_os_str()])?;
    let place = Municipality { number: 9 };
    let client = SocketAddr::new(place.client(1), 40_000);
    for round in 1..=8u16 {
        let name = format!("vond-{round}.example");
        collector.publish(&format!("{name}\n"))?;
        collector.await_in_force(1, u64::from(round))?;
        let mut traffic = Traffic::starting(clock::now());
        let question = Question { id: round, name: &name, qtype: rtype::A };
        traffic.lookup(client, place.resolver(), question, &Outcome::address(&name, [198, 51, 100, 9].into()));
        feed.send(&traffic.packets)?;
    }
    eventually("every round's packet has become an alert", Duration::from_secs(30), || {
        Ok((collector.alerts()?.len() == 8).then_some(()))
    })?;
    drop(feed);
    agent.kill()?;
    collector.stop()
}
