//! Promises of the pages by the real programs, without any script: a sensor is enrolled by what a page says, approved of there and shut out
//! there; a colleague is invited, stopped at once, and chooses another password by a link without the old one.

use std::ffi::OsStr;

use anyhow::{Context, Result, ensure};
use varde_agent::io::clock;
use varde_common::time::Timestamp;
use varde_tests::community::{Agent, Collector};
use varde_tests::person::Person;
use varde_tests::programs::{PATIENCE, eventually};
use varde_tests::way_in;

/// What stands in an element of a page that has this id.
fn element<'a>(page: &'a str, id: &str) -> Result<&'a str> {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">")).with_context(|| format!("no {id}: {page}"))?;
    Ok(rest.split('<').next().unwrap_or_default())
}

#[test]
fn e1_a_sensor_is_let_in_and_shut_out_from_the_pages() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    std::fs::write(collector.data().join("collector.toml"), "approve_sensors = true\n")?;
    let base = format!("http://{}", collector.start()?.web);
    collector.add_member("3407", "Gjøvik")?;
    let vakt = Person::new(folder.path(), "vakt", &base);
    vakt.come_by(&way_in::link(collector.data(), "vakt", "analyst")?)?;

    let (status, _, page) = vakt.fill("/sensorer", &[("number", "9999")])?;
    ensure!(status == 422 && page.contains("noe medlem med det nummeret"), "{status} {page}");
    let (status, head, page) = vakt.fill("/sensorer", &[("number", "3407")])?;
    ensure!(status == 200 && head.contains("cache-control: no-store"), "{status} {head}");
    let (token, line) = (element(&page, "token")?, element(&page, "line")?);
    ensure!(token.starts_with("varde1-") && line.contains("enroll --token-file -") && !line.contains(token), "{line}");
    let anchor = collector.ask(["root", "show", "--json"])?.json()?;
    let words = anchor.first().and_then(|root| root["fingerprint"].as_str()).context("no fingerprint")?.to_owned();
    ensure!(element(&page, "words")? == words, "what the sensor's end will show is {words}");
    let file = folder.path().join("token");
    std::fs::write(&file, token)?;

    let agent = Agent::new(&folder.path().join("agent"), None)?;
    let enroll = [OsStr::new("enroll"), OsStr::new("--wait"), OsStr::new("0")];
    let with_token = || enroll.iter().copied().chain([OsStr::new("--token-file"), file.as_os_str()]);
    let first = agent.try_ask(with_token())?;
    ensure!(first.code == Some(75) && first.err.contains(&words), "{first:?}");
    let waits = collector.list("sensor")?;
    let own = waits.first().and_then(|sensor| sensor["words"].as_str()).context("no words")?.to_owned();
    let (_, _, page) = vakt.get("/sensorer?vis=venter")?;
    ensure!(page.contains(&own) && first.err.contains(&own), "both ends show {own}: {page}");
    ensure!(!page.contains(token), "a token is shown once");
    ensure!(vakt.fill("/sensor/1", &[("do", "approve"), ("same", "1")])?.0 == 303);
    agent.try_ask(enroll)?.ok().context("it was approved on the page")?;

    let (status, head, _) = vakt.fill("/sensor/1/steng", &[("reason", "byttes ut"), ("sure", "1")])?;
    ensure!(status == 303 && head.contains("location: /sensor/1"), "{head}");
    let sensors = collector.list("sensor")?;
    ensure!(sensors.first().is_some_and(|sensor| !sensor["revoked_at"].is_null()), "{sensors:?}");
    let audit = collector.list("audit")?;
    for what in ["sensor token", "sensor approve", "sensor revoke"] {
        let by = audit.iter().find(|entry| entry["what"] == what).and_then(|entry| entry["who"].as_str());
        ensure!(by.is_some_and(|who| who.starts_with("vakt (account ")), "{what}: {by:?}");
    }
    collector.stop()
}

#[test]
fn w3_a_colleague_is_invited_stopped_at_once_and_comes_back_by_a_link() -> Result<()> {
    const NEW: &str = "ny hest under bordet";
    let folder = tempfile::tempdir()?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    let base = format!("http://{}", collector.start()?.web);
    let (vakt, kari) = (Person::new(folder.path(), "vakt", &base), Person::new(folder.path(), "kari", &base));
    vakt.come_by(&way_in::link(collector.data(), "vakt", "administrator")?)?;
    let (status, _, page) = vakt.fill("/brukere", &[("name", "kari"), ("role", "analyst"), ("member", "")])?;
    ensure!(status == 200, "{status} {page}");
    let (totp, _) = kari.accept(element(&page, "link")?, None)?;
    ensure!(kari.get("/")?.0 == 200 && kari.get("/brukere")?.0 == 403);
    ensure!(vakt.fill("/brukere/2", &[("do", "stop")])?.0 == 303);
    ensure!(kari.get("/")?.0 == 303, "at once");
    ensure!(vakt.fill("/brukere/2", &[("do", "start")])?.0 == 303);

    // The password is lost.
    let (_, _, page) = vakt.fill("/brukere/2", &[("do", "link")])?;
    kari.come_by(element(&page, "link")?)?;
    let chosen = [("password", NEW), ("again", NEW)];
    ensure!(kari.fill("/konto/passord", &chosen)?.0 == 303);
    ensure!(kari.fill("/konto/passord", &chosen)?.0 == 422, "once");
    ensure!(kari.fill("/utlogging", &[])?.0 == 303 && kari.get("/")?.0 == 303);
    let code = totp.code_at(Timestamp(clock::now().0 + 30_000_000));
    let (status, _, page) = kari.post("/innlogging", &[("name", "kari"), ("password", NEW), ("code", &code)])?;
    ensure!(status == 303, "by the new password: {status} {page}");
    let (status, _, _) =
        kari.post("/innlogging", &[("name", "kari"), ("password", "feil passord her"), ("code", "1")])?;
    ensure!(status == 403);
    let noted = eventually("a wrong attempt stands in the audit", PATIENCE, || {
        let audit = collector.list("audit")?;
        Ok(audit.into_iter().find(|entry| entry["what"] == "sign in refused"))
    })?;
    let words = noted["after"].as_str().unwrap_or_default();
    ensure!(words.contains("kari") && words.contains("127.0.0.1"), "{words}");
    let page = eventually("the audit was held against itself", PATIENCE, || {
        let (status, _, page) = vakt.get("/revisjon?hvem=kari")?;
        ensure!(status == 200, "{status} {page}");
        Ok(page.contains("Loggen er hel.").then_some(page))
    })?;
    ensure!(page.contains("change password"), "{page}");
    collector.stop()
}
