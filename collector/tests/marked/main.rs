//! Promise T7a at the collector, by the real program: what is marked TLP:RED or TLP:AMBER+STRICT is in no message, log or audit, in
//! whatever format it comes and whatever is wrong with it.

mod shown;

use std::path::Path;
use std::process::{Command, Output};

/// Stands in every value below, and in nothing else.
const MARK: &str = "redmark";

fn run(data: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_varde-collector"));
    command.args(arguments).arg("--data").arg(data).env("VARDE_LOG", "trace").output()
}

fn said(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].concat().iter().map(|octet| char::from(*octet)).collect()
}

/// A file of each format: its name, what it holds, what is said of it. One of its values can be looked for, the others are wrong.
fn files() -> Vec<(&'static str, String, &'static [&'static str])> {
    let red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let object = |n: u32, pattern: &str| {
        serde_json::json!({ "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{n}"), "name": "redmark",
            "created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z", "valid_from": "2026-01-01T00:00:00Z",
            "pattern_type": "stix", "pattern": pattern, "object_marking_refs": [red] })
    };
    let mut wrong = object(5, "[domain-name:value = 'redmark-wrong.example']");
    wrong["valid_from"] = "redmark".into();
    let mut worse = object(6, "[domain-name:value = 'redmark-worse.example']");
    worse["confidence"] = "redmark".into();
    let mut worst = object(7, "");
    worst["labels"] = "redmark".into();
    let bundle = serde_json::json!({ "type": "bundle", "id": "bundle--1", "objects": [
        object(1, "[domain-name:value = 'redmark-stix.example']"), object(2, "[domain-name:value = 'redmark bad.example']"),
        object(3, "[domain-name:value = 'redmark"), object(4, "[domain-name:value redmark]"), wrong, worse, worst] });
    let attribute = |kind: &str, value: &str| {
        serde_json::json!({ "uuid": "5f0c9a4e-0000-4000-8000-000000000001", "type": kind, "category": "Network activity",
            "to_ids": true, "value": value, "timestamp": "1767225600" })
    };
    let event = serde_json::json!({ "Event": { "uuid": "5f0c9a4e-0000-4000-8000-000000000000", "info": "redmark",
        "date": "2026-01-01", "timestamp": "1767225600", "Tag": [{ "name": "tlp:amber+strict" }], "Attribute": [
            attribute("domain", "redmark-misp.example"), attribute("domain", "redmark bad"),
            attribute("ip-dst|port", "redmark|99999"), attribute("hostname", "redmark..bad.example")] } });
    let whole = bundle.to_string();
    vec![
        ("list.txt", "redmark.example\nredmark not one\n=redmark..x\nredmark:99999\n".into(), &["--tlp", "red"]),
        ("hosts", "127.0.0.1 localhost\n0.0.0.0 redmark-hosts.example\n0.0.0.0 redmark..bad\n".into(), &[
            "--tlp", "red", "--format", "hosts",
        ]),
        ("table.csv", "domain;tlp\nredmark-csv.example;TLP:RED\nredmark bad value;TLP:RED\n".into(), &[
            "--format", "csv", "--column", "domain",
        ]),
        ("zeek.dat", "#fields\tindicator\tindicator_type\tmeta.source\nredmark-zeek.example\tIntel::DOMAIN\tx\nredmark bad\tIntel::DOMAIN\tx\n".into(), &[
            "--tlp", "amber+strict",
        ]),
        ("zone.rpz", "$ORIGIN rpz.test.\n@ SOA a. b. 1 2 3 4 5\nredmark-rpz CNAME .\nredmark..bad CNAME .\n".into(), &[
            "--tlp", "red", "--format", "rpz",
        ]),
        // redmark-suri.example, redmark bad
        ("set.lst", "cmVkbWFyay1zdXJpLmV4YW1wbGU=\ncmVkbWFyayBiYWQ=\nredmark!!\n".into(), &[
            "--tlp", "red", "--format", "suricata",
        ]),
        ("urlhaus.csv", "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n\"1\",\"2026-01-01 00:00:00\",\"http://redmark-urlhaus.example/x\",\"online\",\"\",\"x\",\"x\",\"https://x.example\",\"x\"\n\"2\",\"2026-01-01 00:00:00\",\"http://redmark..bad/\",\"online\",\"\",\"x\",\"x\",\"\",\"x\"\n".into(), &[
            "--tlp", "red", "--format", "urlhaus",
        ]),
        ("feodo.csv", "first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware\n2026-01-01 00:00:00,redmark,99999,online,,redmark\n2026-01-01 00:00:00,198.51.100.7,443,online,,redmark\n".into(), &[
            "--tlp", "red", "--format", "feodo",
        ]),
        ("bundle.json", whole.clone(), &[]),
        ("event.json", event.to_string(), &[]),
        // Cut off within a value.
        ("cut.json", whole[..whole.len() / 3].to_owned(), &[]),
        ("odd.json", "{\"type\":\"bundle\",\"objects\":\"redmark\"}".into(), &["--format", "stix"]),
        // Objects of STIX without a bundle, and taken for a table of others; what abuse.ch publishes.
        ("array.json", format!("[{}]", object(8, "[domain-name:value = redmark.example]")), &[]),
        (
            "fox.json",
            r#"{"1":[{"ioc_value":"redmark example","ioc_type":"domain","threat_type":"c2","tags":"tlp:red"},"redmark"]}"#.into(),
            &[],
        ),
        ("array.csv", format!("[{}]", object(8, "[domain-name:value = 'redmark.example']")), &["--format", "csv"]),
        ("header.csv", "navn;c2 for kampanjen;redmark-x.example\nKari;redmark;y\n".into(), &["--tlp", "red", "--format", "csv"]),
        ("column.csv", "navn;redmark\nKari;redmark\n".into(), &["--tlp", "red", "--format", "csv", "--column", "nix"]),
    ]
}

/// Files that say by themselves that they are for few, each with the marking of what is good in it. No option says anything.
fn by_their_own_word() -> Vec<(&'static str, &'static str, &'static str)> {
    let (red, strict) = ("TLP:RED", "TLP:AMBER+STRICT");
    vec![
        (
            "warning.txt",
            "TLP:RED\n\nHei alle\nTil dere\n\nredmark-warning.example\nredmark-warned.example\nredmark not\n",
            red,
        ),
        ("greeting.txt", "Hei\nTLP: RØD\nredmark-greeting.example\nredmark not\n", red),
        ("head.txt", "# TLP:RØD\nredmark-head.example\nredmark not one\n", red),
        ("unknown.txt", "# TLP:LILLA\nredmark-lilla.example\nredmark not one\n", red),
        ("hosts", "# Delt som TLP:GUL+STRENG\n0.0.0.0 redmark-hosted.example\n0.0.0.0 redmark..bad\n", strict),
        (
            "zone.rpz",
            "; TLP:RED\n$ORIGIN rpz.test.\n@ SOA a. b. 1 2 3 4 5\nredmark-zoned.example CNAME .\nredmark..bad CNAME .\n",
            red,
        ),
        ("comment.csv", "# TLP:RED\ndomain,note\nredmark-commented.example,x\nredmark bad,x\n", red),
        ("norwegian.csv", "domene;merking\nredmark-norwegian.example;RØD\nredmark bad;RØD\n", red),
        (
            "strict.csv",
            "domain;tlp\nredmark-strict.example;GUL+STRENG\nredmark-stricter.example;AMBER STRICT\nredmark bad;TLP:RØD\n",
            strict,
        ),
        (
            "words.csv",
            "domain;tlp\nredmark-few.example;RED (begrenset)\nredmark-lilla2.example;lilla\nredmark bad;rød\n",
            red,
        ),
        (
            "tags.csv",
            "value,event_tag,comment\nredmark-tagged.example,\"osint,tlp:red\",x\nredmark bad,tlp:red,x\n",
            red,
        ),
        ("row.csv", "value,comment\nredmark-noted.example,TLP:RED fra oss\nredmark bad,TLP:RED\n", red),
        (
            "prose.txt",
            "Dette varselet er merket TLP:RØD og skal ikke deles.\nAngriperne bruker redmark-prose[.]example og redmark[.]..bad i kveld.\n",
            red,
        ),
    ]
}

#[test]
fn t7a_what_a_file_says_of_its_own_marking_counts_in_either_language_and_hides_its_values() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let made = run(&data, &["init", "--name", "Prøve-CSIRT", "--address", "127.0.0.1:7843"]).unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let mut wrong = Vec::new();
    for (name, text, marking) in by_their_own_word() {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let arguments = ["indicator", "import", path.to_str().unwrap(), "--source", name];
        let output = run(&data, &arguments).unwrap();
        let told = said(&output);
        if told.to_ascii_lowercase().contains(MARK) || output.status.code() != Some(1) {
            wrong.push(format!("{name}: {told}"));
        }
        let listed = run(&data, &["indicator", "list", "--json"]).unwrap();
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let rows: Vec<serde_json::Value> =
            listed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
        let own: Vec<_> =
            rows.iter().filter(|row| row["sources"].to_string().contains(&format!("\"{name}\""))).collect();
        if own.is_empty() || own.iter().any(|row| row["tlp"] != marking) {
            wrong.push(format!("{name} is not {marking}: {own:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn t7a_no_message_log_or_audit_of_the_collector_holds_what_was_shared_with_few() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let collector = |data: &Path, arguments: &[&str]| run(data, arguments).unwrap();
    let made = collector(&data, &["init", "--name", "Prøve-CSIRT", "--address", "127.0.0.1:7843"]);
    assert!(made.status.success(), "{}", said(&made));
    for (name, text, options) in files() {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        for more in [&["--dry-run"][..], &["--json"], &[], &["--replace"]] {
            let arguments = [&["indicator", "import", path.to_str().unwrap()], options, more].concat();
            let output = collector(&data, &arguments);
            let told = said(&output);
            assert!(!told.to_ascii_lowercase().contains(MARK), "{name} {more:?}: {told}");
            // Something was wrong with each of them.
            assert_eq!(output.status.code(), Some(1), "{name} {more:?}: {told}");
        }
    }
    let listed = said(&collector(&data, &["indicator", "list", "--json"]));
    assert!(listed.matches("confidential indicator").count() >= 7, "they are there, by their numbers: {listed}");
    for arguments in [
        &["publish"][..],
        &["publish", "--include-red"],
        &["publish", "--status"],
        &["audit", "list"],
        &["audit", "list", "--json"],
        &["status"],
    ] {
        let told = said(&collector(&data, arguments));
        assert!(!told.to_ascii_lowercase().contains(MARK), "{arguments:?}: {told}");
    }
    let list = dir.path().join("list.varde");
    let exported = collector(&data, &["list", "export", list.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", said(&exported));
    let octets = std::fs::read(&list).unwrap();
    assert!(!octets.windows(MARK.len()).any(|part| part == MARK.as_bytes()), "the list itself");
}

/// Until it is so, for as long as a busy machine may need: two minutes of looks.
fn await_that(mut is_so: impl FnMut() -> bool) -> bool {
    (0..24_000).any(|_| {
        let so = is_so();
        if !so {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        so
    })
}

#[test]
fn f2_what_a_killed_import_had_read_is_removed_when_the_collector_starts_and_hinders_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let made = run(&data, &["init", "--name", "Prøve-CSIRT", "--address", "127.0.0.1:7843"]).unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let path = dir.path().join("list.txt");
    let list: String = (0..60_000).map(|n| format!("n{n}.example\n")).collect();
    std::fs::write(&path, list).unwrap();
    let stage = data.join("import.stage");
    let start = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_varde-collector"));
        let command = command.args(arguments).arg("--data").arg(&data).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut import = start(&["indicator", "import", path.to_str().unwrap()]);
    assert!(await_that(|| std::fs::metadata(&stage).is_ok_and(|stage| stage.len() > 0)), "it is gathered there");
    import.kill().unwrap();
    import.wait().unwrap();
    assert!(stage.exists(), "killed in the midst of it");
    let any = "127.0.0.1:0";
    let mut collector = start(&["run", "--quic", any, "--enroll", any, "--web", any, "--tcp", "none"]);
    let is_gone = await_that(|| !stage.exists());
    collector.kill().unwrap();
    collector.wait().unwrap();
    assert!(is_gone, "the collector has started, and it lies there in plain");
    std::fs::write(&path, "a.example\nb.example\n").unwrap();
    let output = run(&data, &["indicator", "import", path.to_str().unwrap()]).unwrap();
    assert!(output.status.success() && said(&output).contains("2 new"), "{}", said(&output));
}
