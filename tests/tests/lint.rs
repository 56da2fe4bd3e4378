//! Promises L3 and L4 by the real programs: a dirty row is in no published list, what is overridden or allowed goes as it was said, and
//! what has outlived itself stops matching at a sensor without a new list.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use varde_collector::store::{Scope, Store};
use varde_common::channel::ChannelName;
use varde_common::time::Timestamp;
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector};
use varde_tests::programs::{PATIENCE, Said, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, Traffic};

/// What nothing is wrong with: enough that no list that follows is half of the one before.
const GOOD: [&str; 6] =
    ["vond.example", "verre.example", "verst.example", "=post.farlig.example", "203.0.113.9", "198.51.100.0/24"];

fn import(collector: &Collector, folder: &Path, rows: &[&str], more: &[&str]) -> Result<Said> {
    let file = folder.join("rows.txt");
    fs::write(&file, rows.join("\n"))?;
    let file = file.to_string_lossy().into_owned();
    let line = ["indicator", "import", &file];
    collector.try_ask(line.into_iter().chain(more.iter().copied()))
}

/// What the newest list holds.
fn in_list(collector: &Collector) -> Result<BTreeSet<String>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let store = Store::open(collector.data()).await?;
        let list = store.newest_list(Scope::Operator, &ChannelName::default()).await?.context("a list")?;
        store.close().await;
        Ok(list.set()?.indicators().map(|indicator| indicator.pattern.to_plain()).collect())
    })
}

fn refused(said: &Said, why: &str) -> Result<()> {
    ensure!(said.code == Some(1) && said.err.contains(why), "{said:?}");
    Ok(())
}

#[test]
fn l3_no_dirty_row_is_published_and_what_is_overridden_or_allowed_goes_as_it_was_said() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    collector.ask(["member", "set", "3407", "--domain", "gjovik.kommune.no"])?;
    let good: BTreeSet<String> = GOOD.iter().map(|row| (*row).to_owned()).collect();
    let dirty = [
        "8.8.8.8",
        "login.microsoftonline.com",
        "10.0.0.0/8",
        "gjovik.kommune.no",
        "www.gjovik.kommune.no",
        "altinn.no",
        "oslo.kommune.no",
        "innlandetfylke.no",
        "13.107.4.50",
        "a.root-servers.net",
    ];
    let rows: Vec<&str> = GOOD.iter().chain(&dirty).copied().collect();
    let said = import(&collector, folder.path(), &rows, &["--json"])?;
    refused(&said, "10.0.0.0/8")?;
    for word in [
        "Will not be published: 1 by the rule \"list public-resolvers\"",
        "login.microsoftonline.com: it is on the list",
    ] {
        ensure!(said.err.contains(word), "{}", said.err);
    }
    assert_eq!((said.json()?[0]["held"].as_u64(), said.json()?[0]["left_out"].as_u64()), (Some(9), Some(1)));
    let said = collector.ask(["publish"])?;
    for word in
        ["Held back: 2 by the rule \"member-name\"", "8.8.8.8: it is on the list public-resolvers", "lint override"]
    {
        ensure!(said.err.contains(word), "{}", said.err);
    }
    assert_eq!(in_list(&collector)?, good, "{}", said.err);
    ensure!(!said.err.contains("in a list before"), "{}", said.err);
    let published = collector.list("indicator")?.into_iter().filter(|row| !row["published_in"].is_null()).count();
    assert_eq!(published, good.len(), "what is held was not published");
    // All of it is to be seen.
    let findings = collector.ask(["indicator", "lint", "--json"])?.json()?;
    let held: BTreeSet<&str> =
        findings.iter().filter(|row| row["held"] == true).filter_map(|row| row["indicator"].as_str()).collect();
    assert_eq!(held, dirty.into_iter().filter(|row| *row != "10.0.0.0/8").collect());
    ensure!(collector.ask(["indicator", "lint"])?.out.contains("norwegian-services"), "the table");

    // What a person lets out goes, until it ends.
    let with = |more: &str| good.iter().cloned().chain([more.to_owned()]).collect::<BTreeSet<_>>();
    let until = Timestamp(varde_agent::io::clock::now().0 + 86_400_000_000).to_string();
    let over =
        |indicator: &str| collector.try_ask(["lint", "override", indicator, "--reason", "øvelse", "--until", &until]);
    refused(&over("gjovik.kommune.no")?, "stays out whatever is said")?;
    refused(&over("vond.example")?, "does not hold")?;
    ensure!(over("altinn.no")?.code == Some(0), "altinn.no is overridden");
    collector.ask(["publish"])?;
    assert_eq!(in_list(&collector)?, with("altinn.no"));
    let overrides = collector.ask(["lint", "overrides", "--json"])?.json()?;
    ensure!(overrides[0]["author"].as_str().is_some_and(|who| !who.is_empty()) && overrides[0]["reason"] == "øvelse");
    // Its end has come: it is out of the next list, and that is said.
    collector.tamper("UPDATE lint_override SET until = 1")?;
    let said = collector.ask(["publish"])?;
    assert_eq!(in_list(&collector)?, good);
    ensure!(
        said.err.contains("1 of them have been in a list before") && said.err.contains("altinn.no"),
        "{}",
        said.err
    );

    // What is allowed never goes out, and no override lets it. How much that is is said, and all that there is cannot be allowed.
    refused(&collector.try_ask(["allow", "add", "com", "--reason", "leverandør", "--accept"])?, "top-level")?;
    let allowed = collector.ask(["allow", "add", "farlig.example", "--reason", "leverandør"])?;
    ensure!(allowed.out.contains("1 of the 6 indicators that go out now (=post.farlig.example)"), "{allowed:?}");
    collector.ask(["publish"])?;
    let left = good.iter().filter(|row| *row != "=post.farlig.example").cloned().collect::<BTreeSet<_>>();
    assert_eq!(in_list(&collector)?, left);
    refused(&over("=post.farlig.example")?, "allow-list")?;
    collector.ask(["allow", "remove", "farlig.example"])?;
    collector.ask(["publish"])?;
    assert_eq!(in_list(&collector)?, good);

    // A list of the operator's own holds too, and a default one comes back.
    let own = folder.path().join("egne.txt");
    fs::write(&own, "verst.example\n")?;
    collector.ask(["lint", "list", "add", &own.to_string_lossy()])?;
    collector.ask(["publish"])?;
    ensure!(!in_list(&collector)?.contains("verst.example"), "held by a list of the operator's own");
    collector.ask(["lint", "list", "remove", "egne"])?;
    refused(&collector.try_ask(["lint", "list", "remove", "google"])?, "came with the program")?;
    fs::write(&own, r#"{"name":"x","type":"regex","list":["(a+)+$"]}"#)?;
    refused(&collector.try_ask(["lint", "list", "add", &own.to_string_lossy()])?, "regex")
}

#[test]
fn l3_what_is_in_force_and_comes_to_be_a_members_own_goes_with_the_next_list_and_that_is_said() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let collector = Collector::init(&folder.path().join("collector"))?;
    collector.add_member("3407", "Gjøvik")?;
    import(&collector, folder.path(), &GOOD, &[])?;
    collector.ask(["publish"])?;
    ensure!(in_list(&collector)?.contains("203.0.113.9"));
    collector.ask(["member", "set", "3407", "--network", "203.0.113.0/25"])?;
    let said = collector.ask(["publish"])?;
    ensure!(!in_list(&collector)?.contains("203.0.113.9"), "{}", said.err);
    ensure!(said.err.contains("have been in a list before and are in no list any more: 203.0.113.9"), "{}", said.err);
    ensure!(said.err.contains("\"member-network\""), "{}", said.err);
    Ok(())
}

#[test]
fn l4_a_sensor_stops_matching_when_a_lifetime_ends_without_a_new_list() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    collector.ask(["lint", "lifetime", "name", "2"])?;
    import(&collector, folder.path(), &["kort.example", "gammel.example"], &[])?;
    import(&collector, folder.path(), &["lang.example"], &["--valid-until", "2099-01-01T00:00:00Z"])?;
    // What is shown is what sensors go by: nothing before it is in a list, and then what that says.
    let shown = collector.list("indicator")?;
    ensure!(shown.iter().all(|row| row["expires_at"].is_null() && row["in_list"].is_null()), "{shown:?}");
    let (short, long) = (shown[0]["next_expires_at"].as_str().context("an end")?, &shown[2]["next_expires_at"]);
    let ends: Timestamp = short.parse()?;
    let now = varde_agent::io::clock::now();
    ensure!(ends > now && ends < now.plus(Duration::from_secs(4 * 86_400)), "{short}");
    assert_eq!(long, "2099-01-01T00:00:00.000000Z");
    collector.ask(["publish"])?;
    let listed = collector.list("indicator")?;
    assert_eq!((&listed[0]["expires_at"], &listed[0]["in_list"]), (&short.into(), &1.into()));
    let alerted = look_up(&folder, &collector, [(now, "kort.example"), (now.plus(FIVE_DAYS), "gammel.example")])?;
    assert_eq!(alerted, ["kort.example".to_owned(), "lang.example".to_owned()].into());
    collector.stop()
}

#[test]
fn l3_a_sensor_stops_matching_when_an_override_ends_without_a_new_list() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let rows = ["altinn.no", "digdir.no", "lang.example"];
    import(&collector, folder.path(), &rows, &["--valid-until", "2099-01-01T00:00:00Z"])?;
    let now = varde_agent::io::clock::now();
    let until = now.plus(Duration::from_secs(2 * 86_400)).to_string();
    for indicator in ["altinn.no", "digdir.no"] {
        collector.ask(["lint", "override", indicator, "--reason", "øvelse", "--until", &until])?;
    }
    collector.ask(["publish"])?;
    assert_eq!(in_list(&collector)?, rows.map(str::to_owned).into());
    let alerted = look_up(&folder, &collector, [(now, "altinn.no"), (now.plus(FIVE_DAYS), "digdir.no")])?;
    assert_eq!(alerted, ["altinn.no".to_owned(), "lang.example".to_owned()].into());
    collector.stop()
}

const FIVE_DAYS: Duration = Duration::from_secs(5 * 86_400);

/// What a new sensor alerts on that sees these looked up at these times, and `lang.example` each time behind it. It goes by the packets'
/// own time, and has the list of now all the while.
fn look_up(
    folder: &tempfile::TempDir,
    collector: &Collector,
    looked_up: [(Timestamp, &'static str); 2],
) -> Result<BTreeSet<String>> {
    let mut agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    let mut packets = Vec::new();
    for (at, name) in looked_up {
        let mut traffic = Traffic::starting(at);
        for (id, name) in [(1, name), (2, "lang.example")] {
            let question = Question { id, name, qtype: rtype::A };
            let (client, resolver) = ("10.1.0.20:40000".parse()?, "10.1.0.53:53".parse()?);
            traffic.lookup(client, resolver, question, &Outcome::address(name, "198.51.100.77".parse()?));
        }
        packets.extend(traffic.packets);
    }
    let file = folder.path().join("traffic.pcap");
    capture::write(&file, Format::USUAL, &packets)?;
    agent.start([OsStr::new("--capture"), file.as_os_str()])?;
    agent.wait()?;
    // The look-up of the last packet has come, so all before it have.
    let lasting = || -> Result<u64> {
        let alerts = collector.alerts()?;
        Ok(alerts.iter().filter(|alert| alert.indicator == "lang.example").map(|alert| alert.count).sum())
    };
    eventually("what lives on is told", PATIENCE, || Ok((lasting()? >= 2).then_some(())))?;
    Ok(collector.alerts()?.into_iter().map(|alert| alert.indicator).collect())
}
