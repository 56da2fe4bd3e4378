//! Promise: every page there is can be read by everybody. In a real browser axe finds nothing at WCAG 2.1 A and AA in light and in
//! dark, wide and at 320 pixels, nothing scrolls sideways, no script complains and no request leaves; the keyboard alone is enough;
//! what is new is told to whoever reads, and moves nothing; what others wrote is shown and does nothing (S6); and the first page
//! is small.
//!
//! Pictures of every page lie under `target/screens/` afterwards, to be looked at.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_collector::io::addresses::{Address, Method, PAGES, Page};
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, be_hit};
use varde_tests::node;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::steered::{self, Steered};
use varde_tests::way_in;

/// What the first page may weigh with all that comes along, over the wire.
const FIRST_PAGE_MAX_OCTETS: u64 = 150_000;
const MARKUP: &str = "<img src=x onerror=globalThis.ran=1>";
const MEMBERS: [(&str, &str); 4] =
    [("3407", "Gjøvik"), ("4626", MARKUP), ("5501", "Tromsø"), ("5636", "Porsanger - Porsáŋgu")];
/// What others call their threats and sources, and write: markup, a formula, text that turns what follows around.
const THREAT: &str = "=HYPERLINK(\"//evil.example\")";
const SOURCE: &str = "<script>globalThis.ran=1</script>";
const NOTE: &str = "\"><svg onload=globalThis.ran=1> \u{202e}gnp.exe";
/// As pages show the last.
const NOTE_SHOWN: &str = "⟨U+202E⟩gnp.exe";

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

#[test]
fn s6_every_page_can_be_read_by_everybody() -> Result<()> {
    let Some(chromium) = steered::browser() else { return Ok(()) };
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
    let last = Steered::start("walk.mjs", &plan)?
        .finish(|_, said| if said["ready"] == json!(true) { be_hit(third, 3) } else { Ok(()) })?;
    let pages: BTreeSet<&str> =
        last["pages"].as_array().context("no pages")?.iter().filter_map(Value::as_str).collect();
    assert!(pages.contains("/") && pages.len() >= 6, "walked through {pages:?} only");
    let octets = last["octets"].as_u64().context("no octets")?;
    println!("the first page: {octets} octets over the wire, of {}", last["fetched"]);
    assert!((1_000..FIRST_PAGE_MAX_OCTETS).contains(&octets), "the first page has {octets} octets over the wire");
    collector.stop()
}
