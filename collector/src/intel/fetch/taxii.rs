//! A TAXII 2.1 collection read page by page (TAXII 2.1, sections 3 and 5), from where the last reading ended by the server's own word.

use std::collections::HashSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;
use varde_common::time::Timestamp;

use super::collections::{ACCEPT, Collection, is_taxii};
use super::{Ask, Conversation, Extent, Fetched, Head, Refused, Resume, envelope, no_web_page, succeeded};
use crate::intel::format::{Format, Input};
use crate::limits::fetch::{FETCH_FIELD_MAX_OCTETS, FETCH_REQUESTS_MAX, TAXII_PAGE_OBJECTS};

/// What an importer reads: indicators, and what is said of them.
const TYPES: &str = "indicator,marking-definition,relationship,report,grouping,malware,campaign,intrusion-set,threat-actor,tool,infrastructure,attack-pattern";
/// What is read anew where a server does not say how far it has been read: what was being added while it was.
const OVERLAP: Duration = Duration::from_secs(3_600);
/// A server that says that it added something so far ahead of its own clock does not know.
const AHEAD_MAX: Duration = Duration::from_secs(86_400);

/// Where the conversation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Collection,
    Objects(Option<String>),
    /// The server did not say how far; its manifest may.
    Manifest(Option<String>),
    Done,
}

/// A reading of a collection.
#[derive(Debug)]
pub struct Taxii {
    root: Url,
    collection: String,
    resume: Resume,
    state: State,
    requests: usize,
    objects: u64,
    pages: HashSet<[u8; 32]>,
    /// The newest that the server has named, in its own words.
    newest: Option<(Timestamp, String)>,
    is_unsaid: bool,
    /// The server's clock when it began.
    began: Option<Timestamp>,
}

impl Taxii {
    /// Of the collection with this id below an API root.
    pub fn new(root: Url, collection: String, resume: Resume) -> Taxii {
        Taxii {
            root,
            collection,
            resume,
            state: State::Collection,
            requests: 0,
            objects: 0,
            pages: HashSet::new(),
            newest: None,
            is_unsaid: false,
            began: None,
        }
    }

    fn page(&self, what: &str, next: Option<&str>) -> Option<Url> {
        let mut url = below(&self.root, &["collections", &self.collection, what])?;
        let mut query = url.query_pairs_mut();
        if let Some(after) = &self.resume.added_after {
            query.append_pair("added_after", after);
        }
        // The same filters on every page: another one is another question.
        query.append_pair("limit", &TAXII_PAGE_OBJECTS.to_string()).append_pair("match[type]", TYPES);
        if let Some(next) = next {
            query.append_pair("next", next);
        }
        drop(query);
        Some(url)
    }

    fn handle_objects(&mut self, head: &Head, body: &mut dyn Input, out: &mut dyn Write) -> Result<(), Refused> {
        succeeded(head)?;
        no_web_page(head, body)?;
        is_taxii(head)?;
        if self.began.is_none() {
            self.began = head.date.as_deref().and_then(http_date);
        }
        let mut hash = blake3::Hasher::new();
        let (mut written, mut count) = (Ok(()), 0_u64);
        let before = self.objects;
        let envelope = envelope::read(body, &mut |raw: &RawValue| {
            hash.update(raw.get().as_bytes());
            let separator: &[u8] = if before + count == 0 { b"{\"objects\":[" } else { b",\n" };
            written = out.write_all(separator).and_then(|()| out.write_all(raw.get().as_bytes()));
            count += 1;
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        written?;
        self.objects += count;
        if count > 0 {
            let said = head.date_added_last.as_deref().and_then(|text| self.moment(text));
            self.is_unsaid |= said.is_none();
            self.newest = self.newest.take().max(said);
        }
        if !envelope.more {
            self.state = if self.is_unsaid { State::Manifest(None) } else { State::Done };
            return Ok(());
        }
        // Some servers name every page by the same word: what comes is what tells.
        if !self.pages.insert(*hash.finalize().as_bytes()) {
            return Err(Refused::Loop);
        }
        self.state = State::Objects(Some(envelope.next.ok_or(Refused::NoNext)?));
        Ok(())
    }

    /// Never an error: without a manifest the server's clock has to do.
    fn handle_manifest(&mut self, head: &Head, body: &mut dyn Input) {
        #[derive(Deserialize)]
        struct Entry {
            date_added: String,
        }
        let mut hash = blake3::Hasher::new();
        let mut newest = None;
        let mut is_whole = true;
        let read = succeeded(head).and_then(|()| {
            envelope::read(body, &mut |raw: &RawValue| {
                hash.update(raw.get().as_bytes());
                let entry = serde_json::from_str::<Entry>(raw.get()).ok();
                let said = entry.and_then(|entry| self.moment(&entry.date_added));
                is_whole &= said.is_some();
                newest = newest.take().max(said);
                ControlFlow::Continue(())
            })
        });
        self.state = State::Done;
        match read {
            Ok(envelope) if is_whole => {
                self.newest = self.newest.take().max(newest);
                match (envelope.more, envelope.next) {
                    (false, _) => self.is_unsaid = self.newest.is_none(),
                    (true, Some(next)) if self.pages.insert(*hash.finalize().as_bytes()) => {
                        self.state = State::Manifest(Some(next));
                    }
                    (true, _) => {}
                }
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// A time as the server says it, with its words; none where it is no time, or ahead of the server's own clock.
    fn moment(&self, text: &str) -> Option<(Timestamp, String)> {
        let at = text.contains('T').then(|| text.parse::<Timestamp>().ok())??;
        let is_ahead = self.began.is_some_and(|began| at > began.plus(AHEAD_MAX));
        (text.len() <= FETCH_FIELD_MAX_OCTETS && !is_ahead).then(|| (at, text.to_owned()))
    }
}

/// A URL below a root, each part of it one segment whatever it holds.
pub(super) fn below(root: &Url, parts: &[&str]) -> Option<Url> {
    let mut url = root.clone();
    url.set_query(None);
    url.path_segments_mut().ok()?.pop_if_empty().extend(parts).push("");
    Some(url)
}

/// A time as HTTP has it (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(zoned.timestamp().as_microsecond()))
}

impl Conversation for Taxii {
    fn poll_ask(&mut self) -> Option<Ask> {
        let url = match &self.state {
            State::Collection => below(&self.root, &["collections", &self.collection]),
            State::Objects(next) => self.page("objects", next.as_deref()),
            State::Manifest(next) => self.page("manifest", next.as_deref()),
            State::Done => None,
        };
        url.map(|url| Ask::get(url, ACCEPT))
    }

    fn handle_answer(&mut self, head: &Head, body: &mut dyn Input, out: &mut dyn Write) -> Result<(), Refused> {
        self.requests += 1;
        if self.requests > FETCH_REQUESTS_MAX {
            return Err(Refused::TooMany(FETCH_REQUESTS_MAX));
        }
        match self.state {
            State::Collection => {
                let collection = Collection::read(head, body)?;
                if !collection.can_read {
                    return Err(Refused::CannotRead(collection.called()));
                }
                self.state = State::Objects(None);
                Ok(())
            }
            State::Objects(_) => self.handle_objects(head, body, out),
            State::Manifest(_) => {
                // That it asks to be left alone is heard by whoever carries the requests.
                self.handle_manifest(head, body);
                Ok(())
            }
            State::Done => Ok(()),
        }
    }

    fn finish(self: Box<Self>, out: &mut dyn Write) -> Result<Fetched, Refused> {
        let Taxii { mut resume, objects, newest, is_unsaid, began, .. } = *self;
        if objects == 0 {
            return Ok(Fetched { resume, format: Some(Format::Stix), extent: Extent::Unchanged });
        }
        out.write_all(b"]}")?;
        // Only now, after the last page: objects of one POST share their time, and what is added after it is strictly later.
        if is_unsaid {
            let overlapping = began.map(|began| began.minus(OVERLAP));
            let known = resume.added_after.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
            if let Some(from) = overlapping.filter(|from| known.is_none_or(|known| known < *from)) {
                resume.added_after = Some(from.to_string());
            }
        } else if let Some((_, words)) = newest {
            resume.added_after = Some(words);
        }
        Ok(Fetched { resume, format: Some(Format::Stix), extent: Extent::More })
    }
}

#[cfg(test)]
mod tests;
