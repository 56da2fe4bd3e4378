//! Markings of STIX objects: TLP under the ids of either version, PAP where labels say so.

use std::collections::HashMap;

use serde::Deserialize;
use varde_common::tlp::Tlp;

use crate::intel::canonical::Pap;

/// Ids of marking definitions that everybody knows: TLP 2.0, then TLP 1.
const KNOWN: [(&str, Tlp); 9] = [
    ("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", Tlp::Clear),
    ("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Tlp::Green),
    ("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", Tlp::Amber),
    ("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", Tlp::AmberStrict),
    ("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", Tlp::Red),
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
];

/// A marking definition, as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Definition {
    definition: HashMap<String, serde_json::Value>,
    extensions: HashMap<String, HashMap<String, serde_json::Value>>,
    name: Option<String>,
}

impl Definition {
    /// What it says of TLP.
    pub(super) fn tlp(&self) -> Option<Tlp> {
        let inner = self.extensions.values().filter_map(|extension| extension.get("tlp_2_0"));
        let words = inner.chain(self.definition.get("tlp")).filter_map(serde_json::Value::as_str);
        words.chain(self.name.as_deref()).find_map(|word| word.parse().ok())
    }
}

/// What a marking's id says, by itself or by the definition that came with it.
pub(super) fn tlp_of(id: &str, defined: &HashMap<String, Tlp>) -> Option<Tlp> {
    let known = KNOWN.iter().find(|(known, _)| *known == id).map(|(_, tlp)| *tlp);
    known.max(defined.get(id).copied())
}

/// What labels say of PAP and, where somebody writes it there, of TLP.
pub(super) fn of_labels(labels: &[String]) -> (Option<Tlp>, Option<Pap>) {
    let with = |prefix: &'static str| {
        labels
            .iter()
            .filter(move |label| label.len() > 4 && label.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(prefix)))
    };
    let tlp = with("tlp:").filter_map(|label| label.parse().ok()).max();
    let pap = with("pap:").filter_map(|label| label.parse().ok()).max();
    (tlp, pap)
}
