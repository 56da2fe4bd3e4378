//! What an event says of itself, which holds for each of its attributes: read once an event, held in the first of two passes.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;
use varde_common::indicator::Severity;
use varde_common::tlp::Tlp;

use super::super::json::fault;
use super::super::loose::{self, Scalar, cut};
use super::super::marked::Said;
use super::super::marking;
use crate::limits::{FEED_AROUND_MAX_OCTETS, OBJECT_ID_MAX_OCTETS, TAG_MAX_CHARACTERS};

/// A tag.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Tag {
    #[serde(deserialize_with = "loose::word")]
    name: String,
}

/// A galaxy: clusters of one kind, as the event's or an attribute's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Galaxy {
    #[serde(deserialize_with = "loose::word")]
    r#type: String,
    #[serde(rename = "GalaxyCluster", deserialize_with = "loose::list")]
    clusters: Vec<Cluster>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Cluster {
    #[serde(deserialize_with = "loose::word")]
    r#type: String,
    #[serde(deserialize_with = "loose::word")]
    value: String,
    #[serde(deserialize_with = "loose::word")]
    tag_name: String,
}

/// Every tag that stands there, and each cluster as the tag that MISP writes for it.
pub(super) fn said(tags: &[Tag], galaxies: &[Galaxy]) -> Said {
    let clusters = galaxies.iter().flat_map(|galaxy| {
        galaxy.clusters.iter().map(|cluster| match cluster.tag_name.as_str() {
            "" => {
                let kind = if cluster.r#type.is_empty() { &galaxy.r#type } else { &cluster.r#type };
                format!("misp-galaxy:{kind}=\"{}\"", cluster.value)
            }
            tag => tag.to_owned(),
        })
    });
    let clusters: Vec<String> = clusters.collect();
    Said::by(tags.iter().map(|tag| tag.name.as_str()).chain(clusters.iter().map(String::as_str)))
}

/// What is gathered of an event while its keys come by.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RawHead {
    uuid: String,
    info: Option<String>,
    threat_level: Scalar,
    tags: Vec<Tag>,
    galaxies: Vec<Galaxy>,
    unreadable: Option<String>,
}

impl RawHead {
    /// Whether this key says something that is read.
    pub(super) fn has(key: &str) -> bool {
        matches!(key, "uuid" | "info" | "threat_level_id" | "Tag" | "Galaxy")
    }

    /// Takes in what stands under a key; tags that stand twice count together.
    pub(super) fn add(&mut self, key: &str, raw: &RawValue) {
        let text = raw.get();
        let done = match key {
            "uuid" => serde_json::from_str::<Scalar>(text).map(|uuid| self.uuid = uuid.into_text().unwrap_or_default()),
            "info" => serde_json::from_str::<Scalar>(text).map(|info| self.info = info.into_text()),
            "threat_level_id" => serde_json::from_str::<Scalar>(text).map(|level| self.threat_level = level),
            "Tag" => from_list::<Tag>(text).map(|tags| self.tags.extend(tags)),
            "Galaxy" => from_list::<Galaxy>(text).map(|galaxies| self.galaxies.extend(galaxies)),
            _ => Ok(()),
        };
        if let Err(error) = done {
            self.unreadable = Some(format!("its \"{key}\" cannot be read ({})", fault(&error)));
        }
    }
}

fn from_list<'de, T: Deserialize<'de>>(text: &'de str) -> Result<Vec<T>, serde_json::Error> {
    loose::list(&mut serde_json::Deserializer::from_str(text))
}

/// An event's head: what an attribute needs of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The event's name; empty where it has none that can be one.
    pub(super) uuid: String,
    /// Its title.
    pub(super) info: Option<String>,
    /// How bad it would be.
    pub(super) severity: Option<Severity>,
    /// What its tags come to.
    pub(super) said: Said,
    /// Why some of it cannot be read; its attributes are then marked most strictly.
    pub(super) unreadable: Option<String>,
}

impl From<RawHead> for Head {
    fn from(raw: RawHead) -> Head {
        let mut said = said(&raw.tags, &raw.galaxies);
        // Some write it into the title alone.
        said.tlp = said.tlp.max(raw.info.as_deref().and_then(marking::of_list));
        if raw.unreadable.is_some() {
            said.tlp = Some(Tlp::Red);
        }
        let severity = match raw.threat_level.number() {
            Some(1) => Some(Severity::High),
            Some(2) => Some(Severity::Medium),
            Some(3) => Some(Severity::Low),
            _ => None,
        };
        Head {
            uuid: if is_id(&raw.uuid) { raw.uuid } else { String::new() },
            info: raw.info.filter(|info| !info.is_empty()).map(|info| cut(&info, TAG_MAX_CHARACTERS)),
            severity,
            said,
            unreadable: raw.unreadable,
        }
    }
}

/// An attribute's own word of its event, in what `restSearch` answers.
impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Head, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Within {
            #[serde(deserialize_with = "loose::word")]
            uuid: String,
            #[serde(deserialize_with = "loose::text")]
            info: Option<String>,
            threat_level_id: Scalar,
            #[serde(rename = "Tag", deserialize_with = "loose::list")]
            tags: Vec<Tag>,
            #[serde(rename = "Galaxy", deserialize_with = "loose::list")]
            galaxies: Vec<Galaxy>,
        }
        let Within { uuid, info, threat_level_id, tags, galaxies } = Within::deserialize(deserializer)?;
        Ok(RawHead { uuid, info, threat_level: threat_level_id, tags, galaxies, unreadable: None }.into())
    }
}

/// Whether this can be the name of an event or an attribute.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= OBJECT_ID_MAX_OCTETS / 2 && !id.chars().any(char::is_control)
}

/// The heads of a file's events, within a bound of octets.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// None where nothing is said.
    heads: Vec<Option<Rc<Head>>>,
    deleted: HashSet<usize>,
    /// What objects say of their attributes in words.
    marked: HashMap<usize, Tlp>,
    octets: usize,
}

impl Heads {
    /// The head of the event of this number, from 1.
    pub(super) fn add(&mut self, event: usize, raw: RawHead) {
        if raw == RawHead::default() {
            return;
        }
        let head = Head::from(raw);
        let texts = [head.said.tags.as_slice(), head.said.techniques.as_slice()].concat();
        let texts: usize = texts.iter().chain(&head.info).map(|text| text.len() + size_of::<String>()).sum();
        if self.heads.len() < event {
            self.octets += (event - self.heads.len()) * size_of::<Option<Rc<Head>>>();
            self.heads.resize(event, None);
        }
        self.octets += size_of::<Head>() + head.uuid.len() + texts;
        if let Some(place) = event.checked_sub(1).and_then(|place| self.heads.get_mut(place)) {
            *place = Some(Rc::new(head));
        }
    }

    /// The object of this number is deleted, and its attributes with it.
    pub(super) fn add_deleted(&mut self, object: usize) {
        self.octets += 2 * size_of::<usize>();
        self.deleted.insert(object);
    }

    /// What the object of this number says in words; the strictest counts.
    pub(super) fn add_words(&mut self, object: usize, words: &str) {
        if let Some(tlp) = marking::of_list(words) {
            self.octets += 2 * size_of::<(usize, Tlp)>();
            let known = self.marked.entry(object).or_insert(tlp);
            *known = (*known).max(tlp);
        }
    }

    /// Whether they are within the bound.
    ///
    /// # Errors
    /// What to do where they are not.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.octets > FEED_AROUND_MAX_OCTETS {
            true => Err(format!(
                "what its events say of themselves comes to more than {FEED_AROUND_MAX_OCTETS} bytes; split it"
            )),
            false => Ok(()),
        }
    }

    /// The head of an event; one that says nothing where there is none.
    pub(super) fn of(&self, event: usize) -> Rc<Head> {
        event.checked_sub(1).and_then(|place| self.heads.get(place)).cloned().flatten().unwrap_or_default()
    }

    /// Whether the object of this number is deleted.
    pub(super) fn is_deleted(&self, object: usize) -> bool {
        self.deleted.contains(&object)
    }

    /// How the object of this number is marked by its words.
    pub(super) fn marked(&self, object: usize) -> Option<Tlp> {
        self.marked.get(&object).copied()
    }

    /// Events of which something cannot be read.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.heads.iter().flatten().filter_map(|head| Some((head.uuid.as_str(), head.unreadable.as_deref()?)))
    }
}
