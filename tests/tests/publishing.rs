//! Promises F2 and T10 of publishing, by the real programs: a list reaches the pilot group before all others, stops by itself where it
//! hits too much, and reaches everybody at once where somebody says why; what is recalled is out everywhere at once and stays out;
//! each in both modes of the list key and over a kill; and a draft says what it would have hit.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_tests::capture::Feed;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

/// A collector and sensors of a member each, numbered from 1; list 1 with `kjent.example` is in force everywhere.
struct Community {
    folder: tempfile::TempDir,
    collector: Collector,
    sensors: Vec<(Agent, Feed)>,
    hosts: u16,
    starts: u16,
}

impl Community {
    fn new(sensors: u16, settings: &str) -> Result<Community> {
        let folder = tempfile::tempdir()?;
        let collector = Collector::init(&folder.path().join("collector"))?;
        let mut community = Community { folder, collector, sensors: Vec::new(), hosts: 0, starts: 0 };
        community.set(settings)?;
        community.collector.start()?;
        for number in 0..sensors {
            let number = (1000 + number).to_string();
            community.collector.add_member(&number, &format!("Kommune {number}"))?;
            let mut agent = Agent::new(&community.folder.path().join(&number), None)?;
            agent.enroll(&community.collector.token(&number)?)?;
            let feed = Feed::new(&community.folder.path().join(format!("{number}-mirror")))?;
            agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
            community.sensors.push((agent, feed));
        }
        community.import("kjent.example\n")?;
        community.collector.ask(["publish"])?;
        community.collector.await_in_force(sensors.into(), 1)?;
        Ok(community)
    }

    /// `kill -9` of the collector and its start; a sensor would need its minute to notice, so it is started anew too.
    fn kill_and_start(&mut self) -> Result<()> {
        self.collector.kill()?;
        self.collector.start()?;
        self.starts += 1;
        for (number, (agent, feed)) in self.sensors.iter_mut().enumerate() {
            agent.kill()?;
            *feed = Feed::new(&self.folder.path().join(format!("{number}-mirror-{}", self.starts)))?;
            agent.start([OsStr::new("--capture"), feed.path().as_os_str()])?;
        }
        Ok(())
    }

    fn set(&self, settings: &str) -> Result<()> {
        Ok(fs::write(self.collector.data().join("collector.toml"), settings)?)
    }

    fn import(&self, list: &str) -> Result<()> {
        let file = self.folder.path().join("list.txt");
        fs::write(&file, list)?;
        self.collector.ask(["indicator", "import", &file.to_string_lossy()]).map(drop)
    }

    /// Waits until the collector has heard that a sensor matches by exactly this list: the sensor itself says so a moment earlier.
    fn await_list(&mut self, sensor: usize, revision: u64) -> Result<()> {
        let (agent, _) = self.sensors.get_mut(sensor - 1).context("no such sensor")?;
        eventually(&format!("list {revision} is in force at sensor {sensor}"), PATIENCE, || {
            agent.running()?.still_runs()?;
            let sensors = self.collector.sensors()?;
            Ok(sensors.iter().any(|row| row.id == sensor as u64 && row.revision == revision).then_some(()))
        })
    }

    /// So many hosts that nobody has seen before look a name up, and speak to where it leads.
    fn look_up(&mut self, sensor: usize, name: &'static str, hosts: u16) -> Result<()> {
        let mut traffic = Traffic::starting(clock::now());
        for _ in 0..hosts {
            self.hosts += 1;
            let [high, low] = self.hosts.to_be_bytes();
            let client = SocketAddr::from(([10, 1, high, low], 40_000));
            let question = Question { id: self.hosts, name, qtype: rtype::A };
            // Each name leads somewhere else, or who speaks to one would be taken for one that has looked the other up.
            let address = [198, 51, 100, name.bytes().fold(0u8, u8::wrapping_add)].into();
            traffic.lookup(client, "10.9.0.253:53".parse()?, question, &Outcome::address(name, address));
            traffic.converse(client, SocketAddr::new(address, 443), b"hei", 10);
        }
        let (_, feed) = self.sensors.get_mut(sensor - 1).context("no such sensor")?;
        feed.send(&traffic.packets)
    }

    fn await_alerts(&self, indicator: &str, at_least: usize) -> Result<()> {
        eventually(&format!("{at_least} alerts of {indicator}"), PATIENCE, || {
            let alerts = self.collector.alerts()?;
            Ok((alerts.iter().filter(|alert| alert.indicator == indicator).count() >= at_least).then_some(()))
        })
    }

    fn status(&self) -> Result<Value> {
        self.collector.ask(["publish", "--status", "--json"])?.json()?.into_iter().next().context("no status")
    }

    /// Waits until the newest list on its way fares so.
    fn await_rollout(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        eventually(what, PATIENCE, || Ok(Some(self.status()?["rollouts"][0].clone()).filter(|rollout| is_so(rollout))))
            .with_context(|| format!("{:?}", self.status()))
    }

    fn draft(&self) -> Result<Value> {
        self.collector.ask(["draft", "show", "--json"])?.json()?.into_iter().next().context("no draft")
    }

    /// Numbers of the lists there are for a channel.
    fn lists_for_all(&self) -> Result<Vec<i64>> {
        let lists: Vec<(i64,)> =
            self.collector.query("SELECT revision FROM list_revision WHERE channel = 'all' ORDER BY revision")?;
        Ok(lists.into_iter().map(|(revision,)| revision).collect())
    }

    fn indicator(&self, written: &str) -> Result<Value> {
        let rows = self.collector.list("indicator")?;
        rows.into_iter().find(|row| row["indicator"] == written).with_context(|| format!("no indicator {written}"))
    }

    /// What waits is signed where the key is, and comes back.
    fn sign(&self, key: &str) -> Result<()> {
        let file = self.folder.path().join("waiting").to_string_lossy().into_owned();
        self.collector.ask(["publish", "--export", &file])?;
        self.collector.ask(["sign", &file, "--key", key, "--yes"])?;
        self.collector.ask(["publish", "--accept", &file])?;
        Ok(fs::remove_file(&file)?)
    }

    fn end(mut self) -> Result<()> {
        for (agent, _) in &mut self.sensors {
            agent.kill()?;
        }
        self.collector.stop()
    }
}

#[test]
fn f2_a_list_is_at_the_pilot_group_first_and_goes_to_all_by_itself_also_over_a_kill() -> Result<()> {
    let mut community = Community::new(2, "pilot_wait_s = 3600\n")?;
    community.collector.ask(["pilot", "add", "1"])?;
    community.import("ny.example\n")?;
    let said = community.collector.ask(["publish"])?;
    ensure!(said.err.contains("1 sensors of 1 members") && said.err.contains("3600 s"), "{said:?}");
    community.await_list(1, 2)?;
    community.await_rollout("it is in force at the pilot group", |rollout| rollout["pilot_at"].is_string())?;
    assert_eq!(community.lists_for_all()?, [1], "nobody else has it");
    let web = community.collector.addresses()?.web;
    ensure!(fetch(None, &web, "/?lang=en")?.contains("id=\"rollout\""), "the page says so");
    // The same again is on its way; what is imported meanwhile is not in it.
    let again = community.collector.ask(["publish"])?;
    ensure!(again.out.contains("List 2 says this and is on its way"), "{again:?}");
    community.import("senere.example\n")?;
    assert_eq!(community.collector.list("pilot")?.len(), 1);

    community.set("pilot_wait_s = 1\n")?;
    community.kill_and_start()?;
    community.await_list(2, 3)?;
    let done = community.await_rollout("it is over", |rollout| rollout["ended_why"] == "done")?;
    ensure!(done["all_revision"] == 3 && done["added"] == 1 && done["stopped_on"].is_null(), "{done}");
    assert_eq!(community.lists_for_all()?, [1, 3]);
    ensure!(community.indicator("senere.example")?["published_in"].is_null(), "nobody has published that");
    community.look_up(2, "ny.example", 1)?;
    community.await_alerts("ny.example", 1)?;
    let entries = community.collector.ask(["audit", "list", "--json"])?.out;
    ensure!(entries.contains("(list 2 was at the pilot group before)"), "{entries}");
    community.end()
}

#[test]
fn f2_a_list_that_hits_too_much_at_the_pilot_group_stops_by_itself_and_says_which_indicator_it_was() -> Result<()> {
    let mut community = Community::new(2, "pilot_wait_s = 3600\npilot_hosts = 20\n")?;
    community.collector.ask(["pilot", "add", "--member", "1000"])?;
    community.import("alle.example\nvond.example\n")?;
    community.collector.ask(["publish"])?;
    community.await_list(1, 2)?;
    // What was looked for before stops nothing, however much it hits.
    community.look_up(1, "kjent.example", 25)?;
    community.look_up(1, "vond.example", 20)?;
    community.await_alerts("vond.example", 20)?;
    community.look_up(1, "alle.example", 21)?;
    let stopped = community.await_rollout("it has stopped", |rollout| rollout["ended_why"] == "stopped")?;
    let popular = community.indicator("alle.example")?;
    ensure!(stopped["stopped_on"] == popular["id"], "{stopped}");
    ensure!(stopped["stopped_why"].as_str().is_some_and(|why| why.contains("21 hosts of 1 of 1 members")), "{stopped}");
    ensure!(popular["recalled_why"] == stopped["stopped_why"], "{popular}");
    let words = community.collector.ask(["publish", "--status"])?.out;
    ensure!(words.contains("STOPPED") && words.contains("recall lift"), "{words}");
    // It is counted only, and the pilot group has a list without it; nobody else ever had one with it.
    let braked = community.collector.ask(["indicator", "brakes", "--json"])?.json()?;
    ensure!(braked[0]["indicator_id"] == popular["id"] && braked[0]["in_force"] == true, "{braked:?}");
    community.await_list(1, 3)?;
    assert_eq!(community.lists_for_all()?, [1]);
    eventually("both sensors have taken the order", PATIENCE, || {
        let rows = community.collector.ask(["indicator", "brakes", "--json"])?.json()?;
        Ok((rows[0]["sensors"] == 2).then_some(()))
    })?;

    // A person looks, and the rest goes on; imported again it stays out.
    community.import("alle.example\n")?;
    let draft = community.draft()?;
    let shown: Vec<&Value> = draft["added"]["shown"].as_array().into_iter().flatten().collect();
    ensure!(shown.len() == 1 && shown[0]["indicator"] == "vond.example", "{draft}");
    ensure!(shown[0]["would_hit"] == serde_json::json!({"members": 1, "hosts": 20, "alerts": 20}), "{draft}");
    community.set("pilot_wait_s = 1\n")?;
    community.kill_and_start()?;
    community.collector.ask(["publish"])?;
    community.await_list(1, 4)?;
    community.await_list(2, 5)?;
    community.look_up(2, "alle.example", 1)?;
    community.look_up(2, "vond.example", 1)?;
    community.await_alerts("vond.example", 21)?;
    let alerts = community.collector.alerts()?;
    ensure!(
        alerts.iter().filter(|alert| alert.indicator == "alle.example").all(|alert| alert.member == "1000"),
        "{alerts:?}"
    );

    // A person says that it is right: sensors tell of it again, and it stops no list any more, however much it hits.
    let lifted = community.collector.ask(["recall", "lift", "alle.example", "--reason", "ekte, og mange"])?;
    ensure!(lifted.err.contains("is released"), "{lifted:?}");
    community.set("pilot_wait_s = 3600\npilot_hosts = 20\n")?;
    community.kill_and_start()?;
    community.collector.ask(["publish"])?;
    community.await_list(1, 6)?;
    community.look_up(1, "alle.example", 25)?;
    community.await_alerts("alle.example", 46)?;
    community.set("pilot_wait_s = 1\npilot_hosts = 20\n")?;
    community.kill_and_start()?;
    community.await_list(2, 7)?;
    let words = community.collector.ask(["publish", "--status"])?.out;
    ensure!(!words.contains("STOPPED"), "that is over: {words}");
    community.end()
}

#[test]
fn f2_an_urgent_list_reaches_everybody_at_once_with_a_written_reason() -> Result<()> {
    let mut community = Community::new(2, "")?;
    community.set("pilot_wait_s = 3600\nfour_eyes = true\n")?;
    community.collector.ask(["pilot", "add", "1"])?;
    community.import("ny.example\n")?;
    // Somebody else is to look first, and what was looked at is what is published.
    let refused = community.collector.try_ask(["publish"])?;
    ensure!(refused.code == Some(1) && refused.err.contains("four_eyes"), "{refused:?}");
    let draft = community.draft()?["draft"].as_str().context("draft")?.to_owned();
    community.collector.ask(["draft", "review", &draft, "--reason", "sett på"])?;
    ensure!(community.collector.try_ask(["publish"])?.code == Some(1), "by the one who imported it");
    community.collector.tamper("UPDATE draft_review SET who = 'kari'")?;
    community.import("mer.example\n")?;
    for line in [&["publish"][..], &["publish", "--draft", &draft], &["draft", "review", &draft, "--reason", "x"]] {
        ensure!(community.collector.try_ask(line.iter().copied())?.code == Some(1), "{line:?}: it has changed since");
    }
    assert_eq!(community.lists_for_all()?, [1]);
    community.collector.ask(["publish", "--now", "--reason", "melding fra NCSC kl. 03"])?;
    community.await_list(2, 2)?;
    community.await_list(1, 3)?;
    let entries = community.collector.ask(["audit", "list", "--json"])?.json()?;
    let urgent = entries.iter().filter(|entry| entry["after"].as_str().is_some_and(|text| text.contains("kl. 03")));
    assert_eq!(urgent.count(), 2, "one for all, one for the pilot group");
    let next = community.draft()?;
    ensure!(next["added"]["total"] == 0 && next["authors"] == serde_json::json!([]), "{next}");
    community.end()
}

#[test]
fn f2_what_is_recalled_is_out_everywhere_at_once_and_no_import_brings_it_back() -> Result<()> {
    let mut community = Community::new(2, "")?;
    community.import("falsk.example\nekte.example\n")?;
    let said = community.collector.ask(["publish"])?;
    ensure!(said.err.contains("no pilot group"), "{said:?}");
    for sensor in [1, 2] {
        community.await_list(sensor, 2)?;
    }
    community.import("ikke-publisert.example\n")?;
    let said = community.collector.ask(["recall", "falsk.example", "--reason", "delt tjener"])?;
    ensure!(said.out.contains("list 3 for all"), "{said:?}");
    for sensor in [1, 2] {
        community.await_list(sensor, 3)?;
        community.look_up(sensor, "falsk.example", 3)?;
        community.look_up(sensor, "ekte.example", 1)?;
        community.look_up(sensor, "ikke-publisert.example", 1)?;
    }
    community.await_alerts("ekte.example", 2)?;
    ensure!(community.collector.alerts()?.len() == 2, "{:?}", community.collector.alerts()?);
    let listed = community.collector.ask(["indicator", "list"])?.out;
    ensure!(listed.contains("RECALLED"), "{listed}");
    community.import("falsk.example\n")?;
    community.collector.ask(["publish"])?;
    community.await_list(1, 4)?;
    community.look_up(1, "falsk.example", 1)?;
    community.look_up(1, "ikke-publisert.example", 1)?;
    community.await_alerts("ikke-publisert.example", 1)?;
    ensure!(community.collector.alerts()?.len() == 3);
    let lifted = community.collector.ask(["recall", "lift", "falsk.example", "--reason", "bekreftet"])?;
    ensure!(lifted.out.contains("publish"), "{lifted:?}");
    community.collector.ask(["publish"])?;
    community.await_list(1, 5)?;
    community.look_up(1, "falsk.example", 1)?;
    community.await_alerts("falsk.example", 1)?;

    // A whole list: the one before is in force by a new number, and what it had brought stays out.
    community.import("en.example\nto.example\ntre.example\n")?;
    community.collector.ask(["publish"])?;
    community.await_list(2, 6)?;
    let said = community.collector.ask(["recall", "--list", "--reason", "feil kilde"])?;
    ensure!(said.out.contains("list 7 for all") && said.err.contains("3 indicators"), "{said:?}");
    community.await_list(2, 7)?;
    let next = community.draft()?;
    ensure!(next["added"]["total"] == 0 && next["removed"]["total"] == 0, "{next}");
    let recalled = community.collector.ask(["recall", "show", "--json"])?.json()?;
    assert_eq!(recalled.iter().filter(|row| row["lifted_at"].is_null()).count(), 3);
    for sensor in community.collector.sensors()? {
        ensure!(sensor.refused_why.is_none(), "{sensor:?}");
    }
    community.end()
}

#[test]
fn f2_with_a_duty_key_the_pilot_group_and_all_each_wait_for_a_signature_and_a_recall_brakes_at_once() -> Result<()> {
    let mut community = Community::new(2, "pilot_wait_s = 1\n")?;
    community.collector.ask(["pilot", "add", "1"])?;
    let away = community.folder.path().join("list.key");
    fs::rename(community.collector.data().join("keys/list.key"), &away)?;
    let away = away.to_string_lossy().into_owned();
    community.import("ny.example\nfalsk.example\n")?;
    community.collector.ask(["publish"])?;
    let waits = community.status()?;
    ensure!(waits["list_key"] == "duty" && waits["pending"]["revision"] == 2, "{waits}");
    community.kill_and_start()?;
    community.sign(&away)?;
    community.await_list(1, 2)?;
    // Its time is over at once: what goes to all waits for its own signature, over a kill too.
    let waiting = |community: &Community, revision: u64| {
        eventually(&format!("list {revision} waits"), PATIENCE, || {
            Ok((community.status()?["pending"]["revision"] == revision).then_some(()))
        })
    };
    waiting(&community, 3)?;
    community.kill_and_start()?;
    waiting(&community, 3)?;
    assert_eq!(community.lists_for_all()?, [1], "nobody has signed it");
    community.sign(&away)?;
    community.await_list(2, 3)?;
    community.await_rollout("it is over", |rollout| rollout["ended_why"] == "done")?;

    let said = community.collector.ask(["recall", "falsk.example", "--reason", "delt tjener"])?;
    ensure!(said.out.contains("List 4 waits for a signature") && said.err.contains("count them only"), "{said:?}");
    let braked = community.collector.ask(["indicator", "brakes", "--json"])?.json()?;
    ensure!(braked[0]["in_force"] == true && braked[0]["reason"] == "delt tjener", "{braked:?}");
    eventually("both go by the brake", PATIENCE, || {
        let rows = community.collector.ask(["indicator", "brakes", "--json"])?.json()?;
        Ok((rows[0]["sensors"] == 2).then_some(()))
    })?;
    community.look_up(2, "falsk.example", 3)?;
    community.look_up(2, "ny.example", 1)?;
    community.await_alerts("ny.example", 1)?;
    ensure!(community.collector.alerts()?.len() == 1, "it is counted only");
    community.sign(&away)?;
    community.await_list(2, 4)?;
    // And the pilot group's own follows by itself.
    waiting(&community, 5)?;
    community.sign(&away)?;
    community.await_list(1, 5)?;
    community.end()
}

#[test]
fn f2_a_draft_says_what_it_would_have_hit_by_the_names_and_addresses_of_stored_alerts() -> Result<()> {
    let mut community = Community::new(2, "")?;
    community.look_up(1, "kjent.example", 3)?;
    community.look_up(2, "c2.kjent.example", 2)?;
    community.await_alerts("kjent.example", 5)?;
    eventually("each is contacted", PATIENCE, || {
        let alerts = community.collector.alerts()?;
        Ok(alerts.iter().all(|alert| alert.evidence == "contacted").then_some(()))
    })?;
    community.import("=kjent.example\n198.51.100.0/24\n198.51.100.54:444\nstille.example\n")?;
    let draft = community.draft()?;
    let hits: Vec<(&str, u64, u64)> = (draft["added"]["shown"].as_array().into_iter().flatten())
        .filter_map(|one| {
            let hit = &one["would_hit"];
            Some((one["indicator"].as_str()?, hit["members"].as_u64()?, hit["hosts"].as_u64()?))
        })
        .collect();
    let want =
        [("=kjent.example", 2, 5), ("198.51.100.0/24", 2, 5), ("198.51.100.54:444", 0, 0), ("stille.example", 0, 0)];
    assert_eq!(hits, want, "{draft}");
    ensure!(draft["added"]["kinds"] == serde_json::json!({"domain": 1, "host": 1, "ipv4": 1, "network": 1}), "{draft}");
    ensure!(draft["added"]["shown"][0]["sources"] == serde_json::json!(["list.txt"]), "{draft}");
    ensure!(draft["authors"].as_array().is_some_and(|authors| authors.len() == 1) && draft["list"] == 1, "{draft}");
    let name = draft["draft"].as_str().context("draft")?.to_owned();
    community.collector.ask(["publish", "--draft", &name])?;
    assert_eq!(community.lists_for_all()?, [1, 2]);
    community.end()
}

#[test]
fn t10_the_hosts_of_an_indicator_that_every_host_meets_are_told_together_by_the_sensor_itself_until_the_operator_says_otherwise()
-> Result<()> {
    let mut community = Community::new(1, "")?;
    let settings = community.sensors[0].0.data().join("agent.toml");
    fs::write(settings, "frequent_hosts = 20\n")?;
    community.import("alle.example\nvond.example\n")?;
    community.collector.ask(["publish"])?;
    community.kill_and_start()?;
    community.await_list(1, 2)?;
    community.look_up(1, "alle.example", 120)?;
    community.look_up(1, "vond.example", 1)?;
    community.await_alerts("vond.example", 1)?;
    let count = |community: &Community| -> Result<usize> {
        Ok(community.collector.alerts()?.iter().filter(|alert| alert.indicator == "alle.example").count())
    };
    // 20, the 16 hosts that get through first behind that, and one alert of all others, which names none.
    let alerts = count(&community)?;
    assert_eq!(alerts, 20 + 16 + 1);
    let crowd = community.collector.list("alert")?;
    let crowd = crowd.iter().find(|alert| alert["hosts"].is_number()).context("an alert of many hosts")?;
    ensure!(crowd["indicator"] == "alle.example" && crowd["evidence"] == "contacted", "{crowd}");
    // The collector is told what it had met by then; the member sees it too.
    let events = community.collector.ask(["sensor", "events", "1"])?.out;
    ensure!(events.contains("met too many: about 21 hosts"), "{events}");
    let web = community.collector.addresses()?.web;
    ensure!(
        fetch(None, &web, "/sensor/1?lang=en")?.contains("tells further hosts together"),
        "the sensor's page says so"
    );
    let rows = community.collector.ask(["indicator", "brakes", "--json"])?.json()?;
    let demoted = rows.into_iter().find(|row| row["by_sensors"] == true).context("it is told together")?;
    ensure!(demoted["indicator"] == "alle.example" && demoted["members"] == 1 && demoted["still"] == 1, "{demoted}");
    ensure!(demoted["hosts"] == 21 && demoted["matches"].as_u64() >= Some(21), "{demoted}");
    eventually("status says so", PATIENCE, || {
        let status = community.sensors[0].0.try_ask(["status"])?.ok()?.out;
        Ok((status.contains("met about 21 hosts") && status.contains("told together in one alert")).then_some(()))
    })?;

    // An order that names it takes its place; once that is over the sensor leaves it alone.
    let id = community.indicator("alle.example")?["id"].to_string();
    community.collector.ask(["indicator", "brake", &id, "--hours", "1", "--reason", "undersøkes"])?;
    community.collector.ask(["indicator", "brake", &id, "--release"])?;
    let told = |community: &Community| -> Result<Option<()>> {
        let status = community.sensors[0].0.status()?;
        let brake = status.get("brake").context("brake")?;
        Ok((brake["order"] == 2 && brake["demoted"] == serde_json::json!([])).then_some(()))
    };
    eventually("the sensor has taken the order", PATIENCE, || told(&community))?;
    let words = community.collector.ask(["indicator", "brakes"])?.out;
    ensure!(words.contains("Told together by sensors themselves") && words.contains("1, still at 0"), "{words}");
    community.look_up(1, "alle.example", 60)?;
    community.await_alerts("alle.example", alerts + 60)?;
    community.end()
}
