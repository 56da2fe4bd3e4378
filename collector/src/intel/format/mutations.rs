//! Samples of STIX and MISP, mutated: whatever becomes of them nothing panics, and the order of objects says nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::told;
use super::{Format, Options};

const STIX: [&str; 3] = [
    include_str!("../../../tests/data/feeds/misp-stix-77cd910e.json"),
    include_str!("../../../tests/data/feeds/misp-stix-e816de78.json"),
    include_str!("../../../tests/data/feeds/oasis-poisonivy.json"),
];
const MISP: [&str; 1] = [include_str!("../../../tests/data/feeds/misp-77cd910e.json")];
/// Keys worth bending: those that are read.
const KEYS: [&str; 22] = [
    "type",
    "id",
    "modified",
    "labels",
    "object_marking_refs",
    "object_refs",
    "pattern",
    "name",
    "revoked",
    "confidence",
    "valid_from",
    "definition",
    "extensions",
    "source_ref",
    "target_ref",
    "uuid",
    "value",
    "to_ids",
    "Tag",
    "Galaxy",
    "timestamp",
    "deleted",
];

/// A sample with what the makers of these three do not write: actors, relationships, notes.
fn stix_sample(which: usize) -> Value {
    let mut bundle: Value = serde_json::from_str(STIX[which % STIX.len()]).unwrap();
    let ids: Vec<Value> = bundle["objects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|object| object["type"] == "indicator")
        .map(|object| object["id"].clone())
        .collect();
    let more = [
        json!({"type": "malware", "id": "malware--1", "name": "Emotet", "modified": "2026-01-01T00:00:00Z"}),
        json!({"type": "malware", "id": "malware--1", "name": "Heodo", "modified": "2026-02-01T00:00:00Z"}),
        json!({"type": "campaign", "id": "campaign--1", "name": "Autumn", "object_marking_refs": ["marking-definition--y"]}),
        json!({"type": "marking-definition", "id": "marking-definition--y", "definition_type": "tlp", "definition": {"tlp": "red"}}),
        json!({"type": "note", "id": "note--1", "object_refs": ids.get(1..3), "labels": ["tlp:amber+strict"]}),
        json!({"type": "report", "id": "report--a", "name": "Alfa", "object_refs": ids.get(..3)}),
        json!({"type": "relationship", "id": "relationship--1", "relationship_type": "indicates", "source_ref": ids[0], "target_ref": "malware--1"}),
        json!({"type": "relationship", "id": "relationship--2", "relationship_type": "indicates", "source_ref": ids[1], "target_ref": "campaign--1"}),
        json!({"type": "relationship", "id": "relationship--2", "relationship_type": "indicates", "source_ref": ids[2], "target_ref": "campaign--1", "modified": "2026-02-01T00:00:00Z"}),
    ];
    bundle["objects"].as_array_mut().unwrap().extend(more);
    bundle
}

fn misp_sample(which: usize) -> Value {
    let mut event: Value = serde_json::from_str(MISP[which % MISP.len()]).unwrap();
    event["Event"]["Object"] = json!([{"name": "domain-ip", "Attribute": [{"uuid": "o", "type": "domain", "value": "o.example", "to_ids": "1"}]}]);
    event
}

/// What a value is replaced with.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, 7])),
        Just(json!("")),
        Just(json!("indicator--1")),
        Just(json!("tlp:red")),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "\\[[a-z:' =]{0,20}\\]".prop_map(Value::from),
    ]
}

/// Bends the `nth` place, counted over the whole value, where `key` stands.
fn bend(value: &mut Value, key: &str, nth: &mut usize, with: &Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| bend(element, key, nth, with)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if name == key {
                    if *nth == 0 {
                        *field = with.clone();
                    }
                    *nth = nth.wrapping_sub(1);
                }
                bend(field, key, nth, with);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What was told, however often, without the numbers of nameless objects.
fn counted(format: Format, text: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in told(format, &Options::default(), text.as_bytes()) {
        let line = match line.split_once("object number ") {
            Some((before, after)) => format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit())),
            None => line,
        };
        *counted.entry(line).or_default() += 1;
    }
    counted
}

type Bends = Vec<(prop::sample::Index, usize, Value)>;

fn bends() -> impl Strategy<Value = Bends> {
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..25, odd()), 0..6)
}

fn bent(mut value: Value, bends: &Bends) -> Value {
    for (key, nth, with) in bends {
        bend(&mut value, KEYS[key.index(KEYS.len())], &mut nth.clone(), with);
    }
    value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn f1_bundles_bent_anyhow_come_to_the_same_in_any_order(
        which in 0..STIX.len(), bends in bends(), order in any::<prop::sample::Index>(), reverse in any::<bool>()
    ) {
        let bundle = bent(stix_sample(which), &bends);
        let mut other = bundle.clone();
        if let Some(objects) = other["objects"].as_array_mut() {
            let by = order.index(objects.len().max(1));
            objects.rotate_left(by);
            if reverse {
                objects.reverse();
            }
        }
        prop_assert_eq!(counted(Format::Stix, &bundle.to_string()), counted(Format::Stix, &other.to_string()));
    }

    #[test]
    fn f1_events_bent_anyhow_come_to_the_same_in_any_order(
        which in 0..MISP.len(), bends in bends(), order in any::<prop::sample::Index>()
    ) {
        let event = bent(misp_sample(which), &bends);
        let mut other = event.clone();
        if let Some(attributes) = other["Event"].get_mut("Attribute").and_then(Value::as_array_mut) {
            let by = order.index(attributes.len().max(1));
            attributes.rotate_left(by);
            attributes.reverse();
        }
        prop_assert_eq!(counted(Format::Misp, &event.to_string()), counted(Format::Misp, &other.to_string()));
    }

    #[test]
    fn f1_samples_with_octets_changed_or_cut_harm_nobody(
        which in 0..4_usize, at in any::<prop::sample::Index>(), octet in any::<u8>(), cut in any::<bool>()
    ) {
        let (format, text) = match which {
            3 => (Format::Misp, MISP[0]),
            which => (Format::Stix, STIX[which]),
        };
        let mut octets = text.as_bytes().to_vec();
        let at = at.index(octets.len());
        if cut {
            octets.truncate(at);
        } else {
            octets[at] = octet;
        }
        for line in told(format, &Options::default(), &octets) {
            let harms = line.contains('\u{1b}');
            prop_assert!(!harms, "{line:?}");
        }
    }
}
