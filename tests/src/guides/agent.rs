//! The municipality's guide, `agent/README.md`: what it leaves to the reader.

use anyhow::{Context, Result};

use super::walk::What::{And, Ends, First, Reads, Runs, Types, Word};
use super::walk::{Row, row};
use super::world::World;

/// What the reader has been given.
pub const FILES: [(&str, &str); 1] = [("liste.txt", "vond.example\n")];

/// What is to be known of the commands.
pub const ROWS: &[Row] = &[
    row("Er noe galt?", "varde-agent doctor", First(csirt), "the CSIRT has a collector, a member and a list by then"),
    row("Er noe galt?", "varde-agent doctor", Ends(2), "this machine is no sensor yet"),
    row(
        "I gang",
        "varde-agent enroll --token-file -",
        Reads(|world| world.collector.token("3407")),
        "the token is pasted",
    ),
    row(
        "I gang",
        "varde-agent status",
        First(|world| world.watch()),
        "the package starts the service once it has enrolled",
    ),
    row(
        "I gang",
        "varde-agent enroll --token-file token.txt",
        First(|world| fresh(world, "without-package", "token.txt")),
        "the other way to begin, on another machine",
    ),
    row("I gang", "varde-agent run", Runs, "a sensor runs for ever"),
    row("Innstillinger", "varde-agent config", First(|world| world.at("agent")), "the first machine again"),
    row(
        "Når UDP er sperret",
        "varde-agent enroll --fallback",
        First(|world| fresh(world, "by-tcp", "token-tcp.txt")),
        "a machine that is not enrolled yet",
    ),
    row(
        "Når UDP er sperret",
        "varde-agent enroll --fallback",
        Word("varde.example.no:8443", |_| Ok("127.0.0.1:443".into())),
        "where the collector here listens over TCP",
    ),
    row(
        "Når UDP er sperret",
        "varde-agent enroll --fallback",
        And(|_| Ok(["--token-file", "token-tcp.txt"].map(str::to_owned).to_vec())),
        "the token, as above",
    ),
    row("Hva `doctor` finner", "varde-agent doctor", First(|world| world.at("agent")), "the first machine again"),
    row(
        "Hva `doctor` finner",
        "varde-agent doctor",
        Ends(1),
        "nothing comes from the mirror port here, and the sensor has just been started",
    ),
    row("Når dere får et varsel", "varde-agent reveal", First(met), "a warning is of a host that met something"),
    row(
        "Når dere får et varsel",
        "varde-agent reveal",
        Word("H-0123456789ABC", pseudonym),
        "the pseudonym that the CSIRT names",
    ),
    row("En liste båret", "varde-agent list import", First(carried), "the CSIRT has exported it"),
    row("En liste båret", "varde-agent list import", Word("FIL", |world| world.file("liste.varde")), "the file"),
    row(
        "Godkjenning",
        "varde-agent enroll",
        First(broken_off),
        "an enrolment that was broken off while it waited, and that the CSIRT has approved of since",
    ),
    row(
        "Koble til på nytt",
        "varde-agent enroll",
        First(moved_away),
        "the guide stops the service and moves the identity away",
    ),
    row("Slutt", "varde-agent wipe", Types("ja"), "it asks"),
    row("Når noe ikke virker", "varde-agent wipe", Types("ja"), "it asks, where anything is left"),
    row("Når noe ikke virker", "varde-agent inspect", First(recorded), "a recording"),
    row("In English", "varde-agent doctor", Ends(2), "the machine is no sensor any more"),
];

fn csirt(world: &mut World) -> Result<()> {
    world.collector.start()?;
    world.collector.add_member("3407", "Gjøvik")?;
    world.collector.publish("vond.example\n")
}

/// Another machine, with a token.
fn fresh(world: &mut World, name: &str, token: &str) -> Result<()> {
    world.at(name)?;
    world.token("3407", token)
}

/// The sensor's own hosts met what is listed; the service runs again afterwards.
fn met(world: &mut World) -> Result<()> {
    world.rest()?;
    world.meets("agent", 1, &["vond.example"], 1)?;
    crate::programs::eventually("the alert is there", crate::programs::PATIENCE, || {
        Ok((!world.collector.list("alert")?.is_empty()).then_some(()))
    })?;
    world.watch()
}

fn pseudonym(world: &World) -> Result<String> {
    let alert = world.collector.list("alert")?.pop().context("no alert")?;
    Ok(alert.get("client").and_then(|client| client.as_str()).context("no client")?.to_owned())
}

/// The CSIRT has published and exported something that the sensor, without contact, has not got.
fn carried(world: &mut World) -> Result<()> {
    world.rest()?;
    world.collector.publish("verre.example\n")?;
    let file = world.file("liste.varde")?;
    world.collector.ask(["list", "export", &file]).map(drop)
}

fn broken_off(world: &mut World) -> Result<()> {
    world.settings("approve_sensors = true\n")?;
    world.waits("waits", "3407")?;
    let number = world.sensor("waits")?;
    world.collector.ask(["sensor", "approve", &number]).map(drop)
}

fn moved_away(world: &mut World) -> Result<()> {
    world.rest()?;
    world.settings("")?;
    world.at("agent")?;
    let identity = world.folder().join("agent/identity");
    std::fs::rename(&identity, identity.with_extension("gammel"))?;
    world.token("3407", "nytt-token.txt")
}

fn recorded(world: &mut World) -> Result<()> {
    std::fs::copy(world.folder().join("agent.pcap"), world.folder().join("opptak.pcap"))?;
    Ok(())
}
