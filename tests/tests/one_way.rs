//! Promise H1, by the real programs: a mirror port that shows one direction alone is told at the collector as an operational incident
//! with its remedy, and is over by itself once both directions are back; and what a member's settings come to leave out is told by
//! size, until a person has accepted it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_tests::community::{Agent, Collector, fetch};
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, eventually, said};
use varde_tests::traffic::packet::{self, Segment};
use varde_tests::wire::Wire;

const COLLECTOR: &str = "192.0.2.10";
/// Two whiles of a minute each, and a look; a machine that is busy may take longer.
const LONGEST: Duration = Duration::from_secs(500);
/// An address that is to be told to nobody.
const EXCLUDED: &str = "10.77.66.55";

/// Which part of the traffic a mirror shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Both,
    Out,
    In,
}

/// A sensor and what it listens to.
struct Mirror {
    sensor: u64,
    shows: Shows,
    agent: Agent,
    wire: Wire,
}

/// A whole TCP conversation of a machine inside with a server outside, never the same ports twice; of it what the mirror shows.
fn conversation(number: u32, shows: Shows) -> Vec<Vec<u8>> {
    let client = SocketAddr::from(([10, 0, (number >> 14) as u8, 1], 20_000 + (number % 16_384) as u16));
    let server = SocketAddr::from(([192, 0, 2, 9], 4_000));
    let (syn, ack, fin) = (0x02, 0x10, 0x01);
    let said: [(bool, u8, u32, u32, &[u8]); 9] = [
        (true, syn, 100, 0, b""),
        (false, syn | ack, 900, 101, b""),
        (true, ack, 101, 901, b""),
        (true, ack, 101, 901, b"what is it?"),
        (false, ack, 901, 112, b"this it is"),
        (true, ack, 112, 911, b""),
        (false, ack | fin, 911, 112, b""),
        (true, ack | fin, 112, 912, b""),
        (false, ack, 912, 113, b""),
    ];
    let shown = said.into_iter().filter(|(out, ..)| match shows {
        Shows::Both => true,
        Shows::Out => *out,
        Shows::In => !*out,
    });
    shown
        .map(|(out, flags, sequence, acknowledgement, data)| {
            let segment = Segment { sequence, acknowledgement, flags };
            let (from, to) = if out { (client, server) } else { (server, client) };
            let mut octets = vec![0x02; 12];
            octets.extend_from_slice(&[0x08, 0x00]);
            octets.extend_from_slice(&packet::tcp(from, to, segment, data));
            octets
        })
        .collect()
}

struct Scene {
    collector: Collector,
    web: String,
    internet: Namespace,
    mirrors: Vec<Mirror>,
    number: u32,
}

impl Scene {
    fn new(folder: &Path) -> Result<Scene> {
        let (site, switch, internet) = (Namespace::new("site")?, Namespace::new("switch")?, Namespace::new("net")?);
        for end in [&site, &switch] {
            let mut quiet = end.command("sh");
            quiet.args(["-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"]);
            said(&mut quiet)?.ok()?;
        }
        cable(
            End { namespace: &site, interface: "uplink", addresses: &["10.99.0.1/24"] },
            End { namespace: &internet, interface: "net0", addresses: &["10.99.0.2/24"] },
        )?;
        internet.ip(&format!("address add {COLLECTOR}/32 dev lo"))?;
        site.ip("route add default via 10.99.0.2")?;
        let address: SocketAddr = format!("{COLLECTOR}:7843").parse()?;
        let mut collector = Collector::init_at(&folder.join("collector"), address, 7844, Some(internet.clone()))?;
        let web = collector.start()?.web;
        collector.add_member("3407", "Gjøvik")?;
        let mut mirrors = Vec::new();
        for (shows, sensor) in [Shows::Both, Shows::Out, Shows::In].into_iter().zip(1..) {
            let (out, into) = (format!("out{sensor}"), format!("mirror{sensor}"));
            cable(
                End { namespace: &switch, interface: &out, addresses: &[] },
                End { namespace: &site, interface: &into, addresses: &[] },
            )?;
            let wire = switch.within(|| Wire::open(&out))??;
            let mut agent = Agent::new(&folder.join(&into), Some(site.clone()))?;
            agent.enroll(&collector.token("3407")?)?;
            std::fs::write(agent.data().join("agent.toml"), "capture_ring_mib = 2\n")?;
            agent.start(["--interface", &into, "--capture-backend", "ring"])?;
            mirrors.push(Mirror { sensor, shows, agent, wire });
        }
        Ok(Scene { collector, web, internet, mirrors, number: 0 })
    }

    /// Some conversations on every mirror.
    fn traffic(&mut self) -> Result<()> {
        for _ in 0..5 {
            self.number += 1;
            for mirror in &mut self.mirrors {
                mirror.agent.running()?.still_runs()?;
                mirror.wire.send(&conversation(self.number, mirror.shows))?;
            }
        }
        Ok(())
    }

    /// What stands, or stood, of these kinds.
    fn incidents(&self, kind: &str) -> Result<Vec<Value>> {
        let listed = self.collector.ask(["silence", "list", "--json"])?.json()?;
        Ok(listed.into_iter().filter(|row| row["kind"] == kind).collect())
    }
}

#[test]
fn h1_a_mirror_of_one_direction_is_told_with_its_remedy_and_over_by_itself_and_exclusions_that_grew_are_told_by_size()
-> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    eventually("both mirrors of one direction are told of", LONGEST, || {
        scene.traffic()?;
        let told = scene.incidents("one_way")?;
        ensure!(told.iter().all(|row| row["sensor"] != 1), "H1: one that shows both is accused: {told:?}");
        Ok((told.len() == 2).then_some(()))
    })?;
    for (sensor, heard) in [(2, "inside"), (3, "outside")] {
        let told = scene.incidents("one_way")?;
        let row = told.iter().find(|row| row["sensor"] == sensor).context("not told")?;
        ensure!(row["heard"] == heard && row["ended_at"].is_null() && row["alone"] == row["of"], "H1: {row}");
    }
    let page = fetch(Some(&scene.internet), &scene.web, "/medlem/3407?lang=nb")?;
    ensure!(page.matches("Speilporten gir bare den ene retningen").count() == 2, "H1: the page lacks the remedy");

    // The port is set right at one; at the other the member excludes more, and the sensor is started anew.
    for mirror in &mut scene.mirrors {
        mirror.shows = if mirror.sensor == 3 { Shows::In } else { Shows::Both };
    }
    let mirror = scene.mirrors.first_mut().context("no mirror")?;
    let settings = format!("capture_ring_mib = 2\nsinkholes = [\"{EXCLUDED}\"]\n");
    std::fs::write(mirror.agent.data().join("agent.toml"), settings)?;
    mirror.agent.stop()?;
    mirror.agent.start(["--interface", "mirror1", "--capture-backend", "ring"])?;
    eventually("it is over where both directions are back, and what is left out is told", LONGEST, || {
        scene.traffic()?;
        let over = scene.incidents("one_way")?;
        let right = over.iter().any(|row| row["sensor"] == 2 && row["ended_why"] == "over");
        ensure!(
            over.iter().all(|row| row["sensor"] == 2 || row["sensor"] == 3 && row["ended_at"].is_null()),
            "H1: {over:?}"
        );
        Ok((right && !scene.incidents("narrowed")?.is_empty()).then_some(()))
    })?;
    let narrowed = scene.incidents("narrowed")?;
    let sizes = (
        narrowed.len(),
        &narrowed[0]["sensor"],
        &narrowed[0]["before"]["sinkholes"],
        &narrowed[0]["after"]["sinkholes"],
    );
    ensure!(sizes == (1, &1.into(), &0.into(), &1.into()), "T7: {narrowed:?}");
    let all = scene.collector.ask(["silence", "list", "--json"])?.out;
    ensure!(!all.contains(EXCLUDED) && !all.contains("10.77"), "Q1: an address of the settings was told: {all}");
    let file = std::fs::read(folder.path().join("collector/varde.sqlite"))?;
    ensure!(
        !file.windows(EXCLUDED.len()).any(|octets| octets == EXCLUDED.as_bytes()),
        "Q1: an address left the building"
    );
    scene.collector.ask(["silence", "accept", "1"])?.ok()?;
    let accepted = scene.incidents("narrowed")?;
    ensure!(accepted[0]["ended_why"] == "accepted", "T7: {accepted:?}");
    eventually("the page tells that it is over", PATIENCE, || {
        let page = fetch(Some(&scene.internet), &scene.web, "/sensor/1?lang=nb")?;
        Ok(page.contains("utelater mer enn før").then_some(()))
    })?;
    for mirror in &mut scene.mirrors {
        mirror.agent.stop()?;
    }
    scene.collector.stop()
}
