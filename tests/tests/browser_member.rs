//! Promise, in a real browser: one comes in by name, password and code; a publisher writes an advisory from a campaign, looks it over and sends
//! it, and somebody at a member confirms to have read it; a link in webmail leads to it for who is signed in. axe finds nothing on the pages of
//! a member's IT, of management and of auditors, in light and dark, wide and at 320 pixels. And for every role no link on any page it is shown
//! is refused or leads nowhere.
//!
//! Pictures lie under `target/screens/member/` afterwards, to be looked at.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_agent::io::clock;
use varde_tests::browser::Browser;
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector};
use varde_tests::node;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, PAGE, Traffic};

const LISTED: &str = "vond.example";
const MEMBERS: [(&str, &str); 4] = [("3407", "Gjøvik"), ("4626", "Øygarden"), ("5501", "Tromsø"), ("0301", "Oslo")];

/// A member's sensor reads a capture in which one machine looks the name up and contacts it.
fn be_hit(agent: &mut Agent, number: u8) -> Result<()> {
    let place = Municipality { number };
    let client = SocketAddr::new(place.client(7), 40_000);
    let mut traffic = Traffic::starting(clock::now());
    let question = Question { id: 7, name: LISTED, qtype: rtype::A };
    traffic.lookup(client, place.resolver(), question, &Outcome::address(LISTED, "203.0.113.7".parse()?));
    traffic.connect(client, "203.0.113.7:443".parse()?, PAGE);
    let file = agent.data().join("traffic.pcap");
    capture::write(&file, Format::USUAL, &traffic.packets)?;
    agent.start(["--capture".into(), file.into_os_string()])?;
    agent.wait()
}

/// Adds an account, and gives the link that it comes in by: an invitation, or one that signs in.
fn link(collector: &Collector, (name, role): (&str, &str), member: Option<&str>, signs_in: bool) -> Result<String> {
    let mut line = vec!["user", "add", name, "--role", role, "--json"];
    line.extend(member.into_iter().flat_map(|member| ["--member", member]));
    let mut told = collector.ask(line)?.json()?;
    if signs_in {
        told = collector.ask(["user", "link", name, "--json"])?.json()?;
    }
    Ok(told.first().and_then(|told| told["link"].as_str()).context("no link")?.to_owned())
}

#[test]
fn an_advisory_goes_from_who_writes_it_to_who_reads_it_and_no_role_is_led_to_a_refusal() -> Result<()> {
    let Some(chromium) = Browser::installed().filter(|_| node::installed()) else {
        eprintln!(
            "SKIPPED: no chromium or no Node here; tests/run installs them (apt-get install chromium nodejs npm)"
        );
        return Ok(());
    };
    let mut script = node::script("member.mjs")?;
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    std::fs::write(collector.data().join("collector.toml"), "telephone = \"22 00 00 00\"\n")?;
    let web = collector.start()?.web;
    let mut agents = Vec::new();
    for (number, name) in MEMBERS {
        collector.add_member(number, name)?;
        let contact = ["--contact", "it", "--name", "Kari Nordmann", "--telephone", "61 18 00 00"];
        collector.ask([&["member", "set", number][..], &contact].concat())?;
        let agent = Agent::new(&folder.path().join(format!("agent-{number}")), None)?;
        agent.enroll(&collector.token(number)?)?;
        agents.push(agent);
    }
    collector.publish_as(LISTED, &["--threat", "Falsk innlogging", "--source", "NCSC"])?;
    for (agent, number) in agents.iter_mut().zip(1..) {
        be_hit(agent, number)?;
    }
    eventually("there is a campaign with all of them", PATIENCE, || {
        let campaigns = collector.campaigns()?;
        Ok((!campaigns.is_empty()).then_some(()))
    })?;
    let own = Some("3407");
    let links: serde_json::Map<String, Value> =
        [("it", own), ("management", own), ("auditor", None), ("analyst", None), ("administrator", None)]
            .into_iter()
            .map(|(role, member)| {
                Ok((role.to_owned(), json!(link(&collector, (&format!("en-{role}"), role), member, true)?)))
            })
            .collect::<Result<_>>()?;
    let invited = link(&collector, ("pia", "publisher"), None, false)?;
    let screens = node::target()?.join("screens").join("member");
    std::fs::create_dir_all(&screens)?;
    let plan = json!({
        "origin": format!("http://{web}"), "folder": screens, "profile": folder.path().join("profile"), "chromium": chromium,
        "invited": {"name": "pia", "link": invited}, "links": links, "campaign": 1,
        "words": {"title": "Falsk innlogging", "text": "# Hva har skjedd\nEn falsk side.\n\n- ring dem som trykket\n", "confirmed": "Bekreftet lest"},
    });
    let mut walk = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("node")?;
    writeln!(walk.stdin.take().context("no stdin")?, "{plan}")?;
    let ended = walk.wait_with_output()?;
    ensure!(ended.status.success(), "the script gave up ({}); what it said stands above", ended.status);
    let told: Value = serde_json::from_slice(&ended.stdout)?;
    let faults: Vec<&str> = told["faults"].as_array().context("no faults")?.iter().filter_map(Value::as_str).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    println!("links followed: {}", told["crawled"]);
    for role in ["publisher", "it", "management", "auditor", "analyst", "administrator"] {
        assert!(told["crawled"][role].as_u64().is_some_and(|links| links > 8), "{role}: {}", told["crawled"]);
    }
    collector.stop()
}
