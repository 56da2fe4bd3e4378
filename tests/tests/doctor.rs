//! Promise: `doctor` says what is wrong with a sensor, its mirror and its way to the collector, and who stands in that way; and
//! settings are read anew under traffic without losing a packet, where a bad file changes nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use varde_agent::io::clock;
use varde_common::trust::hex;
use varde_tests::community::{Agent, Collector};
use varde_tests::namespaces::{End, Namespace, allowed, cable};
use varde_tests::programs::{PATIENCE, Running, eventually, said};
use varde_tests::traffic::dns::{Question, rtype};
use varde_tests::traffic::{Outcome, PAGE, Packet, Traffic};
use varde_tests::wire::Wire;

const COLLECTOR: &str = "192.0.2.10";

/// A collector on the internet, a member's network with a mirror port, and the firewall between them.
struct Scene {
    collector: Collector,
    wall: Namespace,
    switch: Namespace,
    agent: Agent,
}

/// What `doctor` said: how it left, and what it found that is not well.
struct Seen {
    code: i32,
    found: Vec<(String, String)>,
    all: Value,
}

impl Seen {
    fn severity(&self, key: &str) -> Option<&str> {
        self.found.iter().find(|(found, _)| found == key).map(|(_, severity)| severity.as_str())
    }

    fn cause(&self, key: &str) -> String {
        let findings = self.all["findings"].as_array().into_iter().flatten();
        findings.filter(|finding| finding["key"] == key).map(|finding| finding["cause"].to_string()).collect()
    }
}

impl Scene {
    fn new(folder: &Path) -> Result<Scene> {
        let (site, wall, internet) = (Namespace::new("site")?, Namespace::new("wall")?, Namespace::new("net")?);
        let switch = Namespace::new("switch")?;
        for end in [&site, &switch] {
            let mut quiet = end.command("sh");
            quiet.args(["-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"]);
            said(&mut quiet)?.ok()?;
        }
        let end = |namespace, interface, addresses| End { namespace, interface, addresses };
        cable(end(&site, "site0", &["10.9.0.2/24"]), end(&wall, "wall0", &["10.9.0.1/24"]))?;
        cable(end(&wall, "wall1", &["10.99.0.1/24"]), end(&internet, "net0", &["10.99.0.2/24"]))?;
        cable(end(&switch, "out", &[]), end(&site, "mirror", &[]))?;
        wall.forward()?;
        internet.ip(&format!("address add {COLLECTOR}/32 dev lo"))?;
        internet.ip("route add 10.9.0.0/24 via 10.99.0.1")?;
        site.ip("route add default via 10.9.0.1")?;
        wall.ip("route add default via 10.99.0.2")?;
        let address: SocketAddr = format!("{COLLECTOR}:7843").parse()?;
        let mut collector = Collector::init_at(&folder.join("collector"), address, 7844, Some(internet))?;
        collector.start()?;
        collector.add_member("3407", "Gjøvik")?;
        collector.publish("vond.example\n")?;
        let agent = Agent::new(&folder.join("agent"), Some(site))?;
        std::fs::set_permissions(agent.data(), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(Scene { collector, wall, switch, agent })
    }

    fn settings(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.agent.data().join("agent.toml"), text)?)
    }

    fn doctor(&self, more: &[&str]) -> Result<Seen> {
        let said = self.agent.try_ask([&["doctor", "--json", "--lang", "en"], more].concat())?;
        let all = said.json()?.pop().with_context(|| format!("doctor said nothing: {}", said.err))?;
        let findings = all["findings"].as_array().context("no findings")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let found = findings.iter().map(|finding| (text(&finding["key"]), text(&finding["severity"])));
        let found = found.filter(|(_, severity)| severity != "ok").collect();
        Ok(Seen { code: said.code.context("doctor was ended by a signal")?, found, all })
    }

    /// On the mirror, as a switch would put them there; of one direction alone where that is asked for.
    fn mirror(&self, wire: &Wire, packets: &[Packet], outbound_alone: bool) -> Result<usize> {
        let shown = packets.iter().filter(|packet| !outbound_alone || packet.ip.get(12) == Some(&10));
        let frames: Vec<Vec<u8>> = shown
            .map(|packet| {
                let mut octets = vec![0x02; 12];
                octets.extend_from_slice(&[0x08, 0x00]);
                octets.extend_from_slice(&packet.ip);
                octets
            })
            .collect();
        wire.send(&frames)?;
        Ok(frames.len())
    }
}

/// Nothing that is anybody's stands in what is given to a helper, in any form.
fn bundle_names_nobody(agent: &Agent) -> Result<()> {
    let told = agent.try_ask(["support-bundle", "--preview", "--offline"])?.ok()?.out;
    let json: Value = serde_json::from_str(&told)?;
    assert!(json["status"]["health"]["packets"].as_u64() > Some(0), "it tells how the sensor is: {told}");
    let findings = json["doctor"]["findings"].as_array().context("no findings")?;
    assert!(findings.iter().any(|finding| finding["key"] == "traffic-one-direction"), "{told}");
    let data = agent.data().to_string_lossy().into_owned();
    let mut planted: Vec<String> =
        ["Gjøvik", COLLECTOR, "10.1.", "10.9.", "9.9.9.9", "198.51.100", "snill", "vond", "mirror", &data]
            .map(str::to_owned)
            .to_vec();
    for secret in ["site.key", "identity/key.pem", "identity/certificate.der"] {
        let octets = std::fs::read(agent.data().join(secret))?;
        let first = octets.get(..16).context("a secret of some length")?;
        planted.extend([hex(first), hex(first).to_uppercase(), String::from_utf8_lossy(first).into_owned()]);
        planted.extend(String::from_utf8_lossy(&octets).lines().filter(|line| line.len() > 20).map(str::to_owned));
    }
    for text in planted {
        let (small, large) = (text.to_lowercase(), text.to_uppercase());
        let forms = [hex(text.as_bytes()), small, large, text];
        assert!(!forms.iter().any(|form| told.contains(form.as_str())), "{}: {told}", forms[3]);
    }
    Ok(())
}

fn host(number: u16) -> SocketAddr {
    let [high, low] = number.to_be_bytes();
    SocketAddr::from(([10, 1, high, low], 40_000))
}

#[test]
fn doctor_says_what_is_lacking_before_a_sensor_runs_and_who_stands_in_the_way() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let scene = Scene::new(folder.path())?;
    let seen = scene.doctor(&[])?;
    assert_eq!((seen.code, seen.severity("not-enrolled")), (2, Some("fail")), "{:?}", seen.found);
    assert_eq!((seen.severity("interface-none"), seen.severity("not-running")), (Some("fail"), Some("warn")));
    scene.agent.enroll(&scene.collector.token("3407")?)?;

    scene.settings("interfaces = [\"mirror\"]\n")?;
    let seen = scene.doctor(&[])?;
    // The list comes with the first session.
    let found: Vec<&str> = seen.found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(found, ["not-running", "list-none"], "all else is well");
    for key in ["quic-ok", "tcp-ok", "interface-ok", "enrolled-ok", "data-ok"] {
        assert!(!seen.cause(key).is_empty(), "{key}: {}", seen.all);
    }

    // The cable, the name, the right of others to look.
    scene.switch.ip("link set out down")?;
    assert_eq!(scene.doctor(&["--offline"])?.severity("interface-no-carrier"), Some("fail"));
    scene.switch.ip("link set out up")?;
    scene.settings("interfaces = [\"miror\"]\n")?;
    std::fs::set_permissions(scene.agent.data(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let seen = scene.doctor(&["--offline"])?;
    assert!(seen.cause("interface-missing").contains("mirror"), "it names those there are: {:?}", seen.found);
    assert_eq!(seen.severity("data-open"), Some("warn"));
    std::fs::set_permissions(scene.agent.data(), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;

    // A port that nobody listens on refuses; QUIC carries meanwhile.
    scene.settings(&format!("interfaces = [\"mirror\"]\nfallback = \"{COLLECTOR}:9\"\n"))?;
    let seen = scene.doctor(&[])?;
    assert_eq!((seen.severity("tcp-refused"), seen.severity("udp-blocked")), (Some("warn"), None), "{:?}", seen.found);

    // A firewall that takes the collector's address for itself, opens TLS with a CA of its own and drops UDP.
    scene.settings("interfaces = [\"mirror\"]\n")?;
    scene.wall.ip(&format!("address add {COLLECTOR}/32 dev lo"))?;
    let (key, certificate) = (folder.path().join("wall.key"), folder.path().join("wall.pem"));
    let mut make = std::process::Command::new("openssl");
    make.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    make.args(["-subj", "/O=Kommunens brannmur/CN=Inspeksjon"]);
    said(make.arg("-keyout").arg(&key).arg("-out").arg(&certificate))?.ok()?;
    let mut listen = scene.wall.command("openssl");
    listen.args(["s_server", "-accept", "443", "-quiet", "-alpn", "varde-tcp/1"]);
    listen.arg("-key").arg(&key).arg("-cert").arg(&certificate).stdin(Stdio::null());
    let mut inspecting = Running::start(listen, &folder.path().join("wall.log"))?;
    eventually("the firewall listens", PATIENCE, || {
        inspecting.still_runs()?;
        let listed = said(scene.wall.command("ss").args(["-ltn"]))?.out;
        Ok(listed.contains(":443 ").then_some(()))
    })?;
    let seen = scene.doctor(&[])?;
    assert_eq!(seen.code, 2);
    assert_eq!(
        (seen.severity("udp-blocked"), seen.severity("tls-opened")),
        (Some("fail"), Some("fail")),
        "{:?}",
        seen.found
    );
    assert!(seen.cause("tls-opened").contains("O=Kommunens brannmur, CN=Inspeksjon"), "{}", seen.all);
    let words = scene.agent.try_ask(["doctor", "--offline", "--lang", "nn"])?.out;
    assert!(words.contains("Gjer dette:") && words.contains("[not-running]"), "{words}");
    inspecting.kill()
}

#[test]
fn d1_settings_are_read_anew_under_traffic_without_loss_and_doctor_sees_what_the_mirror_lacks() -> Result<()> {
    if !allowed() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    scene.agent.enroll(&scene.collector.token("3407")?)?;
    let first = "interfaces = [\"mirror\"]\nresolvers = [\"10.1.0.53\"]\ncapture_ring_mib = 16\n";
    scene.settings(first)?;
    let wire = scene.switch.within(|| Wire::open("out"))??;
    scene.agent.start(Vec::<&str>::new())?;
    eventually("it watches with a list", PATIENCE, || {
        scene.agent.running()?.still_runs()?;
        let status = scene.agent.try_ask(["status", "--json"])?.json()?.pop().unwrap_or_default();
        Ok((status["connected"] == true && status["revision"] == 1 && !status["health"].is_null()).then_some(()))
    })?;

    // A mirror of one direction, a resolver alone that asks, and encrypted DNS: each seen, and nothing of it lost while settings are
    // read anew between and within.
    let conf = scene.agent.data().join("conf.d");
    std::fs::create_dir(&conf)?;
    let (mut sent, mut number) = (0, 0);
    for round in 0..30_u16 {
        let mut traffic = Traffic::starting(clock::now());
        let mut lookups = Traffic::starting(clock::now());
        for _ in 0..10 {
            number += 1;
            traffic.connect(host(number), SocketAddr::from(([198, 51, 100, 7], 443)), PAGE);
            traffic.connect(host(number), SocketAddr::from(([9, 9, 9, 9], 443)), PAGE);
            let question = Question { id: number, name: "snill.example", qtype: rtype::A };
            let answer = Outcome::address("snill.example", [198, 51, 100, 7].into());
            let resolver = SocketAddr::from(([10, 1, 0, 53], 30_000 + number));
            lookups.lookup(resolver, SocketAddr::from(([198, 51, 100, 53], 53)), question, &answer);
        }
        let settings =
            if round % 5 == 3 { "frequent_hosts = many\n".to_owned() } else { format!("frequent_hosts = {round}\n") };
        std::fs::write(conf.join("50-often.toml"), settings)?;
        let (before, after) = traffic.packets.split_at(traffic.packets.len() / 2);
        sent += scene.mirror(&wire, before, true)?;
        scene.agent.running()?.signal("HUP")?;
        sent += scene.mirror(&wire, after, true)?;
        sent += scene.mirror(&wire, &lookups.packets, false)?;
    }
    std::fs::write(
        conf.join("50-often.toml"),
        "frequent_hosts = 77\nspool_max_mib = 8\nmetrics = \"127.0.0.1:9843\"\n",
    )?;
    let log = scene.agent.log();
    scene.agent.running()?.signal("HUP")?;
    let mut status = Value::Null;
    eventually("all is read, once", PATIENCE, || {
        scene.agent.running()?.still_runs()?;
        status = scene.agent.status()?;
        let seen = status["health"]["packets"].as_u64().unwrap_or(0);
        ensure!(seen <= sent as u64, "{seen} of {sent} packets");
        Ok((seen == sent as u64 && status["settings"]["at_restart"][0] == "metrics").then_some(()))
    })
    .with_context(|| format!("of {sent}: {status}"))?;
    assert_eq!(status["sources"][0]["dropped"], 0, "{status}");
    assert!(status["settings"]["refused"].is_null(), "{status}");
    assert!(log.contains("settings were read anew") && log.contains("are not taken"), "{log}");

    // What was seen lately is noted once a second.
    let lacking = [
        ("settings-restart", "warn"),
        ("traffic-one-direction", "fail"),
        ("dns-resolver-only", "warn"),
        ("dns-encrypted", "warn"),
    ];
    eventually("doctor sees what the mirror lacks", PATIENCE, || {
        let seen = scene.doctor(&["--offline"])?;
        Ok(lacking.iter().all(|(key, severity)| seen.severity(key) == Some(severity)).then_some(()))
    })?;
    let seen = scene.doctor(&[])?;
    assert_eq!(seen.found.len(), 4, "{:?}", seen.found);
    for key in ["running-ok", "clock-ok", "list-ok", "spool-ok", "quic-ok", "interface-ok"] {
        assert!(!seen.cause(key).is_empty(), "{key}: {}", seen.all);
    }

    // An older kernel confines in part, and says so.
    assert!(!(seen.cause("sandbox-ok") + &seen.cause("sandbox-paths-in-part")).is_empty(), "{}", seen.all);
    bundle_names_nobody(&scene.agent)?;

    // A bad file: what was in force stays so, and everybody says it.
    std::fs::write(conf.join("60-bad.toml"), "\nfrequent_host = 1\n")?;
    scene.agent.running()?.signal("HUP")?;
    eventually("the bad file is told", PATIENCE, || {
        let seen = scene.doctor(&["--offline"])?;
        ensure!(seen.severity("settings-bad") == Some("fail"), "{:?}", seen.found);
        let told = seen.cause("settings-not-taken");
        Ok((told.contains("60-bad.toml, line 2") && told.contains("frequent_hosts")).then_some(()))
    })?;
    let words = scene.agent.try_ask(["status"])?.ok()?.out;
    assert!(words.contains("settings   NOT TAKEN") && words.contains("60-bad.toml, line 2"), "{words}");
    let check = scene.agent.try_ask(["config", "check"])?;
    assert_eq!(check.code, Some(1));
    assert!(check.err.contains("60-bad.toml, line 2") && check.err.contains("frequent_hosts"), "{}", check.err);
    let watched = scene.agent.try_ask(["status", "--check"])?;
    assert_eq!(watched.code, Some(1), "{}", watched.out);
    assert!(watched.out.starts_with("VARDE WARNING - settings read anew cannot be used | "), "{}", watched.out);

    std::fs::remove_file(conf.join("60-bad.toml"))?;
    std::fs::write(conf.join("50-often.toml"), "frequent_hosts = 77\n")?;
    let shown = scene.agent.try_ask(["config", "show", "--effective"])?.ok()?.out;
    let line = shown.lines().find(|line| line.starts_with("frequent_hosts")).context("not shown")?;
    assert!(line.starts_with("frequent_hosts = 77  # ") && line.ends_with("50-often.toml, line 1"), "{line}");
    scene.agent.running()?.signal("HUP")?;
    eventually("all is well with the settings again", PATIENCE, || {
        let watched = scene.agent.try_ask(["status", "--check"])?;
        Ok((watched.code == Some(0) && watched.out.starts_with("VARDE OK - connected, list 1 ")).then_some(()))
    })?;
    scene.agent.stop()
}

#[test]
fn doctor_as_root_looks_as_the_owner_and_leaves_nothing_of_roots() -> Result<()> {
    let who = said(std::process::Command::new("id").arg("-u"))?.ok()?.out;
    if who.trim() != "0" {
        eprintln!("SKIPPED: only root can go on as somebody else");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mode = |path: &Path, bits| std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(bits));
    mode(folder.path(), 0o755)?;
    let mut collector = Collector::init(&folder.path().join("collector"))?;
    collector.start()?;
    collector.add_member("3407", "Gjøvik")?;
    let agent = Agent::new(&folder.path().join("agent"), None)?;
    agent.enroll(&collector.token("3407")?)?;
    mode(agent.data(), 0o700)?;
    said(std::process::Command::new("chown").args(["-R", "65534:65534"]).arg(agent.data()))?.ok()?;
    let found = agent.try_ask(["doctor", "--json"])?.json()?.pop().context("doctor said nothing")?;
    let keys: Vec<&str> =
        found["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["key"].as_str()).collect();
    assert!(keys.contains(&"quic-ok") && keys.contains(&"enrolled-ok"), "{keys:?}");
    assert!(!keys.contains(&"data-unreadable") && !keys.contains(&"capture-forbidden"), "{keys:?}");
    let others = said(std::process::Command::new("find").arg(agent.data()).args(["!", "-user", "65534"]))?.ok()?.out;
    assert!(others.is_empty(), "not the owner's: {others}");
    collector.stop()
}
