//! A feed as MISP servers read it: `manifest.json`, an event a file, `hashes.csv`. What belongs to one threat is one event, or several
//! where it is much. Names are made of what they name (UUIDv5), so that the same thing keeps its name: of an attribute the event too, for
//! a server that has it in one event takes it in no other.
//!
//! A server keeps what it is not told of. What an event had once and has no more stands in it as deleted: with its value where the reader
//! may still have that, and else without.

use md5::{Digest, Md5};
use serde::Serialize;
use varde_common::indicator::{Pattern, Severity, Target};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;
use varde_common::trust::hex;

use super::{Entry, Withdrawn, is_for, usual_name};
use crate::store::incident::external_name;

/// What an event is called of which nothing is left that the reader may have.
const WITHDRAWN: &str = "Withdrawn";
/// What stands for a value that the reader may have no more.
const NOT_SHOWN: &str = "withdrawn, and its value is not shown any more";

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
fn typed(pattern: &Pattern) -> Option<(&'static str, String)> {
    let port = pattern.port;
    let with = |plain: &'static str, ported: &'static str, value: String| match port {
        Some(port) => (ported, format!("{value}|{port}")),
        None => (plain, value),
    };
    match &pattern.target {
        // There is no type for a domain with a port.
        Target::Domain(_) => Some(with("domain", "hostname|port", usual_name(pattern)?)),
        Target::Host(_) => Some(with("hostname", "hostname|port", usual_name(pattern)?)),
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
    /// Said of what stands too: a server that has it as deleted takes it back by this alone.
    deleted: bool,
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
    live: Vec<i64>,
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
        let uuid = external_name(&format!("misp event\n{operator}\n{}\n{part}", threat.unwrap_or_default()));
        Event::begin(uuid, info, Tlp::Clear)
    }

    /// One of which nothing is left, as it was called, for readers of this level.
    pub fn emptied(uuid: &str, info: &str, withdrawn: &[Withdrawn], level: Tlp) -> Event {
        // The name was shared as far as what it named.
        let is_told = withdrawn.iter().any(|one| is_for(one.tlp, one.pap, level));
        let mut event = Event::begin(uuid.to_owned(), if is_told { info } else { WITHDRAWN }.to_owned(), level);
        event.hash.update(event.info.as_bytes());
        withdrawn.iter().for_each(|one| event.withdraw(one, level));
        event
    }

    fn begin(uuid: String, info: String, tlp: Tlp) -> Event {
        let (attributes, live, hash) = (Vec::new(), Vec::new(), blake3::Hasher::new());
        Event { uuid, info, date: Timestamp::MAX, tlp, severity: Severity::Info, attributes, live, hash }
    }

    /// Its name.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// What it is called.
    pub fn info(&self) -> &str {
        &self.info
    }

    /// The numbers of the indicators in it.
    pub fn live(&self) -> &[i64] {
        &self.live
    }

    fn name(&self, pattern: &Pattern) -> String {
        external_name(&format!("misp attribute\n{}\n{}", self.uuid, pattern.to_plain()))
    }

    fn push(&mut self, attribute: Attribute) {
        if let Ok(octets) = serde_json::to_vec(&attribute) {
            self.hash.update(&octets);
        }
        self.attributes.push(attribute);
    }

    /// One that it has no more, for readers of this level.
    pub fn withdraw(&mut self, withdrawn: &Withdrawn, level: Tlp) {
        let Withdrawn { pattern, tlp, pap } = withdrawn;
        let told = is_for(*tlp, *pap, level).then(|| typed(pattern)).flatten();
        let (kind, value, tags) = match told {
            Some((kind, value)) => {
                self.tlp = self.tlp.max(*tlp);
                (kind, value, vec![tlp_tag(*tlp)])
            }
            None => ("comment", NOT_SHOWN.to_owned(), Vec::new()),
        };
        self.push(Attribute {
            uuid: self.name(pattern),
            r#type: kind,
            category: "Network activity",
            value,
            to_ids: false,
            deleted: true,
            comment: String::new(),
            timestamp: 0,
            distribution: 5,
            disable_correlation: true,
            first_seen: None,
            tags,
        });
    }

    /// One more indicator, if MISP has a type for it.
    pub fn take(&mut self, entry: &Entry, of_many_threats: bool) {
        let Some((kind, value)) = typed(&entry.pattern) else { return };
        let mut tags = vec![tlp_tag(entry.tlp)];
        tags.extend(entry.pap.map(|pap| Tag { name: pap.to_string(), colour: "#555555" }));
        let comment = if of_many_threats { entry.threat.clone().unwrap_or_default() } else { String::new() };
        self.push(Attribute {
            uuid: self.name(&entry.pattern),
            r#type: kind,
            category: "Network activity",
            value,
            to_ids: true,
            deleted: false,
            comment,
            timestamp: 0,
            distribution: 5,
            disable_correlation: false,
            first_seen: entry.valid_from,
            tags,
        });
        self.live.push(entry.id);
        self.hash.update(&[entry.severity.level()]);
        self.date = self.date.min(entry.received_at);
        self.tlp = self.tlp.max(entry.tlp);
        self.severity = self.severity.max(entry.severity);
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
            for half in attribute.value.split('|').filter(|_| !attribute.deleted) {
                hashes.push_str(&format!("{},{}\n", hex(&Md5::digest(half.as_bytes())), self.uuid));
            }
        }
        let made_by = Organisation { name: operator, uuid: external_name(&format!("organisation\n{operator}")) };
        // An event in which nothing stands is of the day on which it is written.
        let written_at = Timestamp(version.saturating_mul(1_000_000));
        let date = if self.live.is_empty() { written_at } else { self.date };
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
                event.take(&entry, false);
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
        let of_other = Event::new("Prøve-CSIRT", Some("Annen"), "0");
        let pattern = "evil.example".parse().unwrap();
        assert_ne!(of_other.name(&pattern), one.name(&pattern), "in another event it is another attribute");
        let nothing = make(&[]).write("Prøve-CSIRT", 1_795_000_000).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&nothing.body).unwrap();
        assert_eq!(json["Event"]["date"], "2026-11-18", "an event of nothing has a day of this age");
    }
}
