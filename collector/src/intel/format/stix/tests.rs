//! Bundles as misp-stix and the standard's makers write them, and each thing that an object may say of itself.

use super::super::tests::told;
use super::super::{Format, Options};

fn stix(text: &str) -> Vec<String> {
    told(Format::Stix, &Options::default(), text.as_bytes())
}

/// The same without that versions of objects name nothing, which is told beside what else they are.
fn loud(text: &str) -> Vec<String> {
    stix(text).into_iter().filter(|line| !line.starts_with("silent ")).collect()
}

#[test]
fn what_misps_converter_writes_is_read_with_its_reports_markings() {
    let told = loud(include_str!("../../../../tests/data/feeds/misp-stix-77cd910e.json"));
    let threat = "threat=C2-infrastruktur – løsepengevirus (EKSEMPEL)";
    assert_eq!(
        told,
        [
            format!("a1b2c3.example.com {threat} TLP:RED PAP:RED"),
            format!("192.0.2.200 {threat} TLP:AMBER+STRICT PAP:RED"),
            format!("192.0.2.128/28 {threat} TLP:AMBER+STRICT PAP:RED"),
            "clue pattern, not supported: who connects to a member (src_ref); sensors look for what members connect to [network-traffic:src_ref.type = 'ipv4-addr' AND network-traffic:src_ref.value = '192.0.2.201']".to_owned(),
        ]
    );
    let told = loud(include_str!("../../../../tests/data/feeds/misp-stix-e816de78.json"));
    let shown: Vec<&str> = told.iter().map(|line| line.split(" threat=").next().unwrap()).collect();
    // A label says which names are hosts: the same as the event itself says.
    assert_eq!(
        shown,
        [
            "innlogging-kommune.example",
            "=sso.bankid-feil.example",
            "xn--brnehage-54a.example",
            "=innlogging-kommune.example",
            "198.51.100.23",
            "2001:db8:bad::23",
            "198.51.100.24:8443",
            "last-ned.example",
            "=c2.example.org:4443",
            "clue x509-certificate 4f85b265e6f48451489803780f19a7b718da25f814f5f3e208ada99b425d22b5",
            "10.0.0.0/8",
            "kontroll.example.net",
        ]
    );
}

#[test]
fn what_the_standards_makers_publish_is_read_and_its_dirt_is_named() {
    let told = stix(include_str!("../../../../tests/data/feeds/oasis-poisonivy.json"));
    let left_out: Vec<&String> = told.iter().filter(|line| line.starts_with("left out")).collect();
    assert!(left_out.len() == 1 && left_out[0].contains("domain autuo.xicp.net"), "{left_out:?}");
    assert!(told.iter().any(|line| line.starts_with("219.76.208.163")));
    assert_eq!(told.iter().filter(|line| line.starts_with("clue file ")).count(), 2);
    assert!(told.len() > 60, "{}", told.len());
}

fn bundle(objects: &[&str]) -> String {
    format!("{{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{}]}}", objects.join(","))
}

/// An indicator of a name, with more properties.
fn indicator(rest: &str) -> String {
    with_pattern("[domain-name:value = 'a.example']", rest)
}

fn with_pattern(pattern: &str, rest: &str) -> String {
    format!(
        "{{\"type\":\"indicator\",\"id\":\"indicator--1\",\"modified\":\"2026-01-01T00:00:00Z\",\"pattern\":\"{pattern}\",\"pattern_type\":\"stix\"{rest}}}"
    )
}

/// A bundle with that indicator and more objects.
fn one(rest: &str, more: &[&str]) -> Vec<String> {
    stix(&bundle(&[&[indicator(rest).as_str()], more].concat()))
}

const RED: &str = "\"object_marking_refs\":[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"]";

#[test]
fn revoked_benign_foreign_and_marked_objects_are_each_what_they_say() {
    assert_eq!(one(",\"revoked\":true", &[]), ["withdrawn indicator--1"]);
    assert_eq!(one(",\"confidence\":85", &[]), ["a.example sure=85"]);
    assert_eq!(one(",\"confidence\":\"85\"", &[]), ["a.example sure=85"]);
    assert_eq!(one(",\"confidence\":101", &[]), ["a.example"]);
    for (id, tlp) in [
        ("613f2e26-407d-48c7-9eca-b8e91df99dc9", "TLP:CLEAR"),
        ("939a9414-2ddd-4d32-a0cd-375ea402b003", "TLP:AMBER+STRICT"),
        // What did not come along is no looser than what is unmarked.
        ("00000000-0000-0000-0000-000000000000", "TLP:AMBER"),
    ] {
        let marked = format!(",\"object_marking_refs\":[\"marking-definition--{id}\"]");
        assert_eq!(one(&marked, &[]), [format!("a.example {tlp}")]);
    }
    // The strictest of the object and its parts; a definition that comes later counts.
    let mine = "{\"type\":\"marking-definition\",\"id\":\"marking-definition--x\",\"extensions\":{\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":{\"extension_type\":\"property-extension\",\"tlp_2_0\":\"red\"}}}";
    let marked = ",\"object_marking_refs\":[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\"],\"granular_markings\":[{\"marking_ref\":\"marking-definition--x\",\"selectors\":[\"pattern\"]}]";
    assert_eq!(one(marked, &[mine]), ["a.example TLP:RED"]);
    assert_eq!(one(",\"labels\":[\"exercise:generic=\\\"x\\\"\",\"PAP:RED\"]", &[]), ["a.example PAP:RED exercise"]);
    assert!(stix(&bundle(&["7", "{\"type\":5}"]))[0].contains("is no STIX object"));
    assert_eq!(stix("{}"), Vec::<String>::new(), "an empty page of a TAXII server");
    assert_eq!(stix("{\"objects\":null}"), Vec::<String>::new());
}

#[test]
fn a_version_that_names_no_indicator_says_so_beside_what_else_it_is() {
    let silent = "silent indicator--1";
    for (object, told) in [
        (indicator(",\"indicator_types\":[\"benign\"]"), "harmless a.example"),
        (indicator("").replace("\"pattern_type\":\"stix\"", "\"pattern_type\":\"sigma\""), "clue pattern of sigma"),
        (with_pattern("[domain-name:value MATCHES 'a']", ""), "clue pattern, not supported: the operator MATCHES"),
        (with_pattern("[file:name = 'x.exe']", ""), "clue file x.exe"),
        (with_pattern("[domain-name:value = 'two words']", ""), "left out: object indicator--1"),
        (with_pattern("[domain-name:value", ""), "left out: object indicator--1"),
        (indicator(",\"valid_from\":\"yesterday\""), "left out: object indicator--1: \"yesterday\""),
        (indicator(",\"labels\":{}"), "left out: object indicator--1"),
        (indicator(",\"description\":[]"), "left out: object indicator--1"),
    ] {
        let all = stix(&bundle(&[&object]));
        assert!(all.len() == 2 && all[0].starts_with(told) && all[1] == silent, "{object}: {all:?}");
    }
    // One that names something beside is not silent; one without a name cannot be.
    let both = with_pattern("[domain-name:value = 'a.example' OR file:name = 'x']", "");
    assert_eq!(stix(&bundle(&[&both])), ["a.example", "clue file x"]);
    assert!(stix(&bundle(&[&indicator("").replace("indicator--1", "")]))[0].contains("no id"));
    let long = indicator("").replace("indicator--1", &"x".repeat(5_000));
    let told = stix(&bundle(&[&long]));
    assert!(told.len() == 1 && told[0].len() < 600, "{told:?}");
}

#[test]
fn what_a_report_says_goes_to_the_indicators_it_names_wherever_it_stands() {
    let mine = "{\"type\":\"marking-definition\",\"id\":\"marking-definition--x\",\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"red\"}}";
    let report = |rest: &str| {
        format!(
            "{{\"type\":\"report\",\"id\":\"report--1\",\"name\":\"Lure\",\"object_refs\":[\"indicator--1\",\"malware--1\"]{rest}}}"
        )
    };
    let marked = report(",\"object_marking_refs\":[\"marking-definition--x\"]");
    assert_eq!(one("", &[&marked, mine]), ["a.example threat=Lure TLP:RED"], "the definition comes last");
    assert_eq!(one("", &[mine, &marked]), ["a.example threat=Lure TLP:RED"]);
    let nulls = report(&format!(",\"labels\":null,\"granular_markings\":null,\"external_references\":null,{RED}"));
    assert_eq!(one("", &[&nulls]), ["a.example threat=Lure TLP:RED"], "null says nothing");
    let note =
        format!("{{\"type\":\"note\",\"id\":\"note--1\",\"content\":\"x\",\"object_refs\":[\"indicator--1\"],{RED}}}");
    assert_eq!(one("", &[&note]), ["a.example TLP:RED"], "a note is no threat");
    // Its newest version counts; revoked it says nothing.
    let old = report(&format!(",\"modified\":\"2026-01-01T00:00:00Z\",{RED}"));
    let new = report(",\"modified\":\"2026-02-01T00:00:00Z\"").replace("Lure", "Bait");
    assert_eq!(one("", &[&new, &old]), ["a.example threat=Bait"]);
    let revoked = report(",\"modified\":\"2026-03-01T00:00:00Z\",\"revoked\":true");
    assert_eq!(one("", &[&revoked, &new, &old]), ["a.example"]);
}

#[test]
fn what_cannot_be_read_of_a_report_or_marking_is_taken_as_the_strictest_and_told() {
    let report = "{\"type\":\"report\",\"id\":\"report--1\",\"name\":\"Lure\",\"object_refs\":[\"indicator--1\"],";
    for broken in ["\"labels\":{\"a\":1}}", "\"object_marking_refs\":[7]}", "\"object_refs\":[]}", "\"labels\":7}"] {
        let told = one("", &[&format!("{report}{broken}")]);
        assert_eq!(told.first().map(String::as_str), Some("a.example TLP:RED"), "{broken}");
        let last = told.last().unwrap();
        assert!(last.starts_with("left out: object report--1") && last.contains("is taken as TLP:RED"), "{last}");
    }
    let marked = ",\"object_marking_refs\":[\"marking-definition--x\"]";
    let definition = "{\"type\":\"marking-definition\",\"id\":\"marking-definition--x\",";
    for broken in [
        "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"purple\"}}",
        "\"definition_type\":\"tlp\"}",
        "\"extensions\":{\"e\":{\"tlp_2_0\":7}}}",
        "\"extensions\":[]}",
        "\"name\":\"TLP:purple\"}",
    ] {
        let told = one(marked, &[&format!("{definition}{broken}")]);
        assert_eq!(told.first().map(String::as_str), Some("a.example TLP:RED"), "{broken}");
        assert!(told.last().unwrap().contains("is taken as TLP:RED"), "{told:?}");
    }
    let statement = format!("{definition}\"definition_type\":\"statement\",\"definition\":{{\"statement\":\"(c)\"}}}}");
    assert_eq!(one(marked, &[&statement]), ["a.example"], "a statement is about something else");
    let unreadable = "{\"type\":\"malware\",\"id\":\"malware--1\",\"labels\":{}}";
    assert!(!one("", &[unreadable]).last().unwrap().contains("TLP:RED"));
}

#[test]
fn the_threat_is_what_an_indicator_indicates_before_the_report_that_names_it() {
    let named = |kind: &str, name: &str| format!("{{\"type\":\"{kind}\",\"id\":\"{kind}--1\",\"name\":\"{name}\"}}");
    let indicates = |kind: &str, rest: &str| {
        format!(
            "{{\"type\":\"relationship\",\"id\":\"relationship--{kind}\",\"relationship_type\":\"indicates\",\"source_ref\":\"indicator--1\",\"target_ref\":\"{kind}--1\"{rest}}}"
        )
    };
    let report = "{\"type\":\"report\",\"id\":\"report--1\",\"name\":\"Weekly\",\"object_refs\":[\"indicator--1\"]}";
    for (kind, name) in [("malware", "Emotet"), ("intrusion-set", "APT0"), ("campaign", "Autumn")] {
        assert_eq!(
            one("", &[&indicates(kind, ""), &named(kind, name), report]),
            [format!("a.example threat={name}")],
            "{kind}"
        );
    }
    let both =
        [indicates("campaign", ""), named("campaign", "Autumn"), named("malware", "Emotet"), indicates("malware", "")];
    assert_eq!(one("", &both.each_ref().map(String::as_str)), ["a.example threat=Emotet"]);
    // Who may not be told the connection may not be told the indicator under its name.
    assert_eq!(
        one("", &[&indicates("malware", &format!(",{RED}")), &named("malware", "Emotet")]),
        ["a.example threat=Emotet TLP:RED"]
    );
    let gone = indicates("malware", ",\"revoked\":true,\"modified\":\"2026-01-01T00:00:00Z\"");
    assert_eq!(
        one("", &[&gone, &indicates("malware", ""), &named("malware", "Emotet"), report]),
        ["a.example threat=Weekly"]
    );
}

#[test]
fn a_value_must_be_of_the_kind_that_its_path_says() {
    let read = |pattern: &str| loud(&bundle(&[&with_pattern(pattern, "")])).remove(0);
    for good in [
        ("[ipv4-addr:value = '192.0.2.128/28']", "192.0.2.128/28"),
        ("[ipv6-addr:value = '2001:db8::1']", "2001:db8::1"),
        ("[ipv6-addr:value = '::ffff:192.0.2.1']", "192.0.2.1"),
        ("[network-traffic:dst_ref.value = 'a.example']", "a.example"),
        ("[domain-name:value = 'a.example' AND network-traffic:dst_port IN ('80','443')]", "a.example:80"),
        ("[domain-name:value LIKE '%.a.example']", "a.example"),
    ] {
        assert_eq!(read(good.0), good.1, "{}", good.0);
    }
    for bad in [
        "[ipv4-addr:value = 'a.example']",
        "[ipv4-addr:value = '2001:db8::1']",
        "[ipv6-addr:value = '192.0.2.1']",
        "[domain-name:value = '192.0.2.1']",
        "[domain-name:value = 'ja4:t13d1516h2_8daaf6152771_e5627efa2ab1']",
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = 'a.example']",
        "[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = '99999']",
    ] {
        assert!(read(bad).starts_with("left out: object indicator--1"), "{bad}: {}", read(bad));
    }
    let host = indicator(",\"labels\":[\"misp:type=\\\"hostname\\\"\"]");
    assert_eq!(stix(&bundle(&[&host])), ["=a.example"]);
}

#[test]
fn bundles_follow_one_another_and_what_stands_by_itself_is_refused_with_what_to_do() {
    let first = bundle(&[&indicator("")]);
    let second = bundle(&[&indicator("").replace("a.example", "b.example")]);
    assert_eq!(stix(&format!("\u{feff}{first}\n{second}")), ["a.example", "b.example"]);
    assert!(stix(&format!("{first}{second}}}")).last().unwrap().starts_with("ended: it is no STIX bundle"));
    let alone = stix(&indicator(""));
    assert!(alone[0].contains("\"indicator\" stands by itself") && alone[0].contains("put it between"), "{alone:?}");
}

#[test]
fn f1_what_is_deep_long_or_odd_harms_nobody_and_hides_no_other() {
    let deep = format!("{{\"type\":\"report\",\"labels\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let told = one("", &[&deep]);
    assert!(told[0] == "a.example" && told[1].contains("is no STIX object") && told[1].len() < 700, "{told:?}");
    let twice = indicator(",\"pattern\":\"[domain-name:value = 'b.example']\"");
    let told = stix(&bundle(&[&twice]));
    assert!(told[0].contains("duplicate field") && told[1] == "silent indicator--1", "{told:?}");
    let escape = with_pattern("[domain-name:value = '\\u001b[2J']", "").replace("indicator--1", "indicator--\\u001b");
    assert!(stix(&bundle(&[&escape])).iter().all(|line| !line.contains('\u{1b}')));
    let long = with_pattern(&format!("[domain-name:value {} 'x']", "A".repeat(100_000)), "");
    assert!(stix(&bundle(&[&long]))[0].len() < 700);
}

#[test]
fn what_is_held_together_is_weighed() {
    use super::around::Around;
    use super::object::Common;
    let mut around = Around::new();
    let refs: Vec<String> = (0..70_000).map(|number| format!("\"indicator--{number:036}\"")).collect();
    let report = format!("{{\"type\":\"report\",\"id\":\"report--1\",\"object_refs\":[{}]}}", refs.join(","));
    assert!(report.len() < crate::limits::FEED_OBJECT_MAX_OCTETS, "a large report is one object");
    around.add(&report, serde_json::from_str::<Common>(&report).unwrap()).unwrap();
    let a_million = around.octets() * 1_000_000 / 70_000;
    assert!((16_000_000..17_000_000).contains(&a_million), "{a_million}");
    let relationship = "{\"type\":\"relationship\",\"id\":\"relationship--1\",\"relationship_type\":\"indicates\",\"source_ref\":\"a\",\"target_ref\":\"b\"}";
    let before = around.octets();
    for _ in 0..1_000 {
        around.add(relationship, serde_json::from_str::<Common>(relationship).unwrap()).unwrap();
    }
    let each = (around.octets() - before) / 1_000;
    assert!((32..=64).contains(&each) && !around.is_full(), "{each}");
}

#[test]
fn objects_in_an_array_of_their_own_are_read_and_bundles_in_one_too() {
    let object = |n: u32| {
        format!(
            r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--{n}","pattern_type":"stix","pattern":"[domain-name:value = 'n{n}.example']"}}"#
        )
    };
    let bare = format!("[{},{}]", object(1), object(2));
    assert_eq!(Format::detect(bare.as_bytes()), Format::Stix);
    assert_eq!(loud(&bare), ["n1.example", "n2.example"]);
    let bundle = |n: u32| format!(r#"{{"type":"bundle","id":"bundle--{n}","objects":[{}]}}"#, object(n));
    let bundles = format!("[{},{}]", bundle(3), bundle(4));
    assert_eq!(Format::detect(bundles.as_bytes()), Format::Stix);
    assert_eq!(loud(&bundles), ["n3.example", "n4.example"], "none is passed over in silence");
}
