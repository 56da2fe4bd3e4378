//! MISP: events as feeds and exports have them, and what `restSearch` answers. Only what is meant for detection (`to_ids`) becomes an
//! indicator; what an event says holds for each of its attributes.

mod head;
mod walk;

use std::ops::ControlFlow;
use std::rc::Rc;

use serde::Deserialize;
use varde_common::indicator::{Pattern, Target};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use self::head::{Galaxy, Head, Heads, Tag, is_id};
use self::walk::{Told, Walk};
use super::loose::{self, Scalar, cut, shown};
use super::marked::Said;
use super::marking;
use super::value::{self, Names, Value};
use super::{BadFile, Clue, Input, Item, LeftOut, Place, Withdrawn, json};
use crate::intel::canonical::{About, Details, Found, Object};
use crate::limits::{
    CLUE_KIND_MAX_CHARACTERS, NOTE_MAX_CHARACTERS, OBJECT_TEXT_MAX_OCTETS, TAG_MAX_CHARACTERS, TAGS_MAX,
};

/// Of an entry that is left out, as much is shown.
const SHOWN_MAX_CHARACTERS: usize = 80;
/// Of a reason, which may repeat what stands there.
const REASON_MAX_CHARACTERS: usize = 300;

/// Whether a file begins like one of MISP's.
pub(super) fn is_one(head: &str) -> bool {
    let begins = head.trim_start();
    (begins.starts_with('{') || begins.starts_with('['))
        && (head.contains("\"Event\"") || head.contains("\"Attribute\""))
        && !head.contains("\"spec_version\"")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attribute {
    #[serde(deserialize_with = "loose::word")]
    uuid: String,
    #[serde(deserialize_with = "loose::word")]
    r#type: String,
    #[serde(deserialize_with = "loose::word")]
    value: String,
    to_ids: Scalar,
    deleted: Scalar,
    #[serde(deserialize_with = "loose::word")]
    comment: String,
    timestamp: Scalar,
    #[serde(deserialize_with = "loose::text")]
    first_seen: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    last_seen: Option<String>,
    #[serde(rename = "Tag", deserialize_with = "loose::list")]
    tags: Vec<Tag>,
    #[serde(rename = "Galaxy", deserialize_with = "loose::list")]
    galaxies: Vec<Galaxy>,
    /// What the source's own models say of its age, where that was asked for.
    #[serde(deserialize_with = "loose::list")]
    decay_score: Vec<Decay>,
    /// Of what `restSearch` answers for attributes.
    #[serde(rename = "Event")]
    event: Option<Head>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decay {
    #[serde(deserialize_with = "loose::truth")]
    decayed: bool,
}

/// What can still be known of an attribute that cannot be read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    uuid: Scalar,
    timestamp: Scalar,
}

/// When a version was made: seconds, as a number or as text.
fn moment_of(timestamp: &Scalar) -> Option<Timestamp> {
    let seconds = timestamp.number().filter(|seconds| *seconds > 0)?;
    let at = Timestamp(seconds.checked_mul(1_000_000)?);
    (at == at.clamped()).then_some(at)
}

pub(super) fn read(input: &mut dyn Input, take: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Result<(), BadFile> {
    let mut heads = Heads::default();
    json::read(input, "MISP event", &mut Walk::new(Told::Heads(&mut heads)))?;
    for (uuid, why) in heads.unreadable() {
        let left_out = LeftOut {
            place: Place::Object(shown(uuid, TAG_MAX_CHARACTERS)),
            text: "the event itself".to_owned(),
            why: format!("is not read whole: {why}; its attributes are taken as TLP:RED"),
        };
        if take(Item::LeftOut(left_out)).is_break() {
            return Ok(());
        }
    }
    input.rewind()?;
    let mut attribute = |stands: walk::Stands, raw: &serde_json::value::RawValue| {
        let object = Of { is_deleted: heads.is_deleted(stands.object), tlp: heads.marked(stands.object) };
        attribute(&heads.of(stands.event), object, raw.get(), take)
    };
    json::read(input, "MISP event", &mut Walk::new(Told::Attributes(&mut attribute)))
}

/// What the object in which an attribute stands says of it.
#[derive(Debug, Clone, Copy)]
struct Of {
    is_deleted: bool,
    tlp: Option<Tlp>,
}

fn attribute(
    head: &Rc<Head>,
    object: Of,
    text: &str,
    take: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let attribute = match serde_json::from_str::<Attribute>(text) {
        Ok(attribute) => attribute,
        Err(error) => {
            let place = Place::Object(format!("in event {}", shown(&head.uuid, TAG_MAX_CHARACTERS)));
            let why = format!("is no attribute of MISP's: {}", json::fault(&error));
            take(Item::LeftOut(LeftOut { place, text: shown(text, SHOWN_MAX_CHARACTERS), why }))?;
            // Whatever it was to say, what its older version said does not stand.
            return match serde_json::from_str::<Named>(text) {
                Ok(Named { uuid: Scalar::Text(uuid), timestamp }) if is_id(&uuid) => {
                    let object_id = format!("{}/{uuid}", head.uuid);
                    take(Item::Silent(Withdrawn { object_id, modified: moment_of(&timestamp) }))
                }
                Ok(_) | Err(_) => ControlFlow::Continue(()),
            };
        }
    };
    let head = attribute.event.as_ref().unwrap_or(head);
    // An attribute that vanishes with its event is found by the event's name. One without a name of its own is one of a list.
    let id = if is_id(&attribute.uuid) { format!("{}/{}", head.uuid, attribute.uuid) } else { String::new() };
    let modified = moment_of(&attribute.timestamp);
    let version = || Withdrawn { object_id: id.clone(), modified };
    let tell_silent = |take: &mut dyn FnMut(Item) -> ControlFlow<()>| match id.is_empty() {
        true => ControlFlow::Continue(()),
        false => take(Item::Silent(version())),
    };
    if object.is_deleted || attribute.deleted.is_true() {
        return if id.is_empty() { take(Item::PassedOver) } else { take(Item::Withdrawn(version())) };
    }
    let own = head::said(&attribute.tags, &attribute.galaxies);
    // Aged beyond use by every model of its source's; or its writer has not finished it, or has rejected it.
    let is_aged = !attribute.decay_score.is_empty() && attribute.decay_score.iter().all(|score| score.decayed);
    if !attribute.to_ids.is_true() || is_aged || own.is_draft || head.said.is_draft {
        take(Item::PassedOver)?;
        return tell_silent(take);
    }
    let mut about = about(head, own, &attribute);
    about.tlp = about.tlp.max(object.tlp);
    let place = || Place::Object(shown(if id.is_empty() { &attribute.value } else { &id }, TAG_MAX_CHARACTERS));
    let kept = (text.len() <= OBJECT_TEXT_MAX_OCTETS).then(|| text.to_owned());
    let found = |pattern, about| {
        Item::Found(
            place(),
            Box::new(Found { pattern, about, object: Object { id: id.clone(), modified, text: kept } }),
        )
    };
    let item = match meant(&attribute) {
        Ok(Value::Pattern(pattern)) => return take(found(pattern, about)),
        Ok(Value::OfUrl(pattern)) => return take(found(pattern, about.of_url(&attribute.value))),
        Ok(Value::Clue(_)) => Item::Clue(Clue {
            object_id: id.clone(),
            kind: shown(&attribute.r#type, CLUE_KIND_MAX_CHARACTERS),
            value: cut(&attribute.value, OBJECT_TEXT_MAX_OCTETS / 4),
            tlp: about.tlp,
        }),
        Err(why) => Item::LeftOut(LeftOut {
            place: place(),
            text: shown(&attribute.value, SHOWN_MAX_CHARACTERS),
            why: shown(&why, REASON_MAX_CHARACTERS),
        }),
    };
    take(item)?;
    tell_silent(take)
}

/// What an attribute's type and value come to; the value must be of the type's kind.
fn meant(attribute: &Attribute) -> Result<Value, String> {
    let value = attribute.value.trim();
    let (first, second) = value.split_once('|').unwrap_or((value, ""));
    let (first, second) = (first.trim(), second.trim());
    let with_port = |wanted: Wanted| {
        let (host, port) =
            if second.is_empty() { value.rsplit_once(':').unwrap_or((value, "")) } else { (first, second) };
        let text = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        fitting(&text, wanted)
    };
    match attribute.r#type.as_str() {
        "domain" => fitting(value, Wanted::Domain),
        // The answer to a look-up of the name shows the address.
        "domain|ip" => fitting(first, Wanted::Domain),
        "hostname" => fitting(value, Wanted::Host),
        "ip-dst" => fitting(value, Wanted::Address),
        "ip-dst|port" => with_port(Wanted::Address),
        "hostname|port" => with_port(Wanted::Host),
        "url" | "uri" if value.contains('.') || value.contains("://") => {
            value::read(value, Names::Host).map(|read| match read {
                Value::Pattern(pattern) | Value::OfUrl(pattern) => Value::OfUrl(pattern),
                Value::Clue(kind) => Value::Clue(kind),
            })
        }
        "ja4" => value::pattern(&format!("ja4:{value}"), Names::Host).map(Value::Pattern),
        // Who connects to a member (ip-src), hashes, fingerprints that sensors do not make (JA3, certificates), mail: for people.
        _ => Ok(Value::Clue("")),
    }
}

/// What a type asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Domain,
    Host,
    Address,
}

fn fitting(text: &str, wanted: Wanted) -> Result<Value, String> {
    let names = if wanted == Wanted::Domain { Names::Domain } else { Names::Host };
    let pattern: Pattern = value::pattern(text, names)?;
    let (fits, kind) = match wanted {
        Wanted::Domain | Wanted::Host => (matches!(pattern.target, Target::Domain(_) | Target::Host(_)), "a name"),
        Wanted::Address => {
            (matches!(pattern.target, Target::Address(_) | Target::Network { .. }), "an address or a network")
        }
    };
    match fits {
        true => Ok(Value::Pattern(pattern)),
        false => Err(format!("is not an indicator: its type says {kind}, and it is of kind {}", pattern.target.kind())),
    }
}

/// What is said of an attribute, by itself and by its event.
fn about(head: &Head, own: Said, attribute: &Attribute) -> About {
    let moment = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let together = |own: Vec<String>, all: &[String]| {
        let mut together = own;
        together.extend_from_slice(all);
        together.sort_unstable();
        together.dedup();
        together.truncate(TAGS_MAX);
        together
    };
    let threat = own.threat.or_else(|| head.said.threat.clone()).map(|(_, name)| name);
    About {
        threat: threat.or_else(|| head.info.clone()),
        confidence: own.sure.or(head.said.sure),
        severity: head.severity,
        tlp: own.tlp.max(head.said.tlp).max(marking::of_list(&attribute.comment)),
        pap: own.pap.max(head.said.pap),
        exercise: own.exercise || head.said.exercise,
        details: Details {
            techniques: together(own.techniques, &head.said.techniques),
            tags: together(own.tags, &head.said.tags),
            note: (!attribute.comment.is_empty()).then(|| cut(&attribute.comment, NOTE_MAX_CHARACTERS)),
            first_seen: moment(&attribute.first_seen),
            last_seen: moment(&attribute.last_seen),
            ..Details::default()
        },
        ..About::default()
    }
}

#[cfg(test)]
mod tests;
