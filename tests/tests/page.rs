//! Promise: a real browser shows the campaign, who is hit and how many could have seen it, without anybody reloading,
//! in every language, on a narrow and on a dark screen, and without a complaint.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use varde_tests::browser::Browser;
use varde_tests::community::{Agent, Collector};
use varde_tests::hits::{LISTED, be_hit};
use varde_tests::programs::{PATIENCE, eventually};

const MEMBERS: [(&str, &str); 3] = [("3407", "Gjøvik"), ("4626", "Øygarden"), ("5501", "Tromsø")];
/// As people read it: nothing to click on by mistake.
const SHOWN: &str = "vond[.]example";

/// Waits, without reloading, until the page says all of it.
fn says(browser: &mut Browser, words: &[&str]) -> Result<()> {
    eventually(&format!("the page says {words:?}"), PATIENCE, || {
        let text = browser.text()?;
        Ok(words.iter().all(|word| text.contains(word)).then_some(()))
    })
    .with_context(|| browser.text().unwrap_or_default())
}

#[test]
fn a_real_browser_shows_the_campaign_as_it_comes() -> Result<()> {
    let Some(name) = Browser::installed() else {
        eprintln!(
            "SKIPPED: no chromium here, so no browser has read the page; tests/run installs it (apt-get install chromium)"
        );
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let web = collector.start()?.web;
    let page = format!("http://{web}");
    let mut browser = Browser::start(name, folder.path())?;
    browser.show(1280, 900, false)?;
    browser.sign_in(collector.data())?;
    browser.go(&format!("{page}/?lang=nb"))?;
    says(&mut browser, &["Ingen kampanjer, for det er ingen medlemmer ennå", "varde-collector member add"])?;

    let mut agents = Vec::new();
    for (number, name) in MEMBERS {
        collector.add_member(number, name)?;
        let agent = Agent::new(&folder.path().join(format!("agent-{number}")), None)?;
        agent.enroll(&collector.token(number)?)?;
        agents.push(agent);
    }
    collector.publish(LISTED)?;
    let [first, second, _] = agents.as_mut_slice() else { unreachable!("three members") };
    for (agent, number) in [(first, 1), (second, 2)] {
        be_hit(agent, number)?;
    }
    // The page was opened before any of it happened, and nobody has touched it since.
    says(
        &mut browser,
        &[
            "Mulig kampanje",
            SHOWN,
            "Gjøvik",
            "Øygarden",
            "2 av 2 medlemmer som kunne se det, er truffet",
            "1 av 3 kunne ikke se det",
            "kontakt",
        ],
    )?;

    let paths = ["/", "/kampanje/1", "/sak/1"];
    for (language, words) in [
        ("nb", ["Mulig kampanje", "Hvor langt det kom"]),
        ("nn", ["Mogleg kampanje", "Kor langt det kom"]),
        ("en", ["Possible campaign", "How far it got"]),
    ] {
        for path in paths {
            browser.go(&format!("{page}{path}?lang={language}"))?;
            says(&mut browser, &[SHOWN, words[1]])?;
        }
        browser.go(&format!("{page}/?lang={language}"))?;
        says(&mut browser, &words)?;
    }
    for (width, dark) in [(320, false), (320, true), (800, false), (1280, true)] {
        browser.show(width, 900, dark)?;
        for path in paths {
            browser.go(&format!("{page}{path}"))?;
            let wide = browser.evaluate("document.documentElement.scrollWidth")?;
            let wide = wide.as_u64().context("no width")?;
            ensure!(wide <= u64::from(width), "{path} is {wide} wide on a screen of {width}");
            let cut = browser.evaluate(
                "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.id)",
            )?;
            // The drawing may be moved sideways: the table below it says the same.
            let whole = cut == json!([]) || cut == json!(["spread-scroll"]);
            ensure!(width == 800 || whole, "{path} cuts {cut} on a screen of {width}");
        }
    }
    assert_eq!(browser.complaints(), &[] as &[String]);
    collector.stop()
}
