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
            "passed over".to_owned(),
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
    let answer = r#"{"response":{"Attribute":[{"uuid":"a","type":"ip-dst|port","value":"192.0.2.1|443","to_ids":true,"Event":{"info":"Own","uuid":"e"},"Tag":[{"name":"tlp:green"},{"name":"admiralty-scale:information-credibility=\"2\""}]}]}}"#;
    assert_eq!(misp(answer), ["192.0.2.1:443 threat=Own sure=70 TLP:GREEN"]);
    let gone = r#"{"Event":{"uuid":"e","Attribute":[{"uuid":"a","type":"domain","value":"x.example","to_ids":true,"deleted":"1"}]}}"#;
    assert_eq!(misp(gone), ["withdrawn e/a"]);
    let dirty = r#"{"Event":{"uuid":"e","Attribute":[{"uuid":"a","type":"domain","value":"two words","to_ids":true},{"uuid":5},{"uuid":"b","type":"domain|ip","value":"d.example|203.0.113.9","to_ids":true}]}}"#;
    let told = misp(dirty);
    assert!(told[0].starts_with("left out: object e/a: \"two words\" is not an indicator"), "{told:?}");
    assert!(told[1].contains("is no attribute of MISP's") && told[2] == "d.example", "{told:?}");
    for nothing in ["{}", "[]", "null", "{\"response\":[]}", "{\"Event\":7}", "{\"Event\":[{\"Event\":{}}]}"] {
        assert_eq!(misp(nothing), Vec::<String>::new(), "{nothing}");
    }
    assert!(misp("{\"Event\":{\"Attribute\":{}}}")[0].starts_with("ended: it is no MISP event"));
}
