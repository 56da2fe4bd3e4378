//! Promise: how far the newest list has come is shown, by the command and on the page, with how many of how many and how long it took to
//! reach half, nearly all and all; and a sensor that was revoked keeps nobody from being all.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::fleet::Fleet;
use varde_tests::programs::{PATIENCE, eventually};

fn newest(collector: &Collector) -> Result<Value> {
    let row = collector.list("sensor")?.pop().context("no sensor")?;
    Ok(row["newest_list"].clone())
}

#[test]
fn l2_it_is_shown_how_far_the_newest_list_has_come_and_how_long_it_took() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut fleet = Fleet::connected(&folder.path().join("collector"), 9)?;
    ensure!(newest(fleet.collector())?.is_null(), "no list, no reach");
    fleet.publish("vond.example\n", 1)?;
    let all = newest(fleet.collector())?;
    ensure!(all["revision"] == 1 && all["sensors"] == 9 && all["in_force"] == 9, "{all}");
    let took = |reach: &Value| ["half_ms", "most_ms", "all_ms"].map(|key| reach[key].as_u64());
    let [Some(half), Some(most), Some(last)] = took(&all) else { anyhow::bail!("not all: {all}") };
    ensure!(half <= most && most <= last, "{all}");
    let rows = fleet.collector().list("sensor")?;
    ensure!(
        rows.iter().all(|row| row["revision_age_s"].is_u64() && row["revision_published_at"].is_string()),
        "{rows:?}"
    );

    // One that enrols and does not come: half have it, and all have not.
    let away = Agent::new(&folder.path().join("away"), None)?;
    away.enroll(&fleet.collector().token("3407")?)?;
    let one_less = newest(fleet.collector())?;
    ensure!(
        one_less["sensors"] == 10 && one_less["in_force"] == 9 && one_less["missing"] == serde_json::json!([10]),
        "{one_less}"
    );
    ensure!(
        one_less["half_ms"].is_u64() && one_less["most_ms"].is_null() && one_less["all_ms"].is_null(),
        "{one_less}"
    );
    let said = fleet.collector().ask(["sensor", "list"])?.out;
    ensure!(
        said.contains("List 1 is in force at 9 of 10 sensors.")
            && said.contains("95 % not yet, all not yet. Not at: 10."),
        "{said}"
    );
    ensure!(said.contains("1, published "), "each list has its age: {said}");
    let web = fleet.collector().addresses()?.web;
    for (language, words, age) in [
        (
            "nb",
            "Liste 1 gjelder hos 9 av 10 sensorer. Fra publisering til den gjaldt: halvparten etter ",
            "publisert for ",
        ),
        (
            "nn",
            "Liste 1 gjeld hos 9 av 10 sensorar. Frå publisering til ho gjaldt: halvparten etter ",
            "publisert for ",
        ),
        ("en", "List 1 is in force at 9 of 10 sensors. From publication until it was: half after ", "published "),
    ] {
        let page = fetch(None, &web, &format!("/?lang={language}"))?;
        ensure!(page.contains(words) && page.contains(age), "{language}: {page}");
        ensure!(
            fetch(None, &web, &format!("/sensor/1?lang={language}"))?.contains(age),
            "{language}: the sensor's own page"
        );
    }

    // Revoked, it is none of all.
    fleet.collector().ask(["sensor", "revoke", "10"])?;
    let again = eventually("all have it again", PATIENCE, || {
        let reach = newest(fleet.collector())?;
        Ok(reach["all_ms"].is_u64().then_some(reach))
    })?;
    ensure!(again["sensors"] == 9 && again["missing"] == serde_json::json!([]), "{again}");
    let said = fleet.collector().ask(["sensor", "list"])?.out;
    ensure!(said.contains("List 1 is in force at 9 of 9 sensors.") && !said.contains("Not at"), "{said}");
    fleet.stop()
}
