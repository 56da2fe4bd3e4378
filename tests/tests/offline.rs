//! Promise L2 for a list that is carried by hand: a sensor without contact takes it, running or not, with the same checks and the
//! same floor as over the wire; and everything else is refused in a sentence, and changes nothing.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, Said, Which, eventually, run};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

/// A collector, and one sensor of it that has the first list and no contact any more.
struct Scene {
    folder: tempfile::TempDir,
    collector: Collector,
    agent: Agent,
}

impl Scene {
    fn set() -> Result<Scene> {
        let folder = tempfile::tempdir()?;
        let mut collector = Collector::init(&folder.path().join("collector"))?;
        collector.start()?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("evil1.example\n")?;
        let mut agent = Agent::new(&folder.path().join("agent"), None)?;
        agent.enroll(&collector.token("3407")?)?;
        let mut feed = Feed::new(&folder.path().join("first"))?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        collector.await_in_force(1, 1)?;
        feed.send(&[])?;
        drop(feed);
        agent.wait()?;
        collector.stop()?;
        Ok(Scene { folder, collector, agent })
    }

    /// Publishes, and exports what is the newest.
    fn export(&self, indicators: &str, name: &str) -> Result<PathBuf> {
        self.collector.publish(indicators)?;
        let file = self.folder.path().join(name);
        self.collector.ask(["list", "export", &file.to_string_lossy()])?;
        Ok(file)
    }

    fn import(&self, file: &Path) -> Result<Said> {
        self.agent.try_ask([OsStr::new("list"), OsStr::new("import"), file.as_os_str()])
    }

    fn refused(&self, file: &Path, words: &str) -> Result<()> {
        let said = self.import(file)?;
        let is = said.code == Some(1) && said.err.contains(words) && said.out.is_empty();
        ensure!(is, "not refused by \"{words}\": {said:?}");
        let said_to_people =
            said.err.lines().filter(|line| !line.contains(" WARN ") && !line.contains(" INFO ")).count();
        ensure!(said_to_people == 2, "one sentence of cause, one of remedy: {}", said.err);
        Ok(())
    }
}

/// Everything that is wrong with a file, with the words by which it is refused.
fn wrong(scene: &Scene, good: &Path, in_force: u64) -> Result<Vec<(PathBuf, String)>> {
    let octets = std::fs::read(good)?;
    let write = |name: &str, octets: &[u8]| -> Result<PathBuf> {
        let file = scene.folder.path().join(format!("{name}-{in_force}"));
        std::fs::write(&file, octets)?;
        Ok(file)
    };
    let stays = format!("list {in_force} stays in force");
    let mut changed = octets.clone();
    let near_the_end = octets.len() - 20;
    *changed.get_mut(near_the_end).context("an octet")? ^= 1;
    Ok(vec![
        (write("foreign", b"VARDEXX1 and so on")?, "is no list that was exported by a collector".to_owned()),
        (write("empty", b"")?, "is no list that was exported by a collector".to_owned()),
        (scene.folder.path().join("nowhere"), "cannot be read".to_owned()),
        (write("beginning", octets.get(..8).context("magic")?)?, format!("{stays}: the file holds no whole list")),
        (write("cut", octets.get(..octets.len() - 9).context("cut")?)?, format!("{stays}: the file is cut short")),
        (write("changed", &changed)?, format!("{stays}: the list's content is not what its manifest names")),
        (write("behind", &[&octets[..], b"something more behind it"].concat())?, String::new()),
    ])
}

#[test]
fn l2_a_sensor_without_contact_takes_a_carried_list_running_or_not_and_nothing_that_is_wrong() -> Result<()> {
    let mut scene = Scene::set()?;
    let second = scene.export("evil1.example\nevil2.example\n", "second")?;
    let third = scene.export("evil1.example\nevil3.example\n", "third")?;

    // Not running.
    for (file, words) in wrong(&scene, &third, 1)?.iter().filter(|(_, words)| !words.is_empty()) {
        scene.refused(file, words)?;
    }
    let said = scene.import(&second)?.ok()?;
    ensure!(said.out.contains("List 2 is in force."), "{said:?}");
    ensure!(scene.agent.revision()? == 2, "it survives");
    scene.refused(&second, "revision 2 is not newer than revision 2")?;

    // Running: taken over without a restart, and matched against from then on.
    let mut feed = Feed::new(&scene.folder.path().join("mirror"))?;
    scene.agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let pid = scene.agent.running()?.id();
    eventually("it answers", PATIENCE, || {
        Ok(scene.agent.status().ok().filter(|status| status["running"] == true).map(drop))
    })?;
    for (file, words) in wrong(&scene, &third, 2)?.iter().filter(|(_, words)| !words.is_empty()) {
        scene.refused(file, words)?;
    }
    let (behind, _) = wrong(&scene, &third, 2)?.pop().context("the last")?;
    let said = scene
        .agent
        .try_ask([OsStr::new("list"), OsStr::new("import"), behind.as_os_str(), OsStr::new("--json")])?
        .ok()?;
    let line = said.json()?.pop().context("a line")?;
    ensure!(line["taken"] == 3 && line["in_force"] == 3, "what is whole is taken, whatever comes behind it: {line}");
    ensure!(scene.agent.revision()? == 3, "in force without a restart");
    for (old, revision) in [(&second, 2), (&third, 3)] {
        scene.refused(old, &format!("revision {revision} is not newer than revision 3"))?;
    }
    ensure!(scene.agent.running()?.id() == pid, "it is the same process");

    let mut traffic = Traffic::starting(varde_agent::io::clock::now());
    for (n, name) in ["evil2.example", "evil3.example"].into_iter().enumerate() {
        let question = Question { id: n as u16, name, qtype: rtype::A };
        let outcome = Outcome::address(name, [203, 0, 113, 7].into());
        traffic.lookup("10.1.1.1:40000".parse()?, "10.0.0.53:53".parse()?, question, &outcome);
    }
    feed.send(&traffic.packets)?;
    // The collector is back. Whoever brings a list then has the session begun anew, and it is.
    scene.collector.start()?;
    let connected = |scene: &Scene| {
        eventually("it is connected", PATIENCE, || Ok((scene.agent.status()?["connected"] == true).then_some(())))
    };
    connected(&scene)?;
    eventually("what came by hand counts as in force", PATIENCE, || {
        let sensors = scene.collector.list("sensor")?;
        Ok(sensors.iter().all(|sensor| sensor["newest_list"]["in_force"] == 1).then_some(()))
    })?;
    scene.refused(&second, "revision 2 is not newer than revision 3")?;
    connected(&scene)?;
    // A file that is made beside a running collector says nothing later than that one does: it is no attack on the next session.
    let beside = scene.folder.path().join("beside");
    scene.collector.ask(["list", "export", &beside.to_string_lossy()])?;
    scene.refused(&beside, "revision 3 is not newer than revision 3")?;
    connected(&scene)?;
    scene.collector.publish("evil4.example\n")?;
    scene.collector.await_in_force(1, 4)?;
    let log = scene.collector.running()?.log();
    ensure!(!log.contains("the word of which list is the newest was refused"), "{log}");
    drop(feed);
    scene.agent.wait()?;
    let alerts = scene.collector.list("alert")?;
    let found: Vec<_> = alerts.iter().map(|alert| alert["indicator"].as_str().unwrap_or_default()).collect();
    ensure!(found == ["evil2.example", "evil3.example"], "{found:?}");
    scene.collector.stop()
}

#[test]
fn l2_a_carried_list_brings_the_root_documents_it_is_held_against_and_none_of_another_collector_is_taken() -> Result<()>
{
    let scene = Scene::set()?;
    let folder = scene.folder.path();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let before = scene.export("evil1.example\nevil2.example\n", "before")?;
    // The list role goes to wholly other keys: whoever was away hears of it by the file.
    let (key, next) = (folder.join("list2.key"), folder.join("next.json"));
    let made = run(Which::Collector, ["key", "make", &text(&key), "--json"])?.ok()?.json()?.pop().context("a key")?;
    let shown = scene.collector.ask(["root", "show", "--json"])?.json()?.pop().context("roles")?;
    let roles = shown["roles"].as_array().context("roles")?.iter();
    let list = roles.clone().find(|role| role["role"] == "list").context("the role")?;
    let add = format!("list={}", made["public"].as_str().context("public")?);
    let retire = format!("list={}", list["keys"][0]["id"].as_str().context("id")?);
    scene.collector.ask(["root", "next", &text(&next), "--add", &add, "--retire", &retire])?;
    let root_key = scene.collector.data().join("keys/root.key");
    run(Which::Collector, ["sign", &text(&next), "--key", &text(&root_key), "--yes"])?.ok()?;
    scene.collector.ask(["root", "accept", &text(&next)])?;
    let nothing = scene.collector.try_ask(["list", "export", &text(&folder.join("none"))])?;
    ensure!(nothing.code == Some(1) && nothing.err.contains("make one with: varde-collector publish"), "{nothing:?}");
    scene.collector.ask(["publish", "--key", &text(&key)])?;
    let after = folder.join("after");
    scene.collector.ask(["list", "export", &text(&after)])?;
    let mode = std::fs::metadata(&after)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "the key of confidential indicators is in it: {mode:o}");

    // Another collector's, whose list is newer and good there.
    let other = Collector::init(&folder.join("other"))?;
    for n in 1..=9 {
        other.publish(&format!("evil{n}.example\n"))?;
    }
    let foreign = folder.join("foreign");
    other.ask(["list", "export", &text(&foreign)])?;
    scene.refused(&foreign, "list 1 stays in force: the list's manifest is not to be trusted")?;

    let said =
        scene.agent.try_ask([OsStr::new("list"), "import".as_ref(), after.as_os_str(), "--json".as_ref()])?.ok()?;
    let line = said.json()?.pop().context("a line")?;
    ensure!(line["taken"] == 3 && line["root_version"] == 2 && line["refused"] == serde_json::json!([]), "{line}");
    // What the key of before has signed is nobody's any more.
    scene.refused(&before, "list 3 stays in force: ")?;
    ensure!(scene.agent.revision()? == 3, "it survives");
    scene.refused(&foreign, "list 3 stays in force: ")
}
