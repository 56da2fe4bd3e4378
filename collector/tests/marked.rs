//! Promise T7a at the collector, by the real program: what is marked TLP:RED or TLP:AMBER+STRICT is in no message, log or audit, in
//! whatever format it comes and whatever is wrong with it.

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
    ]
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
    assert!(listed.matches("redmark-").count() >= 7, "its own people see it: {listed}");
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
