//! STIX 2.1 bundles, and what TAXII servers answer with: indicators by their patterns, with what other objects of the same bundle
//! say of them. Bare observables and observed data are never indicators.

mod marking;
mod pattern;

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde::Deserialize;
use serde_json::value::RawValue;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use self::marking::Definition;
use self::pattern::{Wanted, What};
use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, LeftOut, Place, Withdrawn, json, techniques};
use crate::intel::canonical::{About, Details, Found, Object, Pap};
use crate::intel::outward::stix::{EXACT_HOST, severity_of};
use crate::limits::{FEED_REFERENCES_MAX, OBJECT_TEXT_MAX_OCTETS};

/// What every object has, and what those that are read have beside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Common {
    r#type: String,
    id: String,
    modified: Option<String>,
    revoked: bool,
    name: Option<String>,
    labels: Vec<String>,
    object_marking_refs: Vec<String>,
    granular_markings: Vec<Granular>,
    external_references: Vec<Reference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Granular {
    marking_ref: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    source_name: String,
    external_id: Option<String>,
    url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Indicator {
    pattern: String,
    pattern_type: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    confidence: Option<u8>,
    description: Option<String>,
    indicator_types: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Relationship {
    relationship_type: String,
    source_ref: String,
    target_ref: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    object_refs: Vec<String>,
}

/// A report or grouping that names indicators: what it says holds for each of them.
#[derive(Debug, Default)]
struct Head {
    name: Option<String>,
    tlp: Option<Tlp>,
    pap: Option<Pap>,
    techniques: Vec<String>,
}

/// What the rest of a bundle says of its indicators.
#[derive(Debug, Default)]
struct Around {
    markings: HashMap<String, Tlp>,
    /// Malware, campaigns, intrusion sets, actors and tools by their names; techniques by theirs.
    threats: HashMap<String, String>,
    techniques: HashMap<String, String>,
    /// Indicator → what it indicates.
    indicates: HashMap<String, Vec<String>>,
    heads: Vec<Head>,
    in_reports: HashMap<String, Vec<usize>>,
    references: usize,
}

/// Whether a file begins like a bundle, or like what a TAXII server answers.
pub(super) fn is_one(head: &str) -> bool {
    head.trim_start().starts_with('{')
        && head.contains("\"objects\"")
        && (head.contains("\"bundle\"") || head.contains("\"spec_version\""))
}

fn each(
    input: &mut dyn Input,
    mut take: impl FnMut(&str, Result<Common, String>) -> ControlFlow<()>,
) -> Result<(), BadFile> {
    let mut element = |raw: &RawValue| {
        let common = serde_json::from_str::<Common>(raw.get()).map_err(|error| error.to_string());
        take(raw.get(), common)
    };
    json::read(input, "STIX bundle", |allowance| json::EachUnder { key: "objects", allowance, take: &mut element })
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut around = Around::default();
    each(input, |text, common| {
        if let Ok(common) = common {
            around.add(text, common);
        }
        match around.references > FEED_REFERENCES_MAX {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    if around.references > FEED_REFERENCES_MAX {
        return Err(BadFile::Format(format!(
            "it holds more than {FEED_REFERENCES_MAX} references between objects; split it"
        )));
    }
    input.rewind()?;
    let mut place = 0_u64;
    each(input, |text, common| {
        place += 1;
        match common {
            Ok(common) if common.r#type == "indicator" => around.indicator(text, common, take),
            Ok(_) => ControlFlow::Continue(()),
            Err(why) => {
                let place = Place::Object(format!("number {place}"));
                take(Item::LeftOut(LeftOut { place, text: cut(text), why: format!("is no STIX object: {why}") }))
            }
        }
    })
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect::<String>().escape_debug().to_string()
}

impl Around {
    fn add(&mut self, text: &str, common: Common) {
        let Common { r#type, id, name, .. } = &common;
        match r#type.as_str() {
            "marking-definition" => {
                let definition = serde_json::from_str::<Definition>(text).unwrap_or_default();
                if let Some(tlp) = definition.tlp() {
                    self.references += 1;
                    self.markings.insert(id.clone(), tlp);
                }
            }
            "malware" | "campaign" | "intrusion-set" | "threat-actor" | "tool" | "infrastructure" => {
                if let Some(name) = name {
                    self.references += 1;
                    self.threats.insert(id.clone(), name.clone());
                }
            }
            "attack-pattern" => {
                let known = common.external_references.iter().filter(|known| known.source_name == "mitre-attack");
                if let Some(technique) = known.filter_map(|known| known.external_id.clone()).next() {
                    self.references += 1;
                    self.techniques.insert(id.clone(), technique);
                }
            }
            "relationship" => {
                let Ok(relationship) = serde_json::from_str::<Relationship>(text) else { return };
                if relationship.relationship_type == "indicates" {
                    self.references += 1;
                    self.indicates.entry(relationship.source_ref).or_default().push(relationship.target_ref);
                }
            }
            "report" | "grouping" => {
                let Ok(report) = serde_json::from_str::<Report>(text) else { return };
                let (tlp, pap) = self.marked(&common);
                let head = Head { name: common.name, tlp, pap, techniques: techniques(&common.labels) };
                for id in report.object_refs.into_iter().filter(|id| id.starts_with("indicator--")) {
                    self.references += 1;
                    self.in_reports.entry(id).or_default().push(self.heads.len());
                }
                self.heads.push(head);
            }
            _ => {}
        }
    }

    /// How an object is marked: the strictest of its markings, of the whole and of parts.
    fn marked(&self, common: &Common) -> (Option<Tlp>, Option<Pap>) {
        let parts = common.granular_markings.iter().map(|granular| &granular.marking_ref);
        let ids = common.object_marking_refs.iter().chain(parts);
        let tlp = ids.filter_map(|id| marking::tlp_of(id, &self.markings)).max();
        let (said, pap) = marking::of_labels(&common.labels);
        (tlp.max(said), pap)
    }

    fn indicator(&self, text: &str, common: Common, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
        let place = || Place::Object(common.id.clone());
        let bad = |shown: &str, why: String| Item::LeftOut(LeftOut { place: place(), text: cut(shown), why });
        let modified = common.modified.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        if common.id.is_empty() {
            return take(bad(text, "is not imported: it has no id".to_owned()));
        }
        if common.revoked {
            return take(Item::Withdrawn(Withdrawn { object_id: common.id.clone(), modified }));
        }
        let indicator = match serde_json::from_str::<Indicator>(text) {
            Ok(indicator) => indicator,
            Err(error) => return take(bad(text, format!("is not imported: {error}"))),
        };
        let clue = |kind: &str, value: &str, tlp| {
            let value = value.chars().take(OBJECT_TEXT_MAX_OCTETS / 4).collect();
            Item::Clue(Clue { object_id: common.id.clone(), kind: kind.to_owned(), value, tlp })
        };
        let about = self.about(&common, &indicator);
        let kind = indicator.pattern_type.as_deref().unwrap_or("stix");
        if kind != "stix" {
            return take(clue(&format!("pattern of {kind}"), &indicator.pattern, about.tlp));
        }
        for (what, moment) in [("valid_from", &indicator.valid_from), ("valid_until", &indicator.valid_until)] {
            if let Some(moment) = moment.as_deref().filter(|moment| moment.parse::<Timestamp>().is_err()) {
                return take(bad(moment, format!("is not imported: its {what} is no time (RFC 3339)")));
            }
        }
        let wanted = match pattern::read(&indicator.pattern) {
            Ok(wanted) => wanted,
            Err(why) if why.0.starts_with("is no STIX") => return take(bad(&indicator.pattern, why.0)),
            // Good intelligence, beyond what sensors see.
            Err(_) => return take(clue("pattern beyond sensors", &indicator.pattern, about.tlp)),
        };
        let is_benign = indicator.indicator_types.iter().any(|kind| kind == "benign");
        let text = (text.len() <= OBJECT_TEXT_MAX_OCTETS).then(|| text.to_owned());
        let object = Object { id: common.id.clone(), modified, text };
        let names = if common.labels.iter().any(|label| label == EXACT_HOST) { Names::Host } else { Names::Domain };
        for one in wanted {
            let (pattern, about) = match sought(&one, names) {
                Ok(Value::Pattern(pattern)) => (pattern, about.clone()),
                Ok(Value::OfUrl(pattern)) => (pattern, about.clone().of_url(&one.value)),
                Ok(Value::Clue(kind)) => {
                    let kind = if let What::Other(what) = &one.what { what.as_str() } else { kind };
                    take(clue(kind, &one.value, about.tlp))?;
                    continue;
                }
                Err(why) => {
                    take(bad(&one.value, why))?;
                    continue;
                }
            };
            let found = Box::new(Found { pattern, about, object: object.clone() });
            take(if is_benign { Item::Harmless(place(), found) } else { Item::Found(place(), found) })?;
        }
        ControlFlow::Continue(())
    }

    fn about(&self, common: &Common, indicator: &Indicator) -> About {
        let reports: Vec<&Head> =
            self.in_reports.get(&common.id).into_iter().flatten().filter_map(|place| self.heads.get(*place)).collect();
        let (mut tlp, mut pap) = self.marked(common);
        let mut known = techniques(&common.labels);
        for report in &reports {
            tlp = tlp.max(report.tlp);
            pap = pap.max(report.pap);
            known.extend(report.techniques.iter().cloned());
        }
        let targets = self.indicates.get(&common.id).into_iter().flatten();
        let mut threat = None;
        for target in targets {
            threat = threat.or_else(|| self.threats.get(target).cloned());
            known.extend(self.techniques.get(target).cloned());
        }
        known.sort_unstable();
        known.dedup();
        About {
            threat: threat.or_else(|| reports.iter().find_map(|report| report.name.clone())),
            confidence: indicator.confidence.filter(|sure| *sure <= 100),
            severity: common.labels.iter().filter_map(|label| severity_of(label)).max(),
            tlp,
            pap,
            valid_from: indicator.valid_from.as_deref().and_then(|text| text.parse().ok()),
            valid_until: indicator.valid_until.as_deref().and_then(|text| text.parse().ok()),
            details: Details {
                techniques: known,
                tags: common.labels.iter().chain(&indicator.indicator_types).take(50).cloned().collect(),
                note: indicator.description.clone().or_else(|| common.name.clone()),
                url: common.external_references.iter().find_map(|reference| reference.url.clone()),
                ..Details::default()
            },
            ..About::default()
        }
    }
}

/// What a comparison asks for.
fn sought(one: &Wanted, names: Names) -> Result<Value, String> {
    match &one.what {
        What::Other(_) => Ok(Value::Clue("")),
        What::Url => value::read(&one.value, Names::Host).map(|read| match read {
            Value::Pattern(pattern) | Value::OfUrl(pattern) => Value::OfUrl(pattern),
            Value::Clue(kind) => Value::Clue(kind),
        }),
        What::Name | What::Address => {
            let is_v6 = one.value.contains(':') && one.port.is_some();
            let text = match &one.port {
                Some(port) if is_v6 => format!("[{}]:{port}", one.value),
                Some(port) => format!("{}:{port}", one.value),
                None => one.value.clone(),
            };
            // Words in front of a name are a mistake of whoever wrote it, not part of the name.
            value::pattern(&text, names).map(Value::Pattern)
        }
    }
}

#[cfg(test)]
mod tests;
