//! Bundles as misp-stix and the standard's makers write them, and each thing that an object may say of itself.

use super::super::tests::told;
use super::super::{Format, Options};

fn stix(text: &str) -> Vec<String> {
    told(Format::Stix, &Options::default(), text.as_bytes())
}

#[test]
fn what_misps_converter_writes_is_read_with_its_reports_markings() {
    let told = stix(include_str!("../../../../tests/data/feeds/misp-stix-77cd910e.json"));
    let threat = "threat=C2-infrastruktur – løsepengevirus (EKSEMPEL)";
    assert_eq!(
        told,
        [
            format!("a1b2c3.example.com {threat} TLP:RED PAP:RED"),
            format!("192.0.2.200 {threat} TLP:AMBER+STRICT PAP:RED"),
            format!("192.0.2.128/28 {threat} TLP:AMBER+STRICT PAP:RED"),
            "clue pattern beyond sensors [network-traffic:src_ref.type = 'ipv4-addr' AND network-traffic:src_ref.value = '192.0.2.201']".to_owned(),
        ]
    );
    let told = stix(include_str!("../../../../tests/data/feeds/misp-stix-e816de78.json"));
    let shown: Vec<&str> = told.iter().map(|line| line.split(" threat=").next().unwrap()).collect();
    assert_eq!(
        shown,
        [
            "innlogging-kommune.example",
            "sso.bankid-feil.example",
            "xn--brnehage-54a.example",
            "=innlogging-kommune.example",
            "198.51.100.23",
            "2001:db8:bad::23",
            "198.51.100.24:8443",
            "last-ned.example",
            "c2.example.org:4443",
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

#[test]
fn revoked_benign_foreign_and_marked_objects_are_each_what_they_say() {
    let indicator = |rest: &str| {
        format!("{{\"type\":\"indicator\",\"id\":\"indicator--1\",\"modified\":\"2026-01-01T00:00:00Z\"{rest}}}")
    };
    let pattern = ",\"pattern\":\"[domain-name:value = 'a.example']\",\"pattern_type\":\"stix\"";
    let one = |rest: &str, more: &[&str]| {
        let indicator = indicator(&format!("{pattern}{rest}"));
        stix(&bundle(&[&[indicator.as_str()], more].concat()))
    };
    assert_eq!(one(",\"revoked\":true", &[]), ["withdrawn indicator--1"]);
    assert_eq!(one(",\"indicator_types\":[\"benign\"]", &[]), ["harmless a.example"]);
    assert_eq!(one(",\"confidence\":85", &[]), ["a.example sure=85"]);
    assert_eq!(one(",\"confidence\":101", &[]), ["a.example"]);
    for (id, tlp) in [
        ("613f2e26-407d-48c7-9eca-b8e91df99dc9", "TLP:CLEAR"),
        ("939a9414-2ddd-4d32-a0cd-375ea402b003", "TLP:AMBER+STRICT"),
    ] {
        let marked = format!(",\"object_marking_refs\":[\"marking-definition--{id}\"]");
        assert_eq!(one(&marked, &[]), [format!("a.example {tlp}")]);
    }
    // The strictest of the object and its parts; a definition that comes later counts.
    let mine = "{\"type\":\"marking-definition\",\"id\":\"marking-definition--x\",\"extensions\":{\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":{\"extension_type\":\"property-extension\",\"tlp_2_0\":\"red\"}}}";
    let marked = ",\"object_marking_refs\":[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\"],\"granular_markings\":[{\"marking_ref\":\"marking-definition--x\",\"selectors\":[\"pattern\"]}]";
    assert_eq!(one(marked, &[mine]), ["a.example TLP:RED"]);
    let malware = "{\"type\":\"malware\",\"id\":\"malware--1\",\"name\":\"Emotet\"}";
    let indicates = "{\"type\":\"relationship\",\"id\":\"relationship--1\",\"relationship_type\":\"indicates\",\"source_ref\":\"indicator--1\",\"target_ref\":\"malware--1\"}";
    assert_eq!(one("", &[indicates, malware]), ["a.example threat=Emotet"]);
    let sigma = indicator(",\"pattern\":\"title: x\",\"pattern_type\":\"sigma\"");
    assert_eq!(stix(&bundle(&[&sigma])), ["clue pattern of sigma title: x"]);
    let wrong = indicator(",\"pattern\":\"[domain-name:value = 'a.example']\",\"valid_from\":\"yesterday\"");
    assert!(stix(&bundle(&[&wrong]))[0].contains("its valid_from is no time"));
    assert!(stix(&bundle(&["7", "{\"type\":5}"]))[0].contains("is no STIX object"));
    assert_eq!(stix("{}"), Vec::<String>::new(), "an empty page of a TAXII server");
}
