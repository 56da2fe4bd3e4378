//! Promise T8 by the real programs: where the word of which list is the newest grows old, command and page say so in every language, the list
//! stays in force, and with the key back all is well again.

use std::ffi::OsStr;
use std::fs;

use anyhow::{Result, ensure};
use varde_agent::io::clock;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::fault::{Shim, turn};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

const HOUR_S: i64 = 3_600;

#[test]
fn t8_l2_an_old_word_of_the_newest_list_is_told_everywhere_and_the_list_stays_in_force() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let shim = Shim::compile(folder.path())?;
    let time = folder.path().join("time");
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.environment(shim.clock(&time)?);
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("vond.example\n")?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    agent.environment(shim.clock(&time)?);
    let first = Feed::new(&folder.path().join("mirror-1"))?;
    agent.start([OsStr::new("--capture"), first.path().as_os_str()])?;
    collector.await_in_force(1, 1)?;
    eventually("the newest list was named", PATIENCE, || {
        let status = agent.status()?;
        Ok((status["trust"]["named"] == 1 && status["trust"]["freshness"] == "fresh").then_some(()))
    })?;
    agent.kill()?;
    collector.stop()?;

    // The key is gone, and a day and an hour pass: nobody can say it anew.
    let key = collector.data().join("keys/timestamp.key");
    let away = folder.path().join("timestamp.key");
    fs::rename(&key, &away)?;
    turn(&time, 25 * HOUR_S)?;
    let web = collector.start()?.web;
    let mut feed = Feed::new(&folder.path().join("mirror-2"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let row = eventually("the collector knows that the sensor was not told", PATIENCE, || {
        let row = collector.list("sensor")?.pop();
        Ok(row.filter(|row| row["freshness"] == "stale"))
    })?;
    ensure!(row["revision"] == 1 && row["newest_told_at"].is_string(), "{row}");
    let said = collector.ask(["sensor", "list"])?.out;
    ensure!(said.contains("STALE: not told for a day which is the newest"), "{said}");
    let status = agent.try_ask(["status"])?.ok()?.out;
    ensure!(status.contains("LIST STALE: the collector has not said for a day which list is the newest"), "{status}");
    for (language, words) in [
        ("nb", "Sensoren har ikke hørt på et døgn hvilken liste som er nyest."),
        ("nn", "Sensoren har ikkje høyrt på eit døgn kva liste som er nyast."),
        ("en", "The sensor has not heard for a day which list is the newest."),
    ] {
        let page = fetch(None, &web, &format!("/sensor/1?lang={language}"))?;
        ensure!(page.contains(words), "{language}: {page}");
    }

    // It matches by the list it has.
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: 7, name: "vond.example", qtype: rtype::A };
    let outcome = Outcome::address("vond.example", "203.0.113.7".parse()?);
    traffic.lookup("10.1.1.1:40000".parse()?, "10.0.0.53:53".parse()?, question, &outcome);
    feed.send(&traffic.packets)?;
    eventually("an alert by the old list", PATIENCE, || Ok((collector.list("alert")?.len() == 1).then_some(())))?;

    // The key is back.
    fs::rename(&away, &key)?;
    collector.publish("annen.example\n")?;
    collector.await_in_force(1, 2)?;
    eventually("the sensor is told again", PATIENCE, || {
        let status = agent.status()?;
        Ok((status["trust"]["freshness"] == "fresh" && status["trust"]["named"] == 2).then_some(()))
    })?;
    agent.kill()?;
    collector.stop()
}
