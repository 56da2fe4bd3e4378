//! The list out again, by real programs: curl with tokens, a real resolver that loads our policy zone, PyMISP reading our feed, the
//! validators of STIX; and that what is marked strictly is in nothing that others may read (I8, P4, N1).

use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use varde_tests::community::Collector;
use varde_tests::programs::{PATIENCE, Running, eventually, said};
use varde_tests::python;

/// A collector with readers.
struct Scene {
    collector: Collector,
    base: String,
    ca: PathBuf,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    body: String,
    headers: String,
}

impl Scene {
    fn new(folder: &Path) -> Result<Scene> {
        let mut collector = Collector::init(&folder.join("collector"))?;
        let base = format!("https://{}", collector.start()?.tcp);
        let ca = collector.data().join("keys/ca.crt");
        Ok(Scene { collector, base, ca })
    }

    /// Each line with its own marking, and all published.
    fn publish(&self, marked: &[(&str, &[&str])]) -> Result<()> {
        let file = self.collector.data().join("list.txt");
        for (line, options) in marked {
            std::fs::write(&file, format!("{line}\n"))?;
            let file = file.to_string_lossy().into_owned();
            let command = ["indicator", "import", &file, "--source", "hand"].into_iter().chain(options.iter().copied());
            self.collector.ask(command)?;
        }
        self.collector.ask(["publish"]).map(drop)
    }

    fn reader(&self, name: &str, options: &[&str]) -> Result<String> {
        let said = self.collector.ask(["reader", "add", name].into_iter().chain(options.iter().copied()))?;
        Ok(said.out.trim().to_owned())
    }

    fn curl(&self, path: &str, options: &[&str]) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--path-as-is", "--max-time", "60", "--cacert"]).arg(&self.ca);
        command.args(options).arg(format!("{}{path}", self.base));
        command
    }

    /// None where the connection ended without an answer.
    fn get(&self, path: &str, options: &[&str]) -> Result<Option<Reply>> {
        let mut command = self.curl(path, options);
        command.args(["--include", "--write-out", "\n%{http_code}"]);
        let said = said(&mut command)?;
        if said.code != Some(0) {
            return Ok(None);
        }
        let (rest, status) = said.out.rsplit_once('\n').context("no status")?;
        let (headers, body) = rest.split_once("\r\n\r\n").context("no head")?;
        Ok(Some(Reply { status: status.parse()?, body: body.to_owned(), headers: headers.to_lowercase() }))
    }

    fn with(&self, token: &str, path: &str) -> Result<Reply> {
        let bearer = format!("Authorization: Bearer {token}");
        self.get(path, &["--header", &bearer])?.with_context(|| format!("no answer to {path}"))
    }

    /// Everything that a reader is served, MISP's events too.
    fn everything(&self, token: &str) -> Result<String> {
        let mut all = String::new();
        for name in ["plain.txt", "domains.txt", "ips.txt", "rpz.zone", "misp/manifest.json", "misp/hashes.csv"] {
            let reply = self.with(token, &format!("/feed/{name}"))?;
            ensure!(reply.status == 200, "{name}: {reply:?}");
            if name.ends_with("manifest.json") {
                let events: serde_json::Value = serde_json::from_str(&reply.body)?;
                for uuid in events.as_object().context("no object")?.keys() {
                    all.push_str(&self.with(token, &format!("/feed/misp/{uuid}.json"))?.body);
                }
            }
            all.push_str(&reply.body);
        }
        Ok(all)
    }
}

/// The marks: a name and an address of each marking, none of which is part of another.
const MARKED: [(&str, &[&str]); 7] = [
    ("zeroclear.example", &["--tlp", "clear"]),
    ("onegreen.example", &["--tlp", "green", "--threat", "Lokkefugl"]),
    ("twoamber.example", &["--tlp", "amber"]),
    ("threestrict.example", &["--tlp", "amber+strict", "--threat", "Strengnavn"]),
    ("fourred.example", &["--tlp", "red", "--threat", "Rodnavn"]),
    ("papamber.example", &["--tlp", "green", "--pap", "amber"]),
    ("papstop.example", &["--tlp", "clear", "--pap", "red"]),
];

#[test]
fn i8_p4_readers_get_what_they_may_by_token_alone_and_once_removed_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    scene.publish(&MARKED)?;
    ensure!(scene.get("/feed/plain.txt", &[])?.is_none(), "without a reader nobody is answered");

    scene.collector.add_member("3407", "Gjøvik")?;
    let green = scene.reader("brannmur", &["--tlp", "green"])?;
    let amber = scene.reader("kommune", &["--tlp", "amber", "--member", "3407", "--path-token"])?;
    let own = scene.reader("eget", &["--tlp", "amber+strict", "--own"])?;
    for refused in
        [&["--tlp", "amber+strict"][..], &["--tlp", "amber+strict", "--member", "3407"], &["--tlp", "red", "--own"]]
    {
        let line = ["reader", "add", "x"].into_iter().chain(refused.iter().copied());
        ensure!(scene.collector.try_ask(line)?.code != Some(0), "{refused:?}");
    }

    // By either header, or in the path where that was said.
    let basic = format!("varde:{green}");
    let lists = [
        scene.with(&green, "/feed/domains.txt")?,
        scene.get("/feed/domains.txt", &["--user", &basic])?.context("basic")?,
    ];
    for list in &lists {
        assert_eq!((list.status, list.body.as_str()), (200, "zeroclear.example\nonegreen.example\n"));
    }
    let in_path = |token: &str| scene.get(&format!("/feed/t/{token}/domains.txt"), &[]);
    assert_eq!(in_path(&amber)?.context("path")?.body.lines().count(), 3);
    assert_eq!(in_path(&green)?.context("path")?.status, 401, "only where that was said");

    // What one has is not sent again; packed it is the same.
    let etag = lists[0].headers.lines().find_map(|line| line.strip_prefix("etag: ")).context("no tag")?.to_owned();
    let bearer = format!("Authorization: Bearer {green}");
    let again = format!("If-None-Match: {etag}");
    let again = scene.get("/feed/domains.txt", &["--header", &bearer, "--header", &again])?.context("304")?;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let packed = scene.get("/feed/domains.txt", &["--header", &bearer, "--compressed"])?.context("gzip")?;
    ensure!(packed.headers.contains("content-encoding: gzip") && packed.body == lists[0].body, "{packed:?}");
    let head = scene.get("/feed/domains.txt", &["--header", &bearer, "--head"])?.context("head")?;
    let length = format!("content-length: {}", lists[0].body.len());
    ensure!(head.status == 200 && head.headers.contains(&length), "{head:?}");
    let post = scene.get("/feed/domains.txt", &["--header", &bearer, "--request", "POST"])?.context("post")?;
    assert_eq!(post.status, 405);

    // No way out of the feeds.
    for path in [
        "/feed/../keys/ca.key",
        "/feed/misp/../../varde.sqlite",
        "/feed/%2e%2e/varde.sqlite",
        "/feed//etc/passwd",
        "/feed/misp/..%2f..%2fvarde.sqlite",
        "/feed/",
        "/feed/misp/",
        "/feed/misp/00000000-0000-0000-0000-000000000000.json",
        "/",
        "/api/picture",
        "/health",
    ] {
        let reply = scene.get(path, &["--header", &bearer])?.with_context(|| format!("no answer to {path}"))?;
        ensure!(reply.status == 404, "{path}: {reply:?}");
    }

    // Of each marking what it may, in whatever words, and of the strictest nothing anywhere.
    let (greens, ambers, owns) = (scene.everything(&green)?, scene.everything(&amber)?, scene.everything(&own)?);
    for (mark, in_green, in_amber, in_own) in [
        ("zeroclear", true, true, true),
        ("onegreen", true, true, true),
        ("twoamber", false, true, true),
        ("threestrict", false, false, true),
        ("Strengnavn", false, false, true),
        ("fourred", false, false, false),
        ("Rodnavn", false, false, false),
        ("papstop", false, false, false),
    ] {
        let found = [&greens, &ambers, &owns].map(|all| all.contains(mark));
        assert_eq!(found, [in_green, in_amber, in_own], "{mark}");
    }
    ensure!(greens.contains("papamber"), "it may be looked up");
    ensure!(!scene.with(&green, "/feed/plain.txt")?.body.contains("papamber"), "and not blocked");
    ensure!(!scene.with(&green, "/feed/rpz.zone")?.body.contains("papamber"), "and not blocked");
    for format in ["stix", "misp", "plain", "rpz"] {
        let strict = scene.collector.ask(["indicator", "export", "--format", format, "--tlp-max", "amber+strict"])?.out;
        ensure!(
            strict.contains("threestrict") && !strict.contains("fourred") && !strict.contains("papstop"),
            "{format}"
        );
        let usual = scene.collector.ask(["indicator", "export", "--format", format])?.out;
        ensure!(
            usual.contains("onegreen") && !usual.contains("twoamber") && !usual.contains("threestrict"),
            "{format}"
        );
    }
    let refused = scene.collector.try_ask(["indicator", "export", "--format", "stix", "--tlp-max", "red"])?;
    ensure!(refused.code == Some(2), "{refused:?}");
    let log = std::fs::read_to_string(scene.collector.data().join("collector.log"))?;
    let page = varde_tests::community::fetch(None, &scene.collector.addresses()?.web, "/")?;
    let audit = scene.collector.ask(["audit", "list", "--json"])?.out;
    let listed = scene.collector.ask(["reader", "list", "--json"])?.out;
    for (what, text) in [("log", &log), ("page", &page), ("audit", &audit), ("readers", &listed)] {
        for mark in ["threestrict", "fourred", "papstop", &green[5..], &own[5..]] {
            ensure!(!text.contains(mark), "{mark} is in the {what}");
        }
    }

    // A source that says more strictly what it said before: gone from the feeds, without a new list.
    let file = scene.collector.data().join("list.txt");
    std::fs::write(&file, "onegreen.example\n")?;
    let file = file.to_string_lossy().into_owned();
    scene.collector.ask(["indicator", "import", &file, "--source", "hand", "--tlp", "red"])?;
    eventually("what is red now is served no more", PATIENCE, || {
        Ok((!scene.everything(&own)?.contains("onegreen")).then_some(()))
    })?;

    // Removed: at once. Its time over: the same.
    scene.collector.ask(["reader", "remove", "1"])?;
    assert_eq!(scene.with(&green, "/feed/plain.txt")?.status, 401);
    scene.collector.tamper("UPDATE reader SET until = 1 WHERE id = 2")?;
    assert_eq!(scene.with(&amber, "/feed/plain.txt")?.status, 401);
    assert_eq!(scene.with(&own, "/feed/plain.txt")?.status, 200);
    scene.collector.stop()
}

#[test]
fn n1_wrong_tokens_are_told_a_few_times_and_slow_readers_take_a_share() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    let many: String = (0..150_000).map(|n| format!("et-ganske-langt-navn-{n}.example\n")).collect();
    let file = folder.path().join("many.txt");
    std::fs::write(&file, many)?;
    scene.collector.ask(["indicator", "import", &file.to_string_lossy(), "--tlp", "green"])?;
    scene.collector.ask(["publish"])?;
    let token = scene.reader("treg", &["--tlp", "green"])?;
    let whole = scene.with(&token, "/feed/domains.txt")?;
    assert_eq!((whole.status, whole.body.lines().count()), (200, 150_000));

    let wrong = format!("{}x", &token[..token.len() - 1]);
    let mut told = 0;
    for number in 0..30 {
        let (path, token) = match number % 3 {
            0 => ("/feed/plain.txt", wrong.as_str()),
            1 => ("/feed/t/vf-1-x/plain.txt", ""),
            _ => ("/feed/rpz.zone", "vf-99-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        };
        let bearer = format!("Authorization: Bearer {token}");
        if let Some(reply) = scene.get(path, &["--header", &bearer])? {
            ensure!(reply.status == 401 && reply.headers.contains("www-authenticate"), "{reply:?}");
            ensure!(!reply.body.contains("example"), "{reply:?}");
            told += 1;
        }
    }
    ensure!((1..=20).contains(&told), "{told} of 30 were told; the rest is closed upon");
    assert_eq!(scene.with(&token, "/feed/ips.txt")?.status, 200, "who is right is never counted");

    // Forty that read a line a second: a share of the places is theirs, and the next reader finds one.
    let bearer = format!("Authorization: Bearer {token}");
    let mut slow: Vec<(Child, PathBuf)> = Vec::new();
    for number in 0..40 {
        let head = folder.path().join(format!("head-{number}"));
        let mut command = scene.curl("/feed/domains.txt", &["--header", &bearer, "--limit-rate", "50"]);
        let command = command.arg("--dump-header").arg(&head).stdout(Stdio::null()).stderr(Stdio::null());
        slow.push((command.spawn()?, head));
    }
    let begun = |path: &Path| std::fs::read_to_string(path).is_ok_and(|head| head.contains(" 200 "));
    let counts = eventually("each slow reader is served or turned away", PATIENCE, || {
        let (mut served, mut ended) = (0, 0);
        for (child, head) in &mut slow {
            let is_served = begun(head);
            served += usize::from(is_served);
            ended += usize::from(!is_served && child.try_wait()?.is_some());
        }
        Ok((served + ended == 40).then_some((served, ended)))
    })?;
    ensure!(counts.0 >= 1 && counts.0 <= 16 && counts.1 >= 24, "served and turned away: {counts:?}");
    for (mut child, _) in slow {
        let _ = child.kill();
        let _ = child.wait();
    }
    eventually("then there is room again", PATIENCE, || {
        let reply = scene.get("/feed/ips.txt", &["--header", &bearer])?;
        Ok(reply.filter(|reply| reply.status == 200).map(drop))
    })?;
    scene.collector.stop()
}

fn free_port() -> Result<u16> {
    Ok(UdpSocket::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A resolver on loopback, in the foreground.
fn unbound(folder: &Path, name: &str, port: u16, settings: &str) -> Result<Running> {
    let config = folder.join(format!("{name}.conf"));
    let text = format!(
        "server:\n interface: 127.0.0.1\n port: {port}\n do-ip6: no\n do-daemonize: no\n use-syslog: no\n username: \"\"\n chroot: \"\"\n directory: \"{}\"\n pidfile: \"\"\n module-config: \"respip iterator\"\n do-not-query-localhost: no\n verbosity: 2\n{settings}\nremote-control:\n control-enable: no\n",
        folder.display()
    );
    std::fs::write(&config, text)?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("unbound");
    command.env("PATH", format!("{path}:/usr/sbin:/sbin")).arg("-d").arg("-c").arg(&config);
    Running::start(command, &folder.join(format!("{name}.log")))
}

/// Status and addresses of an answer.
fn dig(port: u16, name: &str) -> Result<(String, Vec<IpAddr>)> {
    let mut command = Command::new("dig");
    command.args(["@127.0.0.1", "-p", &port.to_string(), "+time=2", "+tries=1", name, "A"]);
    let said = said(&mut command)?;
    let status = said.out.split("status: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("none").to_owned();
    let lines = said.out.lines().filter(|line| !line.starts_with(';'));
    Ok((status, lines.filter_map(|line| line.split_whitespace().last()?.parse().ok()).collect()))
}

#[test]
fn a_real_resolver_loads_our_zone_by_file_and_over_https_and_refuses_those_names_and_no_others() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    scene.publish(&[
        ("vond.example", &["--tlp", "green"]),
        ("=www.lure.example", &["--tlp", "green"]),
        ("203.0.113.66", &["--tlp", "green"]),
        ("2001:db8::66", &["--tlp", "green"]),
        ("198.51.100.0/25", &["--tlp", "green"]),
        ("32.1.0.0.127.rpz-client-ip", &["--tlp", "green"]),
        ("port.example:8443", &["--tlp", "green"]),
    ])?;
    let upstream_port = free_port()?;
    let data: String = [
        ("vond.example", "192.0.2.1"),
        ("a.vond.example", "192.0.2.1"),
        ("www.lure.example", "192.0.2.1"),
        ("a.www.lure.example", "192.0.2.80"),
        ("lure.example", "192.0.2.80"),
        ("god.example", "192.0.2.80"),
        ("port.example", "192.0.2.80"),
        ("peker.example", "203.0.113.66"),
        ("nett.example", "198.51.100.100"),
        ("utenfor.example", "198.51.100.200"),
    ]
    .map(|(name, address)| format!(" local-zone: \"{name}.\" redirect\n local-data: \"{name}. 60 IN A {address}\"\n"))
    .concat();
    let mut upstream = unbound(folder.path(), "upstream", upstream_port, &data)?;

    let zone = folder.path().join("rpz.zone");
    let out = zone.to_string_lossy().into_owned();
    scene.collector.ask(["indicator", "export", "--format", "rpz", "--out", &out])?;
    let token = scene.reader("navnetjener", &["--tlp", "green", "--path-token"])?;
    let url = format!("{}/feed/t/{token}/rpz.zone", scene.base);
    let by_file = format!("rpz:\n name: \"rpz.varde\"\n zonefile: \"{out}\"\n");
    let by_https = format!("rpz:\n name: \"rpz.varde\"\n zonefile: \"{out}.fetched\"\n url: \"{url}\"\n");
    for (name, rpz) in [("file", by_file), ("https", by_https)] {
        let port = free_port()?;
        let settings = format!(
            " tls-cert-bundle: \"{}\"\n{rpz}forward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@{upstream_port}\n",
            scene.ca.display()
        );
        let mut resolver = unbound(folder.path(), name, port, &settings)?;
        eventually("the resolver has the zone", PATIENCE, || {
            resolver.still_runs()?;
            upstream.still_runs()?;
            Ok((dig(port, "vond.example")?.0 == "NXDOMAIN").then_some(()))
        })
        .with_context(|| std::fs::read_to_string(folder.path().join(format!("{name}.log"))).unwrap_or_default())?;
        for listed in
            ["vond.example", "a.vond.example", "b.a.vond.example", "www.lure.example", "peker.example", "nett.example"]
        {
            assert_eq!(dig(port, listed)?.0, "NXDOMAIN", "{name}: {listed}");
        }
        for other in ["god.example", "lure.example", "a.www.lure.example", "port.example", "utenfor.example"] {
            let (status, addresses) = dig(port, other)?;
            ensure!(status == "NOERROR" && addresses.len() == 1, "{name}: {other}: {status} {addresses:?}");
        }
        resolver.stop()?;
    }
    upstream.stop()?;
    scene.collector.stop()
}

#[test]
fn f2_pymisp_reads_our_feed_as_misp_does_from_the_manifest_to_each_attribute_and_what_is_gone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    scene.publish(&[
        ("vond.example", &["--tlp", "green", "--threat", "Lokkefugl"]),
        ("=www.lure.example", &["--tlp", "amber", "--threat", "Lokkefugl", "--pap", "amber"]),
        ("203.0.113.66:443", &["--tlp", "green"]),
        ("198.51.100.0/25", &["--tlp", "clear"]),
    ])?;
    let token = scene.reader("misp", &["--tlp", "amber"])?;
    let read = || -> Result<serde_json::Value> {
        let mut command = python::script(include_str!("../feed_read.py"))?;
        let read = said(command.arg(&scene.base).arg(&token).arg(&scene.ca))?.ok()?.out;
        Ok(serde_json::from_str(&read)?)
    };
    let before = read()?;
    let none = "Indicators that belong to no named threat";
    let want = serde_json::json!([
        [none, "ip-dst", "198.51.100.0/25", ["tlp:clear"]],
        [none, "ip-dst|port", "203.0.113.66|443", ["tlp:green"]],
        ["Lokkefugl", "domain", "vond.example", ["tlp:green"]],
        ["Lokkefugl", "hostname", "www.lure.example", ["PAP:AMBER", "tlp:amber"]],
    ]);
    assert_eq!((&before["seen"], &before["gone"]), (&want, &serde_json::json!([])));

    // What is withdrawn, and what is for fewer now, is said to be gone where it was, with a newer time: a server keeps what it is not told of.
    let own = scene.collector.data().join("own.txt");
    std::fs::write(&own, "vond.example\n")?;
    let own = own.to_string_lossy().into_owned();
    scene.collector.ask(["indicator", "import", &own, "--source", "hand", "--tlp", "red"])?;
    std::fs::write(&own, "198.51.100.0/25\nvond.example\n203.0.113.66:443\n")?;
    scene.collector.ask(["indicator", "import", &own, "--source", "hand", "--replace", "--allow-shrink"])?;
    let after = eventually("the feed says what is gone", PATIENCE, || {
        let after = read()?;
        Ok((after["gone"].as_array().context("gone")?.len() == 2).then_some(after))
    })?;
    let uuid = |value: &str| before["uuids"][value].clone();
    let mut gone = vec![
        serde_json::json!([
            "Lokkefugl",
            uuid("vond.example"),
            "comment",
            "withdrawn, and its value is not shown any more"
        ]),
        serde_json::json!(["Lokkefugl", uuid("www.lure.example"), "hostname", "www.lure.example"]),
    ];
    gone.sort_by_key(ToString::to_string);
    assert_eq!(after["gone"], serde_json::json!(gone));
    ensure!(after["times"]["Lokkefugl"].as_i64() > before["times"]["Lokkefugl"].as_i64(), "{before} {after}");
    assert_eq!(after["times"][none], before["times"][none], "nothing new there");
    scene.collector.stop()
}

const VALIDATORS: &str = r#"
import json, sys
from stix2validator import validate_file, ValidationOptions
from stix2patterns.validator import run_validator
result = validate_file(sys.argv[1], ValidationOptions(version="2.1", disabled=["all"]))
bad = [str(error) for one in result.object_results for error in one.errors]
objects = json.load(open(sys.argv[1]))["objects"]
for one in objects:
    if one["type"] == "indicator":
        bad += [f"{one['pattern']}: {error}" for error in run_validator(one["pattern"], stix_version="2.1")]
print(json.dumps({"valid": result.is_valid, "bad": bad, "indicators": sum(o["type"] == "indicator" for o in objects)}))
"#;

#[test]
fn the_validators_of_stix_take_our_bundle_and_another_collector_reads_it_as_it_was() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut scene = Scene::new(folder.path())?;
    scene.publish(&[
        ("vond.example", &["--tlp", "green", "--threat", "Lokkefugl", "--severity", "critical", "--confidence", "90"]),
        ("=www.lure.example", &["--tlp", "amber+strict", "--threat", "Lokkefugl", "--pap", "amber"]),
        ("lure.example:8443", &["--tlp", "clear", "--severity", "low", "--valid-until", "2030-01-01T00:00:00Z"]),
        ("203.0.113.66:443", &["--tlp", "amber", "--valid-from", "2026-01-01T00:00:00Z"]),
        ("198.51.100.0/25", &["--tlp", "green"]),
        ("2001:db8::66", &["--tlp", "green"]),
        ("2001:db8:1::/48", &["--tlp", "green"]),
    ])?;
    let bundle = folder.path().join("bundle.json");
    let out = bundle.to_string_lossy().into_owned();
    scene.collector.ask(["indicator", "export", "--format", "stix", "--tlp-max", "amber+strict", "--out", &out])?;
    let said = said(python::script(VALIDATORS)?.arg(&bundle))?.ok()?.json()?.pop().context("nothing said")?;
    assert_eq!(said, serde_json::json!({"valid": true, "bad": [], "indicators": 7}));

    let other = Collector::init(&folder.path().join("other"))?;
    other.ask(["indicator", "import", &out])?;
    let shown = |collector: &Collector| -> Result<Vec<String>> {
        let rows = collector.indicators()?;
        let keys = ["indicator", "kind", "threat", "confidence", "severity", "tlp", "pap", "valid_until", "exercise"];
        let mut rows: Vec<String> = rows.iter().map(|row| keys.map(|key| row[key].to_string()).join(" ")).collect();
        rows.sort();
        Ok(rows)
    };
    assert_eq!(shown(&other)?, shown(&scene.collector)?);
    let again = scene.collector.try_ask(["indicator", "export", "--format", "stix", "--out", &out])?;
    ensure!(again.code == Some(1) && again.err.contains("is there already"), "{again:?}");
    scene.collector.stop()
}
