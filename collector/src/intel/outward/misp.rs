//! A feed as MISP servers read it: `manifest.json`, an event a file, `hashes.csv`. What belongs to one threat is one event, or several
//! where it is much. Names are made of what they name (UUIDv5), so that the same thing keeps its name.

use md5::{Digest, Md5};
use serde::Serialize;
use varde_common::indicator::{Severity, Target};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_common::trust::hex;

use super::Entry;
use crate::store::incident::external_name;

#[derive(Debug, Clone, Serialize)]
struct Organisation<'a> {
    name: &'a str,
    uuid: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Tag {
    name: String,
    colour: &'static str,
}

/// TLP as the taxonomy writes it, in the colours of FIRST.
fn tlp_tag(tlp: Tlp) -> Tag {
    let (name, colour) = match tlp {
        Tlp::Clear => ("tlp:clear", "#ffffff"),
        Tlp::Green => ("tlp:green", "#33ff00"),
        Tlp::Amber => ("tlp:amber", "#ffc000"),
        Tlp::AmberStrict => ("tlp:amber+strict", "#ffc000"),
        Tlp::Red => ("tlp:red", "#ff2b2b"),
    };
    Tag { name: name.to_owned(), colour }
}

/// 1 high, 2 medium, 3 low, 4 undefined.
fn threat_level(severity: Severity) -> u8 {
    match severity {
        Severity::Critical | Severity::High => 1,
        Severity::Medium => 2,
        Severity::Low => 3,
        Severity::Info => 4,
    }
}

/// Type and value of an indicator as MISP has them; none where it has no type for it.
fn typed(entry: &Entry) -> Option<(&'static str, String)> {
    let port = entry.pattern.port;
    let with = |plain: &'static str, ported: &'static str, value: String| match port {
        Some(port) => (ported, format!("{value}|{port}")),
        None => (plain, value),
    };
    match &entry.pattern.target {
        // There is no type for a domain with a port.
        Target::Domain(_) => Some(with("domain", "hostname|port", entry.name()?)),
        Target::Host(_) => Some(with("hostname", "hostname|port", entry.name()?)),
        Target::Address(address) => Some(with("ip-dst", "ip-dst|port", address.to_string())),
        Target::Network { first, prefix } => Some(with("ip-dst", "ip-dst|port", format!("{first}/{prefix}"))),
        Target::Ja4(_) | Target::Confidential(_) => None,
    }
}

#[derive(Debug, Clone, Serialize)]
struct Attribute {
    uuid: String,
    r#type: &'static str,
    category: &'static str,
    value: String,
    to_ids: bool,
    comment: String,
    /// That of its event: a server takes an attribute anew where it is newer.
    timestamp: i64,
    distribution: u8,
    disable_correlation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<Timestamp>,
    #[serde(rename = "Tag")]
    tags: Vec<Tag>,
}

/// An event while it is gathered.
#[derive(Debug)]
pub struct Event {
    uuid: String,
    info: String,
    date: Timestamp,
    tlp: Tlp,
    severity: Severity,
    attributes: Vec<Attribute>,
    hash: blake3::Hasher,
}

/// An event as it is served.
#[derive(Debug)]
pub struct Written {
    /// Its name.
    pub uuid: String,
    /// The file.
    pub body: Vec<u8>,
    /// Its line of the manifest, as JSON.
    pub line: String,
    /// Its lines of `hashes.csv`.
    pub hashes: String,
}

impl Event {
    /// Of a threat, or of what belongs to none; `part` tells several of one threat apart.
    pub fn new(operator: &str, threat: Option<&str>, part: &str) -> Event {
        let info = threat.map_or_else(|| "Indicators that belong to no named threat".to_owned(), str::to_owned);
        Event {
            uuid: external_name(&format!("misp event\n{operator}\n{}\n{part}", threat.unwrap_or_default())),
            info,
            date: Timestamp::MAX,
            tlp: Tlp::Clear,
            severity: Severity::Info,
            attributes: Vec::new(),
            hash: blake3::Hasher::new(),
        }
    }

    /// Its name.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// How many indicators it has.
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// One more indicator, if MISP has a type for it.
    pub fn take(&mut self, operator: &str, entry: &Entry, of_many_threats: bool) {
        let Some((kind, value)) = typed(entry) else { return };
        let mut tags = vec![tlp_tag(entry.tlp)];
        tags.extend(entry.pap.map(|pap| Tag { name: pap.to_string(), colour: "#555555" }));
        let comment = if of_many_threats { entry.threat.clone().unwrap_or_default() } else { String::new() };
        let attribute = Attribute {
            uuid: external_name(&format!("misp attribute\n{operator}\n{}", entry.pattern.to_plain())),
            r#type: kind,
            category: "Network activity",
            value,
            to_ids: true,
            comment,
            timestamp: 0,
            distribution: 5,
            disable_correlation: false,
            first_seen: entry.valid_from,
            tags,
        };
        if let Ok(octets) = serde_json::to_vec(&attribute) {
            self.hash.update(&octets);
        }
        self.hash.update(&[entry.severity.level()]);
        self.date = self.date.min(entry.received_at);
        self.tlp = self.tlp.max(entry.tlp);
        self.severity = self.severity.max(entry.severity);
        self.attributes.push(attribute);
    }

    /// What tells one content of it from another.
    pub fn content(&self) -> [u8; 32] {
        *self.hash.finalize().as_bytes()
    }

    /// The event of this time (its version), by this operator.
    ///
    /// # Errors
    /// What JSON cannot say.
    pub fn write(mut self, operator: &str, version: i64) -> Result<Written, serde_json::Error> {
        let mut hashes = String::new();
        for attribute in &mut self.attributes {
            attribute.timestamp = version;
            // Of two values joined each has its line.
            for half in attribute.value.split('|') {
                hashes.push_str(&format!("{},{}\n", hex(&Md5::digest(half.as_bytes())), self.uuid));
            }
        }
        let made_by = Organisation { name: operator, uuid: external_name(&format!("organisation\n{operator}")) };
        // An event of nothing is of the day on which it is written.
        let written_at = Timestamp(version.saturating_mul(1_000_000));
        let date = if self.attributes.is_empty() { written_at } else { self.date };
        let date = date.to_string().chars().take(10).collect::<String>();
        let (tags, level) = (vec![tlp_tag(self.tlp)], threat_level(self.severity));
        let line = serde_json::json!({
            "Orgc": made_by, "Tag": tags, "info": self.info, "date": date, "analysis": 2, "threat_level_id": level,
            "timestamp": version,
        });
        let body = serde_json::json!({"Event": {
            "uuid": self.uuid, "info": self.info, "date": date, "analysis": 2, "threat_level_id": level,
            "timestamp": version, "publish_timestamp": version, "published": true, "extends_uuid": "",
            "Orgc": made_by, "Tag": tags, "Attribute": self.attributes, "Object": [],
        }});
        Ok(Written { body: serde_json::to_vec(&body)?, line: serde_json::to_string(&line)?, hashes, uuid: self.uuid })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;
    use crate::intel::canonical::Pap;

    #[test]
    fn an_event_keeps_its_names_and_its_time_says_when_it_was_another() {
        let make = |patterns: &[&str]| {
            let mut event = Event::new("Prøve-CSIRT", Some("Lure"), "0");
            for (id, pattern) in patterns.iter().enumerate() {
                let entry = Entry { pap: Some(Pap::Amber), ..entry(id as i64, pattern) };
                event.take("Prøve-CSIRT", &entry, false);
            }
            event
        };
        let (one, again, other) = (make(&["evil.example"]), make(&["evil.example"]), make(&["worse.example"]));
        assert_eq!((one.uuid(), one.content()), (again.uuid(), again.content()));
        assert_eq!(one.uuid(), other.uuid());
        assert_ne!(one.content(), other.content());
        assert_ne!(Event::new("Prøve-CSIRT", Some("Lure"), "1").uuid(), one.uuid());
        let patterns =
            ["evil.example", "=www.evil.example", "192.0.2.1:443", "192.0.2.0/24", "2001:db8::1", "w.example:8443"];
        let written = make(&[&patterns[..], &["ja4:t13d1516h2_8daaf6152771_e5627efa2ab1"]].concat());
        let written = written.write("Prøve-CSIRT", 1_795_000_000).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&written.body).unwrap();
        let of = |key: &str| -> Vec<String> {
            let all = json["Event"]["Attribute"].as_array().unwrap();
            all.iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(of("type"), ["domain", "hostname", "ip-dst|port", "ip-dst", "ip-dst", "hostname|port"]);
        assert_eq!(of("value")[2..4], ["192.0.2.1|443", "192.0.2.0/24"]);
        assert_eq!(json["Event"]["Attribute"][0]["Tag"][1]["name"], "PAP:AMBER");
        assert_eq!((&json["Event"]["info"], &json["Event"]["threat_level_id"]), (&"Lure".into(), &1.into()));
        assert_eq!(written.hashes.lines().count(), 8, "both halves of those with a port");
        assert!(
            written.hashes.starts_with(&format!("96119eb3210daa472225fbad69fa9770,{}\n", written.uuid)),
            "as md5sum says"
        );
        let nothing = make(&[]).write("Prøve-CSIRT", 1_795_000_000).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&nothing.body).unwrap();
        assert_eq!(json["Event"]["date"], "2026-11-18", "an event of nothing has a day of this age");
    }
}
