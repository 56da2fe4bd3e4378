//! Events of MISP's as PyMISP and its server write them.

use super::super::tests::told;
use super::super::{Format, Options};

fn misp(text: &str) -> Vec<String> {
    told(Format::Misp, &Options::default(), text.as_bytes())
}

#[test]
fn a_feeds_event_is_read_with_what_it_says_of_all_its_attributes() {
    let told = misp(include_str!("../../../../tests/data/feeds/misp-77cd910e.json"));
    let threat = "threat=C2-infrastruktur – løsepengevirus (EKSEMPEL) severity=high";
    assert_eq!(
        told,
        [
            format!("a1b2c3.example.com {threat} TLP:RED PAP:RED"),
            format!("192.0.2.200 {threat} TLP:AMBER+STRICT PAP:RED"),
            format!("192.0.2.128/28 {threat} TLP:AMBER+STRICT PAP:RED"),
            "clue ip-src 192.0.2.201".to_owned(),
            "silent 77cd910e-08e0-5a3d-b853-b46f67ffd8eb/192aceda-3c5e-556f-9138-1376042e21d2".to_owned(),
            "passed over".to_owned(),
            "silent 77cd910e-08e0-5a3d-b853-b46f67ffd8eb/d7cfa6f8-4dc7-567f-a559-cdb5b8936a70".to_owned(),
        ]
    );
}

#[test]
fn servers_write_numbers_as_text_and_answers_have_several_forms() {
    let attribute = r#"{"uuid":"a","type":"hostname|port","value":"h.example|4443","to_ids":"1","deleted":false,"timestamp":"1700000000"}"#;
    let event = format!(
        r#"{{"Event":{{"Attribute":[{attribute}],"Object":[{{"name":"x","Attribute":[{attribute}]}}],"uuid":"e","info":"Late","threat_level_id":"3"}}}}"#
    );
    let want = "=h.example:4443 threat=Late severity=low";
    assert_eq!(misp(&event), [want, want]);
    assert_eq!(misp(&format!(r#"{{"response":[{event},{event}]}}"#)), [want; 4]);
    assert_eq!(misp(&format!("[{event}]")), [want; 2]);
    let bare = event.strip_prefix("{\"Event\":").unwrap().strip_suffix('}').unwrap();
    assert_eq!(misp(bare), [want; 2], "PyMISP writes an event by itself");
    let answer = r#"{"response":{"Attribute":[{"uuid":"a","type":"ip-dst|port","value":"192.0.2.1|443","to_ids":true,"Event":{"info":"Own","uuid":"e"},"Tag":[{"name":"tlp:green"},{"name":"admiralty-scale:information-credibility=\"2\""}]}]}}"#;
    assert_eq!(misp(answer), ["192.0.2.1:443 threat=Own sure=70 TLP:GREEN"]);
    let gone = r#"{"Event":{"uuid":"e","Attribute":[{"uuid":"a","type":"domain","value":"x.example","to_ids":true,"deleted":"1"}]}}"#;
    assert_eq!(misp(gone), ["withdrawn e/a"]);
    let dirty = r#"{"Event":{"uuid":"e","Attribute":[{"uuid":"a","type":"domain","value":"two words","to_ids":true},{"uuid":"c","Tag":7},{"uuid":"b","type":"domain|ip","value":"d.example|203.0.113.9","to_ids":true}]}}"#;
    let told = misp(dirty);
    assert!(told[0].starts_with("left out: object e/a: \"two words\" is not an indicator"), "{told:?}");
    assert!(told[1] == "silent e/a" && told[2].contains("is no attribute of MISP's"), "{told:?}");
    assert_eq!(told[3..], ["silent e/c", "d.example"]);
    for nothing in ["{}", "[]", "null", "{\"response\":[]}", "{\"Event\":7}", "{\"Event\":[{\"Event\":{}}]}"] {
        assert_eq!(misp(nothing), Vec::<String>::new(), "{nothing}");
    }
    assert!(misp("{\"Event\":{\"Attribute\":{}}}")[0].starts_with("ended: it is no MISP event"));
}

/// An event with these attributes.
fn event(rest: &str, attributes: &[&str]) -> String {
    format!(r#"{{"Event":{{"uuid":"e","info":"Lure","Attribute":[{}]{rest}}}}}"#, attributes.join(","))
}

fn attribute(kind: &str, value: &str, rest: &str) -> String {
    format!(r#"{{"uuid":"a","type":"{kind}","value":"{value}","to_ids":true{rest}}}"#)
}

fn one(kind: &str, value: &str, rest: &str) -> Vec<String> {
    misp(&event("", &[&attribute(kind, value, rest)]))
}

#[test]
fn types_come_to_what_they_mean_and_a_value_must_be_of_its_types_kind() {
    for (kind, value, want) in [
        ("domain", "a.example", "a.example"),
        ("hostname", "a.example", "=a.example"),
        ("domain|ip", "a.example|192.0.2.1", "a.example"),
        ("hostname|port", "a.example|443", "=a.example:443"),
        ("ip-dst", "192.0.2.0/24", "192.0.2.0/24"),
        ("ip-dst", "2001:db8::1", "2001:db8::1"),
        ("ip-dst|port", "192.0.2.1|443", "192.0.2.1:443"),
        ("ip-dst|port", "2001:db8::1|443", "[2001:db8::1]:443"),
        ("url", "hxxps://a.example/x", "=a.example"),
    ] {
        let told = one(kind, value, "");
        assert!(told.len() == 1 && told[0].starts_with(&format!("{want} threat=Lure")), "{kind} {value}: {told:?}");
    }
    for (kind, value) in [
        ("domain", "192.0.2.1"),
        ("hostname", "192.0.2.0/24"),
        ("ip-dst", "a.example"),
        ("ip-dst|port", "a.example|443"),
    ] {
        let told = one(kind, value, "");
        assert!(told.len() == 2 && told[0].contains("its type says"), "{kind} {value}: {told:?}");
        assert_eq!(told[1], "silent e/a");
    }
    // No sensor makes these; ip-src is about who connects to a member.
    for kind in ["ip-src", "ja3-fingerprint-md5", "x509-fingerprint-sha1", "sha256", "email-src", "md5", "filename|md5"]
    {
        assert_eq!(one(kind, "x", ""), [format!("clue {kind} x"), "silent e/a".to_owned()]);
    }
}

#[test]
fn an_attribute_that_names_nothing_any_more_says_so() {
    assert_eq!(
        misp(&event("", &[&attribute("domain", "a.example", "").replace("true", "\"0\"")])),
        ["passed over", "silent e/a"]
    );
    assert_eq!(one("domain", "a.example", r#","deleted":true"#), ["withdrawn e/a"]);
    assert_eq!(
        one("domain", "a.example", r#","Tag":[{"name":"workflow:state=\"draft\""}]"#),
        ["passed over", "silent e/a"]
    );
    let aged = |scores: &str| one("domain", "a.example", &format!(r#","decay_score":[{scores}]"#));
    assert_eq!(aged(r#"{"score":0,"decayed":true}"#), ["passed over", "silent e/a"]);
    assert_eq!(aged(r#"{"decayed":true},{"decayed":false}"#), ["a.example threat=Lure"]);
    // Objects are deleted as wholes, wherever that stands; proposals by others are no word of the event's.
    let inner = attribute("domain", "a.example", "");
    let whole = event(
        &format!(
            r#","Object":[{{"deleted":"0","Attribute":[{inner}]}},{{"Attribute":[{inner}],"deleted":true}}],"ShadowAttribute":[{inner}]"#
        ),
        &[],
    );
    assert_eq!(misp(&whole), ["a.example threat=Lure", "withdrawn e/a"]);
    // Without a name nothing can be said of older versions.
    assert_eq!(
        misp(&event("", &[&attribute("md5", "x", "").replace("\"uuid\":\"a\"", "\"uuid\":null")])),
        ["clue md5 x"]
    );
}

#[test]
fn tags_and_galaxies_of_the_event_and_the_attribute_count_together() {
    let tagged = |own: &str, all: &str| {
        let rest = format!(r#","Tag":[{all}]"#);
        misp(&event(&rest, &[&attribute("domain", "a.example", &format!(r#","Tag":[{own}]"#))])).remove(0)
    };
    let tag = |name: &str| format!(r#"{{"name":"{name}"}}"#);
    for (own, all, want) in [
        (tag("tlp:green"), tag("tlp:amber"), "TLP:AMBER"),
        (tag("tlp:white"), String::new(), "TLP:CLEAR"),
        (tag("tlp:ex:chr"), tag("tlp:green"), "TLP:AMBER"),
        (tag("tlp:purple"), String::new(), "TLP:RED"),
        (String::new(), tag("PAP:RED"), "PAP:RED"),
        (String::new(), tag("exercise:cyber-europe=\\\"2026\\\""), "exercise"),
        (
            tag("admiralty-scale:source-reliability=\\\"b\\\""),
            tag("admiralty-scale:information-credibility=\\\"5\\\""),
            "sure=70",
        ),
        (String::new(), tag("estimative-language:likelihood-probability=\\\"likely\\\""), "sure=80"),
        ("null".to_owned(), r#"{"name":null}"#.to_owned(), ""),
    ] {
        assert_eq!(tagged(&own, &all).trim_end(), format!("a.example threat=Lure {want}").trim_end());
    }
    let cluster = r#","Galaxy":[{"type":"threat-actor","GalaxyCluster":[{"value":"Sofacy"}]}]"#;
    assert_eq!(misp(&event(cluster, &[&attribute("domain", "a.example", "")])), ["a.example threat=Sofacy"]);
    assert_eq!(one("domain", "a.example", cluster), ["a.example threat=Sofacy"]);
    assert_eq!(tagged("", &tag("misp-galaxy:ransomware=\\\"Akira\\\"")), "a.example threat=Akira");
}

#[test]
fn what_cannot_be_read_of_an_event_marks_its_attributes_most_strictly_and_is_told() {
    for broken in [r#","Tag":7"#, r#","Tag":[7]"#, r#","Galaxy":"x""#, r#","Tag":[{"name":{}}]"#] {
        let told = misp(&event(broken, &[&attribute("domain", "a.example", "")]));
        assert!(
            told[0].starts_with("left out: object e") && told[0].contains("taken as TLP:RED"),
            "{broken}: {told:?}"
        );
        assert_eq!(told[1], "a.example threat=Lure TLP:RED", "{broken}");
    }
    let twice = misp(&event(
        r#","Tag":[{"name":"tlp:red"}],"Tag":[{"name":"tlp:green"}]"#,
        &[&attribute("domain", "a.example", "")],
    ));
    assert_eq!(twice, ["a.example threat=Lure TLP:RED"], "what stands twice counts together");
}

#[test]
fn f1_events_follow_one_another_and_what_is_deep_or_long_harms_nobody() {
    let first = event("", &[&attribute("domain", "a.example", "")]);
    let second = first.replace("a.example", "b.example").replace("Lure", "Bait");
    assert_eq!(misp(&format!("\u{feff}{first}\n{second}")), ["a.example threat=Lure", "b.example threat=Bait"]);
    assert!(misp(&format!("{first}x")).last().unwrap().starts_with("ended: it is no MISP event"));
    for deep in ["[".repeat(100_000), "{\"Object\":".repeat(10_000), "{\"Event\":".repeat(10_000)] {
        assert!(misp(&deep)[0].starts_with("ended: "));
    }
    let long = event(
        &format!(r#","Tag":[{}{{"name":"tlp:red"}}]"#, r#"{"name":"x"},"#.repeat(10_000)),
        &[&attribute("domain", "a.example", "")],
    );
    assert_eq!(misp(&long), ["a.example threat=Lure TLP:RED"], "the last of many tags counts");
    let odd = one("domain", "\\u001b[2J", "");
    assert!(!odd[0].contains('\u{1b}'), "{odd:?}");
}
