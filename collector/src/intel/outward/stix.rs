//! A STIX 2.1 bundle, object by object: who made it, the markings (TLP 2.0), the threats as campaigns, and an indicator a pattern.
//! What STIX has no word for (that a name is meant alone, how bad it would be) stands in labels that the importer here reads.

use serde_json::{Value, json};
use varde_common::indicator::{Severity, Target};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use super::Entry;
use crate::store::incident::external_name;

/// Label of a name that is meant alone, without what is below it.
pub const EXACT_HOST: &str = "varde:exact-host";
/// What a label begins with that says how bad it would be.
pub const SEVERITY: &str = "varde:severity=";
/// When TLP 2.0 was defined; markings and makers have no history here.
const DEFINED: &str = "2022-10-01T00:00:00.000Z";

/// The id of a marking (FIRST and OASIS, TLP 2.0).
fn marking_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

/// The marking itself, with the extension that says TLP 2.0.
fn marking(tlp: Tlp) -> Value {
    let name = tlp.to_string();
    let level = name.strip_prefix("TLP:").unwrap_or(&name).to_ascii_lowercase();
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": marking_id(tlp), "created": DEFINED, "name": name,
        "extensions": {"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
            "extension_type": "property-extension", "tlp_2_0": level,
        }},
    })
}

/// STIX writes times to the millisecond.
fn time(at: Timestamp) -> String {
    let text = at.clamped().to_string();
    let (seconds, rest) = text.split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
    let millis: String = rest.chars().filter(char::is_ascii_digit).chain("000".chars()).take(3).collect();
    format!("{seconds}.{millis}Z")
}

/// The pattern; none of what STIX cannot name.
fn pattern(entry: &Entry) -> Option<String> {
    let (of, port) = (&entry.pattern, entry.pattern.port);
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let of_address = |is_v4: bool, compare: &str, value: &str| {
        let kind = if is_v4 { "ipv4-addr" } else { "ipv6-addr" };
        match port {
            None => format!("[{kind}:value {compare} {}]", quoted(value)),
            Some(port) => format!(
                "[network-traffic:dst_ref.type = '{kind}' AND network-traffic:dst_ref.value {compare} {} AND network-traffic:dst_port = {port}]",
                quoted(value)
            ),
        }
    };
    Some(match &of.target {
        Target::Domain(_) | Target::Host(_) => {
            let name = quoted(&entry.name()?);
            match port {
                None => format!("[domain-name:value = {name}]"),
                Some(port) => format!("[domain-name:value = {name} AND network-traffic:dst_port = {port}]"),
            }
        }
        Target::Address(address) => of_address(address.is_ipv4(), "=", &address.to_string()),
        Target::Network { first, prefix } => of_address(first.is_ipv4(), "ISSUBSET", &format!("{first}/{prefix}")),
        Target::Ja4(_) | Target::Confidential(_) => return None,
    })
}

/// Writes a bundle, entry by entry; those of one threat come together.
#[derive(Debug)]
pub struct Bundle {
    operator: String,
    identity: String,
    /// The threat under way, and the markings of which it has stood.
    campaigns: (Option<String>, Vec<Tlp>),
    is_begun: bool,
}

impl Bundle {
    /// By this operator.
    pub fn new(operator: &str) -> Bundle {
        let identity = format!("identity--{}", external_name(&format!("organisation\n{operator}")));
        Bundle { operator: operator.to_owned(), identity, campaigns: (None, Vec::new()), is_begun: false }
    }

    fn object(&mut self, object: &Value) -> String {
        let comma = if self.is_begun { ",\n" } else { "" };
        self.is_begun = true;
        format!("{comma}{object}")
    }

    /// What it begins with; `level` is the strictest marking there may be.
    pub fn head(&mut self, level: Tlp) -> String {
        let id = external_name(&format!("stix bundle\n{}\n{level}", self.operator));
        let mut text = format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[\n");
        let identity = json!({
            "type": "identity", "spec_version": "2.1", "id": self.identity, "created": DEFINED, "modified": DEFINED,
            "name": self.operator, "identity_class": "organization",
        });
        text.push_str(&self.object(&identity));
        for tlp in [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict].into_iter().filter(|tlp| *tlp <= level) {
            text.push_str(&self.object(&marking(tlp)));
        }
        text
    }

    /// One more indicator, with its threat where that has not come yet with this marking; none where STIX cannot say it.
    pub fn take(&mut self, entry: &Entry) -> Option<String> {
        let pattern = pattern(entry)?;
        let id = format!(
            "indicator--{}",
            external_name(&format!("indicator\n{}\n{}", self.operator, entry.pattern.to_plain()))
        );
        let created = time(entry.received_at);
        let said_last =
            [entry.renewed_at, entry.changed_at].into_iter().flatten().fold(entry.received_at, Timestamp::max);
        let modified = time(said_last);
        let mut labels = Vec::new();
        if matches!(entry.pattern.target, Target::Host(_)) {
            labels.push(EXACT_HOST.to_owned());
        }
        labels.push(format!("{SEVERITY}\"{}\"", entry.severity.as_str()));
        labels.extend(entry.pap.map(|pap| pap.to_string()));
        let mut indicator = json!({
            "type": "indicator", "spec_version": "2.1", "id": id, "created_by_ref": self.identity,
            "created": created, "modified": modified, "name": entry.pattern.to_string(),
            "indicator_types": ["malicious-activity"], "pattern": pattern, "pattern_type": "stix", "pattern_version": "2.1",
            "valid_from": time(entry.valid_from.unwrap_or(entry.received_at)), "confidence": entry.confidence,
            "labels": labels, "object_marking_refs": [marking_id(entry.tlp)],
        });
        if let (Some(until), Some(object)) = (entry.valid_until, indicator.as_object_mut()) {
            object.insert("valid_until".to_owned(), time(until).into());
        }
        let mut text = self.object(&indicator);
        let Some(threat) = &entry.threat else { return Some(text) };
        // One of each marking: an object's version says one thing, and which marking a threat has hangs on what else goes out.
        let name = format!("threat\n{}\n{threat}\n{}", self.operator, entry.tlp);
        let campaign = format!("campaign--{}", external_name(&name));
        if self.campaigns.0.as_ref() != Some(threat) {
            self.campaigns = (Some(threat.clone()), Vec::new());
        }
        if !self.campaigns.1.contains(&entry.tlp) {
            let object = json!({
                "type": "campaign", "spec_version": "2.1", "id": campaign, "created_by_ref": self.identity,
                "created": DEFINED, "modified": DEFINED, "name": threat, "object_marking_refs": [marking_id(entry.tlp)],
            });
            text.push_str(&self.object(&object));
            self.campaigns.1.push(entry.tlp);
        }
        let relationship = json!({
            "type": "relationship", "spec_version": "2.1",
            "id": format!("relationship--{}", external_name(&format!("indicates\n{id}\n{campaign}"))),
            "created_by_ref": self.identity, "created": created, "modified": modified, "relationship_type": "indicates",
            "source_ref": id, "target_ref": campaign, "object_marking_refs": [marking_id(entry.tlp)],
        });
        text.push_str(&self.object(&relationship));
        Some(text)
    }

    /// What it ends with.
    pub fn foot(&self) -> &'static str {
        "\n]}\n"
    }
}

/// What a label says of how bad it would be.
pub fn severity_of(label: &str) -> Option<Severity> {
    let word = label.strip_prefix(SEVERITY)?.trim_matches('"');
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    all.into_iter().find(|severity| severity.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;
    use crate::intel::canonical::Pap;
    use crate::intel::format::{Format, Item, Options, read};
    use std::io::Cursor;
    use std::ops::ControlFlow;

    #[test]
    fn what_is_exported_is_imported_as_it_was() {
        let patterns = [
            "evil.example",
            "=www.evil.example",
            "evil.example:8443",
            "=www.evil.example:444",
            "192.0.2.1",
            "192.0.2.1:443",
            "192.0.2.0/24",
            "192.0.2.0/24:25",
            "2001:db8::1",
            "[2001:db8::1]:443",
            "2001:db8::/32",
            "[2001:db8::/32]:53",
        ];
        let severities = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        let tlps = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict];
        let entries: Vec<Entry> = patterns
            .iter()
            .enumerate()
            .map(|(place, pattern)| Entry {
                tlp: tlps[place % 4],
                pap: [None, Some(Pap::Green), Some(Pap::Amber)][place % 3],
                severity: severities[place % 5],
                confidence: place as u8 * 8,
                threat: (place >= 4).then(|| format!("Lokkefugl {}", place / 8)),
                valid_from: Some(Timestamp(1_795_000_000_123_000)),
                valid_until: (place % 2 == 0).then_some(Timestamp(1_799_000_000_000_000)),
                ..entry(place as i64, pattern)
            })
            .collect();
        let mut bundle = Bundle::new("Prøve-CSIRT");
        let mut text = bundle.head(Tlp::AmberStrict);
        entries.iter().for_each(|entry| text.push_str(&bundle.take(entry).unwrap()));
        assert_eq!(bundle.take(&entry(99, "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1")), None);
        text.push_str(bundle.foot());
        let mut found = Vec::new();
        read(Format::Stix, &Options::default(), &mut Cursor::new(text.as_bytes()), &mut |item| {
            let Item::Found(_, one) = item else { panic!("{item:?}") };
            found.push(*one);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(found.len(), entries.len());
        for (found, entry) in found.iter().zip(&entries) {
            let about = &found.about;
            assert_eq!(found.pattern, entry.pattern);
            assert_eq!(
                (about.tlp, about.pap, about.severity),
                (Some(entry.tlp), entry.pap, Some(entry.severity)),
                "{entry:?}"
            );
            assert_eq!((about.confidence, &about.threat), (Some(entry.confidence), &entry.threat));
            assert_eq!((about.valid_from, about.valid_until), (entry.valid_from, entry.valid_until));
        }
    }

    #[test]
    fn times_have_milliseconds() {
        assert_eq!(time(Timestamp(1_763_733_900_000_000)), "2025-11-21T14:05:00.000Z");
        assert_eq!(time(Timestamp(1_763_733_900_120_999)), "2025-11-21T14:05:00.120Z");
    }
    #[test]
    fn f2_an_objects_version_moves_whenever_it_says_something_else_and_says_one_thing_for_all_levels() {
        let objects = |entries: &[Entry]| -> Vec<Value> {
            let mut bundle = Bundle::new("Prøve-CSIRT");
            let mut text = bundle.head(Tlp::AmberStrict);
            entries.iter().for_each(|entry| text.push_str(&bundle.take(entry).unwrap()));
            text.push_str(bundle.foot());
            serde_json::from_str::<Value>(&text).unwrap()["objects"].as_array().unwrap().clone()
        };
        let with =
            |id: i64, tlp: Tlp| Entry { tlp, threat: Some("Lure".to_owned()), ..entry(id, &format!("n{id}.example")) };
        let strict = Entry { renewed_at: Some(Timestamp(1_795_000_001_000_000)), ..with(1, Tlp::AmberStrict) };
        // A source that was stricter has taken it back.
        let looser = Entry { tlp: Tlp::Green, changed_at: Some(Timestamp(1_795_000_002_000_000)), ..strict.clone() };
        let other = with(2, Tlp::Green);
        let mut said: std::collections::HashMap<(String, String), Value> = std::collections::HashMap::new();
        for bundle in [
            vec![strict.clone(), other.clone()],
            vec![other.clone()],
            vec![looser.clone(), other],
            vec![strict],
            vec![looser],
        ] {
            for object in objects(&bundle) {
                let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
                let before = said.insert((text("id"), text("modified")), object.clone());
                assert!(before.is_none_or(|before| before == object), "{object}");
            }
        }
        let versions = said.keys().filter(|(id, _)| id.starts_with("indicator--")).count();
        assert_eq!(versions, 3, "two of the one, and the other");
    }
}
