//! Promise: every page there is can be read by everybody. In a real browser axe finds nothing at WCAG 2.1 A and AA in light and in
//! dark, wide and at 320 pixels, nothing scrolls sideways, no script complains and no request leaves; the keyboard alone is enough;
//! what is new is told to whoever reads, and moves nothing; what others wrote is shown and does nothing (S6); and the first page
//! is small.
//!
//! Pictures of every page lie under `target/screens/` afterwards, to be looked at.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_agent::io::clock;
use varde_collector::io::addresses::{Address, Method, PAGES, Page};
use varde_tests::browser::Browser;
use varde_tests::capture::{self, Format};
use varde_tests::community::{Agent, Collector};
use varde_tests::node;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::municipality::Municipality;
use varde_tests::traffic::{Outcome, PAGE, Traffic};
use varde_tests::way_in;

/// What the first page may weigh with all that comes along, over the wire.
const FIRST_PAGE_MAX_OCTETS: u64 = 150_000;
const LISTED: &str = "vond.example";
const MARKUP: &str = "<img src=x onerror=globalThis.ran=1>";
const MEMBERS: [(&str, &str); 4] =
    [("3407", "Gjøvik"), ("4626", MARKUP), ("5501", "Tromsø"), ("5636", "Porsanger - Porsáŋgu")];
/// What others call their threats and sources, and write: markup, a formula, text that turns what follows around.
const THREAT: &str = "=HYPERLINK(\"//evil.example\")";
const SOURCE: &str = "<script>globalThis.ran=1</script>";
const NOTE: &str = "\"><svg onload=globalThis.ran=1> \u{202e}gnp.exe";
/// As pages show the last.
const NOTE_SHOWN: &str = "⟨U+202E⟩gnp.exe";

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

/// Every address there is, of something that is there.
fn addresses() -> Result<Vec<String>> {
    PAGES
        .iter()
        // A link that is good once is opened by the one it was made for; where no provider is set nobody is sent there.
        .filter(|address| address.method == Method::Get)
        .filter(|address| !matches!(address.page, Page::Link | Page::BeginOidc | Page::EndOidc))
        .map(|Address { path, .. }| {
            let real = path.replace("{id}", "1").replace("{number}", "3407");
            ensure!(!real.contains('{'), "say what stands for the place in {path}");
            Ok(real)
        })
        .collect()
}

/// The browser's script: ended with the test, whatever becomes of it.
struct Walk(Child);

impl Drop for Walk {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn s6_every_page_can_be_read_by_everybody() -> Result<()> {
    let Some(chromium) = Browser::installed().filter(|_| node::installed()) else {
        eprintln!(
            "SKIPPED: no chromium or no Node here; tests/run installs them (apt-get install chromium nodejs npm)"
        );
        return Ok(());
    };
    let mut script = node::script("walk.mjs")?;
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let web = collector.start()?.web;
    let mut agents = Vec::new();
    for (number, name) in MEMBERS {
        collector.add_member(number, name)?;
        let agent = Agent::new(&folder.path().join(format!("agent-{number}")), None)?;
        agent.enroll(&collector.token(number)?)?;
        agents.push(agent);
    }
    collector.publish_as(LISTED, &["--threat", THREAT, "--source", SOURCE])?;
    let [first, second, third, _] = agents.as_mut_slice() else { unreachable!("four members") };
    be_hit(first, 1)?;
    be_hit(second, 2)?;
    eventually("there is a campaign", PATIENCE, || Ok((!collector.campaigns()?.is_empty()).then_some(())))?;
    for subject in ["incident", "campaign"] {
        collector.ask([subject, "note", "1", "--text", NOTE])?;
    }

    let text = folder.path().join("advisory.txt");
    std::fs::write(&text, format!("# {MARKUP}\n\n{NOTE}\n\n- {THREAT}\n"))?;
    let written = ["advisory", "new", "--title", MARKUP, "--text", text.to_str().context("a path")?, "--campaign", "1"];
    collector.ask(written)?;
    collector.ask(["advisory", "send", "1"])?;

    let screens = node::target()?.join("screens");
    std::fs::create_dir_all(&screens)?;
    let plan = json!({
        "origin": format!("http://{web}"), "first": way_in::link(collector.data(), "vakt", "administrator")?, "triage": "/alarmer?t=30d", "addresses": addresses()?, "missing": ["/finnes-ikke"], "front": "/",
        "folder": screens, "profile": folder.path().join("profile"), "chromium": chromium,
        "words": {"title": "Oversikt", "news": ["1 ny", "Noe har endret rekkefølge"]},
        "hostile": [MARKUP, THREAT, SOURCE, NOTE_SHOWN],
    });
    let mut walk = Walk(script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("node")?);
    let mut stdin = walk.0.stdin.take().context("no stdin")?;
    writeln!(stdin, "{plan}")?;
    drop(stdin);
    let mut last = Value::Null;
    for line in BufReader::new(walk.0.stdout.take().context("no stdout")?).lines() {
        let line = line?;
        last = serde_json::from_str(&line).with_context(|| format!("the script says: {line}"))?;
        if last["ready"] == json!(true) {
            be_hit(third, 3)?;
        }
    }
    let ended = walk.0.wait()?;
    ensure!(ended.success(), "the script gave up ({ended}); what it said stands above");
    let faults: Vec<&str> = last["faults"].as_array().context("no faults")?.iter().filter_map(Value::as_str).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let pages: BTreeSet<&str> =
        last["pages"].as_array().context("no pages")?.iter().filter_map(Value::as_str).collect();
    assert!(pages.contains("/") && pages.len() >= 6, "walked through {pages:?} only");
    let octets = last["octets"].as_u64().context("no octets")?;
    println!("the first page: {octets} octets over the wire, of {}", last["fetched"]);
    assert!((1_000..FIRST_PAGE_MAX_OCTETS).contains(&octets), "the first page has {octets} octets over the wire");
    collector.stop()
}
