//! MISP: events as feeds and exports have them, and what `restSearch` answers. Only what is meant for detection (`to_ids`) becomes an
//! indicator; what an event says holds for each of its attributes.

use std::fmt;
use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use varde_common::indicator::Severity;
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::json::{self, Allowance, Each};
use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, LeftOut, Place, Withdrawn, techniques};
use crate::intel::canonical::{About, Details, Found, Object, Pap};
use crate::limits::{FEED_REFERENCES_MAX, OBJECT_TEXT_MAX_OCTETS};

/// Whether a file begins like one of MISP's.
pub(super) fn is_one(head: &str) -> bool {
    let begins = head.trim_start();
    (begins.starts_with('{') || begins.starts_with('['))
        && (head.contains("\"Event\"") || head.contains("\"Attribute\""))
        && !head.contains("\"spec_version\"")
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Tag {
    name: String,
}

/// What an event says of itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Head {
    uuid: String,
    info: String,
    #[serde(rename = "Tag")]
    tags: Vec<Tag>,
    threat_level_id: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attribute {
    uuid: String,
    r#type: String,
    value: String,
    to_ids: serde_json::Value,
    deleted: serde_json::Value,
    comment: String,
    timestamp: serde_json::Value,
    #[serde(rename = "Tag")]
    tags: Vec<Tag>,
    /// Of what `restSearch` answers for attributes.
    #[serde(rename = "Event")]
    event: Option<Head>,
}

/// MISP writes numbers and truths as JSON has them, or as text.
fn number(value: &serde_json::Value) -> Option<i64> {
    match value {
        serde_json::Value::Number(number) => number.as_i64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        serde_json::Value::Bool(truth) => Some(i64::from(*truth)),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

/// What is told of a file: the heads of its events, in order, or their attributes with the place of the event they stand in.
enum Told<'a> {
    Heads(&'a mut Vec<Head>),
    Attributes(&'a mut dyn FnMut(usize, &RawValue) -> ControlFlow<()>),
}

/// One object or array anywhere above the attributes. Which event it stands in is counted.
struct Node<'a, 'b> {
    told: &'a mut Told<'b>,
    events: &'a mut usize,
    allowance: &'a Allowance,
    is_event: bool,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or array of MISP's")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Node { told, events, allowance, .. } = self;
        loop {
            allowance.renew();
            let node = Node { told: &mut *told, events: &mut *events, allowance, is_event: false };
            if array.next_element_seed(node)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Node { told, events, allowance, is_event } = self;
        let mut head = Head::default();
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                "Attribute" => {
                    let event = *events;
                    let mut take = |raw: &RawValue| match &mut *told {
                        Told::Attributes(take) => take(event, raw),
                        Told::Heads(_) => ControlFlow::Continue(()),
                    };
                    object.next_value_seed(Each { allowance, take: &mut take })?;
                }
                "Event" | "Object" | "response" => {
                    if key == "Event" {
                        *events += 1;
                    }
                    let is_event = key == "Event";
                    object.next_value_seed(Node { told: &mut *told, events: &mut *events, allowance, is_event })?;
                }
                "uuid" if is_event => head.uuid = object.next_value()?,
                "info" if is_event => head.info = object.next_value()?,
                "Tag" if is_event => head.tags = object.next_value()?,
                "threat_level_id" if is_event => head.threat_level_id = object.next_value()?,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
            allowance.renew();
        }
        if let (true, Told::Heads(heads)) = (is_event, told) {
            // An event within an event would come after it; there are none.
            heads.resize(*events, Head::default());
            if let Some(last) = heads.last_mut() {
                *last = head;
            }
            if heads.len() > FEED_REFERENCES_MAX {
                return Err(serde::de::Error::custom(format!("more than {FEED_REFERENCES_MAX} events; split it")));
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// The seed of a whole file.
struct Whole<'a, 'b> {
    told: &'a mut Told<'b>,
    allowance: Allowance,
}

impl<'de> DeserializeSeed<'de> for Whole<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut events = 0;
        Node { told: self.told, events: &mut events, allowance: &self.allowance, is_event: false }
            .deserialize(deserializer)
    }
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut heads = Vec::new();
    let mut told = Told::Heads(&mut heads);
    json::read(input, "MISP event", |allowance| Whole { told: &mut told, allowance })?;
    input.rewind()?;
    let nobody = Head::default();
    let mut attribute = |event: usize, raw: &RawValue| {
        let head = event.checked_sub(1).and_then(|place| heads.get(place)).unwrap_or(&nobody);
        attribute(head, raw.get(), take)
    };
    let mut told = Told::Attributes(&mut attribute);
    json::read(input, "MISP event", |allowance| Whole { told: &mut told, allowance })
}

fn attribute(head: &Head, text: &str, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> ControlFlow<()> {
    let attribute = match serde_json::from_str::<Attribute>(text) {
        Ok(attribute) => attribute,
        Err(error) => {
            let shown: String = text.chars().take(80).collect();
            let place = Place::Object(format!("in event {}", head.uuid));
            let text = shown.escape_debug().to_string();
            return take(Item::LeftOut(LeftOut { place, text, why: format!("is no attribute of MISP's: {error}") }));
        }
    };
    let head = attribute.event.as_ref().unwrap_or(head);
    // An attribute that vanishes with its event is found by the event's name.
    let id = format!("{}/{}", head.uuid, attribute.uuid);
    let modified = number(&attribute.timestamp).and_then(|seconds| seconds.checked_mul(1_000_000)).map(Timestamp);
    let modified = modified.filter(|at| *at == at.clamped() && at.0 > 0);
    if number(&attribute.deleted) == Some(1) {
        return take(Item::Withdrawn(Withdrawn { object_id: id, modified }));
    }
    if number(&attribute.to_ids) != Some(1) {
        return take(Item::PassedOver);
    }
    let about = about(head, &attribute);
    let clue = |kind: &str, value: &str| {
        let value = value.chars().take(OBJECT_TEXT_MAX_OCTETS / 4).collect();
        Item::Clue(Clue { object_id: id.clone(), kind: kind.to_owned(), value, tlp: about.tlp })
    };
    let item = match meant(&attribute) {
        Ok(Value::Clue(_)) => clue(&attribute.r#type, &attribute.value),
        Ok(Value::Pattern(pattern)) => found(&id, pattern, about.clone(), modified, text),
        Ok(Value::OfUrl(pattern)) => found(&id, pattern, about.clone().of_url(&attribute.value), modified, text),
        Err(why) => {
            let shown: String = attribute.value.chars().take(80).collect();
            Item::LeftOut(LeftOut { place: Place::Object(id.clone()), text: shown.escape_debug().to_string(), why })
        }
    };
    take(item)
}

fn found(
    id: &str,
    pattern: varde_common::indicator::Pattern,
    about: About,
    modified: Option<Timestamp>,
    text: &str,
) -> Item {
    let text = (text.len() <= OBJECT_TEXT_MAX_OCTETS).then(|| text.to_owned());
    let object = Object { id: id.to_owned(), modified, text };
    Item::Found(Place::Object(id.to_owned()), Box::new(Found { pattern, about, object }))
}

/// What an attribute's type and value come to.
fn meant(attribute: &Attribute) -> Result<Value, String> {
    let value = attribute.value.trim();
    let (first, second) = value.split_once('|').unwrap_or((value, ""));
    let with_port = |names| {
        let (host, port) =
            if second.is_empty() { value.rsplit_once(':').unwrap_or((value, "")) } else { (first, second) };
        let text = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        value::pattern(&text, names).map(Value::Pattern)
    };
    match attribute.r#type.as_str() {
        "domain" => value::pattern(value, Names::Domain).map(Value::Pattern),
        // The answer to a look-up of the name shows the address.
        "domain|ip" => value::pattern(first, Names::Domain).map(Value::Pattern),
        "hostname" => value::pattern(value, Names::Host).map(Value::Pattern),
        "ip-dst" => value::pattern(value, Names::Host).map(Value::Pattern),
        "ip-dst|port" | "hostname|port" => with_port(Names::Host),
        "url" | "uri" if value.contains('.') => value::read(value, Names::Host).map(|read| match read {
            Value::Pattern(pattern) | Value::OfUrl(pattern) => Value::OfUrl(pattern),
            Value::Clue(kind) => Value::Clue(kind),
        }),
        "ja4" => value::pattern(&format!("ja4:{value}"), Names::Host).map(Value::Pattern),
        // Who connects to a member (ip-src), hashes, certificates, mail: kept for people.
        _ => Ok(Value::Clue("")),
    }
}

fn about(head: &Head, attribute: &Attribute) -> About {
    let tags: Vec<String> =
        head.tags.iter().chain(&attribute.tags).map(|tag| tag.name.clone()).filter(|name| !name.is_empty()).collect();
    let said = |prefix: &str| {
        let prefix = prefix.to_owned();
        tags.iter().filter(move |tag| tag.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(&prefix)))
    };
    let tlp: Option<Tlp> = said("tlp:").filter_map(|tag| tag.parse().ok()).max();
    let pap: Option<Pap> = said("pap:").filter_map(|tag| tag.parse().ok()).max();
    // How credible it is, from 1 (confirmed) to 5 (improbable); the least where several say.
    let credibility = said("admiralty-scale:information-credibility=").filter_map(|tag| {
        match tag.rsplit('=').next()?.trim_matches('"') {
            "1" => Some(90),
            "2" => Some(70),
            "3" => Some(50),
            "4" => Some(30),
            "5" => Some(10),
            _ => None,
        }
    });
    let severity = match number(&head.threat_level_id) {
        Some(1) => Some(Severity::High),
        Some(2) => Some(Severity::Medium),
        Some(3) => Some(Severity::Low),
        _ => None,
    };
    About {
        threat: (!head.info.is_empty()).then(|| head.info.clone()),
        confidence: credibility.min(),
        severity,
        tlp,
        pap,
        exercise: said("exercise:").next().is_some(),
        details: Details {
            techniques: techniques(&tags),
            note: (!attribute.comment.is_empty()).then(|| attribute.comment.clone()),
            tags: tags.into_iter().take(50).collect(),
            ..Details::default()
        },
        ..About::default()
    }
}

#[cfg(test)]
mod tests;
