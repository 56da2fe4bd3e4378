//! What leaves the building: an example of everything a sensor can send, made by the real codec from real values.
//!
//! A kind of message, of record or of event that has no example here fails a test (or does not compile).

mod examples;

use varde_common::codec::EncodeError;
use varde_common::id::Pseudonym;
use varde_common::message::ToCollector;
use varde_common::record::Record;
use varde_common::tie::Word;
use varde_common::time::Timestamp;

use crate::proxy::Proxy;

/// Something that leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its name; its texts stand in `agent/texts/` under `leaves-NAME`.
    pub name: &'static str,
    /// Which sort of thing it is.
    pub sort: Sort,
    /// Its number on the wire; none = it has none.
    pub kind: Option<u16>,
    /// Its octets, as they are before TLS.
    pub octets: Vec<u8>,
    /// The same as fields and values.
    pub fields: String,
}

/// The sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// A message, on a stream of a session, of enrolment or of renewal.
    Message,
    /// What a batch of alerts holds.
    Record,
    /// What ties TCP connections together, where UDP is blocked.
    Word,
    /// What is said around TLS, in clear.
    Around,
}

/// Everything that can leave.
///
/// # Errors
/// None for our own values; the codec's type demands it.
pub fn all() -> Result<Vec<Leaving>, EncodeError> {
    let mut all = Vec::new();
    for (name, message) in examples::messages()? {
        all.push(of_frame(name, Sort::Message, message.to_frame()?, said(&message)));
    }
    for (name, body) in examples::records() {
        let record = Record { time: examples::NOW, body };
        let fields = readable(&format!("{:?}", record.body));
        all.push(Leaving { name, sort: Sort::Record, kind: None, octets: record.to_octets()?, fields });
    }
    for (name, word) in examples::words() {
        all.push(of_frame(name, Sort::Word, word.to_frame()?, said_word(word)));
    }
    let plain = |name, octets: Vec<u8>| {
        let fields = String::from_utf8_lossy(&octets).trim_end().replace("\r\n", " ⏎ ");
        Leaving { name, sort: Sort::Around, kind: None, octets, fields }
    };
    all.push(plain("name-lookup", examples::COLLECTOR.as_bytes().to_vec()));
    all.push(plain("tls-hello", examples::COLLECTOR.as_bytes().to_vec()));
    let proxy = Proxy::read("http://proxy.kommune.example:3128").map(|proxy| proxy.request("varde.csirt.example:443"));
    all.push(plain("proxy-request", proxy.unwrap_or_default()));
    Ok(all)
}

/// Times and pseudonyms as people read them.
fn readable(text: &str) -> String {
    let times = replaced(text, "Timestamp(", |number| number.parse().ok().map(|us| Timestamp(us).to_string()));
    replaced(&times, "Pseudonym(", |number| number.parse().ok().map(|bits| Pseudonym(bits).to_string()))
}

/// Each `OPENING…)` as `shown` has it.
fn replaced(text: &str, opening: &str, shown: impl Fn(&str) -> Option<String>) -> String {
    let mut parts = text.split(opening);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')').and_then(|(inner, rest)| Some((shown(inner)?, rest))) {
            Some((inner, rest)) => whole.extend([inner.as_str(), rest]),
            None => whole.extend([opening, part]),
        }
    }
    whole
}

fn of_frame(name: &'static str, sort: Sort, octets: Vec<u8>, fields: String) -> Leaving {
    let kind = octets.get(4..6).and_then(|two| <[u8; 2]>::try_from(two).ok()).map(u16::from_be_bytes);
    Leaving { name, sort, kind, octets, fields }
}

/// Fields and values; of packed records their number and no more, for each stands by itself further down.
fn said(message: &ToCollector) -> String {
    match message {
        ToCollector::Compact(batch) => format!("Compact({} octets)", batch.octets.len()),
        ToCollector::Batch(batch) => {
            format!("Batch {{ first_seq: {:?}, records: {} }}", batch.first_seq, batch.records.len())
        }
        other => readable(&format!("{other:?}")),
    }
}

fn said_word(word: Word) -> String {
    format!("{word:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use varde_common::codec::Malformed;
    use varde_common::record::{RecordBody, SensorEvent};

    fn kinds(sort: Sort) -> BTreeSet<u16> {
        all().unwrap().iter().filter(|one| one.sort == sort).filter_map(|one| one.kind).collect()
    }

    #[test]
    fn every_kind_of_message_has_an_example() {
        let known = |kind: &u16| !matches!(ToCollector::from_body(*kind, &[]), Err(Malformed::UnknownKind(_)));
        assert_eq!(kinds(Sort::Message), (0..=u16::MAX).filter(known).collect());
        // The collector's own word on a connection is never a sensor's.
        let words = (0..=u16::MAX).filter(|kind| !matches!(Word::from_body(*kind, &[]), Ok(None)));
        let tied = Word::Tied(varde_common::tie::SessionId([0; 16])).to_frame().unwrap();
        let tied = u16::from_be_bytes([tied[4], tied[5]]);
        assert_eq!(kinds(Sort::Word), words.filter(|kind| *kind != tied).collect());
    }

    #[test]
    fn every_kind_of_record_and_event_has_an_example() {
        // A new kind does not compile here; its number below then asks for an example.
        let number = |body: &RecordBody| match body {
            RecordBody::Opened(_) => 0,
            RecordBody::Updated(_) => 1,
            RecordBody::Loss { .. } => 2,
            RecordBody::GivenUp { .. } => 3,
            RecordBody::CrowdOpened(_) => 4,
            RecordBody::CrowdUpdated(_) => 5,
            RecordBody::Braked(_) => 6,
            RecordBody::Event(event) => match event {
                SensorEvent::Started { .. } => 7,
                SensorEvent::ListInForce { .. } => 8,
                SensorEvent::ListRefused { .. } => 9,
                SensorEvent::SpoolDamaged { .. } => 10,
                SensorEvent::RecordsEnded { .. } => 11,
                SensorEvent::UnreadEnded { .. } => 12,
                SensorEvent::IndicatorDemoted { .. } => 13,
                SensorEvent::IndicatorToldAgain { .. } => 14,
                SensorEvent::SelfTest { .. } => 15,
            },
        };
        let shown: BTreeSet<i32> = examples::records().iter().map(|(_, body)| number(body)).collect();
        assert_eq!(shown, (0..=15).collect());
    }

    #[test]
    fn each_has_its_own_name_and_octets_and_the_host_of_an_alert_is_a_pseudonym() {
        let all = all().unwrap();
        let names: BTreeSet<&str> = all.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), all.len());
        for one in &all {
            assert!(!one.octets.is_empty() && !one.fields.is_empty(), "{one:?}");
            // The example's host, in any form.
            let host = [10, 1, 2, 3];
            assert!(!one.octets.windows(4).any(|four| four == host), "{one:?}");
            assert!(!one.fields.contains("10.1.2.3"), "{one:?}");
        }
        let opened = all.iter().find(|one| one.name == "alert-opened").unwrap();
        assert!(opened.fields.contains("client: Some(H-"), "{}", opened.fields);
        assert!(opened.fields.contains("first_seen: 2026-12-01T08:"), "{}", opened.fields);
    }
}
