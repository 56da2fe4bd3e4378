//! Promises C1 and T10 of the brake, by the real programs: an order by its own key has matches counted instead of told, at the sensor
//! and at the collector, to the last one, over restarts of both, and ends by itself; no other order does, and what it hides is shown.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use varde_agent::io::clock;
use varde_common::alert::BrakedCount;
use varde_common::brake::{Braked, Order};
use varde_common::id::IndicatorId;
use varde_common::limits::BRAKE_ENTRIES_MAX;
use varde_common::message::{BrakeOutcome, ListOutcome, ToAgent};
use varde_common::record::RecordBody;
use varde_common::time::Timestamp;
use varde_common::trust::{Domain, sign};
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::hostile_collector::{HostileCollector, Offer};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

const HOUR: Duration = Duration::from_secs(3600);

/// A sensor that is shown look-ups, each by a host of its own.
struct Watched {
    folder: tempfile::TempDir,
    agent: Agent,
    feed: Feed,
    starts: u8,
    hosts: u8,
}

impl Watched {
    fn new(token: &str) -> Result<Watched> {
        let folder = tempfile::tempdir()?;
        let agent = Agent::new(&folder.path().join("agent"), None)?;
        agent.enroll(token)?;
        let feed = Feed::new(&folder.path().join("mirror"))?;
        Ok(Watched { folder, agent, feed, starts: 0, hosts: 0 })
    }

    fn start(&mut self) -> Result<()> {
        self.starts += 1;
        self.feed = Feed::new(&self.folder.path().join(format!("mirror-{}", self.starts)))?;
        self.agent.start([OsStr::new("--capture"), self.feed.path().as_os_str()])
    }

    /// Its traffic ends, and it with that: it tells what it has not told yet.
    fn end(&mut self) -> Result<()> {
        self.feed = Feed::new(&self.folder.path().join(format!("mirror-{}-over", self.starts)))?;
        self.agent.wait()
    }

    /// So many hosts look it up.
    fn look_up(&mut self, name: &'static str, hosts: u8) -> Result<()> {
        let mut traffic = Traffic::starting(clock::now());
        for _ in 0..hosts {
            self.hosts += 1;
            let client = SocketAddr::from(([10, 1, 0, self.hosts], 40_000));
            let question = Question { id: u16::from(self.hosts), name, qtype: rtype::A };
            let answer = Outcome::address(name, [198, 51, 100, 9].into());
            traffic.lookup(client, "10.1.0.253:53".parse()?, question, &answer);
        }
        self.feed.send(&traffic.packets)
    }

    fn status(&self) -> Result<Value> {
        self.agent.try_ask(["status", "--json"])?.ok()?.json()?.into_iter().next().context("no status")
    }

    /// Waits until `status` says that these are braked, with so many matches counted.
    fn await_braked(&mut self, indicators: &[(u64, u64)]) -> Result<Value> {
        let wanted = indicators.iter().map(|(id, count)| (*id, *count)).collect::<Vec<_>>();
        eventually(&format!("status shows {wanted:?} braked"), PATIENCE, || {
            self.agent.running()?.still_runs()?;
            let status = self.status()?;
            let shown = status.pointer("/brake/indicators").and_then(Value::as_array).cloned().unwrap_or_default();
            let number = |one: &Value, key: &str| one.get(key).and_then(Value::as_u64).unwrap_or_default();
            let shown: Vec<_> = shown.iter().map(|one| (number(one, "indicator"), number(one, "matches"))).collect();
            Ok((shown == wanted).then_some(status))
        })
        .with_context(|| self.agent.log())
    }
}

fn brakes(collector: &Collector) -> Result<Vec<Value>> {
    collector.ask(["indicator", "brakes", "--json"])?.json()
}

fn ids(collector: &Collector) -> Result<Vec<String>> {
    let rows = collector.list("indicator")?;
    Ok(rows.iter().filter_map(|row| Some(row.get("id")?.as_i64()?.to_string())).collect())
}

/// How the only sensor stands to the brake, as `sensor list` says it.
fn standing(collector: &Collector) -> Result<Value> {
    collector.list("sensor")?.pop().context("no sensor")
}

#[test]
fn t10_what_is_braked_is_counted_to_the_last_match_on_both_sides_over_restarts_and_told_again_after() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let web = collector.start()?.web;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("hoy.example\nannen.example\n")?;
    let mut sensor = Watched::new(&collector.token("3407")?)?;
    sensor.start()?;
    collector.await_in_force(1, 1)?;
    let ids = ids(&collector)?;
    let hay = ids[0].clone();

    let said = collector.ask(["indicator", "brake", &hay, "--hours", "2", "--reason", "falsk alarm hos alle"])?;
    ensure!(said.out.contains("Order 1") && !said.err.contains("Not reached"), "{said:?}");
    // Who ordered it is told how far it has come, and finds it again with each sensor.
    ensure!(said.out.contains("Brake order 1 is followed by 1 of 1 sensors"), "{said:?}");
    let follows = standing(&collector)?;
    ensure!(follows["brake"]["state"] == "follows" && follows["brake"]["order"] == 1, "{follows}");
    ensure!(follows["brake"]["since"].is_string() && follows["newest_brake"]["all_ms"].is_u64(), "{follows}");
    ensure!(follows["newest_brake"]["holds"] == true && follows["newest_brake"]["followed_by"] == 1, "{follows}");
    let listed = collector.ask(["sensor", "list"])?.out;
    ensure!(listed.contains("brake: order 1 since") && listed.contains("followed by 1 of 1"), "{listed}");
    let (page, front) = (fetch(None, &web, "/sensor/1")?, fetch(None, &web, "/")?);
    ensure!(page.contains("id=\"brake\"") && front.contains("id=\"brake-reach\""), "{page}");
    let status = sensor.await_braked(&[(hay.parse()?, 0)])?;
    ensure!(status.pointer("/brake/indicators/0/reason") == Some(&Value::from("falsk alarm hos alle")), "{status}");
    sensor.look_up("a.hoy.example", 40)?;
    sensor.look_up("annen.example", 1)?;
    sensor.await_braked(&[(hay.parse()?, 40)])?;
    let words = sensor.agent.try_ask(["status"])?.ok()?.out;
    ensure!(words.contains("falsk alarm hos alle") && words.contains("40 counted"), "{words}");
    eventually("another indicator is told as ever", PATIENCE, || Ok((collector.alerts()?.len() == 1).then_some(())))?;

    // Stopped, and both killed: what was ordered holds on, what was counted is told, and nothing is counted again.
    sensor.end()?;
    collector.kill()?;
    sensor.start()?;
    sensor.await_braked(&[(hay.parse()?, 0)]).context("before anybody is connected")?;
    sensor.agent.kill()?;
    sensor.start()?;
    sensor.await_braked(&[(hay.parse()?, 0)]).context("after a kill")?;
    sensor.look_up("hoy.example", 10)?;
    sensor.await_braked(&[(hay.parse()?, 10)])?;
    let web_again = collector.start()?.web;
    ensure!(collector.alerts()?.len() == 1, "an alert of what is braked");

    // Released: what was counted and not told yet is told, and the next match is an alert.
    let released = collector.ask(["indicator", "brake", &hay, "--release"])?;
    ensure!(released.out.contains("nothing is braked any more"), "{released:?}");
    sensor.await_braked(&[])?;
    eventually("what ends a brake is an order that is followed too", PATIENCE, || {
        let after = standing(&collector)?;
        let follows = after["brake"]["state"] == "follows" && after["brake"]["order"] == 2;
        Ok((follows && after["newest_brake"]["holds"] == false).then_some(()))
    })?;
    let mut further = 0;
    eventually("a match is an alert again", PATIENCE, || {
        sensor.look_up("hoy.example", 1)?;
        further += 1;
        Ok((collector.alerts()?.len() >= 2).then_some(()))
    })?;
    let counted = eventually("every match is counted at the collector, here or in an alert", PATIENCE, || {
        let row = brakes(&collector)?.into_iter().next().context("nothing was braked")?;
        let told = collector.alerts()?;
        let told: u64 = told.iter().filter(|alert| alert.indicator == "hoy.example").map(|alert| alert.count).sum();
        Ok((row["matches"].as_u64() == Some(50 + further - told)).then_some(row))
    })?;
    ensure!(counted["in_force"] == false && counted["sensors"] == 1 && counted["members"] == 1, "{counted}");
    ensure!(counted["hosts"].as_u64() >= Some(38), "{counted}");
    let page = fetch(None, &web_again, "/")?;
    ensure!(page.contains("falsk alarm hos alle") && page.contains("data-brake"), "the page shows what was hidden");
    sensor.agent.kill()?;
    collector.stop()
}

#[test]
fn t10_a_root_without_the_role_says_how_to_get_one_and_an_old_sensor_is_named_as_not_reached() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let data = collector.data().to_owned();
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.publish("hoy.example\n")?;
    let mut sensor = Watched::new(&collector.token("3407")?)?;
    sensor.start()?;
    collector.await_in_force(1, 1)?;
    let text = |path: PathBuf| path.to_str().map(str::to_owned).context("a path that is no text");
    let (file, root_key) = (text(folder.path().join("next.json"))?, text(data.join("keys/root.key"))?);
    let rotate = |changes: &[&str]| -> Result<()> {
        collector.ask([&["root", "next", &file], changes].concat())?;
        collector.ask(["sign", &file, "--key", &root_key, "--yes"])?;
        collector.ask(["root", "accept", &file])?;
        Ok(fs::remove_file(&file)?)
    };
    let role = |shown: &Value| -> Result<String> {
        let roles = shown["roles"].as_array().context("no roles")?;
        let brake = roles.iter().find(|one| one["role"] == "brake").context("no role")?;
        brake["keys"][0]["id"].as_str().map(str::to_owned).context("no key")
    };
    let id = role(&collector.ask(["root", "show", "--json"])?.json()?.pop().context("nothing")?)?;
    // What a key has braked ends with the root document that names it no more: then it is as in a collector from before.
    let hold = ["indicator", "brake", "1", "--hours", "1", "--reason", "falsk"];
    collector.ask(hold)?;
    sensor.await_braked(&[(1, 0)])?;
    rotate(&["--retire", &format!("brake={id}")])?;
    fs::remove_file(data.join("keys/brake.key"))?;
    sensor.await_braked(&[]).context("its key is retired")?;
    let refused = collector.try_ask(hold)?;
    ensure!(refused.code == Some(1) && refused.err.contains("root next FILE --add brake=PUBLIC"), "{refused:?}");
    let made = collector.ask(["key", "make", &text(data.join("keys/brake.key"))?, "--json"]);
    let made = made.or_else(|_| {
        let file = text(data.join("keys/brake.key"))?;
        varde_tests::programs::run(varde_tests::programs::Which::Collector, ["key", "make", &file, "--json"])?.ok()
    })?;
    let public = made.json()?.pop().and_then(|made| Some(made["public"].as_str()?.to_owned())).context("no key")?;
    let refused = collector.try_ask(hold)?;
    ensure!(refused.code == Some(1), "a key that no root document names brakes nothing: {refused:?}");
    rotate(&["--add", &format!("brake={public}")])?;
    collector.ask(hold)?;
    sensor.await_braked(&[(1, 0)])?;
    // A sensor of an earlier version of the conversation.
    sensor.agent.kill()?;
    ensure!(collector.tamper("UPDATE sensor SET protocol = 2")? == 1);
    let said = collector.ask(["indicator", "brake", "1", "--hours", "1", "--reason", "nok et forsøk"])?;
    ensure!(said.err.contains("Not reached: sensor 1 of Gjøvik; its version knows no brake"), "{said:?}");
    ensure!(said.out.contains("is followed by 0 of 1 sensors") && said.out.contains("Not by: 1."), "{said:?}");
    let behind = standing(&collector)?;
    ensure!(behind["brake"]["state"] == "unable" && behind["newest_brake"]["all_ms"].is_null(), "{behind}");
    // One that could and was away when it was ordered.
    ensure!(collector.tamper("UPDATE sensor SET protocol = 3")? == 1);
    let behind = standing(&collector)?;
    let (known, newest) = (behind["brake"]["order"].as_u64(), behind["newest_brake"]["order"].as_u64());
    ensure!(behind["brake"]["state"] == "not_yet" && known < newest && known > Some(0), "{behind}");
    let listed = collector.ask(["sensor", "list"])?.out;
    ensure!(listed.contains("brake: NOT YET by the newest order"), "{listed}");
    sensor.start()?;
    eventually("it goes by the newest once it is back", PATIENCE, || {
        let back = standing(&collector)?;
        Ok((back["brake"]["state"] == "follows" && back["brake"]["order"].as_u64() == newest).then_some(()))
    })?;
    sensor.agent.kill()?;
    collector.stop()
}

/// What a test's collector is told of matches that made no alert.
fn counted(collector: &HostileCollector) -> Vec<BrakedCount> {
    collector.heard(|heard| {
        let bodies = heard.records.values().map(|record| record.body.clone());
        bodies.filter_map(|body| if let RecordBody::Braked(counted) = body { Some(counted) } else { None }).collect()
    })
}

fn alerts(collector: &HostileCollector) -> usize {
    collector.heard(|heard| {
        let is_alert = |body: &RecordBody| matches!(body, RecordBody::Opened(_) | RecordBody::CrowdOpened(_));
        heard.records.values().filter(|record| is_alert(&record.body)).count()
    })
}

fn braked(indicator: u64, since: Timestamp, lasting: Duration) -> Braked {
    let reason = "falsk".to_owned();
    Braked { indicator: IndicatorId(indicator), exercise: false, since, until: since.plus(lasting), reason }
}

#[test]
fn c1_t10_no_order_but_a_good_one_brakes_and_that_one_ends_by_itself() -> Result<()> {
    let collector = HostileCollector::start(1)?;
    let mut sensor = Watched::new(&collector.token(4))?;
    sensor.start()?;
    let (manifest, base) = collector.list(1, &["hoy.example", "annen.example"])?;
    let keys: Vec<&SigningKey> = collector.list_keys.iter().collect();
    collector.offer(&Offer { manifest: manifest.sign(&keys)?, base, ended: true })?;
    eventually("the list is in force", PATIENCE, || {
        Ok(collector
            .heard(|heard| heard.outcomes.iter().any(|o| matches!(o, ListOutcome::InForce { .. })))
            .then_some(()))
    })?;
    let key = HostileCollector::brake_key();
    let now = clock::now();
    let order = |number, braked: Vec<Braked>| Order { number, at: now, braked };
    let one = |number| order(number, vec![braked(1, now, HOUR)]);
    let send = |document: Vec<u8>| -> Result<BrakeOutcome> {
        let before = collector.heard(|heard| heard.brakes.len());
        collector.send(&ToAgent::Brake { document })?;
        eventually("the sensor says what became of the order", PATIENCE, || {
            Ok(collector.heard(|heard| heard.brakes.get(before).cloned()))
        })
    };
    let refused = |outcome: BrakeOutcome, known: u64, words: &str| -> Result<()> {
        let BrakeOutcome::Refused { known: said, why } = &outcome else { anyhow::bail!("taken: {outcome:?}") };
        ensure!(*said == known && why.as_str().contains(words), "{words}: {outcome:?}");
        Ok(())
    };
    let many = (0..=BRAKE_ENTRIES_MAX as u64).map(|id| braked(id, now, HOUR)).collect();
    refused(send(one(9).sign(&[&SigningKey::from_bytes(&[8; 32])])?)?, 0, "0 of 1 needed signatures")?;
    refused(send(one(9).sign(&[&collector.list_keys[0]])?)?, 0, "0 of 1 needed signatures")?;
    refused(send(one(9).sign(&[&HostileCollector::root_key()])?)?, 0, "0 of 1 needed signatures")?;
    refused(send(sign(Domain::List, &one(9), &[&key])?)?, 0, "0 of 1 needed signatures")?;
    refused(send(order(9, vec![braked(1, now, HOUR * 25)]).sign(&[&key])?)?, 0, "24 hours are the most")?;
    refused(send(order(9, vec![braked(1, now.plus(HOUR), HOUR * 24)]).sign(&[&key])?)?, 0, "24 hours are the most")?;
    refused(send(order(9, many).sign(&[&key])?)?, 0, "64 are the most")?;
    sensor.look_up("hoy.example", 1)?;
    eventually("a match is an alert all the while", PATIENCE, || Ok((alerts(&collector) == 1).then_some(())))?;
    let status = sensor.status()?;
    ensure!(status.pointer("/brake/refused").is_some_and(Value::is_string), "{status}");

    // One for an exercise, and one that is over: taken, and nothing real is braked by them.
    let exercise = Braked { exercise: true, ..braked(1, now, HOUR) };
    ensure!(matches!(send(order(2, vec![exercise]).sign(&[&key])?)?, BrakeOutcome::Taken { number: 2, .. }));
    sensor.look_up("hoy.example", 1)?;
    eventually("what is real is told", PATIENCE, || Ok((alerts(&collector) == 2).then_some(())))?;
    let over = order(3, vec![braked(1, now.minus(HOUR * 2), HOUR)]).sign(&[&key])?;
    ensure!(matches!(send(over)?, BrakeOutcome::Taken { number: 3, .. }));
    sensor.look_up("hoy.example", 1)?;
    eventually("what is over brakes nothing", PATIENCE, || Ok((alerts(&collector) == 3).then_some(())))?;
    sensor.await_braked(&[])?;

    // A good one, of both; then less, and it ends by itself within this test.
    let both = order(5, vec![braked(1, now, HOUR), braked(2, now, HOUR)]).sign(&[&key])?;
    ensure!(matches!(send(both.clone())?, BrakeOutcome::Taken { number: 5, .. }));
    sensor.look_up("a.hoy.example", 7)?;
    sensor.await_braked(&[(1, 7), (2, 0)])?;
    refused(send(one(4).sign(&[&key])?)?, 5, "number 4, and number 5 is known")?;
    refused(send(one(5).sign(&[&key])?)?, 5, "number 5, and number 5 is known")?;
    ensure!(matches!(send(both)?, BrakeOutcome::Taken { number: 5, .. }), "the same again is none older");
    let short = order(6, vec![braked(1, now, clock::now().since(now) + Duration::from_secs(4))]);
    ensure!(matches!(send(short.sign(&[&key])?)?, BrakeOutcome::Taken { number: 6, .. }));
    sensor.await_braked(&[]).context("it ends without a message")?;
    let mut further = 0;
    eventually("and all is as before", PATIENCE, || {
        sensor.look_up("hoy.example", 1)?;
        further += 1;
        Ok((alerts(&collector) > 3).then_some(()))
    })?;
    let told = eventually("what was counted was told", PATIENCE, || {
        let (told, alerts) = (counted(&collector), alerts(&collector) as u64);
        Ok((told.iter().map(|one| one.count_increase).sum::<u64>() + alerts == 7 + 3 + further).then_some(told))
    })?;
    ensure!(told.iter().all(|one| [5, 6].contains(&one.order) && one.indicator == IndicatorId(1)), "{told:?}");

    // After a restart an older one stays out.
    sensor.agent.kill()?;
    sensor.start()?;
    let before = collector.heard(|heard| heard.hellos.len());
    eventually("it is back", PATIENCE, || {
        sensor.agent.running()?.still_runs()?;
        Ok((collector.heard(|heard| heard.hellos.len()) > before || sensor.status()?["connected"] == true)
            .then_some(()))
    })?;
    refused(send(one(5).sign(&[&key])?)?, 6, "number 5, and number 6 is known")?;
    sensor.agent.kill()?;
    collector.stop();
    Ok(())
}
