//! What the scenarios read of the collector's listings (`--json`): one place to change when a key changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What tests read of `sensor list --json`: `id`, `member`, `connected`, `hearing`, `revision`, `refused_why`.
#[derive(Debug, Clone)]
pub struct SensorLine {
    /// Its number.
    pub id: u64,
    /// The member's number.
    pub member: String,
    /// Whether a session stands.
    pub connected: bool,
    /// What its last session came over: `quic` or `tcp`.
    pub carrier: Option<String>,
    /// How it hears: `well`, `dropping` or `deaf`; none = not known.
    pub hearing: Option<String>,
    /// List in force.
    pub revision: u64,
    /// Why it last refused a list.
    pub refused_why: Option<String>,
}

/// The text of the first of `keys` that is there; an object gives its `number`, else its `pattern` or `name`.
fn text(json: &Value, keys: &[&str]) -> Option<String> {
    let found = keys.iter().find_map(|key| json.get(key).filter(|value| !value.is_null()))?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(_) => text(found, &["number", "pattern", "value", "name"]),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

impl SensorLine {
    pub(crate) fn read(json: &Value) -> SensorLine {
        let number = |key: &str| json.get(key).and_then(Value::as_u64).unwrap_or(0);
        SensorLine {
            id: number("id"),
            member: text(json, &["member_number", "member", "number"]).unwrap_or_default(),
            connected: json.get("connected").and_then(Value::as_bool).unwrap_or(false),
            carrier: text(json, &["carrier"]),
            hearing: text(json, &["hearing"]),
            revision: number("revision"),
            refused_why: text(json, &["refused_why", "refused"]),
        }
    }
}

/// What tests read of `campaign list --json`: `indicators` [{`indicator`}], `members` [{`number`, `evidence`}], `evidence`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CampaignLine {
    /// The patterns that were met.
    pub indicators: BTreeSet<String>,
    /// Members hit, by number, with how far it got there.
    pub members: BTreeMap<String, String>,
    /// The highest evidence.
    pub evidence: String,
}

impl CampaignLine {
    pub(crate) fn read(json: &Value) -> CampaignLine {
        let items = |key: &str| json.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let indicator = |one: &Value| one.as_str().map(str::to_owned).or_else(|| text(one, &["indicator", "pattern"]));
        let member = |one: &Value| Some((text(one, &["number"])?, text(one, &["evidence"]).unwrap_or_default()));
        CampaignLine {
            indicators: items("indicators").iter().filter_map(indicator).collect(),
            members: items("members").iter().filter_map(member).collect(),
            evidence: text(json, &["evidence"]).unwrap_or_default(),
        }
    }
}

/// What tests read of `alert list --json`: `member`, `indicator`, `evidence`, `client`, `count`, `by_resolver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertLine {
    /// The member's number.
    pub member: String,
    /// The pattern.
    pub indicator: String,
    /// How far it got.
    pub evidence: String,
    /// Which way.
    pub direction: String,
    /// The host's pseudonym.
    pub client: Option<String>,
    /// Sightings.
    pub count: u64,
    /// Whether the client is a resolver asking for others.
    pub by_resolver: bool,
}

impl AlertLine {
    pub(crate) fn read(json: &Value) -> AlertLine {
        AlertLine {
            member: text(json, &["member_number", "member"]).unwrap_or_default(),
            indicator: text(json, &["indicator", "pattern"]).unwrap_or_default(),
            evidence: text(json, &["evidence"]).unwrap_or_default(),
            direction: text(json, &["direction"]).unwrap_or_default(),
            client: text(json, &["client"]),
            count: json.get("count").and_then(Value::as_u64).unwrap_or(0),
            by_resolver: json.get("by_resolver").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn listings_are_read_as_the_programs_write_them() {
        let campaign = json!({
            "indicators": [{"indicator": "evil.no", "kind": "domain"}],
            "members": [{"number": "1103", "name": "Stavanger", "evidence": "answered"}],
            "evidence": "answered",
        });
        let read = CampaignLine::read(&campaign);
        assert_eq!(read.indicators, BTreeSet::from(["evil.no".to_owned()]));
        assert_eq!(read.members, BTreeMap::from([("1103".to_owned(), "answered".to_owned())]));
        let alert = json!({"member": {"number": "0301", "name": "Oslo"}, "indicator": "evil.no", "count": 3});
        assert_eq!(AlertLine::read(&alert).member, "0301");
    }
}
