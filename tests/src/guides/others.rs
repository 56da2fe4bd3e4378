//! The shorter guides, `README.md` and those in `packaging/`: what they leave to the reader.

use anyhow::Result;

use super::walk::What::{And, Ends, First, New, Reads, Runs, Word};
use super::walk::{Row, row};
use super::world::World;
use crate::capture::{self, Format};
use crate::traffic::dns::{Question, rtype};
use crate::traffic::{Outcome, Traffic};

/// The first guide, `README.md`.
pub const README: &[Row] = &[
    row(
        "Five minutes for a CSIRT",
        "varde-collector init",
        Word("varde.example.no", |_| Ok("127.0.0.1".into())),
        "the sensor below finds it by this",
    ),
    row(
        "Five minutes for a CSIRT",
        "varde-collector init",
        First(|world| world.begin_anew()),
        "a machine without a collector",
    ),
    row("Five minutes for a CSIRT", "varde-collector run", Runs, "a collector runs for ever"),
    row(
        "Five minutes for a CSIRT",
        "varde-collector member",
        First(|world| world.collector.start().map(drop)),
        "it runs beside the commands below",
    ),
    row(
        "Five minutes for a CSIRT",
        "varde-collector indicator import",
        First(list),
        "the line above it, which is the shell's",
    ),
    row("Five minutes for a municipality", "varde-agent run", Runs, "a sensor runs for ever"),
    row(
        "Five minutes for a municipality",
        "varde-agent status",
        First(|world| world.watch()),
        "the sensor is asked while it runs",
    ),
    row("Try a capture", "varde-agent inspect", First(recorded), "a recording"),
];

/// `packaging/README.md`.
pub const PACKAGING: &[Row] = &[
    row("What is in them", "varde-collector sensor revoke", First(sensor), "a sensor that goes for good"),
    row(
        "What is in them",
        "varde-collector sensor revoke",
        And(|world| Ok(vec![world.sensor("agent")?])),
        "its number",
    ),
    row("A second lock", "varde-agent status", First(|world| world.enrol("other", "3407")), "a sensor that is there"),
];

/// `packaging/container/README.md`.
pub const CONTAINER: &[Row] = &[
    row("In containers", "varde-agent enroll", First(token), "the CSIRT has sent a token"),
    row("In containers", "varde-agent status", First(|world| world.watch()), "the unit is started"),
    row("In containers", "varde-collector init", New("volume"), "a volume of its own"),
];

/// `packaging/vm/README.md`.
pub const MACHINE: &[Row] = &[
    row("As a virtual machine", "varde-agent enroll", First(token), "the CSIRT has sent a token"),
    row("As a virtual machine", "varde-agent enroll", Reads(|world| world.collector.token("3407")), "it is pasted"),
    row(
        "As a virtual machine",
        "varde-agent doctor",
        Ends(2),
        "no interface is named here: the seed of the image would do that",
    ),
    row("The copy of the traffic", "varde-agent doctor", Ends(2), "as above"),
];

fn list(world: &mut World) -> Result<()> {
    Ok(std::fs::write(world.folder().join("list.txt"), "evil.example\n")?)
}

fn recorded(world: &mut World) -> Result<()> {
    let mut traffic = Traffic::starting(varde_agent::io::clock::now());
    let question = Question { id: 1, name: "evil.example", qtype: rtype::A };
    let (client, resolver) = (([10, 1, 1, 1], 40_000).into(), ([10, 1, 0, 53], 53).into());
    traffic.lookup(client, resolver, question, &Outcome::address("evil.example", [198, 51, 100, 9].into()));
    capture::write(&world.folder().join("traffic.pcap"), Format::USUAL, &traffic.packets)
}

fn member(world: &mut World) -> Result<()> {
    world.collector.start()?;
    world.collector.add_member("3407", "Gjøvik")?;
    world.collector.publish("vond.example\n")
}

fn sensor(world: &mut World) -> Result<()> {
    member(world)?;
    world.enrol("agent", "3407")
}

fn token(world: &mut World) -> Result<()> {
    member(world)?;
    world.token("3407", "gjovik.token")
}
