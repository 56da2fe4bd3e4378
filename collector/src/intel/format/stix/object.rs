//! Objects of a bundle, as far as they are read, and what can still be known of one that cannot.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use varde_common::time::Timestamp;

use super::super::loose::{self, Scalar, Texts};
use crate::limits::OBJECT_ID_MAX_OCTETS;

/// What every object has, and what those that are read have beside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Common {
    #[serde(deserialize_with = "loose::word")]
    pub(super) r#type: String,
    #[serde(deserialize_with = "loose::word")]
    pub(super) id: String,
    #[serde(deserialize_with = "loose::text")]
    modified: Option<String>,
    #[serde(deserialize_with = "loose::truth")]
    pub(super) revoked: bool,
    #[serde(deserialize_with = "loose::text")]
    pub(super) name: Option<String>,
    /// What it tells people, under the keys that objects have for that; a marking may stand there.
    pub(super) description: Texts,
    pub(super) r#abstract: Texts,
    pub(super) content: Texts,
    pub(super) explanation: Texts,
    #[serde(deserialize_with = "loose::list")]
    pub(super) labels: Vec<String>,
    #[serde(deserialize_with = "loose::list")]
    pub(super) object_marking_refs: Vec<String>,
    #[serde(deserialize_with = "loose::list")]
    pub(super) granular_markings: Vec<Granular>,
    #[serde(deserialize_with = "loose::list")]
    pub(super) external_references: Vec<Reference>,
}

impl Common {
    /// When this version of it was made.
    pub(super) fn modified(&self) -> Option<Timestamp> {
        self.modified.as_deref().and_then(|text| text.parse().ok())
    }

    /// Whether it can be told from others by its id.
    pub(super) fn has_id(&self) -> bool {
        is_id(&self.id)
    }
}

/// Whether this can be the name of an object.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= OBJECT_ID_MAX_OCTETS && !id.chars().any(char::is_control)
}

/// A marking of a part of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Granular {
    #[serde(deserialize_with = "loose::word")]
    pub(super) marking_ref: String,
}

/// Where more stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    #[serde(deserialize_with = "loose::word")]
    pub(super) source_name: String,
    #[serde(deserialize_with = "loose::text")]
    pub(super) external_id: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    pub(super) url: Option<String>,
}

/// What an indicator has beside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Indicator {
    #[serde(deserialize_with = "loose::word")]
    pub(super) pattern: String,
    #[serde(deserialize_with = "loose::text")]
    pub(super) pattern_type: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    pub(super) valid_from: Option<String>,
    #[serde(deserialize_with = "loose::text")]
    pub(super) valid_until: Option<String>,
    pub(super) confidence: Scalar,
    #[serde(deserialize_with = "loose::text")]
    pub(super) description: Option<String>,
    #[serde(deserialize_with = "loose::list")]
    pub(super) indicator_types: Vec<String>,
}

/// What a relationship has beside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Relationship {
    #[serde(deserialize_with = "loose::word")]
    pub(super) relationship_type: String,
    #[serde(deserialize_with = "loose::word")]
    pub(super) source_ref: String,
    #[serde(deserialize_with = "loose::word")]
    pub(super) target_ref: String,
}

/// What reports, groupings, notes and opinions have beside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Naming {
    #[serde(deserialize_with = "loose::list")]
    pub(super) object_refs: Vec<String>,
}

/// What can still be known of an object that cannot be read: every text under the keys that say what it is and what it names,
/// also where a key stands twice or holds something else than it should.
#[derive(Debug, Default)]
pub(super) struct Gist {
    /// What it may be.
    pub(super) types: Vec<String>,
    /// How it may be called.
    pub(super) ids: Vec<String>,
    /// When it may have been changed, the latest.
    pub(super) modified: Option<Timestamp>,
    /// What it names.
    pub(super) named: Vec<String>,
}

impl Gist {
    /// Of an object's text; empty where it is no object.
    pub(super) fn of(text: &str) -> Gist {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Whether it is a bundle of others.
    pub(super) fn is_bundle(&self) -> bool {
        matches!(self.types.as_slice(), [only] if only == "bundle")
    }

    /// Whether it may be one of these.
    pub(super) fn may_be(&self, types: &[&str]) -> bool {
        self.types.is_empty() || self.types.iter().any(|r#type| types.contains(&r#type.as_str()))
    }
}

impl<'de> Deserialize<'de> for Gist {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Gist, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Gist;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Gist, A::Error> {
        let mut gist = Gist::default();
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                "type" => gist.types.extend(object.next_value::<Texts>()?.0),
                "id" => gist.ids.extend(object.next_value::<Texts>()?.0.into_iter().filter(|id| is_id(id))),
                "object_refs" => gist.named.extend(object.next_value::<Texts>()?.0),
                "modified" => {
                    let texts = object.next_value::<Texts>()?.0;
                    gist.modified = gist.modified.max(texts.iter().filter_map(|text| text.parse().ok()).max());
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(gist)
    }
}
