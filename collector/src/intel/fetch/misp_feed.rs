//! A MISP feed, a directory of events with a manifest: events whose time grew are read anew, those gone from the manifest are gone.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use url::Url;

use super::{Ask, Conversation, Event, Extent, Fetched, Head, Refused, Resume, append, no_web_page, succeeded};
use crate::intel::format::json::{self, Allowance, Document};
use crate::intel::format::{self, Format, Input, Item, Options};
use crate::limits::fetch::{FETCH_FIELD_MAX_OCTETS, FETCH_REQUESTS_MAX};

const ACCEPT: &str = "application/json";
const MANIFEST: &str = "manifest.json";

/// A reading of a feed.
#[derive(Debug)]
pub struct MispFeed {
    directory: Url,
    resume: Resume,
    manifest: Option<BTreeMap<String, i64>>,
    /// Events still to be asked for, the next one last.
    wanted: Vec<String>,
    asked: Option<String>,
    read: Vec<String>,
    missing: u64,
    is_unchanged: bool,
}

impl MispFeed {
    /// Of the directory, or its manifest, at this address.
    pub fn new(at: Url, resume: Resume) -> MispFeed {
        let mut directory = at;
        if !directory.path().ends_with('/') {
            let path = directory.path().to_owned();
            let base = path.strip_suffix(MANIFEST).map_or_else(|| format!("{path}/"), str::to_owned);
            directory.set_path(&base);
        }
        MispFeed {
            directory,
            resume,
            manifest: None,
            wanted: Vec::new(),
            asked: None,
            read: Vec::new(),
            missing: 0,
            is_unchanged: false,
        }
    }

    fn file(&self, name: &str) -> Url {
        let mut url = self.directory.clone();
        url.set_path(&format!("{}{name}", self.directory.path()));
        url
    }

    fn handle_manifest(&mut self, head: &Head, mut body: &mut dyn Input) -> Result<(), Refused> {
        if head.status == 304 {
            self.is_unchanged = true;
            self.manifest = Some(BTreeMap::new());
            return Ok(());
        }
        succeeded(head)?;
        no_web_page(head, body)?;
        let mut manifest = Manifest::default();
        let read = json::read_one(&mut body, "manifest of a MISP feed", &mut manifest);
        let Manifest { events: manifest, bad } = manifest;
        if let Some(name) = bad {
            return Err(Refused::NoUuid(name));
        }
        read?;
        let grown =
            |(uuid, at): &(&String, &i64)| self.resume.events.get(*uuid).is_none_or(|known| **at > known.timestamp);
        self.wanted = manifest.iter().filter(grown).map(|(uuid, _)| uuid.clone()).collect();
        self.wanted.reverse();
        self.manifest = Some(manifest);
        (self.resume.etag, self.resume.last_modified) = (head.etag.clone(), head.last_modified.clone());
        Ok(())
    }

    fn handle_event(
        &mut self,
        uuid: String,
        head: &Head,
        body: &mut dyn Input,
        out: &mut dyn Write,
    ) -> Result<(), Refused> {
        // One that is being replaced just now hides no other; it is asked for again the next time.
        if matches!(head.status, 404 | 410) {
            self.missing += 1;
            return Ok(());
        }
        succeeded(head)?;
        no_web_page(head, body)?;
        // It is known to be whole before it becomes part of what is taken in.
        let (mut entries, mut is_other) = (0, false);
        // What has no name of its own is one of a list, whosever it is; it goes by its lifetime.
        let mut is_of = |id: &str| is_other |= !id.is_empty() && !id.starts_with(&format!("{uuid}/"));
        format::read(Format::Misp, &Options::default(), body, &mut |item| {
            match item {
                Item::Found(_, found) => {
                    entries += 1;
                    is_of(&found.object.id);
                }
                Item::Withdrawn(object) | Item::Silent(object) => is_of(&object.object_id),
                Item::Clue(clue) => is_of(&clue.object_id),
                Item::Harmless(..) | Item::PassedOver | Item::PassedBy(..) | Item::LeftOut(_) => {}
            }
            ControlFlow::Continue(())
        })?;
        if is_other {
            return Err(Refused::OtherEvent(uuid));
        }
        append(body, out)?;
        let timestamp = self.manifest.as_ref().and_then(|manifest| manifest.get(&uuid)).copied().unwrap_or_default();
        self.resume.events.insert(uuid.clone(), Event { timestamp, entries });
        self.read.push(uuid);
        Ok(())
    }
}

impl Conversation for MispFeed {
    fn poll_ask(&mut self) -> Option<Ask> {
        if self.manifest.is_none() {
            let ask = Ask::get(self.file(MANIFEST), ACCEPT);
            return Some(Ask {
                etag: self.resume.etag.clone(),
                last_modified: self.resume.last_modified.clone(),
                ..ask
            });
        }
        let uuid = self.wanted.pop()?;
        let url = self.file(&format!("{uuid}.json"));
        self.asked = Some(uuid);
        Some(Ask::get(url, ACCEPT))
    }

    fn handle_answer(&mut self, head: &Head, body: &mut dyn Input, out: &mut dyn Write) -> Result<(), Refused> {
        match self.asked.take() {
            None => self.handle_manifest(head, body),
            Some(uuid) => self.handle_event(uuid, head, body, out),
        }
    }

    fn finish(mut self: Box<Self>, out: &mut dyn Write) -> Result<Fetched, Refused> {
        let format = Some(Format::Misp);
        if self.is_unchanged {
            return Ok(Fetched { resume: self.resume, format, extent: Extent::Unchanged });
        }
        if self.read.is_empty() {
            out.write_all(b"[]")?;
        }
        let manifest = self.manifest.take().unwrap_or_default();
        let known = std::mem::take(&mut self.resume.events);
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            known.into_iter().partition(|(uuid, _)| manifest.contains_key(uuid));
        self.resume.events = kept;
        if self.missing > 0 {
            (self.resume.etag, self.resume.last_modified) = (None, None);
        }
        let MispFeed { resume, read, missing, .. } = *self;
        Ok(Fetched { resume, format, extent: Extent::Events { read, gone: gone.into_keys().collect(), missing } })
    }
}

/// The events of a manifest, each with its time; other things said of them are passed over.
#[derive(Default)]
struct Manifest {
    events: BTreeMap<String, i64>,
    bad: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    timestamp: serde_json::Value,
}

impl Document for Manifest {
    fn read<'de, D: Deserializer<'de>>(&mut self, allowance: &Allowance, document: D) -> Result<(), D::Error> {
        document.deserialize_map(Events { manifest: self, allowance })
    }
}

struct Events<'a> {
    manifest: &'a mut Manifest,
    allowance: &'a Allowance,
}

impl<'de> Visitor<'de> for Events<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest of a MISP feed")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        use serde::de::Error;
        while let Some(name) = object.next_key::<String>()? {
            // It becomes part of a path, and of the names by which what it says is withdrawn.
            let Some(uuid) = uuid(&name) else {
                self.manifest.bad = Some(name.chars().take(80).collect::<String>().escape_debug().to_string());
                return Err(A::Error::custom("a name that is no UUID"));
            };
            // Feeds of MISP's own write numbers as text.
            let Entry { timestamp } = object.next_value()?;
            let timestamp = timestamp.as_i64().or_else(|| timestamp.as_str()?.trim().parse().ok());
            let timestamp = timestamp.ok_or_else(|| A::Error::custom(format!("event {uuid} has no time")))?;
            self.manifest.events.insert(uuid, timestamp);
            if self.manifest.events.len() >= FETCH_REQUESTS_MAX {
                return Err(A::Error::custom(format!("it names {FETCH_REQUESTS_MAX} events or more")));
            }
            self.allowance.renew();
        }
        Ok(())
    }
}

/// A UUID as it is written, if it is one.
fn uuid(name: &str) -> Option<String> {
    let mut groups = name.split('-');
    let is_one = name.len() <= FETCH_FIELD_MAX_OCTETS
        && [8, 4, 4, 4, 12].into_iter().all(|digits| {
            let group = groups.next().unwrap_or_default();
            group.len() == digits && group.bytes().all(|octet| octet.is_ascii_hexdigit())
        })
        && groups.next().is_none();
    is_one.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, head};
    use super::*;

    const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";

    fn event(uuid: &str, names: &[&str]) -> String {
        let attributes: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(n, name)| {
                format!(r#"{{"uuid":"u{n}","type":"domain","value":"{name}","to_ids":true,"timestamp":"5"}}"#)
            })
            .collect();
        format!(r#"{{"Event":{{"uuid":"{uuid}","info":"x","Attribute":[{}]}}}}"#, attributes.join(","))
    }

    fn feed(resume: Resume, answers: &[(u16, String)]) -> Result<(Fetched, Vec<String>, String), Refused> {
        let mut talk: Box<dyn Conversation> =
            Box::new(MispFeed::new("https://m.example/feed".parse().unwrap(), resume));
        let (mut asked, mut out, mut answers) = (Vec::new(), Vec::new(), answers.iter());
        while let Some(ask) = talk.poll_ask() {
            asked.push(ask.url.to_string());
            let (status, body) = answers.next().unwrap();
            let head = Head { etag: Some("\"e\"".into()), ..head(*status) };
            answer(talk.as_mut(), &head, body, &mut out)?;
        }
        assert!(answers.next().is_none());
        Ok((talk.finish(&mut out)?, asked, String::from_utf8(out).unwrap()))
    }

    fn manifest(events: &[(&str, &str)]) -> (u16, String) {
        let events: Vec<String> =
            events.iter().map(|(uuid, at)| format!(r#""{uuid}":{{"info":"x","Tag":[],"timestamp":{at}}}"#)).collect();
        (200, format!("{{{}}}", events.join(",")))
    }

    #[test]
    fn only_events_whose_time_grew_are_read_and_those_gone_are_named() {
        let first = [
            manifest(&[(A, "10"), (B, "\"20\"")]),
            (200, event(A, &["a.example", "b.example"])),
            (200, event(B, &["c.example"])),
        ];
        let (fetched, asked, out) = feed(Resume::default(), &first).unwrap();
        assert_eq!(asked[0], "https://m.example/feed/manifest.json");
        assert_eq!(
            asked[1..],
            [format!("https://m.example/feed/{A}.json"), format!("https://m.example/feed/{B}.json")]
        );
        assert_eq!(serde_json::Deserializer::from_str(&out).into_iter::<serde_json::Value>().count(), 2);
        assert_eq!(fetched.resume.events.get(A), Some(&Event { timestamp: 10, entries: 2 }));
        assert_eq!(fetched.extent, Extent::Events { read: vec![A.into(), B.into()], gone: vec![], missing: 0 });
        // A grew, B is gone.
        let again = [manifest(&[(A, "11")]), (200, event(A, &["a.example"]))];
        let (fetched, asked, _) = feed(fetched.resume, &again).unwrap();
        assert_eq!(asked.len(), 2);
        assert_eq!(fetched.extent, Extent::Events { read: vec![A.into()], gone: vec![B.into()], missing: 0 });
        assert_eq!(fetched.resume.events.len(), 1);
        // Nothing grew, and the same by ETag.
        let (fetched, asked, out) = feed(fetched.resume, &[manifest(&[(A, "11")])]).unwrap();
        assert_eq!((asked.len(), out.as_str()), (1, "[]"));
        let (fetched, ..) = feed(fetched.resume, &[(304, String::new())]).unwrap();
        assert_eq!((fetched.extent, fetched.resume.events.len()), (Extent::Unchanged, 1));
    }

    #[test]
    fn f1_a_manifest_that_names_paths_is_refused_and_so_is_an_event_under_anothers_name() {
        for hostile in [
            "../../etc/passwd",
            "..%2f..%2fetc",
            "/etc/shadow",
            "https://10.0.0.1/x",
            "",
            "A",
            &format!("{A}/.."),
            &format!("{A}-1"),
        ] {
            let refused = feed(Resume::default(), &[manifest(&[(hostile, "1")])]).unwrap_err();
            assert!(matches!(refused, Refused::NoUuid(_)), "{hostile}: {refused}");
        }
        let other = feed(Resume::default(), &[manifest(&[(A, "1")]), (200, event(B, &["a.example"]))]);
        assert_eq!(other.unwrap_err(), Refused::OtherEvent(A.into()));
        for half in ["{\"Event\":{\"uuid\":\"", "", "[]]"] {
            let refused = feed(Resume::default(), &[manifest(&[(A, "1")]), (200, half.to_owned())]).unwrap_err();
            assert!(matches!(refused, Refused::Bad(_)), "{half}: {refused}");
        }
        for bad in ["[]", "{\"x", "{\"aaaaaaaa-0000-4000-8000-000000000001\":{}}", "<html>"] {
            assert!(feed(Resume::default(), &[(200, bad.to_owned())]).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_that_is_not_there_yet_is_asked_for_again() {
        let there = [manifest(&[(A, "1"), (B, "1")]), (404, String::new()), (200, event(B, &["c.example"]))];
        let (fetched, ..) = feed(Resume::default(), &there).unwrap();
        assert!(matches!(fetched.extent, Extent::Events { missing: 1, .. }), "{:?}", fetched.extent);
        assert_eq!((fetched.resume.etag, fetched.resume.events.len()), (None, 1));
    }
}
