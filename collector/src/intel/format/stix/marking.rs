//! Markings of STIX objects: TLP under the ids of either version, PAP where labels say so, and what their own words say. What cannot
//! be read is taken as the strictest, and what is not known as no looser than what is unmarked.

use std::collections::HashMap;

use serde::Deserialize;
use varde_common::tlp::Tlp;

use super::super::loose::Texts;
use super::super::{json, marked, marking};
use super::object::Common;
use crate::intel::canonical::Pap;

/// Ids of marking definitions that everybody knows: TLP 2.0, then TLP 1.
pub(super) const KNOWN: [(&str, Tlp); 9] = [
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

/// The strictest of those that a text names, whatever else it is.
pub(in crate::intel::format) fn named_in(text: &str) -> Option<Tlp> {
    KNOWN.iter().filter(|(id, _)| text.contains(id)).map(|(_, tlp)| *tlp).max()
}

/// A marking definition, as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Definition {
    definition_type: Option<String>,
    definition: Option<HashMap<String, serde_json::Value>>,
    extensions: Option<HashMap<String, HashMap<String, serde_json::Value>>>,
    name: Option<String>,
}

/// What a definition says of TLP: nothing, where it is about something else.
///
/// # Errors
/// Why it cannot be known; whoever is marked by it is taken as marked most strictly.
pub(super) fn defined(text: &str) -> Result<Option<Tlp>, String> {
    let definition = serde_json::from_str::<Definition>(text).map_err(|error| json::fault(&error))?;
    let extensions = definition.extensions.unwrap_or_default();
    let inner = extensions.values().filter_map(|extension| extension.get("tlp_2_0"));
    let old = definition.definition.as_ref().and_then(|old| old.get("tlp"));
    let mut strictest = None;
    for word in inner.chain(old) {
        let tlp = word.as_str().and_then(|word| word.parse::<Tlp>().ok());
        strictest = strictest.max(Some(tlp.ok_or("it is none of TLP's levels")?));
    }
    // Some write the level in the name alone, others in a statement.
    let name = definition.name.unwrap_or_default();
    let named = marked::tlp(&name);
    if named == Some(Tlp::Red) && marking::of_text(&name).is_none() {
        return Err("its name is none of TLP's levels".to_owned());
    }
    let texts =
        definition.definition.iter().flat_map(HashMap::values).chain(extensions.values().flat_map(HashMap::values));
    let stated = texts.filter_map(|text| text.as_str().and_then(marking::of_list)).max();
    let is_about_tlp = definition.definition_type.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("tlp"));
    match strictest.max(named).max(marking::of_list(&name)).max(stated) {
        None if is_about_tlp => Err("it says no level".to_owned()),
        tlp => Ok(tlp),
    }
}

/// What an object says of PAP and, where somebody writes it there, of TLP: in its labels, its name and what it tells people.
pub(super) fn spoken(common: &Common) -> (Option<Tlp>, Option<Pap>) {
    let tlp = common.labels.iter().filter_map(|label| marked::tlp(label)).max();
    let pap = common.labels.iter().filter_map(|label| marked::pap(label)).max();
    let Common { description, r#abstract, content, explanation, .. } = common;
    let texts = [description, r#abstract, content, explanation].into_iter().flat_map(|Texts(texts)| texts);
    let told = texts.chain(&common.name).filter_map(|text| marking::of_list(text)).max();
    (tlp.max(told), pap)
}
