//! The CSIRT's guide, `collector/README.md`, from the work on what was found: what it leaves to the reader.

use anyhow::{Context, Result};
use serde_json::Value;

use super::walk::What::{And, Ends, First, Not, Word};
use super::walk::{Row, row};
use super::world::World;

/// What is to be known of the commands.
pub const ROWS: &[Row] = &[
    // Arbeidet med en sak
    row("Arbeidet med en sak", "varde-collector incident", Word("7", incident), "an incident that is open"),
    row("Arbeidet med en sak", "varde-collector incident measure", Word("123", measure), "what incident show says"),
    row(
        "Arbeidet med en sak",
        "varde-collector incident contain",
        Word("2026-11-21T14:05:00+01:00", now),
        "a step is not before the one before it",
    ),
    row(
        "Arbeidet med en sak",
        "varde-collector incident clock",
        Word("2026-11-21T14:05:00+01:00", now),
        "a clock runs from what happened here",
    ),
    row(
        "Arbeidet med en sak",
        "varde-collector incident clock",
        Word("2026-11-22T09:00:00+01:00", now),
        "and nothing is reported before",
    ),
    row("Arbeidet med en sak", "varde-collector campaign close", Word("3", campaign), "a campaign that is open"),
    // Varsel til medlemmene
    row("Varsel til medlemmene", "varde-collector measure list", Word("3", campaign), "the campaign"),
    row("Varsel til medlemmene", "varde-collector advisory new", Word("3", campaign), "the campaign"),
    row("Varsel til medlemmene", "varde-collector incident measure", Word("7", incident), "the incident"),
    row(
        "Varsel til medlemmene",
        "varde-collector advisory resend",
        Ends(1),
        "no mail server is named here, and it says so",
    ),
    // Revisjonsloggen
    row(
        "Revisjonsloggen",
        "varde-collector audit verify --head",
        Word("3f0a…:1", head),
        "what the line above has said",
    ),
    row(
        "Revisjonsloggen",
        "varde-collector audit verify --data",
        First(|world| world.copy("laid-back")),
        "a collector that was laid back over another",
    ),
    row(
        "Revisjonsloggen",
        "varde-collector audit verify --data",
        First(laid_back),
        "a collector that was laid back over another",
    ),
    row(
        "Revisjonsloggen",
        "varde-collector audit verify --data",
        Word("…/before-restore-…", before_restore),
        "what restore has set aside",
    ),
    row("Revisjonsloggen", "varde-collector audit verify --data", And(kept_head), "a head that was kept"),
    // Sikkerhetskopi
    row(
        "Sikkerhetskopi",
        "varde-collector backup /mnt/kopier",
        First(|world| Ok(std::fs::create_dir_all(world.folder().join("copies"))?)),
        "the disk for copies is there",
    ),
    row(
        "Sikkerhetskopi",
        "varde-collector backup",
        Word("/mnt/kopier", |world| world.file("copies")),
        "a folder of this test's own",
    ),
    row(
        "Øvelse: tilbakelegging",
        "varde-collector restore",
        Word("/mnt/kopier/varde-collector-20261129T020000Z", backup),
        "the copy that was made above",
    ),
    row(
        "Øvelse: tilbakelegging",
        "varde-collector restore /mnt/kopier/varde-collector-20261129T020000Z --data",
        Word("/tmp/ovelse", |world| world.file("drill")),
        "a folder of this test's own",
    ),
    row(
        "Øvelse: tilbakelegging",
        "varde-collector member list",
        Word("/tmp/ovelse", |world| world.file("drill")),
        "the same",
    ),
    // The one below is laid back over the collector itself.
    row(
        "Øvelse: tilbakelegging",
        "varde-collector member list",
        First(|world| world.collector.stop()),
        "the guide stops the service next",
    ),
    // After it
    row(
        "Øvelse: tilbakelegging",
        "varde-collector sensor events",
        Word("NUMMER", |world| world.sensor("gjovik")),
        "a sensor",
    ),
    row(
        "Driftssaker",
        "varde-collector silence accept",
        Not,
        "whether there is anything to accept hangs on heartbeats half a minute apart; tests/tests/one_way.rs waits for them",
    ),
    row(
        "Driftssaker",
        "varde-collector silence list",
        First(|world| world.collector.start().map(drop)),
        "the guide has started the service again",
    ),
    row(
        "En sensor som sender",
        "varde-collector sensor events",
        Word("NUMMER", |world| world.sensor("spare")),
        "a sensor",
    ),
    row(
        "En sensor som sender",
        "varde-collector sensor revoke",
        Word("NUMMER", |world| world.sensor("spare")),
        "a sensor whose key was stolen",
    ),
];

/// The first member's incident.
fn incident(world: &World) -> Result<String> {
    world.listed(
        "incident",
        |line| line.get("member").and_then(|member| member.get("number")) == Some(&"0301".into()),
        0,
    )
}

fn campaign(world: &World) -> Result<String> {
    world.listed("campaign", |_| true, 0)
}

/// The measure that was planned on the incident.
fn measure(world: &World) -> Result<String> {
    let id = incident(world)?;
    let shown = world.collector.ask(["incident", "show", &id, "--json"])?.json()?.pop().context("no incident")?;
    let measures = shown.get("measures").and_then(Value::as_array).context("no measures")?;
    let line = measures.first().and_then(|measure| measure.get("id")).context("no measure")?;
    Ok(line.to_string())
}

fn now(_: &World) -> Result<String> {
    Ok(varde_agent::io::clock::now().to_string())
}

/// What is to be kept of the audit.
fn head(world: &World) -> Result<String> {
    in_words(&world.collector.ask(["audit", "verify", "--json"])?.json()?.pop().context("it says nothing")?)
}

fn in_words(told: &Value) -> Result<String> {
    let (head, first) = (told.get("head").and_then(Value::as_str), told.get("first"));
    Ok(format!("{}:{}", head.context("no head")?, first.context("no first")?))
}

fn backup(world: &World) -> Result<String> {
    let all = std::fs::read_dir(world.folder().join("copies"))?;
    let mut all: Vec<_> = all.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    all.sort();
    Ok(all.first().context("no backup")?.to_string_lossy().into_owned())
}

/// Lays the copy back once more, over itself; what its audit ended with is kept.
fn laid_back(world: &mut World) -> Result<()> {
    let told = world.told_in("laid-back", &["audit", "verify"])?;
    std::fs::write(world.folder().join("kept-head"), in_words(&told)?)?;
    let backup = world.file("backup-laid-back")?;
    world.ask_in("laid-back", &["restore", &backup]).map(drop)
}

fn kept_head(world: &World) -> Result<Vec<String>> {
    Ok(vec![std::fs::read_to_string(world.folder().join("kept-head"))?])
}

fn before_restore(world: &World) -> Result<String> {
    for entry in std::fs::read_dir(world.folder().join("laid-back"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("before-restore-") {
            return Ok(entry.path().to_string_lossy().into_owned());
        }
    }
    anyhow::bail!("nothing was set aside")
}
