//! Promise: a warning that somebody pastes is in a published list, or waits for its signature, after a few keystrokes and nothing else;
//! what becomes of each line is said before anything is taken in; and where the list key is elsewhere no page signs.
//!
//! Pictures of the pages lie under `target/screens/` afterwards, to be looked at.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use varde_tests::community::Collector;
use varde_tests::node;
use varde_tests::steered::{self, Steered};
use varde_tests::way_in;

/// As a centre writes one: what is meant in brackets, the sender's own link not; one line that lint holds back.
const WARNING: &str = "Hei alle\n\nVi ser passordfiske mot kommuner i dag. Se etter:\n\n  vond[.]example\n  hxxps://logg-inn[.]falsk[.]example/konto\n  203.0.113[.]77\n  login[.]microsoftonline[.]com\n\nLes mer på https://www.ncsc.example/varsel\n\nHilsen NCSC\n";

/// A publisher pastes the warning and publishes it; what waits for its signature is signed by `sign`. What the script said at last.
fn publish(collector: &mut Collector, name: &str, sign: impl Fn(&Collector) -> Result<()>) -> Result<Option<Value>> {
    let Some(chromium) = steered::browser() else { return Ok(None) };
    let profile = tempfile::tempdir()?;
    let web = collector.start()?.web;
    let screens = node::target()?.join("screens").join(name);
    std::fs::create_dir_all(&screens)?;
    let plan = json!({
        "origin": format!("http://{web}"), "first": way_in::link(collector.data(), "utgiver", "publisher")?, "warning": WARNING,
        "addresses": ["/utkast", "/utkast/neste", "/indikatorer", "/indikator/1", "/lister", "/kilder"],
        "folder": screens, "profile": profile.path(), "chromium": chromium,
    });
    let last = Steered::start_talking("intel.mjs", &plan)?.finish(|script, said| {
        if said["waits"] == json!(true) {
            sign(collector)?;
            script.tell("signed")?;
        }
        Ok(())
    })?;
    Ok(Some(last))
}

/// Who stands in the audit for what a page did.
const BY_WHOM: &str =
    "SELECT what, who FROM audit WHERE what IN ('indicator import', 'publish', 'draft show') ORDER BY seq";

#[test]
fn a_pasted_warning_is_published_by_the_keyboard_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let Some(said) = publish(&mut collector, "intel", |_| Ok(()))? else { return Ok(()) };
    let strokes = said["strokes"].as_u64().context("no strokes")?;
    println!("keystrokes from a pasted warning to a published draft: {strokes}");
    assert!((3..=25).contains(&strokes), "{strokes} keystrokes");
    let lines: Vec<&str> = said["lines"].as_array().context("no lines")?.iter().filter_map(Value::as_str).collect();
    let line = |what: &str| lines.iter().find(|line| line.contains(what)).copied().unwrap_or_default();
    assert!(line("vond[.]example").contains("linje 5") && line("vond[.]example").contains("Tas inn"), "{lines:?}");
    assert!(line("login[.]microsoftonline").contains("kontrollen holder den tilbake"), "{lines:?}");
    assert!(said["words"].as_str().is_some_and(|words| words.contains("Liste 1 er publisert")), "{said}");
    let listed: Vec<(i64, bool)> = collector
        .query::<(String, Option<i64>)>("SELECT pattern, published_in FROM indicator ORDER BY id")?
        .into_iter()
        .map(|(pattern, list)| (list.unwrap_or(0), pattern.contains("microsoft")))
        .collect();
    assert!(listed.iter().all(|(list, is_held)| (*list == 1) != *is_held), "{listed:?}");
    let noted: Vec<(String, String)> = collector.query(BY_WHOM)?;
    for what in ["indicator import", "draft show", "publish"] {
        let mut who = noted.iter().filter(|(done, _)| done == what).map(|(_, who)| who).peekable();
        assert!(who.peek().is_some(), "{what}: {noted:?}");
        assert!(who.all(|who| who.starts_with("utgiver (account ")), "{what}: {noted:?}");
    }
    collector.stop()
}

#[test]
fn where_the_list_key_is_elsewhere_a_page_prepares_and_a_person_signs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let key = folder.path().join("list.key");
    std::fs::rename(collector.data().join("keys/list.key"), &key)?;
    let file = folder.path().join("venter.json");
    let sign = |collector: &Collector| -> Result<()> {
        let (file, key) = (file.to_str().context("a path")?, key.to_str().context("a path")?);
        ensure!(collector.query::<(i64,)>("SELECT COUNT(*) FROM list_revision")? == [(0,)], "nothing is published yet");
        collector.ask(["publish", "--export", file])?;
        collector.ask(["sign", file, "--key", key, "--yes"])?;
        collector.ask(["publish", "--accept", file])?;
        Ok(())
    };
    let Some(said) = publish(&mut collector, "intel-duty", sign)? else { return Ok(()) };
    println!("keystrokes from a pasted warning to a draft that waits for its signature: {}", said["strokes"]);
    assert!(said["words"].as_str().is_some_and(|words| words.contains('1') && words.contains("alle")), "{said}");
    assert_eq!(collector.query::<(i64,)>("SELECT COUNT(*) FROM list_revision")?, [(1,)]);
    collector.stop()
}
