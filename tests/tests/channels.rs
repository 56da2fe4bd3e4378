//! Promise L2 of channels: a sensor follows the one that the list key names for it, keeps it over a restart, and nothing else
//! has it follow another.

use std::ffi::OsStr;

use anyhow::{Context, Result};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, eventually};

fn await_list(agent: &Agent, revision: u64) -> Result<()> {
    eventually(&format!("list {revision} is in force"), PATIENCE, || Ok((agent.revision()? == revision).then_some(())))
}

/// Waits until a sensor says that it follows a channel.
fn await_follows(collector: &Collector, sensor: u64, channel: &str) -> Result<()> {
    eventually(&format!("sensor {sensor} follows {channel}"), PATIENCE, || {
        let sensors = collector.list("sensor")?;
        let row = sensors.iter().find(|row| row.get("id").and_then(serde_json::Value::as_u64) == Some(sensor));
        Ok((row.context("no such sensor")?.get("follows") == Some(&channel.into())).then_some(()))
    })
}

#[test]
fn l2_a_sensor_follows_the_channel_that_the_list_key_names_for_it_and_keeps_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut sensors = Vec::new();
    for name in ["first", "second"] {
        let mut agent = Agent::new(&folder.path().join(name), None)?;
        agent.enroll(&collector.token("3407")?)?;
        let feed = Feed::new(&folder.path().join(format!("{name}-mirror")))?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        sensors.push((agent, feed));
    }
    collector.await_in_force(2, 1)?;
    let [(mut first, feed), (mut second, second_feed)] = <[_; 2]>::try_from(sensors).ok().context("two sensors")?;

    // Named while it is connected; what it has stays in force until the channel has a list.
    let said = collector.ask(["sensor", "channel", "1", "pilot"])?;
    assert!(said.err.contains("no list for pilot yet"), "{}", said.err);
    await_follows(&collector, 1, "pilot")?;
    assert_eq!(first.revision()?, 1);
    std::fs::write(folder.path().join("more.txt"), "verre.example\n")?;
    collector.ask(["indicator", "import", &folder.path().join("more.txt").to_string_lossy()])?;
    collector.ask(["publish", "--channel", "pilot"])?;
    await_list(&first, 2)?;
    collector.ask(["publish", "--channel", "all"])?;
    await_list(&second, 3)?;
    assert_eq!(first.revision()?, 2, "a list of another channel is not even offered");
    assert_eq!(collector.sensors()?.iter().filter_map(|sensor| sensor.refused_why.clone()).count(), 0);
    // Who follows another channel sees by its newest list. A sensor has a list in force before the collector has heard of it.
    eventually("the member counts as one that is able to see", PATIENCE, || {
        let page = varde_tests::community::fetch(None, &collector.addresses()?.web, "/api/picture")?;
        Ok(page.contains("\"members_able\":1").then_some(()))
    })?;

    // Carried by hand, the list of another channel is refused in words that say which one to bring; and of a channel without a
    // list there is nothing to carry.
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    collector.ask(["list", "export", &file("all.varde")])?;
    let refused = first.try_ask(["list", "import", &file("all.varde")].map(OsStr::new))?;
    assert!(refused.code == Some(1) && refused.err.contains("list export FILE --channel pilot"), "{}", refused.err);
    let nothing = collector.try_ask(["list", "export", &file("none"), "--channel", "canary"])?;
    assert!(nothing.err.contains("varde-collector publish --channel canary"), "{}", nothing.err);
    // A box that takes the place of one on pilot follows all: whoever makes its token is told, and whoever looks.
    let token = collector.ask(["sensor", "token", "3407", "--replaces", "1"])?;
    assert!(token.err.contains("varde-collector sensor channel 3 pilot"), "{}", token.err);
    let listed = collector.ask(["sensor", "list"])?.out;
    assert!(listed.contains("channel all although sensor 1, whose place it takes, was on pilot"), "{listed}");
    collector.ask(["sensor", "channel", "3", "pilot"])?;
    let listed = collector.ask(["sensor", "list"])?.out;
    assert!(!listed.contains("although"), "{listed}");

    // Over a restart, and where the list key is somewhere else.
    first.kill()?;
    drop(feed);
    let away = folder.path().join("list.key");
    std::fs::rename(collector.data().join("keys/list.key"), &away)?;
    let refused = collector.try_ask(["sensor", "channel", "1", "all"])?;
    assert!(refused.code == Some(1) && refused.err.contains("--export"), "{}", refused.err);
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    first.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    await_list(&first, 2)?;
    assert_eq!(first.status()?.get("channel"), Some(&"pilot".into()));
    let word = folder.path().join("word.json").to_string_lossy().into_owned();
    collector.ask(["sensor", "channel", "1", "all", "--export", &word])?;
    assert_eq!(collector.try_ask(["sensor", "channel", "--accept", &word])?.code, Some(1), "nobody has signed it");
    collector.ask(["sign", &word, "--yes", "--key", &away.to_string_lossy()])?;
    collector.ask(["sensor", "channel", "--accept", &word])?;
    await_list(&first, 3)?;
    await_follows(&collector, 1, "all")?;
    // And back: what was in force there comes again under its own number.
    std::fs::rename(&away, collector.data().join("keys/list.key"))?;
    std::fs::write(first.data().join("list/floor-pilot"), "many")?;
    collector.ask(["sensor", "channel", "1", "pilot"])?;
    await_list(&first, 2)?;
    // A floor there that is damaged is told, as at a start.
    assert!(first.log().contains("the floor of channel pilot on this disk is no number"), "{}", first.log());
    eventually("the collector hears of it", PATIENCE, || {
        let events = collector.ask(["sensor", "events", "1", "--json"])?;
        Ok(events.out.contains("is no number").then_some(()))
    })?;
    for (agent, feed) in [(&mut first, feed), (&mut second, second_feed)] {
        drop(feed);
        agent.wait()?;
    }
    collector.stop()
}
