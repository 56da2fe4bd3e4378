//! Promises C1, C4, D3, L2 and T8 of what sensors trust: root documents are followed step by step, through real programs, with
//! keys added, lost, stolen and retired; a collector that lies about any of it changes nothing and is told of; and where the
//! list key is not on the collector nothing is in force without its signature.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use varde_agent::anchor::Document;
use varde_agent::floor::Floor;
use varde_agent::io::clock;
use varde_agent::io::disk::{create_directory_on, floor, roots};
use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::message::{Freshness, ListOutcome, RootOutcome, ToAgent};
use varde_common::newest::Newest;
use varde_common::time::Timestamp;
use varde_common::trust::{Domain, Role, Roles, Root, hex, key_id, sign};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::hostile_collector::{HostileCollector, Offer};
use varde_tests::model_disk::{CRASHES, ModelDisk};
use varde_tests::programs::{PATIENCE, Which, eventually, run};

/// A signing key that was made by the program.
struct Key {
    file: PathBuf,
    id: String,
    public: String,
}

impl Key {
    fn make(folder: &Path, name: &str) -> Result<Key> {
        let file = folder.join(name);
        let said =
            run(Which::Collector, [OsStr::new("key"), "make".as_ref(), file.as_os_str(), "--json".as_ref()])?.ok()?;
        let json = said.json()?.pop().context("nothing was said")?;
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned).context("no such key");
        Ok(Key { file, id: text("id")?, public: text("public")? })
    }

    fn sign(&self, file: &Path) -> Result<()> {
        sign_with(&self.file, file)
    }
}

fn sign_with(key: &Path, file: &Path) -> Result<()> {
    let arguments = [OsStr::new("sign"), file.as_os_str(), "--key".as_ref(), key.as_os_str(), "--yes".as_ref()];
    run(Which::Collector, arguments)?.ok().map(|_| ())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// A collector with a sensor that has its first list.
struct Scene {
    _folder: tempfile::TempDir,
    root: PathBuf,
    collector: Collector,
    agent: Agent,
    feed: Feed,
    web: String,
}

impl Scene {
    fn new() -> Result<Scene> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().to_owned();
        let mut collector = Collector::init(&root.join("collector"))?;
        let web = collector.start()?.web;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let mut agent = Agent::new(&root.join("agent"), None)?;
        agent.enroll(&collector.token("3407")?)?;
        let feed = Feed::new(&root.join("mirror"))?;
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        collector.await_in_force(1, 1)?;
        Ok(Scene { _folder: folder, root, collector, agent, feed, web })
    }

    /// Drafts the next root document, has these keys sign it, and puts it in force.
    fn rotate(&self, changes: &[&str], signers: &[&Path]) -> Result<()> {
        let file = self.root.join("next.json");
        let file_text = text(&file)?;
        self.collector.ask([&["root", "next", file_text], changes].concat())?;
        for signer in signers {
            sign_with(signer, &file)?;
        }
        self.collector.ask(["root", "accept", file_text]).map(|_| ())
    }

    fn shown(&self) -> Result<Value> {
        self.collector.ask(["root", "show", "--json"])?.json()?.pop().context("nothing was shown")
    }

    /// Waits until the sensor says that it has this root document, to the collector and to whoever asks it.
    fn await_root(&self, version: u64) -> Result<()> {
        eventually(&format!("root document {version} is in force at the sensor"), PATIENCE, || {
            let rows = self.collector.list("sensor")?;
            let there = rows.iter().filter_map(|row| row.get("root_version").and_then(Value::as_u64)).max();
            Ok((there == Some(version)).then_some(()))
        })?;
        let status = self.agent.status()?;
        ensure!(status["trust"]["root_version"] == version, "{status}");
        Ok(())
    }
}

#[test]
fn c4_keys_are_added_lost_stolen_and_retired_and_every_sensor_follows() -> Result<()> {
    let mut scene = Scene::new()?;
    let (old_root, old_list) = ("collector/keys/root.key", "collector/keys/list.key");
    let (old_root, old_list) = (scene.root.join(old_root), scene.root.join(old_list));
    let before = scene.shown()?;
    ensure!(before["version"] == 1 && before["sensors"]["current"] == 1, "{before}");
    ensure!(before["list_key"] == "online", "{before}");
    let id = |shown: &Value, role: &str| -> Result<String> {
        let roles = shown["roles"].as_array().context("no roles")?;
        let role = roles.iter().find(|one| one["role"] == role).context("no such role")?;
        role["keys"][0]["id"].as_str().map(str::to_owned).context("no key")
    };
    // A token from before, and a sensor that will have been away all the time.
    let early = scene.collector.token("3407")?;
    let away = Agent::new(&scene.root.join("away"), None)?;
    away.enroll(&scene.collector.token("3407")?)?;

    // From one root key to two of three. What nobody should sign is said before.
    let keys = ["a", "b", "c", "d", "list"].map(|name| Key::make(&scene.root, name));
    let [a, b, c, d, list] = keys;
    let (a, b, c, d, list) = (a?, b?, c?, d?, list?);
    let foolish = scene.collector.try_ask(["root", "next", "/dev/null", "--threshold", "root=2"])?;
    ensure!(foolish.code == Some(1) && foolish.err.contains("wants 2 keys and has 1"), "{}", foolish.err);
    let adds = [&a, &b, &c].map(|key| format!("root={}", key.public));
    let retire = format!("root={}", id(&before, "root")?);
    let three = ["--add", &adds[0], "--add", &adds[1], "--add", &adds[2], "--retire", &retire, "--threshold", "root=2"];
    let alone = format!("{:#}", scene.rotate(&three, &[&a.file, &b.file]).unwrap_err());
    ensure!(alone.contains("root keys in force have not signed it"), "{alone}");
    let twice = format!("{:#}", scene.rotate(&three, &[&old_root, &a.file, &a.file]).unwrap_err());
    ensure!(twice.contains("its own root keys have not signed it"), "{twice}");
    scene.rotate(&three, &[&old_root, &a.file, &b.file])?;
    scene.await_root(2)?;

    // One of the three is lost: the other two replace it.
    let lost = [format!("root={}", c.id), format!("root={}", d.public)];
    scene.rotate(&["--retire", &lost[0], "--add", &lost[1]], &[&a.file, &b.file])?;
    scene.await_root(3)?;

    // The list key is stolen: it is retired, and nothing by it is published or taken any more.
    let stolen = [format!("list={}", id(&before, "list")?), format!("list={}", list.public)];
    scene.rotate(&["--retire", &stolen[0], "--add", &stolen[1]], &[&b.file, &d.file])?;
    scene.await_root(4)?;
    scene.collector.ask(["indicator", "import", text(&import(&scene.root, "annen.example\n")?)?])?;
    let by_old = scene.collector.try_ask(["publish", "--key", text(&old_list)?])?;
    ensure!(by_old.code == Some(1) && by_old.err.contains("no list key"), "{}", by_old.err);
    scene.collector.ask(["publish", "--key", text(&list.file)?])?;
    scene.collector.await_in_force(1, 2)?;

    // A restart keeps it; who was away takes every step at once; a token from before still enrols.
    scene.agent.kill()?;
    let again = Feed::new(&scene.root.join("mirror-again"))?;
    scene.agent.start([OsStr::new("--capture"), again.path().as_os_str()])?;
    scene.await_root(4)?;
    ensure!(scene.agent.revision()? == 2, "the list of before is there");
    let (mut away, mut late) = (away, Agent::new(&scene.root.join("late"), None)?);
    late.enroll(&early)?;
    let feeds = [Feed::new(&scene.root.join("mirror-away"))?, Feed::new(&scene.root.join("mirror-late"))?];
    for (agent, feed) in [&mut away, &mut late].into_iter().zip(&feeds) {
        agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    }
    scene.collector.await_in_force(3, 2)?;
    let shown = eventually("all have the newest root document", PATIENCE, || {
        let shown = scene.shown()?;
        Ok((shown["sensors"]["current"] == 3 && shown["sensors"]["behind"] == serde_json::json!([])).then_some(shown))
    })?;
    ensure!(shown["version"] == 4 && shown["list_key"] == "duty", "{shown}");
    for agent in [&mut away, &mut late, &mut scene.agent] {
        let status = agent.status()?;
        ensure!(status["trust"]["root_version"] == 4 && status["trust"]["freshness"] == "fresh", "{status}");
        agent.kill()?;
    }
    drop((feeds, again, scene.feed));
    scene.collector.stop()
}

fn import(folder: &Path, indicators: &str) -> Result<PathBuf> {
    let file = folder.join("import.txt");
    std::fs::write(&file, indicators)?;
    Ok(file)
}

#[test]
fn t8_with_a_duty_key_a_list_waits_for_its_signature_and_the_page_says_so() -> Result<()> {
    let mut scene = Scene::new()?;
    let web = scene.web.clone();
    let front = |words: &str, there: bool| {
        eventually(words, PATIENCE, || {
            let page = fetch(None, &web, "/")?;
            Ok((page.contains(words) == there).then_some(()))
        })
    };
    front("Listenøkkelen ligger på denne samleren", true)?;
    let away = scene.root.join("duty.key");
    std::fs::rename(scene.root.join("collector/keys/list.key"), &away)?;
    let file = import(&scene.root, "annen.example\n")?;
    scene.collector.ask(["indicator", "import", text(&file)?])?;
    let said = scene.collector.ask(["publish"])?;
    ensure!(said.out.contains("waits for a signature") && said.out.contains("1 of them new"), "{}", said.out);
    front("Vaktnøkkel", true)?;
    front("venter på signatur: 2 indikatorer, 1 nye, 0 går ut", true)?;
    let small = scene.root.join("waiting.json");
    scene.collector.ask(["publish", "--export", text(&small)?])?;
    ensure!(std::fs::metadata(&small)?.len() < 4096, "a small file");
    let unsigned = scene.collector.try_ask(["publish", "--accept", text(&small)?])?;
    ensure!(unsigned.code == Some(1) && unsigned.err.contains("0 of 1"), "{}", unsigned.err);
    let stranger = Key::make(&scene.root, "stranger")?;
    stranger.sign(&small)?;
    let foreign = scene.collector.try_ask(["publish", "--accept", text(&small)?])?;
    ensure!(foreign.code == Some(1) && foreign.err.contains("0 of 1"), "{}", foreign.err);
    let status = scene.collector.ask(["publish", "--status", "--json"])?.json()?.pop().context("no status")?;
    ensure!(status["list_key"] == "duty" && status["pending"]["revision"] == 2, "{status}");
    ensure!(scene.agent.revision()? == 1, "nothing is in force that was not signed");

    sign_with(&away, &small)?;
    scene.collector.ask(["publish", "--accept", text(&small)?])?;
    scene.collector.await_in_force(1, 2)?;
    front("venter på signatur", false)?;
    scene.agent.kill()?;
    drop(scene.feed);
    scene.collector.stop()
}

/// A root document of the model disk's sensor: root key 1 throughout, the list role with this key.
fn document(version: u32, list: u8) -> Result<Document> {
    let (root_key, list_key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[list; 32]));
    let id = |key: &SigningKey| key_id(&key.verifying_key());
    let role = |key: &SigningKey| Role { keys: [id(key)].into(), threshold: 1 };
    let public = |key: &SigningKey| (id(key), hex(key.verifying_key().as_bytes()));
    let root = Root {
        version,
        expires: Timestamp::MAX,
        keys: [public(&root_key), public(&list_key)].into(),
        roles: Roles { root: role(&root_key), list: role(&list_key), ..Roles::default() },
        ca: ["ab".repeat(32)].into(),
    };
    Ok(Document { octets: sign(Domain::Root, &root, &[&root_key])?, root })
}

#[test]
fn d3_i4_root_documents_and_floors_are_there_whole_after_a_crash_at_any_moment() -> Result<()> {
    let (disk, data) = (ModelDisk::new(11), Path::new("/data"));
    let volume = disk.volume();
    create_directory_on(volume.as_ref(), &data.join("identity"))?;
    let pinned = document(1, 2)?;
    // The list role changes hands with document 4, and the floor falls there.
    let steps = [(2, 2), (3, 2), (4, 3), (5, 3)];
    // At which moment the disk had what: a root document and the floor by it.
    let mut had = vec![(disk.moments(), 1, 0)];
    let mut floor = 0;
    for (version, list) in steps {
        roots::store_on(volume.as_ref(), data, &document(version, list)?)?;
        if version == 4 {
            floor = 0;
        }
        had.push((disk.moments(), version, floor));
        floor += 10 * u64::from(version);
        // Of what nobody wrote down who signed it, which is the harder of the two.
        let whole = Floor::of(Revision(floor));
        floor::store_on(volume.as_ref(), data, &ChannelName::default(), &whole, version)?;
        had.push((disk.moments(), version, floor));
    }
    let began = had.first().context("no beginning")?.0;
    let mut found_all = 0;
    for moment in began..=disk.moments() {
        let &(_, version, least) = had.iter().rfind(|(at, ..)| *at <= moment).context("no such moment")?;
        for (crash, seed) in CRASHES.into_iter().flat_map(|crash| (0..4).map(move |seed| (crash, seed))) {
            let crashed = disk.crashed_at(moment, crash, seed);
            let stored = roots::read_on(crashed.volume().as_ref(), data, pinned.root.clone(), &pinned.octets)?;
            let newest = stored.newest().context("not even the pinned one")?.root.version;
            ensure!(newest >= version, "{crash:?} at {moment}: root document {newest}, and {version} was on disk");
            let versions = stored.chain.iter().map(|document| document.root.version);
            ensure!(versions.eq(1..=newest), "{crash:?} at {moment}: gaps");
            let floor = floor::read_on(crashed.volume().as_ref(), data, &ChannelName::default(), &stored)?
                .context("a damaged floor")?
                .revision();
            // A root document that is there already although its writing was not over may have let the floor fall.
            let fell = version < 4 && newest >= 4;
            ensure!(floor.0 >= least || fell, "{crash:?} at {moment}: floor {floor}, and {least} was on disk");
            found_all += u32::from(newest == 5);
        }
    }
    ensure!(found_all > 0, "nothing was ever there");
    Ok(())
}

/// The next root document, as somebody wants it.
fn next(version: u32, before: &Root, change: impl FnOnce(&mut Root)) -> Root {
    let mut next = Root { version, ..before.clone() };
    change(&mut next);
    next
}

fn signed(root: &Root, keys: &[&SigningKey]) -> Result<ToAgent> {
    Ok(ToAgent::NextRoot { document: sign(Domain::Root, root, keys)? })
}

#[test]
fn c1_l2_a_hostile_collector_changes_neither_root_nor_list_and_every_lie_is_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = HostileCollector::start(1)?;
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token(7))?;
    let feed = Feed::new(&folder.path().join("mirror"))?;
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let good = |revision: u64, key: &SigningKey| -> Result<Offer> {
        let (manifest, base) = collector.list(revision, &["vond.example"])?;
        Ok(Offer { manifest: manifest.sign(&[key])?, base, ended: true })
    };
    let list_key = collector.list_keys.first().context("a list key")?;
    let other_list = &SigningKey::from_bytes(&[0x41; 32]);
    collector.offer(&good(5, list_key)?)?;
    let outcome = |wanted: &str, what: &dyn Fn(&ListOutcome) -> bool| {
        eventually(wanted, PATIENCE, || {
            Ok(collector.heard(|heard| heard.outcomes.last().is_some_and(what)).then_some(()))
        })
    };
    outcome("the good list is in force", &|outcome| {
        matches!(outcome, ListOutcome::InForce { revision: Revision(5), .. })
    })?;

    let first = Root::read_own(&collector.root_document())?;
    let (root_key, stranger) = (HostileCollector::root_key(), SigningKey::from_bytes(&[0x99; 32]));
    let own = |root: &mut Root, key: &SigningKey| {
        let id = key_id(&key.verifying_key());
        root.keys.insert(id.clone(), hex(key.verifying_key().as_bytes()));
        root.roles.root = Role { keys: [id].into(), threshold: 1 };
    };
    let usurped = next(2, &first, |root| own(root, &stranger));
    let two_needed = next(2, &first, |root| root.roles.root.threshold = 2);
    let long_ago = next(2, &first, |root| root.expires = Timestamp(1));
    let lies: Vec<(&str, ToAgent, &str)> = vec![
        ("signed by itself alone", signed(&usurped, &[&stranger])?, "in force have not signed"),
        ("signed by the old keys alone", signed(&usurped, &[&root_key])?, "own root keys have not"),
        ("unsigned", signed(&next(2, &first, |_| {}), &[])?, "in force have not signed"),
        ("one key twice", signed(&two_needed, &[&root_key, &root_key])?, "own root keys have not"),
        ("a number left out", signed(&next(3, &first, |_| {}), &[&root_key])?, "only number 2 can follow"),
        (
            "the number in force, another text",
            signed(&next(1, &first, |root| root.expires = Timestamp(9)), &[&root_key])?,
            "same number",
        ),
        ("no CA", signed(&next(2, &first, |root| root.ca.clear()), &[&root_key])?, "names no CA"),
        (
            "another CA",
            signed(&next(2, &first, |root| root.ca = ["ab".repeat(32)].into()), &[&root_key])?,
            "no longer names the CA",
        ),
        ("a list passed off as one", ToAgent::NextRoot { document: good(6, list_key)?.manifest }, "no root document"),
        ("nonsense", ToAgent::NextRoot { document: b"{}".to_vec() }, "no root document"),
        ("run out, and none follows", signed(&long_ago, &[&root_key])?, "ran out"),
    ];
    for (what, lie, words) in &lies {
        let before = collector.heard(|heard| heard.roots.len());
        collector.send(lie)?;
        eventually(&format!("{what} is refused"), PATIENCE, || {
            agent.running()?.still_runs()?;
            collector.heard(|heard| match heard.roots.get(before) {
                None => Ok(None),
                Some(RootOutcome::Refused { in_force: 1, why, .. }) if why.as_str().contains(words) => Ok(Some(())),
                other => bail!("{what}: {other:?}"),
            })
        })?;
    }
    let status = agent.status()?;
    ensure!(status["trust"]["root_version"] == 1 && status["trust"]["root_refused"].is_string(), "{status}");

    // A good one, by way of one that has run out: it gives the list role to another key and names a timestamp key.
    let online = SigningKey::from_bytes(&[0x31; 32]);
    let third = next(3, &long_ago, |root| {
        root.expires = Timestamp::MAX;
        let id = key_id(&online.verifying_key());
        root.keys.insert(id.clone(), hex(online.verifying_key().as_bytes()));
        root.roles.timestamp = Role { keys: [id].into(), threshold: 1 };
        let id = key_id(&other_list.verifying_key());
        root.keys.insert(id.clone(), hex(other_list.verifying_key().as_bytes()));
        root.roles.list = Role { keys: [id].into(), threshold: 1 };
    });
    collector.send(&signed(&long_ago, &[&root_key])?)?;
    collector.send(&signed(&third, &[&root_key])?)?;
    eventually("both are in force", PATIENCE, || {
        Ok(collector
            .heard(|heard| matches!(heard.roots.last(), Some(RootOutcome::InForce { version: 3, .. })).then_some(())))
    })?;
    // C4 at once: the old list key counts for nothing, and the floor it had set neither.
    collector.offer(&good(6, list_key)?)?;
    outcome(
        "a list by the retired key is refused",
        &|outcome| matches!(outcome, ListOutcome::Refused { why, .. } if why.as_str().contains("0 of 1")),
    )?;
    ensure!(agent.revision()? == 5, "what was in force stays until another comes");
    collector.offer(&good(2, other_list)?)?;
    outcome("numbers begin anew", &|outcome| matches!(outcome, ListOutcome::InForce { revision: Revision(2), .. }))?;

    // Words of which list is the newest: unsigned, foreign, old, of an older list, of another list with that number.
    let (manifest, _) = collector.list(2, &["vond.example"])?;
    let manifest = manifest.sign(&[other_list])?;
    let say = |newest: &Newest, key: &SigningKey| -> Result<()> {
        collector.send(&ToAgent::Newest { document: newest.sign(&[key])? })
    };
    let now = clock::now();
    let word = |revision: u64, at: Timestamp| Newest::of(&ChannelName::default(), &manifest, Revision(revision), at);
    let day = std::time::Duration::from_secs(86_400);
    say(&word(7, now), &online)?;
    for (what, newest, key, words) in [
        ("a stranger's word", word(8, now), &stranger, "0 of 1"),
        ("the list key's word", word(8, now), other_list, "0 of 1"),
        ("an older word", word(7, now.minus(day)), &online, "older than"),
        ("a word of an older list", word(6, clock::now()), &online, "list 7 was before"),
        ("a word from the future", word(8, now.plus(day * 3)), &online, "still to come"),
    ] {
        let before = collector.heard(|heard| heard.unbelieved.len());
        say(&newest, key)?;
        eventually(&format!("{what} is not believed"), PATIENCE, || {
            Ok(collector.heard(|heard| heard.unbelieved.get(before).cloned()))
        })
        .and_then(|why| if why.contains(words) { Ok(()) } else { bail!("{what}: {why}") })?;
    }
    // List 7 was named: another one of that number is refused, and that it does not come is told with a heartbeat.
    collector.offer(&good(7, other_list)?)?;
    outcome(
        "another list 7 is refused",
        &|outcome| matches!(outcome, ListOutcome::Refused { why, .. } if why.as_str().contains("another list")),
    )?;
    eventually("the sensor says that a list is held back", PATIENCE, || {
        let last = collector.heard(|heard| heard.standings.last().cloned());
        Ok(last
            .filter(|last| last.freshness == Freshness::Behind && last.named == Revision(7) && last.root_version == 3))
    })?;
    let status = agent.status()?;
    ensure!(status["trust"]["freshness"] == "behind" && status["trust"]["named"] == 7, "{status}");

    // All of it survives a kill: root, floor and word.
    agent.kill()?;
    drop(feed);
    let feed = Feed::new(&folder.path().join("mirror-again"))?;
    let hellos = collector.heard(|heard| heard.hellos.len());
    agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
    let hello = eventually("it is back", PATIENCE, || Ok(collector.heard(|heard| heard.hellos.get(hellos).cloned())))?;
    ensure!((hello.root_version, hello.revision) == (3, Revision(2)), "{hello:?}");
    let before = collector.heard(|heard| heard.outcomes.len());
    for (revision, key) in [(2, other_list), (6, list_key)] {
        collector.offer(&good(revision, key)?)?;
    }
    eventually("older lists and those of the retired key are refused after a restart", PATIENCE, || {
        collector.heard(|heard| match heard.outcomes.get(before..).unwrap_or_default() {
            [ListOutcome::Refused { .. }, ListOutcome::Refused { .. }] => Ok(Some(())),
            [] | [ListOutcome::Refused { .. }] => Ok(None),
            other => bail!("{other:?}"),
        })
    })?;
    let before = collector.heard(|heard| heard.unbelieved.len());
    say(&word(7, now.minus(day)), &online)?;
    eventually("an older word is not believed after a restart", PATIENCE, || {
        Ok(collector.heard(|heard| heard.unbelieved.get(before).cloned()))
    })?;
    agent.kill()?;
    collector.stop();
    Ok(())
}
